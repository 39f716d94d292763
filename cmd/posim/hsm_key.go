package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

// ciphers are the algorithms of keys that have check values.
var ciphers = []clear.Algorithm{clear.DES, clear.TDES, clear.AES, clear.SM4}

func (a *app) hsmKCVCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "kcv", Short: "the check values of a key",
		Long: `kcv shows a key's check values: the older one, the first bytes of an encrypted block of zeros (X9.24-1), and that of X9.24-3 and
X9.143, the first five bytes of the CMAC of such a block. Parity, weak and equal parts of DES and TDES keys are remarked on.
`,
		Example: "  posim hsm kcv --cipher tdes --key 0123456789ABCDEFFEDCBA9876543210\n" +
			"  posim hsm kcv --key 88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6\n" +
			"  posim hsm kcv --cipher tdes --key E6F1081FEA4C402CC192B65DE367EC3E --length 8 --verify 212CF9158251CDD3",
	}
	length := c.Flags().Int("length", 3, "how many `BYTES` the older check value has")
	strictFlag(c.Flags())
	c.Flags().String("key", "", "the `KEY`")
	c.Flags().String("verify", "", "the older check value is to be this `HEX`, at least 3 bytes")
	cipherFlag(c.Flags())
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return kcv(in, *length) })
}

func kcv(in *hsmInput, length int) (*hsmReport, error) {
	k := in.key("key", ciphers...)
	given := in.optionalHex("verify")
	if in.err != nil {
		return nil, nil
	}
	if given != nil && !in.given("length") {
		length = max(len(given), 3)
	}
	legacy, err := k.LegacyCheckValue(length)
	if err != nil {
		return nil, err
	}
	cmac, err := k.CMACCheckValue()
	if err != nil {
		return nil, err
	}
	r := &hsmReport{}
	r.bytes(fmt.Sprintf("legacy%d", length), "check value", legacy)
	r.bytes("cmac5", "CMAC check value", cmac)
	if given != nil {
		err = clear.Same("--verify", legacy, given)
	}
	r.verified(given != nil, err)
	return r, err
}

// maxCustodians is how many components are combined.
const maxCustodians = 9

func (a *app) hsmComponentsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "components", Short: "a key of the components of its custodians",
		Long: `components adds up (XOR) the components of a key, 2 to 9, and shows the check value of each. Components of zeros and equal ones are
refused, and those of DES and TDES keys with wrong parity, unless --adjust-parity; the key itself gets odd parity. A key with weak or
equal parts is refused as well.
`,
		Example: "  posim hsm components --cipher tdes --adjust-parity --component 6BC1BEE22E409F96E93D7E117393172A " +
			"--component AE2D8A571E03AC9C9EB76FAC45AF8E51 --component 30C81C46A35CE411E5FBC1191A0A52EF\n" +
			"  posim hsm components --component F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0 " +
			"--component 0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F " +
			"--component AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA --verify 5980D8",
	}
	parts := c.Flags().StringArray("component", nil, "a `COMPONENT`; again for each")
	adjust := c.Flags().Bool("adjust-parity", false, "take components with wrong parity")
	c.Flags().String("verify", "", "the key's check value is to be this `HEX`, at least 3 bytes")
	cipherFlag(c.Flags())
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return components(in, *parts, *adjust) })
}

func components(in *hsmInput, values []string, anyParity bool) (*hsmReport, error) {
	if len(values) < 2 || len(values) > maxCustodians {
		in.misuse("%d components: want 2 to %d --component", len(values), maxCustodians)
	}
	r := &hsmReport{}
	var parts []clear.Key
	var checks []string
	for i, v := range values {
		k := in.component(fmt.Sprintf("component %d", i+1), v)
		if in.err != nil {
			return nil, nil
		}
		legacy, _, _ := checkValues(k) // a key of a cipher has one
		parts, checks = append(parts, k), append(checks, legacy)
		r.row(fmt.Sprintf("component %d", i+1), fmt.Sprintf("%s, %d bytes", k.Algorithm(), k.Len()), checkNote(k))
	}
	given := in.optionalHex("verify")
	if in.err != nil {
		return nil, nil
	}
	if err := clear.CheckComponents(parts, anyParity); err != nil {
		return nil, err
	}
	a := parts[0].Algorithm()
	k, raw, err := clear.Combine(parts, a == clear.DES || a == clear.TDES)
	if err == nil {
		err = k.Check()
	}
	if err != nil {
		return nil, err
	}
	r.set("component_kcv3", checks)
	r.add("key_raw_xor", "sum", fmt.Sprintf("%X", raw), "")
	r.key("key", "key", k)
	if given != nil {
		err = k.Verify(given)
	}
	r.verified(given != nil, err)
	return r, err
}

// component is one of several values of a flag.
func (in *hsmInput) component(field, value string) clear.Key {
	b := in.hexOf(field, value)
	if in.err != nil {
		return clear.Key{}
	}
	k, err := in.makeKey(field, b, ciphers)
	in.fail(err)
	return k
}
