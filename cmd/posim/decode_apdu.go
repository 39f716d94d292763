package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// jsonPart is a part of a command or of an answer to reset with what it says.
type jsonPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	About string `json:"about"`
}

// jsonExplained is a command or a response in --json.
type jsonExplained struct {
	Case    int          `json:"case,omitempty"` // of a command, 1 to 4
	Name    string       `json:"name,omitempty"`
	Parts   []jsonPart   `json:"parts"`
	Objects []jsonObject `json:"objects,omitempty"` // where the data is BER-TLV
}

// decodeAPDU explains one command, or one response.
func (a *app) decodeAPDU(b []byte, response, asJSON bool) error {
	var out jsonExplained
	var data []byte // what is BER-TLV
	var err error
	if response {
		out, data, err = explainResponse(b)
	} else {
		out, data, err = explainCommand(b)
	}
	if err != nil {
		return err
	}
	if asJSON {
		if objects, err := tlv.Decode(data); err == nil && len(data) > 0 {
			out.Objects = jsonObjects(objects)
		}
		return writeJSON(a.stdout, out)
	}
	var text bytes.Buffer
	if !response {
		fmt.Fprintf(&text, "%s, case %d\n", out.Name, out.Case)
	}
	var rows [][]string
	for _, p := range out.Parts {
		rows = append(rows, []string{p.Name, p.Value, p.About})
	}
	text.WriteString(table(rows))
	if len(data) > 0 {
		if err := tlv.Render(&text, data); err != nil {
			return err
		}
	}
	return a.print(text.String())
}

// explainCommand reads a command and gives what of its data is BER-TLV.
func explainCommand(b []byte) (out jsonExplained, data []byte, err error) {
	c, err := apdu.ParseCommand(b)
	if err != nil {
		at := min(len(b), 4) // where the header ends, or Lc is
		return out, nil, fmt.Errorf("decode apdu: offset %d: %w", at, err)
	}
	p1, p2 := explainParameters(c)
	out = jsonExplained{Case: 1, Name: apdu.Name(c.INS), Parts: []jsonPart{
		{"CLA", fmt.Sprintf("%02X", c.CLA), explainClass(c.CLA)}, {"INS", fmt.Sprintf("%02X", c.INS), apdu.Name(c.INS)},
		{"P1", fmt.Sprintf("%02X", c.P1), p1}, {"P2", fmt.Sprintf("%02X", c.P2), p2},
	}}
	if len(c.Data) > 0 {
		out.Case += 2
		shown, about := "", ""
		shown, about, data = explainData(c)
		out.Parts = append(out.Parts, jsonPart{"Lc", fmt.Sprintf("%02X", len(c.Data)), bytesOf(len(c.Data))}, jsonPart{"data", shown, about})
	}
	if c.Le != apdu.LeAbsent {
		out.Case++
		about := bytesOf(c.Le) + " expected"
		if c.Le == apdu.MaxLe {
			about = "all there is, up to 256 bytes, expected"
		}
		out.Parts = append(out.Parts, jsonPart{"Le", fmt.Sprintf("%02X", byte(c.Le)), about})
	}
	return out, data, nil
}

func bytesOf(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// explainClass says what a class byte says (EMV Book 3, 6.3.2; Book 2, 9.2).
func explainClass(cla byte) string {
	var parts []string
	switch cla >> 4 {
	case 0:
		parts = append(parts, "inter-industry command")
	case 8:
		parts = append(parts, "proprietary command")
	default:
		return "no class of EMV"
	}
	switch cla & 0x0C {
	case 0x04:
		parts = append(parts, "secure messaging in format 2")
	case 0x08:
		parts = append(parts, "secure messaging, command header not authenticated")
	case 0x0C:
		parts = append(parts, "secure messaging in format 1")
	}
	if channel := cla & 3; channel != 0 {
		parts = append(parts, fmt.Sprintf("logical channel %d", channel))
	}
	return strings.Join(parts, ", ")
}

// explainParameters says what P1 and P2 of a command say (EMV Book 1, 11.3; Book 3, 6.5).
func explainParameters(c apdu.Command) (p1, p2 string) {
	switch c.INS {
	case apdu.InsSelect:
		return named(c.P1, "", 0x04, "select by name", 0x00, "select by file identifier"),
			named(c.P2, "", 0x00, "first or only occurrence", 0x02, "next occurrence")
	case apdu.InsReadRecord, apdu.InsUpdateRecord:
		p1 = fmt.Sprintf("record %d", c.P1)
		if c.P2&7 != 4 {
			return p1, "reserved: want bits 3-1 to be 100 (P1 is a record number)"
		}
		return p1, fmt.Sprintf("SFI %d, P1 is a record number", c.P2>>3)
	case apdu.InsGetData, apdu.InsPutData:
		tag := tlv.Tag(c.P1)<<8 | tlv.Tag(c.P2)
		return fmt.Sprintf("with P2 the tag %02X", tag), nameOr(tlv.Name(tag))
	case apdu.InsGenerateAC:
		return tlv.CID(c.P1&0xC0).Cryptogram() + named(c.P1>>3&3, ", reserved signature request", 0, "", 2, ", CDA signature requested", 1, ", XDA signature requested"), zero(c.P2)
	case apdu.InsVerify:
		return zero(c.P1), named(c.P2, "", 0x80, "plaintext PIN, format as defined in Book 3", 0x88, "enciphered PIN, format as defined in Book 2",
			0x00, "as defined in ISO/IEC 7816-4")
	case apdu.InsPINChangeUnblock:
		return zero(c.P1), named(c.P2, "", 0x00, "PIN unblocked: the PIN Try Counter is reset", 0x01, "PIN changed, with the current PIN",
			0x02, "PIN changed, without the current PIN")
	}
	if apdu.Name(c.INS) == fmt.Sprintf("INS %02X", c.INS) {
		return "", ""
	}
	return zero(c.P1), zero(c.P2)
}

// named finds the words of a value among pairs of values and words; other, or that it is reserved, if it has none.
func named(v byte, other string, pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].(int) == int(v) {
			return pairs[i+1].(string)
		}
	}
	if other == "" {
		return "reserved"
	}
	return other
}

