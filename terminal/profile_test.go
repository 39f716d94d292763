package terminal

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/internal/pan"
)

func generic(t testing.TB) string {
	t.Helper()
	src, err := os.ReadFile("../testdata/terminals/generic.yaml")
	must(t, err)
	return string(src)
}

// unrevoked is the generic profile without its list of revoked certificates, for tests that bring their own.
func unrevoked(t testing.TB) string {
	t.Helper()
	src, list := generic(t), "  revoked:\n    - {rid: A000000003, index: \"D2\", serial: \"0BAD01\"}\n"
	if !strings.Contains(src, list) {
		t.Fatal("the generic profile revokes something else")
	}
	return strings.Replace(src, list, "", 1)
}

func TestTheGenericProfile(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	if p.TID != "SIM00001" || p.AnswerWait != time.Minute || p.Attempts != 3 || p.EMV.CountryCode != 156 || len(p.EMV.Applications) != 6 {
		t.Errorf("%+v", p)
	}
}

func TestAProfileWithKeysAndLists(t *testing.T) {
	src := strings.Replace(unrevoked(t), "  languages:", `  ca_public_keys:
    - {rid: A000000999, index: "E1", modulus: "`+strings.Repeat("C1", 96)+`", exponent: "03"}
  revoked:
    - {rid: A000000999, index: "E1", serial: "000102"}
  exception_file:
    - {pan: "4761739001010119"}
    - {pan: "4761739001010135", psn: "02"}
  cda_mode: 3
  auto_select: false
  no_confirmation: true
  languages:`, 1)
	p, err := ParseProfile("keys", []byte(src))
	must(t, err)
	c := &p.EMV
	if len(c.CAPublicKeys) != 1 || c.CAPublicKeys[0].Index() != 0xE1 || c.CAPublicKeys[0].Size() != 96 || len(c.Revoked) != 1 ||
		c.Revoked[0].Serial != [3]byte{0, 1, 2} || c.CDAMode != 3 || c.AutoSelect || !c.NoConfirmation || len(c.Languages) != 2 {
		t.Errorf("%+v", c)
	}
	for _, card := range []struct {
		number, psn string
		on          bool
	}{
		{"4761739001010119", "", true}, {"4761739001010119", "01", true}, {"4761739001010135", "02", true},
		{"4761739001010135", "01", false}, {"5413330089010012", "01", false},
	} {
		number, err := pan.Parse(card.number)
		must(t, err)
		if c.OnExceptionFile(number, card.psn) != card.on {
			t.Errorf("%v %s: want %v", number, card.psn, card.on)
		}
	}
}

