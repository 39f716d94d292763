package transcript

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// ErrNotTestCard is the refusal to record a card whose number is in no published test range.
var ErrNotTestCard = errors.New("transcript: the card's number is in no published test range: it is not recorded")

// Recorder makes a transcript of a transaction while it happens: have the kernel run with its Card, Terminal, Config and
// Transaction, and Finish.
type Recorder struct {
	t    Transcript
	cfg  emv.Config
	txn  emv.Transaction
	fail error // something happened that no transcript can say
}

// NewRecorder begins a recording. cfg and txn are not changed.
func NewRecorder(cfg *emv.Config, txn emv.Transaction) *Recorder {
	r := &Recorder{cfg: *cfg, txn: txn}
	r.t.PINs = []string{}
	r.t.CAPK = []AuthorityKey{}
	r.t.Transaction.Tags = map[string]Hex{}
	return r
}

// Config is the configuration to run with.
func (r *Recorder) Config() *emv.Config {
	cfg := r.cfg
	cfg.Rand = (*recordedRandom)(r)
	if asked := r.cfg.OnExceptionFile; asked != nil {
		cfg.OnExceptionFile = func(number pan.PAN, psn string) bool {
			r.t.Transaction.OnExceptionFile = asked(number, psn)
			return r.t.Transaction.OnExceptionFile
		}
	}
	return &cfg
}

// Transaction is the transaction to run with.
func (r *Recorder) Transaction() emv.Transaction {
	txn := r.txn
	if logged := r.txn.LoggedAmount; logged != nil {
		txn.LoggedAmount = func(number pan.PAN, psn string) int64 {
			r.t.Transaction.LoggedAmount = logged(number, psn)
			return r.t.Transaction.LoggedAmount
		}
	}
	return txn
}

type recordedRandom Recorder

// Read passes on, and keeps the draws of random selection.
func (r *recordedRandom) Read(b []byte) (int, error) {
	n, err := r.cfg.Rand.Read(b)
	if len(b) == 1 && n == 1 {
		r.t.Terminal.RandomSelection.Draws = append(r.t.Terminal.RandomSelection.Draws, b[0])
	}
	return n, err
}

// Card is the card to run with.
func (r *Recorder) Card(c apdu.Card) apdu.Card { return &recordedCard{r, c} }

type recordedCard struct {
	r    *Recorder
	card apdu.Card
}

var _ apdu.Card = (*recordedCard)(nil)

// Transmit passes on and keeps both sides. Of a VERIFY only the header and the length are kept: a PIN is no part of a file.
func (c *recordedCard) Transmit(command []byte) ([]byte, error) {
	response, err := c.card.Transmit(command)
	if err != nil {
		return response, err
	}
	e := Exchange{Phase: apdu.Name(command[1]), Command: bytes.Clone(command), Response: bytes.Clone(response)}
	if command[1] == apdu.InsVerify {
		e.Command = e.Command[:min(5, len(e.Command)):5]
		e.Match = matchPrefix + e.Command.String()
	}
	if len(c.r.t.Exchanges) == maxExchanges {
		c.r.failed("more than %d exchanges", maxExchanges)
		return response, nil
	}
	c.r.t.Exchanges = append(c.r.t.Exchanges, e)
	return response, nil
}

func (r *Recorder) failed(format string, args ...any) {
	if r.fail == nil {
		r.fail = fmt.Errorf("transcript: "+format, args...)
	}
}

// Terminal is the terminal to run with.
func (r *Recorder) Terminal(t emv.Terminal) emv.Terminal { return &recordedTerminal{r, t} }

type recordedTerminal struct {
	r    *Recorder
	term emv.Terminal
}

var _ emv.Terminal = (*recordedTerminal)(nil)

// ChooseApplication keeps what was chosen.
func (t *recordedTerminal) ChooseApplication(candidates []emv.Candidate) (int, error) {
	i, err := t.term.ChooseApplication(candidates)
	if err == nil {
		t.r.t.Choices = append(t.r.t.Choices, i)
	}
	return i, err
}

// fillerPIN stands for a PIN that was typed: nothing compares it.
const fillerPIN = "0000"

// typed keeps that something was typed, and not what.
func (t *recordedTerminal) typed(entry emv.PINEntry, err error) {
	switch {
	case err != nil:
	case entry == emv.PINEntered, entry == emv.PINNotSent:
		t.r.t.PINs = append(t.r.t.PINs, fillerPIN)
	case entry == emv.PINBypassed:
		t.r.t.PINs = append(t.r.t.PINs, "")
	default:
		t.r.failed("the PIN pad did not work, which the layout cannot say")
	}
}

// EnterPIN keeps that a PIN was typed.
func (t *recordedTerminal) EnterPIN(s *emv.Session) (emv.PINEntry, error) {
	entry, err := t.term.EnterPIN(s)
	t.typed(entry, err)
	return entry, err
}

// VerifyPIN keeps that a PIN was typed. The commands go through the card.
func (t *recordedTerminal) VerifyPIN(s *emv.Session, p emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	entry, sw, err := t.term.VerifyPIN(s, p)
	t.typed(entry, err)
	return entry, sw, err
}

