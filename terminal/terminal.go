package terminal

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// Config is what a terminal is made of.
type Config struct {
	Profile *Profile
	Clock   sim.Clock
	// Calendar is the clock that dates sales and messages; it may be wrong, and may jump. nil: Clock.Now. What the terminal
	// waits for it measures with Clock.
	Calendar func() time.Time
	Disk     sim.Disk
	Rand     io.Reader // the kernel's unpredictable numbers
	// PasswordIterations is what one guess at an operator's password costs (PBKDF2); 0: PasswordIterations.
	PasswordIterations int
	// Module opens the terminal's security module, in which personalisation has put keys under the labels DeviceKey and
	// JournalKey. It is called once, by the terminal itself when it boots.
	Module  func() (*hsm.Module, error)
	Dialect *dialect.Dialect
	// Dial connects to the acquirer; it may wait on the clock, a refused connection is transport.ErrRefused.
	Dial    func() (*transport.Link, error)
	Devices Devices
	Rules   rules.Set
	// AllowLiveCards lets a physical card outside of the published test ranges be read, and nothing more: no PIN, no
	// cryptogram, no script, nothing forwarded. Without it such a card is refused. Either way a banner stays on the screens.
	AllowLiveCards bool
	// Observe, if not nil, is told what happens.
	Observe func(Observation)
	// Trace, if not nil, is told every decision of the EMV kernel.
	Trace func(emv.Decision)
	// Record, if not nil, is given the transcript of every chip transaction that ended, or why there is none.
	Record func(*transcript.Transcript, error)
	// Point, if not nil, is called at the places where a power cut is worth trying: "send 0200" (the bytes have left),
	// "receive 0210" (nothing has been done with it yet), "show", "print" (just before).
	Point func(point string)
}

// The labels of the keys that a terminal's module has.
const (
	DeviceKey  = "terminal" // what Profile.Security.DeviceKey says: a master key, or the initial key of a DUKPT device
	JournalKey = "journal"  // seals card numbers of advices: usage hsm.Sealing
)

// Terminal is one terminal's firmware, from one boot to the next power cut.
type Terminal struct {
	cfg     Config
	profile *Profile
	clock   sim.Clock
	journal *Journal
	slot    Slot
	link    *transport.Link

	keys    []byte
	swiped  *Stripe
	pad     *hsm.Keypad // PIN entry in progress: keys go there and nowhere else
	pressed bool        // the pad has changed
	entry   *hsm.Keypad // a PIN that waits for its request

	module         *hsm.Module
	deviceKey      hsm.Key
	journalKey     hsm.Key
	pinKey, macKey hsm.Key     // of the session; none with DUKPT
	trackKey       hsm.Key     // of the session, if its tracks are enciphered
	current        messageKeys // of the message that is being made, or whose answer is waited for
	stale          bool        // the host no longer knows the session keys
	signOnAsked    bool
	attempted      map[*Record]bool   // advices that may have been sent, reversals sent under stale keys: the next is a repeat
	undoing        map[*Record]bool   // reversals that may have been sent: in a dialect with a time of transmission, the next is a repeat
	reasons        map[*Record]string // of reversals that a host refused, where it wants another one then
	progress       map[*Record]int    // how often a host said of a void that it was in progress
	adviceAt       time.Time
	safWait        time.Duration               // between the last two occasions
	operator       string                      // who is logged in; "": nobody
	battery        int                         // percent
	batteryTold    bool                        // else it runs on mains
	clockOffset    time.Duration               // by which the calendar is put right
	asked          []dialect.ProcessingRequest // by hosts, and not yet done
	failures       chipFailures

	idle    bool
	stopped error
}

// New returns a terminal that has not booted.
func New(cfg Config) *Terminal {
	if cfg.Observe == nil {
		cfg.Observe = func(Observation) {}
	}
	if cfg.Point == nil {
		cfg.Point = func(string) {}
	}
	if cfg.Calendar == nil {
		cfg.Calendar = func() time.Time { return cfg.Clock.Now() }
	}
	return &Terminal{cfg: cfg, profile: cfg.Profile, clock: cfg.Clock, attempted: map[*Record]bool{}, progress: map[*Record]int{}, undoing: map[*Record]bool{}, reasons: map[*Record]string{}}
}

// Press posts a key, in an event of the terminal's clock.
func (t *Terminal) Press(key byte) {
	if t.pad == nil {
		t.keys = append(t.keys, key)
		return
	}
	t.pressed = true
	switch key {
	case KeyEnter:
		t.pad.Enter()
	case KeyClear:
		t.pad.Clear()
	case KeyCancel:
		t.pad.Cancel()
	default:
		t.pad.Press(key)
	}
}

// Swipe posts a swiped stripe, in an event of the terminal's clock.
func (t *Terminal) Swipe(s Stripe) { t.swiped = &s }

// RequestSignOn posts the clerk's wish for new session keys, in an event of the terminal's clock. An idle terminal obeys.
func (t *Terminal) RequestSignOn() { t.signOnAsked = true }

// Idle tells whether the terminal waits for a customer.
func (t *Terminal) Idle() bool { return t.idle }

// Stopped is what stopped the terminal for good; nil while it works.
func (t *Terminal) Stopped() error { return t.stopped }

