package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmCVVCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "cvv", Short: "card verification values: CVV, CVV2, iCVV (CVC, CVN2 and so on)",
		Long: `cvv makes a card verification value of three digits, under the pair of keys A and B as one key of 16 bytes. The expiry date is taken
as it is: YYMM on a stripe, often MMYY for a CVV2. The service code is that of the stripe; --cvv2 is 000 instead, --icvv 999.
`,
		Example: "  posim hsm cvv --cvk 0123456789ABCDEFFEDCBA9876543210 --pan 4123456789012345 --expiry 8701 --service-code 101\n" +
			"  posim hsm cvv --cvk 0123456789ABCDEFFEDCBA9876543210 --pan 4761739001010010 --expiry 1230 --cvv2 --verify 227",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("cvk", "", "the `KEYS` A and B")
	f.String("pan", "", "the card `NUMBER`")
	f.String("expiry", "", "the expiry `DATE`, four digits")
	f.String("service-code", "", "the service `CODE`, three digits")
	f.Bool("cvv2", false, "service code 000")
	f.Bool("icvv", false, "service code 999")
	f.String("verify", "", "the `VALUE` is to be this one")
	return a.calculator(c, cvv)
}

func cvv(in *hsmInput) (*hsmReport, error) {
	code, name := "", "CVV"
	switch in.one("service-code", "cvv2", "icvv") {
	case "cvv2":
		code, name = "000", "CVV2"
	case "icvv":
		code, name = "999", "iCVV"
	default:
		code = in.optional("service-code")
	}
	k, number, expiry, given := in.key("cvk", clear.TDES), in.pan("pan"), in.text("expiry"), in.optional("verify")
	if in.err != nil {
		return nil, nil
	}
	value, err := clear.CVV(k, number, expiry, code)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.number(number)
	r.add("expiry", "expiry date", expiry, "")
	r.add("service_code", "service code", code, "")
	r.add("cvv", name, value, "")
	return in.compared(r, value, given)
}

// compared finishes a report of a value in digits that may have been given.
func (in *hsmInput) compared(r *hsmReport, value, given string) (*hsmReport, error) {
	var err error
	if in.given("verify") {
		err = clear.Same("--verify", []byte(value), []byte(given))
	}
	r.verified(in.given("verify"), err)
	return r, err
}

func (a *app) hsmPVVCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "pvv", Short: "Visa's PIN verification value",
		Long: `pvv makes the PIN verification value of four digits, of the leftmost four digits of the PIN, eleven of the card number and the index
of the key.
`,
		Example: "  posim hsm pvv --pvk 0123456789ABCDEFFEDCBA9876543210 --pan 1122334455667788 --index 1 --pin 4524\n" +
			"  posim hsm pvv --pvk 0123456789ABCDEFFEDCBA9876543210 --pan 4761739001010010 --index 1 --pin 1234 --verify 8034",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("pvk", "", "the PIN verification `KEY`")
	f.String("pan", "", "the card `NUMBER`")
	f.String("index", "1", "the `DIGIT` that tells the issuer's keys apart")
	f.String("pin", "", "the `PIN`, 4 to 12 digits")
	f.String("verify", "", "the `VALUE` is to be this one")
	return a.calculator(c, pvv)
}

func pvv(in *hsmInput) (*hsmReport, error) {
	k, number, index, pin, given := in.key("pvk", clear.TDES), in.pan("pan"), in.text("index"), in.text("pin"), in.optional("verify")
	if in.err != nil {
		return nil, nil
	}
	value, err := clear.PVV(k, number, index, pin)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.number(number)
	r.add("pvki", "key index", index, "")
	r.add("pvv", "PVV", value, "")
	return in.compared(r, value, given)
}

func (a *app) hsmOffsetCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "offset", Short: "PINs and offsets of IBM 3624",
		Long: `offset makes the natural PIN of a card, and the offset that leads from it to a chosen --pin, or with --offset the PIN that an offset
leads to. The validation data is 8 bytes, mostly digits of the card number. A decimalisation table that makes few PINs of many is
remarked on, and refused with --strict.
`,
		Example: "  posim hsm offset --pvk 1313131313131313 --validation 1234567890123456 --pin 099764\n" +
			"  posim hsm offset --pvk 0123456789ABCDEFFEDCBA9876543210 --validation 1122334455667788 --table 1234567890123456 --offset 7710\n" +
			"  posim hsm offset --pvk 0123456789ABCDEFFEDCBA9876543210 --validation 1122334455667788 --table 1234567890123456 --length 4",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("pvk", "", "the PIN verification `KEY`")
	f.String("table", "0123456789012345", "the decimalisation `TABLE`, 16 digits")
	f.String("validation", "", "the validation data, `HEX`")
	f.String("pin", "", "the chosen `PIN`, 4 to 12 digits")
	f.String("offset", "", "the `OFFSET` to a PIN that is not known")
	length := f.Int("length", 0, "the natural PIN only, of so many `DIGITS`")
	f.String("verify", "", "the offset, or with --offset the PIN, is to be this `VALUE`")
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return offset(in, *length) })
}

func offset(in *hsmInput, length int) (*hsmReport, error) {
	from := in.one("pin", "offset", "length")
	p := clear.IBM3624{Table: in.text("table"), Key: in.key("pvk", clear.DES, clear.TDES)}
	validation := in.text("validation")
	in.fail(in.testNumber("validation", strings.Join(strings.Fields(validation), "")))
	p.Validation = in.parsed("--validation", validation)
	value, given := in.optional(from), in.optional("verify")
	if in.err != nil {
		return nil, nil
	}
	biased := clear.CheckTable(p.Table)
	if biased != nil && in.strict() {
		return nil, biased
	}
	if from != "length" {
		length = len(value)
	} else if in.given("verify") {
		in.refuse("--length", "verify")
		return nil, nil
	}
	name, label, result, err := "offset", "offset", "", error(nil)
	switch from {
	case "pin":
		result, err = p.Offset(value)
	case "offset":
		name, label = "pin", "PIN"
		result, err = p.PIN(value)
	}
	if err != nil {
		return nil, err
	}
	natural, err := p.NaturalPIN(length)
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	note := ""
	if biased != nil {
		note = "biased: makes few PINs of many"
	}
	r.add("decimalization", "decimalisation table", p.Table, note)
	r.data("validation_data", "validation data", fmt.Sprintf("%X", p.Validation))
	r.add("natural_pin", "natural PIN", natural, "")
	if from == "length" {
		return r, nil
	}
	r.add(name, label, result, "")
	return in.compared(r, result, given)
}
