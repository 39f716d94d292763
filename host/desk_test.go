package host

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// counterTown is a town whose terminal numbers its batches.
type counterTown struct {
	*town
	batch string
}

// newCounter is a town whose terminal numbers its batches: cup, with the MAC of that dialect and a TPDU.
func newCounter(t testing.TB, switches dialect.Switches) *counterTown {
	t.Helper()
	scheme, err := hsm.ParseScheme(hsm.MasterSession, "0", "cup-ecb", 0)
	if err != nil {
		t.Fatal(err)
	}
	line := transport.Framing{TPDU: &transport.TPDU{Destination: 3, Source: 0}}
	return &counterTown{town: newTownOf(t, rules.Set{}, dialect.CUP(switches), scheme, line), batch: firstBatch}
}

// message is one of a kind.
func (c *counterTown) message(k dialect.Kind) *dialect.Message {
	c.stan++
	m := &dialect.Message{
		Kind: k, SystemsTraceAuditNumber: fmt.Sprintf("%06d", c.stan), BatchNumber: c.batch,
		CardAcceptorTerminalIdentification: testTID, CardAcceptorIdentificationCode: testMID,
	}
	if err := c.speaks.Shape(m); err != nil {
		c.t.Fatal(err)
	}
	return m
}

func (c *counterTown) sale(amount int64) *dialect.Message {
	m := c.message(dialect.KindSale)
	m.SetAmount(amount)
	m.POSEntryMode, m.CurrencyCodeTransaction = "0021", "0156"
	m.Track2Data = testCard(c.t).Digits() + "=3012201000000000000"
	return m
}

// signOn takes the keys and the batch number of an answer.
func (c *counterTown) signOn() *dialect.Message {
	c.t.Helper()
	m := c.message(dialect.KindSignOn)
	m.OperatorNumber = "01"
	a := c.ask(m)
	if a == nil || a.ResponseCode != codeApproved {
		c.t.Fatalf("sign-on answered %v", a)
	}
	keys, err := c.speaks.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.mac, err = c.module.Import(c.scheme.SessionMAC(), c.master, keys.MACKey, keys.MACKeyCheckValue); err != nil {
		c.t.Fatal(err)
	}
	c.batch = a.BatchNumber
	return a
}

func TestSaleOfATerminalThatNumbersItsBatches(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	on := c.signOn()
	c.expect("sign-on", fmt.Sprintf("%s %s %s", on, on.DateLocalTransaction, on.TimeLocalTransaction), "0810 SIM00001/000001/B000001 00 0302 140500")
	a := c.ask(c.sale(10000))
	c.expect("answer", a, "0210 SIM00001/000002/B000001 00")
	c.expect("MAC", a.ReservedPrivate63, "")
	c.expect("money", c.money(), sold)
	c.expect("kind", a.Kind, dialect.KindSale)
	c.pass(time.Second)
	c.expect("trouble", c.saw(Dropped)+c.saw(Undecodable)+c.saw(UnmatchedAnswer)+c.saw(DialFailed), 0)
	for i, v := range c.views() {
		if len(v.Transactions) != 1 || v.Transactions[0].Key.Batch != firstBatch {
			t.Errorf("%s: %v", placeNames[i], v.Transactions)
		}
	}
}

// totals is a settlement's message.
func (c *counterTown) totals(t dialect.Totals) *dialect.Message {
	m := c.message(dialect.KindSettlement)
	m.Totals, m.CurrencyCodeTransaction, m.OperatorNumber = &t, "0156", "01"
	return m
}

// line is the upload of one debit.
func (c *counterTown) line(stan string, amount int64) *dialect.Message {
	m := c.message(dialect.KindUpload)
	m.NetworkManagementCode = dialect.UploadLines
	m.Details = []dialect.Detail{{STAN: stan, PAN: testCard(c.t), Amount: amount, Debit: true}}
	return m
}

// end is the end of an upload.
func (c *counterTown) end(code string, lines int) *dialect.Message {
	m := c.message(dialect.KindUploadEnd)
	m.NetworkManagementCode, m.Uploaded = code, lines
	return m
}

