package pan

// numbers is a set of card numbers: those that begin with low, or with anything up to high where it is given (it is as long
// as low), and that have min to max digits.
type numbers struct {
	low, high string
	min, max  int
	source    string // who published or assigned it
}

func (r numbers) has(digits []byte) bool {
	if len(digits) < r.min || len(digits) > r.max {
		return false
	}
	first := string(digits[:len(r.low)])
	return first == r.low || first > r.low && first <= r.high
}

// published is the published test numbers and ranges. An issuer's live range is not listed: where a published sample lies
// in one, the entry is the whole number.
var published = [...]numbers{
	{"476173", "", 16, 16, "Visa, acquirer test cards"},
	{"476134", "", 16, 16, "Visa, acquirer test cards"},
	{"541333", "", 16, 16, "Mastercard, terminal integration test cards"},
	{"222300", "", 16, 16, "Mastercard, test numbers of the 2 series"},
	{"679999", "", 16, 19, "Maestro, test cards"},
	{"4111111111111111", "", 16, 16, "Visa sample"},
	{"401288888888", "", 16, 16, "Visa sample"},
	{"4012345678909", "", 13, 13, "X9.24-1, annex A"},
	{"400000", "", 13, 13, "Visa samples"},
	{"400000", "", 16, 16, "Visa samples"},
	{"5555555555554444", "", 16, 16, "Mastercard sample"},
	{"5105105105105100", "", 16, 16, "Mastercard sample"},
	{"378282246310005", "", 15, 15, "American Express sample"},
	{"371449635398431", "", 15, 15, "American Express sample"},
	{"30569309025904", "", 14, 14, "Diners Club sample"},
	{"38520000023237", "", 14, 14, "Diners Club sample"},
	{"6011111111111117", "", 16, 16, "Discover sample"},
	{"6011000990139424", "", 16, 16, "Discover sample"},
	{"3530111333300000", "", 16, 16, "JCB sample"},
	{"3566002020360505", "", 16, 16, "JCB sample"},
	{"62250000000000", "", 16, 16, "UnionPay, debit test cards"},
	{"62509470000000", "", 16, 16, "UnionPay, credit test cards"},
	{"6200000000000005", "", 16, 16, "UnionPay sample"},
	{"6230606601007726888", "", 19, 19, "UnionPay terminal sample"},
	{"6222020200112230", "", 16, 16, "UnionPay terminal sample"},
}

// InTestRange tells whether p is one of the published test numbers or lies in a published test range. A card outside of
// them is to be treated as live.
func InTestRange(p PAN) bool { return isTest([]byte(p.Digits())) }

func isTest(digits []byte) bool { return within(published[:], digits) }

// schemes is what the payment schemes issue, by IIN and length (ISO/IEC 7812-2). It is what a number inside a longer run of
// digits must match. Thirteen digits of Visa have not been issued for decades: such a number is found on its own, not inside.
var schemes = [...]numbers{
	{"4", "", 16, 16, "Visa"},
	{"4", "", 19, 19, "Visa"},
	{"51", "55", 16, 16, "Mastercard"},
	{"2221", "2720", 16, 16, "Mastercard"},
	{"34", "", 15, 15, "American Express"},
	{"37", "", 15, 15, "American Express"},
	{"300", "305", 14, 14, "Diners Club"},
	{"36", "", 14, 14, "Diners Club"},
	{"38", "39", 14, 14, "Diners Club"},
	{"3528", "3589", 16, 16, "JCB"},
	{"62", "", 16, 19, "UnionPay"},
	{"6011", "", 16, 16, "Discover"},
	{"644", "659", 16, 16, "Discover, RuPay"},
	{"5018", "", 16, 19, "Maestro"},
	{"5020", "", 16, 19, "Maestro"},
	{"5038", "", 16, 19, "Maestro"},
	{"5893", "", 16, 19, "Maestro"},
	{"6304", "", 16, 19, "Maestro"},
	{"6759", "6763", 16, 19, "Maestro"},
}

func isScheme(digits []byte) bool { return within(schemes[:], digits) }

func within(list []numbers, digits []byte) bool {
	for i := range list {
		if list[i].has(digits) {
			return true
		}
	}
	return false
}
