package scenario

import (
	"strings"
	"time"

	"github.com/posim/posim/host"
)

// actions are the keys of which a step has one.
var actions = [...]string{
	"sale", "void", "refund", "pre-auth", "pre-auth-void", "completion", "completion-void", "tip", "balance",
	"settle", "sign-on", "sign-off", "echo", "download", "login", "logout", "reprint", "report", "saf",
	"wait", "off", "boot", "calendar", "host", "line", "disk", "battery", "desk", "spare", "new-keys",
}

// statuses are the states of an account at the issuer.
var statuses = [...]string{"active", "lost", "stolen", "frozen", "closed", "restricted"}

func (t *typing) steps(n *node) (all []Step) {
	if n.sort != sortList || len(n.items) == 0 || len(n.items) > maxSteps {
		t.fail(n.pos, "want a list of 1 to %d steps", maxSteps)
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.step(item))
		if t.failed != nil {
			return nil
		}
	}
	return all
}

func (t *typing) step(n *node) (s Step) {
	if !t.mapping(n, "a step such as - boot: {}", append(actions[:], "beside", "faults", "expect")...) {
		return s
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "faults":
			s.Faults = t.faults(value)
		case "expect", "beside": // below, when the action is known
		default:
			if s.Do != "" {
				t.fail(k.pos, "a step has one action, and this one has %s already", s.Do)
				return s
			}
			s.Do, s.Pos = k.text, k.pos
			t.action(&s, value)
		}
	}
	if s.Do == "" {
		t.fail(n.pos, "want an action: %s", strings.Join(actions[:], ", "))
		return s
	}
	if b := n.key("beside"); b != nil {
		s.Beside = t.beside(&s, b)
	}
	if e := n.key("expect"); e != nil {
		s.Expect = t.expect(e, s.Do)
		if w := s.Expect.Beside; w.Set() && s.Beside == nil {
			t.fail(w.Pos, "nothing is done at another terminal in this step")
		}
	}
	return s
}

// beside reads the sale at the shop's other terminal. A card is in one of them at a time.
func (t *typing) beside(s *Step, n *node) *Task {
	if t.spare == "" || s.Do != "sale" {
		t.fail(n.pos, "want beside a sale, in a shop with two terminals (spare: and a profile)")
		return nil
	}
	x := t.task("sale", n.pos, n)
	if x.Card != "" && x.Card == s.Task.Card {
		t.fail(n.pos, "the card %s is in the other terminal: want another one here", x.Card)
	}
	return x
}

func (t *typing) action(s *Step, n *node) {
	switch s.Do {
	case "wait":
		s.Wait = t.wait(n)
	case "calendar":
		s.Calendar = t.calendar(n)
	case "host":
		h := t.host(n)
		s.Host = &h
	case "line":
		s.Line = t.word(n, "line", "down", "up")
	case "disk":
		s.Disk = t.disk(n)
	case "desk":
		d := t.desk(n)
		s.Desk = &d
	case "off", "boot", "sign-on", "battery", "spare", "new-keys":
		t.nothing(s.Do, n)
	default:
		s.Task = t.task(s.Do, s.Pos, n)
	}
}

// nothing reads the {} of an action that has nothing to say.
func (t *typing) nothing(action string, n *node) {
	if n.sort != sortMapping || len(n.keys) > 0 {
		t.fail(n.pos, "want %s: {}", action)
	}
}

// choice reads which application the cardholder takes: its number on the screen, or none.
func (t *typing) choice(n *node) int {
	if n.sort == sortText && n.text == "none" {
		return NoChoice
	}
	k, ok := parseNumber(n.text, 1, 9)
	if n.sort != sortNumber && !n.varying || !ok {
		t.fail(n.pos, "want the number of an application, 1 to 9, or none")
	}
	return k
}

// typed reads what is typed at one prompt: a PIN, or "" for ENTER alone.
func (t *typing) typed(n *node) PIN {
	if n.sort == sortText && n.quoted && n.text == "" {
		return PIN{}
	}
	return t.pin(n)
}

