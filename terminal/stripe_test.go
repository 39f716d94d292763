package terminal

import (
	"strings"
	"testing"
)

func TestWhatAStripeGives(t *testing.T) {
	for _, c := range []struct {
		name       string
		stripe     Stripe
		entry      panEntry
		spoilt     string
		want       string
		withTrack2 bool
	}{
		{"both tracks", Stripe{Track1: goodTrack1, Track2: goodTrack2}, entryStripe, "", "", true},
		{"three tracks", Stripe{Track1: goodTrack1, Track2: goodTrack2, Track3: goodTrack3}, entryStripe, "", "", true},
		{"track 2 alone", Stripe{Track2: goodTrack2}, entryStripe, "", "", true},
		{"track 1 alone", Stripe{Track1: goodTrack1}, entryPart, "", "", false},
		{"track 2 is scratched", Stripe{Track1: goodTrack1, Track2: ";E?"}, entryPart, "terminal: track 2: characters: character 1 of 1 does not belong there", "", false},
		{"track 1 is scratched", Stripe{Track1: "%E?", Track2: goodTrack2}, entryStripe, "terminal: track 1: format code: want B: any other is an issuer's own", "", true},
		{"track 3 is a bank's own", Stripe{Track2: goodTrack2, Track3: "99"}, entryStripe, "terminal: track 3: format code: want 01 or 02: any other is an issuer's own", "", true},
		{"both are scratched", Stripe{Track1: "%E?", Track2: ";E?"}, "", "", "terminal: track 2: characters: character 1 of 1 does not belong there", false},
		{"only track 3", Stripe{Track3: goodTrack3}, "", "", "terminal: stripe: neither track 1 nor track 2 was read", false},
		{"two cards on one stripe", Stripe{Track1: "B5413330089600010^TEST/VISA^3012101", Track2: goodTrack2}, "", "", "terminal: tracks 1 and 2: card numbers differ", false},
		{"two expiries", Stripe{Track1: strings.Replace(goodTrack1, "3012", "3112", 1), Track2: goodTrack2}, "", "", "terminal: tracks 1 and 2: expiries differ", false},
		{"two service codes", Stripe{Track1: strings.Replace(goodTrack1, "3012101", "3012201", 1), Track2: goodTrack2}, "", "", "terminal: tracks 1 and 2: service codes differ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, spoilt, err := readStripe(c.stripe)
			if fails(t, err, c.want) {
				return
			}
			if card.entry != c.entry || card.number.Digits() != "4761739001010119" || card.expiry != "3012" || (card.track2 == goodTrack2) != c.withTrack2 {
				t.Error("fields")
			}
			if len(spoilt) > 0 && spoilt[0].Error() != c.spoilt || len(spoilt) == 0 && c.spoilt != "" {
				t.Errorf("spoilt: %v, want %s", spoilt, c.spoilt)
			}
		})
	}
}

func TestServiceCodes(t *testing.T) {
	for _, c := range []struct {
		code             serviceCode
		chip, pin, goods bool
		text             string
	}{
		{"101", false, false, true, "international; normal authorisation; no restrictions"},
		{"201", true, false, true, "international, chip; normal authorisation; no restrictions"},
		{"601", true, false, true, "national, chip; normal authorisation; no restrictions"},
		{"520", false, true, true, "national; by the issuer online; PIN required"},
		{"625", true, true, true, "national, chip; by the issuer online; goods and services, PIN required"},
		{"143", false, true, false, "international; by the issuer online unless agreed otherwise; cash machines, PIN required"},
		{"104", false, false, false, "international; normal authorisation; cash"},
		{"206", true, false, true, "international, chip; normal authorisation; PIN where feasible"},
		{"318", false, false, true, "reserved; reserved; reserved"},
	} {
		if c.code.chip() != c.chip || c.code.pinRequired() != c.pin || c.code.goods() != c.goods || c.code.String() != c.text {
			t.Errorf("%s: chip %t, PIN %t, goods %t: %s", string(c.code), c.code.chip(), c.code.pinRequired(), c.code.goods(), c.code)
		}
	}
}

func FuzzTrack2(f *testing.F) {
	f.Add(";4761739001010119=30122011143844805?")
	f.Add("=")
	f.Fuzz(func(t *testing.T, track string) {
		s, err := parseTrack2(track)
		if err == nil && (len(s.service) != 3 || len(s.expiry) != 4 || len(s.data) > 37) {
			t.Errorf("%+v", s)
		}
		if err != nil && len(track) > 8 && strings.Contains(err.Error(), track) {
			t.Error("the error quotes the track")
		}
	})
}
