package emv

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

func cfgFor(change func(*Config)) *Config {
	cfg := testConfig()
	if change != nil {
		change(cfg)
	}
	return cfg
}

func alwaysOnline(c *Config) { c.Applications[0].FloorLimit = 0; c.Applications[0].TACOnline[3] = 0x80 }
func declineUnable(c *Config) {
	alwaysOnline(c)
	c.Applications[0].TACDefault[3] = 0x80
}

func TestRunOutcomes(t *testing.T) {
	host := func(arc string) func(*Session) (OnlineAnswer, error) {
		return answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: arc})
	}
	unreachable := answers(OnlineAnswer{})
	tests := []struct {
		name   string
		card   func(*cannedCard)
		cfg    func(*Config)
		txn    func(*Transaction)
		online func(*Session) (OnlineAnswer, error)
		want   Result
		arc    string
		tsi    string
		hostOK bool
		p1     string // P1 of the GENERATE AC commands
	}{
		{name: "below the floor limit: approved offline", want: OfflineApproved, arc: "Y1", tsi: "6800", p1: "40"},
		{name: "the terminal declines", cfg: func(c *Config) { c.Applications[0].TACDenial[0] = 0x80 }, want: OfflineDeclined, arc: "Z1", tsi: "6800", p1: "00"},
		{name: "the card declines what the terminal would approve", card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x00} }, want: OfflineDeclined, arc: "Z1", tsi: "6800", p1: "40"},
		{name: "the card goes online and the host approves", card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x80} }, online: host("00"), want: OnlineApproved, arc: "00", tsi: "6800", hostOK: true, p1: "40 40"},
		{name: "over the floor limit: online, approved", cfg: alwaysOnline, online: host("00"), want: OnlineApproved, arc: "00", tsi: "6800", hostOK: true, p1: "80 40"},
		{name: "forced online", cfg: func(c *Config) { c.Applications[0].TACOnline[3] = 0x08 }, txn: func(x *Transaction) { x.ForceOnline = true }, online: host("10"), want: OnlineApproved, arc: "10", tsi: "6800", hostOK: true, p1: "80 40"},
		{name: "the host declines", cfg: alwaysOnline, online: host("51"), want: OnlineDeclined, arc: "51", tsi: "6800", p1: "80 00"},
		{name: "the host approves and the card refuses", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[1] = acAnswer{cid: 0x00} }, online: host("00"), want: OnlineDeclined, arc: "00", tsi: "6800", hostOK: true, p1: "80 40"},
		{name: "unable to go online, no default bit: approved", cfg: alwaysOnline, online: unreachable, want: ApprovedUnableToGoOnline, arc: "Y3", tsi: "6800", p1: "80 40"},
		{name: "unable to go online, a default bit: declined", cfg: declineUnable, online: unreachable, want: DeclinedUnableToGoOnline, arc: "Z3", tsi: "6800", p1: "80 00"},
		{name: "unable to go online, the card declines", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[1] = acAnswer{cid: 0x00} }, online: unreachable, want: DeclinedUnableToGoOnline, arc: "Y3", tsi: "6800", p1: "80 40"},
		{name: "an offline-only terminal asks nobody", cfg: func(c *Config) { c.Type = 0x23 }, card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x80} }, want: ApprovedUnableToGoOnline, arc: "Y3", tsi: "6800", p1: "40 40"},
		{name: "an online-only terminal always asks", cfg: func(c *Config) { c.Type = 0x21 }, online: host("00"), want: OnlineApproved, arc: "00", tsi: "6800", hostOK: true, p1: "80 40"},
		{name: "no application in common", card: func(c *cannedCard) { c.files = nil }, want: NotAccepted},
		{name: "card blocked", card: func(c *cannedCard) { c.directory = sw(0x6A81) }, want: CardBlocked},
		{name: "an ARQC for an AAC is a violation", cfg: func(c *Config) { c.Applications[0].TACDenial[0] = 0x80 }, card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x80} }, want: Terminated, arc: "Z1", p1: "00", tsi: "6800"},
		{name: "a TC for an ARQC is a violation", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x40} }, want: Terminated, p1: "80", tsi: "6800"},
		{name: "a reserved cryptogram type is a violation", card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0xC0} }, want: Terminated, arc: "Y1", p1: "40", tsi: "4800"},
		{name: "a second ARQC is a violation, and the host has approved", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[1] = acAnswer{cid: 0x80} }, online: host("00"), want: Terminated, arc: "00", hostOK: true, p1: "80 40", tsi: "6800"},
		{name: "a TC for the second AAC is a violation", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[1] = acAnswer{cid: 0x40} }, online: host("05"), want: Terminated, arc: "05", p1: "80 00", tsi: "6800"},
		{name: "GENERATE AC refused", card: func(c *cannedCard) { c.ac = nil }, want: Terminated, arc: "Y1", p1: "40", tsi: "4800"},
		{name: "a code that is none", cfg: alwaysOnline, online: host("0"), want: Terminated, arc: "0", p1: "80", tsi: "6800"},
		{name: "the clerk gives up while online", cfg: alwaysOnline, online: func(*Session) (OnlineAnswer, error) { return OnlineAnswer{}, ErrCancelled }, want: Cancelled, p1: "80", tsi: "6800"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := newCannedCard()
			if tt.card != nil {
				tt.card(card)
			}
			txn := testTransaction()
			if tt.txn != nil {
				tt.txn(&txn)
			}
			o, err := Run(card, &testTerminal{online: tt.online}, cfgFor(tt.cfg), txn)
			if err != nil {
				t.Fatal(err)
			}
			if o.Result != tt.want {
				t.Errorf("result %v (%v): want %v", o.Result, o.Reason, tt.want)
			}
			if o.HostApproved != tt.hostOK {
				t.Errorf("host approved %v: want %v", o.HostApproved, tt.hostOK)
			}
			if got := string(o.Session.Data(tlv.AuthorisationResponseCode)); got != tt.arc {
				t.Errorf("authorisation response code %q: want %q", got, tt.arc)
			}
			if got := fmt.Sprintf("%X", o.Session.TSI()); tt.tsi != "" && got != tt.tsi {
				t.Errorf("TSI %s: want %s", got, tt.tsi)
			}
			var p1 []string
			for _, c := range card.commands(apdu.InsGenerateAC) {
				p1 = append(p1, fmt.Sprintf("%02X", c[2]))
			}
			if got := strings.Join(p1, " "); got != tt.p1 {
				t.Errorf("GENERATE AC with %q: want %q", got, tt.p1)
			}
			if !o.Result.Approved() && o.Reason == nil {
				t.Error("not approved, and no reason")
			}
			if o.Result.Approved() && (o.Reason != nil && o.Result != ApprovedUnableToGoOnline && o.Result != OnlineApproved || !o.SignatureRequired) {
				t.Errorf("approved: reason %v, signature %v", o.Reason, o.SignatureRequired)
			}
		})
	}
}

