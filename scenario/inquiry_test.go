package scenario

import (
	"strings"
	"testing"
)

func inquired(t *testing.T, words string) (*Script, error) {
	t.Helper()
	return Parse("W39x-asked.yaml", []byte("name: asked\nzh: 查询\ncard: visa-credit\nsteps:\n  - sale: {amount: 10.00, pin: \"1234\"}\n    expect: {inquiry: "+
		words+"}\nexpect: {end: F3}\n"), builtIn(t).Known())
}

func TestAnInquiryIsCompared(t *testing.T) {
	for words, want := range map[string]string{
		"[approved]": "", "[paid]": "expected [paid], found [approved]", "[]": "expected [], found [approved]",
		"[approved, held]": "expected [approved, held], found [approved]",
	} {
		s, err := inquired(t, words)
		if err != nil {
			t.Fatal(err)
		}
		res := builtIn(t).Run(s, Options{Seed: 1})
		got := ""
		if res.Failure != nil {
			got = res.Failure.Err.Error()
		}
		if res.Passed != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
}

func TestAnInquiryIsAListOfAnswers(t *testing.T) {
	for words, want := range map[string]string{"approved": "6:23: want a list", "[lost]": "answer to an inquiry"} {
		if _, err := inquired(t, words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", words, err, want)
		}
	}
}

// Asking writes nothing: what the house holds and does is the same whether somebody asks or not.
func TestAnInquiryChangesNothing(t *testing.T) {
	asked, err := inquired(t, "[approved]")
	if err != nil {
		t.Fatal(err)
	}
	silent := *asked
	silent.Steps = append([]Step(nil), asked.Steps...)
	silent.Steps[0].Expect = nil
	l := builtIn(t)
	if a, b := l.Run(asked, Options{Seed: 1}), l.Run(&silent, Options{Seed: 1}); a.EventHash != b.EventHash {
		t.Errorf("asked %016x, not asked %016x", a.EventHash, b.EventHash)
	}
}
