// Package dialect turns the neutral message of posim into the bytes that one acquirer's document asks for, and back.
//
// Start with ISO87, then Pack and Unpack:
//
//	d := dialect.ISO87()
//	b, err := d.Pack(&dialect.Message{MTI: "0800", ...}, nil)
//	m, err := d.Unpack(b)
//
// A Message is the same in every dialect; its fields have the names of ISO 8583:1987. What a Dialect adds is which data
// elements there are, how each is coded, what DE 60 means, and which messages are authenticated. The coding of every data
// element goes through the field specs of github.com/moov-io/iso8583; the BCD, track 2 and text encoders and the length
// prefix plugged into them are ours, because the stock BCD builds hash tables for every field.
//
// iso87 codes ISO 8583:1987 like this: MTI and n fields in BCD, an odd count with a leading zero nibble; a primary bitmap of
// 8 bytes; LLVAR and LLLVAR lengths in 1 and 2 BCD bytes that count digits or bytes; an and ans in ASCII; b raw; track 2 in
// nibbles, D for the separator, an odd count with a trailing zero nibble. DE 64 is an X9.19 MAC over all bytes before it.
//
// iso87-128 is iso87 with the secondary bitmap and the standard's data elements above 64. ByName makes any dialect by its name, with
// options where acquirers disagree, and New makes one of a Spec from outside. docs/dialects.md has all of them, field by field.
//
// cup is what terminals speak that China UnionPay's acquirers connect directly. A header of 6 bytes stands before the MTI, where the MAC
// does not cover it; m.ProcessingRequest is a nibble of it. There are 64 data elements. n fields are BCD: of an odd count a trailing zero
// nibble fills up, but for DE 23 (a leading one) and tracks (F, or 0 by a switch). DE 22, 23 and 49 leave out the zero with which the
// neutral value begins, so "0051", "0001" and "0156" mean the same in every dialect. Text may be in GBK or UTF-8, and stays the bytes it
// is. DE 39 of 0400 is the reason, DE 48 by kind totals, lines, a count of lines or a tip; DE 59 a code (A3) or a voucher number (A4);
// DE 60 message type, batch number, network management code and what the terminal can do; DE 61 the original; DE 63 operator, or card
// scheme and remarks. DE 64 is eight characters. Documents differ: Switches says in what, and its zero value is a usual one.
//
// What a corrupted message does under cup is as under iso87, with two more that have no MAC: settlement and uploads. A changed total or
// line there is a difference, which is settled by people; a changed batch or STAN is no match. An answer that refuses may come without a
// MAC, since the host may have no key; no corruption makes one of an approval, because a message that loses its bit 64 has eight bytes
// left over.
//
// Decoding is strict: an unknown MTI, a data element outside the table, a digit that is none, an empty field, a byte too
// few or too many is an error that names the data element or the offset and says what was expected. What decodes encodes to
// the same bytes. Errors, Fields and every way of printing a Message mask the card number and never show track data, PIN
// blocks or keys.
//
// What a corrupted message does under iso87: where DE 64 is required, any changed byte is an error of Unpack or of
// VerifyMAC, and the caller treats the answer as none. Network management has no MAC. There a changed key is no match, a
// changed session key fails its check value, and a changed response code or text may go unnoticed: it costs a sign-on, never
// money.
//
// It does not check which fields a message must carry (terminal and host know that), keeps no key (Pack and VerifyMAC take
// callbacks), and frames nothing (transport does). It is certified for nothing.
//
// Standards: ISO 8583:1987, ISO 4217, ISO 7813 (track 2), X9.19, EMV 4.4 Book 3 annex B (the TLV of DE 55).
package dialect
