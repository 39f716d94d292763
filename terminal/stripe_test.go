package terminal

import (
	"strings"
	"testing"
)

func TestTrack2(t *testing.T) {
	for _, c := range []struct{ name, track, want string }{
		{"digits as encoded", "4761739001010119=30122011143844805", ""},
		{"with its sentinels", ";4761739001010119=30122011143844805?", ""},
		{"no separator", "4761739001010119", "terminal: track 2: no separator"},
		{"nothing behind the separator", "4761739001010119=3012", "terminal: track 2: want expiry and service code after the separator"},
		{"letters behind the separator", "4761739001010119=30122A1", "terminal: track 2: want digits after the separator"},
		{"longer than ISO 7813 allows", "4761739001010119=" + strings.Repeat("1", 30), "terminal: track 2: longer than 37 characters"},
		{"a wrong check digit", "4761739001010118=3012201", "terminal: track 2: check digit of the card number is wrong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parseStripe(Stripe{Track2: c.track})
			if c.want != "" {
				if err == nil || err.Error() != c.want {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			if err != nil || s.number.Digits() != "4761739001010119" || s.expiry != "3012" || s.serviceCode != "201" || !s.hasChip() {
				t.Errorf("%v %+v", err, s)
			}
		})
	}
}

func TestAStripeOfACardWithoutChip(t *testing.T) {
	s, err := parseStripe(Stripe{Track2: "4761739001010119=30121011143844805"})
	if err != nil || s.hasChip() {
		t.Errorf("%v %v", err, s)
	}
}

func FuzzTrack2(f *testing.F) {
	f.Add(";4761739001010119=30122011143844805?")
	f.Add("=")
	f.Fuzz(func(t *testing.T, track string) {
		s, err := parseStripe(Stripe{Track2: track})
		if err == nil && (len(s.serviceCode) != 3 || len(s.expiry) != 4 || len(s.track2) > maxTrack2) {
			t.Errorf("%+v", s)
		}
		if err != nil && len(track) > 8 && strings.Contains(err.Error(), track) {
			t.Error("the error quotes the track")
		}
	})
}
