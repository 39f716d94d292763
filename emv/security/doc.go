// Package security is the symmetric half of EMV Book 2, from both sides of the wire: the card that makes an application
// cryptogram, and the issuer that verifies it and answers with an ARPC.
//
// Start with a [Version]: the cryptogram version that a card names in its issuer application data (tag 9F10). It decides
// everything that differs from scheme to scheme - which data are under the cryptogram, how they are padded, which session
// key is used, which ARPC method answers - and it is a row of one table, so no caller asks for a brand:
//
//	v, err := security.VersionFor("visa", iad)
//	input, err := v.Input(get)                 // the bytes under the cryptogram, tag by tag
//	key, err := v.Key(masterKey, atc, un)      // ICC master key -> key of this transaction
//	ac, err := v.Cryptogram(key, input)
//
// A side that handles many transactions with one card keeps a [MasterKey] and asks it for a [Session], which holds the
// key schedules: a DES key schedule costs more than a block.
//
// Standards: EMV 4.4 Book 2, 8.1 (application cryptogram), 8.2 (issuer authentication, ARPC methods 1 and 2), A1.3
// (common session key), A1.4 (ICC master key, options A and B), 9 (script MAC); ISO 9797-1 MAC algorithm 3. The versions'
// data lists are those of the schemes' public summaries; issuer_crypto.json and cup_cvn01.json in testdata/vectors/emv
// prove all but one row of the table, and the table says which.
//
// Not here: offline data authentication (RSA, ECC), AES keys (A1.4.3), the EMV 2000 session key tree, CVN 22 and CCD
// data lists, script encryption (PIN change). It is for published test keys: keys are ordinary memory and are not wiped.
package security
