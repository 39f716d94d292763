package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt/dukpt"
)

// dukptPair is a device and the base derivation key that it is of, in one module.
func dukptPair(t testing.TB, m *Module, a Algorithm, bdk string, ksn []byte) (device, host Key) {
	t.Helper()
	device, err := m.InstallInitialKey("", a, initialKey(t, a, bdk, ksn), ksn)
	if err != nil {
		t.Fatal(err)
	}
	return device, install(t, m, Attributes{Usage: BaseDerivation, Algorithm: a}, bdk)
}

// pair is a terminal's module and a host's, with a device that the host has the base derivation key of.
type pair struct {
	t              testing.TB
	terminal, host *Module
	device, bdk    Key
	ksn            []byte // of the present transaction
	ref            Key    // at the host
}

func newPair(t testing.TB, a Algorithm, bdk, ksn string) *pair {
	t.Helper()
	p := &pair{t: t, terminal: New(counter()), host: New(counter())}
	var err error
	if p.device, err = p.terminal.InstallInitialKey("", a, initialKey(t, a, bdk, unhex(t, ksn)), unhex(t, ksn)); err != nil {
		t.Fatal(err)
	}
	p.bdk, p.ref = install(t, p.host, Attributes{Usage: BaseDerivation, Algorithm: a}, bdk), install(t, p.host, PINVerification, keyB)
	return p
}

func (p *pair) next() {
	p.t.Helper()
	var err error
	if p.ksn, err = p.terminal.NextKSN(p.device); err != nil {
		p.t.Fatal(err)
	}
}

// keys are the two sides' handles of one working key.
func (p *pair) keys(w Working) (terminal, host Key) {
	p.t.Helper()
	terminal, err := p.terminal.WorkingKey(p.device, p.ksn, w)
	if err != nil {
		p.t.Fatal(err)
	}
	if host, err = p.host.WorkingKey(p.bdk, p.ksn, w); err != nil {
		p.t.Fatal(err)
	}
	return terminal, host
}

// Two thousand transactions of a terminal, at the host one after the other: a PIN, a request's MAC, a response's MAC. Each key is good
// for its direction only, at its side only; the handles of the transaction before are dead; and no slot is left over.
func TestDUKPTTransactions(t *testing.T) {
	for _, kind := range dukptKinds {
		t.Run(kind.name, func(t *testing.T) {
			p := newPair(t, kind.algorithm, kind.bdk, kind.ksn)
			c, request := card(t, pan1), []byte("0200, a request of some length")
			kept := reference(t, p.host, p.ref, "1234", c)
			slots := keys(p.terminal)
			var before []Key
			seen := map[string]bool{}
			mac := make([]byte, 8)
			most := 0
			for n := range 2000 {
				p.next()
				for _, k := range before {
					if err := p.terminal.MAC(k, MACParams{}, mac, nil); err != ErrKey {
						t.Fatalf("%X: a handle of the transaction before: %v", p.ksn, err)
					}
				}
				if seen[string(p.ksn)] || keys(p.terminal) != slots {
					t.Fatalf("%X comes again, or %d keys are there: want %d", p.ksn, keys(p.terminal), slots)
				}
				seen[string(p.ksn)] = true
				pin, hostPIN := p.keys(Working{Usage: PINEncryption})
				req, hostReq := p.keys(Working{Usage: kind.mac})
				resp, hostResp := p.keys(Working{Usage: kind.mac, Direction: Response})
				before = []Key{pin, req, resp}
				block, err := p.terminal.EncryptPIN(nil, in(pin, kind.format), typed(p.terminal, "1234"), c)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.host.VerifyPIN(in(hostPIN, kind.format), c, block, p.ref, kept); err != nil {
					t.Fatalf("%X: PIN: %v", p.ksn, err)
				}
				if err := p.terminal.MAC(req, MACParams{}, mac, request); err != nil {
					t.Fatal(err)
				}
				if err := p.host.VerifyMAC(hostReq, MACParams{}, mac, request); err != nil {
					t.Fatalf("%X: request: %v", p.ksn, err)
				}
				if err := p.host.VerifyMAC(hostResp, MACParams{}, mac, request); !errors.Is(err, ErrMode) {
					t.Fatalf("%X: a request under the response's key: %v", p.ksn, err)
				}
				if err := p.host.MAC(hostResp, MACParams{}, mac, request); err != nil {
					t.Fatal(err)
				}
				if err := p.terminal.VerifyMAC(resp, MACParams{}, mac, request); err != nil {
					t.Fatalf("%X: response: %v", p.ksn, err)
				}
				most = max(most, keys(p.host))
				if n%100 == 0 {
					p.wrongWays(kind.format, pin, hostPIN, req, hostReq, resp, hostResp)
				}
			}
			if bound := 2 + 8*3; most > bound {
				t.Errorf("%d keys at the host: want %d at most", most, bound)
			}
		})
	}
}

