package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/tlv"
)

// maxInput is how many characters decode takes: far more than the longest frame or record.
const maxInput = 1 << 20

func (a *app) decodeCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "decode", Short: "name the parts of a message or of card data",
		Example: "  posim decode iso 08000020000000000000000001\n  posim decode iso --dialect cup 603100311100 08200000000000000000\n  posim decode tlv 9F0206000000010000\n  echo 9F0206000000010000 | posim decode tlv -\n" +
			"  posim decode tvr 8000048000\n  posim decode apdu --response 6A82",
	}, "iso, tlv, apdu, atr, dol, tvr, tsi, cvm, aip, auc or cid")
	var response bool
	command := a.decoder("apdu", "the parts of a command, or with --response of a response",
		"  posim decode apdu 80AE80000400000000\n  posim decode apdu --response 9F36020007 9000",
		func(b []byte, asJSON bool) error { return a.decodeAPDU(b, response, asJSON) })
	command.Flags().BoolVar(&response, "response", false, "HEX is a response: data and status word")
	c.AddCommand(
		a.isoDecoder(),
		a.decoder("tlv", "the data objects of BER-TLV, named as in EMV Book 3, annex A",
			"  posim decode tlv 9F0206000000010000\n  echo 9F0206000000010000 | posim decode tlv -", a.decodeTLV),
		command,
		a.decoder("atr", "the bytes of an answer to reset", "  posim decode atr 3BE00000 8131FE45 EB", a.decodeATR),
		a.decoder("dol", "the entries of a data object list: PDOL, CDOL, DDOL, TDOL, log format",
			"  posim decode dol 9F02069F03069F1A0295055F2A029A039C019F3704", a.decodeDOL),
		a.decoder("cvm", "the rules of a CVM list (tag 8E), or CVM results (tag 9F34) of 3 bytes",
			"  posim decode cvm 000000000000000041031E031F00\n  posim decode cvm 410302", a.decodeCVM),
		a.decoder("cid", "what cryptogram information data (tag 9F27) says", "  posim decode cid 80", a.decodeCID),
		a.bitsDecoder("tvr", tlv.TVR, "8000048000"),
		a.bitsDecoder("tsi", tlv.TSI, "E800"),
		a.bitsDecoder("aip", tlv.ApplicationInterchangeProfile, "3800"),
		a.bitsDecoder("auc", tlv.ApplicationUsageControl, "FF80"))
	return c
}

func (a *app) decoder(name, about, example string, decode func(b []byte, asJSON bool) error) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: name + " HEX", Short: "show " + about, Example: example,
		Long: "decode " + name + " shows " + about + `.
HEX may hold white space and may be several arguments; - reads it from standard input. Card numbers are masked; tracks,
PIN data and keys are left out. The exit status is 1 when the input cannot be decoded.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("decode %s: want hexadecimal digits, or - for standard input", name)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := a.hexInput(args)
			if err == nil {
				err = decode(b, asJSON)
			}
			var f *failure
			if err != nil && !errors.As(err, &f) {
				return failed(err)
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// hexInput is the bytes that the arguments, or standard input, spell.
func (a *app) hexInput(args []string) ([]byte, error) {
	text := strings.Join(args, " ")
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(a.stdin, maxInput+1))
		if err != nil {
			return nil, fmt.Errorf("decode: standard input: %w", err)
		}
		text = string(b)
	}
	if len(text) > maxInput {
		return nil, fmt.Errorf("decode: more than %d characters", maxInput)
	}
	return parseHex(text)
}

// parseHex reads hexadecimal digits with white space between them. Its errors name the place and quote nothing else.
func parseHex(text string) ([]byte, error) {
	var digits []byte
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			digits = append(digits, c)
		default:
			return nil, fmt.Errorf("decode: offset %d: no hexadecimal digit", i)
		}
	}
	switch {
	case len(digits) == 0:
		return nil, errors.New("decode: no hexadecimal digits")
	case len(digits)%2 != 0:
		return nil, fmt.Errorf("decode: offset %d: half a byte at the end (%d digits)", len(text), len(digits))
	}
	b := make([]byte, len(digits)/2)
	_, err := hex.Decode(b, digits)
	return b, err
}

// jsonObject is a data object in --json: a template has objects, anything else a value as people may see it.
type jsonObject struct {
	Tag     string       `json:"tag"`
	Name    string       `json:"name"`
	Value   *string      `json:"value,omitempty"`
	Objects []jsonObject `json:"objects,omitempty"`
}

func jsonObjects(objects []tlv.Object) []jsonObject {
	out := []jsonObject{}
	for _, o := range objects {
		j := jsonObject{Tag: fmt.Sprintf("%02X", uint32(o.Tag)), Name: tlv.Name(o.Tag)}
		if tlv.Constructed(o.Tag) {
			j.Objects = jsonObjects(o.Children)
		} else {
			value := tlv.Show(o.Tag, o.Value)
			j.Value = &value
		}
		out = append(out, j)
	}
	return out
}

func (a *app) decodeTLV(b []byte, asJSON bool) error {
	if asJSON {
		objects, err := tlv.Decode(b)
		if err != nil {
			return err
		}
		return writeJSON(a.stdout, struct {
			Objects []jsonObject `json:"objects"`
		}{jsonObjects(objects)})
	}
	var text bytes.Buffer
	if err := tlv.Render(&text, b); err != nil {
		return err
	}
	return a.print(text.String())
}
