package terminal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/posim/posim/internal/rules"
)

// Copy says for whom a copy of a receipt is.
type Copy byte

// The copies, in the order in which they are printed.
const (
	MerchantCopy Copy = iota
	CustomerCopy
)

// Receipt is one copy of a receipt.
type Receipt struct {
	Report Function // "": of a transaction; else what it reports, and then Copy, STAN, Date and Time mean nothing
	Copy   Copy
	STAN   string
	Date   string // MMDD and
	Time   string // hhmmss of the sale
	Lines  []Text
}

// In renders the receipt in a language, a line each.
func (r Receipt) In(l Lang) string { return Screen(r.Lines).In(l) }

// Keys is the receipt without its language: what a hash covers.
func (r Receipt) Keys() []byte { return appendKeys(nil, r.Lines) }

// ErrPaperOut is a printer without paper.
var ErrPaperOut = errors.New("terminal: paper out")

// receipt prints both copies of a record's receipt and remembers that they are out. A printer that cannot print changes
// nothing about the sale: the copies are owed until the next boot.
func (t *Terminal) receipt(r *Record, again bool) error {
	t.show(say("printing"))
	if !t.print(r, again) {
		return nil
	}
	return t.journal.printed(r)
}

// print prints both copies and tells whether they came out.
func (t *Terminal) print(r *Record, again bool) bool {
	for _, c := range []Copy{MerchantCopy, CustomerCopy} {
		rc := t.compose(r, c, again)
		t.cfg.Point("print")
		if err := t.cfg.Devices.Print(rc); err != nil {
			t.remark("printer: %v", err)
			t.show(say("paper-out"), say("reprint-later"))
			return false
		}
		t.cfg.Observe(Printed{rc})
	}
	return true
}

// compose writes one copy in the profile's layout. Every copy says that it is worth nothing.
func (t *Terminal) compose(r *Record, c Copy, again bool) Receipt {
	layout := (*Terminal).composeGeneric
	if t.profile.ReceiptLayout == LayoutChina {
		layout = (*Terminal).composeChina
	}
	return Receipt{Copy: c, STAN: r.STAN, Date: r.Date, Time: r.Time, Lines: layout(t, r, c, again)}
}

func (t *Terminal) composeGeneric(r *Record, c Copy, again bool) []Text {
	lines := make([]Text, 0, 20)
	add := func(k Key, args ...any) { lines = append(lines, say(k, args...)) }
	add("r-simulation")
	if again {
		add("r-duplicate")
	}
	copyKey, card := Key("r-merchant-copy"), r.Card
	if c == CustomerCopy {
		copyKey, card = "r-customer-copy", lastFour(r.Card)
	}
	add(copyKey)
	add("r-merchant", bilingual{t.profile.Merchant, t.profile.MerchantZh})
	add("r-mid", t.profile.MID)
	add("r-tid", t.profile.TID)
	add(slipOf(r.about()))
	if r.Card != "" {
		add("r-card", card, entrySign(r))
	}
	if text, ok := entryTexts[r.enteredAs()]; ok {
		add("r-entry", bilingual(text))
	}
	if r.isChip() {
		add("r-label", r.Label)
		add("r-aid", r.AID)
		if r.TVR != "" {
			add("r-tvr", r.TVR, r.TSI)
		}
		add("r-cryptogram", r.CryptogramType, r.Cryptogram)
	}
	add("r-date", fmt.Sprintf("%04d-%s-%s", r.Year, r.Date[:2], r.Date[2:]), r.Time[:2]+":"+r.Time[2:4]+":"+r.Time[4:])
	add("r-stan", r.STAN)
	if r.RRN != "" {
		add("r-rrn", r.RRN)
	}
	if r.Auth != "" {
		add("r-auth", r.Auth)
	}
	lines = append(lines, t.moneyLines(r)...)
	lines = append(lines, cvmLines(r, c)...)
	add("r-simulation")
	return lines
}

// lastFour is the card number of a customer's copy.
func lastFour(masked string) string {
	if len(masked) < 4 {
		return masked
	}
	return strings.Repeat("*", len(masked)-4) + masked[len(masked)-4:]
}

// entrySign is how the card was read, as receipts abbreviate it: I for the chip, C for one without contact, F for the stripe in its place, S for the stripe.
func entrySign(r *Record) string {
	switch r.enteredAs() {
	case entryChip:
		return "/I"
	case entryTap:
		return "/C"
	case entryFallback:
		return "/F"
	case entryManual:
		return "/M"
	case entryCode:
		return "/Q"
	}
	return "/S"
}

// entryTexts is the same in words.
var entryTexts = map[panEntry]entry{
	entryChip:     {"CHIP", "芯片"},
	entryTap:      {"TAPPED", "挥卡"},
	entryStripe:   {"SWIPED", "刷卡"},
	entryPart:     {"SWIPED, TRACK 1", "刷卡,一磁道"},
	entryManual:   {"NOT PRESENT", "未出示卡"},
	entryCode:     {"SCANNED", "扫码"},
	entryFallback: {"SWIPED, CHIP NOT READABLE", "降级刷卡,芯片无法读取"},
}

// approve makes a sale final: journal, then screen and receipt (T3). finish fills in what the answer and the card said.
func (t *Terminal) approve(r *Record, finish func(*Record) error, lines ...Text) error {
	if !t.kept(rules.JournalBeforeReceipt) {
		t.show(lines...)
		t.print(r, false)
		if err := finish(r); err != nil {
			return err
		}
		return t.journal.printed(r)
	}
	if err := finish(r); err != nil {
		return err
	}
	t.show(lines...)
	if err := t.takeSignature(r); err != nil {
		return err
	}
	return t.receipt(r, false)
}
