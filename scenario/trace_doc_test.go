package scenario

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// complaints are what merchants say, and the scenarios that answer it, by their numbers or ids.
var complaints = []struct {
	zh, en    string
	scenarios string
}{
	{"刷卡成功,钱没到账 / 未到账资金在哪里", "the sale went through, the money has not come", "W01 W02 W30 W32 W33 W34 W54"},
	{"网络连接不稳定或中断、传输延迟、数据未能及时上传", "the network is unstable or down, data did not get through", "W03 W04 W05 W06 W07 W08 W13 W14"},
	{"系统延迟或故障、系统响应慢、高峰期、网络拥堵", "the system is slow or fails", "W05 W15 W16 W37 W56"},
	{"银行扣款失败、银行处理延迟、银行系统问题", "the bank's debit failed, or is late", "W02 W15 W16 W17"},
	{"交易成功但资金被退回", "the sale succeeded, and the money went back", "W04 W17 W21 W29 W31 W42 W47"},
	{"卡款两分离、卡已扣款终端不成功(单边账)", "the card was debited and the terminal says no", "W04 W09 W16 W30 W56"},
	{"商户未发送清算码、资金未实际划出、预授权未完成", "nobody captured it; a pre-authorisation was not completed", "W26 W27"},
	{"收款方账户信息错误、账户冻结、出款失败", "the merchant's account is wrong or frozen", "W32"},
	{"账户异常、大额或疑似欺诈被冻结、延迟到账", "frozen or delayed by risk control", "W33"},
	{"6万元未到账", "60,000 yuan have not arrived", "W33"},
	{"1元到不了账", "one yuan does not arrive", "W40"},
	{"手续费、费率、封顶不对", "the fee, the rate or the cap is wrong", "W34 W40"},
	{"跳码、一清/二清、第三方中间环节", "wrong merchant code, second-clearing, an aggregator between", "W34"},
	{"违规操作、频繁拆机、交易权限被暂停", "the terminal was disabled", "W35"},
	{"商户录入错误、金额输错、退款操作不当", "the clerk typed it wrong, or refunded wrongly", "W19 W20 W21 W22 W44"},
	{"卡号、密码输入错误,卡过期、冻结、挂失、额度不足", "wrong PIN, expired, blocked or lost card, over the limit", "W02 W12"},
	{"重复刷卡、重复扣款", "swiped twice, debited twice", "W07 W22 W36 W43"},
	{"终端硬件或软件故障、掉电、打印机缺纸", "the terminal failed, lost its power or its paper", "W09 W10 W12 W36"},
	{"系统维护、升级窗口、要求重新签到", "maintenance, updates, sign on again", "W11 W15 W37 W38 W45"},
	{"接口对接不稳定、校验错(MAC错)", "the interface is unstable, check values are wrong", "W11 W18 W37 W49"},
	{"第三方机构限制", "a third party limits it", "W33 W35"},
	{"对账不平、长款、短款、差错处理", "batches differ; long and short items", "W28 W29 W30 W31 W48"},
	{"脱机交易、离线上送失败", "offline sales and their upload", "W23 W24 W25 W54 W55"},
	{"闪卡、电子现金已扣款而交易未完成", "a purse was debited, and the tap did not end", "W55"},
	{"退货款没到、退款在哪里", "where the refund is", "W21 W22 W52"},
	{"扫码支付中、扫码已扣款", "a code payment is unknown", "W41"},
	{"预授权冻结的钱什么时候退", "when a hold is freed", "W26 W27"},
	{"部分批准、小费", "approved in part; tips", "W50 W51"},
	{"退单、调单、电子签名丢失", "chargebacks, and signatures that are lost", "W53"},
	{"换机、备用机、流水号重复", "another terminal, numbers used twice", "W36 W46"},
	{"日切、清算之后才冲正", "cut-over; a reversal after the file", "W42 W47"},
	{"查询交易状态", "asking what became of a transaction", "W39"},
}

const documentHead = `<!-- Written by go test ./scenario -run Trace -update from the scenarios and their runs. Change those, not this file. -->

# Where is the money? 钱在哪里?

The card was charged and the money did not arrive. Each scenario here is a file that posim runs, and what stands below it is what the run has left: what the terminal showed, what went over the wire, who held the money when, and what ` + "`posim trace`" + ` answers from the records. Find your complaint in the index, or ask about a transaction of your own: ` + "`posim trace --data DIR --stan 000123`" + `.

卡已扣款而钱未到账。以下每个场景都是可运行的脚本;所列内容均来自实际运行:终端显示、报文往来、各方资金变化,以及 ` + "`posim trace --lang zh`" + ` 根据记录给出的答复。请先在索引中查找您的问题。

Amounts are in the terminal's currency; minus means out of pocket. 金额单位为终端币种;负数表示已付出。

| end 结局 | meaning 含义 |
|---|---|
| F0 | nobody was charged 从未扣款 |
| F1 | paid: the merchant has it 已到账 |
| F2 | charged and returned 扣款后已退回 |
| F3 | held: with a party that has a name 暂存于某一方 |
| FX | a loss that a named party bears 由某一方承担损失 |

## Index by complaint 按问题查找

| 问题 | complaint | scenarios 场景 |
|---|---|---|
`

