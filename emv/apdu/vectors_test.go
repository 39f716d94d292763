package apdu_test

import (
	"testing"

	"github.com/posim/posim/internal/vectors"
)

// TestVectors: 61xx, 6Cxx and warnings are followed as published answers have it.
func TestVectors(t *testing.T) {
	results, err := vectors.Paths("../../testdata/vectors/emv/t0_transport.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 21 {
		t.Errorf("%d vectors, want 21", len(results))
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("%s: %v", r.ID, f)
		}
	}
}
