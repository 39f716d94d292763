package terminal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// entryChip is DE 22 of a chip read by a terminal that can take a PIN.
const entryChip = "0051"

// chipSale runs the EMV kernel over the card in the slot and makes of its outcome what the journal will know.
func (t *Terminal) chipSale(amount int64) error {
	t.show(say("reading"))
	card, err := t.slot.PowerOn()
	if err != nil {
		t.remark("chip: %v", err)
		return t.chipEnd(nil, brokenOutcome(err))
	}
	c := &chip{t: t, amount: amount}
	cfg := t.profile.EMV
	cfg.Rand = t.cfg.Rand
	cfg.Trace = t.cfg.Trace
	if t.slot.Physical() {
		cfg.Admit = func(s *emv.Session) error { return t.admit(s.PAN()) }
	}
	out, err := t.runKernel(card, c, &cfg, emv.Transaction{
		Type: 0x00, Amount: amount, Time: t.calendar(), SequenceCounter: uint32(t.journal.nextSTAN), LoggedAmount: t.loggedAmount,
	})
	if c.fatal != nil {
		return c.fatal
	}
	o, err := c.conclude(out, err)
	if err != nil {
		return err
	}
	if t.cardPresent() {
		if err := t.slot.PowerOff(); err != nil {
			t.remark("chip: %v", err)
		}
	}
	return t.chipEnd(c, o)
}

// runKernel has the kernel run, with a recorder between it and the world if somebody wants a transcript.
func (t *Terminal) runKernel(card apdu.Card, term emv.Terminal, cfg *emv.Config, txn emv.Transaction) (emv.Outcome, error) {
	if t.cfg.Record == nil {
		return emv.Run(card, term, cfg, txn)
	}
	r := transcript.NewRecorder(cfg, txn)
	out, err := emv.Run(r.Card(card), r.Terminal(term), r.Config(), r.Transaction())
	t.cfg.Record(r.Finish(out, err))
	return out, err
}

func (t *Terminal) chipEnd(c *chip, o Outcome) error {
	e := Ended{Outcome: o}
	if c != nil {
		e.Code, e.Session = c.code, c.session
	}
	switch o {
	case OutcomeCardRemoved:
		t.show(say("card-removed"))
	case OutcomeChipFailed:
		t.show(say("chip-failed"))
	}
	t.cfg.Observe(e)
	return nil
}

// brokenOutcome says what an error of the card's means.
func brokenOutcome(err error) Outcome {
	if errors.Is(err, apdu.ErrCardRemoved) {
		return OutcomeCardRemoved
	}
	return OutcomeChipFailed
}

// loggedAmount is the latest sale of the same card in the journal, for the floor limit (EMV Book 3, 10.6.1).
func (t *Terminal) loggedAmount(number pan.PAN, psn string) int64 {
	for i := len(t.journal.records) - 1; i >= 0; i-- {
		if r := t.journal.records[i]; r.InBatch() && r.Card == number.Masked() && r.PSN == cardSequence(psn) {
			return r.Amount
		}
	}
	return 0
}

// cardSequence is DE 23 of tag 5F34.
func cardSequence(psn string) string {
	if psn == "" {
		return ""
	}
	return fmt.Sprintf("%04s", psn)
}

// chip is the terminal as the kernel sees it, for one transaction.
type chip struct {
	t        *Terminal
	amount   int64
	session  *emv.Session
	record   *Record // what the journal knows, if the request was begun
	approval *dialect.Message
	ended    Outcome // why nothing was sent; empty: something was, or the kernel decided
	code     string
	fatal    error // of the storage: it stops the terminal
}

var _ emv.Terminal = (*chip)(nil)

