package scenario

import (
	"errors"
	"strings"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
	"github.com/posim/posim/transport/reader"
)

// Start is the instant at which every run begins, a Monday afternoon.
var Start = time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)

// How long things take in the world, before the seed adds to it.
const (
	netLatency   = 10 * time.Millisecond // terminal to acquirer, one way
	innerLatency = 5 * time.Millisecond  // between two hosts
	jitter       = 8                     // up to so many milliseconds more on a connection
	dialTimeout  = 10 * time.Second      // of a connection that nobody answers
	hand         = time.Second           // a person's reaction
	keystroke    = 150 * time.Millisecond
	chipWork     = 4 * time.Millisecond // of the card, for one command
)

// What bounds one wait of a script: more is a livelock. Under a fault that stays, an exploration does not watch it for long.
const (
	maxEvents     = 200_000
	maxEventsSeen = 5_000
)

// rig is one house in one world, as one of its terminals sees it. Where a shop has two, each has a rig of its own, and the house is
// the same.
type rig struct {
	*site
	*till
}

// site is what the terminals of a shop share: the three hosts, the lines between them, and the world.
type site struct {
	armory
	world     *sim.World
	library   *Library
	rules     rules.Set
	host      Host             // settings from the start
	inner     *dialect.Dialect // between two hosts
	cardNames []string

	tills    []*till   // one or two, the shop's first terminal first
	hosts    [3]*party // acquirer, switch, issuer
	bank     *party    // the merchants'
	passer   *party    // the aggregator; nil without one
	lineDown bool
	late     []*lateFile       // files that have not arrived, or have since
	netLinks []*transport.Link // the acquirer's ends

	cards      map[string]*card.Card
	events     int                                 // that one wait may take
	story      func(Line)                          // nil: nobody listens
	record     func(*transcript.Transcript, error) // of chip sales; nil: nobody wants one
	transcript *transcript.Transcript              // the card that every customer inserts; nil: cards of the library
	told       map[string]Money                    // the positions that the story told last
	byHand     bool                                // a person stands there: a card that no script presented stays where it is
	// await, if not nil, is how until waits: a session steps the world itself.
	await func(limit time.Duration, done func() bool) bool
}

// till is one terminal with its reader, and whoever stands there.
type till struct {
	court
	name     string // of its actor
	term     *sim.Actor
	termDisk *sim.MemDisk
	terminal *terminal.Terminal // of the present or the last boot

	readerActor *sim.Actor
	emulator    *reader.Emulator
	inSlot      reader.EmulatedCard

	customer   customer
	disk       struct{ full bool }
	damaged    []byte        // the journal as it was before a script damaged it
	wrongBy    time.Duration // how much the terminal's calendar is ahead
	meddling   time.Time     // until when the meddler's hand is on its way
	meddled    int           // keys it has pressed
	module     *hsm.Module   // the terminal's, of the present or the last boot
	keyDisk    *keyDisk      // where that module is at rest
	injections int           // how often the terminal was given keys
	keys       keyCount      // of a DUKPT device
	read       struct {
		journal []byte
		books   *terminal.Books
		err     error
	}
}

// party is one host: a process with a disk, which outlives it.
type party struct {
	name  string
	seam  string     // of its own faults
	actor *sim.Actor // that works, or worked last
	other *standby   // that takes over from it; nil: nobody does
	disk  *sim.MemDisk
	said  map[given]bool // answers that were given
	build func() (host.Machine, *hsm.Module, error)
	run   *host.Party // of the present or the last boot
	up    *party
	line  string // the seam of the link up
	read  struct {
		host.Follower
		log  []byte
		view *host.View
	}
	began   time.Time // when it got its power
	crashed bool
	inARow  int // crashes, each within a minute of a start
	err     error
	r       *rig
}

