package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// ErrUnknownAccount is an order about an account that the issuer does not have.
var ErrUnknownAccount = errors.New("no such account")

// IssuerConfig is what an issuer knows.
type IssuerConfig struct {
	Name            string // "issuer": the owner of its difference items
	Below           Hop    // the line from the switch
	Module          *hsm.Module
	TokenKey        hsm.Key // M3: makes card tokens; the same for the life of the log
	PINReferenceKey hsm.Key // V0; may be zero if no account has a PIN
	OrderPINKey     hsm.Key // P0: PIN blocks of orders are under it; zero: no PIN can be changed
	Accounts        []Account
	Rules           rules.Set // rules left out
}

// Issuer holds the accounts and decides.
type Issuer struct {
	desk
	cfg      IssuerConfig
	byPAN    map[pan.PAN]*account
	byCode   map[string]*account // wallets
	byName   map[string]*account
	counters map[counter]*Entry // cryptograms that verified
}

// counter is one use of a card's transaction counter. A sale that was asked for, was reversed and then went through
// offline has one of either function.
type counter struct {
	account, atc string
	function     Function
}

// NewIssuer returns an issuer with an empty book. An account that cannot work, and two with one name or number, are errors.
func NewIssuer(cfg IssuerConfig) (*Issuer, error) {
	if cfg.Name == "" || cfg.Module == nil || cfg.TokenKey.IsZero() || cfg.Below.MAC.IsZero() {
		return nil, fmt.Errorf("host: issuer %q: want a name, a module, a token key and the MAC key of the line", cfg.Name)
	}
	x := &Issuer{cfg: cfg, byPAN: map[pan.PAN]*account{}, byCode: map[string]*account{}, byName: map[string]*account{}, counters: map[counter]*Entry{}}
	x.name = cfg.Name
	x.keeping(cfg.Rules)
	x.module, x.tokenKey = cfg.Module, cfg.TokenKey
	for _, a := range cfg.Accounts {
		if err := a.validate(); err != nil {
			return nil, err
		}
		if x.byName[a.Name] != nil || x.byPAN[a.PAN] != nil || x.byCode[a.Code] != nil {
			return nil, fmt.Errorf("host: account %q: another one has its name, its card number or its code", a.Name)
		}
		p := &account{Account: a, state: AccountState{Account: a.Name}}
		x.byName[a.Name] = p
		if a.Code != "" {
			x.byCode[a.Code] = p
		} else {
			x.byPAN[a.PAN] = p
		}
	}
	return x, nil
}

// MACKey returns the key of the line from below.
func (x *Issuer) MACKey(conn int, _ *dialect.Message) (hsm.Key, hsm.MACParams, bool) {
	return x.cfg.Below.MAC, hsm.MACParams{}, conn != 0
}

// Apply replays one record. What concerns an account that is no longer configured stays in the book alone.
func (x *Issuer) Apply(r *Record) error {
	if r.SignOn != nil || r.Cleared != nil || r.desk() || r.Merchant != nil || r.Credit != nil || r.Duty != nil {
		return fmt.Errorf("host: %s: a record of an acquirer", x.cfg.Name)
	}
	held := x.held(r.Transaction)
	if err := x.book.apply(r); err != nil {
		return err
	}
	if r.Account != nil {
		if a := x.byName[r.Account.Account]; a != nil {
			a.state = *r.Account
		}
	}
	t := r.Transaction
	if t == nil {
		return nil
	}
	if t.ATC != "" {
		x.counters[counter{t.Account, t.ATC, t.Function}] = x.book.find(t.Key)
	}
	if a := x.byName[t.Account]; a != nil {
		for _, p := range r.Postings {
			switch a.position() {
			case p.From:
				a.moved -= p.Amount
			case p.To:
				a.moved += p.Amount
			}
			if a.Purse && p.To == PositionCardholder {
				a.claimed += p.Amount
			}
		}
	}
	if p := x.book.preAuth(x.book.find(t.Key)); p != nil {
		if a := x.byName[p.Account]; a != nil {
			a.held += p.Hold - held
		}
	}
	return nil
}

// held is what the pre-authorisation that t is about holds, before t is known.
func (x *Issuer) held(t *Transaction) int64 {
	if t == nil {
		return 0
	}
	e := x.book.find(t.Key)
	if e == nil {
		e = &Entry{Transaction: *t}
	}
	if p := x.book.preAuth(e); p != nil {
		return p.Hold
	}
	return 0
}

// Step reacts to one event.
func (x *Issuer) Step(now time.Time, e Event) []Effect {
	x.begin(now)
	switch e.Kind {
	case EventMessage:
		x.message(e)
	case EventCalendar:
		x.calendar(e.Calendar)
	case EventAdmin:
		x.admin(e.Admin)
	case EventTimer:
		if o := x.book.find(e.Timer.Key); o != nil {
			x.agreed(o)
		}
	case EventDeed:
		x.deed(e.Deed)
	case EventBoot:
		for _, o := range x.book.order {
			x.askOwner(o)
		}
		x.handAgain()
	case EventFile:
		x.took(e.File, x.Apply, x.read)
	}
	return x.fx
}

