package terminal

import (
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// A host whose terminals number their batches wants to be told more about them: how the PIN block was made, what the terminal
// can read and how the last chip fared, who stands at the till. The data elements are private ones; the dialect knows where they are.

// Terminal capabilities (60.4) and what is said of the chip (60.5), in the host's digits.
const (
	readsStripes = "2"
	readsChips   = "5"

	chipFine   = "1" // or nobody tried
	chipFailed = "2" // and so the stripe was read
)

// usualOperator works at a till where nobody logs in.
const usualOperator = "01"

// pinLength is the longest PIN that the pad takes (DE 26).
const pinLength = "12"

// tellPrivate puts what such a host wants into the message of a record, before it gets its shape.
func (t *Terminal) tellPrivate(m *dialect.Message, r *Record) {
	m.POSEntryMode = wireEntry(r)
	m.TerminalCapability, m.ICCondition = readsStripes, "0"
	if t.cfg.Devices.OpenSlot != nil && t.can(tlv.CapabilityICWithContacts) {
		m.TerminalCapability, m.ICCondition = readsChips, chipFine
	}
	if r.enteredAs() == entryFallback {
		m.ICCondition = chipFailed
	}
	if t.profile.PartialApproval {
		m.PartialSupport = "1"
	}
	if dialect.Class(m.MTI) == dialect.ClassReversal {
		return
	}
	operator := r.Operator
	if operator == "" {
		operator = usualOperator
	}
	m.OperatorNumber = t.cfg.Dialect.Operator(operator)
}

// wireEntry is DE 22 as such hosts read it: a stripe is 02, whether all of it was sent or a part, and the stripe of a card whose chip
// failed is 90.
func wireEntry(r *Record) string {
	how := string(r.enteredAs())
	switch r.enteredAs() {
	case entryStripe, entryPart:
		how = dialect.EntryStripe
	case entryFallback:
		how = dialect.EntryFallback
	case "":
		return r.Entry
	}
	return r.Entry[:1] + how + r.Entry[3:]
}

// secure fills in how PIN block and track are protected, and enciphers the track where the session has a key for it.
func (t *Terminal) secure(m *dialect.Message) error {
	control := dialect.PINControl{DoubleLength: true}
	if len(m.PINData) > 0 {
		m.PINCaptureCode, control.PIN = pinLength, dialect.PINWithPAN
		if t.profile.Security.PINFormat() == hsm.Format1 {
			control.PIN = dialect.PINWithoutPAN
		}
	}
	if !t.trackKey.IsZero() && m.Track2Data != "" {
		var err error
		if m.Track2Data, err = t.encipherTrack(m.Track2Data); err != nil {
			return err
		}
		control.TracksHidden = true
	}
	if control.PIN != dialect.NoPIN || control.TracksHidden {
		m.SecurityControl = control.String()
	}
	return nil
}

// encipherTrack enciphers a track under the session's key for tracks.
func (t *Terminal) encipherTrack(track string) (string, error) {
	return dialect.CipherTrack(track, func(part []byte) ([]byte, error) { return t.module.EncryptData(t.trackKey, nil, part) })
}
