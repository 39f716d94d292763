package clear

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/crypt/keyblock"
	"github.com/posim/posim/internal/crypt/known"
)

// The known answers of the functions are those of layouts hsm/1 and cup/1, which internal/vectors runs through this package. Here is
// what they do not say: what is refused, in which words, and what is printed.

const (
	testKey = "0123456789ABCDEFFEDCBA9876543210"
	testPAN = "4761739001010010"
)

var unhex = known.Hex

func key(t testing.TB, a Algorithm, digits string) Key {
	t.Helper()
	k, err := ParseKey(a, digits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// drop is the error of a call with a result.
func drop[T any](_ T, err error) error { return err }

func drop2[T, U any](_ T, _ U, err error) error { return err }

func TestWhatIsRefused(t *testing.T) {
	var (
		tdes, des  = key(t, TDES, testKey), key(t, DES, testKey[:16])
		triple     = key(t, TDES, testKey+"89ABCDEF01234567")
		aes        = key(t, AES, testKey)
		sm4        = key(t, SM4, testKey)
		hmac       = key(t, HMAC, testKey)
		block8     = make([]byte, 8)
		weak       = key(t, TDES, "0101010101010101FEDCBA9876543210")
		equal      = key(t, TDES, "0123456789ABCDEF0123456789ABCDEF")
		even       = key(t, TDES, "0023456789ABCDEFFEDCBA9876543210")
		ksn        = func(digits string) KSN { k, _ := ParseKSN(unhex(t, digits)); return k }
		tdesKSN    = ksn("FFFF9876543210E00001")
		aesKSN     = ksn("123456789012345600000001")
		zone       = func(format string, k Key) PINZone { return PINZone{format, k} }
		pin3624    = IBM3624{tdes, "0123456789012345", block8}
		script     = Script{Form: "visa", MAC: tdes, Encipherment: tdes, Cryptogram: tdes, ATC: []byte{0, 1}, AC: block8}
		header     = "B0000P0TE00E0000"
		session, _ = NewCardSession("visa-cvn18", tdes, []byte{0, 1}, nil)
	)
	for _, tt := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"key: odd number of digits", drop(ParseKey(TDES, testKey[:31])), ErrLength, "clear: key: wrong length, 31 hexadecimal digits: want two for a byte"},
		{"key: no digit", drop(ParseKey(TDES, "0123456789ABCDEG0123456789ABCDEF")), ErrHex, "clear: key: characters that are not hexadecimal: want 0 to 9, A to F"},
		{"key: wide gap", drop(ParseKey(DES, "01234567  89ABCDEF")), ErrHex, "clear: key: characters that are not hexadecimal: want 0 to 9, A to F"},
		{"DES key: too long", drop(ParseKey(DES, testKey)), ErrLength, "clear: key: wrong length, 16 bytes: want 8 bytes for DES"},
		{"TDES key: single length", drop(ParseKey(TDES, testKey[:16])), ErrLength, "clear: key: wrong length, 8 bytes: want 16 or 24 bytes for TDES"},
		{"AES key: single length", drop(ParseKey(AES, testKey[:16])), ErrLength, "clear: key: wrong length, 8 bytes: want 16, 24 or 32 bytes for AES"},
		{"SM4 key: too long", drop(ParseKey(SM4, testKey+testKey)), ErrLength, "clear: key: wrong length, 32 bytes: want 16 bytes for SM4"},
		{"algorithm", drop(ParseAlgorithm("3DES")), ErrName, "clear: algorithm: unknown name: want DES, TDES, AES, SM4 or HMAC"},
		{"key of no algorithm", drop(NewKey("RSA", block8)), ErrName, "clear: key: unknown name: want a key of DES, TDES, AES, SM4 or HMAC"},
		{"no key", drop(Key{}.LegacyCheckValue(3)), ErrName, "clear: key: unknown name: want a key of DES, TDES, AES or SM4"},

		{"parity", even.Check(), ErrParity, "clear: key: wrong parity: want odd parity in every byte"},
		{"weak", weak.Check(), ErrWeakKey, "clear: key: a weak key, part 1: want none of the 64 keys of SP 800-67"},
		{"equal", equal.Check(), ErrEqualParts, "clear: key: equal parts: want parts that differ"},
		{"parity of AES", drop(aes.OddParity()), ErrName, "clear: key: unknown name: want a key of DES or TDES: others have no parity"},
		{"variant", drop(tdes.Variant(32)), ErrRange, "clear: variant: out of range: want 0 to 31"},
		{"variant of AES", drop(aes.Variant(1)), ErrName, "clear: key: unknown name: want a key of DES or TDES: others have no variants"},
		{"weak of 16", drop(WeakDES(tdes.Bytes())), ErrLength, "clear: key: wrong length, 16 bytes: want 8 bytes"},
		{"check value of 9", drop(tdes.LegacyCheckValue(9)), ErrRange, "clear: check value: out of range, 9 bytes: want 1 to 8 for TDES"},
		{"check value of 0", drop(tdes.LegacyCheckValue(0)), ErrRange, "clear: check value: out of range, 0 bytes: want 1 to 8 for TDES"},

		{"one component", drop2(Combine([]Key{tdes}, false)), ErrLength, "clear: components: wrong length, 1 component: want 2 to 16"},
		{"component of another length", drop2(Combine([]Key{tdes, tdes, triple}, false)), ErrLength, "clear: component 3: wrong length, 24 bytes: want 16 bytes as the first"},
		{"component of another algorithm", drop2(Combine([]Key{tdes, aes}, false)), ErrName, "clear: component 2: unknown name: want a key of TDES"},
		{"parity of AES components", drop2(Combine([]Key{aes, aes}, true)), ErrName, "clear: key: unknown name: want a key of DES or TDES: others have no parity"},

		{"ECB: no whole block", drop(EncryptECB(aes, block8)), ErrLength, "clear: data: wrong length, 8 bytes: want whole blocks of 16"},
		{"ECB: nothing", drop(DecryptECB(tdes, nil)), ErrLength, "clear: data: wrong length, 0 bytes: want whole blocks of 8"},
		{"ECB: HMAC", drop(DecryptECB(hmac, block8)), ErrName, "clear: key: unknown name: want a key of DES, TDES, AES or SM4"},
		{"CBC: IV", drop(EncryptCBC(tdes, make([]byte, 7), block8)), ErrLength, "clear: iv: wrong length, 7 bytes: want 8 bytes"},
		{"times", drop(EncryptECBTimes(sm4, make([]byte, 16), 0)), ErrRange, "clear: times: out of range: want 1 to 1000000"},
		{"times: two blocks", drop(EncryptECBTimes(sm4, make([]byte, 32), 1)), ErrLength, "clear: data: wrong length, 32 bytes: want one block of 16 bytes"},
		{"GCM under TDES", drop2(EncryptGCM(tdes, nil, nil, nil)), ErrName, "clear: key: unknown name: want a key of AES or SM4"},
		{"GCM: nonce", drop2(EncryptGCM(sm4, block8, nil, nil)), ErrLength, "clear: nonce: wrong length, 8 bytes: want 12 bytes"},
		{"GCM: tag", drop(DecryptGCM(aes, make([]byte, 12), nil, nil, make([]byte, 16))), ErrMAC, "clear: tag: does not verify"},
		{"GCM: length of the tag", drop(DecryptGCM(aes, make([]byte, 12), nil, nil, block8)), ErrLength, "clear: tag: wrong length, 8 bytes: want 16 bytes"},

		{"import: 7 bytes", drop(ImportECB(tdes, make([]byte, 7), nil)), ErrLength, "clear: wrapped: wrong length, 7 bytes: want whole blocks of 8"},
		{"import: 32 bytes", drop(ImportECB(tdes, make([]byte, 32), nil)), ErrLength, "clear: wrapped: wrong length, 32 bytes: want 16 or 24 bytes for TDES"},
		{"import: check value", drop(ImportECB(tdes, make([]byte, 16), []byte{1, 2, 3})), ErrCheckValue, "clear: check value: is not the key's check value"},
		{"import: short check value", drop(ImportECB(tdes, make([]byte, 16), []byte{1, 2})), ErrLength, "clear: check value: wrong length, 2 bytes: want at least 3 bytes"},
		{"working key: slot", drop(CUPWorkingKey(tdes, make([]byte, 24), nil)), ErrLength, "clear: slot: wrong length, 24 bytes: want 8 or 16 bytes"},
		{"working key: AES", drop(CUPWorkingKey(aes, make([]byte, 16), nil)), ErrName, "clear: terminal master key: unknown name: want a key of TDES or SM4"},

		{"MAC", drop(MAC("x9.20", tdes, 1, nil)), ErrName, "clear: mac: unknown name: want iso9797-1-1, iso9797-1-3, x9.9, x9.19, cmac, hmac-sha256, cup-ecb"},
		{"MAC: padding 0", drop(MAC(X919, tdes, 0, nil)), ErrRange, "clear: padding: out of range: want 1, 2 or 3 (ISO 9797-1)"},
		{"MAC: padding 4", drop(MAC(ISO9797Alg1, tdes, 4, nil)), ErrRange, "clear: padding: out of range: want 1, 2 or 3 (ISO 9797-1)"},
		{"CMAC: padding", drop(MAC(CMAC, aes, 2, nil)), ErrNotTaken, "clear: padding: an input that is not taken: want none: cmac has its own"},
		{"CMAC: DES", drop(MAC(CMAC, des, 0, nil)), ErrName, "clear: key: unknown name: want a key of TDES or AES or SM4"},
		{"X9.19: triple length", drop(MAC(X919, triple, 1, nil)), ErrLength, "clear: key: wrong length, 24 bytes: want 16 bytes"},
		{"X9.19: AES", drop(MAC(X919, aes, 1, nil)), ErrName, "clear: key: unknown name: want a key of TDES"},
		{"X9.9: TDES", drop(MAC(X99, tdes, 1, nil)), ErrName, "clear: key: unknown name: want a key of DES"},
		{"HMAC: AES", drop(MAC(HMACSHA256, aes, 0, nil)), ErrName, "clear: key: unknown name: want a key of HMAC"},
		{"verify", VerifyMAC(CMAC, aes, 0, nil, make([]byte, 16)), ErrMAC, "clear: mac: does not verify"},
		{"verify 3 bytes", VerifyMAC(CMAC, aes, 0, nil, make([]byte, 3)), ErrLength, "clear: mac: wrong length, 3 bytes: want 4 to 16"},
		{"verify 17 bytes", VerifyMAC(CMAC, aes, 0, nil, make([]byte, 17)), ErrLength, "clear: mac: wrong length, 17 bytes: want 4 to 16"},
		{"CUP: left half of SM4", drop(CUPMAC(sm4, nil, true)), ErrName, "clear: key: unknown name: want a key of TDES"},

		{"PIN of 3", drop(EncodePIN("0", "123", testPAN, "")), ErrPIN, "clear: pin: wrong number of digits, 3 digits: want 4 to 12"},
		{"PIN of 13", drop(EncodePIN("0", "1234567890123", testPAN, "")), ErrPIN, "clear: pin: wrong number of digits, 13 digits: want 4 to 12"},
		{"PIN of letters", drop(EncodePIN("0", "123A", testPAN, "")), ErrDigits, "clear: pin: characters that are not decimal digits: want 0 to 9"},
		{"PAN too short", drop(EncodePIN("0", "1234", testPAN[:12], "")), ErrPAN, "clear: pan: wrong number of digits, 12 digits: want 13 to 19"},
		{"PAN too short for 4", drop(EncodePIN("4", "1234", testPAN[:7], "0011223344556677")), ErrPAN, "clear: pan: wrong number of digits, 7 digits: want 8 to 19"},
		{"PAN too long", drop(EncodePIN("3", "1234", testPAN+"0000", "AAAAAAAAAA")), ErrPAN, "clear: pan: wrong number of digits, 20 digits: want 13 to 19"},
		{"PAN of letters", drop(EncodePIN("0", "1234", testPAN[:15]+"X", "")), ErrDigits, "clear: pan: characters that are not decimal digits: want 0 to 9"},
		{"PAN where there is none", drop(EncodePIN("2", "1234", testPAN, "")), ErrNotTaken, "clear: pan: an input that is not taken: want none in format 2"},
		{"format", drop(EncodePIN("5", "1234", testPAN, "")), ErrName, "clear: format: unknown name: want 0, 1, 2, 3, 4, sm4-x98-16"},
		{"fill of another length", drop(EncodePIN("1", "1234", "", "123")), ErrFill, "clear: fill: pinblock: fill of 3 bytes: want 10 for a PIN of this length in format 1"},
		{"fill of a decimal digit", drop(EncodePIN("3", "1234", testPAN, "AAAAAAAAA9")), ErrFill, "clear: fill: pinblock: fill: digit 10 is not A to F"},
		{"fill of no digit", drop(EncodePIN("1", "1234", "", "123456789G")), ErrHex, "clear: fill: characters that are not hexadecimal: want 0 to 9, A to F"},
		{"block", drop(DecodePIN("0", block8, testPAN)), ErrBlock, "clear: block: pinblock: not a PIN block of this format for this PAN"},
		{"block too short", drop(DecodePIN("0", block8[:7], testPAN)), ErrBlock, "clear: block: pinblock: not a PIN block of this format for this PAN"},
		{"format 4 under TDES", drop(EncipherPIN("4", tdes, "1234", testPAN, "0011223344556677")), ErrName, "clear: key: unknown name: want a key of AES"},
		{"SM4 block under AES", drop(EncipherPIN("sm4-x98-16", aes, "1234", testPAN, "")), ErrName, "clear: key: unknown name: want a key of SM4"},
		{"format 0 under AES", drop(DecipherPIN("0", aes, block8, testPAN)), ErrName, "clear: key: unknown name: want a key of TDES or DES"},
		{"format 2 on the line", drop(EncipherPIN("2", tdes, "1234", "", "")), ErrName, "clear: format: unknown name: want a format for the line: 2 is for the chip in the terminal"},
		{"translation that loses the PAN", drop(TranslatePIN(zone("0", tdes), zone("1", tdes), block8, testPAN, "")), ErrTranslation, "clear: format: pinblock: translation not permitted: from 0 to 1: the block would lose its PAN"},
		{"translation of no block", drop(TranslatePIN(zone("0", tdes), zone("4", aes), block8, testPAN, "0011223344556677")), ErrBlock, "clear: block: pinblock: not a PIN block of this format for this PAN"},

		{"CVV: PAN", drop(CVV(tdes, testPAN[:12], "3012", "101")), ErrPAN, "clear: pan: wrong number of digits, 12 digits: want 13 to 19"},
		{"CVV: expiry", drop(CVV(tdes, testPAN, "301", "101")), ErrLength, "clear: expiry: wrong length, 3 digits: want 4"},
		{"CVV: service code", drop(CVV(tdes, testPAN, "3012", "1O1")), ErrDigits, "clear: service code: characters that are not decimal digits: want 0 to 9"},
		{"CVV: key", drop(CVV(aes, testPAN, "3012", "101")), ErrName, "clear: cvk: unknown name: want a key of TDES"},
		{"dCVV: counter", drop2(DCVV(tdes, testPAN, "00", "3012", "101", "00001")), ErrLength, "clear: transaction counter: wrong length, 5 digits: want 4"},
		{"CVC3: number", drop2(CVC3(tdes, testPAN, "00", block8, []byte{0, 1}, block8)), ErrLength, "clear: un: wrong length, 8 bytes: want 4 bytes"},
		{"PVV: index", drop(PVV(tdes, testPAN, "12", "1234")), ErrLength, "clear: key index: wrong length, 2 digits: want 1"},
		{"PVV: PIN", drop(PVV(tdes, testPAN, "1", "123")), ErrPIN, "clear: pin: wrong number of digits, 3 digits: want 4 to 12"},
		{"3624: table", drop(IBM3624{tdes, "012345678901234", block8}.Offset("1234")), ErrLength, "clear: decimalisation table: wrong length, 15 digits: want 16"},
		{"3624: validation data", drop(IBM3624{tdes, "0123456789012345", block8[:7]}.PIN("1234")), ErrLength, "clear: validation data: wrong length, 7 bytes: want 8 bytes"},
		{"3624: key", drop(IBM3624{aes, "0123456789012345", block8}.PIN("1234")), ErrName, "clear: pvk: unknown name: want a key of DES or TDES"},
		{"3624: natural PIN of 3", drop(pin3624.NaturalPIN(3)), ErrPIN, "clear: pin: wrong number of digits, 3 digits: want 4 to 12"},
		{"3624: offset", drop(pin3624.PIN("123")), ErrLength, "clear: offset: wrong length, 3 digits: want 4 to 12"},
		{"3624: biased table", CheckTable("0000000000000001"), ErrBiased, ""},
		{"decimalize", drop(Decimalize("0123456789012345", block8[:1])), ErrLength, "clear: block: wrong length, 1 byte: want 8 bytes"},

		{"KSN: length", drop(ParseKSN(make([]byte, 13))), ErrKSN, ""},
		{"KSN: none", drop(InitialKey(tdes, KSN{})), ErrLength, "clear: ksn: wrong length, none: want 10 bytes (TDES) or 12 (AES)"},
		{"KSN: of TDES with AES", drop(InitialKey(aes, tdesKSN)), ErrName, "clear: bdk: unknown name: want a key of TDES"},
		{"KSN: of AES with TDES", drop(InitialKey(tdes, aesKSN)), ErrName, "clear: bdk: unknown name: want a key of AES"},
		{"KSN: counter 0", drop(TransactionKey(tdes, ksn("FFFF9876543210E00000"), false)), ErrKSN, ""},
		{"KSN: stale counter", drop(TransactionKey(tdes, ksn("FFFF9876543210E007FF"), false)), ErrKSN, ""},
		{"KSN: exhausted", drop(NextKSN(ksn("FFFF9876543210FFF800"))), ErrExhausted, "clear: ksn: dukpt: all transaction keys are used: FFFF9876543210FFF800"},
		{"KSN: used before", CheckNewer(tdesKSN, tdesKSN), ErrStale, "clear: ksn: not newer than the last, counter 1: want more than 1"},
		{"KSN: older", CheckNewer(tdesKSN, ksn("FFFF9876543210E00402")), ErrStale, "clear: ksn: not newer than the last, counter 1: want more than 402"},
		{"KSN: of another device", CheckNewer(tdesKSN, ksn("FFFF9876543211000001")), ErrKSN, "clear: ksn: dukpt: key serial number: want the device of the last one"},
		{"KSN: newer, without a key", CheckNewer(ksn("FFFF9876543210E007FF"), tdesKSN), ErrKSN, ""},
		{"use", drop(WorkingKey(tdes, tdesKSN, "mac", "TDES2")), ErrName, "clear: use: unknown name: want data-both, data-request, data-response, key-encryption, mac-both, mac-request, mac-response, pin"},
		{"use that TDES DUKPT has not", drop(WorkingKey(tdes, tdesKSN, "key-encryption", "TDES2")), ErrUse, ""},
		{"algorithm of a working key", drop(WorkingKey(aes, aesKSN, "pin", "AES")), ErrName, "clear: algorithm: unknown name: want TDES2, TDES3, AES128, AES192, AES256, HMAC128, HMAC192, HMAC256"},
		{"working key stronger than its own", drop(WorkingKey(aes, aesKSN, "pin", "AES256")), ErrUse, ""},
		{"update key of TDES", drop(UpdateKey(tdes, tdesKSN, "TDES2")), ErrKSN, ""},

		{"key block: no block", drop(ShowKeyBlock("B0016P0TE00E0000")), keyblock.ErrFormat, ""},
		{"key block: header", drop(WrapKeyBlock(tdes, "B00", nil, Padding{})), keyblock.ErrFormat, ""},
		{"key block: key of another version", drop(WrapKeyBlock(aes, header, tdes.Bytes(), Padding{})), ErrName, "clear: kbpk: unknown name: want a key of TDES"},
		{"key block: TDES for D", drop(UnwrapKeyBlock(tdes, "D"+header[1:])), ErrName, "clear: kbpk: unknown name: want a key of AES"},
		{"key block: length of the key", drop(ProtectionKey("B", make([]byte, 8))), ErrLength, "clear: kbpk: wrong length, 8 bytes: want 16 or 24 bytes for TDES"},
		{"key block: padding", drop(WrapKeyBlock(tdes, header, tdes.Bytes(), Padding{Fixed: block8})), keyblock.ErrPayload, ""},

		{"master key: option", drop(ICCMasterKey(tdes, "C", testPAN, "00")), ErrName, "clear: option: unknown name: want A or B"},
		{"master key: PAN", drop(ICCMasterKey(tdes, "A", "", "00")), ErrPAN, "clear: pan: wrong number of digits, 0 digits: want 1 to 19"},
		{"master key: sequence", drop(ICCMasterKey(tdes, "A", testPAN, "1")), ErrLength, "clear: pan sequence number: wrong length, 1 digit: want 2"},
		{"master key: issuer's", drop(ICCMasterKey(triple, "A", testPAN, "00")), ErrLength, "clear: issuer master key: wrong length, 24 bytes: want 16 bytes"},
		{"session key: rule", drop(SessionKey("mchip", tdes, nil)), ErrName, "clear: session key: unknown name: want none, common or visa"},
		{"session key: diversifier", drop(SessionKey(SessionVisa, tdes, block8)), ErrLength, "clear: diversifier: wrong length, 8 bytes: want the 2 bytes of the transaction counter"},
		{"session key: long diversifier", drop(SessionKey(SessionCommon, tdes, make([]byte, 9))), ErrLength, "clear: diversifier: wrong length, 9 bytes: want 1 to 8 bytes"},
		{"session key: no rule", drop(SessionKey(SessionNone, tdes, block8)), ErrNotTaken, "clear: diversifier: an input that is not taken: want none with the rule none"},
		{"tree: ATC", drop(TreeSessionKey(tdes, block8, 2, 16, nil)), ErrLength, "clear: atc: wrong length, 8 bytes: want 2 bytes"},
		{"ARPC: ARQC", drop(ARPC1(tdes, nil, nil)), ErrLength, "clear: arqc: wrong length, 0 bytes: want 8 bytes"},
		{"ARPC: code", drop(ARPC1(tdes, block8, nil)), ErrLength, "clear: response code: wrong length, 0 bytes: want 2 bytes"},
		{"ARPC: CSU", drop(ARPC2(tdes, block8, block8, nil)), ErrLength, "clear: card status update: wrong length, 8 bytes: want 4 bytes"},
		{"ARPC: proprietary", drop(ARPC2(tdes, block8, block8[:4], make([]byte, 9))), ErrLength, "clear: proprietary authentication data: wrong length, 9 bytes: want up to 8 bytes"},
		{"version", drop(NewCardSession("cvn10", tdes, nil, nil)), ErrName, ""},
		{"answer to 7 bytes", drop(session.IssuerAuthenticationData(block8[:7], security.IssuerAnswer{})), ErrLength, "clear: arqc: wrong length, 7 bytes: want 8 bytes"},
		{"script: form", drop(Script{Form: "amex", MAC: tdes}.Command(block8[:4], nil)), ErrName, "clear: form: unknown name: want visa, mchip, common-core, unionpay"},
		{"script: header", drop(script.Command(block8, nil)), ErrLength, "clear: header: wrong length, 8 bytes: want the 4 bytes CLA INS P1 P2"},
		{"script: PIN", drop(script.EncipherPIN("123", "")), ErrPIN, "clear: pin: wrong number of digits, 3 digits: want 4 to 12"},
		{"script: current PIN", drop(script.EncipherPIN("1234", "12345678901234")), ErrPIN, "clear: current pin: wrong number of digits, 14 digits: want 4 to 12"},
		{"script: key", drop(Script{Form: "visa", MAC: aes, ATC: []byte{0, 1}, AC: block8}.Command([]byte{0x84, 0x1E, 0, 0}, nil)), ErrName, "clear: key for MACs: unknown name: want a key of TDES"},

		{"track too short", drop(TrackEncryptionSource(testPAN)), ErrLength, "clear: track: wrong length, 16 characters: want 17 to 107"},
		{"track of letters", drop(TrackEncryptionSource(testPAN + "^3012101")), ErrDigits, "clear: track: characters that are not decimal digits: want digits and '='"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil {
				t.Fatal("accepted")
			}
			text := tt.err.Error()
			if !errors.Is(tt.err, tt.is) || tt.want != "" && text != tt.want || !strings.HasPrefix(text, "clear: ") {
				t.Errorf("%q, want %q, which is %v", text, tt.want, tt.is)
			}
			for _, secret := range []string{testKey[:16], testPAN[6:12], "1234567890123", "123A"} {
				if strings.Contains(text, secret) {
					t.Errorf("shows a secret: %q", text)
				}
			}
		})
	}
}