// newRig builds the house and boots the hosts. The terminal is off.
func newRig(l *Library, s *Script, o Options) (*rig, error) {
	w := sim.NewWorld(Start, o.Seed)
	r := &rig{site: &site{
		world: w, library: l, rules: o.Rules, inner: dialect.ISO87(), cardNames: s.cardNames(), host: s.Host,
		cards: map[string]*card.Card{}, story: o.Story, record: o.Record, transcript: o.Transcript,
	}}
	r.events = maxEvents
	if o.Explore {
		r.events = maxEventsSeen
	}
	r.tell = func(f *Fault) {
		if f.Kind != "power-off" { // counted where the power comes back
			r.excuseKeys()
		}
		r.tellf("fault", "", "%s", f)
	}
	if err := r.furnish(s); err != nil {
		w.Close()
		return nil, err
	}
	issuer := r.party("issuer", nil, "", r.issuerMachine)
	swtch := r.party("switch", issuer, "iss", r.switchMachine)
	acquirer := r.party("acquirer", swtch, "up", r.acquirerMachine)
	if after := s.Host.FailOver; after > 0 {
		acquirer.share(after)
	}
	r.hosts = [3]*party{acquirer, swtch, issuer}
	r.bank = r.party("bank", nil, "", r.bankMachine)
	if r.host.Aggregator != nil {
		r.passer = r.party("aggregator", nil, "", r.aggregatorMachine)
	}
	for _, p := range []*party{issuer, swtch, acquirer, r.bank, r.passer} {
		if p == nil {
			continue
		}
		p.powerOn()
	}
	for _, p := range r.everyHost() {
		r.until(time.Minute, func() bool { return p.run != nil || p.err != nil })
		if p.err != nil {
			w.Close()
			return nil, p.err
		}
	}
	return r, nil
}

// everyHost is all hosts: those on the terminal's line, and who stands behind them.
func (r *rig) everyHost() []*party {
	all := append(r.hosts[:], r.bank)
	if r.passer != nil {
		all = append(all, r.passer)
	}
	return all
}

func (r *rig) party(name string, up *party, line string, build func() (host.Machine, *hsm.Module, error)) *party {
	p := &party{name: name, seam: name, actor: r.world.Actor(name), build: build, up: up, line: line, r: r}
	p.disk = sim.NewMemDisk(p.actor)
	return p
}

// until steps the world until done, and tells whether it was.
func (r *rig) until(limit time.Duration, done func() bool) bool {
	if r.await != nil {
		return r.await(limit, done)
	}
	return r.world.Until(limit, r.events, done)
}

// powerOn starts the host's process on its disk.
func (p *party) powerOn() {
	p.run, p.err, p.began = nil, nil, p.r.world.Now()
	actor := p.actor
	actor.PowerOn(func(c sim.Clock) {
		if err := p.work(actor, c); p.actor == actor {
			p.err = err
		} else {
			p.r.tellf("host", "", "%s: %v", actor.Name(), err)
		}
	})
}

func (p *party) work(actor *sim.Actor, c sim.Clock) error {
	machine, module, err := p.build()
	if err != nil {
		return err
	}
	cfg := host.Config{
		Name: p.name, Clock: c, Disk: p.disk, Machine: machine, Module: module, Dialect: p.below(), Above: p.r.inner, Rules: p.r.rules,
		Point: func(mti, at string) { p.point(actor, mti, at) }, Treat: p.treat, Deliver: p.deliver, Observe: p.observe,
	}
	if p.up != nil {
		cfg.Uplink = func(done func(*transport.Link, error)) { p.dialUp(actor, done) }
	}
	if p.other != nil {
		cfg.Holder, cfg.Fence = actor.Name(), p.other.latest
	}
	run, err := host.NewParty(cfg)
	if err != nil {
		return err
	}
	p.run = run
	return run.Run()
}

// below is the dialect of the line that the host listens on.
func (p *party) below() *dialect.Dialect {
	if p == p.r.hosts[0] {
		return p.r.dialect
	}
	return p.r.inner
}

// crash cuts the host's power and gives it back after a while. Called by the host itself it does not return.
func (p *party) crash(down time.Duration) {
	p.disk.Settle(sim.PowerOffLost)
	if p.other != nil {
		p.takeOver(p.actor)
		p.actor.PowerOff()
		return
	}
	p.r.world.After(p.longer(down), func() {
		p.r.tellf("host", "", "%s restarts", p.name)
		p.powerOn()
	})
	p.actor.PowerOff()
}

