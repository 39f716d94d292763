package card_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
)

// scripts is the issuer's half of the scripts of the transaction that gave g.
func (d *desk) scripts(version security.Version, g generated) *security.ScriptSession {
	d.t.Helper()
	i := &d.p.Issuer
	key := func(imk []byte) *security.MasterKey {
		mk, err := security.ICCMasterKey(imk, d.p.PAN.Digits(), d.p.PANSequenceNumber, i.Derivation)
		if err != nil {
			d.t.Fatal(err)
		}
		m, err := security.NewMasterKey(mk)
		if err != nil {
			d.t.Fatal(err)
		}
		return m
	}
	s, err := version.ScriptSession(security.ScriptKeys{MAC: key(i.ScriptMACKey()), Encipherment: key(i.ScriptEncryptionKey()),
		Cryptogram: key(i.IssuerMasterKey())}, [2]byte(g.atc), g.ac)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// online goes as far as an ARQC; s secures scripts.
func (d *desk) online() (o map[uint32][]byte, h host, s *security.ScriptSession) {
	d.t.Helper()
	o = d.start()
	g := d.generateAC(0x80, fill(d.t, o[0x8C], terminalData))
	if g.cid != 0x80 {
		d.t.Fatalf("CID %02X, want an ARQC", g.cid)
	}
	h = d.verify(o, g, terminalData)
	return o, h, d.scripts(h.version, g)
}

func (d *desk) script(command []byte, sw string) {
	d.t.Helper()
	d.want(fmt.Sprintf("%X", command), sw)
}

func TestApplicationBlockAndUnblock(t *testing.T) {
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, profile(t, name))
			o, h, s := d.online()
			d.script(s.ApplicationBlock(), "9000") // before the second GENERATE AC, which then declines
			if g := d.complete(o, 0x40, "00", h.answer(t, true)); g.cid != 0x00 {
				t.Errorf("CID %02X of a blocked application, want an AAC", g.cid)
			}
			if !d.c.Counters()[0].Blocked {
				t.Error("not blocked")
			}
			d.script(append(s.ApplicationUnblock(), 0x00), "9000") // after it, with an Le, which no MAC covers
			d.script(s.ApplicationBlock(), "9000")
			d.c.Reset()
			aid := aids[name]
			d.want(fmt.Sprintf("00A40400%02X%s00", len(aid)/2, aid), "6283")
			d.want("80A8000002830000", "6985")
		})
	}
}

// A blocked application that answers nevertheless declines, and the issuer can unblock it by that cryptogram.
func TestUnblockByDeclined(t *testing.T) {
	d := newDesk(t, profile(t, "visa-blocked-answers"))
	aid := firstAID(d.p)
	objects := map[uint32][]byte{}
	collect(t, d.want(fmt.Sprintf("00A40400%02X%s00", len(aid)/2, aid), "6283"), objects)
	d.want("80A8000002830000", "9000")
	collect(t, d.want("00B2021400", "9000"), objects)
	g := d.generateAC(0x80, fill(t, objects[0x8C], terminalData))
	if g.cid != 0x00 {
		t.Fatalf("CID %02X, want an AAC", g.cid)
	}
	d.script(d.scripts(security.VisaCVN10, g).ApplicationUnblock(), "9000")
	d.c.Reset()
	if o, h, _ := d.online(); d.complete(o, 0x40, "00", h.answer(t, true)).cid != 0x40 {
		t.Error("still declines")
	}
}

func TestCardBlock(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	o, h, s := d.online()
	d.complete(o, 0x40, "00", h.answer(t, true))
	d.script(s.CardBlock(), "9000")
	d.c.Reset()
	d.want("00A404000E315041592E5359532E444446303100", "6A81")
	d.want("00A4040007A000000003101000", "6A81")
	if !d.c.Blocked() {
		t.Error("not blocked")
	}
}

