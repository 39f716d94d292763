package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/terminal/tui"
)

// exploreFlags are the flags of explore.
type exploreFlags struct {
	json, list, pairs, all bool
	seed                   uint64
	seeds                  uint64 // runs of the swarm; 0: none, or as many as there is time for
	duration               time.Duration
	naive, resume          string
}

func (a *app) exploreCommand() *cobra.Command {
	var f exploreFlags
	c := &cobra.Command{
		Use: "explore [PATH...]", Short: "try every fault at every event",
		Long: `explore runs each script once, lists its events, and runs it again for every fault of the catalogue at every event: once
striking, and once staying from there on. Only the invariants of the money judge; a script's own expectations do not.
Arguments between which nobody chooses take turns from event to event; with --all every one is tried at every event.

Without PATH it explores the built-in library. With --pairs a second fault strikes at every event after the first: for
--for DURATION, and with --resume FILE from where the file says that an earlier run stopped. With --seeds or --for alone it
runs a swarm: scripts that seeds write, under faults that they strew.

What breaks an invariant is shrunk and told, with the posim replay line that brings it back; the exit status is then 1.`,
		Example: `  posim explore
  posim explore --all testdata/scenarios/W04-approval-lost.yaml
  posim explore --list testdata/scenarios/W04-approval-lost.yaml
  posim explore --naive any-ack
  posim explore --pairs --for 10m --resume pairs.json
  posim explore --for 60s
  posim explore --seeds 1000 --json`,
		RunE: func(c *cobra.Command, paths []string) error { return a.explore(f, paths) },
	}
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.Flags().BoolVar(&f.list, "list", false, "print every pair of an event and a fault, and their number, and run nothing")
	c.Flags().BoolVar(&f.all, "all", false, "try every argument of a fault at every event, and not one of each sort in turn")
	c.Flags().BoolVar(&f.pairs, "pairs", false, "add a second fault at every event after the first")
	c.Flags().Uint64Var(&f.seeds, "seeds", 0, "run a swarm of `N` seeds, from --seed on")
	c.Flags().DurationVar(&f.duration, "for", 0, "stop after this `DURATION`; without --pairs: run a swarm so long")
	c.Flags().StringVar(&f.resume, "resume", "", "with --pairs: go on from this `FILE`, and keep it up to date")
	seedFlag(c, &f.seed)
	naiveFlag(c, &f.naive)
	return c
}

func (f *exploreFlags) check() error {
	swarm := f.seeds > 0 || f.duration > 0 && !f.pairs
	switch {
	case f.duration < 0:
		return misuse("--for %s: want a duration above 0, such as 10m", f.duration)
	case f.pairs && f.seeds > 0:
		return misuse("--pairs and --seeds: want one of them")
	case f.list && (f.pairs || swarm || f.naive != "" || f.json):
		return misuse("--list goes with --seed alone")
	case f.resume != "" && !f.pairs:
		return misuse("--resume needs --pairs")
	case f.resume != "" && f.naive != "":
		return misuse("--resume and --naive: want one of them")
	}
	return nil
}

func (a *app) explore(f exploreFlags, paths []string) error {
	naive, err := variant(f.naive)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return err
	}
	library, scripts, err := a.load(paths)
	if err != nil {
		return err
	}
	x, err := library.Explore(scripts, scenario.Options{Seed: f.seed, Rules: naive.Rules, OneDialect: len(paths) == 0, Every: f.all})
	if err != nil {
		return failed(err)
	}
	if f.list {
		return a.listPairs(x)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(exploreGC))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(exploreMemory))
	e := &exploring{app: a, flags: f, naive: naive, paths: paths, library: library, scripts: scripts, x: x, began: a.now()}
	signalled, ignore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer ignore()
	if !f.json {
		e.header()
	}
	if err := e.run(signalled); err != nil {
		return err
	}
	return e.finish()
}

func (a *app) listPairs(x *scenario.Exploration) error {
	for i := range x.Count() {
		if err := a.print(x.PairID(i) + "\n"); err != nil {
			return err
		}
	}
	return a.print(fmt.Sprintf("%d pairs\n", x.Count()))
}

// The ways to explore.
const (
	modeSingle = "single faults"
	modePairs  = "pairs of faults"
	modeSwarm  = "swarm"
)

