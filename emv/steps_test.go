package emv

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

func TestReadApplicationData(t *testing.T) {
	mandatory := "5A084761739001010119 5F2403311231 8C029505 8D028A02"
	tests := []struct {
		name, afl string
		record    string // value of 70
		raw       string // whole record instead
		missing   bool   // there is no second record
		ok        bool
	}{
		{name: "the mandatory objects are enough", afl: "08010100", record: mandatory, ok: true},
		{name: "records to authenticate up to all", afl: "08010101", record: mandatory, ok: true},
		{name: "padding between objects", afl: "08010100", record: "00" + mandatory + "0000", ok: true},
		{name: "templates are not looked into", afl: "08010100", record: mandatory + "BF0C055A084761"[:0] + "7303500141 7303500142", ok: true},
		{name: "an object twice", afl: "08010100", record: mandatory + "5F2403311231"},
		{name: "an unknown object twice", afl: "08010100", record: mandatory + "DF0101AA DF0101AA"},
		{name: "the AIP once more", afl: "08010100", record: mandatory + "82021C00"},
		{name: "no PAN", afl: "08010100", record: "5F2403311231 8C029505 8D028A02"},
		{name: "no expiration date", afl: "08010100", record: "5A084761739001010119 8C029505 8D028A02"},
		{name: "no CDOL1", afl: "08010100", record: "5A084761739001010119 5F2403311231 8D028A02"},
		{name: "no CDOL2", afl: "08010100", record: "5A084761739001010119 5F2403311231 8C029505"},
		{name: "a PAN that is no number", afl: "08010100", record: "5A08476173900101011A 5F2403311231 8C029505 8D028A02"},
		{name: "a PAN with digits after padding", afl: "08010100", record: "5A08476173900101F119 5F2403311231 8C029505 8D028A02"},
		{name: "a PAN of 20 digits", afl: "08010100", record: "5A0A47617390010101190000 5F2403311231 8C029505 8D028A02"},
		{name: "a date of two bytes", afl: "08010100", record: "5A084761739001010119 5F24023112 8C029505 8D028A02"},
		{name: "an action code of four bytes", afl: "08010100", record: mandatory + "9F0D0400000000"},
		{name: "another template", afl: "08010100", raw: "7700"},
		{name: "something after the template", afl: "08010100", raw: "7003500141 00"},
		{name: "nothing in it", afl: "08010100", raw: " "},
		{name: "a file of the issuer may hold anything", afl: "08010100 58010100", record: mandatory, ok: true},
		{name: "the empty AFL", afl: ""},
		{name: "half an entry", afl: "080101"},
		{name: "file 0", afl: "00010100"},
		{name: "file 31", afl: "08010100 F8010100"},
		{name: "bits below the file", afl: "09010100"},
		{name: "record 0", afl: "08000100"},
		{name: "last before first", afl: "08020100"},
		{name: "more to authenticate than there are", afl: "08010102"},
		{name: "more records than any card has", afl: "5801FF00"},
		{name: "a record that is not there", afl: "08010200", record: mandatory, missing: true},
		{name: "an empty record", afl: "08010200", record: mandatory, ok: true},
		{name: "as many records as are read at most", afl: "08010100 58017F00", record: mandatory, ok: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The first record has what the test says, or all that is mandatory, so that nothing but the AFL can be wrong.
			first := template(0x70, hx(mandatory))
			if tt.record != "" {
				first = template(0x70, hx(tt.record))
			} else if tt.raw != "" {
				first = hx(tt.raw)
			}
			sent := 0
			card := cardFunc(func(c []byte) ([]byte, error) {
				switch sent++; {
				case sent == 1:
					return ok(first), nil
				case c[3]>>3 > 10:
					return ok(hx("0102FF")), nil
				case tt.missing:
					return sw(0x6A83), nil
				}
				return ok(hx("7000")), nil
			})
			s := newTestSession(t, card, testConfig())
			s.icc.add(tlv.ApplicationInterchangeProfile, []byte{0x1C, 0})
			s.icc.add(tlv.ApplicationFileLocator, hx(tt.afl))
			want := "terminate"
			if tt.ok {
				want = "ok"
			}
			err := s.ReadApplicationData()
			if got := resultOf(err); got != want {
				t.Errorf("%s (%v): want %s", got, err, want)
			}
			if sent > maxRecords {
				t.Errorf("%d commands", sent)
			}
		})
	}
}

