package scenario

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/posim/posim/terminal"
)

// Task is what is done at the till: a clerk chooses something of the terminal's menu and answers what it asks, and for most
// transactions a cardholder stands there, too.
type Task struct {
	Function terminal.Function // of the menu; a plain sale needs none
	Number   int               // of a transaction: the how manieth of the script it is, from 1, whichever steps are run; 0: it is none
	Amount   Money             // more than 0 where one is asked for
	CashBack Money             // cash for the cardholder, beside the amount
	Tip      Money
	Parts    int    // of an instalment
	Wallet   string // whose code is scanned; "": the library's first
	Of       Of     // the transaction that this one is about
	Operator string // number, of a login

	// Passwords are typed at successive prompts; who has none left presses CANCEL. None: the password of whoever is asked, once.
	Passwords []PIN

	PINs []PIN // typed at successive prompts; none: nobody types
	Card string

	// Entries are how the cardholder pays at successive prompts for the card: chip, swipe, manual, qr. Who has nothing left to
	// do presses CANCEL. None: once, by the chip when the card has one.
	Entries []string

	// Taps are the cards that are held in front of the reader at successive prompts. Who has none left presses CANCEL. None: it is no
	// sale of a purse's.
	Taps []string

	Choose      int  // which application the cardholder takes when asked, from 1; NoChoice: CANCEL; 0: the first
	ForceOnline bool // the clerk has the issuer asked
	Cancel      bool // the clerk or cardholder presses CANCEL at the PIN prompt
}

// NoChoice is a cardholder who takes none of the applications.
const NoChoice = -1

// Of names a transaction: by its number in the script, or by its STAN. The zero Of names none.
type Of struct {
	Pos    Pos
	Number int    // from 1
	STAN   string // six digits, if Number is 0
}

// Transacts tells whether the task is a transaction: something with an amount, that others may name.
func (t *Task) Transacts() bool { return t.Number > 0 }

// describe is the task in a few words, behind its action.
func (t *Task) describe() (text string) {
	if t.Amount > 0 {
		text += " " + t.Amount.String()
	}
	switch {
	case t.Of.Number > 0:
		text += " of " + strconv.Itoa(t.Of.Number)
	case t.Of.STAN != "":
		text += " of " + t.Of.STAN
	}
	if t.Card != "" {
		text += " " + t.Card
	}
	for _, card := range t.Taps {
		text += " tap " + card
	}
	return text
}

// taskForm is what an action at the till takes.
type taskForm struct {
	function terminal.Function            // the terminal's word for it
	number   bool                         // it is a transaction
	needs    []string                     // keys that must be there
	takes    []string                     // keys that may be
	words    map[string]terminal.Function // instead of keys: what a lone word stands for
}

// What most forms take.
var (
	atCard     = []string{"card", "pin", "entry", "choose", "cancel"}
	atOriginal = append([]string{"password"}, atCard...)
)

