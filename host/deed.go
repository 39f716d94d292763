package host

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// What people do about an item. Each deed is one record: the item's next stage, and the money that goes with it. What the other
// side has to do with it goes as a file, whose ID is the item's and the stage's, so that it is done once however often it comes.
const (
	DeedAdjust     = "adjust"          // give the money back to the cardholder: a credit adjustment
	DeedClaim      = "claim"           // ask the cardholder's bank for what is missing
	DeedChargeBack = "charge-back"     // at the issuer: take the money back for the cardholder
	DeedRepresent  = "represent"       // ask for it again, with the slip
	DeedWriteOff   = "write-off"       // bear it
	DeedRelease    = "release"         // let a sale that risk control holds be paid out
	DeedReturn     = "return"          // give it back to the cardholder
	DeedCorrect    = "correct-account" // where its merchant is paid from now on
	DeedSuspend    = "suspend"         // the terminal may not ask any more
	DeedLift       = "lift"            // it may again
	DeedOpened     = "opened"          // somebody reports that the terminal's case was opened
	DeedReverse    = "reverse"         // at the acquirer, without an item: undo what a terminal that is gone cannot
)

// Deeds lists them.
func Deeds() []string {
	return []string{DeedAdjust, DeedClaim, DeedChargeBack, DeedRepresent, DeedWriteOff, DeedRelease, DeedReturn, DeedReverse}
}

// Deed is what somebody behind the desk does about a transaction.
type Deed struct {
	Do      string
	Key     dialect.Key
	Reason  string
	MID     string   // of correct-account
	TID     string   // of suspend, lift and opened
	Account Standing // of correct-account: how the other account stands
	Purse   *CardLog // of a claim at the issuer: what the card says that it has done
}

// DeedThen has something done about a transaction, and calls done on the party's clock once that is durable, or with why it is
// not done (ErrItem). A party that stops calls nobody.
func (p *Party) DeedThen(d Deed, done func(error)) {
	p.later(Event{Kind: EventDeed, Deed: d, done: done})
}

// deed does what somebody behind this desk wants.
func (x *Relay) deed(d Deed) {
	if why, mine := x.paymentDeed(d); mine {
		if why != "" {
			x.refused(fmt.Errorf("host: %s: %s: %s: %w", x.cfg.Name, d.Do, why, ErrItem))
		}
		return
	}
	e := x.book.find(d.Key)
	if e != nil && d.Do == DeedReverse {
		if why := x.reverseByHand(e, d.Reason); why != "" {
			x.refused(fmt.Errorf("host: %s: %s %s: %s: %w", x.cfg.Name, d.Do, d.Key, why, ErrItem))
		}
		return
	}
	if e == nil || e.Difference == nil {
		x.refused(fmt.Errorf("host: %s: %s %s: no item: %w", x.cfg.Name, d.Do, d.Key, ErrItem))
		return
	}
	if why := x.do(e, d.Do, d.Reason); why != "" {
		x.refused(fmt.Errorf("host: %s: %s %s: %s: %w", x.cfg.Name, d.Do, d.Key, why, ErrItem))
	}
}

// do does something about an item, and says why not.
func (x *Relay) do(e *Entry, deed, reason string) (why string) {
	i := e.Difference
	switch deed {
	case DeedAdjust:
		switch {
		case i.Stage == ItemAdjusted && x.rules.Kept(rules.AdjustOnce): // asked for again
		case i.Stage != ItemOpen && i.Stage != ItemAdjusted || !i.Type.long():
			return i.wrong("only what is open and too much is given back")
		default:
			x.adjust(e, reason)
		}
	case DeedClaim:
		switch {
		case i.Stage == ItemClaimed:
		case i.Stage != ItemOpen || !i.Type.short() || i.Type == RefundUncovered:
			return i.wrong("only what is open and missing is claimed")
		default:
			x.advance(e, ItemClaimed, reason, nil)
			x.handItem(FileClaim, e, i.Type.String(), reason)
		}
	case DeedRepresent:
		switch {
		case i.Stage == ItemRepresented:
		case i.Type != Dispute || i.Stage != ItemChargedBack:
			return i.wrong("only what was charged back once is asked for again")
		case e.Signature == nil:
			return "no slip: what is asked for again needs evidence"
		default:
			x.represent(e, reason)
		}
	case DeedWriteOff:
		switch {
		case i.Stage == ItemLost:
		case i.Type.long() || i.Type == PurseClaimed || i.Type == FeeDiffers || i.Type == ReversedByHand || i.Type == ReturnedPayout || i.Stage == ItemClaimed || !i.Open() || i.Stage == ItemRepresented:
			return i.wrong("only what is missing is borne")
		default:
			x.bear(e, reason)
		}
	default:
		return fmt.Sprintf("want one of %v", Deeds())
	}
	return ""
}

