//go:build linux

package reader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// farWall plays a reader on a wall of its own, at the line that open gives.
func farWall(t testing.TB, card EmulatedCard, cfg EmulatorConfig, open func(w *sim.Wall) (Line, error)) (do func(f func(e *Emulator))) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan struct{})
	var e *Emulator
	var wall *sim.Wall
	go func() {
		defer close(done)
		w := sim.NewWall(ctx)
		wall = w
		_ = w.Run(func(sim.Clock) {
			line, err := open(w)
			if err != nil {
				t.Error(err)
				close(ready)
				return
			}
			e = NewEmulator(w, line, card, cfg)
			close(ready)
			w.Wait(time.Time{}, func() bool { return false })
		})
	}()
	<-ready
	t.Cleanup(func() { cancel(); <-done })
	return func(f func(*Emulator)) {
		did := make(chan struct{})
		wall.Post(func() { f(e); close(did) })
		<-did
	}
}

// nearWall runs f as the owner of a wall, within a minute.
func nearWall(t testing.TB, f func(w *sim.Wall)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w := sim.NewWall(ctx)
	if err := w.Run(func(sim.Clock) { f(w) }); err != nil {
		t.Errorf("the wall: %v", err)
	}
}

// The driver and the emulator over every real line, T=0 and T=1.
func TestRealLines(t *testing.T) {
	for _, p := range protocols {
		for _, kind := range []Kind{Serial, TCP, Emulated} {
			t.Run(p.name+" over "+string(kind), func(t *testing.T) {
				card := newCard(t, p.atr)
				spec := Spec{Kind: kind, Protocol: ProtocolCCIDSerial}
				var do func(func(*Emulator))
				started := make(chan struct{}) // do is there
				switch kind {
				case Serial:
					spec.Address = filepath.Join(t.TempDir(), "reader0")
					do = farWall(t, card, EmulatorConfig{}, func(w *sim.Wall) (Line, error) {
						line, _, err := OpenPTY(spec.Address, w)
						return line, err
					})
				case TCP:
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						t.Fatal(err)
					}
					defer l.Close()
					spec.Address = l.Addr().String()
					go func() {
						defer close(started)
						do = farWall(t, card, EmulatorConfig{}, func(w *sim.Wall) (Line, error) {
							c, err := l.Accept()
							if err != nil {
								return nil, err
							}
							return ConnLine(c, w), nil
						})
					}()
				default:
					spec.Address = "visa"
				}
				nearWall(t, func(w *sim.Wall) {
					s, err := OpenSlot(w, w, spec, Options{Card: func(string) (EmulatedCard, error) { return card, nil }})
					if err != nil {
						t.Error(err)
						return
					}
					if kind == Emulated {
						e := s.(*LineSlot).Emulator()
						do = func(f func(*Emulator)) { f(e) }
					}
					c, err := s.PowerOn()
					if err != nil || !s.Present() || !bytes.Equal(s.ATR(), card.atr) || s.Spec() != spec || s.Physical() == (kind == Emulated) {
						t.Fatalf("present %v, ATR %X, %v, physical %v, %v", s.Present(), s.ATR(), s.Spec(), s.Physical(), err)
					}
					for range 3 {
						if got, err := c.Transmit(unhex(t, ppse)); err != nil || !bytes.Equal(got, unhex(t, fci+"9000")) {
							t.Fatalf("%X, %v", got, err)
						}
					}
					if err := s.PowerOff(); err != nil {
						t.Error(err)
					}
					if kind == TCP {
						<-started
					}
					do(func(e *Emulator) { e.Remove() })
					if !w.Wait(w.Now().Add(5*time.Second), func() bool { return !s.Present() }) {
						t.Error("the removal was not noticed")
					}
					if _, err := s.PowerOn(); !errors.Is(err, apdu.ErrCardRemoved) {
						t.Errorf("PowerOn without a card: %v", err)
					}
					do(func(e *Emulator) { e.unplug() })
					if !w.Wait(w.Now().Add(5*time.Second), func() bool { return s.Lost() != nil }) {
						t.Error("the unplugging was not noticed")
					}
					if _, err := s.PowerOn(); !errors.Is(err, ErrUnplugged) {
						t.Errorf("PowerOn without a reader: %v", err)
					}
					if err := errors.Join(s.Close(), s.Close()); err != nil && kind != Serial {
						t.Error(err)
					}
				})
			})
		}
	}
}

