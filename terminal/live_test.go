package terminal

import (
	"errors"
	"testing"

	"github.com/posim/posim/internal/pan"
)

func TestALiveCardIsRefused(t *testing.T) {
	test, err := pan.Parse("4761739001010119")
	must(t, err)
	live, err := pan.Parse("4000000000000001" + "000") // of no test range, and no check digit: nobody's
	must(t, err)
	if pan.InTestRange(live) {
		t.Fatal("the number is in a test range")
	}
	for _, c := range []struct {
		name   string
		number pan.PAN
		allow  bool
		want   error
		screen string
	}{
		{"a test card passes", test, false, nil, ""},
		{"a live card is refused", live, false, errLiveRefused, "LIVE CARD REFUSED"},
		{"a live card may be read where that is allowed", live, true, errLiveRead, "LIVE CARD, NOTHING DONE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var shown []Screen
			tm := New(Config{AllowLiveCards: c.allow, Devices: Devices{Show: func(s Screen) { shown = append(shown, s) }}})
			if err := tm.admit(c.number); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if c.screen == "" {
				return
			}
			if len(shown) != 1 {
				t.Fatalf("%d screens", len(shown))
			}
			text := shown[0].In(English)
			if (shown[0][0].Key == "live-banner") != c.allow || !containsLine(shown[0], c.screen) {
				t.Errorf("%s", text)
			}
		})
	}
}

func containsLine(s Screen, line string) bool {
	for _, l := range s {
		if l.In(English) == line {
			return true
		}
	}
	return false
}
