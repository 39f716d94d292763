package vectors

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/posim/posim/hsm/clear"
)

// operations are what a vector of hsm/1 can ask for, by its name.
func operations() map[string]func(*operation) {
	all := map[string]func(*operation){}
	for _, part := range []map[string]func(*operation){keyOperations, issuerOperations, pinOperations, dukptOperations, keyBlockOperations} {
		maps.Copy(all, part)
	}
	return all
}

// keyOperations are those on keys, MACs, ciphers and hashes.
var keyOperations = map[string]func(*operation){
	"mac.generate":       generateMAC,
	"kcv":                checkValues,
	"components.combine": combineComponents,
	"key.import_ecb":     importECB,
	"des.odd_parity":     oddParity,
	"des.weak_key":       weakKey,
	"thales.key_variant": keyVariant,
	"sm3.hash":           hashSM3,
	"sm4.ecb":            encryptECB,
	"sm4.ecb_iterated":   encryptECBTimes,
	"sm4.cbc":            encryptCBC,
	"sm4.gcm":            encryptGCM,
}

// runSecurityModule is hsm/1: the functions of a security module on clear test keys.
func runSecurityModule(f *file) {
	for _, name := range []string{"topic", "encoding"} { // say so in words
		if f.root.has(name) {
			f.root.text(name)
		}
	}
	all := operations()
	f.vectors("vectors", byID, func(v *fields) { runOperation(v, all) })
}

