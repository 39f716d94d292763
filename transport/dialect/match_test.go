package dialect

import (
	"errors"
	"strings"
	"testing"
)

func TestMTIs(t *testing.T) {
	for _, c := range []struct {
		mti, answer             string
		class                   MessageClass
		repeat, advice, answers bool
	}{
		{"0100", "0110", ClassAuthorization, false, false, false},
		{"0110", "", ClassAuthorization, false, false, true},
		{"0200", "0210", ClassFinancial, false, false, false},
		{"0201", "0210", ClassFinancial, true, false, false},
		{"0210", "", ClassFinancial, false, false, true},
		{"0220", "0230", ClassFinancial, false, true, false},
		{"0221", "0230", ClassFinancial, true, true, false},
		{"0230", "", ClassFinancial, false, true, true},
		{"0400", "0410", ClassReversal, false, false, false},
		{"0401", "0410", ClassReversal, true, false, false},
		{"0410", "", ClassReversal, false, false, true},
		{"0420", "0430", ClassReversal, false, true, false},
		{"0421", "0430", ClassReversal, true, true, false},
		{"0430", "", ClassReversal, false, true, true},
		{"0800", "0810", ClassNetworkManagement, false, false, false},
		{"0810", "", ClassNetworkManagement, false, false, true},
		{"", "", ClassUnknown, false, false, false},
		{"02", "", ClassUnknown, false, false, false},
		{"02x1", "", ClassUnknown, false, false, false},
		{"1201", "", ClassUnknown, false, false, false},
		{"0900", "0910", ClassUnknown, false, false, false},
	} {
		if Response(c.mti) != c.answer || Class(c.mti) != c.class || IsRepeat(c.mti) != c.repeat || IsAdvice(c.mti) != c.advice || IsAnswer(c.mti) != c.answers {
			t.Errorf("%q: answer %q, class %s, repeat %v, advice %v, is answer %v", c.mti, Response(c.mti), Class(c.mti), IsRepeat(c.mti), IsAdvice(c.mti), IsAnswer(c.mti))
		}
	}
	for _, mti := range iso87MTIs {
		if a := Response(mti); a != "" && ISO87().checkMTI(a) != nil {
			t.Errorf("%s is answered by %s, which is not in the dialect", mti, a)
		}
	}
}

// answer is the good answer to request, as a host that echoes makes it.
func answer(request *Message) *Message {
	a := *request
	a.MTI, a.ResponseCode, a.PINData, a.Track2Data = Response(request.MTI), "00", nil, ""
	return &a
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Message)
		want   string // Differences; "" matches
	}{
		{"the answer", func(*Message) {}, ""},
		{"a decline", func(a *Message) { a.ResponseCode = "51" }, ""},
		{"other contents have the same key", func(a *Message) { a.AmountTransaction++ }, ""},
		{"the answer to an advice", func(a *Message) { a.MTI = "0230" }, "MTI"},
		{"the answer to the reversal", func(a *Message) { a.MTI = "0410" }, "MTI"},
		{"our own request, echoed", func(a *Message) { a.MTI = "0200" }, "MTI"},
		{"the sale before", func(a *Message) { a.SystemsTraceAuditNumber = "000122" }, "STAN"},
		{"another terminal", func(a *Message) { a.CardAcceptorTerminalIdentification = "SIM00002" }, "TID"},
		{"another merchant", func(a *Message) { a.CardAcceptorIdentificationCode = "SIM000000000002" }, "MID"},
		{"the same STAN of another day", func(a *Message) { a.DateLocalTransaction = "0301" }, "date"},
		{"a time stamped anew", func(a *Message) { a.TimeLocalTransaction = "140512" }, "time"},
		{"a key left out", func(a *Message) { a.DateLocalTransaction, a.TimeLocalTransaction = "", "" }, "date, time"},
		{"everything", func(a *Message) { *a = Message{MTI: "0810"} }, "MTI, STAN, TID, MID, date, time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := sale(t)
			a := answer(request)
			c.change(a)
			err := Match(request, a)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *MismatchError
			if !errors.As(err, &e) {
				t.Fatalf("%v is not a *MismatchError", err)
			}
			if got := strings.Join(e.Differences(), ", "); got != c.want {
				t.Errorf("%s differs, want %s", got, c.want)
			}
			if e.Want != request.Key() || e.Got != a.Key() || e.WantMTI != "0210" || e.GotMTI != a.MTI {
				t.Errorf("%+v", e)
			}
		})
	}
}

