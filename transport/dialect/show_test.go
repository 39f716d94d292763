package dialect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldsAreNamedAndMasked(t *testing.T) {
	m := full(t)
	m.ICCSystemRelatedData = bytesOf("9F3602 0123", "5A08 4761739001010119", "57 11 4761739001010119D29122011143844805",
		"5F2003 412F42", "71 07 9F1804 00000001", "9908 0102030405060708")
	m.MAC = bytesOf("FCF8DE6C382E0498")
	want := []FieldValue{
		{2, "primary account number", "476173******0119"},
		{3, "processing code", "000000"},
		{4, "amount, transaction", "000000010000"},
		{11, "systems trace audit number", "000123"},
		{12, "time, local transaction", "140511"},
		{13, "date, local transaction", "0302"},
		{14, "date, expiration", "2912"},
		{22, "point of service entry mode", "0051"},
		{23, "card sequence number", "0001"},
		{25, "point of service condition code", "00"},
		{35, "track 2 data", "[redacted, 34 characters]"},
		{37, "retrieval reference number", "606114000123"},
		{38, "authorization identification response", "A1B2C3"},
		{39, "response code", "00"},
		{41, "card acceptor terminal identification", "SIM00001"},
		{42, "card acceptor identification code", "SIM000000000001"},
		{49, "currency code, transaction", "0156"},
		{52, "personal identification number data", "[redacted, 8 bytes]"},
		{54, "additional amounts", "0002156C000000004200"},
		{55, "ICC system related data", "9F36=0123 5A=476173******0119 57=476173******0119 5F20=[redacted, 3 bytes] 71{9F18=00000001} 99=[redacted, 8 bytes]"},
		{60, "reserved private 60", "private sixty"},
		{62, "reserved private 62", "[redacted, 3 bytes]"},
		{63, "reserved private 63", "private sixty-three"},
		{64, "message authentication code", "FCF8DE6C382E0498"},
	}
	if diff := cmp.Diff(want, ISO87().Fields(m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, f := range want {
		if v, ok := ISO87().Field(m, f.DE); !ok || v != f.Value {
			t.Errorf("Field(%d): %q, %v", f.DE, v, ok)
		}
	}
	if v, ok := ISO87().Field(m, 0); !ok || v != "0200" {
		t.Errorf("the MTI: %q, %v", v, ok)
	}
	for _, de := range []int{-1, 1, 5, 65, 128} {
		if v, ok := ISO87().Field(m, de); ok {
			t.Errorf("Field(%d): %q", de, v)
		}
	}
	empty := &Message{MTI: "0800"}
	for de := 2; de <= 64; de++ {
		if v, ok := ISO87().Field(empty, de); ok || v != "" {
			t.Errorf("an empty message has DE %d: %q", de, v)
		}
	}
	if got := ISO87().Fields(empty); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestDE60SaysWhatItIs(t *testing.T) {
	for _, c := range []struct {
		m    *Message
		want FieldValue
	}{
		{&Message{MTI: "0800", NetworkManagementCode: NetworkEcho}, FieldValue{60, "reserved private 60, network management code", "301"}},
		{&Message{MTI: "0421", ReversalReason: ReasonMAC}, FieldValue{60, "reserved private 60, reversal reason", "A0"}},
	} {
		if got := ISO87().Fields(c.m); len(got) != 1 || got[0] != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

func TestChipDataForPeople(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"a long length", "9F4B 8103 010203", "9F4B=010203"},
		{"a length of two bytes", "9F4B 820001 FF", "9F4B=FF"},
		{"zeros between objects", "00 9C0100 0000 9A03260302 00", "9C=00 9A=260302"},
		{"an empty value", "9F3700", "9F37="},
		{"a padded card number", "5A0A 6225000000000000014F", "5A=622500*********0014"},
		{"a card number that is none", "5A03 123456", "5A=[redacted, 3 bytes]"},
		{"a track of a stripe without contact", "9F6B 13 5413330089020011D2512101000000000000 0F", "9F6B=541333******0011"},
		{"a card number in a template", "70 0A 5A08 4761739001010119", "70{5A=476173******0119}"},
		{"templates nested too deep", "700A 7008 7006 7004 7002 9C00", "70{70{70{70{70=[redacted, 2 bytes nested too deep]}}}}"},
		{"an object cut off", "9C0100 9F2608112233", "9C=00 [redacted, the rest is no TLV]"},
		{"no TLV at all", "FF", "[redacted, the rest is no TLV]"},
		{"a tag of four bytes", "9F818101 00", "[redacted, the rest is no TLV]"},
		{"an indefinite length", "7080 9C0100 0000", "[redacted, the rest is no TLV]"},
		{"a length of four bytes", "9C8400000001FF", "[redacted, the rest is no TLV]"},
		{"half a length", "9C82FF", "[redacted, the rest is no TLV]"},
		{"a tag alone", "9F26", "[redacted, the rest is no TLV]"},
	} {
		got, _ := ISO87().Field(&Message{MTI: "0200", ICCSystemRelatedData: bytesOf(c.data)}, 55)
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// secrets are what may stand nowhere in a text: the middle of the card number, of the track, the PIN block, a key.
var secrets = []string{"9001010", "1143844805", "0102030405060708", "1314151617", "[1 2 3 4 5", "[1,2,3,4,5", "[19 20 21", "[19,20,21"}

func noSecrets(t *testing.T, from, s string) {
	t.Helper()
	for _, x := range secrets {
		if strings.Contains(strings.ToUpper(s), x) {
			t.Errorf("%s holds %s: %s", from, x, s)
		}
	}
}

func TestNothingPrintsWhatIsSecret(t *testing.T) {
	keys := SessionKeys{PINKey: bytesOf("13141516171819202122232425262728"), PINKeyCheckValue: bytesOf("A1A2A3"),
		MACKey: make([]byte, 16), MACKeyCheckValue: make([]byte, 3)}
	m := sale(t)
	m.ReservedPrivate62 = must(ISO87().AppendSessionKeys(nil, keys))
	m.ICCSystemRelatedData = append(bytesOf("5A08 4761739001010119 57114761739001010119D29122011143844805"), 0x9F)
	type holder struct {
		Message *Message
		Copy    Message
	}
	for _, v := range []any{m, *m, []Message{*m}, map[string]*Message{"a": m}, holder{m, *m}, keys, &keys, ISO87().Fields(m)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			noSecrets(t, fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		noSecrets(t, fmt.Sprintf("the JSON of %T", v), string(j))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		noSecrets(t, fmt.Sprintf("the log of %T", v), log.String())
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", m)
	if !strings.Contains(log.String(), `"v":"0200 SIM00001/000123/0302140511"`) {
		t.Errorf("a message fills more than a line of a log: %s", &log)
	}
	if s := fmt.Sprint(m); s != "0200 SIM00001/000123/0302140511" {
		t.Error(s)
	}
	if s := fmt.Sprint(answer(sale(t))); s != "0210 SIM00001/000123/0302140511 00" {
		t.Error(s)
	}
	if s := fmt.Sprint(keys); s != "session keys: PIN check value A1A2A3, MAC check value 000000" {
		t.Error(s)
	}
	if j, err := json.Marshal(&Message{MTI: "0800", NetworkManagementCode: "301"}); err != nil ||
		string(j) != `{"mti":"0800","fields":[{"de":60,"name":"reserved private 60, network management code","value":"301"}]}` {
		t.Errorf("%s, %v", j, err)
	}
}

func TestNoErrorHoldsWhatIsSecret(t *testing.T) {
	b := mustPack(t, sale(t), nil)
	failed := 0
	for i := range b {
		for _, c := range []byte{0x00, 0x0F, 0xF0, 0xFF, b[i] ^ 1, b[i] ^ 0x80} {
			bad := bytes.Clone(b)
			bad[i] = c
			if _, err := ISO87().Unpack(bad); err != nil {
				failed++
				noSecrets(t, fmt.Sprintf("byte %d", i), fmt.Sprintf("%v %+v %#v", err, err, err))
			}
		}
		if _, err := ISO87().Unpack(b[:i]); err == nil {
			t.Error(i)
		} else {
			noSecrets(t, fmt.Sprintf("cut at %d", i), fmt.Sprintf("%v %+v", err, err))
		}
	}
	if failed < 100 {
		t.Errorf("only %d errors", failed)
	}
}

func TestSessionKeys(t *testing.T) {
	k := SessionKeys{
		PINKey: bytesOf("000102030405060708090A0B0C0D0E0F"), PINKeyCheckValue: bytesOf("A0A1A2"),
		MACKey: bytesOf("101112131415161718191A1B1C1D1E1F"), MACKeyCheckValue: bytesOf("B0B1B2"),
	}
	want := bytesOf("FF 000102030405060708090A0B0C0D0E0F A0A1A2 101112131415161718191A1B1C1D1E1F B0B1B2")
	b := must(ISO87().AppendSessionKeys([]byte{0xFF}, k))
	if !bytes.Equal(b, want) {
		t.Errorf("%X", b)
	}
	if got, err := ParseSessionKeys(b[1:]); err != nil || !reflect.DeepEqual(got, k) {
		t.Error(err)
	}
	for _, n := range []int{0, 37, 39, 40} {
		if _, err := ParseSessionKeys(make([]byte, n)); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("dialect: DE 62: session keys of %d bytes: want 38", n)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
