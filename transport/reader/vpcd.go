package reader

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// vpcd is vsmartcard's virtual reader, a driver of pcscd: the card connects to it, the connection is the card in the
// slot. Each way a message is its length, two bytes, big endian, and so many bytes. One byte from vpcd is an order, more
// are a command to the card.
const (
	vpcdOff   = 0x00
	vpcdOn    = 0x01
	vpcdReset = 0x02
	vpcdATR   = 0x04

	// vpcdFrameLimit bounds the rest of a message that has begun, and the writing of one.
	vpcdFrameLimit = 5 * time.Second
	// vpcdAgain is how long a vpcd that is not there is left alone.
	vpcdAgain = 250 * time.Millisecond
	// vpcdPatience is how long one is looked for.
	vpcdPatience = 30 * time.Second
)

// VPCDConfig is how a card behaves in a virtual reader; the zero value is a healthy one.
type VPCDConfig struct {
	// Fault is asked at each command, under its name; nil: nothing goes wrong. FaultTear takes the card out, FaultUnplug
	// the reader; FaultMute, FaultSlow and FaultAnswer are the card's. Faults of a serial line mean nothing here.
	Fault func(event string) (Fault, bool)
	// Trace sees each command the card ran, under its name, and the answer, not masked; theirs for the call only.
	Trace func(name string, command, response []byte)
	// Connected is called when the card has been put into the reader, again after a break.
	Connected func()
	// Patience is how long a vpcd is looked for, at first and after a break; 0: 30 s.
	Patience time.Duration
}

// ServeVPCD puts card into the virtual reader at addr (host:port) and plays it until ctx is done (nil), the card leaves
// (an error that wraps apdu.ErrCardRemoved), or no vpcd is found for too long (ErrUnplugged). When vpcd breaks the
// connection the card is put in again. card belongs to ServeVPCD meanwhile, which runs on the caller's goroutine.
func ServeVPCD(ctx context.Context, addr string, card EmulatedCard, cfg VPCDConfig) error {
	if cfg.Patience <= 0 {
		cfg.Patience = vpcdPatience
	}
	since := time.Now()
	for {
		d := net.Dialer{Timeout: vpcdFrameLimit}
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			if cfg.Connected != nil {
				cfg.Connected()
			}
			var messages int
			messages, err = serveVPCD(ctx, c, card, cfg)
			if errors.Is(err, apdu.ErrCardRemoved) || errors.Is(err, errVPCDUnplugged) {
				return &Error{"vpcd", err}
			}
			if messages > 0 {
				since = time.Now()
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(since) > cfg.Patience {
			return &Error{"vpcd", fmt.Errorf("%w: no vpcd at %s (%w): install vsmartcard-vpcd and start pcscd", ErrUnplugged, addr, err)}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(vpcdAgain):
		}
	}
}

var errVPCDUnplugged = fmt.Errorf("taken away by a fault: %w", ErrUnplugged)

// serveVPCD plays card on one connection and counts what vpcd said.
func serveVPCD(ctx context.Context, c net.Conn, card EmulatedCard, cfg VPCDConfig) (messages int, err error) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	v := vicc{card: card, cfg: cfg, wait: func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}}
	in, out := make([]byte, 0xFFFF), make([]byte, 0, 2+apdu.MaxLe+2)
	for {
		m, err := readVPCD(c, in)
		if err != nil {
			return messages, err
		}
		messages++
		answer, talks, err := v.obey(m)
		if err != nil {
			return messages, err
		}
		if !talks {
			continue
		}
		out = appendVPCD(out[:0], answer)
		if err := c.SetWriteDeadline(time.Now().Add(vpcdFrameLimit)); err != nil {
			return messages, err
		}
		if _, err := c.Write(out); err != nil {
			return messages, err
		}
	}
}

// readVPCD reads a message: vpcd may take its time for the first byte, and not for the others.
func readVPCD(c net.Conn, buf []byte) ([]byte, error) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	acknowledge(c)
	n, err := c.Read(buf[:2])
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(vpcdFrameLimit)); err != nil {
		return nil, err
	}
	if n < 2 {
		if _, err := io.ReadFull(c, buf[1:2]); err != nil {
			return nil, err
		}
	}
	m := buf[:binary.BigEndian.Uint16(buf)]
	acknowledge(c)
	if _, err := io.ReadFull(c, m); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("a message of %d bytes stopped in its middle: %w", len(m), err)
		}
		return nil, err
	}
	return m, nil
}

// appendVPCD appends a message.
func appendVPCD(dst, message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(message))), message...)
}

// vicc is the card as vpcd sees it. It is a function of messages.
type vicc struct {
	card    EmulatedCard
	cfg     VPCDConfig
	wait    func(time.Duration)
	atr     []byte
	powered bool
	mute    bool // until the next reset
}

// obey does what a message of vpcd says; talks tells whether it is answered. An error takes the card out.
func (v *vicc) obey(m []byte) (answer []byte, talks bool, err error) {
	switch {
	case len(m) == 0:
		return nil, false, nil
	case len(m) > 1:
		answer, err = v.run(m)
		return answer, true, err
	case m[0] == vpcdOff:
		v.powered = false
	case m[0] == vpcdOn, m[0] == vpcdReset:
		v.reset()
	case m[0] == vpcdATR:
		if v.atr == nil {
			v.reset() // it asks for the ATR before it gives power
		}
		return v.atr, true, nil
	}
	return nil, false, nil
}

func (v *vicc) reset() {
	v.atr, v.powered, v.mute = v.card.Reset(), true, false
	if len(v.atr) > maxATR {
		v.atr = nil
	}
}

// run has the card answer a command. A mute card gives an empty answer.
func (v *vicc) run(command []byte) ([]byte, error) {
	if len(command) > maxCommand || len(command) < 4 {
		return []byte{0x67, 0x00}, nil
	}
	if !v.powered || v.mute {
		return nil, nil
	}
	name := apdu.Name(command[1])
	var fault Fault
	if v.cfg.Fault != nil {
		if f, strikes := v.cfg.Fault(name); strikes {
			fault = f
		}
	}
	switch fault.Kind {
	case FaultUnplug:
		return nil, errVPCDUnplugged
	case FaultTear:
		return nil, fmt.Errorf("by a fault: %w", apdu.ErrCardRemoved)
	case FaultMute:
		v.mute = true
		return nil, nil
	case FaultSlow:
		v.wait(fault.Delay)
	}
	answer, err := answerOf(v.card, command, fault)
	if answer == nil {
		v.mute = true
		return nil, err
	}
	if v.cfg.Trace != nil {
		v.cfg.Trace(name, command, answer)
	}
	return answer, nil
}
