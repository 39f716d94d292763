package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// chunk takes a length of two bytes and so many bytes off the front of data.
func chunk(data []byte) (piece, rest []byte) {
	if len(data) < 2 {
		return nil, nil
	}
	n := min(int(data[0])<<8|int(data[1]), len(data)-2)
	return data[2 : 2+n], data[2+n:]
}

func chunks(pieces ...[]byte) (data []byte) {
	for _, p := range pieces {
		data = append(append(data, byte(len(p)>>8), byte(len(p))), p...)
	}
	return data
}

// FuzzStreet: whatever messages a host gets, in whatever order and from either side, the street falls silent, no money comes
// from nowhere, and what each party has logged makes the same party again.
func FuzzStreet(f *testing.F) {
	s := newStreet(f, rules.Set{})
	packed := func(to byte, m *dialect.Message) []byte {
		b, err := dialect.ISO87().Pack(m, nil)
		if err != nil {
			f.Fatal(err)
		}
		return append([]byte{to}, b...)
	}
	signOn := s.message("0800", 1)
	signOn.ProcessingCode, signOn.CurrencyCodeTransaction, signOn.POSEntryMode, signOn.NetworkManagementCode = "", "", "", dialect.NetworkSignOn
	sale := s.sale(2, 10000)
	undo := *sale
	undo.MTI, undo.ReversalReason, undo.PINData = "0400", dialect.ReasonNoAnswer, nil
	answer := *sale
	answer.MTI, answer.ResponseCode, answer.PrimaryAccountNumber, answer.Track2Data, answer.DateExpiration, answer.PINData = "0210", "00", sale.PrimaryAccountNumber, "", "", nil
	advice := s.chip("0220", 3, 4200, 7)
	f.Add(chunks(packed(0, signOn), packed(0, sale), packed(0, &undo)))
	f.Add(chunks(packed(0, &undo), packed(0, sale), packed(0, advice), packed(1, &answer)))
	f.Add(chunks(packed(0, s.chip("0200", 4, 100, 8)), packed(0x10, sale), packed(2, advice), packed(2, sale)))
	told := *s.sale(3, 4200)
	told.MTI, told.ResponseCode, told.Track2Data = "0220", "A2", ""
	f.Add(chunks(packed(2, &told), packed(2, sale), packed(2, &told)))
	f.Add(chunks(packed(4, &answer), packed(0, sale), packed(4, &answer), packed(0x80, &undo)))
	hold := s.kind(dialect.KindPreAuth, s.sale(5, 10000))
	void, refund := s.after(dialect.KindVoid, 6, sale, 10000), s.after(dialect.KindRefund, 7, sale, 4000)
	undone := *void
	undone.MTI, undone.ReversalReason = "0400", dialect.ReasonNoAnswer
	f.Add(chunks(packed(0, sale), packed(0, void), packed(0, &undone), packed(0, refund), packed(0, s.after(dialect.KindTipAdjust, 8, sale, 11000))))
	f.Add(chunks(packed(0, hold), packed(0, s.after(dialect.KindCompletion, 9, hold, 11500)), packed(0, s.after(dialect.KindPreAuthVoid, 10, hold, 10000)),
		packed(0, s.after(dialect.KindCompletionVoid, 11, s.sale(9, 1), 11500))))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStreet(t, rules.Set{})
		given := 0
		for n := 0; len(data) > 0 && n < 50; n++ {
			var b []byte
			if b, data = chunk(data); len(b) == 0 {
				continue
			}
			how := b[0]
			m, err := dialect.ISO87().Unpack(b[1:])
			if err != nil {
				continue
			}
			given += len(b)
			conn := 1
			if how&4 != 0 {
				conn = 0 // from above
			}
			s.step(int(how%3), Event{Kind: EventMessage, Conn: conn, Message: m, MACBad: how&0x10 != 0}, 0)
			s.run()
			if how&0x80 != 0 {
				s.pass(time.Minute)
			}
		}
		s.pass(time.Hour)
		var sum int64
		for _, n := range s.positions() {
			sum += n
		}
		if sum != 0 {
			t.Fatalf("the positions sum to %d", sum)
		}
		for at, n := range s.nodes {
			logged := 0
			for _, b := range n.log {
				logged += len(b)
			}
			if logged > 200*(given+500) {
				t.Fatalf("%s logs %d bytes of %d", placeNames[at], logged, given)
			}
			before, err := json.Marshal(n.m.View())
			if err != nil {
				t.Fatal(err)
			}
			s.restart(at)
			s.wire = nil
			if after, err := json.Marshal(n.m.View()); err != nil || string(after) != string(before) {
				t.Fatalf("%s before its restart\n%s\nafter it\n%s %v", placeNames[at], before, after, err)
			}
		}
	})
}