// wrongWays uses each key at the wrong side, or for the wrong direction.
func (p *pair) wrongWays(f PINFormat, pin, hostPIN, req, hostReq, resp, hostResp Key) {
	p.t.Helper()
	c, mac := card(p.t, pan1), make([]byte, 8)
	for name, err := range map[string]error{
		"the terminal verifies a request":   p.terminal.VerifyMAC(req, MACParams{}, mac, nil),
		"the terminal generates a response": p.terminal.MAC(resp, MACParams{}, mac, nil),
		"the host generates a request":      p.host.MAC(hostReq, MACParams{}, mac, nil),
		"the host verifies a response":      p.host.VerifyMAC(hostResp, MACParams{}, mac, nil),
		"the terminal opens a PIN block": func() error {
			_, err := p.terminal.TranslatePIN(nil, in(pin, f), in(pin, f), c, make([]byte, f.Size()))
			return err
		}(),
		"the host encrypts a PIN": func() error {
			_, err := p.host.EncryptPIN(nil, in(hostPIN, f), typed(p.host, "1234"), c)
			return err
		}(),
	} {
		if !errors.Is(err, ErrMode) {
			p.t.Errorf("%X: %s: %v", p.ksn, name, err)
		}
	}
}

// A handle is found again while its transaction lasts, and not made twice; erased, it is made anew.
func TestWorkingKeyIsMadeOnce(t *testing.T) {
	p := newPair(t, AES, keyA, "123456789012345600000000")
	p.next()
	w := Working{Usage: DataEncryption, Direction: Both}
	terminal, host := p.keys(w)
	slots, hostSlots := keys(p.terminal), keys(p.host)
	for range 3 {
		if one, other := p.keys(w); one != terminal || other != host || keys(p.terminal) != slots || keys(p.host) != hostSlots {
			t.Fatal("a working key is made twice")
		}
	}
	for range 1000 {
		for m, k := range map[*Module]Key{p.terminal: terminal, p.host: host} {
			if err := m.Erase(k); err != nil {
				t.Fatal(err)
			}
		}
		one, other := p.keys(w)
		if one == terminal || other == host || keys(p.terminal) != slots || keys(p.host) != hostSlots {
			t.Fatal("an erased working key is not made anew")
		}
		data := make([]byte, 16)
		out, err := p.terminal.EncryptData(one, nil, data)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := p.host.DecryptData(other, nil, out); err != nil || !bytes.Equal(back, data) {
			t.Fatal(err)
		}
		terminal, host = one, other
	}
	if n := len(p.terminal.slots[p.device.at].made); n > 2 {
		t.Errorf("%d handles are kept", n)
	}
	for i := range p.host.slots[p.bdk.at].host.made {
		if n := len(p.host.slots[p.bdk.at].host.made[i].keys); n > 2 {
			t.Errorf("%d handles are kept", n)
		}
	}
}

