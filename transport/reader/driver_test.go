package reader

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// tape is a reader that answers each message with what a captured reader answered to the same one; only the sequence
// number is the driver's. A message that the capture has not, gets the fallback.
type tape struct {
	t        *testing.T
	line     Line
	decoder  frameDecoder
	entries  []struct{ Dir, Hex string }
	at       int
	said     []message
	fallback func(m message) []byte
}

func (s *tape) receive(p []byte, err error) {
	for len(p) > 0 {
		var kind elementKind
		var b []byte
		switch kind, b, p = s.decoder.take(p); kind {
		case elementFrame:
			m, err := parseMessage(b)
			if err != nil {
				s.t.Error(err)
				return
			}
			m.data = bytes.Clone(m.data)
			s.said = append(s.said, m)
			s.answer(m)
		case elementNone:
		default:
			s.t.Errorf("the driver said something of kind %d: % X", kind, b)
		}
	}
}

// answer looks for the message from here on.
func (s *tape) answer(m message) {
	for i := s.at; i < len(s.entries); i++ {
		if s.entries[i].Dir != "host->reader" {
			continue
		}
		frame := unhex(s.t, s.entries[i].Hex)
		captured, err := parseMessage(frame[2 : len(frame)-1])
		if err != nil {
			s.t.Error(err)
			return
		}
		if captured.kind != m.kind || captured.specific != m.specific || !bytes.HasPrefix(captured.data, m.data) {
			continue
		}
		for i++; i < len(s.entries) && s.entries[i].Dir == "reader->host"; i++ {
			s.line.Write(numbered(unhex(s.t, s.entries[i].Hex), m.seq))
		}
		s.at = i
		return
	}
	s.line.Write(s.fallback(m))
}

// numbered gives a frame another sequence number.
func numbered(frame []byte, seq byte) []byte {
	if len(frame) > 8 {
		frame[len(frame)-1] ^= frame[8] ^ seq
		frame[8] = seq
	}
	return frame
}

func TestDriverUnderstandsACapturedReader(t *testing.T) {
	want := map[string]struct {
		blocks []string // what the driver must have sent in XfrBlock, as captured
		answer string
		bwi    byte // of the last one
	}{
		"gempctwin-open-poweron-t0-select": {[]string{ppse[:len(ppse)-2]}, "6125", 0},
		"gempctwin-t1-none":                {[]string{"00C101FE3E", "000014" + ppse + "DE"}, fci + "9000", 0},
		"gempctwin-t1-chain":               {[]string{"00C101FE3E", "000014" + ppse + "DE", "00900090", "00800080"}, fci + "9000", 0},
		"gempctwin-t1-badlrc":              {[]string{"00C101FE3E", "000014" + ppse + "DE", "00810081"}, fci + "9000", 0},
		"gempctwin-t1-wtx":                 {[]string{"00C101FE3E", "000014" + ppse + "DE", "00E30102E0"}, fci + "9000", 2},
	}
	for _, v := range transcripts(t) {
		x, ok := want[v.ID]
		if !ok {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			s := &tape{t: t, entries: v.Transcript, fallback: func(m message) []byte {
				a := message{kind: m.kind.answer(), seq: m.seq, data: nil}
				if m.kind == typeEscape || m.kind == typeGetSlotStatus {
					a.specific[0] = iccInactive
				}
				if m.kind == typeXfrBlock {
					t.Errorf("block % X is not in the capture", m.data)
				}
				return appendFrame(nil, &a)
			}}
			w := newWorld(t)
			w.run(time.Minute, func(line Line) {
				s.line = line
				line.Receive(s.receive)
			}, func(c sim.Clock, line Line) {
				r, err := Open(c, line, Config{})
				if err != nil {
					t.Error(err)
					return
				}
				if !r.Present() {
					t.Error("no card present")
				}
				if _, err := r.PowerOn(); err != nil {
					t.Error(err)
					return
				}
				answer, err := tpdu{r}.Transmit(unhex(t, ppse))
				if got := strings.ToUpper(hexOf(answer)); got != x.answer || err != nil {
					t.Errorf("answer %s, %v; expected %s", got, err, x.answer)
				}
				// The captured driver leaves Le in a T=0 command, so the echo differs from ours.
				if st := r.Stats(); st.BadFrames+st.WrongSequence+st.Garbage != 0 || st.BadEchoes > 0 && x.answer != "6125" {
					t.Errorf("stats %+v", st)
				}
			})
			var blocks []string
			var bwi byte
			for _, m := range s.said {
				if m.kind == typeXfrBlock {
					blocks = append(blocks, strings.ToUpper(hexOf(m.data)))
					bwi = m.specific[0]
				}
			}
			if got, want := strings.Join(blocks, " "), strings.Join(x.blocks, " "); got != want || bwi != x.bwi {
				t.Errorf("sent %s (bBWI %d)\nexpected %s (bBWI %d)", got, bwi, want, x.bwi)
			}
		})
	}
}

