package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// counter is a till whose clerk uses the menu; it keeps what was sent, shown and how things ended.
type counter struct {
	*till
	ends  []Ended
	shown []string
	sent  []*dialect.Message
}

func newCounter(t testing.TB, change func(*Profile)) *counter {
	return newCounterOf(t, generic(t), change)
}

func newCounterOf(t testing.TB, source string, change func(*Profile)) *counter {
	return newCounterWith(t, source, func(c *counter) {
		if change != nil {
			change(c.terminal.profile)
		}
	})
}

// newCounterWith changes a counter before its terminal boots.
func newCounterWith(t testing.TB, source string, change func(*counter)) *counter {
	c := &counter{till: newTillOf(t, source)}
	c.terminal.cfg.Devices.Show = func(s Screen) {
		c.shown = append(c.shown, s.In(English))
		if text := s.In(English) + s.In(Chinese); strings.Contains(text, "%!") {
			t.Errorf("%q", text)
		}
	}
	c.terminal.cfg.Observe = func(o Observation) {
		switch o := o.(type) {
		case Ended:
			c.ends = append(c.ends, o)
		case Remark:
			if testing.Verbose() {
				t.Log(o.Text)
			}
		case Sent:
			c.sent = append(c.sent, o.Message)
		}
	}
	change(c)
	c.start()
	c.pass(5 * time.Second)
	return c
}

func refuseDial() (*transport.Link, error) { return nil, transport.ErrRefused }

// choose opens the menu at a function and presses keys after it.
func (c *counter) choose(f Function, keys string) {
	c.t.Helper()
	path, ok := Menu(c.terminal.profile, f)
	if !ok {
		c.t.Fatalf("the menu has no %s", f)
	}
	for _, g := range menu() {
		for _, m := range g.items {
			if m.function == f && m.who == supervisor {
				path += "123456\r"
			}
		}
	}
	c.press(path + keys)
}