// A card cannot give what only the terminal may give.
func TestCardDoesNotSpeakForTheTerminal(t *testing.T) {
	card := newCannedCard()
	card.records[0x0101] = ok(template(0x70, hx("9505FFFFFFFFFF 9F3303FFFFFF 9F02060000000000FF 8A023030 9F1B0400000000 9F1C08AAAAAAAAAAAAAAAA")))
	cfg := testConfig()
	cfg.TerminalIdentification = ""
	o, err := Run(card, &testTerminal{}, cfg, testTransaction())
	if err != nil || o.Result != OfflineApproved {
		t.Fatal(o.Result, o.Reason, err)
	}
	for tag, want := range map[tlv.Tag]string{tlv.TVR: "8000000000", tlv.TerminalCapabilities: "606800", tlv.AmountAuthorised: "000000004200", tlv.TerminalFloorLimit: "00002710", tlv.TerminalIdentification: ""} {
		if got := fmt.Sprintf("%X", o.Session.Data(tag)); got != want {
			t.Errorf("%X is %s: want %s", tag, got, want)
		}
	}
}

func TestOfflineDataAuthenticationNotPerformed(t *testing.T) {
	s := newTestSession(t, nil, testConfig())
	s.icc.add(tlv.ApplicationInterchangeProfile, []byte{0x7D, 0})
	if err := s.OfflineDataAuthentication(); err != nil || s.TVR() != [5]byte{0x80} || s.TSI() != [2]byte{} {
		t.Errorf("TVR %X, TSI %X, error %v: want 80.. and nothing", s.TVR(), s.TSI(), err)
	}
}

func TestProcessingRestrictions(t *testing.T) {
	tests := []struct {
		name string
		card string // data objects beside the expiration date
		typ  byte   // terminal type, 0 is 22
		txn  byte
		back int64
		want byte // TVR byte 2
	}{
		{name: "nothing to say", want: 0},
		{name: "the same version", card: "9F08020002"},
		{name: "another version", card: "9F08020001", want: 0x80},
		{name: "effective today", card: "5F2503260115"},
		{name: "effective tomorrow", card: "5F2503260116", want: 0x20},
		{name: "expires today", card: "5F2403260115"},
		{name: "expired yesterday", card: "5F2403260114", want: 0x40},
		{name: "effective in the last century", card: "5F2503990101"},
		{name: "50 is 1950", card: "5F2403501231", want: 0x40},
		{name: "49 is 2049", card: "5F2503491231 5F2403491231", want: 0x20},
		{name: "everything allowed", card: "9F0702FFC0 5F28020528"},
		{name: "not at other terminals than ATMs", card: "9F0702FEC0 5F28020528", want: 0x10},
		{name: "not at other terminals, tested without a country", card: "9F0702FEC0", want: 0x10},
		{name: "an ATM", card: "9F0702FEC0 5F28020528", typ: 0x14, txn: 1},
		{name: "not at ATMs", card: "9F0702FDC0 5F28020528", typ: 0x14, txn: 1, want: 0x10},
		{name: "domestic goods", card: "9F07022100 5F28020528"},
		{name: "domestic services", card: "9F07020900 5F28020528"},
		{name: "neither domestic goods nor services", card: "9F0702D500 5F28020528", want: 0x10},
		{name: "international goods", card: "9F07021100 5F28020156"},
		{name: "neither international goods nor services", card: "9F0702E900 5F28020156", want: 0x10},
		{name: "domestic cash", card: "9F07028100 5F28020528", txn: 1},
		{name: "no domestic cash", card: "9F07027D00 5F28020528", txn: 1, want: 0x10},
		{name: "international cash", card: "9F07024100 5F28020156", txn: 1},
		{name: "no international cash", card: "9F0702BD00 5F28020156", txn: 0x17, want: 0x10},
		{name: "domestic cashback", card: "9F07022180 5F28020528", back: 100},
		{name: "no domestic cashback", card: "9F0702FF40 5F28020528", back: 100, want: 0x10},
		{name: "international cashback", card: "9F07021140 5F28020156", back: 100},
		{name: "no international cashback", card: "9F0702FF80 5F28020156", back: 100, want: 0x10},
		{name: "without the issuer's country no test of it", card: "9F07020100"},
		{name: "a refund is neither goods nor cash", card: "9F07020100 5F28020528", txn: 0x20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Applications[0].Version = [2]byte{0, 2}
			cfg.AdditionalCapabilities[0] |= 0x80
			if tt.typ != 0 {
				cfg.Type = tt.typ
			}
			s := newTestSession(t, nil, cfg)
			s.txn.Type, s.txn.AmountOther = tt.txn, tt.back
			if err := s.addObjects(hx(tt.card)); err != nil {
				t.Fatal(err)
			}
			if s.icc.get(tlv.ApplicationExpirationDate) == nil {
				s.icc.add(tlv.ApplicationExpirationDate, hx("311231"))
			}
			if err := s.ProcessingRestrictions(); err != nil {
				t.Fatal(err)
			}
			if s.TVR() != [5]byte{0, tt.want} {
				t.Errorf("TVR %X: want byte 2 %02X", s.TVR(), tt.want)
			}
		})
	}
	for _, bad := range []string{"5F24033112FF", "5F2403311331", "5F2403310031", "5F2403311200", "5F2403311232", "5F2503AA0101 5F2403311231"} {
		s := newTestSession(t, nil, testConfig())
		if err := s.addObjects(hx(bad)); err != nil {
			t.Fatal(err)
		}
		if got := resultOf(s.ProcessingRestrictions()); got != "terminate" {
			t.Errorf("%s: %s: want terminate", bad, got)
		}
	}
}

