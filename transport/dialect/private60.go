package dialect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DE 60 of iso87 by the class of the message (ISO 8583:1987 leaves it to private use; all of this is our own choice):
//
//	network management               network management code: 001 sign-on, 002 sign-off, 301 echo ...
//	reversal                         reason (ReasonRule), and the original where what is reversed names one
//	authorization, financial,
//	administrative                   the original; or anybody's private data
//	reconciliation                   batch number n6; of the end of an upload also how many lines were sent, n4
//	file action                      batch number n6; of an upload also the line's MTI n4, STAN n6 and D or C (line.go)
//
// An original is '#', then batch number n6, STAN n6, date n4 and time n6, each unknown part as hyphens; where they are known,
// how it was authorised n2 and by whom n..11 follow. Private data therefore does not begin with '#'.
//
// DE 63 is the batch number, six digits, where DE 60 is not; of a reconciliation it is the totals (totals.go); else private data.

const originalMark = "#"

// unknownPart stands for each digit of a part that is not known.
const unknownPart = '-'

func (r ReasonRule) getPrivate60(m *Message) (string, error) { return r.private60(m, m.Original) }

// private60 is DE 60 of m with this original.
func (r ReasonRule) private60(m *Message, o Original) (string, error) {
	if err := m.checkPrivate60(); err != nil {
		return "", err
	}
	o.MTI, o.Acquirer, o.Forwarder = "", "", "" // which nobody is known by
	switch Class(m.MTI) {
	case ClassNetworkManagement:
		return m.NetworkManagementCode, nil
	case ClassReversal:
		reason, err := r.put(m.ReversalReason)
		if err != nil || o == (Original{}) {
			return reason, err
		}
		s, err := o.text()
		return reason + s, err
	case ClassReconciliation:
		return m.batchAndUploaded()
	case ClassFileAction:
		return m.ReservedPrivate60, nil // of the wire's form (line.go)
	}
	if o == (Original{}) {
		if strings.HasPrefix(m.ReservedPrivate60, originalMark) {
			return "", errors.New("private data that begins with '#': want Original for that")
		}
		return m.ReservedPrivate60, nil
	}
	if m.ReservedPrivate60 != "" {
		return "", errors.New("an original beside private data: want one of them")
	}
	return o.text()
}

func (r ReasonRule) setPrivate60(m *Message, s string) (err error) {
	switch Class(m.MTI) {
	case ClassNetworkManagement:
		m.NetworkManagementCode = s
		return nil
	case ClassReversal:
		at := strings.Index(s, originalMark)
		if at < 0 {
			return r.take(m, s)
		}
		if err := r.take(m, s[:at]); err != nil {
			return err
		}
		m.Original, err = parseOriginal(s[at:])
		return err
	case ClassReconciliation:
		return m.setBatchAndUploaded(s)
	case ClassFileAction:
		m.ReservedPrivate60 = s
		return nil
	}
	if strings.HasPrefix(s, originalMark) {
		m.Original, err = parseOriginal(s)
		return err
	}
	m.ReservedPrivate60 = s
	return nil
}

// checkPrivate60 refuses a value of DE 60 that the MTI has no place for: it would be dropped silently.
func (m *Message) checkPrivate60() error {
	class := Class(m.MTI)
	private := class != ClassNetworkManagement && class != ClassReversal && class != ClassReconciliation
	original := private && class != ClassFileAction || class == ClassReversal
	switch {
	case m.NetworkManagementCode != "" && class != ClassNetworkManagement,
		m.ReversalReason != "" && class != ClassReversal,
		m.ReservedPrivate60 != "" && !private:
		return fmt.Errorf("network management code, reversal reason or private data that class %q has no place for", class)
	case m.Original != (Original{}) && !original:
		return fmt.Errorf("an original that class %q has no place for", class)
	}
	return nil
}

// text is o as DE 60 has it.
func (o *Original) text() (string, error) {
	s := append(make([]byte, 0, 36), originalMark...)
	for _, p := range o.parts() {
		switch {
		case *p.value == "":
			for range p.digits {
				s = append(s, unknownPart)
			}
		case len(*p.value) != p.digits || !isDigits(*p.value):
			return "", fmt.Errorf("the original's %s: want %d digits", p.name, p.digits)
		default:
			s = append(s, *p.value...)
		}
	}
	switch {
	case o.AuthMethod == "" && o.Authorizer == "":
		return string(s), nil
	case len(o.AuthMethod) != 0 && (len(o.AuthMethod) != 2 || !isDigits(o.AuthMethod)):
		return "", errors.New("how the original was authorised: want 2 digits")
	case len(o.Authorizer) > 11 || !isDigits(o.Authorizer):
		return "", errors.New("who authorised the original: want up to 11 digits")
	case o.AuthMethod == "":
		s = append(s, unknownPart, unknownPart)
	}
	return string(append(append(s, o.AuthMethod...), o.Authorizer...)), nil
}