// FuzzBoot: whatever records stand in a party's log, the log is refused or the party boots with it, and it shows no more
// than was there.
func FuzzBoot(f *testing.F) {
	f.Add(chunks(AppendRecord(nil, everything())))
	s := newStreet(f, rules.Set{})
	s.ask(s.sale(2, 20000))
	m := s.sale(1, 10000)
	s.ask(m)
	s.undo(m, "0400")
	for _, n := range s.nodes {
		f.Add(chunks(n.log...))
	}
	s = newStreet(f, rules.Set{})
	hold := s.kind(dialect.KindPreAuth, s.sale(1, 10000))
	s.ask(hold)
	done := s.after(dialect.KindCompletion, 2, hold, 9000)
	s.ask(done)
	s.ask(s.after(dialect.KindRefund, 3, done, 1000))
	s.ask(s.after(dialect.KindCompletionVoid, 4, done, 9000))
	for _, n := range s.nodes {
		f.Add(chunks(n.log...))
	}
	signed := newStreet(f, rules.Set{})
	signed.signOn(1)
	f.Add(chunks(signed.nodes[atAcquirer].log...))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStreet(t, rules.Set{})
		for at, n := range s.nodes {
			records := 0
			refused := false
			for rest := data; len(rest) > 0 && !refused; {
				var b []byte
				b, rest = chunk(rest)
				r, err := DecodeRecord(b)
				if err == nil {
					err = n.m.Apply(r)
				}
				refused = err != nil
				records++
			}
			if refused {
				continue
			}
			v := n.m.View()
			if len(v.Transactions) > records || len(v.Accounts) > records || v.Sessions > records {
				t.Fatalf("%d records make %d transactions, %d accounts, %d sessions", records, len(v.Transactions), len(v.Accounts), v.Sessions)
			}
			if b, err := json.Marshal(v); err != nil || len(b) > 12*len(data)+1000*(records+1) {
				t.Fatalf("%d bytes become %d, %v", len(data), len(b), err)
			}
			Positions(v)
			v.Unresolved()
			v.Differences()
			n.m.Step(s.now, Event{Kind: EventBoot})
			for _, e := range v.Transactions {
				n.m.Step(s.now, Event{Kind: EventTimer, Timer: Timer{TimerAnswer, e.Key}})
				n.m.Step(s.now, Event{Kind: EventTimer, Timer: Timer{TimerReversal, e.Key}})
			}
			for _, kind := range []CalendarKind{CalendarDate, CalendarCutover, CalendarPayout} {
				n.m.Step(s.now, Event{Kind: EventCalendar, Calendar: Calendar{Kind: kind}})
			}
			n.m.MACKey(1, s.sale(9, 100))
			n.m.Step(s.now, Event{Kind: EventMessage, Conn: 1, Message: s.sale(9, 100)})
			if at == atIssuer {
				n.m.Step(s.now, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 1}})
			}
		}
	})
}

// watched is a house that counts the orders it gets.
type watched struct{ orders int }

var _ AdminView = (*watched)(nil)

func (w *watched) Health(context.Context) (Health, error) { return Health{Status: "ok"}, nil }
func (w *watched) Positions(context.Context) (map[string]int64, error) {
	return map[string]int64{"issuer": 1}, nil
}
func (w *watched) Views(context.Context) ([]*View, error)           { return nil, errors.New("not now") }
func (w *watched) Log(_ context.Context, n uint64) (LogPage, error) { return LogPage{Next: n}, nil }
func (w *watched) Trace(_ context.Context, a, b string) ([]Trace, error) {
	return []Trace{{Key: dialect.Key{TID: a, STAN: b}}}, nil
}
func (w *watched) Differences(context.Context) ([]DifferenceItem, error) { return nil, nil }
func (w *watched) Calendar(_ context.Context, c Calendar) (string, error) {
	w.orders++
	return c.Date, nil
}
func (w *watched) Account(_ context.Context, a Admin) (AccountReport, error) {
	w.orders++
	return AccountReport{Account: a.Account, Status: a.Status, Balance: a.Balance}, nil
}

func (w *watched) Batches(context.Context) ([]*Batch, error)           { return nil, nil }
func (w *watched) Terminals(context.Context) ([]TerminalReport, error) { return nil, nil }
func (w *watched) Terminal(_ context.Context, o TerminalOrder) (TerminalReport, error) {
	w.orders++
	return TerminalReport{TID: o.TID}, nil
}

func (w *watched) Alarms(context.Context) (AlarmPage, error) { return AlarmPage{}, nil }
func (w *watched) Deed(_ context.Context, o DeedOrder) (DeedReport, error) {
	w.orders++
	return DeedReport{Do: o.Do, Party: nameAcquirer, Key: &dialect.Key{TID: o.TID, STAN: o.STAN}}, nil
}
func (w *watched) Records(_ context.Context, party string, since uint64) (RecordPage, error) {
	return RecordPage{Party: party, Next: since}, nil
}