// The most that is kept and told: what is wrong in a thousand runs is seen in the first few.
const (
	maxFindings = 1000 // kept for shrinking, of them
	maxTold     = 5    // shrunk and told with their story
	checkEvery  = 100  // runs of which one is run twice, and must give the same bytes
)

// The heap may grow to thirty times what is alive before it is collected, and to this many bytes: a world is small, and dropped soon.
// That takes a sixth less time than the usual.
const (
	exploreGC     = 3000
	exploreMemory = 768 << 20
)

// exploring is one exploration under way.
type exploring struct {
	*app
	flags   exploreFlags
	naive   rules.Variant
	paths   []string
	library *scenario.Library
	scripts []*scenario.Script
	x       *scenario.Exploration
	began   time.Time
	done    atomic.Int64 // work items begun and ended, for progress
	of      int64        // 0: nobody knows

	mu        sync.Mutex
	runs      int
	twice     int // runs that were run twice
	same      int // pairs that are the same run as the one before them
	violated  int
	findings  []finding
	sometimes scenario.Sometimes
	virtual   float64       // days; a Duration ends after 292 years
	elapsed   time.Duration // of the runs, without telling
	stopped   bool          // by a signal
}

// finding is a run that broke an invariant.
type finding struct {
	order  int
	script *scenario.Script
	trial  scenario.Trial
	twice  bool // the same run gave other bytes
}

func (e *exploring) mode() string {
	switch {
	case e.flags.pairs:
		return modePairs
	case e.flags.seeds > 0 || e.flags.duration > 0:
		return modeSwarm
	}
	return modeSingle
}

func (e *exploring) header() {
	parts := []string{"posim " + posim.Version, "exploration: " + e.mode(), fmt.Sprintf("seed %d", e.flags.seed)}
	if e.naive.Name != "" {
		parts = append(parts, fmt.Sprintf("without %s (%s)", e.naive.ID, e.naive.Name))
	}
	fmt.Fprintf(e.stdout, "%s\n\n", strings.Join(parts, " · "))
}

// run explores until it is through, the time is up, a naive variant is caught, or somebody stops it, who is told what was done.
func (e *exploring) run(signalled context.Context) error {
	ctx, cancel := context.WithCancel(signalled)
	defer cancel()
	defer func() { e.stopped = signalled.Err() != nil }()
	if e.flags.duration > 0 {
		ctx, cancel = context.WithTimeout(ctx, e.flags.duration)
		defer cancel()
	}
	stop := cancel
	if e.naive.Name == "" {
		stop = func() {} // everything is wanted
	}
	e.bases(stop)
	watched := e.watch(ctx)
	defer func() { e.elapsed = e.now().Sub(e.began); watched() }()
	switch e.mode() {
	case modePairs:
		return e.runPairs(ctx, stop)
	case modeSwarm:
		n := int(min(e.flags.seeds, 1<<40))
		e.of = int64(n)
		e.each(ctx, n, func(i int) {
			seed := e.flags.seed + uint64(i)
			e.take(i, e.x.SwarmScript(seed), func() scenario.Trial { return e.x.Swarm(seed) }, stop)
		})
	default:
		e.of = int64(e.x.Count())
		e.each(ctx, e.x.Count(), func(i int) { e.single(i, stop) })
	}
	return nil
}

// single runs pair i, and its twin behind it: the same fault, staying. Where the first run has shown that a twin is the same run, byte
// for byte, it is not made again, but for one in a hundred that shows it.
func (e *exploring) single(i int, stop func()) {
	if e.x.Twin(i) {
		return // with the one before
	}
	b, _ := e.x.At(i)
	t := e.take(i, b.Script, func() scenario.Trial { return e.x.Try(i) }, stop)
	if !e.x.Twin(i + 1) {
		return
	}
	if t.Spent {
		e.mu.Lock()
		e.same++
		check := e.same%checkEvery == 0
		e.mu.Unlock()
		if !check {
			return
		}
	}
	twin := e.take(i+1, b.Script, func() scenario.Trial { return e.x.Try(i + 1) }, stop)
	if t.Spent && twin.Hash != t.Hash {
		e.keep(i+1, b.Script, twin, true, stop)
	}
}

