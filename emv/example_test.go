package emv_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
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
func (shop) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return emv.PINPadAbsent, 0, nil
}
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
		Trace:        func(d emv.Decision) { fmt.Println(d.Rule, "-", d.Text) },
	}
	outcome, err := emv.Run(card, shop{}, config, emv.Transaction{
		Amount: 10000, Time: time.Date(2026, 3, 2, 14, 5, 11, 0, time.UTC),
	})
	fmt.Println(outcome.Result, err)
	// Output:
	// selection.directory - the card has no directory that can be used
	// selection.list - applications tried: 1
	// selection.candidates - applications in common: 1, found by selection.list
	// selection.confirmation - taken without asking: TEST
	// selection.final - selected TEST, AID A0000000031010
	// initiate.processing-options - the card gave its profile and the locator of its records
	// read.records - records: 1, PAN 476173******0119
	// ODA.method - method: none
	// restrictions.version - no difference
	// restrictions.usage-control - allowed
	// restrictions.expiration-date - not expired
	// CVM.online-pin - a PIN was entered for the issuer
	// CVM.rule - rule 1, Enciphered PIN verified online, condition 03: met
	// CVM.end - a rule was met
	// risk.floor-limit - the floor limit is reached
	// risk.end - terminal risk management was performed
	// TAA.denial - no bit of the TVR is in it
	// TAA.online - matches: Offline data authentication was not performed, Online CVM captured, Transaction exceeds floor limit
	// TAA.request - ask for ARQC
	// card.first-cryptogram - asked for ARQC, the card gave ARQC
	// online: card 476173******0119, cryptogram A1B2C3D4E5F60718
	// online.answer - authorisation response code 00
	// completion.host - approved: ask for TC
	// completion.second-cryptogram - asked for TC, the card gave TC
	// outcome.outcome - online_approved
	// online_approved <nil>
}
