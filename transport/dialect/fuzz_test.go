package dialect

import (
	"bytes"
	"testing"
)

// Whatever decodes encodes to the same bytes and decodes to the same message; nothing panics, and people can always be
// shown what it was.
func FuzzUnpack(f *testing.F) {
	sum, _ := macer(f)
	for _, b := range [][]byte{reversalBytes, swipedBytes, signOnAnswerBytes, mustPack(f, full(f), sum), mustPack(f, sale(f), nil), nil} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := ISO87().Unpack(src)
		if err != nil {
			if m != nil {
				t.Error("a message beside an error")
			}
			return
		}
		_ = ISO87().Fields(m)
		var mac func(*[8]byte, []byte) error
		if m.MAC != nil {
			mac = func(dst *[8]byte, _ []byte) error { copy(dst[:], m.MAC); return nil }
		}
		again, err := ISO87().Pack(m, mac)
		if err != nil {
			t.Fatalf("%X: %v", src, err)
		}
		if !bytes.Equal(again, src) {
			t.Fatalf("%X\nbecame %X", src, again)
		}
		if err := Match(m, m); err == nil {
			t.Error("a message answers itself")
		}
		if peek, err := ISO87().MTI(src); err != nil || peek != m.MTI {
			t.Errorf("%q, %v", peek, err)
		}
	})
}

// DE 55 is anybody's bytes: reading it for people ends, and quotes no more than it was given.
func FuzzChipData(f *testing.F) {
	f.Add(chipData)
	f.Add(bytesOf("700A 7008 7006 7004 7002 9C00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &Message{MTI: "0200", ICCSystemRelatedData: data}
		s, ok := ISO87().Field(m, 55)
		if ok != (len(data) > 0) || len(s) > 40*len(data) {
			t.Errorf("%d bytes became %d: %s", len(data), len(s), s)
		}
	})
}
