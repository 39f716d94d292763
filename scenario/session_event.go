package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
)

// Event is something that a person does to a house. It is one of the types below.
type Event interface{ event() }

type (
	// Press is a key of the terminal's keyboard: '0' to '9', terminal.KeyEnter, KeyClear or KeyCancel.
	Press struct{ Key byte }
	// EnterPIN has the holder of a card type its PIN and ENTER at a prompt for one: nobody else needs to know it.
	EnterPIN struct{ Card string }
	// Insert puts a card of the library into the slot.
	Insert struct{ Card string }
	// Remove takes the card out of the slot.
	Remove struct{}
	// Swipe draws a card of the library through the stripe reader.
	Swipe struct{ Card string }
	// CutLine cuts the terminal's line to its acquirer, or mends it.
	CutLine struct{ Down bool }
	// PullPlug takes the terminal's power away: what was not synced is lost.
	PullPlug struct{}
	// PowerOn gives the terminal power.
	PowerOn struct{}
	// Arm arms a fault of the scripts' grammar.
	Arm struct{ Fault string }
	// Disarm takes away every fault of that spelling, fired or not.
	Disarm struct{ Fault string }
	// Play builds a new house and plays a script in it.
	Play struct{ Script *Script }
	// Restart builds a new house.
	Restart struct{}
)

func (Press) event()    {}
func (EnterPIN) event() {}
func (Insert) event()   {}
func (Remove) event()   {}
func (Swipe) event()    {}
func (CutLine) event()  {}
func (PullPlug) event() {}
func (PowerOn) event()  {}
func (Arm) event()      {}
func (Disarm) event()   {}
func (Play) event()     {}
func (Restart) event()  {}

// What a person cannot do just now.
var (
	ErrNoPower   = errors.New("scenario: the terminal has no power")
	ErrPower     = errors.New("scenario: the terminal has power already")
	ErrSlotTaken = errors.New("scenario: there is a card in the slot already")
	ErrSlotEmpty = errors.New("scenario: there is no card in the slot")
	ErrNoChip    = errors.New("scenario: this card has no chip: swipe it")
	ErrNoStripe  = errors.New("scenario: this card has no stripe: insert it")
	ErrNoPrompt  = errors.New("scenario: the terminal does not ask for a PIN")
	ErrNoCard    = errors.New("scenario: no such card")
)

// maxArmed bounds the faults that a person arms.
const maxArmed = 32

// Post does what the event says, now. What follows from it happens as time passes. An error says why it cannot be done;
// nothing has happened then.
func (s *Session) Post(e Event) error {
	s.view = nil
	switch e := e.(type) {
	case Press:
		return s.press(e.Key)
	case EnterPIN:
		return s.enterPIN(e.Card)
	case Insert:
		return s.insert(e.Card)
	case Remove:
		return s.remove()
	case Swipe:
		return s.swipe(e.Card)
	case CutLine:
		s.cutLine(e.Down)
		return nil
	case PullPlug:
		return s.pullPlug()
	case PowerOn:
		return s.powerOn()
	case Arm:
		return s.arm(e.Fault)
	case Disarm:
		s.rig.armory.disarm(e.Fault)
		return nil
	case Play:
		return s.play(e.Script)
	case Restart:
		return s.restart()
	}
	return fmt.Errorf("scenario: a session knows no event %T", e)
}

func (s *Session) press(key byte) error {
	r := s.rig
	if !r.term.On() {
		return ErrNoPower
	}
	t := r.terminal
	r.term.After(0, func() { t.Press(key) })
	return nil
}

func (s *Session) enterPIN(name string) error {
	r := s.rig
	p := s.library.Card(name)
	switch {
	case p == nil:
		return ErrNoCard
	case !r.term.On():
		return ErrNoPower
	case !r.terminal.EnteringPIN():
		return ErrNoPrompt
	}
	t := r.terminal
	for i, k := range append([]byte(p.Issuer.PIN()), terminal.KeyEnter) {
		r.term.After(time.Duration(i)*keystroke, func() {
			if t.EnteringPIN() { // elsewhere the digits would be read
				t.Press(k)
			}
		})
	}
	return nil
}

func (s *Session) insert(name string) error {
	r := s.rig
	p := s.library.Card(name)
	switch {
	case p == nil:
		return ErrNoCard
	case !p.HasChip:
		return ErrNoChip
	case r.inSlot != nil:
		return ErrSlotTaken
	}
	c, err := r.present(name)
	if err != nil {
		return err
	}
	r.inSlot = c
	r.tellf("card", "", "inserted: %s", p.PAN)
	r.readerActor.After(0, func() {
		if r.term.On() && r.emulator != nil && r.inSlot == c {
			r.emulator.Insert(c)
		}
	})
	return nil
}

func (s *Session) remove() error {
	r := s.rig
	if r.inSlot == nil {
		return ErrSlotEmpty
	}
	r.inSlot = nil
	r.tellf("card", "", "removed")
	r.readerActor.After(0, func() {
		if r.term.On() && r.emulator != nil && r.inSlot == nil {
			r.emulator.Remove()
		}
	})
	return nil
}

func (s *Session) swipe(name string) error {
	r := s.rig
	p := s.library.Card(name)
	switch {
	case p == nil:
		return ErrNoCard
	case p.ServiceCode == "":
		return ErrNoStripe
	case !r.term.On():
		return ErrNoPower
	}
	t := r.terminal
	r.tellf("card", "", "swiped: %s", p.PAN)
	r.term.After(0, func() { t.Swipe(stripeOf(p)) })
	return nil
}

func (s *Session) cutLine(down bool) {
	if down == s.rig.lineDown {
		return
	}
	line := cutLine(down)
	line.At = s.rig.world.Now().Sub(Start)
	s.tell(line)
	s.rig.setLine(down)
}

func cutLine(down bool) Line {
	if down {
		return Line{Kind: "line", Text: "cut", Zh: "已切断"}
	}
	return Line{Kind: "line", Text: "mended", Zh: "已恢复"}
}

func (s *Session) pullPlug() error {
	if !s.rig.term.On() {
		return ErrNoPower
	}
	s.rig.powerOff(sim.PowerOffLost)
	return nil
}

func (s *Session) powerOn() error {
	if s.rig.term.On() {
		return ErrPower
	}
	return s.rig.boot()
}

func (s *Session) arm(spec string) error {
	f, err := ParseFault(spec)
	if err != nil {
		return err
	}
	return s.rig.armory.add(f)
}

// add arms a fault that a person wants.
func (m *armory) add(f Fault) error {
	if len(m.faults) >= maxArmed {
		return fmt.Errorf("scenario: %d faults are armed: that is enough", len(m.faults))
	}
	m.arm([]Fault{f})
	return nil
}

// disarm takes away every fault of that spelling.
func (m *armory) disarm(spec string) {
	var kept []*armed
	for _, a := range m.faults {
		if a.String() != spec && a.Spec != spec {
			kept = append(kept, a)
		}
	}
	m.faults = kept
}

// inSlotName is the name of the card in the slot, "" without one.
func (s *Session) inSlotName() string {
	in, ok := s.rig.inSlot.(*bewitched)
	if !ok {
		return ""
	}
	for name, c := range s.rig.cards {
		if in.EmulatedCard == any(c) {
			return name
		}
	}
	return ""
}
