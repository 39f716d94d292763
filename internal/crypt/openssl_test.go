package crypt_test

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/posim/posim/internal/crypt"
	"github.com/posim/posim/internal/crypt/dukpt"
	"github.com/posim/posim/internal/crypt/keyblock"
	"github.com/posim/posim/internal/crypt/pinblock"
)

// The openssl program computes what this room and those under it compute, of keys and data that a seed draws. Paddings, derivation
// data and chains of steps are put together here once more, by the standards' words; only ciphers, CMAC and hashes are openssl's.
// Where it is not installed the test is skipped by name, unless POSIM_OUTSIDE=1 says that nothing may be.

const (
	packageOpenSSL = "openssl"
	mustRun        = "POSIM_OUTSIDE"
)

// draws is how many keys each computation is done with. Each has processes of its own, some milliseconds each.
const draws = 10

// draw is one round: what it draws from, and the program.
type draw struct {
	*testing.T
	r       *rand.Rand
	n       int
	program string
}

func TestOpenSSLComputesTheSame(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		missing := fmt.Sprintf("no openssl: apt install %s", packageOpenSSL)
		if os.Getenv(mustRun) == "1" {
			t.Fatalf("%s, and %s=1", missing, mustRun)
		}
		t.Skip(missing)
	}
	for n := range draws {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			d := &draw{T: t, r: rand.New(rand.NewPCG(20261122, uint64(n))), n: n, program: program}
			d.ciphers()
			d.chainedMACs()
			d.cmacs()
			d.hashes()
			d.xorMAC()
			d.format4()
			d.dukptAES()
			d.dukptTDES()
			if n < len(sizesAES) {
				d.keyBlock()
			}
		})
	}
}

var sizesAES = [...]int{16, 24, 32}

// sizeAES is another in each round.
func (d *draw) sizeAES() int { return sizesAES[d.n%len(sizesAES)] }

func (d *draw) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.r.Uint32())
	}
	return b
}

// data is a message: nothing, whole blocks, and other lengths too.
func (d *draw) data() []byte {
	switch d.n {
	case 0:
		return nil
	case 1:
		return d.bytes(48)
	}
	return d.bytes(1 + d.r.IntN(80))
}

