package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// DialError tells why there is no connection to one address, in one sentence that says what to do. It is ErrRefused (the
// host, or what it showed, was not acceptable), ErrTimeout, ErrReset or ErrClosed, and what the system or TLS reported.
type DialError struct {
	Address string
	Text    string
	Kind    error // one of the four
	Err     error // nil: nothing reported it
}

// Error is the sentence.
func (e *DialError) Error() string { return "transport: " + e.Text }

// Unwrap gives the kind and the cause.
func (e *DialError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// broken says which of the four ended a connection that stood.
func broken(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrClosed), errors.Is(err, ErrReset), errors.Is(err, ErrTimeout), errors.Is(err, ErrRefused):
		return err
	case err == io.EOF, errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return ErrClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return ErrReset
	case isTimeout(err): // also the system's own, after keep-alives that nobody answered
		return fmt.Errorf("%w: the peer is gone (%w)", ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", ErrReset, err)
}

// dialError says what became of a try of one address: what it is doing, for how long it was given, whether TLS had begun.
func dialError(addr string, wait time.Duration, handshake bool, err error) *DialError {
	e := &DialError{Address: addr, Kind: ErrRefused, Err: err}
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind = ErrClosed
		e.Text = fmt.Sprintf("the connection to %s was given up", addr)
	case errors.As(err, &dns):
		if dns.IsTimeout {
			e.Kind = ErrTimeout
		}
		e.Text = fmt.Sprintf("there is no host called %s: check the name, or give its number", dns.Name)
	case isTimeout(err) && handshake:
		e.Kind = ErrTimeout
		e.Text = fmt.Sprintf("%s accepted the connection and did not answer TLS within %v: does it speak TLS?", addr, wait)
	case isTimeout(err):
		e.Kind = ErrTimeout
		e.Text = fmt.Sprintf("no answer from %s within %v: is the address right, and does a firewall stand between?", addr, wait)
	case handshake:
		e.Text = handshakeText(addr, err)
		if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, ErrReset) {
			e.Kind = ErrReset
		} else if errors.Is(err, io.EOF) {
			e.Kind = ErrClosed
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Text = fmt.Sprintf("%s refused the connection: is the host running at %s?", addr, addr)
	case errors.Is(err, syscall.ECONNRESET):
		e.Kind = ErrReset
		e.Text = fmt.Sprintf("%s reset the connection: is it a payment host?", addr)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Text = fmt.Sprintf("there is no way to %s: check the network and the address", addr)
	default:
		e.Text = fmt.Sprintf("cannot connect to %s (%v)", addr, cause(err))
	}
	return e
}

// handshakeText says what was wrong with a host's TLS.
func handshakeText(addr string, err error) string {
	var (
		name     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		noTLS    tls.RecordHeaderError
		alert    *net.OpError
		mismatch = func(c *x509.Certificate) string {
			names := append([]string(nil), c.DNSNames...)
			for _, ip := range c.IPAddresses {
				names = append(names, ip.String())
			}
			if len(names) == 0 {
				return "no name at all"
			}
			if len(names) > 4 {
				names = append(names[:4], "more")
			}
			return strings.Join(names, ", ")
		}
	)
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is for %s, not for %s: dial it by its name, or give the host a certificate for this one",
			addr, mismatch(name.Certificate), name.Host)
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate of %s is signed by an authority that is not trusted: trust that authority's certificate, or give the host another", addr)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s is valid from %s to %s, which is not now: renew it, or set the clock",
			addr, invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly))
	case errors.As(err, &noTLS):
		return fmt.Sprintf("%s does not speak TLS: leave TLS out, or use the host's TLS port", addr)
	case errors.As(err, &alert) && alert.Op == "remote error":
		return fmt.Sprintf("%s refused our TLS (%v): it may want a certificate of ours, or another version", addr, alert.Err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, ErrReset):
		return fmt.Sprintf("%s ended the connection during the TLS handshake: does it speak TLS, and does it know us?", addr)
	}
	return fmt.Sprintf("TLS with %s failed (%v)", addr, cause(err))
}

// listenError says why an address cannot be listened on.
func listenError(addr string, err error) *DialError {
	e := &DialError{Address: addr, Kind: ErrRefused, Err: err}
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Text = fmt.Sprintf("%s is in use by another program: stop that one, or choose another port", addr)
	case errors.Is(err, syscall.EACCES):
		e.Text = fmt.Sprintf("no permission to listen on %s: choose a port from 1024 up", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Text = fmt.Sprintf("%s is no address of this computer: choose 127.0.0.1, or one that it has", addr)
	case errors.As(err, &dns):
		e.Text = fmt.Sprintf("there is no host called %s: give the address as a number", dns.Name)
	default:
		e.Text = fmt.Sprintf("cannot listen on %s (%v)", addr, cause(err))
	}
	return e
}

// acceptError says why a peer's TLS handshake with us failed.
func acceptError(addr string, err error) *DialError {
	e := &DialError{Address: addr, Kind: ErrRefused, Err: err}
	var (
		noTLS tls.RecordHeaderError
		alert *net.OpError
	)
	switch {
	case isTimeout(err):
		e.Kind = ErrTimeout
		e.Text = fmt.Sprintf("%s did not finish its TLS handshake within %v: does it speak TLS?", addr, handshakeWait)
	case errors.As(err, &noTLS):
		e.Text = fmt.Sprintf("%s does not speak TLS: let it use TLS, or listen without", addr)
	case errors.As(err, &alert) && alert.Op == "remote error":
		e.Text = fmt.Sprintf("%s did not accept our certificate or TLS (%v): let it trust the authority, and dial a name that the certificate has", addr, alert.Err)
	default:
		e.Text = fmt.Sprintf("TLS with %s failed (%v)", addr, cause(err))
	}
	return e
}

// cause is the innermost error, whose text repeats no address.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
