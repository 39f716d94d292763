package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// side is one end of a line, with what it has been given.
type side struct {
	transport.Stream
	wall *sim.Wall
	mu   sync.Mutex
	got  []byte
	end  error
	ends int
}

func (s *side) receive() {
	s.Receive(func(p []byte, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, p...)
		if err != nil {
			s.end = err
			s.ends++
		}
	})
}

// do runs f on the side's own goroutine.
func (s *side) do(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	s.wall.Post(func() { f(); close(done) })
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the wall stands still")
	}
}

func (s *side) eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for range 1000 {
		s.mu.Lock()
		ok := f()
		s.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

// twoSides is a line between two walls at work.
func twoSides(t testing.TB) (x, y *side) {
	t.Helper()
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	x, y = &side{wall: sim.NewWall(ctx)}, &side{wall: sim.NewWall(ctx)}
	for _, s := range []*side{x, y} {
		work.Go(func() {
			_ = s.wall.Run(func(c sim.Clock) { c.Wait(time.Time{}, never) })
		})
	}
	t.Cleanup(func() {
		cancel()
		work.Wait()
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
	})
	met := make(chan struct{})
	x.do(t, func() {
		x.Stream = connect(ctx, x.wall, y.wall, func(s transport.Stream) { y.Stream = s; close(met) })
	})
	<-met
	return x, y
}

func TestLineCarriesBytesInOrder(t *testing.T) {
	x, y := twoSides(t)
	var sent bytes.Buffer
	x.do(t, func() {
		for i := range 500 {
			n, err := x.Write(fmt.Appendf(nil, "%d,", i))
			if err != nil {
				t.Error(n, err)
			}
			fmt.Fprintf(&sent, "%d,", i)
		}
	})
	time.Sleep(5 * time.Millisecond) // some arrive before anybody receives
	y.do(t, y.receive)
	y.eventually(t, "all arrives", func() bool { return len(y.got) == sent.Len() })
	if !bytes.Equal(y.got, sent.Bytes()) {
		t.Error("other bytes arrive")
	}
	x.do(t, x.receive)
	y.do(t, func() { _, _ = y.Write([]byte("back")) })
	x.eventually(t, "the way back", func() bool { return string(x.got) == "back" })
}

func TestLineEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s transport.Stream)
		want error
	}{
		{"closed", func(s transport.Stream) { _ = s.Close() }, transport.ErrClosed},
		{"reset", func(s transport.Stream) { s.Reset() }, transport.ErrReset},
		{"closed, then reset", func(s transport.Stream) { _ = s.Close(); s.Reset() }, transport.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, y := twoSides(t)
			y.do(t, y.receive)
			x.do(t, x.receive)
			x.do(t, func() {
				_, _ = x.Write([]byte("last words"))
				tt.end(x)
				if _, err := x.Write([]byte("more")); !errors.Is(err, tt.want) {
					t.Errorf("a write behind the end: %v", err)
				}
			})
			y.eventually(t, "the end", func() bool { return y.end != nil })
			if string(y.got) != "last words" || !errors.Is(y.end, tt.want) || y.ends != 1 {
				t.Errorf("%q, %v, %d times", y.got, y.end, y.ends)
			}
			y.do(t, func() {
				if _, err := y.Write([]byte("x")); !errors.Is(err, tt.want) {
					t.Errorf("the other side writes on: %v", err)
				}
			})
			if x.ends != 0 || len(x.got) > 0 {
				t.Errorf("who ended it is told %v, %q", x.end, x.got)
			}
		})
	}
}

// A party that takes nothing does not cost memory without bound, and does not hold up the other.
func TestLineOverflows(t *testing.T) {
	x, y := twoSides(t)
	release := make(chan struct{})
	y.wall.Post(func() { <-release })
	var failed error
	x.do(t, func() {
		x.receive()
		block := make([]byte, 64<<10)
		for range 100 * maxUnderWay / len(block) {
			if _, failed = x.Write(block); failed != nil {
				return
			}
			runtime.Gosched()
		}
	})
	if !errors.Is(failed, transport.ErrReset) || !strings.Contains(failed.Error(), "does not take") {
		t.Errorf("%v: want a reset", failed)
	}
	close(release)
	y.do(t, y.receive)
	y.eventually(t, "the other side is told", func() bool { return errors.Is(y.end, transport.ErrReset) })
}

// What is remembered is the newest, numbered, and without what must not be kept.
func TestEventRing(t *testing.T) {
	r := newEventRing(4)
	if p := r.since(0, 10); len(p.Events) != 0 || p.Next != 0 || p.Lost != 0 {
		t.Errorf("empty: %+v", p)
	}
	secret := &dialect.Message{
		MTI: "0200", Track2Data: callersCard + "=30122010000000000", PINData: []byte{1, 2, 3, 4, 5, 6, 7, 8}, ReservedPrivate62: bytes.Repeat([]byte{7}, 38),
		SystemsTraceAuditNumber: "000001",
	}
	for i := range 6 {
		r.add(Observation{At: time.Unix(int64(i), 0), Party: "issuer", Kind: Received, Message: secret})
	}
	for _, tt := range []struct {
		since       uint64
		n           int
		first, last uint64
		lost        uint64
	}{{0, 10, 3, 6, 2}, {2, 10, 3, 6, 0}, {4, 10, 5, 6, 0}, {6, 10, 0, 6, 0}, {99, 10, 0, 6, 0}, {0, 2, 3, 4, 2}, {3, 1, 4, 4, 0}} {
		p := r.since(tt.since, tt.n)
		first := uint64(0)
		if len(p.Events) > 0 {
			first = p.Events[0].Sequence
			want(t, "its time", p.Events[0].At.Unix(), int64(first)-1)
		}
		want(t, fmt.Sprintf("since %d, %d", tt.since, tt.n), fmt.Sprint(first, p.Next, p.Lost), fmt.Sprint(tt.first, tt.last, tt.lost))
	}
	if e := r.about(secret.Key(), 10); len(e) != 4 || e[3].Sequence != 6 {
		t.Errorf("about: %v", e)
	}
	if e := r.about(secret.Key(), 1); len(e) != 1 || e[0].Sequence != 6 {
		t.Errorf("about, one: %v", e)
	}
	if e := r.about(dialect.Key{STAN: "000002"}, 10); len(e) != 0 {
		t.Errorf("about another: %v", e)
	}
	for i := range r.ring {
		o := &r.ring[i]
		if strings.ContainsAny(o.Message.Track2Data, "0123456789") || !bytes.Equal(o.Message.PINData, make([]byte, 8)) || !bytes.Equal(o.Message.ReservedPrivate62, make([]byte, 38)) {
			t.Error("track, PIN block or keys are kept")
		}
	}
	if secret.PINData[0] != 1 || !strings.HasPrefix(secret.Track2Data, callersCard) {
		t.Error("the party's own message was changed")
	}
	if got := fmt.Sprint(r.ring[0].event(1).Fields); got != fmt.Sprint(dialect.ISO87().Fields(secret)) {
		t.Errorf("%s: want the fields as they are shown without this", got)
	}
}
