package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// connectWait bounds a dial that nobody answers.
const connectWait = 10 * time.Second

var errUplink = errors.New("host: no line up")

// below is a connection from below, and what is spoken on it.
type below struct {
	link    *transport.Link
	dialect *dialect.Dialect
}

// Accept takes a connection from below, from now on and until it ends. Config.Dialect is spoken on it.
func (p *Party) Accept(l *transport.Link) { p.AcceptAs(l, p.cfg.Dialect) }

// AcceptAs is Accept for a line that another dialect is spoken on.
func (p *Party) AcceptAs(l *transport.Link, d *dialect.Dialect) {
	p.cfg.Clock.After(0, func() {
		if p.err != nil || len(p.conns) >= maxConnections {
			l.Reset()
			return
		}
		p.nconn++
		n := p.nconn
		p.conns[n] = &below{l, d}
		l.OnStray(func(err error) { p.observe(Observation{Kind: Undecodable, Conn: n, Err: err}) })
		l.OnFrame(func(frame []byte, err error) {
			if err != nil {
				delete(p.conns, n)
				return
			}
			p.frame(n, d, frame)
		})
	})
}

// uplink is the line to the next hop: one at a time, dialled when it is wanted.
type uplink struct {
	link    *transport.Link
	dialled int // counts dials; what belongs to an earlier one is not listened to
	dialing bool
	giveUp  func()
	held    []*Send   // wait for the dial to end
	asked   time.Time // the first repeat since something came from it; zero: something has come since, or it is new
}

// drop forgets the line and whatever waits for it.
func (u *uplink) drop() {
	u.dialled++
	if u.dialing {
		u.giveUp()
	}
	if u.link != nil {
		u.link.Reset()
	}
	u.link, u.dialing, u.held = nil, false, nil
}

// dial begins a new line up.
func (p *Party) dial() {
	if p.cfg.Uplink == nil {
		return
	}
	p.up.dialled++
	this := p.up.dialled
	p.up.dialing = true
	p.up.giveUp = p.cfg.Clock.After(connectWait, func() { p.connected(this, nil, transport.ErrTimeout) })
	p.cfg.Uplink(func(l *transport.Link, err error) { p.connected(this, l, err) })
}

// connected ends a dial. What was held goes out, or is dropped: the timers of whoever wanted it resolve.
func (p *Party) connected(dial int, l *transport.Link, err error) {
	if p.err != nil || dial != p.up.dialled || !p.up.dialing {
		if l != nil {
			l.Reset()
		}
		return
	}
	p.up.giveUp()
	p.up.dialing = false
	held := p.up.held
	p.up.held = nil
	if err == nil && l == nil {
		err = errUplink
	}
	if err != nil {
		p.observe(Observation{Kind: DialFailed, Err: err})
		for _, s := range held {
			p.observe(Observation{Kind: Dropped, Message: s.Message, Err: err})
		}
		return
	}
	p.up.link, p.up.asked = l, time.Time{}
	l.OnFrame(func(frame []byte, err error) {
		if p.up.link != l {
			return // an earlier line: what is late on it is lost with it
		}
		if err != nil {
			p.up.link = nil
			return
		}
		p.up.asked = time.Time{}
		p.frame(0, p.cfg.Above, frame)
	})
	for _, s := range held {
		p.write(l, p.cfg.Above, s)
	}
}

// silence is how long a line may say nothing behind a repeat before the next repeat takes it for dead. Several that are
// repeated together, as at boot, do not take it from each other.
const silence = 5 * time.Second

// sendUp sends to the next hop, and dials when there is no line. A repeat that finds the line silent since an earlier one
// takes it for dead.
func (p *Party) sendUp(s *Send) {
	if s.Repeat && p.up.link != nil {
		now := p.cfg.Clock.Now()
		switch {
		case p.up.asked.IsZero():
			p.up.asked = now
		case now.Sub(p.up.asked) >= silence:
			p.up.drop()
		}
	}
	if p.up.link != nil && p.up.link.Err() == nil {
		p.write(p.up.link, p.cfg.Above, s)
		return
	}
	p.up.link = nil
	if p.cfg.Uplink == nil || len(p.up.held) >= maxHeld {
		p.observe(Observation{Kind: Dropped, Message: s.Message, Err: fmt.Errorf("%w: %d messages wait", errUplink, len(p.up.held))})
		return
	}
	p.up.held = append(p.up.held, s)
	if !p.up.dialing {
		p.dial()
	}
}
