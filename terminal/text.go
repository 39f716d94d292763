package terminal

import (
	"fmt"
	"maps"
	"strings"
)

// Lang is a language of screens and receipts.
type Lang byte

// The languages.
const (
	English Lang = iota
	Chinese
)

// ParseLang takes "en" or "zh".
func ParseLang(s string) (Lang, error) {
	switch s {
	case "en":
		return English, nil
	case "zh":
		return Chinese, nil
	}
	return 0, fmt.Errorf("terminal: language %q: want en or zh", s)
}

// Text is one line for people, by its key: the same line in every language.
type Text struct {
	Key  Key
	Args []any // in the order of the English text's verbs; the Chinese text uses the same
}

// Key names a text of the catalogue.
type Key string

// In renders the text in a language.
func (t Text) In(l Lang) string {
	e, ok := catalogue[t.Key]
	if !ok {
		panic("terminal: no text for key " + string(t.Key)) // a test walks the catalogue
	}
	form := e.en
	if l == Chinese {
		form = e.zh
	}
	if len(t.Args) == 0 {
		return form
	}
	if l == Chinese {
		args := make([]any, len(t.Args))
		for i, a := range t.Args {
			args[i] = a
			if b, ok := a.(bilingual); ok {
				args[i] = b.zh
			}
		}
		return fmt.Sprintf(form, args...)
	}
	return fmt.Sprintf(form, t.Args...)
}

func say(k Key, args ...any) Text { return Text{k, args} }

// Screen is what the display shows: a few lines.
type Screen []Text

// In renders the screen in a language, a line each.
func (s Screen) In(l Lang) string {
	lines := make([]string, len(s))
	for i, t := range s {
		lines[i] = t.In(l)
	}
	return strings.Join(lines, "\n")
}

// appendKeys appends the keys and arguments of the lines: what a hash of the screen covers, whatever the language.
func appendKeys(dst []byte, lines []Text) []byte {
	for _, t := range lines {
		dst = append(dst, t.Key...)
		for _, a := range t.Args {
			dst = append(dst, ' ')
			if s, ok := a.(string); ok { // nearly all are
				dst = append(dst, s...)
			} else {
				dst = fmt.Append(dst, a)
			}
		}
		dst = append(dst, '\n')
	}
	return dst
}

// Keys is the screen without its language.
func (s Screen) Keys() []byte { return appendKeys(nil, s) }

type entry struct{ en, zh string }

// catalogue is every text of screens and receipts.
var catalogue = merged(texts, txnTexts, batchTexts, paperTexts)

func merged(all ...map[Key]entry) map[Key]entry {
	m := map[Key]entry{}
	for _, texts := range all {
		maps.Copy(m, texts)
	}
	return m
}

