package emv

import (
	"io"
	"time"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/pan"
)

// Config is the terminal's data, the same for many transactions. The kernel does not change it.
type Config struct {
	CountryCode      int // 9F1A, ISO 3166 numeric: 156
	CurrencyCode     int // 5F2A, ISO 4217 numeric: 156
	CurrencyExponent int // 5F36, decimals of the minor unit: 2

	Type                   byte    // 9F35 (Book 4, A1): 0x22 attended, offline with online capability
	Capabilities           [3]byte // 9F33 (Book 4, A2); which methods of CVM and offline data authentication there are; no XDA
	AdditionalCapabilities [5]byte // 9F40 (Book 4, A3)

	InterfaceDeviceSerialNumber string // 9F1E, 8 characters; may be empty
	TerminalIdentification      string // 9F1C, 8 characters; may be empty
	MerchantIdentifier          string // 9F16, at most 15 characters
	MerchantCategoryCode        int    // 9F15, four digits; 0: absent
	MerchantNameAndLocation     string // 9F4E
	AcquirerIdentifier          string // 9F01, 6 to 11 digits; may be empty

	// AutoSelect takes the application of the highest priority without asking, unless the card wants a confirmation.
	AutoSelect bool
	// NoConfirmation says that the terminal cannot ask the cardholder: it takes the application of the highest priority that
	// needs no confirmation, and never calls ChooseApplication.
	NoConfirmation bool

	Applications []Application // in the order in which they are tried if the card has no directory

	// CAPublicKeys are the certification authorities' keys for offline data authentication (Book 2, 5.2).
	CAPublicKeys []*security.CAPublicKey
	// Revoked is the certification revocation list (Book 2, 5.1.2).
	Revoked []RevokedCertificate
	// CDAMode says which GENERATE AC commands ask for combined DDA, 1 to 4 (Book 4, 6.3.2); 0: 1.
	CDAMode int

	// Languages are the languages of the terminal's messages to the cardholder, ISO 639, two lower-case letters each; the first
	// is for those who speak none of them.
	Languages []string

	// OnExceptionFile, if not nil, tells whether the card is on the terminal's exception file (Book 4, 6.3.5).
	OnExceptionFile func(number pan.PAN, sequenceNumber string) bool

	// Rand gives the unpredictable number and the draws of random selection; required. A secure source for live cards, a
	// seeded one for runs that are to be repeated.
	Rand io.Reader

	// Admit, if not nil, is asked once the card's data has been read and before anything that a card remembers: PIN
	// verification, cryptograms, scripts. Its error ends the transaction and comes back from Run. The book knows no such step;
	// a simulator needs it to keep its hands off live cards.
	Admit func(*Session) error

	// Trace, if not nil, is told every decision.
	Trace func(Decision)
}

// Application is what the terminal knows of one application or, with Partial, of a family of them.
type Application struct {
	AID     []byte  // 5 to 16 bytes
	Partial bool    // application selection indicator: the card's name may be longer
	Version [2]byte // 9F09

	TACDenial, TACOnline, TACDefault [5]byte // terminal action codes; absent ones are zeros

	FloorLimit       int64 // 9F1B, minor units; 0: every transaction goes online
	TargetPercent    int   // random selection below Threshold, 0 to 99
	MaxTargetPercent int   // random selection near the floor limit, TargetPercent to 99
	Threshold        int64 // minor units, below FloorLimit

	DefaultDDOL []byte // for cards without 9F49
	DefaultTDOL []byte // for cards without 97

	RiskManagementData []byte // 9F1D, up to 8 bytes; may be empty
}

// Transaction is one transaction's own data.
type Transaction struct {
	Type        byte  // 9C, the first two digits of the processing code: 0x00 goods and services, 0x01 cash, 0x20 refund
	Amount      int64 // 9F02, minor units, including AmountOther
	AmountOther int64 // 9F03, minor units: the cashback

	// Time is the terminal's local date and time: 9A and 9F21.
	Time time.Time

	SequenceCounter uint32 // 9F41
	ForceOnline     bool   // the clerk forces the transaction online

	// LoggedAmount, if not nil, returns the amount of the latest approved transaction of the same card in the terminal's log,
	// 0 if there is none, so that a sale split in two meets the floor limit (Book 3, 10.6.1).
	LoggedAmount func(number pan.PAN, sequenceNumber string) int64
}
