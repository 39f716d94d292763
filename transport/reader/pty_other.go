//go:build !linux

package reader

import (
	"errors"

	"github.com/posim/posim/sim"
)

// OpenPTY needs Linux.
func OpenPTY(string, sim.Poster) (line Line, path string, err error) {
	return nil, "", errors.New("reader: pseudo-terminals are for Linux here: listen on tcp:// instead")
}