func (c *counterTown) code(what string, m *dialect.Message, want string) *dialect.Message {
	c.t.Helper()
	a := c.ask(m)
	got := "none"
	if a != nil {
		got = a.ResponseCode
		if a.Kind != m.Kind || a.MTI != dialect.Response(m.MTI) {
			c.t.Errorf("%s: %v answered by %v of kind %v", what, m, a, a.Kind)
		}
	}
	c.expect(what, got, want)
	return a
}

func debits(count int, amount int64) dialect.Totals {
	return dialect.Totals{Debits: dialect.Total{Count: count, Amount: amount}}
}

// batches are an acquirer's batches in short.
func (c *counterTown) batches() (all []string) {
	for _, b := range c.views()[atAcquirer].Batches {
		all = append(all, fmt.Sprintf("%s %v %d/%d of %d/%d, result %d, %d lines, %d items", b.Number, b.State, b.Terminal.Debits.Count, b.Terminal.Debits.Amount,
			b.Host.Debits.Count, b.Host.Debits.Amount, b.Result, b.Uploaded, b.Items))
	}
	return all
}

func TestSettlementOfEqualTotals(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	first, second := c.sale(10000), c.sale(300)
	c.code("sale", first, "00")
	c.code("sale", second, "00")
	undone := c.sale(7)
	c.code("sale", undone, "00")
	c.code("reversal", c.reversal(undone), "00")
	m := c.totals(debits(2, 10300))
	a := c.code("totals", m, "00")
	c.expect("result", a.SettlementResult, dialect.SettlementEqual)
	again := c.code("the same totals again", m, "00")
	c.expect("result of the copy", fmt.Sprint(again.SettlementResult, *again.Totals), fmt.Sprint(a.SettlementResult, *a.Totals))
	c.expect("batches", c.batches(), "[000001 compared 2/10300 of 2/10300, result 1, 0 lines, 0 items]")
	end := c.end(dialect.UploadEndEqual, 0)
	c.code("end", end, "00")
	c.code("the end again", end, "00")
	c.code("the totals once more", c.totals(debits(2, 10300)), "00") // the terminal lost its power and begins anew
	c.code("other totals of a closed batch", c.totals(debits(1, 10300)), "77")
	c.expect("batches", c.batches(), "[000001 closed 2/10300 of 2/10300, result 1, 0 lines, 0 items]")

	c.code("a sale of the old batch", c.sale(100), "77")
	c.code("a copy of an old sale", first, "00")
	c.code("the reversal of an old sale", c.reversal(second), "00")
	c.expect("the batch of the next sign-on", c.signOn().BatchNumber, "000002")
	c.code("a sale of the new batch", c.sale(100), "00")
	a = c.code("totals of the new batch", c.totals(debits(1, 100)), "00")
	c.expect("result", a.SettlementResult, dialect.SettlementEqual)
}

