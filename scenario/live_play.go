package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
	"github.com/posim/posim/transport/reader"
)

// perform plays the script, lets the house come to rest, and judges.
func (v *live) perform() {
	v.powerOn()
	v.untilReady()
	v.arm(v.script.Faults)
	for i := range v.script.Steps {
		if v.broken() {
			break
		}
		v.step(&v.script.Steps[i])
	}
	v.mu.Lock()
	v.open()
	v.mu.Unlock()
	v.net.Lock()
	unfired := v.armory.unfired()
	v.net.Unlock()
	for _, f := range unfired {
		v.seen.fail(f.Pos, "fault %s never fired: its event did not happen", f)
	}
	v.mend()
	v.settle()
	v.finish()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.wrong = v.court.log.wrong
	if v.failure != nil && v.out.err == nil {
		v.out.err = v.failure
	}
	if v.out.failed() {
		v.out.where = v.where()
	}
}

// mend repairs a journal that the script left damaged, as the virtual house does when a script is over.
func (v *live) mend() {
	v.mu.Lock()
	damaged := v.damaged != nil
	v.mu.Unlock()
	if !damaged || v.broken() {
		return
	}
	v.pull()
	v.mu.Lock()
	err := v.repair()
	v.mu.Unlock()
	if err != nil {
		v.seen.fail(v.script.Expect.Pos, "%v", err)
		return
	}
	v.powerOn()
	v.untilReady()
}

func (v *live) broken() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failure != nil || v.ctx.Err() != nil
}

func (v *live) arm(faults []Fault) {
	v.net.Lock()
	defer v.net.Unlock()
	v.armory.arm(faults)
}

// look fetches what the hosts believe and what was seen there, before anything is compared with it: they cannot be asked
// while the lock is held.
func (v *live) look() {
	if v.admin != nil {
		views, err := v.ownViews()
		switch {
		case err == nil:
			v.views = views
		case !errors.Is(err, terminal.ErrJournal): // a journal that a script damaged is the terminal's to find
			v.fail(err)
			return
		}
	}
	v.hosts.Lock()
	sighted := v.sighted
	v.sighted = nil
	v.hosts.Unlock()
	v.mu.Lock()
	v.court.log.seen = append(v.court.log.seen, sighted...)
	v.mu.Unlock()
}

// untilReady waits until the terminal is idle, stopped or off.
func (v *live) untilReady() {
	v.until(livePatience, func() bool { return v.idle || v.unable() != "" })
}

// unable says why the terminal cannot serve a customer. The lock is held.
func (v *live) unable() string {
	switch {
	case v.stopped != nil:
		return "stopped"
	case v.wall == nil:
		return "power-off"
	}
	return ""
}

func (v *live) step(st *Step) {
	v.arm(st.Faults)
	v.look()
	v.mu.Lock()
	from := v.court.log.mark()
	v.court.log.ended = nil
	v.open()
	v.mu.Unlock()
	v.tellf("step", "", "%s", st.Do)
	outcome := v.act(st)
	if st.Expect == nil {
		return
	}
	v.look()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failure == nil {
		v.seen.expect(st, from, outcome)
	}
}

func (v *live) act(st *Step) string {
	if st.Task != nil {
		return v.task(st)
	}
	switch st.Do {
	case "wait":
		v.wait(st)
	case "off":
		v.pull()
	case "boot":
		v.powerOn()
		v.untilReady()
	case "calendar":
		v.calendar(st)
	case "host":
		v.setHost(st)
	case "sign-on":
		v.untilReady()
		v.post(func() { v.term.RequestSignOn() })
		v.until(livePatience, func() bool { return !v.idle || v.unable() != "" })
		v.untilReady()
	case "line":
		v.setLine(st.Line == "down")
	case "disk":
		v.setDisk(st)
	case "battery":
		v.loseMemory(st)
	}
	return ""
}

// post has f run on the terminal's goroutine.
func (v *live) post(f func()) {
	v.mu.Lock()
	wall := v.wall
	v.mu.Unlock()
	if wall != nil {
		wall.Post(f)
	}
}

