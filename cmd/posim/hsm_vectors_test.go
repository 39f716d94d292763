package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// knownAnswer is a vector of layout hsm/1.
type knownAnswer struct {
	ID  string         `json:"id"`
	Op  string         `json:"op"`
	In  map[string]any `json:"in"`
	Out map[string]any `json:"out"`
}

// has tells whether the input has a value.
func (v *knownAnswer) has(name string) bool { _, ok := v.In[name]; return ok }

// in is an input as it is typed.
func (v *knownAnswer) in(name string) string {
	if x, ok := v.In[name]; ok {
		return fmt.Sprint(x)
	}
	return ""
}

// flags are the inputs that a vector has, as flags: "flag=input", or one word for both.
func (v *knownAnswer) flags(names ...string) (args []string) {
	for _, n := range names {
		flag, input, found := strings.Cut(n, "=")
		if !found {
			input = strings.ReplaceAll(flag, "-", "_")
		}
		if v.has(input) {
			args = append(args, "--"+flag, v.in(input))
		}
	}
	return args
}

func (v *knownAnswer) zone(name, field string) string {
	return fmt.Sprint(v.In[name].(map[string]any)[field])
}

// command is the command line that computes a vector, by its operation; nil where there is none.
func (v *knownAnswer) command() []string {
	cipher := v.flags("cipher")
	switch v.Op {
	case "kcv":
		args := append(append([]string{"kcv"}, cipher...), v.flags("key")...)
		if _, whole := v.Out["legacy8"]; whole {
			args = append(args, "--length", "8")
		}
		return args
	case "components.combine":
		args := append([]string{"components", "--adjust-parity"}, cipher...)
		for _, c := range v.In["components"].([]any) {
			args = append(args, "--component", c.(string))
		}
		return args
	case "mac.generate":
		alg := v.in("alg")
		if alg == "iso9797-1-3" || alg == "x9.19" || alg == "hmac-sha256" {
			cipher = nil // the MAC says so
		}
		return append(append([]string{"mac"}, cipher...), v.flags("alg", "key", "padding", "data")...)
	case "dukpt.tdes.ik", "dukpt.tdes.transaction", "dukpt.aes.txn_key", "dukpt.aes.transaction":
		return append([]string{"dukpt", "derive"}, v.flags("bdk", "ksn")...)
	case "dukpt.aes.working_keys":
		return append([]string{"dukpt", "derive", "--algorithm", "aes192"}, v.flags("bdk", "ksn")...)
	case "dukpt.aes.ik":
		return []string{"dukpt", "derive", "--bdk", v.in("bdk"), "--ksn", v.in("ikid") + "00000000"}
	case "dukpt.aes.update_key":
		return []string{"dukpt", "derive", "--ik", v.in("ik"), "--ksn", v.in("ikid") + "00000000", "--algorithm", v.in("key_type")}
	case "dukpt.tdes.ksn_next", "dukpt.aes.ksn_next", "dukpt.tdes.ksn_count":
		return append([]string{"dukpt", "next"}, v.flags("ksn")...)
	case "dukpt.aes.ksn_count":
		return []string{"dukpt", "next", "--ksn", v.in("ikid") + "00000000"}
	case "tr31.unwrap":
		return append([]string{"tr31", "unwrap", v.in("block")}, v.flags("kbpk")...)
	case "tr31.wrap":
		return append([]string{"tr31", "wrap"}, v.flags("kbpk", "header", "key", "padding")...)
	case "pinblock.encode", "pinblock.encipher", "pinblock.fields4":
		args := append([]string{"pinblock", "encode", "--verbose"}, v.flags("format", "pin", "pan", "fill", "fill=random", "key")...)
		if v.Op == "pinblock.fields4" {
			args = append(args, "--format", "4")
		}
		return args
	case "pinblock.decode", "pinblock.decipher":
		return append([]string{"pinblock", "decode"}, v.flags("format", "pan", "key", "block")...)
	case "pin.translate":
		return []string{"pinblock", "translate", "--pan", v.in("pan"), "--block", v.zone("from", "block"), "--from-format", v.zone("from", "format"), "--from-key", v.zone("from", "key"),
			"--to-format", v.zone("to", "format"), "--to-key", v.zone("to", "key"), "--fill", v.zone("to", "fill")}
	case "cvv.generate":
		return append([]string{"cvv"}, v.flags("cvk", "pan", "expiry", "service-code")...)
	case "pvv.generate":
		return append([]string{"pvv"}, v.flags("pvk", "pan", "index=pvki", "pin")...)
	case "ibm3624.pin", "ibm3624.offset":
		return append([]string{"offset"}, v.flags("pvk", "table=decimalization", "validation=validation_data", "pin", "offset")...)
	case "emv.arqc_arpc":
		return append([]string{"arqc", "--padding", strings.TrimPrefix(v.in("padding"), "iso9797-")},
			v.flags("imk=imk_ac", "option=mk_option", "pan", "psn", "session=sk_method", "diversifier", "data")...)
	case "sm4.ecb", "sm4.cbc", "sm4.gcm":
		return append([]string{"sm4", "--mode", strings.TrimPrefix(v.Op, "sm4.")}, v.flags("key", "iv", "nonce", "aad", "data")...)
	}
	return nil
}

