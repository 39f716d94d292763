package terminal

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// inserted is a slot with an emulated chip; breaks, if not nil, is asked before each command, and may change it.
type inserted struct {
	*card.Card
	present bool
	lost    error
	breaks  func(command []byte) error
}

// refuseSecond has the card make an AAC of its second cryptogram.
func refuseSecond() func([]byte) error {
	n := 0
	return func(command []byte) error {
		if command[1] == 0xAE {
			if n++; n == 2 {
				command[2] = 0
			}
		}
		return nil
	}
}

var _ Slot = (*inserted)(nil)

func (s *inserted) Present() bool   { return s.present }
func (s *inserted) Physical() bool  { return false }
func (s *inserted) Lost() error     { return s.lost }
func (s *inserted) PowerOff() error { return nil }
func (s *inserted) PowerOn() (apdu.Card, error) {
	s.Reset()
	return s, nil
}

func (s *inserted) Transmit(command []byte) ([]byte, error) {
	if s.breaks != nil {
		if err := s.breaks(command); err != nil {
			return nil, err
		}
	}
	return s.Card.Transmit(command)
}

// chipCounter is a counter with a card of the library.
func chipCounter(t *testing.T, name, source string) (*counter, *inserted) {
	t.Helper()
	src, err := os.ReadFile("../testdata/cards/" + name + ".yaml")
	must(t, err)
	p, err := card.ParseProfile(name, bytes.Replace(src, []byte(`9F07: "FF00"`), []byte(`9F07: "FFC0"`), 1)) // cash back, too
	must(t, err)
	chip, err := card.New(p)
	must(t, err)
	slot := &inserted{Card: chip}
	c := newCounterWith(t, source, func(c *counter) { c.terminal.cfg.Devices.OpenSlot = func() (Slot, error) { return slot, nil } })
	return c, slot
}

// insert puts the card in and lets the cardholder type a PIN.
func (c *counter) insert(s *inserted, pin string) {
	c.term.After(0, func() { s.present = true })
	c.pass(time.Second)
	c.press(pin)
	c.pass(10 * time.Second)
	c.term.After(0, func() { s.present = false })
	c.pass(time.Second)
}

func TestKindsWithAChip(t *testing.T) {
	for _, w := range []struct {
		name string
		f    Function
		keys string
		kind dialect.Kind
		mti  string
		typ  byte // tag 9C
		slip string
	}{
		{"a pre-authorisation", FunctionPreAuth, "10000\r", dialect.KindPreAuth, "0100", 0x00, "PRE-AUTHORISATION"},
		{"cash back", FunctionCashBack, "1000\r500\r", dialect.KindCashBack, "0200", 0x09, "CASH 5.00"},
		{"an instalment", FunctionInstalment, "1000\r3\r", dialect.KindInstalment, "0200", 0x00, "IN 3 PARTS"},
		{"a sale with a tip", FunctionTipSale, "1000\r100\r", dialect.KindSale, "0200", 0x00, "TIP 1.00"},
	} {
		t.Run(w.name, func(t *testing.T) {
			c, slot := chipCounter(t, "visa-credit", generic(t))
			defer c.w.Close()
			c.choose(w.f, w.keys)
			c.insert(slot, "1234\r")
			c.wants(OutcomeApproved)
			m, r := c.lastSent(), c.latest()
			if m.MTI != w.mti || m.Kind != w.kind || r.Kind != w.kind || !r.isChip() {
				t.Errorf("%v %+v", m, r)
			}
			if got := tagOf(m.ICCSystemRelatedData, tlv.TransactionType); !bytes.Equal(got, []byte{w.typ}) {
				t.Errorf("9C is %X, want %02X", got, w.typ)
			}
			c.lastReceipt(w.slip, "VISA CREDIT", "TC ")
		})
	}
}

func tagOf(b []byte, tag tlv.Tag) []byte {
	r := tlv.NewReader(b)
	for r.Next() {
		if r.Tag() == tag {
			return r.Value()
		}
	}
	return nil
}

