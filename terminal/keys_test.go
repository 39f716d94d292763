package terminal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
)

func TestASchemeOfAProfile(t *testing.T) {
	for security, want := range map[string]string{
		"":                        "mk-sk, PIN block format 0, x9.19",
		"security: {}\n":          "mk-sk, PIN block format 0, x9.19",
		"security: {mac: cmac}\n": "mk-sk, PIN block format 0, cmac",
		"security:\n  keys: dukpt-aes\n  pin_block: \"3\"\n  mac: x9.19\n  mac_padding: 2\n": "dukpt-aes, PIN block format 3, x9.19",
	} {
		p, err := ParseProfile("generic", []byte(security+generic(t)))
		if err != nil || p.Security.String() != want {
			t.Errorf("%q: %v %v, want %s", security, p, err, want)
			continue
		}
		if padding := p.Security.MACParams().Padding; strings.Contains(security, "padding") != (padding == 2) {
			t.Errorf("%q: padding method %d", security, padding)
		}
	}
}

func TestASchemeThatCannotBeSaysWhereAndWhatWasExpected(t *testing.T) {
	for _, c := range []struct{ name, security, want string }{
		{"a key that no scheme has", "mak: x9.19", `1:12: unknown field "mak"`},
		{"a padding that is no number", "mac_padding: two", "1:25: want a whole number"},
		{"a list for a text", "keys: [mk-sk]", "1:18: want a text"},
		{"keys that do not exist", "keys: dukpt", `security: keys "dukpt": want mk-sk, dukpt-tdes or dukpt-aes`},
		{"a PIN block for the chip", `pin_block: "2"`, "security: pin_block 2: want 0, 1, 3 or 4"},
		{"a PIN block that does not exist", "pin_block: iso", `security: pin_block: pinblock: format "iso": want 0, 1, 2, 3, 4`},
		{"an AES PIN block under TDES session keys", `pin_block: "4"`, "security: pin_block 4 with keys mk-sk, which are TDES keys: want 0, 1 or 3, or keys dukpt-aes"},
		{"an AES PIN block under TDES keys of DUKPT", `keys: dukpt-tdes, pin_block: "4"`, "security: pin_block 4 with keys dukpt-tdes, which are TDES keys"},
		{"a MAC that does not exist", "mac: x9.99", `security: mac "x9.99": want one of x9.19, x9.9, `},
		{"a single-length key for each message", "keys: dukpt-tdes, mac: x9.9", "security: mac x9.9 with keys dukpt-tdes: want one of x9.19, iso9797-1-1, cmac, "},
		{"a MAC that AES DUKPT has not", "keys: dukpt-aes, mac: cup-ecb", "security: mac cup-ecb with keys dukpt-aes: want one of x9.19, cmac, hmac-sha256"},
		{"a MAC whose key TDES cannot carry", "mac: hmac-sha256", "security: mac hmac-sha256 with keys mk-sk: want one of x9.19, "},
		{"a padding method that does not exist", "mac_padding: 4", "security: mac_padding 4: want 1, 2 or 3"},
		{"a padding method of a MAC that has none", "mac: cmac, mac_padding: 2", "security: mac_padding 2 with mac cmac, which has none"},
		{"a padding method of the MAC that AES DUKPT has by default", "keys: dukpt-aes, mac_padding: 1", "security: mac_padding 1 with mac cmac, which has none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseProfile("generic", []byte("security: {"+c.security+"}\n"+generic(t)))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "terminal: profile generic: ") {
				t.Errorf("%v", err)
			}
		})
	}
}

// kiosk is a till whose terminal has another profile and another module, and which says what it shows and sends.
type kiosk struct {
	*till
	shown []Screen
	sent  []Sent
	dials int
}

func newKiosk(t *testing.T, scheme hsm.Scheme, module func() (*hsm.Module, error)) *kiosk {
	x := &kiosk{till: newTill(t)}
	t.Cleanup(x.w.Close)
	p := *x.terminal.profile
	p.Security = scheme
	cfg := x.terminal.cfg
	cfg.Profile, cfg.Module = &p, module
	cfg.Devices.Show = func(s Screen) { x.shown = append(x.shown, s) }
	cfg.Observe = func(o Observation) {
		if m, ok := o.(Sent); ok {
			x.sent = append(x.sent, m)
		}
	}
	dial := cfg.Dial
	cfg.Dial = func() (*transport.Link, error) { x.dials++; return dial() }
	x.terminal = New(cfg)
	return x
}

