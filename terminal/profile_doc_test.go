package terminal

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// keysOf are the keys of a form, a level after the other: "emv", "emv.country".
func keysOf(form reflect.Type, before string) (keys []string) {
	for form.Kind() == reflect.Pointer || form.Kind() == reflect.Slice {
		form = form.Elem()
	}
	if form.Kind() != reflect.Struct {
		return nil
	}
	for i := range form.NumField() {
		f := form.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		keys = append(keys, before+name)
		keys = append(keys, keysOf(f.Type, before+name+".")...)
	}
	return keys
}

// Every key is on the page, and the page has no other.
func TestThePageHasEveryKey(t *testing.T) {
	want := keysOf(reflect.TypeFor[profileFile](), "")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(section(t, document(t, "profiles.md"), "Keys"), -1) {
		got = append(got, m[1])
	}
	if len(want) < 70 {
		t.Errorf("only %d keys were found in the form", len(want))
	}
	for _, key := range want {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != key })); n != 1 {
			t.Errorf("%s stands on the page %d times", key, n)
		}
	}
	for _, key := range got {
		if !slices.Contains(want, key) {
			t.Errorf("%s is on the page, and no key", key)
		}
	}
}

// The page names every function, and what is said of each example is what happens.
func TestThePageIsRight(t *testing.T) {
	page := document(t, "profiles.md")
	_, list, _ := strings.Cut(page, "The functions: ")
	list, _, _ = strings.Cut(list, "\n\n")
	var got []string
	for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(list, -1) {
		got = append(got, m[1])
	}
	for _, f := range functions {
		if !slices.Contains(got, string(f)) {
			t.Errorf("function %s is not on the page", f)
		}
	}
	if len(got) != len(functions) {
		t.Errorf("%d functions on the page, %d there are", len(got), len(functions))
	}
	_, err := ParseProfile("shop", []byte(with(t, "tip_percent: 101")))
	if err == nil || !strings.Contains(page, err.Error()) {
		t.Errorf("the page's example is not %v", err)
	}
	_, err = ParseProfile("shortest", []byte(`tid: SIM00099
mid: SIM000000000001
merchant: SHOP
merchant_zh: 商户
currency: "0156"
emv: {country: "0156", type: "22", capabilities: "E0F8C8", additional_capabilities: "6000F0A001", applications: [{aid: A0000000031010,
  version: "0096", tac_denial: "0000000000", tac_online: "0000000000", tac_default: "0000000000"}]}
`))
	if err != nil {
		t.Error(err)
	}
}
