package keyblock

import (
	"encoding/base64"
	"errors"
)

// Identifiers of the optional blocks whose value has a structure (X9.143, 6.3.6, table 7).
const (
	idKeyLife     = "AL"
	idBaseKey     = "BI"
	idCertificate = "CT"
	idDerivations = "DA"
	idHash        = "HM"
	idInitialKey  = "IK"
	idKeyCheck    = "KC"
	idProtection  = "KP"
	idKSN         = "KS"
	idPadding     = "PB"
	idExportCheck = "PK"
	idCreated     = "TC"
	idTimestamp   = "TS"
	idPedigree    = "WP"
)

// Name says in words what a known optional block is; it is empty for others.
func (o Optional) Name() string {
	switch o.ID {
	case idKeyLife:
		return "asymmetric key life"
	case idBaseKey:
		return "base derivation key identifier"
	case idCertificate:
		return "public key certificate"
	case idDerivations:
		return "derivations allowed"
	case "FL":
		return "flags"
	case idHash:
		return "hash algorithm for HMAC"
	case idInitialKey:
		return "initial key identifier"
	case idKeyCheck:
		return "check value of the key"
	case idProtection:
		return "check value of the protection key"
	case idKSN:
		return "initial key serial number"
	case "KV":
		return "key block values"
	case "LB":
		return "label"
	case idPadding:
		return "padding"
	case idExportCheck:
		return "check value of the export protection key"
	case idCreated:
		return "time of creation"
	case idTimestamp:
		return "time stamp"
	case idPedigree:
		return "wrapping pedigree"
	}
	return ""
}

// Valid tells whether the value of a known block has its structure. Wrap writes no other; blocks that are not known are valid.
// The errors say what was expected and do not name the block.
func (o Optional) Valid() (err error) {
	switch o.ID {
	case idKSN:
		_, err = o.KSN()
	case idCreated, idTimestamp:
		_, err = o.Time()
	default:
		err = o.readable()
	}
	return err
}

// readable is Valid for what is read. It lets pass what is found in the field, in print even (X9.143, 8.2): serial numbers that
// are short or no number, and times without their zone. Their methods say so when they are asked.
func (o Optional) readable() (err error) {
	switch o.ID {
	case idKeyLife:
		if o.current(versionKeyLife) {
			_, err = o.StaticKey()
		}
	case idBaseKey:
		_, err = o.BaseKeyID()
	case idCertificate:
		err = o.validCertificate()
	case idDerivations:
		if o.current(versionDerivations) {
			_, err = o.Derivations()
		}
	case idHash:
		if !isHex(o.Data, 2) {
			err = errors.New("want 2 hexadecimal digits, upper case")
		}
	case idInitialKey:
		_, err = o.InitialKeyID()
	case idKeyCheck, idProtection, idExportCheck:
		_, err = o.CheckValue()
	case idPedigree:
		if o.current(versionPedigree) {
			_, err = o.Pedigree()
		}
	}
	return err
}

// Versions of the blocks that have one in their first two characters. What another version looks like is not known here, so
// such a block is kept as it is.
const (
	versionKeyLife     = "01"
	versionDerivations = "01"
	versionPedigree    = "00"
)

// current tells whether a block is of a version, or too short to have one.
func (o Optional) current(version string) bool {
	return len(o.Data) < 2 || o.Data[:2] == version
}

// validCertificate checks a certificate's format, and that it is base64 text. How a chain (02) is divided is not read here.
func (o Optional) validCertificate() error {
	format, data := cut(o.Data)
	switch format {
	case "00", "01":
		if _, err := base64.StdEncoding.Strict().DecodeString(data); err != nil || data == "" {
			return errors.New("want a certificate in base64")
		}
		return nil
	case "02":
		return nil
	}
	return errors.New("format: want 00, 01 or 02")
}

// cut divides data after its first two characters.
func cut(data string) (head, rest string) {
	if len(data) < 2 {
		return data, ""
	}
	return data[:2], data[2:]
}

// isHex tells whether text is n hexadecimal digits.
func isHex(text string, n int) bool { return len(text) == n && hexEnd(text) == n }
