package card_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	firmware "github.com/posim/posim/terminal"
)

// What posim card keys --public prints is what terminal profiles take, and the keys are those of the files.
func TestTerminalsTakeThePublicKeys(t *testing.T) {
	generic, err := os.ReadFile(filepath.Join(cards, "..", "terminals", "generic.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	keys, list := library(t), ""
	for _, k := range keys {
		list += k.PublicYAML()
	}
	src := strings.TrimRight(string(generic), "\n") + "\n  ca_public_keys:\n    " + strings.ReplaceAll(list, "\n", "\n    ")
	p, err := firmware.ParseProfile("generic.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.EMV.CAPublicKeys) != len(keys) {
		t.Fatalf("%d keys: want %d", len(p.EMV.CAPublicKeys), len(keys))
	}
	for i, k := range p.EMV.CAPublicKeys {
		want := keys[i].Authority
		if k.RID() != want.RID() || k.Index() != want.Index() || k.Checksum() != want.Checksum() {
			t.Errorf("key %d is %X %02X: want %X %02X", i, k.RID(), k.Index(), want.RID(), want.Index())
		}
	}
}
