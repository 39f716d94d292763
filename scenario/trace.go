package scenario

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// Answer is what customer service says in a word.
type Answer string

// The answers.
const (
	AnswerApproved     Answer = "approved"
	AnswerDeclined     Answer = "declined"
	AnswerReversed     Answer = "reversed"
	AnswerInDoubt      Answer = "in doubt"
	AnswerHeld         Answer = "held"
	AnswerPaid         Answer = "paid"
	AnswerPayoutFailed Answer = "payout failed"
)

// Answers are the words of every Answer.
func Answers() []string {
	return []string{string(AnswerApproved), string(AnswerDeclined), string(AnswerReversed), string(AnswerInDoubt), string(AnswerHeld),
		string(AnswerPaid), string(AnswerPayoutFailed)}
}

// Finding is what became of one transaction: where the money is, why, and what happens next. Amounts are minor units; the card is
// masked.
type Finding struct {
	Key      dialect.Key
	Kind     dialect.Kind
	Amount   int64
	Currency string // ISO 4217 letters, or the number of one that has none here
	Card     string
	At       time.Time // when it began, on its terminal's clock
	RRN      string

	Answer   Answer
	Beliefs  []Belief
	Timeline []Moment
	Money    []Holding // who holds something of it now, or is out of pocket; with all that names it
	Place    Holding   // where the money is
	PlaceSay Saying
	Cause    Saying
	Next     Next
	Duty     Duty
	Items    []Item
	Rest     bool // nothing about it is due
	Related  []Related
}

// Belief is what one party has on record.
type Belief struct {
	Party string
	Says  Saying
}

// Moment is one record.
type Moment struct {
	At    time.Time
	Party string
	STAN  string // of the transaction that it is about: what names this one is told, too
	Says  Saying
	Moved []host.Posting
	Money map[string]int64 // every position that is not zero, from then on; nil: nothing moved
}

// Holding is what a position holds, in minor units.
type Holding struct {
	Party    string
	Position string
	Amount   int64
}

// Next is whether the money moves on by itself, and when.
type Next struct {
	ByItself bool
	On       string // YYYY-MM-DD, with a time where one is known; "": no date
	Says     Saying
}

// Duty is who has to do something.
type Duty struct {
	Party string // "": nobody
	Says  Saying
}

// Item is an open difference.
type Item struct {
	Party    string // whose log has it
	Owner    string
	Amount   int64
	Deadline string // YYYY-MM-DD
	Reason   string
	Bearer   string // of what is lost
	Type     string // host.ItemTypes; "none"
	Stage    string // host.ItemStages
}

// Related is a transaction that names this one, or that this one names.
type Related struct {
	Key    dialect.Key
	Kind   dialect.Kind
	Amount int64
	Cause  Saying
}

// Query says which transaction is meant. What is zero is any.
type Query struct {
	Terminal, STAN, RRN, Last4 string
	Amount                     int64
	Date                       string // YYYY-MM-DD
	Time                       string // hh:mm or hh:mm:ss
}

// Find returns the transactions that a query means, in time.
func (d *Dossier) Find(q Query) (all []*Finding) {
	for _, t := range d.all {
		if d.matches(t, q) {
			all = append(all, d.finding(t))
		}
	}
	return all
}

// Open returns the transactions about which something is due, or the money of which is somewhere for a while only.
func (d *Dossier) Open() (all []*Finding) {
	for _, t := range d.all {
		if f := d.finding(t); !f.Rest {
			all = append(all, f)
		}
	}
	return all
}

// Count is how many transactions are on record.
func (d *Dossier) Count() int { return len(d.all) }

func (d *Dossier) matches(t *transaction, q Query) bool {
	switch {
	case q.Terminal != "" && t.key.TID != "" && q.Terminal != t.key.TID,
		q.STAN != "" && q.STAN != t.key.STAN,
		q.RRN != "" && q.RRN != t.rrn(),
		q.Last4 != "" && !strings.HasSuffix(t.card(), q.Last4),
		q.Amount != 0 && q.Amount != t.asked():
		return false
	}
	at := t.opened()
	return (q.Date == "" || q.Date == at.Format(time.DateOnly)) && (q.Time == "" || strings.HasPrefix(at.Format(time.TimeOnly), q.Time))
}