// stopsIn wants the terminal to have stopped in a state, for a cause, and to show it in both languages.
func (x *kiosk) stopsIn(state Key, cause error) {
	x.t.Helper()
	if got := x.terminal.State(); got != "stopped: "+string(state) || !errors.Is(x.terminal.Stopped(), cause) {
		x.t.Errorf("it is %s, for %v; want %s for %v", got, x.terminal.Stopped(), state, cause)
	}
	if len(x.shown) == 0 {
		x.t.Fatal("nothing is shown")
	}
	last := x.shown[len(x.shown)-1]
	for _, lang := range []Lang{English, Chinese} {
		for _, line := range []Key{"out-of-service", state} {
			if text := say(line).In(lang); !strings.Contains(last.In(lang), text) {
				x.t.Errorf("it shows %q without %q", last.In(lang), text)
			}
		}
	}
}

func schemeOf(t *testing.T, keys string) hsm.Scheme {
	t.Helper()
	s, err := hsm.ParseScheme(keys, "", "", 0)
	must(t, err)
	return s
}

// clearBytes is n bytes of a key for tests.
func clearBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0x11 + byte(i)*7
	}
	return b
}

// The serial numbers of a new device, by what its keys are for.
var serials = map[hsm.Algorithm][]byte{
	hsm.TDES: {0xFF, 0xFF, 0xFA, 0x98, 0xFE, 0xA0, 0xA1, 0x40, 0, 0}, hsm.AES: {0xF0, 0xF1, 0xF2, 0xF3, 0xA0, 0xA1, 0xA2, 0xA3, 0, 0, 0, 0},
}

// personalise puts a journal key and a device key into a module: an initial key, or a master key.
func personalise(t *testing.T, m *hsm.Module, a hsm.Attributes) {
	t.Helper()
	_, err := m.Install(JournalKey, hsm.Attributes{Usage: hsm.Sealing}, clearBytes(32))
	must(t, err)
	if a.Usage == hsm.InitialKey {
		_, err = m.InstallInitialKey(DeviceKey, a.Algorithm, clearBytes(16), serials[a.Algorithm])
	} else {
		_, err = m.Install(DeviceKey, a, clearBytes(16))
	}
	must(t, err)
}

func TestAModuleWithoutTheTerminalsKeysStopsIt(t *testing.T) {
	attributes := map[string]hsm.Attributes{
		"a master key": {Usage: hsm.KeyEncryption}, "an AES master key": {Usage: hsm.KeyEncryption, Algorithm: hsm.AES},
		"a TDES initial key": {Usage: hsm.InitialKey}, "an AES initial key": {Usage: hsm.InitialKey, Algorithm: hsm.AES},
		"a key for PINs": {Usage: hsm.PINEncryption}, "a base key": {Usage: hsm.BaseDerivation},
	}
	right := map[string]string{hsm.MasterSession: "a master key", hsm.DUKPTTDES: "a TDES initial key", hsm.DUKPTAES: "an AES initial key"}
	for keys, wanted := range right {
		for name, a := range attributes {
			if a.Usage == hsm.InitialKey && a.Algorithm == 0 {
				a.Algorithm = hsm.TDES
			}
			t.Run(keys+" with "+name, func(t *testing.T) {
				m := hsm.New(rand.NewChaCha8([32]byte{1}))
				personalise(t, m, a)
				x := newKiosk(t, schemeOf(t, keys), func() (*hsm.Module, error) { return m, nil })
				x.start()
				x.pass(time.Minute)
				if name == wanted {
					if x.terminal.Stopped() != nil || !x.terminal.Idle() {
						t.Errorf("it is %s: %v", x.terminal.State(), x.terminal.Stopped())
					}
					return
				}
				x.stopsIn("security-error", errModule)
				if text := x.terminal.Stopped().Error(); !strings.Contains(text, "want "+string(schemeOf(t, keys).DeviceKey().Usage)) {
					t.Errorf("%s", text)
				}
				if x.dials+len(x.sent) > 0 {
					t.Errorf("it dialled %d times and sent %d messages", x.dials, len(x.sent))
				}
			})
		}
	}
	for _, missing := range []string{DeviceKey, JournalKey} {
		t.Run("no key "+missing, func(t *testing.T) {
			m := hsm.New(rand.NewChaCha8([32]byte{1}))
			personalise(t, m, hsm.Attributes{Usage: hsm.KeyEncryption})
			k, err := m.Find(missing)
			must(t, err)
			must(t, m.Erase(k))
			x := newKiosk(t, hsm.Scheme{}, func() (*hsm.Module, error) { return m, nil })
			x.start()
			x.pass(time.Minute)
			x.stopsIn("security-error", hsm.ErrKey)
		})
	}
	t.Run("a journal key that seals nothing", func(t *testing.T) {
		m := hsm.New(rand.NewChaCha8([32]byte{1}))
		personalise(t, m, hsm.Attributes{Usage: hsm.KeyEncryption})
		other, err := m.Generate(hsm.Attributes{Usage: hsm.DataEncryption})
		must(t, err)
		must(t, m.Store(JournalKey, other))
		x := newKiosk(t, hsm.Scheme{}, func() (*hsm.Module, error) { return m, nil })
		x.start()
		x.pass(time.Minute)
		x.stopsIn("security-error", errModule)
	})
}

