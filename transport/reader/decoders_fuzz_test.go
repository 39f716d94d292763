package reader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// FuzzMessage: whatever claims to be a whole CCID message is refused, or written again as it was.
func FuzzMessage(f *testing.F) {
	ok := message{kind: typeDataBlock, seq: 7, specific: [3]byte{0x40, 0xFE, 0}, data: unhex(f, atrT0)}
	f.Add(ok.append(nil))
	f.Add(ok.append(nil)[:messageHeader])
	f.Add(append(ok.append(nil), 0))
	f.Add([]byte{0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Fatalf("an error of %d characters", len(err.Error()))
			}
			return
		}
		if len(m.data) > maxData || !bytes.Equal(m.append(nil), b) {
			t.Fatalf("% X is written as % X", b, m.append(nil))
		}
		_, _, _ = m.kind.String(), m.kind.answer(), errorName(m.specific[1])
	})
}

// FuzzATRText: what is said of an answer to reset is one line that can be printed.
func FuzzATRText(f *testing.F) {
	for _, s := range []string{atrT0, atrT1, "3B9F118131FE4580", "3F00", "3BF7110000813166451122334455667700", "3B081B5B33316D22FF0A"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseATR(b)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Fatalf("an error of %d characters", len(err.Error()))
			}
			return
		}
		s := a.Describe()
		if len(s) > 500 || len(a.Interface) > len(b) || len(a.Historical) > 15 {
			t.Fatalf("%d bytes become %d of text: %s", len(b), len(s), s)
		}
		for _, c := range s {
			if c < ' ' || c > '~' {
				t.Fatalf("character %q in %q", c, s)
			}
		}
		if a.BWT() < 0 || a.BWT() > time.Hour || a.IFSC() < 0 || a.IFSC() > 255 || a.Protocol() > 15 {
			t.Fatalf("BWT %v, IFSC %d, T=%d", a.BWT(), a.IFSC(), a.Protocol())
		}
	})
}

// lyingPCSC is the connection to a pcscd whose answers have the right size, and fuzz data in them: for each request a
// count, an offset and so many bytes that stand there. It waits for nobody.
type lyingPCSC struct {
	in     bytes.Buffer
	data   []byte
	read   int
	sent   int
	closed bool
}

var _ net.Conn = (*lyingPCSC)(nil)

func (l *lyingPCSC) eat(n int) []byte {
	b := l.data[:min(n, len(l.data))]
	l.data = l.data[len(b):]
	return b
}

func (l *lyingPCSC) Write(p []byte) (int, error) {
	if l.closed {
		return 0, net.ErrClosed
	}
	body := make([]byte, len(p)-8)
	command := pcscCommand(binary.LittleEndian.Uint32(p[4:]))
	switch command {
	case pcscReadersState, pcscWaitChange:
		body = make([]byte, pcscStates)
		place(body, 0, PCSCReader{Name: "A", Present: true, ATR: []byte{0x3B, 0x00}})
	case pcscStopWaiting:
		body = make([]byte, 8)
	case pcscTransmit:
		body = make([]byte, pcscTransmitBody)
		binary.LittleEndian.PutUint32(body[6*4:], 2)
	}
	if head := l.eat(3); len(head) == 3 && head[0] == 0xFF {
		body = body[:int(head[1])%(len(body)+1)] // stops in its middle
	} else if len(head) == 3 && len(body) > 0 {
		copy(body[(int(head[1])<<8|int(head[2]))%len(body):], l.eat(int(head[0])))
	}
	if command == pcscTransmit && len(body) == pcscTransmitBody && result(body) == resultOK {
		n := min(field(body, 6), 1<<16)
		body = append(append(body, l.eat(int(n))...), make([]byte, n)...)[:pcscTransmitBody+int(n)]
	}
	l.in.Write(body)
	l.sent += len(body)
	return len(p), nil
}

func (l *lyingPCSC) Read(p []byte) (int, error) {
	if l.closed {
		return 0, net.ErrClosed
	}
	if l.in.Len() == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := l.in.Read(p)
	l.read += n
	return n, err
}

func (l *lyingPCSC) Close() error                     { l.closed = true; return nil }
func (l *lyingPCSC) LocalAddr() net.Addr              { return nil }
func (l *lyingPCSC) RemoteAddr() net.Addr             { return nil }
func (l *lyingPCSC) SetDeadline(time.Time) error      { return nil }
func (l *lyingPCSC) SetReadDeadline(time.Time) error  { return nil }
func (l *lyingPCSC) SetWriteDeadline(time.Time) error { return nil }

