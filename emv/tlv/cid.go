package tlv

// CID is a cryptogram information data, tag 9F27 (EMV Book 3, 6.5.5.4).
type CID byte

// Cryptogram is the type in bits 8 and 7.
func (c CID) Cryptogram() string {
	return [...]string{"AAC", "TC", "ARQC", "Reserved for future use"}[c>>6]
}

// PaymentSystem is the payment system's own bits 6 and 5.
func (c CID) PaymentSystem() byte { return byte(c) >> 4 & 3 }

// Advice tells whether an advice is required.
func (c CID) Advice() bool { return c&8 != 0 }

// Reason is the book's name of the reason, advice or referral code in bits 3 to 1.
func (c CID) Reason() string {
	switch c & 7 {
	case 0:
		return "No information given"
	case 1:
		return "Service not allowed"
	case 2:
		return "PIN Try Limit exceeded"
	case 3:
		return "Issuer authentication failed"
	}
	return "Reserved for future use"
}