func TestABadProfileSaysWhereAndWhatWasExpected(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"a fallback after too many tries", "attempts: 3", "attempts: 3\nfallback: {tries: 4}", "fallback.tries 4: want 1 to 3"},
		{"a fallback within no time", "attempts: 3", "attempts: 3\nfallback: {window: 90ms}", "fallback.window 90ms: want 1s to 1h"},
		{"a fallback that is neither on nor off", "attempts: 3", "attempts: 3\nfallback: maybe", "fallback: want off, or tries, window and empty_list"},
		{"a key that a fallback has not", "attempts: 3", "attempts: 3\nfallback: {trys: 3}", "fallback: want off, or tries, window and empty_list"},
		{"an unknown key", "attempts: 3", "atempts: 3", `unknown field "atempts"`},
		{"a terminal number that is not a simulation's", "tid: SIM00001", "tid: 10000012", `tid "10000012": want 8 characters that begin with SIM`},
		{"a short merchant number", "mid: SIM000000000001", "mid: SIM1", `mid "SIM1": want 15 characters that begin with SIM`},
		{"no Chinese name", "merchant_zh: 模拟测试商户", "merchant_zh: \"\"", "5:1: merchant_zh: want merchant and merchant_zh, both"},
		{"a currency that is no number", `currency: "0156"`, `currency: "CNY!"`, `currency "CNY!": want four digits`},
		{"a currency in hexadecimal", `currency: "0156"`, `currency: "009C"`, `currency "009C": want four digits`},
		{"a country that is no number", `country: "0156"`, `country: "CHN"`, `emv.country "CHN": want four digits`},
		{"a key of an application that does nothing", "aid: A0000000041010", "name: Mastercard, aid: A0000000041010", `unknown field "name"`},
		{"an action code too short", `tac_denial: "0010000000"`, `tac_denial: "00"`, `emv.applications[0].tac_denial "00": want 10 hexadecimal digits`},
		{"an application name that is no hex", "aid: A0000000041010", "aid: A00X", `emv.applications[2].aid "A00X": want 10 to 32 hexadecimal digits`},
		{"a key without an index", "  languages:", "  ca_public_keys: [{rid: A000000999, modulus: \"00\", exponent: \"03\"}]\n  languages:", `emv.ca_public_keys[0].index "": want 2 hexadecimal digits`},
		{"a key that is none", "  languages:", "  ca_public_keys: [{rid: A000000999, index: \"E1\", modulus: \"00\", exponent: \"03\"}]\n  languages:", "emv.ca_public_keys[0]: security: CA public key A000000999 E1: "},
		{"a revoked certificate without a serial number", "  languages:", "  revoked: [{rid: A000000999, index: \"E1\"}]\n  languages:", `emv.revoked[0].serial "": want 6 hexadecimal digits`},
		{"an exception that is no card", "  languages:", "  exception_file: [{pan: \"12\"}]\n  languages:", "emv.exception_file[0].pan: "},
		{"a sequence number of one digit", "  languages:", "  exception_file: [{pan: \"4761739001010119\", psn: \"1\"}]\n  languages:", "emv.exception_file[0].psn: want two digits or none"},
		{"a language that is none", "[zh, en]", "[chinese]", `emv: config: Languages 0 is "chinese"`},
		{"a CDA mode that is none", "  languages:", "  cda_mode: 5\n  languages:", "CDAMode is 5"},
		{"a DDOL that is none", `default_ddol: "9F3704"`, `default_ddol: "9F37"`, "DefaultDDOL"},
		{"a method that the kernel has not", "E0F8C8", "E0F8CC", "XDA"},
		{"a wait without an end", "answer_wait: 60s", "answer_wait: 48h", "answer_wait 48h0m0s: want 1s to 1h"},
		{"no tries", "attempts: 3", "attempts: 100", "attempts 100: want 1 to 99"},
		{"an amount that DE 4 cannot hold", "max_amount: 9999999999", "max_amount: 1000000000000", "max_amount 1000000000000: want 1 to 999999999999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(unrevoked(t), c.old, c.new, 1)
			if src == unrevoked(t) {
				t.Fatalf("%q is not in the profile", c.old)
			}
			_, err := ParseProfile("generic", []byte(src))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "terminal: profile generic: ") {
				t.Errorf("%v", err)
			}
		})
	}
}

// FuzzProfile: a file is a profile that can be, or an error without anything of a card in it.
func FuzzProfile(f *testing.F) {
	f.Add(generic(f))
	f.Add("tid: [")
	f.Add(with(f, "dialect: cup\nfunctions: [sale, refund]\nentry_modes: [chip, manual]\nsaf: {backoff: 2}\ntip_percent: 3"))
	f.Add(with(f, "operators: &a {lock: 5s}\n<<: *a"))
	f.Add("? {a: b}\n: - [c]\n")
	f.Fuzz(func(t *testing.T, src string) {
		p, err := ParseProfile("fuzz", []byte(src))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
			return
		}
		switch {
		case !strings.HasPrefix(p.TID, SimulationPrefix):
			t.Errorf("accepted %q", p.TID)
		case p.TipPercent > 100, p.CompletionPercent > 115, p.BatchLimit < 1, p.SAF.Backoff < 1, p.SAF.MaxBackoff < p.SAF.Interval, p.Operators.MaxWrong < 1:
			t.Errorf("accepted %+v", p)
		case p.EntryModes != nil && len(p.EntryModes) == 0, p.Functions != nil && len(p.Functions) == 0:
			t.Error("accepted a terminal that can do nothing")
		}
		for _, fn := range p.Functions {
			if _, err := ParseFunction(string(fn)); err != nil {
				t.Error(err)
			}
		}
	})
}
