package host

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// lineOf is a line of a list: so much of one transaction, taken from the cardholder (a sale) or from the merchant (a refund).
func lineOf(stan string, amount int64, debit bool) FileLine {
	return FileLine{Key: dialect.Key{MID: testMID, TID: testTID, STAN: stan}, Amount: amount, Debit: debit}
}

// Every combination of who has a transaction, and every way in which amounts can differ.
func TestCompareClearing(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		name                        string
		acquirer, aboves, terminals int64 // amounts; none: it is not there
		closed                      bool  // the batch it would be in was closed, and not found equal
		want                        string
	}{
		{"nobody", none, none, none, true, ""},
		{"nothing, at the acquirer alone", 0, none, none, false, ""},
		{"nothing, at the switch alone", none, 0, none, false, ""},
		{"the acquirer alone", 100, none, none, false, "acquirer-only 100"},
		{"the switch alone", none, 100, none, false, "switch-only 100"},
		{"the terminal alone", none, none, 100, true, "terminal-only 100"},
		{"acquirer and switch; of the batch nothing is known", 100, 100, none, false, ""},
		{"acquirer and switch, and the batch does not have it", 100, 100, none, true, "host-only 100"},
		{"acquirer and terminal", 100, none, 100, true, "acquirer-only 100"},
		{"switch and terminal: the merchant has a slip", none, 100, 100, true, "terminal-only 100"},
		{"all three", 100, 100, 100, true, ""},

		{"the switch has one less", 100, 99, 100, true, "switch-less 1"},
		{"the switch has one more", 100, 101, 100, true, "switch-only 1"},
		{"the switch has less, and the terminal nothing", 100, 60, none, true, "switch-less 40"},
		{"the terminal has one less", 100, 100, 99, true, "amount-more 1"},
		{"the terminal has one more", 100, 100, 101, true, "amount-less 1"},
		{"all three differ: first what the cardholder's bank says", 100, 90, 120, true, "switch-less 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := func(n int64) []FileLine {
				if n == none {
					return nil
				}
				return []FileLine{lineOf("000001", n, true)}
			}
			k := lineOf("000001", 1, true).Key
			var got []string
			for _, m := range CompareClearing(list(c.acquirer), list(c.aboves), TerminalList{list(c.terminals), map[dialect.Key]bool{k: c.closed}}) {
				if m.Key != k {
					t.Errorf("key %v", m.Key)
				}
				got = append(got, fmt.Sprintf("%v %d", m.Type, m.Amount))
			}
			want(t, "mismatches", strings.Join(got, ", "), c.want)
		})
	}
	sale, refund := []FileLine{lineOf("000001", 100, true)}, []FileLine{lineOf("000001", 100, false)}
	got := CompareClearing(sale, refund, TerminalList{})
	if len(got) != 1 || got[0].Type != AcquirerOnly || got[0].Amount != 100 {
		t.Errorf("a sale and a refund of one number: %v", got)
	}
}

// The order of the mismatches is that of the lists.
func TestCompareClearingKeepsItsOrder(t *testing.T) {
	lists := func(stans string) (all []FileLine) {
		for _, s := range strings.Fields(stans) {
			all = append(all, lineOf(s, 5, true))
		}
		return all
	}
	var got []string
	for _, m := range CompareClearing(lists("3 1 7"), lists("9 7 2"), TerminalList{Lines: lists("8 3 2 4")}) {
		got = append(got, m.Key.STAN+" "+m.Type.String())
	}
	want(t, "order", strings.Join(got, ", "), "3 acquirer-only, 1 acquirer-only, 9 switch-only, 2 terminal-only, 8 terminal-only, 4 terminal-only")
}

// listed makes lines of bytes: four each, two for the number and two for the amount, of which the last bit is the direction.
func listed(b []byte) (all []FileLine) {
	for ; len(b) >= 4; b = b[4:] {
		n := binary.BigEndian.Uint16(b[2:])
		all = append(all, lineOf(fmt.Sprintf("%06d", binary.BigEndian.Uint16(b)), int64(n>>1), n&1 == 1))
	}
	return all
}

