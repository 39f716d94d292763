package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/host"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// traceFlags are the flags of trace.
type traceFlags struct {
	data         []string
	host         string
	lang         language
	asJSON, open bool

	terminal, stan, rrn, amount, at, last4 string
}

func (a *app) traceCommand() *cobra.Command {
	var f traceFlags
	c := &cobra.Command{
		Use: "trace", Short: "where the money of a transaction is, why, and what happens next", Args: none,
		Long: `trace answers the merchant: what each party has on record, what was when, where the money is now, why, whether it comes by itself
and when, and who must do what. It reads records and changes nothing: what posim run --keep DIR has left of a run, a terminal's data directory,
a host's, or several of them together, which are taken as one house. With --host it asks a running host for the records that its data
directory has: its journal is the terminal's own, and comes with --data.

Say which transaction it is by what is known: terminal, trace number, reference number, amount, date or time, the card's last four
digits. If none is like that, or several are, it says so, lists them, and the exit status is 1; it is 2 when the question makes no sense.
The answer is one of: approved, declined, reversed, in doubt, held, paid, payout failed.

With --open it lists what is not at rest: what is due, waits for a date, or is in somebody's hands.`,
		Example: `  posim run --keep runs testdata/scenarios/W04-approval-lost.yaml
  posim trace --data runs/W04 --stan 000002
  posim trace --data runs/W04 --amount 100.00 --time 14:05 --lang zh
  posim trace --data runs/W04/terminal --data runs/W04/host --rrn 606114000001 --json
  posim trace --data runs/W04/host --card 0119 --time 2026-03-02
  posim trace --data runs/W04 --open
  posim trace --host 127.0.0.1:8584 --terminal SIM00001 --stan 000002
  posim trace --host 127.0.0.1:8584 --data runs/W04/terminal --open`,
		RunE: func(*cobra.Command, []string) error { return a.trace(&f) },
	}
	c.Flags().StringArrayVar(&f.data, "data", nil, "read this directory `DIR`: a kept run, a terminal's data, a host's; may be given several times")
	c.Flags().StringVar(&f.host, "host", "", "ask a running host by its admin view at `ADDRESS:PORT` (a posim host's: "+defaultAdmin+")")
	c.Flags().StringVar(&f.terminal, "terminal", "", "the terminal's number `TID`")
	c.Flags().StringVar(&f.stan, "stan", "", "system trace audit number `STAN`, up to six digits")
	c.Flags().StringVar(&f.rrn, "rrn", "", "retrieval reference number `RRN`, twelve characters")
	c.Flags().StringVar(&f.amount, "amount", "", "what was asked for: `AMOUNT` with two decimals")
	c.Flags().StringVar(&f.at, "time", "", "`TIME` on the terminal: 2026-03-02, 14:05, 14:05:11, or date and time with a blank or a T between")
	c.Flags().StringVar(&f.last4, "card", "", "the last four digits `LAST4` of the card")
	c.Flags().BoolVar(&f.open, "open", false, "list every transaction that is not at rest")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	langFlag(c, &f.lang)
	_ = c.MarkFlagDirname("data") // the flag is there
	return c
}

// clock is what --time takes.
var clock = regexp.MustCompile(`^(?:(\d{4}-\d{2}-\d{2})(?:[ T]|$))?(\d{2}:\d{2}(?::\d{2})?)?$`)

// query checks what was asked for.
func (f *traceFlags) query() (q scenario.Query, err error) {
	switch {
	case len(f.data) == 0 && f.host == "":
		return q, misuse("trace: want --data DIR or --host ADDRESS:PORT")
	}
	q.Terminal, q.RRN, q.Last4 = f.terminal, f.rrn, f.last4
	if f.stan != "" {
		if len(f.stan) > 6 || strings.Trim(f.stan, "0123456789") != "" || strings.Trim(f.stan, "0") == "" {
			return q, misuse("trace: --stan %q: want up to six digits, not all of them 0", f.stan)
		}
		q.STAN = strings.Repeat("0", 6-len(f.stan)) + f.stan
	}
	if f.last4 != "" && (len(f.last4) != 4 || strings.Trim(f.last4, "0123456789") != "") {
		return q, misuse("trace: --card: want the last four digits, and no more of them")
	}
	if f.amount != "" {
		m, err := scenario.ParseMoney(f.amount)
		if err != nil || m <= 0 {
			return q, misuse("trace: --amount %.20q: want an amount with two decimals such as 100.00", f.amount)
		}
		q.Amount = int64(m)
	}
	if f.at != "" {
		if err := f.when(&q); err != nil {
			return q, err
		}
	}
	if f.open && q != (scenario.Query{}) {
		return q, misuse("trace: --open lists everything that is not at rest: leave the rest of the question out")
	}
	if !f.open && q == (scenario.Query{}) {
		return q, misuse("trace: which transaction? want --terminal, --stan, --rrn, --amount, --time or --card, or --open")
	}
	return q, nil
}

