package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/host"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

func (a *app) hostItemsCommand() *cobra.Command {
	var f adminFlags
	var lang language
	c := &cobra.Command{
		Use: "items", Short: "what is open at a running host, and who has to settle it until when", Args: none,
		Long: `items lists every open item of a running host: at which party, of which terminal and trace number, what differs, the amount, how far it
has come, its owner and deadline, how old it is, why, and what proves the sale. Nothing open is no failure.`,
		Example: "  posim host items\n  posim host items --lang zh\n  posim host items --admin 127.0.0.1:9001 --json",
		RunE: func(*cobra.Command, []string) error {
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				all, err := client.Differences(ctx)
				var s strings.Builder
				for i := range all {
					d := &all[i]
					fmt.Fprintf(&s, wordSays.in(lang)+"\n", placeLine(d.Party, d.Key, lang), itemLine(&d.Item, d.Age, lang))
				}
				if len(all) == 0 {
					s.WriteString(wordNothingOpen.in(lang) + "\n")
				}
				return struct {
					Items []host.DifferenceItem `json:"items"`
				}{all}, s.String(), err
			})
		},
	}
	f.add(c)
	langFlag(c, &lang)
	return c
}

func (a *app) hostAlarmsCommand() *cobra.Command {
	var f adminFlags
	var lang language
	c := &cobra.Command{
		Use: "alarms", Short: "what a running host has told people, oldest first", Args: none,
		Long: `alarms lists what the parties of a running host have told people: each item when it opened and each time it moved, refused reversals,
sales that look like duplicates, accounts that were overdrawn. It is read from the logs, so a restart forgets nothing; the newest
1000 are shown. Times are UTC.`,
		Example: "  posim host alarms\n  posim host alarms --lang zh\n  posim host alarms --json",
		RunE: func(*cobra.Command, []string) error {
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				page, err := client.Alarms(ctx)
				var s strings.Builder
				if page.Earlier > 0 {
					fmt.Fprintf(&s, wordEarlier.in(lang)+"\n", page.Earlier)
				}
				for i := range page.Alarms {
					r := &page.Alarms[i]
					fmt.Fprintf(&s, "%s "+wordSays.in(lang)+"\n", r.At.UTC().Format(time.DateTime), placeLine(r.Party, r.Key, lang), alarmLine(r, lang))
				}
				if len(page.Alarms) == 0 {
					s.WriteString(wordNoAlarm.in(lang) + "\n")
				}
				return page, s.String(), err
			})
		},
	}
	f.add(c)
	langFlag(c, &lang)
	return c
}

