package main

import (
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmTR31Command() *cobra.Command {
	return hsmGroup(&cobra.Command{
		Use: "tr31", Short: "key blocks of X9.143 (TR-31), versions A, B, C and D",
		Example: "  posim hsm tr31 show B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E\n" +
			"  posim hsm tr31 unwrap --kbpk DD7515F2BFC17F85CE48F3CA25CB21F6 B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
	}, "wrap, unwrap or show", a.hsmWrapCommand(), a.hsmUnwrapCommand(), a.hsmShowCommand())
}

func (a *app) hsmWrapCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "wrap", Short: "put a key into a key block",
		Long: `wrap puts a key into a block under a key block protection key: of TDES for versions A, B and C, of AES for D. --header is the block's
beginning: version, four length digits (any: they are filled in), usage, algorithm, mode of use, key version number, exportability,
number of optional blocks, 00, and these blocks; padding for whole blocks is added. The key is padded at random, to a length that
hides its own, unless --padding says the bytes.
`,
		Example: "  posim hsm tr31 wrap --kbpk 06F039C94816473976474B101F4576E5 --header C0000K0TB00S0000 --key 8567DFBA6BCD10E3C4647A6DA4B098BC --padding 396E217FF5FF\n" +
			"  posim hsm tr31 wrap --kbpk 88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6 --header D0000P0AE00E0000 --key 3F419E1CB7079442AA37474C2EFBF8B8",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("kbpk", "", "the key block protection `KEY`")
	f.String("header", "", "the block's beginning, `TEXT`")
	f.String("key", "", "the `KEY` that is wrapped")
	f.String("padding", "", "the bytes behind the key, `HEX`")
	return a.calculator(c, wrapKey)
}

// protectionKey is a key block protection key for a block, or for the beginning of one.
func (in *hsmInput) protectionKey(block string) clear.Key {
	among := clear.TDES
	if block != "" && (block[0] == 'D' || block[0] == 'E') {
		among = clear.AES
	}
	return in.key("kbpk", among)
}

func wrapKey(in *hsmInput) (*hsmReport, error) {
	text := in.text("header")
	if in.err != nil {
		return nil, nil
	}
	header, err := clear.ParseKeyBlockHeader(text)
	if err == nil {
		err = clear.CheckHeader(header)
	}
	if err != nil {
		return nil, err
	}
	kbpk, key, padding := in.protectionKey(text), in.hex("key"), clear.Padding{Random: rand.Reader}
	if in.given("padding") {
		padding = clear.Padding{Fixed: in.hex("padding")}
	}
	if in.err != nil {
		return nil, nil
	}
	if k, ok := clear.KeyOf(header, key); ok && in.strict() {
		if err := k.CheckNamed("--key"); err != nil {
			return nil, err
		}
	}
	block, err := clear.WrapKeyBlock(kbpk, text, key, padding)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	shown, err := clear.ShowKeyBlock(block)
	if err != nil {
		return nil, err
	}
	r.header(shown)
	if k, ok := clear.KeyOf(header, key); ok {
		r.row("wrapped key", fmt.Sprintf("%s, %d bytes", k.Algorithm(), k.Len()), hsmKey{key: k}.note())
		r.kcv(k)
	}
	r.add("block", "block", block, "")
	return r, nil
}

func (a *app) hsmUnwrapCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "unwrap BLOCK", Short: "take the key out of a key block",
		Long: `unwrap checks a block's MAC, then shows what the block says of its key, and the key. A block that was altered, or is under another
protection key, is one error. Blocks of version E are not opened.
`,
		Example: "  posim hsm tr31 unwrap --kbpk 88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6 " +
			"D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
		Args: exactly("BLOCK"),
	}
	strictFlag(c.Flags())
	c.Flags().String("kbpk", "", "the key block protection `KEY`")
	return a.calculator(c, unwrapKey)
}

func unwrapKey(in *hsmInput) (*hsmReport, error) {
	text := in.argument("BLOCK")
	kbpk := in.protectionKey(text)
	if in.err != nil {
		return nil, nil
	}
	b, err := clear.UnwrapKeyBlock(kbpk, text)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.header(b)
	note := ""
	k, ok := b.Key()
	if ok && in.strict() {
		if err := k.CheckNamed("key"); err != nil {
			return nil, err
		}
	}
	if ok {
		note = hsmKey{key: k}.note()
	}
	r.add("key", "key", fmt.Sprintf("%X", b.Bytes()), note)
	if ok {
		r.kcv(k)
	}
	return r, nil
}

func (a *app) hsmShowCommand() *cobra.Command {
	return a.calculator(&cobra.Command{
		Use: "show BLOCK", Short: "what a key block says of its key",
		Long: `show reads what can be read of a key block without its protection key. Nobody knows then who made it: its MAC is not checked.
`,
		Example: "  posim hsm tr31 show C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
		Args:    exactly("BLOCK"),
	}, func(in *hsmInput) (*hsmReport, error) {
		text := in.argument("BLOCK")
		if in.err != nil {
			return nil, nil
		}
		b, err := clear.ShowKeyBlock(text)
		if err != nil {
			return nil, err
		}
		r := &hsmReport{}
		r.header(b)
		return r, nil
	})
}

// kcv adds a key's check values under the names of key blocks' known answers.
func (r *hsmReport) kcv(k clear.Key) {
	if legacy, cmac, ok := checkValues(k); ok {
		r.set("kcv_legacy", legacy)
		r.set("kcv_cmac", cmac)
	}
}

// header adds what a key block says of its key.
func (r *hsmReport) header(b clear.KeyBlock) {
	h, words := b.Header, clear.HeaderWords(b.Header)
	o := object{{"version", string(h.Version)}, {"length", b.Length}}
	r.row("version", string(h.Version), words.Version)
	r.row("length", fmt.Sprint(b.Length), "characters")
	for _, f := range []struct{ name, label, code, words string }{
		{"usage", "usage", h.Usage, words.Usage},
		{"algorithm", "algorithm", string(h.Algorithm), words.Algorithm},
		{"mode", "mode of use", string(h.Mode), words.Mode},
		{"exportability", "exportability", string(h.Exportability), words.Exportability},
	} {
		o = append(o, member{f.name, f.code}, member{f.name + "_name", f.words})
		r.row(f.label, f.code, f.words)
	}
	o = append(o, member{"key_version", h.KeyVersion})
	r.row("key version", h.KeyVersion, "")
	opt := object{}
	for _, block := range h.Optional {
		name, value := clear.OptionalWords(block)
		opt = append(opt, member{block.ID, maskText(block.Data)})
		if value != "" {
			name += ": " + value
		}
		r.row("block "+block.ID, maskText(block.Data), maskText(name))
	}
	r.set("header", append(o, member{"opt", opt}))
}