// Whatever prints a key or what holds one shows a check value.
func TestNothingPrintsAKey(t *testing.T) {
	k := key(t, TDES, testKey)
	if got, want := k.String(), "TDES key, check value 08D7B4"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	session, err := NewCardSession("visa-cvn10", k, []byte{0, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	block := KeyBlock{Header: KeyBlockHeader{Version: 'B'}, key: newMaterial(k.Bytes())}
	holders := []any{k, &k, []Key{k}, map[string]Key{"k": k}, struct{ k Key }{k}, struct{ K *Key }{&k}, session, struct{ s *CardSession }{session},
		PINZone{"0", k}, IBM3624{k, "", nil}, Script{MAC: k}, block, &block, struct{ b KeyBlock }{block}}
	var said strings.Builder
	for _, h := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
			fmt.Fprintf(&said, verb+"\n", h)
		}
		b, err := json.Marshal(h)
		if err != nil {
			t.Error(err)
		}
		said.Write(b)
	}
	text := strings.ToUpper(said.String())
	b := k.Bytes()
	for _, s := range []string{testKey, fmt.Sprintf("%d", b[:4]), strings.Trim(fmt.Sprintf("%d", b[8:12]), "[]"), fmt.Sprintf("%o", b[:4]), "0X1, 0X23", string(b[:8]), "ASNF"} {
		if strings.Contains(text, strings.ToUpper(s)) {
			t.Errorf("%q is printed", s)
		}
	}
	if !strings.Contains(text, "CHECK VALUE 08D7B4") {
		t.Error("no check value")
	}
	if s := (Key{}).String(); s != "no key" {
		t.Error(s)
	}
	if s := key(t, HMAC, testKey).String(); s != "HMAC key of 16 bytes" {
		t.Error(s)
	}
}

