package reader

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

func seeds(f *testing.F, only string) {
	for _, v := range transcripts(f) {
		var all []byte
		for _, line := range v.Transcript {
			if only == "" || line.Dir == only {
				all = append(all, unhex(f, line.Hex)...)
			}
		}
		f.Add(all)
	}
}

// FuzzFrames: whatever stands on the line is taken apart without loss, and a frame is written again as it was.
func FuzzFrames(f *testing.F) {
	seeds(f, "")
	f.Add([]byte{0x50, 0x77, 0x03, 0x03, 0x06, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	f.Add(append([]byte{0x03, 0x06, 0x80, 0x06, 0x01, 0, 0}, make([]byte, 300)...)) // one more than the longest
	f.Fuzz(func(t *testing.T, p []byte) {
		var d frameDecoder
		taken := 0
		for rest := p; len(rest) > 0; {
			before := len(rest)
			pending := d.n
			kind, b, left := d.take(rest)
			rest = left
			size := pending + before - len(rest)
			taken += before - len(rest)
			switch kind {
			case elementNone:
				if len(rest) != 0 || d.n > maxFrame {
					t.Fatalf("stopped with %d bytes left", len(rest))
				}
			case elementFrame:
				m, err := parseMessage(b)
				if err != nil {
					t.Fatal(err)
				}
				if again := appendFrame(nil, &m); !bytes.Equal(again, p[taken-size:taken]) {
					t.Fatalf("% X written as % X", p[taken-size:taken], again)
				}
			}
		}
		if taken != len(p) {
			t.Fatalf("%d of %d bytes taken", taken, len(p))
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{0x00, 0xC1, 0x01, 0xFE, 0x3E})
	f.Add([]byte{0x00, 0x60, 0x02, 0x00, 0xA4, 0xC6})
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := parseBlock(p)
		if err != nil {
			if w := (*blockError)(nil); !errors.As(err, &w) {
				t.Fatalf("%v is no *blockError", err)
			}
			return
		}
		if again := b.append(nil); !bytes.Equal(again, p) {
			t.Fatalf("% X written as % X", p, again)
		}
	})
}

// FuzzATR: what is decoded makes the same bytes again.
func FuzzATR(f *testing.F) {
	for _, s := range []string{atrT0, atrT1, "3B9F118131FE4580", "3F00", "3BF7110000813166451122334455667700"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		a, err := ParseATR(p)
		if err != nil {
			return
		}
		b := []byte{0x3B, p[1]}
		if a.Inverse {
			b[0] = 0x3F
		}
		for _, g := range a.Interface {
			for _, v := range []int{g.TA, g.TB, g.TC, g.TD} {
				if v != absent {
					b = append(b, byte(v))
				}
			}
		}
		b = append(b, a.Historical...)
		if a.TCK != absent {
			b = append(b, byte(a.TCK))
		}
		if !bytes.Equal(b, p) {
			t.Fatalf("% X made again as % X", p, b)
		}
		if protocol, err := a.CheckEMV(); err == nil && (protocol != a.Protocol() || a.BWT() > 2*time.Second || a.IFSC() < 16) {
			t.Fatalf("EMV takes protocol %d, BWT %v, IFSC %d", protocol, a.BWT(), a.IFSC())
		}
	})
}

// liar is a reader that answers from fuzz data: with bytes as they are, with well-formed messages of wild contents, and
// with well-formed T=1 blocks.
type liar struct {
	line Line
	d    frameDecoder
	data []byte
	last message
}

func (l *liar) eat(n int) []byte {
	b := l.data[:min(n, len(l.data))]
	l.data = l.data[len(b):]
	return b
}

func (l *liar) one() byte {
	if b := l.eat(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (l *liar) receive(p []byte, err error) {
	for len(p) > 0 {
		var kind elementKind
		var b []byte
		switch kind, b, p = l.d.take(p); kind {
		case elementFrame:
			m, _ := parseMessage(b)
			m.data = nil
			l.last = m
		case elementNAK:
		default:
			continue
		}
		a := message{kind: l.last.kind.answer(), seq: l.last.seq}
		choice := l.one()
		for range choice >> 6 { // more than one thing at a time
			l.line.Write([]byte{0x80 | l.one()})
		}
		switch choice & 7 {
		case 0:
			l.line.Write(l.eat(int(l.one())))
			continue
		case 1:
			a.specific = [3]byte{l.one(), l.one(), l.one()}
			a.data = l.eat(int(l.one()))
		case 2:
			bl := block{l.one(), l.eat(int(l.one()) & 0x1F)}
			a.data = bl.append(nil)
		case 3:
			a.specific[0] = commandTimeExtension
			a.specific[1] = l.one()
		case 4:
			l.line.Write([]byte{slotEvent, l.one() & 3})
		case 5:
			a.seq += l.one()
		}
		if a.kind == typeDataBlock && l.last.kind == typeIccPowerOn && choice&7 > 3 {
			a.data = []byte{0x3B, 0xE0, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0xEB - 0x00}
			a.data[8] = xor(a.data[1:8])
		}
		l.line.Write(appendFrame(nil, &a))
	}
}

// FuzzDriver: no reader, however it lies, makes the driver hang or panic; every operation ends within its limit.
func FuzzDriver(f *testing.F) {
	seeds(f, "reader->host")
	f.Add([]byte{7, 7, 7, 7, 7, 2, 0xE1, 1, 0xFE, 2, 0xC3, 1, 1, 2, 0xC3, 1, 0xFF, 2, 0x20, 0, 2, 0x60, 0})
	f.Add([]byte{7, 7, 7, 7, 7, 2, 0xE1, 1, 0xFE, 2, 0x80, 0, 2, 0x90, 0, 2, 0xE0, 0, 2, 0x82, 0, 2, 0xC2, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		w := newWorld(t)
		defer w.w.Close()
		w.run(10*time.Minute, func(line Line) {
			l := &liar{line: line, data: data}
			line.Receive(l.receive)
		}, func(c sim.Clock, line Line) {
			timed := func(what string, op func()) {
				began := c.Now()
				op()
				if took := c.Now().Sub(began); took > defaultLimit {
					t.Errorf("%s took %v", what, took)
				}
			}
			var r *CCID
			timed("Open", func() { r, _ = Open(c, line, Config{}) })
			if r == nil {
				return
			}
			timed("PowerOn", func() { r.PowerOn() })
			for range 3 {
				timed("Transmit", func() {
					answer, err := r.Transmit([]byte{0x00, 0xA4, 0x04, 0x00, 0x02, 0x3F, 0x00, 0x00})
					if err == nil && (len(answer) < 2 || len(answer) > apdu.MaxLe+2) {
						t.Errorf("answer of %d bytes", len(answer))
					}
				})
			}
			timed("Status", func() { r.begin(); _ = r.status() })
			timed("PowerOff", func() { r.PowerOff() })
		})
	})
}

// FuzzEmulator: no host makes the emulator hang or panic; afterwards it still answers.
func FuzzEmulator(f *testing.F) {
	seeds(f, "host->reader")
	f.Add([]byte{0x00, 0xC1, 0x01, 0xFE, 0x3E})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		for _, p := range protocols {
			faults := 0
			kinds := []FaultKind{FaultMute, FaultTear, FaultBadLRC, FaultNAK, FaultWrongSequence, FaultWTXFlood, FaultNullFlood, FaultSlow, FaultAnswer}
			healed := false
			card := newCard(t, p.atr)
			r := newRaw(t, card, EmulatorConfig{Processing: 700 * time.Millisecond, Fault: func(event string) (Fault, bool) {
				if healed || len(data) == 0 || data[0]&1 == 0 {
					return Fault{}, false
				}
				faults++
				return Fault{Kind: kinds[(faults+int(data[0]>>1))%len(kinds)], Delay: time.Second, Answer: []byte{0x90, 0x00}}, faults%3 == 0
			}})
			r.say(time.Second, r.command(typeIccPowerOn, 1, ""))
			r.say(5*time.Second, data)         // as it is
			for rest := data; len(rest) > 0; { // and as blocks for the card
				n := min(len(rest), 1+int(rest[0])%64)
				b := rest[:n]
				rest = rest[n:]
				if p.name == "T=1" {
					b = block{b[0], b[1:]}.append(nil)
				}
				r.say(100*time.Millisecond, appendFrame(nil, &message{kind: typeXfrBlock, data: b}))
			}
			r.w.w.Until(time.Hour, 100_000, func() bool { return false }) // floods end by themselves
			if at, ok := r.w.w.Next(); ok {
				t.Fatalf("something is still due at %v", at)
			}
			healed = true
			r.say(time.Minute, r.command(typeIccPowerOff, 0, "")) // may end a frame the data began
			if got := r.say(time.Minute, r.command(typeGetSlotStatus, 0, "")); got != "81 0100" && got != "81 0200" {
				t.Fatalf("status afterwards: %q", got)
			}
		}
	})
}
