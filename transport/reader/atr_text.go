package reader

import (
	"fmt"
	"strings"
)

// Describe says in words what the answer to reset says: the protocols offered, what T=1 needs, the historical bytes, and
// whether an EMV terminal takes the card.
func (a *ATR) Describe() string {
	convention := "direct"
	if a.Inverse {
		convention = "inverse"
	}
	parts := []string{convention + " convention", strings.Join(a.protocols(), " and ")}
	for _, g := range a.Interface[:min(1, len(a.Interface))] {
		if g.TA != absent {
			parts = append(parts, fmt.Sprintf("TA1 %02X", g.TA))
		}
	}
	if g := a.specific(); g.TA != absent || g.TB != absent {
		parts = append(parts, fmt.Sprintf("IFSC %d, BWI %d, CWI %d", a.IFSC(), a.waiting()>>4, a.waiting()&0x0F))
	}
	if len(a.Historical) > 0 {
		parts = append(parts, fmt.Sprintf("historical bytes %X %q", a.Historical, printable(a.Historical)))
	}
	if _, err := a.CheckEMV(); err != nil {
		return strings.Join(parts, ", ") + "; not as EMV wants it"
	}
	return strings.Join(parts, ", ") + "; as EMV wants it"
}

// protocols are those offered, in their order; a card that names none speaks T=0.
func (a *ATR) protocols() (names []string) {
	seen := map[int]bool{}
	for _, g := range a.Interface {
		if t := g.TD & 0x0F; g.TD != absent && t != 15 && !seen[t] { // 15 announces interface bytes, no protocol
			seen[t] = true
			names = append(names, fmt.Sprintf("T=%d", t))
		}
	}
	if names == nil {
		return []string{"T=0"}
	}
	return names
}

func printable(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if out[i] = c; c < 0x20 || c > 0x7E {
			out[i] = '.'
		}
	}
	return string(out)
}
