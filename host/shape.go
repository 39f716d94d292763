package host

import (
	"github.com/posim/posim/emv/tlv"
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
	c.ICCSystemRelatedData = scriptTag(c.ICCSystemRelatedData)
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

// otherScriptResults is where some dialects have the results of scripts. The value is that of tag 9F5B.
const otherScriptResults tlv.Tag = 0xDF31

// scriptTag is chip data with the results of scripts under EMV's own tag.
func scriptTag(data []byte) []byte {
	if v, there, err := tlv.Find(data, otherScriptResults); err != nil || !there || len(v) == 0 {
		return data
	}
	if _, there, err := tlv.Find(data, tlv.IssuerScriptResults); err != nil || there {
		return data
	}
	var out []byte
	r := tlv.NewReader(data)
	for r.Next() {
		if r.Tag() == otherScriptResults {
			out = tlv.Append(out, tlv.IssuerScriptResults, r.Value())
			continue
		}
		out = append(out, r.Raw()...)
	}
	if r.Err() != nil {
		return data
	}
	return out
}
