package clear

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/posim/posim/internal/crypt/keyblock"
)

// Reasons of key blocks, for errors.Is.
var (
	ErrKeyBlock        = keyblock.ErrFormat      // no key block
	ErrKeyBlockMAC     = keyblock.ErrMAC         // altered, or under another protection key
	ErrKeyBlockPayload = keyblock.ErrPayload     // a length that is not the algorithm's
	ErrKeyBlockVersion = keyblock.ErrUnsupported // version E
	ErrKeyStrength     = keyblock.ErrStrength    // stronger than its protection key
	ErrKeyBlockCheck   = keyblock.ErrCheckValue  // KC or KP is of another key
	ErrKeyUsage        = errors.New("wrong usage")
	ErrKeyMode         = errors.New("wrong mode of use")
)

// keyUsage is a usage of X9.143, and the modes of use that go with it. N, no restriction, goes with each. Where the standard was not at
// hand to say so, a usage takes every mode.
type keyUsage struct{ name, modes string }

// Modes that go together: of ciphers, of codes, of signatures, of derivation.
const (
	cipherModes = "BDE"
	codeModes   = "CGV"
	signModes   = "STV"
	deriveModes = "XY"
	anyMode     = cipherModes + "CGSTVXY" // of whatever the scheme wants
)

var keyUsages = map[string]keyUsage{
	"B0": {"base derivation key", deriveModes},
	"B1": {"initial DUKPT key", deriveModes},
	"B2": {"base key variant key", deriveModes},
	"B3": {"key derivation key", deriveModes},
	"C0": {"card verification key", codeModes},
	"D0": {"data encryption, symmetric", cipherModes},
	"D1": {"data encryption, asymmetric", cipherModes},
	"D2": {"data encryption of a decimalisation table", cipherModes},
	"D3": {"data encryption of sensitive data", cipherModes},
	"E0": {"EMV issuer master key: application cryptograms", anyMode},
	"E1": {"EMV issuer master key: secure messaging, confidentiality", anyMode},
	"E2": {"EMV issuer master key: secure messaging, integrity", anyMode},
	"E3": {"EMV issuer master key: data authentication code", anyMode},
	"E4": {"EMV issuer master key: dynamic numbers", anyMode},
	"E5": {"EMV issuer master key: card personalisation", anyMode},
	"E6": {"EMV issuer master key: other", anyMode},
	"E7": {"EMV master personalisation key", anyMode},
	"I0": {"initialisation vector", ""},
	"K0": {"key encryption or wrapping", cipherModes},
	"K1": {"key block protection key (X9.143)", cipherModes},
	"K2": {"asymmetric key of TR-34", anyMode},
	"K3": {"asymmetric key for key agreement or wrapping", anyMode},
	"K4": {"key block protection key (ISO 20038)", cipherModes},
	"M0": {"ISO 16609 MAC algorithm 1, TDES", codeModes},
	"M1": {"ISO 9797-1 MAC algorithm 1", codeModes},
	"M2": {"ISO 9797-1 MAC algorithm 2", codeModes},
	"M3": {"ISO 9797-1 MAC algorithm 3", codeModes},
	"M4": {"ISO 9797-1 MAC algorithm 4", codeModes},
	"M5": {"ISO 9797-1:1999 MAC algorithm 5", codeModes},
	"M6": {"ISO 9797-1:2011 MAC algorithm 5, CMAC", codeModes},
	"M7": {"HMAC", codeModes},
	"M8": {"ISO 9797-1:2011 MAC algorithm 6", codeModes},
	"P0": {"PIN encryption", cipherModes},
	"P1": {"PIN generation", anyMode},
	"S0": {"asymmetric key pair for signatures", signModes},
	"S1": {"asymmetric key pair of a certification authority", signModes},
	"S2": {"asymmetric key pair, not of X9.24", anyMode},
	"V0": {"PIN verification", anyMode},
	"V1": {"PIN verification, IBM 3624", anyMode},
	"V2": {"PIN verification, Visa PVV", anyMode},
	"V3": {"PIN verification, X9.132 algorithm 1", anyMode},
	"V4": {"PIN verification, X9.132 algorithm 2", anyMode},
	"V5": {"PIN verification, X9.132 algorithm 3", anyMode},
}

var keyAlgorithms = map[byte]string{
	'A': "AES", 'D': "DES", 'E': "elliptic curve", 'H': "HMAC", 'R': "RSA", 'S': "DSA", 'T': "TDES",
}

var keyModes = map[byte]string{
	'B': "encrypt and decrypt", 'C': "make and verify codes", 'D': "decrypt only", 'E': "encrypt only", 'G': "make codes only",
	'N': "no restriction", 'S': "sign only", 'T': "sign and decrypt", 'V': "verify only", 'X': "derive other keys", 'Y': "make key variants",
}

var exportabilities = map[byte]string{
	'E': "exportable under a trusted key", 'N': "not exportable", 'S': "sensitive: exportable under an untrusted key",
}

var protections = map[byte]string{
	'A': "TDES, key variants", 'B': "TDES, derived keys", 'C': "TDES, key variants", 'D': "AES, derived keys", 'E': "AES counter mode, derived keys",
}