// asked is the amount that was asked for.
func (t *transaction) asked() int64 {
	if t.record != nil {
		return max(t.record.Amount, t.record.Asked)
	}
	for _, e := range t.entries {
		if e != nil && e.Amount > 0 {
			return e.Amount
		}
	}
	return 0
}

// finding works out one transaction.
func (d *Dossier) finding(t *transaction) *Finding {
	f := &Finding{
		Key: t.key, Kind: t.kind(), Amount: t.asked(), Currency: currencyName(t.currency()), Card: t.card(), At: t.opened(), RRN: t.rrn(),
		Beliefs: d.beliefs(t),
	}
	c := &examined{Dossier: d, t: t, family: d.families[t], finding: f}
	f.Timeline = c.timeline()
	f.Money = c.money()
	f.Items = c.items()
	c.decide()
	f.Place, f.PlaceSay = c.place()
	for _, other := range c.family.members {
		if other != t {
			f.Related = append(f.Related, Related{other.key, other.kind(), other.asked(), c.causeOf(other)})
		}
	}
	return f
}

// examined is a transaction while it is looked at.
type examined struct {
	*Dossier
	t       *transaction
	family  *family
	finding *Finding
}

// causeOf is the cause of another member of the family.
func (c *examined) causeOf(t *transaction) Saying {
	other := &examined{Dossier: c.Dossier, t: t, family: c.family, finding: &Finding{Key: t.key, Kind: t.kind(), Amount: t.asked()}}
	other.finding.Items, other.finding.Money = other.items(), c.finding.Money
	other.finding.RRN = t.rrn()
	other.decide()
	return other.finding.Cause
}

// positionsInOrder is how positions are listed: from the payer to the payee.
var positionsInOrder = []string{
	host.PositionCardholder, host.PositionWallet, host.PositionPurse, host.PositionPursePool, host.PositionIssuer, host.PositionSwitch, host.PositionAcquirer, host.PositionSuspense,
	host.PositionMerchant, host.PositionFees,
}

// money is every position that is not zero.
func (c *examined) money() (all []Holding) {
	sum := map[string]int64{}
	for _, t := range c.family.members {
		for _, e := range t.entries {
			if e == nil {
				continue
			}
			for _, p := range e.Postings {
				sum[p.From] -= p.Amount
				sum[p.To] += p.Amount
			}
		}
		sum[host.PositionPurse] -= t.debit
		sum[host.PositionPursePool] += t.debit
	}
	return holdings(sum)
}

func holdings(sum map[string]int64) (all []Holding) {
	for p, n := range sum {
		if n != 0 {
			all = append(all, Holding{Party: partyOf(p), Position: p, Amount: n})
		}
	}
	slices.SortFunc(all, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(rank(a.Position), rank(b.Position)), strings.Compare(a.Position, b.Position))
	})
	return all
}

func rank(position string) int {
	if i := slices.Index(positionsInOrder, position); i >= 0 {
		return i
	}
	return len(positionsInOrder)
}

// partyOf is who has what a position holds.
func partyOf(position string) string {
	switch position {
	case host.PositionSuspense, host.PositionFees:
		return "acquirer"
	case host.PositionWallet, host.PositionPurse:
		return "cardholder"
	case host.PositionPursePool:
		return "issuer"
	}
	return strings.TrimPrefix(position, host.PositionLoss)
}

// holds is what a position holds of the family's money.
func (c *examined) holds(position string) int64 {
	for _, h := range c.finding.Money {
		if h.Position == position {
			return h.Amount
		}
	}
	return 0
}

