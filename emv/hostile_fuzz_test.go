package emv

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// mostCommands is how many commands a transaction can cost however the card behaves: the directory, every application of the
// terminal with all its occurrences, every candidate selected and sent GET PROCESSING OPTIONS once, the records, and what comes once or
// a few times: authentication, counters, PIN try counter, cryptograms, EXTERNAL AUTHENTICATE. Scripts are bounded by their bytes, four
// to a command.
func mostCommands(applications, scripts int) int {
	return 1 + maxDirectoryRecords + applications*maxOccurrences + 2*maxCandidates + maxRecords + 8 + 32 + scripts/4
}

// mutation is what happens to one answer of the card, by eight bytes of input.
type mutation struct {
	answer      uint16 // which one, modulo the number of answers so far
	kind        byte
	at, n, with byte
}

const kindsOfLies = 15

// apply changes one answer. The result may be anything.
func (m mutation) apply(a []byte) []byte {
	a = bytes.Clone(a)
	at := 0
	if len(a) > 0 {
		at = int(m.at) * len(a) / 256
	}
	switch m.kind % kindsOfLies {
	case 0: // a byte changed
		if len(a) > 0 {
			a[at] ^= m.with | 1
		}
	case 1: // cut short, with a status word
		a = append(a[:at], 0x90, 0)
	case 2: // cut short, without
		a = a[:at]
	case 3: // a status word in place of the answer
		a = []byte{m.n, m.with}
	case 4: // another status word behind the data
		if len(a) >= 2 {
			a[len(a)-2], a[len(a)-1] = m.n, m.with
		}
	case 5: // a data object twice
		a = twice(a, int(m.n))
	case 6: // more bytes
		a = append(a[:at:at], append(bytes.Repeat([]byte{m.with}, int(m.n)), a[at:]...)...)
	case 7: // a length that lies
		if len(a) > 1 {
			a[1] = m.with
		}
	case 8: // another object in the template
		a = inside(a, []byte{m.with, m.n})
	case 9: // an object of the terminal's
		a = inside(a, object(tlv.TVR, make([]byte, 5)))
	case 10: // more to fetch
		a = []byte{0x61, m.with}
	case 11: // another length wanted
		a = []byte{0x6C, m.with}
	case 12: // a warning
		a = []byte{0x62, m.with}
	case 14: // more records than any card has, file by file
		a = ok(template(0x80, []byte{0x1D, 0}, bytes.Repeat([]byte{0x58, 1, m.with, 0}, 1+int(m.n)%60)))
	case 13: // bytes exchanged
		if len(a) > 1 {
			j := int(m.n) % len(a)
			a[at], a[j] = a[j], a[at]
		}
	}
	return a
}

// inside puts a data object into the template that the answer is.
func inside(a, o []byte) []byte {
	if len(a) < 2 {
		return a
	}
	r := tlv.NewReader(a[:len(a)-2])
	if !r.Next() {
		return a
	}
	return ok(template(r.Tag(), r.Value(), o))
}

// twice repeats the nth data object of the template that the answer is.
func twice(a []byte, n int) []byte {
	if len(a) < 2 {
		return a
	}
	outer := tlv.NewReader(a[:len(a)-2])
	if !outer.Next() {
		return a
	}
	var all [][]byte
	for r := tlv.NewReader(outer.Value()); r.Next(); {
		all = append(all, r.Raw())
	}
	if len(all) == 0 {
		return a
	}
	return inside(a, all[n%len(all)])
}

// hostile is a card that lies: its answers are a good card's, some of them changed, once or from then on.
type hostile struct {
	card     apdu.Card
	changes  []mutation
	commands int
}

func (h *hostile) Transmit(command []byte) ([]byte, error) {
	h.commands++
	a, err := h.card.Transmit(command)
	if err != nil {
		return sw(0x6F00), nil // a command that the good card's code cannot read is one it does not know
	}
	for _, m := range h.changes {
		if n := int(m.answer & 0x3F); n == h.commands || m.answer&0x8000 != 0 && n < h.commands || m.answer&0x4000 != 0 && n == int(command[1]&0x3F) {
			a = m.apply(a)
		}
	}
	if len(a) > 300 {
		a = a[:300]
	}
	return a, nil
}

