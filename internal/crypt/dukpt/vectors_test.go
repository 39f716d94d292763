package dukpt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/known"
)

var unhex = known.Hex

func ksn(t testing.TB, s string) KSN {
	t.Helper()
	k, err := ParseKSN(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vector is one of layout hsm/1.
type vector struct {
	ID string
	Op string
	In struct {
		BDK, IK, IKID, KSN, PIN, PAN, Random string
		KeyType                              string `json:"key_type"`
		Data                                 string `json:"data_ascii"`
	}
	Out map[string]any
}

var vectors = known.Vectors[vector]

// Every field of every vector is answered; what no answer is known for fails.
func TestKnownAnswers(t *testing.T) {
	for name, least := range map[string]int{"dukpt_tdes.json": 34, "dukpt_aes.json": 38} {
		all := vectors(t, name)
		if len(all) < least {
			t.Errorf("%s: %d vectors, want %d at least", name, len(all), least)
		}
		for _, v := range all {
			t.Run(v.ID, func(t *testing.T) {
				for field, want := range v.Out {
					if got := v.answer(t, field); got != want {
						t.Errorf("%s %s: %v, want %v", v.Op, field, got, want)
					}
				}
			})
		}
	}
}

func (v vector) answer(t *testing.T, field string) any {
	switch field {
	case "next", "exhausted":
		k, err := ksn(t, v.In.KSN).Next()
		if field == "exhausted" {
			return errors.Is(err, ErrExhausted)
		}
		return k.String()
	case "valid":
		return ksn(t, v.In.KSN).Valid() == nil
	case "total_transactions":
		return float64(Transactions(ksn(t, cmpOr(v.In.KSN, v.In.IKID+"00000000"))))
	case "update_key":
		a, err := ParseAlgorithm(v.In.KeyType)
		if err != nil {
			t.Fatal(err)
		}
		return upper(must(UpdateKey(unhex(t, v.In.IK), unhex(t, v.In.IKID), a))(t))
	case "ik":
		return upper(v.initial(t))
	}
	k := ksn(t, v.In.KSN)
	txn := must(TransactionKey(v.initial(t), k))(t)
	if field == "txn_key" {
		return upper(txn)
	}
	work := func(u Use, a Algorithm) []byte { return must(WorkingKey(txn, k, u, a))(t) }
	if k.AES() {
		return v.answerAES(t, field, work)
	}
	return v.answerTDES(t, field, work)
}

func (v vector) initial(t *testing.T) []byte {
	bdk := unhex(t, v.In.BDK)
	if v.In.IKID != "" {
		return must(InitialKeyAES(bdk, unhex(t, v.In.IKID)))(t)
	}
	return must(InitialKeyTDES(bdk, ksn(t, v.In.KSN)))(t)
}

// answerTDES: data_ascii is MACed and encrypted; the PIN block is of ISO 9564-1 format 0.
func (v vector) answerTDES(t *testing.T, field string, work func(Use, Algorithm) []byte) string {
	data := []byte(v.In.Data)
	tdes := func(u Use) cipher.Block { return must(crypt.NewTDES(work(u, TDES2)))(t) }
	switch field {
	case "pin_key":
		return upper(work(PIN, TDES2))
	case "mac_request_key":
		return upper(work(MACRequest, TDES2))
	case "mac_response_key":
		return upper(work(MACResponse, TDES2))
	case "data_request_key":
		return upper(work(DataRequest, TDES2))
	case "data_response_key":
		return upper(work(DataResponse, TDES2))
	case "mac_request":
		return retail(t, work(MACRequest, TDES2), data)
	case "mac_response":
		return retail(t, work(MACResponse, TDES2), data)
	case "cmac_request":
		return sum(crypt.NewCMAC(tdes(MACRequest)), data)
	case "cmac_response":
		return sum(crypt.NewCMAC(tdes(MACResponse)), data)
	case "data_request_cbc_iv0_zeropad":
		return cbc(tdes(DataRequest), data)
	case "pin_block":
		block := unhex(t, "0"+string('0'+rune(len(v.In.PIN)))+v.In.PIN+strings.Repeat("F", 14-len(v.In.PIN)))
		pan := unhex(t, "0000"+v.In.PAN[len(v.In.PAN)-13:len(v.In.PAN)-1])
		for i := range block {
			block[i] ^= pan[i]
		}
		crypt.EncryptECB(tdes(PIN), block, block)
		return upper(block)
	}
	t.Fatalf("%s: no answer is known for %s", v.ID, field)
	return ""
}

// answerAES: the PIN block is of ISO 9564-1 format 4 with the random digits given.
func (v vector) answerAES(t *testing.T, field string, work func(Use, Algorithm) []byte) string {
	data := []byte(v.In.Data)
	cipherOf := func(u Use) cipher.Block { return must(aes.NewCipher(work(u, AES128)))(t) }
	switch field {
	case "cmac_request_mac_gen":
		return sum(crypt.NewCMAC(cipherOf(MACRequest)), data)
	case "cmac_response_mac_ver":
		return sum(crypt.NewCMAC(cipherOf(MACResponse)), data)
	case "hmac_sha256_request_hmac128":
		return hmacSHA256(work(MACRequest, HMAC128), data)
	case "hmac_sha256_response_hmac128":
		return hmacSHA256(work(MACResponse, HMAC128), data)
	case "data_request_cbc_iv0_zeropad":
		return cbc(cipherOf(DataRequest), data)
	case "data_response_cbc_iv0_zeropad":
		return cbc(cipherOf(DataResponse), data)
	case "pin_block_fmt4":
		n := string('0' + rune(len(v.In.PIN)))
		block := unhex(t, "4"+n+v.In.PIN+strings.Repeat("A", 14-len(v.In.PIN))+v.In.Random)
		pan := unhex(t, "4"+v.In.PAN+strings.Repeat("0", 15))
		if len(v.In.PAN) != 16 {
			t.Fatal("a PAN of another length")
		}
		b := cipherOf(PIN)
		b.Encrypt(block, block)
		for i := range block {
			block[i] ^= pan[i]
		}
		b.Encrypt(block, block)
		return upper(block)
	}
	use, name, _ := strings.Cut(strings.Replace(field, "_key_", "_", 1), "_")
	if u := use + "_" + name; strings.HasPrefix(u, "mac_") || strings.HasPrefix(u, "data_") {
		way, rest, _ := strings.Cut(name, "_")
		use, name = use+"_"+way, rest
	}
	u, ok := map[string]Use{
		"pin": PIN, "mac_gen": MACRequest, "mac_ver": MACResponse,
		"data_enc": DataRequest, "data_dec": DataResponse, "kek": KeyEncryption,
	}[use]
	a, err := ParseAlgorithm(strings.ToUpper(name))
	if !ok || err != nil {
		t.Fatalf("%s: no answer is known for %s (%v)", v.ID, field, err)
	}
	return upper(work(u, a))
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func retail(t *testing.T, key, data []byte) string {
	r := must(crypt.NewRetailMAC(key))(t)
	var mac [8]byte
	r.Sum(&mac, data)
	return upper(mac[:4])
}

func sum(m crypt.MAC, data []byte) string {
	mac := make([]byte, m.Size())
	m.Sum(mac, data)
	return upper(mac)
}

func cbc(b cipher.Block, data []byte) string {
	padded := crypt.Pad(nil, crypt.Padding1, b.BlockSize(), data)
	crypt.EncryptCBC(b, make([]byte, b.BlockSize()), padded, padded)
	return upper(padded)
}

// X9.24-3's supplement prints a key for counter 1FFFF, which has 17 one-bits. The host can tell it where it is asked for by
// name; no device comes there, and nothing else gives it.
func TestThePrintedCounterWithSeventeenOnes(t *testing.T) {
	bdk := unhex(t, "FEDCBA9876543210F1F1F1F1F1F1F1F1")
	past, before := ksn(t, "12345678901234560001FFFF"), ksn(t, "12345678901234560001FFFE")
	initial := must(InitialKeyAES(bdk, unhex(t, "1234567890123456")))(t)
	if next := must(before.Next())(t); next.Counter() != 0x20000 {
		t.Errorf("after 1FFFE comes %X, want 20000", next.Counter())
	}
	if _, err := TransactionKey(initial, past); !errors.Is(err, ErrKSN) {
		t.Errorf("TransactionKey: %v", err)
	}
	if _, err := must(NewAESDeriver(bdk))(t).TransactionKey(nil, past); !errors.Is(err, ErrKSN) {
		t.Errorf("Deriver: %v", err)
	}
	// It is the key one derivation below that of 1FFFE.
	w := world{"AES-128", nil, past.Initial(), 16}
	want := w.below(t, must(TransactionKey(initial, before))(t), past)
	got := must(TransactionKeyPastLimit(initial, past))(t)
	if !bytes.Equal(got, want) {
		t.Errorf("the key of 1FFFF is not below that of 1FFFE")
	}
	if !bytes.Equal(must(TransactionKeyPastLimit(initial, before))(t), must(TransactionKey(initial, before))(t)) {
		t.Error("a valid counter has two keys")
	}
	if _, err := TransactionKeyPastLimit(initial, past.Initial()); !errors.Is(err, ErrKSN) {
		t.Errorf("counter 0: %v", err)
	}
}

func hmacSHA256(key, data []byte) string { return sum(crypt.NewHMAC(sha256.New, key), data) }