// FuzzPCSC: whatever a pcscd answers, each call ends with a result that is in bounds or with an error, and a connection
// that has lost its place is used no more.
func FuzzPCSC(f *testing.F) {
	f.Add([]byte{})
	transmit := func(length ...byte) { // the seventh request; dwLength of its answer is at offset 24
		f.Add(append(append(make([]byte, 6*3), 4, 0, 24), length...))
	}
	transmit(0, 1, 0, 0)
	transmit(8, 1, 0, 0) // as long as we have room for
	transmit(0xFF, 0xFF, 0xFF, 0x7F)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0xFF, 9, 0})
	f.Add([]byte{4, 0, 8, 0x1E, 0, 0x10, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &lyingPCSC{data: data}
		p := &pcscConn{c: c}
		answered := 0
		ask := func() error {
			if err := p.hello(); err != nil {
				return err
			}
			for _, list := range []func() ([]PCSCReader, error){p.readers, p.watch} {
				readers, err := list()
				if err != nil {
					return err
				}
				if len(readers) > pcscMaxReaders {
					t.Fatalf("%d readers", len(readers))
				}
				for _, r := range readers {
					if r.Name == "" || len(r.Name) > pcscName || len(r.ATR) > maxATR {
						t.Fatalf("reader %q, ATR % X", r.Name, r.ATR)
					}
				}
				_, _ = choose(readers, "A")
			}
			if err := p.changed(time.Second); err != nil {
				return err
			}
			handle, protocol, err := p.connect("A")
			if err != nil {
				return err
			}
			for range 3 {
				answer, err := p.transmit(handle, protocol, []byte{0, 0xA4, 4, 0, 0}, time.Second)
				if err == nil && (len(answer) < 2 || len(answer) > apdu.MaxLe+2) {
					t.Fatalf("an answer of %d bytes", len(answer))
				}
				if p.dead {
					return err
				}
				answered++
			}
			if _, err := p.reconnect(handle); err != nil {
				return err
			}
			for _, call := range []func(uint32) error{p.begin, p.status, p.end, p.disconnect} {
				if err := call(handle); err != nil {
					return err
				}
			}
			return p.release()
		}
		err := ask()
		if len(data) == 0 && (err != nil || answered != 3) {
			t.Fatalf("an honest pcscd: %v, %d answers", err, answered)
		}
		if p.dead && !c.closed || err == nil && p.dead {
			t.Fatalf("%v, and the connection is left open", err)
		}
		if err == nil && c.in.Len() > 0 {
			t.Fatalf("all is well, and %d bytes are unread", c.in.Len())
		}
		if c.read > c.sent || cap(p.out) > 1<<12 {
			t.Fatalf("%d bytes read of %d; %d kept", c.read, c.sent, cap(p.out))
		}
		if err != nil && len(err.Error()) > 16*4*pcscName+500 {
			t.Fatalf("an error of %d characters", len(err.Error()))
		}
	})
}

// bytesConn is a connection on which bytes stand, in pieces of a size.
type bytesConn struct {
	lyingPCSC
	piece int
}

func (c *bytesConn) Read(p []byte) (int, error) { return c.lyingPCSC.Read(p[:min(len(p), c.piece)]) }

// FuzzVPCDFrames: whatever vpcd sends is taken apart without loss, in whatever pieces it comes.
func FuzzVPCDFrames(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0, 1, 1, 0, 5, 0, 0xA4, 4, 0, 0}, uint8(0))
	f.Add([]byte{0, 0, 0xFF, 0xFF, 1}, uint8(1))
	f.Add([]byte{0}, uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		c := &bytesConn{piece: 1 + int(piece)}
		c.in.Write(b)
		buf := make([]byte, 0xFFFF)
		var written []byte
		for range len(b) + 1 {
			m, err := readVPCD(c, buf)
			if err != nil {
				rest := b[len(written):]
				if len(rest) >= 2 && len(rest) >= 2+int(binary.BigEndian.Uint16(rest)) {
					t.Fatalf("% X is not taken: %v", rest, err)
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
				return
			}
			if written = appendVPCD(written, m); !bytes.HasPrefix(b, written) {
				t.Fatalf("% X is taken as % X", b, written)
			}
		}
		t.Fatal("it never ends")
	})
}

// FuzzDriverT0: the same as FuzzDriver with a card that speaks T=0, whose every answer is fuzz data.
func FuzzDriverT0(f *testing.F) {
	f.Add([]byte{0, 2, 0x90, 0, 0, 2, 0x61, 2, 0, 4, 1, 2, 0x90, 0})
	f.Add([]byte{0, 2, 0x6C, 1, 0, 3, 7, 0x90, 0, 0, 2, 0x6C, 0})
	f.Add([]byte{0, 1, 0x60, 0x40, 0, 0x80, 3, 0x90, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2048 {
			return
		}
		w := newWorld(t)
		defer w.w.Close()
		w.run(10*time.Minute, func(line Line) {
			l := &liar{line: line, data: data}
			line.Receive(func(p []byte, err error) {
				for len(p) > 0 {
					var kind elementKind
					var b []byte
					if kind, b, p = l.d.take(p); kind != elementFrame {
						continue
					}
					m, _ := parseMessage(b)
					a := message{kind: m.kind.answer(), seq: m.seq}
					switch m.kind {
					case typeIccPowerOn:
						a.data = unhex(t, atrT0)
					case typeXfrBlock:
						a.specific[0] = l.one()
						a.data = l.eat(int(l.one()))
					}
					line.Write(appendFrame(nil, &a))
				}
			})
		}, func(c sim.Clock, line Line) {
			r, err := Open(c, line, Config{})
			if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				if _, err := r.PowerOn(); err != nil {
					t.Error(err)
					return
				}
				for _, command := range []string{"00A40400", "00B2010C00", "00A4040002 3F00", "00A4040002 3F00 00"} {
					began := c.Now()
					answer, err := r.Transmit(unhex(t, command))
					if took := c.Now().Sub(began); took > defaultLimit {
						t.Errorf("%s took %v", command, took)
					}
					if err == nil && (len(answer) < 2 || len(answer) > apdu.MaxLe+2) {
						t.Errorf("%s: an answer of %d bytes", command, len(answer))
					}
				}
			}
		})
	})
}

// FuzzPorts: whatever a USB device says of itself, what is kept of it is one short line that can be printed.
func FuzzPorts(f *testing.F) {
	folder := f.TempDir()
	f.Add([]byte("Gemalto\n"))
	f.Add([]byte("a\x1b[31m\xff\x00b\nc"))
	f.Add(bytes.Repeat([]byte("long "), 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(folder, "product"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := attribute(folder, "product")
		if len([]rune(s)) > maxAttribute || len(s) > 3*len(b) {
			t.Fatalf("%d bytes become %d", len(b), len(s))
		}
		for _, c := range s {
			if !unicode.IsPrint(c) {
				t.Fatalf("character %q in %q", c, s)
			}
		}
	})
}