// taskForms are the actions at the till, and never change.
var taskForms = map[string]taskForm{
	"sale": {
		function: terminal.FunctionSale, number: true, needs: []string{"amount"},
		takes: append([]string{"wallet", "tap", "force-online", "cash-back", "tip", "moto", "instalment"}, atCard...),
	},
	"void":            {function: terminal.FunctionVoid, number: true, needs: []string{"of"}, takes: atOriginal},
	"refund":          {function: terminal.FunctionRefund, number: true, needs: []string{"of", "amount"}, takes: atOriginal},
	"pre-auth":        {function: terminal.FunctionPreAuth, number: true, needs: []string{"amount"}, takes: append([]string{"moto"}, atCard...)},
	"pre-auth-void":   {function: terminal.FunctionPreAuthVoid, number: true, needs: []string{"of"}, takes: atOriginal},
	"completion":      {function: terminal.FunctionCompletion, number: true, needs: []string{"of", "amount"}, takes: append([]string{"advice"}, atOriginal...)},
	"completion-void": {function: terminal.FunctionCompletionVoid, number: true, needs: []string{"of"}, takes: atOriginal},
	"tip":             {function: terminal.FunctionTipAdjust, number: true, needs: []string{"of", "amount"}, takes: []string{"password"}},
	"balance":         {function: terminal.FunctionBalance, takes: atCard},

	"settle":   {function: terminal.FunctionSettlement, takes: []string{"password"}},
	"sign-off": {function: terminal.FunctionSignOff, takes: []string{"password"}},
	"echo":     {function: terminal.FunctionEcho},
	"login":    {function: terminal.FunctionOperatorLogin, takes: []string{"operator", "password"}},
	"logout":   {function: terminal.FunctionOperatorLogout},
	"reprint": {
		function: terminal.FunctionReprint, needs: []string{"of"}, takes: []string{"password"},
		words: map[string]terminal.Function{"last": terminal.FunctionReprintLast},
	},
	"download": {words: map[string]terminal.Function{
		"parameters": terminal.FunctionParameters, "ca-keys": terminal.FunctionCAKeys, "aids": terminal.FunctionAIDs,
	}},
	"report": {words: map[string]terminal.Function{
		"journal": terminal.FunctionReportJournal, "totals": terminal.FunctionReportTotals,
		"settlement": terminal.FunctionReportSettlement, "last": terminal.FunctionLastTransaction,
	}},
	"saf": {words: map[string]terminal.Function{
		"list": terminal.FunctionSAFList, "retry": terminal.FunctionSAFRetry, "pause": terminal.FunctionSAFPause, "park": terminal.FunctionSAFPark,
	}},
}

// task reads what is done at the till.
func (t *typing) task(action string, at Pos, n *node) *Task {
	form := taskForms[action]
	x := &Task{Function: form.function}
	if form.number {
		t.transactions++
		x.Number = t.transactions
	}
	if len(form.words) > 0 && (n.sort == sortText || form.function == "") {
		x.Function = form.words[t.word(n, action, slices.Sorted(maps.Keys(form.words))...)]
		return x
	}
	if len(form.needs)+len(form.takes) == 0 {
		t.nothing(action, n)
		return x
	}
	keys := append(slices.Clone(form.needs), form.takes...)
	if !t.mapping(n, taskExample(action, form), keys...) {
		return x
	}
	for _, k := range form.needs {
		if n.key(k) == nil {
			t.fail(at, "missing key %q", k)
			return x
		}
	}
	for i, k := range n.keys {
		t.taskKey(x, k, n.items[i])
	}
	t.checkTask(x, at, n, slices.Contains(keys, "card"))
	return x
}

// taskExample is what an error shows of an action.
func taskExample(action string, form taskForm) string {
	values := map[string]string{"amount": "100.00", "of": "1"}
	var keys []string
	for _, k := range form.needs {
		keys = append(keys, k+": "+values[k])
	}
	article := "a "
	if strings.ContainsRune("aeiou", rune(action[0])) {
		article = "an "
	}
	return article + action + " such as {" + strings.Join(keys, ", ") + "}"
}

