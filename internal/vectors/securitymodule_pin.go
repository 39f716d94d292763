package vectors

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/hsm/clear"
)

// pinOperations are those on PINs, PIN blocks and card values.
var pinOperations = map[string]func(*operation){
	"pinblock.encode":          encodePINBlock,
	"pinblock.decode":          decodePINBlock,
	"pinblock.encipher":        encipherPINBlock,
	"pinblock.decipher":        decipherPINBlock,
	"pinblock.fields4":         fieldsOfFormat4,
	"pin.translate":            translatePIN,
	"pin.translate_dukpt_tdes": translateDUKPT,
	"pin.translate_dukpt_aes":  translateDUKPT,
	"pvv.generate":             generatePVV,
	"ibm3624.pin":              naturalPIN,
	"ibm3624.offset":           pinOffset,
	"ibm3624.decimalize":       decimalize,
	"cvv.generate":             generateCVV,
	"dcvv.generate":            generateDCVV,
	"cvc3.generate":            generateCVC3,
}

func encodePINBlock(o *operation) {
	format, pin := o.in.word("format"), o.in.text("pin")
	number, fill := o.in.optionalText("pan"), o.in.optionalText("fill")
	if !o.ready() {
		return
	}
	if block := o.bytes(clear.EncodePIN(format, pin, number, fill)); o.ready() {
		o.out.sameSecret("block", block)
	}
}

func decodePINBlock(o *operation) {
	format, block, number := o.in.word("format"), o.in.hex("block"), o.in.optionalText("pan")
	if !o.ready() {
		return
	}
	if pin := o.word(clear.DecodePIN(format, block, number)); o.ready() {
		o.out.sameSecretText("pin", pin)
	}
}

// fill is what a block is filled up with: "fill" in formats 1 and 3, "random" in format 4.
func (f *fields) fill() string { return f.optionalText("fill") + f.optionalText("random") }

func encipherPINBlock(o *operation) {
	format, k := o.in.word("format"), o.key(o.in, "key", o.algorithm(o.in, "cipher"))
	pin, number, fill := o.in.text("pin"), o.in.optionalText("pan"), o.in.fill()
	if !o.ready() {
		return
	}
	clearBlock, block := o.bytes(clear.EncodePIN(format, pin, number, fill)), o.bytes(clear.EncipherPIN(format, k, pin, number, fill))
	if !o.ready() {
		return
	}
	o.out.sameSecret("clear_block", clearBlock)
	o.out.same("block", block)
	if back, err := clear.DecipherPIN(format, k, block, number); err != nil || back != pin {
		o.out.fail("out.block", "a block that does not open", "one with the PIN")
	}
}

func decipherPINBlock(o *operation) {
	format, k := o.in.word("format"), o.key(o.in, "key", o.algorithm(o.in, "cipher"))
	block, number := o.in.hex("block"), o.in.optionalText("pan")
	if !o.ready() {
		return
	}
	if pin := o.word(clear.DecipherPIN(format, k, block, number)); o.ready() {
		o.out.sameSecretText("pin", pin)
	}
}

func fieldsOfFormat4(o *operation) {
	pin, number, random := o.in.text("pin"), o.in.text("pan"), o.in.text("random")
	if !o.ready() {
		return
	}
	pinField, panField, err := clear.PINFields("4", pin, number, random)
	if o.refuse(err); err == nil {
		o.out.sameSecret("pin_field", pinField)
		o.out.sameSecret("pan_field", panField)
	}
}

// zone reads a key and a format.
func (o *operation) zone(in *fields) clear.PINZone {
	return clear.PINZone{Format: in.word("format"), Key: o.key(in, "key", o.algorithm(in, "cipher"))}
}

// translatePIN compares a block in another zone. A fill beside the first block must be the one that it was made with.
func translatePIN(o *operation) {
	a, b, number := o.in.object("from"), o.in.object("to"), o.in.text("pan")
	from, to, block := o.zone(a), o.zone(b), a.hex("block")
	filled, fill := a.has("fill"), b.fill()
	made := a.fill()
	if !o.ready() {
		return
	}
	out := o.bytes(clear.TranslatePIN(from, to, block, number, fill))
	if !o.ready() {
		return
	}
	o.out.same("block", out)
	if !filled {
		return
	}
	pin := o.word(clear.DecipherPIN(from.Format, from.Key, block, number))
	if again, err := clear.EncipherPIN(from.Format, from.Key, pin, number, made); err != nil || !bytes.Equal(again, block) {
		a.fail(a.path+"fill", "another block with it", "the one that stands there")
	}
}

