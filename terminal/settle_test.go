package terminal

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

func TestASettlementThatAgrees(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		x.boot()
		x.sale("1000")
		x.sale("250")
		if e := x.settle(); e.Outcome != OutcomeDone {
			t.Fatalf("%+v; shown %q", e, x.shown)
		}
		want := []string{"sale", "sale", "settlement"}
		if profile == batchedDesk {
			want = append(want, "upload-end")
		}
		if got := x.kinds(); !reflect.DeepEqual(got, want) {
			t.Errorf("sent %v, want %v", got, want)
		}
		last := x.terminal.journal.batch.last
		if last == nil || !last.Equal() || last.Totals.Debits != (dialect.Total{Count: 2, Amount: 1250}) || last.Stage != "" {
			t.Errorf("%+v", last)
		}
		if n := len(x.terminal.Records()); n != 0 || len(x.books.ends) != 1 {
			t.Errorf("%d records are left, the host has closed %v", n, x.books.ends)
		}
		if len(x.closed) != 1 || len(x.closed[0].Dropped) != 2 {
			t.Errorf("told of %+v", x.closed)
		}
		slip := x.printed[len(x.printed)-1]
		if slip.Report != FunctionSettlement || !x.saw("BATCH 000001 SETTLED") {
			t.Errorf("%s; shown %q", slip.In(English), x.shown)
		}
		if r := x.sale("300"); profile == batchedDesk && (r.Batch != "000002" || x.books.number != "000002") {
			t.Errorf("the next sale is in batch %s, the host is in %s", r.Batch, x.books.number)
		}
	})
}

func TestASettlementThatDoesNotAgree(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		x := newDesk(t, profile, nil)
		x.boot()
		for range 10 {
			x.sale("1000")
		}
		x.books.more = 500
		if e := x.settle(); e.Outcome != OutcomeDone {
			t.Fatalf("%+v; shown %q", e, x.shown)
		}
		uploads := 10 // one line to a message
		end := ""
		if profile == batchedDesk {
			uploads, end = 2, "000001202"
		}
		n := 0
		for _, k := range x.kinds() {
			if k == "upload" {
				n++
			}
		}
		if n != uploads || len(x.books.lines) != 10 || len(x.books.ends) != 1 || x.books.ends[0] != end {
			t.Errorf("%d uploads, %d lines, ends %v", n, len(x.books.lines), x.books.ends)
		}
		last := x.terminal.journal.batch.last
		if last.Equal() || last.Uploaded != 10 || last.Host == nil || last.Host.Debits.Amount != 10_500 {
			t.Errorf("%+v, the host's %+v", last, last.Host)
		}
		if !x.saw("TOTALS DO NOT AGREE") {
			t.Errorf("shown %q", x.shown)
		}
	})
}

// W48: a lost answer to the totals, and to the end, is asked for again with the same STAN and the same totals.
func TestALostSettlementAnswerIsAskedForAgain(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		for _, lost := range []dialect.Kind{dialect.KindSettlement, dialect.KindUploadEnd} {
			x := newDesk(t, profile, nil)
			x.boot()
			x.sale("1000")
			x.books.more = 1
			n := 0
			x.treat = func(m, a *dialect.Message) *dialect.Message {
				if m.Kind == lost {
					if n++; n <= 4 { // an occasion has three tries
						return nil
					}
				}
				return a
			}
			if e := x.settle(); e.Outcome != OutcomeNoAnswer || !x.saw("SETTLEMENT NOT FINISHED") {
				t.Fatalf("%v: %+v; shown %q", lost, e, x.shown)
			}
			x.press("5") // whoever wants to sell continues it first
			x.pass(time.Minute)
			x.press(string(KeyCancel))
			x.sale("200")
			stans := map[string]bool{}
			for _, m := range x.sent {
				if m.Kind == lost {
					stans[m.SystemsTraceAuditNumber] = true
				}
			}
			if len(stans) != 1 || n != 5 || len(x.books.ends) < 1 || x.books.sold != 0 || !x.saw("CONTINUE SETTLEMENT") {
				t.Errorf("%v: STANs %v, asked %d times, ends %v, %d sold in between", lost, stans, n, x.books.ends, x.books.sold)
			}
			if r := x.terminal.Records(); len(r) != 1 || r[0].Amount != 200 {
				t.Errorf("%v: left %v", lost, r)
			}
		}
	})
}

