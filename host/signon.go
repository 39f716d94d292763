package host

import (
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// network is an 0800: sign-on, which only an acquirer gives, or echo.
func (x *Relay) network(e Event) {
	m := e.Message
	switch {
	case x.cfg.Acquirer && !x.knows(m):
		x.refuse(e.Conn, m, codeInvalidMerchant)
	case e.Force != "" && !dialect.Approves(e.Force):
		x.refuse(e.Conn, m, e.Force)
	case m.NetworkManagementCode == dialect.NetworkEcho:
		x.refuse(e.Conn, m, codeApproved)
	case m.NetworkManagementCode == dialect.NetworkSignOn && x.cfg.Acquirer && whole(m.Key()):
		x.signOn(e.Conn, m)
	default:
		x.refuse(e.Conn, m, codeInvalidTransaction)
	}
}

// signOn gives a terminal new session keys. The copy of a sign-on gets the keys that it got; every other one new ones.
//
// A terminal that has keys for each message gets none: that it is answered is all it asks for.
func (x *Relay) signOn(conn int, m *dialect.Message) {
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	if t.Scheme.DUKPT() {
		x.refuse(conn, m, codeApproved)
		return
	}
	if t.session == nil || t.session.Key != m.Key() {
		s, err := x.newSession(t, m.Key())
		if err != nil {
			x.refuse(conn, m, codeSystem)
			return
		}
		x.add(&Record{SignOn: s}, x.Apply)
	}
	keys, err := t.session.keys()
	if err != nil {
		x.refuse(conn, m, codeSystem)
		return
	}
	a := answerTo(m, codeApproved)
	a.ReservedPrivate62 = keys
	x.send(conn, a)
}

// newSession generates a PIN and a MAC key and wraps them under the terminal's master key. The module keeps neither: they
// come back from the record, as they do after a restart.
func (x *Relay) newSession(t *terminal, k dialect.Key) (*SignOn, error) {
	s := &SignOn{Key: k}
	for _, part := range []struct {
		a          hsm.Attributes
		key, check *[]byte
	}{{t.Scheme.SessionPIN(), &s.PINKey, &s.PINKeyCheckValue}, {t.Scheme.SessionMAC(), &s.MACKey, &s.MACKeyCheckValue}} {
		key, err := x.module.Generate(part.a)
		if err != nil {
			return nil, fmt.Errorf("host: sign-on: %w", err)
		}
		cryptogram, check, err := x.module.Export(key, t.Key)
		if err == nil {
			err = x.module.Erase(key)
		}
		if err != nil {
			return nil, fmt.Errorf("host: sign-on: %w", err)
		}
		*part.key, *part.check = cryptogram, check[:]
	}
	return s, nil
}

// keys is the session as DE 62 carries it.
func (s *SignOn) keys() ([]byte, error) {
	return dialect.ISO87().AppendSessionKeys(nil, dialect.SessionKeys{
		PINKey: s.PINKey, PINKeyCheckValue: s.PINKeyCheckValue, MACKey: s.MACKey, MACKeyCheckValue: s.MACKeyCheckValue,
	})
}

// load makes the terminal's session keys usable: imported from the log when they are first wanted.
func (x *Relay) load(t *terminal) error {
	switch {
	case t.session == nil:
		return fmt.Errorf("host: terminal %s has not signed on", t.TID)
	case t.loaded == t.session:
		return nil
	}
	var err error
	if t.pin, err = x.imported(t, t.Scheme.SessionPIN(), t.session.PINKey, t.session.PINKeyCheckValue); err != nil {
		return err
	}
	if t.mac, err = x.imported(t, t.Scheme.SessionMAC(), t.session.MACKey, t.session.MACKeyCheckValue); err != nil {
		return err
	}
	t.loaded = t.session
	return nil
}

// imported takes a session key into the module, in the place of the terminal's earlier one.
func (x *Relay) imported(t *terminal, a hsm.Attributes, cryptogram, check []byte) (hsm.Key, error) {
	k, err := x.module.Import(a, t.Key, cryptogram, check)
	if err != nil {
		return k, fmt.Errorf("host: session of %s: %w", t.TID, err)
	}
	if err := x.module.Store(x.cfg.Name+" session "+t.TID+" "+string(a.Usage), k); err != nil {
		return k, fmt.Errorf("host: session of %s: %w", t.TID, err)
	}
	return k, nil
}
