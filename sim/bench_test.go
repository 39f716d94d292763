package sim_test

import (
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// One time-out of 60 seconds: to the coroutine and back.
func BenchmarkWaitTimeOut(b *testing.B) {
	w := newWorld(b, 1)
	w.Actor("a").PowerOn(func(c sim.Clock) {
		for {
			c.Wait(c.Now().Add(time.Minute), never)
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		w.Step()
	}
}

// One of a thousand waiting actors is woken by an event of its own.
func BenchmarkOneOfAThousandIsWoken(b *testing.B) {
	w := newWorld(b, 1)
	const n = 1000
	var actors [n]*sim.Actor
	var mail [n]bool
	woken := 0
	for i := range n {
		actors[i] = w.Actor("a")
		actors[i].PowerOn(func(c sim.Clock) {
			for {
				c.Wait(time.Time{}, func() bool { return mail[i] })
				mail[i] = false
				woken++
			}
		})
	}
	for w.Step() {
	}
	post := [n]func(){}
	for i := range n {
		post[i] = func() { mail[i] = true }
	}
	b.ReportAllocs()
	sent := 0
	for b.Loop() {
		actors[sent%n].After(time.Millisecond, post[sent%n])
		w.Step()
		sent++
	}
	if woken != sent {
		b.Fatalf("%d woken, %d posted", woken, sent)
	}
}

// One event entered and run, beside a hundred that wait.
func BenchmarkAfterAndStep(b *testing.B) {
	w := newWorld(b, 1)
	for range 100 {
		w.After(100*365*24*time.Hour, func() {})
	}
	f := func() {}
	b.ReportAllocs()
	for b.Loop() {
		w.After(time.Millisecond, f)
		w.Step()
	}
}

// One message of 300 bytes under the running hash.
func BenchmarkNote(b *testing.B) {
	w := newWorld(b, 1)
	p := make([]byte, 300)
	b.SetBytes(300)
	b.ReportAllocs()
	for b.Loop() {
		w.Note("term>acquirer", "wire", p)
	}
}
