package scenario

import (
	"github.com/posim/posim/host"
	"github.com/posim/posim/transport/dialect"
)

// beliefs are what each party has on record, from the till to the cardholder's bank. A party whose store is not there is not
// spoken for.
func (d *Dossier) beliefs(t *transaction) (all []Belief) {
	if len(d.books) > 0 {
		all = append(all, Belief{partyTerminal, d.terminalBelief(t)})
	}
	for i, party := range chain {
		if d.views[party] != nil {
			all = append(all, Belief{party, hostBelief(party, t.entries[i])})
		}
	}
	if d.views[chain[0]] != nil && debits(t.kind()) && t.entries[0] != nil {
		if d.views[partyBank] != nil {
			all = append(all, Belief{partyBank, d.bankBelief(t.entries[0])})
		}
		all = append(all, Belief{"merchant", d.merchantBelief(t)})
	}
	return all
}

// terminalBelief is what the journal says, or what its closed batch has left.
func (d *Dossier) terminalBelief(t *transaction) Saying {
	r := t.record
	if r == nil {
		if l, failed := d.left(t); failed {
			return say("t-failed", "code", l.Why, "meaning", l.Why)
		} else if l != nil {
			return say("t-carried", "note", l.Why)
		}
		if c := d.closed(t); c != nil {
			return say("t-closed", "batch", c.batch.Number, "result", resultFact(c.batch.Result, c.batch.ForeignResult))
		}
		return say("t-unknown")
	}
	receipt := "no"
	if r.Printed {
		receipt = "yes"
	}
	return say("t-"+string(r.State), "code", r.Code, "meaning", r.Code, "reason", r.Reason, "batch", r.Batch, "receipt", receipt, "note", r.Parking, "kind", t.kind().String())
}

func resultFact(all ...dialect.SettlementResult) string {
	for _, r := range all {
		if r == dialect.SettlementNotEqual {
			return "unequal"
		}
	}
	return "equal"
}

// hostBelief is what a host's entry says; nil: it has none.
func hostBelief(party string, e *host.Entry) Saying {
	if e == nil {
		return say("h-unknown")
	}
	facts := []string{"code", e.ResponseCode, "meaning", e.ResponseCode, "note", e.Note, "reason", e.ReversalReason, "late", e.LateCode}
	id := "h-" + e.State.String()
	switch {
	case e.ReversalDue:
		id += "-due"
	case e.State == host.Approved && e.Kind == dialect.KindRefund && party == "issuer" && !e.Paid:
		id = "h-refund-waits"
	case e.State == host.Approved && party == "switch" && e.StandIn != 0:
		id = "h-stand-in-" + e.StandIn.String()
	case e.State == host.Approved && e.Risk != nil && e.Risk.State == host.HoldHeld:
		id = "h-risk"
		facts = append(facts, "since", e.Risk.Since, "deadline", e.Risk.Deadline, "why", e.Risk.Reason)
	case e.State == host.Approved && e.Expired:
		id = "h-expired"
	case e.State == host.Approved && e.Hold > 0:
		id = "h-hold"
		facts = append(facts, "amount", amount(e.Hold))
	case party == "issuer" && e.Difference != nil && e.Difference.Type == host.PurseClaimed && e.Difference.Stage != host.ItemClosed:
		id = "h-purse-claimed"
		if e.Difference.Stage == host.ItemAdjusted {
			id = "h-purse-refunded"
		}
		facts = append(facts, "amount", amount(e.Difference.Amount))
	case e.State == host.Approved && party == "issuer" && e.Net(host.PositionPursePool) < 0:
		id = "h-purse-booked"
		facts = append(facts, "amount", amount(-e.Net(host.PositionPursePool)))
	case e.State == host.Approved && party == "issuer" && e.Net(host.PositionCardholder)+e.Net(host.PositionWallet) < 0:
		id = "h-debited"
		facts = append(facts, "amount", amount(-e.Net(host.PositionCardholder)-e.Net(host.PositionWallet)), "time", e.Opened.Format(instantForm))
	case e.State == host.Approved && party == "issuer" && e.Net(host.PositionCardholder)+e.Net(host.PositionWallet) > 0:
		id = "h-credited"
		facts = append(facts, "amount", amount(e.Net(host.PositionCardholder)+e.Net(host.PositionWallet)))
	case e.State == host.Approved && party == "issuer" && len(e.Postings) > 1:
		id = "h-back"
	case e.State == host.Declined && party == "issuer" && e.Net(host.PositionCardholder)+e.Net(host.PositionWallet) < 0:
		id = "h-claimed"
		facts = append(facts, "amount", amount(-e.Net(host.PositionCardholder)-e.Net(host.PositionWallet)))
	case e.State == host.Reversed && party == "issuer" && len(e.Postings) > 1 && undoing(e.Kind):
		id = "h-back-void"
	case e.State == host.Reversed && party == "issuer" && len(e.Postings) > 1:
		id = "h-back"
	}
	if e.Difference.Open() {
		facts = append(facts, "owner", e.Difference.Owner, "deadline", e.Difference.Deadline)
	}
	return say(id, facts...)
}

const instantForm = "2006-01-02 15:04:05"

// bankBelief is what the bank has made of the order that pays a transaction.
func (d *Dossier) bankBelief(e *host.Entry) Saying {
	if e.Payout == nil {
		return say("b-none")
	}
	all := d.credits[e.Payout.Order]
	if len(all) == 0 {
		return say("b-unknown")
	}
	last := all[len(all)-1]
	if last.Reason != "" {
		return say("b-returned", "why", last.Reason, "amount", amount(last.Amount), "account", last.Account, "time", last.at.Format(instantForm))
	}
	return say("b-credited", "amount", amount(last.Amount), "account", last.Account, "time", last.at.Format(instantForm))
}

// merchantBelief is what has reached the merchant.
func (d *Dossier) merchantBelief(t *transaction) Saying {
	f := d.families[t]
	paid, fees := f.net(host.PositionMerchant), f.net(host.PositionFees)
	switch {
	case paid > 0:
		return say("p-paid", "amount", amount(paid), "fee", amount(fees))
	case paid < 0:
		return say("p-charged", "amount", amount(-paid))
	}
	return say("p-not-paid")
}
