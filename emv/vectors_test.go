package emv

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

const vectors = "../testdata/vectors/emv/"

type exchange struct{ Command, Response string }

// strictCard answers each command with the response that stands beside it, and fails on the first that differs.
type strictCard struct {
	t         *testing.T
	exchanges []exchange
	at        int
}

func (c *strictCard) Transmit(command []byte) ([]byte, error) {
	got := strings.ToUpper(hex.EncodeToString(command))
	if c.at >= len(c.exchanges) {
		return nil, fmt.Errorf("command %s after the last exchange", got)
	}
	e := c.exchanges[c.at]
	c.at++
	if got != e.Command {
		c.t.Errorf("command %d:\n got %s\nwant %s", c.at, got, e.Command)
		return nil, fmt.Errorf("command differs")
	}
	return unhex(c.t, e.Response), nil
}

func (c *strictCard) finished() {
	c.t.Helper()
	if c.at != len(c.exchanges) {
		c.t.Errorf("%d of %d exchanges used", c.at, len(c.exchanges))
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type kernelStep struct {
	ID           string
	Step         string
	Exchanges    []exchange
	TerminalAIDs []struct {
		AID     string
		Partial bool
	} `json:"terminal_aids"`
	Data         map[string]string
	FCI          string
	AFL          string
	DOL          string
	CVMList      string  `json:"cvm_list"`
	Transaction  string  `json:"transaction_date"`
	Expiry       string  `json:"expiry_date"`
	FloorLimit   string  `json:"floor_limit_9F1B"`
	Amount       string  `json:"amount_81"`
	Lower        *string `json:"lower_9F14"`
	Upper        *string `json:"upper_9F23"`
	ATC          *string `json:"atc_9F36"`
	LastOnline   *string `json:"last_online_atc_9F13"`
	GetDataFails *string `json:"get_data_fails_with"`
	Expected     struct {
		Result     string
		Candidates []string
		Labels     []string
		AIP, AFL   string
		TVR, TSI   string
		Expired    *bool
		Data       string
		Error      *bool
		X          int64 `json:"amount_x"`
		Y          int64 `json:"amount_y"`
		Rules      []string
		NoRules    bool `json:"no_rules"`
	}
}

// testConfig is a terminal with one application of the vectors' issuer; tests change what they are about.
func testConfig() *Config {
	return &Config{
		CountryCode: 528, CurrencyCode: 978, CurrencyExponent: 2,
		Type: 0x22, Capabilities: [3]byte{0x60, 0x68, 0x00}, AdditionalCapabilities: [5]byte{0x60, 0x00, 0xF0, 0xA0, 0x01},
		TerminalIdentification: "00000001",
		Applications:           []Application{{AID: []byte{0xA0, 0, 0, 0, 3, 0x10, 0x10}, Partial: true, FloorLimit: 10000}},
		Rand:                   bytes.NewReader([]byte{0x1A, 0x2B, 0x3C, 0x4D}),
	}
}

func testTransaction() Transaction {
	return Transaction{Amount: 4200, Time: time.Date(2026, 1, 15, 12, 34, 56, 0, time.UTC)}
}

func newTestSession(t testing.TB, card apdu.Card, cfg *Config) *Session {
	t.Helper()
	s, err := NewSession(card, nil, cfg, testTransaction())
	if err != nil {
		t.Fatal(err)
	}
	s.app = &cfg.Applications[0]
	s.fillApplicationData(s.app, s.app.AID)
	return s
}

// resultOf is the vectors' word for how a step ended.
func resultOf(err error) string {
	e, ok := err.(*ending)
	switch {
	case err == nil:
		return "ok"
	case !ok:
		return "error: " + err.Error()
	case e.result == Terminated:
		return "terminate"
	}
	return e.result.String()
}

func TestKernelSteps(t *testing.T) {
	b, err := os.ReadFile(vectors + "kernel_steps.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []kernelStep }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 44 {
		t.Fatalf("%d vectors: want 44", len(file.Vectors))
	}
	steps := map[string]func(*testing.T, kernelStep){
		"candidate_list": stepCandidateList, "final_select": stepFinalSelect, "gpo": stepGPO, "read_application_data": stepRead,
		"terminal_risk_management": stepRisk, "expiry_check": stepExpiry, "dol": stepDOL, "cvm_list": stepCVMList,
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			step := steps[v.Step]
			if step == nil {
				t.Fatalf("unknown step %q", v.Step)
			}
			step(t, v)
		})
	}
}