// bases looks at the runs without added faults, which are made already.
func (e *exploring) bases(stop func()) {
	for i, b := range e.x.Bases() {
		e.keep(i-len(e.x.Bases()), b.Script, b.Trial, false, stop)
	}
}

// each calls do for 0, 1 ... on all cores, n times, without end if n is 0, until ctx is done.
func (e *exploring) each(ctx context.Context, n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Add(1)
		go func() {
			defer all.Done()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if n > 0 && i >= n {
					return
				}
				do(i)
				e.done.Add(1)
			}
		}()
	}
	all.Wait()
}

// take makes a run, one in a hundred twice, and keeps what came of it.
func (e *exploring) take(order int, s *scenario.Script, try func() scenario.Trial, stop func()) scenario.Trial {
	t := try()
	again := order%checkEvery == 0
	if again {
		if second := try(); second.Hash != t.Hash {
			e.keep(order, s, t, true, stop)
			return t
		}
	}
	e.keep(order, s, t, false, stop)
	if again {
		e.mu.Lock()
		e.twice++
		e.mu.Unlock()
	}
	return t
}

func (e *exploring) keep(order int, s *scenario.Script, t scenario.Trial, twice bool, stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs++
	e.virtual += t.Virtual.Hours() / 24
	e.sometimes.Add(t.Sometimes)
	if !t.Failed() && !twice {
		return
	}
	e.violated++
	if len(e.findings) < maxFindings {
		e.findings = append(e.findings, finding{order, s, t, twice})
	}
	if e.naive.Name != "" {
		stop()
	}
}

// watch shows progress on standard error if somebody looks; the answer ends it.
func (e *exploring) watch(ctx context.Context) (end func()) {
	if !e.live {
		return func() {}
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-over:
				fmt.Fprint(e.stderr, "\r\x1b[K")
				return
			case <-tick.C:
				if took := e.now().Sub(e.began); took >= patience {
					fmt.Fprintf(e.stderr, "\r %s\x1b[K", e.progress(ctx, took))
				}
			}
		}
	}()
	return func() { close(over); <-ended }
}

// progress is how far it is, how fast it goes, and how long it will take.
func (e *exploring) progress(ctx context.Context, took time.Duration) string {
	e.mu.Lock()
	runs, violated := e.runs, e.violated
	e.mu.Unlock()
	done := e.done.Load()
	text := fmt.Sprintf("%s runs", thousands(runs))
	if e.of > 0 {
		text = fmt.Sprintf("%s of %s", thousands(int(done)), thousands(int(e.of)))
	}
	text += fmt.Sprintf(" · %s/s", thousands(int(float64(runs)/took.Seconds())))
	left := time.Duration(-1)
	if e.of > 0 && done > 0 {
		left = time.Duration(float64(took) / float64(done) * float64(e.of-done))
	}
	if deadline, timed := ctx.Deadline(); timed {
		if until := deadline.Sub(e.now()); left < 0 || until < left {
			left = until
		}
	}
	if left >= 0 {
		text += fmt.Sprintf(" · %s left", left.Round(time.Second))
	}
	return text + " · " + violations(violated)
}

// thousands writes n as people read it: 84,648.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func violations(n int) string {
	if n == 1 {
		return "1 violation"
	}
	return thousands(n) + " violations"
}

// told is a finding made small.
type told struct {
	scenario.Trial
	first  scenario.Trial
	twice  bool
	shrink int // runs that the shrinking took
}

// shrunk makes the findings small, one of each sort, the first few.
func (e *exploring) shrunk() (all []told) {
	slices.SortFunc(e.findings, func(a, b finding) int { return a.order - b.order })
	seen := map[string]bool{}
	for _, f := range e.findings {
		sort := sortOf(f)
		if seen[sort] || len(all) >= maxTold {
			continue
		}
		seen[sort] = true
		t := told{Trial: f.trial, first: f.trial, twice: f.twice}
		if !f.twice {
			t.Trial, t.shrink = e.x.Shrink(f.script, f.trial)
		}
		if seen[t.ID] { // another sort that comes to the same
			continue
		}
		seen[t.ID] = true
		all = append(all, t)
	}
	return all
}

