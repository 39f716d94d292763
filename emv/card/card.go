package card

import (
	"errors"
	"fmt"
	"io"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// Card is one chip. It is used by one party at a time: it has no lock, as plastic has none.
type Card struct {
	profile *Profile
	memory  []memory // one for each application: survives Reset
	pin     pinMemory
	blocked bool // the whole card, by its profile or by its issuer
	session      // does not survive
}

// ErrNoChip is the answer of New for a profile with a stripe only.
var ErrNoChip = errors.New("card: the profile has no chip")

// New makes a chip fresh from personalisation: no transaction yet. It is without power: Reset it first. The first card of a
// profile with RSA keys takes milliseconds, because its certificates are signed then; keys that cannot sign are an error.
func New(p *Profile) (*Card, error) {
	if !p.HasChip {
		return nil, fmt.Errorf("card: %s: %w", p.Name, ErrNoChip)
	}
	if err := p.personalise(); err != nil {
		return nil, err
	}
	c := &Card{profile: p, memory: make([]memory, len(p.chip.applications)), blocked: p.chip.blocked}
	for i := range c.memory {
		c.memory[i] = p.chip.applications[i].fresh()
	}
	if pin := p.chip.pin; pin != nil {
		c.pin = pinMemory{pin.block, pin.left}
	}
	c.clear()
	return c, nil
}

// NewUsed returns a card that has had a life before: its transaction counters begin where rand says, and not at nothing. An
// issuer that has seen a card remembers its counters, so a card made anew each time a program starts would look cloned.
func NewUsed(p *Profile, rand io.Reader) (*Card, error) {
	c, err := New(p)
	if err != nil {
		return nil, err
	}
	var b [2]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("card: %s: %w", p.Name, err)
	}
	used := uint16(b[0])<<8 | uint16(b[1])
	used %= maxUsed
	for i := range c.memory {
		c.memory[i].atc, c.memory[i].lastOnlineATC = used, used
	}
	return c, nil
}

// maxUsed leaves a card whose counters begin somewhere at least five thousand transactions to live.
const maxUsed = 60_000

// Profile is what the card was made from.
func (c *Card) Profile() *Profile { return c.profile }

// Format prints the profile's name and masked number, for every verb.
func (c *Card) Format(f fmt.State, verb rune) {
	if c.profile == nil {
		io.WriteString(f, "card")
		return
	}
	c.profile.Format(f, verb)
}

// Reset gives power, or takes and gives it, and returns the answer to reset; the slice is the caller's. A transaction that
// was going on is gone; counters stay.
func (c *Card) Reset() (atr []byte) {
	c.clear()
	return append([]byte(nil), c.profile.chip.atr...)
}

func (c *Card) clear() { c.session = session{selected: nothing} }

// Transmit answers one command with data and status word, the caller's to keep. The error is always nil: a card that is
// in the reader answers something, and it is for the reader to tear it out.
func (c *Card) Transmit(command []byte) (response []byte, err error) {
	parsed, err := apdu.ParseCommand(command)
	if err != nil {
		return status(nil, apdu.SWWrongLength), nil
	}
	h := handlerOf(parsed.INS)
	switch {
	case h == nil && !knownClass(parsed.CLA), h != nil && parsed.CLA != h.class:
		return status(nil, apdu.SWClassInvalid), nil
	case h == nil:
		return status(nil, apdu.SWInstructionInvalid), nil
	}
	data, sw := h.run(c, parsed)
	if parsed.INS != apdu.InsGetChallenge {
		c.challenge = nil // it was good for the command right after it (Book 3, 6.5.6)
	}
	return status(data, sw), nil
}

func status(data []byte, sw apdu.SW) []byte {
	response := make([]byte, 0, len(data)+2)
	return append(append(response, data...), byte(sw>>8), byte(sw))
}

// handler is an instruction that the card knows, with the class it belongs to.
type handler struct {
	ins, class byte
	run        func(*Card, apdu.Command) ([]byte, apdu.SW)
}

var handlers = [...]handler{
	{apdu.InsSelect, 0x00, (*Card).selectFile},
	{apdu.InsReadRecord, 0x00, (*Card).readRecord},
	{apdu.InsGetProcessingOptions, 0x80, (*Card).getProcessingOptions},
	{apdu.InsGenerateAC, 0x80, (*Card).generateAC},
	{apdu.InsExternalAuthenticate, 0x00, (*Card).externalAuthenticate},
	{apdu.InsGetData, 0x80, (*Card).getData},
	{apdu.InsInternalAuthenticate, 0x00, (*Card).internalAuthenticate},
	{apdu.InsVerify, 0x00, (*Card).verifyPIN},
	{apdu.InsGetChallenge, 0x00, (*Card).getChallenge},
	{apdu.InsApplicationBlock, 0x84, secured((*Card).applicationBlock)},
	{apdu.InsApplicationUnblock, 0x84, secured((*Card).applicationUnblock)},
	{apdu.InsCardBlock, 0x84, secured((*Card).cardBlock)},
	{apdu.InsPINChangeUnblock, 0x84, secured((*Card).pinChangeUnblock)},
	{apdu.InsPutData, 0x84, secured((*Card).putData)},
	{apdu.InsUpdateRecord, 0x84, secured((*Card).updateRecord)},
}

func handlerOf(ins byte) *handler {
	for i := range handlers {
		if handlers[i].ins == ins {
			return &handlers[i]
		}
	}
	return nil
}

// knownClass tells whether the card knows the class byte at all: interindustry, proprietary, and both with secure messaging
// (issuer scripts, which it has no instruction for).
func knownClass(cla byte) bool {
	switch cla {
	case 0x00, 0x04, 0x0C, 0x80, 0x84, 0x8C:
		return true
	}
	return false
}

// current returns the selected application, as personalised and as remembered; nil when none is.
func (c *Card) current() (*application, *memory) {
	if c.selected < 0 {
		return nil, nil
	}
	return &c.profile.chip.applications[c.selected], &c.memory[c.selected]
}

// getData answers GET DATA (Book 3, 6.5.7): the counters, and what the profile put there or a script after it.
func (c *Card) getData(command apdu.Command) ([]byte, apdu.SW) {
	a, m := c.current()
	switch {
	case a == nil:
		return nil, apdu.SWConditionsOfUse
	case len(command.Data) != 0:
		return nil, apdu.SWWrongLength
	}
	tag := tlv.Tag(command.P1)<<8 | tlv.Tag(command.P2)
	value, ok := m.data[tag]
	if !ok {
		value, ok = a.data[tag]
	}
	switch tag {
	case tlv.ApplicationTransactionCounter:
		value, ok = counter(m.atc), true
	case tlv.LastOnlineATCRegister:
		value, ok = counter(m.lastOnlineATC), true
	case tlv.ElectronicCashBalance:
		if a.purse != nil {
			value, ok = numeric(m.balance), true
		}
	case tlv.ElectronicCashBalanceLimit:
		if a.purse != nil {
			value, ok = numeric(a.purse.limit), true
		}
	case tlv.ElectronicCashSingleTransactionLimit:
		if a.purse != nil {
			value, ok = numeric(a.purse.single), true
		}
	case tlv.PINTryCounter:
		if pin := c.profile.chip.pin; pin != nil {
			value, ok = []byte{byte(c.pin.tries)}, pin.readable
		}
	}
	if !ok {
		return nil, apdu.SWDataNotFound
	}
	return tlv.Append(nil, tag, value), apdu.SWSuccess
}

func counter(n uint16) []byte { return []byte{byte(n >> 8), byte(n)} }
