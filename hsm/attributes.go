package hsm

import (
	"fmt"
	"slices"
	"strings"
)

// Usage says what a key is for, by its ANSI X9.143 (TR-31) code. Codes of two digits are private ones (X9.143, 6.3).
type Usage string

// The usages the module knows.
const (
	BaseDerivation        Usage = "B0" // BDK: a host derives the keys of DUKPT devices from it
	InitialKey            Usage = "B1" // DUKPT initial key; what is stored of it are the future keys
	CardVerification      Usage = "C0" // CVK: card verification values
	DataEncryption        Usage = "D0" // enciphers data on a line
	IssuerMasterAC        Usage = "E0" // issuer master key for application cryptograms (EMV)
	IssuerMasterSMC       Usage = "E1" // ... for secure messaging, confidentiality
	IssuerMasterSMI       Usage = "E2" // ... for secure messaging, integrity
	IssuerMasterDAC       Usage = "E3" // ... for data authentication codes; kept and exchanged, nothing here computes with it
	IssuerMasterDynamic   Usage = "E4" // ... for dynamic numbers: dCVV, CVC3
	IssuerPersonalisation Usage = "E5" // ... for card personalisation; kept and exchanged, nothing here computes with it
	IssuerMasterOther     Usage = "E6" // ... other; kept and exchanged, nothing here computes with it
	KeyEncryption         Usage = "K0" // wraps keys as plain cryptograms: a terminal or zone master key
	KeyBlockProtection    Usage = "K1" // KBPK: wraps keys as TR-31 key blocks
	MACAlgorithm1         Usage = "M1" // ISO 9797-1 algorithm 1 (X9.9)
	MACAlgorithm3         Usage = "M3" // ISO 9797-1 algorithm 3 (X9.19)
	CMAC                  Usage = "M6" // ISO 9797-1 algorithm 5 (CMAC)
	HMAC                  Usage = "M7" // HMAC with SHA-256
	PINEncryption         Usage = "P0" // enciphers PIN blocks on a line
	PINVerification       Usage = "V0" // makes this module's own PIN references
	PINVerification3624   Usage = "V1" // IBM 3624 PINs and offsets
	PINVerificationVisa   Usage = "V2" // Visa PVVs
	XORMAC                Usage = "90" // the MAC of UnionPay terminals (private code)
	Sealing               Usage = "91" // seals stored data (private code)
)

// Algorithm is what cipher a key is for, by its X9.143 code. A digit is a private one.
type Algorithm byte

// The algorithms the module knows.
const (
	AES           Algorithm = 'A'
	DES           Algorithm = 'D'
	AlgorithmHMAC Algorithm = 'H' // HMAC
	TDES          Algorithm = 'T'
	SM4           Algorithm = '4' // private code
)

// String is the algorithm's name.
func (a Algorithm) String() string {
	switch a {
	case AES:
		return "AES"
	case DES:
		return "DES"
	case AlgorithmHMAC:
		return "HMAC"
	case TDES:
		return "TDES"
	case SM4:
		return "SM4"
	}
	return fmt.Sprintf("Algorithm(%q)", byte(a))
}

// Mode says which direction of its operation a key may be used in, by its X9.143 code.
type Mode byte

// The modes.
const (
	EncryptDecrypt Mode = 'B'
	GenerateVerify Mode = 'C'
	DecryptOnly    Mode = 'D'
	EncryptOnly    Mode = 'E'
	GenerateOnly   Mode = 'G'
	NoRestriction  Mode = 'N'
	VerifyOnly     Mode = 'V'
	DeriveOnly     Mode = 'X'
)

// Exportability says how a key may leave the module, by its X9.143 code.
type Exportability byte

// The exportabilities.
const (
	Exportable    Exportability = 'E' // in a key block only
	NonExportable Exportability = 'N'
	Sensitive     Exportability = 'S' // in a key block, or as a plain cryptogram with a check value (Module.Export)
)

// Attributes say what a key is and what it may be used for. They are fixed when the key is made. Fields left zero take what
// is usual for the usage: TDES (Sealing AES, HMAC HMAC), the widest mode, and Sensitive for session keys, NonExportable for
// others.
type Attributes struct {
	Usage         Usage
	Algorithm     Algorithm
	Mode          Mode
	Exportability Exportability
}

// String is the attributes by their codes: "P0 T B S".
func (a Attributes) String() string {
	return fmt.Sprintf("%s %c %c %c", string(a.Usage), a.Algorithm, a.Mode, a.Exportability)
}

// rule is what a usage allows.
type rule struct {
	usage   Usage
	name    string
	lengths []length
	modes   string        // the first is the default
	export  Exportability // the default; Sensitive: of a session key, which may travel as a plain cryptogram
}

// length is an algorithm and how long its clear keys may be, in bytes.
type length struct {
	algorithm Algorithm
	bytes     []int
}

var (
	lengthTDES16 = length{TDES, []int{16}}
	lengthTDES   = length{TDES, []int{16, 24}}
	lengthDES    = length{DES, []int{8}}
	lengthAES    = length{AES, []int{16, 24, 32}}
	lengthSM4    = length{SM4, []int{16}}
)