// TestTraceDocument writes docs/where-is-the-money.md from the scenarios and their runs, or finds it to be what they say.
func TestTraceDocument(t *testing.T) {
	l, scripts := merchants(t)
	var b strings.Builder
	b.WriteString(documentHead)
	for _, c := range complaints {
		var links []string
		for _, n := range strings.Fields(c.scenarios) {
			for _, s := range scripts {
				if _, rest, ok := strings.Cut(s.ID, n); ok && (rest == "" || rest[0] > '9') {
					links = append(links, fmt.Sprintf("[%s](#%s)", s.ID, strings.ToLower(s.ID)))
				}
			}
		}
		if len(links) == 0 {
			links = []string{"not played yet 尚无"}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.zh, c.en, strings.Join(links, " "))
	}
	b.WriteString("\n## Scenarios 场景\n")
	for _, s := range scripts {
		chapter(t, &b, l, s)
	}
	compareGolden(t, "../docs/where-is-the-money.md", b.String())
}

// told is what a run showed and sent.
type toldRun struct {
	screens [2][]string // English, Chinese
	wire    []string
	over    bool
}

// routine are screens that every sale has.
var routine = regexp.MustCompile(`^(STARTING|SIGNING ON|SIGNED ON|PLEASE INSERT CARD|AMOUNT |ENTER PIN|READING CARD|CONNECTING|PLEASE WAIT|PLEASE REMOVE CARD|.*INSERT OR SWIPE|.*ENTER: )`)

var (
	sentCode   = regexp.MustCompile(`^(\d{4}) ([0-9A-Z]{2})\b`)
	sentReason = regexp.MustCompile(`^(\d{4}) .*reason ([0-9A-Z]{2})`)
)

func (r *toldRun) take(x Line) {
	switch {
	case x.Kind == "judge":
		r.over = true
	case r.over:
	case x.Kind == "screen" && !routine.MatchString(x.Text):
		if n := len(r.screens[0]); n > 0 && r.screens[0][n-1] == x.Text {
			return
		}
		r.screens[0], r.screens[1] = append(r.screens[0], x.Text), append(r.screens[1], x.In(terminal.Chinese))
	case x.Kind == "wire":
		r.wire = append(r.wire, short(x))
	case x.Kind == "fault":
		r.wire = append(r.wire, "✗ "+x.Text)
	}
}

// short is a message as MTI and code or reason.
func short(x Line) string {
	mti, _, _ := strings.Cut(x.Text, " ")
	if m := sentCode.FindStringSubmatch(x.Text); m != nil {
		mti = m[1] + "/" + m[2]
	} else if m := sentReason.FindStringSubmatch(x.Text); m != nil {
		mti = m[1] + "/" + m[2]
	}
	return x.Dir + " " + mti
}

// chapter is one scenario.
func chapter(t *testing.T, b *strings.Builder, l *Library, s *Script) {
	t.Helper()
	run, stores, end := playedFirst(t, l, s)
	d, err := stores.Read()
	if err != nil {
		t.Fatal(err)
	}
	title := strings.TrimPrefix(s.Name, s.ID+" ")
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n\n### %s %s · %s\n\n%s.\n\n", strings.ToLower(s.ID), s.ID, title, s.Zh, capital(strings.TrimSuffix(s.About, ".")))
	fmt.Fprintf(b, "| | |\n|---|---|\n| file 脚本 | [%s](../testdata/scenarios/%s) |\n", s.File, s.File)
	fmt.Fprintf(b, "| injected 注入 | %s |\n", orElse(injected(s), "nothing 无"))
	fmt.Fprintf(b, "| terminal shows | %s |\n", orElse(cells(run.screens[0]), "nothing new"))
	fmt.Fprintf(b, "| 终端显示 | %s |\n", orElse(cells(run.screens[1]), "无"))
	fmt.Fprintf(b, "| wire 报文 | %s |\n", orElse(cells(run.wire), "none 无"))
	fmt.Fprintf(b, "| end 结局 | %s |\n\n", end)
	if table := moneyTable(d); table != "" {
		fmt.Fprintf(b, "```\n%s```\n\n", table)
	}
	for _, lang := range []terminal.Lang{terminal.English, terminal.Chinese} {
		b.WriteString("```\n")
		for i, f := range d.Find(Query{}) {
			if i > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintln(b, f.Heading(lang))
			f.writeAnswer(b, lang)
		}
		if d.Count() == 0 {
			b.WriteString(label(lang, "No transaction is on record.", "没有任何交易记录。") + "\n")
		}
		b.WriteString("```\n\n")
	}
	fmt.Fprintf(b, "Every record 全部记录: [en](../testdata/traces/%s.en.txt), [zh](../testdata/traces/%s.zh.txt)\n", s.ID, s.ID)
}

