package terminal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryTextHasBothLanguagesWithTheSameArguments(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]`)
	for key, e := range catalogue {
		en, zh := verb.FindAllString(e.en, -1), verb.FindAllString(e.zh, -1)
		if e.en == "" || e.zh == "" || strings.Join(en, "") != strings.Join(zh, "") {
			t.Errorf("%s: %q and %q", key, e.en, e.zh)
		}
		if strings.HasPrefix(string(key), "r-") && len(e.en) > 42 {
			t.Errorf("%s: a receipt's line is at most 42 characters", key)
		}
	}
	for code, e := range codes {
		if len(code) != 2 || e.en == "" || e.zh == "" {
			t.Errorf("%q: %q and %q", code, e.en, e.zh)
		}
	}
}

// TestEveryKeyInTheCodeIsInTheCatalogue reads the sources: a key that is only spelled wrong would panic on a screen.
func TestEveryKeyInTheCodeIsInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	used := regexp.MustCompile(`(?:say|add|given|ask[A-Za-z]*|pick)\("([a-z-]+)"|\{"(menu-[a-z-]+)"|Key\("([a-z-]+)"\)|(?:reverseLater|approve)\([^"\n]*"([a-z-]+)"|(?:return|=|,) "((?:r-)?[a-z]+-[a-z-]+)"|unknown\(r, [^"\n]*"([a-z-]+)"`)
	n, seen := 0, map[Key]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "devices.go" || f == "function.go" || strings.HasPrefix(f, "profile") { // the words of outcomes, functions and profiles
			continue
		}
		src, err := os.ReadFile(f)
		must(t, err)
		for _, m := range used.FindAllStringSubmatch(string(src), -1) {
			n++
			key := Key(strings.Join(m[1:], ""))
			seen[key] = true
			if catalogue[key] == (entry{}) {
				t.Errorf("%s: no text for key %q", f, key)
			}
		}
	}
	for key := range catalogue {
		if !seen[key] {
			t.Errorf("the text %q is shown nowhere", key)
		}
	}
	if n < 50 {
		t.Errorf("found %d keys only: the pattern no longer fits the code", n)
	}
}

func TestAnUnknownKeyPanicsWithItsName(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "no-such-key") {
			t.Errorf("%v", r)
		}
	}()
	_ = say("no-such-key").In(English)
}

func TestACodeSpeaksBothLanguages(t *testing.T) {
	text, ok := codeText("51")
	if !ok || text.In(English) != "INSUFFICIENT FUNDS" || text.In(Chinese) != "余额不足" {
		t.Errorf("%v %q %q", ok, text.In(English), text.In(Chinese))
	}
	if _, ok := codeText("ZZ"); ok {
		t.Error("ZZ has a text")
	}
}

func TestParseLang(t *testing.T) {
	if l, err := ParseLang("zh"); err != nil || l != Chinese {
		t.Error(l, err)
	}
	if _, err := ParseLang("fr"); err == nil || err.Error() != `terminal: language "fr": want en or zh` {
		t.Error(err)
	}
}
