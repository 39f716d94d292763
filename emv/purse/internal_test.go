package purse

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// transcript is one of the published contactless transactions (see the file's source).
type transcript struct {
	ID            string
	Kernel        string
	Date          string
	Unpredictable string `json:"unpredictable_numbers"`
	Exchanges     []struct{ Command, Response string }
}

func transcripts(t *testing.T) (all []transcript) {
	t.Helper()
	src, err := os.ReadFile("../../testdata/vectors/other/contactless.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []transcript }
	if err := json.Unmarshal(src, &file); err != nil || len(file.Vectors) < 3 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// Other people's cards: their directories are read, and none of them is a purse. The command is the published one.
func TestPublishedDirectories(t *testing.T) {
	for _, v := range transcripts(t) {
		want := v.Exchanges[0]
		tap := &tap{card: apdu.Chain(cardFunc(func(command []byte) ([]byte, error) {
			if got := strings.ToUpper(hex.EncodeToString(command)); got != want.Command {
				t.Fatalf("%s: command %s, want %s", v.ID, got, want.Command)
			}
			return unhex(t, want.Response), nil
		}))}
		err := tap.selectPurse()
		if s, ok := err.(*stopped); !ok || s.reason != NotAPurse {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

type cardFunc func(command []byte) ([]byte, error)

func (f cardFunc) Transmit(command []byte) ([]byte, error) { return f(command) }

// The published kernel 3 transaction has the shape of a purse's, up to its decision to go online.
func TestPublishedKernel3(t *testing.T) {
	for _, v := range transcripts(t) {
		if v.Kernel != "K3" {
			continue
		}
		tap := new(tap)
		if err := tap.parseFCI(bytes.TrimSuffix(unhex(t, v.Exchanges[1].Response), []byte{0x90, 0}), unhex(t, "A0000000031010")); err != nil {
			t.Fatal(err)
		}
		if tap.label != "VISA CREDIT" {
			t.Errorf("label %q", tap.label)
		}
		options, err := tlv.FillDOL(nil, tap.pdol, func(tag tlv.Tag) []byte {
			return map[tlv.Tag][]byte{
				tlv.TerminalTransactionQualifiers: unhex(t, "24C04000"), tlv.AmountAuthorised: numeric(9000, 6), tlv.TerminalCountryCode: numeric(840, 2),
				tlv.TransactionCurrencyCode: numeric(840, 2), tlv.TransactionDate: unhex(t, v.Date), tlv.UnpredictableNumber: unhex(t, v.Unpredictable[:8]),
			}[tag]
		})
		if err != nil {
			t.Fatal(err)
		}
		tap.card = cardFunc(func(command []byte) ([]byte, error) {
			want := unhex(t, v.Exchanges[2].Command)
			if filled := tlv.Append(nil, tlv.CommandTemplate, options); !bytes.Contains(want, filled) || command[1] != want[1] || len(command) != len(want) {
				t.Errorf("options %X, command %X: want %X", filled, command, want)
			}
			return unhex(t, v.Exchanges[2].Response), nil
		})
		tap.terminal.Kernel = new(emv.Config)
		err = tap.getProcessingOptions()
		if s, ok := err.(*stopped); !ok || s.reason != CardWantsMore {
			t.Errorf("%v", err)
		}
		if tap.atc != 0x77 || tap.tc != [8]byte(unhex(t, "48325309BE82CBA2")) {
			t.Errorf("ATC %X, cryptogram %X", tap.atc, tap.tc)
		}
	}
}

func TestLocators(t *testing.T) {
	for afl, want := range map[string]string{
		"":                              "AFL 94 of 0 bytes",
		"080101":                        "AFL 94 of 3 bytes",
		"0801010008010100":              "offset 4: record 1 of SFI 1 twice",
		"1001030018010100" + "10030300": "offset 8: record 3 of SFI 2 twice",
		"09010100":                      "offset 0: 09010100",
		"00010100":                      "offset 0: 00010100",
		"F8010100":                      "offset 0: F8010100",
		"08000100":                      "offset 0: 08000100",
		"08020100":                      "offset 0: 08020100",
		"08010103":                      "offset 0: 08010103",
		"08012100":                      "offset 0: 08012100",
		"0801100010011100":              "offset 4: 10011100",
		"08010101":                      "the last record is authenticated",
		"0801020118010202":              "the last record is authenticated",
		strings.Repeat("08010100", 17):  "AFL 94 of 68 bytes",
	} {
		if _, err := parseLocator(unhex(t, afl)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", afl, err, want)
		}
	}
	all, err := parseLocator(unhex(t, "1001020108010100"))
	if err != nil || len(all) != 3 || all[0] != (place{2, 1, true}) || all[1] != (place{2, 2, false}) || all[2] != (place{1, 1, false}) {
		t.Errorf("%v, %v", all, err)
	}
}

func TestLists(t *testing.T) {
	for pdol, want := range map[string]string{
		"9F66049F02069F37045F2A02": "",
		"9F02069F37045F2A02":       "want 9F66 with 4 bytes",
		"9F66049F02069F37035F2A02": "want 9F37 with 4 bytes",
		"9F66049F37045F2A02":       "want 9F02 with 6 bytes",
		"9F66049F02069F3704":       "want 5F2A with 2 bytes",
		"9F66049F02069F37045F2A":   "PDOL 9F38: tlv",
		"":                         "want 9F66",
	} {
		err := checkPDOL(unhex(t, pdol))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pdol, err, want)
		}
	}
}

func TestDays(t *testing.T) {
	for b, want := range map[string]int64{"301231": 20301231, "491201": 20491201, "500101": 19500101, "301301": 0, "300001": 0, "301200": 0, "301232": 0, "3012": 0, "": 0, "3A1201": 0} {
		if got, ok := day(unhex(t, b)); got != want || ok != (want != 0) {
			t.Errorf("%s: %d, %v: want %d", b, got, ok, want)
		}
	}
}
