package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// iso87-128 is iso87 with the secondary bitmap, and with what the standard has there in place of private data:
//
//	DE 7       transmission date and time
//	DE 66      settlement code: the result of a settlement, 1 in balance, 2 out of balance, 3 error
//	DE 70      network management code, for DE 60
//	DE 74-77   counts, DE 86-89 sums of credits, reversed credits, debits, reversed debits; DE 97 credits less debits: totals, for DE 63
//	DE 90      original data elements, for DE 60; what they have no place for (batch number, how it was authorised) stays there
//	DE 95      replacement amounts
//	DE 128     MAC, where there is a data element above 64; else DE 64
//
// The standard has one set of totals: those of foreign cards are in it. Reversals are in no total here, so DE 75, 77, 87 and 89 are 0.

const (
	originalDataElements = 90
	originalLength       = 42 // MTI 4, STAN 6, date and time 10, acquirer 11, forwarder 11
	institutionDigits    = 11
	replacementLength    = 42 // n12, n12 of settlement, two fees x+n8
	noMoreReplacement    = "000000000000" + "D00000000" + "D00000000"
)

// iso128Totals come together or not at all.
var iso128Totals = []int{74, 75, 76, 77, 86, 87, 88, 89, 97}

// ISO128 returns the dialect iso87-128: ISO 8583:1987 in BCD with a secondary bitmap. It is made once and shared.
func ISO128() *Dialect { return iso128 }

var iso128 = newDialect(iso128Book(ReasonIn60))

func iso128Book(r ReasonRule) book {
	b := iso87Book(ReasonIn60)
	b.name, b.wide, b.together = "iso87-128", true, iso128Totals
	b.elements = slices.DeleteFunc(b.elements, func(e element) bool {
		return slices.ContainsFunc(iso128Elements(r), func(own element) bool { return own.de == e.de })
	})
	b.elements = append(b.elements, iso128Elements(r)...)
	slices.SortFunc(b.elements, func(x, y element) int { return x.de - y.de })
	return b
}

// iso128Elements are those that iso87 does not have, or has in another way.
func iso128Elements(r ReasonRule) []element {
	code := element{de: 39, name: "response code", coding: codeAN, length: 2,
		get: func(m *Message) (string, error) { return m.ResponseCode, nil }, set: func(m *Message, s string) error { m.ResponseCode = s; return nil }}
	if r == ReasonIn39 {
		code = r.inResponseCode(code)
	}
	return []element{
		code,
		{de: 7, name: "transmission date and time", coding: codeN, length: 10, text: func(m *Message) *string { return &m.TransmissionDateTime }},
		{de: 60, name: "reserved private 60", coding: codeANS, length: 99, prefix: 2, get: r.getNarrow60, set: r.setNarrow60, note: noteOf60},
		{de: 63, name: "reserved private 63", coding: codeANS, length: 99, prefix: 2, get: getNarrow63, set: setNarrow63, note: noteOf63},
		{de: 66, name: "settlement code", coding: codeN, length: 1, get: getSettlementCode, set: setSettlementCode},
		{de: 70, name: "network management information code", coding: codeN, length: 3,
			get: func(m *Message) (string, error) { return m.NetworkManagementCode, nil }, set: setManagementCode},
		totalElement(74, "credits, number", 10, func(t *Totals) int64 { return int64(t.Credits.Count) + int64(t.ForeignCredits.Count) }, func(t *Totals, n int64) { t.Credits.Count = int(n) }),
		totalElement(75, "credits, reversal number", 10, nil, nil),
		totalElement(76, "debits, number", 10, func(t *Totals) int64 { return int64(t.Debits.Count) + int64(t.ForeignDebits.Count) }, func(t *Totals, n int64) { t.Debits.Count = int(n) }),
		totalElement(77, "debits, reversal number", 10, nil, nil),
		totalElement(86, "credits, amount", 16, func(t *Totals) int64 { return t.Credits.Amount + t.ForeignCredits.Amount }, func(t *Totals, n int64) { t.Credits.Amount = n }),
		totalElement(87, "credits, reversal amount", 16, nil, nil),
		totalElement(88, "debits, amount", 16, func(t *Totals) int64 { return t.Debits.Amount + t.ForeignDebits.Amount }, func(t *Totals, n int64) { t.Debits.Amount = n }),
		totalElement(89, "debits, reversal amount", 16, nil, nil),
		{de: originalDataElements, name: "original data elements", coding: codeN, length: originalLength, get: getOriginalData, set: setOriginalData},
		{de: 95, name: "replacement amounts", coding: codeAN, length: replacementLength, get: getReplacement, set: setReplacement},
		{de: 97, name: "amount, net settlement", coding: codeX, length: 17, get: getNet, set: setNet},
		{de: secondMACDE, name: "message authentication code", coding: codeB, length: 8, data: func(m *Message) *[]byte { return &m.MAC }},
	}
}

