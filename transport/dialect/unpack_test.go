package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestUnpackRefuses(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"nothing", "", "dialect: message of 0 bytes: want at least 10, MTI and bitmap"},
		{"less than the head", "0200 00000000000000", "dialect: message of 9 bytes: want at least 10, MTI and bitmap"},
		{"an MTI that is not BCD", "02A0 0000000000000000", "dialect: MTI: nibble 3 is A: want a digit"},
		{"an unknown MTI", "0700 0000000000000000", `dialect: MTI: "0700" is not a message of iso87: want one of 0100 0101 0110 0120 0121 0130 0200 0201 0210 0220 0221 0230 0320 0321 0330 0400 0401 0410 0420 0421 0430 0500 0501 0510 0620 0621 0630 0800 0810`},
		{"an MTI of 1993", "1200 0000000000000000", `dialect: MTI: "1200" is not a message of iso87: want one of `},
		{"a secondary bitmap", "0200 8000000000000000 0000000000000000", "dialect: bitmap at offset 2: bit 1 announces a secondary bitmap: want the primary one alone"},
		{"a data element outside the table", "0200 0100000000000000 0000000000", "dialect: DE 8 at offset 10: not a data element of iso87"},
		{"the same behind others", "0200 1000000000000800 000000000000", "dialect: DE 53 at offset 16: not a data element of iso87"},
		{"a digit that is none", "0200 2000000000000000 00000B", "dialect: DE 3 at offset 10: nibble 6 is B: want a digit"},
		{"too few digits", "0200 2000000000000000 0000", "dialect: DE 3 at offset 10: 6 digits need 3 bytes: 2 left"},
		{"a leading nibble before an odd number", "0200 4000000000000000 13 14761739001010", "dialect: DE 2 at offset 10: an odd count of digits starts with a nibble that is not 0"},
		{"a card number that is too short", "0200 4000000000000000 07 01234567", "dialect: DE 2 at offset 10: pan: 7 characters: want 8 to 19 digits"},
		{"a length above the maximum", "0200 4000000000000000 20 00000000000000000000", "dialect: DE 2 at offset 10: length 20 exceeds 19"},
		{"a length of zero", "0200 0000000000000200 0000", "dialect: DE 55 at offset 10: empty: want 1 to 255"},
		{"a length of three digits above the maximum", "0200 0000000000000200 0300", "dialect: DE 55 at offset 10: length 300 exceeds 255"},
		{"a length of four digits", "0200 0000000000000200 1001", "dialect: DE 55 at offset 10: length 1001 exceeds 255"},
		{"a length that is not BCD", "0200 0000000000000200 00FF", "dialect: DE 55 at offset 10: the length is not BCD: nibble 3 is F: want a digit"},
		{"half a length", "0200 0000000000000200 00", "dialect: DE 55 at offset 10: the length needs 2 bytes: 1 left"},
		{"too few bytes", "0200 0000000000000200 0003 9F36", "dialect: DE 55 at offset 10: want 3 bytes: 2 left"},
		{"a track nibble that is neither digit nor D", "0200 0000000020000000 04 123F", "dialect: DE 35 at offset 10: nibble 4 is F: want a digit or D"},
		{"an F after an odd track", "0200 0000000020000000 03 123F", "dialect: DE 35 at offset 10: the filler after 3 nibbles of track 2 is F: want 0"},
		{"a short track", "0200 0000000020000000 05 1234", "dialect: DE 35 at offset 10: 5 characters of track 2 need 3 bytes: 2 left"},
		{"text that is not printable", "0200 0000000000800000 31323334353637 0A", "dialect: DE 41 at offset 10: character 8 is not printable ASCII"},
		{"text beyond ASCII", "0200 0000000000000002 0001 E9", "dialect: DE 63 at offset 10: character 1 is not printable ASCII"},
		{"punctuation in an an field", "0210 0000000002000000 2D31", "dialect: DE 39 at offset 10: character 1: want letters and digits, spaces only at the end"},
		{"a space inside an an field", "0210 0000000004000000 412042434445", "dialect: DE 38 at offset 10: character 3: want letters and digits, spaces only at the end"},
		{"a TID of spaces", "0200 0000000000800000 2020202020202020", "dialect: DE 41 at offset 10: nothing but filler"},
		{"short text", "0200 0000000000800000 31323334353637", "dialect: DE 41 at offset 10: want 8 characters: 7 bytes left"},
		{"bytes after the last field", "0800 0000000000000000 00FF", "dialect: bytes after the last field: 2 at offset 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ISO87().Unpack(bytesOf(c.bytes))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || m != nil {
				t.Fatalf("got %v\n%v, want\n%s", m, err, c.want)
			}
			var f *FieldError
			if strings.HasPrefix(c.want, "dialect: DE ") && (!errors.As(err, &f) || !strings.Contains(c.want, fmt.Sprintf("DE %d at", f.DE))) {
				t.Errorf("%v is not a *FieldError of its element", err)
			}
		})
	}
}

