package scenario

import (
	"fmt"
	"time"

	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/reader"
)

// Post does what the event says, as soon as the terminal looks. An error says why it cannot be done; nothing has happened
// then. Restart and Play build a new house, which takes moments: the view shows when it stands, and why it does not. On a
// data directory that was named, what was there before stays.
func (s *LiveSession) Post(e Event) error {
	s.doing.Lock()
	defer s.doing.Unlock()
	defer s.version.Add(1)
	s.mu.Lock()
	h, building, closed := s.now, s.building, s.closed
	s.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case building:
		return ErrBuilding
	}
	h.mu.Lock()
	v, trouble, playing := h.live, h.trouble, h.script != nil && !h.script.Over
	h.mu.Unlock()
	switch e := e.(type) {
	case Restart:
		s.replace(nil)
		return nil
	case Play:
		if playing {
			return ErrPlaying
		}
		if err := playable(e.Script, s.options, s.spec); err != nil {
			return err
		}
		s.replace(e.Script)
		return nil
	case PowerOn:
		if v == nil { // the house could not be built: perhaps it can now
			s.replace(nil)
			return nil
		}
	}
	if v == nil {
		return trouble
	}
	return v.byHand(e)
}

// byHand does what a person does to the house.
func (v *live) byHand(e Event) error {
	switch e := e.(type) {
	case Press:
		if !v.powered() {
			return ErrNoPower
		}
		v.post(func() { v.term.Press(e.Key) })
		return nil
	case EnterPIN:
		return v.enterPIN(e.Card)
	case Insert:
		return v.insert(e.Card)
	case Remove:
		return v.remove()
	case Swipe:
		return v.swipe(e.Card)
	case CutLine:
		v.cutLine(e.Down)
		return nil
	case PullPlug:
		if !v.powered() {
			return ErrNoPower
		}
		v.pull()
		return nil
	case PowerOn:
		if !v.powerOn() {
			return ErrPower
		}
		return nil
	case Arm:
		return v.armFault(e.Fault)
	case Disarm:
		v.net.Lock()
		defer v.net.Unlock()
		v.armory.disarm(e.Fault)
		return nil
	}
	return fmt.Errorf("scenario: a session knows no event %T", e)
}

func (v *live) powered() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.wall != nil
}

// enterPIN types the PIN of a card of the library. Of plastic nobody here knows it.
func (v *live) enterPIN(name string) error {
	p := v.library.Card(name)
	v.mu.Lock()
	on, asked := v.wall != nil, v.askedPIN
	v.mu.Unlock()
	switch {
	case v.spec.Physical():
		return ErrYourHands
	case p == nil:
		return ErrNoCard
	case !on:
		return ErrNoPower
	case !asked:
		return ErrNoPrompt
	}
	keys := append([]byte(p.Issuer.PIN()), terminal.KeyEnter)
	go func() {
		for _, k := range keys {
			v.post(func() {
				if v.term.EnteringPIN() { // elsewhere the digits would be read
					v.term.Press(k)
				}
			})
			time.Sleep(liveKeystroke)
		}
	}()
	return nil
}

func (v *live) insert(name string) error {
	if v.spec.Kind != reader.Emulated {
		return ErrYourHands
	}
	if err := chip(v.library.Card(name)); err != nil {
		return err
	}
	v.mu.Lock()
	do, err := func() {}, ErrSlotTaken
	if v.inSlot == nil {
		do, err = v.putIn(name)
	}
	v.mu.Unlock()
	if err == nil {
		do()
	}
	return err
}

func (v *live) remove() error {
	if v.spec.Kind != reader.Emulated {
		return ErrYourHands
	}
	v.mu.Lock()
	if v.inSlot == nil {
		v.mu.Unlock()
		return ErrSlotEmpty
	}
	do := v.takeOut()
	v.mu.Unlock()
	do()
	return nil
}

func (v *live) swipe(name string) error {
	p := v.library.Card(name)
	switch {
	case p == nil:
		return ErrNoCard
	case p.ServiceCode == "":
		return ErrNoStripe
	case !v.powered():
		return ErrNoPower
	}
	v.draw(p)
	return nil
}

func (v *live) cutLine(down bool) {
	v.mu.Lock()
	same := v.lineDown == down
	v.mu.Unlock()
	if !same {
		v.tell(cutLine(down))
		v.setLine(down)
	}
}

// armFault arms a fault, if it can strike here.
func (v *live) armFault(spec string) error {
	f, err := ParseFault(spec)
	if err != nil {
		return err
	}
	if !v.options.strikes(f, v.spec) {
		return fmt.Errorf("scenario: fault %s %w", f, errNotOurs)
	}
	v.net.Lock()
	defer v.net.Unlock()
	return v.armory.add(f)
}
