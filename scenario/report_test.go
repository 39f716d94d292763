package scenario

import (
	"strings"
	"testing"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// entry is an acquirer's entry of one day; each posting is FROM TO AMOUNT.
func reported(stan string, k dialect.Kind, change func(e *host.Entry), posts ...host.Posting) *host.Entry {
	e := &host.Entry{Transaction: host.Transaction{
		Key: dialect.Key{MID: "M1", TID: "T1", STAN: stan, Batch: "000001"}, Kind: k, State: host.Approved, BusinessDate: "2026-03-02", CardType: host.Debit,
	}, Postings: posts}
	change(e)
	return e
}

// A day of one merchant: a sale that was paid, one with a tip that is due, one that was voided, a refund after the payout of which a
// share of the fee came back, a refund that the acquirer bears, a hold, and a sale that was declined.
func reportedView() *host.View {
	paid := func(fee, of int64) func(e *host.Entry) {
		return func(e *host.Entry) { e.Paid, e.Fee, e.FeeOf, e.FeePlan = true, fee, of, "p" }
	}
	none := func(*host.Entry) {}
	post := func(from, to string, n int64) host.Posting { return host.Posting{From: from, To: to, Amount: n} }
	return &host.View{Transactions: []*host.Entry{
		reported("000001", dialect.KindSale, paid(60, 10000), post("issuer", "acquirer", 10000), post("acquirer", "merchant", 9940), post("acquirer", "fees", 60)),
		reported("000002", dialect.KindSale, none, post("issuer", "acquirer", 1000)),
		reported("000003", dialect.KindTipAdjust, none, post("issuer", "acquirer", 100)),
		reported("000004", dialect.KindSale, none, post("issuer", "acquirer", 500)),
		reported("000005", dialect.KindVoid, none, post("acquirer", "issuer", 500)),
		reported("000006", dialect.KindRefund, func(e *host.Entry) { e.Paid, e.Fee = true, 18 }, post("merchant", "switch", 3000), post("fees", "merchant", 18)),
		reported("000007", dialect.KindRefund, func(e *host.Entry) { e.Paid = true }, post("acquirer", "switch", 700), post("loss:acquirer", "acquirer", 700)),
		reported("000008", dialect.KindPreAuth, none),
		reported("000009", dialect.KindSale, func(e *host.Entry) { e.State = host.Declined }),
		reported("000010", dialect.KindSale, func(e *host.Entry) { e.BusinessDate, e.Key.MID = "2026-03-03", "M2" }, post("issuer", "acquirer", 1)),
	}}
}

func TestReportsWorkedOutByHand(t *testing.T) {
	v := reportedView()
	flat := func(string, string) *host.FeePlan { return host.FlatPlan("flat", 50) }
	for _, c := range []struct {
		r    *Report
		keep []string // columns
		want string
	}{
		{Statement(v, ReportFilter{Merchant: "M1"}), []string{"stan", "amount", "fee", "net", "standing"}, `
000001 100.00 0.60 99.40 paid
000002 10.00 0.00 10.00 due
000003 1.00 0.00 1.00 due
000004 5.00 0.00 5.00 due
000005 -5.00 0.00 -5.00 due
000006 -30.00 -0.18 -29.82 paid
000007 0.00 0.00 0.00 borne by the acquirer
= 70.00 0.42 69.58 paid
= 11.00 0.00 11.00 due`},
		{Clearing(v, ReportFilter{}), []string{"stan", "debit", "credit"}, `
000001 100.00 -
000002 10.00 -
000003 1.00 -
000004 5.00 -
000005 - 5.00
000006 - 30.00
000007 - 7.00
000010 0.01 -
= 116.00 42.00
= 0.01 0.00`},
		{FeeAudit(v, flat, ReportFilter{}), []string{"stan", "amount", "fee", "due", "difference"}, `
000001 100.00 0.60 0.50 0.10
= - 0.60 0.50 0.10`},
		{Clearing(v, ReportFilter{Date: "2026-03-03"}), []string{"stan", "debit"}, "\n000010 0.01\n= 0.01"},
		{Statement(v, ReportFilter{Date: "2026-03-04"}), []string{"stan"}, ""},
	} {
		var got strings.Builder
		for i, row := range append(append([][]Cell{}, c.r.Rows...), c.r.Totals...) {
			var cells []string
			for j, column := range c.r.Columns {
				for _, k := range c.keep {
					switch {
					case k != column.Name:
					case k == "stan" && i >= len(c.r.Rows):
						cells = append(cells, "=")
					case row[j].Empty:
						cells = append(cells, "-")
					default:
						cells = append(cells, row[j].In(column, terminal.English))
					}
				}
			}
			got.WriteString("\n" + strings.Join(cells, " "))
		}
		if got.String() != c.want {
			t.Errorf("%s %v:%s\nwant%s", c.r.Name, c.keep, got.String(), c.want)
		}
	}
}

// Every row of every report has a cell for each column.
func TestReportsAreTables(t *testing.T) {
	v := reportedView()
	l := builtIn(t)
	v.Transactions[0].Difference = &host.Item{Owner: "acquirer", Amount: 5, Deadline: "2026-03-20", Reason: "x"}
	for _, r := range []*Report{
		Statement(v, ReportFilter{}), Clearing(v, ReportFilter{}), FeeAudit(v, l.Contracts(), ReportFilter{}),
		Differences(map[string]*host.View{"acquirer": v}, ReportFilter{}),
	} {
		if len(r.Rows) == 0 || len(r.Totals) == 0 || r.Title.En == "" || r.Title.Zh == "" {
			t.Errorf("%s: %d rows, %d totals", r.Name, len(r.Rows), len(r.Totals))
		}
		for _, row := range append(append([][]Cell{}, r.Rows...), r.Totals...) {
			if len(row) != len(r.Columns) {
				t.Errorf("%s: %d cells for %d columns", r.Name, len(row), len(r.Columns))
			}
		}
	}
}