func (a *app) hostDeskCommand() *cobra.Command {
	var f adminFlags
	var lang language
	var o host.DeedOrder
	var account string
	c := &cobra.Command{
		Use: "desk DEED", Short: "have something done about a transaction, a merchant or a terminal of a running host", Args: exactly("DEED"),
		Long: `desk is what people behind a desk do. Once it is answered it is durable, and a restart keeps it; how things stand then is printed.

About a transaction, named by --terminal and --stan, or by --rrn:
  adjust        give the money back to the cardholder: an item with too much on our side
  claim         ask the cardholder's bank for what is missing
  charge-back   at the issuer: the cardholder disputes the sale
  represent     ask for a charged-back sale again, with its slip
  write-off     bear what is missing
  release       let a sale that risk control holds be paid out
  return        give such a sale back to the cardholder
  reverse       undo what a terminal that is gone cannot reverse itself
About a merchant: correct-account, with --merchant and --account (open, wrong, closed, frozen): where he is paid from now on.
About a terminal, with --terminal: suspend, lift, and opened, which reports that its case was opened.

The exit status is 0 when it is done (or was already), 1 when the host refuses it, with the reason, or is not there, 2 when the
arguments make no sense.`,
		Example: `  posim host desk charge-back --terminal SIM00001 --stan 000002 --reason 'goods never came'
  posim host desk adjust --rrn 606114000001 --reason 'the terminal never had it' --json
  posim host desk correct-account --merchant SIM000000000001 --account open
  posim host desk suspend --terminal SIM00001
  posim host desk lift --terminal SIM00001 --lang zh`,
		ValidArgs: deedNames(),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Do, o.Account = args[0], host.Standing(account)
			if len(o.STAN) > 6 || strings.Trim(o.STAN, "0123456789") != "" {
				return misuse("host: --stan %.20q: want up to six digits", o.STAN)
			}
			if o.STAN != "" {
				o.STAN = strings.Repeat("0", 6-len(o.STAN)) + o.STAN
			}
			if err := o.Check(); err != nil {
				return misuse("host: %w", err)
			}
			return a.askHost(&f, func(ctx context.Context, client *host.AdminClient) (any, string, error) {
				r, err := client.Deed(ctx, o)
				if refused := (*host.OrderError)(nil); errors.As(err, &refused) {
					err = refused.Err // the arguments make sense, and the items do not allow it
				}
				return r, deedLine(&r, lang), err
			})
		},
	}
	f.add(c)
	langFlag(c, &lang)
	c.Flags().StringVar(&o.TID, "terminal", "", "the terminal's number `TID`")
	c.Flags().StringVar(&o.STAN, "stan", "", "system trace audit number `STAN`, up to six digits")
	c.Flags().StringVar(&o.RRN, "rrn", "", "retrieval reference number `RRN`")
	c.Flags().StringVar(&o.Batch, "batch", "", "batch `NUMBER`, where the trace numbers have come round")
	c.Flags().StringVar(&o.Date, "date", "", "the terminal's date `MMDD`, where they have come round")
	c.Flags().StringVar(&o.Reason, "reason", "", "`TEXT` that is kept with it and goes to the other side")
	c.Flags().StringVar(&o.MID, "merchant", "", "the merchant's number `MID`")
	c.Flags().StringVar(&account, "account", "", "how the `ACCOUNT` stands that he is paid to: "+strings.Join(host.Standings(), ", "))
	return c
}

// deedNames are all deeds.
func deedNames() []string { return append(host.Deeds(), host.PlainDeeds()...) }

var (
	wordSays        = word{"%s: %s", "%s:%s"}
	wordNothingOpen = word{"nothing is open", "没有待处理差错"}
	wordNoAlarm     = word{"no alarm", "没有告警"}
	wordEarlier     = word{"%d earlier ones are left out", "更早的%d条未列出"}
	wordOwner       = word{"%s until %s", "%s须在%s前处理"}
	wordAge         = word{"%d days old", "已%d天"}
	wordBearer      = word{"borne by %s", "由%s承担"}
	wordAnswered    = word{"the reversal is refused with %s, and repeated", "冲正被拒绝(%s),继续重发"}
	wordDuplicate   = word{"possible duplicate: the same card, amount and merchant", "疑似重复交易:同卡、同金额、同商户"}
	wordOverdrawn   = word{"the account is overdrawn", "账户已透支"}
	wordSuspended   = word{"suspended: its case was opened again and again: %s", "机壳多次被打开,已暂停交易:%s"}
	wordHold        = word{"hold %s", "风控冻结:%s"}
	wordPaidTo      = word{"merchant %s is paid to %s", "商户%s收款账户:%s"}
)

// itemTypes are the types of items, and itemStages how far they have come.
var itemTypes = map[host.ItemType]string{
	host.ReversalRefused: "冲正被拒", host.HostOnly: "主机有、终端批次无", host.AmountMore: "主机金额多于终端批次", host.SwitchOnly: "转接有、收单无",
	host.TerminalOnly: "终端批次有、主机无", host.AmountLess: "主机金额少于终端批次", host.AcquirerOnly: "收单有、转接无", host.SwitchLess: "转接金额少于收单",
	host.RefundUncovered: "退货无款可扣", host.Dispute: "持卡人争议", host.AdviceRefused: "代授权通知被拒", host.FeeDiffers: "手续费不符",
	host.ReturnedPayout: "出款退票", host.OfflineRefused: "脱机交易上送被拒", host.ReversedByHand: "人工冲正", host.HeldBack: "风控退回",
	host.NotPassedOn: "二级清算方未转付", host.RefundNetted: "退货垫款待扣回", host.PurseClaimed: "电子现金持卡人索赔",
}

