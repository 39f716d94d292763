package terminal

import (
	"testing"
	"time"
)

// lastShown is the latest screen of a till that keeps them.
func lastShown(shown *[]string) string { return (*shown)[len(*shown)-1] }

func TestTheMenuLeadsToEveryFunction(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	p.Purse.Limit = 1
	seen, keys := map[Function]bool{}, map[string]bool{}
	for _, g := range menu() {
		if len(g.items) > 9 {
			t.Errorf("%s has %d functions: a digit chooses one", g.text, len(g.items))
		}
		for _, m := range g.items {
			k, ok := Menu(p, m.function)
			if !ok || len(k) != 3 || keys[k] || seen[m.function] {
				t.Errorf("%s: keys %q, %v", m.function, k, ok)
			}
			seen[m.function], keys[k] = true, true
		}
	}
	p.Functions = []Function{FunctionSale}
	if _, ok := Menu(p, FunctionSignOn); ok {
		t.Error("a function that the profile leaves out has keys")
	}
	if _, ok := Menu(p, "no-such"); ok {
		t.Error("a function that does not exist has keys")
	}
}

func TestTheMenuGoesBack(t *testing.T) {
	x, ends, shown := chipTill(t, &standIn{}, "")
	defer x.w.Close()
	x.press("M")
	if lastShown(shown)[:4] != "MENU" {
		t.Fatalf("%q", lastShown(shown))
	}
	x.press(string(KeyCancel))
	if len(*ends) != 1 || (*ends)[0].Outcome != OutcomeCancelled || !x.terminal.Idle() {
		t.Errorf("%+v", *ends)
	}
	x.press("M9") // no such group
	x.pass(2 * time.Minute)
	if len(*ends) != 2 || (*ends)[1].Outcome != OutcomeCancelled || !x.terminal.Idle() {
		t.Errorf("nobody came: %+v", *ends)
	}
	keys, _ := Menu(x.terminal.profile, FunctionSale)
	x.press(keys + "1000\r")
	x.swipe(swiped)
	x.press("1234\r")
	x.pass(5 * time.Second)
	if len(*ends) != 3 || (*ends)[2].Outcome != OutcomeApproved || (*ends)[2].Function != FunctionSale {
		t.Errorf("%+v; %q", *ends, lastShown(shown))
	}
}
