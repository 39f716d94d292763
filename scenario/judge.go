package scenario

import (
	"bytes"
	"errors"
	"fmt"
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
	Invariant string // I1 ... I13, as docs/architecture.md lists them
	Text      string
}

// String is "I4 sale 000123 ...".
func (v Violation) String() string { return v.Invariant + " " + v.Text }

// quiet is how long, in virtual time, the world may take to come to rest once nothing goes wrong any more (I10).
const quiet = 30 * time.Minute

// court is what the judge needs, whatever house it sits in.
type court struct {
	profile *terminal.Profile
	log     record
	object  func(Violation) // told of each violation, once; nil: nobody is
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

// judgeSent: what asks for money is durable before it is on the wire (I7), under an identity that was never used before (I8).
func (r *court) judgeSent(m *dialect.Message) {
	var need terminal.State
	switch dialect.Class(m.MTI) {
	case dialect.ClassFinancial:
		if r.log.asked == nil {
			r.log.asked = map[dialect.Key]int64{}
		}
		if amount, again := r.log.asked[m.Key()]; again && (m.MTI == "0200" || amount != m.AmountTransaction) {
			r.violate("I8", "%s %s: its identity stands for another transaction already", m.MTI, m.Key())
		}
		r.log.asked[m.Key()] = m.AmountTransaction
		need = terminal.Pending
		if dialect.IsAdvice(m.MTI) {
			need = terminal.AdviceDue
		}
	case dialect.ClassReversal:
		need = terminal.ReversalDue
	default:
		return
	}
	if got := r.log.moves[m.SystemsTraceAuditNumber+m.DateLocalTransaction+m.TimeLocalTransaction]; got != need {
		r.violate("I7", "%s of %s is on the wire and the durable record is %s, want %s", m.MTI, m.SystemsTraceAuditNumber, orNone(got), need)
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
	r.log.moves[rec.STAN+rec.Date+rec.Time] = rec.State
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
	r.log.moves = map[string]terminal.State{}
	records, err := r.journal()
	if err != nil {
		return // the boot will stop over it
	}
	for _, rec := range records {
		r.log.moves[rec.STAN+rec.Date+rec.Time] = rec.State
	}
}

func (r *court) key(rec *terminal.Record) dialect.Key {
	return dialect.Key{MID: r.profile.MID, TID: r.profile.TID, STAN: rec.STAN, Date: rec.Date, Time: rec.Time}
}

// durable is what the host's disk says.
func (p *party) durable() (*host.View, error) {
	data := p.disk.Durable(host.LogName)
	if p.read.view != nil && bytes.Equal(data, p.read.log) {
		return p.read.view, nil
	}
	v, err := host.Recover(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	p.read.log, p.read.view = data, v
	return v, nil
}

// journal is what the terminal's disk says. It is read again only when the disk has changed.
func (r *rig) journal() ([]*terminal.Record, error) {
	data := r.termDisk.Durable(terminal.JournalFile)
	if r.read.err == nil && r.read.journal != nil && bytes.Equal(data, r.read.journal) {
		return r.read.records, nil
	}
	r.read.journal = data
	r.read.records, r.read.err = terminal.ReadJournal(data)
	return r.read.records, r.read.err
}

// heal takes away every fault and gives everybody one more occasion: a power cycle of the terminal. Then the world runs
// until it is quiet.
func (r *rig) heal() {
	r.tellf("judge", "", "every fault is healed, and the power goes once more")
	r.armory.heal()
	r.disk.full, r.wrongBy = false, 0
	r.repair()
	r.setLine(false)
	r.removeAtOnce()
	if r.term.On() {
		r.powerOff(sim.PowerOffLost)
	}
	if err := r.boot(); err != nil {
		r.violate("I12", "the terminal does not boot: %v", err)
		return
	}
	if !r.settle() {
		r.violate("I10", "no rest within %s of virtual time after every fault was healed", quiet)
	}
	if e := r.terminal.Stopped(); e != nil {
		r.violate("I12", "the terminal is stopped after everything was repaired: %v", e)
	} else if !r.terminal.Idle() {
		r.violate("I12", "the terminal is not idle: %s", r.terminal.State())
	}
}

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
	return host.Positions(views...), nil
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
	records, err := r.journal()
	if err != nil {
		return v, err
	}
	views, err := r.views()
	if err != nil {
		return v, err
	}
	v.positions = host.Positions(views...)
	v.ends = endsOf(r.transactions(records, views))
	return v, nil
}

// endsOf is the end state of each transaction; a run without any is one in which nobody was charged.
func endsOf(transactions []*transaction) (ends []string) {
	for _, t := range transactions {
		if end := t.end(); end != "" {
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
		find(r.key(rec)).record = rec
	}
	for i, v := range views {
		for _, e := range v.Transactions {
			find(e.Key).entries[i] = e
		}
	}
	for _, rc := range r.log.receipts {
		if t := byKey[dialect.Key{MID: r.profile.MID, TID: r.profile.TID, STAN: rc.STAN, Date: rc.Date, Time: rc.Time}]; t != nil {
			t.receipts++
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

// end is where the money has come to rest, or rests for now.
func (t *transaction) end() string {
	moved := false
	for _, e := range t.entries {
		moved = moved || e != nil && len(e.Postings) > 0
	}
	cardholder, merchant, fees, n := t.net(host.PositionCardholder), t.net(host.PositionMerchant), t.net(host.PositionFees), t.amount()
	switch {
	case t.record == nil && !moved && !t.known():
		return ""
	case !moved:
		return "F0"
	case cardholder == 0 && merchant == 0 && fees == 0 && t.net(host.PositionAcquirer) == 0:
		return "F2"
	case cardholder == -n && merchant+fees == n && t.record != nil && t.record.InBatch():
		return "F1"
	}
	return "F3"
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
	records, err := r.journal()
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
	r.judgeIdentities(views[0])
	all := r.transactions(records, views)
	for _, t := range all {
		r.judgeTransaction(t)
		if t.difference() {
			r.log.sometimes[differenceOpened]++
		}
	}
	r.judgeTotals(all)
}

// judgeHost: nothing unresolved (I3), nobody stopped (I12), memory as the disk (H6), and accounts as the postings (I2).
func (r *rig) judgeHost(p *party, v *host.View) {
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
	if x, ok := p.run.Machine().(*host.Issuer); ok {
		if moved, posted := x.Moved(), host.Positions(v)[host.PositionCardholder]; moved != posted {
			r.violate("I2", "the accounts changed by %s and the postings say %s", Money(moved), Money(posted))
		}
	}
	for i, e := range live.Transactions {
		if d := v.Transactions[i]; e.Key != d.Key || e.State != d.State || e.ReversalDue != d.ReversalDue {
			r.violate("I7", "%s believes %s is %s and its disk says %s", p.name, e.Key, e.State, d.State)
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
	switch got := r.log.moves[rc.STAN+rc.Date+rc.Time]; got {
	case terminal.Approved, terminal.AdviceDue, terminal.Advised, terminal.Refused, terminal.Parked:
	default:
		r.violate("I7", "a receipt of %s is printed and the durable record is %s", rc.STAN, orNone(got))
	}
}

// judgeState: whatever went wrong, a terminal with power has come to rest idle, or stopped in a state that has a name (I12).
func (r *rig) judgeState() {
	if _, more := r.world.Next(); more || !r.term.On() || r.terminal.Idle() || r.terminal.Stopped() != nil {
		return
	}
	r.violate("I12", "nothing is left to happen and the terminal is %s", r.terminal.State())
}

// judgeTotals: the terminal's batch and the acquirer's books agree in number and sum, but for what a difference item names
// (I9).
func (r *court) judgeTotals(all []*transaction) {
	var n, at int
	var sum, held int64
	for _, t := range all {
		if t.difference() {
			continue
		}
		if t.record != nil && t.record.InBatch() {
			n, sum = n+1, sum+t.record.Amount
		}
		if e := t.entries[0]; e != nil && e.State == host.Approved {
			at, held = at+1, held+e.Amount
		}
	}
	if n != at || sum != held {
		r.violate("I9", "the terminal's batch is %d sales of %s and the acquirer holds %d of %s", n, Money(sum), at, Money(held))
	}
}

// judgeTransaction: the cardholder is debited exactly when the merchant's batch, the acquirer's books and a receipt say
// so (I1, I4, I5), and nothing is left undecided (I3).
func (r *court) judgeTransaction(t *transaction) {
	name := t.key.STAN
	n := t.amount()
	r.judgeDebits(t, n)
	debited := -t.net(host.PositionCardholder)
	acquirer := t.net(host.PositionAcquirer) + t.net(host.PositionMerchant) + t.net(host.PositionFees)
	inBatch := t.record != nil && t.record.InBatch()
	var lines int64
	if inBatch {
		lines = n
	}
	item := t.difference()
	if lines != debited && !item {
		r.violate("I4", "sale %s: the terminal's batch says %s and the cardholder is debited %s", name, Money(lines), Money(debited))
	}
	if acquirer != debited && !item {
		r.violate("I4", "sale %s: the acquirer's side holds %s and the cardholder is debited %s", name, Money(acquirer), Money(debited))
	}
	owed := inBatch || t.record != nil && (t.record.State == terminal.Refused || t.record.State == terminal.Parked && t.record.Reason == "")
	switch {
	case owed && t.receipts == 0:
		r.violate("I5", "sale %s is %s and there is no receipt", name, t.record.State)
	case !owed && t.receipts > 0:
		r.violate("I5", "sale %s is %s and a receipt was printed", name, stateOf(t.record))
	}
	if t.record != nil {
		switch s := t.record.State; s {
		case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue:
			r.violate("I3", "the terminal's record of %s is %s", name, s)
		case terminal.Approved, terminal.Declined, terminal.Reversed, terminal.ReversedUnmatched, terminal.ReversalRefused,
			terminal.Parked, terminal.Advised, terminal.Refused:
		default:
			r.violate("I3", "the terminal's record of %s is in no known state: %s", name, s)
		}
	}
	if t.record != nil && t.record.State == terminal.Refused && decidesNothing(t.record.Code) {
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

// judgeDebits: at no time is the cardholder debited twice, or credited what was never taken (I1).
func (r *court) judgeDebits(t *transaction, n int64) {
	e := t.entries[len(t.entries)-1]
	if e == nil {
		return
	}
	var debited int64
	for _, p := range e.Postings {
		if p.From == host.PositionCardholder {
			debited += p.Amount
		}
		if p.To == host.PositionCardholder {
			debited -= p.Amount
		}
		if debited < 0 || debited > n {
			r.violate("I1", "sale %s of %s: the cardholder was debited %s", t.key.STAN, Money(n), Money(debited))
		}
	}
}

// difference tells whether somebody owns what does not agree: a host with an item, or whoever parked the record.
func (t *transaction) difference() bool {
	if t.record != nil && t.record.State == terminal.Parked {
		return true
	}
	for _, e := range t.entries {
		if e != nil && e.Difference != nil {
			return true
		}
	}
	return false
}

// whereIs says in a sentence where a transaction's money is, as one would tell the merchant.
func (t *transaction) whereIs() string {
	n := t.amount()
	debited := -t.net(host.PositionCardholder)
	batch := "no sale in the terminal's batch"
	if t.record != nil && t.record.InBatch() {
		batch = "a sale in the terminal's batch"
	}
	switch {
	case debited == 0 && batch[0] == 'n':
		return "with the cardholder: nobody is charged"
	case debited == 0:
		return "with the cardholder, and there is " + batch
	case t.net(host.PositionMerchant) > 0:
		return fmt.Sprintf("with the merchant: paid %s of %s", Money(t.net(host.PositionMerchant)), Money(n))
	case t.net(host.PositionAcquirer) != 0:
		return "with the acquirer: approved there, " + batch
	}
	return "with the issuer: the cardholder is charged, " + batch
}

// where answers for every transaction that is not at rest.
func (r *rig) where() string {
	records, err := r.journal()
	if err != nil {
		return ""
	}
	views, err := r.views()
	if err != nil {
		return ""
	}
	return whereAll(r.transactions(records, views))
}

func whereAll(transactions []*transaction) string {
	var all []string
	for _, t := range transactions {
		if t.record == nil && !t.known() {
			continue
		}
		all = append(all, t.key.STAN+" "+t.whereIs())
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
