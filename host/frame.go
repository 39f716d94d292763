package host

import (
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// frame turns what arrived into an event: message, and whether its MAC is good. What does not decode is reported and
// dropped: there is nobody whom an answer would reach.
func (p *Party) frame(conn int, d *dialect.Dialect, b []byte) {
	m, err := d.Unpack(b)
	if err != nil {
		p.observe(Observation{Kind: Undecodable, Conn: conn, Err: err})
		return
	}
	err = d.VerifyMAC(b, m, func(mac, data []byte) error {
		key, params, ok := p.cfg.Machine.MACKey(conn, m)
		if !ok {
			return errNoSession
		}
		return p.cfg.Module.VerifyMAC(key, params, mac, data)
	})
	p.observe(Observation{Kind: Received, Conn: conn, Message: m, Err: err})
	e := Event{Kind: EventMessage, Conn: conn, Message: p.taken(d, m), Dialect: d, MACBad: err != nil, wire: m.MTI}
	if !p.cfg.Rules.Kept(rules.ReadAtDecision) {
		e.seen = p.cfg.Machine.View().snapshot(m.Key())
	}
	if p.cfg.Treat == nil {
		p.post(e)
		return
	}
	p.treat(e, m)
}

// send lets one message go, with what was to go wrong with it.
func (p *Party) send(s *Send) {
	if s.Conn == 0 {
		p.sendUp(s)
		return
	}
	l := p.conns[s.Conn]
	if l == nil {
		p.observe(Observation{Kind: Dropped, Conn: s.Conn, Message: s.Message, Err: transport.ErrClosed})
		return
	}
	p.write(l.link, l.dialect, s)
}

// write packs a message and puts it on the line. A broken line is noticed by its own end; nobody is told here.
func (p *Party) write(l *transport.Link, d *dialect.Dialect, s *Send) {
	m, wrongMAC := p.spoil(s)
	m = p.given(d, m)
	var mac func(dst *[8]byte, data []byte) error
	if key, params, ok := p.cfg.Machine.MACKey(s.Conn, m); ok && !s.Plain && d.Signed(m) {
		mac = func(dst *[8]byte, data []byte) error {
			err := p.cfg.Module.MAC(key, params, dst[:], data)
			if wrongMAC {
				dst[0] ^= 1
			}
			return err
		}
	}
	b, err := d.Pack(m, mac)
	if err == nil {
		err = l.Send(b)
	}
	if err != nil {
		p.observe(Observation{Kind: Dropped, Conn: s.Conn, Message: m, Err: err})
		return
	}
	p.observe(Observation{Kind: Sent, Conn: s.Conn, Message: m})
}

// answerID is which answer a treatment is for.
type answerID struct {
	mti string
	key dialect.Key
}
