package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

func (c *counter) lastSent() *dialect.Message { return c.sent[len(c.sent)-1] }

// had tells whether a screen with that text was shown.
func (c *counter) had(text string) bool { return strings.Contains(strings.Join(c.shown, "\n"), text) }

func TestASaleWithCashBack(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionCashBack, "1000\r2000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	m, r := c.lastSent(), c.latest()
	if m.ProcessingCode != "090000" || m.AmountTransaction != 3000 || m.CashBackAmount != 2000 || r.Kind != dialect.KindCashBack || r.CashBack != 2000 || r.Signed() != 3000 {
		t.Errorf("%v %d %d, %+v", m, m.AmountTransaction, m.CashBackAmount, r)
	}
	c.lastReceipt("SALE WITH CASH", "GOODS 10.00", "CASH 20.00", "AMOUNT 30.00")
}

func TestASaleWithATip(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionTipSale, "1000\r")
	c.press("151\r") // too much: the last digit does not count
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	if r := c.latest(); r.Amount != 1015 || r.Tip != 15 {
		t.Errorf("%+v", r)
	}
	c.lastReceipt("SALE", "GOODS 10.00", "TIP 0.15", "AMOUNT 10.15")
	c.choose(FunctionTipSale, "1000\r150\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	if r := c.latest(); r.Amount != 1150 || r.Tip != 150 {
		t.Errorf("%+v", r)
	}
}

func TestAnInstalment(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionInstalment, "120000\r1\r12\r") // one part is none
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	if m, r := c.lastSent(), c.latest(); m.POSConditionCode != "64" || r.Parts != 12 || r.Kind != dialect.KindInstalment {
		t.Errorf("%v %+v", m, r)
	}
	c.lastReceipt("INSTALMENT", "IN 12 PARTS", "AMOUNT 1200.00")
}

func TestAMailOrderSale(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionMOTOSale, "1000\r4761739001010118\r") // the check digit is wrong
	if !strings.HasPrefix(lastShown(&c.shown), "WRONG CARD NUMBER") {
		t.Fatalf("%q", lastShown(&c.shown))
	}
	for _, s := range c.shown {
		if strings.Contains(s, "47617390") {
			t.Errorf("the number stands on the screen: %q", s)
		}
	}
	c.press("4761739001010119\r3013\r3012\r") // there is no month 13
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	if m, r := c.lastSent(), c.latest(); m.POSConditionCode != "08" || m.PrimaryAccountNumber.Masked() != r.Card || m.DateExpiration != "3012" ||
		m.Track2Data != "" || r.Entry != "0011" || r.CVM != cvmNone {
		t.Errorf("%v %+v", m, r)
	}
	c.lastReceipt("MAIL OR PHONE SALE", "/M", "NOT PRESENT")
	for _, w := range []struct {
		keys string
		want Outcome
		text string
	}{
		{"1000\r4761739001010119\r2602\r", OutcomeNotAccepted, "CARD EXPIRED"}, // the world is in March 2026
		{"1000\r" + foreign(t) + "\r", OutcomeLiveRefused, "LIVE CARD REFUSED"},
		{"1000\r\x1b", OutcomeCancelled, "CANCELLED"},
		{"1000\r4761739001010119\r\x1b", OutcomeCancelled, "CANCELLED"},
	} {
		c.shown = nil
		c.choose(FunctionMOTOSale, w.keys)
		if c.end().Outcome != w.want || !c.had(w.text) {
			t.Errorf("%q: %+v, %q", w.keys, c.end(), c.shown)
		}
	}
}

// foreign is a number with a right check digit that is no published test card's.
func foreign(t *testing.T) string {
	for d := range 10 {
		n, err := pan.Parse("99" + strings.Repeat("01", 6) + "5" + string(rune('0'+d)))
		must(t, err)
		if n.LuhnValid() && !pan.InTestRange(n) {
			return n.Digits()
		}
	}
	t.Fatal("none")
	return ""
}

