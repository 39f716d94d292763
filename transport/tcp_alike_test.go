package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/posim/posim/sim"
)

// ends is two ends of one connection, of any implementation.
type ends struct {
	x, y  Stream
	clock sim.Clock
	until func(cond func() bool) bool // lets things happen
	quiet func()                      // lets everything happen
}

// everyStream runs f over every implementation.
func everyStream(t *testing.T, f func(t *testing.T, e ends)) {
	t.Run("memory", func(t *testing.T) {
		p := newPair(t)
		f(t, ends{p.x, p.y, p.a, func(cond func() bool) bool { return p.w.Until(time.Hour, 1<<20, cond) }, p.run})
	})
	a := newAuthority(t)
	for _, real := range []struct {
		name           string
		client, server *tls.Config
	}{
		{"TCP", nil, nil},
		{"TLS", a.client(), a.server(t)},
	} {
		t.Run(real.name, func(t *testing.T) {
			onWall(t, func(ctx context.Context, w *sim.Wall) {
				x, y := linked(t, ctx, w, &Dialer{TLS: real.client}, &Server{TLS: real.server})
				f(t, ends{x, y, w, func(cond func() bool) bool { return w.Wait(w.Now().Add(patience), cond) }, func() { quiet(w) }})
			})
		})
	}
}

func TestMemoryAndSocketsBehaveAlike(t *testing.T) {
	put := func(s Stream, p string) {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			panic(fmt.Sprint(n, err))
		}
	}
	send := func(s Stream, p string, how Bytes) error { return s.(faulty).writeBytes([]byte(p), how) }
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, e ends)
		want string // all that y hears
		end  error
	}{
		{"bytes arrive in order", func(t *testing.T, e ends) {
			put(e.x, "one ")
			put(e.x, "")
			put(e.x, "two")
		}, "one two", nil},
		{"nothing is heard of an end before what was written", func(t *testing.T, e ends) {
			put(e.x, strings.Repeat("x", 50_000))
			e.x.Close()
		}, strings.Repeat("x", 50_000), ErrClosed},
		{"Close is heard as such", func(t *testing.T, e ends) { e.x.Close() }, "", ErrClosed},
		{"Reset is heard as such, behind what was written", func(t *testing.T, e ends) {
			put(e.x, "one")
			e.x.Reset()
		}, "one", ErrReset},
		{"an end is an end", func(t *testing.T, e ends) {
			put(e.x, "one")
			e.x.Close()
			e.x.Reset()
			e.x.Close()
			for range 2 {
				if n, err := e.x.Write([]byte("two")); n != 0 || err != ErrClosed {
					t.Errorf("%d %v", n, err)
				}
			}
		}, "one", ErrClosed},
		{"after a Reset there is nothing to write to", func(t *testing.T, e ends) {
			e.x.Reset()
			if n, err := e.x.Write([]byte("two")); n != 0 || err != ErrReset {
				t.Errorf("%d %v", n, err)
			}
		}, "", ErrReset},
		{"what is written is copied", func(t *testing.T, e ends) {
			p := []byte("one")
			_, _ = e.x.Write(p)
			p[0] = 'X'
			_ = send(e.x, "two", Bytes{Slice: 1, Drip: ms})
		}, "onetwo", nil},
		{"the peer's end ends this one", func(t *testing.T, e ends) {
			h := listen(e.x)
			e.y.Close()
			e.until(func() bool { return h.ends > 0 })
			if n, err := e.x.Write([]byte("x")); n != 0 || err != ErrClosed || h.end != ErrClosed || h.ends != 1 {
				t.Errorf("%d %v, %+v", n, err, h)
			}
			if again := listen(e.x); again.end != ErrClosed {
				t.Errorf("asked again: %+v", again)
			}
			e.x.Close()
			e.x.Reset()
		}, "", nil},
		{"whoever closed hears nothing more", func(t *testing.T, e ends) {
			h := listen(e.x)
			put(e.y, "late")
			e.x.Close()
			e.quiet()
			if h.bytes != "" || h.ends != 0 {
				t.Errorf("%+v", h)
			}
		}, "", ErrClosed},
		{"closing while one is being told", func(t *testing.T, e ends) {
			var got []string
			e.x.Receive(func(p []byte, err error) {
				got = append(got, fmt.Sprint(string(p), err))
				e.x.Close()
			})
			put(e.y, "one")
			e.quiet()
			_, _ = e.y.Write([]byte("two")) // may fail by now
			e.quiet()
			if !slices.Equal(got, []string{"one<nil>"}) {
				t.Errorf("%q", got)
			}
		}, "", ErrClosed},
		{"both ways at once", func(t *testing.T, e ends) {
			h := listen(e.x)
			for i := range 100 {
				put(e.x, fmt.Sprint(i%10))
				put(e.y, fmt.Sprint(i%10))
			}
			if want := strings.Repeat("0123456789", 10); !e.until(func() bool { return h.bytes == want }) {
				t.Errorf("%q", h.bytes)
			}
		}, strings.Repeat("0123456789", 10), nil},

		{"slice", func(t *testing.T, e ends) { _ = send(e.x, "0123456789", Bytes{Slice: 3}); put(e.x, ".") }, "0123456789.", nil},
		{"drip", func(t *testing.T, e ends) {
			t0, h := e.clock.Now(), listen(e.y)
			_ = send(e.x, "0123456789", Bytes{Slice: 1, Drip: 2 * ms})
			put(e.x, ".")
			if !e.until(func() bool { return h.bytes == "0123456789." }) || e.clock.Now().Sub(t0) < 18*ms {
				t.Errorf("%q after %v", h.bytes, e.clock.Now().Sub(t0))
			}
			_ = send(e.x, "0123456789.", Bytes{})
		}, "0123456789.", nil},
		{"merge waits for the next", func(t *testing.T, e ends) {
			h := listen(e.y)
			_ = send(e.x, "one ", Bytes{Merge: true})
			_ = send(e.x, "two ", Bytes{Merge: true})
			if e.quiet(); h.bytes != "" {
				t.Errorf("%q", h.bytes)
			}
			put(e.x, "three")
			if !e.until(func() bool { return h.bytes == "one two three" }) {
				t.Errorf("%q", h.bytes)
			}
			_ = send(e.x, "four", Bytes{Merge: true})
			_ = send(e.x, "five", Bytes{Slice: 2})
			if !e.until(func() bool { return h.bytes == "one two threefourfive" }) {
				t.Errorf("%q", h.bytes)
			}
			put(e.x, "x")
		}, "x", nil},
		{"merge goes out before a Close", func(t *testing.T, e ends) { _ = send(e.x, "one", Bytes{Merge: true}); e.x.Close() }, "one", ErrClosed},
		{"merge is lost at a Reset", func(t *testing.T, e ends) { _ = send(e.x, "one", Bytes{Merge: true}); e.x.Reset() }, "", ErrReset},
		{"cut", func(t *testing.T, e ends) {
			if err := send(e.x, "0123456789", Bytes{Reset: true, Cut: 4}); err != ErrReset {
				t.Error(err)
			}
			if err := send(e.x, "x", Bytes{}); err != ErrReset {
				t.Error(err)
			}
		}, "0123", ErrReset},
		{"cut behind a drip", func(t *testing.T, e ends) {
			_ = send(e.x, "0123456789", Bytes{Slice: 1, Drip: ms, Reset: true, Cut: 4})
		}, "0123", ErrReset},
		{"reset", func(t *testing.T, e ends) { _ = send(e.x, "0123456789", Bytes{Reset: true}) }, "", ErrReset},
		{"cut more than there is", func(t *testing.T, e ends) { _ = send(e.x, "01", Bytes{Reset: true, Cut: 9}) }, "01", ErrReset},
		{"cut less than nothing", func(t *testing.T, e ends) { _ = send(e.x, "01", Bytes{Reset: true, Cut: -9}) }, "", ErrReset},
		{"Close behind a drip", func(t *testing.T, e ends) {
			_ = send(e.x, "0123456789", Bytes{Slice: 2, Drip: ms})
			e.x.Close()
		}, "0123456789", ErrClosed},
		{"Reset behind a drip", func(t *testing.T, e ends) {
			_ = send(e.x, "0123456789", Bytes{Slice: 2, Drip: ms})
			e.x.Reset()
		}, "0123456789", ErrReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyStream(t, func(t *testing.T, e ends) {
				tt.do(t, e)
				h := listen(e.y) // late: nothing is lost by it
				e.until(func() bool { return len(h.bytes) >= len(tt.want) && (tt.end == nil || h.ends > 0) })
				e.quiet()
				if h.bytes != tt.want || h.end != tt.end || tt.end != nil && h.ends != 1 {
					t.Errorf("%.60q (%d bytes) %v (%d times), want %.60q %v", h.bytes, len(h.bytes), h.end, h.ends, tt.want, tt.end)
				}
			})
		})
	}
}