func TestFloorLimit(t *testing.T) {
	tests := []struct {
		name                  string
		amount, logged, limit int64
		exceeded              bool
	}{
		{"below", 9999, 0, 10000, false},
		{"at the limit", 10000, 0, 10000, true},
		{"below with the log", 5000, 4999, 10000, false},
		{"at the limit with the log", 5000, 5000, 10000, true},
		{"no limit at all", 0, 0, 0, true},
		{"a log that makes no sense is not believed", 5000, -5000, 10000, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Applications[0].FloorLimit = tt.limit
			s := newTestSession(t, nil, cfg)
			number, err := pan.Parse("4761739001010119")
			if err != nil {
				t.Fatal(err)
			}
			s.number = number
			s.icc.add(tlv.ApplicationPANSequenceNumber, []byte{1})
			s.txn.Amount = tt.amount
			s.txn.LoggedAmount = func(n pan.PAN, sequence string) int64 {
				if n != number || sequence != "01" {
					t.Errorf("asked for %v %s", n, sequence)
				}
				return tt.logged
			}
			if got := s.checkFloorLimit(); got != tt.exceeded || tlv.TVRFloorLimitExceeded.In(s.tvr[:]) != tt.exceeded {
				t.Errorf("exceeded %v, TVR %X: want %v", got, s.tvr, tt.exceeded)
			}
		})
	}
}

