package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/dialect"
)

// reopened is the journal after a power cut that lost what was not synced.
func reopened(t testing.TB, d *sim.MemDisk, a *sim.Actor) *Journal {
	t.Helper()
	d.Settle(sim.PowerOffLost)
	if a.On() {
		a.PowerOff()
	}
	a.PowerOn(nil)
	return opened(t, d)
}

// inState is a new record of the journal that has come to a state.
func inState(t testing.TB, j *Journal, s State) *Record {
	t.Helper()
	r := sale(t, j)
	switch s {
	case AdviceDue, Advised, Refused:
		must(t, j.offlineApproved(r))
	case Torn, Unresolved:
		must(t, j.begin(r, Torn))
	default:
		must(t, j.pending(r))
	}
	switch s {
	case Approved:
		must(t, j.approved(r, nil))
	case Declined:
		must(t, j.declined(r, "51"))
	case Advised:
		must(t, j.advised(r, "", ""))
	case Refused:
		must(t, j.refused(r, "05"))
	case Unresolved:
		must(t, j.move(r, Unresolved, nil))
	case ReversalDue, Reversed, ReversedUnmatched, ReversalRefused, Parked:
		must(t, j.reversalDue(r, "98", "", nil))
		if s == Parked {
			must(t, j.park(r, ""))
		} else if s != ReversalDue {
			must(t, j.reversed(r, s))
		}
	}
	return r
}

func closing(j *Journal) *Settlement {
	return &Settlement{Batch: j.batch.number, STAN: "000099", Date: "0302", Time: "230000", Year: 2026, Totals: j.totals("")}
}

func TestAClosedBatchKeepsWhatIsDue(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	for _, s := range States() {
		must(t, j.printed(inState(t, j, s)))
	}
	unprinted := inState(t, j, Approved)
	must(t, j.closeBatch(closing(j)))
	want := []State{Pending, ReversalDue, Parked, AdviceDue, Torn, Unresolved, Approved}
	check := func(when string, want []State) {
		t.Helper()
		var got []State
		for _, r := range j.Records() {
			got = append(got, r.State)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
		if n := len(j.inBatch()); n != 0 {
			t.Errorf("%s: %d records in a batch that nothing was done in", when, n)
		}
	}
	check("closed", want)
	j = reopened(t, d, a)
	check("after a power cut", want)
	if r := j.find(unprinted.identity()); r == nil || r.Printed {
		t.Error("the receipt that is owed is forgotten")
	}
	if j.batch.number != "000002" || j.batch.last == nil || j.batch.last.Batch != "000001" {
		t.Errorf("batch %s, the last %+v", j.batch.number, j.batch.last)
	}
	must(t, j.closeBatch(closing(j)))
	check("closed once more", []State{Pending, ReversalDue, AdviceDue, Torn, Approved})
	must(t, j.printed(j.find(unprinted.identity())))
	must(t, j.closeBatch(closing(j)))
	check("closed when the receipt was out", []State{Pending, ReversalDue, AdviceDue, Torn})
}

// A batch is closed by one durable write: wherever the power goes, it is open with all it had, or closed.
func TestClosingIsOneWrite(t *testing.T) {
	for write := range 2 {
		for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept, sim.PowerOffTorn} {
			d, a := powered(t)
			j := opened(t, d)
			must(t, j.printed(inState(t, j, Approved)))
			due := inState(t, j, ReversalDue)
			must(t, j.storeKeys(&sessionKeys{[]byte{1}}))
			s := closing(j)
			s.Carried = []Carried{{identity: due.identity(), Amount: due.Amount, Why: "carried"}}
			n := 0
			d.OnWrite(func(string, int) sim.DiskFault {
				if n++; n == write+1 {
					return image
				}
				return 0
			})
			func() {
				defer func() { _ = recover() }()
				must(t, j.closeBatch(s))
			}()
			d.OnWrite(nil)
			j = reopened(t, d, a)
			closed := write == 1 || image == sim.PowerOffKept
			if got := j.batch.last != nil; got != closed {
				t.Errorf("write %d, image %d: closed %t, want %t", write, image, got, closed)
			}
			parked := j.find(due.identity())
			if parked == nil || (parked.State == Parked) != closed || parked.State == Parked && parked.Parking != "carried" {
				t.Errorf("write %d, image %d: what was carried is %v", write, image, parked)
			}
			if total := j.totals(""); closed == (total.Debits.Count == 1) {
				t.Errorf("write %d, image %d: totals %+v", write, image, total)
			}
			if stan, err := j.takeSTAN(); err != nil || stan != "000003" || j.keys == nil {
				t.Errorf("write %d, image %d: next STAN %s %v, keys %v", write, image, stan, err, j.keys)
			}
			dropped := 0
			j.closed = func(_ Settlement, records []*Record) { dropped = len(records) }
			must(t, j.compact())
			if want := map[bool]int{true: 1}[closed && (write == 0 || image != sim.PowerOffKept)]; dropped != want {
				t.Errorf("write %d, image %d: %d records dropped at the boot, want %d", write, image, dropped, want)
			}
		}
	}
}

