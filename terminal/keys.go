package terminal

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// messageKeys are the keys of one message and its answer: the session's, or the message's own.
type messageKeys struct {
	ksn              []byte // key serial number; nil of session keys
	pin, mac, answer hsm.Key
}

// errModule is a security module that does not open, or has not the keys that the terminal was personalised with: the terminal stops.
var errModule = errors.New("terminal: security module")

// openModule finds the terminal's keys.
func (t *Terminal) openModule() (err error) {
	if t.module, err = t.cfg.Module(); err == nil {
		t.deviceKey, err = t.module.Find(DeviceKey)
	}
	if err == nil {
		t.journalKey, err = t.module.Find(JournalKey)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errModule, err)
	}
	if t.journalKey.Usage() != hsm.Sealing {
		return fmt.Errorf("%w: key %v: want %s under the label %s", errModule, t.journalKey, hsm.Sealing, JournalKey)
	}
	want := t.profile.Security.DeviceKey()
	if got := t.deviceKey.Attributes(); got.Usage != want.Usage || got.Algorithm != want.Algorithm {
		return fmt.Errorf("%w: key %v: want %s %v for %v", errModule, t.deviceKey, want.Usage, want.Algorithm, t.profile.Security)
	}
	return nil
}

// keysReady tells whether messages can be protected without a sign-on.
func (t *Terminal) keysReady() bool { return t.profile.Security.DUKPT() || !t.macKey.IsZero() }

// nextKeys takes the keys of the next message into use. With DUKPT their number is durable before anything is computed with them:
// every message has another, also a repeat. An error of the storage, or a module that has no keys any more, is fatal.
func (t *Terminal) nextKeys() error {
	if !t.profile.Security.DUKPT() {
		t.current = messageKeys{pin: t.pinKey, mac: t.macKey, answer: t.macKey}
		return nil
	}
	t.current = messageKeys{}
	ksn, err := t.module.NextKSN(t.deviceKey)
	switch {
	case errors.Is(err, hsm.ErrDisk):
		return fmt.Errorf("%w: %w", errStorage, err)
	case err != nil:
		return err
	}
	k := messageKeys{ksn: ksn}
	for _, w := range []struct {
		key  *hsm.Key
		what hsm.Working
	}{
		{&k.mac, t.profile.Security.WorkingMAC(hsm.Request)},
		{&k.answer, t.profile.Security.WorkingMAC(hsm.Response)},
	} {
		if *w.key, err = t.module.WorkingKey(t.deviceKey, ksn, w.what); err != nil {
			return err
		}
	}
	t.current = k
	return nil
}

// pinCarrier is how a message's PIN block travels; its key of DUKPT is derived only where there is a PIN.
func (t *Terminal) pinCarrier() (hsm.PINCarrier, error) {
	c := hsm.PINCarrier{Key: t.current.pin, Format: t.profile.Security.PINFormat()}
	if t.current.ksn == nil {
		return c, nil
	}
	var err error
	c.Key, err = t.module.WorkingKey(t.deviceKey, t.current.ksn, t.profile.Security.WorkingPIN())
	return c, err
}

// mac computes DE 64 of the message that the current keys are for.
func (t *Terminal) mac(dst *[8]byte, data []byte) error {
	return t.module.MAC(t.current.mac, t.profile.Security.MACParams(), dst[:], data)
}

// verify compares DE 64 of an answer to that message. An answer under another message's keys cannot be verified any more.
func (t *Terminal) verify(m *dialect.Message, mac, data []byte) error {
	if !bytes.Equal(m.KeySerialNumber, t.current.ksn) {
		return fmt.Errorf("%w: key serial number %X: want %X", hsm.ErrMAC, m.KeySerialNumber, t.current.ksn)
	}
	return t.module.VerifyMAC(t.current.answer, t.profile.Security.MACParams(), mac, data)
}

// fatal is err if it stops the terminal: its storage failed, or its module has no keys for it any more. Else nil: what could not be
// done may be tried again.
func fatal(err error) error {
	if isStorage(err) || errors.Is(err, hsm.ErrTampered) || errors.Is(err, hsm.ErrExhausted) {
		return err
	}
	return nil
}
