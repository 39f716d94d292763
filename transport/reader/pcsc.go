package reader

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// Why pcscd cannot be used.
var (
	// ErrNoService means that no pcscd answers.
	ErrNoService = errors.New("reader: no pcscd")
	// ErrNoReader means that pcscd has no reader, or none of that name.
	ErrNoReader = errors.New("reader: no such reader")
	// ErrSharing means that another program uses the card.
	ErrSharing = errors.New("reader: card in use")
)

const (
	pcscSocket = "/run/pcscd/pcscd.comm"
	// pcscLimit bounds a call that asks nothing of a card.
	pcscLimit = 5 * time.Second
	// pcscResetLimit bounds the calls that reset a card: pcscd tries several voltages and protocols.
	pcscResetLimit = 20 * time.Second
)

func socketOf(name string) string {
	return cmp.Or(name, os.Getenv("PCSCLITE_CSOCK_NAME"), pcscSocket)
}

// ListPCSC asks pcscd for its readers. socket: as in Options. Without a pcscd the error wraps ErrNoService.
func ListPCSC(socket string) ([]PCSCReader, error) {
	c, err := dialPCSC(socketOf(socket))
	if err != nil {
		return nil, pcscFailed(err)
	}
	defer c.Close()
	readers, err := c.readers()
	if err == nil {
		err = c.release()
	}
	return readers, pcscFailed(err)
}

// pcscFailed wraps what did not concern a card; the sentinels of this file speak for themselves.
func pcscFailed(err error) error {
	if errors.Is(err, ErrNoService) || errors.Is(err, ErrNoReader) {
		return err
	}
	return failed("pc/sc", err)
}

// pcscConn is one connection to pcscd with its context. pcscd works on one request of a connection at a time, so whoever
// waits has a connection of his own. After an error of the connection itself it is good for nothing but Close.
type pcscConn struct {
	c       net.Conn
	context uint32
	dead    bool // broken: only the goroutine that calls looks
	out     []byte
	in      [pcscStates]byte
}

// dialPCSC connects and establishes a context.
func dialPCSC(socket string) (*pcscConn, error) {
	c, err := net.DialTimeout("unix", socket, pcscLimit)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: %s: permission denied: ask who runs this machine to let you use it", ErrNoService, socket)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w answers at %s: install it (sudo apt install pcscd libccid) and start it (sudo systemctl start pcscd.socket)", ErrNoService, socket)
	case err != nil:
		return nil, fmt.Errorf("%w answers: %w: start it (sudo systemctl restart pcscd)", ErrNoService, err)
	}
	p := &pcscConn{c: c}
	if err := p.hello(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return p, nil
}

func (p *pcscConn) hello() error {
	body, err := p.call(pcscVersion, pcscLimit, pcscMajor, pcscMinor, 0)
	if errors.Is(err, resultServiceStopped) { // its way to refuse a version
		return fmt.Errorf("%w: pcscd speaks protocol %d.%d, expected one that takes %d.%d (pcsc-lite 1.8.24 or later)",
			ErrNoService, field(body, 0), field(body, 1), pcscMajor, pcscMinor)
	}
	if err != nil {
		return err
	}
	const system = 2 // scope
	if body, err = p.call(pcscEstablish, pcscLimit, system, 0, 0); err != nil {
		return err
	}
	p.context = field(body, 1)
	return nil
}

// Close ends the connection; pcscd lets go of context and card by itself.
func (p *pcscConn) Close() error { return p.c.Close() }

// roundTrip sends the request in out and reads an answer of n bytes, valid until the next one.
func (p *pcscConn) roundTrip(c pcscCommand, limit time.Duration, n int) ([]byte, error) {
	if err := p.c.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, p.broken(c, limit, err)
	}
	if _, err := p.c.Write(p.out); err != nil {
		return nil, p.broken(c, limit, err)
	}
	if _, err := io.ReadFull(p.c, p.in[:n]); err != nil {
		return nil, p.broken(c, limit, err)
	}
	return p.in[:n], nil
}

// broken says how a connection ended.
func (p *pcscConn) broken(c pcscCommand, limit time.Duration, err error) error {
	p.dead = true
	p.c.Close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%v: no answer from pcscd within %v: restart it (sudo systemctl restart pcscd): %w", c, limit, ErrUnplugged)
	}
	return fmt.Errorf("%v: %w: start it again (sudo systemctl start pcscd.socket): %w", c, errServiceGone, ErrUnplugged)
}

var errServiceGone = errors.New("pcscd has gone")

// call sends a request of 32-bit fields and gives the answer, of as many.
func (p *pcscConn) call(c pcscCommand, limit time.Duration, fields ...uint32) ([]byte, error) {
	p.out = appendRequest(p.out[:0], c, fields...)
	body, err := p.roundTrip(c, limit, 4*len(fields))
	if err != nil {
		return nil, err
	}
	return body, judgeResult(c, body)
}

func judgeResult(c pcscCommand, body []byte) error {
	if r := result(body); r != resultOK {
		return fmt.Errorf("%v: %w", c, r)
	}
	return nil
}