func TestTheFileDoesNotGrowWithEveryBatch(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	size := 0
	for n := range 20 {
		for range 50 {
			must(t, j.printed(inState(t, j, Approved)))
		}
		must(t, j.closeBatch(closing(j)))
		if n == 0 {
			size = len(d.Durable(JournalFile))
		}
	}
	if got := len(d.Durable(JournalFile)); got > size+10 || got == 0 {
		t.Errorf("%d bytes after 20 batches, %d after the first", got, size)
	}
	j = reopened(t, d, a)
	if j.batch.number != "000021" || j.nextSTAN != 1001 {
		t.Errorf("batch %s, next STAN %d", j.batch.number, j.nextSTAN)
	}
}

// The STAN goes over 999999 to 000001, across batches and power cuts, and never comes twice in one.
func TestTheSTANWraps(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	j.batch.firstSTAN, j.nextSTAN = maxSTAN-2, maxSTAN-2
	must(t, j.put(entryRecord{Open: &openBatch{Number: "000007", STAN: maxSTAN - 2}}))
	seen := map[string]bool{}
	for n := range 6 {
		r := inState(t, j, Approved)
		if seen[r.STAN] || r.STAN == "000000" {
			t.Errorf("STAN %s came before", r.STAN)
		}
		seen[r.STAN] = true
		if n == 2 {
			j = reopened(t, d, a)
		}
	}
	if !seen["999999"] || !seen["000001"] || !seen["000003"] {
		t.Errorf("%v", seen)
	}
	must(t, j.closeBatch(closing(j)))
	j = reopened(t, d, a)
	if stan, err := j.takeServiceSTAN(); err != nil || stan != "000004" {
		t.Errorf("%s %v", stan, err)
	}
	j.batch.usedSTANs = maxSTAN
	if _, err := j.takeSTAN(); !errors.Is(err, errBatchFull) {
		t.Errorf("a batch that has used every STAN: %v", err)
	}
	must(t, j.closeBatch(closing(j)))
	if _, err := j.takeSTAN(); err != nil {
		t.Errorf("and the next batch: %v", err)
	}
}

