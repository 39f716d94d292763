package transport

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// send sends messages at once from a; the faults befall them by the message's text. It returns the bytes that arrive at
// b, with their instants.
func (p *pair) sendAll(faults map[string][]Fault, messages ...string) (arrived []string) {
	l := NewLink(p.x, ascii, p.a)
	l.Faults(func(m []byte) []Fault { return faults[string(m)] })
	p.bytes(p.y, &arrived)
	for _, m := range messages {
		_ = l.Send([]byte(m)) // a cut says so
	}
	p.run()
	return arrived
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []Fault  // of "ab"; "z" is sent right after it, without a fault
		want   []string // pieces arriving at the peer
	}{
		{"none", nil, []string{"10ms 0002ab", "10ms 0001z"}},
		{"lose", []Fault{Lose{}}, []string{"10ms 0001z"}},
		{"delay", []Fault{Delay{5 * ms}}, []string{"10ms 0001z", "15ms 0002ab"}},
		{"delay adds up", []Fault{Delay{5 * ms}, Delay{7 * ms}}, []string{"10ms 0001z", "22ms 0002ab"}},
		{"duplicate", []Fault{Duplicate{}}, []string{"10ms 0002ab", "10ms 0002ab", "10ms 0001z"}},
		{"duplicate later", []Fault{Duplicate{5 * ms}}, []string{"10ms 0002ab", "10ms 0001z", "15ms 0002ab"}},
		{"corrupt the first byte", []Fault{Corrupt{0}}, []string{"10ms 0002`b", "10ms 0001z"}},
		{"corrupt the second byte", []Fault{Corrupt{1}}, []string{"10ms 0002ac", "10ms 0001z"}},
		{"corrupt modulo the length", []Fault{Corrupt{7}}, []string{"10ms 0002ac", "10ms 0001z"}},
		{"corrupt a negative byte", []Fault{Corrupt{-1}}, []string{"10ms 0002ac", "10ms 0001z"}},
		{"corrupt twice: healed", []Fault{Corrupt{0}, Corrupt{0}}, []string{"10ms 0002ab", "10ms 0001z"}},
		{"truncate", []Fault{Truncate{1}}, []string{"10ms 0001a", "10ms 0001z"}},
		{"truncate to more than there is", []Fault{Truncate{9}}, []string{"10ms 0002ab", "10ms 0001z"}},
		{"truncate to nothing", []Fault{Truncate{0}}, []string{"10ms 0000", "10ms 0001z"}},
		{"truncate to a negative length", []Fault{Truncate{-3}}, []string{"10ms 0000", "10ms 0001z"}},
		{"reset", []Fault{Reset{}}, []string{"10ms reset"}},
		{"cut", []Fault{Cut{5}}, []string{"10ms 0002a", "10ms reset"}},
		{"slice", []Fault{Slice{4}}, []string{"10ms 0002", "10ms ab", "10ms 0001z"}},
		{"slice by nothing", []Fault{Slice{0}}, []string{"10ms 0002ab", "10ms 0001z"}},
		{"slice by less", []Fault{Slice{-2}}, []string{"10ms 0002ab", "10ms 0001z"}},
		{"merge", []Fault{Merge{}}, []string{"10ms 0002ab0001z"}},
		{"drip keeps the order of bytes", []Fault{Drip{ms}},
			[]string{"10ms 0", "11ms 0", "12ms 0", "13ms 2", "14ms a", "15ms b", "15ms 0001z"}},
		{"drip by nothing", []Fault{Drip{}}, []string{"10ms 0", "10ms 0", "10ms 0", "10ms 2", "10ms a", "10ms b", "10ms 0001z"}},
		{"drip backwards", []Fault{Drip{-ms}}, []string{"10ms 0", "10ms 0", "10ms 0", "10ms 2", "10ms a", "10ms b", "10ms 0001z"}},

		{"lose and anything", []Fault{Lose{}, Duplicate{ms}, Cut{1}, Corrupt{0}}, []string{"10ms 0001z"}},
		{"duplicate, lose", []Fault{Duplicate{ms}, Lose{}}, []string{"10ms 0001z"}},
		{"duplicate, delay: both later", []Fault{Duplicate{2 * ms}, Delay{5 * ms}}, []string{"10ms 0001z", "15ms 0002ab", "17ms 0002ab"}},
		{"delay, duplicate: the copy later still", []Fault{Delay{5 * ms}, Duplicate{2 * ms}}, []string{"10ms 0001z", "15ms 0002ab", "17ms 0002ab"}},
		{"duplicate twice: four", []Fault{Duplicate{ms}, Duplicate{2 * ms}},
			[]string{"10ms 0002ab", "10ms 0001z", "11ms 0002ab", "12ms 0002ab", "13ms 0002ab"}},
		{"truncate, corrupt: a byte that is sent", []Fault{Truncate{1}, Corrupt{1}}, []string{"10ms 0001`", "10ms 0001z"}},
		{"truncate to nothing, corrupt", []Fault{Truncate{0}, Corrupt{1}}, []string{"10ms 0000", "10ms 0001z"}},
		{"corrupt, duplicate", []Fault{Corrupt{0}, Duplicate{ms}}, []string{"10ms 0002`b", "10ms 0001z", "11ms 0002`b"}},
		{"duplicate, drip: each drips, one behind the other", []Fault{Duplicate{}, Drip{ms}, Truncate{1}}, []string{
			"10ms 0", "11ms 0", "12ms 0", "13ms 1", "14ms a", "14ms 0", "15ms 0", "16ms 0", "17ms 1", "18ms a", "18ms 0001z"}},
		{"slice, cut: pieces of what is delivered", []Fault{Slice{4}, Cut{5}}, []string{"10ms 0002", "10ms a", "10ms reset"}},
		{"drip, cut: the reset behind the last byte", []Fault{Drip{ms}, Cut{2}}, []string{"10ms 0", "11ms 0", "11ms reset"}},
		{"delay, cut: the other message before", []Fault{Delay{5 * ms}, Cut{4}}, []string{"10ms 0001z", "15ms 0002", "15ms reset"}},
		{"duplicate, cut: the copy never", []Fault{Duplicate{}, Cut{4}}, []string{"10ms 0002", "10ms reset"}},
		{"merge, cut: nothing is held back", []Fault{Merge{}, Cut{4}}, []string{"10ms 0002", "10ms reset"}},
		{"merge, duplicate: with the other message", []Fault{Duplicate{}, Merge{}}, []string{"10ms 0002ab0002ab0001z"}},
		{"delay, merge: held back from then on", []Fault{Delay{5 * ms}, Merge{}}, []string{"10ms 0001z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newPair(t).sendAll(map[string][]Fault{"ab": tt.faults}, "ab", "z")
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q,\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMergeTravelsAsTheNextMessageDoes(t *testing.T) {
	for _, tt := range []struct {
		name string
		next []Fault // of "z"
		want []string
	}{
		{"merged too, then a third", []Fault{Merge{}}, []string{"10ms 0001a0001z0001."}},
		{"sliced", []Fault{Slice{7}}, []string{"10ms 0001a00", "10ms 01z", "10ms 0001."}},
		{"cut: counted in the next message", []Fault{Cut{4}}, []string{"10ms 0001a0001", "10ms reset"}},
		{"reset", []Fault{Reset{}}, []string{"10ms 0001a", "10ms reset"}},
		{"lost: with the one after it", []Fault{Lose{}}, []string{"10ms 0001a0001."}},
		{"delayed: with the one before it", []Fault{Delay{ms}}, []string{"10ms 0001a0001.", "11ms 0001z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newPair(t).sendAll(map[string][]Fault{"a": {Merge{}}, "z": tt.next}, "a", "z", ".")
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsHeldBackGoesOutBeforeAClose(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(l *Link)
		want []string
	}{
		{"Close", func(l *Link) { l.Close() }, []string{"10ms 0001a", "10ms closed"}},
		{"Reset", func(l *Link) { l.Reset() }, []string{"10ms reset"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			l := NewLink(p.x, ascii, p.a)
			l.Faults(func([]byte) []Fault { return []Fault{Merge{}} })
			var got []string
			p.bytes(p.y, &got)
			if err := l.Send([]byte("a")); err != nil {
				t.Fatal(err)
			}
			tt.end(l)
			p.run()
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Cut after every number of bytes: exactly these arrive, then the reset; the receiver's link says how many were left over.
func TestCutDeliversExactlySoManyBytes(t *testing.T) {
	const framed = "0008approved"
	for k := -1; k <= len(framed)+1; k++ {
		p := newPair(t)
		l, r := NewLink(p.x, ascii, p.a), NewLink(p.y, ascii, p.b)
		l.Faults(func([]byte) []Fault { return []Fault{Cut{k}} })
		var raw, mine []string
		p.w.OnNote(func(_ time.Time, _, _ string, b []byte) { raw = append(raw, string(b)) })
		p.frames(l, &mine)
		frames := 0
		r.OnFrame(func(m []byte, err error) {
			if err == nil {
				frames++
			}
		})
		if err := l.Send([]byte("approved")); err != ErrReset {
			t.Errorf("cut %d: send: %v", k, err)
		}
		if !slices.Equal(mine, []string{"0s reset"}) || l.Err() != ErrReset {
			t.Errorf("cut %d: the sender is told %q", k, mine)
		}
		p.run()
		n := min(max(k, 0), len(framed))
		want, wantFrames := "transport: connection reset", 0
		switch {
		case n == len(framed):
			wantFrames = 1
		case n > 0:
			want = fmt.Sprintf("transport: connection reset with %d bytes of an unfinished frame", n)
		}
		if frames != wantFrames || r.Err() == nil || r.Err().Error() != want || !errors.Is(r.Err(), ErrReset) {
			t.Errorf("cut %d: %d frames, %v, want %s", k, frames, r.Err(), want)
		}
		if got := fmt.Sprint(raw); n > 0 && got != fmt.Sprintf("[%s]", framed[:n]) || n == 0 && raw != nil {
			t.Errorf("cut %d: on the wire %s", k, got)
		}
	}
}

func TestADelayedFrameDiesWithItsConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(p *pair, l *Link)
		want []string
	}{
		{"it stands", func(*pair, *Link) {}, []string{"110ms 0001a"}},
		{"Close", func(_ *pair, l *Link) { l.Close() }, []string{"60ms closed"}},
		{"Reset", func(_ *pair, l *Link) { l.Reset() }, []string{"60ms reset"}},
		{"the sender's power", func(p *pair, _ *Link) { p.a.PowerOff() }, []string{"60ms reset"}},
		{"the sender's power, and back", func(p *pair, _ *Link) { p.a.PowerOff(); p.a.PowerOn(nil) }, []string{"60ms reset"}},
		{"the receiver's power", func(p *pair, _ *Link) { p.b.PowerOff() }, nil},
		{"the receiver resets", func(p *pair, _ *Link) { p.y.Reset() }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			l := NewLink(p.x, ascii, p.a)
			l.Faults(func([]byte) []Fault { return []Fault{Delay{100 * ms}} })
			var got []string
			p.bytes(p.y, &got)
			m := []byte("a")
			if err := l.Send(m); err != nil {
				t.Fatal(err)
			}
			m[0] = 'X' // it was the link's for the call only
			p.w.After(50*ms, func() { tt.end(p, l) })
			notes := 0
			p.w.OnNote(func(time.Time, string, string, []byte) { notes++ })
			p.run()
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if stands := tt.name == "it stands"; stands != (notes == 1) {
				t.Errorf("%d times bytes on the wire", notes)
			}
		})
	}
}

func TestADelayedFrameIsNotWrittenToAnEndedStream(t *testing.T) {
	p := newPair(t)
	s := &wire{}
	l := NewLink(s, ascii, p.a)
	l.Faults(func([]byte) []Fault { return []Fault{Duplicate{100 * ms}} })
	if err := l.Send([]byte("a")); err != nil {
		t.Fatal(err)
	}
	s.recv(nil, ErrClosed)
	p.run()
	if string(s.written) != "0001a" {
		t.Errorf("written: %s", s.written)
	}
}

func TestCorruptFlipsOneBitOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "message")
		i := rapid.Int().Draw(t, "byte")
		was := bytes.Clone(m)
		out := Corrupt{i}.Apply([]Delivery{{Frame: m}})
		if !bytes.Equal(m, was) {
			t.Fatal("the caller's message is changed")
		}
		flipped := 0
		for j := range m {
			flipped += bits.OnesCount8(m[j] ^ out[0].Frame[j])
		}
		if len(out) != 1 || len(out[0].Frame) != len(m) || flipped != 1 {
			t.Fatalf("%d bits in %d deliveries", flipped, len(out))
		}
		if i >= 0 && out[0].Frame[i%len(m)] != m[i%len(m)]^1 {
			t.Fatal("another bit")
		}
	})
}

// Whatever byte faults that keep the connection befall whatever messages: all arrive, whole and in order.
func TestByteFaultsKeepTheBytesAndTheirOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t)
		l, r := NewLink(p.x, Framing{}, p.a), NewLink(p.y, Framing{}, p.b)
		fault := rapid.Custom(func(t *rapid.T) Fault {
			n := rapid.IntRange(0, 20).Draw(t, "n")
			return []Fault{Slice{n}, Merge{}, Drip{time.Duration(n) * ms}}[rapid.IntRange(0, 2).Draw(t, "kind")]
		})
		l.Faults(func([]byte) []Fault { return rapid.SliceOfN(fault, 0, 3).Draw(rt, "faults") })
		messages := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 40), 1, 8).Draw(rt, "messages")
		var got [][]byte
		var end error
		r.OnFrame(func(m []byte, err error) {
			if err != nil {
				end = err
				return
			}
			got = append(got, m)
		})
		var at time.Duration
		for _, m := range messages {
			at += time.Duration(rapid.IntRange(0, 30).Draw(rt, "pause")) * ms
			p.a.After(at, func() {
				if err := l.Send(m); err != nil {
					rt.Fatal(err)
				}
			})
		}
		p.a.After(at, func() { _ = l.Close() }) // what is held back goes out
		p.run()
		if end != ErrClosed || len(got) != len(messages) {
			rt.Fatalf("%d of %d messages, then %v", len(got), len(messages), end)
		}
		for i := range got {
			if !bytes.Equal(got[i], messages[i]) {
				rt.Fatalf("message %d: %X, want %X", i, got[i], messages[i])
			}
		}
	})
}
