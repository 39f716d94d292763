package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/tlv"
)

func (a *app) emvCommand() *cobra.Command {
	c := group(&cobra.Command{Use: "emv", Short: "why a card said yes or no, transactions run again, and the EMV books", Example: "  posim emv explain visa-credit\n  posim run --record sale.json testdata/scenarios/W01-sale-paid.yaml\n  posim emv replay sale.json\n  posim emv tags 9F34"}, "explain, replay or tags")
	c.AddCommand(a.explainCommand(), a.transcriptCommand(), a.tagsCommand())
	return c
}

func (a *app) tagsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "tags [WORD|TAG...]", Short: "the dictionary of data elements: tag, name, format, length, source, bits",
		Long: `tags lists the data elements of EMV Book 3, annex A. A TAG shows that element, a WORD those with the word in their name or
in the name of one of their bits, in capitals or not; both show what the bits of an element mean. Lengths are of the value,
in bytes; var. is a length without a bound of its own. The exit status is 1 when an argument finds nothing.`,
		Example: "  posim emv tags\n  posim emv tags 95 9F34\n  posim emv tags cryptogram\n  posim emv tags --json 'floor limit'",
		RunE:    func(_ *cobra.Command, args []string) error { return a.tags(args, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// jsonElement is a data element of the dictionary in --json.
type jsonElement struct {
	Tag       string        `json:"tag"`
	Name      string        `json:"name"`
	Format    string        `json:"format"`
	MinLength int           `json:"min_length"`
	MaxLength int           `json:"max_length"` // 0: no bound of its own
	Source    string        `json:"source"`
	Template  bool          `json:"template"`
	Bits      []jsonBitName `json:"bits,omitempty"`
}

type jsonBitName struct {
	Byte int    `json:"byte"` // 1 the first
	Bit  int    `json:"bit"`  // 8 the highest
	Name string `json:"name"`
}

func (a *app) tags(args []string, asJSON bool) error {
	elements, err := findElements(args)
	if err != nil {
		return failed(err)
	}
	if asJSON {
		list := []jsonElement{}
		for _, e := range elements {
			list = append(list, elementOf(e))
		}
		return writeJSON(a.stdout, struct {
			Elements []jsonElement `json:"elements"`
		}{list})
	}
	if len(args) == 0 {
		return a.print(table(elementRows(elements)))
	}
	var text strings.Builder
	rows := strings.SplitAfter(table(elementRows(elements)), "\n")
	for i, e := range elements {
		text.WriteString(rows[i])
		if isActionCode(e.Tag) {
			text.WriteString("      the bits of 95\n")
			continue
		}
		for _, b := range tlv.Bits(e.Tag) {
			if b.Name != "" {
				fmt.Fprintf(&text, "      byte %d bit %d  %s\n", b.Bit.Byte(), b.Bit.Number(), b.Name)
			}
		}
	}
	return a.print(text.String())
}

// findElements gives what the arguments find in the order of tags, everything for none.
func findElements(args []string) (found []tlv.Element, err error) {
	all := tlv.Elements()
	if len(args) == 0 {
		return all, nil
	}
	hits := map[tlv.Tag]bool{}
	for _, arg := range args {
		known := false
		for _, e := range all {
			if finds(arg, e) {
				hits[e.Tag], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("emv tags: %q finds no data element: want a tag such as 9F34, or a word of a name", arg)
		}
	}
	for _, e := range all {
		if hits[e.Tag] {
			found = append(found, e)
		}
	}
	return found, nil
}

// finds tells whether an argument is the element's tag, or in its name or in that of one of its bits.
func finds(arg string, e tlv.Element) bool {
	if tag, err := strconv.ParseUint(arg, 16, 32); err == nil && tlv.Tag(tag) == e.Tag {
		return true
	}
	word := strings.ToLower(strings.TrimSpace(arg))
	if word == "" {
		return false
	}
	if strings.Contains(strings.ToLower(e.Name), word) {
		return true
	}
	for _, b := range tlv.Bits(e.Tag) {
		if !isActionCode(e.Tag) && strings.Contains(strings.ToLower(b.Name), word) {
			return true
		}
	}
	return false
}

// isActionCode tells whether an element has the bits of the TVR without being it.
func isActionCode(tag tlv.Tag) bool {
	return tag == tlv.IssuerActionCodeDefault || tag == tlv.IssuerActionCodeDenial || tag == tlv.IssuerActionCodeOnline
}

func elementOf(e tlv.Element) jsonElement {
	out := jsonElement{Tag: fmt.Sprintf("%02X", e.Tag), Name: e.Name, Format: e.Format.String(), MinLength: e.MinLength, MaxLength: e.MaxLength,
		Source: e.Source.String(), Template: tlv.Constructed(e.Tag)}
	for _, b := range tlv.Bits(e.Tag) {
		out.Bits = append(out.Bits, jsonBitName{b.Bit.Byte(), b.Bit.Number(), bitName(b)})
	}
	return out
}

func elementRows(elements []tlv.Element) (rows [][]string) {
	for _, e := range elements {
		rows = append(rows, []string{fmt.Sprintf("%02X", e.Tag), e.Name, e.Format.String(), lengthOf(e), e.Source.String()})
	}
	return rows
}

func lengthOf(e tlv.Element) string {
	switch {
	case e.MaxLength == 0:
		return "var."
	case e.MinLength == e.MaxLength:
		return fmt.Sprint(e.MaxLength)
	case e.MinLength == 0:
		return fmt.Sprintf("up to %d", e.MaxLength)
	}
	return fmt.Sprintf("%d to %d", e.MinLength, e.MaxLength)
}
