package sim

import (
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"time"
)

// World is virtual time: a queue of events, the choices that are not determined, and a running hash of all that was
// put on wires, disks and screens. It belongs to one goroutine.
type World struct {
	now    int64 // nanoseconds since 1970, UTC
	seq    uint64
	queue  queue
	sweep  int // length of the queue at which dead events are thrown out
	actors []*Actor
	rng    *rand.Rand
	tape   []Pick
	preset []int
	hash   uint64
	events int
	notes  func(at time.Time, who, kind string, b []byte)
}

// Pick is one choice as it was made.
type Pick struct {
	Label     string
	N, Picked int
}

// NewWorld returns an empty world at start; seed expands to its choices.
func NewWorld(start time.Time, seed uint64) *World {
	return &World{now: start.UnixNano(), rng: rand.New(rand.NewPCG(seed, 0x706f73696d)), hash: fnvOffset}
}

// Now is the present instant, in UTC.
func (w *World) Now() time.Time { return time.Unix(0, w.now).UTC() }

// Events counts the events run so far.
func (w *World) Events() int { return w.events }

// Preset makes the first choices those given, instead of the seed's: a tape that is replayed. A value is taken modulo
// the number of alternatives.
func (w *World) Preset(picks []int) { w.preset = picks }

// Tape is every choice made so far, in order. The slice is the world's own.
func (w *World) Tape() []Pick { return w.tape }

// Choose makes a choice among n alternatives, 0 to n-1, that nothing determines. n below 1 is the caller's bug.
func (w *World) Choose(label string, n int) int {
	if n < 1 {
		panic("sim: Choose " + label + " among none")
	}
	picked := 0
	switch i := len(w.tape); {
	case i < len(w.preset):
		picked = (w.preset[i]%n + n) % n
	case n > 1:
		picked = w.rng.IntN(n)
	}
	w.tape = append(w.tape, Pick{label, n, picked})
	return picked
}

// Rand returns random bytes that are choices of this world, each labelled. It never fails.
func (w *World) Rand(label string) io.Reader { return chosen{w, label} }

type chosen struct {
	w     *World
	label string
}

func (c chosen) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.w.Choose(c.label, 256))
	}
	return len(p), nil
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// Note feeds bytes that left a party (who) on a wire, to a disk or a screen (kind) to the running hash, with the
// instant and their count: the same bytes at another instant, from another party or cut otherwise are another history.
func (w *World) Note(who, kind string, b []byte) {
	h := (w.hash ^ uint64(w.now)) * fnvPrime
	h = (h ^ uint64(len(b))) * fnvPrime
	for i := 0; i < len(who); i++ {
		h = (h ^ uint64(who[i])) * fnvPrime
	}
	h *= fnvPrime
	for i := 0; i < len(kind); i++ {
		h = (h ^ uint64(kind[i])) * fnvPrime
	}
	h *= fnvPrime
	for rest := b; ; rest = rest[8:] {
		if len(rest) < 8 {
			for _, c := range rest {
				h = (h ^ uint64(c)) * fnvPrime
			}
			break
		}
		h = (h ^ binary.LittleEndian.Uint64(rest)) * fnvPrime // each step can be undone: one changed byte changes all that follow
		h ^= h >> 32
	}
	w.hash = h
	if w.notes != nil {
		w.notes(w.Now(), who, kind, b)
	}
}

// OnNote has f see everything that is noted: a trace. The bytes are not masked, and are f's for the call only.
func (w *World) OnNote(f func(at time.Time, who, kind string, b []byte)) { w.notes = f }

// Hash is the running hash.
func (w *World) Hash() uint64 { return w.hash }

// After runs f once d has passed. The event is the world's own: it survives every power cut (a script, the wire).
func (w *World) After(d time.Duration, f func()) (cancel func()) {
	off := new(bool)
	w.push(event{at: w.due(d), f: f, off: off})
	return func() { *off = true }
}

// due is the instant d from now. The last instant there is, in the year 2262, stands for all later ones.
func (w *World) due(d time.Duration) int64 {
	if at := w.now + max(0, int64(d)); at >= w.now {
		return at
	}
	return math.MaxInt64
}