// texts are those of a sale, and of what has no file of its own.
var texts = map[Key]entry{
	// screens
	"starting":            {"STARTING", "正在启动"},
	"idle":                {"PLEASE INSERT CARD", "请插卡"},
	"amount":              {"AMOUNT %s", "金额 %s"},
	"sale":                {"SALE %s", "消费 %s"},
	"insert-or-swipe":     {"INSERT OR SWIPE CARD", "请插卡或刷卡"},
	"insert-chip":         {"CHIP CARD: PLEASE INSERT", "芯片卡,请插卡"},
	"insert-again":        {"PLEASE INSERT CARD AGAIN", "请重新插卡"},
	"swipe-instead":       {"PLEASE SWIPE CARD", "请刷卡"},
	"no-fallback":         {"STRIPE NOT ALLOWED FOR CHIP CARD", "芯片卡不允许刷卡"},
	"not-for-goods":       {"NO GOODS OR SERVICES WITH THIS CARD", "此卡不能用于消费"},
	"pin-required":        {"PIN REQUIRED", "必须输入密码"},
	"force-online":        {"ONLINE", "强制联机"},
	"reading":             {"READING CARD", "正在读卡"},
	"choose":              {"CHOOSE APPLICATION", "请选择应用"},
	"candidate":           {"%d %s", "%d %s"},
	"pin":                 {"ENTER PIN", "请输入密码"},
	"pin-again":           {"WRONG PIN, TRY AGAIN", "密码错误,请重新输入"},
	"last-try":            {"LAST PIN TRY", "最后一次密码机会"},
	"stars":               {"%s", "%s"},
	"test-pin-only":       {"TEST PIN ONLY", "仅限测试密码"},
	"wait":                {"PLEASE WAIT", "请稍候"},
	"connecting":          {"CONNECTING", "正在连接"},
	"approved":            {"APPROVED", "交易成功"},
	"approved-offline":    {"APPROVED OFFLINE", "脱机交易成功"},
	"to-be-sent":          {"TO BE SENT", "待上送"},
	"declined":            {"DECLINED %s", "交易拒绝 %s"},
	"declined-offline":    {"DECLINED BY CARD", "卡片拒绝"},
	"code-text":           {"%s", "%s"},
	"card-refused":        {"CARD REFUSED, REVERSING", "卡片拒绝,正在冲正"},
	"timeout":             {"TIME-OUT, REVERSING", "交易超时,正在冲正"},
	"mac-bad":             {"CHECK ERROR, REVERSING", "校验错,正在冲正"},
	"mismatch":            {"WRONG ANSWER, REVERSING", "应答错误,正在冲正"},
	"line-broken":         {"LINE FAILED, REVERSING", "通讯失败,正在冲正"},
	"unfinished":          {"UNFINISHED TRANSACTION, REVERSING", "有未完成交易,正在冲正"},
	"reversing":           {"REVERSING %s", "正在冲正 %s"},
	"reversed":            {"REVERSED", "冲正成功"},
	"reversal-refused":    {"REVERSAL REFUSED, HANDED TO DISPUTE", "冲正被拒,已转差错处理"},
	"reversal-failed":     {"REVERSAL FAILED, TRY LATER", "冲正失败,请稍后"},
	"no-connection":       {"CONNECTION FAILED", "连接失败"},
	"signing-on":          {"SIGNING ON", "正在签到"},
	"signed-on":           {"SIGNED ON", "签到成功"},
	"sign-on-failed":      {"SIGN-ON FAILED", "签到失败"},
	"cancelled":           {"CANCELLED", "交易取消"},
	"remove-card":         {"PLEASE REMOVE CARD", "请取卡"},
	"card-removed":        {"CARD REMOVED TOO EARLY", "卡片提前拔出"},
	"chip-failed":         {"CHIP READ FAILED", "读芯片失败"},
	"stripe-failed":       {"STRIPE READ FAILED", "读磁条失败"},
	"not-accepted":        {"CARD NOT ACCEPTED", "不支持此卡"},
	"card-blocked":        {"CARD BLOCKED", "卡片已锁定"},
	"terminated":          {"TRANSACTION ENDED", "交易中止"},
	"sending-advice":      {"SENDING %d OFFLINE SALES", "正在上送%d笔脱机交易"},
	"advice-sent":         {"OFFLINE SALE SENT", "脱机交易已上送"},
	"advice-refused":      {"OFFLINE SALE REFUSED", "脱机交易被拒"},
	"printing":            {"PRINTING", "正在打印"},
	"paper-out":           {"PAPER OUT, SALE STANDS", "打印机缺纸,交易有效"},
	"no-reader":           {"CHIP READER NOT READY", "芯片读卡器未就绪"},
	"out-of-service":      {"OUT OF SERVICE", "终端停用"},
	"storage-full":        {"STORAGE FULL", "存储已满"},
	"storage-error":       {"STORAGE ERROR", "存储故障"},
	"journal-corrupt":     {"JOURNAL DAMAGED", "流水损坏"},
	"security-error":      {"SECURITY MODULE ERROR", "安全模块故障"},
	"keys-exhausted":      {"KEYS USED UP", "密钥已用尽"},
	"limit":               {"AMOUNT TOO LARGE", "金额超限"},
	"call-bank":           {"CALL YOUR BANK", "请联系发卡行"},
	"service-not-allowed": {"SERVICE NOT ALLOWED BY CARD", "卡片不允许此服务"},
	"retain":              {"KEEP THE CARD, CALL THE BANK", "请没收卡片,联系发卡行"},
	"live-banner":         {"LIVE CARDS: READING ONLY", "真实卡:仅限读取"},
	"live-refused":        {"LIVE CARD REFUSED", "拒绝真实卡"},
	"live-read":           {"LIVE CARD, NOTHING DONE", "真实卡,未做任何操作"},
	"live-number":         {"CARD %s", "卡号 %s"},
	// receipts
	"r-simulation":    {"SIMULATION NO VALUE", "模拟交易 无价值"},
	"r-duplicate":     {"REPRINT", "重打印"},
	"r-merchant-copy": {"MERCHANT COPY", "商户存根"},
	"r-customer-copy": {"CUSTOMER COPY", "持卡人存根"},
	"r-merchant":      {"%s", "%s"},
	"r-mid":           {"MERCHANT %s", "商户编号 %s"},
	"r-tid":           {"TERMINAL %s", "终端编号 %s"},
	"r-sale":          {"SALE", "消费"},
	"r-offline-sale":  {"SALE OFFLINE", "脱机消费"},
	"r-card":          {"CARD %s %s", "卡号 %s %s"},
	"r-label":         {"%s", "%s"},
	"r-aid":           {"AID %s", "AID %s"},
	"r-tvr":           {"TVR %s TSI %s", "TVR %s TSI %s"},
	"r-cryptogram":    {"%s %s", "%s %s"},
	"r-date":          {"DATE %s %s", "日期 %s %s"},
	"r-stan":          {"STAN %s", "凭证号 %s"},
	"r-rrn":           {"RRN %s", "参考号 %s"},
	"r-auth":          {"AUTH %s", "授权码 %s"},
	"r-amount":        {"AMOUNT %s", "金额 %s"},
	"r-entry":         {"%s", "%s"},
	"r-pin":           {"VERIFIED BY ONLINE PIN", "已凭联机密码"},
	"r-offline-pin":   {"VERIFIED BY OFFLINE PIN", "已凭脱机密码"},
	"r-pin-unseen":    {"PIN NOT VERIFIED", "密码未经核验"},
	"r-not-verified":  {"CARDHOLDER NOT VERIFIED", "未核验持卡人"},
	"r-no-cvm":        {"NO CARDHOLDER VERIFICATION", "免密免签"},
	"r-signature":     {"SIGNATURE ______________", "签名 ______________"},
}

