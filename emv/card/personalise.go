package card

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// chip is what personalisation writes into the chip. It does not change while cards of the profile live.
type chip struct {
	atr          []byte
	pse          bool
	blocked      bool
	pseFCI       []byte
	directory    [][]byte // records of the payment system directory, SFI 1
	applications []application
}

// application is one payment application as personalised.
type application struct {
	aid      []byte
	label    string
	priority byte // tag 87
	blocked  bool
	fci      []byte
	format   int // of the answers to GET PROCESSING OPTIONS and GENERATE AC
	gpo      []byte

	aip     []byte
	pdol    list
	cdol1   list
	cdol2   list
	records map[address][]byte
	files   [maxSFI + 1]bool
	data    map[tlv.Tag][]byte // for GET DATA

	version  security.Version
	keyIndex byte // derivation key index in the IAD
	key      *security.MasterKey

	lowerLimit, upperLimit int // consecutive offline transactions; -1: no limit
	newCardOnline          bool
	lenient                bool // a wrong ARPC does not stop a TC
	requireARPC            bool // an online answer without an ARPC is refused
}

// address is a record's place.
type address struct{ sfi, record byte }

// list is a DOL as the card reads it: where each element lies in the command.
type list struct {
	entries []tlv.Entry
	length  int
}

// get returns the element's bytes in a command's data, nil when the DOL does not ask for it.
func (l *list) get(data []byte, tag tlv.Tag) []byte {
	at := 0
	for _, e := range l.entries {
		n := int(e.Length)
		if e.Tag == tag && at+n <= len(data) {
			return data[at : at+n : at+n]
		}
		at += n
	}
	return nil
}

func (l *list) lengthOf(tag tlv.Tag) int {
	for _, e := range l.entries {
		if e.Tag == tag {
			return int(e.Length)
		}
	}
	return -1
}

// Limits of a chip. Those of Book 1 and Book 3 where they have one.
const (
	maxApplications = 8
	maxRecords      = 64
	maxRecord       = 254 // bytes of a record with its template, Book 3, 5.3.1
	maxSFI          = 30
	maxList         = 252 // bytes that a DOL may ask for: a command has 255
	minAID, maxAID  = 5, 16
	maxCardRisk     = 255
)

// Bits of the application interchange profile, byte 1, that matter to the card.
const (
	aipOfflineAuthentication = 0x80 | 0x40 | 0x20 | 0x01 // XDA, SDA, DDA, CDA
	aipIssuerAuthentication  = 0x04                      // the card supports EXTERNAL AUTHENTICATE
)

func (c *checker) chip(p *Profile, s *chipSource) {
	t1 := c.oneOf(s.Protocol, "protocol", "T=0", "T=1") == "T=1"
	p.chip.atr = answerToReset(t1, c.hex(s.Historical, "historical", 0, maxHistorical))
	p.chip.pse = c.yes(s.PSE, "pse", true)
	p.chip.blocked = c.yes(s.Blocked, "chip blocked", false)
	language := c.printable(s.Language, "language", 8)
	if len(language)%2 != 0 {
		c.fail(s.Language.place, "language: want one to four codes of two letters")
	}
	if len(s.Applications) == 0 || len(s.Applications) > maxApplications {
		c.fail(s.place, "chip: %d applications: want 1 to %d", len(s.Applications), maxApplications)
		return
	}
	for i := range s.Applications {
		a := c.application(p, &s.Applications[i], language)
		if c.err != nil {
			return
		}
		for _, other := range p.chip.applications {
			if bytes.Equal(other.aid, a.aid) {
				c.fail(s.Applications[i].AID.place, "aid: the card has it already")
			}
		}
		p.chip.applications = append(p.chip.applications, a)
	}
	if p.chip.pse {
		c.directory(p, s, language)
	}
}

const pseName = "1PAY.SYS.DDF01"

