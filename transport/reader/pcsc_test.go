package reader

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// The requests are those that were captured from a client that works with pcscd 1.9.9.
func TestPCSCVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Transcript []struct {
				Dir string
				Hex string `json:"hex_first_64"`
			}
		}
	}
	vectors(t, "pcsclite_socket.json", &file)
	var client, server [][]byte
	for _, m := range file.Vectors[0].Transcript {
		if m.Dir == "client->pcscd" {
			client = append(client, unhex(t, m.Hex))
		} else {
			server = append(server, unhex(t, m.Hex))
		}
	}
	const context, handle = 0x6AEB809E, 0x34553062
	ppse := unhex(t, ppse)
	transmit := appendTransmit(nil, handle, pcscProtocolT0, ppse)
	binary.LittleEndian.PutUint32(transmit[8+6*4:], 264) // the room for an answer is the client's choice
	requests := [][]byte{
		appendRequest(nil, pcscVersion, 4, 4, 0),
		appendRequest(nil, pcscEstablish, 2, 0, 0),
		appendRequest(nil, pcscReadersState),
		appendConnect(nil, context, "Virtual PCD 00 00", 2, 3),
		appendRequest(nil, pcscBegin, handle, 0),
		transmit,
		appendRequest(nil, pcscEnd, handle, 0, 0),
		appendRequest(nil, pcscDisconnect, handle, 1, 0),
		appendRequest(nil, pcscRelease, context, 0),
	}
	if len(client) != len(requests) {
		t.Fatalf("%d requests in the vector: want %d", len(client), len(requests))
	}
	for i, want := range client {
		got := requests[i]
		if !bytes.Equal(got[:min(len(got), 64)], want) {
			t.Errorf("request %d is % X: want % X", i, got, want)
		}
	}
	if got := field(server[1], 1); got != context {
		t.Errorf("context %08X: want %08X", got, context)
	}
	answer := server[5]
	if got, n := field(answer, 6), result(answer); got != 39 || n != resultOK {
		t.Errorf("an answer of %d bytes, result %v: want 39, 0", got, n)
	}
	name, _, _ := bytes.Cut(server[2], []byte{0})
	if string(name) != "Virtual PCD 00 00" {
		t.Errorf("the first reader is %q", name)
	}
}

// place writes a reader into a list of readers' states as pcscd sends it.
func place(b []byte, i int, r PCSCReader) {
	e := b[i*pcscReaderState : (i+1)*pcscReaderState]
	copy(e, r.Name)
	binary.LittleEndian.PutUint32(e[128:], r.Changes)
	state := uint32(pcscStateAbsent)
	if r.Present {
		state = pcscStatePresent
	}
	binary.LittleEndian.PutUint32(e[132:], state)
	if r.InUse {
		binary.LittleEndian.PutUint32(e[136:], 0xFFFFFFFF)
	}
	copy(e[140:], r.ATR)
	binary.LittleEndian.PutUint32(e[176:], uint32(len(r.ATR)))
}

func TestParseReaders(t *testing.T) {
	b := make([]byte, pcscStates)
	in := PCSCReader{Name: "A 00 00", Present: true, ATR: unhex(t, atrT0), InUse: true, Changes: 7}
	place(b, 0, in)
	place(b, 2, PCSCReader{Name: "B 01 00", ATR: unhex(t, atrT0)}) // an ATR of a card that has gone
	got, err := parseReaders(b)
	if err != nil || len(got) != 2 || got[1].Name != "B 01 00" || got[1].Present || got[1].ATR != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if a := got[0]; a.Name != in.Name || !a.Present || !bytes.Equal(a.ATR, in.ATR) || !a.InUse || a.Changes != 7 {
		t.Errorf("%+v: want %+v", a, in)
	}
	binary.LittleEndian.PutUint32(b[176:], 34)
	if _, err := parseReaders(b); !errors.Is(err, apdu.ErrProtocol) {
		t.Errorf("an ATR of 34 bytes: %v", err)
	}
	if _, err := parseReaders(b[1:]); !errors.Is(err, apdu.ErrProtocol) {
		t.Errorf("a list that is short: %v", err)
	}
}

func FuzzParseReaders(f *testing.F) {
	f.Add([]byte("A"), uint32(9), uint32(pcscStatePresent))
	f.Fuzz(func(t *testing.T, head []byte, n, state uint32) {
		b := make([]byte, pcscStates)
		copy(b, head)
		binary.LittleEndian.PutUint32(b[176:], n)
		binary.LittleEndian.PutUint32(b[132:], state)
		readers, err := parseReaders(b)
		if err != nil {
			return
		}
		again := make([]byte, pcscStates)
		for i, r := range readers {
			place(again, i, r)
		}
		twice, err := parseReaders(again)
		if err != nil || len(twice) != len(readers) {
			t.Fatalf("%d readers, then %d, %v", len(readers), len(twice), err)
		}
	})
}