// FuzzCompareClearing: of any three lists each transaction is alike in all, or in exactly one mismatch; its amount is what must move for
// the lists to agree; and what one list has twice is not counted twice.
func FuzzCompareClearing(f *testing.F) {
	f.Add([]byte{0, 1, 0, 201}, []byte{0, 1, 0, 201}, []byte{0, 1, 0, 199}, uint8(1))
	f.Add([]byte{0, 1, 0, 201, 0, 2, 0, 7}, []byte{0, 3, 0, 201}, []byte{0, 4, 0, 9, 0, 4, 0, 9}, uint8(0xFF))
	f.Add([]byte{0, 1, 0, 201, 0, 1, 0, 7}, []byte{0, 1, 0, 200}, []byte{}, uint8(2))
	f.Add([]byte{}, []byte{0, 9, 0, 201, 0, 9, 0, 3}, []byte{0, 9, 0, 1}, uint8(0))
	f.Fuzz(func(t *testing.T, a, u, b []byte, closed uint8) {
		if len(a)+len(u)+len(b) > 4096 {
			return
		}
		acquirer, above, terminal := listed(a), listed(u), TerminalList{listed(b), map[dialect.Key]bool{}}
		for _, l := range acquirer {
			terminal.Closed[l.Key] = closed&(1<<(l.Key.STAN[5]&7)) != 0
		}
		last := func(all []FileLine) map[dialect.Key]FileLine {
			m := map[dialect.Key]FileLine{}
			for _, l := range all {
				m[l.Key] = l
			}
			return m
		}
		am, um, tm := last(acquirer), last(above), last(terminal.Lines)
		found := map[dialect.Key]Mismatch{}
		for _, m := range CompareClearing(acquirer, above, terminal) {
			if _, twice := found[m.Key]; twice {
				t.Fatalf("%v is in two mismatches", m.Key)
			}
			if m.Amount <= 0 {
				t.Fatalf("%v: nothing differs", m)
			}
			found[m.Key] = m
		}
		for k, m := range found {
			if agree(am, um, tm, terminal.Closed, k) {
				t.Fatalf("%v: all agree", m)
			}
			if why := addsUp(m, am, um, tm); why != "" {
				t.Fatalf("%v: %s", m, why)
			}
		}
		for _, lists := range []map[dialect.Key]FileLine{am, um, tm} {
			for k := range lists {
				if _, in := found[k]; !in && !agree(am, um, tm, terminal.Closed, k) {
					t.Fatalf("%v is in no mismatch", k)
				}
			}
		}
	})
}

// agree tells whether the lists say the same of a transaction: acquirer and switch have it alike, and so has the terminal, or nothing is
// known of its batch. So they do where there is no money in it.
func agree(a, u, t map[dialect.Key]FileLine, closed map[dialect.Key]bool, k dialect.Key) bool {
	x, in := a[k]
	y, up := u[k]
	z, below := t[k]
	if x.Amount == 0 && y.Amount == 0 && z.Amount == 0 || in && !up && x.Amount == 0 || !in && up && y.Amount == 0 || in && up && x.Debit != y.Debit && x.Amount == 0 {
		return true
	}
	return in && up && x.Amount == y.Amount && x.Debit == y.Debit && (below && z.Amount == x.Amount || !below && !closed[k])
}