// runOperation runs one vector. What the operation refuses must say out.error, and nothing else may.
func runOperation(v *fields, operations map[string]func(*operation)) {
	if v.has("published") { // by a standard or a third party; what is not was recomputed by two implementations
		v.flag("published")
	}
	name := v.text("op")
	run := operations[name]
	if run == nil {
		v.fail("op", fmt.Sprintf("%q, which is not known here", name), "one of "+strings.Join(sortedKeys(operations), ", "))
		return
	}
	o := &operation{in: v.object("in"), out: v.object("out")}
	if !v.ok() {
		return
	}
	refused := o.out.has("error")
	if refused && !o.out.flag("error") && v.ok() {
		v.fail("out.error", "false", "true, or no such field")
	}
	run(o)
	switch {
	case refused:
		v.compared++
		if o.err == nil && v.ok() {
			v.fail("out.error", "accepted", "rejected")
		}
	case o.err != nil:
		v.fail("out", o.err.Error(), "a result")
	}
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// operation is a vector's operation under way. It reads all of its inputs, computes, and compares if it is ready then.
type operation struct {
	in, out *fields
	err     error // what was refused first
}

// ready tells whether there is a result to compare.
func (o *operation) ready() bool { return o.err == nil && o.in.ok() }

// refuse remembers the first error.
func (o *operation) refuse(err error) {
	if o.err == nil {
		o.err = err
	}
}

// algorithm is a key's algorithm by its name.
func (o *operation) algorithm(in *fields, name string) clear.Algorithm {
	return clear.Algorithm(in.oneOf(name, string(clear.DES), string(clear.TDES), string(clear.AES), string(clear.SM4)))
}

// key is a key of an algorithm.
func (o *operation) key(in *fields, name string, a clear.Algorithm) clear.Key {
	b := in.hex(name)
	if !o.ready() {
		return clear.Key{}
	}
	return o.made(clear.NewKey(a, b))
}

// made, bytes and word take a function's result and its error.
func (o *operation) made(k clear.Key, err error) clear.Key { o.refuse(err); return k }
func (o *operation) bytes(b []byte, err error) []byte      { o.refuse(err); return b }
func (o *operation) word(s string, err error) string       { o.refuse(err); return s }

// optional is a member's bytes, nil if it is not there.
func (f *fields) optional(name string) []byte {
	if !f.has(name) {
		return nil
	}
	return f.hex(name)
}

// optionalText is a member's text, "" if it is not there.
func (f *fields) optionalText(name string) string {
	if !f.has(name) {
		return ""
	}
	return f.text(name)
}

// word is a member that is a name, or a number that names something.
func (f *fields) word(name string) string {
	if v := f.member(name); v != nil && v.kind == number {
		return v.text
	}
	return f.text(name)
}

// sameKey compares a key.
func (f *fields) sameKey(name string, k clear.Key) { f.sameSecret(name, k.Bytes()) }

// sameSecretText compares characters that are not shown.
func (f *fields) sameSecretText(name, got string) {
	if !f.has(name) {
		return
	}
	f.compared++
	if want := f.text(name); got != want {
		f.fail(f.path+name, digest([]byte(got)), digest([]byte(want)))
	}
}

// sameCheckValues compares a key's check values, of whatever length the vector gives them: kcv3 is three bytes.
func (o *operation) sameCheckValues(name string, k clear.Key) {
	for n := 2; n <= 16; n++ {
		field := fmt.Sprintf("%s%d", name, n)
		if !o.out.has(field) {
			continue
		}
		v, err := k.LegacyCheckValue(n)
		if err != nil {
			o.out.fail(o.out.path+field, err.Error(), "a check value")
			continue
		}
		o.out.same(field, v)
	}
}

func generateMAC(o *operation) {
	name, a := o.in.oneOf("alg", clear.MACs()...), o.algorithm(o.in, "cipher")
	if name == clear.ISO9797Alg3 && a == clear.DES {
		a = clear.TDES // the cipher of the chain: the key is two of its keys
	}
	k, padding, data := o.key(o.in, "key", a), int64(0), o.in.hex("data")
	if o.in.has("padding") {
		padding = o.in.number("padding")
	}
	if !o.ready() {
		return
	}
	mac := o.bytes(clear.MAC(name, k, int(padding), data))
	if !o.ready() {
		return
	}
	if name != clear.CUPECB {
		o.out.same("mac", mac)
		o.out.same("mac4", mac[:4])
		return
	}
	o.out.sameText("mac_ascii", string(mac))
	steps, err := clear.CUPMAC(k, data, false)
	if o.refuse(err); err == nil {
		o.out.same("xor_block", steps.XOR)
		o.out.same("full_block", steps.Second)
	}
}

func checkValues(o *operation) {
	k := o.key(o.in, "key", o.algorithm(o.in, "cipher"))
	if !o.ready() {
		return
	}
	cmac := o.bytes(k.CMACCheckValue())
	o.sameCheckValues("legacy", k)
	o.out.same("cmac5", cmac)
}

func combineComponents(o *operation) {
	a, parity := o.algorithm(o.in, "cipher"), o.in.flag("adjust_parity")
	var components []clear.Key
	var values []string
	for i, digits := range o.in.texts("components") {
		b, err := hex.DecodeString(digits)
		if err != nil {
			o.in.fail(fmt.Sprintf("in.components[%d]", i), fmt.Sprintf("%d characters", len(digits)), "hexadecimal digits, two for a byte")
			return
		}
		k := o.made(clear.NewKey(a, b))
		if o.err != nil {
			return
		}
		components = append(components, k)
		values = append(values, fmt.Sprintf("%X", o.bytes(k.LegacyCheckValue(3))))
	}
	if !o.ready() {
		return
	}
	k, raw, err := clear.Combine(components, parity)
	if o.refuse(err); err != nil {
		return
	}
	o.out.sameSecret("key_raw_xor", raw)
	o.out.sameKey("key", k)
	o.sameCheckValues("kcv", k)
	o.out.sameTexts("component_kcv3", values)
}

func importECB(o *operation) {
	kek, wrapped := o.key(o.in, "kek", o.algorithm(o.in, "cipher")), o.in.hex("wrapped")
	if !o.ready() {
		return
	}
	k := o.made(clear.ImportECB(kek, wrapped, nil))
	if o.ready() {
		o.out.sameKey("key", k)
		o.sameCheckValues("kcv", k)
	}
}

func oddParity(o *operation) {
	b := o.in.hex("key")
	if o.ready() {
		o.out.sameSecret("key", clear.OddParity(b))
	}
}

func weakKey(o *operation) {
	b := o.in.hex("key")
	if !o.ready() {
		return
	}
	weak, err := clear.WeakDES(b)
	if o.refuse(err); err == nil {
		o.out.sameFlag("weak", weak)
	}
}

func keyVariant(o *operation) {
	b, n := o.in.hex("key"), o.in.number("variant")
	a := clear.TDES
	if len(b) == 8 {
		a = clear.DES
	}
	if !o.ready() {
		return
	}
	k := o.made(clear.NewKey(a, b))
	if o.err == nil {
		k = o.made(k.Variant(int(n)))
	}
	if o.ready() {
		o.out.sameKey("key", k)
	}
}

func hashSM3(o *operation) {
	data := o.in.hex("data")
	if o.ready() {
		o.out.same("hash", clear.SM3(data))
	}
}

func encryptECB(o *operation) {
	k, data := o.key(o.in, "key", clear.SM4), o.in.hex("data")
	if !o.ready() {
		return
	}
	if out := o.bytes(clear.EncryptECB(k, data)); o.ready() {
		o.out.same("out", out)
	}
}

func encryptECBTimes(o *operation) {
	k, data, times := o.key(o.in, "key", clear.SM4), o.in.hex("data"), o.in.number("times")
	if !o.ready() {
		return
	}
	if out := o.bytes(clear.EncryptECBTimes(k, data, int(times))); o.ready() {
		o.out.same("out", out)
	}
}

func encryptCBC(o *operation) {
	k, iv, data := o.key(o.in, "key", clear.SM4), o.in.hex("iv"), o.in.hex("data")
	if !o.ready() {
		return
	}
	if out := o.bytes(clear.EncryptCBC(k, iv, data)); o.ready() {
		o.out.same("out", out)
	}
}

func encryptGCM(o *operation) {
	k, nonce, aad, data := o.key(o.in, "key", clear.SM4), o.in.hex("nonce"), o.in.hex("aad"), o.in.hex("data")
	if !o.ready() {
		return
	}
	out, tag, err := clear.EncryptGCM(k, nonce, aad, data)
	if o.refuse(err); err == nil {
		o.out.same("out", out)
		o.out.same("tag", tag)
	}
}
