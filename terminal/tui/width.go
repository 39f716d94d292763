package tui

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// runeColumns is how many columns a rune takes: two for Chinese, none for what combines with the rune before it.
func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Columns is how many columns of a terminal a text takes: two for a Chinese character.
func Columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// fit is s in at most n columns: what does not fit is cut at a rune and marked with an ellipsis.
func fit(s string, n int) string {
	if Columns(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	used := 0
	for i, r := range s {
		c := runeColumns(r)
		if used+c > n-1 {
			return s[:i] + "…"
		}
		used += c
	}
	return s
}

// Pad fills s with spaces up to n columns.
func Pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-Columns(s))) }

// PadLeft is Pad with the text at the right.
func PadLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-Columns(s))) + s }

// wrap breaks s into lines of at most n columns: at spaces where there are any, otherwise between two runes.
func wrap(s string, n int) (lines []string) {
	if n < 2 {
		return nil
	}
	for _, whole := range strings.Split(s, "\n") {
		line := ""
		for _, word := range strings.SplitAfter(whole, " ") {
			for Columns(line+strings.TrimRight(word, " ")) > n {
				if line != "" && Columns(strings.TrimRight(word, " ")) <= n && Columns(line) > n/2 {
					lines, line = append(lines, strings.TrimRight(line, " ")), ""
					continue
				}
				i := room(word, n-Columns(line))
				lines, line, word = append(lines, strings.TrimRight(line+word[:i], " ")), "", word[i:]
			}
			line += word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// room is how many bytes of s fit into n columns.
func room(s string, n int) int {
	used := 0
	for i, r := range s {
		if used += runeColumns(r); used > n {
			return i
		}
	}
	return len(s)
}