func (f *traceFlags) when(q *scenario.Query) error {
	parts := clock.FindStringSubmatch(f.at)
	if parts == nil || parts[1] == "" && parts[2] == "" || strings.HasSuffix(f.at, "T") || strings.HasSuffix(f.at, " ") {
		return misuse("trace: --time %.30q: want 2026-03-02, 14:05, 14:05:11, or both", f.at)
	}
	q.Date, q.Time = parts[1], parts[2]
	if q.Date != "" {
		if _, err := time.Parse(time.DateOnly, q.Date); err != nil {
			return misuse("trace: --time %.30q: no such day", f.at)
		}
	}
	if q.Time != "" {
		if _, err := time.Parse(time.TimeOnly[:len(q.Time)], q.Time); err != nil {
			return misuse("trace: --time %.30q: no such time of day", f.at)
		}
	}
	return nil
}

func (a *app) trace(f *traceFlags) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	d, err := a.dossier(f)
	if err != nil {
		return err
	}
	if f.open {
		return a.listOpen(d.Open(), f)
	}
	found := d.Find(q)
	if f.asJSON {
		return a.traceJSON(found, d.Count(), f)
	}
	lang := terminal.Lang(f.lang)
	switch len(found) {
	case 1:
		return a.print(found[0].Text(lang))
	case 0:
		return failed(fmt.Errorf("trace: no transaction of %d is like that", d.Count()))
	}
	if err := a.print(findingLines(found, lang)); err != nil {
		return err
	}
	return failed(fmt.Errorf("trace: %d transactions are like that: say more", len(found)))
}

func findingLines(all []*scenario.Finding, lang terminal.Lang) string {
	var b strings.Builder
	for _, x := range all {
		fmt.Fprintln(&b, x.Line(lang))
	}
	return b.String()
}

// dossier reads what the question is about.
func (a *app) dossier(f *traceFlags) (*scenario.Dossier, error) {
	stores, err := f.stores()
	if err != nil {
		return nil, err
	}
	d, err := stores.Read()
	if err != nil {
		return nil, failed(fmt.Errorf("trace: %w", err))
	}
	return d, nil
}

// stores are the records: of directories, and of a running host.
func (f *traceFlags) stores() (*scenario.Stores, error) {
	if f.host == "" {
		s, err := scenario.ReadStores(f.data...)
		if err != nil {
			return nil, misuse("trace: %w", err)
		}
		return s, nil
	}
	all := &scenario.Stores{}
	for _, path := range f.data { // one by one: the host tells which terminal is which
		s, err := scenario.ReadStores(path)
		if err != nil {
			return nil, misuse("trace: %w", err)
		}
		if len(s.Logs) > 0 {
			return nil, misuse("trace: %s holds a host's log, and --host asks another host: want one of them", s.Logs[0].Place)
		}
		all.Journals = append(all.Journals, s.Journals...)
	}
	var err error
	all.Logs, err = askedLogs(f.host)
	return all, err
}

// askedLogs asks a running host for its records.
func askedLogs(addr string) (logs []scenario.Store, err error) {
	client, err := host.NewAdminClient(addr)
	if err != nil {
		return nil, misuse("trace: %w", err)
	}
	defer client.Close()
	for _, party := range host.RecordedParties() {
		log, err := host.ReadLog(context.Background(), client, party)
		if err != nil {
			return nil, failed(fmt.Errorf("trace: %w", err))
		}
		logs = append(logs, scenario.Store{Party: party, Data: log})
	}
	return logs, nil
}

// listOpen lists what is not at rest. Nothing to list is no failure.
func (a *app) listOpen(all []*scenario.Finding, f *traceFlags) error {
	if f.asJSON {
		return writeJSON(a.stdout, jsonTraces{Version: traceVersion, Transactions: jsonFindings(all, terminal.Lang(f.lang))})
	}
	if len(all) == 0 {
		text := "everything is at rest\n"
		if terminal.Lang(f.lang) == terminal.Chinese {
			text = "没有未完结的交易\n"
		}
		return a.print(text)
	}
	lang := terminal.Lang(f.lang)
	var b strings.Builder
	for _, x := range all {
		fmt.Fprintf(&b, "%s\n    %s\n    %s\n", x.Line(lang), x.Cause.In(lang), x.Next.Says.In(lang))
	}
	return a.print(b.String())
}