// addsUp tells what is wrong with a mismatch: with its amount put right the two lists that it is about have the same.
func addsUp(m Mismatch, a, u, t map[dialect.Key]FileLine) string {
	x, in := a[m.Key]
	y, up := u[m.Key]
	z, below := t[m.Key]
	ok := false
	switch m.Type {
	case AcquirerOnly:
		ok = in && (!up || x.Debit != y.Debit) && m.Amount == x.Amount
	case SwitchOnly:
		ok = up && m.Amount == y.Amount-x.Amount && (in || !below)
	case SwitchLess:
		ok = in && up && m.Amount == x.Amount-y.Amount
	case TerminalOnly:
		ok = !in && below && (m.Amount == z.Amount || up && m.Amount == y.Amount)
	case HostOnly:
		ok = in && !below && m.Amount == x.Amount
	case AmountMore:
		ok = in && below && m.Amount == x.Amount-z.Amount
	case AmountLess:
		ok = in && below && m.Amount == z.Amount-x.Amount
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("the lists have %d %v, %d %v, %d %v", x.Amount, in, y.Amount, up, z.Amount, below)
}

// clearingFile is a file of the switch.
func clearingFile(id, date string, part, parts int, lines ...FileLine) *File {
	return &File{ID: id, Kind: FileClearing, From: "switch", To: "acquirer", Date: date, Part: part, Parts: parts, Lines: lines}
}

// What only the switch has becomes an item; a day is compared when it is whole, whatever the order of its parts, and once.
func TestADayIsComparedWhenItIsWhole(t *testing.T) {
	o := newBureau(t, rules.Set{})
	o.sold(1, 10000)
	o.fault("file clearing", lose) // the switch's own, of one part
	o.calendar(CalendarCutover, "2026-03-03")
	foreign := lineOf("000777", 4200, true)
	m := &dialect.Message{MTI: "0200", SystemsTraceAuditNumber: "000777", CardAcceptorTerminalIdentification: testTID, CardAcceptorIdentificationCode: testMID}
	o.hand(clearingFile("c-2", "2026-03-02", 2, 2, foreign), 0)
	o.expect("a part of the day", o.item(atAcquirer, m), "none")
	o.expect("and nobody is told", len(o.alarms), 0)
	own := lineOf("000001", 10000, true)
	own.Key = o.till.asked[0].Key()
	o.hand(clearingFile("c-1", "2026-03-02", 1, 2, own), 0)
	o.expect("the whole day", o.item(atAcquirer, m), "switch-only 4200 open")
	o.expect("what both have", o.item(atAcquirer, o.till.asked[0]), "none")
	logged := len(o.nodes[atAcquirer].log)
	o.hand(clearingFile("c-1", "2026-03-02", 1, 2, own), 0)
	o.hand(clearingFile("c-2", "2026-03-02", 2, 2, foreign), 0)
	o.expect("records of copies", len(o.nodes[atAcquirer].log), logged)
	o.restart(atAcquirer)
	o.expect("behind a restart", o.item(atAcquirer, m), "switch-only 4200 open")
	o.calendar(CalendarCutover, "2026-03-04")
	o.expect("it has one item", len(o.alarms), 1)
}

// A file of another party, of no use or damaged gets no receipt and changes nothing.
func TestForeignLines(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	good := clearingFile("c-1", "2026-03-02", 1, 1, lineOf("000777", 4200, true))
	for name, change := range map[string]func(f *File){
		"a line about no terminal": func(f *File) { f.Lines = []FileLine{{Amount: 5}} },
		"an amount below nothing":  func(f *File) { f.Lines = []FileLine{lineOf("000777", -1, true)} },
		"a clear card number": func(f *File) {
			l := lineOf("000777", 5, true)
			l.Card = testCard(t).Digits()
			f.Lines = []FileLine{l}
		},
		"a part that is none":  func(f *File) { f.Part = 3 },
		"a file of a stranger": func(f *File) { f.To = "bank" },
		"of a kind that nobody reads here": func(f *File) {
			f.Kind = FileClaim
		},
	} {
		f := *good
		change(&f)
		logged, no := len(o.nodes[atAcquirer].log), len(o.no)
		o.step(atAcquirer, Event{Kind: EventFile, File: &f}, 0)
		if len(o.nodes[atAcquirer].log) != logged || len(o.no) != no+1 {
			t.Errorf("%s: %d records, refused %v", name, len(o.nodes[atAcquirer].log)-logged, o.no[no:])
		}
	}
	o.hand(clearingFile("c-0", "2026-03-01", 1, 1, lineOf("000776", 0, true)), 0) // nothing is nobody's
	o.calendar(CalendarCutover, "2026-03-03")
	o.expect("items", len(o.view(atAcquirer).Differences()), 0)
	o.expect("money", o.money(), "cardholder -10000 acquirer 10000")
	o.expect("the sale's item", o.item(atAcquirer, sale), "none")
}

// What the acquirer has and the switch does not say stays in suspense until it says so, and is paid then. A sale of a day that the
// switch has said nothing of is not paid (C1).
func TestAFileThatComesLate(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.jam = FileClearing
	o.days("2026-03-03")
	o.expect("not paid before it was compared", o.paid(sale), "none")
	o.days("2026-03-04")
	o.expect("nor a day later", o.paid(sale), "none")
	o.expect("which is no mismatch yet", o.item(atAcquirer, sale), "none")
	o.jam = 0
	o.days("2026-03-05")
	o.expect("then it is", o.paid(sale), "credited")
	o.expect("money", o.all(), "cardholder -10000 merchant 9940 fees 60")
}

// A mismatch that a later file explains is closed by itself, and what was set aside for it goes back.
func TestALaterFileHasIt(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.fault("file clearing", lose)
	o.calendar(CalendarCutover, "2026-03-03")
	o.hand(clearingFile("c-1", "2026-03-02", 1, 1), 0)
	o.expect("item", o.item(atAcquirer, sale), "acquirer-only 10000 open")
	o.expect("set aside", o.money(), "cardholder -10000 suspense 10000")
	o.calendar(CalendarPayout, "")
	o.expect("not paid", o.paid(sale), "none")
	l := lineOf("", 10000, true)
	l.Key = sale.Key()
	o.hand(clearingFile("c-2", "2026-03-03", 1, 1, l), 0)
	o.expect("item", o.item(atAcquirer, sale), "acquirer-only 10000 closed")
	o.expect("it goes back", o.money(), "cardholder -10000 acquirer 10000")
	o.days("2026-03-04", "2026-03-05")
	o.expect("and is paid", o.money(), "cardholder -10000 merchant 9940 fees 60")
}

// Only what clearing has found itself can a file take back: any other item stays with people.
func TestClearingClosesOnlyItsOwn(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.must(atAcquirer, DeedReverse, sale)
	o.days("2026-03-03", "2026-03-04", "2026-03-05")
	o.expect("item", o.item(atAcquirer, sale), "reversed-by-hand 10000 open")
	for k := ReversalRefused; int(k) < len(itemTypeNames); k++ {
		if k.cleared() != (k == AcquirerOnly || k == SwitchOnly || k == SwitchLess) {
			t.Errorf("%v: %v", k, k.cleared())
		}
	}
}

// The statement of a party is what its latest files say, in whatever order they come.
func TestStatement(t *testing.T) {
	file := func(date string, part, parts int, lines ...FileLine) *Cleared {
		return &Cleared{From: "switch", Date: date, Part: part, Parts: parts, Lines: lines}
	}
	one, two := lineOf("1", 10, true), lineOf("2", 20, true)
	more, undone := one, two
	more.Amount, undone.Result = 11, lineUndone
	d2, d3, d4 := "2026-03-02", "2026-03-03", "2026-03-04"
	for _, c := range []struct {
		name  string
		files []*Cleared
		date  string
		lines string
	}{
		{"nothing", nil, "", ""},
		{"a day without lines", []*Cleared{file(d2, 1, 1)}, d2, ""},
		{"two days", []*Cleared{file(d2, 1, 1, one), file(d3, 1, 1, two)}, d3, "1 10, 2 20"},
		{"another amount", []*Cleared{file(d2, 1, 1, one), file(d3, 1, 1, more)}, d3, "1 11"},
		{"an old file does not take a new one back", []*Cleared{file(d3, 1, 1, more), file(d2, 1, 1, one)}, d3, "1 11"},
		{"undone", []*Cleared{file(d2, 1, 1, one, two), file(d3, 1, 1, undone)}, d3, "1 10"},
		{"a part is missing", []*Cleared{file(d2, 1, 1), file(d3, 2, 2, one)}, d2, "1 10"},
		{"the later day waits for it, too", []*Cleared{file(d2, 1, 1), file(d3, 2, 2, one), file(d4, 1, 1, two)}, d2, "1 10, 2 20"},
		{"and then all are said", []*Cleared{file(d2, 1, 1), file(d3, 2, 2, one), file(d4, 1, 1, two), file(d3, 1, 2)}, d4, "1 10, 2 20"},
		{"a part that comes twice is one part", []*Cleared{file(d3, 1, 2, one), file(d3, 1, 2, one)}, "", "1 10"},
		{"a day that is whole stays so", []*Cleared{file(d2, 1, 1), file(d2, 1, 2), file(d3, 1, 1)}, d3, ""},
		{"of an old day nothing new is said", []*Cleared{file(d3, 1, 1), file(d2, 1, 2)}, d3, ""},
	} {
		var s statement
		for _, f := range c.files {
			s.apply(f)
		}
		var got []string
		for _, l := range s.present() {
			got = append(got, fmt.Sprintf("%s %d", l.Key.STAN, l.Amount))
		}
		want(t, c.name+": date", s.date, c.date)
		want(t, c.name+": lines", strings.Join(got, ", "), c.lines)
	}
}

func TestClearingPolicy(t *testing.T) {
	for _, c := range []struct {
		p    ClearingPolicy
		days int // 0: it is refused
	}{
		{ClearingPolicy{}, DifferenceDays}, {ClearingPolicy{Days: 1}, 1}, {ClearingPolicy{Days: 540}, 540}, {ClearingPolicy{Days: 541}, 0}, {ClearingPolicy{Days: -1}, 0},
		{ClearingPolicy{OfflineRefused: BearerMerchant}, DifferenceDays}, {ClearingPolicy{OfflineRefused: "switch"}, 0},
	} {
		if err := c.p.validate(); (err == nil) != (c.days > 0) || err == nil && c.p.days() != c.days {
			t.Errorf("%+v: %v, %d days", c.p, err, c.p.days())
		}
	}
}

// Who may say that something does not agree: both sides must have had their files.
func TestWhenAMismatchIsDue(t *testing.T) {
	k := lineOf("000001", 1, true).Key
	said := func(date string, at string) *statement {
		s := &statement{date: date, lines: map[dialect.Key]*dated{}}
		if at != "" {
			s.lines[k] = &dated{lineOf("000001", 1, true), at}
		}
		return s
	}
	const d2, d3 = "2026-03-02", "2026-03-03"
	approved, reversed := &Entry{Transaction: Transaction{State: Approved}}, &Entry{Transaction: Transaction{State: Reversed}}
	for _, c := range []struct {
		name       string
		m          ItemType
		e          *Entry
		own, above *statement
		want       bool
	}{
		{"the switch has said its day", AcquirerOnly, approved, said(d2, d2), said(d2, ""), true},
		{"the switch has not", AcquirerOnly, approved, said(d3, d3), said(d2, ""), false},
		{"we have said our day", SwitchOnly, nil, said(d2, ""), said(d2, d2), true},
		{"we have not", SwitchOnly, nil, said(d2, ""), said(d3, d3), false},
		{"we have it, in no file yet", SwitchOnly, approved, said(d2, ""), said(d2, d2), false},
		{"we had it", SwitchOnly, reversed, said(d2, ""), said(d2, d2), true},
		{"we have it with less, and have said so", SwitchOnly, approved, said(d2, d2), said(d2, d2), true},
		{"a terminal's that we do not know", TerminalOnly, nil, said(d2, ""), said(d2, ""), true},
		{"a terminal's that is in no file yet", TerminalOnly, approved, said(d2, ""), said(d2, ""), false},
		{"a terminal's that we have undone", TerminalOnly, reversed, said(d2, ""), said(d2, ""), true},
		{"two that differ in their amounts", SwitchLess, approved, said(d2, d2), said(d2, d2), true},
	} {
		want(t, c.name, due(Mismatch{Key: k, Type: c.m}, c.e, c.own, c.above), c.want)
	}
}

// The switch's file may come before our own day is over: then our cut-over compares.
func TestTheSwitchIsEarlier(t *testing.T) {
	o := newBureau(t, rules.Set{})
	m := o.sale(777, 1)
	o.hand(clearingFile("c-1", "2026-03-02", 1, 1, lineFor(m, 4200)), 0)
	o.expect("before our cut-over", o.item(atAcquirer, m), "none")
	o.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarCutover, Date: "2026-03-03"}}, 0)
	o.expect("behind it", o.item(atAcquirer, m), "switch-only 4200 open")
}