func TestABalanceInquiry(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.say = func(m, a *dialect.Message) {
		if m.Kind == dialect.KindBalance {
			a.AdditionalAmounts = "0001156C000000099900" + "0002156D000000123456"
			a.HasAmount, a.AmountTransaction = false, 0
		}
	}
	inquire := func() {
		c.choose(FunctionBalance, "")
		c.swipe(swiped)
		c.press("1234\r")
		c.pass(5 * time.Second)
	}
	inquire()
	c.wants(OutcomeApproved)
	if !c.had("BALANCE -1234.56") || len(c.terminal.Records()) != 0 || c.lastSent().MTI != "0100" || len(c.lastSent().PINData) != 8 {
		t.Errorf("%q, %v", c.shown, c.lastSent())
	}
	first := c.lastSent().SystemsTraceAuditNumber
	c.code = "51"
	inquire()
	c.wants(OutcomeDeclined)
	c.code = ""
	c.spoil = func([]byte) [][]byte { return nil }
	inquire()
	c.pass(2 * time.Minute)
	c.wants(OutcomeNoAnswer)
	if stan := c.lastSent().SystemsTraceAuditNumber; len(c.terminal.Records()) != 0 || stan == first || c.lastSent().MTI != "0100" {
		t.Errorf("an inquiry is recorded or reversed: %v", c.sent)
	}
}

