package scenario

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/host"
)

// risk reads which sales the acquirer holds back. A set that overlaps, or leaves a gap, is an error at the rule's own key.
func (t *typing) risk(n *node) (all []host.RiskRule) {
	if n.sort != sortList || len(n.items) == 0 || len(n.items) > host.MaxRiskRules {
		t.fail(n.pos, "want a list of 1 to %d rules: [{from: 50000.00, days: 3, reason: large amount}]", host.MaxRiskRules)
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.riskRule(item))
		if t.failed != nil {
			return nil
		}
	}
	var wrong *host.RiskError
	if errors.As(host.CheckRisk(all), &wrong) {
		at := n.items[wrong.Rule].pos
		if k := n.items[wrong.Rule].key(wrong.Key); wrong.Key != "" && k != nil {
			at = k.pos
		}
		t.fail(at, "%v", wrong.Err)
	}
	return all
}

func (t *typing) riskRule(n *node) (r host.RiskRule) {
	if !t.mapping(n, "a rule such as {from: 50000.00, days: 3, reason: large amount}", "from", "to", "by", "within", "count", "sum", "opened", "days", "on-deadline", "reason") {
		return r
	}
	for _, required := range []string{"days", "reason"} {
		if n.key(required) == nil && (required != "days" || n.key("opened") == nil) {
			t.fail(n.pos, "missing key %q", required)
			return r
		}
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "from":
			r.From = int64(t.money(value))
		case "to":
			r.To = int64(t.money(value))
		case "by":
			r.By = host.RiskBy(t.word(value, "what sales are counted by", host.RiskBys()...))
		case "within":
			d, err := time.ParseDuration(value.text)
			if value.sort != sortText || err != nil || d <= 0 {
				t.fail(value.pos, "want a duration such as 10m or 24h")
			}
			r.Within = d
		case "count":
			r.Count = t.number(value, "how many sales", 2, 1000)
		case "sum":
			r.Sum = int64(t.money(value))
		case "opened":
			r.Opened = t.number(value, "how many openings", 1, 16)
		case "days":
			r.Days = t.number(value, "how many days it is held", 1, host.MaxHoldDays)
		case "on-deadline":
			r.OnDeadline = t.word(value, "what happens at the deadline", host.HoldRelease, host.HoldReturn)
		case "reason":
			r.Reason = t.text(value, "a reason")
		}
	}
	return r
}

// bank reads how the account stands that the merchant is paid to.
func (t *typing) bank(n *node) host.Standing {
	if !t.mapping(n, "the merchant's account such as {account: closed}", "account") {
		return ""
	}
	a := n.key("account")
	if a == nil {
		t.fail(n.pos, `missing key "account"`)
		return ""
	}
	return host.Standing(t.word(a, "account", host.Standings()...))
}

// aggregator reads who is paid for the merchant.
func (t *typing) aggregator(n *node) *host.AggregatorConfig {
	if !t.mapping(n, "somebody who is paid for the merchant such as {name: payeasy, defaults: true}", "name", "defaults") {
		return nil
	}
	a := &host.AggregatorConfig{}
	name := n.key("name")
	if name == nil {
		t.fail(n.pos, `missing key "name"`)
		return nil
	}
	if a.Name = t.text(name, "a name"); !variableName.MatchString(a.Name) {
		t.fail(name.pos, "want a name of small letters, digits and -, as in loss:NAME")
	}
	if d := n.key("defaults"); d != nil {
		a.Defaults = t.truth(d)
	}
	return a
}

// payoutWords are what can have become of a sale's payout: states of a payout, and of risk control's hold.
func payoutWords() []string {
	return append(host.PayoutStates(), host.HoldHeld.String(), host.HoldReleased.String(), host.HoldReturned.String())
}

// payouts reads what has become of the payouts of sales; an empty list is that there are none.
func (t *typing) payouts(n *node) (all []string) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of what became of the payouts: [credited, returned]")
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.word(item, "state of a payout", payoutWords()...))
	}
	return all
}

// payoutOf is what has become of an entry's payout; "": it was not ordered, and nobody holds it.
func payoutOf(e *host.Entry) string {
	switch {
	case e.Payout != nil:
		return e.Payout.State.String()
	case e.Risk != nil:
		return e.Risk.State.String()
	}
	return ""
}

// expectPayouts compares what has become of the payouts of the acquirer's transactions, in their order.
func (p *evidence) expectPayouts(w Want[[]string]) {
	if !w.Set() {
		return
	}
	view, err := p.acquirer()
	switch {
	case view == nil && err == nil:
		p.hidden(w.Pos, "payouts")
		return
	case err != nil:
		p.fail(w.Pos, "%v", err)
		return
	}
	var found []string
	for _, e := range view.Transactions {
		if s := payoutOf(e); s != "" {
			found = append(found, s)
		}
	}
	if !slices.Equal(found, w.Value) {
		p.fail(w.Pos, "expected %s, found %s", orNothingFound(strings.Join(w.Value, ", ")), orNothingFound(strings.Join(found, ", ")))
	}
}
