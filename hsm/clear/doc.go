// Package clear is the payment calculator: the functions of the security module on clear test keys, by the names that the field
// gives them.
//
// A calculator shows what a module must never show. So the keys here are the bytes of published test vectors, and only the
// command line, the runner of known answers and tests import the package: terminal and hosts have package hsm, whose handles hold
// no key. Start with ParseKey, which takes what somebody typed, and use the functions: MAC, EncodePIN, CVV, WrapKeyBlock.
//
// Nothing is computed here: the mathematics are in internal/crypt, the rooms below it, and emv/security. This package finds them by
// name, and says what is wrong with an input: an *Error has the field and what was expected, errors.Is finds the reason, and none
// holds a key, a PIN or a card number. A Key prints its algorithm and check value; its Bytes are the way to the key.
//
// Standards: X9.24-1 and -3, X9.143, ISO 9564-1, ISO 9797-1, X9.9, X9.19, SP 800-38B and -38D, SP 800-67, GB/T 32905 and 32907, EMV
// 4.4 Book 2, and the terminal dialect of China UnionPay.
//
// What it is not: a tool for keys that are worth something.
package clear
