package card

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// checker turns texts into values and keeps the first problem.
type checker struct {
	file   string
	chains []*Keys
	err    *ProfileError
	// anyNumber takes numbers whose check digit is wrong.
	anyNumber bool
}

func (c *checker) fail(at place, format string, args ...any) {
	if c.err == nil {
		c.err = &ProfileError{c.file, at.line, at.column, scrub(fmt.Sprintf(format, args...))}
	}
}

// scalar reports whether t can be read; a bad one is a problem, a missing one only where it is required.
func (c *checker) scalar(t text, field string) bool {
	if t.bad {
		c.fail(t.place, "%s: want a text", field)
	}
	return t.set && !t.bad
}

func (c *checker) required(t text, field string, in place) string {
	if !c.scalar(t, field) || t.value == "" {
		if t.set {
			in = t.place
		}
		c.fail(in, "%s is missing", field)
		return ""
	}
	return t.value
}

// oneOf returns a word of a list, the first of them where the text is absent.
func (c *checker) oneOf(t text, field string, words ...string) string {
	if !c.scalar(t, field) {
		return words[0]
	}
	for _, w := range words {
		if t.value == w {
			return w
		}
	}
	c.fail(t.place, "%s: %q: want one of %s", field, t.value, strings.Join(words, ", "))
	return words[0]
}

func (c *checker) yes(t text, field string, absent bool) bool {
	words := []string{"false", "true"}
	if absent {
		words = []string{"true", "false"}
	}
	return c.oneOf(t, field, words...) == "true"
}

func (c *checker) number(t text, field string, low, high, absent int) int {
	if !c.scalar(t, field) {
		return absent
	}
	n, err := strconv.Atoi(t.value)
	if err != nil || n < low || n > high {
		c.fail(t.place, "%s: want a number from %d to %d", field, low, high)
		return absent
	}
	return n
}

// hex reads an even number of hexadecimal digits; blanks between bytes are allowed.
func (c *checker) hex(t text, field string, low, high int) []byte {
	if !c.scalar(t, field) {
		return nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(t.value, " ", ""))
	switch {
	case err != nil:
		c.fail(t.place, "%s: want an even number of hexadecimal digits", field)
		return nil
	case len(b) < low || len(b) > high:
		c.fail(t.place, "%s: length %d: want %d to %d bytes", field, len(b), low, high)
		return nil
	}
	return b
}

func (c *checker) digits(t text, field string, low, high int) string {
	if !c.scalar(t, field) {
		return ""
	}
	if len(t.value) < low || len(t.value) > high || strings.Trim(t.value, "0123456789") != "" {
		c.fail(t.place, "%s: %d characters: want %d to %d digits", field, len(t.value), low, high)
		return ""
	}
	return t.value
}

// printable reads a text of the alphabets that cards carry: printable ASCII.
func (c *checker) printable(t text, field string, high int) string {
	if !c.scalar(t, field) {
		return ""
	}
	for i := range len(t.value) {
		if t.value[i] < 0x20 || t.value[i] > 0x7E {
			c.fail(t.place, "%s: offset %d: want printable ASCII", field, i)
			return ""
		}
	}
	if len(t.value) > high {
		c.fail(t.place, "%s: %d characters: want at most %d", field, len(t.value), high)
		return ""
	}
	return t.value
}
