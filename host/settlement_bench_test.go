package host

import (
	"fmt"
	"testing"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A batch is settled whose totals do not agree: 100, 1000 and 10000 sales in the acquirer's log, one of which its terminal does
// not know. Time, memory and messages are those of the settlement at the host: totals, lines in packets of 8, and the end.
//
//	go test -run '^$' -bench 'Settlement' -benchmem ./host

func BenchmarkSettlement100(b *testing.B)   { benchmarkSettlement(b, 100) }
func BenchmarkSettlement1000(b *testing.B)  { benchmarkSettlement(b, 1000) }
func BenchmarkSettlement10000(b *testing.B) { benchmarkSettlement(b, 10000) }

// linesOfPacket is how many lines one message has there.
const linesOfPacket = 8

func benchmarkSettlement(b *testing.B, sales int) {
	counter := dialect.CUP(dialect.Switches{})
	b.ReportAllocs()
	messages, logged := 0, 0
	for range b.N {
		b.StopTimer()
		x, err := NewRelay(acquirerConfig(b, rules.Set{}))
		if err != nil {
			b.Fatal(err)
		}
		message := func(k dialect.Kind, stan int) *dialect.Message {
			m := &dialect.Message{
				Kind: k, SystemsTraceAuditNumber: fmt.Sprintf("%06d", stan), BatchNumber: firstBatch,
				CardAcceptorTerminalIdentification: testTID, CardAcceptorIdentificationCode: testMID,
			}
			if err := dialect.ISO87().Shape(m); err != nil {
				b.Fatal(err)
			}
			return m
		}
		for i := range sales {
			t := &Transaction{Key: message(dialect.KindSale, i+1).Key(), Function: Sale, Kind: dialect.KindSale, State: Approved, Amount: 100, ProcessingCode: "000000",
				Currency: "0156", Card: "476173******0119", ResponseCode: codeApproved, BusinessDate: "2026-03-02", RetrievalReferenceNumber: fmt.Sprintf("%012d", i)}
			if err := x.Apply(&Record{At: streetStart, Transaction: t, Postings: []Posting{{PositionIssuer, PositionAcquirer, 100}}}); err != nil {
				b.Fatal(err)
			}
		}
		all := []*dialect.Message{message(dialect.KindSettlement, sales+1)}
		totals := debits(sales-1, int64(sales-1)*100)
		all[0].Totals = &totals
		for at := 1; at < sales; at += linesOfPacket { // the first sale is missing
			m := message(dialect.KindUpload, sales+1+len(all))
			for i := at; i < min(at+linesOfPacket, sales); i++ {
				m.Details = append(m.Details, dialect.Detail{STAN: fmt.Sprintf("%06d", i+1), PAN: testCard(b), Amount: 100, Debit: true})
			}
			all = append(all, m)
		}
		all = append(all, message(dialect.KindUploadEnd, sales+1+len(all)))
		b.StartTimer()
		var body []byte
		for _, m := range all {
			messages++
			answered := false
			for _, f := range x.Step(streetStart, Event{Kind: EventMessage, Conn: 1, Message: m, Dialect: counter}) {
				if f.Append != nil {
					body = AppendRecord(body[:0], f.Append)
					logged += len(body)
				}
				answered = answered || f.Send != nil && f.Send.Message.ResponseCode == codeApproved
			}
			if !answered {
				b.Fatalf("%v is not answered 00", m)
			}
		}
		b.StopTimer()
		v := x.View()
		if items := v.Differences(); len(items) != 1 || v.Batches[0].State != BatchClosed || v.Batches[0].Uploaded != sales-1 {
			b.Fatalf("%d items, batch %+v", len(items), v.Batches[0])
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(messages)/float64(b.N), "messages/op")
	b.ReportMetric(float64(logged)/float64(b.N), "logged-B/op")
}
