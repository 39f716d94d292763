package clear_test

import (
	"fmt"

	"github.com/posim/posim/hsm/clear"
)

// A key as somebody typed it, its check value, and a MAC.
func Example() {
	k, err := clear.ParseKey(clear.TDES, "0123456789ABCDEF FEDCBA9876543210")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(k)
	mac, err := clear.MAC(clear.ISO9797Alg3, k, 1, []byte("Now is the time for all "))
	fmt.Printf("%X %v\n", mac, err)
	_, err = clear.EncodePIN("0", "123", "4761739001010010", "")
	fmt.Println(err)
	// Output:
	// TDES key, check value 08D7B4
	// A1C72E74EA3FA9B6 <nil>
	// clear: pin: wrong number of digits, 3 digits: want 4 to 12
}
