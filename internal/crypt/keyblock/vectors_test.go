package keyblock

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/internal/crypt"
)

// vector is one of testdata/vectors/hsm/tr31.json, which names the source of each.
type vector struct {
	ID, Op, Source string
	In             struct{ KBPK, Block, Header, Key, Padding string }
	Out            struct {
		Error     bool
		Block     string
		Key       string
		KCVLegacy string `json:"kcv_legacy"`
		KCVCMAC   string `json:"kcv_cmac"`
		Header    struct {
			Version, Usage, Algorithm, Mode, Exportability string
			KeyVersion                                     string `json:"key_version"`
			Length                                         int
			Opt                                            map[string]string
		}
	}
}

// singleDES are the vectors with an 8-byte key under algorithm T, which programs differ about. We refuse them unless told otherwise.
var singleDES = map[string]bool{"tr31-018": true, "tr31-020": true}

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/vectors/hsm/tr31.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Layout, Topic, Encoding string
		Vectors                 []json.RawMessage
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, raw := range file.Vectors {
		var v vector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) != 35 {
		t.Fatalf("%d vectors: want 35", len(all))
	}
	return all
}

// findVector returns the vector with an identifier.
func findVector(t testing.TB, id string) vector {
	t.Helper()
	for _, v := range readVectors(t) {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no vector %s", id)
	return vector{}
}

func unhexed(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hexed(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			switch {
			case v.Op == "tr31.wrap":
				testWrap(t, v)
			case v.Op == "tr31.unwrap" && v.Out.Error:
				if h, key, err := Unwrap(unhexed(t, v.In.KBPK), v.In.Block); err == nil || key != nil || h.Version != 0 {
					t.Errorf("%s: %v, %v: want an error and nothing else", v.Source, h, err)
				}
			case v.Op == "tr31.unwrap":
				testUnwrap(t, v)
			default:
				t.Fatalf("unknown op %s", v.Op)
			}
		})
	}
}

func testWrap(t *testing.T, v vector) {
	h, err := ParseHeader(v.In.Header)
	if err != nil {
		t.Fatal(err)
	}
	kbpk, key := unhexed(t, v.In.KBPK), unhexed(t, v.In.Key)
	block, err := Wrap(kbpk, h, key, Padding{Fixed: unhexed(t, v.In.Padding)})
	if err != nil {
		t.Fatal(err)
	}
	if block != v.Out.Block {
		t.Errorf("block %s\nwant  %s", block, v.Out.Block)
	}
	if back, got, err := Unwrap(kbpk, block); err != nil || !cmp.Equal(got, key) || !cmp.Equal(back, h) {
		t.Errorf("unwrapped %+v, %v: want what was wrapped", back, err)
	}
}

func testUnwrap(t *testing.T, v vector) {
	kbpk := unhexed(t, v.In.KBPK)
	rules := Rules{SingleDES: singleDES[v.ID]}
	if rules.SingleDES {
		if _, _, err := Unwrap(kbpk, v.In.Block); !errors.Is(err, ErrSingleDES) {
			t.Errorf("without being told otherwise: %v: want ErrSingleDES", err)
		}
	}
	h, key, err := rules.Unwrap(kbpk, v.In.Block)
	if err != nil {
		t.Fatal(err)
	}
	_, length, err := Parse(v.In.Block)
	if err != nil {
		t.Fatal(err)
	}
	got, opt := v.Out, map[string]string{}
	got.Key = hexed(key)
	got.Header.Version, got.Header.Algorithm, got.Header.Mode = string(h.Version), string(h.Algorithm), string(h.Mode)
	got.Header.Usage, got.Header.KeyVersion, got.Header.Exportability = h.Usage, h.KeyVersion, string(h.Exportability)
	got.Header.Length = length
	for _, o := range h.Optional {
		opt[o.ID] = o.Data
	}
	got.Header.Opt = opt
	if v.Out.KCVLegacy != "" {
		b, err := keyCipher(h.Algorithm, key)
		if err != nil {
			t.Fatal(err)
		}
		legacy := crypt.CheckValue(b)
		got.KCVLegacy = hexed(legacy[:])
		if v.Out.KCVCMAC != "" {
			cmac := crypt.CMACCheckValue(b)
			got.KCVCMAC = hexed(cmac[:])
		}
	}
	if diff := cmp.Diff(v.Out, got); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", v.Source, diff)
	}
}
