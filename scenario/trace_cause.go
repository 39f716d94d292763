package scenario

import (
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// The cause is worked out from records alone: states, reasons, codes, notes and items. Where two causes leave the same records they are one
// here: an answer that was lost, and one that came when the terminal had given up, are the same to every host, and only the terminal, which
// drops the late one, could write that down. No host is told whether the card refused or the answer was about something else, but the
// terminal's record says so.

// decide finds the cause, and what follows from it.
func (c *examined) decide() {
	for _, look := range []func() bool{c.fromItems, c.fromTerminal, c.fromDeclined, c.fromHosts} {
		if look() {
			c.losses()
			return
		}
	}
	c.set(AnswerInDoubt, "unknown").duty("acquirer", "duty-ask")
}

// set says what the answer and the cause are; at rest, by nobody's doing, until more is said.
func (c *examined) set(a Answer, cause string, facts ...string) *examined {
	c.finding.Answer, c.finding.Cause, c.finding.Rest = a, say(cause, facts...), true
	c.finding.Next, c.finding.Duty = Next{Says: say("next-nothing")}, Duty{Says: say("duty-nobody")}
	return c
}

// itself: the money moves on by itself.
func (c *examined) itself(on, sentence string, facts ...string) *examined {
	c.finding.Next, c.finding.Rest = Next{true, on, say(sentence, append(facts, "date", on)...)}, false
	return c
}

// waits: it does not, and somebody has until then.
func (c *examined) waits(on, sentence string, facts ...string) *examined {
	c.finding.Next, c.finding.Rest = Next{false, on, say(sentence, append(facts, "date", on)...)}, false
	return c
}

func (c *examined) duty(party, sentence string, facts ...string) *examined {
	c.finding.Duty = Duty{party, say(sentence, append(facts, "rrn", c.finding.RRN, "stan", c.finding.Key.STAN)...)}
	return c
}

// payoutFailed: the bank could not credit the merchant. He is paid once more when his account is right.
func (c *examined) payoutFailed(i *host.Item) {
	for _, t := range c.family.members {
		e := t.entries[0]
		if e == nil || e.Payout == nil {
			continue
		}
		facts := []string{"why", e.Payout.Reason, "account", e.Payout.Account, "amount", amount(e.Payout.Amount)}
		switch e.Payout.State {
		case host.PayoutCorrected:
			c.set(AnswerPayoutFailed, "payout-corrected", facts...).itself("", "next-payout-again", "amount", amount(e.Payout.Amount))
			return
		case host.PayoutOrdered:
			c.set(AnswerPayoutFailed, "payout-again", facts...).itself("", "next-bank", "amount", amount(e.Payout.Amount))
			return
		}
		c.set(AnswerPayoutFailed, "payout-returned", facts...).waits(i.Deadline, "next-correct", "owner", i.Owner).duty("merchant", "duty-account", "account", e.Payout.Account)
		return
	}
	c.set(AnswerPayoutFailed, "payout-returned", "why", strings.TrimPrefix(i.Reason, "payout returned: ")).waits(i.Deadline, "next-correct", "owner", i.Owner).duty("merchant", "duty-account")
}

// losses says who bears what nobody can get back any more.
func (c *examined) losses() {
	if who, n := c.loser(); n > 0 && c.finding.Next.Says.ID == "next-nothing" {
		c.finding.Next.Says = say("next-lost", "party", who, "amount", amount(n))
	}
}

// loser is who bears the family's loss, and how much.
func (c *examined) loser() (party string, n int64) {
	for _, h := range c.finding.Money {
		if who, lost := strings.CutPrefix(h.Position, host.PositionLoss); lost && -h.Amount > n {
			party, n = who, -h.Amount
		}
	}
	return party, n
}

// fromTerminal: what the terminal has not finished, or knows better than anybody.
func (c *examined) fromTerminal() bool {
	r := c.t.record
	if r == nil {
		if l, failed := c.left(c.t); failed {
			c.set(AnswerDeclined, "offline-refused", "code", l.Why, "meaning", l.Why).duty("merchant", "duty-offline-refused")
			return true
		} else if l != nil {
			c.set(AnswerInDoubt, "parked", "why", l.Why).waits("", "next-people").duty("acquirer", "duty-parked")
			return true
		}
		return false
	}
	switch r.State {
	case terminal.Pending:
		c.set(AnswerInDoubt, "unfinished").itself("", "next-boot").duty("merchant", "duty-power")
	case terminal.ReversalDue:
		payout := ""
		if a := c.t.entries[0]; a != nil && c.family.net(host.PositionAcquirer) > 0 {
			payout = nextWorkingDay(a.BusinessDate)
		}
		c.set(AnswerInDoubt, "reversal-due", "reason", r.Reason).itself("", "next-reversal", "payout", payout).duty("merchant", "duty-reversal")
		c.undecidedAnswer()
	case terminal.AdviceDue:
		c.set(AnswerApproved, adviceCause(c.t.kind())).itself("", "next-advice").duty("merchant", "duty-advice")
	case terminal.Torn:
		c.set(AnswerInDoubt, "purse-torn").itself("", "next-purse-torn").duty("merchant", "duty-tap-again")
	case terminal.Unresolved:
		c.set(AnswerInDoubt, "purse-unresolved").waits("", "next-purse-unresolved").duty("cardholder", "duty-purse-claim")
	case terminal.Refused:
		c.refused(r)
	case terminal.Parked:
		c.set(AnswerInDoubt, "parked", "why", r.Parking, "code", r.Code, "meaning", r.Code).waits("", "next-people").duty("acquirer", "duty-parked")
		if a := c.t.entries[0]; r.Reason == "" && a != nil && a.State == host.Approved && !a.Paid { // an offline sale that the acquirer has taken
			c.payout(a)
		}
	case terminal.ReversalRefused:
		c.set(AnswerInDoubt, "reversal-refused").waits("", "next-people").duty("acquirer", "duty-parked")
	case terminal.ReversedUnmatched:
		if a := c.t.entries[0]; a != nil && a.State != host.Tombstone {
			return false
		}
		c.set(AnswerReversed, "request-lost").duty("merchant", "duty-again")
	case terminal.Reversed:
		return c.reversed(r.Reason)
	default:
		return false
	}
	return true
}

// undecidedAnswer: what is due to be reversed is in doubt only if it may have been approved.
func (c *examined) undecidedAnswer() {
	if a := c.t.entries[0]; a != nil && a.State == host.Declined && c.family.debited() == 0 {
		c.finding.Answer = AnswerDeclined
	}
}

func adviceCause(k dialect.Kind) string {
	if k == dialect.KindOfflineSale {
		return "offline-waiting"
	}
	return "advice-waiting"
}

// refused: an advice, a void or a refund that the host has said no to.
func (c *examined) refused(r *terminal.Record) {
	code := []string{"code", r.Code, "meaning", r.Code}
	if a := c.t.entries[0]; a != nil && a.Note != "" {
		code = append(code, "note", a.Note)
	}
	switch c.t.kind() {
	case dialect.KindOfflineSale:
		c.set(AnswerDeclined, "offline-refused", code...).duty("merchant", "duty-offline-refused")
	case dialect.KindVoid, dialect.KindCompletionVoid, dialect.KindPreAuthVoid:
		c.set(AnswerDeclined, "void-refused", code...).duty("merchant", "duty-refund-instead")
	case dialect.KindRefund:
		c.set(AnswerDeclined, "refund-refused", code...).duty("merchant", "duty-refund-refused")
	default:
		c.set(AnswerDeclined, "advice-refused", code...).duty("merchant", "duty-ask")
	}
}

// reversed: undone, and why.
func (c *examined) reversed(reason string) bool {
	a, s, i := c.t.entries[0], c.t.entries[1], c.t.entries[2]
	if due := c.due(); due != "" {
		c.set(AnswerReversed, "reversal-under-way", "reason", reason).itself("", "next-repeat", "party", due)
		if c.family.debited() == 0 {
			c.finding.Next.Says = say("next-repeat-nothing", "party", due)
		}
		return true
	}
	cause := ""
	switch {
	case a != nil && a.State == host.Approved:
		return false // the hosts know better, and somebody has to look
	case a != nil && a.State == host.Declined && dialect.RefusesKeys(a.ResponseCode):
		cause = "keys-refused"
	case a != nil && a.State == host.Declined && c.family.moved():
		cause = declineCause(a.ResponseCode, a.Note)
	case reason == dialect.ReasonMAC:
		cause = "answer-mac-wrong"
	case reason == dialect.ReasonDeviceFault:
		cause = "terminal-fault"
	case reason == dialect.ReasonMismatch:
		cause = c.notTaken(a)
	case a != nil && a.State == host.Declined:
		cause = "decline-lost"
	case undoing(c.t.kind()):
		cause = "void-undone"
	case c.t.kind() == dialect.KindCompletion:
		cause = "completion-undone"
	case a != nil && len(a.Postings) > 0, holds(c.t.kind()) && a != nil && a.ResponseCode == "00":
		cause = "approval-lost"
	case i != nil && len(i.Postings) > 0, a != nil && a.LateCode != "", s != nil && s.LateCode != "":
		cause = "answer-too-late"
	case a == nil && len(c.views) > 0:
		cause = "request-lost"
	default:
		cause = "reversed"
	}
	answer, code := AnswerReversed, ""
	if a != nil && a.State == host.Declined {
		answer, code = AnswerDeclined, a.ResponseCode
	}
	c.set(answer, cause, "reason", reason, "code", code).duty("merchant", "duty-again")
	if undoing(c.t.kind()) {
		c.duty("merchant", "duty-void-again")
	}
	if cause == "completion-undone" {
		c.holdGoesOn()
	}
	return true
}

// notTaken: an approval arrived, and somebody did not take it. Only the terminal's record says who; what was approved in part, the acquirer's
// does.
func (c *examined) notTaken(a *host.Entry) string {
	if r := c.t.record; r != nil {
		switch {
		case r.Why == terminal.WhyCard:
			return "card-refused"
		case r.Why == terminal.WhyPart, r.Why == terminal.WhyMismatch && a != nil && a.ApprovedAmount > 0 && a.ApprovedAmount < a.Amount:
			return "part-not-wanted"
		case r.Why == terminal.WhyMismatch:
			return "answer-mismatch"
		}
	}
	return "answer-refused"
}

func undoing(k dialect.Kind) bool { return slices.Contains(undoes, k) }

// due is who still has to tell the next hop; "": nobody.
func (c *examined) due() string {
	for i, e := range c.t.entries {
		if e != nil && e.ReversalDue {
			return chain[i]
		}
	}
	return ""
}

// fromDeclined: somebody said no.
func (c *examined) fromDeclined() bool {
	code, note, by := c.said()
	if code == "" {
		return false
	}
	facts := []string{"code", code, "meaning", code, "note", note, "party", by}
	if due := c.due(); due != "" {
		c.set(AnswerDeclined, "upstream-reversal-due", facts...).itself("", "next-repeat", "party", due)
		return true
	}
	cause, duty := declineCause(code, note), "duty-declined"
	switch cause {
	case "upstream-timeout", "host-restarted", "issuer-unavailable":
		duty = "duty-retry"
		if i := c.t.entries[2]; i != nil && i.State == host.Approved && c.family.debited() > 0 {
			c.set(AnswerInDoubt, "declined-but-debited", facts...).waits("", "next-people").duty("acquirer", "duty-item", "owner", "acquirer")
			return true
		}
	case "keys-refused":
		duty = "duty-sign-on"
	case "number-used":
		duty = "duty-settle"
	case "card-blocked", "unknown-card", "card-expired":
		duty = "duty-other-card"
	case "referral":
		duty = "duty-call"
	case "terminal-refused":
		duty = "duty-terminal"
	}
	if undoing(c.t.kind()) {
		cause, duty = "void-refused", "duty-refund-instead"
	}
	if c.t.kind() == dialect.KindRefund {
		cause, duty = "refund-refused", "duty-refund-refused"
	}
	if c.t.kind() == dialect.KindCompletion || c.t.kind() == dialect.KindCompletionAdvice {
		cause, duty = "completion-refused", "duty-completion"
	}
	c.set(AnswerDeclined, cause, facts...).duty("merchant", duty)
	return true
}

// said is the code of who said no first, going up: the terminal's record has what arrived.
func (c *examined) said() (code, note, by string) {
	for n := len(c.t.entries) - 1; n >= 0; n-- {
		if e := c.t.entries[n]; e != nil && e.State == host.Declined {
			code, note, by = e.ResponseCode, e.Note, chain[n]
			break
		}
	}
	if r := c.t.record; r != nil && r.State == terminal.Declined {
		if by == "" {
			by = "acquirer"
		}
		return r.Code, note, by
	}
	if c.t.record != nil || c.t.entries[0] == nil || c.t.entries[0].State != host.Declined {
		return "", "", ""
	}
	return code, note, by
}

// declineCauses are the causes of response codes.
var declineCauses = map[string]string{
	"01": "referral", "02": "referral", "03": "terminal-refused", "58": "terminal-refused", "97": "terminal-refused",
	"04": "card-blocked", "41": "card-blocked", "43": "card-blocked", "62": "card-blocked", "38": "card-blocked",
	"14": "unknown-card", "51": "no-funds", "61": "no-funds", "65": "no-funds", "54": "card-expired", "55": "wrong-pin", "75": "wrong-pin",
	"68": "upstream-timeout", "98": "upstream-timeout", "90": "issuer-unavailable", "91": "issuer-unavailable", "92": "issuer-unavailable",
	"96": "issuer-unavailable", "94": "number-used", "77": "keys-refused", "99": "keys-refused", "A0": "keys-refused", "25": "no-original",
}

func declineCause(code, note string) string {
	switch note {
	case "pending at boot":
		return "host-restarted"
	case "no answer from above":
		return "upstream-timeout"
	}
	if cause, there := declineCauses[code]; there {
		return cause
	}
	return "declined"
}

// fromHosts: nobody said no, and the terminal has nothing to add.
func (c *examined) fromHosts() bool {
	a := c.t.entries[0]
	if a == nil {
		a = c.t.entries[2] // of a house of which only the issuer is there
	}
	switch {
	case a == nil && c.t.record != nil && c.t.record.InBatch():
		c.set(AnswerApproved, "terminal-approved").waits("", "next-ask-host").duty("acquirer", "duty-ask")
		return true
	case a == nil:
		return false
	case a.State == host.Pending:
		c.set(AnswerInDoubt, "undecided").itself("", "next-timer")
		return true
	case a.State == host.Tombstone:
		c.set(AnswerReversed, "request-lost").duty("merchant", "duty-again")
		return true
	case a.State == host.Reversed:
		return c.reversed(a.ReversalReason)
	case a.State != host.Approved:
		return false
	}
	c.approved(a)
	return true
}

// approved: it stands, or something that names it has changed it.
func (c *examined) approved(a *host.Entry) {
	k := c.t.kind()
	switch {
	case holds(k):
		c.held(a)
	case k == dialect.KindQRCancel:
		c.set(AnswerApproved, "cancel-done")
	case undoing(k):
		c.set(AnswerApproved, "void-done")
	case k == dialect.KindRefund:
		c.refund(a)
	case k == dialect.KindTipAdjust, k == dialect.KindAdjustment:
		c.payable(a, "adjusted")
	case c.done(dialect.KindVoid, dialect.KindCompletionVoid, dialect.KindQRCancel) != nil:
		v := c.done(dialect.KindVoid, dialect.KindCompletionVoid, dialect.KindQRCancel)
		c.set(AnswerReversed, "voided", "other", v.key.STAN)
		if due := (&examined{Dossier: c.Dossier, t: v}).due(); due != "" {
			c.itself("", "next-repeat", "party", due)
		}
	case !moves(k):
		c.set(AnswerApproved, "no-money")
	case c.atRisk(a) || c.betweenThem(a):
	case c.t.entries[1] != nil && c.t.entries[1].StandIn == host.StandInDue:
		answer := AnswerApproved
		if a.Paid {
			answer = AnswerPaid
		}
		c.set(answer, "stand-in-due", "amount", amount(a.Amount)).itself("", "next-stand-in")
	default:
		c.payable(a, "")
	}
}

// done is the approved transaction of one of these kinds that names this one, and stands itself; nil: none.
func (c *examined) done(kinds ...dialect.Kind) *transaction { return c.naming(c.t, kinds) }

func (c *examined) naming(original *transaction, kinds []dialect.Kind) *transaction {
	for _, t := range c.family.members {
		for _, e := range t.entries {
			if e != nil && e.Original == original.key && e.State == host.Approved && slices.Contains(kinds, e.Kind) &&
				(undoing(e.Kind) || c.naming(t, undoes) == nil) {
				return t
			}
		}
	}
	return nil
}

// undoes are the kinds of what takes something back.
var undoes = []dialect.Kind{dialect.KindVoid, dialect.KindCompletionVoid, dialect.KindPreAuthVoid}

// held: a pre-authorisation.
func (c *examined) held(a *host.Entry) {
	switch {
	case c.done(dialect.KindCompletion, dialect.KindCompletionAdvice) != nil:
		t := c.done(dialect.KindCompletion, dialect.KindCompletionAdvice)
		c.set(AnswerApproved, "completed", "other", t.key.STAN)
	case c.done(dialect.KindPreAuthVoid) != nil:
		c.set(AnswerReversed, "hold-released")
	case a.Expired:
		c.set(AnswerApproved, "hold-expired").duty("merchant", "duty-completion")
	default:
		c.set(AnswerHeld, "hold-running")
		c.holdGoesOn()
	}
}

// holdGoesOn: an amount is held until it is completed, released or expires.
func (c *examined) holdGoesOn() {
	for _, t := range c.family.members {
		for _, e := range t.entries {
			if e != nil && e.Hold > 0 {
				c.itself(daysAfter(e.BusinessDate, host.HoldDays+1), "next-hold", "amount", amount(e.Hold)).duty("merchant", "duty-complete")
				return
			}
		}
	}
}

// refund: money on its way back.
func (c *examined) refund(a *host.Entry) {
	if i := c.t.entries[2]; i == nil || i.Paid {
		c.set(AnswerApproved, "refund-done")
		return
	}
	c.set(AnswerApproved, "refund-under-way").itself(nextWorkingDay(a.BusinessDate), "next-refund", "amount", amount(a.Amount))
}

// payable: a sale, or a completion. The merchant has it, or gets it.
func (c *examined) payable(a *host.Entry, cause string) {
	refunded, under := c.refunded()
	fee := []string{"fee", amount(a.Fee), "amount", amount(c.family.net(host.PositionMerchant)), "date", c.paidOn(a)}
	switch {
	case refunded > 0 && c.family.debited() <= under && under > 0:
		c.set(AnswerReversed, "refund-under-way-all", "amount", amount(refunded)).itself(c.refundDate(), "next-refund", "amount", amount(under))
	case refunded > 0 && c.family.debited() <= 0:
		c.set(AnswerReversed, "refunded", "amount", amount(refunded))
	case a.Paid && refunded > 0:
		c.set(AnswerPaid, "paid-part-refunded", append(fee, "refunded", amount(refunded))...)
		if under > 0 {
			c.itself(c.refundDate(), "next-refund", "amount", amount(under))
		}
	case payout(&a.Transaction) == host.PayoutOrdered:
		c.set(AnswerApproved, "payout-ordered", "amount", amount(a.Payout.Amount), "account", a.Payout.Account).
			itself("", "next-bank", "amount", amount(a.Payout.Amount))
	case a.Paid && cause != "":
		c.set(AnswerPaid, cause+"-paid", "date", c.paidOn(a))
	case a.Paid && a.ApprovedAmount > 0 && a.ApprovedAmount < a.Amount:
		c.set(AnswerPaid, "part-paid", append(fee, "part", amount(a.ApprovedAmount), "asked", amount(a.Amount))...)
	case a.Paid:
		c.set(AnswerPaid, "paid", fee...)
	default:
		if cause == "" {
			cause = c.approvedCause(a)
		}
		c.set(AnswerApproved, cause, "amount", amount(c.family.net(host.PositionAcquirer)), "asked", amount(a.Amount)).payout(a)
	}
}

// payout: the merchant is paid what the acquirer holds, with the next payout.
func (c *examined) payout(a *host.Entry) {
	c.itself(nextWorkingDay(a.BusinessDate), "next-payout", "amount", amount(c.family.net(host.PositionAcquirer)))
}

// approvedCause says what is special about a sale that waits for its payout.
func (c *examined) approvedCause(a *host.Entry) string {
	switch {
	case a.ApprovedAmount > 0 && a.ApprovedAmount < a.Amount:
		return "part-approved"
	case c.t.kind() == dialect.KindOfflineSale:
		return "offline-accepted"
	case c.t.record == nil && len(c.books) > 0 && c.closed(c.t) == nil:
		return "terminal-lost-it"
	}
	return "payout-due"
}

// refunded is what was refunded of the transaction, and how much of that has not reached the cardholder.
func (c *examined) refunded() (all, under int64) {
	for _, t := range c.family.members {
		a := t.entries[0]
		if a == nil || a.Kind != dialect.KindRefund || a.State != host.Approved || a.Original != c.t.key {
			continue
		}
		all += a.Amount
		if i := t.entries[2]; i != nil && !i.Paid {
			under += a.Amount
		}
	}
	return all, under
}

// refundDate is when the newest refund under way is cleared.
func (c *examined) refundDate() (date string) {
	for _, t := range c.family.members {
		if i := t.entries[2]; i != nil && i.Kind == dialect.KindRefund && i.State == host.Approved && !i.Paid {
			date = max(date, nextWorkingDay(i.BusinessDate))
		}
	}
	return date
}

// paidOn is the day on which the merchant was paid.
func (c *examined) paidOn(a *host.Entry) string {
	paid := false
	for _, ch := range c.changesOf(chain[0], a) {
		if ch.order != nil {
			continue
		}
		if ch.after.Paid && !paid {
			return ch.at.Format(time.DateOnly)
		}
		paid = ch.after.Paid
	}
	return ""
}

// nextWorkingDay is the first day behind a business date that is no Saturday or Sunday: T+1.
func nextWorkingDay(date string) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return ""
	}
	for day = day.AddDate(0, 0, 1); day.Weekday() == time.Saturday || day.Weekday() == time.Sunday; {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format(time.DateOnly)
}

func daysAfter(date string, n int) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return ""
	}
	return day.AddDate(0, 0, n).Format(time.DateOnly)
}