// Whatever numbers come to a host, in whatever order and for whatever keys: it holds the keys of eight transactions, and no more. With
// the base derivation key the derived ones go.
func TestHostKeysAreBounded(t *testing.T) {
	for _, kind := range dukptKinds {
		m := New(counter())
		bdk := install(t, m, Attributes{Usage: BaseDerivation, Algorithm: kind.algorithm}, kind.bdk)
		random := counter()
		ksn := unhex(t, kind.ksn)
		all := []Working{{Usage: PINEncryption}, {Usage: CMAC}, {Usage: CMAC, Direction: Response}, {Usage: DataEncryption}, {Usage: DataEncryption, Direction: Both}}
		var last Key
		derived := 0
		for range 1500 {
			var b [4]byte
			if _, err := random.Read(b[:]); err != nil {
				t.Fatal(err)
			}
			at := withCounter(ksn, uint64(b[0])<<8|uint64(b[1]))
			k, err := m.WorkingKey(bdk, at, all[int(b[2])%len(all)])
			if errors.Is(err, ErrKSN) {
				continue // too many one-bits, or none
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Erase(k); b[3] < 20 && err != nil {
				t.Fatal(err)
			}
			if k, err = m.WorkingKey(bdk, at, all[int(b[3])%len(all)]); err != nil {
				t.Fatal(err)
			}
			last, derived = k, derived+1
			if n := keys(m); n > 1+8*len(all) {
				t.Fatalf("%s: %d keys", kind.name, n)
			}
		}
		if derived < 1000 {
			t.Errorf("%d derivations", derived)
		}
		if err := m.Erase(bdk); err != nil || keys(m) != 0 {
			t.Errorf("%s: %v, %d keys are left of a base derivation key that is erased", kind.name, err, keys(m))
		}
		if err := m.Erase(last); err != ErrKey {
			t.Errorf("%s: a derived key outlives its base: %v", kind.name, err)
		}
	}
}

// What a working key may be, and what not.
func TestWorkingKeyRefusals(t *testing.T) {
	for _, kind := range dukptKinds {
		p := newPair(t, kind.algorithm, kind.bdk, kind.ksn)
		if _, err := p.terminal.WorkingKey(p.device, unhex(t, kind.ksn), Working{Usage: PINEncryption}); err == nil {
			t.Errorf("%s: a key before the first transaction", kind.name)
		}
		if _, err := p.host.WorkingKey(p.bdk, unhex(t, kind.ksn), Working{Usage: PINEncryption}); !errors.Is(err, ErrKSN) {
			t.Errorf("%s: counter 0: %v", kind.name, err)
		}
		p.next()
		first := bytes.Clone(p.ksn)
		p.next()
		if _, err := p.terminal.WorkingKey(p.device, first, Working{Usage: PINEncryption}); !errors.Is(err, ErrStaleKSN) {
			t.Errorf("%s: the transaction before: %v", kind.name, err)
		}
		later := withCounter(p.ksn, 3)
		if _, err := p.terminal.WorkingKey(p.device, later, Working{Usage: PINEncryption}); !errors.Is(err, ErrStaleKSN) {
			t.Errorf("%s: the transaction to come: %v", kind.name, err)
		}
		other := unhex(t, map[bool]string{false: "123456789012345600000001", true: "FFFF9876543210E00001"}[kind.algorithm == AES])
		before, hostBefore := image(p.terminal), image(p.host)
		for name, tt := range map[string]struct {
			ksn []byte
			w   Working
			is  error
		}{
			"a number of the other standard": {other, Working{Usage: PINEncryption}, ErrKSN},
			"a number of two bytes":          {p.ksn[:2], Working{Usage: PINEncryption}, ErrKSN},
			"a number of 11 bytes":           {append(other[:1:1], make([]byte, 10)...), Working{Usage: PINEncryption}, ErrKSN},
			"no number":                      {nil, Working{Usage: PINEncryption}, ErrKSN},
			"no usage":                       {p.ksn, Working{}, ErrAttributes},
			"a usage that is not derived":    {p.ksn, Working{Usage: PINVerification, Algorithm: TDES}, ErrUsage},
			"no direction":                   {p.ksn, Working{Usage: CMAC, Direction: Both + 1}, ErrAttributes},
			"single DES":                     {p.ksn, Working{Usage: MACAlgorithm1, Algorithm: DES, Length: 8}, ErrAttributes},
			"SM4":                            {p.ksn, Working{Usage: PINEncryption, Algorithm: SM4, Length: 16}, ErrAttributes},
			"a length that no key has":       {p.ksn, Working{Usage: PINEncryption, Length: 17}, ErrKeyLength},
		} {
			if k, err := p.host.WorkingKey(p.bdk, tt.ksn, tt.w); !errors.Is(err, tt.is) || !k.IsZero() {
				t.Errorf("%s, host: %s: %v: want %v", kind.name, name, err, tt.is)
			}
			is := tt.is
			if name == "a number of the other standard" {
				is = ErrStaleKSN // not the device's, whatever it is
			}
			if k, err := p.terminal.WorkingKey(p.device, tt.ksn, tt.w); !errors.Is(err, is) || !k.IsZero() {
				t.Errorf("%s, terminal: %s: %v: want %v", kind.name, name, err, is)
			}
		}
		if image(p.terminal) != before || image(p.host) != hostBefore {
			t.Errorf("%s: a refusal changes the module", kind.name)
		}
		if kind.algorithm == TDES {
			if _, err := p.host.WorkingKey(p.bdk, p.ksn, Working{Usage: KeyEncryption}); !errors.Is(err, ErrAttributes) {
				t.Errorf("a key encryption key of TDES DUKPT: %v", err)
			}
		} else if _, err := p.host.WorkingKey(p.bdk, p.ksn, Working{Usage: CMAC, Algorithm: AES, Length: 32}); (err == nil) != (kind.name == "AES-256") || err != nil && !errors.Is(err, ErrAttributes) {
			t.Errorf("%s: an AES-256 key: %v", kind.name, err)
		}
	}
}

// A working key goes with its transaction: it has no label, is not kept and does not leave.
func TestWorkingKeysStay(t *testing.T) {
	p := newPair(t, AES, keyA, "123456789012345600000000")
	p.next()
	terminal, host := p.keys(Working{Usage: DataEncryption, Direction: Both})
	for m, k := range map[*Module]Key{p.terminal: terminal, p.host: host} {
		before := image(m)
		if err := m.Store("session", k); !errors.Is(err, ErrUsage) || image(m) != before {
			t.Errorf("Store: %v", err)
		}
		kek, kbpk := install(t, m, Attributes{Usage: KeyEncryption, Algorithm: AES}, keyB), install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, keyB)
		if _, _, err := m.Export(k, kek); !errors.Is(err, ErrExport) {
			t.Errorf("Export: %v", err)
		}
		if _, err := m.ExportKeyBlock(k, kbpk, 'D'); !errors.Is(err, ErrExport) {
			t.Errorf("ExportKeyBlock: %v", err)
		}
	}
	for _, k := range []Key{p.device, p.bdk} {
		m := map[Key]*Module{p.device: p.terminal, p.bdk: p.host}[k]
		kbpk := install(t, m, Attributes{Usage: KeyBlockProtection, Algorithm: AES}, key32)
		if _, err := m.ExportKeyBlock(k, kbpk, 'D'); !errors.Is(err, ErrExport) {
			t.Errorf("%v leaves: %v", k, err)
		}
	}
}

