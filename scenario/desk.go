package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/transport/dialect"
)

// Desk is what somebody behind a desk does about a transaction of the script.
type Desk struct {
	Pos    Pos
	Do     string // one of host.Deeds
	Of     Of
	Reason string
	Plain  bool          // it is about no transaction
	PayTo  host.Standing // of correct-account
}

// desk reads {adjust: 1}, {charge-back: 1, reason: no slip} ...
func (t *typing) desk(n *node) (d Desk) {
	if !t.mapping(n, "a deed such as {adjust: 1}", append(deeds(), "reason")...) {
		return d
	}
	d.Pos = n.pos
	for i, k := range n.keys {
		switch value := n.items[i]; {
		case k.text == "reason":
			d.Reason = t.text(value, "a reason")
		case d.Do != "":
			t.fail(k.pos, "one deed a step, and this one has %s already", d.Do)
		case k.text == host.DeedCorrect:
			d.Do, d.Plain, d.PayTo = k.text, true, host.Standing(t.word(value, "account", host.Standings()...))
		case slices.Contains(host.PlainDeeds(), k.text):
			d.Do, d.Plain = k.text, true
			t.word(value, "thing", "terminal")
		default:
			d.Do, d.Of = k.text, t.of(value, 0)
		}
	}
	if d.Do == "" {
		t.fail(n.pos, "want a deed: %s", strings.Join(deeds(), ", "))
	}
	return d
}

// deeds lists all.
func deeds() []string { return append(host.Deeds(), host.PlainDeeds()...) }

// clearing reads how the acquirer settles differences.
func (t *typing) clearing(n *node) (p host.ClearingPolicy) {
	if !t.mapping(n, "rules of clearing such as {days: 20}", "days", "offline-refused") {
		return p
	}
	if len(n.keys) == 0 {
		t.fail(n.pos, "want days or offline-refused")
	}
	if d := n.key("days"); d != nil {
		p.Days = t.number(d, "how many days an item has", 1, 540)
	}
	if o := n.key("offline-refused"); o != nil {
		p.OfflineRefused = t.word(o, "bearer", host.BearerMerchant, host.BearerAcquirer)
	}
	return p
}

// desk does it where it belongs: a dispute, and a claim about a purse, begin at the cardholder's bank, and everything else where the item is.
func (p *play) desk(st *Step) {
	d := st.Desk
	k, ok := p.keyOf(d.Of)
	if !ok && !d.Plain {
		p.fail(st.Pos, "there is no such transaction")
		return
	}
	h, log := p.hosts[2], p.claimOf(*d)
	if d.Do != host.DeedChargeBack && log == nil {
		h = p.hosts[0]
		for _, at := range p.hosts[:2] {
			if v, err := at.durable(); err == nil && v.Find(k) != nil && v.Find(k).Difference != nil {
				h = at
				break
			}
		}
	}
	if !h.actor.On() || h.run == nil {
		p.fail(st.Pos, "the %s is down", h.name)
		return
	}
	var refused error
	h.run.DeedThen(host.Deed{Do: d.Do, Key: k, Reason: d.Reason, MID: p.profile.MID, TID: p.profile.TID, Account: d.PayTo, Purse: log}, func(err error) { refused = err })
	p.sleepUntil(p.world.Now().Add(time.Second))
	p.tellMoney()
	if refused != nil {
		p.fail(st.Pos, "%v", refused)
	}
}

// keyOf is the identity of a transaction of the script.
func (r *court) keyOf(of Of) (dialect.Key, bool) {
	if of.Number > 0 {
		k, ok := r.log.made[of.Number]
		return k, ok
	}
	if rec := r.log.slip(of); rec != nil {
		return r.key(rec), true
	}
	return dialect.Key{}, false
}

// ItemWant is what a script expects of a difference item.
type ItemWant struct {
	Pos      Pos
	Of       Of
	Type     Want[string]
	Stage    Want[string]
	Owner    Want[string]
	Amount   Want[Money]
	Deadline Want[string]
	Bearer   Want[string]
	Evidence Want[string] // a part of it
}

// Items is what a script expects of all of them: every one that is open is listed.
type Items struct {
	Pos  Pos // zero: nothing is expected
	List []ItemWant
}

func (t *typing) items(n *node) (all Items) {
	all.Pos = n.pos
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of items: [{of: 1, type: host-only, owner: acquirer, amount: 100.00}]")
		return all
	}
	for _, item := range n.items {
		all.List = append(all.List, t.item(item))
	}
	return all
}

