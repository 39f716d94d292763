package rules

import "testing"

func TestEveryRuleHasAVariant(t *testing.T) {
	names, sets := map[string]bool{}, map[Set]string{}
	var all Set
	safe := false
	for _, v := range Variants() {
		if names[v.Name] || sets[v.Rules] != "" || v.Rules == 0 || v.ID == "" || v.About == "" {
			t.Errorf("%s: a name or set listed twice, or something is missing: %+v", v.Name, v)
		}
		if safe && !v.Safe {
			t.Errorf("%s: the safe ones stand last", v.Name)
		}
		names[v.Name], sets[v.Rules], safe = true, v.Name, v.Safe
		all |= v.Rules
		if s, err := Without(v.Name); err != nil || s != v.Rules {
			t.Errorf("%s: Without gives %b, %v", v.Name, s, err)
		}
	}
	if want := Set(last) | (Set(last) - 1); all != want {
		t.Errorf("no variant leaves out the rules %b", want&^all)
	}
}

func TestARuleIsKeptUnlessLeftOut(t *testing.T) {
	for _, v := range Variants() {
		for r := Rule(1); r != 0 && r <= last; r <<= 1 {
			if v.Rules.Kept(r) == (v.Rules&Set(r) != 0) {
				t.Errorf("%s: Kept(%b) = %v", v.Name, r, v.Rules.Kept(r))
			}
		}
	}
	for r := Rule(1); r != 0 && r <= last; r <<= 1 {
		if !Set(0).Kept(r) {
			t.Errorf("the zero set leaves out %b", r)
		}
	}
}

func TestUnknownVariantIsAnError(t *testing.T) {
	if _, err := Without("no-such"); err == nil {
		t.Error("accepted")
	}
	if s, err := Without(""); err != nil || s != 0 {
		t.Errorf("empty name: %v %v", s, err)
	}
}
