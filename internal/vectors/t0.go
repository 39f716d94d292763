package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/transport/reader"
)

// runT0 is emv-t0/1: what goes to the card, command by command, and the response that the kernel sees in the end (EMV Contact
// Interface Specification, Annex A).
//
// The vectors leave out the GET RESPONSE that fetches the data at the end, and then the status word of the response as well. Which
// GET RESPONSE it must be follows from the status word before; the data it fetches are those that are expected, so of them only the
// length can be compared.
func runT0(f *file) {
	f.vectors("vectors", byID, func(v *fields) {
		t := &t0{v: v, exchanges: v.exchanges("exchanges")}
		layer, want := v.text("layer"), v.hex("expected_rapdu")
		if len(t.exchanges) == 0 {
			v.fail("exchanges", "none", "at least one")
		}
		if !v.ok() {
			return
		}
		switch {
		case strings.HasPrefix(layer, "PC/SC"):
			t.run(apdu.Chain(cardFunc(t.apdu)), t.exchanges[0].command, want)
		case strings.HasPrefix(layer, "T=0 TPDU"):
			t.tpdus(want)
		default:
			v.fail("layer", fmt.Sprintf("%q, which is not known here", layer), "T=0 TPDU or PC/SC")
		}
	})
}

type cardFunc func([]byte) ([]byte, error)

// Transmit is the function.
func (f cardFunc) Transmit(command []byte) ([]byte, error) { return f(command) }

// t0 is the card's side of one vector.
type t0 struct {
	v         *fields
	exchanges []exchange
	at        int
	sw        []byte // the last status word given
	header    []byte // of the command it answered
	want      []byte // the response that is expected
	given     []byte // data that came before the status word of more
	fetched   bool   // the data that the vector leaves out
}

// run sends the command of the vector and compares everything.
func (t *t0) run(card apdu.Card, command, want []byte) {
	t.want = want
	got, err := card.Transmit(command)
	if err != nil && !errors.Is(err, errDiffers) {
		t.v.fail("expected_rapdu", err.Error(), fmt.Sprintf("%X", want))
	}
	if err != nil {
		return
	}
	if t.at < len(t.exchanges) {
		t.v.fail("exchanges", fmt.Sprintf("%d", t.at), fmt.Sprintf("%d", len(t.exchanges)))
	}
	if t.fetched { // the vector has no status word: it is that of success, or a warning before
		want = append(bytes.Clone(want), t.status()...)
	}
	t.v.compared++
	if !bytes.Equal(got, want) {
		t.v.fail("expected_rapdu", fmt.Sprintf("%X", got), fmt.Sprintf("%X", want))
	}
}

func (t *t0) status() []byte {
	for _, e := range t.exchanges {
		if r := e.response; len(r) == 2 && (apdu.SW(r[0])<<8 | apdu.SW(r[1])).Warning() {
			return r
		}
	}
	return []byte{0x90, 0x00}
}

// next takes the exchange of a command; the GET RESPONSE that the vector leaves out is made.
func (t *t0) next(command []byte) ([]byte, error) {
	if t.at < len(t.exchanges) {
		e := t.exchanges[t.at]
		t.at++
		t.v.compared++
		if !bytes.Equal(command, e.command) {
			t.v.fail(e.field+".command", showCommand(command), showCommand(e.command))
			return nil, errDiffers
		}
		return e.response, nil
	}
	want := []byte{0x00, apdu.InsGetResponse, 0, 0}
	if len(t.sw) == 2 && t.sw[0] == 0x6C {
		want = bytes.Clone(t.header)
	}
	if len(t.sw) != 2 || t.sw[0] != 0x61 && t.sw[0] != 0x6C || t.fetched {
		t.v.fail("exchanges", "another command: "+showCommand(command), "none")
		return nil, errDiffers
	}
	want = append(want, t.sw[1])
	t.v.compared++
	if !bytes.Equal(command, want) {
		t.v.fail("the command that fetches the data", showCommand(command), showCommand(want))
		return nil, errDiffers
	}
	left, rest := bytes.CutPrefix(t.want, t.given)
	if n := (int(t.sw[1])+255)%256 + 1; !rest || n != len(left) {
		t.v.fail("expected_rapdu", fmt.Sprintf("%d bytes and %d announced", len(t.given), n), fmt.Sprintf("%d bytes", len(t.want)))
	}
	t.fetched = true
	return ok(bytes.Clone(left)), nil
}

