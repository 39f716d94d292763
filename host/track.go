package host

import (
	"fmt"

	"github.com/posim/posim/transport/dialect"
)

// clearTrack gives a message whose track a terminal has enciphered (DE 53) the clear one, which the next hop wants; it has no such
// key. An error says that the session has none either, or that what came out, or was in clear from the start, is no track.
func (x *Relay) clearTrack(m *dialect.Message) (*dialect.Message, error) {
	if !x.cfg.Acquirer || m.Track2Data == "" {
		return m, nil
	}
	var control dialect.PINControl
	if m.SecurityControl != "" {
		var err error
		if control, err = dialect.ParsePINControl(m.SecurityControl); err != nil {
			return m, err
		}
	}
	if !control.TracksHidden {
		if !dialect.TrackInClear(m.Track2Data) {
			return m, fmt.Errorf("host: terminal %s: a track that is none, and is not said to be enciphered", m.CardAcceptorTerminalIdentification)
		}
		return m, nil
	}
	t := x.terminals[m.CardAcceptorTerminalIdentification]
	err := x.load(t)
	if err != nil {
		return m, err
	}
	if t.track.IsZero() {
		return m, fmt.Errorf("host: terminal %s: an enciphered track, and the session has no key for tracks", t.TID)
	}
	clear := *m
	clear.Track2Data, err = dialect.CipherTrack(m.Track2Data, func(part []byte) ([]byte, error) {
		return x.module.DecryptData(t.track, nil, part)
	})
	if err == nil && (cardNumber(&clear).IsZero() || !dialect.TrackInClear(clear.Track2Data)) {
		err = fmt.Errorf("host: terminal %s: a deciphered track that is none", t.TID)
	}
	control.TracksHidden = false
	clear.SecurityControl = control.String()
	return &clear, err
}
