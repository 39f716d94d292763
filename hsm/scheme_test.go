package hsm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/hsm"
)

// What a scheme can be made of: every value that its parts have, nothing, and one that is none.
var (
	schemeKeys     = []string{"", "mk-sk", "dukpt-tdes", "dukpt-aes", "dukpt"}
	schemePINs     = []string{"", "0", "1", "2", "3", "4", "sm4-x98-16", "5"}
	schemeMACs     = []string{"", "x9.19", "x9.9", "iso9797-1-1", "cmac", "hmac-sha256", "cup-ecb", "cup-ecb-left", "cup-ecb-single", "X9.19"}
	schemePaddings = []int{-1, 0, 1, 2, 3, 4}
)

// The words of refusals.
const (
	macsOfSessions = "x9.19, x9.9, iso9797-1-1, cmac, cup-ecb, cup-ecb-left, cup-ecb-single"
	macsOfTDES     = "x9.19, iso9797-1-1, cmac, cup-ecb, cup-ecb-left"
	macsOfAES      = "x9.19, cmac, hmac-sha256"
)

// wanted is the scheme that parts make, in words, or why they make none: said once more, by list and not by rule.
func wanted(keys, pin, mac string, padding int) (scheme, refused string) {
	macs := map[string]string{"": macsOfSessions, "mk-sk": macsOfSessions, "dukpt-tdes": macsOfTDES, "dukpt-aes": macsOfAES}[keys]
	switch {
	case macs == "":
		return "", fmt.Sprintf("keys %q: want mk-sk, dukpt-tdes or dukpt-aes", keys)
	case keys == "":
		keys = "mk-sk"
	}
	usualPIN, usualMAC := "0", "x9.19"
	if keys == "dukpt-aes" {
		usualPIN, usualMAC = "4", "cmac"
	}
	if pin == "" {
		pin = usualPIN
	}
	if mac == "" {
		mac = usualMAC
	}
	switch {
	case pin == "5":
		return "", `pin_block: pinblock: format "5": want 0, 1, 2, 3, 4 or sm4-x98-16`
	case pin == "2", pin == "sm4-x98-16":
		return "", "pin_block " + pin + ": want 0, 1, 3 or 4"
	case pin == "4" && keys != "dukpt-aes":
		return "", "pin_block 4 with keys " + keys + ", which are TDES keys: want 0, 1 or 3, or keys dukpt-aes"
	case mac == "X9.19":
		return "", `mac "X9.19": want one of ` + macs
	case !strings.Contains(", "+macs+",", ", "+mac+","):
		return "", "mac " + mac + " with keys " + keys + ": want one of " + macs
	case padding < 0 || padding > 3:
		return "", fmt.Sprintf("mac_padding %d: want 1, 2 or 3", padding)
	case padding > 0 && mac != "x9.19" && mac != "x9.9" && mac != "iso9797-1-1":
		return "", fmt.Sprintf("mac_padding %d with mac %s, which has none", padding, mac)
	}
	return keys + ", PIN block format " + pin + ", " + mac, ""
}

func TestEveryCombinationOfASchemeIsTakenOrRefused(t *testing.T) {
	taken := map[string]int{}
	for _, keys := range schemeKeys {
		for _, pin := range schemePINs {
			for _, mac := range schemeMACs {
				for _, padding := range schemePaddings {
					s, err := hsm.ParseScheme(keys, pin, mac, padding)
					scheme, refused := wanted(keys, pin, mac, padding)
					if refused != "" {
						if err == nil || err.Error() != refused || s != (hsm.Scheme{}) {
							t.Errorf("%q, %q, %q, %d: %v, %v; want %s", keys, pin, mac, padding, s, err, refused)
						}
						continue
					}
					if err != nil || s.String() != scheme || s.MACParams().Padding != padding {
						t.Errorf("%q, %q, %q, %d: %v with %+v, %v; want %s", keys, pin, mac, padding, s, s.MACParams(), err, scheme)
					}
					taken[s.Keys()]++
				}
			}
		}
	}
	// "" counts with what it stands for: PIN blocks times MACs, each of these with its paddings.
	want := map[string]int{"mk-sk": 2 * 4 * (2*4 + 4 + 4 + 4), "dukpt-tdes": 4 * (2*4 + 4 + 3), "dukpt-aes": 5 * (1 + 4 + 2)}
	if fmt.Sprint(taken) != fmt.Sprint(want) {
		t.Errorf("%v are taken, want %v", taken, want)
	}
}

