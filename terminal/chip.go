package terminal

import (
	"encoding/hex"
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

// chipSale runs the EMV kernel over the card in the slot and makes of its outcome what the journal will know. again is what the
// customer is asked for if the chip gave no answer and the sale can go on; empty: it is over.
func (t *Terminal) chipSale(s wanted) (e Ended, again Key, err error) {
	t.show(say("reading"))
	c := &chip{t: t, wanted: s}
	card, err := t.slot.PowerOn()
	if err != nil {
		t.remark("chip: %v", err)
		again = t.countChip(c, emv.Outcome{}, err)
		return t.chipEnd(c, brokenOutcome(err), again), again, nil
	}
	cfg := t.profile.EMV
	cfg.Rand = t.cfg.Rand
	cfg.Trace = t.cfg.Trace
	if t.slot.Physical() {
		cfg.Admit = func(s *emv.Session) error { return t.admit(s.PAN()) }
	}
	out, kernelErr := t.runKernel(card, c, &cfg, emv.Transaction{
		Type: t.transactionType(s.about()), Amount: s.amount, AmountOther: s.cashBack, Time: t.calendar(),
		SequenceCounter: uint32(t.journal.nextSTAN), LoggedAmount: t.loggedAmount,
		ForceOnline: s.online || !t.mayOffline(s),
	})
	if c.fatal != nil {
		return e, "", c.fatal
	}
	o, err := c.conclude(out, kernelErr)
	if err != nil {
		return e, "", err
	}
	again = t.countChip(c, out, kernelErr)
	if t.cardPresent() {
		if err := t.slot.PowerOff(); err != nil {
			t.remark("chip: %v", err)
		}
	}
	return t.chipEnd(c, o, again), again, nil
}

func hexOf(b []byte) string { return fmt.Sprintf("%X", b) }

// mayOffline tells whether the card may approve it alone: a sale, and only as long as what has not been sent stays within what the
// profile allows.
func (t *Terminal) mayOffline(w wanted) bool {
	if w.about() != dialect.KindSale {
		return false
	}
	limit, count, total := t.profile.Offline, 0, w.amount
	for _, r := range t.journal.records {
		if r.State == AdviceDue && r.about() == dialect.KindOfflineSale {
			count++
			total += r.Amount
		}
	}
	return (limit.MaxCount == 0 || count < limit.MaxCount) && (limit.MaxTotal == 0 || total <= limit.MaxTotal)
}

// transactionType is tag 9C: the first two digits of the processing code.
func (t *Terminal) transactionType(k dialect.Kind) byte {
	f, _ := t.cfg.Dialect.Form(k)
	b, err := hex.DecodeString(f.ProcessingCode)
	if err != nil || len(b) == 0 {
		return 0
	}
	return b[0]
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

// chipEnd is the end of a chip's sale, or of this try of it.
func (t *Terminal) chipEnd(c *chip, o Outcome, again Key) Ended {
	switch {
	case o == OutcomeCardRemoved:
		t.show(say("card-removed"))
	case o == OutcomeChipFailed && again == "":
		t.show(say("chip-failed"))
	}
	return Ended{Outcome: o, Code: c.code, Session: c.session}
}

// countChip counts what became of the chip for a fallback, and says what the customer is asked for next; empty: nothing. A chip
// that had its cryptogram sent was read, and what the card does after that is no reason to take its stripe.
func (t *Terminal) countChip(c *chip, out emv.Outcome, err error) (again Key) {
	p, live := t.profile.Fallback, errors.Is(err, errLiveRefused) || errors.Is(err, errLiveRead)
	empty := err == nil && out.Result == emv.NotAccepted
	silent := err != nil && !live && !c.online && brokenOutcome(err) == OutcomeChipFailed
	switch {
	case silent, empty && p.EmptyList:
		var number pan.PAN
		if out.Session != nil {
			number = out.Session.PAN()
		}
		t.failures.failed(number, t.clock.Now(), p.Window)
	case c.online, err == nil && out.Result != emv.Cancelled && out.Result != emv.Terminated:
		t.failures.good()
		return ""
	default: // pulled out, cancelled, not a card's data: no failure, and no good read either
		return ""
	}
	switch {
	case t.slotWorks() && t.failures.count < p.Tries:
		return "insert-again"
	case p.Off:
		return ""
	}
	return "swipe-instead"
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
	wanted   wanted
	online   bool // the card's cryptogram was given to be sent
	session  *emv.Session
	record   *Record // what the journal knows, if the request was begun
	outcome  Outcome // of the exchange that it was begun for
	approval *dialect.Message
	balance  *dialect.Message // what an inquiry was answered
	ended    Outcome          // why nothing was sent; empty: something was, or the kernel decided
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
	sw, err := t.module.PresentPIN(pad, p.Card, p.Key)
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
	c.session, c.online = s, true
	if c.wanted.offline {
		c.ended = OutcomeNoConnection
		return emv.OnlineAnswer{}, nil
	}
	d := &deal{
		record: t.chipRecord(s, c.wanted), number: s.PAN(), expiry: expiry(s), track2: strings.Replace(s.Track2(), "D", "=", 1),
		icc: requestICC(s),
	}
	if c.wanted.kind == dialect.KindBalance {
		return c.inquire(d)
	}
	answer, o, err := t.authorise(d)
	if err != nil {
		c.fatal = err
		return emv.OnlineAnswer{}, err
	}
	if answer != nil {
		c.code = answer.ResponseCode
	}
	switch {
	case o == OutcomeBlocked, o == OutcomeNotAccepted, o == OutcomeNoConnection && !t.mayOffline(c.wanted):
		c.ended = o
		return emv.OnlineAnswer{}, emv.ErrCancelled
	case o == OutcomeNoConnection:
		c.ended = o
		return emv.OnlineAnswer{}, nil
	}
	c.record, c.outcome = d.record, o
	switch o {
	case OutcomeApproved:
		c.approval = answer
		return c.onlineAnswer(answer, "00"), nil
	case OutcomeDeclined:
		return c.onlineAnswer(answer, answer.ResponseCode), nil
	}
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: "Z3"}, nil
}

// onlineAnswer takes the issuer's data for the card out of DE 55, as far as it is in order.
func (c *chip) onlineAnswer(m *dialect.Message, code string) emv.OnlineAnswer {
	a, err := emv.NewOnlineAnswer(code, m.ICCSystemRelatedData)
	if err != nil {
		c.t.remark("DE 55 of the answer: %v", err)
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
	if out.AdviceRequired {
		t.remark("card: it asks for an advice of what it decided; no message of this host is one, and none is sent")
	}
	if c.record != nil {
		o, err := c.concludeOnline(out, err)
		if err != nil {
			return o, err
		}
		return o, c.scriptResults(c.record)
	}
	switch {
	case errors.Is(err, errLiveRefused):
		return OutcomeLiveRefused, nil
	case errors.Is(err, errLiveRead):
		return OutcomeLiveRead, nil
	case c.ended == OutcomeBlocked, c.ended == OutcomeNotAccepted, c.ended == OutcomeNoConnection && !t.mayOffline(c.wanted):
		return c.ended, nil
	case c.wanted.kind == dialect.KindBalance && c.online:
		return c.concludeBalance(), nil
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
		t.showOfflineDeclined(out)
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

// showOfflineDeclined says why, if the card has (EMV Book 3, 6.5.5; Book 4, 11.2).
func (t *Terminal) showOfflineDeclined(out emv.Outcome) {
	if out.ServiceNotAllowed {
		t.show(say("not-accepted"), say("service-not-allowed"))
		return
	}
	t.show(say("declined-offline"))
}

// concludeOnline: only an approval of both host and card is a sale; an approval that the card refused is reversed (T9).
func (c *chip) concludeOnline(out emv.Outcome, err error) (Outcome, error) {
	t, r := c.t, c.record
	switch r.State {
	case Declined:
		t.showDeclined(r.Code)
		return OutcomeDeclined, nil
	case Pending:
	default: // no usable answer, or one that the clerk did not want: being reversed
		return c.outcome, nil
	}
	if err == nil && out.Result == emv.OnlineApproved {
		m := c.approval
		return OutcomeApproved, t.approve(r, func(r *Record) error {
			return t.journal.approved(r, func(n *Record) {
				t.taken(n, m)
				c.fillReceipt(n)
				if t.numbersBatches() { // an upload has the card's own certificate of the transaction
					n.ICC = requestICC(c.session)
				}
			})
		}, approvedLines(m.ResponseCode)...)
	}
	r.ICC = t.reversalICC(c.session)
	o := OutcomeRefused
	if errors.Is(err, apdu.ErrCardRemoved) {
		o = OutcomeCardRemoved
	}
	if !t.kept(rules.ReverseCardRefusal) { // the terminal thinks that it is enough to know
		t.show(say("card-refused"))
		return o, t.journal.declined(r, c.approval.ResponseCode)
	}
	if err != nil && t.slot.Lost() != nil { // it is not the card that failed
		return OutcomeChipFailed, t.reverseLater(r, dialect.ReasonDeviceFault, "device-failed", c.approval)
	}
	return o, t.reverseLater(r, dialect.ReasonMismatch, "card-refused", c.approval)
}

// approveOffline records a sale that the card approved alone, to be advised later.
func (c *chip) approveOffline(out emv.Outcome) error {
	t, s := c.t, c.session
	r := t.chipRecord(s, c.wanted)
	r.Kind = dialect.KindOfflineSale
	if err := t.stamp(&deal{record: r, number: s.PAN(), expiry: expiry(s)}); err != nil {
		return err
	}
	r.Code = "Y1"
	if out.Result == emv.ApprovedUnableToGoOnline {
		r.Code = "Y3"
	}
	r.ICC = requestICC(s)
	c.fillReceipt(r)
	if r.CVM == cvmPIN { // it was taken for an issuer who has not seen it
		r.CVM = cvmUnseen
	}
	t.adviceAt = t.clock.Now().Add(t.profile.AdviceInterval)
	return t.approve(r, t.journal.offlineApproved, say("approved-offline"), say("to-be-sent"))
}

// chipRecord is a new record of a chip transaction, as far as it is known before the request.
func (t *Terminal) chipRecord(s *emv.Session, w wanted) *Record {
	r := t.newRecord(w)
	r.Card, r.Entry = s.PAN().Masked(), t.posEntryMode(entryChip)
	r.PSN, r.ICC = cardSequence(s.PANSequenceNumber()), t.reversalICC(s)
	return r
}

// addPIN puts the PIN block of the entry, if there is one, into a request, and what has to be said of it. It is made last, under the
// message's keys.
func (t *Terminal) addPIN(m *dialect.Message, number pan.PAN) error {
	if pad := t.entry; pad != nil {
		t.entry = nil
		carrier, err := t.pinCarrier()
		if err != nil {
			return err
		}
		if m.PINData, err = t.module.EncryptPIN(nil, carrier, pad, number); err != nil {
			return err
		}
	}
	if t.numbersBatches() {
		return t.secure(m)
	}
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
	r.CVM = cvmOf(s)
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

// maxScriptResults are the results of twenty scripts, five bytes each (EMV Book 4, A5): DE 55 holds 255 bytes, and a reversal that
// does not fit could never be sent.
const maxScriptResults = 20 * 5

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

// showDeclined says why. A code that wants a sign-on gets one before anything else is asked.
func (t *Terminal) showDeclined(code string) {
	meaning := dialect.MeaningOf(code)
	lines := []Text{say("declined", code)}
	if text, ok := t.codeText(meaning); ok {
		lines = append(lines, text)
	}
	switch {
	case retained(code), meaning.Action == dialect.ActionRetainCard && !t.hasOwnText(code):
		lines = append(lines, say("retain"))
	case referral(code): // nobody at this till makes the call and types an authorisation in: it is a decline with a reason
		lines = append(lines, say("call-bank"))
	case meaning.Action == dialect.ActionUseChip:
		lines = append(lines, say("insert-chip-next"))
	}
	if meaning.Action == dialect.ActionSignOn && t.numbersBatches() {
		t.signOnAsked = true
	}
	t.show(lines...)
}

// codeText is what a response code means to the person at the terminal. Where the table of the host's document differs from the
// standard's words, its own terminals have its words.
func (t *Terminal) codeText(m dialect.Meaning) (Text, bool) {
	if t.hasOwnText(m.Code) {
		return codeText(m.Code)
	}
	return say("code-text", bilingual{strings.ToUpper(m.English), m.Chinese}), m.Category != dialect.CategoryUnknown
}

func (t *Terminal) hasOwnText(code string) bool {
	_, ok := codes[code]
	return ok && !t.numbersBatches()
}
