package scenario

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// validSchemes is every scheme there is, each with a name for a profile.
func validSchemes() (names []string, schemes []hsm.Scheme) {
	for _, keys := range []string{hsm.MasterSession, hsm.DUKPTTDES, hsm.DUKPTAES} {
		for _, pin := range []string{"0", "1", "2", "3", "4", "sm4-x98-16"} {
			for _, mac := range []string{"x9.19", "x9.9", "iso9797-1-1", "cmac", "hmac-sha256", "cup-ecb", "cup-ecb-left", "cup-ecb-single"} {
				for padding := range 4 {
					if s, err := hsm.ParseScheme(keys, pin, mac, padding); err == nil {
						names, schemes = append(names, fmt.Sprintf("%s %s %s %d", keys, pin, mac, padding)), append(schemes, s)
					}
				}
			}
		}
	}
	return names, schemes
}

// withScheme puts a terminal that is protected otherwise into the library.
func withScheme(l *Library, name string, s hsm.Scheme) {
	p := *l.terminals["generic"]
	p.Name, p.Security = name, s
	l.terminals[name] = &p
}

const everyScheme = `name: wrong PIN, right PIN, lost answer
zh: 密码错误, 密码正确, 应答丢失
about: a wrong PIN is declined, a right one approved, and an answer that is lost is reversed
terminal: %s
card: visa-credit
steps:
  - sale: {amount: 100.00, pin: "9999"}
    expect: {outcome: declined, code: "55"}
  - sale: {amount: 100.00, pin: "1234"}
    expect: {outcome: approved, messages: ["0200", "0210/00"]}
  - sale: {amount: 50.00, pin: "1234"}
    faults: ["net.rsp[0210].lose"]
    expect: {outcome: no-answer}
  - wait: reversal
    expect: {messages: ["0400/98", "0410/00"], journal: reversed}
expect:
  end: [F0, F3, F2]
  journal: [declined, approved, reversed]
  money: {cardholder: -100.00, acquirer: 100.00}
`

// wires plays a script and returns all the bytes on wires, and the house.
func wires(t *testing.T, l *Library, s *Script, o Options) ([]byte, *rig) {
	t.Helper()
	r, err := newRig(l, s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.world.Close)
	var all []byte
	r.world.OnNote(func(_ time.Time, _, kind string, b []byte) {
		if kind == "wire" {
			all = append(all, b...)
		}
	})
	out := &outcome{money: map[string]Money{}}
	newPlay(r, s, o, out).perform()
	if out.failed() {
		t.Fatalf("%v %v", out.err, out.wrong)
	}
	return all, r
}

// TestTheSameStoryInEveryScheme: how messages are protected changes their bytes, and nothing of what becomes of the money. Two runs
// with a seed have the same bytes, and no two schemes have.
func TestTheSameStoryInEveryScheme(t *testing.T) {
	l := builtIn(t)
	names, schemes := validSchemes()
	// PIN blocks times MACs, of which some have paddings: 0 is 1.
	if want := 3*(3*4+4) + 3*(2*4+3) + 4*(1*4+2); len(names) != want {
		t.Fatalf("%d schemes, want %d", len(names), want)
	}
	seen := map[string]string{}
	for i, name := range names {
		withScheme(l, name, schemes[i])
		t.Run(name, func(t *testing.T) {
			s, err := Parse("W01-x.yaml", fmt.Appendf(nil, everyScheme, name), l.Known())
			if err != nil {
				t.Fatal(err)
			}
			first, r := wires(t, l, s, Options{Seed: 1})
			if again, _ := wires(t, l, s, Options{Seed: 1}); !bytes.Equal(first, again) {
				t.Errorf("two runs differ: %d and %d bytes", len(first), len(again))
			}
			usual := strings.TrimSuffix(name, "1") + "0" // no padding is method 1
			if other, same := seen[string(first)]; same != strings.HasSuffix(name, " 1") || same && other != usual {
				t.Errorf("the bytes are those of %q: %v", other, same)
			}
			seen[string(first)] = name
			checkProtected(t, schemes[i], r)
		})
	}
}

