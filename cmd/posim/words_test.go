package main

import (
	"slices"
	"testing"
	"time"

	"github.com/posim/posim/terminal/tui"
)

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		name, got, want string
	}{
		{"a short virtual time", virtualTime(92*time.Second + 250*time.Millisecond), "00:01:32.250"},
		{"days", virtualTime(52*time.Hour + 12*time.Second), "2 d 04:00:12.000"},
		{"nothing", virtualTime(0), "00:00:00.000"},
		{"below an hour in a story", tui.Clock(66*time.Second + 301*time.Millisecond), "01:06.301"},
		{"the last below an hour", tui.Clock(time.Hour - time.Millisecond), "59:59.999"},
		{"from a day on", tui.Clock(25*time.Hour + time.Minute + 6*time.Second), "1d 1:01:06"},
		{"from an hour on", tui.Clock(time.Hour + time.Minute + 6*time.Second), "1:01:06"},
		{"real milliseconds", wallTime(3100 * time.Microsecond), "3.1 ms"},
		{"real seconds", wallTime(1500 * time.Millisecond), "1.5 s"},
		{"a factor in two figures", factor(871234*time.Second, time.Second), "870,000x"},
		{"a factor below a hundred", factor(7*time.Second, time.Second), "7x"},
		{"a factor without time", factor(0, 0), "0x"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestEndWords(t *testing.T) {
	for _, c := range []struct {
		end, en, zh string
	}{
		{"F0", "F0 nobody charged", "F0 未扣款"},
		{"F2, F1", "F2, F1", "F2, F1"},
		{"", "-", "-"},
		{"F9", "F9", "F9"},
	} {
		if en, zh := endWords(c.end, 0), endWords(c.end, 1); en != c.en || zh != c.zh {
			t.Errorf("%q: %q, %q", c.end, en, zh)
		}
	}
}

func TestColumnsOfChinese(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "卡号": 4, "a卡，": 5, "é": 1, "e\u0301": 1, "·": 1} {
		if got := tui.Columns(s); got != want {
			t.Errorf("%q: %d columns, want %d", s, got, want)
		}
	}
	if got := tui.Pad("卡", 4) + "|" + tui.PadLeft("卡", 4) + "|" + tui.Pad("12345", 4); got != "卡  |  卡|12345" {
		t.Errorf("%q", got)
	}
}

func TestNaturalOrder(t *testing.T) {
	names := []string{"W10", "W2", "W02a", "W1", "A9", "W1b", "W"}
	slices.SortFunc(names, naturally)
	if want := []string{"A9", "W", "W1", "W1b", "W2", "W02a", "W10"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

func TestQuotedForAShell(t *testing.T) {
	if got := quoted(`it's (a) "b"`); got != `'it'\''s (a) "b"'` {
		t.Error(got)
	}
}