func TestSettlementOfOtherTotals(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	var sales []*dialect.Message
	for _, n := range []int64{1000, 2000, 3000} {
		m := c.sale(n)
		c.code("sale", m, "00")
		sales = append(sales, m)
	}
	// The terminal's memory: it does not know the first, has 2500 for the second, and one that never came.
	a := c.code("totals", c.totals(debits(3, 10500)), "00")
	c.expect("result", a.SettlementResult, dialect.SettlementNotEqual)
	c.expect("our totals", *a.Totals, debits(3, 6000))
	for range 2 { // each line twice, as after a power cut
		c.code("line", c.line(sales[1].SystemsTraceAuditNumber, 2500), "00")
		c.code("line", c.line(sales[2].SystemsTraceAuditNumber, 3000), "00")
		c.code("line", c.line("000777", 5000), "00")
	}
	notice := c.line("000778", 700) // a card declined that offline
	notice.NetworkManagementCode, notice.Details = dialect.UploadNoticeNotEqual, nil
	notice.SystemsTraceAuditNumber = "000778"
	notice.SetAmount(700)
	c.code("notice", notice, "00")
	logged := len(c.houses[atAcquirer].disk.Durable(LogName))
	c.code("a line that has come", c.line("000777", 5000), "00")
	c.expect("the log behind it", len(c.houses[atAcquirer].disk.Durable(LogName)), logged)
	end := c.end(dialect.UploadEndNotEqual, 3)
	c.code("end", end, "00")
	c.code("the end again", end, "00")
	c.code("a line too late", c.line("000779", 1), "00")
	c.expect("batches", c.batches(), "[000001 closed 3/10500 of 3/6000, result 2, 4 lines, 3 items]")
	v := c.views()[atAcquirer]
	var items []string
	for _, e := range v.Differences() {
		items = append(items, fmt.Sprintf("%s %s %d %s %s", e.Key.STAN, e.Difference.Owner, e.Difference.Amount, e.Difference.Deadline, e.Difference.Reason))
	}
	c.expect("items", items, "["+
		"000002 acquirer 1000 2026-03-22 long item: the terminal's batch does not have it "+
		"000003 acquirer 500 2026-03-22 the terminal's batch has 2500 "+
		"000777 acquirer 5000 2026-03-22 short item: only the terminal's batch has it]")
	c.expect("money", fmt.Sprint(Positions(c.views()...)), "map[acquirer:5000 cardholder:-6000 fees:0 issuer:0 merchant:0 suspense:1000 switch:0]")
	c.houses[atAcquirer].party.Calendar(Calendar{Kind: CalendarPayout})
	c.pass(time.Second)
	c.expect("what is paid", Positions(c.views()...)[PositionMerchant]+Positions(c.views()...)[PositionFees], 5000)
	c.code("the reversal of the disputed sale", c.reversal(sales[0]), "00")
	c.pass(time.Second)
	c.expect("suspense", Positions(c.views()...)[PositionSuspense], 0)
	c.expect("cardholder", Positions(c.views()...)[PositionCardholder], -5000)
	c.expect("items left", len(c.views()[atAcquirer].Differences()), 2)
}

// A sale behind the comparison makes it void: a batch is closed with what was compared.
func TestSaleBehindTheTotals(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	c.code("sale", c.sale(1000), "00")
	c.code("totals", c.totals(debits(1, 1000)), "00")
	c.code("sale", c.sale(500), "00")
	c.code("end", c.end(dialect.UploadEndEqual, 0), "95")
	c.code("line", c.line("000002", 1000), "95")
	c.code("totals", c.totals(debits(2, 1500)), "00")
	c.code("end", c.end(dialect.UploadEndEqual, 0), "00")
	c.expect("batches", c.batches(), "[000001 closed 2/1500 of 2/1500, result 1, 0 lines, 0 items]")
}

func (c *counterTown) reversal(m *dialect.Message) *dialect.Message {
	r := *m
	r.MTI, r.ReversalReason, r.Track2Data, r.PINData = "0400", dialect.ReasonNoAnswer, "", nil
	return &r
}

func TestWhoIsTurnedAway(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	var err error
	if c.mac, err = c.module.Install("", c.scheme.SessionMAC(), clearKey(12)); err != nil {
		t.Fatal(err)
	}
	c.code("a sale before any sign-on", c.sale(100), "77")
	sm := c.message(dialect.KindSignOn)
	sm.NetworkManagementCode = "006"
	c.code("a sign-on of another form", sm, "40")
	c.signOn()
	sold := c.sale(100)
	c.code("sale", sold, "00")
	other := c.sale(100)
	other.BatchNumber = "000002"
	c.code("a sale of another batch", other, "77")
	stranger := c.sale(100)
	stranger.CardAcceptorTerminalIdentification = "SIM00099"
	c.code("an unknown terminal", stranger, "97")
	merchant := c.sale(100)
	merchant.CardAcceptorIdentificationCode = "SIM000000000099"
	c.code("an unknown merchant", merchant, "03")
	good := c.mac
	if c.mac, err = c.module.Install("", c.scheme.SessionMAC(), clearKey(13)); err != nil {
		t.Fatal(err)
	}
	c.code("a sale under other keys", c.sale(100), "A0")
	c.mac = good
	c.code("sign-off", c.message(dialect.KindSignOff), "00")
	c.code("a sale after the sign-off", c.sale(100), "77")
	c.code("a copy of what was sold", sold, "00")
	c.code("its reversal after the sign-off", c.reversal(sold), "00")
	c.code("echo", c.message(dialect.KindEcho), "00")
	c.code("status", c.message(dialect.KindStatus), "00")
	c.signOn()
	c.code("a sale after the next sign-on", c.sale(100), "00")
	for i, v := range c.views() {
		if n := len(v.Transactions); n != 2 {
			t.Errorf("%s has %d transactions", placeNames[i], n)
		}
	}
}

