package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/posim/posim/sim"
)

func TestSilenceEndsAConnectionThatMustNotBeIdle(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		s, _ := peer(t, ctx, w, Limits{Idle: 60 * ms})
		h, t0 := listen(s), w.Now()
		until(t, w, func() bool { return h.ends > 0 }, "the end of silence")
		if took := w.Now().Sub(t0); h.bytes != "" || !is(h.end, ErrTimeout) || took < 60*ms {
			t.Errorf("%+v after %v", h, took)
		}
		if want := "transport: no answer in time: nothing has arrived for 60ms"; h.end.Error() != want {
			t.Error(h.end)
		}
		if n, err := s.Write([]byte("x")); n != 0 || !is(err, ErrTimeout) {
			t.Errorf("%d %v", n, err)
		}
		s, _ = peer(t, ctx, w, Limits{Idle: 20 * ms})
		listen(s)
		time.Sleep(100 * ms) // it has ended, and the owner does not know yet
		if n, err := s.Write([]byte("x")); n != 0 || !is(err, ErrTimeout) {
			t.Errorf("%d %v", n, err)
		}
	})
}

// The same in fake time, over a pipe: what arrives keeps it alive, instants are exact, and goroutines all end.
func TestSilenceInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.NewWall(t.Context())
		_ = w.Run(func(sim.Clock) {
			c, other := net.Pipe()
			h, t0 := listen(connStream(c, w, Limits{Idle: time.Hour})), w.Now()
			go func() {
				time.Sleep(59 * time.Minute)
				_, _ = other.Write([]byte("x"))
				_, _ = other.Read(make([]byte, 1)) // until it ends
			}()
			if !w.Wait(time.Time{}, func() bool { return h.ends > 0 }) || w.Now().Sub(t0) != 119*time.Minute || !is(h.end, ErrTimeout) {
				t.Errorf("%+v after %v", h, w.Now().Sub(t0))
			}
		})
	})
}

func TestAPeerThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	// fill writes until the system takes nothing more, and a little further.
	fill := func(t *testing.T, s Stream) (written []byte) {
		t.Helper()
		for i, behind := 0, 0; behind < 8; i++ {
			block := bytes.Repeat([]byte{byte(i)}, 8<<10)
			t0 := time.Now()
			if _, err := s.Write(block); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(t0); took > time.Second {
				t.Fatalf("a Write took %v", took)
			}
			written = append(written, block...)
			if s.(*socket).out.busy() {
				behind++
				time.Sleep(ms) // the goroutine is in the midst of it
			}
		}
		return written
	}
	t.Run("too long", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, _ := peer(t, ctx, w, Limits{Write: 100 * ms})
			h, t0 := listen(s), w.Now()
			fill(t, s)
			until(t, w, func() bool { return h.ends > 0 }, "the end of a peer that does not read")
			if took := w.Now().Sub(t0); h.end.Error() != "transport: no answer in time: the peer has taken nothing for 100ms" || !is(h.end, ErrTimeout) || took < 100*ms {
				t.Errorf("%+v after %v", h, took)
			}
		})
	})
	t.Run("too much", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, _ := peer(t, ctx, w, Limits{Write: time.Hour})
			h := listen(s)
			block := make([]byte, 64<<10)
			var err error
			for n := 0; err == nil; n++ {
				if n > 1000 {
					t.Fatal("64 MB unread, and no end")
				}
				_, err = s.Write(block)
			}
			until(t, w, func() bool { return h.ends > 0 }, "the end")
			if !is(err, ErrTimeout) || h.end.Error() != err.Error() || !strings.Contains(err.Error(), "the peer has not taken") {
				t.Errorf("%v, then %+v", err, h)
			}
		})
	})
	t.Run("too much, and nobody listens to it", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, c := peer(t, ctx, w, Limits{Write: time.Hour})
			var err error
			for err == nil {
				_, err = s.Write(make([]byte, 64<<10))
			}
			_ = c.SetReadDeadline(time.Now().Add(patience))
			if _, end := io.Copy(io.Discard, c); broken(end) != ErrReset { // closed all the same
				t.Error(end)
			}
			if h := listen(s); h.ends != 1 || !is(h.end, ErrTimeout) {
				t.Errorf("%+v", h)
			}
		})
	})
	t.Run("but reads at last", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, c := peer(t, ctx, w, Limits{})
			want := fill(t, s)
			s.Close() // what was written still arrives
			_ = c.SetReadDeadline(time.Now().Add(patience))
			got, err := io.ReadAll(c)
			if !bytes.Equal(got, want) || err != nil {
				t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
			}
		})
	})
	t.Run("reads at last, half closed, and silent for long", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, c := peer(t, ctx, w, Limits{Idle: 500 * ms})
			want := fill(t, s)
			h := listen(s) // from now on it must not be silent
			if h.ends > 0 {
				t.Fatal(h.end)
			}
			s.Close()
			w.Wait(w.Now().Add(700*ms), func() bool { return false })
			_ = c.CloseWrite()
			quiet(w)
			_ = c.SetReadDeadline(time.Now().Add(patience))
			got, err := io.ReadAll(c)
			if !bytes.Equal(got, want) || err != nil {
				t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
			}
		})
	})
	t.Run("then reads, and all goes on", func(t *testing.T) {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			s, c := peer(t, ctx, w, Limits{Write: 500 * ms})
			_ = c.SetReadDeadline(time.Now().Add(patience))
			for range 2 {
				want := fill(t, s)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
					t.Fatal(err)
				}
				time.Sleep(700 * ms) // the time for what was slow is over
			}
		})
	})
	t.Run("and its owner ends", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		before := runtime.NumGoroutine()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		w, t0 := sim.NewWall(t.Context()), time.Now()
		_ = w.Run(func(sim.Clock) {
			s := connStream(c, w, Limits{Write: time.Hour})
			fill(t, s)
			s.Close()
		})
		if took := time.Since(t0); took > 5*time.Second {
			t.Errorf("the end took %v", took)
		}
		noneLeft(t, before)
	})
}

// busy tells whether something waits for the peer to take it.
func (o *outbox) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sending
}

func TestWhatAPeerMayDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *net.TCPConn)
		want string
		end  error
	}{
		{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() }, "", ErrReset},
		{"bytes and a reset", func(c *net.TCPConn) {
			_, _ = c.Write([]byte("one"))
			_ = c.SetLinger(0)
			c.Close()
		}, "one", ErrReset},
		{"close", func(c *net.TCPConn) { _, _ = c.Write([]byte("one")); c.Close() }, "one", ErrClosed},
		{"half a close", func(c *net.TCPConn) { _, _ = c.Write([]byte("one")); _ = c.CloseWrite() }, "one", ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onWall(t, func(ctx context.Context, w *sim.Wall) {
				s, c := peer(t, ctx, w, Limits{})
				tt.do(c)
				h := listen(s)
				until(t, w, func() bool { return h.ends > 0 }, "the end")
				if h.bytes != tt.want || h.end != tt.end {
					t.Errorf("%+v", h)
				}
				if n, err := s.Write([]byte("x")); n != 0 || err != tt.end {
					t.Errorf("%d %v", n, err)
				}
			})
		})
	}
}

// A write that finds the connection broken does not hide what had arrived.
func TestAFailedWriteHidesNothing(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		s, c := peer(t, ctx, w, Limits{})
		_, _ = c.Write([]byte("the answer"))
		_ = c.SetLinger(0)
		c.Close()
		var err error
		for end := time.Now().Add(patience); err == nil && time.Now().Before(end); time.Sleep(ms) {
			_, err = s.Write([]byte("x"))
		}
		if err != ErrReset {
			t.Fatal(err)
		}
		s2, c2 := peer(t, ctx, w, Limits{})
		h := listen(s2)
		_, _ = c2.Write([]byte("the answer"))
		_ = c2.SetLinger(0)
		c2.Close()
		for range 5 {
			_, _ = s2.Write([]byte("x"))
		}
		until(t, w, func() bool { return h.ends > 0 }, "the end")
		if h.bytes != "the answer" || h.end != ErrReset {
			t.Errorf("%+v", h)
		}
	})
}

