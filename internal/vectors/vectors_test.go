package vectors

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	dir    = "../../testdata/vectors/emv"
	hsmDir = "../../testdata/vectors/hsm"
	cupDir = "../../testdata/vectors/cup"
)

// filesIn lists a folder's vectors.
func filesIn(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// Every known answer is recomputed. The numbers are pinned, so that no vector falls out unseen.
func TestKnownAnswers(t *testing.T) {
	want := map[string]int{"capk.json": 44, "cup_cvn01.json": 1, "issuer_crypto.json": 26, "kernel_steps.json": 44, "oda_rsa.json": 5, "t0_transport.json": 21,
		"transcript_D1.json": 1, "transcript_D2.json": 1,
		"card.json": 13, "dukpt_aes.json": 40, "dukpt_tdes.json": 34, "emv.json": 20, "kcv.json": 26, "mac.json": 37, "pin_verify.json": 13,
		"pinblock.json": 30, "session.json": 4, "sm.json": 9, "tr31.json": 35, "translate.json": 3,
		"CUP-CAPK-08.json": 1, "CUP-CAPK-09.json": 1, "CUP-CAPK-0A.json": 1, "CUP-KEY-001.json": 1, "CUP-KEY-002.json": 1,
		"CUP-KEY-003.json": 1, "CUP-MAC-001.json": 1, "CUP-MAC-002.json": 1, "CUP-MAC-004.json": 1, "CUP-PIN-001.json": 1,
		"CUP-TRK-001.json": 1,
		"CUP-AID-001.json": 1, "CUP-BAT-001.json": 1, "CUP-MSG-001.json": 1, "CUP-MSG-002.json": 1, "CUP-MSG-003.json": 1,
		"CUP-MSG-004.json": 1, "CUP-MSG-007.json": 1, "CUP-MSG-008.json": 1, "CUP-MSG-009.json": 1, "CUP-MSG-010.json": 1,
		"CUP-MSG-013.json": 1, "CUP-MSG-014.json": 1, "CUP-MSG-016.json": 1, "CUP-MSG-017.json": 1, "CUP-MSG-018.json": 1,
		"CUP-MSG-020.json": 1}
	results, err := Paths(dir, hsmDir, cupDir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range results {
		got[filepath.Base(r.File)]++
		for _, f := range r.Failures {
			t.Errorf("%s: %s: %v", r.File, r.ID, f)
		}
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d vectors, want %d", name, got[name], n)
		}
	}
	if len(got) < len(want) {
		t.Errorf("%d files, want at least %d", len(got), len(want))
	}
}

// What a file can be that is not to pass, and what is said of it.
func TestFilesThatFail(t *testing.T) {
	const (
		step = `{"layout":"emv-kernel-steps/1","vectors":[`
		date = `{"id":"d","step":"expiry_check","transaction_date":"250511","expiry_date":"250511",`
		hsm  = `{"layout":"hsm/1","topic":"t","encoding":"e","vectors":[{"id":"h",`
		tree = `{"icc_mk":"0123456789ABCDEF0123456789ABCDEF","atc":"0000","height":8,"branch":4,"iv":"00000000000000000000000000000000"`
	)
	for _, tt := range []struct{ name, src, want string }{
		{"no JSON", `{"layout":`, "file: got line 1: the file ends in the middle of a value"},
		{"two values", "{}\n{}", "file: got line 2: more than one value"},
		{"a list", `[]`, "a list, want an object"},
		{"a key twice", "{\"layout\":\"emv-capk/1\",\n\"keys\":[],\n\"keys\":[]}", `line 3: key "keys" stands twice`},
		{"no layout", `{"keys":[]}`, "layout: got nothing"},
		{"a layout of later years", `{"layout":"hsm/2","vectors":[]}`, `layout: got "hsm/2", which is not known here`},
		{"a layout in other letters", `{"Layout":"emv-capk/1"}`, "layout: got nothing"},
		{"no vectors", `{"layout":"emv-capk/1","format":"x","keys":[]}`, "file: got no vectors"},
		{"another list", `{"layout":"emv-capk/1","format":"x","vectors":[]}`, "keys: got nothing, want a list"},
		{"a key of the file", step + date + `"expected":{"expired":false}}],` + "\n" + `"extra":1}`, "extra: got a field that is not known here (line 2)"},
		{"a key of a vector", step + date + `"expected":{"expired":false},"extra":1}]}`, "extra: got a field that is not known here"},
		{"a field that is not compared", step + date + `"expected":{"expired":false,"tvr":"0000000000"}}]}`, "expected.tvr: got a field that is not known here"},
		{"a field in other letters", step + date + `"expected":{"Expired":false}}]}`, "expected.expired: got nothing"},
		{"nothing expected", step + date + `"expected":{}}]}`, "expected.expired: got nothing"},
		{"another verdict", step + date + `"expected":{"expired":true}}]}`, "expected.expired: got false, want true"},
		{"an input missing", step + `{"id":"d","step":"expiry_check","expiry_date":"250511","expected":{"expired":false}}]}`, "transaction_date: got nothing, want a string"},
		{"an input of another length", step + `{"id":"d","step":"expiry_check","transaction_date":"2505","expiry_date":"250511","expected":{"expired":false}}]}`, "transaction_date: got 2 bytes, want 3 bytes"},
		{"an input that is no hexadecimal", step + `{"id":"d","step":"dol","dol":"9F0Z","expected":{"data":""}}]}`, "dol: got 4 characters (line 1), want hexadecimal digits"},
		{"another kind of value", step + `{"id":"d","step":"dol","dol":7,"expected":{"data":""}}]}`, "dol: got a number (line 1), want a string"},
		{"an unknown step", step + `{"id":"d","step":"settlement","expected":{}}]}`, `step: got "settlement", which is not known here`},
		{"an unknown result", step + `{"id":"d","step":"final_select","exchanges":[{"command":"00A4040007A000000003101000","response":"6A82"}],"expected":{"result":"fine"}}]}`, `expected.result: got "fine", want ok`},
		{"no id", step + `{"step":"dol","dol":"","expected":{"data":""}}]}`, "id: got nothing"},
		{"a vector that compares nothing", `{"layout":"emv-issuer-crypto/1","emv2000_tree":[` + tree + `}]}`, "expected: got nothing to compare"},
		{"a number that is none", `{"layout":"emv-issuer-crypto/1","emv2000_tree":[{"icc_mk":"0123456789ABCDEF0123456789ABCDEF","atc":"0000","height":8.5,"branch":4,"iv":"00000000000000000000000000000000","session_key":""}]}`, "height: got 8.5, want a whole number"},
		{"a vector that is none", `{"layout":"emv-capk/1","format":"","keys":[7]}`, "keys[0]: got a number, want an object"},
		{"a layer", `{"layout":"emv-t0/1","vectors":[{"id":"x","layer":"T=CL","exchanges":[{"command":"00A40400","response":"9000"}],"expected_rapdu":"9000"}]}`, `layer: got "T=CL"`},
		{"another command", `{"layout":"emv-t0/1","vectors":[{"id":"x","layer":"PC/SC","exchanges":[{"command":"00B2010C00","response":"6C1C"},{"command":"00B2010C1D","response":"6581"}],"expected_rapdu":"6581"}]}`, "exchanges[1].command: got 00B2010C1C, want 00B2010C1D"},
		{"an exchange too many", `{"layout":"emv-t0/1","vectors":[{"id":"x","layer":"PC/SC","exchanges":[{"command":"00B2010C00","response":"9000"},{"command":"00B2010C1D","response":"6581"}],"expected_rapdu":"9000"}]}`, "exchanges: got 1, want 2"},
		{"no operation", hsm + `"in":{},"out":{"x":1}}]}`, "op: got nothing"},
		{"an unknown operation", hsm + `"op":"mac.verify","in":{},"out":{}}]}`, `op: got "mac.verify", which is not known here`},
		{"an input missing of an operation", hsm + `"op":"sm3.hash","in":{},"out":{"hash":"00"}}]}`, "in.data: got nothing, want a string"},
		{"an input too many", hsm + `"op":"sm3.hash","in":{"data":"","key":"00"},"out":{"hash":"00"}}]}`, "in.key: got a field that is not known here"},
		{"an answer that is not compared", hsm + `"op":"des.weak_key","in":{"key":"0123456789ABCDEF"},"out":{"weak":false,"semi_weak":false}}]}`, "out.semi_weak: got a field that is not known here"},
		{"no answer", hsm + `"op":"des.weak_key","in":{"key":"0123456789ABCDEF"},"out":{}}]}`, "expected: got nothing to compare"},
		{"accepted, to be rejected", hsm + `"op":"pinblock.decode","in":{"format":2,"block":"241234FFFFFFFFFF"},"out":{"error":true}}]}`, "out.error: got accepted, want rejected"},
		{"rejected, to be accepted", hsm + `"op":"pinblock.decode","in":{"format":2,"block":"341234FFFFFFFFFF"},"out":{"pin":"1234"}}]}`, "not a PIN block of this format for this PAN, want a result"},
		{"no error", hsm + `"op":"pinblock.decode","in":{"format":2,"block":"341234FFFFFFFFFF"},"out":{"error":false}}]}`, "out.error: got false"},
		{"an error and a result", hsm + `"op":"pinblock.decode","in":{"format":2,"block":"341234FFFFFFFFFF"},"out":{"error":true,"pin":"1234"}}]}`, "out.pin: got a field that is not known here"},
		{"a malformed input is no rejection", hsm + `"op":"pinblock.decode","in":{"format":2,"block":"24123"},"out":{"error":true}}]}`, "in.block: got 5 characters"},
		{"not exhausted", hsm + `"op":"dukpt.tdes.ksn_next","in":{"ksn":"FFFF9876543210E00001"},"out":{"exhausted":true}}]}`, "out.exhausted: got false, want true"},
		{"exhausted", hsm + `"op":"dukpt.tdes.ksn_next","in":{"ksn":"FFFF9876543210FFF800"},"out":{"next":"FFFF9876543210FFF801"}}]}`, "out: got clear: ksn: dukpt: all transaction keys are used"},
		{"the device of another KSN", hsm + `"op":"dukpt.aes.txn_key","in":{"bdk":"FEDCBA9876543210F1F1F1F1F1F1F1F1","ikid":"1234567890123457","ksn":"123456789012345600000001"},"out":{"txn_key":""}}]}`, "in.ikid: got another device"},
		{"a fill that the block has not", hsm + `"op":"pin.translate","in":{"pan":"5413330089020011","from":{"cipher":"AES","key":"000102030405060708090A0B0C0D0E0F","format":4,"fill":"8899AABBCCDDEEFE","block":"0CE48BB78CF9D5DB03E1E6D13370776A"},"to":{"cipher":"TDES","key":"89ABCDEF0123456776543210FEDCBA98","format":0}},"out":{"block":"07C10F2D46B454F8"}}]}`, "in.from.fill: got another block with it"},
		{"a message that is none", `{"layout":"cup/1","id":"x","kind":"message","input":{},"expected":{}}`, `input.has_length_prefix: got nothing`},
		{"an unknown kind", `{"layout":"cup/1","id":"x","kind":"settlement","input":{},"expected":{}}`, `kind: got "settlement", which is not known here`},
		{"no id of a kind", `{"layout":"cup/1","kind":"des-ecb","input":{},"expected":{}}`, "id: got nothing"},
		{"a transcript with another key", `{"layout":"emv-transcript/1","id":"T","transactions":{}}`, `unknown field "transactions"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said []string
			for _, r := range File("f.json", []byte(tt.src)) {
				for _, f := range r.Failures {
					said = append(said, f.String())
				}
			}
			if len(said) == 0 {
				t.Fatal("passed")
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("said\n%s\nwant %q in it", all, tt.want)
			}
		})
	}
}

// What the published files of these layouts do not have, and others may.
func TestFilesThatPass(t *testing.T) {
	const (
		step = `{"layout":"emv-kernel-steps/1","vectors":[`
		t0   = `{"layout":"emv-t0/1","vectors":[{"id":"x-case-4","layer":"T=0 TPDU","exchanges":[`
		pcsc = `{"layout":"emv-t0/1","vectors":[{"id":"x","layer":"PC/SC","exchanges":[`
		risk = `"id":"r","step":"terminal_risk_management","floor_limit_9F1B":"00002710","lower_9F14":null,"upper_9F23":null,"atc_9F36":null,"last_online_atc_9F13":null,"get_data_fails_with":null,`
		pse  = `{"command":"00A404000E315041592E5359532E444446303100","response":"6F1A840E315041592E5359532E4444463031A5088801015F2D02656E9000"},{"command":"00B2020C00","response":"6A83"}`
	)
	entry := func(priority string) string {
		return strings.Replace(pse, `},{"command":"00B2020C00"`, `},{"command":"00B2010C00","response":"700E610C4F07A00000000310108701`+priority+`9000"},{"command":"00B2020C00"`, 1)
	}
	for _, tt := range []struct{ name, src string }{
		{"data byte by byte, and a card that needs time", t0 + `{"command":"00A4040002","response":"605B"},{"command":"31","response":"A4"},{"command":"50","response":"9000"}],"expected_rapdu":"9000"}]}`},
		{"data behind a procedure byte", t0 + `{"command":"00A4040001","response":"A4"},{"command":"31","response":"6102"},{"command":"00C0000002","response":"C06F009000"}],"expected_rapdu":"6F009000"}]}`},
		{"a warning behind a procedure byte", t0 + `{"command":"00A4040001","response":"A4"},{"command":"31","response":"6283"},{"command":"00C0000000","response":"6C02"}],"expected_rapdu":"6F00"}]}`},
		{"data in pieces", pcsc + `{"command":"00A404000131 00","response":"6102"},{"command":"00C0000002","response":"6F066104"}],"expected_rapdu":"6F0601020304"}]}`},
		{"a CVM list that is none", step + `{"id":"c","step":"cvm_list","cvm_list":"000186A0000003E81E","expected":{"error":true,"rules":[],"no_rules":false,"amount_x":null}}]}`},
		{"the same card in the log", step + `{` + risk + `"amount_81":"00001388","pan":"4761739001010119","transaction_log":[{"pan":"4761739001010119","amount_81":"00000001"},` +
			`{"pan":"4761739001010119","amount_81":"00001388"}],"expected":{"tvr":"0000008000","tsi":"0800"}}]}`},
		{"another card in the log", step + `{` + risk + `"amount_81":"00001388","pan":"4761739001010119","transaction_log":[{"pan":"4761739001010010","amount":5000}],"expected":{"tvr":"0000000000","tsi":"0800"}}]}`},
		{"a card that wants a confirmation", step + `{"id":"a","step":"candidate_list","terminal_aids":[{"aid":"A0000000031010","partial":false}],"exchanges":[` + entry("81") +
			`],"expected":{"result":"ok","candidates":["A0000000031010"],"cardholder_confirmation_required":true}}]}`},
		{"a card that wants none", step + `{"id":"a","step":"candidate_list","terminal_aids":[{"aid":"A0000000031010","partial":false}],"exchanges":[` + entry("01") +
			`],"expected":{"result":"ok","candidates":["A0000000031010"],"labels":[""],"cardholder_confirmation_required":[false]}}]}`},
		{"data that cannot be authenticated", step + `{"id":"o","step":"read_application_data","afl":"0801010058010101","exchanges":[{"command":"00B2010C00","response":"701A5A0847617390010101195F24031812318C039F37048D039F37049000"},` +
			`{"command":"00B2015C00","response":"71009000"}],"expected":{"result":"oda_data_unusable"}}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results := File("f.json", []byte(strings.ReplaceAll(tt.src, "31 00", "3100")))
			for _, r := range results {
				for _, f := range r.Failures {
					t.Error(f)
				}
			}
		})
	}
}