// directory writes the payment system environment (Book 1, 12.2): its FCI, and one record for each application.
func (c *checker) directory(p *Profile, s *chipSource, language string) {
	inner := tlv.Append(nil, 0x88, []byte{1})
	if language != "" {
		inner = tlv.Append(inner, 0x5F2D, []byte(language))
	}
	p.chip.pseFCI = fci([]byte(pseName), inner)
	for i := range p.chip.applications {
		a := &p.chip.applications[i]
		entry := tlv.Append(nil, 0x4F, a.aid)
		entry = tlv.Append(entry, 0x50, []byte(a.label))
		if a.priority != 0 {
			entry = tlv.Append(entry, 0x87, []byte{a.priority})
		}
		p.chip.directory = append(p.chip.directory, tlv.Append(nil, 0x70, tlv.Append(nil, 0x61, entry)))
	}
}

// fci is a file control information template (Book 1, 11.3.4).
func fci(name, proprietary []byte) []byte {
	return tlv.Append(nil, 0x6F, tlv.Append(tlv.Append(nil, 0x84, name), 0xA5, proprietary))
}

func (c *checker) application(p *Profile, s *applicationSource, language string) (a application) {
	c.required(s.AID, "aid", s.place)
	a.aid = c.hex(s.AID, "aid", minAID, maxAID)
	c.required(s.Label, "label", s.place)
	a.label = c.printable(s.Label, "label", 16)
	a.priority = byte(c.number(s.Priority, "priority", 0, 15, 0))
	if c.yes(s.Confirm, "confirm", false) {
		a.priority |= 0x80
	}
	a.blocked = c.yes(s.Blocked, "blocked", false)
	a.format = int(c.oneOf(s.Format, "format", "2", "1")[0] - '0')
	a.lenient = c.oneOf(s.WrongARPC, "wrong_arpc", "strict", "lenient") == "lenient"
	a.requireARPC = c.yes(s.RequireARPC, "require_arpc", false)
	a.lowerLimit, a.upperLimit = -1, -1
	if s.Risk != nil {
		a.lowerLimit = c.number(s.Risk.LowerLimit, "lower_limit", 0, maxCardRisk, -1)
		a.upperLimit = c.number(s.Risk.UpperLimit, "upper_limit", 0, maxCardRisk, -1)
		if a.upperLimit >= 0 && a.upperLimit < a.lowerLimit {
			c.fail(s.Risk.UpperLimit.place, "upper_limit: below lower_limit")
		}
		a.newCardOnline = c.yes(s.Risk.NewCardOnline, "new_card_online", false)
	}
	c.keys(p, s, &a)
	c.files(p, s, &a)
	c.lists(s, &a)
	c.processingOptions(s, &a)
	if c.err != nil {
		return a
	}

	inner := tlv.Append(nil, 0x50, []byte(a.label))
	if a.priority != 0 {
		inner = tlv.Append(inner, 0x87, []byte{a.priority})
	}
	if len(a.pdol.entries) > 0 {
		inner = tlv.Append(inner, 0x9F38, tlv.AppendDOL(nil, a.pdol.entries))
	}
	if language != "" {
		inner = tlv.Append(inner, 0x5F2D, []byte(language))
	}
	if s.PreferredName.set {
		if !s.CodeTable.set {
			c.fail(s.PreferredName.place, "preferred_name: want code_table too (tag 9F11)")
		}
		inner = tlv.Append(inner, 0x9F11, []byte{byte(c.number(s.CodeTable, "code_table", 1, 10, 1))})
		inner = tlv.Append(inner, 0x9F12, c.hex(s.PreferredName, "preferred_name", 1, 16))
	}
	a.fci = fci(a.aid, inner)
	return a
}

