package host

import (
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A day of the switch that fills several files is compared when the last of them has come, in whatever order; until then nothing
// that another of them may say is missing.
func TestADayOfSeveralFilesIsComparedWhenItIsWhole(t *testing.T) {
	acquirer, err := NewRelay(acquirerConfig(t, rules.Set{}))
	if err != nil {
		t.Fatal(err)
	}
	above, err := NewRelay(switchConfig(t, rules.Set{}))
	if err != nil {
		t.Fatal(err)
	}
	const sales = 2*maxFileLines + 1
	for i := range sales {
		own := daysSale(i)
		if err := acquirer.Apply(&Record{At: streetStart, Transaction: own, Postings: []Posting{{PositionIssuer, PositionAcquirer, own.Amount}}}); err != nil {
			t.Fatal(err)
		}
		if i == 5 {
			continue // the switch does not have this one
		}
		if err := above.Apply(&Record{At: streetStart, Transaction: daysSale(i)}); err != nil {
			t.Fatal(err)
		}
	}
	acquirer.Step(streetStart, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarCutover}})
	var files []*File
	for _, f := range above.Step(streetStart, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarCutover}}) {
		if f.File != nil {
			files = append(files, f.File)
		}
	}
	if len(files) != 2 {
		t.Fatalf("%d files of %d lines", len(files), sales-1)
	}
	items := func() int { return len(acquirer.View().Differences()) }
	for i, at := range []int{1, 1, 0} {
		acquirer.Step(streetStart, Event{Kind: EventFile, File: files[at]})
		if want := i / 2; items() != want {
			t.Fatalf("after file %d: %d items, want %d", at+1, items(), want)
		}
	}
}

func TestDaysAreWholeInTheirOrder(t *testing.T) {
	line := func(stan string) []FileLine { return []FileLine{{Key: dialect.Key{TID: "t", STAN: stan}, Amount: 1}} }
	var s statement
	for _, step := range []struct {
		r    Cleared
		date string
	}{
		{Cleared{Date: "2026-03-02", Lines: line("1")}, "2026-03-02"}, // a log of before there were parts
		{Cleared{Date: "2026-03-03", Part: 2, Parts: 2, Lines: line("2")}, "2026-03-02"},
		{Cleared{Date: "2026-03-04", Part: 1, Parts: 1, Lines: line("3")}, "2026-03-02"},
		{Cleared{Date: "2026-03-03", Part: 2, Parts: 2, Lines: line("2")}, "2026-03-02"},
		{Cleared{Date: "2026-03-03", Part: 1, Parts: 2, Lines: line("4")}, "2026-03-04"},
		{Cleared{Date: "2026-03-03", Part: 1, Parts: 2, Lines: line("4")}, "2026-03-04"},
	} {
		s.apply(&step.r)
		if s.date != step.date {
			t.Fatalf("%s part %d: whole up to %s, want %s", step.r.Date, step.r.Part, s.date, step.date)
		}
	}
	if len(s.present()) != 4 || len(s.days) != 0 {
		t.Fatalf("%d lines, %d days still waiting", len(s.present()), len(s.days))
	}
}
