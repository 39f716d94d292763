package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// chronicle is what a house showed: what expectations and the judge look at. Of two terminals, screens, receipts and messages are those
// of the one in front.
type chronicle struct {
	screens  []terminal.Screen
	receipts []terminal.Receipt
	wire     []wired // the terminal's messages, both ways
	seen     []sighting
	alarms   []string                  // what people were told
	wrong    []Violation               // found while it happened
	made     map[int]dialect.Key       // the record of each transaction of the script
	asked    map[dialect.Key]asked     // the requests that were sent
	lost     map[*terminal.Record]bool // of the records, what a terminal has forgotten

	sometimes Sometimes
}

// record is what one terminal showed, and the house around it.
type record struct {
	*chronicle
	printed    []terminal.Receipt
	ended      *terminal.Ended                  // of the sale in progress
	session    *emv.Session                     // of the latest chip transaction
	moves      map[dialect.Key]*terminal.Record // each record as it was durable last
	closed     []*terminal.Record               // of batches that were closed, as they were durable last
	lastClosed string                           // number of the latest of those batches
	tries      map[string]int                   // reversals sent, by STAN
}

// newRecord is that of a house with one terminal.
func newRecord() record {
	return record{chronicle: &chronicle{}, moves: map[dialect.Key]*terminal.Record{}}
}

// state is the last durable state of a record, "" if there is none.
func (l *record) state(k dialect.Key) terminal.State {
	if rec := l.moves[k]; rec != nil {
		return rec.State
	}
	return ""
}

// printedState is the last durable state of what a receipt is about.
func (l *record) printedState(rc terminal.Receipt) terminal.State {
	for _, rec := range l.moves {
		if rec.STAN == rc.STAN && rec.Date == rc.Date && rec.Time == rc.Time {
			return rec.State
		}
	}
	return ""
}

// inOrder are the records that are durable, oldest first.
func (l *record) inOrder() []*terminal.Record {
	return slices.SortedFunc(maps.Values(l.moves), func(x, y *terminal.Record) int {
		return cmp.Or(cmp.Compare(x.Year, y.Year), cmp.Compare(x.Date+x.Time, y.Date+y.Time), cmp.Compare(x.Batch+x.STAN, y.Batch+y.STAN))
	})
}

// number notes that the transaction which is being made has begun a record.
func (l *record) number(c *customer, k dialect.Key, from terminal.State) {
	if c.task == nil || !c.task.Transacts() || from != "" {
		return
	}
	if l.made == nil {
		l.made = map[int]dialect.Key{}
	}
	l.made[c.task.Number] = k
}

// about is the record that a task is about; of what is set aside, the first that waits. nil: there is none.
func (l *record) about(x *Task) *terminal.Record {
	if x.Function != terminal.FunctionSAFPark {
		return l.slip(x.Of)
	}
	for _, rec := range l.inOrder() {
		if rec.State == terminal.ReversalDue || rec.State == terminal.AdviceDue {
			return rec
		}
	}
	return nil
}

// slip is the record of the transaction that is meant; nil: there is none.
func (l *record) slip(of Of) (found *terminal.Record) {
	if of.Number > 0 {
		k, ok := l.made[of.Number]
		if !ok {
			return nil
		}
		if rec := l.moves[k]; rec != nil {
			return rec
		}
		for _, rec := range l.closed { // on paper still
			if keyed(k, rec) {
				found = rec
			}
		}
		return found
	}
	for _, rec := range append(slices.Clone(l.closed), l.inOrder()...) {
		if rec.STAN == of.STAN && (found == nil || rec.Batch+rec.Date+rec.Time > found.Batch+found.Date+found.Time) {
			found = rec
		}
	}
	return found
}

// keyed tells whether k is the identity of a record.
func keyed(k dialect.Key, rec *terminal.Record) bool {
	return k.STAN == rec.STAN && k.Batch == rec.Batch && (k.Batch != "" || k.Date == rec.Date && k.Time == rec.Time)
}

// wired is one message on the terminal's wire.
type wired struct {
	out     bool
	message *dialect.Message
}

// sighting is a message as one party saw it.
type sighting struct {
	at      string
	message *dialect.Message
}

// mark is a position in a record: where a step begins.
type mark struct{ screens, receipts, wire, seen, alarms int }

func (l *record) mark() mark {
	return mark{len(l.screens), len(l.receipts), len(l.wire), len(l.seen), len(l.alarms)}
}

// onShow is the display.
func (r *rig) onShow(s terminal.Screen) {
	r.world.Note(r.term.Name(), "screen", s.Keys())
	if !r.behind {
		r.log.screens = append(r.log.screens, s)
		r.tellScreen(s)
	}
	r.countScreen(s)
	r.react(s)
	r.meddle()
}

// onPrint is the printer.
func (r *rig) onPrint(rc terminal.Receipt) error {
	if f := r.strike("term", "print", atPaper); f != nil {
		return terminal.ErrPaperOut
	}
	r.world.Note(r.term.Name(), "print", rc.Keys())
	r.notePrinted(rc)
	if !r.behind {
		r.tellReceipt(rc)
	}
	return nil
}

// notePrinted keeps a receipt, and judges it.
func (r *court) notePrinted(rc terminal.Receipt) {
	r.log.printed = append(r.log.printed, rc)
	if !r.behind {
		r.log.receipts = append(r.log.receipts, rc)
	}
	r.judgePrinted(rc)
}