// keys derives the application's master key from the issuer's, as the personaliser does: the card never holds that one.
func (c *checker) keys(p *Profile, s *applicationSource, a *application) {
	version, err := security.VersionNamed(c.required(s.Cryptogram, "cryptogram", s.place))
	if err != nil {
		c.fail(s.Cryptogram.place, "%v", err)
		return
	}
	if version.Family() != p.Issuer.Cryptogram {
		c.fail(s.Cryptogram.place, "cryptogram: family %s, but the issuer's is %s", version.Family(), p.Issuer.Cryptogram)
	}
	a.version = version
	a.keyIndex = 1
	if index := c.hex(s.KeyIndex, "key_index", 1, 1); index != nil {
		a.keyIndex = index[0]
	}
	imk := p.Issuer.imk
	if s.IMK.set {
		imk = c.hex(s.IMK, "imk", 16, 16)
	}
	if c.err != nil {
		return
	}
	key, err := security.ICCMasterKey(imk, p.PAN.Digits(), p.PANSequenceNumber, p.Issuer.Derivation)
	if err == nil {
		a.key, err = security.NewMasterKey(key)
	}
	if err != nil {
		c.fail(s.place, "%v", err)
	}
}

// files writes the records and the objects for GET DATA.
func (c *checker) files(p *Profile, s *applicationSource, a *application) {
	if len(s.Records) == 0 || len(s.Records) > maxRecords {
		c.fail(s.place, "records: %d: want 1 to %d", len(s.Records), maxRecords)
		return
	}
	a.records = make(map[address][]byte)
	seen := map[tlv.Tag]bool{0x82: true, 0x94: true, 0x9F38: true, 0x84: true, 0x50: true, 0x87: true} // live elsewhere
	for i := range s.Records {
		r := &s.Records[i]
		at := address{byte(c.number(r.SFI, "sfi", 1, maxSFI, 0)), byte(c.number(r.Record, "record", 1, 255, 0))}
		if at.sfi == 0 || at.record == 0 {
			c.fail(r.place, "record: want sfi and record")
			return
		}
		if _, twice := a.records[at]; twice {
			c.fail(r.place, "record %d of SFI %d is there already", at.record, at.sfi)
		}
		var content []byte
		for _, o := range r.Data {
			tag, value := c.object(p, a, o)
			if c.err != nil {
				return
			}
			if seen[tag] {
				c.fail(o.tag.place, "tag %02X: the application has it already", tag)
			}
			seen[tag] = true
			switch tag {
			case 0x8C:
				a.cdol1 = c.list(o.value, "tag 8C", value)
			case 0x8D:
				a.cdol2 = c.list(o.value, "tag 8D", value)
			}
			content = tlv.Append(content, tag, value)
		}
		record := tlv.Append(nil, 0x70, content)
		if len(record) > maxRecord {
			c.fail(r.place, "record %d of SFI %d: %d bytes: want at most %d", at.record, at.sfi, len(record), maxRecord)
		}
		a.records[at] = record
		a.files[at.sfi] = true
	}
	a.data = make(map[tlv.Tag][]byte)
	for _, o := range s.Data {
		tag, value := c.object(p, a, o)
		if c.err != nil {
			return
		}
		if _, twice := a.data[tag]; twice || tag == tagATC || tag == tagLastOnlineATC {
			c.fail(o.tag.place, "tag %02X: the card has it already", tag)
		}
		a.data[tag] = value
	}
}

