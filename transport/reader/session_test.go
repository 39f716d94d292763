package reader

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

var protocols = []struct{ name, atr string }{{"T=0", atrT0}, {"T=1", atrT1}}

// TestFaults plays each fault in the first command of a session, with both protocols where it says so.
func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		only   string // one protocol
		event  string
		n      int // of the event, counted from the SELECT on; 0: at each
		fault  Fault
		err    error
		within time.Duration
		ran    int  // how often the card saw the command
		again  bool // after the fault is gone, the next command works without PowerOn
		check  func(s Stats) bool
	}{
		{name: "mute card", event: "SELECT", n: 1, fault: Fault{Kind: FaultMute}, err: apdu.ErrMute, within: 12 * time.Second},
		{name: "card torn out", event: "SELECT", n: 1, fault: Fault{Kind: FaultTear}, err: apdu.ErrCardRemoved, within: time.Second},
		{name: "card torn out at the frame", event: EventFrame, n: 1, fault: Fault{Kind: FaultTear}, err: apdu.ErrCardRemoved, within: time.Second},
		{name: "slow card", event: "SELECT", n: 1, fault: Fault{Kind: FaultSlow, Delay: 10 * time.Second}, within: 11 * time.Second, ran: 1, again: true},
		{name: "card answers something else", event: "SELECT", n: 1, fault: Fault{Kind: FaultAnswer, Answer: []byte{0x6A, 0x81}}, within: time.Second, again: true},
		{name: "unplugged at the frame", event: EventFrame, n: 1, fault: Fault{Kind: FaultUnplug}, err: ErrUnplugged, within: time.Second},
		{name: "unplugged at the command", event: "SELECT", n: 1, fault: Fault{Kind: FaultUnplug}, err: ErrUnplugged, within: time.Second},
		{name: "silent reader", event: EventFrame, n: 1, fault: Fault{Kind: FaultMute}, err: apdu.ErrMute, within: 4 * time.Second},
		{name: "late reader", event: EventFrame, n: 1, fault: Fault{Kind: FaultSlow, Delay: 10 * time.Second}, err: apdu.ErrMute, within: 4 * time.Second, ran: 1},
		{name: "a reader a little late", event: EventFrame, n: 1, fault: Fault{Kind: FaultSlow, Delay: 2 * time.Second}, within: 3 * time.Second, ran: 1, again: true},
		{name: "bad LRC once", event: EventFrame, n: 1, fault: Fault{Kind: FaultBadLRC}, within: time.Second, ran: 1, again: true,
			check: func(s Stats) bool { return s.BadFrames == 1 }},
		{name: "bad LRC always", event: EventFrame, fault: Fault{Kind: FaultBadLRC}, err: apdu.ErrProtocol, within: time.Second, ran: 1,
			check: func(s Stats) bool { return s.BadFrames == maxTries }},
		{name: "refused once", event: EventFrame, n: 1, fault: Fault{Kind: FaultNAK}, within: time.Second, ran: 1, again: true,
			check: func(s Stats) bool { return s.Refused == 1 }},
		{name: "refused always", event: EventFrame, fault: Fault{Kind: FaultNAK}, err: apdu.ErrProtocol, within: time.Second,
			check: func(s Stats) bool { return s.Refused == maxTries }},
		{name: "refused at the command: it runs once", event: "SELECT", n: 1, fault: Fault{Kind: FaultNAK}, within: time.Second, ran: 1, again: true},
		{name: "wrong sequence", event: EventFrame, n: 1, fault: Fault{Kind: FaultWrongSequence}, err: apdu.ErrProtocol, within: 4 * time.Second, ran: 1,
			check: func(s Stats) bool { return s.WrongSequence == 1 }},
		{name: "time extensions without end", event: EventFrame, n: 1, fault: Fault{Kind: FaultWTXFlood}, err: apdu.ErrMute, within: 60*time.Second + time.Millisecond, ran: 1},
		{name: "time requests without end", event: EventFrame, n: 1, fault: Fault{Kind: FaultNullFlood}, err: apdu.ErrMute, within: 60*time.Second + time.Millisecond, ran: 1,
			check: func(s Stats) bool { return s.TimeRequests >= 119 }},
		{name: "time requests of the card without end", event: "SELECT", n: 1, fault: Fault{Kind: FaultNullFlood}, err: apdu.ErrMute, within: 60*time.Second + time.Millisecond, ran: 1},
		{name: "WTX of the card without end", event: "SELECT", n: 1, fault: Fault{Kind: FaultWTXFlood}, err: apdu.ErrMute, within: 60*time.Second + time.Millisecond, ran: 1},
		{name: "bad LRC of the command's answer", event: "SELECT", n: 1, fault: Fault{Kind: FaultBadLRC}, within: time.Second, ran: 1, again: true},
		{name: "block damaged once", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultBadLRC}, within: time.Second, ran: 1, again: true,
			check: func(s Stats) bool { return s.BlocksRepeated == 1 && s.BadFrames == 0 }},
		{name: "block damaged twice", only: "T=1", event: EventIBlock, n: 2, fault: Fault{Kind: FaultBadLRC}, within: time.Second, ran: 1, again: true},
		{name: "I-blocks always damaged, resynchronisation answered", only: "T=1", event: EventIBlock, fault: Fault{Kind: FaultBadLRC}, err: apdu.ErrProtocol, within: time.Second, ran: 1, again: true,
			check: func(s Stats) bool { return s.BlocksRepeated == maxTries-1 && s.Resynchs == 1 }},
		{name: "block with the wrong sequence once", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultWrongSequence}, within: time.Second, ran: 1, again: true,
			check: func(s Stats) bool { return s.BlocksRepeated == 1 }},
		{name: "card falls silent at a block", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultMute}, err: apdu.ErrMute, within: 12 * time.Second, ran: 1},
		{name: "card torn out at a block", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultTear}, err: apdu.ErrCardRemoved, within: time.Second, ran: 1},
		{name: "unplugged at a block", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultUnplug}, err: ErrUnplugged, within: time.Second, ran: 1},
		{name: "block a second late", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultSlow, Delay: time.Second}, within: 2 * time.Second, ran: 1, again: true},
		{name: "block refused by the reader", only: "T=1", event: EventIBlock, n: 1, fault: Fault{Kind: FaultNAK}, within: time.Second, ran: 1, again: true},
	}
	for _, tt := range tests {
		for _, p := range protocols {
			if tt.only != "" && tt.only != p.name {
				continue
			}
			t.Run(tt.name+" "+p.name, func(t *testing.T) {
				card := newCard(t, p.atr)
				armed := false
				hook := nth(tt.event, tt.n, tt.fault)
				cfg := EmulatorConfig{Fault: func(event string) (Fault, bool) {
					if !armed {
						return Fault{}, false
					}
					return hook(event)
				}}
				session(t, card, cfg, 3*time.Minute, func(w *world, r *CCID, e *Emulator) {
					if _, err := r.PowerOn(); err != nil {
						t.Errorf("PowerOn: %v", err)
						return
					}
					if _, err := r.Transmit(unhex(t, ppse)); err != nil { // so that the block numbers are not 0
						t.Error(err)
						return
					}
					card.ran = 0
					began := w.w.Now()
					armed = true
					answer, err := r.Transmit(unhex(t, ppse))
					armed = false
					if took := w.w.Now().Sub(began); took > tt.within {
						t.Errorf("took %v, expected at most %v", took, tt.within)
					}
					if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
						t.Errorf("error %v, expected %v", err, tt.err)
					}
					if err != nil && !strings.HasPrefix(err.Error(), "reader: transmit: ") {
						t.Errorf("error %q", err)
					}
					want := fci + "9000"
					if tt.fault.Answer != nil {
						want = hexOf(tt.fault.Answer)
					}
					if got := hexOf(answer); err == nil && !strings.EqualFold(got, want) {
						t.Errorf("answer %s", got)
					}
					if card.ran != tt.ran {
						t.Errorf("the card ran %d commands, expected %d", card.ran, tt.ran)
					}
					if tt.check != nil && !tt.check(r.Stats()) {
						t.Errorf("stats %+v", r.Stats())
					}
					if tt.again {
						if answer, err := r.Transmit(unhex(t, ppse)); err != nil || !strings.EqualFold(hexOf(answer), fci+"9000") {
							t.Errorf("next command: %X, %v", answer, err)
						}
						return
					}
					if _, err := r.Transmit(unhex(t, ppse)); err == nil {
						t.Error("the next command went through without PowerOn")
					}
					if errors.Is(tt.err, ErrUnplugged) {
						if _, err := r.PowerOn(); !errors.Is(err, ErrUnplugged) || !errors.Is(r.Lost(), ErrUnplugged) || r.Present() {
							t.Errorf("PowerOn %v, Lost %v, Present %v", err, r.Lost(), r.Present())
						}
						return
					}
					if !e.Present() {
						e.Insert(card)
					}
					w.host.Wait(w.w.Now().Add(10*time.Second), func() bool { return false })
					if !r.Present() {
						t.Error("the card in the slot was not noticed")
					}
					if _, err := r.PowerOn(); err != nil {
						t.Errorf("PowerOn after the fault: %v", err)
						return
					}
					if answer, err := r.Transmit(unhex(t, ppse)); err != nil || !strings.EqualFold(hexOf(answer), fci+"9000") {
						t.Errorf("after PowerOn: %X, %v", answer, err)
					}
				})
			})
		}
	}
}

