package transport

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var tpdu = &TPDU{Destination: 0x0004, Source: 0x1234}

// far is the framing of the other side.
func far(f Framing) Framing {
	if f.TPDU != nil {
		f.TPDU = &TPDU{Destination: f.TPDU.Source, Source: f.TPDU.Destination}
	}
	return f
}

var framings = []struct {
	name string
	f    Framing
	wire string // of the message 30 38 30 30
}{
	{"binary", Framing{}, "0004 30383030"},
	{"binary with TPDU", Framing{TPDU: tpdu}, "0009 6000041234 30383030"},
	{"ASCII", Framing{Header: ASCII4}, "30303034 30383030"},
	{"ASCII with TPDU", Framing{Header: ASCII4, TPDU: tpdu}, "30303039 6000041234 30383030"},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFramesOnTheWire(t *testing.T) {
	for _, tt := range framings {
		t.Run(tt.name, func(t *testing.T) {
			want := append([]byte("before"), unhex(t, tt.wire)...)
			got, err := tt.f.Append([]byte("before"), []byte("0800"))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%X %v, want %X", got, err, want)
			}
			wire := unhex(t, tt.wire)
			for n := range wire {
				if m, taken, err := far(tt.f).Next(wire[:n]); m != nil || taken != 0 || err != nil {
					t.Errorf("of %d bytes: %q, took %d, %v", n, m, taken, err)
				}
			}
			m, taken, err := far(tt.f).Next(append(wire, "next"...))
			if string(m) != "0800" || taken != len(wire) || err != nil || cap(m) != len(m) {
				t.Errorf("%q with room for %d, took %d, %v", m, cap(m), taken, err)
			}
		})
	}
}

func TestFramingLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    Framing
		most int // bytes of a message
		err  string
	}{
		{"the default", Framing{}, 4096, "transport: frame of 4097 bytes: want at most 4096"},
		{"the default with TPDU", Framing{TPDU: tpdu}, 4091, "transport: frame of 4097 bytes: want at most 4096"},
		{"one's own", Framing{Max: 100}, 100, "transport: frame of 101 bytes: want at most 100"},
		{"two bytes hold no more", Framing{Max: 1 << 20}, 65535, "transport: frame of 65536 bytes: want at most 65535"},
		{"four digits hold no more", Framing{Header: ASCII4, Max: 1 << 20}, 9999, "transport: frame of 10000 bytes: want at most 9999"},
		{"four digits with TPDU", Framing{Header: ASCII4, Max: 1 << 20, TPDU: tpdu}, 9994, "transport: frame of 10000 bytes: want at most 9999"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := bytes.Repeat([]byte{0xA5}, tt.most+1)
			wire, err := tt.f.Append(nil, p[:tt.most])
			if err != nil {
				t.Fatal(err)
			}
			if m, n, err := far(tt.f).Next(wire); err != nil || n != len(wire) || !bytes.Equal(m, p[:tt.most]) {
				t.Errorf("the longest: took %d of %d, %v", n, len(wire), err)
			}
			if b, err := tt.f.Append([]byte("x"), p); err == nil || err.Error() != tt.err || string(b) != "x" {
				t.Errorf("one more: %v, want %s", err, tt.err)
			}
		})
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    Framing
		wire string
		err  string
		take int // how many bytes are taken all the same
	}{
		{"length 0", Framing{}, "0000", "transport: length header says 0 bytes: want 1 to 4096", 0},
		{"too long", Framing{}, "1001", "transport: length header says 4097 bytes: want 1 to 4096", 0},
		{"too long for this side", Framing{Max: 16}, "0011", "transport: length header says 17 bytes: want 1 to 16", 0},
		{"a TPDU and nothing else", Framing{TPDU: tpdu}, "0005 6012340004", "transport: length header says 5 bytes: want 6 to 4096", 0},
		{"digits 0", Framing{Header: ASCII4}, "30303030", "transport: length header says 0 bytes: want 1 to 4096", 0},
		{"digits too long", Framing{Header: ASCII4}, "39393939", "transport: length header says 9999 bytes: want 1 to 4096", 0},
		{"not digits", Framing{Header: ASCII4}, "30 30 31 3A", "transport: length header 30 30 31 3A: want 4 decimal digits", 0},
		{"below digits", Framing{Header: ASCII4}, "2F 30 31 30", "transport: length header 2F 30 31 30: want 4 decimal digits", 0},
		{"not digits, before the header is whole", Framing{Header: ASCII4}, "00 04", "transport: length header 00 04: want 4 decimal digits", 0},
		{"TPDU not 60", Framing{TPDU: tpdu}, "0006 6812340004 30", "transport: TPDU of somebody else: TPDU 6812340004: want 601234 0004", 8},
		{"TPDU not exchanged", Framing{TPDU: tpdu}, "0006 6000041234 30", "transport: TPDU of somebody else: TPDU 6000041234: want 601234 0004", 8},
		{"TPDU from another", Framing{TPDU: tpdu}, "0006 6012340005 30", "transport: TPDU of somebody else: TPDU 6012340005: want 601234 0004", 8},
		{"TPDU to another", Framing{TPDU: tpdu}, "0006 6012350004 30", "transport: TPDU of somebody else: TPDU 6012350004: want 601234 0004", 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, n, err := tt.f.Next(unhex(t, tt.wire))
			if err == nil || err.Error() != tt.err || m != nil || n != tt.take || errors.Is(err, ErrAddress) != (n > 0) {
				t.Errorf("%X, took %d, %v, want %s", m, n, err, tt.err)
			}
		})
	}
}

