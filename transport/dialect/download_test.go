package dialect

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

// An answer as such acquirers' documents show it: two CA public keys of the RID A000000333, and more to come. By hand.
const caKeyListHex = "32" +
	"9F0605A000000333" + "9F220108" + "DF05083230323031323331" +
	"9F0605A000000333" + "9F220109" + "DF05083230333031323331"

func TestCAKeyList(t *testing.T) {
	b, err := hex.DecodeString(caKeyListHex)
	if err != nil {
		t.Fatal(err)
	}
	names, more, err := ParseCAKeyList(b)
	rid := [5]byte{0xA0, 0, 0, 3, 0x33}
	want := []CAKeyName{{rid, 0x08, "20201231"}, {rid, 0x09, "20301231"}}
	if err != nil || !more || !reflect.DeepEqual(names, want) {
		t.Errorf("%v %t %v", names, more, err)
	}
	if got := CAKeyList(want, true); !bytes.Equal(got, b) {
		t.Errorf("%X", got)
	}
	for _, n := range []int{0, 7, 99, 120} {
		if got, err := ParseListRequest(ListRequest(n)); err != nil || got != min(n, 99) {
			t.Errorf("%d: %d %v", n, got, err)
		}
	}
	if names, more, err := ParseCAKeyList(CAKeyList(nil, false)); names != nil || more || err != nil {
		t.Errorf("none: %v %t %v", names, more, err)
	}
}

func TestDownloadsThatMakeNoSense(t *testing.T) {
	key := (&CAKey{CAKeyName: CAKeyName{Index: 1}, Modulus: []byte{1}, Exponent: []byte{3}}).Download()
	for name, b := range map[string][]byte{
		"nothing": nil, "another first byte": []byte("5"), "a list of nothing": []byte("1"), "half an object": append([]byte("1"), 0x9F, 0x06, 0x05, 0xA0),
		"an index before a RID": append([]byte("1"), 0x9F, 0x22, 1, 1), "a key for SM2": bytes.Replace(key, []byte{0xDF, 7, 1, 1}, []byte{0xDF, 7, 1, 4}, 1),
		"no modulus": bytes.Replace(key, []byte{0xDF, 2}, []byte{0xDF, 0x7A}, 1), "twice": append(bytes.Clone(key), 0xDF, 4, 1, 3),
	} {
		_, err1 := ParseCAKey(b)
		_, _, err2 := ParseCAKeyList(b)
		_, _, err3 := ParseAIDList(b)
		_, err4 := ParseAIDParameters(b)
		if err1 == nil || err2 == nil || err3 == nil || err4 == nil {
			t.Errorf("%s: %v, %v, %v, %v", name, err1, err2, err3, err4)
		}
	}
	for _, s := range []string{"1", "112", "11205ab", "1AB02xx"} {
		if _, _, err := ParseParameters([]byte(s)); err == nil {
			t.Errorf("parameters %q are taken", s)
		}
	}
}

// FuzzDownloads: what can be read of a download is written again as something that reads the same.
func FuzzDownloads(f *testing.F) {
	list, _ := hex.DecodeString(caKeyListHex)
	f.Add(list)
	f.Add(CAKeyRequest(CAKeyName{RID: [5]byte{0xA0, 0, 0, 3, 0x33}, Index: 8}))
	f.Add((&CAKey{CAKeyName: CAKeyName{[5]byte{0xA0, 0, 0, 3, 0x33}, 8, "20301231"}, Modulus: bytes.Repeat([]byte{0xB1}, 144), Exponent: []byte{3}, Checksum: make([]byte, 20)}).Download())
	f.Add(AIDList([][]byte{{0xA0, 0, 0, 3, 0x33, 1, 1, 1}}, false))
	f.Add((&AIDParameters{AID: []byte{0xA0, 0, 0, 3, 0x33, 1, 1, 1}, Partial: true, Version: [2]byte{0, 0x30}, FloorLimit: 20000, Target: 7, MaxTarget: 99, DefaultDDOL: []byte{0x9F, 0x37, 4}, OnlinePIN: true}).Download())
	f.Add(Parameters([]Parameter{{ParameterAnswerWait, "45"}, {ParameterMerchant, "SHOP"}}, true))
	f.Add(ListRequest(12))
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, x, y any, err error) {
			if err != nil || !reflect.DeepEqual(x, y) {
				t.Fatalf("%s: %+v comes back as %+v, %v", what, x, y, err)
			}
		}
		if names, more, err := ParseCAKeyList(b); err == nil && (len(names) > 0 || !more) {
			again, m, err := ParseCAKeyList(CAKeyList(names, more))
			same("list of keys", names, again, err)
			same("more", more, m, nil)
		}
		if k, err := ParseCAKey(b); err == nil && k != nil {
			again, err := ParseCAKey(k.Download())
			same("key", k, again, err)
		}
		if n, err := ParseCAKeyRequest(b); err == nil {
			again, err := ParseCAKeyRequest(CAKeyRequest(n))
			same("key's name", n, again, err)
		}
		if aids, more, err := ParseAIDList(b); err == nil && (len(aids) > 0 || !more) {
			again, m, err := ParseAIDList(AIDList(aids, more))
			same("list of applications", aids, again, err)
			same("more", more, m, nil)
		}
		if aid, err := ParseAIDRequest(b); err == nil {
			again, err := ParseAIDRequest(AIDRequest(aid))
			same("application's name", aid, again, err)
		}
		if p, err := ParseAIDParameters(b); err == nil && p != nil {
			again, err := ParseAIDParameters(p.Download())
			if len(p.DefaultDDOL) == 0 {
				p.DefaultDDOL = nil
			}
			same("application", p, again, err)
		}
		if all, more, err := ParseParameters(b); err == nil && len(all) > 0 {
			again, m, err := ParseParameters(Parameters(all, more))
			same("parameters", all, again, err)
			same("more", more, m, nil)
		}
		if n, err := ParseListRequest(b); err == nil {
			again, err := ParseListRequest(ListRequest(n))
			same("request", n, again, err)
		}
	})
}
