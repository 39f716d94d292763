//go:build !race

package security_test

import (
	"testing"

	"github.com/posim/posim/emv/security"
)

// Not under the race detector: math/big keeps its scratch in a sync.Pool, which the detector empties at random.

// A terminal that has done one transaction allocates no more in its public-key operations.
func TestWarmArithmeticDoesNotAllocate(t *testing.T) {
	c := newChain(t, 1984, 1408, 1152, 3, 65537)
	var a security.Arithmetic
	var issuer, icc security.PublicKey
	if n := testing.AllocsPerRun(100, func() { c.verify(t, &a, &issuer, &icc) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
