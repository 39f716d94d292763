package dialect

import (
	"slices"
	"testing"
)

func TestTraits(t *testing.T) {
	for _, name := range Names() {
		if d, ok := TraitsOf(name); !ok || d.Name != name {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if _, ok := TraitsOf("iso99"); ok || !slices.Contains(Names(), ISO87().Name()) {
		t.Error("a dialect that is none, or none that is one")
	}
}
