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

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// desk is a terminal of hand-written commands.
type desk struct {
	t testing.TB
	p *card.Profile
	c *card.Card
}

func newDesk(t testing.TB, p *card.Profile) *desk {
	t.Helper()
	c, err := card.New(p)
	if err != nil {
		t.Fatal(err)
	}
	c.Reset()
	return &desk{t, p, c}
}

// send sends a command and returns data and status word in hex.
func (d *desk) send(command string) (data []byte, sw string) {
	d.t.Helper()
	r, err := d.c.Transmit(unhex(d.t, command))
	if err != nil || len(r) < 2 {
		d.t.Fatalf("%s: %X, %v", command, r, err)
	}
	return r[:len(r)-2], fmt.Sprintf("%X", r[len(r)-2:])
}

func (d *desk) want(command, sw string) []byte {
	d.t.Helper()
	data, got := d.send(command)
	if got != sw {
		d.t.Fatalf("%s: %s, want %s", command, got, sw)
	}
	return data
}

var aids = map[string]string{
	"visa-credit": "A0000000031010", "visa-debit": "A0000000031010", "visa-offline": "A0000000031010", "visa-expired": "A0000000031010",
	"mc-credit": "A0000000041010", "cup-debit": "A000000333010101", "cup-credit": "A000000333010102",
}

func (d *desk) selectAID() []byte {
	d.t.Helper()
	aid := aids[d.p.Name]
	return d.want(fmt.Sprintf("00A40400%02X%s00", len(aid)/2, aid), "9000")
}

// terminalData is what the terminal fills in. Its TVR is arbitrary.
var terminalData = map[uint32]string{
	0x9F02: "000000012345", 0x9F03: "000000000000", 0x9F1A: "0156", 0x95: "8000048000", 0x5F2A: "0156", 0x9A: "260302", 0x9C: "00",
	0x9F37: "52BF4585", 0x9F35: "22", 0x9F34: "020300", 0x9F33: "60F8C8", 0x9F21: "101112", 0x9F4E: strings.Repeat("41", 20),
}

