package host

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// everything is a record with every field set.
func everything() *Record {
	r := &Record{At: streetStart, Transaction: &Transaction{Difference: &Item{}, Payout: &Payout{}, Risk: &RiskHold{}, Signature: &Signature{}}, SignOn: &SignOn{}, Account: &AccountState{}, Calendar: &CalendarRecord{},
		Postings: []Posting{{"issuer", "acquirer", 10000}, {"acquirer", "fees", 1 << 40}}}
	n := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.Pointer:
			fill(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.String:
			v.SetString(fmt.Sprintf("text %d", n))
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(n) * 1001)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Uint8:
			v.SetUint(2)
		case reflect.Slice:
			if v.Type().Elem().Kind() != reflect.Uint8 {
				return // below
			}
			v.SetBytes([]byte{byte(n), 0, 1})
		}
	}
	for _, v := range []any{r.Transaction, r.SignOn, r.Account, r.Calendar} {
		fill(reflect.ValueOf(v))
	}
	r.Account.WrongPINs, r.Account.Answer, r.Account.PINReference = -3, "01", []byte("12345678")
	r.Account.Orders = []*Order{
		{Number: 1, ScriptOrder: ScriptOrder{When: AfterFinal, Command: ChangePIN, PINBlock: []byte("abcdefgh")}, PINReference: []byte("ABCDEFGH"),
			State: OrderSent, Sent: 2, ATC: "00fe", Counted: 3, Result: "text"},
		{Number: r.Account.LastOrder, ScriptOrder: ScriptOrder{When: BeforeFinal, Command: PutData, Tag: 0x9F58, Value: []byte{1}}, State: OrderDue},
		{Number: r.Account.LastOrder + 1, ScriptOrder: ScriptOrder{When: BeforeFinal, Command: UpdateRecord, SFI: 3, Record: 255, Value: []byte{0}}, State: OrderDone},
	}
	r.Account.LastOrder++
	r.Transaction.Card = "476173******0119"
	r.Transaction.Difference.Stage = ItemLost
	r.Transaction.Difference.History = []ItemMove{{"2026-03-02", ItemOpen, ""}, {"2026-03-03", ItemLost, "why"}}
	r.Cleared = &Cleared{From: "switch", Date: "2026-03-02", Lines: []FileLine{{Key: dialect.Key{TID: "t", STAN: "000002"}, Result: lineUndone}}}
	r.Transaction.Kind, r.Transaction.ApprovedAmount = dialect.KindRefund, 1
	r.Transaction.CardType, r.Transaction.MerchantCode = QR, "5411"
	r.Transaction.Signature.Digest = strings.Repeat("0a", 32)
	total := func(n int) dialect.Total { return dialect.Total{Count: n, Amount: int64(n) + 1} }
	r.Batch = &Batch{MID: "m", TID: "t", Number: "000007", State: BatchCompared, Settlement: dialect.Key{MID: "m", TID: "t", STAN: "000001", Batch: "000007"},
		Terminal: dialect.Totals{Debits: total(1), Credits: total(3), ForeignDebits: total(5), ForeignCredits: total(7)},
		Host:     dialect.Totals{Debits: dialect.Total{Amount: 9}}, Result: dialect.SettlementNotEqual, ForeignResult: dialect.SettlementError, Uploaded: 12, Items: 3,
		End: dialect.Key{MID: "m", TID: "t", STAN: "000002", Date: "0302", Time: "140500"}, BusinessDate: "2026-03-02"}
	r.Upload = &Upload{MID: "m", TID: "t", Number: "000007", Lines: []*Line{
		{STAN: "000003", Kind: dialect.KindRefund, Amount: 5, Debit: true, Card: "476173******0119", Certificate: []byte{1}, Notice: true}, {STAN: "000004"}}}
	r.Epoch = &Epoch{Number: 7, Holder: "acquirer-b"}
	r.Terminal = &TerminalState{MID: "m", TID: "t", Disabled: true, SignedOff: true, Requests: []dialect.ProcessingRequest{3, 1}, Status: "B000007",
		Why: "opened", Device: 15, Opened: []time.Time{time.Unix(1, 0).UTC(), time.Unix(2, 3).UTC()}}
	r.File = &FileRecord{File: File{ID: "payout-000001", Kind: FilePayout, From: "acquirer", To: "bank", Date: "2026-03-03", Lines: []FileLine{
		{Key: dialect.Key{MID: "m", TID: "t", STAN: "000001", Date: "0302", Time: "140500", Batch: "000007"}, Kind: dialect.KindRefund, Amount: 5, Fee: 1, Debit: true,
			Card: "476173******0119", RRN: "000000000001", Order: "o", Account: "a", Result: "returned", Reason: "no such account", FeeOf: 6, FeePlan: "standard"},
		{Key: dialect.Key{TID: "t", STAN: "000002"}, Order: "o", Account: "a", Amount: 7}}}, State: FileDue}
	r.Transaction.Risk = &RiskHold{State: HoldReleased, Reason: "r", Since: "2026-03-02", Deadline: "2026-03-05", OnDeadline: HoldReturn, By: "b"}
	r.Credit = &BankCredit{Order: "o", Account: "a", Amount: 5, Reason: "the account is closed"}
	r.Duty = &Duty{ID: "d", From: "acquirer", Date: "2026-03-03", Lines: []FileLine{{Key: dialect.Key{TID: "t", STAN: "000002"}, Amount: 7}}}
	r.Merchant = &MerchantState{MID: "m", Account: "a"}
	r.Transaction.Payout = &Payout{Order: "o", State: PayoutReturned, Amount: 5, Fee: 1, Account: "a", Returns: 2, Reason: "the account is closed", Via: "v", Deadline: "2026-03-05"}
	return r
}

