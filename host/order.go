package host

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
)

// When says in what form, and so at which moment, a card gets an order.
type When string

// The forms.
const (
	BeforeFinal When = "before" // a script that runs before the second GENERATE AC (tag 71)
	AfterFinal  When = "after"  // a script that runs after it (tag 72)
	InProof     When = "csu"    // bits of the card status update in the issuer authentication data (tag 91), where it has them
)

// The commands that an issuer gives a card (EMV Book 3, 6.5), by the names that orders have for them.
const (
	BlockApplication   = "block-application"
	UnblockApplication = "unblock-application"
	BlockCard          = "block-card"
	UnblockPIN         = "unblock-pin" // the card's PIN try counter starts again
	ChangePIN          = "change-pin"  // the same, with another PIN
	PutData            = "put-data"
	UpdateRecord       = "update-record"
)

// OrderForms and OrderCommands list what an order can say.
func OrderForms() []string { return []string{string(BeforeFinal), string(AfterFinal), string(InProof)} }

// OrderCommands lists the commands.
func OrderCommands() []string {
	return []string{BlockApplication, UnblockApplication, BlockCard, UnblockPIN, ChangePIN, PutData, UpdateRecord}
}

// ScriptOrder is one thing that the issuer is to have a card do.
type ScriptOrder struct {
	When     When   `json:"when"`
	Command  string `json:"command"`
	Tag      int    `json:"tag,omitempty"`    // put-data: two bytes
	SFI      int    `json:"sfi,omitempty"`    // update-record: 1 to 30
	Record   int    `json:"record,omitempty"` // update-record: from 1
	Value    []byte `json:"value,omitempty"`  // put-data, update-record
	PINBlock []byte `json:"-"`                // change-pin: format 0, under IssuerConfig.OrderPINKey
}

// Limits of an order.
const (
	maxOrderValue = 64 // bytes: a script as a whole has 128
	maxOrderSFI   = 30 // Book 3, 5.3.2
	maxOrders     = 16 // that an account remembers
)

// Check refuses an order that says too little, too much, or what no card understands.
func (o *ScriptOrder) Check() error {
	known := func(all []string, s string) bool { return strings.Contains(" "+strings.Join(all, " ")+" ", " "+s+" ") }
	switch {
	case !known(OrderForms(), string(o.When)):
		return fmt.Errorf("host: order: when %q: want %s", o.When, strings.Join(OrderForms(), ", "))
	case !known(OrderCommands(), o.Command):
		return fmt.Errorf("host: order: command %q: want %s", o.Command, strings.Join(OrderCommands(), ", "))
	case o.When == InProof && inProof[o.Command] == 0:
		return fmt.Errorf("host: order: %s: a card status update says %s, %s or %s only", o.Command, BlockApplication, BlockCard, UnblockPIN)
	case (o.Command == ChangePIN) != (o.PINBlock != nil) || o.PINBlock != nil && len(o.PINBlock) != 8:
		return fmt.Errorf("host: order: %s: PIN block of %d bytes: want 8 for %s, and none otherwise", o.Command, len(o.PINBlock), ChangePIN)
	case (o.Command == PutData) != (o.Tag != 0) || o.Tag != 0 && !twoByteTag(o.Tag):
		return fmt.Errorf("host: order: %s: tag %X: want one of two bytes for %s, and none otherwise", o.Command, o.Tag, PutData)
	case (o.Command == UpdateRecord) != (o.SFI != 0 && o.Record != 0) || o.SFI < 0 || o.SFI > maxOrderSFI || o.Record < 0 || o.Record > 255:
		return fmt.Errorf("host: order: %s: SFI %d, record %d: want 1 to %d and 1 to 255 for %s, and none otherwise", o.Command, o.SFI, o.Record, maxOrderSFI, UpdateRecord)
	case (o.Command == PutData || o.Command == UpdateRecord) != (len(o.Value) > 0) || len(o.Value) > maxOrderValue:
		return fmt.Errorf("host: order: %s: value of %d bytes: want 1 to %d for %s and %s, and none otherwise", o.Command, len(o.Value), maxOrderValue, PutData, UpdateRecord)
	}
	return nil
}

// twoByteTag tells whether a tag is of two bytes and of a primitive object: PUT DATA has room for no other (Book 3, 6.5.11).
func twoByteTag(tag int) bool {
	return tag>>16 == 0 && tag>>8&0x1F == 0x1F && tag&0x80 == 0 && !tlv.Constructed(tlv.Tag(tag))
}

// OrderState is what became of an order.
type OrderState byte

// The states. What was sent waits for a proof; without one nobody knows.
const (
	OrderDue    OrderState = iota + 1 // the next answer to the card's chip takes it along
	OrderSent                         // it was in an answer; whether the card did it is not known
	OrderDone                         // the card did it
	OrderFailed                       // the card refused it
)

var orderStateNames = [...]string{"none", "due", "sent", "done", "failed"}

// OrderStates lists the states' names.
func OrderStates() []string { return append([]string(nil), orderStateNames[1:]...) }

// String names the state.
func (s OrderState) String() string { return named(orderStateNames[:], byte(s)) }

