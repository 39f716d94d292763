package card_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	firmware "github.com/posim/posim/terminal"
)

// The list of public keys is in the form that terminal profiles take.
func TestTerminalsTakeThePublicKeys(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(cards, "..", "ca_public_keys.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	generic, err := os.ReadFile(filepath.Join(cards, "..", "terminals", "generic.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// Whatever keys the profile has of its own make room for the list.
	lines, own := []string{}, false
	for _, line := range strings.Split(strings.TrimRight(string(generic), "\n"), "\n") {
		own = line == "  ca_public_keys:" || own && (strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "  - "))
		if !own {
			lines = append(lines, line)
		}
	}
	src := strings.Join(lines, "\n") + "\n  ca_public_keys:\n    " + strings.ReplaceAll(string(list), "\n", "\n    ")
	p, err := firmware.ParseProfile("generic.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	config := p.EMV
	if want := len(library(t)); len(config.CAPublicKeys) != want {
		t.Errorf("%d keys, want %d", len(config.CAPublicKeys), want)
	}
}