// atRest makes the module of a new DUKPT device on the terminal's disk, and has the terminal open it.
func atRest(t *testing.T) (x *kiosk, m *hsm.Module) {
	t.Helper()
	x = newKiosk(t, schemeOf(t, hsm.DUKPTTDES), nil)
	x.term.PowerOn(nil)
	m, err := hsm.Create(x.disk, hsm.DeviceKey(), rand.NewChaCha8([32]byte{2}))
	must(t, err)
	personalise(t, m, hsm.Attributes{Usage: hsm.InitialKey, Algorithm: hsm.TDES})
	x.terminal.cfg.Module = func() (*hsm.Module, error) { return hsm.Open(x.disk, hsm.DeviceKey(), rand.NewChaCha8([32]byte{3})) }
	return x, m
}

func TestAModuleThatDoesNotOpenStopsTheTerminal(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(x *kiosk, m *hsm.Module)
		want  error
	}{
		{"as it was made", func(*kiosk, *hsm.Module) {}, nil},
		{"there is none", func(x *kiosk, _ *hsm.Module) { x.disk = sim.NewMemDisk(x.term) }, hsm.ErrNoStore},
		{"an earlier one was put back", func(x *kiosk, m *hsm.Module) {
			before := x.disk.Durable("hsm.store")
			k, err := m.Find(DeviceKey)
			must(x.t, err)
			_, err = m.NextKSN(k)
			must(x.t, err)
			x.disk.Put("hsm.store", before)
		}, hsm.ErrRollback},
		{"the key of another device", func(x *kiosk, _ *hsm.Module) {
			key := x.disk.Durable("hsm.key")
			key[len(key)-1] ^= 1
			x.disk.Put("hsm.key", key)
		}, hsm.ErrLock},
		{"a bit has flipped", func(x *kiosk, _ *hsm.Module) {
			data := x.disk.Durable("hsm.store")
			data[len(data)-1] ^= 1
			x.disk.Put("hsm.store", data)
		}, hsm.ErrStore},
		{"the anchor is another's", func(x *kiosk, _ *hsm.Module) {
			data := x.disk.Durable("hsm.anchor")
			data[len(data)-1] ^= 1
			x.disk.Put("hsm.anchor", data)
		}, hsm.ErrAnchor},
		{"the case was opened", func(x *kiosk, m *hsm.Module) { must(x.t, m.Tamper()) }, hsm.ErrTampered},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, m := atRest(t)
			c.spoil(x, m)
			x.term.PowerOff()
			x.start()
			x.pass(time.Minute)
			if c.want == nil {
				if !x.terminal.Idle() {
					t.Errorf("it is %s: %v", x.terminal.State(), x.terminal.Stopped())
				}
				return
			}
			x.stopsIn("security-error", c.want)
			if x.dials+len(x.sent) > 0 {
				t.Errorf("it dialled %d times and sent %d messages", x.dials, len(x.sent))
			}
		})
	}
}

