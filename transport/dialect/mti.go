package dialect

// MessageClass is the second digit of an MTI: what a message is about (ISO 8583:1987, message type identifier).
type MessageClass byte

// The classes. ClassUnknown is what a text that is no MTI has.
const (
	ClassUnknown           MessageClass = 0
	ClassAuthorization     MessageClass = 1
	ClassFinancial         MessageClass = 2
	ClassFileAction        MessageClass = 3
	ClassReversal          MessageClass = 4
	ClassReconciliation    MessageClass = 5
	ClassAdministrative    MessageClass = 6
	ClassFeeCollection     MessageClass = 7
	ClassNetworkManagement MessageClass = 8
)

func (c MessageClass) String() string {
	switch c {
	case ClassAuthorization:
		return "authorization"
	case ClassFinancial:
		return "financial"
	case ClassFileAction:
		return "file action"
	case ClassReversal:
		return "reversal"
	case ClassReconciliation:
		return "reconciliation"
	case ClassAdministrative:
		return "administrative"
	case ClassFeeCollection:
		return "fee collection"
	case ClassNetworkManagement:
		return "network management"
	}
	return "unknown"
}

// Class returns the class of an MTI; ClassUnknown if it is not four digits of the 1987 edition.
func Class(mti string) MessageClass {
	if !wellFormed(mti) || mti[1] > '8' {
		return ClassUnknown
	}
	return MessageClass(mti[1] - '0')
}

// Response returns the MTI that answers mti: 0200 -> 0210, 0221 -> 0230, 0401 -> 0410, 0421 -> 0430. A repeat is answered
// like the first. What is itself an answer, or no MTI, has none: "".
func Response(mti string) string {
	if !wellFormed(mti) {
		return ""
	}
	switch mti[2] {
	case '0': // request
		return mti[:2] + "10"
	case '2': // advice
		return mti[:2] + "30"
	}
	return ""
}

// IsRepeat tells whether mti is a repeat: its last digit is 1 (acquirer repeat), 3 (issuer) or 5 (other).
func IsRepeat(mti string) bool {
	return wellFormed(mti) && (mti[3] == '1' || mti[3] == '3' || mti[3] == '5')
}

// IsAdvice tells whether mti is an advice or the answer to one: 0220, 0230, 0421 ...
func IsAdvice(mti string) bool { return wellFormed(mti) && (mti[2] == '2' || mti[2] == '3') }

// IsAnswer tells whether mti answers another: 0210, 0230, 0410 ...
func IsAnswer(mti string) bool { return wellFormed(mti) && (mti[2] == '1' || mti[2] == '3') }

// wellFormed: four digits, and version 0, which is the 1987 edition.
func wellFormed(mti string) bool {
	if len(mti) != 4 || mti[0] != '0' {
		return false
	}
	for i := range mti {
		if mti[i] < '0' || mti[i] > '9' {
			return false
		}
	}
	return true
}
