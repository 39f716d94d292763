package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/host"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

// reportVersion names the form of report --json.
const reportVersion = "posim-report/1"

// reportFlags are the flags of report.
type reportFlags struct {
	data           string
	date, merchant string
	plan           string
	lang           language
	asJSON, asCSV  bool
}

func (a *app) reportCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "report", Short: "what a host's logs say: statement, clearing file, differences, fees",
		Long: `Reports are made of the logs in a host's data directory (posim host --data DIR), or of what posim run --keep DIR has left of a run.
They read and change nothing. A host that is running is asked by its admin view: its directory is in use, and is not read.`,
		Example: `  posim run --keep runs testdata/scenarios/W01-sale-paid.yaml
  posim report statement --data runs/W01
  posim report clearing --data runs/W01 --date 2026-03-02 --csv
  posim report differences --data runs/W01 --lang zh
  posim report fees --data runs/W01/host --json`,
	}, strings.Join(scenario.Reports(), ", "))
	for _, r := range []struct{ name, short, long string }{
		{"statement", "what merchants get for each transaction, and whether they have it",
			`statement lists what was approved: amount, fee, what is left for the merchant, and its standing: paid, due, disputed (there is an item
about it), or borne by the acquirer. Credits have a minus. Totals are of each merchant, what is paid and what is due apart.`},
		{"clearing", "the acquirer's lines by business date",
			`clearing lists what the acquirer has approved, by business date, as it goes to be cleared: card type, the merchant category that it was
booked under, and on which side it counts. Totals are of each date.`},
		{"differences", "the items that are open",
			`differences lists the items of every party in the directory that nobody has settled: owner, deadline, amount and reason.`},
		{"fees", "the fee of each transaction, and what the contract says",
			`fees compares what was taken of each transaction that was paid out with the fee of its merchant's contract: the plan that the terminal's
profile names, or that of --plan. DIFFERENCE is what was taken less what is due: a sale that was booked under another
merchant's category shows there. The exit status is 1 when a fee differs.`},
	} {
		c.AddCommand(a.reportOf(r.name, r.short, r.long))
	}
	return c
}

func (a *app) reportOf(name, short, long string) *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use: name, Short: short, Long: long, Args: none,
		Example: fmt.Sprintf("  posim run --keep runs testdata/scenarios/W01-sale-paid.yaml\n  posim report %[1]s --data runs/W01\n"+
			"  posim report %[1]s --data runs/W01 --date 2026-03-02 --csv\n  posim report %[1]s --data runs/W01 --lang zh", name),
		RunE: func(*cobra.Command, []string) error { return a.report(name, &f) },
	}
	c.Flags().StringVar(&f.data, "data", "", "a host's data directory `DIR`, or a kept run")
	c.Flags().StringVar(&f.date, "date", "", "of one business date `YYYY-MM-DD` only")
	c.Flags().StringVar(&f.merchant, "merchant", "", "of one merchant `MID` only")
	if name == "fees" {
		c.Flags().StringVar(&f.plan, "plan", "", "the contract's fee plan `NAME`, instead of what the profiles name")
	}
	c.Flags().BoolVar(&f.asCSV, "csv", false, "print comma-separated values")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object; amounts are minor units")
	langFlag(c, &f.lang)
	_ = c.MarkFlagDirname("data") // the flag is there
	return c
}

func (a *app) report(name string, f *reportFlags) error {
	switch {
	case f.data == "":
		return misuse("report: want --data DIR")
	case f.asCSV && f.asJSON:
		return misuse("report: --csv and --json: want one of them")
	}
	if _, err := time.Parse(time.DateOnly, f.date); f.date != "" && err != nil {
		return misuse("report: --date %.20q: want a date such as 2026-03-02", f.date)
	}
	l, _, err := builtIn()
	if err != nil {
		return failed(err)
	}
	contracts := l.Contracts()
	if f.plan != "" {
		p := l.Plan(f.plan)
		if p == nil {
			return misuse("report: --plan %.40q: want one of %s", f.plan, strings.Join(l.Plans(), ", "))
		}
		contracts = func(string, string) *host.FeePlan { return p.FeePlan }
	}
	stores, err := scenario.ReadStores(f.data)
	if err != nil {
		return misuse("report: %w", err)
	}
	views, torn, err := stores.HostViews()
	if err != nil {
		return failed(fmt.Errorf("report: %w", err))
	}
	for _, place := range torn {
		fmt.Fprintf(a.stderr, "posim: report: %s: the last record is half written, and left out\n", place)
	}
	acquirer := views["acquirer"]
	if acquirer == nil && name != "differences" || len(views) == 0 {
		return misuse("report: %s holds no log of an acquirer: name a host's data directory", f.data)
	}
	filter := scenario.ReportFilter{Date: f.date, Merchant: f.merchant}
	var r *scenario.Report
	switch name {
	case "statement":
		r = scenario.Statement(acquirer, filter)
	case "clearing":
		r = scenario.Clearing(acquirer, filter)
	case "differences":
		r = scenario.Differences(views, filter)
	case "fees":
		r = scenario.FeeAudit(acquirer, contracts, filter)
	}
	if err := a.writeReport(r, f); err != nil {
		return err
	}
	if n := r.Differing(); n > 0 {
		return failed(fmt.Errorf("report: %d fees are not what the contract says", n))
	}
	return nil
}

