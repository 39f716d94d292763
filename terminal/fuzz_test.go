package terminal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/internal/wal"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// till is a terminal in a world with a host at the other end of its line.
type till struct {
	t          testing.TB
	w          *sim.World
	term, host *sim.Actor
	disk       *sim.MemDisk
	terminal   *Terminal
	module     *hsm.Module
	journalKey hsm.Key
	printed    []Receipt

	keys    dialect.SessionKeys // as the host gives them
	hsm     *hsm.Module         // the host's
	mac     hsm.Key             // the host's
	track   hsm.Key             // the same, where tracks are enciphered
	dialect *dialect.Dialect
	spoil   func(b []byte) [][]byte
	code    string                                 // the host's response code; "": 00
	say     func(request, answer *dialect.Message) // what else it says; nil: nothing
	honest  int                                    // answers that went out as they should
}

func newTill(t testing.TB) *till { return newTillOf(t, generic(t)) }

// newTillOf is a till whose terminal has a profile; the host speaks its dialect.
func newTillOf(t testing.TB, source string) *till {
	profile, err := ParseProfile("generic", []byte(source))
	must(t, err)
	w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
	x := &till{t: t, w: w, term: w.Actor("term"), host: w.Actor("host")}
	x.disk = sim.NewMemDisk(x.term)
	x.host.PowerOn(nil)
	x.dialect = profile.Speaks()
	bytesOf := func(length int, fill byte) []byte {
		clear := make([]byte, length)
		for i := range clear {
			clear[i] = fill + byte(i)*7
		}
		return clear
	}
	key := func(m *hsm.Module, a hsm.Attributes, length int, fill byte) hsm.Key {
		label := ""
		if m == x.module {
			label = map[hsm.Usage]string{hsm.KeyEncryption: DeviceKey, hsm.Sealing: JournalKey}[a.Usage]
		}
		k, err := m.Install(label, a, bytesOf(length, fill))
		must(t, err)
		return k
	}
	x.hsm = hsm.New(rand.NewChaCha8([32]byte{'H'}))
	key(x.hsm, hsm.Attributes{Usage: hsm.KeyEncryption}, 16, 0x11)
	x.mac = key(x.hsm, profile.Security.SessionMAC(), 16, 0x33)
	check := 3
	if x.dialect.NumbersBatches() {
		check = 4
	}
	give := func(fill byte, cryptogram, value *[]byte) {
		master, err := crypt.NewTDES(bytesOf(16, 0x11))
		must(t, err)
		clear := bytesOf(16, fill)
		crypt.OddParity(clear)
		b, err := crypt.NewTDES(clear)
		must(t, err)
		*cryptogram = make([]byte, 16)
		crypt.EncryptECB(master, *cryptogram, clear)
		*value = crypt.LegacyCheckValue(b, check)
	}
	give(0x22, &x.keys.PINKey, &x.keys.PINKeyCheckValue)
	give(0x33, &x.keys.MACKey, &x.keys.MACKeyCheckValue)
	if s := x.dialect.Switches(); s.KeyLayout == 60 {
		give(0x55, &x.keys.TrackKey, &x.keys.TrackKeyCheckValue)
		x.track = key(x.hsm, hsm.Attributes{Usage: hsm.DataEncryption}, 16, 0x55)
	}

	x.module = hsm.New(rand.NewChaCha8([32]byte{'T'}))
	x.journalKey = key(x.module, hsm.Attributes{Usage: hsm.Sealing}, 32, 0x44)
	key(x.module, hsm.Attributes{Usage: hsm.KeyEncryption}, 16, 0x11)
	x.terminal = New(Config{
		Profile: profile, Clock: x.term, Disk: x.disk, Rand: rand.NewChaCha8([32]byte{'R'}), Module: func() (*hsm.Module, error) { return x.module, nil },
		Dialect: x.dialect, Dial: x.dial,
		Devices: Devices{Show: func(s Screen) { _ = s.In(English) + s.In(Chinese) }, Print: func(r Receipt) error {
			x.printed = append(x.printed, r)
			_ = r.In(Chinese)
			return nil
		}},
	})
	return x
}

// restart is the terminal's next boot.
func (x *till) restart() {
	x.terminal = New(x.terminal.cfg)
	x.start()
}

func (x *till) start() { x.term.PowerOn(func(sim.Clock) { x.terminal.Run() }) }

