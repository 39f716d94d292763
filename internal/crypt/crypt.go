// Package crypt holds the primitives that the security module, EMV security and the emulated card share: ciphers, MACs,
// paddings, parity and check values. It knows no keys by name and keeps nothing; who owns a key is the caller's matter.
// The rooms below it hold what is built of them: PIN blocks, DUKPT, key blocks, card values.
//
// Standards: FIPS 46-3 (DES), SP 800-67 (TDES), FIPS 197 (AES), GB/T 32907 (SM4), GB/T 32905 (SM3), ISO 9797-1 (MAC
// algorithms 1 and 3, padding methods 1 to 3), X9.9, X9.19, SP 800-38B (CMAC), FIPS 198-1 (HMAC), X9.24-1 and X9.143 (check
// values).
// None of it is meant to protect live data: posim works on published test keys.
package crypt