// apdu answers at the level of commands.
func (t *t0) apdu(command []byte) ([]byte, error) {
	answer, err := t.next(command)
	t.keep(command, answer)
	return answer, err
}

func (t *t0) keep(command, answer []byte) {
	if len(answer) >= 2 && len(command) >= 4 {
		n := len(answer) - 2
		if t.header, t.sw = bytes.Clone(command[:4]), answer[n:]; t.sw[0] == 0x61 {
			t.given = append(t.given, answer[:n]...)
		}
	}
}

// tpdus runs a vector at the level of T=0, where the header, and the data after the procedure byte, stand apart.
func (t *t0) tpdus(want []byte) {
	command, err := t.command()
	if err != nil {
		t.v.fail("id", err.Error(), "case-1 to case-4 in it, which the header alone does not tell")
		return
	}
	t.run(reader.OverT0(t.tpdu), command, want)
}

// command is what the application asks for. The header does not tell its case, nor what a card that refuses the header would have
// been sent.
func (t *t0) command() ([]byte, error) {
	id, header := t.v.text("id"), t.exchanges[0].command
	if len(header) != 5 {
		return nil, fmt.Errorf("a header of %d bytes", len(header))
	}
	n := int(header[4])
	data := make([]byte, n)
	if len(t.exchanges) > 1 && len(awake(t.exchanges[0].response)) == 1 {
		data = nil
		for _, e := range t.exchanges[1:] {
			if len(data)+len(e.command) <= n {
				data = append(data, e.command...)
			}
		}
	}
	switch {
	case strings.Contains(id, "case-1"):
		return header[:4], nil
	case strings.Contains(id, "case-2"):
		return header, nil
	case strings.Contains(id, "case-3"):
		return append(bytes.Clone(header), data...), nil
	case strings.Contains(id, "case-4"):
		return append(append(bytes.Clone(header), data...), 0), nil
	}
	return nil, fmt.Errorf("%q", id)
}

// maxProcedureBytes bounds the procedure bytes of one TPDU: data may go byte by byte.
const maxProcedureBytes = 600

// tpdu is reader and card for one TPDU: the procedure bytes (ISO/IEC 7816-3, 10.3.3) decide how the data go.
func (t *t0) tpdu(b []byte) ([]byte, error) {
	header, data, wire := b[:min(5, len(b))], b[min(5, len(b)):], b[:min(5, len(b))]
	ins := b[1]
	for range maxProcedureBytes {
		answer, err := t.next(wire)
		if err != nil {
			return nil, err
		}
		answer = awake(answer)
		switch {
		case len(answer) >= 2 && answer[0] != ins && answer[0] != ^ins:
			t.keep(header, answer)
			return answer, nil
		case len(answer) > 2: // the procedure byte, data, status word
			t.keep(header, answer[1:])
			return answer[1:], nil
		case len(answer) == 1 && answer[0] == ins:
			wire, data = data, nil
		case len(answer) == 1 && answer[0] == ^ins && len(data) > 0:
			wire, data = data[:1], data[1:]
		default:
			return nil, fmt.Errorf("procedure byte %X", answer)
		}
	}
	return nil, errors.New("too many procedure bytes")
}

// awake is an answer without the NULL bytes by which a card asks for time.
func awake(answer []byte) []byte {
	for len(answer) > 1 && answer[0] == 0x60 {
		answer = answer[1:]
	}
	return answer
}
