package scenario

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/terminal"
)

// TestNotesAreInChinese: in a Chinese trace there are no English words but those that a script's people have written.
func TestNotesAreInChinese(t *testing.T) {
	l := builtIn(t)
	own := []string{"payeasy"}
	for _, s := range allScripts(t, l) {
		for i := range s.Steps {
			if d := s.Steps[i].Desk; d != nil && d.Reason != "" {
				own = append(own, d.Reason)
			}
		}
		for _, r := range s.Host.Risk {
			own = append(own, r.Reason)
		}
	}
	slices.SortFunc(own, func(a, b string) int { return len(b) - len(a) }) // the longer first
	words := regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)
	files, err := filepath.Glob("../testdata/traces/*.zh.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			for _, text := range own {
				line = strings.ReplaceAll(line, text, "")
			}
			if found := words.FindString(line); found != "" {
				t.Errorf("%s: %q in %s", filepath.Base(f), found, line)
			}
		}
	}
}

// TestANoteOfANote: what a host writes around somebody's words is in Chinese, and the words are as they were.
func TestANoteOfANote(t *testing.T) {
	for text, want := range map[string]string{
		"given back by the desk: the card is not his":                       "由人工处理(the card is not his)退回",
		"short item: only the terminal's batch has it; here it is declined": "短款:仅终端批次中有;本方为已拒绝",
		"reversal refused: the merchant has been paid":                      "冲正被拒:商户已到账",
		"payout returned: the account is closed":                            "出款退票:账户已销户",
		"a word of mine":                                                    "a word of mine",
	} {
		if got := note(text, terminal.Chinese); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if got := note(text, terminal.English); got != text {
			t.Errorf("%s: %s in English", text, got)
		}
	}
}
