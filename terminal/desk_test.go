package terminal

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// desk is a terminal whose host knows batches: it counts what it approves, compares totals, takes lines and closes. It is not the
// house's own host, which lives in another room; it does what an acquirer's document says and no more.
type desk struct {
	t          testing.TB
	w          *sim.World
	term, host *sim.Actor
	disk       *sim.MemDisk
	profile    *Profile
	dialect    *dialect.Dialect
	modules    [2]*hsm.Module // the terminal's, the host's
	master     hsm.Key
	mac        hsm.Key
	keys62     []byte

	terminal *Terminal
	ends     []Ended
	shown    []string
	sent     []*dialect.Message
	printed  []Receipt
	closed   []BatchClosed

	// treat says what becomes of a message: the answer it gets, or another one; nil is silence.
	treat func(m, answer *dialect.Message) *dialect.Message
	paper error
	point func(string)

	books bookkeeper
}

// bookkeeper is what the host has written down.
type bookkeeper struct {
	approved map[string]*dialect.Message // by batch and STAN
	number   string                      // of the open batch
	results  map[string]dialect.SettlementResult
	totals   map[string]dialect.Totals // as they were first answered
	lines    map[string]int            // uploads of each line, by STAN
	ends     []string                  // of batches: every end that was told, the 60.3 with it
	sold     int                       // sales that came in a batch that was being settled
	more     int64                     // minor units that the host has and the terminal has not
}

const (
	plainDesk   = "generic"
	batchedDesk = "unionpay-merchant" // its terminal numbers batches
)

func newDesk(t testing.TB, profile string, change func(*Profile)) *desk {
	t.Helper()
	src, err := os.ReadFile("../testdata/terminals/" + profile + ".yaml")
	must(t, err)
	p, err := ParseProfile(profile, src)
	must(t, err)
	p.Functions, p.VoidCard, p.RefundCard = nil, false, false
	if change != nil {
		change(p)
	}
	w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
	t.Cleanup(w.Close)
	x := &desk{t: t, w: w, term: w.Actor("term"), host: w.Actor("host"), profile: p, dialect: p.Speaks()}
	x.disk = sim.NewMemDisk(x.term)
	x.host.PowerOn(nil)
	x.books = bookkeeper{
		approved: map[string]*dialect.Message{}, number: "000001", results: map[string]dialect.SettlementResult{}, totals: map[string]dialect.Totals{}, lines: map[string]int{},
	}
	x.makeKeys()
	return x
}

func (x *desk) makeKeys() {
	clear := func(fill byte) []byte {
		b := make([]byte, 16)
		for i := range b {
			b[i] = fill + byte(i)*7
		}
		return b
	}
	for i := range x.modules {
		x.modules[i] = hsm.New(rand.NewChaCha8([32]byte{byte(i)}))
	}
	install := func(m *hsm.Module, label string, a hsm.Attributes, b []byte) hsm.Key {
		k, err := m.Install(label, a, b)
		must(x.t, err)
		return k
	}
	install(x.modules[0], JournalKey, hsm.Attributes{Usage: hsm.Sealing}, append(clear(0x44), clear(0x45)...))
	install(x.modules[0], DeviceKey, hsm.Attributes{Usage: hsm.KeyEncryption}, clear(0x11))
	x.master = install(x.modules[1], "", hsm.Attributes{Usage: hsm.KeyEncryption}, clear(0x11))
	pin := install(x.modules[1], "", hsm.Attributes{Usage: hsm.PINEncryption}, clear(0x22))
	x.mac = install(x.modules[1], "", x.profile.Security.SessionMAC(), clear(0x33))
	n, _ := x.dialect.SessionKeyForm()
	give := func(k hsm.Key) (cryptogram, check []byte) {
		c, _, err := x.modules[1].Export(k, x.master)
		must(x.t, err)
		v, err := x.modules[1].CheckValue(k, n)
		must(x.t, err)
		return c, v
	}
	var s dialect.SessionKeys
	s.PINKey, s.PINKeyCheckValue = give(pin)
	s.MACKey, s.MACKeyCheckValue = give(x.mac)
	var err error
	x.keys62, err = x.dialect.AppendSessionKeys(nil, s)
	must(x.t, err)
}

// boot gives the terminal power.
func (x *desk) boot() {
	x.terminal = New(Config{
		Profile: x.profile, Clock: x.term, Disk: x.disk, Rand: rand.NewChaCha8([32]byte{'R'}), Module: func() (*hsm.Module, error) { return x.modules[0], nil },
		Dialect: x.dialect, Dial: x.dial,
		Devices: Devices{
			Show: func(s Screen) { x.shown = append(x.shown, s.In(English)); _ = s.In(Chinese) },
			Print: func(r Receipt) error {
				if x.paper != nil {
					return x.paper
				}
				x.printed = append(x.printed, r)
				_ = r.In(Chinese)
				return nil
			},
		},
		Point: func(at string) {
			if x.point != nil {
				x.point(at)
			}
		},
		Observe: func(o Observation) {
			switch o := o.(type) {
			case Ended:
				x.ends = append(x.ends, o)
			case Sent:
				x.sent = append(x.sent, o.Message)
			case BatchClosed:
				x.closed = append(x.closed, o)
			case Remark:
				x.t.Log(o.Text)
			}
		},
	})
	x.term.PowerOn(func(sim.Clock) { x.terminal.Run() })
	x.pass(10 * time.Second)
}