func stepCandidateList(t *testing.T, v kernelStep) {
	cfg := testConfig()
	cfg.Applications = nil
	for _, a := range v.TerminalAIDs {
		cfg.Applications = append(cfg.Applications, Application{AID: unhex(t, a.AID), Partial: a.Partial})
	}
	card := &strictCard{t: t, exchanges: v.Exchanges}
	s := newTestSession(t, card, cfg)
	err := s.buildCandidateList()
	if err == nil && len(s.candidates) == 0 {
		_, err = s.choose()
	}
	if got := resultOf(err); got != v.Expected.Result {
		t.Errorf("result %s: want %s", got, v.Expected.Result)
	}
	var aids, labels []string
	for _, c := range s.candidates {
		aids = append(aids, fmt.Sprintf("%X", c.AID))
		labels = append(labels, c.Label)
	}
	if len(aids) > 0 || len(v.Expected.Candidates) > 0 {
		if diff := cmp.Diff(v.Expected.Candidates, aids); diff != "" {
			t.Error(diff)
		}
	}
	if v.Expected.Labels != nil {
		if diff := cmp.Diff(v.Expected.Labels, labels); diff != "" {
			t.Error(diff)
		}
	}
	card.finished()
}

// stepFinalSelect takes the AID from the command; the one vector that ends as not accepted has it alone on the list.
func stepFinalSelect(t *testing.T, v kernelStep) {
	command, err := apdu.ParseCommand(unhex(t, v.Exchanges[0].Command))
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	card := &strictCard{t: t, exchanges: v.Exchanges}
	s := newTestSession(t, card, cfg)
	s.candidates = []Candidate{{AID: command.Data, app: &cfg.Applications[0]}}
	selected, err := s.finalSelect(0)
	got := resultOf(err)
	if err == nil && !selected {
		got = "try_again"
		if v.Expected.Result == "not_accepted" {
			s.remove(0)
			_, err := s.choose()
			got = resultOf(err)
		}
	}
	if got != v.Expected.Result {
		t.Errorf("result %s: want %s", got, v.Expected.Result)
	}
	card.finished()
}

func stepGPO(t *testing.T, v kernelStep) {
	card := &strictCard{t: t, exchanges: v.Exchanges}
	cfg := testConfig()
	s := newTestSession(t, card, cfg)
	for tag, value := range v.Data {
		s.terminal.set(tlv.Tag(uintOf(unhex(t, tag))), unhex(t, value))
	}
	f, err := parseFCI(unhex(t, v.FCI))
	if err != nil {
		t.Fatal(err)
	}
	if pdol, ok, _ := tlv.Find(f.proprietary, tlv.PDOL); ok {
		s.icc.add(tlv.PDOL, pdol)
	}
	s.gpoMark = len(s.icc)
	s.candidates = []Candidate{{AID: f.name, app: &cfg.Applications[0]}}
	accepted, err := s.InitiateApplicationProcessing()
	got := resultOf(err)
	switch {
	case got == "terminate":
		got = "card_error"
	case err == nil && !accepted:
		got = "gpo_not_accepted"
		if len(s.candidates) != 0 {
			t.Error("the candidate is still on the list")
		}
	}
	if got != v.Expected.Result {
		t.Errorf("result %s: want %s", got, v.Expected.Result)
	}
	if got == "ok" {
		if aip := fmt.Sprintf("%X", s.Data(tlv.ApplicationInterchangeProfile)); aip != strings.ToUpper(v.Expected.AIP) {
			t.Errorf("AIP %s: want %s", aip, v.Expected.AIP)
		}
		if afl := fmt.Sprintf("%X", s.Data(tlv.ApplicationFileLocator)); afl != strings.ToUpper(v.Expected.AFL) {
			t.Errorf("AFL %s: want %s", afl, v.Expected.AFL)
		}
	}
	card.finished()
}

func stepRead(t *testing.T, v kernelStep) {
	card := &strictCard{t: t, exchanges: v.Exchanges}
	s := newTestSession(t, card, testConfig())
	s.icc.add(tlv.ApplicationFileLocator, unhex(t, v.AFL))
	if got := resultOf(s.ReadApplicationData()); got != v.Expected.Result {
		t.Errorf("result %s: want %s", got, v.Expected.Result)
	}
	card.finished()
}

// counterCard answers GET DATA.
type counterCard struct {
	t            *testing.T
	values       map[uint16]*string
	failsWith    *string
	transmission int
}

func (c *counterCard) Transmit(command []byte) ([]byte, error) {
	c.transmission++
	p, err := apdu.ParseCommand(command)
	if err != nil || p.CLA != 0x80 || p.INS != apdu.InsGetData {
		return nil, fmt.Errorf("command %X: want GET DATA", command)
	}
	if c.failsWith != nil {
		return unhex(c.t, *c.failsWith), nil
	}
	tag := uint16(p.P1)<<8 | uint16(p.P2)
	v := c.values[tag]
	if v == nil {
		return []byte{0x6A, 0x88}, nil
	}
	return append(tlv.Append(nil, tlv.Tag(tag), unhex(c.t, *v)), 0x90, 0x00), nil
}