// MarshalText is String.
func (s OrderState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *OrderState) UnmarshalText(b []byte) error { return unnamed(orderStateNames[:], b, (*byte)(s)) }

// Order is a ScriptOrder that an issuer has taken, and what became of it. It holds no clear PIN.
type Order struct {
	ScriptOrder
	Number       int        `json:"number"` // its identifier in a script (tag 9F18): from 1, counted over all accounts
	State        OrderState `json:"state"`
	PINReference []byte     `json:"-"`                // change-pin: what the account's will be once the card has done it
	Sent         int        `json:"sent,omitempty"`   // how many answers it was in
	ATC          string     `json:"atc,omitempty"`    // of the transaction whose answer it was in last, hex
	Counted      int        `json:"-"`                // how many script commands that transaction's request had reported already
	Result       string     `json:"result,omitempty"` // what proved the state
}

// String is the order for people: "order 3, put-data 9F58 (after)".
func (o *Order) String() string {
	s := fmt.Sprintf("order %d, %s", o.Number, o.Command)
	switch o.Command {
	case PutData:
		s += fmt.Sprintf(" %X", o.Tag)
	case UpdateRecord:
		s += fmt.Sprintf(" %d of file %d", o.Record, o.SFI)
	}
	return s + " (" + string(o.When) + ")"
}

// Report is the order and how it stands.
func (o *Order) Report() string {
	s := o.String() + ": " + o.State.String()
	if o.State == OrderSent {
		s += ", result unknown"
	}
	if o.Result != "" {
		s += ", " + o.Result
	}
	return s
}

// identifier is the order's issuer script identifier (tag 9F18).
func (o *Order) identifier() [4]byte {
	return [4]byte{byte(o.Number >> 24), byte(o.Number >> 16), byte(o.Number >> 8), byte(o.Number)}
}

// OrderMove is an order that has just been given, or whose state has just changed.
type OrderMove struct {
	Account string
	Order   Order
}

// String is one line for a story.
func (m *OrderMove) String() string { return "for " + m.Account + ": " + m.Order.Report() }

// give adds orders to the state of an account. It refuses what this card cannot be told, and then adds none.
func (x *Issuer) give(a *account, s *AccountState, orders []ScriptOrder) error {
	if len(orders) == 0 {
		return nil
	}
	if a.IssuerMasterKey.IsZero() || a.ScriptMACKey.IsZero() {
		return fmt.Errorf("host: account %q: no issuer master key for script MACs (imk_smi): the card cannot be scripted", a.Name)
	}
	all := append([]*Order(nil), s.Orders...)
	number := x.lastOrder()
	for i := range orders {
		o := &Order{ScriptOrder: orders[i], Number: number + 1 + i, State: OrderDue}
		if err := o.Check(); err != nil {
			return err
		}
		if o.Command == ChangePIN {
			if a.ScriptEncryptionKey.IsZero() || x.cfg.OrderPINKey.IsZero() {
				return fmt.Errorf("host: account %q: no issuer master key for script encipherment (imk_smc): the PIN cannot be changed", a.Name)
			}
			reference, err := x.module.ReferencePIN(x.orderPIN(), a.PAN, o.PINBlock, x.cfg.PINReferenceKey)
			if err != nil {
				return fmt.Errorf("host: account %q: order %s: %w", a.Name, ChangePIN, err)
			}
			o.PINReference = reference[:]
		}
		all = append(all, o)
	}
	if all = forget(all, maxOrders); len(all) > maxOrders {
		return fmt.Errorf("host: account %q: more than %d orders are open", a.Name, maxOrders)
	}
	s.Orders, s.LastOrder = all, number+len(orders)
	return nil
}

// forget takes the oldest orders that are closed out of a list that is longer than n.
func forget(all []*Order, n int) []*Order {
	var kept []*Order
	for i, o := range all {
		if closed := o.State == OrderDone || o.State == OrderFailed; closed && len(kept)+len(all)-i > n {
			continue
		}
		kept = append(kept, o)
	}
	return kept
}

// lastOrder is the highest number that an order was ever given.
func (x *Issuer) lastOrder() (n int) {
	for _, s := range x.book.accounts {
		n = max(n, s.LastOrder)
	}
	return n
}

func (o *Order) check() error {
	switch {
	case o.Number < 1 || o.Number > 1<<31-1:
		return fmt.Errorf("order number %d: want 1 or more", o.Number)
	case o.State < OrderDue || o.State > OrderFailed:
		return fmt.Errorf("order state %d: want %d to %d", o.State, OrderDue, OrderFailed)
	case o.Sent < 0 || o.Counted < 0:
		return fmt.Errorf("order sent %d times behind %d commands: want 0 or more", o.Sent, o.Counted)
	case o.PINReference != nil && len(o.PINReference) != 8:
		return fmt.Errorf("order with a PIN reference of %d bytes: want 8", len(o.PINReference))
	}
	if _, err := hex.DecodeString(o.ATC); err != nil || len(o.ATC) != 0 && len(o.ATC) != 4 {
		return fmt.Errorf("order with an ATC of %d digits: want 4", len(o.ATC))
	}
	return o.ScriptOrder.Check()
}
