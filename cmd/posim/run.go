package main

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal/tui"
)

// runFlags are the flags of run.
type runFlags struct {
	json, verbose bool
	seed          uint64
	seeded        bool // --seed was given
	lang          language
	spoken        bool // --lang was given
	junit, naive  string
	record, keep  string
	real          realFlags
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use: "run [PATH...]", Short: "run scripts and judge them",
		Long: `run runs scripts in virtual time and judges each: its own expectations, and the money.

Without PATH it runs the built-in library. A PATH is a script or a folder of scripts; cards and terminals are always
those of the built-in library. The exit status is 0 when all passed, 1 when one failed, 2 when one does not parse.

With --reader, --host or --data the same scripts run in real time, one after the other; what is not named is built in. A
LINE is /dev/ttyUSB0?protocol=ccid-serial, pcsc://NAME (pcsc:// is the only reader), tcp://HOST:PORT?protocol=ccid-serial,
or emu:. replay:FILE is a recorded card in the built-in reader, in virtual time unless something else is real; its cryptograms
are right for the amount and the day of the recording. With a host that is not ours, give no --admin: what its books say is then reported as not observable.`,
		Example: `  posim run
  posim run --verbose testdata/scenarios/W04-approval-lost.yaml
  posim run --json --seed 7
  posim run --junit report.xml --lang zh
  posim run --naive no-wal
  posim run --record sale.json testdata/scenarios/W01-sale-paid.yaml
  posim run --keep runs testdata/scenarios/W04-approval-lost.yaml
  posim run --data ./till testdata/scenarios/W01-sale-paid.yaml
  posim run --reader pcsc:// --host 127.0.0.1:8583 testdata/scenarios/W01-sale-paid.yaml`,
		RunE: func(c *cobra.Command, paths []string) error {
			f.seeded, f.spoken = c.Flags().Changed("seed"), c.Flags().Changed("lang")
			return a.runScripts(f, paths)
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.Flags().BoolVar(&f.verbose, "verbose", false, "tell the story of every run")
	c.Flags().StringVar(&f.junit, "junit", "", "write a JUnit report to this `FILE`")
	c.Flags().StringVar(&f.record, "record", "", "write the card's side of each chip sale to this `FILE` (FILE-2 for the second): posim emv replay")
	seedFlag(c, &f.seed)
	naiveFlag(c, &f.naive)
	langFlag(c, &f.lang)
	c.Flags().StringVar(&f.keep, "keep", "", "keep what each run leaves on its disks in this new directory `DIR`, a folder for each run: posim trace --data DIR/W04")
	_ = c.MarkFlagDirname("keep") // the flag is there
	f.real.add(c)
	return c
}

func seedFlag(c *cobra.Command, seed *uint64) {
	c.Flags().Uint64Var(seed, "seed", 1, "seed `N` of everything that is not determined")
}

func naiveFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "naive", "", "leave out what this variant `NAME` leaves out; only the judge decides then")
	_ = c.RegisterFlagCompletionFunc("naive", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, v := range rules.Variants() {
			if !v.Safe { // a safe one can be typed, and nothing happens: it is there to judge the judge
				names = append(names, v.Name+"\t"+v.ID+": "+v.About)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}) // the flag is there
}

// variant finds a naive variant. Without a name it is the zero Variant, which leaves nothing out.
func variant(name string) (rules.Variant, error) {
	if _, err := rules.Without(name); err != nil {
		return rules.Variant{}, misuse("%w", err)
	}
	for _, v := range rules.Variants() {
		if v.Name == name {
			return v, nil
		}
	}
	return rules.Variant{}, nil
}

// seedOf is the seed of a report; nil: real time has none.
func (f *runFlags) seedOf() *uint64 {
	if f.real.asked() {
		return nil
	}
	return &f.seed
}

// optionsOf is how scripts run with or without a naive variant.
func optionsOf(seed uint64, v rules.Variant) scenario.Options {
	return scenario.Options{Seed: seed, Rules: v.Rules, IgnoreExpect: v.Name != ""}
}

