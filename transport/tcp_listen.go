package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/posim/posim/sim"
)

// Server accepts connections. The zero value accepts plain TCP.
type Server struct {
	TLS    *tls.Config // nil: plain. TLS 1.2 at least
	Max    int         // connections at a time, handshakes included; those above it are reset; 0: 1024
	Limits Limits      // of each connection
	// Failed, if it is not nil, is posted each connection that came to nothing: a handshake that failed, one above Max,
	// a system without resources.
	Failed func(error)
}

const (
	maxAccepted   = 1024
	handshakeWait = 10 * time.Second
	acceptAgain   = 100 * time.Millisecond // after the system failed to accept
)

// Listen is a Server's Listen with its defaults.
func Listen(ctx context.Context, addr string, config *tls.Config, p sim.Poster, accept func(Stream)) (net.Addr, error) {
	return (&Server{TLS: config}).Listen(ctx, addr, p, accept)
}

// ListenTCP listens at addr, host:port. Without a host it listens on 127.0.0.1 only: who wants to be reached from elsewhere
// names an address, 0.0.0.0 for all. Port 0 is one that is free. The error is a *DialError, one sentence.
func ListenTCP(ctx context.Context, addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &DialError{Address: addr, Text: fmt.Sprintf("address %q to listen on: want host:port, as in 127.0.0.1:8583, or :8583", addr), Kind: ErrRefused, Err: err}
	}
	if host == "" {
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	return l, nil
}

// Listen accepts connections at addr, as ListenTCP takes it, and posts each to accept; the address returned says which port
// it is. When ctx is done or p stops, the listener and every connection end, and no goroutine is left. The error is a
// *DialError, one sentence.
func (s *Server) Listen(ctx context.Context, addr string, p sim.Poster, accept func(Stream)) (net.Addr, error) {
	l := &listener{max: s.Max, limits: s.Limits, failed: s.Failed, post: p, accept: accept, open: map[*socket]struct{}{}}
	if l.max <= 0 {
		l.max = maxAccepted
	}
	if c := s.TLS; c != nil {
		if len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
			return nil, &DialError{Address: addr, Text: "TLS needs a certificate and its key: give both, or listen without TLS", Kind: ErrRefused}
		}
		l.tls = atLeast12(c)
	}
	var err error
	if l.Listener, err = ListenTCP(ctx, addr); err != nil {
		return nil, err
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.work.Add(1)
	go l.serve()
	forget := func() {}
	if o, ok := p.(sim.Stopper); ok {
		forget = o.OnStop(l.stop)
	}
	context.AfterFunc(l.ctx, func() { l.stop(); forget() })
	return l.Addr(), nil
}

// listener is one address that is listened on.
type listener struct {
	net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	tls    *tls.Config
	max    int
	limits Limits
	failed func(error)
	post   sim.Poster
	accept func(Stream)
	work   sync.WaitGroup // serve and the handshakes
	once   sync.Once

	mu   sync.Mutex
	open map[*socket]struct{}
	n    int // accepted and not closed
}

// stop ends everything and returns when it has ended.
func (l *listener) stop() {
	l.once.Do(func() {
		l.cancel()
		_ = l.Close()
		l.mu.Lock()
		open := l.open
		l.open = nil
		l.mu.Unlock()
		var all sync.WaitGroup
		for s := range open {
			all.Go(s.stop) // those closed in order take their moment together
		}
		all.Wait()
		l.work.Wait()
	})
}

// serve accepts until the listener is closed.
func (l *listener) serve() {
	defer l.work.Done()
	for {
		c, err := l.Accept()
		if l.ctx.Err() != nil {
			if err == nil {
				newOutbox(c, 0).abort(ErrReset) // as the system does with those that nobody accepts
			}
			return
		}
		if err != nil { // too many open files, as a rule: it may pass
			l.report(&DialError{Address: l.Addr().String(), Text: fmt.Sprintf("a connection to %s could not be accepted (%v)", l.Addr(), cause(err)), Kind: ErrRefused, Err: err})
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(acceptAgain):
			}
			continue
		}
		l.admit(c)
	}
}

// admit takes a connection in, or turns it away.
func (l *listener) admit(c net.Conn) {
	l.mu.Lock()
	full := l.n >= l.max
	if !full {
		l.n++
	}
	l.mu.Unlock()
	out := newOutbox(c, l.limits.Write)
	if full {
		out.abort(ErrRefused)
		l.report(&DialError{Address: c.RemoteAddr().String(), Text: fmt.Sprintf("a connection from %s was refused: %d are open, the most allowed", c.RemoteAddr(), l.max), Kind: ErrRefused})
		return
	}
	if l.tls == nil {
		l.begin(out, out)
		return
	}
	l.work.Add(1) // serve is at work too: nobody waits for none yet
	go l.handshake(out)
}

// handshake makes a connection TLS. A peer that is slow at it loses it.
func (l *listener) handshake(out *outbox) {
	defer l.work.Done()
	ctx, cancel := context.WithTimeout(l.ctx, handshakeWait)
	defer cancel()
	t := tls.Server(out, l.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		out.abort(ErrReset)
		out.work.Wait()
		l.leave(nil)
		if l.ctx.Err() == nil {
			l.report(acceptError(out.RemoteAddr().String(), within(ctx, err)))
		}
		return
	}
	l.begin(t, out)
}

// begin hands a connection to the owner.
func (l *listener) begin(c net.Conn, out *outbox) {
	s := newSocket(c, out, l.post, l.limits)
	s.closed = func() { l.leave(s) }
	l.mu.Lock()
	stopped := l.open == nil
	if !stopped {
		l.open[s] = struct{}{}
	}
	l.mu.Unlock()
	if stopped {
		s.stop()
		return
	}
	s.attach()
	l.post.Post(func() { l.accept(s) })
}

func (l *listener) leave(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	delete(l.open, s)
}

func (l *listener) report(err error) {
	if l.failed != nil {
		l.post.Post(func() { l.failed(err) })
	}
}
