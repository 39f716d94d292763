package scenario

import (
	"slices"
	"strings"
	"testing"
)

// A card of which something is broken is of use only while a story says that it is never approved offline: E15 has them all.
func TestEveryBrokenCardHasItsStory(t *testing.T) {
	l := builtIn(t)
	var broken, told []string
	for _, name := range l.Cards() {
		if strings.HasPrefix(name, "broken-") {
			broken = append(broken, name)
		}
	}
	for _, s := range allScripts(t, l) {
		if s.ID != "E15" {
			continue
		}
		runs, err := s.Variants(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			for _, st := range run.Steps {
				if st.Task == nil {
					continue
				}
				told = append(told, st.Task.Card)
				if w := st.Expect.Outcome; !w.Set() || w.Value == "offline-approved" || w.Value == "approved" {
					t.Errorf("%s of %s is expected %q", run.ID, st.Task.Card, w.Value)
				}
			}
		}
	}
	slices.Sort(told)
	if len(broken) == 0 || !slices.Equal(told, broken) {
		t.Errorf("E15 tells of %v, and the library has %v", told, broken)
	}
}
