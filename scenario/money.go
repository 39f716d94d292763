package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in minor units (ISO 4217 exponent 2), negative where somebody is out of pocket.
type Money int64

// maxMoney is the largest amount of DE 4, twelve digits.
const maxMoney Money = 999_999_999_999

// String writes m with exactly two decimals: -100.00.
func (m Money) String() string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}

// ParseMoney reads an amount with exactly two decimals and an optional minus: 100.00, -0.40. Nothing else is an
// amount: no plus, no grouping, no leading zero, at most the twelve digits of DE 4.
func ParseMoney(s string) (Money, error) {
	whole, fraction, found := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !found || len(fraction) != 2 || !digits(whole) || !digits(fraction) || len(whole) > 1 && whole[0] == '0' {
		return 0, errors.New("want an amount with two decimals such as 100.00")
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || Money(n) > maxMoney {
		return 0, errors.New("amount is more than the twelve digits of DE 4 hold")
	}
	if s[0] == '-' {
		n = -n
	}
	return Money(n), nil
}

// Rate is a fee in basis points, hundredths of a per cent, as the acquirer counts it: 0.6% is 60.
type Rate int64

// rateDecimals is how many decimals of a per cent a Rate holds.
const rateDecimals = 2

// String writes r as a per cent without needless zeros: 0.6%.
func (r Rate) String() string {
	sign, u := "", uint64(r)
	if r < 0 {
		sign, u = "-", -u
	}
	fraction := strings.TrimRight(fmt.Sprintf("%02d", u%100), "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	return fmt.Sprintf("%s%d%s%%", sign, u/100, fraction)
}

// ParseRate reads a fee from 0% to 100% with at most two decimals: 0.6%.
func ParseRate(s string) (Rate, error) {
	number, percent := strings.CutSuffix(s, "%")
	whole, fraction, point := strings.Cut(number, ".")
	if !percent || !digits(whole) || len(whole) > 3 || len(whole) > 1 && whole[0] == '0' ||
		point && (!digits(fraction) || len(fraction) > rateDecimals) {
		return 0, errors.New("want a fee such as 0.6%")
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", rateDecimals-len(fraction)), 10, 64)
	if err != nil || n > 100_00 {
		return 0, errors.New("want a fee from 0% to 100%")
	}
	return Rate(n), nil
}

// digits tells whether s is one or more decimal digits.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