// FuzzAdminRequest: whatever is asked of the admin view, the answer is JSON in proportion to it, and an order reaches the
// house only as one from a program of this machine.
func FuzzAdminRequest(f *testing.F) {
	const here = "127.0.0.1:8584"
	f.Add("POST", "/terminal", "", here, "application/json", "", []byte(`{"tid": "SIM00001", "status": "disabled", "requests": ["sign-on"]}`))
	f.Add("POST", "/desk", "", here, "application/json", "", []byte(`{"deed": "adjust", "tid": "SIM00001", "stan": "000002", "reason": "顾客来电"}`))
	f.Add("POST", "/desk", "", here, "application/json", "", []byte(`{"deed": "correct-account", "mid": "123456789012345", "account": "open"}`))
	f.Add("POST", "/desk", "", here, "application/json", "", []byte(`{"deed": "lift", "tid": "SIM00001", "reason": "4761739001010119"}`))
	f.Add("POST", "/desk", "", "evil.example:8584", "application/json", "", []byte(`{"deed": "suspend", "tid": "SIM00001"}`))
	f.Add("GET", "/alarms", "", here, "", "", []byte{})
	f.Add("GET", "/records", "party=bank&since=3", here, "", "", []byte{})
	f.Add("GET", "/log", "since=7", here, "", "", []byte{})
	f.Add("GET", "/trace", "tid=SIM00001&stan=1", "localhost:8584", "", "", []byte{})
	f.Add("POST", "/calendar", "", here, "application/json", "", []byte(`{"event":"payout","date":"2026-03-02"}`))
	f.Add("POST", "/account", "", here, "application/json; charset=utf-8", "", []byte(`{"account":"<visa>","status":"lost","balance":-1}`))
	f.Add("POST", "/account", "", here, "application/json", "http://evil.example", []byte(`{"account":"a"}`))
	f.Add("POST", "/account", "", "evil.example:8584", "application/json", "", []byte(`{"account":"a"}`))
	f.Add("POST", "/account", "", here, "text/plain", "", []byte(`{"account":"a"}`))
	f.Add("POST", "/account", "", here, "application/json", "", []byte(`{"account":"a"}{}`))
	f.Add("GET", "/health", "a=%zz", here, "", "", bytes.Repeat([]byte("["), 3000))
	f.Fuzz(func(t *testing.T, method, path, query, name, kind, origin string, order []byte) {
		w := &watched{}
		a := &adminServer{view: w, addr: here, port: "8584"}
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: name, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(order))}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		got := httptest.NewRecorder()
		a.ServeHTTP(got, r)
		body := got.Body.Bytes()
		if !json.Valid(body) || len(body) > 500+6*(len(path)+len(query)+len(name)+len(order)) {
			t.Fatalf("%d: %d bytes: %s", got.Code, len(body), body)
		}
		host, port, err := net.SplitHostPort(name)
		ip := net.ParseIP(host)
		mine := err == nil && port == "8584" && (host == "localhost" || ip != nil && ip.IsLoopback()) && origin == ""
		if w.orders > 0 && (!mine || method != "POST" || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/json") || got.Code != 200) {
			t.Fatalf("%d: %s %s of %q, %q, %q is obeyed: %s", got.Code, method, path, name, kind, origin, order)
		}
		if got.Code == 200 && !mine || got.Code >= 500 && path != "/view" {
			t.Fatalf("%d: %s", got.Code, body)
		}
	})
}

// canned is an answer to every request.
type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r, ProtoMajor: 1}, nil
}

