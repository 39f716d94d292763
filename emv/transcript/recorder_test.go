package transcript_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/transcript"
)

// desk is a terminal with a PIN pad; its host is not to be reached unless code says what it answers.
type desk struct {
	pin  string
	code string
}

func (desk) ChooseApplication([]emv.Candidate) (int, error) { return 0, nil }
func (desk) EnterPIN(*emv.Session) (emv.PINEntry, error)    { return emv.PINEntered, nil }
func (d desk) GoOnline(*emv.Session) (emv.OnlineAnswer, error) {
	return emv.OnlineAnswer{Reached: d.code != "", AuthorisationResponseCode: d.code}, nil
}

func (d desk) VerifyPIN(_ *emv.Session, p emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	block, err := security.PINBlock2(d.pin)
	if err != nil {
		return 0, 0, err
	}
	command := apdu.Command{INS: apdu.InsVerify, P2: 0x80, Data: block[:], Le: apdu.LeAbsent}
	if p.Key != nil {
		raw, err := p.Card.Transmit([]byte{0x00, apdu.InsGetChallenge, 0x00, 0x00, 0x00})
		if err != nil {
			return 0, 0, err
		}
		var a security.Arithmetic
		command.P2 = 0x88
		if command.Data, err = a.EncipherPIN(p.Key, &block, [8]byte(raw), bytes.NewReader(make([]byte, 256))); err != nil {
			return 0, 0, err
		}
	}
	raw, err := p.Card.Transmit(command.Append(nil))
	if err != nil {
		return 0, 0, err
	}
	r, err := apdu.Parse(raw)
	return emv.PINEntered, r.SW, err
}

