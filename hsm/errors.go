package hsm

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that a caller tests with errors.Is.
var (
	ErrTampered       = errors.New("hsm: module is tampered: its keys are gone")
	ErrKey            = errors.New("hsm: no such key in this module")
	ErrUsage          = errors.New("hsm: wrong key usage")
	ErrMode           = errors.New("hsm: wrong key mode")
	ErrExport         = errors.New("hsm: key may not leave the module like this")
	ErrAttributes     = errors.New("hsm: key attributes are not usable")
	ErrKeyLength      = errors.New("hsm: wrong key length")
	ErrParity         = errors.New("hsm: key has wrong parity")
	ErrWeakKey        = errors.New("hsm: weak key, or equal parts")
	ErrCheckValue     = errors.New("hsm: check value does not match")
	ErrKeyBlock       = errors.New("hsm: key block is not usable")
	ErrFull           = errors.New("hsm: no free key slot")
	ErrMAC            = errors.New("hsm: MAC does not verify")
	ErrPIN            = errors.New("hsm: PIN does not verify")
	ErrPINBlock       = errors.New("hsm: PIN block is not usable") // whatever is wrong with it
	ErrFormat         = errors.New("hsm: PIN block format is not allowed here")
	ErrNoPIN          = errors.New("hsm: keypad holds no entered PIN")
	ErrCryptogram     = errors.New("hsm: application cryptogram does not verify")
	ErrCardValue      = errors.New("hsm: card verification value does not verify")
	ErrSealed         = errors.New("hsm: sealed data does not open")
	ErrDecimalization = errors.New("hsm: decimalization table is not allowed")
	ErrDisk           = errors.New("hsm: keys at rest are not written")
	ErrKSN            = errors.New("hsm: key serial number is not usable")
	ErrStaleKSN       = errors.New("hsm: key serial number is behind the device's")
	ErrExhausted      = errors.New("hsm: DUKPT keys are used up")
	ErrCeremony       = errors.New("hsm: key ceremony")
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
