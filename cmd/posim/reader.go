package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/reader"
)

func (a *app) readerCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "reader", Short: "card readers: find them, watch them, talk to a card, play one",
		Long: `reader is about chip card readers. A LINE says where one is:

  pcsc://NAME                              a reader that pcscd serves: nearly every USB reader; pcsc:// is the only one
  /dev/ttyUSB0?protocol=ccid-serial        a GemPC Twin or a relative on a serial port
  tcp://127.0.0.1:7816?protocol=ccid-serial   the same behind TCP
  emu:CARD?protocol=ccid-serial            an emulated one, with a card of the library in it`,
		Example: "  posim reader list\n  posim reader monitor --for 1m\n  posim reader apdu --reader pcsc:// 00A4040007A000000003101000\n" +
			"  posim reader emulate --protocol ccid-serial --card visa-credit --pty ./reader0",
	}, "list, monitor, apdu or emulate")
	c.AddCommand(a.readerListCommand(), a.readerMonitorCommand(), a.readerAPDUCommand(), a.readerEmulateCommand())
	return c
}

func (a *app) readerListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "list the readers and serial ports of this computer", Args: none,
		Long: `list shows the readers that pcscd serves and the serial ports a reader may be on. It opens no port, so it moves no modem
line and disturbs nobody. With nothing attached it says so; the exit status is 0.`,
		Example: "  posim reader list\n  posim reader list --json",
		RunE:    func(*cobra.Command, []string) error { return a.readerList("/sys", "/dev", asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// jsonReader is a reader, or a port where one may be, in --json.
type jsonReader struct {
	Line    string `json:"line"` // what --reader takes
	Kind    string `json:"kind"` // pcsc, serial
	Name    string `json:"name"`
	Card    *bool  `json:"card,omitempty"` // whether one is in it, if that is known
	ATR     string `json:"atr,omitempty"`
	InUse   bool   `json:"in_use,omitempty"`
	ByID    string `json:"by_id,omitempty"`
	USB     string `json:"usb,omitempty"`
	Driver  string `json:"driver,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func (a *app) readerList(sys, dev string, asJSON bool) error {
	list := struct {
		Readers []jsonReader `json:"readers"`
		Notes   []string     `json:"notes"`
	}{[]jsonReader{}, []string{}}
	rows := [][]string{{"LINE", "WHAT", "CARD"}}
	readers, err := reader.ListPCSC("")
	if err != nil {
		list.Notes = append(list.Notes, strings.TrimPrefix(err.Error(), "reader: "))
	}
	for _, r := range readers {
		s := reader.Spec{Kind: reader.PCSC, Address: r.Name}
		list.Readers = append(list.Readers, jsonReader{Line: s.String(), Kind: string(s.Kind), Name: r.Name, Card: &r.Present, ATR: fmt.Sprintf("%X", r.ATR), InUse: r.InUse})
		what := "no card"
		if r.Present {
			what = fmt.Sprintf("% X", r.ATR)
		}
		rows = append(rows, []string{s.String(), "reader of pcscd", what})
	}
	ports, err := reader.SerialPorts(sys, dev)
	if err != nil {
		list.Notes = append(list.Notes, strings.TrimPrefix(err.Error(), "reader: "))
	}
	for _, p := range ports {
		s := reader.Spec{Kind: reader.Serial, Address: p.Path, Protocol: reader.ProtocolCCIDSerial}
		list.Readers = append(list.Readers, jsonReader{Line: s.String(), Kind: string(s.Kind), Name: p.Name, ByID: p.ByID, USB: p.USB, Driver: p.Driver})
		rows = append(rows, []string{s.String(), strings.Join(strings.Fields("serial port "+p.Name+" "+p.USB), " "), "not asked"})
	}
	if asJSON {
		return writeJSON(a.stdout, list)
	}
	var b strings.Builder
	if len(rows) > 1 {
		b.WriteString(table(rows))
	} else {
		b.WriteString("no reader is attached, and no serial port: plug one in\n")
	}
	for _, n := range list.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return a.print(b.String())
}

// interruptible gives a context that a signal ends; a second signal ends the program the hard way.
func interruptible(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if limit <= 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	return ctx, func() { cancel(); stop() }
}

// onWall runs f in real time; ended tells that the context did so and not f.
func onWall(ctx context.Context, f func(w *sim.Wall) error) (ended bool, err error) {
	w := sim.NewWall(ctx)
	cause := w.Run(func(sim.Clock) { err = f(w) })
	return cause != nil, err
}

// parseLine reads the value of --reader.
func parseLine(text string) (reader.Spec, error) {
	if text == "" {
		return reader.Spec{}, misuse("--reader: want a LINE (posim reader list shows those there are)")
	}
	s, err := reader.ParseLine(text)
	if err != nil {
		return s, misuse("%w", err)
	}
	return s, nil
}

// libraryCard makes a card of the library.
func libraryCard(name string) (*card.Card, error) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, err
	}
	p := l.Card(name)
	switch {
	case p == nil:
		return nil, misuse("unknown card %q: want one of %s", name, strings.Join(l.Cards(), ", "))
	case !p.HasChip:
		return nil, misuse("card %q has no chip", name)
	}
	return card.New(p)
}

// emulatedCards is what emu: lines name.
func emulatedCards() reader.Options {
	return reader.Options{Card: func(name string) (reader.EmulatedCard, error) {
		c, err := libraryCard(name)
		if err != nil {
			return nil, err
		}
		return c, nil
	}}
}

// readerFailure decides the exit status: what the caller can mend by other arguments is a misuse.
func readerFailure(err error) error {
	if f := (*failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	for _, mine := range []error{reader.ErrNoPort, reader.ErrPortBusy, reader.ErrNoReader, reader.ErrNoService, os.ErrPermission} {
		if errors.Is(err, mine) {
			return misuse("%w", err)
		}
	}
	return failed(err)
}
