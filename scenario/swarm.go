package scenario

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/posim/posim/terminal"
)

// A swarm run is a script that a seed writes, under faults that the seed strews: which seams can fail and how often is
// drawn first, so that some runs have few faults and some have many (Groce and others, Swarm Testing, 2012). It goes where
// enumeration does not: many sales, many faults.
//
// What struck in it is kept as a list of faults, so that its replay id names them, and it can be shrunk like any other run.

// swarmPrefix begins the id of a swarm's script; its number follows.
const swarmPrefix = "swarm."

// Of the parts of a swarm run, each has a stream of random numbers of its own: a script stays the same whatever strikes.
const (
	swarmScript = 0x7363726970740001
	swarmFaults = 0x6661756c74730001
)

// swarmNamed returns the script of an id swarm.N; nil if the id is another's.
func (l *Library) swarmNamed(name string) (*Script, error) {
	digits, ours := strings.CutPrefix(name, swarmPrefix)
	if !ours {
		return nil, nil
	}
	seed, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(seed, 10) != digits {
		return nil, fmt.Errorf("%s: want a number behind %s", shorten(name), swarmPrefix)
	}
	return l.swarm(seed), nil
}

// swarm writes the script of a seed: 1 to 50 sales, few more often than many, and what else happens in a shop.
func (l *Library) swarm(seed uint64) *Script {
	w := &writer{rng: rand.New(rand.NewPCG(seed, swarmScript)), cards: l.names[:l.everyday]}
	s := &Script{ID: swarmPrefix + strconv.FormatUint(seed, 10), Name: "swarm", Zh: "随机", Terminal: defaultTerminal}
	if l.terminals[swarmTerminal] != nil && w.one(2) {
		s.Terminal = swarmTerminal
	}
	for sales := 1; ; sales++ {
		w.between()
		w.sale()
		if sales == 50 || w.one(6) {
			break
		}
	}
	w.between()
	s.Steps = w.steps
	return s
}

// swarmTerminal is where half of the swarm's sales are made: it numbers its batches.
const swarmTerminal = "unionpay-merchant"

// writer writes the steps of a swarm's script.
type writer struct {
	rng   *rand.Rand
	cards []string
	steps []Step

	transactions int
}

// one tells, once in n times.
func (w *writer) one(n int) bool { return w.rng.IntN(n) == 0 }

func (w *writer) add(s Step) { w.steps = append(w.steps, s) }

func (w *writer) sale() {
	w.transactions++
	s := &Task{Function: terminal.FunctionSale, Number: w.transactions, Card: w.cards[w.rng.IntN(len(w.cards))], Amount: Money(w.rng.IntN(300_00) + 1)}
	for range 1 + w.rng.IntN(2) {
		pin := PIN{"1234"}
		if w.one(8) {
			pin = PIN{"9876"}
		}
		s.PINs = append(s.PINs, pin)
	}
	s.Cancel = w.one(20)
	w.add(Step{Do: "sale", Task: s})
	if w.one(4) {
		w.after(s)
	}
}

// after is what is done about a transaction, at once or later.
func (w *writer) after(original *Task) {
	if w.one(3) {
		w.between()
	}
	w.transactions++
	x := &Task{Number: w.transactions, Of: Of{Number: original.Number}, Card: original.Card, PINs: original.PINs}
	do := ""
	switch w.rng.IntN(4) {
	case 0, 1:
		do, x.Function = "void", terminal.FunctionVoid
	case 2:
		do, x.Function, x.Amount = "refund", terminal.FunctionRefund, Money(w.rng.IntN(int(original.Amount))+1)
	case 3:
		do, x.Function, x.Amount = "tip", terminal.FunctionTipAdjust, max(1, original.Amount/10)
	}
	w.add(Step{Do: do, Task: x})
}

