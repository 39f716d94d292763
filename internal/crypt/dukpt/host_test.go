package dukpt

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestKeysOfWrongLengthAreRefused(t *testing.T) {
	tdes, aesK := ksn(t, "FFFF9876543210E00001"), ksn(t, "123456789012345600000001")
	for n := range 40 {
		key := make([]byte, n)
		isTDES, isAES := n == 16, n == 16 || n == 24 || n == 32
		check := func(name string, good bool, err error) {
			t.Helper()
			if good && err != nil || !good && !errors.Is(err, ErrKey) {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
		}
		_, err := NewTDESDeriver(key)
		check("TDES BDK", isTDES, err)
		_, err = NewAESDeriver(key)
		check("AES BDK", isAES, err)
		_, err = InitialKeyTDES(key, tdes)
		check("TDES BDK", isTDES, err)
		_, err = InitialKeyAES(key, make([]byte, 8))
		check("AES BDK", isAES, err)
		_, err = TransactionKey(key, tdes)
		check("TDES initial key", isTDES, err)
		_, err = TransactionKey(key, aesK)
		check("AES initial key", isAES, err)
		_, err = WorkingKey(key, tdes, PIN, TDES2)
		check("TDES transaction key", isTDES, err)
		_, err = WorkingKey(key, aesK, PIN, TDES2)
		check("AES transaction key", isAES, err)
		_, err = UpdateKey(key, make([]byte, 8), TDES2)
		check("AES initial key", isAES, err)
		if _, err := InitialKeyAES(make([]byte, 16), key); (err == nil) != (n == 8) || n != 8 && !errors.Is(err, ErrKSN) {
			t.Errorf("initial key ID of %d bytes: %v", n, err)
		}
		if _, err := UpdateKey(make([]byte, 16), key, AES128); (err == nil) != (n == 8) || n != 8 && !errors.Is(err, ErrKSN) {
			t.Errorf("initial key ID of %d bytes: %v", n, err)
		}
	}
}

// The Deriver, which keeps the schedules, and the functions, which do not, agree; both append, and neither keeps or changes
// a key.
func TestDeriverIsTheFunctions(t *testing.T) {
	for _, w := range worlds(t) {
		initial := w.initial(t)
		saved := bytes.Clone(initial)
		for _, c := range []uint32{1, 2, 3, 0x3FF, 0x155500, 0x1FF800} {
			k := w.ksn.with(c)
			if same := must(w.host.InitialKey(nil, k))(t); !bytes.Equal(same, initial) {
				t.Errorf("%s %v: the initial key depends on the counter", w.name, k)
			}
			txn := must(TransactionKey(initial, k))(t)
			if got := must(w.host.TransactionKey([]byte("x"), k))(t); !bytes.Equal(got, slices.Concat([]byte("x"), txn)) {
				t.Errorf("%s %v: two transaction keys", w.name, k)
			}
			for u := PIN; u <= DataBoth; u++ {
				want := must(WorkingKey(txn, k, u, TDES2))(t)
				got := must(w.host.WorkingKey([]byte("x"), k, u, TDES2))(t)
				if !bytes.Equal(got, slices.Concat([]byte("x"), want)) {
					t.Errorf("%s %v %v: two working keys", w.name, k, u)
				}
				if c > 1 && w.ksn.with(c-1).Valid() != nil {
					continue
				}
				s := w.at(t, c-1)
				if err := s.Advance(); err != nil || s.KSN() != k {
					t.Fatalf("%v: %v", s, err)
				}
				if got := must(s.WorkingKey([]byte("x"), u, TDES2))(t); !bytes.Equal(got, slices.Concat([]byte("x"), want)) {
					t.Errorf("%s %v %v: the terminal has another working key", w.name, k, u)
				}
			}
			if w.host.d.key != [maxKey]byte{} || w.host.d.node != (node{}) {
				t.Errorf("%s: work space is not wiped", w.name)
			}
		}
		if !bytes.Equal(initial, saved) {
			t.Errorf("%s: the caller's key is changed", w.name)
		}
	}
}

// The keys of a TDES derivation lie in the work space alone, and it is wiped: nothing that is allocated keeps a schedule.
func TestTDESDerivationDoesNotAllocate(t *testing.T) {
	w := worlds(t)[0]
	s, key, k := w.state(t), make([]byte, 0, maxKey), w.ksn.with(0x1FF)
	if n := testing.AllocsPerRun(100, func() { _, _ = w.host.TransactionKey(key, k) }); n != 0 {
		t.Errorf("host: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = s.Advance() }); n != 0 {
		t.Errorf("terminal: %v allocations", n)
	}
	if w.host.d.node != (node{}) || s.r.node != (node{}) {
		t.Error("work space is not wiped")
	}
}

func TestDeriverRefuses(t *testing.T) {
	all := worlds(t)
	for _, w := range all {
		other := all[0].ksn
		if !w.ksn.AES() {
			other = all[1].ksn
		}
		for name, k := range map[string]KSN{
			"no KSN": {}, "counter 0": w.ksn, "too many one-bits": w.ksn.with(0x1FFFFF), "the other standard": other.with(1),
		} {
			if got, err := w.host.TransactionKey(nil, k); !errors.Is(err, ErrKSN) || got != nil {
				t.Errorf("%s, %s: %v", w.name, name, err)
			}
			if got, err := w.host.WorkingKey(nil, k, PIN, TDES2); !errors.Is(err, ErrKSN) || got != nil {
				t.Errorf("%s, %s: %v", w.name, name, err)
			}
			if k.IsZero() || k == other.with(1) {
				if _, err := w.host.InitialKey(nil, k); !errors.Is(err, ErrKSN) {
					t.Errorf("%s, %s: %v", w.name, name, err)
				}
			}
			if _, err := WorkingKey(make([]byte, w.size), k, PIN, TDES2); k != other.with(1) && !errors.Is(err, ErrKSN) {
				t.Errorf("%s, %s: %v", w.name, name, err)
			}
		}
		w.host.Wipe()
		w.host.Wipe()
		for _, h := range []*Deriver{w.host, {}} {
			h.Wipe()
			if _, err := h.TransactionKey(nil, w.ksn.with(1)); !errors.Is(err, ErrKey) {
				t.Errorf("%s wiped: %v", w.name, err)
			}
		}
	}
}

// X9.24-3: no working key is stronger than what it is derived from; X9.24-1 knows double-length TDES only.
func TestWorkingKeysThatAreRefused(t *testing.T) {
	strongest := map[string]map[Algorithm]bool{
		"TDES":    {TDES2: true},
		"AES-128": {TDES2: true, TDES3: true, AES128: true, HMAC128: true},
		"AES-192": {TDES2: true, TDES3: true, AES128: true, HMAC128: true, AES192: true, HMAC192: true},
		"AES-256": {
			TDES2: true, TDES3: true, AES128: true, HMAC128: true, AES192: true, HMAC192: true, AES256: true, HMAC256: true,
		},
	}
	for _, w := range worlds(t) {
		k, txn := w.ksn.with(5), must(w.host.TransactionKey(nil, w.ksn.with(5)))(t)
		made := map[string]string{}
		for u := Use(0); u < 12; u++ {
			for a := Algorithm(0); a < 12; a++ {
				good := strongest[w.name][a] && u >= PIN && u <= KeyEncryption
				good = good && (!a.hmac() || u == MACRequest || u == MACResponse || u == MACBoth)
				good = good && (w.ksn.AES() || u != KeyEncryption)
				key, err := WorkingKey(txn, k, u, a)
				if !good {
					if !errors.Is(err, ErrUse) || key != nil {
						t.Errorf("%s: %v for %v: %v", w.name, a, u, err)
					}
					continue
				}
				if err != nil || len(key) != a.Size() {
					t.Errorf("%s: %v for %v: %d bytes, %v", w.name, a, u, len(key), err)
				}
				name := a.String() + " for " + u.String()
				if before := made[string(key)]; before != "" && w.ksn.AES() {
					t.Errorf("%s: %s is the key of %s", w.name, name, before)
				}
				made[string(key)] = name
			}
		}
		if !w.ksn.AES() && len(made) != 5 {
			t.Errorf("%d TDES working keys, want 5", len(made))
		}
	}
}

func TestNames(t *testing.T) {
	for a := TDES2; a <= HMAC256; a++ {
		if got := must(ParseAlgorithm(a.String()))(t); got != a {
			t.Errorf("%v is read as %v", a, got)
		}
	}
	for _, name := range []string{"", "AES", "aes128", "Algorithm(9)"} {
		if a, err := ParseAlgorithm(name); err == nil || a != 0 {
			t.Errorf("%q is %v", name, a)
		}
	}
	if Algorithm(0).String() != "Algorithm(0)" || Algorithm(9).String() != "Algorithm(9)" || Use(99).String() != "Use(99)" {
		t.Error("names of nothing")
	}
}