func stepRisk(t *testing.T, v kernelStep) {
	card := &counterCard{t: t, values: map[uint16]*string{0x9F36: v.ATC, 0x9F13: v.LastOnline}, failsWith: v.GetDataFails}
	cfg := testConfig()
	cfg.Applications[0].FloorLimit = int64(uintOf(unhex(t, v.FloorLimit)))
	s := newTestSession(t, card, cfg)
	s.txn.Amount = int64(uintOf(unhex(t, v.Amount)))
	for tag, value := range map[tlv.Tag]*string{tlv.LowerConsecutiveOfflineLimit: v.Lower, tlv.UpperConsecutiveOfflineLimit: v.Upper} {
		if value != nil {
			s.icc.add(tag, unhex(t, *value))
		}
	}
	if err := s.TerminalRiskManagement(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%X", s.tvr); got != v.Expected.TVR {
		t.Errorf("TVR %s: want %s", got, v.Expected.TVR)
	}
	if got := fmt.Sprintf("%X", s.tsi); got != v.Expected.TSI {
		t.Errorf("TSI %s: want %s", got, v.Expected.TSI)
	}
	if v.Lower == nil && card.transmission > 0 {
		t.Error("counters were read without limits")
	}
}

func stepExpiry(t *testing.T, v kernelStep) {
	s := newTestSession(t, nil, testConfig())
	when, err := time.Parse("060102", v.Transaction)
	if err != nil {
		t.Fatal(err)
	}
	s.txn.Time = when
	s.icc.add(tlv.ApplicationExpirationDate, unhex(t, v.Expiry))
	if err := s.checkDates(); err != nil {
		t.Fatal(err)
	}
	if got := tlv.TVRExpiredApplication.In(s.tvr[:]); got != *v.Expected.Expired {
		t.Errorf("expired %v: want %v", got, *v.Expected.Expired)
	}
}

func stepDOL(t *testing.T, v kernelStep) {
	data := map[tlv.Tag][]byte{}
	for tag, value := range v.Data {
		data[tlv.Tag(uintOf(unhex(t, tag)))] = unhex(t, value)
	}
	got, err := tlv.FillDOL(nil, unhex(t, v.DOL), func(tag tlv.Tag) []byte { return data[tag] })
	if wantErr := v.Expected.Error != nil && *v.Expected.Error; (err != nil) != wantErr {
		t.Fatalf("error %v: want one: %v", err, wantErr)
	}
	if err == nil && fmt.Sprintf("%X", got) != v.Expected.Data {
		t.Errorf("data %X: want %s", got, v.Expected.Data)
	}
}

func stepCVMList(t *testing.T, v kernelStep) {
	l, err := parseCVMList(unhex(t, v.CVMList))
	if (err != nil) != *v.Expected.Error {
		t.Fatalf("error %v: want one: %v", err, *v.Expected.Error)
	}
	rules := []string{}
	for i := range l.count() {
		rules = append(rules, fmt.Sprintf("%02X%02X", l.rule(i).code, l.rule(i).condition))
	}
	if l.x != v.Expected.X || l.y != v.Expected.Y || (len(rules) == 0) != v.Expected.NoRules {
		t.Errorf("X %d Y %d rules %v: want %d %d %v", l.x, l.y, rules, v.Expected.X, v.Expected.Y, v.Expected.Rules)
	}
	if diff := cmp.Diff(v.Expected.Rules, rules); diff != "" {
		t.Error(diff)
	}
}

// The generated cards D1 and D2 use offline data authentication and offline PIN, which this kernel does not announce: their
// transcripts hold up to the last READ RECORD.
func TestTranscriptsUpToReadRecord(t *testing.T) {
	for _, name := range []string{"transcript_D1.json", "transcript_D2.json"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(vectors + name)
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				Exchanges []struct{ Phase, Command, Response string }
				Card      struct{ PAN, PSN, AIP, AFL string }
			}
			if err := json.Unmarshal(b, &file); err != nil {
				t.Fatal(err)
			}
			card := &strictCard{t: t}
			for _, e := range file.Exchanges {
				switch e.Phase {
				case "select_pse", "read_pse", "final_select", "gpo", "read_record":
					card.exchanges = append(card.exchanges, exchange{e.Command, e.Response})
				}
			}
			cfg := testConfig()
			cfg.Applications[0].AID = unhex(t, "A0000009990101")
			s, err := NewSession(card, nil, cfg, testTransaction())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SelectApplication(); err != nil {
				t.Fatal(err)
			}
			if ok, err := s.InitiateApplicationProcessing(); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if err := s.ReadApplicationData(); err != nil {
				t.Fatal(err)
			}
			card.finished()
			want, err := pan.Parse(file.Card.PAN)
			if err != nil {
				t.Fatal(err)
			}
			if s.PAN() != want || s.PANSequenceNumber() != file.Card.PSN || s.Label() != "POSIM DEBIT" || s.Track2()[:17] != file.Card.PAN+"D" {
				t.Errorf("PAN %v sequence %s label %q: want %v %s", s.PAN(), s.PANSequenceNumber(), s.Label(), want, file.Card.PSN)
			}
			if aip, afl := fmt.Sprintf("%X", s.Data(tlv.ApplicationInterchangeProfile)), fmt.Sprintf("%X", s.Data(tlv.ApplicationFileLocator)); aip != file.Card.AIP || afl != file.Card.AFL {
				t.Errorf("AIP %s AFL %s: want %s %s", aip, afl, file.Card.AIP, file.Card.AFL)
			}
		})
	}
}

// uintOf reads a binary number of at most eight bytes.
func uintOf(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
