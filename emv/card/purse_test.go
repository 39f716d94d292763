package card_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// tap is what a terminal brings that can do this kind of transaction, for 12.34.
var tap = with(map[uint32]string{0x9F66: "28000080", 0x9F7A: "01", 0x9F02: "000000001234", 0x95: "0000000000"})

// options selects the purse and asks it with data; it returns the objects of the answer.
func (d *desk) options(data map[uint32]string) map[uint32][]byte {
	d.t.Helper()
	objects := map[uint32][]byte{}
	collect(d.t, d.selectAID(), objects)
	pdol := fill(d.t, objects[0x9F38], data)
	collect(d.t, d.want(fmt.Sprintf("80A80000%02X83%02X%X00", len(pdol)+2, len(pdol), pdol), "9000"), objects)
	return objects
}

// read reads the records of the purse of the library, from the nth to the mth of six.
func (d *desk) read(objects map[uint32][]byte, from, to int) {
	d.t.Helper()
	for _, at := range []string{"0114", "011C", "021C", "0124", "0224", "0324"}[from-1 : to] {
		collect(d.t, d.want("00B2"+at+"00", "9000"), objects)
	}
}

func (d *desk) balance() string {
	d.t.Helper()
	return fmt.Sprintf("%X", d.want("80CA9F7900", "9000"))
}

func (d *desk) purse() card.Purse {
	d.t.Helper()
	return d.c.Purses()[0]
}

func TestPurseIsInTheDirectoryOfTaps(t *testing.T) {
	d := newDesk(t, profile(t, "cup-purse"))
	got := fmt.Sprintf("%X", d.want("00A404000E"+"325041592E5359532E4444463031"+"00", "9000"))
	want := "6F34840E325041592E5359532E4444463031A522BF0C1F611D4F08A000000333010106500E556E696F6E506179205075727365" + "870101"
	if got != want {
		t.Errorf("directory %s, want %s", got, want)
	}
	d.want("00B2010C00", "6985") // it has no records
	newDesk(t, profile(t, "cup-dda")).want("00A404000E"+"325041592E5359532E4444463031"+"00", "6A82")
}

// The last record is where the money goes: once, and so that neither a tear nor a power cycle takes it back.
func TestPurseDebitsWithItsLastRecord(t *testing.T) {
	d := newDesk(t, profile(t, "cup-purse"))
	o := d.options(tap)
	d.read(o, 1, 5)
	if got := d.balance(); got != "9F7906000000010000" || len(d.purse().Debits) != 0 {
		t.Fatalf("before the last record: balance %s, debits %v", got, d.purse().Debits)
	}
	d.read(o, 6, 6)
	for range 2 {
		if got, p := d.balance(), d.purse(); got != "9F7906000000008766" || p.Balance != 8766 || p.Loaded != 10000 || len(p.Debits) != 1 || p.Currency != "156" {
			t.Fatalf("balance %s, purse %+v", got, p)
		}
		related := o[0x9F69]
		d.read(o, 6, 6) // once more
		if string(o[0x9F69]) != string(related) {
			t.Errorf("the last record says %X after %X", o[0x9F69], related)
		}
		d.c.Reset()
		d.selectAID()
		d.read(o, 1, 6) // and outside a transaction
		if string(o[0x9F69]) != string(related) {
			t.Errorf("the last record says %X after a power cycle, %X before", o[0x9F69], related)
		}
	}
	if got := d.purse().Debits[0]; got.ATC != 1 || got.Amount != 1234 || string(got.TC[:]) != string(o[0x9F26]) {
		t.Errorf("debit %+v, TC %X", got, o[0x9F26])
	}
	d.want("80CA9F3600", "9000")
	if got := fmt.Sprintf("%X", d.want("80CA9F3600", "9000")); got != "9F36020001" {
		t.Errorf("counter %s", got)
	}
}