// checkProtected wants every message that the scheme is about to be what the scheme says.
func checkProtected(t *testing.T, s hsm.Scheme, r *rig) {
	t.Helper()
	serial := map[string]int{hsm.DUKPTTDES: 10, hsm.DUKPTAES: 12}[s.Keys()]
	pins := 0
	for _, w := range r.log.wire {
		m := w.message
		if dialect.Class(m.MTI) == dialect.ClassNetworkManagement {
			if s.DUKPT() {
				t.Errorf("a %s: such a terminal has keys", m.MTI)
			}
			continue
		}
		if len(m.KeySerialNumber) != serial {
			t.Errorf("%s: key serial number of %d bytes, want %d", m.MTI, len(m.KeySerialNumber), serial)
		}
		if n := len(m.PINData); n > 0 {
			pins++
			if n != s.PINFormat().Size() {
				t.Errorf("%s: PIN block of %d bytes, want %d", m.MTI, n, s.PINFormat().Size())
			}
		}
	}
	if pins != 3 {
		t.Errorf("%d messages with a PIN, want 3", pins)
	}
}

// ksnOf is a key serial number of a device with a counter.
func ksnOf(t *testing.T, aes bool, device byte, counter uint32) []byte {
	t.Helper()
	if aes {
		return binary.BigEndian.AppendUint32([]byte{0xF0, 0xF1, 0xF2, 0xF3, 0xA0, 0xA1, 0xA2, device}, counter)
	}
	if counter >= 1<<21 {
		t.Fatalf("counter %d", counter)
	}
	return binary.BigEndian.AppendUint32([]byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0xA0}, uint32(device)<<21|counter)
}

func TestKeySerialNumbersThatAreUsedTwiceOrSkipped(t *testing.T) {
	type sent struct {
		device  byte
		counter uint32
		excuse  int // what went wrong before it
	}
	for _, c := range []struct {
		name string
		sent []sent
		want []string
	}{
		{"one after the other", []sent{{1, 1, 0}, {1, 2, 0}, {1, 3, 0}}, nil},
		{"the first is not the first", []sent{{1, 2, 0}}, []string{"I13"}},
		{"the same twice", []sent{{1, 1, 0}, {1, 1, 0}}, []string{"I13"}},
		{"the same twice, and a fault between", []sent{{1, 1, 0}, {1, 1, 5}}, []string{"I13"}},
		{"a lower one", []sent{{1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 2, 0}}, []string{"I13"}},
		{"none", []sent{{1, 1, 0}, {1, 0, 1}}, []string{"I13"}},
		{"one skipped without a cause", []sent{{1, 1, 0}, {1, 3, 0}}, []string{"I13"}},
		{"one skipped by a fault", []sent{{1, 1, 0}, {1, 3, 1}}, nil},
		{"two skipped by one fault", []sent{{1, 1, 0}, {1, 4, 1}}, []string{"I13"}},
		{"two skipped by two faults", []sent{{1, 1, 0}, {1, 4, 2}}, nil},
		{"a fault excuses once", []sent{{1, 1, 0}, {1, 3, 1}, {1, 5, 0}}, []string{"I13"}},
		{"another device begins anew", []sent{{1, 1, 0}, {1, 2, 0}, {2, 1, 0}, {2, 2, 0}}, nil},
		{"and so does the first go on", []sent{{1, 1, 0}, {2, 1, 0}, {1, 1, 0}}, []string{"I13"}},
		{"many on", []sent{{1, 0xFFFFF, 0xFFFFF}, {1, 0x100000, 0}}, nil},
	} {
		for _, aes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, AES %v", c.name, aes), func(t *testing.T) {
				r := &rig{site: &site{}, till: &till{court: court{log: newRecord()}}}
				for _, x := range c.sent {
					r.keys.excuse += x.excuse
					r.judgeKeys(&dialect.Message{MTI: "0200", KeySerialNumber: ksnOf(t, aes, x.device, x.counter)})
					r.judgeKeys(&dialect.Message{MTI: "0800"}) // has none
				}
				if got := r.objected(); !slices.Equal(got, c.want) {
					t.Errorf("found %v, want %v", r.log.wrong, c.want)
				}
			})
		}
	}
}

