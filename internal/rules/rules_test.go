package rules

import "testing"

func TestEveryRuleHasOneVariant(t *testing.T) {
	seen := map[Rule]string{}
	names := map[string]bool{}
	for _, v := range Variants() {
		if seen[v.Rule] != "" || names[v.Name] {
			t.Errorf("%s: rule or name listed twice", v.Name)
		}
		seen[v.Rule], names[v.Name] = v.Name, true
		s, err := Without(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		for r := Rule(1); r < end; r <<= 1 {
			if s.Kept(r) == (r == v.Rule) {
				t.Errorf("%s: Kept(%b) = %v", v.Name, r, s.Kept(r))
			}
		}
	}
	for r := Rule(1); r < end; r <<= 1 {
		if seen[r] == "" {
			t.Errorf("rule %b has no variant", r)
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
