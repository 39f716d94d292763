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
// # Profiles
//
// A profile says what is on the card (title, title_zh, scheme, pan, psn, cardholder, effective, expiry), its stripe
// (service_code, discretionary, discretionary_track1), its chip and the issuer's view. A card has a stripe, a chip or both.
//
//	chip:     protocol T=0 or T=1, historical bytes, pse true or false, language, blocked, applications
//	  each:   aid, label, preferred_name with code_table, priority, confirm, blocked
//	          format 1 or 2 of the answers; aip; afl (by default all records in order); pdol
//	          cryptogram (a name of emv/security), key_index, imk (by default the issuer's: another makes a card whose
//	          cryptograms do not verify), wrong_arpc strict or lenient, require_arpc
//	          records: sfi, record, data;  data: objects for GET DATA;  risk: lower_limit, upper_limit, new_card_online
//	issuer:   status, balance (two decimals), currency, pin, expiry, imk (name, key), derivation A or B, cryptogram (family);
//	          imk_smi and imk_smc (name, key): the master keys for script MACs and encipherment. Without them the issuer cannot
//	          script the card
//
// Data objects are hexadecimal, tag to value, in the card's order. A value may be taken from the profile instead: $pan,
// $track2, $track1_discretionary, $psn, $cardholder, $expiry, $effective, $service_code, $lower_limit, $upper_limit.
//
// Standards: EMV 4.4 Book 1 (12, selection), Book 2 (8, cryptograms), Book 3 (6.5, commands; 10, flow), ISO 7816-4,
// EMV Contact Interface Specification (answer to reset), ISO 7813 (tracks).
//
// Not here: offline data authentication and so INTERNAL AUTHENTICATE, offline PIN (VERIFY, GET CHALLENGE), issuer scripts:
// each answers 6D00, instruction not supported. T=0 and T=1 belong to the reader: the card speaks whole APDUs and never
// answers 61xx or 6Cxx. It is not certified against any scheme's card specification, whose proprietary parts it only
// sketches, and it must hold published test keys and numbers only.
package card
