package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// TerminalKeys is one terminal that an acquirer knows.
type TerminalKeys struct {
	TID, MID  string
	Scheme    hsm.Scheme
	Key       hsm.Key          // K0, which wraps its session keys; or B0, from which its DUKPT keys are derived
	KSN       []byte           // the initial key serial number of a DUKPT device: no other device speaks for this terminal
	Dialect   *dialect.Dialect // what it speaks, with its switches; nil: whatever its line does
	Downloads Downloads        // what it may load
	Code      string           // merchant category code, four digits; "": nobody has said
	Plan      *FeePlan         // what its merchant has agreed to pay; nil: the acquirer's
	Settles   Settlement       // when its merchant is paid; "": SettleT1
}

func (k *TerminalKeys) validate() error {
	if k.TID == "" || k.MID == "" || k.Key.IsZero() {
		return fmt.Errorf("terminal %q of merchant %q: want both, and a key", k.TID, k.MID)
	}
	if !k.Settles.known() {
		return fmt.Errorf("terminal %s: settlement %q: want one of %s", k.TID, k.Settles, strings.Join(Settlements(), ", "))
	}
	if k.Plan != nil {
		if err := k.Plan.Validate(); err != nil {
			return fmt.Errorf("terminal %s: %w", k.TID, err)
		}
	}
	if k.Scheme.DUKPT() != (k.Key.Usage() == hsm.BaseDerivation) || k.Scheme.DUKPT() != (len(k.KSN) > 0) {
		return fmt.Errorf("terminal %s: %v with key %v and a key serial number of %d bytes", k.TID, k.Scheme, k.Key, len(k.KSN))
	}
	return nil
}

// terminal is one terminal that the acquirer knows, and its session keys once they are wanted.
type terminal struct {
	TerminalKeys
	session  *SignOn // as the log has it; nil before the first sign-on
	pin, mac hsm.Key
	track    hsm.Key // zero where the session has none
	loaded   *SignOn // the session that the keys were imported for
}

// sameTerminal is how many devices in a row speak for one terminal: one is replaced by the next when its keys are gone.
const sameTerminal = 16

// device tells whether a key serial number is of a device of the terminal's: all but the transaction counter and the device's last
// four bits must be.
func (t *terminal) device(ksn []byte) bool {
	free := uint64(sameTerminal<<21 - 1) // X9.24-1: 21 bits of counter
	if t.Key.Attributes().Algorithm == hsm.AES {
		free = sameTerminal<<32 - 1 // X9.24-3
	}
	if len(ksn) != len(t.KSN) || len(ksn) < 8 {
		return false
	}
	fixed := len(ksn) - 8
	differ := binary.BigEndian.Uint64(ksn[fixed:]) ^ binary.BigEndian.Uint64(t.KSN[fixed:])
	return bytes.Equal(ksn[:fixed], t.KSN[:fixed]) && differ&^free == 0
}

// working is the terminal's key for a message: of its session, or of its key serial number.
func (x *Relay) working(t *terminal, ksn []byte, session func(*terminal) hsm.Key, w hsm.Working) (hsm.Key, error) {
	if !t.Scheme.DUKPT() {
		if len(ksn) > 0 {
			return hsm.Key{}, fmt.Errorf("host: terminal %s: a key serial number: want none with %v", t.TID, t.Scheme)
		}
		if err := x.load(t); err != nil {
			return hsm.Key{}, err
		}
		return session(t), nil
	}
	if !t.device(ksn) {
		return hsm.Key{}, fmt.Errorf("host: terminal %s: key serial number %X: want one of device %X", t.TID, ksn, t.KSN)
	}
	return x.module.WorkingKey(t.Key, ksn, w)
}

// MACKey returns the key of the connection's line or, of an acquirer, of the terminal's message.
func (x *Relay) MACKey(conn int, m *dialect.Message) (hsm.Key, hsm.MACParams, bool) {
	switch {
	case conn == 0:
		return x.cfg.Above.MAC, hsm.MACParams{}, true
	case !x.cfg.Acquirer:
		return x.cfg.Below.MAC, hsm.MACParams{}, true
	}
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	if t == nil {
		return hsm.Key{}, hsm.MACParams{}, false
	}
	direction := hsm.Request
	if dialect.IsAnswer(m.MTI) {
		direction = hsm.Response
	}
	k, err := x.working(t, m.KeySerialNumber, func(t *terminal) hsm.Key { return t.mac }, t.Scheme.WorkingMAC(direction))
	return k, t.Scheme.MACParams(), err == nil
}

// pinCarrier is how a PIN block from below comes. A terminal that has no key for it gives a carrier whose key is none.
func (x *Relay) pinCarrier(m *dialect.Message) hsm.PINCarrier {
	if !x.cfg.Acquirer {
		return hsm.PINCarrier{Key: x.cfg.Below.PIN, Format: innerFormat}
	}
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	if t == nil {
		return hsm.PINCarrier{}
	}
	k, err := x.working(t, m.KeySerialNumber, func(t *terminal) hsm.Key { return t.pin }, t.Scheme.WorkingPIN())
	if err != nil {
		return hsm.PINCarrier{}
	}
	return hsm.PINCarrier{Key: k, Format: t.Scheme.PINFormat()}
}

// innerFormat is the format of PIN blocks between hosts.
const innerFormat = hsm.Format0
