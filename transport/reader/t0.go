package reader

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// appendT0 appends the one TPDU that carries a command over T=0 (EMV 4.4 Book 1, 9.3.1): case 1 gets P3 00, case 4 loses
// its Le, which GET RESPONSE asks for later.
func appendT0(dst, command []byte, c apdu.Command) []byte {
	dst = append(dst, command...)
	switch {
	case len(c.Data) == 0 && c.Le == apdu.LeAbsent:
		return append(dst, 0)
	case len(c.Data) > 0 && c.Le != apdu.LeAbsent:
		return dst[:len(dst)-1]
	}
	return dst
}

// t0Transmit has the reader carry a command; procedure bytes are between reader and card.
func (r *CCID) t0Transmit(command []byte, c apdu.Command) ([]byte, error) {
	r.tpdu = appendT0(r.tpdu[:0], command, c)
	answer, err := r.transfer(0, r.tpdu, WWT)
	if err != nil {
		return nil, err
	}
	if err := checkT0(answer, c); err != nil {
		return nil, err
	}
	return bytes.Clone(answer), nil
}

// checkT0 refuses what T=0 cannot have carried as the answer to a command.
func checkT0(answer []byte, c apdu.Command) error {
	most := 0 // bytes of data that may come back
	switch {
	case len(c.Data) > 0:
	case c.Le == apdu.LeAbsent:
		most = apdu.MaxLe // the card cannot tell P3 00 from Le 256
	default:
		most = c.Le
	}
	n := len(answer) - 2
	if n < 0 || n > most {
		return protocolError("%s: %d bytes, expected a status word and at most %d bytes before it", apdu.Name(c.INS), len(answer), most)
	}
	if sw1 := answer[n]; sw1>>4 != 6 && sw1>>4 != 9 || sw1 == 0x60 {
		return fmt.Errorf("%s: SW1 %02X, expected 61 to 6F or 9x: %w", apdu.Name(c.INS), sw1, apdu.ErrProtocol)
	}
	return nil
}

// OverT0 gives a card at the level of commands over whatever carries T=0 TPDUs, as a reader at that level does: header and data go
// in one piece, and procedure bytes stay between reader and card. 61xx and 6Cxx are followed, as behind every reader here.
func OverT0(carry func(tpdu []byte) ([]byte, error)) apdu.Card { return apdu.Chain(overT0(carry)) }

type overT0 func(tpdu []byte) ([]byte, error)

// Transmit carries one command.
func (carry overT0) Transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	answer, err := carry(appendT0(nil, command, c))
	if err != nil {
		return nil, err
	}
	return answer, checkT0(answer, c)
}
