package terminal

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

func TestABatteryThatIsLow(t *testing.T) {
	x := newDesk(t, plainDesk, nil)
	x.boot()
	x.term.After(0, func() { x.terminal.Battery(15) })
	x.sale("1000")
	if !x.saw("BATTERY LOW 15") {
		t.Errorf("shown %q", x.shown)
	}
	x.term.After(0, func() { x.terminal.Battery(4) })
	x.press("1")
	if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeBlocked || !x.saw("BATTERY EMPTY\nPLEASE CHARGE") {
		t.Errorf("%+v", e)
	}
	if e := x.settle(); e.Outcome != OutcomeDone {
		t.Errorf("a settlement is refused: %+v", e)
	}
	x.term.After(0, func() { x.terminal.Battery(100) })
	x.sale("1000")
}

// A calendar behind the latest record has jumped. Where the host tells the time, a sign-on puts it right.
func TestAClockThatJumped(t *testing.T) {
	x := newDesk(t, batchedDesk, nil)
	x.boot()
	x.sale("1000")
	wrong := -26 * time.Hour
	x.terminal.cfg.Calendar = func() time.Time { return x.w.Now().Add(wrong) }
	x.shown = nil
	x.terminal.clockOffset = 0
	r := x.sale("1000")
	if !x.saw("CLOCK IS WRONG") {
		t.Errorf("shown %q", x.shown)
	}
	if got := r.Date + r.Time; got[:8] != x.w.Now().Format("01021504") {
		t.Errorf("the sale is dated %s, now is %s", got, x.w.Now())
	}
	y := newDesk(t, plainDesk, nil) // there the host does not know the time
	y.boot()
	y.sale("1000")
	y.terminal.cfg.Calendar = func() time.Time { return y.w.Now().Add(wrong) }
	y.sale("1000")
	if y.saw("CLOCK IS WRONG") {
		t.Error("a sign-on is asked for that would put nothing right")
	}
}

