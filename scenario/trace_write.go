package scenario

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// Text is the finding as a merchant is told it.
func (f *Finding) Text(lang terminal.Lang) string {
	var b strings.Builder
	fmt.Fprintln(&b, f.Heading(lang))
	b.WriteByte('\n')
	for _, x := range f.Beliefs {
		fmt.Fprintf(&b, " %s %s\n", padded(PartyIn(x.Party, lang), beliefWidth), x.Says.In(lang))
	}
	b.WriteByte('\n')
	f.writeTimeline(&b, lang)
	f.writeAnswer(&b, lang)
	return b.String()
}

const beliefWidth = 15

// Heading is one line that says which transaction it is.
func (f *Finding) Heading(lang terminal.Lang) string {
	parts := []string{fmt.Sprintf("%s %s %s", capital(word("kind", f.Kind.String(), lang)), amount(f.Amount), f.Currency)}
	add := func(en, zh, value string) {
		if value != "" {
			parts = append(parts, label(lang, en, zh)+" "+value)
		}
	}
	add("terminal", "终端", f.Key.TID)
	if !f.At.IsZero() {
		parts = append(parts, f.At.Format(instantForm))
	}
	add("STAN", "流水号", f.Key.STAN)
	add("batch", "批次", f.Key.Batch)
	add("RRN", "检索参考号", f.RRN)
	add("card", "卡号", f.Card)
	sep := ", "
	if lang == terminal.Chinese {
		sep = ","
	}
	return strings.Join(parts, sep)
}

func label(lang terminal.Lang, en, zh string) string { return Words{en, zh}.In(lang) }

func capital(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// padded fills s up to n columns; Chinese characters take two.
func padded(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-columns([]rune(s))))
}

// writeTimeline writes what was when; of what names the transaction with its number.
func (f *Finding) writeTimeline(b *strings.Builder, lang terminal.Lang) {
	for _, m := range f.Timeline {
		line := fmt.Sprintf(" %s  %s %s", m.At.Format("01-02 15:04:05.000"), padded(PartyIn(m.Party, lang), beliefWidth), m.Says.In(lang))
		if m.STAN != f.Key.STAN {
			line += fmt.Sprintf(" [%s]", m.STAN)
		}
		if len(m.Moved) > 0 {
			line += " · " + moved(m.Moved, lang)
		}
		fmt.Fprintln(b, line)
	}
	if len(f.Timeline) > 0 {
		b.WriteByte('\n')
	}
}

// moved writes postings: from whom to whom, how much.
func moved(all []host.Posting, lang terminal.Lang) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, fmt.Sprintf("%s → %s %s", PositionIn(p.From, lang), PositionIn(p.To, lang), amount(p.Amount)))
	}
	return strings.Join(parts, ", ")
}

// PositionIn names a position for people.
func PositionIn(position string, lang terminal.Lang) string {
	if who, lost := strings.CutPrefix(position, host.PositionLoss); lost {
		return label(lang, "loss of ", "损失:") + PartyIn(who, lang)
	}
	return PartyIn(position, lang)
}

// writeAnswer writes where the money is, why, what comes by itself, and who must do what.
func (f *Finding) writeAnswer(b *strings.Builder, lang terminal.Lang) {
	for _, line := range []struct {
		en, zh string
		text   string
	}{
		{"answer", "答复", f.Answer.In(lang)},
		{"money", "资金", f.PlaceSay.In(lang)},
		{"cause", "原因", f.Cause.In(lang)},
		{"next", "后续", f.Next.Says.In(lang)},
		{"to do", "处理", f.Duty.Says.In(lang)},
	} {
		fmt.Fprintf(b, " %s %s\n", padded(label(lang, line.en, line.zh), 8), line.text)
		if line.en == "money" && len(f.Money) > 0 {
			fmt.Fprintf(b, " %s %s\n", padded("", 8), f.positions(lang))
		}
	}
	for _, r := range f.Related {
		fmt.Fprintf(b, " %s %s %s %s: %s\n", padded(label(lang, "see also", "另见"), 8), r.Key.STAN, word("kind", r.Kind.String(), lang), amount(r.Amount), r.Cause.In(lang))
	}
}

// positions lists who holds what.
func (f *Finding) positions(lang terminal.Lang) string {
	var parts []string
	for _, h := range f.Money {
		parts = append(parts, PositionIn(h.Position, lang)+" "+amount(h.Amount))
	}
	return strings.Join(parts, ", ")
}

// Line is the finding in a line, for a list.
func (f *Finding) Line(lang terminal.Lang) string {
	return fmt.Sprintf("%s  %s  %s %s %s %s  %s: %s", padded(f.Key.TID, 8), f.Key.STAN, f.At.Format(instantForm), padded(word("kind", f.Kind.String(), lang), 18),
		leftPadded(amount(f.Amount), 14), padded(f.Card, 16), f.Answer.In(lang), f.PlaceSay.In(lang))
}

func leftPadded(s string, n int) string { return strings.Repeat(" ", max(0, n-columns([]rune(s)))) + s }
