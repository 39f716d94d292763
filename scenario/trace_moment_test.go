package scenario

import (
	"maps"
	"slices"
	"testing"
)

// at is when a record was written, nanoseconds since 1970.
func recordedAt(t *testing.T, body []byte) (at int64) {
	t.Helper()
	if err := fields(body[1:], map[byte]byte{1: 'n'}, func(_ byte, n int64, _ []byte) { at = n }); err != nil {
		t.Fatal(err)
	}
	return at
}

// until is the part of each log that had been written at an instant.
func until(t *testing.T, logs []Store, at int64) (all []Store) {
	t.Helper()
	for _, l := range logs {
		n := 0
		for _, b := range bodies(l.Data) {
			if recordedAt(t, b) > at {
				break
			}
			n += 16 + len(b)
		}
		all = append(all, Store{Party: l.Party, Data: l.Data[:n]})
	}
	return all
}

// TestTraceAtEveryMoment asks after every record of every scenario's hosts: the place is the one that the other reader finds, whatever
// is under way. What is only so for a while is found here: what is held, what came back, what nobody has decided yet.
func TestTraceAtEveryMoment(t *testing.T) {
	l, scripts := merchants(t)
	answers, causes := map[Answer]string{}, map[string]string{}
	for _, s := range scripts {
		stores := kept(t, l, s)
		var moments []int64
		for _, x := range stores.Logs {
			for _, b := range bodies(x.Data) {
				moments = append(moments, recordedAt(t, b))
			}
		}
		slices.Sort(moments)
		for _, at := range slices.Compact(moments) {
			logs := until(t, stores.Logs, at)
			d, err := (&Stores{Logs: logs}).Read()
			if err != nil {
				t.Fatalf("%s: %v", s.ID, err)
			}
			all := readLogs(t, logs)
			for _, f := range d.Find(Query{}) {
				answers[f.Answer], causes[f.Cause.ID] = s.ID, s.ID
				money := map[string]int64{}
				root := rootKey(all, [6]string{f.Key.MID, f.Key.TID, f.Key.STAN, f.Key.Date, f.Key.Time, f.Key.Batch})
				for k, x := range all {
					if rootKey(all, k) == root {
						for p, n := range x.money {
							money[p] += n
						}
						if x.purse {
							money["purse-pool"] += x.amount
						}
					}
				}
				f.stands(t, s.ID, money)
				f.Text(0) // every sentence is there
				f.Text(1)
			}
		}
	}
	for _, a := range Answers() {
		if answers[Answer(a)] == "" {
			t.Errorf("nothing is ever answered %q", a)
		}
	}
	for _, cause := range []string{"undecided", "reversal-under-way", "payout-due", "payout-ordered", "hold-running", "stand-in-due",
		"payout-returned", "payout-corrected", "risk-hold", "aggregator-has-it", "aggregator-kept-it", "refund-under-way", "switch-only", "dispute"} {
		if causes[cause] == "" {
			t.Errorf("nothing is ever so because of %q", cause)
		}
	}
}

// stands compares where the money is with the positions.
func (f *Finding) stands(t *testing.T, id string, money map[string]int64) {
	t.Helper()
	place, most := "cardholder", int64(0)
	for _, p := range slices.Sorted(maps.Keys(money)) {
		if money[p] > most && p != "fees" && p != "cardholder" && p != "wallet" {
			place, most = p, money[p]
		}
	}
	if f.Place.Position == place && (most == 0 || f.Place.Amount == most) {
		return
	}
	if most > 0 && money[f.Place.Position] == most {
		return // two hold as much
	}
	t.Errorf("%s %v: the money is with %s (%d), and the logs say %s (%d)", id, f.Key, f.Place.Position, f.Place.Amount, place, most)
}