// lineFor is the line of a message.
func lineFor(m *dialect.Message, amount int64) FileLine {
	l := lineOf("", amount, true)
	l.Key = m.Key()
	return l
}

// What is being decided about is not compared, and an item that is open stays as it is meanwhile.
func TestWhatIsOnItsWayIsNotCompared(t *testing.T) {
	o := newBureau(t, rules.Set{})
	first, second := o.sold(1, 10000), o.sold(2, 5000)
	o.jam = FileClearing
	refund := func(stan int, of *dialect.Message) *dialect.Message {
		o.fault("acquirer>switch 0220", lose)
		m := o.after(dialect.KindRefund, stan, of, 100)
		o.ask(m)
		return m
	}
	pending := refund(3, first)
	o.calendar(CalendarCutover, "2026-03-03")
	o.hand(clearingFile("c-1", "2026-03-02", 1, 1), 0)
	o.expect("while it is refunded", o.item(atAcquirer, first), "none")
	o.expect("the other", o.item(atAcquirer, second), "acquirer-only 5000 open")
	o.calendar(CalendarPayout, "")
	o.expect("nor is it paid", o.paid(first), "none")
	refund(4, second)
	o.hand(clearingFile("c-2", "2026-03-03", 1, 1, lineFor(second, 5000)), 0)
	o.expect("still open", o.item(atAcquirer, second), "acquirer-only 5000 open")
	again := *pending
	again.MTI = "0221"
	o.ask(&again)
	o.calendar(CalendarCutover, "2026-03-04")
	o.expect("when it has been refunded", o.item(atAcquirer, first), "acquirer-only 10000 open")
}