// hostileCase takes a case out of the input: method, terminal, answers of pad and host, mutations.
type hostileCase struct {
	method  string
	cfg     *Config
	term    *testTerminal
	card    *hostile
	scripts int
	told    []Decision
}

func newHostileCase(t *testing.T, data []byte) *hostileCase {
	var head [16]byte
	n := copy(head[:], data)
	c := &hostileCase{method: []string{"SDA", "DDA", "CDA", ""}[head[0]&3]}
	base := newCannedCard()
	base.script = func([]byte) (uint16, error) { return uint16(head[9])<<8 | uint16(head[10]), nil }
	base.data = map[uint16][]byte{0x9F36: {0, 5}, 0x9F13: {0, head[1]}, 0x9F17: {head[2] & 3}}
	if head[0]&0x04 != 0 {
		base = withDirectory(base)
	}
	if head[0]&0x08 != 0 {
		base.give(tlv.LowerConsecutiveOfflineLimit, []byte{2})
		base.give(tlv.UpperConsecutiveOfflineLimit, []byte{4})
	}
	lists := []string{"1E031F00", "41034203 1F00", "44005E001F00", "43034501 42001F00", "02000100", "60004000"}
	base.give(tlv.CVMList, hx("0000000000000000"+lists[int(head[3])%len(lists)]))
	var good apdu.Card = base
	c.cfg = cfgFor(withODA(nil))
	if c.method != "" {
		card := newSigningCard(t, c.method, base, func(p *personal) { p.pinKey = head[0]&0x10 != 0 })
		good = card
		withODA(card.ca)(c.cfg)
	}
	if head[0]&0x20 != 0 {
		alwaysOnline(c.cfg)
	}
	c.cfg.Type = []byte{0x22, 0x21, 0x23, 0x25, 0x14}[int(head[4])%5]
	c.cfg.CDAMode = int(head[4]>>4) % 5
	c.cfg.Rand = unpredictable{0x1A, 0x2B, 0x3C, 0x4D}
	c.cfg.Languages = []string{"en", "zh"}
	c.cfg.Trace = func(d Decision) { c.told = append(c.told, d) }
	answer := OnlineAnswer{Reached: head[5]&1 != 0, AuthorisationResponseCode: []string{"00", "05", "01", "10", "", "\x1b[3"}[int(head[5]>>1)%6],
		IssuerAuthenticationData: data[n:][:min(int(head[6]%20), len(data)-n)]}
	if head[7]&1 != 0 {
		answer.Scripts = append(template(0x71, hx("8609 84240000 04 AABBCC01")), template(0x72, hx("8609 84240000 04 AABBCC02"))...)
		if int(head[8]) < len(answer.Scripts) {
			answer.Scripts[head[8]] ^= head[7]
		}
	}
	c.scripts = len(answer.Scripts)
	pins := 0
	c.term = &testTerminal{
		choose: func(list []Candidate) (int, error) { return int(head[11]) % len(list), nil },
		pin:    enters(PINEntry(head[12]%3), nil),
		verify: func(_ *Session, p OfflinePIN) (PINEntry, apdu.SW, error) {
			if pins++; pins > maxPINTries*4 {
				t.Fatal("the PIN is asked for again and again")
			}
			return PINEntry(head[13] % 4), []apdu.SW{0x9000, 0x63C2, 0x63C0, 0x6983, 0x63CF, apdu.SW(head[14])<<8 | apdu.SW(head[15])}[int(head[13]>>2)%6], nil
		},
		online: answers(answer),
	}
	c.card = &hostile{card: good}
	for rest := data[n:]; len(rest) >= 6 && len(c.card.changes) < 16; rest = rest[6:] {
		c.card.changes = append(c.card.changes, mutation{binary.BigEndian.Uint16(rest), rest[2], rest[3], rest[4], rest[5]})
	}
	return c
}

