package card

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// chip is what personalisation writes into the chip. It does not change while cards of the profile live.
type chip struct {
	atr          []byte
	pse          bool
	blocked      bool
	pin          *offlinePIN // nil: the card has none
	pseFCI       []byte
	ppseFCI      []byte   // nil: nothing on the card is for a tap
	directory    [][]byte // records of the payment system directory, SFI 1
	applications []application
}

// application is one payment application as personalised.
type application struct {
	aid      []byte
	label    string
	priority byte // tag 87
	blocked  bool
	aac      bool // blocked, it still takes part and answers AAC, so that a script can unblock it
	fci      []byte
	format   int // of the answers to GET PROCESSING OPTIONS and GENERATE AC
	gpo      []byte

	aip     []byte
	afl     []byte
	pdol    list
	cdol1   list
	cdol2   list
	ddol    list
	records map[address][]byte
	files   [maxSFI + 1]bool
	signed  map[address]bool   // records that are authenticated
	tags    map[tlv.Tag]bool   // what the records hold
	data    map[tlv.Tag][]byte // for GET DATA

	version  security.Version
	keyIndex byte // derivation key index in the IAD
	key      *security.MasterKey
	secret   [32]byte            // for what looks random and is not
	scripts  *security.MasterKey // for script MACs; nil: the card takes no scripts
	secrets  *security.MasterKey // for what is enciphered in scripts; may be nil

	purse    *purse          // nil: it holds no money
	related  *slot           // of tag 9F69
	auth     *authentication // nil: no offline data authentication
	signsAIP bool            // tag 9F4A asks for the AIP
	wrong    wrong
	number   []byte // always the same ICC dynamic number; nil: a new one each time
	iad      []byte // always the same issuer application data; nil: what has happened

	lowerLimit, upperLimit   int   // consecutive offline transactions; -1: no limit
	lowerAmount, upperAmount int64 // what they come to, minor units; -1: no limit
	currency                 [2]byte
	newCardOnline            bool
	refusedTypes             []byte   // transaction types (tag 9C) that the card declines
	pinExceeded              decision // when the PIN try limit is exceeded
	decision                 decision // whatever the transaction
	advice                   advice
	refusals                 int  // of GET PROCESSING OPTIONS; -1: always
	lenient                  bool // a wrong ARPC does not stop a TC
	requireARPC              bool // an online answer without an ARPC is refused
}

// decision is what a card makes of a transaction whatever else speaks for it.
type decision byte

const (
	noDecision decision = iota
	goOnline
	decline
	refer // answers that it wants a referral, which is no longer a cryptogram that a card may give
)

// advice is what the card adds to an AAC in tag 9F27 (Book 3, table 14).
type advice byte

const (
	noAdvice   advice = iota
	withReason        // why it declined
	wantAdvice        // and that the issuer is to be told
)

// address is a record's place.
type address struct{ sfi, record byte }

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
	aipXDA                  = 0x80
	aipSDA                  = 0x40
	aipDDA                  = 0x20
	aipCDA                  = 0x01
	aipIssuerAuthentication = 0x04 // the card supports EXTERNAL AUTHENTICATE
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
	c.offlinePIN(p, s.OfflinePIN)
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
	if pin := p.chip.pin; pin != nil && pin.enciphered && !p.chip.any((*application).opensPIN) {
		c.fail(s.OfflinePIN.place, "offline_pin: enciphered: no application has a key of the card's own to open it with")
	}
	if p.chip.pse {
		c.directory(p, s, language)
	}
	c.proximityDirectory(p)
}

// any tells whether an application of the card has what is asked.
func (ch *chip) any(has func(*application) bool) bool {
	for i := range ch.applications {
		if has(&ch.applications[i]) {
			return true
		}
	}
	return false
}

const pseName = "1PAY.SYS.DDF01"

// directory writes the payment system environment (Book 1, 12.2): its FCI, and one record for each application.
func (c *checker) directory(p *Profile, s *chipSource, language string) {
	inner := tlv.Append(nil, tlv.ShortFileIdentifier, []byte{1})
	if language != "" {
		inner = tlv.Append(inner, tlv.LanguagePreference, []byte(language))
	}
	p.chip.pseFCI = fci([]byte(pseName), inner)
	for i := range p.chip.applications {
		a := &p.chip.applications[i]
		if a.purse != nil {
			continue // it is for a tap: proximityDirectory
		}
		p.chip.directory = append(p.chip.directory, tlv.Append(nil, tlv.READRECORDResponseMessageTemplate, tlv.Append(nil, tlv.ApplicationTemplate, a.entry())))
	}
}

