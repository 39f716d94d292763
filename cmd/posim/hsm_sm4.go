package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmSM4Command() *cobra.Command {
	c := &cobra.Command{
		Use: "sm4", Short: "encrypt or decrypt by SM4: ECB, CBC or GCM",
		Long: `sm4 encrypts, or with --decrypt decrypts, by the block cipher of GB/T 32907. ECB and CBC take whole blocks of 16 bytes and add no
padding; CBC begins with zeros unless --iv says otherwise. GCM takes a nonce of 12 bytes and makes, or with --decrypt checks, a tag.
`,
		Example: "  posim hsm sm4 --mode ecb --key 0123456789ABCDEFFEDCBA9876543210 --data 0123456789ABCDEFFEDCBA9876543210\n" +
			"  posim hsm sm4 --mode cbc --key 0123456789ABCDEFFEDCBA9876543210 --iv 000102030405060708090A0B0C0D0E0F --decrypt " +
			"--data 78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D\n" +
			"  posim hsm sm4 --mode gcm --key 0123456789ABCDEFFEDCBA9876543210 --nonce 00001234567800000000ABCD --data-ascii POSIM --aad FEEDFACE",
	}
	f := c.Flags()
	mode := f.String("mode", "", "the mode, `ecb|cbc|gcm`")
	decrypt := f.Bool("decrypt", false, "decrypt")
	f.String("key", "", "the `KEY`")
	f.String("iv", "", "CBC: the first block, `HEX`")
	f.String("nonce", "", "GCM: the nonce, `HEX`")
	f.String("aad", "", "GCM: what is authenticated and not encrypted, `HEX`")
	f.String("tag", "", "GCM: the tag to check, `HEX`")
	dataFlags(f, "what is encrypted or decrypted")
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return sm4(in, *mode, *decrypt) })
}

func sm4(in *hsmInput, mode string, decrypt bool) (*hsmReport, error) {
	switch mode {
	case "ecb":
		in.refuse("--mode ecb", "iv", "nonce", "aad", "tag")
	case "cbc":
		in.refuse("--mode cbc", "nonce", "aad", "tag")
	case "gcm":
		in.refuse("--mode gcm", "iv")
		if !decrypt {
			in.refuse("--mode gcm without --decrypt", "tag")
		}
	default:
		in.misuse("--mode: want ecb, cbc or gcm")
	}
	k, data := in.key("key", clear.SM4), in.bytes("data")
	if mode == "gcm" {
		return sm4GCM(in, k, data, decrypt)
	}
	iv := in.optionalHex("iv")
	if in.err != nil {
		return nil, nil
	}
	var out []byte
	var err error
	switch {
	case mode == "ecb" && decrypt:
		out, err = clear.DecryptECB(k, data)
	case mode == "ecb":
		out, err = clear.EncryptECB(k, data)
	case decrypt:
		out, err = clear.DecryptCBC(k, iv, data)
	default:
		out, err = clear.EncryptCBC(k, iv, data)
	}
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.out(out, decrypt)
	return r, nil
}

// out adds what a cipher gives: decrypted, it may hold card numbers.
func (r *hsmReport) out(b []byte, decrypt bool) {
	if decrypt {
		r.data("out", "decrypted", fmt.Sprintf("%X", b))
		return
	}
	r.bytes("out", "encrypted", b)
}

func sm4GCM(in *hsmInput, k clear.Key, data []byte, decrypt bool) (*hsmReport, error) {
	nonce, aad := in.hex("nonce"), in.optionalHex("aad")
	var given []byte
	if decrypt {
		given = in.hex("tag")
	}
	if in.err != nil {
		return nil, nil
	}
	r := &hsmReport{}
	if decrypt {
		out, err := clear.DecryptGCM(k, nonce, aad, data, given)
		if err != nil {
			return nil, err
		}
		r.out(out, true)
		r.verified(true, nil)
		return r, nil
	}
	out, tag, err := clear.EncryptGCM(k, nonce, aad, data)
	if err != nil {
		return nil, err
	}
	r.out(out, false)
	r.bytes("tag", "tag", tag)
	return r, nil
}
