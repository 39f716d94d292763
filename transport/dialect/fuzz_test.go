package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/posim/posim/internal/pan"
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

// Whatever values a message is given: it is refused, or it arrives with the same ones.
func FuzzPack(f *testing.F) {
	f.Add("0200", "4761739001010119", "000000", int64(10000), true, "000123", "4761739001010119=29122011143844805", "SIM00001", "0002156C", chipData, []byte{0, 255}, "private", uint8(0xFF))
	f.Add("0400", "", "", int64(0), false, "", "", "", "", []byte{}, []byte{}, "98", uint8(0))
	f.Add("0200", "", "", int64(0), false, "", "", "SIM1  ", "", []byte{}, []byte{}, "", uint8(0))
	f.Add("0200", "", "", int64(0), false, "", "", " ", "", []byte{}, []byte{}, "", uint8(0))
	f.Add("0800", "", "", int64(-1), true, "1", "=", "SIM 0001", "\x00", []byte{}, []byte{}, "001", uint8(1))
	f.Fuzz(func(t *testing.T, mti, digits, code string, amount int64, has bool, stan, track, tid, amounts string, icc, keys []byte, private string, more uint8) {
		m := &Message{
			MTI: mti, ProcessingCode: code, AmountTransaction: amount, HasAmount: has, SystemsTraceAuditNumber: stan, Track2Data: track,
			CardAcceptorTerminalIdentification: tid, AdditionalAmounts: amounts, ICCSystemRelatedData: icc, ReservedPrivate62: keys,
		}
		m.PrimaryAccountNumber, _ = pan.Parse(digits)
		switch Class(mti) {
		case ClassNetworkManagement:
			m.NetworkManagementCode = private
		case ClassReversal:
			m.ReversalReason = private
		default:
			m.ReservedPrivate60 = private
		}
		for i, field := range []*string{&m.TimeLocalTransaction, &m.DateLocalTransaction, &m.DateExpiration, &m.POSEntryMode, &m.CardSequenceNumber,
			&m.POSConditionCode, &m.ResponseCode, &m.CurrencyCodeTransaction} { // the same text in others: each has its own coding
			if more>>i&1 != 0 {
				*field = code
			}
		}
		b, err := ISO87().Pack(m, nil)
		if err != nil {
			if field := (*FieldError)(nil); !errors.As(err, &field) || b != nil {
				t.Fatalf("%T %v, and %d bytes", err, err, len(b))
			}
			return
		}
		if given := len(digits) + len(track) + len(tid) + len(amounts) + len(icc) + len(keys) + len(private) + 9*len(code) + len(stan); len(b) > 64+given {
			t.Fatalf("%d bytes of values become %d", given, len(b))
		}
		got, err := ISO87().Unpack(b)
		if err != nil {
			t.Fatalf("%X is packed, and is no message: %v", b, err)
		}
		if !has {
			m.AmountTransaction = 0 // which is not there
		}
		if len(icc) == 0 {
			m.ICCSystemRelatedData = nil
		}
		if len(keys) == 0 {
			m.ReservedPrivate62 = nil
		}
		if a, b := fmt.Sprintf("%+v", plain(*got)), fmt.Sprintf("%+v", plain(*m)); a != b {
			t.Fatalf("packed\n%s\narrived\n%s", b, a)
		}
	})
}

// plain is a message that prints itself, without what hides it.
type plain Message

// Whatever claims to be a message with a MAC: verify sees exactly the bytes before it, and nothing but the whole message
// that the MAC was made for passes.
func FuzzVerifyMAC(f *testing.F) {
	sum, verify := macer(f)
	for _, m := range []*Message{full(f), sale(f)} {
		f.Add(mustPack(f, m, sum), uint16(0), byte(0))
		f.Add(mustPack(f, m, sum), uint16(50), byte(1))
	}
	f.Add(reversalBytes, uint16(20), byte(4))
	f.Add(signOnAnswerBytes, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, src []byte, at uint16, flip byte) {
		if m, err := ISO87().Unpack(src); err == nil && m.MAC != nil { // with its right MAC, which no chance finds
			var mac [8]byte
			if err := sum(&mac, src[:len(src)-8]); err != nil {
				t.Fatal(err)
			}
			src = append(bytes.Clone(src[:len(src)-8]), mac[:]...)
		}
		changed := bytes.Clone(src)
		if len(src) > 0 {
			changed[int(at)%len(src)] ^= flip
		}
		m, err := ISO87().Unpack(changed)
		if err != nil {
			return
		}
		seen := 0
		err = ISO87().VerifyMAC(changed, m, func(mac, data []byte) error {
			seen = len(mac) + len(data)
			return verify(mac, data)
		})
		if seen != 0 && seen != len(changed) {
			t.Fatalf("verify sees %d of %d bytes", seen, len(changed))
		}
		switch {
		case m.MAC == nil && ISO87().MACRequired(m.MTI):
			if !errors.Is(err, ErrNoMAC) {
				t.Fatalf("without a MAC: %v", err)
			}
		case m.MAC == nil:
			if err != nil {
				t.Fatal(err)
			}
		case (err == nil) != (flip == 0) && bytes.Equal(src[:2], changed[:2]):
			t.Fatalf("%X\nwas %X: %v", changed, src, err)
		}
		if n := len(changed) - 1; n >= 0 { // never against other bytes than the message's own
			if err := ISO87().VerifyMAC(changed[:n], m, func(mac, data []byte) error { return nil }); err == nil && m.MAC != nil && !bytes.Equal(changed[n-7:n], m.MAC) {
				t.Fatal("verified against other bytes")
			}
		}
	})
}

