package scenario

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/transport/dialect"
)

// frame puts a record's body behind a log, as wal.Append does.
func frame(log, body []byte, seq uint64) []byte {
	head := make([]byte, 16, 16+len(body))
	binary.BigEndian.PutUint32(head, uint32(len(body)))
	binary.BigEndian.PutUint64(head[8:], seq)
	rec := append(head, body...)
	sum := crc32.MakeTable(crc32.Castagnoli)
	binary.BigEndian.PutUint32(rec[4:], crc32.Update(crc32.Checksum(rec[:4], sum), sum, rec[8:]))
	return append(log, rec...)
}

// busyHouse is the logs of three hosts after n sales: each was asked, approved, and paid out.
func busyHouse(n int) *Stores {
	logs := make([][]byte, len(chain))
	seq := make([]uint64, len(chain))
	put := func(i int, r *host.Record) {
		seq[i]++
		logs[i] = frame(logs[i], host.AppendRecord(nil, r), seq[i])
	}
	at := Start
	for k := range n {
		at = at.Add(time.Second)
		t := host.Transaction{
			Key:      dialect.Key{MID: "SIM000000000001", TID: fmt.Sprintf("SIM%05d", k/5000+1), STAN: fmt.Sprintf("%06d", k%5000+1), Date: at.Format("0102"), Time: at.Format("150405")},
			Function: host.Sale, Kind: dialect.KindSale, State: host.Pending, Amount: int64(k%10000 + 1), Currency: "0156", Card: "476173******0119", BusinessDate: at.Format(time.DateOnly),
			RetrievalReferenceNumber: fmt.Sprintf("%012d", k+1),
		}
		put(0, &host.Record{At: at, Transaction: &t})
		put(1, &host.Record{At: at, Transaction: &t})
		t.State, t.ResponseCode = host.Approved, "00"
		put(2, &host.Record{At: at, Transaction: &t, Postings: []host.Posting{{From: host.PositionCardholder, To: host.PositionIssuer, Amount: t.Amount}}})
		put(1, &host.Record{At: at, Transaction: &t})
		put(0, &host.Record{At: at, Transaction: &t, Postings: []host.Posting{{From: host.PositionIssuer, To: host.PositionAcquirer, Amount: t.Amount}}})
		t.Paid = true
		put(0, &host.Record{At: at.Add(20 * time.Hour), Transaction: &t, Postings: []host.Posting{{From: host.PositionAcquirer, To: host.PositionMerchant, Amount: t.Amount}}})
	}
	s := &Stores{}
	for i, party := range chain {
		s.Logs = append(s.Logs, Store{Party: party, Data: logs[i]})
	}
	return s
}

// BenchmarkTrace asks for one transaction by its trace number and terminal, from opening the directories to the answer. The time for
// each transaction of the store must not grow with the store.
func BenchmarkTrace(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "house")
			if err := os.Mkdir(dir, 0o700); err != nil {
				b.Fatal(err)
			}
			if err := busyHouse(n).Write(dir); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s, err := ReadStores(dir)
				if err != nil {
					b.Fatal(err)
				}
				d, err := s.Read()
				if err != nil {
					b.Fatal(err)
				}
				if found := d.Find(Query{RRN: fmt.Sprintf("%012d", n/2)}); len(found) != 1 || found[0].Answer != AnswerPaid {
					b.Fatalf("%d found", len(found))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/transaction")
		})
	}
}

// BenchmarkTraceOpen works out every transaction, and lists what is not at rest.
func BenchmarkTraceOpen(b *testing.B) {
	d, err := busyHouse(10_000).Read()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if len(d.Open()) != 0 {
			b.Fatal("everything is paid")
		}
	}
}
