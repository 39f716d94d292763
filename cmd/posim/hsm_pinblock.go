package main

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmPINBlockCommand() *cobra.Command {
	return hsmGroup(&cobra.Command{
		Use: "pinblock", Short: "PIN blocks of ISO 9564-1, formats 0 to 4, and of SM4",
		Example: "  posim hsm pinblock encode --format 0 --pin 1234 --pan 4012345678909\n" +
			"  posim hsm pinblock decode --format 0 --pan 4012345678909 --block 041274EDCBA9876F",
	}, "encode, decode or translate", a.hsmEncodeCommand(), a.hsmDecodeCommand(), a.hsmTranslateCommand())
}

// pinFlags are those of every command on PIN blocks.
func pinFlags(f *pflag.FlagSet) {
	f.String("pan", "", "the card `NUMBER`, where the format has it in the block")
}

// pinKeys are the algorithms of the keys of a format.
func pinKeys(format string) []clear.Algorithm {
	switch format {
	case "4":
		return []clear.Algorithm{clear.AES}
	case "sm4-x98-16":
		return []clear.Algorithm{clear.SM4}
	}
	return []clear.Algorithm{clear.DES, clear.TDES}
}

func formatNames() string { return "`" + strings.Join(clear.PINFormats(), "|") + "`" }

func (a *app) hsmEncodeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "encode", Short: "make a PIN block",
		Long: `encode makes a PIN block: a clear one, or with --key an enciphered one (TDES or DES for formats 0, 1 and 3, AES for 4, SM4 for
sm4-x98-16; format 2 is for the chip and not enciphered). The digits that fill formats 1, 3 and 4 are drawn unless --fill says them:
of 1 and 3 one for each place behind the PIN, of 4 eight bytes. --verbose shows PIN field and PAN field.
`,
		Example: "  posim hsm pinblock encode --format 0 --pin 1234 --pan 4012345678909 --key 042666B49184CF5C68DE9628D0397B36\n" +
			"  posim hsm pinblock encode --format 4 --pin 1234 --pan 4111111111111111 --key AF8CB133A78F8DC2D1359F18527593FB --fill 2F69ADDE2E9E7ACE --verbose\n" +
			"  posim hsm pinblock encode --format 1 --pin 12345",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("format", "", "the block's format, "+formatNames())
	f.String("pin", "", "the `PIN`, 4 to 12 digits")
	f.String("fill", "", "the digits behind the PIN, `HEX`")
	f.String("key", "", "the PIN encryption `KEY`")
	verbose := f.Bool("verbose", false, "show the two fields that a block is made of")
	pinFlags(f)
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return encodePIN(in, *verbose) })
}

// fill is --fill, or drawn.
func (in *hsmInput) fill(format string, digits int) string {
	if in.given("fill") || in.err != nil {
		return strings.ToUpper(strings.Join(strings.Fields(in.optional("fill")), ""))
	}
	if digits < 4 || digits > 12 {
		return "" // no PIN, as will be said
	}
	fill, err := clear.RandomFill(format, digits, rand.Reader)
	in.fail(err)
	return fill
}

func encodePIN(in *hsmInput, verbose bool) (*hsmReport, error) {
	format, pin, number := in.text("format"), in.text("pin"), in.optionalPAN("pan")
	fill := in.fill(format, len(pin))
	var k clear.Key
	if in.given("key") {
		k = in.key("key", pinKeys(format)...)
	}
	if in.err != nil {
		return nil, nil
	}
	pinField, panField, err := clear.PINFields(format, pin, number, fill)
	if err != nil {
		return nil, err
	}
	plain, err := clear.EncodePIN(format, pin, number, fill)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.add("format", "format", format, "")
	r.number(number)
	if verbose {
		r.bytes("pin_field", "PIN field", pinField)
		r.data("pan_field", "PAN field", fmt.Sprintf("%X", panField))
	}
	if !in.given("key") {
		r.bytes("block", "clear block", plain)
		return r, nil
	}
	block, err := clear.EncipherPIN(format, k, pin, number, fill)
	if err != nil {
		return nil, err
	}
	if format != "4" { // whose PAN joins between two encryptions
		r.bytes("clear_block", "clear block", plain)
	}
	r.bytes("block", "PIN block", block)
	return r, nil
}

func (a *app) hsmDecodeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "decode", Short: "take the PIN out of a PIN block",
		Long: `decode takes the PIN out of a clear PIN block, or with --key out of an enciphered one. Whatever is wrong with a block, its PAN or its
key, is one error, as a security module has it: the block does not open.
`,
		Example: "  posim hsm pinblock decode --format 0 --pan 4012345678909 --key 042666B49184CF5C68DE9628D0397B36 --block 1B9C1845EB993A7A\n" +
			"  posim hsm pinblock decode --format 2 --block 241234FFFFFFFFFF",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("format", "", "the block's format, "+formatNames())
	f.String("block", "", "the PIN block, `HEX`")
	f.String("key", "", "the PIN encryption `KEY`")
	pinFlags(f)
	return a.calculator(c, decodePIN)
}

func decodePIN(in *hsmInput) (*hsmReport, error) {
	format, block, number := in.text("format"), in.hex("block"), in.optionalPAN("pan")
	var k clear.Key
	if in.given("key") {
		k = in.key("key", pinKeys(format)...)
	}
	if in.err != nil {
		return nil, nil
	}
	var pin string
	var err error
	if in.given("key") {
		pin, err = clear.DecipherPIN(format, k, block, number)
	} else {
		pin, err = clear.DecodePIN(format, block, number)
	}
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.add("format", "format", format, "")
	r.number(number)
	r.add("pin", "PIN", pin, "")
	return r, nil
}

func (a *app) hsmTranslateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "translate", Short: "take a PIN from one key and format to another",
		Long: `translate deciphers a PIN block and enciphers its PIN under another key, perhaps in another format, for the same card number. A block
never becomes one of a format that protects it less.
`,
		Example: "  posim hsm pinblock translate --pan 4761739001010010 --block 621F91F5470F2CFE --from-format 0 --from-key 0123456789ABCDEFFEDCBA9876543210 " +
			"--to-format 4 --to-key 000102030405060708090A0B0C0D0E0F --fill 0011223344556677",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("block", "", "the PIN block, `HEX`")
	for _, zone := range []string{"from", "to"} {
		f.String(zone+"-format", "", zone+" this format, "+formatNames())
		f.String(zone+"-key", "", zone+" under this `KEY`")
	}
	f.String("fill", "", "the digits behind the PIN in the new block, `HEX`")
	pinFlags(f)
	return a.calculator(c, translatePIN)
}

func translatePIN(in *hsmInput) (*hsmReport, error) {
	from, to := clear.PINZone{Format: in.text("from-format")}, clear.PINZone{Format: in.text("to-format")}
	from.Key, to.Key = in.key("from-key", pinKeys(from.Format)...), in.key("to-key", pinKeys(to.Format)...)
	block, number := in.hex("block"), in.optionalPAN("pan")
	if in.err != nil {
		return nil, nil
	}
	fill := ""
	if in.given("fill") || to.Format == "1" || to.Format == "3" || to.Format == "4" {
		digits, err := clear.TranslatedLength(from, to, block, number)
		if err != nil {
			return nil, err
		}
		if fill = in.fill(to.Format, digits); in.err != nil {
			return nil, nil
		}
	}
	translated, err := clear.TranslatePIN(from, to, block, number, fill)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.add("from_format", "from format", from.Format, "")
	r.add("to_format", "to format", to.Format, "")
	r.number(number)
	r.bytes("block", "PIN block", translated)
	return r, nil
}
