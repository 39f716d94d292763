package card_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// Whole transactions of every chip profile: the ARQC verifies at the issuer, the card verifies the ARPC, and its TC verifies.
func TestOnlineTransaction(t *testing.T) {
	for name := range aids {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, profile(t, name))
			for n := 1; n <= 3; n++ {
				o := d.start()
				if !bytes.Equal(o[0x5F24], append(unhex(t, d.p.Expiry.YYMM()), bcdDay(d.p))) {
					t.Errorf("tag 5F24: %X", o[0x5F24])
				}
				if want := strings.ReplaceAll(track2(d.p), "=", "D"); !strings.HasPrefix(hex.EncodeToString(o[0x57]), strings.ToLower(want)) {
					t.Errorf("tag 57 is not track 2")
				}
				first := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
				if first.cid != 0x80 || !bytes.Equal(first.atc, []byte{0, byte(n)}) {
					t.Fatalf("first: CID %02X, ATC %X", first.cid, first.atc)
				}
				h := d.verify(o, first, terminalData)
				second := d.complete(o, 0x40, "00", h.answer(t, true))
				if second.cid != 0x40 {
					t.Fatalf("second: CID %02X, want a TC", second.cid)
				}
				d.verify(o, second, terminalData)
				cvr, err := h.version.CVR(second.iad)
				if err != nil {
					t.Fatal(err)
				}
				at := 0
				if len(cvr) == 4 {
					at = 1 // after its length
				}
				if cvr[at]&0xF0 != 0x60 { // second a TC, first an ARQC
					t.Errorf("CVR %X", cvr)
				}
				if k := d.c.Counters()[0]; k.ATC != uint16(n) || k.LastOnlineATC != uint16(n) {
					t.Errorf("counters %+v", k)
				}
				if got := d.want("80CA9F1300", "9000"); !bytes.Equal(got, []byte{0x9F, 0x13, 2, 0, byte(n)}) {
					t.Errorf("last online ATC %X", got)
				}
			}
		})
	}
}

func bcdDay(p *card.Profile) byte {
	return byte(p.Expiry.LastDay().Day()/10<<4 | p.Expiry.LastDay().Day()%10)
}

func track2(p *card.Profile) string { _, t := p.Stripe(); return t }

// toARQC runs a transaction to its ARQC.
func (d *desk) toARQC() (map[uint32][]byte, host) {
	d.t.Helper()
	o := d.start()
	g := d.generateAC(0x80, fill(d.t, o[0x8C], terminalData))
	if g.cid != 0x80 {
		d.t.Fatalf("CID %02X, want an ARQC", g.cid)
	}
	return o, d.verify(o, g, terminalData)
}

func TestIssuerAuthenticationDecidesTheSecondCryptogram(t *testing.T) {
	lenient := func(src string) string {
		return strings.Replace(src, "      aip:", "      wrong_arpc: lenient\n      aip:", 1)
	}
	required := func(src string) string {
		return strings.Replace(src, "      aip:", "      require_arpc: true\n      aip:", 1)
	}
	wrong := func(b []byte) []byte { b[0] ^= 1; return b }
	none := func([]byte) []byte { return nil }
	right := func(b []byte) []byte { return b }
	tests := []struct {
		name     string
		change   func(string) string
		approved bool
		data     func([]byte) []byte
		asked    byte
		want     byte
		online   bool // the card counts it as completed online
	}{
		{"right ARPC, TC asked", nil, true, right, 0x40, 0x40, true},
		{"right ARPC, AAC asked", nil, true, right, 0x00, 0x00, true},
		{"wrong ARPC, strict card", nil, true, wrong, 0x40, 0x00, false},
		{"wrong ARPC, lenient card", lenient, true, wrong, 0x40, 0x40, false},
		{"wrong ARPC, lenient card, AAC asked", lenient, true, wrong, 0x00, 0x00, false},
		{"no ARPC", nil, true, none, 0x40, 0x40, true},
		{"no ARPC, card that requires one", required, true, none, 0x40, 0x00, false},
		{"right ARPC, card that requires one", required, true, right, 0x40, 0x40, true},
	}
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit"} {
		for _, test := range tests {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				src := source(t, name)
				if test.change != nil {
					src = test.change(src)
				}
				p, err := card.ParseProfile(name+".yaml", []byte(src))
				if err != nil {
					t.Fatal(err)
				}
				d := newDesk(t, p)
				o, h := d.toARQC()
				g := d.complete(o, test.asked, "00", test.data(h.answer(t, test.approved)))
				if g.cid != test.want {
					t.Errorf("CID %02X, want %02X", g.cid, test.want)
				}
				d.verify(o, g, terminalData)
				if got := d.c.Counters()[0].LastOnlineATC == 1; got != test.online {
					t.Errorf("completed online: %v, want %v", got, test.online)
				}
			})
		}
	}
}

