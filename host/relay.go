package host

import (
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// Hop is the keys of a line between two hosts.
type Hop struct {
	MAC hsm.Key // M3
	PIN hsm.Key // P0; may be zero where no PIN travels
}

// How long a relay waits for the next hop, when it repeats a reversal, and what a relay has by default.
const (
	AcquirerWait   = 45 * time.Second
	SwitchWait     = 30 * time.Second
	ReversalRepeat = 30 * time.Second
	// MaxReversalRepeat is what ReversalRepeat grows to, doubled each time, while nobody acknowledges.
	MaxReversalRepeat = 15 * time.Minute
	// DifferenceDays is how long people have to settle a difference item.
	DifferenceDays = 20
)

// RelayConfig makes a Relay an acquirer or a switch. The differences are these fields and nothing else.
type RelayConfig struct {
	Name     string // "acquirer", "switch": the owner of its difference items
	Acquirer bool   // faces terminals: signs them on, gives retrieval reference numbers, posts what it owes and pays it out

	Terminals []TerminalKeys // acquirer
	Below     Hop            // switch: the line from the acquirer
	Above     Hop            // the line to the next hop
	Module    *hsm.Module
	TokenKey  hsm.Key // M3: makes card tokens; the same for the life of the log

	Plan       *FeePlan          // acquirer: of terminals that have none; nil: StandardPlan
	Books      *Booking          // acquirer: what every sale is booked as instead of what it is; nil: as what it is
	BINs       BINs              // acquirer: of which type cards are; who is in no table pays as a credit card does
	Refunds    RefundPolicy      // acquirer
	StandIn    *StandIn          // switch: what it may approve in the issuer's place; acquirer: such approvals are taken; nil: none
	SealKey    hsm.Key           // switch that stands in: seals what its advices need
	PayTo      Standing          // acquirer: how the accounts stand that its merchants are paid to; "": open
	Clearing   ClearingPolicy    // acquirer
	Risk       []RiskRule        // acquirer: which sales are held back
	Aggregator *AggregatorConfig // acquirer: who is paid for its merchants; nil: they are
	Rules      rules.Set         // rules left out
}

// wait is for the next hop's answer.
func (c *RelayConfig) wait() time.Duration {
	if c.Acquirer {
		return AcquirerWait
	}
	return SwitchWait
}

func (c *RelayConfig) validate() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("host: relay without a name")
	case c.Module == nil || c.TokenKey.IsZero() || c.Above.MAC.IsZero():
		return fmt.Errorf("host: %s: want a module, a token key and the MAC key of the line up", c.Name)
	case !c.Acquirer && c.Below.MAC.IsZero():
		return fmt.Errorf("host: %s: want the MAC key of the line from below", c.Name)
	case !c.Acquirer && len(c.Terminals) > 0:
		return fmt.Errorf("host: %s: terminals are an acquirer's", c.Name)
	}
	if c.Plan == nil {
		c.Plan = StandardPlan()
	}
	if err := c.Plan.Validate(); err != nil {
		return err
	}
	if err := c.Books.validate(); err != nil {
		return fmt.Errorf("host: %s: %w", c.Name, err)
	}
	if err := c.Refunds.validate(); err != nil {
		return fmt.Errorf("host: %s: %w", c.Name, err)
	}
	if err := c.StandIn.validate(); err != nil {
		return fmt.Errorf("host: %s: %w", c.Name, err)
	}
	if c.StandIn != nil && !c.Acquirer && c.SealKey.IsZero() {
		return fmt.Errorf("host: %s: want a key that seals, to stand in", c.Name)
	}
	if err := c.Clearing.validate(); err != nil {
		return fmt.Errorf("host: %s: %w", c.Name, err)
	}
	if err := c.Aggregator.validate(); err != nil {
		return fmt.Errorf("host: %s: %w", c.Name, err)
	}
	return CheckRisk(c.Risk)
}

// Relay passes requests up and answers down, and remembers: an acquirer or a switch.
type Relay struct {
	desk
	cfg       RelayConfig
	terminals map[string]*terminal // by TID
	ledgers   map[batchID]ledger   // acquirer: what is in the batches that are not closed
	waiting   map[dialect.Key]waiting
	terminal  TerminalList        // acquirer: what the batches say that were not equal
	recent    map[purchase]*Entry // acquirer: the newest of its kind
}

