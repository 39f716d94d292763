package dialect

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestPackRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Message)
		want   string
	}{
		{"an unknown MTI", func(m *Message) { m.MTI = "0203" }, `dialect: MTI: "0203" is not a message of iso87`},
		{"no MTI", func(m *Message) { m.MTI = "" }, `dialect: MTI: "" is not a message of iso87`},
		{"a short fixed number", func(m *Message) { m.SystemsTraceAuditNumber = "123" }, "dialect: DE 11: length 3: want exactly 6"},
		{"a long fixed number", func(m *Message) { m.DateLocalTransaction = "20260302" }, "dialect: DE 13: length 8: want exactly 4"},
		{"a letter among digits", func(m *Message) { m.ProcessingCode = "00000O" }, "dialect: DE 3: character 6 is not a digit"},
		{"an ISO 4217 number without its zero", func(m *Message) { m.CurrencyCodeTransaction = "156" }, "dialect: DE 49: length 3: want exactly 4"},
		{"an amount without its flag", func(m *Message) { m.HasAmount = false }, "dialect: DE 4: an amount without HasAmount"},
		{"a negative amount", func(m *Message) { m.AmountTransaction = -1 }, "dialect: DE 4: amount -1: want 0 to 999999999999 minor units"},
		{"an amount of 13 digits", func(m *Message) { m.AmountTransaction = 1e12 }, "dialect: DE 4: amount 1000000000000: want 0 to 999999999999 minor units"},
		{"a track with sentinels", func(m *Message) { m.Track2Data = ";1=2?" }, "dialect: DE 35: character 1 is not of track 2: want a digit or '='"},
		{"a track too long", func(m *Message) { m.Track2Data = strings.Repeat("1", 38) }, "dialect: DE 35: length 38 exceeds 37"},
		{"a TID too long", func(m *Message) { m.CardAcceptorTerminalIdentification = "123456789" }, "dialect: DE 41: length 9 exceeds 8"},
		{"a TID with its filler", func(m *Message) { m.CardAcceptorTerminalIdentification = "SIM1    " }, "dialect: DE 41: ends in a space: want it without the filler"},
		{"a short response code", func(m *Message) { m.ResponseCode = "0" }, "dialect: DE 39: length 1: want exactly 2"},
		{"control characters", func(m *Message) { m.ReservedPrivate63 = "a\x00" }, "dialect: DE 63: character 2 is not printable ASCII"},
		{"a PIN block that is none", func(m *Message) { m.PINData = make([]byte, 7) }, "dialect: DE 52: length 7: want exactly 8"},
		{"a PIN block between the sizes", func(m *Message) { m.PINData = make([]byte, 12) }, "dialect: DE 52: PIN block of 12 bytes: want 8 or 16"},
		{"a key serial number that is none", func(m *Message) { m.KeySerialNumber = make([]byte, 11) }, "dialect: DE 62: key serial number of 11 bytes: want 10 or 12"},
		{"a key serial number of a sign-on", func(m *Message) { m.MTI, m.KeySerialNumber = "0800", make([]byte, 10) }, `dialect: DE 62: a key serial number that class "network management" has no place for`},
		{"a key serial number beside private data", func(m *Message) { m.ReservedPrivate62, m.KeySerialNumber = []byte{1}, make([]byte, 10) }, "dialect: DE 62: a key serial number or a PIN block of"},
		{"private data that says it is a key serial number", func(m *Message) { m.ReservedPrivate62 = []byte{0xDF, 1, 10} }, "dialect: DE 62: private data that begins with DF01 or DF02"},
		{"too much chip data", func(m *Message) { m.ICCSystemRelatedData = make([]byte, 300) }, "dialect: DE 55: length 300 exceeds 255"},
		{"a reversal reason on a sale", func(m *Message) { m.ReversalReason = "98" }, `dialect: DE 60: network management code, reversal reason or private data that class "financial" has no place for`},
		{"a network code on a sale", func(m *Message) { m.NetworkManagementCode = "001" }, "dialect: DE 60: "},
		{"private data on a reversal", func(m *Message) { m.MTI, m.ReservedPrivate60 = "0421", "x" }, "dialect: DE 60: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sale(t)
			c.change(m)
			b, err := ISO87().Pack(m, nil)
			var f *FieldError
			if !errors.As(err, &f) || !strings.HasPrefix(err.Error(), c.want) || b != nil {
				t.Errorf("got %X\n%v, want\n%s", b, err, c.want)
			}
		})
	}
}

