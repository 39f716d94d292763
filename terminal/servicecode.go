package terminal

// serviceCode is the service code of a stripe, three digits (ISO/IEC 7813): where the card may be used and whether it has a
// chip, who authorises, and for what and with which verification. A digit that the standard reserves, and one that wants
// the issuer asked, restricts nothing here: a stripe proves nothing, so every one goes online, where the issuer decides.
type serviceCode string

// chip tells whether the card has a chip that is to be used where that can be done.
func (c serviceCode) chip() bool { return c[0] == '2' || c[0] == '6' }

// pinRequired tells whether nothing but a PIN verifies the cardholder.
func (c serviceCode) pinRequired() bool { return c[2] == '0' || c[2] == '3' || c[2] == '5' }

// goods tells whether the card may pay for goods and services: a card for cash only, or for cash machines only, may not.
func (c serviceCode) goods() bool { return c[2] != '3' && c[2] != '4' }

// String explains the digits.
func (c serviceCode) String() string {
	interchange := map[byte]string{'1': "international", '2': "international, chip", '5': "national", '6': "national, chip", '7': "closed loop", '9': "test"}
	authorisation := map[byte]string{'0': "normal authorisation", '2': "by the issuer online", '4': "by the issuer online unless agreed otherwise"}
	services := map[byte]string{'0': "PIN required", '1': "no restrictions", '2': "goods and services", '3': "cash machines, PIN required", '4': "cash",
		'5': "goods and services, PIN required", '6': "PIN where feasible", '7': "goods and services, PIN where feasible"}
	return named(interchange, c[0]) + "; " + named(authorisation, c[1]) + "; " + named(services, c[2])
}

func named(names map[byte]string, digit byte) string {
	if name, ok := names[digit]; ok {
		return name
	}
	return "reserved"
}
