package emv

import (
	"errors"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// Terminal is where the kernel needs the world. Its methods may block. An error of theirs ends the transaction and comes back
// from Run, except ErrCancelled, which ends it as Cancelled.
type Terminal interface {
	// ChooseApplication lets the cardholder choose or confirm an application and returns its index (Book 1, 12.4). It is
	// called only if there is something to choose or to confirm. The candidates are in the order of their priority.
	ChooseApplication(candidates []Candidate) (int, error)

	// EnterPIN takes a PIN for online verification (Book 3, 10.5.2). The PIN itself never comes near the kernel.
	EnterPIN(s *Session) (PINEntry, error)

	// VerifyPIN takes a PIN and has the PIN pad itself present it to the card, in the clear or enciphered (Book 3, 10.5.1). The
	// kernel sees the status word of VERIFY only, which counts where the PIN was entered.
	VerifyPIN(s *Session, p OfflinePIN) (PINEntry, apdu.SW, error)

	// GoOnline sends the request with the cryptogram to the host and returns its answer. A host that cannot be reached or
	// does not answer is no error: OnlineAnswer.Reached is false.
	GoOnline(s *Session) (OnlineAnswer, error)
}

// ErrCancelled is returned by a Terminal whose cardholder or clerk gave up.
var ErrCancelled = errors.New("emv: cancelled")

// Candidate is an application that card and terminal have in common (Book 1, 12.3).
type Candidate struct {
	AID                  []byte // the card's ADF name
	Name                 string // what to show: the preferred name if its code table is supported, else the label, else the AID
	Label                string // tag 50
	PreferredName        string // tag 9F12 in UTF-8, "" if absent or its code table is not supported
	Priority             int    // 1 first to 15 last; 0: none, after all others
	ConfirmationRequired bool   // not to be selected without the cardholder's confirmation

	app *Application
}

// PINEntry is how the entry of an online PIN ended.
type PINEntry int

// How an entry of a PIN ends.
const (
	PINEntered   PINEntry = iota // a PIN block will go to the issuer
	PINBypassed                  // the pad works, but no PIN was entered
	PINPadAbsent                 // no PIN pad, or it does not work
	PINNotSent                   // a PIN was entered, but could not be enciphered: the card gave no challenge
)

// OfflinePIN is what a PIN pad needs to have the card verify a PIN.
type OfflinePIN struct {
	// Card is where the pad sends VERIFY and, before an enciphered one, GET CHALLENGE.
	Card apdu.Card
	// Key is what the PIN is enciphered under (Book 2, 7.2); nil: it goes in the clear. The pad may use it until it returns.
	Key *security.PublicKey
	// TriesLeft is what the card said, -1 if it said nothing.
	TriesLeft int
	// Again says that the PIN before was wrong.
	Again bool
}

// OnlineAnswer is the host's answer to an authorisation request.
type OnlineAnswer struct {
	// Reached is false if the host gave no answer that can be used; the other fields are then ignored.
	Reached bool

	// AuthorisationResponseCode is tag 8A, two characters. 00, 10 and 11 approve (Book 4, A6), everything else declines: a
	// terminal whose acquirer has other codes of approval translates them.
	AuthorisationResponseCode string

	// IssuerAuthenticationData is the value of tag 91, 8 to 16 bytes; empty if the issuer sent none.
	IssuerAuthenticationData []byte

	// Scripts are the issuer script templates 71 and 72 with tag and length, one after the other.
	Scripts []byte
}

// NewOnlineAnswer is the answer of a host that was reached, with the issuer's data for the card out of the answer's chip data
// (ISO 8583 DE 55): 91, and the script templates as they came. What stands before an error in the data is in the answer
// beside the error.
func NewOnlineAnswer(code string, data []byte) (OnlineAnswer, error) {
	a := OnlineAnswer{Reached: true, AuthorisationResponseCode: code}
	r := tlv.NewReader(data)
	for r.Next() {
		switch r.Tag() {
		case tlv.IssuerAuthenticationData:
			a.IssuerAuthenticationData = r.Value()
		case tlv.IssuerScriptTemplate1, tlv.IssuerScriptTemplate2:
			a.Scripts = append(a.Scripts, r.Raw()...)
		}
	}
	return a, r.Err()
}