// The year of a host's date is the nearest: around New Year too.
func TestTheHostsTimeAtNewYear(t *testing.T) {
	x := newDesk(t, batchedDesk, nil)
	x.boot()
	for _, c := range []struct{ now, date, time, want string }{
		{"2026-12-31T23:59:50Z", "0101", "000005", "2027-01-01T00:00:05Z"},
		{"2027-01-01T00:00:05Z", "1231", "235950", "2026-12-31T23:59:50Z"},
		{"2027-03-01T00:00:00Z", "0229", "120000", "2028-02-29T12:00:00Z"}, // no such day in 2026 and 2027
		{"2027-03-01T00:00:00Z", "1399", "120000", "2027-03-01T00:00:00Z"},
		{"2027-03-01T00:00:00Z", "", "", "2027-03-01T00:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		must(t, err)
		x.terminal.cfg.Calendar = func() time.Time { return now }
		x.terminal.clockOffset = 0
		x.terminal.syncClock(&dialect.Message{DateLocalTransaction: c.date, TimeLocalTransaction: c.time})
		if got := x.terminal.calendar().Format(time.RFC3339); got != c.want {
			t.Errorf("%s at %s %s: %s, want %s", c.now, c.date, c.time, got, c.want)
		}
	}
}

// W38: what an answer's header asks for is done after the transaction, its reversal first; parameters wait for an empty batch.
func TestAHostAsksInItsHeader(t *testing.T) {
	x := newDesk(t, batchedDesk, nil)
	x.serve()
	x.boot()
	for r, want := range map[dialect.ProcessingRequest]string{dialect.RequestSignOn: "sign-on", dialect.RequestStatus: "status", dialect.RequestCAKeys: "ca-keys-end", dialect.RequestICParameters: "aids-end"} {
		x.ask(r)
		x.sent = nil
		x.sale("100")
		x.pass(time.Minute)
		var got []string
		for _, m := range x.sent {
			got = append(got, m.Kind.String())
		}
		if got[0] != "sale" || !slices.Contains(got[1:], want) {
			t.Errorf("asked for %d it sends %v", r, got)
		}
	}
	// no answer: the reversal goes before the sign-on that its answer asks for
	x.sent = nil
	x.treat = func(m, a *dialect.Message) *dialect.Message {
		if dialect.Class(m.MTI) == dialect.ClassFinancial {
			return nil
		}
		a.ProcessingRequest = dialect.RequestNone
		if dialect.Class(m.MTI) == dialect.ClassReversal {
			a.ProcessingRequest = dialect.RequestSignOn
		}
		return a
	}
	x.try("100")
	x.pass(time.Minute)
	var order []string
	for _, m := range x.sent {
		order = append(order, m.MTI)
	}
	if !reflect.DeepEqual(order, []string{"0200", "0400", "0800"}) {
		t.Errorf("sent %v", order)
	}
	x.serve()
	x.ask(dialect.RequestParameters)
	x.sale("100")
	x.pass(time.Minute)
	if !x.saw("DOWNLOAD AFTER SETTLEMENT") || x.terminal.journal.loaded != nil && len(x.terminal.journal.loaded.Parameters) > 0 {
		t.Errorf("parameters change while the batch is open; shown %q", x.shown)
	}
	if e := x.settle(); e.Outcome != OutcomeDone {
		t.Fatalf("%+v", e)
	}
	x.pass(time.Minute)
	if l := x.terminal.journal.loaded; l == nil || len(l.Parameters) == 0 {
		t.Error("and are not loaded after it")
	}
}

// ask has the next answer to a sale ask for something, once.
func (x *desk) ask(r dialect.ProcessingRequest) {
	before := x.treat
	done := false
	x.treat = func(m, a *dialect.Message) *dialect.Message {
		if before != nil {
			a = before(m, a)
		}
		if a != nil && !done && m.Kind == dialect.KindSale {
			a.ProcessingRequest, done = r, true
		}
		return a
	}
}

// serve has the host answer downloads: two keys on two pages, one application, parameters.
func (x *desk) serve() {
	rid := [5]byte{0xA0, 0, 0, 9, 0x99}
	modulus := make([]byte, 128)
	for i := range modulus {
		modulus[i] = 0xC1 + byte(i)
	}
	modulus[127] |= 1
	key := func(index byte) *dialect.CAKey {
		return &dialect.CAKey{CAKeyName: dialect.CAKeyName{RID: rid, Index: index, Expiry: "20301231"}, Modulus: modulus, Exponent: []byte{3}}
	}
	app := &dialect.AIDParameters{AID: []byte{0xA0, 0, 0, 9, 0x99, 1, 1}, Partial: true, Version: [2]byte{0, 2}, FloorLimit: 5000, TACOnline: [5]byte{0xDC, 0x40, 4, 0xF8, 0}}
	x.treat = func(m, a *dialect.Message) *dialect.Message {
		switch m.Kind {
		case dialect.KindCAKeyList:
			n, err := dialect.ParseListRequest(m.ReservedPrivate62)
			must(x.t, err)
			a.ReservedPrivate62 = dialect.CAKeyList([]dialect.CAKeyName{key(byte(n + 1)).CAKeyName}, n == 0)
		case dialect.KindCAKey:
			n, err := dialect.ParseCAKeyRequest(m.ReservedPrivate62)
			must(x.t, err)
			a.ReservedPrivate62 = key(n.Index).Download()
		case dialect.KindAIDList:
			a.ReservedPrivate62 = dialect.AIDList([][]byte{app.AID}, false)
		case dialect.KindAID:
			a.ReservedPrivate62 = app.Download()
		case dialect.KindParameters:
			a.ReservedPrivate62 = dialect.Parameters([]dialect.Parameter{{Tag: dialect.ParameterAnswerWait, Value: "45"}, {Tag: dialect.ParameterMerchant, Value: "NEW SHOP"}, {Tag: "99", Value: "?"}}, false)
		}
		return a
	}
}

func TestDownloadsAreUsedAndSurvive(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		x.serve()
		x.boot()
		before := len(x.terminal.profile.EMV.CAPublicKeys)
		for _, f := range []Function{FunctionCAKeys, FunctionAIDs, FunctionParameters} {
			x.choose(f, "")
			x.pass(10 * time.Second)
			if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeDone {
				t.Fatalf("%s: %+v; shown %q", f, e, x.shown)
			}
		}
		check := func(when string) {
			t.Helper()
			p := x.terminal.profile
			if n := len(p.EMV.CAPublicKeys) - before; n != 2 || len(p.EMV.Applications) != 1 || p.EMV.Applications[0].FloorLimit != 5000 || p.AnswerWait != 45*time.Second || p.Merchant != "NEW SHOP" {
				t.Errorf("%s: %d more keys, %d applications, %s, %s", when, n, len(p.EMV.Applications), p.AnswerWait, p.Merchant)
			}
		}
		check("loaded")
		x.cycle()
		check("after a power cut")
		if x.profile.Merchant == "NEW SHOP" || x.profile.AnswerWait == 45*time.Second {
			t.Error("the profile that others share has changed")
		}
		x.sale("100")
		x.settle()
		x.cycle()
		check("after a compaction")
		x.sale("100")
		x.choose(FunctionParameters, "")
		if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeNotAllowed || !x.saw("DOWNLOAD AFTER SETTLEMENT") {
			t.Errorf("with an open batch: %+v", e)
		}
	})
}