// TestAKeySerialNumberThatWasNotDurable: on a disk that says that it has written and has not, a module at rest is after a power cut
// where it was before, and takes the same keys again. The judge sees it; on an honest disk it sees nothing.
func TestAKeySerialNumberThatWasNotDurable(t *testing.T) {
	l := builtIn(t)
	for _, name := range []string{"dukpt-tdes", "dukpt-aes"} {
		s, err := Parse("W01-x.yaml", fmt.Appendf(nil, `name: a sale, a power cut, a sale
zh: 消费, 断电, 消费
about: what the module had written is gone
terminal: %s
card: visa-credit
steps:
  - sale: {amount: 100.00, pin: "1234"}
  - off: {}
  - boot: {}
  - sale: {amount: 50.00, pin: "1234"}
expect: {end: [F3, F3]}
`, name), l.Known())
		if err != nil {
			t.Fatal(err)
		}
		for _, lies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the disk lies: %v", name, lies), func(t *testing.T) {
				var r *rig
				var before map[string][]byte
				o := Options{Seed: 1, Story: func(x Line) {
					switch {
					case x.Text == "power on" && before == nil:
						before = map[string][]byte{}
						for _, file := range hsm.Files() {
							before[file] = r.termDisk.Durable(file)
						}
					case x.Text == "power on" && lies: // nothing of what was written has ever been there
						for file, data := range before {
							r.termDisk.Put(file, data)
						}
					}
				}}
				if r, err = newRig(l, s, o); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(r.world.Close)
				out := &outcome{money: map[string]Money{}}
				newPlay(r, s, o, out).perform()
				found := slices.ContainsFunc(out.wrong, func(v Violation) bool { return v.Invariant == "I13" })
				if out.err != nil || found != lies || !lies && len(out.wrong) > 0 || len(before) != len(hsm.Files()) {
					t.Errorf("%v %v", out.err, out.wrong)
				}
			})
		}
	}
}

