package vectors

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/posim/posim/emv/apdu"
)

// errStop is what a scripted card gives after its last exchange: the step is through.
var errStop = errors.New("after the last exchange")

// errDiffers is what it gives from the first command on that is not the next one.
var errDiffers = errors.New("another command than the next one")

// scriptedCard answers each command with the response that stands beside it, and nothing else. It is strict: the first command that
// differs is a failure of the vector.
type scriptedCard struct {
	check     *check
	exchanges []exchange
	at        int
	after     []byte // the command behind the last exchange
	failed    bool
}

type exchange struct {
	field             string // where it stands; "" for what leads up to the step
	command, response []byte
}

var _ apdu.Card = (*scriptedCard)(nil)

// Transmit answers.
func (c *scriptedCard) Transmit(command []byte) ([]byte, error) {
	if c.failed {
		return nil, errDiffers
	}
	if c.at >= len(c.exchanges) {
		c.after = bytes.Clone(command)
		return nil, errStop
	}
	e := c.exchanges[c.at]
	c.at++
	if e.field != "" {
		c.check.compared++
	}
	if !bytes.Equal(command, e.command) {
		c.failed = true
		field := e.field + ".command"
		if e.field == "" {
			field = "what leads up to the step"
		}
		c.check.fail(field, showCommand(command), showCommand(e.command))
		return nil, errDiffers
	}
	return e.response, nil
}

// finished fails what was not sent.
func (c *scriptedCard) finished() {
	if !c.failed && c.at < len(c.exchanges) {
		c.check.fail("exchanges", fmt.Sprintf("%d commands", c.at), fmt.Sprintf("%d", len(c.exchanges)))
	}
}

// showCommand is a command as far as it may be shown: of those that carry a PIN the header.
func showCommand(b []byte) string {
	if len(b) > 5 && (b[1] == apdu.InsVerify || b[1] == apdu.InsPINChangeUnblock) {
		return fmt.Sprintf("%X %s", b[:5], digest(b[5:]))
	}
	return fmt.Sprintf("%X", b)
}

// exchanges reads a list of commands and responses.
func (f *fields) exchanges(name string) (list []exchange) {
	for _, e := range f.objects(name) {
		list = append(list, exchange{e.path[:len(e.path)-1], e.hex("command"), e.hex("response")})
	}
	return list
}