// A frame for another host, or with another header, is dropped and counted; nobody is told.
func TestWrongAddressIsDropped(t *testing.T) {
	c := newCounter(t, dialect.Switches{DropWrongHeader: true})
	c.signOn()
	c.framing = transport.Framing{TPDU: &transport.TPDU{Destination: 4, Source: 0}}
	c.dial()
	if a := c.ask(c.message(dialect.KindEcho)); a != nil {
		t.Errorf("answered %v", a)
	}
	c.framing.TPDU.Destination = 3
	c.dial()
	m := c.message(dialect.KindEcho)
	m.Header = "623100311100"
	if a := c.ask(m); a != nil {
		t.Errorf("answered %v", a)
	}
	c.expect("dropped", c.saw(Undecodable), 2)
	c.code("echo on the same line", c.message(dialect.KindEcho), "00")
}

func TestSignatureOfASale(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	sold := c.sale(10000)
	answer := c.code("sale", sold, "00")
	picture := func(original string, b ...byte) *dialect.Message {
		m := c.message(dialect.KindSignature)
		m.Original = dialect.Original{Batch: firstBatch, STAN: original}
		m.RetrievalReferenceNumber, m.ReservedPrivate62 = answer.RetrievalReferenceNumber, b
		m.SetAmount(10000)
		return m
	}
	m := picture(sold.SystemsTraceAuditNumber, 1, 2, 3)
	c.code("signature", m, "00")
	logged := len(c.houses[atAcquirer].disk.Durable(LogName))
	c.code("a copy", m, "00")
	c.expect("the log behind it", len(c.houses[atAcquirer].disk.Durable(LogName)), logged)
	c.code("of no sale", picture("000999", 1), "25")
	c.code("of another amount", func() *dialect.Message { m := picture(sold.SystemsTraceAuditNumber, 1); m.SetAmount(1); return m }(), "64")
	e := c.views()[atAcquirer].Find(sold.Key())
	// SHA-256 of 010203, from outside.
	c.expect("signature", fmt.Sprint(*e.Signature), "{000003 3 039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81}")
	c.expect("the picture in the log", contains(c.houses[atAcquirer].disk.Durable(LogName), []byte{1, 2, 3}), false)
}

// The card's word about its issuer's scripts goes up to the issuer, whose orders go by it, and is repeated until it is answered.
func TestScriptResultInAMessageOfItsOwn(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	issuer := c.houses[atIssuer].party
	issuer.Admin(Admin{Account: "card", Script: []ScriptOrder{{When: AfterFinal, Command: UnblockPIN}}})
	c.pass(time.Second)
	s := &street{t: t}
	chip := s.chip("0200", 0, 10000, 1)
	m := c.sale(10000)
	m.Track2Data, m.PrimaryAccountNumber, m.POSEntryMode, m.CardSequenceNumber, m.ICCSystemRelatedData =
		"", chip.PrimaryAccountNumber, "0051", "0001", chip.ICCSystemRelatedData
	c.code("sale", m, "00")
	order := func() Order { return *c.views()[atIssuer].Accounts[0].Orders[0] }
	c.expect("order", order().State, OrderSent)
	told := c.message(dialect.KindScriptResult)
	told.Original = dialect.Original{Batch: firstBatch, STAN: m.SystemsTraceAuditNumber}
	told.ProcessingCode, told.POSConditionCode, told.POSEntryMode, told.CurrencyCodeTransaction = m.ProcessingCode, m.POSConditionCode, "0051", "0156"
	told.SetAmount(10000)
	told.ICCSystemRelatedData = append([]byte{0xDF, 0x31, 5, 0x20}, 0, 0, 0, byte(order().Number))
	c.vanish[atSwitch] = true
	c.crash(atSwitch) // the line up breaks, and what is told is lost on it
	if a := c.ask(told); a != nil {
		t.Errorf("answered %v by nobody", a)
	}
	c.expect("order", order().State, OrderSent)
	c.vanish[atSwitch] = false
	c.pass(time.Minute)
	c.code("script result", told, "00")
	c.expect("order", order().State, OrderDone)
	c.expect("unmatched", c.saw(UnmatchedAnswer), 0)
	c.code("a copy", told, "00")
	e := c.views()[atAcquirer].Find(m.Key())
	c.expect("written down", fmt.Sprintf("%s %X", e.ScriptSTAN, e.ScriptResults), fmt.Sprintf("%s 20000000%02X", told.SystemsTraceAuditNumber, order().Number))
	told.Original.STAN = "000999"
	told.SystemsTraceAuditNumber = "000998"
	c.code("about no transaction", told, "25")
}

