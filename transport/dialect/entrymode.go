package dialect

// How a card or code came to the terminal: the two digits in the middle of POSEntryMode.
const (
	EntryUnknown         = "00"
	EntryManual          = "01"
	EntryStripe          = "02"
	EntryCode            = "03" // a bar code or QR code
	EntryChip            = "05"
	EntryContactlessChip = "07"
	EntryFallback        = "90" // all of a track that was read instead of a chip, or where the document wants it for every swipe
	EntryContactless     = "91" // a stripe's data without contact
	EntryChipUnreliable  = "95"
)

const entryModeCode = EntryCode

// EntryMode is POSEntryMode, the same in every dialect: how the card came, and whether the cardholder could enter a PIN.
func EntryMode(how string, pin bool) string {
	if pin {
		return "0" + how + "1"
	}
	return "0" + how + "2"
}

// Entry takes EntryMode apart: how is the two digits in the middle, "" if m has none.
func (m *Message) Entry() (how string, pin bool) {
	if len(m.POSEntryMode) != 4 {
		return "", false
	}
	return m.POSEntryMode[1:3], m.POSEntryMode[3] == '1'
}
