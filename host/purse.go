package host

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/internal/pan"
)

// A purse debits itself, and its issuer hears of it by what the terminal uploads: the card's certificate (TC), which is booked once.
// If the card was torn away at the last moment, the terminal may not know that it was debited, and nothing is uploaded. Then the
// cardholder comes with the card, which has kept what it did. The issuer does not pay at once, because an upload may be late: until
// the item's deadline the certificate closes it, and after that it is the certificate that comes too late.

// CardLog is what a card says that it has done, read at its issuer's counter.
type CardLog struct {
	Account string // whose card it is
	ATC     uint16 // of the transaction that is claimed
	Amount  int64  // minor units that it has debited itself by then; 0: nothing
}

// claimPurse opens the item of a claim, once, and says why not.
func (x *Issuer) claimPurse(e *Entry, d Deed) (why string) {
	l := d.Purse
	if l == nil {
		return "that is the acquirer's to do, unless a purse's card is there"
	}
	a, atc := x.byName[l.Account], hex.EncodeToString([]byte{byte(l.ATC >> 8), byte(l.ATC)})
	var used *Entry
	if a != nil {
		used = x.counters[counter{a.Name, atc, Advice}]
	}
	switch {
	case a == nil || !a.Purse:
		return "no purse"
	case e != nil && e.Difference != nil && e.Difference.Type == PurseClaimed:
		return "" // asked for again
	case e != nil && e.State == Approved:
		return "its certificate has been booked"
	case e != nil:
		return "it was answered with " + e.ResponseCode
	case used != nil:
		return fmt.Sprintf("the certificate of counter %s was booked for %s", atc, used.Key)
	case l.Amount <= 0 || l.Amount > maxRecorded:
		return "the card has not debited itself"
	}
	today := x.book.businessDate(x.now)
	t := Transaction{
		Key: d.Key, State: Tombstone, Account: a.Name, ATC: atc, Amount: l.Amount, Currency: a.Currency,
		Card: a.PAN.Masked(), ResponseCode: codeNoOriginal, BusinessDate: today,
	}
	t.Difference = itemFor(&t, x.cfg.Name, PurseClaimed, l.Amount, x.until(), today, d.Reason)
	x.put(&Record{Transaction: &t})
	return ""
}

// waitsForClaim tells whether an entry is a claim that is not paid yet.
func (e *Entry) waitsForClaim() bool {
	return e.State == Tombstone && e.Difference.Open() && e.Difference.Type == PurseClaimed
}

// came decides about a certificate that comes while its debit is being claimed: if it is right, the claim is over.
func (x *Issuer) came(e Event, old *Entry, t Transaction, number pan.PAN) {
	if x.unstored(e, t.Kind) {
		x.refuse(e.Conn, e.Message, e.Force)
		return
	}
	claim := old.Difference
	t.Difference = claim
	o := x.decide(e, t, number)
	if o.State == Approved {
		done := o.Transaction
		done.Difference = claim.moved(ItemClosed, x.book.businessDate(x.now), "its certificate has come")
		o = x.put(&Record{Transaction: &done})
	}
	x.send(e.Conn, o.stored())
}

// payClaim gives a cardholder back what his purse has paid and nobody has asked for in time.
func (x *Issuer) payClaim(e *Entry, today string) {
	t := e.Transaction
	t.Difference = t.Difference.moved(ItemAdjusted, today, "the deadline has passed")
	x.put(&Record{Transaction: &t, Postings: moves(PositionPursePool, PositionCardholder, t.Difference.Amount)})
}