// Whatever stands in DE 62 of a sign-on: it is refused, or the same bytes are written again; it never prints a key.
func FuzzSessionKeys(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0xAB}, 38))
	f.Add(bytes.Repeat([]byte{0xAB}, 37))
	f.Add(bytes.Repeat([]byte{0xAB}, 39))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseSessionKeys(b)
		if err != nil {
			if !reflect.DeepEqual(k, SessionKeys{}) {
				t.Fatal("keys beside an error")
			}
			return
		}
		if got := must(ISO87().AppendSessionKeys([]byte("front"), k)); !bytes.Equal(got, append([]byte("front"), b...)) {
			t.Fatalf("%X is written as %X", b, got)
		}
		if s := fmt.Sprintf("%v %+v %x %q", k, k, k, k); len(s) > 400 {
			t.Fatalf("it prints %d characters", len(s))
		}
	})
}

// Whatever a message holds: what is shown of it to people is in proportion to it, and every element it has is named once.
func FuzzFields(f *testing.F) {
	sum, _ := macer(f)
	for _, b := range [][]byte{reversalBytes, swipedBytes, signOnAnswerBytes, mustPack(f, full(f), sum), mustPack(f, sale(f), nil)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := ISO87().Unpack(src)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Fatalf("an error of %d characters", len(err.Error()))
			}
			return
		}
		total, last := 0, 0
		for _, v := range ISO87().Fields(m) {
			if v.DE <= last || v.Name == "" || v.Value == "" {
				t.Fatalf("DE %d behind DE %d: %q %q", v.DE, last, v.Name, v.Value)
			}
			if one, ok := ISO87().Field(m, v.DE); !ok || one != v.Value {
				t.Fatalf("DE %d is %q, and %q alone", v.DE, v.Value, one)
			}
			last = v.DE
			total += len(v.Value)
		}
		if total > 100+30*len(src) {
			t.Fatalf("%d bytes become %d of text", len(src), total)
		}
		b, err := m.MarshalJSON()
		if err != nil || len(b) > 6*total+64*150 {
			t.Fatalf("%d bytes of JSON, %v", len(b), err)
		}
	})
}

// The same of the variant with 128 bits, and of every place of the reason: what decodes encodes to the same bytes.
func FuzzUnpack128(f *testing.F) {
	sum, _ := macer(f)
	wide := sale(f)
	wide.Original = Original{MTI: "0200", STAN: "000122", Date: "0302", Time: "000000", Acquirer: "12", Batch: "000007"}
	reversal := &Message{MTI: "0401", ReversalReason: ReasonNoAnswer, ReplacementAmount: 1, TransmissionDateTime: "0302140511", Original: wide.Original}
	settlement := &Message{MTI: "0510", SettlementResult: SettlementNotEqual, BatchNumber: "000007", Totals: &Totals{Debits: Total{1, 2}}}
	var all []*Dialect
	for r := range reasonRules {
		for _, name := range []string{"iso87", "iso87-128"} {
			d, err := ByName(name, Options{Reason: r})
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, d)
			for _, m := range []*Message{wide, reversal, settlement, {MTI: "0800", NetworkManagementCode: NetworkEcho}} {
				b, err := d.Pack(m, sum)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(b, byte(len(all)-1))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, which byte) {
		d := all[int(which)%len(all)]
		m, err := d.Unpack(src)
		if err != nil {
			if m != nil || len(err.Error()) > 300 {
				t.Errorf("a message beside an error, or an error of %d characters", len(err.Error()))
			}
			return
		}
		_ = d.Fields(m)
		if at := d.Offsets(src); at[len(at)-1] > len(src) {
			t.Errorf("offsets %v of %d bytes", at, len(src))
		}
		if _, _, err := d.Reveal(src); err != nil {
			t.Error(err)
		}
		var mac func(*[8]byte, []byte) error
		if m.MAC != nil {
			mac = func(dst *[8]byte, _ []byte) error { copy(dst[:], m.MAC); return nil }
		}
		again, err := d.Pack(m, mac)
		if err != nil {
			t.Fatalf("%X: %v", src, err)
		}
		if !bytes.Equal(again, src) {
			t.Fatalf("%X\nbecame %X", src, again)
		}
	})
}

// An original's text, alone: what is read is written again, and nothing else is an original.
func FuzzOriginal(f *testing.F) {
	for _, s := range []string{"#000007000123----------", "#------0001230302140511" + "0148", "#000007----------------" + "--12345678901", "#", "#0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOriginal(s)
		if err != nil {
			if o != (Original{}) {
				t.Error("an original beside an error")
			}
			return
		}
		if again, err := o.text(); err != nil || again != s {
			t.Fatalf("%q became %q, %v", s, again, err)
		}
	})
}
