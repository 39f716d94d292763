package host

import (
	"fmt"

	"github.com/posim/posim/transport/dialect"
)

// clearTrack gives a message whose track a terminal has enciphered (DE 53) the clear one, which the next hop wants; it has no such
// key. An error says that the session has none either, or that what came out is no track.
func (x *Relay) clearTrack(m *dialect.Message) (*dialect.Message, error) {
	if !x.cfg.Acquirer || m.SecurityControl == "" || m.Track2Data == "" {
		return m, nil
	}
	control, err := dialect.ParsePINControl(m.SecurityControl)
	if err != nil || !control.TracksHidden {
		return m, err
	}
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	if err := x.load(t); err != nil {
		return m, err
	}
	if t.track.IsZero() {
		return m, fmt.Errorf("host: terminal %s: an enciphered track, and the session has no key for tracks", t.TID)
	}
	clear := *m
	clear.Track2Data, err = dialect.CipherTrack(m.Track2Data, func(part []byte) ([]byte, error) {
		return x.module.DecryptData(t.track, nil, part)
	})
	if err == nil && cardNumber(&clear).IsZero() {
		err = fmt.Errorf("host: terminal %s: a deciphered track that is none", t.TID)
	}
	control.TracksHidden = false
	clear.SecurityControl = control.String()
	return &clear, err
}
