package host

import (
	"errors"
	"fmt"
	"time"
)

// Risk control holds sales back at the acquirer: the sale is approved at the terminal as ever, and is not paid out before somebody
// or a deadline releases it, or it goes back to the cardholder.

// RiskRule is one rule of an acquirer's risk control. It is either about a single amount (From, To), or about how much there was
// within a time (By, Within, and Count or Sum), or about a terminal whose case was opened so often within a time (By, Within, Opened): that
// one holds nothing, it suspends the terminal. Amounts are minor units.
type RiskRule struct {
	From, To int64 // single amounts, both included; To 0: no end

	By     RiskBy        // whose sales are counted; "": a single amount
	Within time.Duration // the sale itself included
	Count  int           // so many sales or more
	Sum    int64         // or so much or more
	Opened int           // or openings of the terminal's case, so many or more

	Days       int    // how many calendar days it is held, 1 to MaxHoldDays
	OnDeadline string // HoldRelease (also ""), HoldReturn
	Reason     string // for people
}

// RiskBy says whose sales a rule counts together.
type RiskBy string

// What sales are counted by.
const (
	ByCard     RiskBy = "card"
	ByMerchant RiskBy = "merchant"
	ByTerminal RiskBy = "terminal"
)

// RiskBys lists them.
func RiskBys() []string { return []string{string(ByCard), string(ByMerchant), string(ByTerminal)} }

// What happens at the deadline of a hold.
const (
	HoldRelease = "release"
	HoldReturn  = "return"
)

// Limits of risk rules.
const (
	MaxHoldDays  = 180
	MaxRiskRules = 32
	maxRiskTime  = 31 * 24 * time.Hour
)

// RiskError is what is wrong with a rule of a set.
type RiskError struct {
	Rule int // from 0
	Key  string
	Err  error
}

// Error names the rule.
func (e *RiskError) Error() string { return fmt.Sprintf("host: risk rule %d: %v", e.Rule+1, e.Err) }

// Unwrap returns the error itself.
func (e *RiskError) Unwrap() error { return e.Err }

// CheckRisk refuses a set of rules that does not say one thing about every sale: single amounts stand in their order, each range
// beginning where the one before ends, and no two rules count the same. The error is a *RiskError.
func CheckRisk(rules []RiskRule) error {
	if len(rules) > MaxRiskRules {
		return &RiskError{MaxRiskRules, "", fmt.Errorf("more than %d rules", MaxRiskRules)}
	}
	var last *RiskRule
	for i := range rules {
		r := &rules[i]
		if key, err := r.check(); err != nil {
			return &RiskError{i, key, err}
		}
		if r.By == "" {
			if key, err := r.follows(last); err != nil {
				return &RiskError{i, key, err}
			}
			last = r
			continue
		}
		for j := range rules[:i] {
			if o := &rules[j]; o.By == r.By && o.Within == r.Within && (o.Count > 0) == (r.Count > 0) && (o.Opened > 0) == (r.Opened > 0) {
				return &RiskError{i, "by", fmt.Errorf("overlap: rule %d counts the same within the same time", j+1)}
			}
		}
	}
	return nil
}

func (r *RiskRule) check() (key string, err error) {
	if r.Opened != 0 {
		return r.checkOpened()
	}
	switch {
	case r.Days < 1 || r.Days > MaxHoldDays:
		return "days", fmt.Errorf("%d days: want 1 to %d", r.Days, MaxHoldDays)
	case r.OnDeadline != "" && r.OnDeadline != HoldRelease && r.OnDeadline != HoldReturn:
		return "on-deadline", fmt.Errorf("%q: want %s or %s", r.OnDeadline, HoldRelease, HoldReturn)
	case r.Reason == "" || len(r.Reason) > maxFileText:
		return "reason", fmt.Errorf("reason of %d bytes: want 1 to %d", len(r.Reason), maxFileText)
	case r.By == "" && (r.Within != 0 || r.Count != 0 || r.Sum != 0):
		return "by", errors.New("want by with within, and with count or sum")
	case r.By == "" && (r.From <= 0 || r.To != 0 && r.To < r.From):
		return "from", errors.New("want an amount above 0, and a range that ends behind it")
	case r.By == "":
		return "", nil
	case r.By != ByCard && r.By != ByMerchant && r.By != ByTerminal:
		return "by", fmt.Errorf("%q: want card, merchant or terminal", r.By)
	case r.From != 0 || r.To != 0:
		return "from", errors.New("a rule is about a single amount or counts, and not both")
	case r.Within <= 0 || r.Within > maxRiskTime:
		return "within", fmt.Errorf("%v: want more than nothing, and at most %v", r.Within, maxRiskTime)
	case (r.Count > 0) == (r.Sum > 0) || r.Count < 0 || r.Sum < 0 || r.Count == 1:
		return "count", errors.New("want a count of 2 or more, or a sum above 0")
	}
	return "", nil
}

// checkOpened is check of a rule that suspends.
func (r *RiskRule) checkOpened() (key string, err error) {
	switch {
	case r.Opened < 1 || r.Opened > maxOpened:
		return "opened", fmt.Errorf("%d openings: want 1 to %d", r.Opened, maxOpened)
	case r.By != ByTerminal:
		return "by", fmt.Errorf("%q: want terminal, whose case it is", r.By)
	case r.From != 0 || r.To != 0 || r.Count != 0 || r.Sum != 0:
		return "opened", errors.New("want openings alone: no amount, count or sum beside them")
	case r.Days != 0 || r.OnDeadline != "":
		return "days", errors.New("want none: a suspended terminal stays so until somebody lifts it")
	case r.Within <= 0 || r.Within > maxRiskTime:
		return "within", fmt.Errorf("%v: want more than nothing, and at most %v", r.Within, maxRiskTime)
	case r.Reason == "" || len(r.Reason) > maxFileText:
		return "reason", fmt.Errorf("reason of %d bytes: want 1 to %d", len(r.Reason), maxFileText)
	}
	return "", nil
}

