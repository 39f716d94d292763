package terminal

import (
	"slices"
	"strconv"

	"github.com/posim/posim/transport/dialect"
)

// The menu has two levels: KeyMenu shows the groups, a digit shows a group's functions, a digit chooses one. A function keeps
// its place whatever the profile leaves out, so that who knows the keys by heart may go on.

// level is who may do something.
type level byte

const (
	anyone     level = iota
	operator         // whoever has logged in, where the profile wants that
	supervisor       // with the password
)

// menuItem is a function in the menu. choose does it, from the first question to the last screen; its error stops the terminal.
type menuItem struct {
	function Function
	text     Key
	who      level
	choose   func(*Terminal) (Ended, error)
}

type menuGroup struct {
	text  Key
	items []menuItem
}

// menu is all of it: what moves money first, then what a desk does.
func menu() []menuGroup {
	return append([]menuGroup{
		{"menu-sales", []menuItem{
			{FunctionSale, "menu-sale", anyone, (*Terminal).chooseSale},
			{FunctionCashBack, "menu-cash-back", anyone, (*Terminal).chooseCashBack},
			{FunctionTipSale, "menu-tip-sale", anyone, (*Terminal).chooseTipSale},
			{FunctionInstalment, "menu-instalment", anyone, (*Terminal).chooseInstalment},
			{FunctionMOTOSale, "menu-moto-sale", anyone, (*Terminal).chooseMOTOSale},
			{FunctionQRSale, "menu-qr-sale", anyone, (*Terminal).chooseQRSale},
			{FunctionQRScan, "menu-qr-scan", anyone, (*Terminal).chooseQRScan},
			{FunctionOfflineSale, "menu-offline-sale", anyone, (*Terminal).chooseOfflineSale},
			{FunctionPurse, "menu-purse", anyone, (*Terminal).choosePurse},
		}},
		{"menu-undo", []menuItem{
			{FunctionVoid, "menu-void", supervisor, (*Terminal).chooseVoid},
			{FunctionRefund, "menu-refund", supervisor, (*Terminal).chooseRefund},
			{FunctionTipAdjust, "menu-tip-adjust", anyone, (*Terminal).chooseTipAdjust},
		}},
		{"menu-pre-auth", []menuItem{
			{FunctionPreAuth, "menu-hold", anyone, (*Terminal).choosePreAuth},
			{FunctionMOTOPreAuth, "menu-moto-hold", anyone, (*Terminal).chooseMOTOPreAuth},
			{FunctionPreAuthVoid, "menu-hold-void", supervisor, (*Terminal).choosePreAuthVoid},
			{FunctionCompletion, "menu-completion", anyone, (*Terminal).chooseCompletion},
			{FunctionCompletionAdvice, "menu-completion-advice", anyone, (*Terminal).chooseCompletionAdvice},
			{FunctionCompletionVoid, "menu-completion-void", supervisor, (*Terminal).chooseCompletionVoid},
		}},
		{"menu-look", []menuItem{
			{FunctionBalance, "menu-balance", anyone, (*Terminal).chooseBalance},
			{FunctionLastTransaction, "menu-last", anyone, (*Terminal).chooseLast},
			{FunctionReprintLast, "menu-reprint-last", anyone, (*Terminal).chooseReprintLast},
			{FunctionReprint, "menu-reprint", anyone, (*Terminal).chooseReprint},
		}},
	}, deskMenu()...)
}

// Menu is the keys that choose a function from the idle screen; ok is false if the profile leaves it out.
func Menu(p *Profile, f Function) (keys string, ok bool) {
	if !p.offers(f) {
		return "", false
	}
	for i, g := range menu() {
		for j, m := range g.items {
			if m.function == f {
				return string(KeyMenu) + strconv.Itoa(i+1) + strconv.Itoa(j+1), true
			}
		}
	}
	return "", false
}

// offers tells whether the profile has a function.
func (p *Profile) offers(f Function) bool {
	return (p.Functions == nil || slices.Contains(p.Functions, f)) && p.canTake(f)
}

// kindOf is the kind of message by which a function is asked for; KindNone: it needs none, or the dialect need not know.
func kindOf(f Function) dialect.Kind {
	switch f {
	case FunctionSale, FunctionTipSale:
		return dialect.KindSale
	case FunctionQRScan:
		return dialect.KindQRSale
	case FunctionPurse:
		return dialect.KindOfflineSale
	}
	k, err := dialect.ParseKind(string(f))
	if err != nil {
		return dialect.KindNone
	}
	return k
}

// offers tells whether this terminal has a function and its host knows what it sends.
func (t *Terminal) offers(f Function) bool {
	if modes := needs[f]; !t.profile.offers(f) || modes != nil && !slices.ContainsFunc(modes, t.profile.Takes) {
		return false
	}
	k := kindOf(f)
	if k == dialect.KindNone {
		return true
	}
	_, ok := t.cfg.Dialect.Form(k)
	return ok
}

// browse is the menu: from KeyMenu to the end of what was chosen.
func (t *Terminal) browse() (Ended, error) {
	groups := menu()
	g, ok := t.pick("menu", len(groups), func(i int) (Key, bool) {
		return groups[i].text, slices.ContainsFunc(groups[i].items, func(m menuItem) bool { return t.offers(m.function) })
	})
	if !ok {
		return t.cancelled(), nil
	}
	items := groups[g].items
	n, ok := t.pick(groups[g].text, len(items), func(i int) (Key, bool) { return items[i].text, t.offers(items[i].function) })
	if !ok {
		return t.cancelled(), nil
	}
	m := items[n]
	if ok, err := t.authorised(m.who); err != nil || !ok {
		return Ended{Outcome: OutcomeNotAllowed, Function: m.function}, err
	}
	if o, err := t.gate(m.function); err != nil || o != "" {
		return Ended{Outcome: o, Function: m.function}, err
	}
	e, err := m.choose(t)
	e.Function = m.function
	return e, err
}

// pick shows n lines, some of which are not there, and takes the digit of one; false: cancelled, or nobody came.
func (t *Terminal) pick(title Key, n int, line func(i int) (Key, bool)) (int, bool) {
	lines := []Text{say(title)}
	for i := range n {
		if text, ok := line(i); ok {
			lines = append(lines, say("choice", i+1, bilingual(catalogue[text])))
		}
	}
	t.show(lines...)
	for {
		key, ok := t.nextKey()
		switch {
		case !ok || key == KeyCancel:
			return 0, false
		case key >= '1' && int(key-'1') < n:
			if _, ok := line(int(key - '1')); ok {
				return int(key - '1'), true
			}
		}
	}
}

// cancelled is the end of what the clerk or the cardholder gave up.
func (t *Terminal) cancelled() Ended {
	t.show(say("cancelled"))
	return Ended{Outcome: OutcomeCancelled}
}