// noteMessage keeps what the terminal sent or received.
func (r *court) noteMessage(out bool, m *dialect.Message) {
	if r.behind {
		return
	}
	r.log.wire = append(r.log.wire, wired{out, m})
	r.log.seen = append(r.log.seen, sighting{"terminal", m})
}

// note keeps what happens in the terminal, and judges what it sends.
func (r *court) note(o terminal.Observation) {
	switch o := o.(type) {
	case terminal.Sent:
		r.noteMessage(true, o.Message)
		r.judgeSent(o.Message)
	case terminal.Received:
		r.noteMessage(false, o.Message)
	case terminal.Ended:
		r.log.ended = &o
		if o.Session != nil {
			r.log.session = o.Session
		}
	}
}

// onTerminal is told what happens in the terminal.
func (r *rig) onTerminal(o terminal.Observation) {
	r.note(o)
	switch o := o.(type) {
	case terminal.Sent:
		r.countSent(o.Message)
		r.judgeKeys(o.Message)
	case terminal.Unmatched:
		r.countUnmatched(o.Err)
	case terminal.Moved:
		r.judgeMoved(&o.Record)
		r.log.number(&r.customer, r.key(&o.Record), o.From)
	case terminal.Ended:
		r.leave()
		r.term.Wait(r.world.Now(), never) // the script goes on here, before any reversal
	}
	if r.story == nil || r.behind {
		return
	}
	if line, told := terminalLine(o); told {
		r.tellLine(line)
	}
}

// observe is told what happens at a host.
func (p *party) observe(o host.Observation) {
	r := p.r
	if o.Kind == host.Received || o.Kind == host.Sent {
		r.log.seen = append(r.log.seen, sighting{p.name, o.Message})
		p.count(o)
	}
	if o.Kind == host.AlarmRaised {
		r.log.alarms = append(r.log.alarms, alarmText(p.name, o.Alarm))
	}
	if r.story == nil {
		return
	}
	if line, own := hostLine(o); own {
		r.tellLine(line)
	}
}

// tellLine tells a line of the present instant.
func (r *rig) tellLine(l Line) {
	if r.story != nil {
		l.At = r.world.Now().Sub(Start)
		r.story(l)
	}
}

func (r *rig) tellf(kind, dir, format string, args ...any) {
	if r.story != nil {
		r.tellLine(Line{Kind: kind, Dir: dir, Text: fmt.Sprintf(format, args...)})
	}
}

// tellMoney tells the positions when they have changed.
func (r *rig) tellMoney() {
	if r.story == nil {
		return
	}
	var views []*host.View
	for _, p := range r.hosts {
		if p == nil || p.run == nil {
			return
		}
		views = append(views, p.run.Machine().View())
	}
	if line, changed := moneyLine(r.withPurses(host.Positions(views...)), r.told); changed {
		r.told = line.Money
		r.tellLine(line)
	}
}

func (r *rig) tellScreen(s terminal.Screen) {
	if r.story != nil {
		r.tellLine(screenLine(s))
	}
}

func (r *rig) tellReceipt(rc terminal.Receipt) {
	if r.story == nil {
		return
	}
	for _, line := range receiptLines(rc) {
		r.tellLine(line)
	}
}

func (r *rig) tellDecision(d emv.Decision) {
	if !r.behind {
		r.tellLine(decisionLine(d))
	}
}

// onAPDU is told of each command that the card ran.
func (r *rig) onAPDU(name string, command, response []byte) {
	if r.story == nil || r.behind {
		return
	}
	for _, line := range apduLines(name, command, response) {
		r.tellLine(line)
	}
}

// hexOf is the bytes of a command or an answer as far as they can be shown: a PIN never, and of what holds card data only
// its length.
func hexOf(b []byte, name string, command bool) string {
	switch {
	case name == "VERIFY" && command:
		return fmt.Sprintf("% X ** redacted", b[:min(len(b), 4)])
	case name == "READ RECORD" && !command:
		return fmt.Sprintf("%d bytes", len(b))
	case len(b) > 24:
		return fmt.Sprintf("%X... %d bytes", b[:24], len(b))
	}
	return fmt.Sprintf("%X", b)
}

// describe is one message in a line of a story.
func describe(m *dialect.Message) string {
	var b strings.Builder
	b.WriteString(m.MTI)
	switch {
	case dialect.IsAnswer(m.MTI):
	case dialect.Class(m.MTI) == dialect.ClassReversal:
		if m.Kind != dialect.KindNone && m.Kind != dialect.KindSale {
			b.WriteString(" " + m.Kind.String())
		}
		b.WriteString(" reversal, reason " + m.ReversalReason)
	case m.Kind != dialect.KindNone:
		b.WriteString(" " + m.Kind.String())
	}
	if m.ResponseCode != "" {
		b.WriteString(" " + m.ResponseCode)
	}
	if m.HasAmount {
		b.WriteString(" " + terminal.Amount(m.AmountTransaction))
	}
	b.WriteString("  STAN " + m.SystemsTraceAuditNumber)
	if !m.PrimaryAccountNumber.IsZero() {
		b.WriteString("  PAN " + m.PrimaryAccountNumber.Masked())
	}
	if len(m.PINData) > 0 {
		b.WriteString("  PIN")
	}
	if n := len(m.ICCSystemRelatedData); n > 0 {
		fmt.Fprintf(&b, "  F55 %d bytes", n)
	}
	return b.String()
}
