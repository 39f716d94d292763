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
// A profile says what is on the card (title, title_zh, scheme, type: credit or debit, pan, psn, cardholder, effective, expiry), its stripe
// (service_code, discretionary, discretionary_track1), its chip and the issuer's view. A card has a stripe, a chip or both.
//
//	chip:     protocol T=0 or T=1, historical bytes, pse true or false, language, blocked, offline_pin, applications
//	  offline_pin: pin (by default the issuer's), limit (3), left (all of them), plaintext (true), enciphered (false),
//	          readable (true: GET DATA gives the try counter), when_blocked 6983 or 6984. Without the section: no VERIFY
//	  each:   aid, label, preferred_name with code_table, priority, confirm, blocked, when_blocked refuse or aac (takes part
//	          and declines, so that a script can unblock it), refuse_gpo true or how many times
//	          format 1 or 2 of the answers; aip; afl (by default all records in order); pdol
//	          cryptogram (a name of emv/security), key_index, imk (by default the issuer's: another makes a card whose
//	          cryptograms do not verify), wrong_arpc strict or lenient, require_arpc
//	          keys: the name of a key file, for offline data authentication and enciphered PINs
//	          certificates: issuer_identifier, issuer_expiry, issuer_serial, icc_expiry, icc_serial, dac
//	          records: sfi, record, signed (authenticated; counts where there is no afl), data;  data: objects for GET DATA
//	          risk: lower_limit, upper_limit (transactions), lower_amount, upper_amount (what they come to), new_card_online,
//	          pin_exceeded accept, online or decline, refuse_types (values of tag 9C that the card declines)
//	          decision normal, online, decline or referral;  advice none, reason or required (the low bits of tag 9F27)
//	          purse: balance, limit (the most that it holds), single (the most that a payment takes): see below
//	          wrong: a list of ways to be wrong on purpose, see below
//	          dynamic_number and issuer_application_data: the same bytes each time, whatever has happened
//	issuer:   status, balance (two decimals), currency, pin, expiry, imk (name, key), derivation A or B, cryptogram (family);
//	          imk_smi and imk_smc (name, key): the master keys for script MACs and encipherment. Without them the issuer cannot
//	          script the card
//
// Data objects are hexadecimal, tag to value, in the card's order. A value may be taken from the profile instead: $pan,
// $track2, $track1_discretionary, $psn, $cardholder, $expiry, $effective, $service_code, $lower_limit, $upper_limit,
// $card_authentication (of a purse); and from the keys: $ca_index (8F), $issuer_certificate (90), $issuer_remainder (92),
// $issuer_exponent (9F32), $signed_static_data (93), $icc_certificate (9F46), $icc_remainder (9F48), $icc_exponent (9F47),
// $pin_certificate (9F2D), $pin_remainder (9F2F), $pin_exponent (9F2E). A remainder that the certificate has room for is left
// out. Certificates are signed when the first card of a profile is made, over the records that the AFL counts and, where tag
// 9F4A asks for it, the AIP.
//
// # Purses
//
// An application with the section purse holds money of its own and is paid with by tap (PBOC electronic cash): it stands in the
// directory 2PAY.SYS.DDF01 and in no other, and GET PROCESSING OPTIONS gives its cryptogram and its signature at once, a TC, or an
// AAC if there is too little money, too much at once or another currency. It debits itself when it answers the last record of its
// AFL, once, and neither a tear nor Reset takes that back. That record has tag 9F69 with the value $card_authentication, which the
// signature covers; outside a transaction it is as the last debit left it. GET DATA gives 9F79, 9F77 and 9F78. It needs keys, an
// AIP with DDA alone, and a PDOL with 9F66 and what the cryptogram covers; there is no CDOL, no GENERATE AC, no load and no script.
// Card.Purses is what it did.
//
// # What the issuer does to a card
//
// Between an ARQC and the next SELECT, before and after the second GENERATE AC, the card takes script commands with a MAC of
// its issuer's: APPLICATION BLOCK and UNBLOCK, CARD BLOCK, PIN CHANGE/UNBLOCK, PUT DATA (9F14, 9F23, and the objects of data)
// and UPDATE RECORD. A wrong MAC is 6988, one that is missing 6987, a place that is wrong 6985; the verification results of the
// next transaction count. By ARPC method 2, and by a method 1 that carries bits, it obeys what it is told: PIN tries, counters,
// online next time, block. What is done survives Reset. Method 2 and bits that say nothing of the counters leave them.
//
// # Key files
//
// A key file (ParseKeys, GenerateKeys) is a chain of RSA keys: rid, index and checksum of the certification authority, then
// authority, issuer, icc and pin, each with exponent, modulus, p and q; the last two may be left out. Many profiles may
// name one chain. What a terminal needs of it is Keys.Authority.
//
// # Wrong on purpose
//
// ca_index, issuer_certificate, issuer_certificate_hash, issuer_certificate_identifier, issuer_certificate_algorithm,
// icc_certificate, icc_certificate_hash, icc_certificate_pan, icc_certificate_algorithm, pin_certificate, signed_static_data,
// signed_static_data_hash, static_data (the records are not those that were signed), dynamic_signature,
// dynamic_signature_hash, transaction_data_hash, cid (signed and clear differ), cryptogram; and objects that are missing:
// no_ca_index, no_issuer_certificate, no_issuer_remainder, no_issuer_exponent, no_icc_certificate, no_icc_remainder,
// no_icc_exponent, no_signed_static_data, no_dynamic_signature (under CDA). Certificates that have expired, or are revoked,
// are not wrong: certificates says their dates and serial numbers.
//
// Standards: EMV 4.4 Book 1 (12, selection), Book 2 (5 to 7, authentication and PINs; 8, cryptograms), Book 3 (6.5, commands;
// 10, flow), ISO 7816-4, EMV Contact Interface Specification (answer to reset), ISO 7813 (tracks), ISO 9564-1 (format 2).
//
// Not here: XDA and elliptic curves. T=0 and T=1 belong to the reader: the card speaks whole APDUs and never answers 61xx or
// 6Cxx. It is not certified against any scheme's card specification, whose proprietary parts it only sketches, and it must
// hold published test keys and numbers only.
package card