// The data of both GENERATE AC commands, byte for byte: the second carries the host's code, the TVR as it is by then, 91 in
// the ten bytes that the list asks for, and the same unpredictable number.
func TestGenerateACData(t *testing.T) {
	card := newCannedCard()
	o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", IssuerAuthenticationData: hx("A1A2A3A4A5A6A7A8")})},
		cfgFor(alwaysOnline), testTransaction())
	if err != nil || o.Result != OnlineApproved {
		t.Fatal(o.Result, o.Reason, err)
	}
	got := card.commands(apdu.InsGenerateAC)
	want := []string{
		"80AE80001D 000000004200 000000000000 0528 8000008000 0978 260115 00 1A2B3C4D 00",
		"80AE40001B 3030 000000004200 8000008000 A1A2A3A4A5A6A7A80000 1A2B3C4D 00",
	}
	for i, w := range want {
		if !bytes.Equal(got[i], hx(w)) {
			t.Errorf("command %d:\n got %X\nwant %s", i+1, got[i], strings.ReplaceAll(w, " ", ""))
		}
	}
	if len(card.commands(apdu.InsExternalAuthenticate)) != 1 { // the AIP, 1C00, has issuer authentication
		t.Error("no EXTERNAL AUTHENTICATE")
	}
	if tsi := o.Session.TSI(); tsi != [2]byte{0x78, 0} {
		t.Errorf("TSI %X: want 7800", tsi)
	}
}