// longer is how long a host is down that has just died: down, or more if it dies again and again.
func (p *party) longer(down time.Duration) time.Duration {
	if now := p.r.world.Now(); p.crashed && now.Sub(p.began) < crashSoon {
		p.inARow++
	} else {
		p.crashed, p.inARow = true, 0
	}
	return min(down<<min(p.inARow, 10), max(down, mostDown))
}

// A host that dies within a minute of its start is started again after twice the time, up to a quarter of an hour, as whatever watches
// over processes does it.
const (
	crashSoon = time.Minute
	mostDown  = 15 * time.Minute
)

// point is called before and after the commit of the step that a message caused.
func (p *party) point(actor *sim.Actor, mti, at string) {
	if at == host.AfterLog {
		p.r.tellMoney()
	}
	moment := atBeforeLog
	if at == host.AfterLog {
		moment = atAfterLog
	}
	if f := p.r.strike(p.seam, mti, moment); f != nil {
		if at == host.AfterLog {
			p.r.log.sometimes[hostDied]++
		}
		p.crash(f.Duration)
	}
	if p.other != nil && moment == atBeforeLog {
		p.stall(actor, mti)
	}
}

// treat says what a fault does to the host's handling of a message.
func (p *party) treat(m *dialect.Message) (t host.Treatment) {
	f := p.r.strike(p.seam, m.MTI, atMessage)
	if f == nil {
		return t
	}
	switch f.Kind {
	case "slow":
		t.Slow = f.Duration
	case "wrong-mac":
		t.WrongMAC = true
	case "wrong-stan":
		t.WrongSTAN = true
	case "wrong-amount":
		t.WrongAmount = true
	case "wrong-arpc":
		t.WrongARPC = true
	case "answer":
		t.Answer = f.Code
	}
	return t
}

// dialUp connects to the next host; the answer comes on this host's clock.
func (p *party) dialUp(actor *sim.Actor, done func(*transport.Link, error)) {
	r, up := p.r, p.up
	f := r.strike(p.line, "connect", atConnect)
	switch {
	case f != nil && f.Kind == "black-hole":
		actor.After(dialTimeout, func() { done(nil, transport.ErrTimeout) })
		return
	case f != nil || !up.actor.On() || up.run == nil:
		actor.After(innerLatency, func() { done(nil, transport.ErrRefused) })
		return
	}
	x, y := transport.Pipe(actor, up.actor, innerLatency+r.choose(p.line))
	l := transport.NewLink(x, transport.Framing{}, actor)
	l.Faults(r.frames(p.line + ".req"))
	run := up.run
	up.actor.After(0, func() {
		link := transport.NewLink(y, transport.Framing{}, up.actor)
		link.Faults(r.frames(p.line + ".rsp"))
		run.Accept(link)
	})
	actor.After(0, func() { done(l, nil) })
}

// choose is the seed's part of a connection's latency.
func (r *rig) choose(seam string) time.Duration {
	return time.Duration(r.world.Choose("latency "+seam, jitter)) * time.Millisecond
}

// frames is what a link asks at each message: the faults of its seam.
func (r *rig) frames(seam string) func(frame []byte) []transport.Fault {
	return func(frame []byte) []transport.Fault {
		d := r.spoken(seam)
		mti, err := d.MTI(frame)
		if err != nil {
			mti = ""
		}
		r.world.Note(seam, "sent", frame)
		return r.onFrame(seam, mti, r.framed(seam, frame), func() []int { return d.Offsets(frame) })
	}
}

// framed is how many bytes a message takes on a seam.
func (r *rig) framed(seam string, frame []byte) int {
	if strings.HasPrefix(seam, "net.") {
		return framedBy(r.profile, frame)
	}
	return len(frame) + 2
}

// framedBy is how many bytes a message takes on the line between a terminal and its acquirer.
func framedBy(p *terminal.Profile, frame []byte) int {
	if p.TPDU != nil {
		return len(frame) + 2 + tpduLength
	}
	return len(frame) + 2
}

// tpduLength is what a TPDU takes in front of a message.
const tpduLength = 5

// spoken is the dialect on a seam.
func (r *rig) spoken(seam string) *dialect.Dialect {
	if strings.HasPrefix(seam, "net.") {
		return r.dialect
	}
	return r.inner
}

