package scenario

import (
	"strings"
	"testing"

	"github.com/posim/posim/host"
)

// ordered runs steps against a fresh house and returns what went wrong, and the story.
func ordered(t *testing.T, steps string) (*Failure, string) {
	t.Helper()
	l := builtIn(t)
	s, err := Parse("E1-x.yaml", []byte("name: orders\nzh: 命令\ncard: visa-credit\nsteps:\n"+steps+"expect: {end: F0|F1|F3}\n"), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	var story strings.Builder
	r := l.Run(s, Options{Seed: 1, Story: func(x Line) { story.WriteString(x.Text + "  " + x.Note + "\n") }, taint: newTaint(l, []*Script{s})})
	return r.Failure, story.String()
}

// An order goes with the answer to the card's chip, and the story and the expectations say where it stands.
func TestOrders(t *testing.T) {
	f, story := ordered(t, `  - host: {script: [{when: after, command: unblock-pin}, {when: before, command: put-data, tag: 9F58, value: "05"}]}
    expect: {orders: [due, due]}
  - sale: {amount: 10.00, pin: "1234"}
    expect: {orders: [sent, sent]}
`)
	if f != nil {
		t.Errorf("%v %v", f.Err, f.Violations)
	}
	for _, want := range []string{
		"issuer: for visa-credit: order 1, unblock-pin (after): due  \n",
		"issuer: for visa-credit: order 2, put-data 9F58 (before): sent, result unknown",
	} {
		if !strings.Contains(story, want) {
			t.Errorf("the story does not say %q:\n%s", want, story)
		}
	}
	f, _ = ordered(t, `  - host: {script: [{when: after, command: unblock-pin}]}
    expect: {orders: [done]}
`)
	if f == nil || f.Err == nil || !strings.Contains(f.Err.Error(), "expected done, found order 1, unblock-pin (after): due") {
		t.Errorf("a wrong expectation: %+v", f)
	}
}

// What the issuer refuses is an error at the step that ordered it.
func TestOrdersThatTheIssuerRefuses(t *testing.T) {
	f, _ := ordered(t, `  - host: {card: visa-expired, script: [{when: after, command: block-card}]}
`)
	if f == nil || f.Err == nil || !strings.Contains(f.Err.Error(), `E1-x.yaml:5:5: host: account "visa-expired": no issuer master key for script MACs (imk_smi)`) {
		t.Errorf("%+v", f)
	}
}

// A new PIN is nowhere in the clear: no log, no wire, no story. It is found where it is.
func TestAnOrderedPINIsNowhere(t *testing.T) {
	steps := `  - host: {script: [{when: after, command: change-pin, pin: "86420"}]}
  - sale: {amount: 10.00, pin: "1234"}
    expect: {orders: [sent]}
`
	f, story := ordered(t, steps)
	if f != nil {
		t.Errorf("%v %v", f.Err, f.Violations)
	}
	if strings.Contains(story, "86420") || !strings.Contains(story, "change-pin (after): sent") {
		t.Errorf("the story:\n%s", story)
	}
	l := builtIn(t)
	s, err := Parse("E1-x.yaml", []byte("name: orders\nzh: 命令\ncard: visa-credit\nsteps:\n"+steps+"expect: {end: F0}\n"), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	x, number := newTaint(l, []*Script{s}), l.Card("visa-credit").PAN
	if got := x.search(clearBlock("86420", number), true); got != "a clear PIN block of visa-credit" {
		t.Errorf("the new PIN's clear block is %q", got)
	}
	block, err := host.TestPINBlock(number, "86420")
	if err != nil || x.search(block, true) != "" {
		t.Errorf("the block of an order is %q, %v", x.search(block, true), err)
	}
	for _, k := range host.TestKeys() {
		if x.searchText(k) == "" {
			t.Error("a key of the house is not found")
		}
	}
	smi, smc := l.Card("visa-credit").Issuer.ScriptMACKey(), l.Card("visa-credit").Issuer.ScriptEncryptionKey()
	if x.search(smi, true) == "" || x.search(smc, true) == "" {
		t.Error("a key for scripts is not found")
	}
}
