// Package reader talks to chip card readers over serial lines, and plays them.
//
// A Line is bytes in both directions; Pipe is one in memory, in a sim.World, with the time bytes take on the wire. The
// protocol of this package is CCID in serial frames (line "115200 8N2"), as a GemPC Twin and its relatives speak it:
//
//	driver, err := reader.Open(clock, line, reader.Config{}) // the terminal's side
//	atr, err := driver.PowerOn()
//	answer, err := driver.Transmit(command) // an apdu.Card, over T=0 or T=1 as the card offers
//
//	emulator := reader.NewEmulator(clock, otherEnd, card, reader.EmulatorConfig{}) // the reader's and the card's side
//
// A real reader is found by what people type (ParseLine) and used as a Slot:
//
//	slot, err := reader.OpenSlot(wall, wall, spec, reader.Options{}) // a serial port, TCP, pcscd, or emulated
//	card, err := slot.PowerOn()
//
// OpenSerial, OpenPTY and ConnLine are Lines in real time: one goroutine reads and posts to the owner's clock. PC/SC is
// spoken over pcscd's socket, without cgo; ServeVPCD shows one of our cards to every PC/SC program.
//
// The driver is sequential and waits only in sim.Clock.Wait; every wait, repeat and loop is bounded. The emulator is a
// function of events (bytes, timers, the operator's hand) and never waits. Faults are data: see Fault.
//
// Standards: CCID 1.1 for the messages; ISO/IEC 7816-3:2006 and EMV 4.4 Book 1 (part II, sections 7 to 9) for the answer
// to reset, T=0 and T=1; PC/SC part 5 for readers of pcscd. The serial frame is the GemPC Twin's own, pcscd's messages
// (protocol 4.4) and vpcd's are theirs, all known from captures.
//
// What it does not do: modem lines beyond RTS, parity flags and break (a Line may grow an optional interface for them),
// extended-length APDUs, PPS, voltage selection, T=1 with a CRC, readers that work at APDU level, contactless. It
// is no certified interface device: EMV's electrical and timing tests cannot be met by software alone.
package reader
