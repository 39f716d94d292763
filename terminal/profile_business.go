package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// EntryMode is a way in which a card's number, or a code, comes into the terminal.
type EntryMode string

// The entry modes.
const (
	EntryModeChip   EntryMode = "chip"
	EntryModeStripe EntryMode = "stripe"
	EntryModeManual EntryMode = "manual" // typed by the clerk
	EntryModeQR     EntryMode = "qr"     // a code, shown or scanned
)

var entryModes = []string{string(EntryModeChip), string(EntryModeStripe), string(EntryModeManual), string(EntryModeQR)}

// Offline limits what was approved offline and has not been sent: at a limit, the next sale goes online. 0: no limit.
type Offline struct {
	MaxCount int
	MaxTotal int64 // minor units
}

// SAF says how reversals and advices that are due are repeated.
type SAF struct {
	Attempts   int           // tries of an advice that settle nothing, after which it goes behind the others; 0: never, and tries are not kept
	Interval   time.Duration // between two occasions of an idle terminal; 0: Profile.AdviceInterval
	Backoff    int           // by which the interval is multiplied after each occasion that settled nothing; 0 and 1: not
	MaxBackoff time.Duration // that the interval never exceeds; 0: a quarter of an hour
}

// Operators says who may use a terminal. The zero value asks nobody.
type Operators struct {
	Required bool          // an operator signs on before anything else is done
	MaxWrong int           // wrong passwords in a row, after which the operator is locked out; 0: 3
	Lock     time.Duration // for so long; 0: 60 s
}

// business fills in what the clerk may do, and how far.
func (f *profileFile) business(p *Profile) error {
	for _, fill := range []func(*Profile) error{f.modes, f.purse, f.allowed, f.conditions, f.limits, f.forward, f.people} {
		if err := fill(p); err != nil {
			return err
		}
	}
	return nil
}

// modes reads the entry modes. What the terminal's capabilities do not have is no entry mode of it (Book 4, A2).
func (f *profileFile) modes(p *Profile) error {
	if f.EntryModes == nil {
		return nil
	}
	if len(*f.EntryModes) == 0 {
		return wrong("entry_modes", ": want at least one of %s", strings.Join(entryModes, ", "))
	}
	for i, s := range *f.EntryModes {
		key, m := fmt.Sprintf("entry_modes[%d]", i), EntryMode(s)
		bit := map[EntryMode]byte{EntryModeManual: 0x80, EntryModeStripe: 0x40, EntryModeChip: 0x20}[m]
		switch {
		case !slices.Contains(entryModes, s):
			return wrong(key, " %q: want one of %s", s, strings.Join(entryModes, ", "))
		case slices.Contains(p.EntryModes, m):
			return wrong(key, " %q stands there twice", s)
		case p.EMV.Capabilities[0]&bit != bit:
			return wrong(key, " %q: emv.capabilities does not have it", s)
		}
		p.EntryModes = append(p.EntryModes, m)
	}
	return nil
}

// needs is how the card, or the code, has to come for a function: one of them at least.
var needs = map[Function][]EntryMode{
	FunctionMOTOSale:    {EntryModeManual},
	FunctionMOTOPreAuth: {EntryModeManual},
	FunctionQRSale:      {EntryModeQR},
	FunctionQRScan:      {EntryModeQR},
	FunctionRefund:      {EntryModeChip, EntryModeStripe}, // never a number that was typed
	FunctionBalance:     {EntryModeChip, EntryModeStripe}, // wants the PIN
	FunctionCashBack:    {EntryModeChip, EntryModeStripe},
	FunctionInstalment:  {EntryModeChip, EntryModeStripe},
	FunctionPurse:       {EntryModeChip}, // the same reader
}

// allowed reads the functions.
func (f *profileFile) allowed(p *Profile) error {
	if f.Functions == nil {
		return nil
	}
	if len(*f.Functions) == 0 {
		return wrong("functions", ": want at least one")
	}
	speaks := p.Speaks()
	for i, s := range *f.Functions {
		key := fmt.Sprintf("functions[%d]", i)
		fn, err := ParseFunction(s)
		if err != nil {
			return wrong(key, " %w", err)
		}
		if slices.Contains(p.Functions, fn) {
			return wrong(key, " %q stands there twice", s)
		}
		if k := kindOf(fn); k != dialect.KindNone {
			if _, ok := speaks.Form(k); !ok {
				return wrong(key, " %q: %s has no message for it", s, p.Dialect)
			}
		}
		if fn == FunctionPurse && p.Purse.Limit == 0 {
			return wrong(key, " %q: want purse.limit too, the most that is taken of one", s)
		}
		if !p.canTake(fn) {
			return wrong(key, " %q: entry_modes has none of %s, and this takes no other", s, joined(needs[fn]))
		}
		p.Functions = append(p.Functions, fn)
	}
	return nil
}

// canTake tells whether the card, or the code, can come as a function wants it.
func (p *Profile) canTake(f Function) bool {
	return (needs[f] == nil || slices.ContainsFunc(needs[f], p.Takes)) && (f != FunctionPurse || p.Purse.Limit > 0)
}

