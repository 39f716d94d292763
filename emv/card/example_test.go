package card_test

import (
	"fmt"
	"os"

	"github.com/posim/posim/emv/card"
)

// A card from a profile answers the commands of a terminal.
func Example() {
	source, err := os.ReadFile("../../testdata/cards/visa-credit.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := card.ParseProfile("visa-credit.yaml", source)
	if err != nil {
		fmt.Println(err)
		return
	}
	chip, err := card.New(profile)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v\n%X\n", chip, chip.Reset())
	for _, command := range [][]byte{
		{0x00, 0xA4, 0x04, 0x00, 7, 0xA0, 0, 0, 0, 3, 0x10, 0x10, 0}, // SELECT
		{0x80, 0xA8, 0, 0, 2, 0x83, 0, 0},                            // GET PROCESSING OPTIONS
		{0x80, 0xCA, 0x9F, 0x36, 0},                                  // GET DATA: the card has counted
	} {
		response, _ := chip.Transmit(command)
		fmt.Printf("%X\n", response)
	}
	// Output:
	// card visa-credit 476173******0119
	// 3B650000706F73696D
	// 6F228407A0000000031010A517500B56495341204352454449548701015F2D047A68656E9000
	// 770E82021C00940808010100100102009000
	// 9F360200019000
}
