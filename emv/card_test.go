package emv

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// cannedCard is a card for tests: it answers by table, counts nothing and computes nothing. A test changes what it is about.
type cannedCard struct {
	directory  []byte            // answer to the selection of the directory; nil: 6A82
	dirRecords [][]byte          // its records
	files      map[string][]byte // answers to SELECT by name
	next       map[string][][]byte
	options    [][]byte          // answers to GET PROCESSING OPTIONS, the last for ever
	records    map[uint16][]byte // SFI << 8 | record
	data       map[uint16][]byte // GET DATA
	ac         []acAnswer        // answers to GENERATE AC, one after the other
	auth       uint16            // status word of EXTERNAL AUTHENTICATE; 0: 9000
	script     func(command []byte) (uint16, error)

	sent [][]byte
}

type acAnswer struct {
	cid  byte
	raw  []byte // instead of one made from cid
	echo bool   // give the cryptogram that was asked for
}

func sw(w uint16) []byte { return []byte{byte(w >> 8), byte(w)} }

func ok(data []byte) []byte { return append(bytes.Clone(data), 0x90, 0x00) }

func hx(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func template(tag tlv.Tag, parts ...[]byte) []byte {
	return tlv.Append(nil, tag, bytes.Join(parts, nil))
}

// fciOf makes a file control information: a name, and what is in A5.
func fciOf(name string, proprietary string) []byte {
	return template(tlv.FCITemplate, template(tlv.DedicatedFileName, hx(name)), template(tlv.FCIProprietaryTemplate, hx(proprietary)))
}

const visaAID = "A0000000031010"

// newCannedCard is a card that likes everything: CVM signature then no CVM, no restriction, all action codes zero, CDOLs with
// what the tests look for.
func newCannedCard() *cannedCard {
	return &cannedCard{
		files:   map[string][]byte{visaAID: ok(fciOf(visaAID, "5004 56495341"))},
		options: [][]byte{ok(hx("800A 1C00 08010100 10010200"))},
		records: map[uint16][]byte{
			0x0101: ok(template(0x70, hx("5711 4761739001010119D31122011758928889 5F2004 412F4220"))),
			0x0201: ok(template(0x70, hx("5A08 4761739001010119 5F3401 01 5F2403 311231 9F0702 FFC0 5F2802 0528 9F4202 0978"),
				hx("8E0C 00000000 00000000 1E03 1F00"), hx("9F0D05 0000000000 9F0E05 0000000000 9F0F05 0000000000"))),
			0x0202: ok(template(0x70, hx("8C15 9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"), hx("8D0C 8A02 9F0206 9505 910A 9F3704"))),
		},
		ac: []acAnswer{{echo: true}, {echo: true}},
	}
}

func (c *cannedCard) Transmit(command []byte) ([]byte, error) {
	c.sent = append(c.sent, bytes.Clone(command))
	p, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	if p.CLA == 0x84 || p.CLA == 0x8C {
		w, err := c.script(command)
		return sw(w), err
	}
	switch p.INS {
	case apdu.InsSelect:
		return c.answerSelect(p), nil
	case apdu.InsGetProcessingOptions:
		a := c.options[0]
		if len(c.options) > 1 {
			c.options = c.options[1:]
		}
		return a, nil
	case apdu.InsReadRecord:
		if sfi := p.P2 >> 3; c.directory != nil && sfi == 1 && len(c.sent) <= len(c.dirRecords)+2 {
			if int(p.P1) > len(c.dirRecords) {
				return sw(0x6A83), nil
			}
			return c.dirRecords[p.P1-1], nil
		}
		if r, found := c.records[uint16(p.P2>>3)<<8|uint16(p.P1)]; found {
			return r, nil
		}
		return sw(0x6A83), nil
	case apdu.InsGetData:
		if v, found := c.data[uint16(p.P1)<<8|uint16(p.P2)]; found {
			return ok(tlv.Append(nil, tlv.Tag(p.P1)<<8|tlv.Tag(p.P2), v)), nil
		}
		return sw(0x6A88), nil
	case apdu.InsExternalAuthenticate:
		if c.auth != 0 {
			return sw(c.auth), nil
		}
		return sw(0x9000), nil
	case apdu.InsGenerateAC:
		if len(c.ac) == 0 {
			return sw(0x6985), nil
		}
		a := c.ac[0]
		c.ac = c.ac[1:]
		if a.raw != nil {
			return a.raw, nil
		}
		if a.echo {
			a.cid = p.P1
		}
		return ok(append(append([]byte{0x80, 0x12, a.cid}, 0x00, 0x07), hx("1122334455667788 06010A03A4A800")...)), nil
	}
	return sw(0x6D00), nil
}

func (c *cannedCard) answerSelect(p apdu.Command) []byte {
	name := strings.ToUpper(hex.EncodeToString(p.Data))
	if string(p.Data) == pseName {
		if c.directory == nil {
			return sw(0x6A82)
		}
		return c.directory
	}
	if p.P2 == 2 {
		if list := c.next[name]; len(list) > 0 {
			c.next[name] = list[1:]
			return list[0]
		}
		return sw(0x6A82)
	}
	if a, found := c.files[name]; found {
		return a
	}
	return sw(0x6A82)
}

// commands returns the commands with an instruction.
func (c *cannedCard) commands(ins byte) [][]byte {
	var list [][]byte
	for _, b := range c.sent {
		if b[1] == ins {
			list = append(list, b)
		}
	}
	return list
}

// testTerminal answers by functions; a question it has no function for is a failure of the test.
type testTerminal struct {
	choose func([]Candidate) (int, error)
	pin    func(*Session) (PINEntry, error)
	verify func(*Session, OfflinePIN) (PINEntry, apdu.SW, error)
	online func(*Session) (OnlineAnswer, error)
}

func (t *testTerminal) ChooseApplication(c []Candidate) (int, error) { return t.choose(c) }
func (t *testTerminal) EnterPIN(s *Session) (PINEntry, error)        { return t.pin(s) }
func (t *testTerminal) VerifyPIN(s *Session, p OfflinePIN) (PINEntry, apdu.SW, error) {
	return t.verify(s, p)
}
func (t *testTerminal) GoOnline(s *Session) (OnlineAnswer, error) { return t.online(s) }
func answers(a OnlineAnswer) func(*Session) (OnlineAnswer, error) {
	return func(*Session) (OnlineAnswer, error) { return a, nil }
}
func enters(e PINEntry, err error) func(*Session) (PINEntry, error) {
	return func(*Session) (PINEntry, error) { return e, err }
}
func chooses(i int, err error) func([]Candidate) (int, error) {
	return func([]Candidate) (int, error) { return i, err }
}
