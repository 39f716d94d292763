package host

import (
	"errors"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Codes that say only that somebody could not be asked: an advice that got one is as undecided as before, at every party.
func TestUndecidedAdviceIsNeverKept(t *testing.T) {
	for _, tt := range []struct {
		code      string
		undecided bool
	}{
		{"68", true}, {"91", true}, {"92", true}, {"96", true}, {"98", true}, {"A0", true},
		{"00", false}, {"05", false}, {"12", false}, {"14", false}, {"25", false}, {"30", false}, {"41", false}, {"51", false},
		{"54", false}, {"94", false}, {"", false},
	} {
		if dialect.Undecided(tt.code) != tt.undecided {
			t.Errorf("code %q: undecided %v, want %v", tt.code, !tt.undecided, tt.undecided)
		}
		if !tt.undecided {
			continue
		}
		for _, at := range []int{atAcquirer, atSwitch, atIssuer} {
			t.Run(tt.code+" forced at the "+placeNames[at], func(t *testing.T) {
				s := newStreet(t, rules.Set{})
				m := s.chip("0220", 1, 10000, 1)
				forced := false
				s.force = func(to int, m *dialect.Message) string {
					if to == at && m.MTI[:3] == "022" && !forced {
						forced = true
						return tt.code
					}
					return ""
				}
				s.ask(m)
				if !forced {
					t.Fatal("nothing was forced")
				}
				for i, n := range s.nodes {
					if e := n.m.View().Find(m.Key()); e != nil && e.State != Pending {
						t.Errorf("%s keeps %v %s", placeNames[i], e.State, e.ResponseCode)
					}
				}
				repeat := *m
				repeat.MTI = "0221"
				s.ask(&repeat)
				s.expect("the repeat", s.till.last().MTI+" "+s.till.last().ResponseCode, "0230 00")
				s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
			})
		}
	}
}

// An order about an account that does not exist changes nothing and is not silent.
func TestOrdersThatCannotBeCarriedOut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		order Admin
		is    error
	}{
		{"an unknown account", Admin{Account: "nobody", Status: Lost}, ErrUnknownAccount},
		{"an unknown status", Admin{Account: "card", Status: "asleep"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tw := newTown(t, rules.Set{})
			var told error
			issuer := tw.houses[atIssuer].party
			issuer.Admin(tt.order)
			issuer.AdminThen(tt.order, func(err error) { told = err })
			tw.pass(time.Second)
			tw.expect("observations", tw.saw(Refused), 2)
			if told == nil || tt.is != nil && !errors.Is(told, tt.is) {
				t.Errorf("told %v", told)
			}
			tw.expect("accounts", len(tw.views()[atIssuer].Accounts), 0)
			issuer.AdminThen(Admin{Account: "card", Status: Lost}, func(err error) { told = err })
			tw.pass(time.Second)
			tw.expect("told of one that can", told, nil)
			tw.expect("accounts", len(tw.views()[atIssuer].Accounts), 1)
		})
	}
}
