package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/emv/transcript"
)

// What leads a session up to a step: a card with a directory of one or two applications, and a terminal that knows them.

// otherAID is the second application where a list must not be empty when the first is gone.
var otherAID = []byte{0xA0, 0x00, 0x00, 0x09, 0x99, 0xFF, 0xFF}

// directory is the exchanges that make the candidate list: these applications, in this order.
func directory(aids ...[]byte) []exchange {
	const pse = "1PAY.SYS.DDF01"
	proprietary := tlv.Append(nil, tlv.ShortFileIdentifier, []byte{1})
	fci := tlv.Append(tlv.Append(nil, tlv.DedicatedFileName, []byte(pse)), tlv.FCIProprietaryTemplate, proprietary)
	list := []exchange{{command: selectCommand([]byte(pse)), response: ok(tlv.Append(nil, tlv.FCITemplate, fci))}}
	record := byte(1)
	for _, aid := range aids {
		entry := tlv.Append(nil, tlv.ApplicationTemplate, tlv.Append(nil, tlv.ApplicationDedicatedFileName, aid))
		list = append(list, exchange{command: readRecord(1, record), response: ok(tlv.Append(nil, tlv.READRECORDResponseMessageTemplate, entry))})
		record++
	}
	return append(list, exchange{command: readRecord(1, record), response: []byte{0x6A, 0x83}})
}

func ok(b []byte) []byte { return append(b, 0x90, 0x00) }

func selectCommand(name []byte) []byte {
	return apdu.Command{INS: apdu.InsSelect, P1: 4, Data: name, Le: apdu.MaxLe}.Append(nil)
}

func readRecord(sfi, n byte) []byte {
	return apdu.Command{INS: apdu.InsReadRecord, P1: n, P2: sfi<<3 | 4, Le: apdu.MaxLe}.Append(nil)
}

// fciOf is the least that an application answers to SELECT.
func fciOf(aid []byte) []byte {
	return tlv.Append(nil, tlv.FCITemplate, tlv.Append(tlv.Append(nil, tlv.DedicatedFileName, aid), tlv.FCIProprietaryTemplate, nil))
}

// optionsOf is an answer to GET PROCESSING OPTIONS.
func optionsOf(aip, afl []byte) []byte {
	data := tlv.Append(nil, tlv.ApplicationInterchangeProfile, aip)
	return tlv.Append(nil, tlv.ResponseMessageTemplateFormat2, tlv.Append(data, tlv.ApplicationFileLocator, afl))
}

// noPDOL is GET PROCESSING OPTIONS to an application that asks for nothing.
var noPDOL = []byte{0x80, apdu.InsGetProcessingOptions, 0, 0, 2, 0x83, 0, 0}

// terminalOf is a terminal that knows these applications.
func terminalOf(aids ...[]byte) *emv.Config {
	cfg := &emv.Config{
		CountryCode: 528, CurrencyCode: 978, CurrencyExponent: 2, Type: 0x22,
		Capabilities: [3]byte{0x60, 0xF8, 0xC8}, AdditionalCapabilities: [5]byte{0x60, 0x00, 0xF0, 0xA0, 0x01},
		Rand: bytes.NewReader(make([]byte, 64)),
	}
	for _, aid := range aids {
		cfg.Applications = append(cfg.Applications, emv.Application{AID: aid})
	}
	return cfg
}

func transactionOf() emv.Transaction {
	return emv.Transaction{Amount: 100, Time: time.Date(2026, 1, 15, 12, 34, 56, 0, time.UTC)}
}

// terminal is the terminal's side of a step: it takes the application it is told to, or none.
type terminal struct {
	choice []byte          // the AID to take; nil: give up, the list is what is wanted
	asked  []emv.Candidate // what was offered first
}

var _ emv.Terminal = (*terminal)(nil)