// task ends when its outcome is known, before any reversal: the terminal then stands still until the next step begins.
func (v *live) task(st *Step) string {
	keys, err := st.Task.clerkKeys(v.court.profile)
	v.untilReady()
	v.mu.Lock()
	if out := v.unable(); out != "" {
		v.mu.Unlock()
		return out
	}
	if err != nil {
		v.seen.fail(st.Pos, "%v", err)
		v.mu.Unlock()
		return ""
	}
	v.customer = newCustomer(v.library, st.Task, v.court.log.about(st.Task))
	v.mu.Unlock()
	v.typeKeys(keys)
	done := v.until(livePatience, func() bool { return v.court.log.ended != nil || v.unable() != "" || v.customer.failed != nil })
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.customer.failed != nil:
		v.seen.fail(st.Pos, "%v", v.customer.failed)
	case v.court.log.ended != nil:
		return string(v.court.log.ended.Outcome)
	case done:
		return v.unable()
	case v.failure == nil:
		v.seen.fail(st.Pos, "the %s did not end within %s", st.Do, livePatience)
	}
	return ""
}

// typeKeys presses keys one after the other: one goroutine, because timers of their own would overtake each other.
func (v *live) typeKeys(keys []byte) {
	go func() {
		time.Sleep(liveHand)
		for _, k := range keys {
			v.post(func() { v.term.Press(k) })
			time.Sleep(liveKeystroke)
		}
	}()
}

// react is what the scripted customer does about a screen.
func (v *live) react(s terminal.Screen) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &v.customer
	if c.task == nil {
		return
	}
	switch wish, prompt := wishOf(s); wish {
	case wishCard:
		v.presentCard()
	case wishCardOut:
		v.takeCard()
	case wishChoice:
		v.typeKeys([]byte{c.task.choiceKey()})
	case wishPIN:
		v.typeKeys(c.pinKeys())
	case wishAnswer:
		v.typeKeys(c.answer(prompt, v.library))
	case wishNothing:
		if !c.reached && slices.ContainsFunc(s, func(t terminal.Text) bool { return t.Key == "reading" }) {
			c.next() // a card that was in the slot before anybody was asked for it
		}
	}
}

// presentCard inserts or swipes the card, or asks somebody to, as often as the script has it. The lock is held.
func (v *live) presentCard() {
	c := &v.customer
	switch e := c.next(); {
	case e == "":
		v.typeKeys([]byte{terminal.KeyCancel})
	case e == "manual":
		v.typeKeys([]byte{terminal.KeyEnter})
	case e == "swipe":
		p := v.library.Card(c.card)
		time.AfterFunc(liveHand, func() { v.draw(p) })
	case v.spec.Kind == reader.Emulated:
		do, err := v.putIn(c.card)
		if err != nil {
			c.failed = err
			return
		}
		time.AfterFunc(liveHand, do)
	case v.options.Prompt != nil:
		go v.options.Prompt("insert the card for " + c.card + " into " + v.spec.String())
	}
}

// draw draws a card's stripe through the reader.
func (v *live) draw(p *card.Profile) {
	v.tellf("card", "", "swiped: %s", p.PAN)
	v.post(func() { v.term.Swipe(stripeOf(p)) })
}

// putIn puts a card of the library into the emulated reader's slot. The lock is held; do, without it, is the hand.
func (v *live) putIn(name string) (do func(), err error) {
	held, err := v.held(name)
	if err != nil {
		return nil, err
	}
	v.inSlot, v.slotCard = held, name
	return func() {
		v.tellf("card", "", "inserted: %s", v.library.Card(name).PAN)
		v.post(func() {
			if v.holds(held) { // nobody has taken it out since
				v.emulator(func(e *reader.Emulator) { e.Insert(held) })
			}
		})
	}, nil
}

// takeOut takes whatever is in the emulated reader's slot. The lock is held; do, without it, is the hand.
func (v *live) takeOut() (do func()) {
	v.inSlot, v.slotCard = nil, ""
	return func() {
		v.tellf("card", "", "removed")
		v.post(func() {
			v.emulator(func(e *reader.Emulator) {
				if e.Present() && v.holds(nil) {
					e.Remove()
				}
			})
		})
	}
}

// holds tells whether that card is in the slot; nil: none.
func (v *live) holds(c reader.EmulatedCard) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.inSlot == c
}

// held is the card of this process that a customer holds.
func (v *live) held(name string) (reader.EmulatedCard, error) {
	if v.options.Transcript != nil {
		return v.options.Transcript.NewCard(), nil
	}
	c, err := heldCard(v.library, v.cards, name, func(p *card.Profile) (*card.Card, error) { return card.NewUsed(p, rand.Reader) })
	if err != nil {
		return nil, err
	}
	return &bewitched{c, v.alter, nil}, nil
}

// alter is what a fault makes of a card's answer.
func (v *live) alter(command, answer []byte) ([]byte, error) {
	v.net.Lock()
	defer v.net.Unlock()
	return v.armory.onAnswer(command, answer)
}

