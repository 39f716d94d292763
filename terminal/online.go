package terminal

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// connect makes sure that there is a connection. It is kept until it breaks, a repeat goes unanswered, or the power goes.
func (t *Terminal) connect() error {
	if t.link != nil && t.link.Err() == nil {
		return nil
	}
	t.link = nil
	l, err := t.cfg.Dial()
	if err != nil {
		t.remark("connect: %v", err)
		return err
	}
	t.link = l
	return nil
}

// reach makes sure that there are session keys and a connection; false: there are not. The error is the storage's.
func (t *Terminal) reach() (bool, error) {
	if !t.keysReady() || t.stale {
		if err := t.signOn(); err != nil || !t.keysReady() || t.stale {
			return false, err
		}
	}
	if err := t.connect(); err != nil {
		t.show(say("no-connection"))
		return false, nil
	}
	return true, nil
}

// hangUp gives up a connection on which somebody does not answer.
func (t *Terminal) hangUp() {
	if t.link != nil {
		_ = t.link.Close() // its end is the point; how it ended changes nothing
		t.link = nil
	}
}

// encode packs a message and puts its MAC in, under the current keys. Nothing has left when it fails.
func (t *Terminal) encode(m *dialect.Message) ([]byte, error) {
	if !t.cfg.Dialect.Signed(m) {
		return t.cfg.Dialect.Pack(m, nil)
	}
	m.KeySerialNumber = t.current.ksn
	return t.cfg.Dialect.Pack(m, t.mac)
}

// transmit puts an encoded message on the wire. When it fails, nobody knows what has left.
func (t *Terminal) transmit(m *dialect.Message, b []byte) error {
	if err := t.link.Send(b); err != nil {
		t.remark("line: %v", err)
		return err
	}
	t.cfg.Observe(Sent{m})
	t.cfg.Point("send " + m.MTI)
	return nil
}

// send is both under the next keys, for what needs no record of its own.
func (t *Terminal) send(m *dialect.Message) error { return t.sendMade(m, func() error { return nil }) }

// sendMade is send, and finish puts into the message what is made under its keys.
func (t *Terminal) sendMade(m *dialect.Message, finish func() error) error {
	if t.cfg.Dialect.Signed(m) {
		if err := t.nextKeys(); err != nil {
			t.remark("cannot send: %v", err)
			return err
		}
	}
	err := finish()
	var b []byte
	if err == nil {
		b, err = t.encode(m)
	}
	if err != nil {
		t.remark("cannot send: %v", err)
		return err
	}
	return t.transmit(m, b)
}

// Why there is no answer that can be used, besides the transport's errors.
var (
	errMAC     = errors.New("terminal: the answer's MAC is wrong or missing")
	errAdopted = errors.New("terminal: a late answer was taken") // only without rule T5
)

// receive waits for the answer to request. An answer to anything else is reported with both keys, dropped, and waited
// past (T8, T7); any takes the first answer of the right kind instead. With errMAC the answer is returned too.
func (t *Terminal) receive(request *dialect.Message, wait time.Duration, any bool) (*dialect.Message, error) {
	deadline := t.clock.Now().Add(wait)
	for {
		b, err := t.link.Recv(deadline)
		if err != nil {
			return nil, err
		}
		m, macErr := t.open(b)
		if m == nil {
			continue
		}
		if dialect.Match(request, m) == nil || m.MTI == dialect.Response(request.MTI) && (t.same(m.Key(), request.Key()) || any) {
			t.heed(m)
			return m, macErr
		}
		adopted, err := t.unmatched(m, request)
		if err != nil {
			return nil, err
		}
		if adopted {
			return nil, errAdopted
		}
	}
}

// same tells whether two keys are one transaction's.
func (t *Terminal) same(a, b dialect.Key) bool {
	return a == b || !t.kept(rules.DateInKey) && a.Undated() == b.Undated()
}

// open reads a frame; nil: it is no message of this dialect. The error says that its MAC is bad.
func (t *Terminal) open(b []byte) (*dialect.Message, error) {
	if mti, err := t.cfg.Dialect.MTI(b); err == nil {
		t.cfg.Point("receive " + mti)
	}
	m, err := t.cfg.Dialect.Unpack(b)
	if err != nil {
		t.cfg.Observe(Unmatched{err})
		return nil, nil
	}
	var macErr error
	if t.cfg.Dialect.Signed(m) {
		if err := t.cfg.Dialect.VerifyMAC(b, m, func(mac, data []byte) error { return t.verify(m, mac, data) }); err != nil {
			macErr = errMAC
		}
	}
	t.cfg.Observe(Received{m, macErr})
	return m, macErr
}

