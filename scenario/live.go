package scenario

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posim/posim/emv"
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

// LiveOptions are a house in real time: the same terminal, over sockets, files and readers that are really there.
type LiveOptions struct {
	// Reader is a LINE as reader.ParseLine takes it; empty: an emulated reader in this process.
	Reader string
	// Hosts are the acquirer's addresses, the second for when the first does not answer; empty: a host in this process.
	Hosts []string
	TLS   *tls.Config // nil: plain TCP
	// Admin is the address of the host's admin view; empty with Hosts: a foreign host, whose money is not observable.
	Admin string
	// Data is the terminal's data directory; empty: a temporary one for each script.
	Data string
	// AllowLiveCards lets a card outside of the test ranges be read, and nothing more.
	AllowLiveCards bool
	// Prompt, if not nil, is told what a person should do now.
	Prompt func(text string)
	// Story, if not nil, is told what happens, line by line.
	Story func(Line)
	// Record, if not nil, is given the transcript of every chip sale that ended, or why there is none. It is called on the
	// terminal's goroutine.
	Record func(*transcript.Transcript, error)
	// Transcript, if not nil, is the card that every customer inserts; it needs the emulated reader.
	Transcript *transcript.Transcript
}

// How long things may take in real time.
const (
	livePatience  = 5 * time.Minute // a step whose end is not the script's to say
	liveSettle    = 3 * time.Minute // until nothing is due any more
	liveKeystroke = 15 * time.Millisecond
	liveHand      = 50 * time.Millisecond // a scripted customer's reaction
	liveConnect   = 10 * time.Second
)

// ownReader is the emulated reader in this process.
const ownReader = "emu:?protocol=" + reader.ProtocolCCIDSerial

// dataKind is what a terminal's data directory says it is.
const dataKind = "terminal"

// ErrNeedsVirtual is a script that real time cannot play: an enumeration, or a fault in a party of which only the wire is seen.
var ErrNeedsVirtual = errors.New("needs virtual time, or the built-in reader and host")

// RunLive runs one script in real time. A run of an enumeration is refused: it needs the virtual house. The error is the
// house's (a reader or a host that is not there, a data directory in use); what the script finds is in the result.
func (l *Library) RunLive(ctx context.Context, s *Script, o LiveOptions) (*Result, error) {
	v, err := newLive(ctx, l, s, o)
	if err != nil {
		return nil, err
	}
	defer v.close()
	v.playing.Store(true)
	v.perform()
	one := v.out
	out := &Result{ID: s.ID, File: s.File, Name: s.Name, Zh: s.Zh, Passed: !one.failed(), End: one.end, Money: one.money,
		Virtual: time.Since(v.started), Runs: 1, Hidden: one.hidden}
	if one.failed() {
		out.Failure = &Failure{Run: s.ID, Err: one.err, Violations: one.wrong, Where: one.where}
	}
	return out, nil
}