func (p *pcscConn) readers() ([]PCSCReader, error) {
	p.out = appendRequest(p.out[:0], pcscReadersState)
	b, err := p.roundTrip(pcscReadersState, pcscLimit, pcscStates)
	if err != nil {
		return nil, err
	}
	return parseReaders(b)
}

// watch asks to be told of the next change and gives the readers as they are until then. changed waits for it.
func (p *pcscConn) watch() ([]PCSCReader, error) {
	p.out = appendRequest(p.out[:0], pcscWaitChange)
	b, err := p.roundTrip(pcscWaitChange, pcscLimit, pcscStates)
	if err != nil {
		return nil, err
	}
	return parseReaders(b)
}

// changed waits for the change that watch asked for, d at most, and then stops waiting; whether it came does not matter
// to whoever looks again.
func (p *pcscConn) changed(d time.Duration) error {
	if err := p.c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return p.broken(pcscWaitChange, d, err)
	}
	body := p.in[:8]
	n, err := io.ReadFull(p.c, body)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		p.out = appendRequest(p.out[:0], pcscStopWaiting)
		body, err = p.roundTrip(pcscStopWaiting, pcscLimit, 8) // the change's own message, if it came meanwhile
		if err != nil {
			return err
		}
	} else if err != nil {
		return p.broken(pcscWaitChange, d, err)
	}
	return judgeResult(pcscWaitChange, body)
}

// connect takes the card in a reader for us alone.
func (p *pcscConn) connect(name string) (handle, protocol uint32, err error) {
	p.out = appendConnect(p.out[:0], p.context, name, pcscShareExclusive, pcscProtocolT0|pcscProtocolT1)
	body, err := p.roundTrip(pcscConnect, pcscResetLimit, 4+pcscName+5*4)
	if err != nil {
		return 0, 0, err
	}
	if err := judgeResult(pcscConnect, body); err != nil {
		return 0, 0, err
	}
	tail := body[4+pcscName:]
	return field(tail, 2), field(tail, 3), nil
}

// reconnect resets the card, cold, and agrees on a protocol again.
func (p *pcscConn) reconnect(handle uint32) (protocol uint32, err error) {
	body, err := p.call(pcscReconnect, pcscResetLimit, handle, pcscShareExclusive, pcscProtocolT0|pcscProtocolT1, pcscUnpower, 0, 0)
	if err != nil {
		return 0, err
	}
	return field(body, 4), nil
}

func (p *pcscConn) begin(handle uint32) error {
	_, err := p.call(pcscBegin, pcscLimit, handle, 0)
	return err
}

func (p *pcscConn) end(handle uint32) error {
	_, err := p.call(pcscEnd, pcscLimit, handle, pcscLeave, 0)
	return err
}

// status asks whether the card we are connected to is still there and ours.
func (p *pcscConn) status(handle uint32) error {
	_, err := p.call(pcscStatus, pcscLimit, handle, 0)
	return err
}

func (p *pcscConn) disconnect(handle uint32) error {
	_, err := p.call(pcscDisconnect, pcscLimit, handle, pcscUnpower, 0)
	return err
}

func (p *pcscConn) release() error {
	_, err := p.call(pcscRelease, pcscLimit, p.context, 0)
	return err
}

// transmit carries a command to the card; the answer is the caller's.
func (p *pcscConn) transmit(handle, protocol uint32, command []byte, limit time.Duration) ([]byte, error) {
	p.out = appendTransmit(p.out[:0], handle, protocol, command)
	body, err := p.roundTrip(pcscTransmit, limit, pcscTransmitBody)
	if err != nil {
		return nil, err
	}
	if r := result(body); r != resultOK {
		return nil, r
	}
	n := field(body, 6)
	if n == 0 {
		return nil, fmt.Errorf("an empty answer: %w", apdu.ErrMute)
	}
	if n < 2 || n > maxAnswer {
		p.dead = true
		p.c.Close()
		return nil, protocolError("an answer of %d bytes, expected 2 to %d", n, apdu.MaxLe+2)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(p.c, answer); err != nil {
		return nil, p.broken(pcscTransmit, limit, err)
	}
	if n > apdu.MaxLe+2 {
		return nil, protocolError("an answer of %d bytes, expected 2 to %d", n, apdu.MaxLe+2)
	}
	return answer, nil
}

// choose finds the reader called name; an empty name is the only one there is.
func choose(readers []PCSCReader, name string) (PCSCReader, error) {
	var names []string
	for _, r := range readers {
		if r.Name == name {
			return r, nil
		}
		names = append(names, fmt.Sprintf("%q", r.Name))
	}
	switch {
	case len(readers) == 0:
		return PCSCReader{}, fmt.Errorf("%w: pcscd has no reader: plug one in (lsusb shows whether the system sees it)", ErrNoReader)
	case name != "":
		return PCSCReader{}, fmt.Errorf("%w: pcscd has no %q: it has %s", ErrNoReader, name, strings.Join(names, ", "))
	case len(readers) > 1:
		return PCSCReader{}, fmt.Errorf("%w: pcscd has %s: name one, as pcsc://%s", ErrNoReader, strings.Join(names, ", "), Spec{Kind: PCSC, Address: readers[0].Name}.String()[len("pcsc://"):])
	}
	return readers[0], nil
}
