package dialect

import (
	"testing"

	"github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// stockSpec codes iso87 with what moov-io/iso8583 brings along: an independent coder, and the one to be faster than. It
// has no track 2 in nibbles, so that one element is packed with its Track2Packer over hex and read with our encoder.
func stockSpec() *iso8583.MessageSpec {
	fields := map[int]field.Field{
		0: field.NewString(&field.Spec{Length: 4, Enc: encoding.BCD, Pref: prefix.BCD.Fixed}),
		1: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.Binary, Pref: prefix.Binary.Fixed, DisableAutoExpand: true}),
	}
	digits := func(n int, p prefix.Prefixer) field.Field {
		return field.NewString(&field.Spec{Length: n, Enc: encoding.BCD, Pref: p})
	}
	ascii := func(n int, p prefix.Prefixer) field.Field {
		return field.NewString(&field.Spec{Length: n, Enc: encoding.ASCII, Pref: p})
	}
	filled := func(n int) field.Field {
		return field.NewString(&field.Spec{Length: n, Enc: encoding.ASCII, Pref: prefix.ASCII.Fixed, Pad: padding.Right(' ')})
	}
	raw := func(n int, p prefix.Prefixer) field.Field {
		return field.NewBinary(&field.Spec{Length: n, Enc: encoding.Binary, Pref: p})
	}
	for de, n := range map[int]int{3: 6, 4: 12, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 22: 4, 23: 4, 25: 2, 49: 4} {
		fields[de] = digits(n, prefix.BCD.Fixed)
	}
	fields[2], fields[32] = digits(19, prefix.BCD.LL), digits(11, prefix.BCD.LL)
	fields[44], fields[59] = ascii(25, prefix.BCD.LL), ascii(120, prefix.BCD.LLL)
	fields[35] = field.NewString(&field.Spec{Length: 37, Enc: encoding.ASCIIHexToBytes, Pref: prefix.BCD.LL, Pad: padding.Right('0'), Packer: field.Track2Packer{},
		Unpacker: field.UnpackerFunc(func(src []byte, s *field.Spec) ([]byte, int, error) {
			n, k, err := s.Pref.DecodeLength(s.Length, src)
			if err != nil {
				return nil, 0, err
			}
			v, read, err := track2{}.Decode(src[k:], n)
			return v, k + read, err
		})})
	fields[37], fields[41], fields[42] = filled(12), filled(8), filled(15)
	fields[38], fields[39] = ascii(6, prefix.ASCII.Fixed), ascii(2, prefix.ASCII.Fixed)
	fields[52], fields[64] = raw(8, prefix.Binary.Fixed), raw(8, prefix.Binary.Fixed)
	fields[54], fields[60], fields[63] = ascii(120, prefix.BCD.LLL), ascii(99, prefix.BCD.LLL), ascii(99, prefix.BCD.LLL)
	fields[55], fields[62] = raw(255, prefix.BCD.LLL), raw(999, prefix.BCD.LLL)
	return &iso8583.MessageSpec{Name: "stock", Fields: fields}
}

// The benchmarks run on a 0200 with 150 bytes of DE 55.
func TestTheBenchmarkedMessageIsOfTheUsualSize(t *testing.T) {
	if n := len(mustPack(t, sale(t), nil)); len(chipData) != 150 || n < 252 || n > 290 {
		t.Errorf("%d bytes with %d of chip data", n, len(chipData))
	}
}

func BenchmarkPack(b *testing.B) {
	m := sale(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ISO87().Pack(m, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPackMAC(b *testing.B) {
	m := sale(b)
	sum, _ := macer(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ISO87().Pack(m, sum); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	p := mustPack(b, sale(b), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ISO87().Unpack(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpackVerifyMAC(b *testing.B) {
	sum, verify := macer(b)
	p := mustPack(b, sale(b), sum)
	b.ReportAllocs()
	for b.Loop() {
		m, err := ISO87().Unpack(p)
		if err == nil {
			err = ISO87().VerifyMAC(p, m, verify)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// wideSale is the same sale with a transmission time and an original, which iso87-128 has above 64.
func wideSale(t testing.TB) *Message {
	m := sale(t)
	m.TransmissionDateTime, m.Original = "0302140511", Original{MTI: "0200", STAN: "000122", Date: "0302", Time: "140411"}
	return m
}

func BenchmarkPack128(b *testing.B) {
	m := wideSale(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ISO128().Pack(m, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack128(b *testing.B) {
	p, err := ISO128().Pack(wideSale(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ISO128().Unpack(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMoovUnpackOurBCD(b *testing.B) { benchmarkMoov(b, ISO87().MessageSpec()) }
func BenchmarkMoovUnpackStock(b *testing.B)  { benchmarkMoov(b, stockSpec()) }

func benchmarkMoov(b *testing.B, spec *iso8583.MessageSpec) {
	p := mustPack(b, sale(b), nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := iso8583.NewMessage(spec).Unpack(p); err != nil {
			b.Fatal(err)
		}
	}
}
