package terminal

import "fmt"

// composeChina writes one copy as POS terminals in China lay it out: a slip with a title, a label before every value, rules between
// who, what and how much, the chip's data as remarks, and the cardholder's word above the line to sign.
func (t *Terminal) composeChina(r *Record, c Copy, again bool) []Text {
	var lines []Text
	add := func(k Key, args ...any) { lines = append(lines, say(k, args...)) }
	given := func(k Key, value string) {
		if value != "" {
			add(k, value)
		}
	}
	add("r-simulation")
	add("r-slip")
	copyKey, card := Key("r-merchant-copy"), r.Card
	if c == CustomerCopy {
		copyKey, card = "r-customer-copy", lastFour(r.Card)
	}
	add(copyKey)
	if again {
		add("r-duplicate")
	}
	add("r-rule")
	add("r-slip-merchant", bilingual{t.profile.Merchant, t.profile.MerchantZh})
	add("r-slip-mid", t.profile.MID)
	add("r-slip-tid", t.profile.TID)
	given("r-slip-operator", r.Operator)
	add("r-rule")
	add("r-slip-card", card, entrySign(r))
	given("r-slip-scheme", r.Scheme)
	add("r-slip-type", bilingual(catalogue[slipOf(r.about())]))
	given("r-slip-batch", r.Batch)
	add("r-slip-stan", r.STAN)
	given("r-slip-auth", r.Auth)
	given("r-slip-rrn", r.RRN)
	add("r-slip-date", fmt.Sprintf("%04d/%s/%s", r.Year, r.Date[:2], r.Date[2:]), r.Time[:2]+":"+r.Time[2:4]+":"+r.Time[4:])
	add("r-rule")
	lines = append(lines, t.moneyLines(r)...)
	add("r-rule")
	if text, ok := entryTexts[r.enteredAs()]; ok {
		add("r-slip-remark", bilingual(text))
	}
	if r.isChip() {
		given("r-slip-label", r.Label)
		given("r-slip-aid", r.AID)
		given("r-slip-tvr", r.TVR)
		given("r-slip-tsi", r.TSI)
		add("r-slip-cryptogram", r.CryptogramType, r.Cryptogram)
	}
	if signs := cvmLines(r, c); len(signs) > 0 {
		add("r-rule")
		lines = append(lines, signs...)
		if signs[len(signs)-1].Key == "r-signature" {
			add("r-slip-acknowledged")
			add("r-slip-account")
		}
	}
	add("r-simulation")
	return lines
}