func instant(t time.Time) int64 {
	if last := time.Unix(0, math.MaxInt64); t.After(last) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Next tells when the next live event is due; false when there is none.
func (w *World) Next() (time.Time, bool) {
	for len(w.queue) > 0 && !w.queue[0].live() {
		w.queue.pop()
	}
	if len(w.queue) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, w.queue[0].at).UTC(), true
}

// Step runs one event and whoever it wakes; false when nothing is left to happen. A panic that is not a power cut of the
// event's own actor reaches the caller; the actor whose coroutine it comes from has no power then.
func (w *World) Step() bool {
	if _, ok := w.Next(); !ok {
		return false
	}
	e := w.queue.pop()
	w.now = e.at
	w.events++
	a := e.a
	if e.wait != 0 { // a deadline: live means that the actor still waits for it
		a.resume(false)
		return true
	}
	if a == nil {
		e.f()
		return true
	}
	a.root(e.f) // an event may meet the power cut at a handle, as a coroutine may
	if a.waiting != 0 && a.epoch == e.epoch && a.ready() {
		a.resume(true)
	}
	return true
}

// Until steps the world until done, and tells whether it was. It stops without at the limit of virtual time, when
// nothing is left to happen, and after maxEvents events.
func (w *World) Until(limit time.Duration, maxEvents int, done func() bool) bool {
	end := w.due(limit)
	for n := 0; !done(); n++ {
		at, ok := w.Next()
		if !ok || n >= maxEvents {
			return false
		}
		if at.UnixNano() > end {
			w.now = max(w.now, end)
			return false
		}
		w.Step()
	}
	return true
}

// Close unwinds every coroutine and drops every event. A parked coroutine is never collected otherwise.
func (w *World) Close() {
	for _, a := range w.actors {
		a.PowerOff()
	}
	w.queue, w.notes = nil, nil
}

// event is something due: a function, or the deadline of a wait.
type event struct {
	at    int64
	seq   uint64
	a     *Actor // nil: the world's own
	epoch uint32
	wait  uint64 // not 0: the deadline of that wait
	f     func()
	off   *bool
}

func (e *event) live() bool {
	if e.off != nil && *e.off {
		return false
	}
	if e.a == nil {
		return true
	}
	return e.a.on && e.epoch == e.a.epoch && (e.wait == 0 || e.a.waiting == e.wait)
}

// push enters e. Events that can no longer happen (cancelled, of a dead epoch, deadlines of waits that ended) stay in the
// queue until their instant; so that they do not pile up, they are thrown out whenever the queue has doubled.
func (w *World) push(e event) {
	w.seq++
	e.seq = w.seq
	if len(w.queue) >= max(w.sweep, minSweep) {
		live := w.queue[:0]
		for i := range w.queue {
			if w.queue[i].live() {
				live = append(live, w.queue[i])
			}
		}
		clear(w.queue[len(live):])
		w.queue = live
		for i := len(live)/2 - 1; i >= 0; i-- {
			live.down(i)
		}
		w.sweep = 2 * len(live)
	}
	w.queue.push(e)
}

// minSweep keeps the heap shallow: most deadlines of a terminal are met long before they come due.
const minSweep = 64

// queue is a binary heap by instant, then by order of entry. container/heap would box every event.
type queue []event

func (e *event) before(x *event) bool { return e.at < x.at || e.at == x.at && e.seq < x.seq }

func (q *queue) push(e event) {
	*q = append(*q, e)
	h := *q
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !e.before(&h[p]) {
			break
		}
		h[i] = h[p] // the hole rises; e is put down once
		i = p
	}
	h[i] = e
}

func (q *queue) pop() event {
	h := *q
	e := h[0]
	n := len(h) - 1
	h[0] = h[n]
	h[n] = event{} // lets go of its function
	*q = h[:n]
	q.down(0)
	return e
}

// down lets the event at i sink to its place.
func (q queue) down(i int) {
	if i >= len(q) {
		return
	}
	e := q[i]
	for {
		c := 2*i + 1
		if c >= len(q) {
			break
		}
		if c+1 < len(q) && q[c+1].before(&q[c]) {
			c++
		}
		if !q[c].before(&e) {
			break
		}
		q[i] = q[c]
		i = c
	}
	q[i] = e
}
