// Package hsm is the security module: the one place where stored keys are, and the only one that ever sees a clear PIN.
//
// Terminal, acquirer, switch and issuer each own a Module. Start with New, Install the keys that personalisation gives,
// Import the session keys that a sign-on brings, and use the handles: MAC and VerifyMAC, EncryptPIN from the Keypad,
// TranslatePIN from hop to hop, VerifyPIN and VerifyCryptogram at the issuer. A Key is a handle without a key in it; no
// operation returns a clear key or a clear PIN, and nothing here prints one.
//
// Every key has one usage, fixed when it is made and named by its TR-31 code; an operation refuses a key of another usage.
// TDES keys are kept with odd parity; weak keys and keys with equal parts are refused.
//
// Standards: ANSI X9.143 (usage codes), X9.24-1 (check values), ISO 9564-1 format 0 (PIN block), ISO 9797-1 MAC algorithm 3
// with padding method 1 (X9.19), SP 800-67 (weak keys), EMV 4.4 Book 2 (cryptograms, by package security), SP 800-38D (GCM).
//
// A Module is used by one actor at a time and has no mutex: terminal and hosts are sequential, and what they call is too.
//
// What it is not: a certified device. It works on published test keys in ordinary memory. Erasing overwrites the module's
// own copy; Go's runtime and its cipher objects may hold others. Wrapping session keys by TDES-ECB, as sign-on messages do,
// does not bind a usage to a key: whoever may choose cryptograms may import one under a wrong usage. Key blocks, DUKPT,
// PIN block formats other than 0, SM4 and PIN try limits are not here (the issuer counts tries).
package hsm