func TestFirmwareIsKept(t *testing.T) {
	session(t, nil, EmulatorConfig{}, time.Minute, func(w *world, r *CCID, e *Emulator) {
		if got := r.Firmware(); got != "GemTwin-V2.00-GB15" {
			t.Errorf("firmware %q", got)
		}
	})
}

// script is a reader that answers the nth message it gets with the nth function's bytes.
func script(t *testing.T, w *world, answers ...func(m message) []byte) func(line Line) {
	return func(line Line) {
		var d frameDecoder
		n := 0
		line.Receive(func(p []byte, err error) {
			for len(p) > 0 {
				var kind elementKind
				var b []byte
				kind, b, p = d.take(p)
				m := message{}
				switch kind {
				case elementFrame:
					m, _ = parseMessage(b)
				case elementNAK:
				default:
					continue
				}
				if n < len(answers) {
					line.Write(answers[n](m))
				}
				n++
			}
		})
	}
}

func says(kind messageType, status, errorByte byte, data []byte) func(m message) []byte {
	return func(m message) []byte {
		return appendFrame(nil, &message{kind: kind, seq: m.seq, specific: [3]byte{status, errorByte}, data: data})
	}
}

func TestDriverAgainstStrangeReaders(t *testing.T) {
	ok := []func(m message) []byte{
		says(typeEscapeAnswer, 0, 0, []byte("x")), says(typeEscapeAnswer, 0, 0, nil), says(typeSlotStatus, 1, 0, nil),
	}
	bare := func(b ...byte) func(message) []byte { return func(message) []byte { return b } }
	with := func(more ...func(m message) []byte) []func(m message) []byte {
		return append(append([]func(m message) []byte{}, ok...), more...)
	}
	tests := []struct {
		name    string
		answers []func(m message) []byte
		open    error // of Open
		err     error // of PowerOn
		within  time.Duration
		text    string
	}{
		{name: "nothing answers", open: ErrUnplugged, within: 5 * time.Second, text: "reader: open: Escape 01: no answer, expected EscapeAnswer"},
		{name: "only garbage answers", answers: []func(m message) []byte{bare(1, 2, 3, 4), bare(0x50, 0x77)}, open: ErrUnplugged, within: 5 * time.Second},
		{name: "the first query is lost", answers: append([]func(m message) []byte{bare()}, with(says(typeDataBlock, 0x42, 0xFE, nil))...), err: apdu.ErrCardRemoved, within: 5 * time.Second},
		{name: "a reader without notification", answers: []func(m message) []byte{ok[0], says(typeEscapeAnswer, 0x41, 0, nil), ok[2], says(typeDataBlock, 0x41, 0xFE, nil)}, err: apdu.ErrMute, within: 5 * time.Second},
		{name: "an empty slot", answers: with(says(typeDataBlock, 0x42, 0xFE, nil)), err: apdu.ErrCardRemoved, within: 5 * time.Second, text: "reader: power on: IccPowerOn 03: card mute: apdu: card removed"},
		{name: "an answer of another kind", answers: with(says(typeParameters, 0, 0, nil)), err: apdu.ErrProtocol, within: 5 * time.Second, text: "answered by Parameters, expected DataBlock"},
		{name: "a status that means nothing", answers: with(says(typeDataBlock, 0xC0, 0, nil)), err: apdu.ErrProtocol, within: 5 * time.Second, text: "bStatus C0"},
		{name: "a bad ATR, twice", answers: with(says(typeDataBlock, 0, 0, []byte{0x3B, 0x00}), says(typeDataBlock, 0, 0, []byte{0x3C, 0x00})), err: apdu.ErrProtocol, within: 5 * time.Second, text: "TS 3C, expected 3B or 3F"},
		{name: "the reader itself finds TS wrong, twice", answers: with(says(typeDataBlock, 0x41, 0xF8, nil), says(typeDataBlock, 0x41, 0xF7, nil)), err: apdu.ErrProtocol, within: 5 * time.Second},
		{name: "parameters are not the reader's business", answers: with(says(typeDataBlock, 0, 0, []byte{0x3B, 0x60, 0, 0}), says(typeParameters, 0x40, 0, nil)), within: time.Second},
		{name: "parameters are refused", answers: with(says(typeDataBlock, 0, 0, []byte{0x3B, 0x60, 0, 0}), says(typeParameters, 0x40, 10, nil)), err: apdu.ErrProtocol, within: 5 * time.Second, text: "bad parameter at offset 10"},
		{name: "the card goes and the reader says no more", answers: with(bare(0x50, 0x02)), err: apdu.ErrCardRemoved, within: 600 * time.Millisecond},
		{name: "a reader that only refuses", answers: with(bare(0x03, 0x15, 0x16), bare(0x03, 0x15, 0x16), bare(0x03, 0x15, 0x16)), err: apdu.ErrProtocol, within: 5 * time.Second, text: "refused by the reader 3 times"},
		{name: "a frame that stops in its middle is asked for again", answers: with(bare(0x03, 0x06, 0x80), bare(0x03, 0x06, 0x80), bare(0x03, 0x06, 0x80)), err: apdu.ErrProtocol, within: 5 * time.Second, text: "damaged 3 times"},
		{name: "the wrong number only", answers: with(func(m message) []byte { m.seq++; return says(typeDataBlock, 0, 0, nil)(m) }), err: apdu.ErrProtocol, within: 10 * time.Second, text: "an answer numbered 04 came, expected 03"},
		{name: "a time extension and nothing more", answers: with(says(typeDataBlock, 0x80, 0xFF, nil)), err: apdu.ErrMute, within: 65 * time.Second, text: "1 requests for more time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.run(2*time.Minute, script(t, w, tt.answers...), func(c sim.Clock, line Line) {
				began := c.Now()
				r, err := Open(c, line, Config{})
				if !errors.Is(err, tt.open) || (err == nil) != (tt.open == nil) {
					t.Errorf("Open: %v, expected %v", err, tt.open)
				}
				if err == nil {
					if _, err = r.PowerOn(); !errors.Is(err, tt.err) {
						t.Errorf("PowerOn: %v, expected %v", err, tt.err)
					}
				}
				if tt.open == nil && tt.err == nil {
					return
				}
				if err == nil || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v, expected %q in it", err, tt.text)
				}
				if e := (*Error)(nil); !errors.As(err, &e) {
					t.Errorf("%v is no *Error", err)
				}
				// The power is taken away after a failure: up to one time-out more.
				if took := c.Now().Sub(began); took > tt.within+defaultTimeout {
					t.Errorf("took %v, expected at most %v", took, tt.within)
				}
			})
		})
	}
}

