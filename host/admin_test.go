package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// adminHouse is a running server with one sale of 100.00 that stands and one of 25.00 that was reversed, and its client.
func adminHouse(t testing.TB) (*Server, *AdminClient, *caller) {
	t.Helper()
	s := startServer(t, ServerConfig{Admin: "127.0.0.1:0", Version: "1.2.3"})
	client, err := NewAdminClient(s.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	c.mustAsk(t, c.sale(10000))
	undone := c.sale(2500)
	c.mustAsk(t, undone)
	c.mustAsk(t, c.reversal(undone))
	quiet(t, s)
	return s, client, c
}

// Over HTTP a client sees what the server itself says.
func TestAdminClientSeesWhatTheServerSays(t *testing.T) {
	s, client, c := adminHouse(t)
	ctx := context.Background()
	asked := map[string]func(v AdminView) (any, error){
		"health":      func(v AdminView) (any, error) { return v.Health(ctx) },
		"positions":   func(v AdminView) (any, error) { return v.Positions(ctx) },
		"log":         func(v AdminView) (any, error) { return v.Log(ctx, 3) },
		"trace":       func(v AdminView) (any, error) { return v.Trace(ctx, "SIM00001", "000003") },
		"differences": func(v AdminView) (any, error) { return v.Differences(ctx) },
		"account":     func(v AdminView) (any, error) { return v.Account(ctx, Admin{Account: accountName}) },
		"views":       func(v AdminView) (any, error) { return v.Views(ctx) },
		"batches":     func(v AdminView) (any, error) { return v.Batches(ctx) },
		"terminals":   func(v AdminView) (any, error) { return v.Terminals(ctx) },
		"terminal": func(v AdminView) (any, error) {
			return v.Terminal(ctx, TerminalOrder{TID: "SIM00001", Requests: []dialect.ProcessingRequest{dialect.RequestSignOn}})
		},
	}
	for name, f := range asked {
		here, err := f(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		there, err := f(client)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a, err := json.Marshal(here)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(there)
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Errorf("%s:\nserver %s\nclient %s", name, a, b)
		}
	}
	r, err := client.Terminal(ctx, TerminalOrder{TID: "SIM00001", Status: TerminalDisabled})
	want(t, "terminal", fmt.Sprintf("%v %v %v %v %v %v %v", r.Status, r.Requests, r.SignedOn, r.Batch, r.Debits, r.DebitAmount, err), "disabled [sign-on] true 000001 1 10000 <nil>")
	want(t, "a sale of a disabled terminal", c.mustAsk(t, c.sale(1)).ResponseCode, codeTerminal)
	_, err = client.Terminal(ctx, TerminalOrder{TID: "SIM99999"})
	var refused *OrderError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "no such terminal") {
		t.Errorf("an order about no terminal: %v", err)
	}
	views, err := client.Views(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "money of the views", Positions(views...)[PositionCardholder], -10000)
	for i, v := range views {
		want(t, fmt.Sprint("transactions of view ", i), len(v.Transactions), []int{3, 2, 2}[i]) // the acquirer remembers what it refused
		if v.Transactions[0].State != Approved || v.Transactions[1].State != Reversed {
			t.Errorf("view %d: %v", i, v.Transactions)
		}
		if v.Find(v.Transactions[1].Key) != v.Transactions[1] {
			t.Errorf("view %d finds nothing", i)
		}
	}
	h, err := client.Health(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "health", fmt.Sprint(h.Status, h.Version, h.Listen, h.Run, len(h.Parties), h.Parties[0].Name, h.Parties[0].Transactions, h.Parties[0].Sessions),
		fmt.Sprint("ok", "1.2.3", s.Addr(), s.Run(), 3, "acquirer", 3, 1))
}