// drawFraming draws one of the four forms with any limit and addresses.
func drawFraming(t *rapid.T) Framing {
	f := Framing{Header: Header(rapid.IntRange(0, 1).Draw(t, "header")), Max: rapid.IntRange(6, 70_000).Draw(t, "max")}
	if rapid.Bool().Draw(t, "with TPDU") {
		f.TPDU = &TPDU{rapid.Uint16().Draw(t, "destination"), rapid.Uint16().Draw(t, "source")}
	}
	return f
}

// wire is a stream that a test feeds.
type wire struct {
	recv    func([]byte, error)
	written []byte
	resets  int
}

func (w *wire) Write(p []byte) (int, error)       { w.written = append(w.written, p...); return len(p), nil }
func (w *wire) Receive(f func(p []byte, e error)) { w.recv = f }
func (w *wire) Close() error                      { return nil }
func (w *wire) Reset()                            { w.resets++ }

func TestAnyMessagesCutAnyWayComeOutTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFraming(t)
		room := f.max()
		if f.TPDU != nil {
			room -= tpduLen
		}
		messages := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, min(room, 300)), 0, 12).Draw(t, "messages")
		var b []byte
		for _, m := range messages {
			var err error
			if b, err = f.Append(b, m); err != nil {
				t.Fatal(err)
			}
		}
		w := &wire{}
		l := NewLink(w, far(f), nil)
		var got [][]byte
		l.OnFrame(func(m []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m)
		})
		for len(b) > 0 {
			n := rapid.IntRange(1, len(b)).Draw(t, "piece")
			piece := bytes.Clone(b[:n])
			w.recv(piece, nil)
			clear(piece) // it was the link's for the call only
			b = b[n:]
		}
		if len(got) != len(messages) || len(l.buf) != 0 {
			t.Fatalf("%d messages came of %d, %d bytes are left", len(got), len(messages), len(l.buf))
		}
		for i := range got {
			if !bytes.Equal(got[i], messages[i]) {
				t.Fatalf("message %d: %X, want %X", i, got[i], messages[i])
			}
		}
	})
}

// fuzzFraming is the framing that a fuzzed byte names.
func fuzzFraming(form byte) Framing {
	f := Framing{Header: Header(form & 1)}
	if form&2 != 0 {
		f.TPDU, f.AnySource = tpdu, form&8 != 0
	}
	if form&4 != 0 {
		f.Max = 64
	}
	return f
}

func FuzzNext(f *testing.F) {
	for form, tt := range framings {
		f.Add(byte(form), unhex(f, tt.wire))
	}
	f.Add(byte(2), unhex(f, "0006 6012340004 30"))
	f.Add(byte(3), unhex(f, "30303036 6012340004 30"))
	f.Add(byte(10), unhex(f, "0006 6012345678 30"))
	f.Add(byte(0), unhex(f, "FFFF"))
	f.Add(byte(1), []byte("9999"))
	f.Fuzz(func(t *testing.T, form byte, b []byte) {
		framing := fuzzFraming(form)
		m, n, err := framing.Next(b)
		switch {
		case err != nil && (m != nil || n != 0 && !errors.Is(err, ErrAddress) || n > len(b)):
			t.Fatalf("%v, and %X of %d bytes", err, m, n)
		case err != nil:
			return
		case n == 0 && len(b) >= framing.headerLen()+framing.max():
			t.Fatalf("%d bytes, and more are wanted", len(b))
		case n == 0:
			return
		}
		again, err := far(framing.towards(b)).Append(nil, m) // as the other side sent it
		if err != nil || !bytes.Equal(again, b[:n]) {
			t.Fatalf("%X taken, %X framed again, %v", b[:n], again, err)
		}
	})
}

// FuzzLink feeds a link the fuzzed bytes in the fuzzed pieces.
func FuzzLink(f *testing.F) {
	f.Add(byte(0), []byte{3}, unhex(f, "0004 30383030 0004 30383130"))
	f.Add(byte(2), []byte{1, 7}, unhex(f, "0006 6012340004 30 0006 6012340004"))
	f.Add(byte(5), []byte{0}, []byte("0001x0065"))
	f.Add(byte(10), []byte{9}, unhex(f, "0006 6012345678 30 0006 6012355678 30 0006 6812345678 30"))
	f.Fuzz(func(t *testing.T, form byte, cuts, b []byte) {
		framing := fuzzFraming(form)
		w := &wire{}
		l := NewLink(w, framing, nil)
		var end error
		frames, ends := 0, 0
		l.OnFrame(func(m []byte, err error) {
			if end != nil {
				t.Fatal("something after the end")
			}
			if err != nil {
				end = err
				ends++
				return
			}
			if frames++; len(m) == 0 || len(m) > framing.max() {
				t.Fatalf("a message of %d bytes", len(m))
			}
		})
		for i := 0; len(b) > 0; i++ {
			n := len(b)
			if i < len(cuts) {
				n = min(int(cuts[i]), n)
			}
			w.recv(b[:n], nil)
			b = b[n:]
			if len(l.buf) >= framing.headerLen()+framing.max() {
				t.Fatalf("%d bytes are kept", len(l.buf))
			}
			if l.Err() != end || (w.resets == 1) != (end != nil) {
				t.Fatalf("ended with %v, told %v, %d resets", l.Err(), end, w.resets)
			}
		}
		w.recv(nil, ErrReset)
		if ends != 1 || l.Err() != end {
			t.Fatalf("told %d times how it ended: %v", ends, end)
		}
	})
}

func BenchmarkFraming(b *testing.B) {
	f := Framing{TPDU: tpdu}
	p := make([]byte, 300)
	var buf []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		buf, _ = f.Append(buf[:0], p)
		if _, n, err := far(f).Next(buf); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
