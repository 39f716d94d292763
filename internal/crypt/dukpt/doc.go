// Package dukpt derives unique keys per transaction, TDES DUKPT and AES DUKPT, on both sides.
//
// A host starts with NewTDESDeriver or NewAESDeriver on a base derivation key (BDK) and asks for the key of any key serial
// number (KSN). A terminal starts with NewState on its initial key, which it need not keep: State holds one future key
// register for each bit of the counter, Advance takes the next key out of its register and writes the registers below it,
// and no key that is still there leads back to one that was used. WorkingKey turns a transaction key into the key for a
// PIN, a MAC, data or other keys.
//
// A terminal stores the bytes of State.Append before it uses the key that Advance made ready: after a power cut no KSN comes
// twice.
//
// Standards: ANSI X9.24-1:2009 annex A (TDES), ANSI X9.24-3:2017 section 6 (AES). Keys come as the standards print them:
// TDES keys have no parity adjusted.
//
// What it is not: a place to keep keys, or a certified device. Wiping overwrites what this package holds, the schedules of
// the TDES derivation too; the cipher objects of crypto/des (of a BDK, and of a data key while it is made) and crypto/aes
// keep theirs until they are collected.
package dukpt
