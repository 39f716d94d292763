package dukpt

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// ErrKSN is a key serial number that has no length of the standards, belongs to the other standard, or whose counter has no
// transaction key. The text says which, and what was expected.
var ErrKSN = errors.New("dukpt: key serial number")

// ErrExhausted: the counter has no next value. The device has used all of its keys and needs a new initial key.
var ErrExhausted = errors.New("dukpt: all transaction keys are used")

const (
	tdesKSNSize  = 10 // X9.24-1: 59 bits that identify BDK and device, 21 bits of counter
	aesKSNSize   = 12 // X9.24-3: 8 bytes initial key ID, 4 bytes counter
	ikidSize     = 8
	tdesCounter  = 1<<tdesRegisters - 1
	minTDESInput = 3 // the counter's bytes: padding must not become a counter
)

// KSN is a key serial number: who made the initial key, for which device, and the transaction counter. It is no secret. It
// is a value, comparable, and shares no bytes with anything. The zero KSN is none.
type KSN struct {
	b [aesKSNSize]byte // the first size bytes
	n uint8
}

// ParseKSN reads 12 bytes as the KSN of AES DUKPT, 10 as that of TDES DUKPT. 3 to 9 bytes are padded on the left with FF, as
// X9.24-1 does where leading bytes are not transmitted. Any counter passes: Valid tells whether it has a key. p is not kept.
func ParseKSN(p []byte) (k KSN, err error) {
	switch n := len(p); {
	case n == aesKSNSize:
		k.n = aesKSNSize
		copy(k.b[:], p)
	case n >= minTDESInput && n <= tdesKSNSize:
		k.n = tdesKSNSize
		pad := tdesKSNSize - n
		for i := range pad {
			k.b[i] = 0xFF
		}
		copy(k.b[pad:], p)
	default:
		return KSN{}, fmt.Errorf("%w of %d bytes: want %d to %d (TDES) or %d (AES)",
			ErrKSN, n, minTDESInput, tdesKSNSize, aesKSNSize)
	}
	return k, nil
}

// IsZero tells whether k is no KSN.
func (k KSN) IsZero() bool { return k.n == 0 }

// AES tells whether k is of AES DUKPT (12 bytes); otherwise it is of TDES DUKPT (10 bytes).
func (k KSN) AES() bool { return k.n == aesKSNSize }

// Bytes is the KSN as it is transmitted, 10 or 12 bytes; the slice is the caller's.
func (k KSN) Bytes() []byte { return k.Append(nil) }

// Append appends Bytes to dst.
func (k KSN) Append(dst []byte) []byte { return append(dst, k.b[:k.n]...) }

// String is the KSN in hexadecimal digits, "" for the zero KSN.
func (k KSN) String() string { return strings.ToUpper(hex.EncodeToString(k.b[:k.n])) }

// MarshalText is String.
func (k KSN) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Counter is the transaction counter: 21 bits (TDES) or 32 (AES).
func (k KSN) Counter() uint32 {
	if k.AES() {
		return binary.BigEndian.Uint32(k.b[ikidSize:])
	}
	return binary.BigEndian.Uint32(k.b[6:tdesKSNSize]) & tdesCounter // it begins within byte 7
}

// with is k with another counter.
func (k KSN) with(counter uint32) KSN {
	if k.AES() {
		binary.BigEndian.PutUint32(k.b[ikidSize:], counter)
		return k
	}
	rest := binary.BigEndian.Uint32(k.b[6:tdesKSNSize]) &^ tdesCounter
	binary.BigEndian.PutUint32(k.b[6:tdesKSNSize], rest|counter)
	return k
}

// tail is the right 64 bits, counter included: what both standards derive with.
func (k KSN) tail() uint64 {
	if k.AES() {
		return binary.BigEndian.Uint64(k.b[4:aesKSNSize])
	}
	return binary.BigEndian.Uint64(k.b[2:tdesKSNSize])
}

// Initial is k with counter 0: the KSN under which an initial key is loaded, one for each device.
func (k KSN) Initial() KSN { return k.with(0) }

// registers is how many bits the counter has, and so how many future key registers a device has.
func (k KSN) registers() int {
	if k.AES() {
		return aesRegisters
	}
	return tdesRegisters
}

// mostOnes is how many one-bits a counter may have: so many derivations, at most, lie between initial key and transaction
// key.
func (k KSN) mostOnes() int {
	if k.AES() {
		return 16 // X9.24-3, 6.4
	}
	return 10 // X9.24-1, annex A
}

// Valid tells whether k has a transaction key: ErrKSN for the zero KSN, for counter 0 (the initial key's own), and for a
// counter with more than 10 (TDES) or 16 (AES) one-bits, which devices skip.
func (k KSN) Valid() error {
	if err := k.derivable(); err != nil {
		return err
	}
	if err := k.tooManyOnes(); err != nil {
		return fmt.Errorf("%w %v: %w", ErrKSN, k, err)
	}
	return nil
}

func (k KSN) tooManyOnes() error {
	if n := bits.OnesCount32(k.Counter()); n > k.mostOnes() {
		return fmt.Errorf("counter %X has %d one-bits: want at most %d", k.Counter(), n, k.mostOnes())
	}
	return nil
}

func (k KSN) derivable() error {
	if k.IsZero() {
		return fmt.Errorf("%w: none: want %d (TDES) or %d (AES) bytes", ErrKSN, tdesKSNSize, aesKSNSize)
	}
	if k.Counter() == 0 {
		return fmt.Errorf("%w %v: counter 0 has no transaction key: want 1 at least", ErrKSN, k)
	}
	return nil
}

// Next is the KSN of the next transaction: the smallest greater counter that has a key. ErrExhausted after the last one,
// 1FF800 (TDES) or FFFF0000 (AES); ErrKSN for the zero KSN.
func (k KSN) Next() (KSN, error) {
	if k.IsZero() {
		return KSN{}, k.derivable()
	}
	end := uint64(1) << k.registers()
	c := uint64(k.Counter()) + 1
	for c < end && bits.OnesCount64(c) > k.mostOnes() {
		c += c & -c // what lies between has all these one-bits and more
	}
	if c >= end {
		return KSN{}, fmt.Errorf("%w: %v", ErrExhausted, k)
	}
	return k.with(uint32(c)), nil
}

// Transactions is how many keys a device has, from the first to the last: 1,048,575 with TDES, 2,448,023,842 with AES, 0 for
// the zero KSN. It does not depend on k's counter.
func Transactions(k KSN) (total uint64) {
	if k.IsZero() {
		return 0
	}
	choose := uint64(1) // of the counter's bits, i one-bits
	for i := range k.mostOnes() {
		choose = choose * uint64(k.registers()-i) / uint64(i+1)
		total += choose
	}
	return total
}
