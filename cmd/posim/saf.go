package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// safCommand works on the store-and-forward queue of a terminal that is off: its data directory must not be in use.
func (a *app) safCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "saf", Short: "what a terminal still has to send: reversals and advices",
		Long: `A terminal keeps what it could not send in its journal: reversals first, then what was approved offline, then what a person has
set aside. These commands look at the queue of a terminal that is off, in its data directory (posim run --data DIR, posim tui --data DIR).
A running terminal has the same in its menu.`,
		Example: "  posim run --keep runs testdata/scenarios/W35-tamper.yaml\n  posim saf list --data runs/W35/terminal\n  posim saf retry --data runs/W35/terminal\n  posim saf park --data runs/W35/terminal 000001 --reason 'confirmed by telephone'",
	}, "list, retry or park")
	c.AddCommand(a.safListCommand(), a.safRetryCommand(), a.safParkCommand())
	return c
}

// safFlags say whose queue is meant.
type safFlags struct {
	data   string
	asJSON bool
}

func (f *safFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.data, "data", "", "the terminal's data directory `DIR`")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	_ = c.MarkFlagDirname("data") // the flag is there
}

// with opens the queue for do, and prints what is in it then, behind the line that do returns.
func (a *app) withQueue(f *safFlags, do func(*terminal.Queue) (line string, err error)) (err error) {
	if f.data == "" {
		return misuse("saf: want --data DIR")
	}
	if _, err := os.Stat(f.data); err != nil {
		return misuse("saf: data directory: %w", err)
	}
	dir, err := scenario.OpenTerminalData(f.data)
	if err != nil {
		return misuse("%w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if _, err := dir.ReadFile(terminal.JournalFile); errors.Is(err, fs.ErrNotExist) {
		return misuse("saf: %s has no journal: this terminal has never been switched on", f.data)
	}
	q, err := terminal.OpenQueue(dir)
	if err != nil {
		return failed(err)
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	line, err := do(q)
	if err != nil {
		return failed(err)
	}
	return a.printQueue(q, line, f.asJSON)
}

// jsonItem is an item of the queue in --json.
type jsonItem struct {
	STAN     string `json:"stan"`
	Date     string `json:"date"` // MMDD
	Time     string `json:"time"` // hhmmss
	Batch    string `json:"batch,omitempty"`
	Kind     string `json:"kind"`
	Amount   int64  `json:"amount"` // minor units
	Card     string `json:"card,omitempty"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Code     string `json:"code,omitempty"`
	Attempts int    `json:"attempts"`
	Parking  string `json:"parked_because,omitempty"`
}

func (a *app) printQueue(q *terminal.Queue, line string, asJSON bool) error {
	items := q.Items()
	if asJSON {
		list := make([]jsonItem, 0, len(items))
		for _, i := range items {
			list = append(list, jsonItem{i.STAN, i.Date, i.Time, i.Batch, i.Kind.String(), i.Amount, i.Card, string(i.State), i.Reason, i.Code, i.Attempts, i.Parking})
		}
		return writeJSON(a.stdout, struct {
			Paused bool       `json:"paused"`
			Items  []jsonItem `json:"items"`
		}{q.Paused(), list})
	}
	var b strings.Builder
	if line != "" {
		fmt.Fprintln(&b, line)
	}
	if q.Paused() {
		b.WriteString("sending is paused\n")
	}
	for _, i := range items {
		fmt.Fprintf(&b, "%s  %s %s  %-12s %12s  %-16s  %-11s  tries %d", i.STAN, i.Date, i.Time, i.Kind, terminal.Amount(i.Amount), i.Card, i.State, i.Attempts)
		if i.Batch != "" {
			fmt.Fprintf(&b, "  batch %s", i.Batch)
		}
		if i.Reason != "" {
			fmt.Fprintf(&b, "  reason %s", i.Reason)
		}
		if i.Parking != "" {
			fmt.Fprintf(&b, "  %s", i.Parking)
		}
		b.WriteByte('\n')
	}
	if len(items) == 0 {
		b.WriteString("nothing waits\n")
	}
	return a.print(b.String())
}

func (a *app) safListCommand() *cobra.Command {
	var f safFlags
	c := &cobra.Command{
		Use: "list", Short: "what waits, in the order in which it is sent", Args: none,
		Long:    "Lists reversals, then what was approved offline, then what a person has set aside: STAN, date and time, kind, amount, card,\nstate, and how often it was tried, as far as the terminal's profile has tries counted (saf.attempts). Changes nothing.",
		Example: "  posim run --keep runs testdata/scenarios/W35-tamper.yaml\n  posim saf list --data runs/W35/terminal\n  posim saf list --data runs/W35/terminal --json",
		RunE: func(*cobra.Command, []string) error {
			return a.withQueue(&f, func(*terminal.Queue) (string, error) { return "", nil })
		},
	}
	f.add(c)
	return c
}

func (a *app) safRetryCommand() *cobra.Command {
	var f safFlags
	c := &cobra.Command{
		Use: "retry [STAN]", Short: "have everything, or one item, sent at the next start",
		Long: "Forgets how often items were tried and how long they would have to wait, so that each is sent in its place as soon as the\nterminal starts. Without a STAN it is all of them, and a queue that was paused goes on. What is set aside stays so.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse("saf retry: want at most one STAN, found %d", len(args))
			}
			return nil
		},
		Example: "  posim run --keep runs testdata/scenarios/W35-tamper.yaml\n  posim saf retry --data runs/W35/terminal\n  posim saf retry --data runs/W35/terminal 000001 --json",
		RunE: func(_ *cobra.Command, args []string) error {
			stan := ""
			if len(args) == 1 {
				stan = args[0]
			}
			return a.withQueue(&f, func(q *terminal.Queue) (string, error) {
				n, err := q.Retry(stan)
				return fmt.Sprintf("%d to send at the next start", n), err
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) safParkCommand() *cobra.Command {
	var f safFlags
	var reason string
	c := &cobra.Command{
		Use: "park STAN", Short: "set one item aside for a person: nothing is sent for it any more", Args: exactly("STAN"),
		Long: `Sets an item aside, durably and with a reason, which stays with it and is on the slip of its batch's settlement. The money that it
is about is then a matter for people: a reversal that is set aside leaves the cardholder charged until somebody sees to it. There is
no way back. What may still be on its way cannot be set aside: start the terminal once, which makes a reversal of it.`,
		Example: "  posim run --keep runs testdata/scenarios/W35-tamper.yaml\n  posim saf park --data runs/W35/terminal 000001 --reason 'confirmed by telephone'",
		RunE: func(_ *cobra.Command, args []string) error {
			if reason == "" {
				return misuse("saf park: want --reason TEXT")
			}
			return a.withQueue(&f, func(q *terminal.Queue) (string, error) {
				return args[0] + " set aside", q.Park(args[0], reason)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&reason, "reason", "", "why, at most 80 characters `TEXT`")
	return c
}
