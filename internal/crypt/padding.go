package crypt

import (
	"encoding/binary"
	"fmt"
)

// Padding is a padding method of ISO 9797-1.
type Padding uint8

// The padding methods.
const (
	Padding1 Padding = 1 // zeros up to a whole block; no data is one block of zeros
	Padding2 Padding = 2 // a byte 80, then zeros
	Padding3 Padding = 3 // a block with the length of the data in bits first, then as Padding1
)

// Valid is an error that says what was expected, unless p is one of the three.
func (p Padding) Valid() error {
	if p < Padding1 || p > Padding3 {
		return fmt.Errorf("crypt: padding method %d: want 1, 2 or 3", p)
	}
	return nil
}

// Pad appends data, padded to whole blocks of size bytes, to dst.
func Pad(dst []byte, p Padding, size int, data []byte) []byte {
	if p == Padding3 {
		dst = append(dst, make([]byte, size-8)...)
		dst = binary.BigEndian.AppendUint64(dst, 8*uint64(len(data)))
	}
	dst = append(dst, data...)
	n := len(data)
	if p == Padding2 {
		dst = append(dst, 0x80)
		n++
	}
	if rest := n % size; rest != 0 || n == 0 && p == Padding1 {
		dst = append(dst, make([]byte, size-rest)...)
	}
	return dst
}
