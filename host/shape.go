package host

import (
	"github.com/posim/posim/transport/dialect"
)

// A machine thinks in one dialect, that of the line up. What comes in another is given that one's numbers before the machine
// sees it, and what goes out gets the line's own: MTI, processing code, condition code and the lengths of what is the same.
// So a transaction is written and compared in one form, whichever terminal made it, and its fingerprint is the same on every
// hop. A message whose kind the other dialect does not have keeps its numbers; whoever gets it refuses it by its kind.

// taken is m as the machine is to see it.
func (p *Party) taken(d *dialect.Dialect, m *dialect.Message) *dialect.Message {
	if d == p.cfg.Above {
		return m
	}
	c := *m
	_ = p.cfg.Above.Shape(&c) // a kind it does not have stays as it came
	switch c.Kind {
	case dialect.KindSignOn, dialect.KindUpload, dialect.KindUploadEnd: // there are several of them, and the code says which
		c.NetworkManagementCode = m.NetworkManagementCode
	}
	return &c
}

// given is m as the line's dialect writes it.
func (p *Party) given(d *dialect.Dialect, m *dialect.Message) *dialect.Message {
	if d == p.cfg.Above {
		return m
	}
	c := *m
	_ = d.Shape(&c)
	return &c
}