func TestAdminTrace(t *testing.T) {
	_, client, _ := adminHouse(t)
	ctx := context.Background()
	var traces []Trace
	var err error
	for range 100 { // what was sent is noted a moment after it left
		if traces, err = client.Trace(ctx, "SIM00001", "000003"); err != nil || len(traces) == 1 && len(traces[0].Events) >= 20 { // sign-on, sale, sale
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || len(traces) != 1 {
		t.Fatalf("%v, %v", traces, err)
	}
	x := traces[0]
	for i, p := range x.Parties {
		want(t, "party", p.Party, placeNames[i])
		if p.Entry == nil || p.Entry.State != Reversed || p.Entry.Amount != 2500 || p.Entry.Card != "476173******0119" {
			t.Errorf("%s: %+v", p.Party, p.Entry)
		}
	}
	for p, n := range x.Positions {
		want(t, p, n, 0)
	}
	// 0200, 0210, 0400, 0410 at the acquirer; 0200, 0210, 0420, 0430 twice each between the hosts.
	if len(x.Events) != 4+4+2*4+4 {
		t.Errorf("%d events: %v", len(x.Events), x.Events)
	}
	if traces, err = client.Trace(ctx, "SIM00001", ""); err != nil || len(traces) != 2 {
		t.Errorf("all of a terminal: %d, %v", len(traces), err)
	}
	if traces, err = client.Trace(ctx, "SIM00002", "000003"); err != nil || len(traces) != 0 {
		t.Errorf("of another terminal: %d, %v", len(traces), err)
	}
}

func TestAdminLogGoesOn(t *testing.T) {
	s, client, c := adminHouse(t)
	ctx := context.Background()
	page, err := client.Log(ctx, 0)
	if err != nil || page.Lost != 0 || page.Run != s.Run() || len(page.Events) == 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	for i, e := range page.Events {
		if e.Sequence != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Sequence)
		}
	}
	first := page.Events[0]
	want(t, "the first", fmt.Sprint(first.Party, first.Kind, first.MTI, first.Up), fmt.Sprint("acquirer", "received", "0800", false))
	next, err := client.Log(ctx, page.Next)
	if err != nil || len(next.Events) != 0 || next.Next != page.Next {
		t.Errorf("%+v, %v: want nothing new", next, err)
	}
	if late, err := client.Log(ctx, page.Next+1e9); err != nil || len(late.Events) != 0 {
		t.Errorf("since the future: %+v, %v", late, err)
	}
	c.mustAsk(t, c.sale(100))
	for range 100 { // what was sent is noted a moment after it left
		if next, err = client.Log(ctx, page.Next); err != nil || len(next.Events) >= 10 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || len(next.Events) != 10 || next.Events[0].Sequence != page.Next+1 {
		t.Errorf("%d events, %v: want the ten of a sale", len(next.Events), err)
	}
	fields := map[int]string{}
	for _, f := range next.Events[0].Fields {
		fields[f.DE] = f.Value
	}
	want(t, "DE 4", fields[4], "000000000100")
	want(t, "DE 35", fields[35], "[redacted, 36 characters]")
}

func TestAdminOrders(t *testing.T) {
	s, client, c := adminHouse(t)
	ctx := context.Background()
	five := Admin{Account: accountName, SetBalance: true, Balance: 500}
	r, err := client.Account(ctx, five)
	if err != nil || r.Balance != 500 || r.Status != Active {
		t.Fatalf("%+v, %v", r, err)
	}
	want(t, "more than the balance", c.mustAsk(t, c.sale(501)).ResponseCode, "51")
	if r, err = client.Account(ctx, Admin{Account: accountName, Status: Lost}); err != nil || r.Status != Lost || r.Balance != 500 {
		t.Fatalf("%+v, %v", r, err)
	}
	want(t, "a lost card", c.mustAsk(t, c.sale(100)).ResponseCode, "41")
	var refused *OrderError
	for _, v := range []AdminView{s, client} {
		if _, err = v.Account(ctx, Admin{Account: "nobody", Status: Lost}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "no such account") {
			t.Errorf("an unknown account: %v", err)
		}
		if _, err = v.Account(ctx, Admin{Account: "nobody"}); !errors.As(err, &refused) {
			t.Errorf("an unknown account: %v", err)
		}
		if _, err = v.Account(ctx, Admin{Account: accountName, Status: "asleep"}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "asleep") {
			t.Errorf("an unknown status: %v", err)
		}
	}
	for _, order := range []Admin{{Status: Active, Answer: "01"}, {}} {
		order.Account = accountName
		if r, err = client.Account(ctx, order); err != nil || r.Answer != "01" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	want(t, "as ordered", c.mustAsk(t, c.sale(100)).ResponseCode, "01")
	if r, err = client.Account(ctx, Admin{Account: accountName, Answer: AnswerOwn}); err != nil || r.Answer != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err = client.Account(ctx, Admin{Account: accountName, Answer: "00"}); !errors.As(err, &refused) || !strings.Contains(err.Error(), `answer "00": want a code that declines`) {
		t.Errorf("an approval as an order: %v", err)
	}
	page, err := client.Log(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range page.Events {
		if e.Kind == Refused.String() && e.Party == nameIssuer {
			seen++
		}
	}
	want(t, "refused orders observed", seen, 5)

	today := time.Now().UTC().Format(dateForm)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(dateForm)
	if date, err := client.Calendar(ctx, Calendar{Kind: CalendarCutover}); err != nil || date != tomorrow {
		t.Errorf("cut-over: %s, %v: want %s", date, err, tomorrow)
	}
	for _, d := range []string{today, tomorrow, "2026-13-01", "tomorrow", ""} {
		if _, err := client.Calendar(ctx, Calendar{Kind: CalendarDate, Date: d}); !errors.As(err, &refused) {
			t.Errorf("date %q: %v: want a refusal", d, err)
		}
	}
	if date, err := client.Calendar(ctx, Calendar{Kind: CalendarDate, Date: "2999-01-02"}); err != nil || date != "2999-01-02" {
		t.Errorf("%s, %v", date, err)
	}
	h, err := client.Health(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.Parties {
		want(t, p.Name, p.BusinessDate, "2999-01-02")
	}
	if _, err := client.Calendar(ctx, Calendar{Kind: CalendarPayout}); err != nil {
		t.Fatal(err)
	}
	p, err := client.Positions(ctx)
	if err != nil || p[PositionMerchant] != 9940 || p[PositionFees] != 60 || p[PositionAcquirer] != 0 {
		t.Errorf("after the payout: %v, %v", p, err)
	}
}

// An order is durable when it is answered.
func TestAdminOrdersSurvive(t *testing.T) {
	data := dataDir(t)
	s := startServer(t, ServerConfig{Data: data})
	ctx := context.Background()
	if _, err := s.Account(ctx, Admin{Account: accountName, Status: Frozen, SetBalance: true, Balance: 77}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Calendar(ctx, Calendar{Kind: CalendarDate, Date: "2999-01-02"}); err != nil {
		t.Fatal(err)
	}
	stopServer(t, s)
	s = startServer(t, ServerConfig{Data: data})
	r, err := s.Account(ctx, Admin{Account: accountName})
	if err != nil || r.Status != Frozen || r.Balance != 77 {
		t.Errorf("%+v, %v", r, err)
	}
	h, err := s.Health(ctx)
	if err != nil || h.Parties[1].BusinessDate != "2999-01-02" {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestAdminRefusesStrangersAndNonsense(t *testing.T) {
	s, _, _ := adminHouse(t)
	addr := s.AdminAddr()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	asJSON := map[string]string{"Content-Type": "application/json"}
	with := func(k, v string) map[string]string {
		return map[string]string{"Content-Type": "application/json", k: v}
	}
	for _, tt := range []struct {
		name         string
		method, path string
		header       map[string]string
		body         string
		status       int
		says         string
	}{
		{"health", "GET", "/health", nil, "", 200, `"status":"ok"`},
		{"positions", "GET", "/positions", nil, "", 200, `"cardholder":-10000`},
		{"by name", "GET", "/health", map[string]string{"Host": "localhost:" + port}, "", 200, "ok"},
		{"by another loopback address", "GET", "/health", map[string]string{"Host": "[::1]:" + port}, "", 200, "ok"},
		{"a name that was made point here", "GET", "/positions", map[string]string{"Host": "evil.example:" + port}, "", 421, "Host header"},
		{"a name that begins like one of ours", "GET", "/positions", map[string]string{"Host": "127.0.0.1.evil.example:" + port}, "", 421, "Host header"},
		{"another port", "GET", "/positions", map[string]string{"Host": "127.0.0.1:1"}, "", 421, "Host header"},
		{"no port", "GET", "/positions", map[string]string{"Host": "127.0.0.1"}, "", 421, "Host header"},
		{"a public address", "GET", "/positions", map[string]string{"Host": "192.0.2.1:" + port}, "", 421, "Host header"},
		{"a web page", "GET", "/positions", map[string]string{"Origin": "http://evil.example"}, "", 403, "web pages"},
		{"a web page of nowhere", "GET", "/positions", map[string]string{"Origin": "null"}, "", 403, "web pages"},
		{"a picture in a web page", "GET", "/positions", map[string]string{"Sec-Fetch-Site": "cross-site"}, "", 403, "web pages"},
		{"asking leave", "OPTIONS", "/account", map[string]string{"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}, "", 403, "web pages"},
		{"asking leave without saying who", "OPTIONS", "/account", nil, "", 405, "want POST"},
		{"an order as a form", "POST", "/account", map[string]string{"Content-Type": "text/plain"}, `{"account":"visa-credit","balance":1}`, 415, "application/json"},
		{"an order without a type", "POST", "/account", nil, `{"account":"visa-credit","balance":1}`, 415, "application/json"},
		{"an order by GET", "GET", "/account", nil, "", 405, "want POST"},
		{"a look by POST", "POST", "/positions", asJSON, "{}", 405, "want GET"},
		{"no such path", "GET", "/debug/pprof/", nil, "", 404, "no such path"},
		{"nothing", "GET", "/", nil, "", 404, "no such path"},
		{"a parameter too much", "GET", "/positions?all=1", nil, "", 400, `"all\": want none`},
		{"an unknown parameter", "GET", "/log?from=1", nil, "", 400, "want since"},
		{"a parameter twice", "GET", "/log?since=1&since=2", nil, "", 400, "once"},
		{"a bad number", "GET", "/log?since=-1", nil, "", 400, "number of an event"},
		{"a bad query", "GET", "/log?since=%zz", nil, "", 400, "malformed"},
		{"a trace of everything", "GET", "/trace", nil, "", 400, "want tid"},
		{"not JSON", "POST", "/account", asJSON, "account=x", 400, "body"},
		{"an unknown key", "POST", "/account", asJSON, `{"account":"visa-credit","pin":"1234"}`, 400, "unknown field"},
		{"something behind", "POST", "/account", asJSON, `{"account":"visa-credit"} {}`, 400, "behind"},
		{"a balance with decimals", "POST", "/account", asJSON, `{"account":"visa-credit","balance":1.5}`, 400, "body"},
		{"a body too long", "POST", "/account", asJSON, `{"account":"` + strings.Repeat("x", maxOrder) + `"}`, 413, "more than"},
		{"an unknown event", "POST", "/calendar", asJSON, `{"event":"holiday"}`, 400, "date, cutover or payout"},
		{"an unknown account", "POST", "/account", asJSON, `{"account":"nobody"}`, 409, "no such account"},
		{"a deed that is none", "POST", "/desk", asJSON, `{"deed":"forgive"}`, 400, "want one of adjust"},
		{"a deed with an unknown key", "POST", "/desk", asJSON, `{"deed":"lift","terminal":"SIM00001"}`, 400, "unknown field"},
		{"a deed by GET", "GET", "/desk", nil, "", 405, "want POST"},
		{"a deed of a web page", "POST", "/desk", with("Origin", "http://evil.example"), `{"deed":"suspend","tid":"SIM00001"}`, 403, "web pages"},
		{"a deed about nothing", "POST", "/desk", asJSON, `{"deed":"suspend","tid":"SIM09999"}`, 409, "there is none"},
		{"records of nobody", "GET", "/records", nil, "", 400, "want one of acquirer, switch, issuer, bank"},
		{"records behind no number", "GET", "/records?party=bank&since=x", nil, "", 400, "number of a record"},
		{"alarms", "GET", "/alarms", nil, "", 200, `"alarms":[]`},
		{"a card number for a name", "POST", "/account", asJSON, `{"account":"` + callersCard + `"}`, 409, "476173******0119"},
		{"a JSON type with a charset", "POST", "/account", with("Content-Type", "application/json; charset=utf-8"), `{"account":"visa-credit"}`, 200, "balance"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, "http://"+addr+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.header {
				if k == "Host" {
					r.Host = v
				}
				r.Header.Set(k, v)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(string(b), tt.says) {
				t.Errorf("%d %s: want %d with %q", resp.StatusCode, b, tt.status, tt.says)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", resp.Header)
			}
			if strings.Contains(string(b), callersCard) {
				t.Errorf("a card number: %s", b)
			}
			if !json.Valid(b) {
				t.Errorf("no JSON: %s", b)
			}
		})
	}
	want(t, "money", moneyOf(t, s), "cardholder -10000 issuer 0 acquirer 10000")
}

// Nothing that must not be seen is in any answer, in any form.
func TestAdminShowsNothingSecret(t *testing.T) {
	s, _, c := adminHouse(t)
	c.mustAsk(t, c.sale(100))
	secrets := map[string]string{"the card number": callersCard, "the end of track 2": "=3012201", "the master key": TestTerminalMaster}
	for _, path := range []string{"/health", "/positions", "/view", "/log?since=0", "/trace?tid=SIM00001", "/differences", "/alarms", "/records?party=acquirer", "/records?party=issuer&since=1"} {
		resp, err := http.Get("http://" + s.AdminAddr() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
		}
		for what, secret := range secrets {
			for form, text := range map[string]string{"text": secret, "ASCII in hex": fmt.Sprintf("%X", secret), "ascii in hex": fmt.Sprintf("%x", secret)} {
				if strings.Contains(string(b), text) {
					t.Errorf("%s has %s as %s", path, what, form)
				}
			}
		}
	}
}

// A connection that says nothing, or too much, does not stay, and many do not keep others out for ever.
func TestAdminIsBounded(t *testing.T) {
	s, client, _ := adminHouse(t)
	long, err := net.Dial("tcp", s.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	go fmt.Fprintf(long, "GET /health HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n", s.AdminAddr(), strings.Repeat("x", 1<<20))
	_ = long.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(long).ReadString('\n')
	if err == nil && !strings.Contains(line, "431") {
		t.Errorf("a header of a megabyte: %q, %v", line, err)
	}
	var idle []net.Conn
	for range maxAdminConns + 5 {
		c, err := net.Dial("tcp", s.AdminAddr())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	for _, c := range idle {
		c.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := client.Health(ctx); err != nil {
		t.Error(err)
	}
}

func TestAdminClientSaysWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	for _, addr := range []string{"192.0.2.1:8584", "example.org:80", "127.0.0.1", ""} {
		if _, err := NewAdminClient(addr); err == nil {
			t.Errorf("%q is taken", addr)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	c, err := NewAdminClient(nobody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Health(ctx); err == nil || !strings.Contains(err.Error(), "posim host") {
		t.Errorf("nobody listens: %v", err)
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		case "/view":
			fmt.Fprint(w, `{"parties":[null,null,null]}`)
		default:
			fmt.Fprint(w, "<html>")
		}
	})}
	go other.Serve(l)
	defer other.Close()
	if c, err = NewAdminClient(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Health(ctx); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("a redirection: %v", err)
	}
	if _, err := c.Positions(ctx); err == nil || !strings.Contains(err.Error(), "no answer of a posim host") {
		t.Errorf("another server: %v", err)
	}
	if _, err := c.Views(ctx); err == nil {
		t.Error("no views are taken for views")
	}
}
