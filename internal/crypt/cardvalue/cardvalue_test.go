package cardvalue

import (
	"errors"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
)

const (
	key16 = "0123456789ABCDEFFEDCBA9876543210"
	pan1  = "4761739001010010"
)

// A block with few digits takes a second pass, letters as A 0 to F 5, and there are always enough. One that makes do with
// the first pass gives "66" for the first of these.
func TestSecondDecimalisationPass(t *testing.T) {
	for _, c := range []struct{ block, want string }{
		{"6AA6ECFEEABBDBCF", "660"},
		{"CDEFDEE3D5EBBA2D", "3522"},
		{"ABCDEFABCDEFABCD", "0123450123450123"},
		{"1234567890123456", "1234567890123456"},
		{"FFFFFFFFFFFFFFF1", "15"},
		{"A1B2C3D4E5F6A7B8", "1234567801234501"},
	} {
		w := Work{out: [8]byte(unhex(t, c.block))}
		got := make([]byte, len(c.want))
		w.decimalise(got)
		if string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.block, got, c.want)
		}
	}
}

// A key is bytes. The first is of timgabets/pynblock (tests.py), which takes the key's hexadecimal text for the key and
// so has 8289; the second of adelosa/cardutil (tests/test_pin.py). The last digit is not looked at, and none of a card's.
func TestPVVKnownAnswers(t *testing.T) {
	for _, c := range []struct{ pan, pin, key, want string }{
		{"4761260000000130", "1234", "DEADDEADDEADDEADBEAFBEAFBEAFBEAF", "3780"},
		{"4564320000980360", "2205", "5CA64B3C22BEC347CA7E6609904BAAED", "3856"},
	} {
		var w Work
		got, err := PVV(&w, newCipher(t, c.key), []byte(c.pan), '1', numbers(c.pin))
		if err != nil || string(got[:]) != c.want {
			t.Errorf("%s, %v: want %s", got, err, c.want)
		}
	}
}

// The digits that go in, from both ends of the PAN's length: the eleven left of the check digit and four of the PIN.
func TestPVVInput(t *testing.T) {
	k := newCipher(t, key16)
	var w Work
	value := func(pan string, pvki byte, pin string) string {
		v, err := PVV(&w, k, []byte(pan), pvki, numbers(pin))
		if err != nil {
			t.Error(err)
		}
		return string(v[:])
	}
	want := value(pan1, '1', "1234")
	for name, same := range map[string]string{
		"check digit":       value(pan1[:15]+"9", '1', "1234"),
		"left of eleven":    value("9999"+pan1[4:], '1', "1234"),
		"nothing left":      value(pan1[4:], '1', "1234"),
		"the PIN's rest":    value(pan1, '1', "12349"),
		"all of PIN's rest": value(pan1, '1', "123400000000"),
	} {
		if same != want {
			t.Errorf("%s counts", name)
		}
	}
	for name, other := range map[string]string{
		"first of eleven": value("47610"+pan1[5:], '1', "1234"),
		"last of eleven":  value(pan1[:14]+"20", '1', "1234"),
		"index":           value(pan1, '2', "1234"),
		"PIN":             value(pan1, '1', "1235"),
	} {
		if other == want {
			t.Errorf("%s does not count", name)
		}
	}
}