func TestFilledFieldsComeBackWithoutFiller(t *testing.T) {
	m := sale(t)
	m.CardAcceptorTerminalIdentification, m.CardAcceptorIdentificationCode, m.RetrievalReferenceNumber = "T", " M 1", "12"
	got := mustUnpack(t, mustPack(t, m, nil))
	if got.Key() != m.Key() || got.RetrievalReferenceNumber != "12" {
		t.Errorf("%+v, RRN %q", got.Key(), got.RetrievalReferenceNumber)
	}
}

func TestPackTellsWhyTheMACFailed(t *testing.T) {
	_, err := ISO87().Pack(sale(t), func(*[8]byte, []byte) error { return errWrong })
	var f *FieldError
	if !errors.As(err, &f) || f.DE != 64 || !errors.Is(err, errWrong) {
		t.Error(err)
	}
}

func TestTheMACCoversAllBytesBeforeItWithItsBitSet(t *testing.T) {
	var seen []byte
	b := mustPack(t, sale(t), func(dst *[8]byte, data []byte) error {
		seen = append(seen, data...)
		*dst = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		return nil
	})
	if string(b) != string(seen)+"\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Errorf("MAC over\n%X of\n%X", seen, b)
	}
	if seen[9]&1 == 0 {
		t.Error("bit 64 is not set under the MAC")
	}
}

func TestVerifyMAC(t *testing.T) {
	sum, verify := macer(t)
	broken := errors.New("module is down")
	for _, c := range []struct {
		name   string
		m      *Message
		mac    func(*[8]byte, []byte) error
		change func([]byte)
		verify func(mac, data []byte) error
		want   error
	}{
		{"a good MAC", sale(t), sum, nil, verify, nil},
		{"no MAC on a sale", sale(t), nil, nil, verify, ErrNoMAC},
		{"no MAC on a reversal answer", &Message{MTI: "0410", ResponseCode: "00"}, nil, nil, verify, ErrNoMAC},
		{"no MAC on a sign-on", &Message{MTI: "0810", ResponseCode: "00"}, nil, nil, verify, nil},
		{"a MAC on a sign-on is verified", &Message{MTI: "0810", ResponseCode: "00"}, sum, func(b []byte) { b[len(b)-1] ^= 1 }, verify, ErrMAC},
		{"a bit of the MAC", sale(t), sum, func(b []byte) { b[len(b)-1] ^= 1 }, verify, ErrMAC},
		{"a bit of the STAN", sale(t), sum, func(b []byte) { b[30] ^= 1 }, verify, ErrMAC},
		{"a module that cannot verify", sale(t), sum, nil, func(_, _ []byte) error { return broken }, broken},
		{"and is still no good MAC", sale(t), sum, nil, func(_, _ []byte) error { return broken }, ErrMAC},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := mustPack(t, c.m, c.mac)
			if c.change != nil {
				c.change(b)
			}
			if err := ISO87().VerifyMAC(b, mustUnpack(t, b), c.verify); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	a, b := sale(t), sale(t)
	b.SystemsTraceAuditNumber = "000124"
	if err := ISO87().VerifyMAC(mustPack(t, a, sum), mustUnpack(t, mustPack(t, b, sum)), verify); !errors.Is(err, ErrMAC) {
		t.Errorf("the bytes of another message: %v", err)
	}
	if err := ISO87().VerifyMAC(nil, mustUnpack(t, mustPack(t, b, sum)), verify); !errors.Is(err, ErrMAC) {
		t.Errorf("no bytes: %v", err)
	}
}

func TestEveryChangedBitOfAMessageWithAMACIsAnError(t *testing.T) {
	sum, verify := macer(t)
	for _, whole := range [][]byte{mustPack(t, sale(t), sum), reversalBytes} {
		for i := range 8 * len(whole) {
			bad := bytes.Clone(whole)
			bad[i/8] ^= 0x80 >> (i % 8)
			m, err := ISO87().Unpack(bad)
			if err == nil {
				err = ISO87().VerifyMAC(bad, m, verify)
			}
			if err == nil {
				t.Errorf("bit %d of byte %d: %v", i%8, i/8, m)
			}
		}
	}
}

func TestMACRequired(t *testing.T) {
	for _, mti := range iso87MTIs {
		if got, want := ISO87().MACRequired(mti), mti != "0800" && mti != "0810"; got != want {
			t.Errorf("%s: %v", mti, got)
		}
	}
}
