package card

import (
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
)

// memory is what an application keeps without power.
type memory struct {
	atc           uint16 // application transaction counter
	lastOnlineATC uint16 // of the last transaction that the issuer completed online; 0: none yet
	offline       int    // consecutive transactions approved offline
	offlineAmount int64  // what they come to, minor units of the card's currency
	onlineOpen    bool   // an ARQC was given and no online answer completed it
	onlineNext    bool   // the issuer has asked to be asked next time
	issuerFailed  bool   // the last ARPC was wrong
	refused       int    // how many times GET PROCESSING OPTIONS was refused on purpose
	blocked       bool
	sdaFailed     bool // the last transaction was declined offline, and the terminal said that SDA had failed
	ddaFailed     bool // the same with DDA or CDA

	scripts      int // script commands of the last transaction that had any, at most 15
	scriptFailed bool

	lowerLimit, upperLimit   int   // consecutive offline transactions; -1: no limit
	lowerAmount, upperAmount int64 // their amounts, minor units; -1: no limit
	records                  map[address][]byte
	data                     map[uint32][]byte

	balance int64 // of a purse, minor units
	debits  []Debit
	related [relatedLength]byte // tag 9F69 of the last of them
}

// pinMemory is the reference PIN and what is left of the tries for it: one for all applications of the card.
type pinMemory struct {
	block [8]byte
	tries int
}

// session is what the card keeps while it has power and an application is selected.
type session struct {
	selected int // index of the application, or one of the two below
	name     []byte
	phase    phase
	keys     *security.Session
	options  []byte // data of GET PROCESSING OPTIONS without their tag
	first    []byte // data of the first GENERATE AC
	arqc     [8]byte
	results  results
	issuer   verdict
	// instructions are what the issuer's verified authentication data say.
	instructions security.IssuerAnswer
	update       update

	challenge  []byte // of the GET CHALLENGE right before; nil: none
	challenges int    // how many were given
	number     []byte // ICC dynamic number of the last signature; nil: none
	script     *security.ScriptSession
	given      [8]byte  // the first cryptogram, which script keys and MACs are made with
	scripting  bool     // the counters in memory are this transaction's
	payment    *payment // what a purse has agreed to; nil: nothing
}

const (
	nothing     = -1
	environment = -2 // the payment system environment
	proximity   = -3 // the one that is read by tap
)

// phase is how far the transaction has come.
type phase byte

const (
	idle      phase = iota // selected, no transaction
	initiated              // GET PROCESSING OPTIONS done
	online                 // the first GENERATE AC gave an ARQC
	done                   // a TC or an AAC ended the transaction
)

// verdict is what came of issuer authentication.
type verdict byte

const (
	notPerformed verdict = iota
	verified
	declined // verified, and the issuer's instructions to the card are not to approve
	failed
)

// fresh is an application's memory as it leaves personalisation.
func (a *application) fresh() memory {
	m := memory{blocked: a.blocked, lowerLimit: a.lowerLimit, upperLimit: a.upperLimit, lowerAmount: a.lowerAmount, upperAmount: a.upperAmount}
	if a.purse != nil {
		m.balance, m.related = a.purse.balance, [relatedLength]byte{relatedVersion}
	}
	return m
}

// record is a record as it stands now: as an issuer's script left it, or as personalised.
func (c *Card) record(at address) ([]byte, bool) {
	if record, ok := c.memory[c.selected].records[at]; ok {
		return record, true
	}
	return c.profile.chip.applications[c.selected].record(at)
}

// Counters of an application, for reports and tests: what a reader of the card's memory would see.
type Counters struct {
	AID                []byte
	ATC, LastOnlineATC uint16
	ConsecutiveOffline int
	OfflineAmount      int64 // minor units
	Scripts            int   // commands of the last transaction that had any
	Blocked            bool
}

// Counters returns the counters of every application, in the profile's order.
func (c *Card) Counters() []Counters {
	all := make([]Counters, len(c.memory))
	for i := range c.memory {
		m := &c.memory[i]
		all[i] = Counters{append([]byte(nil), c.profile.chip.applications[i].aid...), m.atc, m.lastOnlineATC, m.offline, m.offlineAmount, m.scripts, m.blocked}
	}
	return all
}

// Blocked tells whether the card as a whole is blocked.
func (c *Card) Blocked() bool { return c.blocked }

var _ apdu.Card = (*Card)(nil)