func (t *typing) taskKey(x *Task, k, n *node) {
	switch k.text {
	case "amount":
		x.Amount = t.above(n, "an amount above 0.00")
	case "cash-back":
		x.CashBack = t.above(n, "cash above 0.00")
	case "tip":
		x.Tip = t.above(n, "a tip above 0.00")
	case "instalment":
		x.Parts = t.number(n, "how many parts", 2, 99)
	case "of":
		x.Of = t.of(n, x.Number)
	case "operator":
		if x.Operator = t.text(n, "an operator's number"); !digits(x.Operator) || len(x.Operator) != 2 {
			t.fail(n.pos, "want an operator's number in quotes, two digits")
		}
	case "password":
		for _, item := range t.list(n) {
			x.Passwords = append(x.Passwords, t.pin(item))
		}
	case "wallet":
		x.Wallet = t.known(n, "wallet", t.doc.known.Wallet)
	case "card":
		x.Card = t.known(n, "card", t.doc.known.Card)
	case "tap":
		for _, item := range t.list(n) {
			x.Taps = append(x.Taps, t.known(item, "card", t.doc.known.Card))
		}
	case "pin":
		for _, item := range t.list(n) {
			x.PINs = append(x.PINs, t.typed(item))
		}
	case "entry":
		for _, item := range t.list(n) {
			x.Entries = append(x.Entries, t.word(item, "entry", "chip", "swipe", "manual", "qr"))
		}
	case "choose":
		x.Choose = t.choice(n)
	case "force-online":
		x.ForceOnline = t.truth(n)
	case "cancel":
		x.Cancel = t.truth(n)
	case "moto":
		if t.truth(n) {
			x.Function = map[terminal.Function]terminal.Function{
				terminal.FunctionSale: terminal.FunctionMOTOSale, terminal.FunctionPreAuth: terminal.FunctionMOTOPreAuth,
			}[x.Function]
		}
	case "advice":
		if t.truth(n) {
			x.Function = terminal.FunctionCompletionAdvice
		}
	}
}

// above reads money that is more than nothing.
func (t *typing) above(n *node, what string) Money {
	m := t.money(n)
	if m <= 0 {
		t.fail(n.pos, "want %s", what)
	}
	return m
}

// of reads which transaction is meant; before is the number of the one that this stands in, 0 for none.
func (t *typing) of(n *node, before int) Of {
	if n.sort == sortText && n.quoted && len(n.text) == 6 && digits(n.text) {
		return Of{Pos: n.pos, STAN: n.text}
	}
	last := before - 1
	if before == 0 {
		last = t.transactions
	}
	k, ok := parseNumber(n.text, 1, last)
	if n.sort != sortNumber && !n.varying || !ok {
		t.fail(n.pos, "want the number of an earlier transaction of the script, or a STAN of six digits in quotes")
	}
	return Of{Pos: n.pos, Number: k}
}

// checkTask sees to what belongs together, and gives a task at a card the script's card.
func (t *typing) checkTask(x *Task, at Pos, n *node, atCard bool) {
	special := 0
	for _, k := range []string{"cash-back", "tip", "moto", "instalment"} {
		if v := n.key(k); v != nil && v.text != "false" {
			special++
		}
	}
	scanned := slices.Contains(x.Entries, "qr")
	if len(x.Taps) > 0 {
		t.checkTap(x, at, n)
		return
	}
	switch {
	case special > 1 || special == 1 && scanned:
		t.fail(at, "a sale has one of cash-back, tip, moto, instalment, entry: qr")
	case x.Wallet != "" && !scanned:
		t.fail(at, "a wallet pays by a code: want entry: qr")
	case scanned && len(x.Entries) > 1:
		t.fail(at, "a code is scanned instead of a card: entry: qr stands alone")
	case scanned && x.Function != terminal.FunctionSale:
		t.fail(at, "only a sale is paid by a code")
	case x.ForceOnline && (special > 0 || scanned):
		t.fail(at, "only a plain sale is forced online")
	}
	switch {
	case scanned:
		x.Function = terminal.FunctionQRScan
	case x.CashBack > 0:
		x.Function = terminal.FunctionCashBack
	case x.Tip > 0:
		x.Function = terminal.FunctionTipSale
	case x.Parts > 0:
		x.Function = terminal.FunctionInstalment
	}
	if !atCard || x.Card != "" {
		return
	}
	if x.Card = t.card; x.Card == "" && !scanned {
		t.fail(at, "the sale has no card: give it one, or the script a default card")
	}
}

// checkTap sees to it that a sale by tap has what a tap can have: neither PIN nor prompt belongs to it.
func (t *typing) checkTap(x *Task, at Pos, n *node) {
	for _, k := range n.keys {
		if k.text != "amount" && k.text != "tap" {
			t.fail(k.pos, "a card that is tapped pays by itself: a sale with tap has an amount, and nothing else")
		}
	}
	x.Function = terminal.FunctionPurse
}