// NewRelay returns a relay with an empty book. A configuration that cannot work is an error.
func NewRelay(cfg RelayConfig) (*Relay, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	x := &Relay{cfg: cfg, terminals: map[string]*terminal{}, ledgers: map[batchID]ledger{}, waiting: map[dialect.Key]waiting{},
		terminal: TerminalList{Closed: map[dialect.Key]bool{}}, recent: map[purchase]*Entry{}}
	x.name = cfg.Name
	x.keeping(cfg.Rules)
	x.module, x.tokenKey = cfg.Module, cfg.TokenKey
	for _, t := range cfg.Terminals {
		if err := t.validate(); err != nil {
			return nil, fmt.Errorf("host: %s: %w", cfg.Name, err)
		}
		if x.terminals[t.TID] != nil {
			return nil, fmt.Errorf("host: %s: terminal %s: want it once", cfg.Name, t.TID)
		}
		x.terminals[t.TID] = &terminal{TerminalKeys: t}
	}
	return x, nil
}

// Apply replays one record.
func (x *Relay) Apply(r *Record) error {
	if r.Account != nil {
		return fmt.Errorf("host: %s: a record of an issuer", x.cfg.Name)
	}
	if r.Credit != nil || r.Duty != nil {
		return fmt.Errorf("host: %s: a record of a bank", x.cfg.Name)
	}
	if (r.desk() || r.Merchant != nil) && !x.cfg.Acquirer {
		return fmt.Errorf("host: %s: a record of an acquirer", x.cfg.Name)
	}
	before := len(x.book.order)
	if b := r.Batch; b != nil && b.State == BatchClosed {
		x.heard(b)
	}
	if err := x.book.apply(r); err != nil {
		return err
	}
	if len(x.book.order) > before {
		x.file(x.book.order[before])
	}
	if r.Transaction != nil {
		x.remind(x.book.find(r.Transaction.Key))
	}
	if b := r.Batch; b != nil && b.State == BatchClosed {
		delete(x.ledgers, b.id())
	}
	if s := r.SignOn; s != nil {
		if t := x.terminals[s.Key.TID]; t != nil { // a terminal that is no longer configured has no session
			t.session = s
		}
	}
	return nil
}

// Step reacts to one event.
func (x *Relay) Step(now time.Time, e Event) []Effect {
	x.begin(now)
	if e.Message != nil && e.Conn != 0 {
		x.ksn = e.Message.KeySerialNumber
	}
	switch e.Kind {
	case EventBoot:
		x.boot()
	case EventMessage:
		if e.Conn == 0 {
			x.fromAbove(e)
		} else {
			x.fromBelow(e)
		}
	case EventTimer:
		x.timer(e.Timer)
	case EventCalendar:
		x.calendar(e.Calendar)
	case EventTerminal:
		x.order(e.Terminal)
	case EventFile:
		x.took(e.File, x.Apply, x.read)
	case EventDeed:
		x.deed(e.Deed)
	}
	x.finish()
	return x.fx
}

// put makes t the transaction's new image.
func (x *Relay) put(t Transaction, posts ...Posting) *Entry {
	x.add(&Record{Transaction: &t, Postings: posts}, x.Apply)
	e := x.book.find(t.Key)
	if t.State != Pending {
		e.request = nil
	}
	return e
}

// believe is a put that is not durable: a naive relay's, which a crash makes forget. The record is what a later write owes.
func (x *Relay) believe(t Transaction, posts ...Posting) (*Entry, *Record) {
	r := &Record{At: x.now, Transaction: &t, Postings: posts}
	if err := x.Apply(r); err != nil {
		panic("host: a machine refused its own record: " + err.Error()) // as in add
	}
	return x.book.find(t.Key), r
}

// pend makes t pending, durably where the rule is kept.
func (x *Relay) pend(t Transaction, logged rules.Rule) *Entry {
	if x.rules.Kept(logged) {
		return x.put(t)
	}
	e, _ := x.believe(t)
	return e
}

// nobody is the connection of whoever has been answered already.
const nobody = -1