// The last transactions of a device: the published last counters, and then none, whatever is asked.
func TestDeviceIsUsedUp(t *testing.T) {
	for _, kind := range dukptKinds {
		last := map[Algorithm]uint64{TDES: 0x1FF800, AES: 0xFFFF0000}[kind.algorithm] // X9.24-1, annex A; X9.24-3, 6.4
		m := New(counter())
		ksn := withCounter(unhex(t, kind.ksn), last)
		serial, err := dukpt.ParseKSN(ksn)
		if err != nil {
			t.Fatal(err)
		}
		k := deviceAt(t, m, "device", kind.algorithm, initialKey(t, kind.algorithm, kind.bdk, ksn), fmt.Sprintf("%X", before(serial)))
		if next, err := m.NextKSN(k); err != nil || !bytes.Equal(next, ksn) {
			t.Fatalf("%s: %X, %v: want %X", kind.name, next, err, ksn)
		}
		pin, err := m.WorkingKey(k, ksn, Working{Usage: PINEncryption})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if next, err := m.NextKSN(k); !errors.Is(err, ErrExhausted) || next != nil {
				t.Fatalf("%s: %X, %v: want %v", kind.name, next, err, ErrExhausted)
			}
			if at, err := m.KSN(k); err != nil || !bytes.Equal(at, ksn) {
				t.Errorf("%s: the number is %X, %v", kind.name, at, err)
			}
			if _, err := m.WorkingKey(k, ksn, Working{Usage: PINEncryption}); err == nil {
				t.Errorf("%s: a device without keys derives", kind.name)
			}
			if err := m.Erase(pin); err != ErrKey {
				t.Errorf("%s: the last transaction's key: %v", kind.name, err)
			}
		}
	}
}

