package rules

import "testing"

func TestEveryRuleHasAVariant(t *testing.T) {
	names, sets := map[string]bool{}, map[Set]string{}
	var all Set
	safe := false
	for _, v := range Variants() {
		if names[v.Name] || sets[v.Rules] != "" || v.Rules == (Set{}) || v.ID == "" || v.About == "" {
			t.Errorf("%s: a name or set listed twice, or something is missing: %+v", v.Name, v)
		}
		if safe && !v.Safe {
			t.Errorf("%s: the safe ones stand last", v.Name)
		}
		names[v.Name], sets[v.Rules], safe = true, v.Name, v.Safe
		all[0], all[1] = all[0]|v.Rules[0], all[1]|v.Rules[1]
		if s, err := Without(v.Name); err != nil || s != v.Rules {
			t.Errorf("%s: Without gives %v, %v", v.Name, s, err)
		}
	}
	for r := Rule(1); r <= last; r++ {
		if all.Kept(r) {
			t.Errorf("no variant leaves out rule %d", r)
		}
	}
}

func TestARuleIsKeptUnlessLeftOut(t *testing.T) {
	for left := Rule(1); left <= last; left++ {
		both := Leave(left, last)
		for r := Rule(1); r <= last; r++ {
			if both.Kept(r) != (r != left && r != last) {
				t.Errorf("without %d and %d: Kept(%d) = %v", left, last, r, both.Kept(r))
			}
			if !(Set{}).Kept(r) {
				t.Errorf("the zero set leaves out %d", r)
			}
		}
	}
}

func TestUnknownVariantIsAnError(t *testing.T) {
	if _, err := Without("no-such"); err == nil {
		t.Error("accepted")
	}
	if s, err := Without(""); err != nil || s != (Set{}) {
		t.Errorf("empty name: %v %v", s, err)
	}
}