// Totals as the decisions have them.
func TestTotals(t *testing.T) {
	d, _ := powered(t)
	j := opened(t, d)
	add := func(k dialect.Kind, amount int64, s State, change func(*Record)) *Record {
		r := sale(t, j)
		r.Kind, r.Amount = k, amount
		if change != nil {
			change(r)
		}
		if s == AdviceDue || s == Advised || s == Refused {
			must(t, j.offlineApproved(r))
		} else {
			must(t, j.pending(r))
		}
		switch s {
		case Approved:
			must(t, j.approved(r, nil))
		case Advised:
			must(t, j.advised(r, "", ""))
		case Refused:
			must(t, j.refused(r, "05"))
		case Reversed:
			must(t, j.reversalDue(r, "98", "", nil))
			must(t, j.reversed(r, Reversed))
		case Declined:
			must(t, j.declined(r, "51"))
		}
		return r
	}
	voided := add(dialect.KindNone, 100, Approved, nil)
	add(dialect.KindVoid, 100, Approved, func(r *Record) { r.Original = &Original{STAN: voided.STAN} })
	add(dialect.KindSale, 1_000, Reversed, nil)
	add(dialect.KindSale, 2_000, Declined, nil)
	tipped := add(dialect.KindSale, 10_000, Approved, nil)
	add(dialect.KindTipAdjust, 11_500, Advised, func(r *Record) { r.Original = &Original{STAN: tipped.STAN} })
	refusedTip := add(dialect.KindSale, 20_000, Approved, nil)
	add(dialect.KindTipAdjust, 23_000, Refused, func(r *Record) { r.Original = &Original{STAN: refusedTip.STAN} })
	add(dialect.KindPreAuth, 5_000_000, Approved, nil)
	add(dialect.KindCompletion, 400_000, Approved, nil)
	add(dialect.KindCompletionVoid, 400_000, Approved, nil)
	add(dialect.KindRefund, 30, Advised, nil)
	add(dialect.KindRefund, 600_000, AdviceDue, nil) // no line before the host has said yes
	add(dialect.KindOfflineSale, 3, AdviceDue, nil)
	add(dialect.KindOfflineSale, 7_000_000, Refused, nil)
	add(dialect.KindSale, 50, Approved, func(r *Record) { r.Scheme = "AWAY" })
	add(dialect.KindRefund, 20, Approved, func(r *Record) { r.Scheme = "AWAY" })
	add(dialect.KindSale, 7, Approved, func(r *Record) { r.Scheme = "HOME" })
	want := dialect.Totals{
		Debits:        dialect.Total{Count: 6, Amount: 100 + 11_500 + 20_000 + 400_000 + 3 + 7},
		Credits:       dialect.Total{Count: 3, Amount: 100 + 400_000 + 30},
		ForeignDebits: dialect.Total{Count: 1, Amount: 50}, ForeignCredits: dialect.Total{Count: 1, Amount: 20},
	}
	if got := j.totals("HOME"); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	want.Debits.Count, want.Debits.Amount = 7, want.Debits.Amount+50
	want.Credits.Count, want.Credits.Amount = 4, want.Credits.Amount+20
	want.ForeignDebits, want.ForeignCredits = dialect.Total{}, dialect.Total{}
	if got := j.totals(""); got != want {
		t.Errorf("nobody is foreign: %+v\nwant %+v", got, want)
	}
}

// A password is right or wrong, also after a power cut, and stands nowhere in clear.
func TestPeopleSurviveAPowerCut(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	w := a.World().Rand("salt")
	must(t, j.deliver(w, PasswordIterations))
	p, err := newPerson(w, PasswordIterations, "02", "8642")
	must(t, err)
	p.Wrong, p.Locked = 3, time.Date(2026, 3, 2, 14, 6, 0, 0, time.UTC)
	must(t, j.putPerson(p))
	must(t, j.deliver(w, PasswordIterations))
	must(t, j.closeBatch(closing(j)))
	j = reopened(t, d, a)
	if len(j.people) != 3 {
		t.Fatalf("%d people", len(j.people))
	}
	for number, password := range map[string]string{"00": "123456", "01": "0000", "02": "8642"} {
		p := &j.people[j.person(number)]
		if !p.is(password) || p.is(password+"0") || p.is("") {
			t.Errorf("operator %s: the password is wrong, or another one is right", number)
		}
	}
	if got := j.people[j.person("02")]; got.Wrong != 3 || !got.Locked.Equal(p.Locked) {
		t.Errorf("%+v", got)
	}
	if j.people[0].Salt == nil || reflect.DeepEqual(j.people[0].Salt, j.people[1].Salt) {
		t.Error("one salt for two")
	}
}

