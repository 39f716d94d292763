package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// The judge looks at the money, and at what is durable: the terminal's journal and the hosts' logs, read from their disks
// and not from anybody's memory. It knows nothing of a script's expectations and nothing of the rules that are in force.

// Violation is a broken invariant.
type Violation struct {
	Invariant string // I1 ... I19, as docs/architecture.md lists them
	Text      string
}

// String is "I4 sale 000123 ...".
func (v Violation) String() string { return v.Invariant + " " + v.Text }

// quiet is how long, in virtual time, the world may take to come to rest once nothing goes wrong any more (I10).
const quiet = 30 * time.Minute

// court is what the judge needs, whatever house it sits in.
type court struct {
	profile *terminal.Profile
	dialect *dialect.Dialect // between the terminal and its acquirer
	log     record

	behind bool                                   // of two terminals, it is not the one in front
	away   *elsewhere                             // the other one; nil: there is none, or nobody has looked
	owner  map[*terminal.Record]*terminal.Profile // whose its records are
	object func(Violation)                        // told of each violation, once; nil: nobody is

	paidBy func(*terminal.Record) int64 // what a purse has debited itself for a record; nil: nobody can look into the cards
}

func (r *court) violate(invariant, format string, args ...any) {
	v := Violation{invariant, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.log.wrong, v) {
		r.log.wrong = append(r.log.wrong, v)
		if r.object != nil {
			r.object(v)
		}
	}
}

// judgeSent: what asks for money is durable before it is on the wire (I7), under an identity that was never used before (I8); and
// a batch is closed only when nothing of it is due (I14).
func (r *court) judgeSent(m *dialect.Message) {
	need := []terminal.State{terminal.Pending}
	switch dialect.Class(m.MTI) {
	case dialect.ClassAuthorization, dialect.ClassFinancial:
		if !moves(m.Kind) {
			return
		}
		r.judgeIdentity(m)
		if m.Kind.Advice() || m.Kind == dialect.KindNone && dialect.IsAdvice(m.MTI) {
			need[0] = terminal.AdviceDue
		} else if m.Kind.NamesOriginal() { // V1: asked again until it is answered, like an advice; V2: reversed, like a sale
			need = append(need, terminal.AdviceDue)
		}
	case dialect.ClassReversal:
		need[0] = terminal.ReversalDue
	case dialect.ClassReconciliation:
		r.judgeClosing(m)
		return
	default:
		return
	}
	if got := r.log.state(m.Key()); !slices.Contains(need, got) {
		r.violate("I7", "%s of %s is on the wire and the durable record is %s, want %s", m.MTI, m.SystemsTraceAuditNumber, orNone(got), need[0])
	}
}

// judgeIdentity: a key stands for one transaction. A repeat says that it is one by its MTI, or, where the dialect has none for
// that, by being what was sent before.
func (r *court) judgeIdentity(m *dialect.Message) {
	if r.log.asked == nil {
		r.log.asked = map[dialect.Key]asked{}
	}
	now := asked{m.AmountTransaction, m.Kind, string(m.ICCSystemRelatedData) + m.Track2Data}
	before, again := r.log.asked[m.Key()]
	first := !dialect.IsRepeat(m.MTI) && (dialect.IsRepeat(r.dialect.Repeat(m.MTI)) && !m.Kind.Advice() || before.print != now.print)
	if again && (first || before.amount != now.amount || before.kind != now.kind) {
		r.violate("I8", "%s %s: its identity stands for another transaction already", m.MTI, m.Key())
	}
	r.log.asked[m.Key()] = now
}

// asked is what a request asked for, and what tells its card and cryptogram from others.
type asked struct {
	amount int64
	kind   dialect.Kind
	print  string
}

// judgeClosing: when the totals of a batch leave, nothing of it is due, but where the profile says that people see to that (I14).
func (r *court) judgeClosing(m *dialect.Message) {
	if m.Kind != dialect.KindSettlement || r.profile.Carry {
		return
	}
	for _, rec := range r.log.inOrder() {
		switch rec.State {
		case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue:
			r.violate("I14", "the batch is being closed and the record of %s is %s", rec.STAN, rec.State)
		}
	}
}

func orNone(s terminal.State) string {
	if s == "" {
		return "absent"
	}
	return string(s)
}