func TestIssuerAuthentication(t *testing.T) {
	tests := []struct {
		name   string
		aip    string
		data   string
		sw     uint16
		sent   bool
		failed bool
		result Result
	}{
		{name: "succeeds", aip: "1C00", data: "A1A2A3A4A5A6A7A83030", sent: true, result: OnlineApproved},
		{name: "fails", aip: "1C00", data: "A1A2A3A4A5A6A7A83030", sw: 0x6300, sent: true, failed: true, result: OnlineApproved},
		{name: "a card that does not support it is not asked", aip: "1800", data: "A1A2A3A4A5A6A7A83030", result: OnlineApproved},
		{name: "without data there is nothing to ask", aip: "1C00", result: OnlineApproved},
		{name: "data too short", aip: "1C00", data: "A1A2A3A4A5A6A7", result: Terminated},
		{name: "data too long", aip: "1C00", data: "A1A2A3A4A5A6A7A8A1A2A3A4A5A6A7A8A9", result: Terminated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := newCannedCard()
			card.options = [][]byte{ok(hx("800A" + tt.aip + "08010100 10010200"))}
			card.auth = tt.sw
			o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", IssuerAuthenticationData: hx(tt.data)})}, cfgFor(alwaysOnline), testTransaction())
			if err != nil || o.Result != tt.result {
				t.Fatalf("%v %v %v: want %v", o.Result, o.Reason, err, tt.result)
			}
			tvr, tsi := o.Session.TVR(), o.Session.TSI()
			commands := card.commands(apdu.InsExternalAuthenticate)
			if (len(commands) == 1) != tt.sent || tlv.TVRIssuerAuthenticationFailed.In(tvr[:]) != tt.failed || tlv.TSIIssuerAuthenticationPerformed.In(tsi[:]) != tt.sent {
				t.Errorf("%d commands, TVR %X, TSI %X: want sent %v, failed %v", len(commands), tvr, tsi, tt.sent, tt.failed)
			}
			if tt.sent && !bytes.Equal(commands[0], append(hx("008200000A"), hx(tt.data)...)) {
				t.Errorf("command %X", commands[0])
			}
		})
	}
}

