package apdu

import "fmt"

// Meaning says in words what a status word says (ISO/IEC 7816-4, 5.1.3; EMV Book 3, 6.3.5), in general: a command may give one a
// meaning of its own. A status word that neither knows is named by its class.
func (sw SW) Meaning() string {
	switch sw1, sw2 := byte(sw>>8), byte(sw); {
	case sw1 == 0x61:
		return fmt.Sprintf("process completed, %d bytes of the response still available (T=0)", le(sw2))
	case sw1 == 0x6C:
		return fmt.Sprintf("wrong length Le: exact length is %d (T=0)", le(sw2))
	case sw>>4 == 0x63C:
		return fmt.Sprintf("state of non-volatile memory changed: counter is %d (of VERIFY: tries left)", sw2&0x0F)
	}
	for _, m := range meanings {
		if m.sw == sw {
			return m.text
		}
	}
	switch sw >> 8 {
	case 0x62:
		return "warning: state of non-volatile memory not changed"
	case 0x63:
		return "warning: state of non-volatile memory changed"
	case 0x64:
		return "execution error: state of non-volatile memory not changed"
	case 0x65:
		return "execution error: state of non-volatile memory changed"
	case 0x66:
		return "execution error: security"
	case 0x67:
		return "wrong length"
	case 0x68:
		return "function in CLA not supported"
	case 0x69:
		return "command not allowed"
	case 0x6A:
		return "wrong parameters P1-P2"
	case 0x6B:
		return "wrong parameters P1-P2"
	}
	if sw>>12 == 9 {
		return "warning, application specific"
	}
	return "not defined"
}

// meanings is ISO/IEC 7816-4 with the words that EMV Books 1 and 3 add.
var meanings = [...]struct {
	sw   SW
	text string
}{
	{SWSuccess, "process completed"},
	{0x6200, "no information given (warning)"},
	{0x6281, "part of the returned data may be corrupted"},
	{0x6282, "end of file or record reached before Le bytes"},
	{SWSelectedBlocked, "selected file invalidated (blocked)"},
	{0x6284, "file control information not in order"},
	{SWAuthenticationFailed, "authentication failed"},
	{0x6381, "file filled up by the last write"},
	{0x6400, "execution error: state of non-volatile memory not changed"},
	{0x6500, "execution error: state of non-volatile memory changed"},
	{0x6581, "memory failure"},
	{SWWrongLength, "wrong length"},
	{0x6881, "logical channel not supported"},
	{0x6882, "secure messaging not supported"},
	{0x6981, "command incompatible with file structure"},
	{0x6982, "security status not satisfied"},
	{0x6983, "authentication method blocked (of VERIFY: PIN try limit exceeded)"},
	{0x6984, "referenced data invalidated (of VERIFY: PIN try limit exceeded)"},
	{SWConditionsOfUse, "conditions of use not satisfied"},
	{0x6986, "command not allowed: no current elementary file"},
	{0x6987, "secure messaging data object missing"},
	{0x6988, "secure messaging data object incorrect"},
	{0x6A80, "incorrect parameters in the data field"},
	{SWFunctionNotSupported, "function not supported (of SELECT: card blocked or command not supported)"},
	{SWFileNotFound, "file or application not found"},
	{SWRecordNotFound, "record not found"},
	{0x6A84, "not enough memory space in the file"},
	{0x6A85, "Lc inconsistent with the TLV structure"},
	{SWWrongP1P2, "incorrect parameters P1-P2"},
	{0x6A87, "Lc inconsistent with P1-P2"},
	{SWDataNotFound, "referenced data not found"},
	{0x6B00, "wrong parameters P1-P2"},
	{SWInstructionInvalid, "instruction code not supported or invalid"},
	{SWClassInvalid, "class not supported"},
	{0x6F00, "no precise diagnosis"},
}
