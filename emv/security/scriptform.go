package security

import (
	"crypto/cipher"
	"fmt"
	"io"

	"github.com/posim/posim/internal/crypt"
)

// ScriptForm is how a chip specification secures issuer scripts: which session keys, and how a new PIN travels. The zero
// value is none.
type ScriptForm uint8

// The forms.
const (
	// ScriptVisa takes its session keys from the ATC, see ScriptSessionKeyFromATC. A PIN is a block that is mixed with the
	// card's key and perhaps the current PIN, has its length in front, and is enciphered by ECB.
	ScriptVisa ScriptForm = iota + 1
	// ScriptMChip takes the common session keys by the cryptogram. A PIN is an ISO 9564-1 format 2 block enciphered by ECB.
	ScriptMChip
	// ScriptCommonCore is that of EMV's Common Core Definitions: as ScriptMChip, but padded, and enciphered by CBC.
	ScriptCommonCore
	// ScriptUnionPay encrypts the ATC for its session keys, as CUPCVN01 does for the cryptogram's; a PIN is as under
	// ScriptVisa. No known answer from outside proves the form, only its parts.
	ScriptUnionPay

	endOfForms
)

type scriptRow struct {
	name    string
	key     func(m *MasterKey, atc [2]byte, ac [8]byte) [doubleLength]byte
	visaPIN bool // the PIN block is mixed with key and current PIN, and its length is in front
	pad     bool // always padded; else only where blocks are not whole
	chained bool // CBC with zeros in front, else ECB
}

var scriptForms = [endOfForms]scriptRow{
	ScriptVisa:       {name: "visa", key: scriptKeyFromATC, visaPIN: true},
	ScriptMChip:      {name: "mchip", key: scriptKeyFromCryptogram},
	ScriptCommonCore: {name: "common-core", key: scriptKeyFromCryptogram, pad: true, chained: true},
	ScriptUnionPay:   {name: "unionpay", key: scriptKeyOfATC, visaPIN: true},
}

func scriptKeyFromATC(m *MasterKey, atc [2]byte, _ [8]byte) [doubleLength]byte {
	return [doubleLength]byte(ScriptSessionKeyFromATC(m.key[:], atc[:]))
}

func scriptKeyFromCryptogram(m *MasterKey, _ [2]byte, ac [8]byte) [doubleLength]byte {
	return commonSession(m.block, ac)
}

func scriptKeyOfATC(m *MasterKey, atc [2]byte, _ [8]byte) [doubleLength]byte {
	return atcSession(m.block, atc)
}

// String is the form's name.
func (f ScriptForm) String() string {
	if f == 0 || f >= endOfForms {
		return "no script form"
	}
	return scriptForms[f].name
}

// ScriptForm is the form of the version's chip specification, 0 for the zero Version.
func (v Version) ScriptForm() ScriptForm { return v.row().script }

// ScriptKeys are a card's master keys as far as scripts need them. They print nothing of themselves.
type ScriptKeys struct {
	MAC          *MasterKey // derived from the issuer's key for message integrity
	Encipherment *MasterKey // from its key for message confidentiality; nil: the session cannot change a PIN
	Cryptogram   *MasterKey // from its key for cryptograms: some forms mix it into a PIN block, the others need none
	MACLength    int        // bytes of the MAC that a command carries, 4 to 8; 0: 8
}

// ScriptSession secures the script commands of one transaction, on the issuer's side and the card's. It prints nothing of its
// keys. Each command has a MAC of its own: there is no chaining from one command of a script to the next.
type ScriptSession struct {
	form      ScriptForm
	mac       *crypt.RetailMAC
	cipher    cipher.Block // nil: no encipherment
	atc       [2]byte
	ac        [8]byte
	mixed     *MasterKey // nil: none was given, or none is needed
	macLength int
}

// ScriptSession is the session of a transaction's scripts in the version's form. atc and ac are its transaction counter
// and its first cryptogram, the ARQC.
func (v Version) ScriptSession(k ScriptKeys, atc [2]byte, ac [8]byte) (*ScriptSession, error) {
	if _, err := v.suite(); err != nil {
		return nil, err
	}
	return v.ScriptForm().Session(k, atc, ac)
}

// Session is as Version.ScriptSession, for a form that is known by itself.
func (f ScriptForm) Session(k ScriptKeys, atc [2]byte, ac [8]byte) (*ScriptSession, error) {
	if f == 0 || f >= endOfForms {
		return nil, fmt.Errorf("security: script session: no script form %d", uint8(f))
	}
	if k.MACLength == 0 {
		k.MACLength = 8
	}
	switch {
	case k.MAC == nil:
		return nil, fmt.Errorf("security: %v script session: no master key for MACs", f)
	case k.MACLength < 4 || k.MACLength > 8: // Book 2, 9.2.3
		return nil, fmt.Errorf("security: %v script session: MAC of %d bytes: want 4 to 8", f, k.MACLength)
	}
	row := &scriptForms[f]
	s := &ScriptSession{form: f, atc: atc, ac: ac, macLength: k.MACLength}
	key := row.key(k.MAC, atc, ac)
	mac, err := crypt.NewRetailMAC(key[:])
	if err != nil {
		return nil, fmt.Errorf("security: %v script session: %w", f, err)
	}
	s.mac = mac
	if k.Encipherment != nil {
		key := row.key(k.Encipherment, atc, ac)
		s.cipher = mustTDES(key[:])
	}
	if row.visaPIN {
		s.mixed = k.Cryptogram
	}
	return s, nil
}

// Format prints the type's name for every verb.
func (s *ScriptSession) Format(f fmt.State, _ rune) { io.WriteString(f, "script session keys") }

// Format prints the type's name for every verb.
func (k ScriptKeys) Format(f fmt.State, _ rune) { io.WriteString(f, "script master keys") }
