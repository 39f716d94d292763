package main

import (
	"encoding/hex"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm/clear"
)

func versionsHelp() string {
	return "--cvn is the cryptogram version, by its name or by the number that its scheme gives it:\n  " + strings.Join(clear.CryptogramVersions(), ", ") + "\n"
}

// cardFlags are those of a card whose key is derived from its issuer's.
func cardFlags(f *pflag.FlagSet) {
	f.String("imk", "", "the issuer master `KEY` for application cryptograms")
	f.String("pan", "", "the card `NUMBER`")
	f.String("psn", "", "the PAN sequence `NUMBER`, two digits")
	f.String("option", "A", "how the card's key is derived, `A|B`")
	f.String("cvn", "", "the cryptogram `VERSION`")
}

func (a *app) hsmARQCCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "arqc", Short: "the application cryptogram of a card: ARQC, TC, AAC",
		Long: `arqc derives a card's key from its issuer's, the key of the transaction, and makes the application cryptogram.
` + versionsHelp() +
			`--data is then data objects (BER-TLV): amounts 9F02 and 9F03, country 9F1A, TVR 95, currency 5F2A, date 9A, type 9C, unpredictable
number 9F37, AIP 82, ATC 9F36, issuer application data 9F10. Without --cvn the data is taken as it is, with --session
common (Book 2, A1.3.1, of --diversifier) or none, and --padding 1 or 2 of ISO 9797-1.
`,
		Example: "  posim hsm arqc --cvn 10 --imk 0123456789ABCDEFFEDCBA9876543210 --pan 1234567890123456 --psn 00 " +
			"--data '9F0206000000004000 9F0306000000000000 9F1A020124 95058000048000 5F2A020124 9A03191105 9C0101 9F370452BF4585 82021800 9F3602001C 9F100706010A03A06010'\n" +
			"  posim hsm arqc --imk 0123456789ABCDEFFEDCBA9876543210 --pan 9901234567890123 --psn 45 --session common --diversifier 1234567890123456 " +
			"--padding 2 --data 0123456789ABCDEF0123456789ABCDEF --verify 4B46013359B7A58B",
	}
	f := c.Flags()
	strictFlag(f)
	cardFlags(f)
	f.String("data", "", "the data under the cryptogram, `HEX`")
	f.String("session", "", "without --cvn: how the key of the transaction is derived, `common|none`")
	f.String("diversifier", "", "with --session common: `HEX`, up to 8 bytes, from the ATC")
	padding := f.Int("padding", 2, "without --cvn: the padding `METHOD`, 1 or 2")
	f.String("verify", "", "the cryptogram is to be this `HEX`")
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return arqc(in, *padding) })
}

// cardKey derives the card's key.
func (in *hsmInput) cardKey(r *hsmReport) clear.Key {
	imk, number, option := in.key("imk", clear.TDES), in.pan("pan"), strings.ToUpper(in.text("option"))
	sequence := in.optional("psn")
	if in.err != nil {
		return clear.Key{}
	}
	mk, err := clear.ICCMasterKey(imk, option, number, sequence)
	in.fail(err)
	if err == nil {
		r.number(number)
		r.key("icc_mk", "card master key", mk)
	}
	return mk
}

// version is the cryptogram version that --cvn names.
func (in *hsmInput) version() string {
	text := strings.ToLower(in.text("cvn"))
	if in.err != nil {
		return ""
	}
	name, err := clear.CryptogramVersionNamed(text)
	in.fail(err)
	return name
}

func arqc(in *hsmInput, padding int) (*hsmReport, error) {
	r := &hsmReport{}
	mk := in.cardKey(r)
	if in.given("cvn") {
		in.refuse("--cvn", "session", "diversifier", "padding")
		return versionARQC(in, r, mk)
	}
	if in.one("session") == "" {
		return nil, nil
	}
	rule, data, diversifier, given := in.text("session"), in.hex("data"), in.optionalHex("diversifier"), in.optionalHex("verify")
	if rule != clear.SessionCommon && rule != clear.SessionNone {
		in.misuse("--session: want common or none")
	}
	if padding != 1 && padding != 2 {
		in.misuse("--padding %d: want 1 or 2", padding)
	}
	if in.err != nil {
		return nil, nil
	}
	sk, err := clear.SessionKey(rule, mk, diversifier)
	if err != nil {
		return nil, err
	}
	r.key("sk_ac", "session key", sk)
	ac, err := clear.MAC(clear.ISO9797Alg3, sk, padding, data)
	if err != nil {
		return nil, err
	}
	return cryptogram(r, ac, given)
}

func cryptogram(r *hsmReport, ac, given []byte) (*hsmReport, error) {
	return computed(r, "arqc", "cryptogram", ac, given)
}

// computed reports a value, and compares it with what was given, if something was.
func computed(r *hsmReport, field, name string, value, given []byte) (*hsmReport, error) {
	r.bytes(field, name, value)
	var err error
	if given != nil {
		err = clear.Same("--verify", value, given)
	}
	r.verified(given != nil, err)
	return r, err
}