func TestRandomSelection(t *testing.T) {
	tests := []struct {
		name     string
		amount   int64
		draw     string
		target   int
		most     int
		typ      byte
		selected bool
	}{
		{"below the threshold, at the target", 1999, "14", 20, 60, 0x22, true},
		{"below the threshold, above the target", 1999, "15", 20, 60, 0x22, false},
		{"half way to the limit", 6000, "28", 20, 60, 0x22, true},
		{"half way to the limit, above", 6000, "29", 20, 60, 0x22, false},
		{"just below the limit", 9999, "3B", 20, 60, 0x22, true},
		{"0 and 100 to 127 are not drawn", 1999, "00 64 7F E4 14", 20, 60, 0x22, true},
		{"the high bit does not matter", 1999, "94", 20, 60, 0x22, true},
		{"a target of 0 draws nothing", 1999, "", 0, 0, 0x22, false},
		{"99 selects all but 0", 1999, "63", 99, 99, 0x22, true},
		{"an offline-only terminal draws nothing", 1999, "", 99, 99, 0x23, false},
		{"an online-only terminal draws nothing", 1999, "", 99, 99, 0x24, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			a := &cfg.Applications[0]
			a.FloorLimit, a.Threshold, a.TargetPercent, a.MaxTargetPercent = 10000, 2000, tt.target, tt.most
			cfg.Type = tt.typ
			r := bytes.NewReader(hx(tt.draw))
			cfg.Rand = r
			s := newTestSession(t, nil, cfg)
			s.txn.Amount = tt.amount
			if err := s.selectRandomly(); err != nil {
				t.Fatal(err)
			}
			if got := tlv.TVRSelectedRandomlyForOnline.In(s.tvr[:]); got != tt.selected || r.Len() != 0 {
				t.Errorf("selected %v with %d bytes left: want %v", got, r.Len(), tt.selected)
			}
		})
	}
	cfg := testConfig()
	cfg.Applications[0].MaxTargetPercent = 50
	for _, source := range []io.Reader{bytes.NewReader(make([]byte, 1000)), bytes.NewReader(nil)} {
		cfg.Rand = source
		if err := newTestSession(t, nil, cfg).selectRandomly(); err == nil {
			t.Error("a source that gives nothing was believed")
		}
	}
}

func TestVelocity(t *testing.T) {
	tests := []struct {
		name     string
		atc, reg string
		want     string
	}{
		{"within both limits", "0005", "0003", "0000000000"},
		{"over the lower", "0006", "0003", "0000004000"},
		{"over both", "0008", "0003", "0000006000"},
		{"a counter that stands still", "0003", "0003", "0000006000"},
		{"a counter that went back", "0002", "0003", "0000006000"},
		{"a new card", "0001", "0000", "0008000000"},
		{"no register", "0005", "", "2000006000"},
		{"no counter", "", "0003", "2000006000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := newCannedCard()
			card.data = map[uint16][]byte{}
			if tt.atc != "" {
				card.data[0x9F36] = hx(tt.atc)
			}
			if tt.reg != "" {
				card.data[0x9F13] = hx(tt.reg)
			}
			s := newTestSession(t, card, testConfig())
			s.icc.add(tlv.LowerConsecutiveOfflineLimit, []byte{2})
			s.icc.add(tlv.UpperConsecutiveOfflineLimit, []byte{4})
			if err := s.checkVelocity(); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%X", s.tvr); got != tt.want {
				t.Errorf("TVR %s: want %s", got, tt.want)
			}
		})
	}
	card := newCannedCard()
	card.data = map[uint16][]byte{0x9F36: {1}}
	s := newTestSession(t, card, testConfig())
	s.icc.add(tlv.LowerConsecutiveOfflineLimit, []byte{2})
	if err := s.checkVelocity(); err != nil || len(card.sent) != 0 {
		t.Errorf("one limit alone: error %v, %d commands: want none", err, len(card.sent))
	}
	s.icc.add(tlv.UpperConsecutiveOfflineLimit, []byte{4})
	if got := resultOf(s.checkVelocity()); got != "terminate" {
		t.Errorf("a counter of one byte: %s: want terminate", got)
	}
}

