package card

// An answer to reset in the two forms that EMV accepts of a card with nothing special (Contact Interface Specification,
// 8.3): T=0 with TB1 and TC1; T=1 with IFSC 254, BWI 4, CWI 5 and checksum, and no TC3, which means LRC.
const (
	ifsc          = 0xFE
	waiting       = 0x45
	maxHistorical = 15
)

func answerToReset(t1 bool, historical []byte) []byte {
	n := byte(len(historical))
	if !t1 {
		return append([]byte{0x3B, 0x60 | n, 0x00, 0x00}, historical...)
	}
	atr := append([]byte{0x3B, 0xE0 | n, 0x00, 0x00, 0x81, 0x31, ifsc, waiting}, historical...)
	check := byte(0)
	for _, c := range atr[1:] {
		check ^= c
	}
	return append(atr, check)
}