// judgeMoved: a reversal leaves the queue only when the acquirer durably holds the transaction as undone, or an item if it
// refuses, and an advice only when it durably holds it as accepted or refused (I6).
func (r *rig) judgeMoved(rec *terminal.Record) {
	r.noteMoved(rec)
	if !moves(rec.Kind) {
		return
	}
	advice := rec.State == terminal.Advised || rec.State == terminal.Refused
	refused := rec.State == terminal.ReversalRefused
	if rec.State != terminal.Reversed && rec.State != terminal.ReversedUnmatched && !advice && !refused {
		return
	}
	view, err := r.hosts[0].durable()
	if err != nil {
		r.violate("I6", "%v", err)
		return
	}
	t := view.Find(r.key(rec))
	if refused {
		if t == nil || t.Difference == nil {
			r.violate("I6", "the reversal of %s left the queue as refused, and the acquirer has opened no item", rec.STAN)
		}
		return
	}
	if advice {
		if want := map[terminal.State]host.State{terminal.Advised: host.Approved, terminal.Refused: host.Declined}[rec.State]; t != nil && t.State != want && t.State != host.Tombstone {
			r.violate("I6", "the advice of %s left the queue as %s and the acquirer holds it as %s", rec.STAN, rec.State, t.State)
		}
		if t == nil && rec.State == terminal.Advised {
			r.violate("I6", "the advice of %s left the queue as Advised and the acquirer does not know it", rec.STAN)
		}
		return
	}
	if t == nil || t.State != host.Reversed && t.State != host.Tombstone && t.State != host.Declined {
		state := "does not know it"
		if t != nil {
			state = "holds it as " + t.State.String()
		}
		r.violate("I6", "reversal of %s left the queue and the acquirer %s", rec.STAN, state)
	}
}

// rememberMoves takes the durable states from the disk: a power cut may have kept a write whose end nobody saw.
func (r *rig) rememberMoves() {
	books, err := r.books()
	if err != nil {
		r.log.moves = map[dialect.Key]*terminal.Record{}
		return // the boot will stop over it
	}
	r.archive(books)
	r.log.moves = map[dialect.Key]*terminal.Record{}
	for _, rec := range books.Records {
		r.log.moves[r.key(rec)] = rec
	}
}

// archive keeps the records that a closed batch has taken out of the journal: what the slip is about.
func (r *court) archive(b *terminal.Books) {
	if b.Last == nil || b.Last.Batch == r.log.lastClosed {
		return
	}
	r.log.lastClosed = b.Last.Batch
	left := map[dialect.Key]bool{}
	for _, rec := range b.Records {
		left[r.key(rec)] = true
	}
	for _, rec := range r.log.inOrder() {
		if k := r.key(rec); !left[k] {
			r.log.closed = append(r.log.closed, rec)
			delete(r.log.moves, k)
		}
	}
}

// every is the terminals' records: those of closed batches, and then the journal's.
func (r *court) every(b *terminal.Books) []*terminal.Record { return r.withAway(r.own(b)) }

// own is every record of this terminal.
func (r *court) own(b *terminal.Books) []*terminal.Record {
	r.archive(b)
	return append(slices.Clone(r.log.closed), b.Records...)
}

// noteMoved keeps what is durable of a record, and which of the script's transactions it is.
func (r *court) noteMoved(rec *terminal.Record) {
	kept := *rec
	r.log.moves[r.key(rec)] = &kept
}

// key is the identity of a record: its batch and STAN where the terminal numbers batches, else its STAN, date and time.
func (r *court) key(rec *terminal.Record) dialect.Key {
	p := r.profile
	if other := r.owner[rec]; other != nil {
		p = other
	}
	k := dialect.Key{MID: p.MID, TID: p.TID, STAN: rec.STAN, Batch: rec.Batch}
	if rec.Batch == "" {
		k.Date, k.Time = rec.Date, rec.Time
	}
	return k
}

// durable is what the host's disk says.
func (p *party) durable() (*host.View, error) {
	data := p.disk.Durable(host.LogName)
	if p.read.view != nil && bytes.Equal(data, p.read.log) {
		return p.read.view, nil
	}
	v, err := p.read.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	p.read.log, p.read.view = data, v
	return v, nil
}

// books is what the terminal's disk says. It is read again only when the disk has changed.
func (r *rig) books() (*terminal.Books, error) {
	data := r.termDisk.Durable(terminal.JournalFile)
	if r.read.err == nil && r.read.journal != nil && bytes.Equal(data, r.read.journal) {
		return r.read.books, nil
	}
	r.read.journal = data
	r.read.books, r.read.err = terminal.ReadBooks(data)
	return r.read.books, r.read.err
}

