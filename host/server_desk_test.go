package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/transport/dialect"
)

// deedAbout is a deed about a message's transaction.
func deedAbout(do string, m *dialect.Message, reason string) DeedOrder {
	k := m.Key()
	return DeedOrder{Do: do, TID: k.TID, STAN: k.STAN, Reason: reason}
}

// told are the alarms of a house in short.
func told(t testing.TB, v AdminView) string {
	t.Helper()
	page, err := v.Alarms(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, a := range page.Alarms {
		s := fmt.Sprintf("%s %s %s", a.Party, a.Key.STAN, a.Kind)
		if a.Kind == AlarmSuspended {
			s = fmt.Sprintf("%s %s %s", a.Party, a.Key.TID, a.Why)
		}
		if a.Item != nil {
			s += fmt.Sprintf(" %v %v", a.Item.Type, a.Item.Stage)
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// A deed is asked of a running house, is durable when it is answered, and a restart keeps it: money, items, alarms.
func TestDeedsOfARunningHouse(t *testing.T) {
	data := dataDir(t)
	cfg := ServerConfig{Data: data, Admin: "127.0.0.1:0", House: testHouse(t, 4)}
	cfg.House.Risk = []RiskRule{{By: ByTerminal, Within: 24 * time.Hour, Opened: 2, Reason: "opened twice in a day"}}
	s := startServer(t, cfg)
	client, err := NewAdminClient(s.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	paid, disputed, gone := c.sale(10000), c.sale(2500), c.sale(300)
	for _, m := range []*dialect.Message{paid, disputed, gone} {
		want(t, "a sale", c.mustAsk(t, m).ResponseCode, "00")
	}
	r, err := client.Deed(ctx, deedAbout(DeedReverse, gone, "收银机丢失"))
	want(t, "reversed by hand", fmt.Sprint(r.Party, r.Key.STAN, r.State, r.Item.Type, r.Item.Stage, err), fmt.Sprint(nameAcquirer, gone.SystemsTraceAuditNumber, Reversed, ReversedByHand, ItemOpen, nil))
	r, err = client.Deed(ctx, deedAbout(DeedChargeBack, disputed, "not mine"))
	want(t, "charged back", fmt.Sprint(r.Party, r.Item.Type, r.Item.Stage, r.Item.Reason, err), fmt.Sprint(nameIssuer, Dispute, ItemChargedBack, "not mine", nil))
	for _, k := range []CalendarKind{CalendarCutover, CalendarPayout} {
		if _, err := client.Calendar(ctx, Calendar{Kind: k}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "a reversal of what is paid", c.mustAsk(t, c.reversal(paid)).ResponseCode, "12")

	found, err := client.Differences(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, d := range found {
		open = append(open, fmt.Sprint(d.Party, " ", d.Type, " ", d.Amount))
	}
	want(t, "open items", strings.Join(open, ", "), "acquirer reversal-refused 10000, acquirer dispute 2500, acquirer reversed-by-hand 300, issuer dispute 2500")

	r, err = client.Deed(ctx, deedAbout(DeedAdjust, paid, "the terminal never had it"))
	want(t, "adjusted", fmt.Sprint(r.Party, r.Item.Stage, err), fmt.Sprint(nameAcquirer, ItemAdjusted, nil))
	if r, err = client.Deed(ctx, deedAbout(DeedAdjust, paid, "")); err != nil || r.Item.Stage != ItemAdjusted {
		t.Errorf("asked for again: %+v, %v", r, err)
	}
	r, err = client.Deed(ctx, DeedOrder{Do: DeedSuspend, TID: "SIM00001", Reason: "stolen"})
	want(t, "suspended", fmt.Sprint(r.Terminal.Status, r.Terminal.Why, err), fmt.Sprint(TerminalDisabled, "stolen", nil))
	for range 2 {
		if r, err = client.Deed(ctx, DeedOrder{Do: DeedOpened, TID: "SIM00002"}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "opened twice", fmt.Sprint(r.Terminal.Status, r.Terminal.Opened), fmt.Sprint(TerminalDisabled, 2))
	r, err = client.Deed(ctx, DeedOrder{Do: DeedCorrect, MID: r.Terminal.MID, Account: AccountClosed})
	want(t, "account", fmt.Sprint(r.Account != "", err), "true <nil>")

	money, alarms := moneyOf(t, client), told(t, client)
	want(t, "money", money, "cardholder 0 issuer 0 acquirer 0")
	want(t, "alarms", alarms, "acquirer 000004 item reversed-by-hand open; issuer 000003 item dispute charged-back; acquirer 000003 item dispute charged-back; "+
		"acquirer 000002 item reversal-refused open; acquirer 000002 item reversal-refused adjusted; issuer 000002 item reversal-refused adjusted; acquirer SIM00002 opened twice in a day")
	client.Close()
	stopServer(t, s)
	s = startServer(t, ServerConfig{Data: data, House: cfg.House})
	want(t, "money after a restart", moneyOf(t, s), money)
	want(t, "alarms after a restart", told(t, s), alarms)
	e := entryOf(t, s, 0, paid)
	want(t, "the item after a restart", fmt.Sprint(e.Difference.Stage, e.Difference.History[len(e.Difference.History)-1].Why), fmt.Sprint(ItemAdjusted, "the terminal never had it"))
	c.hangUp()
	c.addr = s.Addr()
	want(t, "a sale of a suspended terminal after a restart", c.mustAsk(t, c.sale(1)).ResponseCode, codeTerminal)
	if _, err := s.Deed(ctx, DeedOrder{Do: DeedLift, TID: "SIM00001"}); err != nil {
		t.Fatal(err)
	}
	want(t, "a sale once it is lifted", c.mustAsk(t, c.sale(1)).ResponseCode, codeApproved)
}

// What cannot be done is refused with its reason, over HTTP as in the process, and changes nothing.
func TestDeedsThatAreRefused(t *testing.T) {
	s, client, c := adminHouse(t)
	ctx := context.Background()
	m := c.sale(500)
	c.mustAsk(t, m)
	quiet(t, s)
	before := fmt.Sprint(moneyOf(t, s), told(t, s))
	of := func(do string) DeedOrder { return deedAbout(do, m, "") }
	with := func(o DeedOrder, f func(o *DeedOrder)) DeedOrder { f(&o); return o }
	for _, tt := range []struct {
		o    DeedOrder
		says string
	}{
		{of(DeedAdjust), "no item"},
		{of(DeedRelease), "nobody holds it"},
		{with(of(DeedChargeBack), func(o *DeedOrder) { o.STAN = "999999" }), "no transaction is like that"},
		{with(of(DeedChargeBack), func(o *DeedOrder) { o.Batch = "000009" }), "no transaction is like that"},
		{DeedOrder{Do: DeedChargeBack, TID: "SIM00001", STAN: "000003"}, "no sale that stands"}, // reversed
		{DeedOrder{Do: DeedSuspend, TID: "SIM09999"}, "there is none"},
		{DeedOrder{Do: DeedCorrect, MID: "nobody", Account: AccountOpen}, "there is none"},
	} {
		for name, v := range map[string]AdminView{"server": s, "client": client} {
			var refused *OrderError
			if _, err := v.Deed(ctx, tt.o); !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %+v: %v: want %q", name, tt.o, err, tt.says)
			}
		}
	}
	for _, tt := range []struct {
		o    DeedOrder
		says string
	}{
		{DeedOrder{Do: "forgive", TID: "SIM00001", STAN: "000002"}, `deed "forgive": want one of adjust, claim,`},
		{DeedOrder{}, `deed "": want one of`},
		{DeedOrder{Do: DeedAdjust, TID: "SIM00001"}, "adjust: want terminal and trace number, or reference number"},
		{DeedOrder{Do: DeedAdjust, STAN: "000002"}, "adjust: want terminal and trace number, or reference number"},
		{with(of(DeedAdjust), func(o *DeedOrder) { o.MID = "m" }), "adjust with merchant: want terminal and trace number"},
		{DeedOrder{Do: DeedSuspend}, "suspend: want terminal"},
		{DeedOrder{Do: DeedLift, TID: "SIM00001", Reason: "mended"}, "lift with reason: want terminal"},
		{DeedOrder{Do: DeedCorrect, MID: "m"}, "correct-account: want merchant and account"},
		{deedAbout(DeedAdjust, m, strings.Repeat("款", maxReason/3+1)), "reason of 102 bytes: want at most 100"},
		{deedAbout(DeedAdjust, m, "\xFF"), "in UTF-8"},
		{deedAbout(DeedAdjust, m, "a\nb"), "U+000A"},
		{deedAbout(DeedAdjust, m, "card 4761 7390 0101 0119"), "want no card number"},
	} {
		if err := tt.o.Check(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v: want %q", tt.o, err, tt.says)
		}
		if _, err := client.Deed(ctx, tt.o); err == nil {
			t.Errorf("%+v is taken", tt.o)
		}
	}
	if err := (&DeedOrder{Do: DeedClaim, RRN: "606114000001", Reason: "rrn 606114000001, 顾客来电"}).Check(); err != nil {
		t.Error(err)
	}
	want(t, "what has changed", fmt.Sprint(moneyOf(t, s), told(t, s)), before)
}

// The records of a running house are those of its data directory, without what must not leave it.
func TestRecordsOfARunningHouse(t *testing.T) {
	s, client, c := adminHouse(t)
	ctx := context.Background()
	c.mustAsk(t, c.sale(700))
	quiet(t, s)
	if _, err := client.Calendar(ctx, Calendar{Kind: CalendarCutover}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Calendar(ctx, Calendar{Kind: CalendarPayout}); err != nil {
		t.Fatal(err)
	}
	for _, party := range RecordedParties() {
		here, err := ReadLog(ctx, s, party)
		if err != nil {
			t.Fatal(err)
		}
		there, err := ReadLog(ctx, client, party)
		if err != nil || len(there) == 0 || !bytes.Equal(here, there) {
			t.Errorf("%s: server and client give %d and %d bytes, %v", party, len(here), len(there), err)
		}
		file, err := os.ReadFile(filepath.Join(s.cfg.Data, party, LogName))
		if err != nil {
			t.Fatal(err)
		}
		disk, err := Recover(file)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := Recover(there)
		if err != nil {
			t.Fatal(err)
		}
		shown := func(v *View) string {
			v.Accounts, v.Sessions = nil, 0 // keys and accounts stay there
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		want(t, party, shown(asked), shown(disk))
	}
	if _, err := client.Records(ctx, "cardholder", 0); err == nil || !strings.Contains(err.Error(), "want one of acquirer, switch, issuer, bank") {
		t.Errorf("a party that is none: %v", err)
	}
	if p, err := client.Records(ctx, nameSwitch, 1<<40); err != nil || len(p.Records) > 0 || p.More {
		t.Errorf("records behind the last one: %+v, %v", p, err)
	}
}

// A log is handed out in pages, each record once.
func TestRecordsComeInPages(t *testing.T) {
	var all [][]byte
	for i := range 12 {
		r := &Record{SignOn: &SignOn{Key: dialect.Key{TID: "SIM00001"}}}
		if i > 0 {
			r = &Record{Credit: &BankCredit{Order: fmt.Sprint(i), Account: strings.Repeat("x", 900_000), Amount: 1}}
		}
		all = append(all, AppendRecord(nil, r))
	}
	log, err := wal.Encode(all)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []uint64
	pages := 0
	for since := uint64(0); ; pages++ {
		p, err := PageOfLog(nameBank, log, since)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			numbers = append(numbers, r.Number)
		}
		if since = p.Next; !p.More {
			break
		}
	}
	want(t, "records", numbers, []uint64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	want(t, "full pages", pages, 2)
	log[500_000] ^= 1
	if _, err := PageOfLog(nameBank, log, 0); err == nil {
		t.Error("damage is not told")
	}
}

// What the admin view shows of an alarm page is the newest.
func TestAlarmsAreBounded(t *testing.T) {
	var p AlarmPage
	for i := range 5 {
		p.Alarms = append(p.Alarms, AlarmReport{Text: fmt.Sprint(i)})
	}
	p.newest(3)
	want(t, "alarms", fmt.Sprint(p.Earlier, " ", p.Alarms[0].Text, " ", len(p.Alarms)), "2 2 3")
	p.newest(3)
	want(t, "alarms", fmt.Sprint(p.Earlier, len(p.Alarms)), "0 3")
}

// A house with an aggregator pays him, and he passes it on the next business day, restart or not.
func TestServerPaysThroughAnAggregator(t *testing.T) {
	cfg := ServerConfig{Data: dataDir(t), House: testHouse(t, 4)}
	cfg.House.Aggregator = &AggregatorConfig{Name: "payeasy"}
	s := startServer(t, cfg)
	ctx := context.Background()
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	m := c.sale(10000)
	c.mustAsk(t, m)
	move := func(all ...CalendarKind) {
		t.Helper()
		for _, k := range all {
			if _, err := s.Calendar(ctx, Calendar{Kind: k}); err != nil {
				t.Fatal(err)
			}
		}
	}
	paid := func(what, want string) {
		t.Helper()
		for range 200 { // his file is on its way for a moment
			p, err := s.Positions(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("aggregator %d merchant %d", p[PositionAggregator], p[PositionMerchant]); got == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		p, err := s.Positions(ctx)
		t.Errorf("%s: %v, %v: want %s", what, p, err, want)
	}
	move(CalendarCutover, CalendarPayout)
	paid("the day after", "aggregator 9940 merchant 0")
	stopServer(t, s)
	s = startServer(t, cfg)
	paid("after a restart", "aggregator 9940 merchant 0")
	move(CalendarCutover)
	paid("two days after", "aggregator 0 merchant 9940")
	want(t, "how it was paid", entryOf(t, s, 0, m).Payout.State, PayoutPassedOn)
	want(t, "its log", len(mustLog(t, filepath.Join(cfg.Data, aggregatorName, LogName))) > 0, true)
}

func mustLog(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
