package host

import (
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// What a business day costs behind the terminals: 1000, 10,000 and 100,000 sales stand in the logs of acquirer, switch and issuer
// when the day is cut over; the day after, files are compared and every merchant is paid through the bank.
//
//	go test -run '^$' -bench 'Day|Postings' -benchmem -benchtime 3x ./host

func BenchmarkDay1000(b *testing.B)   { benchmarkDay(b, 1000) }
func BenchmarkDay10000(b *testing.B)  { benchmarkDay(b, 10_000) }
func BenchmarkDay100000(b *testing.B) { benchmarkDay(b, 100_000) }

// daysSale is a sale of 100.00 as each party has it; batches of a thousand, as a terminal closes them.
func daysSale(i int) *Transaction {
	key := dialect.Key{MID: testMID, TID: testTID, STAN: fmt.Sprintf("%06d", i%1000+1), Date: "0302", Time: fmt.Sprintf("%02d%02d%02d", i/3600%24, i/60%60, i%60)}
	key.TID = fmt.Sprintf("%08d", 10_000_000+i/1000)
	return &Transaction{Key: key, Function: Sale, Kind: dialect.KindSale, State: Approved, Amount: 10_000, ProcessingCode: "000000",
		Currency: "0156", Card: "476173******0119", ResponseCode: codeApproved, BusinessDate: "2026-03-02", RetrievalReferenceNumber: fmt.Sprintf("%012d", i)}
}

func benchmarkDay(b *testing.B, sales int) {
	b.ReportAllocs()
	logged, files := 0, 0
	for range b.N {
		b.StopTimer()
		acquirer, err := NewRelay(acquirerConfig(b, rules.Set{}))
		if err != nil {
			b.Fatal(err)
		}
		above, err := NewRelay(switchConfig(b, rules.Set{}))
		if err != nil {
			b.Fatal(err)
		}
		parties := map[string]Machine{"acquirer": acquirer, "switch": above, "bank": testBank(b)}
		for i := range sales {
			at := streetStart.Add(time.Duration(i) * time.Millisecond)
			own, theirs := daysSale(i), daysSale(i)
			for _, r := range []struct {
				m Machine
				r *Record
			}{
				{acquirer, &Record{At: at, Transaction: own, Postings: []Posting{{PositionIssuer, PositionAcquirer, own.Amount}}}},
				{above, &Record{At: at, Transaction: theirs}},
			} {
				if err := r.m.Apply(r.r); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.StartTimer()
		var body []byte
		var step func(name string, now time.Time, e Event)
		step = func(name string, now time.Time, e Event) {
			var out []*File
			for _, f := range parties[name].Step(now, e) {
				if f.Append != nil {
					body = AppendRecord(body[:0], f.Append)
					logged += len(body)
				}
				if f.File != nil {
					out = append(out, f.File)
				}
			}
			for _, f := range out {
				if parties[f.To] == nil {
					b.Fatalf("a file for %q", f.To)
				}
				files++
				step(f.To, now, Event{Kind: EventFile, File: f})
			}
		}
		now := streetStart.Add(10 * time.Hour)
		for _, c := range []Calendar{{Kind: CalendarCutover}, {Kind: CalendarPayout}} {
			for _, name := range []string{"switch", "acquirer", "bank"} {
				step(name, now, Event{Kind: EventCalendar, Calendar: c})
			}
			now = now.Add(11 * time.Hour)
		}
		b.StopTimer()
		paid := Positions(acquirer.View())
		if n := int64(sales) * 10_000; paid[PositionMerchant]+paid[PositionFees] != n || paid[PositionAcquirer] != 0 {
			b.Fatalf("the positions are %v after %d sales", paid, sales)
		}
		if items := acquirer.View().Differences(); len(items) != 0 {
			b.Fatalf("%d items, the first: %+v", len(items), items[0].Difference)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(files)/float64(b.N), "files/op")
	b.ReportMetric(float64(logged)/float64(b.N), "logged-B/op")
	b.ReportMetric(float64(sales)*float64(b.N)/b.Elapsed().Seconds(), "sales/s")
}

// BenchmarkPostings makes records with a posting, as they are logged, and applies them.
func BenchmarkPostings(b *testing.B) {
	x, err := NewRelay(acquirerConfig(b, rules.Set{}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var body []byte
	for i := range b.N {
		t := daysSale(i)
		r := &Record{At: streetStart, Transaction: t, Postings: []Posting{{PositionIssuer, PositionAcquirer, t.Amount}}}
		body = AppendRecord(body[:0], r)
		if err := x.Apply(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "postings/s")
	if len(body) == 0 && b.N > 0 {
		b.Fatal("nothing was logged")
	}
}
