package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

// tuiFlags are the flags of tui.
type tuiFlags struct {
	seed uint64
	lang language
	card string
	real realFlags
}

// firstCard is the card in the hand at first: a chip, a stripe and a PIN.
const firstCard = "visa-credit"

func (a *app) tuiCommand() *cobra.Command {
	var f tuiFlags
	c := &cobra.Command{
		Use: "tui", Short: "a terminal on the screen, to be used by hand", Args: none,
		Long: `tui shows a payment terminal and the house around it, in virtual time: cards are inserted and swiped, amounts and PINs
typed, the line cut, the plug pulled, faults armed and scenarios played, and the money is watched. ? shows the keys.

With --reader, --host or --data the house is one in real time, as that of posim run; what is not named is built in. The
keys r and h show which reader and host are in use, and take others.

It wants a terminal of at least 80 columns and 24 lines; 120 by 40 shows everything at once.`,
		Example: "  posim tui\n  posim tui --lang zh --card cup-debit\n  posim tui --data ./till\n  posim tui --reader pcsc:// --host 127.0.0.1:8583",
		RunE:    func(*cobra.Command, []string) error { return a.runTUI(f) },
	}
	seedFlag(c, &f.seed)
	langFlag(c, &f.lang)
	c.Flags().StringVar(&f.card, "card", firstCard, "`NAME` of the card in the hand at first")
	f.real.add(c)
	return c
}

// start is posim without arguments: the UI where somebody looks, the usage otherwise.
func (a *app) start() error {
	if a.stdin != os.Stdin || !tui.Attached() {
		return a.print(usage)
	}
	return a.runTUI(tuiFlags{seed: 1, lang: localLanguage(), card: firstCard})
}

// localLanguage is the language of the person's environment, as POSIX looks for it.
func localLanguage() language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return language(terminal.Chinese)
			}
			break
		}
	}
	return language(terminal.English)
}

func (a *app) runTUI(f tuiFlags) error {
	library, scripts, err := builtIn()
	if err != nil {
		return err
	}
	if err := f.real.check(""); err != nil {
		return err
	}
	if library.Card(f.card) == nil {
		return misuse("no card %q: posim card list shows the cards", f.card)
	}
	if a.stdin != os.Stdin || !tui.Attached() {
		return misuse("tui: %w: start it in a terminal window", tui.ErrNotTerminal)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := &houses{ctx: ctx, library: library, seed: f.seed, real: f.real}
	engine, err := h.open(nil, tui.House{Real: f.real.asked(), Reader: f.real.reader, Host: strings.Join(f.real.hosts, ","), Admin: f.real.admin})
	if err != nil {
		return misuse("%w", err)
	}
	if err := a.show(engine, cancel, tui.Options{
		Lang: terminal.Lang(f.lang), Cards: handCards(library), Card: f.card, Scripts: scripts, ASCII: ambiguousWide(),
		Open: func(now tui.Engine, want tui.House, done func(tui.Engine, error)) {
			go func() { done(h.open(now, want)) }()
		},
	}); err != nil {
		return failed(err)
	}
	return nil
}

// houses opens the houses of one UI. Each is opened when the one before has been, so last needs no lock.
type houses struct {
	ctx     context.Context
	library *scenario.Library
	seed    uint64
	real    realFlags            // as they were given
	last    scenario.LiveOptions // of the house in real time that was opened last
}

// open opens a house. Two cannot have one data directory: that in use is closed then, and opened again if the other cannot
// be.
func (h *houses) open(now tui.Engine, want tui.House) (tui.Engine, error) {
	if !want.Real {
		s, err := scenario.NewSession(h.library, scenario.SessionOptions{Seed: h.seed})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	f := h.real
	f.reader, f.hosts, f.admin = want.Reader, nil, want.Admin
	for _, address := range strings.Split(want.Host, ",") {
		if address = strings.TrimSpace(address); address != "" {
			f.hosts = append(f.hosts, address)
		}
	}
	if len(f.hosts) == 0 {
		f.tls, f.ca = false, "" // the host built in is reached in plain
	}
	if err := f.checkHosts(); err != nil {
		return nil, err
	}
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	present, live := now.(*scenario.LiveSession)
	shared := live && o.Data != ""
	if shared {
		present.Close()
	}
	s, err := scenario.NewLiveSession(h.ctx, h.library, o)
	if err == nil {
		h.last = o
		return s, nil
	}
	if !shared {
		return nil, err
	}
	back, again := scenario.NewLiveSession(h.ctx, h.library, h.last)
	if again != nil {
		return nil, fmt.Errorf("%w; and the house before cannot be opened again: %w", err, again)
	}
	return back, err
}

// show runs the UI over an engine until the person leaves or the program is told to end. The engine is closed then; leave
// is called before, so that nothing is waited for.
func (a *app) show(engine tui.Engine, leave func(), o tui.Options) error {
	ui := tui.New(engine, o)
	defer func() {
		leave()
		ui.Close()
	}()
	window, err := tui.Open()
	if err != nil {
		return err
	}
	defer window.Close() // a panic too gives the terminal back
	ui.Colours(window.Colours())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	stop := make(chan struct{})
	left := make(chan struct{})
	defer close(left)
	go func() {
		select {
		case <-signals:
			close(stop)
		case <-left:
		}
	}()
	go window.Listen()
	ticker := time.NewTicker(tui.Frame())
	defer ticker.Stop()
	ui.Run(window, ticker.C, stop)
	return nil
}

// handCards are the library's cards as the UI offers them.
func handCards(l *scenario.Library) (cards []tui.Card) {
	for _, name := range l.Cards() {
		p := l.Card(name)
		cards = append(cards, tui.Card{Name: name, Title: p.Title, Zh: p.TitleChinese, Chip: p.HasChip, Stripe: hasStripe(p)})
	}
	return cards
}

// ambiguousWide tells whether the environment says that the terminal shows line-drawing characters in two columns, in the
// way that tcell listens to.
func ambiguousWide() bool {
	switch strings.ToLower(os.Getenv("RUNEWIDTH_EASTASIAN")) {
	case "1", "true", "yes":
		return true
	}
	return false
}