func (x *till) dial() (*transport.Link, error) {
	near, far := transport.Pipe(x.term, x.host, time.Millisecond)
	l := transport.NewLink(far, transport.Framing{}, x.host)
	l.OnFrame(func(b []byte, err error) {
		if err != nil {
			return
		}
		for _, a := range x.answers(b) {
			if a == nil {
				l.Reset()
				return
			}
			_ = l.Send(a) // a line that the terminal has left carries nothing
		}
	})
	return transport.NewLink(near, transport.Framing{}, x.term), nil
}

// answers is what the host says to a message: the right answer, or what spoil makes of it.
func (x *till) answers(b []byte) [][]byte {
	m, err := x.dialect.Unpack(b)
	if err != nil {
		x.t.Fatalf("the terminal sends %X: %v", b, err)
	}
	a := &dialect.Message{
		MTI: dialect.Response(m.MTI), ProcessingCode: m.ProcessingCode, AmountTransaction: m.AmountTransaction, HasAmount: m.HasAmount,
		SystemsTraceAuditNumber: m.SystemsTraceAuditNumber, TimeLocalTransaction: m.TimeLocalTransaction, DateLocalTransaction: m.DateLocalTransaction,
		CardAcceptorTerminalIdentification: m.CardAcceptorTerminalIdentification, CardAcceptorIdentificationCode: m.CardAcceptorIdentificationCode,
		CurrencyCodeTransaction: m.CurrencyCodeTransaction, ResponseCode: "00", RetrievalReferenceNumber: "606114000123", AuthorizationIDResponse: "A1B2C3", Kind: m.Kind,
	}
	if x.dialect.NumbersBatches() { // this host has the clock
		a.TimeLocalTransaction, a.DateLocalTransaction, a.BatchNumber = "140509", "0302", m.BatchNumber
		a.MessageTypeCode, a.CardScheme, a.POSConditionCode = m.MessageTypeCode, "CUP", m.POSConditionCode
	}
	if x.code != "" {
		a.ResponseCode = x.code
	}
	if x.say != nil {
		x.say(m, a)
	}
	var mac func(*[8]byte, []byte) error
	if x.dialect.Signed(m) {
		mac = x.sum
	} else {
		a.NetworkManagementCode = m.NetworkManagementCode
		a.ReservedPrivate62, err = x.dialect.AppendSessionKeys(nil, x.keys)
		must(x.t, err)
	}
	out, err := x.dialect.Pack(a, mac)
	must(x.t, err)
	if x.spoil != nil {
		return x.spoil(out)
	}
	x.honest++
	return [][]byte{out}
}

func (x *till) sum(dst *[8]byte, data []byte) error {
	return x.hsm.MAC(x.mac, x.terminal.profile.Security.MACParams(), dst[:], data)
}

// pass lets virtual time go by.
func (x *till) pass(d time.Duration) {
	if x.w.Until(d, 200_000, func() bool { return false }); x.terminal.State() == "starting" {
		x.t.Fatalf("it is %s after %v", x.terminal.State(), d)
	}
}

// sell swipes a card with its PIN.
func (x *till) sell(track2, pin string) {
	for _, k := range []byte("1000\r") {
		x.term.After(0, func() { x.terminal.Press(k) })
	}
	x.pass(time.Second)
	x.term.After(0, func() { x.terminal.Swipe(Stripe{Track2: track2}) })
	x.pass(2 * time.Second)
	for _, k := range []byte(pin) {
		x.term.After(0, func() { x.terminal.Press(k) })
	}
	x.pass(3 * time.Minute)
	x.term.After(0, func() { x.terminal.Press(KeyCancel) }) // whatever it still asks for
	x.pass(3 * time.Minute)
}

const swiped = ";4761739001010119=30121011143844805?"

