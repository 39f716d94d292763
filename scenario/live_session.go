package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/host"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/reader"
)

// LiveSession is a house in real time with a person in front of it: what Session is in virtual time. Its time passes by
// itself. A script can be played in it, and the person may interfere.
//
// Its methods may be called from any goroutine. Close it: the power goes, and what it holds is free.
type LiveSession struct {
	library *Library
	options LiveOptions
	spec    reader.Spec
	first   string // card that is in the emulated reader at first
	ctx     context.Context
	cancel  context.CancelFunc
	version atomic.Uint64 // of what can be seen

	doing sync.Mutex     // one event after the other
	busy  sync.WaitGroup // houses being built

	seeing sync.Mutex // of the last view
	seen   uint64     // the version it was taken of
	view   *View

	mu       sync.Mutex // of what follows; nothing else is locked while it is held
	now      *liveHouse // never nil
	building bool
	closed   bool
}

// liveHouse is one house of a session, and what it has shown so far.
type liveHouse struct {
	version *atomic.Uint64
	ended   sync.WaitGroup // its goroutines

	mu      sync.Mutex // a leaf: nothing else is locked while it is held
	live    *live      // nil: being built, left, or could not be built
	cancel  context.CancelFunc
	began   time.Time
	trouble error
	story   []Line
	told    int
	journal []terminal.Record
	money   []MoneyAt
	where   Sentence
	ask     string
	script  *Progress
	present bool  // a card is in a physical reader
	lost    error // the reader is gone
}

// How often a house is asked what it cannot tell by itself.
const (
	liveGlance = 250 * time.Millisecond
	liveLook   = 5 * time.Second // the host, when nothing has happened here
	liveAsk    = 3 * time.Second // bounds one question to the host
)

// What a person cannot do in real time.
var (
	ErrYourHands = errors.New("scenario: this reader is a real one: use your hands, and type the PIN yourself")
	ErrBuilding  = errors.New("scenario: the house is being built")
	ErrPlaying   = errors.New("scenario: a script is being played: let it end, or begin anew")
	ErrClosed    = errors.New("scenario: the house is closed")
)

// NewLiveSession builds a house in real time and switches its terminal on. Story and Prompt of the options are not used:
// both are in the View. Without Data every house of the session has a directory of its own, which goes with it. The error
// is one sentence: a LINE that is none, a data directory in use, a host without its admin view.
func NewLiveSession(ctx context.Context, l *Library, o LiveOptions) (*LiveSession, error) {
	s := &LiveSession{library: l, options: o}
	if err := s.readLine(); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	h := s.newHouse(nil)
	v, err := s.build(h, &Script{Terminal: defaultTerminal})
	if err != nil {
		s.cancel()
		return nil, err
	}
	s.now = h
	v.inhabit(h, s.first)
	return s, nil
}

// readLine takes the reader's LINE apart. The card of an emu: line is put in by us.
func (s *LiveSession) readLine() (err error) {
	line := s.options.Reader
	if line == "" {
		line = ownReader
	}
	if s.spec, err = reader.ParseLine(line); err != nil || s.spec.Kind != reader.Emulated {
		return err
	}
	if s.first = s.spec.Address; s.first != "" {
		if p := s.library.Card(s.first); p == nil || !p.HasChip {
			return fmt.Errorf("scenario: reader %s: %s is no card with a chip", line, s.first)
		}
		s.spec.Address = ""
		s.options.Reader = s.spec.String()
	}
	return nil
}

// newHouse is a house that is not built yet.
func (s *LiveSession) newHouse(script *Script) *liveHouse {
	h := &liveHouse{version: &s.version, began: time.Now(), where: noSale}
	if script != nil {
		p := progressOf(script)
		h.script = &p
	}
	return h
}

// build builds a house. Nothing lives in it yet.
func (s *LiveSession) build(h *liveHouse, script *Script) (*live, error) {
	ctx, cancel := context.WithCancel(s.ctx)
	o := s.options
	o.Story, o.Prompt = h.tell, h.prompt
	v, err := newLive(ctx, s.library, script, o)
	if err != nil {
		cancel()
		return nil, err
	}
	v.happens, v.moved = h.changed, h.remember
	var journal []terminal.Record
	if books, err := v.allBooks(); err == nil { // of what was there before; the boot stops over an error
		for _, rec := range books.Records {
			journal = append(journal, unsealed(rec))
		}
	}
	h.mu.Lock()
	h.live, h.cancel, h.began, h.journal = v, cancel, v.started, journal
	h.mu.Unlock()
	return v, nil
}

// inhabit gives the terminal power and looks after what is shown.
func (v *live) inhabit(h *liveHouse, first string) {
	if first != "" {
		v.mu.Lock()
		if held, err := v.held(first); err == nil {
			v.inSlot, v.slotCard = held, first
		}
		v.mu.Unlock()
	}
	h.ended.Add(1)
	go func() {
		defer h.ended.Done()
		h.watch(v)
	}()
	v.powerOn()
}