// live is a script being run in a house in real time. The runner's goroutine plays the script; the terminal lives on its
// own. What both touch is under mu.
type live struct {
	library *Library
	script  *Script
	options LiveOptions
	out     *outcome
	seen    evidence
	dialect *dialect.Dialect
	spec    reader.Spec
	started time.Time
	happens func()                 // not nil: told that something changed; it takes no lock of this house
	moved   func(*terminal.Record) // not nil: told of each durable record, under mu
	playing atomic.Bool            // the script is being played; changed under mu

	ctx     context.Context
	dir     *sim.Dir
	damaged []byte       // the journal as it was before a script damaged it
	temp    string       // removed at the end
	server  *host.Server // in this process; nil with Hosts
	admin   host.AdminView
	ordered map[int]bool // the orders to cards that this script gave, by their numbers
	known   map[dialect.Key]bool

	telling sync.Mutex   // one line after the other
	views   []*host.View // of this script's transactions, as look found them; the runner's

	// The hosts of this process have locks of their own: the runner asks them while they tell.
	hosts   sync.Mutex
	sighted []sighting
	net     sync.Mutex // of armory

	power    sync.Mutex // held by whoever gives the terminal power
	mu       sync.Mutex
	changed  chan struct{} // holds a token when something happened
	court    court
	armory   armory
	term     *terminal.Terminal
	wall     *sim.Wall
	cut      context.CancelFunc // pulls the plug
	dead     chan struct{}      // closed when the terminal's goroutine is gone
	slot     reader.Slot
	link     *transport.Link
	dialer   *transport.Dialer // the terminal's goroutine's: it remembers which address worked
	lineDown bool
	customer customer
	gate     chan struct{} // not nil: the terminal stands still until it is closed
	idle     bool
	stopped  error
	failure  error // of the house
	cards    map[string]*card.Card
	inSlot   reader.EmulatedCard // in the emulated reader, with power and without
	slotCard string              // its name
	askedPIN bool                // the terminal shows a prompt for a PIN
	noReader error               // of the last boot
}

func newLive(ctx context.Context, l *Library, s *Script, o LiveOptions) (v *live, err error) {
	v = &live{
		library: l, script: s, options: o, out: &outcome{money: map[string]Money{}}, dialect: l.terminals[s.Terminal].Speaks(), started: time.Now(),
		ctx: ctx, changed: make(chan struct{}, 1), cards: map[string]*card.Card{}, known: map[dialect.Key]bool{}, ordered: map[int]bool{},
		court: court{profile: l.terminals[s.Terminal], dialect: l.terminals[s.Terminal].Speaks()},
	}
	v.court.log = newRecord()
	v.armory.tell = func(f *Fault) { v.tellf("fault", "", "%s", f) }
	v.court.object = func(x Violation) { v.tellf("judge", "", "%s", x) }
	v.seen = evidence{script: s, out: v.out, log: &v.court.log, dialect: v.dialect, books: v.books, state: v.state, positions: v.positions, where: v.where, issuer: v.issuer, acquirer: v.acquirer, dossier: v.dossier,
		blind: func(at string) bool { return at != "terminal" && v.server == nil }}
	defer func() {
		if err != nil {
			v.close()
			v = nil
		}
	}()
	line := o.Reader
	if line == "" {
		line = ownReader
	}
	if v.spec, err = reader.ParseLine(line); err != nil {
		return v, err
	}
	if err = playable(s, o, v.spec); err != nil {
		return v, err
	}
	if v.dir, err = v.openData(); err != nil {
		return v, err
	}
	if err = v.reachHost(); err != nil {
		return v, err
	}
	return v, v.remember()
}

// playable refuses what real time cannot do, before anything is done.
func playable(s *Script, o LiveOptions, spec reader.Spec) error {
	if s.Each.Power || s.Each.Range != nil || s.Each.Count > 0 {
		return fmt.Errorf("scenario: %s is repeated (each:): %w", s.File, ErrNeedsVirtual)
	}
	if s.Spare != "" {
		return fmt.Errorf("scenario: %s: spare: %w", s.File, ErrNeedsVirtual)
	}
	if s.Host.FailOver > 0 {
		return fmt.Errorf("scenario: %s:%d: fail-over: %w", s.File, s.Host.Pos.Line, ErrNeedsVirtual)
	}
	all := append([]Fault(nil), s.Faults...)
	for i := range s.Steps {
		all = append(all, s.Steps[i].Faults...)
		if s.Steps[i].Desk != nil {
			return fmt.Errorf("scenario: %s:%d: desk: %w", s.File, s.Steps[i].Pos.Line, ErrNeedsVirtual)
		}
		if s.Steps[i].Do == "new-keys" {
			return fmt.Errorf("scenario: %s:%d: new-keys: %w", s.File, s.Steps[i].Pos.Line, ErrNeedsVirtual)
		}
		if x := s.Steps[i].Task; x != nil && len(x.Taps) > 0 {
			return fmt.Errorf("scenario: %s:%d: tap: %w", s.File, s.Steps[i].Pos.Line, ErrNeedsVirtual)
		}
		if d := s.Steps[i].Disk; d == "full" || d == "free" {
			return fmt.Errorf("scenario: %s:%d: disk: {full: ...}: %w", s.File, s.Steps[i].Pos.Line, ErrNeedsVirtual)
		}
	}
	for _, f := range all {
		if !o.strikes(f, spec) {
			return fmt.Errorf("scenario: %s:%d:%d: fault %s %w", s.File, f.Pos.Line, f.Pos.Column, f, errNotOurs)
		}
	}
	return nil
}