// TestUsedUpKeysStopTheTerminal: at a sale nothing is begun; at a reversal it stays due. A device has a million keys and more: here
// its module says that they are gone.
func TestUsedUpKeysStopTheTerminal(t *testing.T) {
	for _, c := range []struct {
		name string
		gone func(*kiosk) bool
		sent int
		left []State
	}{
		{"at the sale", func(*kiosk) bool { return true }, 0, nil},
		{"at the reversal", func(x *kiosk) bool { return x.terminal.journal.first(ReversalDue) != nil }, 1, []State{ReversalDue}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, _ := atRest(t)
			x.spoil = func([]byte) [][]byte { return nil } // the host is silent
			open := x.terminal.cfg.Module
			x.terminal.cfg.Module = func() (*hsm.Module, error) {
				m, err := open()
				if err == nil {
					m.OnUse(func() error {
						if x.terminal.deviceKey.IsZero() || !c.gone(x) {
							return nil
						}
						return fmt.Errorf("%w: for this test", hsm.ErrExhausted)
					})
				}
				return m, err
			}
			x.term.PowerOff()
			x.start()
			x.pass(time.Minute)
			x.sell(swiped, "1234\r")
			x.stopsIn("keys-exhausted", hsm.ErrExhausted)
			var left []State
			for _, r := range x.terminal.Records() {
				left = append(left, r.State)
			}
			if fmt.Sprint(left) != fmt.Sprint(c.left) || len(x.sent) != c.sent {
				t.Errorf("%d messages were sent, and the journal is %v; want %d and %v", len(x.sent), left, c.sent, c.left)
			}
		})
	}
}

// TestAKeySerialNumberThatCannotBeWrittenIsNotUsed: the terminal stops before anything is computed with it. After a power cycle, on
// a disk that is well again, it goes on behind it.
func TestAKeySerialNumberThatCannotBeWrittenIsNotUsed(t *testing.T) {
	for _, c := range []struct {
		file  string
		fault sim.DiskFault
		state Key
		want  error
	}{
		{"hsm.store", sim.DiskFull, "storage-full", sim.ErrFull},
		{"hsm.anchor", sim.DiskFull, "storage-full", sim.ErrFull},
		{"hsm.store", sim.DiskError, "storage-error", sim.ErrIO},
		{"hsm.store", sim.SyncError, "storage-error", sim.ErrIO},
		{"hsm.anchor", sim.SyncError, "storage-error", sim.ErrIO},
	} {
		t.Run(fmt.Sprintf("%s, fault %d", c.file, c.fault), func(t *testing.T) {
			x, _ := atRest(t)
			x.spoil = func([]byte) [][]byte { return nil }
			x.term.PowerOff()
			x.start()
			x.pass(time.Minute)
			x.disk.OnWrite(func(file string, _ int) sim.DiskFault {
				if file == c.file {
					return c.fault
				}
				return sim.NoDiskFault
			})
			x.sell(swiped, "1234\r")
			x.stopsIn(c.state, c.want)
			if !errors.Is(x.terminal.Stopped(), errStorage) || len(x.sent) > 0 || len(x.terminal.Records()) > 0 {
				t.Errorf("%v: %d messages were sent, %d records", x.terminal.Stopped(), len(x.sent), len(x.terminal.Records()))
			}

			x.disk.OnWrite(nil)
			x.disk.Settle(sim.PowerOffLost)
			x.term.PowerOff()
			x.terminal = New(x.terminal.cfg)
			x.start()
			x.pass(time.Minute)
			x.sell(swiped, "1234\r")
			if len(x.sent) == 0 || x.terminal.Stopped() != nil {
				t.Fatalf("after a power cycle it is %s: %v", x.terminal.State(), x.terminal.Stopped())
			}
			last := byte(0)
			for _, s := range x.sent {
				ksn := s.Message.KeySerialNumber
				if len(ksn) != 10 || ksn[9] <= last || ksn[9] > last+2 {
					t.Errorf("%s under %X after counter %d", s.Message.MTI, ksn, last)
				} else {
					last = ksn[9]
				}
			}
		})
	}
}
