package host

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
)

// Status is whether an account may be used.
type Status string

// The statuses, and the code that each gives.
const (
	Active     Status = "active"
	Lost       Status = "lost"       // 41
	Stolen     Status = "stolen"     // 43
	Restricted Status = "restricted" // 62: the card may not be used here
	Frozen     Status = "frozen"     // 05: the account is frozen, the card is not to be blamed
	Closed     Status = "closed"     // 14
)

// code is the response code of an account that may not be used; "" when it may.
func (s Status) code() string {
	switch s {
	case Active, "":
		return ""
	case Lost:
		return codeLost
	case Stolen:
		return codeStolen
	case Restricted:
		return codeRestricted
	case Closed:
		return codeUnknownCard
	}
	return codeDoNotHonour
}

func (s Status) known() bool {
	switch s {
	case Active, Lost, Stolen, Restricted, Frozen, Closed:
		return true
	}
	return false
}

// Account is one card's account, or a wallet, as the issuer is given it. The zero Status is Active.
type Account struct {
	Name              string  // how records name it; unique
	PAN               pan.PAN // of a card; a wallet has none
	Code              string  // of a wallet: the digits that its owner lets a terminal scan
	PANSequenceNumber string  // two digits of tag 5F34, or ""
	Expiry            string  // YYMM, the last month in which it is good
	Currency          string  // ISO 4217 number, "156" or "0156"
	Balance           int64   // minor units that can be spent at the start: a balance, or a credit line
	Status            Status

	Purse bool // its card has money of its own and debits itself: the account is paid from the purses' pool, and nobody is asked

	PINRequired  bool   // a request without PIN is refused 55
	PINReference []byte // under IssuerConfig.PINReferenceKey; nil: no PIN is known, and none is right

	IssuerMasterKey     hsm.Key // E0; zero: the account has no chip
	ScriptMACKey        hsm.Key // E2; zero: the card cannot be scripted
	ScriptEncryptionKey hsm.Key // E1; zero: its PIN cannot be changed
	Family              string  // for security.VersionFor
	Option              security.Option
}

// maxCode is how many digits a scanned code has at most.
const maxCode = 64

func (a *Account) validate() error {
	switch {
	case a.Name == "" || a.PAN.IsZero() == (a.Code == ""):
		return fmt.Errorf("host: account %q: want a name, and a card number or a wallet's code", a.Name)
	case len(a.Code) > maxCode || strings.Trim(a.Code, "0123456789") != "":
		return fmt.Errorf("host: account %q: code of %d characters: want up to %d digits", a.Name, len(a.Code), maxCode)
	case a.Purse && a.IssuerMasterKey.IsZero():
		return fmt.Errorf("host: account %q: a purse without a chip", a.Name)
	case a.Code != "" && !a.IssuerMasterKey.IsZero():
		return fmt.Errorf("host: account %q: a wallet with a chip", a.Name)
	case len(a.Expiry) != 4 || strings.Trim(a.Expiry, "0123456789") != "" || a.Expiry[2:] < "01" || a.Expiry[2:] > "12":
		return fmt.Errorf("host: account %q: expiry of %d characters: want YYMM", a.Name, len(a.Expiry))
	case currency(a.Currency) == "":
		return fmt.Errorf("host: account %q: currency %q: want an ISO 4217 number", a.Name, a.Currency)
	case a.Status != "" && !a.Status.known():
		return fmt.Errorf("host: account %q: unknown status %q", a.Name, a.Status)
	case a.PANSequenceNumber != "" && len(a.PANSequenceNumber) != 2:
		return fmt.Errorf("host: account %q: PAN sequence number of %d digits: want 2", a.Name, len(a.PANSequenceNumber))
	case a.PINReference != nil && len(a.PINReference) != 8:
		return fmt.Errorf("host: account %q: PIN reference of %d bytes: want 8", a.Name, len(a.PINReference))
	case !a.IssuerMasterKey.IsZero() && a.Family == "":
		return fmt.Errorf("host: account %q: chip without a cryptogram family", a.Name)
	case a.IssuerMasterKey.IsZero() && !a.ScriptMACKey.IsZero() || a.ScriptMACKey.IsZero() && !a.ScriptEncryptionKey.IsZero():
		return fmt.Errorf("host: account %q: script keys without those that they need: want E0 for E2, and E2 for E1", a.Name)
	}
	return nil
}

// currency is the three digits of an ISO 4217 number, whether it has the leading zero of DE 49 or not; "" if it is none.
func currency(s string) string {
	if len(s) == 4 && s[0] == '0' {
		s = s[1:]
	}
	if len(s) != 3 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// account is an Account and what became of it.
type account struct {
	Account
	state AccountState
	moved int64 // what postings took from it, as a negative number, and gave back
	held  int64 // what pre-authorisations keep of it

	claimed int64 // of a purse: what its cardholder was given back, on another account of his
}

// available is what can be spent now, in minor units.
func (a *account) available() int64 { return a.Balance + a.state.Adjustment + a.moved - a.held }

// position is where the account's money stands.
func (a *account) position() string {
	switch {
	case a.Code != "":
		return PositionWallet
	case a.Purse:
		return PositionPursePool
	}
	return PositionCardholder
}

// status is what was said last about the account.
func (a *account) status() Status {
	if a.state.Status != "" {
		return a.state.Status
	}
	return a.Status
}

// Moved is what all postings changed in the accounts together, in minor units: minus what cardholders are charged. It is
// counted account by account, as what can be spent is, and so can be compared with the postings.
func (x *Issuer) Moved() (sum int64) {
	for _, a := range x.byName {
		sum += a.moved + a.claimed
	}
	return sum
}

// Held is what pre-authorisations keep from being spent in all accounts together, in minor units, counted account by account.
func (x *Issuer) Held() (sum int64) {
	for _, a := range x.byName {
		sum += a.held
	}
	return sum
}