// place is where the money is: with who holds most of it, the fee apart; with the cardholder if nobody does.
func (c *examined) place() (Holding, Saying) {
	best := Holding{Party: "cardholder", Position: host.PositionCardholder, Amount: c.finding.Amount}
	found := int64(0)
	for _, h := range c.finding.Money {
		if h.Amount > found && h.Position != host.PositionFees && h.Position != host.PositionCardholder && h.Position != host.PositionWallet {
			best, found = h, h.Amount
		}
	}
	held := c.family.held()
	switch {
	case found == 0 && held > 0 && c.family.debited() == 0:
		best.Amount = held
		return best, say("place-hold", "amount", amount(held))
	case found == 0 && c.onlyTheCardKnows():
		return best, say("place-purse")
	case found == 0 && c.family.moved():
		best.Amount = c.peak()
		return best, say("place-back", "amount", amount(best.Amount))
	case found == 0 && len(c.views) == 0:
		return best, say("place-unknown")
	case found == 0:
		return best, say("place-untouched")
	case best.Position == host.PositionMerchant:
		return best, say("place-merchant", "amount", amount(found), "fee", amount(c.holds(host.PositionFees)))
	}
	if id := "place-" + best.Position; known(id) {
		return best, say(id, "amount", amount(found))
	}
	if name, lost := strings.CutPrefix(best.Position, host.PositionLoss); lost {
		return best, say("place-lost", "amount", amount(found), "name", name)
	}
	return best, say("place-other", "amount", amount(found), "party", best.Party)
}

// peak is the most that its cardholder was out of pocket.
func (c *examined) peak() (n int64) {
	out := int64(0)
	for _, t := range c.family.members {
		out += t.debit
	}
	n = out
	for _, m := range c.finding.Timeline {
		for _, p := range m.Moved { // one by one: a record may take and give back
			if p.From == host.PositionCardholder || p.From == host.PositionWallet {
				out += p.Amount
			}
			if p.To == host.PositionCardholder || p.To == host.PositionWallet {
				out -= p.Amount
			}
			n = max(n, out)
		}
	}
	return n
}

// onlyTheCardKnows tells whether a purse was torn away, and no host has anything to say about it.
func (c *examined) onlyTheCardKnows() bool {
	r := c.t.record
	return r != nil && (r.State == terminal.Torn || r.State == terminal.Unresolved) && c.t.debit == 0
}

// items are the open differences of the family.
func (c *examined) items() (all []Item) {
	for _, t := range c.family.members {
		for i, e := range t.entries {
			if e != nil && (e.Difference.Open() || e.Difference != nil && e.Difference.Stage == host.ItemLost) {
				d := e.Difference
				all = append(all, Item{chain[i], cmp.Or(d.Owner, chain[i]), d.Amount, d.Deadline, d.Reason, d.Bearer, d.Type.String(), d.Stage.String()})
			}
		}
	}
	return all
}

