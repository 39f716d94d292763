package apdu

import "fmt"

// SW is a status word, SW1 in the high byte.
type SW uint16

// Status words that EMV gives a meaning to.
const (
	SWSuccess                SW = 0x9000
	SWSelectedBlocked        SW = 0x6283 // selected file invalidated: blocked
	SWAuthenticationFailed   SW = 0x6300
	SWTriesLeft              SW = 0x63C0 // of VERIFY: wrong, and the last digit is how many tries are left
	SWSecurityStatus         SW = 0x6982 // security status not satisfied
	SWAuthenticationBlocked  SW = 0x6983 // authentication method blocked
	SWReferenceInvalidated   SW = 0x6984 // referenced data invalidated
	SWConditionsOfUse        SW = 0x6985 // conditions of use not satisfied
	SWSecureMessagingMissing SW = 0x6987 // secure messaging objects are missing
	SWSecureMessagingWrong   SW = 0x6988 // secure messaging objects are wrong
	SWWrongData              SW = 0x6A80 // wrong parameters in the data field
	SWFunctionNotSupported   SW = 0x6A81 // of SELECT: card blocked, or SELECT not supported
	SWFileNotFound           SW = 0x6A82
	SWRecordNotFound         SW = 0x6A83
	SWDataNotFound           SW = 0x6A88
	SWWrongLength            SW = 0x6700
	SWWrongP1P2              SW = 0x6A86
	SWInstructionInvalid     SW = 0x6D00
	SWClassInvalid           SW = 0x6E00
)

// Success tells whether the command was carried out without remarks.
func (sw SW) Success() bool { return sw == SWSuccess }

// Warning tells whether the command was carried out with a remark: 62xx, 63xx, or 9xxx other than 9000.
func (sw SW) Warning() bool {
	return sw>>8 == 0x62 || sw>>8 == 0x63 || (sw>>12 == 9 && sw != SWSuccess)
}

// String gives the four hexadecimal digits.
func (sw SW) String() string { return fmt.Sprintf("%04X", uint16(sw)) }

// Response is what a card answered.
type Response struct {
	Data []byte
	SW   SW
}

// Parse splits a card's bytes into data and status word. Data is a part of b.
// Fewer than 2 bytes or more than 258 are ErrProtocol.
func Parse(b []byte) (Response, error) {
	if len(b) < 2 || len(b) > MaxLe+2 {
		return Response{}, fmt.Errorf("%w: response of %d bytes: want 2 to %d", ErrProtocol, len(b), MaxLe+2)
	}
	n := len(b) - 2
	return Response{Data: b[:n:n], SW: SW(b[n])<<8 | SW(b[n+1])}, nil
}

// StatusError says that a command was refused: a status word where another was needed.
type StatusError struct {
	INS byte
	SW  SW
}

// Error names the command and the status word.
func (e *StatusError) Error() string {
	return "apdu: " + Name(e.INS) + ": status word " + e.SW.String()
}