// A device's number is one device's: not loaded twice, whether used or not, with or without a label.
func TestInstallInitialKeyRefusals(t *testing.T) {
	for _, kind := range dukptKinds {
		m := New(counter())
		ksn := unhex(t, kind.ksn)
		initial := initialKey(t, kind.algorithm, kind.bdk, ksn)
		other := Algorithm(TDES)
		if kind.algorithm == TDES {
			other = AES
		}
		for name, tt := range map[string]struct {
			a          Algorithm
			clear, ksn []byte
			is         error
		}{
			"a counter that is not zero":     {kind.algorithm, initial, withCounter(ksn, 1), ErrKSN},
			"a number of the other standard": {other, initial, ksn, ErrKSN},
			"a short number":                 {kind.algorithm, initial, ksn[:2], ErrKSN},
			"no number":                      {kind.algorithm, initial, nil, ErrKSN},
			"a short key":                    {kind.algorithm, initial[:8], ksn, ErrKeyLength},
			"no key":                         {kind.algorithm, nil, ksn, ErrKeyLength},
			"a cipher that DUKPT has not":    {SM4, initial, ksn, ErrAttributes},
		} {
			if tt.a == other && len(initial) == 32 {
				continue // no length of TDES either
			}
			if k, err := m.InstallInitialKey("device", tt.a, tt.clear, tt.ksn); !errors.Is(err, tt.is) || !k.IsZero() || keys(m) != 0 {
				t.Errorf("%s: %s: %v: want %v", kind.name, name, err, tt.is)
			}
		}
		if kind.algorithm == TDES {
			if _, err := m.InstallInitialKey("", TDES, bytes.Repeat([]byte{0x13}, 16), ksn); !errors.Is(err, ErrWeakKey) {
				t.Errorf("equal halves: %v", err)
			}
		}
		k, err := m.InstallInitialKey("device", kind.algorithm, initial, ksn)
		if err != nil || k.Usage() != InitialKey {
			t.Fatal(err)
		}
		again := func(label, what string) {
			t.Helper()
			before := image(m)
			if _, err := m.InstallInitialKey(label, kind.algorithm, initial, ksn); !errors.Is(err, ErrStaleKSN) || image(m) != before {
				t.Errorf("%s: loaded again %s: %v", kind.name, what, err)
			}
		}
		again("other", "before its first transaction")
		first, err := m.NextKSN(k)
		if err != nil {
			t.Fatal(err)
		}
		again("other", "in use")
		again("", "in use, without a label")
		if _, err := m.InstallInitialKey("device", kind.algorithm, initial, withCounterOfAnother(ksn)); err == nil {
			t.Errorf("%s: a label in use is taken", kind.name)
		}
		if _, err := m.InstallInitialKey("other", kind.algorithm, initial, withCounterOfAnother(ksn)); err != nil {
			t.Errorf("%s: another device: %v", kind.name, err)
		}
		if at, err := m.KSN(k); err != nil || !bytes.Equal(at, first) {
			t.Errorf("%s: the number is %X, %v", kind.name, at, err)
		}
	}
}

// withCounterOfAnother is another device's number.
func withCounterOfAnother(ksn []byte) []byte {
	ksn = bytes.Clone(ksn)
	ksn[2] ^= 0x11
	return ksn
}

