package vectors

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm/clear"
)

// issuerOperations are those of an issuer of chip cards.
var issuerOperations = map[string]func(*operation){
	"emv.arqc_arpc":         cryptogramAndAnswer,
	"emv.cvn10":             cryptogramVersion10,
	"emv.script_pin_change": scriptPINChange,
	"emv.sk_emv2000_tree":   treeSessionKey,
}

// cardKey derives a card's key from the issuer's key of that name.
func (o *operation) cardKey(name, option string) clear.Key {
	imk := o.key(o.in, name, clear.TDES)
	number, sequence := o.in.text("pan"), o.in.text("psn")
	if !o.ready() {
		return clear.Key{}
	}
	return o.made(clear.ICCMasterKey(imk, option, number, sequence))
}

func cryptogramAndAnswer(o *operation) {
	mk := o.cardKey("imk_ac", o.in.text("mk_option"))
	rule := o.in.oneOf("sk_method", clear.SessionNone, clear.SessionCommon, clear.SessionVisa)
	diversifier, data := o.in.optional("diversifier"), o.in.hex("data")
	padding := map[string]int{"iso9797-1": 1, "iso9797-2": 2}[o.in.oneOf("padding", "iso9797-1", "iso9797-2")]
	method, which := o.in.oneOf2("arpc_method", 1, 2), o.in.oneOf("arpc_key", "mk", "sk")
	answer := o.answer(method)
	if !o.ready() {
		return
	}
	sk := o.made(clear.SessionKey(rule, mk, diversifier))
	if !o.ready() {
		return
	}
	key := sk
	if which == "mk" {
		key = mk
	}
	ac := o.bytes(clear.MAC(clear.ISO9797Alg3, sk, padding, data))
	if !o.ready() {
		return
	}
	arpc := o.bytes(answer(key, ac))
	if !o.ready() {
		return
	}
	o.out.sameKey("icc_mk", mk)
	o.sameCheckValues("icc_mk_kcv", mk)
	o.out.sameKey("sk_ac", sk)
	o.sameCheckValues("sk_kcv", sk)
	o.out.same("arqc", ac)
	o.out.same("arpc", arpc)
}

// oneOf2 is a number that is one of two.
func (f *fields) oneOf2(name string, a, b int64) int64 {
	n := f.number(name)
	if n != a && n != b {
		f.fail(f.path+name, fmt.Sprint(n), fmt.Sprintf("%d or %d", a, b))
	}
	return n
}

// answer reads what an ARPC covers by its method.
func (o *operation) answer(method int64) func(key clear.Key, arqc []byte) ([]byte, error) {
	if method == 1 {
		code := o.in.hex("arpc_rc")
		return func(key clear.Key, arqc []byte) ([]byte, error) { return clear.ARPC1(key, arqc, code) }
	}
	csu, proprietary := o.in.hex("csu"), o.in.optional("prop_auth_data")
	return func(key clear.Key, arqc []byte) ([]byte, error) { return clear.ARPC2(key, arqc, csu, proprietary) }
}

func cryptogramVersion10(o *operation) {
	mk := o.cardKey("imk_ac", "A")
	data := map[tlv.Tag][]byte{}
	for _, e := range []struct {
		name string
		tag  tlv.Tag
	}{
		{"amount", tlv.AmountAuthorised}, {"amount_other", tlv.AmountOther}, {"country", tlv.TerminalCountryCode}, {"tvr", tlv.TVR},
		{"currency", tlv.TransactionCurrencyCode}, {"date", tlv.TransactionDate}, {"type", tlv.TransactionType},
		{"un", tlv.UnpredictableNumber}, {"aip", tlv.ApplicationInterchangeProfile}, {"atc", tlv.ApplicationTransactionCounter},
	} {
		data[e.tag] = o.in.hex(e.name)
	}
	data[tlv.IssuerApplicationData] = append([]byte{6, 1, security.VisaCVN10.Number()}, o.in.hex("cvr")...)
	code := o.in.hexN("arc", 2)
	if !o.ready() {
		return
	}
	session, err := clear.NewCardSession("visa-cvn10", mk, data[tlv.ApplicationTransactionCounter], nil)
	if o.refuse(err); err != nil {
		return
	}
	_, arqc, err := session.Cryptogram(func(tag tlv.Tag) []byte { return data[tag] })
	if o.refuse(err); err != nil {
		return
	}
	answer := o.bytes(session.IssuerAuthenticationData(arqc, security.IssuerAnswer{AuthorisationResponseCode: [2]byte(code)}))
	if o.ready() {
		o.out.same("arqc", arqc)
		o.out.same("arpc", answer[:8])
	}
}

