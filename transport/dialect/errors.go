package dialect

import (
	"errors"
	"fmt"
)

// The conditions a caller tests for.
var (
	// ErrTrailing is wrapped by the error of Unpack when bytes follow the last field.
	ErrTrailing = errors.New("dialect: bytes after the last field")
	// ErrHeader is wrapped by the error of Unpack when the header before the message is not one that is answered.
	ErrHeader = errors.New("dialect: wrong header")
	// ErrNoMAC is the error of VerifyMAC when a message that must carry DE 64 does not.
	ErrNoMAC = errors.New("dialect: DE 64: no MAC on a message that must have one")
	// ErrMAC is wrapped by the error of VerifyMAC when DE 64 is not the MAC of the message, or could not be verified.
	ErrMAC = errors.New("dialect: DE 64: the MAC does not verify")
)

// FieldError says which data element is wrong and what was expected. DE 0 is the MTI and DE 1 the bitmap. It never quotes
// a value.
type FieldError struct {
	DE     int
	Offset int // of the data element in the message; 0 when packing, and for the MTI
	Err    error
}

func (e *FieldError) Error() string {
	var where string
	switch e.DE {
	case 0:
		where = "MTI"
	case 1:
		where = "bitmap"
	default:
		where = fmt.Sprintf("DE %d", e.DE)
	}
	if e.Offset > 0 {
		where += fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("dialect: %s: %v", where, e.Err)
}

// Unwrap returns what is wrong with the element.
func (e *FieldError) Unwrap() error { return e.Err }

// cause digs our own error out of the layers that moov-io/iso8583 wraps around it: they name its internals ("failed to
// decode content"), and some of its error types hold the clear message.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
