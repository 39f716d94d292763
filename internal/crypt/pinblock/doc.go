// Package pinblock makes PIN blocks, opens them, and knows which may become which: ISO 9564-1 formats 0 to 4, and the
// 16-byte layout that networks with SM4 use.
//
// Encipher and Decipher are the way on line; Encode and Decode are the same without a key. PINField and PANField are the
// parts, for whoever has to show them.
//
// A PIN comes and goes as numbers 0 to 9, as a keypad has it; a PAN as ASCII digits, as a track has it. All memory is the
// caller's: what a PIN lies in is an array that the caller keeps (so that nothing is allocated, and nothing left behind)
// and wipes. The cipher with its schedule is the caller's too. No key is kept and no text made of a secret: errors name
// what was expected and never quote a PIN, a PAN or a block.
//
// What a block is opened to depends on its sender, who may be trying it out. So every block that does not open gives the
// same ErrBlock, and the check looks at every nibble without a branch on what it finds.
//
// Standards: ISO 9564-1:2017, 9.3 (formats 0 to 3) and 9.4 (format 4); PCI PIN Security, requirement 3 (translation). The
// package does not count tries, and does not keep or compare PINs.
package pinblock
