package host

import (
	"fmt"

	"github.com/posim/posim/internal/rules"
)

// deed is what a cardholder begins at his bank: a dispute, or a claim about a purse that has paid for nothing.
func (x *Issuer) deed(d Deed) {
	e := x.book.find(d.Key)
	if d.Do == DeedClaim {
		if why := x.claimPurse(e, d); why != "" {
			x.refused(fmt.Errorf("host: %s: %s %s: %s: %w", x.cfg.Name, d.Do, d.Key, why, ErrItem))
		}
		return
	}
	if why := x.againstDispute(e, d.Do); why != "" {
		x.refused(fmt.Errorf("host: %s: %s %s: %s: %w", x.cfg.Name, d.Do, d.Key, why, ErrItem))
		return
	}
	if e.Difference != nil && (e.Difference.Stage == ItemChargedBack || e.Difference.Stage == ItemChargedBackAgain) {
		return // asked for again
	}
	t := e.Transaction
	to, today := ItemChargedBack, x.book.businessDate(x.now)
	if t.Difference != nil && t.Difference.Type == Dispute {
		to = ItemChargedBackAgain
	} else {
		t.Difference = itemFor(&t, acquirerName, Dispute, e.charged(), x.until(), today, d.Reason)
	}
	t.Difference = t.Difference.moved(to, today, d.Reason)
	t.Difference.Owner = acquirerName
	n := t.Difference.Amount
	x.put(&Record{Transaction: &t, Postings: moves(PositionSwitch, x.byName[t.Account].position(), n)})
	x.hand(&File{ID: itemFileID(FileChargeBack, e), Kind: FileChargeBack, To: acquirerName, Lines: []FileLine{{
		Key: e.Key, Kind: e.Kind, Amount: n, RRN: e.RetrievalReferenceNumber, Reason: clip(d.Reason),
	}}}, x.Apply)
}

// acquirerName is the party that disputes are settled with.
const acquirerName = "acquirer"

func (x *Issuer) againstDispute(e *Entry, deed string) string {
	switch {
	case deed != DeedChargeBack:
		return "that is the acquirer's to do"
	case e == nil || e.State != Approved || purposeOf(e.Kind) != charging || x.byName[e.Account] == nil:
		return "no sale that stands"
	case x.book.stands(e) != "":
		return x.book.stands(e)
	}
	if i := e.Difference; i != nil {
		switch {
		case i.Type != Dispute:
			return fmt.Sprintf("there is an item already: %v", i)
		case i.Stage == ItemClosed || i.Stage == ItemLost || i.Stage == ItemAccepted:
			return "the dispute is over"
		}
		return ""
	}
	if e.charged() <= 0 {
		return "the cardholder was charged nothing"
	}
	return ""
}