// TestAnInquiryIsNotBlocked: nor does a reversal that is due keep anybody from asking.
func TestAnInquiryIsNotBlocked(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.spoil = func(b []byte) [][]byte {
		if b[0] == 0x04 || b[0] == 0x02 {
			return nil
		}
		return [][]byte{b}
	}
	c.press("1000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(10 * time.Minute)
	if r := c.latest(); r.State != ReversalDue {
		t.Fatalf("%+v", r)
	}
	c.choose(FunctionBalance, "")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	c.pass(10 * time.Minute)
	c.choose(FunctionMOTOSale, "1000\r4761739001010119\r3012\r")
	c.pass(5 * time.Minute)
	c.wants(OutcomeBlocked)
}

func TestBalances(t *testing.T) {
	for s, want := range map[string]int64{
		"0002156C000000123456": 123456, "0002156D000000000001": -1, "": 0, "0002156C00000012345": 0, "0002156X000000123456": 0,
		"0002156C00000012345x": 0, "0001156C000000000005" + "junk": 5,
	} {
		got := int64(0)
		if all := parseBalances(s); len(all) > 0 {
			got = all[0].amount
		}
		if got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func FuzzBalances(f *testing.F) {
	f.Add("0002156C000000123456")
	f.Add("0001156C000000099900" + "0002156D000000123456")
	f.Fuzz(func(t *testing.T, s string) {
		all := parseBalances(s)
		if len(all)*balanceLength > len(s) {
			t.Errorf("%d balances of %d characters", len(all), len(s))
		}
		for _, b := range all {
			if b.amount > maxAmount || b.amount < -maxAmount {
				t.Errorf("%+v", b)
			}
		}
	})
}

func TestARefundOfWhatTheJournalHas(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.choose(FunctionRefund, sale.RRN+"\r"+sale.Date+"\r400\r\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	r, m := c.latest(), c.lastSent()
	if r.Kind != dialect.KindRefund || r.State != Advised || r.Signed() != -400 || m.MTI != "0220" || m.RetrievalReferenceNumber != sale.RRN ||
		m.OriginalKey() != c.terminal.key(sale) || m.POSEntryMode != sale.Entry {
		t.Errorf("%+v %v", r, m)
	}
	c.lastReceipt("REFUND", "AMOUNT -4.00")
	c.choose(FunctionRefund, sale.RRN+"\r"+sale.Date+"\r") // more than what is left cannot be typed
	c.press("601\r\r")
	c.pass(5 * time.Second)
	if r := c.latest(); r.Amount != 60 {
		t.Errorf("%+v", r)
	}
	c.choose(FunctionVoid, sale.STAN+"\r")
	c.wants(OutcomeNotAllowed)
}

// TestARefundIsRepeated: silence is not reversed, and the receipt comes with the answer.
func TestARefundIsRepeated(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionRefund, sale.RRN+"\r"+sale.Date+"\r1000\r\r")
	c.pass(45 * time.Second)
	c.wants(OutcomeNoAnswer)
	r := c.latest()
	if r.State != AdviceDue || len(c.receipts()) != 1 || r.Signed() != 0 || !c.had("NO ANSWER\nTO BE SENT") {
		t.Fatalf("%+v", r)
	}
	c.spoil = nil
	c.pass(3 * time.Minute)
	if m := c.lastSent(); r.State != Advised || m.MTI != "0221" || m.SystemsTraceAuditNumber != r.STAN || len(c.receipts()) != 2 {
		t.Errorf("%+v %v, %d receipts", r, m, len(c.receipts()))
	}
	for _, m := range c.sent {
		if m.MTI == "0400" {
			t.Error("a refund is reversed")
		}
	}
}

func TestARefundOfAnotherDayWantsACard(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionRefund, "606113000001\r0231\r0228\r500\r") // there is no 31 February
	c.swipe(swiped)
	c.press("\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	m, r := c.lastSent(), c.latest()
	if m.RetrievalReferenceNumber != "606113000001" || m.Original.Date != "0228" || m.PrimaryAccountNumber.IsZero() || m.Track2Data != "" || r.enteredAs() != entryStripe {
		t.Errorf("%v %+v", m, r)
	}
	if text := c.receipts()[0]; !strings.Contains(text, "AMOUNT -5.00") || strings.Contains(text, "ORIGINAL STAN") {
		t.Error(text)
	}
	c.press("") // a card that was typed gets none
	c.choose(FunctionMOTOSale, "1000\r4761739001010119\r3012\r")
	c.pass(5 * time.Second)
	moto := c.latest()
	c.say = func(_, a *dialect.Message) { a.RetrievalReferenceNumber = "606114000777" }
	c.choose(FunctionRefund, moto.RRN+"\r"+moto.Date+"\r")
	c.press("500\r")
	if c.end().Outcome == OutcomeApproved && c.latest().Kind == dialect.KindRefund && c.latest().Original.STAN == moto.STAN {
		t.Error("a number that was typed got money")
	}
}

// preAuth holds 100.00 of the usual stripe.
func (c *counter) preAuth() *Record {
	c.t.Helper()
	c.choose(FunctionPreAuth, "10000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(5 * time.Second)
	r := c.latest()
	if r.Kind != dialect.KindPreAuth || r.State != Approved || r.Signed() != 0 {
		c.t.Fatalf("%+v; %q", r, c.shown)
	}
	return r
}

func TestAPreAuthorisationAndWhatComesOfIt(t *testing.T) {
	for _, w := range []struct {
		name   string
		f      Function
		keys   string // behind card, code and date
		mti    string
		kind   dialect.Kind
		state  State
		amount int64
		slip   string
	}{
		{"completed for less", FunctionCompletion, "8000\r", "0200", dialect.KindCompletion, Approved, 8000, "COMPLETION"},
		{"completed for 115 percent", FunctionCompletion, "11500\r", "0200", dialect.KindCompletion, Approved, 11500, "AMOUNT 115.00"},
		{"completed for more: a digit too many does not count", FunctionCompletion, "11501\r", "0200", dialect.KindCompletion, Approved, 1150, "AMOUNT 11.50"},
		{"completed and told", FunctionCompletionAdvice, "10000\r", "0220", dialect.KindCompletionAdvice, Advised, 10000, "COMPLETION"},
		{"released", FunctionPreAuthVoid, "\r", "0100", dialect.KindPreAuthVoid, Advised, 10000, "PRE-AUTHORISATION VOID"},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := newCounter(t, nil)
			defer c.w.Close()
			c.say = func(_, a *dialect.Message) { a.AuthorizationIDResponse = "123456" }
			hold := c.preAuth()
			c.choose(w.f, "")
			c.swipe(swiped)
			c.press("123456\r" + hold.Date + "\r" + w.keys)
			c.pass(5 * time.Second)
			c.wants(OutcomeApproved)
			r, m := c.latest(), c.lastSent()
			if m.MTI != w.mti || m.Kind != w.kind || r.State != w.state || r.Amount != w.amount || m.OriginalKey() != c.terminal.key(hold) ||
				m.AuthorizationIDResponse != "123456" || m.POSConditionCode != "06" {
				t.Errorf("%v %+v", m, r)
			}
			c.lastReceipt(w.slip, "ORIGINAL STAN "+hold.STAN)
			n := len(c.sent)
			c.choose(w.f, "") // and that was it
			c.swipe(swiped)
			c.press("123456\r" + hold.Date + "\r")
			c.wants(OutcomeNotAllowed)
			if len(c.sent) != n {
				t.Error("something was sent")
			}
		})
	}
}

func TestACompletionOfALongAgoPreAuthorisation(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionCompletion, "\r4761739001010119\r3012\r654321\r0215\r9900\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	m, r := c.lastSent(), c.latest()
	if m.AuthorizationIDResponse != "654321" || m.Original.Date != "0215" || m.PrimaryAccountNumber.IsZero() || r.enteredAs() != entryManual || r.Amount != 9900 {
		t.Errorf("%v %+v", m, r)
	}
	c.choose(FunctionCompletionVoid, r.STAN+"\r\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	if v := c.latest(); v.Kind != dialect.KindCompletionVoid || v.Signed() != -9900 {
		t.Errorf("%+v", v)
	}
	c.lastReceipt("COMPLETION VOID", "AMOUNT -99.00")
}

// TestACompletionWithoutAnAnswer is reversed under its own key.
func TestACompletionWithoutAnAnswer(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.say = func(_, a *dialect.Message) { a.AuthorizationIDResponse = "123456" }
	hold := c.preAuth()
	c.spoil = func(b []byte) [][]byte {
		if b[0] == 0x02 {
			return nil
		}
		return [][]byte{b}
	}
	c.choose(FunctionCompletion, "")
	c.swipe(swiped)
	c.press("123456\r" + hold.Date + "\r10000\r")
	c.pass(2 * time.Minute)
	c.wants(OutcomeNoAnswer)
	r, m := c.latest(), c.lastSent()
	if r.State != Reversed || m.MTI != "0400" || m.Key() != c.terminal.key(r) || m.ReversalReason != "98" || hold.State != Approved {
		t.Errorf("%+v %v", r, m)
	}
}

func TestATipIsAdjustedOnce(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionTipAdjust, sale.STAN+"\r150\r\r")
	c.pass(45 * time.Second)
	c.wants(OutcomeNoAnswer)
	r := c.latest()
	if r.State != AdviceDue || r.Amount != 1150 || r.Tip != 150 {
		t.Fatalf("%+v", r)
	}
	c.choose(FunctionVoid, sale.STAN+"\r") // what waits to be sent must be sent first
	c.wants(OutcomeNotAllowed)
	c.spoil = nil
	c.pass(3 * time.Minute)
	if m := c.lastSent(); r.State != Advised || m.MTI != "0221" || m.TipAmount != 150 || m.AmountTransaction != 1150 || m.OriginalKey() != c.terminal.key(sale) {
		t.Errorf("%+v %v", r, m)
	}
	if totals := c.terminal.journal.totals(""); totals.Debits.Count != 1 || totals.Debits.Amount != 1150 {
		t.Errorf("%+v", totals)
	}
	c.lastReceipt("TIP ADJUSTMENT", "GOODS 10.00", "TIP 1.50", "AMOUNT 11.50")
	for _, f := range []Function{FunctionTipAdjust, FunctionVoid} {
		c.choose(f, sale.STAN+"\r")
		c.wants(OutcomeNotAllowed)
	}
	c.choose(FunctionRefund, sale.RRN+"\r"+sale.Date+"\r1150\r\r")
	c.pass(5 * time.Second)
	c.wants(OutcomeApproved)
	if r := c.latest(); r.Amount != 1150 {
		t.Errorf("%+v", r)
	}
}

func TestASaleByCode(t *testing.T) {
	for _, w := range []struct {
		name  string
		code  func(n int, m *dialect.Message) string // to the n-th message; "": silence
		want  Outcome
		state State
		last  string // MTI and kind of the last message
	}{
		{"paid at once", func(int, *dialect.Message) string { return "00" }, OutcomeApproved, Approved, "0200 qr-sale"},
		{"refused", func(int, *dialect.Message) string { return "51" }, OutcomeDeclined, Declined, "0200 qr-sale"},
		{"paid after a while", func(n int, _ *dialect.Message) string { return map[bool]string{true: "00", false: "09"}[n > 3] }, OutcomeApproved, Approved, "0200 qr-query"},
		{"refused after a silence", func(n int, _ *dialect.Message) string { return map[bool]string{true: "51", false: ""}[n > 1] }, OutcomeDeclined, Declined, "0200 qr-query"},
		{"the query overtakes the sale", func(n int, _ *dialect.Message) string {
			return [...]string{"", "25", "25", "00"}[min(n, 3)]
		}, OutcomeApproved, Approved, "0200 qr-query"},
		{"nobody pays", func(_ int, m *dialect.Message) string {
			return map[bool]string{true: "00", false: "09"}[m.Kind == dialect.KindQRCancel]
		}, OutcomeNoAnswer, Reversed, "0220 qr-cancel"},
		{"nobody pays, and the host never heard of it", func(_ int, m *dialect.Message) string {
			return map[bool]string{true: "25", false: "09"}[m.Kind == dialect.KindQRCancel]
		}, OutcomeNoAnswer, ReversedUnmatched, "0220 qr-cancel"},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := newCounter(t, nil)
			defer c.w.Close()
			n := 0
			c.say = func(m, a *dialect.Message) {
				a.ResponseCode = w.code(n, m)
				n++
			}
			c.spoil = func(b []byte) [][]byte {
				if a, err := dialect.ISO87().Unpack(b); err != nil || a.ResponseCode == "" {
					return nil
				}
				return [][]byte{b}
			}
			c.choose(FunctionQRScan, "2500\r628800001111222233\r")
			c.pass(10 * time.Minute)
			c.wants(w.want)
			var r *Record
			for _, x := range c.terminal.Records() {
				if x.Kind == dialect.KindQRSale {
					r = x
				}
			}
			if r.State != w.state || c.sent[1].CodeScanned != "628800001111222233" {
				t.Errorf("%+v", r)
			}
			if m := c.lastSent(); m.MTI+" "+m.Kind.String() != w.last {
				t.Errorf("last sent %v %v, want %s", m, m.Kind, w.last)
			}
			if got, want := len(c.receipts()), map[bool]int{true: 1}[w.state == Approved]; got != want {
				t.Errorf("%d receipts, want %d", got, want)
			}
			for _, x := range c.terminal.Records() {
				if x.State == AdviceDue || x.State == Pending {
					t.Errorf("left: %+v", x)
				}
			}
		})
	}
}

