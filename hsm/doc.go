// Package hsm is the security module: the one place where stored keys are, and the only one that ever sees a clear PIN.
//
// Terminal, acquirer, switch and issuer each own a Module. A terminal's is at rest (Create, Open): its labelled keys are sealed on
// its disk and survive the power. A host's is in memory (New). Keys come in by Install, at personalisation; in components (NewCeremony);
// as session keys under a master key (Import); as TR-31 key blocks (ImportKeyBlock); or as the initial key of a DUKPT device
// (InstallInitialKey). What comes back is a Key: a handle without a key in it. Operations take handles; no operation returns a clear
// key or a clear PIN, and nothing here prints one. Verifications return an error, not a bool.
//
// Every key has Attributes, fixed when it is made and named by their TR-31 codes: what it is for, under which cipher, in which
// direction, and how it may leave. An operation refuses a key of another usage or mode. DES and TDES keys are kept with odd parity;
// weak keys and keys with equal parts are refused. Session keys are Sensitive, because sign-on messages carry them as plain
// cryptograms; all others leave in key blocks or not at all.
//
// A clear PIN enters by the Keypad and nowhere else. It leaves enciphered (EncryptPIN), for the card (PresentPIN), or as a verdict
// (VerifyPIN, VerifyPVV, VerifyPINOffset); between two hops TranslatePIN puts it from one block into another. Whatever is wrong with
// a PIN block is the same ErrPINBlock.
//
// What stands where: attributes.go the table of usages; module.go keys and labels; exchange.go, keyblock.go, keyfacility.go,
// ceremony.go how keys travel; dukpt.go keys for each message; mac.go, data.go, seal.go what is done to data; keypad.go, pin.go,
// pinverify.go, offlinepin.go PINs; cardvalue.go what is written on cards; issuer.go, script.go what EMV issuers do; scheme.go what a
// terminal and its acquirer agree on; atrest.go and store.go keys at rest. Names are those of AWS Payment Cryptography where the field
// has no better ones.
//
// Standards: ANSI X9.143 (attributes, key blocks), X9.24-1 and X9.24-3 (check values, DUKPT), ISO 9564-1 (PIN blocks), ISO 9797-1
// (MACs), SP 800-38B (CMAC), SP 800-67 (weak keys), EMV 4.4 Book 2 (cryptograms, by package security), SP 800-38D (GCM). The algorithms
// themselves are in internal/crypt and the rooms below it.
//
// A Module is used by one actor at a time and has no mutex: terminal and hosts are sequential, and what they call is too.
//
// What it is not: a certified device. It works on published test keys in ordinary memory. Erasing overwrites the module's own copy;
// Go's runtime and its cipher objects may hold others. A plain cryptogram under a master key, as sign-on messages have it, does not
// bind a usage to a key: whoever may choose cryptograms may import one under a wrong usage; key blocks do. PIN tries are the issuer's
// to count, and a host does not remember which key serial numbers it has seen: it answers duplicates.
package hsm