// dial connects the terminal to the acquirer. It runs on the terminal's coroutine and waits there.
func (r *rig) dial() (*transport.Link, error) {
	acquirer := r.hosts[0]
	f := r.strike("net", "connect", atConnect)
	if f != nil && f.Kind == "black-hole" {
		r.term.Wait(r.world.Now().Add(dialTimeout), never)
		return nil, transport.ErrTimeout
	}
	r.term.Wait(r.world.Now().Add(netLatency), never)
	if f != nil || r.lineDown || !acquirer.actor.On() || acquirer.run == nil {
		return nil, transport.ErrRefused
	}
	x, y := transport.Pipe(r.term, acquirer.actor, netLatency+r.choose("net"))
	l := transport.NewLink(x, r.profile.Framing(), r.term)
	l.Faults(r.frames("net.req"))
	run := acquirer.run
	acquirer.actor.After(0, func() {
		link := transport.NewLink(y, r.profile.HostFraming(), acquirer.actor)
		link.Faults(r.frames("net.rsp"))
		r.netLinks = append(r.netLinks, link)
		run.Accept(link)
	})
	return l, nil
}

func never() bool { return false }

// setLine cuts the shop's line, or mends it.
func (r *rig) setLine(down bool) {
	r.lineDown = down
	if !down {
		return
	}
	r.excuseKeys()
	for _, l := range r.netLinks {
		l.Reset()
	}
	r.netLinks = nil
}

// boot gives the terminal power. What it calls is about this terminal, whichever is in front then.
func (r *rig) boot() error {
	r = r.at(r.till)
	r.rememberMoves()
	r.keys.excuse++
	cfg := terminal.Config{
		Profile: r.profile, Clock: r.term, Calendar: r.calendar, Disk: r.termDisk, Rand: r.world.Rand(r.named("kernel")), Module: r.openModule,
		PasswordIterations: 1, // nobody guesses in virtual time, and whoever explores would pay for it a million times
		Dialect:            r.dialect, Dial: r.dial, Rules: r.rules,
		Observe: r.onTerminal, Point: r.onPoint, Record: r.record,
		Devices: terminal.Devices{Show: r.onShow, Print: r.onPrint, OpenSlot: r.openSlot},
	}
	if r.transcript != nil {
		cfg.Rand = r.transcript.Rand(cfg.Rand)
	}
	if r.story != nil { // decisions are put into words only for somebody who reads them
		cfg.Trace = r.tellDecision
	}
	t := terminal.New(cfg)
	r.terminal = t
	r.tellf("term", "", "power on")
	r.term.PowerOn(func(sim.Clock) { t.Run() })
	return nil
}

// powerOff cuts the terminal's power; image says what is left of what was not synced.
func (r *rig) powerOff(image sim.DiskFault) {
	r.tellf("term", "", "power off")
	r.termDisk.Settle(image)
	r.customer = customer{}
	r.term.PowerOff()
}

// onWrite is asked at each durable write of the terminal.
func (r *rig) onWrite(_ string, n int) sim.DiskFault {
	if r.disk.full {
		return sim.DiskFull
	}
	f := r.strikeAt("term", "write", atWrite, n)
	if f == nil {
		return sim.NoDiskFault
	}
	switch f.Kind {
	case "disk-full":
		return sim.DiskFull
	case "disk-error":
		return sim.DiskError
	case "sync-error":
		return sim.SyncError
	}
	r.customer = customer{}
	image := map[string]sim.DiskFault{"lost": sim.PowerOffLost, "kept": sim.PowerOffKept, "torn": sim.PowerOffTorn, "flipped": sim.PowerOffFlipped}[f.Image]
	switch {
	case f.Number == 0:
	case f.Image == "torn":
		return image.At(f.Number)
	default:
		return image.At(f.Number - 1)
	}
	return image
}

// onPoint is called by the terminal where a power cut is worth trying. It does not return when the power goes.
func (r *rig) onPoint(point string) {
	f := r.strike("term", point, atPoint)
	switch {
	case f == nil:
	case f.Kind == "power-off":
		r.powerOff(sim.PowerOffLost)
	default:
		r.setCalendar(f)
	}
}