// The issuer's decline reaches the card inside what the ARPC covers: a terminal that asks for a TC all the same gets none.
func TestCardObeysADeclineThatIsAuthenticated(t *testing.T) {
	for _, name := range []string{"visa-debit", "mc-credit"} {
		d := newDesk(t, profile(t, name))
		o, h := d.toARQC()
		if g := d.complete(o, 0x40, "00", h.answer(t, false)); g.cid != 0x00 {
			t.Errorf("%s: CID %02X, want an AAC", name, g.cid)
		}
	}
}

func TestExternalAuthenticate(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	d.want("0082000008"+strings.Repeat("00", 8), "6985") // nothing selected
	d.start()
	d.want("0082000008"+strings.Repeat("00", 8), "6985") // before the ARQC
	d = newDesk(t, d.p)
	_, h := d.toARQC()
	ida := h.answer(t, true)
	d.want(fmt.Sprintf("80820000%02X%X", len(ida), ida), "6E00")
	d.want(fmt.Sprintf("00820001%02X%X", len(ida), ida), "6A86")
	d.want(fmt.Sprintf("0082000007%X", ida[:7]), "6700")
	d.want(fmt.Sprintf("0082000011%X%X", ida, ida[:7]), "6700")
	d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "9000")
	d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "6985") // once

	d = newDesk(t, d.p)
	_, h = d.toARQC()
	ida = h.answer(t, true)
	ida[9] ^= 1 // the code that the ARPC covers
	d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "6300")
	ida[9] ^= 1
	d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "6985") // no second try

	d = newDesk(t, profile(t, "mc-credit"))
	_, h = d.toARQC()
	ida = h.answer(t, true)
	d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "6985") // its AIP does not offer it
}

// What the card tells its issuer, bit by bit: the bytes are written out from the specifications' public descriptions.
func TestCardVerificationResults(t *testing.T) {
	wrong := func(b []byte) []byte { b[0] ^= 1; return b }
	right := func(b []byte) []byte { return b }
	none := func([]byte) []byte { return nil }
	tests := []struct {
		name, card, arc      string
		data                 func([]byte) []byte
		first, second, again string // of the next transaction's ARQC
	}{
		{"approved", "visa-credit", "00", right, "03A01000", "03601000", "03A00000"},
		{"wrong ARPC", "visa-credit", "00", wrong, "03A01000", "03281000", "03A09800"},
		{"no ARPC", "visa-credit", "00", none, "03A01000", "03601400", "03A00000"},
		{"unable to go online", "visa-credit", "Y3", none, "03A01000", "03611000", "03A09000"},
		{"approved", "cup-debit", "00", right, "03A01000", "03601000", "03A00000"},
		{"approved", "mc-credit", "00", right, "A00000200000", "601000200000", "A00000200000"},
		{"wrong ARPC", "mc-credit", "00", wrong, "A00000200000", "200000200400", "A00000200400"},
		{"unable to go online", "mc-credit", "Y3", none, "A00000200000", "600000600000", "A00000200000"},
	}
	for _, test := range tests {
		t.Run(test.card+"/"+test.name, func(t *testing.T) {
			d := newDesk(t, profile(t, test.card))
			cvr := func(version security.Version, iad []byte) string {
				t.Helper()
				b, err := version.CVR(iad)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%X", b)
			}
			o := d.start()
			g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
			h := d.verify(o, g, terminalData)
			if got := cvr(h.version, g.iad); got != test.first {
				t.Errorf("first CVR %s, want %s", got, test.first)
			}
			g = d.complete(o, 0x40, test.arc, test.data(h.answer(t, true)))
			if got := cvr(h.version, g.iad); got != test.second {
				t.Errorf("second CVR %s, want %s", got, test.second)
			}
			d.start()
			if got := cvr(h.version, d.generateAC(0x80, fill(t, o[0x8C], terminalData)).iad); got != test.again {
				t.Errorf("next CVR %s, want %s", got, test.again)
			}
		})
	}
}