// Money is set aside where it is not ours for sure and has not left, and not otherwise; and what has an item already gets no other.
func TestWhatIsSetAside(t *testing.T) {
	t.Run("the switch has more", func(t *testing.T) {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		o.jam = FileClearing
		o.calendar(CalendarCutover, "2026-03-03")
		o.hand(clearingFile("c-1", "2026-03-02", 1, 1, lineFor(sale, 10500)), 0)
		o.expect("item", o.item(atAcquirer, sale)+", "+o.all(), "switch-only 500 open, cardholder -10000 acquirer 10000")
	})
	t.Run("the switch has less, and it is being paid", func(t *testing.T) {
		o := newBureau(t, rules.Set{}, func(a, _ *RelayConfig, _ *IssuerConfig) { a.Terminals[0].Settles = SettleD0 })
		sale := o.sold(1, 10000)
		o.fault("file payout-result", hold)
		o.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarCutover, Date: "2026-03-03"}}, 0)
		o.expect("ordered", o.paid(sale), "ordered")
		o.hand(clearingFile("c-1", "2026-03-02", 1, 1, lineFor(sale, 9500)), 0)
		o.expect("item", o.item(atAcquirer, sale)+", "+o.all(), "switch-less 500 open, cardholder -10000 acquirer 10000")
		o.unshelve()
		o.expect("paid", o.all(), "cardholder -10000 merchant 9940 fees 60")
	})
	t.Run("the terminal has more", func(t *testing.T) {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		x := o.nodes[atAcquirer].m.(*Relay)
		x.terminal.Lines, x.terminal.Closed[sale.Key()] = []FileLine{lineFor(sale, 10300)}, true
		o.calendar(CalendarCutover, "2026-03-03")
		o.expect("item", o.item(atAcquirer, sale)+", "+o.all(), "amount-less 300 open, cardholder -10000 acquirer 10000")
		o.calendar(CalendarPayout, "")
		o.expect("an item of another kind stays open when he is paid", o.paid(sale)+" "+o.item(atAcquirer, sale), "credited amount-less 300 open")
	})
	t.Run("it is with people", func(t *testing.T) {
		o := newBureau(t, rules.Set{})
		sale := o.sold(1, 10000)
		o.withItem(sale, AmountLess, ItemClaimed, 77)
		o.jam = FileClearing
		o.calendar(CalendarCutover, "2026-03-03")
		o.hand(clearingFile("c-1", "2026-03-02", 1, 1), 0)
		o.expect("item", o.item(atAcquirer, sale)+", "+o.all(), "amount-less 77 claimed, cardholder -10000 acquirer 10000")
	})
}

