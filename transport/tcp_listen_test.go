package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

func TestListenAddresses(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		never := func(Stream) { t.Error("accepted") }
		for addr, loopback := range map[string]bool{":0": true, "127.0.0.1:0": true, "localhost:0": true, "0.0.0.0:0": false} {
			got, err := Listen(ctx, addr, nil, w, never)
			if err != nil {
				t.Fatal(addr, err)
			}
			if tcp := got.(*net.TCPAddr); tcp.IP.IsLoopback() != loopback || tcp.Port == 0 {
				t.Errorf("%s: listens on %v", addr, got)
			}
		}
		taken, err := Listen(ctx, ":0", nil, w, never)
		if err != nil {
			t.Fatal(err)
		}
		for addr, want := range map[string]string{
			taken.String():           "transport: " + taken.String() + " is in use by another program: stop that one, or choose another port",
			"192.0.2.7:0":            "transport: 192.0.2.7:0 is no address of this computer: choose 127.0.0.1, or one that it has",
			"8583":                   `transport: address "8583" to listen on: want host:port, as in 127.0.0.1:8583, or :8583`,
			"127.0.0.1:99999":        "transport: cannot listen on 127.0.0.1:99999 (address 99999: invalid port)",
			"no-such-host.invalid:0": "transport: there is no host called no-such-host.invalid: give the address as a number",
		} {
			if got, err := Listen(ctx, addr, nil, w, never); err == nil || err.Error() != want || !is(err, ErrRefused) {
				t.Errorf("%v %v\nwant %s", got, err, want)
			}
		}
		if _, err := Listen(ctx, ":0", &tls.Config{}, w, never); err == nil || !strings.Contains(err.Error(), "TLS needs a certificate and its key") {
			t.Error(err)
		}
	})
	if e := listenError("127.0.0.1:80", os.NewSyscallError("bind", syscall.EACCES)); e.Error() != "transport: no permission to listen on 127.0.0.1:80: choose a port from 1024 up" {
		t.Error(e)
	}
}

func TestMostConnections(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		var in []Stream
		var failed []error
		s := &Server{Max: 2, Failed: func(err error) { failed = append(failed, err) }}
		addr, err := s.Listen(ctx, ":0", w, func(s Stream) { listen(s); in = append(in, s) })
		if err != nil {
			t.Fatal(err)
		}
		d := &Dialer{Addresses: []string{addr.String()}}
		var out []*heard
		for range 2 {
			x, err := connected(t, w, d)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, listen(x))
		}
		until(t, w, func() bool { return len(in) == 2 }, "two connections")
		x, err := connected(t, w, d) // one too many
		if err == nil {
			h := listen(x)
			until(t, w, func() bool { return h.ends > 0 }, "its end")
			err = h.end
		}
		until(t, w, func() bool { return len(failed) == 1 }, "a report")
		if !is(err, ErrReset) || !strings.HasSuffix(failed[0].Error(), "was refused: 2 are open, the most allowed") {
			t.Errorf("%v %v", err, failed)
		}
		if len(in) != 2 || out[0].ends+out[1].ends > 0 {
			t.Error("the others noticed")
		}
		in[0].Close() // room again
		until(t, w, func() bool { return out[0].ends == 1 }, "a closed connection")
		for len(in) < 3 {
			x, err := connected(t, w, d)
			if err != nil {
				continue // reset while it was dialled: not yet
			}
			h := listen(x)
			until(t, w, func() bool { return h.ends > 0 || len(in) == 3 }, "a third connection")
		}
	})
}

func TestHandshakesThatFail(t *testing.T) {
	a := newAuthority(t)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		var failed []error
		var in []Stream
		s := &Server{TLS: a.server(t), Failed: func(err error) { failed = append(failed, err) }}
		s.TLS.MinVersion = tls.VersionTLS10 // is not heeded
		addr, err := s.Listen(ctx, ":0", w, func(s Stream) { in = append(in, s) })
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			f    func(c net.Conn)
			want string
		}{
			{"no TLS", func(c net.Conn) { _, _ = c.Write([]byte("0800 and more")) }, "does not speak TLS: let it use TLS, or listen without"},
			{"it does not trust us", func(c net.Conn) { _ = tls.Client(c, &tls.Config{ServerName: "x"}).Handshake() }, "did not accept our certificate or TLS (tls: bad certificate)"},
			{"TLS of old", func(c net.Conn) {
				_ = tls.Client(c, &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
			}, "client offered only unsupported versions"},
			{"it hangs up", func(c net.Conn) {}, "(EOF)"},
		} {
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			failed = nil
			tt.f(c)
			c.(*net.TCPConn).CloseWrite()
			until(t, w, func() bool { return len(failed) > 0 }, tt.name)
			c.Close()
			if !strings.Contains(failed[0].Error(), tt.want) {
				t.Errorf("%s: %v", tt.name, failed[0])
			}
		}
		if len(in) > 0 {
			t.Error("accepted")
		}
		if x, err := connected(t, w, &Dialer{Addresses: []string{addr.String()}, TLS: a.client()}); err != nil {
			t.Error(err)
		} else {
			x.Reset()
		}
	})
}