func (d *draw) openssl(input []byte, args ...string) []byte {
	d.Helper()
	var out, problems bytes.Buffer
	cmd := exec.Command(d.program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil {
		d.Fatalf("openssl %s: %v\n%s", strings.Join(args[:2], " "), err, problems.Bytes())
	}
	return out.Bytes()
}

// enc has whole blocks enciphered; iv is nil in ECB.
func (d *draw) enc(name string, key, iv, blocks []byte, more ...string) []byte {
	d.Helper()
	args := []string{"enc", "-" + name, "-nopad", "-K", hex.EncodeToString(key)}
	if iv != nil {
		args = append(args, "-iv", hex.EncodeToString(iv))
	}
	if strings.HasPrefix(name, "des-ecb") || strings.HasPrefix(name, "des-cbc") { // nobody should use single DES any more
		args = append(args, "-provider", "legacy", "-provider", "default")
	}
	return d.openssl(blocks, append(args, more...)...)
}

func (d *draw) cmac(name string, key, data []byte) []byte {
	d.Helper()
	return d.openssl(data, "mac", "-binary", "-cipher", name, "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "-", "CMAC")
}

func aesName(key []byte, mode string) string { return fmt.Sprintf("aes-%d-%s", 8*len(key), mode) }

// threeParts is a TDES key as openssl wants it: K1 K2 K1 is the one of two parts.
func threeParts(key []byte) []byte { return append(bytes.Clone(key), key[:24-len(key)]...) }

// same compares, and shows what differs: they are keys and data of nobody.
func (d *draw) same(what string, ours, theirs []byte) {
	d.Helper()
	if len(theirs) == 0 || !bytes.Equal(ours, theirs) {
		d.Errorf("%s: ours is %X, openssl's %X", what, ours, theirs)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func xor(a, b []byte) []byte {
	c := bytes.Clone(a)
	for i := range b {
		c[i] ^= b[i]
	}
	return c
}

// ciphers: every block cipher in ECB and CBC, there and back, and the check values that come from a block of zeros.
func (d *draw) ciphers() {
	tdes := d.bytes(16 + d.n%2*8)
	aes := d.bytes(d.sizeAES())
	for _, c := range []struct {
		name    string // without the mode
		key     []byte // ours
		theirs  []byte
		make    func([]byte) (cipher.Block, error)
		checked func(cipher.Block) []byte // nil: there is no such check value
	}{
		{"des", d.bytes(8), nil, crypt.NewDES, threeBytes},
		{"des-ede3", tdes, threeParts(tdes), crypt.NewTDES, threeBytes},
		{"aes-" + strconv.Itoa(8*len(aes)), aes, nil, crypt.NewAES, nil},
		{"sm4", d.bytes(16), nil, crypt.NewSM4, threeBytes},
	} {
		if c.theirs == nil {
			c.theirs = c.key
		}
		b := must(c.make(c.key))
		n := b.BlockSize()
		zeros, iv := make([]byte, n), d.bytes(n)
		blocks := append(zeros, d.bytes(n*(1+d.n))...)
		ours := make([]byte, len(blocks))
		crypt.EncryptECB(b, ours, blocks)
		ecb := d.enc(c.name+"-ecb", c.theirs, nil, blocks)
		d.same(c.name+" ECB", ours, ecb)
		crypt.DecryptECB(b, ours, ecb)
		d.same(c.name+" ECB back", ours, blocks)
		if c.checked != nil {
			d.same(c.name+" check value", c.checked(b), ecb[:3])
		}
		d.same(c.name+" check value of a block", crypt.LegacyCheckValue(b, n), ecb[:n])

		crypt.EncryptCBC(b, iv, ours, blocks)
		cbc := d.enc(c.name+"-cbc", c.theirs, iv, blocks)
		d.same(c.name+" CBC", ours, cbc)
		crypt.DecryptCBC(b, iv, ours, cbc)
		d.same(c.name+" CBC back", ours, blocks)
	}
}

func threeBytes(b cipher.Block) []byte { v := crypt.CheckValue(b); return v[:] }

// padded is data as ISO 9797-1 pads it for blocks of eight bytes.
func padded(p crypt.Padding, data []byte) []byte {
	var out []byte
	if p == 3 {
		out = binary.BigEndian.AppendUint64(out, uint64(len(data)*8))
	}
	out = append(out, data...)
	if p == 2 {
		out = append(out, 0x80)
	}
	for len(out)%8 != 0 || len(out) == 0 {
		out = append(out, 0)
	}
	return out
}

// chainedMACs: X9.9 is the last block of a DES chain, X9.19 is that chain with TDES for its last block. The first round has no data,
// and others all padding methods.
func (d *draw) chainedMACs() {
	key, data := d.bytes(16), d.data()
	p := crypt.Padding(1 + d.n%3)
	blocks, zeros := padded(p, data), make([]byte, 8)
	chain := append(bytes.Clone(zeros), d.enc("des-cbc", key[:8], zeros, blocks)...)
	var ours [8]byte
	crypt.NewCBCMAC(must(crypt.NewDES(key[:8])), p).Sum(ours[:], data)
	d.same(fmt.Sprintf("X9.9, padding %d", p), ours[:], chain[len(chain)-8:])

	before, last := chain[len(chain)-16:len(chain)-8], blocks[len(blocks)-8:]
	must(crypt.NewRetailMAC(key)).Padded(p).Sum(ours[:], data)
	d.same(fmt.Sprintf("X9.19, padding %d", p), ours[:], d.enc("des-ede3-cbc", threeParts(key), before, last))
}

// cmacs: SP 800-38B, and the check value of AES keys.
func (d *draw) cmacs() {
	tdes, aes, data := d.bytes(16+d.n%2*8), d.bytes(d.sizeAES()), d.data()
	var small [8]byte
	crypt.NewCMAC(must(crypt.NewTDES(tdes))).Sum(small[:], data)
	d.same("CMAC of TDES", small[:], d.cmac("DES-EDE3-CBC", threeParts(tdes), data))

	var large [16]byte
	b := must(crypt.NewAES(aes))
	crypt.NewCMAC(b).Sum(large[:], data)
	d.same("CMAC of AES", large[:], d.cmac(aesName(aes, "CBC"), aes, data))
	check := crypt.CMACCheckValue(b)
	d.same("check value of AES", check[:], d.cmac(aesName(aes, "CBC"), aes, make([]byte, 16))[:5])
}

// hashes: HMAC-SHA256 and SM3.
func (d *draw) hashes() {
	key, data := d.bytes(16+8*(d.n%3)), d.data()
	var code [32]byte
	crypt.NewHMAC(sha256.New, key).Sum(code[:], data)
	d.same("HMAC", code[:], d.openssl(data, "mac", "-binary", "-digest", "SHA256", "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "-", "HMAC"))

	h := crypt.NewSM3()
	h.Write(data)
	d.same("SM3", h.Sum(nil), d.openssl(data, "dgst", "-sm3", "-binary"))
}

// xorMAC: the blocks' XOR as text, its first half encrypted, the second half mixed in, and encrypted again; as text once more.
func (d *draw) xorMAC() {
	key, data := d.bytes(16), d.data()
	name, n, theirs := "des-ede3-ecb", 8, threeParts(key)
	b := must(crypt.NewTDES(key))
	second, name2, theirs2 := b, name, theirs
	switch d.n % 4 {
	case 1: // the second pass by the left half alone
		second, name2, theirs2 = must(crypt.NewDES(key[:8])), "des-ecb", key[:8]
	case 2:
		b, name, theirs = must(crypt.NewDES(key[:8])), "des-ecb", key[:8]
		second, name2, theirs2 = b, name, theirs
	case 3:
		b, name, n, theirs = must(crypt.NewSM4(key)), "sm4-ecb", 16, key
		second, name2, theirs2 = b, name, theirs
	}
	sum := make([]byte, n)
	for i, c := range data {
		sum[i%n] ^= c
	}
	text := []byte(strings.ToUpper(hex.EncodeToString(sum)))
	once := d.enc(name, theirs, nil, text[:n])
	twice := d.enc(name2, theirs2, nil, xor(once, text[n:]))
	var ours [8]byte
	crypt.NewXORMAC(b, second).Sum(ours[:], data)
	d.same("XOR MAC", ours[:], []byte(strings.ToUpper(hex.EncodeToString(twice)))[:8])
}

// format4: ISO 9564-1, 9.4.2: the PIN field enciphered, the PAN field mixed in, and enciphered again.
func (d *draw) format4() {
	key, fill := d.bytes(d.sizeAES()), d.bytes(8)
	const number = "4761739001010119"
	pin := []byte{3, 1, 4, 1, 5, 9}
	field := must(hex.DecodeString("46314159AAAAAAAA"))
	field = append(field, fill...)
	account := append(must(hex.DecodeString("4"+number+"0")), make([]byte, 16)...)[:16]
	name := aesName(key, "ecb")
	theirs := d.enc(name, key, nil, xor(d.enc(name, key, nil, field), account))

	ours := make([]byte, 16)
	b := must(crypt.NewAES(key))
	if err := pinblock.Encipher(ours, b, pinblock.Format4, pin, []byte(number), fill); err != nil {
		d.Fatal(err)
	}
	d.same("PIN block of format 4", ours, theirs)
	var work [pinblock.MaxSize]byte
	if n, err := pinblock.Decipher(&work, b, pinblock.Format4, theirs, []byte(number)); err != nil || !bytes.Equal(work[:n], pin) {
		d.Errorf("openssl's PIN block of format 4 does not open: %v", err)
	}
}

// dukptAES: X9.24-3, 6.3: each key is derivation data under the key above it.
func (d *draw) dukptAES() {
	bdk, id := d.bytes(d.sizeAES()), d.bytes(8)
	high, low := uint32(1)<<(16+d.r.IntN(16)), uint32(1)<<d.r.IntN(16)
	ksn := must(dukpt.ParseKSN(binary.BigEndian.AppendUint32(bytes.Clone(id), high|low)))
	code := uint16(2 + d.n%3)
	// derive is a key of n bytes for a use, under another; its algorithm is named by its code.
	derive := func(under []byte, usage, code uint16, n int, context []byte) []byte {
		var data []byte
		for block := byte(1); int(block-1)*16 < n; block++ {
			data = append(data, 1, block)
			data = binary.BigEndian.AppendUint16(data, usage)
			data = binary.BigEndian.AppendUint16(data, code)
			data = binary.BigEndian.AppendUint16(data, uint16(8*n))
			data = append(data, context...)
		}
		return d.enc(aesName(under, "ecb"), under, nil, data)[:n]
	}
	context := func(counter uint32) []byte { return binary.BigEndian.AppendUint32(bytes.Clone(id[4:]), counter) }

	initial := derive(bdk, 0x8001, code, len(bdk), id)
	d.same("initial key of AES DUKPT", must(dukpt.InitialKeyAES(bdk, id)), initial)
	key := derive(initial, 0x8000, code, len(bdk), context(high))
	key = derive(key, 0x8000, code, len(bdk), context(high|low))
	d.same("transaction key of AES DUKPT", must(dukpt.TransactionKey(initial, ksn)), key)
	for _, w := range []struct {
		use         dukpt.Use
		a           dukpt.Algorithm
		usage, code uint16
	}{
		{dukpt.PIN, dukpt.AES128, 0x1000, 2}, {dukpt.MACRequest, dukpt.HMAC128, 0x2000, 5}, {dukpt.MACResponse, dukpt.TDES2, 0x2001, 0},
	}[d.n%3:][:1] {
		d.same("working key of AES DUKPT", must(dukpt.WorkingKey(key, ksn, w.use, w.a)), derive(key, w.usage, w.code, 16, context(high|low)))
	}
}

// dukptTDES: X9.24-1, annex A: the initial key, and one step of the generator that nobody can go back.
func (d *draw) dukptTDES() {
	bdk, serial := d.bytes(16), d.bytes(10)
	serial[7], serial[8], serial[9] = serial[7]&0xE0, 0, 0
	mask := must(hex.DecodeString("C0C0C0C000000000C0C0C0C000000000"))
	tdes := func(key []byte) []byte { return d.enc("des-ede3-ecb", threeParts(key), nil, serial[:8]) }
	initial := append(tdes(bdk), tdes(xor(bdk, mask))...)
	k := must(dukpt.ParseKSN(serial))
	d.same("initial key of TDES DUKPT", must(dukpt.InitialKeyTDES(bdk, k)), initial)

	counter := 1 << d.r.IntN(21)
	step := append(bytes.Clone(serial[:7]), serial[7]|byte(counter>>16), byte(counter>>8), byte(counter))
	half := func(key []byte) []byte {
		return xor(d.enc("des-ecb", key[:8], nil, xor(step[2:], key[8:])), key[8:])
	}
	key := append(half(xor(initial, mask)), half(initial)...)
	d.same("transaction key of TDES DUKPT", must(dukpt.TransactionKey(initial, must(dukpt.ParseKSN(step)))), key)
}

// keyBlock: a TR-31 block of version D. Its two keys come by CMAC from the protection key; the MAC is a CMAC over header and clear
// payload, and the payload's initialisation vector.
func (d *draw) keyBlock() {
	kbpk, key := d.bytes(sizesAES[d.n]), d.bytes(16)
	h := keyblock.Header{Version: 'D', Usage: "P0", Algorithm: 'A', Mode: 'E', KeyVersion: "00", Exportability: 'E'}
	block := must(keyblock.Wrap(kbpk, h, key, keyblock.Padding{Random: rand.NewChaCha8([32]byte{byte(d.n)})}))
	derived := func(use byte) (all []byte) {
		for n := byte(1); len(all) < len(kbpk); n++ {
			bits := 8 * len(kbpk)
			all = append(all, d.cmac(aesName(kbpk, "CBC"), kbpk, []byte{n, 0, use, 0, 0, byte(len(kbpk) / 8), byte(bits >> 8), byte(bits)})...)
		}
		return all[:len(kbpk)]
	}
	encryption, authentication := derived(0), derived(1)
	const header = 16
	end := len(block) - 32
	mac, sealed := must(hex.DecodeString(block[end:])), must(hex.DecodeString(block[header:end]))
	payload := d.enc(aesName(encryption, "cbc"), encryption, mac, sealed, "-d")
	if block[:1] != "D" || len(payload) < 18 || payload[0] != 0 || payload[1] != 128 {
		d.Fatalf("openssl finds another payload of %d bytes in %s", len(payload), block[:header])
	}
	d.same("key of a key block", key, payload[2:18])
	d.same("MAC of a key block", mac, d.cmac(aesName(authentication, "CBC"), authentication, append([]byte(block[:header]), payload...)))
}
