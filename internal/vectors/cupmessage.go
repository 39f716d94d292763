package vectors

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm/clear"
	"github.com/posim/posim/transport/dialect"
)

const (
	cupLengthBytes = 2
	cupTPDU        = 5
	cupHeader      = 6
)

// cupSecret are the data elements whose values no failure shows.
var cupSecret = map[int]bool{2: true, 35: true, 36: true, 52: true}

// cupFrame is a frame as a line carries it, taken apart.
type cupFrame struct {
	length  int // as its first two bytes say; -1 without
	tpdu    []byte
	header  []byte
	message []byte // header and message, as the dialect reads it
	m       *dialect.Message
	fields  []dialect.RevealedField
}

// body is the message without header.
func (c *cupFrame) body() []byte { return c.message[cupHeader:] }

// takeCUPFrame takes a frame apart. A message that stands alone gets the usual header.
func (f *fields) takeCUPFrame(name string, withLength, withHeader bool) (c cupFrame) {
	b := f.hex(name)
	wrong := func(got, want string) cupFrame {
		f.fail(f.path+name, got, want)
		return cupFrame{}
	}
	if !f.ok() {
		return c
	}
	c.length = -1
	if withLength {
		if len(b) < cupLengthBytes || int(binary.BigEndian.Uint16(b)) != len(b)-cupLengthBytes {
			return wrong(bytesOf(len(b)), "a length and so many bytes")
		}
		c.length, b = int(binary.BigEndian.Uint16(b)), b[cupLengthBytes:]
	}
	d := dialect.CUP(dialect.Switches{})
	if withHeader {
		if len(b) < cupTPDU+cupHeader {
			return wrong(bytesOf(len(b)), "a TPDU, a header and a message")
		}
		c.tpdu, c.header, c.message = b[:cupTPDU], b[cupTPDU:cupTPDU+cupHeader], b[cupTPDU:]
	} else {
		usual, err := hex.DecodeString(d.Switches().Header)
		if err != nil {
			panic("bug: " + err.Error())
		}
		c.message = append(usual, b...)
	}
	var err error
	if c.m, err = d.Unpack(c.message); err == nil {
		_, c.fields, err = d.Reveal(c.message)
	}
	if err != nil {
		return wrong(err.Error(), "a message of cup")
	}
	var mac func(dst *[8]byte, data []byte) error
	if c.m.MAC != nil {
		mac = func(dst *[8]byte, _ []byte) error { copy(dst[:], c.m.MAC); return nil }
	}
	again, err := d.Pack(c.m, mac)
	if err != nil || !bytes.Equal(again, c.message) {
		return wrong(fmt.Sprintf("packed again it has %d bytes (%v)", len(again), err), fmt.Sprintf("the same %d bytes", len(c.message)))
	}
	return c
}

// compare looks at what a vector says of the message: all of its fields, and no others.
func (c *cupFrame) compare(out *fields) {
	out.same("mti", c.body()[:2])
	out.same("bitmap", c.body()[2:10])
	if out.has("present") {
		out.sameNumbers("present", c.present())
	}
	if !out.has("fields") {
		return
	}
	list := out.object("fields")
	for _, v := range c.fields {
		name := strconv.Itoa(v.DE)
		if !list.has(name) {
			list.fail(list.path+name, "a field", "none")
			continue
		}
		value := list
		if list.member(name).kind == object {
			value = list.object(name)
			value.sameNumber("len", int64(v.Length))
			name = "value"
		}
		if cupSecret[v.DE] {
			value.sameSecretText(name, v.Value)
		} else {
			value.sameText(name, v.Value)
		}
	}
}

func (c *cupFrame) present() (list []int) {
	for _, v := range c.fields {
		list = append(list, v.DE)
	}
	return list
}

// sameNumbers compares a list of whole numbers.
func (f *fields) sameNumbers(name string, got []int) {
	v := f.need(name, array)
	if v == nil {
		return
	}
	f.compared++
	var want []string
	for _, item := range v.items {
		want = append(want, item.text)
	}
	if g, w := strings.Trim(fmt.Sprint(got), "[]"), strings.Join(want, " "); g != w {
		f.fail(f.path+name, g, w)
	}
}

// cupMessage is a whole message: what it means, and that it is written again as the same bytes.
func cupMessage(o *operation, v *fields) {
	c := o.in.takeCUPFrame("frame_hex", o.in.flag("has_length_prefix"), o.in.flag("has_tpdu_and_header"))
	if !o.ready() {
		return
	}
	if c.length >= 0 {
		o.out.sameNumber("len", int64(c.length))
	}
	if c.header != nil {
		o.out.same("tpdu", c.tpdu)
		o.out.same("head", c.header)
	}
	c.compare(o.out)
	v.optionalText("verified")
	if v.has("decoded_62_ascii") {
		v.sameText("decoded_62_ascii", string(c.m.ReservedPrivate62))
		if _, err := dialect.ParseSequence(c.m.ReservedPrivate62); err != nil {
			v.fail("decoded_62_ascii", err.Error(), "a sequence number")
		}
	}
	if v.has("field62") {
		c.compareKeys(v.object("field62"))
	}
	if v.has("mac_key_hex") {
		c.verify(o, v)
	}
}