// pinChangeForm is a script form in the vectors' words: how data is enciphered, and what stands around the PIN block then.
type pinChangeForm struct {
	session, form string
	decrypt       func(k clear.Key, data []byte) ([]byte, error)
	before, after string
}

var pinChangeForms = map[string]pinChangeForm{
	"ECB, 80 pad only if needed":    {clear.SessionCommon, "mchip", clear.DecryptECB, "", ""},
	"CBC IV0, mandatory 80 pad":     {clear.SessionCommon, "common-core", decryptCBC, "", "\x80\x00\x00\x00\x00\x00\x00\x00"},
	"ECB, length-prefixed + 80 pad": {clear.SessionVisa, "visa", clear.DecryptECB, "\x08", "\x80\x00\x00\x00\x00\x00\x00"},
}

func decryptCBC(k clear.Key, data []byte) ([]byte, error) { return clear.DecryptCBC(k, nil, data) }

// scriptPINChange compares a new PIN as a script carries it. The MAC of these vectors is over header and data alone.
func scriptPINChange(o *operation) {
	way := o.in.text("encryption")
	form, known := pinChangeForms[way]
	if !known {
		o.in.fail("in.encryption", fmt.Sprintf("%q", way), "one of \""+strings.Join(sortedKeys(pinChangeForms), `", "`)+`"`)
		return
	}
	o.in.oneOf("sk_method", form.session)
	s := clear.Script{Form: form.form, MAC: o.cardKey("imk_smi", "A"), Encipherment: o.cardKey("imk_smc", "A")}
	if form.session == clear.SessionVisa {
		s.Cryptogram = o.cardKey("imk_ac", "A")
	}
	diversifier, header := o.in.hex("diversifier"), o.in.hexN("command_header", 5)
	pin, block := o.in.text("pin"), o.in.hexN("pin_block", 8)
	if !o.ready() {
		return
	}
	s.ATC, s.AC = []byte{0, 0}, diversifier
	if form.session == clear.SessionVisa {
		s.ATC, s.AC = diversifier, make([]byte, 8)
	}
	enc, mac := o.made(clear.SessionKey(form.session, s.Encipherment, diversifier)), o.made(clear.SessionKey(form.session, s.MAC, diversifier))
	if !o.ready() {
		return
	}
	data := o.bytes(s.EncipherPIN(pin, ""))
	if !o.ready() {
		return
	}
	sum := o.bytes(clear.MAC(clear.ISO9797Alg3, mac, 2, append(header, data...)))
	plain := o.bytes(form.decrypt(enc, data))
	if !o.ready() {
		return
	}
	if want := []byte(form.before + string(block) + form.after); !bytes.Equal(plain, want) {
		o.in.fail("in.pin_block", digest(plain), digest(want))
	}
	o.out.same("encrypted_data", data)
	o.out.same("script_mac", sum)
	o.sameCheckValues("sk_smc_kcv", enc)
	o.sameCheckValues("sk_smi_kcv", mac)
}

func treeSessionKey(o *operation) {
	mk, atc, iv := o.key(o.in, "icc_mk", clear.TDES), o.in.hex("atc"), o.in.hex("iv")
	branch, height := o.in.number("branch"), o.in.number("height")
	if !o.ready() {
		return
	}
	if sk := o.made(clear.TreeSessionKey(mk, atc, int(branch), int(height), iv)); o.ready() {
		o.out.sameKey("sk", sk)
	}
}