// emulator gives f the emulated reader of this process, on the terminal's goroutine.
func (v *live) emulator(f func(*reader.Emulator)) {
	v.mu.Lock()
	s, ok := v.slot.(*reader.LineSlot)
	v.mu.Unlock()
	if ok && s.Emulator() != nil {
		f(s.Emulator())
	}
}

// takeCard takes the card away, or asks somebody to. The lock is held.
func (v *live) takeCard() {
	if v.spec.Kind == reader.Emulated && v.inSlot != nil {
		time.AfterFunc(liveHand, v.takeOut())
	}
}

func (v *live) wait(st *Step) {
	w := st.Wait
	switch w.For {
	case "idle":
		v.untilReady()
	case "reversal":
		v.untilNone(st, "reversal", terminal.Pending, terminal.ReversalDue)
	case "advices":
		v.untilNone(st, "advice", terminal.AdviceDue)
	default:
		v.until(w.Duration, func() bool { return false })
	}
}

func (v *live) untilNone(st *Step, what string, states ...terminal.State) {
	if !v.until(livePatience, func() bool { return v.unable() != "" || v.none(states...) }) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.failure == nil {
			v.seen.fail(st.Pos, "no %s was answered within %s", what, livePatience)
		}
	}
}

// none tells whether no record is in one of the states. The lock is held.
func (v *live) none(states ...terminal.State) bool {
	for _, got := range v.court.log.moves {
		if slices.Contains(states, got.State) {
			return false
		}
	}
	return true
}

// calendar moves the host's business date; protocol timers do not move with it.
func (v *live) calendar(st *Step) {
	c := host.Calendar{Kind: host.CalendarDate}
	switch st.Calendar.Event {
	case "cutover":
		c.Kind = host.CalendarCutover
	case "payout":
		c.Kind = host.CalendarPayout
	default:
		c.Date = st.Calendar.Date.Format(time.DateOnly)
	}
	v.ask(st, "the calendar", func(ctx context.Context) error {
		_, err := v.admin.Calendar(ctx, c)
		return err
	})
}

func (v *live) setHost(st *Step) {
	v.ask(st, "the account", func(ctx context.Context) error {
		order, err := st.Host.order(v.library)
		if err != nil {
			return err
		}
		report, err := v.admin.Account(ctx, order)
		for _, o := range report.Orders[max(0, len(report.Orders)-len(order.Script)):] {
			v.ordered[o.Number] = true
		}
		return err
	})
}

// ask does something at the host's admin view.
func (v *live) ask(st *Step, what string, f func(context.Context) error) {
	err := fmt.Errorf("this host has no admin view: %s cannot be set", what)
	if v.admin != nil {
		ctx, cancel := context.WithTimeout(v.ctx, liveConnect)
		defer cancel()
		err = f(ctx)
	}
	if err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.seen.fail(st.Pos, "%v", err)
	}
}

// setDisk damages the journal, or repairs it; the terminal is off.
func (v *live) setDisk(st *Step) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wall != nil {
		v.seen.fail(st.Pos, "the journal can be damaged and repaired only with the power off")
		return
	}
	change := v.repair
	if st.Disk == "damage" {
		change = v.damage
	}
	if err := change(); err != nil {
		v.seen.fail(st.Pos, "%v", err)
	}
}

// loseMemory removes the terminal's journal; the terminal is off.
func (v *live) loseMemory(st *Step) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wall != nil {
		v.seen.fail(st.Pos, "the terminal's memory can be lost only with the power off")
		return
	}
	books, err := v.books()
	if err == nil {
		v.court.log.closed = v.court.every(books)
		v.court.log.moves, v.court.log.asked = map[dialect.Key]*terminal.Record{}, nil
		err = os.Remove(v.journalFile())
	}
	if err != nil {
		v.seen.fail(st.Pos, "%v", err)
	}
}

func (v *live) journalFile() string { return filepath.Join(v.dir.Path(), terminal.JournalFile) }

// damage flips a bit in the first record of the journal.
func (v *live) damage() error {
	data, err := os.ReadFile(v.journalFile())
	switch {
	case err != nil:
		return err
	case len(data) < 32:
		return errors.New("there is no journal to damage")
	}
	v.damaged = slices.Clone(data)
	data[24] ^= 1
	return os.WriteFile(v.journalFile(), data, 0o600)
}

// repair puts the journal back as it was before it was damaged.
func (v *live) repair() error {
	if v.damaged == nil {
		return errors.New("nothing is damaged")
	}
	data := v.damaged
	v.damaged = nil
	return os.WriteFile(v.journalFile(), data, 0o600)
}