// Of a key or a PIN a failure shows a digest.
func TestFailuresShowNoSecret(t *testing.T) {
	b, err := os.ReadFile(dir + "/issuer_crypto.json")
	if err != nil {
		t.Fatal(err)
	}
	const key, pinChange = "946DC1A8C78A624519BC4645CB073737", "84240002107647E71F85AA6A35AE4B4E838666773D"
	wrong := bytes.ReplaceAll(b, []byte(key), []byte("A"+key[1:]))
	wrong = bytes.ReplaceAll(wrong, []byte(pinChange), []byte(pinChange[:41]+"E"))
	fails := 0
	for _, r := range File("f.json", wrong) {
		for _, f := range r.Failures {
			fails++
			if text := f.String(); strings.Contains(text, key[1:]) || strings.Contains(text, pinChange[10:40]) || !strings.Contains(text, "not shown, SHA-256 ") {
				t.Errorf("%s: %s", r.ID, text)
			}
		}
	}
	if fails != 3 { // the key stands twice
		t.Errorf("%d failures, want 3", fails)
	}
}

// Prose is looked at nowhere, and the two parts of a host's answer may have other names.
func TestProseIsNotCompared(t *testing.T) {
	b, err := os.ReadFile(dir + "/transcript_D2.json")
	if err != nil {
		t.Fatal(err)
	}
	said := bytes.Replace(b, []byte(`"expected": {`), []byte(`"notes": ["n"], "check": {"a": 1}, "expected": { "rule": "r", "reason": null,`), 1)
	if bytes.Equal(said, b) {
		t.Fatal("nothing was put in")
	}
	for _, r := range File("D2.json", said) {
		for _, f := range r.Failures {
			t.Errorf("%s: %v", r.ID, f)
		}
	}
	host := func(answer string) string {
		v, err := parse([]byte(`{"host": ` + answer + `}`))
		if err != nil {
			t.Fatal(err)
		}
		renameHost(v.members["host"])
		var out bytes.Buffer
		writeJSON(&out, v)
		return out.String()
	}
	for in, want := range map[string]string{
		`{"response_code": "00", "field_55": ""}`: `{"host":{"response_code":"00","field_55":""}}`,
		`{"arc": "3030", "field55": "9100"}`:      `{"host":{"response_code":"00","field_55":"9100"}}`,
		`{"reachable": false}`:                    `{"host":{"reachable":false}}`,
		`null`:                                    `{"host":null}`,
	} {
		if got := host(in); got != want {
			t.Errorf("%s is read as %s, want %s", in, got, want)
		}
	}
}