// Whatever befalls messages, a link delivers the same over every stream.
func TestLinksBehaveAlike(t *testing.T) {
	faults := []Fault{Lose{}, Duplicate{}, Corrupt{2}, Truncate{3}, Slice{2}, Merge{}, Drip{100 * time.Microsecond}, Delay{5 * ms}}
	type message struct {
		text   string
		faults []Fault
	}
	run := func(e ends, messages []message) (got []string, end error) {
		in := NewLink(e.y, ascii, e.clock)
		in.OnFrame(func(m []byte, err error) {
			if err != nil {
				end = err
				return
			}
			got = append(got, string(m))
		})
		out := NewLink(e.x, ascii, e.clock)
		for _, m := range messages {
			out.Faults(func([]byte) []Fault { return m.faults })
			if out.Send([]byte(m.text)) != nil {
				break
			}
			if slices.ContainsFunc(m.faults, func(f Fault) bool { _, ok := f.(Delay); return ok }) { // order among the delayed is time's
				later := false
				e.clock.After(6*ms, func() { later = true })
				e.until(func() bool { return later })
			}
		}
		out.Close()
		e.until(func() bool { return end != nil })
		return got, end
	}
	rapid.Check(t, func(rt *rapid.T) {
		messages := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) message {
			m := message{text: rapid.StringMatching(`[a-z]{4,40}`).Draw(t, "text")}
			for range rapid.IntRange(0, 2).Draw(t, "n") {
				m.faults = append(m.faults, rapid.SampledFrom(faults).Draw(t, "fault"))
			}
			return m
		}), 0, 6).Draw(rt, "messages")
		p := newPair(t)
		want, wantEnd := run(ends{p.x, p.y, p.a, func(cond func() bool) bool { return p.w.Until(time.Hour, 1<<20, cond) }, p.run}, messages)
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			x, y := linked(t, ctx, w, &Dialer{}, &Server{})
			got, end := run(ends{x, y, w, func(cond func() bool) bool { return w.Wait(w.Now().Add(patience), cond) }, nil}, messages)
			if !slices.Equal(got, want) || !errors.Is(end, errors.Unwrap(wantEnd)) && end != wantEnd {
				rt.Errorf("over TCP %q %v\nin memory %q %v", got, end, want, wantEnd)
			}
		})
	})
}
