package hsm_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
)

// A terminal signs on, takes a PIN and signs a message; the host verifies both.
func Example() {
	master, _ := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210") // a published test key
	terminal := hsm.New(rand.NewChaCha8([32]byte{1}))                 // crypto/rand.Reader outside a simulation
	host := hsm.New(rand.NewChaCha8([32]byte{2}))
	terminalMaster, _ := terminal.Install("master", hsm.Attributes{Usage: hsm.KeyEncryption}, master)
	hostMaster, _ := host.Install("master", hsm.Attributes{Usage: hsm.KeyEncryption}, master)
	fmt.Println("master key:", terminalMaster)

	// Sign-on: the host makes a PIN key and sends it under the master key.
	pinKey := hsm.Attributes{Usage: hsm.PINEncryption}
	hostPIN, _ := host.Generate(pinKey)
	wrapped, check, _ := host.Export(hostPIN, hostMaster)
	terminalPIN, err := terminal.Import(pinKey, terminalMaster, wrapped, check[:])
	fmt.Println("the same key:", terminalPIN.CheckValue() == hostPIN.CheckValue(), err)

	// The cardholder types; the screen shows asterisks.
	card, _ := pan.Parse("4761739001010010")
	pad := terminal.Keypad()
	for _, digit := range []byte("1234") {
		pad.Press(digit)
	}
	fmt.Println(pad.Len(), "asterisks,", pad.Enter())
	block, err := terminal.EncryptPIN(nil, hsm.PINCarrier{Key: terminalPIN, Format: hsm.Format0}, pad, card)
	fmt.Println(pad.State(), err)

	// The issuer knows a reference, not the PIN; personalisation made it of what was typed at another pad.
	verification, _ := host.Generate(hsm.Attributes{Usage: hsm.PINVerification})
	chosen := host.Keypad()
	for _, digit := range []byte("1234") {
		chosen.Press(digit)
	}
	chosen.Enter()
	reference, _ := host.PINReference(verification, card, chosen)
	carrier := hsm.PINCarrier{Key: hostPIN, Format: hsm.Format0}
	fmt.Println("right PIN:", host.VerifyPIN(carrier, card, block, verification, reference[:]))

	// A key does what its usage says, and nothing else.
	fmt.Println(terminal.MAC(terminalPIN, hsm.MACParams{}, make([]byte, 8), []byte("0200")))
	// Output:
	// master key: K0 08D7B4
	// the same key: true <nil>
	// 4 asterisks, entered
	// used <nil>
	// right PIN: <nil>
	// hsm: wrong key usage: need M3 or M1 or M6 or M7 or 90, found P0
}
