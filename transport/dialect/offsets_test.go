package dialect

import (
	"slices"
	"testing"
)

// The parts of the hand-written reversal, counted in its listing; and of what somebody has spoiled of it.
func TestOffsets(t *testing.T) {
	all := []int{0, 2, 10, 13, 19, 22, 25, 27, 29, 41, 47, 55, 70, 72, 86, 90}
	spoiled := func(at int, b byte) []byte {
		m := slices.Clone(reversalBytes)
		m[at] = b
		return m
	}
	for _, c := range []struct {
		name string
		src  []byte
		want []int
	}{
		{"a whole message", reversalBytes, all},
		{"a bad MTI is a part, too", spoiled(0, 0xFF), all},
		{"an amount that is no number", spoiled(13, 0xAA), all[:3]},
		{"bit 5, which is not the dialect's", spoiled(2, 0x38), all[:4]},
		{"an announced secondary bitmap", spoiled(2, 0xB0), all[:2]},
		{"the end is missing", reversalBytes[:89], all[:14]},
		{"nothing after the bitmap", reversalBytes[:10], all[:2]},
		{"shorter than a bitmap", reversalBytes[:9], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ISO87().Offsets(c.src); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