func TestWrongInput(t *testing.T) {
	k, b := retail(t, unhex(t, key16)), newCipher(t, key16)
	aes, err := crypt.NewAES(unhex(t, key16))
	if err != nil {
		t.Fatal(err)
	}
	tab, none := table(t, "0123456789012345"), new(Table)
	var validation [8]byte
	var w Work
	cvv := func(pan, expiry, code string) error {
		_, err := CVV(&w, k, []byte(pan), []byte(expiry), []byte(code))
		return err
	}
	dcvv := func(pan, atc, expiry, code string) error {
		_, err := DCVV(&w, k, []byte(pan), []byte(atc), []byte(expiry), []byte(code))
		return err
	}
	pvv := func(pan string, pvki byte, pin []byte) error {
		_, err := PVV(&w, b, []byte(pan), pvki, pin)
		return err
	}
	offset := func(pin []byte) error { return Offset(&w, b, tab, &validation, pin, make([]byte, 16)) }
	from := func(o string) error { return PINFromOffset(&w, b, tab, &validation, []byte(o), make([]byte, 16)) }
	_, pvvAES := PVV(&w, aes, []byte(pan1), '1', make([]byte, 4))
	_, noTrack := IVCVC3(&w, k, nil)
	_, longTrack := IVCVC3(&w, k, make([]byte, 80))
	_, shortTable := ParseTable([]byte("012345678901234"))
	_, letters := ParseTable([]byte("01234567890123A5"))
	for want, err := range map[string]error{
		"PAN of 12 digits: want 13 to 19":                          cvv(pan1[:12], "3012", "101"),
		"PAN of 20 digits: want 13 to 19":                          cvv(pan1+"0000", "3012", "101"),
		"PAN: character 17 of 17 is no digit":                      cvv(pan1+"D", "3012", "101"),
		"expiry of 3 digits: want 4":                               cvv(pan1, "301", "101"),
		"expiry: character 3 of 5 is no digit":                     cvv(pan1, "30/12", "101"),
		"service code of 4 digits: want 3":                         cvv(pan1, "3012", "0101"),
		"service code of 0 digits: want 3":                         dcvv(pan1, "0001", "3012", ""),
		"transaction counter of 5 digits: want 4":                  dcvv(pan1, "10000", "3012", "101"),
		"transaction counter: character 1 of 4 is no digit":        dcvv(pan1, "A001", "3012", "101"),
		"PAN of 11 digits: want 12 to 19":                          pvv(pan1[:11], '1', make([]byte, 4)),
		"PIN verification key index: character 1 of 1 is no digit": pvv(pan1, 1, make([]byte, 4)),
		"PIN: want 4 to 12 digits":                                 pvv(pan1, '1', make([]byte, 3)),
		"PIN: want 4 to 12 digits ":                                pvv(pan1, '1', make([]byte, 13)),
		"PIN: want 4 to 12 digits  ":                               pvv(pan1, '1', []byte("1234")),
		"PIN: want 4 to 12 digits   ":                              offset([]byte{1, 2, 3, 10}),
		"PIN: want 4 to 12 digits    ":                             NaturalPIN(&w, b, tab, &validation, make([]byte, 13)),
		"PVV under a cipher of 16-byte blocks: want 8":             pvvAES,
		"IBM 3624 under a cipher of 16-byte blocks: want 8":        NaturalPIN(&w, aes, tab, &validation, make([]byte, 4)),
		"no decimalisation table":                                  Offset(&w, b, none, &validation, make([]byte, 4), make([]byte, 4)),
		"no decimalisation table ":                                 none.Policy(),
		"no decimalisation table  ":                                none.Decimalise(new([16]byte), &validation),
		"no decimalisation table   ":                               PINFromOffset(&w, b, none, &validation, []byte("0000"), make([]byte, 4)),
		"offset of 3 digits: want 4 to 12":                         from("000"),
		"offset of 13 digits: want 4 to 12":                        from("0000000000000"),
		"offset: character 4 of 4 is no digit":                     from("000A"),
		"track template of 0 bytes: want 1 to 79":                  noTrack,
		"track template of 80 bytes: want 1 to 79":                 longTrack,
		"decimalisation table of 15 digits: want 16":               shortTable,
		"decimalisation table: character 15 of 16 is no digit":     letters,
	} {
		if !errors.Is(err, ErrInput) || err.Error() != "cardvalue: "+strings.TrimRight(want, " ") {
			t.Errorf("%v: want %s", err, want)
		}
	}
	if w != (Work{}) {
		t.Error("something is left")
	}
}

