package scenario

import (
	"os"
	"testing"
)

func builtIn(t testing.TB) *Library {
	t.Helper()
	l, err := NewLibrary(os.DirFS("../testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func allScripts(t testing.TB, l *Library) []*Script {
	t.Helper()
	all, err := l.Scripts(os.DirFS("../testdata"), "scenarios")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSmoke(t *testing.T) {
	l := builtIn(t)
	s, err := Parse("W01-x.yaml", []byte(`name: sale
zh: 消费
about: smoke
card: visa-credit
steps:
  - sale: {amount: 100.00, pin: "1234"}
    expect: {outcome: approved}
  - calendar: payout
expect:
  end: F1
  money: {cardholder: -100.00, merchant: 99.40, fees: 0.60}
`), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	r := l.Run(s, Options{Seed: 1, Story: func(x Line) { t.Logf("%v %s %s %s   %s", x.At, x.Kind, x.Dir, x.Text, x.Note) }})
	t.Logf("%+v", r)
	if r.Failure != nil {
		t.Errorf("%+v", r.Failure)
	}
}

func TestLibrary(t *testing.T) {
	l := builtIn(t)
	for _, s := range allScripts(t, l) {
		t.Run(s.ID, func(t *testing.T) {
			r := l.Run(s, Options{Seed: 1})
			if f := r.Failure; f != nil {
				t.Errorf("run %s: %v\n%v\n%s\nend %s money %v replay %s", f.Run, f.Err, f.Violations, f.Where, r.End, r.Money, f.Replay)
			}
		})
	}
}