func (i *Item) wrong(why string) string { return fmt.Sprintf("%v item, %v: %s", i.Type, i.Stage, why) }

// advance moves an item on, with its money.
func (x *Relay) advance(e *Entry, to ItemStage, why string, posts []Posting) {
	t := e.Transaction
	t.Difference = t.Difference.moved(to, x.book.businessDate(x.now), why)
	x.put(t, posts...)
}

// handItem hands the issuer what an item asks of it.
func (x *Relay) handItem(k FileKind, e *Entry, result, reason string) {
	f := &File{Kind: k, To: issuerName, Lines: []FileLine{{
		Key: e.Key, Kind: e.Kind, Amount: e.Difference.Amount, RRN: e.RetrievalReferenceNumber, Result: result, Reason: clip(reason),
	}}}
	if x.rules.Kept(rules.AdjustOnce) {
		f.ID = itemFileID(k, e)
	}
	x.hand(f, x.Apply)
}

// itemFileID is the same for the same step of the same item.
func itemFileID(k FileKind, e *Entry) string {
	return clip(fmt.Sprintf("%v %s %d", k, e.Key, len(e.Difference.History)))
}

// clip keeps a text as short as a file's line has room for, and whole characters of it.
func clip(s string) string {
	n := min(len(s), maxFileText)
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// issuerName is the party that difference items are settled with.
const issuerName = "issuer"

// adjust gives a long item's money back: it stands with the switch until the cardholder's bank has the adjustment.
func (x *Relay) adjust(e *Entry, why string) {
	t := e.Transaction
	posts := x.givesBack(e, &t, t.Difference.Amount)
	t.Difference = t.Difference.moved(ItemAdjusted, x.book.businessDate(x.now), why)
	x.put(t, posts...)
	x.handItem(FileAdjustment, e, "", why)
}

// givesBack takes n from whoever has it: what is in suspense, what the merchant is still owed, or what he was paid; and where this
// party has undone the transaction already, from the cardholder's bank, which has not.
func (x *Relay) givesBack(e *Entry, t *Transaction, n int64) (posts []Posting) {
	take := func(from string, most int64) {
		if m := min(n, most); m > 0 {
			posts = append(posts, Posting{from, PositionSwitch, m})
			n -= m
		}
	}
	take(PositionSuspense, e.Net(PositionSuspense))
	if !e.Leaving() { // what is on its way to the merchant is taken from him
		take(PositionAcquirer, e.Net(PositionAcquirer))
	}
	switch {
	case n == 0:
	case !e.Leaving() || e.State != Approved:
		take(PositionIssuer, n)
	case x.cfg.Refunds.NoPayout:
		take(PositionLoss+x.cfg.Name, n)
	default:
		share := int64(0)
		if total := x.book.amount(e); !x.cfg.Refunds.kept() && total > 0 {
			share = t.Fee * min(n, total) / total
		}
		take(PositionMerchant, n)
		if share > 0 {
			t.Fee -= share
			posts = append(posts, Posting{PositionFees, PositionMerchant, share})
		}
	}
	return posts
}

// bear books what is missing to the item's owner.
func (x *Relay) bear(e *Entry, why string) {
	t := e.Transaction
	i := t.Difference.moved(ItemLost, x.book.businessDate(x.now), why)
	i.Bearer = i.Owner
	t.Difference = i
	if i.Type == Dispute {
		x.put(t, x.repays(e, &t, PositionLoss+i.Owner)...)
		return
	}
	x.put(t, x.filled(e, PositionLoss+i.Owner)...)
}

// filled is the postings that fill what an item misses, from a position that has it. What was credited without cover is covered
// at the cardholder's bank, and comes out of suspense; what was not credited is now.
func (x *Relay) filled(e *Entry, from string) (posts []Posting) {
	i := e.Difference
	switch i.Type {
	case AcquirerOnly, SwitchLess:
		posts = append(posts, Posting{from, PositionIssuer, i.Amount})
		return append(posts, moves(PositionSuspense, PositionAcquirer, max(0, e.Net(PositionSuspense)))...)
	case RefundUncovered, RefundNetted: // less what has been netted since
		return moves(from, PositionAcquirer, max(0, -e.Net(PositionAcquirer)))
	case AdviceRefused:
		return append(posts, Posting{from, PositionSwitch, i.Amount})
	}
	return append(posts, Posting{from, PositionAcquirer, i.Amount})
}

// chargedBack is a file by which the cardholder's bank takes money back.
func (x *Relay) chargedBack(l *FileLine) error {
	e := x.book.find(l.Key)
	if e == nil || e.State != Approved || l.Amount <= 0 || l.Amount > x.book.amount(e) {
		return fmt.Errorf("charge-back of %s: %w", l.Key, ErrItem)
	}
	t := e.Transaction
	to := ItemChargedBack
	if i := t.Difference; i != nil && i.Type == Dispute {
		switch i.Stage {
		case ItemRepresented, ItemAccepted: // the deadline may have passed while the file was late
			to = ItemChargedBackAgain
		default: // it has come already
			return nil
		}
	} else {
		t.Difference = x.item(&t, Dispute, l.Amount, l.Reason)
	}
	posts := x.givesBack(e, &t, l.Amount)
	t.Difference = t.Difference.moved(to, x.book.businessDate(x.now), l.Reason)
	t.Difference.Deadline = x.deadline()
	x.put(t, posts...)
	return nil
}

// represent asks for a charged-back sale again: the money comes back with the file.
func (x *Relay) represent(e *Entry, why string) {
	t := e.Transaction
	t.Difference = t.Difference.moved(ItemRepresented, x.book.businessDate(x.now), why)
	t.Difference.Evidence, t.Difference.Deadline = t.evidence(), x.deadline()
	x.put(t, x.repays(e, &t, PositionSwitch)...)
	x.handItem(FileRepresentment, e, "", t.Difference.Evidence)
}

// repays gives what was charged back to the merchant again, or to the acquirer who still owes it to him, with the fee that had gone
// back with it.
func (x *Relay) repays(e *Entry, t *Transaction, from string) []Posting {
	n := t.Difference.Amount
	if !e.Leaving() {
		return moves(from, PositionAcquirer, n)
	}
	fee := max(0, min(n, x.plan(t).Of(t.CardType, t.FeeOf))-t.Fee)
	t.Fee += fee
	return append(moves(from, PositionMerchant, n), moves(PositionMerchant, PositionFees, fee)...)
}

// deadline is that of what begins today. The business date may be ahead of the clock.
func (x *Relay) deadline() string { return x.book.in(x.now, x.cfg.Clearing.days()) }

// in is the date so many calendar days from now.
func (b *book) in(now time.Time, days int) string {
	from := now
	if day, err := time.Parse(dateForm, b.date); err == nil && day.After(from) {
		from = day
	}
	return from.AddDate(0, 0, days).Format(dateForm)
}

// answered is what the cardholder's bank says to a claim.
func (x *Relay) answered(l *FileLine) error {
	e := x.book.find(l.Key)
	if e == nil || e.Difference == nil || e.Difference.Stage != ItemClaimed {
		return nil // a copy, in another file
	}
	if l.Result != resultAccepted {
		x.advance(e, ItemRefused, l.Reason, nil)
		return nil
	}
	x.advance(e, ItemAccepted, l.Reason, x.filled(e, PositionSwitch))
	return nil
}

// The words of an answer to a claim.
const (
	resultAccepted = "accepted"
	resultRefused  = "refused"
)

// overdue does about the items whose deadline has passed what the rules of the house say: too much goes back to the cardholder,
// what is missing is the acquirer's loss, and a dispute ends as it stands.
func (x *Relay) overdue() {
	today := x.book.businessDate(x.now)
	for _, e := range x.book.order {
		i := e.Difference
		if !i.Open() || i.Deadline == "" || i.Deadline >= today {
			continue
		}
		const why = "the deadline has passed"
		switch {
		case i.Stage == ItemClaimed, i.Type == ReturnedPayout: // an answer comes, or an account
		case i.Stage == ItemChargedBack, i.Stage == ItemChargedBackAgain:
			x.advance(e, ItemClosed, why, nil)
		case i.Stage == ItemRepresented:
			x.advance(e, ItemAccepted, why, nil)
		case i.Type == FeeDiffers, i.Type == ReversedByHand:
			x.advance(e, ItemClosed, why, nil)
		case i.Type.long():
			x.adjust(e, why)
		default:
			x.bear(e, why)
		}
	}
}