func joined[S ~string](all []S) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// forFunction refuses a condition of functions of which the terminal has none: it would do nothing.
func (p *Profile) forFunction(key string, given bool, of ...Function) error {
	if given && !slices.ContainsFunc(of, p.offers) {
		return wrong(key, ": functions has none of %s", joined(of))
	}
	return nil
}

// conditions reads what voids and refunds want, and how far amounts go.
func (f *profileFile) conditions(p *Profile) error {
	voids := []Function{FunctionVoid, FunctionPreAuthVoid, FunctionCompletionVoid}
	for _, c := range []struct {
		key   string
		value *bool
		dst   *bool
		of    []Function
	}{
		{"void_card", f.VoidCard, &p.VoidCard, voids}, {"void_pin", f.VoidPIN, &p.VoidPIN, voids},
		{"refund_card", f.RefundCard, &p.RefundCard, []Function{FunctionRefund}},
		{"partial_approval", f.Partial, &p.PartialApproval, []Function{FunctionSale, FunctionMOTOSale}},
	} {
		if err := p.forFunction(c.key, c.value != nil, c.of...); err != nil {
			return err
		}
		*c.dst = c.value != nil && *c.value
	}
	if p.VoidPIN && !p.VoidCard {
		return wrong("void_pin", ": a PIN goes with a card: want void_card too")
	}
	for _, c := range []struct {
		key         string
		value, dst  *int
		least, most int
		usual       int
		of          []Function
	}{
		{"completion_percent", f.Completion, &p.CompletionPercent, 100, 115, 115, []Function{FunctionCompletion, FunctionCompletionAdvice}},
		{"tip_percent", f.Tip, &p.TipPercent, 1, 100, 15, []Function{FunctionTipAdjust}},
	} {
		if err := p.forFunction(c.key, c.value != nil, c.of...); err != nil {
			return err
		}
		if err := within(c.key, c.value, c.dst, c.least, c.most, c.usual); err != nil {
			return err
		}
	}
	return nil
}

// within is a number, or what is usual without one.
func within[N int | int64 | time.Duration](key string, value, dst *N, least, most, usual N) error {
	*dst = usual
	if value == nil {
		return nil
	}
	if *value < least || *value > most {
		return wrong(key, " %v: want %v to %v", *value, least, most)
	}
	*dst = *value
	return nil
}

// usualBatch is the records of a batch without a limit of its own.
const usualBatch = 1000

// limits reads how much a batch, and what waits to be sent, may be. A dialect may count to less.
func (f *profileFile) limits(p *Profile) error {
	most, usual := maxRecords, usualBatch
	if t, _ := dialect.TraitsOf(p.Dialect); t.MaxCount > 0 {
		most, usual = t.MaxCount, min(usual, t.MaxCount)
	}
	if err := within("batch_limit", f.BatchLimit, &p.BatchLimit, 1, most, usual); err != nil {
		return err
	}
	if err := within("offline.max_count", f.Offline.MaxCount, &p.Offline.MaxCount, 1, most, 0); err != nil {
		return err
	}
	if err := within("offline.max_total", f.Offline.MaxTotal, &p.Offline.MaxTotal, 1, maxAmount, 0); err != nil {
		return err
	}
	p.Carry, p.HomeScheme = f.Carry, f.HomeScheme
	if s := p.HomeScheme; s != "" && (len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return wrong("home_scheme", " %q: want three capital letters, as an answer has them", s)
	}
	return nil
}

// forward reads the rhythm of what is stored and forwarded.
func (f *profileFile) forward(p *Profile) error {
	p.SAF.Interval, p.AdvicesFirst = p.AdviceInterval, f.SAF.First
	if err := within("saf.attempts", f.SAF.Attempts, &p.SAF.Attempts, 1, 99, 0); err != nil {
		return err
	}
	if err := within("saf.backoff", f.SAF.Backoff, &p.SAF.Backoff, 1, 10, 2); err != nil {
		return err
	}
	if f.SAF.MaxBackoff != nil && p.SAF.Backoff == 1 {
		return wrong("saf.max_backoff", ": with saf.backoff 1 nothing grows")
	}
	return within("saf.max_backoff", (*time.Duration)(f.SAF.MaxBackoff), &p.SAF.MaxBackoff, p.SAF.Interval, 24*time.Hour, max(p.SAF.Interval, maxBackoff))
}

// people reads who has to log in.
func (f *profileFile) people(p *Profile) error {
	p.Operators.Required = f.Operators.Required
	if f.Operators.Required && !p.offers(FunctionOperatorLogin) {
		return wrong("operators.required", ": functions has no %s: nobody could work here", FunctionOperatorLogin)
	}
	if err := within("operators.max_wrong", f.Operators.MaxWrong, &p.Operators.MaxWrong, 1, 9, 3); err != nil {
		return err
	}
	return within("operators.lock", (*time.Duration)(f.Operators.Lock), &p.Operators.Lock, time.Second, time.Hour, 60*time.Second)
}