// pin reads a PIN (ISO 9564-1, 8.1: four to twelve digits). Its errors do not repeat it.
func (t *typing) pin(n *node) PIN {
	if n.sort != sortText || !digits(n.text) || len(n.text) < 4 || len(n.text) > 12 {
		t.fail(n.pos, "want a PIN of 4 to 12 digits in quotes")
	}
	return PIN{n.text}
}

func (t *typing) wait(n *node) *Wait {
	if n.sort == sortText {
		switch n.text {
		case "idle", "reversal", "advices":
			return &Wait{For: n.text}
		}
		if d, err := time.ParseDuration(n.text); err == nil && d > 0 && d <= maxTime {
			return &Wait{Duration: d}
		}
	}
	t.fail(n.pos, "want idle, reversal, advices, or a duration of at most 24h such as 65s")
	return nil
}

func (t *typing) calendar(n *node) *Calendar {
	if n.sort == sortText {
		switch n.text {
		case "cutover", "payout":
			return &Calendar{Event: n.text}
		}
		if d, ok := parseDate(n.text); ok {
			return &Calendar{Date: d}
		}
	}
	t.fail(n.pos, "want cutover, payout, or a date such as 2026-03-05")
	return nil
}

// house reads what a script says of the host side from the start.
func (t *typing) house(n *node) (h Host) {
	h.Pos = n.pos
	if !t.mapping(n, "a rule of the host such as {fee: 0.6%}", "fee", "plan", "settlement", "switch-code", "refunds", "stand-in", "clearing", "fail-over", "risk", "bank", "aggregator") {
		return h
	}
	if len(n.keys) == 0 {
		t.fail(n.pos, "want a rule of the host such as {fee: 0.6%%}")
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "fee":
			r := t.rate(value)
			h.Fee = &r
		case "plan":
			h.Plan = t.known(value, "fee plan", t.doc.known.Plan)
		case "settlement":
			h.Settles = host.Settlement(t.word(value, "settlement", host.Settlements()...))
		case "switch-code":
			h.SwitchCode = t.switchCode(value)
		case "refunds":
			r := t.refunds(value)
			h.Refunds = &r
		case "fail-over":
			h.FailOver = t.failOver(value)
		case "risk":
			h.Risk = t.risk(value)
		case "aggregator":
			h.Aggregator = t.aggregator(value)
		case "bank":
			h.PayTo = t.bank(value)
		case "stand-in":
			h.StandIn = t.standIn(value)
		case "clearing":
			h.Clearing = t.clearing(value)
		}
	}
	if h.Fee != nil && h.Plan != "" {
		t.fail(n.key("plan").pos, "a fee and a plan: want one of them")
	}
	return h
}

// failOver reads after how long the second process of an acquirer takes over.
func (t *typing) failOver(n *node) time.Duration {
	if !t.mapping(n, "a second acquirer such as {after: 2s}", "after") {
		return 0
	}
	after := n.key("after")
	if after == nil {
		t.fail(n.pos, `missing key "after"`)
		return 0
	}
	d, err := time.ParseDuration(after.text)
	if err != nil || d < time.Millisecond || d > time.Minute {
		t.fail(after.pos, "want a duration of at most 1m such as 2s")
	}
	return d
}

// standIn reads what the switch approves when an issuer says nothing.
func (t *typing) standIn(n *node) *host.StandIn {
	s := &host.StandIn{}
	if !t.mapping(n, "what the switch approves in the issuer's place such as {limit: 500.00}", "limit", "code") {
		return s
	}
	limit := n.key("limit")
	if limit == nil {
		t.fail(n.pos, `missing key "limit"`)
		return s
	}
	if s.Limit = int64(t.money(limit)); s.Limit <= 0 {
		t.fail(limit.pos, "want a limit of more than 0.00")
	}
	if c := n.key("code"); c != nil {
		s.Code = t.word(c, "code of an approval in the issuer's place", host.StandInCodes()...)
	}
	return s
}

