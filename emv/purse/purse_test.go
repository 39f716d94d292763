package purse_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/purse"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

const library = "../../testdata/cards"

func keys(t testing.TB) *card.Keys {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(library, "keys", "cup-1152.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := card.ParseKeys("cup-1152.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// plastic makes a card of the library, changed by pairs of old and new text.
func plastic(t testing.TB, name string, changes ...string) *card.Card {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(library, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := string(src)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(s, changes[i]) {
			t.Fatalf("%s has no %q", name, changes[i])
		}
		s = strings.Replace(s, changes[i], changes[i+1], 1)
	}
	p, err := card.ParseProfile(name+".yaml", []byte(s), keys(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := card.New(p)
	if err != nil {
		t.Fatal(err)
	}
	c.Reset()
	return c
}

// numbers is a source of random numbers that counts.
type numbers byte

func (n *numbers) Read(b []byte) (int, error) {
	for i := range b {
		*n++
		b[i] = byte(*n)
	}
	return len(b), nil
}

func terminal(t testing.TB) purse.Terminal {
	return purse.Terminal{Kernel: &emv.Config{
		CountryCode: 156, CurrencyCode: 156, Type: 0x22, Capabilities: [3]byte{0xE0, 0xF8, 0xC8},
		CAPublicKeys: []*security.CAPublicKey{keys(t).Authority}, Rand: new(numbers),
	}}
}

var today = time.Date(2026, 3, 2, 10, 11, 12, 0, time.UTC)

// journal is where what a tap hands out is kept.
type journal struct {
	kept []purse.Torn
	fail error
}

func (j *journal) request(amount int64) purse.Request {
	return purse.Request{Amount: amount, Time: today, Keep: func(t purse.Torn) error {
		j.kept = append(j.kept, t)
		return j.fail
	}}
}

// reader holds the card and loses it: at a READ RECORD or another command, before the card has got it or before its answer arrives.
type reader struct {
	card   *card.Card
	ins    byte
	nth    int // of the commands with ins, from 1; 0: never
	after  bool
	gone   bool
	seen   int
	answer func(command, response []byte) []byte // nil: as the card gave it
	sent   []byte                                // instructions
}

func (r *reader) Transmit(command []byte) ([]byte, error) {
	if r.gone {
		return nil, fmt.Errorf("slot: %w", apdu.ErrCardRemoved)
	}
	r.sent = append(r.sent, command[1])
	if command[1] == r.ins {
		r.seen++
	}
	if r.nth > 0 && command[1] == r.ins && r.seen == r.nth {
		r.gone = true
		if !r.after {
			return nil, fmt.Errorf("slot: %w", apdu.ErrCardRemoved)
		}
	}
	response, err := r.card.Transmit(command)
	if r.gone {
		return nil, fmt.Errorf("slot: %w", apdu.ErrCardRemoved)
	}
	if r.answer != nil {
		response = r.answer(command, response)
	}
	return response, err
}

// again puts the card before another reader, with power anew.
func again(c *card.Card) *reader {
	c.Reset()
	return &reader{card: c}
}

func holds(t testing.TB, c *card.Card, balance int64, debits int) {
	t.Helper()
	if p := c.Purses()[0]; p.Balance != balance || len(p.Debits) != debits {
		t.Errorf("the purse has %d after %d debits: want %d after %d", p.Balance, len(p.Debits), balance, debits)
	}
}

// rightTC tells whether the cryptogram is what the issuer computes over field 55.
func rightTC(t testing.TB, c *card.Card, r purse.Result) bool {
	t.Helper()
	get := func(tag tlv.Tag) []byte {
		v, _, err := tlv.Find(r.ICC, tag)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	i := &c.Profile().Issuer
	version, err := security.VersionFor(i.Cryptogram, get(0x9F10))
	if err != nil {
		t.Fatal(err)
	}
	input, err := version.Input(get)
	if err != nil {
		t.Fatal(err)
	}
	mk, err := security.ICCMasterKey(i.IssuerMasterKey(), c.Profile().PAN.Digits(), c.Profile().PANSequenceNumber, i.Derivation)
	if err != nil {
		t.Fatal(err)
	}
	key, err := version.Key(mk, get(0x9F36), get(0x9F37))
	if err != nil {
		t.Fatal(err)
	}
	ac, err := version.Cryptogram(key, input)
	if err != nil {
		t.Fatal(err)
	}
	return ac == r.TC && string(ac[:]) == string(get(0x9F26))
}

func TestPay(t *testing.T) {
	c := plastic(t, "cup-purse")
	var j journal
	slot := &reader{card: c}
	r, err := purse.Pay(slot, terminal(t), j.request(1234))
	if err != nil || r.Stage != purse.Paid || r.Reason != "" || r.Err != nil || r.Torn != nil || r.Resumed {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, c, 8766, 1)
	if r.BalanceBefore != 10000 || r.BalanceAfter != 8766 || r.ATC != 1 || r.TC != c.Purses()[0].Debits[0].TC || !rightTC(t, c, r) {
		t.Errorf("%+v", r)
	}
	if want := (purse.Card{PAN: c.Profile().PAN, PSN: "01", Expiry: "3012", Label: "UnionPay Purse"}); r.Card != want {
		t.Errorf("card %+v, want %+v", r.Card, want)
	}
	if len(j.kept) != 1 || j.kept[0].BalanceBefore != 10000 || j.kept[0].ATC != 1 || string(j.kept[0].ICC) != string(r.ICC) {
		t.Errorf("kept %v", j.kept)
	}
	if got := fmt.Sprintf("%X", slot.sent); got != "A4A4CAA8B2B2B2B2B2B2" {
		t.Errorf("commands %s", got)
	}
	if b := string(r.ICC); len(b) > 255 || strings.Contains(b, "\x62\x25\x00\x00\x00\x00\x00\x55") {
		t.Errorf("field 55 has %d bytes, or a card number", len(b))
	}
	want := strings.Join([]string{
		"9F2608" + fmt.Sprintf("%X", r.TC), "9F270140", "9F1008" + "07010103901002" + "01", "9F3704" + "01020304", "9F36020001", "95050000000000",
		"9A03260302", "9C0100", "9F0206000000001234", "5F2A020156", "82022000", "9F1A020156", "9F0306000000000000", "9F3303E0F8C8", "9F350122", "8408A000000333010106",
	}, "")
	if got := fmt.Sprintf("%X", r.ICC); got != want {
		t.Errorf("field 55\n%s, want\n%s", got, want)
	}
}

// Wherever the card goes away before its last record is asked for, nothing is debited and the terminal knows it.
func TestTornBefore(t *testing.T) {
	for _, at := range []struct {
		ins byte
		nth int
	}{{apdu.InsSelect, 1}, {apdu.InsSelect, 2}, {apdu.InsGetData, 1}, {apdu.InsGetProcessingOptions, 1}, {apdu.InsReadRecord, 1}, {apdu.InsReadRecord, 5}} {
		for _, after := range []bool{false, true} {
			c := plastic(t, "cup-purse")
			var j journal
			r, err := purse.Pay(&reader{card: c, ins: at.ins, nth: at.nth, after: after}, terminal(t), j.request(1234))
			if err != nil || r.Stage != purse.Before || r.Reason != purse.CardGone || !errors.Is(r.Err, apdu.ErrCardRemoved) || r.Torn != nil || len(j.kept) != 0 {
				t.Errorf("%02X#%d: %+v, %v", at.ins, at.nth, r, err)
			}
			holds(t, c, 10000, 0)
		}
	}
}

// torn is a tap that lost its card at the last record.
func torn(t *testing.T, c *card.Card, after bool) (purse.Torn, purse.Result) {
	t.Helper()
	var j journal
	r, err := purse.Pay(&reader{card: c, ins: apdu.InsReadRecord, nth: 6, after: after}, terminal(t), j.request(1234))
	if err != nil || r.Stage != purse.Unknown || r.Reason != purse.CardGone || r.Torn == nil || len(j.kept) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if !reflect.DeepEqual(*r.Torn, j.kept[0]) {
		t.Errorf("torn is not what was kept")
	}
	return stored(t, j.kept[0]), r
}

// stored is what comes back from a disk, the card number sealed beside it.
func stored(t *testing.T, kept purse.Torn) (back purse.Torn) {
	t.Helper()
	b, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), kept.PAN.Digits()) || strings.Contains(fmt.Sprintf("%v %+v %#v %s", kept, kept, kept, kept), kept.PAN.Digits()) {
		t.Error("a card number is shown")
	}
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	back.PAN = kept.PAN
	return back
}

func TestResumeWhatWasDebited(t *testing.T) {
	c := plastic(t, "cup-purse")
	kept, first := torn(t, c, true)
	holds(t, c, 8766, 1)
	var j journal
	r, err := purse.Resume(again(c), terminal(t), j.request(1234), kept)
	if err != nil || r.Stage != purse.Paid || !r.Resumed || r.Torn != nil || r.Reason != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, c, 8766, 1)
	if r.TC != first.TC || string(r.ICC) != string(first.ICC) || r.ATC != 1 || r.BalanceBefore != 10000 || r.BalanceAfter != 8766 || len(j.kept) != 0 || !rightTC(t, c, r) || r.Card != first.Card {
		t.Errorf("%+v, first %+v", r, first)
	}
	r, err = purse.Resume(again(c), terminal(t), j.request(1234), kept) // and once more is no second debit
	if err != nil || r.Stage != purse.Paid || !r.Resumed {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, c, 8766, 1)
}

func TestResumeWhatWasNotDebited(t *testing.T) {
	c := plastic(t, "cup-purse")
	kept, first := torn(t, c, false)
	holds(t, c, 10000, 0)
	var j journal
	r, err := purse.Resume(again(c), terminal(t), j.request(1234), kept)
	if err != nil || r.Stage != purse.Paid || r.Resumed || r.ATC != 2 || r.TC == first.TC || len(j.kept) != 1 || !rightTC(t, c, r) {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, c, 8766, 1)
}

// The second tap is torn as well, at each of its commands, before and after the card has done it; the third finds out.
func TestTornAgain(t *testing.T) {
	for _, debited := range []bool{false, true} {
		for nth := 1; nth <= 16; nth++ {
			for _, after := range []bool{false, true} {
				c := plastic(t, "cup-purse")
				kept, _ := torn(t, c, debited)
				var j journal
				slot := &counting{reader: again(c), nth: nth, after: after}
				r, err := purse.Resume(slot, terminal(t), j.request(1234), kept)
				if err != nil {
					t.Fatal(err)
				}
				switch r.Stage {
				case purse.Unknown:
					kept = stored(t, *r.Torn)
					if len(j.kept) > 0 && !reflect.DeepEqual(*r.Torn, j.kept[0]) {
						t.Errorf("command %d: torn is not what was kept last", nth)
					}
					r, err = purse.Resume(again(c), terminal(t), j.request(1234), kept)
				case purse.Before:
					if p := c.Purses()[0]; p.Balance != 10000 {
						t.Errorf("command %d: before, and the purse has %d", nth, p.Balance)
					}
					r, err = purse.Resume(again(c), terminal(t), j.request(1234), kept) // the facts of the first tap still find out
				}
				if err != nil || r.Stage != purse.Paid {
					t.Errorf("command %d, after %v: %+v, %v", nth, after, r, err)
				}
				holds(t, c, 8766, 1)
				if d := c.Purses()[0].Debits; len(d) == 1 && d[0].TC != r.TC {
					t.Errorf("command %d: the purse paid with TC %X, the terminal has %X", nth, d[0].TC, r.TC)
				}
			}
		}
	}
}

// counting is a reader that loses the card at its nth command of any kind.
type counting struct {
	*reader
	nth, n int
	after  bool
}

func (c *counting) Transmit(command []byte) ([]byte, error) {
	if c.n++; c.n < c.nth {
		return c.reader.Transmit(command)
	}
	if c.n == c.nth && c.after {
		c.reader.Transmit(command)
	}
	return nil, fmt.Errorf("slot: %w", apdu.ErrMute)
}

// Who is tapped in place of the card that was torn, and what has become of that card since.
func TestResumeRefuses(t *testing.T) {
	pay := func(t *testing.T, c *card.Card, amount int64) {
		t.Helper()
		var j journal
		if r, err := purse.Pay(again(c), terminal(t), j.request(amount)); err != nil || r.Stage != purse.Paid {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	tests := []struct {
		name    string
		debited bool
		change  func(t *testing.T, c *card.Card) *card.Card
		want    purse.Reason
	}{
		{"another purse", true, func(t *testing.T, _ *card.Card) *card.Card {
			return plastic(t, "cup-purse-low", `balance: "20.00"`, `balance: "100.00"`)
		}, purse.OtherCard},
		{"another sequence number", true, func(t *testing.T, _ *card.Card) *card.Card {
			c := plastic(t, "cup-purse", `psn: "01"`, `psn: "02"`)
			return c
		}, purse.OtherCard},
		{"a card that is no purse", true, func(t *testing.T, _ *card.Card) *card.Card { return plastic(t, "cup-dda") }, purse.NotAPurse},
		{"a blocked card", true, func(t *testing.T, _ *card.Card) *card.Card {
			return plastic(t, "cup-purse", "pse: false", "blocked: true")
		}, purse.CardBlocked},
		{"debited, and used since", true, func(t *testing.T, c *card.Card) *card.Card { pay(t, c, 100); return c }, purse.UsedSince},
		{"not debited, and used since for the same amount", false, func(t *testing.T, c *card.Card) *card.Card { pay(t, c, 1234); return c }, purse.UsedSince},
		{"a new card of the same number", true, func(t *testing.T, _ *card.Card) *card.Card { return plastic(t, "cup-purse") }, purse.CardViolation},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := plastic(t, "cup-purse")
			kept, _ := torn(t, c, test.debited)
			tapped := test.change(t, c)
			var before []card.Purse = tapped.Purses()
			var j journal
			r, err := purse.Resume(again(tapped), terminal(t), j.request(1234), kept)
			if err != nil || r.Stage != purse.Unknown || r.Reason != test.want || r.Err == nil || !reflect.DeepEqual(*r.Torn, kept) || len(j.kept) != 0 {
				t.Errorf("%+v, %v: want %s", r, err, test.want)
			}
			if !reflect.DeepEqual(before, tapped.Purses()) {
				t.Error("a refused card was debited")
			}
		})
	}
}

// A card that was used since for nothing (its counter moved, its balance did not) pays anew: it was not debited.
func TestResumeAfterATapThatCameToNothing(t *testing.T) {
	c := plastic(t, "cup-purse")
	kept, _ := torn(t, c, false)
	var other journal
	if r, err := purse.Pay(&reader{card: again(c).card, ins: apdu.InsReadRecord, nth: 1}, terminal(t), other.request(500)); err != nil || r.Stage != purse.Before {
		t.Fatalf("%+v, %v", r, err)
	}
	var j journal
	r, err := purse.Resume(again(c), terminal(t), j.request(1234), kept)
	if err != nil || r.Stage != purse.Paid || r.Resumed || r.ATC != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, c, 8766, 1)
}

// Everything that can be refused is refused before the card is debited.
func TestRefusals(t *testing.T) {
	revoked := terminal(t)
	revoked.Kernel.Revoked = []emv.RevokedCertificate{{RID: [5]byte{0xA0, 0, 0, 3, 0x33}, Index: 0xD1, Serial: [3]byte{0, 0, 1}}}
	noKey := terminal(t)
	noKey.Kernel.CAPublicKeys = nil
	limited := terminal(t)
	limited.Limit = 1233
	excepted := terminal(t)
	excepted.Kernel.OnExceptionFile = func(n pan.PAN, psn string) bool { return n.LuhnValid() && psn == "01" }
	abroad := terminal(t)
	abroad.Kernel.CurrencyCode = 840
	wrong := func(name string) []string {
		return []string{"keys: cup-1152", "keys: cup-1152\n      wrong: [" + name + "]"}
	}
	tests := []struct {
		name     string
		card     string
		changes  []string
		terminal purse.Terminal
		want     purse.Reason
		stage    purse.Stage
		text     string
	}{
		{"too little money", "cup-purse-low", []string{`balance: "20.00"`, `balance: "12.33"`}, terminal(t), purse.NotEnough, purse.Before, "less than the amount"},
		{"above single", "cup-purse", []string{`single: "1000.00"`, `single: "12.33"`}, terminal(t), purse.CardDeclined, purse.Before, "declines"},
		{"another currency", "cup-purse", nil, abroad, purse.CardDeclined, purse.Before, "declines"},
		{"the terminal's limit", "cup-purse", nil, limited, purse.OverLimit, purse.Before, "limit"},
		{"expired", "cup-purse", []string{"2030-12", "2026-02"}, terminal(t), purse.OutOfDate, purse.Before, "5F24 260228: expired"},
		{"not yet effective", "cup-purse", []string{"2024-01", "2026-04"}, terminal(t), purse.OutOfDate, purse.Before, "5F25"},
		{"exception file", "cup-purse", nil, excepted, purse.OnExceptions, purse.Before, "exception file"},
		{"a terminal without the key", "cup-purse", nil, noKey, purse.NotAuthentic, purse.Before, "no certification authority key D1"},
		{"a revoked certificate", "cup-purse", nil, revoked, purse.NotAuthentic, purse.Before, "revoked"},
		{"an expired certificate of the issuer", "cup-purse", []string{"keys: cup-1152", "keys: cup-1152\n      certificates: {issuer_expiry: 2026-02}"}, terminal(t), purse.NotAuthentic, purse.Before, "issuer certificate 90: expired"},
		{"an expired certificate of the card", "cup-purse", []string{"keys: cup-1152", "keys: cup-1152\n      certificates: {icc_expiry: 2026-02}"}, terminal(t), purse.NotAuthentic, purse.Before, "certificate 9F46: expired"},
		{"a wrong issuer certificate", "cup-purse", wrong("issuer_certificate"), terminal(t), purse.NotAuthentic, purse.Before, "issuer certificate"},
		{"another issuer", "cup-purse", wrong("issuer_certificate_identifier"), terminal(t), purse.NotAuthentic, purse.Before, "identifier"},
		{"a wrong card certificate", "cup-purse", wrong("icc_certificate"), terminal(t), purse.NotAuthentic, purse.Before, "ICC certificate 9F46"},
		{"another number in the certificate", "cup-purse", wrong("icc_certificate_pan"), terminal(t), purse.NotAuthentic, purse.Before, "the PAN is not the card's"},
		{"records that were not signed", "cup-purse", wrong("static_data"), terminal(t), purse.NotAuthentic, purse.Before, "hash differs"},
		{"no signature", "cup-purse", wrong("no_dynamic_signature"), terminal(t), purse.NotAuthentic, purse.Before, "9F4B of 0 bytes"},
		{"no index", "cup-purse", wrong("no_ca_index"), terminal(t), purse.NotAuthentic, purse.Before, "8F is missing"},
		{"no certificate of the card", "cup-purse", wrong("no_icc_certificate"), terminal(t), purse.NotAuthentic, purse.Before, "9F46 is missing"},
		{"a blocked card", "cup-purse", []string{"pse: false", "blocked: true"}, terminal(t), purse.CardBlocked, purse.Before, "6A81"},
		{"a blocked purse", "cup-purse", []string{"format: 2", "format: 2\n      blocked: true"}, terminal(t), purse.CardBlocked, purse.Before, "6283"},
		{"a card without a purse", "cup-dda", nil, terminal(t), purse.NotAPurse, purse.Before, "6A82"},
		{"conditions of use", "cup-purse", []string{"format: 2", "format: 2\n      refuse_gpo: true"}, terminal(t), purse.CardWantsMore, purse.Before, "6985"},
		// What the card signed can be judged only when it has paid.
		{"a wrong signature", "cup-purse", wrong("dynamic_signature"), terminal(t), purse.NotAuthentic, purse.Debited, "9F4B"},
		{"a signature of something else", "cup-purse", wrong("dynamic_signature_hash"), terminal(t), purse.NotAuthentic, purse.Debited, "hash differs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := plastic(t, test.card, test.changes...)
			var j journal
			r, err := purse.Pay(&reader{card: c}, test.terminal, j.request(1234))
			if err != nil || r.Stage != test.stage || r.Reason != test.want || r.Err == nil || !strings.Contains(r.Err.Error(), test.text) || !strings.HasPrefix(r.Err.Error(), "purse: ") {
				t.Fatalf("%+v, %v: want %v, %s, %q", r, err, test.stage, test.want, test.text)
			}
			if strings.Contains(r.Err.Error(), c.Profile().PAN.Digits()) {
				t.Error("a card number is shown")
			}
			if debits := len(j.kept); debits != int(test.stage/purse.Debited) {
				t.Errorf("kept %d times", debits)
			}
			for _, p := range c.Purses() {
				if (p.Balance != p.Loaded) != (test.stage == purse.Debited) {
					t.Errorf("the purse has %d of %d", p.Balance, p.Loaded)
				}
			}
		})
	}
}

