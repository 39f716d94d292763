package scenario

import (
	"encoding/binary"

	"github.com/posim/posim/transport/dialect"
)

// keyCount is how far a DUKPT device is, by what it sent.
type keyCount struct {
	seen   map[string]uint32 // the last counter of each device
	excuse int               // power cuts and faults since: each may have cost a number
}

// judgeKeys: no key serial number is used twice, and none is skipped but where something went wrong, one each time (I13).
func (r *rig) judgeKeys(m *dialect.Message) {
	n := len(m.KeySerialNumber)
	if n < 4 {
		return
	}
	low := binary.BigEndian.Uint32(m.KeySerialNumber[n-4:])
	device, counter := string(m.KeySerialNumber[:n-4]), low
	if n == 10 { // X9.24-1: the counter has 21 bits; numbers with more than ten ones are far from what a run needs
		const bits = 1<<21 - 1
		device, counter = string(binary.BigEndian.AppendUint32([]byte(device), low&^bits)), low&bits
	}
	if r.keys.seen == nil {
		r.keys.seen = map[string]uint32{}
	}
	last := r.keys.seen[device]
	switch {
	case counter <= last:
		r.violate("I13", "key serial number %X of a %s: the device was at counter %d", m.KeySerialNumber, m.MTI, last)
	case int(counter-last)-1 > r.keys.excuse:
		r.violate("I13", "key serial number %X of a %s: %d were skipped for %d power cuts and faults", m.KeySerialNumber, m.MTI, counter-last-1, r.keys.excuse)
	}
	r.keys.seen[device], r.keys.excuse = counter, 0
}