// Nothing of a computation stays in the caller's room, whatever comes before: each function by itself.
func TestWorkIsWiped(t *testing.T) {
	k, b, tab := retail(t, unhex(t, key16)), newCipher(t, key16), table(t, "0123456789012345")
	pan, expiry, code, pin := []byte(pan1), []byte("3012"), []byte("101"), make([]byte, 4)
	var validation [8]byte
	for name, f := range map[string]func(*Work) error{
		"CVV":           func(w *Work) error { _, err := CVV(w, k, pan, expiry, code); return err },
		"DCVV":          func(w *Work) error { _, err := DCVV(w, k, pan, []byte("0001"), expiry, code); return err },
		"IVCVC3":        func(w *Work) error { _, err := IVCVC3(w, k, pan); return err },
		"CVC3":          func(w *Work) error { CVC3(w, k, [2]byte{}, [4]byte{}, [2]byte{}); return nil },
		"PVV":           func(w *Work) error { _, err := PVV(w, b, pan, '1', pin); return err },
		"NaturalPIN":    func(w *Work) error { return NaturalPIN(w, b, tab, &validation, pin) },
		"Offset":        func(w *Work) error { return Offset(w, b, tab, &validation, pin, make([]byte, 4)) },
		"PINFromOffset": func(w *Work) error { return PINFromOffset(w, b, tab, &validation, []byte("0000"), pin) },
	} {
		var w Work
		if err := f(&w); err != nil || w != (Work{}) {
			t.Errorf("%s: %v, or something is left", name, err)
		}
	}
}

// What is refused writes nothing.
func TestNothingIsWrittenOnAnError(t *testing.T) {
	b, none := newCipher(t, key16), new(Table)
	var w Work
	var validation [8]byte
	room := []byte{9, 8, 7, 6}
	if NaturalPIN(&w, b, none, &validation, room) == nil || PINFromOffset(&w, b, none, &validation, []byte("0000"), room) == nil ||
		Offset(&w, b, none, &validation, []byte{1, 2, 3, 4}, room) == nil || string(room) != "\x09\x08\x07\x06" {
		t.Errorf("%v", room)
	}
}

// The tables that tell whether a digit is in a PIN, and those that are in use.
func TestTablePolicy(t *testing.T) {
	for digits, ok := range map[string]bool{
		"0123456789012345": true, "1234567890123456": true, "8351296477461538": true, // in use, and IBM's example
		"0123456701234567": true, "0000123456712345": true, // just eight; just four times
		"0000012345678912": false,                                                       // five times
		"0123456012345601": false,                                                       // seven
		"0000000000000000": false, "1000000000000000": false, "0000000001000000": false, // the attacks'
	} {
		err := table(t, digits).Policy()
		if ok != (err == nil) || err != nil && !errors.Is(err, ErrBiased) {
			t.Errorf("%s: %v", digits, err)
		}
	}
}

// Every PIN has an offset and comes back, whatever the validation data and the offset.
func FuzzOffset(f *testing.F) {
	f.Add([]byte("1234"), []byte("0123456789012345"), []byte{0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56})
	f.Add([]byte("999999999999"), []byte("8351296477461538"), []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0xFF})
	b := newCipher(f, key16)
	f.Fuzz(func(t *testing.T, digits, tableDigits, data []byte) {
		tab, err := ParseTable(tableDigits)
		if (err == nil) != (checkDigits("", tableDigits, 16, 16) == nil) {
			t.Fatal(err)
		}
		if err := tab.Policy(); err == nil && !tab.set {
			t.Fatal("no table is a good table")
		}
		if len(data) < 8 {
			return
		}
		validation := [8]byte(data)
		var w Work
		pin, offset, natural := make([]byte, maxPIN), make([]byte, len(digits)), make([]byte, max(minPIN, min(len(digits), maxPIN)))
		err = PINFromOffset(&w, b, &tab, &validation, digits, pin)
		if ok := tab.set && checkDigits("", digits, minPIN, maxPIN) == nil; ok != (err == nil) || w != (Work{}) {
			t.Fatal(err)
		} else if !ok {
			return
		}
		pin = pin[:len(digits)]
		if err := Offset(&w, b, &tab, &validation, pin, offset); err != nil || string(offset) != string(digits) {
			t.Fatalf("%q becomes %q, %v", digits, offset, err)
		}
		if err := NaturalPIN(&w, b, &tab, &validation, natural); err != nil {
			t.Fatal(err)
		}
		for i := range pin {
			if pin[i] > 9 || (natural[i]+digits[i]-'0')%10 != pin[i] {
				t.Fatalf("digit %d", i)
			}
		}
	})
}

