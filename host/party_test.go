package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// A town is the three parties with runners, disks and links in a world, and a terminal that speaks through the dialect.
type town struct {
	t       testing.TB
	w       *sim.World
	naive   rules.Set
	houses  [3]*house
	term    *sim.Actor
	module  *hsm.Module
	master  hsm.Key
	mac     hsm.Key
	link    *transport.Link
	got     []*dialect.Message
	stan    int
	seen    []Observation
	point   func(at int, mti, point string)
	treat   func(at int, m *dialect.Message) Treatment
	refused map[int]bool // dials to this party are refused, or vanish
	vanish  map[int]bool
	dials   int

	speaks   *dialect.Dialect // on the terminal's line
	scheme   hsm.Scheme
	acquirer func(*RelayConfig) // changes its configuration, from its next boot on
	bank     *Bank
	framing  transport.Framing // the terminal's side; the acquirer's has any source
}

type house struct {
	at    int
	actor *sim.Actor
	disk  *sim.MemDisk
	party *Party
	err   error
	build func() (Machine, *hsm.Module)
	frame func([]byte) []transport.Fault // on the link up
}

func newTown(t testing.TB, naive rules.Set) *town {
	return newTownOf(t, naive, dialect.ISO87(), hsm.Scheme{}, transport.Framing{})
}

// newTownOf is a town whose terminal speaks a dialect, protects its messages by a scheme, and frames them so.
func newTownOf(t testing.TB, naive rules.Set, d *dialect.Dialect, scheme hsm.Scheme, line transport.Framing) *town {
	w := sim.NewWorld(streetStart, 1)
	t.Cleanup(w.Close)
	tw := &town{t: t, w: w, naive: naive, refused: map[int]bool{}, vanish: map[int]bool{}, speaks: d, scheme: scheme, framing: line, bank: testBank(t)}
	builds := []func() (Machine, *hsm.Module){
		func() (Machine, *hsm.Module) {
			c := acquirerConfig(t, naive)
			c.Terminals[0].Scheme, c.Terminals[0].Dialect = scheme, d
			if tw.acquirer != nil {
				tw.acquirer(&c)
			}
			m, _ := NewRelay(c)
			return m, c.Module
		},
		func() (Machine, *hsm.Module) { c := switchConfig(t, naive); m, _ := NewRelay(c); return m, c.Module },
		func() (Machine, *hsm.Module) { c := issuerConfig(t, naive); m, _ := NewIssuer(c); return m, c.Module },
	}
	for at := atIssuer; at >= atAcquirer; at-- {
		h := &house{at: at, actor: w.Actor(placeNames[at]), build: builds[at]}
		h.disk = sim.NewMemDisk(h.actor)
		tw.houses[at] = h
		tw.boot(h)
	}
	tw.term = w.Actor("terminal")
	tw.term.PowerOn(nil)
	module, key := moduleWith(t, 'T')
	tw.module, tw.master = module, key(hsm.KeyEncryption, 1)
	tw.until(time.Second, func() bool { return false })
	tw.dial()
	return tw
}

func (tw *town) boot(h *house) {
	h.actor.PowerOn(func(c sim.Clock) {
		machine, module := h.build()
		cfg := Config{Name: placeNames[h.at], Clock: c, Disk: h.disk, Machine: machine, Module: module, Rules: tw.naive,
			Deliver: func(f *File) {
				bankTakes(tw.bank, c.Now(), func(f *File) { tw.houses[atAcquirer].party.File(f) }, f)
			},
			Observe: func(o Observation) { tw.seen = append(tw.seen, o) },
			Treat: func(m *dialect.Message) Treatment {
				if tw.treat == nil {
					return Treatment{}
				}
				return tw.treat(h.at, m)
			},
			Point: func(mti, point string) {
				if tw.point != nil {
					tw.point(h.at, mti, point)
				}
			}}
		if h.at < atIssuer {
			cfg.Uplink = func(done func(*transport.Link, error)) { tw.uplink(h, tw.houses[h.at+1], done) }
		}
		p, err := NewParty(cfg)
		if err != nil {
			tw.t.Error(err)
			return
		}
		h.party = p
		h.err = p.Run()
	})
}

