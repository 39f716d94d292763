package terminal

import (
	"fmt"
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// Reports and reprints: on paper, and on the screen a page at a time.

// pageLines is what a screen has room for below its title.
const pageLines = 6

// report prints lines and shows them. The first is the title.
func (t *Terminal) report(f Function, lines []Text) (Ended, error) {
	t.printReport(f, lines)
	title, rest := lines[0], lines[1:]
	for {
		n := min(pageLines, len(rest))
		page := append([]Text{title}, rest[:n]...)
		rest = rest[n:]
		if len(rest) == 0 {
			t.show(page...)
			return Ended{Outcome: OutcomeDone}, nil
		}
		t.show(append(page, say("page-more"))...)
		if key, ok := t.nextKey(); !ok || key == KeyCancel {
			return Ended{Outcome: OutcomeDone}, nil
		}
	}
}

// printReport prints a report and tells whether it came out.
func (t *Terminal) printReport(f Function, lines []Text) bool {
	head := []Text{say("r-simulation"), say("r-merchant", bilingual{t.profile.Merchant, t.profile.MerchantZh}), say("r-mid", t.profile.MID), say("r-tid", t.profile.TID)}
	rc := Receipt{Report: f, Lines: append(head, lines...)}
	rc.Lines = append(rc.Lines, say("r-simulation"))
	t.cfg.Point("print")
	if err := t.cfg.Devices.Print(rc); err != nil {
		t.remark("printer: %v", err)
		t.show(say("no-paper"), say("reprint-later"))
		return false
	}
	t.cfg.Observe(Printed{rc})
	return true
}

// totalLines are a batch's totals.
func (t *Terminal) totalLines(number string, totals dialect.Totals) []Text {
	lines := []Text{say("totals-title", number)}
	for _, l := range []struct {
		key Key
		dialect.Total
		always bool
	}{{Key("totals-debits"), totals.Debits, true}, {Key("totals-credits"), totals.Credits, true}, {Key("totals-foreign-debits"), totals.ForeignDebits, false}, {Key("totals-foreign-credits"), totals.ForeignCredits, false}} {
		if l.always || l.Count > 0 {
			lines = append(lines, say(l.key, l.Count, Amount(l.Amount)))
		}
	}
	return lines
}

// kindName is what reports call a kind of transaction.
func kindName(k dialect.Kind) bilingual { return bilingual(catalogue[slipOf(k)]) }

func kindLines(kinds []KindTotal) (lines []Text) {
	for _, k := range kinds {
		lines = append(lines, say("totals-kind", kindName(k.Kind), k.Count, Amount(k.Amount)))
	}
	return lines
}

// chooseTotals reports what the batch comes to.
func (t *Terminal) chooseTotals() (Ended, error) {
	lines := t.totalLines(t.journal.batch.number, t.journal.totals(t.profile.HomeScheme))
	return t.report(FunctionReportTotals, append(lines, kindLines(t.journal.kinds())...))
}

// chooseJournal reports every transaction of the batch, oldest first.
func (t *Terminal) chooseJournal() (Ended, error) {
	all := slices.DeleteFunc(slices.Clone(t.journal.inBatch()), (*Record).hidden)
	lines := []Text{say("journal-title", t.journal.batch.number, len(all))}
	for _, r := range all {
		lines = append(lines, say("journal-line", r.STAN, kindName(r.about()), Amount(r.Amount), bilingual(stateTexts[r.State])))
	}
	return t.report(FunctionReportJournal, lines)
}

// chooseLastSettlement prints the slip of the last settlement once more.
func (t *Terminal) chooseLastSettlement() (Ended, error) {
	if t.journal.batch.last == nil {
		t.show(say("no-settlement"))
		return Ended{Outcome: OutcomeNotFound}, nil
	}
	if err := t.markSlip(t.printReport(FunctionReportSettlement, t.settlementLines(t.journal.batch.last, true))); err != nil {
		return Ended{}, err
	}
	t.show(t.settlementLines(t.journal.batch.last, true)[:2]...)
	return Ended{Outcome: OutcomeDone}, nil
}

// printSettlement prints the slip of the batch that was closed last.
func (t *Terminal) printSettlement(again bool) error {
	return t.markSlip(t.printReport(FunctionSettlement, t.settlementLines(t.journal.batch.last, again)))
}

// markSlip remembers that the slip of the last settlement came out.
func (t *Terminal) markSlip(out bool) error {
	if !out || t.journal.batch.slip {
		return nil
	}
	return t.journal.slipPrinted()
}

// settlementLines is the slip of a settlement.
func (t *Terminal) settlementLines(s *Settlement, again bool) []Text {
	lines := t.totalLines(s.Batch, s.Totals)
	result := say("settle-equal")
	if !s.Equal() {
		result = say("settle-unequal")
	}
	lines = append([]Text{say("settle-title", s.Batch), result, say("r-date", fmt.Sprintf("%04d-%s-%s", s.Year, s.Date[:2], s.Date[2:]), s.Time[:2]+":"+s.Time[2:4]+":"+s.Time[4:])}, lines[1:]...)
	if again {
		lines = append(lines[:2], append([]Text{say("r-duplicate")}, lines[2:]...)...)
	}
	lines = append(lines, kindLines(s.Kinds)...)
	if s.Host != nil {
		lines = append(lines, say("settle-host"))
		lines = append(lines, t.totalLines(s.Batch, *s.Host)[1:]...)
	}
	if s.Uploaded > 0 {
		lines = append(lines, say("settle-uploaded", s.Uploaded))
	}
	for _, list := range []struct {
		title Key
		items []Carried
	}{{Key("settle-failed-list"), s.Failed}, {Key("settle-carried-list"), s.Carried}} {
		if len(list.items) == 0 {
			continue
		}
		lines = append(lines, say(list.title, len(list.items)))
		for _, c := range list.items {
			lines = append(lines, say("settle-item", c.STAN, c.Card, Amount(c.Amount), c.Why))
		}
	}
	return lines
}