func TestPTY(t *testing.T) {
	nearWall(t, func(w *sim.Wall) {
		dir := t.TempDir()
		link := filepath.Join(dir, "reader0")
		line, device, err := OpenPTY(link, w)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(device); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v: want 0600", device, info.Mode(), err)
		}
		if to, err := os.Readlink(link); err != nil || to != device {
			t.Errorf("the link points to %q, %v: want %q", to, err, device)
		}
		// It is raw for a host that sets nothing up, too.
		simple, err := os.OpenFile(device, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		var plain []byte
		line.Receive(func(p []byte, err error) { plain = append(plain, p...) })
		if _, err := simple.Write([]byte("\n\x03")); err != nil {
			t.Fatal(err)
		}
		w.Wait(w.Now().Add(5*time.Second), func() bool { return len(plain) >= 2 })
		if string(plain) != "\n\x03" {
			t.Errorf("%q came: want \\n\\x03", plain)
		}
		simple.Close()
		host, err := OpenSerial(link, w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSerial(link, w); !errors.Is(err, ErrPortBusy) {
			t.Errorf("a second host: %v: want %v", err, ErrPortBusy)
		}
		// Every byte passes as it is, in both directions.
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		for _, way := range [][2]Line{{host, line}, {line, host}} {
			var got []byte
			way[1].Receive(func(p []byte, err error) { got = append(got, p...) })
			if _, err := way[0].Write(all); err != nil {
				t.Fatal(err)
			}
			w.Wait(w.Now().Add(5*time.Second), func() bool { return len(got) >= 256 })
			if !bytes.Equal(got, all) {
				t.Errorf("%X came", got)
			}
		}
		second, device2, err := OpenPTY(link, w) // replaces the link, as after a kill
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(host.Close(), line.Close()); err != nil {
			t.Error(err)
		}
		if to, _ := os.Readlink(link); to != device2 {
			t.Errorf("the first took the second's link away: %q", to)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(link); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the link is still there: %v", err)
		}
		for _, foreign := range []string{"file", "elsewhere"} {
			name := filepath.Join(dir, foreign)
			if foreign == "file" {
				err = os.WriteFile(name, nil, 0o600)
			} else {
				err = os.Symlink("/dev/null", name)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := OpenPTY(name, w); err == nil || !strings.Contains(err.Error(), "give another name") {
				t.Errorf("a link in the place of a %s: %v", foreign, err)
			}
		}
		if _, err := line.Write([]byte{1}); !errors.Is(err, ErrLineClosed) {
			t.Errorf("a write after Close: %v", err)
		}
	})
}

func TestOpenSerialRefuses(t *testing.T) {
	tests := []struct {
		name, path string
		want       error
	}{
		{"no such port", "/dev/no-such-port", ErrNoPort},
		{"no serial port", "/dev/null", ErrNoPort},
		{"a folder", "/dev", ErrNoPort},
	}
	nearWall(t, func(w *sim.Wall) {
		for _, tt := range tests {
			if _, err := OpenSerial(tt.path, w); tt.name != "a folder" && !errors.Is(err, tt.want) || err == nil || !strings.HasPrefix(err.Error(), "reader: ") {
				t.Errorf("%s: %v: want %v", tt.name, err, tt.want)
			}
		}
	})
	if err := portError("/dev/ttyS0", fs.ErrPermission); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "dialout") {
		t.Errorf("no permission: %v", err)
	}
}

// A line beyond file descriptor 1023 works: go.bug.st/serial alone would end the program there.
func TestSerialHighDescriptor(t *testing.T) {
	nearWall(t, func(w *sim.Wall) {
		link := filepath.Join(t.TempDir(), "reader0")
		far, _, err := OpenPTY(link, w)
		if err != nil {
			t.Fatal(err)
		}
		var held []*os.File
		defer func() {
			for _, f := range held {
				f.Close()
			}
		}()
		for {
			f, err := os.Open("/dev/null")
			if err != nil {
				if os.Getenv("POSIM_OUTSIDE") == "1" {
					t.Fatalf("no file descriptor beyond %d of the 1100 this wants: ulimit -n 2048, and POSIM_OUTSIDE=1", len(held))
				}
				t.Skipf("no file descriptor beyond %d of the 1100 this wants: ulimit -n 2048", len(held))
			}
			if held = append(held, f); f.Fd() > 1100 {
				break
			}
		}
		host, err := OpenSerial(link, w)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		host.Receive(func(p []byte, err error) { got = append(got, p...) })
		far.Write([]byte("abc"))
		w.Wait(w.Now().Add(5*time.Second), func() bool { return len(got) == 3 })
		if string(got) != "abc" {
			t.Errorf("%q came", got)
		}
		host.Close()
		far.Close()
	})
}

// fakePort is a port whose reads a test decides.
type fakePort struct {
	reads    chan []byte
	closed   chan struct{}
	writeErr error
	deadline time.Time
}

func newFakePort() *fakePort {
	return &fakePort{reads: make(chan []byte), closed: make(chan struct{})}
}

func (p *fakePort) Read(b []byte) (int, error) {
	select {
	case in, ok := <-p.reads:
		if !ok {
			return 0, io.ErrUnexpectedEOF
		}
		return copy(b, in), nil
	case <-p.closed:
		return 0, os.ErrClosed
	}
}
func (p *fakePort) Write(b []byte) (int, error)        { return len(b), p.writeErr }
func (p *fakePort) Close() error                       { close(p.closed); return nil }
func (p *fakePort) SetWriteDeadline(t time.Time) error { p.deadline = t; return nil }
func isClosed(c <-chan struct{}, d time.Duration) (b bool) {
	select {
	case <-c:
		return true
	case <-time.After(d):
		return false
	}
}

func TestPump(t *testing.T) {
	t.Run("what comes early is kept, and its end told once", func(t *testing.T) {
		nearWall(t, func(w *sim.Wall) {
			p := newFakePort()
			l := newPump(p, w, nil)
			p.reads <- []byte("one")
			p.reads <- []byte("two")
			close(p.reads)
			w.Wait(w.Now().Add(5*time.Second), func() bool { return l.inbox.gone != nil })
			var got []byte
			var ends int
			l.Receive(func(b []byte, err error) {
				if got = append(got, b...); err != nil {
					ends++
				}
			})
			l.hangUp(io.EOF)
			if string(got) != "onetwo" || ends != 1 {
				t.Errorf("%q and %d ends: want onetwo and 1", got, ends)
			}
			if _, err := l.Write([]byte{1}); !errors.Is(err, ErrLineClosed) {
				t.Errorf("a write to a line that is gone: %v", err)
			}
			l.Close()
		})
	})
	t.Run("a write is bounded, and its failure is the end", func(t *testing.T) {
		nearWall(t, func(w *sim.Wall) {
			p := newFakePort()
			l := newPump(p, w, nil)
			if _, err := l.Write([]byte{1}); err != nil {
				t.Error(err)
			}
			if d := time.Until(p.deadline); d <= 0 || d > writeLimit {
				t.Errorf("the write has %v: want at most %v", d, writeLimit)
			}
			p.writeErr = os.ErrDeadlineExceeded
			l.Write([]byte{1})
			p.writeErr = nil
			if _, err := l.Write([]byte{1}); !errors.Is(err, ErrLineClosed) {
				t.Errorf("a write after half a frame: %v", err)
			}
			l.Close()
		})
	})
	t.Run("a stop closes the port", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		w := sim.NewWall(ctx)
		p := newFakePort()
		if err := w.Run(func(sim.Clock) {
			newPump(p, w, nil)
			cancel()
			w.Wait(time.Time{}, func() bool { return false })
		}); err == nil {
			t.Error("the wall was not stopped")
		}
		if !isClosed(p.closed, time.Second) {
			t.Error("the port is open")
		}
	})
	t.Run("nothing is told after Close", func(t *testing.T) {
		nearWall(t, func(w *sim.Wall) {
			p := newFakePort()
			l := newPump(p, w, nil)
			l.Receive(func(b []byte, err error) { t.Errorf("%q, %v after Close", b, err) })
			p.reads <- []byte("late")
			l.Close()
			w.Wait(w.Now().Add(20*time.Millisecond), func() bool { return false })
		})
	})
	t.Run("nothing is told after a Close in the midst of what came early", func(t *testing.T) {
		nearWall(t, func(w *sim.Wall) {
			p := newFakePort()
			l := newPump(p, w, nil)
			p.reads <- []byte("early")
			close(p.reads)
			w.Wait(w.Now().Add(5*time.Second), func() bool { return l.inbox.gone != nil })
			var got []string
			l.Receive(func(b []byte, err error) {
				got = append(got, string(b))
				l.Close()
			})
			l.Receive(func(b []byte, err error) { t.Errorf("%q, %v to another receiver", b, err) })
			if len(got) != 1 || got[0] != "early" {
				t.Errorf("%q: want early alone", got)
			}
		})
	})
}

// BenchmarkPTY is one command of 20 bytes with an answer of 39 through driver, pseudo-terminal and emulator.
func BenchmarkPTY(b *testing.B) {
	for _, p := range protocols {
		b.Run(p.name, func(b *testing.B) {
			link := filepath.Join(b.TempDir(), "reader0")
			card := &fixedCard{atr: unhex(b, p.atr), answer: unhex(b, fci+"9000")}
			farWall(b, card, EmulatorConfig{}, func(w *sim.Wall) (Line, error) {
				line, _, err := OpenPTY(link, w)
				return line, err
			})
			nearWall(b, func(w *sim.Wall) {
				s, err := OpenSlot(w, w, Spec{Serial, link, ProtocolCCIDSerial}, Options{})
				if err != nil {
					b.Fatal(err)
				}
				c, err := s.PowerOn()
				if err != nil {
					b.Fatal(err)
				}
				command := unhex(b, ppse)
				for b.Loop() {
					if _, err = c.Transmit(command); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
