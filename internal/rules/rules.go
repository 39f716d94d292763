// Package rules is the switchboard of the protocol's rules.
//
// Every rule that the reversal model proves necessary is asked here, in the real code, at the place where the rule lives:
//
//	if t.rules.Kept(rules.PendingBeforeWire) { ... }
//
// A normal run keeps them all (the zero Set). A naive variant leaves one out, or a few, so that the judge of the money can
// be seen to fail: a judge that never fails proves nothing. A variant that the model holds safe leaves something out that
// the money does not need; a judge that reports it is wrong. The ids T (terminal), H (host), A (acquirer to issuer),
// D (advices) and K (session keys) are those of docs/model/README.md, and Variant.Model names the lines of
// docs/model/variants.tsv. Nothing outside tests and `--naive` builds a Set that is not zero.
package rules

import (
	"fmt"
	"strings"
)

// Rule is one rule of the protocol.
type Rule uint8

// The rules, with the id each has.
const (
	PendingBeforeWire        Rule = iota + 1 // T1: the pending record is durable before the first byte of the request leaves
	OneWrite                                 // T2: a change of state is one record and one sync
	JournalBeforeReceipt                     // T3: the approval is durable before screen and receipt say so
	ReprintAtBoot                            // T3: a receipt that may not have come out is printed at boot
	ReverseAtBoot                            // T4: an unknown outcome found at boot is reversed
	DropLateAnswers                          // T5: an answer to what is being reversed never approves it
	ApprovalEndsReversal                     // T5: what is approved all the same is not reversed; asked only where DropLateAnswers is left out
	RepeatUntilAcknowledged                  // T6: a reversal is repeated until it is acknowledged
	ClearAfterAcknowledgment                 // T6: the record leaves the queue after the answer, not at the send
	MatchAcknowledgment                      // T7: only the answer with this record's key clears it
	MatchAnswer                              // T8: only the answer with this request's key answers it
	ReverseCardRefusal                       // T9: an approval that the card refuses is reversed
	DurableSTAN                              // T11: a STAN is durably used up before it is on the wire
	ReplayDuplicates                         // H1: a duplicate gets the stored answer and moves no money
	RememberUnmatched                        // H2: an unmatched reversal leaves a durable tombstone, at acquirer and switch
	KeepTombstones                           // H2: a tombstone is kept as long as anything else
	AcknowledgeUnmatched                     // H2: an unmatched reversal is acknowledged, and that settles it
	CreditOnce                               // H3: a repeated reversal credits once, at acquirer and switch
	ReadAtDecision                           // H4: a decision uses what the log says when it is made
	ExactKey                                 // H5: a reversal finds its original by the whole key
	DateInKey                                // H5: date and time are part of the key
	UniqueSTAN                               // H5: a STAN comes again only when no host remembers it
	LogBeforeAnswer                          // H6: the log is durable before the answer leaves
	LogBeforeForward                         // A1: the pending record is durable before the request is forwarded
	ReverseUpstream                          // A2: who declines because the next hop is silent reverses it there
	KeepDecision                             // A3: a late approval never changes a decided record
	CancelPending                            // A4: a reversal cancels what is pending, and is forwarded
	QueueBeforeAcknowledging                 // A5: the reversal for the next hop is durable before the one from below is acknowledged
	RepeatUpstream                           // A6: a reversal is repeated to the next hop until it is acknowledged
	IssuerRemembersUnmatched                 // H2 at the issuer
	IssuerCreditsOnce                        // H3 at the issuer

	AdvicesSurvivePowerCut // D3: an advice that is due is still due after a power cut
	ClearAdviceAfterAnswer // D4: an advice leaves the queue after its answer, not at the send
	RepeatAdvice           // D5: an advice is repeated until it is answered
	ReverseNoAdvice        // D5: and it is never reversed
	AdviceKeepsSTAN        // D6: the repeat of an advice has its STAN
	MatchAdviceAnswer      // D7: only the answer with this advice's key answers it
	RefusedLeavesQueue     // D8: a refused advice leaves the queue
	RefusedLeavesBatch     // D8: and the batch
	StoreOnlyDecisions     // D9: an answer that decides nothing about an advice is stored by nobody
	UndecidedIsNoRefusal   // D9: and the terminal does not take it for a refusal
	ParkDuplicate          // D11: an advice that is called another sale's duplicate is for a person
	AnswerAfterNextHop     // D13: the acquirer answers an advice only with what the next hop has answered
	NoAdviceTimer          // D14: a pending advice has no timer
	AdviceOutlivesBoot     // D14: and no end at a host's boot

	StaleKeyIsNoAcknowledgment // K1: that the keys are stale acknowledges no reversal
	StaleKeyIsNoRefusal        // K1: and refuses none
	SignOnWhenStale            // K1: new keys are asked for before the reversal is repeated
	ReversalKeepsSTAN          // K2: and it is repeated with its original's STAN
	StaleKeyIsNoDecline        // K4: that the keys are stale declines no request
	StaleKeyChangesNothing     // K5: a message under stale keys changes nothing at a host

	// What the model finds unnecessary.
	ReverseFirst           // a reversal that is due blocks the next sale
	AskOnce                // a request that is not answered is reversed at once, not sent again
	HoldUnmatched          // a reversal without an original stays where none was found
	ReplayAdviceAnswer     // a duplicate advice gets the stored answer, not 94
	LogAdviceBeforeForward // a pending advice is durable before it is forwarded
	MatchSignOn            // K6: only the answer to this sign-on answers it

	CloseClean       // T10: a batch closes only when no reversal, advice or void is due
	ReverseMismatch  // T8: an answer about something else is reversed, not forgotten
	VoidKeepsKey     // V2: a void is reversed by its own key, never by the sale's
	UnknownVoid      // V1, V2: a void that is not answered has not failed: it is reversed or repeated
	AcceptDuplicates // H1: a true duplicate is never answered 94
	SignOnUnblocked  // K1: a reversal that is due does not block a sign-on
	KeepBatch        // K3: a sign-on's batch number is not adopted while the batch is open
	AdviseStandIn    // S1: what was approved in the issuer's place is told, and known to be owed before the answer leaves

	FeeByTransaction  // P2: a fee is of one transaction, never of a batch's sum
	RefundWithinLimit // F1: no more is refunded than the sale was, or than the acquirer's policy lets
	RepayOnce         // P1: a payout that came back is paid again once
	AdjustOnce        // C2: what people have settled is posted once, however often it is asked for
	HoldUntilReleased // R1: what risk control holds is not paid out before it is released
	PayWhatIsCleared  // C1: a sale of a day that is over is paid out only when the switch's file of that day has come and was compared
	AskTornCard       // T12: a purse that was torn away is asked whether it has paid, before it pays again
	last              = AskTornCard
)

