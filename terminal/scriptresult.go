package terminal

import (
	"slices"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// What a card did with its issuer's scripts is told to hosts that want a message of its own for that: a record of its own, about the
// transaction whose answer had the scripts. It has one try before every online transaction and is never waited for there: a
// reversal behind it must not be held up. It is told all the same, like everything else that is due.

// scriptResultsTag is where such hosts have the results of scripts (DF31); EMV's own tag for them is 9F5B.
const scriptResultsTag tlv.Tag = 0xDF31

// scriptResultTags are DE 55 of the message, beside the results.
var scriptResultTags = [...]tlv.Tag{
	tlv.TVR, tlv.IssuerApplicationData, tlv.ApplicationCryptogram, tlv.ApplicationTransactionCounter, tlv.ApplicationInterchangeProfile,
	tlv.TerminalCountryCode, tlv.TransactionDate, tlv.TerminalCapabilities, tlv.UnpredictableNumber, tlv.InterfaceDeviceSerialNumber,
}

// tellsScripts tells whether this host wants them in a message of their own.
func (t *Terminal) tellsScripts() bool {
	_, ok := t.cfg.Dialect.Form(dialect.KindScriptResult)
	return ok && t.numbersBatches()
}

// scriptResults records what the card did with its issuer's scripts, to be told.
func (c *chip) scriptResults(of *Record) error {
	t, s := c.t, c.session
	v := s.Data(tlv.IssuerScriptResults)
	if len(v) == 0 || of == nil || !t.tellsScripts() {
		return nil
	}
	r := &Record{
		Kind: dialect.KindScriptResult, Amount: of.Amount, Currency: of.Currency, Card: of.Card, Entry: of.Entry, PSN: of.PSN, Original: t.named(of),
		ICC: tlv.Append(pick(s, scriptResultTags[:]), scriptResultsTag, v[:min(len(v), maxScriptResults)]),
	}
	r.Original.Of = of.about()
	if err := t.stamp(&deal{record: r, number: s.PAN(), expiry: expiry(s)}); err != nil {
		return err
	}
	return t.journal.begin(r, AdviceDue)
}

// tellScriptResults gives every such record one try. Silence ends the occasion, and delays nothing else.
func (t *Terminal) tellScriptResults() error {
	for _, r := range slices.Clone(t.journal.records) {
		if r.Kind != dialect.KindScriptResult || r.State != AdviceDue {
			continue
		}
		how, err := t.advise(r, nil)
		if err != nil {
			return err
		}
		if how != settled {
			if how == silent {
				t.hangUp()
			}
			return nil
		}
	}
	return nil
}

// reversalICC is DE 55 of a reversal: what the card made of the answer, scripts included. A sale that is advised was approved offline, so there
// were none.
func (t *Terminal) reversalICC(s *emv.Session) []byte {
	b := pick(s, reversalTags[:])
	tag := tlv.IssuerScriptResults
	if t.tellsScripts() {
		tag = scriptResultsTag
	}
	if v := s.Data(tlv.IssuerScriptResults); len(v) > 0 {
		b = tlv.Append(b, tag, v[:min(len(v), maxScriptResults)])
	}
	return b
}
