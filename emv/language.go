package emv

import "github.com/posim/posim/emv/tlv"

// chooseLanguage takes the first of the cardholder's languages, tag 5F2D, that the terminal has (Book 4, 11.1).
func (s *Session) chooseLanguage() {
	s.language = ""
	if len(s.cfg.Languages) == 0 {
		return
	}
	s.language = s.cfg.Languages[0]
	preference := s.icc.get(tlv.LanguagePreference)
	for at := 0; at+2 <= len(preference); at += 2 {
		wanted := [2]byte{preference[at] | 0x20, preference[at+1] | 0x20} // capitals are tolerated
		for _, l := range s.cfg.Languages {
			if l == string(wanted[:]) {
				s.language = l
				s.decide(RuleLanguage, "the cardholder's language: "+l)
				return
			}
		}
	}
	s.decide(RuleLanguage, "none of the cardholder's languages: "+s.language)
}

// Language is the language for messages to the cardholder, of those of Config; "" if that has none.
func (s *Session) Language() string { return s.language }