func (a *app) writeReport(r *scenario.Report, f *reportFlags) error {
	lang := terminal.Lang(f.lang)
	switch {
	case f.asJSON:
		return writeJSON(a.stdout, jsonReportTable{reportVersion, r.Name, jsonRows(r, r.Rows), jsonRows(r, r.Totals)})
	case f.asCSV:
		var b strings.Builder
		w := csv.NewWriter(&b)
		heads := make([]string, len(r.Columns))
		for i, c := range r.Columns {
			heads[i] = c.Name
		}
		all := append([][]string{heads}, written(r, r.Rows, lang)...)
		if err := w.WriteAll(all); err != nil {
			return failed(err)
		}
		return a.print(b.String())
	}
	return a.print(reportText(r, lang))
}

// written are rows as texts.
func written(r *scenario.Report, rows [][]scenario.Cell, lang terminal.Lang) (all [][]string) {
	for _, row := range rows {
		line := make([]string, len(row))
		for i, c := range row {
			line[i] = c.In(r.Columns[i], lang)
		}
		all = append(all, line)
	}
	return all
}

// reportText is a report for people: columns of which nothing is known are left out.
func reportText(r *scenario.Report, lang terminal.Lang) string {
	rows, totals := written(r, r.Rows, lang), written(r, r.Totals, lang)
	var b strings.Builder
	b.WriteString(r.Title.In(lang) + "\n")
	if len(rows) == 0 {
		b.WriteString(terminalWord(lang, "nothing", "无记录") + "\n")
		return b.String()
	}
	heads := make([]string, len(r.Columns))
	widths := make([]int, len(r.Columns))
	for i, c := range r.Columns {
		heads[i] = c.Heading.In(lang)
		if !slices.ContainsFunc(append(slices.Clone(rows), totals...), func(line []string) bool { return line[i] != "" }) {
			continue
		}
		for _, line := range append(append([][]string{heads}, rows...), totals...) {
			widths[i] = max(widths[i], tui.Columns(line[i]))
		}
	}
	write := func(line []string) {
		var out []string
		for i, s := range line {
			switch {
			case widths[i] == 0:
			case r.Columns[i].Money:
				out = append(out, tui.PadLeft(s, widths[i]))
			default:
				out = append(out, tui.Pad(s, widths[i]))
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(out, "  "), " ") + "\n")
	}
	b.WriteByte('\n')
	write(heads)
	for _, line := range rows {
		write(line)
	}
	if len(totals) > 0 {
		b.WriteByte('\n')
	}
	for _, line := range totals {
		write(line)
	}
	return b.String()
}

func terminalWord(lang terminal.Lang, en, zh string) string {
	return scenario.Words{En: en, Zh: zh}.In(lang)
}

// jsonReportTable is report --json.
type jsonReportTable struct {
	Version string    `json:"version"`
	Report  string    `json:"report"`
	Rows    []jsonRow `json:"rows"`
	Totals  []jsonRow `json:"totals"`
}

// jsonRow is a row with the columns' names, in their order; cells with nothing in them are left out.
type jsonRow struct {
	columns []scenario.Column
	cells   []scenario.Cell
}

func jsonRows(r *scenario.Report, rows [][]scenario.Cell) []jsonRow {
	all := make([]jsonRow, 0, len(rows))
	for _, cells := range rows {
		all = append(all, jsonRow{r.Columns, cells})
	}
	return all
}

// MarshalJSON writes the cells, whose language is English.
func (r jsonRow) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, c := range r.columns {
		cell := r.cells[i]
		var value any = int64(cell.Money)
		if !c.Money {
			value = cell.Text.En
		}
		if cell.Empty || value == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		v, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, '"'), c.Name...), '"', ':')
		b = append(b, v...)
	}
	return append(b, '}'), nil
}