// entry is the application's in a directory.
func (a *application) entry() []byte {
	entry := tlv.Append(nil, tlv.ApplicationDedicatedFileName, a.aid)
	entry = tlv.Append(entry, tlv.ApplicationLabel, []byte(a.label))
	if a.priority != 0 {
		entry = tlv.Append(entry, tlv.ApplicationPriorityIndicator, []byte{a.priority})
	}
	return entry
}

// fci is a file control information template (Book 1, 11.3.4).
func fci(name, proprietary []byte) []byte {
	return tlv.Append(nil, tlv.FCITemplate, tlv.Append(tlv.Append(nil, tlv.DedicatedFileName, name), tlv.FCIProprietaryTemplate, proprietary))
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
	c.risk(p, s, &a)
	c.purse(p, s, &a)
	c.keys(p, s, &a)
	c.certificate(p, s, &a)
	c.fixed(s, &a)
	c.files(p, s, &a)
	c.lists(s, &a)
	c.processingOptions(s, &a)
	if a.purse != nil {
		c.purseRecords(s, &a)
	}
	if c.err != nil {
		return a
	}

	inner := tlv.Append(nil, tlv.ApplicationLabel, []byte(a.label))
	if a.priority != 0 {
		inner = tlv.Append(inner, tlv.ApplicationPriorityIndicator, []byte{a.priority})
	}
	if len(a.pdol.entries) > 0 {
		inner = tlv.Append(inner, tlv.PDOL, tlv.AppendDOL(nil, a.pdol.entries))
	}
	if language != "" {
		inner = tlv.Append(inner, tlv.LanguagePreference, []byte(language))
	}
	if s.PreferredName.set {
		if !s.CodeTable.set {
			c.fail(s.PreferredName.place, "preferred_name: want code_table too (tag 9F11)")
		}
		inner = tlv.Append(inner, tlv.IssuerCodeTableIndex, []byte{byte(c.number(s.CodeTable, "code_table", 1, 10, 1))})
		inner = tlv.Append(inner, tlv.ApplicationPreferredName, c.hex(s.PreferredName, "preferred_name", 1, 16))
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
		a.secret = sha256.Sum256(append([]byte("emulated card"), key...))
	}
	if err == nil {
		a.scripts, err = scriptKey(p, p.Issuer.smi)
	}
	if err == nil {
		a.secrets, err = scriptKey(p, p.Issuer.smc)
	}
	if err != nil {
		c.fail(s.place, "%v", err)
	}
}

// fixed reads what the card says whatever has happened.
func (c *checker) fixed(s *applicationSource, a *application) {
	a.number = c.hex(s.Number, "dynamic_number", 2, 8)
	a.iad = c.hex(s.IAD, "issuer_application_data", 1, maxIAD)
	if a.iad != nil && c.err == nil {
		if v, err := security.VersionFor(a.version.Family(), a.iad); err != nil || v != a.version {
			c.fail(s.IAD.place, "issuer_application_data: not laid out as %s has them", a.version)
		}
	}
}

// scriptKey derives the card's key from one of the issuer's, nil where there is none.
func scriptKey(p *Profile, imk []byte) (*security.MasterKey, error) {
	if imk == nil {
		return nil, nil
	}
	key, err := security.ICCMasterKey(imk, p.PAN.Digits(), p.PANSequenceNumber, p.Issuer.Derivation)
	if err != nil {
		return nil, err
	}
	return security.NewMasterKey(key)
}

// derive makes eight bytes that look random, and are the same for the same card, label and counters.
func (a *application) derive(label string, atc uint16, n int, more ...byte) (b [8]byte) {
	mac := hmac.New(sha256.New, a.secret[:])
	fmt.Fprintf(mac, "%s %d %d ", label, atc, n)
	mac.Write(more)
	copy(b[:], mac.Sum(nil))
	return b
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
		if u := a.purse; u != nil {
			line("", "a purse: balance %s of at most %s, a payment at most %s", decimal(u.balance), decimal(u.limit), decimal(u.single))
		}
		if a.auth != nil {
			a.auth.describe(line)
		}
		if a.wrong != 0 {
			line("", "wrong on purpose: %s", a.wrong)
		}
	}
	if pin := ch.pin; pin != nil {
		how := "plaintext"
		switch {
		case pin.plaintext && pin.enciphered:
			how = "plaintext or enciphered"
		case pin.enciphered:
			how = "enciphered"
		}
		line("PIN", "verified by the card: %s, %d of %d tries left", how, pin.left, pin.limit)
	}
}