// W31: wherever the power goes in a settlement, it goes on before anything is sold, and the batch is closed once.
func TestASettlementSurvivesEveryPowerCut(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		runs := 0
		for _, more := range []int64{0, 700} {
			for write := 1; ; write++ {
				struck := false
				for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn} {
					x := newDesk(t, profile, nil)
					x.boot()
					for range 9 {
						x.sale("1000")
					}
					x.books.more = more
					n := 0
					hit := false
					x.disk.OnWrite(func(string, int) sim.DiskFault {
						if n++; n == write {
							hit, struck = true, true
							return image
						}
						return 0
					})
					x.choose(FunctionSettlement, "\r")
					x.pass(5 * time.Minute)
					x.disk.OnWrite(nil)
					if !x.term.On() {
						x.boot()
						x.pass(5 * time.Minute)
					}
					if !hit {
						continue
					}
					runs++
					j := x.terminal.journal
					if j.batch.last == nil && j.batch.settling == nil { // the power went before the settlement had begun
						x.settle()
					}
					r := x.sale("200")
					all := x.terminal.Records()
					if j = x.terminal.journal; j.batch.settling != nil || j.batch.last == nil || j.batch.number != "000002" || len(all) != 1 || all[0] != r {
						t.Fatalf("write %d, image %d, %d more: batch %+v, %d records; shown %q", write, image, more, j.batch, len(all), x.shown)
					}
					if got := j.batch.last.Totals.Debits; got != (dialect.Total{Count: 9, Amount: 9000}) || x.books.sold != 0 {
						t.Errorf("write %d, image %d, %d more: totals %+v, %d sold in between", write, image, more, got, x.books.sold)
					}
					if more > 0 && len(x.books.lines) != 9 {
						t.Errorf("write %d, image %d: %d lines have come", write, image, len(x.books.lines))
					}
					slips := 0
					for _, p := range x.printed {
						if p.Report == FunctionSettlement {
							slips++
						}
					}
					if slips == 0 {
						t.Errorf("write %d, image %d, %d more: no slip", write, image, more)
					}
					if profile == batchedDesk && r.Batch != "000002" {
						t.Errorf("write %d, image %d: the next sale is in batch %s", write, image, r.Batch)
					}
				}
				if !struck {
					break
				}
			}
		}
		if runs < 30 {
			t.Errorf("only %d runs", runs)
		}
		t.Logf("%d runs", runs)
	})
}

// The same at every send, receive, screen and slip, and the power goes twice.
func TestASettlementSurvivesAPowerCutAnywhere(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		for at := 1; ; at++ {
			x := newDesk(t, profile, nil)
			x.boot()
			for range 3 {
				x.sale("1000")
			}
			x.books.more = 100
			n, cuts := 0, 0
			x.point = func(string) {
				if n++; n == at || n == at+3 {
					cuts++
					x.disk.Settle(sim.PowerOffLost)
					x.term.PowerOff()
				}
			}
			x.choose(FunctionSettlement, "\r")
			for range 3 {
				x.pass(3 * time.Minute)
				if !x.term.On() {
					x.boot()
				}
			}
			x.point = nil
			if cuts == 0 {
				if at < 10 {
					t.Errorf("only %d points", at)
				}
				return
			}
			if x.terminal.journal.batch.last == nil {
				x.settle()
			}
			x.sale("200")
			if j := x.terminal.journal; j.batch.number != "000002" || len(j.records) != 1 || j.batch.last.Totals.Debits.Count != 3 || len(x.books.lines) != 3 || x.books.sold != 0 {
				t.Errorf("point %d: batch %s, %d records, %+v, lines %v, %d sold in between", at, j.batch.number, len(j.records), j.batch.last, x.books.lines, x.books.sold)
			}
		}
	})
}

// T10: with a reversal due the batch stays open, unless the profile carries it over.
func TestABatchClosesOnlyClean(t *testing.T) {
	both(t, func(t *testing.T, profile string) {
		for _, carry := range []bool{false, true} {
			x := newDesk(t, profile, func(p *Profile) {
				if p.Carry = carry; carry && profile == batchedDesk { // there a switch says the same
					p.Carry, p.Options.Switches.GiveUpAtClose = false, true
				}
			})
			x.boot()
			x.sale("1000")
			dead := true
			x.treat = func(m, a *dialect.Message) *dialect.Message {
				reversal := dialect.Class(m.MTI) == dialect.ClassReversal
				if m.Kind == dialect.KindSale && !reversal || dead && reversal {
					return nil
				}
				return a
			}
			if e := x.try("500"); e.Outcome != OutcomeNoAnswer {
				t.Fatalf("%+v", e)
			}
			e := x.settle()
			if !carry {
				if e.Outcome != OutcomeBlocked || !x.saw("1 TRANSACTIONS STILL DUE") || x.terminal.journal.batch.settling != nil {
					t.Errorf("%+v; shown %q", e, x.shown)
				}
				dead = false
				if e := x.settle(); e.Outcome != OutcomeDone {
					t.Errorf("once the host answers: %+v", e)
				}
				if last := x.terminal.journal.batch.last; last == nil || last.Totals.Debits.Count != 1 || len(last.Carried) != 0 {
					t.Errorf("%+v", last)
				}
				continue
			}
			last := x.terminal.journal.batch.last
			if e.Outcome != OutcomeDone || last == nil || len(last.Carried) != 1 || last.Carried[0].Amount != 500 {
				t.Fatalf("carried: %+v %+v", e, last)
			}
			left := x.terminal.Records()
			if len(left) != 1 || left[0].State != Parked || left[0].Parking == "" {
				t.Errorf("left %v", left)
			}
			if slip := x.printed[len(x.printed)-1].In(English); !strings.Contains(slip, "CARRIED OVER: 1") || !strings.Contains(slip, "5.00") {
				t.Errorf("the slip does not tell of it:\n%s", slip)
			}
		}
	})
}

