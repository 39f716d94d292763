package host

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// The terminals of these tests: two DUKPT devices of one scheme, and one with session keys.
const otherTID, sessionTID = "SIM00002", "SIM00003"

// lane is a town whose acquirer knows those terminals, and a till that speaks for any of them.
type lane struct {
	*town
	scheme hsm.Scheme
	said   []said
	bdk    hsm.Key // in bank, which computes what the acquirer must have
	bank   *hsm.Module
}

// said is one answer, and whether its MAC is right under the response key of its own key serial number.
type said struct {
	*dialect.Message
	good bool
}

func schemeOf(t testing.TB, keys, mac string) hsm.Scheme {
	t.Helper()
	s, err := hsm.ParseScheme(keys, "", mac, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newLane(t *testing.T, scheme hsm.Scheme) *lane {
	x := &lane{town: newTown(t, rules.Set{}), scheme: scheme, bank: hsm.New(rand.NewChaCha8([32]byte{'B'}))}
	base := func(m *hsm.Module) hsm.Key {
		a, digits := testAcquirerKey(scheme)
		clear, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		k, err := m.Install("", a, clear)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	x.bdk = base(x.bank)
	h := x.houses[atAcquirer]
	h.actor.PowerOff()
	h.build = func() (Machine, *hsm.Module) {
		c := acquirerConfig(t, rules.Set{})
		c.Terminals[0].TID = sessionTID
		k := base(c.Module)
		for _, tid := range []string{testTID, otherTID} {
			c.Terminals = append(c.Terminals, TerminalKeys{
				TID: tid, MID: testMID, Scheme: scheme, Key: k, KSN: testKSN(TerminalName{TID: tid, MID: testMID, Scheme: scheme}, 0),
			})
		}
		m, err := NewRelay(c)
		if err != nil {
			t.Fatal(err)
		}
		return m, c.Module
	}
	x.boot(h)
	x.pass(time.Second)
	x.connect()
	return x
}

// connect has the till listen on a new connection.
func (x *lane) connect() {
	x.dial()
	x.link.OnFrame(func(b []byte, err error) {
		if err != nil {
			return
		}
		m, err := dialect.ISO87().Unpack(b)
		if err != nil {
			x.t.Error(err)
			return
		}
		x.said = append(x.said, said{m, x.right(m, b)})
	})
}

// right computes what the MAC of an answer must be.
func (x *lane) right(m *dialect.Message, frame []byte) bool {
	k, err := x.bank.WorkingKey(x.bdk, m.KeySerialNumber, x.scheme.WorkingMAC(hsm.Response))
	if err != nil {
		return false
	}
	var mac [8]byte
	if err := x.bank.MAC(k, x.scheme.MACParams(), mac[:], frame[:len(frame)-8]); err != nil {
		x.t.Error(err)
	}
	return bytes.Equal(mac[:], m.MAC)
}

// put sends a message under a key serial number and a MAC key of module m.
func (x *lane) put(msg *dialect.Message, ksn []byte, m *hsm.Module, k hsm.Key, p hsm.MACParams) {
	x.t.Helper()
	out := *msg
	out.KeySerialNumber = ksn
	b, err := dialect.ISO87().Pack(&out, func(dst *[8]byte, data []byte) error { return m.MAC(k, p, dst[:], data) })
	if err != nil {
		x.t.Fatal(err)
	}
	if err := x.link.Send(b); err != nil {
		x.t.Fatal(err)
	}
}

// next is the one answer that has come since the last; it fails without one, and when there are more.
func (x *lane) next(wait time.Duration) said {
	x.t.Helper()
	x.pass(wait)
	if len(x.said) != 1 {
		x.t.Fatalf("%d answers in %v", len(x.said), wait)
	}
	a := x.said[0]
	x.said = nil
	return a
}

// device is a terminal's module.
type device struct {
	x   *lane
	m   *hsm.Module
	key hsm.Key
	ksn []byte // of the present message
	mac hsm.Key
}

func (x *lane) device(tid string, times int) *device {
	x.t.Helper()
	d := &device{x: x, m: hsm.New(rand.NewChaCha8([32]byte{'T', byte(times)}))}
	var err error
	name := TerminalName{TID: tid, MID: testMID, Scheme: x.scheme}
	if d.key, err = TestDeviceKey(d.m, "device", name, times, rand.NewChaCha8([32]byte{'F'})); err != nil {
		x.t.Fatal(err)
	}
	return d
}

// numbered is a device with keys of the acquirer's base key and a serial number that nobody gave it.
func (x *lane) numbered(ksn []byte) *device {
	x.t.Helper()
	a, digits := testAcquirerKey(x.scheme)
	base, err := hex.DecodeString(digits)
	if err != nil {
		x.t.Fatal(err)
	}
	var initial []byte
	k, err := dukpt.ParseKSN(ksn)
	switch {
	case err != nil:
	case k.AES():
		initial, err = dukpt.InitialKeyAES(base, ksn[:8])
	default:
		initial, err = dukpt.InitialKeyTDES(base, k)
	}
	d := &device{x: x, m: hsm.New(strings.NewReader(""))}
	if err == nil {
		d.key, err = d.m.InstallInitialKey("device", a.Algorithm, initial, ksn)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}

// turn goes on to the keys of the next message.
func (d *device) turn() {
	d.x.t.Helper()
	var err error
	if d.ksn, err = d.m.NextKSN(d.key); err == nil {
		d.mac, err = d.m.WorkingKey(d.key, d.ksn, d.x.scheme.WorkingMAC(hsm.Request))
	}
	if err != nil {
		d.x.t.Fatal(err)
	}
}

// send sends a message under new keys and returns their number.
func (d *device) send(m *dialect.Message) []byte {
	d.x.t.Helper()
	d.turn()
	d.x.put(m, d.ksn, d.m, d.mac, d.x.scheme.MACParams())
	return d.ksn
}

// answered wants one answer, under this key serial number and with the right MAC.
func (x *lane) answered(what string, wait time.Duration, want string, ksn []byte) {
	x.t.Helper()
	a := x.next(wait)
	if got := a.MTI + " " + a.ResponseCode; got != want || !bytes.Equal(a.KeySerialNumber, ksn) || !a.good {
		x.t.Errorf("%s: %s under %X, its MAC right: %v; want %s under %X", what, got, a.KeySerialNumber, a.good, want, ksn)
	}
}

// bothSchemes runs a test for either way to have a key for each message.
func bothSchemes(t *testing.T, f func(t *testing.T, x *lane)) {
	for _, keys := range []string{hsm.DUKPTTDES, hsm.DUKPTAES} {
		t.Run(keys, func(t *testing.T) { f(t, newLane(t, schemeOf(t, keys, ""))) })
	}
}

func TestAMessageUnderAnotherKeyIsRefused(t *testing.T) {
	bothSchemes(t, func(t *testing.T, x *lane) {
		d, p := x.device(testTID, 0), x.scheme.MACParams()
		other, unknown := x.device(otherTID, 0), x.device("SIM00099", 0)
		own := testKSN(TerminalName{TID: testTID, MID: testMID, Scheme: x.scheme}, 0)
		flipped := func(at int, bit byte) *device {
			ksn := bytes.Clone(own)
			ksn[at] ^= bit
			return x.numbered(ksn)
		}
		// The fifth bit of the device: four say which of a terminal's devices it is. And the first of what says whose base key it is.
		at, bit := 7, byte(0x10)
		if x.scheme.Keys() == hsm.DUKPTTDES { // the counter has 21 bits
			at, bit = 6, 0x02
		}
		near, far := flipped(at, bit), flipped(0, 1)
		session := x.session()
		wrongLength := map[int][]byte{10: {0xF0, 0xF1, 0xF2, 0xF3, 0xA0, 0xA1, 0xA2, 0xA3, 0, 0, 0, 1}, 12: {0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0xA0, 0xA1, 0x40, 0, 1}}
		count := func(ksn []byte, counter ...byte) []byte {
			return append(bytes.Clone(ksn[:len(ksn)-len(counter)]), counter...)
		}
		for _, c := range []struct {
			name string
			send func(m *dialect.Message)
			want string
		}{
			{"another device's", func(m *dialect.Message) { other.turn(); x.put(m, other.ksn, other.m, other.mac, p) }, codeBadMAC},
			{"a device's that nobody knows", func(m *dialect.Message) { unknown.turn(); x.put(m, unknown.ksn, unknown.m, unknown.mac, p) }, codeBadMAC},
			{"a device's that is too far from the terminal's", func(m *dialect.Message) { near.turn(); x.put(m, near.ksn, near.m, near.mac, p) }, codeBadMAC},
			{"a device's of another range", func(m *dialect.Message) { far.turn(); x.put(m, far.ksn, far.m, far.mac, p) }, codeBadMAC},
			{"another device's number, and its own key", func(m *dialect.Message) { x.put(m, other.ksn, d.m, d.mac, p) }, codeBadMAC},
			{"a number of the other standard", func(m *dialect.Message) { x.put(m, wrongLength[len(d.ksn)], d.m, d.mac, p) }, codeBadMAC},
			{"a number that no message has", func(m *dialect.Message) {
				x.put(m, own, d.m, d.mac, p)
			}, codeBadMAC},
			{"a number that devices skip", func(m *dialect.Message) { x.put(m, count(d.ksn, 0x0F, 0xFF, 0xFF), d.m, d.mac, p) }, codeBadMAC},
			{"no number", func(m *dialect.Message) { x.put(m, nil, d.m, d.mac, p) }, codeBadMAC},
			{"the number after", func(m *dialect.Message) { x.put(m, count(d.ksn, d.ksn[len(d.ksn)-1]+1), d.m, d.mac, p) }, codeBadMAC},
			{"a key for answers", func(m *dialect.Message) {
				k, err := x.bank.WorkingKey(x.bdk, d.ksn, x.scheme.WorkingMAC(hsm.Response))
				if err != nil {
					t.Fatal(err)
				}
				x.put(m, d.ksn, x.bank, k, p)
			}, codeBadMAC},
			{"a number of a terminal with session keys", func(m *dialect.Message) {
				m.CardAcceptorTerminalIdentification = sessionTID
				x.put(m, d.ksn, x.module, session, hsm.MACParams{})
			}, codeBadMAC},
			{"session keys of a terminal that has none", func(m *dialect.Message) { x.put(m, nil, x.module, session, hsm.MACParams{}) }, codeBadMAC},
			{"its own", func(m *dialect.Message) { x.put(m, d.ksn, d.m, d.mac, p) }, codeApproved},
			{"another terminal's own", func(m *dialect.Message) {
				m.CardAcceptorTerminalIdentification = otherTID
				other.turn()
				x.put(m, other.ksn, other.m, other.mac, p)
			}, codeApproved},
			{"session keys", func(m *dialect.Message) {
				m.CardAcceptorTerminalIdentification = sessionTID
				x.put(m, nil, x.module, session, hsm.MACParams{})
			}, codeApproved},
		} {
			d.turn()
			before := x.money()
			m := x.sale(100)
			c.send(m)
			a := x.next(time.Second)
			if a.MTI != "0210" || a.ResponseCode != c.want {
				t.Errorf("%s: %s %s, want 0210 %s", c.name, a.MTI, a.ResponseCode, c.want)
			}
			k := m.Key()
			refused := c.want == codeBadMAC
			if known := x.views()[atAcquirer].Find(k) != nil; known == refused || refused && (x.money() != before || len(a.MAC) > 0) || !refused && x.money() == before {
				t.Errorf("%s: known %v, before %s, now %s, MAC of %d bytes", c.name, known, before, x.money(), len(a.MAC))
			}
		}
	})
}

// session signs the third terminal on and gives its MAC key, which is in the till's module.
func (x *lane) session() hsm.Key {
	x.t.Helper()
	m := x.networkMessage(sessionTID)
	x.putPlain(m)
	a := x.next(time.Second)
	keys, err := dialect.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		x.t.Fatal(err)
	}
	k, err := x.module.Import(hsm.Attributes{Usage: hsm.MACAlgorithm3}, x.master, keys.MACKey[:], keys.MACKeyCheckValue[:])
	if err != nil {
		x.t.Fatal(err)
	}
	return k
}

func (x *lane) networkMessage(tid string) *dialect.Message {
	m := x.message("0800")
	m.ProcessingCode, m.CurrencyCodeTransaction, m.POSEntryMode = "", "", ""
	m.CardAcceptorTerminalIdentification, m.NetworkManagementCode = tid, dialect.NetworkSignOn
	return m
}

func (x *lane) putPlain(m *dialect.Message) {
	x.t.Helper()
	b, err := dialect.ISO87().Pack(m, nil)
	if err == nil {
		err = x.link.Send(b)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// mute has everything that the acquirer sends up lost, or not any more.
func (x *lane) mute(on bool) {
	x.houses[atAcquirer].frame = func([]byte) []transport.Fault {
		if on {
			return []transport.Fault{transport.Lose{}}
		}
		return nil
	}
}

func TestAnAnswerIsUnderTheKeysOfWhatItAnswers(t *testing.T) {
	bothSchemes(t, func(t *testing.T, x *lane) {
		d := x.device(testTID, 0)
		paid := x.sale(10000)
		x.answered("a sale", time.Second, "0210 00", d.send(paid))
		x.answered("the same once more", time.Second, "0210 00", d.send(paid))
		again := *paid
		again.MTI = "0201"
		x.answered("its repeat", time.Second, "0210 00", d.send(&again))
		another := *paid
		another.SetAmount(20000)
		x.answered("another sale under its number", time.Second, "0210 94", d.send(&another))
		stranger := x.sale(100)
		stranger.CardAcceptorIdentificationCode = "SIM000000000002"
		x.answered("another merchant's", time.Second, "0210 03", d.send(stranger))
		wrong := x.sale(100)
		wrong.PINData = []byte{1, 2, 3, 4, 5, 6, 7, 8}
		x.answered("a PIN block that is none", time.Second, "0210 96", d.send(wrong))
		advised := x.message("0220")
		advised.SetAmount(500)
		advised.PrimaryAccountNumber = testCard(t)
		x.answered("an advice without the card's proof", time.Second, "0230 05", d.send(advised))
		advised.MTI = "0221"
		x.answered("its repeat", time.Second, "0230 05", d.send(advised))
		x.answered("a reversal", time.Second, "0410 00", d.send(x.reversal(paid, "0400")))
		x.answered("its repeat", time.Second, "0410 00", d.send(x.reversal(paid, "0401")))
		x.answered("the sale that is reversed", time.Second, "0210 25", d.send(paid))
		x.answered("a reversal of nothing", time.Second, "0410 25", d.send(x.reversal(x.sale(100), "0400")))

		// The next hop is silent: the answer comes when the acquirer has waited enough, and other messages have gone by.
		x.mute(true)
		lost := x.sale(700)
		first := d.send(lost)
		x.pass(20 * time.Second)
		x.answered("a reversal meanwhile", time.Second, "0410 00", d.send(x.reversal(paid, "0400")))
		x.answered("after the silence", AcquirerWait-20*time.Second, "0210 "+codeNoAnswer, first)
		x.mute(false)
		x.pass(time.Minute)
		x.mute(true)
		lost = x.sale(800)
		d.send(lost)
		x.pass(20 * time.Second)
		again = *lost
		again.MTI = "0201"
		second := d.send(&again)
		x.answered("after the silence, to the repeat", AcquirerWait-19*time.Second, "0210 "+codeNoAnswer, second)
		x.mute(false)
		x.pass(time.Minute)

		// A restart forgets who waits, and knows what it decided.
		x.houses[atAcquirer].disk.Settle(sim.PowerOffLost)
		x.houses[atAcquirer].actor.PowerOff()
		x.boot(x.houses[atAcquirer])
		x.pass(time.Second)
		x.connect()
		x.answered("the repeat after a restart", time.Second, "0210 "+codeNoAnswer, d.send(&again))
		x.expect("money", x.money(), nothing)
	})
}

func TestADUKPTTerminalSignsOnAndGetsNoKeys(t *testing.T) {
	bothSchemes(t, func(t *testing.T, x *lane) {
		h := x.houses[atAcquirer]
		before := h.disk.Durable(LogName)
		x.putPlain(x.networkMessage(testTID))
		a := x.next(time.Second)
		if a.MTI != "0810" || a.ResponseCode != codeApproved || len(a.ReservedPrivate62)+len(a.KeySerialNumber) > 0 {
			t.Errorf("%s %s with %d bytes of DE 62", a.MTI, a.ResponseCode, len(a.ReservedPrivate62))
		}
		if !bytes.Equal(before, h.disk.Durable(LogName)) {
			t.Error("it is logged")
		}
		x.answered("a sale", time.Second, "0210 00", x.device(testTID, 0).send(x.sale(100)))
		x.session()
		if bytes.Equal(before, h.disk.Durable(LogName)) {
			t.Error("and so is the sign-on of a terminal with session keys")
		}
	})
}

// TestADeviceIsReplaced: the fifteen devices after the first speak for the terminal, and there is no seventeenth.
func TestADeviceIsReplaced(t *testing.T) {
	bothSchemes(t, func(t *testing.T, x *lane) {
		seen := map[string]bool{}
		for times := range sameTerminal {
			ksn := x.device(testTID, times).send(x.sale(100))
			x.answered(fmt.Sprintf("device %d", times), time.Second, "0210 00", ksn)
			seen[string(ksn)] = true
		}
		if len(seen) != 16 {
			t.Errorf("%d serial numbers of 16 devices", len(seen))
		}
		for _, times := range []int{-1, 16, 17} {
			m := hsm.New(rand.NewChaCha8([32]byte{1}))
			_, err := TestDeviceKey(m, "device", TerminalName{TID: testTID, MID: testMID, Scheme: x.scheme}, times, rand.NewChaCha8([32]byte{2}))
			want := fmt.Sprintf("host: initial key of %s: keys for the %d. time: want at most 16", testTID, times+1)
			if err == nil || err.Error() != want {
				t.Errorf("device %d: %v, want %s", times, err, want)
			}
			if _, err := m.Find("device"); err == nil {
				t.Errorf("device %d has a key", times)
			}
		}
		x.expect("money", x.money(), "cardholder -1600 issuer 0 acquirer 1600")
	})
}

// TestSingleLengthSessionKeys: DE 62 has sixteen bytes for a key, of which such a key takes the first eight.
func TestSingleLengthSessionKeys(t *testing.T) {
	for _, mac := range []string{"x9.9", "cup-ecb-single"} {
		t.Run(mac, func(t *testing.T) {
			scheme := schemeOf(t, hsm.MasterSession, mac)
			x := &lane{town: newTown(t, rules.Set{}), scheme: scheme, bank: hsm.New(strings.NewReader(""))}
			h := x.houses[atAcquirer]
			h.actor.PowerOff()
			h.build = func() (Machine, *hsm.Module) {
				c := acquirerConfig(t, rules.Set{})
				c.Terminals[0].Scheme = scheme
				m, err := NewRelay(c)
				if err != nil {
					t.Fatal(err)
				}
				return m, c.Module
			}
			x.boot(h)
			x.pass(time.Second)
			x.connect()
			x.putPlain(x.networkMessage(testTID))
			keys, err := dialect.ParseSessionKeys(x.next(time.Second).ReservedPrivate62)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys.MACKey) != 16 || !bytes.Equal(keys.MACKey[8:], make([]byte, 8)) || bytes.Equal(keys.MACKey[:8], make([]byte, 8)) {
				t.Error("the second half of the MAC key's place is not empty")
			}
			k, err := x.module.Import(scheme.SessionMAC(), x.master, keys.MACKey[:], keys.MACKeyCheckValue[:])
			if err != nil || k.Attributes().Algorithm != hsm.DES {
				t.Fatalf("%v %v", k.Attributes(), err)
			}
			verified := 0
			listen := func() {
				x.connect()
				x.link.OnFrame(func(b []byte, err error) {
					if err != nil {
						return
					}
					m, err := dialect.ISO87().Unpack(b)
					if err == nil {
						err = x.module.VerifyMAC(k, scheme.MACParams(), m.MAC, b[:len(b)-8])
					}
					if err != nil || m.ResponseCode != codeApproved {
						t.Errorf("%v %v", m, err)
					}
					verified++
				})
			}
			listen()
			x.put(x.sale(100), nil, x.module, k, scheme.MACParams())
			x.pass(time.Second)
			h.disk.Settle(sim.PowerOffLost)
			h.actor.PowerOff()
			x.boot(h)
			x.pass(time.Second)
			listen()
			x.put(x.sale(100), nil, x.module, k, scheme.MACParams()) // the session comes back from the log
			x.pass(time.Second)
			x.expect("right answers", verified, 2)
			x.expect("money", x.money(), "cardholder -200 issuer 0 acquirer 200")
		})
	}
}