// playedFirst is the first run of a script: what it told, what it left, and how it ended.
func playedFirst(t *testing.T, l *Library, s *Script) (run toldRun, stores *Stores, end string) {
	t.Helper()
	first := *s
	if !s.Each.Power {
		all, err := l.variants(s, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		first = *all[0]
	}
	out := l.once(&first, Options{Seed: 1, Story: run.take, Keep: func(_ string, s *Stores) { stores = s }})
	return run, stores, out.end
}

func orElse(s, nothing string) string {
	if s == "" {
		return nothing
	}
	return s
}

// cells joins what stands in one cell of a table.
func cells(all []string) string {
	var out []string
	for i, s := range all {
		if i > 0 && all[i-1] == s {
			continue
		}
		out = append(out, "`"+strings.NewReplacer("|", "/", "`", "'").Replace(s)+"`")
	}
	return strings.Join(out, " ")
}

// injected lists the faults of a script and of its steps.
func injected(s *Script) string {
	var all []string
	for _, f := range s.Faults {
		all = append(all, f.String())
	}
	for _, st := range s.Steps {
		for _, f := range st.Faults {
			all = append(all, f.String())
		}
	}
	return cells(all)
}

// moneyTable is every position at every second in which money moved.
func moneyTable(d *Dossier) string {
	type moved struct {
		at    time.Time
		posts []host.Posting
	}
	var all []moved
	for _, t := range d.all {
		if t.debit > 0 { // on no log: the card has it
			all = append(all, moved{t.opened(), []host.Posting{{From: host.PositionPurse, To: host.PositionPursePool, Amount: t.debit}}})
		}
		for _, c := range d.history(t) {
			if len(c.posts) > 0 {
				all = append(all, moved{c.at, c.posts})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b moved) int { return a.at.Compare(b.at) })
	var columnsAt []time.Time
	var states []map[string]int64
	sum := map[string]int64{}
	for i, m := range all {
		for _, p := range m.posts {
			sum[p.From] -= p.Amount
			sum[p.To] += p.Amount
		}
		if i+1 < len(all) && all[i+1].at.Truncate(time.Second).Equal(m.at.Truncate(time.Second)) {
			continue
		}
		now := map[string]int64{}
		for p, n := range sum {
			now[p] = n
		}
		columnsAt, states = append(columnsAt, m.at), append(states, now)
	}
	if len(all) == 0 {
		return ""
	}
	return drawMoney(columnsAt, states, sum)
}

const (
	moneyName   = 24
	moneyColumn = 16
)

func drawMoney(at []time.Time, states []map[string]int64, ever map[string]int64) string {
	var b strings.Builder
	b.WriteString(padded("money 资金", moneyName) + leftPadded("before 之前", moneyColumn))
	for _, x := range at {
		b.WriteString(leftPadded(x.Format("01-02 15:04:05"), moneyColumn))
	}
	b.WriteByte('\n')
	zero := map[string]int64{}
	for p := range ever {
		zero[p] = 1
	}
	for _, h := range holdings(zero) {
		b.WriteString(padded(PositionIn(h.Position, terminal.English)+" "+PositionIn(h.Position, terminal.Chinese), moneyName) + leftPadded(amount(0), moneyColumn))
		for _, s := range states {
			b.WriteString(leftPadded(amount(s[h.Position]), moneyColumn))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Every scenario of the merchant is in the index.
func TestTraceIndexHasEveryScenario(t *testing.T) {
	_, scripts := merchants(t)
	for _, s := range scripts {
		found := false
		for _, c := range complaints {
			for _, n := range strings.Fields(c.scenarios) {
				_, rest, ok := strings.Cut(s.ID, n)
				found = found || ok && (rest == "" || rest[0] > '9')
			}
		}
		if !found {
			t.Errorf("%s answers no complaint of the index", s.ID)
		}
	}
	if _, err := os.Stat("../docs/where-is-the-money.md"); err != nil {
		t.Error(err)
	}
}
