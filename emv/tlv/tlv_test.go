package tlv

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/posim/posim/internal/pan"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReader(t *testing.T) {
	tests := []struct {
		name, in, want string // want: tag=value of each object
		err            string
	}{
		{name: "tags of one, two and three bytes", in: "5A0111 9F020122 DF81170133", want: "5A=11 9F02=22 DF8117=33"},
		{name: "an empty value", in: "9F3800", want: "9F38="},
		{name: "zeros before, between and after are padding", in: "0000 5A0111 00 950122 0000", want: "5A=11 95=22"},
		{name: "nothing", in: "", want: ""},
		{name: "a length of two bytes", in: "50 8101 41", want: "50=41"},
		{name: "a length of three bytes", in: "50 820001 41", want: "50=41"},
		{name: "a length beyond the input", in: "950122 5A0511", want: "95=22", err: "offset 3: tag 5A: length 5 exceeds the 1 bytes"},
		{name: "a length that would overflow", in: "9F2688FFFFFFFFFFFFFFFF", err: "offset 0: tag 9F26: length byte 88"},
		{name: "the indefinite length", in: "7080 5A0111 0000", err: "length byte 80"},
		{name: "a length cut short", in: "7082 01", err: "length is cut short"},
		{name: "a tag without length", in: "9F02", err: "no length"},
		{name: "a tag cut short", in: "9F", err: "cut short"},
		{name: "a tag of four bytes", in: "DF818117 00", err: "at most 3 bytes"},
		{name: "FF is no padding", in: "FF", err: "cut short"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(unhex(t, tt.in))
			var got []string
			for r.Next() {
				got = append(got, strings.ToUpper(hex.EncodeToString(AppendTag(nil, r.Tag())))+"="+strings.ToUpper(hex.EncodeToString(r.Value())))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("read %q: want %q", s, tt.want)
			}
			if err := r.Err(); (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v: want %q in it", err, tt.err)
			}
			if r.Next() && r.Err() != nil {
				t.Error("goes on after an error")
			}
		})
	}
}

func TestOnly(t *testing.T) {
	tests := []struct{ name, in, err string }{
		{name: "one object that fills the input", in: "7003 5A0111"},
		{name: "another tag", in: "7103 5A0111", err: "want 70"},
		{name: "something after it", in: "7003 5A0111 00", err: "want all"},
		{name: "padding before it", in: "00 7003 5A0111", err: "want all"},
		{name: "nothing", in: "", err: "nothing"},
		{name: "cut short", in: "7004 5A0111", err: "exceeds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Only(unhex(t, tt.in), 0x70)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v: want %q in it", err, tt.err)
			}
		})
	}
}

func TestCheckBoundsDepth(t *testing.T) {
	b := []byte{}
	for range maxDepth + 1 {
		b = Append(nil, 0x70, b)
	}
	if err := Check(b); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("error %v: want one about depth", err)
	}
	if err := Check(unhex(t, "6F04 A502 8802")); err == nil || err.Error() != "tlv: tag 6F at offset 0: tag A5 at offset 0: offset 0: tag 88: length 2 exceeds the 0 bytes that follow" {
		t.Errorf("error %v: want one that names the way to the object", err)
	}
}

// The library panics on this input; the guard stands before it.
func TestDecodeRefusesWhatTheLibraryCannot(t *testing.T) {
	if _, err := Decode(unhex(t, "9F2688FFFFFFFFFFFFFFFF")); err == nil {
		t.Error("no error")
	}
}

