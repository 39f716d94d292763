package keyblock

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// KSN reads KS: the initial key serial number of a TDES DUKPT key (X9.24-3, C.2.3).
func (o Optional) KSN() (ksn [10]byte, err error) {
	if err := o.is("serial number", idKSN); err != nil {
		return ksn, err
	}
	if !isHex(o.Data, 20) {
		return ksn, errors.New("want a key serial number of 20 hexadecimal digits, upper case")
	}
	unhex(ksn[:], o.Data)
	return ksn, nil
}

// NewKSN makes KS.
func NewKSN(ksn [10]byte) Optional { return Optional{idKSN, string(appendHex(nil, ksn[:]))} }

// InitialKeyID reads IK: the identifier of an AES DUKPT initial key (X9.24-3, 4.17).
func (o Optional) InitialKeyID() (id [8]byte, err error) {
	if err := o.is("initial key identifier", idInitialKey); err != nil {
		return id, err
	}
	if !isHex(o.Data, 16) {
		return id, errors.New("want an initial key identifier of 16 hexadecimal digits, upper case")
	}
	unhex(id[:], o.Data)
	return id, nil
}

// NewInitialKeyID makes IK.
func NewInitialKeyID(id [8]byte) Optional {
	return Optional{idInitialKey, string(appendHex(nil, id[:]))}
}

// BaseKeyID is what BI holds: which base derivation key a DUKPT key comes from.
type BaseKeyID struct {
	AES bool   // or TDES
	ID  []byte // the BDK identifier of AES, 4 bytes; the key set identifier of TDES, 5 bytes
}

// BaseKeyID reads BI (X9.143, 6.3.6.2, table 9).
func (o Optional) BaseKeyID() (b BaseKeyID, err error) {
	if err := o.is("base derivation key identifier", idBaseKey); err != nil {
		return b, err
	}
	kind, id := cut(o.Data)
	switch {
	case kind == "00" && isHex(id, 10):
	case kind == "01" && isHex(id, 8):
		b.AES = true
	default:
		return b, errors.New("want 00 and 10 hexadecimal digits (TDES) or 01 and 8 (AES), upper case")
	}
	b.ID = make([]byte, len(id)/2)
	unhex(b.ID, id)
	return b, nil
}

// CheckValue is what KC, KP and PK hold: the check value of the key, of the protection key, or of that for export.
type CheckValue struct {
	CMAC  bool   // the CMAC of a zero block, or the legacy way, an encrypted zero block
	Value []byte // its first bytes: up to 5 for CMAC, up to 3 for the legacy way
}

// CheckValue reads KC, KP or PK (X9.143, 6.3.6.7, table 15).
func (o Optional) CheckValue() (c CheckValue, err error) {
	if err := o.is("check value", idKeyCheck, idProtection, idExportCheck); err != nil {
		return c, err
	}
	way, value := cut(o.Data)
	n, longest := len(value), 6
	if c.CMAC = way == "01"; c.CMAC {
		longest = 10
	}
	if !c.CMAC && way != "00" || n < 2 || n > longest || n%2 != 0 || !isHex(value, n) {
		return CheckValue{}, errors.New("want 00 and 2 to 6 hexadecimal digits, or 01 and 2 to 10, upper case, of whole bytes")
	}
	c.Value = make([]byte, n/2)
	unhex(c.Value, value)
	return c, nil
}

// Certificate is what CT holds: the certificate of the public key that belongs to a private key.
type Certificate struct {
	EMV   bool   // or X.509
	Bytes []byte // DER, or the EMV certificate
}

// Certificate reads CT with one certificate (X9.143, 6.3.6.3, tables 10 and 11). A chain is an error.
func (o Optional) Certificate() (c Certificate, err error) {
	if err := o.is("certificate", idCertificate); err != nil {
		return c, err
	}
	if err := o.validCertificate(); err != nil {
		return c, err
	}
	format, data := cut(o.Data)
	if format == "02" {
		return c, errors.New("a chain of certificates: want one")
	}
	c.EMV = format == "01"
	c.Bytes, err = base64.StdEncoding.Strict().DecodeString(data)
	return c, err
}