func versionARQC(in *hsmInput, r *hsmReport, mk clear.Key) (*hsmReport, error) {
	version, data, given := in.version(), in.hex("data"), in.optionalHex("verify")
	if in.err != nil {
		return nil, nil
	}
	values := map[tlv.Tag][]byte{}
	objects, err := tlv.Decode(data)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if _, twice := values[o.Tag]; twice {
			in.misuse("--data: tag %X is there twice", uint32(o.Tag))
			return nil, nil
		}
		values[o.Tag] = o.Value
	}
	s, err := clear.NewCardSession(version, mk, values[tlv.ApplicationTransactionCounter], values[tlv.UnpredictableNumber])
	if err != nil {
		return nil, err
	}
	input, ac, err := s.Cryptogram(func(tag tlv.Tag) []byte { return values[tag] })
	if err != nil {
		return nil, err
	}
	r.add("cvn", "cryptogram version", version, "")
	r.key("sk_ac", "session key", s.Key())
	r.data("data", "under the cryptogram", strings.ToUpper(hex.EncodeToString(input)))
	return cryptogram(r, ac, given)
}

func (a *app) hsmARPCCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "arpc", Short: "the issuer's answer to a cryptogram",
		Long: `arpc answers an ARQC: by method 1 (Book 2, 8.2.1) with a response code of two characters or bytes, by method 2 (8.2.2) with a card
status update.
` + versionsHelp() + `It decides the method and the key, which is derived as for the ARQC; some versions answer by method 1 with what fits of a card status
update. Without --cvn, --key is the key itself, and --method says which.
`,
		Example: "  posim hsm arpc --cvn 10 --imk 0123456789ABCDEFFEDCBA9876543210 --pan 1234567890123456 --psn 00 --atc 001C --arqc 29CCA15AE665FA2E --arc 00\n" +
			"  posim hsm arpc --method 2 --key 3E736BF8D37664348A04E3ABE00DEFC1 --arqc 4B46013359B7A58B --csu 00000000 --proprietary 1234567890ABCDEF --verify 4962B76C",
	}
	f := c.Flags()
	strictFlag(f)
	cardFlags(f)
	f.String("atc", "", "with --cvn: the transaction counter, `HEX`, 2 bytes")
	f.String("un", "", "with --cvn: the unpredictable number, `HEX`, 4 bytes, where the version's key needs it")
	f.String("key", "", "without --cvn: the `KEY` of the answer")
	method := f.Int("method", 0, "without --cvn: the `METHOD`, 1 or 2")
	f.String("arqc", "", "the cryptogram that is answered, `HEX`")
	f.String("arc", "", "the response `CODE`: two characters, or four hexadecimal digits")
	f.String("csu", "", "the card status update, `HEX`, 4 bytes")
	f.String("proprietary", "", "method 2: proprietary authentication data, `HEX`")
	f.String("verify", "", "the ARPC is to be this `HEX`")
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return arpc(in, *method) })
}

// responseCode is --arc, nil where it is not there: two characters, or their codes.
func (in *hsmInput) responseCode() []byte {
	if !in.given("arc") {
		return nil
	}
	code := in.text("arc")
	if len(code) == 2 {
		return []byte(code)
	}
	return in.parsed("--arc", code)
}

func arpc(in *hsmInput, method int) (*hsmReport, error) {
	r := &hsmReport{}
	if in.one("cvn", "key") == "cvn" {
		in.refuse("--cvn", "method")
		return versionARPC(in, r)
	}
	in.refuse("--key", "imk", "pan", "psn", "option", "atc", "un")
	if method != 1 && method != 2 {
		in.misuse("--method: want 1 or 2")
	}
	k, ac, given := in.key("key", clear.TDES), in.hex("arqc"), in.optionalHex("verify")
	var answer []byte
	var err error
	if method == 1 {
		in.refuse("--method 1", "csu", "proprietary")
		code := in.responseCode()
		if in.err == nil {
			answer, err = clear.ARPC1(k, ac, code)
		}
	} else {
		in.refuse("--method 2", "arc")
		csu, proprietary := in.hex("csu"), in.optionalHex("proprietary")
		if in.err == nil {
			answer, err = clear.ARPC2(k, ac, csu, proprietary)
		}
	}
	if in.err != nil || err != nil {
		return nil, err
	}
	return answered(r, answer, given)
}

func answered(r *hsmReport, answer, given []byte) (*hsmReport, error) {
	return computed(r, "arpc", "ARPC", answer, given)
}

func versionARPC(in *hsmInput, r *hsmReport) (*hsmReport, error) {
	mk, version := in.cardKey(r), in.version()
	atc, un, ac, code := in.hex("atc"), in.optionalHex("un"), in.hex("arqc"), in.responseCode()
	csu, proprietary, given := in.optionalHex("csu"), in.optionalHex("proprietary"), in.optionalHex("verify")
	if in.err != nil {
		return nil, nil
	}
	s, err := clear.NewCardSession(version, mk, atc, un)
	if err != nil {
		return nil, err
	}
	data, err := s.Answer(ac, code, csu, proprietary)
	if err != nil {
		return nil, err
	}
	r.add("cvn", "cryptogram version", version, "")
	r.key("sk_ac", "session key", s.Key())
	r.bytes("issuer_authentication_data", "tag 91", data)
	n := 8
	if s.Method() == 2 {
		n = 4
	}
	return answered(r, data[:n], given)
}