func setManagementCode(m *Message, s string) error {
	if Class(m.MTI) != ClassNetworkManagement {
		return errors.New("a network management code of what is none")
	}
	m.NetworkManagementCode = s
	return nil
}

// totalElement is a count or a sum of the totals. Without of it is one that is always 0.
func totalElement(de int, name string, digits int, of func(*Totals) int64, put func(*Totals, int64)) element {
	return element{de: de, name: name, coding: codeN, length: digits,
		get: func(m *Message) (string, error) {
			switch {
			case m.Totals == nil:
				return "", nil
			case !m.reconciles():
				return "", errors.New("totals of what is no reconciliation")
			}
			n := int64(0)
			if of != nil {
				n = of(m.Totals)
			}
			s := fmt.Sprintf("%0*d", digits, n)
			if n < 0 || len(s) > digits {
				return "", fmt.Errorf("%d: want 0 to %s", n, strings.Repeat("9", digits))
			}
			return s, nil
		},
		set: func(m *Message, s string) error {
			if !m.reconciles() {
				return errors.New("totals of what is no reconciliation")
			}
			n, err := strconv.ParseInt(s, 10, 64) // sixteen digits always fit
			switch {
			case err != nil:
				return err
			case put == nil && n != 0:
				return errors.New("reversals counted apart: want 0, a reversed transaction is in no total")
			case put == nil:
				return nil
			}
			put(m.ownTotals(), n)
			return nil
		}}
}

func (m *Message) reconciles() bool { return Class(m.MTI) == ClassReconciliation }

func (m *Message) ownTotals() *Totals {
	if m.Totals == nil {
		m.Totals = &Totals{}
	}
	return m.Totals
}

// net is DE 97: C and credits less debits, or D and debits less credits.
func (t *Totals) net() string {
	n := t.Credits.Amount + t.ForeignCredits.Amount - t.Debits.Amount - t.ForeignDebits.Amount
	if n < 0 {
		return fmt.Sprintf("D%016d", -n)
	}
	return fmt.Sprintf("C%016d", n)
}

func getNet(m *Message) (string, error) {
	if m.Totals == nil {
		return "", nil
	}
	return m.Totals.net(), nil
}

func setNet(m *Message, s string) error {
	if m.Totals == nil || s != m.Totals.net() {
		return errors.New("not the net of DE 86 and DE 88")
	}
	return nil
}

func getSettlementCode(m *Message) (string, error) {
	r := max(m.SettlementResult, m.ForeignResult)
	switch {
	case r > SettlementError:
		return "", fmt.Errorf("settlement result %d: want equal, not equal or error", r)
	case r == SettlementNone:
		return "", nil
	case !m.answersReconciliation():
		return "", errors.New("a settlement's result on what does not answer one")
	}
	return string('0' + rune(r)), nil
}

func setSettlementCode(m *Message, s string) error {
	if !m.answersReconciliation() || s < "1" || s > "3" {
		return errors.New("want 1, 2 or 3 in the answer to a reconciliation")
	}
	m.SettlementResult = SettlementResult(s[0] - '0')
	return nil
}

// getNarrow60 is DE 60 where DE 70 and DE 90 have the rest.
func (r ReasonRule) getNarrow60(m *Message) (string, error) {
	if Class(m.MTI) == ClassNetworkManagement {
		return "", m.checkPrivate60()
	}
	o := m.Original
	o.STAN, o.Date, o.Time = "", "", ""
	return r.private60(m, o)
}