func TestFillDOL(t *testing.T) {
	data := map[Tag][]byte{
		AmountAuthorised: {0x00, 0x00, 0x00, 0x12, 0x34, 0x56}, ApplicationPAN: {0x47, 0x61, 0x73, 0x9F},
		TVR: {1, 2, 3, 4, 5}, IssuerAuthenticationData: {1, 2, 3, 4, 5, 6, 7, 8}, 0xA5: {0xAA, 0xBB}, MerchantIdentifier: []byte("AB"),
	}
	tests := []struct{ name, dol, want string }{
		{"numeric is cut off on the left", "9F0203", "123456"},
		{"numeric is padded on the left", "9F0208", "0000000000123456"},
		{"compressed numeric is padded with F on the right", "5A06", "4761739FFFFF"},
		{"compressed numeric is cut off on the right", "5A02", "4761"},
		{"binary is padded with 0 on the right", "9507", "01020304050000"},
		{"binary is cut off on the right", "9502", "0102"},
		{"8 bytes of issuer authentication data in a place for 10", "910A", "01020304050607080000"},
		{"text is padded with 0 on the right", "9F1604", "41420000"},
		{"an absent element is zeros", "9F3704", "00000000"},
		{"an unknown element is zeros", "DF817F02", "0000"},
		{"a constructed element is zeros", "A502", "0000"},
		{"a length of zero is nothing", "9F02009505", "0102030405"},
		{"order is the card's", "9501 9F0201 9501", "015601"},
		{"the empty list", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := FillDOL([]byte{0xEE}, unhex(t, tt.dol), func(tag Tag) []byte { return data[tag] })
			if err != nil {
				t.Fatal(err)
			}
			if want := append([]byte{0xEE}, unhex(t, tt.want)...); !bytes.Equal(got, want) {
				t.Errorf("%X: want %X", got, want)
			}
		})
	}
	for _, bad := range []string{"9F", "9F02", "9F0206 95", "0001"} {
		if _, err := FillDOL(nil, unhex(t, bad), func(Tag) []byte { return nil }); err == nil || !strings.Contains(err.Error(), "offset") {
			t.Errorf("%s: error %v: want one that names the offset", bad, err)
		}
		if _, err := ParseDOL(unhex(t, bad)); err == nil {
			t.Errorf("%s: parsed", bad)
		}
	}
	if dol := unhex(t, "9F02069F3704"); !DOLHas(dol, UnpredictableNumber) || DOLHas(dol, TVR) || DOLHas(unhex(t, "9F0206959F37"), UnpredictableNumber) {
		t.Error("DOLHas")
	}
}

func TestDictionary(t *testing.T) {
	list := Elements()
	for i, e := range list {
		if i > 0 && list[i-1].Tag >= e.Tag {
			t.Errorf("%X after %X: not sorted", e.Tag, list[i-1].Tag)
		}
		if got, ok := Lookup(e.Tag); !ok || got != e {
			t.Errorf("%X is not found", e.Tag)
		}
		if e.Name == "" || e.MinLength > e.MaxLength && e.MaxLength > 0 {
			t.Errorf("%X: name %q length %d to %d", e.Tag, e.Name, e.MinLength, e.MaxLength)
		}
		if b := AppendTag(nil, e.Tag); len(b) > 2 {
			t.Errorf("%X has %d bytes", e.Tag, len(b))
		}
	}
	if _, ok := Lookup(0xDF01); ok || Name(0xDF01) != "" {
		t.Error("a tag of nobody is found")
	}
	if e, _ := Lookup(AmountAuthorised); e.Tag != 0x9F02 || e.Format.String() != "n" || e.Source.String() != "Terminal" || e.MaxLength != 6 {
		t.Errorf("9F02 is %+v", e)
	}
}

func TestBits(t *testing.T) {
	tvr := make([]byte, 5)
	TVRCVMFailed.Set(tvr)
	TVRNewCard.Set(tvr)
	if !bytes.Equal(tvr, []byte{0, 0x08, 0x80, 0, 0}) || !TVRCVMFailed.In(tvr) || TVRUnrecognisedCVM.In(tvr) || TVRCVMFailed.In(tvr[:1]) {
		t.Errorf("TVR %X", tvr)
	}
	if BitName(TVR, TVRCVMFailed) != "Cardholder verification was not successful" || BitName(TSI, TVRCVMFailed) != "" {
		t.Error("names")
	}
	for _, n := range bitNames {
		if BitName(n.tag, n.bit) != n.name {
			t.Errorf("bit %X of %X is named twice", n.bit, n.tag)
		}
	}
}