// object reads one data object. A value that begins with $ is filled in from the card, so that a profile states each fact
// once.
func (c *checker) object(p *Profile, a *application, o object) (tlv.Tag, []byte) {
	raw := c.hex(o.tag, "tag", 1, 4)
	if c.err != nil {
		return 0, nil
	}
	if !o.tag.set || len(raw) == 0 {
		c.fail(o.value.place, "tag: want hexadecimal digits")
		return 0, nil
	}
	entries, err := tlv.ParseDOL(append(slices.Clone(raw), 0)) // a tag and a length: the parser of DOLs knows tags
	if err != nil || len(entries) != 1 {
		c.fail(o.tag.place, "tag %X: no BER tag", raw)
		return 0, nil
	}
	tag := entries[0].Tag
	if tlv.Constructed(tag) {
		c.fail(o.tag.place, "tag %02X: constructed: want a primitive object", tag)
	}
	field := fmt.Sprintf("tag %02X", tag)
	if !o.value.set || o.value.bad || len(o.value.value) == 0 || o.value.value[0] != '$' {
		value := c.hex(o.value, field, 0, maxList)
		if !o.value.set {
			c.fail(o.tag.place, "%s: want a value", field)
		}
		if number := packed(p.PAN.Digits()); tag == 0x5A && !bytes.Equal(value, number) || tag == 0x57 && !bytes.Equal(value, p.track2Equivalent()) {
			c.fail(o.value.place, "%s: differs from the profile's pan or stripe: $pan and $track2 fill it in", field)
		}
		return tag, value
	}
	value, ok := fill(p, a, o.value.value)
	if !ok {
		c.fail(o.value.place, "%s: %q: the card has no such value", field, o.value.value)
	}
	return tag, value
}

// fill is the table of values that a profile may name.
func fill(p *Profile, a *application, name string) (value []byte, ok bool) {
	switch name {
	case "$pan":
		return packed(p.PAN.Digits()), true
	case "$track2":
		return p.track2Equivalent(), p.stripe
	case "$track1_discretionary":
		return []byte(p.discretionary1), p.discretionary1 != ""
	case "$psn":
		return packed(p.PANSequenceNumber), p.PANSequenceNumber != ""
	case "$cardholder":
		return []byte(p.Cardholder), p.Cardholder != ""
	case "$expiry":
		return p.Expiry.bcd(p.Expiry.LastDay().Day()), true
	case "$effective":
		return p.Effective.bcd(1), p.Effective != Month{}
	case "$service_code":
		return packed("0" + p.ServiceCode), p.stripe
	case "$lower_limit":
		return []byte{byte(a.lowerLimit)}, a.lowerLimit >= 0
	case "$upper_limit":
		return []byte{byte(a.upperLimit)}, a.upperLimit >= 0
	}
	return nil, false
}

func (c *checker) list(t text, field string, dol []byte) (l list) {
	entries, err := tlv.ParseDOL(dol)
	if err != nil {
		c.fail(t.place, "%s: %v", field, err)
		return l
	}
	l.entries = entries
	for _, e := range entries {
		l.length += int(e.Length)
	}
	if l.length > maxList {
		c.fail(t.place, "%s: asks for %d bytes: want at most %d", field, l.length, maxList)
	}
	return l
}

// lists checks that the card will be told all it needs for its cryptograms.
func (c *checker) lists(s *applicationSource, a *application) {
	c.required(s.AIP, "aip", s.place)
	a.aip = c.hex(s.AIP, "aip", 2, 2)
	a.pdol = c.list(s.PDOL, "pdol", c.hex(s.PDOL, "pdol", 0, 64))
	if c.err != nil {
		return
	}
	if a.aip[0]&aipOfflineAuthentication != 0 {
		c.fail(s.AIP.place, "aip: announces offline data authentication, for which the card has no keys")
	}
	if len(a.cdol1.entries) == 0 || len(a.cdol2.entries) == 0 {
		c.fail(s.place, "records: want tags 8C and 8D: the card cannot make cryptograms without them")
		return
	}
	for _, e := range security.Elements() {
		if e.Tag == tagAIP || e.Tag == tagATC { // the card's own
			continue
		}
		if n := a.cdol1.lengthOf(e.Tag); n != e.Length {
			c.fail(s.place, "tag 8C: asks %s for tag %02X: %s needs %d", bytesAsked(n), e.Tag, a.version, e.Length)
		}
		if n := a.cdol2.lengthOf(e.Tag); n >= 0 && n != e.Length {
			c.fail(s.place, "tag 8D: asks %s for tag %02X: %s needs %d", bytesAsked(n), e.Tag, a.version, e.Length)
		}
	}
	if n := a.cdol2.lengthOf(tagARC); n != 2 {
		c.fail(s.place, "tag 8D: asks %s for tag 8A: want 2", bytesAsked(n))
	}
	need := 10
	if a.version.ARPCMethod() == 2 {
		need = 8
	}
	if n := a.cdol2.lengthOf(tagIssuerAuthenticationData); a.aip[0]&aipIssuerAuthentication == 0 && n >= 0 && n < need {
		c.fail(s.place, "tag 8D: asks %s for tag 91: %s needs %d", bytesAsked(n), a.version, need)
	}
}