// cycle takes the power away and gives it back.
func (x *desk) cycle() {
	x.disk.Settle(sim.PowerOffLost)
	if x.term.On() {
		x.term.PowerOff()
	}
	x.boot()
}

func (x *desk) pass(d time.Duration) { x.w.Until(d, 400_000, func() bool { return false }) }

// press presses keys one after the other, each when the terminal has done with the one before.
func (x *desk) press(keys string) {
	for _, k := range []byte(keys) {
		x.term.After(0, func() { x.terminal.Press(k) })
		x.pass(300 * time.Millisecond)
	}
}

// choose opens the menu at a function and presses keys after it; a supervisor's password goes before them.
func (x *desk) choose(f Function, keys string) {
	x.t.Helper()
	x.w.Until(5*time.Minute, 400_000, x.terminal.Idle)
	path, ok := Menu(x.profile, f)
	if !ok {
		x.t.Fatalf("the menu has no %s", f)
	}
	for _, g := range menu() {
		for _, m := range g.items {
			if m.function == f && m.who == supervisor {
				keys = "123456\r" + keys
			}
		}
	}
	x.press(path + keys)
}

// try begins a sale by stripe with a PIN, and waits for its end.
func (x *desk) try(amount string) Ended {
	x.t.Helper()
	n := len(x.ends)
	x.press(amount + "\r")
	x.term.After(0, func() { x.terminal.Swipe(Stripe{Track2: swiped}) })
	x.pass(time.Second)
	x.press("1234\r")
	x.w.Until(10*time.Minute, 400_000, func() bool { return len(x.ends) > n && x.terminal.Idle() })
	if len(x.ends) == n {
		x.t.Fatalf("no end; shown %q", x.shown[max(0, len(x.shown)-8):])
	}
	return x.ends[n]
}

// sale is try that must be approved.
func (x *desk) sale(amount string) *Record {
	x.t.Helper()
	if e := x.try(amount); e.Outcome != OutcomeApproved {
		x.t.Fatalf("sale of %s ended %s %s; shown %q", amount, e.Outcome, e.Code, x.shown[max(0, len(x.shown)-8):])
	}
	all := x.terminal.Records()
	return all[len(all)-1]
}

// settle settles, and waits for the end.
func (x *desk) settle() Ended {
	x.t.Helper()
	n := len(x.ends)
	x.choose(FunctionSettlement, "\r")
	x.w.Until(30*time.Minute, 400_000, func() bool { return len(x.ends) > n && x.terminal.Idle() })
	if len(x.ends) == n {
		x.t.Fatalf("the settlement has no end; shown %q", x.shown[max(0, len(x.shown)-8):])
	}
	return x.ends[n]
}

func (x *desk) saw(text string) bool {
	return slices.ContainsFunc(x.shown, func(s string) bool { return strings.Contains(s, text) })
}

// kinds are the kinds of the messages that were sent, without sign-ons.
func (x *desk) kinds() (all []string) {
	for _, m := range x.sent {
		if m.Kind == dialect.KindSignOn {
			continue
		}
		s := m.Kind.String()
		if dialect.Class(m.MTI) == dialect.ClassReversal {
			s = "reversal"
		}
		all = append(all, s)
	}
	return all
}

func (x *desk) dial() (*transport.Link, error) {
	near, far := transport.Pipe(x.term, x.host, time.Millisecond)
	l := transport.NewLink(far, transport.Framing{}, x.host)
	l.OnFrame(func(b []byte, err error) {
		if err != nil {
			return
		}
		if a := x.answer(b); a != nil {
			_ = l.Send(a) // a line that the terminal has left carries nothing
		}
	})
	return transport.NewLink(near, transport.Framing{}, x.term), nil
}