// The owner takes one read at a time: a peer that sends without end fills the system's buffers and no memory of ours.
func TestAnOwnerThatDoesNotWaitSlowsItsPeer(t *testing.T) {
	p := new(pile)
	c, other := net.Pipe() // has no buffer at all
	s := connStream(c, p, Limits{})
	h := listen(s)
	sent := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			_ = other.SetWriteDeadline(time.Now().Add(50 * ms))
			if _, err := other.Write(make([]byte, readSize)); err != nil {
				break
			}
		}
		sent <- n
	}()
	if n := <-sent; n != 1 || p.len() != 1 {
		t.Errorf("%d blocks sent, %d posts, while the owner did nothing", n, p.len())
	}
	p.run()
	if len(h.bytes) != readSize {
		t.Errorf("%d bytes", len(h.bytes))
	}
	s.Reset()
	other.Close()
}

// pile is a poster that nobody waits on.
type pile struct {
	mu sync.Mutex
	f  []func()
}

func (p *pile) Post(f func()) { p.mu.Lock(); p.f = append(p.f, f); p.mu.Unlock() }
func (p *pile) len() int      { p.mu.Lock(); defer p.mu.Unlock(); return len(p.f) }
func (p *pile) run() {
	p.mu.Lock()
	f := p.f
	p.f = nil
	p.mu.Unlock()
	for _, f := range f {
		f()
	}
}

// The power goes: the peer sees a reset, operations unwind, nothing is left.
func TestAPowerCutResetsTheConnection(t *testing.T) {
	var l net.Listener
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tt := range []struct {
		name string
		f    func(w *sim.Wall, s Stream, cut func())
		want string
		end  error // what the peer's read says
	}{
		{"while it waits", func(w *sim.Wall, s Stream, cut func()) {
			_, _ = s.Write([]byte("one"))
			w.After(10*ms, cut)
			w.Wait(time.Time{}, func() bool { return false })
		}, "one", ErrReset},
		{"before a Write", func(w *sim.Wall, s Stream, cut func()) { cut(); _, _ = s.Write([]byte("one")) }, "", ErrReset},
		{"before a Close", func(w *sim.Wall, s Stream, cut func()) { cut(); s.Close() }, "", ErrReset},
		{"before a Reset", func(w *sim.Wall, s Stream, cut func()) { cut(); s.Reset() }, "", ErrReset},
		{"before a fault", func(w *sim.Wall, s Stream, cut func()) {
			l := NewLink(s, ascii, w)
			l.Faults(func([]byte) []Fault { return []Fault{Lose{}} })
			cut()
			_ = l.Send([]byte("one"))
		}, "", ErrReset},
		{"in a drip", func(w *sim.Wall, s Stream, cut func()) {
			_ = s.(faulty).writeBytes([]byte("onetwo"), Bytes{Slice: 3, Drip: time.Hour})
			w.After(50*ms, cut)
			w.Wait(time.Time{}, func() bool { return false })
		}, "one", ErrReset},
		{"after a Close", func(w *sim.Wall, s Stream, cut func()) {
			_, _ = s.Write([]byte("one"))
			s.Close()
			cut()
			w.Wait(time.Time{}, func() bool { return false })
		}, "one", ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ctx, cut := context.WithCancel(t.Context())
			w := sim.NewWall(ctx)
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			other, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			s := connStream(c, w, Limits{})
			err = w.Run(func(sim.Clock) {
				listen(s)
				tt.f(w, s, cut)
				t.Error("went on")
			})
			if err != context.Canceled {
				t.Error(err)
			}
			_ = other.SetReadDeadline(time.Now().Add(patience))
			got, err := io.ReadAll(other)
			if err == nil {
				err = io.EOF
			}
			if string(got) != tt.want || broken(err) != tt.end {
				t.Errorf("%q %v", got, err)
			}
			noneLeft(t, before)
			if _, err := s.Write([]byte("x")); err == nil { // after Run there is nobody to unwind
				t.Error("written after the end")
			}
			s.Close()
			s.Reset()
		})
	}
}

