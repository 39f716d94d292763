//go:build linux

package sim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDataDir: whatever stands in the VERSION and LOCK of a directory, it is opened only when it is one of ours, and the
// refusal is one short sentence.
func FuzzDataDir(f *testing.F) {
	f.Add([]byte("posim terminal 1\n"), []byte("1\n"))
	f.Add([]byte("posim terminal 2\n"), []byte("99999999999999999999"))
	f.Add([]byte("posim host 1\n"), []byte("-1"))
	f.Add([]byte("posim terminal 1"), []byte(""))
	f.Add([]byte("\x1b[31m\n\xff"), []byte("0"))
	f.Add([]byte("posim terminal 99999999999999999999\n"), []byte("x"))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, content, lock []byte) {
		path := filepath.Join(folder, "data")
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{versionName: content, lockName: lock} {
			if err := os.WriteFile(filepath.Join(path, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, err := os.Open(filepath.Join(path, lockName))
		if err != nil {
			t.Fatal(err)
		}
		if who := holder(l); len(who) > 40 {
			t.Errorf("held by %q", who)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := OpenDir(path, "terminal")
		if (err == nil) != (string(content) == version("terminal")) {
			t.Fatalf("VERSION %q: %v", content, err)
		}
		if err == nil {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		if text := err.Error(); !errors.Is(err, ErrVersion) || len(text) > 800+len(path) || strings.ContainsAny(text, "\n\x1b\x00") {
			t.Fatalf("VERSION %q: %q", content, text)
		}
	})
}