// hostsUp tells whether every host has power, or has failed for good.
func (r *rig) hostsUp() bool {
	for _, h := range r.hosts {
		if !h.actor.On() && h.err == nil {
			return false
		}
	}
	return true
}

// heal takes away every fault and gives everybody one more occasion: a power cycle of the terminal. Then the world runs
// until it is quiet.
func (r *rig) heal() {
	r.tellf("judge", "", "every fault is healed, and the power goes once more")
	r.armory.heal()
	r.deliverLate()
	r.disk.full, r.wrongBy = false, 0
	r.repair()
	r.setLine(false)
	r.healTerminal()
	if r.other() != nil {
		if r.term.On() {
			r.powerOff(sim.PowerOffLost)
		}
		r.exchange()
		r.disk.full, r.wrongBy = false, 0
		r.repair()
		r.healTerminal()
	}
}

// healTerminal gives the terminal at the till one more occasion.
func (r *rig) healTerminal() {
	r.removeAtOnce()
	if r.term.On() {
		r.powerOff(sim.PowerOffLost)
	}
	r.until(patience, r.hostsUp) // an occasion is one if somebody is there
	if err := r.boot(); err != nil {
		r.violate("I12", "the terminal does not boot: %v", err)
		return
	}
	r.settled()
	if r.handAgain() {
		r.settled()
	}
	if e := r.terminal.Stopped(); e != nil {
		r.violate("I12", "the terminal is stopped after everything was repaired: %v", e)
	} else if !r.terminal.Idle() {
		r.violate("I12", "the terminal is not idle: %s", r.terminal.State())
	}
}

// settled is what must be true when nothing goes wrong any more.
func (r *rig) settled() {
	if !r.settle() {
		r.violate("I10", "no rest within %s of virtual time after every fault was healed", quiet)
	}
}

// handAgain gives hosts that wait for a file's receipt an occasion to hand it out again: their calendar, which does not move.
func (r *rig) handAgain() (again bool) {
	for _, p := range r.everyHost() {
		if v, err := p.durable(); err != nil || p.run == nil || !slices.ContainsFunc(v.Files, isDue) {
			continue
		}
		p.run.Calendar(host.Calendar{Kind: host.CalendarDate})
		again = true
	}
	return again
}

func isDue(f *host.FileRecord) bool { return f.State == host.FileDue }

// settle runs until nothing is left to happen.
func (r *rig) settle() bool {
	return r.until(quiet, func() bool { _, more := r.world.Next(); return !more })
}

// terminalState is what the terminal is doing, off included.
func (r *rig) terminalState() string {
	if !r.term.On() {
		return "off"
	}
	return r.terminal.State()
}

// positions is where the money is, as the hosts' disks have it.
func (r *rig) positions() (map[string]int64, error) {
	views, err := r.views()
	if err != nil {
		return nil, err
	}
	return r.withPurses(host.Positions(views...)), nil
}