// replace leaves the present house and builds another: for a script, which is played in it, or for a person (nil).
func (s *LiveSession) replace(script *Script) {
	h := s.newHouse(script)
	s.mu.Lock()
	old := s.now
	s.now, s.building = h, true
	s.mu.Unlock()
	s.version.Add(1)
	s.busy.Add(1)
	go func() {
		defer s.busy.Done()
		old.leave()
		s.move(h, script)
		s.mu.Lock()
		s.building = false
		s.mu.Unlock()
		s.version.Add(1)
	}()
}

// move builds the house and begins to live in it.
func (s *LiveSession) move(h *liveHouse, script *Script) {
	act := script
	if act == nil {
		act = &Script{Terminal: defaultTerminal}
	}
	v, err := s.build(h, act)
	if err != nil {
		h.mu.Lock()
		h.trouble = err
		at := time.Since(h.began)
		if h.script != nil {
			p := *h.script // a view may have the other
			p.Over, p.Failure = true, err.Error()
			h.script = &p
		}
		h.mu.Unlock()
		h.tell(Line{At: at, Kind: "judge", Text: err.Error()})
		return
	}
	if script == nil {
		v.inhabit(h, s.first)
		return
	}
	v.mu.Lock()
	v.playing.Store(true)
	v.mu.Unlock()
	h.ended.Add(2)
	go func() {
		defer h.ended.Done()
		h.watch(v)
	}()
	go func() {
		defer h.ended.Done()
		v.perform()
		h.judged(v)
	}()
}

// judged ends a script; the house goes on for whoever stands in front of it.
func (h *liveHouse) judged(v *live) {
	v.mu.Lock()
	v.playing.Store(false)
	v.customer = customer{}
	v.open()
	v.mu.Unlock()
	h.mu.Lock()
	p := *h.script
	p.ended(v.out)
	h.script, h.ask = &p, ""
	h.mu.Unlock()
	if v.ctx.Err() == nil {
		tellVerdict(p, v.tell)
	}
}

// leave unwinds the house. What it has shown stays.
func (h *liveHouse) leave() {
	h.mu.Lock()
	v, cancel := h.live, h.cancel
	h.live = nil
	h.mu.Unlock()
	if v == nil {
		return
	}
	cancel()
	h.ended.Wait()
	v.close()
}

// Close unwinds the house. Views stay good; any event is answered with ErrClosed.
func (s *LiveSession) Close() {
	s.doing.Lock()
	defer s.doing.Unlock()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.busy.Wait()
	s.house().leave()
	s.version.Add(1)
}

// house is the present one.
func (s *LiveSession) house() *liveHouse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// changed notes that another view can be seen.
func (h *liveHouse) changed() { h.version.Add(1) }

// tell keeps a line of the story.
func (h *liveHouse) tell(l Line) {
	h.mu.Lock()
	if l.Kind == "step" && h.script != nil && h.script.Step < len(h.script.Steps) {
		p := *h.script // a view may have the other
		p.Step++
		h.script = &p
	}
	if l.Kind == "screen" || l.Kind == "step" {
		h.ask = ""
	}
	h.story = appendBounded(h.story, l, maxStory)
	h.told++
	h.mu.Unlock()
	h.changed()
}

// prompt is what a script asks a person to do.
func (h *liveHouse) prompt(text string) {
	h.mu.Lock()
	h.ask = text
	h.mu.Unlock()
	h.changed()
}

// remember keeps a record of the journal as it is now.
func (h *liveHouse) remember(rec *terminal.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.journal) // a view may have the other
	same := func(r terminal.Record) bool { return r.STAN == rec.STAN && r.Date == rec.Date && r.Time == rec.Time }
	if i := slices.IndexFunc(all, same); i >= 0 {
		all[i] = unsealed(rec)
	} else {
		all = append(all, unsealed(rec))
	}
	h.journal = all
}

// watch asks now and then what the house does not tell by itself: the host where the money is, once something happened,
// and a physical reader whether there is a card in it.
func (h *liveHouse) watch(v *live) {
	ticker := time.NewTicker(liveGlance)
	defer ticker.Stop()
	var asked time.Time
	var version uint64
	var glance glance
	for {
		select {
		case <-v.ctx.Done():
			return
		case <-ticker.C:
		}
		if v.spec.Kind != reader.Emulated {
			glance.at(v, h)
		}
		if now := h.version.Load(); v.admin != nil && (now != version || time.Since(asked) > liveLook) {
			version, asked = now, time.Now()
			h.count(v)
		}
	}
}

// glance looks at a physical reader, on its owner's goroutine.
type glance struct {
	wall    *sim.Wall // that was asked last
	pending atomic.Bool
}

func (g *glance) at(v *live, h *liveHouse) {
	v.mu.Lock()
	wall := v.wall
	v.mu.Unlock()
	if wall == nil || wall == g.wall && g.pending.Load() {
		if wall == nil {
			h.noticed(false, nil)
		}
		return
	}
	g.wall = wall
	g.pending.Store(true)
	wall.Post(func() {
		v.mu.Lock()
		slot := v.slot
		v.mu.Unlock()
		if slot != nil {
			h.noticed(slot.Present(), slot.Lost())
		}
		g.pending.Store(false)
	})
}

