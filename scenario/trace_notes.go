package scenario

import (
	"regexp"

	"github.com/posim/posim/terminal"
)

// Notes are what hosts write beside a decision or an item, in English. What they write by themselves has its Chinese here; what people
// have written, the reason of a deed or of a rule, is in their own words in every language.

// chineseNotes are notes as a whole.
var chineseNotes = map[string]string{
	"a copy was refused":                         "重复请求被拒",
	"a later file has it":                        "后续文件已补齐",
	"advice without a cryptogram":                "通知缺少密文",
	"an adjustment of what is not known here":    "调整的原交易不存在",
	"an advice is not reversed":                  "通知类交易不能冲正",
	"another adjustment is being decided":        "另一笔调整正在处理",
	"answer from above about something else":     "上级应答与请求不符",
	"approval from above not taken":              "上级的批准未被接受",
	"by contract":                                "按合同约定",
	"claimed":                                    "已请款",
	"forced sale without an authorisation":       "离线结算缺少授权码",
	"it has been completed":                      "已完成预授权",
	"it has been refunded":                       "已退货",
	"it has been settled as a difference":        "已按差错处理",
	"it has been voided":                         "已撤销",
	"it has not passed on what it was paid":      "未转付所收款项",
	"its amount has been adjusted":               "金额已调整",
	"its terminal has reversed it, too":          "终端也已冲正",
	"laid out until the merchant's next payouts": "已垫付,待下次出款扣回",
	"less than the sale":                         "少于原消费金额",
	"no PIN":                                     "未输入密码",
	"no sale that stands":                        "没有有效的消费",
	"no such account":                            "无此账户",
	"no such original":                           "无原交易",
	"no such transaction":                        "无此交易",
	"not a purchase":                             "不是消费类交易",
	"not enough funds":                           "余额不足",
	"other authorisation":                        "授权码不符",
	"other card":                                 "卡号不符",
	"other card sequence number":                 "卡序列号不符",
	"other currency":                             "币种不符",
	"overdrawn: the money of the void was spent": "透支:撤销退回的款项已被用掉",
	"paid":                                        "已出款",
	"PIN block does not decode":                   "密码无法解密",
	"reversed":                                    "已冲正",
	"reversed after all":                          "最终已冲正",
	"taken from the merchant's payouts":           "已从商户出款扣回",
	"the account is closed":                       "账户已销户",
	"the account is frozen":                       "账户已冻结",
	"the aggregator has paid after all":           "二级清算方最终已转付",
	"the cardholder was charged nothing":          "持卡人未被扣款",
	"the deadline":                                "到期规则",
	"the desk":                                    "人工处理",
	"the dispute is over":                         "退单已了结",
	"the merchant cannot be charged for a refund": "无法从商户扣回退货款",
	"the next hop does not know yet":              "上级尚未有结果",
	"the next hop refused our keys":               "上级拒绝本方密钥",
	"the next hop refused our MAC":                "上级校验MAC失败",
	"the original is not decided":                 "原交易尚无结果",
	"the owner agreed when it had been cancelled: given back":     "撤单后用户才确认:款已退回",
	"the sale has not been paid out: its next payout is less":     "该消费尚未出款:下次出款将扣减",
	"the switch has it, and we do not":                            "转接清算机构有,本方无",
	"the switch has less":                                         "转接清算机构金额较少",
	"the switch does not have it":                                 "转接清算机构没有",
	"the switch stood in":                                         "转接清算机构代授权",
	"the terminal has it, and we do not":                          "终端有,本方无",
	"the terminal has not said what it has":                       "终端尚未说明其记录",
	"the terminal is suspended":                                   "终端已暂停交易",
	"the terminal's batch does not have it":                       "终端批次中没有",
	"the terminal's batch has it, too":                            "终端批次中也有",
	"the terminal's batch has less":                               "终端批次金额较少",
	"the terminal's batch has more":                               "终端批次金额较多",
	"only the terminal's batch has it":                            "仅终端批次中有",
	"the card is still debited":                                   "卡片仍处于已扣款状态",
	"reversal refused by the next hop: the card is still debited": "上级拒绝冲正:卡片仍处于已扣款状态",
	"the terminal's batch and the switch have it":                 "终端批次和转接清算机构都有",
	"approved": "已批准", "declined": "已拒绝", "tombstone": "仅有冲正记录", "pending": "处理中",
	"there is an item already": "已有差错记录",
}

// chineseForms are notes with something in them; $1 and $2 are notes of their own.
var chineseForms = []struct {
	form *regexp.Regexp
	zh   string
}{
	{regexp.MustCompile(`^given back by (.+)$`), "由$1退回"},
	{regexp.MustCompile(`^the desk: (.+)$`), "人工处理($1)"},
	{regexp.MustCompile(`^reversed by hand: (.+)$`), "手工冲正:$1"},
	{regexp.MustCompile(`^payout returned: (.+)$`), "出款退票:$1"},
	{regexp.MustCompile(`^long item: (.+)$`), "长款:$1"},
	{regexp.MustCompile(`^short item: (.+)$`), "短款:$1"},
	{regexp.MustCompile(`^clearing: (.+)$`), "清算:$1"},
	{regexp.MustCompile(`^reversal refused: (.+)$`), "冲正被拒:$1"},
	{regexp.MustCompile(`^(.+); here it is (.+)$`), "$1;本方为$2"},
	{regexp.MustCompile(`^approved offline, refused with (\S+)$`), "脱机批准,上送被拒($1)"},
	{regexp.MustCompile(`^approved in the issuer's place, and the issuer refused it: (.+)$`), "代授权批准,发卡行拒绝:$1"},
	{regexp.MustCompile(`^the reversal was refused with (\S+) until the day was over: (.+)$`), "日终前冲正一直被拒($1):$2"},
	{regexp.MustCompile(`^the original is a (.+)$`), "原交易为$1"},
	{regexp.MustCompile(`^the account is (.+)$`), "账户状态:$1"},
}

// noteInChinese is a note in Chinese, as far as it is not in somebody's own words.
func noteInChinese(text string) string {
	if both, there := words["note "+text]; there {
		return both.In(terminal.Chinese)
	}
	if zh, there := chineseNotes[text]; there {
		return zh
	}
	for _, f := range chineseForms {
		m := f.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		return dollar.ReplaceAllStringFunc(f.zh, func(group string) string { return note(m[group[1]-'0'], terminal.Chinese) })
	}
	return text
}

var dollar = regexp.MustCompile(`\$[12]`)