// pcscFake is a pcscd whose answers are a test's: for each command a result, and for transmit an answer.
type pcscFake struct {
	t       *testing.T
	mu      sync.Mutex
	states  []byte
	results map[pcscCommand][]pcscResult // taken in turn; the last one stays
	answer  []byte
	claim   uint32 // of the answer's length; 0: the truth
	silent  map[pcscCommand]bool
	seen    []pcscCommand
	sent    [][]byte
	waiting []net.Conn
}

func newFake(t *testing.T, readers ...PCSCReader) (*pcscFake, string) {
	f := &pcscFake{t: t, results: map[pcscCommand][]pcscResult{}, silent: map[pcscCommand]bool{}, answer: []byte{0x90, 0x00}}
	f.set(readers...)
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return f, socket
}

func (f *pcscFake) set(readers ...PCSCReader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states = make([]byte, pcscStates)
	for i, r := range readers {
		place(f.states, i, r)
	}
	for _, c := range f.waiting {
		c.Write(make([]byte, 8))
	}
	f.waiting = nil
}

func (f *pcscFake) serve(c net.Conn) {
	defer c.Close()
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head))
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		command := pcscCommand(binary.LittleEndian.Uint32(head[4:]))
		var apdu []byte
		if command == pcscTransmit {
			apdu = make([]byte, field(body, 3))
			if _, err := io.ReadFull(c, apdu); err != nil {
				return
			}
		}
		out, ok := f.obey(c, command, body, apdu)
		if !ok {
			return
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func (f *pcscFake) obey(c net.Conn, command pcscCommand, body, sent []byte) (out []byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, command)
	if f.silent[command] {
		return nil, false
	}
	r := resultOK
	if list := f.results[command]; len(list) > 0 {
		r = list[0]
		if len(list) > 1 {
			f.results[command] = list[1:]
		}
	}
	switch command {
	case pcscReadersState:
		return f.states, true
	case pcscWaitChange:
		f.waiting = append(f.waiting, c)
		return f.states, true
	case pcscConnect:
		binary.LittleEndian.PutUint32(body[4+pcscName+8:], 77)
		binary.LittleEndian.PutUint32(body[4+pcscName+12:], pcscProtocolT0)
	case pcscReconnect:
		binary.LittleEndian.PutUint32(body[16:], pcscProtocolT0)
	case pcscTransmit:
		f.sent = append(f.sent, sent)
		n := uint32(len(f.answer))
		if f.claim != 0 {
			n = f.claim
		}
		binary.LittleEndian.PutUint32(body[24:], n)
	}
	binary.LittleEndian.PutUint32(body[len(body)-4:], uint32(r))
	if command == pcscTransmit && r == resultOK {
		body = append(body, f.answer...)
	}
	return body, true
}