func TestBadFramesAreAskedForAgain(t *testing.T) {
	spoiled := func(m message) []byte {
		b := says(typeDataBlock, 0x42, 0xFE, nil)(m)
		b[len(b)-1]++
		return b
	}
	var seq byte
	w := newWorld(t)
	w.run(time.Minute, script(t, w, says(typeEscapeAnswer, 0, 0, nil), says(typeEscapeAnswer, 0, 0, nil), says(typeSlotStatus, 1, 0, nil),
		func(m message) []byte { seq = m.seq; return spoiled(m) },
		func(m message) []byte {
			if m.kind != 0 {
				t.Errorf("%v came, expected a NAK", m.kind)
			}
			return says(typeDataBlock, 0x42, 0xFE, nil)(message{seq: seq})
		}), func(c sim.Clock, line Line) {
		r, err := Open(c, line, Config{})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err = r.PowerOn(); !errors.Is(err, apdu.ErrCardRemoved) {
			t.Error(err)
		}
		if r.Stats().BadFrames != 1 {
			t.Errorf("stats %+v", r.Stats())
		}
	})
}

// TestTimeExtensionMultiplies: bError is how many times the reader wants the time again (CCID 1.1, 6.2.6).
func TestTimeExtensionMultiplies(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		err   error
	}{{20 * time.Second, apdu.ErrCardRemoved}, {30 * time.Second, apdu.ErrMute}} {
		w := newWorld(t)
		var far Line
		answers := script(t, w, says(typeEscapeAnswer, 0, 0, nil), says(typeEscapeAnswer, 0, 0, nil), says(typeSlotStatus, 1, 0, nil),
			func(m message) []byte {
				late := says(typeDataBlock, 0x42, 0xFE, nil)(m)
				w.far.After(tt.after, func() { far.Write(late) })
				return says(typeDataBlock, commandTimeExtension, 5, nil)(m) // 5 times 4.1 s
			})
		w.run(2*time.Minute, func(line Line) { far = line; answers(line) }, func(c sim.Clock, line Line) {
			r, err := Open(c, line, Config{})
			if err == nil {
				_, err = r.PowerOn()
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("answer after %v: %v, expected %v", tt.after, err, tt.err)
			}
		})
	}
}