// follows tells what is wrong between two ranges of single amounts.
func (r *RiskRule) follows(last *RiskRule) (key string, err error) {
	switch {
	case last == nil:
	case last.To == 0 || r.From <= last.To:
		return "from", errors.New("overlap: the range before it has this amount, too")
	case r.From > last.To+1:
		return "from", errors.New("gap: between the range before it and this one there are amounts that no rule has")
	}
	return "", nil
}

// HoldState says how a hold of risk control stands.
type HoldState byte

// The states of a hold.
const (
	HoldHeld     HoldState = iota + 1 // not paid out
	HoldReleased                      // paid out with the next payout
	HoldReturned                      // the money is the cardholder's again
)

var holdStateNames = [...]string{"none", "held", "released", "given-back"}

// String names the state.
func (s HoldState) String() string { return named(holdStateNames[:], byte(s)) }

// MarshalText is String.
func (s HoldState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *HoldState) UnmarshalText(b []byte) error { return unnamed(holdStateNames[:], b, (*byte)(s)) }

// RiskHold is why a sale is not paid out, and until when. It is replaced, never changed.
type RiskHold struct {
	State      HoldState `json:"state"`
	Reason     string    `json:"reason"`
	Since      string    `json:"since"`    // business dates, YYYY-MM-DD
	Deadline   string    `json:"deadline"` // the first day on which it is over
	OnDeadline string    `json:"on_deadline"`
	By         string    `json:"by,omitempty"` // who ended it: the desk, or the deadline
}

func (h *RiskHold) check() error {
	switch {
	case h.State < HoldHeld || h.State > HoldReturned || h.Reason == "" || h.Since == "" || h.Deadline == "":
		return fmt.Errorf("hold in state %d since %.20q until %.20q: want all three, and a reason", h.State, h.Since, h.Deadline)
	case h.OnDeadline != HoldRelease && h.OnDeadline != HoldReturn:
		return fmt.Errorf("hold that ends in %.20q: want %s or %s", h.OnDeadline, HoldRelease, HoldReturn)
	}
	return nil
}

func (c *codec) riskHold(h *RiskHold) {
	small(c, 1, &h.State)
	c.text(2, &h.Reason)
	c.text(3, &h.Since)
	c.text(4, &h.Deadline)
	c.text(5, &h.OnDeadline)
	c.text(6, &h.By)
}

// held tells whether risk control keeps a transaction from being paid out.
func (t *Transaction) held() bool { return t.Risk != nil && t.Risk.State == HoldHeld }

// screen is the hold of a sale that is being approved; nil when no rule is about it. The first rule that is decides.
func (x *Relay) screen(t *Transaction) *RiskHold {
	if !x.cfg.Acquirer || purposeOf(t.Kind) != charging {
		return nil
	}
	for i := range x.cfg.Risk {
		r := &x.cfg.Risk[i]
		if r.Opened > 0 || !x.catches(r, t) {
			continue
		}
		h := &RiskHold{State: HoldHeld, Reason: r.Reason, Since: x.book.businessDate(x.now), OnDeadline: r.OnDeadline}
		if h.OnDeadline == "" {
			h.OnDeadline = HoldRelease
		}
		h.Deadline = laterDate(h.Since, r.Days, x.now)
		return h
	}
	return nil
}

// laterDate is so many calendar days behind a business date.
func laterDate(date string, days int, now time.Time) string {
	day, err := time.Parse(dateForm, date)
	if err != nil {
		day = now // a log from another program; the clock is right enough
	}
	return day.AddDate(0, 0, days).Format(dateForm)
}

func (x *Relay) catches(r *RiskRule, t *Transaction) bool {
	if r.By == "" {
		n := t.approved()
		return n >= r.From && (r.To == 0 || n <= r.To)
	}
	count, sum := 1, t.approved()
	since := x.now.Add(-r.Within)
	for i := len(x.book.order) - 1; i >= 0; i-- {
		e := x.book.order[i]
		if e.Opened.Before(since) {
			break
		}
		if e.Key != t.Key && e.State == Approved && purposeOf(e.Kind) == charging && r.same(&e.Transaction, t) {
			count, sum = count+1, sum+e.approved()
		}
	}
	return r.Count > 0 && count >= r.Count || r.Sum > 0 && sum >= r.Sum
}

// same tells whether a rule counts two sales together.
func (r *RiskRule) same(a, b *Transaction) bool {
	switch r.By {
	case ByMerchant:
		return a.Key.MID == b.Key.MID
	case ByTerminal:
		return a.Key.MID == b.Key.MID && a.Key.TID == b.Key.TID
	}
	if a.CardToken == "" || b.CardToken == "" { // from before there was such a rule: what can be shown has to do
		return a.Card != "" && a.Card == b.Card
	}
	return a.CardToken == b.CardToken
}

// ends ends a hold.
func (x *Relay) ends(e *Entry, s HoldState, by string) {
	t := e.Transaction
	h := *t.Risk
	h.State, h.By = s, by
	t.Risk = &h
	x.put(t)
}

// holdDeadlines does at the deadline of a hold what its rule says.
func (x *Relay) holdDeadlines() {
	if !x.cfg.Acquirer {
		return
	}
	today := x.book.businessDate(x.now)
	for _, e := range x.book.order {
		if !e.held() || e.State != Approved || e.Risk.Deadline > today {
			continue
		}
		if e.Risk.OnDeadline == HoldReturn {
			x.giveHeldBack(e, "the deadline")
			continue
		}
		x.ends(e, HoldReleased, "the deadline")
	}
}