var itemStages = map[host.ItemStage]string{
	host.ItemOpen: "待处理", host.ItemAdjusted: "已贷记调整", host.ItemClaimed: "已请款", host.ItemAccepted: "对方已接受", host.ItemRefused: "请款被拒",
	host.ItemChargedBack: "已退单", host.ItemRepresented: "已再请款", host.ItemChargedBackAgain: "已二次退单", host.ItemLost: "已计损失", host.ItemClosed: "已关闭",
}

var holdStates = map[host.HoldState]string{host.HoldHeld: "冻结中", host.HoldReleased: "已释放", host.HoldReturned: "已退回"}

var transactionStates = map[host.State]string{
	host.Pending: "待定", host.Approved: "已批准", host.Declined: "已拒绝", host.Reversed: "已冲正", host.Tombstone: "仅有冲正",
}

// nameIn is a name that programs know in English, or what it means in Chinese.
func nameIn[K interface {
	comparable
	fmt.Stringer
}](k K, chinese map[K]string, lang language) string {
	if zh := chinese[k]; zh != "" && terminal.Lang(lang) == terminal.Chinese {
		return zh
	}
	return k.String()
}

func partyIn(party string, lang language) string { return scenario.PartyIn(party, terminal.Lang(lang)) }

// placeLine is at whom, and which transaction.
func placeLine(party string, k dialect.Key, lang language) string {
	return strings.TrimRight(fmt.Sprintf("%s %s %s", partyIn(party, lang), k.TID, k.STAN), " ")
}

// itemLine is an item for people; without an age it is not of today.
func itemLine(i *host.Item, age int, lang language) string {
	parts := []string{nameIn(i.Type, itemTypes, lang), scenario.Money(i.Amount).String(), nameIn(i.Stage, itemStages, lang)}
	if i.Bearer != "" {
		parts = append(parts, fmt.Sprintf(wordBearer.in(lang), partyIn(i.Bearer, lang)))
	}
	if i.Open() {
		parts = append(parts, fmt.Sprintf(wordOwner.in(lang), partyIn(i.Owner, lang), i.Deadline))
		if age != noAge {
			parts = append(parts, fmt.Sprintf(wordAge.in(lang), age))
		}
	}
	if i.Reason != "" {
		parts = append(parts, scenario.NoteIn(i.Reason, terminal.Lang(lang)))
	}
	if n := len(i.History); n > 0 && i.History[n-1].Why != "" && i.History[n-1].Why != i.Reason {
		parts = append(parts, scenario.NoteIn(i.History[n-1].Why, terminal.Lang(lang)))
	}
	if i.Evidence != "" {
		parts = append(parts, i.Evidence)
	}
	return strings.Join(parts, word{", ", ","}.in(lang))
}

const noAge = -1

// alarmLine is what people were told.
func alarmLine(r *host.AlarmReport, lang language) string {
	switch r.Kind {
	case host.AlarmItem:
		return itemLine(r.Item, noAge, lang)
	case host.AlarmDuplicate:
		return wordDuplicate.in(lang)
	case host.AlarmReversal:
		return fmt.Sprintf(wordAnswered.in(lang), r.Code)
	case host.AlarmSuspended:
		return fmt.Sprintf(wordSuspended.in(lang), r.Why)
	case host.AlarmOverdrawn:
		if terminal.Lang(lang) == terminal.Chinese || r.Text == "" {
			return wordOverdrawn.in(lang)
		}
	}
	return r.Text
}

// deedLine is how things stand after a deed.
func deedLine(r *host.DeedReport, lang language) string {
	switch {
	case r.Terminal != nil:
		return terminalLine(r.Terminal)
	case r.Key == nil:
		return fmt.Sprintf(wordPaidTo.in(lang), r.MID, r.Account) + "\n"
	}
	parts := []string{nameIn(r.State, transactionStates, lang)}
	if r.Risk != nil {
		parts = append(parts, fmt.Sprintf(wordHold.in(lang), nameIn(r.Risk.State, holdStates, lang)))
	}
	if r.Item != nil {
		parts = append(parts, itemLine(r.Item, noAge, lang))
	}
	return fmt.Sprintf(wordSays.in(lang)+"\n", placeLine(r.Party, *r.Key, lang), strings.Join(parts, word{"; ", ";"}.in(lang)))
}
