package scenario

import (
	"regexp"
	"strings"
)

// What a pin: or a password: of a script says is masked wherever the script is quoted. This works on the text, not on the parsed
// nodes, because a script that cannot be parsed is quoted too; where it is in doubt it masks more.

var (
	pinKey   = regexp.MustCompile(`(?i)(?:pin|password)s?["']?[ \n]*:`)
	variable = regexp.MustCompile(`\$\{([^{}]*)\}`)
)

// maskPINs replaces every letter and digit of every PIN by an asterisk and leaves the rest where it is. The values of a
// variable that a pin: names are PINs too.
func maskPINs(src string) string {
	out := []byte(src)
	var names []string
	end := 0
	for _, at := range pinKey.FindAllStringIndex(src, -1) {
		if at[0] < end {
			continue // inside a value that is masked already
		}
		end = maskValue(out, at[1])
		for _, v := range variable.FindAllStringSubmatch(src[at[1]:end], maxList) {
			if v[1] != "" && len(names) < maxList {
				names = append(names, regexp.QuoteMeta(v[1]))
			}
		}
	}
	if len(names) > 0 {
		key := regexp.MustCompile("(?:" + strings.Join(names, "|") + `)["']?[ \n]*:`)
		end = 0
		for _, at := range key.FindAllStringIndex(src, -1) {
			if at[0] >= end {
				end = maskValue(out, at[1])
			}
		}
	}
	return string(out)
}

// maskValue masks the value that begins at i and tells where it ends: a flow list, a block list, a quoted or a plain
// scalar. A ${variable} is not a PIN and stays.
func maskValue(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\n') {
		i++
	}
	if i == len(src) {
		return i
	}
	switch src[i] {
	case '[':
		return maskUntil(src, i+1, "]")
	case '"', '\'':
		return maskUntil(src, i+1, string(src[i]))
	case '|', '>':
		return maskUntil(src, i+1, ":")
	case '-':
		for i < len(src) && src[i] == '-' {
			i = maskUntil(src, i+1, "\n")
			for i < len(src) && (src[i] == ' ' || src[i] == '\n') {
				i++
			}
		}
		return i
	}
	return maskUntil(src, i, ",}\n")
}

// maskUntil masks from i to the first of the bytes in stop and tells where that is.
func maskUntil(src []byte, i int, stop string) int {
	for i < len(src) && strings.IndexByte(stop, src[i]) < 0 {
		if src[i] == '$' {
			if at := variable.FindIndex(src[i:]); at != nil && at[0] == 0 {
				i += at[1]
				continue
			}
		}
		switch c := src[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			src[i] = '*'
		}
		i++
	}
	return i
}