// Folders are walked, and a path that cannot be read is an error before anything runs.
func TestPaths(t *testing.T) {
	root := t.TempDir()
	if _, err := Paths(root); err == nil || !strings.Contains(err.Error(), "no files that end in .json") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Paths(filepath.Join(root, "none.json")); err == nil {
		t.Error("a file that is not there")
	}
	inner := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"y.json", "x.json", "readme.md"} {
		if err := os.WriteFile(filepath.Join(inner, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	results, err := Paths(root)
	if err != nil || len(results) != 2 || filepath.Base(results[0].File) != "x.json" {
		t.Errorf("%v, %v", results, err)
	}
}

// Whatever a file holds, it is run to its end, and what is said of it is in proportion.
func FuzzFile(f *testing.F) {
	for _, name := range slices.Concat(filesIn(f, dir), filesIn(f, hsmDir), filesIn(f, cupDir)) {
		b, err := read(name)
		if err != nil {
			f.Fatal(err)
		}
		root, err := parse(b)
		if err != nil {
			f.Fatal(err)
		}
		whole := true
		for _, list := range vectorLists {
			if m := root.members[list]; m != nil {
				whole = false
				for _, item := range m.items {
					f.Add(alone(root, list, item))
				}
			}
		}
		if whole {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 20000 {
			return
		}
		results := File("f.json", b)
		if len(results) == 0 {
			t.Fatal("nothing is said of the file")
		}
		n := 0
		for _, r := range results {
			for _, x := range r.Failures {
				n += len(x.String())
			}
		}
		if n > 20000+50*len(b) {
			t.Fatalf("%d bytes become %d of failures", len(b), n)
		}
	})
}

// Whatever stands in the place of one value of a vector: the vector is run to its end.
func FuzzValue(f *testing.F) {
	type place struct {
		v      *value
		encode func() []byte
	}
	var places []place
	for _, name := range slices.Concat(filesIn(f, dir), filesIn(f, hsmDir), filesIn(f, cupDir)) {
		b, err := read(name)
		if err != nil {
			f.Fatal(err)
		}
		root, err := parse(b)
		if err != nil {
			f.Fatal(err)
		}
		each(root, func(_ string, item *value, encode func() []byte) {
			for _, l := range leaves("", item) {
				places = append(places, place{l.v, encode})
			}
		})
	}
	for i := range places {
		f.Add(uint16(i), uint8(i), []string{"", "00", strings.Repeat("FF", 300)}[i%3])
	}
	f.Fuzz(func(t *testing.T, at uint16, kinds uint8, s string) {
		p := places[int(at)%len(places)]
		before := *p.v
		defer func() { *p.v = before }()
		switch kinds % 5 {
		case 0:
			*p.v = value{kind: text, text: s}
		case 1:
			*p.v = value{kind: null}
		case 2:
			*p.v = value{kind: number, text: "-1"}
		case 3:
			*p.v = value{kind: array, items: []*value{{kind: text, text: s}}}
		case 4:
			*p.v = value{kind: object, members: map[string]*value{}}
		}
		if len(File("f.json", p.encode())) == 0 {
			t.Fatal("nothing is said of the file")
		}
	})
}