// deviceSecrets is a DUKPT terminal's keys: the base key, the initial key, and what the first transactions use.
func deviceSecrets(t *testing.T, p *terminal.Profile) (all map[string][]byte, macs map[string][]byte) {
	t.Helper()
	files, err := workshop(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.NewWorld(Start, 1)
	defer w.Close()
	a := w.Actor("bench")
	a.PowerOn(nil)
	disk := sim.NewMemDisk(a)
	for name, data := range files {
		disk.Put(name, data)
	}
	m, err := hsm.Open(disk, hsm.DeviceKey(), rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	key, err := m.Find(terminal.DeviceKey)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := m.KSN(key)
	if err != nil {
		t.Fatal(err)
	}
	ksn, err := dukpt.ParseKSN(serial)
	if err != nil {
		t.Fatal(err)
	}
	initial := initialKey(t, ksn, key.CheckValue())
	all, macs = map[string][]byte{}, map[string][]byte{}
	spell(all, p.Name+": initial key", initial)
	aes := p.Security.Keys() == hsm.DUKPTAES
	working, pin := dukpt.TDES2, dukpt.TDES2
	if aes {
		working, pin = dukpt.AES128, dukpt.AES128 // CMAC and format 4
	}
	for range 50 {
		if ksn, err = ksn.Next(); err != nil {
			t.Fatal(err)
		}
		transaction, err := dukpt.TransactionKey(initial, ksn)
		if err != nil {
			t.Fatal(err)
		}
		spell(all, fmt.Sprintf("%s: transaction key %v", p.Name, ksn), transaction)
		for use, algorithm := range map[dukpt.Use]dukpt.Algorithm{dukpt.PIN: pin, dukpt.MACRequest: working, dukpt.MACResponse: working} {
			k, err := dukpt.WorkingKey(transaction, ksn, use, algorithm)
			if err != nil {
				t.Fatal(err)
			}
			spell(all, fmt.Sprintf("%s: %v key %v", p.Name, use, ksn), k)
			if use == dukpt.MACRequest {
				macs[string(ksn.Bytes())] = k
			}
		}
	}
	return all, macs
}

// initialKey derives a device's initial key from the house's base key: the one that gives the check value.
func initialKey(t *testing.T, ksn dukpt.KSN, check [3]byte) []byte {
	t.Helper()
	for _, digits := range host.TestKeys() {
		base, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		var initial, found []byte
		if ksn.AES() {
			initial, err = dukpt.InitialKeyAES(base, ksn.Bytes()[:8])
		} else {
			initial, err = dukpt.InitialKeyTDES(base, ksn)
		}
		if err != nil {
			t.Fatal(err)
		}
		if ksn.AES() {
			b, err := crypt.NewAES(initial)
			if err != nil {
				t.Fatal(err)
			}
			v := crypt.CMACCheckValue(b)
			found = v[:3]
		} else {
			b, err := crypt.NewTDES(initial)
			if err != nil {
				t.Fatal(err)
			}
			v := crypt.CheckValue(b)
			found = v[:]
		}
		if bytes.Equal(found, check[:]) {
			return initial
		}
	}
	t.Fatalf("no key of the house gives an initial key with check value %X", check)
	return nil
}

// macOf is DE 64 of a frame under a working key, computed here.
func macOf(t *testing.T, key []byte, aes bool, frame []byte) []byte {
	t.Helper()
	var mac [8]byte
	if aes {
		b, err := crypt.NewAES(key)
		if err != nil {
			t.Fatal(err)
		}
		crypt.NewCMAC(b).Sum(mac[:], frame[:len(frame)-8])
		return mac[:]
	}
	x, err := crypt.NewRetailMAC(key)
	if err != nil {
		t.Fatal(err)
	}
	x.Sum(&mac, frame[:len(frame)-8])
	return mac[:]
}

// TestNoKeyOfADUKPTTerminalIsAnywhere computes the keys of the first transactions, wants to find the messages' MACs made with them,
// and the keys themselves nowhere: on no wire, disk, screen or receipt, and in no story. What is sealed is searched as it lies there.
func TestNoKeyOfADUKPTTerminalIsAnywhere(t *testing.T) {
	l := builtIn(t)
	for _, id := range []string{"K10", "K11", "K12", "W35"} {
		t.Run(id, func(t *testing.T) {
			s := script(t, l, id)
			p := l.terminals[s.Terminal]
			secret, macs := deviceSecrets(t, p)
			var told bytes.Buffer
			o := Options{Seed: 1, Story: func(x Line) { told.WriteString(x.Text + x.Zh + x.Note + "\n") }}
			r, err := newRig(l, s, o)
			if err != nil {
				t.Fatal(err)
			}
			defer r.world.Close()
			noted := map[string][]byte{}
			confirmed := 0
			r.world.OnNote(func(_ time.Time, who, kind string, b []byte) {
				where := kind + " of " + who
				noted[where] = append(append(noted[where], b...), '\n')
				if kind != "sent" || who != "net.req" {
					return
				}
				m, err := r.dialect.Unpack(b)
				if err != nil {
					t.Fatal(err)
				}
				if k := macs[string(m.KeySerialNumber)]; k != nil && bytes.Equal(b[len(b)-8:], macOf(t, k, s.Terminal == "dukpt-aes", b)) {
					confirmed++
				}
			})
			newPlay(r, s, o, &outcome{money: map[string]Money{}}).perform()
			if confirmed == 0 {
				t.Error("no message has a MAC under one of the keys: they are others")
			}
			for where, b := range noted {
				search(t, secret, where, b)
			}
			search(t, secret, "the story", told.Bytes())
			for _, name := range append(hsm.Files(), terminal.JournalFile) {
				b := r.termDisk.Durable(name)
				if len(b) == 0 {
					t.Errorf("there is no %s", name)
				}
				search(t, secret, name, b)
			}
			for _, p := range r.hosts {
				search(t, secret, "the disk of "+p.name, p.disk.Durable(host.LogName))
			}
			if len(noted) < 8 || told.Len() < 1000 {
				t.Errorf("%d places and %d bytes of story only", len(noted), told.Len())
			}
			t.Logf("%d MACs, %d places", confirmed, len(noted))
		})
	}
}

// TestTheCanaryKnowsDUKPT: what a terminal keeps is found where it lies open.
func TestTheCanaryKnowsDUKPT(t *testing.T) {
	l := builtIn(t)
	for _, name := range []string{"dukpt-tdes", "dukpt-aes"} {
		p := l.terminals[name]
		secret, macs := deviceSecrets(t, p)
		initial := secret[p.Name+": initial key"]
		serial := slices.Sorted(maps.Keys(macs))[0]
		first, err := dukpt.ParseKSN([]byte(serial))
		if err != nil {
			t.Fatal(err)
		}
		state, err := dukpt.NewState(initial, first.Initial())
		if err != nil {
			t.Fatal(err)
		}
		open := state.Append(nil)
		if got := find(secret, open); len(got) < 4 {
			t.Errorf("%s: a state that is not sealed holds the keys of counters 1, 2, 4 and so on, and the search finds %v", name, got)
		}
		if err := state.Advance(); err != nil {
			t.Fatal(err)
		}
		key := state.TransactionKey()
		for what, b := range map[string][]byte{
			"bytes": append([]byte("x"), key...), "text": fmt.Appendf(nil, "key %x", key), "other text": fmt.Appendf(nil, "%X", macs[serial]),
			"initial key": initial,
		} {
			if got := find(secret, b); len(got) != 1 {
				t.Errorf("%s, %s: found %v", name, what, got)
			}
		}
		if got := find(secret, []byte(serial)); len(got) > 0 {
			t.Errorf("%s: %v in a key serial number", name, got)
		}
	}
}

// Whenever the power goes while a data directory's module is made, the next start finishes it.
func TestPersonalisationThroughPowerCuts(t *testing.T) {
	p := builtIn(t).Terminal("dukpt-aes")
	for _, image := range []sim.DiskFault{sim.PowerOffLost, sim.PowerOffKept} {
		cuts := 0
		for cut := 1; ; cut++ {
			w := sim.NewWorld(Start, 1)
			a := w.Actor("term")
			disk := sim.NewMemDisk(a)
			writes := 0
			disk.OnWrite(func(string, int) sim.DiskFault {
				if writes++; writes == cut {
					return image
				}
				return sim.NoDiskFault
			})
			var err error
			start := func(sim.Clock) { _, err = openDataModule(disk, p, w.Rand("module")) }
			a.PowerOn(start)
			for w.Step() {
			}
			struck := writes >= cut
			var m *hsm.Module
			if a.On() {
				a.PowerOff()
			}
			a.PowerOn(func(sim.Clock) { m, err = openDataModule(disk, p, w.Rand("module")) })
			for w.Step() {
			}
			if err != nil || m == nil {
				t.Fatalf("cut %d: %v", cut, err)
			}
			for _, label := range []string{terminal.JournalKey, terminal.DeviceKey} {
				if _, err := m.Find(label); err != nil {
					t.Errorf("cut %d: %v", cut, err)
				}
			}
			w.Close()
			if !struck {
				break
			}
			cuts++
		}
		if cuts < 6 {
			t.Errorf("%d durable writes", cuts)
		}
	}
}
