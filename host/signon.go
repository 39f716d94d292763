package host

import (
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// network is a message that manages the line: sign-on and sign-off, which only an acquirer gives, echo, and what a terminal
// downloads.
func (x *Relay) network(e Event) {
	m := e.Message
	kind := managed(m)
	switch {
	case x.cfg.Acquirer && !x.knows(e):
		x.refuse(e.Conn, m, x.stranger(e))
		return
	case e.Force != "" && !dialect.Approves(e.Force):
		x.refuse(e.Conn, m, e.Force)
		return
	case kind == dialect.KindEcho:
		x.refuse(e.Conn, m, codeApproved)
		return
	}
	work := map[dialect.Kind]func(Event, *terminal){
		dialect.KindSignOn: x.signOn, dialect.KindSignOff: x.signOff, dialect.KindStatus: x.status,
		dialect.KindParameters: x.download, dialect.KindParametersEnd: x.download, dialect.KindCAKeyList: x.download, dialect.KindCAKey: x.download,
		dialect.KindCAKeysEnd: x.download, dialect.KindAIDList: x.download, dialect.KindAID: x.download, dialect.KindAIDsEnd: x.download,
	}[kind]
	switch {
	case work != nil && x.cfg.Acquirer && whole(m.Key()):
		work(e, x.terminals[m.CardAcceptorTerminalIdentification])
	case e.numbersBatches():
		x.refuse(e.Conn, m, codeUnsupported)
	default:
		x.refuse(e.Conn, m, codeInvalidTransaction)
	}
}

// managed is the kind of a message that manages the line.
func managed(m *dialect.Message) dialect.Kind {
	switch {
	case m.Kind != dialect.KindNone:
		return m.Kind
	case m.NetworkManagementCode == dialect.NetworkSignOn:
		return dialect.KindSignOn
	case m.NetworkManagementCode == dialect.NetworkEcho:
		return dialect.KindEcho
	}
	return dialect.KindNone
}

// signOff ends a terminal's session for what is new: its keys stay, because a reversal may still come under them.
func (x *Relay) signOff(e Event, t *terminal) {
	s := x.stateOf(t)
	s.SignedOff = true
	x.keep(t, s)
	x.refuse(e.Conn, e.Message, codeApproved)
}

// status is a terminal that tells how it is.
func (x *Relay) status(e Event, t *terminal) {
	s := x.stateOf(t)
	s.without(dialect.RequestStatus)
	if said := string(e.Message.ReservedPrivate62); len(said) <= maxStatus && plain(said) {
		s.Status = said
	}
	x.keep(t, s)
	x.refuse(e.Conn, e.Message, codeApproved)
}

// signOn gives a terminal new session keys. The copy of a sign-on gets the keys that it got; every other one new ones. A
// terminal that numbers its batches is told which one is open.
//
// A terminal that has keys for each message gets none: that it is answered is all it asks for.
func (x *Relay) signOn(e Event, t *terminal) {
	m := e.Message
	state := x.stateOf(t)
	d := t.Dialect // has the terminal's own switches
	if d == nil {
		d = e.Dialect
	}
	if d == nil {
		d = dialect.ISO87()
	}
	switch f, _ := d.Form(dialect.KindSignOn); {
	case state.Disabled:
		x.refuse(e.Conn, m, codeTerminal)
		return
	case m.NetworkManagementCode != f.NetworkManagementCode: // keys of another form than are made here
		x.refuse(e.Conn, m, codeUnsupported)
		return
	}
	a := answerTo(m, codeApproved)
	if !t.Scheme.DUKPT() {
		keys, err := x.session(t, m.Key(), d)
		if err != nil {
			x.refuse(e.Conn, m, codeSystem)
			return
		}
		a.ReservedPrivate62 = keys
	}
	if state.SignedOff || len(state.Requests) > 0 {
		state.SignedOff = false
		state.without(dialect.RequestSignOn)
		x.keep(t, state)
	}
	if e.numbersBatches() {
		a.BatchNumber = x.book.batches.current(terminalID{t.MID, t.TID}).Number
	}
	x.send(e.Conn, a)
}

// session is the keys of the sign-on k as the dialect carries them: new ones, unless k has keys already.
func (x *Relay) session(t *terminal, k dialect.Key, d *dialect.Dialect) ([]byte, error) {
	if t.session != nil && t.session.Key == k {
		return t.session.keys(d)
	}
	s, err := x.newSession(t, k, d)
	if err != nil {
		return nil, err
	}
	keys, err := s.keys(d)
	if err != nil {
		return nil, err
	}
	x.add(&Record{SignOn: s}, x.Apply)
	return keys, nil
}

// newSession generates session keys and wraps them under the terminal's master key. The module keeps none: they come back
// from the record, as they do after a restart.
func (x *Relay) newSession(t *terminal, k dialect.Key, d *dialect.Dialect) (*SignOn, error) {
	s := &SignOn{Key: k}
	check, track := d.SessionKeyForm()
	err := x.newKey(t, t.Scheme.SessionPIN(), &s.PINKey, &s.PINKeyCheckValue, check)
	if err == nil {
		err = x.newKey(t, t.Scheme.SessionMAC(), &s.MACKey, &s.MACKeyCheckValue, check)
	}
	if err == nil && track {
		err = x.newKey(t, hsm.Attributes{Usage: hsm.DataEncryption}, &s.TrackKey, &s.TrackKeyCheckValue, check)
	}
	return s, err
}

// newKey generates one, and gives it as a cryptogram with a check value of so many bytes.
func (x *Relay) newKey(t *terminal, a hsm.Attributes, cryptogram, check *[]byte, length int) error {
	key, err := x.module.Generate(a)
	if err == nil {
		*cryptogram, _, err = x.module.Export(key, t.Key)
	}
	if err == nil {
		*check, err = x.module.CheckValue(key, length)
	}
	if err == nil {
		err = x.module.Erase(key)
	}
	if err != nil {
		return fmt.Errorf("host: sign-on: %w", err)
	}
	return nil
}

// keys is the session as DE 62 carries it.
func (s *SignOn) keys(d *dialect.Dialect) ([]byte, error) {
	return d.AppendSessionKeys(nil, dialect.SessionKeys{
		PINKey: s.PINKey, PINKeyCheckValue: s.PINKeyCheckValue, MACKey: s.MACKey, MACKeyCheckValue: s.MACKeyCheckValue,
		TrackKey: s.TrackKey, TrackKeyCheckValue: s.TrackKeyCheckValue,
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
	t.track = hsm.Key{}
	if len(t.session.TrackKey) > 0 {
		if t.track, err = x.imported(t, hsm.Attributes{Usage: hsm.DataEncryption}, t.session.TrackKey, t.session.TrackKeyCheckValue); err != nil {
			return err
		}
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
