package scenario

import (
	"strings"
	"testing"
)

// What a script expects of the chip is compared with what the kernel did and with what the message carried.
func TestExpectationsOfTheChip(t *testing.T) {
	for _, tt := range []struct{ name, expect, err string }{
		{"all of it", `oda: CDA, tags: {CVMResults: "420300"}, fields: [{at: issuer, mti: "0200", de: 55, tag: 9F34, is: "420300"}, {at: issuer, mti: "0200", de: 55, tag: 9F5B, absent: true}]`, ""},
		{"another method", `oda: DDA`, "expected DDA, found CDA"},
		{"another value of a tag", `fields: [{at: issuer, mti: "0200", de: 55, tag: 9F34, is: "420302"}]`, "tag 9F34 in DE 55 of the 0200 at the issuer is 420300"},
		{"a tag that is not there", `fields: [{at: issuer, mti: "0200", de: 55, tag: 9F5B, is: "00"}]`, "tag 9F5B in DE 55 is absent in the 0200 at the issuer"},
		{"a tag that is there", `fields: [{at: issuer, mti: "0200", de: 55, tag: 9F34, absent: true}]`, "tag 9F34 in DE 55 of the 0200 at the issuer is 420300"},
		{"a message without DE 55", `fields: [{at: terminal, mti: "0800", de: 55, tag: 9F34, absent: true}]`, "the terminal saw 0 messages 0800 in this step"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := builtIn(t)
			s, err := Parse("X1-x.yaml", []byte(`name: expected of the chip
zh: 芯片
card: visa-cda
steps:
  - sale: {amount: 300.00, pin: "1234"}
    expect: {`+tt.expect+`}
expect: {end: F3}
`), l.Known())
			if err != nil {
				t.Fatal(err)
			}
			f := l.Run(s, Options{Seed: 1}).Failure
			switch {
			case tt.err == "" && f != nil:
				t.Errorf("%v %v", f.Err, f.Violations)
			case tt.err != "" && (f == nil || f.Err == nil || !strings.Contains(f.Err.Error(), tt.err)):
				t.Errorf("found %+v, want %s", f, tt.err)
			}
		})
	}
	l := builtIn(t)
	s := mustParseWith(t, l, "card: stripe-only\nsteps:\n  - sale: {amount: 10.00, pin: \"1234\"}\n    expect: {oda: none}\nexpect: {end: F3}\n")
	if f := l.Run(s, Options{Seed: 1}).Failure; f == nil || f.Err == nil || !strings.Contains(f.Err.Error(), "no chip was read") {
		t.Errorf("a stripe: %+v", f)
	}
}

func mustParseWith(t *testing.T, l *Library, src string) *Script {
	t.Helper()
	s, err := Parse("X2-x.yaml", []byte("name: x\nzh: 一\n"+src), l.Known())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