// TestLengths carries commands and answers of every awkward length, with short blocks on either side.
func TestLengths(t *testing.T) {
	short := []byte{0x3B, 0xE0, 0x00, 0x00, 0x81, 0x31, 0x20, 0x45} // IFSC 32
	short = append(short, xor(short[1:]))
	setups := []struct {
		name string
		atr  []byte
		size int
	}{
		{"T=0", unhex(t, atrT0), 0}, {"T=1", unhex(t, atrT1), 0}, {"T=1 short blocks of the host", short, 0},
		{"T=1 short blocks of the card", unhex(t, atrT1), 1}, {"T=1 both", short, 16},
	}
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			card := &lengthCard{atr: s.atr}
			session(t, card, EmulatorConfig{BlockSize: s.size}, time.Hour, func(w *world, r *CCID, e *Emulator) {
				if _, err := r.PowerOn(); err != nil {
					t.Error(err)
					return
				}
				for _, out := range []int{0, 1, 27, 28, 32, 127, 250, 255} {
					for _, back := range []int{0, 1, 14, 32, 254, 255, 256} {
						card.back = back
						c := apdu.Command{CLA: 0x80, INS: 0xEA, P1: byte(out), P2: byte(back), Data: bytes.Repeat([]byte{0x5A}, out), Le: 256}
						if back == 0 {
							c.Le = apdu.LeAbsent
						}
						answer, err := r.Transmit(c.Append(nil))
						if err != nil {
							t.Errorf("%d out, %d back: %v", out, back, err)
							return
						}
						if !bytes.Equal(card.command.Data, c.Data) || card.command.P2 != byte(back) {
							t.Errorf("%d out, %d back: the card saw %d bytes", out, back, len(card.command.Data))
						}
						if len(answer) != back+2 || !bytes.Equal(answer, lengthAnswer(back)) {
							t.Errorf("%d out: %d bytes came back, expected %d", out, len(answer), back+2)
						}
					}
				}
				if card.ran != 8*7 {
					t.Errorf("the card ran %d commands, expected %d", card.ran, 8*7)
				}
			})
		})
	}
}

