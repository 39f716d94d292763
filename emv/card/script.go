package card

import (
	"bytes"
	"errors"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// Issuer script commands (Book 2, 9; Book 3, 6.5 and 10.10). The card takes them before the second GENERATE AC and after it,
// with a MAC under keys of this transaction; what they change survives. A card whose issuer has no keys for them knows no
// such commands.

// maxScripts is what the counter in the verification results holds: four bits.
const maxScripts = 15

// takesScripts tells whether the card has keys for them.
func (a *application) takesScripts() bool { return a.scripts != nil }

// scriptOpen tells whether the transaction has come to where scripts may be: the issuer has answered an ARQC, or might have.
// A blocked application that declined may be unblocked.
func (c *Card) scriptOpen(m *memory) bool {
	return c.keys != nil && (c.results.first == arqc || m.blocked && c.results.first == aac)
}

// secured is a script command: its MAC is checked and what happened is counted, then do does what it asks.
func secured(do func(c *Card, a *application, m *memory, command apdu.Command, data []byte) apdu.SW) func(*Card, apdu.Command) ([]byte, apdu.SW) {
	return func(c *Card, command apdu.Command) ([]byte, apdu.SW) {
		a, m := c.current()
		switch {
		case !c.profile.chip.any((*application).takesScripts):
			return nil, apdu.SWInstructionInvalid
		case a == nil || !c.scriptOpen(m):
			return nil, apdu.SWConditionsOfUse
		}
		if !c.scripting { // the counters tell of the last transaction that had scripts
			c.scripting = true
			m.scripts, m.scriptFailed = 0, false
		}
		data, sw := c.open(a, m, command)
		if sw == apdu.SWSuccess {
			sw = do(c, a, m, command, data)
		}
		if sw == apdu.SWSuccess {
			m.scripts = min(m.scripts+1, maxScripts)
		} else {
			m.scriptFailed = true
		}
		return nil, sw
	}
}

// open checks the MAC of a script command and returns the data in front of it.
func (c *Card) open(a *application, m *memory, command apdu.Command) ([]byte, apdu.SW) {
	if c.script == nil {
		session, err := a.version.ScriptSession(security.ScriptKeys{MAC: a.scripts, Encipherment: a.secrets, Cryptogram: a.key}, [2]byte(counter(m.atc)), c.given)
		if err != nil {
			return nil, apdu.SWConditionsOfUse // not reached: the keys and the version have been checked
		}
		c.script = session
	}
	command.Le = apdu.LeAbsent // no part of what the MAC covers
	data, err := c.script.Open(command.Append(nil))
	switch {
	case errors.Is(err, security.ErrScriptMAC):
		return nil, apdu.SWSecureMessagingWrong
	case err != nil:
		return nil, apdu.SWSecureMessagingMissing
	}
	return data, apdu.SWSuccess
}

// applicationBlock answers APPLICATION BLOCK (Book 3, 6.5.1): from now on SELECT says so, and GENERATE AC declines.
func (c *Card) applicationBlock(_ *application, m *memory, command apdu.Command, data []byte) apdu.SW {
	if sw := plain(command, data); sw != apdu.SWSuccess {
		return sw
	}
	m.blocked = true
	return apdu.SWSuccess
}

// applicationUnblock answers APPLICATION UNBLOCK (Book 3, 6.5.2).
func (c *Card) applicationUnblock(_ *application, m *memory, command apdu.Command, data []byte) apdu.SW {
	if sw := plain(command, data); sw != apdu.SWSuccess {
		return sw
	}
	m.blocked = false
	return apdu.SWSuccess
}

// cardBlock answers CARD BLOCK (Book 3, 6.5.3): every application is blocked, and the next SELECT finds no card. Nothing
// undoes it.
func (c *Card) cardBlock(_ *application, _ *memory, command apdu.Command, data []byte) apdu.SW {
	if sw := plain(command, data); sw != apdu.SWSuccess {
		return sw
	}
	c.block()
	return apdu.SWSuccess
}

// block blocks the card as a whole.
func (c *Card) block() {
	c.blocked = true
	for i := range c.memory {
		c.memory[i].blocked = true
	}
}

// plain checks a command that has neither parameters nor data but its MAC.
func plain(command apdu.Command, data []byte) apdu.SW {
	switch {
	case command.P1 != 0 || command.P2 != 0:
		return apdu.SWWrongP1P2
	case len(data) != 0:
		return apdu.SWWrongLength
	}
	return apdu.SWSuccess
}

// P2 of PIN CHANGE/UNBLOCK (Book 3, 6.5.10; what changes a PIN is the schemes').
const (
	pinUnblock       = 0x00
	pinChangeCurrent = 0x01 // whoever sends it knows the current PIN
	pinChange        = 0x02
)

// pinChangeUnblock answers PIN CHANGE/UNBLOCK: all tries are there again, and perhaps the PIN is another.
func (c *Card) pinChangeUnblock(a *application, _ *memory, command apdu.Command, data []byte) apdu.SW {
	pin := c.profile.chip.pin
	switch {
	case pin == nil:
		return apdu.SWDataNotFound
	case command.P1 != 0, command.P2 > pinChange:
		return apdu.SWWrongP1P2
	case command.P2 == pinUnblock && len(data) != 0:
		return apdu.SWWrongLength
	}
	if command.P2 != pinUnblock {
		if a.secrets == nil {
			return apdu.SWDataNotFound
		}
		current := ""
		if command.P2 == pinChangeCurrent {
			current, _ = security.PINOfBlock2(c.pin.block) // it was checked when it came
		}
		block, err := c.script.DecipherPIN(data, current)
		if err != nil {
			return apdu.SWWrongData
		}
		c.pin.block = block
	}
	c.pin.tries = pin.limit
	return apdu.SWSuccess
}

// putData answers PUT DATA (Book 3, 6.5.11) for the card's limits and for what GET DATA shows besides the counters: a value of
// the same length takes its place.
func (c *Card) putData(a *application, m *memory, command apdu.Command, data []byte) apdu.SW {
	tag := tlv.Tag(command.P1)<<8 | tlv.Tag(command.P2)
	switch tag {
	case tlv.LowerConsecutiveOfflineLimit, tlv.UpperConsecutiveOfflineLimit:
		if len(data) != 1 {
			return apdu.SWWrongLength
		}
		if tag == tlv.LowerConsecutiveOfflineLimit {
			m.lowerLimit = int(data[0])
		} else {
			m.upperLimit = int(data[0])
		}
		return apdu.SWSuccess
	}
	old, ok := a.data[tag]
	switch {
	case !ok:
		return apdu.SWDataNotFound
	case len(data) != len(old):
		return apdu.SWWrongLength
	}
	if m.data == nil {
		m.data = make(map[tlv.Tag][]byte)
	}
	m.data[tag] = bytes.Clone(data)
	return apdu.SWSuccess
}

// updateRecord answers UPDATE RECORD (ISO/IEC 7816-4, 7.3.5): a record that is there gets other contents, which have to be one
// template of data objects. The card's own reading of its lists (8C, 8D) stays as personalised.
func (c *Card) updateRecord(_ *application, m *memory, command apdu.Command, data []byte) apdu.SW {
	at := address{command.P2 >> 3, command.P1}
	if command.P2&7 != 4 {
		return apdu.SWWrongP1P2
	}
	if _, ok := c.record(at); !ok {
		return apdu.SWRecordNotFound
	}
	r := tlv.NewReader(data)
	if len(data) > maxRecord || !r.Next() || r.Tag() != tlv.READRECORDResponseMessageTemplate || !whole(r.Value()) ||
		len(tlv.Append(nil, r.Tag(), r.Value())) != len(data) { // the reader passes over padding
		return apdu.SWWrongData
	}
	if m.records == nil {
		m.records = make(map[address][]byte)
	}
	m.records[at] = bytes.Clone(data)
	return apdu.SWSuccess
}

// whole tells whether b is data objects from end to end.
func whole(b []byte) bool {
	r := tlv.NewReader(b)
	for r.Next() {
		if tlv.Constructed(r.Tag()) && !whole(r.Value()) {
			return false
		}
	}
	return r.Err() == nil
}