// entrySeeds are whole records of every kind.
func entrySeeds() []string {
	sale := `{"Sale":{"STAN":"%06d","Date":"0302","Time":"140511","Year":2026,"Amount":10000,"Currency":"0156","Card":"","Entry":"0021","State":"%s","Printed":true}}`
	line := func(n int, s State) string { return fmt.Sprintf(sale, n, s) }
	id := `{"STAN":"000001","Date":"0302","Time":"140511","Year":2026}`
	settlement := `{"Batch":"000001","STAN":"000002","Date":"0302","Time":"230000","Year":2026,"Totals":{"Debits":{"Count":1,"Amount":10000},"Credits":{},"ForeignDebits":{},"ForeignCredits":{}},"Stage":"%s"}`
	return []string{
		line(1, Approved) + "\n" + `{"Uploaded":[` + id + `]}` + "\n" + `{"Settling":` + fmt.Sprintf(settlement, StageUpload) + `}`,
		line(1, Approved) + "\n" + `{"Closed":` + fmt.Sprintf(settlement, "") + `}` + "\n" + `{"Slip":"000001"}` + "\n" + line(5, Approved),
		line(1, AdviceDue) + "\n" + `{"Open":{"Number":"000042","STAN":999999}}` + "\n" + line(999999, Approved) + "\n" + line(1, Approved),
		line(1, AdviceDue) + "\n" + `{"Tried":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026,"Attempts":3}}` + "\n" + `{"SAF":{"Paused":true}}`,
		`{"Number":"000042"}` + "\n" + `{"STAN":3}` + "\n" + `{"Settling":` + fmt.Sprintf(settlement, StageTotals) + `}`,
		line(1, ReversalDue) + "\n" + `{"Closed":{"Batch":"000001","STAN":"000002","Date":"0302","Time":"230000","Year":2026,"Totals":{},"Stage":"","Carried":[{"STAN":"000001","Date":"0302","Time":"140511","Year":2026,"Amount":1,"Why":"x"}]}}`,
		`{"Loaded":{"CAKeys":[{"RID":[160,0,0,3,51],"Index":8,"Expiry":"20301231","Modulus":"AQ==","Exponent":"Aw==","Checksum":null}],"Parameters":[{"Tag":"12","Value":"45"}]}}`,
		`{"Signature":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026,"Amount":1,"Picture":"VQ=="}}` + "\n" + `{"Signature":{"STAN":"000002","Date":"0302","Time":"140511","Year":2026,"Amount":1,"Picture":"VQ=="}}` + "\n" + `{"Signed":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026}}`,
		`{"Person":{"Number":"00","Salt":"AAAAAAAAAAA=","Iterations":1,"Digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}`,
	}
}

// FuzzJournalEntries: whatever whole records a journal has, what is read of it and written anew says the same.
func FuzzJournalEntries(f *testing.F) {
	for _, s := range entrySeeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<13 {
			return
		}
		d, a := powered(t)
		l, err := wal.Open(d, JournalFile, func([]byte) error { return nil })
		must(t, err)
		for len(data) > 0 {
			var body []byte
			body, data, _ = cut(data)
			must(t, l.Append(body))
		}
		must(t, l.Commit())
		image := d.Durable(JournalFile)
		j, err := openJournal(d, rules.Set{}, func(*Record, State) {})
		if _, readErr := ReadJournal(image); (readErr == nil) != (err == nil) {
			t.Fatalf("it opens with %v and reads with %v", err, readErr)
		}
		if err != nil {
			return
		}
		first := *j
		j.batch.stale = true
		must(t, j.compact())
		j = reopened(t, d, a)
		j.batch.dropped, first.batch.dropped, first.batch.stale = nil, nil, false
		if !reflect.DeepEqual(j.batch, first.batch) || !sameRecords(j.records, first.records) || j.nextSTAN != first.nextSTAN || j.paused != first.paused ||
			!reflect.DeepEqual(j.people, first.people) || !reflect.DeepEqual(j.keys, first.keys) ||
			!bytes.Equal(asJSON(t, j.entries()), asJSON(t, first.entries())) {
			t.Fatalf("compacted: %+v\nbefore:    %+v", j, first)
		}
		if _, err := j.takeSTAN(); err != nil && !errors.Is(err, errBatchFull) {
			t.Fatal(err)
		}
	})
}

func asJSON(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	must(t, err)
	return b
}

func cut(data []byte) (line, rest []byte, more bool) {
	for i, c := range data {
		if c == '\n' {
			return data[:i], data[i+1:], true
		}
	}
	return data, nil, false
}

func sameRecords(a, b []*Record) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !reflect.DeepEqual(*a[i], *b[i]) {
			return false
		}
	}
	return true
}
