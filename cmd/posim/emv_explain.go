package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/emv"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal/tui"
)

// explainFlags are what is asked of a card.
type explainFlags struct {
	amount, terminal, answer string
	pins, faults             []string
	noLine, rules            bool
	json, verbose            bool
	seed                     uint64
}

func (a *app) explainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use: "explain CARD|SCRIPT", Short: "why a card said yes or no: every decision, with its rule and its place in the books",
		Long: `explain has a CARD of the library pay at a terminal, in virtual time and with the whole house behind it, and shows every
decision of the EMV kernel in order: rule, book and section, what came of it, and the bits of TVR and TSI it set. Last comes
the answer to why: the decisions on which the transaction turned, and where the bits came from that they looked at.

The PIN typed is the right one unless --pin says otherwise; --pin "" presses ENTER on nothing. --answer has the issuer answer
with a response code, --no-line takes the line away, --fault strikes anything (posim faults). Instead of a card, a SCRIPT (a
file, or the id of a built-in one) explains each of its chip sales. --rules lists the rules themselves.`,
		Example: `  posim emv explain visa-credit
  posim emv explain visa-offline --amount 500.00 --no-line
  posim emv explain visa-credit --answer 05 --verbose
  posim emv explain W12
  posim emv explain visa-credit --json
  posim emv explain --rules`,
		ValidArgsFunction: cardNames,
		Args:              cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case f.rules && len(args) > 0:
				return misuse("emv explain: --rules goes without a card")
			case f.rules:
				return a.explainRules(f.json)
			case len(args) == 0:
				return misuse("emv explain: want a CARD (posim card list) or a SCRIPT, or --rules")
			}
			return a.explain(c, args[0], f)
		},
	}
	c.Flags().StringVar(&f.amount, "amount", "10.00", "the `AMOUNT` of the sale")
	c.Flags().StringVar(&f.terminal, "terminal", "generic", "`NAME` of the terminal's profile")
	c.Flags().StringArrayVar(&f.pins, "pin", nil, "the `PIN` typed; again for the next prompt")
	c.Flags().StringVar(&f.answer, "answer", "", "the issuer answers with this response `CODE`")
	c.Flags().StringArrayVar(&f.faults, "fault", nil, "a `FAULT` that strikes during the sale")
	c.Flags().BoolVar(&f.noLine, "no-line", false, "the terminal's line is down")
	c.Flags().BoolVar(&f.rules, "rules", false, "list the rules of the kernel")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.Flags().BoolVar(&f.verbose, "verbose", false, "show what each decision looked at")
	seedFlag(c, &f.seed)
	return c
}

// explainRules lists the kernel's rules.
func (a *app) explainRules(asJSON bool) error {
	type rule struct {
		Rule  string `json:"rule"`
		Book  string `json:"book"`
		About string `json:"about"`
	}
	var all []rule
	var rows [][]string
	for _, r := range emv.Rules() {
		all = append(all, rule{r.String(), r.Book(), r.About()})
		rows = append(rows, []string{r.String(), r.Book(), r.About()})
	}
	if asJSON {
		return writeJSON(a.stdout, struct {
			Rules []rule `json:"rules"`
		}{all})
	}
	return a.print(table(rows))
}

// explained is one chip sale.
type explained struct {
	decisions []emv.Decision
}

// result is how it ended.
func (e *explained) result() string {
	last := e.decisions[len(e.decisions)-1]
	if last.Rule != emv.RuleOutcome {
		return "it did not end: the card or the terminal broke off"
	}
	return last.Text
}

func (a *app) explain(c *cobra.Command, what string, f explainFlags) error {
	library, script, err := a.explainScript(c, what, f)
	if err != nil {
		return err
	}
	var sales []*explained
	begin := true
	r := library.Run(script, scenario.Options{Seed: f.seed, IgnoreExpect: true, Story: func(l scenario.Line) {
		if l.Decision == nil {
			return
		}
		if begin || l.Decision.Rule == emv.RuleDirectory {
			sales = append(sales, &explained{})
		}
		begin = l.Decision.Rule == emv.RuleOutcome
		e := sales[len(sales)-1]
		e.decisions = append(e.decisions, *l.Decision)
	}})
	if r.Failure != nil && r.Failure.Err != nil {
		return failed(r.Failure.Err)
	}
	if len(sales) == 0 {
		return failed(fmt.Errorf("%s: the EMV kernel decided nothing: no chip was read", what))
	}
	if f.json {
		return writeJSON(a.stdout, jsonSales(what, f.seed, sales))
	}
	for i, e := range sales {
		if len(sales) > 1 {
			fmt.Fprintf(a.stdout, "%schip sale %d of %d\n", strings.Repeat("\n", min(i, 1)), i+1, len(sales))
		}
		e.write(a.stdout, f.verbose)
	}
	return nil
}

