package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/reader"
)

// emulateFlags is what posim reader emulate is told.
type emulateFlags struct {
	protocol, card, pty, listen, trace string
	faults                             []string
	public, hand, json                 bool
	reinsert                           time.Duration
}

func (a *app) readerEmulateCommand() *cobra.Command {
	var f emulateFlags
	c := &cobra.Command{
		Use: "emulate", Short: "play a reader with a card in it, for other programs", Args: none,
		Long: `emulate plays a card reader with a card of the library in it, until Ctrl-C.

  --protocol ccid-serial --pty NAME              a GemPC Twin on a pseudo-terminal, NAME a link to it
  --protocol ccid-serial --listen tcp://HOST:PORT   the same for one TCP connection at a time
  --listen vpcd://127.0.0.1:35963                the card in pcscd's virtual reader (vsmartcard-vpcd): any PC/SC program sees it

A fault is written as in scripts, for the seams reader and card, and counts from the start. With --hand the card starts
outside, and lines on standard input move it: insert, insert NAME, remove.`,
		Example: "  posim reader emulate --protocol ccid-serial --card visa-credit --pty ./reader0\n" +
			"  posim reader emulate --protocol ccid-serial --card mc-credit --listen tcp://127.0.0.1:7816 --fault 'card[GENERATE AC#2].tear'\n" +
			"  posim reader emulate --card cup-credit --listen vpcd://127.0.0.1:35963 --trace apdu.jsonl",
		RunE: func(*cobra.Command, []string) error { return a.readerEmulate(f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.protocol, "protocol", "", "what the reader speaks: ccid-serial")
	flags.StringVar(&f.card, "card", "", "the card (posim card list)")
	flags.StringVar(&f.pty, "pty", "", "make a pseudo-terminal with this name")
	flags.StringVar(&f.listen, "listen", "", "tcp://HOST:PORT, or vpcd://HOST:PORT of a vpcd that runs")
	flags.StringArrayVar(&f.faults, "fault", nil, "a fault, such as 'card[SELECT#2].mute' (again for more)")
	flags.StringVar(&f.trace, "trace", "", "write the commands to this file, masked, a JSON object a line")
	flags.BoolVar(&f.public, "public", false, "listen on addresses other than loopback too")
	flags.BoolVar(&f.hand, "hand", false, "insert and remove the card by lines on standard input")
	flags.DurationVar(&f.reinsert, "reinsert", 0, "put a card that a fault has torn out in again after this time")
	flags.BoolVar(&f.json, "json", false, "say where the reader is as one JSON object")
	_ = c.RegisterFlagCompletionFunc("card", cardNames) // the flag is there
	return c
}

func cardNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return l.Cards(), cobra.ShellCompDirectiveNoFileComp
}

// place is where the reader is to be: one of pty, tcp, vpcd, with its address.
func (f *emulateFlags) place() (kind, address string, err error) {
	scheme, address, found := strings.Cut(f.listen, "://")
	switch {
	case (f.pty == "") == (f.listen == ""):
		return "", "", misuse("emulate: want one of --pty NAME and --listen ADDRESS")
	case f.pty != "":
		kind, address = "pty", f.pty
	case !found || scheme != "tcp" && scheme != "vpcd":
		return "", "", misuse("--listen %q: want tcp://HOST:PORT or vpcd://HOST:PORT", f.listen)
	default:
		kind = scheme
	}
	switch {
	case kind == "vpcd" && f.protocol != "":
		return "", "", misuse("--protocol is not for vpcd://: pcscd sees the card itself")
	case kind != "vpcd" && f.protocol != reader.ProtocolCCIDSerial:
		return "", "", misuse("--protocol %q: want %s", f.protocol, reader.ProtocolCCIDSerial)
	case f.card == "" && !f.hand:
		return "", "", misuse("emulate: want --card NAME (posim card list shows them)")
	case f.public && kind != "tcp":
		return "", "", misuse("--public is for --listen tcp://HOST:PORT")
	case f.reinsert < 0:
		return "", "", misuse("--reinsert %v: want a time above 0", f.reinsert)
	}
	if kind == "pty" {
		return kind, address, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return "", "", misuse("--listen %q: want %s://HOST:PORT", f.listen, kind)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); kind == "tcp" && !f.public && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", "", misuse("--listen %q: not a loopback address: anybody could talk to the card (--public allows it)", f.listen)
	}
	return kind, net.JoinHostPort(host, port), nil
}

