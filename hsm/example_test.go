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
	terminalMaster, _ := terminal.Install("master", hsm.TerminalMaster, master)
	hostMaster, _ := host.Install("master", hsm.TerminalMaster, master)
	fmt.Println("master key:", terminalMaster)

	// Sign-on: the host makes a PIN key and sends it under the master key.
	hostPIN, _ := host.Generate(hsm.PINEncryption)
	wrapped, check, _ := host.Export(hostPIN, hostMaster)
	terminalPIN, err := terminal.Import(hsm.PINEncryption, terminalMaster, wrapped, check[:])
	fmt.Println("the same key:", terminalPIN.CheckValue() == hostPIN.CheckValue(), err)

	// The cardholder types; the screen shows asterisks.
	card, _ := pan.Parse("4761739001010010")
	pad := terminal.Keypad()
	for _, digit := range []byte("1234") {
		pad.Press(digit)
	}
	fmt.Println(pad.Len(), "asterisks,", pad.Enter())
	block, err := terminal.EncryptPIN(terminalPIN, pad, card)
	fmt.Println(pad.State(), err)

	// The issuer knows a reference, not the PIN.
	verification, _ := host.Generate(hsm.PINVerification)
	reference, _ := host.PINReference(verification, card, "1234")
	fmt.Println("right PIN:", host.VerifyPIN(hostPIN, card, block[:], verification, reference[:]))

	// A key does what its usage says, and nothing else.
	fmt.Println(terminal.MAC(terminalPIN, new([8]byte), []byte("0200")))
	// Output:
	// master key: K0 08D7B4
	// the same key: true <nil>
	// 4 asterisks, entered
	// used <nil>
	// right PIN: <nil>
	// hsm: wrong key usage: need M3, found P0
}
