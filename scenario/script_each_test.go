package scenario

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVariantsOfAList(t *testing.T) {
	s := mustParse(t, header+`each: {status: [lost, stolen], code: ["41", "43"]}
steps:
  - host: {status: "${status}"}
  - sale: {amount: 1.00}
    expect: {code: "${code}", screen: "DECLINED ${code}, ${status}"}
`+ending)
	if s.ID != "W99" || s.Each.Count != 2 || s.Each.Range != nil || s.Each.Power {
		t.Errorf("id %s, each %+v", s.ID, s.Each)
	}
	runs, err := s.Variants(0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		e := r.Steps[1].Expect
		got = append(got, strings.Join([]string{r.ID, r.Steps[0].Host.Status, e.Code.Value, e.Screen[0].Value, r.Values[0].Name}, " "))
	}
	if diff := cmp.Diff([]string{"W99.1 lost 41 DECLINED 41, lost status", "W99.2 stolen 43 DECLINED 43, stolen status"}, got); diff != "" {
		t.Error(diff)
	}
	if e := runs[1].Errorf(runs[1].Steps[1].Expect.Code.Pos, "found 05"); e.Line != 8 || !strings.Contains(e.Quote, "${code}") {
		t.Errorf("a variant quotes another line than the file's: %v", e)
	}
}

func TestVariantsOfPINsPrintAsAsterisks(t *testing.T) {
	s := mustParse(t, header+`each: {typed: ["8352", "1234"]}
steps:
  - sale: {amount: 1.00, pin: ["9999", "${typed}"]}
`+ending)
	runs, err := s.Variants(0)
	if err != nil || len(runs) != 2 || runs[0].Steps[0].Task.PINs[1].Digits() != "8352" {
		t.Fatalf("%v, %v", runs, err)
	}
	if v := runs[0].Values[0]; v != (Value{"typed", "****"}) {
		t.Errorf("value %+v", v)
	}
}

func TestVariantsOfARange(t *testing.T) {
	src := func(k string) string {
		return header + `each: {k: "` + k + `", n: "net.req[0200#2]"}
steps:
  - sale: {amount: 1.00}
    faults: ["net.req[0200].cut(${k})", "net.rsp[0210].lose"]
` + ending
	}
	s := mustParse(t, src("2..n-1"))
	if r := s.Each.Range; r == nil || r.Of != (Place{Seam: "net.req", Event: "0200", N: 2}) || r.Of.String() != "net.req[0200#2]" || r.Name != "k" {
		t.Fatalf("range %+v", r)
	}
	runs, err := s.Variants(5)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, r.ID+" "+r.Steps[0].Faults[0].String())
	}
	want := []string{"W99.1 net.req[0200].cut(2)", "W99.2 net.req[0200].cut(3)", "W99.3 net.req[0200].cut(4)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	without, err := s.Without()
	if err != nil || len(without.Steps[0].Faults) != 1 || without.Steps[0].Faults[0].Kind != "lose" || without.ID != "W99" {
		t.Errorf("without the variable's faults: %+v, %v", without, err)
	}

	for _, c := range []struct {
		name, k  string
		n, count int
		message  string
	}{
		{"n to n is one run", "n..n", 252, 1, ""},
		{"whole numbers", "1..17", 9, 17, ""},
		{"a message too short", "2..n-1", 2, 0, "from 2 to 1 is no range (n is 2)"},
		{"a message shorter than the offset", "n-5..n", 3, 0, "from -2 to 3 is no range (n is 3)"},
		{"more runs than the limit", "1..n", maxRuns + 1, 0, "from 1 to 4097 is more than 4096 runs (n is 4097)"},
		{"a value that its fault refuses", "0..n", 5, 0, "want cut(K), K from 1 to 65535 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs, err := mustParse(t, src(c.k)).Variants(c.n)
			if c.message == "" {
				if err != nil || len(runs) != c.count {
					t.Fatalf("%d runs, %v, want %d", len(runs), err, c.count)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Msg != c.message {
				t.Errorf("%v, want %q", err, c.message)
			}
		})
	}
}

func TestVariantsOfALongScriptAreLimited(t *testing.T) {
	values := strings.TrimSuffix(strings.Repeat(`"5s", `, maxList), ", ")
	src := header + "each: {t: [" + values + "]}\nsteps:\n  - wait: ${t}\n"
	for range maxSteps - 1 {
		src += `  - sale: {amount: 1.00, pin: "1234", card: visa-credit, entry: chip, cancel: false}` + "\n    faults: [" +
			strings.TrimSuffix(strings.Repeat(`"net.rsp[0210].lose", `, 20), ", ") + "]\n"
	}
	_, err := Parse("W99-x.yaml", []byte(src+ending), testKnown)
	if err == nil || !strings.Contains(err.Error(), "256 runs of so long a script are too many") {
		t.Error(err)
	}
}

func TestVariantsOfAPlainScript(t *testing.T) {
	for name, each := range map[string]string{"no each": "", "power, which the rig enumerates": "each: power\n"} {
		t.Run(name, func(t *testing.T) {
			s := mustParse(t, header+each+"steps:\n  - boot: {}\n"+ending)
			runs, err := s.Variants(0)
			if err != nil || len(runs) != 1 || runs[0] != s || s.Each.Power != (each != "") {
				t.Errorf("%v, %v, each %+v", runs, err, s.Each)
			}
			if without, err := s.Without(); err != nil || without != s {
				t.Errorf("without: %v, %v", without, err)
			}
		})
	}
}