func bytesAsked(n int) string {
	if n < 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d bytes", n)
}

// processingOptions builds the answer to GET PROCESSING OPTIONS (Book 3, 6.5.8).
func (c *checker) processingOptions(s *applicationSource, a *application) {
	if c.err != nil {
		return
	}
	afl := a.everyRecord()
	if s.AFL.set {
		c.required(s.AFL, "afl", s.place)
		afl = c.hex(s.AFL, "afl", 4, maxList)
		if c.checkAFL(s.AFL, afl, a); c.err != nil {
			return
		}
	}
	if a.format == 1 {
		a.gpo = tlv.Append(nil, 0x80, append(slices.Clone(a.aip), afl...))
	} else {
		a.gpo = tlv.Append(nil, 0x77, tlv.Append(tlv.Append(nil, 0x82, a.aip), 0x94, afl))
	}
	if len(a.gpo) > maxRecord {
		c.fail(s.place, "afl: answer of %d bytes: want at most %d", len(a.gpo), maxRecord)
	}
}

// checkAFL checks an application file locator (Book 3, 10.2) against the records that are there.
func (c *checker) checkAFL(t text, afl []byte, a *application) {
	if len(afl)%4 != 0 {
		c.fail(t.place, "afl: length %d: want entries of 4 bytes", len(afl))
		return
	}
	for at := 0; at < len(afl); at += 4 {
		sfi, first, last, signed := afl[at]>>3, afl[at+1], afl[at+2], afl[at+3]
		if afl[at]&7 != 0 || sfi == 0 || sfi > maxSFI || first == 0 || first > last || int(signed) > int(last)-int(first)+1 {
			c.fail(t.place, "afl: offset %d: %X: no entry of file, first, last and number of authenticated records", at, afl[at:at+4])
			return
		}
		for n := int(first); n <= int(last); n++ {
			if _, ok := a.records[address{sfi, byte(n)}]; !ok {
				c.fail(t.place, "afl: offset %d: there is no record %d in SFI %d", at, n, sfi)
				return
			}
		}
	}
}

// everyRecord is the AFL that reads all records, in order, none of them authenticated.
func (a *application) everyRecord() (afl []byte) {
	places := make([]address, 0, len(a.records))
	for at := range a.records {
		places = append(places, at)
	}
	slices.SortFunc(places, func(x, y address) int {
		return (int(x.sfi)<<8 | int(x.record)) - (int(y.sfi)<<8 | int(y.record))
	})
	for i, at := range places {
		if i > 0 && places[i-1].sfi == at.sfi && places[i-1].record == at.record-1 {
			afl[len(afl)-2] = at.record
			continue
		}
		afl = append(afl, at.sfi<<3, at.record, at.record, 0)
	}
	return afl
}

func (ch *chip) describe(line func(name, format string, args ...any)) {
	line("chip", "answer to reset %X", ch.atr)
	if ch.blocked {
		line("", "the card is blocked")
	}
	for i := range ch.applications {
		a := &ch.applications[i]
		state := ""
		if a.blocked {
			state = ", blocked"
		}
		line("application", "%X %s, priority %d, %s%s", a.aid, a.label, a.priority&15, a.version, state)
	}
}
