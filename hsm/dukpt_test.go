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
	device := deviceAt(t, terminal, "device", a, initial, fmt.Sprintf("%X", before(t, serial)))
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
func before(t testing.TB, k dukpt.KSN) []byte {
	t.Helper()
	for c := k.Counter() - 1; ; c-- {
		b := withCounter(k.Bytes(), uint64(c))
		serial, err := dukpt.ParseKSN(b)
		if err != nil {
			t.Fatal(err)
		}
		if c == 0 || serial.Valid() == nil {
			return b
		}
	}
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
