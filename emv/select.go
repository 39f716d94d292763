package emv

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// SelectApplication builds the candidate list, once in a session, and selects one application of it (Book 1, 12). An
// application that cannot be selected leaves the list and the rest is offered. An empty list ends as NotAccepted.
func (s *Session) SelectApplication() error {
	if !s.listed {
		if err := s.buildCandidateList(); err != nil {
			return err
		}
		s.listed = true
	}
	for {
		i, err := s.choose()
		if err != nil {
			return err
		}
		selected, err := s.finalSelect(i)
		if err != nil || selected {
			return err
		}
		s.remove(i)
	}
}

// choose finds the candidate to select (Book 1, 12.4): alone and without confirmation by itself, else by the cardholder.
func (s *Session) choose() (int, error) {
	if len(s.candidates) == 0 {
		return 0, s.notAccepted()
	}
	first := s.candidates[0]
	if !first.ConfirmationRequired && (len(s.candidates) == 1 || s.cfg.AutoSelect) {
		s.chosen("taken without asking: ", first)
		return 0, nil
	}
	if s.cfg.NoConfirmation { // a candidate that wants a confirmation is then not to be selected
		i := slices.IndexFunc(s.candidates, func(c Candidate) bool { return !c.ConfirmationRequired })
		if i < 0 {
			return 0, s.notAccepted()
		}
		s.chosen("the terminal cannot ask: ", s.candidates[i])
		return i, nil
	}
	i, err := s.term.ChooseApplication(slices.Clone(s.candidates))
	if err != nil {
		return 0, fmt.Errorf("emv: choose application: %w", err)
	}
	if i < 0 || i >= len(s.candidates) {
		return 0, fmt.Errorf("emv: choose application: index %d: want 0 to %d", i, len(s.candidates)-1)
	}
	s.chosen("the cardholder chose or confirmed ", s.candidates[i])
	return i, nil
}

// Candidates are the applications that card and terminal have in common and that have not been tried in vain, by priority; empty
// before SelectApplication.
func (s *Session) Candidates() []Candidate { return slices.Clone(s.candidates) }

func (s *Session) chosen(how string, c Candidate) {
	if s.traced() {
		s.decide(RuleConfirmation, how+c.Name)
	}
}

// finalSelect selects a candidate by its whole name; false if it is not to be had and the rest is to be offered.
func (s *Session) finalSelect(i int) (bool, error) {
	c := s.candidates[i]
	r, err := s.selectFile(c.AID, false)
	if err != nil {
		return false, err
	}
	switch {
	case r.SW == apdu.SWFunctionNotSupported:
		return false, s.cardBlocked("final selection")
	case !r.SW.Success(): // 6283 is a blocked application
		s.tryAgain(c, "status word "+r.SW.String())
		return false, nil
	}
	f, err := parseFCI(r.Data)
	if err != nil {
		s.tryAgain(c, err.Error())
		return false, nil
	}
	if !bytes.Equal(f.name, c.AID) {
		s.tryAgain(c, "the card selected another name")
		return false, nil
	}
	s.resetResults() // a new application starts from nothing (Book 4, 6.3.1)
	s.icc = s.icc[:0]
	s.icc.add(tlv.DedicatedFileName, f.name)
	objects := tlv.NewReader(f.proprietary) // parseFCI has read it: it is in order
	for objects.Next() {
		if isFCIElement(objects.Tag()) {
			s.icc.add(objects.Tag(), objects.Value())
		}
	}
	s.gpoMark = len(s.icc)
	s.current = i
	s.fillApplicationData(c.app, f.name)
	if s.traced() {
		s.decide(RuleFinalSelection, fmt.Sprintf("selected %s, AID %X", c.Name, c.AID))
	}
	s.chooseLanguage()
	return true, nil
}

// isFCIElement tells whether an application's FCI may give a data element (Book 1, 11.3.4). Any other is not taken from there.
func isFCIElement(tag tlv.Tag) bool {
	switch tag {
	case tlv.ApplicationLabel, tlv.ApplicationPriorityIndicator, tlv.PDOL, tlv.LanguagePreference, tlv.IssuerCodeTableIndex,
		tlv.ApplicationPreferredName, tlv.FCIIssuerDiscretionaryData:
		return true
	}
	return false
}

// remove takes a candidate from the list for good.
func (s *Session) remove(i int) { s.candidates = slices.Delete(s.candidates, i, i+1) }

func (s *Session) tryAgain(c Candidate, why string) {
	if s.traced() {
		s.decisive(RuleFinalSelection, fmt.Sprintf("AID %X leaves the list: %s", c.AID, why))
	}
}

func (s *Session) notAccepted() error {
	return &ending{NotAccepted, fmt.Errorf("emv: no application in common with the card, or none that can be used")}
}