// ChooseApplication takes the application that the vector is about.
func (t *terminal) ChooseApplication(candidates []emv.Candidate) (int, error) {
	if t.asked == nil {
		t.asked = candidates
	}
	for i, c := range candidates {
		if t.choice != nil && bytes.Equal(c.AID, t.choice) {
			return i, nil
		}
	}
	return 0, emv.ErrCancelled
}

var errNotAsked = errors.New("the step has no use for it")

// EnterPIN is not part of any step.
func (t *terminal) EnterPIN(*emv.Session) (emv.PINEntry, error) { return 0, errNotAsked }

// VerifyPIN is not part of any step.
func (t *terminal) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return 0, 0, errNotAsked
}

// GoOnline is not part of any step.
func (t *terminal) GoOnline(*emv.Session) (emv.OnlineAnswer, error) {
	return emv.OnlineAnswer{}, errNotAsked
}

// session starts a session with a card; nil, and a failure, if the kernel refuses it.
func (f *fields) session(card apdu.Card, term emv.Terminal, cfg *emv.Config, txn emv.Transaction) *emv.Session {
	s, err := emv.NewSession(card, term, cfg, txn)
	if err != nil {
		f.fail("the session", err.Error(), "one that starts")
		return nil
	}
	return s
}

// selected selects the one application of a session.
func (f *fields) selected(s *emv.Session) bool {
	if s == nil {
		return false
	}
	if err := s.SelectApplication(); err != nil {
		f.fail("selection", err.Error(), "an application")
		return false
	}
	return true
}

// set gives the terminal a data element of a vector; false if the kernel's configuration has no place for it.
func set(cfg *emv.Config, app *emv.Application, txn *emv.Transaction, tag tlv.Tag, v []byte) error {
	e, known := tlv.Lookup(tag)
	if !known || len(v) < e.MinLength || e.MaxLength > 0 && len(v) > e.MaxLength {
		return fmt.Errorf("%d bytes, want a data element of its length", len(v))
	}
	n, decimal := bcd(v)
	if e.Format == tlv.FormatN && !decimal {
		return errors.New("no decimal digits")
	}
	switch tag {
	case tlv.AmountAuthorised:
		txn.Amount = n
	case tlv.AmountAuthorisedBinary:
		txn.Amount = int64(uintOf(v))
	case tlv.AmountOther:
		txn.AmountOther = n
	case tlv.AmountOtherBinary:
		txn.AmountOther = int64(uintOf(v))
	case tlv.TransactionType:
		txn.Type = v[0]
	case tlv.TransactionDate:
		day, err := dateOf(v)
		if err != nil {
			return err
		}
		h, m, s := txn.Time.Clock()
		txn.Time = day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
	case tlv.TransactionTime:
		at, err := time.Parse("150405", fmt.Sprintf("%06d", n))
		if err != nil {
			return errors.New("no time")
		}
		y, m, d := txn.Time.Date()
		txn.Time = time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	case tlv.TransactionSequenceCounter:
		txn.SequenceCounter = uint32(n)
	case tlv.UnpredictableNumber:
		cfg.Rand = bytes.NewReader(v)
	default:
		return transcript.SetTerminal(cfg, app, tag, v)
	}
	return nil
}

// bcd reads decimal digits; false if a nibble is none. At most eight bytes are read.
func bcd(b []byte) (n int64, ok bool) {
	if len(b) > 8 {
		return 0, false
	}
	for _, c := range b {
		if c>>4 > 9 || c&15 > 9 {
			return 0, false
		}
		n = n*100 + int64(c>>4)*10 + int64(c&15)
	}
	return n, true
}

// uintOf reads a binary number of at most eight bytes.
func uintOf(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// dateOf reads YYMMDD; 00 to 49 are 2000 to 2049 (Book 4, 6.7.3), and no transaction is older.
func dateOf(b []byte) (time.Time, error) {
	t, err := time.Parse("20060102", fmt.Sprintf("20%X", b))
	if err != nil {
		return t, errors.New("no date YYMMDD")
	}
	return t, nil
}
