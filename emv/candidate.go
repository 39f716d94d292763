package emv

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// Bounds on what a card may make the terminal do while the candidate list is built (Book 1, 12.3).
const (
	maxDirectoryRecords = 64 // READ RECORD commands on the payment system directory
	maxOccurrences      = 16 // SELECT commands, next occurrence, for one AID
	maxCandidates       = 64
)

// pseName is the name of the payment system environment (Book 1, 12.2.2).
const pseName = "1PAY.SYS.DDF01"

// buildCandidateList finds what card and terminal have in common: from the card's directory, or if there is none, or nothing
// in it, or it is not in order, by trying the terminal's list (Book 1, 12.3).
func (s *Session) buildCandidateList() error {
	rule := RuleDirectory
	if err := s.readDirectory(); err != nil {
		return err
	}
	if len(s.candidates) == 0 {
		rule = RuleApplicationList
		if err := s.tryApplications(); err != nil {
			return err
		}
		if s.traced() {
			s.decide(rule, fmt.Sprintf("applications tried: %d", len(s.cfg.Applications)))
		}
	}
	// Priority 1 first, none last, ties in the card's order (Book 1, 12.4).
	slices.SortStableFunc(s.candidates, func(a, b Candidate) int { return rank(a) - rank(b) })
	if s.traced() {
		var names []Input
		for i, c := range s.candidates {
			names = append(names, about(fmt.Sprintf("candidate %d", i+1), "%s, AID %X, priority %d, confirmation %t", c.Name, c.AID, c.Priority, c.ConfirmationRequired))
		}
		s.decide(RuleCandidates, fmt.Sprintf("applications in common: %d, found by %s", len(s.candidates), rule), names...)
	}
	return nil
}

func rank(c Candidate) int {
	if c.Priority == 0 {
		return 16
	}
	return c.Priority
}

// readDirectory adds the candidates of the payment system directory (Book 1, 12.3.2). A directory with an error in it gives
// none, so that the terminal's list is tried.
func (s *Session) readDirectory() error {
	r, err := s.selectFile([]byte(pseName), false)
	if err != nil {
		return err
	}
	switch r.SW {
	case apdu.SWSuccess:
	case apdu.SWFunctionNotSupported:
		return s.cardBlocked("selection of the directory")
	default: // 6A82: none; 6283: blocked; anything else: not to be had
		if s.traced() {
			s.decide(RuleDirectory, "the card has no directory that can be used", about("SELECT 1PAY.SYS.DDF01", "%v", r.SW))
		}
		return nil
	}
	f, err := parseFCI(r.Data)
	if err != nil || len(f.sfi) != 1 || f.sfi[0] < 1 || f.sfi[0] > 10 {
		s.decide(RuleDirectory, "the directory's FCI is not in order: ignored")
		return nil
	}
	for record := byte(1); record <= maxDirectoryRecords; record++ {
		r, err := s.transmit(apdu.Command{INS: apdu.InsReadRecord, P1: record, P2: f.sfi[0]<<3 | 4, Le: apdu.MaxLe})
		if err != nil {
			return err
		}
		if r.SW == apdu.SWRecordNotFound {
			return nil
		}
		ok := r.SW.Success() && s.addDirectoryRecord(r.Data, f.codeTable)
		if !ok {
			s.decide(RuleDirectory, "a record of the directory is not in order: the directory is ignored")
			s.candidates = s.candidates[:0]
			return nil
		}
	}
	return nil
}

// addDirectoryRecord adds the entries of one record that the terminal supports; false if the record is not in order.
func (s *Session) addDirectoryRecord(record, codeTable []byte) bool {
	entries, err := tlv.Only(record, tlv.READRECORDResponseMessageTemplate)
	if err != nil {
		return false
	}
	r := tlv.NewReader(entries)
	for r.Next() {
		if r.Tag() != tlv.ApplicationTemplate {
			continue // other objects of a directory are ignored (Book 1, 12.2.3)
		}
		var d directoryEntry
		if !d.parse(r.Value()) {
			return false
		}
		if app := s.supports(d.aid); app != nil && len(s.candidates) < maxCandidates {
			s.candidates = append(s.candidates, s.candidate(app, d.aid, d.label, d.preferredName, codeTable, d.priority))
		}
	}
	return r.Err() == nil
}

type directoryEntry struct{ aid, label, preferredName, priority []byte }

func (d *directoryEntry) parse(b []byte) bool {
	r := tlv.NewReader(b)
	for r.Next() {
		switch r.Tag() {
		case tlv.ApplicationDedicatedFileName:
			d.aid = r.Value()
		case tlv.ApplicationLabel:
			d.label = r.Value()
		case tlv.ApplicationPreferredName:
			d.preferredName = r.Value()
		case tlv.ApplicationPriorityIndicator:
			d.priority = r.Value()
		}
	}
	return r.Err() == nil && len(d.aid) >= 5 && len(d.aid) <= 16
}

