package emv

import (
	"errors"
	"fmt"
	"io"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// Session is one transaction under way: the data elements of card and terminal, TVR, TSI and CVM results. Its methods are the
// steps of the book; Run calls them in their order. It is not for use by several goroutines.
type Session struct {
	card apdu.Card
	term Terminal
	cfg  *Config
	txn  Transaction
	get  func(tlv.Tag) []byte // Data, bound once

	candidates []Candidate
	listed     bool         // candidates was built
	current    int          // index of the candidate selected last
	app        *Application // what the terminal knows of it

	terminal elements // of the transaction, and from mark on of the application
	mark     int
	icc      elements
	gpoMark  int // icc from here on is from GET PROCESSING OPTIONS and the records

	tvr        [5]byte
	tsi        [2]byte
	toldTVR    [5]byte // as the trace knows them
	toldTSI    [2]byte
	cvmResults [3]byte
	un         [4]byte
	hasUN      bool
	arc        []byte // 8A
	number     pan.PAN
	language   string
	signature  bool

	oda      authentication
	pdolData []byte    // as they went to the card: combined DDA signs them
	cdolData [2][]byte // of the first and the second GENERATE AC

	firstTVR [5]byte // as it was at the first GENERATE AC
	arqc     []byte

	requested     cryptogramType // by terminal action analysis
	cid           byte
	generated     int // GENERATE AC commands answered
	answer        OnlineAnswer
	scriptResults []byte
	reason        error

	arena   []byte
	command [5 + apdu.MaxData + 1]byte
	data    [apdu.MaxData]byte
	backing [arenaSize]byte

	terminalBacking [32]element
	iccBacking      [48]element
}

// arenaSize holds the data of an ordinary transaction; a larger one allocates.
const arenaSize = 2048

// NewSession starts a transaction with a card that has been reset. The configuration and the transaction are checked here:
// an error names the field. cfg must not change while the session lives.
func NewSession(card apdu.Card, term Terminal, cfg *Config, txn Transaction) (*Session, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := txn.validate(); err != nil {
		return nil, err
	}
	s := &Session{card: apdu.Chain(card), term: term, cfg: cfg, txn: txn}
	s.get = s.Data
	s.arena = s.backing[:0]
	s.terminal, s.icc = s.terminalBacking[:0], s.iccBacking[:0]
	s.fillTerminalData()
	s.resetResults()
	return s, nil
}

// resetResults puts TVR, TSI and CVM results to where an application starts (Book 3, 10.1; Book 4, A4).
func (s *Session) resetResults() {
	s.tvr, s.tsi, s.cvmResults = [5]byte{}, [2]byte{}, cvmNotPerformed()
	s.toldTVR, s.toldTSI = s.tvr, s.tsi
	s.arc, s.number, s.signature = nil, pan.PAN{}, false
	s.oda.method, s.oda.issuer.done, s.oda.icc.done, s.oda.wrong = odaNone, false, false, false
	s.oda.records, s.oda.recordsErr = s.oda.records[:0], nil
}

// Data is the value of a data element of terminal or card, nil if there is none. The bytes are the session's: do not change
// them, and copy what is to outlive a later step.
func (s *Session) Data(tag tlv.Tag) []byte {
	switch tag {
	case tlv.TVR:
		return s.tvr[:]
	case tlv.TSI:
		return s.tsi[:]
	case tlv.CVMResults:
		return s.cvmResults[:]
	case tlv.UnpredictableNumber:
		if !s.hasUN {
			return nil
		}
		return s.un[:]
	case tlv.AuthorisationResponseCode:
		return s.arc
	case tlv.IssuerAuthenticationData:
		return s.answer.IssuerAuthenticationData
	case tlv.IssuerScriptResults:
		return s.scriptResults
	}
	if v := s.terminal.get(tag); v != nil {
		return v
	}
	return s.icc.get(tag)
}

// PAN is the card's primary account number, known after ReadApplicationData.
func (s *Session) PAN() pan.PAN { return s.number }

// PANSequenceNumber is tag 5F34 as two digits, "" if the card has none.
func (s *Session) PANSequenceNumber() string {
	v := s.icc.get(tlv.ApplicationPANSequenceNumber)
	if v == nil {
		return ""
	}
	return digits(v)
}

// Track2 is tag 57 as digits with D for the separator, without padding; "" if the card has none. It is sensitive
// authentication data: it goes into the request and nowhere else.
func (s *Session) Track2() string { return track2(s.icc.get(tlv.Track2EquivalentData)) }

// TVR is tag 95 as it stands.
func (s *Session) TVR() [5]byte { return s.tvr }

// TSI is tag 9B as it stands.
func (s *Session) TSI() [2]byte { return s.tsi }

// SignatureRequired tells whether a rule of the CVM list was met by the cardholder's signature.
func (s *Session) SignatureRequired() bool { return s.signature }

// AID is the name of the selected application, nil before one is selected.
func (s *Session) AID() []byte { return s.terminal.get(tlv.ApplicationIdentifierTerminal) }

// Label is the name of the selected application as it is shown and printed, "" before one is selected.
func (s *Session) Label() string {
	if s.app == nil || s.current >= len(s.candidates) {
		return ""
	}
	return s.candidates[s.current].Name
}

// Application is the terminal's data for the selected application; before one is selected, of the first of its list.
func (s *Session) Application() *Application {
	if s.app == nil {
		return &s.cfg.Applications[0]
	}
	return s.app
}

// CryptogramInformationData is tag 9F27 of the last cryptogram, 0 before the first.
func (s *Session) CryptogramInformationData() byte { return s.cid }

// FirstGenerateAC is the TVR as it was at the first GENERATE AC, nil before it was answered, and the cryptogram if that was an
// ARQC.
func (s *Session) FirstGenerateAC() (tvr, arqc []byte) {
	if s.generated == 0 {
		return nil, nil
	}
	return s.firstTVR[:], s.arqc
}

// ending is the error by which a step ends the transaction with a result instead of an error.
type ending struct {
	result Result
	err    error
}

func (e *ending) Error() string { return e.err.Error() }
func (e *ending) Unwrap() error { return e.err }

// terminate ends the transaction because the card violated the specification (Book 3, 7.4).
func terminate(format string, args ...any) error {
	return &ending{Terminated, fmt.Errorf("emv: "+format, args...)}
}

// end makes the Outcome of a session that the error err ended, nil after the last step.
func (s *Session) end(err error) (Outcome, error) {
	o := Outcome{
		Session:           s,
		Reason:            s.reason,
		HostApproved:      s.answer.Reached && s.hostApproves(),
		AdviceRequired:    s.generated > 0 && s.cid&cidAdvice != 0,
		ServiceNotAllowed: s.generated > 0 && s.cid&cidReason == cidServiceNotAllowed,
		Referral:          s.answer.Reached && (s.answer.AuthorisationResponseCode == "01" || s.answer.AuthorisationResponseCode == "02"),
	}
	if err == nil {
		o.Result = s.result()
		o.SignatureRequired = s.signature && o.Result.Approved()
	} else if !o.endedBy(err) {
		return o, err
	}
	if s.traced() {
		text := o.Result.String()
		if o.Reason != nil {
			text += ": " + o.Reason.Error()
		}
		s.decisive(RuleOutcome, text)
	}
	return o, nil
}

// endedBy takes the result out of an error that is one; false if something is broken.
func (o *Outcome) endedBy(err error) bool {
	var known *ending
	switch {
	case errors.As(err, &known):
		o.Result, o.Reason = known.result, known.err
	case errors.Is(err, ErrCancelled):
		o.Result, o.Reason = Cancelled, err
	default:
		return false
	}
	return true
}

// transmit sends one command and keeps the response for the length of the session.
func (s *Session) transmit(c apdu.Command) (apdu.Response, error) {
	raw, err := s.card.Transmit(c.Append(s.command[:0]))
	if err != nil {
		return apdu.Response{}, fmt.Errorf("emv: %s: %w", apdu.Name(c.INS), err)
	}
	r, err := apdu.Parse(s.keep(raw))
	if err != nil {
		return apdu.Response{}, fmt.Errorf("emv: %s: %w", apdu.Name(c.INS), err)
	}
	return r, nil
}

// keep copies b to where it lives as long as the session. Slices given out before stay valid when the arena grows.
func (s *Session) keep(b []byte) []byte {
	start := len(s.arena)
	s.arena = append(s.arena, b...)
	return s.arena[start:len(s.arena):len(s.arena)]
}

// keepText is keep for a text.
func (s *Session) keepText(v string) []byte {
	start := len(s.arena)
	s.arena = append(s.arena, v...)
	return s.arena[start:len(s.arena):len(s.arena)]
}

// fillDOL builds the data a card asked for. What is too long for a command is a violation, and no command is sent
// (Book 3, 5.4).
func (s *Session) fillDOL(name string, dol []byte) ([]byte, error) {
	if tlv.DOLHas(dol, tlv.UnpredictableNumber) {
		if err := s.drawUnpredictableNumber(); err != nil {
			return nil, err
		}
	}
	data, err := tlv.FillDOL(s.data[:0], dol, s.get)
	if err != nil {
		return nil, terminate("%s: %w", name, err)
	}
	if len(data) > apdu.MaxData {
		return nil, terminate("%s: asks for %d bytes: want at most %d", name, len(data), apdu.MaxData)
	}
	return data, nil
}

// drawUnpredictableNumber draws 9F37 the first time it is wanted; it stays the same for the transaction (Book 4, 6.5.6).
func (s *Session) drawUnpredictableNumber() error {
	if s.hasUN {
		return nil
	}
	if _, err := io.ReadFull(s.cfg.Rand, s.un[:]); err != nil {
		return fmt.Errorf("emv: unpredictable number 9F37: %w", err)
	}
	s.hasUN = true
	return nil
}