// emulation is a reader that is played.
type emulation struct {
	a      *app
	f      emulateFlags
	faults *scenario.ReaderFaults
	cards  map[string]*card.Card // each made once, so that its counters live on
	trace  *apduTrace
	hand   <-chan string

	w        *sim.Wall
	emulator *reader.Emulator // of the present line
	inSlot   reader.EmulatedCard
	over     bool
}

func (a *app) readerEmulate(f emulateFlags) (err error) {
	kind, address, err := f.place()
	if err != nil {
		return err
	}
	e := &emulation{a: a, f: f, cards: map[string]*card.Card{}}
	var faults []scenario.Fault
	for _, spec := range f.faults {
		fault, err := scenario.ParseFault(spec)
		if err == nil && kind == "vpcd" && fault.Seam == "reader" && fault.Kind != "unplug" {
			err = fmt.Errorf("fault %s: a virtual reader has no serial frames", fault)
		}
		if err != nil {
			return misuse("%w", err)
		}
		faults = append(faults, fault)
	}
	if e.faults, err = scenario.NewReaderFaults(faults, e.struck); err != nil {
		return misuse("%w", err)
	}
	if f.card != "" {
		if _, err := e.card(f.card); err != nil {
			return err
		}
	}
	if f.trace != "" {
		if e.trace, err = newAPDUTrace(f.trace, a.now); err != nil {
			return misuse("--trace: %w", err)
		}
		defer func() {
			if e := e.trace.Close(); err == nil && e != nil {
				err = failed(fmt.Errorf("--trace: %w", e))
			}
		}()
	}
	if f.hand {
		e.hand = lines(a.stdin)
	}
	ctx, stop := interruptible(0)
	defer stop()
	if kind == "vpcd" {
		return readerFailure(e.vpcd(ctx, address))
	}
	_, err = onWall(ctx, func(w *sim.Wall) error {
		e.w = w
		if kind == "pty" {
			return e.pty(address)
		}
		return e.tcp(ctx, address)
	})
	return readerFailure(err)
}

// card is a card of the library with the faults it suffers.
func (e *emulation) card(name string) (reader.EmulatedCard, error) {
	c := e.cards[name]
	if c == nil {
		var err error
		if c, err = libraryCard(name); err != nil {
			return nil, err
		}
		e.cards[name] = c
	}
	return e.faults.Card(c), nil
}

// struck hears of a fault that strikes.
func (e *emulation) struck(f scenario.Fault) {
	e.note("fault %s", f)
	if f.Kind == "tear" {
		e.inSlot = nil
	}
	if f.Kind == "tear" && e.w != nil && e.f.reinsert > 0 {
		e.w.After(e.f.reinsert, func() { e.insert(e.f.card) })
	}
}

func (e *emulation) note(format string, args ...any) {
	fmt.Fprintf(e.a.stderr, format+"\n", args...)
	flush(e.a.stderr)
}

// emulateReady is where the reader is, in --json.
type emulateReady struct {
	Line string `json:"line"` // what --reader takes
	Path string `json:"path,omitempty"`
	Card string `json:"card"`
	PID  int    `json:"pid"`
}

