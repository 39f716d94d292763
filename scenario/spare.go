package scenario

import (
	"fmt"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// A shop may keep a second terminal: another box with a number, keys and a journal of its own, of the same merchant. One of the two is
// in front: steps are done at it, and show what it shows. The other has no power, or serves the customer that a step has beside its own
// (beside:), so that two transactions of the shop are under way at once.

// furnish puts the terminals of the shop in their places, with their keys.
func (r *rig) furnish(s *Script) error {
	first := r.library.terminals[s.Terminal]
	r.tills = []*till{r.newTill(first, "", &chronicle{})}
	r.till = r.tills[0]
	if err := r.injectKeys(); err != nil || s.Spare == "" {
		return err
	}
	p := r.library.terminals[s.Spare]
	switch {
	case p.TID == first.TID || p.MID != first.MID:
		return fmt.Errorf("scenario: the spare terminal %s: want another number than %s's, and its merchant", p.Name, first.Name)
	case p.Dialect != first.Dialect || p.Options != first.Options:
		return fmt.Errorf("scenario: the spare terminal %s: want one that speaks %s", p.Name, first.Speaks().Name())
	}
	second := r.newTill(p, "spare", r.log.chronicle)
	second.behind = true
	r.tills = append(r.tills, second)
	return r.at(second).injectKeys()
}

// newTill is a terminal without power. The first one's actors have no name of their own.
func (r *rig) newTill(p *terminal.Profile, name string, c *chronicle) *till {
	t := &till{court: court{profile: p, dialect: r.library.TerminalName(p).Dialect, log: record{chronicle: c}}, name: name}
	t.object = func(v Violation) { r.tellf("judge", "", "%s", v) }
	t.log.moves = map[dialect.Key]*terminal.Record{}
	at := r.at(t)
	t.paidBy = at.debitFor
	if name == "" {
		t.term = r.world.Actor("term")
	} else {
		t.term = r.world.Actor(name)
	}
	t.readerActor = r.world.Actor(at.named("reader"))
	t.readerActor.PowerOn(nil)
	t.termDisk = sim.NewMemDisk(t.term)
	t.termDisk.OnWrite(at.onWrite)
	return t
}

// at is the house as a terminal sees it.
func (r *rig) at(t *till) *rig { return &rig{r.site, t} }

// named is a name in the world of something that each terminal has.
func (r *rig) named(what string) string {
	if r.name == "" {
		return what
	}
	return what + " " + r.name
}

// other is the house as the shop's other terminal sees it; nil: there is none.
func (r *rig) other() *rig {
	for _, t := range r.tills {
		if t != r.till {
			return r.at(t)
		}
	}
	return nil
}

// both is the house as each of its terminals sees it, this one first.
func (r *rig) both() []*rig {
	if other := r.other(); other != nil {
		return []*rig{r, other}
	}
	return []*rig{r}
}

// excuseKeys lets a DUKPT device leave a number out: something went wrong.
func (r *rig) excuseKeys() {
	for _, t := range r.tills {
		t.keys.excuse++
	}
}

// exchange puts the other terminal in front.
func (r *rig) exchange() {
	other := r.other().till
	r.behind, other.behind = true, false
	r.till = other
}

// lookAround notes for the judge what the shop's other terminal has.
func (r *rig) lookAround() {
	other := r.other()
	if other == nil {
		return
	}
	r.away = &elsewhere{court: &other.court, first: other.till == r.tills[0]}
	if books, err := other.books(); err == nil {
		r.away.records = other.court.own(books)
	} else {
		r.away.records = other.log.closed
	}
	r.owner = map[*terminal.Record]*terminal.Profile{}
	for _, rec := range r.away.records {
		r.owner[rec] = other.profile
	}
}

// every is the records of the shop's terminals, those of closed batches with them; b is what this one's disk has.
func (r *rig) every(b *terminal.Books) []*terminal.Record {
	r.lookAround()
	return r.court.every(b)
}

// elsewhere is the shop's other terminal as the judge sees it.
type elsewhere struct {
	court   *court
	first   bool // it is the shop's first
	records []*terminal.Record
}

// withAway is a terminal's records and those of the other one: the shop's first terminal comes first.
func (r *court) withAway(own []*terminal.Record) []*terminal.Record {
	switch {
	case r.away == nil:
		return own
	case r.away.first:
		return append(append([]*terminal.Record(nil), r.away.records...), own...)
	}
	return append(own, r.away.records...)
}

// receiptsOf is how many receipts of a record were printed.
func (r *court) receiptsOf(rec *terminal.Record) (n int) {
	printed := r.log.printed
	if r.owner[rec] != nil {
		printed = r.away.court.log.printed
	}
	for _, rc := range printed {
		if rec.STAN == rc.STAN && rec.Date == rc.Date && rec.Time == rc.Time {
			n++
		}
	}
	return n
}

// openBeside gives the other terminal power if a step needs it; nil: the step does not.
func (p *play) openBeside(st *Step) *rig {
	if st.Beside == nil {
		return nil
	}
	other := p.other()
	if other.term.On() && (!p.options.Explore || other.unable() == "") {
		return other
	}
	if other.term.On() {
		other.powerOff(sim.PowerOffLost)
	}
	other.removeAtOnce()
	if err := other.boot(); err != nil {
		p.fail(st.Pos, "terminal %s does not boot: %v", other.profile.TID, err)
	}
	return other
}

// plugIn gives the power to the terminal that is not in front, and puts it there.
func (p *play) plugIn(st *Step) {
	if p.other() == nil {
		p.fail(st.Pos, "there is no spare terminal: the script wants spare: and a profile")
		return
	}
	if p.term.On() {
		p.powerOff(sim.PowerOffLost)
	}
	p.removeAtOnce()
	p.exchange()
	p.seen.log = &p.till.log
	p.tellf("term", "", "terminal %s has the power", p.profile.TID)
	if p.term.On() {
		p.untilReady()
		return
	}
	if err := p.boot(); err != nil {
		p.fail(st.Pos, "the terminal does not boot: %v", err)
		return
	}
	p.untilReady()
}
