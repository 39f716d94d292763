package sim_test

import (
	"fmt"
	"time"

	"github.com/posim/posim/sim"
)

// Two parties: one asks twice and waits a minute for each answer, the other answers once. No real time passes.
func Example() {
	w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
	defer w.Close()
	terminal, host := w.Actor("terminal"), w.Actor("host")

	asked, answered := 0, 0
	host.PowerOn(func(c sim.Clock) {
		c.Wait(time.Time{}, func() bool { return asked == 1 })
		terminal.After(20*time.Millisecond, func() { answered++ }) // on the receiver's clock
	}) // returns: its power goes
	terminal.PowerOn(func(c sim.Clock) {
		for n := 1; n <= 2; n++ {
			host.After(20*time.Millisecond, func() { asked++ })
			if c.Wait(c.Now().Add(time.Minute), func() bool { return answered == n }) {
				fmt.Println(c.Now().Format("15:04:05.000"), "answer", n)
			} else {
				fmt.Println(c.Now().Format("15:04:05.000"), "no answer", n)
			}
		}
	})
	for w.Step() {
	}
	// Output:
	// 14:05:00.040 answer 1
	// 14:06:00.040 no answer 2
}