func TestDownloads(t *testing.T) {
	var keys []dialect.CAKey
	for i := range byte(20) { // more than one page
		keys = append(keys, dialect.CAKey{CAKeyName: dialect.CAKeyName{RID: [5]byte{0xA0, 0, 0, 0, 3}, Index: i, Expiry: "20991231"}, Modulus: []byte{0x80, i}, Exponent: []byte{3}})
	}
	limit := int64(100000)
	apps := []dialect.AIDParameters{{AID: []byte{0xA0, 0, 0, 0, 3, 1, 1}, FloorLimit: 5}, {AID: []byte{0xA0, 0, 0, 0, 4, 1, 1}, ContactlessLimit: &limit}}
	parameters := []dialect.Parameter{{Tag: dialect.ParameterAnswerWait, Value: "60"}, {Tag: dialect.ParameterMerchant, Value: "Corner shop"}}
	c := newCounter(t, dialect.Switches{})
	c.acquirer = func(cfg *RelayConfig) {
		cfg.Terminals[0].Downloads = Downloads{Parameters: parameters, CAKeys: keys, Applications: apps}
	}
	c.crash(atAcquirer)
	c.pass(2 * time.Second)
	c.signOn()
	for _, r := range []dialect.ProcessingRequest{dialect.RequestCAKeys, dialect.RequestICParameters, dialect.RequestParameters} {
		c.order(TerminalOrder{TID: testTID, Requests: []dialect.ProcessingRequest{r}}, nil)
	}
	ask := func(k dialect.Kind, request []byte) *dialect.Message {
		m := c.message(k)
		m.ReservedPrivate62 = request
		return c.code(k.String(), m, "00")
	}
	asked := func(want dialect.ProcessingRequest) {
		t.Helper()
		c.expect("what is asked for", c.code("echo", c.message(dialect.KindEcho), "00").ProcessingRequest, want)
	}

	asked(dialect.RequestCAKeys)
	var names []dialect.CAKeyName
	pages := 0
	for more := true; more && pages < 10; pages++ {
		page, left, err := dialect.ParseCAKeyList(ask(dialect.KindCAKeyList, dialect.ListRequest(len(names))).ReservedPrivate62)
		if err != nil {
			t.Fatal(err)
		}
		names, more = append(names, page...), left
	}
	c.expect("names and pages", fmt.Sprint(len(names), pages > 1), "20 true")
	for i, n := range names {
		k, err := dialect.ParseCAKey(ask(dialect.KindCAKey, dialect.CAKeyRequest(n)).ReservedPrivate62)
		if err != nil || k == nil || k.Index != keys[i].Index || string(k.Modulus) != string(keys[i].Modulus) {
			t.Fatalf("key %d: %v, %v", i, k, err)
		}
	}
	unknown, err := dialect.ParseCAKey(ask(dialect.KindCAKey, dialect.CAKeyRequest(dialect.CAKeyName{Index: 99})).ReservedPrivate62)
	c.expect("an unknown key", fmt.Sprint(unknown == nil, err), "true <nil>")
	asked(dialect.RequestCAKeys)
	ask(dialect.KindCAKeysEnd, nil)

	asked(dialect.RequestICParameters)
	aids, _, err := dialect.ParseAIDList(ask(dialect.KindAIDList, nil).ReservedPrivate62)
	c.expect("applications", fmt.Sprintf("%X %v", aids, err), "[A0000000030101 A0000000040101] <nil>")
	p, err := dialect.ParseAIDParameters(ask(dialect.KindAID, dialect.AIDRequest(aids[1])).ReservedPrivate62)
	c.expect("an application", fmt.Sprint(*p.ContactlessLimit, err), "100000 <nil>")
	ask(dialect.KindAIDsEnd, nil)

	asked(dialect.RequestParameters)
	got, _, err := dialect.ParseParameters(ask(dialect.KindParameters, dialect.ListRequest(0)).ReservedPrivate62)
	c.expect("parameters", fmt.Sprint(got, err), fmt.Sprint(parameters, nil))
	ask(dialect.KindParametersEnd, nil)
	asked(dialect.RequestNone)

	bad := c.message(dialect.KindCAKey)
	bad.ReservedPrivate62 = []byte{0x9F}
	c.code("a request that is none", bad, "30")
}