// elsewhere are operations that have no command, or whose values a command shows under another input: hsm/clear has them.
var elsewhere = []string{"cvc3.generate", "dcvv.generate", "des.odd_parity", "des.weak_key", "dukpt.aes.mac_and_data", "dukpt.tdes.ksn_valid", "emv.cvn10",
	"emv.script_pin_change", "emv.sk_emv2000_tree", "ibm3624.decimalize", "key.import_ecb", "pin.translate_dukpt_aes", "pin.translate_dukpt_tdes", "sm3.hash",
	"sm4.ecb_iterated", "thales.key_variant"}

// same compares what JSON has with what is expected, by every name that both have; the rest of the names it returns.
func same(t *testing.T, id string, got map[string]any, want map[string]any) (compared int) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		if !ok {
			continue
		}
		if object, is := w.(map[string]any); is {
			compared += same(t, id+" "+name, g.(map[string]any), object)
			continue
		}
		if name == "pan_field" { // a card's number is in it, masked
			w = maskText(w.(string))
		}
		if a, b := fmt.Sprint(g), fmt.Sprint(w); !strings.EqualFold(a, b) {
			t.Errorf("%s: %s: %s, want %s", id, name, a, b)
		}
		compared++
	}
	return compared
}

// The known answers go through the command line: what is published comes out in JSON, and what must be refused is.
func TestCalculatorKnownAnswers(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/hsm/*.json")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	ran, compared, refused := 0, 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Vectors []knownAnswer `json:"vectors"`
		}
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		for _, v := range list.Vectors {
			args := v.command()
			if args == nil {
				if !slices.Contains(elsewhere, v.Op) {
					t.Errorf("%s: %s has no command", v.ID, v.Op)
				}
				continue
			}
			ran++
			out, diag, status := posimRun(t, "", append(append([]string{"hsm"}, args...), "--json")...)
			if v.Out["error"] == true || v.Out["exhausted"] == true {
				refused++
				if status == exitPassed || strings.Count(diag, "\n") != 2 {
					t.Errorf("%s: status %d\n%s%s", v.ID, status, out, diag)
				}
				continue
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(out), &got); err != nil || status != exitPassed {
				t.Errorf("%s: %v: status %d, %v\n%s", v.ID, args, status, err, diag)
				continue
			}
			n := same(t, v.ID, got, v.Out)
			if n == 0 {
				t.Errorf("%s: nothing of %v is in %s", v.ID, v.Out, out)
			}
			compared += n
		}
	}
	t.Logf("%d vectors, %d values, %d refused", ran, compared, refused)
	if ran < 180 || compared < 300 || refused < 15 {
		t.Errorf("%d vectors, %d values, %d refused", ran, compared, refused)
	}
}