func TestOfflineLimits(t *testing.T) {
	d := newDesk(t, profile(t, "visa-offline")) // lower limit 5, upper 8
	offline := func(asked byte, terminalType string) (map[uint32][]byte, generated) {
		t.Helper()
		o := d.start()
		data := with(map[uint32]string{0x9F35: terminalType})
		g := d.generateAC(asked, fill(t, o[0x8C], data))
		d.verify(o, g, data)
		return o, g
	}
	for n := range 5 {
		if _, g := offline(0x40, "22"); g.cid != 0x40 {
			t.Fatalf("transaction %d: CID %02X, want a TC", n+1, g.cid)
		}
	}
	o, g := offline(0x40, "22")
	if g.cid != 0x80 {
		t.Fatalf("over the lower limit: CID %02X, want an ARQC", g.cid)
	}
	if g := d.complete(o, 0x40, "Y3", nil); g.cid != 0x40 { // unable to go online: up to the upper limit
		t.Fatalf("unable to go online: CID %02X, want a TC", g.cid)
	}
	for range 2 {
		if _, g := offline(0x40, "23"); g.cid != 0x40 { // a terminal that is offline only
			t.Fatalf("below the upper limit: CID %02X, want a TC", g.cid)
		}
	}
	if _, g := offline(0x40, "23"); g.cid != 0x00 {
		t.Fatalf("over the upper limit: CID %02X, want an AAC", g.cid)
	}
	o, g = offline(0x40, "22")
	if g.cid != 0x80 {
		t.Fatalf("CID %02X, want an ARQC", g.cid)
	}
	if g := d.complete(o, 0x40, "Y3", nil); g.cid != 0x00 {
		t.Fatalf("unable to go online over the upper limit: CID %02X, want an AAC", g.cid)
	}
	o, g = offline(0x80, "22")
	h := d.verify(o, g, terminalData)
	if g := d.complete(o, 0x40, "00", h.answer(t, true)); g.cid != 0x40 {
		t.Fatalf("online: CID %02X, want a TC", g.cid)
	}
	if k := d.c.Counters()[0]; k.ConsecutiveOffline != 0 || k.LastOnlineATC != k.ATC {
		t.Errorf("counters after an online approval: %+v", k)
	}
	if _, g := offline(0x40, "22"); g.cid != 0x40 {
		t.Errorf("after an online approval: CID %02X, want a TC", g.cid)
	}
	if _, g := offline(0x00, "22"); g.cid != 0x00 {
		t.Errorf("AAC asked: CID %02X", g.cid)
	}
}

// The results tell the issuer which limit made the card go online.
func TestLimitsInVerificationResults(t *testing.T) {
	tests := []struct {
		name, family, version  string
		under, lower, andUpper string // the byte of limits after 0, 1 and 2 offline approvals
		at                     int    // in the CVR
	}{
		{"short", "visa", "visa-cvn10", "10", "30", "30", 2}, // 10: new card
		{"long", "mc", "mc-cvn20", "00", "80", "C0", 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := source(t, "visa-offline")
			src = edit(t, src, "lower_limit: 5", "lower_limit: 1")
			src = edit(t, src, "upper_limit: 8", "upper_limit: 2")
			src = edit(t, src, "cryptogram: visa\n", "cryptogram: "+test.family+"\n")
			p, err := card.ParseProfile("visa-offline.yaml", []byte(edit(t, src, "visa-cvn10", test.version)))
			if err != nil {
				t.Fatal(err)
			}
			d := newDesk(t, p)
			for n, want := range []string{test.under, test.lower, test.andUpper} {
				o := d.start()
				data := with(map[uint32]string{0x9F35: "23"}) // offline only: the lower limit does not stop it
				g := d.generateAC(0x40, fill(t, o[0x8C], data))
				cvr, err := d.verify(o, g, data).version.CVR(g.iad)
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprintf("%02X", cvr[test.at]); got != want {
					t.Errorf("after %d: CVR %X: %s, want %s", n, cvr, got, want)
				}
			}
		})
	}
}

func TestNewCardGoesOnline(t *testing.T) {
	src := edit(t, source(t, "visa-offline"), "lower_limit: 5", "lower_limit: 5\n        new_card_online: true")
	p, err := card.ParseProfile("visa-offline.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	first := func(terminalType string) (*desk, map[uint32][]byte, generated) {
		d := newDesk(t, p)
		o := d.start()
		return d, o, d.generateAC(0x40, fill(t, o[0x8C], with(map[uint32]string{0x9F35: terminalType})))
	}
	if _, _, g := first("23"); g.cid != 0x00 {
		t.Errorf("terminal that cannot go online: CID %02X, want an AAC", g.cid)
	}
	d, o, g := first("22")
	if g.cid != 0x80 {
		t.Fatalf("CID %02X, want an ARQC", g.cid)
	}
	if g := d.complete(o, 0x40, "Y3", nil); g.cid != 0x00 {
		t.Errorf("unable to go online: CID %02X, want an AAC", g.cid)
	}
	d, o, g = first("22")
	d.complete(o, 0x40, "00", d.verify(o, g, terminalData).answer(t, true))
	o = d.start()
	if g := d.generateAC(0x40, fill(t, o[0x8C], terminalData)); g.cid != 0x40 {
		t.Errorf("no longer new: CID %02X, want a TC", g.cid)
	}
}