// parseOriginal reads what text writes, and nothing else: one original has one text.
func parseOriginal(s string) (o Original, err error) {
	rest, marked := strings.CutPrefix(s, originalMark)
	if !marked {
		return Original{}, errors.New("no '#' at the front of an original")
	}
	for _, p := range o.parts() {
		if len(rest) < p.digits {
			return Original{}, fmt.Errorf("an original of %d characters: want '#', batch number 6, STAN 6, date 4, time 6", len(s))
		}
		if *p.value, err = knownPart(rest[:p.digits], p.name); err != nil {
			return Original{}, err
		}
		rest = rest[p.digits:]
	}
	if rest != "" {
		if len(rest) < 2 || len(rest) > 2+11 || !isDigits(rest[2:]) {
			return Original{}, errors.New("behind the original's time: want how it was authorised, 2 digits, and by whom, up to 11")
		}
		if o.AuthMethod, err = knownPart(rest[:2], "authorisation"); err != nil {
			return Original{}, err
		}
		o.Authorizer = rest[2:]
		if o.AuthMethod == "" && o.Authorizer == "" {
			return Original{}, errors.New("behind the original's time: hyphens alone: want nothing")
		}
	}
	if o == (Original{}) {
		return Original{}, errors.New("an original of which nothing is known: want none")
	}
	return o, nil
}

type originalPart struct {
	name   string
	digits int
	value  *string
}

// parts are those that an original always has, in their order.
func (o *Original) parts() [4]originalPart {
	return [4]originalPart{{"batch number", 6, &o.Batch}, {"STAN", 6, &o.STAN}, {"date", 4, &o.Date}, {"time", 6, &o.Time}}
}

// knownPart gives the digits, or "" for hyphens.
func knownPart(s, name string) (string, error) {
	switch {
	case isDigits(s):
		return s, nil
	case strings.Trim(s, string(unknownPart)) == "":
		return "", nil
	}
	return "", fmt.Errorf("the original's %s: want %d digits, or hyphens where it is not known", name, len(s))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

const (
	batchDigits    = 6
	uploadedDigits = 4
)

// batchText is the batch number, hyphens for none.
func (m *Message) batchText() (string, error) {
	switch {
	case m.BatchNumber == "":
		return strings.Repeat(string(unknownPart), batchDigits), nil
	case len(m.BatchNumber) != batchDigits || !isDigits(m.BatchNumber):
		return "", fmt.Errorf("batch number of %d characters: want %d digits", len(m.BatchNumber), batchDigits)
	}
	return m.BatchNumber, nil
}

func (m *Message) setBatch(s string) error {
	switch {
	case isDigits(s):
		m.BatchNumber = s
	case strings.Trim(s, string(unknownPart)) != "":
		return fmt.Errorf("batch number: want %d digits, or hyphens for none", batchDigits)
	}
	return nil
}

func (m *Message) batchAndUploaded() (string, error) {
	switch {
	case m.Uploaded < 0 || m.Uploaded > 9999:
		return "", fmt.Errorf("%d lines sent: want 0 to 9999", m.Uploaded)
	case m.BatchNumber == "" && m.Uploaded == 0:
		return "", nil
	}
	s, err := m.batchText()
	if err != nil || m.Uploaded == 0 {
		return s, err
	}
	return s + fmt.Sprintf("%0*d", uploadedDigits, m.Uploaded), nil
}

func (m *Message) setBatchAndUploaded(s string) (err error) {
	if len(s) != batchDigits && len(s) != batchDigits+uploadedDigits {
		return fmt.Errorf("%d characters: want a batch number of %d digits, and %d for the lines sent if there are any", len(s), batchDigits, uploadedDigits)
	}
	if err := m.setBatch(s[:batchDigits]); err != nil {
		return err
	}
	if s = s[batchDigits:]; s != "" {
		if !isDigits(s) || s == "0000" {
			return fmt.Errorf("the lines sent: want %d digits, not all 0", uploadedDigits)
		}
		m.Uploaded, err = strconv.Atoi(s)
	} else if m.BatchNumber == "" {
		return errors.New("hyphens alone: want a batch number")
	}
	return err
}
