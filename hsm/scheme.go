package hsm

import (
	"fmt"
	"strings"
)

// Scheme is what a terminal and its acquirer have agreed on to protect their messages. ParseScheme makes it; the zero Scheme is
// the usual one: master and session keys, format 0, X9.19.
type Scheme struct {
	keys    string
	pin     PINFormat
	mac     string
	padding int
}

// How a terminal gets the keys of its messages.
const (
	MasterSession = "mk-sk"      // session keys come at sign-on, under a terminal master key
	DUKPTTDES     = "dukpt-tdes" // a key for each message: X9.24-1
	DUKPTAES      = "dukpt-aes"  // a key for each message: X9.24-3
)

// schemeMAC is a MAC as profiles name it.
type schemeMAC struct {
	name      string
	usage     Usage
	algorithm Algorithm // of a session key; 0: the usage's own
	left      bool      // MACParams.LeftHalf
	padded    bool      // has a padding method
	session   bool      // with session keys
	tdes, aes bool      // with the keys of DUKPT
}

// schemeMACs are the MACs of terminals. The first is what session keys and TDES DUKPT have by default. DUKPT knows no single-length
// keys, and TDES nothing that may carry a key of HMAC, or be one: its strength is less (X9.143's WP; X9.24-1 has none).
var schemeMACs = [...]schemeMAC{
	{name: "x9.19", usage: MACAlgorithm3, padded: true, session: true, tdes: true, aes: true},
	{name: "x9.9", usage: MACAlgorithm1, algorithm: DES, padded: true, session: true},
	{name: "iso9797-1-1", usage: MACAlgorithm1, padded: true, session: true, tdes: true},
	{name: "cmac", usage: CMAC, session: true, tdes: true, aes: true},
	{name: "hmac-sha256", usage: HMAC, aes: true},
	{name: "cup-ecb", usage: XORMAC, session: true, tdes: true},
	{name: "cup-ecb-left", usage: XORMAC, left: true, session: true, tdes: true},
	{name: "cup-ecb-single", usage: XORMAC, algorithm: DES, session: true},
}

// with tells whether there are such keys among those.
func (m *schemeMAC) with(keys string) bool {
	switch keys {
	case DUKPTTDES:
		return m.tdes
	case DUKPTAES:
		return m.aes
	}
	return m.session
}

// ParseScheme reads a scheme: keys is MasterSession, DUKPTTDES or DUKPTAES; pin a PIN block format ("0", "1", "3", "4"); mac a MAC
// ("x9.19", "cmac" ...) and padding its ISO 9797-1 padding method. Empty texts and 0 take what is usual for the keys. A combination
// that cannot work is an error that says what can.
func ParseScheme(keys, pin, mac string, padding int) (Scheme, error) {
	s := Scheme{keys: keys, mac: mac, padding: padding}
	switch keys {
	case "":
		s.keys = MasterSession
	case MasterSession, DUKPTTDES, DUKPTAES:
	default:
		return Scheme{}, fmt.Errorf("keys %q: want %s, %s or %s", keys, MasterSession, DUKPTTDES, DUKPTAES)
	}
	if s.mac == "" {
		s.mac = "x9.19"
		if s.keys == DUKPTAES {
			s.mac = "cmac"
		}
	}
	if pin == "" {
		pin = "0"
		if s.keys == DUKPTAES {
			pin = "4"
		}
	}
	f, err := ParsePINFormat(pin)
	if err != nil {
		return Scheme{}, fmt.Errorf("pin_block: %w", err)
	}
	s.pin = f
	if err := s.check(); err != nil {
		return Scheme{}, err
	}
	return s, nil
}

func (s Scheme) check() error {
	switch {
	case s.pin == Format2 || s.pin == SM4X98:
		return fmt.Errorf("pin_block %v: want 0, 1, 3 or 4", s.pin)
	case s.pin == Format4 && s.keys != DUKPTAES:
		return fmt.Errorf("pin_block 4 with keys %s, which are TDES keys: want 0, 1 or 3, or keys %s", s.keys, DUKPTAES)
	}
	m := s.find()
	if m == nil {
		return fmt.Errorf("mac %q: want one of %s", s.mac, s.macNames())
	}
	switch {
	case !m.with(s.keys):
		return fmt.Errorf("mac %s with keys %s: want one of %s", s.mac, s.keys, s.macNames())
	case s.padding < 0 || s.padding > 3:
		return fmt.Errorf("mac_padding %d: want 1, 2 or 3", s.padding)
	case s.padding != 0 && !m.padded:
		return fmt.Errorf("mac_padding %d with mac %s, which has none", s.padding, s.mac)
	}
	return nil
}

func (s Scheme) find() *schemeMAC {
	for i := range schemeMACs {
		if schemeMACs[i].name == s.mac {
			return &schemeMACs[i]
		}
	}
	return nil
}

func (s Scheme) macNames() string {
	var names []string
	for _, m := range schemeMACs {
		if m.with(s.keys) {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, ", ")
}

// normal is s, or the usual scheme for the zero Scheme.
func (s Scheme) normal() Scheme {
	if s.keys == "" {
		return Scheme{keys: MasterSession, pin: Format0, mac: "x9.19"}
	}
	return s
}

// Keys names how keys come: MasterSession, DUKPTTDES or DUKPTAES.
func (s Scheme) Keys() string { return s.normal().keys }

// DUKPT tells whether every message has keys of its own.
func (s Scheme) DUKPT() bool { return s.Keys() != MasterSession }

// DeviceKey is what a terminal holds: a master key (K0), or an initial key (B1).
func (s Scheme) DeviceKey() Attributes {
	switch s.Keys() {
	case DUKPTTDES:
		return Attributes{Usage: InitialKey, Algorithm: TDES}
	case DUKPTAES:
		return Attributes{Usage: InitialKey, Algorithm: AES}
	}
	return Attributes{Usage: KeyEncryption, Algorithm: TDES}
}

// PINFormat is the format of PIN blocks.
func (s Scheme) PINFormat() PINFormat { return s.normal().pin }

// MACParams go with every MAC.
func (s Scheme) MACParams() MACParams {
	s = s.normal()
	return MACParams{Padding: s.padding, LeftHalf: s.find().left}
}

// SessionPIN and SessionMAC are the attributes of session keys.
func (s Scheme) SessionPIN() Attributes { return Attributes{Usage: PINEncryption} }

// SessionMAC: see SessionPIN.
func (s Scheme) SessionMAC() Attributes {
	m := s.normal().find()
	return Attributes{Usage: m.usage, Algorithm: m.algorithm}
}

// WorkingPIN is the DUKPT key of PIN blocks.
func (s Scheme) WorkingPIN() Working {
	w := Working{Usage: PINEncryption, Algorithm: TDES}
	if s.PINFormat() == Format4 {
		w.Algorithm = AES
	}
	return w
}

// WorkingMAC is the DUKPT key of the MACs of one direction.
func (s Scheme) WorkingMAC(d Direction) Working {
	return Working{Usage: s.normal().find().usage, Direction: d}
}

// String is the scheme in words: "dukpt-aes, PIN block format 4, cmac".
func (s Scheme) String() string {
	s = s.normal()
	return fmt.Sprintf("%s, PIN block format %v, %s", s.keys, s.pin, s.mac)
}