// Method 2 has eight bytes, or more if its card status update says so; what a longer place in CDOL2 adds is padding.
func TestPaddedIssuerAuthenticationData(t *testing.T) {
	src := edit(t, edit(t, source(t, "visa-debit"), `aip: "1C00"`, `aip: "1800"`), `8D: "8A 02`, `8D: "91 10 8A 02`)
	p, err := card.ParseProfile("visa-debit.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, proprietary := range []string{"", "0102030405060708"} {
		d := newDesk(t, p)
		o, h := d.toARQC()
		a := security.IssuerAnswer{Approved: true, Proprietary: unhex(t, proprietary)}
		if proprietary != "" {
			a.CardStatusUpdate[0] = 0x80
		}
		data, err := h.session.IssuerAuthenticationData(h.arqc, a)
		if err != nil {
			t.Fatal(err)
		}
		if g := d.complete(o, 0x40, "00", data); g.cid != 0x40 || d.c.Counters()[0].LastOnlineATC != 1 {
			t.Errorf("%d bytes: CID %02X, want a TC", len(data), g.cid)
		}
	}
}

// Where the AIP offers EXTERNAL AUTHENTICATE, that is the way, and a tag 91 in CDOL2 is not looked at.
func TestOneWayOfIssuerAuthentication(t *testing.T) {
	p, err := card.ParseProfile("visa-credit.yaml", []byte(edit(t, source(t, "visa-credit"), `8D: "8A 02`, `8D: "91 0A 8A 02`)))
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, p)
	o, _ := d.toARQC()
	cdol2 := fill(t, o[0x8D], with(map[uint32]string{0x8A: "3030", 0x91: "11223344556677883030"}))
	if g := d.generateAC(0x40, cdol2); g.cid != 0x40 {
		t.Errorf("CID %02X, want a TC", g.cid)
	}
}

// Every byte of the terminal's data that the version covers changes the cryptogram, and nothing else does.
func TestCryptogramCoversTheTerminalsData(t *testing.T) {
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit"} {
		d := newDesk(t, profile(t, name))
		o := d.start()
		data := fill(t, o[0x8C], terminalData)
		list, err := tlv.ParseDOL(o[0x8C])
		if err != nil {
			t.Fatal(err)
		}
		covered := map[uint32]bool{}
		for _, e := range security.Elements() {
			covered[e.Tag] = true
		}
		fresh := func(data []byte) [8]byte {
			d := newDesk(t, d.p)
			d.start()
			return d.generateAC(0x80, data).ac
		}
		right := fresh(data)
		at := 0
		for _, e := range list {
			for range int(e.Length) {
				changed := bytes.Clone(data)
				changed[at] ^= 0x01
				if same := fresh(changed) == right; same == covered[e.Tag] {
					t.Errorf("%s: tag %02X, byte %d of CDOL1: changes the cryptogram: %v", name, e.Tag, at, !same)
				}
				at++
			}
		}
	}
}

// A profile may hold each cryptogram version of the table: all of them run a whole transaction.
func TestEveryVersion(t *testing.T) {
	base := map[string]string{"visa": "visa-credit", "mc": "mc-credit", "cup": "cup-debit"}
	was := map[string]string{"visa": "visa-cvn10", "mc": "mc-cvn20", "cup": "cup-cvn01"}
	for _, v := range security.Versions() {
		for _, format := range []string{"1", "2"} {
			t.Run(v.String()+"/format "+format, func(t *testing.T) {
				src := edit(t, source(t, base[v.Family()]), "cryptogram: "+was[v.Family()], "cryptogram: "+v.String())
				p, err := card.ParseProfile(base[v.Family()]+".yaml", []byte(edit(t, src, "format: 2", "format: "+format)))
				if err != nil {
					t.Fatal(err)
				}
				d := newDesk(t, p)
				o, h := d.toARQC()
				if h.version != v {
					t.Fatalf("version %v, want %v", h.version, v)
				}
				if g := d.complete(o, 0x40, "00", h.answer(t, true)); g.cid != 0x40 {
					t.Errorf("CID %02X, want a TC", g.cid)
				}
			})
		}
	}
}

func TestATCIsSpentOnce(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	for range 0xFFFF {
		d.selectAID()
		d.want("80A8000002830000", "9000")
	}
	d.selectAID()
	d.want("80A8000002830000", "6985")
}
