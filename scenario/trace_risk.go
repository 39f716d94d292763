package scenario

import (
	"github.com/posim/posim/host"
)

// atRisk: risk control keeps a sale from being paid out; it ends by itself, or somebody ends it.
func (c *examined) atRisk(a *host.Entry) bool {
	h := a.Risk
	if h == nil || h.State != host.HoldHeld {
		return false
	}
	c.set(AnswerHeld, "risk-hold", "why", h.Reason, "since", h.Since)
	if h.OnDeadline == host.HoldRelease {
		c.itself(h.Deadline, "next-release", "amount", amount(c.family.net(host.PositionAcquirer)))
	} else {
		c.itself(h.Deadline, "next-give-back")
	}
	c.duty("merchant", "duty-risk")
	return true
}

// betweenThem: the acquirer has paid somebody else for the merchant.
func (c *examined) betweenThem(a *host.Entry) bool {
	p := a.Payout
	if p == nil || p.Via == "" {
		return false
	}
	switch p.State {
	case host.PayoutCredited:
		c.set(AnswerInDoubt, "aggregator-has-it", "name", p.Via).itself(p.Deadline, "next-passed-on", "name", p.Via).duty("merchant", "duty-aggregator", "name", p.Via)
	case host.PayoutLost:
		c.set(AnswerPayoutFailed, "aggregator-kept-it", "name", p.Via).duty("merchant", "duty-aggregator", "name", p.Via)
		c.finding.Next.Says = say("next-kept", "name", p.Via, "amount", amount(p.Amount))
	default:
		return false
	}
	return true
}

// riskMoment is what a record says of a hold, or of what became of a payout; false: neither has moved.
func riskMoment(a, b *host.Transaction) (Saying, bool) {
	was := host.HoldState(0)
	if b.Risk != nil {
		was = b.Risk.State
	}
	switch {
	case a.Risk != nil && a.Risk.State != was && a.Risk.State == host.HoldReleased:
		return say("m-released", "by", a.Risk.By), true
	case a.Risk != nil && a.Risk.State != was && a.Risk.State == host.HoldReturned:
		return say("m-given-back", "by", a.Risk.By), true
	case payout(a) != payout(b) && payout(a) == host.PayoutPassedOn:
		return say("m-passed-to-merchant"), true
	case payout(a) != payout(b) && payout(a) == host.PayoutLost:
		return say("m-kept", "name", a.Payout.Via), true
	case payout(a) != payout(b) && payout(a) == host.PayoutCredited && a.Payout.Via != "":
		return say("m-paid-aggregator", "name", a.Payout.Via, "fee", amount(a.Fee)), true
	}
	return Saying{}, false
}