// What documents of batch-numbering acquirers differ in, after a settlement.
func TestWhatFollowsASettlement(t *testing.T) {
	for _, c := range []struct {
		set  func(*dialect.Switches)
		want []string
	}{
		{func(s *dialect.Switches) { s.SignOffAfterClose = true }, []string{"upload-end", "sign-off"}},
		{func(s *dialect.Switches) { s.NextBatchBySignOn = true }, []string{"upload-end", "sign-on"}},
	} {
		x := newDesk(t, batchedDesk, func(p *Profile) { c.set(&p.Options.Switches) })
		x.boot()
		x.sale("1000")
		x.treat = func(m, a *dialect.Message) *dialect.Message {
			if m.Kind == dialect.KindUploadEnd {
				x.books.number = "000077"
			}
			return a
		}
		if e := x.settle(); e.Outcome != OutcomeDone {
			t.Fatalf("%+v", e)
		}
		var got []string
		for _, m := range x.sent[len(x.sent)-2:] {
			got = append(got, m.Kind.String())
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("sent %v, want %v", got, c.want)
		}
		if n := x.sale("100").Batch; n != "000077" { // after a sign-off too, the next transaction signs on
			t.Errorf("%v: the next sale is in batch %s", c.want, n)
		}
	}
}

// K3: a sign-on's batch number is taken while the batch is empty, and not while it is open.
func TestTheBatchNumberOfASignOn(t *testing.T) {
	x := newDesk(t, batchedDesk, nil)
	x.books.number = "000042"
	x.boot()
	if n := x.terminal.journal.batch.number; n != "000042" {
		t.Fatalf("an empty batch has number %s", n)
	}
	r := x.sale("1000")
	x.books.number = "000050"
	x.choose(FunctionSignOn, "")
	if n := x.terminal.journal.batch.number; n != "000042" || r.Batch != "000042" {
		t.Errorf("an open batch has number %s, its sale %s", n, r.Batch)
	}
	x.cycle()
	if n := x.terminal.journal.batch.number; n != "000042" {
		t.Errorf("after a power cut it is %s", n)
	}
}

func TestAFullBatchRefusesSalesAndSettles(t *testing.T) {
	x := newDesk(t, plainDesk, func(p *Profile) { p.BatchLimit = 2 })
	x.boot()
	x.sale("1000")
	x.sale("1000")
	x.press("5")
	if !x.saw("BATCH FULL\nPLEASE SETTLE") || x.ends[len(x.ends)-1].Outcome != OutcomeBlocked {
		t.Fatalf("%+v; shown %q", x.ends, x.shown)
	}
	x.press(string(KeyCancel))
	if e := x.settle(); e.Outcome != OutcomeDone {
		t.Errorf("%+v", e)
	}
	x.sale("1000")
}

// The slip of a settlement whose paper was out is printed at the next boot, and any time from the menu.
func TestASettlementWithoutPaper(t *testing.T) {
	x := newDesk(t, plainDesk, nil)
	x.boot()
	x.sale("1000")
	x.paper = ErrPaperOut
	if e := x.settle(); e.Outcome != OutcomeDone || !x.saw("PAPER OUT\nREPRINT FROM THE MENU") {
		t.Fatalf("%+v; shown %q", e, x.shown)
	}
	n := len(x.printed)
	x.paper = nil
	x.cycle()
	if len(x.printed) != n+1 || x.printed[n].Report != FunctionSettlement {
		t.Errorf("%d slips at the boot", len(x.printed)-n)
	}
	x.cycle()
	if len(x.printed) != n+1 {
		t.Error("it is printed at every boot")
	}
	x.choose(FunctionReportSettlement, "")
	if len(x.printed) != n+2 || !strings.Contains(x.printed[n+1].In(English), "DEBITS 1 10.00") || !strings.Contains(x.printed[n+1].In(English), "REPRINT") {
		t.Errorf("reprinted: %s", x.printed[len(x.printed)-1].In(English))
	}
}