// ChooseApplication shows the candidates; a digit chooses.
func (c *chip) ChooseApplication(candidates []emv.Candidate) (int, error) {
	t := c.t
	lines := []Text{say("choose")}
	for i, a := range candidates {
		if i < 9 {
			lines = append(lines, say("candidate", i+1, a.Name))
		}
	}
	t.show(lines...)
	t.keys = nil
	for {
		if !t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return len(t.keys) > 0 || !t.cardPresent() }) {
			return 0, emv.ErrCancelled
		}
		if !t.cardPresent() {
			return 0, apdu.ErrCardRemoved
		}
		key := t.keys[0]
		t.keys = t.keys[1:]
		switch {
		case key == KeyCancel:
			return 0, emv.ErrCancelled
		case key == KeyEnter && len(candidates) == 1:
			return 0, nil
		case key >= '1' && key <= '9' && int(key-'1') < len(candidates):
			return int(key - '1'), nil
		}
	}
}

// EnterPIN takes a PIN for online verification.
func (c *chip) EnterPIN(*emv.Session) (emv.PINEntry, error) {
	entry, err := c.t.enterPIN("pin", true, -1)
	if errors.Is(err, errNoPINTime) {
		return 0, emv.ErrCancelled
	}
	return entry, err
}

// VerifyPIN takes a PIN and has the security module present it to the card.
func (c *chip) VerifyPIN(_ *emv.Session, p emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	t := c.t
	title := Key("pin")
	if p.Again {
		title = "pin-again"
	}
	entry, err := t.enterPIN(title, true, p.TriesLeft)
	switch {
	case errors.Is(err, errNoPINTime):
		return 0, 0, emv.ErrCancelled
	case err != nil || entry != emv.PINEntered:
		return entry, 0, err
	}
	pad := t.entry
	t.entry = nil
	sw, err := t.cfg.Module.PresentPIN(pad, p.Card, p.Key)
	switch {
	case errors.Is(err, hsm.ErrNoChallenge):
		t.remark("chip: %v", err)
		return emv.PINNotSent, 0, nil
	case errors.Is(err, hsm.ErrTampered):
		t.remark("chip: %v", err)
		return emv.PINPadAbsent, 0, nil
	}
	return emv.PINEntered, sw, err
}

// GoOnline sends the request. When it may have left and nothing usable came back, the sale is already being reversed, and
// the card is told that its terminal declines: approving offline then could pay twice.
func (c *chip) GoOnline(s *emv.Session) (emv.OnlineAnswer, error) {
	t := c.t
	c.session = s
	r := t.chipRecord(s, c.amount)
	answer, o, err := t.authorise(r, func(r *Record) (*dialect.Message, error) { return t.chipRequest(s, r) })
	if err != nil {
		c.fatal = err
		return emv.OnlineAnswer{}, err
	}
	if answer != nil {
		c.code = answer.ResponseCode
	}
	switch o {
	case OutcomeBlocked, OutcomeNotAccepted:
		c.ended = o
		return emv.OnlineAnswer{}, emv.ErrCancelled
	case OutcomeNoConnection:
		c.ended = o
		return emv.OnlineAnswer{}, nil
	}
	c.record = r
	switch o {
	case OutcomeApproved:
		c.approval = answer
		return onlineAnswer(answer, "00"), nil
	case OutcomeDeclined:
		return onlineAnswer(answer, answer.ResponseCode), nil
	}
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: "Z3"}, nil
}

// onlineAnswer takes the issuer's data for the card out of DE 55.
func onlineAnswer(m *dialect.Message, code string) emv.OnlineAnswer {
	a := emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: code}
	r := tlv.NewReader(m.ICCSystemRelatedData)
	for r.Next() {
		switch r.Tag() {
		case tlv.IssuerAuthenticationData:
			a.IssuerAuthenticationData = r.Value()
		case tlv.IssuerScriptTemplate1, tlv.IssuerScriptTemplate2:
			a.Scripts = append(a.Scripts, r.Raw()...)
		}
	}
	return a
}

