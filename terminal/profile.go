package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// Profile is what an acquirer loads into a terminal: who it is, how it talks, how long it waits, what its clerk may do, which
// applications it takes. docs/profiles.md has every key of the file.
type Profile struct {
	Name       string // of the file
	TID, MID   string
	Merchant   string // as receipts print it
	MerchantZh string
	Currency   string // ISO 4217 number, four digits, as DE 49 and tag 5F2A have it

	Dialect string          // of its messages, by name: "iso87"
	Options dialect.Options // of that dialect: its header, where a reason is, what documents disagree about
	TPDU    *transport.TPDU // in front of every message; nil: none

	AnswerWait     time.Duration // for the answer to a request; 60 s
	ReversalWait   time.Duration // for the answer to a reversal or an advice; 30 s
	RetryPause     time.Duration // after a try that a broken connection ended; 10 s
	AdviceInterval time.Duration // between two tries to send advices while idle; 60 s
	Attempts       int           // tries of a reversal on each occasion; 3
	CardWait       time.Duration // for a card, an amount or a PIN; 60 s
	MaxAmount      int64         // minor units
	Fallback       Fallback      // from chip to stripe
	Security       hsm.Scheme    // how its messages are protected

	EntryModes []EntryMode // how card and code may come; nil: every way
	Functions  []Function  // what it offers; nil: everything that the dialect has
	VoidCard   bool        // a void wants the card
	VoidPIN    bool        // a void wants the cardholder's PIN
	RefundCard bool        // a refund wants the card, even of what is still in the journal

	AdvicesFirst    bool // what waits in the queue goes before an online transaction, and not after it
	PartialApproval bool // the clerk may take less than was asked for

	CompletionPercent int       // how much of a pre-authorisation can be completed; 115
	TipPercent        int       // how much of a sale a tip can be; 15
	Offline           Offline   // what may wait to be sent; the zero Offline: no limit
	BatchLimit        int       // records of a batch, after which a new sale is refused; 1000; 0: as many as the journal holds
	Carry             bool      // close a batch although something is due: it is parked, with a difference item, and printed
	HomeScheme        string    // the card scheme, as answers name it, that totals call domestic; "": every one
	SAF               SAF       // how what is due is repeated
	Purse             Purse     // how electronic purses are taken; the zero Purse: not at all
	Operators         Operators // who may use the terminal

	ReceiptLayout  string // "generic", "unionpay"
	Language       string // of its screens and receipts, "en" or "zh"; "": whichever the viewer has
	Signature      []byte // what its signature pad gives for every cardholder's, as the acquirer wants pictures coded; empty: it has no pad
	FeePlan        string // what the merchant pays, by name; "": the acquirer's own
	SettlementPlan string // when the merchant is paid, as acquirers call it; "": t1

	EMV emv.Config // without Rand and Trace
}

// SimulationPrefix begins every terminal and merchant number, so that no host takes the terminal for a real one.
const SimulationPrefix = "SIM"

// maxProfile is far more than any profile has, in bytes.
const maxProfile = 1 << 20

// ParseProfile reads a profile. Anything unknown, missing, out of range or impossible together is an error with its key, and with
// the line and column of that key. Errors quote no card number.
func ParseProfile(name string, src []byte) (*Profile, error) {
	p, err := parseProfile(name, src)
	if err != nil {
		return nil, fmt.Errorf("terminal: profile %s: %w", name, err)
	}
	return p, nil
}

func parseProfile(name string, src []byte) (*Profile, error) {
	if len(src) > maxProfile {
		return nil, fmt.Errorf("%d bytes: want at most %d", len(src), maxProfile)
	}
	tree, err := parseProfileTree(src)
	if err != nil {
		return nil, err
	}
	var f profileFile
	if err := yaml.UnmarshalWithOptions(src, &f, yaml.Strict()); err != nil {
		return nil, tree.locate(yamlError(err))
	}
	p, err := f.profile(name)
	if err != nil {
		return nil, tree.locate(err)
	}
	return p, nil
}

func (f *profileFile) profile(name string) (*Profile, error) {
	p := &Profile{
		Name: name, TID: f.TID, MID: f.MID, Merchant: f.Merchant, MerchantZh: f.MerchantZh, Currency: f.Currency,
		AnswerWait: orDuration(f.AnswerWait, 60*time.Second), ReversalWait: orDuration(f.ReversalWait, 30*time.Second),
		RetryPause: orDuration(f.RetryPause, 10*time.Second), AdviceInterval: orDuration(f.AdviceInterval, 60*time.Second),
		CardWait: orDuration(f.CardWait, 60*time.Second), Attempts: f.Attempts, MaxAmount: f.MaxAmount,
	}
	if p.Attempts == 0 {
		p.Attempts = 3
	}
	if p.MaxAmount == 0 {
		p.MaxAmount = 1_000_000_00
	}
	switch {
	case len(p.TID) != 8 || !strings.HasPrefix(p.TID, SimulationPrefix):
		return nil, wrong("tid", " %q: want 8 characters that begin with %s", p.TID, SimulationPrefix)
	case len(p.MID) != 15 || !strings.HasPrefix(p.MID, SimulationPrefix):
		return nil, wrong("mid", " %q: want 15 characters that begin with %s", p.MID, SimulationPrefix)
	case p.Merchant == "":
		return nil, wrong("merchant", ": want merchant and merchant_zh, both")
	case p.MerchantZh == "":
		return nil, wrong("merchant_zh", ": want merchant and merchant_zh, both")
	case p.Attempts < 1 || p.Attempts > 99:
		return nil, wrong("attempts", " %d: want 1 to 99", p.Attempts)
	case p.MaxAmount < 1 || p.MaxAmount > maxAmount:
		return nil, wrong("max_amount", " %d: want 1 to %d", p.MaxAmount, int64(maxAmount))
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"answer_wait", p.AnswerWait}, {"reversal_wait", p.ReversalWait}, {"retry_pause", p.RetryPause}, {"advice_interval", p.AdviceInterval}, {"card_wait", p.CardWait}} {
		if d.d < time.Second || d.d > time.Hour {
			return nil, wrong(d.key, " %s: want 1s to 1h", d.d)
		}
	}
	var err error
	if p.Fallback, err = f.Fallback.fallback(); err != nil {
		return nil, err
	}
	for _, fill := range []func(*Profile) error{f.line, f.kernel, f.business, f.paper} {
		if err := fill(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func orDuration[D span | time.Duration](d D, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// Takes tells whether a card, or a code, may come this way.
func (p *Profile) Takes(m EntryMode) bool {
	return p.EntryModes == nil || slices.Contains(p.EntryModes, m)
}