type lengthCard struct {
	atr     []byte
	back    int
	ran     int
	command apdu.Command
}

func (c *lengthCard) Reset() []byte { return c.atr }
func (c *lengthCard) Transmit(b []byte) ([]byte, error) {
	c.ran++
	command, err := apdu.ParseCommand(bytes.Clone(b))
	c.command = command
	return lengthAnswer(c.back), err
}

func lengthAnswer(n int) []byte {
	b := make([]byte, n, n+2)
	for i := range b {
		b[i] = byte(i)
	}
	return append(b, 0x90, 0x00)
}

// TestWarningsKeepTheirData: with T=0 the data come through GET RESPONSE, and the card's status word with them.
func TestWarningsKeepTheirData(t *testing.T) {
	for _, p := range protocols {
		card := newCard(t, p.atr)
		card.answers[ppse] = fci + "6283"
		session(t, card, EmulatorConfig{}, time.Minute, func(w *world, r *CCID, e *Emulator) {
			if _, err := r.PowerOn(); err != nil {
				t.Error(err)
				return
			}
			if answer, err := r.Transmit(unhex(t, ppse)); err != nil || !strings.EqualFold(hexOf(answer), fci+"6283") {
				t.Errorf("%s: %X, %v", p.name, answer, err)
			}
		})
	}
}