// A card that is torn away before its last record has paid nothing, and what it agreed to is over.
func TestPurseTornBeforeTheLastRecord(t *testing.T) {
	d := newDesk(t, profile(t, "cup-purse"))
	o := d.options(tap)
	d.read(o, 1, 5)
	d.c.Reset()
	d.selectAID()
	d.read(o, 6, 6)
	if p := d.purse(); p.Balance != 10000 || len(p.Debits) != 0 {
		t.Errorf("%+v", p)
	}
	if got := fmt.Sprintf("%X", o[0x9F69]); got != "01000000000000" {
		t.Errorf("it says %s of a payment that never was", got)
	}
	o = d.options(tap)
	d.selectAID() // selecting anew ends a transaction, too
	d.read(o, 6, 6)
	if p := d.purse(); p.Balance != 10000 {
		t.Errorf("%+v", p)
	}
}

// TC and signature are right as others compute them: the issuer from its master key, the terminal from the certificates.
func TestPurseCryptogramAndSignature(t *testing.T) {
	for _, amount := range []string{"000000001234", "000000990000"} { // it agrees, and declines
		d := newDesk(t, profile(t, "cup-purse"))
		data := maps.Clone(tap)
		data[0x9F02] = amount
		o := d.options(data)
		agreed := amount == "000000001234"
		if kind := o[0x9F27][0]; agreed != (kind == 0x40) || agreed != (o[0x94] != nil) || agreed != (o[0x9F4B] != nil) {
			t.Fatalf("amount %s: CID %02X, AFL %X", amount, kind, o[0x94])
		}
		get := func(tag tlv.Tag) []byte {
			if v := data[tag]; v != "" {
				return unhex(t, v)
			}
			return o[tag]
		}
		i := &d.p.Issuer
		version, err := security.VersionFor("cup", o[0x9F10])
		if err != nil {
			t.Fatal(err)
		}
		input, err := version.Input(get)
		if err != nil {
			t.Fatal(err)
		}
		mk, err := security.ICCMasterKey(i.IssuerMasterKey(), d.p.PAN.Digits(), d.p.PANSequenceNumber, i.Derivation)
		if err != nil {
			t.Fatal(err)
		}
		key, err := version.Key(mk, o[0x9F36], get(0x9F37))
		if err != nil {
			t.Fatal(err)
		}
		if ac, err := version.Cryptogram(key, input); err != nil || string(ac[:]) != string(o[0x9F26]) {
			t.Errorf("cryptogram %X, want %X (%v)", o[0x9F26], ac, err)
		}
		if cvr, err := version.CVR(o[0x9F10]); err != nil || cvr[1]&0xF0 != 0x80|o[0x9F27][0]>>2 {
			t.Errorf("CVR %X of CID %X, %v", cvr, o[0x9F27], err)
		}
		if !agreed {
			d.want("00B2011400", "6985") // a purse that declined has nothing to read
			d.want("00B2032400", "6985")
			if p := d.purse(); p.Balance != 10000 || len(p.Debits) != 0 {
				t.Errorf("%+v", p)
			}
			continue
		}
		d.read(o, 1, 6)
		var x terminal
		if problem := d.chain(&x, o, true); problem != "" {
			t.Fatal(problem)
		}
		covered := slices.Concat(get(0x9F37), get(0x9F02), get(0x5F2A), o[0x9F69])
		if _, err := x.a.RecoverDynamicData(&x.icc, o[0x9F4B], covered); err != nil {
			t.Error(err)
		}
		covered[9] ^= 1
		if _, err := x.a.RecoverDynamicData(&x.icc, o[0x9F4B], covered); err == nil {
			t.Error("the signature covers another amount, too")
		}
	}
}

