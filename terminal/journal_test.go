package terminal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
)

// powered is a memory disk whose owner has power.
func powered(t testing.TB) (*sim.MemDisk, *sim.Actor) {
	w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
	t.Cleanup(w.Close)
	a := w.Actor("term")
	a.PowerOn(nil)
	return sim.NewMemDisk(a), a
}

func opened(t testing.TB, d sim.Disk) *Journal {
	t.Helper()
	j, err := openJournal(d, rules.Set{}, func(*Record, State) {})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func sale(t testing.TB, j *Journal) *Record {
	t.Helper()
	stan, err := j.takeSTAN()
	if err != nil {
		t.Fatal(err)
	}
	return &Record{STAN: stan, Date: "0302", Time: "140511", Year: 2026, Amount: 100_00, Currency: "0156", Card: "476173******0119", Entry: "0051"}
}

// life is every way a record can go, as docs/architecture.md draws it.
var life = map[State][]State{
	"":          {Pending, AdviceDue, Torn},
	Pending:     {Approved, Declined, ReversalDue},
	ReversalDue: {Reversed, ReversedUnmatched, ReversalRefused, Parked},
	AdviceDue:   {Advised, Refused, Parked},
	Torn:        {AdviceDue, Declined, Unresolved},
}

func TestARecordOnlyMovesForward(t *testing.T) {
	for _, from := range append([]State{""}, States()...) {
		for _, to := range States() {
			d, _ := powered(t)
			j := opened(t, d)
			r := sale(t, j)
			var err error
			if from == "" {
				err = j.begin(r, to)
			} else {
				r.State = from
				err = j.move(r, to, nil)
			}
			want := slices.Contains(life[from], to)
			if (err == nil) != want {
				t.Errorf("%q -> %s: %v, want allowed %v", from, to, err, want)
			}
			durable, readErr := ReadJournal(d.Durable(JournalFile))
			if readErr != nil || (len(durable) == 1) != want {
				t.Errorf("%q -> %s: %d durable records, %v", from, to, len(durable), readErr)
			}
			if want && durable[0].State != to {
				t.Errorf("%q -> %s: durable as %s", from, to, durable[0].State)
			}
		}
	}
}

func TestEveryMoveIsOneDurableWrite(t *testing.T) {
	d, _ := powered(t)
	j := opened(t, d)
	writes := 0
	d.OnWrite(func(string, int) sim.DiskFault { writes++; return 0 })
	r := sale(t, j)
	for i, f := range []func() error{
		func() error { return j.pending(r) },
		func() error { return j.reversalDue(r, "98", "", nil) },
		func() error { return j.reversed(r, Reversed) },
	} {
		if err := f(); err != nil || writes != i+1 {
			t.Fatalf("move %d: %v, %d writes", i, err, writes)
		}
	}
}

func TestTheJournalComesBackAfterAPowerCut(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	one, two := sale(t, j), sale(t, j)
	must(t, j.pending(one))
	must(t, j.approved(one, func(n *Record) { n.Code, n.RRN = "00", "606114000001" }))
	must(t, j.offlineApproved(two))
	must(t, j.printed(two))
	must(t, j.storeKeys(&sessionKeys{[]byte{1, 2, 3}}))
	d.Settle(sim.PowerOffLost)
	a.PowerOff()
	a.PowerOn(nil)
	j = opened(t, d)
	if r := j.Records(); len(r) != 2 || r[0].State != Approved || r[0].RRN != "606114000001" || r[0].Printed || r[1].State != AdviceDue || !r[1].Printed {
		t.Errorf("%+v %+v", r[0], r[1])
	}
	if j.keys == nil || len(j.keys.DE62) != 3 {
		t.Error("the session's keys are gone")
	}
	if stan, err := j.takeSTAN(); err != nil || stan != "000003" {
		t.Errorf("next STAN %s %v", stan, err)
	}
}

// T11: a STAN that was on the wire is never used again, whatever it was used for.
func TestASTANIsNeverUsedTwice(t *testing.T) {
	d, a := powered(t)
	j := opened(t, d)
	first, err := j.takeServiceSTAN()
	must(t, err)
	d.Settle(sim.PowerOffLost)
	a.PowerOff()
	a.PowerOn(nil)
	if next, _ := opened(t, d).takeSTAN(); next <= first {
		t.Errorf("%s after %s", next, first)
	}
	j = opened(t, d)
	j.batch.usedSTANs = maxSTAN
	if _, err := j.takeSTAN(); !errors.Is(err, errBatchFull) {
		t.Errorf("a STAN after the last: %v", err)
	}
}

func TestAFailedWriteIsAStorageError(t *testing.T) {
	for _, fault := range []sim.DiskFault{sim.DiskFull, sim.DiskError, sim.SyncError} {
		d, _ := powered(t)
		j := opened(t, d)
		r := sale(t, j)
		must(t, j.pending(r))
		d.OnWrite(func(string, int) sim.DiskFault { return fault })
		err := j.approved(r, nil)
		if !isStorage(err) || r.State != Pending {
			t.Errorf("fault %d: %v, record %s", fault, err, r.State)
		}
	}
}

func TestAJournalThatMakesNoSenseIsDamaged(t *testing.T) {
	for _, body := range []string{`{`, `{"Sale":{"STAN":"x"}}`, `{"Other":1}`, `{}`, `{"Sale":{"STAN":"000001","More":1}}`, `{"Printed":{"STAN":"000009"}}`, `null`,
		`{"Sale":{"STAN":"000001","State":"Approved"}}`, `{"Sale":{"STAN":"+00001","Date":"0302","Time":"140511","State":"Pending"}}`,
		`{"Sale":{"STAN":"000001","Date":"0302","Time":"140511"}}`, `{"Sale":{"STAN":"000001","Date":"0302","Time":"140511","State":"Pending","Amount":-1}}`} {
		d, _ := powered(t)
		l, err := wal.Open(d, JournalFile, func([]byte) error { return nil })
		must(t, err)
		must(t, l.Append([]byte(body)))
		must(t, l.Commit())
		_, err = openJournal(d, rules.Set{}, func(*Record, State) {})
		if !errors.Is(err, ErrJournal) || stopText(err) != "journal-corrupt" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestNothingSecretIsInTheJournal(t *testing.T) {
	d, _ := powered(t)
	j := opened(t, d)
	r := sale(t, j)
	must(t, j.pending(r))
	if text := string(d.Durable(JournalFile)); strings.Contains(text, "4761739001010119") || !strings.Contains(text, "476173******0119") {
		t.Error("the card number is not masked")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzReadJournal(f *testing.F) {
	d, _ := powered(f)
	j := opened(f, d)
	must(f, j.pending(sale(f, j)))
	must(f, j.storeKeys(&sessionKeys{[]byte{1}}))
	f.Add(d.Durable(JournalFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := ReadJournal(data)
		if err == nil && len(records) > len(data) {
			t.Errorf("%d records of %d bytes", len(records), len(data))
		}
	})
}