func TestRecordKeepsEveryField(t *testing.T) {
	want := everything()
	b := AppendRecord(nil, want)
	got, err := DecodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// badOrder makes a record of an account whose order is wrong.
func badOrder(change func(o *Order)) func(r *Record) {
	return func(r *Record) {
		o := &Order{Number: 2, ScriptOrder: ScriptOrder{When: BeforeFinal, Command: UnblockPIN}, State: OrderDue}
		change(o)
		*r = Record{Account: &AccountState{Account: "a", LastOrder: 2, Orders: []*Order{o}}}
	}
}

// badPayout makes a record of a sale whose payout is wrong.
func badPayout(change func(p *Payout)) func(r *Record) {
	return func(r *Record) {
		p := Payout{Order: "o", State: PayoutOrdered, Amount: 5, Account: "a"}
		change(&p)
		r.Transaction.Payout = &p
	}
}

// badFile makes a record of a file that is wrong.
func badFile(change func(f *FileRecord)) func(r *Record) {
	return func(r *Record) {
		f := *everything().File
		change(&f)
		*r = Record{File: &f}
	}
}

func TestBadRecords(t *testing.T) {
	good := func() *Record {
		return &Record{Transaction: &Transaction{Key: dialect.Key{TID: "T", STAN: "1"}, Function: Sale, State: Approved, Amount: 5}, Postings: []Posting{{"a", "b", 5}}}
	}
	for name, change := range map[string]func(r *Record){
		"no part":                     func(r *Record) { *r = Record{} },
		"postings without their sale": func(r *Record) { r.Transaction = nil; r.Calendar = &CalendarRecord{} },
		"posting of nothing":          func(r *Record) { r.Postings[0].Amount = 0 },
		"posting backwards":           func(r *Record) { r.Postings[0].Amount = -1 },
		"posting to itself":           func(r *Record) { r.Postings[0].To = "a" },
		"posting from nowhere":        func(r *Record) { r.Postings[0].From = "" },
		"stand-in that tells nothing": func(r *Record) { r.Transaction.StandIn = StandInDue },
		"epoch of nobody":             func(r *Record) { *r = Record{Epoch: &Epoch{Number: 1}} },
		"epoch before all":            func(r *Record) { *r = Record{Epoch: &Epoch{Holder: "a"}} },
		"limit below zero":            func(r *Record) { *r = Record{Account: &AccountState{Account: "a", Limits: Limits{Day: -1}}} },
		"unknown stand-in":            func(r *Record) { r.Transaction.StandIn = lastStandIn + 1 },
		"card of no type":             func(r *Record) { r.Transaction.CardType = "gold" },
		"category of three digits":    func(r *Record) { r.Transaction.MerchantCode = "541" },
		"fee of less than nothing":    func(r *Record) { r.Transaction.FeeOf = -1 },
		"no terminal":                 func(r *Record) { r.Transaction.Key.TID = "" },
		"no state":                    func(r *Record) { r.Transaction.State = 0 },
		"unknown state":               func(r *Record) { r.Transaction.State = Tombstone + 1 },
		"no function":                 func(r *Record) { r.Transaction.Function = 0 },
		"tombstone with a function":   func(r *Record) { r.Transaction.State = Tombstone },
		"unknown kind":                func(r *Record) { r.Transaction.Kind = 250 },
		"an advice that is asked":     func(r *Record) { r.Transaction.Kind = dialect.KindRefund },
		"a sale that is told":         func(r *Record) { r.Transaction.Kind, r.Transaction.Function = dialect.KindVoid, Advice },
		"original without number":     func(r *Record) { r.Transaction.Original.TID = "T" },
		"approved more than asked":    func(r *Record) { r.Transaction.ApprovedAmount = 6 },
		"amount beyond all":           func(r *Record) { r.Transaction.Amount = maxRecorded + 1 },
		"posting beyond all":          func(r *Record) { r.Postings[0].Amount = maxRecorded + 1 },
		"negative amount":             func(r *Record) { r.Transaction.Amount = -1 },
		"clear card number":           func(r *Record) { r.Transaction.Card = "4761739001010119" },
		"payout of nothing":           badPayout(func(p *Payout) { p.Amount = 0 }),
		"payout without an order":     badPayout(func(p *Payout) { p.Order = "" }),
		"payout to nobody":            badPayout(func(p *Payout) { p.Account = "" }),
		"payout in no state":          badPayout(func(p *Payout) { p.State = 0 }),
		"payout in an unknown state":  badPayout(func(p *Payout) { p.State = PayoutLost + 1 }),
		"payout returned -1 times":    badPayout(func(p *Payout) { p.Returns = -1 }),
		"credit of nothing":           func(r *Record) { *r = Record{Credit: &BankCredit{Order: "o", Account: "a"}} },
		"credit without an order":     func(r *Record) { *r = Record{Credit: &BankCredit{Account: "a", Amount: 1}} },
		"merchant without an account": func(r *Record) { *r = Record{Merchant: &MerchantState{MID: "m"}} },
		"payout line without order":   badFile(func(f *FileRecord) { f.Lines[0].Order = "" }),
		"difference without owner":    func(r *Record) { r.Transaction.Difference = &Item{Amount: 1} },
		"difference of no type": func(r *Record) {
			r.Transaction.Difference = &Item{Owner: "a", Amount: 1, Type: ItemType(len(itemTypeNames))}
		},
		"difference at no stage": func(r *Record) {
			r.Transaction.Difference = &Item{Owner: "a", Amount: 1, Stage: ItemStage(len(itemStageNames))}
		},
		"lost to nobody":              func(r *Record) { r.Transaction.Difference = &Item{Owner: "a", Amount: 1, Stage: ItemLost} },
		"borne and not lost":          func(r *Record) { r.Transaction.Difference = &Item{Owner: "a", Amount: 1, Bearer: "b"} },
		"a move on no date":           func(r *Record) { r.Transaction.Difference = &Item{Owner: "a", Amount: 1, History: []ItemMove{{}}} },
		"a day of nobody":             func(r *Record) { *r = Record{Cleared: &Cleared{Date: "2026-03-02"}} },
		"a day without a date":        func(r *Record) { *r = Record{Cleared: &Cleared{From: "switch"}} },
		"file without ID":             badFile(func(f *FileRecord) { f.ID = "" }),
		"file to nobody":              badFile(func(f *FileRecord) { f.To = "" }),
		"file to its sender":          badFile(func(f *FileRecord) { f.To = f.From }),
		"file of no kind":             badFile(func(f *FileRecord) { f.Kind = 0 }),
		"file of an unknown kind":     badFile(func(f *FileRecord) { f.Kind = fileKinds }),
		"file without a date":         badFile(func(f *FileRecord) { f.Date = "today" }),
		"file in no state":            badFile(func(f *FileRecord) { f.State = 0 }),
		"file in an unknown state":    badFile(func(f *FileRecord) { f.State = FileTaken + 1 }),
		"taken file with lines":       badFile(func(f *FileRecord) { f.State = FileTaken }),
		"file line about nothing":     badFile(func(f *FileRecord) { f.Lines[0].Key.STAN = "" }),
		"file line below zero":        badFile(func(f *FileRecord) { f.Lines[0].Amount = -1 }),
		"file line with a clear card": badFile(func(f *FileRecord) { f.Lines[0].Card = "4761739001010119" }),
		"file line with a novel":      badFile(func(f *FileRecord) { f.Lines[0].Reason = strings.Repeat("x", maxFileText+1) }),
		"sign-on without terminal":    func(r *Record) { *r = Record{SignOn: &SignOn{}} },
		"account without name":        func(r *Record) { *r = Record{Account: &AccountState{}} },
		"a bad account with a sale":   func(r *Record) { r.Account = &AccountState{} },
		"an answer that approves":     func(r *Record) { *r = Record{Account: &AccountState{Account: "a", Answer: "00"}} },
		"a short PIN reference":       func(r *Record) { *r = Record{Account: &AccountState{Account: "a", PINReference: []byte{1}}} },
		"an order without a state":    badOrder(func(o *Order) { o.State = 0 }),
		"an order in an unknown one":  badOrder(func(o *Order) { o.State = OrderFailed + 1 }),
		"an order without a number":   badOrder(func(o *Order) { o.Number = 0 }),
		"an order beyond the last":    badOrder(func(o *Order) { o.Number = 3 }),
		"an order of nothing":         badOrder(func(o *Order) { o.Command = "" }),
		"an order with half a PIN":    badOrder(func(o *Order) { o.PINReference = []byte{1} }),
		"an order with half an ATC":   badOrder(func(o *Order) { o.ATC = "01" }),
		"an order without hex":        badOrder(func(o *Order) { o.ATC = "01xx" }),
		"an order sent -1 times":      badOrder(func(o *Order) { o.Sent = -1 }),
		"orders out of order": func(r *Record) {
			badOrder(func(*Order) {})(r)
			r.Account.Orders = append(r.Account.Orders, r.Account.Orders[0])
		},
		"a signature without a digest": func(r *Record) { r.Transaction.Signature = &Signature{Size: 1} },
		"a batch without a number":     func(r *Record) { *r = Record{Batch: &Batch{TID: "t", State: BatchOpen}} },
		"a batch in no state":          func(r *Record) { *r = Record{Batch: &Batch{TID: "t", Number: "000001"}} },
		"a batch with a fourth result": func(r *Record) { *r = Record{Batch: &Batch{TID: "t", Number: "000001", State: BatchOpen, Result: 4}} },
		"a batch with -1 lines": func(r *Record) {
			*r = Record{Batch: &Batch{TID: "t", Number: "000001", State: BatchOpen, Uploaded: -1}}
		},
		"lines of nobody":               func(r *Record) { *r = Record{Upload: &Upload{Number: "000001", Lines: []*Line{{STAN: "000001"}}}} },
		"no lines":                      func(r *Record) { *r = Record{Upload: &Upload{TID: "t", Number: "000001"}} },
		"a line without a trace number": func(r *Record) { *r = Record{Upload: &Upload{TID: "t", Number: "000001", Lines: []*Line{{}}}} },
		"a line with a clear number": func(r *Record) {
			*r = Record{Upload: &Upload{TID: "t", Number: "000001", Lines: []*Line{{STAN: "000001", Card: "4761739001010119"}}}}
		},
		"a state of no terminal": func(r *Record) { *r = Record{Terminal: &TerminalState{}} },
		"a terminal asked twice": func(r *Record) {
			*r = Record{Terminal: &TerminalState{TID: "t", Requests: []dialect.ProcessingRequest{3, 3}}}
		},
		"a terminal asked for nothing": func(r *Record) {
			*r = Record{Terminal: &TerminalState{TID: "t", Requests: []dialect.ProcessingRequest{0}}}
		},
		"a seventeenth device": func(r *Record) { *r = Record{Terminal: &TerminalState{TID: "t", Device: 16}} },
		"opened too often": func(r *Record) {
			*r = Record{Terminal: &TerminalState{TID: "t", Opened: make([]time.Time, maxOpened+1)}}
		},
		"a terminal asked for too much": func(r *Record) {
			*r = Record{Terminal: &TerminalState{TID: "t", Requests: []dialect.ProcessingRequest{16}}}
		},
		"too many orders": func(r *Record) {
			badOrder(func(*Order) {})(r)
			for n := 3; len(r.Account.Orders) <= maxOrders; n++ {
				o := *r.Account.Orders[0]
				o.Number, r.Account.LastOrder = n, n
				r.Account.Orders = append(r.Account.Orders, &o)
			}
		},
		"too many postings": func(r *Record) {
			r.Postings = make([]Posting, maxPostings+1)
			for i := range r.Postings {
				r.Postings[i] = Posting{"a", "b", 1}
			}
		},
	} {
		r := good()
		change(r)
		if _, err := DecodeRecord(AppendRecord(nil, r)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := AppendRecord(nil, good())
	for name, bad := range map[string][]byte{
		"nothing":        nil,
		"other version":  append([]byte{9}, b[1:]...),
		"trailing byte":  append(bytes.Clone(b), 0),
		"unknown field":  append(bytes.Clone(b), 99, 1),
		"field again":    append(bytes.Clone(b), b[1:]...),
		"cut short":      b[:len(b)-1],
		"padded number":  append([]byte{recordVersion, 1, 0x82, 0x00}, b[1:]...),
		"explicit zero":  append([]byte{recordVersion, 1, 0x00}, b[1:]...),
		"endless number": append([]byte{recordVersion, 1}, bytes.Repeat([]byte{0xFF}, 12)...),
	} {
		if _, err := DecodeRecord(bad); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeRecord(b); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(AppendRecord(nil, everything()))
	f.Add(AppendRecord(nil, &Record{Calendar: &CalendarRecord{Kind: CalendarDate, Date: "2026-03-02"}}))
	f.Add([]byte{recordVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			return
		}
		again := AppendRecord(nil, r)
		if !bytes.Equal(again, b) {
			t.Fatalf("% X decodes, and encodes as % X", b, again)
		}
		var x book
		if err := x.apply(r); err != nil {
			t.Fatal(err)
		}
	})
}

// A disk image tells what its party believes, without keys; a torn end is left out, damage is an error.
func TestRecover(t *testing.T) {
	w := sim.NewWorld(streetStart, 1)
	t.Cleanup(w.Close)
	a := w.Actor("a")
	a.PowerOn(nil)
	s := newStreet(t, rules.Set{})
	m := s.sale(1, 10000)
	s.ask(m)
	s.ask(s.sale(2, 20000))
	s.undo(m, "0400")
	for at, n := range s.nodes {
		d := sim.NewMemDisk(a)
		l, err := wal.Open(d, LogName, func([]byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range n.log {
			if err := l.Append(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		image := d.Durable(LogName)
		v, err := Recover(image)
		if err != nil {
			t.Fatal(err)
		}
		live := n.m.View()
		same := func(x, y *Entry) bool {
			return cmp.Equal(x.Transaction, y.Transaction) && cmp.Equal(x.Postings, y.Postings) && x.Changed.Equal(y.Changed)
		}
		if d := cmp.Diff(live.Transactions, v.Transactions, cmp.Comparer(same)); d != "" || v.Bytes != len(image) {
			t.Errorf("%s: %d of %d bytes, %s", placeNames[at], v.Bytes, len(image), d)
		}
		if torn, err := Recover(image[:len(image)-1]); err != nil || torn.Bytes >= len(image)-1 {
			t.Errorf("%s: torn: %v", placeNames[at], err)
		}
		bad := bytes.Clone(image)
		bad[20] ^= 1
		if _, err := Recover(bad); err == nil {
			t.Errorf("%s: damage is not noticed", placeNames[at])
		}
		if strings.Contains(string(image), testCard(t).Digits()) {
			t.Errorf("%s: the log holds a card number", placeNames[at])
		}
	}
}

func TestNothingPrintsACardNumber(t *testing.T) {
	s := newStreet(t, rules.Set{})
	m := s.sale(1, 10000)
	s.ask(m)
	n := testCard(t).Digits()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{s.view(atIssuer).Transactions[0], s.view(atIssuer), Observation{Kind: Received, Message: m}, m} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, n) || strings.Contains(text, "3012201") {
				t.Errorf("%s of %T shows a card number or track data", verb, v)
			}
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	s := newStreet(b, rules.Set{})
	s.ask(s.sale(1, 10000))
	buf := s.nodes[atAcquirer].log[1]
	r, err := DecodeRecord(buf)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		var out []byte
		for b.Loop() {
			out = AppendRecord(out[:0], r)
		}
		b.ReportMetric(float64(len(out)), "bytes")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := DecodeRecord(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A sale says no kind, as it did before there were kinds: there is one form of every record.
func TestRecordOfASaleSaysNoKind(t *testing.T) {
	r := &Record{Transaction: &Transaction{Key: dialect.Key{TID: "T", STAN: "1"}, Function: Sale, Kind: dialect.KindSale, State: Approved, Amount: 5}}
	b := AppendRecord(nil, r)
	if got, err := DecodeRecord(b); err != nil || got.Transaction.Kind != dialect.KindSale {
		t.Fatalf("%v, %v", got, err)
	}
	said := append(append([]byte(nil), b...), 30, 2) // field 30: 1, in zigzag
	said[5] += 2                                     // the part is longer, counted from behind its number
	if _, err := DecodeRecord(said); !errors.Is(err, ErrRecord) {
		t.Errorf("a second form: %v", err)
	}
	said[len(said)-1] = 2 * byte(dialect.KindVoid)
	if got, err := DecodeRecord(said); err != nil || got.Transaction.Kind != dialect.KindVoid {
		t.Errorf("another kind: %v", err)
	}
}