// sortOf groups findings that are likely one: the invariant, and the seam and kind of what was added.
func sortOf(f finding) string {
	s := "other bytes"
	switch {
	case len(f.trial.Violations) > 0:
		s = f.trial.Violations[0].Invariant
	case f.trial.Err != nil:
		s = f.trial.Err.Error()
	}
	if len(f.trial.Faults) <= 2 {
		for _, x := range f.trial.Faults {
			s += " " + x.Seam + "." + x.Kind
		}
	}
	return s
}

// finish tells what was found.
func (e *exploring) finish() error {
	all := e.shrunk()
	if e.flags.json {
		if err := e.writeJSON(all); err != nil {
			return err
		}
	} else {
		e.write(all)
	}
	switch {
	case e.violated > 0:
		return failed(nil)
	case e.stopped:
		return failed(errors.New("explore: stopped before it was through"))
	}
	return nil
}

func (e *exploring) write(all []told) {
	p := func(format string, args ...any) { fmt.Fprintf(e.stdout, format, args...) }
	if e.mode() == modeSingle && e.naive.Name == "" {
		names := nameWidth(e.scripts, language(terminal.English))
		for _, b := range e.x.Bases() {
			p(" %s  %6s events  %8s faults\n", tui.Pad(titleOf(b.ID, b.Script.Name, "", language(terminal.English)), names), thousands(b.Events), thousands(b.Pairs))
		}
		p("\n")
	}
	for _, t := range all {
		e.tell(t)
	}
	seconds := max(e.elapsed.Seconds(), 0.001)
	switch e.mode() {
	case modeSingle:
		p(" %s of %s pairs of an event and a fault run", thousands(int(e.done.Load())), thousands(e.x.Count()))
	case modePairs:
		p(" %s first faults, and %s with a second one behind them, run", thousands(int(e.done.Load())), thousands(e.runs-len(e.x.Bases())))
	default:
		p(" %s seeds run", thousands(int(e.done.Load())))
	}
	p(" · %s · %.1f s", violations(e.violated), e.elapsed.Seconds())
	if e.done.Load() > 0 {
		p(" · %s runs/s on %d cores", thousands(int(float64(e.runs+e.twice)/seconds)), runtime.GOMAXPROCS(0))
	}
	p(" · %s days of virtual time\n", thousands(int(e.virtual)))
	if e.twice > 0 {
		p(" %s runs were made twice, and gave the same bytes\n", thousands(e.twice))
	}
	if e.same > 0 {
		p(" %s pairs are runs that others are, byte for byte: a fault that stays, and whose event never comes again\n", thousands(e.same))
	}
	p("\n sometimes\n")
	e.sometimes.Each(func(name string, n int) { p("   %10s  %s\n", thousands(n), name) })
	switch {
	case e.naive.Name == "":
	case e.violated > 0 && e.naive.Safe:
		p("\n %s is reported, and the model says that it is safe: %s\n", e.naive.Name, e.naive.About)
	default:
		w := wordNotCaught
		if e.violated > 0 {
			w = wordCaught
		} else if e.naive.Safe {
			w = wordSafe
		}
		p("\n "+w.in(language(terminal.English))+"\n", e.naive.Name, e.naive.About)
	}
}

// tell is one finding: what broke, its story with the money, and how to bring it back.
func (e *exploring) tell(t told) {
	p := func(format string, args ...any) { fmt.Fprintf(e.stdout, format, args...) }
	faults := len(t.Faults) + t.Own
	p("%s %s  (faults: %d; found as %s; shrunk in %d runs)\n", e.red("FAIL"), reasonOf(t), faults, t.first.ID, t.shrink)
	p("  repro: %s\n\n", replayLine(t.ID, e.paths, e.naive.Name))
	r := &report{}
	o := optionsOf(e.flags.seed, e.naive)
	o.Story = func(l scenario.Line) { r.story = append(r.story, l) }
	var err error
	if r.Result, err = e.library.Replay(e.scripts, t.ID, o); err != nil {
		p("  %v\n\n", err)
		return
	}
	out := &text{w: e.stdout, colours: e.colours, verbose: true, paths: e.paths, naive: e.naive}
	out.report(r)
}

func (e *exploring) red(s string) string {
	t := text{colours: e.colours}
	return t.paint("31", s)
}

func reasonOf(t told) string {
	if t.twice {
		return "the same run gave other bytes the second time"
	}
	return t.Reason()
}