func TestStoppingAListener(t *testing.T) {
	a := newAuthority(t)
	for _, tt := range []struct {
		name string
		tls  *tls.Config
	}{{"TCP", nil}, {"TLS", a.server(t)}} {
		t.Run(tt.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			var clients []net.Conn
			onWall(t, func(_ context.Context, w *sim.Wall) {
				ctx, stop := context.WithCancel(t.Context())
				var ends []*heard
				addr, err := Listen(ctx, ":0", tt.tls, w, func(s Stream) { ends = append(ends, listen(s)) })
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if tt.tls == nil {
						c, err := net.Dial("tcp", addr.String())
						if err != nil {
							t.Fatal(err)
						}
						clients = append(clients, c)
					} else if _, err := connected(t, w, &Dialer{Addresses: []string{addr.String()}, TLS: a.client()}); err != nil {
						t.Fatal(err)
					}
				}
				silent, err := net.Dial("tcp", addr.String()) // of a handshake, if there is one
				if err != nil {
					t.Fatal(err)
				}
				clients = append(clients, silent)
				until(t, w, func() bool { return len(ends) >= 3 }, "connections")
				stop()
				until(t, w, func() bool { return ends[0].ends+ends[1].ends+ends[2].ends == 3 }, "their ends") // the owner is told
				if !is(ends[0].end, ErrReset) {
					t.Error(ends[0].end)
				}
				for _, c := range clients {
					_ = c.SetReadDeadline(time.Now().Add(patience))
					if _, err := io.ReadAll(c); broken(err) != ErrReset {
						t.Error(err)
					}
					c.Close()
				}
				if c, err := net.Dial("tcp", addr.String()); err == nil {
					c.Close()
					t.Error("still listening")
				}
			})
			noneLeft(t, before)
		})
	}
}

// A listener ends with its owner, whatever its context does.
func TestTheOwnerEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	w := sim.NewWall(t.Context())
	var addr net.Addr
	_ = w.Run(func(sim.Clock) {
		var err error
		if addr, err = Listen(context.Background(), ":0", nil, w, func(Stream) {}); err != nil {
			t.Fatal(err)
		}
		for range 10 { // accepted or not yet, and never looked at
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	})
	if c, err := net.Dial("tcp", addr.String()); err == nil {
		c.Close()
		t.Error("still listening")
	}
	if _, err := Listen(context.Background(), ":0", nil, w, func(Stream) {}); err != nil { // too late: ends at once
		t.Error(err)
	}
	noneLeft(t, before)
}

// counted counts the hooks that its wall keeps.
type counted struct {
	*sim.Wall
	n atomic.Int32
}

func (c *counted) OnStop(f func()) func() {
	c.n.Add(1)
	cancel := c.Wall.OnStop(f)
	var once sync.Once
	return func() {
		once.Do(func() { c.n.Add(-1) })
		cancel()
	}
}

// A connection that has ended leaves nothing with its owner: hosts run for long.
func TestEndedConnectionsAreForgotten(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		c := &counted{Wall: w}
		in := 0
		addr, err := Listen(ctx, ":0", nil, c, func(s Stream) { in++; listen(s) })
		if err != nil {
			t.Fatal(err)
		}
		d := &Dialer{Addresses: []string{addr.String()}}
		for i := range 20 {
			r := new(dialled)
			d.Dial(c, func(s Stream, err error) { *r = dialled{s, err, true} })
			until(t, w, func() bool { return r.done && in > i }, "a connection")
			if i%2 == 0 {
				r.s.Close()
			} else {
				r.s.Reset()
			}
		}
		for end := time.Now().Add(patience); c.n.Load() > 1; quiet(w) { // the listener's own
			if time.Now().After(end) {
				t.Fatalf("%d hooks are left", c.n.Load())
			}
		}
	})
}

// Many connections at once, each an echo, while some break in every way.
func TestManyConnections(t *testing.T) {
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		addr, err := Listen(ctx, ":0", nil, w, func(s Stream) {
			l := NewLink(s, ascii, w)
			l.OnFrame(func(m []byte, err error) {
				if err == nil {
					_ = l.Send(m)
				}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		const n = 32
		results := make(chan error, n)
		for i := range n {
			go func() { results <- client(addr.String(), i) }()
		}
		left := n
		var errs []error
		go func() {
			for range n {
				err := <-results
				w.Post(func() {
					left--
					errs = append(errs, err)
				})
			}
		}()
		until(t, w, func() bool { return left == 0 }, "the clients")
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	})
}

func client(addr string, i int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 8)
	for range 50 {
		if _, err := c.Write([]byte("0004abcd")); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "0004abcd" {
			return errors.Join(err, errors.New(string(b)))
		}
	}
	switch i % 3 {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
	case 1:
		_, _ = c.Write([]byte("0099abcd")) // an unfinished frame
	}
	return nil
}