func (r ReasonRule) setNarrow60(m *Message, s string) error {
	if Class(m.MTI) == ClassNetworkManagement {
		return errors.New("a network management code: want it in DE 70")
	}
	if err := r.setPrivate60(m, s); err != nil {
		return err
	}
	if o := m.Original; o.STAN != "" || o.Date != "" || o.Time != "" {
		return errors.New("an original's STAN, date or time: want them in DE 90")
	}
	return nil
}

// getNarrow63 is DE 63 where the totals have data elements of their own.
func getNarrow63(m *Message) (string, error) {
	if m.reconciles() {
		return m.ReservedPrivate63, nil
	}
	return getPrivate63(m)
}

func setNarrow63(m *Message, s string) error {
	if m.reconciles() {
		m.ReservedPrivate63 = s
		return nil
	}
	return setPrivate63(m, s)
}

// originalDataParts are those of DE 90 in their order: institutions stand at the right, and what is not known is zeros.
func (o *Original) originalDataParts() [6]originalPart {
	return [6]originalPart{{"MTI", 4, &o.MTI}, {"STAN", 6, &o.STAN}, {"date", 4, &o.Date}, {"time", 6, &o.Time},
		{"acquirer", institutionDigits, &o.Acquirer}, {"forwarder", institutionDigits, &o.Forwarder}}
}

// getOriginalData is DE 90. Its date and time are those of the original's first transmission, which terminals stamp with their
// own clock: those of DE 12 and DE 13, by which a transaction is known.
func getOriginalData(m *Message) (string, error) {
	var s strings.Builder
	o := m.Original
	if o.Time != "" && o.Date == "" {
		return "", errors.New("the original's time without its date")
	}
	for i, p := range o.originalDataParts() {
		v, institution := *p.value, i >= 4
		switch {
		case !isDigits(v), len(v) > p.digits, !institution && v != "" && len(v) != p.digits:
			return "", fmt.Errorf("the original's %s: want %d digits", p.name, p.digits)
		case institution && strings.HasPrefix(v, "0"):
			return "", fmt.Errorf("the original's %s begins with 0: want it without the filler", p.name)
		}
		s.WriteString(strings.Repeat("0", p.digits-len(v)) + v)
	}
	if allZero(s.String()) {
		return "", nil
	}
	return s.String(), nil
}

func setOriginalData(m *Message, s string) error {
	switch Class(m.MTI) {
	case ClassNetworkManagement, ClassReconciliation, ClassFileAction:
		return fmt.Errorf("an original that class %q has no place for", Class(m.MTI))
	}
	switch date, time := s[10:14], s[14:20]; {
	case allZero(s):
		return errors.New("zeros alone: want it left out")
	case allZero(date) && !allZero(time):
		return errors.New("the original's time without its date")
	}
	o := &m.Original // DE 60 may have been its batch number
	for i, p := range o.originalDataParts() {
		v := s[:p.digits]
		s = s[p.digits:]
		switch {
		case i >= 4:
			v = strings.TrimLeft(v, "0")
		case p.value == &o.Time && o.Date != "": // midnight
		case allZero(v):
			v = ""
		}
		*p.value = v
	}
	return nil
}

func allZero(s string) bool { return strings.Trim(s, "0") == "" }

func getReplacement(m *Message) (string, error) {
	switch {
	case m.ReplacementAmount == 0:
		return "", nil
	case Class(m.MTI) != ClassReversal:
		return "", errors.New("a replacement amount on what is no reversal")
	case m.ReplacementAmount < 0 || m.ReplacementAmount > maxAmount:
		return "", fmt.Errorf("replacement amount %d: want 0 to %d minor units", m.ReplacementAmount, int64(maxAmount))
	}
	return fmt.Sprintf("%012d", m.ReplacementAmount) + noMoreReplacement, nil
}

func setReplacement(m *Message, s string) (err error) {
	digits, rest := s[:12], s[12:]
	switch {
	case Class(m.MTI) != ClassReversal:
		return errors.New("a replacement amount on what is no reversal")
	case rest != noMoreReplacement || !isDigits(digits) || digits == "000000000000":
		return fmt.Errorf("want an amount n12, not 0, then %s: no amount of settlement, no fees", noMoreReplacement)
	}
	m.ReplacementAmount, err = strconv.ParseInt(digits, 10, 64)
	return err
}
