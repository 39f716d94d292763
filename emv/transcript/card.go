package transcript

import (
	"errors"
	"fmt"
	"io"

	"github.com/posim/posim/emv/apdu"
)

// Card plays the card's part of a transcript in a reader. A terminal's own data differ from time to time, and so do its
// commands; the card goes on as long as the next command is of the same kind: its class, instruction and parameters. SELECT and
// READ RECORD must be the same in full.
type Card struct {
	t  *Transcript
	at int
}

var _ apdu.Card = (*Card)(nil)

// NewCard is the transcript's card, before its first command.
func (t *Transcript) NewCard() *Card { return &Card{t: t} }

// Reset begins again. A transcript has no answer to reset: this is one of a T=1 card with nothing special, IFSC 254, BWI 4, CWI 5.
func (c *Card) Reset() []byte {
	c.at = 0
	return []byte{0x3B, 0xE0, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0xEB}
}

// ErrNotInTranscript is the error of a command that the recorded card was never given at this point.
var ErrNotInTranscript = errors.New("transcript: the card was not given this command when it was recorded")

// Transmit gives the recorded response.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	for next := c.at; next < len(c.t.Exchanges); next++ {
		e := &c.t.Exchanges[next]
		if e.matches(command) || sameKind(e.Command, command) {
			c.at = next + 1
			return append([]byte(nil), e.Response...), nil
		}
		if !e.Optional {
			break
		}
	}
	if len(command) < 2 {
		return nil, fmt.Errorf("%w: %d bytes", ErrNotInTranscript, len(command))
	}
	return nil, fmt.Errorf("%w: %s, exchange %d of %d", ErrNotInTranscript, apdu.Name(command[1]), c.at+1, len(c.t.Exchanges))
}

func sameKind(recorded, command []byte) bool {
	if len(recorded) < 4 || len(command) < 4 || [4]byte(recorded) != [4]byte(command) {
		return false
	}
	return recorded[1] != apdu.InsSelect && recorded[1] != apdu.InsReadRecord
}

// Rand gives the unpredictable number of the transcript wherever one is drawn, so that the recorded signatures verify, and
// passes everything else on.
func (t *Transcript) Rand(otherwise io.Reader) io.Reader { return &sameNumber{t, otherwise} }

type sameNumber struct {
	t         *Transcript
	otherwise io.Reader
}

// Read is one draw.
func (s *sameNumber) Read(b []byte) (int, error) {
	if un := s.t.Transaction.Tags["9F37"]; len(b) == len(un) {
		return copy(b, un), nil
	}
	return s.otherwise.Read(b)
}