// A day's file has what is new or has changed: once, with its latest amount, and what was undone is said to be.
func TestLinesOfADay(t *testing.T) {
	o := newBureau(t, rules.Set{})
	var file string
	carry := o.paper
	o.paper = func(f *File) {
		if f.Kind == FileClearing {
			file = ""
			for _, l := range f.Lines {
				file += strings.TrimSpace(fmt.Sprintf("%s %d %s", l.Key.STAN, l.Amount, l.Result)) + "; "
			}
		}
		carry(f)
	}
	sale, undone, gone := o.sold(1, 10000), o.sold(2, 500), o.sold(3, 70)
	o.undo(gone, "0400")
	o.ask(o.sale(4, testBalance+1))
	o.fault("issuer>switch 0210", lose)
	o.ask(o.sale(5, 900)) // it is being decided when the day ends
	for _, c := range []struct {
		what string
		do   func()
		want string
	}{
		{"what was approved", func() {}, "000001 10000; 000002 500; "},
		{"nothing new", func() {}, ""},
		{"a tip, and one undone", func() { o.ask(o.after(dialect.KindTipAdjust, 6, sale, 11000)); o.undo(undone, "0400") }, "000001 11000; 000002 500 undone; "},
		{"once", func() {}, ""},
	} {
		c.do()
		day := o.view(atSwitch).date(o.now)
		o.calendar(CalendarCutover, "")
		o.expect(c.what+" on "+day, file, c.want)
	}
}

