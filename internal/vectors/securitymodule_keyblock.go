package vectors

import (
	"fmt"

	"github.com/posim/posim/hsm/clear"
)

// keyBlockOperations are those on key blocks.
var keyBlockOperations = map[string]func(*operation){
	"tr31.wrap":   wrapKeyBlock,
	"tr31.unwrap": unwrapKeyBlock,
}

// protectionKey reads the key that a block is under; the block's version says of which algorithm it is.
func (o *operation) protectionKey(block string) clear.Key {
	key := o.in.hex("kbpk")
	if !o.ready() {
		return clear.Key{}
	}
	return o.made(clear.ProtectionKey(block, key))
}

func wrapKeyBlock(o *operation) {
	header, key, padding := o.in.text("header"), o.in.hex("key"), o.in.hex("padding")
	kbpk := o.protectionKey(header)
	if !o.ready() {
		return
	}
	if block := o.word(clear.WrapKeyBlock(kbpk, header, key, clear.Padding{Fixed: padding})); o.ready() {
		o.out.sameText("block", block)
	}
}

func unwrapKeyBlock(o *operation) {
	text := o.in.text("block")
	kbpk := o.protectionKey(text)
	if !o.ready() {
		return
	}
	block, err := clear.UnwrapKeyBlock(kbpk, text)
	if o.refuse(err); err != nil {
		return
	}
	o.out.sameSecret("key", block.Bytes())
	o.sameHeader(block)
	for _, name := range []string{"kcv_legacy", "kcv_cmac"} {
		if !o.out.has(name) {
			continue
		}
		k, ok := block.Key()
		if !ok {
			o.out.fail("out."+name, "a key that has none", "a check value")
			continue
		}
		value := o.bytes(k.LegacyCheckValue(3))
		if name == "kcv_cmac" {
			value = o.bytes(k.CMACCheckValue())
		}
		o.out.same(name, value)
	}
}

// sameHeader compares a header, and all of its optional blocks.
func (o *operation) sameHeader(block clear.KeyBlock) {
	if !o.out.has("header") {
		return
	}
	h, out := block.Header, o.out.object("header")
	out.sameText("version", string(h.Version))
	out.sameNumber("length", int64(block.Length))
	out.sameText("usage", h.Usage)
	out.sameText("algorithm", string(h.Algorithm))
	out.sameText("mode", string(h.Mode))
	out.sameText("key_version", h.KeyVersion)
	out.sameText("exportability", string(h.Exportability))
	if !out.has("opt") {
		return
	}
	list := out.object("opt")
	for _, b := range h.Optional {
		if !list.has(b.ID) {
			list.fail(list.path+b.ID, fmt.Sprintf("%q", b.Data), "no such block")
			continue
		}
		list.sameText(b.ID, b.Data)
	}
}