func TestTerminalActionAnalysis(t *testing.T) {
	const cvmFailed = "0000800000"
	tests := []struct {
		name                 string
		tvr                  string
		denial, online, def  string // IAC; "" absent
		tacDenial, tacOnline string
		tacDefault           string
		typ                  byte
		want                 cryptogramType
		wantUnable           cryptogramType // second, if unable to go online
		arc                  string
	}{
		{name: "no bit set", tvr: "0000000000", typ: 0x22, want: tc, wantUnable: tc, arc: "Y1"},
		{name: "IAC denial", tvr: cvmFailed, denial: cvmFailed, typ: 0x22, want: aac, wantUnable: aac, arc: "Z1"},
		{name: "TAC denial", tvr: cvmFailed, tacDenial: cvmFailed, typ: 0x22, want: aac, wantUnable: aac, arc: "Z1"},
		{name: "denial comes before online", tvr: cvmFailed, denial: cvmFailed, online: cvmFailed, typ: 0x22, want: aac, wantUnable: aac, arc: "Z1"},
		{name: "IAC denial absent is zeros, online absent is ones", tvr: cvmFailed, typ: 0x22, want: arqc, wantUnable: aac},
		{name: "IAC online", tvr: cvmFailed, online: cvmFailed, def: "0000000000", typ: 0x22, want: arqc, wantUnable: tc},
		{name: "TAC online", tvr: cvmFailed, online: "0000000000", def: "0000000000", tacOnline: cvmFailed, typ: 0x25, want: arqc, wantUnable: tc},
		{name: "another bit than the action code's", tvr: cvmFailed, online: "FFFF7FFFFF", def: "FFFF7FFFFF", typ: 0x22, want: tc, wantUnable: tc, arc: "Y1"},
		{name: "TAC default when unable", tvr: cvmFailed, online: cvmFailed, def: "0000000000", tacDefault: cvmFailed, typ: 0x22, want: arqc, wantUnable: aac},
		{name: "default does not count for a terminal with online capability", tvr: cvmFailed, online: "0000000000", typ: 0x22, want: tc, wantUnable: aac, arc: "Y1"},
		{name: "an offline-only terminal has denial", tvr: cvmFailed, denial: cvmFailed, typ: 0x23, want: aac, wantUnable: aac, arc: "Z1"},
		{name: "an offline-only terminal skips online", tvr: cvmFailed, online: cvmFailed, def: "0000000000", typ: 0x23, want: tc, wantUnable: tc, arc: "Y1"},
		{name: "an offline-only terminal, default absent is ones", tvr: cvmFailed, online: "0000000000", typ: 0x26, want: aac, wantUnable: aac, arc: "Z1"},
		{name: "an online-only terminal goes online", tvr: "0000000000", typ: 0x21, want: arqc, wantUnable: tc},
		{name: "an online-only terminal, unattended", tvr: "0000000000", online: "0000000000", typ: 0x24, want: arqc, wantUnable: tc},
		{name: "an online-only terminal has denial", tvr: cvmFailed, denial: cvmFailed, typ: 0x34, want: aac, wantUnable: aac, arc: "Z1"},
	}
	code := func(s string) (c [5]byte) { copy(c[:], hx(s)); return c }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Type = tt.typ
			a := &cfg.Applications[0]
			a.TACDenial, a.TACOnline, a.TACDefault = code(tt.tacDenial), code(tt.tacOnline), code(tt.tacDefault)
			s := newTestSession(t, nil, cfg)
			s.tvr = code(tt.tvr)
			for tag, v := range map[tlv.Tag]string{tlv.IssuerActionCodeDenial: tt.denial, tlv.IssuerActionCodeOnline: tt.online, tlv.IssuerActionCodeDefault: tt.def} {
				if v != "" {
					s.icc.add(tag, hx(v))
				}
			}
			if err := s.TerminalActionAnalysis(); err != nil {
				t.Fatal(err)
			}
			if s.requested != tt.want || string(s.arc) != tt.arc {
				t.Errorf("asks for %v with %q: want %v, %q", s.requested, s.arc, tt.want, tt.arc)
			}
			if tt.want == aac {
				return
			}
			if got := s.decideFinally(); got != tt.wantUnable {
				t.Errorf("unable to go online: asks for %v: want %v", got, tt.wantUnable)
			}
		})
	}
}