func TestEveryTruncationAndEveryAppendedByteIsAnError(t *testing.T) {
	sum, _ := macer(t)
	for _, whole := range [][]byte{reversalBytes, swipedBytes, signOnAnswerBytes, mustPack(t, full(t), sum)} {
		for n := range whole {
			if m, err := ISO87().Unpack(whole[:n:n]); err == nil {
				t.Errorf("%d of %d bytes: %v", n, len(whole), m)
			}
		}
		for c := range 256 {
			if _, err := ISO87().Unpack(append(bytes.Clone(whole), byte(c))); !errors.Is(err, ErrTrailing) {
				t.Errorf("%02X appended: %v", c, err)
			}
		}
	}
}

func TestAMessageKeepsNoPartOfTheReceiveBuffer(t *testing.T) {
	sum, _ := macer(t)
	b := mustPack(t, full(t), sum)
	m := mustUnpack(t, b)
	want := mustPack(t, m, sum)
	clear(b)
	if got := mustPack(t, m, sum); !bytes.Equal(got, want) {
		t.Error("the message changed with the buffer it came from")
	}
}

func TestMTIPeeks(t *testing.T) {
	if mti, err := ISO87().MTI(reversalBytes); mti != "0400" || err != nil {
		t.Errorf("%q, %v", mti, err)
	}
	for _, s := range []string{"", "02", "0900", "9A00"} {
		if mti, err := ISO87().MTI(bytesOf(s)); err == nil {
			t.Errorf("%s: %q", s, mti)
		}
	}
}

func TestAllocationsStayFew(t *testing.T) {
	m := sale(t)
	b := mustPack(t, m, nil)
	if n := testing.AllocsPerRun(100, func() { _, _ = ISO87().Unpack(b) }); n > 40 {
		t.Errorf("Unpack allocates %.0f times: moov-io/iso8583's own Message needs 62", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = ISO87().Pack(m, nil) }); n > 60 {
		t.Errorf("Pack allocates %.0f times", n)
	}
}

// Two more data elements and a second bitmap cost a few allocations more.
func TestAllocationsOf128BitsStayFew(t *testing.T) {
	m := wideSale(t)
	b, err := ISO128().Pack(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = ISO128().Unpack(b) }); n > 45 {
		t.Errorf("Unpack allocates %.0f times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = ISO128().Pack(m, nil) }); n > 75 {
		t.Errorf("Pack allocates %.0f times", n)
	}
}

func TestALengthBuysNoMemory(t *testing.T) {
	head := bytesOf("0200 0000000000000200 0255") // says 255 bytes and has none
	if n := testing.AllocsPerRun(100, func() { _, _ = ISO87().Unpack(head) }); n > 20 {
		t.Errorf("%.0f allocations", n)
	}
}
