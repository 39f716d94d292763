package terminal

import (
	"encoding/hex"
	"errors"
	"strings"

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
	control := []byte("0600000000000000") // a PIN block without the card's number would be 1; keys of double length
	if len(m.PINData) > 0 {
		m.PINCaptureCode = pinLength
		control[0] = '2'
		if t.profile.Security.PINFormat() == hsm.Format1 {
			control[0] = '1'
		}
	}
	if !t.trackKey.IsZero() && m.Track2Data != "" {
		var err error
		if m.Track2Data, err = t.encipherTrack(m.Track2Data); err != nil {
			return err
		}
		control[2] = '1'
	}
	if len(m.PINData) > 0 || control[2] == '1' {
		m.SecurityControl = string(control)
	}
	return nil
}

// trackPart is what is enciphered of a track, in bytes as the wire packs it: the eight before the last one. So the number's first
// digits stay, by which a message finds its way.
const trackPart = 8

// encipherTrack enciphers the last eight bytes but one of a track under the session's track key. What comes out are sixteen
// nibbles of any value, in the places of digits.
func (t *Terminal) encipherTrack(track string) (string, error) {
	packed := strings.ReplaceAll(track, "=", "D")
	odd := len(packed)%2 == 1
	if odd {
		packed += "F"
	}
	b, err := hex.DecodeString(packed)
	if err != nil || len(b) < trackPart+1 {
		return track, errors.New("terminal: track 2: too short to be enciphered")
	}
	at := len(b) - 1 - trackPart
	part, err := t.module.EncryptData(t.trackKey, nil, b[at:at+trackPart])
	if err != nil {
		return track, err
	}
	copy(b[at:], part)
	out := strings.ReplaceAll(strings.ToUpper(hex.EncodeToString(b)), "D", "=")
	if odd {
		out = out[:len(out)-1]
	}
	return out, nil
}