func TestCryptogramResponse(t *testing.T) {
	const ac = "9F2608 1122334455667788"
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"format 1 without issuer data", "800B 80 0007 1122334455667788", true},
		{"format 1 with issuer data", "8012 80 0007 1122334455667788 06010A03A4A800", true},
		{"format 1 too short", "800A 80 0007 11223344556677", false},
		{"format 1 with 33 bytes of issuer data", "802C 80 0007 1122334455667788" + strings.Repeat("AA", 33), false},
		{"format 1 with 32 bytes of issuer data", "802B 80 0007 1122334455667788" + strings.Repeat("AA", 32), true},
		{"format 2", "7714 9F270180 9F36020007 " + ac, true},
		{"format 2 with issuer data and another", "771E 9F270180 9F36020007 " + ac + "9F1003060100 DF0101AA", true},
		{"format 2 without CID", "7710 9F36020007 " + ac, false},
		{"format 2 without ATC", "770F 9F270180 " + ac, false},
		{"format 2 without cryptogram", "7709 9F270180 9F36020007", false},
		{"format 2 with two cryptograms", "771F 9F270180 9F36020007 " + ac + ac, false},
		{"format 2 with a cryptogram of seven bytes", "7713 9F270180 9F36020007 9F2607 11223344556677", false},
		{"format 2 with a cryptogram of nine bytes", "7715 9F270180 9F36020007 9F2609 112233445566778899", false},
		{"format 2 with 33 bytes of issuer data", "7738 9F270180 9F36020007 " + ac + "9F1021" + strings.Repeat("AA", 33), false},
		{"another template", "7014 9F270180 9F36020007 " + ac, false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parseCryptogramResponse(hx(tt.in))
			if (err == nil) != tt.ok {
				t.Fatalf("error %v: want none: %v", err, tt.ok)
			}
			if err == nil && (c.cid[0] != 0x80 || !bytes.Equal(c.atc, []byte{0, 7}) || !bytes.Equal(c.ac, hx("1122334455667788"))) {
				t.Errorf("%X", c)
			}
		})
	}
}

func TestCryptogramInformationData(t *testing.T) {
	card := newCannedCard()
	card.ac = []acAnswer{{cid: 0x09}}
	o, err := Run(card, &testTerminal{}, testConfig(), testTransaction())
	if err != nil || o.Result != OfflineDeclined || !o.AdviceRequired || !o.ServiceNotAllowed {
		t.Errorf("%v %v, advice %v, service not allowed %v", o.Result, err, o.AdviceRequired, o.ServiceNotAllowed)
	}
	if o.SignatureRequired {
		t.Error("a signature for nothing")
	}
}

