package apdu

import "fmt"

// Name gives the name of an instruction as the books spell it: "SELECT", "GENERATE AC". An instruction that EMV does not
// use is "INS xx".
func Name(ins byte) string {
	switch ins {
	case InsVerify:
		return "VERIFY"
	case InsExternalAuthenticate:
		return "EXTERNAL AUTHENTICATE"
	case InsGetChallenge:
		return "GET CHALLENGE"
	case InsInternalAuthenticate:
		return "INTERNAL AUTHENTICATE"
	case InsSelect:
		return "SELECT"
	case InsGetProcessingOptions:
		return "GET PROCESSING OPTIONS"
	case InsGenerateAC:
		return "GENERATE AC"
	case InsReadRecord:
		return "READ RECORD"
	case InsGetResponse:
		return "GET RESPONSE"
	case InsGetData:
		return "GET DATA"
	case InsApplicationBlock:
		return "APPLICATION BLOCK"
	case InsApplicationUnblock:
		return "APPLICATION UNBLOCK"
	case InsCardBlock:
		return "CARD BLOCK"
	case InsPINChangeUnblock:
		return "PIN CHANGE/UNBLOCK"
	case InsPutData:
		return "PUT DATA"
	case InsUpdateRecord:
		return "UPDATE RECORD"
	}
	return fmt.Sprintf("INS %02X", ins)
}
