package security

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/crypt"
)

// ErrARPC is the answer to issuer authentication data whose cryptogram does not verify.
var ErrARPC = errors.New("security: ARPC does not verify")

// ARPC1 computes an ARPC by method 1 (Book 2, 8.2.1): TDES over the ARQC with arc, two bytes, added to its front.
// It panics unless key is 16 bytes, which is the caller's own.
func ARPC1(key []byte, arqc [8]byte, arc [2]byte) [8]byte {
	return arpc1(mustTDES(key), arqc, arc)
}

func arpc1(block cipher.Block, arqc [8]byte, code [2]byte) [8]byte {
	arqc[0] ^= code[0]
	arqc[1] ^= code[1]
	block.Encrypt(arqc[:], arqc[:])
	return arqc
}

// ARPC2 computes the four bytes of an ARPC by method 2 (Book 2, 8.2.2): a MAC over ARQC, card status update and up to
// eight bytes of proprietary authentication data. It panics unless key is 16 bytes, which is the caller's own.
func ARPC2(key []byte, arqc [8]byte, csu [4]byte, proprietary []byte) []byte {
	mac, err := crypt.NewRetailMAC(key)
	if err != nil {
		panic("security: " + err.Error())
	}
	arpc := arpc2(mac, arqc, csu, proprietary)
	return arpc[:]
}

func arpc2(mac *crypt.RetailMAC, arqc [8]byte, csu [4]byte, proprietary []byte) [4]byte {
	data := make([]byte, 0, 20)
	data = append(append(append(data, arqc[:]...), csu[:]...), proprietary...)
	var sum [8]byte
	mac.Sum2(&sum, data)
	return [4]byte(sum[:4])
}

// Bits of an ARPC response code that is instructions and no authorisation response code, byte 2. The low half of byte 1 is the
// PIN try counter, the low two bits of byte 2 what is to become of the counters, as in a card status update.
const (
	codeApproves = 0x10
	codeSetsPIN  = 0x08
	codeOnline   = 0x04
)

// Tells whether the version's issuer authentication data can say so to a card: by method 2 all of a card status update, where
// the ARPC response code is instructions some of it, and otherwise nothing.
func (v Version) Tells(b tlv.Bit) bool {
	if v.ARPCMethod() == 2 {
		return true
	}
	return v.row().codeIsBits && (b == CSUIssuerApproves || b == CSUUpdatePINTryCounter || b == CSUGoOnlineNext)
}

// code is what of a card status update fits into an ARPC response code that is instructions.
func (c CSU) code(approved bool) (code [2]byte) {
	code[0], code[1] = byte(c.PINTryCounter()), byte(c.Counters())
	for _, b := range [...]struct {
		set  bool
		code byte
	}{{approved, codeApproves}, {c.Has(CSUUpdatePINTryCounter), codeSetsPIN}, {c.Has(CSUGoOnlineNext), codeOnline}} {
		if b.set {
			code[1] |= b.code
		}
	}
	return code
}

// The value of tag 91 (Book 2, 8.2): an ARPC of eight bytes and its two-byte code by method 1; an ARPC of four bytes, the card
// status update, and proprietary data if there are any, by method 2.
const (
	method1Length  = 8 + 2
	method2Length  = 4 + 4
	maxProprietary = 8 // Book 2, 8.2.2
)

// IssuerAuthenticationDataLength is how long the value of tag 91 may be.
func (v Version) IssuerAuthenticationDataLength() (least, most int) {
	if v.ARPCMethod() == 1 {
		return method1Length, method1Length
	}
	return method2Length, method2Length + maxProprietary
}

// WithoutPadding cuts what a fixed length in a CDOL has added to the value of tag 91: by method 2 all of it counts when the
// card status update says that proprietary data follow. The result is a part of value.
func (v Version) WithoutPadding(value []byte) []byte {
	n, _ := v.IssuerAuthenticationDataLength()
	if len(value) <= n || v.ARPCMethod() != 1 && CSU(value[4:]).Has(CSUProprietaryDataIncluded) {
		return value
	}
	return value[:n]
}

// IssuerAnswer is what the issuer tells the card with its authentication data (tag 91).
type IssuerAnswer struct {
	AuthorisationResponseCode [2]byte // tag 8A, method 1: "00" as two characters
	Approved                  bool    // method 2, and versions whose method 1 carries bits instead of the code
	CardStatusUpdate          CSU     // method 2, and what of it fits where the code is instructions; the approval bit is set from Approved
	Proprietary               []byte  // method 2: up to 8 bytes, none by default
}

// IssuerAuthenticationData builds the value of tag 91 that answers an ARQC (Book 2, 8.2): the ARPC, then what it covers.
func (s *Session) IssuerAuthenticationData(arqc [8]byte, a IssuerAnswer) ([]byte, error) {
	row := &suites[s.version]
	if row.arpcMethod == 1 {
		code := a.AuthorisationResponseCode
		if row.codeIsBits {
			code = a.CardStatusUpdate.code(a.Approved)
		}
		arpc := s.arpc1(arqc, code)
		return append(arpc[:], code[:]...), nil
	}
	if len(a.Proprietary) > maxProprietary {
		return nil, fmt.Errorf("security: %s: proprietary authentication data of %d bytes: want at most %d",
			row.name, len(a.Proprietary), maxProprietary)
	}
	csu := a.CardStatusUpdate
	csu[1] &^= byte(CSUIssuerApproves & 0xFF)
	if a.Approved {
		csu.Set(CSUIssuerApproves)
	}
	arpc := arpc2(s.arpc, arqc, csu, a.Proprietary)
	return append(append(arpc[:], csu[:]...), a.Proprietary...), nil
}

// VerifyIssuerAuthenticationData is the card's half: it checks the value of tag 91 against its own ARQC. A version whose
// method 1 carries the authorisation response code leaves Approved true: the code is the terminal's to judge (tag 8A).
// The error is ErrARPC when the cryptogram is wrong, another one when the length is (10 for method 1, 8 to 16 for 2).
func (s *Session) VerifyIssuerAuthenticationData(arqc [8]byte, data []byte) (a IssuerAnswer, err error) {
	row := &suites[s.version]
	least, most := s.version.IssuerAuthenticationDataLength()
	switch n := len(data); {
	case least == most && n != least:
		return a, fmt.Errorf("security: %s: tag 91: length %d: want %d", row.name, n, least)
	case n < least || n > most:
		return a, fmt.Errorf("security: %s: tag 91: length %d: want %d to %d", row.name, n, least, most)
	}
	if row.arpcMethod == 1 {
		code := [2]byte(data[8:])
		want := s.arpc1(arqc, code)
		if subtle.ConstantTimeCompare(want[:], data[:8]) != 1 {
			return a, ErrARPC
		}
		return IssuerAnswer{AuthorisationResponseCode: code, Approved: !row.codeIsBits || code[1]&codeApproves != 0}, nil
	}
	csu := CSU(data[4:8])
	want := arpc2(s.arpc, arqc, csu, data[8:])
	if subtle.ConstantTimeCompare(want[:], data[:4]) != 1 {
		return a, ErrARPC
	}
	return IssuerAnswer{CardStatusUpdate: csu, Approved: csu.Has(CSUIssuerApproves), Proprietary: data[8:]}, nil
}

func (s *Session) arpc1(arqc [8]byte, code [2]byte) [8]byte {
	if s.block == nil {
		s.block = mustTDES(s.arpcKey[:])
	}
	return arpc1(s.block, arqc, code)
}
