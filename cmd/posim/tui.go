package main

import (
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
}

// firstCard is the card in the hand at first: a chip, a stripe and a PIN.
const firstCard = "visa-credit"

func (a *app) tuiCommand() *cobra.Command {
	var f tuiFlags
	c := &cobra.Command{
		Use: "tui", Short: "a terminal on the screen, to be used by hand", Args: none,
		Long: `tui shows a payment terminal and the house around it, in virtual time: cards are inserted and swiped, amounts and PINs
typed, the line cut, the plug pulled, faults armed and scenarios played, and the money is watched. ? shows the keys.

It wants a terminal of at least 80 columns and 24 lines; 120 by 40 shows everything at once.`,
		Example: "  posim tui\n  posim tui --lang zh --card cup-debit",
		RunE:    func(*cobra.Command, []string) error { return a.runTUI(f) },
	}
	seedFlag(c, &f.seed)
	langFlag(c, &f.lang)
	c.Flags().StringVar(&f.card, "card", firstCard, "`NAME` of the card in the hand at first")
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
	if library.Card(f.card) == nil {
		return misuse("no card %q: posim card list shows the cards", f.card)
	}
	if a.stdin != os.Stdin || !tui.Attached() {
		return misuse("tui: %w: start it in a terminal window", tui.ErrNotTerminal)
	}
	session, err := scenario.NewSession(library, scenario.SessionOptions{Seed: f.seed})
	if err != nil {
		return failed(err)
	}
	defer session.Close()
	if err := a.show(session, tui.Options{
		Lang: terminal.Lang(f.lang), Cards: handCards(library), Card: f.card, Scripts: scripts, ASCII: ambiguousWide(),
	}); err != nil {
		return failed(err)
	}
	return nil
}

// show runs the UI over an engine until the person leaves or the program is told to end.
func (a *app) show(engine tui.Engine, o tui.Options) error {
	window, err := tui.Open()
	if err != nil {
		return err
	}
	defer window.Close() // a panic too gives the terminal back
	o.Colours = window.Colours()
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
	tui.New(engine, o).Run(window, ticker.C, stop)
	return nil
}

// handCards are the library's cards as the UI offers them.
func handCards(l *scenario.Library) (cards []tui.Card) {
	for _, name := range l.Cards() {
		p := l.Card(name)
		cards = append(cards, tui.Card{Name: name, Title: p.Title, Zh: p.TitleChinese, Chip: p.HasChip, Stripe: p.ServiceCode != ""})
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