// unasked looks at frames that came while nobody waited for an answer.
func (t *Terminal) unasked() error {
	for t.link != nil && t.link.Pending() {
		b, err := t.link.Recv(t.clock.Now())
		if err != nil {
			t.link = nil
			return nil
		}
		if m, _ := t.open(b); m != nil {
			if _, err := t.unmatched(m, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmatched drops an answer to nothing that is waited for (T5): what it says about an outcome comes too late. Its error
// means that the storage failed.
func (t *Terminal) unmatched(m *dialect.Message, request *dialect.Message) (adopted bool, err error) {
	if request != nil {
		t.cfg.Observe(Unmatched{dialect.Match(request, m)})
	} else {
		t.cfg.Observe(Unmatched{fmt.Errorf("terminal: answer %s %s: no answer is waited for", m.MTI, m.Key())})
	}
	if t.kept(rules.DropLateAnswers) || !dialect.ApprovesInFull(m.ResponseCode) {
		return false, nil
	}
	for _, r := range t.journal.Records() {
		if r.State == ReversalDue && !r.Printed && t.same(t.key(r), m.Key()) {
			return t.adopt(r, m.ResponseCode)
		}
	}
	return false, nil
}

// adopt is what rule T5 forbids: a late approval is taken. adopted tells whether it has taken its reversal off the queue.
func (t *Terminal) adopt(r *Record, code string) (adopted bool, err error) {
	if t.kept(rules.ApprovalEndsReversal) {
		adopted, err = true, t.journal.adoptLate(r, code)
	}
	if err != nil {
		return false, err
	}
	t.show(say("approved"))
	return adopted, t.receipt(r, false)
}

// authorise is the online exchange of one transaction that is asked for: the record becomes Pending before the request leaves
// (T1), and stays so only with an approval in hand. On any other outcome the record has moved on, or was never begun (State "").
//
// The request may need work that must be done first: due reversals, then a sign-on, then a connection; none of that can
// debit anybody, so until then there is nothing to reverse.
func (t *Terminal) authorise(d *deal) (*dialect.Message, Outcome, error) {
	if o, err := t.clearTheWay(); o != "" || err != nil {
		return nil, o, err
	}
	t.show(say("connecting"))
	if reached, err := t.reach(); err != nil || !reached {
		return nil, OutcomeNoConnection, err
	}
	r := d.record
	if err := t.stamp(d); err != nil {
		return nil, "", err
	}
	m, b, err := t.prepare(d)
	if err != nil {
		return t.unsendable(err)
	}
	if t.kept(rules.PendingBeforeWire) {
		if err := t.journal.pending(r); err != nil {
			return nil, "", err
		}
	}
	t.show(d.waiting()...)
	sendErr := t.transmit(m, b)
	if !t.kept(rules.PendingBeforeWire) {
		if err := t.journal.pending(r); err != nil {
			return nil, "", err
		}
	}
	if sendErr != nil { // the write was called: nobody knows what arrived
		return nil, OutcomeNoAnswer, t.unknown(r, dialect.ReasonNoAnswer, "line-broken", nil)
	}
	answer, err := t.receive(m, t.profile.AnswerWait, !t.kept(rules.MatchAnswer))
	if errors.Is(err, transport.ErrTimeout) && !t.kept(rules.AskOnce) {
		answer, err = t.askAgain(m)
	}
	return t.classify(r, m, answer, err)
}

// prepare makes a request, and its bytes, under the keys that are the next.
func (t *Terminal) prepare(d *deal) (m *dialect.Message, b []byte, err error) {
	if err = t.nextKeys(); err != nil {
		return nil, nil, err
	}
	if m, err = t.request(d); err != nil {
		return nil, nil, err
	}
	b, err = t.encode(m)
	return m, b, err
}

// clearTheWay does what must be done before anything is asked of the issuer: what a card did with its scripts is told where the
// host wants that, once, and then reversals that are due, of which one that stays due blocks. What waits behind them may follow
// first, where the profile says so.
func (t *Terminal) clearTheWay() (Outcome, error) {
	if err := t.tellScriptResults(); err != nil {
		return "", err
	}
	if t.kept(rules.ReverseFirst) {
		if clear, err := t.reverseDue(); err != nil || !clear {
			return OutcomeBlocked, err
		}
	}
	if t.profile.AdvicesFirst && t.adviceDue() {
		return "", t.sendAdvices()
	}
	return "", nil
}

// askAgain sends a request that was not answered once more, as its repeat, and waits for its answer.
func (t *Terminal) askAgain(m *dialect.Message) (*dialect.Message, error) {
	again := t.cfg.Dialect.AsRepeat(m, t.calendar().Format("0102150405"))
	if err := t.send(again); err != nil {
		return nil, err
	}
	return t.receive(again, t.profile.AnswerWait, !t.kept(rules.MatchAnswer))
}

// unsendable is a request that cannot be made of what the card gave: the sale ends before anything was sent. A security
// module without keys stops the terminal.
func (t *Terminal) unsendable(err error) (*dialect.Message, Outcome, error) {
	if fatal(err) != nil {
		return nil, "", err
	}
	t.remark("cannot send: %v", err)
	t.show(say("terminated"))
	return nil, OutcomeNotAccepted, nil
}

// stamp gives a new record its identity, and seals its card's number where later messages will need it.
func (t *Terminal) stamp(d *deal) error {
	stan, err := t.journal.takeSTAN()
	if err != nil {
		return err
	}
	r, now := d.record, t.calendar()
	r.STAN, r.Date, r.Time, r.Year = stan, now.Format("0102"), now.Format("150405"), now.Year()
	r.Operator = t.operator
	if t.numbersBatches() {
		r.Batch = t.journal.batch.number
	}
	if r.Kind == dialect.KindQRSale && d.code == "" {
		d.code, d.shows = orderCode(r), true
	}
	if d.number.IsZero() || !t.keepsNumber(r.about()) {
		return nil
	}
	return t.seal(r, d.number, d.expiry)
}

// classify decides what the answer, or its absence, means for the record: unknown means reverse.
func (t *Terminal) classify(r *Record, request, m *dialect.Message, err error) (*dialect.Message, Outcome, error) {
	switch {
	case errors.Is(err, errMAC):
		if dialect.RefusesKeys(m.ResponseCode) {
			return t.keysRefused(r, m)
		}
		return m, OutcomeNoAnswer, t.unknown(r, dialect.ReasonMAC, "mac-bad", nil)
	case errors.Is(err, errAdopted), isStorage(err):
		return nil, OutcomeNoAnswer, err
	case errors.Is(err, transport.ErrTimeout):
		return nil, OutcomeNoAnswer, t.unknown(r, dialect.ReasonNoAnswer, "timeout", nil)
	case err != nil:
		return nil, OutcomeNoAnswer, t.unknown(r, dialect.ReasonNoAnswer, "line-broken", nil)
	}
	if err := dialect.MatchContent(request, m); err != nil && t.kept(rules.MatchAnswer) {
		t.cfg.Observe(Unmatched{err})
		if !t.kept(rules.ReverseMismatch) || t.cfg.Dialect.Switches().BCTCMismatch { // whatever it was about, this terminal has not got it
			t.show(say("wrong-answer"))
			return m, OutcomeNoAnswer, t.journal.declined(r, "")
		}
		return m, OutcomeNoAnswer, t.unknown(r, dialect.ReasonMismatch, "mismatch", m)
	}
	switch code := m.ResponseCode; {
	case dialect.ApprovesInFull(code):
		return m, OutcomeApproved, nil
	case code == "09": // being processed: unknown
		return m, OutcomeNoAnswer, t.unknown(r, dialect.ReasonNoAnswer, "timeout", m)
	case dialect.Approves(code):
		return t.partly(r, m)
	case dialect.RefusesKeys(code):
		return t.keysRefused(r, m)
	default:
		return m, OutcomeDeclined, t.journal.declined(r, code)
	}
}

// partly is an approval of a part of the amount. The clerk may take it where the terminal can; else it is reversed, all of it.
func (t *Terminal) partly(r *Record, m *dialect.Message) (*dialect.Message, Outcome, error) {
	if !t.profile.PartialApproval || !m.HasAmount || m.AmountTransaction <= 0 || !partial(r.about()) {
		return m, OutcomeNoAnswer, t.unknown(r, dialect.ReasonMismatch, "mismatch", m)
	}
	left := r.Amount - m.AmountTransaction
	if t.confirm(say("part-approved", Amount(m.AmountTransaction)), say("part-left", Amount(left))) {
		return m, OutcomeApproved, nil
	}
	return m, OutcomePartRefused, t.reverseLater(r, dialect.ReasonMismatch, "part-refused", m)
}

// partial tells whether less than was asked for makes sense for a kind.
func partial(k dialect.Kind) bool { return k == dialect.KindSale || k == dialect.KindMOTOSale }

// keysRefused: the keys changed under the request, and a copy of it may have been approved before they did (K4).
func (t *Terminal) keysRefused(r *Record, m *dialect.Message) (*dialect.Message, Outcome, error) {
	t.stale = true
	if !t.kept(rules.StaleKeyIsNoDecline) {
		return m, OutcomeDeclined, t.journal.declined(r, m.ResponseCode)
	}
	return m, OutcomeNoAnswer, t.unknown(r, dialect.ReasonMAC, "mac-bad", nil)
}

// unknown is a request of which nobody knows what became: it is reversed. Of a sale by code the host can be asked first.
func (t *Terminal) unknown(r *Record, reason string, text Key, answer *dialect.Message) error {
	if r.about() == dialect.KindQRSale {
		return nil
	}
	if undoes(r.about()) && !t.kept(rules.UnknownVoid) { // the terminal thinks that silence is a refusal
		t.show(say("void-failed"))
		return t.journal.declined(r, "")
	}
	return t.reverseLater(r, reason, text, answer)
}

// reverseLater records that r must be reversed. The reversal itself goes out when the card is done.
// answer is what a host that must be reversed had said, if it said something.
func (t *Terminal) reverseLater(r *Record, reason string, text Key, answer *dialect.Message) error {
	if err := t.journal.reversalDue(r, reason, whys[text], answer); err != nil {
		return err
	}
	t.show(say(text))
	return nil
}

// signOn asks for new session keys. Without an answer the terminal goes on without; an error is its storage's.
func (t *Terminal) signOn() error {
	t.show(say("signing-on"))
	failed := func(why string) error {
		t.remark("sign-on: %s", why)
		t.show(say("sign-on-failed"))
		return nil
	}
	if !t.kept(rules.SignOnUnblocked) && t.journal.first(ReversalDue) != nil { // what K1 needs is refused: the reversal cannot go without it
		return failed("a reversal is due")
	}
	if err := t.connect(); err != nil {
		return failed("no connection")
	}
	m, err := t.service(dialect.KindSignOn)
	if err != nil {
		return err
	}
	if err := t.cfg.Dialect.Shape(m); err != nil {
		return failed(err.Error())
	}
	if err := t.send(m); err != nil {
		return failed(err.Error())
	}
	answer, err := t.receive(m, t.profile.ReversalWait, !t.kept(rules.MatchSignOn))
	switch {
	case isStorage(err):
		return err
	case err != nil:
		t.hangUp()
		return failed(err.Error())
	case answer.ResponseCode != "00":
		return failed("refused with " + answer.ResponseCode)
	}
	if t.profile.Security.DUKPT() { // it has keys: the acquirer has said that it knows this terminal
		t.stale = false
		t.show(say("signed-on"))
		return t.signedOn(answer)
	}
	pin, mac, err := t.importKeys(answer.ReservedPrivate62)
	if err != nil {
		return failed(err.Error())
	}
	if err := t.journal.storeKeys(&sessionKeys{answer.ReservedPrivate62}); err != nil {
		return err
	}
	t.dropKeys()
	t.pinKey, t.macKey, t.stale = pin, mac, false
	t.show(say("signed-on"))
	return t.signedOn(answer)
}

// restoreKeys takes the session's keys from the journal.
func (t *Terminal) restoreKeys() error {
	if t.journal.keys == nil || t.profile.Security.DUKPT() {
		return nil
	}
	pin, mac, err := t.importKeys(t.journal.keys.DE62)
	if errors.Is(err, hsm.ErrTampered) {
		return err
	}
	if err != nil { // a new sign-on gets others
		t.remark("session keys: %v", err)
		return nil
	}
	t.pinKey, t.macKey = pin, mac
	return nil
}

func (t *Terminal) importKeys(de62 []byte) (pin, mac hsm.Key, err error) {
	k, err := t.cfg.Dialect.ParseSessionKeys(de62)
	if err != nil {
		return pin, mac, err
	}
	if pin, err = t.module.Import(t.profile.Security.SessionPIN(), t.deviceKey, k.PINKey[:], k.PINKeyCheckValue[:]); err != nil {
		return pin, mac, err
	}
	if mac, err = t.module.Import(t.profile.Security.SessionMAC(), t.deviceKey, k.MACKey[:], k.MACKeyCheckValue[:]); err != nil {
		return pin, mac, err
	}
	return pin, mac, t.importTrackKey(k)
}

// importTrackKey takes the key for tracks in the place of the earlier one; a session need not have one.
func (t *Terminal) importTrackKey(k dialect.SessionKeys) (err error) {
	var track hsm.Key
	if len(k.TrackKey) > 0 {
		if track, err = t.module.Import(hsm.Attributes{Usage: hsm.DataEncryption}, t.deviceKey, k.TrackKey, k.TrackKeyCheckValue); err != nil {
			return err
		}
	}
	if !t.trackKey.IsZero() {
		_ = t.module.Erase(t.trackKey) // a key that is gone already is as good
	}
	t.trackKey = track
	return nil
}

// dropKeys erases the session's keys.
func (t *Terminal) dropKeys() {
	for _, k := range []hsm.Key{t.pinKey, t.macKey} {
		if !k.IsZero() {
			_ = t.module.Erase(k) // a key that is gone already is as good
		}
	}
}