// rules is the table of usages; the algorithms, key lengths, modes and what may leave the module are decided only here. The
// first algorithm and the first length are the default. It never changes.
var rules = [...]rule{
	{BaseDerivation, "base derivation key", []length{lengthTDES16, lengthAES}, "XN", NonExportable},
	{InitialKey, "DUKPT initial key", []length{lengthTDES16, lengthAES}, "XN", NonExportable},
	{CardVerification, "card verification key", []length{lengthTDES16}, "CGVN", NonExportable},
	{DataEncryption, "data encryption key", []length{lengthTDES, lengthAES, lengthSM4}, "BEDN", Sensitive},
	{IssuerMasterAC, "issuer master key", []length{lengthTDES16}, "XN", NonExportable},
	{IssuerMasterSMC, "issuer master key for script encipherment", []length{lengthTDES16}, "XN", NonExportable},
	{IssuerMasterSMI, "issuer master key for script MACs", []length{lengthTDES16}, "XN", NonExportable},
	{IssuerMasterDAC, "issuer master key for data authentication codes", []length{lengthTDES16}, "XN", NonExportable},
	{IssuerMasterDynamic, "issuer master key for dynamic numbers", []length{lengthTDES16}, "XN", NonExportable},
	{IssuerPersonalisation, "issuer key for personalisation", []length{lengthTDES16}, "XNBED", NonExportable},
	{IssuerMasterOther, "issuer master key for other uses", []length{lengthTDES16}, "XN", NonExportable},
	{KeyEncryption, "master key", []length{lengthTDES, lengthAES, lengthSM4}, "BEDN", NonExportable},
	{KeyBlockProtection, "key block protection key", []length{lengthTDES, lengthAES}, "BEDN", NonExportable},
	{MACAlgorithm1, "MAC key (algorithm 1)", []length{lengthTDES16, lengthDES, lengthAES}, "CGVN", Sensitive},
	{MACAlgorithm3, "MAC key", []length{lengthTDES16}, "CGVN", Sensitive},
	{CMAC, "CMAC key", []length{lengthTDES, lengthAES, lengthSM4}, "CGVN", Sensitive},
	{HMAC, "HMAC key", []length{{AlgorithmHMAC, []int{16, 24, 32}}}, "CGVN", Sensitive},
	{PINEncryption, "PIN encryption key", []length{lengthTDES, lengthAES, lengthSM4}, "BEDN", Sensitive},
	{PINVerification, "PIN reference key", []length{lengthTDES}, "CGVN", NonExportable},
	{PINVerification3624, "IBM 3624 PIN key", []length{lengthTDES}, "CGVN", NonExportable},
	{PINVerificationVisa, "PVV key", []length{lengthTDES16}, "CGVN", NonExportable},
	{XORMAC, "XOR MAC key", []length{lengthTDES16, lengthDES, lengthSM4}, "CGVN", Sensitive},
	{Sealing, "sealing key", []length{{AES, []int{32}}}, "BN", NonExportable},
}

// Usages lists the codes of all usages the module knows.
func Usages() []Usage {
	var all []Usage
	for i := range rules {
		all = append(all, rules[i].usage)
	}
	return all
}

// Name says in words what the usage is for; "" for one that the module does not know.
func (u Usage) Name() string {
	if r := u.rule(); r != nil {
		return r.name
	}
	return ""
}

func (u Usage) rule() *rule {
	for i := range rules {
		if rules[i].usage == u {
			return &rules[i]
		}
	}
	return nil
}

// complete fills in what is usual and refuses what the usage does not allow.
func (a Attributes) complete() (Attributes, *rule, error) {
	r := a.Usage.rule()
	if r == nil {
		return a, nil, fmt.Errorf("%w: unknown key usage %q: want one of %v", ErrAttributes, string(a.Usage), Usages())
	}
	if a.Algorithm == 0 {
		a.Algorithm = r.lengths[0].algorithm
	}
	if a.Mode == 0 {
		a.Mode = Mode(r.modes[0])
	}
	if a.Exportability == 0 {
		a.Exportability = r.export
	}
	switch {
	case r.bytes(a.Algorithm) == nil:
		return a, nil, fmt.Errorf("%w: %s (%s): algorithm %v: want %s", ErrAttributes, r.name, r.usage, a.Algorithm, r.algorithms())
	case !strings.ContainsRune(r.modes, rune(a.Mode)):
		return a, nil, fmt.Errorf("%w: %s (%s): mode %q: want one of %s", ErrAttributes, r.name, r.usage, byte(a.Mode), r.modes)
	case !strings.ContainsRune("ENS", rune(a.Exportability)):
		return a, nil, fmt.Errorf("%w: %s (%s): exportability %q: want one of ENS", ErrAttributes, r.name, r.usage, byte(a.Exportability))
	}
	return a, r, nil
}

// bytes are the lengths a key for algorithm a may have; nil: the usage has no such keys.
func (r *rule) bytes(a Algorithm) []int {
	for _, l := range r.lengths {
		if l.algorithm == a {
			return l.bytes
		}
	}
	return nil
}

func (r *rule) algorithms() string {
	var names []string
	for _, l := range r.lengths {
		names = append(names, l.algorithm.String())
	}
	return strings.Join(names, " or ")
}

// allows tells whether a clear key may have n bytes.
func (r *rule) allows(a Algorithm, n int) error {
	if lengths := r.bytes(a); !slices.Contains(lengths, n) {
		return fmt.Errorf("%w: %s (%s), %v, of %d bytes: want %s", ErrKeyLength, r.name, r.usage, a, n, strings.Trim(fmt.Sprint(lengths), "[]"))
	}
	return nil
}
