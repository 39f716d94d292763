package card_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/internal/pan"
)

const cards = "../../testdata/cards"

func source(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(cards, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func profile(t testing.TB, name string) *card.Profile {
	t.Helper()
	p, err := card.ParseProfile(name+".yaml", []byte(source(t, name)), library(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// published are the issuer master keys that committed profiles may hold.
var published = map[string]bool{"0123456789ABCDEFFEDCBA9876543210": true}

func TestCommittedProfiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cards, "*.yaml"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d profiles, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			p := profile(t, name)
			if p.Name != name {
				t.Errorf("name %q", p.Name)
			}
			if !pan.InTestRange(p.PAN) {
				t.Errorf("%v is no published test number", p.PAN)
			}
			if key := strings.ToUpper(hex.EncodeToString(p.Issuer.IssuerMasterKey())); key != "" && !published[key] {
				t.Error("the issuer master key is no published test key")
			}
			track1, track2 := p.Stripe()
			want := "101"
			if p.HasChip {
				want = "201" // the first digit tells the terminal to use the chip
			}
			if p.ServiceCode != want {
				t.Errorf("service code %s, want %s", p.ServiceCode, want)
			}
			head := p.PAN.Digits() + "=" + p.Expiry.YYMM() + want
			if !strings.HasPrefix(track2, head) || !strings.HasPrefix(track1, "B"+p.PAN.Digits()+"^"+p.Cardholder+"^"+p.Expiry.YYMM()+want) {
				t.Error("tracks are not built from number, name, expiry and service code")
			}
			secrets := []string{p.PAN.Digits(), track1, track2, "PIN " + p.Issuer.PIN(), hex.EncodeToString(p.Issuer.IssuerMasterKey()), "0123456789ABCDEF"}
			shown := []string{p.Describe(), fmt.Sprintf("%v %+v %#v %s %d", p, p, p, p, p), fmt.Sprintf("%v %+v %#v", *p, *p, *p), fmt.Sprintf("%v %+v %#v", p.Issuer, p.Issuer, p.Issuer), fmt.Sprintf("%+v", &p.Issuer)}
			for _, text := range shown {
				for _, secret := range secrets {
					if secret != "" && strings.Contains(strings.ToUpper(text), strings.ToUpper(secret)) {
						t.Errorf("a secret is shown in:\n%s", text)
					}
				}
			}
			if !strings.Contains(p.Describe(), p.PAN.Masked()) || !strings.Contains(p.Describe(), p.TitleChinese) {
				t.Errorf("Describe:\n%s", p.Describe())
			}
		})
	}
}

func TestIssuerSection(t *testing.T) {
	p := profile(t, "visa-credit")
	i := &p.Issuer
	if i.Status != card.Active || i.Balance != 1_000_000 || i.Currency != "156" || i.PIN() != "1234" || i.IMKName != "imk-ac-visa" ||
		i.Derivation != 'A' || i.Cryptogram != "visa" || i.Expiry != p.Expiry || len(i.IssuerMasterKey()) != 16 {
		t.Errorf("issuer: %v, balance %d", i, i.Balance)
	}
	i.IssuerMasterKey()[0] ^= 1
	if i.IssuerMasterKey()[0] != 0x01 {
		t.Error("the caller's copy is not a copy")
	}
	smi, smc := i.ScriptMACKey(), i.ScriptEncryptionKey()
	if i.SMIName != "imk-smi-visa" || i.SMCName != "imk-smc-visa" || len(smi) != 16 || len(smc) != 16 || smi[0] != 0xFE || smc[0] != 0x89 {
		t.Errorf("script keys %q of %d bytes, %q of %d", i.SMIName, len(smi), i.SMCName, len(smc))
	}
	smi[0], smc[0] = 0, 0
	if i.ScriptMACKey()[0] != 0xFE || i.ScriptEncryptionKey()[0] != 0x89 {
		t.Error("the caller's copy of a script key is not a copy")
	}
	if none := &profile(t, "visa-expired").Issuer; none.SMIName != "" || none.ScriptMACKey() != nil || none.ScriptEncryptionKey() != nil {
		t.Errorf("script keys where the profile has none: %q", none.SMIName)
	}
}

// edit replaces one text of a profile, which must be there once.
func edit(t *testing.T, src, old, new string) string {
	t.Helper()
	if strings.Count(src, old) != 1 {
		t.Fatalf("%q is %d times in the profile, want once", old, strings.Count(src, old))
	}
	return strings.Replace(src, old, new, 1)
}

func TestProfileErrorsSayWhere(t *testing.T) {
	base := source(t, "visa-credit")
	tests := []struct{ name, old, new, want string }{
		{"unknown key at the top", "scheme: Visa", "scheme: Visa\nshceme: Visa", `unknown field "shceme"`},
		{"unknown key in a section", "service_code:", "servicecode:", `unknown field "servicecode"`},
		{"unknown key in an application", "priority: 1", "prio: 1", `unknown field "prio"`},
		{"unknown key in a record", "record: 2", "recordd: 2", `unknown field "recordd"`},
		{"duplicate key", "scheme: Visa", "scheme: Visa\nscheme: Visa", "already defined"},
		{"duplicate tag in a record", "5A: $pan", "5A: $pan\n            5a: $pan", "tag 5A: the application has it already"},
		{"duplicate tag across records", "5A: $pan", "5F20: $cardholder", "tag 5F20: the application has it already"},
		{"tag that lives elsewhere", "5A: $pan", `82: "1C00"`, "tag 82: the application has it already"},
		{"bad hex", `9F08: "0096"`, `9F08: "009G"`, "tag 9F08: want an even number of hexadecimal digits"},
		{"odd hex", `9F08: "0096"`, `9F08: "009"`, "tag 9F08: want an even number"},
		{"bad tag", `9F08: "0096"`, `9F: "0096"`, "tag 9F: no BER tag"},
		{"constructed tag", `9F08: "0096"`, `A5: "0096"`, "tag A5: constructed"},
		{"unknown variable", "$effective", "$birthday", "the card has no such value"},
		{"variable without a value", "$effective", "$lower_limit", "the card has no such value"},
		{"AFL to no record", `aip: "1C00"`, "afl: 08010100 10010300\n      aip: \"1C00\"", "afl: offset 4: there is no record 3 in SFI 2"},
		{"AFL to no file", `aip: "1C00"`, "afl: 18010100\n      aip: \"1C00\"", "afl: offset 0: there is no record 1 in SFI 3"},
		{"AFL with a bad entry", `aip: "1C00"`, "afl: 08020100\n      aip: \"1C00\"", "no entry of file, first, last"},
		{"AFL that authenticates more than it reads", `aip: "1C00"`, "afl: 08010102\n      aip: \"1C00\"", "no entry of file, first, last"},
		{"AFL of five bytes", `aip: "1C00"`, "afl: 0801010000\n      aip: \"1C00\"", "afl: length 5: want entries of 4"},
		{"offline data authentication", `aip: "1C00"`, `aip: "5C00"`, "announces offline data authentication"},
		{"CDOL1 without the amount", `8C: "9F02 06 `, `8C: "`, "tag 8C: asks nothing for tag 9F02: visa-cvn10 needs 6"},
		{"CDOL2 without the ARC", `8D: "8A 02 `, `8D: "`, "tag 8D: asks nothing for tag 8A"},
		{"CDOL2 with a short amount", `8D: "8A 02 9F02 06`, `8D: "8A 02 9F02 05`, "tag 8D: asks 5 bytes for tag 9F02"},
		{"encipherment without MACs", "  imk_smi: # for the MACs of issuer scripts\n    name: imk-smi-visa\n    key: FEDCBA98765432100123456789ABCDEF # a published test key, as is the next\n", "", "imk_smc: an enciphered command has a MAC too: want imk_smi"},
		{"a script key without a name", "name: imk-smi-visa", "name: \"\"", "imk_smi name is missing"},
		{"a short script key", "key: 89ABCDEF0123456776543210FEDCBA98", "key: 89ABCDEF01234567", "imk_smc key: length 8: want 16"},
		{"upper limit below lower", `aip: "1C00"`, "risk: {lower_limit: 3, upper_limit: 2}\n      aip: \"1C00\"", "upper_limit: below lower_limit"},
		{"record twice", "record: 2", "record: 1", "record 1 of SFI 2 is there already"},
		{"track 2 too long", `discretionary: "1110000000000"`, `discretionary: "11100000000000"`, "14 characters: want 0 to 13"},
		{"another family", "visa-cvn10", "mc-cvn20", "family mc, but the issuer's is visa"},
		{"unknown version", "visa-cvn10", "visa-cvn11", "unknown cryptogram version"},
		{"number of another card", "5A: $pan", `5A: "4761739001010010"`, "tag 5A: differs from the profile's pan"},
		{"check digit", `pan: "4761739001010119"`, `pan: "4761739001010118"`, "check digit"},
		{"letters in the number", `pan: "4761739001010119"`, `pan: "476173900101011A"`, "12 to 19 digits"},
		{"expiry", "expiry: 2030-12", "expiry: 2030-13", "want a month"},
		{"PIN of three", `pin: "1234"`, `pin: "123"`, "pin: 3 characters: want 4 to 12 digits"},
		{"status", "status: active", "status: alive", `"alive": want one of active, lost`},
		{"balance without cents", `balance: "10000.00"`, `balance: "10000"`, "two decimals"},
		{"list in place of a text", "scheme: Visa", "scheme: [Visa]", "scheme: want a text"},
		{"text in place of a section", "stripe:\n", "stripe: none\nchipp:\n", "in another's place"},
		{"anchor", "scheme: Visa", "scheme: &a Visa", "anchors and aliases"},
		{"number in a key's place", "scheme: Visa", "4761739001010119: Visa", "unknown field: the key is no text"},
		{"number in a key's place, deeper", "    - aid:", "    - 1: 2\n      aid:", "unknown field: the key is no text"},
		{"number within a key", "scheme: Visa", "n4761739001010119: Visa", `unknown field "n****************"`},
		{"number in a word's place", "status: active", "status: \"4761739001010119\"", `"****************": want one of active`},
		{"endless key", "scheme: Visa", strings.Repeat("x", 300) + ": Visa", "..."},
		{"syntax", "scheme: Visa", "scheme: \"Visa", "syntax"},
		{"too long a record", `9F08: "0096"`, `9F08: "` + strings.Repeat("00", 240) + `"`, "want at most 254"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := edit(t, base, test.old, test.new)
			_, err := card.ParseProfile("dir/x.yaml", []byte(src))
			var e *card.ProfileError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if e.Line == 0 || e.Column == 0 || !strings.HasPrefix(err.Error(), fmt.Sprintf("card: dir/x.yaml:%d:%d: ", e.Line, e.Column)) {
				t.Errorf("error without its place: %v", err)
			}
			for _, secret := range []string{"4761739001010119", "4761739001010118", `"1234"`, "1110000000000", "FEDCBA98"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

func TestTwoEditsThatAreWrongTogether(t *testing.T) {
	base := source(t, "visa-credit")
	app := base[strings.Index(base, "    - aid:"):strings.Index(base, "\nissuer:")]
	tests := []struct{ name, src, want string }{
		{"place for the ARPC too short", edit(t, edit(t, base, `aip: "1C00"`, `aip: "1800"`), `8D: "8A 02`, `8D: "91 08 8A 02`), "tag 8D: asks 8 bytes for tag 91: visa-cvn10 needs 10"},
		{"track 2 of a long number", edit(t, base, `pan: "4761739001010119"`, `pan: "4761739001010119005"`), "track 2 has 40 characters: want at most 37"},
		{"AID twice", edit(t, base, "  applications:\n", "  applications:\n"+app), "aid: the card has it already"},
	}
	for _, test := range tests {
		if _, err := card.ParseProfile("x.yaml", []byte(test.src)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestErrorPointsAtTheLine(t *testing.T) {
	src := edit(t, source(t, "visa-credit"), `9F08: "0096"`, `9F08: "zz"`)
	line := strings.Count(src[:strings.Index(src, `9F08: "zz"`)], "\n") + 1
	_, err := card.ParseProfile("x.yaml", []byte(src))
	var e *card.ProfileError
	if !errors.As(err, &e) || e.Line != line || e.Column != 19 {
		t.Errorf("error %v, want line %d, column 19", err, line)
	}
}

func TestProfileLimits(t *testing.T) {
	base := source(t, "visa-credit")
	tests := []struct{ name, src, want string }{
		{"size", base + strings.Repeat("#", 33<<10), "bytes: want at most 32768"},
		{"brackets", base + "\nx: " + strings.Repeat("[", 600), "600 brackets: want at most 512"},
		{"empty", "", "want one profile"},
		{"documents", base + "\n---\n" + base, "2 documents"},
		{"list", "- a", "in another's place"},
	}
	for _, test := range tests {
		if _, err := card.ParseProfile("x.yaml", []byte(test.src)); err == nil || !strings.HasPrefix(err.Error(), "card: x.yaml") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestNewRefusesStripeOnly(t *testing.T) {
	if _, err := card.New(profile(t, "stripe-only")); !errors.Is(err, card.ErrNoChip) {
		t.Errorf("error %v", err)
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, name := range []string{"visa-credit", "mc-credit", "visa-offline", "stripe-only"} {
		f.Add([]byte(source(f, name)))
	}
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := card.ParseProfile("fuzz.yaml", src)
		if err != nil {
			var e *card.ProfileError
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		p.Describe()
		p.Stripe()
		if p.HasChip {
			c, err := card.New(p)
			if err != nil {
				t.Fatal(err)
			}
			c.Reset()
			if _, err := c.Transmit(unhex(t, "00A404000E315041592E5359532E444446303100")); err != nil {
				t.Fatal(err)
			}
		}
	})
}