// views is what the hosts' disks say: acquirer, switch, issuer.
func (r *rig) views() ([]*host.View, error) {
	views := make([]*host.View, len(r.hosts))
	for i, p := range r.hosts {
		var err error
		if views[i], err = p.durable(); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// verdictOf is what the judge found at the end.
type verdict struct {
	ends      []string // of each transaction, in the terminal's order
	positions map[string]int64
}

// assess reads the disks: positions, and the end state of each transaction.
func (r *rig) assess() (v verdict, err error) {
	books, err := r.books()
	if err != nil {
		return v, err
	}
	views, err := r.views()
	if err != nil {
		return v, err
	}
	v.positions = r.withPurses(host.Positions(views...))
	v.ends = endsOf(r.transactions(r.every(books), views))
	return v, nil
}

// endsOf is the end state of each transaction with all that names it; a run without any is one in which nobody was charged.
func endsOf(transactions []*transaction) (ends []string) {
	for _, f := range families(transactions) {
		if end := f.end(); end != "" {
			ends = append(ends, end)
		}
	}
	if len(ends) == 0 {
		ends = []string{"F0"}
	}
	return ends
}

// transaction is one transaction as everybody believes it.
type transaction struct {
	key      dialect.Key
	record   *terminal.Record // nil: the terminal does not know it
	entries  []*host.Entry    // acquirer, switch, issuer; nil: unknown there
	receipts int
	debit    int64 // minor units: what a purse has debited itself for it
}

// transactions joins what the disks say, in the terminal's order, and then what only hosts know.
func (r *court) transactions(records []*terminal.Record, views []*host.View) []*transaction {
	all := make([]*transaction, 0, len(records))
	byKey := make(map[dialect.Key]*transaction, len(records))
	find := func(k dialect.Key) *transaction {
		t := byKey[k]
		if t == nil {
			t = &transaction{key: k, entries: make([]*host.Entry, len(views))}
			byKey[k] = t
			all = append(all, t)
		}
		return t
	}
	for _, rec := range records {
		if t := find(r.key(rec)); t.record == nil {
			t.record = rec
		} else { // of another box with the same numbers, that began again
			all = append(all, &transaction{key: r.key(rec), record: rec, entries: make([]*host.Entry, len(views))})
		}
	}
	for i, v := range views {
		for _, e := range v.Transactions {
			find(e.Key).entries[i] = e
		}
	}
	for _, t := range all {
		if r.paidBy != nil {
			t.debit = r.paidBy(t.record)
		}
		if t.record != nil {
			t.receipts = r.receiptsOf(t.record)
		}
	}
	return all
}

// net is what the transaction moved into a position.
func (t *transaction) net(position string) (n int64) {
	for _, e := range t.entries {
		if e != nil {
			n += e.Net(position)
		}
	}
	switch position {
	case host.PositionPurse:
		n -= t.debit
	case host.PositionPursePool:
		n += t.debit
	}
	return n
}

// amount is the most anybody may have been debited.
func (t *transaction) amount() int64 {
	if t.record != nil {
		return t.record.Amount
	}
	for _, e := range t.entries {
		if e != nil && e.State != host.Tombstone {
			return e.Amount
		}
	}
	return 0
}

// known tells whether a host has seen the request.
func (t *transaction) known() bool {
	for _, e := range t.entries {
		if e != nil && e.State != host.Tombstone {
			return true
		}
	}
	return false
}

// judge checks the invariants at rest.
func (r *rig) judge() {
	books, err := r.books()
	if err != nil {
		r.violate("I12", "%v", err)
		return
	}
	views, err := r.views()
	if err != nil {
		r.violate("I12", "%v", err)
		return
	}
	for i, p := range r.hosts {
		r.judgeHost(p, views[i])
	}
	bank, err := r.bank.durable()
	if err != nil {
		r.violate("I12", "%v", err)
		return
	}
	r.judgeHost(r.bank, bank)
	if r.passer != nil {
		v, err := r.passer.durable()
		if err != nil {
			r.violate("I12", "%v", err)
			return
		}
		r.judgeHost(r.passer, v)
	}
	r.judgePayouts(views[0], bank)
	r.judgeIdentities(views[0])
	r.judgeBatch(books)
	all := r.transactions(r.every(books), views)
	ledger, err := r.hosts[2].ledger()
	if err != nil {
		r.violate("I12", "%v", err)
		return
	}
	r.judgeAll(all, ledger)
	r.judgeFees(families(all))
	r.judgePurses(all)
	for _, t := range all {
		if t.difference() {
			r.log.sometimes[differenceOpened]++
		}
	}
}

// judgeAll judges transactions, each for itself and with all that names it, and their sum. ledger is the issuer's postings in
// their order; nil: as they stand in its entries.
func (r *court) judgeAll(all []*transaction, ledger []posted) {
	every := families(all)
	for _, t := range all {
		r.judgeTransaction(t)
	}
	for _, f := range every {
		r.judgeFamily(f, ledger)
	}
	r.judgeTotals(every)
}

// judgeHost: nothing unresolved (I3), nobody stopped (I12), memory as the disk (H6), and accounts as the postings (I2).
func (r *rig) judgeHost(p *party, v *host.View) {
	for _, f := range v.Files {
		if isDue(f) {
			r.violate("I3", "%s: file %s has no receipt of %s", p.name, f.ID, f.To)
		}
	}
	for _, e := range v.Unresolved() {
		r.violate("I3", "%s: %s is %s, reversal due %v", p.name, e.Key, e.State, e.ReversalDue)
	}
	if p.err != nil || !p.actor.On() || p.run == nil {
		r.violate("I12", "%s is not running: %v", p.name, p.err)
		return
	}
	live := p.run.Machine().View()
	if len(live.Transactions) != len(v.Transactions) {
		r.violate("I7", "%s believes %d transactions and its disk holds %d", p.name, len(live.Transactions), len(v.Transactions))
		return
	}
	r.judgeItems(p.name, v)
	if x, ok := p.run.Machine().(*host.Issuer); ok {
		var held int64
		for _, e := range v.Transactions {
			held += e.Hold
		}
		if n := x.Held(); n != held {
			r.violate("I2", "of the accounts %s is held and the pre-authorisations say %s", Money(n), Money(held))
		}
		all := host.Positions(v)
		if moved, posted := x.Moved(), all[host.PositionCardholder]+all[host.PositionWallet]+all[host.PositionPursePool]; moved != posted {
			r.violate("I2", "the accounts changed by %s and the postings say %s", Money(moved), Money(posted))
		}
	}
	for _, e := range live.Transactions { // of two under way at once, the disk may have them in another order
		switch d := v.Find(e.Key); {
		case d == nil:
			r.violate("I7", "%s believes %s is %s and its disk does not know it", p.name, e.Key, e.State)
		case e.State != d.State || e.ReversalDue != d.ReversalDue:
			r.violate("I7", "%s believes %s is %s and its disk says %s", p.name, e.Key, e.State, d.State)
		}
	}
}

// judgePayouts: what the bank has credited is what the acquirer says that merchants were paid, order by order, and no order waits for
// an answer (I17). That nobody is paid more than was taken for him is judged with the transaction.
func (r *court) judgePayouts(acquirer, bank *host.View) {
	paid := map[string]int64{}
	for _, e := range acquirer.Transactions {
		if e.Risk != nil && e.Risk.State == host.HoldHeld && e.Leaving() {
			r.violate("I17", "sale %s is held until %s, and was paid out: %s", e.Key.STAN, e.Risk.Deadline, e.Risk.Reason)
		}
		if p := e.Payout; p != nil {
			switch p.State {
			case host.PayoutCredited, host.PayoutPassedOn, host.PayoutLost:
				paid[p.Order] += p.Amount
			case host.PayoutOrdered:
				r.violate("I3", "acquirer: the payout of %s is ordered, and nobody has answered", e.Key)
			}
		}
	}
	for _, c := range bank.Credits {
		if c.Reason != "" {
			continue
		}
		if paid[c.Order] != c.Amount {
			r.violate("I17", "the bank has credited %s for order %s, and the acquirer has paid %s with it", Money(c.Amount), c.Order, Money(paid[c.Order]))
		}
		delete(paid, c.Order)
	}
	for _, order := range slices.Sorted(maps.Keys(paid)) {
		r.violate("I17", "the acquirer has paid %s with order %s, and the bank has not credited it", Money(paid[order]), order)
	}
}

// judgeItems: what is not settled has somebody who sees to it, and until when, and nothing is overdue (I18).
func (r *court) judgeItems(party string, v *host.View) {
	for _, e := range v.Transactions {
		i := e.Difference
		switch n := e.Net(host.PositionSuspense); {
		case i.Open() && (i.Owner == "" || i.Deadline == ""):
			r.violate("I18", "%s: the item of %s has no owner or no deadline", party, e.Key.STAN)
		case i.Open() && i.Stage != host.ItemClaimed && i.Type != host.ReturnedPayout && v.BusinessDate > i.Deadline:
			r.violate("I18", "%s: the item of %s was due on %s", party, e.Key.STAN, i.Deadline)
		case n < 0 || n > 0 && !(i.Open() && i.Amount >= n):
			r.violate("I18", "%s: %s of %s is in suspense, and no open item says so", party, Money(n), e.Key.STAN)
		}
	}
	if party == "acquirer" {
		r.judgeLaidOut(v)
	}
	for _, e := range v.Overdue() {
		r.violate("I18", "%s: the refund %s of %s has not been cleared", party, e.Key.STAN, e.BusinessDate)
	}
	for _, b := range v.Batches {
		if b.State == host.BatchClosed && (b.Result != dialect.SettlementEqual || b.ForeignResult != dialect.SettlementEqual) && b.Items == 0 {
			r.violate("I9", "batch %s was closed with other totals, and there is no item", b.Number)
		}
	}
}

// judgeLaidOut: what the acquirer has laid out for a refund of a sale that is paid has an item, with as much as it is (I18).
func (r *court) judgeLaidOut(v *host.View) {
	sales := map[dialect.Key]*host.Entry{}
	for _, e := range v.Transactions {
		sales[e.Key] = e
	}
	for _, e := range v.Transactions {
		o, owed := sales[e.Original], -e.Net(host.PositionAcquirer)
		if e.Kind != dialect.KindRefund || e.State != host.Approved || e.Paid || o == nil || !o.Paid || owed <= 0 {
			continue
		}
		if i := e.Difference; !i.Open() || i.Amount != owed {
			r.violate("I18", "acquirer: %s is laid out for the refund %s, and no open item says so", Money(owed), e.Key.STAN)
		}
	}
}

// judgeIdentities: no retrieval reference number stands for two transactions (I8). That no key does is judged on the wire:
// the journal holds one record for a key.
func (r *court) judgeIdentities(acquirer *host.View) {
	seen := map[string]bool{}
	for _, e := range acquirer.Transactions {
		if n := e.RetrievalReferenceNumber; n != "" {
			if seen[n] {
				r.violate("I8", "retrieval reference number %s stands for two transactions", n)
			}
			seen[n] = true
		}
	}
}

// judgePrinted: a receipt says only what is durable (I7).
func (r *court) judgePrinted(rc terminal.Receipt) {
	if rc.Report != "" { // of no transaction
		return
	}
	switch got := r.log.printedState(rc); got {
	case terminal.Approved, terminal.AdviceDue, terminal.Advised, terminal.Refused, terminal.Parked:
	default:
		r.violate("I7", "a receipt of %s is printed and the durable record is %s", rc.STAN, orNone(got))
	}
}

// judgeBatch: what stands in a batch was begun in it, and has its number at the host, too (I9).
func (r *court) judgeBatch(b *terminal.Books) {
	for _, rec := range b.Records[b.Left:] {
		if rec.Batch != "" && rec.Batch != b.Batch {
			r.violate("I9", "the record of %s has batch %s and stands in batch %s", rec.STAN, rec.Batch, b.Batch)
		}
	}
}

// judgeState: whatever went wrong, a terminal with power has come to rest idle, or stopped in a state that has a name (I12).
func (r *rig) judgeState() {
	if books, err := r.books(); err == nil {
		r.judgeBatch(books)
	}
	if _, more := r.world.Next(); more || !r.term.On() || r.terminal.Idle() || r.terminal.Stopped() != nil {
		return
	}
	r.violate("I12", "nothing is left to happen and the terminal is %s", r.terminal.State())
}

// judgeTotals: batch by batch, the terminal's lines and the acquirer's books agree in number and sum; a transaction that has an item
// agrees by itself, but for what the item says (I9).
func (r *court) judgeTotals(all []*family) {
	type sides struct{ here, there side }
	batches := map[string]*sides{}
	for _, f := range all {
		for _, t := range f.members {
			var one sides
			if t.record != nil {
				one.here.line(f, t)
			}
			if e := t.entries[0]; e != nil && e.State == host.Approved {
				one.there.count(f, t, e)
			}
			if n := t.excused(true); n > 0 {
				if d := one.here.sum - one.there.sum; d > n || -d > n {
					r.violate("I9", "%s: the terminal has %s, the acquirer %s, and the item says %s", t.key.STAN, Money(one.here.sum), Money(one.there.sum), Money(n))
				}
				continue
			}
			b := batches[t.key.Batch]
			if b == nil {
				b = &sides{}
				batches[t.key.Batch] = b
			}
			b.here.add(one.here)
			b.there.add(one.there)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(batches)) {
		if b := batches[number]; b.here != b.there {
			r.violate("I9", "the terminal's batch %sis %s and the acquirer holds %s", batchNamed(number), b.here, b.there)
		}
	}
}

func batchNamed(batch string) string {
	if batch == "" {
		return ""
	}
	return batch + " "
}

// side is what one party says of all lines of a batch.
type side struct {
	n   int
	sum int64
}

func (s side) String() string { return fmt.Sprintf("%d lines of %s", s.n, Money(s.sum)) }

func (s *side) add(o side) { s.n, s.sum = s.n+o.n, s.sum+o.sum }

// line adds what a record of the terminal's is in a batch. An adjustment replaces the amount of its sale.
func (s *side) line(f *family, t *transaction) {
	rec := t.record
	if n := rec.Signed(); n != 0 {
		s.n, s.sum = s.n+1, s.sum+n
	}
	if rec.Kind == dialect.KindTipAdjust && rec.InBatch() {
		s.sum += rec.Amount - f.adjusted(t)
	}
}

// count adds what an entry of the acquirer's is in a batch.
func (s *side) count(f *family, t *transaction, e *host.Entry) {
	n := e.Amount
	if e.ApprovedAmount > 0 {
		n = e.ApprovedAmount
	}
	switch k := e.Kind; {
	case k == dialect.KindTipAdjust:
		s.sum += n - f.adjusted(t)
	case credits(k):
		s.n, s.sum = s.n+1, s.sum-n
	case debits(k):
		s.n, s.sum = s.n+1, s.sum+n
	}
}

// judgeFamily: a cardholder is debited exactly what the merchant's batch and the acquirer's books say (I1, I4).
func (r *court) judgeFamily(f *family, ledger []posted) {
	name := f.root.key.STAN
	r.judgeDebits(f, ledger)
	debited, back := f.debited(), f.net(host.PositionSwitch) // a refund is with the switch until it is cleared
	if back < 0 {
		if f.excused(false) < -back {
			r.violate("I4", "sale %s: the switch stood in with %s, and the issuer has not taken it over", name, Money(-back))
		}
		back = 0
	}
	paid := debited - back + f.lost() // what somebody bears has been paid by him
	if lines, n := f.lines(), f.excused(true); lines-paid > n || paid-lines > n {
		r.violate("I4", "sale %s: the terminal's batch says %s and the cardholder is debited %s%s%s", name, Money(lines), Money(debited), onItsWay(back), byItem(n))
	}
	if paid, n := f.net(host.PositionMerchant)+f.net(host.PositionFees), debited+f.lost()+f.claimed()+f.excused(true); paid > n {
		r.violate("I17", "sale %s: merchant and fees have %s and the cardholder was debited %s", name, Money(paid), Money(debited))
	}
	debited -= max(0, f.net(host.PositionPursePool)) // what a purse has paid and nobody has been credited with is I19's
	if acquirer, n := f.acquired(), f.excused(false); acquirer-debited+back > n || debited-back-acquirer > n {
		r.violate("I4", "sale %s: the acquirer's side holds %s and the cardholder is debited %s%s%s", name, Money(acquirer), Money(debited), onItsWay(back), byItem(n))
	}
}

func byItem(n int64) string {
	if n == 0 {
		return ""
	}
	return ", and an item says " + Money(n).String()
}

func onItsWay(back int64) string {
	if back == 0 {
		return ""
	}
	return ", of which " + Money(back).String() + " is on its way back"
}

// judgeTransaction: a receipt says so (I5), nothing is left undecided (I3), and nothing was lost from a queue (I6).
func (r *court) judgeTransaction(t *transaction) {
	name := t.key.STAN
	inBatch := t.record != nil && t.record.InBatch()
	owed := inBatch || t.record != nil && t.kind() == dialect.KindOfflineSale &&
		(t.record.State == terminal.Refused || t.record.State == terminal.Parked && t.record.Reason == "")
	switch {
	case owed && t.receipts == 0:
		r.violate("I5", "sale %s is %s and there is no receipt", name, t.record.State)
	case !owed && t.receipts > 0:
		r.violate("I5", "sale %s is %s and a receipt was printed", name, stateOf(t.record))
	}
	if t.record != nil && !r.log.lost[t.record] {
		switch s := t.record.State; s {
		case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue, terminal.Torn:
			r.violate("I3", "the terminal's record of %s is %s", name, s)
		case terminal.Approved, terminal.Declined, terminal.Reversed, terminal.ReversedUnmatched, terminal.ReversalRefused,
			terminal.Parked, terminal.Advised, terminal.Refused, terminal.Unresolved:
		default:
			r.violate("I3", "the terminal's record of %s is in no known state: %s", name, s)
		}
	}
	if t.record != nil && t.record.State == terminal.Refused && t.kind().Advice() && decidesNothing(t.record.Code) {
		r.violate("I6", "the advice of %s was struck off with %s, by which nobody has decided about it", name, t.record.Code)
	}
	if t.record != nil && (t.record.State == terminal.Reversed || t.record.State == terminal.ReversedUnmatched) {
		if a := t.entries[0]; a == nil || a.State == host.Approved || a.State == host.Pending {
			r.violate("I6", "the terminal's record of %s is %s and the acquirer does not hold it as undone", name, t.record.State)
		}
	}
}

// decidesNothing tells whether a response code says only that somebody could not be asked.
func decidesNothing(code string) bool {
	return slices.Contains([]string{"09", "68", "91", "92", "96", "98", "A0", "77", "99"}, code)
}

func stateOf(rec *terminal.Record) string {
	if rec == nil {
		return "unknown to the terminal"
	}
	return string(rec.State)
}

// judgeDebits: at no time is a cardholder debited twice, or credited what was never taken (I1).
func (r *court) judgeDebits(f *family, ledger []posted) {
	most := f.cap(r.profile)
	var debited int64
	for _, p := range f.postings(ledger) {
		if fromCardholder(p.From) {
			debited += p.Amount
		}
		if fromCardholder(p.To) {
			debited -= p.Amount
		}
		if debited < 0 || debited > most {
			r.violate("I1", "sale %s of %s: the cardholder was debited %s", f.root.key.STAN, Money(f.root.amount()), Money(debited))
		}
	}
}

func fromCardholder(position string) bool {
	return position == host.PositionCardholder || position == host.PositionWallet || position == host.PositionPursePool
}

// posted is a posting and the transaction that it belongs to.
type posted struct {
	key dialect.Key
	host.Posting
}

// postings are the issuer's postings of a family in their order.
func (f *family) postings(ledger []posted) (all []host.Posting) {
	if len(f.members) == 1 || ledger == nil {
		for _, t := range f.members {
			if e := t.issuer(); e != nil {
				all = append(all, e.Postings...)
			}
		}
		return all
	}
	for _, p := range ledger {
		if slices.ContainsFunc(f.members, func(t *transaction) bool { return t.key == p.key }) {
			all = append(all, p.Posting)
		}
	}
	return all
}

// ledger is every posting on the host's disk, in the order in which they were written.
func (p *party) ledger() (all []posted, err error) {
	if _, err := p.durable(); err != nil {
		return nil, err
	}
	for _, rec := range p.read.Records() {
		for _, x := range rec.Postings {
			all = append(all, posted{rec.Transaction.Key, x})
		}
	}
	return all, nil
}

// difference tells whether somebody owns what does not agree: a host with an item, or whoever parked the record.
func (t *transaction) difference() bool { return t.excused(true) > 0 }

// excused is how much of a transaction may differ, as its items say, or the record that somebody has parked. A closed item that is
// no dispute excuses nothing any more: it has come right. onPaper counts what hosts have settled, too.
func (t *transaction) excused(onPaper bool) (n int64) {
	if r := t.record; r != nil && (r.State == terminal.Parked || r.State == terminal.Unresolved || r.State == terminal.Torn) {
		n = r.Amount
	}
	for _, e := range t.entries {
		if e == nil || e.Difference == nil {
			continue
		}
		i := e.Difference
		if i.Type == host.RefundNetted && i.Open() { // what it says differs from nothing
			continue
		}
		if i.Open() || onPaper && (i.Stage != host.ItemClosed || i.Type == host.Dispute) {
			n = max(n, i.Amount)
		}
	}
	return n
}

// where answers for every transaction that is not at rest.
func (r *rig) where() string {
	books, err := r.books()
	if err != nil {
		return ""
	}
	views, err := r.views()
	if err != nil {
		return ""
	}
	return whereAll(r.transactions(r.every(books), views))
}

func whereAll(transactions []*transaction) string {
	var all []string
	for _, f := range families(transactions) {
		if f.root.record == nil && !f.root.known() || !moves(f.root.kind()) {
			continue
		}
		all = append(all, f.root.key.STAN+" "+f.whereIs())
	}
	sort.Strings(all)
	return strings.Join(all, "; ")
}

// repair undoes a script's damage, and gives a terminal whose case was opened new keys.
func (r *rig) repair() {
	if r.module != nil && r.module.Tampered() {
		if r.term.On() {
			r.powerOff(sim.PowerOffLost)
		}
		if err := r.injectKeys(); err != nil {
			r.violate("I12", "the terminal cannot be given keys: %v", err)
		}
	}
	if r.damaged == nil {
		return
	}
	if r.term.On() {
		r.powerOff(sim.PowerOffLost)
	}
	r.termDisk.Put(terminal.JournalFile, r.damaged)
	r.damaged = nil
}

// loseMemory empties the terminal's journal. What it said is still on paper: the judge goes on from there.
func (r *rig) loseMemory() {
	books, err := r.books()
	if err == nil {
		r.archive(books)
		r.log.closed = append(r.log.closed, books.Records...)
		if r.log.lost == nil {
			r.log.lost = map[*terminal.Record]bool{}
		}
		for _, rec := range books.Records {
			r.log.lost[rec] = true
		}
	}
	r.log.moves, r.log.asked, r.damaged = map[dialect.Key]*terminal.Record{}, nil, nil
	r.termDisk.Put(terminal.JournalFile, nil)
}

// damage flips a bit in the first record of the journal.
func (r *rig) damage() error {
	if r.term.On() {
		return errors.New("the journal can be damaged only with the power off")
	}
	data := r.termDisk.Durable(terminal.JournalFile)
	if len(data) < 32 {
		return errors.New("there is no journal to damage")
	}
	r.damaged = slices.Clone(data)
	data[24] ^= 1
	r.termDisk.Put(terminal.JournalFile, data)
	return nil
}
