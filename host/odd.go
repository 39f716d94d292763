package host

import (
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// duplicateWindow is how soon a card that pays the same amount to the same merchant once more looks like a mistake.
const duplicateWindow = 10 * time.Minute

// purchase is what two sales have in common of which one may be a mistake.
type purchase struct {
	mid, card string
	amount    int64
}

func (t *Transaction) purchase() purchase { return purchase{t.Key.MID, t.Card, t.Amount} }

// remind keeps the newest sale of its kind.
func (x *Relay) remind(e *Entry) {
	if x.cfg.Acquirer && e.State == Approved && e.Kind == dialect.KindSale {
		x.recent[e.purchase()] = e
	}
}

// doubles tells whether a sale that is being approved may be paid twice. It is approved all the same: only people know.
func (x *Relay) doubles(t *Transaction) bool {
	if !x.cfg.Acquirer || t.Kind != dialect.KindSale || t.State != Approved {
		return false
	}
	e := x.recent[t.purchase()]
	return e != nil && e.Key != t.Key && e.State == Approved && x.book.undone(e, Approved) == nil && x.now.Sub(e.Opened) <= duplicateWindow
}

// gone opens the item of a sale that was approved offline and is refused now: the goods are gone. By contract the merchant bears
// it, and nothing is posted; or the acquirer does, who owes him the sale then.
func (x *Relay) gone(t *Transaction) []Posting {
	if !x.cfg.Acquirer || t.Kind != dialect.KindOfflineSale || t.State != Declined || t.Amount <= 0 || t.Difference != nil {
		return nil
	}
	i := x.item(t, OfflineRefused, t.Amount, fmt.Sprintf("approved offline, refused with %s", t.ResponseCode))
	i = i.moved(ItemLost, x.book.businessDate(x.now), "by contract")
	i.Bearer = BearerMerchant
	var posts []Posting
	if x.cfg.Clearing.OfflineRefused == BearerAcquirer {
		i.Bearer = x.cfg.Name
		posts = []Posting{{PositionLoss + x.cfg.Name, PositionAcquirer, t.Amount}}
	}
	t.Difference = i
	return posts
}

// payable tells whether the merchant is paid a transaction: an approved one, or one that was settled in his favour, unless the money
// is to go back, or nobody knows.
func (e *Entry) payable() bool {
	switch i := e.Difference; {
	case i.Open() && (i.Type.long() || i.Type == Dispute && i.Stage != ItemRepresented), e.Net(PositionSuspense) > 0:
		return false
	case e.State == Approved:
		return purposeOf(e.Kind) == charging
	default:
		return i != nil && (i.Stage == ItemLost || i.Stage == ItemAccepted) && e.Net(PositionAcquirer) > 0
	}
}
