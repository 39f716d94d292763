package card

import (
	"bytes"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// selectFile answers SELECT by name (Book 1, 11.3). A name that is the beginning of an AID selects the first application it
// fits, and with P2 = 02 the next one after the last it selected. A name that fits none leaves the selection as it was.
func (c *Card) selectFile(command apdu.Command) ([]byte, apdu.SW) {
	chip := &c.profile.chip
	next := command.P2 == 0x02
	switch {
	case c.blocked:
		return nil, apdu.SWFunctionNotSupported // 6A81: the card is blocked (Book 1, 12.3.2)
	case command.P1 != 0x04, command.P2 != 0x00 && !next:
		return nil, apdu.SWWrongP1P2
	case len(command.Data) < minAID || len(command.Data) > maxAID:
		return nil, apdu.SWWrongLength
	}
	if !next && chip.pse && string(command.Data) == pseName {
		c.session = session{selected: environment}
		return chip.pseFCI, apdu.SWSuccess
	}
	if !next && chip.ppseFCI != nil && string(command.Data) == ppseName {
		c.session = session{selected: proximity}
		return chip.ppseFCI, apdu.SWSuccess
	}
	from := 0
	if next {
		if c.selected < 0 || !bytes.Equal(c.name, command.Data) {
			return nil, apdu.SWFileNotFound // there is no occurrence that this could be next to
		}
		from = c.selected + 1
	}
	for i := from; i < len(chip.applications); i++ {
		a := &chip.applications[i]
		if !bytes.HasPrefix(a.aid, command.Data) {
			continue
		}
		c.session = session{selected: i, name: bytes.Clone(command.Data)}
		if c.memory[i].blocked {
			return a.fci, apdu.SWSelectedBlocked
		}
		return a.fci, apdu.SWSuccess
	}
	return nil, apdu.SWFileNotFound
}

// getProcessingOptions starts a transaction (Book 3, 6.5.8 and 10.1): here the card counts it.
func (c *Card) getProcessingOptions(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	switch {
	case a == nil, m.blocked && !a.aac, c.phase != idle:
		return nil, apdu.SWConditionsOfUse // and nothing is counted
	case command.P1 != 0 || command.P2 != 0:
		return nil, apdu.SWWrongP1P2
	}
	want := tlv.Append(nil, 0x83, make([]byte, a.pdol.length))
	header := len(want) - a.pdol.length
	switch {
	case len(command.Data) != len(want), !bytes.Equal(command.Data[:header], want[:header]):
		return nil, apdu.SWWrongLength
	case m.atc == 0xFFFF:
		return nil, apdu.SWConditionsOfUse // worn out: a counter that came round would repeat session keys
	}
	if a.purse != nil && !c.byTap(a, command.Data[header:]) {
		return nil, apdu.SWConditionsOfUse // a terminal for contacts asks with zeros: this is not for it
	}
	if a.refusals < 0 || m.refused < a.refusals {
		m.refused++
		return nil, apdu.SWConditionsOfUse // for this transaction the application is not to be used: the terminal selects again
	}
	m.atc++
	c.phase = initiated
	c.options = bytes.Clone(command.Data[header:])
	if a.purse != nil {
		return c.pay(a, m)
	}
	return a.gpo, apdu.SWSuccess
}

// readRecord answers READ RECORD (Book 3, 6.5.11), of the directory or of a transaction's files.
func (c *Card) readRecord(command apdu.Command) ([]byte, apdu.SW) {
	sfi := command.P2 >> 3
	switch {
	case len(command.Data) != 0:
		return nil, apdu.SWWrongLength
	case command.P2&7 != 4 || sfi == 0 || sfi > maxSFI || command.P1 == 0: // P1 is a record number
		return nil, apdu.SWWrongP1P2
	}
	if c.selected == environment {
		directory := c.profile.chip.directory
		switch {
		case sfi != 1:
			return nil, apdu.SWFileNotFound
		case int(command.P1) > len(directory):
			return nil, apdu.SWRecordNotFound
		}
		return directory[command.P1-1], apdu.SWSuccess
	}
	a, m := c.current()
	switch {
	case a == nil, !c.readable(a):
		return nil, apdu.SWConditionsOfUse
	case !a.files[sfi]:
		return nil, apdu.SWFileNotFound
	}
	at := address{sfi, command.P1}
	record, ok := c.record(at)
	switch {
	case !ok:
		return nil, apdu.SWRecordNotFound
	case a.purse != nil && at == a.purse.last:
		return c.debit(a, m, record), apdu.SWSuccess
	}
	return record, apdu.SWSuccess
}