func (a *app) runScripts(f runFlags, paths []string) error {
	naive, err := variant(f.naive)
	if err == nil {
		err = f.real.check(f.naive)
	}
	if err == nil && f.keep != "" && f.real.asked() {
		err = misuse("--keep keeps the disks of virtual time: with --reader, --host and --data there are real ones")
	}
	if err == nil && f.seeded && f.real.asked() {
		err = misuse("--seed needs virtual time: leave out --reader, --host and --data")
	}
	if err != nil {
		return err
	}
	library, scripts, err := a.load(paths)
	if err != nil {
		return err
	}
	switch {
	case f.record != "" && (len(scripts) != 1 || len(paths) == 0):
		return misuse("--record keeps the card's side of one script: name it")
	case f.record != "" && scripts[0].Repeats():
		return misuse("--record keeps the card's side of one run: %s is an enumeration (each:)", scripts[0].ID)
	}
	var stores *keeper
	if f.keep != "" {
		if stores, err = newKeeper(f.keep); err != nil {
			return err
		}
	}
	kept := recordings{file: f.record}
	var junit io.WriteCloser
	if f.junit != "" {
		if junit, err = createReport(f.junit); err != nil {
			return err
		}
		defer junit.Close()
	}
	t := &text{w: a.stdout, lang: f.lang, colours: a.colours, paths: paths, naive: naive, verbose: f.verbose, names: nameWidth(scripts, f.lang), real: f.real.asked()}
	if !f.spoken {
		t.spoken = spoken(library, scripts)
	}
	if !f.json {
		t.header(f.seed, len(scripts))
	}
	began := a.now()
	var all []*report
	done := func(r *report) {
		if !f.json {
			t.report(r)
			r.story = nil // told
		}
		all = append(all, r)
	}
	if f.real.asked() {
		if err := a.runReal(library, scripts, f, len(paths) > 0, kept.hook(), done); err != nil {
			return err
		}
	} else {
		o := optionsOf(f.seed, naive)
		o.Record = kept.hook()
		if stores != nil {
			o.Keep = stores.keep
		}
		if o.Transcript, err = f.real.recorded(); err != nil {
			return err
		}
		a.runAll(library, scripts, o, f.verbose, done)
	}
	if err := errors.Join(kept.write(a.stderr, scripts), stores.done()); err != nil {
		return err
	}
	sum := total(all, a.now().Sub(began))
	if f.json {
		err = writeJSON(a.stdout, jsonReport{Version: posim.Version, Seed: f.seedOf(), Naive: f.naive, Scenarios: jsonScenarios(all, f.lang), Totals: sum.json()})
	} else {
		t.totals(sum)
	}
	if err == nil && junit != nil {
		if err = writeJUnit(junit, all, f.seedOf(), f.lang, sum); err != nil {
			return failed(err)
		}
	}
	if err != nil {
		return err
	}
	if sum.failed > 0 {
		return failed(nil)
	}
	return nil
}

// summary is what all scripts came to.
type summary struct {
	passed, failed, runs int
	virtual, wall        time.Duration
}

func total(all []*report, wall time.Duration) summary {
	s := summary{wall: wall}
	for _, r := range all {
		if r.Passed {
			s.passed++
		} else {
			s.failed++
		}
		s.runs += r.Runs
		s.virtual += r.Virtual
	}
	return s
}

func nameWidth(scripts []*scenario.Script, lang language) int {
	const least, most = 28, 50
	n := least
	for _, s := range scripts {
		n = max(n, tui.Columns(titleOf(s.ID, s.Name, s.Zh, lang)))
	}
	return min(n, most)
}

// replayLine is the command that runs a failed run again.
func replayLine(id string, paths []string, naive string) string {
	line := "posim replay "
	if naive != "" {
		line += "--naive " + naive + " "
	}
	for _, p := range paths {
		line += "--from " + quoted(p) + " "
	}
	return line + quoted(id)
}

// quoted is s as a word of a shell.
func quoted(s string) string {
	out := "'"
	for _, r := range s {
		if r == '\'' {
			out += `'\''`
			continue
		}
		out += string(r)
	}
	return out + "'"
}
