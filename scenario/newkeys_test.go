package scenario

import (
	"strings"
	"testing"
)

// TestNewKeysNeedThePowerOff: nobody opens a terminal that works.
func TestNewKeysNeedThePowerOff(t *testing.T) {
	l := builtIn(t)
	s := parsedBuiltIn(t, l, "name: W99 x\nzh: 甲\nsteps:\n  - new-keys: {}\nexpect: {end: F0}\n")
	r := l.Run(s, Options{Seed: 1})
	if r.Passed || !strings.Contains(r.Failure.Err.Error(), "W99-x.yaml:4:5: the terminal is given keys only with the power off") {
		t.Errorf("%+v", r.Failure)
	}
}