// translateDUKPT is translatePIN from a device with DUKPT: TDES and format 0, or AES and format 4.
func translateDUKPT(o *operation) {
	d, number, block := o.device(), o.in.text("pan"), o.in.hex("block")
	b := o.in.object("to")
	to, fill := o.zone(b), b.fill()
	txn := d.transaction()
	if !o.ready() {
		return
	}
	format, algorithm := "0", "TDES2"
	if d.ksn.AES() {
		format, algorithm = "4", fmt.Sprintf("AES%d", 8*txn.Len())
	}
	key := o.made(clear.WorkingKey(txn, d.ksn, "pin", algorithm))
	if !o.ready() {
		return
	}
	from := clear.PINZone{Format: format, Key: key}
	if out := o.bytes(clear.TranslatePIN(from, to, block, number, fill)); o.ready() {
		o.out.same("block", out)
	}
}

func generatePVV(o *operation) {
	pvk, number, index, pin := o.key(o.in, "pvk", clear.TDES), o.in.text("pan"), o.in.text("pvki"), o.in.text("pin")
	if !o.ready() {
		return
	}
	if pvv := o.word(clear.PVV(pvk, number, index, pin)); o.ready() {
		o.out.sameText("pvv", pvv)
	}
}

func (o *operation) ibm3624() clear.IBM3624 {
	return clear.IBM3624{Key: o.desKey(o.in, "pvk"), Table: o.in.text("decimalization"), Validation: o.in.hex("validation_data")}
}

func naturalPIN(o *operation) {
	p, offset := o.ibm3624(), o.in.text("offset")
	if !o.ready() {
		return
	}
	natural, pin := o.word(p.NaturalPIN(len(offset))), o.word(p.PIN(offset))
	if o.ready() {
		o.out.sameSecretText("natural_pin", natural)
		o.out.sameSecretText("pin", pin)
	}
}

func pinOffset(o *operation) {
	p, pin := o.ibm3624(), o.in.text("pin")
	if !o.ready() {
		return
	}
	natural, offset := o.word(p.NaturalPIN(len(pin))), o.word(p.Offset(pin))
	encrypted := o.bytes(clear.EncryptECB(p.Key, p.Validation))
	if o.ready() {
		o.out.sameSecret("encrypted", encrypted)
		o.out.sameSecretText("natural_pin", natural)
		o.out.sameText("offset", offset)
	}
}

func decimalize(o *operation) {
	block, table := o.in.hex("hex"), o.in.text("decimalization")
	if !o.ready() {
		return
	}
	if digits := o.word(clear.Decimalize(table, block)); o.ready() {
		o.out.sameSecretText("digits", digits)
	}
}

func generateCVV(o *operation) {
	cvk, number := o.key(o.in, "cvk", clear.TDES), o.in.text("pan")
	expiry, code := o.in.text("expiry"), o.in.text("service_code")
	if !o.ready() {
		return
	}
	if cvv := o.word(clear.CVV(cvk, number, expiry, code)); o.ready() {
		o.out.sameText("cvv", cvv)
	}
}

func generateDCVV(o *operation) {
	imk, number, sequence := o.key(o.in, "imk", clear.TDES), o.in.text("pan"), o.in.text("psn")
	expiry, code, counter := o.in.text("expiry"), o.in.text("service_code"), o.in.text("atc_decimal")
	if !o.ready() {
		return
	}
	udk, dcvv, err := clear.DCVV(imk, number, sequence, expiry, code, counter)
	if o.refuse(err); err == nil {
		o.out.sameKey("udk", udk)
		o.out.sameText("dcvv", dcvv)
	}
}

func generateCVC3(o *operation) {
	imk, number, sequence := o.key(o.in, "imk_cvc3", clear.TDES), o.in.text("pan"), o.in.text("psn")
	track, atc, un := o.in.hex("track_template"), o.in.hex("atc"), o.in.hex("un")
	if !o.ready() {
		return
	}
	iv, cvc3, err := clear.CVC3(imk, number, sequence, track, atc, un)
	if o.refuse(err); err == nil {
		o.out.same("ivcvc3", iv)
		o.out.sameText("cvc3", cvc3)
	}
}