// TestACancelledCodeSurvivesAPowerCut: nobody knows what became of it, so it is cancelled at the next boot, under one STAN.
func TestACancelledCodeSurvivesAPowerCut(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionQRSale, "2500\r")
	c.pass(5 * time.Second)
	if !c.had("PLEASE SCAN ") || c.latest().State != Pending {
		t.Fatalf("%q", c.shown)
	}
	for range 2 {
		c.term.PowerOff()
		c.pass(time.Second)
		c.restart()
		c.pass(10 * time.Second)
	}
	c.spoil = nil
	c.pass(10 * time.Minute)
	if r := c.terminal.Records()[0]; r.State != Reversed || r.Reason != "98" {
		t.Errorf("%+v", r)
	}
	stans := map[string]bool{}
	for _, m := range c.sent {
		if m.Kind == dialect.KindQRCancel {
			stans[m.SystemsTraceAuditNumber] = true
		}
	}
	if len(stans) != 1 {
		t.Errorf("cancelled under %v", stans)
	}
}

func TestTheLastTransaction(t *testing.T) {
	c := newCounter(t, nil)
	defer c.w.Close()
	c.choose(FunctionLastTransaction, "")
	c.wants(OutcomeNotFound)
	sale := c.saleOf()
	c.choose(FunctionLastTransaction, "")
	if last := lastShown(&c.shown); !strings.Contains(last, "SALE 10.00") || !strings.Contains(last, "APPROVED") || !strings.Contains(last, sale.STAN) {
		t.Errorf("%q", last)
	}
	c.press("\r")
	c.wants(OutcomeDone)
	c.lastReceipt("REPRINT", sale.STAN)
	c.choose(FunctionReprintLast, "")
	c.choose(FunctionReprint, "1\r")
	c.wants(OutcomeNotFound) // that was the sign-on
	c.choose(FunctionReprint, sale.STAN+"\r")
	c.wants(OutcomeDone)
	if len(c.receipts()) != 4 {
		t.Errorf("%d receipts", len(c.receipts()))
	}
}
