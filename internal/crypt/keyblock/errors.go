package keyblock

import (
	"errors"
	"fmt"
)

// What can be wrong. Every error of this package but those of the padding's reader is one of these (errors.Is).
var (
	// ErrFormat: the text is not a key block, or a header cannot be written as one. The error says where and what was expected.
	ErrFormat = errors.New("not a key block")
	// ErrUnsupported: version E (AES counter mode), which is known but not computed.
	ErrUnsupported = errors.New("key block version not supported")
	// ErrKey: the protection key is not of the version's kind.
	ErrKey = errors.New("unfit protection key")
	// ErrMAC: the block was altered, or is under another protection key. Nothing else is said.
	ErrMAC = errors.New("wrong MAC")
	// ErrPayload: the key's length does not fit its algorithm, or the payload or padding around it.
	ErrPayload = errors.New("unfit payload")
	// ErrSingleDES: the key is a single-length DES key, which Rules allows or not.
	ErrSingleDES = errors.New("single-length DES key")
	// ErrStrength: the key is stronger than the one that should protect it.
	ErrStrength = errors.New("key stronger than its protection key")
	// ErrCheckValue: a check value in the header (KC, KP) is not that of the key.
	ErrCheckValue = errors.New("check value of another key")
)

// blockError is one of the sentinels with what was found and expected.
type blockError struct {
	kind error
	text string
}

func (e *blockError) Error() string { return "keyblock: " + e.text }
func (e *blockError) Unwrap() error { return e.kind }

// fail makes an error of a kind.
func fail(kind error, format string, args ...any) error {
	return &blockError{kind, fmt.Sprintf(format, args...)}
}

// misplaced is an ErrFormat at a position of the block.
func misplaced(position int, format string, args ...any) error {
	return fail(ErrFormat, "position %d: "+format, append([]any{position}, args...)...)
}