func TestRemovalByHand(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			card := newCard(t, p.atr)
			var traced []string
			cfg := EmulatorConfig{Processing: 10 * time.Second, Trace: func(name string, command, response []byte) {
				traced = append(traced, fmt.Sprintf("%s %d %d", name, len(command), len(response)))
			}}
			session(t, card, cfg, 2*time.Minute, func(w *world, r *CCID, e *Emulator) {
				if _, err := r.PowerOn(); err != nil {
					t.Error(err)
					return
				}
				w.w.After(3*time.Second, e.Remove)
				began := w.w.Now()
				_, err := r.Transmit(unhex(t, ppse))
				if took := w.w.Now().Sub(began); !errors.Is(err, apdu.ErrCardRemoved) || took < 3*time.Second || took > 4*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
				if r.Present() || e.Present() {
					t.Error("a card is present")
				}
				if _, err := r.PowerOn(); !errors.Is(err, apdu.ErrCardRemoved) {
					t.Errorf("PowerOn of an empty slot: %v", err)
				}
				w.w.After(5*time.Second, func() { e.Insert(card) })
				if !w.host.Wait(w.w.Now().Add(6*time.Second), r.Present) {
					t.Error("the new card was not told of")
				}
				if _, err := r.PowerOn(); err != nil {
					t.Error(err)
				}
				if _, err := r.Transmit(unhex(t, ppse)); err != nil {
					t.Error(err)
				}
				// Out and in again between two commands: what was begun with the card is over.
				e.Remove()
				e.Insert(card)
				w.host.Wait(w.w.Now().Add(time.Second), func() bool { return false })
				if _, err := r.Transmit(unhex(t, ppse)); !errors.Is(err, apdu.ErrCardRemoved) || !r.Present() {
					t.Errorf("after a change of cards: %v, present %v", err, r.Present())
				}
				if err := r.PowerOff(); err != nil {
					t.Error(err)
				}
				r.begin()
				if err := r.status(); !r.Present() || err != nil {
					t.Errorf("status: %v, %v", r.Present(), err)
				}
				if _, err := r.Transmit(unhex(t, ppse)); err == nil {
					t.Error("a card without power answered")
				}
			})
			if len(traced) != 2 || !strings.HasPrefix(traced[0], "SELECT ") {
				t.Errorf("traced %q", traced)
			}
		})
	}
}

// TestCardsThatEMVRefuses: one warm reset, then no power.
func TestCardsThatEMVRefuses(t *testing.T) {
	card := newCard(t, "3B9F00") // no EMV card, and no whole ATR either
	session(t, card, EmulatorConfig{}, time.Minute, func(w *world, r *CCID, e *Emulator) {
		if _, err := r.PowerOn(); !errors.Is(err, apdu.ErrProtocol) || card.resets != 2 || e.active {
			t.Errorf("%v after %d resets, expected 2; power %v", err, card.resets, e.active)
		}
		card.atr = nil
		if _, err := r.PowerOn(); !errors.Is(err, apdu.ErrMute) || card.resets != 3 {
			t.Errorf("mute card: %v after %d resets, expected 3", err, card.resets)
		}
		card.atr = unhex(t, atrT1)
		if atr, err := r.PowerOn(); err != nil || atr.Protocol() != 1 {
			t.Errorf("%v", err)
		}
	})
}

func TestIFSIsNegotiatedInThreeTries(t *testing.T) {
	for _, tt := range []struct {
		n   int
		err error
	}{{1, nil}, {2, nil}, {0, apdu.ErrProtocol}} {
		card := newCard(t, atrT1)
		cfg := EmulatorConfig{Fault: nth(EventSBlock, tt.n, Fault{Kind: FaultBadLRC})}
		session(t, card, cfg, time.Minute, func(w *world, r *CCID, e *Emulator) {
			_, err := r.PowerOn()
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("S-block %d damaged: %v, expected %v", tt.n, err, tt.err)
			}
		})
	}
}

// TestPowerCutsEndTheLine: a terminal that loses its power leaves the reader with a dead line, and opens a new one.
func TestPowerCutsEndTheLine(t *testing.T) {
	card := newCard(t, atrT0)
	w := newWorld(t)
	var e *Emulator
	reached := false
	w.host.PowerOn(func(c sim.Clock) {
		a, b := Pipe(w.host, w.far, "a", "b", DefaultBitRate)
		e = NewEmulator(w.far, b, card, EmulatorConfig{Processing: 10 * time.Second})
		r, err := Open(c, a, Config{})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := r.PowerOn(); err != nil {
			t.Error(err)
		}
		reached = true
		r.Transmit(unhex(t, ppse))
		t.Error("Transmit returned")
	})
	w.w.Until(5*time.Second, 10_000, func() bool { return false })
	w.host.PowerOff()
	w.w.Until(20*time.Second, 10_000, func() bool { return false })
	if !reached || !e.gone {
		t.Fatalf("reached %v, reader's line gone %v", reached, e.gone)
	}
	e.Remove() // on a dead line: nobody is told
	w.run(time.Minute, func(line Line) { NewEmulator(w.far, line, card, EmulatorConfig{}) }, func(c sim.Clock, line Line) {
		r, err := Open(c, line, Config{})
		if err == nil {
			_, err = r.PowerOn()
		}
		if err == nil {
			_, err = r.Transmit(unhex(t, ppse))
		}
		if err != nil {
			t.Error(err)
		}
		line.Close()
		if _, err := r.Transmit(unhex(t, ppse)); !errors.Is(err, ErrUnplugged) {
			t.Errorf("after Close: %v", err)
		}
	})
}
