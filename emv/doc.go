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
// The kernel knows no clock, goroutine, network, reader or security module. The places where it needs the world are the
// methods of Terminal. It has SDA, DDA and combined DDA, of RSA and SHA-1 (Book 2, with emv/security). It does not do: XDA and
// elliptic curves (a configuration whose terminal capabilities announce them is refused), biometrics, referrals beyond saying
// so, contactless. It is not certified by anybody.
//
// What sets each bit of TVR and TSI stands, row by row with its place in the book, in the tests named truth.
package emv