func (h *liveHouse) noticed(present bool, lost error) {
	h.mu.Lock()
	same := h.present == present && (h.lost == nil) == (lost == nil)
	h.present, h.lost = present, lost
	h.mu.Unlock()
	if !same {
		h.changed()
	}
}

// count asks the hosts where the money of this terminal is.
func (h *liveHouse) count(v *live) {
	ctx, cancel := context.WithTimeout(v.ctx, liveAsk)
	defer cancel()
	views, err := v.admin.Views(ctx)
	if err != nil {
		if v.ctx.Err() == nil {
			h.counted(Sentence{"", Words{"the host's admin view does not answer: " + err.Error(), "主机管理接口无应答:" + err.Error()}}, nil)
		}
		return
	}
	profile := v.court.profile
	for _, w := range views {
		w.Transactions = slices.DeleteFunc(w.Transactions, func(e *host.Entry) bool {
			return e.Key.TID != profile.TID || e.Key.MID != profile.MID
		})
	}
	h.mu.Lock()
	journal := h.journal
	h.mu.Unlock()
	records := make([]*terminal.Record, len(journal))
	for i := range journal {
		records[i] = &journal[i]
	}
	c := court{profile: profile, log: newRecord()}
	positions := host.Positions(views...)
	before := h.counted(latest(c.transactions(records, views)), positions)
	if line, changed := moneyLine(positions, before); changed {
		v.tell(line)
	}
}

// counted keeps where the money is, and the positions if they have changed; the answer is what they were before.
func (h *liveHouse) counted(where Sentence, positions map[string]int64) map[string]Money {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := map[string]Money{}
	n := len(h.money)
	if n > 0 {
		for party, held := range h.money[n-1].Positions {
			before[party] = Money(held)
		}
	}
	if moved := positions != nil && (n == 0 || !same(h.money[n-1].Positions, positions)); moved || where != h.where {
		if moved {
			h.money = appendBounded(h.money, MoneyAt{time.Since(h.began), positions}, maxChanges)
		}
		h.where = where
		h.changed()
	}
	return before
}

// View is what can be seen now. As long as nothing happens it is the same value. Its At and Now are of the instant of the
// last change.
func (s *LiveSession) View() *View {
	s.seeing.Lock()
	defer s.seeing.Unlock()
	version := s.version.Load()
	if s.view != nil && s.seen == version {
		return s.view
	}
	s.view, s.seen = s.look(), version
	return s.view
}

func (s *LiveSession) look() *View {
	h := s.house()
	profile := s.library.terminals[defaultTerminal]
	view := &View{ // its At is set with the story
		Now: time.Now(), Next: -1, State: "off", Line: true, Paper: true,
		LiveView: LiveView{Reader: s.options.Reader, Hosts: s.options.Hosts, Admin: s.options.Admin, Physical: s.spec.Physical(),
			Hidden: len(s.options.Hosts) > 0 && s.options.Admin == "", LiveCards: s.options.AllowLiveCards},
	}
	if s.spec.Kind == reader.Emulated {
		view.Reader = ""
	}
	h.mu.Lock()
	v := h.live
	view.At = time.Since(h.began)
	view.Story, view.Told, view.Journal, view.Money, view.Where = slices.Clip(h.story), h.told, h.journal, slices.Clip(h.money), h.where
	view.Ask, view.Script = h.ask, h.script
	trouble := h.trouble
	if trouble == nil {
		trouble = h.lost
	}
	if h.present {
		view.Slot = PhysicalCard
	}
	h.mu.Unlock()
	if v != nil {
		profile = v.court.profile
		if err := v.appear(view); trouble == nil {
			trouble = err
		}
	}
	if trouble != nil {
		view.Trouble = trouble.Error()
	}
	if view.Hidden {
		view.Where = hidden
	}
	view.Merchant, view.MerchantZh, view.Profile, view.TID = profile.Merchant, profile.MerchantZh, profile.Name, profile.TID
	return view
}

var hidden = Sentence{"", Words{"not observable: the host is somebody else's", "无法观察:主机属于他方"}}

// appear puts into a view what the house is like; the error is what is wrong with it.
func (v *live) appear(view *View) error {
	v.net.Lock()
	view.Faults, view.Paper = v.armory.states(), v.armory.paper()
	v.net.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	view.Power, view.State, view.Line = v.wall != nil, v.state(), !v.lineDown
	view.Receipts = slices.Clip(v.court.log.receipts)
	if v.spec.Kind == reader.Emulated {
		view.Slot = v.slotCard
	}
	if n := len(v.court.log.screens); n > 0 && view.Power {
		view.Screen = v.court.log.screens[n-1]
	}
	if v.failure != nil {
		return v.failure
	}
	return v.noReader
}

// chip tells whether a card can be put into the emulated reader.
func chip(p *card.Profile) error {
	switch {
	case p == nil:
		return ErrNoCard
	case !p.HasChip:
		return ErrNoChip
	}
	return nil
}
