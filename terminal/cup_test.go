package terminal

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// numbered is the generic terminal at a host that tells transactions apart by batch and STAN.
func numbered(t testing.TB, more string) string {
	t.Helper()
	return strings.Replace(generic(t), "attempts: 3", "attempts: 3\ndialect: cup\n"+more, 1)
}

func TestASaleWithABatchNumber(t *testing.T) {
	c := newCounterOf(t, numbered(t, ""), nil)
	defer c.w.Close()
	sale := c.saleOf()
	m := c.lastSent()
	if m.MTI != "0200" || m.BatchNumber != "000001" || m.TimeLocalTransaction != "" || m.POSEntryMode != "0021" || m.SecurityControl != "2600000000000000" ||
		m.PINCaptureCode != "12" || m.MessageTypeCode != "22" || m.TerminalCapability != "2" || m.OperatorNumber != "01 " || !m.PrimaryAccountNumber.IsZero() {
		t.Errorf("%+v", c.dialect.Fields(m))
	}
	if sale.Batch != "000001" || sale.HostDate != "0302" || sale.Scheme != "CUP" || len(sale.Sealed) == 0 {
		t.Errorf("%+v", sale)
	}
	for _, m := range c.sent { // every message can be written and read
		if m.MTI[:2] != "08" && m.Key() == (dialect.Key{}) {
			t.Errorf("%v", m)
		}
	}
}

// TestAReversalOfANumberedSale: the original's STAN and batch, the card's number, no PIN, no track, no original.
func TestAReversalOfANumberedSale(t *testing.T) {
	c := newCounterOf(t, numbered(t, ""), nil)
	defer c.w.Close()
	c.spoil = func(b []byte) [][]byte {
		if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0210" {
			return nil
		}
		return [][]byte{b}
	}
	c.press("1000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(2 * time.Minute)
	r, m := c.latest(), c.lastSent()
	if r.State != Reversed || m.MTI != "0400" || m.ReversalReason != "98" || m.SystemsTraceAuditNumber != r.STAN || m.BatchNumber != r.Batch ||
		m.PrimaryAccountNumber.Masked() != r.Card || m.DateExpiration != "3012" || m.POSConditionCode != "00" || m.ProcessingCode != "000000" || m.MessageTypeCode != "22" ||
		m.Track2Data != "" || len(m.PINData) != 0 || m.SecurityControl != "" || m.Original != (dialect.Original{}) || m.RetrievalReferenceNumber != "" || m.OperatorNumber != "" {
		t.Errorf("%+v %+v", r, c.dialect.Fields(m))
	}
}

// silentVoid makes a sale, and a void of it that is not answered.
func silentVoid(t *testing.T, left rules.Rule) (c *counter, sale, void *Record) {
	c = newCounterOf(t, numbered(t, ""), nil)
	c.terminal.cfg.Rules = rules.Leave(left)
	sale = c.saleOf()
	c.spoil = func(b []byte) [][]byte {
		if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0210" {
			return nil
		}
		return [][]byte{b}
	}
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.pass(3 * time.Minute)
	return c, sale, c.latest()
}

// TestANumberedVoidIsReversed by its own key, with the sale's beside it (V2); then the sale stands, and can be voided again.
func TestANumberedVoidIsReversed(t *testing.T) {
	c, sale, void := silentVoid(t, 0)
	defer c.w.Close()
	c.wants(OutcomeNoAnswer)
	m := c.lastSent()
	if void.State != Reversed || m.MTI != "0400" || m.SystemsTraceAuditNumber != void.STAN || m.MessageTypeCode != "23" || m.Original.STAN != sale.STAN ||
		m.Original.Batch != sale.Batch || m.PrimaryAccountNumber.Masked() != sale.Card || m.Kind != dialect.KindVoid {
		t.Errorf("%+v %+v", void, c.dialect.Fields(m))
	}
	if sale.State != Approved || sale.Signed()+void.Signed() != 1000 {
		t.Errorf("%+v", sale)
	}
	c.spoil = nil
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	if m := c.lastSent(); m.MTI != "0200" || m.MessageTypeCode != "23" || m.Original.Batch+m.Original.STAN != sale.Batch+sale.STAN || m.RetrievalReferenceNumber != sale.RRN {
		t.Errorf("%+v", c.dialect.Fields(m))
	}
	c.lastReceipt("VOID", "AMOUNT -10.00")
}

