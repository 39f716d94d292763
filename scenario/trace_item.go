package scenario

import (
	"strings"

	"github.com/posim/posim/host"
)

// itemCauses are the causes of items by their type.
var itemCauses = map[host.ItemType]string{
	host.ReversalRefused: "reversal-refused", host.HostOnly: "not-in-batch", host.AmountMore: "amount-differs", host.SwitchOnly: "switch-only",
	host.TerminalOnly: "only-in-batch", host.AmountLess: "amount-differs", host.AcquirerOnly: "acquirer-only", host.SwitchLess: "switch-less",
	host.RefundUncovered: "refund-not-covered", host.Dispute: "dispute", host.AdviceRefused: "stand-in-refused", host.FeeDiffers: "fee-differs",
	host.ReturnedPayout: "payout-returned", host.OfflineRefused: "offline-refused-item",
	host.HeldBack: "risk-given-back", host.NotPassedOn: "aggregator-kept-it", host.RefundNetted: "refund-laid-out",
	host.PurseClaimed: "purse-claimed",
}

// reasonCauses are the beginnings of reasons that say more than the type does, or stand where there is none.
var reasonCauses = []struct{ reason, cause string }{
	{"reversal refused by the next hop", "issuer-refused-reversal"},
	{"reversal refused: the merchant has been paid", "reversal-after-payout"},
	{"reversal refused", "reversal-refused"},
	{"long item", "not-in-batch"},
	{"short item", "only-in-batch"},
	{"the terminal's batch has", "amount-differs"},
	{"payout returned", "payout-returned"},
}

func causeOfItem(d *host.Item) string {
	for _, known := range reasonCauses {
		if strings.HasPrefix(d.Reason, known.reason) {
			return known.cause
		}
	}
	if cause, there := itemCauses[d.Type]; there {
		return cause
	}
	return "difference"
}

// item is the family's item that matters most: one that is open, or else one that has come to something.
func (c *examined) item() (best *host.Item) {
	for _, t := range c.family.members {
		for _, e := range t.entries {
			if e == nil || e.Difference == nil || e.Difference.Stage == host.ItemClosed && e.Difference.Type != host.Dispute {
				continue
			}
			if d := e.Difference; best == nil || weight(d) > weight(best) {
				best = d
			}
		}
	}
	return best
}

// weight is how much an item matters. What is lost at one party is not open any more, though the other has not closed it.
func weight(d *host.Item) int {
	switch {
	case d.Stage == host.ItemLost && d.Type == host.Dispute:
		return 3
	case d.Open():
		return 2
	case d.Stage == host.ItemClosed:
		return 0
	}
	return 1
}

// fromItems: people have it in their hands, or had it.
func (c *examined) fromItems() bool {
	d := c.item()
	if d == nil {
		return false
	}
	cause := causeOfItem(d)
	if cause == "payout-returned" {
		c.payoutFailed(d)
		return true
	}
	if d.Type == host.NotPassedOn && c.family.root.entries[0] != nil && c.betweenThem(c.family.root.entries[0]) {
		return true
	}
	c.set(c.itemAnswer(cause, d), cause, "why", d.Reason, "amount", amount(d.Amount))
	switch d.Stage {
	case host.ItemOpen:
		c.waits(d.Deadline, "next-item", "owner", d.Owner).duty(d.Owner, "duty-item", "owner", d.Owner)
		if d.Type == host.PurseClaimed {
			c.itself(d.Deadline, "next-purse-claim", "owner", d.Owner).duty("", "duty-nobody")
		}
	case host.ItemAdjusted:
		c.adjusted()
	case host.ItemClosed:
		if c.family.debited() > 0 {
			return false
		}
		c.set(AnswerReversed, "charged-back", "why", d.Reason)
	case host.ItemAccepted:
		c.finding.Next.Says = say("next-accepted")
		if a := c.family.root.entries[0]; a != nil && c.family.net(host.PositionAcquirer) > 0 && !a.Paid {
			c.payout(a)
		}
	case host.ItemLost:
		if _, lost := c.loser(); lost == 0 { // and no money has moved: goods are gone
			c.finding.Next.Says = say("next-lost", "party", d.Bearer, "amount", amount(d.Amount))
		}
	default:
		c.waits(d.Deadline, "next-"+d.Stage.String(), "owner", d.Owner).duty("merchant", "duty-slip")
	}
	return true
}

// itemAnswer is the word for a transaction with an item.
func (c *examined) itemAnswer(cause string, d *host.Item) Answer {
	switch {
	case d.Stage == host.ItemAdjusted:
		return AnswerReversed
	case d.Stage == host.ItemAccepted && c.family.net(host.PositionMerchant) <= 0:
		return AnswerApproved
	case d.Stage == host.ItemAccepted, cause == "fee-differs", d.Stage == host.ItemLost && c.family.net(host.PositionMerchant) > 0:
		return AnswerPaid
	case d.Stage == host.ItemLost:
		return AnswerDeclined
	case c.family.net(host.PositionSuspense) > 0 || c.family.net(host.PositionAcquirer) > 0 || c.family.net(host.PositionSwitch) > 0:
		return AnswerHeld
	}
	return AnswerInDoubt
}

// adjusted: the money goes back to the cardholder with the next clearing.
func (c *examined) adjusted() {
	n := c.family.net(host.PositionSwitch)
	if n <= 0 {
		c.finding.Next.Says = say("next-adjusted")
		return
	}
	date := ""
	for _, t := range c.family.members {
		for _, e := range t.entries {
			if e != nil && e.Difference != nil && len(e.Difference.History) > 0 {
				date = max(date, nextWorkingDay(e.Difference.History[len(e.Difference.History)-1].Date))
			}
		}
	}
	c.itself(date, "next-refund", "amount", amount(n))
}
