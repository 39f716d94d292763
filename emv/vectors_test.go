package emv_test

import (
	"testing"

	"github.com/posim/posim/internal/vectors"
)

// TestVectors: the steps of the kernel, and whole transactions, are those of published and independently computed answers. What they
// are compared with, and that every field is, stands in internal/vectors.
func TestVectors(t *testing.T) {
	const dir = "../testdata/vectors/emv/"
	results, err := vectors.Paths(dir+"kernel_steps.json", dir+"transcript_D1.json", dir+"transcript_D2.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 46 {
		t.Errorf("%d vectors, want 46", len(results))
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("%s: %v", r.ID, f)
		}
	}
}
