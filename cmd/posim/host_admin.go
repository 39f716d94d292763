package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/host"
	"github.com/posim/posim/transport/dialect"
)

// adminFlags say which running host is asked.
type adminFlags struct {
	admin  string
	asJSON bool
}

func (f *adminFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.admin, "admin", defaultAdmin, "`ADDRESS:PORT` of the host's admin view")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
}

// ask asks a running host, and prints the answer.
func (a *app) askHost(f *adminFlags, ask func(context.Context, *host.AdminClient) (answer any, text string, err error)) error {
	client, err := host.NewAdminClient(f.admin)
	if err != nil {
		return misuse("%w", err)
	}
	defer client.Close()
	answer, text, err := ask(context.Background(), client)
	if refused := (*host.OrderError)(nil); errors.As(err, &refused) {
		return misuse("%w", err)
	}
	if err != nil {
		return failed(err)
	}
	if f.asJSON {
		b, err := json.Marshal(answer)
		if err != nil {
			return failed(err)
		}
		text = string(b) + "\n"
	}
	return a.print(text)
}

func (a *app) hostBatchesCommand() *cobra.Command {
	var f adminFlags
	c := &cobra.Command{
		Use: "batches", Short: "the batches that terminals have settled at a running host", Args: none,
		Long: `batches lists every batch that a terminal has sent totals of: its own totals and the host's, debits and credits as count and
sum in minor units, how they compared, how many lines came, and how many difference items its lines opened.`,
		Example: "  posim host batches\n  posim host batches --admin 127.0.0.1:9001 --json",
		RunE: func(*cobra.Command, []string) error {
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				all, err := client.Batches(ctx)
				var s strings.Builder
				for _, b := range all {
					fmt.Fprintf(&s, "%s %s %v: terminal %s, host %s, %s, lines %d, items %d\n",
						b.TID, b.Number, b.State, sums(&b.Terminal), sums(&b.Host), compared(b.Result), b.Uploaded, b.Items)
				}
				return struct {
					Batches []*host.Batch `json:"batches"`
				}{all}, s.String(), err
			})
		},
	}
	f.add(c)
	return c
}

// sums are totals in short: debits and credits, domestic and foreign together.
func sums(t *dialect.Totals) string {
	return fmt.Sprintf("+%d/%d -%d/%d", t.Debits.Count+t.ForeignDebits.Count, t.Debits.Amount+t.ForeignDebits.Amount,
		t.Credits.Count+t.ForeignCredits.Count, t.Credits.Amount+t.ForeignCredits.Amount)
}

// compared is a result in a word.
func compared(r dialect.SettlementResult) string {
	switch r {
	case dialect.SettlementEqual:
		return "equal"
	case dialect.SettlementNotEqual:
		return "not equal"
	}
	return "not compared"
}

func (a *app) hostTerminalsCommand() *cobra.Command {
	var f adminFlags
	c := &cobra.Command{
		Use: "terminals", Short: "how the terminals of a running host stand", Args: none,
		Long: `terminals lists every terminal that a host knows: what it speaks, whether it may sell and has signed on, the batch that it is in
with its debits and credits so far, and what the host asks it for.`,
		Example: "  posim host terminals\n  posim host terminals --json",
		RunE: func(*cobra.Command, []string) error {
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				all, err := client.Terminals(ctx)
				var s strings.Builder
				for i := range all {
					s.WriteString(terminalLine(&all[i]))
				}
				return struct {
					Terminals []host.TerminalReport `json:"terminals"`
				}{all}, s.String(), err
			})
		},
	}
	f.add(c)
	return c
}

func terminalLine(r *host.TerminalReport) string {
	on := "signed on"
	if !r.SignedOn {
		on = "not signed on"
	}
	s := fmt.Sprintf("%s %s %s, %s, batch %s %v: +%d/%d -%d/%d", r.TID, r.Dialect, r.Status, on, r.Batch, r.BatchState, r.Debits, r.DebitAmount, r.Credits, r.CreditAmount)
	if r.Why != "" {
		s += ", " + r.Why
	}
	if len(r.Requests) > 0 {
		s += ", asked for " + strings.Join(r.Requests, ", ")
	}
	return s + "\n"
}

func (a *app) hostTerminalCommand() *cobra.Command {
	var f adminFlags
	var disable, enable bool
	var requests []string
	c := &cobra.Command{
		Use: "terminal TID", Short: "tell a running host how to treat a terminal", Args: cobra.ExactArgs(1),
		Long: `terminal disables or enables a terminal, and has the host's next answers ask it for something until it has done it. A disabled
terminal sells nothing (58), and still reverses. Without an order it shows how the terminal stands.`,
		Example: "  posim host terminal SIM00001 --ask sign-on\n  posim host terminal SIM00001 --disable",
		RunE: func(_ *cobra.Command, args []string) error {
			o := host.TerminalOrder{TID: args[0]}
			switch {
			case disable && enable:
				return misuse("--disable with --enable: want one of them")
			case disable:
				o.Status = host.TerminalDisabled
			case enable:
				o.Status = host.TerminalEnabled
			}
			for _, name := range requests {
				r, err := dialect.ParseProcessingRequest(name)
				if err != nil || r == dialect.RequestNone {
					return misuse("--ask %q: want one of %s", name, strings.Join(dialect.ProcessingRequests(), ", "))
				}
				o.Requests = append(o.Requests, r)
			}
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				r, err := client.Terminal(ctx, o)
				return r, terminalLine(&r), err
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&disable, "disable", false, "refuse its requests from now on")
	c.Flags().BoolVar(&enable, "enable", false, "take them again")
	c.Flags().StringSliceVar(&requests, "ask", nil, "ask it for `NAME`: "+strings.Join(dialect.ProcessingRequests(), ", "))
	return c
}