var errNotOurs = fmt.Errorf("strikes at what is not ours to spoil: %w", ErrNeedsVirtual)

// strikes tells whether a fault can strike in this house.
func (o LiveOptions) strikes(f Fault, spec reader.Spec) bool {
	local := f.Seam == "net.req" || f.Seam == "net" || f.Seam == "term" && f.Event != "write" && f.Kind == "power-off" || f.Kind == "paper-out"
	inHost := len(o.Hosts) == 0 && (f.Seam == "net.rsp" || strings.HasPrefix(f.Seam, "up.") || strings.HasPrefix(f.Seam, "iss."))
	inCard := spec.Kind == reader.Emulated && (f.Seam == "card" || f.Seam == "reader")
	return local || inHost || inCard
}

// openData opens the terminal's data directory.
func (v *live) openData() (*sim.Dir, error) {
	path := v.options.Data
	if path == "" {
		temp, err := os.MkdirTemp("", "posim-*")
		if err != nil {
			return nil, err
		}
		v.temp = temp
		path = filepath.Join(temp, "terminal")
	}
	return OpenTerminalData(path)
}

// OpenTerminalData opens a terminal's data directory, and makes it if there is none: see sim.OpenDir.
func OpenTerminalData(path string) (*sim.Dir, error) { return sim.OpenDir(path, dataKind) }

// reachHost finds the acquirer, or starts one.
func (v *live) reachHost() (err error) {
	if len(v.options.Hosts) > 0 {
		if v.options.Admin == "" {
			return nil
		}
		client, err := host.NewAdminClient(v.options.Admin)
		if err != nil {
			return err
		}
		v.admin = client
		ctx, cancel := context.WithTimeout(v.ctx, liveConnect)
		defer cancel()
		_, err = client.Health(ctx)
		return err
	}
	data := filepath.Join(v.options.Data, "..", filepath.Base(v.options.Data)+"-host")
	if v.options.Data == "" {
		data = filepath.Join(v.temp, "host")
	}
	h := *v.library.house(v.court.profile, &v.script.Host)
	for _, name := range v.library.Cards() {
		h.Cards = append(h.Cards, v.library.Card(name))
	}
	v.server, err = host.StartServer(v.ctx, host.ServerConfig{House: h, Data: data, Listen: "127.0.0.1:0",
		Dialect: v.court.profile.Speaks(), Framing: v.court.profile.HostFraming(), Observe: v.observeHost, Faults: v.frames})
	v.admin = v.server
	return err
}

// remember notes what was there before the script began: it is compared with what it adds.
func (v *live) remember() error {
	books, err := v.allBooks()
	if err != nil {
		return err
	}
	if books.Last != nil {
		v.court.log.lastClosed = books.Last.Batch
	}
	for _, rec := range books.Records {
		v.known[v.court.key(rec)] = true
		v.court.noteMoved(rec)
	}
	return nil
}

func (v *live) close() {
	v.mu.Lock()
	v.playing.Store(false)
	v.mu.Unlock()
	v.pull()
	if v.server != nil {
		v.server.Stop()
		_ = v.server.Wait() // its end was asked for
	}
	if v.dir != nil {
		_ = v.dir.Close()
	}
	if v.temp != "" {
		_ = os.RemoveAll(v.temp)
	}
}