func TestIssuerScripts(t *testing.T) {
	id := "9F1804DEADBEEF"
	command := func(p2 string) string { return "8609 84240000" + "04" + "AABBCC" + p2 }
	c1, c2, c3 := command("01"), command("02"), command("03")
	tmpl := func(tag tlv.Tag, s string) []byte { return template(tag, hx(s)) }
	removed := fmt.Errorf("slot: %w", apdu.ErrCardRemoved)
	tests := []struct {
		name    string
		scripts [][]byte
		fails   string // last byte of the command that fails
		sw      uint16
		err     error
		results string
		tvr5    byte
		sent    string // last bytes of the commands in order, G for GENERATE AC
		tsi     bool
		result  Result
		runErr  bool
	}{
		{name: "none", result: OnlineApproved, sent: "GG"},
		{name: "one before and one after", scripts: [][]byte{tmpl(0x71, id+c1), tmpl(0x72, c2)}, results: "20DEADBEEF2000000000", sent: "G1G2", tsi: true, result: OnlineApproved},
		{name: "the order of templates does not matter", scripts: [][]byte{tmpl(0x72, c2), tmpl(0x71, c1)}, results: "20000000002000000000", sent: "G1G2", tsi: true, result: OnlineApproved},
		{name: "a command fails, the next script runs", scripts: [][]byte{tmpl(0x71, id+c1+c2+c3), tmpl(0x71, c3)}, fails: "02", sw: 0x6985, results: "12DEADBEEF2000000000", tvr5: 0x20, sent: "G123G", tsi: true, result: OnlineApproved},
		{name: "a command after the cryptogram fails", scripts: [][]byte{tmpl(0x72, id+c1)}, fails: "01", sw: 0x6A80, results: "11DEADBEEF", tvr5: 0x10, sent: "GG1", tsi: true, result: OnlineApproved},
		{name: "a warning goes on", scripts: [][]byte{tmpl(0x71, c1+c2)}, fails: "01", sw: 0x6300, results: "2000000000", sent: "G12G", tsi: true, result: OnlineApproved},
		{name: "a script that is not in order is not performed", scripts: [][]byte{tmpl(0x71, id+"8601"), tmpl(0x71, c1)}, results: "00DEADBEEF2000000000", tvr5: 0x20, sent: "G1G", tsi: true, result: OnlineApproved},
		{name: "a command that is none is not sent, nor those before it", scripts: [][]byte{tmpl(0x71, c1+"860284AA")}, results: "0000000000", tvr5: 0x20, sent: "GG", tsi: true, result: OnlineApproved},
		{name: "an identifier of a wrong length", scripts: [][]byte{tmpl(0x71, "9F1802DEAD"+c1)}, results: "0000000000", tvr5: 0x20, sent: "GG", tsi: true, result: OnlineApproved},
		{name: "what is no script at all", scripts: [][]byte{{0x71, 0x05, 0x86}}, results: "0000000000", tvr5: 0x20, sent: "GG", result: OnlineApproved},
		{name: "the card is pulled before the cryptogram", scripts: [][]byte{tmpl(0x71, c1)}, fails: "01", err: removed, results: "", tvr5: 0x20, sent: "G1", tsi: true, runErr: true},
		{name: "the card is pulled after the cryptogram", scripts: [][]byte{tmpl(0x72, c1), tmpl(0x72, c2)}, fails: "01", err: removed, results: "", tvr5: 0x10, sent: "GG1", tsi: true, result: OnlineApproved},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			card := newCannedCard()
			card.script = func(c []byte) (uint16, error) {
				if fmt.Sprintf("%02X", c[len(c)-1]) == tt.fails {
					return tt.sw, tt.err
				}
				return 0x9000, nil
			}
			o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", Scripts: bytes.Join(tt.scripts, nil)})}, cfgFor(alwaysOnline), testTransaction())
			if (err != nil) != tt.runErr || err == nil && o.Result != tt.result || !o.HostApproved {
				t.Fatalf("%v %v %v, host approved %v: want %v", o.Result, o.Reason, err, o.HostApproved, tt.result)
			}
			if tt.runErr && !errors.Is(err, apdu.ErrCardRemoved) {
				t.Errorf("error %v", err)
			}
			var sent strings.Builder
			for _, c := range card.sent {
				switch {
				case c[0] == 0x84:
					fmt.Fprintf(&sent, "%d", c[len(c)-1])
				case c[1] == apdu.InsGenerateAC:
					sent.WriteByte('G')
				}
			}
			s := o.Session
			if got := fmt.Sprintf("%X", s.Data(tlv.IssuerScriptResults)); got != tt.results || s.tvr[4] != tt.tvr5 || sent.String() != tt.sent || tlv.TSIScriptProcessingPerformed.In(s.tsi[:]) != tt.tsi {
				t.Errorf("results %s, TVR byte 5 %02X, sent %s, TSI %X: want %s, %02X, %s", got, s.tvr[4], sent.String(), s.tsi, tt.results, tt.tvr5, tt.sent)
			}
		})
	}
	long := answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", Scripts: make([]byte, maxScriptBytes+1)})
	if o, err := Run(newCannedCard(), &testTerminal{online: long}, cfgFor(alwaysOnline), testTransaction()); err != nil || o.Result != Terminated {
		t.Errorf("%v %v: want a bound on scripts", o.Result, err)
	}
}

