package card_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
)

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
	d.want("8424000008"+strings.Repeat("00", 8), "6985") // a script command, before any cryptogram
	d.want("04DA9F5800", "6E00")                         // PUT DATA is for scripts only
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
	d.toARQC()
	d.want(fmt.Sprintf("80AE8000%02X%X00", len(cdol2), cdol2), "6A86") // an ARQC again
	d.want(fmt.Sprintf("80AE4000%02X%X00", len(cdol1), cdol1), "6700")
}

func FuzzTransmit(f *testing.F) {
	f.Add("visa-credit", unhex(f, "13 00A404000E315041592E5359532E444446303100"))
	f.Add("mc-credit", unhex(f, "0D 00A4040007A000000004101000 08 80A8000002830000 05 00B2011400"))
	f.Add("visa-debit", unhex(f, "0D 00A4040007A000000003101000 0D 80A8000007830560F8C8015600 05 80AE800000"))
	cdol1 := strings.Repeat("00", 33)
	start := "0D 00A4040007A000000003101000 08 80A8000002830000 "
	f.Add("visa-dda", unhex(f, start+"0D 0020008008241234FFFFFFFFFF 0A 008800000452BF458500 27 80AE800021"+cdol1+"00 0D 84240000080000000000000000 05 841E000000"))
	f.Add("visa-pin-key", unhex(f, start+"05 0084000000 75 0020008870"+strings.Repeat("17", 112)))
	f.Add("visa-cda", unhex(f, "0D 00A4040007A000000003101000 0D 80A8000007830560F8C8015600 "+"27 80AE900021"+cdol1+"00 0F 84DA9F140A00000000000000000000 0D 00820000081122334455667788"))
	profiles := map[string]*card.Profile{}
	for _, name := range []string{"visa-credit", "visa-debit", "mc-credit", "cup-debit", "visa-offline", "visa-dda", "visa-pin-key", "visa-cda", "broken-cda-cid"} {
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
