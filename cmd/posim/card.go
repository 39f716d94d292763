package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

func (a *app) cardCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "card", Short: "list and show the cards that scripts can name, and make keys for them",
		Example: "  posim card list\n  posim card show visa-credit\n  posim card keys --out mine.yaml",
	}, "list, show or keys")
	c.AddCommand(a.cardListCommand(), a.cardShowCommand(), a.cardKeysCommand())
	return c
}

func (a *app) cardListCommand() *cobra.Command {
	var asJSON bool
	var lang language
	c := &cobra.Command{
		Use: "list", Short: "list the cards", Args: none, Example: "  posim card list\n  posim card list --json",
		RunE: func(*cobra.Command, []string) error { return a.cardList(asJSON, lang) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	langFlag(c, &lang)
	return c
}

func (a *app) cardShowCommand() *cobra.Command {
	var asJSON bool
	var lang language
	c := &cobra.Command{
		Use: "show NAME", Short: "show one card, its number masked", Args: exactly("NAME"),
		Example:           "  posim card show visa-credit\n  posim card show --json cup-debit",
		RunE:              func(_ *cobra.Command, args []string) error { return a.cardShow(args[0], asJSON, lang) },
		ValidArgsFunction: cardNames,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	langFlag(c, &lang)
	return c
}

// jsonCard is a card in --json; its number is masked.
type jsonCard struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Scheme string `json:"scheme"`
	Number string `json:"number"`
	Expiry string `json:"expiry"`
	Chip   bool   `json:"chip"`
	Stripe bool   `json:"stripe"`
}

// jsonCardShown is one card with what its issuer holds of it.
type jsonCardShown struct {
	jsonCard
	SequenceNumber string `json:"sequence_number,omitempty"`
	ServiceCode    string `json:"service_code,omitempty"`
	Status         string `json:"status"`
	Description    string `json:"description"` // the text that people get
}

func jsonCardOf(p *card.Profile, lang language) jsonCard {
	return jsonCard{Name: p.Name, Title: cardTitle(p, lang), Scheme: p.Scheme, Number: p.PAN.Masked(), Expiry: p.Expiry.String(),
		Chip: p.HasChip, Stripe: hasStripe(p)}
}

// hasStripe: ISO 7813 gives every stripe a service code.
func hasStripe(p *card.Profile) bool { return p.ServiceCode != "" }

func cardTitle(p *card.Profile, lang language) string {
	if terminal.Lang(lang) == terminal.Chinese && p.TitleChinese != "" {
		return p.TitleChinese
	}
	return p.Title
}

func readBy(p *card.Profile) word {
	switch {
	case p.HasChip && hasStripe(p):
		return wordChipStripe
	case p.HasChip:
		return wordChip
	}
	return wordStripe
}

func (a *app) cardList(asJSON bool, lang language) error {
	l, err := builtInLibrary()
	if err != nil {
		return err
	}
	var list struct {
		Cards []jsonCard `json:"cards"`
	}
	rows := [][]string{{wordName.in(lang), wordTitle.in(lang), wordScheme.in(lang), wordNumber.in(lang), wordExpiry.in(lang), wordInterfaces.in(lang)}}
	for _, name := range l.Cards() {
		p := l.Card(name)
		list.Cards = append(list.Cards, jsonCardOf(p, lang))
		rows = append(rows, []string{p.Name, cardTitle(p, lang), p.Scheme, p.PAN.Masked(), p.Expiry.String(), readBy(p).in(lang)})
	}
	if asJSON {
		return writeJSON(a.stdout, list)
	}
	return a.print(table(rows))
}

// table aligns columns.
func table(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], tui.Columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += tui.Pad(cell, widths[i]) + "  "
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func (a *app) cardShow(name string, asJSON bool, lang language) error {
	l, err := builtInLibrary()
	if err != nil {
		return err
	}
	p := l.Card(name)
	if p == nil {
		return misuse("unknown card %q: want one of %s", name, strings.Join(l.Cards(), ", "))
	}
	text := describe(p, lang)
	if !asJSON {
		return a.print(text)
	}
	return writeJSON(a.stdout, jsonCardShown{jsonCard: jsonCardOf(p, lang), SequenceNumber: p.PANSequenceNumber, ServiceCode: p.ServiceCode,
		Status: string(p.Issuer.Status), Description: text})
}

// describe is the profile's own description, with Chinese labels if wanted; values stay as they are.
func describe(p *card.Profile, lang language) string {
	if terminal.Lang(lang) != terminal.Chinese {
		return p.Describe()
	}
	var b strings.Builder
	for _, line := range strings.SplitAfter(p.Describe(), "\n") {
		label, rest, _ := strings.Cut(line, " ")
		if zh := wordDescription[label]; zh != "" {
			rest = strings.TrimLeft(rest, " ")
			line = tui.Pad(zh, 12) + " " + rest
		}
		b.WriteString(line)
	}
	return b.String()
}