// GoOnline keeps the answer.
func (t *recordedTerminal) GoOnline(s *emv.Session) (emv.OnlineAnswer, error) {
	a, err := t.term.GoOnline(s)
	if err != nil {
		return a, err
	}
	h := &Host{Reachable: a.Reached}
	if a.Reached {
		h.ResponseCode = a.AuthorisationResponseCode
		if len(a.IssuerAuthenticationData) > 0 {
			h.Field55 = tlv.Append(nil, tlv.IssuerAuthenticationData, a.IssuerAuthenticationData)
		}
		h.Field55 = append(h.Field55, a.Scripts...)
	}
	t.r.t.Host = h
	return a, nil
}

// Finish is the transcript of a transaction that has ended with these results of emv.Run; its ID is the caller's to give. ErrNotTestCard for a card that is not
// to be recorded; another error for a transaction that did not end, or that the layout cannot say.
func (r *Recorder) Finish(out emv.Outcome, err error) (*Transcript, error) {
	s := out.Session
	switch {
	case err != nil:
		return nil, fmt.Errorf("transcript: the transaction did not end: %w", err)
	case out.Result == emv.Cancelled:
		return nil, errors.New("transcript: the transaction was cancelled: there is no end to record")
	case r.fail != nil:
		return nil, r.fail
	case s.PAN().IsZero() || !pan.InTestRange(s.PAN()):
		return nil, ErrNotTestCard
	}
	t := &r.t
	t.Layout, t.Source, t.Transport = Layout, "recorded by posim", "APDU level, as the kernel sent them"
	r.fillTerminal(s)
	r.fillTransaction(s)
	r.fillKeys(s)
	t.Expected = expectedOf(out)
	card, err := json.Marshal(struct {
		AID Hex `json:"aid"`
	}{s.AID()})
	if err != nil {
		return nil, fmt.Errorf("transcript: %w", err)
	}
	t.Card = card
	return t, t.check()
}

func (r *Recorder) fillTerminal(s *emv.Session) {
	c, x := &r.cfg, &r.t.Terminal
	x.Tags = map[string]Hex{}
	for _, tag := range [...]tlv.Tag{
		tlv.TerminalCountryCode, tlv.TransactionCurrencyCode, tlv.TransactionCurrencyExponent, tlv.MerchantCategoryCode, tlv.TerminalCapabilities,
		tlv.AdditionalTerminalCapabilities, tlv.TerminalType, tlv.ApplicationVersionNumberTerminal, tlv.TerminalFloorLimit, tlv.TerminalRiskManagementData,
		tlv.MerchantIdentifier, tlv.TerminalIdentification, tlv.InterfaceDeviceSerialNumber, tlv.MerchantNameAndLocation, tlv.AcquirerIdentifier,
	} {
		if v := s.Data(tag); len(v) > 0 {
			x.Tags[fmt.Sprintf("%X", tag)] = bytes.Clone(v)
		}
	}
	a := s.Application()
	x.TACDefault, x.TACDenial, x.TACOnline = a.TACDefault[:], a.TACDenial[:], a.TACOnline[:]
	x.RandomSelection.TargetPercentage, x.RandomSelection.MaxTargetPercentage = a.TargetPercent, a.MaxTargetPercent
	x.RandomSelection.Threshold = binary.BigEndian.AppendUint32(nil, uint32(a.Threshold))
	x.DefaultDDOL, x.DefaultTDOL = a.DefaultDDOL, a.DefaultTDOL
	x.CDAMode, x.AutoSelect, x.NoConfirmation = max(c.CDAMode, 1), c.AutoSelect, c.NoConfirmation
	for _, a := range c.Applications {
		x.Applications = append(x.Applications, Application{a.AID, a.Partial})
	}
}

func (r *Recorder) fillTransaction(s *emv.Session) {
	x := &r.t.Transaction
	x.ForcedOnline = r.txn.ForceOnline
	for _, tag := range [...]tlv.Tag{
		tlv.AmountAuthorised, tlv.AmountOther, tlv.TransactionDate, tlv.TransactionTime, tlv.TransactionType, tlv.TransactionSequenceCounter, tlv.UnpredictableNumber,
	} {
		if v := s.Data(tag); len(v) > 0 {
			x.Tags[fmt.Sprintf("%X", tag)] = bytes.Clone(v)
		}
	}
}

// fillKeys keeps the authority's key that the card names, and the revoked certificates of that authority.
func (r *Recorder) fillKeys(s *emv.Session) {
	index := s.Data(tlv.CertificationAuthorityPublicKeyIndex)
	if len(index) != 1 || len(s.AID()) < 5 {
		return
	}
	rid := [5]byte(s.AID())
	for _, k := range r.cfg.CAPublicKeys {
		if k.RID() != rid || k.Index() != index[0] {
			continue
		}
		checksum := k.Checksum()
		r.t.CAPK = append(r.t.CAPK, AuthorityKey{rid[:], bytes.Clone(index), k.Key().Modulus(), k.Key().Exponent(), checksum[:]})
	}
	for _, v := range r.cfg.Revoked {
		if v.RID == rid {
			r.t.Revoked = append(r.t.Revoked, Revoked{v.RID[:], Hex{v.Index}, v.Serial[:]})
		}
	}
}
