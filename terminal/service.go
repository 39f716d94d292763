package terminal

import (
	"errors"

	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// service begins a message that is no transaction, with a STAN that is durably used up. Its repeats are the same message.
func (t *Terminal) service(k dialect.Kind) (*dialect.Message, error) {
	stan, err := t.journal.takeServiceSTAN()
	if err != nil {
		return nil, err
	}
	now := t.calendar()
	return t.serviceAs(k, stan, now.Format("0102"), now.Format("150405")), nil
}

// serviceAs is service with an identity that is known already.
func (t *Terminal) serviceAs(k dialect.Kind, stan, date, time string) *dialect.Message {
	m := &dialect.Message{
		Kind: k, SystemsTraceAuditNumber: stan, OperatorNumber: t.operatorNumber(),
		CardAcceptorTerminalIdentification: t.profile.TID, CardAcceptorIdentificationCode: t.profile.MID,
	}
	if t.numbersBatches() {
		m.BatchNumber = t.journal.batch.number
	} else {
		m.DateLocalTransaction, m.TimeLocalTransaction = date, time
	}
	return m
}

// settlementMessage begins a message of a settlement.
func (t *Terminal) settlementMessage(k dialect.Kind, s *Settlement, stan string) *dialect.Message {
	m := t.serviceAs(k, stan, s.Date, s.Time)
	m.CurrencyCodeTransaction = t.profile.Currency
	return m
}

// exchange sends what is no transaction until it is answered with its own key: again after silence, on a new connection, and under
// new keys where the host refuses the old ones. nil: the occasion's tries are over, or it cannot be sent. The error is the
// storage's, or a module's that has no keys any more.
func (t *Terminal) exchange(m *dialect.Message) (*dialect.Message, error) {
	if err := t.cfg.Dialect.Shape(m); err != nil {
		t.remark("cannot send: %v", err)
		return nil, nil
	}
	for n := 1; ; n++ {
		answer, how, err := t.once(m)
		if err != nil || how == settled {
			return answer, err
		}
		if n >= t.profile.Attempts {
			return answer, nil
		}
		switch how {
		case broken:
			t.pause()
		case silent:
			t.hangUp()
		}
	}
}

// once is one try of an exchange.
func (t *Terminal) once(m *dialect.Message) (*dialect.Message, try, error) {
	if reached, err := t.reach(); err != nil || !reached {
		return nil, broken, err
	}
	if err := t.send(m); err != nil {
		return nil, broken, fatal(err)
	}
	answer, err := t.receive(m, t.profile.ReversalWait, false)
	switch {
	case isStorage(err):
		return nil, broken, err
	case errors.Is(err, errMAC):
		t.stale = t.stale || dialect.RefusesKeys(answer.ResponseCode)
		return nil, notYet, nil
	case errors.Is(err, transport.ErrTimeout):
		return nil, silent, nil
	case err != nil:
		return nil, broken, nil
	case dialect.RefusesKeys(answer.ResponseCode):
		t.stale = true
		return answer, keysStale, nil
	}
	return answer, settled, nil
}
