package host

import (
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// TestAFollowerReadsWhatRecoverReads: however a log grows, in whole records and in parts of them, and if it is another log after all.
func TestAFollowerReadsWhatRecoverReads(t *testing.T) {
	s := newStreet(t, rules.Set{})
	sale := s.sale(2, 10000)
	s.ask(sale)
	s.ask(s.after(dialect.KindRefund, 3, sale, 4000))
	s.ask(s.chip("0200", 4, 2500, 8))
	s.pass(time.Hour)
	log := s.nodes[atAcquirer].log
	if len(log) < 6 {
		t.Fatalf("%d records: too few to show anything", len(log))
	}
	w := sim.NewWorld(time.Unix(0, 0), 1)
	a := w.Actor("reader")
	a.PowerOn(nil)
	d := sim.NewMemDisk(a)
	if _, err := wal.Rewrite(d, LogName, log); err != nil {
		t.Fatal(err)
	}
	data := d.Durable(LogName)
	var f Follower
	compare := func(data []byte) {
		t.Helper()
		got, err := f.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Recover(data)
		if err != nil {
			t.Fatal(err)
		}
		g, _ := json.Marshal(got)
		v, _ := json.Marshal(want)
		if string(g) != string(v) || got.Bytes != want.Bytes {
			t.Fatalf("of %d bytes: %s, want %s", len(data), g, v)
		}
	}
	for n := 0; n <= len(data); n += 37 {
		compare(data[:n])
	}
	compare(data)
	if len(f.Records()) != len(log) {
		t.Errorf("%d records, want %d", len(f.Records()), len(log))
	}
	for i, r := range f.Records() { // nobody has changed them
		if want, err := DecodeRecord(log[i]); err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("record %d is %+v, want %+v %v", i, r, want, err)
		}
	}
	compare(data[:len(data)/3]) // another log
	compare(data)
	damaged := append([]byte(nil), data...)
	binary.BigEndian.PutUint64(damaged[8:], 77)
	if _, err := f.Read(damaged); err == nil {
		t.Error("a damaged log is read")
	}
	compare(data)
}