func TestABalanceWithAChip(t *testing.T) {
	c, slot := chipCounter(t, "visa-credit", generic(t))
	defer c.w.Close()
	c.say = func(m, a *dialect.Message) {
		if m.Kind == dialect.KindBalance {
			a.AdditionalAmounts = "0002156C000000123456"
		}
	}
	c.choose(FunctionBalance, "")
	c.insert(slot, "1234\r")
	c.wants(OutcomeApproved)
	if !c.had("BALANCE 1234.56") || len(c.terminal.Records()) > 0 {
		t.Errorf("%q", c.shown)
	}
	c.code = "91"
	c.choose(FunctionBalance, "")
	c.insert(slot, "1234\r")
	c.wants(OutcomeDeclined)
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionBalance, "")
	c.insert(slot, "1234\r")
	c.pass(2 * time.Minute)
	c.wants(OutcomeNoAnswer)
	if len(c.terminal.Records()) > 0 {
		t.Errorf("%+v", c.latest())
	}
}

// TestAnOfflineSaleIsTheCards: nobody is asked, and the host is told later, under the kind of its dialect.
func TestAnOfflineSaleIsTheCards(t *testing.T) {
	for dialectName, mti := range map[string]string{"iso87": "0220", "cup": "0200"} {
		c, slot := chipCounter(t, "visa-offline", map[string]string{"iso87": generic(t), "cup": numbered(t, "")}[dialectName])
		c.choose(FunctionOfflineSale, "1000\r")
		c.insert(slot, "")
		c.wants(OutcomeOfflineApproved)
		c.pass(3 * time.Minute)
		r, m := c.latest(), c.lastSent()
		if r.Kind != dialect.KindOfflineSale || r.State != Advised || r.Code[0] != 'Y' || m.MTI != mti || m.Kind != dialect.KindOfflineSale || m.PrimaryAccountNumber.Masked() != r.Card {
			t.Errorf("%s: %+v, %v", dialectName, r, m)
		}
		c.w.Close()
	}
}

// TestAPreAuthorisationIsNeverTheCards, also when nobody can be reached.
func TestAPreAuthorisationIsNeverTheCards(t *testing.T) {
	c, slot := chipCounter(t, "visa-offline", generic(t))
	defer c.w.Close()
	c.pass(time.Minute)
	c.terminal.hangUp()
	c.terminal.cfg.Dial = refuseDial
	c.choose(FunctionPreAuth, "1000\r")
	c.insert(slot, "")
	c.wants(OutcomeNoConnection)
	if len(c.terminal.Records()) > 0 {
		t.Errorf("%+v", c.latest())
	}
}

func TestACardIsReadForAVoid(t *testing.T) {
	c, slot := chipCounter(t, "visa-credit", generic(t))
	defer c.w.Close()
	c.terminal.profile.VoidCard = true
	c.press("1000\r")
	c.insert(slot, "1234\r")
	sale := c.latest()
	generated := 0
	slot.breaks = func(command []byte) error {
		if command[1] == 0xAE {
			generated++
		}
		return nil
	}
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.insert(slot, "")
	c.wants(OutcomeApproved)
	if m := c.lastSent(); generated > 0 || m.PrimaryAccountNumber.Masked() != sale.Card || m.CardSequenceNumber != "0001" || c.latest().enteredAs() != entryChip {
		t.Errorf("%d cryptograms, %v", generated, m)
	}
	slot.breaks = func([]byte) error { return apdu.ErrCardRemoved }
	c.choose(FunctionCompletion, "")
	c.insert(slot, "")
	c.wants(OutcomeCardRemoved)
}

// scripts is DE 55 of an answer: one script with a command that the card refuses.
var scripts = []byte{0x71, 0x0A, 0x86, 0x08, 0x84, 0x24, 0, 2, 3, 1, 2, 3}