func (x *Issuer) message(e Event) {
	m := e.Message
	switch {
	case dialect.IsAnswer(m.MTI) || e.Conn == 0:
		x.unmatched(m)
		return
	case dialect.Class(m.MTI) == dialect.ClassNetworkManagement:
		x.network(e)
		return
	case e.MACBad:
		x.refuse(e.Conn, m, codeBadMAC)
		return
	}
	switch kind := kindOf(m); {
	case dialect.Class(m.MTI) == dialect.ClassReversal:
		x.reversal(e)
	case tellsStandIn(m):
		x.standIn(e)
	case kind == dialect.KindScriptResult:
		x.scriptResult(e)
	case transacts(kind):
		x.request(e, kind)
	default:
		x.refuse(e.Conn, m, codeInvalidTransaction)
	}
}

// network is an 0800: only an echo has a place between hosts.
func (x *Issuer) network(e Event) {
	switch {
	case e.Force != "" && !dialect.Approves(e.Force):
		x.refuse(e.Conn, e.Message, e.Force)
	case e.Message.NetworkManagementCode == dialect.NetworkEcho:
		x.refuse(e.Conn, e.Message, codeApproved)
	default:
		x.refuse(e.Conn, e.Message, codeInvalidTransaction)
	}
}

// request decides a request or an advice, once for every key.
func (x *Issuer) request(e Event, k dialect.Kind) {
	m := e.Message
	t, number, code := x.opening(m, k)
	if code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	f := t.Function
	t.Original = m.OriginalKey()
	old := x.decides(e, t.Key)
	switch {
	case old == nil || old.State != Tombstone && old.Function == f && !x.rules.Kept(rules.ReplayDuplicates):
		if x.unstored(e, t.Kind) {
			x.refuse(e.Conn, e.Message, e.Force)
			return
		}
		if o := x.decide(e, t, number); o.State == Pending {
			o.conn = e.Conn
			x.askOwner(o)
		} else {
			x.send(e.Conn, o.stored())
		}
	case old.waitsForClaim() && f == Advice:
		x.came(e, old, t, number)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case !old.sameAs(&t):
		x.refuse(e.Conn, m, codeDuplicate)
	case old.State == Pending: // its owner has not agreed yet
		old.conn = e.Conn
	case old.State == Reversed:
		x.send(e.Conn, old.late())
	default:
		x.send(e.Conn, old.stored())
	}
}

// reversal is a 0400, 0401, 0420 or 0421.
func (x *Issuer) reversal(e Event) {
	m := e.Message
	if code := x.unusable(e); code != "" {
		x.refuse(e.Conn, m, code)
		return
	}
	old := x.find(m.Key())
	if old != nil {
		x.learnReversed(m, old)
	}
	switch {
	case old == nil:
		if x.rules.Kept(rules.IssuerRemembersUnmatched) {
			x.add(x.tombstone(m), x.Apply)
		}
		x.refuse(e.Conn, m, codeNoOriginal)
	case old.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case old.State == Declined, old.State == Reversed && x.rules.Kept(rules.IssuerCreditsOnce):
		x.acknowledge(e.Conn, m, old, codeApproved)
	case old.Function == Advice || old.settled() || old.Kind == dialect.KindBalance || old.State == Approved && x.book.stands(old) != "":
		x.acknowledge(e.Conn, m, old, codeInvalidTransaction)
	default:
		t := old.Transaction
		t.State, t.ReversalReason = Reversed, m.ReversalReason
		posts := x.undoing(old)
		if a := x.byName[t.Account]; a != nil && len(posts) > 0 && posts[0].To == PositionIssuer && posts[0].Amount > a.available() {
			t.Overdrawn = true
			t.Note = "overdrawn: the money of the void was spent" // and still has to come back
		}
		x.put(&Record{Transaction: &t, Postings: posts})
		x.acknowledge(e.Conn, m, old, codeApproved)
	}
}

func (x *Issuer) put(r *Record) *Entry {
	x.add(r, x.Apply)
	return x.book.find(r.Transaction.Key)
}

// admin changes an account from outside. An unknown account or status changes nothing, and is reported.
func (x *Issuer) admin(c Admin) {
	a := x.byName[c.Account]
	switch {
	case a == nil:
		x.refused(fmt.Errorf("host: account %q: %w", c.Account, ErrUnknownAccount))
		return
	case c.Status != "" && !c.Status.known():
		x.refused(fmt.Errorf("host: account %q: status %q: want active, lost, stolen, restricted, frozen or closed", c.Account, c.Status))
		return
	case c.Answer != "" && c.Answer != AnswerOwn && !Declines(c.Answer):
		x.refused(fmt.Errorf("host: account %q: answer %q: want a code that declines, such as 01, or %s", c.Account, c.Answer, AnswerOwn))
		return
	}
	if err := c.checkMore(a); err != nil {
		x.refused(fmt.Errorf("host: account %q: %w", c.Account, err))
		return
	}
	s := a.state
	if c.Limits != nil {
		s.Limits = *c.Limits
	}
	if c.OwnerWait != nil {
		s.OwnerWait = *c.OwnerWait
	}
	if c.Status != "" {
		s.Status = c.Status
	}
	if c.SetBalance {
		s.Adjustment += c.Balance - a.available()
	}
	switch c.Answer {
	case "":
	case AnswerOwn:
		s.Answer = ""
	default:
		s.Answer = c.Answer
	}
	if err := x.give(a, &s, c.Script); err != nil {
		x.refused(err)
		return
	}
	x.keep(a, &Record{}, &decision{state: s, changed: true})
	if c.OwnerWait != nil && *c.OwnerWait == 0 {
		x.agreedAll(a)
	}
}
