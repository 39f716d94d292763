package terminal

// paperTexts are the texts of slips beside those of the generic receipt.
var paperTexts = map[Key]entry{
	"r-rule":              {"--------------------------------", "--------------------------------"},
	"r-slip":              {"POS SLIP", "POS签购单"},
	"r-slip-merchant":     {"MERCHANT NAME: %s", "商户名称:%s"},
	"r-slip-mid":          {"MERCHANT NO: %s", "商户编号:%s"},
	"r-slip-tid":          {"TERMINAL NO: %s", "终端编号:%s"},
	"r-slip-operator":     {"OPERATOR NO: %s", "操作员号:%s"},
	"r-slip-card":         {"CARD NO: %s %s", "卡号:%s %s"},
	"r-slip-scheme":       {"CARD SCHEME: %s", "卡组织:%s"},
	"r-slip-type":         {"TRANS TYPE: %s", "交易类型:%s"},
	"r-slip-batch":        {"BATCH NO: %s", "批次号:%s"},
	"r-slip-stan":         {"VOUCHER NO: %s", "凭证号:%s"},
	"r-slip-auth":         {"AUTH NO: %s", "授权码:%s"},
	"r-slip-rrn":          {"REFERENCE NO: %s", "参考号:%s"},
	"r-slip-date":         {"DATE/TIME: %s %s", "日期时间:%s %s"},
	"r-slip-remark":       {"REMARK: %s", "备注:%s"},
	"r-slip-label":        {"APP LABEL: %s", "应用标签:%s"},
	"r-slip-aid":          {"AID: %s", "AID:%s"},
	"r-slip-tvr":          {"TVR: %s", "TVR:%s"},
	"r-slip-tsi":          {"TSI: %s", "TSI:%s"},
	"r-slip-cryptogram":   {"%s: %s", "%s:%s"},
	"r-slip-acknowledged": {"I ACKNOWLEDGE THE ABOVE TRANSACTION", "本人确认以上交易"},
	"r-slip-account":      {"AND AGREE TO ITS ENTRY ON MY ACCOUNT", "同意将其记入本卡账户"},
}
