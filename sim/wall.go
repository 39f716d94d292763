package sim

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Poster takes what happens outside to the one who waits: what pumps need. A pump is a goroutine that blocks in a read of
// a line, a socket or a card and posts what came; it touches nothing else of its owner's.
//
// A poster that can be stopped is also a Stopper, and one whose owner unwinds has Check: pumps and handles ask for them.
type Poster interface {
	// Post has f run on the owner's goroutine, inside its Wait, in the order of the posts. f only appends to state that a
	// ready function reads: it never waits.
	Post(f func())
}

// Stopper tells pumps that their owner is gone: what they hold is closed, and they end.
type Stopper interface {
	// OnStop has f run once when the owner stops, on any goroutine; at once if it has. f may take moments, not longer,
	// and must not touch what is the owner's. cancel withdraws it.
	OnStop(f func()) (cancel func())
}

var (
	_ Clock   = (*Wall)(nil)
	_ Poster  = (*Wall)(nil)
	_ Stopper = (*Wall)(nil)
)

// Wall is a Clock on real time: what an Actor is in a World. One goroutine, the owner, lives in Run and waits in Wait;
// any goroutine posts.
//
// What happens has an order, that of its instants: posts by their arrival, timers and the deadline of a Wait by their due
// time, ties by order of entry; a deadline that is past when the Wait begins counts as just now. So an owner that was busy
// sees the world as it went, and an answer that lies there is taken before a time-out. As in a World, a Wait returns as soon
// as ready is true, and leaves what else has happened to the next one.
//
// Stopping is not a time-out: when the context is done, the owner's Wait unwinds to Run by a panic with PowerCut. Time is
// monotonic: setting the computer's clock moves Now and no timer.
type Wall struct {
	ctx    context.Context
	cancel context.CancelFunc
	unhook func() bool // takes shut away from the context
	start  time.Time
	cut    PowerCut
	once   sync.Once // of shut
	began  atomic.Bool
	lives  atomic.Bool   // Run is under way
	wake   chan struct{} // holds one token for an owner that sleeps
	timer  *time.Timer   // the owner's, stopped while it is awake
	inside bool          // the owner is in Wait

	mu     sync.Mutex
	owner  uint64 // goroutine
	seq    uint64
	inbox  []happening // inbox[head:] are the posts not yet run, in order
	head   int
	room   chan struct{} // not nil: somebody waits for room; closed when there is
	timers timers
	asleep bool
	gone   bool
	hooks  map[*func()]struct{}
}

// inboxLimit is how many posts may wait for a slow owner before Post blocks. The owner's own are not counted out: it
// cannot wait for itself.
const inboxLimit = 1024

// never is later than every instant.
const never = math.MaxInt64

// happening is one post or one timer.
type happening struct {
	at    int64 // nanoseconds since the wall's start, monotonic
	seq   uint64
	f     func()
	index int // in the heap of timers; below 0: not there any more
}

// NewWall returns a wall whose power goes when ctx is done. Its owner, until Run says otherwise, is the caller.
func NewWall(ctx context.Context) *Wall {
	w := &Wall{start: time.Now(), wake: make(chan struct{}, 1), owner: goroutine(), hooks: map[*func()]struct{}{}}
	w.cut = PowerCut{fmt.Sprintf("wall %p", w)} // each has its own: another's must not end in this one's Run
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.unhook = context.AfterFunc(w.ctx, w.shut)
	return w
}

// Run is the root: it runs f on the calling goroutine, which is the owner from then on. It returns nil when f does, and
// the context's cause when the power went, which f learns in its Wait by a panic that only Run recovers. When it returns,
// every OnStop function has, and nothing that was posted runs any more. A wall runs once: what is powered on again gets a
// new one. Running it twice is a bug and panics.
func (w *Wall) Run(f func(Clock)) (err error) {
	if w.began.Swap(true) {
		panic("sim: a Wall runs once")
	}
	if w.ctx.Err() != nil {
		w.shut()
		return context.Cause(w.ctx)
	}
	w.mu.Lock()
	w.owner = goroutine()
	w.mu.Unlock()
	w.lives.Store(true)
	defer func() {
		r := recover()
		w.lives.Store(false)
		cause := context.Cause(w.ctx)
		w.unhook()
		w.shut()
		switch r {
		case nil:
		case any(w.cut):
			err = cause
		default:
			panic(r)
		}
	}()
	f(w)
	return nil
}

