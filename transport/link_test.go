package transport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

var ascii = Framing{Header: ASCII4}

func TestMessagesBothWays(t *testing.T) {
	p := newPair(t)
	f := Framing{Header: ASCII4, TPDU: tpdu}
	l, r := NewLink(p.x, f, p.a), NewLink(p.y, far(f), p.b)
	var left, right []string
	p.frames(l, &left)
	r.OnFrame(func(m []byte, err error) {
		right = append(right, fmt.Sprintf("%v %s", p.at(), m))
		if err := r.Send(append([]byte("re "), m...)); err != nil {
			t.Error(err)
		}
	})
	for _, m := range []string{"one", "two"} {
		if err := l.Send([]byte(m)); err != nil {
			t.Error(err)
		}
	}
	p.run()
	if !slices.Equal(right, []string{"10ms one", "10ms two"}) || !slices.Equal(left, []string{"20ms re one", "20ms re two"}) {
		t.Errorf("%q %q", left, right)
	}
}

// What is for somebody else is dropped without an answer, and the line goes on; who serves many answers whoever wrote last.
func TestStraysAndSources(t *testing.T) {
	p := newPair(t)
	own := Framing{TPDU: &TPDU{Destination: 0, Source: 3}, AnySource: true}
	var got, strays []string
	host := NewLink(p.y, own, p.b)
	host.OnStray(func(err error) { strays = append(strays, err.Error()) })
	host.OnFrame(func(m []byte, err error) {
		if err == nil {
			got = append(got, string(m))
			err = host.Send(append([]byte("re "), m...))
		}
		if err != nil {
			t.Error(err)
		}
	})
	var raw []byte
	p.x.Receive(func(b []byte, err error) { raw = append(raw, b...) })
	for _, frame := range []string{"0006 6000030017 61", "0006 6000040017 62", "0006 6800030017 63", "0006 6000030018 64"} {
		if _, err := p.x.Write(unhex(t, frame)); err != nil {
			t.Fatal(err)
		}
	}
	p.run()
	if !slices.Equal(got, []string{"a", "d"}) || host.Strays() != 2 || host.Err() != nil {
		t.Errorf("got %q, %d strays, %v", got, host.Strays(), host.Err())
	}
	if want := "transport: TPDU of somebody else: TPDU 6000040017: want 600003 any source"; len(strays) != 2 || strays[0] != want {
		t.Errorf("told %q, want %q first", strays, want)
	}
	if want := unhex(t, "0009 6000170003 72652061 0009 6000180003 72652064"); string(raw) != string(want) {
		t.Errorf("answered %X, want %X", raw, want)
	}
}

func TestRecv(t *testing.T) {
	p := newPair(t)
	p.a.PowerOff()
	r := (*Link)(nil)
	var log []string
	p.a.PowerOn(func(c sim.Clock) {
		x, y := Pipe(p.a, p.b, latency)
		l := NewLink(x, ascii, c)
		r = NewLink(y, ascii, p.b)
		recv := func(deadline time.Duration) {
			pending := l.Pending()
			at := p.at()
			m, err := l.Recv(start.Add(deadline))
			if pending && (at != p.at() || err == ErrTimeout) {
				t.Errorf("pending, and it waited from %v to %v: %v", at, p.at(), err)
			}
			log = append(log, fmt.Sprintf("%v %s %v", p.at(), m, err))
		}
		if l.Err() != nil || l.Pending() {
			t.Error("ended or pending at the start")
		}
		for _, m := range []string{"one", "two"} {
			p.b.After(time.Second, func() { _ = r.Send([]byte(m)) })
		}
		p.b.After(50*time.Second, func() { _ = r.Send([]byte("last")); _ = r.Close() })
		recv(500 * ms)
		recv(time.Minute)
		recv(time.Minute)
		recv(40 * time.Second)
		if l.Err() != nil {
			t.Error("a time-out is no end of the link")
		}
		recv(0) // an instant that has passed
		recv(time.Minute)
		recv(time.Minute)
		recv(2 * time.Minute)
		if err := l.Send([]byte("x")); err != ErrClosed || l.Err() != ErrClosed || !l.Pending() {
			t.Errorf("after the end: %v, pending %v", err, l.Pending())
		}
	})
	p.run()
	want := []string{
		"500ms  transport: no answer in time",
		"1.01s one <nil>",
		"1.01s two <nil>",
		"40s  transport: no answer in time",
		"40s  transport: no answer in time",
		"50.01s last <nil>",
		"50.01s  transport: connection closed",
		"50.01s  transport: connection closed",
	}
	if !slices.Equal(log, want) {
		t.Errorf("%s", strings.Join(log, "\n"))
	}
}

