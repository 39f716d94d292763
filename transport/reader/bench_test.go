package reader

import (
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// BenchmarkRoundTrip is one command of 20 bytes with an answer of 39 through driver, line and emulator in memory.
func BenchmarkRoundTrip(b *testing.B) {
	for _, p := range protocols {
		b.Run(p.name, func(b *testing.B) {
			w := newWorld(b)
			done := false
			card := &fixedCard{atr: unhex(b, p.atr), answer: unhex(b, fci+"9000")}
			command := unhex(b, ppse)
			b.ReportAllocs()
			w.host.PowerOn(func(c sim.Clock) {
				line, far := Pipe(w.host, w.far, "terminal", "reader", DefaultBitRate)
				NewEmulator(w.far, far, card, EmulatorConfig{})
				r, err := Open(c, line, Config{})
				if err == nil {
					_, err = r.PowerOn()
				}
				for b.Loop() {
					if _, err = r.Transmit(command); err != nil {
						break
					}
				}
				if err != nil {
					b.Error(err)
				}
				done = true
			})
			for !done && w.w.Step() {
			}
		})
	}
}

// BenchmarkTimeout is a silent reader: 3 s of virtual time.
func BenchmarkTimeout(b *testing.B) {
	w := newWorld(b)
	done := false
	w.host.PowerOn(func(c sim.Clock) {
		line, _ := Pipe(w.host, w.far, "terminal", "reader", DefaultBitRate)
		r := &CCID{clock: c, line: line, cfg: Config{Timeout: 3 * time.Second, Limit: time.Minute}}
		r.ready = func() bool { return r.got != 0 || r.lost != nil }
		for b.Loop() {
			r.begin()
			if r.status() == nil {
				b.Error("an answer")
			}
		}
		done = true
	})
	for !done && w.w.Step() {
	}
}

type fixedCard struct{ atr, answer []byte }

func (c *fixedCard) Reset() []byte                   { return c.atr }
func (c *fixedCard) Transmit([]byte) ([]byte, error) { return c.answer, nil }
