package scenario

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/posim/posim/host"
)

// ScriptOrder is what a step has the issuer tell a card, in an issuer script of its next answer to the card's chip.
type ScriptOrder struct {
	Pos   Pos
	Order host.ScriptOrder // of a change of the PIN without its block, which needs a card
	PIN   PIN              // the new one, of a change-pin
}

// orderNeeds is what a command goes with; those that are not here take nothing.
var orderNeeds = map[string][]string{
	host.ChangePIN:    {"pin"},
	host.PutData:      {"tag", "value"},
	host.UpdateRecord: {"sfi", "record", "value"},
}

// orders reads what the card is to be told: a list of {when, command}, and what the command needs beside.
func (t *typing) orders(n *node) (all []ScriptOrder) {
	if n.sort != sortList {
		t.fail(n.pos, "want a list of orders: [{when: after, command: unblock-pin}]")
		return nil
	}
	for _, item := range t.list(n) {
		all = append(all, t.order(item))
		if t.failed != nil {
			return nil
		}
	}
	return all
}

func (t *typing) order(n *node) (o ScriptOrder) {
	if !t.mapping(n, "an order such as {when: after, command: unblock-pin}", "when", "command", "pin", "tag", "sfi", "record", "value") {
		return o
	}
	o.Pos = n.pos
	for _, required := range []string{"when", "command"} {
		if n.key(required) == nil {
			t.fail(n.pos, "missing key %q", required)
			return o
		}
	}
	o.Order.When = host.When(t.word(n.key("when"), "moment", host.OrderForms()...))
	o.Order.Command = t.word(n.key("command"), "command", host.OrderCommands()...)
	needs := orderNeeds[o.Order.Command]
	for _, name := range needs {
		if n.key(name) == nil && t.failed == nil {
			t.fail(n.pos, "missing key %q: %s needs %s", name, o.Order.Command, strings.Join(needs, ", "))
		}
	}
	for i, k := range n.keys {
		if t.failed != nil {
			return o
		}
		if value := n.items[i]; k.text != "when" && k.text != "command" {
			if !slices.Contains(needs, k.text) {
				t.fail(k.pos, "%s takes no %s", o.Order.Command, k.text)
				return o
			}
			t.orderValue(&o, k.text, value)
		}
	}
	if t.failed == nil {
		whole := o.Order
		if whole.Command == host.ChangePIN {
			whole.PINBlock = make([]byte, 8) // comes when the order is given
		}
		if err := whole.Check(); err != nil {
			t.fail(n.pos, "%s", strings.TrimPrefix(err.Error(), "host: order: "))
		}
	}
	return o
}

// orderValue reads what a command goes with.
func (t *typing) orderValue(o *ScriptOrder, name string, n *node) {
	switch name {
	case "pin":
		o.PIN = t.pin(n)
	case "tag":
		tag, ok := parseTag(n.text)
		if !ok || len(n.text) != 4 {
			t.fail(n.pos, "unknown tag %q: want one of two bytes in hex such as 9F58", shorten(n.text))
		}
		o.Order.Tag = int(tag)
	case "sfi":
		o.Order.SFI = t.number(n, "a file", 1, 30)
	case "record":
		o.Order.Record = t.number(n, "a record", 1, 255)
	case "value":
		b, err := hex.DecodeString(n.text)
		if n.sort != sortText || err != nil || len(b) == 0 {
			t.fail(n.pos, `want bytes in hex and in quotes such as "020300"`)
		}
		o.Order.Value = b
	}
}

// order is what a step says to the issuer.
func (h *Host) order(l *Library) (host.Admin, error) {
	account := h.Card
	if h.Wallet != "" {
		account = h.Wallet
	}
	a := host.Admin{Account: account, Status: host.Status(h.Status), Answer: h.Answer}
	a.Limits, a.OwnerWait = h.Limits, h.Pays
	if h.Balance != nil {
		a.SetBalance, a.Balance = true, int64(*h.Balance)
	}
	for _, o := range h.Script {
		order := o.Order
		if order.Command == host.ChangePIN {
			var err error
			if order.PINBlock, err = host.TestPINBlock(l.Card(h.Card).PAN, o.PIN.Digits()); err != nil {
				return a, err
			}
		}
		a.Script = append(a.Script, order)
	}
	return a, nil
}

// orderList reads how the issuer's orders must stand; an empty list is that there are none.
func (t *typing) orderList(n *node) (all []string) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of the states of all orders: [done, due]")
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.word(item, "state of an order", host.OrderStates()...))
	}
	return all
}

// expectOrders compares how the issuer's orders stand, in the order in which they were given.
func (p *evidence) expectOrders(w Want[[]string]) {
	if !w.Set() {
		return
	}
	view, err := p.issuer()
	switch {
	case view == nil && err == nil:
		p.hidden(w.Pos, "orders")
		return
	case err != nil:
		p.fail(w.Pos, "%v", err)
		return
	}
	orders := ordersOf(view)
	var states, found []string
	for _, o := range orders {
		states, found = append(states, o.State.String()), append(found, o.Report())
	}
	if !slices.Equal(states, w.Value) {
		p.fail(w.Pos, "expected %s, found %s", orNothingFound(strings.Join(w.Value, ", ")), orNothingFound(strings.Join(found, "; ")))
	}
}

// ordersOf lists all orders of an issuer by their numbers.
func ordersOf(v *host.View) (all []*host.Order) {
	for _, a := range v.Accounts {
		all = append(all, a.Orders...)
	}
	slices.SortFunc(all, func(x, y *host.Order) int { return x.Number - y.Number })
	return all
}
