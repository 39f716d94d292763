package scenario

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/terminal"
)

// spell adds a secret in every form in which bytes are written down.
func spell(all map[string][]byte, name string, b []byte) {
	all[name] = b
	all[name+" in hex"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
	all[name+" in lower hex"] = []byte(hex.EncodeToString(b))
	for shift := range 3 { // base64 depends on where in its groups of three the bytes begin
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift), b...))
		if n := len(enc) - 4; n > 12 {
			all[name+" in base64"+string(rune('0'+shift))] = []byte(enc[4:n])
		}
	}
}

// secrets is what must be nowhere: card numbers, tracks, keys and clear PINs.
func secrets(t *testing.T, l *Library) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	add := func(name string, b []byte) { spell(all, name, b) }
	bcd := func(digits string) []byte {
		if len(digits)%2 == 1 {
			digits += "F"
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, name := range l.Cards() {
		p := l.Card(name)
		add(name+" number", []byte(p.PAN.Digits()))
		add(name+" number as BCD", bcd(p.PAN.Digits()))
		if _, track2 := p.Stripe(); track2 != "" {
			_, discretionary, _ := strings.Cut(strings.Trim(track2, ";?"), "=")
			add(name+" track 2 behind the separator", []byte(discretionary))
		}
		if k := p.Issuer.IssuerMasterKey(); k != nil {
			add(name+" issuer key", k)
		}
		if pin := p.Issuer.PIN(); pin != "" {
			add(name+" clear PIN block", clearBlock(pin, p.PAN))
			for form, field := range clearPINFields(pin) {
				add("PIN "+pin+", "+form, bcd(field))
			}
		}
	}
	for i, digits := range host.TestKeys() {
		add(fmt.Sprintf("key %d of the house", i), bcd(digits))
	}
	add("journal key", bcd(keyJournal))
	return all
}

// clearPINFields is what of a PIN block is there before a card number joins, as far as it is no random fill (ISO 9564-1).
func clearPINFields(pin string) map[string]string {
	head := fmt.Sprintf("%X", len(pin)) + pin
	return map[string]string{
		"field of format 0": "0" + head + strings.Repeat("F", 14-len(pin)), "format 2": "2" + head + strings.Repeat("F", 14-len(pin)),
		"field of format 4": "4" + head + strings.Repeat("A", 14-len(pin)),
	}
}

// find names the secrets in b.
func find(secrets map[string][]byte, b []byte) (all []string) {
	for name, s := range secrets {
		if len(s) >= 6 && bytes.Contains(b, s) {
			all = append(all, name)
		}
	}
	return all
}

func search(t *testing.T, secrets map[string][]byte, where string, b []byte) {
	t.Helper()
	for _, name := range find(secrets, b) {
		t.Errorf("%s is in %s", name, where)
	}
}

func TestNoSecretOnAnyDiskScreenOrReceiptOfTheVirtualHouse(t *testing.T) {
	l := builtIn(t)
	canaries := secrets(t, l)
	looked := 0
	for _, s := range allScripts(t, l) {
		if s.Each.Range != nil || s.Each.Count > 0 {
			continue
		}
		var told bytes.Buffer
		r, err := newRig(l, s, Options{Seed: 1, Story: func(x Line) { told.WriteString(x.Text + x.Note + "\n") }})
		if err != nil {
			t.Fatal(err)
		}
		out := &outcome{money: map[string]Money{}}
		newPlay(r, s, Options{Seed: 1}, out).perform()
		search(t, canaries, s.ID+": the story", told.Bytes())
		for _, file := range append(hsm.Files(), terminal.JournalFile) {
			search(t, canaries, s.ID+": the terminal's "+file, r.termDisk.Durable(file))
		}
		for _, p := range r.everyHost() {
			search(t, canaries, s.ID+": the disk of "+p.name, p.disk.Durable(host.LogName))
		}
		for _, x := range r.log.screens {
			search(t, canaries, s.ID+": a screen", []byte(x.In(terminal.English)+x.In(terminal.Chinese)))
		}
		for _, x := range r.log.receipts {
			search(t, canaries, s.ID+": a receipt", []byte(x.In(terminal.English)+x.In(terminal.Chinese)))
		}
		looked += len(r.log.screens) + len(r.log.receipts) + told.Len()
		r.world.Close()
	}
	if looked < 10_000 {
		t.Errorf("looked at %d things only", looked)
	}
}

func TestNoSecretInAnyFileOfTheRealHouse(t *testing.T) {
	l := quick(builtIn(t))
	canaries := secrets(t, l)
	dir := t.TempDir()
	for _, id := range []string{"W01", "W01s", "W04", "W23"} {
		if r := inRealTime(t, l, id, LiveOptions{Data: filepath.Join(dir, "till")}); !r.Passed {
			t.Fatalf("%s: %+v", id, r.Failure)
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if name != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
		if e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(name)
		search(t, canaries, name, b)
		files++
		return err
	})
	if err != nil || files < 8 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestTheCanarySings: a search that finds nothing proves nothing.
func TestTheCanarySings(t *testing.T) {
	canaries := secrets(t, builtIn(t))
	number := "4761739001010119"
	for _, b := range [][]byte{
		[]byte("x" + number), {0x5A, 0x08, 0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19}, []byte("5A084761739001010119"),
		[]byte(base64.StdEncoding.EncodeToString([]byte("pan " + number + " expires"))),
		// PIN 1234 of that card: the block of format 0, and what becomes blocks of formats 0, 2 and 4.
		{0x04, 0x12, 0x23, 0xC6, 0xFF, 0xEF, 0xEF, 0xEE}, []byte("block 041234FFFFFFFFFF"), {0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		[]byte("441234aaaaaaaaaa0123456789abcdef"),
	} {
		if len(find(canaries, b)) == 0 {
			t.Errorf("%q is not found", b)
		}
	}
	for i, digits := range host.TestKeys() {
		if len(find(canaries, []byte("key "+digits))) == 0 {
			t.Errorf("key %d of the house is not found", i)
		}
	}
}