// FuzzHostAnswers: whatever a host answers, with the right MAC or without, the terminal goes on; its journal says what it
// believes, and a sale stands only where an answer
// to it, with the right MAC, approved it.
func FuzzHostAnswers(f *testing.F) {
	f.Add([]byte{}, "1234\r")
	f.Add([]byte{0, 0, 0, 1, 25, 2, 0x30, 0x31, 0, 0, 0}, "1234\r")
	f.Add([]byte{0, 0, 0, 0x10, 0, 0, 0, 0, 0}, "1234\r")  // a wrong MAC
	f.Add([]byte{0, 0, 0, 1, 21, 1, 2, 0, 0, 0}, "1234\r") // the answer to another trace number
	f.Add([]byte{0, 0, 0, 0x11, 3, 1, 0xFF, 3, 0, 0}, "\r")
	f.Add([]byte{0, 0, 0, 2, 0, 4, 0, 1, 2, 3, 4, 0, 0}, "123\r4\r")
	f.Add([]byte{9, 60, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0, 0, 3, 0, 0}, "\x1b")
	f.Fuzz(func(t *testing.T, data []byte, pin string) {
		if len(pin) > 40 {
			return
		}
		x := newTill(t)
		defer x.w.Close()
		eat := func(n int) []byte {
			b := data[:min(n, len(data))]
			data = data[len(b):]
			return b
		}
		approvals := 0
		x.spoil = func(b []byte) [][]byte {
			head := append(eat(3), 0, 0, 0)
			how, at, piece := head[0], int(head[1]), eat(int(head[2])%64)
			right, err := dialect.ISO87().Unpack(b)
			must(t, err)
			key := right.Key()
			signed := dialect.ISO87().MACRequired("0" + string('0'+b[0]&15) + "00")
			b = bytes.Clone(b)
			switch how & 3 {
			case 1: // some of its bytes are others
				for i, c := range piece {
					b[(at+i)%len(b)] ^= c
				}
			case 2:
				b = piece
			case 3:
				return nil
			}
			if signed && len(b) > 8 {
				var mac [8]byte
				must(t, x.sum(&mac, b[:len(b)-8]))
				copy(b[len(b)-8:], mac[:])
				if how&0x10 != 0 {
					b[len(b)-1] ^= 1
				}
			}
			if m, err := dialect.ISO87().Unpack(b); err == nil && m.MTI == "0210" && dialect.ApprovesInFull(m.ResponseCode) && m.Key() == key &&
				dialect.ISO87().VerifyMAC(b, m, func(mac, data []byte) error { return x.hsm.VerifyMAC(x.mac, hsm.MACParams{}, mac, data) }) == nil {
				approvals++
			}
			all := [][]byte{b}
			if how&8 != 0 {
				all = append(all, b)
			}
			if how&4 != 0 {
				all = append(all, nil)
			}
			return all
		}
		x.start()
		x.pass(time.Minute)
		for range 2 {
			x.sell(swiped, pin)
		}
		x.pass(10 * time.Minute)
		if err := x.terminal.Stopped(); err != nil {
			t.Fatalf("a host stopped the terminal: %v", err)
		}
		kept, err := ReadJournal(x.disk.Durable(JournalFile))
		if err != nil {
			t.Fatal(err)
		}
		standing := 0
		for i, r := range x.terminal.Records() {
			if i >= len(kept) || !reflect.DeepEqual(kept[i], r) {
				t.Fatalf("record %d is %+v, in the journal %+v", i, r, kept)
			}
			if r.InBatch() {
				standing++
			}
		}
		if len(kept) > 6 || standing > approvals || 2*standing > len(x.printed) && standing > 0 {
			t.Fatalf("%d records, %d stand, of %d approvals, %d receipts", len(kept), standing, approvals, len(x.printed))
		}
	})
}

// journalOf is the image of a journal with these bodies.
func journalOf(t testing.TB, bodies ...[]byte) []byte {
	t.Helper()
	d, _ := powered(t)
	l, err := wal.Open(d, JournalFile, func([]byte) error { return nil })
	must(t, err)
	for _, b := range bodies {
		must(t, l.Append(b))
	}
	must(t, l.Commit())
	return d.Durable(JournalFile)
}

