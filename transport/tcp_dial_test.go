package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// port is a listener that does with each connection what f does.
func port(t testing.TB, f func(c net.Conn)) (addr string, count *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	count = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			t.Cleanup(func() { c.Close() })
			f(c)
		}
	}()
	return l.Addr().String(), count
}

func keep(net.Conn)     {}
func hangUp(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); c.Close() }
func plain(c net.Conn)  { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }
func resets(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}
func deadPort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// speaks is a port that makes TLS of what it accepts.
func speaks(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		go func() {
			s := tls.Server(c, config)
			_ = s.Handshake()
			_, _ = io.Copy(io.Discard, s)
		}()
	}
}

func TestWhyADialFails(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	certificate := func(a *authority, name string, end time.Time) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{a.issue(t, name, end)}}
	}
	hour := time.Now().Add(time.Hour)
	old := certificate(a, "127.0.0.1", hour)
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	wantsOurs := certificate(a, "127.0.0.1", hour)
	wantsOurs.ClientAuth, wantsOurs.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
	lenient := a.client()
	lenient.MinVersion = tls.VersionTLS10
	quick := 150 * ms
	past := time.Now().Add(-48 * time.Hour)
	for _, tt := range []struct {
		name string
		f    func(net.Conn) // nil: nobody listens
		d    *Dialer
		want string // ADDR is the address
		kind error
	}{
		{"nobody there", nil, &Dialer{}, "ADDR refused the connection: is the host running at ADDR?", ErrRefused},
		{"TLS, nobody there", nil, &Dialer{TLS: a.client()}, "ADDR refused the connection: is the host running at ADDR?", ErrRefused},
		{"another name", speaks(certificate(a, "payments.example", hour)), &Dialer{TLS: a.client()},
			"the certificate of ADDR is for payments.example, not for 127.0.0.1: dial it by its name, or give the host a certificate for this one", ErrRefused},
		{"another number", speaks(certificate(a, "192.0.2.1", hour)), &Dialer{TLS: a.client()},
			"the certificate of ADDR is for 192.0.2.1, not for 127.0.0.1: dial it by its name, or give the host a certificate for this one", ErrRefused},
		{"no name", speaks(certificate(a, "", hour)), &Dialer{TLS: a.client()},
			"the certificate of ADDR is for no name at all, not for 127.0.0.1: dial it by its name, or give the host a certificate for this one", ErrRefused},
		{"an unknown authority", speaks(certificate(stranger, "127.0.0.1", hour)), &Dialer{TLS: a.client()},
			"the certificate of ADDR is signed by an authority that is not trusted: trust that authority's certificate, or give the host another", ErrRefused},
		{"expired", speaks(certificate(a, "127.0.0.1", past)), &Dialer{TLS: a.client()},
			"the certificate of ADDR is valid from " + past.Add(-24*time.Hour).UTC().Format(time.DateOnly) + " to " + past.UTC().Format(time.DateOnly) + ", which is not now: renew it, or set the clock", ErrRefused},
		{"no TLS there", plain, &Dialer{TLS: a.client()}, "ADDR does not speak TLS: leave TLS out, or use the host's TLS port", ErrRefused},
		{"TLS of old, whatever the configuration allows", speaks(old), &Dialer{TLS: lenient}, "ADDR refused our TLS (tls: protocol version not supported): it may want a certificate of ours, or another version", ErrRefused},
		{"it wants a certificate of ours", speaks(wantsOurs), &Dialer{TLS: a.client()},
			"ADDR refused our TLS (tls: ", ErrRefused},
		{"it hangs up", hangUp, &Dialer{TLS: a.client()}, "ADDR ended the connection during the TLS handshake: does it speak TLS, and does it know us?", ErrClosed},
		{"it resets", resets, &Dialer{TLS: a.client()}, "ADDR ended the connection during the TLS handshake: does it speak TLS, and does it know us?", ErrReset},
		{"it is silent", keep, &Dialer{TLS: a.client(), Connect: quick}, "ADDR accepted the connection and did not answer TLS within 150ms: does it speak TLS?", ErrTimeout},
		{"verification is off", keep, &Dialer{TLS: &tls.Config{InsecureSkipVerify: true}}, "TLS without verification proves nothing: trust the host's certificate instead", ErrRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := deadPort(t)
			if tt.f != nil {
				addr, _ = port(t, tt.f)
			}
			onWall(t, func(ctx context.Context, w *sim.Wall) {
				tt.d.Addresses = []string{addr}
				_, err := connected(t, w, tt.d)
				want := "transport: " + strings.ReplaceAll(tt.want, "ADDR", addr)
				if err == nil || !strings.HasPrefix(err.Error(), want) || !is(err, tt.kind) {
					t.Errorf("%v\nwant %s, %v", err, want, tt.kind)
				}
			})
		})
	}
	for addr, want := range map[string]string{
		"":                        `transport: host address "": want host:port, as in 127.0.0.1:8583`,
		"127.0.0.1":               `transport: host address "127.0.0.1": want host:port, as in 127.0.0.1:8583`,
		":8583":                   `transport: host address ":8583": want host:port, as in 127.0.0.1:8583`,
		"127.0.0.1:0":             `transport: host address "127.0.0.1:0": want host:port, as in 127.0.0.1:8583`,
		"127.0.0.1:65536":         `transport: host address "127.0.0.1:65536": want host:port, as in 127.0.0.1:8583`,
		"no-such-host.invalid:99": `transport: there is no host called no-such-host.invalid: check the name, or give its number`,
	} {
		onWall(t, func(ctx context.Context, w *sim.Wall) {
			if _, err := connected(t, w, &Dialer{Addresses: []string{addr}}); err == nil || err.Error() != want || errors.Is(err, ErrClosed) {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
	}
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		if _, err := connected(t, w, &Dialer{}); !is(err, ErrRefused) || err.Error() != "transport: 0 host addresses: want 1 to 8" {
			t.Error(err)
		}
	})
}

