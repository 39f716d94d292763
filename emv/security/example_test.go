package security_test

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/emv/security"
)

// The issuer verifies a cryptogram: the card's IAD names the version, the version does the rest.
func Example() {
	data := map[uint32]string{
		0x9F02: "000000004000", 0x9F03: "000000000000", 0x9F1A: "0124", 0x95: "8000048000", 0x5F2A: "0124", 0x9A: "191105",
		0x9C: "01", 0x9F37: "52BF4585", 0x82: "1800", 0x9F36: "001C", 0x9F10: "06011203A0B800",
	}
	get := func(tag uint32) []byte {
		value, _ := hex.DecodeString(data[tag])
		return value
	}
	imk, _ := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210") // published test key
	mk, _ := security.ICCMasterKey(imk, "1234567890123456", "00", security.OptionA)
	version, _ := security.VersionFor("visa", get(0x9F10))
	input, _ := version.Input(get)
	key, _ := version.Key(mk, get(0x9F36), get(0x9F37))
	arqc, _ := version.Cryptogram(key, input)
	fmt.Printf("%v %X\n", version, arqc)
	// Output: visa-cvn18 7A788EA6B8A3E733
}