// shut ends everything: what waits is dropped, pumps are told. Whoever calls it second waits for the first.
func (w *Wall) shut() {
	w.once.Do(func() {
		w.cancel()
		w.mu.Lock()
		hooks := w.hooks
		w.gone, w.hooks, w.inbox, w.head, w.timers = true, nil, nil, 0, nil
		w.mu.Unlock()
		for f := range hooks {
			(*f)()
		}
	})
}

// Alive tells whether the power is on: the context is not done, and Run has not returned.
func (w *Wall) Alive() bool { return w.ctx.Err() == nil }

// Check unwinds the owner when the power went while it runs: what a handle's operation begins with. After Run it does
// nothing; what was to be closed is closed.
func (w *Wall) Check() {
	if w.ctx.Err() != nil && w.lives.Load() {
		panic(w.cut)
	}
}

// OnStop has f run when the wall stops: when its context is done, or Run returns. Several run in no order.
func (w *Wall) OnStop(f func()) (cancel func()) {
	p := &f
	w.mu.Lock()
	gone := w.gone
	if !gone {
		w.hooks[p] = struct{}{}
	}
	w.mu.Unlock()
	if gone {
		f()
		return func() {}
	}
	return func() {
		w.mu.Lock()
		delete(w.hooks, p)
		w.mu.Unlock()
	}
}

// Now is the present instant, in UTC.
func (w *Wall) Now() time.Time { return time.Now().UTC() }

// now is the present instant as happenings have it.
func (w *Wall) now() int64 { return int64(time.Since(w.start)) }

// Post has f run inside the owner's Wait. While too much waits for a slow owner it blocks, until there is room or the
// wall stops; called by the owner it never does. Once the wall has stopped, f is dropped.
func (w *Wall) Post(f func()) {
	for {
		w.mu.Lock()
		if w.gone || w.ctx.Err() != nil {
			w.mu.Unlock()
			return
		}
		if len(w.inbox)-w.head < inboxLimit || w.owner == goroutine() {
			break
		}
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		w.mu.Unlock()
		select {
		case <-room:
		case <-w.ctx.Done():
		}
	}
	if w.head > len(w.inbox)/2 && len(w.inbox) == cap(w.inbox) { // the front is free: no need to grow
		n := copy(w.inbox, w.inbox[w.head:])
		clear(w.inbox[n:])
		w.inbox, w.head = w.inbox[:n], 0
	}
	w.seq++
	w.inbox = append(w.inbox, happening{at: w.now(), seq: w.seq, f: f})
	w.rouse()
	w.mu.Unlock()
}