// conclude moves the record to where the card and the host have brought it.
func (c *chip) conclude(out emv.Outcome, err error) (Outcome, error) {
	t := c.t
	if out.Session != nil {
		c.session = out.Session
	}
	if out.Reason != nil {
		t.remark("card: %v", out.Reason)
	}
	if err != nil {
		t.remark("card: %v", err)
	}
	if c.record != nil {
		return c.concludeOnline(out, err)
	}
	switch {
	case errors.Is(err, errLiveRefused):
		return OutcomeLiveRefused, nil
	case errors.Is(err, errLiveRead):
		return OutcomeLiveRead, nil
	case c.ended == OutcomeBlocked, c.ended == OutcomeNotAccepted:
		return c.ended, nil
	case err != nil:
		return brokenOutcome(err), nil
	}
	switch out.Result {
	case emv.OfflineApproved, emv.ApprovedUnableToGoOnline:
		return OutcomeOfflineApproved, c.approveOffline(out)
	case emv.OfflineDeclined, emv.DeclinedUnableToGoOnline:
		if c.ended == OutcomeNoConnection {
			return OutcomeNoConnection, nil
		}
		t.show(say("declined-offline"))
		return OutcomeOfflineDeclined, nil
	case emv.Cancelled:
		t.show(say("cancelled"))
		return OutcomeCancelled, nil
	case emv.CardBlocked:
		t.show(say("card-blocked"))
	case emv.NotAccepted:
		t.show(say("not-accepted"))
	default:
		t.show(say("terminated"))
	}
	return OutcomeNotAccepted, nil
}

// concludeOnline: only an approval of both host and card is a sale; an approval that the card refused is reversed (T9).
func (c *chip) concludeOnline(out emv.Outcome, err error) (Outcome, error) {
	t, r := c.t, c.record
	switch r.State {
	case Declined:
		t.showDeclined(r.Code)
		return OutcomeDeclined, nil
	case Pending:
	default: // no usable answer: being reversed
		return OutcomeNoAnswer, nil
	}
	if err == nil && out.Result == emv.OnlineApproved {
		m := c.approval
		return OutcomeApproved, t.approve(r, func(r *Record) error {
			return t.journal.approved(r, func(n *Record) {
				n.Code, n.Auth, n.RRN = m.ResponseCode, m.AuthorizationIDResponse, m.RetrievalReferenceNumber
				c.fillReceipt(n)
			})
		}, say("approved"))
	}
	r.ICC = reversalICC(c.session)
	o := OutcomeRefused
	if errors.Is(err, apdu.ErrCardRemoved) {
		o = OutcomeCardRemoved
	}
	if !t.kept(rules.ReverseCardRefusal) { // the terminal thinks that it is enough to know
		t.show(say("card-refused"))
		return o, t.journal.declined(r, c.approval.ResponseCode)
	}
	return o, t.reverseLater(r, dialect.ReasonMismatch, "card-refused", c.approval)
}

// approveOffline records a sale that the card approved alone, to be advised later.
func (c *chip) approveOffline(out emv.Outcome) error {
	t, s := c.t, c.session
	r := t.chipRecord(s, c.amount)
	if err := t.stamp(r); err != nil {
		return err
	}
	r.Code = "Y1"
	if out.Result == emv.ApprovedUnableToGoOnline {
		r.Code = "Y3"
	}
	r.ICC = requestICC(s)
	c.fillReceipt(r)
	if err := t.seal(r, s.PAN(), expiry(s)); err != nil {
		return err
	}
	t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
	return t.approve(r, t.journal.offlineApproved, say("approved-offline"), say("to-be-sent"))
}

// chipRecord is a new record of a chip transaction, as far as it is known before the request.
func (t *Terminal) chipRecord(s *emv.Session, amount int64) *Record {
	return &Record{
		Amount: amount, Currency: t.profile.Currency, Card: s.PAN().Masked(), Entry: entryChip,
		PSN: cardSequence(s.PANSequenceNumber()), ICC: reversalICC(s),
	}
}

