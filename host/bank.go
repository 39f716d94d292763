package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Standing is how a merchant's account at the bank stands.
type Standing string

// The standings. Who names an account of the wrong number names none.
const (
	AccountOpen   Standing = "open"
	AccountClosed Standing = "closed"
	AccountFrozen Standing = "frozen"
	AccountWrong  Standing = "wrong" // the number is nobody's
)

// Standings lists them.
func Standings() []string {
	return []string{string(AccountOpen), string(AccountWrong), string(AccountClosed), string(AccountFrozen)}
}

// BankAccount is an account at the merchants' bank.
type BankAccount struct {
	Name     string
	Standing Standing // AccountOpen, AccountClosed or AccountFrozen
}

// BankConfig is what a bank knows.
type BankConfig struct {
	Name     string
	Accounts []BankAccount
	Rules    rules.Set // rules left out
}

// Bank keeps the merchants' accounts: it takes an acquirer's payout files and credits each order, or returns it with a reason.
// Its log is its own, and moves no position: a merchant has his money when the bank has credited it and the acquirer has read so.
type Bank struct {
	desk
	cfg    BankConfig
	byName map[string]Standing
}

var _ Machine = (*Bank)(nil)

// NewBank returns a bank with an empty book.
func NewBank(cfg BankConfig) (*Bank, error) {
	if cfg.Name == "" {
		return nil, errors.New("host: bank without a name")
	}
	x := &Bank{cfg: cfg, byName: map[string]Standing{}}
	x.name = cfg.Name
	x.keeping(cfg.Rules)
	for _, a := range cfg.Accounts {
		if a.Name == "" || x.byName[a.Name] != "" {
			return nil, fmt.Errorf("host: %s: account %q: want a name of its own", cfg.Name, a.Name)
		}
		switch a.Standing {
		case AccountOpen, AccountClosed, AccountFrozen:
		default:
			return nil, fmt.Errorf("host: %s: account %q is %q: want open, closed or frozen", cfg.Name, a.Name, a.Standing)
		}
		x.byName[a.Name] = a.Standing
	}
	return x, nil
}

// BankCredit is what became of an order at the bank: money on an account, or nothing and why.
type BankCredit struct {
	Order   string `json:"order"` // of a payout file; unique
	Account string `json:"account"`
	Amount  int64  `json:"amount"`           // minor units that were ordered
	Reason  string `json:"reason,omitempty"` // why it was returned; "": it was credited
}

func (c *BankCredit) check() error {
	if c.Order == "" || c.Account == "" || c.Amount <= 0 || c.Amount > maxRecorded {
		return fmt.Errorf("credit of %d for order %.20q to account %.20q: want both, and 1 to 2^53", c.Amount, c.Order, c.Account)
	}
	return nil
}

func (c *codec) credit(r *BankCredit) {
	c.text(1, &r.Order)
	c.text(2, &r.Account)
	number(c, 3, &r.Amount)
	c.text(4, &r.Reason)
}

// MACKey returns nothing: no line ends at the bank.
func (x *Bank) MACKey(int, *dialect.Message) (hsm.Key, hsm.MACParams, bool) {
	return hsm.Key{}, hsm.MACParams{}, false
}

// Apply replays one record.
func (x *Bank) Apply(r *Record) error {
	if r.Transaction != nil || r.SignOn != nil || r.Account != nil || r.desk() || r.Merchant != nil || r.Duty != nil {
		return fmt.Errorf("host: %s: a record of another party", x.cfg.Name)
	}
	return x.book.apply(r)
}

// Step reacts to one event.
func (x *Bank) Step(now time.Time, e Event) []Effect {
	x.begin(now)
	x.office(e, x.Apply, x.read)
	return x.fx
}

// read carries out a payout file: each order once, whatever the file says more than once. Then it tells what became of each line.
func (x *Bank) read(f *File) error {
	if f.Kind != FilePayout {
		return ErrFile
	}
	sums := map[string]*BankCredit{}
	var orders []*BankCredit
	for i := range f.Lines {
		l := &f.Lines[i]
		c := sums[l.Order]
		if c == nil {
			c = &BankCredit{Order: l.Order, Account: l.Account}
			sums[l.Order] = c
			orders = append(orders, c)
		}
		if c.Account != l.Account || c.Amount > maxRecorded-l.Amount {
			return fmt.Errorf("line %d: order %q: want one account, and a sum below 2^53: %w", i+1, l.Order, ErrFile)
		}
		c.Amount += l.Amount
	}
	for _, c := range orders {
		if x.book.credits[c.Order] == nil {
			c.Reason = x.against(c.Account)
			x.add(&Record{Credit: c}, x.Apply)
		}
	}
	lines := make([]FileLine, len(f.Lines))
	for i, l := range f.Lines {
		l.Result, l.Reason = resultCredited, x.book.credits[l.Order].Reason
		if l.Reason != "" {
			l.Result = resultReturned
		}
		lines[i] = l
	}
	x.hand(&File{Kind: FilePayoutResult, To: f.From, Lines: lines}, x.Apply)
	return nil
}

// The words of a payout's result.
const (
	resultCredited = "credited"
	resultReturned = "returned"
)

// against is why an account takes no money; "" if it does.
func (x *Bank) against(account string) string {
	switch x.byName[account] {
	case AccountOpen:
		return ""
	case AccountClosed:
		return "the account is closed"
	case AccountFrozen:
		return "the account is frozen"
	}
	return "no such account"
}