// fromBelow is a message from a terminal, or from the acquirer.
func (x *Relay) fromBelow(e Event) {
	m := e.Message
	kind := kindOf(m)
	switch {
	case dialect.IsAnswer(m.MTI):
		x.unmatched(m)
		return
	case dialect.Class(m.MTI) == dialect.ClassNetworkManagement:
		x.network(e)
		return
	case e.MACBad:
		x.fx = append(x.fx, Effect{Send: &Send{Conn: e.Conn, Message: answerTo(m, x.unverified(e)), Plain: x.cfg.Acquirer}})
		if x.rules.Kept(rules.StaleKeyChangesNothing) || !transacts(kind) || functionOf(kind) != Sale || dialect.Class(m.MTI) == dialect.ClassReversal {
			return
		}
		e.Conn = nobody
	case x.cfg.Acquirer && !x.knows(e):
		x.refuse(e.Conn, m, x.stranger(e))
		return
	}
	if x.cfg.Acquirer && !e.MACBad {
		x.watchDevice(x.terminals[m.CardAcceptorTerminalIdentification], m.KeySerialNumber)
	}
	if !e.MACBad && (x.atDesk(e) || x.turnedAway(e)) {
		return
	}
	clear, err := x.clearTrack(m)
	if err != nil {
		x.refuse(e.Conn, m, codeFormat)
		return
	}
	e.Message = clear
	switch {
	case dialect.Class(m.MTI) == dialect.ClassReversal:
		x.reversal(e)
	case kind == dialect.KindQRQuery:
		x.query(e)
	case kind == dialect.KindQRCancel:
		x.cancelQR(e)
	case !transacts(kind):
		x.refuse(e.Conn, m, codeInvalidTransaction)
	case functionOf(kind) == Advice:
		x.advice(e, kind)
	default:
		x.request(e, kind)
	}
}

// boot resolves what a restart left open. Whoever asked is gone: a pending request is declined, and reversed above, where
// it may have been approved. A pending advice waits for its repeat.
func (x *Relay) boot() {
	x.handAgain()
	for _, e := range x.book.order {
		if e.State == Pending && (e.Function == Sale || !x.rules.Kept(rules.AdviceOutlivesBoot)) {
			x.declineAndReverse(e, codeIssuerInoperative, "pending at boot", dialect.ReasonNoAnswer)
		} else if e.ReversalDue {
			x.sendReversal(e, true)
		} else {
			x.advise(e, true)
		}
	}
}

func (x *Relay) timer(t Timer) {
	e := x.book.find(t.Key)
	switch {
	case e == nil:
	case t.Kind == TimerAnswer && e.State == Pending && (e.Function == Sale || !x.rules.Kept(rules.NoAdviceTimer)):
		if x.asksAgain(e) || x.standIn(e) {
			return
		}
		x.declineAndReverse(e, codeNoAnswer, "no answer from above", dialect.ReasonNoAnswer)
	case t.Kind == TimerReversal && e.ReversalDue:
		x.sendReversal(e, true)
	case t.Kind == TimerAdvice:
		x.advise(e, true)
	}
}

// declineAndReverse decides against a request that was forwarded: the next hop may have approved it (A2).
func (x *Relay) declineAndReverse(e *Entry, code, note, reason string) {
	t := e.Transaction
	t.State, t.ResponseCode, t.Note = Declined, code, note
	if x.rules.Kept(rules.ReverseUpstream) && t.Kind != dialect.KindBalance { // nothing has moved
		t.ReversalDue, t.ReversalReason = true, reason
	}
	x.put(t)
	x.answer(e)
	if e.ReversalDue {
		x.sendReversal(e, false)
	}
}

// read does what a file of another party asks for.
func (x *Relay) read(f *File) error {
	if !x.cfg.Acquirer {
		return ErrFile
	}
	switch f.Kind {
	case FilePayoutResult:
		return x.paidOut(f)
	case FilePassedOn:
		return x.passedOn(f)
	case FileClearing:
		x.cleared(f)
		return nil
	}
	for i := range f.Lines {
		var err error
		switch l := &f.Lines[i]; f.Kind {
		case FileClaimAnswer:
			err = x.answered(l)
		case FileChargeBack:
			err = x.chargedBack(l)
		default:
			err = ErrFile
		}
		if err != nil {
			return err
		}
	}
	return nil
}