func TestFramesBeforeOnFrameAreHandedOver(t *testing.T) {
	p := newPair(t)
	l, r := NewLink(p.x, ascii, p.a), NewLink(p.y, ascii, p.b)
	for _, m := range []string{"one", "two"} {
		if err := l.Send([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	p.write("0009half")
	p.x.Close()
	p.run()
	if !r.Pending() {
		t.Error("nothing is pending")
	}
	var got []string
	p.frames(r, &got)
	want := []string{"10ms one", "10ms two", "10ms transport: connection closed with 8 bytes of an unfinished frame"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	got = nil
	p.frames(r, &got)
	if !slices.Equal(got, want[2:]) {
		t.Errorf("again %q", got)
	}
}

func TestAnOwnerThatEndsTheLinkIsGivenNothingMore(t *testing.T) {
	for _, tt := range []struct {
		name  string
		early bool // the frames are there before OnFrame
		end   func(l *Link)
		err   error
		peer  string
	}{
		{"Close", false, func(l *Link) { l.Close() }, ErrClosed, "20ms closed"},
		{"Reset", false, func(l *Link) { l.Reset() }, ErrReset, "20ms reset"},
		{"Close, frames before", true, func(l *Link) { l.Close() }, ErrClosed, "20ms closed"},
		{"Close and Reset", false, func(l *Link) { l.Close(); l.Reset(); l.Close() }, ErrClosed, "20ms closed"},
		{"Reset and Close", false, func(l *Link) { l.Reset(); l.Close() }, ErrReset, "20ms reset"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			var peer []string
			p.bytes(p.x, &peer)
			r := NewLink(p.y, ascii, p.b)
			p.write("0003one0003two0005th")
			var got []string
			listen := func() {
				r.OnFrame(func(m []byte, err error) {
					got = append(got, fmt.Sprintf("%s %v", m, err))
					tt.end(r)
				})
			}
			if tt.early {
				p.run()
			}
			listen()
			p.run()
			if !slices.Equal(got, []string{"one <nil>"}) || r.Err() != tt.err {
				t.Errorf("%q, ended with %v", got, r.Err())
			}
			if !slices.Equal(peer, []string{tt.peer}) {
				t.Errorf("the peer sees %q", peer)
			}
			if err := r.Send([]byte("x")); err != tt.err {
				t.Errorf("send: %v", err)
			}
		})
	}
}

func TestAnUnfinishedFrameIsReported(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(p *pair)
		want string
		is   error
	}{
		{"closed between frames", func(p *pair) { p.write("0003one"); p.x.Close() }, "transport: connection closed", ErrClosed},
		{"closed in a header", func(p *pair) { p.write("0003one00"); p.x.Close() },
			"transport: connection closed with 2 bytes of an unfinished frame", ErrClosed},
		{"closed in a frame", func(p *pair) { p.write("0003one0003tw"); p.x.Close() },
			"transport: connection closed with 6 bytes of an unfinished frame", ErrClosed},
		{"reset in a frame", func(p *pair) { p.write("0003one0003tw"); p.x.Reset() },
			"transport: connection reset with 6 bytes of an unfinished frame", ErrReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			r := NewLink(p.y, ascii, p.b)
			frames := 0
			var end error
			r.OnFrame(func(_ []byte, err error) {
				if err != nil {
					end = err
				} else {
					frames++
				}
			})
			tt.do(p)
			p.run()
			if frames != 1 || end == nil || end.Error() != tt.want || !errors.Is(end, tt.is) || r.Err() != end {
				t.Errorf("%d frames, %v, want %s", frames, end, tt.want)
			}
		})
	}
}

func TestGarbageEndsTheLinkAndResetsTheStream(t *testing.T) {
	p := newPair(t)
	var peer, got []string
	p.bytes(p.x, &peer)
	r := NewLink(p.y, ascii, p.b)
	p.frames(r, &got)
	p.write("0003one00garbage0003two")
	p.write("0003one")
	p.run()
	if want := []string{"10ms one", "10ms error: transport: length header 30 30 67 61: want 4 decimal digits"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !slices.Equal(peer, []string{"20ms reset"}) || len(r.buf) != 0 {
		t.Errorf("the peer sees %q, %d bytes are kept", peer, len(r.buf))
	}
	if err := r.Send([]byte("x")); err == nil || err != r.Err() {
		t.Errorf("send after it: %v", err)
	}
}

func TestTheQueueForRecvIsBounded(t *testing.T) {
	w := &wire{}
	l := NewLink(w, ascii, nil)
	flood := []byte(strings.Repeat("0001x", 5000))
	w.recv(flood, nil)
	w.recv(flood, nil)
	if len(l.queue) != maxQueue || w.resets != 1 || len(l.buf) != 0 {
		t.Errorf("%d messages and %d bytes wait, %d resets", len(l.queue), len(l.buf), w.resets)
	}
	if want := "transport: 1024 messages that nobody asked for"; l.Err() == nil || l.Err().Error() != want {
		t.Errorf("%v, want %s", l.Err(), want)
	}
}

func TestSend(t *testing.T) {
	p := newPair(t)
	l := NewLink(p.x, Framing{Max: 8}, p.a)
	if err := l.Send(make([]byte, 9)); err == nil || err.Error() != "transport: frame of 9 bytes: want at most 8" || l.Err() != nil {
		t.Errorf("too long: %v, and the link %v", err, l.Err())
	}
	if err := l.Send(make([]byte, 8)); err != nil {
		t.Error(err)
	}
	p.w.After(time.Second, p.b.PowerOff)
	p.run()
	if err := l.Send([]byte("x")); err != ErrReset || !errors.Is(l.Err(), ErrReset) {
		t.Errorf("after a reset: %v", err)
	}
}

func TestAStreamWithoutByteFaultsSaysSo(t *testing.T) {
	l := NewLink(&wire{}, ascii, nil)
	l.Faults(func([]byte) []Fault { return []Fault{Slice{1}} })
	if err := l.Send([]byte("x")); err == nil || err.Error() != "transport: this stream has no byte faults" {
		t.Error(err)
	}
}

func BenchmarkSend(b *testing.B) {
	p := newPair(b)
	l, r := NewLink(p.x, Framing{}, p.a), NewLink(p.y, Framing{}, p.b)
	n := 0
	r.OnFrame(func([]byte, error) { n++ })
	m := make([]byte, 300)
	sent := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Send(m); err != nil {
			b.Fatal(err)
		}
		p.w.Step()
		sent++
	}
	if n != sent {
		b.Fatal(n, sent)
	}
}
