package scenario

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// A fee plan is a small YAML file like a script: for each card type a list of ranges of amounts and what the merchant pays there.
//
//	title: ...
//	title_zh: ...
//	codes: ["8062"]                                     # merchant category codes; without them it is for every merchant
//	credit: [{from: 0.01, rate: 0.6%}]
//	debit:  [{from: 0.01, rate: 0.55%, cap: 20.00}]
//	qr:     [{from: 0.01, rate: 0.38%, minimum: 0.01, rounding: up}]

// Plan is a fee plan of the library.
type Plan struct {
	*host.FeePlan
	Title, TitleZh string
}

const (
	maxFees  = 32 // ranges of a card type
	maxCodes = 64
)

// ParsePlan reads one fee plan; its name is the file's. The error is an [*Error] with the place: an unknown key, a card type that is
// missing, a rate, an amount or a rounding that is none, ranges that leave a gap or overlap.
func ParsePlan(file string, src []byte) (*Plan, error) {
	doc, failed := newDocument(file, src)
	if failed != nil {
		return nil, failed
	}
	t := &typing{doc: doc}
	base := path.Base(file)
	p := t.plan(strings.TrimSuffix(base, path.Ext(base)), doc.root)
	if t.failed != nil {
		return nil, t.failed
	}
	if err := p.Validate(); err != nil { // what the places above have let pass
		return nil, doc.errorf(doc.root.pos, "%v", err)
	}
	return p, nil
}

func (t *typing) plan(name string, root *node) *Plan {
	p := &Plan{FeePlan: &host.FeePlan{Name: name, Fees: map[host.CardType][]host.Fee{}}}
	if !t.mapping(root, "a fee plan", "title", "title_zh", "codes", "credit", "debit", "qr") {
		return p
	}
	for _, required := range []string{"title", "title_zh", "credit", "debit", "qr"} {
		if root.key(required) == nil {
			t.fail(root.pos, "missing key %q", required)
			return p
		}
	}
	p.Title = t.text(root.key("title"), "a title in English")
	p.TitleZh = t.text(root.key("title_zh"), "a title in Chinese")
	if n := root.key("codes"); n != nil {
		p.Codes = t.merchantCodes(n)
	}
	for _, kind := range host.CardTypes() {
		p.Fees[kind] = t.feeRanges(root.key(string(kind)))
	}
	return p
}

func (t *typing) merchantCodes(n *node) (all []string) {
	if n.sort != sortList || len(n.items) == 0 || len(n.items) > maxCodes {
		t.fail(n.pos, `want a list of merchant category codes: ["8062"]`)
		return nil
	}
	for _, item := range n.items {
		code := t.merchantCode(item)
		if slices.Contains(all, code) {
			t.fail(item.pos, "merchant category %s stands here twice", code)
		}
		all = append(all, code)
	}
	return all
}

// merchantCode reads a merchant category code (ISO 18245).
func (t *typing) merchantCode(n *node) string {
	if n.sort != sortText || !digits(n.text) || len(n.text) != 4 {
		t.fail(n.pos, "want a merchant category code of four digits in quotes")
		return ""
	}
	return n.text
}

// feeRanges reads what a card type costs: the first range begins at 0.01, each goes on where the one before it ends, and the last has
// no end.
func (t *typing) feeRanges(n *node) (all []host.Fee) {
	if n.sort != sortList || len(n.items) == 0 || len(n.items) > maxFees {
		t.fail(n.pos, "want a list of 1 to %d ranges: [{from: 0.01, rate: 0.6%%}]", maxFees)
		return nil
	}
	next := Money(1)
	for i, item := range n.items {
		f := t.feeRange(item)
		if t.failed != nil {
			return nil
		}
		from, to := item.key("from"), item.key("to")
		switch last := i == len(n.items)-1; {
		case Money(f.From) > next:
			t.fail(from.pos, "a gap: nothing says what %s to %s costs", next, Money(f.From-1))
		case Money(f.From) < next:
			t.fail(from.pos, "an overlap: the range before this one goes to %s", next-1)
		case last && to != nil:
			t.fail(to.pos, "a gap: nothing says what more than %s costs", Money(f.To))
		case !last && to == nil:
			t.fail(item.pos, "an overlap: this range has no end, and others follow")
		case !last && f.To < f.From:
			t.fail(to.pos, "the range ends before it begins")
		}
		next = Money(f.To + 1)
		all = append(all, f)
	}
	return all
}

func (t *typing) feeRange(n *node) (f host.Fee) {
	if !t.mapping(n, "a range such as {from: 0.01, rate: 0.6%}", "from", "to", "rate", "cap", "minimum", "rounding") {
		return f
	}
	for _, required := range []string{"from", "rate"} {
		if n.key(required) == nil {
			t.fail(n.pos, "missing key %q", required)
			return f
		}
	}
	f.Rounding = host.HalfUp
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "from":
			f.From = int64(t.above(value, "an amount above 0.00"))
		case "to":
			f.To = int64(t.above(value, "an amount above 0.00"))
		case "rate":
			f.BasisPoints = int64(t.rate(value))
		case "cap":
			f.Cap = int64(t.above(value, "a cap above 0.00; where nothing is taken, rate: 0%"))
		case "minimum":
			f.Minimum = int64(t.above(value, "a minimum above 0.00"))
		case "rounding":
			var words []string
			for _, r := range host.Roundings() {
				words = append(words, string(r))
			}
			f.Rounding = host.Rounding(t.word(value, "rounding", words...))
		}
	}
	if c := n.key("cap"); f.Cap > 0 && f.Minimum > f.Cap {
		t.fail(c.pos, "the cap is below the minimum of %s", Money(f.Minimum))
	}
	return f
}

