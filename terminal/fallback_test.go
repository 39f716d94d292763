package terminal

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
)

// TestFallbackVectors: the rules of acquirers, in testdata/vectors/reader/fallback_rules.json.
func TestFallbackVectors(t *testing.T) {
	src, err := os.ReadFile("../testdata/vectors/reader/fallback_rules.json")
	must(t, err)
	var file struct {
		Vectors []struct {
			ID       string
			Service  serviceCode `json:"service_code"`
			Failures int         `json:"chip_fail_count"`
			Terminal *bool       `json:"terminal_fallback"`
			Result   string      `json:"chip_result"`
			Window   int         `json:"window_s"`
			Since    int         `json:"seconds_since_last_failure"`
			Expect   string
		}
	}
	must(t, json.Unmarshal(src, &file))
	if len(file.Vectors) < 8 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			p := Fallback{Off: v.Terminal != nil && !*v.Terminal, Tries: 3, Window: 90 * time.Second}
			if v.Window > 0 {
				p.Window = time.Duration(v.Window) * time.Second
			}
			now := time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)
			var f chipFailures
			for range v.Failures {
				f.failed(pan.PAN{}, now, p.Window)
				now = now.Add(5 * time.Second)
			}
			if v.Result != "" { // the chip answered
				f.good()
			}
			got := p.swipe(&f, v.Service.chip(), true, pan.PAN{}, now.Add(time.Duration(v.Since)*time.Second))
			var want swipeRule
			switch {
			case strings.HasPrefix(v.Expect, "accept swipe, DE22 PAN entry 80"):
				want = swipeFallback
				if entryFallback != "80" {
					t.Error("entry")
				}
			case strings.HasPrefix(v.Expect, "accept, DE22 entry 90"):
				want = swipeAccepted
				if entryStripe != "90" {
					t.Error("entry")
				}
			case strings.HasPrefix(v.Expect, "refuse swipe"), strings.HasPrefix(v.Expect, "no fallback"):
				want = swipeInsert
			case strings.HasPrefix(v.Expect, "decline, entry not permitted"):
				want = swipeNotAllowed
			default:
				t.Fatalf("what is %q?", v.Expect)
			}
			if got != want {
				t.Errorf("%d, want %d: %s", got, want, v.Expect)
			}
			if v.Since > 0 && f.count != 0 {
				t.Error("the count stays")
			}
		})
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	one, err := pan.Parse("4761739001010119")
	must(t, err)
	other, err := pan.Parse("5413330089600010")
	must(t, err)
	var none pan.PAN
	start := time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)
	p := Fallback{Tries: 2, Window: 90 * time.Second}
	type act func(f *chipFailures)
	fail := func(n pan.PAN, after time.Duration) act {
		return func(f *chipFailures) { f.failed(n, start.Add(after), p.Window) }
	}
	swipe := func(n pan.PAN, after time.Duration) act {
		return func(f *chipFailures) { p.swipe(f, true, true, n, start.Add(after)) }
	}
	good := func(f *chipFailures) { f.good() }
	for _, c := range []struct {
		name string
		acts []act
		want swipeRule
	}{
		{"two failures of nobody knows which card", []act{fail(none, 0), fail(none, time.Second)}, swipeFallback},
		{"two failures of the card", []act{fail(one, 0), fail(none, time.Second)}, swipeFallback},
		{"one of another card before", []act{fail(other, 0), fail(one, time.Second)}, swipeInsert},
		{"both of another card", []act{fail(other, 0), fail(other, time.Second)}, swipeInsert},
		{"another card was swiped in between", []act{fail(none, 0), swipe(other, time.Second), fail(none, 2*time.Second)}, swipeInsert},
		{"the card was swiped in between", []act{fail(none, 0), swipe(one, time.Second), fail(none, 2*time.Second)}, swipeFallback},
		{"another card was swiped long ago", []act{swipe(other, -5*time.Minute), fail(none, 0), fail(none, time.Second)}, swipeFallback},
		{"a chip was read in between", []act{fail(none, 0), good, fail(none, time.Second)}, swipeInsert},
		{"the first is too long ago", []act{fail(none, -100*time.Second), fail(none, time.Second)}, swipeInsert},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f chipFailures
			for _, a := range c.acts {
				a(&f)
			}
			if got := p.swipe(&f, true, true, one, start.Add(10*time.Second)); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	if got := p.swipe(&chipFailures{}, true, false, one, start); got != swipeFallback {
		t.Errorf("a reader out of order: %d", got)
	}
	p.Off = true
	if got := p.swipe(&chipFailures{}, true, false, one, start); got != swipeNotAllowed {
		t.Errorf("a reader out of order and no fallback: %d", got)
	}
}

func TestFallbackOfAProfile(t *testing.T) {
	for _, c := range []struct {
		text string
		want Fallback
	}{
		{"", Fallback{Tries: 3, Window: 90 * time.Second}},
		{"fallback: off", Fallback{Off: true, Tries: 3, Window: 90 * time.Second}},
		{"fallback: {tries: 1, window: 60s, empty_list: true}", Fallback{Tries: 1, Window: time.Minute, EmptyList: true}},
		{"fallback:\n  tries: 2", Fallback{Tries: 2, Window: 90 * time.Second}},
	} {
		p, err := ParseProfile("generic", []byte(strings.Replace(generic(t), "attempts: 3", "attempts: 3\n"+c.text, 1)))
		must(t, err)
		if p.Fallback != c.want {
			t.Errorf("%s: %+v", c.text, p.Fallback)
		}
	}
}
