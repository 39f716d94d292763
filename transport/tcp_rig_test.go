package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// patience bounds every wait of these tests that is expected to end sooner.
const patience = 10 * time.Second

// onWall runs f as the owner of a wall, and fails if a goroutine is left afterwards. The context is done when f returns.
func onWall(t testing.TB, f func(ctx context.Context, w *sim.Wall)) {
	t.Helper()
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w := sim.NewWall(ctx)
	if err := w.Run(func(sim.Clock) { f(ctx, w) }); err != nil {
		t.Error(err)
	}
	stop()
	noneLeft(t, before)
}

// noneLeft fails when goroutines are left.
func noneLeft(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, had %d:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
		}
	}
}

// until waits for cond.
func until(t testing.TB, w *sim.Wall, cond func() bool, what string) {
	t.Helper()
	if !w.Wait(w.Now().Add(patience), cond) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// quiet lets some time pass in which nothing is expected.
func quiet(w *sim.Wall) { w.Wait(w.Now().Add(30*time.Millisecond), func() bool { return false }) }

// heard is what a stream gave its owner.
type heard struct {
	bytes string
	end   error
	ends  int
}

func listen(s Stream) *heard {
	h := new(heard)
	s.Receive(func(p []byte, err error) {
		h.bytes += string(p)
		if err != nil {
			h.end = err
			h.ends++
		}
	})
	return h
}

// authority signs certificates for one test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue signs a certificate for a name or a number, valid up to end.
func (a *authority) issue(t testing.TB, name string, end time.Time) tls.Certificate {
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else if name != "" {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server and client are TLS configurations that go together.
func (a *authority) server(t testing.TB) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, "127.0.0.1", time.Now().Add(time.Hour))}}
}

func (a *authority) client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{RootCAs: roots}
}

// dialled is how a Dial ended.
type dialled struct {
	s    Stream
	err  error
	done bool
}

func dial(d *Dialer, p sim.Poster) *dialled {
	r := new(dialled)
	d.Dial(p, func(s Stream, err error) { *r = dialled{s, err, true} })
	return r
}

// connected dials and waits.
func connected(t testing.TB, w *sim.Wall, d *Dialer) (Stream, error) {
	t.Helper()
	r := dial(d, w)
	until(t, w, func() bool { return r.done }, "the end of a dial")
	if (r.err == nil) != (r.s != nil) {
		t.Fatalf("%v and %v", r.s, r.err)
	}
	return r.s, r.err
}

// linked is two streams of one owner, connected over real sockets.
func linked(t testing.TB, ctx context.Context, w *sim.Wall, d *Dialer, s *Server) (x, y Stream) {
	t.Helper()
	addr, err := s.Listen(ctx, ":0", w, func(s Stream) { y = s })
	if err != nil {
		t.Fatal(err)
	}
	d.Addresses = []string{addr.String()}
	if x, err = connected(t, w, d); err != nil {
		t.Fatal(err)
	}
	until(t, w, func() bool { return y != nil }, "an accepted connection")
	return x, y
}

// peer is a plain socket, connected to a stream: what a foreign program may do to us.
func peer(t testing.TB, ctx context.Context, w *sim.Wall, l Limits) (Stream, *net.TCPConn) {
	t.Helper()
	var s Stream
	addr, err := (&Server{Limits: l}).Listen(ctx, "127.0.0.1:0", w, func(x Stream) { s = x })
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	until(t, w, func() bool { return s != nil }, "an accepted connection")
	return s, c.(*net.TCPConn)
}

// connStream is a stream over a connection that a test has made.
func connStream(c net.Conn, p sim.Poster, l Limits) Stream {
	out := newOutbox(c, l.Write)
	s := newSocket(out, out, p, l)
	s.attach()
	return s
}

// is tells whether err is exactly one of the four.
func is(err, want error) bool {
	for _, e := range []error{ErrClosed, ErrReset, ErrRefused, ErrTimeout} {
		if errors.Is(err, e) != (e == want) {
			return false
		}
	}
	return true
}
