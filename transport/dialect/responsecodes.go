package dialect

import (
	"maps"
	"slices"
)

// Category is what sort of answer a response code is (DE 39).
type Category byte

// The categories.
const (
	CategoryUnknown  Category = 0
	CategoryApproved Category = 'A'
	CategoryRetry    Category = 'B' // failed, and may be tried again
	CategoryFailed   Category = 'C' // failed, and trying again changes nothing
	CategoryOperator Category = 'D' // somebody has to act
	CategorySystem   Category = 'E' // a system failed
)

// String is the category's letter; "?" of CategoryUnknown.
func (c Category) String() string {
	if c == CategoryUnknown {
		return "?"
	}
	return string(rune(c))
}

// Action is what terminal and clerk do about a response code, beside showing its text.
type Action byte

// The actions.
const (
	ActionNone         Action = iota // the transaction ends
	ActionCommit                     // it has happened
	ActionPartial                    // it has happened for the amount of the answer, where the terminal supports that
	ActionConfirm                    // it has happened with a defect: the merchant asks the issuer
	ActionCallIssuer                 // the merchant telephones the issuer
	ActionCallAcquirer               // the merchant telephones the acquirer
	ActionRetry                      // the transaction may be tried again, as a new one
	ActionRetryLater                 // somebody cannot be reached: not at once
	ActionRetainCard                 // the clerk keeps the card
	ActionReenterPIN                 // the cardholder enters the PIN again: a new transaction
	ActionUseChip                    // the card's chip is read instead of its stripe
	ActionSignOn                     // the terminal signs on again, and then the transaction may be tried again
	ActionBatch                      // the batch is uploaded or closed again
)

// Meaning is a response code for terminals and people.
type Meaning struct {
	Code     string
	Category Category
	Action   Action
	English  string
	Chinese  string
}

// MeaningOf says what a response code means. One that is not in the table is a failure of CategoryUnknown.
func MeaningOf(code string) Meaning {
	if r, ok := responses[code]; ok {
		return r
	}
	return Meaning{code, CategoryUnknown, ActionNone, "Failed", "交易失败"}
}

const (
	callIssuer  = "交易失败，请联系发卡行"
	tryAgain    = "交易失败，请重试"
	retain      = "没收卡，请联系收单行"
	confirm     = "交易成功，请向发卡行确认"
	tryLater    = "交易失败，请稍后重试"
	timedOut    = "交易超时，请重试"
	signOnAgain = "请重新签到"
)