// A key is its own copy of what it was made of and what it gives.
func TestAKeyIsItsOwn(t *testing.T) {
	b := unhex(t, testKey)
	k, err := NewKey(TDES, b)
	if err != nil {
		t.Fatal(err)
	}
	b[0]++
	k.Bytes()[1]++
	odd, err := k.OddParity()
	if err != nil || k.String() != "TDES key, check value 08D7B4" || k.Check() != nil || odd.String() != k.String() {
		t.Error(k, odd, err)
	}
	if spaced := key(t, TDES, "0123 4567 89ab cdef FEDC BA98 7654 3210"); spaced.String() != k.String() {
		t.Error(spaced)
	}
}

// The lists of names that a command line offers are what the functions take.
func TestNames(t *testing.T) {
	keys := map[Algorithm]Key{DES: key(t, DES, testKey[:16]), TDES: key(t, TDES, testKey), HMAC: key(t, HMAC, testKey), AES: key(t, AES, testKey)}
	for _, name := range MACs() {
		made := 0
		for _, k := range keys {
			for padding := range 2 {
				if mac, err := MAC(name, k, padding, []byte(testPAN)); err == nil {
					made++
					if err := VerifyMAC(name, k, padding, []byte(testPAN), mac[:4]); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		}
		if made == 0 {
			t.Errorf("nothing makes %s", name)
		}
	}
	random := rand.NewChaCha8([32]byte{5})
	for _, format := range PINFormats() {
		for n := 4; n <= 12; n++ {
			fill, err := RandomFill(format, n, random)
			if err != nil {
				t.Fatal(err)
			}
			pan := testPAN
			if format == "1" || format == "2" {
				pan = ""
			}
			pin := "012345678901"[:n]
			block, err := EncodePIN(format, pin, pan, fill)
			if err != nil {
				t.Fatalf("format %s, %d digits: %v", format, n, err)
			}
			if got, err := DecodePIN(format, block, pan); err != nil || got != pin {
				t.Errorf("format %s, %d digits: another PIN, %v", format, n, err)
			}
		}
	}
	for _, a := range Algorithms() {
		if got, err := ParseAlgorithm(string(a)); got != a || err != nil {
			t.Error(got, err)
		}
	}
	aes := key(t, AES, testKey+testKey)
	k, err := ParseKSN(unhex(t, "123456789012345600000001"))
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range Uses() {
		for _, a := range WorkingAlgorithms() {
			w, err := WorkingKey(aes, k, use, a)
			if strings.HasPrefix(a, "HMAC") && !strings.HasPrefix(use, "mac") {
				if !errors.Is(err, ErrUse) {
					t.Errorf("%s for %s: %v", a, use, err)
				}
				continue
			}
			if err != nil || !strings.HasPrefix(a, string(w.Algorithm())) {
				t.Errorf("%s for %s: %v, %v", a, use, w, err)
			}
		}
	}
	for _, form := range ScriptForms() {
		mk := keys[TDES]
		s := Script{Form: form, MAC: mk, Encipherment: mk, Cryptogram: mk, ATC: []byte{0, 1}, AC: make([]byte, 8)}
		if _, err := s.EncipherPIN("1234", ""); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if c, err := s.Command([]byte{0x84, 0x1E, 0, 0}, nil); err != nil || len(c) != 13 {
			t.Errorf("%s: %X, %v", form, c, err)
		}
	}
	for _, version := range CryptogramVersions() {
		if _, err := NewCardSession(version, keys[TDES], []byte{0, 1}, []byte{1, 2, 3, 4}); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// A block in format 1 has no PAN, and gets one in another zone; a version's cryptogram lacks data.
func TestZonesAndVersions(t *testing.T) {
	tdes, aes := key(t, TDES, testKey), key(t, AES, testKey)
	block, err := EncipherPIN("1", tdes, "1234", "", "0123456789")
	if err != nil {
		t.Fatal(err)
	}
	out, err := TranslatePIN(PINZone{"1", tdes}, PINZone{"4", aes}, block, testPAN, "0011223344556677")
	if err != nil {
		t.Fatal(err)
	}
	if pin, err := DecipherPIN("4", aes, out, testPAN); err != nil || pin != "1234" {
		t.Error("another PIN", err)
	}
	same, err := TranslatePIN(PINZone{"1", tdes}, PINZone{"1", tdes}, block, testPAN, "0123456789")
	if err != nil || string(same) != string(block) {
		t.Errorf("%X, %v", same, err)
	}
	session, err := NewCardSession("visa-cvn10", tdes, []byte{0, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := session.Cryptogram(func(tlv.Tag) []byte { return nil }); err == nil || !strings.Contains(err.Error(), "tag 9F02") {
		t.Error(err)
	}
}

// What one function makes, the other takes apart.
func TestThereAndBack(t *testing.T) {
	tdes, aes, sm4 := key(t, TDES, testKey), key(t, AES, testKey), key(t, SM4, testKey)
	data, nonce, aad := unhex(t, testKey+testKey), make([]byte, 12), []byte("aad")
	for _, k := range []Key{tdes, aes, sm4} {
		ecb, err := EncryptECB(k, data)
		if err != nil {
			t.Fatal(err)
		}
		cbc, err := EncryptCBC(k, nil, data)
		if err != nil || string(cbc) == string(ecb) {
			t.Fatal(err)
		}
		if got, err := DecryptECB(k, ecb); err != nil || string(got) != string(data) {
			t.Errorf("ECB: %X, %v", got, err)
		}
		if got, err := DecryptCBC(k, nil, cbc); err != nil || string(got) != string(data) {
			t.Errorf("CBC: %X, %v", got, err)
		}
		block := data[:16]
		if k.Algorithm() == TDES {
			block = data[:8]
		}
		once, _ := EncryptECB(k, block)
		twice, _ := EncryptECB(k, once)
		if got, err := EncryptECBTimes(k, block, 2); err != nil || string(got) != string(twice) {
			t.Errorf("twice: %X, %v", got, err)
		}
		if k.Algorithm() == TDES {
			continue
		}
		sealed, tag, err := EncryptGCM(k, nonce, aad, data)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecryptGCM(k, nonce, aad, sealed, tag); err != nil || string(got) != string(data) {
			t.Errorf("GCM: %X, %v", got, err)
		}
		if _, err := DecryptGCM(k, nonce, nil, sealed, tag); !errors.Is(err, ErrMAC) {
			t.Error(err)
		}
	}
	for header, kbpk := range map[string]Key{"B0000P0TE00E0000": tdes, "D0000P0TE00E0000": aes} {
		text, err := WrapKeyBlock(kbpk, header, tdes.Bytes(), Padding{Random: rand.NewChaCha8([32]byte{7})})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := ShowKeyBlock(text)
		if err != nil || shown.Length != len(text) || shown.Header.Usage != "P0" || shown.Bytes() != nil {
			t.Errorf("%v, %v", shown.Header, err)
		}
		if _, ok := shown.Key(); ok {
			t.Error("a block that was only read has a key")
		}
		opened, err := UnwrapKeyBlock(kbpk, text)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := opened.Key(); !ok || k.String() != tdes.String() {
			t.Errorf("%v, %v", k, ok)
		}
		altered := []byte(text)
		altered[8] = 'D'
		if _, err := UnwrapKeyBlock(kbpk, string(altered)); !errors.Is(err, keyblock.ErrMAC) {
			t.Error(err)
		}
	}
	p := IBM3624{tdes, "0123456789012345", unhex(t, testPAN)}
	for _, pin := range []string{"1234", "000000", "999999999999"} {
		offset, err := p.Offset(pin)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.PIN(offset); err != nil || got != pin {
			t.Error("another PIN", err)
		}
	}
}

// GB/T 32907-2016, A.2: a million times.
func TestAMillionTimes(t *testing.T) {
	out, err := EncryptECBTimes(key(t, SM4, testKey), unhex(t, testKey), 1_000_000)
	if want := "595298c7c6fd271f0402f804c33d3f66"; err != nil || hex.EncodeToString(out) != want {
		t.Errorf("%x, %v: want %s", out, err, want)
	}
}

// A single-length key in a slot of sixteen bytes is one; its check value by all sixteen would be another.
func TestWorkingKeyInASlotOfSixteen(t *testing.T) {
	tmk := key(t, TDES, testKey)
	slot, err := EncryptECB(tmk, unhex(t, "AB7C577CC7A18045"))
	if err != nil {
		t.Fatal(err)
	}
	slot = append(slot, make([]byte, 8)...)
	k, err := CUPWorkingKey(tmk, slot, unhex(t, "CFF1592A")) // Easy8583Ans: CUP-KEY-001
	if err != nil || k.Algorithm() != DES {
		t.Error(k, err)
	}
	slot[15] = 1
	if k, err := CUPWorkingKey(tmk, slot, nil); err != nil || k.Algorithm() != TDES {
		t.Error(k, err)
	}
	if _, err := CUPWorkingKey(tmk, slot, unhex(t, "CFF1592A")); !errors.Is(err, ErrCheckValue) {
		t.Error(err)
	}
}

// The two ways of a double-length key in the MAC of China UnionPay's dialect part in the second pass.
func TestSecondPassByTheLeftHalf(t *testing.T) {
	k, data := key(t, TDES, testKey), []byte(testPAN)
	whole, err := CUPMAC(k, data, false)
	if err != nil {
		t.Fatal(err)
	}
	left, err := CUPMAC(k, data, true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := EncryptECB(key(t, DES, testKey[:16]), left.Sum)
	if err != nil || string(whole.Sum) != string(left.Sum) || string(whole.MAC) == string(left.MAC) || string(second) != string(left.Second) {
		t.Errorf("%X, %X, %X, %v", whole, left, second, err)
	}
}

// What people type is read, or refused, and never quoted.
func FuzzParseKey(f *testing.F) {
	for _, s := range []string{testKey, "0123 4567", "0123  4567", " ", "0", "ä", strings.Repeat("F", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range Algorithms() {
			k, err := ParseKey(a, s)
			if err == nil {
				if again, err := ParseKey(a, strings.ToUpper(hex.EncodeToString(k.Bytes()))); err != nil || again.String() != k.String() {
					t.Fatal(again, err)
				}
				continue
			}
			if len(s) > 24 && strings.Contains(err.Error(), s) {
				t.Fatalf("the error shows the key: %v", err)
			}
		}
	})
}

// A track is read, or refused; its block is packed digits.
func FuzzTrackEncryptionSource(f *testing.F) {
	f.Add("1234567890123456789=0508201781999168302")
	f.Add("4761739001010010=30121010000")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := TrackEncryptionSource(s)
		if (err == nil) != (len(b) == 8) {
			t.Fatalf("%X, %v", b, err)
		}
		if text := strings.ReplaceAll(hex.EncodeToString(b), "d", "="); err == nil && !strings.Contains(strings.ReplaceAll(s, "D", "="), text) {
			t.Fatalf("%s is not in the track", text)
		}
	})
}
