package emv

import (
	"testing"

	"github.com/posim/posim/emv/apdu"
)

// replay gives prepared responses in order, so that the benchmark measures the terminal's side alone.
type replay struct {
	responses [][]byte
	at        int
}

func (r *replay) Transmit([]byte) ([]byte, error) {
	b := r.responses[r.at]
	r.at++
	return b, nil
}

type constant struct{}

func (constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0x14
	}
	return len(b), nil
}

// recordResponses runs a transaction once and keeps what the card answered.
func recordResponses(b *testing.B, card apdu.Card, term Terminal, cfg *Config) [][]byte {
	var responses [][]byte
	recorder := cardFunc(func(c []byte) ([]byte, error) {
		r, err := card.Transmit(c)
		responses = append(responses, r)
		return r, err
	})
	if o, err := Run(recorder, term, cfg, testTransaction()); err != nil || !o.Result.Approved() {
		b.Fatal(o.Result, o.Reason, err)
	}
	return responses
}

func benchmarkRun(b *testing.B, card *cannedCard, term Terminal, change func(*Config)) {
	cfg := cfgFor(change)
	cfg.Rand = constant{}
	responses := recordResponses(b, card, term, cfg)
	txn := testTransaction()
	b.ReportAllocs()
	for b.Loop() {
		o, err := Run(&replay{responses: responses}, term, cfg, txn)
		if err != nil || !o.Result.Approved() {
			b.Fatal(o.Result, err)
		}
	}
	b.ReportMetric(float64(len(responses)), "APDUs")
}

// From the selection of the directory to the first GENERATE AC.
func BenchmarkOffline(b *testing.B) {
	benchmarkRun(b, newCannedCard(), &testTerminal{}, nil)
}

// With velocity checking, an issuer that authenticates itself, two scripts and the second GENERATE AC.
func BenchmarkOnline(b *testing.B) {
	card := newCannedCard()
	card.records[0x0101] = ok(template(0x70, hx("5711 4761739001010119D31122011758928889 9F140102 9F230104")))
	card.data = map[uint16][]byte{0x9F36: {0, 5}, 0x9F13: {0, 4}}
	card.script = func([]byte) (uint16, error) { return 0x9000, nil }
	script := hx("9F1804DEADBEEF 8609 8424000004AABBCC01")
	benchmarkRun(b, card, &testTerminal{online: answers(OnlineAnswer{
		Reached: true, AuthorisationResponseCode: "00", IssuerAuthenticationData: hx("A1A2A3A4A5A6A7A83030"),
		Scripts: append(template(0x71, script), template(0x72, script)...),
	})}, alwaysOnline)
}