// responses is the table of the document of cup. iso87 uses the same codes.
var responses = byCode(
	Meaning{"00", CategoryApproved, ActionCommit, "Approved", "交易成功"},
	Meaning{"01", CategoryFailed, ActionCallIssuer, "Refer to issuer", callIssuer},
	Meaning{"02", CategoryFailed, ActionCallIssuer, "Refer to issuer, special", callIssuer},
	Meaning{"03", CategoryFailed, ActionCallAcquirer, "Invalid merchant", "商户未登记"},
	Meaning{"04", CategoryOperator, ActionRetainCard, "Retain card", retain},
	Meaning{"05", CategoryFailed, ActionCallIssuer, "Declined", callIssuer},
	Meaning{"06", CategorySystem, ActionCallIssuer, "Error", callIssuer},
	Meaning{"07", CategoryOperator, ActionRetainCard, "Retain card, special", retain},
	Meaning{"09", CategoryRetry, ActionRetry, "Request in progress", tryAgain},
	Meaning{"10", CategoryApproved, ActionPartial, "Approved in part", "部分金额批准"},
	Meaning{"11", CategoryApproved, ActionConfirm, "Approved, VIP", confirm},
	Meaning{"12", CategoryFailed, ActionNone, "Invalid transaction", "无效交易"},
	Meaning{"13", CategoryRetry, ActionRetry, "Invalid amount", "无效金额"},
	Meaning{"14", CategoryRetry, ActionCallIssuer, "Invalid card number", "无效卡号"},
	Meaning{"15", CategoryFailed, ActionNone, "No such issuer", "此卡不能受理"},
	Meaning{"19", CategoryFailed, ActionCallIssuer, "Enter again", callIssuer},
	Meaning{"20", CategoryFailed, ActionCallIssuer, "Invalid response", callIssuer},
	Meaning{"21", CategoryFailed, ActionCallIssuer, "No action taken", callIssuer},
	Meaning{"22", CategoryFailed, ActionSignOn, "Suspected malfunction", "操作有误，请重新签到"},
	Meaning{"23", CategoryFailed, ActionCallIssuer, "Fee not accepted", callIssuer},
	Meaning{"25", CategoryFailed, ActionCallIssuer, "Original not found", "未找到原交易"},
	Meaning{"30", CategoryFailed, ActionRetry, "Format error", "报文格式错误"},
	Meaning{"31", CategoryFailed, ActionNone, "Issuer not supported", "此卡不能受理"},
	Meaning{"33", CategoryOperator, ActionCallIssuer, "Expired card", "过期卡，请联系发卡行"},
	Meaning{"34", CategoryOperator, ActionRetainCard, "Suspected fraud, retain card", retain},
	Meaning{"35", CategoryOperator, ActionRetainCard, "Call acquirer, retain card", retain},
	Meaning{"36", CategoryOperator, ActionCallIssuer, "Restricted card", "此卡有误，请换卡重试"},
	Meaning{"37", CategoryOperator, ActionRetainCard, "Call acquirer security, retain card", retain},
	Meaning{"38", CategoryOperator, ActionCallIssuer, "PIN tries exceeded", "密码错误次数超限"},
	Meaning{"39", CategoryFailed, ActionCallIssuer, "No credit account", callIssuer},
	Meaning{"40", CategoryFailed, ActionNone, "Function not supported", "请求的功能不支持"},
	Meaning{"41", CategoryOperator, ActionRetainCard, "Lost card, retain card", retain},
	Meaning{"42", CategoryRetry, ActionCallIssuer, "No such account", "交易失败，请联系发卡方"},
	Meaning{"43", CategoryOperator, ActionRetainCard, "Stolen card, retain card", retain},
	Meaning{"44", CategoryFailed, ActionCallIssuer, "No investment account", callIssuer},
	Meaning{"45", CategoryFailed, ActionUseChip, "Use the chip", "请插入芯片"},
	Meaning{"51", CategoryFailed, ActionNone, "Insufficient funds", "余额不足，请查询"},
	Meaning{"52", CategoryFailed, ActionCallIssuer, "No checking account", callIssuer},
	Meaning{"53", CategoryFailed, ActionCallIssuer, "No savings account", callIssuer},
	Meaning{"54", CategoryFailed, ActionCallIssuer, "Expired card", "过期卡，请联系发卡行"},
	Meaning{"55", CategoryFailed, ActionReenterPIN, "Wrong PIN", "密码错，请重试"},
	Meaning{"56", CategoryFailed, ActionCallIssuer, "No card record", callIssuer},
	Meaning{"57", CategoryFailed, ActionCallIssuer, "Not permitted to cardholder", callIssuer},
	Meaning{"58", CategoryFailed, ActionCallAcquirer, "Not permitted to terminal", "终端无效，请联系收单行"},
	Meaning{"59", CategoryFailed, ActionCallIssuer, "Suspected fraud", callIssuer},
	Meaning{"60", CategoryFailed, ActionCallIssuer, "Call acquirer", callIssuer},
	Meaning{"61", CategoryFailed, ActionNone, "Amount exceeds limit", "金额太大"},
	Meaning{"62", CategoryFailed, ActionCallIssuer, "Restricted card", callIssuer},
	Meaning{"63", CategoryFailed, ActionCallIssuer, "Security violation", callIssuer},
	Meaning{"64", CategoryFailed, ActionCallIssuer, "Original amount wrong", "原始金额不正确"},
	Meaning{"65", CategoryFailed, ActionNone, "Count exceeds limit", "超出消费次数"},
	Meaning{"66", CategoryFailed, ActionCallAcquirer, "Call acquirer security", "请联系收单行"},
	Meaning{"67", CategoryOperator, ActionRetainCard, "Retain card", retain},
	Meaning{"68", CategoryFailed, ActionRetry, "Answer too late", timedOut},
	Meaning{"75", CategoryFailed, ActionCallIssuer, "PIN tries exceeded", "密码错误次数超限"},
	Meaning{"77", CategoryOperator, ActionSignOn, "Sign on again", signOnAgain},
	Meaning{"79", CategoryFailed, ActionBatch, "Totals do not agree", "批总额不符，请重传"},
	Meaning{"90", CategoryFailed, ActionRetryLater, "Cut-over, try later", "日切，请稍后重试"},
	Meaning{"91", CategoryFailed, ActionRetryLater, "Issuer not available", "发卡行状态不正常，请稍后重试"},
	Meaning{"92", CategoryFailed, ActionRetryLater, "Network not available", "线路异常，请稍后重试"},
	Meaning{"93", CategoryFailed, ActionCallIssuer, "Violation of law", callIssuer},
	Meaning{"94", CategoryFailed, ActionSignOn, "Duplicate transaction", "流水号重复，请重新签到"},
	Meaning{"95", CategoryFailed, ActionBatch, "Reconciliation error", "调节控制错，请稍后重试"},
	Meaning{"96", CategoryFailed, ActionRetryLater, "System malfunction", tryLater},
	Meaning{"97", CategoryOperator, ActionCallAcquirer, "Terminal not known", "终端未登记，请联系收单行"},
	Meaning{"98", CategorySystem, ActionRetry, "No answer from issuer", timedOut},
	Meaning{"99", CategoryRetry, ActionSignOn, "PIN format error", "校验错，请重新签到"},
	Meaning{"A0", CategoryRetry, ActionSignOn, "MAC error", "校验错，请重新签到"},
	Meaning{"A1", CategoryFailed, ActionNone, "Transfer currency differs", "转账货币不一致"},
	Meaning{"A2", CategoryApproved, ActionConfirm, "Approved, confirm with issuer", confirm},
	Meaning{"A3", CategoryFailed, ActionNone, "Payee account wrong", "账户不正确"},
	Meaning{"A4", CategoryApproved, ActionConfirm, "Approved, confirm with issuer", confirm},
	Meaning{"A5", CategoryApproved, ActionConfirm, "Approved, confirm with issuer", confirm},
	Meaning{"A6", CategoryApproved, ActionConfirm, "Approved, confirm with issuer", confirm},
	Meaning{"A7", CategoryFailed, ActionNone, "Security processing failed", "安全处理失败"},
)

func byCode(list ...Meaning) map[string]Meaning {
	m := make(map[string]Meaning, len(list))
	for _, r := range list {
		m[r.Code] = r
	}
	return m
}

// ResponseCodes lists the codes of the table in order.
func ResponseCodes() []string { return slices.Sorted(maps.Keys(responses)) }
