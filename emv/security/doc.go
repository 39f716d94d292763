// Package security is EMV Book 2 from both sides of the wire: offline data authentication, which a terminal verifies and
// authority, issuer and card make; and application cryptograms, which a card makes and the issuer verifies and answers.
//
// # Public keys
//
// A terminal holds [CAPublicKey] values and one [Arithmetic], the scratch space of all its verifications. The chain is read
// from the top:
//
//	issuer, err := a.RecoverIssuerKey(&issuerKey, ca, tag90, tag92, tag9F32)
//	card, err := a.RecoverICCKey(&iccKey, &issuerKey, tag9F46, tag9F48, tag9F47, static)
//	dynamic, err := a.RecoverDynamicData(&iccKey, tag9F4B, unpredictableNumber)
//
// [ValidOn], [IdentifierMatches] and [PANMatches] compare what was recovered with the day and the card. The other side
// holds a [PrivateKey], any length that Book 2 allows and shorter ones down to 512 bits, and issues and signs.
//
// # Cryptograms
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
// # Scripts
//
// [Version.ScriptSession] has the keys that secure a transaction's issuer scripts, the same on both sides: the issuer makes
// commands (PINChange, ApplicationBlock, Seal), the card opens them (Open, DecipherPIN). What the issuer tells the card
// without a script is a [CSU].
//
// # Standards
//
// EMV 4.4 Book 2: 5 (SDA), 6 (DDA, CDA), 7 (PIN encipherment), 8.1 (application cryptogram), 8.2 (issuer authentication,
// ARPC methods 1 and 2), 9 (scripts), 11.2 (CA public keys), A1.3 (common session key, and the tree of EMV 2000), A1.4 (ICC master key, options A
// and B), A2.1 (message recovery), B2.1 (RSA); ISO 9797-1 MAC algorithm 3. The versions' data lists are those of the
// schemes' public summaries; issuer_crypto.json and cup_cvn01.json in testdata/vectors/emv prove all but one row of the
// table, and the table says which. oda_rsa.json and capk.json prove the public keys' side.
//
// # Not here
//
// Elliptic curves: there is no XDA, and no ECC certificate, signature or PIN encipherment of EMV 4.4. Nor SHA-256
// certificates (no hash algorithm but 01 is accepted), certificate revocation (a list is the terminal's), AES keys (A1.4.3),
// CVN 22 and CCD data lists, MACs that are chained over the commands of a script. No version uses the EMV 2000 session key
// tree, which [TreeSessionKey] has. It is all for published test keys: keys are ordinary memory and are not wiped, and private
// operations are neither blinded nor in constant time.
package security
