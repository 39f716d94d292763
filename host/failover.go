package host

import (
	"errors"
	"fmt"
)

// ErrFenced ends a party whose store another process has taken over: it must not write any more, and answers nobody.
var ErrFenced = errors.New("another process has taken the store over")

// Epoch is a process taking over a store that several share. Whoever has an earlier one may not write: the log says who may.
type Epoch struct {
	Number int    // one higher than the one before
	Holder string // the process
}

func (e *Epoch) check() error {
	if e.Number < 1 || e.Holder == "" {
		return fmt.Errorf("epoch %d of %q: want 1 or more, and a holder", e.Number, e.Holder)
	}
	return nil
}

func (c *codec) epoch(e *Epoch) {
	number(c, 1, &e.Number)
	c.text(2, &e.Holder)
}

// seize makes the store this process's, durably, before it serves anybody.
func (p *Party) seize() error {
	if p.cfg.Fence == nil {
		return nil
	}
	p.epoch++
	r := &Record{At: p.cfg.Clock.Now(), Epoch: &Epoch{Number: p.epoch, Holder: p.cfg.Holder}}
	if err := p.cfg.Machine.Apply(r); err != nil {
		return err
	}
	if err := p.log.Append(AppendRecord(nil, r)); err != nil {
		return err
	}
	if err := p.log.Commit(); err != nil {
		return err
	}
	return p.fenced()
}

// fenced is ErrFenced when the store is another's by now.
func (p *Party) fenced() error {
	if p.cfg.Fence != nil && !p.cfg.Fence(p.epoch) {
		return ErrFenced
	}
	return nil
}