// Every element that is made of bits has a name for each that the book defines; those that it reserves have none.
func TestBitsOfAnElement(t *testing.T) {
	for tag, want := range map[Tag]struct{ bits, named int }{
		TVR: {40, 39}, TSI: {16, 6}, ApplicationInterchangeProfile: {16, 9}, ApplicationUsageControl: {16, 10},
		TerminalCapabilities: {24, 13}, AdditionalTerminalCapabilities: {40, 27}, BiometricTerminalCapabilities: {24, 10},
		IssuerActionCodeOnline: {40, 39}, AmountAuthorised: {0, 0}, 0xDF01: {0, 0},
	} {
		bits, named := Bits(tag), 0
		for i, b := range bits {
			if b.Bit.Byte() != i/8+1 || b.Bit.Number() != 8-i%8 {
				t.Errorf("%X: bit %d is %X: byte %d bit %d", tag, i, b.Bit, b.Bit.Byte(), b.Bit.Number())
			}
			if b.Name != "" {
				named++
			}
		}
		if len(bits) != want.bits || named != want.named {
			t.Errorf("%X has %d bits, %d of them with names: want %d and %d", tag, len(bits), named, want.bits, want.named)
		}
	}
}

// The lists are those of a test of emv-utils (emv_cvmlist_test.c), the names those of Book 3, C3.
func TestCVMList(t *testing.T) {
	list, err := ParseCVMList(unhex(t, "000186A0 000003E8 4201 4403 4103 5E03 0006 2F80"))
	if err != nil || list.X != 100000 || list.Y != 1000 || list.Len() != 6 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []struct{ method, condition, unsuccessful string }{
		{"Enciphered PIN verified online", "If unattended cash", "Apply succeeding CV Rule if this CVM is unsuccessful"},
		{"Enciphered PIN verification performed by ICC", "If terminal supports the CVM", "Apply succeeding CV Rule if this CVM is unsuccessful"},
		{"Plaintext PIN verification performed by ICC", "If terminal supports the CVM", "Apply succeeding CV Rule if this CVM is unsuccessful"},
		{"Signature", "If terminal supports the CVM", "Apply succeeding CV Rule if this CVM is unsuccessful"},
		{"Fail CVM processing", "If transaction is in the application currency and is under X value", "Fail cardholder verification"},
		{"Reserved for use by the individual payment systems", "Reserved for use by individual payment systems", "Fail cardholder verification if this CVM is unsuccessful"},
	} {
		r := list.Rule(i)
		if r.MethodName() != want.method || r.ConditionName() != want.condition || r.Unsuccessful() != want.unsuccessful {
			t.Errorf("rule %d: %s; %s; %s", i, r.MethodName(), r.ConditionName(), r.Unsuccessful())
		}
	}
	for in, want := range map[string]string{"000186A0000003": "offset 7", "000186A0000003E841": "offset 9"} {
		if _, err := ParseCVMList(unhex(t, in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v: want %q in it", in, err, want)
		}
	}
}

func TestCID(t *testing.T) {
	for in, want := range map[CID]string{0x40: "TC No information given false", 0x80: "ARQC No information given false", 0x09: "AAC Service not allowed true",
		0x02: "AAC PIN Try Limit exceeded false", 0x8B: "ARQC Issuer authentication failed true", 0xC7: "Reserved for future use Reserved for future use false"} {
		if got := fmt.Sprint(in.Cryptogram(), " ", in.Reason(), " ", in.Advice()); got != want {
			t.Errorf("%02X is %q: want %q", byte(in), got, want)
		}
	}
	if CID(0x70).PaymentSystem() != 3 {
		t.Error("the payment system's bits are not 6 and 5")
	}
}

const cardNumber = "4761739001010119" // a published test number

func TestRenderMasks(t *testing.T) {
	secrets := []string{cardNumber, "73900101", "22122011758928", "QUIGLEY", hex.EncodeToString([]byte("QUIGLEY")), "175890960", "241234", "99887766"}
	in := Append(nil, 0x70, bytes.Join([][]byte{
		unhex(t, "57 11 4761739001010119D22122011758928889"),
		unhex(t, "5A 08 4761739001010119"),
		Append(nil, CardholderName, []byte("QUIGLEY/TEST")),
		Append(nil, CardholderNameExtended, []byte("QUIGLEY/TEST EXTENDED BY MORE MORE")),
		Append(nil, Track1DiscretionaryData, []byte("1758909600")),
		Append(nil, Track1Data, []byte("B"+cardNumber+"^QUIGLEY/TEST^22122011758909600")),
		unhex(t, "9F6B 11 4761739001010119D22122011758928889"),
		unhex(t, "99 08 241234FFFFFFFFFF"),
		unhex(t, "9F20 04 99887766"),
	}, nil))
	var out bytes.Buffer
	if err := Render(&out, in); err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if strings.Contains(strings.ToUpper(out.String()), strings.ToUpper(s)) {
			t.Errorf("%q is in the output:\n%s", s, out.String())
		}
	}
	if n := strings.Count(out.String(), "476173******0119"); n != 4 {
		t.Errorf("the masked number stands %d times: want 4\n%s", n, out.String())
	}
	// A track 1 that is not in the form with a number first is redacted whole.
	if got := Show(Track1Data, []byte("X"+cardNumber+"^")); strings.Contains(got, "4761") {
		t.Errorf("track 1 shows %q", got)
	}
}

