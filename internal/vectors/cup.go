package vectors

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/posim/posim/hsm/clear"
)

// cupKinds are what a file of cup/1 can hold, by its name. Some say more beside input and expected.
var cupKinds = map[string]func(o *operation, v *fields){
	"message":                 cupMessage,
	"batch-totals":            cupTotals,
	"aid-parameter-tlv":       cupAID,
	"mac-ecb":                 inOut(cupMAC),
	"pin-block-ansi-x9.8":     inOut(cupPINBlock),
	"key-unwrap":              inOut(cupKeyUnwrap),
	"key-check-value":         inOut(cupCheckValues),
	"des-ecb":                 inOut(cupDES),
	"track-encryption-source": inOut(cupTrack),
	"ca-public-key-test":      inOut(cupCAKey),
}

// inOut is a kind that input and expected are all of.
func inOut(run func(*operation)) func(*operation, *fields) {
	return func(o *operation, _ *fields) { run(o) }
}

// runUnionPay is cup/1: the terminal dialect of China UnionPay, one vector to a file.
func runUnionPay(f *file) {
	f.whole("", func(v *fields) {
		v.text("id")
		for _, name := range []string{"provenance", "verified"} { // say so in words
			v.optionalText(name)
		}
		kind := v.text("kind")
		o := &operation{in: v.object("input"), out: v.object("expected")}
		run := cupKinds[kind]
		switch {
		case !v.ok():
			return
		case run != nil:
			run(o, v)
		default:
			v.fail("kind", fmt.Sprintf("%q, which is not known here", kind), "one of "+strings.Join(sortedKeys(cupKinds), ", "))
		}
		if o.err != nil {
			v.fail("expected", o.err.Error(), "a result")
		}
	})
}

// desKey is a single- or double-length key, as its length says.
func (o *operation) desKey(in *fields, name string) clear.Key {
	b := in.hex(name)
	a := clear.TDES
	if len(b) == 8 {
		a = clear.DES
	}
	if !o.ready() {
		return clear.Key{}
	}
	return o.made(clear.NewKey(a, b))
}

func cupMAC(o *operation) {
	var mak clear.Key
	if o.in.has("tak_enc_hex") {
		tmk, slot := o.desKey(o.in, "tmk_hex"), o.in.hex("tak_enc_hex")
		if !o.ready() {
			return
		}
		mak = o.made(clear.CUPWorkingKey(tmk, slot, nil))
	} else {
		mak = o.desKey(o.in, "mak_hex")
	}
	data, frame := o.in.optional("mab_hex"), cupFrame{}
	if data == nil {
		frame = o.in.takeCUPFrame("frame_hex", true, true)
		if offset := o.in.number("mab_offset"); offset != cupLengthBytes+cupTPDU+cupHeader {
			o.in.fail("input.mab_offset", strconv.FormatInt(offset, 10), strconv.Itoa(cupLengthBytes+cupTPDU+cupHeader))
		}
		if !o.ready() {
			return
		}
		data = frame.body()[:len(frame.body())-len(frame.m.MAC)]
	}
	if !o.ready() {
		return
	}
	s, err := clear.CUPMAC(mak, data, false)
	if o.refuse(err); err != nil {
		return
	}
	o.out.same("xor", s.XOR)
	o.out.same("hexascii", s.Text)
	o.out.same("enc1", s.First)
	o.out.same("temp", s.Sum)
	o.out.same("enc2", s.Second)
	o.out.sameText("mac", string(s.MAC))
	o.out.same("mac_bytes", s.MAC)
	if frame.m == nil {
		return
	}
	if !bytes.Equal(frame.m.MAC, s.MAC) {
		o.in.fail("input.frame_hex", fmt.Sprintf("the MAC %q", s.MAC), "that of field 64")
	}
	frame.compare(o.out)
}

func cupPINBlock(o *operation) {
	pin, number := o.in.text("pin"), o.in.text("pan")
	if !o.ready() {
		return
	}
	pinField, panField, err := clear.PINFields("0", pin, number, "")
	o.refuse(err)
	block := o.bytes(clear.EncodePIN("0", pin, number, ""))
	if o.ready() {
		o.out.sameSecret("pin_block", pinField)
		o.out.sameSecret("pan_block", panField)
		o.out.sameSecret("clear_block", block)
	}
}

func cupKeyUnwrap(o *operation) {
	tmk, wrapped := o.desKey(o.in, "tmk_hex"), o.in.hex("enc_hex")
	if !o.ready() {
		return
	}
	if k := o.made(clear.CUPWorkingKey(tmk, wrapped, nil)); o.ready() {
		o.out.sameKey("plain_hex", k)
	}
}

// cupCheckValues compares the check values of working keys that are known clear. What a slot of 16 bytes decrypts to begins with the
// single-length key, and its check value as a key of 16 is another.
func cupCheckValues(o *operation) {
	for _, name := range []string{"pik", "mak"} {
		k := o.desKey(o.in, name+"_plain_hex")
		if !o.ready() {
			return
		}
		v := o.bytes(k.LegacyCheckValue(4))
		o.out.same(name+"_check", v)
		slot := name + "_as_decrypted_16"
		if !o.in.has(slot) {
			continue
		}
		whole := o.desKey(o.in, slot)
		if !o.ready() {
			return
		}
		if !bytes.HasPrefix(whole.Bytes(), k.Bytes()) || bytes.Equal(v, o.bytes(whole.LegacyCheckValue(4))) {
			o.in.fail("input."+slot, "another key, or its check value", "the key, and zeros that were decrypted")
		}
	}
}

func cupDES(o *operation) {
	k, plain := o.desKey(o.in, "key_hex"), o.in.text("plain_ascii")
	if !o.ready() {
		return
	}
	if out := o.bytes(clear.EncryptECB(k, []byte(plain))); o.ready() {
		o.out.same("cipher_hex", out)
	}
}

func cupTrack(o *operation) {
	for _, n := range []string{"2", "3"} {
		if !o.in.has("track" + n) {
			continue
		}
		digits := o.in.text("track" + n)
		if !o.ready() {
			return
		}
		if b := o.bytes(clear.TrackEncryptionSource(digits)); o.err == nil {
			o.out.sameSecret("tdb"+n+"_hex", b)
		}
	}
}

func cupCAKey(o *operation) {
	key := caKey(o.in)
	if key == nil {
		return
	}
	sum := key.Checksum()
	o.out.sameNumber("bits", int64(8*key.Size()))
	o.out.same("sha1_checksum", sum[:])
}