// chipRequest is the 0200 of a chip transaction.
func (t *Terminal) chipRequest(s *emv.Session, r *Record) (*dialect.Message, error) {
	m := t.message("0200", r)
	m.PrimaryAccountNumber, m.DateExpiration, m.CardSequenceNumber = s.PAN(), expiry(s), r.PSN
	m.POSConditionCode = conditionNormal
	m.Track2Data = strings.Replace(s.Track2(), "D", "=", 1)
	m.ICCSystemRelatedData = requestICC(s)
	return m, t.addPIN(m, s.PAN())
}

// addPIN puts the PIN block of the entry, if there is one, into a request. It is made last, under the session's newest key.
func (t *Terminal) addPIN(m *dialect.Message, number pan.PAN) error {
	if t.entry == nil {
		return nil
	}
	pad := t.entry
	t.entry = nil
	block, err := t.cfg.Module.EncryptPIN(t.pinKey, pad, number)
	if err != nil {
		return err
	}
	m.PINData = block[:]
	return nil
}

// fillReceipt takes what the receipt says about the card.
func (c *chip) fillReceipt(r *Record) {
	s := c.session
	tvr, tsi := s.TVR(), s.TSI()
	r.Label, r.AID = s.Label(), fmt.Sprintf("%X", s.AID())
	r.TVR, r.TSI = fmt.Sprintf("%X", tvr[:]), fmt.Sprintf("%X", tsi[:])
	r.CryptogramType = [...]string{"AAC", "TC", "ARQC", "RFU"}[s.CryptogramInformationData()>>6]
	r.Cryptogram = fmt.Sprintf("%X", s.Data(tlv.ApplicationCryptogram))
	switch {
	case s.SignatureRequired():
		r.CVM = cvmSignature
	case s.OnlinePINEntered():
		r.CVM = cvmPIN
	default:
		r.CVM = cvmNone
	}
}

// expiry is YYMM of the application expiration date.
func expiry(s *emv.Session) string {
	d := s.Data(tlv.ApplicationExpirationDate)
	if len(d) != 3 {
		return ""
	}
	return fmt.Sprintf("%02X%02X", d[0], d[1])
}

// requestICC is DE 55 of a request or an advice: what the issuer needs to check the cryptogram and to judge the terminal.
func requestICC(s *emv.Session) []byte { return pick(s, requestTags[:]) }

// reversalICC is DE 55 of a reversal.
func reversalICC(s *emv.Session) []byte { return pick(s, reversalTags[:]) }

var requestTags = [...]tlv.Tag{
	tlv.ApplicationCryptogram, tlv.CryptogramInformationData, tlv.IssuerApplicationData, tlv.UnpredictableNumber,
	tlv.ApplicationTransactionCounter, tlv.TVR, tlv.TransactionDate, tlv.TransactionType, tlv.AmountAuthorised,
	tlv.TransactionCurrencyCode, tlv.ApplicationInterchangeProfile, tlv.TerminalCountryCode, tlv.AmountOther,
	tlv.TerminalCapabilities, tlv.CVMResults, tlv.TerminalType, tlv.InterfaceDeviceSerialNumber, tlv.DedicatedFileName,
	tlv.ApplicationVersionNumberTerminal, tlv.TransactionSequenceCounter,
}

var reversalTags = [...]tlv.Tag{tlv.TVR, tlv.IssuerApplicationData, tlv.ApplicationTransactionCounter}

func pick(s *emv.Session, tags []tlv.Tag) []byte {
	var b []byte
	for _, tag := range tags {
		if v := s.Data(tag); len(v) > 0 {
			b = tlv.Append(b, tag, v)
		}
	}
	return b
}

// showDeclined says why.
func (t *Terminal) showDeclined(code string) {
	lines := []Text{say("declined", code)}
	if text, ok := codeText(code); ok {
		lines = append(lines, text)
	}
	if retained(code) {
		lines = append(lines, say("retain"))
	}
	t.show(lines...)
}