// notify wakes the runner.
func (v *live) notify() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
	if v.happens != nil {
		v.happens()
	}
}

// until waits for something that is true under the lock.
func (v *live) until(limit time.Duration, done func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		v.mu.Lock()
		failed := v.failure != nil
		ok := done() || failed
		v.mu.Unlock()
		if ok {
			return !failed
		}
		select {
		case <-v.changed:
		case <-timer.C:
			v.mu.Lock()
			defer v.mu.Unlock()
			return done()
		case <-v.ctx.Done():
			return false
		}
	}
}

// powerOn gives the terminal power; false: it has power already.
func (v *live) powerOn() bool {
	v.power.Lock()
	defer v.power.Unlock()
	v.mu.Lock()
	on := v.wall != nil
	v.mu.Unlock()
	if on {
		return false
	}
	v.pull() // what a power cut at a point has left
	v.boot()
	return true
}

// boot starts the terminal, for powerOn.
func (v *live) boot() {
	ctx, cut := context.WithCancel(v.ctx)
	wall := sim.NewWall(ctx)
	dead := make(chan struct{})
	v.mu.Lock()
	v.wall, v.cut, v.dead, v.idle, v.stopped, v.term = wall, cut, dead, false, nil, nil
	v.customer, v.askedPIN, v.noReader = customer{}, false, nil
	if v.playing.Load() { // a script's customer leaves with the card; a person's stays where it is
		v.inSlot, v.slotCard = nil, ""
	}
	v.mu.Unlock()
	v.tellf("term", "", "power on")
	go func() {
		defer close(dead)
		defer v.notify()
		err := wall.Run(func(clock sim.Clock) { v.life(clock) })
		v.mu.Lock()
		v.idle, v.wall = false, nil
		if err == nil {
			v.failure = errors.New("scenario: the terminal ended by itself")
		}
		v.mu.Unlock()
	}()
}

// life is the terminal's, from one boot to the next power cut.
func (v *live) life(clock sim.Clock) {
	cfg := terminal.Config{
		Profile: v.court.profile, Clock: clock, Disk: v.dir, Rand: io.Reader(rand.Reader),
		Module:  func() (*hsm.Module, error) { return openDataModule(v.dir, v.court.profile, rand.Reader) },
		Dialect: v.dialect, Dial: v.dial, Rules: rules.Set{}, AllowLiveCards: v.options.AllowLiveCards, Observe: v.observe, Point: v.point,
		Devices: terminal.Devices{Show: v.show, Print: v.print, OpenSlot: v.openSlot},
	}
	if v.options.Story != nil { // decisions are put into words only for somebody who reads them
		cfg.Trace = func(d emv.Decision) { v.tell(decisionLine(d)) }
	}
	cfg.Record = v.options.Record
	if v.options.Transcript != nil {
		cfg.Rand = v.options.Transcript.Rand(cfg.Rand)
	}
	t := terminal.New(cfg)
	v.mu.Lock()
	v.term = t
	v.mu.Unlock()
	t.Run()
}

func (v *live) fail(err error) {
	v.mu.Lock()
	if v.failure == nil {
		v.failure = err
	}
	v.mu.Unlock()
	v.notify()
}

// pull pulls the plug and waits until the terminal is gone.
func (v *live) pull() {
	v.mu.Lock()
	cut, dead, slot, on := v.cut, v.dead, v.slot, v.wall != nil
	v.slot, v.cut = nil, nil
	v.open()
	v.mu.Unlock()
	if cut == nil {
		return
	}
	if on { // else a cut at a point has told it
		v.tellf("term", "", "power off")
	}
	cut()
	<-dead
	if slot != nil {
		_ = slot.Close()
	}
}

