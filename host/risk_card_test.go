package host

import (
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
)

// TestARuleCountsCardsAndNotWhatIsShownOfThem: two cards may have the same six digits in front and four behind.
func TestARuleCountsCardsAndNotWhatIsShownOfThem(t *testing.T) {
	r := &RiskRule{By: ByCard}
	const shown, another = "476173******0119", "622500******0014"
	for _, c := range []struct {
		name string
		a, b Transaction
		want bool
	}{
		{"one card", Transaction{Card: shown, CardToken: "1"}, Transaction{Card: shown, CardToken: "1"}, true},
		{"two that look alike", Transaction{Card: shown, CardToken: "1"}, Transaction{Card: shown, CardToken: "2"}, false},
		{"one of a log without tokens", Transaction{Card: shown}, Transaction{Card: shown, CardToken: "1"}, true},
		{"another of a log without tokens", Transaction{Card: another}, Transaction{Card: shown, CardToken: "1"}, false},
		{"no card", Transaction{}, Transaction{}, false},
	} {
		if got := r.same(&c.a, &c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestAnAcquirerKnowsCardsWhereARuleCountsThem: by a keyed digest, which is in its log and in no view.
func TestAnAcquirerKnowsCardsWhereARuleCountsThem(t *testing.T) {
	for _, counts := range []bool{true, false} {
		s := newStreet(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) {
			if counts {
				a.Risk = []RiskRule{{By: ByCard, Within: time.Hour, Count: 3, Days: 1, Reason: "r"}}
			}
		})
		for i := range 3 {
			s.ask(s.sale(i+1, 100))
		}
		s.restart(atAcquirer)
		all := s.view(atAcquirer).Transactions
		if counts != (all[0].CardToken != "") || all[0].CardToken != all[1].CardToken || all[1].CardToken != all[2].CardToken {
			t.Errorf("tokens %q, %q and %q with a rule that counts: %v", all[0].CardToken, all[1].CardToken, all[2].CardToken, counts)
		}
		if counts != (all[2].Risk != nil) {
			t.Errorf("the third sale of a card is held: %v", all[2].Risk)
		}
	}
}