// A download that breaks off, or makes no sense, changes nothing.
func TestADownloadThatFailsChangesNothing(t *testing.T) {
	for name, spoil := range map[string]func(m, a *dialect.Message) *dialect.Message{
		"silence at the second key": func(m, a *dialect.Message) *dialect.Message {
			if n, _ := dialect.ParseCAKeyRequest(m.ReservedPrivate62); m.Kind == dialect.KindCAKey && n.Index == 2 {
				return nil
			}
			return a
		},
		"another key":        func(m, a *dialect.Message) *dialect.Message { return ofAnother(m, a) },
		"a list without end": func(m, a *dialect.Message) *dialect.Message { return listForEver(m, a) },
		"refused": func(m, a *dialect.Message) *dialect.Message {
			if m.Kind == dialect.KindCAKey {
				a.ResponseCode, a.ReservedPrivate62 = "40", nil
			}
			return a
		},
		"a modulus that is none": func(m, a *dialect.Message) *dialect.Message {
			if m.Kind == dialect.KindCAKey {
				a.ReservedPrivate62 = (&dialect.CAKey{CAKeyName: dialect.CAKeyName{RID: [5]byte{0xA0, 0, 0, 9, 0x99}, Index: indexOf(m)}, Modulus: []byte{1}, Exponent: []byte{3}}).Download()
			}
			return a
		},
	} {
		x := newDesk(t, batchedDesk, nil)
		x.serve()
		good := x.treat
		x.treat = func(m, a *dialect.Message) *dialect.Message { return spoil(m, good(m, a)) }
		x.boot()
		before := len(x.terminal.profile.EMV.CAPublicKeys)
		x.choose(FunctionCAKeys, "")
		x.pass(10 * time.Minute)
		if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeNoAnswer || !x.saw("DOWNLOAD FAILED") || len(x.terminal.profile.EMV.CAPublicKeys) != before || x.terminal.journal.loaded != nil {
			t.Errorf("%s: %+v, %d keys", name, e, len(x.terminal.profile.EMV.CAPublicKeys))
		}
	}
}

func indexOf(m *dialect.Message) byte {
	n, _ := dialect.ParseCAKeyRequest(m.ReservedPrivate62)
	return n.Index
}

// ofAnother makes a key another authority's.
func ofAnother(m, a *dialect.Message) *dialect.Message {
	if m.Kind == dialect.KindCAKey {
		a.ReservedPrivate62 = slices.Clone(a.ReservedPrivate62)
		a.ReservedPrivate62[4] ^= 1 // of the RID
	}
	return a
}

func listForEver(m, a *dialect.Message) *dialect.Message {
	if m.Kind == dialect.KindCAKeyList {
		a.ReservedPrivate62 = dialect.CAKeyList([]dialect.CAKeyName{{RID: [5]byte{0xA0, 0, 0, 9, 0x99}, Index: 1}}, true)
	}
	return a
}