func fill(t testing.TB, dol []byte, data map[uint32]string) []byte {
	t.Helper()
	out, err := tlv.FillDOL(nil, dol, func(tag tlv.Tag) []byte { return unhex(t, data[tag]) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// start selects, starts a transaction and reads all records; it returns every object the card gave.
func (d *desk) start() map[uint32][]byte {
	d.t.Helper()
	objects := map[uint32][]byte{}
	collect(d.t, d.selectAID(), objects)
	pdol := fill(d.t, objects[0x9F38], terminalData)
	body := append([]byte{0x83, byte(len(pdol))}, pdol...)
	gpo := d.want(fmt.Sprintf("80A80000%02X%X00", len(body), body), "9000")
	if gpo[0] == 0x80 {
		objects[0x82], objects[0x94] = gpo[2:4], gpo[4:]
	} else {
		collect(d.t, gpo, objects)
	}
	afl := objects[0x94]
	for i := 0; i < len(afl); i += 4 {
		for n := afl[i+1]; n <= afl[i+2]; n++ {
			collect(d.t, d.want(fmt.Sprintf("00B2%02X%02X00", n, afl[i]|4), "9000"), objects)
		}
	}
	return objects
}

func collect(t testing.TB, b []byte, into map[uint32][]byte) {
	t.Helper()
	r := tlv.NewReader(b)
	for r.Next() {
		if tlv.Constructed(r.Tag()) {
			collect(t, r.Value(), into)
			continue
		}
		into[r.Tag()] = bytes.Clone(r.Value())
	}
	if r.Err() != nil {
		t.Fatalf("%X: %v", b, r.Err())
	}
}

// generated is an answer to GENERATE AC.
type generated struct {
	cid byte
	atc []byte
	ac  [8]byte
	iad []byte
}

func (d *desk) generateAC(p1 byte, data []byte) generated {
	d.t.Helper()
	r := d.want(fmt.Sprintf("80AE%02X00%02X%X00", p1, len(data), data), "9000")
	if r[0] == 0x80 {
		return generated{r[2], r[3:5], [8]byte(r[5:13]), r[13:]}
	}
	o := map[uint32][]byte{}
	collect(d.t, r, o)
	return generated{o[0x9F27][0], o[0x9F36], [8]byte(o[0x9F26]), o[0x9F10]}
}

// host is the issuer of the card: it recomputes everything from the data that travelled, through the functions that known
// answers prove.
type host struct {
	version security.Version
	session *security.Session
	arqc    [8]byte
}

func (d *desk) verify(o map[uint32][]byte, g generated, data map[uint32]string) host {
	d.t.Helper()
	i := &d.p.Issuer
	version, err := security.VersionFor(i.Cryptogram, g.iad)
	if err != nil {
		d.t.Fatal(err)
	}
	mk, err := security.ICCMasterKey(i.IssuerMasterKey(), d.p.PAN.Digits(), d.p.PANSequenceNumber, i.Derivation)
	if err != nil {
		d.t.Fatal(err)
	}
	input, err := version.Input(func(tag uint32) []byte {
		switch tag {
		case 0x82:
			return o[0x82]
		case 0x9F36:
			return g.atc
		case 0x9F10:
			return g.iad
		}
		return unhex(d.t, data[tag])
	})
	if err != nil {
		d.t.Fatal(err)
	}
	key, err := version.Key(mk, g.atc, unhex(d.t, data[0x9F37]))
	if err != nil {
		d.t.Fatal(err)
	}
	want, err := version.Cryptogram(key, input)
	if err != nil {
		d.t.Fatal(err)
	}
	if g.ac != want {
		d.t.Fatalf("cryptogram %X, want %X over %X", g.ac, want, input)
	}
	m, err := security.NewMasterKey(mk)
	if err != nil {
		d.t.Fatal(err)
	}
	session, err := version.Session(m, g.atc, unhex(d.t, data[0x9F37]))
	if err != nil {
		d.t.Fatal(err)
	}
	return host{version, session, g.ac}
}

func (h host) answer(t testing.TB, approved bool) []byte {
	t.Helper()
	arc := [2]byte{'0', '0'}
	if !approved {
		arc = [2]byte{'0', '5'}
	}
	data, err := h.session.IssuerAuthenticationData(h.arqc, security.IssuerAnswer{AuthorisationResponseCode: arc, Approved: approved})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func with(more map[uint32]string) map[uint32]string {
	all := map[uint32]string{}
	for k, v := range terminalData {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// complete sends the issuer's answer by the way the card offers and asks for the second cryptogram.
func (d *desk) complete(o map[uint32][]byte, p1 byte, arc string, ida []byte) generated {
	d.t.Helper()
	if o[0x82][0]&0x04 != 0 && ida != nil {
		d.send(fmt.Sprintf("00820000%02X%X", len(ida), ida))
	}
	return d.generateAC(p1, fill(d.t, o[0x8D], with(map[uint32]string{0x8A: hex.EncodeToString([]byte(arc)), 0x91: hex.EncodeToString(ida)})))
}

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

// An ARQC that got no second GENERATE AC is remembered, over a power cut too: the next transaction says so and goes online.
func TestIncompleteOnlineTransactionIsRemembered(t *testing.T) {
	d := newDesk(t, profile(t, "visa-offline"))
	d.toARQC()
	d.c.Reset()
	o := d.start()
	g := d.generateAC(0x40, fill(t, o[0x8C], terminalData))
	if g.cid != 0x80 || g.iad[5]&0x80 == 0 {
		t.Errorf("CID %02X, IAD %X: want an ARQC that tells of the last one", g.cid, g.iad)
	}
}

func TestResetClearsTheTransactionAndKeepsCounters(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	o, _ := d.toARQC()
	atr := d.c.Reset()
	if !bytes.Equal(atr, unhex(t, "3B650000706F73696D")) {
		t.Errorf("answer to reset %X", atr)
	}
	cdol2 := fill(t, o[0x8D], with(map[uint32]string{0x8A: "3030"}))
	d.want(fmt.Sprintf("80AE4000%02X%X00", len(cdol2), cdol2), "6985")
	d.want("00B2011400", "6985")
	d.selectAID()
	if got := d.want("80CA9F3600", "9000"); !bytes.Equal(got, unhex(t, "9F36020001")) {
		t.Errorf("ATC %X", got)
	}
	if got := d.want("80CA9F1300", "9000"); !bytes.Equal(got, unhex(t, "9F13020000")) { // nothing was completed online
		t.Errorf("last online ATC %X", got)
	}
}

// T=1 needs more of an answer to reset: TD1, TD2, TA3 (IFSC), TB3 (waiting times), and a checksum over all but the first byte.
func TestAnswerToResetT1(t *testing.T) {
	atr := newDesk(t, profile(t, "visa-debit")).c.Reset()
	if want := unhex(t, "3BE500008131FE45706F73696D"); !bytes.Equal(atr[:len(atr)-1], want) {
		t.Fatalf("answer to reset %X", atr)
	}
	sum := byte(0)
	for _, b := range atr[1:] {
		sum ^= b
	}
	if sum != 0 {
		t.Errorf("checksum leaves %02X", sum)
	}
}

func TestPaymentSystemEnvironment(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	got := d.want("00A404000E315041592E5359532E444446303100", "9000")
	if want := unhex(t, "6F1E 840E315041592E5359532E4444463031 A50C 880101 5F2D047A68656E"); !bytes.HasPrefix(got[2:], want[2:18]) || !bytes.Contains(got, unhex(t, "880101")) {
		t.Errorf("FCI %X", got)
	}
	record := d.want("00B2010C00", "9000")
	if want := unhex(t, "701B 6119 4F07A0000000031010 500B 5649534120435245444954 870101"); !bytes.Equal(record, want) {
		t.Errorf("record %X, want %X", record, want)
	}
	d.want("00B2020C00", "6A83")
	d.want("00B2011400", "6A82")
	d.want("80A8000002830000", "6985") // the directory is no application
}

func TestSelect(t *testing.T) {
	src := edit(t, source(t, "visa-credit"), "  applications:\n", "  applications:\n"+second(t))
	p, err := card.ParseProfile("two.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, p)
	name := func(command, sw string) string {
		t.Helper()
		o := map[uint32][]byte{}
		collect(t, d.want(command, sw), o)
		return fmt.Sprintf("%X", o[0x84])
	}
	const rid = "A000000003"
	if got := name("00A4040005"+rid+"00", "9000"); got != "A0000000032010" {
		t.Errorf("first by partial name: %s", got)
	}
	if got := name("00A4040205"+rid+"00", "9000"); got != "A0000000031010" {
		t.Errorf("next: %s", got)
	}
	d.want("00A4040205"+rid+"00", "6A82")
	if got := name("00A4040007A000000003101000", "9000"); got != "A0000000031010" {
		t.Errorf("whole name: %s", got)
	}
	if got := name("00A4040007A000000003201000", "9000"); got != "A0000000032010" {
		t.Errorf("whole name: %s", got)
	}
	d.want("00A4040205"+rid+"00", "6A82") // the last name was another: there is nothing that this could be next to
	d.want("00A4040007A000000004101000", "6A82")
	d.want("00A4040004A000000000", "6700")
	d.want("00A4000007A000000003101000", "6A86")
	d.want("00A4040107A000000003101000", "6A86")
	d.want("01A4040007A000000003101000", "6E00")

	blocked, err := card.ParseProfile("x.yaml", []byte(edit(t, source(t, "visa-credit"), "priority: 1", "blocked: true")))
	if err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, blocked)
	if got := name("00A4040007A000000003101000", "6283"); got != "A0000000031010" {
		t.Errorf("blocked application: %s", got)
	}
	d.want("80A8000002830000", "6985")
	if got := d.c.Counters()[0].ATC; got != 0 {
		t.Errorf("a refused GET PROCESSING OPTIONS counted: ATC %d", got)
	}
	dead, err := card.ParseProfile("x.yaml", []byte(edit(t, source(t, "visa-credit"), "  protocol:", "  blocked: true\n  protocol:")))
	if err != nil {
		t.Fatal(err)
	}
	newDesk(t, dead).want("00A404000E315041592E5359532E444446303100", "6A81")
}

// second is the application of visa-credit once more, under another AID.
func second(t *testing.T) string {
	src := source(t, "visa-credit")
	from := strings.Index(src, "    - aid:")
	to := strings.Index(src, "\nissuer:")
	return strings.Replace(src[from:to], "A0000000031010", "A0000000032010", 1)
}

func TestSequenceAndForm(t *testing.T) {
	d := newDesk(t, profile(t, "visa-debit")) // has a PDOL of five bytes
	d.want("80A800000983079F33039F1A0200", "6985")
	d.want("80CA9F3600", "6985")
	d.want("80AE800000", "6985")
	d.selectAID()
	d.want("00B2010C00", "6985") // before GET PROCESSING OPTIONS
	d.want("80AE800000", "6985")
	d.want("80A8000002830000", "6700")         // PDOL data missing
	d.want("80A8000006830460F8C80100", "6700") // one byte short
	d.want("80A8000007840560F8C8015600", "6700")
	d.want("80A80000", "6700")
	d.want("80A8000107830560F8C8015600", "6A86")
	d.want("00A8000007830560F8C8015600", "6E00")
	if d.c.Counters()[0].ATC != 0 {
		t.Error("refused commands counted")
	}
	d.want("80A8000007830560F8C8015600", "9000")
	d.want("80A8000007830560F8C8015600", "6985") // once per selection
	if d.c.Counters()[0].ATC != 1 {
		t.Error("ATC is not 1")
	}
	d.want("00B2011400", "9000")
	d.want("00B2031400", "6A83")
	d.want("00B2011C00", "6A82")
	d.want("00B2001400", "6A86")
	d.want("00B2011500", "6A86")
	d.want("00B20114010000", "6700")
	d.want("80B2011400", "6E00")
	d.want("80CA9F1700", "9000")
	d.want("80CA9F4F00", "6A88")
	d.want("80CA9F36010000", "6700")
	d.want("80AE80000100", "6700") // CDOL1 is longer
	d.want("80AEC0000100", "6A86") // no such cryptogram
	d.want("80AE90000100", "6A86") // a signature, which the AIP does not offer
	d.want("80AE800000", "6700")
	d.want("008800000411223344", "6D00")
	d.want("00200080082412345FFFFFFFFF", "6D00")
	d.want("0084000000", "6D00")
	d.want("8424000008"+strings.Repeat("00", 8), "6D00") // a script command
	d.want("04DA9F5800", "6D00")
	d.want("90AE800000", "6E00")
	d.want("00", "6700")
	d.want("00A4040007A0", "6700")

	d = newDesk(t, d.p)
	o, h := d.toARQC()
	d.complete(o, 0x40, "00", h.answer(t, true))
	cdol1, cdol2 := fill(t, o[0x8C], terminalData), fill(t, o[0x8D], terminalData)
	d.want(fmt.Sprintf("80AE8000%02X%X00", len(cdol1), cdol1), "6985") // no third cryptogram
	d.want(fmt.Sprintf("80AE4000%02X%X00", len(cdol2), cdol2), "6985")

	d = newDesk(t, d.p)
	o, _ = d.toARQC()
	d.want(fmt.Sprintf("80AE8000%02X%X00", len(cdol2), cdol2), "6A86") // an ARQC again
	d.want(fmt.Sprintf("80AE4000%02X%X00", len(cdol1), cdol1), "6700")
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

func FuzzTransmit(f *testing.F) {
	f.Add("visa-credit", unhex(f, "13 00A404000E315041592E5359532E444446303100"))
	f.Add("mc-credit", unhex(f, "0D 00A4040007A000000004101000 08 80A8000002830000 05 00B2011400"))
	f.Add("visa-debit", unhex(f, "0D 00A4040007A000000003101000 0D 80A8000007830560F8C8015600 05 80AE800000"))
	profiles := map[string]*card.Profile{}
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit", "visa-offline"} {
		profiles[name] = profile(f, name)
	}
	f.Fuzz(func(t *testing.T, name string, script []byte) {
		p, ok := profiles[name]
		if !ok {
			p = profiles["visa-credit"]
		}
		c, err := card.New(p)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := card.New(p)
		c.Reset()
		again.Reset()
		for len(script) > 0 { // each command after its length
			n := min(int(script[0]), len(script)-1)
			command := script[1 : 1+n]
			script = script[1+n:]
			r, err := c.Transmit(command)
			if err != nil || len(r) < 2 || len(r) > 258 {
				t.Fatalf("%X: %X, %v", command, r, err)
			}
			if sw := r[len(r)-2]; sw != 0x90 && sw != 0x62 && sw != 0x63 && (sw < 0x67 || sw > 0x6F) {
				t.Fatalf("%X: status word %X", command, r[len(r)-2:])
			}
			same, _ := again.Transmit(command)
			if !bytes.Equal(r, same) {
				t.Fatalf("%X: two equal cards answer %X and %X", command, r, same)
			}
		}
	})
}

// BenchmarkTransaction is one online transaction at APDU level, the card's side only: select, start, three records, both
// cryptograms and issuer authentication. The commands are made beforehand; the ARPC is wrong, which costs the same.
func BenchmarkTransaction(b *testing.B) {
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit"} {
		b.Run(name, func(b *testing.B) {
			d := newDesk(b, profile(b, name))
			o := d.start()
			aid := aids[name]
			pdol := fill(b, o[0x9F38], terminalData)
			cdol1 := fill(b, o[0x8C], terminalData)
			cdol2 := fill(b, o[0x8D], with(map[uint32]string{0x8A: "3030", 0x91: "11223344556677883030"}))
			commands := [][]byte{
				unhex(b, "00A404000E315041592E5359532E444446303100"),
				unhex(b, "00B2010C00"),
				unhex(b, fmt.Sprintf("00A40400%02X%s00", len(aid)/2, aid)),
				unhex(b, fmt.Sprintf("80A80000%02X83%02X%X00", len(pdol)+2, len(pdol), pdol)),
				unhex(b, "00B2010C00"), unhex(b, "00B2011400"), unhex(b, "00B2021400"),
				unhex(b, fmt.Sprintf("80AE8000%02X%X00", len(cdol1), cdol1)),
			}
			if o[0x82][0]&0x04 != 0 {
				commands = append(commands, unhex(b, "008200000A11223344556677883030"))
			}
			commands = append(commands, unhex(b, fmt.Sprintf("80AE4000%02X%X00", len(cdol2), cdol2)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n%0xFFFF == 0 { // a worn card: the next one
					d = newDesk(b, d.p)
				}
				for _, command := range commands {
					if r, _ := d.c.Transmit(command); r[len(r)-2] != 0x90 && r[len(r)-2] != 0x63 {
						b.Fatalf("%X: %X", command, r)
					}
				}
			}
		})
	}
}
