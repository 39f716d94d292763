// Package posim holds the built-in library: cards, terminals, fee plans and scenarios, as the files they are.
package posim

import (
	"embed"
	"io/fs"
)

//go:embed testdata/cards/*.yaml testdata/cards/keys/*.yaml testdata/terminals/*.yaml testdata/fees/*.yaml testdata/scenarios/*.yaml testdata/wallets.yaml
var files embed.FS

// Version is what posim version prints.
const Version = "0.1.0"

// Files returns the library's files: cards/, terminals/, fees/ and scenarios/, each with one YAML file an entry, and cards/keys/ with
// the keys that cards name; and wallets.yaml.
func Files() fs.FS {
	sub, err := fs.Sub(files, "testdata")
	if err != nil {
		panic("posim: " + err.Error()) // the name is embedded above
	}
	return sub
}
