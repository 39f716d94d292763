package hsm

import (
	"fmt"
	"io"
)

// ISO 9564-1, 8.1: a PIN has four to twelve digits.
const minPIN, maxPIN = 4, 12

// PINState is how far a PIN entry is.
type PINState uint8

// The states of an entry.
const (
	Entering  PINState = iota // digits may come
	Entered                   // Enter was pressed on 4 to 12 digits; EncryptPIN may use it once
	Bypassed                  // Enter was pressed on no digit: the cardholder has no PIN to give
	Cancelled                 // Cancel was pressed, another entry began, or the module was tampered with
	Used                      // EncryptPIN has taken it; the digits are gone
)

// String names the state.
func (s PINState) String() string {
	names := [...]string{"entering", "entered", "bypassed", "cancelled", "used"}
	if int(s) >= len(names) {
		return fmt.Sprintf("PINState(%d)", uint8(s))
	}
	return names[s]
}

// Keypad is one PIN entry and the only door for a clear PIN: digits go in, only EncryptPIN takes them, nothing shows them.
// Module.Keypad makes it; the zero Keypad takes no digit.
type Keypad struct {
	m      *Module
	secret *keyed // behind two pointers: see Module
	n      int
	state  PINState
}

type keyed struct{ digits *[maxPIN]byte } // as numbers 0 to 9

// Keypad begins a new entry. A module has one pad: the entry before is cancelled and wiped. A tampered module's entry is
// Cancelled from the start.
func (m *Module) Keypad() *Keypad {
	if m.ready() != nil {
		return &Keypad{m: m, state: Cancelled}
	}
	if m.pad != nil {
		m.pad.Cancel()
	}
	m.pad = &Keypad{m: m, secret: &keyed{new([maxPIN]byte)}}
	return m.pad
}

// Press takes a digit key, '0' to '9'. It tells whether the digit was taken: a thirteenth is not, nor anything that is no
// digit, nor anything after the end of the entry.
func (p *Keypad) Press(digit byte) bool {
	if p.secret == nil || p.state != Entering || p.n == maxPIN || digit < '0' || digit > '9' {
		return false
	}
	p.secret.digits[p.n] = digit - '0'
	p.n++
	return true
}

// Clear takes all digits back; the entry goes on.
func (p *Keypad) Clear() {
	if p.state == Entering {
		p.wipe()
	}
}

// Cancel ends the entry and wipes it.
func (p *Keypad) Cancel() {
	if p.state <= Entered {
		p.end(Cancelled)
	}
}

// Enter ends the entry and returns the state: Entered with 4 to 12 digits, Bypassed with none; with one to three it is
// still Entering.
func (p *Keypad) Enter() PINState {
	if p.state == Entering {
		switch {
		case p.n == 0:
			p.state = Bypassed
		case p.n >= minPIN:
			p.state = Entered
		}
	}
	return p.state
}

// Len is how many asterisks the screen shows.
func (p *Keypad) Len() int { return p.n }

// Done tells whether the entry has ended, however it did.
func (p *Keypad) Done() bool { return p.state != Entering }

// State tells how far the entry is.
func (p *Keypad) State() PINState { return p.state }

// Format prints the state for every verb: neither digits nor how many.
func (p *Keypad) Format(f fmt.State, _ rune) { io.WriteString(f, "keypad "+p.state.String()) }

func (p *Keypad) end(s PINState) {
	p.wipe()
	p.state = s
}

func (p *Keypad) wipe() {
	if p.secret != nil {
		wipe(p.secret.digits[:])
	}
	p.n = 0
}