// TestNaiveVoids: what the rules forbid.
func TestNaiveVoids(t *testing.T) {
	c, sale, void := silentVoid(t, rules.VoidKeepsKey)
	defer c.w.Close()
	if m := c.lastSent(); m.MTI != "0400" || m.SystemsTraceAuditNumber != sale.STAN {
		t.Errorf("%v of %+v", m, void)
	}
	c, _, void = silentVoid(t, rules.UnknownVoid)
	defer c.w.Close()
	if m := c.lastSent(); m.MTI != "0200" || void.State != Declined || !c.had("VOID FAILED") {
		t.Errorf("%v of %+v", m, void)
	}
}

func TestAMismatchIsReversedOrForgotten(t *testing.T) {
	for _, w := range []struct {
		name, more string
		left       rules.Set
		want       State
	}{
		{"reversed", "", rules.Set{}, Reversed},
		{"forgotten, as a naive design", "", rules.Leave(rules.ReverseMismatch), Declined},
		{"forgotten, as the switch says", "switches: {mismatch: bctc}\n", rules.Set{}, Declined},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := newCounterOf(t, numbered(t, w.more), nil)
			defer c.w.Close()
			c.terminal.cfg.Rules = w.left
			c.say = func(m, a *dialect.Message) {
				if m.MTI == "0200" {
					a.AmountTransaction++
				}
			}
			c.press("1000\r")
			c.swipe(swiped)
			c.press("1234\r")
			c.pass(time.Minute)
			c.wants(OutcomeNoAnswer)
			if r := c.latest(); r.State != w.want || w.want == Reversed && r.Reason != "06" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSwitchesOfReversals(t *testing.T) {
	for _, w := range []struct {
		name, more, code string
		state            State
		tries            int
		reason           string // of the last
	}{
		{"25 ends it", "", "25", ReversedUnmatched, 1, "98"},
		{"25 does not", "switches: {unmatched-reversal: stays}\n", "25", ReversalDue, 3, "98"},
		{"12 ends it", "", "12", ReversalRefused, 1, "98"},
		{"tried once", "switches: {reversal-retry: once}\n", "96", ReversalDue, 1, "98"},
		{"the first reason stays", "", "96", ReversalDue, 3, "98"},
		{"another reason after a refusal", "switches: {reversal-reason: \"06\"}\n", "96", ReversalDue, 3, "06"},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := newCounterOf(t, numbered(t, w.more), nil)
			defer c.w.Close()
			c.say = func(m, a *dialect.Message) { a.ResponseCode = map[string]string{"0800": "00", "0400": w.code}[m.MTI] }
			c.spoil = func(b []byte) [][]byte {
				if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0210" {
					return nil
				}
				return [][]byte{b}
			}
			c.press("1000\r")
			c.swipe(swiped)
			c.press("1234\r")
			c.pass(3 * time.Minute)
			n := 0
			for _, m := range c.sent {
				if m.MTI == "0400" {
					n++
				}
			}
			if r := c.latest(); r.State != w.state || n != w.tries || c.lastSent().ReversalReason != w.reason {
				t.Errorf("%s after %d tries, reason %s", r.State, n, c.lastSent().ReversalReason)
			}
		})
	}
}