// answer is what the host says to a message.
func (x *desk) answer(b []byte) []byte {
	m, err := x.dialect.Unpack(b)
	if err != nil {
		x.t.Fatalf("the terminal sends %X: %v", b, err)
	}
	a := &dialect.Message{
		MTI: dialect.Response(m.MTI), Kind: m.Kind, ProcessingCode: m.ProcessingCode, AmountTransaction: m.AmountTransaction, HasAmount: m.HasAmount, POSConditionCode: m.POSConditionCode,
		MessageTypeCode: m.MessageTypeCode, NetworkManagementCode: m.NetworkManagementCode, BatchNumber: m.BatchNumber,
		SystemsTraceAuditNumber: m.SystemsTraceAuditNumber, TimeLocalTransaction: m.TimeLocalTransaction, DateLocalTransaction: m.DateLocalTransaction,
		CardAcceptorTerminalIdentification: m.CardAcceptorTerminalIdentification, CardAcceptorIdentificationCode: m.CardAcceptorIdentificationCode,
		CurrencyCodeTransaction: m.CurrencyCodeTransaction, ResponseCode: "00", RetrievalReferenceNumber: "606114" + m.SystemsTraceAuditNumber,
	}
	if x.dialect.NumbersBatches() {
		now := x.w.Now()
		a.TimeLocalTransaction, a.DateLocalTransaction = now.Format("150405"), now.Format("0102")
	}
	x.keep(m, a)
	if x.treat != nil {
		if a = x.treat(m, a); a == nil {
			return nil
		}
	}
	var mac func(*[8]byte, []byte) error
	if x.dialect.Signed(a) {
		mac = func(dst *[8]byte, data []byte) error {
			return x.modules[1].MAC(x.mac, x.profile.Security.MACParams(), dst[:], data)
		}
	}
	out, err := x.dialect.Pack(a, mac)
	if err != nil {
		x.t.Fatalf("answer to %v: %v", m, err)
	}
	return out
}

// keep is the host's bookkeeping.
func (x *desk) keep(m, a *dialect.Message) {
	k := &x.books
	id := m.BatchNumber + "/" + m.SystemsTraceAuditNumber
	switch {
	case dialect.Class(m.MTI) == dialect.ClassReversal:
		a.ResponseCode = "25"
		if k.approved[id] != nil {
			a.ResponseCode = "00"
		}
		delete(k.approved, id)
	case m.Kind == dialect.KindSignOn:
		a.ReservedPrivate62 = x.keys62
		if x.dialect.NumbersBatches() {
			a.BatchNumber = k.number
		}
	case m.Kind == dialect.KindSettlement, m.Kind == dialect.KindUpload, m.Kind == dialect.KindUploadEnd:
		x.settlement(m, a)
	case dialect.Class(m.MTI) == dialect.ClassFinancial || dialect.Class(m.MTI) == dialect.ClassAuthorization:
		if len(k.totals) > 0 && k.totals[m.BatchNumber] != (dialect.Totals{}) {
			k.sold++
		}
		if m.Kind == dialect.KindSale || m.Kind == dialect.KindOfflineSale {
			k.approved[id] = m
		}
		a.AuthorizationIDResponse = "A1B2C3"
	}
}

// settlement compares, takes lines and closes.
func (x *desk) settlement(m, a *dialect.Message) {
	k := &x.books
	batch := m.BatchNumber
	switch m.Kind {
	case dialect.KindSettlement:
		if before, again := k.totals[batch]; again && before != *m.Totals {
			x.t.Errorf("the totals of batch %q are %+v now, and were %+v", batch, *m.Totals, before)
		}
		var own dialect.Totals
		for _, s := range k.approved {
			if s.BatchNumber == batch {
				own.Debits.Count++
				own.Debits.Amount += s.AmountTransaction
			}
		}
		if k.more != 0 {
			own.Debits.Count = min(own.Debits.Count+1, 999) // what some totals count to
			own.Debits.Amount += k.more
		}
		if before, again := k.results[batch+m.SystemsTraceAuditNumber]; again { // a copy
			a.Totals, a.SettlementResult, a.ForeignResult = m.Totals, before, dialect.SettlementEqual
			return
		}
		k.totals[batch] = *m.Totals
		k.results[batch] = dialect.SettlementNotEqual
		if own == *m.Totals {
			k.results[batch] = dialect.SettlementEqual
		}
		k.results[batch+m.SystemsTraceAuditNumber] = k.results[batch]
		a.Totals, a.SettlementResult, a.ForeignResult = &own, k.results[batch], dialect.SettlementEqual
		if !x.dialect.NumbersBatches() && k.results[batch] == dialect.SettlementEqual {
			x.closeBatch(batch, "")
		}
	case dialect.KindUpload:
		for _, d := range m.Details {
			k.lines[d.STAN]++
		}
		if len(m.Details) == 0 {
			k.lines[m.SystemsTraceAuditNumber]++
		}
	case dialect.KindUploadEnd:
		if m.Uploaded != min(len(k.lines), maxUploaded) {
			x.t.Errorf("the end tells of %d lines, and %d have come", m.Uploaded, len(k.lines))
		}
		x.closeBatch(batch, m.NetworkManagementCode)
		if !x.dialect.NumbersBatches() {
			a.Totals, a.SettlementResult = m.Totals, k.results[batch]
		}
	}
}

func (x *desk) closeBatch(batch, code string) {
	k := &x.books
	k.ends = append(k.ends, batch+code)
	if !x.dialect.NumbersBatches() {
		delete(k.totals, batch) // what comes now is of the next one
	}
	for id, s := range k.approved {
		if s.BatchNumber == batch {
			delete(k.approved, id)
		}
	}
	if x.dialect.NumbersBatches() && batch == k.number {
		k.number = after(k.number)
	}
}

func both(t *testing.T, f func(t *testing.T, profile string)) {
	for _, p := range []string{plainDesk, batchedDesk} {
		t.Run(p, func(t *testing.T) { f(t, p) })
	}
}
