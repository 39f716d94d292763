package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmMACCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "mac", Short: "a message authentication code",
		Long: `mac makes a MAC of data, one of
  ` + strings.Join(clear.MACs(), ", ") + `
--padding is the method of ISO 9797-1, 1 to 3, where the MAC takes one, and 1 if it is not said. cup-ecb is that of China UnionPay's
dialect, eight characters; --verbose shows how it comes about, and --left-only makes its second pass with the left half of a
double-length key, as some hosts do. --verify takes as many bytes of the MAC as a message carries, at least four.
`,
		Example: "  posim hsm mac --alg x9.19 --key 76850752AD7307ADE554D06D3BA73279 --data D3DADF --verify C66CA5DE\n" +
			"  posim hsm mac --alg cmac --cipher aes --key 2B7E151628AED2A6ABF7158809CF4F3C --data 6BC1BEE22E409F96E93D7E117393172A\n" +
			"  posim hsm mac --alg iso9797-1-3 --key 0123456789ABCDEFFEDCBA9876543210 --data-ascii 'Now is the time for it' --padding 1\n" +
			"  posim hsm mac --alg cup-ecb --key 1F2E3D4C5B6A7988 --data-ascii POSIM --verbose",
	}
	f := c.Flags()
	strictFlag(f)
	alg := f.String("alg", "", "the `MAC`")
	padding := f.Int("padding", 0, "padding `METHOD` of ISO 9797-1")
	verbose := f.Bool("verbose", false, "show what cup-ecb computes on its way")
	left := f.Bool("left-only", false, "cup-ecb: the second pass by the left half of the key, as DES")
	f.String("key", "", "the `KEY`")
	f.String("verify", "", "the MAC is to begin with this `HEX`; of cup-ecb the eight characters, or their codes")
	dataFlags(f, "what the MAC is made of")
	cipherFlag(f)
	_ = c.RegisterFlagCompletionFunc("alg", cobra.FixedCompletions(clear.MACs(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) {
		if *alg == clear.CUPECB {
			return cupMAC(in, *verbose, *left)
		}
		if *alg != "" {
			in.refuse("--alg "+*alg, "left-only", "verbose")
		}
		return mac(in, *alg, *padding)
	})
}

// macKeys are the algorithms of a MAC's keys.
func macKeys(alg string) []clear.Algorithm {
	switch alg {
	case clear.X99:
		return []clear.Algorithm{clear.DES}
	case clear.ISO9797Alg3, clear.X919:
		return []clear.Algorithm{clear.TDES}
	case clear.CMAC:
		return []clear.Algorithm{clear.TDES, clear.AES, clear.SM4}
	case clear.HMACSHA256:
		return []clear.Algorithm{clear.HMAC}
	}
	return ciphers
}

func mac(in *hsmInput, alg string, padding int) (*hsmReport, error) {
	if alg == "" {
		in.misuse("want --alg: %s", strings.Join(clear.MACs(), ", "))
	}
	takesPadding := alg == clear.ISO9797Alg1 || alg == clear.ISO9797Alg3 || alg == clear.X99 || alg == clear.X919
	if takesPadding && !in.given("padding") {
		padding = 1
	}
	k := in.key("key", macKeys(alg)...)
	data, given := in.bytes("data"), in.optionalHex("verify")
	if in.err != nil {
		return nil, nil
	}
	code, err := clear.MAC(alg, k, padding, data)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.set("alg", alg)
	r.row("algorithm", alg, "")
	if takesPadding {
		r.set("padding", padding)
		r.row("padding", fmt.Sprintf("method %d", padding), "")
	}
	r.row("data", fmt.Sprintf("%d bytes", len(data)), "")
	r.set("data_length", len(data))
	r.bytes("mac", "MAC", code)
	r.set("mac4", fmt.Sprintf("%X", code[:4]))
	if given != nil {
		err = clear.VerifyMAC(alg, k, padding, data, given)
	}
	r.verified(given != nil, err)
	return r, err
}

func cupMAC(in *hsmInput, verbose, left bool) (*hsmReport, error) {
	in.refuse("--alg cup-ecb", "padding")
	among := []clear.Algorithm{clear.DES, clear.TDES, clear.SM4}
	if left {
		among = []clear.Algorithm{clear.TDES}
	}
	k := in.key("key", among...)
	data, given := in.bytes("data"), in.optional("verify")
	if in.err != nil {
		return nil, nil
	}
	s, err := clear.CUPMAC(k, data, left)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.set("alg", clear.CUPECB)
	r.row("algorithm", clear.CUPECB, "")
	r.row("data", fmt.Sprintf("%d bytes", len(data)), "")
	r.set("data_length", len(data))
	for _, step := range []struct{ name, label, value string }{
		{"xor_block", "all blocks added", fmt.Sprintf("%X", s.XOR)},
		{"xor_text", "as characters", string(s.Text)},
		{"first_pass", "left half encrypted", fmt.Sprintf("%X", s.First)},
		{"sum", "added to the right half", fmt.Sprintf("%X", s.Sum)},
		{"full_block", "encrypted again", fmt.Sprintf("%X", s.Second)},
	} {
		r.set(step.name, step.value)
		if verbose {
			r.row(step.label, step.value, "")
		}
	}
	r.add("mac_ascii", "MAC", string(s.MAC), fmt.Sprintf("field 64: %X", s.MAC))
	if in.given("verify") {
		code := []byte(given)
		if len(given) == 2*len(s.MAC) { // the codes of the characters
			if b, e := hex.DecodeString(given); e == nil {
				code = b
			}
		}
		err = clear.Same("--verify", s.MAC, code)
	}
	r.verified(in.given("verify"), err)
	return r, err
}