// In TLS 1.3 a host that refuses our certificate says so only after the handshake.
func TestAHostThatRefusesUsLater(t *testing.T) {
	a := newAuthority(t)
	config := a.server(t)
	config.ClientAuth = tls.RequireAnyClientCert
	addr, _ := port(t, speaks(config))
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		s, err := connected(t, w, &Dialer{Addresses: []string{addr}, TLS: a.client()})
		if err != nil {
			t.Fatal(err)
		}
		h := listen(s)
		until(t, w, func() bool { return h.ends > 0 }, "the end")
		if !is(h.end, ErrReset) || !strings.Contains(h.end.Error(), "certificate required") {
			t.Error(h.end)
		}
	})
}

func TestFailOver(t *testing.T) {
	a := newAuthority(t)
	for _, tt := range []struct {
		name  string
		first func(net.Conn) // nil: nobody listens
		tls   bool
	}{
		{"the first refuses", nil, false},
		{"the first is silent", keep, true},
		{"the first fails the handshake", plain, true},
		{"the first hangs up", hangUp, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, tried := deadPort(t), new(atomic.Int32)
			if tt.first != nil {
				first, tried = port(t, tt.first)
			}
			d := &Dialer{Connect: 700 * ms}
			good := keep
			if tt.tls {
				d.TLS, good = a.client(), speaks(a.server(t))
			}
			second, used := port(t, good)
			d.Addresses = []string{first, second}
			onWall(t, func(ctx context.Context, w *sim.Wall) {
				tries := tried.Load()
				step := func(what string, wantTried, wantUsed int32) {
					t.Helper()
					s, err := connected(t, w, d)
					if err != nil {
						t.Fatal(what, err)
					}
					if to := s.(*socket).c.RemoteAddr().String(); to != second {
						t.Errorf("%s: connected to %s", what, to)
					}
					s.Reset()
					if tt.first != nil {
						tries += wantTried
					}
					for end := time.Now().Add(time.Second); used.Load() < wantUsed && time.Now().Before(end); {
						time.Sleep(ms) // connected is not yet accepted
					}
					if tried.Load() != tries || used.Load() != wantUsed {
						t.Errorf("%s: the first was tried %d times, the second %d", what, tried.Load(), used.Load())
					}
				}
				step("the first dial", 1, 1)
				step("the second works and is remembered", 0, 2)
				step("still", 0, 3)
				d.failed = d.failed.Add(-returnAfter)
				step("after a while the first is tried again", 1, 4)
				step("and left alone again", 0, 5)
			})
		})
	}
}