// initialKey derives what is loaded into a device.
func initialKey(t testing.TB, a Algorithm, bdk string, ksn []byte) []byte {
	t.Helper()
	if a == AES {
		k, err := dukpt.InitialKeyAES(unhex(t, bdk), ksn[:8])
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	serial, err := dukpt.ParseKSN(ksn)
	if err != nil {
		t.Fatal(err)
	}
	k, err := dukpt.InitialKeyTDES(unhex(t, bdk), serial)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vectorInitialKey: what a host derives for a device is what that device was loaded with, if both give the same first key.
func vectorInitialKey(t *testing.T, v vector) {
	a, ksn := TDES, unhex(t, v.text("ksn"))
	if v.Op == "dukpt.aes.ik" {
		a, ksn = AES, append(unhex(t, v.text("ikid")), 0, 0, 0, 0)
	}
	m := New(counter())
	device, err := m.InstallInitialKey("", a, unhex(t, v.Out["ik"]), ksn)
	if err != nil {
		t.Fatal(err)
	}
	host := install(t, m, Attributes{Usage: BaseDerivation, Algorithm: a}, v.text("bdk"))
	next, err := m.NextKSN(device)
	if err != nil {
		t.Fatal(err)
	}
	w := Working{Usage: CMAC, Direction: Both}
	one, err := m.WorkingKey(device, next, w)
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.WorkingKey(host, next, w)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(m, one), bytesOf(m, other)) || one == other {
		t.Error("device and host have different keys")
	}
}

// workingNames are the vectors' names for working keys; the suffix, if there is one, is the algorithm.
var workingNames = map[string]Working{
	"pin_key": {Usage: PINEncryption}, "mac_request_key": {Usage: MACAlgorithm3}, "mac_response_key": {Usage: MACAlgorithm3, Direction: Response},
	"data_request_key": {Usage: DataEncryption}, "data_response_key": {Usage: DataEncryption, Direction: Response},
	"pin": {Usage: PINEncryption}, "mac_gen": {Usage: CMAC}, "mac_ver": {Usage: CMAC, Direction: Response},
	"mac_gen_key": {Usage: CMAC}, "data_enc_key": {Usage: DataEncryption}, "data_enc": {Usage: DataEncryption},
	"data_dec": {Usage: DataEncryption, Direction: Response}, "kek": {Usage: KeyEncryption, Direction: Response},
}

// working reads such a name.
func working(name string) (w Working, ok bool) {
	if w, ok = workingNames[name]; ok {
		return w, true
	}
	at := strings.LastIndexByte(name, '_')
	if at < 0 {
		return w, false
	}
	if w, ok = workingNames[name[:at]]; !ok {
		return w, false
	}
	switch suffix := name[at+1:]; suffix {
	case "tdes2":
		w.Algorithm, w.Length = TDES, 16
	case "tdes3":
		w.Algorithm, w.Length = TDES, 24
	case "aes128":
		w.Algorithm, w.Length = AES, 16
	case "aes192":
		w.Algorithm, w.Length = AES, 24
	case "aes256":
		w.Algorithm, w.Length = AES, 32
	case "hmac128":
		w.Usage, w.Length = HMAC, 16
	default:
		return w, false
	}
	return w, true
}

// vectorDUKPT: a transaction at both sides, each with its own module. The device is brought to the transaction before.
func vectorDUKPT(t *testing.T, v vector) {
	a, ksn := TDES, unhex(t, v.text("ksn"))
	if strings.HasPrefix(v.Op, "dukpt.aes") {
		a = AES
	}
	serial, err := dukpt.ParseKSN(ksn)
	if err != nil {
		t.Fatal(err)
	}
	initial := initialKey(t, a, v.text("bdk"), ksn)
	terminal, host := New(fill(t, Format4, v.text("random"))), New(counter())
	device := deviceAt(t, terminal, "device", a, initial, fmt.Sprintf("%X", before(serial)))
	base := install(t, host, Attributes{Usage: BaseDerivation, Algorithm: a}, v.text("bdk"))
	if next, err := terminal.NextKSN(device); err != nil || !bytes.Equal(next, ksn) {
		t.Fatalf("the device goes on at %X, %v: want %X", next, err, ksn)
	}
	both := func(w Working) (Key, Key) {
		t.Helper()
		one, err := terminal.WorkingKey(device, ksn, w)
		if err != nil {
			t.Fatal(err)
		}
		other, err := host.WorkingKey(base, ksn, w)
		if err != nil {
			t.Fatal(err)
		}
		return one, other
	}
	data := []byte(v.text("data_ascii"))
	for name, out := range v.Out {
		want := unhex(t, out)
		w, isKey := working(name)
		switch {
		case name == "ik":
			if !bytes.Equal(initial, want) {
				t.Error("another initial key")
			}
		case name == "txn_key":
			if !bytes.Equal(terminal.slots[device.at].device.TransactionKey(), want) {
				t.Error("another transaction key")
			}
		case isKey:
			one, other := both(w)
			if !bytes.Equal(bytesOf(terminal, one), want) || !bytes.Equal(bytesOf(host, other), want) {
				t.Errorf("%s: another key", name)
			}
		case strings.HasPrefix(name, "pin_block"):
			one, other := both(Working{Usage: PINEncryption})
			f := Format0
			if a == AES {
				f = Format4
			}
			p := card(t, v.text("pan"))
			if block := encrypted(t, terminal, in(one, f), v.text("pin"), p); !bytes.Equal(block, want) {
				t.Errorf("%s %X: want %X", name, block, want)
			}
			ref := install(t, host, PINVerification, keyB)
			if err := host.VerifyPIN(in(other, f), p, want, ref, reference(t, host, ref, v.text("pin"), p)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case strings.Contains(name, "mac_re"), strings.HasPrefix(name, "hmac_"):
			w := Working{Usage: MACAlgorithm3}
			switch {
			case strings.HasPrefix(name, "cmac"):
				w.Usage = CMAC
			case strings.HasPrefix(name, "hmac"):
				w.Usage, w.Length = HMAC, 16
			}
			if strings.Contains(name, "response") {
				w.Direction = Response
			}
			one, other := both(w)
			sender, from, receiver, to := terminal, one, host, other
			if w.Direction == Response {
				sender, from, receiver, to = host, other, terminal, one
			}
			mac := make([]byte, len(want))
			if err := sender.MAC(from, MACParams{}, mac, data); err != nil || !bytes.Equal(mac, want) {
				t.Errorf("%s %X, %v: want %X", name, mac, err, want)
			}
			if err := receiver.VerifyMAC(to, MACParams{}, want, data); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case strings.HasSuffix(name, "_cbc_iv0_zeropad"):
			w := Working{Usage: DataEncryption}
			if strings.Contains(name, "response") {
				w.Direction = Response
			}
			one, other := both(w)
			sender, from, receiver, to := terminal, one, host, other
			if w.Direction == Response {
				sender, from, receiver, to = host, other, terminal, one
			}
			size := 8
			if a == AES {
				size = 16
			}
			padded := append(bytes.Clone(data), make([]byte, (size-len(data)%size)%size)...)
			got, err := sender.EncryptData(from, make([]byte, size), padded)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %X, %v: want %X", name, got, err, want)
			}
			if back, err := receiver.DecryptData(to, make([]byte, size), want); err != nil || !bytes.Equal(back, padded) {
				t.Errorf("%s: back %X, %v", name, back, err)
			}
		default:
			t.Errorf("output %q is not compared", name)
		}
	}
}

// before is the number of the transaction before k's: the greatest lower counter that a device has.
func before(k dukpt.KSN) []byte {
	c, most := uint64(k.Counter()-1), 10
	if k.AES() {
		most = 16
	}
	for ones(c) > most {
		c--
	}
	return withCounter(k.Bytes(), c)
}

// vectorNextKSN: a device whose last transaction was one goes on to the next.
func vectorNextKSN(t *testing.T, v vector) {
	a, bdk, ksn := TDES, keyA, unhex(t, v.text("ksn"))
	if len(ksn) == 12 {
		a = AES
	}
	m := New(counter())
	device := deviceAt(t, m, "", a, initialKey(t, a, bdk, ksn), v.text("ksn"))
	next, err := m.NextKSN(device)
	for name, out := range v.Out {
		switch name {
		case "next":
			if err != nil || !bytes.Equal(next, unhex(t, out)) {
				t.Errorf("%X, %v: want %v", next, err, out)
			}
			if at, err := m.KSN(device); err != nil || !bytes.Equal(at, next) {
				t.Errorf("KSN: %X, %v", at, err)
			}
		case "exhausted":
			if !errors.Is(err, ErrExhausted) || next != nil || out != true {
				t.Errorf("%X, %v: want %v", next, err, ErrExhausted)
			}
		default:
			t.Errorf("output %q is not compared", name)
		}
	}
}

// vectorValidKSN: a host derives for a number that a device may have, and for no other.
func vectorValidKSN(t *testing.T, v vector) {
	m := New(counter())
	host := install(t, m, BaseDerivation, keyA)
	_, err := m.WorkingKey(host, unhex(t, v.text("ksn")), Working{Usage: PINEncryption})
	if want := v.Out["valid"]; want != (err == nil) || err != nil && !errors.Is(err, ErrKSN) {
		t.Errorf("%v: want valid %v", err, want)
	}
}
