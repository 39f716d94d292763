package scenario

import (
	"slices"
	"testing"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// made is a transaction of a terminal that numbers its batches, as the terminal and the acquirer have it.
func made(stan string, k dialect.Kind, amount int64, s terminal.State, of *terminal.Original, posts ...host.Posting) *transaction {
	key := dialect.Key{TID: "SIM00001", Batch: "000001", STAN: stan}
	t := &transaction{
		key:     key,
		record:  &terminal.Record{STAN: stan, Batch: "000001", Kind: k, Amount: amount, State: s, Original: of, RRN: "RRN" + stan, Reason: "98"},
		entries: make([]*host.Entry, 3),
	}
	if len(posts) > 0 {
		t.entries[2] = &host.Entry{Transaction: host.Transaction{Key: key, Kind: k, Amount: amount, State: host.Approved}, Postings: posts}
	}
	return t
}

func paid(amount int64) host.Posting {
	return host.Posting{From: host.PositionCardholder, To: host.PositionIssuer, Amount: amount}
}

func returned(amount int64) host.Posting {
	return host.Posting{From: host.PositionIssuer, To: host.PositionCardholder, Amount: amount}
}

// TestFamilies: who names whom, by key or by reference number, and what all of them come to.
func TestFamilies(t *testing.T) {
	named := func(stan string) *terminal.Original { return &terminal.Original{Batch: "000001", STAN: stan} }
	sale := made("000002", dialect.KindSale, 1000, terminal.Approved, nil, paid(1000))
	tip := made("000003", dialect.KindTipAdjust, 1150, terminal.Advised, named("000002"), paid(150))
	refund := made("000004", dialect.KindRefund, 300, terminal.Advised, &terminal.Original{RRN: "RRN000002"}, returned(300))
	hold := made("000005", dialect.KindPreAuth, 2000, terminal.Approved, nil)
	completion := made("000006", dialect.KindCompletion, 2300, terminal.Approved, named("000005"), paid(2300))
	undone := made("000007", dialect.KindCompletionVoid, 2300, terminal.Approved, named("000006"), returned(2300))
	lost := made("000008", dialect.KindVoid, 500, terminal.Reversed, named("000099"))
	all := []*transaction{sale, tip, hold, completion, refund, undone, lost}
	p := &terminal.Profile{TipPercent: 15, CompletionPercent: 115}

	var got []string
	every := families(all)
	for _, f := range every {
		stans := ""
		for _, m := range f.members {
			stans += m.key.STAN[5:]
		}
		got = append(got, stans)
	}
	if want := []string{"234", "567", "8"}; !slices.Equal(got, want) {
		t.Fatalf("families %v, want %v", got, want)
	}
	for i, c := range []struct{ lines, debited, cap int64 }{{850, 850, 1150}, {0, 0, 2300}, {0, 0, 500}} {
		if f := every[i]; f.lines() != c.lines || f.debited() != c.debited || f.cap(p) != c.cap {
			t.Errorf("family %d: lines %d, debited %d, at most %d, want %+v", i, f.lines(), f.debited(), f.cap(p), c)
		}
	}
}

// TestAFamilyIsDebitedInTheIssuersOrder: a void before its sale is a credit of what was never taken (I1), whatever it comes to at the end.
func TestAFamilyIsDebitedInTheIssuersOrder(t *testing.T) {
	sale := made("000002", dialect.KindSale, 1000, terminal.Approved, nil, paid(1000))
	void := made("000003", dialect.KindVoid, 1000, terminal.Approved, &terminal.Original{Batch: "000001", STAN: "000002"}, returned(1000))
	f := families([]*transaction{sale, void})[0]
	for _, c := range []struct {
		name   string
		ledger []posted
		wrong  int
	}{
		{"as it should be", []posted{{sale.key, paid(1000)}, {void.key, returned(1000)}}, 0},
		{"the other way round", []posted{{void.key, returned(1000)}, {sale.key, paid(1000)}}, 1},
		{"twice", []posted{{sale.key, paid(1000)}, {sale.key, paid(1000)}, {void.key, returned(1000)}, {void.key, returned(1000)}}, 1},
		{"another's between", []posted{{sale.key, paid(1000)}, {dialect.Key{STAN: "000009"}, paid(1000)}, {void.key, returned(1000)}}, 0},
	} {
		r := &court{profile: &terminal.Profile{TipPercent: 15, CompletionPercent: 115}, log: newRecord()}
		r.judgeDebits(f, c.ledger)
		if len(r.log.wrong) != c.wrong {
			t.Errorf("%s: %v", c.name, r.log.wrong)
		}
	}
}

// TestALibraryIsExploredInOneDialectAScript: the scripts that run in two take turns.
func TestALibraryIsExploredInOneDialectAScript(t *testing.T) {
	l := builtIn(t)
	var got []string
	repeated := 0
	for _, id := range []string{"W19", "W01", "W21", "W22"} {
		runs, err := script(t, l, id).Variants(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range l.oneDialect(runs, &repeated) {
			got = append(got, run.ID)
		}
	}
	if want := []string{"W19.1", "W01", "W21.2", "W22.1"}; !slices.Equal(got, want) {
		t.Errorf("explored are %v, want %v", got, want)
	}
}
