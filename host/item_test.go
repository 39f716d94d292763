package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
)

func TestBadItems(t *testing.T) {
	good := func() *Item { return &Item{Owner: "acquirer", Amount: 1, Type: Dispute, Stage: ItemOpen} }
	if err := good().check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(i *Item){
		"nobody's":                   func(i *Item) { i.Owner = "" },
		"of nothing":                 func(i *Item) { i.Amount = 0 },
		"of less than nothing":       func(i *Item) { i.Amount = -1 },
		"of an unknown type":         func(i *Item) { i.Type = ItemType(len(itemTypeNames)) },
		"at an unknown stage":        func(i *Item) { i.Stage = ItemStage(len(itemStageNames)) },
		"lost, and borne by nobody":  func(i *Item) { i.Stage = ItemLost },
		"borne, and not lost":        func(i *Item) { i.Bearer = "acquirer" },
		"with too long a story":      func(i *Item) { i.History = make([]ItemMove, maxMoves+1) },
		"moved to an unknown stage":  func(i *Item) { i.History = []ItemMove{{"2026-03-02", ItemStage(len(itemStageNames)), ""}} },
		"moved on a day that is not": func(i *Item) { i.History = []ItemMove{{"", ItemOpen, ""}} },
	} {
		i := good()
		change(i)
		if i.check() == nil {
			t.Errorf("an item %s is taken", name)
		}
	}
}

// An item only moves forward: from a stage that is left there is no way back to it, and the last ones are left by nothing.
func TestItemsOnlyMoveForward(t *testing.T) {
	var reach func(from ItemStage, seen map[ItemStage]bool)
	reach = func(from ItemStage, seen map[ItemStage]bool) {
		for _, to := range itemMoves[from] {
			if !seen[to] {
				seen[to] = true
				reach(to, seen)
			}
		}
	}
	ends := ""
	for s := ItemOpen; int(s) < len(itemStageNames); s++ {
		seen := map[ItemStage]bool{}
		reach(s, seen)
		if seen[s] {
			t.Errorf("%v comes back", s)
		}
		if open := (&Item{Stage: s}).Open(); !open {
			ends += s.String() + " "
		}
	}
	want(t, "ends", ends, "adjusted accepted lost closed ")
	if (*Item)(nil).Open() {
		t.Error("no item is open")
	}
}

func TestMovedKeepsTheStory(t *testing.T) {
	first := &Item{Owner: "a", Amount: 5, Stage: ItemLost, Bearer: "a", History: []ItemMove{{"2026-03-01", ItemOpen, ""}}}
	second := first.moved(ItemClosed, "2026-03-02", "paid")
	want(t, "the first", fmt.Sprint(first.Stage, first.Bearer, len(first.History)), "losta1")
	want(t, "the second", fmt.Sprintf("%v %q %v", second.Stage, second.Bearer, second.History), `closed "" [{2026-03-01 open } {2026-03-02 closed paid}]`)
	lost := second.moved(ItemLost, "2026-03-03", "")
	want(t, "its bearer is the caller's to name", lost.Bearer, "")
	for n := range 2 * maxMoves {
		second = second.moved(ItemOpen, fmt.Sprint(n), "")
	}
	want(t, "moves", fmt.Sprint(len(second.History), second.History[maxMoves-1].Date), "16"+fmt.Sprint(2*maxMoves-1))
}

func TestAgeOfAnItem(t *testing.T) {
	opened := func(d string) *Item { return &Item{History: []ItemMove{{Date: d}}} }
	for _, c := range []struct {
		i     *Item
		today string
		want  int
	}{
		{opened("2026-02-28"), "2026-03-01", 1}, {opened("2026-03-01"), "2026-03-01", 0}, {opened("2026-03-02"), "2026-03-01", 0},
		{opened("2025-03-01"), "2026-03-01", 365}, {&Item{}, "2026-03-01", 0}, {opened("once"), "2026-03-01", 0}, {opened("2026-03-01"), "today", 0},
	} {
		want(t, fmt.Sprintf("%v on %s", c.i.History, c.today), c.i.age(c.today), c.want)
	}
}

// Each type is money too much, money that is missing, or a matter of its own; never two of them.
func TestTypesOfItems(t *testing.T) {
	long := "reversal-refused host-only amount-more switch-only held-back"
	short := "terminal-only amount-less acquirer-only switch-less refund-uncovered"
	for i, name := range ItemTypes() {
		k := ItemType(i + 1)
		want(t, name+" is too much", k.long(), slices.Contains(strings.Fields(long), name))
		want(t, name+" is missing", k.short(), slices.Contains(strings.Fields(short), name))
		var again ItemType
		if err := again.UnmarshalText([]byte(name)); err != nil || again != k {
			t.Errorf("%s: %v, %v", name, again, err)
		}
	}
	want(t, "of an old log", ItemType(0).long(), true)
	var s ItemStage
	if err := s.UnmarshalText([]byte("gone")); err == nil {
		t.Error("an unknown stage")
	}
}

func TestTextOfAnItem(t *testing.T) {
	for _, c := range []struct {
		i    Item
		want string
	}{
		{Item{Owner: "acquirer", Amount: 5, Deadline: "2026-03-22", Type: HostOnly, Reason: "why"}, "host-only 5, open, acquirer until 2026-03-22: why"},
		{Item{Owner: "acquirer", Amount: 5, Deadline: "2026-03-22", Type: Dispute, Stage: ItemLost, Bearer: "merchant"}, "dispute 5, lost, borne by merchant"},
		{Item{Owner: "acquirer", Amount: 5, Stage: ItemClosed, Reason: "why"}, "5, closed: why"},
	} {
		want(t, "text", c.i.String(), c.want)
	}
}

// People are told of an item when it opens and when it moves, of what is overdrawn, and of a reversal that is refused: once each.
func TestAlarms(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.days("2026-03-03", "2026-03-04")
	o.undo(sale, "0400")
	o.undo(sale, "0401")
	o.must(atAcquirer, DeedAdjust, sale)
	o.must(atAcquirer, DeedAdjust, sale)
	o.days("2026-03-05")
	o.expect("alarms", strings.Join(o.alarms, "; "), "000001 reversal-refused 10000, open, acquirer until 2026-03-24: reversal refused: the merchant has been paid; "+
		"000001 reversal-refused 10000, adjusted: reversal refused: the merchant has been paid (a reason); "+
		"000001 reversal-refused 10000, adjusted: a reason")
}