// KeyBlockWords is a header in words. A code that X9.143 does not know is "not known here"; digits are left to whoever uses them.
type KeyBlockWords struct {
	Version, Usage, Algorithm, Mode, Exportability string
}

// HeaderWords says in words what a header says.
func HeaderWords(h KeyBlockHeader) KeyBlockWords {
	return KeyBlockWords{
		Version:       protections[h.Version], // a header that was read has no other
		Usage:         named(keyUsages[h.Usage].name, h.Usage),
		Algorithm:     named(keyAlgorithms[h.Algorithm], string(h.Algorithm)),
		Mode:          named(keyModes[h.Mode], string(h.Mode)),
		Exportability: named(exportabilities[h.Exportability], string(h.Exportability)),
	}
}

// proprietary tells whether a code is one that X9.143 keeps for proprietary use: digits only.
func proprietary(code string) bool { return strings.Trim(code, "0123456789") == "" }

func named(name, code string) string {
	switch {
	case name != "":
		return name
	case proprietary(code):
		return "proprietary"
	}
	return "not known here"
}

// CheckHeader is for a header that somebody makes: ErrKeyUsage for a usage that X9.143 does not know, or of another algorithm;
// ErrKeyMode for a mode of use that it does not know or that does not go with the usage; ErrName for the other codes. Proprietary
// codes pass.
func CheckHeader(h KeyBlockHeader) error {
	u, known := keyUsages[h.Usage]
	switch {
	case !known && !proprietary(h.Usage):
		return &Error{"header", ErrKeyUsage, h.Usage, "a usage of X9.143, or two digits"}
	case h.Usage == "M7" && h.Algorithm != 'H':
		return &Error{"header", ErrKeyUsage, "M7 of algorithm " + string(h.Algorithm), "M7 of algorithm H"}
	case proprietary(string(h.Mode)) || h.Mode == 'N':
	case keyModes[h.Mode] == "":
		return &Error{"header", ErrKeyMode, string(h.Mode), "a mode of X9.143, or a digit"}
	case known && strings.IndexByte(u.modes, h.Mode) < 0:
		return &Error{"header", ErrKeyMode, string(h.Mode) + " with usage " + h.Usage, strings.Join(append(strings.Split(u.modes, ""), "N"), ", ")}
	}
	if keyAlgorithms[h.Algorithm] == "" && !proprietary(string(h.Algorithm)) {
		return &Error{"header", ErrName, "algorithm " + string(h.Algorithm), "A, D, E, H, R, S, T or a digit"}
	}
	if exportabilities[h.Exportability] == "" {
		return &Error{"header", ErrName, "exportability " + string(h.Exportability), "E, N or S"}
	}
	return nil
}

// ParseKeyBlockHeader reads a header that stands alone, as WrapKeyBlock takes it.
func ParseKeyBlockHeader(text string) (KeyBlockHeader, error) {
	h, err := keyblock.ParseHeader(text)
	return h, inField("header", err)
}

// KeyBlockOptional is a fact about the key beyond the fixed part of a header.
type KeyBlockOptional = keyblock.Optional

// OptionalWords says in words what an optional block is and what it says; the second is empty where the value speaks for itself or
// is not known.
func OptionalWords(o KeyBlockOptional) (name, value string) {
	if name = o.Name(); name == "" {
		return named("", o.ID), ""
	}
	switch o.ID {
	case "AL":
		if static, err := o.StaticKey(); err == nil {
			value = map[bool]string{true: "kept", false: "made for one use"}[static]
		}
	case "BI":
		if b, err := o.BaseKeyID(); err == nil {
			value = fmt.Sprintf("%s DUKPT, %X", map[bool]string{true: "AES", false: "TDES"}[b.AES], b.ID)
		}
	case "DA":
		value = derivationWords(o)
	case "HM":
		value, _ = o.Hash() // "" if it is not known
	case "KC", "KP", "PK":
		if c, err := o.CheckValue(); err == nil {
			value = fmt.Sprintf("%s %X", map[bool]string{true: "CMAC", false: "legacy"}[c.CMAC], c.Value)
		}
	case "TC", "TS":
		if t, err := o.Time(); err == nil {
			value = t.Format(time.RFC3339)
		}
	case "WP":
		if p, err := o.Pedigree(); err == nil {
			value = pedigrees[p]
		}
	}
	return name, value
}

var pedigrees = [...]string{
	keyblock.PedigreeStrong:         "always under keys at least as strong",
	keyblock.PedigreeWeaker:         "once under a weaker key",
	keyblock.PedigreeAsymmetric:     "once under an asymmetric key",
	keyblock.PedigreeAsymmetricWeak: "once under a weaker and an asymmetric key",
}

func derivationWords(o KeyBlockOptional) string {
	all, err := o.Derivations()
	if err != nil {
		return ""
	}
	var words []string
	for _, d := range all {
		words = append(words, fmt.Sprintf("%s (%s), algorithm %c, mode %c, exportability %c", d.Usage, named(keyUsages[d.Usage].name, d.Usage), d.Algorithm, d.Mode, d.Exportability))
	}
	return strings.Join(words, "; ")
}
