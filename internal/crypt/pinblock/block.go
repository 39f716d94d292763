package pinblock

import (
	"crypto/cipher"
	"fmt"
)

// Encode writes a clear block to dst[:f.Size()]. pin is the digits as numbers, pan ASCII digits (not looked at where
// Format.HasPAN is false), fill what Format.FillLen and RandomFill say. Format 4 has no clear block, because its PAN
// joins when it is half enciphered: Encode gives its PIN field. dst may be the memory of any of the others. ErrFormat,
// ErrPIN, ErrPAN or ErrFill, and then nothing is written.
func Encode(dst []byte, f Format, pin, pan, fill []byte) error {
	block, _, err := encode(f, pin, pan, fill)
	if err != nil {
		return err
	}
	block.put(dst[:f.Size()])
	return nil
}

// Encipher writes an enciphered block to dst[:f.Size()]; the arguments and errors are Encode's. k is the PIN encryption
// key's cipher, TDES for blocks of 8 bytes; AES for format 4 and SM4 for SM4X98, which look alike here: see to that where
// keys are chosen. ErrFormat also when its block size is another, and for format 2, which no such key carries.
func Encipher(dst []byte, k cipher.Block, f Format, pin, pan, fill []byte) error {
	if err := checkCipher(k, f); err != nil {
		return err
	}
	block, account, err := encode(f, pin, pan, fill)
	if err != nil {
		return err
	}
	dst = dst[:f.Size()]
	block.put(dst)
	k.Encrypt(dst, dst)
	if f == Format4 { // ISO 9564-1, 9.4.2: the second pass binds the PAN
		load(dst).xor(account).put(dst)
		k.Encrypt(dst, dst)
	}
	return nil
}

// Decode opens a clear block (the PIN field of format 4) and leaves the PIN's digits, as numbers, in work[:n]; the rest
// of work is zero, and all of it on an error. clear may lie in work. Everything must be right: its size, control nibble,
// length, digits, filler and, where there is one, the PAN. ErrBlock if anything is not; ErrFormat for no format of these.
func Decode(work *[MaxSize]byte, f Format, clear, pan []byte) (n int, err error) {
	if err := f.check(); err != nil {
		*work = [MaxSize]byte{}
		return 0, err
	}
	account, err := panField(f, pan)
	if err != nil || len(clear) != f.Size() {
		*work = [MaxSize]byte{}
		return 0, ErrBlock
	}
	block := load(clear)
	if f != Format4 {
		block = block.xor(account)
	}
	return open(work, f, block)
}

// Decipher opens an enciphered block, as Decode does a clear one; it may lie in work too. k is as for Encipher, with the
// same ErrFormat, which tells of the key and not of the block. What opens may still be for another key or PAN: all that
// is checked can be right by chance, most easily in format 1, where PANs differ only beneath the PIN, and in format 3,
// whose letters may become other letters. The PIN's verification decides.
func Decipher(work *[MaxSize]byte, k cipher.Block, f Format, block, pan []byte) (n int, err error) {
	if err := checkCipher(k, f); err != nil {
		*work = [MaxSize]byte{}
		return 0, err
	}
	account, err := panField(f, pan)
	if err != nil || len(block) != f.Size() {
		*work = [MaxSize]byte{}
		return 0, ErrBlock
	}
	b := work[:copy(work[:], block)]
	k.Decrypt(b, b)
	field := load(b).xor(account)
	if f == Format4 {
		field.put(b)
		k.Decrypt(b, b)
		field = load(b)
	}
	return open(work, f, field)
}

func checkCipher(k cipher.Block, f Format) error {
	if err := f.check(); err != nil {
		return err
	}
	if !f.Online() {
		return fmt.Errorf("%w %v is for the chip in the terminal: it is not enciphered under a PIN key", ErrFormat, f)
	}
	if k.BlockSize() != f.Size() {
		return fmt.Errorf("%w %v under a cipher of %d-byte blocks: want %d", ErrFormat, f, k.BlockSize(), f.Size())
	}
	return nil
}

// encode gives the clear block (the PIN field of format 4) and the account number field.
func encode(f Format, pin, pan, fill []byte) (block, account pair, err error) {
	if block, err = pinField(f, pin, fill); err != nil {
		return pair{}, pair{}, err
	}
	if account, err = panField(f, pan); err != nil {
		return pair{}, pair{}, err
	}
	if f != Format4 {
		block = block.xor(account)
	}
	return block, account, nil
}

// open takes the PIN out of a PIN field. It goes the same way whatever the field holds: a length out of range, a letter in
// the PIN and a wrong filler in the last place take the same steps.
func open(work *[MaxSize]byte, f Format, field pair) (n int, err error) {
	l := &layouts[f]
	length := field.hi >> 56 & 15
	bad := field.hi>>60 ^ l.control
	bad |= less(length, MinPIN) | less(MaxPIN, length)
	bad |= (field.lo ^ l.tail) & l.tailMask
	*work = [MaxSize]byte{}
	for i := range uint64(nibbles) {
		d := field.hi >> (52 - 4*i) & 15
		letter := less(9, d)
		digit := -less(i, length) // all ones where the PIN is
		filler := (d^l.filler)&l.exact | (letter^1)&l.letters
		bad |= digit&letter | ^digit&filler
		work[i] = byte(d & digit)
	}
	if bad != 0 {
		*work = [MaxSize]byte{}
		return 0, ErrBlock
	}
	return int(length), nil
}

// less is 1 if a < b, else 0, for small numbers.
func less(a, b uint64) uint64 { return (a - b) >> 63 }
