package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// TestParseReadsEveryTask: what is done at the till, each with every key it takes.
func TestParseReadsEveryTask(t *testing.T) {
	pin := func(digits ...string) (all []PIN) {
		for _, d := range digits {
			all = append(all, PIN{d})
		}
		return all
	}
	for _, c := range []struct {
		step string
		want Task
	}{
		{`sale: {amount: 10.00}`, Task{Function: terminal.FunctionSale, Number: 2, Amount: 1000, Card: "visa-credit"}},
		{`sale: {amount: 10.00, cash-back: 5.00, pin: "1234"}`, Task{Function: terminal.FunctionCashBack, Number: 2, Amount: 1000, CashBack: 500, Card: "visa-credit", PINs: pin("1234")}},
		{`sale: {amount: 10.00, tip: 1.50}`, Task{Function: terminal.FunctionTipSale, Number: 2, Amount: 1000, Tip: 150, Card: "visa-credit"}},
		{`sale: {amount: 10.00, moto: true}`, Task{Function: terminal.FunctionMOTOSale, Number: 2, Amount: 1000, Card: "visa-credit"}},
		{`sale: {amount: 10.00, moto: false}`, Task{Function: terminal.FunctionSale, Number: 2, Amount: 1000, Card: "visa-credit"}},
		{`sale: {amount: 10.00, instalment: 12}`, Task{Function: terminal.FunctionInstalment, Number: 2, Amount: 1000, Parts: 12, Card: "visa-credit"}},
		{`sale: {amount: 10.00, entry: [swipe, manual]}`, Task{Function: terminal.FunctionSale, Number: 2, Amount: 1000, Card: "visa-credit", Entries: []string{"swipe", "manual"}}},
		{`sale: {amount: 10.00, entry: qr}`, Task{Function: terminal.FunctionQRScan, Number: 2, Amount: 1000, Card: "visa-credit", Entries: []string{"qr"}}},
		{`void: {of: 1}`, Task{Function: terminal.FunctionVoid, Number: 2, Of: Of{Number: 1}, Card: "visa-credit"}},
		{`void: {of: "000007", password: ["0000", "123456"], card: mc-credit, entry: swipe, cancel: true}`, Task{
			Function: terminal.FunctionVoid, Number: 2, Of: Of{STAN: "000007"}, Passwords: pin("0000", "123456"), Card: "mc-credit", Entries: []string{"swipe"}, Cancel: true,
		}},
		{`refund: {of: 1, amount: 3.00}`, Task{Function: terminal.FunctionRefund, Number: 2, Of: Of{Number: 1}, Amount: 300, Card: "visa-credit"}},
		{`pre-auth: {amount: 10.00, moto: true}`, Task{Function: terminal.FunctionMOTOPreAuth, Number: 2, Amount: 1000, Card: "visa-credit"}},
		{`pre-auth-void: {of: 1, choose: 2}`, Task{Function: terminal.FunctionPreAuthVoid, Number: 2, Of: Of{Number: 1}, Card: "visa-credit", Choose: 2}},
		{`completion: {of: 1, amount: 11.00}`, Task{Function: terminal.FunctionCompletion, Number: 2, Of: Of{Number: 1}, Amount: 1100, Card: "visa-credit"}},
		{`completion: {of: 1, amount: 11.00, advice: true}`, Task{Function: terminal.FunctionCompletionAdvice, Number: 2, Of: Of{Number: 1}, Amount: 1100, Card: "visa-credit"}},
		{`completion-void: {of: 1}`, Task{Function: terminal.FunctionCompletionVoid, Number: 2, Of: Of{Number: 1}, Card: "visa-credit"}},
		{`tip: {of: 1, amount: 1.50, password: "123456"}`, Task{Function: terminal.FunctionTipAdjust, Number: 2, Of: Of{Number: 1}, Amount: 150, Passwords: pin("123456")}},
		{`balance: {pin: "1234"}`, Task{Function: terminal.FunctionBalance, Card: "visa-credit", PINs: pin("1234")}},
		{`settle: {}`, Task{Function: terminal.FunctionSettlement}},
		{`sign-off: {password: "123456"}`, Task{Function: terminal.FunctionSignOff, Passwords: pin("123456")}},
		{`echo: {}`, Task{Function: terminal.FunctionEcho}},
		{`login: {operator: "02", password: "0000"}`, Task{Function: terminal.FunctionOperatorLogin, Operator: "02", Passwords: pin("0000")}},
		{`logout: {}`, Task{Function: terminal.FunctionOperatorLogout}},
		{`download: ca-keys`, Task{Function: terminal.FunctionCAKeys}},
		{`reprint: last`, Task{Function: terminal.FunctionReprintLast}},
		{`reprint: {of: 1}`, Task{Function: terminal.FunctionReprint, Of: Of{Number: 1}}},
		{`report: totals`, Task{Function: terminal.FunctionReportTotals}},
		{`saf: retry`, Task{Function: terminal.FunctionSAFRetry}},
	} {
		t.Run(c.step, func(t *testing.T) {
			s := mustParse(t, header+"steps:\n  - sale: {amount: 1.00}\n  - "+c.step+"\n"+ending)
			if diff := cmp.Diff(&c.want, s.Steps[1].Task, cmp.AllowUnexported(PIN{}), cmpopts.IgnoreTypes(Pos{})); diff != "" {
				t.Error("(-want +got)\n", diff)
			}
		})
	}
}