// FuzzAdminAnswer: whatever answers in the place of a host's admin view, the client gives an error or something that can be
// used.
func FuzzAdminAnswer(f *testing.F) {
	f.Add(200, []byte(`{"status":"ok","started":"2026-03-02T14:05:00Z","parties":[{"name":"acquirer"}]}`))
	f.Add(200, []byte(`{"positions":{"issuer":-1}}`))
	f.Add(200, []byte(`{"parties":[{"transactions":[{"key":{"TID":"a"},"state":"pending","postings":[{"from":"a","to":"b","amount":1}]}]},{},{}]}`))
	f.Add(200, []byte(`{"parties":[{"transactions":[null],"accounts":[null]},{},{}]}`))
	f.Add(200, []byte(`{"parties":[null,null,null]}`))
	f.Add(200, []byte(`{"transactions":[{"key":{},"parties":[{"entry":null}],"events":[{}]}],"differences":[{}],"events":[{}]}`))
	f.Add(200, []byte(`{"earlier":1,"alarms":[{"at":"2026-03-02T14:05:00Z","party":"acquirer","key":{"TID":"a"},"kind":"item","item":{"owner":"a","amount":1,"stage":"open"}}]}`))
	f.Add(200, []byte(`{"alarms":[{"kind":"item"}]}`))
	f.Add(200, []byte(`{"deed":"adjust","party":"acquirer","key":{"TID":"a","STAN":"000001"},"item":{"owner":"a","amount":1,"stage":"adjusted"}}`))
	f.Add(200, []byte(`{"party":"bank","next":7,"records":[{"number":7,"at":"2026-03-02T14:05:00Z","transaction":{"key":{"TID":"a","STAN":"1"},"state":"approved","function":"sale","stand_in":"due"},"postings":[{"from":"a","to":"b","amount":1}],"business_date":"2026-03-02"}]}`))
	f.Add(200, []byte(`{"party":"bank","more":true,"next":0,"records":[]}`))
	f.Add(200, []byte(`{"records":[{"file":{"id":"1","kind":"payout","from":"a","to":"b","date":"x","state":"due"},"credit":{"order":"1","account":"2","amount":3},"batch":{}}]}`))
	f.Add(409, []byte(`{"error":"no such account"}`))
	f.Add(301, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		c := &AdminClient{base: "http://127.0.0.1:8584", http: &http.Client{Transport: canned{status, body}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		ctx := context.Background()
		bounded := func(what string, n int, err error) {
			if err == nil && status != 200 || err != nil && len(err.Error()) > 500+4*len(body) {
				t.Fatalf("%s with status %d: %v", what, status, err)
			}
			if 2*n > len(body) {
				t.Fatalf("%s: %d things out of %d bytes", what, n, len(body))
			}
		}
		h, err := c.Health(ctx)
		bounded("health", len(h.Parties), err)
		p, err := c.Positions(ctx)
		bounded("positions", len(p), err)
		log, err := c.Log(ctx, 1)
		bounded("log", len(log.Events), err)
		traces, err := c.Trace(ctx, "a", "b")
		bounded("trace", len(traces), err)
		differences, err := c.Differences(ctx)
		bounded("differences", len(differences), err)
		_, err = c.Calendar(ctx, Calendar{Kind: CalendarDate})
		bounded("calendar", 0, err)
		_, err = c.Account(ctx, Admin{Account: "a", SetBalance: true})
		bounded("account", 0, err)
		alarms, err := c.Alarms(ctx)
		bounded("alarms", len(alarms.Alarms), err)
		_, err = c.Deed(ctx, DeedOrder{Do: DeedAdjust})
		bounded("desk", 0, err)
		page, err := c.Records(ctx, nameBank, 0)
		bounded("records", len(page.Records), err)
		whole, err := ReadLog(ctx, c, nameBank) // which ends, though every page says that there is more
		bounded("a party's log", 0, err)
		if v, err := Recover(whole); err == nil {
			Positions(v)
		}
		views, err := c.Views(ctx)
		bounded("view", 0, err)
		if err != nil {
			return
		}
		if len(views) != 3 {
			t.Fatalf("%d parties", len(views))
		}
		Positions(views...)
		for _, v := range views {
			bounded("view", len(v.Transactions)+len(v.Accounts), nil)
			v.Unresolved()
			v.Differences()
			for _, e := range v.Transactions {
				if v.Find(e.Key) == nil {
					t.Fatalf("%+v is not found", e)
				}
				e.Net(PositionIssuer)
			}
			for _, a := range v.Accounts {
				if a == nil {
					t.Fatal("an account that is none")
				}
			}
		}
	})
}

// FuzzListen: whatever address is given, without leave only this machine's own is listened on, and the admin view never
// elsewhere.
func FuzzListen(f *testing.F) {
	for _, s := range []string{"127.0.0.1:8583", "localhost:0", ":8583", "0.0.0.0:1", "[::1]:http", "192.0.2.1:8583", "127.0.0.1.example:1", "[::ffff:127.0.0.1]:9", "127.1:1", ""} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, addr string, public bool) {
		host, _, bad := net.SplitHostPort(addr)
		ip := net.ParseIP(host)
		mine := bad == nil && (host == "" || host == "localhost" || ip != nil && ip.IsLoopback())
		for what, err := range map[string]error{"listen": checkListen(addr, public), "admin": checkAdmin(addr)} {
			if err != nil {
				if len(err.Error()) > 300+10*len(addr) {
					t.Fatalf("an error of %d characters", len(err.Error()))
				}
				continue
			}
			if !mine && (what == "admin" || !public) {
				t.Fatalf("%s takes %q", what, addr)
			}
		}
	})
}