func TestPINChange(t *testing.T) {
	for _, name := range []string{"visa-dda", "mc-pin-exceeded-declines", "cup-pin-key"} {
		t.Run(name, func(t *testing.T) {
			old, right := rightPIN, "0020008008245678FFFFFFFFFF"
			pin := "1234"
			if name == "cup-pin-key" {
				old, pin = "00200080082612"+"3456FFFFFFFF", "123456"
			}
			d := newDesk(t, profile(t, name))
			o, h, s := d.online()
			d.complete(o, 0x40, "00", h.answer(t, true))
			change, err := s.PINChange("5678", "")
			if err != nil {
				t.Fatal(err)
			}
			d.script(change, "9000")
			d.c.Reset()
			d.start()
			d.want(right, "9000")
			d.want(old, fmt.Sprintf("63C%d", d.ptc()-1))
			d.want(old, fmt.Sprintf("63C%d", d.ptc()-1))

			for d.ptc() > 0 {
				d.send(old)
			}
			d.c.Reset()
			if name == "mc-pin-exceeded-declines" {
				return // no ARQC any more, no script
			}
			_, _, s = d.online()
			d.script(s.PINUnblock(), "9000")
			if n := d.c.PINTriesLeft(); n != 3 {
				t.Errorf("%d tries left", n)
			}
			back, err := s.PINChange(pin, "0000")
			if err != nil {
				t.Fatal(err)
			}
			d.script(back, "6A80") // the current PIN is another
			if back, err = s.PINChange(pin, "5678"); err != nil {
				t.Fatal(err)
			}
			d.script(back, "9000")
			d.c.Reset()
			d.start()
			d.want(old, "9000")
		})
	}
}

func TestPutDataAndUpdateRecord(t *testing.T) {
	d := newDesk(t, profile(t, "visa-offline"))
	_, _, s := d.online()
	put := func(tag uint16, value, sw string) {
		t.Helper()
		command, err := s.PutData(tag, unhex(t, value))
		if err != nil {
			t.Fatal(err)
		}
		d.script(command, sw)
	}
	put(0x9F14, "01", "9000")
	put(0x9F23, "02", "9000")
	put(0x9F23, "0002", "6700")
	put(0x9F17, "02", "9000") // an object of the profile's
	put(0x9F17, "0202", "6700")
	put(0x9F36, "0001", "6A88") // the counter is the card's
	if got := d.want("80CA9F1700", "9000"); !bytes.Equal(got, unhex(t, "9F170102")) {
		t.Errorf("object %X", got)
	}
	update := func(file, record int, data, sw string) {
		t.Helper()
		command, err := s.UpdateRecord(file, record, unhex(t, data))
		if err != nil {
			t.Fatal(err)
		}
		d.script(command, sw)
	}
	update(1, 1, "7003 9F0700", "9000")
	update(1, 2, "7003 9F0700", "6A83")
	update(1, 1, "7003 9F07", "6A80")
	update(1, 1, "7103 9F0700", "6A80")
	update(1, 1, "7003 9F0700 00", "6A80")
	d.c.Reset()
	d.selectAID()
	d.want("80A8000002830000", "9000")
	if got := d.want("00B2010C00", "9000"); !bytes.Equal(got, unhex(t, "70039F0700")) {
		t.Errorf("record %X", got)
	}
	// The new limits count: one offline approval, then an ARQC.
	d = newDesk(t, d.p)
	o, h, s2 := d.online()
	s = s2
	put(0x9F14, "01", "9000")
	d.complete(o, 0x40, "00", h.answer(t, true))
	for n, want := range []byte{0x40, 0x80} {
		o := d.start()
		if g := d.generateAC(0x40, fill(t, o[0x8C], terminalData)); g.cid != want {
			t.Errorf("transaction %d: CID %02X, want %02X", n+1, g.cid, want)
		}
	}
}