// TestScriptResultsAreTold in a message of their own, before the reversal, which their silence does not delay (W12).
func TestScriptResultsAreTold(t *testing.T) {
	for _, silence := range []bool{false, true} {
		c, slot := chipCounter(t, "visa-credit", numbered(t, ""))
		slot.breaks = refuseSecond()
		c.say = func(m, a *dialect.Message) {
			if m.MTI == "0200" {
				a.ICCSystemRelatedData = scripts
			}
		}
		c.spoil = func(b []byte) [][]byte {
			if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0630" && silence {
				return nil
			}
			return [][]byte{b}
		}
		c.press("1000\r")
		c.insert(slot, "1234\r")
		c.pass(2 * time.Minute)
		if c.end().Outcome != OutcomeRefused {
			t.Fatalf("%+v", c.end())
		}
		var order []string
		var told, reversal *dialect.Message
		for _, m := range c.sent {
			switch m.MTI {
			case "0620":
				told = m
				order = append(order, m.MTI)
			case "0400":
				reversal = m
				order = append(order, m.MTI)
			}
		}
		if len(order) < 2 || order[0] != "0620" || order[1] != "0400" {
			t.Fatalf("silence %v: %v", silence, order)
		}
		if tagOf(told.ICCSystemRelatedData, scriptResultsTag) == nil || told.Original.STAN != reversal.SystemsTraceAuditNumber || told.ProcessingCode != "000000" ||
			told.SystemsTraceAuditNumber == reversal.SystemsTraceAuditNumber || tagOf(reversal.ICCSystemRelatedData, scriptResultsTag) == nil || reversal.ReversalReason != "06" {
			t.Errorf("%+v %+v", c.dialect.Fields(told), c.dialect.Fields(reversal))
		}
		r := c.terminal.Records()
		if len(r) != 2 || r[0].State != Reversed || r[1].Kind != dialect.KindScriptResult || (r[1].State == Advised) == silence || r[1].InBatch() || r[1].owedReceipt() {
			t.Errorf("%+v", r)
		}
		c.w.Close()
	}
}

// TestAWrongARPCAndALenientCard: the sale stands, and is known for a notice (W49).
func TestAWrongARPCAndALenientCard(t *testing.T) {
	c, slot := chipCounter(t, "visa-lenient-arpc", numbered(t, ""))
	defer c.w.Close()
	c.say = func(m, a *dialect.Message) {
		if m.MTI == "0200" {
			a.ICCSystemRelatedData = append([]byte{0x91, 10}, bytes.Repeat([]byte{0xEE}, 10)...)
		}
	}
	c.press("1000\r")
	c.insert(slot, "1234\r")
	c.wants(OutcomeApproved)
	r := c.latest()
	if r.State != Approved || !r.HostNotAuthenticated() || tagOf(r.ICC, tlv.ApplicationCryptogram) == nil || len(c.receipts()) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestTheReaderFailsAfterTheApproval: that is the terminal's fault, and not the card's (W10).
func TestTheReaderFailsAfterTheApproval(t *testing.T) {
	c, slot := chipCounter(t, "visa-credit", generic(t))
	defer c.w.Close()
	n := 0
	slot.breaks = func(command []byte) error {
		if command[1] != 0xAE {
			return nil
		}
		if n++; n == 2 {
			slot.lost = fmt.Errorf("reader: unplugged")
			return slot.lost
		}
		return nil
	}
	c.press("1000\r")
	c.insert(slot, "1234\r")
	c.pass(time.Minute)
	if r := c.latest(); r.State != Reversed || r.Reason != "96" || !c.had("TERMINAL FAULT") || len(c.receipts()) != 0 {
		t.Errorf("%+v; %q", r, c.shown)
	}
}

// TestAnElectronicSignatureNeedsNoLine on the paper.
func TestAnElectronicSignatureNeedsNoLine(t *testing.T) {
	c := newCounterWith(t, numbered(t, ""), func(c *counter) {
		c.terminal.cfg.Devices.Sign = func(Record) []byte { return []byte{1, 2, 3} }
	})
	defer c.w.Close()
	c.press("1000\r")
	c.swipe(swiped)
	c.press("\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	c.lastReceipt("SIGNED ELECTRONICALLY")
	c.term.PowerOff()
	c.pass(time.Second)
	c.restart()
	c.pass(10 * time.Second)
	c.choose(FunctionReprintLast, "")
	c.lastReceipt("REPRINT", "SIGNED ELECTRONICALLY")
}
