// Package known reads the known answers of testdata/vectors for tests of the rooms about keys. The runner of whole files is
// internal/vectors; here each room takes what it can answer by itself.
package known

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Vectors reads the vectors of a file of layout hsm/1, named as in testdata/vectors/hsm, into a room's own type.
func Vectors[V any](t testing.TB, name string) []V {
	t.Helper()
	var file struct{ Vectors []V }
	File(t, filepath.Join("hsm", name), &file)
	if len(file.Vectors) == 0 {
		t.Fatalf("%s: no vectors", name)
	}
	return file.Vectors
}

// File reads a JSON file of testdata/vectors.
func File(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(Bytes(t, name), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Bytes reads any file of testdata/vectors.
func Bytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "testdata/vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// root is the folder of the module: tests run in their room's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}

// Hex reads hexadecimal digits.
func Hex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Upper writes hexadecimal digits as the vectors have them.
func Upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
