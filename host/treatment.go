package host

import (
	"fmt"
	"strconv"
	"time"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// Treatment is what goes wrong with a message at a party. The zero value is nothing.
type Treatment struct {
	Slow time.Duration // the message is taken up so much later

	// For the answer that goes out to it.
	WrongMAC    bool
	WrongSTAN   bool // one too high
	WrongAmount bool // one minor unit too high; of a part that was approved, more than DE 4 of any request: less would be a lie about the books
	WrongARPC   bool // one bit of tag 91 is flipped; an answer without one leaves as it is
	// Answer is a response code; of a 0430, whose answer below was given long ago, what the party takes it for. One that
	// declines is the party's decision about the message: it does nothing else, and logs it like its own, so that a copy
	// gets the same. One that approves is put into the answer whatever was decided.
	Answer string
}

// treat asks for the treatment of the message that came on the wire, and arranges it.
func (p *Party) treat(e Event, wire *dialect.Message) {
	t := p.cfg.Treat(wire)
	if t.Answer != "" && (!dialect.Approves(t.Answer) || e.Message.MTI == "0430") { // nobody is waiting below for a 0430
		e.Force, t.Answer = t.Answer, ""
	}
	slow := t.Slow
	t.Slow = 0
	if t != (Treatment{}) {
		if p.treated == nil {
			p.treated = map[answerID]Treatment{}
		}
		p.treated[answerTarget(e.Message)] = t
	}
	if slow > 0 {
		p.cfg.Clock.After(slow, func() { p.post(e) })
		return
	}
	p.post(e)
}

// answerTarget names the answer that goes out for m: its own, or, for an answer from above, the one that passes it on.
func answerTarget(m *dialect.Message) answerID {
	mti := dialect.Response(m.MTI)
	if mti == "" {
		mti = m.MTI
	}
	return answerID{mti, m.Key()}
}

// spoil is the message as it is to leave, and whether its MAC is to be wrong. A treatment is used once.
func (p *Party) spoil(s *Send) (m *dialect.Message, wrongMAC bool) {
	if len(p.treated) == 0 || !dialect.IsAnswer(s.Message.MTI) {
		return s.Message, false
	}
	id := answerTarget(s.Message)
	t, ok := p.treated[id]
	if !ok {
		return s.Message, false
	}
	delete(p.treated, id)
	spoiled := *s.Message
	if t.WrongSTAN {
		n, _ := strconv.Atoi(spoiled.SystemsTraceAuditNumber) // digits, or 0: wrong either way
		spoiled.SystemsTraceAuditNumber = fmt.Sprintf("%06d", (n+1)%1e6)
	}
	if t.WrongAmount {
		spoiled.SetAmount(spoiled.AmountTransaction + 1)
		if spoiled.ResponseCode == codePartiallyApproved {
			spoiled.SetAmount(999_999_999_999)
		}
	}
	if t.WrongARPC {
		spoiled.ICCSystemRelatedData = wrongARPC(spoiled.ICCSystemRelatedData)
	}
	if t.Answer != "" {
		spoiled.ResponseCode = t.Answer
	}
	return &spoiled, t.WrongMAC
}

// wrongARPC is a copy of an answer's chip data whose issuer authentication data (tag 91) proves nothing.
func wrongARPC(data []byte) []byte {
	data = append([]byte(nil), data...)
	r := tlv.NewReader(data)
	for r.Next() {
		if v := r.Value(); r.Tag() == tlv.IssuerAuthenticationData && len(v) > 0 {
			v[0] ^= 1
		}
	}
	return data
}
