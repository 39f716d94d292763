package vectors

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leaf is a value of a vector that can be changed, and how.
type leaf struct {
	path string
	v    *value
}

// leaves lists what stands in a vector but prose, and what says which vector it is.
func leaves(path string, v *value) (list []leaf) {
	switch v.kind {
	case object:
		for _, name := range v.names {
			if !prose[name] {
				list = append(list, leaves(path+"."+name, v.members[name])...)
			}
		}
	case array:
		for i, item := range v.items {
			list = append(list, leaves(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	default:
		list = append(list, leaf{path, v})
	}
	return list
}

// isHex tells digits from words; a number of an account is digits as well.
var isHex = regexp.MustCompile(`^(?:[0-9A-F]{2})+$`)

// change changes one digit of a value, or turns it over; false if there is nothing to change.
func change(v *value, r *rand.Rand) bool {
	switch {
	case v.kind == boolean:
		v.truth = !v.truth
	case v.kind == number:
		n, err := strconv.Atoi(v.text)
		if err != nil {
			return false
		}
		v.text = strconv.Itoa(n + 1)
	case v.kind == text && isHex.MatchString(v.text):
		b := []byte(v.text)
		at := r.IntN(len(b))
		old := b[at]
		for b[at] == old {
			b[at] = "0123456789ABCDEF"[r.IntN(16)]
		}
		v.text = string(b)
	default:
		return false
	}
	return true
}

// changeCharacter changes one character of a value's text, or else changes the value.
func changeCharacter(v *value, r *rand.Rand) bool {
	if v.kind != text || v.text == "" {
		return change(v, r)
	}
	b := []byte(v.text)
	at := r.IntN(len(b))
	old := b[at]
	for b[at] == old {
		b[at] = "0123456789ABCDEF"[r.IntN(16)]
	}
	v.text = string(b)
	return true
}

// alone is a file with one vector of a file.
func alone(root *value, list string, item *value) []byte {
	one := &value{kind: object, members: map[string]*value{}}
	for _, name := range root.names {
		m := root.members[name]
		if m.kind == array && name != list {
			continue
		}
		if name == list {
			m = &value{kind: array, items: []*value{item}}
		}
		one.names = append(one.names, name)
		one.members[name] = m
	}
	var b bytes.Buffer
	writeJSON(&b, one)
	return b.Bytes()
}

func failed(results []Result) bool {
	for _, r := range results {
		if !r.Passed() {
			return true
		}
	}
	return false
}

// vectorLists are the lists of vectors of all layouts; a file without one is a vector itself.
var vectorLists = []string{"keys", "vectors", "enciphered_pin", "key_derivation_and_ac", "scheme_cvn", "emv2000_tree", "scripts", "mac_iso9797_alg3"}

// expectations says for each file which fields are known answers: a change of any of them must be seen.
var expectations = map[string]*regexp.Regexp{
	"capk.json":         regexp.MustCompile(`^\.(rid|index|bits|modulus|exponent|sha1|published_sha1|sha1_matches)$`),
	"cup_cvn01.json":    regexp.MustCompile(`^\.(ac_input|arqc|arpc)$`),
	"kernel_steps.json": regexp.MustCompile(`^\.expected\.|^\.exchanges\[\d+\]\.command$`),
	"oda_rsa.json":      regexp.MustCompile(`^\.(expected|capk)\.|^\.(icc_modulus|icc_exponent|icc_private_exponent|enciphered|plaintext|header|pin_block|challenge)$`),
	"t0_transport.json": regexp.MustCompile(`^\.expected_rapdu$|^\.exchanges\[[1-9]\d*\]\.command$`),
	"issuer_crypto.json": regexp.MustCompile(`^\.(icc_mk_kcv|sk_ac|sk_kcv|arqc|arpc\.arpc|arpc\.method|icc_mk_ac_kcv|ac_input|sk_ac_kcv|sk_smi_kcv|sk_smc_kcv|` +
		`script_mac\.(command|mac)|pin_change\w*|session_key|sk_smi|header|mac|enciphered|pin_block|pin|current_pin)$`),
	"transcript_D1.json": regexp.MustCompile(`^\.expected\.|^\.exchanges\[\d+\]\.command$|^\.card\.(aid|pan|psn|aip|afl|static\w*|\w+_private_key\..*)$`),
}

// notSeen are known answers whose change cannot be seen, with why.
func notSeen(name, path string, item *value) bool {
	switch name {
	case "t0_transport.json":
		// The vector leaves the last GET RESPONSE out: the data stand in it only once. So do those behind a procedure byte.
		exchanges := item.members["exchanges"].items
		return path == ".expected_rapdu" && len(item.members["expected_rapdu"].text) > 4 ||
			path == ".exchanges[1].command" && len(exchanges[0].members["response"].text) == 2
	case "kernel_steps.json":
		// The application of a final selection is the one that its command names.
		return path == ".exchanges[0].command" && item.members["step"].text == "final_select"
	}
	return false
}

// Every known answer is compared: one digit of it changed, and its vector fails. Of long ones a few digits are changed, drawn from
// a fixed seed.
func TestChangedAnswersFail(t *testing.T) {
	files, err := filepath.Glob(dir + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range files {
		base := filepath.Base(name)
		expected := expectations[base]
		if base == "transcript_D2.json" {
			expected = expectations["transcript_D1.json"]
		}
		if expected == nil {
			t.Errorf("%s: nobody says what its known answers are", base)
			continue
		}
		b, err := read(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := parse(b)
		if err != nil {
			t.Fatal(err)
		}
		changed := 0
		each(root, func(id string, item *value, encode func() []byte) {
			for _, l := range leaves("", item) {
				if !expected.MatchString(l.path) || notSeen(base, l.path, item) {
					continue
				}
				before := *l.v
				for range min(4, max(1, len(before.text))) {
					if !change(l.v, r) {
						break
					}
					changed++
					if !failed(File(base, encode())) {
						t.Errorf("%s: %s: %s is %s instead of %s, and nobody sees it", base, id, l.path, l.v.text, before.text)
					}
					*l.v = before
				}
			}
		})
		if changed < 10 {
			t.Errorf("%s: %d changes", base, changed)
		}
		t.Logf("%s: %d changes", base, changed)
	}
}

// answers are the known answers of a vector of the security module or of China UnionPay's dialect. What is prose elsewhere is one
// here: the next KSN.
func answers(item *value) (list []leaf) {
	for _, name := range []string{"out", "expected"} {
		if m := item.members[name]; m != nil {
			list = append(list, leaves("."+name, m)...)
			if next := m.members["next"]; next != nil {
				list = append(list, leaf{"." + name + ".next", next})
			}
		}
	}
	for _, name := range []string{"field62", "decoded_62_ascii"} { // what a message of cup says beside
		if m := item.members[name]; m != nil {
			for _, l := range leaves("."+name, m) {
				if l.path != ".field62.layout" {
					list = append(list, l)
				}
			}
		}
	}
	return list
}

// isSecret tells by a value's name that it is a key or holds a card number.
var isSecret = regexp.MustCompile(`(?i)[._](kbpk|bdk|kek|pvk|cvk|pan|udk|ik|sk|key_raw_xor|(mac_\w+|data_\w+|pin|txn|update)?_?key\w*|imk\w*|icc_mk|sk_ac|\w+_aes\d+|\w+_tdes\d|[tmp][mai]k_\w*(hex|16)|clear_block|pin_field|pan_field)$`)

// secretsOf are values of a vector that no failure may show.
func secretsOf(item *value) (list []string) {
	for _, l := range leaves("", item) {
		if isSecret.MatchString(l.path) && len(l.v.text) >= 12 {
			list = append(list, l.v.text)
		}
	}
	return list
}

// Every known answer of the security module and of China UnionPay's dialect is compared: one character of it changed, and its vector
// fails.
func TestChangedAnswersOfTheSecurityModuleFail(t *testing.T) {
	files := slices.Concat(filesIn(t, hsmDir), filesIn(t, cupDir))
	r, total, secrets := rand.New(rand.NewPCG(3, 4)), 0, 0
	for _, name := range files {
		b, err := read(name)
		if err != nil {
			t.Fatal(err)
		}
		root, err := parse(b)
		if err != nil {
			t.Fatal(err)
		}
		each(root, func(id string, item *value, encode func() []byte) {
			changed := 0
			hidden := secretsOf(item)
			secrets += len(hidden)
			for _, l := range answers(item) {
				before := *l.v
				if !changeCharacter(l.v, r) {
					continue
				}
				changed++
				results := File(name, encode())
				for _, s := range hidden {
					if strings.Contains(fmt.Sprint(results), s) {
						t.Errorf("%s: %s: %s: a failure shows a key, a PIN or a number", name, id, l.path)
					}
				}
				if !failed(results) {
					t.Errorf("%s: %s: %s is %s instead of %s, and nobody sees it", name, id, l.path, l.v.text, before.text)
				}
				*l.v = before
			}
			if changed == 0 {
				t.Errorf("%s: %s: nothing to change", name, id)
			}
			total += changed
		})
	}
	if secrets < 500 {
		t.Errorf("only %d values are known to be secret", secrets)
	}
	t.Logf("%d changes, %d secrets", total, secrets)
}

// each runs f for every vector of a file.
func each(root *value, f func(id string, item *value, encode func() []byte)) {
	whole := true
	for _, list := range vectorLists {
		m := root.members[list]
		if m == nil {
			continue
		}
		whole = false
		for i, item := range m.items {
			f(fmt.Sprintf("%s[%d]", list, i), item, func() []byte { return alone(root, list, item) })
		}
	}
	if whole {
		f("file", root, func() []byte {
			var b bytes.Buffer
			writeJSON(&b, root)
			return b.Bytes()
		})
	}
}