// TestParseRefusesTasks that could not mean anything.
func TestParseRefusesTasks(t *testing.T) {
	for _, c := range []struct{ step, want string }{
		{`void: {}`, `missing key "of"`},
		{`void: {of: 2}`, "want the number of an earlier transaction of the script, or a STAN of six digits in quotes"},
		{`void: {of: 0}`, "want the number of an earlier transaction of the script, or a STAN of six digits in quotes"},
		{`void: {of: "7"}`, "want the number of an earlier transaction of the script, or a STAN of six digits in quotes"},
		{`reprint: {of: 2}`, "want the number of an earlier transaction of the script, or a STAN of six digits in quotes"},
		{`void: {of: 1, amount: 1.00}`, `unknown key "amount": want of, password, card, pin, entry, choose, cancel`},
		{`refund: {of: 1}`, `missing key "amount"`},
		{`tip: {of: 1, amount: -1.00}`, "want an amount above 0.00"},
		{`tip: 1`, "want a tip such as {of: 1, amount: 100.00}"},
		{`sale: {amount: 1.00, instalment: 1}`, "want how many parts, a number from 2 to 99"},
		{`sale: {amount: 1.00, tip: 0.00}`, "want a tip above 0.00"},
		{`sale: {amount: 1.00, tip: 1.00, moto: true}`, "a sale has one of cash-back, tip, moto, instalment, entry: qr"},
		{`sale: {amount: 1.00, tip: 1.00, entry: qr}`, "a sale has one of cash-back, tip, moto, instalment, entry: qr"},
		{`sale: {amount: 1.00, entry: [qr, chip]}`, "a code is scanned instead of a card: entry: qr stands alone"},
		{`pre-auth: {amount: 1.00, entry: qr}`, "only a sale is paid by a code"},
		{`sale: {amount: 1.00, tip: 1.00, force-online: true}`, "only a plain sale is forced online"},
		{`settle: now`, "want a settle such as {}"},
		{`echo: {x: 1}`, "want echo: {}"},
		{`battery: {x: 1}`, "want battery: {}"},
		{`login: {operator: "7"}`, "want an operator's number in quotes, two digits"},
		{`login: {password: "12"}`, "want a PIN of 4 to 12 digits in quotes"},
		{`download: all`, `unknown download "all": want aids, ca-keys, parameters`},
		{`download: {all: true}`, "want a download: aids, ca-keys, parameters"},
		{`reprint: first`, `unknown reprint "first": want last`},
		{`saf: drop`, `unknown saf "drop": want list, park, pause, retry`},
	} {
		t.Run(c.step, func(t *testing.T) {
			_, err := Parse("W99-x.yaml", []byte(header+"steps:\n  - sale: {amount: 1.00}\n  - "+c.step+"\n"+ending), testKnown)
			e, ok := err.(*Error)
			if !ok || e.Msg != c.want || e.Line != 6 {
				t.Errorf("got %v, want %q in line 6", err, c.want)
			}
		})
	}
}