func (tw *town) uplink(lo, hi *house, done func(*transport.Link, error)) {
	tw.dials++
	lo.actor.After(10*time.Millisecond, func() {
		switch {
		case tw.vanish[hi.at]:
			return
		case tw.refused[hi.at] || !hi.actor.On():
			done(nil, transport.ErrRefused)
			return
		}
		x, y := transport.Pipe(lo.actor, hi.actor, 10*time.Millisecond)
		hi.party.Accept(transport.NewLink(y, transport.Framing{}, hi.actor))
		l := transport.NewLink(x, transport.Framing{}, lo.actor)
		l.Faults(func(f []byte) []transport.Fault {
			if lo.frame == nil {
				return nil
			}
			return lo.frame(f)
		})
		done(l, nil)
	})
}

// crash cuts a party's power in its own step, and switches it on again a second later.
func (tw *town) crash(at int) {
	h := tw.houses[at]
	tw.w.After(time.Second, func() { tw.boot(h) })
	h.disk.Settle(sim.PowerOffLost)
	h.actor.PowerOff()
}

func (tw *town) dial() {
	h := tw.houses[atAcquirer]
	if !h.actor.On() {
		return
	}
	x, y := transport.Pipe(tw.term, h.actor, 20*time.Millisecond)
	far := tw.framing
	if tw.framing.TPDU != nil {
		far.TPDU, far.AnySource = &transport.TPDU{Source: 3}, true
	}
	h.party.AcceptAs(transport.NewLink(y, far, h.actor), tw.speaks)
	tw.link = transport.NewLink(x, tw.framing, tw.term)
	tw.link.OnFrame(func(b []byte, err error) {
		if err != nil {
			return
		}
		m, err := tw.speaks.Unpack(b)
		if err != nil {
			tw.t.Error(err)
			return
		}
		err = tw.speaks.VerifyMAC(b, m, func(mac, data []byte) error {
			return tw.module.VerifyMAC(tw.mac, tw.scheme.MACParams(), mac, data)
		})
		if err != nil && m.ResponseCode != codeBadMAC {
			m.ReservedPrivate63 = "bad MAC"
		}
		tw.got = append(tw.got, m)
	})
}

func (tw *town) until(limit time.Duration, done func() bool) bool {
	return tw.w.Until(limit, 100000, done)
}

func (tw *town) pass(d time.Duration) { tw.until(d, func() bool { return false }) }

func (tw *town) send(m *dialect.Message) {
	if tw.link == nil || tw.link.Err() != nil {
		tw.dial()
	}
	var mac func(dst *[8]byte, data []byte) error
	if tw.speaks.Signed(m) {
		mac = func(dst *[8]byte, data []byte) error {
			return tw.module.MAC(tw.mac, tw.scheme.MACParams(), dst[:], data)
		}
	}
	b, err := tw.speaks.Pack(m, mac)
	if err != nil {
		tw.t.Fatal(err)
	}
	_ = tw.link.Send(b)
}

// ask sends m and returns the answer, nil after a minute without one.
func (tw *town) ask(m *dialect.Message) *dialect.Message {
	n := len(tw.got)
	tw.send(m)
	if !tw.until(time.Minute, func() bool { return len(tw.got) > n }) {
		return nil
	}
	return tw.got[len(tw.got)-1]
}

func (tw *town) message(mti string) *dialect.Message {
	tw.stan++
	return (&street{}).message(mti, tw.stan)
}

func (tw *town) signOn() {
	m := tw.message("0800")
	m.ProcessingCode, m.CurrencyCodeTransaction, m.POSEntryMode = "", "", ""
	m.NetworkManagementCode = dialect.NetworkSignOn
	a := tw.ask(m)
	if a == nil || a.ResponseCode != codeApproved {
		tw.t.Fatalf("sign-on answered %v", a)
	}
	keys, err := dialect.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		tw.t.Fatal(err)
	}
	if tw.mac, err = tw.module.Import(hsm.Attributes{Usage: hsm.MACAlgorithm3}, tw.master, keys.MACKey[:], keys.MACKeyCheckValue[:]); err != nil {
		tw.t.Fatal(err)
	}
}

