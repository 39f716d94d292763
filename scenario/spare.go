package scenario

import (
	"fmt"
	"slices"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// A shop may keep a spare terminal: another box with a number, keys and a journal of its own, of the same merchant. There is one socket
// under the till, and one of the two has power at a time; whoever is meant elsewhere by the terminal is the one that has it.

// station is a terminal that is put away: what of a rig is that terminal's alone.
type station struct {
	profile    *terminal.Profile
	term       *sim.Actor
	disk       *sim.MemDisk
	terminal   *terminal.Terminal
	module     *hsm.Module
	keyDisk    *keyDisk
	injections int
	damaged    []byte
	closed     []*terminal.Record
	lastClosed string
	moves      map[dialect.Key]*terminal.Record
	records    []*terminal.Record // all it has, as the judge sees them
}

// keepSpare puts a spare terminal, with its keys, beside the till.
func (r *rig) keepSpare(p *terminal.Profile) error {
	switch {
	case p.TID == r.profile.TID || p.MID != r.profile.MID:
		return fmt.Errorf("scenario: the spare terminal %s: want another number than %s's, and its merchant", p.Name, r.profile.Name)
	case p.Dialect != r.profile.Dialect || p.Options != r.profile.Options:
		return fmt.Errorf("scenario: the spare terminal %s: want one that speaks %s", p.Name, r.profile.Speaks().Name())
	}
	actor := r.world.Actor("spare")
	r.spare = &station{profile: p, term: actor, disk: sim.NewMemDisk(actor), moves: map[dialect.Key]*terminal.Record{}}
	r.spare.disk.OnWrite(r.onWrite)
	r.exchange()
	err := r.injectKeys()
	r.exchange()
	return err
}

// exchange puts the spare terminal in the place of the one at the till. Neither has power.
func (r *rig) exchange() {
	books, err := r.books()
	if err == nil {
		r.archive(books)
	}
	s := r.spare
	away := &station{
		profile: r.profile, term: r.term, disk: r.termDisk, terminal: r.terminal, module: r.module, keyDisk: r.keyDisk, injections: r.injections, damaged: r.damaged,
		closed: r.log.closed, lastClosed: r.log.lastClosed, moves: r.log.moves, records: slices.Clone(r.log.closed),
	}
	if err == nil {
		away.records = append(away.records, books.Records...)
	}
	r.profile, r.term, r.termDisk, r.terminal = s.profile, s.term, s.disk, s.terminal
	r.keyDisk, r.injections, r.damaged, r.module = s.keyDisk, s.injections, s.damaged, s.module
	r.log.closed, r.log.lastClosed, r.log.moves = s.closed, s.lastClosed, s.moves
	r.read.journal, r.read.books, r.read.err = nil, nil, nil
	r.spare, r.away, r.spareAtTill = away, away.records, !r.spareAtTill
	r.owner = map[*terminal.Record]*terminal.Profile{}
	for _, rec := range r.away {
		r.owner[rec] = away.profile
	}
}

// withAway is a terminal's records and those of the one that is put away: the shop's first terminal comes first.
func (r *court) withAway(own []*terminal.Record) []*terminal.Record {
	if r.spareAtTill {
		return append(slices.Clone(r.away), own...)
	}
	return append(own, r.away...)
}

// plugIn gives the power to the terminal that has none.
func (p *play) plugIn(st *Step) {
	if p.spare == nil {
		p.fail(st.Pos, "there is no spare terminal: the script wants spare: and a profile")
		return
	}
	if p.term.On() {
		p.powerOff(sim.PowerOffLost)
	}
	p.removeAtOnce()
	p.exchange()
	p.tellf("term", "", "terminal %s has the power", p.profile.TID)
	if err := p.boot(); err != nil {
		p.fail(st.Pos, "the terminal does not boot: %v", err)
		return
	}
	p.untilReady()
}