// open lets the terminal go on. The lock is held.
func (v *live) open() {
	if v.gate != nil {
		close(v.gate)
		v.gate = nil
	}
}

// openSlot starts the reader, on the terminal's goroutine.
func (v *live) openSlot() (terminal.Slot, error) {
	s, err := reader.OpenSlot(v.wall, v.wall, v.spec, reader.Options{Emulator: reader.EmulatorConfig{Fault: v.readerFault, Trace: v.apdu}})
	v.mu.Lock()
	v.slot, v.noReader = s, err
	held := v.inSlot
	v.mu.Unlock()
	if err != nil {
		if v.spec.Kind != reader.Emulated && v.playing.Load() { // a reader that a script needs must be there
			v.fail(err)
		}
		return nil, err
	}
	if own, ok := s.(*reader.LineSlot); ok && own.Emulator() != nil && held != nil {
		own.Emulator().Insert(held)
	}
	return s, nil
}

// readerFault is asked by the reader of this process.
func (v *live) readerFault(event string) (reader.Fault, bool) {
	v.net.Lock()
	f, strikes := v.armory.onReader(event)
	v.net.Unlock()
	if strikes && f.Kind == reader.FaultTear {
		v.mu.Lock()
		v.inSlot, v.slotCard = nil, ""
		v.mu.Unlock()
	}
	return f, strikes
}

// dial connects to the acquirer, on the terminal's goroutine.
func (v *live) dial() (*transport.Link, error) {
	v.net.Lock()
	f := v.armory.strike("net", "connect", atConnect)
	v.net.Unlock()
	v.mu.Lock()
	down := v.lineDown
	v.mu.Unlock()
	switch {
	case f != nil && f.Kind == "black-hole":
		v.wall.Wait(time.Now().Add(liveConnect), never)
		return nil, transport.ErrTimeout
	case f != nil || down:
		return nil, transport.ErrRefused
	}
	if v.dialer == nil {
		addresses := v.options.Hosts
		if v.server != nil {
			addresses = []string{v.server.Addr()}
		}
		v.dialer = &transport.Dialer{Addresses: addresses, TLS: v.options.TLS, Connect: liveConnect}
	}
	l, err := v.dialer.DialLink(v.wall, v.wall, v.court.profile.Framing())
	if err != nil {
		return nil, err
	}
	l.Faults(func(frame []byte) []transport.Fault { return v.frames("net.req", frame) })
	v.mu.Lock()
	v.link = l
	v.mu.Unlock()
	return l, nil
}

// frames is what links ask at each message.
func (v *live) frames(seam string, frame []byte) []transport.Fault {
	d, framed := dialect.ISO87(), len(frame)+2
	if strings.HasPrefix(seam, "net.") {
		d, framed = v.dialect, framedBy(v.court.profile, frame)
	}
	mti, err := d.MTI(frame)
	if err != nil {
		mti = ""
	}
	v.net.Lock()
	defer v.net.Unlock()
	return v.armory.onFrame(seam, mti, framed, nil)
}

// setLine cuts the terminal's line, or mends it.
func (v *live) setLine(down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lineDown = down
	if l := v.link; down && l != nil && v.wall != nil {
		v.link = nil
		v.wall.Post(l.Reset)
	}
}

// point is called by the terminal where a power cut is worth trying.
func (v *live) point(point string) {
	v.net.Lock()
	f := v.armory.strike("term", point, atPoint)
	v.net.Unlock()
	v.mu.Lock()
	cut := v.cut
	v.mu.Unlock()
	if f != nil && cut != nil {
		v.tellf("term", "", "power off")
		cut()
		v.wall.Wait(time.Time{}, never) // unwinds
	}
}

