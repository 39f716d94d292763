package reader_test

import (
	"fmt"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/reader"
)

// chip is a T=0 card that knows one record.
type chip struct{}

func (chip) Reset() []byte { return []byte{0x3B, 0x60, 0x00, 0x00} }

func (chip) Transmit(command []byte) ([]byte, error) {
	if command[1] == 0xB2 {
		return []byte{0x70, 0x03, 0x5A, 0x01, 0x47, 0x90, 0x00}, nil
	}
	return []byte{0x6D, 0x00}, nil
}

// A terminal reads a card in an emulated reader, in virtual time.
func Example() {
	world := sim.NewWorld(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), 1)
	defer world.Close()
	terminal, twin := world.Actor("terminal"), world.Actor("reader")
	twin.PowerOn(nil)
	terminal.PowerOn(func(clock sim.Clock) {
		line, far := reader.Pipe(terminal, twin, "terminal.reader", "reader", reader.DefaultBitRate)
		reader.NewEmulator(twin, far, chip{}, reader.EmulatorConfig{})
		driver, err := reader.Open(clock, line, reader.Config{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(driver.Firmware(), "card:", driver.Present())
		if _, err := driver.PowerOn(); err != nil {
			fmt.Println(err)
			return
		}
		answer, err := driver.Transmit([]byte{0x00, 0xB2, 0x01, 0x0C, 0x00})
		fmt.Printf("% X %v, after %v\n", answer, err, clock.Now().Sub(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)).Round(time.Millisecond))
	})
	for world.Step() {
	}
	// Output:
	// GemTwin-V2.00-GB15 card: true
	// 70 03 5A 01 47 90 00 <nil>, after 33ms
}
