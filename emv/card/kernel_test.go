package card_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// counter is a terminal whose host is the card's issuer, in the same room.
type counter struct {
	t        testing.TB
	p        *card.Profile
	approve  bool
	spoil    bool // the ARPC is wrong
	silent   bool
	pinAsked bool
}

func (c *counter) ChooseApplication([]emv.Candidate) (int, error) { return 0, nil }

func (c *counter) EnterPIN(*emv.Session) (emv.PINEntry, error) {
	c.pinAsked = true
	return emv.PINEntered, nil
}

func (c *counter) GoOnline(s *emv.Session) (emv.OnlineAnswer, error) {
	if c.silent {
		return emv.OnlineAnswer{}, nil
	}
	i := &c.p.Issuer
	version, err := security.VersionFor(i.Cryptogram, s.Data(0x9F10))
	if err != nil {
		c.t.Fatal(err)
	}
	input, err := version.Input(s.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	mk, err := security.ICCMasterKey(i.IssuerMasterKey(), s.PAN().Digits(), s.PANSequenceNumber(), i.Derivation)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := security.NewMasterKey(mk)
	if err != nil {
		c.t.Fatal(err)
	}
	session, err := version.Session(m, s.Data(0x9F36), s.Data(0x9F37))
	if err != nil {
		c.t.Fatal(err)
	}
	arqc := session.Cryptogram(input)
	if string(arqc[:]) != string(s.Data(0x9F26)) {
		c.t.Errorf("ARQC does not verify: %X, want %X", s.Data(0x9F26), arqc)
	}
	code := "00"
	if !c.approve {
		code = "51"
	}
	data, err := session.IssuerAuthenticationData(arqc, security.IssuerAnswer{AuthorisationResponseCode: [2]byte([]byte(code)), Approved: c.approve})
	if err != nil {
		c.t.Fatal(err)
	}
	if c.spoil {
		data[0] ^= 1
	}
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: code, IssuerAuthenticationData: data}, nil
}

func config(seed uint64) *emv.Config {
	apps := []emv.Application{}
	for _, aid := range [][]byte{{0xA0, 0, 0, 0, 3}, {0xA0, 0, 0, 0, 4}, {0xA0, 0, 0, 3, 0x33}} {
		apps = append(apps, emv.Application{AID: aid, Partial: true, Version: [2]byte{0x00, 0x96}, FloorLimit: 20000})
	}
	return &emv.Config{CountryCode: 156, CurrencyCode: 156, CurrencyExponent: 2, Type: 0x22, Capabilities: [3]byte{0x60, 0x60, 0x00},
		AdditionalCapabilities: [5]byte{0xF0, 0, 0xF0, 0xA0, 0x01}, AutoSelect: true, Applications: apps,
		Rand: rand.NewChaCha8([32]byte{byte(seed)})}
}

// The kernel and the card meet: two parties written apart must agree on every step.
func TestKernelAndCard(t *testing.T) {
	tests := []struct {
		name, card string
		counter    counter
		amount     int64
		want       emv.Result
		pin        bool
	}{
		{"online approval with PIN", "visa-credit", counter{approve: true}, 5000, emv.OnlineApproved, true},
		{"ARPC method 2", "visa-debit", counter{approve: true}, 5000, emv.OnlineApproved, true},
		{"ARPC in the second GENERATE AC", "mc-credit", counter{approve: true}, 5000, emv.OnlineApproved, true},
		{"debit card", "cup-debit", counter{approve: true}, 5000, emv.OnlineApproved, true},
		{"credit card", "cup-credit", counter{approve: true}, 5000, emv.OnlineApproved, true},
		{"host declines", "visa-credit", counter{}, 5000, emv.OnlineDeclined, true},
		{"host declines, method 2", "visa-debit", counter{}, 5000, emv.OnlineDeclined, true},
		{"wrong ARPC", "cup-debit", counter{approve: true, spoil: true}, 5000, emv.OnlineDeclined, true},
		{"wrong ARPC in the second GENERATE AC", "mc-credit", counter{approve: true, spoil: true}, 5000, emv.OnlineDeclined, true},
		{"expired card goes online", "visa-expired", counter{}, 5000, emv.OnlineDeclined, true},
		{"below the floor limit", "visa-offline", counter{}, 5000, emv.OfflineApproved, false},
		{"above the floor limit", "visa-offline", counter{approve: true}, 50000, emv.OnlineApproved, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := profile(t, test.card)
			c, err := card.New(p)
			if err != nil {
				t.Fatal(err)
			}
			c.Reset()
			test.counter.t, test.counter.p = t, p
			out, err := emv.Run(c, &test.counter, config(1), emv.Transaction{Amount: test.amount, Time: time.Date(2026, 3, 2, 10, 11, 12, 0, time.UTC), SequenceCounter: 1})
			if err != nil || out.Result != test.want {
				t.Fatalf("%v (%v), %v: want %v", out.Result, out.Reason, err, test.want)
			}
			if test.counter.pinAsked != test.pin {
				t.Errorf("PIN asked: %v, want %v", test.counter.pinAsked, test.pin)
			}
			tvr := out.Session.TVR()
			if expired := tlv.TVRExpiredApplication.In(tvr[:]); expired != (test.card == "visa-expired") {
				t.Errorf("TVR %X: expired %v", tvr, expired)
			}
			if out.Session.PAN() != p.PAN {
				t.Errorf("PAN %v, want %v", out.Session.PAN(), p.PAN)
			}
			if _, track2 := p.Stripe(); strings.ReplaceAll(out.Session.Track2(), "D", "=") != track2 {
				t.Error("tag 57 is not track 2 of the stripe")
			}
		})
	}
}

func (c *counter) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return emv.PINPadAbsent, 0, nil
}
