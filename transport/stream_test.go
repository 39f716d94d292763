package transport

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

func TestPipe(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(p *pair)
		want []string // what arrives at y
	}{
		{"bytes arrive after the latency, in order", func(p *pair) {
			p.write("one")
			p.write("two")
			p.a.After(5*ms, func() { p.write("three") })
		}, []string{"10ms one", "10ms two", "15ms three"}},
		{"Close delivers what was written before", func(p *pair) {
			p.write("one")
			p.x.Close()
			p.write("never")
		}, []string{"10ms one", "10ms closed"}},
		{"Reset delivers what was written before", func(p *pair) {
			p.write("one")
			p.x.Reset()
			p.write("never")
		}, []string{"10ms one", "10ms reset"}},
		{"an end is told once", func(p *pair) {
			p.x.Close()
			p.x.Reset()
			p.x.Close()
		}, []string{"10ms closed"}},
		{"the writer's power goes: the reader sees a reset", func(p *pair) {
			p.write("one")
			p.w.After(5*ms, p.a.PowerOff)
		}, []string{"10ms one", "15ms reset"}},
		{"the reader's power goes: nothing arrives", func(p *pair) {
			p.write("one")
			p.w.After(5*ms, p.b.PowerOff)
			p.w.After(6*ms, func() { p.b.PowerOn(nil) })
			p.a.After(7*ms, func() { p.write("two") })
		}, nil},
		{"the reader has closed: nothing arrives", func(p *pair) {
			p.write("one")
			p.y.Close()
		}, nil},
		{"a power cut after Close changes nothing", func(p *pair) {
			p.x.Close()
			p.w.After(5*ms, p.a.PowerOff)
		}, []string{"10ms closed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			var got []string
			p.bytes(p.y, &got)
			tt.do(p)
			p.run()
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func (p *pair) write(s string) { _, _ = p.x.Write([]byte(s)) }

func TestThePowerOfEitherSideResetsTheOther(t *testing.T) {
	for _, first := range []bool{true, false} {
		p := newPair(t)
		var got []string
		dead, other := p.a, p.y
		if !first {
			dead, other = p.b, p.x
		}
		p.bytes(other, &got)
		p.w.After(time.Second, dead.PowerOff)
		p.run()
		if !slices.Equal(got, []string{"1.01s reset"}) {
			t.Errorf("%q", got)
		}
		if n, err := other.Write([]byte("x")); n != 0 || err != ErrReset {
			t.Errorf("write after it: %d %v", n, err)
		}
	}
}

func TestWriteReportsItsOwnBytes(t *testing.T) {
	p := newPair(t)
	if err := p.x.(faulty).writeBytes([]byte("held"), Bytes{Merge: true}); err != nil {
		t.Fatal(err)
	}
	if n, err := p.x.Write([]byte("four")); n != 4 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	p.x.Close()
	if n, err := p.x.Write([]byte("four")); n != 0 || err != ErrClosed {
		t.Errorf("after Close: %d %v", n, err)
	}
}

func TestWhatIsWrittenIsCopied(t *testing.T) {
	p := newPair(t)
	var got []string
	p.bytes(p.y, &got)
	b := []byte("one")
	_, _ = p.x.Write(b)
	b[0] = 'X'
	p.run()
	if !slices.Equal(got, []string{"10ms one"}) {
		t.Errorf("%q", got)
	}
}

func TestBytesAndEndBeforeReceiveAreHandedOver(t *testing.T) {
	p := newPair(t)
	p.write("one ")
	p.write("two")
	p.x.Close()
	p.run()
	var got []string
	p.bytes(p.y, &got)
	if !slices.Equal(got, []string{"10ms one two", "10ms closed"}) {
		t.Errorf("%q", got)
	}
	got = nil
	p.bytes(p.y, &got)
	if !slices.Equal(got, []string{"10ms closed"}) {
		t.Errorf("to another receiver: %q", got)
	}
}

// A connection of a dead epoch: its operations unwind, and say no farewell.
func TestOperationsOfADeadEpochUnwind(t *testing.T) {
	p := newPair(t)
	var got []string
	p.bytes(p.y, &got)
	p.a.PowerOff()
	p.a.PowerOn(func(c sim.Clock) {
		x, y := Pipe(p.a, p.b, latency)
		p.bytes(y, &got)
		l := NewLink(x, Framing{Header: ASCII4}, c)
		l.Faults(func(f []byte) []Fault {
			if string(f) == "lost" {
				return []Fault{Lose{}}
			}
			return []Fault{Delay{ms}}
		})
		other, _ := Pipe(p.a, p.b, latency)
		l2 := NewLink(other, Framing{}, c)
		went := func() { t.Error("went on after death") }
		defer func() { _ = l2.Close(); went() }()
		defer func() { l.Reset(); went() }()
		defer func() { _ = x.Close(); went() }()
		defer func() { x.Reset(); went() }()
		defer func() { _, _ = x.Write([]byte("x")); went() }()
		defer func() { _ = l.Send([]byte("lost")); went() }()
		defer func() { _ = l.Send([]byte("delayed")); went() }()
		defer func() { _, _ = l.Recv(time.Time{}); went() }()
		c.Wait(time.Time{}, func() bool { return false })
	})
	p.w.After(time.Second, p.a.PowerOff)
	p.run()
	if want := []string{"10ms reset", "1.01s reset"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	defer func() {
		if r := recover(); r != (sim.PowerCut{Actor: "a"}) {
			t.Errorf("a write from the next life: %v", r)
		}
	}()
	_, _ = p.x.Write(nil)
}

func TestTheWireIsNoted(t *testing.T) {
	history := func(pieces ...string) (uint64, []string) {
		p := newPair(t)
		var notes []string
		p.w.OnNote(func(at time.Time, who, kind string, b []byte) {
			notes = append(notes, fmt.Sprintf("%v %s %s %s", at.Sub(start), who, kind, b))
		})
		for _, s := range pieces {
			p.write(s)
		}
		if _, err := p.y.Write([]byte("0810")); err != nil {
			t.Fatal(err)
		}
		p.run()
		return p.w.Hash(), notes
	}
	h, notes := history("0800")
	if want := []string{"0s a>b wire 0800", "0s b>a wire 0810"}; !slices.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
	if again, _ := history("0800"); again != h {
		t.Error("the same bytes have two hashes")
	}
	for _, other := range [][]string{{"0801"}, {"08", "00"}, {"0800", ""}, {}} {
		if o, _ := history(other...); o == h {
			t.Errorf("%q has the hash of 0800", other)
		}
	}
}
