package scenario

import (
	"strings"
	"testing"
)

func TestRuleOfOpeningsIsRefused(t *testing.T) {
	l := builtIn(t)
	const src = header + "host:\n  risk:\n    - {RULE}\nsteps:\n  - boot: {}\n" + ending
	for rule, want := range map[string]string{
		"by: terminal, within: 1h, opened: 0, reason: r":                      "W06-x.yaml:6:42: want how many openings, a number from 1 to 16",
		"by: terminal, within: 1h, opened: 17, reason: r":                     "W06-x.yaml:6:42: want how many openings, a number from 1 to 16",
		"by: card, within: 1h, opened: 2, reason: r":                          "W06-x.yaml:6:12: \"card\": want terminal, whose case it is",
		"by: terminal, within: 1h, opened: 2, days: 3, reason: r":             "W06-x.yaml:6:51: want none: a suspended terminal stays so until somebody lifts it",
		"by: terminal, within: 1h, opened: 2, on-deadline: return, reason: r": "W06-x.yaml:6:7: want none: a suspended terminal stays so until somebody lifts it",
		"by: terminal, within: 1h, opened: 2, count: 3, reason: r":            "W06-x.yaml:6:42: want openings alone: no amount, count or sum beside them",
		"by: terminal, within: 1h, opened: 2":                                 "W06-x.yaml:6:7: missing key \"reason\"",
		"by: terminal, within: 1h, count: 2, reason: r":                       "W06-x.yaml:6:7: missing key \"days\"",
		"by: terminal, within: 800h, opened: 2, reason: r":                    "W06-x.yaml:6:30: 800h0m0s: want more than nothing, and at most 744h0m0s",
		"by: terminal, within: 1h, opened: 2, reason: r, opened: 3":           "W06-x.yaml:6:",
		"by: terminal, within: 1h, openings: 2, days: 1, reason: r":           "W06-x.yaml:6:34: unknown key \"openings\"",
	} {
		_, err := Parse("W06-x.yaml", []byte(strings.Replace(src, "RULE", rule, 1)), l.Known())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", rule, err, want)
		}
	}
}

// TestNewKeysNeedThePowerOff: nobody opens a terminal that works.
func TestNewKeysNeedThePowerOff(t *testing.T) {
	l := builtIn(t)
	s := parsedBuiltIn(t, l, "name: W99 x\nzh: 甲\nsteps:\n  - new-keys: {}\nexpect: {end: F0}\n")
	r := l.Run(s, Options{Seed: 1})
	if r.Passed || !strings.Contains(r.Failure.Err.Error(), "W99-x.yaml:4:5: the terminal is given keys only with the power off") {
		t.Errorf("%+v", r.Failure)
	}
}