func (tw *town) sale(amount int64) *dialect.Message {
	m := tw.message("0200")
	m.SetAmount(amount)
	m.PrimaryAccountNumber = testCard(tw.t)
	m.Track2Data = testCard(tw.t).Digits() + "=3012201000000000000"
	return m
}

func (tw *town) reversal(m *dialect.Message, mti string) *dialect.Message {
	r := (&street{}).message(mti, 0)
	r.SystemsTraceAuditNumber, r.ReversalReason = m.SystemsTraceAuditNumber, "98"
	r.SetAmount(m.AmountTransaction)
	return r
}

// views reads every party from its disk, as a judge does.
func (tw *town) views() (all []*View) {
	for _, h := range tw.houses {
		v, err := Recover(h.disk.Durable(LogName))
		if err != nil {
			tw.t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func (tw *town) money() string {
	p := Positions(tw.views()...)
	return fmt.Sprintf("cardholder %d issuer %d acquirer %d", p[PositionCardholder], p[PositionIssuer], p[PositionAcquirer])
}

func (tw *town) saw(k ObservationKind) (n int) {
	for _, o := range tw.seen {
		if o.Kind == k {
			n++
		}
	}
	return n
}

func (tw *town) expect(what string, got, want any) {
	tw.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		tw.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const sold = "cardholder -10000 issuer 0 acquirer 10000"
const nothing = "cardholder 0 issuer 0 acquirer 0"

func TestSaleThroughThreeParties(t *testing.T) {
	var hashes []uint64
	for range 2 {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		a := tw.ask(tw.sale(10000))
		tw.expect("answer", a, "0210 SIM00001/000002/0302140500 00")
		tw.expect("MAC", a.ReservedPrivate63, "")
		tw.expect("money", tw.money(), sold)
		tw.houses[atAcquirer].party.Calendar(Calendar{Kind: CalendarPayout})
		tw.pass(time.Second)
		tw.expect("after the payout", Positions(tw.views()...)[PositionMerchant], 9940)
		tw.houses[atIssuer].party.Admin(Admin{Account: "card", Status: Lost})
		tw.pass(time.Second)
		tw.expect("a lost card", tw.ask(tw.sale(100)).ResponseCode, "41")
		tw.expect("trouble", tw.saw(Dropped)+tw.saw(Undecodable)+tw.saw(UnmatchedAnswer)+tw.saw(DialFailed), 0)
		hashes = append(hashes, tw.w.Hash())
	}
	if hashes[0] != hashes[1] {
		t.Error("the same world went two ways")
	}
}

// Every party loses its power around every commit that a sale or its reversal causes. Whatever the terminal was told, and
// with the reversal that it sends when it was told nothing, the books agree in the end.
func TestCrashAtEveryCommit(t *testing.T) {
	for at := atAcquirer; at <= atIssuer; at++ {
		for _, mti := range []string{"0200", "0210", "0400", "0420", "0430"} {
			for _, point := range []string{BeforeLog, AfterLog} {
				t.Run(placeNames[at]+" "+mti+" "+point, func(t *testing.T) {
					tw := newTown(t, rules.Set{})
					tw.signOn()
					crashed := false
					tw.point = func(where int, what, when string) {
						if where == at && what == mti && when == point && !crashed {
							crashed = true
							tw.crash(at)
						}
					}
					m := tw.sale(10000)
					a := tw.ask(m)
					want := nothing
					if a != nil && a.ResponseCode == codeApproved && mti[1] == '2' {
						want = sold
					} else {
						undone := false
						for i := 0; i < 5 && !undone; i++ {
							r := tw.ask(tw.reversal(m, "0400"))
							undone = r != nil && (r.ResponseCode == codeApproved || r.ResponseCode == codeNoOriginal)
						}
						if !undone {
							t.Error("the reversal is never acknowledged")
						}
					}
					tw.pass(3 * time.Minute)
					tw.expect("money", tw.money(), want)
					for i, v := range tw.views() {
						if due := v.Unresolved(); len(due) > 0 {
							t.Errorf("%s: %v %v", placeNames[i], due[0].Key, due[0].State)
						}
					}
					handles := map[string]bool{"acquirer 0420": false, "switch 0400": false, "issuer 0210": false, "issuer 0400": false, "issuer 0430": false}
					if possible, listed := handles[placeNames[at]+" "+mti]; !crashed && (!listed || possible) {
						t.Error("the crash never happened")
					}
				})
			}
		}
	}
}

// The naive party answers first: a crash before its log is durable loses a sale that the terminal has.
func TestAnswerBeforeLogLosesASale(t *testing.T) {
	for _, naive := range []rules.Set{{}, rules.Leave(rules.LogBeforeAnswer)} {
		tw := newTown(t, naive)
		tw.signOn()
		crashed := false
		tw.point = func(where int, what, when string) {
			if where == atAcquirer && what == "0210" && when == BeforeLog && !crashed {
				crashed = true
				tw.w.After(50*time.Millisecond, func() {}) // what left is on the wire
				tw.crash(atAcquirer)
			}
		}
		a := tw.ask(tw.sale(10000))
		tw.pass(3 * time.Minute)
		told := a != nil && a.ResponseCode == codeApproved
		if lost := told && tw.money() == nothing; lost != (naive != rules.Set{}) {
			t.Errorf("naive %v: told %v, money %s", naive != rules.Set{}, told, tw.money())
		}
	}
}

func TestFailedDiskStopsTheParty(t *testing.T) {
	for _, fault := range []sim.DiskFault{sim.DiskFull, sim.DiskError, sim.SyncError} {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		h := tw.houses[atAcquirer]
		h.disk.OnWrite(func(string, int) sim.DiskFault { return fault })
		if a := tw.ask(tw.sale(10000)); a != nil {
			t.Errorf("fault %d: answered %v", fault, a)
		}
		if h.party.Err() == nil || h.err == nil || h.actor.On() {
			t.Errorf("fault %d: error %v", fault, h.party.Err())
		}
		if fault == sim.DiskFull && !errors.Is(h.err, sim.ErrFull) {
			t.Errorf("error %v does not say why", h.err)
		}
		if v := tw.views()[atSwitch]; len(v.Transactions) != 0 {
			t.Errorf("fault %d: the request was forwarded", fault)
		}
		if tw.link.Err() == nil {
			t.Errorf("fault %d: the connection stands", fault)
		}
	}
}

func TestDamagedLogStopsTheParty(t *testing.T) {
	tw := newTown(t, rules.Set{})
	tw.signOn()
	h := tw.houses[atAcquirer]
	tw.ask(tw.sale(100))
	h.actor.PowerOff()
	b := h.disk.Durable(LogName)
	b[30] ^= 1
	h.disk.Put(LogName, b)
	tw.boot(h)
	tw.pass(time.Second)
	if h.err == nil || !strings.HasPrefix(h.err.Error(), "host: acquirer: wal:") {
		t.Errorf("error %v", h.err)
	}
}

func TestBadMACAndGarbage(t *testing.T) {
	tw := newTown(t, rules.Set{})
	wrong, err := tw.module.Install("", hsm.Attributes{Usage: hsm.MACAlgorithm3}, clearKey(9))
	if err != nil {
		t.Fatal(err)
	}
	tw.mac = wrong
	tw.expect("before the sign-on", tw.ask(tw.sale(100)).ResponseCode, "A0")
	tw.signOn()
	right := tw.mac
	tw.mac = wrong
	a := tw.ask(tw.sale(100))
	tw.expect("stale key", a.ResponseCode, "A0")
	tw.expect("its MAC", len(a.MAC), 0)
	for _, garbage := range [][]byte{{0}, []byte("GET / HTTP/1.1"), make([]byte, 300)} {
		_ = tw.link.Send(garbage)
	}
	tw.pass(time.Second)
	tw.expect("undecodable frames", tw.saw(Undecodable), 3)
	tw.expect("transactions", len(tw.views()[atAcquirer].Transactions), 0)
	tw.mac = right
	tw.expect("the same connection", tw.ask(tw.sale(10000)).ResponseCode, "00")
	tw.expect("money", tw.money(), sold)
}

func TestTreatments(t *testing.T) {
	tests := []struct {
		name  string
		at    int
		mti   string
		treat Treatment
		want  string // the terminal's answer
		money string
		check func(tw *town)
	}{
		{"slow issuer: the switch declines, and reverses", atIssuer, "0200", Treatment{Slow: 35 * time.Second}, "68", nothing, nil},
		{"slow switch: the acquirer declines, and reverses", atSwitch, "0210", Treatment{Slow: 50 * time.Second}, "68", nothing, nil},
		{"wrong MAC from the issuer: as if silent", atIssuer, "0200", Treatment{WrongMAC: true}, "68", nothing, nil},
		{"wrong trace number from the issuer", atIssuer, "0200", Treatment{WrongSTAN: true}, "68", nothing, func(tw *town) {
			for _, o := range tw.seen {
				if o.Kind == UnmatchedAnswer {
					tw.expect("keys", o.Want.STAN+" "+o.Message.SystemsTraceAuditNumber, "000002 000003")
					return
				}
			}
			tw.t.Error("the wrong answer was not reported")
		}},
		{"wrong amount from the issuer", atIssuer, "0200", Treatment{WrongAmount: true}, "96", nothing, nil},
		{"wrong MAC to the terminal", atAcquirer, "0200", Treatment{WrongMAC: true}, "00", sold, func(tw *town) {
			tw.expect("MAC", tw.got[1].ReservedPrivate63, "bad MAC")
		}},
		{"wrong amount to the terminal", atAcquirer, "0200", Treatment{WrongAmount: true}, "00", sold, func(tw *town) {
			tw.expect("amount", tw.got[1].AmountTransaction, 10001)
			tw.expect("MAC", tw.got[1].ReservedPrivate63, "")
			tw.stan -= 1
			tw.expect("amount of the copy", tw.ask(tw.sale(10000)).AmountTransaction, 10000)
		}},
		{"wrong ARPC from the issuer, but the stripe asked for none", atIssuer, "0200", Treatment{WrongARPC: true}, "00", sold, nil},
		{"the issuer says 91", atIssuer, "0200", Treatment{Answer: "91"}, "91", nothing, nil},
		{"the acquirer says 90", atAcquirer, "0200", Treatment{Answer: "90"}, "90", nothing, nil},
		{"the switch turns an approval down", atSwitch, "0210", Treatment{Answer: "05"}, "05", nothing, nil},
		{"the issuer lies", atIssuer, "0200", Treatment{Answer: "A2"}, "96", nothing, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tw := newTown(t, rules.Set{})
			tw.signOn()
			once := false
			tw.treat = func(at int, m *dialect.Message) Treatment {
				if at == test.at && m.MTI == test.mti && !once {
					once = true
					return test.treat
				}
				return Treatment{}
			}
			a := tw.ask(tw.sale(10000))
			if a == nil {
				t.Fatal("no answer")
			}
			tw.expect("code", a.ResponseCode, test.want)
			tw.pass(3 * time.Minute)
			tw.expect("money", tw.money(), test.money)
			if test.check != nil {
				test.check(tw)
			}
		})
	}
}

func TestUplinkIsDialledAgain(t *testing.T) {
	t.Run("a dead switch is refused, then comes back", func(t *testing.T) {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		tw.houses[atSwitch].actor.PowerOff()
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "68")
		if tw.saw(DialFailed) == 0 {
			t.Error("no dial failed")
		}
		tw.boot(tw.houses[atSwitch])
		tw.pass(2 * time.Minute)
		if due := tw.views()[atAcquirer].Unresolved(); len(due) > 0 {
			t.Error("the reversal is still due")
		}
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "00")
		tw.expect("money", tw.money(), sold)
	})
	t.Run("a dial that vanishes is given up", func(t *testing.T) {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		tw.houses[atSwitch].actor.PowerOff()
		tw.vanish[atSwitch] = true
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "68")
		tw.boot(tw.houses[atSwitch])
		tw.vanish[atSwitch] = false
		tw.pass(2 * time.Minute)
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "00")
	})
	t.Run("a line that swallows everything is replaced by a repeat", func(t *testing.T) {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		dials := tw.dials
		line := tw.houses[atAcquirer].party.up.link
		line.Faults(func([]byte) []transport.Fault { return []transport.Fault{transport.Lose{}} })
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "68")
		tw.pass(3 * time.Minute)
		if tw.dials == dials {
			t.Error("the line was never dialled again")
		}
		if due := tw.views()[atAcquirer].Unresolved(); len(due) > 0 {
			t.Error("the reversal is still due")
		}
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "00")
	})
	t.Run("repeats that go out together do not take the line from each other", func(t *testing.T) {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		sales := []*dialect.Message{tw.sale(10000), tw.sale(10000), tw.sale(10000)}
		for _, m := range sales {
			tw.expect("code", tw.ask(m).ResponseCode, "00")
		}
		dials := tw.dials
		line := tw.houses[atAcquirer].party.up.link
		line.Faults(func([]byte) []transport.Fault { return []transport.Fault{transport.Lose{}} })
		for _, m := range sales {
			tw.send(tw.reversal(m, "0400"))
		}
		tw.pass(time.Second)
		tw.expect("due", len(tw.views()[atAcquirer].Unresolved()), 3)
		line.Faults(func([]byte) []transport.Fault { return nil })
		tw.pass(ReversalRepeat + time.Second)
		tw.expect("due behind one repeat", len(tw.views()[atAcquirer].Unresolved()), 0)
		tw.expect("dials", tw.dials, dials)
		tw.expect("money", tw.money(), nothing)
	})
	t.Run("the first request waits for the first dial", func(t *testing.T) {
		tw := newTown(t, rules.Set{})
		tw.signOn()
		tw.houses[atAcquirer].party.up.link.Reset()
		tw.expect("code", tw.ask(tw.sale(10000)).ResponseCode, "00")
	})
}

