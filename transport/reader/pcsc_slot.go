package reader

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// PCSCSlot is the slot of a reader that pcscd serves. The card is ours alone from PowerOn to PowerOff.
type PCSCSlot struct {
	clock   sim.Clock
	poster  sim.Poster
	spec    Spec
	socket  string
	limit   time.Duration
	chained apdu.Card
	unwatch func()
	unhook  func()

	heard   bool // of the watcher, at least once
	readers []PCSCReader
	service error // pcscd is gone

	atr       []byte
	powered   bool
	removed   bool   // the card went since it got power
	base      uint32 // the reader's changes when it got power
	protocol  uint32 // the card speaks
	transmits *transmitJob

	mu     sync.Mutex
	worker *pcscWorker
	closed bool
}

var _ Slot = (*PCSCSlot)(nil)

// openPCSCSlot finds the reader; an empty name is the only one there is.
func openPCSCSlot(clock sim.Clock, p sim.Poster, spec Spec, o Options) (Slot, error) {
	s := &PCSCSlot{clock: clock, poster: p, spec: spec, socket: socketOf(o.Socket), limit: o.Driver.Limit}
	if s.limit <= 0 {
		s.limit = defaultLimit
	}
	s.chained = apdu.Chain(pcscTPDU{s})
	s.transmits = newTransmitJob()
	s.unwatch = WatchPCSC(o.Socket, p, s.news)
	s.unhook = onStop(p, s.end)
	err := errPCSCSilent
	if clock.Wait(clock.Now().Add(2*pcscLimit), func() bool { return s.heard }) {
		err = s.service
	}
	if err == nil {
		var r PCSCReader
		r, err = choose(s.readers, spec.Address)
		s.spec.Address = r.Name
	}
	if err != nil {
		return nil, errors.Join(pcscFailed(err), s.Close())
	}
	return s, nil
}

var errPCSCSilent = fmt.Errorf("%w answers in time: restart it (sudo systemctl restart pcscd)", ErrNoService)

// news is what the watcher posts.
func (s *PCSCSlot) news(readers []PCSCReader, err error) {
	s.heard, s.readers, s.service = true, readers, err
	if !s.powered {
		return
	}
	r, found := s.reader()
	later := int32(r.Changes - s.base) // news from before PowerOn may still come
	if !found || later > 0 || later == 0 && !r.Present {
		s.removed = true
	}
}

func (s *PCSCSlot) reader() (PCSCReader, bool) {
	for _, r := range s.readers {
		if r.Name == s.spec.Address {
			return r, true
		}
	}
	return PCSCReader{}, false
}

// Spec says which reader this is.
func (s *PCSCSlot) Spec() Spec { return s.spec }

// Physical is true: behind pcscd there may be a real card.
func (s *PCSCSlot) Physical() bool { return s.spec.Physical() }

// Present tells whether a card is in the slot.
func (s *PCSCSlot) Present() bool {
	r, _ := s.reader()
	return r.Present && s.service == nil
}

// ATR is the answer to reset of the last PowerOn.
func (s *PCSCSlot) ATR() []byte { return s.atr }

// Lost is why the reader is gone; it may come back.
func (s *PCSCSlot) Lost() error {
	if s.service != nil {
		if errors.Is(s.service, ErrUnplugged) {
			return s.service
		}
		return failed("pc/sc", fmt.Errorf("%w: %w", ErrUnplugged, s.service))
	}
	if _, found := s.reader(); !found {
		return failed("pc/sc", fmt.Errorf("%w: %q: plug it in", ErrUnplugged, s.spec.Address))
	}
	return nil
}

// PowerOn takes the card for us, resets it and returns it.
func (s *PCSCSlot) PowerOn() (apdu.Card, error) {
	s.powered, s.removed = false, false
	if err := s.Lost(); err != nil {
		return nil, err
	}
	var r PCSCReader
	var protocol uint32
	take := &pcscJob{do: func(w *pcscWorker, c *pcscConn) (err error) {
		if err = w.take(c, s.spec.Address); err != nil {
			return err
		}
		readers, err := c.readers()
		if err == nil {
			r, err = choose(readers, s.spec.Address)
		}
		protocol = w.card.protocol
		return err
	}}
	limit := s.clock.Now().Add(pcscResetLimit + 2*pcscLimit)
	err := s.do(limit, take)
	if take.done && errors.Is(err, errServiceGone) { // pcscd has been started again since: now over a new connection
		err = s.do(limit, take)
	}
	if err != nil {
		return nil, failed("power on", err)
	}
	s.atr, s.base, s.protocol, s.powered = r.ATR, r.Changes, protocol, true // the worker is done: else they would be its own
	if now, found := s.reader(); found && int32(now.Changes-s.base) > 0 {
		s.removed = true // meanwhile
	}
	return s.chained, nil
}

// take gets hold of the card in the reader, freshly reset.
func (w *pcscWorker) take(c *pcscConn, name string) error {
	if w.card.held {
		w.drop(c)
	}
	handle, _, err := c.connect(name)
	if err != nil {
		return err
	}
	w.card = pcscHandle{held: true, handle: handle}
	for tries := 1; ; tries++ {
		if w.card.protocol, err = c.reconnect(handle); err == nil {
			err = c.begin(handle)
		}
		if !errors.Is(err, resultReset) || tries >= maxTries {
			break // else another program was in before us
		}
	}
	if err != nil {
		w.drop(c)
	}
	return err
}

