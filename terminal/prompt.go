package terminal

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// nextKey waits for the next key; false: nobody came.
func (t *Terminal) nextKey() (byte, bool) {
	if !t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return len(t.keys) > 0 }) {
		return 0, false
	}
	k := t.keys[0]
	t.keys = t.keys[1:]
	return k, true
}

// ask takes min to max digits and ENTER; false: cancelled, or nobody came. The prompt's text has what was typed so far, and ""
// before the first digit.
func (t *Terminal) ask(prompt Key, min, max int, above ...Text) (string, bool) {
	return t.askFor(prompt, min, max, func(typed string) string { return typed }, above...)
}

// askHidden is ask for what nobody else should read: the screen has a star for each digit.
func (t *Terminal) askHidden(prompt Key, min, max int, above ...Text) (string, bool) {
	return t.askFor(prompt, min, max, func(typed string) string { return string(slices.Repeat([]byte{'*'}, len(typed))) }, above...)
}

func (t *Terminal) askFor(prompt Key, min, max int, shown func(string) string, above ...Text) (string, bool) {
	var typed []byte
	for {
		t.show(append(slices.Clone(above), say(prompt, shown(string(typed))))...)
		key, ok := t.nextKey()
		switch {
		case !ok || key == KeyCancel:
			return "", false
		case key == KeyClear:
			typed = nil
		case key == KeyEnter && len(typed) >= min:
			return string(typed), true
		case key >= '0' && key <= '9' && len(typed) < max:
			typed = append(typed, key)
		}
	}
}

// askDate takes MMDD.
func (t *Terminal) askDate(prompt Key, above ...Text) (string, bool) {
	for {
		s, ok := t.ask(prompt, 4, 4, above...)
		if _, err := time.Parse("20060102", "2024"+s); !ok || err == nil { // a leap year has them all
			return s, ok
		}
		above = []Text{say("wrong-entry")}
	}
}

// askSTAN takes a trace number of up to six digits.
func (t *Terminal) askSTAN(prompt Key) (string, bool) {
	s, ok := t.ask(prompt, 1, 6)
	return padded(s), ok
}

// padded is a STAN or a batch number of which the zeros in front were not typed.
func padded(typed string) string { return strings.Repeat("0", max(0, 6-len(typed))) + typed }

// askNumber takes a number from min to max.
func (t *Terminal) askNumber(prompt Key, min, max int, above ...Text) (int, bool) {
	for {
		s, ok := t.ask(prompt, 1, 6, above...)
		n, err := strconv.Atoi(s)
		if !ok || err == nil && n >= min && n <= max {
			return n, ok
		}
		above = []Text{say("wrong-entry")}
	}
}

// askAmount takes an amount in minor units, at most max; false: cancelled, or nobody came. zero tells whether it may be 0.
func (t *Terminal) askAmount(prompt Key, max int64, zero bool, above ...Text) (amount int64, ok bool) {
	limit := false
	for {
		lines := slices.Clone(above)
		if limit {
			lines = append(lines, say("limit"))
		}
		t.show(append(lines, say(prompt, Amount(amount)))...)
		key, ok := t.nextKey()
		limit = false
		switch {
		case !ok || key == KeyCancel:
			return 0, false
		case key == KeyClear:
			amount = 0
		case key == KeyEnter && (amount > 0 || zero):
			return amount, true
		case key >= '0' && key <= '9':
			next := amount*10 + int64(key-'0')
			if limit = next > max; !limit {
				amount = next
			}
		}
	}
}

// confirm shows what is about to happen and waits for ENTER.
func (t *Terminal) confirm(lines ...Text) bool {
	t.show(append(slices.Clone(lines), say("confirm"))...)
	for {
		switch key, ok := t.nextKey(); {
		case !ok || key == KeyCancel:
			return false
		case key == KeyEnter:
			return true
		}
	}
}
