package scenario

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// evidence is what a script's expectations are compared with: what was seen and recorded, and what can be asked of the
// house when a step is over. The virtual house and the real one each fill it in.
type evidence struct {
	script  *Script
	options Options
	out     *outcome
	log     *record
	dialect *dialect.Dialect

	books     func() (*terminal.Books, error)
	state     func() string // of the terminal: off, or as Terminal.State has it
	positions func() (map[string]int64, error)
	issuer    func() (*host.View, error)   // nil: it cannot be asked
	dossier   func() (*Dossier, error)     // nil: nobody can be asked
	acquirer  func() (*host.View, error)   // as issuer
	views     func() ([]*host.View, error) // nil: they cannot be asked
	keyOf     func(Of) (dialect.Key, bool)
	where     func() string
	blind     func(at string) bool // whether a party's messages cannot be seen; nil: all can
}

// errNotObservable is what a house answers that cannot be asked: somebody else's host, a plastic card.
var errNotObservable = errors.New("not observable")

// fail keeps the first expectation that was not met.
func (p *evidence) fail(at Pos, format string, args ...any) {
	if p.options.IgnoreExpect || p.out.err != nil {
		return
	}
	p.out.err = p.script.Errorf(at, format, args...)
}

// hidden notes an expectation that cannot be judged.
func (p *evidence) hidden(at Pos, what string) {
	p.out.hidden = append(p.out.hidden, fmt.Sprintf("%s:%d:%d: %s", p.script.File, at.Line, at.Column, what))
}

// expect compares what a step showed with what the script says.
func (p *evidence) expect(st *Step, from mark, outcome string) {
	e := st.Expect
	if w := e.Outcome; w.Set() && w.Value != outcome {
		p.fail(w.Pos, "expected %s, found %s", w.Value, orNothingFound(outcome))
	}
	p.expectScreens(e, from)
	p.expectReceipts(e, from)
	if w := e.Code; w.Set() {
		code := ""
		if p.log.ended != nil {
			code = p.log.ended.Code
		}
		if code != w.Value {
			p.fail(w.Pos, "expected response code %s, found %s", w.Value, orNothingFound(code))
		}
	}
	p.expectJournal(e.Journal)
	p.expectMessages(e, from)
	for _, f := range e.Fields {
		p.expectField(f, from)
	}
	p.expectODA(e.ODA)
	for _, t := range e.Tags {
		p.expectTag(t)
	}
	p.expectMoney(e.Money)
	if w := e.State; w.Set() {
		p.expectState(w)
	}
	p.expectOrders(e.Orders)
	p.expectPayouts(e.Payouts)
	p.expectInquiry(e.Inquiry)
	p.expectKinds(e.Kinds)
	p.expectDue(e.Due)
	p.expectBatch(e.Batch)
	p.expectItems(e.Items)
	p.expectAlarms(e.Alarms, from)
}

