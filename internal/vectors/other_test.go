package vectors

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// recordedCard answers what it was asked in a recording, the same command as often as it came: the recording's terminal asked more
// than ours. Behind T=0 a command that sends data loses its Le.
type recordedCard map[string][]string

// Transmit looks the command up.
func (c recordedCard) Transmit(command []byte) ([]byte, error) {
	p, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	if len(p.Data) > 0 && p.Le != apdu.LeAbsent {
		command = command[:len(command)-1]
	}
	key := fmt.Sprintf("%X", command)
	for _, k := range []string{key, key + "00"} {
		if answers := c[k]; len(answers) > 0 {
			c[k] = answers[1:]
			return hex.DecodeString(answers[0])
		}
	}
	return []byte{0x6A, 0x82}, nil
}

// The card of another project, with keys of its own: our kernel reads it over T=0, and its certificates and its signature hold, on
// a day before they expire.
func TestOtherProjectsCard(t *testing.T) {
	src, err := os.ReadFile("../../testdata/vectors/other/transcript_emvpt.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CA       struct{ Modulus, Exponent string } `json:"ca_private_key"`
		Number   string                             `json:"unpredictable_number"`
		Expected struct {
			AIP, AFL string
			Rules    []string `json:"cvm_list_rules"`
			Result   struct {
				SDAD struct {
					Number string `json:"icc_dynamic_number"`
				}
			} `json:"oda_result"`
		}
		Exchanges []struct{ Command, Response string }
	}
	if err := json.Unmarshal(src, &file); err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	authority, err := security.NewCAPublicKey([5]byte(unhex("AFFFFFFFFF")), 0x92, unhex(file.CA.Modulus), unhex(file.CA.Exponent), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := terminalOf(unhex("AFFFFFFFFF1234"))
	cfg.Rand = bytes.NewReader(unhex(file.Number))
	for _, tt := range []struct {
		name string
		keys []*security.CAPublicKey
		day  time.Time
		tvr  string
	}{
		{"on a day of its life", []*security.CAPublicKey{authority}, time.Date(2018, 11, 30, 12, 0, 0, 0, time.UTC), "0000000000"},
		{"after its certificate", []*security.CAPublicKey{authority}, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), "0800000000"},
		{"without the authority's key", nil, time.Date(2018, 11, 30, 12, 0, 0, 0, time.UTC), "0800000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			card := recordedCard{}
			for _, e := range file.Exchanges {
				card[e.Command] = append(card[e.Command], e.Response)
			}
			terminal := *cfg
			terminal.CAPublicKeys, terminal.Rand = tt.keys, bytes.NewReader(unhex(file.Number))
			c := &check{}
			f := newFields(c, "", &value{kind: object})
			txn := transactionOf()
			txn.Time = tt.day
			s := f.readCard(card, &terminal, txn)
			for _, x := range c.failures {
				t.Fatal(x)
			}
			if err := s.OfflineDataAuthentication(); err != nil {
				t.Fatal(err)
			}
			if tvr := s.TVR(); fmt.Sprintf("%X", tvr) != tt.tvr || s.ODAMethod() != "DDA" {
				t.Errorf("%s, TVR %X: want %s", s.ODAMethod(), tvr, tt.tvr)
			}
			if tt.tvr == "0000000000" {
				compareOther(t, s, map[tlv.Tag]string{tlv.ApplicationInterchangeProfile: file.Expected.AIP, tlv.ApplicationFileLocator: file.Expected.AFL,
					tlv.ICCDynamicNumber: file.Expected.Result.SDAD.Number, tlv.CVMList: "0000000000000000" + strings.Join(file.Expected.Rules, "")})
			}
		})
	}
}

func compareOther(t *testing.T, s *emv.Session, want map[tlv.Tag]string) {
	t.Helper()
	for tag, v := range want {
		if got := fmt.Sprintf("%X", s.Data(tag)); got != v {
			t.Errorf("%X is %s: want %s", tag, got, v)
		}
	}
}