func TestRender(t *testing.T) {
	want, err := os.ReadFile("testdata/render.txt")
	if err != nil {
		t.Fatal(err)
	}
	in := unhex(t,
		"6F1A 8407A0000000031010 A50F 500456495341 9F38039F3303 870101"+"9505 8000048000 9B02E800 82023800 8A023030 DF010142")
	var out bytes.Buffer
	if err := Render(&out, in); err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
	out.Reset()
	if err := Render(&out, unhex(t, "5A084761")); err == nil || out.Len() > 0 || strings.Contains(err.Error(), "4761") {
		t.Errorf("error %v, output %q", err, out.String())
	}
}

// Card numbers are masked as the room that owns them masks them, which stands on the same floor.
func TestMaskIsThatOfCardNumbers(t *testing.T) {
	const digits = "4761739001010119476173900101"
	for n := range len(digits) {
		if got, want := mask(digits[:n]), pan.Mask(digits[:n]); got != want {
			t.Errorf("%d digits: %s, want %s", n, got, want)
		}
	}
}

func FuzzTLV(f *testing.F) {
	for _, s := range []string{"6F1A840E315041592E5359532E4444463031A5088801015F2D02656E", "9F2688FFFFFFFFFFFFFFFF", "7080", "00005A0111", "DF81170133", "7081035A0111"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Render(&bytes.Buffer{}, b)
		objects, err := Decode(b)
		if err != nil {
			return
		}
		encoded := encode(objects)
		again, err := Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		// An empty template has no children and no value either way.
		if !reflect.DeepEqual(objects, again) {
			t.Fatalf("%X decodes as %v, encoded %X as %v", b, objects, encoded, again)
		}
		// The iterator sees what the library sees.
		r := NewReader(b)
		for i := 0; r.Next(); i++ {
			if i >= len(objects) || objects[i].Tag != r.Tag() || !Constructed(r.Tag()) && !bytes.Equal(objects[i].Value, r.Value()) {
				t.Fatalf("object %d of %X differs from the library's", i, b)
			}
			if raw := r.Raw(); len(raw) < 2 || !bytes.HasSuffix(raw, r.Value()) {
				t.Fatalf("raw %X of value %X", raw, r.Value())
			}
		}
	})
}

// encode writes a tree, with lengths in the fewest bytes.
func encode(objects []Object) (b []byte) {
	for _, o := range objects {
		value := o.Value
		if len(o.Children) > 0 {
			value = encode(o.Children)
		}
		b = Append(b, o.Tag, value)
	}
	return b
}

func FuzzDOL(f *testing.F) {
	f.Add(unhex(f, "9F02069F03069F1A0295055F2A029A039C019F3704"))
	f.Add(unhex(f, "9F02069F"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseDOL(b)
		filled, fillErr := FillDOL(nil, b, func(tag Tag) []byte { return []byte{1, 2, 3} })
		if (err == nil) != (fillErr == nil) {
			t.Fatalf("parse %v, fill %v", err, fillErr)
		}
		if err != nil {
			return
		}
		total := 0
		for _, e := range list {
			total += e.Length
			if !DOLHas(b, e.Tag) {
				t.Fatalf("%X does not have %X", b, e.Tag)
			}
		}
		if len(filled) != total {
			t.Fatalf("filled %d bytes: want %d", len(filled), total)
		}
		if got := AppendDOL(nil, list); !bytes.Equal(got, b) {
			t.Fatalf("%X encodes as %X", b, got)
		}
	})
}

func BenchmarkFillDOL(b *testing.B) {
	dol := unhex(b, "9F02069F03069F1A0295055F2A029A039C019F3704")
	six := make([]byte, 6)
	get := func(Tag) []byte { return six }
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		FillDOL(dst, dol, get)
	}
}