func TestScriptsOutOfPlace(t *testing.T) {
	d := newDesk(t, profile(t, "visa-credit"))
	_, _, s := d.online()
	right := s.ApplicationBlock()
	wrong := bytes.Clone(right)
	wrong[len(wrong)-1] ^= 1
	plain := bytes.Clone(right)
	plain[0] = 0x80
	short := []byte{0x84, 0x1E, 0, 0, 4, 1, 2, 3, 4}
	d.c.Reset()
	d.script(right, "6985") // nothing selected
	d.selectAID()
	d.script(right, "6985")
	d.want("80A8000002830000", "9000")
	d.script(right, "6985") // no cryptogram yet
	_, _, s = func() (map[uint32][]byte, host, *security.ScriptSession) { d.c.Reset(); return d.online() }()
	d.script(right, "6988") // another transaction's
	d.script(wrong, "6988")
	d.script(plain, "6E00")
	d.script(short, "6987")
	d.script([]byte{0x84, 0x1E, 0, 0}, "6987")
	pin, err := s.PINChange("1111", "")
	if err != nil {
		t.Fatal(err)
	}
	d.script(pin, "6A88") // this card verifies no PIN
	if d.c.Counters()[0].Blocked {
		t.Error("blocked by what was refused")
	}

	d = newDesk(t, profile(t, "visa-expired")) // its issuer has no keys for scripts
	d.online0()
	d.script(right, "6D00")

	d = newDesk(t, profile(t, "visa-offline"))
	o := d.start()
	if g := d.generateAC(0x40, fill(t, o[0x8C], terminalData)); g.cid != 0x40 {
		t.Fatalf("CID %02X", g.cid)
	}
	d.script(right, "6985") // approved offline: no issuer was asked
}

// online0 is online without scripts.
func (d *desk) online0() {
	d.t.Helper()
	o := d.start()
	d.generateAC(0x80, fill(d.t, o[0x8C], terminalData))
}

// The card tells its issuer how many commands it carried out and whether one failed, until it has been online without any.
func TestScriptsInVerificationResults(t *testing.T) {
	for _, name := range []string{"visa-credit", "mc-credit", "cup-credit"} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, profile(t, name))
			report := func() (string, map[uint32][]byte, host, *security.ScriptSession) {
				t.Helper()
				o := d.start()
				g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
				h := d.verify(o, g, terminalData)
				r, err := h.version.Scripts(g.iad)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(r.Commands, r.Failed), o, h, d.scripts(h.version, g)
			}
			got, o, h, s := report()
			if got != "0 false" {
				t.Errorf("before: %s", got)
			}
			d.script(s.ApplicationUnblock(), "9000")
			d.complete(o, 0x40, "00", h.answer(t, true))
			d.script(s.ApplicationUnblock(), "9000")
			spoilt := s.ApplicationUnblock()
			spoilt[6] ^= 1
			d.script(spoilt, "6988")
			if got, o, h, s = report(); got != "2 true" {
				t.Errorf("after two and a bad one: %s", got)
			}
			d.complete(o, 0x40, "00", h.answer(t, true))
			for range 20 {
				d.script(s.ApplicationUnblock(), "9000")
			}
			if got, o, h, _ = report(); got != "15 false" {
				t.Errorf("after twenty: %s", got)
			}
			d.complete(o, 0x40, "00", h.answer(t, true))
			if got, _, _, _ = report(); got != "0 false" {
				t.Errorf("after a transaction without: %s", got)
			}
		})
	}
}