// FuzzJournalBoot: whatever whole records stand in a journal, the terminal boots with it or stops in a named state; it
// believes no more than stands there.
func FuzzJournalBoot(f *testing.F) {
	f.Add([]byte(`{"Sale":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026,"Amount":10000,"Currency":"0156","Card":"476173******0119","Entry":"0051","State":"Pending"}}`))
	f.Add([]byte(`{"Sale":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026,"Amount":10000,"Currency":"0156","Card":"476173******0119","Entry":"0021","State":"Approved"}}` + "\n" +
		`{"Printed":{"STAN":"000001","Date":"0302","Time":"140511","Year":2026}}` + "\n" + `{"STAN":7}`))
	f.Add([]byte(`{"Sale":{"STAN":"000002","Date":"0302","Time":"140511","Year":2026,"Amount":-1,"Currency":"156","Card":"","Entry":"","State":"ReversalDue","Reason":"98"}}` + "\n" +
		`{"Keys":{"DE62":"AAAA"}}`))
	f.Add([]byte(`{"Sale":{"STAN":"1","Date":"0302","Time":"140511","State":"Approved"}}`))
	f.Add([]byte(`{"Sale":{"STAN":"000001","Date":"","Time":"140511","State":"Approved"}}`))
	f.Add([]byte(`{"Sale":{"STAN":"000001","Date":"0302","Time":"1","State":"AdviceDue"}}`))
	f.Add([]byte(`{"Sale":{"STAN":"000003","Date":"0302","Time":"140511","State":"AdviceDue","Sealed":"AAAA","ICC":"nwI="}}`))
	f.Add([]byte(`{"Sale":{"STAN":"999999","Date":"0302","Time":"140511","State":"Elsewhere"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<13 {
			return
		}
		bodies := bytes.Split(data, []byte("\n"))
		x := newTill(t)
		defer x.w.Close()
		image := journalOf(t, bodies...)
		x.disk.Put(JournalFile, image)
		x.start()
		x.pass(20 * time.Minute)
		if _, err := ReadJournal(image); err != nil {
			if !errors.Is(x.terminal.Stopped(), ErrJournal) {
				t.Fatalf("%v, and the terminal is %s", err, x.terminal.State())
			}
			return
		}
		if n := len(x.terminal.Records()); n > len(bodies) || len(x.printed) > 2*len(bodies) {
			t.Fatalf("%d records and %d receipts of %d", n, len(x.printed), len(bodies))
		}
		if x.terminal.Stopped() == nil {
			x.sell(swiped, "1234\r")
		}
	})
}

// FuzzSealed: whatever stands in the place of a sealed card number, the terminal opens only what it sealed itself.
func FuzzSealed(f *testing.F) {
	f.Add([]byte{}, []byte(`{"PAN":"4761739001010119","Expiry":"3012"}`))
	f.Add(make([]byte, 60), []byte(`{"PAN":"x"}`))
	f.Add([]byte{1}, []byte(`[`))
	f.Fuzz(func(t *testing.T, sealed, plain []byte) {
		x := newTill(t)
		defer x.w.Close()
		r := &Record{STAN: "000001", Date: "0302", Time: "140511", Sealed: sealed}
		if number, expiry, err := x.terminal.unseal(r); err == nil {
			t.Fatalf("%X is opened as %v, %q", sealed, number, expiry)
		}
		var err error
		r.Sealed, err = x.module.Seal(x.journalKey, []byte(r.STAN+r.Date+r.Time), plain)
		must(t, err)
		number, expiry, err := x.terminal.unseal(r)
		if err != nil {
			if len(plain) > 8 && strings.Contains(err.Error(), string(plain)) {
				t.Fatal("the error quotes what was sealed")
			}
			return
		}
		must(t, x.terminal.seal(r, number, expiry))
		if again, e, err := x.terminal.unseal(r); err != nil || again != number || e != strings.ToValidUTF8(expiry, "\uFFFD") {
			t.Fatalf("%v and %q become %v and %q, %v", number, expiry, again, e, err)
		}
		r.STAN = "000002"
		if _, _, err := x.terminal.unseal(r); err == nil {
			t.Fatal("the seal of another sale is taken")
		}
	})
}

// FuzzReceipt: whatever a card has a receipt say, it is printed in proportion, in both languages.
func FuzzReceipt(f *testing.F) {
	f.Add("VISA CREDIT", "A0000000031010", "0000008000", "E800", "TC", "1122334455667788", "476173******0119", int64(10000))
	f.Add("", "", "", "", "", "", "", int64(-1<<63))
	f.Add("%s%d\x1b[31m\n", "", "", "", "", "", "1", int64(0))
	f.Fuzz(func(t *testing.T, label, aid, tvr, tsi, kind, cryptogram, card string, amount int64) {
		profile, err := ParseProfile("generic", []byte(generic(t)))
		must(t, err)
		term := New(Config{Profile: profile, Clock: sim.NewWorld(time.Time{}, 1).Actor("term"), Rules: rules.Set{}})
		given := 0
		for _, s := range []string{label, aid, tvr, tsi, kind, cryptogram, card} {
			given += len(s)
		}
		for _, entry := range []string{"0051", "0901", "0801", "0022", "x"} {
			r := &Record{STAN: "000001", Date: "0302", Time: "140511", Year: 2026, Amount: amount, Card: card, Entry: entry,
				Label: label, AID: aid, TVR: tvr, TSI: tsi, CryptogramType: kind, Cryptogram: cryptogram, CVM: kind}
			for _, c := range []Copy{MerchantCopy, CustomerCopy} {
				rc := term.compose(r, c, true)
				for _, l := range []Lang{English, Chinese} {
					if s := rc.In(l); len(s) > 1500+given || strings.Contains(s, "%!") && !strings.Contains(label+aid+tvr+tsi+kind+cryptogram+card, "%!") {
						t.Fatalf("%d characters of %d:\n%s", len(s), given, s)
					}
				}
				if n := len(rc.Keys()); n > 1500+4*given {
					t.Fatalf("%d bytes of keys", n)
				}
			}
		}
	})
}
