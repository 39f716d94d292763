package dialect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestWhereTheReasonIs(t *testing.T) {
	const mti, in39, in60 = "0400 ", "0000000002000000", "0000000000000010"
	text := func(s string) string { return fmt.Sprintf("%04d%X", len(s), s) }
	for _, c := range []struct {
		rule   ReasonRule
		reason string
		want   string
	}{
		{ReasonIn60, "98", mti + in60 + text("98")},
		{ReasonIn39, "98", mti + in39 + "3938"},
		{ReasonIn39, "A0", mti + in39 + "4130"},
		{Reason400x, ReasonNoAnswer, mti + in60 + text("4021")},
		{Reason400x, ReasonDeviceFault, mti + in60 + text("4007")},
		{Reason400x, ReasonMAC, mti + in60 + text("4020")},
		{Reason400x, ReasonMismatch, mti + in60 + text("4001")},
	} {
		for _, name := range []string{"iso87", "iso87-128"} {
			d, err := ByName(name, Options{Reason: c.rule})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []Original{{}, {Batch: "000007"}} {
				m := &Message{MTI: "0400", ReversalReason: c.reason, Original: o}
				b, err := d.Pack(m, nil)
				if err != nil {
					t.Fatal(err)
				}
				if o == (Original{}) && !bytes.Equal(b, bytesOf(c.want)) {
					t.Errorf("%s, %v, %s: %X, want %s", name, c.rule, c.reason, b, c.want)
				}
				if got, err := d.Unpack(b); err != nil || got.ReversalReason != c.reason || got.Original != o || got.ResponseCode != "" {
					t.Errorf("%s, %v, %s: %v, reason %q, code %q, %+v", name, c.rule, c.reason, err, got.ReversalReason, got.ResponseCode, got.Original)
				}
			}
			answer := &Message{MTI: "0410", ResponseCode: "25"}
			b, err := d.Pack(answer, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := d.Unpack(b); err != nil || got.ResponseCode != "25" || got.ReversalReason != "" {
				t.Errorf("%s, %v: an answer: %v, %+v", name, c.rule, err, plain(*got))
			}
		}
	}
}

func TestAWrongReasonIsAnError(t *testing.T) {
	for _, c := range []struct {
		rule  ReasonRule
		m     Message
		bytes string
		want  string
	}{
		{rule: Reason400x, m: Message{MTI: "0400", ReversalReason: "01"}, want: "dialect: DE 60: a reversal reason without a message reason code"},
		{rule: Reason400x, bytes: "0400 0000000000000010 0002 3938", want: "dialect: DE 60 at offset 10: want a message reason code"},
		{rule: ReasonIn39, bytes: "0400 0000000000000010 0002 3938", want: "dialect: DE 60 at offset 10: a reversal reason: want it in DE 39"},
		{rule: ReasonIn39, m: Message{MTI: "0400", ReversalReason: "980"}, want: "dialect: DE 39: length 3: want exactly 2"},
		{rule: ReasonIn39, m: Message{MTI: "0400", ReversalReason: "98", ResponseCode: "00"}, want: "dialect: DE 39: a response code on the request of a reversal"},
		{rule: ReasonIn39, m: Message{MTI: "0410", ReversalReason: "98"}, want: "dialect: DE 39: a reversal reason on what is no request of a reversal"},
	} {
		d, err := ByName("iso87", Options{Reason: c.rule})
		if err != nil {
			t.Fatal(err)
		}
		if c.bytes != "" {
			_, err = d.Unpack(bytesOf(c.bytes))
		} else {
			_, err = d.Pack(&c.m, nil)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.rule, err, c.want)
		}
	}
}

func TestReasonRulesByName(t *testing.T) {
	for r := range reasonRules {
		if got, err := ParseReasonRule(r.String()); got != r || err != nil {
			t.Errorf("%v: %v, %v", r, got, err)
		}
	}
	if _, err := ParseReasonRule("25"); err == nil || err.Error() != `dialect: reason rule "25": want one of 60, 39, 400x` {
		t.Error(err)
	}
}

// Peers disagree about the repeat of a reversal: the same message again, or one with the time of its own transmission.
func TestARepeatIsStampedAnewIfTheRuleSaysSo(t *testing.T) {
	first := &Message{MTI: "0400", SystemsTraceAuditNumber: "000123", TimeLocalTransaction: "140511", DateLocalTransaction: "0302", TransmissionDateTime: "0302140511",
		ReversalReason: ReasonNoAnswer, Original: Original{MTI: "0200", STAN: "000123", Date: "0302", Time: "140511"}}
	for _, c := range []struct {
		name    string
		restamp bool
		want    string // DE 7
	}{
		{"iso87-128", false, "0302140511"},
		{"iso87-128", true, "0302140611"},
	} {
		d, err := ByName(c.name, Options{Restamp: c.restamp})
		if err != nil {
			t.Fatal(err)
		}
		again := d.AsRepeat(first, "0302140611")
		b, err := d.Pack(again, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Unpack(b)
		if err != nil {
			t.Fatal(err)
		}
		if got.MTI != "0401" || got.TransmissionDateTime != c.want {
			t.Errorf("%v: %s, DE 7 %s", c.restamp, got.MTI, got.TransmissionDateTime)
		}
		got.MTI, got.TransmissionDateTime = first.MTI, first.TransmissionDateTime
		if a, b := fmt.Sprintf("%+v", plain(*got)), fmt.Sprintf("%+v", plain(*first)); a != b || first.MTI != "0400" {
			t.Errorf("%v: something else changed:\n%s\n%s", c.restamp, a, b)
		}
	}
	if _, err := ByName("iso87", Options{Restamp: true}); err == nil || !strings.Contains(err.Error(), "DE 7") {
		t.Errorf("iso87 has no DE 7 to stamp: %v", err)
	}
}

func TestDialectsByName(t *testing.T) {
	for _, name := range Names() {
		d, err := ByName(name, Options{})
		if err != nil || d.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"iso93", Options{}, `dialect: "iso93": want one of iso87, iso87-128, cup`},
		{"iso87", Options{Reason: reasonRules}, "dialect: reason rule 3"},
		{"iso87", Options{Switches: Switches{SingleMAK: true}}, "dialect: iso87 has no switches"},
		{"cup", Options{Reason: Reason400x}, "dialect: cup has the reason in DE 39"},
		{"cup", Options{Restamp: true}, "dialect: cup has no DE 7"},
	} {
		if d, err := ByName(c.name, c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) || d != nil {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