// W53: a picture waits until the host has it, and goes again before settlement.
func TestASignatureIsUploaded(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		picture := []byte{0x55, 0xAA, 0x01, 0x80}
		x.boot()
		asked := 0
		x.terminal.cfg.Devices.Sign = func(Record) []byte { asked++; return picture }
		deaf := true
		x.treat = func(m, a *dialect.Message) *dialect.Message {
			if m.Kind == dialect.KindSignature && deaf {
				return nil
			}
			return a
		}
		x.press("1000\r")
		x.term.After(0, func() { x.terminal.Swipe(Stripe{Track2: strings.Replace(swiped, "30121011", "30122010", 1)}) })
		x.pass(time.Second)
		x.press("\r") // no PIN: it is signed
		x.pass(10 * time.Minute)
		r := x.terminal.Records()
		if len(r) != 1 || r[0].State != Approved || r[0].CVM != cvmSignature || asked != 1 {
			t.Fatalf("%+v, asked %d times; shown %q", r, asked, x.shown)
		}
		if n := len(x.terminal.journal.signatures); n != 1 {
			t.Fatalf("%d wait", n)
		}
		x.cycle()
		if n := len(x.terminal.journal.signatures); n != 1 {
			t.Fatalf("%d wait after a power cut", n)
		}
		deaf = false
		if e := x.settle(); e.Outcome != OutcomeDone || len(x.terminal.journal.signatures) != 0 {
			t.Errorf("%+v, %d wait", e, len(x.terminal.journal.signatures))
		}
		m := x.sent[slices.IndexFunc(x.sent, func(m *dialect.Message) bool { return m.Kind == dialect.KindSignature })]
		if string(m.ReservedPrivate62) != string(picture) || m.Original.STAN != r[0].STAN || m.RetrievalReferenceNumber != r[0].RRN {
			t.Errorf("%+v of %v", m.Original, m)
		}
	})
}

func TestReportsAndTheHost(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		x.boot()
		for range 8 {
			x.sale("1000")
		}
		for f, want := range map[Function]string{FunctionReportTotals: "DEBITS 8 80.00", FunctionReportJournal: "SALE 10.00"} {
			x.choose(f, "  ")
			x.press(string(KeyCancel))
			if rc := x.printed[len(x.printed)-1]; rc.Report != f || !strings.Contains(rc.In(English), want) || rc.In(Chinese) == rc.In(English) {
				t.Errorf("%s: %s", f, rc.In(English))
			}
		}
		if !x.saw("ANY KEY: MORE") {
			t.Errorf("shown %q", x.shown)
		}
		for _, c := range []struct {
			f    Function
			want string
		}{{FunctionEcho, "HOST ANSWERS"}, {FunctionStatus, "STATUS SENT"}, {FunctionSignOff, "SIGNED OFF"}} {
			x.choose(c.f, "")
			if e := x.ends[len(x.ends)-1]; e.Outcome != OutcomeDone || !x.saw(c.want) {
				t.Errorf("%s: %+v", c.f, e)
			}
		}
		x.sent = nil
		x.sale("1000")
		if x.sent[0].Kind != dialect.KindSignOn {
			t.Errorf("after a sign-off it sends %v first", x.sent[0])
		}
	})
}

// A notice goes with a card that let a sale pass whose host it could not authenticate (W49).
func TestACertificateAndANotice(t *testing.T) {
	x := newDesk(t, batchedDesk, nil)
	x.boot()
	x.sale("1000")
	x.term.After(0, func() {
		r := x.terminal.Records()[0]
		var tvr [5]byte
		tlv.TVRIssuerAuthenticationFailed.Set(tvr[:])
		n := *r
		n.Entry, n.TVR, n.ICC = "0051", "0000008040", []byte{0x9F, 0x36, 2, 0, 1}
		must(t, x.terminal.journal.put(entryRecord{Sale: &n}))
		*r = n
	})
	x.pass(time.Millisecond)
	if e := x.settle(); e.Outcome != OutcomeDone {
		t.Fatalf("%+v; %q", e, x.shown)
	}
	var codes []string
	for _, m := range x.sent {
		if m.Kind == dialect.KindUpload {
			codes = append(codes, m.NetworkManagementCode)
			if m.PrimaryAccountNumber.IsZero() || len(m.ICCSystemRelatedData) == 0 || m.AmountTransaction != 10_00 {
				t.Errorf("%+v", m)
			}
		}
	}
	if !reflect.DeepEqual(codes, []string{dialect.UploadICEqual, dialect.UploadNoticeEqual}) || x.books.ends[0] != "000001"+dialect.UploadEndEqual {
		t.Errorf("uploads %v, end %v", codes, x.books.ends)
	}
}