func zero(v byte) string { return named(v, "reserved: want 00", 0, "always 00") }

// explainData gives the data of a command as it may be shown, what it is, and what of it is BER-TLV. A PIN is not shown in any
// form, nor is what a card is to write under secure messaging.
func explainData(c apdu.Command) (shown, about string, objects []byte) {
	hidden := "[" + bytesOf(len(c.Data)) + " not shown]"
	open := fmt.Sprintf("%X", c.Data)
	secure := c.CLA&0x0C != 0
	switch c.INS {
	case apdu.InsVerify:
		return hidden, "transaction PIN data", nil
	case apdu.InsPINChangeUnblock:
		return hidden, "enciphered PIN data and MAC", nil
	case apdu.InsSelect:
		return open, "name " + nameText(c.Data), nil
	case apdu.InsGetProcessingOptions:
		if tlv.Check(c.Data) == nil {
			return open, "command template", c.Data
		}
		return open, "want a command template 83", nil
	case apdu.InsGenerateAC:
		return open, "values of CDOL1 or CDOL2", nil
	case apdu.InsInternalAuthenticate:
		return open, "values of the DDOL", nil
	case apdu.InsExternalAuthenticate:
		return open, "issuer authentication data", nil
	case apdu.InsApplicationBlock, apdu.InsApplicationUnblock, apdu.InsCardBlock:
		return open, "MAC", nil
	case apdu.InsPutData:
		if !secure {
			return tlv.Show(tlv.Tag(c.P1)<<8|tlv.Tag(c.P2), c.Data), "value", nil
		}
	case apdu.InsUpdateRecord:
		if !secure && tlv.Check(c.Data) == nil {
			return hidden, "record", c.Data // named below, with what is secret masked
		}
	}
	if secure {
		return hidden, "data and MAC", nil
	}
	return hidden, "data", nil
}

// nameText is bytes as text, if that is what they are.
func nameText(b []byte) string {
	for _, c := range b {
		if c < 0x20 || c > 0x7E {
			return "(an AID)"
		}
	}
	return fmt.Sprintf("%q", b)
}

// shortData is how many bytes that are no BER-TLV are shown: a challenge has eight, and a track does not fit.
const shortData = 8

// explainResponse reads a response and gives its data if it is BER-TLV.
func explainResponse(b []byte) (out jsonExplained, data []byte, err error) {
	r, err := apdu.Parse(b)
	if err != nil {
		return out, nil, fmt.Errorf("decode apdu: offset %d: %w", min(len(b), apdu.MaxLe+2), err)
	}
	if n := len(r.Data); n > 0 {
		switch err := tlv.Check(r.Data); {
		case err == nil:
			data = r.Data
			out.Parts = append(out.Parts, jsonPart{"data", bytesOf(n), "BER-TLV"})
		case n <= shortData:
			out.Parts = append(out.Parts, jsonPart{"data", fmt.Sprintf("%X", r.Data), bytesOf(n) + ", no BER-TLV"})
		default:
			out.Parts = append(out.Parts, jsonPart{"data", "[" + bytesOf(n) + " not shown]", "no BER-TLV: " + err.Error()})
		}
	}
	out.Parts = append(out.Parts, jsonPart{"SW", r.SW.String(), r.SW.Meaning()})
	return out, data, nil
}