// read does what a file asks for.
func (x *Issuer) read(f *File) error {
	for i := range f.Lines {
		l := &f.Lines[i]
		var err error
		switch f.Kind {
		case FileAdjustment:
			err = x.adjusted(f, l)
		case FileClaim:
			x.claimed(f, l)
		case FileRepresentment:
			err = x.represented(l)
		default:
			return ErrFile
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adjusted credits the cardholder with what the acquirer gives back. One that was credited by a reversal since is not credited
// twice: then the money stays with this bank.
func (x *Issuer) adjusted(f *File, l *FileLine) error {
	e := x.book.find(l.Key)
	if l.Amount <= 0 || l.Amount > maxRecorded {
		return fmt.Errorf("adjustment of %s: amount %d: %w", l.Key, l.Amount, ErrItem)
	}
	today := x.book.businessDate(x.now)
	if e == nil { // nothing was taken here
		t := Transaction{Key: l.Key, State: Tombstone, Amount: l.Amount, ResponseCode: codeNoOriginal, BusinessDate: today}
		t.Difference = itemFor(&t, f.From, ReversalRefused, l.Amount, x.until(), today, "an adjustment of what is not known here").moved(ItemClosed, today, "")
		x.put(&Record{Transaction: &t, Postings: moves(PositionSwitch, PositionIssuer, l.Amount)})
		return nil
	}
	if i := e.Difference; i != nil && i.Stage == ItemAdjusted && x.rules.Kept(rules.AdjustOnce) {
		return nil
	}
	t := e.Transaction
	a := x.byName[t.Account]
	to := PositionIssuer
	if a != nil && (x.charged(e) >= l.Amount || !x.rules.Kept(rules.AdjustOnce)) {
		to = a.position()
	}
	t.Difference = itemFor(&t, f.From, ReversalRefused, l.Amount, x.until(), today, l.Reason).moved(ItemAdjusted, today, "")
	x.put(&Record{Transaction: &t, Postings: moves(PositionSwitch, to, l.Amount)})
	return nil
}

// charged is what a transaction and those that name it have taken from whoever pays.
func (x *Issuer) charged(e *Entry) int64 {
	n := e.charged()
	for _, d := range x.book.naming(e) {
		n += d.charged()
	}
	return n
}

// claimed decides about an acquirer's claim, and answers it. What was approved here and never taken by the acquirer is paid from
// what this bank has; what was not is taken from the cardholder now, if he has it.
func (x *Issuer) claimed(f *File, l *FileLine) {
	answer := FileLine{Key: l.Key, Kind: l.Kind, Amount: l.Amount, RRN: l.RRN, Result: resultRefused}
	e := x.book.find(l.Key)
	today := x.book.businessDate(x.now)
	var a *account
	if e != nil {
		a = x.byName[e.Account]
	}
	switch {
	case a == nil || l.Amount <= 0:
		answer.Reason = "no such transaction"
	case e.Difference != nil:
		answer.Reason = "there is an item already"
	case e.State == Approved && l.Result == TerminalOnly.String():
		answer.Result = resultAccepted
		t := e.Transaction
		t.Difference = itemFor(&t, x.cfg.Name, TerminalOnly, l.Amount, x.until(), today, "claimed").moved(ItemAccepted, today, "")
		x.put(&Record{Transaction: &t, Postings: moves(PositionIssuer, PositionSwitch, l.Amount)})
	case a.status().code() != "":
		answer.Reason = "the account is " + string(a.status())
	case a.available() < l.Amount:
		answer.Reason = "not enough funds"
	default:
		answer.Result = resultAccepted
		t := e.Transaction
		t.Difference = itemFor(&t, x.cfg.Name, TerminalOnly, l.Amount, x.until(), today, "claimed").moved(ItemAccepted, today, "")
		x.put(&Record{Transaction: &t, Postings: moves(a.position(), PositionSwitch, l.Amount)})
	}
	x.hand(&File{ID: clip("answer to " + f.ID), Kind: FileClaimAnswer, To: f.From, Lines: []FileLine{answer}}, x.Apply)
}

// represented takes the money of a sale that was charged back from the cardholder again: the acquirer has shown the slip.
func (x *Issuer) represented(l *FileLine) error {
	e := x.book.find(l.Key)
	if e == nil || e.Difference == nil || e.Difference.Type != Dispute || x.byName[e.Account] == nil {
		return fmt.Errorf("representment of %s: %w", l.Key, ErrItem)
	}
	to := ItemRepresented
	switch e.Difference.Stage {
	case ItemChargedBack:
	case ItemClosed: // it was asked for in time, and its file was late
		to = ItemAccepted
	default:
		return nil
	}
	t := e.Transaction
	today := x.book.businessDate(x.now)
	t.Difference = t.Difference.moved(to, today, l.Reason)
	t.Difference.Owner, t.Difference.Evidence = x.cfg.Name, l.Reason
	t.Difference.Deadline = x.until()
	x.put(&Record{Transaction: &t, Postings: moves(x.byName[t.Account].position(), PositionSwitch, t.Difference.Amount)})
	return nil
}

// overdue ends the disputes that nobody went on with.
func (x *Issuer) overdue() {
	today := x.book.businessDate(x.now)
	for _, e := range x.book.order {
		i := e.Difference
		if !i.Open() || i.Deadline == "" || i.Deadline >= today {
			continue
		}
		if i.Type == PurseClaimed {
			x.payClaim(e, today)
		}
		if i.Type != Dispute {
			continue
		}
		to := ItemClosed
		if i.Stage == ItemRepresented {
			to = ItemAccepted
		}
		t := e.Transaction
		t.Difference = i.moved(to, today, "the deadline has passed")
		x.put(&Record{Transaction: &t})
	}
}

// until is the deadline of what begins today.
func (x *Issuer) until() string { return x.book.in(x.now, DifferenceDays) }