// CUP-MSG-001 and the form of CUP-MSG-002: the batch of a sign-on is the host's.
func TestTheBatchOfASignOnIsTheHosts(t *testing.T) {
	request := &Message{MTI: "0800", SystemsTraceAuditNumber: "000001", BatchNumber: "000000"}
	a := &Message{MTI: "0810", SystemsTraceAuditNumber: "000001", BatchNumber: "000519", TimeLocalTransaction: "221301", DateLocalTransaction: "0720"}
	if err := Match(request, a); err != nil {
		t.Error(err)
	}
	a.SystemsTraceAuditNumber = "000002"
	if err := Match(request, a); err == nil {
		t.Error("another STAN")
	}
	request.MTI, a.MTI, a.SystemsTraceAuditNumber = "0500", "0510", "000001"
	if err := Match(request, a); err == nil {
		t.Error("another batch of a settlement")
	}
}

func TestAMismatchNamesBothKeys(t *testing.T) {
	late := answer(sale(t))
	late.SystemsTraceAuditNumber = "000122"
	const want = "dialect: answer 0210 SIM00001/000122/0302140511 (MID SIM000000000001) does not match: want 0210 SIM00001/000123/0302140511 (MID SIM000000000001); differs in STAN"
	if got := Match(sale(t), late).Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// An answer has no answer, so nothing can match it, not even its own copy.
	if err := Match(late, late); err == nil || !strings.Contains(err.Error(), "has no answer") {
		t.Error(err)
	}
	if err := Match(&Message{}, &Message{}); err == nil {
		t.Error("nothing answers nothing")
	}
}

func TestMatchContent(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(request, a *Message)
		want   string // the error's end; "" is nil
	}{
		{"an echo", func(_, _ *Message) {}, ""},
		{"left out contradicts nothing", func(_, a *Message) {
			a.HasAmount, a.AmountTransaction, a.ProcessingCode, a.CurrencyCodeTransaction = false, 0, "", ""
		}, ""},
		{"another amount", func(_, a *Message) { a.AmountTransaction = 1 }, ": DE 4 is 1, want 10000"},
		{"zero is an amount", func(_, a *Message) { a.AmountTransaction = 0 }, ": DE 4 is 0, want 10000"},
		{"an amount nobody asked for", func(r, _ *Message) { r.AmountTransaction, r.HasAmount = 0, false }, ": DE 4 is 10000, want absent"},
		{"a lower amount of a partial approval", func(_, a *Message) { a.AmountTransaction, a.ResponseCode = 4200, "10" }, ""},
		{"a higher amount of a partial approval", func(_, a *Message) { a.AmountTransaction, a.ResponseCode = 10001, "10" }, ": DE 4 is 10001, want 10000"},
		{"a partial approval in other money", func(_, a *Message) {
			a.AmountTransaction, a.ResponseCode, a.CurrencyCodeTransaction = 4200, "10", "0840"
		}, ": DE 49 is 0840, want 0156"},
		{"all of them", func(_, a *Message) {
			a.ProcessingCode, a.AmountTransaction, a.CurrencyCodeTransaction = "200000", 1, "0840"
		}, ": DE 3 is 200000, want 000000; DE 4 is 1, want 10000; DE 49 is 0840, want 0156"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := sale(t)
			a := answer(request)
			c.change(request, a)
			err := MatchContent(request, a)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *ContentError
			if !errors.As(err, &e) || err.Error() != "dialect: answer SIM00001/000123/0302140511 has the right key and other contents"+c.want {
				t.Errorf("got %v, want ...%s", err, c.want)
			}
		})
	}
}