// hold is a pre-authorisation and what becomes of it.
func (w *writer) hold() {
	w.transactions++
	p := &Task{
		Function: terminal.FunctionPreAuth, Number: w.transactions, Card: w.cards[w.rng.IntN(len(w.cards))], Amount: Money(w.rng.IntN(300_00) + 1),
		PINs: []PIN{{"1234"}},
	}
	w.add(Step{Do: "pre-auth", Task: p})
	w.transactions++
	x := &Task{Number: w.transactions, Of: Of{Number: p.Number}, Card: p.Card, PINs: p.PINs}
	switch w.rng.IntN(3) {
	case 0:
		x.Function = terminal.FunctionPreAuthVoid
		w.add(Step{Do: "pre-auth-void", Task: x})
	case 1:
		x.Function, x.Amount = terminal.FunctionCompletion, p.Amount
		w.add(Step{Do: "completion", Task: x})
	default:
		w.transactions-- // nobody completes it
	}
}

// between is what happens before, between and after sales.
func (w *writer) between() {
	switch w.rng.IntN(20) {
	case 0:
		w.add(Step{Do: "wait", Wait: &Wait{Duration: time.Duration(1+w.rng.IntN(600)) * time.Second}})
	case 1:
		w.add(Step{Do: "wait", Wait: &Wait{For: "idle"}})
	case 2:
		w.add(Step{Do: "off"})
		w.add(Step{Do: "boot"})
	case 3:
		w.add(Step{Do: "line", Line: "down"})
		w.sale()
		w.add(Step{Do: "line", Line: "up"})
	case 4:
		w.add(Step{Do: "sign-on"})
	case 5:
		w.add(Step{Do: "calendar", Calendar: &Calendar{Event: [...]string{"cutover", "payout"}[w.rng.IntN(2)]}})
	case 6:
		balance := Money(w.rng.IntN(500_00))
		w.add(Step{Do: "host", Host: &Host{Card: w.cards[w.rng.IntN(len(w.cards))], Balance: &balance}})
	case 8:
		w.add(Step{Do: "settle", Task: &Task{Function: terminal.FunctionSettlement}})
	case 9:
		w.hold()
	case 7:
		w.add(Step{Do: "host", Host: &Host{Card: w.cards[w.rng.IntN(len(w.cards))], Status: statuses[w.rng.IntN(len(statuses))]}})
	}
}

// strewer decides at every event whether something goes wrong there.
type strewer struct {
	rng   *rand.Rand
	rates map[string]int // of each seam: once in so many events; 0: never
	off   map[string]bool
	drawn []Fault
}

func newStrewer(seed uint64) *strewer {
	d := &strewer{rng: rand.New(rand.NewPCG(seed, swarmFaults)), rates: map[string]int{}, off: map[string]bool{}}
	for _, row := range faultTable {
		for _, seam := range row.seams {
			if _, known := d.rates[seam]; !known {
				d.rates[seam] = [...]int{0, 0, 0, 400, 100, 25, 8}[d.rng.IntN(7)]
			}
			for _, kind := range row.kinds {
				d.off[seam+"."+kind.name] = d.rng.IntN(3) == 0
			}
		}
	}
	return d
}

// maxStrewn is how many faults one run may have: more is a run of which nobody learns anything.
const maxStrewn = maxFaults

// draw is the fault that strikes at a happening; nil for none.
func (d *strewer) draw(h happening, parts func() []int) *Fault {
	rate := d.rates[h.Seam]
	if rate == 0 || len(d.drawn) >= maxStrewn || d.rng.IntN(rate) != 0 {
		return nil
	}
	if parts != nil {
		h.parts = parts()
	}
	all := h.faults(trying{every: true})
	if len(all) == 0 {
		return nil
	}
	f := all[d.rng.IntN(len(all))]
	if d.off[f.Seam+"."+f.Kind] {
		return nil
	}
	d.drawn = append(d.drawn, f)
	return &d.drawn[len(d.drawn)-1]
}

// Swarm runs the script of a seed under the faults that the seed strews.
func (x *Exploration) Swarm(seed uint64) Trial {
	o := x.options
	o.Seed, o.strew = seed, newStrewer(seed)
	t := x.library.trial(x.library.swarm(seed), o, false)
	t.Faults = o.strew.drawn
	t.ID = replayID(swarmPrefix+strconv.FormatUint(seed, 10), seed, t.Faults)
	return t
}

// SwarmScript is the script of a seed.
func (x *Exploration) SwarmScript(seed uint64) *Script { return x.library.swarm(seed) }