func (t *typing) rate(n *node) Rate {
	r, err := ParseRate(n.text)
	if err != nil || n.sort != sortText {
		t.fail(n.pos, "want a fee from 0%% to 100%% such as 0.6%%")
	}
	return r
}

// SwitchCode is a merchant that the host books every sale under, instead of the one where it was made.
type SwitchCode struct {
	Code     string // merchant category code, of a plan that is for it
	Merchant string // its name
}

func (t *typing) switchCode(n *node) *SwitchCode {
	if !t.mapping(n, `another merchant such as {code: "8062", merchant: CITY HOSPITAL}`, "code", "merchant") {
		return nil
	}
	for _, required := range []string{"code", "merchant"} {
		if n.key(required) == nil {
			t.fail(n.pos, "missing key %q", required)
			return nil
		}
	}
	s := &SwitchCode{Code: t.merchantCode(n.key("code")), Merchant: t.text(n.key("merchant"), "a merchant's name")}
	if known := t.doc.known.MerchantCode; t.failed == nil && known != nil && !known(s.Code) {
		t.fail(n.key("code").pos, "merchant category %s: no fee plan is for it", s.Code)
	}
	if len(s.Merchant) > maxMerchant || strings.ContainsFunc(s.Merchant, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.fail(n.key("merchant").pos, "want a name of at most %d letters of ASCII", maxMerchant)
	}
	return s
}

// maxMerchant is what parameter 22 of a download has room for.
const maxMerchant = 40

// refunds reads how the acquirer gives money back.
func (t *typing) refunds(n *node) (p host.RefundPolicy) {
	if !t.mapping(n, "a policy such as {fee: kept, limit: strict}", "fee", "limit", "merchant") {
		return p
	}
	if len(n.keys) == 0 {
		t.fail(n.pos, "want fee, limit or merchant")
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "fee":
			p.Fee = t.word(value, "what becomes of the fee", host.RefundFeeProRata, host.RefundFeeKept)
		case "limit":
			limit := t.word(value, "limit", "strict", "netting", "none")
			p.Strict, p.Netting = limit == "strict", limit == "netting"
		case "merchant":
			p.NoPayout = t.word(value, "state of the merchant", "open", "closed") == "closed"
		}
	}
	return p
}

// addPlan reads one of the library's plans.
func (l *Library) addPlan(name string, src []byte) error {
	p, err := ParsePlan("fees/"+name+".yaml", src)
	if err == nil {
		l.plans[name] = p
	}
	return err
}

// Plan is the fee plan of that name; nil: unknown.
func (l *Library) Plan(name string) *Plan { return l.plans[name] }

// Plans lists the names of the fee plans.
func (l *Library) Plans() []string { return slices.Sorted(maps.Keys(l.plans)) }

// planFor is the first plan that is for merchants of a category and says so; nil: none is.
func (l *Library) planFor(code string) *Plan {
	for _, name := range l.Plans() {
		if p := l.plans[name]; slices.Contains(p.Codes, code) {
			return p
		}
	}
	return nil
}

// checkPlan sees to it that the plans of a terminal's profile are there, and its fees for its merchant.
func (l *Library) checkPlan(t *terminal.Profile) error {
	plan, code := t.FeePlan, categoryOf(t)
	if s := t.SettlementPlan; s != "" && !slices.Contains(host.Settlements(), s) {
		return fmt.Errorf("settlement %q: want one of %s", s, strings.Join(host.Settlements(), ", "))
	}
	switch p := l.plans[plan]; {
	case plan == "":
		return nil
	case p == nil:
		return fmt.Errorf("fee %q: there is no such fee plan: want one of %s", plan, strings.Join(l.Plans(), ", "))
	case !p.For(code):
		return fmt.Errorf("fee %q: that plan is not for merchant category %s", plan, code)
	}
	return nil
}

// placeOfKey is where a key of the outermost mapping stands in a YAML file that has been read before: line:column.
func placeOfKey(src []byte, key string) string {
	for i, line := range strings.Split(string(src), "\n") {
		if strings.HasPrefix(line, key+":") {
			return fmt.Sprintf("%d:1", i+1)
		}
	}
	return "1:1"
}

// booking is what a script has the acquirer book its sales under; nil: what they are.
func (l *Library) booking(h *Host) *host.Booking {
	if h.SwitchCode == nil {
		return nil
	}
	return &host.Booking{Code: h.SwitchCode.Code, Name: h.SwitchCode.Merchant, Plan: l.planFor(h.SwitchCode.Code).FeePlan}
}

// planOf is the fee plan of a script's terminal: what the script says, or its profile; nil: the acquirer's own.
func (l *Library) planOf(h *Host, profile *terminal.Profile) *host.FeePlan {
	switch {
	case h.Fee != nil:
		return host.FlatPlan("script", int64(*h.Fee))
	case h.Plan != "":
		return l.plans[h.Plan].FeePlan
	case profile.FeePlan != "":
		return l.plans[profile.FeePlan].FeePlan
	}
	return nil
}
