package host

import (
	"fmt"
	"maps"
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// Clearing compares, the day after, what three parties have of each transaction: the acquirer's file of the day, the switch's,
// and the terminal's batch as the acquirer holds it. The acquirer compares, because the merchant and the batch are his; there is
// no party for it alone. At each cut-over acquirer and switch make a file of what is new or has changed since the last one; the
// acquirer keeps his own, and the switch hands over its own. A file that comes late is compared when it comes, one that comes
// twice is compared once, and a difference that a later file explains is closed by itself.

// ClearingPolicy is how an acquirer settles differences.
type ClearingPolicy struct {
	Days           int    // an item's deadline, in calendar days; 0: DifferenceDays
	OfflineRefused string // who bears a sale that was approved offline and refused later: BearerMerchant (also ""), BearerAcquirer
}

// Who bears an offline sale that was refused.
const (
	BearerMerchant = "merchant"
	BearerAcquirer = "acquirer"
)

// maxItemDays is more than any rule gives.
const maxItemDays = 540

func (p *ClearingPolicy) validate() error {
	switch {
	case p.Days < 0 || p.Days > maxItemDays:
		return fmt.Errorf("clearing: %d days: want 0 to %d", p.Days, maxItemDays)
	case p.OfflineRefused != "" && p.OfflineRefused != BearerMerchant && p.OfflineRefused != BearerAcquirer:
		return fmt.Errorf("clearing: offline sales that are refused are borne by %q: want %s or %s", p.OfflineRefused, BearerMerchant, BearerAcquirer)
	}
	return nil
}

func (p *ClearingPolicy) days() int {
	if p.Days > 0 {
		return p.Days
	}
	return DifferenceDays
}

// Mismatch is a transaction that three lists do not have alike. Amount is how much they differ by, in minor units.
type Mismatch struct {
	Key    dialect.Key
	Type   ItemType
	Amount int64
}

// TerminalList is what terminals' batches say. Only what stands in Closed is compared: of other batches nothing is known yet.
type TerminalList struct {
	Lines  []FileLine
	Closed map[dialect.Key]bool // transactions of batches that were closed, and not found equal
}

// CompareClearing compares three lists of the same days; of a transaction that stands in a list twice the last line counts. The
// mismatches are in the order of the lists: the acquirer's, then what only the switch has, then what only the terminal has. A line of
// nothing is no mismatch: there is no money in it.
func CompareClearing(acquirer, above []FileLine, terminal TerminalList) (all []Mismatch) {
	a, u, t := lineIndex(acquirer), lineIndex(above), lineIndex(terminal.Lines)
	seen := map[dialect.Key]bool{}
	for _, lines := range [][]FileLine{acquirer, above, terminal.Lines} {
		for i := range lines {
			k := lines[i].Key
			if seen[k] {
				continue
			}
			seen[k] = true
			if what, n := compareLine(a[k], u[k], t[k], terminal.Closed[k]); n > 0 {
				all = append(all, Mismatch{k, what, n})
			}
		}
	}
	return all
}

// compareLine compares what acquirer, switch and terminal have of a transaction; nil: nothing. closed: the terminal would have said.
func compareLine(a, u, t *FileLine, closed bool) (ItemType, int64) {
	switch {
	case a == nil && t == nil:
		return SwitchOnly, u.Amount
	case a == nil && u == nil:
		return TerminalOnly, t.Amount
	case a == nil: // the merchant has a slip: he is to be paid what was approved
		return TerminalOnly, u.Amount
	case u == nil || u.Debit != a.Debit:
		return AcquirerOnly, a.Amount
	case u.Amount < a.Amount:
		return SwitchLess, a.Amount - u.Amount
	case u.Amount > a.Amount:
		return SwitchOnly, u.Amount - a.Amount
	case t == nil && closed:
		return HostOnly, a.Amount
	case t != nil && t.Amount < a.Amount:
		return AmountMore, a.Amount - t.Amount
	case t != nil && t.Amount > a.Amount:
		return AmountLess, t.Amount - a.Amount
	}
	return 0, 0
}

func lineIndex(lines []FileLine) map[dialect.Key]*FileLine {
	m := make(map[dialect.Key]*FileLine, len(lines))
	for i := range lines {
		m[lines[i].Key] = &lines[i]
	}
	return m
}

// lineUndone is the result word of a line that takes back what an earlier file said.
const lineUndone = "undone"

// Cleared is a part of a day's file as it is kept: the acquirer's own or the switch's, or the switch's own.
type Cleared struct {
	Part, Parts int    // which of a day's it is, from 1, and how many the day has
	From        string // the party
	Date        string // the business day that has ended, YYYY-MM-DD
	Lines       []FileLine
}

func (r *Cleared) check() error {
	f := File{ID: r.From, Kind: FileClearing, From: r.From, To: r.From + "'s", Date: r.Date, Part: r.Part, Parts: r.Parts, Lines: r.Lines}
	return f.check()
}

func (c *codec) cleared(r *Cleared) {
	c.text(1, &r.From)
	c.text(2, &r.Date)
	c.fileLines(3, &r.Lines)
	number(c, 4, &r.Part)
	number(c, 5, &r.Parts)
}

// transactionAtClearing is what clearing adds to a transaction: numbers 70 to 79.
func (c *codec) transactionAtClearing(t *Transaction) {
	c.flag(70, &t.PossibleDuplicate)
	c.text(71, &t.ReversalCode)
}

// dated is a line and the day in whose file it last stood.
type dated struct {
	FileLine
	date string
}

// statement is what one party's files have said so far.
type statement struct {
	lines map[dialect.Key]*dated
	order []dialect.Key
	date  string             // of the newest day that is whole, with all that is known of the days before it
	days  map[string]*partly // that are not whole, or wait for one before them
}

// partly is a day of which not all files have come.
type partly struct {
	come  map[int]bool
	parts int
}

func (s *statement) apply(r *Cleared) {
	if s.lines == nil {
		s.lines = map[dialect.Key]*dated{}
	}
	s.count(r)
	for _, l := range r.Lines {
		old := s.lines[l.Key]
		if old == nil {
			s.order = append(s.order, l.Key)
		} else if old.date > r.Date {
			continue // a later file has come before it
		}
		s.lines[l.Key] = &dated{l, r.Date}
	}
}

// count takes the part of a day that has come, in whatever order parts come.
func (s *statement) count(r *Cleared) {
	if r.Date <= s.date {
		return
	}
	if s.days == nil {
		s.days = map[string]*partly{}
	}
	if s.days[r.Date] == nil {
		s.days[r.Date] = &partly{come: map[int]bool{}}
	}
	d := s.days[r.Date]
	d.come[r.Part], d.parts = true, r.Parts
	for _, date := range slices.Sorted(maps.Keys(s.days)) {
		if d := s.days[date]; len(d.come) < d.parts {
			return // what is behind it is not said yet either
		}
		s.date = date
		delete(s.days, date)
	}
}

// present lists what a statement comes to.
func (s *statement) present() (all []FileLine) {
	for _, k := range s.order {
		if l := s.lines[k]; l.Result != lineUndone {
			all = append(all, l.FileLine)
		}
	}
	return all
}

// said is a party's statement.
func (b *book) said(name string) *statement {
	if b.statements[name] == nil {
		if b.statements == nil {
			b.statements = map[string]*statement{}
		}
		b.statements[name] = &statement{}
	}
	return b.statements[name]
}

// heard keeps what a terminal's batch says whose totals were not equal, before its lines are forgotten.
func (x *Relay) heard(b *Batch) {
	if b.Result == dialect.SettlementEqual && b.ForeignResult == dialect.SettlementEqual {
		return
	}
	lines := x.book.batches.lines[b.id().terminalID]
	seen := map[string]bool{}
	for _, e := range x.ledgers[b.id()] {
		x.terminal.Closed[e.Key] = true
		if l, ok := lines[e.Key.STAN]; ok && !l.Notice && l.Amount > 0 {
			seen[l.STAN] = true
			x.terminal.Lines = append(x.terminal.Lines, FileLine{Key: e.Key, Amount: l.Amount, Debit: l.Debit})
		}
	}
}

// endOfDay makes the file of the day that has ended. date is that day.
func (x *Relay) endOfDay(date string) {
	lines := x.newLines()
	parts := max(1, (len(lines)+maxFileLines-1)/maxFileLines) // a day without lines has a file, too
	for part := 1; part <= parts; part++ {
		n := min(len(lines), maxFileLines)
		x.add(&Record{Cleared: &Cleared{From: x.cfg.Name, Date: date, Part: part, Parts: parts, Lines: lines[:n]}}, x.Apply)
		if !x.cfg.Acquirer {
			x.hand(&File{Kind: FileClearing, To: acquirerName, Date: date, Part: part, Parts: parts, Lines: lines[:n]}, x.Apply)
		}
		lines = lines[n:]
	}
	if x.cfg.Acquirer {
		x.compareDays()
		x.payout(SettleD1)
	}
}

// newLines are the lines that are new or have changed since the last file.
func (x *Relay) newLines() (lines []FileLine) {
	s := x.book.said(x.cfg.Name)
	for _, e := range x.book.order {
		c := columnOf(e.Kind)
		if c == inNone {
			continue
		}
		l := FileLine{Key: e.Key, Kind: e.Kind, Amount: x.book.amount(e), Debit: c == inDebits, Card: e.Card, RRN: e.RetrievalReferenceNumber}
		old := s.lines[e.Key]
		if e.State != Approved {
			if old == nil || old.Result == lineUndone || e.State == Pending {
				continue
			}
			l.Result = lineUndone
		}
		if old == nil || old.Amount != l.Amount || old.Result != l.Result {
			lines = append(lines, l)
		}
	}
	return lines
}

// cleared takes a file of the switch.
func (x *Relay) cleared(f *File) {
	x.add(&Record{Cleared: &Cleared{From: f.From, Date: f.Date, Part: f.Part, Parts: f.Parts, Lines: f.Lines}}, x.Apply)
	if x.book.said(f.From).date >= f.Date { // a day is compared when it is whole
		x.compareDays()
		x.payout(SettleD1)
	}
}

// compareDays compares what the files have said. What is being decided, or undone, is not compared, and what one side can only say in
// a file that is still to come is no mismatch yet.
func (x *Relay) compareDays() {
	own, above := x.book.said(x.cfg.Name), x.book.said(switchName)
	found := map[dialect.Key]bool{}
	for _, m := range CompareClearing(own.present(), above.present(), x.terminal) {
		e := x.book.find(m.Key)
		if e != nil && x.moving(e) || !due(m, e, own, above) {
			continue
		}
		found[m.Key] = true
		x.mismatch(m)
	}
	for _, e := range x.book.order {
		if i := e.Difference; i != nil && i.Stage == ItemOpen && i.Type.cleared() && !found[e.Key] && !x.moving(e) {
			x.advance(e, ItemClosed, "a later file has it", moves(PositionSuspense, PositionAcquirer, max(0, e.Net(PositionSuspense))))
		}
	}
}

// moving tells whether a transaction is on its way to another state.
func (x *Relay) moving(e *Entry) bool { return e.State == Pending || e.ReversalDue || x.undecided(e) }

// due tells whether both sides have had their say about a mismatch.
func due(m Mismatch, e *Entry, own, above *statement) bool {
	switch m.Type {
	case AcquirerOnly:
		return own.lines[m.Key].date <= above.date
	case SwitchOnly:
		if own.lines[m.Key] == nil && e != nil && e.State == Approved {
			return false
		}
		return above.lines[m.Key].date <= own.date
	case TerminalOnly:
		return e == nil || e.State != Approved
	}
	return true
}

// switchName is the party whose files an acquirer compares with its own.
const switchName = "switch"

// cleared tells whether only clearing finds such an item, so that a later file can take it back.
func (t ItemType) cleared() bool { return t == AcquirerOnly || t == SwitchOnly || t == SwitchLess }

// mismatch opens the item of a mismatch, once: what has one already is with people.
func (x *Relay) mismatch(m Mismatch) {
	e := x.book.find(m.Key)
	if e == nil {
		t := &Transaction{Key: m.Key, State: Tombstone, Amount: m.Amount, ResponseCode: codeNoOriginal, BusinessDate: x.book.businessDate(x.now)}
		t.Difference = x.item(t, m.Type, m.Amount, clearingReason[m.Type])
		x.put(*t)
		return
	}
	if !e.unclaimed() {
		return
	}
	t := e.Transaction
	t.Difference = x.item(&t, m.Type, m.Amount, clearingReason[m.Type])
	var posts []Posting
	if n := min(m.Amount, e.Net(PositionAcquirer)); n > 0 && !t.Leaving() && m.Type != SwitchOnly && m.Type != AmountLess {
		posts = []Posting{{PositionAcquirer, PositionSuspense, n}}
	}
	x.put(t, posts...)
}

// clearingReason says for people what clearing has found.
var clearingReason = map[ItemType]string{
	HostOnly:     "clearing: the terminal's batch does not have it",
	AmountMore:   "clearing: the terminal's batch has less",
	AmountLess:   "clearing: the terminal's batch has more",
	TerminalOnly: "clearing: the terminal has it, and we do not",
	AcquirerOnly: "clearing: the switch does not have it",
	SwitchOnly:   "clearing: the switch has it, and we do not",
	SwitchLess:   "clearing: the switch has less",
}

// unheard opens items for the reversals that the next hop has refused until the day was over: from now on people see to them.
func (x *Relay) unheard() {
	today := x.book.businessDate(x.now)
	for _, e := range x.book.order {
		if !e.ReversalDue || e.ReversalCode == "" || e.BusinessDate >= today || e.Amount == 0 {
			continue
		}
		t := e.Transaction
		t.ReversalDue = false
		if t.unclaimed() {
			t.Difference = x.item(&t, ReversalRefused, t.approved(), fmt.Sprintf("the reversal was refused with %s until the day was over: the card is still debited", t.ReversalCode))
		}
		x.put(t)
		x.cancel(Timer{TimerReversal, t.Key})
	}
}