// EnteringPIN tells whether the terminal waits for a PIN.
func (t *Terminal) EnteringPIN() bool { return t.pad != nil }

// State names what the terminal is doing: starting, idle, busy, or stopped with its cause.
func (t *Terminal) State() string {
	switch {
	case t.stopped != nil:
		return "stopped: " + string(stopText(t.stopped))
	case t.journal == nil:
		return "starting"
	case t.idle:
		return "idle"
	}
	return "busy"
}

// Records are the journal's transactions, oldest first; nil before the journal is open. They are the journal's own.
func (t *Terminal) Records() []*Record {
	if t.journal == nil {
		return nil
	}
	return t.journal.Records()
}

// errBatchFull is a journal that can take no more.
var errBatchFull = errors.New("terminal: journal full")

// Run boots and works until the power goes. A terminal that cannot trust its storage stops in a named state: it sends
// nothing more and waits for repair, which begins with a power cycle.
func (t *Terminal) Run() {
	err := t.run()
	t.stopped, t.idle = err, false
	if t.link != nil {
		t.link.Reset()
		t.link = nil
	}
	t.show(say("out-of-service"), say(stopText(err)))
	t.clock.Wait(time.Time{}, func() bool { return false })
}

// stopText names the state a terminal stops in.
func stopText(err error) Key {
	switch {
	case errors.Is(err, sim.ErrFull), errors.Is(err, errBatchFull):
		return "storage-full"
	case errors.Is(err, ErrJournal):
		return "journal-corrupt"
	case errors.Is(err, hsm.ErrExhausted):
		return "keys-exhausted"
	case errors.Is(err, hsm.ErrTampered), errors.Is(err, errModule):
		return "security-error"
	}
	return "storage-error"
}

func (t *Terminal) run() error {
	if err := t.boot(); err != nil {
		return err
	}
	for {
		if err := t.await(); err != nil {
			return err
		}
		err := t.session()
		t.forgetCustomer()
		if err != nil {
			return err
		}
		if err := t.housekeeping(); err != nil {
			return err
		}
	}
}

// forgetCustomer wipes what a session kept of the card and its holder.
func (t *Terminal) forgetCustomer() {
	t.keys, t.swiped = nil, nil
	if t.entry != nil {
		t.entry.Cancel()
		t.entry = nil
	}
}

// await is the idle state: until a customer comes. Frames that nobody waits for are looked at and dropped (T5).
func (t *Terminal) await() error {
	t.keys, t.swiped = nil, nil
	if t.cardPresent() {
		t.show(say("remove-card"))
		t.clock.Wait(t.clock.Now().Add(t.profile.CardWait), func() bool { return !t.cardPresent() || len(t.keys) > 0 })
	}
	gone := !t.cardPresent() // the last customer's card must leave before it can begin a sale
	t.showIdle()
	for {
		t.idle = true
		t.clock.Wait(earliest(t.adviceDeadline(), t.tapDeadline()), func() bool {
			gone = gone || !t.cardPresent()
			return len(t.keys) > 0 || t.swiped != nil || t.signOnAsked || gone && t.cardPresent() || t.link != nil && t.link.Pending()
		})
		t.idle = false
		if err := t.unasked(); err != nil {
			return err
		}
		if len(t.keys) > 0 || t.swiped != nil || gone && t.cardPresent() {
			return nil
		}
		if err := t.chores(); err != nil {
			return err
		}
	}
}

// chores are what an idle terminal does on its own, or when its clerk asks.
func (t *Terminal) chores() error {
	advices, torn := t.adviceDue(), t.tornTap() != nil
	if err := t.expireTaps(); err != nil {
		return err
	}
	if over := torn && t.tornTap() == nil; !advices && !t.signOnAsked && !over {
		return nil
	}
	if t.signOnAsked {
		t.signOnAsked = false
		if err := t.signOn(); err != nil {
			return err
		}
	}
	if advices {
		if err := t.sendAdvices(); err != nil {
			return err
		}
	}
	t.showIdle()
	return nil
}

// showIdle asks for a customer, and for the card that was torn away.
func (t *Terminal) showIdle() {
	if t.tornTap() != nil {
		t.show(say("idle"), say("tap-again"))
		return
	}
	t.show(say("idle"))
}

// earliest is the first of two instants, of which the zero one is never.
func earliest(x, y time.Time) time.Time {
	if x.IsZero() || !y.IsZero() && y.Before(x) {
		return y
	}
	return x
}

// calendar is the date and time that the terminal writes down.
func (t *Terminal) calendar() time.Time { return t.cfg.Calendar().Add(t.clockOffset) }

func (t *Terminal) cardPresent() bool { return t.slot != nil && t.slot.Present() }

func (t *Terminal) show(lines ...Text) {
	t.cfg.Point("show")
	s := Screen(lines)
	if t.cfg.AllowLiveCards {
		s = append(Screen{say("live-banner")}, s...)
	}
	t.cfg.Devices.Show(s)
	t.cfg.Observe(Shown{s})
}

func (t *Terminal) remark(format string, args ...any) {
	t.cfg.Observe(Remark{fmt.Sprintf(format, args...)})
}

func (t *Terminal) kept(r rules.Rule) bool { return t.cfg.Rules.Kept(r) }
