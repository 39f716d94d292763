package scenario

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Pos is a place in a script: Line and Column from 1, in characters; Width is how many the thing there takes.
type Pos struct{ Line, Column, Width int }

// Error is something wrong with a script or with what it expected, and the place. Its text holds no PIN and no card
// number beyond the first six and last four digits.
type Error struct {
	File         string
	Line, Column int
	Msg          string
	Quote        string // the line and, under it, a line of carets; empty when there is no line to show
}

// Error writes the place and the message, then the quoted line with carets under the place.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
	if e.Quote != "" {
		text += "\n" + e.Quote
	}
	return text
}

// Report writes the place, the quoted line, and the message behind the carets, as a report of failures shows it.
func (e *Error) Report() string {
	if e.Quote == "" {
		return e.Error()
	}
	return fmt.Sprintf("%s:%d:%d\n%s %s", e.File, e.Line, e.Column, e.Quote, e.Msg)
}

// quoteWidth is how many characters of a line an error quotes.
const quoteWidth = 120

// quote shows line number n of a script with carets under width characters from column on.
func quote(line string, n, column, width int) string {
	text := []rune(line)
	from := 0
	if column > quoteWidth*3/4 {
		from = column - quoteWidth/2
	}
	from = max(0, min(from, len(text)))
	to := min(len(text), from+quoteWidth)
	column = max(0, min(column-1-from, to-from))
	width = max(1, min(width, to-from-column))

	number := fmt.Sprintf("%5d", n)
	shown := text[from:to]
	under := columns(shown[:column])
	carets := columns(shown[column:min(len(shown), column+width)])
	return fmt.Sprintf("%s | %s\n%s | %s%s", number, string(shown), strings.Repeat(" ", len(number)),
		strings.Repeat(" ", under), strings.Repeat("^", max(1, carets)))
}

// columns is how wide text stands on a terminal: Chinese takes two columns a character, a combining mark none
// (Unicode Standard Annex 11, roughly).
func columns(text []rune) (n int) {
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
			r >= 0x3000 && r <= 0x303F, r >= 0xFF01 && r <= 0xFF60, r >= 0x1F300 && r <= 0x1FAFF:
			n += 2
		default:
			n++
		}
	}
	return n
}

// cardNumber is a run of digits as long as a card number, and the rest of a track 2 behind it.
var cardNumber = regexp.MustCompile(`[0-9]{13,19}(?:[D=][0-9A-F]+)?`)

// maskNumbers keeps the first six and last four digits of everything that may be a card number; a track's rest goes.
// It keeps the length, so that carets stay under their place.
func maskNumbers(s string) string {
	return cardNumber.ReplaceAllStringFunc(s, func(run string) string {
		number, _, _ := strings.Cut(strings.Replace(run, "D", "=", 1), "=")
		return number[:6] + strings.Repeat("*", len(number)-10) + number[len(number)-4:] +
			strings.Repeat("*", len(run)-len(number))
	})
}
