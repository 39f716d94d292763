package emv_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/tlv"
)

// cannedCard answers the commands it knows, and nothing else.
type cannedCard map[string]string

func (c cannedCard) Transmit(command []byte) ([]byte, error) {
	for start, response := range c {
		if strings.HasPrefix(strings.ToUpper(hex.EncodeToString(command)), start) {
			return hex.DecodeString(response)
		}
	}
	return []byte{0x6A, 0x82}, nil
}

// shop is a terminal whose host approves.
type shop struct{}

func (shop) ChooseApplication([]emv.Candidate) (int, error) { return 0, nil }
func (shop) EnterPIN(*emv.Session) (emv.PINEntry, error)    { return emv.PINEntered, nil }
func (shop) GoOnline(s *emv.Session) (emv.OnlineAnswer, error) {
	fmt.Printf("online: card %s, cryptogram %X\n", s.PAN(), s.Data(tlv.ApplicationCryptogram))
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"}, nil
}

func ExampleRun() {
	card := cannedCard{
		"00A4040007A0000000031010": "6F118407A0000000031010A5065004544553549000",
		"80A8":                     "80061C00080101009000",
		"00B2010C":                 "702F5A0847617390010101195F24033112318E0A000000000000000042038C089F02069F370495058D078A0295059F37049000",
		"80AE80":                   "8012800007A1B2C3D4E5F6071806010A03A4A8009000",
		"80AE40":                   "8012400007B1B2C3D4E5F6071806010A03A4A8009000",
	}
	config := &emv.Config{
		CountryCode: 156, CurrencyCode: 156, CurrencyExponent: 2,
		Type:         0x22,
		Capabilities: [3]byte{0xE0, 0x48, 0x00}, // online PIN and no CVM
		Applications: []emv.Application{{AID: []byte{0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10}}},
		Rand:         bytes.NewReader([]byte{1, 2, 3, 4}),
		Trace:        func(d emv.Decision) { fmt.Println(d.Section, d.Text) },
	}
	outcome, err := emv.Run(card, shop{}, config, emv.Transaction{
		Amount: 10000, Time: time.Date(2026, 3, 2, 14, 5, 11, 0, time.UTC),
	})
	fmt.Println(outcome.Result, err)
	// Output:
	// 12.3 applications in common: 1, by the terminal's list
	// 12.4 selected TEST, AID A0000000031010
	// 10.1 AIP 1C00, AFL 08010100
	// 10.2 records: 1, PAN 476173******0119
	// 10.3 no method in common: offline data authentication was not performed
	// 10.4 no restriction
	// 10.5 rule 1, online PIN, condition 03: met
	// 10.6.1 amount 10000 with the log reaches the floor limit 0
	// 10.6 terminal risk management was performed
	// 10.7 action code online: TVR byte 1 is 80, issuer FF, terminal 00
	// 10.7 ask for ARQC
	// 10.8 asked for ARQC, the card gave ARQC
	// online: card 476173******0119, cryptogram A1B2C3D4E5F60718
	// 10.9 authorisation response code 00
	// 10.11 asked for TC, the card gave TC
	// 10 online_approved
	// online_approved <nil>
}
