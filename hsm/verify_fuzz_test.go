package hsm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/pan"
)

// Whatever keys are pressed: the pad takes 4 to 12 digits and nothing else, once, and the block it gives is of those digits.
func FuzzKeypad(f *testing.F) {
	f.Add([]byte("1234\r"), pan1)
	f.Add([]byte("12\b123456789012345\r"), pan1)
	f.Add([]byte("123\r4\r5\x1b"), pan1)
	f.Add([]byte("\r"), "4012345678909")
	f.Fuzz(func(t *testing.T, keys []byte, number string) {
		m := New(counter())
		k, ref := install(t, m, PINEncryption, keyA), install(t, m, PINVerification, keyB)
		pad := m.Keypad()
		var took []byte
		for _, c := range keys {
			was := pad.State()
			switch c {
			case '\r':
				pad.Enter()
			case '\b':
				if pad.Clear(); was == Entering {
					took = nil
				}
			case 0x1B:
				if pad.Cancel(); was <= Entered {
					took = nil
				}
			default:
				if pad.Press(c) {
					took = append(took, c)
				}
			}
			if pad.Len() != len(took) || pad.Len() > maxPIN || was != Entering && pad.State() != was && pad.State() != Cancelled {
				t.Fatalf("%q: %d digits held, %d taken, %v after %v", keys, pad.Len(), len(took), pad.State(), was)
			}
		}
		p, err := pan.Parse(number)
		if err != nil {
			return
		}
		entered := pad.State() == Entered
		block, err := m.EncryptPIN(nil, in(k, Format0), pad, p)
		if (err == nil) && (!entered || len(took) < minPIN) || pad.State() == Entered || pad.Len() != 0 && entered {
			t.Fatalf("%q: %v, the pad is %v with %d digits", keys, err, pad.State(), pad.Len())
		}
		clean(t, m)
		if err != nil {
			if len(block) != 0 {
				t.Fatal("a block beside an error")
			}
			return
		}
		c := in(k, Format0)
		if err := m.VerifyPIN(c, p, block, ref, reference(t, m, ref, string(took), p)); err != nil {
			t.Fatalf("%q: %v", took, err)
		}
		took[0] ^= 1
		if took[0] <= '9' && m.VerifyPIN(c, p, block, ref, reference(t, m, ref, string(took), p)) == nil {
			t.Fatal("another PIN verifies")
		}
		if _, err := m.EncryptPIN(nil, in(k, Format0), pad, p); !errors.Is(err, ErrNoPIN) {
			t.Fatalf("a second time: %v", err)
		}
	})
}

// Whatever comes as a MAC or a PIN block to be verified: an error, unless it is the right one.
func FuzzVerify(f *testing.F) {
	f.Add(make([]byte, 8), []byte("message"), byte(0), pan1)
	f.Add([]byte{}, []byte{}, byte(1), "4012345678909")
	f.Add(make([]byte, 9), []byte{1}, byte(0x80), "")
	f.Fuzz(func(t *testing.T, sum, data []byte, flip byte, number string) {
		m := New(counter())
		kind := macKeys[int(flip)%len(macKeys)]
		k := install(t, m, kind.a, kind.clear)
		right := make([]byte, kind.size)
		if err := m.MAC(k, MACParams{}, right, data); err != nil {
			t.Fatal(err)
		}
		cut := len(sum) >= 4 && bytes.HasPrefix(right, sum)
		if err := m.VerifyMAC(k, MACParams{}, sum, data); (err == nil) != cut || err != nil && !errors.Is(err, ErrMAC) {
			t.Fatalf("%X over %X, right is %X: %v", sum, data, right, err)
		}
		right[int(flip)%8] ^= flip
		if err := m.VerifyMAC(k, MACParams{}, right, data); (err == nil) != (flip == 0) {
			t.Fatalf("a MAC with %02X in it: %v", flip, err)
		}
		p, _ := pan.Parse(number)
		ref := install(t, m, PINVerification, keyB)
		for _, kind := range pinKeys {
			if err := m.VerifyPIN(in(install(t, m, kind.a, kind.clear), kind.format), p, sum, ref, data); err == nil {
				t.Fatalf("block %X against %X: %v", sum, data, err)
			}
		}
		clean(t, m)
	})
}

// Whatever a card says with its cryptogram: it verifies only as the right one over these data, and no data make the module
// compute with what is not there.
func FuzzVerifyCryptogram(f *testing.F) {
	f.Add(uint8(0), pan1, "01", unhex(f, "06010A03A00000"), []byte{0, 1}, []byte{1, 2, 3, 4}, byte(0))
	f.Add(uint8(1), pan1, "01", unhex(f, "06011203A00000"), []byte{0, 1}, []byte{1, 2, 3, 4}, byte(1))
	f.Add(uint8(2), "4012345678909", "", unhex(f, "0110A0000322000012340000000000000000"), []byte{0, 1}, []byte{1, 2, 3, 4}, byte(0))
	f.Add(uint8(3), "", "1", []byte{}, []byte{}, []byte{}, byte(0))
	versions := security.Versions()
	f.Fuzz(func(t *testing.T, n uint8, number, psn string, iad, atc, un []byte, flip byte) {
		m := New(counter())
		imk := install(t, m, IssuerMasterAC, keyA)
		v := versions[int(n)%len(versions)]
		option := security.OptionA
		if n&0x80 != 0 {
			option = security.OptionB
		}
		get := func(tag uint32) []byte {
			switch tag {
			case 0x9F10:
				return iad
			case 0x9F36:
				return atc
			case 0x9F37:
				return un
			}
			for _, e := range security.Elements() {
				if e.Tag == tag {
					return make([]byte, e.Length)
				}
			}
			return nil
		}
		if err := m.VerifyCryptogram(imk, v, option, number, psn, get, nil); err == nil {
			t.Fatal("no cryptogram verifies")
		} else if !errors.Is(err, ErrCryptogram) {
			return // it cannot be computed
		}
		_, session, err := m.issuerSession(imk, v, option, number, psn, get)
		if err != nil {
			t.Fatal(err)
		}
		input, err := v.Input(get)
		if err != nil || len(input) > 100 {
			t.Fatalf("%d bytes, %v", len(input), err)
		}
		ac := session.Cryptogram(input)
		ac[int(n)%8] ^= flip
		if err := m.VerifyCryptogram(imk, v, option, number, psn, get, ac[:]); (err == nil) != (flip == 0) {
			t.Fatalf("with %02X in it: %v", flip, err)
		}
		data, err := m.ARPC(imk, v, option, number, psn, get, ac[:], security.IssuerAnswer{AuthorisationResponseCode: [2]byte{'0', '0'}, Approved: true})
		if err != nil || len(data) > 16 || m.recent != nil {
			t.Fatalf("ARPC %X, %v", data, err)
		}
	})
}