func TestErrorsAreNotOutcomes(t *testing.T) {
	broken := errors.New("broken")
	pulled := func(n int) apdu.Card {
		card := newCannedCard()
		return cardFunc(func(c []byte) ([]byte, error) {
			if n--; n < 0 {
				return nil, fmt.Errorf("slot 1: %w", apdu.ErrCardRemoved)
			}
			return card.Transmit(c)
		})
	}
	approves := &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", IssuerAuthenticationData: hx("A1A2A3A4A5A6A7A83030")})}
	commands := 0
	for ; ; commands++ {
		o, err := Run(pulled(commands), approves, cfgFor(alwaysOnline), testTransaction())
		if err == nil {
			break
		}
		if !errors.Is(err, apdu.ErrCardRemoved) || o.Session == nil || o.Result != 0 {
			t.Fatalf("pulled after %d commands: %v, %v", commands, o.Result, err)
		}
		if o.HostApproved != (commands >= 8) { // EXTERNAL AUTHENTICATE is the ninth
			t.Errorf("pulled after %d commands: host approved %v", commands, o.HostApproved)
		}
	}
	if commands != 10 {
		t.Errorf("%d commands: want 10", commands)
	}
	if _, err := Run(newCannedCard(), &testTerminal{online: func(*Session) (OnlineAnswer, error) { return OnlineAnswer{}, broken }}, cfgFor(alwaysOnline), testTransaction()); !errors.Is(err, broken) {
		t.Errorf("error %v: want the terminal's", err)
	}
	if _, err := Run(newCannedCard(), approves, cfgFor(func(c *Config) { c.Rand = bytes.NewReader([]byte{1, 2, 3}) }), testTransaction()); err == nil || !strings.Contains(err.Error(), "9F37") {
		t.Errorf("error %v: want one about 9F37", err)
	}
}

type cardFunc func(command []byte) ([]byte, error)

func (f cardFunc) Transmit(command []byte) ([]byte, error) { return f(command) }

// What the terminal may print never shows the card number or a track.
func TestNoSecretsInTraceOrErrors(t *testing.T) {
	var text strings.Builder
	for _, bad := range []string{"", "5A08 476173900101011A", "5A0A 47617390010101194761"} {
		card := newCannedCard()
		if bad != "" {
			card.records[0x0201] = ok(template(0x70, hx(bad+"5F2403 311231")))
		}
		o, err := Run(card, &testTerminal{}, cfgFor(func(c *Config) { c.Trace = func(d Decision) { fmt.Fprintln(&text, d) } }), testTransaction())
		fmt.Fprintln(&text, o.Reason, err)
		if bad != "" && o.Result != Terminated {
			t.Errorf("PAN %q: %v", bad, o.Result)
		}
	}
	for _, secret := range []string{"73900101", "D3112", "2011758928"} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%q is in:\n%s", secret, text.String())
		}
	}
	if !strings.Contains(text.String(), "476173******0119") {
		t.Errorf("the masked number is not in:\n%s", text.String())
	}
}

func TestSessionAccessors(t *testing.T) {
	o, err := Run(newCannedCard(), &testTerminal{}, testConfig(), testTransaction())
	if err != nil {
		t.Fatal(err)
	}
	s := o.Session
	want, _ := pan.Parse("4761739001010119")
	if s.PAN() != want || s.PANSequenceNumber() != "01" || s.Track2() != "4761739001010119D31122011758928889" || fmt.Sprintf("%X", s.AID()) != visaAID || s.Label() != "VISA" {
		t.Errorf("%v %s %s %X %s", s.PAN(), s.PANSequenceNumber(), s.Track2()[16:], s.AID(), s.Label())
	}
	if s.CryptogramInformationData() != 0x40 || tlv.TVROnlineCVMCaptured.In(s.tvr[:]) || s.txn.Amount != 4200 {
		t.Error("accessors")
	}
	for tag, want := range map[tlv.Tag]string{
		tlv.AmountAuthorised: "000000004200", tlv.AmountAuthorisedBinary: "00001068", tlv.TransactionDate: "260115", tlv.TransactionTime: "123456",
		tlv.TerminalType: "22", tlv.TerminalCountryCode: "0528", tlv.TransactionCurrencyCode: "0978", tlv.TerminalFloorLimit: "00002710",
		tlv.TerminalIdentification: "3030303030303031", tlv.ApplicationIdentifierTerminal: visaAID, tlv.TransactionSequenceCounter: "00000000",
		tlv.ApplicationCryptogram: "1122334455667788", tlv.ApplicationTransactionCounter: "0007", tlv.IssuerApplicationData: "06010A03A4A800",
		tlv.UnpredictableNumber: "1A2B3C4D", tlv.TVR: "8000000000", tlv.MerchantIdentifier: "",
	} {
		if got := fmt.Sprintf("%X", s.Data(tag)); got != want {
			t.Errorf("%X is %s: want %s", tag, got, want)
		}
	}
}
