package terminal

import (
	"strings"
	"testing"
	"time"
)

func TestAPasswordThatIsWrongLocks(t *testing.T) {
	x := newDesk(t, plainDesk, func(p *Profile) { p.Operators = Operators{MaxWrong: 3, Lock: time.Minute} })
	x.boot()
	login := func(password string) Outcome {
		n := len(x.ends)
		x.choose(FunctionOperatorLogin, "01\r"+password+"\r")
		x.pass(time.Second)
		if len(x.ends) == n {
			x.press(string(KeyCancel))
		}
		return x.ends[len(x.ends)-1].Outcome
	}
	if o := login("0000"); o != OutcomeDone || !x.saw("OPERATOR 01 LOGGED IN") {
		t.Fatalf("%s; shown %q", o, x.shown)
	}
	x.choose(FunctionOperatorLogout, "")
	for n := range 2 {
		if o := login("1111"); o != OutcomeNotAllowed || x.saw("LOCKED") {
			t.Fatalf("wrong password %d: %s", n+1, o)
		}
	}
	x.cycle() // pulling the plug forgets nothing
	if o := login("1111"); o != OutcomeNotAllowed || !x.saw("OPERATOR 01 LOCKED") {
		t.Errorf("the third wrong password does not lock; shown %q", x.shown)
	}
	if o := login("0000"); o == OutcomeDone {
		t.Error("locked, and the right password is taken")
	}
	x.cycle()
	if o := login("0000"); o == OutcomeDone {
		t.Error("locked, a power cut, and the right password is taken")
	}
	x.pass(2 * time.Minute)
	if o := login("0000"); o != OutcomeDone {
		t.Errorf("after the lock: %s", o)
	}
	if journal := string(x.disk.Durable(JournalFile)); strings.Contains(journal, `"0000"`) || strings.Contains(journal, "123456") {
		t.Error("a password is in the journal")
	}
	for _, s := range x.shown {
		if strings.Contains(s, "0000") {
			t.Errorf("a password is on the screen: %q", s)
		}
	}
}

func TestAnOperatorWhoMustBeThere(t *testing.T) {
	x := newDesk(t, plainDesk, func(p *Profile) { p.Operators.Required = true })
	x.boot()
	x.press("1")
	x.press("01\r9999\r")
	if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeNotAllowed || len(x.terminal.Records()) != 0 {
		t.Fatalf("%+v", e)
	}
	x.press("1")
	x.press("01\r0000\r")
	x.press(string(KeyCancel))
	x.sale("1000")
	x.choose(FunctionOperatorLogout, "")
	x.press("1")
	if !strings.Contains(x.shown[len(x.shown)-1], "OPERATOR") {
		t.Errorf("logged out, and sells: %q", x.shown[len(x.shown)-1])
	}
}

func TestASupervisorMakesAndUnmakesOperators(t *testing.T) {
	x := newDesk(t, plainDesk, nil)
	x.boot()
	end := func() Outcome { return x.ends[len(x.ends)-1].Outcome }
	x.choose(FunctionOperators, "07\r4321\r4321\r")
	if end() != OutcomeDone {
		t.Fatalf("%s; shown %q", end(), x.shown)
	}
	x.choose(FunctionOperatorLogin, "07\r4321\r")
	if end() != OutcomeDone {
		t.Errorf("the new operator: %s", end())
	}
	x.choose(FunctionPassword, "4321\r8765\r8766\r")
	if end() != OutcomeNotAllowed || !x.saw("NOT THE SAME") {
		t.Errorf("two different passwords: %s", end())
	}
	x.choose(FunctionPassword, "4321\r8765\r8765\r")
	x.cycle()
	x.choose(FunctionOperatorLogin, "07\r4321\r")
	if end() == OutcomeDone {
		t.Error("the old password is taken")
	}
	x.choose(FunctionOperatorLogin, "07\r8765\r")
	if end() != OutcomeDone {
		t.Errorf("the new password: %s", end())
	}
	x.choose(FunctionRemoveOperator, "00\r")
	if end() != OutcomeNotFound {
		t.Errorf("the supervisor is removed: %s", end())
	}
	x.choose(FunctionRemoveOperator, "07\r")
	x.cycle()
	x.choose(FunctionOperatorLogin, "07\r8765\r")
	if end() == OutcomeDone {
		t.Error("a removed operator logs in")
	}
}