// What a purse decides by itself.
func TestPurseDecides(t *testing.T) {
	tests := []struct {
		name, card string
		change     map[uint32]string
		agrees     bool
	}{
		{"all that it holds", "cup-purse", map[uint32]string{0x9F02: "000000010000"}, true},
		{"more than it holds", "cup-purse", map[uint32]string{0x9F02: "000000010001"}, false},
		{"the most that a payment takes", "cup-purse-low", map[uint32]string{0x9F02: "000000001500"}, true},
		{"more than a payment takes", "cup-purse-low", map[uint32]string{0x9F02: "000000001501"}, false},
		{"nothing", "cup-purse", map[uint32]string{0x9F02: "000000000000"}, false},
		{"an amount that is none", "cup-purse", map[uint32]string{0x9F02: "00000000000A"}, false},
		{"another currency", "cup-purse", map[uint32]string{0x5F2A: "0840"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, profile(t, test.card))
			data := maps.Clone(tap)
			maps.Copy(data, test.change)
			o := d.options(data)
			if got := o[0x9F27][0] == 0x40; got != test.agrees {
				t.Errorf("CID %X, want agreement %v", o[0x9F27], test.agrees)
			}
			if d.purse().Balance != d.purse().Loaded {
				t.Error("a decision alone debits")
			}
		})
	}
}

// The purse pays down to nothing and not below, however often it is asked.
func TestPurseIsEmptyInTheEnd(t *testing.T) {
	d := newDesk(t, profile(t, "cup-purse-low"))
	for n := range 5 {
		o := d.options(tap)
		if agreed := o[0x9F27][0] == 0x40; agreed != (n == 0) {
			t.Errorf("payment %d: CID %X with %d left", n+1, o[0x9F27], d.purse().Balance)
		} else if agreed {
			d.read(o, 1, 6)
		}
		d.c.Reset()
	}
	if p := d.purse(); p.Balance != 766 || len(p.Debits) != 1 || d.c.Counters()[0].ATC != 5 {
		t.Errorf("%+v", p)
	}
}

// Who is not a terminal for taps gets no transaction, and no other way to a cryptogram or a signature.
func TestPurseIsForTapsOnly(t *testing.T) {
	for name, change := range map[string]map[uint32]string{
		"no qualifiers": {0x9F66: "00000000"}, "for contacts": {0x9F66: "10000000"}, "no purses": {0x9F7A: "00"},
	} {
		data := maps.Clone(tap)
		maps.Copy(data, change)
		d := newDesk(t, profile(t, "cup-purse"))
		o := map[uint32][]byte{}
		collect(t, d.selectAID(), o)
		pdol := fill(t, o[0x9F38], data)
		if _, sw := d.send(fmt.Sprintf("80A80000%02X83%02X%X00", len(pdol)+2, len(pdol), pdol)); sw != "6985" || d.c.Counters()[0].ATC != 0 {
			t.Errorf("%s: %s, ATC %d", name, sw, d.c.Counters()[0].ATC)
		}
	}
	d := newDesk(t, profile(t, "cup-purse"))
	d.options(tap)
	d.want("80AE400000", "6985")
	d.want("008800000452BF458500", "6985")
	d.want("80A8000002830000", "6985") // a transaction is under way
}

func TestPurseThatIsWrong(t *testing.T) {
	for name, want := range map[string]string{"no_dynamic_signature": "absent", "dynamic_signature": "wrong", "dynamic_signature_hash": "wrong"} {
		src := edit(t, source(t, "cup-purse"), "      keys: cup-1152", "      keys: cup-1152\n      wrong: ["+name+"]")
		p, err := card.ParseProfile("cup-purse.yaml", []byte(src), library(t)...)
		if err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, p)
		o := d.options(tap)
		d.read(o, 1, 6)
		got := "absent"
		if o[0x9F4B] != nil {
			var x terminal
			d.chain(&x, o, true)
			got = "right"
			if _, err := x.a.RecoverDynamicData(&x.icc, o[0x9F4B], slices.Concat(unhex(t, tap[0x9F37]), unhex(t, tap[0x9F02]), unhex(t, tap[0x5F2A]), o[0x9F69])); err != nil {
				got = "wrong"
			}
		}
		if got != want {
			t.Errorf("%s: the signature is %s", name, got)
		}
	}
}

