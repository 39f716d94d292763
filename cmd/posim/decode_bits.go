package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/tlv"
)

// bitsDecoder explains a data element that is made of bits.
func (a *app) bitsDecoder(name string, tag tlv.Tag, example string) *cobra.Command {
	var all bool
	c := a.decoder(name, fmt.Sprintf("the bits of tag %X, %s", tag, tlv.Name(tag)), "  posim decode "+name+" "+example+"\n  posim decode "+name+" --all "+example,
		func(b []byte, asJSON bool) error { return a.decodeBits(name, tag, b, all, asJSON) })
	c.Flags().BoolVar(&all, "all", false, "show the bits that are not set as well")
	return c
}

// jsonBits is a data element made of bits in --json.
type jsonBits struct {
	Tag   string    `json:"tag"`
	Name  string    `json:"name"`
	Value string    `json:"value"`
	Bits  []jsonBit `json:"bits"`
}

type jsonBit struct {
	Byte int    `json:"byte"` // 1 the first
	Bit  int    `json:"bit"`  // 8 the highest
	Set  bool   `json:"set"`
	Name string `json:"name"`
}

func (a *app) decodeBits(name string, tag tlv.Tag, b []byte, all, asJSON bool) error {
	e, _ := tlv.Lookup(tag)
	if err := exactLength(name, b, e.MaxLength); err != nil {
		return err
	}
	out := jsonBits{Tag: fmt.Sprintf("%X", tag), Name: e.Name, Value: fmt.Sprintf("%X", b), Bits: []jsonBit{}}
	for _, bit := range tlv.Bits(tag) {
		if set := bit.Bit.In(b); set || all {
			out.Bits = append(out.Bits, jsonBit{bit.Bit.Byte(), bit.Bit.Number(), set, bitName(bit)})
		}
	}
	if asJSON {
		return writeJSON(a.stdout, out)
	}
	text := fmt.Sprintf("%s  %s: %s\n", out.Tag, out.Name, out.Value)
	var rows [][]string
	for _, bit := range out.Bits {
		row := []string{fmt.Sprintf("byte %d bit %d", bit.Byte, bit.Bit)}
		if all {
			row = append(row, map[bool]string{true: "1", false: "0"}[bit.Set])
		}
		rows = append(rows, append(row, bit.Name))
	}
	if len(rows) == 0 {
		return a.print(text + "no bit is set\n")
	}
	return a.print(text + table(rows))
}

// bitName is a bit's name, of a nameless one what that means.
func bitName(b tlv.NamedBit) string {
	if b.Name == "" {
		return "Reserved for future use"
	}
	return b.Name
}

// exactLength wants so many bytes and says where they end or should have ended.
func exactLength(name string, b []byte, want int) error {
	switch n := len(b); {
	case n < want:
		return fmt.Errorf("decode %s: offset %d: ends: want %d bytes", name, n, want)
	case n > want:
		return fmt.Errorf("decode %s: offset %d: goes on for %d bytes: want its end after %d", name, want, n-want, want)
	}
	return nil
}

// jsonEntry is one line of a data object list in --json.
type jsonEntry struct {
	Tag    string `json:"tag"`
	Name   string `json:"name"`
	Length int    `json:"length"`
}

func (a *app) decodeDOL(b []byte, asJSON bool) error {
	list, err := tlv.ParseDOL(b)
	if err != nil {
		return err
	}
	entries, total := []jsonEntry{}, 0
	for _, e := range list {
		entries = append(entries, jsonEntry{fmt.Sprintf("%02X", e.Tag), tlv.Name(e.Tag), e.Length})
		total += e.Length
	}
	if asJSON {
		return writeJSON(a.stdout, struct {
			Entries []jsonEntry `json:"entries"`
			Total   int         `json:"total"`
		}{entries, total})
	}
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{e.Tag, fmt.Sprint(e.Length), nameOr(e.Name)})
	}
	return a.print(table(append(rows, []string{"total", fmt.Sprint(total), "bytes"})))
}

func nameOr(name string) string {
	if name == "" {
		return "unknown"
	}
	return name
}

// jsonRule is a cardholder verification rule in --json; Result and Unsuccessful are of results and of a list.
type jsonRule struct {
	Code         string `json:"code"`
	Method       string `json:"method"`
	Condition    string `json:"condition"`
	When         string `json:"when"`
	Unsuccessful string `json:"unsuccessful,omitempty"`
	Result       string `json:"result,omitempty"`
}

func ruleOf(r tlv.CVRule) jsonRule {
	return jsonRule{Code: fmt.Sprintf("%02X", r.Code), Method: r.MethodName(), Condition: fmt.Sprintf("%02X", r.Condition), When: r.ConditionName()}
}

// decodeCVM explains a CVM list, or CVM results, which have three bytes.
func (a *app) decodeCVM(b []byte, asJSON bool) error {
	if len(b) == 3 {
		r := ruleOf(tlv.CVRule{Code: b[0], Condition: b[1]})
		r.Result = tlv.CVMResultName(b[2])
		if asJSON {
			return writeJSON(a.stdout, r)
		}
		return a.print("9F34  " + tlv.Name(tlv.CVMResults) + fmt.Sprintf(": %X\n", b) +
			table([][]string{{"CVM performed", r.Code, r.Method}, {"CVM condition", r.Condition, r.When}, {"CVM result", fmt.Sprintf("%02X", b[2]), r.Result}}))
	}
	list, err := tlv.ParseCVMList(b)
	if err != nil {
		return err
	}
	rules := []jsonRule{}
	for i := range list.Len() {
		r := ruleOf(list.Rule(i))
		r.Unsuccessful = list.Rule(i).Unsuccessful()
		rules = append(rules, r)
	}
	if asJSON {
		return writeJSON(a.stdout, struct {
			X     int64      `json:"amount_x"`
			Y     int64      `json:"amount_y"`
			Rules []jsonRule `json:"rules"`
		}{list.X, list.Y, rules})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "8E  %s\namount X  %d\namount Y  %d\n", tlv.Name(tlv.CVMList), list.X, list.Y)
	for i, r := range rules {
		fmt.Fprintf(&text, "rule %d    %s %s  %s\n", i+1, r.Code, r.Condition, r.Method)
		fmt.Fprintf(&text, "                 %s\n                 %s\n", r.When, r.Unsuccessful)
	}
	if len(rules) == 0 {
		text.WriteString("no rules\n")
	}
	return a.print(text.String())
}

func (a *app) decodeCID(b []byte, asJSON bool) error {
	if err := exactLength("cid", b, 1); err != nil {
		return err
	}
	c := tlv.CID(b[0])
	if asJSON {
		return writeJSON(a.stdout, struct {
			Cryptogram    string `json:"cryptogram"`
			PaymentSystem int    `json:"payment_system"`
			Advice        bool   `json:"advice_required"`
			Reason        string `json:"reason"`
		}{c.Cryptogram(), int(c.PaymentSystem()), c.Advice(), c.Reason()})
	}
	advice := "No advice required"
	if c.Advice() {
		advice = "Advice required"
	}
	return a.print(fmt.Sprintf("9F27  %s: %02X\n", tlv.Name(tlv.CryptogramInformationData), b[0]) + table([][]string{
		{"bits 8-7", fmt.Sprintf("%02b", b[0]>>6), c.Cryptogram()},
		{"bits 6-5", fmt.Sprintf("%02b", c.PaymentSystem()), "Payment system-specific cryptogram"},
		{"bit 4", fmt.Sprintf("%b", b[0]>>3&1), advice},
		{"bits 3-1", fmt.Sprintf("%03b", b[0]&7), c.Reason()},
	}))
}
