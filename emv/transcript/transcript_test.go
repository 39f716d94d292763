package transcript_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/posim/posim/emv/transcript"
)

// The known answers of two transactions with a card of posim's own test authority.
func TestPublishedTranscripts(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/emv/transcript_*.json")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			x, err := transcript.Parse(filepath.Base(f), src)
			if err != nil {
				t.Fatal(err)
			}
			r, err := x.Run(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range r.Differences {
				t.Error(d)
			}
		})
	}
}
