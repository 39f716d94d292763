package security_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/crypt"
)

// The openssl program judges both our halves: it opens what we sign, signs what we open, and computes a cryptogram from the
// issuer master key down, none of it with our code. Where it is not installed the tests are skipped by name, unless
// POSIM_OUTSIDE=1 says that nothing may be.

const (
	packageOpenSSL = "openssl"
	mustRun        = "POSIM_OUTSIDE"
)

// openssl runs the program with this input, in a folder of its own that has the files.
func openssl(t *testing.T, files map[string][]byte, input []byte, args ...string) []byte {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		missing := fmt.Sprintf("no openssl: apt install %s", packageOpenSSL)
		if os.Getenv(mustRun) == "1" {
			t.Fatalf("%s, and %s=1", missing, mustRun)
		}
		t.Skip(missing)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, bytes.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, problems.Bytes())
	}
	return out.Bytes()
}

// raw is the bare public operation, by openssl.
func raw(t *testing.T, k *security.PublicKey, signature []byte) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(k.Modulus()), E: int(new(big.Int).SetBytes(k.Exponent()).Int64())})
	if err != nil {
		t.Fatal(err)
	}
	return openssl(t, map[string][]byte{"key": der, "in": signature}, nil,
		"pkeyutl", "-verifyrecover", "-pubin", "-keyform", "DER", "-inkey", "key", "-pkeyopt", "rsa_padding_mode:none", "-in", "in")
}

func opensslSHA1(t *testing.T, data []byte) []byte {
	t.Helper()
	return openssl(t, nil, data, "dgst", "-sha1", "-binary")
}

// recovers wants openssl to find our frame in what we signed, and our hash over what the book says it covers.
func recovers(t *testing.T, k *security.PublicKey, signed []byte, head string, more ...[]byte) []byte {
	t.Helper()
	block := raw(t, k, signed)
	n := len(block)
	if n != k.Size() || block[n-1] != 0xBC {
		t.Fatalf("openssl recovers %X", block)
	}
	same(t, "head", block[:len(head)/2], head)
	covered := append([][]byte{block[1 : n-21]}, more...)
	same(t, "hash", block[n-21:n-1], strings.ToUpper(hex.EncodeToString(opensslSHA1(t, bytes.Join(covered, nil)))))
	return block
}

func TestOpenSSLOpensWhatWeSign(t *testing.T) {
	for _, exponent := range []int{3, 65537} {
		ca, issuer, icc := privateKey(t, 1984, exponent), privateKey(t, 1408, exponent), privateKey(t, 1408, 3)
		e := issuer.Public().Exponent()
		certificate, remainder, err := security.IssueIssuerCertificate(ca, testIssuer, issuer.Public())
		if err != nil {
			t.Fatal(err)
		}
		// 1408 bits are 176 bytes, B0.
		block := recovers(t, ca.Public(), certificate, fmt.Sprintf("6A02476173FF12310102030101B0%02X", len(e)), remainder, e)
		key := issuer.Public().Modulus()
		if padding := block[15+176 : 248-21]; !bytes.Equal(block[15:15+176], key) || remainder != nil || len(bytes.Trim(padding, "\xBB")) > 0 {
			t.Errorf("openssl finds another key: %X", block)
		}

		certificate, remainder, err = security.IssueICCCertificate(issuer, testICC, icc.Public(), testStatic)
		if err != nil {
			t.Fatal(err)
		}
		block = recovers(t, issuer.Public(), certificate, "6A044761739001010119FFFF06300405060101B001", remainder, icc.Public().Exponent(), testStatic)
		if got := append(bytes.Clone(block[21:176-21]), remainder...); !bytes.Equal(got, icc.Public().Modulus()) || len(remainder) != 42 {
			t.Errorf("openssl finds another key and %d bytes of remainder: %X", len(remainder), got)
		}

		static, err := security.SignStaticData(issuer, [2]byte{0xDA, 0xC0}, testStatic)
		if err != nil {
			t.Fatal(err)
		}
		recovers(t, issuer.Public(), static, "6A0301DAC0BBBB", testStatic)
		number := []byte{1, 2, 3, 4}
		dynamic, err := security.SignDynamicData(icc, []byte{2, 0, 9}, number)
		if err != nil {
			t.Fatal(err)
		}
		recovers(t, icc.Public(), dynamic, "6A050103020009BB", number)
	}
}

