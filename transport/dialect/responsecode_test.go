package dialect

import (
	"strings"
	"testing"
)

func TestResponseCodes(t *testing.T) {
	for _, c := range []struct {
		codes                             string
		approves, inFull, undecided, keys bool
	}{
		{codes: "00 11 A2 A4 A5 A6", approves: true, inFull: true},
		{codes: "10", approves: true},
		{codes: "09 68 91 92 96 98", undecided: true},
		{codes: "77 99 A0", undecided: true, keys: true},
		{codes: "01 03 05 12 13 14 25 30 41 51 54 55 75 94 A1 a0 0 000"},
	} {
		for _, code := range strings.Fields(c.codes) {
			for _, p := range []struct {
				name      string
				got, want bool
			}{
				{"approves", Approves(code), c.approves}, {"approves in full", ApprovesInFull(code), c.inFull},
				{"is undecided", Undecided(code), c.undecided}, {"refuses the keys", RefusesKeys(code), c.keys},
			} {
				if p.got != p.want {
					t.Errorf("code %q %s: %v, want %v", code, p.name, p.got, p.want)
				}
			}
		}
	}
}
