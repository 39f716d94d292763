package terminal

import (
	"fmt"
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// A signature that a pad took, as a small monochrome picture, is queued in the journal with the sale that it is for, and uploaded
// when there is time: after the sale, and once more before settlement. Without it the sale stands: it is evidence, not money.

// The most that is kept of pictures.
const (
	maxPicture    = 900 // bytes: DE 62 of most dialects holds 999
	maxSignatures = 200
)

// signature is a picture that waits.
type signature struct {
	identity
	RRN     string `json:",omitempty"`
	Amount  int64
	Picture []byte
}

func (s *signature) check() error {
	if len(s.Picture) == 0 || len(s.Picture) > maxPicture || !digits(s.STAN, 6) || !digits(s.Date, 4) || !digits(s.Time, 6) {
		return fmt.Errorf("a signature of %d bytes for %q: want 1 to %d, and a sale", len(s.Picture), s.STAN, maxPicture)
	}
	return nil
}

func (j *Journal) applySignature(s *signature) error {
	if err := s.check(); err != nil {
		return err
	}
	if len(j.signatures) >= maxSignatures {
		return fmt.Errorf("more than %d signatures", maxSignatures)
	}
	j.keepSignature(s)
	return nil
}

func (j *Journal) keepSignature(s *signature) {
	j.signatures = append(j.signatures, *s)
	if r := j.find(s.identity); r != nil {
		r.OnPad = true
	}
}

func (j *Journal) applySigned(id identity) {
	j.signatures = slices.DeleteFunc(j.signatures, func(s signature) bool { return s.identity == id })
}

// sign queues a picture.
func (j *Journal) sign(s *signature) error {
	if err := j.put(entryRecord{Signature: s}); err != nil {
		return err
	}
	j.keepSignature(s)
	return nil
}

// signed takes one out of the queue.
func (j *Journal) signed(id identity) error {
	if err := j.put(entryRecord{Signed: &id}); err != nil {
		return err
	}
	j.applySigned(id)
	return nil
}

// takeSignature asks the pad for a picture, where there is one and a signature is wanted.
func (t *Terminal) takeSignature(r *Record) error {
	picture := t.profile.Signature
	switch {
	case r.CVM != cvmSignature && r.CVM != cvmOfflineSignature:
		return nil
	case t.cfg.Devices.Sign != nil:
		picture = t.cfg.Devices.Sign(*r)
	case len(picture) == 0:
		return nil
	}
	s := &signature{identity: r.identity(), RRN: r.RRN, Amount: r.Amount, Picture: picture}
	if err := s.check(); err != nil {
		t.remark("%v: it is taken on paper", err)
		return nil
	}
	if len(t.journal.signatures) >= maxSignatures {
		t.remark("alarm: %d signatures wait: this one is taken on paper", maxSignatures)
		return nil
	}
	return t.journal.sign(s)
}

// uploadSignatures sends what waits, oldest first. The first one that is not taken ends the occasion.
func (t *Terminal) uploadSignatures() error {
	for len(t.journal.signatures) > 0 {
		s := t.journal.signatures[0]
		m, err := t.service(dialect.KindSignature)
		if err != nil {
			return err
		}
		m.Original = dialect.Original{Batch: s.Batch, STAN: s.STAN, Date: s.Date, Time: s.Time}
		if s.Batch != "" { // and then date and time are no part of it
			m.Original.Date, m.Original.Time = "", ""
		}
		m.RetrievalReferenceNumber, m.ReservedPrivate62 = s.RRN, s.Picture
		m.SetAmount(s.Amount)
		t.show(say("sending-signature"))
		answer, err := t.exchange(m)
		if err != nil {
			return err
		}
		if answer == nil || dialect.Undecided(answer.ResponseCode) {
			return nil
		}
		if answer.ResponseCode != "00" {
			t.remark("alarm: the signature of %s was refused with %s", s.STAN, answer.ResponseCode)
		}
		if err := t.journal.signed(s.identity); err != nil {
			return err
		}
	}
	return nil
}

// chooseSignatures uploads what waits.
func (t *Terminal) chooseSignatures() (Ended, error) {
	if err := t.uploadSignatures(); err != nil {
		return Ended{}, err
	}
	if n := len(t.journal.signatures); n > 0 {
		t.show(say("signatures-left", n))
		return Ended{Outcome: OutcomeNoAnswer}, nil
	}
	t.show(say("signatures-sent"))
	return Ended{Outcome: OutcomeDone}, nil
}
