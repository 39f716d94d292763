package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/posim/posim/terminal"
)

// Saying is a sentence by its id, and the facts that stand in it: the same in every language, and in JSON.
type Saying struct {
	ID    string            `json:"id"`
	Facts map[string]string `json:"facts,omitempty"`
}

// say makes a sentence of an id and of pairs of a fact's name and value. A fact that is empty is none.
func say(id string, facts ...string) Saying {
	s := Saying{ID: id}
	for i := 0; i+1 < len(facts); i += 2 {
		if facts[i+1] == "" {
			continue
		}
		if s.Facts == nil {
			s.Facts = map[string]string{}
		}
		s.Facts[facts[i]] = facts[i+1]
	}
	return s
}

func known(id string) bool { _, there := sentences[id]; return there }

var (
	optional = regexp.MustCompile(`\[[^\[\]]*\]`)
	fact     = regexp.MustCompile(`\{[a-z]+\}`)
)

// In puts the sentence in a language.
func (s Saying) In(lang terminal.Lang) string {
	both, there := sentences[s.ID]
	if !there {
		panic("scenario: no sentence " + s.ID) // a test walks the sentences
	}
	form := optional.ReplaceAllStringFunc(both.In(lang), func(part string) string {
		for _, f := range fact.FindAllString(part, -1) {
			if s.Facts[f[1:len(f)-1]] == "" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	return fact.ReplaceAllStringFunc(form, func(f string) string {
		name := f[1 : len(f)-1]
		return word(name, s.Facts[name], lang)
	})
}

// word is a fact in a language: names of parties, kinds and reasons, and what codes mean, have their own words.
func word(name, value string, lang terminal.Lang) string {
	switch name {
	case "party", "owner":
		return PartyIn(value, lang)
	case "kind", "reason", "receipt", "result":
		if both, there := words[name+" "+value]; there {
			return both.In(lang)
		}
	case "meaning":
		if both, there := words["code "+value]; there {
			return both.In(lang)
		}
		if t, there := terminal.CodeText(value); there {
			if lang == terminal.Chinese {
				return t.In(lang)
			}
			return strings.ToLower(strings.TrimSpace(strings.TrimPrefix(t.In(lang), value)))
		}
	case "note", "why", "by":
		return note(value, lang)
	}
	return value
}

// counted are the notes with numbers in them. {1} is the first of them, {$1} the same as an amount, which the note has in minor units.
var counted = []struct {
	form *regexp.Regexp
	Words
}{
	{regexp.MustCompile(`^of (\d+), (\d+) have been refunded$`), Words{"{$2} of {$1} refunded already", "{$1}中已退货{$2}"}},
	{regexp.MustCompile(`^the merchant is owed (\d+)$`), Words{"only {$1} is owed to the merchant", "应付商户仅{$1}"}},
	{regexp.MustCompile(`the terminal's batch has (\d+)$`), Words{"the terminal's batch has {$1}", "终端批次中为{$1}"}},
	{regexp.MustCompile(`^more than (\d+)$`), Words{"more than {$1}", "超过{$1}"}},
	{regexp.MustCompile(`^(\d+) of (\d+) a day$`), Words{"{$1} of {$2} a day", "当日累计{$1},限额{$2}"}},
	{regexp.MustCompile(`^sale (\d+) of (\d+) a day$`), Words{"sale {1} of {2} a day", "当日第{1}笔,限{2}笔"}},
	{regexp.MustCompile(`^fee audit: (\d+) was taken by plan (\S+) under merchant category (\d+), and the contract (\S+) says (\d+)$`),
		Words{"{$1} was taken by plan {2} under merchant category {3}, and the contract {4} says {$5}", "按{3}类商户费率{2}收取{$1},合同费率{4}应收{$5}"}},
}

// note is what a host has written beside its decision.
func note(text string, lang terminal.Lang) string {
	if both, there := words["note "+text]; there {
		return both.In(lang)
	}
	for _, c := range counted {
		if m := c.form.FindStringSubmatch(text); m != nil {
			return numberedFact.ReplaceAllStringFunc(c.In(lang), func(f string) string {
				n := f[len(f)-2] - '0' // one digit
				if f[1] == '$' {
					return minor(m[n])
				}
				return m[n]
			})
		}
	}
	if lang == terminal.Chinese {
		return noteInChinese(text)
	}
	return text
}

var numberedFact = regexp.MustCompile(`\{\$?[1-9]\}`)

func minor(digits string) string {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return digits
	}
	return amount(n)
}

// PartyIn names a party for people.
func PartyIn(party string, lang terminal.Lang) string {
	if both, there := words["party "+party]; there {
		return both.In(lang)
	}
	return party
}

// NoteIn is what a host has noted, or why an item is there, for people.
func NoteIn(text string, lang terminal.Lang) string { return note(text, lang) }

// AnswerIn is an answer's word.
func (a Answer) In(lang terminal.Lang) string { return words["answer "+string(a)].In(lang) }

// amount writes minor units with two decimals and, for people, a comma between thousands.
func amount(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	whole := fmt.Sprint(n / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, n%100)
}
