package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/posim/posim/sim"
)

// Dialer connects to a host, by TCP or TLS, at one address or at several in order of preference: the next is tried when
// one refuses, is silent, or fails the TLS handshake. The address that worked is where the next Dial begins, and after five
// minutes the first is tried again.
//
// Whether a connection stays for the next transaction is the caller's choice: it keeps the Link, or closes it and dials
// again. The fields are set before the first Dial; any goroutine may dial. A Dialer must not be copied after it.
type Dialer struct {
	Addresses []string    // host:port; at least one
	TLS       *tls.Config // nil: plain. TLS 1.2 at least; verification cannot be turned off; no ServerName: the address's
	// Connect bounds the try of one address, the TLS handshake included. 0: 4 s.
	Connect time.Duration

	mu     sync.Mutex
	works  int       // the address that worked last
	failed time.Time // when the first was last found not to
}

const (
	connectWait = 4 * time.Second
	returnAfter = 5 * time.Minute
	maxAddress  = 8
)

// Dial connects, on a goroutine of its own, and posts the stream or the error to p. An error is a *DialError, or several
// of them in one; nothing has been sent then. cancel, called by p's owner, gives it up: done is not called any more, and a
// connection that came about is broken. When p stops, the dial ends.
func (d *Dialer) Dial(p sim.Poster, done func(Stream, error)) (cancel func()) {
	ctx, stop := context.WithCancel(context.Background())
	ended, hook := make(chan struct{}), make(chan func(), 1)
	cancelled := false // the owner's
	go func() {
		defer func() { (<-hook)() }()
		defer close(ended)
		defer stop()
		s, err := d.dial(ctx, p)
		p.Post(func() {
			switch {
			case !cancelled && err != nil:
				done(nil, err)
			case !cancelled:
				done(s, nil)
			case err == nil:
				s.Reset()
			}
		})
	}()
	if s, ok := p.(sim.Stopper); ok {
		hook <- s.OnStop(func() { stop(); <-ended })
	} else {
		hook <- func() {}
	}
	return func() {
		cancelled = true
		stop()
	}
}

// DialLink connects and waits for it on the clock of p's owner, as a terminal does.
func (d *Dialer) DialLink(clock sim.Clock, p sim.Poster, f Framing) (*Link, error) {
	var (
		stream Stream
		err    error
		ended  bool
	)
	d.Dial(p, func(s Stream, e error) { stream, err, ended = s, e, true })
	clock.Wait(time.Time{}, func() bool { return ended }) // Dial is bounded
	if err != nil {
		return nil, err
	}
	return NewLink(stream, f, clock), nil
}

// dial tries the addresses.
func (d *Dialer) dial(ctx context.Context, p sim.Poster) (*socket, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	var errs []error
	for _, i := range d.order() {
		s, err := d.try(ctx, p, d.Addresses[i])
		d.learn(i, err)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return nil, &unreachable{errs}
}

func (d *Dialer) check() error {
	if n := len(d.Addresses); n < 1 || n > maxAddress {
		return &DialError{Text: fmt.Sprintf("%d host addresses: want 1 to %d", n, maxAddress), Kind: ErrRefused}
	}
	for _, a := range d.Addresses {
		host, port, err := net.SplitHostPort(a)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || n == 0 {
			return &DialError{Address: a, Text: fmt.Sprintf("host address %q: want host:port, as in 127.0.0.1:8583", a), Kind: ErrRefused}
		}
	}
	if d.TLS != nil && d.TLS.InsecureSkipVerify {
		return &DialError{Text: "TLS without verification proves nothing: trust the host's certificate instead", Kind: ErrRefused}
	}
	return nil
}

// order is the addresses' numbers in the order in which they are to be tried.
func (d *Dialer) order() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.works
	if first >= len(d.Addresses) || time.Since(d.failed) >= returnAfter {
		first = 0
	}
	order := []int{first}
	for i := range d.Addresses {
		if i != first {
			order = append(order, i)
		}
	}
	return order
}

func (d *Dialer) learn(i int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.works = i
	case i == 0:
		d.failed = time.Now()
	}
}

// try connects to one address.
func (d *Dialer) try(ctx context.Context, p sim.Poster, addr string) (*socket, error) {
	wait := d.Connect
	if wait <= 0 {
		wait = connectWait
	}
	ctx, stop := context.WithTimeout(ctx, wait)
	defer stop()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, dialError(addr, wait, false, within(ctx, err))
	}
	out := newOutbox(c, 0)
	if d.TLS == nil {
		s := newSocket(out, out, p, Limits{})
		s.attach()
		return s, nil
	}
	t := tls.Client(out, d.config(addr))
	if err := t.HandshakeContext(ctx); err != nil {
		out.abort(ErrReset)
		out.work.Wait()
		return nil, dialError(addr, wait, true, within(ctx, err))
	}
	s := newSocket(t, out, p, Limits{})
	s.attach()
	return s, nil
}

// within tells a deadline of ours from what the system reported because of it.
func within(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (d *Dialer) config(addr string) *tls.Config {
	c := atLeast12(d.TLS)
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(addr)
	}
	return c
}

func atLeast12(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}

// unreachable is several addresses that all failed, in one sentence.
type unreachable struct{ errs []error }

// Error joins the sentences.
func (u *unreachable) Error() string {
	text := "transport: none of the host's addresses can be reached: "
	for i, err := range u.errs {
		if i > 0 {
			text += "; "
		}
		var e *DialError
		if errors.As(err, &e) {
			text += e.Text
		}
	}
	return text
}

// Unwrap gives each address's error.
func (u *unreachable) Unwrap() []error { return u.errs }