// supports returns the terminal's application for a card's name: the same, or the start of it where the terminal allows
// partial names (Book 1, 12.3.1). The longest name wins.
func (s *Session) supports(aid []byte) *Application {
	var best *Application
	for i := range s.cfg.Applications {
		app := &s.cfg.Applications[i]
		if bytes.Equal(aid, app.AID) {
			return app
		}
		if app.Partial && bytes.HasPrefix(aid, app.AID) && (best == nil || len(app.AID) > len(best.AID)) {
			best = app
		}
	}
	return best
}

// tryApplications selects every application of the terminal's list and its further occurrences (Book 1, 12.3.3).
func (s *Session) tryApplications() error {
	for i := range s.cfg.Applications {
		if err := s.tryApplication(&s.cfg.Applications[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) tryApplication(app *Application) error {
	for n := range maxOccurrences {
		r, err := s.selectFile(app.AID, n > 0)
		if err != nil {
			return err
		}
		if n == 0 && r.SW == apdu.SWFunctionNotSupported {
			return s.cardBlocked("selection by AID")
		}
		if !r.SW.Success() && (!r.SW.Warning() || r.SW != apdu.SWSelectedBlocked && n == 0) {
			return nil // not there; of a next occurrence: no more
		}
		f, err := parseFCI(r.Data)
		if err != nil || !bytes.HasPrefix(f.name, app.AID) {
			return nil // blocked without a name, or not what was asked for
		}
		exact := len(f.name) == len(app.AID)
		if r.SW.Success() && (exact || app.Partial) && !s.listedAlready(f.name) && len(s.candidates) < maxCandidates {
			s.candidates = append(s.candidates, s.candidate(app, f.name, f.label, f.preferredName, f.codeTable, f.priority))
		}
		if exact {
			return nil
		}
	}
	return nil
}

// listedAlready keeps a card that repeats itself, or two names of the terminal that match one application, from filling the
// list.
func (s *Session) listedAlready(aid []byte) bool {
	return slices.ContainsFunc(s.candidates, func(c Candidate) bool { return bytes.Equal(c.AID, aid) })
}

func (s *Session) cardBlocked(where string) error {
	return &ending{CardBlocked, fmt.Errorf("emv: %s: %w", where, &apdu.StatusError{INS: apdu.InsSelect, SW: apdu.SWFunctionNotSupported})}
}

// selectFile sends SELECT by name, first or next occurrence (Book 1, 11.3).
func (s *Session) selectFile(name []byte, next bool) (apdu.Response, error) {
	c := apdu.Command{INS: apdu.InsSelect, P1: 4, Data: name, Le: apdu.MaxLe}
	if next {
		c.P2 = 2
	}
	return s.transmit(c)
}

// candidate makes an entry of the list.
func (s *Session) candidate(app *Application, aid, label, preferredName, codeTable, priority []byte) Candidate {
	c := Candidate{AID: aid, Label: printable(label), PreferredName: s.preferredName(preferredName, codeTable), app: app}
	if len(priority) == 1 { // absent: no priority, no confirmation (Book 1, 12.2.3)
		c.Priority = int(priority[0] & 0x0F)
		c.ConfirmationRequired = priority[0]&0x80 != 0
	}
	switch {
	case c.PreferredName != "":
		c.Name = c.PreferredName
	case c.Label != "":
		c.Name = c.Label
	default:
		c.Name = digits(aid)
	}
	return c
}

// preferredName is tag 9F12 if the terminal supports the part of ISO/IEC 8859 in which it is written (Book 1, 12.4; Book 4,
// A3: 9F40 byte 4 bits 2-1 are parts 10 and 9, byte 5 bits 8-1 are parts 8 to 1).
func (s *Session) preferredName(name, codeTable []byte) string {
	if len(name) == 0 || len(codeTable) != 1 {
		return ""
	}
	a := s.cfg.AdditionalCapabilities
	supported := uint(a[3]&3)<<8 | uint(a[4])
	part, ok := bcd(codeTable)
	if !ok || part < 1 || part > 10 || supported&(1<<(part-1)) == 0 {
		return ""
	}
	table := [...]*charmap.Charmap{charmap.ISO8859_1, charmap.ISO8859_2, charmap.ISO8859_3, charmap.ISO8859_4, charmap.ISO8859_5,
		charmap.ISO8859_6, charmap.ISO8859_7, charmap.ISO8859_8, charmap.ISO8859_9, charmap.ISO8859_10}[part-1]
	var b strings.Builder
	for _, c := range name {
		if c < 0x20 || c >= 0x7F && c < 0xA0 {
			continue // control characters never reach a screen
		}
		b.WriteRune(table.DecodeByte(c))
	}
	return strings.TrimSpace(b.String())
}

// printable takes from a label what is no printable character of the common set (Book 4, Annex B): a card must not write
// control sequences on a screen.
func printable(label []byte) string {
	clean := true
	for _, c := range label {
		clean = clean && c >= 0x20 && c < 0x7F
	}
	if clean {
		return strings.TrimSpace(string(label))
	}
	b := make([]byte, 0, len(label))
	for _, c := range label {
		if c >= 0x20 && c < 0x7F {
			b = append(b, c)
		}
	}
	return strings.TrimSpace(string(b))
}
