package scenario

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse holds Parse to its word: any bytes give a script or an *Error with a place, and a script's faults read back.
func FuzzParse(f *testing.F) {
	f.Add([]byte(fullScript))
	for _, b := range badScripts {
		f.Add([]byte(b.src))
	}
	for _, b := range badHosts {
		src, _ := hostScript(b.under, strings.Replace(b.src, "¦", "", 1))
		f.Add([]byte(src))
	}
	f.Add([]byte("a: &x [*x, *x]\n"))
	f.Add([]byte("? a\n: b\n<<: *x\n"))
	f.Add([]byte(strings.Repeat("- ", 60)))
	f.Add([]byte(strings.Repeat("{a: [", 12)))
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := Parse("W99-fuzz.yaml", src, Known{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" || e.Error() == "" {
				t.Fatalf("error without a place: %#v", err)
			}
			return
		}
		if len(s.Steps) == 0 || len(s.Steps) > maxSteps || len(s.Expect.Ends) == 0 {
			t.Fatalf("%d steps, %d ends", len(s.Steps), len(s.Expect.Ends))
		}
		if runs, err := s.Variants(20); err == nil && (len(runs) == 0 || len(runs) > maxRuns) {
			t.Fatalf("%d variants", len(runs))
		}
		for _, step := range s.Steps {
			for _, fault := range step.Faults {
				again, err := ParseFault(fault.String())
				if err != nil {
					t.Fatal(err)
				}
				again.Spec, again.Pos = fault.Spec, fault.Pos
				if !reflect.DeepEqual(again, fault) {
					t.Fatalf("%q reads back as %+v, want %+v", fault.String(), again, fault)
				}
			}
		}
	})
}
