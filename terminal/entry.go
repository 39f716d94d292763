package terminal

import "github.com/posim/posim/emv/tlv"

// panEntry is how the card number came in: the first part of DE 22 (ISO 8583:1987, 4.3.10).
type panEntry string

// The ways of this terminal, in the digits that the card schemes' acquirers agree on. Some hosts have others for a fallback, or
// say it once more in a private field: then that host's dialect translates them. Of ISO 87's fields only DE 22 says it.
const (
	entryManual   panEntry = "01" // typed, or known already
	entryPart     panEntry = "02" // a stripe of which not all was read: the issuer cannot check what is not there
	entryCode     panEntry = "03" // a code that was scanned
	entryChip     panEntry = "05"
	entryTap      panEntry = "07" // a chip that was held in front of the reader
	entryFallback panEntry = "80" // the stripe of a card whose chip could not be read
	entryStripe   panEntry = "90" // a stripe, read whole and sent as it is
)

// posEntryMode is DE 22: a leading zero, how the number came in, and whether the terminal can take a PIN (1) or not (2).
func (t *Terminal) posEntryMode(e panEntry) string {
	if t.takesPIN() {
		return "0" + string(e) + "1"
	}
	return "0" + string(e) + "2"
}

// takesPIN tells whether there is a PIN pad, whoever verifies the PIN.
func (t *Terminal) takesPIN() bool {
	return t.can(tlv.CapabilityOnlinePIN) || t.can(tlv.CapabilityOfflinePlaintextPIN) || t.can(tlv.CapabilityOfflineEncipheredPIN)
}

func (t *Terminal) can(capability tlv.Bit) bool { return capability.In(t.profile.EMV.Capabilities[:]) }

// enteredAs is how a record's card number came in.
func (r *Record) enteredAs() panEntry {
	if len(r.Entry) != 4 {
		return ""
	}
	return panEntry(r.Entry[1:3])
}

func (r *Record) isChip() bool { return r.enteredAs() == entryChip || r.enteredAs() == entryTap }