// host reads what a step changes in an account.
func (t *typing) host(n *node) (h Host) {
	if !t.mapping(n, "a rule of the host such as {card: visa-credit, status: lost}", "card", "wallet", "status", "balance",
		"answer", "limit", "day-limit", "day-sales", "pays", "script") {
		return h
	}
	h = Host{Pos: n.pos, Card: t.card}
	if c := n.key("card"); c != nil {
		h.Card = t.known(c, "card", t.doc.known.Card)
	}
	if w := n.key("wallet"); w != nil {
		h.Card, h.Wallet = "", t.known(w, "wallet", t.doc.known.Wallet)
		for _, k := range []string{"card", "script"} {
			if n.key(k) != nil {
				t.fail(w.pos, "a wallet has no %s", k)
			}
		}
	}
	h.Limits, h.Pays = t.limits(n), t.pays(n)
	if s := n.key("status"); s != nil {
		h.Status = t.word(s, "status", statuses[:]...)
	}
	if b := n.key("balance"); b != nil {
		m := t.money(b)
		h.Balance = &m
	}
	if a := n.key("answer"); a != nil {
		h.Answer = t.answer(a)
	}
	if s := n.key("script"); s != nil {
		h.Script = t.orders(s)
	}
	switch {
	case h.Status == "" && h.Balance == nil && h.Answer == "" && h.Limits == nil && h.Pays == nil && n.key("script") == nil:
		t.fail(n.pos, "want a status, a balance, an answer, a limit or a script")
	case h.Card == "" && h.Wallet == "":
		t.fail(n.pos, "whose account? give the rule a card")
	}
	return h
}

// limits reads what an account may be charged: of what is not said, there is no limit.
func (t *typing) limits(n *node) *host.Limits {
	sale, day, sales := n.key("limit"), n.key("day-limit"), n.key("day-sales")
	if sale == nil && day == nil && sales == nil {
		return nil
	}
	l := &host.Limits{}
	if sale != nil {
		l.Sale = int64(t.above(sale, "a limit above 0.00"))
	}
	if day != nil {
		l.Day = int64(t.above(day, "a limit above 0.00"))
	}
	if sales != nil {
		l.Sales = t.number(sales, "how many sales a day", 1, 9999)
	}
	return l
}

// pays reads when a wallet's owner agrees to pay: now, never before somebody says so, or after a while.
func (t *typing) pays(n *node) *int {
	p := n.key("pays")
	if p == nil {
		return nil
	}
	d, err := time.ParseDuration(p.text)
	wait := int(d / time.Second)
	switch {
	case p.text == "now":
		wait = 0
	case p.text == "later":
		wait = host.OwnerAway
	case err != nil || wait < 1 || d > maxTime || d%time.Second != 0:
		t.fail(p.pos, "want now, later, or a duration in seconds such as 90s")
	}
	if n.key("wallet") == nil {
		t.fail(p.pos, "a wallet's owner is asked, and a card's is not: give the rule a wallet")
	}
	return &wait
}

// answer reads the code that an issuer is to decline with, or own.
func (t *typing) answer(n *node) string {
	if n.sort == sortText && (n.text == host.AnswerOwn || host.Declines(n.text)) {
		return n.text
	}
	t.fail(n.pos, `want a code that declines, in quotes, such as "01", or %s for the issuer's own decision`, host.AnswerOwn)
	return ""
}

// disk reads {damage: journal}, {repair: journal}, {full: true} or {full: false}.
func (t *typing) disk(n *node) string {
	if !t.mapping(n, "{damage: journal}, {repair: journal} or {full: true}", "damage", "repair", "full") {
		return ""
	}
	if len(n.keys) != 1 {
		t.fail(n.pos, "want one of {damage: journal}, {repair: journal}, {full: true}, {full: false}")
		return ""
	}
	if n.keys[0].text != "full" {
		t.word(n.items[0], "file", "journal")
		return n.keys[0].text
	}
	if t.truth(n.items[0]) {
		return "full"
	}
	return "free"
}
