package host

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// FuzzDesk: whatever a terminal that numbers its batches says to its acquirer, in whatever order, every answer can be written in
// its dialect, no money comes from nowhere, and what the acquirer has logged makes the same acquirer again.
func FuzzDesk(f *testing.F) {
	counter := dialect.CUP(dialect.Switches{})
	shaper := &Party{cfg: Config{Above: dialect.ISO87()}}
	c := &counterTown{town: &town{t: f, speaks: counter}, batch: firstBatch} // for its messages alone
	packed := func(messages ...*dialect.Message) (all []byte) {
		for _, m := range messages {
			b, err := counter.Pack(m, nil)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, chunks(append([]byte{0}, b...))...)
		}
		return all
	}
	signature, status, script := c.message(dialect.KindSignature), c.message(dialect.KindStatus), c.message(dialect.KindScriptResult)
	signature.Original, signature.ReservedPrivate62 = dialect.Original{Batch: firstBatch, STAN: "000004"}, []byte{1}
	status.ReservedPrivate62 = []byte("B000001")
	script.Original, script.ICCSystemRelatedData = signature.Original, []byte{0xDF, 0x31, 5, 0x20, 0, 0, 0, 1}
	list := c.message(dialect.KindCAKeyList)
	list.ReservedPrivate62 = dialect.ListRequest(0)
	sale := c.sale(1000)
	f.Add(packed(c.message(dialect.KindSignOn), sale, c.totals(debits(1, 1000)), c.end(dialect.UploadEndEqual, 0), c.sale(1)))
	f.Add(packed(c.totals(debits(2, 1500)), c.line(sale.SystemsTraceAuditNumber, 900), c.line("000777", 5), c.end(dialect.UploadEndNotEqual, 2)))
	f.Add(packed(sale, c.totals(debits(0, 0)), c.sale(5), c.line("000001", 1), c.reversal(sale), c.message(dialect.KindSignOff)))
	damaged := c.sale(1)
	damaged.PrimaryAccountNumber, damaged.Track2Data = testCard(f), damaged.Track2Data[:20]+"B"+damaged.Track2Data[21:]
	f.Add(packed(damaged, sale))
	f.Add(packed(signature, status, script, list, c.message(dialect.KindCAKey), c.message(dialect.KindParametersEnd)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newStreet(t, rules.Set{})
		s.line = func(m *dialect.Message) *dialect.Message {
			m = shaper.given(counter, m)
			if _, err := counter.Pack(m, nil); err != nil {
				t.Fatalf("an answer that cannot be written: %v: %v", m, err)
			}
			return m
		}
		given := 0
		for n := 0; len(data) > 0 && n < 40; n++ {
			var b []byte
			if b, data = chunk(data); len(b) == 0 {
				continue
			}
			m, err := counter.Unpack(b[1:])
			if err != nil {
				continue
			}
			given += len(b)
			e := Event{Kind: EventMessage, Conn: 1, Message: shaper.taken(counter, m), Dialect: counter, MACBad: b[0]&1 != 0}
			s.step(atAcquirer, e, 0)
			s.run()
			if b[0]&0x80 != 0 {
				s.restart(atAcquirer)
				s.run()
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
		n := s.nodes[atAcquirer]
		logged := 0
		for _, b := range n.log {
			logged += len(b)
		}
		if logged > 200*(given+500) {
			t.Fatalf("%d bytes are logged of %d", logged, given)
		}
		before, err := json.Marshal(n.m.View())
		if err != nil {
			t.Fatal(err)
		}
		s.restart(atAcquirer)
		if after, err := json.Marshal(n.m.View()); err != nil || string(after) != string(before) {
			t.Fatalf("before a restart\n%s\nafter it\n%s %v", before, after, err)
		}
	})
}

// FuzzScriptTag: chip data keeps all its objects in their order, and the results of scripts are where EMV has them.
func FuzzScriptTag(f *testing.F) {
	f.Add([]byte{0x95, 1, 2, 0xDF, 0x31, 5, 1, 2, 3, 4, 5, 0x9F, 0x36, 2, 0, 1})
	f.Add([]byte{0xDF, 0x31, 0})
	f.Add([]byte{0x9F, 0x5B, 1, 1, 0xDF, 0x31, 1, 2})
	f.Add([]byte{0xDF, 0x31, 1, 2, 0x9F})
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		out := scriptTag(data)
		if !bytes.Equal(data, before) {
			t.Fatal("the message's own data was changed")
		}
		if bytes.Equal(out, data) {
			return
		}
		in, got := tlv.NewReader(data), tlv.NewReader(out)
		for in.Next() {
			if !got.Next() || !bytes.Equal(got.Value(), in.Value()) || got.Tag() != in.Tag() && (in.Tag() != otherScriptResults || got.Tag() != tlv.IssuerScriptResults) {
				t.Fatalf("%X became %X", data, out)
			}
		}
		if got.Next() || in.Err() != nil || got.Err() != nil {
			t.Fatalf("%X became %X: %v %v", data, out, in.Err(), got.Err())
		}
	})
}
