package terminal

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// fill puts approved sales into the batch, and into the host's books.
func (x *desk) fill(n int) {
	x.t.Helper()
	number, err := pan.Parse("4761739001010119")
	must(x.t, err)
	x.term.After(0, func() {
		j := x.terminal.journal
		for range n {
			stan, err := j.takeSTAN()
			must(x.t, err)
			now := x.w.Now()
			r := &Record{Kind: dialect.KindSale, STAN: stan, Date: now.Format("0102"), Time: now.Format("150405"), Year: now.Year(), Amount: 10_00, Currency: "0156",
				Card: "476173******0119", Entry: "0021", Code: "00", RRN: "606114000123", Auth: "A1B2C3", CVM: cvmPIN, Printed: true}
			m := &dialect.Message{}
			m.SetAmount(r.Amount)
			if x.terminal.numbersBatches() {
				r.Batch = j.batch.number
				m.BatchNumber = r.Batch
				must(x.t, x.terminal.seal(r, number, "3012"))
			}
			must(x.t, j.pending(r))
			must(x.t, j.approved(r, nil))
			x.books.approved[r.Batch+"/"+r.STAN] = m
		}
	})
	x.pass(time.Millisecond)
}

// BenchmarkSettlement closes a batch of so many sales: with totals that agree, and with totals that do not, so that every line is
// uploaded. Time is the terminal's and its host's processor time; the disk is in memory, so durable writes are counted, not timed.
func BenchmarkSettlement(b *testing.B) {
	for profile, sizes := range map[string][]int{plainDesk: {100, 1_000, maxRecords}, batchedDesk: {100, 999}} { // its totals count to 999
		for _, n := range sizes {
			for _, agree := range []bool{true, false} {
				name := map[bool]string{true: "equal", false: "upload"}[agree]
				b.Run(fmt.Sprintf("%s/%d/%s", profile, n, name), func(b *testing.B) { benchSettlement(b, profile, n, agree) })
			}
		}
	}
}

func benchSettlement(b *testing.B, profile string, n int, agree bool) {
	messages, writes, bytes := 0, 0, 0
	var peak uint64
	var virtual time.Duration
	for b.Loop() {
		b.StopTimer()
		x := newDesk(b, profile, func(p *Profile) { p.BatchLimit = 0 })
		x.boot()
		x.fill(n)
		if !agree {
			x.books.more = 1
		}
		x.sent = nil
		x.disk.OnWrite(func(_ string, size int) sim.DiskFault { writes++; bytes += size; return 0 })
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := x.w.Now()
		b.StartTimer()
		e := x.settle()
		b.StopTimer()
		runtime.ReadMemStats(&after)
		peak += after.TotalAlloc - before.TotalAlloc
		virtual += x.w.Now().Sub(began)
		if e.Outcome != OutcomeDone || len(x.terminal.Records()) != 0 || !agree && len(x.books.lines) != n {
			b.Fatalf("%+v, %d records are left, %d lines", e, len(x.terminal.Records()), len(x.books.lines))
		}
		messages += len(x.sent)
		x.w.Close()
		b.StartTimer()
	}
	per := func(v float64, unit string) { b.ReportMetric(v/float64(b.N), unit) }
	per(float64(messages), "messages/op")
	per(float64(writes), "writes/op")
	per(float64(bytes), "disk-B/op")
	per(float64(peak), "alloc-B/op")
	per(virtual.Seconds(), "virtual-s/op")
}