func TestWeOpenWhatOpenSSLSigns(t *testing.T) {
	var a security.Arithmetic
	for _, exponent := range []string{"3", "65537"} {
		pem := openssl(t, nil, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1152", "-pkeyopt", "rsa_keygen_pubexp:"+exponent)
		der := openssl(t, nil, pem, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER")
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			t.Fatal(err)
		}
		theirs := parsed.(*rsa.PrivateKey)
		ours, err := security.NewPrivateKey(theirs.Primes[0].Bytes(), theirs.Primes[1].Bytes(), big.NewInt(int64(theirs.E)).Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours.Public().Modulus(), theirs.N.Bytes()) {
			t.Fatal("our modulus of their primes is another one")
		}

		// A signature by hand (Book 2, 6.5.1), signed by openssl.
		number := []byte{1, 2, 3, 4}
		block := append([]byte{0x6A, 5, 1, 9, 8, 1, 2, 3, 4, 5, 6, 7, 8}, bytes.Repeat([]byte{0xBB}, 144-13-21)...)
		block = append(append(block, opensslSHA1(t, append(bytes.Clone(block[1:]), number...))...), 0xBC)
		files := map[string][]byte{"key": der, "in": block}
		private := []string{"-keyform", "DER", "-inkey", "key", "-pkeyopt", "rsa_padding_mode:none", "-in", "in"}
		// pkeyutl -sign takes hashes only; without padding, deciphering is the same operation.
		signed := openssl(t, files, nil, append([]string{"pkeyutl", "-decrypt"}, private...)...)
		d, err := a.RecoverDynamicData(ours.Public(), signed, number)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "ICC dynamic data", d.Data, "080102030405060708")
		mine, err := ours.Sign(block)
		if err != nil || !bytes.Equal(mine, signed) {
			t.Errorf("we sign otherwise: %v", err)
		}

		// And a PIN of ours, deciphered by openssl.
		pin, err := security.PINBlock2("1234")
		if err != nil {
			t.Fatal(err)
		}
		enciphered, err := a.EncipherPIN(ours.Public(), &pin, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, stream(3))
		if err != nil {
			t.Fatal(err)
		}
		files["in"] = enciphered
		plain := openssl(t, files, nil, append([]string{"pkeyutl", "-decrypt"}, private...)...)
		same(t, "PIN data", plain[:17], "7F241234FFFFFFFFFF0102030405060708")
	}
}

// tdes is TDES by openssl: of blocks, in CBC after iv.
func tdes(t *testing.T, k1, k2, iv, blocks []byte) []byte {
	t.Helper()
	key := hex.EncodeToString(bytes.Join([][]byte{k1, k2, k1}, nil))
	return openssl(t, nil, blocks, "enc", "-des-ede3-cbc", "-nopad", "-K", key, "-iv", hex.EncodeToString(iv))
}

func TestOpenSSLComputesOurCryptogram(t *testing.T) {
	const number, sequence = "4761739001010119", "01"
	imk := unhex(t, "0123456789ABCDEFFEDCBA9876543210")
	atc := []byte{0x00, 0x2A}
	input := []byte("amount, country, TVR, and whatever else is in the list") // 54 bytes: padding is needed
	zero := make([]byte, 8)
	half := func(k, block []byte) []byte { return tdes(t, k[:8], k[8:], zero, block) } // one block, as in ECB

	// Book 2, A1.4.1: PAN and sequence number, rightmost 16 digits; then their complement.
	y := unhex(t, (number + sequence)[2:])
	complement := func(b []byte) []byte {
		c := bytes.Clone(b)
		for i := range c {
			c[i] ^= 0xFF
		}
		return c
	}
	mk := append(half(imk, y), half(imk, complement(y))...)
	crypt.OddParity(mk)
	ours, err := security.ICCMasterKey(imk, number, sequence, security.OptionA)
	if err != nil || !bytes.Equal(ours, mk) {
		t.Fatalf("ICC master key differs: %v", err)
	}

	// A1.3.1: the counter with F0 and 0F.
	sk := append(half(mk, []byte{0, 0x2A, 0xF0, 0, 0, 0, 0, 0}), half(mk, []byte{0, 0x2A, 0x0F, 0, 0, 0, 0, 0})...)
	crypt.OddParity(sk)
	v := security.VisaCVN18
	key, err := v.Key(mk, atc, nil)
	if err != nil || !bytes.Equal(key, sk) {
		t.Fatalf("session key differs: %v", err)
	}

	// ISO 9797-1 algorithm 3, padding 2: single DES (TDES with one key thrice) up to the last block, TDES for that.
	padded := append(bytes.Clone(input), 0x80, 0)
	if len(padded)%8 != 0 {
		t.Fatalf("%d bytes", len(padded))
	}
	first, last := padded[:len(padded)-8], padded[len(padded)-8:]
	chained := tdes(t, sk[:8], sk[:8], zero, first)
	want := tdes(t, sk[:8], sk[8:], chained[len(chained)-8:], last)
	arqc, err := v.Cryptogram(key, input)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ARQC", arqc[:], strings.ToUpper(hex.EncodeToString(want)))

	// 8.2.1: the answer by method 1.
	arpc := security.ARPC1(key, arqc, [2]byte{'0', '0'})
	mixed := bytes.Clone(arqc[:])
	mixed[0] ^= '0'
	mixed[1] ^= '0'
	same(t, "ARPC", arpc[:], strings.ToUpper(hex.EncodeToString(half(sk, mixed))))
}