// TestParseReadsWhatABatchMustBe: every key of what is expected of journal and batch, and what they refuse.
func TestParseReadsWhatABatchMustBe(t *testing.T) {
	s := mustParse(t, header+`steps:
  - settle: {}
    expect:
      outcome: done
      kinds: [sale, pre-auth-void]
      saf: [reversaldue, advicedue]
      batch: {number: "000002", state: open, closed: "000001", result: not-equal, debits: {count: 2, amount: 15.00}, credits: {count: 0, amount: 0.00}}
      fields: [{at: terminal, mti: "0200", de: 60, sub: 1, is: "22"}, {at: terminal, mti: "0200", de: 61, sub: 5, absent: true}]
`+ending)
	e := s.Steps[0].Expect
	expected := &Expect{
		Outcome: want("done"), Kinds: Want[[]string]{Value: []string{"sale", "pre-auth-void"}}, Due: Want[[]string]{Value: []string{"reversaldue", "advicedue"}},
		Batch: Batch{
			Number: want("000002"), State: want("open"), Closed: want("000001"), Result: want("not-equal"),
			Debits: Want[dialect.Total]{Value: dialect.Total{Count: 2, Amount: 1500}},
		},
		Fields: []Field{{At: "terminal", MTI: "0200", N: 1, DE: 60, Sub: 1, Is: "22"}, {At: "terminal", MTI: "0200", N: 1, DE: 61, Sub: 5, Absent: true}},
	}
	if diff := cmp.Diff(expected, e, cmpopts.IgnoreTypes(Pos{})); diff != "" {
		t.Error("(-want +got)\n", diff)
	}
	for _, c := range []struct{ expect, want string }{
		{`{kinds: sale}`, "want a list of kinds: [sale, void]"},
		{`{kinds: [sail]}`, `unknown kind "sail": want sale, void, refund ... as docs/dialects.md lists them`},
		{`{saf: [approved]}`, `unknown state of what is due "approved": want pending, reversaldue, advicedue`},
		{`{batch: {}}`, "nothing is expected here"},
		{`{batch: {no: 1}}`, `unknown key "no": want number, state, closed, result, debits, credits`},
		{`{batch: {number: 1}}`, "want a batch number of six digits in quotes"},
		{`{batch: {result: equal}}`, `only a batch that was closed has a result: closed: "000001"`},
		{`{batch: {debits: {count: 1}}}`, "want a total such as {count: 2, amount: 150.00}"},
		{`{fields: [{at: issuer, mti: "0200", de: 60, sub: 8, is: "x"}]}`, "want a field of the element, a number from 1 to 7"},
		{`{fields: [{at: issuer, mti: "0200", de: 55, sub: 1, is: "x"}]}`, "DE 55 has no field 1: want 60.1 to 60.7, 61.1 to 61.5, 63.1, 63.2"},
	} {
		_, err := Parse("W99-x.yaml", []byte(header+"steps:\n  - settle: {}\n    expect: "+c.expect+"\n"+ending), testKnown)
		e, ok := err.(*Error)
		if !ok || e.Msg != c.want || e.Line != 6 {
			t.Errorf("%s: got %v, want %q in line 6", c.expect, err, c.want)
		}
	}
}
