package card

import "github.com/posim/posim/emv/security"

// ParseAnyNumber is ParseProfile for known answers whose number has no check digit.
func ParseAnyNumber(name string, src []byte, chains ...*Keys) (*Profile, error) {
	return parseProfile(&checker{file: name, chains: chains, anyNumber: true}, src)
}

// UseMasterKey gives the applications the master key of a known answer, which comes without the issuer's.
func (p *Profile) UseMasterKey(b []byte) error {
	key, err := security.NewMasterKey(b)
	for i := range p.chip.applications {
		p.chip.applications[i].key = key
	}
	return err
}

// Chain gives the private halves of the committed keys to tests of both sides.
func (k *Keys) Chain() (ca, issuer, icc *security.PrivateKey, err error) {
	if ca, err = k.ca.key(); err == nil {
		if issuer, err = k.issuer.key(); err == nil && k.icc != nil {
			icc, err = k.icc.key()
		}
	}
	return ca, issuer, icc, err
}

// PINTriesLeft is the PIN try counter; -1: the card has no offline PIN.
func (c *Card) PINTriesLeft() int {
	if c.profile.chip.pin == nil {
		return -1
	}
	return c.pin.tries
}