// Until its day is over a reversal that is refused above is repeated; then people see to it.
func TestAReversalThatIsRefusedUntilTheDayIsOver(t *testing.T) {
	o := newBureau(t, rules.Set{})
	sale := o.sold(1, 10000)
	o.force = func(to int, m *dialect.Message) string {
		if to == atSwitch && dialect.Class(m.MTI) == dialect.ClassReversal {
			return "96"
		}
		return ""
	}
	o.undo(sale, "0400")
	o.calendar(CalendarDate, "2026-03-02")
	o.step(atAcquirer, Event{Kind: EventCalendar, Calendar: Calendar{Kind: CalendarPayout}}, 0)
	x := o.nodes[atAcquirer].m.(*Relay)
	x.begin(o.now)
	x.unheard()
	o.expect("on its day", o.item(atAcquirer, sale)+fmt.Sprint(" ", x.book.find(sale.Key()).ReversalDue), "none true")
	o.calendar(CalendarDate, "2026-03-03")
	o.expect("behind it", o.item(atAcquirer, sale)+fmt.Sprint(" ", x.book.find(sale.Key()).ReversalDue), "reversal-refused 10000 open false")
	o.must(atAcquirer, DeedAdjust, sale)
	o.expect("money", o.all(), "")
}

// Of a batch that was found equal nothing is compared any more; of another one the lines are kept, and what it does not have.
func TestWhatIsHeardOfABatch(t *testing.T) {
	for _, equal := range []bool{true, false} {
		c := newCounter(t, dialect.Switches{})
		c.signOn()
		one, two := c.sale(1000), c.sale(300)
		c.code("sale", one, "00")
		c.code("sale", two, "00")
		if equal {
			c.code("totals", c.totals(debits(2, 1300)), "00")
			c.code("end", c.end(dialect.UploadEndEqual, 0), "00")
		} else {
			c.code("totals", c.totals(debits(1, 1001)), "00")
			c.code("line", c.line(one.SystemsTraceAuditNumber, 1001), "00")
			c.code("end", c.end(dialect.UploadEndNotEqual, 1), "00")
		}
		heard := c.houses[atAcquirer].party.Machine().(*Relay).terminal
		got := fmt.Sprint(len(heard.Lines), len(heard.Closed), heard.Closed[two.Key()])
		want(t, fmt.Sprint("equal ", equal), got, map[bool]string{true: "0 0 false", false: "1 2 true"}[equal])
	}
}
