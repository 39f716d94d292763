package host

import (
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// The parts of a record about terminals and their batches: numbers 10 to 19.
func (c *codec) deskParts(r *Record) {
	part(c, 10, &r.Batch, (*codec).batch)
	part(c, 11, &r.Upload, (*codec).upload)
	part(c, 12, &r.Terminal, (*codec).terminalState)
}

// desk tells whether a record has one of these parts.
func (r *Record) desk() bool { return r.Batch != nil || r.Upload != nil || r.Terminal != nil }

func (r *Record) checkDesk() (err error) {
	if r.Batch != nil {
		err = r.Batch.check()
	}
	if r.Upload != nil && err == nil {
		err = r.Upload.check()
	}
	if r.Terminal != nil && err == nil {
		err = r.Terminal.check()
	}
	return err
}

func (c *codec) batch(b *Batch) {
	c.text(1, &b.MID)
	c.text(2, &b.TID)
	c.text(3, &b.Number)
	small(c, 4, &b.State)
	c.wholeKey(5, &b.Settlement)
	c.totals(6, &b.Terminal)
	c.totals(7, &b.Host)
	small(c, 8, &b.Result)
	small(c, 9, &b.ForeignResult)
	number(c, 10, &b.Uploaded)
	number(c, 11, &b.Items)
	c.wholeKey(12, &b.End)
	c.text(13, &b.BusinessDate)
}

// wholeKey is a key in a part of its own; the zero Key is left out.
func (c *codec) wholeKey(tag byte, k *dialect.Key) {
	inPlace(c, tag, k, func(c *codec, k *dialect.Key) {
		c.key(1, k)
		c.text(6, &k.Batch)
	})
}

func (c *codec) totals(tag byte, t *dialect.Totals) {
	inPlace(c, tag, t, func(c *codec, t *dialect.Totals) {
		for i, p := range []*dialect.Total{&t.Debits, &t.Credits, &t.ForeignDebits, &t.ForeignCredits} {
			number(c, byte(2*i+1), &p.Count)
			number(c, byte(2*i+2), &p.Amount)
		}
	})
}

// inPlace is a part whose structure is no pointer: the zero value is left out.
func inPlace[T comparable](c *codec, tag byte, v *T, fields func(*codec, *T)) {
	var zero T
	p := v
	if !c.decode && *v == zero || c.decode {
		p = nil
	}
	part(c, tag, &p, fields)
	if !c.decode || p == nil {
		return
	}
	if *p == zero {
		c.fail(tag, "nothing in it: want it left out")
	}
	*v = *p
}

func (c *codec) upload(u *Upload) {
	c.text(1, &u.MID)
	c.text(2, &u.TID)
	c.text(3, &u.Number)
	list(c, 4, &u.Lines, maxUploadLines, (*codec).line)
}

func (c *codec) line(l *Line) {
	c.text(1, &l.STAN)
	small(c, 2, &l.Kind)
	number(c, 3, &l.Amount)
	c.flag(4, &l.Debit)
	c.text(5, &l.Card)
	c.bytes(6, &l.Certificate)
	c.flag(7, &l.Notice)
}

func (c *codec) terminalState(s *TerminalState) {
	c.text(1, &s.MID)
	c.text(2, &s.TID)
	c.flag(3, &s.Disabled)
	c.flag(4, &s.SignedOff)
	requests := make([]byte, 0, len(s.Requests))
	for _, r := range s.Requests {
		requests = append(requests, byte(r))
	}
	c.bytes(5, &requests)
	c.text(6, &s.Status)
	c.text(7, &s.Why)
	number(c, 8, &s.Device)
	c.instants(9, &s.Opened, maxOpened)
	if !c.decode {
		return
	}
	if len(requests) > maxRequests {
		c.err = fmt.Errorf("%d requests: want at most %d", len(requests), maxRequests)
		return
	}
	for _, r := range requests {
		s.Requests = append(s.Requests, dialect.ProcessingRequest(r))
	}
}

// transactionAtDesk is what comes to a transaction later: numbers 50 to 59.
// instants is a list of parts with an instant each.
func (c *codec) instants(tag byte, v *[]time.Time, most int) {
	all := make([]*time.Time, 0, len(*v))
	for i := range *v {
		all = append(all, &(*v)[i])
	}
	list(c, tag, &all, most, func(c *codec, at *time.Time) { c.instant(1, at) })
	if !c.decode {
		return
	}
	for _, at := range all {
		*v = append(*v, *at)
	}
}

func (c *codec) transactionAtDesk(t *Transaction) {
	c.text(50, &t.ScriptSTAN)
	c.bytes(51, &t.ScriptResults)
	part(c, 52, &t.Signature, func(c *codec, s *Signature) {
		c.text(1, &s.STAN)
		number(c, 2, &s.Size)
		c.text(3, &s.Digest)
	})
}
