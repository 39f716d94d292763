package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/posim/posim"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

// text is the report for people. Its columns are aligned; colours only repeat what words say.
type text struct {
	w       io.Writer
	lang    language
	colours bool
	verbose bool
	paths   []string // of the scripts; none: the built-in library
	naive   rules.Variant
	names   int // columns of the names
	real    bool
	spoken  map[string]terminal.Lang // of screens and slips, by script; without one: lang
}

// The columns of a result's line.
const (
	verdictWidth = 4
	endWidth     = 29
	timeWidth    = 16
	wallWidth    = 10
)

func (t *text) printf(format string, args ...any) { fmt.Fprintf(t.w, format, args...) }

// paint gives s a colour (a code of ECMA-48's SGR).
func (t *text) paint(colour, s string) string {
	if !t.colours {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (t *text) header(seed uint64, scripts int) {
	from := wordLibrary.in(t.lang)
	if len(t.paths) > 0 {
		from = fmt.Sprintf(wordScripts.in(t.lang), scripts)
	}
	parts := []string{"posim " + posim.Version, from, wordVirtual.in(t.lang), fmt.Sprintf(wordSeed.in(t.lang), seed)}
	if t.real { // nobody's seed
		parts = []string{"posim " + posim.Version, from, wordReal.in(t.lang)}
	}
	if t.naive.Name != "" {
		parts = append(parts, fmt.Sprintf(wordWithout.in(t.lang), t.naive.ID, t.naive.Name))
	}
	t.printf("%s\n\n", strings.Join(parts, " · "))
}

// titleOf is a script's id and its name, which may begin with the id.
func titleOf(id, name, zh string, lang language) string {
	if terminal.Lang(lang) == terminal.Chinese && zh != "" {
		name = zh
	}
	if strings.HasPrefix(name, id+" ") {
		return name
	}
	return id + " " + name
}

// report is one script: a line, why it failed, and its story before both if wanted.
func (t *text) report(r *report) {
	if t.verbose {
		t.story(r)
	}
	verdict := t.paint("32", tui.Pad(wordPassed.in(t.lang), verdictWidth))
	if !r.Passed {
		verdict = t.paint("31", tui.Pad(wordFailed.in(t.lang), verdictWidth))
	}
	runs := ""
	if r.Runs > 1 {
		runs = "  " + fmt.Sprintf(wordRuns.in(t.lang), r.Runs)
	}
	t.printf(" %s  %s  %s  %s %s%s\n", tui.Pad(titleOf(r.ID, r.Name, r.Zh, t.lang), t.names), verdict, tui.Pad(endWords(r.End, t.lang), endWidth),
		tui.PadLeft(virtualTime(r.Virtual), timeWidth), tui.PadLeft(wallTime(r.Wall), wallWidth), runs)
	if r.Failure != nil {
		t.failure(r.Failure)
	}
	for _, h := range r.Hidden {
		t.printf("     %s  %s\n", wordHidden.in(t.lang), h)
	}
	if t.verbose {
		t.printf("\n")
	}
}

func (t *text) failure(f *scenario.Failure) {
	const margin = "     "
	if f.Err != nil {
		t.printf("%s%s\n", margin, strings.ReplaceAll(errorReport(f.Err), "\n", "\n"+margin))
	}
	fact := func(w word, value string) {
		t.printf("%s%s  %s\n", margin, tui.Pad(w.in(t.lang), tui.Columns(wordWhere.in(t.lang))), value)
	}
	for _, v := range f.Violations {
		fact(wordViolation, v.String())
	}
	if f.Where != "" {
		fact(wordWhere, f.Where)
	}
	if f.Replay != "" { // real time does not come back
		fact(wordReplay, replayLine(f.Replay, t.paths, t.naive.Name))
	}
}

// errorReport shows the line of the script with the message behind the carets.
func errorReport(err error) string {
	var e *scenario.Error
	if errors.As(err, &e) {
		return e.Report()
	}
	return err.Error()
}

// story is what happened, line by line, and the money at the end.
func (t *text) story(r *report) {
	t.printf(" %s\n\n", t.paint("1", titleOf(r.ID, r.Name, r.Zh, t.lang)))
	paper, ok := t.spoken[r.ID]
	if !ok {
		paper = terminal.Lang(t.lang)
	}
	run := 0
	last := time.Duration(-1)
	for _, l := range r.story {
		if r.Runs > 1 && (run == 0 || l.At < last) { // a world's time never goes back: this is the next one
			run++
			t.printf("%s - %s -\n", strings.Repeat(" ", 8), fmt.Sprintf(wordRunOf.in(t.lang), run, r.Runs))
		}
		last = l.At
		t.line(l, paper)
	}
	if r.Runs == 1 {
		t.money(r.Money, r.story)
	} else { // a run's changes say nothing about the others
		t.money(r.Money, nil)
	}
}

// spoken are the languages of the screens and slips of scripts whose terminals' profiles have one, by the scripts' ids.
func spoken(l *scenario.Library, scripts []*scenario.Script) map[string]terminal.Lang {
	all := map[string]terminal.Lang{}
	for _, s := range scripts {
		p := l.Terminal(s.Terminal)
		if p == nil {
			continue
		}
		if lang, err := terminal.ParseLang(p.Language); err == nil {
			all[s.ID] = lang
		}
	}
	return all
}

func (t *text) line(l scenario.Line, paper terminal.Lang) {
	const kindWidth, textWidth = 8, 56
	lang := terminal.Lang(t.lang)
	if l.Kind == "screen" || l.Kind == "receipt" {
		lang = paper
	}
	line := fmt.Sprintf(" %s  %s %s  ", tui.PadLeft(tui.Clock(l.At), 9), tui.Pad(kindIn(l.Kind, t.lang), kindWidth), tui.Pad(l.Dir, 1))
	line += tui.Pad(l.In(lang), textWidth)
	if l.Note != "" {
		line += "  " + l.Note
	}
	t.printf("%s\n", strings.TrimRight(line, " "))
	if l.Decision == nil {
		return
	}
	indent := strings.Repeat(" ", 24)
	for _, in := range l.Decision.Inputs {
		t.printf("%s%s\n", indent, t.paint("2", in.Name+": "+in.Value))
	}
	for _, bit := range l.Decision.Changed() {
		t.printf("%s%s\n", indent, t.paint("33", bit))
	}
}

// maxMoments is how many changes of the money fit a table beside its beginning and its end.
const maxMoments = 4

// money is a table of the positions: before, after each change, and at the end.
func (t *text) money(positions map[string]scenario.Money, story []scenario.Line) {
	const nameWidth, amountWidth = 12, 14
	type column struct {
		title string
		money map[string]scenario.Money
	}
	columns := []column{{wordBefore.in(t.lang), map[string]scenario.Money{}}}
	for _, l := range story {
		if l.Money == nil {
			continue
		}
		title := tui.Clock(l.At)
		if n := len(columns); columns[n-1].title == title {
			columns[n-1].money = l.Money
			continue
		}
		columns = append(columns, column{title, l.Money})
	}
	if len(columns) > maxMoments+1 {
		columns = append(columns[:1], columns[len(columns)-maxMoments:]...)
	}
	columns = append(columns, column{wordAtEnd.in(t.lang), positions})
	t.printf("\n            %s", tui.Pad(wordMoney.in(t.lang), nameWidth))
	for _, c := range columns {
		t.printf("%s", tui.PadLeft(c.title, amountWidth))
	}
	t.printf("\n")
	for _, p := range tui.PositionNames(positions) {
		t.printf("            %s", tui.Pad(tui.PartyName(p, terminal.Lang(t.lang)), nameWidth))
		for _, c := range columns {
			t.printf("%s", tui.PadLeft(c.money[p].String(), amountWidth))
		}
		t.printf("\n")
	}
	t.printf("\n")
}

func (t *text) totals(s summary) {
	line := fmt.Sprintf(wordTotals.in(t.lang), s.passed, s.failed, strings.TrimSuffix(virtualTime(s.virtual.Truncate(time.Second)), ".000"), wallTime(s.wall), factor(s.virtual, s.wall))
	if t.real {
		line = fmt.Sprintf(wordRealTotals.in(t.lang), s.passed, s.failed, wallTime(s.wall))
	}
	t.printf("\n %s\n", line)
	if t.naive.Name == "" {
		return
	}
	w := wordNotCaught
	switch {
	case s.failed > 0:
		w = wordCaught
	case t.naive.Safe:
		w = wordSafe
	}
	t.printf(" %s\n", fmt.Sprintf(w.in(t.lang), t.naive.Name, t.naive.About))
}