func (v *live) show(s terminal.Screen) {
	v.mu.Lock()
	v.court.log.screens = append(v.court.log.screens, s)
	v.askedPIN = asksPIN(s)
	v.stopped = v.stoppedNow()
	v.trim()
	v.idle = len(s) > 0 && (s[len(s)-1].Key == "idle" || s[len(s)-1].Key == "remove-card") // a key begins the next sale in both
	v.mu.Unlock()
	v.tell(screenLine(s))
	v.react(s)
	v.notify()
}

func (v *live) print(rc terminal.Receipt) error {
	v.net.Lock()
	f := v.armory.strike("term", "print", atPaper)
	v.net.Unlock()
	if f != nil {
		return terminal.ErrPaperOut
	}
	v.mu.Lock()
	v.court.notePrinted(rc)
	v.trim()
	v.mu.Unlock()
	for _, line := range receiptLines(rc) {
		v.tell(line)
	}
	return nil
}

// observe is told what happens in the terminal, on its goroutine.
func (v *live) observe(o terminal.Observation) {
	v.mu.Lock()
	v.court.note(o)
	var gate chan struct{}
	switch o := o.(type) {
	case terminal.Moved:
		v.court.noteMoved(&o.Record)
		v.court.log.number(&v.customer, v.court.key(&o.Record), o.From)
		if v.moved != nil {
			v.moved(&o.Record)
		}
	case terminal.Ended:
		if v.customer.task == nil { // a person's sale: whoever put the card in takes it out
			break
		}
		v.customer = customer{}
		v.takeCard()
		if v.playing.Load() { // the script goes on here, before any reversal
			gate = make(chan struct{})
			v.gate = gate
		}
	}
	v.stopped = v.stoppedNow()
	v.trim()
	ctx := v.ctx
	v.mu.Unlock()
	if line, told := terminalLine(o); told {
		v.tell(line)
	}
	v.notify()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
}

// The most that is kept of what was seen while no script needs it.
const maxReceipts = 200

// trim forgets what no script will look at. The lock is held.
func (v *live) trim() {
	if v.playing.Load() {
		return
	}
	log := &v.court.log
	log.wire, log.seen = nil, nil
	if n := len(log.screens); n > 1 {
		log.screens = []terminal.Screen{log.screens[n-1]}
	}
	if n := len(log.printed); n >= 2*maxReceipts {
		log.printed = append([]terminal.Receipt(nil), log.printed[n-maxReceipts:]...)
	}
	if n := len(log.receipts); n >= 2*maxReceipts {
		log.receipts = append([]terminal.Receipt(nil), log.receipts[n-maxReceipts:]...) // a view may have the old array
	}
}

// asksPIN tells whether a screen is a prompt for a PIN.
func asksPIN(s terminal.Screen) bool {
	return slices.ContainsFunc(s, func(t terminal.Text) bool { return t.Key == "pin" || t.Key == "pin-again" })
}

// stoppedNow is what stopped the terminal. Asked on its own goroutine.
func (v *live) stoppedNow() error {
	if v.term == nil {
		return nil
	}
	return v.term.Stopped()
}

// observeHost is told what happens in a host of this process, on that party's goroutine.
func (v *live) observeHost(o host.Observation) {
	if v.playing.Load() && (o.Kind == host.Received || o.Kind == host.Sent) {
		v.hosts.Lock()
		v.sighted = append(v.sighted, sighting{o.Party, o.Message})
		v.hosts.Unlock()
	}
	if line, own := hostLine(o); own && v.options.Story != nil {
		v.tell(line)
	}
}

func (v *live) tell(l Line) {
	if v.options.Story == nil {
		return
	}
	v.telling.Lock()
	defer v.telling.Unlock()
	l.At = time.Since(v.started)
	v.options.Story(l)
}

func (v *live) tellf(kind, dir, format string, args ...any) {
	v.tell(Line{Kind: kind, Dir: dir, Text: fmt.Sprintf(format, args...)})
}

func (v *live) apdu(name string, command, response []byte) {
	for _, line := range apduLines(name, command, response) {
		v.tell(line)
	}
}