// TestACodeWithTwoMeanings: an answer whose MAC is bad is none, whatever it says (W11c).
func TestABadMACIsNoDecline(t *testing.T) {
	c := newCounterOf(t, numbered(t, ""), nil)
	defer c.w.Close()
	c.say = func(m, a *dialect.Message) {
		if m.MTI == "0200" {
			a.ResponseCode = "51"
		}
	}
	c.spoil = func(b []byte) [][]byte {
		if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0210" {
			b[len(b)-1] ^= 1
		}
		return [][]byte{b}
	}
	c.press("1000\r")
	c.swipe(swiped)
	c.press("1234\r")
	c.pass(time.Minute)
	c.wants(OutcomeNoAnswer)
	if r := c.latest(); r.State != Reversed || r.Reason != "A0" {
		t.Errorf("%+v", r)
	}
}

func TestApprovalsWithADefectSaySo(t *testing.T) {
	for _, code := range []string{"11", "A2", "A4", "A5", "A6"} {
		c := newCounterOf(t, numbered(t, ""), nil)
		c.say = func(m, a *dialect.Message) {
			if m.MTI == "0200" {
				a.ResponseCode = code
			}
		}
		c.saleOf()
		if !c.had("APPROVED\nPLEASE CONFIRM WITH ISSUER") || c.latest().Code != code {
			t.Errorf("%s: %q", code, c.shown)
		}
		c.w.Close()
	}
}

// TestAPartialApproval: accepted, refused, not possible, lost.
func TestAPartialApproval(t *testing.T) {
	for _, w := range []struct {
		name string
		can  bool
		keys string
		lost bool
		want Outcome
		then State
		sum  int64
	}{
		{"accepted", true, "\r", false, OutcomeApproved, Approved, 600},
		{"refused", true, "\x1b", false, OutcomePartRefused, Reversed, 0},
		{"nobody says", true, "", false, OutcomePartRefused, Reversed, 0},
		{"a terminal that cannot", false, "", false, OutcomeNoAnswer, Reversed, 0},
		{"lost", true, "", true, OutcomeNoAnswer, Reversed, 0},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := newCounterOf(t, numbered(t, "switches: {length-60: \"14\"}\n"), func(p *Profile) { p.PartialApproval = w.can })
			defer c.w.Close()
			c.say = func(m, a *dialect.Message) {
				if m.MTI == "0200" {
					a.ResponseCode, a.AmountTransaction = "10", 600
				}
			}
			c.spoil = func(b []byte) [][]byte {
				if m, err := c.dialect.Unpack(b); err == nil && m.MTI == "0210" && w.lost {
					return nil
				}
				return [][]byte{b}
			}
			c.press("1000\r")
			c.swipe(swiped)
			c.press("1234\r")
			c.press(w.keys)
			c.pass(3 * time.Minute)
			c.wants(w.want)
			r := c.latest()
			if r.State != w.then || r.Signed() != w.sum {
				t.Errorf("%+v", r)
			}
			m := c.lastSent()
			if w.then == Reversed && (m.MTI != "0400" || m.AmountTransaction != 1000) {
				t.Errorf("%v of %d", m, m.AmountTransaction)
			}
			if w.then == Approved {
				c.lastReceipt("AMOUNT 6.00", "ASKED 10.00", "STILL TO PAY 4.00")
				if m.PartialSupport != "1" {
					t.Errorf("60.6 is %q", m.PartialSupport)
				}
			}
		})
	}
}