// An owner that closes in order and ends at once: what it wrote arrives.
func TestClosingAndEnding(t *testing.T) {
	a := newAuthority(t)
	for name, config := range map[string][2]*tls.Config{"TCP": {}, "TLS": {a.server(t), a.client()}} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			data := bytes.Repeat([]byte("0123456789"), 10_000)
			w := sim.NewWall(t.Context())
			addrs, got := make(chan string, 1), make(chan []byte, 1)
			go func() {
				var c net.Conn
				c, err := net.Dial("tcp", <-addrs)
				if err != nil {
					got <- []byte(err.Error())
					return
				}
				defer c.Close()
				if config[1] != nil {
					config := config[1].Clone()
					config.ServerName = "127.0.0.1"
					c = tls.Client(c, config)
				}
				_, _ = c.Write([]byte("unasked")) // unread at the close: it must not turn that into a reset
				b, err := io.ReadAll(c)
				if err != nil {
					b = []byte(err.Error())
				}
				got <- b
			}()
			_ = w.Run(func(sim.Clock) {
				var s Stream
				addr, err := (&Server{TLS: config[0]}).Listen(t.Context(), ":0", w, func(x Stream) { s = x })
				if err != nil {
					t.Fatal(err)
				}
				addrs <- addr.String()
				until(t, w, func() bool { return s != nil }, "a connection")
				_, _ = s.Write(data)
				s.Close()
			})
			if b := <-got; !bytes.Equal(b, data) {
				t.Errorf("%d bytes of %d: %.40q", len(b), len(data), b)
			}
			noneLeft(t, before)
		})
	}
}

// A peer that does not close too keeps nothing of ours for long.
func TestAClosedConnectionDoesNotLinger(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		s, c := peer(t, ctx, w, Limits{})
		listen(s)
		s.Close()
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		t0 := time.Now()
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				break
			}
			if time.Sleep(10 * ms); time.Since(t0) > 5*time.Second {
				t.Fatal("it is still there")
			}
		}
		if took := time.Since(t0); took < linger/2 {
			t.Errorf("gone after %v", took)
		}
	})
}

// A TLS connection that is closed says so in TLS too: without, other implementations take the end for an attack.
func TestTLSSaysThatItCloses(t *testing.T) {
	a := newAuthority(t)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		var s Stream
		addr, err := Listen(ctx, ":0", a.server(t), w, func(x Stream) { s = x })
		if err != nil {
			t.Fatal(err)
		}
		raw, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		config := a.client()
		config.ServerName, config.MaxVersion = "127.0.0.1", tls.VersionTLS12 // whose records say in the clear what they are
		if err := tls.Client(raw, config).HandshakeContext(ctx); err != nil {
			t.Fatal(err)
		}
		until(t, w, func() bool { return s != nil }, "a connection")
		s.Close()
		const alert = 21
		if b, err := io.ReadAll(raw); err != nil || len(b) == 0 || b[0] != alert {
			t.Errorf("% X %v", b, err)
		}
	})
}

// A frame that cannot be one ends the link and its connection, on both sides.
func TestALinkThatIsBroken(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		s, c := peer(t, ctx, w, Limits{})
		l := NewLink(s, ascii, w)
		_, _ = c.Write([]byte("what?"))
		_, err := l.Recv(w.Now().Add(patience))
		if err == nil || !strings.Contains(err.Error(), "want 4 decimal digits") {
			t.Error(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); broken(err) != ErrReset {
			t.Error(err)
		}
	})
}
