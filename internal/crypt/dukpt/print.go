package dukpt

import "fmt"

// String is "dukpt.State(KSN)".
func (s State) String() string { return "dukpt.State(" + s.KSN().String() + ")" }

// GoString is String.
func (s State) GoString() string { return s.String() }

// Format prints String for every verb.
func (s State) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText is the KSN, in JSON too.
func (s State) MarshalText() ([]byte, error) { return s.KSN().MarshalText() }

// String is "dukpt.Deriver(TDES2)": the algorithm of the BDK.
func (h Deriver) String() string {
	if h.d == nil || h.d.alg == 0 {
		return "dukpt.Deriver(none)"
	}
	return "dukpt.Deriver(" + h.d.alg.String() + ")"
}

// GoString is String.
func (h Deriver) GoString() string { return h.String() }

// Format prints String for every verb.
func (h Deriver) Format(f fmt.State, _ rune) { fmt.Fprint(f, h.String()) }

// MarshalText is String, in JSON too.
func (h Deriver) MarshalText() ([]byte, error) { return []byte(h.String()), nil }
