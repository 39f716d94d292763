package emv

import (
	"bytes"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
)

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