// Set is the rules that are left out; the zero value keeps all.
type Set [2]uint64

// Leave is the set that leaves some rules out.
func Leave(all ...Rule) (s Set) {
	for _, r := range all {
		s[r/64] |= 1 << (r % 64)
	}
	return s
}

// Kept tells whether r is in force.
func (s Set) Kept(r Rule) bool { return s[r/64]&(1<<(r%64)) == 0 }

// Variant is another design: the name people type, the rules it leaves out, and what it does instead.
type Variant struct {
	Name  string
	ID    string   // of the rule, or of the first one; of what is no rule, the model's id
	Model []string // its lines in docs/model/variants.tsv
	Rules Set      // left out
	Safe  bool     // the model finds nothing wrong with it, and neither must the judge
	Dated bool     // it is safe only where the key has date and time: where batches are numbered the judge must object
	About string
}

// Variants lists every variant: those that break something, in the order of their rules, and then the safe ones.
func Variants() []Variant {
	broken := func(name, id, model string, s Set, about string) Variant {
		return Variant{Name: name, ID: id, Model: strings.Fields(model), Rules: s, About: about}
	}
	safe := func(name, id, model string, s Set, about string) Variant {
		return Variant{Name: name, ID: id, Model: strings.Fields(model), Rules: s, Safe: true, About: about}
	}
	dated := func(name, id, model string, s Set, about string) Variant {
		v := safe(name, id, model, s, about)
		v.Dated = true
		return v
	}
	return []Variant{
		broken("no-wal", "T1", "S1", Leave(PendingBeforeWire), "the request leaves before the pending record is durable"),
		broken("two-writes", "T2", "S2 D2", Leave(OneWrite), "a record is erased in one write and its new state recorded in another, and an offline sale comes into the batch in one and into the queue in another"),
		broken("receipt-first", "T3", "S3 D1", Leave(JournalBeforeReceipt), "the receipt is printed before the approval is journalled"),
		broken("no-reprint", "T3", "S3b", Leave(ReprintAtBoot), "a receipt that may not have come out is not printed at boot"),
		broken("no-boot-reversal", "T4", "T4", Leave(ReverseAtBoot), "a pending record found at boot is dropped"),
		broken("late-accept", "T5", "S4a", Leave(DropLateAnswers), "a late approval cancels the reversal that is due"),
		broken("late-accept-kept", "T5", "S4b", Leave(DropLateAnswers, ApprovalEndsReversal), "a late approval is taken, and the reversal that is due stays due"),
		broken("one-shot", "T6", "S5", Leave(RepeatUntilAcknowledged), "a reversal is tried once and then forgotten"),
		broken("clear-on-send", "T6", "S6", Leave(ClearAfterAcknowledgment), "a reversal leaves the queue when it is sent"),
		broken("any-ack", "T7", "S7 S7m", Leave(MatchAcknowledgment), "any reversal answer clears the reversal that is due"),
		broken("any-answer", "T8", "S8", Leave(MatchAnswer), "any answer is taken for the answer to the request in progress"),
		broken("no-card-reversal", "T9", "S11", Leave(ReverseCardRefusal), "an approval that the card refuses is closed as declined"),
		broken("close-dirty", "T10", "S12 D10", Leave(CloseClean), "a batch is closed while a reversal or an advice is due"),
		broken("tap-again-charges-twice", "T12", "", Leave(AskTornCard), "a purse that comes back pays again, and is not asked whether it had paid"),
		broken("bctc-mismatch", "T8", "", Leave(ReverseMismatch), "an answer about something else is forgotten with its record, and not reversed"),
		broken("no-dedup", "H1", "S13 D11 D11i", Leave(ReplayDuplicates), "a duplicate request or advice is decided again"),
		broken("repeat-no-dedup", "H1", "S13b", Leave(ReplayDuplicates, AskOnce), "an unanswered request is sent again, and decided again"),
		broken("94-to-duplicate", "H1", "", Leave(AcceptDuplicates), "a true duplicate is answered 94"),
		broken("forget-unmatched", "H2", "S14 S14m", Leave(RememberUnmatched), "a reversal without an original is acknowledged and forgotten"),
		broken("tombstone-expires", "H2", "S14t", Leave(KeepTombstones), "a host forgets a reversal without an original after two seconds"),
		broken("nak-unmatched", "H2", "S14n", Leave(AcknowledgeUnmatched), "a reversal without an original is refused, forgotten and repeated"),
		broken("credit-twice", "H3", "S15", Leave(CreditOnce), "a repeated reversal credits again"),
		broken("stale-read", "H4", "S16", Leave(ReadAtDecision), "a request is decided by what the log said when it arrived"),
		broken("last-match", "H5", "S9d", Leave(ExactKey), "a reversal undoes the terminal's last approved sale"),
		broken("sale-first-last-match", "H5", "S9c", Leave(ExactKey, ReverseFirst), "as last-match, and a sale does not wait for the reversal that is due"),
		broken("volatile-stan-only-key", "T11", "S10b", Leave(DurableSTAN, DateInKey), "a power cut brings a STAN back, and nothing else tells two sales apart"),
		broken("stan-wraps-only-key", "H5", "S17a", Leave(UniqueSTAN, DateInKey), "the STAN wraps while hosts remember it, and nothing else tells two sales apart"),
		broken("ack-before-log", "H6", "S18 D12 D12a", Leave(LogBeforeAnswer), "the host answers before its log is durable"),
		broken("forward-before-log", "A1", "A1", Leave(LogBeforeForward), "the acquirer forwards before it logs"),
		broken("no-issuer-reversal", "A2", "A2", Leave(ReverseUpstream), "a silent next hop is declined and not reversed"),
		broken("late-adopt", "A3", "A3", Leave(KeepDecision), "a late approval from above turns a decline into an approval"),
		broken("ack-pending", "A4", "A4", Leave(CancelPending), "a reversal of what is pending is acknowledged, and nothing else happens"),
		broken("ack-before-queue", "A5", "A5", Leave(QueueBeforeAcknowledging), "a reversal is acknowledged before the one for the next hop is durable"),
		broken("issuer-one-shot", "A6", "A6", Leave(RepeatUpstream), "a reversal is sent to the next hop once"),
		broken("issuer-forgets", "H2", "A7", Leave(IssuerRemembersUnmatched), "the issuer forgets a reversal without an original"),
		broken("issuer-credits-twice", "H3", "A8", Leave(IssuerCreditsOnce), "the issuer credits a repeated reversal again"),
		broken("advice-lost-at-boot", "D3", "D3", Leave(AdvicesSurvivePowerCut), "an advice found at boot is taken for sent"),
		broken("advice-clear-on-send", "D4", "D4", Leave(ClearAdviceAfterAnswer), "an advice leaves the queue when it is sent"),
		broken("advice-one-shot", "D5", "D5", Leave(RepeatAdvice), "an advice that is not answered is forgotten"),
		broken("advice-reversed", "D5", "D5r", Leave(ReverseNoAdvice), "an advice that is not answered is reversed like a sale"),
		broken("advice-renumbered", "D6", "D6", Leave(AdviceKeepsSTAN), "an advice is repeated under a new STAN"),
		broken("any-advice-ack", "D7", "D7 D7m", Leave(MatchAdviceAnswer), "any advice answer answers the advice that is due"),
		broken("advice-refused-stays", "D8", "D8", Leave(RefusedLeavesQueue), "a refused advice stays in the queue"),
		broken("advice-refused-in-batch", "D8", "D8b", Leave(RefusedLeavesBatch), "a refused advice stays in the batch"),
		broken("advice-undecided-stored", "D9", "D9 D9i D9a", Leave(StoreOnlyDecisions), "a host stores an answer that decides nothing about an advice, and gives it to every repeat"),
		broken("advice-undecided-refused", "D9", "D9t", Leave(UndecidedIsNoRefusal), "the terminal takes an answer that decides nothing for a refusal of the advice"),
		broken("advice-duplicate-refused", "D11", "D11f", Leave(ReplayAdviceAnswer, ParkDuplicate), "the acquirer answers a repeated advice 94, and the terminal takes that for a refusal"),
		broken("advice-early-answer", "D13", "D13", Leave(AnswerAfterNextHop), "the acquirer approves an advice that it has only forwarded"),
		broken("advice-timer", "D14", "D14", Leave(NoAdviceTimer), "a pending advice has a timer, and is declined and reversed above"),
		broken("advice-timer-forgotten", "D14", "D14f", Leave(NoAdviceTimer, ReverseUpstream), "a pending advice has a timer, and is declined and not reversed"),
		broken("advice-boot-decline", "D14", "D14b", Leave(AdviceOutlivesBoot), "a host that boots declines a pending advice and reverses it above"),
		broken("void-by-sale-key", "V2", "V3", Leave(VoidKeepsKey), "a void is reversed by the key of its sale"),
		broken("void-timeout-failed", "V2", "V4 V3t", Leave(UnknownVoid), "a void that is not answered is taken for refused"),
		broken("sign-on-blocked", "K1", "", Leave(SignOnUnblocked), "a reversal that is due blocks the sign-on that it needs"),
		broken("stale-key-ack", "K1", "K1 K1m", Leave(StaleKeyIsNoAcknowledgment), "that the keys are stale is taken for the acknowledgment of the reversal"),
		broken("stale-key-final", "K1", "K1d", Leave(StaleKeyIsNoRefusal), "that the keys are stale is taken for a final refusal of the reversal"),
		broken("stale-key-no-sign-on", "K1", "K1n", Leave(SignOnWhenStale), "a reversal is repeated under the stale keys"),
		broken("stale-key-renumbered", "K2", "K2", Leave(ReversalKeepsSTAN), "after the sign-on a reversal is repeated under a new STAN"),
		broken("batch-adopted", "K3", "K3", Leave(KeepBatch), "the batch number of a sign-on is taken while the batch is open"),
		broken("stale-key-decline", "K4", "K4", Leave(StaleKeyIsNoDecline), "that the keys are stale is taken for a decline of the request"),
		broken("repeat-stale-key-decline", "K4", "K4b", Leave(StaleKeyIsNoDecline, AskOnce), "as stale-key-decline, and an unanswered request is sent again"),
		broken("hold-ignored", "R1", "", Leave(HoldUntilReleased), "what risk control holds is paid out all the same"),
		broken("payout-before-clearing", "C1", "", Leave(PayWhatIsCleared), "the sales of a day are paid out before its files were compared"),
		broken("bounce-paid-twice", "P1", "", Leave(RepayOnce), "a payout that came back is paid again at every payout"),
		broken("stale-key-decided", "K5", "K5", Leave(StaleKeyIsNoDecline, StaleKeyChangesNothing), "as stale-key-decline, and the host decides the request all the same"),
		broken("stand-in-forgets-advice", "S1", "", Leave(AdviseStandIn), "a switch that approves in the issuer's place does not tell the issuer"),
		broken("fee-per-batch", "P2", "", Leave(FeeByTransaction), "the fee is taken of a payout's sum, and not of each transaction"),
		broken("refund-over-limit", "F1", "", Leave(RefundWithinLimit), "more is refunded than the sale was"),
		broken("adjustment-twice", "C2", "", Leave(AdjustOnce), "an adjustment that is asked for again is posted again"),

		safe("sale-first", "S9", "S9 S9b", Leave(ReverseFirst), "a sale does not wait for the reversal that is due"),
		dated("stan-only-key", "H5", "S10a", Leave(DateInKey), "hosts tell transactions apart by terminal and STAN alone"),
		dated("volatile-stan", "T11", "S10c", Leave(DurableSTAN), "a power cut brings a STAN back"),
		dated("stan-wraps", "H5", "S17b", Leave(UniqueSTAN), "the STAN wraps while hosts remember it"),
		safe("repeat-request", "S13c", "S13c", Leave(AskOnce), "an unanswered request is sent once more before it is reversed"),
		safe("forward-unknown", "A1", "A1b", Leave(LogBeforeForward, HoldUnmatched), "the acquirer forwards before it logs, and forwards reversals without an original too"),
		safe("advice-duplicate-parked", "D11s", "D11s", Leave(ReplayAdviceAnswer), "the acquirer answers a repeated advice 94, and the terminal sets it aside for a person"),
		safe("advice-forward-before-log", "D14s", "D14s", Leave(LogAdviceBeforeForward), "an advice is forwarded before it is logged"),
		safe("any-sign-on-answer", "K6", "K6s", Leave(MatchSignOn), "any sign-on answer answers the sign-on in progress"),
	}
}

// Without returns the Set of the named variant; "" is the empty set.
// An unknown name is an error that lists the names.
func Without(name string) (Set, error) {
	if name == "" {
		return Set{}, nil
	}
	var names []string
	for _, v := range Variants() {
		if v.Name == name {
			return v.Rules, nil
		}
		names = append(names, v.Name)
	}
	return Set{}, fmt.Errorf("rules: unknown naive variant %q: want one of %s", name, strings.Join(names, ", "))
}