func TestTooManyConnectionsAreReset(t *testing.T) {
	tw := newTown(t, rules.Set{})
	h := tw.houses[atAcquirer]
	var last *transport.Link
	for range maxConnections + 1 {
		x, y := transport.Pipe(tw.term, h.actor, time.Millisecond)
		h.party.Accept(transport.NewLink(y, transport.Framing{}, h.actor))
		last = transport.NewLink(x, transport.Framing{}, tw.term)
	}
	tw.pass(time.Second)
	if last.Err() == nil {
		t.Error("the connection that is one too many stands")
	}
	if tw.link.Err() != nil {
		t.Error("an earlier one does not")
	}
}

func TestPartyNeedsItsSurroundings(t *testing.T) {
	if _, err := NewParty(Config{Name: "x"}); err == nil {
		t.Error("accepted")
	}
}

// BenchmarkSale is one sale from the terminal's bytes to its answer: six messages with MACs, five records, five commits.
// The chip's own cryptogram is made by the test and is in the figure.
func BenchmarkSale(b *testing.B) {
	for name, sale := range map[string]func(tw *town) *dialect.Message{
		"stripe": func(tw *town) *dialect.Message { return tw.sale(1) },
		"chip": func(tw *town) *dialect.Message {
			tw.stan++
			return (&street{t: tw.t}).chip("0200", tw.stan, 1, uint16(tw.stan))
		},
	} {
		b.Run(name, func(b *testing.B) {
			tw := newTown(b, rules.Set{})
			tw.signOn()
			for b.Loop() {
				m := sale(tw)
				tw.got, tw.seen = tw.got[:0], tw.seen[:0]
				if a := tw.ask(m); a == nil || a.ResponseCode != "00" && tw.stan < 60000 {
					b.Fatalf("answered %v", a)
				}
			}
		})
	}
}