// A wrong TC is nothing that a terminal can see: the sale stands, and its issuer will object.
func TestAWrongCryptogramIsForTheIssuer(t *testing.T) {
	c := plastic(t, "cup-purse", "keys: cup-1152", "keys: cup-1152\n      wrong: [cryptogram]")
	var j journal
	r, err := purse.Pay(&reader{card: c}, terminal(t), j.request(1234))
	if err != nil || r.Stage != purse.Paid || rightTC(t, c, r) {
		t.Errorf("%+v, %v", r, err)
	}
}

// The error of Keep and the card that is not admitted come back as they are, and nothing is debited.
func TestErrors(t *testing.T) {
	c := plastic(t, "cup-purse")
	j := journal{fail: os.ErrClosed}
	if r, err := purse.Pay(&reader{card: c}, terminal(t), j.request(1234)); !errors.Is(err, os.ErrClosed) || r.Stage != purse.Before {
		t.Errorf("%+v, %v", r, err)
	}
	strict := terminal(t)
	strict.Admit = func(n pan.PAN) error {
		if n != c.Profile().PAN {
			t.Errorf("asked for %v", n)
		}
		return os.ErrPermission
	}
	j = journal{}
	if r, err := purse.Pay(again(c), strict, j.request(1234)); !errors.Is(err, os.ErrPermission) || r.Stage != purse.Before || len(j.kept) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, c, 10000, 0)

	kept, _ := torn(t, c, true)
	good := j.request(1234)
	for name, change := range map[string]func(*purse.Terminal, *purse.Request, *purse.Torn){
		"purse: no kernel configuration":                   func(x *purse.Terminal, _ *purse.Request, _ *purse.Torn) { x.Kernel = nil },
		"purse: no source of random numbers":               func(x *purse.Terminal, _ *purse.Request, _ *purse.Torn) { x.Kernel.Rand = nil },
		"purse: currency code 1000: want 1 to 999":         func(x *purse.Terminal, _ *purse.Request, _ *purse.Torn) { x.Kernel.CurrencyCode = 1000 },
		"purse: country code 0: want 1 to 999":             func(x *purse.Terminal, _ *purse.Request, _ *purse.Torn) { x.Kernel.CountryCode = 0 },
		"purse: amount 0: want 1 to 999999999999":          func(_ *purse.Terminal, r *purse.Request, _ *purse.Torn) { r.Amount = 0 },
		"purse: no time":                                   func(_ *purse.Terminal, r *purse.Request, _ *purse.Torn) { r.Time = time.Time{} },
		"purse: nobody keeps what a torn tap needs":        func(_ *purse.Terminal, r *purse.Request, _ *purse.Torn) { r.Keep = nil },
		"purse: torn tap: amount 1234: the request is for": func(_ *purse.Terminal, r *purse.Request, _ *purse.Torn) { r.Amount = 1235 },
		"purse: torn tap: currency 156: the terminal's":    func(x *purse.Terminal, _ *purse.Request, _ *purse.Torn) { x.Kernel.CurrencyCode = 840 },
		"purse: torn tap: no card number":                  func(_ *purse.Terminal, _ *purse.Request, k *purse.Torn) { k.PAN = pan.PAN{} },
		"purse: torn tap: balance 1233: want at least":     func(_ *purse.Terminal, _ *purse.Request, k *purse.Torn) { k.BalanceBefore = 1233 },
		"purse: torn tap: AFL 94 of 3 bytes":               func(_ *purse.Terminal, _ *purse.Request, k *purse.Torn) { k.AFL = k.AFL[:3] },
		"purse: torn tap: field 55: tlv: offset":           func(_ *purse.Terminal, _ *purse.Request, k *purse.Torn) { k.ICC = k.ICC[:5] },
		"purse: torn tap: field 55: tag":                   func(_ *purse.Terminal, _ *purse.Request, k *purse.Torn) { k.ICC = nil },
	} {
		x, r, k := terminal(t), good, kept
		change(&x, &r, &k)
		if _, err := purse.Resume(again(c), x, r, k); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	holds(t, c, 8766, 1)
}
