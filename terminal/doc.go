// Package terminal is the firmware of a payment terminal: boot and recovery, one card session from top to bottom, the
// online exchange, the journal, reversals and advices, screens and receipts.
//
// A terminal is one sequential actor. It is plain code that waits at one point, its Clock, and a state is the function it
// is in; what must survive a power cut is a record in the journal, and a record only moves forward. Nothing calls in:
// keys, cards and frames are posted in events of the terminal's clock and looked at only while it waits.
//
// Start: New with a Config (devices, security module, dialect, how to dial), then Run on the actor's coroutine.
//
// The rules T1 to T9 of the reversal model live here, each asked of internal/rules at its place. An error returned inside
// the package is one that stops the terminal (its storage failed); what a card, a line or a host does is an outcome.
//
// It is a simulator: not certified, not for live cards, and every receipt says so.
package terminal