// Whatever a card does, a good one in the beginning: the transaction ends within its bound, its outcome hangs together, and nobody's
// word but that of a last cryptogram TC, signed where it must be, approves.
func FuzzHostileCard(f *testing.F) {
	plain := func(method, list byte, more ...byte) []byte {
		b := make([]byte, 16)
		b[0], b[3] = method, list
		return append(b, more...)
	}
	for method := range byte(4) {
		f.Add(plain(method|0x04, 0))
		f.Add(plain(method|0x18, 2))
		online := plain(method|0x20, 0)
		online[5], online[6], online[7], online[9] = 1, 0, 1, 0x90
		f.Add(online)
		declined := bytes.Clone(online)
		declined[5] = 3
		f.Add(declined)
		f.Add(plain(method, 0, 0x40, 0x28, 14, 0, 59, 0xFF, 0x40, 0x32, 1, 0, 0, 0)) // every record is there
		for kind := range byte(kindsOfLies) {                                        // each kind of lie at the answers to GENERATE AC, offline and online, and everywhere after the third
			f.Add(plain(method, 0, 0x40, 0x2E, kind, 0x80, 5, 0x77))
			f.Add(append(bytes.Clone(online), 0x40, 0x2E, kind, 0x80, 5, 0x77))
			f.Add(append(bytes.Clone(online), 0x80, 3, kind, 0x10, 0x20, 0x01))
		}
	}
	f.Add(plain(2, 1, 0, 10, 6, 200, 255, 0))   // a record with 255 bytes more
	f.Add(plain(1, 4, 0x80, 0, 10, 0, 0, 0x10)) // 61xx for ever
	f.Add(plain(1, 4, 0x80, 0, 11, 0, 0, 0x10)) // 6Cxx for ever
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newHostileCase(t, data)
		commands, chained := 0, apdu.Chain(c.card)
		o, err := Run(cardFunc(func(command []byte) ([]byte, error) { commands++; return chained.Transmit(command) }), c.term, c.cfg, testTransaction())
		if most := mostCommands(len(c.cfg.Applications), c.scripts); commands > most || c.card.commands > 41*most { // an answer may come in 40 pieces
			t.Fatalf("%d commands in %d exchanges: want at most %d", commands, c.card.commands, most)
		}
		for _, d := range c.told {
			checkDecision(t, d)
		}
		if o.Session == nil {
			t.Fatalf("no session: %v", err)
		}
		checkBits(t, o.Session.TVR(), o.Session.TSI())
		c.checkOutcome(t, o, err)
	})
}

func (c *hostileCase) checkOutcome(t *testing.T, o Outcome, err error) {
	s := o.Session
	tvr := s.TVR()
	code, answered := "", s.answer.Reached
	if answered {
		code = s.answer.AuthorisationResponseCode
	}
	if want := code == "00" || code == "10" || code == "11"; o.HostApproved != want {
		t.Fatalf("host approved %v with code %q", o.HostApproved, code)
	}
	if err != nil {
		if o.Result != 0 || o.Reason != nil && o.Result.Approved() {
			t.Fatalf("result %v beside the error %v", o.Result, err)
		}
		return
	}
	if o.Result == 0 || o.Result.String() == "unknown" || !o.Result.Approved() && o.Reason == nil {
		t.Fatalf("result %v, reason %v", o.Result, o.Reason)
	}
	last := s.CryptogramInformationData() & 0xC0
	if o.Result.Approved() {
		switch {
		case last != 0x40 || s.generated == 0:
			t.Fatalf("%v with CID %02X after %d cryptograms", o.Result, last, s.generated)
		case s.oda.wrong:
			t.Fatalf("%v though a signature is wrong, TVR %X", o.Result, tvr)
		case o.Result == OnlineApproved && !o.HostApproved, o.Result == ApprovedUnableToGoOnline && answered:
			t.Fatalf("%v with answer %v, code %q", o.Result, answered, code)
		case o.Result == OfflineApproved && s.generated != 1:
			t.Fatalf("%v after %d cryptograms", o.Result, s.generated)
		}
		if s.Data(tlv.ApplicationCryptogram) == nil {
			t.Fatalf("%v without a cryptogram", o.Result)
		}
	}
	if o.SignatureRequired && !o.Result.Approved() {
		t.Fatalf("a signature for %v", o.Result)
	}
	if s.oda.wrong && (!tlv.TVRCDAFailed.In(tvr[:]) || c.method != "CDA") {
		t.Fatalf("%s: a signature is wrong, TVR %X", c.method, tvr)
	}
	if len(s.scriptResults)%5 != 0 {
		t.Fatalf("script results %X", s.scriptResults)
	}
}