// timeline is what was written, in time, of the transaction and all that is its family.
func (c *examined) timeline() (all []Moment) {
	for _, t := range c.family.members {
		if r := t.record; r != nil {
			all = append(all, Moment{At: t.opened(), Party: partyTerminal, STAN: t.key.STAN, Says: say("began", "kind", t.kind().String(), "amount", amount(t.asked()))})
		}
		for _, ch := range c.history(t) {
			all = append(all, Moment{At: ch.at, Party: ch.party, STAN: t.key.STAN, Says: ch.says(), Moved: ch.posts})
			if ch.order != nil {
				all = append(all, c.atBank(t, ch.order.Order)...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	sum := map[string]int64{}
	for i := range all {
		if len(all[i].Moved) == 0 {
			continue
		}
		for _, p := range all[i].Moved {
			sum[p.From] -= p.Amount
			sum[p.To] += p.Amount
		}
		all[i].Money = map[string]int64{}
		for p, n := range sum {
			if n != 0 {
				all[i].Money[p] = n
			}
		}
	}
	return all
}

// atBank is what the bank has made of an order. An order has the transactions of one merchant, and is credited or returned whole.
func (c *examined) atBank(t *transaction, order string) (all []Moment) {
	for _, x := range c.credits[order] {
		s := say("m-bank-credited", "amount", amount(x.Amount), "account", x.Account)
		if x.Reason != "" {
			s = say("m-bank-returned", "amount", amount(x.Amount), "account", x.Account, "why", x.Reason)
		}
		all = append(all, Moment{At: x.at, Party: partyBank, STAN: t.key.STAN, Says: s})
	}
	return all
}

// says is what a record is about: what is new in it.
func (ch *change) says() Saying {
	a, b := &ch.after, &ch.before
	if s, told := riskMoment(a, b); told && ch.order == nil {
		return s
	}
	switch {
	case ch.order != nil:
		return say("m-ordered", "amount", amount(ch.order.Amount), "fee", amount(ch.order.Fee), "account", ch.order.Account)
	case a.State != b.State:
		switch a.State {
		case host.Pending:
			if ch.party == "issuer" {
				return say("m-waits")
			}
			return say("m-asked")
		case host.Approved:
			if a.Risk != nil {
				return say("m-approved-held", "code", a.ResponseCode, "deadline", a.Risk.Deadline, "why", a.Risk.Reason)
			}
			if a.StandIn == host.StandInDue {
				return say("m-stood-in", "code", a.ResponseCode)
			}
			return say("m-approved", "code", a.ResponseCode)
		case host.Declined:
			return say("m-declined", "code", a.ResponseCode, "note", a.Note)
		case host.Reversed:
			return say("m-reversed", "reason", a.ReversalReason)
		case host.Tombstone:
			if a.Difference.Open() && a.Difference.Type == host.PurseClaimed {
				return say("m-purse-claimed", "amount", amount(a.Difference.Amount), "deadline", a.Difference.Deadline, "why", a.Difference.Reason)
			}
			return say("m-remembered")
		}
	case payout(a) != payout(b) && payout(a) == host.PayoutReturned:
		return say("m-returned", "why", a.Payout.Reason, "amount", amount(a.Payout.Amount), "account", a.Payout.Account)
	case a.Difference.Open() && b.Difference.Open() && a.Difference.Type == host.RefundNetted && a.Difference.Amount < b.Difference.Amount:
		return say("m-item-less", "amount", amount(a.Difference.Amount))
	case a.Difference.Open() && (b.Difference == nil || a.Difference.Stage == b.Difference.Stage && a.Difference.Amount != b.Difference.Amount):
		return say("m-item", "amount", amount(a.Difference.Amount), "owner", a.Difference.Owner, "deadline", a.Difference.Deadline)
	case losing(ch.posts):
		return say("m-lost")
	case a.Difference != nil && b.Difference != nil && a.Difference.Stage != b.Difference.Stage:
		return say("m-item-"+a.Difference.Stage.String(), "amount", amount(a.Difference.Amount), "why", lastWhy(a.Difference))
	case a.Difference == nil && b.Difference != nil:
		return say("m-item-closed")
	case a.Paid && !b.Paid && a.Kind == dialect.KindRefund && ch.party == "issuer":
		return say("m-credited")
	case a.Paid && !b.Paid && len(ch.posts) > 0:
		return say("m-paid", "fee", amount(a.Fee))
	case a.Paid && !b.Paid:
		return say("m-settled")
	case !a.ReversalDue && b.ReversalDue:
		return say("m-passed-on")
	case a.ReversalDue && !b.ReversalDue:
		return say("m-reversal-due")
	case a.Expired && !b.Expired:
		return say("m-expired")
	case a.LateCode != b.LateCode:
		return say("m-late", "code", a.LateCode)
	case a.StandIn != b.StandIn:
		return say("m-stand-in-" + a.StandIn.String())
	case gaveBack(ch.posts):
		return say("m-gave-back")
	case len(ch.posts) > 0:
		return say("m-moved")
	}
	return say("m-noted")
}

// payout is where the payout of a transaction stands; 0: none was ordered.
func payout(t *host.Transaction) host.PayoutState {
	if t.Payout == nil {
		return 0
	}
	return t.Payout.State
}

// gaveBack tells whether a record took money and gave it back at once: an approval that came when all was over.
func gaveBack(posts []host.Posting) bool {
	return len(posts) == 2 && posts[0].From == posts[1].To && posts[0].To == posts[1].From && posts[0].Amount == posts[1].Amount
}

// lastWhy is why an item came where it is.
func lastWhy(d *host.Item) string {
	if len(d.History) == 0 {
		return ""
	}
	return d.History[len(d.History)-1].Why
}

// losing tells whether money moved into, or out of, what somebody bears.
func losing(posts []host.Posting) bool {
	return slices.ContainsFunc(posts, func(p host.Posting) bool {
		return strings.HasPrefix(p.From, host.PositionLoss) || strings.HasPrefix(p.To, host.PositionLoss)
	})
}

// currencies are those that the library's terminals use, by their ISO 4217 number.
var currencies = map[string]string{"156": "CNY", "840": "USD", "978": "EUR", "826": "GBP", "344": "HKD", "392": "JPY"}

func currencyName(number string) string { return cmp.Or(currencies[number], number) }
