package pan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/posim/posim/internal/pan"
)

const (
	clear  = "4761739001010119"
	masked = "476173******0119"
)

func parse(t testing.TB, digits string) pan.PAN {
	t.Helper()
	p, err := pan.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		ok             bool
	}{
		{"8 digits are the shortest", "12345678", "12345678", true},
		{"7 are too few", "1234567", "", false},
		{"19 digits are the longest", "9999999999999999999", "9999999999999999999", true},
		{"20 are too many", "99999999999999999999", "", false},
		{"leading zeros stay", "0000000000000000", "0000000000000000", true},
		{"13 digits", "4012345678909", "4012345678909", true},
		{"a letter", "476173900101011D", "", false},
		{"a space", "4761 73900101011", "", false},
		{"digits of other scripts", "４７６１７３９００１０１０１１９", "", false},
		{"nothing", "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := pan.Parse(tt.in)
			if (err == nil) != tt.ok || p.Digits() != tt.want {
				t.Fatalf("Parse: %v, digits %q: want %q", err, p.Digits(), tt.want)
			}
			if err != nil && len(tt.in) > 4 && strings.Contains(err.Error(), tt.in[:4]) {
				t.Errorf("the error quotes the input: %v", err)
			}
			if p.IsZero() == tt.ok {
				t.Errorf("IsZero %v", p.IsZero())
			}
		})
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "1234567": "*******", "12345678": "****5678", "123456789012": "********9012",
		"4012345678909": "401234***8909", clear: masked, "6230606601007726888": "623060*********6888",
	} {
		if got := pan.Mask(in); got != want {
			t.Errorf("Mask of %d digits: %s: want %s", len(in), got, want)
		}
	}
}

// Known answers: the check digits of the vectors' cards, and of ISO/IEC 7812-1's own example.
func TestLuhn(t *testing.T) {
	for in, want := range map[string]bool{
		clear: true, "4761739001010118": false, "4012345678909": true, "6230606601007726888": true, "79927398713": true,
		"5555555551234567": false, "00000000": true,
	} {
		if got := parse(t, in).LuhnValid(); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	if (pan.PAN{}).LuhnValid() {
		t.Error("the zero PAN has a check digit")
	}
}

func TestInTestRange(t *testing.T) {
	for in, want := range map[string]bool{
		clear: true, "4761340000000019": true, "5413330089020011": true, "4111111111111111": true, "4012345678909": true,
		"6230606601007726888": true, "6225000000000014": true, "6250947000000014": true,
		"41111111" + "11111129": false, "49160000" + "00000005": false, "476173900101": false, "54133400" + "89020011": false,
		"2223000048410010": true, "22230100" + "48410010": false,
	} {
		if got := pan.InTestRange(parse(t, in)); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	if pan.InTestRange(pan.PAN{}) {
		t.Error("the zero PAN is in a test range")
	}
}

// The number must not come out by any way of printing: not by a verb, a marshaller or a struct around it.
func TestNothingPrintsTheNumber(t *testing.T) {
	p := parse(t, clear)
	type exported struct{ PAN pan.PAN }
	type hidden struct {
		pan pan.PAN
		ptr *pan.PAN
		all []pan.PAN
		key map[pan.PAN]int
	}
	values := []any{p, &p, exported{p}, &exported{p}, hidden{p, &p, []pan.PAN{p}, map[pan.PAN]int{p: 1}}, []pan.PAN{p},
		map[pan.PAN]pan.PAN{p: p}, [1]any{p}, struct{ E error }{fmt.Errorf("card %v", p)}}
	forms := []string{clear, "1010119", fmt.Sprintf("%x", 4761739001010119), fmt.Sprintf("%X", 4761739001010119),
		fmt.Sprintf("%x", clear), fmt.Sprintf("%o", 4761739001010119), fmt.Sprintf("%b", 4761739001010119), "47, 61"}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range "vsqxXdobcUtTeEfFgGpO" {
			for _, flags := range []string{"", "+", "#", "-30", "030", " ", ".3"} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("card", "value", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("card", "value", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
	}
	for _, f := range forms {
		if i := strings.Index(out.String(), f); i >= 0 {
			t.Errorf("%q comes out: %.60s", f, out.String()[max(0, i-20):])
		}
	}
	if !strings.Contains(out.String(), masked) {
		t.Error("the masked number does not come out: the test looks at nothing")
	}
}

func TestFormat(t *testing.T) {
	p := parse(t, clear)
	for format, want := range map[string]string{
		"%v": masked, "%+v": masked, "%s": masked, "%d": masked, "%x": masked, "%X": masked,
		"%q": `"` + masked + `"`, "%#v": "pan.PAN(" + masked + ")", "%18s|": "  " + masked + "|", "%-18s|": masked + "  |",
	} {
		if got := fmt.Sprintf(format, p); got != want {
			t.Errorf("%s: %s: want %s", format, got, want)
		}
	}
	b, err := json.Marshal(map[string]any{"a": p, "z": pan.PAN{}})
	if err != nil || string(b) != `{"a":"`+masked+`","z":""}` {
		t.Errorf("JSON: %s, %v", b, err)
	}
	if text, _ := p.MarshalText(); string(text) != masked || p.LogValue().String() != masked || p.String() != masked {
		t.Error("text forms differ from the masked number")
	}
}

func TestComparable(t *testing.T) {
	if again := parse(t, clear); parse(t, clear) != again || parse(t, clear) == parse(t, "47617390"+"01010127") || parse(t, "012345678") == parse(t, "12345678") {
		t.Error("equality is not that of the digits")
	}
}
