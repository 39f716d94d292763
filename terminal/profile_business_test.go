package terminal

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// with is the generic profile with lines of its own before emv.
func with(t testing.TB, lines string) string {
	return strings.Replace(generic(t), "emv:\n", lines+"\nemv:\n", 1)
}

func TestAProfileThatSaysNothingElseIsTheGenericTerminal(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	want := Profile{
		Dialect: "iso87", CompletionPercent: 115, TipPercent: 15, BatchLimit: 1000, SAF: SAF{Interval: time.Minute, Backoff: 2, MaxBackoff: 15 * time.Minute},
		Operators: Operators{MaxWrong: 3, Lock: time.Minute}, ReceiptLayout: "generic",
	}
	got := Profile{
		Dialect: p.Dialect, TPDU: p.TPDU, Options: p.Options, EntryModes: p.EntryModes, Functions: p.Functions, VoidCard: p.VoidCard, VoidPIN: p.VoidPIN,
		RefundCard: p.RefundCard, HomeScheme: p.HomeScheme, CompletionPercent: p.CompletionPercent, TipPercent: p.TipPercent, Offline: p.Offline, BatchLimit: p.BatchLimit, Carry: p.Carry,
		SAF: p.SAF, Operators: p.Operators, ReceiptLayout: p.ReceiptLayout, Language: p.Language, FeePlan: p.FeePlan, SettlementPlan: p.SettlementPlan,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, f := range Functions() {
		if p.offers(f) == (f == FunctionPurse) { // which needs a limit
			t.Errorf("%s is not allowed", f)
		}
	}
	if p.Security.String() != "mk-sk, PIN block format 0, x9.19" {
		t.Errorf("security %v", p.Security)
	}
}

func TestAProfileWithEveryKeyOfBusiness(t *testing.T) {
	p, err := ParseProfile("cup", []byte(with(t, `dialect: cup
tpdu: "6000030000"
header: {application: "61", version: "32", sub_version: "320001"}
switches: {length-60: "11", mak: single}
entry_modes: [chip, stripe, manual, qr]
functions: [sale, void, refund, pre-auth, completion, tip-adjust, moto-sale, qr-sale, operator-login]
void_card: true
void_pin: true
refund_card: true
partial_approval: true
completion_percent: 100
tip_percent: 20
offline: {max_count: 3, max_total: 30000}
batch_limit: 400
carry: true
home_scheme: CUP
purse: {limit: 50000, window: 30s}
saf: {first: true, attempts: 5, backoff: 2, max_backoff: 10m}
operators: {required: true, max_wrong: 5, lock: 90s}
receipt: china
language: zh
fee: credit-060-debit-050-cap-2000
settlement: t1`)))
	must(t, err)
	switches, err := dialect.ParseSwitches(map[string]string{"header": "613200320001", "length-60": "11", "mak": "single"})
	must(t, err)
	want := &Profile{
		Name: "cup", TID: p.TID, MID: p.MID, Merchant: p.Merchant, MerchantZh: p.MerchantZh, Currency: "0156",
		Dialect: "cup", TPDU: &transport.TPDU{Destination: 3}, Options: dialect.Options{Switches: switches},
		AnswerWait: time.Minute, ReversalWait: 30 * time.Second, RetryPause: 10 * time.Second, AdviceInterval: time.Minute, CardWait: time.Minute,
		Attempts: 3, MaxAmount: 99_999_999_99, Fallback: Fallback{Tries: 3, Window: 90 * time.Second}, Security: p.Security,
		EntryModes: []EntryMode{"chip", "stripe", "manual", "qr"},
		Functions:  []Function{"sale", "void", "refund", "pre-auth", "completion", "tip-adjust", "moto-sale", "qr-sale", "operator-login"},
		VoidCard:   true, VoidPIN: true, RefundCard: true, PartialApproval: true, AdvicesFirst: true, CompletionPercent: 100, TipPercent: 20, Offline: Offline{MaxCount: 3, MaxTotal: 300_00},
		BatchLimit: 400, Carry: true, HomeScheme: "CUP", SAF: SAF{Attempts: 5, Interval: time.Minute, Backoff: 2, MaxBackoff: 10 * time.Minute},
		Purse:     Purse{Limit: 500_00, Window: 30 * time.Second},
		Operators: Operators{Required: true, MaxWrong: 5, Lock: 90 * time.Second}, ReceiptLayout: "china", Language: "zh",
		FeePlan: "credit-060-debit-050-cap-2000", SettlementPlan: "t1", EMV: p.EMV,
	}
	p.EMV.OnExceptionFile = nil
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	if got := p.Security.String(); got != "mk-sk, PIN block format 0, cup-ecb-single" {
		t.Errorf("security %s", got)
	}
	if p.offers("balance") || !p.offers("void") || !p.Takes("qr") {
		t.Error("offers or Takes")
	}
}

func TestAProfileThatCannotBeSaysWhere(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"an unknown key, deep down", "saf:\n  attempts: 2\n  atempts: 3", `16:3: unknown field "atempts"`},
		{"a key twice", "carry: true\ncarry: false", `15:1: mapping key "carry" already defined at [14:1]`},
		{"a text where a number belongs", "batch_limit: many", "14:14: want a whole number"},
		{"a number where a duration belongs", "operators: {lock: soon}", `14:19: "soon": want a duration such as 60s`},
		{"a purse without a limit", "purse: {window: 30s}", "14:1: purse: want limit"},
		{"a purse's function without a limit", "functions: [sale, purse]", "14:19: functions[1] \"purse\": want purse.limit"},
		{"a window that is too long", "purse: {limit: 1, window: 2h}", "14:19: purse.window 2h0m0s: want 1s to 1h"},
		{"a mapping where a list belongs", "functions: {sale: true}", "14:"},
		{"a second document", "---\ntid: SIM00002", "want one document"},
		{"no dialect", "dialect: iso99", `14:1: dialect "iso99": want one of iso87, iso87-128, cup`},
		{"a TPDU of another kind", `tpdu: "6100030000"`, `14:1: tpdu "6100030000": want ten digits that begin with 60`},
		{"a header where there is none", "header: {version: \"31\"}", "14:1: header: the messages of iso87 have none"},
		{"a header that is too long", "dialect: cup\nheader: {version: \"311\"}", `15:10: header.version "311": want 2 upper-case hexadecimal digits`},
		{"a switch that is none", "dialect: cup\nswitches:\n  length-61: 3", "16:3: switches.length-61: want one of header, wrong-header, "},
		{"a switch that stands elsewhere", "dialect: cup\nswitches: {header: \"603100311100\"}", "15:12: switches.header: want it as header: "},
		{"a value that no switch has", "dialect: cup\nswitches: {mak: triple}", "15:12: switches.mak: dialect: switch mak: \"triple\": want double, single"},
		{"switches of a dialect that has none", "switches: {mak: single}", "14:1: switches: dialect: iso87 has no switches"},
		{"a reason that is nowhere", "reversal_reason: \"61\"", "14:1: reversal_reason: dialect: "},
		{"a reason where cup has none", "dialect: cup\nreversal_reason: \"60\"", `15:1: reversal_reason "60": cup has it in DE 39`},
		{"a stamp that is not there", "restamp: true", "14:1: restamp: dialect: iso87 has no DE 7"},
		{"a MAC key that is single and double", "dialect: cup\nsecurity: {mac: cup-ecb}\nswitches: {mak: single}", `15:12: security.mac "cup-ecb": a key of single length is cup-ecb-single with switches: {mak: single}`},
		{"a function without a message", "dialect: cup\nfunctions: [cash-back]", `15:13: functions[0] "cash-back": cup has no message for it`},
		{"cup with keys for each message", "dialect: cup\nsecurity:\n  keys: dukpt-aes", `16:3: security.keys "dukpt-aes": cup has no place for key serial numbers: want mk-sk`},
		{"cup with a PIN block of 16 bytes", "dialect: cup\nsecurity: {pin_block: \"4\"}", `15:12: security.pin_block "4": cup knows 0, 1`},
		{"a scheme that cannot work", "security: {mac: hmac-sha256}", "14:1: security: mac hmac-sha256 with keys mk-sk: want one of"},
		{"no entry mode", "entry_modes: []", "14:1: entry_modes: want at least one of chip, stripe, manual, qr"},
		{"an unknown entry mode", "entry_modes: [chip, tap]", `14:21: entry_modes[1] "tap": want one of chip, stripe, manual, qr`},
		{"an entry mode twice", "entry_modes:\n  - chip\n  - chip", `16:5: entry_modes[1] "chip" stands there twice`},
		{"no function", "functions: []", "14:1: functions: want at least one"},
		{"an unknown function", "functions:\n  - sale\n  - gift-card", `16:5: functions[1] "gift-card": want one of sale, cash-back, tip-sale`},
		{"a sale by telephone without a way to type the number", "entry_modes: [chip]\nfunctions: [sale, moto-sale]", `15:19: functions[1] "moto-sale": entry_modes has none of manual, and this takes no other`},
		{"a refund to a number that is typed", "entry_modes: [manual]\nfunctions: [refund]", `15:13: functions[0] "refund": entry_modes has none of chip, stripe, and this takes no other`},
		{"a code without a way to read it", "entry_modes: [chip]\nfunctions: [qr-scan]", `15:13: functions[0] "qr-scan": entry_modes has none of qr`},
		{"a condition of a void that cannot be", "functions: [sale]\nvoid_card: true", "15:1: void_card: functions has none of void, pre-auth-void, completion-void"},
		{"a PIN without a card", "void_pin: true", "14:1: void_pin: a PIN goes with a card: want void_card too"},
		{"a tip of more than the sale", "tip_percent: 101", "14:1: tip_percent 101: want 1 to 100"},
		{"a tip that cannot be", "functions: [sale]\ntip_percent: 10", "15:1: tip_percent: functions has none of tip-adjust"},
		{"a completion of much more than was held", "completion_percent: 116", "14:1: completion_percent 116: want 100 to 115"},
		{"no batch", "batch_limit: 0", "14:1: batch_limit 0: want 1 to 10000"},
		{"a batch that cup cannot count", "dialect: cup\nbatch_limit: 1000", "15:1: batch_limit 1000: want 1 to 999"},
		{"offline sales without number", "offline: {max_count: -1}", "14:11: offline.max_count -1: want 1 to 10000"},
		{"a scheme that no answer names", "home_scheme: unionpay", `14:1: home_scheme "unionpay": want three capital letters, as an answer has them`},
		{"no tries", "saf: {attempts: 0}", "14:7: saf.attempts 0: want 1 to 99"},
		{"a limit of what does not grow", "saf: {backoff: 1, max_backoff: 5m}", "14:19: saf.max_backoff: with saf.backoff 1 nothing grows"},
		{"a limit below the interval", "saf: {backoff: 2, max_backoff: 5s}", "14:19: saf.max_backoff 5s: want 1m0s to 24h0m0s"},
		{"operators who cannot log in", "functions: [sale]\noperators: {required: true}", "15:13: operators.required: functions has no operator-login: nobody could work here"},
		{"an unknown layout", "receipt: lace", `14:1: receipt "lace": want one of generic, china`},
		{"a language that nobody speaks here", "language: fr", `14:1: language "fr": want en or zh`},
		{"a rate for a plan", "fee: 0.6%", `14:1: fee "0.6%": want a plan's name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseProfile("generic", []byte(with(t, c.lines)))
			if err == nil || !strings.HasPrefix(err.Error(), "terminal: profile generic: "+c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	_, err := ParseProfile("generic", []byte(strings.Replace(with(t, "entry_modes: [chip]"), "E0F8C8", "C0F8C8", 1)))
	if err == nil || !strings.Contains(err.Error(), `14:15: entry_modes[0] "chip": emv.capabilities does not have it`) {
		t.Error(err)
	}
	_, err = ParseProfile("generic", []byte(strings.Replace(generic(t), "aid: A0000000041010", "aid: A00X", 1)))
	if err == nil || !strings.Contains(err.Error(), `generic: 29:8: emv.applications[2].aid "A00X"`) {
		t.Error(err)
	}
	_, err = ParseProfile("generic", []byte("mid: SIM000000000001\n"))
	if err == nil || !strings.Contains(err.Error(), `generic: 1:1: tid ""`) {
		t.Error(err)
	}
}

// Whatever is wrong, the lines of the file do not come along: one of them may have a card number.
func TestAnErrorQuotesNoLine(t *testing.T) {
	src := with(t, "atempts: 1") + "  exception_file:\n    - {pan: \"4761739001010119\"\n"
	for _, s := range []string{src, strings.Replace(src, "atempts", "attempts", 1), with(t, "atempts: 1 # 4761739001010119")} {
		if _, err := ParseProfile("generic", []byte(s)); err == nil || strings.Contains(err.Error(), "4761739001010119") {
			t.Error(err)
		}
	}
}

// A function that has a name can be allowed.
func TestEveryFunctionIsListed(t *testing.T) {
	src, err := os.ReadFile("function.go")
	must(t, err)
	named := regexp.MustCompile(`Function = "([a-z-]+)"`).FindAllStringSubmatch(string(src), -1)
	if len(named) != len(functions) || len(named) < 30 {
		t.Errorf("%d have a name, %d are listed", len(named), len(functions))
	}
	for _, m := range named {
		if _, err := ParseFunction(m[1]); err != nil {
			t.Error(err)
		}
	}
}
