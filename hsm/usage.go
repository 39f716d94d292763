package hsm

import (
	"errors"
	"fmt"
	"strings"
)

// Usage says what a key is for, by its ANSI X9.143 (TR-31) code. A key's usage never changes.
type Usage string

// The usages the module knows.
const (
	TerminalMaster  Usage = "K0" // wraps session keys (terminal or zone master key): TDES, 16 or 24 bytes
	PINEncryption   Usage = "P0" // enciphers PIN blocks on a line: TDES, 16 or 24 bytes
	MAC             Usage = "M3" // retail MAC, ISO 9797-1 algorithm 3: TDES, 16 bytes
	IssuerMasterAC  Usage = "E0" // issuer master key for application cryptograms (EMV): TDES, 16 bytes
	IssuerMasterSMC Usage = "E1" // issuer master key for secure messaging, confidentiality (EMV): TDES, 16 bytes
	IssuerMasterSMI Usage = "E2" // issuer master key for secure messaging, integrity (EMV): TDES, 16 bytes
	DataEncryption  Usage = "D0" // seals stored data: AES-256
	PINVerification Usage = "V0" // makes the issuer's PIN references: TDES, 16 or 24 bytes
)

// Errors that a caller tests with errors.Is.
var (
	ErrTampered   = errors.New("hsm: module is tampered: its keys are gone")
	ErrKey        = errors.New("hsm: no such key in this module")
	ErrUsage      = errors.New("hsm: wrong key usage")
	ErrWeakKey    = errors.New("hsm: weak key, or equal parts")
	ErrCheckValue = errors.New("hsm: check value does not match")
	ErrFull       = errors.New("hsm: no free key slot")
	ErrMAC        = errors.New("hsm: MAC does not verify")
	ErrPIN        = errors.New("hsm: PIN does not verify")
	ErrPINBlock   = errors.New("hsm: PIN block is not usable") // whatever is wrong with it
	ErrNoPIN      = errors.New("hsm: keypad holds no entered PIN")
	ErrCryptogram = errors.New("hsm: application cryptogram does not verify")
	ErrSealed     = errors.New("hsm: sealed data does not open")
)

// UsageError tells which usage an operation needs and which the key has. It is ErrUsage.
type UsageError struct {
	Need  []Usage // any of them
	Found Usage
}

// Error names both usages.
func (e *UsageError) Error() string {
	var need []string
	for _, u := range e.Need {
		need = append(need, string(u))
	}
	return fmt.Sprintf("%v: need %s, found %s", ErrUsage, strings.Join(need, " or "), e.Found)
}

// Is makes errors.Is(err, ErrUsage) true.
func (e *UsageError) Is(target error) bool { return target == ErrUsage }

// rule is what a usage allows.
type rule struct {
	usage    Usage
	name     string
	lengths  []int // bytes of a clear key
	aes      bool
	exchange bool // may travel under a master key
}

// rules is the table of usages; the key lengths and what may leave the module, wrapped, are decided only here. It never
// changes.
var rules = [...]rule{
	{TerminalMaster, "terminal master key", []int{16, 24}, false, false},
	{PINEncryption, "PIN encryption key", []int{16, 24}, false, true},
	{MAC, "MAC key", []int{16}, false, true},
	{IssuerMasterAC, "issuer master key", []int{16}, false, false},
	{IssuerMasterSMC, "issuer master key for script encipherment", []int{16}, false, false},
	{IssuerMasterSMI, "issuer master key for script MACs", []int{16}, false, false},
	{DataEncryption, "data encryption key", []int{32}, true, false},
	{PINVerification, "PIN verification key", []int{16, 24}, false, false},
}

func (u Usage) rule() (rule, error) {
	for _, r := range &rules {
		if r.usage == u {
			return r, nil
		}
	}
	return rule{}, fmt.Errorf("hsm: unknown key usage %q", string(u))
}

// allows tells whether a clear key may have n bytes.
func (r rule) allows(n int) error {
	for _, want := range r.lengths {
		if n == want {
			return nil
		}
	}
	return fmt.Errorf("hsm: %s (%s) of %d bytes: want %s", r.name, r.usage, n, strings.Trim(fmt.Sprint(r.lengths), "[]"))
}
