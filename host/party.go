package host

import (
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// Config is what a party lives on.
type Config struct {
	Name    string
	Clock   sim.Clock
	Disk    sim.Disk // holds the file LogName
	Machine Machine
	Module  *hsm.Module      // the machine's own
	Dialect *dialect.Dialect // of the lines below, unless Accept is told another; nil: Above
	Above   *dialect.Dialect // of the line up, and the one that the machine thinks in; nil: ISO87
	Rules   rules.Set        // rules left out; the same as the machine's

	// Fence is for a store that several processes share, of which one works: asked with the epoch under which this one took it over,
	// once that is durable and before every write, whether that is the latest. Holder names the process. nil: nobody else writes.
	Fence  func(epoch int) bool
	Holder string

	// Gather has a turn take everything that has happened, and not only what woke the party: one commit for many messages.
	// For real time, where a commit costs a disk's sync; a World's order of events stays as it is without.
	Gather bool
	// Uplink dials the next hop and calls done, on this party's clock, with the link or an error. nil: there is no next hop.
	Uplink func(done func(*transport.Link, error))
	// Point is called around the commit of the step that a message or a file caused (its kind stands for the MTI), as "before-log" and "after-log". It may cut the
	// power, and does not return then. nil: nobody asks.
	Point func(mti, point string)
	// Deliver takes a file for another party: it carries it there, or loses it. nil: it is lost.
	Deliver func(*File)
	// Observe sees what happens. nil: nobody looks.
	Observe func(Observation)
	// Treat says what is to go wrong with a message that arrived. nil: nothing.
	Treat func(*dialect.Message) Treatment
}

// The points around a commit.
const (
	BeforeLog = "before-log"
	AfterLog  = "after-log"
)

// Limits of a party.
const (
	maxConnections = 1024    // from below; one more is reset
	maxInbox       = 1 << 16 // messages not yet stepped; one more is dropped
	maxHeld        = 1024    // messages that wait for a dial; one more is dropped
)

// Party runs a machine on any clock: it waits for the inbox, steps everything in it, commits once, and then sends.
// It is made for one boot.
type Party struct {
	cfg     Config
	log     *wal.Log
	inbox   []Event
	batch   []Event // being stepped
	fx      []Effect
	body    []byte
	conns   map[int]*below
	nconn   int
	up      uplink
	timers  map[Timer]func()
	treated map[answerID]Treatment
	turns   int
	epoch   int // of the store, under which it is this process's
	err     error
}

// NewParty returns a party that has not booted. A configuration that cannot work is an error.
func NewParty(cfg Config) (*Party, error) {
	if cfg.Name == "" || cfg.Clock == nil || cfg.Disk == nil || cfg.Machine == nil || cfg.Module == nil {
		return nil, fmt.Errorf("host: party %q: want a name, a clock, a disk, a machine and a module", cfg.Name)
	}
	if (cfg.Fence == nil) != (cfg.Holder == "") {
		return nil, fmt.Errorf("host: party %q: want a fence and the name of its holder, or neither", cfg.Name)
	}
	if cfg.Above == nil {
		cfg.Above = dialect.ISO87()
	}
	if cfg.Dialect == nil {
		cfg.Dialect = cfg.Above
	}
	return &Party{cfg: cfg, conns: map[int]*below{}, timers: map[Timer]func(){}}, nil
}

// Run recovers the log and works until the power goes. It returns only when the disk or the log fails: what could not be
// stored is not answered, every connection is reset, and Err says why.
func (p *Party) Run() error {
	p.err = p.work()
	p.stop()
	return p.err
}

func (p *Party) work() error {
	var err error
	p.log, err = wal.Open(p.cfg.Disk, LogName, func(body []byte) error {
		r, err := DecodeRecord(body)
		if err != nil {
			return err
		}
		if r.Epoch != nil {
			p.epoch = r.Epoch.Number
		}
		return p.cfg.Machine.Apply(r)
	})
	if err == nil {
		err = p.seize()
	}
	if err != nil {
		return fmt.Errorf("host: %s: %w", p.cfg.Name, err)
	}
	p.dial()
	p.post(Event{Kind: EventBoot})
	for {
		p.cfg.Clock.Wait(time.Time{}, p.ready)
		if p.cfg.Gather {
			p.cfg.Clock.Wait(p.cfg.Clock.Now(), never)
		}
		if err := p.turn(); err != nil {
			return fmt.Errorf("host: %s: %w", p.cfg.Name, err)
		}
	}
}

// Err is why the party stopped; nil while it works.
func (p *Party) Err() error { return p.err }

// Machine is the machine that the party runs.
func (p *Party) Machine() Machine { return p.cfg.Machine }

// Calendar moves the business calendar, for the party's next turn.
func (p *Party) Calendar(c Calendar) { p.CalendarThen(c, nil) }

// CalendarThen is Calendar, and calls done on the party's clock once the move is durable. A party that stops calls nobody.
func (p *Party) CalendarThen(c Calendar, done func(error)) {
	p.later(Event{Kind: EventCalendar, Calendar: c, done: done})
}

// Admin changes an account, for the party's next turn. What changes nothing is observed as Refused.
func (p *Party) Admin(a Admin) { p.AdminThen(a, nil) }

// AdminThen is Admin, and calls done on the party's clock once the change is durable, or with why there is none
// (ErrUnknownAccount, an unknown status). A party that stops calls nobody.
func (p *Party) AdminThen(a Admin, done func(error)) {
	p.later(Event{Kind: EventAdmin, Admin: a, done: done})
}

// later posts from outside: on the party's own clock, so that it wakes up.
func (p *Party) later(e Event) { p.cfg.Clock.After(0, func() { p.post(e) }) }

func never() bool { return false }

func (p *Party) ready() bool { return len(p.inbox) > 0 }

func (p *Party) post(e Event) {
	if len(p.inbox) >= maxInbox {
		err := fmt.Errorf("host: inbox is full: %d messages", maxInbox)
		p.observe(Observation{Kind: Dropped, Conn: e.Conn, Message: e.Message, Err: err})
		if e.done != nil {
			e.done(err)
		}
		return
	}
	p.inbox = append(p.inbox, e)
}

// turn steps everything that came, commits once, and only then does what follows (H6). The naive party answers first.
func (p *Party) turn() error {
	p.turns++
	p.batch, p.inbox = p.inbox, p.batch[:0]
	p.fx = p.fx[:0]
	for i := range p.batch {
		e := &p.batch[i]
		mark := p.log.Mark()
		for _, f := range p.cfg.Machine.Step(p.cfg.Clock.Now(), *e) {
			if f.Refused != nil {
				e.refused = f.Refused
			}
			if f.Append == nil {
				p.fx = append(p.fx, f)
				continue
			}
			p.body = AppendRecord(p.body[:0], f.Append)
			if err := p.log.Append(p.body); err != nil {
				return err
			}
		}
		p.log.Bind(mark) // a step happens as a whole, or not at all
	}
	early := !p.cfg.Rules.Kept(rules.LogBeforeAnswer)
	if early {
		p.perform()
	}
	p.point(BeforeLog)
	if err := p.fenced(); err != nil {
		return err
	}
	if err := p.log.Commit(); err != nil {
		return err
	}
	p.point(AfterLog)
	if !early {
		p.perform()
	}
	for i := range p.batch {
		if e := &p.batch[i]; e.done != nil {
			e.done(e.refused)
		}
	}
	return nil
}

// point tells whoever asked that the commit of these messages and files is about to be, or was.
func (p *Party) point(at string) {
	if p.cfg.Point == nil {
		return
	}
	for _, e := range p.batch {
		if e.wire != "" {
			p.cfg.Point(e.wire, at)
		}
	}
}

// perform does what the steps asked for, in order.
func (p *Party) perform() {
	for _, f := range p.fx {
		switch {
		case f.Send != nil:
			p.send(f.Send)
		case f.Set != nil:
			p.set(f.Set)
		case f.Unmatched != nil:
			p.observe(Observation{Kind: UnmatchedAnswer, Message: f.Unmatched.Message, Want: f.Unmatched.Want, State: f.Unmatched.State})
		case f.Order != nil:
			p.observe(Observation{Kind: OrderMoved, Order: f.Order})
		case f.Alarm != nil:
			p.observe(Observation{Kind: AlarmRaised, Alarm: f.Alarm})
		case f.File != nil:
			if p.cfg.Deliver != nil {
				p.cfg.Deliver(f.File)
			}
		case f.Refused != nil:
			p.observe(Observation{Kind: Refused, Err: f.Refused})
		case f.Cancel != Timer{}:
			p.unset(f.Cancel)
		}
	}
}

func (p *Party) set(s *SetTimer) {
	p.unset(s.Timer)
	p.timers[s.Timer] = p.cfg.Clock.After(s.After, func() {
		delete(p.timers, s.Timer)
		p.post(Event{Kind: EventTimer, Timer: s.Timer})
	})
}

func (p *Party) unset(t Timer) {
	if cancel := p.timers[t]; cancel != nil {
		cancel()
		delete(p.timers, t)
	}
}

// stop is the end after a failure: nothing is answered any more.
func (p *Party) stop() {
	for n := 1; n <= p.nconn; n++ { // in order, so that a world stays the same
		if l := p.conns[n]; l != nil {
			l.link.Reset()
		}
	}
	p.conns = map[int]*below{}
	p.up.drop()
}