// saleOf makes a sale of 10.00 with a stripe and its PIN.
func (c *counter) saleOf() *Record {
	c.t.Helper()
	c.press("1000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	all := c.terminal.Records()
	if len(all) == 0 || all[len(all)-1].State != Approved {
		c.t.Fatalf("no sale; shown %q", c.shown)
	}
	return all[len(all)-1]
}

// end is how the last thing ended.
func (c *counter) end() Ended {
	c.t.Helper()
	if len(c.ends) == 0 {
		c.t.Fatalf("nothing has ended; shown %q", c.shown)
	}
	return c.ends[len(c.ends)-1]
}

func (c *counter) wants(o Outcome) {
	c.t.Helper()
	if e := c.end(); e.Outcome != o {
		c.t.Fatalf("ended %s %s, want %s; shown %q", e.Outcome, e.Code, o, c.shown[max(0, len(c.shown)-6):])
	}
}

// latest is the newest record.
func (c *counter) latest() *Record { all := c.terminal.Records(); return all[len(all)-1] }

// receipts are the merchant's copies, in English.
func (c *counter) receipts() (all []string) {
	for _, r := range c.printed {
		if r.Copy == MerchantCopy {
			all = append(all, r.In(English))
		}
	}
	return all
}

func (c *counter) lastReceipt(want ...string) {
	c.t.Helper()
	all := c.receipts()
	if len(all) == 0 {
		c.t.Fatal("no receipt")
	}
	for _, w := range want {
		if !strings.Contains(all[len(all)-1], w) {
			c.t.Errorf("no %q in the receipt:\n%s", w, all[len(all)-1])
		}
	}
}

func TestAVoid(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.choose(FunctionVoid, sale.STAN+"\r")
	if last := lastShown(&c.shown); !strings.Contains(last, "SALE 10.00") || !strings.Contains(last, sale.Card) || len(c.ends) != 1 {
		t.Fatalf("the clerk sees %q", last)
	}
	c.press("\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	v := c.latest()
	if v.Kind != dialect.KindVoid || v.State != Advised || v.Signed() != -10_00 || sale.State != Approved || v.Original.STAN != sale.STAN {
		t.Errorf("%+v, the sale is %s", v, sale.State)
	}
	m := c.sent[len(c.sent)-1]
	if m.MTI != "0200" || m.Kind != dialect.KindVoid || m.ProcessingCode != "020000" || m.OriginalKey() != c.terminal.key(sale) ||
		m.RetrievalReferenceNumber != sale.RRN || m.AuthorizationIDResponse != sale.Auth || m.SystemsTraceAuditNumber == sale.STAN {
		t.Errorf("%v %+v", m, m.OriginalKey())
	}
	c.lastReceipt("VOID", "ORIGINAL STAN "+sale.STAN, "AMOUNT -10.00", "/M")
	if len(c.printed) != 4 {
		t.Errorf("%d copies", len(c.printed))
	}
	c.choose(FunctionVoid, sale.STAN+"\r")
	c.wants(OutcomeNotAllowed)
	if !strings.Contains(lastShown(&c.shown), "PLEASE INSERT") && !strings.Contains(strings.Join(c.shown, "\n"), "ALREADY VOIDED") {
		t.Errorf("%q", c.shown)
	}
	c.choose(FunctionVoid, v.STAN+"\r")
	c.wants(OutcomeNotAllowed)
	c.choose(FunctionVoid, "777777\r")
	c.wants(OutcomeNotFound)
}

// TestAVoidIsRepeatedUntilAnswered: rule V1, also over a power cut; and a sale is not blocked by it.
func TestAVoidIsRepeatedUntilAnswered(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.pass(40 * time.Second)
	c.wants(OutcomeNoAnswer)
	v := c.latest()
	if v.State != AdviceDue || len(c.receipts()) != 1 || v.InBatch() {
		t.Fatalf("%+v", v)
	}
	c.disk.Settle(sim.PowerOffLost)
	c.term.PowerOff()
	c.pass(time.Second)
	c.spoil = nil
	c.restart()
	c.pass(2 * time.Minute)
	v = c.latest()
	m := c.sent[len(c.sent)-1]
	if v.Kind != dialect.KindVoid || v.State != Advised || m.MTI != "0201" || m.SystemsTraceAuditNumber != v.STAN {
		t.Fatalf("%+v, sent %v", v, m)
	}
	c.lastReceipt("VOID", "-10.00")
}

func TestAVoidThatIsRefused(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.code = "25"
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeDeclined)
	if v := c.latest(); v.State != Refused || v.Code != "25" || len(c.receipts()) != 1 || v.Signed() != 0 {
		t.Errorf("%+v", v)
	}
	c.code = ""
	c.choose(FunctionVoid, sale.STAN+"\r\r") // what was refused stands in nobody's way
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
}

func TestAVoidWantsTheSameCard(t *testing.T) {
	c := newCounter(t, func(p *Profile) { p.VoidCard, p.VoidPIN = true, true })
	defer c.w.Close()
	sale := c.saleOf()
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.swipe(";5413330089010012=30121011143844805?")
	c.wants(OutcomeNotAllowed)
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	if m := c.sent[len(c.sent)-1]; m.PrimaryAccountNumber.Masked() != sale.Card || len(m.PINData) != 8 {
		t.Errorf("%v: %d bytes of PIN block", m, len(m.PINData))
	}
	if v := c.latest(); v.CVM != cvmPIN || len(v.Sealed) != 0 || v.enteredAs() != entryStripe {
		t.Errorf("%+v", v)
	}
}

// TestSilenceIsNoRefusalOfAVoid: without the rule the terminal forgets what may have happened.
func TestSilenceIsNoRefusalOfAVoid(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.terminal.cfg.Rules = rules.Leave(rules.UnknownVoid)
	sale := c.saleOf()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.pass(40 * time.Second)
	if v := c.latest(); v.State != Refused || !strings.Contains(strings.Join(c.shown, "\n"), "VOID FAILED") {
		t.Errorf("%+v", v)
	}
}

// TestAVoidWhoseKeysAreAlwaysRefused is for a person: somebody on the way has kept that answer, and gives it for ever.
func TestAVoidWhoseKeysAreAlwaysRefused(t *testing.T) {
	for _, code := range []string{"99", "09"} {
		c := newCounter(t, nil)
		sale := c.saleOf()
		c.say = func(m, a *dialect.Message) {
			if m.Kind == dialect.KindVoid {
				a.ResponseCode = code
			}
		}
		c.choose(FunctionVoid, sale.STAN+"\r\r")
		c.pass(10 * time.Minute)
		if v := c.latest(); v.State != Parked || v.Code != code || len(c.receipts()) != 1 || sale.State != Approved {
			t.Errorf("%s: %+v", code, v)
		}
		c.w.Close()
	}
}