// What an order asks for is asked for in every answer until the terminal has done it, whatever is restarted in between.
func TestOrdersToATerminal(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	c.signOn()
	c.order(TerminalOrder{TID: "SIM00099"}, ErrUnknownTerminal)
	c.order(TerminalOrder{TID: testTID, Requests: []dialect.ProcessingRequest{dialect.RequestSignOn, dialect.RequestStatus}}, nil)
	c.expect("after the order", c.code("sale", c.sale(100), "00").ProcessingRequest, dialect.RequestSignOn)
	c.crash(atAcquirer)
	c.pass(2 * time.Second)
	c.expect("after a restart", c.code("echo", c.message(dialect.KindEcho), "00").ProcessingRequest, dialect.RequestSignOn)
	c.expect("in the sign-on's answer", c.signOn().ProcessingRequest, dialect.RequestStatus)
	told := c.message(dialect.KindStatus)
	told.ReservedPrivate62 = []byte("B000001 R00001")
	c.expect("after the status", c.code("status", told, "00").ProcessingRequest, dialect.RequestNone)
	told = c.message(dialect.KindStatus)
	told.ReservedPrivate62 = []byte("card 4761739001010119")
	c.code("a status with a card number", told, "00")

	sold := c.sale(100)
	c.code("sale", sold, "00")
	c.order(TerminalOrder{TID: testTID, Status: TerminalDisabled}, nil)
	c.code("a sale of a disabled terminal", c.sale(100), "58")
	c.code("its sign-on", c.message(dialect.KindSignOn), "58")
	c.code("its reversal", c.reversal(sold), "00")
	c.order(TerminalOrder{TID: testTID, Status: TerminalEnabled}, nil)
	c.code("a sale once it is enabled", c.sale(100), "00")
	c.order(TerminalOrder{TID: testTID, Status: "lost"}, ErrOrder)
	r := c.houses[atAcquirer].party.Machine().(*Relay).terminalReports()
	c.expect("report", fmt.Sprintf("%+v", r), "[{TID:SIM00001 MID:SIM000000000001 Dialect:cup Scheme:mk-sk, PIN block format 0, cup-ecb Status:enabled Why: Opened:0 SignedOn:true Requests:[] "+
		"Said:B000001 R00001 Batch:000001 BatchState:open Debits:2 DebitAmount:200 Credits:0 CreditAmount:0}]")
}

// order gives an order to the acquirer about a terminal.
func (c *counterTown) order(o TerminalOrder, want error) {
	c.t.Helper()
	var got error
	told := false
	c.houses[atAcquirer].party.TerminalThen(o, func(err error) { got, told = err, true })
	c.until(time.Second, func() bool { return told })
	if !told || !errors.Is(got, want) {
		c.t.Errorf("order %v: told %v, %v, want %v", o, told, got, want)
	}
}