// drop lets go of the card; that it has gone already is no failure.
func (w *pcscWorker) drop(c *pcscConn) {
	if !c.dead {
		c.end(w.card.handle)
	}
	if !c.dead {
		c.disconnect(w.card.handle)
	}
	w.card = pcscHandle{}
}

// PowerOff takes the power from the card, and lets other programs have it.
func (s *PCSCSlot) PowerOff() error {
	s.powered = false
	s.mu.Lock()
	idle := s.worker == nil
	s.mu.Unlock()
	if idle {
		return nil
	}
	err := s.do(s.clock.Now().Add(3*pcscLimit), &pcscJob{do: func(w *pcscWorker, c *pcscConn) error {
		if w.card.held {
			w.drop(c)
		}
		return nil
	}})
	return failed("power off", err)
}

// do has the worker do a job and waits for it. Whatever keeps the worker longer than until is left behind with it.
func (s *PCSCSlot) do(until time.Time, j *pcscJob) error {
	s.mu.Lock()
	if s.worker == nil && !s.closed {
		s.worker = newPCSCWorker(s.socket, s.poster)
	}
	w := s.worker
	s.mu.Unlock()
	j.done, j.err = false, nil
	if w == nil || !w.give(j) {
		return fmt.Errorf("closed: %w", ErrUnplugged)
	}
	removed := s.removed
	if !s.clock.Wait(until, func() bool { return j.done || s.removed != removed }) {
		s.leave(w)
		return fmt.Errorf("no answer in time: %w", apdu.ErrMute)
	}
	if !j.done && !s.clock.Wait(earlier(until, s.clock.Now().Add(removedGrace)), func() bool { return j.done }) {
		s.leave(w)
		return apdu.ErrCardRemoved
	}
	return j.err
}

// leave ends a worker that hangs.
func (s *PCSCSlot) leave(w *pcscWorker) {
	s.mu.Lock()
	if s.worker == w {
		s.worker = nil
	}
	s.mu.Unlock()
	w.leave()
}

// pcscTPDU is one exchange with the card.
type pcscTPDU struct{ s *PCSCSlot }

// Transmit sends a command as the card's protocol wants it.
func (t pcscTPDU) Transmit(command []byte) ([]byte, error) { return t.s.exchange(command) }

// transmitJob is the job of an exchange, used again and again.
type transmitJob struct {
	pcscJob
	command []byte
	limit   time.Duration
	answer  []byte
}

func newTransmitJob() *transmitJob {
	t := &transmitJob{}
	t.do = func(w *pcscWorker, c *pcscConn) (err error) {
		if !w.card.held {
			return protocolError("the card has no power, expected PowerOn first")
		}
		t.answer, err = c.transmit(w.card.handle, w.card.protocol, t.command, t.limit)
		if errors.Is(err, apdu.ErrProtocol) && !c.dead { // pcscd may know by now that the card went
			if gone := c.status(w.card.handle); errors.Is(gone, apdu.ErrCardRemoved) {
				err = fmt.Errorf("%w: %w", apdu.ErrCardRemoved, err)
			}
		}
		return err
	}
	return t
}

func (s *PCSCSlot) exchange(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	switch {
	case s.removed:
		return nil, failed("transmit", fmt.Errorf("before the command: %w", apdu.ErrCardRemoved))
	case !s.powered:
		return nil, failed("transmit", protocolError("the card has no power, expected PowerOn first"))
	case err != nil:
		return nil, failed("transmit", err)
	}
	t := s.transmits
	t.limit = s.limit
	if s.protocol == pcscProtocolT0 {
		t.command = appendT0(t.command[:0], command, c) // readers at TPDU level want one, the others take it
	} else {
		t.command = append(t.command[:0], command...)
	}
	err = s.do(s.clock.Now().Add(s.limit), &t.pcscJob)
	if err == nil {
		return t.answer, nil
	}
	if !t.done {
		s.transmits = newTransmitJob() // a worker that was left behind still has that one
	}
	if !s.removed && (errors.Is(err, apdu.ErrProtocol) || errors.Is(err, apdu.ErrMute)) {
		// A card that is pulled out spoils its answer first; pcscd looks for it every 400 ms.
		s.clock.Wait(s.clock.Now().Add(2*removedGrace), func() bool { return s.removed })
	}
	s.powered = false // nobody knows what the card makes of the next command
	if s.removed && !errors.Is(err, apdu.ErrCardRemoved) {
		err = fmt.Errorf("%w: %w", apdu.ErrCardRemoved, err)
	}
	return nil, failed("transmit", err)
}

// Close lets go of the reader; pcscd takes the power from a card we hold.
func (s *PCSCSlot) Close() error {
	s.unhook()
	s.end()
	return nil
}

func (s *PCSCSlot) end() {
	s.unwatch()
	s.mu.Lock()
	w := s.worker
	s.worker, s.closed = nil, true
	s.mu.Unlock()
	if w != nil {
		w.leave()
	}
}
