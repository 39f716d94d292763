package reader

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// t0Transmit maps a command to one TPDU of T=0 (EMV 4.4 Book 1, 9.3.1): case 1 gets P3 00, case 4 loses its Le, which
// GET RESPONSE asks for later. Procedure bytes are between reader and card.
func (r *CCID) t0Transmit(command []byte, c apdu.Command) ([]byte, error) {
	p := command
	most := 0 // bytes of data that may come back
	switch {
	case len(c.Data) == 0 && c.Le == apdu.LeAbsent:
		r.header = append(append(r.header[:0], command...), 0)
		p = r.header
		most = apdu.MaxLe // the card cannot tell P3 00 from Le 256
	case len(c.Data) == 0:
		most = c.Le
	case c.Le != apdu.LeAbsent:
		p = command[:len(command)-1]
	}
	answer, err := r.transfer(0, p, WWT)
	if err != nil {
		return nil, err
	}
	n := len(answer) - 2
	if n < 0 || n > most {
		return nil, protocolError("%s: %d bytes, expected a status word and at most %d bytes before it", apdu.Name(c.INS), len(answer), most)
	}
	if sw1 := answer[n]; sw1>>4 != 6 && sw1>>4 != 9 || sw1 == 0x60 {
		return nil, fmt.Errorf("%s: SW1 %02X, expected 61 to 6F or 9x: %w", apdu.Name(c.INS), sw1, apdu.ErrProtocol)
	}
	return bytes.Clone(answer), nil
}
