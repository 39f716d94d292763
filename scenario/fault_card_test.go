package scenario

import (
	"encoding/hex"
	"strings"
	"testing"
)

// What a fault makes of an answer: one bit or one byte, and nothing else.
func TestFaultsOfACardsAnswer(t *testing.T) {
	const format1 = "8012 80 0007 1122334455667788 06010A03A4A800 9000"
	const format2 = "771E 9F270180 9F360200 07 9F26081122334455667788 9F100706010A03A4A800 9000"
	const signed = "7714 9F270140 9F36020007 9F4B04A1B2C3D4 9F1001AA 9000"
	for _, tt := range []struct {
		name       string
		alter      func([]byte) []byte
		from, want string
	}{
		{"a cryptogram in format 1", withWrongCryptogram, format1, "8012 80 0007 1022334455667788 06010A03A4A800 9000"},
		{"a cryptogram in format 2", withWrongCryptogram, format2, "771E 9F270180 9F360200 07 9F26081022334455667788 9F100706010A03A4A800 9000"},
		{"a signature", withWrongCryptogram, signed, "7714 9F270140 9F36020007 9F4B04A0B2C3D4 9F1001AA 9000"},
		{"no cryptogram", withWrongCryptogram, "6985", "6985"},
		{"another kind, format 1", withWrongCID, format1, "8012 40 0007 1122334455667788 06010A03A4A800 9000"},
		{"another kind, format 2", withWrongCID, format2, "771E 9F270140 9F360200 07 9F26081122334455667788 9F100706010A03A4A800 9000"},
		{"TC becomes ARQC", withWrongCID, signed, "7714 9F270180 9F36020007 9F4B04A1B2C3D4 9F1001AA 9000"},
		{"a length", withWrongLength, "70035001419000", "70045001419000"},
		{"a long length", withWrongLength, "7081029F009000", "7081039F009000"},
		{"a length behind a long tag", withWrongLength, "9F170103 9000", "9F170203 9000"},
		{"data where there was none", withWrongLength, "9000", "009000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := unhex(t, tt.from)
			before := hex.EncodeToString(from)
			if got := hex.EncodeToString(tt.alter(from)); got != hex.EncodeToString(unhex(t, tt.want)) {
				t.Errorf("%s becomes %s: want %s", tt.from, got, tt.want)
			}
			if hex.EncodeToString(from) != before {
				t.Error("the answer itself was changed")
			}
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
