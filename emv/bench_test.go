package emv

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
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

// unpredictable gives the same four bytes for ever: those for which the responses were made.
type unpredictable [4]byte

func (u unpredictable) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = u[i%len(u)]
	}
	return len(b), nil
}

// recordResponses runs a transaction once and keeps what the card answered.
func recordResponses(b *testing.B, chip apdu.Card, term Terminal, cfg *Config) [][]byte {
	var responses [][]byte
	recorder := cardFunc(func(c []byte) ([]byte, error) {
		r, err := chip.Transmit(c)
		responses = append(responses, r)
		return r, err
	})
	o, err := Run(recorder, term, cfg, testTransaction())
	if err != nil || !o.Result.Approved() {
		b.Fatal(o.Result, o.Reason, err)
	}
	return responses
}

// benchmark runs transactions, each a session of its own with nothing kept from the one before, and holds each to its TVR.
func benchmark(b *testing.B, card func() apdu.Card, term Terminal, cfg *Config, commands int, tvr [5]byte) {
	b.Helper()
	txn := testTransaction()
	b.ReportAllocs()
	for b.Loop() {
		o, err := Run(card(), term, cfg, txn)
		if err != nil || !o.Result.Approved() || o.Session.TVR() != tvr {
			b.Fatal(o.Result, o.Reason, err, o.Session.TVR())
		}
	}
	b.ReportMetric(float64(commands), "APDUs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "txn/s")
}

func benchmarkReplay(b *testing.B, responses [][]byte, term Terminal, cfg *Config, tvr [5]byte) {
	b.Helper()
	benchmark(b, func() apdu.Card { return &replay{responses: responses} }, term, cfg, len(responses), tvr)
}

func benchmarkRun(b *testing.B, card *cannedCard, term Terminal, change func(*Config), tvr [5]byte) {
	cfg := cfgFor(change)
	cfg.Rand = unpredictable{0x14, 0x14, 0x14, 0x14}
	benchmarkReplay(b, recordResponses(b, card, term, cfg), term, cfg, tvr)
}

// From the selection of the directory to the first GENERATE AC.
func BenchmarkOffline(b *testing.B) {
	benchmarkRun(b, newCannedCard(), &testTerminal{}, nil, [5]byte{0x80})
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
	})}, alwaysOnline, [5]byte{0x80, 0, 0, 0x80})
}

// The card D1, made by an independent reference, at a terminal without offline PIN: DDA under an authority's key of 1408 bits, an
// issuer's of 1152 and a card's of 1024, all with exponent 3.
func BenchmarkDDA(b *testing.B) {
	raw, err := os.ReadFile("../testdata/vectors/emv/transcript_D1.json")
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		CAPK      []struct{ RID, Index, Modulus, Exponent, SHA1 string }
		Exchanges []struct{ Phase, Command, Response string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		b.Fatal(err)
	}
	k := file.CAPK[0]
	ca, err := security.NewCAPublicKey([5]byte(hx(k.RID)), hx(k.Index)[0], hx(k.Modulus), hx(k.Exponent), hx(k.SHA1))
	if err != nil {
		b.Fatal(err)
	}
	var responses [][]byte
	for _, e := range file.Exchanges {
		if e.Phase != "get_data_ptc" && e.Phase != "verify_plaintext" {
			responses = append(responses, hx(e.Response))
		}
	}
	cfg := cfgFor(withODA(ca))
	cfg.Capabilities[1] = hasOnlinePIN | hasSignature | hasNoCVM
	cfg.Applications[0].AID, cfg.Applications[0].Version = hx("A0000009990101"), [2]byte{0, 2}
	cfg.Rand = unpredictable{0x1A, 0x2B, 0x3C, 0x4D}
	benchmarkReplay(b, responses, &testTerminal{}, cfg, [5]byte{})
}

// longChain is what the reference's CDA card has: keys of 1984 and 1408 bits with exponent 3, and of 1152 bits with 65537.
func longChain(p *personal) { p.ca, p.issuerKey, p.iccKey, p.iccExponent = 1984, 1408, 1152, 65537 }

func withDirectory(c *cannedCard) *cannedCard {
	c.directory = ok(fciOf("315041592E5359532E4444463031", "880101"))
	c.dirRecords = [][]byte{ok(template(0x70, template(0x61, hx("4F07A0000000031010 500456495341 870101"))))}
	return c
}

func signingConfig(card *signingCard) *Config {
	cfg := cfgFor(withODA(card.ca))
	cfg.Rand = unpredictable{0x1A, 0x2B, 0x3C, 0x4D}
	return cfg
}

func BenchmarkCDA(b *testing.B) {
	card := newSigningCard(b, "CDA", withDirectory(newCannedCard()), longChain)
	cfg := signingConfig(card)
	benchmarkReplay(b, recordResponses(b, card, &testTerminal{}, cfg), &testTerminal{}, cfg, [5]byte{})
}

// benchmarkCard is the same with an emulated card that is fresh from personalisation each time and signs: its private key is nearly
// all of the time.
func benchmarkCard(b *testing.B, name, chain string) {
	read := func(file string) []byte {
		src, err := os.ReadFile("../testdata/cards/" + file)
		if err != nil {
			b.Fatal(err)
		}
		return src
	}
	keys, err := card.ParseKeys(chain, read("keys/"+chain+".yaml"))
	if err != nil {
		b.Fatal(err)
	}
	profile, err := card.ParseProfile(name, read(name+".yaml"), keys)
	if err != nil {
		b.Fatal(err)
	}
	cfg := cfgFor(withODA(keys.Authority))
	cfg.Capabilities[1] = hasSignature | hasNoCVM
	cfg.Applications[0].Version = [2]byte{0, 0x96}
	cfg.CountryCode, cfg.CurrencyCode = 156, 156
	cfg.Rand = new(counting) // a number twice, and a card would remember its signature
	fresh := func() apdu.Card {
		c, err := card.New(profile)
		if err != nil {
			b.Fatal(err)
		}
		c.Reset()
		return c
	}
	term := &testTerminal{online: answersNothing}
	benchmark(b, fresh, term, cfg, len(recordResponses(b, fresh(), term, cfg)), [5]byte{})
}

// counting gives another number each time.
type counting struct{ n uint32 }

func (c *counting) Read(b []byte) (int, error) {
	c.n++
	return copy(b, binary.BigEndian.AppendUint32(nil, c.n)), nil
}

func BenchmarkDDACard(b *testing.B) { benchmarkCard(b, "visa-dda", "visa-1408") }
func BenchmarkCDACard(b *testing.B) { benchmarkCard(b, "visa-cda", "visa-1984") }