func TestTheFirstAddressIsTakenAgain(t *testing.T) {
	first, second := deadPort(t), ""
	second, _ = port(t, keep)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		d := &Dialer{Addresses: []string{first, second}}
		to := func() string {
			s, err := connected(t, w, d)
			if err != nil {
				return err.Error()
			}
			defer s.Reset()
			return s.(*socket).c.RemoteAddr().String()
		}
		if got := to(); got != second {
			t.Error(got)
		}
		l, err := net.Listen("tcp", first) // it comes back
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if got := to(); got != second {
			t.Error("too soon:", got)
		}
		d.failed = d.failed.Add(-returnAfter)
		if got := to(); got != first {
			t.Error(got)
		}
		if got := to(); got != first {
			t.Error("forgotten:", got)
		}
	})
}

// The second host dies while it is in use: the first is tried, however recently it failed.
func TestTheRememberedAddressDies(t *testing.T) {
	first, _ := port(t, keep)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		d := &Dialer{Addresses: []string{first, deadPort(t)}, works: 1, failed: time.Now()}
		s, err := connected(t, w, d)
		if err != nil || s.(*socket).c.RemoteAddr().String() != first {
			t.Fatal(err)
		}
		s.Reset()
	})
}

func TestAllAddressesFail(t *testing.T) {
	a := newAuthority(t)
	silent, _ := port(t, keep)
	dead := deadPort(t)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		_, err := connected(t, w, &Dialer{Addresses: []string{dead, silent}, TLS: a.client(), Connect: 100 * ms})
		want := "transport: none of the host's addresses can be reached: " + dead + " refused the connection: is the host running at " + dead + "?; " +
			silent + " accepted the connection and did not answer TLS within 100ms: does it speak TLS?"
		if err == nil || err.Error() != want || !errors.Is(err, ErrRefused) || !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
	})
}

func TestADialIsGivenUp(t *testing.T) {
	a := newAuthority(t)
	silent, _ := port(t, keep)
	accepted := make(chan net.Conn, 8)
	good, _ := port(t, func(c net.Conn) { accepted <- c })
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		never := func(Stream, error) { t.Error("called") }
		(&Dialer{Addresses: []string{silent}, TLS: a.client()}).Dial(w, never)()
		(&Dialer{Addresses: []string{"nonsense"}}).Dial(w, never)()
		cancel := (&Dialer{Addresses: []string{good}}).Dial(w, never)
		time.Sleep(50 * ms) // connected by now, and posted
		cancel()
		quiet(w)
		c := <-accepted
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); broken(err) != ErrReset {
			t.Errorf("what came about was not broken: %v", err)
		}
	})
	before := runtime.NumGoroutine()
	for _, addr := range []string{silent, good} { // the owner ends while it is under way, or done
		w := sim.NewWall(t.Context())
		_ = w.Run(func(sim.Clock) {
			(&Dialer{Addresses: []string{addr}, TLS: a.client(), Connect: time.Hour}).Dial(w, func(Stream, error) { t.Error("called") })
		})
		(&Dialer{Addresses: []string{addr}}).Dial(w, func(Stream, error) { t.Error("called") }) // stopped already
		noneLeft(t, before)
	}
}

func TestDialLink(t *testing.T) {
	addr, _ := port(t, func(c net.Conn) { go func() { _, _ = io.Copy(c, c) }() })
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		d := &Dialer{Addresses: []string{addr}}
		for range 3 { // per transaction
			l, err := d.DialLink(w, w, ascii)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // or kept
				if err := l.Send([]byte("0800")); err != nil {
					t.Fatal(err)
				}
				if m, err := l.Recv(w.Now().Add(patience)); string(m) != "0800" || err != nil {
					t.Fatalf("%q %v", m, err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := (&Dialer{Addresses: []string{deadPort(t)}}).DialLink(w, w, ascii); !is(err, ErrRefused) {
			t.Error(err)
		}
	})
}