// withSlot runs f with a slot of the fake's first reader.
func withSlot(t *testing.T, socket, name string, f func(w *sim.Wall, s Slot, err error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w := sim.NewWall(ctx)
	if err := w.Run(func(sim.Clock) {
		s, err := OpenSlot(w, w, Spec{Kind: PCSC, Address: name}, Options{Socket: socket})
		f(w, s, err)
		if s != nil {
			s.Close()
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestPCSCSlot(t *testing.T) {
	card := PCSCReader{Name: "A 00 00", Present: true, ATR: []byte{0x3B, 0x00}, Changes: 3}
	selects := []byte{0x00, 0xA4, 0x04, 0x00, 0x02, 0xA0, 0x00, 0x00}
	tests := []struct {
		name    string
		prepare func(f *pcscFake)
		command []byte // selects unless given
		on, err error  // of PowerOn, of Transmit
		text    string // part of the error's
		sent    [][]byte
	}{
		{name: "case 4 over T=0 goes without Le", sent: [][]byte{selects[:7]}},
		{name: "case 1 over T=0 goes with P3 00", command: []byte{0x80, 1, 2, 3}, sent: [][]byte{{0x80, 1, 2, 3, 0}}},
		{name: "case 2 stays", command: []byte{0x80, 1, 2, 3, 4}, sent: [][]byte{{0x80, 1, 2, 3, 4}}},
		{name: "a card in use", prepare: func(f *pcscFake) { f.results[pcscConnect] = []pcscResult{resultSharing} },
			on: ErrSharing, text: "another program uses the card"},
		{name: "a mute card", prepare: func(f *pcscFake) { f.results[pcscConnect] = []pcscResult{resultUnresponsive} }, on: apdu.ErrMute, text: "insert it the right way round"},
		{name: "no card", prepare: func(f *pcscFake) { f.results[pcscConnect] = []pcscResult{resultNoCard} }, on: apdu.ErrCardRemoved, text: "insert one"},
		{name: "a protocol nobody speaks", prepare: func(f *pcscFake) { f.results[pcscReconnect] = []pcscResult{resultProtocolMismatch} }, on: apdu.ErrProtocol, text: "neither T=0 nor T=1"},
		{name: "a reset by another program before us is followed by ours", prepare: func(f *pcscFake) { f.results[pcscBegin] = []pcscResult{resultReset, resultOK} },
			sent: [][]byte{selects[:7]}},
		{name: "resets without end are not", prepare: func(f *pcscFake) { f.results[pcscBegin] = []pcscResult{resultReset} }, on: apdu.ErrProtocol, text: "another program has reset the card"},
		{name: "a reset in the middle ends the session", prepare: func(f *pcscFake) { f.results[pcscTransmit] = []pcscResult{resultReset} }, err: apdu.ErrProtocol, text: "another program has reset the card"},
		{name: "the card goes in the middle", prepare: func(f *pcscFake) { f.results[pcscTransmit] = []pcscResult{resultRemoved} }, err: apdu.ErrCardRemoved, text: "the card was removed"},
		{name: "an answer of one byte", prepare: func(f *pcscFake) { f.answer = []byte{0x90} }, err: apdu.ErrProtocol, text: "an answer of 1 bytes, expected 2 to 258"},
		{name: "an answer of nothing", prepare: func(f *pcscFake) { f.answer = nil }, err: apdu.ErrMute, text: "an empty answer"},
		{name: "an answer of 4 GB", prepare: func(f *pcscFake) { f.claim = 0xFFFFFFFF }, err: apdu.ErrProtocol, text: "expected 2 to 258"},
		{name: "an answer of 259 bytes", prepare: func(f *pcscFake) { f.answer = make([]byte, 259) }, err: apdu.ErrProtocol, text: "an answer of 259 bytes"},
		{name: "pcscd dies", prepare: func(f *pcscFake) { f.silent[pcscTransmit] = true }, err: ErrUnplugged, text: "pcscd has gone: start it again"},
		{name: "an unknown result", prepare: func(f *pcscFake) { f.results[pcscConnect] = []pcscResult{0x8010ABCD} }, on: pcscResult(0x8010ABCD), text: "pcscd answers 8010ABCD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, socket := newFake(t, card)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			command := tt.command
			if command == nil {
				command = selects
			}
			withSlot(t, socket, "", func(w *sim.Wall, s Slot, err error) {
				if err != nil {
					t.Fatal(err)
				}
				if s.Spec().Address != card.Name || !s.Present() {
					t.Errorf("slot %v, present %v", s.Spec(), s.Present())
				}
				c, err := s.PowerOn()
				want := tt.on
				if err == nil {
					if !bytes.Equal(s.ATR(), card.ATR) {
						t.Errorf("ATR %X: want %X", s.ATR(), card.ATR)
					}
					want = tt.err
					_, err = c.Transmit(command)
				}
				if !errors.Is(err, want) || want == nil && err != nil || err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v: want %v, %s", err, want, tt.text)
				}
				if tt.on == nil && tt.err != nil {
					if _, err := c.Transmit(command); err == nil {
						t.Error("the next command was carried out, without PowerOn")
					}
				}
				if err := s.PowerOff(); err != nil {
					t.Error(err)
				}
			})
			for i := range tt.sent {
				if len(f.sent) != len(tt.sent) || !bytes.Equal(f.sent[i], tt.sent[i]) {
					t.Errorf("the card got % X: want % X", f.sent, tt.sent)
				}
			}
		})
	}
}

func TestPCSCNotices(t *testing.T) {
	card := PCSCReader{Name: "A 00 00", Present: true, ATR: []byte{0x3B, 0x00}, Changes: 3}
	f, socket := newFake(t, card)
	withSlot(t, socket, card.Name, func(w *sim.Wall, s Slot, err error) {
		if err != nil {
			t.Fatal(err)
		}
		within := func(what string, ready func() bool) {
			t.Helper()
			if !w.Wait(w.Now().Add(5*time.Second), ready) {
				t.Errorf("%s: not within 5 s", what)
			}
		}
		c, err := s.PowerOn()
		if err != nil {
			t.Fatal(err)
		}
		f.set(PCSCReader{Name: card.Name, Changes: 4})
		within("removal", func() bool { return !s.Present() })
		if _, err := c.Transmit([]byte{0, 0xA4, 4, 0}); !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("a command after the removal: %v", err)
		}
		card.Changes = 5
		f.set(card)
		within("insertion", s.Present)
		if _, err := c.Transmit([]byte{0, 0xA4, 4, 0}); !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("a command to another card without PowerOn: %v", err)
		}
		if _, err := s.PowerOn(); err != nil {
			t.Error(err)
		}
		card.Changes = 7 // out and in again, unseen
		f.set(card)
		within("a change of cards", func() bool { return s.(*PCSCSlot).removed })
		if _, err := c.Transmit([]byte{0, 0xA4, 4, 0}); !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("a command to yet another card: %v", err)
		}
		f.set()
		within("unplugging", func() bool { return s.Lost() != nil })
		if err := s.Lost(); !errors.Is(err, ErrUnplugged) || s.Present() {
			t.Errorf("lost %v, present %v", err, s.Present())
		}
		if _, err := s.PowerOn(); !errors.Is(err, ErrUnplugged) {
			t.Errorf("PowerOn without a reader: %v", err)
		}
		f.set(card)
		within("plugging in", func() bool { return s.Lost() == nil && s.Present() })
		if _, err := s.PowerOn(); err != nil {
			t.Error(err)
		}
	})
}

