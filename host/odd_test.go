package host

import (
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A sale that the card approved offline and the issuer refuses is borne by whom the contract names: the merchant has nothing then, or is
// paid by his acquirer.
func TestWhoBearsAnOfflineSale(t *testing.T) {
	for _, c := range []struct{ by, item, money string }{
		{"", "offline-refused 10000 lost merchant", ""},
		{BearerMerchant, "offline-refused 10000 lost merchant", ""},
		{BearerAcquirer, "offline-refused 10000 lost acquirer", "merchant 9940 fees 60 loss:acquirer -10000"},
	} {
		o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Clearing.OfflineRefused = c.by })
		o.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: Closed}}, 0)
		m := o.chip("0220", 1, 10000, 1)
		m.Kind = dialect.KindOfflineSale
		o.ask(m)
		o.expect(c.by, o.item(atAcquirer, m), c.item)
		o.days("2026-03-03", "2026-03-04")
		o.expect(c.by, o.all(), c.money)
	}
}

// The same card, amount and merchant within ten minutes, those included, may be a mistake; another amount, and what was voided, is none.
func TestPossibleDuplicates(t *testing.T) {
	s := newStreet(t, rules.Set{})
	stan := 0
	sold := func(after time.Duration, amount int64) (*dialect.Message, bool) {
		stan++
		s.now = s.now.Add(after)
		m := s.sale(stan, amount)
		s.ask(m)
		return m, s.view(atAcquirer).Find(m.Key()).PossibleDuplicate
	}
	for _, c := range []struct {
		after  time.Duration
		amount int64
		want   bool
	}{{0, 100, false}, {10 * time.Minute, 100, true}, {10*time.Minute + 1, 100, false}, {0, 101, false}, {0, 100, true}} {
		_, got := sold(c.after, c.amount)
		s.expect("duplicate", got, c.want)
	}
	m, _ := sold(time.Hour, 777)
	s.ask(s.after(dialect.KindVoid, 50, m, 777))
	_, got := sold(0, 777)
	s.expect("of one that was voided", got, false)
}
