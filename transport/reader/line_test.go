package reader

import (
	"errors"
	"testing"
	"time"
)

func TestPipeTakesTheTimeOfTheLine(t *testing.T) {
	w := newWorld(t)
	w.host.PowerOn(nil)
	a, b := Pipe(w.host, w.far, "a", "b", 115200)
	var at []time.Duration
	var got []byte
	b.Receive(func(p []byte, err error) {
		at = append(at, w.w.Now().Sub(start))
		got = append(got, p...)
	})
	a.Write(make([]byte, 14))
	a.Write([]byte{1}) // waits for the first write to be through
	for w.w.Step() {
	}
	perByte := 11 * time.Second / 115200
	if len(at) != 2 || at[0] != 14*perByte || at[1] != 15*perByte || len(got) != 15 {
		t.Errorf("%d bytes at %v, expected at %v and %v", len(got), at, 14*perByte, 15*perByte)
	}
}

// TestEveryByteCounts: a one-byte change on the wire changes the world's hash.
func TestEveryByteCounts(t *testing.T) {
	hash := func(p ...byte) uint64 {
		w := newWorld(t)
		w.host.PowerOn(nil)
		a, _ := Pipe(w.host, w.far, "a", "b", 115200)
		a.Write(p)
		for w.w.Step() {
		}
		return w.w.Hash()
	}
	if again := hash(1, 2, 3); hash(1, 2, 3) != again {
		t.Error("the same bytes have different hashes")
	}
	if hash(1, 2, 3) == hash(1, 2, 4) || hash(1, 2, 3) == hash(1, 2) {
		t.Error("different bytes have the same hash")
	}
}

func TestPipeEnds(t *testing.T) {
	t.Run("bytes before Receive are kept", func(t *testing.T) {
		w := newWorld(t)
		w.host.PowerOn(nil)
		a, b := Pipe(w.host, w.far, "a", "b", 0)
		a.Write([]byte{1, 2})
		a.Close()
		for w.w.Step() {
		}
		var got []byte
		var end error
		b.Receive(func(p []byte, err error) { got, end = append(got, p...), err })
		if len(got) != 2 || !errors.Is(end, ErrLineClosed) {
			t.Errorf("% X, %v", got, end)
		}
		if _, err := b.Write([]byte{1}); !errors.Is(err, ErrLineClosed) {
			t.Errorf("write: %v", err)
		}
	})
	t.Run("who closes is not told", func(t *testing.T) {
		w := newWorld(t)
		w.host.PowerOn(nil)
		a, _ := Pipe(w.host, w.far, "a", "b", 0)
		a.Close()
		a.Receive(func(p []byte, err error) { t.Errorf("told % X, %v", p, err) })
	})
	t.Run("what nobody receives is bounded", func(t *testing.T) {
		w := newWorld(t)
		w.host.PowerOn(nil)
		a, b := Pipe(w.host, w.far, "a", "b", 0)
		for range 100 {
			a.Write(make([]byte, 100))
		}
		for w.w.Step() {
		}
		n := 0
		b.Receive(func(p []byte, err error) { n += len(p) })
		if n == 0 || n > maxEarly {
			t.Errorf("%d bytes kept, expected at most %d", n, maxEarly)
		}
	})
	t.Run("a power cut closes the line for the other side, once", func(t *testing.T) {
		w := newWorld(t)
		w.host.PowerOn(nil)
		_, b := Pipe(w.host, w.far, "a", "b", 0)
		calls := 0
		b.Receive(func(p []byte, err error) {
			if errors.Is(err, ErrLineClosed) {
				calls++
			}
		})
		w.host.PowerOff()
		for w.w.Step() {
		}
		if calls != 1 {
			t.Errorf("told %d times, expected once", calls)
		}
	})
	t.Run("to a side without power bytes are lost", func(t *testing.T) {
		w := newWorld(t)
		w.host.PowerOn(nil)
		a, _ := Pipe(w.host, w.far, "a", "b", 0)
		w.far.PowerOff()
		if _, err := a.Write([]byte{1}); err != nil {
			t.Errorf("before the end is heard of: %v", err)
		}
		for w.w.Step() {
		}
		if _, err := a.Write([]byte{1}); !errors.Is(err, ErrLineClosed) {
			t.Errorf("after: %v", err)
		}
	})
}
