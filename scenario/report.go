package scenario

import (
	"slices"
	"strings"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// A report is a table that is made of what a host's logs hold, and of nothing else: it changes nothing, and the same logs give the same
// report. Who shows it decides on language and form.

// Report is a table for people and for programs.
type Report struct {
	Name    string // what it is asked for by
	Title   Words
	Columns []Column
	Rows    [][]Cell
	Totals  [][]Cell // sums of the rows, the first cell of each says of what
}

// Column is one column: its name for programs, and its heading.
type Column struct {
	Name    string
	Heading Words
	Money   bool // its cells are amounts
}

// Cell is one value: an amount where the column has amounts, else a text. An amount that there is none of is Empty.
type Cell struct {
	Text  Words
	Money Money
	Empty bool
}

func textCell(s string) Cell                { return Cell{Text: Words{s, s}} }
func labelCell(en, zh string) Cell          { return Cell{Text: Words{en, zh}} }
func moneyCell(n int64) Cell                { return Cell{Money: Money(n)} }
func (c Cell) shown(m bool) Cell            { c.Empty = !m; return c }
func heading(en, zh string) Words           { return Words{en, zh} }
func textColumn(name, en, zh string) Column { return Column{Name: name, Heading: heading(en, zh)} }
func amountColumn(name, en, zh string) Column {
	return Column{Name: name, Heading: heading(en, zh), Money: true}
}

// In is a cell as it is written, amounts with two decimals.
func (c Cell) In(column Column, lang terminal.Lang) string {
	switch {
	case c.Empty:
		return ""
	case column.Money:
		return c.Money.String()
	}
	return c.Text.In(lang)
}

// ReportFilter says what a report is about; an empty field leaves nothing out.
type ReportFilter struct {
	Date     string // business date, YYYY-MM-DD
	Merchant string // MID
}

func (f ReportFilter) takes(e *host.Entry) bool {
	return (f.Date == "" || e.BusinessDate == f.Date) && (f.Merchant == "" || e.Key.MID == f.Merchant)
}

// Reports lists the names of the reports.
func Reports() []string { return []string{"statement", "clearing", "differences", "fees"} }

// brought is what a transaction has brought to the merchant's side, in minor units: what came from who issues cards and switches. A
// payout is a matter within that side.
func brought(e *host.Entry) int64 {
	return -e.Net(host.PositionIssuer) - e.Net(host.PositionSwitch) - e.Net(host.PositionCardholder) - e.Net(host.PositionWallet) - e.Net(host.PositionPursePool)
}

// borne is what of a refund no merchant is charged for: the acquirer bears it, or will.
func borne(e *host.Entry) bool {
	for _, p := range e.Postings {
		if strings.HasPrefix(p.From, host.PositionLoss) {
			return true
		}
	}
	return e.Difference != nil && e.Difference.Type == host.RefundUncovered
}

// clearedLines are the approved transactions of an acquirer that brought money or took it, by business date and in the order of the log.
func clearedLines(v *host.View, f ReportFilter) (all []*host.Entry) {
	for _, e := range v.Transactions {
		if e.State == host.Approved && brought(e) != 0 && f.takes(e) {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(x, y *host.Entry) int { return strings.Compare(x.BusinessDate, y.BusinessDate) })
	return all
}

func kindCell(k dialect.Kind) Cell {
	return labelCell(k.String(), word("kind", k.String(), terminal.Chinese))
}

// whose are the columns that say which transaction a row is about, and identify is their cells.
func whose() []Column {
	return []Column{textColumn("date", "DATE", "日期"), textColumn("terminal", "TERMINAL", "终端号"), textColumn("batch", "BATCH", "批次号"), textColumn("stan", "STAN", "流水号"),
		textColumn("rrn", "RRN", "参考号"), textColumn("kind", "KIND", "交易类型"), textColumn("card", "CARD", "卡号")}
}

func identify(e *host.Entry) []Cell {
	return []Cell{textCell(e.BusinessDate), textCell(e.Key.TID), textCell(e.Key.Batch), textCell(e.Key.STAN), textCell(e.RetrievalReferenceNumber), kindCell(e.Kind), textCell(e.Card)}
}

// blank is n cells with nothing in them.
func blank(n int) []Cell {
	return slices.Repeat([]Cell{{Empty: true}}, n)
}

// Statement is what a merchant gets for each of his transactions, and whether he has it: amount, fee and what is left. acquirer is
// the acquirer's view.
func Statement(acquirer *host.View, f ReportFilter) *Report {
	r := &Report{Name: "statement", Title: heading("merchant statement", "商户对账单"),
		Columns: append(append([]Column{textColumn("merchant", "MERCHANT", "商户号")}, whose()...), amountColumn("amount", "AMOUNT", "金额"), amountColumn("fee", "FEE", "手续费"), amountColumn("net", "NET", "净额"),
			textColumn("plan", "PLAN", "费率方案"), textColumn("standing", "STANDING", "状态"))}
	merchants := map[string]*[2][3]int64{} // paid and due: amount, fee, net
	var names []string
	for _, e := range clearedLines(acquirer, f) {
		amount, fee := brought(e), e.Fee
		if e.Kind == dialect.KindRefund {
			fee = -fee
		}
		standing, paid := labelCell("due", "待结算"), 1
		switch {
		case borne(e):
			amount, fee, standing, paid = 0, 0, labelCell("borne by the acquirer", "收单机构承担"), 0
		case e.Paid:
			standing, paid = labelCell("paid", "已结算"), 0
		case e.Difference.Open():
			standing = labelCell("disputed", "差错处理中")
		}
		if merchants[e.Key.MID] == nil {
			merchants[e.Key.MID] = &[2][3]int64{}
			names = append(names, e.Key.MID)
		}
		for i, n := range []int64{amount, fee, amount - fee} {
			merchants[e.Key.MID][paid][i] += n
		}
		row := append(append([]Cell{textCell(e.Key.MID)}, identify(e)...), moneyCell(amount), moneyCell(fee), moneyCell(amount-fee), textCell(e.FeePlan), standing)
		r.Rows = append(r.Rows, row)
	}
	slices.Sort(names)
	for _, mid := range names {
		for i, standing := range []Cell{labelCell("paid", "已结算"), labelCell("due", "待结算")} {
			sums := merchants[mid][i]
			row := append(append([]Cell{textCell(mid)}, blank(len(whose()))...), moneyCell(sums[0]), moneyCell(sums[1]), moneyCell(sums[2]), textCell(""), standing)
			r.Totals = append(r.Totals, row)
		}
	}
	return r
}

// Clearing is the acquirer's lines of each business date as they go to be cleared: what was approved, on which side it counts.
func Clearing(acquirer *host.View, f ReportFilter) *Report {
	r := &Report{Name: "clearing", Title: heading("clearing file", "清算文件"),
		Columns: append(append([]Column{textColumn("merchant", "MERCHANT", "商户号")}, whose()...), textColumn("type", "TYPE", "卡类型"), textColumn("code", "MCC", "商户类别"), textColumn("side", "SIDE", "借贷"),
			amountColumn("debit", "DEBIT", "借记"), amountColumn("credit", "CREDIT", "贷记"))}
	days := map[string]*[2]int64{}
	var dates []string
	for _, e := range clearedLines(acquirer, f) {
		n, side := brought(e), labelCell("debit", "借记")
		if n < 0 {
			side = labelCell("credit", "贷记")
		}
		if days[e.BusinessDate] == nil {
			days[e.BusinessDate] = &[2]int64{}
			dates = append(dates, e.BusinessDate)
		}
		days[e.BusinessDate][0] += max(0, n)
		days[e.BusinessDate][1] += max(0, -n)
		r.Rows = append(r.Rows, append(append([]Cell{textCell(e.Key.MID)}, identify(e)...), textCell(string(e.CardType)), textCell(e.MerchantCode), side,
			moneyCell(n).shown(n > 0), moneyCell(-n).shown(n < 0)))
	}
	for _, date := range dates {
		row := append([]Cell{labelCell("total", "合计"), textCell(date)}, blank(len(whose())+2)...)
		r.Totals = append(r.Totals, append(row, moneyCell(days[date][0]), moneyCell(days[date][1])))
	}
	return r
}

// Differences is the items that are open, of all parties whose views are given, by name.
func Differences(views map[string]*host.View, f ReportFilter) *Report {
	r := &Report{Name: "differences", Title: heading("open differences", "未了差错"),
		Columns: append(append([]Column{textColumn("party", "PARTY", "登记方"), textColumn("owner", "OWNER", "责任方"), textColumn("deadline", "DEADLINE", "期限"), textColumn("merchant", "MERCHANT", "商户号")}, whose()...),
			amountColumn("amount", "AMOUNT", "金额"), textColumn("reason", "REASON", "原因"))}
	total := int64(0)
	for _, party := range chain {
		v := views[party]
		if v == nil {
			continue
		}
		for _, e := range v.Differences() {
			if !f.takes(e) {
				continue
			}
			d := e.Difference
			total += d.Amount
			r.Rows = append(r.Rows, append(append([]Cell{textCell(party), textCell(d.Owner), textCell(d.Deadline), textCell(e.Key.MID)}, identify(e)...), moneyCell(d.Amount), textCell(d.Reason)))
		}
	}
	if len(r.Rows) > 0 {
		r.Totals = [][]Cell{append(append([]Cell{labelCell("total", "合计")}, blank(3+len(whose()))...), moneyCell(total), textCell(""))}
	}
	return r
}

// Contracts says by which plan a terminal's merchant has agreed to pay.
type Contracts func(mid, tid string) *host.FeePlan

// Contracts are those of the library's terminals; who is in no profile has agreed on the standard.
func (l *Library) Contracts() Contracts {
	return func(mid, tid string) *host.FeePlan {
		for _, p := range l.terminals {
			if p.TID == tid && p.MID == mid && l.plans[p.FeePlan] != nil {
				return l.plans[p.FeePlan].FeePlan
			}
		}
		return host.StandardPlan()
	}
}

// FeeAudit compares the fee of each transaction that was paid with what the contract says of it. It asks nobody: a plan by which a fee
// was taken may be another merchant's.
func FeeAudit(acquirer *host.View, contracts Contracts, f ReportFilter) *Report {
	r := &Report{Name: "fees", Title: heading("fee audit", "手续费稽核"),
		Columns: append(append([]Column{textColumn("merchant", "MERCHANT", "商户号")}, whose()...), textColumn("type", "TYPE", "卡类型"), textColumn("code", "MCC", "商户类别"), textColumn("booked", "BOOKED FOR", "入账商户"),
			amountColumn("amount", "AMOUNT", "金额"), textColumn("plan", "PLAN", "费率方案"), amountColumn("fee", "FEE", "手续费"), textColumn("contract", "CONTRACT", "合同方案"), amountColumn("due", "DUE", "应收"), amountColumn("difference", "DIFFERENCE", "差额"))}
	var sums [3]int64
	for _, e := range acquirer.Transactions {
		if e.FeePlan == "" || !f.takes(e) {
			continue
		}
		p := contracts(e.Key.MID, e.Key.TID)
		due := p.Of(e.CardType, e.FeeOf)
		for i, n := range []int64{e.Fee, due, e.Fee - due} {
			sums[i] += n
		}
		r.Rows = append(r.Rows, append(append([]Cell{textCell(e.Key.MID)}, identify(e)...), textCell(string(e.CardType)), textCell(e.MerchantCode), textCell(e.MerchantName),
			moneyCell(e.FeeOf), textCell(e.FeePlan), moneyCell(e.Fee), textCell(p.Name), moneyCell(due), moneyCell(e.Fee-due)))
	}
	if len(r.Rows) > 0 {
		r.Totals = [][]Cell{append(append([]Cell{labelCell("total", "合计")}, blank(len(whose())+3)...),
			Cell{Empty: true}, textCell(""), moneyCell(sums[0]), textCell(""), moneyCell(sums[1]), moneyCell(sums[2]))}
	}
	return r
}

// HostViews is what the logs of these stores say, by party; torn lists those whose last record is half written and left out.
func (s *Stores) HostViews() (views map[string]*host.View, torn []string, err error) {
	views = map[string]*host.View{}
	for _, l := range s.Logs {
		v, err := host.Recover(l.Data)
		if err != nil {
			return nil, nil, placed(l, err)
		}
		if v.Bytes < len(l.Data) {
			torn = append(torn, l.Place)
		}
		views[l.Party] = v
	}
	return views, torn, nil
}

// Differing counts the rows of a fee audit in which a fee is not what it should be; 0 of other reports.
func (r *Report) Differing() (n int) {
	at := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == "difference" })
	for _, row := range r.Rows {
		if at >= 0 && row[at].Money != 0 {
			n++
		}
	}
	return n
}
