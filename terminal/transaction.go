package terminal

import (
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// deal is a transaction in the making: its record, and what only this moment knows of the card. It is gone with the session.
type deal struct {
	record *Record
	number pan.PAN // zero: not known
	expiry string  // YYMM
	track2 string  // DE 35
	icc    []byte  // DE 55 of the request
	code   string  // scanned, or shown
	shows  bool    // the terminal shows it
}

// undoes tells whether a kind takes another transaction back.
func undoes(k dialect.Kind) bool {
	return k == dialect.KindVoid || k == dialect.KindPreAuthVoid || k == dialect.KindCompletionVoid
}

// told tells whether transactions of a kind are told until they are answered, and never reversed: what has happened already, and,
// where the host's terminals do not number their batches, what takes another transaction back (rule V1; the others follow V2).
func (t *Terminal) told(k dialect.Kind) bool { return k.Advice() || undoes(k) && !t.numbersBatches() }

// numbersBatches tells whether batch and STAN are what this host tells transactions apart by.
func (t *Terminal) numbersBatches() bool { return t.cfg.Dialect.NumbersBatches() }

// keepsNumber tells whether the card number of a kind of transaction stays in the journal, sealed: an advice carries it as often as
// it is repeated, and so do reversals and uploads where batches are numbered.
func (t *Terminal) keepsNumber(k dialect.Kind) bool { return t.numbersBatches() || t.told(k) }

// message is what every message of a record carries: the numbers of its kind, its identity, what it is about. Without an MTI it is
// the kind's own request.
func (t *Terminal) message(mti string, r *Record) (*dialect.Message, error) {
	m := &dialect.Message{
		MTI: mti, Kind: r.about(), SystemsTraceAuditNumber: r.STAN, POSEntryMode: r.Entry,
		CardAcceptorTerminalIdentification: t.profile.TID, CardAcceptorIdentificationCode: t.profile.MID,
		CurrencyCodeTransaction: r.Currency,
	}
	if r.Batch != "" {
		m.BatchNumber = r.Batch
	} else {
		m.TimeLocalTransaction, m.DateLocalTransaction = r.Time, r.Date
	}
	m.SetAmount(r.asked())
	switch m.Kind {
	case dialect.KindCashBack:
		m.CashBackAmount = r.CashBack
	case dialect.KindTipAdjust:
		m.TipAmount = r.Tip
	}
	if o := r.Original; o != nil {
		m.Original = dialect.Original{Batch: o.Batch, STAN: o.STAN, Date: o.Date, Time: o.Time}
		m.RetrievalReferenceNumber, m.AuthorizationIDResponse = o.RRN, o.Auth
		if f, ok := t.cfg.Dialect.Form(o.Of); ok && o.Of != dialect.KindNone {
			m.ProcessingCode, m.POSConditionCode = f.ProcessingCode, f.POSConditionCode
		}
	}
	if t.numbersBatches() {
		t.tellPrivate(m, r)
	}
	if t.cfg.Dialect.Has(transmissionDateTime) {
		m.TransmissionDateTime = r.Date + r.Time
	}
	return m, t.cfg.Dialect.Shape(m)
}

// transmissionDateTime is DE 7, which some dialects have beside the local time.
const transmissionDateTime = 7

// request is the first message of a transaction, with all that is known of the card, and the PIN if one was entered. The current
// keys are for it.
func (t *Terminal) request(d *deal) (*dialect.Message, error) {
	r := d.record
	m, err := t.message("", r)
	if err != nil {
		return nil, err
	}
	if !t.numbersBatches() || d.track2 == "" || r.isChip() { // there the host takes it from the track
		m.PrimaryAccountNumber, m.DateExpiration = d.number, d.expiry
	}
	m.CardSequenceNumber, m.Track2Data = r.PSN, d.track2
	m.ICCSystemRelatedData, m.CodeScanned = d.icc, d.code
	return m, t.addPIN(m, d.number)
}

// addNumber puts the card's number and expiry into a message that is made of the journal.
func (t *Terminal) addNumber(m *dialect.Message, r *Record) (err error) {
	if len(r.Sealed) == 0 {
		return nil
	}
	m.PrimaryAccountNumber, m.DateExpiration, err = t.unseal(r)
	m.CardSequenceNumber = r.PSN
	return err
}

// taken takes what an approving answer says about a record.
func (t *Terminal) taken(n *Record, m *dialect.Message) {
	n.Code, n.Auth, n.RRN, n.Scheme = m.ResponseCode, m.AuthorizationIDResponse, m.RetrievalReferenceNumber, m.CardScheme
	if t.numbersBatches() {
		n.HostDate = m.DateLocalTransaction
	}
	if !dialect.ApprovesInFull(m.ResponseCode) { // a part of it
		n.Asked, n.Amount = n.Amount, m.AmountTransaction
	}
}

// transact takes a transaction from its request to receipt or refusal.
func (t *Terminal) transact(d *deal) (Ended, error) {
	if t.told(d.record.about()) {
		return t.tell(d)
	}
	answer, o, err := t.authorise(d)
	if err != nil {
		return Ended{}, err
	}
	e := Ended{Outcome: o}
	if answer != nil {
		e.Code = answer.ResponseCode
	}
	switch o {
	case OutcomeApproved:
		err = t.approve(d.record, func(r *Record) error {
			return t.journal.approved(r, func(n *Record) { t.taken(n, answer) })
		}, approvedLines(e.Code)...)
	case OutcomeDeclined:
		t.showDeclined(e.Code)
	case OutcomeNoAnswer:
		if d.record.State == Pending { // of a sale by code that means nothing yet
			return t.settleQR(d)
		}
	}
	return e, err
}

// approvedLines is what the screen says of an approval. One with a defect wants the issuer asked, later.
func approvedLines(code string) []Text {
	lines := []Text{say("approved")}
	if code != "00" && dialect.ApprovesInFull(code) {
		lines = append(lines, say("confirm-issuer"))
	}
	return lines
}
