package cardvalue

import (
	"crypto/cipher"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/known"
)

// vector is one of layout hsm/1, as far as this room can answer it.
type vector struct {
	ID, Op string
	In     struct {
		CVK, PVK, PVKI, PAN, PIN, PSN, Expiry, Offset, Decimalization, Hex, IMK, ATC, UN string

		IMKCVC3     string `json:"imk_cvc3"`
		ServiceCode string `json:"service_code"`
		ATCDecimal  string `json:"atc_decimal"`
		Track       string `json:"track_template"`
		Validation  string `json:"validation_data"`
	}
	Out map[string]string
}

var (
	read  = known.Vectors[vector]
	unhex = known.Hex
	upper = known.Upper
)

// numbers are the digits of a PIN as a keypad has them.
func numbers(digits string) []byte {
	b := []byte(digits)
	for i := range b {
		b[i] -= '0'
	}
	return b
}

func text(pin []byte) string {
	b := make([]byte, len(pin))
	for i, d := range pin {
		b[i] = '0' + d
	}
	return string(b)
}

func retail(t testing.TB, key []byte) *crypt.RetailMAC {
	t.Helper()
	k, err := crypt.NewRetailMAC(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newCipher(t testing.TB, key string) cipher.Block {
	t.Helper()
	make := crypt.NewTDES
	if len(key) == 16 {
		make = crypt.NewDES
	}
	k, err := make(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func table(t testing.TB, digits string) *Table {
	t.Helper()
	tab, err := ParseTable([]byte(digits))
	if err != nil {
		t.Fatal(err)
	}
	return &tab
}

// Each of these gives everything that a vector's out names.
var run = map[string]func(*testing.T, *Work, vector) map[string]string{
	"cvv.generate":       cvv,
	"dcvv.generate":      dcvv,
	"cvc3.generate":      cvc3,
	"pvv.generate":       pvv,
	"ibm3624.pin":        ibmPIN,
	"ibm3624.offset":     ibmOffset,
	"ibm3624.decimalize": ibmDecimalise,
}

func TestVectors(t *testing.T) {
	count := map[string]int{}
	for _, name := range []string{"card.json", "pin_verify.json"} {
		for _, v := range read(t, name) {
			f := run[v.Op]
			if f == nil {
				t.Fatalf("%s: op %q", v.ID, v.Op)
			}
			count[v.Op]++
			t.Run(v.ID, func(t *testing.T) {
				var w Work
				got := f(t, &w, v)
				for name, want := range v.Out {
					if got[name] != want {
						t.Errorf("%s %q, want %q", name, got[name], want)
					}
				}
				if w != (Work{}) {
					t.Error("something is left in the work room")
				}
			})
		}
	}
	for op, want := range map[string]int{"cvv.generate": 11, "dcvv.generate": 1, "cvc3.generate": 1, "pvv.generate": 6,
		"ibm3624.pin": 5, "ibm3624.offset": 1, "ibm3624.decimalize": 1} {
		if count[op] != want {
			t.Errorf("%s: %d vectors, want %d", op, count[op], want)
		}
	}
}

func cvv(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	got, err := CVV(w, retail(t, unhex(t, in.CVK)), []byte(in.PAN), []byte(in.Expiry), []byte(in.ServiceCode))
	if err != nil {
		t.Error(err)
	}
	return map[string]string{"cvv": string(got[:])}
}

func dcvv(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	udk, err := security.ICCMasterKey(unhex(t, in.IMK), in.PAN, in.PSN, security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DCVV(w, retail(t, udk), []byte(in.PAN), []byte(in.ATCDecimal), []byte(in.Expiry), []byte(in.ServiceCode))
	if err != nil {
		t.Error(err)
	}
	return map[string]string{"udk": upper(udk), "dcvv": string(got[:])}
}

func cvc3(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	key, err := security.ICCMasterKey(unhex(t, in.IMKCVC3), in.PAN, in.PSN, security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	k := retail(t, key)
	iv, err := IVCVC3(w, k, unhex(t, in.Track))
	if err != nil {
		t.Error(err)
	}
	got := CVC3(w, k, iv, [4]byte(unhex(t, in.UN)), [2]byte(unhex(t, in.ATC)))
	return map[string]string{"ivcvc3": upper(iv[:]), "cvc3": string(got[:])}
}

func pvv(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	got, err := PVV(w, newCipher(t, in.PVK), []byte(in.PAN), in.PVKI[0], numbers(in.PIN))
	if err != nil {
		t.Error(err)
	}
	return map[string]string{"pvv": string(got[:])}
}

func ibmPIN(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	k, tab, validation := newCipher(t, in.PVK), table(t, in.Decimalization), [8]byte(unhex(t, in.Validation))
	natural, pin := make([]byte, len(in.Offset)), make([]byte, len(in.Offset))
	if err := NaturalPIN(w, k, tab, &validation, natural); err != nil {
		t.Error(err)
	}
	if err := PINFromOffset(w, k, tab, &validation, []byte(in.Offset), pin); err != nil {
		t.Error(err)
	}
	back := make([]byte, len(pin))
	if err := Offset(w, k, tab, &validation, pin, back); err != nil || string(back) != in.Offset {
		t.Errorf("back: %v, another offset", err)
	}
	return map[string]string{"natural_pin": text(natural), "pin": text(pin)}
}

func ibmOffset(t *testing.T, w *Work, v vector) map[string]string {
	in := v.In
	k, tab, validation := newCipher(t, in.PVK), table(t, in.Decimalization), [8]byte(unhex(t, in.Validation))
	encrypted := make([]byte, 8)
	k.Encrypt(encrypted, validation[:])
	natural, offset, pin := make([]byte, len(in.PIN)), make([]byte, len(in.PIN)), make([]byte, len(in.PIN))
	if err := NaturalPIN(w, k, tab, &validation, natural); err != nil {
		t.Error(err)
	}
	if err := Offset(w, k, tab, &validation, numbers(in.PIN), offset); err != nil {
		t.Error(err)
	}
	if err := PINFromOffset(w, k, tab, &validation, offset, pin); err != nil || text(pin) != in.PIN {
		t.Errorf("back: %v, another PIN", err)
	}
	return map[string]string{"encrypted": upper(encrypted), "natural_pin": text(natural), "offset": string(offset)}
}

func ibmDecimalise(t *testing.T, _ *Work, v vector) map[string]string {
	var digits [16]byte
	block := [8]byte(unhex(t, v.In.Hex))
	if err := table(t, v.In.Decimalization).Decimalise(&digits, &block); err != nil {
		t.Error(err)
	}
	return map[string]string{"digits": text(digits[:])}
}