// ready says where the reader is. The line is flushed: scripts wait for it.
func (e *emulation) ready(line, path string) error {
	r := emulateReady{Line: line, Path: path, Card: e.f.card, PID: os.Getpid()}
	text := fmt.Sprintf("ready: %s, card %s\n", line, e.f.card)
	if e.f.card == "" {
		text = fmt.Sprintf("ready: %s, no card\n", line)
	}
	if e.f.json {
		b, err := json.Marshal(r)
		if err != nil {
			return failed(err)
		}
		text = string(b) + "\n"
	}
	err := e.a.print(text)
	flush(e.a.stdout)
	return err
}

// pty plays the reader on a pseudo-terminal.
func (e *emulation) pty(link string) error {
	line, path, err := reader.OpenPTY(link, e.w)
	if err != nil {
		return misuse("%w", err)
	}
	defer line.Close()
	if err := e.start(); err != nil {
		return err
	}
	e.attach(line)
	name := link
	if !strings.ContainsAny(name, "/") {
		name = "./" + name
	}
	if err := e.ready(reader.Spec{Kind: reader.Serial, Address: name, Protocol: e.f.protocol}.String(), path); err != nil {
		return err
	}
	e.w.Wait(time.Time{}, func() bool { return e.over })
	return nil
}

// tcp plays it for one connection at a time.
func (e *emulation) tcp(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return misuse("--listen: %w: choose another port", err)
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	if err := e.start(); err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				e.w.Post(func() { e.over = true })
				return
			}
			e.w.Post(func() {
				if e.emulator != nil {
					c.Close() // the reader is at another host's
					return
				}
				e.attach(reader.ConnLine(c, e.w))
			})
		}
	}()
	if err := e.ready(reader.Spec{Kind: reader.TCP, Address: l.Addr().String(), Protocol: e.f.protocol}.String(), ""); err != nil {
		return err
	}
	e.w.Wait(time.Time{}, func() bool { return e.over })
	return nil
}

// start puts the card in, or gives it to the hand.
func (e *emulation) start() error {
	if e.hand == nil {
		var err error
		e.inSlot, err = e.card(e.f.card)
		return err
	}
	go func() {
		for order := range e.hand {
			e.w.Post(func() { e.move(order) })
		}
	}()
	return nil
}

// move does what the hand is told.
func (e *emulation) move(order string) {
	verb, name, _ := strings.Cut(order, " ")
	switch {
	case verb == "insert" && (name != "" || e.f.card != ""):
		if name == "" {
			name = e.f.card
		}
		e.insert(name)
	case order == "remove":
		e.inSlot = nil
		if e.emulator != nil {
			e.emulator.Remove()
		}
		e.note("removed")
	default:
		e.note("%q: want insert, insert NAME or remove", order)
	}
}

func (e *emulation) insert(name string) {
	c, err := e.card(name)
	if err != nil {
		e.note("%v", err)
		return
	}
	e.inSlot = c
	if e.emulator != nil {
		e.emulator.Insert(c)
	}
	e.note("inserted %s", name)
}

// attach puts the reader at a line until that ends.
func (e *emulation) attach(line reader.Line) {
	cfg := reader.EmulatorConfig{Fault: e.faults.Strike}
	if e.trace != nil {
		cfg.Trace = e.trace.exchange
	}
	e.emulator = reader.NewEmulator(e.w, &endingLine{line, func(unplugged bool) {
		e.emulator = nil
		e.over = e.over || unplugged || e.f.pty != ""
		line.Close()
	}}, e.inSlot, cfg)
}

// endingLine tells when its line has ended: by the other side, or by a fault that unplugs the reader.
type endingLine struct {
	reader.Line
	ended func(unplugged bool)
}

// Receive names the function that gets what arrives.
func (l *endingLine) Receive(f func(p []byte, err error)) {
	l.Line.Receive(func(p []byte, err error) {
		f(p, err)
		if err != nil {
			l.ended(false)
		}
	})
}

// Close ends the line.
func (l *endingLine) Close() error {
	err := l.Line.Close()
	l.ended(true)
	return err
}

