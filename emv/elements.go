package emv

import (
	"time"

	"github.com/posim/posim/emv/tlv"
)

// elements are data elements with their values. A transaction has about forty: a scan beats a map.
type elements []element

type element struct {
	tag   tlv.Tag
	value []byte
}

// get returns the value of a tag, nil if there is none. A value that is present and empty is not nil.
func (e elements) get(tag tlv.Tag) []byte {
	for i := range e {
		if e[i].tag == tag {
			return e[i].value
		}
	}
	return nil
}

func (e *elements) add(tag tlv.Tag, value []byte) {
	if value == nil {
		value = []byte{}
	}
	*e = append(*e, element{tag, value})
}

// set replaces the value of a tag or adds it; nil makes it absent.
func (e *elements) set(tag tlv.Tag, value []byte) {
	for i := range *e {
		if (*e)[i].tag == tag {
			(*e)[i].value = value
			return
		}
	}
	if value != nil {
		e.add(tag, value)
	}
}

// fillTerminalData puts the data elements of terminal and transaction where Data finds them (Book 3, Annex A: source
// Terminal).
func (s *Session) fillTerminalData() {
	c, t := s.cfg, &s.txn
	s.number4(tlv.TransactionCurrencyCode, c.CurrencyCode)
	s.number4(tlv.TerminalCountryCode, c.CountryCode)
	s.numeric(tlv.TransactionCurrencyExponent, int64(c.CurrencyExponent), 1)
	s.numeric(tlv.AmountAuthorised, t.Amount, 6)
	s.numeric(tlv.AmountOther, t.AmountOther, 6)
	if t.Amount <= maxBinaryAmount { // a larger amount does not fit: the element is absent, zeros in a DOL
		s.binary(tlv.AmountAuthorisedBinary, uint32(t.Amount))
		s.binary(tlv.AmountOtherBinary, uint32(t.AmountOther))
	}
	year, month, day := t.Time.Date()
	hour, minute, second := t.Time.Clock()
	s.numeric(tlv.TransactionDate, int64(year%100)*10000+int64(month)*100+int64(day), 3)
	s.numeric(tlv.TransactionTime, int64(hour)*10000+int64(minute)*100+int64(second), 3)
	s.terminal.add(tlv.TransactionType, s.keep([]byte{t.Type}))
	s.terminal.add(tlv.TerminalType, s.keep([]byte{c.Type}))
	s.terminal.add(tlv.TerminalCapabilities, c.Capabilities[:])
	s.terminal.add(tlv.AdditionalTerminalCapabilities, c.AdditionalCapabilities[:])
	s.numeric(tlv.TransactionSequenceCounter, int64(t.SequenceCounter), 4)
	s.text(tlv.InterfaceDeviceSerialNumber, c.InterfaceDeviceSerialNumber)
	s.text(tlv.TerminalIdentification, c.TerminalIdentification)
	s.text(tlv.MerchantIdentifier, c.MerchantIdentifier)
	s.text(tlv.MerchantNameAndLocation, c.MerchantNameAndLocation)
	if c.MerchantCategoryCode != 0 {
		s.number4(tlv.MerchantCategoryCode, c.MerchantCategoryCode)
	}
	if c.AcquirerIdentifier != "" {
		var n int64
		for _, d := range c.AcquirerIdentifier {
			n = n*10 + int64(d-'0')
		}
		s.numeric(tlv.AcquirerIdentifier, n, 6)
	}
	s.mark = len(s.terminal)
}

// fillApplicationData adds the terminal's data for the selected application in place of those of one selected before.
func (s *Session) fillApplicationData(app *Application, aid []byte) {
	s.terminal = s.terminal[:s.mark]
	s.app = app
	s.terminal.add(tlv.ApplicationIdentifierTerminal, aid)
	s.terminal.add(tlv.ApplicationVersionNumberTerminal, app.Version[:])
	if app.FloorLimit <= maxBinaryAmount {
		s.binary(tlv.TerminalFloorLimit, uint32(app.FloorLimit))
	}
	if len(app.RiskManagementData) > 0 {
		s.terminal.add(tlv.TerminalRiskManagementData, app.RiskManagementData)
	}
}

func (s *Session) numeric(tag tlv.Tag, n int64, size int) {
	var b [6]byte
	for i := size - 1; i >= 0; i-- {
		b[i] = byte(n%10) | byte(n/10%10)<<4
		n /= 100
	}
	s.terminal.add(tag, s.keep(b[:size]))
}

func (s *Session) number4(tag tlv.Tag, n int) { s.numeric(tag, int64(n), 2) }

func (s *Session) binary(tag tlv.Tag, n uint32) {
	s.terminal.add(tag, s.keep([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
}

func (s *Session) text(tag tlv.Tag, v string) {
	if v == "" {
		return
	}
	s.terminal.add(tag, s.keepText(v))
}

// digits writes the nibbles of b as digits and letters.
func digits(b []byte) string {
	const hex = "0123456789ABCDEF"
	d := make([]byte, 0, 2*len(b))
	for _, c := range b {
		d = append(d, hex[c>>4], hex[c&15])
	}
	return string(d)
}

// track2 takes the padding from tag 57: one F at the end if the number of digits is odd.
func track2(b []byte) string {
	d := digits(b)
	for len(d) > 0 && d[len(d)-1] == 'F' {
		d = d[:len(d)-1]
	}
	return d
}

// bcd reads a numeric value; false if a nibble is no digit. At most eight bytes.
func bcd(b []byte) (int64, bool) {
	var n int64
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return 0, false
		}
		n = n*100 + int64(c>>4)*10 + int64(c&15)
	}
	return n, true
}

// date reads a date YYMMDD: 00 to 49 are 2000 to 2049, 50 to 99 are 1950 to 1999 (Book 4, 6.7.3). The result orders dates.
// A day of 00 or a month that does not exist is no date.
func date(b []byte) (int64, bool) {
	n, ok := bcd(b)
	if !ok || len(b) != 3 {
		return 0, false
	}
	month, day := n/100%100, n%100
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	if n < 500000 {
		return 20000000 + n, true
	}
	return 19000000 + n, true
}

// today is the transaction's date in the order of date.
func today(t time.Time) int64 {
	year, month, day := t.Date()
	return int64(year)*10000 + int64(month)*100 + int64(day)
}