// The TC hash is SHA-1 over what the TDOL names; the terminal's default list sets its bit before the data are built.
func TestTCHash(t *testing.T) {
	for _, tt := range []struct {
		name, tdol, deflt, input string
		tvr                      byte
	}{
		{"the card's list", "9F0206 9C01", "9A03", "000000004200 00", 0},
		{"the terminal's default list", "", "9A03 9505", "260115 8000000080", 0x80},
		{"no list at all", "", "", "", 0x80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			card := newCannedCard()
			tdol := []byte(nil)
			if tt.tdol != "" {
				tdol = template(tlv.TDOL, hx(tt.tdol))
			}
			card.records[0x0202] = ok(template(0x70, hx("8C04 9505 9814 8D02 8A02"), tdol))
			o, err := Run(card, &testTerminal{}, cfgFor(func(c *Config) { c.Applications[0].DefaultTDOL = hx(tt.deflt) }), testTransaction())
			if err != nil || o.Result != OfflineApproved {
				t.Fatal(o.Result, o.Reason, err)
			}
			hash := sha1.Sum(hx(tt.input))
			want := append(append([]byte{0x80, 0, 0, 0, tt.tvr}, hash[:]...), 0)
			if got := card.commands(apdu.InsGenerateAC)[0][5:]; !bytes.Equal(got, want) {
				t.Errorf("data %X: want %X", got, want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		cfg  func(*Config)
		txn  func(*Transaction)
		err  string
	}{
		{name: "no source of randomness", cfg: func(c *Config) { c.Rand = nil }, err: "Rand"},
		{name: "country", cfg: func(c *Config) { c.CountryCode = 0 }, err: "9F1A"},
		{name: "currency", cfg: func(c *Config) { c.CurrencyCode = 1000 }, err: "5F2A"},
		{name: "exponent", cfg: func(c *Config) { c.CurrencyExponent = 10 }, err: "5F36"},
		{name: "terminal type", cfg: func(c *Config) { c.Type = 0x27 }, err: "9F35"},
		{name: "category", cfg: func(c *Config) { c.MerchantCategoryCode = 10000 }, err: "9F15"},
		{name: "serial number", cfg: func(c *Config) { c.InterfaceDeviceSerialNumber = "1" }, err: "9F1E"},
		{name: "terminal identification", cfg: func(c *Config) { c.TerminalIdentification = "123456789" }, err: "9F1C"},
		{name: "merchant identifier", cfg: func(c *Config) { c.MerchantIdentifier = "1234567890123456" }, err: "9F16"},
		{name: "merchant name", cfg: func(c *Config) { c.MerchantNameAndLocation = strings.Repeat("A", 256) }, err: "9F4E"},
		{name: "acquirer", cfg: func(c *Config) { c.AcquirerIdentifier = "12345A" }, err: "9F01"},
		{name: "CDA mode", cfg: func(c *Config) { c.CDAMode = 5 }, err: "CDAMode"},
		{name: "language", cfg: func(c *Config) { c.Languages = []string{"en", "ZH"} }, err: "Languages 1"},
		{name: "no key", cfg: func(c *Config) { c.CAPublicKeys = []*security.CAPublicKey{nil} }, err: "CAPublicKeys 0"},
		{name: "XDA is not announced", cfg: func(c *Config) { c.Capabilities[2] |= 0x04 }, err: "XDA"},
		{name: "no application", cfg: func(c *Config) { c.Applications = nil }, err: "0 applications"},
		{name: "AID", cfg: func(c *Config) { c.Applications[0].AID = hx("A0000000") }, err: "application 0: AID"},
		{name: "floor limit", cfg: func(c *Config) { c.Applications[0].FloorLimit = -1 }, err: "9F1B"},
		{name: "target", cfg: func(c *Config) { c.Applications[0].TargetPercent = 100 }, err: "TargetPercent"},
		{name: "maximum target below the target", cfg: func(c *Config) { c.Applications[0].TargetPercent = 5 }, err: "MaxTargetPercent"},
		{name: "threshold at the limit", cfg: func(c *Config) { c.Applications[0].Threshold = 10000 }, err: "Threshold"},
		{name: "risk management data", cfg: func(c *Config) { c.Applications[0].RiskManagementData = make([]byte, 9) }, err: "9F1D"},
		{name: "default DDOL", cfg: func(c *Config) { c.Applications[0].DefaultDDOL = hx("9F37") }, err: "DefaultDDOL"},
		{name: "default TDOL", cfg: func(c *Config) { c.Applications[0].DefaultTDOL = hx("9F37") }, err: "DefaultTDOL"},
		{name: "amount", txn: func(x *Transaction) { x.Amount = 1_000_000_000_000 }, err: "9F02"},
		{name: "negative amount", txn: func(x *Transaction) { x.Amount = -1 }, err: "9F02"},
		{name: "cashback above the amount", txn: func(x *Transaction) { x.AmountOther = 4201 }, err: "9F03"},
		{name: "transaction type", txn: func(x *Transaction) { x.Type = 0x0A }, err: "9C"},
		{name: "no time", txn: func(x *Transaction) { *x = Transaction{} }, err: "year 1"},
		{name: "sequence counter", txn: func(x *Transaction) { x.SequenceCounter = 100_000_000 }, err: "9F41"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			txn := testTransaction()
			if tt.txn != nil {
				tt.txn(&txn)
			}
			_, err := Run(newCannedCard(), &testTerminal{}, cfgFor(tt.cfg), txn)
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.HasPrefix(err.Error(), "emv: ") {
				t.Errorf("error %v: want one about %s", err, tt.err)
			}
		})
	}
	if _, err := Run(newCannedCard(), &testTerminal{}, nil, testTransaction()); err == nil {
		t.Error("no configuration was accepted")
	}
}

// A list that asks for more than a command can carry ends the transaction before the command.
func TestCDOLTooLong(t *testing.T) {
	for cdol, result := range map[string]Result{"9F0206 DF01F9": OfflineApproved, "9F0206 DF01FA": Terminated} {
		card := newCannedCard()
		card.records[0x0202] = ok(template(0x70, template(tlv.CDOL1, hx(cdol)), hx("8D028A02")))
		o, err := Run(card, &testTerminal{}, testConfig(), testTransaction())
		if err != nil || o.Result != result {
			t.Errorf("CDOL1 %s: %v %v %v: want %v", cdol, o.Result, o.Reason, err, result)
		}
		if n := len(card.commands(apdu.InsGenerateAC)); (n == 1) != (result == OfflineApproved) {
			t.Errorf("CDOL1 %s: %d commands", cdol, n)
		}
	}
}

// An amount beyond four bytes has no binary form: zeros where a card asks for it.
func TestLargeAmount(t *testing.T) {
	card := newCannedCard()
	card.records[0x0202] = ok(template(0x70, hx("8C05 8104 9F0206 8D02 8A02")))
	txn := testTransaction()
	txn.Amount = maxAmount
	o, err := Run(card, &testTerminal{}, cfgFor(func(c *Config) { c.Applications[0].FloorLimit = maxAmount; c.Type = 0x23 }), txn)
	if err != nil || o.Result != OfflineApproved {
		t.Fatal(o.Result, o.Reason, err)
	}
	if got := card.commands(apdu.InsGenerateAC)[0]; !bytes.Equal(got, hx("80AE40000A 00000000 999999999999 00")) {
		t.Errorf("%X", got)
	}
}

func FuzzAFL(f *testing.F) {
	f.Add(hx("080202001001040018010201"))
	f.Add(hx("5801FF00 6001FF00"))
	f.Fuzz(func(t *testing.T, afl []byte) {
		n := 0
		s := newTestSession(t, cardFunc(func([]byte) ([]byte, error) { n++; return hx("70009000"), nil }), testConfig())
		s.icc.add(tlv.ApplicationFileLocator, afl)
		if got := resultOf(s.ReadApplicationData()); got != "terminate" { // mandatory objects are missing
			t.Fatalf("%s", got)
		}
		if n > maxRecords {
			t.Fatalf("%d records", n)
		}
	})
}

// Whatever a card answers, a transaction ends.
func FuzzRun(f *testing.F) {
	seed := func(c *cannedCard) {
		var answers [][]byte
		Run(cardFunc(func(command []byte) ([]byte, error) {
			a, err := c.Transmit(command)
			answers = append(answers, append([]byte{byte(len(a))}, a...))
			return a, err
		}), &testTerminal{online: answersNothing}, cfgFor(alwaysOnline), testTransaction())
		f.Add(bytes.Join(answers, nil))
	}
	seed(newCannedCard())
	c := newCannedCard()
	c.records[0x0101] = ok(template(0x70, hx("9F140102 9F230104")))
	c.data = map[uint16][]byte{0x9F36: {0, 5}, 0x9F13: {0, 1}}
	seed(c)
	f.Fuzz(func(t *testing.T, answers []byte) {
		commands := 0
		card := cardFunc(func(command []byte) ([]byte, error) {
			if commands++; commands > 2000 {
				t.Fatal("the transaction does not end")
			}
			if _, err := apdu.ParseCommand(command); err != nil {
				t.Fatal(err)
			}
			if len(answers) == 0 {
				return sw(0x6D00), nil
			}
			n := min(int(answers[0]), len(answers)-1)
			a := answers[1 : 1+n]
			answers = answers[1+n:]
			return a, nil
		})
		o, err := Run(card, &testTerminal{online: answersNothing, choose: chooses(0, nil), pin: enters(PINBypassed, nil)}, cfgFor(alwaysOnline), testTransaction())
		if err == nil && (o.Result == 0 || o.Result.String() == "unknown") {
			t.Fatalf("result %v", o.Result)
		}
	})
}

func answersNothing(*Session) (OnlineAnswer, error) { return OnlineAnswer{}, nil }
