// Package rules is the switchboard of the protocol's rules.
//
// Every rule that the reversal model proves necessary is asked here, in the real code, at the place where the rule lives:
//
//	if t.rules.Kept(rules.PendingBeforeWire) { ... }
//
// A normal run keeps them all (the zero Set). A naive variant leaves one out, so that the judge of the money can be seen
// to fail: a judge that never fails proves nothing. The ids T, H and A are those of the model in docs/reliability
// (terminal, host, acquirer to issuer). Nothing outside tests and `posim run --naive` builds a Set that is not zero.
package rules

import (
	"fmt"
	"strings"
)

// Rule is one rule of the protocol.
type Rule uint32

// The rules, with the id each has in the model.
const (
	PendingBeforeWire        Rule = 1 << iota // T1: the pending record is durable before the first byte of the request leaves
	OneWrite                                  // T2: a change of state is one record and one sync
	JournalBeforeReceipt                      // T3: the approval is durable before screen and receipt say so
	ReverseAtBoot                             // T4: an unknown outcome found at boot is reversed
	DropLateAnswers                           // T5: an answer to what is being reversed never approves it
	RepeatUntilAcknowledged                   // T6: a reversal is repeated until it is acknowledged
	ClearAfterAcknowledgment                  // T6: the record leaves the queue after the answer, not at the send
	MatchAcknowledgment                       // T7: only the answer with this record's key clears it
	MatchAnswer                               // T8: only the answer with this request's key answers it
	ReplayDuplicates                          // H1: a duplicate gets the stored answer and moves no money
	RememberUnmatched                         // H2: an unmatched reversal leaves a durable tombstone
	CreditOnce                                // H3: a repeated reversal credits once
	ExactKey                                  // H5: a reversal finds its original by the whole key
	LogBeforeAnswer                           // H6: the log is durable before the answer leaves
	LogBeforeForward                          // A1: the pending record is durable before the request is forwarded
	ReverseUpstream                           // A2: who declines because the next hop is silent reverses it there
	KeepDecision                              // A3: a late approval never changes a decided record
	end
)

// Set is the rules that are left out; the zero value keeps all.
type Set uint32

// Kept tells whether r is in force.
func (s Set) Kept(r Rule) bool { return uint32(s)&uint32(r) == 0 }

// Variant is a naive design: the name people type, the rule it leaves out, and what it does instead.
type Variant struct {
	Name  string
	ID    string // the rule's id in the model
	Rule  Rule
	About string
}

// Variants lists every naive variant, in the order of the rules.
func Variants() []Variant {
	return []Variant{
		{"no-wal", "T1", PendingBeforeWire, "the request leaves before the pending record is durable"},
		{"two-writes", "T2", OneWrite, "pending is erased in one write and the approval recorded in another"},
		{"receipt-first", "T3", JournalBeforeReceipt, "the receipt is printed before the approval is journalled"},
		{"no-boot-reversal", "T4", ReverseAtBoot, "a pending record found at boot is dropped"},
		{"late-accept", "T5", DropLateAnswers, "a late approval cancels the reversal that is due"},
		{"one-shot", "T6", RepeatUntilAcknowledged, "a reversal is tried once and then forgotten"},
		{"clear-on-send", "T6", ClearAfterAcknowledgment, "a reversal leaves the queue when it is sent"},
		{"any-ack", "T7", MatchAcknowledgment, "any reversal answer clears the reversal that is due"},
		{"any-answer", "T8", MatchAnswer, "any answer is taken for the answer to the request in progress"},
		{"no-dedup", "H1", ReplayDuplicates, "a duplicate request is decided again"},
		{"forget-unmatched", "H2", RememberUnmatched, "a reversal without an original is acknowledged and forgotten"},
		{"credit-twice", "H3", CreditOnce, "a repeated reversal credits again"},
		{"last-match", "H5", ExactKey, "a reversal undoes the terminal's last approved sale"},
		{"ack-before-log", "H6", LogBeforeAnswer, "the host answers before its log is durable"},
		{"forward-before-log", "A1", LogBeforeForward, "the acquirer forwards before it logs"},
		{"no-issuer-reversal", "A2", ReverseUpstream, "a silent next hop is declined and not reversed"},
		{"late-adopt", "A3", KeepDecision, "a late approval from above turns a decline into an approval"},
	}
}

// Without returns the Set of the named variant; "" is the empty set.
// An unknown name is an error that lists the names.
func Without(name string) (Set, error) {
	if name == "" {
		return 0, nil
	}
	var names []string
	for _, v := range Variants() {
		if v.Name == name {
			return Set(v.Rule), nil
		}
		names = append(names, v.Name)
	}
	return 0, fmt.Errorf("rules: unknown naive variant %q: want one of %s", name, strings.Join(names, ", "))
}