// impatient waits until something has begun, and then no longer.
type impatient struct {
	sim.Clock
	begun func() bool
}

func (c impatient) Wait(time.Time, func() bool) bool {
	for !c.begun() {
		time.Sleep(time.Millisecond)
	}
	return false
}

// TestPCSCLeftBehind: what a worker does after its owner has given it up touches nothing of the owner's.
func TestPCSCLeftBehind(t *testing.T) {
	f, socket := newFake(t, PCSCReader{Name: "A 00 00", Present: true, ATR: []byte{0x3B, 0x00}, Changes: 3})
	withSlot(t, socket, "", func(w *sim.Wall, slot Slot, err error) {
		if err != nil {
			t.Fatal(err)
		}
		s := slot.(*PCSCSlot)
		f.mu.Lock()
		f.silent[pcscReadersState] = true
		f.mu.Unlock()
		s.clock = impatient{w, func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return slices.Contains(f.seen, pcscReadersState)
		}}
		if _, err := s.PowerOn(); !errors.Is(err, apdu.ErrMute) || s.powered || s.protocol != 0 {
			t.Errorf("PowerOn that gave up: %v, powered %v, protocol %d", err, s.powered, s.protocol)
		}
		f.mu.Lock()
		f.silent[pcscReadersState] = false
		f.mu.Unlock()
		s.clock = w
		c, err := s.PowerOn()
		if err == nil {
			_, err = c.Transmit([]byte{0x80, 1, 2, 3, 4})
		}
		if err != nil {
			t.Errorf("the next PowerOn: %v", err)
		}
	})
}

func TestPCSCOpen(t *testing.T) {
	two := []PCSCReader{{Name: "A 00 00"}, {Name: "B 01 00"}}
	tests := []struct {
		name, reader string
		readers      []PCSCReader
		prepare      func(f *pcscFake)
		nobody       bool
		want         error
		text         string
	}{
		{name: "no pcscd", nobody: true, want: ErrNoService, text: "sudo apt install pcscd libccid"},
		{name: "no reader", want: ErrNoReader, text: "plug one in"},
		{name: "two readers and no name", readers: two, want: ErrNoReader, text: `pcscd has "A 00 00", "B 01 00": name one, as pcsc://A%2000%2000`},
		{name: "another name", readers: two, reader: "C", want: ErrNoReader, text: `pcscd has no "C": it has "A 00 00", "B 01 00"`},
		{name: "another version", prepare: func(f *pcscFake) { f.results[pcscVersion] = []pcscResult{resultServiceStopped} }, want: ErrNoService, text: "protocol 4.4"},
		{name: "no right", prepare: func(f *pcscFake) { f.results[pcscEstablish] = []pcscResult{resultSecurity} }, want: resultSecurity, text: "does not let this user in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, socket := newFake(t, tt.readers...)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			if tt.nobody {
				socket = filepath.Join(t.TempDir(), "none")
			}
			withSlot(t, socket, tt.reader, func(w *sim.Wall, s Slot, err error) {
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v: want %v, %s", err, tt.want, tt.text)
				}
			})
		})
	}
}