func TestBadPurses(t *testing.T) {
	const balance = `        balance: "100.00"`
	tests := []struct{ name, old, new, want string }{
		{"an unknown key", balance, balance + "\n        floor: \"1.00\"", ":33:9: unknown field \"floor\""},
		{"no balance", balance + "\n", "", ":32:9: purse: balance is missing"},
		{"an amount without cents", balance, `        balance: "100"`, ":32:18: purse: balance: want an amount with two decimals, as 1000.00"},
		{"more than the limit", balance, `        balance: "1000.01"`, ":32:18: purse: balance: want 0.00 to the limit"},
		{"less than nothing", balance, `        balance: "-0.01"`, ":32:18: purse: balance: want 0.00 to the limit"},
		{"a limit of nothing", `limit: "1000.00"`, `limit: "0.00"`, ":33:16: purse: limit: want more than 0.00, and at most twelve digits"},
		{"a limit that no card can say", `limit: "1000.00"`, `limit: "10000000000.00"`, ":33:16: purse: limit: want more than 0.00, and at most twelve digits"},
		{"single of nothing", `single: "1000.00"`, `single: "0.00"`, ":34:17: purse: single: want more than 0.00, and at most twelve digits"},
		{"format 1", "format: 2", "format: 1", ":26:15: format: a purse answers in format 2"},
		{"online", "format: 2", "format: 2\n      decision: online", ":27:17: decision: a purse asks nobody: want normal or decline"},
		{"counts", "format: 2", "format: 2\n      risk: {lower_limit: 5}", ":27:27: risk: a purse has no such limit: want refuse_types alone"},
		{"for cards that go online", "format: 2", "format: 2\n      require_arpc: true", "purse: wrong_arpc, require_arpc and advice are for cards that go online"},
		{"no keys", "      keys: cup-1152\n", "", "purse: want keys: it signs what it pays"},
		{"a PDOL without the terminal's qualifiers", "9F66 04 ", "", ":29:13: pdol: asks nothing for tag 9F66: a purse with cup-cvn01 needs 4"},
		{"a PDOL without the number", "9F37 04 ", "", ":29:13: pdol: asks nothing for tag 9F37: a purse with cup-cvn01 needs 4"},
		{"no bytes of 9F7A", "9F7A 01", "9F7A 00", ":29:13: pdol: asks 0 bytes for tag 9F7A: want 1"},
		{"no DDA", `aip: "2000"`, `aip: "0000"`, ":28:12: aip: a purse signs dynamically: want DDA, and neither SDA nor CDA"},
		{"CDA", `aip: "2000"`, `aip: "2100"`, ":28:12: aip: a purse signs dynamically: want DDA, and neither SDA nor CDA"},
		{"CDOL", `9F08: "0030"`, "9F08: \"0030\"\n            8C: \"9F37 04\"", "records: tags 8C and 8D: a purse is sent no GENERATE AC"},
		{"9F69 missing", "            9F69: $card_authentication\n", "", "records: want tag 9F69: $card_authentication in the last record of the AFL"},
		{"9F69 that never changes", "9F69: $card_authentication", `9F69: "01000000000000"`, "records: want tag 9F69: $card_authentication in the last record of the AFL"},
		{"9F69 too early", "format: 2", "format: 2\n      afl: \"20 01 03 00 18 01 02 00 10 01 01 01\"", "records: want tag 9F69: $card_authentication in the last record of the AFL"},
		{"a record twice", "format: 2", "format: 2\n      afl: \"20 03 03 00 10 01 01 01 18 01 02 00 20 01 03 00\"", "afl: record 3 of SFI 4 twice: a purse pays when its last record is read"},
		{"the last record signed", "          record: 3\n", "          record: 3\n          signed: true\n", "records: the last record of a purse is not signed: it changes"},
		{"the value in another tag", "9F08: \"0030\"", "9F08: $card_authentication", "tag 9F08: $card_authentication is for tag 9F69"},
		{"the balance as it likes", "      records:\n", "      data: {9F79: \"000000010000\"}\n      records:\n", "tag 9F79: the card has it already"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := card.ParseProfile("cup-purse.yaml", []byte(edit(t, source(t, "cup-purse"), test.old, test.new)), library(t)...)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "card: cup-purse.yaml:") {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	_, err := card.ParseProfile("cup-dda.yaml", []byte(edit(t, source(t, "cup-dda"), `9F08: "0030"`, "9F69: $card_authentication")), library(t)...)
	if err == nil || !strings.Contains(err.Error(), "the card has no such value") {
		t.Errorf("a card without a purse: %v", err)
	}
}

// A script that blocks a purse would have to come online; a profile may say that it was.
func TestBlockedPurse(t *testing.T) {
	src := edit(t, source(t, "cup-purse"), "      format: 2", "      format: 2\n      blocked: true\n      when_blocked: aac")
	p, err := card.ParseProfile("cup-purse.yaml", []byte(src), library(t)...)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, p)
	d.want("00A4040008A00000033301010600", "6283")
	pdol := fill(t, unhex(t, "9F66 04 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04 9F7A 01"), tap)
	o := map[uint32][]byte{}
	collect(t, d.want(fmt.Sprintf("80A80000%02X83%02X%X00", len(pdol)+2, len(pdol), pdol), "9000"), o)
	if o[0x9F27][0] != 0 || o[0x94] != nil {
		t.Errorf("CID %X, AFL %X", o[0x9F27], o[0x94])
	}
}

// Whatever a terminal sends, what a purse holds and what it has paid come to what it started with.
func FuzzPurse(f *testing.F) {
	p, err := card.ParseProfile("cup-purse.yaml", []byte(source(f, "cup-purse")), library(f)...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0, 1, 7, 7, 0, 1, 7, 0, 7})
	f.Add([]byte{0, 1, 8, 0xFF, 7, 0, 1, 7, 9, 0, 0xA4, 4, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		c, err := card.New(p)
		if err != nil {
			t.Fatal(err)
		}
		c.Reset()
		d := &desk{t, p, c}
		for len(steps) > 0 {
			step := steps[0]
			steps = steps[1:]
			before := c.Purses()[0]
			last := false
			switch step {
			case 0:
				d.send("00A4040008A00000033301010600")
			case 1:
				data := maps.Clone(tap)
				if len(steps) > 0 {
					data[0x9F02] = fmt.Sprintf("00000000%02X00", steps[0])
				}
				pdol := fill(t, unhex(t, "9F66 04 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04 9F7A 01"), data)
				d.send(fmt.Sprintf("80A80000%02X83%02X%X00", len(pdol)+2, len(pdol), pdol))
			case 2, 3, 4, 5, 6, 7:
				d.send([]string{"00B2011400", "00B2011C00", "00B2021C00", "00B2012400", "00B2022400", "00B2032400"}[step-2])
				last = step == 7
			case 8:
				c.Reset()
			default: // whatever the input says
				n := min(int(step), len(steps))
				r, err := c.Transmit(steps[:n])
				if err != nil || len(r) < 2 {
					t.Fatalf("%X: %X, %v", steps[:n], r, err)
				}
				parsed, err := apdu.ParseCommand(steps[:n])
				last = err == nil && parsed.INS == apdu.InsReadRecord
				steps = steps[n:]
			}
			now := c.Purses()[0]
			paid := now.Loaded - now.Balance
			for _, one := range now.Debits {
				paid -= one.Amount
			}
			if paid != 0 || now.Balance < 0 || len(now.Debits) > len(before.Debits)+1 || len(now.Debits) > len(before.Debits) && !last {
				t.Fatalf("after %X: %+v, before %+v", step, now, before)
			}
		}
	})
}