// What ARPC method 2 tells the card to do to itself.
func TestCardStatusUpdate(t *testing.T) {
	src := edit(t, edit(t, source(t, "visa-velocity"), "cryptogram: visa-cvn10", "cryptogram: visa-cvn18"), "  applications:\n", "  offline_pin: {limit: 3, left: 1}\n  applications:\n")
	p, err := card.ParseProfile("visa-velocity.yaml", []byte(src), library(t)...)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		approve bool
		csu     func(*security.CSU)
		cid     byte
		check   func(d *desk) string
	}{
		{"approved", true, func(*security.CSU) {}, 0x40, func(d *desk) string {
			if k := d.c.Counters()[0]; k.ConsecutiveOffline != 2 || k.LastOnlineATC != 3 {
				return fmt.Sprintf("%+v: want the counters as they were", k)
			}
			return ""
		}},
		{"declined", false, func(*security.CSU) {}, 0x00, nil},
		{"counters to zero", true, func(c *security.CSU) { c.SetCounters(security.CSUResetCounters) }, 0x40, func(d *desk) string {
			if k := d.c.Counters()[0]; k.ConsecutiveOffline != 0 {
				return fmt.Sprintf("%+v", k)
			}
			return ""
		}},
		{"counters to their limits", true, func(c *security.CSU) { c.SetCounters(security.CSUCountersToLimit) }, 0x40, func(d *desk) string {
			if k := d.c.Counters()[0]; k.ConsecutiveOffline != 4 {
				return fmt.Sprintf("%+v", k)
			}
			return ""
		}},
		{"transaction counted", true, func(c *security.CSU) { c.SetCounters(security.CSUAddToCounters) }, 0x40, func(d *desk) string {
			if k := d.c.Counters()[0]; k.ConsecutiveOffline != 3 {
				return fmt.Sprintf("%+v", k)
			}
			return ""
		}},
		{"application block", true, func(c *security.CSU) { c.Set(security.CSUApplicationBlock) }, 0x00, func(d *desk) string {
			_, sw := d.send("00A4040007A000000003101000")
			return map[string]string{"6283": ""}[sw] + map[bool]string{true: "SELECT " + sw}[sw != "6283"]
		}},
		{"card block", false, func(c *security.CSU) { c.Set(security.CSUCardBlock) }, 0x00, func(d *desk) string {
			_, sw := d.send("00A4040007A000000003101000")
			return map[bool]string{true: "SELECT " + sw}[sw != "6A81"]
		}},
		{"PIN tries", true, func(c *security.CSU) { c.SetPINTryCounter(2) }, 0x40, func(d *desk) string {
			return map[bool]string{true: fmt.Sprint(d.c.PINTriesLeft(), " tries")}[d.c.PINTriesLeft() != 2]
		}},
		{"more PIN tries than there are", true, func(c *security.CSU) { c.SetPINTryCounter(9) }, 0x40, func(d *desk) string {
			return map[bool]string{true: fmt.Sprint(d.c.PINTriesLeft(), " tries")}[d.c.PINTriesLeft() != 3]
		}},
		{"online next", true, func(c *security.CSU) { c.SetCounters(security.CSUResetCounters); c.Set(security.CSUGoOnlineNext) }, 0x40, func(d *desk) string {
			o := d.start()
			g := d.generateAC(0x40, fill(d.t, o[0x8C], terminalData))
			return map[bool]string{true: fmt.Sprintf("CID %02X", g.cid)}[g.cid != 0x80]
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, p)
			for range 2 {
				o := d.start()
				if g := d.generateAC(0x40, fill(t, o[0x8C], with(map[uint32]string{0x9F35: "23"}))); g.cid != 0x40 {
					t.Fatalf("CID %02X", g.cid)
				}
			}
			o, h, _ := d.online()
			var csu security.CSU
			test.csu(&csu)
			data, err := h.session.IssuerAuthenticationData(h.arqc, security.IssuerAnswer{Approved: test.approve, CardStatusUpdate: csu})
			if err != nil {
				t.Fatal(err)
			}
			if g := d.complete(o, 0x40, "00", data); g.cid != test.cid {
				t.Errorf("CID %02X, want %02X", g.cid, test.cid)
			}
			if test.check != nil {
				if problem := test.check(d); problem != "" {
					t.Error(problem)
				}
			}
		})
	}
}