// vpcd plays the card in pcscd's virtual reader.
func (e *emulation) vpcd(ctx context.Context, address string) error {
	cfg := reader.VPCDConfig{Fault: e.vpcdFault}
	if e.trace != nil {
		cfg.Trace = e.trace.exchange
	}
	first := true
	var failure error
	cfg.Connected = func() {
		if first {
			first = false
			failure = e.ready("pcsc://", address)
		}
	}
	name, in := e.f.card, e.hand == nil
	if !in {
		if err := e.ready("pcsc://", address); err != nil {
			return err
		}
		first = false
	}
	for failure == nil {
		if in {
			c, err := e.card(name)
			if err != nil {
				return err
			}
			ctx2, remove := context.WithCancel(ctx)
			end := make(chan error, 1)
			go func() { end <- reader.ServeVPCD(ctx2, address, c, cfg) }()
			order, err := e.until(end)
			remove()
			switch {
			case order != "":
				<-end
				if in = e.vpcdMove(order, &name); in {
					rest(ctx, vpcdLooks)
				}
				continue
			case ctx.Err() != nil:
				return failure
			case !errors.Is(err, apdu.ErrCardRemoved):
				return err
			}
			in = false
			if e.f.reinsert > 0 {
				rest(ctx, max(e.f.reinsert, vpcdLooks))
				in = true
				continue
			}
		}
		select {
		case <-ctx.Done():
			return failure
		case order, open := <-e.hand: // nil without --hand: then nothing comes
			if !open {
				e.hand = nil
				continue
			}
			in = e.vpcdMove(order, &name)
		}
	}
	return failure
}

// vpcdLooks is how long a slot must be empty for pcscd to see it: it looks every 400 ms.
const vpcdLooks = time.Second

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// until waits for the end of a card's stay, or for an order.
func (e *emulation) until(end <-chan error) (order string, err error) {
	for {
		select {
		case err := <-end:
			return "", err
		case order, open := <-e.hand:
			if open {
				return order, nil
			}
			e.hand = nil
		}
	}
}

func (e *emulation) vpcdMove(order string, name *string) (in bool) {
	verb, other, _ := strings.Cut(order, " ")
	switch {
	case verb == "insert" && (other != "" || *name != ""):
		if other != "" {
			if _, err := e.card(other); err != nil {
				e.note("%v", err)
				return false
			}
			*name = other
		}
		e.note("inserted %s", *name)
		return true
	case order == "remove":
		e.note("removed")
	default:
		e.note("%q: want insert, insert NAME or remove", order)
	}
	return false
}

func (e *emulation) vpcdFault(event string) (reader.Fault, bool) {
	if f, ok := e.faults.Strike(reader.EventFrame); ok {
		return f, true
	}
	return e.faults.Strike(event)
}

// lines gives what comes on r, a line at a time, until its end.
func lines(r io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for s := bufio.NewScanner(r); s.Scan(); {
			if text := strings.TrimSpace(s.Text()); text != "" {
				out <- text
			}
		}
	}()
	return out
}

// apduTrace writes what passes between reader and card to a file, as far as it may be shown.
type apduTrace struct {
	file *os.File
	sink *sink
	now  func() time.Time
}

func newAPDUTrace(name string, now func() time.Time) (*apduTrace, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil { // it may have been there, and open to others
		return nil, errors.Join(err, f.Close())
	}
	return &apduTrace{file: f, sink: newSink(f), now: now}, nil
}

// jsonAPDU is a line of the trace.
type jsonAPDU struct {
	Time string `json:"time"`
	jsonExchange
}

func (t *apduTrace) exchange(_ string, command, response []byte) {
	b, err := json.Marshal(jsonAPDU{t.now().UTC().Format(time.RFC3339Nano), exchangeOf(command, response)})
	t.sink.keep(err)
	if err == nil {
		_, _ = t.sink.Write(append(b, '\n')) // the sink keeps the error
		t.sink.Flush()
	}
}

// Close ends the trace with the first error there was.
func (t *apduTrace) Close() error { return errors.Join(t.sink.Close(), t.file.Close()) }