// setCalendar makes the terminal's calendar wrong.
func (r *rig) setCalendar(f *Fault) {
	r.wrongBy += f.Duration
	if f.Kind == "clock-reset" {
		r.wrongBy = time.Unix(0, 0).Sub(r.world.Now())
	}
}

// calendar is the date and time that the terminal believes.
func (r *rig) calendar() time.Time {
	r.looked()
	return r.world.Now().Add(r.wrongBy)
}

// errModule is a security module that does not do what it is asked.
var errModule = errors.New("scenario: the security module is out of order")

// onUse is asked each time the terminal's security module takes a key into use.
func (r *rig) onUse() error {
	f := r.strike("hsm", "use", atUse)
	switch {
	case f == nil:
	case f.Kind == "tamper":
		r.tamper()
	default:
		return errModule
	}
	return nil
}

// atOnce plays the faults that have no event: they strike when they are armed.
func (r *rig) atOnce() {
	for _, a := range r.faults {
		if a.Event != "" || a.fired > 0 {
			continue
		}
		a.fired++
		r.struck(a, nil)
		if a.Seam == "hsm" {
			r.tamper()
			continue
		}
		r.setCalendar(&a.Fault)
	}
}

// openSlot starts the terminal's reader: a driver on this side of a serial line, an emulated reader on the other, which
// gets its power from the terminal.
func (r *rig) openSlot() (terminal.Slot, error) {
	x, y := reader.Pipe(r.term, r.readerActor, r.term.Name(), r.readerActor.Name(), reader.DefaultBitRate)
	r.emulator = reader.NewEmulator(r.readerActor, y, r.inSlot, reader.EmulatorConfig{Processing: chipWork, Fault: r.onReader, Trace: r.onAPDU})
	d, err := reader.Open(r.term, x, reader.Config{})
	if err != nil {
		return nil, err
	}
	return slot{d}, nil
}

// slot is the driver as the terminal holds it.
type slot struct{ *reader.CCID }

var _ terminal.Slot = slot{}

// PowerOn resets the card.
func (s slot) PowerOn() (apdu.Card, error) {
	if _, err := s.CCID.PowerOn(); err != nil {
		return nil, err
	}
	return s.CCID, nil
}

// Physical is false: this card is ours.
func (s slot) Physical() bool { return false }

// onReader says what goes wrong in the reader, or at a command of the card.
func (r *rig) onReader(event string) (reader.Fault, bool) {
	f, ok := r.armory.onReader(event)
	if ok && f.Kind == reader.FaultTear {
		r.inSlot = nil
	}
	return f, ok
}

// present is the card that a customer holds.
func (r *rig) present(name string) (reader.EmulatedCard, error) {
	at := r.till
	if r.transcript != nil {
		return &bewitched{r.transcript.NewCard(), r.armory.onAnswer, func() { at.inSlot = nil }}, nil
	}
	c, err := heldCard(r.library, r.cards, name, card.New)
	if err != nil {
		return nil, err
	}
	return &bewitched{c, r.armory.onAnswer, func() { at.inSlot = nil }}, nil
}

// heldCard makes a card once, so that its counters live as long as the run.
func heldCard(l *Library, cards map[string]*card.Card, name string, make func(*card.Profile) (*card.Card, error)) (*card.Card, error) {
	if c := cards[name]; c != nil {
		return c, nil
	}
	c, err := make(l.Card(name))
	if err == nil {
		cards[name] = c
	}
	return c, err
}

// bewitched is a card whose answers a fault may replace.
type bewitched struct {
	reader.EmulatedCard
	alter func(command, answer []byte) ([]byte, error)
	gone  func() // the card was pulled out; nil: nobody need know
}

// Transmit answers a command.
func (b *bewitched) Transmit(command []byte) ([]byte, error) {
	answer, err := b.EmulatedCard.Transmit(command)
	if err != nil {
		return answer, err
	}
	answer, err = b.alter(command, answer)
	if errors.Is(err, apdu.ErrCardRemoved) && b.gone != nil {
		b.gone()
	}
	return answer, err
}