// codeText is what a response code means to the person at the terminal (ISO 8583:1987, data element 39).
func codeText(code string) (Text, bool) {
	m, ok := codes[code]
	if !ok {
		return Text{}, false
	}
	return say("code-text", bilingual(m)), true
}

// bilingual is an argument that has its own two languages. It prints as its English text; Text.In puts the Chinese one.
type bilingual entry

func (b bilingual) String() string { return b.en }

var codes = map[string]entry{
	"01": {"REFER TO CARD ISSUER", "请联系发卡行"},
	"02": {"REFER TO CARD ISSUER, SPECIAL", "请联系发卡行(特殊)"},
	"03": {"INVALID MERCHANT", "无效商户"},
	"04": {"PICK UP CARD", "没收卡"},
	"05": {"DO NOT HONOUR", "不予承兑"},
	"12": {"INVALID TRANSACTION", "无效交易"},
	"13": {"INVALID AMOUNT", "无效金额"},
	"14": {"INVALID CARD NUMBER", "无效卡号"},
	"25": {"RECORD NOT FOUND", "未找到原交易"},
	"30": {"FORMAT ERROR", "格式错误"},
	"38": {"PIN TRIES EXCEEDED, PICK UP", "密码错误次数超限,没收卡"},
	"41": {"LOST CARD", "挂失卡"},
	"43": {"STOLEN CARD", "被窃卡"},
	"51": {"INSUFFICIENT FUNDS", "余额不足"},
	"54": {"EXPIRED CARD", "卡片过期"},
	"55": {"WRONG PIN", "密码错误"},
	"57": {"NOT PERMITTED TO CARDHOLDER", "不允许此卡交易"},
	"58": {"NOT PERMITTED TO TERMINAL", "不允许终端交易"},
	"61": {"AMOUNT LIMIT EXCEEDED", "超出金额限制"},
	"62": {"RESTRICTED CARD", "受限制的卡"},
	"65": {"COUNT LIMIT EXCEEDED", "超出次数限制"},
	"68": {"ANSWER TOO LATE, TRY AGAIN", "交易超时,请重试"},
	"75": {"PIN TRIES EXCEEDED", "密码错误次数超限"},
	"77": {"PLEASE SIGN ON", "请重新签到"},
	"88": {"CARD CRYPTOGRAM WRONG", "卡片密文错误"},
	"90": {"CUT-OVER, TRY LATER", "日切,请稍后重试"},
	"91": {"ISSUER NOT AVAILABLE", "发卡行不可用"},
	"92": {"NO ROUTE", "无法路由"},
	"94": {"DUPLICATE", "流水号重复"},
	"96": {"SYSTEM ERROR", "系统故障"},
	"98": {"NO ANSWER, TRY AGAIN", "交易超时,请重试"},
	"99": {"PIN FORMAT ERROR, SIGN ON", "密码格式错,请签到"},
	"A0": {"CHECK ERROR, SIGN ON", "校验错,请重新签到"},
}

// CodeText says what a response code (DE 39) means; false for one without a text.
func CodeText(code string) (Text, bool) { return codeText(code) }

// referral tells whether the issuer wants to be called.
func referral(code string) bool { return code == "01" || code == "02" }

// retained tells whether the code asks to keep the card.
func retained(code string) bool {
	switch code {
	case "04", "38", "41", "43":
		return true
	}
	return false
}