// explainScript is the script to run: a sale with a card, or one that exists.
func (a *app) explainScript(c *cobra.Command, what string, f explainFlags) (*scenario.Library, *scenario.Script, error) {
	library, scripts, err := builtIn()
	if err != nil {
		return nil, nil, err
	}
	if p := library.Card(what); p != nil {
		if !p.HasChip {
			return nil, nil, misuse("emv explain: %s has no chip", what)
		}
		if !c.Flags().Changed("pin") {
			f.pins = slices.Repeat([]string{p.Issuer.PIN()}, 3)
		}
		s, err := f.script(library, what)
		return library, s, err
	}
	for _, name := range []string{"amount", "terminal", "answer", "pin", "fault", "no-line"} {
		if c.Flags().Changed(name) {
			return nil, nil, misuse("emv explain: --%s is for a card of the library, and %s is none (posim card list)", name, what)
		}
	}
	for _, s := range scripts {
		if s.ID == what {
			return library, s, nil
		}
	}
	if !strings.HasSuffix(what, ".yaml") && !strings.HasSuffix(what, ".yml") {
		return nil, nil, misuse("emv explain: %s is no card (posim card list), no built-in script and no file", what)
	}
	s, err := parseFile(library, what)
	if err != nil {
		return nil, nil, misuse("%w", err)
	}
	return library, s, nil
}

// script is one sale, in the language of scripts.
func (f *explainFlags) script(library *scenario.Library, card string) (*scenario.Script, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "name: explain\nzh: 解释\ncard: %q\nterminal: %q\nsteps:\n", card, f.terminal)
	if f.noLine {
		b.WriteString("  - line: down\n")
	}
	pins := make([]string, len(f.pins))
	for i, p := range f.pins {
		pins[i] = fmt.Sprintf("%q", p)
	}
	fmt.Fprintf(&b, "  - sale: {amount: %q, pin: [%s]}\n", f.amount, strings.Join(pins, ", "))
	faults := slices.Clone(f.faults)
	if f.answer != "" {
		faults = append(faults, "issuer[0200].answer("+f.answer+")")
	}
	if len(faults) > 0 {
		b.WriteString("    faults:\n")
		for _, x := range faults {
			fmt.Fprintf(&b, "      - %q\n", x)
		}
	}
	b.WriteString("expect: {end: F0|F1|F2|F3}\n")
	s, err := scenario.Parse("explain.yaml", []byte(b.String()), library.Known())
	if err != nil {
		return nil, misuse("emv explain: %w", err)
	}
	return s, nil
}

func (e *explained) write(w io.Writer, verbose bool) {
	step := ""
	for i := range e.decisions {
		d := &e.decisions[i]
		if d.Rule.Step() != step {
			step = d.Rule.Step()
			fmt.Fprintf(w, "%s\n", step)
		}
		_, name, _ := strings.Cut(d.Rule.String(), ".")
		writeDecision(w, d, name, verbose)
	}
	fmt.Fprintf(w, "\nwhy: %s\n", e.result())
	for _, d := range emv.Because(e.decisions) {
		if d.Rule != emv.RuleOutcome {
			writeDecision(w, &d, d.Rule.String(), true)
		}
	}
}

// writeDecision is a line, what it set, and what it looked at.
func writeDecision(w io.Writer, d *emv.Decision, name string, verbose bool) {
	const nameWidth, bookWidth = 28, 16
	fmt.Fprintf(w, "  %s %s %s\n", tui.Pad(name, nameWidth), tui.Pad(d.Rule.Book(), bookWidth), d.Text)
	indent := strings.Repeat(" ", nameWidth+bookWidth+6)
	for _, bit := range d.Changed() {
		fmt.Fprintf(w, "%s%s\n", indent, bit)
	}
	if verbose {
		for _, in := range d.Inputs {
			fmt.Fprintf(w, "%s%s: %s\n", indent, in.Name, in.Value)
		}
	}
}

// jsonSales is what explain says, in fields.
func jsonSales(what string, seed uint64, sales []*explained) any {
	type sale struct {
		Outcome   string          `json:"outcome"`
		Decisions []*jsonDecision `json:"decisions"`
		Because   []*jsonDecision `json:"because"`
	}
	out := struct {
		Version string `json:"version"`
		What    string `json:"what"`
		Seed    uint64 `json:"seed"`
		Sales   []sale `json:"sales"`
	}{posim.Version, what, seed, []sale{}}
	for _, e := range sales {
		out.Sales = append(out.Sales, sale{e.result(), jsonDecisions(e.decisions), jsonDecisions(emv.Because(e.decisions))})
	}
	return out
}

func jsonDecisions(all []emv.Decision) []*jsonDecision {
	list := []*jsonDecision{}
	for i := range all {
		list = append(list, jsonDecisionOf(&all[i]))
	}
	return list
}