// A terminal that does not number its batches: equal totals close the batch at once, others when the end comes, and the code says
// whether the lines put it right.
func TestSettlementWithoutNumbers(t *testing.T) {
	tw := newTown(t, rules.Set{})
	tw.signOn()
	message := func(k dialect.Kind) *dialect.Message {
		m := tw.message("0500")
		m.Kind, m.POSEntryMode, m.CurrencyCodeTransaction = k, "", ""
		if err := dialect.ISO87().Shape(m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	totals := func(count int, amount int64) *dialect.Message {
		m, d := message(dialect.KindSettlement), debits(count, amount)
		m.Totals = &d
		return m
	}
	batches := func() (all []string) {
		for _, b := range tw.views()[atAcquirer].Batches {
			all = append(all, fmt.Sprintf("%s %v %d, %d lines, %d items", b.Number, b.State, b.Host.Debits.Amount, b.Uploaded, b.Items))
		}
		return all
	}
	tw.ask(tw.sale(1000))
	m := totals(1, 1000)
	tw.expect("equal totals", tw.ask(m), "0510 SIM00001/000003/0302140500 00")
	tw.expect("batches", batches(), "[000001 closed 1000, 0 lines, 0 items]")
	tw.expect("a copy", tw.ask(m).ResponseCode, "00")
	kept := tw.sale(300)
	tw.ask(kept)
	lost := tw.sale(20)
	tw.ask(lost)
	tw.expect("a copy of the totals before", tw.ask(m).ResponseCode, "00")
	a := tw.ask(totals(1, 300))
	tw.expect("other totals", a.ResponseCode, "95")
	tw.expect("ours", *a.Totals, debits(2, 320))
	line := message(dialect.KindUpload)
	line.BatchNumber = "000002"
	line.Details = []dialect.Detail{{Kind: dialect.KindSale, STAN: kept.SystemsTraceAuditNumber, PAN: testCard(t), Amount: 300, Debit: true}}
	tw.expect("line", tw.ask(line).ResponseCode, "00")
	end := message(dialect.KindUploadEnd)
	end.Uploaded = 1
	tw.expect("end", tw.ask(end).ResponseCode, "95")
	tw.expect("a copy of the end", tw.ask(end).ResponseCode, "95")
	tw.expect("batches", batches(), "[000001 closed 1000, 0 lines, 0 items 000002 closed 320, 1 lines, 1 items]")
	tw.expect("item", tw.views()[atAcquirer].Differences()[0].Key, lost.Key())
	tw.ask(tw.sale(5))
	tw.expect("totals of the next batch", tw.ask(totals(1, 5)).ResponseCode, "00")
}

// TestATrackThatIsNone: cup can write sixteen values in the place of a digit, for tracks that are enciphered in part; nobody above an
// acquirer has the key, or a dialect for them. What is no track when it is in clear goes no further, even if DE 2 names the card.
func TestATrackThatIsNone(t *testing.T) {
	c := newCounter(t, dialect.Switches{KeyLayout: 60})
	on := c.signOn()
	keys, err := c.speaks.ParseSessionKeys(on.ReservedPrivate62)
	if err != nil {
		t.Fatal(err)
	}
	track, err := c.module.Import(hsm.Attributes{Usage: hsm.DataEncryption}, c.master, keys.TrackKey, keys.TrackKeyCheckValue)
	if err != nil {
		t.Fatal(err)
	}
	hidden := dialect.PINControl{TracksHidden: true, DoubleLength: true}.String()
	sale := func(change func(m *dialect.Message)) *dialect.Message {
		m := c.sale(100)
		m.PrimaryAccountNumber = testCard(t)
		change(m)
		return m
	}
	encipher := func(m *dialect.Message) {
		m.SecurityControl = hidden
		if m.Track2Data, err = dialect.CipherTrack(m.Track2Data, func(part []byte) ([]byte, error) { return c.module.EncryptData(track, nil, part) }); err != nil {
			t.Fatal(err)
		}
	}
	c.code("enciphered", sale(encipher), codeApproved)
	c.code("enciphered, said to be in clear", sale(func(m *dialect.Message) { encipher(m); m.SecurityControl = "" }), codeFormat)
	c.code("in clear, said to be enciphered", sale(func(m *dialect.Message) { m.SecurityControl = hidden }), codeFormat)
	c.code("damaged", sale(func(m *dialect.Message) { m.Track2Data = m.Track2Data[:20] + "B" + m.Track2Data[21:] }), codeFormat)
	c.code("in clear", sale(func(m *dialect.Message) {}), codeApproved)
	if got := len(c.views()[atAcquirer].Transactions); got != 2 {
		t.Errorf("%d transactions, want 2", got)
	}
}
