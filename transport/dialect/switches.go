package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Switches are what documents of one dialect disagree about. The zero value is a usual document, on the safe side where safety is
// concerned. Those that say how bytes are written are the dialect's own; those that say how a terminal behaves, it reads from
// Dialect.Switches. Which MAC is computed is no switch here: the security module's scheme says so.
//
// So far cup alone has any.
type Switches struct {
	Header          string // "header": 12 hexadecimal digits, the sixth 0; default 603100311100
	DropWrongHeader bool   // "wrong-header": drop what comes with another application class or version (ErrHeader), as hosts do, or accept it
	Length60        int    // "length-60": digits of DE 60 in a transaction's request: 13, 8, 11, 14, 15 or 17
	Length63        int    // "length-63": characters of an operator's number: 3, filled with spaces, or 2
	ZeroTrackFiller bool   // "track-filler": the nibble after an odd track: F, or 0
	NumericCode     bool   // "field-59": DE 59 is ans, or digits two to a byte
	KeyLayout       int    // "keys": bytes of a sign-on's keys: 40, 24, 60 or 84
	SingleMAK       bool   // "mak": the MAC key is double, or single (a host generates it so)
	ManagementMAC   bool   // "management-mac": network management has no MAC, or all of it but the sign-on
	SignatureCode   string // "signature-code": 60.3 of a signature: 800, 801 or 301

	BCTCMismatch      bool // "mismatch": an answer with other contents reverses the transaction, or (bctc) ends it without: unsafe
	OnlyApprovalEnds  bool // "unmatched-reversal": a reversal ends with 00, 12 and 25, or with 00 alone
	ReverseOnce       bool // "reversal-retry": a reversal is tried several times on each occasion, or once
	ReasonBecomes06   bool // "reversal-reason": the first reason stays, or is 06 after an answer that did not end the reversal
	GiveUpAtClose     bool // "before-settlement": what cannot be sent stops the settlement, or is given up
	SignOffAfterClose bool // "after-settlement": a settled terminal stays signed on, or signs off
	NextBatchBySignOn bool // "next-batch": the terminal counts its batches, or takes the next one's number from a sign-on
}

// choice is one switch: its name, and its values as text, of which the first is the default.
type choice struct {
	name   string
	values []string
	set    func(s *Switches, value string)
	get    func(s *Switches) string
}

func word(name, off, on string, at func(*Switches) *bool) choice {
	return choice{name, []string{off, on}, func(s *Switches, v string) { *at(s) = v == on }, func(s *Switches) string {
		if *at(s) {
			return on
		}
		return off
	}}
}

func count(name string, at func(*Switches) *int, values ...string) choice {
	return choice{name, values, func(s *Switches, v string) { *at(s), _ = strconv.Atoi(v) }, func(s *Switches) string { return strconv.Itoa(*at(s)) }}
}

func code(name string, at func(*Switches) *string, values ...string) choice {
	return choice{name, values, func(s *Switches, v string) { *at(s) = v }, func(s *Switches) string { return *at(s) }}
}

// choices are all switches, in the order of Switches. One without values has a form of its own.
var choices = []choice{
	code("header", func(s *Switches) *string { return &s.Header }),
	word("wrong-header", "accept", "drop", func(s *Switches) *bool { return &s.DropWrongHeader }),
	count("length-60", func(s *Switches) *int { return &s.Length60 }, "13", "8", "11", "14", "15", "17"),
	count("length-63", func(s *Switches) *int { return &s.Length63 }, "3", "2"),
	word("track-filler", "F", "0", func(s *Switches) *bool { return &s.ZeroTrackFiller }),
	word("field-59", "ans", "numeric", func(s *Switches) *bool { return &s.NumericCode }),
	count("keys", func(s *Switches) *int { return &s.KeyLayout }, "40", "24", "60", "84"),
	word("mak", "double", "single", func(s *Switches) *bool { return &s.SingleMAK }),
	word("management-mac", "no", "yes", func(s *Switches) *bool { return &s.ManagementMAC }),
	code("signature-code", func(s *Switches) *string { return &s.SignatureCode }, "800", "801", "301"),
	word("mismatch", "reverse", "bctc", func(s *Switches) *bool { return &s.BCTCMismatch }),
	word("unmatched-reversal", "ends", "stays", func(s *Switches) *bool { return &s.OnlyApprovalEnds }),
	word("reversal-retry", "attempts", "once", func(s *Switches) *bool { return &s.ReverseOnce }),
	word("reversal-reason", "first", "06", func(s *Switches) *bool { return &s.ReasonBecomes06 }),
	word("before-settlement", "stop", "give-up", func(s *Switches) *bool { return &s.GiveUpAtClose }),
	word("after-settlement", "stay", "sign-off", func(s *Switches) *bool { return &s.SignOffAfterClose }),
	word("next-batch", "count", "sign-on", func(s *Switches) *bool { return &s.NextBatchBySignOn }),
}

// ParseSwitches reads switches by their names, as configurations write them: {"length-60": "11", "mak": "single"}. An unknown name or
// value is an error that says what is known. What is left out has its default.
func ParseSwitches(values map[string]string) (Switches, error) {
	var s Switches
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c := switchNamed(name)
		if c == nil {
			return Switches{}, fmt.Errorf("dialect: switch %q: want one of %s", name, strings.Join(SwitchNames(), ", "))
		}
		v := values[name]
		if c.values != nil && !slices.Contains(c.values, v) {
			return Switches{}, fmt.Errorf("dialect: switch %s: %q: want %s", name, v, strings.Join(c.values, ", "))
		}
		c.set(&s, v)
	}
	s = s.normal()
	return s, s.check()
}

// SwitchNames lists the names that ParseSwitches knows.
func SwitchNames() []string {
	var names []string
	for _, c := range choices {
		names = append(names, c.name)
	}
	return names
}

// SwitchValues lists the values of a switch, the default first; nil if there is no such switch, or any header will do.
func SwitchValues(name string) []string {
	if c := switchNamed(name); c != nil {
		return slices.Clone(c.values)
	}
	return nil
}

func switchNamed(name string) *choice {
	for i := range choices {
		if choices[i].name == name {
			return &choices[i]
		}
	}
	return nil
}

// Map is the way back of ParseSwitches: every switch that has not its default.
func (s Switches) Map() map[string]string {
	s = s.normal()
	usual := Switches{}.normal()
	m := map[string]string{}
	for _, c := range choices {
		if v := c.get(&s); v != c.get(&usual) {
			m[c.name] = v
		}
	}
	return m
}

// normal is s with its defaults written out.
func (s Switches) normal() Switches {
	for _, c := range choices {
		if v := c.get(&s); c.values != nil && (v == "" || v == "0" && c.values[0] != "0" && !slices.Contains(c.values, "0")) {
			c.set(&s, c.values[0])
		}
	}
	if s.Header == "" {
		s.Header = usualCUPHeader
	}
	return s
}

// check refuses values that no switch has.
func (s Switches) check() error {
	for _, c := range choices {
		if v := c.get(&s); c.values != nil && !slices.Contains(c.values, v) {
			return fmt.Errorf("dialect: switch %s: %q: want %s", c.name, v, strings.Join(c.values, ", "))
		}
	}
	if err := checkCUPHeader(s.Header); err != nil {
		return fmt.Errorf("dialect: switch header: %w", err)
	}
	return nil
}