// compareKeys looks at what a vector says of a sign-on's keys.
func (c *cupFrame) compareKeys(out *fields) {
	out.optionalText("layout") // says so in words
	k, err := dialect.CUP(dialect.Switches{}).ParseSessionKeys(c.m.ReservedPrivate62)
	if err != nil {
		out.fail(out.path, err.Error(), "session keys")
		return
	}
	out.same("pik_enc", k.PINKey)
	out.same("pik_check", k.PINKeyCheckValue)
	out.same("mak_enc", k.MACKey)
	out.same("mak_check", k.MACKeyCheckValue)
	out.sameFlag("mak_single_length", bytes.Equal(k.MACKey[8:], make([]byte, 8)))
}

// verify computes the message's MAC under a key.
func (c *cupFrame) verify(o *operation, v *fields) {
	key := o.desKey(v, "mac_key_hex")
	if !o.ready() {
		return
	}
	err := dialect.CUP(dialect.Switches{}).VerifyMAC(c.message, c.m, func(mac, data []byte) error {
		s, err := clear.CUPMAC(key, data, false)
		if err == nil && !bytes.Equal(s.MAC, mac) {
			err = fmt.Errorf("the MAC %q", s.MAC)
		}
		return err
	})
	if err != nil || c.m.MAC == nil {
		v.fail("mac_key_hex", fmt.Sprint(err), "the key of field 64")
	}
	v.compared++
}

// cupTotals is field 48 of a settlement.
func cupTotals(o *operation, _ *fields) {
	t := &dialect.Totals{Debits: dialect.Total{Amount: o.in.number("debit_amount"), Count: int(o.in.number("debit_count"))},
		Credits: dialect.Total{Amount: o.in.number("credit_amount"), Count: int(o.in.number("credit_count"))}}
	if !o.ready() {
		return
	}
	d := dialect.CUP(dialect.Switches{})
	digits := func(mti string, domestic, foreign dialect.SettlementResult) (text, wire string) {
		b, err := d.Pack(&dialect.Message{MTI: mti, Totals: t, SettlementResult: domestic, ForeignResult: foreign}, nil)
		o.refuse(err)
		if err != nil {
			return "", ""
		}
		_, fields, err := d.Reveal(b)
		o.refuse(err)
		if err != nil || len(fields) != 1 {
			return "", ""
		}
		return fields[0].Value, strings.ToUpper(hex.EncodeToString(b[cupHeader+2+8:]))
	}
	plain, wire := digits("0500", 0, 0)
	domestic, _ := digits("0510", dialect.SettlementEqual, 0)
	foreign, _ := digits("0510", 0, dialect.SettlementEqual)
	if o.err != nil {
		return
	}
	o.out.sameText("digits", plain)
	o.out.sameText("field48_hex", wire)
	if o.out.has("result_digit_positions") {
		at := o.out.object("result_digit_positions")
		at.sameNumber("domestic", int64(differsAt(plain, domestic)))
		at.sameNumber("foreign", int64(differsAt(plain, foreign)))
	}
}

// differsAt is where the first digit differs; -1 nowhere.
func differsAt(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// cupAID is what a host says of an application.
func cupAID(o *operation, _ *fields) {
	b := o.in.hex("tlv_hex")
	if !o.ready() {
		return
	}
	const here = '1' // the host knows the application
	p, err := dialect.ParseAIDParameters(append([]byte{here}, b...))
	o.refuse(err)
	if err != nil {
		return
	}
	if again := p.Download(); !bytes.Equal(again[1:], b) {
		o.in.fail("input.tlv_hex", fmt.Sprintf("written again: %X", again[1:]), "the same bytes")
	}
	list := o.out.need("tlvs", array)
	if list == nil {
		return
	}
	at := 0
	r := tlv.NewReader(b)
	for ; r.Next(); at++ {
		got := fmt.Sprintf("%X %X", uint32(r.Tag()), r.Value())
		want := "nothing"
		if at < len(list.items) {
			want = pair(list.items[at])
		}
		o.out.compared++
		if got != want {
			o.out.fail(fmt.Sprintf("expected.tlvs[%d]", at), got, want)
		}
	}
	if r.Err() != nil || at != len(list.items) {
		o.out.fail("expected.tlvs", fmt.Sprintf("%d objects (%v)", at, r.Err()), fmt.Sprintf("%d", len(list.items)))
	}
}

// pair is a list of two texts.
func pair(v *value) string {
	if v.kind != array || len(v.items) != 2 || v.items[0].kind != text || v.items[1].kind != text {
		return "a list of two texts"
	}
	return v.items[0].text + " " + v.items[1].text
}