func TestTheZeroSchemeIsTheUsualOne(t *testing.T) {
	usual, err := hsm.ParseScheme("", "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	const text = "mk-sk, PIN block format 0, x9.19"
	var zero hsm.Scheme
	if zero.String() != text || usual.String() != text || fmt.Sprintf("%v", schemeFacts(zero)) != fmt.Sprintf("%v", schemeFacts(usual)) {
		t.Errorf("zero: %v %v\nusual: %v %v", zero, schemeFacts(zero), usual, schemeFacts(usual))
	}
}

// schemeFacts is all that terminals and hosts ask a scheme.
func schemeFacts(s hsm.Scheme) []any {
	return []any{
		s.Keys(), s.DUKPT(), s.DeviceKey(), s.PINFormat(), s.MACParams(), s.SessionPIN(), s.SessionMAC(), s.WorkingPIN(),
		s.WorkingMAC(hsm.Request), s.WorkingMAC(hsm.Response),
	}
}

func TestWhatASchemeSaysOfItsKeys(t *testing.T) {
	for _, c := range []struct {
		keys, pin, mac string
		padding        int
		dukpt          bool
		device         hsm.Attributes
		format         hsm.PINFormat
		params         hsm.MACParams
		sessionMAC     hsm.Attributes // of session keys
		workingPIN     hsm.Algorithm  // of DUKPT
		workingMAC     hsm.Usage
	}{
		{
			keys: "mk-sk", device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, format: hsm.Format0,
			sessionMAC: hsm.Attributes{Usage: "M3"},
		},
		{
			keys: "mk-sk", pin: "3", mac: "x9.9", padding: 2, device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, format: hsm.Format3,
			params: hsm.MACParams{Padding: 2}, sessionMAC: hsm.Attributes{Usage: "M1", Algorithm: hsm.DES},
		},
		{
			keys: "mk-sk", pin: "1", mac: "iso9797-1-1", padding: 3, device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, format: hsm.Format1,
			params: hsm.MACParams{Padding: 3}, sessionMAC: hsm.Attributes{Usage: "M1"},
		},
		{keys: "mk-sk", mac: "cmac", device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, sessionMAC: hsm.Attributes{Usage: "M6"}},
		{keys: "mk-sk", mac: "cup-ecb", device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, sessionMAC: hsm.Attributes{Usage: "90"}},
		{
			keys: "mk-sk", mac: "cup-ecb-left", device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES}, params: hsm.MACParams{LeftHalf: true},
			sessionMAC: hsm.Attributes{Usage: "90"},
		},
		{
			keys: "mk-sk", mac: "cup-ecb-single", device: hsm.Attributes{Usage: "K0", Algorithm: hsm.TDES},
			sessionMAC: hsm.Attributes{Usage: "90", Algorithm: hsm.DES},
		},
		{
			keys: "dukpt-tdes", dukpt: true, device: hsm.Attributes{Usage: "B1", Algorithm: hsm.TDES}, format: hsm.Format0,
			workingPIN: hsm.TDES, workingMAC: "M3",
		},
		{
			keys: "dukpt-tdes", pin: "3", mac: "cup-ecb-left", dukpt: true, device: hsm.Attributes{Usage: "B1", Algorithm: hsm.TDES},
			format: hsm.Format3, params: hsm.MACParams{LeftHalf: true}, workingPIN: hsm.TDES, workingMAC: "90",
		},
		{
			keys: "dukpt-aes", dukpt: true, device: hsm.Attributes{Usage: "B1", Algorithm: hsm.AES}, format: hsm.Format4,
			workingPIN: hsm.AES, workingMAC: "M6",
		},
		{
			keys: "dukpt-aes", pin: "0", mac: "x9.19", padding: 1, dukpt: true, device: hsm.Attributes{Usage: "B1", Algorithm: hsm.AES},
			format: hsm.Format0, params: hsm.MACParams{Padding: 1}, workingPIN: hsm.TDES, workingMAC: "M3",
		},
		{
			keys: "dukpt-aes", mac: "hmac-sha256", dukpt: true, device: hsm.Attributes{Usage: "B1", Algorithm: hsm.AES},
			format: hsm.Format4, workingPIN: hsm.AES, workingMAC: "M7",
		},
	} {
		s, err := hsm.ParseScheme(c.keys, c.pin, c.mac, c.padding)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(s.String(), func(t *testing.T) {
			for _, x := range []struct {
				what      string
				got, want any
			}{
				{"keys", s.Keys(), c.keys}, {"DUKPT", s.DUKPT(), c.dukpt}, {"device key", s.DeviceKey(), c.device},
				{"PIN block", s.PINFormat(), c.format}, {"MAC parameters", s.MACParams(), c.params},
				{"session PIN key", s.SessionPIN(), hsm.Attributes{Usage: "P0"}},
			} {
				if x.got != x.want {
					t.Errorf("%s: %+v, want %+v", x.what, x.got, x.want)
				}
			}
			if !c.dukpt {
				if got := s.SessionMAC(); got != c.sessionMAC {
					t.Errorf("session MAC key: %+v, want %+v", got, c.sessionMAC)
				}
				return
			}
			if got, want := s.WorkingPIN(), (hsm.Working{Usage: "P0", Algorithm: c.workingPIN}); got != want {
				t.Errorf("PIN key: %+v, want %+v", got, want)
			}
			for _, d := range []hsm.Direction{hsm.Request, hsm.Response} {
				if got, want := s.WorkingMAC(d), (hsm.Working{Usage: c.workingMAC, Direction: d}); got != want {
					t.Errorf("MAC key: %+v, want %+v", got, want)
				}
			}
		})
	}
}