func orNothingFound(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// contains looks for a text in either language.
func contains(lines []terminal.Text, want string) bool {
	s := terminal.Screen(lines)
	return strings.Contains(s.In(terminal.English), want) || strings.Contains(s.In(terminal.Chinese), want)
}

func (p *evidence) expectScreens(e *Expect, from mark) {
	shown := p.log.screens[from.screens:]
	for _, w := range e.Screen {
		found := false
		for _, s := range shown {
			found = found || contains(s, w.Value)
		}
		if !found {
			p.fail(w.Pos, "expected on the screen, found %s", listScreens(shown))
		}
	}
}

func listScreens(shown []terminal.Screen) string {
	var all []string
	for _, s := range shown {
		text := strings.ReplaceAll(s.In(terminal.English), "\n", " / ")
		if len(all) == 0 || all[len(all)-1] != text {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return "no screen"
	}
	return strings.Join(all, "; ")
}

func (p *evidence) expectReceipts(e *Expect, from mark) {
	printed := p.log.receipts[from.receipts:]
	if e.NoReceipt.Set() && len(printed) > 0 {
		p.fail(e.NoReceipt.Pos, "expected no receipt, found %d copies of STAN %s", len(printed), printed[0].STAN)
	}
	for _, w := range e.Receipt {
		found := false
		for _, rc := range printed {
			found = found || contains(rc.Lines, w.Value)
		}
		switch {
		case !found && len(printed) == 0:
			p.fail(w.Pos, "expected on a receipt, and nothing was printed")
		case !found:
			p.fail(w.Pos, "expected on a receipt, found %s", strings.ReplaceAll(printed[0].In(terminal.English), "\n", " / "))
		}
	}
}

func (p *evidence) expectJournal(j Journal) {
	if j.Pos.Line == 0 {
		return
	}
	books, err := p.books()
	if err != nil {
		p.fail(j.Pos, "the journal cannot be read: %v", err)
		return
	}
	states := make([]string, len(books.Records))
	for i, rec := range books.Records {
		states[i] = strings.ToLower(string(rec.State))
	}
	found := strings.Join(states, ", ")
	if found == "" {
		found = "an empty journal"
	}
	if j.Last {
		if len(states) == 0 || states[len(states)-1] != j.States[0].Value {
			p.fail(j.States[0].Pos, "expected %s, found %s", j.States[0].Value, found)
		}
		return
	}
	if len(states) != len(j.States) {
		p.fail(j.Pos, "expected %d records, found %s", len(j.States), found)
		return
	}
	for i, w := range j.States {
		if states[i] != w.Value {
			p.fail(w.Pos, "expected %s, found %s", w.Value, states[i])
		}
	}
}

func (p *evidence) expectMessages(e *Expect, from mark) {
	if !e.Messages.Set() {
		return
	}
	wire := p.log.wire[from.wire:]
	var found []string
	for _, w := range wire {
		found = append(found, shortMessage(w.message))
	}
	all := strings.Join(found, ", ")
	if all == "" {
		all = "silence"
	}
	for i, want := range e.Messages.Value {
		if i >= len(wire) {
			p.fail(want.Pos, "expected message %d, found %s", i+1, all)
			return
		}
		m := wire[i].message
		if m.MTI != want.MTI || want.Code != "" && want.Code != codeOf(m) {
			p.fail(want.Pos, "message %d is %s; found %s", i+1, found[i], all)
			return
		}
	}
	if len(wire) > len(e.Messages.Value) {
		p.fail(e.Messages.Pos, "expected %d messages, found %s", len(e.Messages.Value), all)
	}
}

// codeOf is what stands behind the slash of a message: the response code, or the reason of a reversal.
func codeOf(m *dialect.Message) string {
	if m.ResponseCode != "" {
		return m.ResponseCode
	}
	return m.ReversalReason
}

func shortMessage(m *dialect.Message) string {
	if c := codeOf(m); c != "" {
		return m.MTI + "/" + c
	}
	return m.MTI
}

func (p *evidence) expectField(f Field, from mark) {
	if p.blind != nil && p.blind(f.At) {
		p.hidden(f.Pos, "what the "+f.At+" sees")
		return
	}
	n := 0
	for _, s := range p.log.seen[from.seen:] {
		if s.at != f.At || s.message.MTI != f.MTI {
			continue
		}
		if n++; n < f.N {
			continue
		}
		value, ok := f.of(p.dialect, s.message)
		switch {
		case f.Absent && ok:
			p.fail(f.Pos, "%s of the %s at the %s is %s", f.name(), f.MTI, f.At, value)
		case !f.Absent && !ok:
			p.fail(f.Pos, "%s is absent in the %s at the %s", f.name(), f.MTI, f.At)
		case !f.Absent && value != f.Is && (f.Tag == 0 || !strings.EqualFold(value, f.Is)):
			p.fail(f.Pos, "%s of the %s at the %s is %s", f.name(), f.MTI, f.At, value)
		}
		return
	}
	p.fail(f.Pos, "the %s saw %d messages %s in this step", f.At, n, f.MTI)
}

func (f *Field) name() string {
	if f.Tag != 0 {
		return fmt.Sprintf("tag %X in DE %d", f.Tag, f.DE)
	}
	if f.Sub != 0 {
		return fmt.Sprintf("field %d.%d", f.DE, f.Sub)
	}
	return fmt.Sprintf("DE %d", f.DE)
}

// of is the field's value in a message, and whether it has one.
func (f *Field) of(d *dialect.Dialect, m *dialect.Message) (string, bool) {
	if f.Sub != 0 {
		value := *subfield(f.DE, f.Sub, m)
		return value, value != ""
	}
	if f.Tag == 0 {
		return d.Field(m, f.DE)
	}
	r := tlv.NewReader(m.ICCSystemRelatedData)
	for r.Next() {
		if uint32(r.Tag()) == f.Tag {
			return fmt.Sprintf("%X", r.Value()), true
		}
	}
	return "", false
}

// expectODA compares the method of offline data authentication that the kernel chose.
func (p *evidence) expectODA(w Want[string]) {
	switch {
	case !w.Set():
	case p.log.session == nil:
		p.fail(w.Pos, "no chip was read")
	case p.log.session.ODAMethod() != w.Value:
		p.fail(w.Pos, "expected %s, found %s", w.Value, p.log.session.ODAMethod())
	}
}

func (p *evidence) expectTag(t Tag) {
	if p.log.session == nil {
		p.fail(t.Pos, "no chip was read")
		return
	}
	if got := p.log.session.Data(t.Tag); !bytes.Equal(got, t.Value) {
		found := strings.ToUpper(hex.EncodeToString(got))
		if found == "" {
			found = "absent"
		}
		p.fail(t.Pos, "tag %s is %s", t.Name, found)
	}
}

func (p *evidence) expectState(w Want[string]) {
	found := p.state()
	state, _, _ := strings.Cut(found, ":")
	if state == "starting" {
		state = "busy"
	}
	if state != w.Value {
		p.fail(w.Pos, "expected %s, found %s", w.Value, found)
	}
}

func (p *evidence) expectMoney(want []Position) {
	if len(want) == 0 {
		return
	}
	got, err := p.positions()
	switch {
	case errors.Is(err, errNotObservable):
		p.hidden(want[0].Pos, "money")
	case err != nil:
		p.fail(want[0].Pos, "%v", err)
	default:
		p.comparePositions(want, got)
	}
}

func (p *evidence) comparePositions(want []Position, got map[string]int64) {
	for _, w := range want {
		if found := Money(got[w.Party]); found != w.Amount {
			p.fail(w.Pos, "expected %s, found %s: %s", w.Amount, found, p.where())
		}
	}
}

// expectEnd compares what the script left, before anything is healed.
func (p *evidence) expectEnd(ends []string, positions map[string]int64) {
	p.out.end = strings.Join(ends, ", ")
	for party, n := range positions {
		p.out.money[party] = Money(n)
	}
	e := p.script.Expect
	if len(e.Ends) != len(ends) {
		p.fail(e.Pos, "expected %d transactions, found %d: %s", len(e.Ends), len(ends), p.out.end)
	}
	for i, w := range e.Ends {
		if i < len(ends) && !has(w.Value, ends[i]) {
			p.fail(w.Pos, "expected %s, found %s: %s", strings.Join(w.Value, " or "), ends[i], p.where())
		}
	}
	p.comparePositions(e.Money, positions)
	p.expectJournal(e.Journal)
}

func has(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

// cardNames lists the cards that a script uses, each once.
func (s *Script) cardNames() []string {
	var names []string
	add := func(name string) {
		if name != "" && !has(names, name) {
			names = append(names, name)
		}
	}
	add(s.Card)
	for i := range s.Steps {
		if st := &s.Steps[i]; st.Task != nil {
			add(st.Task.Card)
			for _, name := range st.Task.Taps {
				add(name)
			}
			if st.Beside != nil {
				add(st.Beside.Card)
			}
		} else if st.Host != nil {
			add(st.Host.Card)
		}
	}
	for _, name := range s.every {
		add(name)
	}
	return names
}
