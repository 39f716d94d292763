package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/terminal"
)

// The knobs of a sale, each in the smallest story that needs it.
func TestWhatACustomerDoes(t *testing.T) {
	l := builtIn(t)
	for _, c := range []struct{ name, script string }{
		{"takes the second of two applications", `
terminal: asking
steps:
  - sale: {amount: 300.00, card: visa-two-apps, pin: "1234", choose: 2}
    expect: {outcome: approved, screen: [CHOOSE APPLICATION, 2 VISA ELECTRON], receipt: VISA ELECTRON}
expect: {end: F3}`},
		{"takes the first unless the script says otherwise", `
terminal: asking
steps:
  - sale: {amount: 300.00, card: visa-two-apps, pin: "1234"}
    expect: {outcome: approved, receipt: VISA CREDIT}
expect: {end: F3}`},
		{"takes none of them", `
terminal: asking
steps:
  - sale: {amount: 300.00, card: visa-two-apps, choose: none}
    expect: {outcome: cancelled, messages: []}
expect: {end: F0}`},
		{"types two wrong PINs, and the card takes the third", `
steps:
  - sale: {amount: 300.00, card: visa-pin-enciphered, pin: ["9999", "8888", "1234"]}
    expect: {outcome: approved, screen: [WRONG PIN, LAST PIN TRY], receipt: VERIFIED BY OFFLINE PIN, tags: {9F34: "440302"}, fields: [{at: issuer, mti: "0200", de: 52, absent: true}]}
expect: {end: F3}`},
		{"has the card block its PIN, and signs", `
steps:
  - sale: {amount: 300.00, card: visa-pin-enciphered, pin: ["9999", "8888", "7777"]}
    expect: {outcome: approved, screen: LAST PIN TRY, receipt: SIGNATURE, tags: {9F34: "5E0300"}}
  - sale: {amount: 300.00, card: visa-pin-enciphered, pin: "1234"}
    expect: {outcome: approved, receipt: SIGNATURE, tags: {9F34: "5E0300"}}
expect: {end: [F3, F3]}`},
		{"presses ENTER alone", `
steps:
  - sale: {amount: 300.00, card: visa-credit, pin: ""}
    expect: {outcome: approved, receipt: SIGNATURE, fields: [{at: issuer, mti: "0200", de: 52, absent: true}]}
expect: {end: F3}`},
		{"verifies by PIN and signature", `
steps:
  - sale: {amount: 300.00, card: visa-pin-signature, pin: "1234"}
    expect: {outcome: approved, receipt: [VERIFIED BY OFFLINE PIN, SIGNATURE]}
expect: {end: F3}`},
		{"is asked online by the clerk, below the floor limit", `
steps:
  - sale: {amount: 10.00, card: visa-offline}
    expect: {outcome: offline-approved, messages: []}
  - wait: advices
  - sale: {amount: 10.00, card: visa-offline, force-online: true}
    expect: {outcome: approved, screen: ONLINE, messages: ["0200", "0210/00"]}
expect: {end: [F3, F3]}`},
		{"gives up when the chip gives no answer", `
steps:
  - sale: {amount: 300.00, card: visa-credit}
    faults: ["card[SELECT#1].mute"]
    expect: {outcome: chip-failed, screen: [CHIP READ FAILED, PLEASE INSERT CARD AGAIN], messages: []}
expect: {end: F0}`},
		{"has a card that was blocked", `
steps:
  - sale: {amount: 300.00, card: visa-card-blocked, entry: [chip, chip]}
    expect: {outcome: not-accepted, screen: CARD BLOCKED, messages: []}
expect: {end: F0}`},
		{"has a card that wants its issuer told", `
steps:
  - sale: {amount: 300.00, card: visa-advice, pin: "1234"}
    expect: {outcome: offline-declined, messages: []}
expect: {end: F0}`},
		{"has a card whose issuer wants to be called", `
steps:
  - host: {card: stripe-only, answer: "02"}
  - sale: {amount: 300.00, card: stripe-only, pin: "1234"}
    expect: {outcome: declined, screen: [DECLINED 02, CALL YOUR BANK, 请联系发卡行]}
expect: {end: F0}`},
		{"swipes at a terminal without a PIN pad", `
terminal: no-pin-pad
steps:
  - sale: {amount: 300.00, card: stripe-only, pin: "1234"}
    expect: {outcome: approved, receipt: SIGNATURE, fields: [{at: issuer, mti: "0200", de: 22, is: "0902"}, {at: issuer, mti: "0200", de: 52, absent: true}]}
expect: {end: F3}`},
		{"swipes at a terminal without a line", `
terminal: offline-only
steps:
  - sale: {amount: 300.00, card: stripe-only, pin: "1234"}
    expect: {outcome: not-accepted, messages: []}
expect: {end: F0}`},
		{"is refused by the card's own word, and the reversal has the scripts' results", `
steps:
  - host: {card: visa-pin-enciphered, script: [{when: before, command: unblock-pin}]}
  - sale: {amount: 300.00, card: visa-pin-enciphered, pin: "1234"}
    faults: ["card[GENERATE AC#2].answer(AAC)"]
    expect: {outcome: refused}
  - wait: reversal
    expect: {messages: ["0400/06", "0410/00"]}
expect: {end: F2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse("T1-x.yaml", []byte("name: T1\nzh: 测试"+c.script+"\n"), l.Known())
			if err != nil {
				t.Fatal(err)
			}
			var told strings.Builder
			r := l.Run(s, Options{Seed: 1, Story: func(x Line) { told.WriteString(x.Kind + " " + x.Text + " " + x.Note + "\n") }})
			if !r.Passed {
				t.Errorf("%+v\n%s", r.Failure, told.String())
			}
			if strings.Contains(c.name, "wants its issuer told") && !strings.Contains(told.String(), "asks for an advice") {
				t.Error("nobody says that the card asked for an advice")
			}
		})
	}
}

// TestAReversalTellsWhatTheScriptsDid: the issuer learns from DE 55 that its order was carried out, though the sale is undone.
func TestAReversalTellsWhatTheScriptsDid(t *testing.T) {
	l := builtIn(t)
	s, err := Parse("T1-x.yaml", []byte(`name: T1
zh: 测试
steps:
  - host: {card: visa-pin-enciphered, script: [{when: before, command: unblock-pin}]}
  - sale: {amount: 300.00, card: visa-pin-enciphered, pin: "1234"}
    faults: ["card[GENERATE AC#2].answer(AAC)"]
  - wait: reversal
expect: {end: F2}
`), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRig(l, s, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.world.Close()
	out := &outcome{money: map[string]Money{}}
	newPlay(r, s, Options{Seed: 1}, out).perform()
	if out.failed() {
		t.Fatal(out.err, out.wrong)
	}
	found := 0
	for _, w := range r.log.wire {
		if w.message.MTI != "0400" {
			continue
		}
		for data := tlv.NewReader(w.message.ICCSystemRelatedData); data.Next(); {
			if data.Tag() == tlv.IssuerScriptResults {
				found++
				if v := data.Value(); len(v) != 5 || v[0] != 0x20 {
					t.Errorf("9F5B is %X, want one script that succeeded", v)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no 9F5B in the reversal")
	}
}

// TestAPersonFallsBack: what a person at the screen does to have a stripe read for a chip.
func TestAPersonFallsBack(t *testing.T) {
	s := newSession(t)
	post(t, s, Arm{"card[SELECT#1].mute"}, Arm{"card[SELECT#2].mute"}, Arm{"card[SELECT#3].mute"})
	post(t, s, typed("O10000\r")...)
	for range 3 {
		post(t, s, Insert{"visa-credit"})
		s.Advance(5*time.Second, nil)
		shows(t, s, "PLEASE REMOVE CARD")
		post(t, s, Remove{})
		s.Advance(time.Second, nil)
	}
	shows(t, s, "PLEASE SWIPE CARD")
	post(t, s, Swipe{"visa-credit"})
	post(t, s, typed("1234\r")...)
	s.Advance(5*time.Second, nil)
	if v := s.View(); lastState(v) != terminal.Approved || v.Journal[0].Entry != "0801" {
		t.Errorf("%+v", v.Journal)
	}
}
