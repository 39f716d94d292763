// Package emv is the contact kernel: one card through one transaction, in the order of EMV Book 3.
//
// Start with Run, the page in transaction.go: it reads like section 10 of the book. Each step is a method of Session with the
// book's name, in a file of its own.
//
//	outcome, err := emv.Run(card, terminal, config, emv.Transaction{Amount: 10000, Time: now})
//
// What card and issuer decide is the Outcome. An error means that something is broken: a bad configuration, a card pulled
// out, a terminal that could not do its part. A card that violates the specification ends the transaction as Terminated and
// never turns into a bit of the TVR.
//
// Standards: EMV 4.4 Book 1 (application selection), Book 3 (application specification), Book 4 (terminal), with the command
// layer of ISO/IEC 7816-4 in emv/apdu and the data objects in emv/tlv.
//
// The kernel knows no clock, goroutine, network, reader or security module. The three places where it needs the world are
// the methods of Terminal. It does not do: offline data authentication (the step only says so in the TVR, and a
// configuration whose terminal capabilities announce it is refused), offline PIN and biometrics, the exception file,
// referrals, contactless. It is not certified by anybody.
package emv