// settle waits until nothing is due, as far as that can be seen.
func (v *live) settle() {
	deadline := time.Now().Add(liveSettle)
	for !v.broken() && time.Now().Before(deadline) {
		quiet := v.until(time.Until(deadline), func() bool {
			return v.unable() != "" || v.idle && v.none(terminal.Pending, terminal.ReversalDue, terminal.AdviceDue)
		})
		if !quiet || v.admin == nil {
			return
		}
		views, err := v.ownViews()
		if err != nil {
			return
		}
		due := 0
		for _, w := range views {
			due += len(w.Unresolved())
		}
		if due == 0 {
			return
		}
		v.until(time.Second, func() bool { return false })
	}
}

// finish compares what the script left with what it expects, and checks the invariants.
func (v *live) finish() {
	if v.look(); v.broken() {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	records, err := v.own()
	if err != nil {
		v.seen.fail(v.script.Expect.Pos, "%v", err)
		return
	}
	if v.admin == nil {
		v.seen.hidden(v.script.Expect.Pos, "end state, money and the invariants that need the host's books")
		v.seen.expectJournal(v.script.Expect.Journal)
		return
	}
	positions, _ := v.positions()
	all := v.court.transactions(records, v.views)
	if len(v.views) > 0 {
		v.court.judgeIdentities(v.views[0])
	}
	v.court.judgeAll(all, nil)
	v.seen.expectEnd(endsOf(all), positions)
}

// books is what the terminal's journal says, without the records of before this script, read from the disk.
func (v *live) books() (*terminal.Books, error) {
	b, err := v.allBooks()
	if err != nil {
		return nil, err
	}
	b.Records = slices.DeleteFunc(b.Records, func(rec *terminal.Record) bool { return v.known[v.court.key(rec)] })
	return b, nil
}

// own is the records of this script, those of closed batches among them.
func (v *live) own() ([]*terminal.Record, error) {
	b, err := v.books()
	if err != nil {
		return nil, err
	}
	return v.court.every(b), nil
}

func (v *live) allBooks() (*terminal.Books, error) {
	data, err := v.dir.ReadFile(terminal.JournalFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return terminal.ReadBooks(data)
}

// ownViews is what the hosts believe of this script's transactions.
func (v *live) ownViews() ([]*host.View, error) {
	ctx, cancel := context.WithTimeout(v.ctx, liveConnect)
	defer cancel()
	all, err := v.admin.Views(ctx)
	if err != nil {
		return nil, err
	}
	records, err := v.own()
	if err != nil {
		return nil, err
	}
	own := map[dialect.Key]bool{}
	for _, rec := range records {
		own[v.court.key(rec)] = true
	}
	for _, w := range all {
		var mine []*host.Entry
		for _, e := range w.Transactions {
			if own[e.Key] {
				mine = append(mine, e)
			}
		}
		w.Transactions = mine
		for _, a := range w.Accounts {
			a.Orders = slices.DeleteFunc(a.Orders, func(o *host.Order) bool { return !v.ordered[o.Number] })
		}
	}
	return all, nil
}

// issuer is what the issuer believes of this script's transactions and orders, as look found it; nil if it cannot be asked.
func (v *live) issuer() (*host.View, error) {
	if v.admin == nil || len(v.views) != 3 {
		return nil, nil
	}
	return v.views[2], nil
}

// dossier is what the hosts believe of this script's transactions, as look found it; nil if they cannot be asked.
func (v *live) dossier() (*Dossier, error) {
	if v.admin == nil || len(v.views) != 3 {
		return nil, nil
	}
	return DossierOf(v.views[0], v.views[1], v.views[2]), nil
}

// acquirer is what the acquirer believes of this script's transactions, as look found it; nil if it cannot be asked.
func (v *live) acquirer() (*host.View, error) {
	if v.admin == nil || len(v.views) != 3 {
		return nil, nil
	}
	return v.views[0], nil
}

// positions is what this script moved, as look found it.
func (v *live) positions() (map[string]int64, error) {
	if v.admin == nil {
		return nil, errNotObservable
	}
	return host.Positions(v.views...), nil
}

// where says where the money of this script's transactions is, as look found it.
func (v *live) where() string {
	if v.admin == nil {
		return "not observable: the host is somebody else's"
	}
	records, err := v.own()
	if err != nil {
		return fmt.Sprint(err)
	}
	return whereAll(v.court.transactions(records, v.views))
}

// state is what the terminal is doing. The lock is held.
func (v *live) state() string {
	switch {
	case v.wall == nil:
		return "off"
	case v.stopped != nil:
		return "stopped: " + v.stopped.Error()
	case v.idle:
		return "idle"
	}
	return "busy"
}
