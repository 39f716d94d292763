// Package card is an emulated payment card: a chip that answers APDUs from its own state and keys, and a magnetic stripe,
// both personalised from one strict YAML profile.
//
// Start with a profile and put the card into a reader, or hand commands to it:
//
//	profile, err := card.ParseProfile("visa-credit.yaml", source)
//	chip, err := card.New(profile)
//	atr := chip.Reset()
//	response, err := chip.Transmit(command)
//
// The chip is a state machine, not a recording: it finds applications by (partial) name, fills nothing in by itself,
// reads the terminal's data through its own CDOL, counts transactions, decides offline or online, computes its cryptograms
// and verifies the issuer's. What a real card keeps in its memory - transaction counter, last online counter, the
// consecutive offline count, what went wrong last time - survives Reset; what it keeps in its head does not.
//
// A profile also has the issuer's view of the same card (balance, PIN, status, key): the card never reads it, but for the
// master key that personalisation derives from the issuer's.
//
// Standards: EMV 4.4 Book 1 (12, selection), Book 2 (8, cryptograms), Book 3 (6.5, commands; 10, flow), ISO 7816-4,
// EMV Contact Interface Specification (answer to reset), ISO 7813 (tracks).
//
// Not here: offline data authentication and so INTERNAL AUTHENTICATE, offline PIN (VERIFY, GET CHALLENGE), issuer scripts:
// each answers 6D00, instruction not supported. T=0 and T=1 belong to the reader: the card speaks whole APDUs and never
// answers 61xx or 6Cxx. It is not certified against any scheme's card specification, whose proprietary parts it only
// sketches, and it must hold published test keys and numbers only.
package card
