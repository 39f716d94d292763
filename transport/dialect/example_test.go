package dialect_test

import (
	"fmt"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

func Example() {
	card, err := pan.Parse("4761739001010119") // a published test number
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := crypt.NewRetailMAC([]byte("a MAC test key..")) // in the program a security module holds it
	if err != nil {
		fmt.Println(err)
		return
	}
	request := &dialect.Message{
		MTI:                                "0200",
		PrimaryAccountNumber:               card,
		ProcessingCode:                     "000000",
		SystemsTraceAuditNumber:            "000123",
		TimeLocalTransaction:               "140511",
		DateLocalTransaction:               "0302",
		POSEntryMode:                       "0051",
		CardAcceptorTerminalIdentification: "SIM00001",
		CardAcceptorIdentificationCode:     "SIM000000000001",
		CurrencyCodeTransaction:            "0156",
	}
	request.SetAmount(100_00)

	d := dialect.ISO87()
	wire, err := d.Pack(request, func(dst *[8]byte, data []byte) error { key.Sum(dst, data); return nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes\n", len(wire))

	received, err := d.Unpack(wire)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(received, received.AmountTransaction)
	for _, f := range d.Fields(received)[:3] {
		fmt.Println(f.DE, f.Name, f.Value)
	}

	late := &dialect.Message{MTI: "0210", SystemsTraceAuditNumber: "000122", ResponseCode: "00"}
	fmt.Println(dialect.Match(request, late))
	// Output:
	// 71 bytes
	// 0200 SIM00001/000123/0302140511 10000
	// 2 primary account number 476173******0119
	// 3 processing code 000000
	// 4 amount, transaction 000000010000
	// dialect: answer 0210 /000122/ (MID ) does not match: want 0210 SIM00001/000123/0302140511 (MID SIM000000000001); differs in STAN, TID, MID, date, time
}
