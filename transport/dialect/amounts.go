package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DE 54 is amounts of 20 characters each (ISO 8583:1987): account type n2, amount type n2, currency n3, C or D, amount n12. Three of
// them are neutral fields: cash back (type 40), tip (type 44), and the least part of the amount that the terminal takes (type 90, of
// private use: PartialSupport, and always 1), of account 00 and in the transaction's currency, D, in this order and before all
// others. The others stay text; a balance is one of them.
const (
	amountEntry    = 20
	cashBackEntry  = "0040"
	tipEntry       = "0044"
	leastEntry     = "0090"
	availableEntry = "0002" // available balance
)

func getAdditionalAmounts(m *Message) (string, error) {
	if hasPrefix(m.AdditionalAmounts, cashBackEntry, tipEntry, leastEntry) {
		return "", errors.New("additional amounts that begin with cash back (0040), a tip (0044) or a least part (0090): want CashBackAmount, TipAmount or PartialSupport for those")
	}
	var least int64
	if m.TakesPart() {
		least = 1
	}
	var s strings.Builder
	for _, e := range []struct {
		prefix string
		amount int64
	}{{cashBackEntry, m.CashBackAmount}, {tipEntry, m.TipAmount}, {leastEntry, least}} {
		switch {
		case e.amount == 0:
			continue
		case e.amount < 0 || e.amount > maxAmount:
			return "", fmt.Errorf("cash back or tip of %d: want 0 to %d minor units", e.amount, int64(maxAmount))
		}
		currency, err := m.currency3()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, "%s%sD%012d", e.prefix, currency, e.amount)
	}
	return s.String() + m.AdditionalAmounts, nil
}

func setAdditionalAmounts(m *Message, s string) (err error) {
	if m.CashBackAmount, s, err = m.entry(s, cashBackEntry); err != nil {
		return err
	}
	if m.TipAmount, s, err = m.entry(s, tipEntry); err != nil {
		return err
	}
	least, s, err := m.entry(s, leastEntry)
	switch {
	case err != nil:
		return err
	case least > 1:
		return fmt.Errorf("amount %s: want 1, which is any part", leastEntry)
	case least == 1:
		m.PartialSupport = "1"
	}
	if hasPrefix(s, cashBackEntry, tipEntry, leastEntry) {
		return errors.New("want cash back (0040) once, then a tip (0044) once, then a least part (0090) once, then other amounts")
	}
	m.AdditionalAmounts = s
	return nil
}

// TakesPart tells whether the terminal can take the approval of a part of the amount (PartialSupport).
func (m *Message) TakesPart() bool { return strings.Trim(m.PartialSupport, "0") != "" }

// entry reads the amount at the front of s if it is of this account and type, and returns what follows.
func (m *Message) entry(s, prefix string) (int64, string, error) {
	if !strings.HasPrefix(s, prefix) {
		return 0, s, nil
	}
	currency, err := m.currency3()
	if err != nil {
		return 0, "", err
	}
	digits := ""
	if len(s) >= amountEntry {
		digits = s[8:amountEntry]
	}
	if digits == "" || s[4:8] != currency+"D" || !isDigits(digits) || digits == "000000000000" {
		return 0, "", fmt.Errorf("amount %s: want %s, the transaction's currency, D and 12 digits, not all 0", prefix, prefix)
	}
	n, err := strconv.ParseInt(digits, 10, 64) // twelve digits always fit
	return n, s[amountEntry:], err
}

// currency3 is the transaction's currency in three digits.
func (m *Message) currency3() (string, error) {
	c := m.CurrencyCodeTransaction
	if len(c) != 4 || c[0] != '0' || !isDigits(c) {
		return "", errors.New("cash back or tip without a currency (DE 49), or with one that is no ISO 4217 number")
	}
	return c[1:], nil
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// SetBalance puts an available balance in minor units into AdditionalAmounts, for the answer to a KindBalance; less than zero is
// a debit. It replaces what was there. currency is an ISO 4217 number, of three digits or with its leading zero.
func (m *Message) SetBalance(minor int64, currency string) {
	sign := 'C'
	if minor < 0 {
		sign, minor = 'D', -minor
	}
	m.AdditionalAmounts = fmt.Sprintf("%s%03s%c%012d", availableEntry, currency[max(0, len(currency)-3):], sign, minor)
}

// Balance is the available balance that an answer has in AdditionalAmounts, of any account, in minor units, and whether there is one.
func (m *Message) Balance() (minor int64, ok bool) {
	for s := m.AdditionalAmounts; len(s) >= amountEntry; s = s[amountEntry:] {
		e := s[:amountEntry]
		if e[2:4] != availableEntry[2:] || !isDigits(e[:7]) || !isDigits(e[8:]) || e[7] != 'C' && e[7] != 'D' {
			continue
		}
		n, err := strconv.ParseInt(e[8:], 10, 64)
		if e[7] == 'D' {
			n = -n
		}
		return n, err == nil
	}
	return 0, false
}