// Hash reads HM: the name of the hash of an HMAC key, as "SHA-256" (X9.143, 6.3.6.5, table 13).
func (o Optional) Hash() (string, error) {
	if err := o.is("hash algorithm", idHash); err != nil {
		return "", err
	}
	switch o.Data {
	case "10":
		return "SHA-1", nil
	case "20":
		return "SHA-224", nil
	case "21":
		return "SHA-256", nil
	case "22":
		return "SHA-384", nil
	case "23":
		return "SHA-512", nil
	case "24":
		return "SHA-512/224", nil
	case "25":
		return "SHA-512/256", nil
	case "30":
		return "SHA3-224", nil
	case "31":
		return "SHA3-256", nil
	case "32":
		return "SHA3-384", nil
	case "33":
		return "SHA3-512", nil
	case "40":
		return "SHAKE128", nil
	case "41":
		return "SHAKE256", nil
	}
	return "", errors.New("want the code of a hash: 10, 20 to 25, 30 to 33, 40 or 41")
}

// Pedigree is what WP holds: what has protected the key so far.
type Pedigree uint8

// The pedigrees.
const (
	PedigreeStrong         Pedigree = iota // always keys at least as strong as itself
	PedigreeWeaker                         // once a weaker key
	PedigreeAsymmetric                     // once an asymmetric key, which a quantum computer may break
	PedigreeAsymmetricWeak                 // both
)

// Pedigree reads WP (X9.143, 6.3.6.15, table 23).
func (o Optional) Pedigree() (Pedigree, error) {
	if err := o.is("wrapping pedigree", idPedigree); err != nil {
		return 0, err
	}
	version, data := cut(o.Data)
	if version != versionPedigree || len(data) != 1 || data[0] < '0' || data[0] > '3' {
		return 0, errors.New("want 00 and a digit, 0 to 3")
	}
	return Pedigree(data[0] - '0'), nil
}

// StaticKey reads AL: whether an asymmetric key is kept, or made for one use (X9.143, 6.3.6.1, table 8).
func (o Optional) StaticKey() (bool, error) {
	if err := o.is("asymmetric key life", idKeyLife); err != nil {
		return false, err
	}
	version, life := cut(o.Data)
	if version != versionKeyLife || life != "00" && life != "01" {
		return false, errors.New("want 01, and 00 (ephemeral) or 01 (static)")
	}
	return life == "01", nil
}

// Derivation is one that DA allows: the attributes a derived key may have.
type Derivation struct {
	Usage                          string
	Algorithm, Mode, Exportability byte
}

// Derivations reads DA: what may be derived from a derivation key (X9.143, 6.3.6.4, table 12).
func (o Optional) Derivations() ([]Derivation, error) {
	if err := o.is("derivations allowed", idDerivations); err != nil {
		return nil, err
	}
	version, data := cut(o.Data)
	if version != versionDerivations || len(data) == 0 || len(data)%5 != 0 {
		return nil, errors.New("want 01 and five characters for each derivation")
	}
	var all []Derivation
	for ; data != ""; data = data[5:] {
		for i := range 5 {
			if !alphanumeric(data[i]) {
				return nil, fmt.Errorf("derivation %d: want A-Z and 0-9", len(all)+1)
			}
		}
		all = append(all, Derivation{data[:2], data[2], data[3], data[4]})
	}
	return all, nil
}

// timeLayouts are the four ways to write a time, all of UTC (X9.143, 6.3.6.13, table 21).
var timeLayouts = map[int]string{
	15: "20060102150405Z",
	17: "20060102150405Z", // with hundredths, which the layout language cannot say
	20: "2006-01-02T15:04:05Z",
	23: "2006-01-02T15:04:05.00Z",
}

// Time reads TS, when the block was made, or TC, when the key was.
func (o Optional) Time() (t time.Time, err error) {
	if err := o.is("time", idTimestamp, idCreated); err != nil {
		return t, err
	}
	text, hundredths := o.Data, 0
	if len(text) == 17 {
		n, ok := decimal(text[14:16])
		if !ok {
			return t, errTime
		}
		text, hundredths = text[:14]+text[16:], n
	}
	layout, known := timeLayouts[len(o.Data)]
	if !known {
		return t, errTime
	}
	if t, err = time.Parse(layout, text); err != nil {
		return t, errTime
	}
	return t.Add(time.Duration(hundredths) * 10 * time.Millisecond), nil
}

var errTime = errors.New("want a time of UTC as YYYYMMDDhhmmssZ or YYYY-MM-DDThh:mm:ssZ, with or without hundredths")

// is refuses to read a block as another.
func (o Optional) is(what string, ids ...string) error {
	for _, id := range ids {
		if o.ID == id {
			return nil
		}
	}
	return fmt.Errorf("optional block %q holds no %s", o.ID, what)
}