// Whatever the fields are, they are refused or give three digits; a counter that is what it replaces gives the CVV.
func FuzzCVV(f *testing.F) {
	f.Add([]byte(pan1), []byte("3012"), []byte("101"), []byte("0001"))
	f.Add([]byte("4123456789012"), []byte("8701"), []byte("000"), []byte(""))
	k := retail(f, unhex(f, key16))
	f.Fuzz(func(t *testing.T, pan, expiry, code, atc []byte) {
		var w Work
		v, err := CVV(&w, k, pan, expiry, code)
		if w != (Work{}) || err != nil && (v != [3]byte{} || !errors.Is(err, ErrInput)) {
			t.Fatalf("%q, %v", v, err)
		}
		if err == nil && checkDigits("", v[:], 3, 3) != nil {
			t.Fatalf("%q", v)
		}
		d, derr := DCVV(&w, k, pan, atc, expiry, code)
		if derr == nil && (err != nil || checkDigits("", d[:], 3, 3) != nil) || w != (Work{}) {
			t.Fatalf("%q, %v", d, derr)
		}
		if derr == nil && string(atc) == string(pan[:4]) && d != v {
			t.Fatalf("%q and %q of the same digits", d, v)
		}
	})
}

func TestNothingIsAllocated(t *testing.T) {
	k, b, tab := retail(t, unhex(t, key16)), newCipher(t, key16), table(t, "0123456789012345")
	var (
		w                      = new(Work)
		validation             [8]byte
		pan, expiry, code, atc = []byte(pan1), []byte("3012"), []byte("101"), []byte("0001")
		pin, offset, track     = make([]byte, 4), make([]byte, 4), make([]byte, 19)
		iv                     [2]byte
		err0, err1, err2       error
		cvvOut, dcvvOut        [3]byte
		pvvOut                 [4]byte
		cvc3Out                [5]byte
	)
	if n := testing.AllocsPerRun(20, func() {
		cvvOut, err0 = CVV(w, k, pan, expiry, code)
		dcvvOut, err1 = DCVV(w, k, pan, atc, expiry, code)
		iv, err2 = IVCVC3(w, k, track)
		if err := errors.Join(err0, err1, err2); err != nil {
			t.Fatal(err)
		}
		cvc3Out = CVC3(w, k, iv, [4]byte{}, [2]byte{})
		pvvOut, err0 = PVV(w, b, pan, '1', pin)
		err1 = NaturalPIN(w, b, tab, &validation, pin)
		err2 = Offset(w, b, tab, &validation, pin, offset)
		if err := errors.Join(err0, err1, err2, PINFromOffset(w, b, tab, &validation, offset, pin)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations (%q %q %q %q)", n, cvvOut, dcvvOut, pvvOut, cvc3Out)
	}
}

func BenchmarkCVV(b *testing.B) {
	k, w := retail(b, unhex(b, key16)), new(Work)
	pan, expiry, code := []byte(pan1), []byte("3012"), []byte("101")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CVV(w, k, pan, expiry, code); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPVV(b *testing.B) {
	k, w := newCipher(b, key16), new(Work)
	pan, pin := []byte(pan1), numbers("1234")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := PVV(w, k, pan, '1', pin); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOffset(b *testing.B) {
	k, w, tab := newCipher(b, key16), new(Work), table(b, "0123456789012345")
	validation, pin, offset := new([8]byte), numbers("1234"), make([]byte, 4)
	b.ReportAllocs()
	for b.Loop() {
		if err := Offset(w, k, tab, validation, pin, offset); err != nil {
			b.Fatal(err)
		}
	}
}