// TestChainedAnswersAreRefused: at TPDU level an answer fits one message.
func TestChainedAnswersAreRefused(t *testing.T) {
	w := newWorld(t)
	w.run(time.Minute, script(t, w, says(typeEscapeAnswer, 0, 0, nil), says(typeEscapeAnswer, 0, 0, nil), says(typeSlotStatus, 1, 0, nil),
		says(typeDataBlock, 0, 0, []byte{0x3B, 0x60, 0, 0}), says(typeParameters, 0, 0, nil), func(m message) []byte {
			return appendFrame(nil, &message{kind: typeDataBlock, seq: m.seq, specific: [3]byte{0, 0, 1}, data: []byte{0x90, 0x00}})
		}), func(c sim.Clock, line Line) {
		r, err := Open(c, line, Config{})
		if err == nil {
			_, err = r.PowerOn()
		}
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := r.Transmit([]byte{0, 0xA4, 0, 0}); !errors.Is(err, apdu.ErrProtocol) || !strings.Contains(err.Error(), "bChainParameter 01") {
			t.Error(err)
		}
	})
}

// TestReadersWithoutEcho: some of the Twin's relatives do not repeat commands.
func TestReadersWithoutEcho(t *testing.T) {
	for _, noEcho := range []bool{false, true} {
		var traffic []byte
		session(t, newCard(t, atrT0), EmulatorConfig{NoEcho: noEcho, Firmware: "SEC1210"}, time.Minute, func(w *world, r *CCID, e *Emulator) {
			w.w.OnNote(func(at time.Time, who, kind string, b []byte) {
				if who == "reader" {
					traffic = append(traffic, b...)
				}
			})
			if _, err := r.PowerOn(); err != nil || r.Firmware() != "SEC1210" || r.Stats().BadEchoes != 0 {
				t.Errorf("%q, %v, %+v", r.Firmware(), err, r.Stats())
			}
		})
		if echoed := bytes.Contains(traffic, []byte{frameSync, frameControl, byte(typeIccPowerOn)}); echoed == noEcho {
			t.Errorf("NoEcho %v, but echoed %v", noEcho, echoed)
		}
	}
}