// profileOf is a card of the library, and the authority that certifies its keys.
func profileOf(t *testing.T, name, chain string) (*card.Profile, *security.CAPublicKey) {
	t.Helper()
	read := func(file string) []byte {
		b, err := os.ReadFile(filepath.Join("../../testdata/cards", file))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	keys, err := card.ParseKeys(chain, read("keys/"+chain+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := card.ParseProfile(name, read(name+".yaml"), keys)
	if err != nil {
		t.Fatal(err)
	}
	return p, keys.Authority
}

func configOf(authority *security.CAPublicKey) *emv.Config {
	return &emv.Config{
		CountryCode: 156, CurrencyCode: 156, CurrencyExponent: 2, Type: 0x22,
		Capabilities: [3]byte{0xE0, 0xF8, 0xC8}, AdditionalCapabilities: [5]byte{0x60, 0, 0xF0, 0xA0, 0x01},
		Applications: []emv.Application{{
			AID: []byte{0xA0, 0, 0, 0, 3, 0x10, 0x10}, Partial: true, Version: [2]byte{0, 0x96}, FloorLimit: 20000, TargetPercent: 10, MaxTargetPercent: 50,
			Threshold: 500, DefaultDDOL: []byte{0x9F, 0x37, 4},
		}},
		CAPublicKeys: []*security.CAPublicKey{authority}, AcquirerIdentifier: "123456", MerchantIdentifier: "SIM000000000001",
		MerchantCategoryCode: 5411, TerminalIdentification: "SIM00001", MerchantNameAndLocation: "SHOP", InterfaceDeviceSerialNumber: "POSIM001",
		Rand: &sequence{},
	}
}

// sequence gives 98, 99, 98 ... : no draw of random selection is met.
type sequence struct{ n byte }

func (s *sequence) Read(b []byte) (int, error) {
	for i := range b {
		s.n ^= 1
		b[i] = 98 + s.n
	}
	return len(b), nil
}

// What is recorded runs again, byte for byte, after it has been written and read; a PIN is nowhere in it.
func TestWhatIsRecordedRunsAgain(t *testing.T) {
	for _, tt := range []struct {
		card, chain string
		desk        desk
		amount      int64
		outcome     string
	}{
		{"visa-dda", "visa-1408", desk{pin: "1234"}, 4200, "offline_approved"},
		{"visa-dda", "visa-1408", desk{pin: "8765"}, 4200, "declined_unable_to_go_online"}, // three times wrong
		{"visa-pin-enciphered", "visa-1408", desk{pin: "1234"}, 4200, "offline_approved"},
		{"visa-cda", "visa-1984", desk{pin: "1234", code: "05"}, 99900, "online_declined"},
		{"visa-app-blocked", "visa-1408", desk{}, 4200, "not_accepted"},
	} {
		t.Run(tt.card+" "+tt.outcome, func(t *testing.T) {
			profile, authority := profileOf(t, tt.card, tt.chain)
			chip, err := card.New(profile)
			if err != nil {
				t.Fatal(err)
			}
			chip.Reset()
			r := transcript.NewRecorder(configOf(authority), emv.Transaction{Amount: tt.amount, Time: time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)})
			recorded, err := r.Finish(emv.Run(r.Card(chip), r.Terminal(tt.desk), r.Config(), r.Transaction()))
			if tt.outcome == "not_accepted" { // no number was read, and so nobody knows whose card it is
				if !errors.Is(err, transcript.ErrNotTestCard) {
					t.Errorf("%v: want %v", err, transcript.ErrNotTestCard)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := recorded.Write(&file); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(file.String(), "241234") || strings.Contains(file.String(), "248765") || strings.Contains(file.String(), tt.desk.pin+`"`) {
				t.Error("the PIN is in the file")
			}
			again, err := transcript.Parse("again", file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			report, err := again.Run(nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.Got.Outcome != tt.outcome {
				t.Errorf("outcome %s (%v): want %s", report.Got.Outcome, report.Outcome.Reason, tt.outcome)
			}
			for _, d := range report.Differences {
				t.Error(d)
			}
		})
	}
}

// A broken card, a cancelled sale and a PIN pad that does not work leave nothing to replay.
func TestWhatCannotBeRecorded(t *testing.T) {
	profile, authority := profileOf(t, "visa-dda", "visa-1408")
	for _, tt := range []struct {
		name string
		term emv.Terminal
		want string
	}{
		{"cancelled", failing{err: emv.ErrCancelled}, "was cancelled"},
		{"a fault of the terminal", failing{err: errors.New("no paper")}, "did not end"},
		{"no PIN pad", failing{entry: emv.PINPadAbsent}, "the PIN pad did not work"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			chip, err := card.New(profile)
			if err != nil {
				t.Fatal(err)
			}
			chip.Reset()
			r := transcript.NewRecorder(configOf(authority), emv.Transaction{Amount: 4200, Time: time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)})
			if _, err := r.Finish(emv.Run(r.Card(chip), r.Terminal(tt.term), r.Config(), r.Transaction())); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: want one about %q", err, tt.want)
			}
		})
	}
}

type failing struct {
	desk
	entry emv.PINEntry
	err   error
}

func (f failing) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return f.entry, 0, f.err
}

// Whatever a file says: it is refused, or it runs to an end, and written again it reads the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"transcript_D1.json", "transcript_D2.json"} {
		src, err := os.ReadFile(filepath.Join("../../testdata/vectors/emv", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(`{"layout": "emv-transcript/1"}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		x, err := transcript.Parse("fuzz", src)
		if err != nil {
			return
		}
		if _, err := x.Run(nil); err != nil && !strings.HasPrefix(err.Error(), "transcript: ") && !strings.HasPrefix(err.Error(), "emv: ") {
			t.Errorf("error %v", err)
		}
		var again bytes.Buffer
		if err := x.Write(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := transcript.Parse("again", again.Bytes()); err != nil {
			t.Errorf("written again it is refused: %v", err)
		}
		c := x.NewCard()
		c.Reset()
		for range 4 {
			_, _ = c.Transmit(src[:min(len(src), 8)])
		}
	})
}
