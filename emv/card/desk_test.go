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
	if aid == "" {
		aid = firstAID(d.p)
	}
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