// TestTheTrackPartThatIsEnciphered is a published one.
func TestTheTrackPartThatIsEnciphered(t *testing.T) {
	var v struct {
		Input    struct{ Track2 string }
		Expected struct {
			TDB2 string `json:"tdb2_hex"`
		}
	}
	src, err := os.ReadFile("../testdata/vectors/cup/CUP-TRK-001.json")
	must(t, err)
	must(t, json.Unmarshal(src, &v))
	c := newCounterOf(t, numbered(t, "switches: {keys: \"60\"}\n"), nil)
	defer c.w.Close()
	got, err := c.terminal.encipherTrack(v.Input.Track2)
	must(t, err)
	packed := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, "=", "D") + "F")
		must(t, err)
		return b
	}
	in, out := packed(v.Input.Track2), packed(got)
	want, err := hex.DecodeString(v.Expected.TDB2)
	must(t, err)
	at := len(in) - 9
	clear, err := c.hsm.DecryptData(c.track, nil, out[at:at+8])
	must(t, err)
	if string(in[at:at+8]) != string(want) || string(clear) != string(want) || string(out[:at]) != string(in[:at]) || out[len(out)-1] != in[len(in)-1] {
		t.Errorf("%d bytes before, %d after", len(in), len(out))
	}
}

// TestATrackGoesOutEnciphered where the session has a key for it.
func TestATrackGoesOutEnciphered(t *testing.T) {
	c := newCounterOf(t, numbered(t, "switches: {keys: \"60\"}\n"), nil)
	defer c.w.Close()
	c.saleOf()
	m := c.lastSent()
	if m.SecurityControl != "2610000000000000" || m.Track2Data == strings.Trim(swiped, ";?") || !strings.HasPrefix(m.Track2Data, "4761739001010119") {
		t.Errorf("%s", m.SecurityControl)
	}
}

// TestANumberedRefundAndCompletion: what the host finds them by.
func TestANumberedRefundAndCompletion(t *testing.T) {
	c := newCounterOf(t, numbered(t, ""), nil)
	defer c.w.Close()
	c.say = func(_, a *dialect.Message) { a.AuthorizationIDResponse = "123456" }
	c.choose(FunctionRefund, "606113000001\r0228\r\r500\r") // the clerk does not know batch and STAN
	c.swipe(swiped)
	c.press("\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	if m := c.lastSent(); m.MTI != "0220" || m.MessageTypeCode != "25" || m.Original.STAN != "000000" && m.Original.STAN != "" || m.Original.Date != "0228" || m.RetrievalReferenceNumber != "606113000001" {
		t.Errorf("%+v", c.dialect.Fields(m))
	}
	hold := c.preAuth()
	c.choose(FunctionCompletion, "")
	c.swipe(swiped)
	c.press("123456\r" + hold.HostDate + "\r11000\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	r, m := c.latest(), c.lastSent()
	if m.MessageTypeCode != "20" || m.Original.Batch+m.Original.STAN+m.Original.Date != hold.Batch+hold.STAN+"0302" || r.State != Approved || r.Signed() != 11000 {
		t.Errorf("%+v", c.dialect.Fields(m))
	}
	c.choose(FunctionCompletionVoid, r.STAN+"\r\r")
	c.pass(10 * time.Second)
	c.wants(OutcomeApproved)
	if m, v := c.lastSent(), c.latest(); m.MessageTypeCode != "21" || v.State != Approved || v.Signed() != -11000 || m.RetrievalReferenceNumber != r.RRN {
		t.Errorf("%+v", c.dialect.Fields(m))
	}
}

// TestANumberedVoidSurvivesAPowerCut: nobody knows what became of it, so it is reversed.
func TestANumberedVoidSurvivesAPowerCut(t *testing.T) {
	c := newCounterOf(t, numbered(t, ""), nil)
	defer c.w.Close()
	sale := c.saleOf()
	c.spoil = func([]byte) [][]byte { return nil }
	c.choose(FunctionVoid, sale.STAN+"\r\r")
	c.disk.Settle(sim.PowerOffLost)
	c.term.PowerOff()
	c.pass(time.Second)
	c.spoil = nil
	c.restart()
	c.pass(time.Minute)
	v, m := c.latest(), c.lastSent()
	if v.Kind != dialect.KindVoid || v.State != Reversed || v.Reason != "98" || m.MTI != "0400" || m.SystemsTraceAuditNumber != v.STAN {
		t.Errorf("%+v %v", v, m)
	}
}