func (t *typing) item(n *node) (w ItemWant) {
	if !t.mapping(n, "an item such as {of: 1, type: host-only}", "of", "type", "stage", "owner", "amount", "deadline", "bearer", "evidence") {
		return w
	}
	w.Pos = n.pos
	if n.key("of") == nil {
		t.fail(n.pos, "missing key %q", "of")
		return w
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "of":
			w.Of = t.of(value, 0)
		case "type":
			w.Type = Want[string]{t.word(value, "type", host.ItemTypes()...), value.pos}
		case "stage":
			w.Stage = Want[string]{t.word(value, "stage", host.ItemStages()...), value.pos}
		case "owner":
			w.Owner = Want[string]{t.word(value, "owner", observers[1:]...), value.pos}
		case "amount":
			w.Amount = Want[Money]{t.money(value), value.pos}
		case "deadline":
			if _, ok := parseDate(value.text); !ok {
				t.fail(value.pos, "want a date such as 2026-03-22")
			}
			w.Deadline = Want[string]{value.text, value.pos}
		case "bearer":
			w.Bearer = Want[string]{t.word(value, "bearer", host.BearerMerchant, host.BearerAcquirer, "switch"), value.pos}
		case "evidence":
			w.Evidence = Want[string]{t.text(value, "a part of the evidence"), value.pos}
		}
	}
	return w
}

// alarms reads what people were told; an empty list is nothing.
func (t *typing) alarms(n *node) (all []Want[string]) {
	if n.sort == sortList && len(n.items) == 0 {
		return nil
	}
	return t.texts(n, "what an alarm says")
}

// expectItems compares items: each that is listed is there, and each that is open is listed. A transaction's item is the acquirer's,
// or the switch's if he has none, or the issuer's.
func (p *evidence) expectItems(w Items) {
	if w.Pos.Line == 0 {
		return
	}
	if p.views == nil {
		p.hidden(w.Pos, "items")
		return
	}
	views, err := p.views()
	if err != nil {
		p.fail(w.Pos, "%v", err)
		return
	}
	found := map[dialect.Key]*host.Item{}
	var order []dialect.Key
	for _, v := range views {
		for _, e := range v.Transactions {
			if e.Difference != nil && found[e.Key] == nil {
				found[e.Key] = e.Difference
				order = append(order, e.Key)
			}
		}
	}
	listed := map[dialect.Key]bool{}
	for _, item := range w.List {
		k, ok := p.keyOf(item.Of)
		i := found[k]
		if !ok || i == nil {
			p.fail(item.Pos, "there is no item about it")
			continue
		}
		listed[k] = true
		p.compareItem(&item, i)
	}
	for _, k := range order {
		if i := found[k]; i.Open() && !listed[k] {
			p.fail(w.Pos, "there is another open item: %s %s", k.STAN, i)
		}
	}
}

func (p *evidence) compareItem(w *ItemWant, i *host.Item) {
	for _, x := range []struct {
		want  Want[string]
		found string
	}{{w.Type, i.Type.String()}, {w.Stage, i.Stage.String()}, {w.Owner, i.Owner}, {w.Deadline, i.Deadline}, {w.Bearer, i.Bearer}} {
		if x.want.Set() && x.want.Value != x.found {
			p.fail(x.want.Pos, "expected %s, found %s: %s", x.want.Value, orNothingFound(x.found), i)
		}
	}
	if w.Amount.Set() && w.Amount.Value != Money(i.Amount) {
		p.fail(w.Amount.Pos, "expected %s, found %s", w.Amount.Value, Money(i.Amount))
	}
	if w.Evidence.Set() && !strings.Contains(i.Evidence, w.Evidence.Value) {
		p.fail(w.Evidence.Pos, "expected in the evidence, found %s", orNothingFound(i.Evidence))
	}
}

// expectAlarms compares what people were told during the step.
func (p *evidence) expectAlarms(w Want[[]Want[string]], from mark) {
	if !w.Set() {
		return
	}
	if p.views == nil {
		p.hidden(w.Pos, "alarms")
		return
	}
	raised := p.log.alarms[from.alarms:]
	all := orNothingFound(strings.Join(raised, "; "))
	if len(w.Value) == 0 && len(raised) > 0 {
		p.fail(w.Pos, "expected no alarm, found %s", all)
	}
	for _, text := range w.Value {
		ok := false
		for _, a := range raised {
			ok = ok || strings.Contains(a, text.Value)
		}
		if !ok {
			p.fail(text.Pos, "expected an alarm, found %s", all)
		}
	}
}

// alarmText is an alarm as a story and a script have it.
func alarmText(party string, a *host.Alarm) string { return fmt.Sprintf("%s: %s", party, a) }
