package host

import (
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Machine is a party without its surroundings: Relay and Issuer.
type Machine interface {
	// Step says what is to be done about e. Records in the effects are applied already; whoever cannot make them durable
	// must never step the machine again. The slice is valid until the next Step.
	Step(now time.Time, e Event) []Effect
	// Apply replays one durable record. The record becomes the machine's. It fails on a record that this machine cannot
	// have written.
	Apply(r *Record) error
	// MACKey returns the key that a message on that connection is authenticated with, in either direction, and how; ok is false
	// when there is none (the terminal is unknown, has not signed on, or has no such key serial number).
	MACKey(conn int, m *dialect.Message) (key hsm.Key, p hsm.MACParams, ok bool)
	// View is what the party believes now. It changes with the next Step.
	View() *View
}

var (
	_ Machine = (*Relay)(nil)
	_ Machine = (*Issuer)(nil)
)

// Effect is one thing to do. Exactly one field is set.
type Effect struct {
	Append    *Record
	Send      *Send
	Set       *SetTimer
	Cancel    Timer // the zero Timer: nothing to cancel
	Unmatched *Unmatched
	Order     *OrderMove // an issuer's order to a card is another than before
	Alarm     *Alarm     // people are told
	Refused   error      // why an order from outside the protocol, or a file, changed nothing
	File      *File      // is handed to another party once the records of the step are durable
}

// Send is a message that leaves once the records of the step are durable.
type Send struct {
	Conn    int // 0: the line up
	Message *dialect.Message
	Plain   bool // without MAC: the other side's key is not known to be ours
	Repeat  bool // what was sent before was not answered: a line that has been silent since is dialled again
}

// SetTimer starts a timer, or starts it anew.
type SetTimer struct {
	Timer Timer
	After time.Duration
}

// Unmatched is an answer that nothing waits for: dropped, reported with both keys, and never taken for a time-out.
type Unmatched struct {
	Message *dialect.Message
	Want    dialect.Key // of what is in flight at that terminal, or the zero Key
	State   State       // of the record with the answer's own key; 0 without one
}

// desk is what the machines share: the book, and the step in progress.
type desk struct {
	name     string // the party's, as files have it
	book     book
	rules    rules.Set
	module   *hsm.Module
	tokenKey hsm.Key
	now      time.Time
	ksn      []byte // the key serial number of the message that is answered in this step
	fx       []Effect
}

func (d *desk) begin(now time.Time) {
	d.now = now
	d.ksn = nil
	d.fx = d.fx[:0]
}

// keeping is the desk of a machine that leaves out rules.
func (d *desk) keeping(s rules.Set) {
	d.rules = s
	d.book.short = !s.Kept(rules.DateInKey)
	d.book.unlimited = !s.Kept(rules.RefundWithinLimit)
}

// tombstoneLife is how long a party that does not keep its tombstones (H2) knows them.
const tombstoneLife = 2 * time.Second

// find is the transaction with that key, as this party still knows it; nil without one.
func (d *desk) find(k dialect.Key) *Entry {
	e := d.book.find(k)
	if e != nil && e.State == Tombstone && !d.rules.Kept(rules.KeepTombstones) && d.now.Sub(e.Changed) >= tombstoneLife {
		return nil
	}
	return e
}

// decides is the transaction that the decision about e is made with: as it stands now (H4). The naive party takes it as it
// stood when the message arrived.
func (d *desk) decides(e Event, k dialect.Key) *Entry {
	if d.rules.Kept(rules.ReadAtDecision) {
		return d.find(k)
	}
	return e.seen
}

// View is what the party believes now.
func (d *desk) View() *View { return d.book.view() }

// add applies a record and has it made durable.
func (d *desk) add(r *Record, apply func(*Record) error) {
	r.At = d.now
	alarm := d.alarm(r)
	if err := apply(r); err != nil {
		panic("host: a machine refused its own record: " + err.Error()) // our bug: the machine just made it
	}
	d.fx = append(d.fx, Effect{Append: r})
	if alarm != nil {
		d.fx = append(d.fx, Effect{Alarm: alarm})
	}
}

// send has a message sent. What goes back to a device that has keys for each message is under those of what it answers.
func (d *desk) send(conn int, m *dialect.Message) {
	if conn != 0 && m.KeySerialNumber == nil && dialect.Class(m.MTI) != dialect.ClassNetworkManagement {
		m.KeySerialNumber = d.ksn
	}
	d.fx = append(d.fx, Effect{Send: &Send{Conn: conn, Message: m}})
}

func (d *desk) set(t Timer, after time.Duration) {
	d.fx = append(d.fx, Effect{Set: &SetTimer{t, after}})
}

func (d *desk) refused(err error) { d.fx = append(d.fx, Effect{Refused: err}) }

func (d *desk) cancel(t Timer) { d.fx = append(d.fx, Effect{Cancel: t}) }

// refuse answers m with a code and changes nothing.
func (d *desk) refuse(conn int, m *dialect.Message, code string) {
	d.send(conn, answerTo(m, code))
}

// unmatched reports an answer that nothing waits for.
func (d *desk) unmatched(m *dialect.Message) {
	u := &Unmatched{Message: m}
	if e := d.book.find(m.Key()); e != nil {
		u.State, u.Want = e.State, e.Key
	} else if e := d.book.inFlight(m.CardAcceptorTerminalIdentification); e != nil {
		u.Want = e.Key
	}
	d.fx = append(d.fx, Effect{Unmatched: u})
}
