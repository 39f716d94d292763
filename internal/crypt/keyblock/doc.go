// Package keyblock wraps keys in key blocks and takes them out again: the text in which one key travels under another with its
// use bound to it (ANSI X9.143:2021, before that TR-31:2018; ISO 20038:2017).
//
//	block, err := keyblock.Wrap(kbpk, keyblock.Header{
//		Version: 'D', Usage: "P0", Algorithm: 'A', Mode: 'E', KeyVersion: "00", Exportability: 'N',
//	}, key, keyblock.Padding{Random: random})
//	header, key, err := keyblock.Unwrap(kbpk, block)
//
// Versions A and C (TDES, key variants), B (TDES, derived keys) and D (AES, derived keys) are wrapped and unwrapped. Version E
// is known and its header is read, but nothing is wrapped or unwrapped in it (ErrUnsupported).
//
// A block is text: a header of 16 characters, optional blocks, the encrypted payload and a MAC over all of it, both in
// hexadecimal. Parse reads what can be read without a key. The syntax of the header is checked here; which usages and modes
// there are, and what a key may do, is the security module's matter. Errors name the position, counted from 0, and what was
// expected there; they never hold bytes of a key.
//
// Nothing of a payload is looked at before the MAC is right. In versions B and D the MAC is over the clear payload, so the
// payload is decrypted first, and wiped if the MAC is wrong; in A and C the MAC is checked first. Derived key bytes and payloads
// are wiped after use. What the standard library's ciphers keep of a key cannot be: Go gives no way.
//
// The package holds clear keys of test systems. It is not meant to protect live ones.
package keyblock
