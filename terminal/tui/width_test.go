package tui

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"中国银联", 8, "中国银联"}, {"中国银联", 7, "中国银…"}, {"中国银联", 6, "中国…"}, {"中国", 1, "…"},
		{"中国", 0, ""}, {"", 0, ""}, {"e\u0301a", 2, "e\u0301a"},
	} {
		if got := fit(c.s, c.n); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"one two three", 7, "one two|three"}, {"one two three", 20, "one two three"}, {"中国银联卡", 4, "中国|银联|卡"}, {"中国银联卡", 5, "中国|银联|卡"},
		{"abcdefgh", 3, "abc|def|gh"}, {"a\nb", 5, "a|b"}, {"", 5, ""}, {"x", 1, ""},
	} {
		if got := strings.Join(wrap(c.s, c.n), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

// Whatever the text, nothing is wider than asked, nothing is lost but spaces, and it ends.
func FuzzWrap(f *testing.F) {
	f.Add("CARD 476173******0119, 中国银联 借记卡", 11)
	f.Add("   a  b ", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if !utf8.ValidString(s) || n < 2 || n > 300 {
			return
		}
		lines := wrap(s, n)
		for _, l := range lines {
			if Columns(l) > n {
				t.Errorf("%q is wider than %d", l, n)
			}
		}
		strip := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r == ' ' || r == '\n' {
					return -1
				}
				return r
			}, s)
		}
		if strip(strings.Join(lines, "")) != strip(s) {
			t.Errorf("wrap(%q, %d) = %q", s, n, lines)
		}
		if got := fit(s, n); Columns(got) > n {
			t.Errorf("fit(%q, %d) = %q", s, n, got)
		}
	})
}