// rouse wakes an owner that sleeps; w.mu is held.
func (w *Wall) rouse() {
	if w.asleep {
		w.asleep = false
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// After runs f inside the owner's Wait once d has passed; with d at most 0, inside the next one that has to wait. cancel
// called before f runs guarantees that it never does. Any goroutine may call it.
func (w *Wall) After(d time.Duration, f func()) (cancel func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return func() {}
	}
	w.seq++
	t := &happening{at: later(w.now(), d), seq: w.seq, f: f}
	heap.Push(&w.timers, t)
	if t.index == 0 {
		w.rouse() // it may be due before what the owner sleeps for
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if t.index >= 0 && !w.gone {
			heap.Remove(&w.timers, t.index)
		}
	}
}

func later(now int64, d time.Duration) int64 {
	if at := now + max(0, int64(d)); at >= now {
		return at
	}
	return never
}

// Wait runs what happens, one thing at a time, until ready (true) or the deadline (false). It unwinds when the power has
// gone. Only the owner may wait, and nothing that Wait runs may: both are bugs and panic.
func (w *Wall) Wait(deadline time.Time, ready func() bool) bool {
	w.Check()
	if !w.lives.Load() {
		panic("sim: Wait outside Run of a Wall")
	}
	if w.inside {
		panic("sim: Wait inside what a Wait runs")
	}
	w.inside = true
	defer func() { w.inside = false }()
	if ready() {
		return true
	}
	end := happening{at: never, seq: never}
	if !deadline.IsZero() {
		w.mu.Lock()
		w.seq++
		end.at, end.seq = later(w.now(), time.Until(deadline)), w.seq
		w.mu.Unlock()
	}
	for {
		f, passed, sleep := w.next(&end)
		switch {
		case f != nil:
			f()
			w.Check()
			if ready() {
				return true
			}
		case passed:
			return false
		default:
			w.sleep(sleep)
			w.Check()
		}
	}
}

// next takes the first thing that has happened: what to run, or that end is past. Else it tells how long nothing is due.
func (w *Wall) next(end *happening) (f func(), passed bool, sleep time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, posted := end, false
	if len(w.timers) > 0 && w.timers[0].before(first) {
		first = w.timers[0]
	}
	if w.head < len(w.inbox) && w.inbox[w.head].before(first) {
		first, posted = &w.inbox[w.head], true
	}
	if posted {
		f = first.f
		first.f = nil
		if w.head++; w.head == len(w.inbox) {
			w.inbox, w.head = w.inbox[:0], 0
		}
		if w.room != nil && len(w.inbox)-w.head <= inboxLimit/2 {
			close(w.room)
			w.room = nil
		}
		return f, false, 0
	}
	if first.at == never {
		w.asleep = true
		return nil, false, never
	}
	if wait := first.at - w.now(); wait > 0 {
		w.asleep = true
		return nil, false, time.Duration(wait)
	}
	if first == end {
		return nil, true, 0
	}
	heap.Pop(&w.timers)
	return first.f, false, 0
}

// sleep waits for a post, for d to pass, or for the end of the wall.
func (w *Wall) sleep(d time.Duration) {
	var due <-chan time.Time
	if d != never {
		if w.timer == nil {
			w.timer = time.NewTimer(d)
		} else {
			w.timer.Reset(d)
		}
		defer w.timer.Stop()
		due = w.timer.C
	}
	select {
	case <-w.wake:
	case <-due:
	case <-w.ctx.Done():
	}
}

func (h *happening) before(o *happening) bool { return h.at < o.at || h.at == o.at && h.seq < o.seq }

// timers is a heap by due time. A timer knows its place, so that a cancelled one leaves at once: a protocol's time-outs
// are nearly all cancelled.
type timers []*happening

// Len, Less, Swap, Push and Pop are heap.Interface.
func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].before(t[j]) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i]; t[i].index, t[j].index = i, j }

func (t *timers) Push(x any) {
	h := x.(*happening)
	h.index = len(*t)
	*t = append(*t, h)
}

func (t *timers) Pop() any {
	last := len(*t) - 1
	h := (*t)[last]
	h.index = -1
	(*t)[last] = nil
	*t = (*t)[:last]
	return h
}

// goroutine is the number of the calling goroutine. Go hides it, for good reasons. It is asked for when a wall gets an owner,
// and when the inbox is full, to tell an owner that posts, which must not wait for itself, from a pump, which must.
func goroutine() uint64 {
	var b [40]byte
	line := bytes.TrimPrefix(b[:runtime.Stack(b[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(line, ' '); i > 0 {
		if n, err := strconv.ParseUint(string(line[:i]), 10, 64); err == nil {
			return n
		}
	}
	panic("sim: no goroutine number in " + strconv.Quote(string(line)))
}
