package scenario

import (
	"slices"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// View is everything that can be seen of a house at one instant. It is a value: it never changes, and nothing in it is a
// key, a PIN, a track or a full card number.
type View struct {
	At      time.Duration // since the house was built
	Now     time.Time     // the house's date and time
	Next    time.Duration // until the next thing that is known to happen; below zero: nothing is
	Virtual bool          // time is the house's own, and jumps; all of LiveView is zero then
	Seed    uint64
	LiveView

	Merchant, MerchantZh string // as receipts print it
	Profile              string // of the terminal
	TID                  string

	Power    bool
	State    string // of the terminal: off, or as terminal.State has it
	Line     bool   // the line to the acquirer is whole
	Paper    bool
	Slot     string // name of the card in the slot, "" without one
	Screen   terminal.Screen
	Receipts []terminal.Receipt // that came out, oldest first

	Story []Line // oldest first
	Told  int    // lines told since the house was built: more than Story holds, perhaps

	Journal []terminal.Record // of the terminal, oldest first, without its sealed parts
	Money   []MoneyAt         // positions, at each change; the last is the present
	Where   Sentence          // where the money of the latest sale is
	Faults  []FaultState
	Script  *Progress // nil: no script is or was played
}

// LiveView is what there is to see of a house in real time only.
type LiveView struct {
	Reader    string   // the LINE of the reader; empty: an emulated one in this process
	Hosts     []string // the acquirer's addresses; empty: a host in this process
	Admin     string   // the address of that host's admin view
	Physical  bool     // cards are put into the reader with the hand
	Hidden    bool     // the money is not observable: the host is somebody else's
	LiveCards bool     // cards outside of the test ranges are read
	Ask       string   // what a script asks a person to do
	Trouble   string   // what is wrong with the house; empty: nothing
}

// PhysicalCard stands in View.Slot for a card that somebody put into a physical reader.
const PhysicalCard = "physical"

// MoneyAt is what every party held from an instant on, in minor units.
type MoneyAt struct {
	At        time.Duration
	Positions map[string]int64
}

// Sentence is the state that a sale's money has come to (F0 to F3; empty without a sale), and why.
type Sentence struct {
	End string
	Words
}

// FaultState is a fault that is or was armed.
type FaultState struct {
	Spec  string
	Fired int
	Over  bool // it cannot fire again
}

// Progress is how far a script has come.
type Progress struct {
	ID, Name, Zh, About string
	Steps               []string
	Step                int // steps begun
	Over                bool
	Passed              bool
	End                 string // once over: of each transaction, "F1", "F2, F1"
	Failure             string // once over and not passed
}

// View is what can be seen now. As long as nothing happens it is the same value.
func (s *Session) View() *View {
	if s.view != nil {
		return s.view
	}
	r := s.rig
	v := &View{
		At: r.world.Now().Sub(Start), Now: r.world.Now(), Next: -1, Virtual: true, Seed: s.options.Seed,
		Merchant: r.profile.Merchant, MerchantZh: r.profile.MerchantZh, Profile: r.profile.Name, TID: r.profile.TID,
		Power: r.term.On(), State: r.terminalState(), Line: !r.lineDown, Paper: r.armory.paper(), Slot: s.inSlotName(), Screen: s.screen(),
		Receipts: slices.Clip(r.log.receipts), Story: slices.Clip(s.story), Told: s.told, Money: slices.Clip(s.money),
	}
	if at, ok := s.due(); ok {
		v.Next = at.Sub(r.world.Now())
	}
	v.Faults = r.armory.states()
	if s.playing != nil {
		p := s.playing.progress()
		v.Script = &p
	}
	if books, err := r.books(); err == nil {
		for _, rec := range books.Records {
			v.Journal = append(v.Journal, unsealed(rec))
		}
	}
	v.Where = r.whereLatest()
	s.view = v
	return v
}

// states are the faults as a person sees them.
func (m *armory) states() (all []FaultState) {
	for _, a := range m.faults {
		all = append(all, FaultState{a.String(), a.fired, a.N != 0 && !a.Later && a.fired > 0})
	}
	return all
}

// paper tells whether the printer has any: a fault that is armed for its next print has taken it.
func (m *armory) paper() bool {
	return !slices.ContainsFunc(m.faults, func(a *armed) bool {
		return a.Kind == "paper-out" && (a.N == 0 || a.Later || a.fired == 0)
	})
}

// unsealed is a record without its sealed parts.
func unsealed(rec *terminal.Record) terminal.Record {
	seen := *rec
	seen.ICC, seen.Sealed = nil, nil
	return seen
}

// whereLatest says where the money of the latest sale is.
func (r *rig) whereLatest() Sentence {
	books, err := r.books()
	if err != nil {
		return Sentence{"", Words{"the terminal's journal cannot be read", "终端流水无法读取"}}
	}
	views := make([]*host.View, len(r.hosts))
	for i, p := range r.hosts {
		if views[i], err = p.durable(); err != nil {
			return Sentence{"", Words{"the log of the " + p.name + " cannot be read", p.name + " 的日志无法读取"}}
		}
	}
	return latest(r.transactions(r.every(books), views))
}

// latest says where the money of the last of them is.
func latest(all []*transaction) Sentence {
	every := families(all)
	for _, f := range slices.Backward(every) {
		if f.end() != "" {
			return f.sentence()
		}
	}
	return noSale
}

var noSale = Sentence{"", Words{"no sale yet", "尚无交易"}}

// sentence says where the money is and what it waits for, as one would tell the merchant.
func (f *family) sentence() Sentence {
	end, n, state := f.end(), Money(f.root.amount()).String(), f.due()
	debited := f.debited() != 0
	switch {
	case state == terminal.Pending:
		return Sentence{end, Words{n + " in flight until the host answers", n + " 在途,等待主机应答"}}
	case state == terminal.Torn:
		return Sentence{end, Words{n + " torn: the card must be tapped again", n + " 闪卡中断,请再次挥卡"}}
	case state == terminal.Unresolved && debited:
		return Sentence{end, Words{n + " on the purse debited and not resolved: its holder may claim it", n + " 电子现金已扣而未决,持卡人可索赔"}}
	case state == terminal.ReversalDue && debited:
		return Sentence{end, Words{n + " in flight until the reversal is answered", n + " 在途,等待冲正应答"}}
	case state == terminal.ReversalDue:
		return Sentence{end, Words{"nobody is charged; the reversal is still to be answered", "未扣款;冲正尚未应答"}}
	case state == terminal.AdviceDue && len(f.members) > 1:
		return Sentence{end, Words{n + ", and what was done about it is not yet sent to the host", n + " 的后续交易尚未上送"}}
	case state == terminal.AdviceDue:
		return Sentence{end, Words{n + " approved offline, not yet sent to the host", n + " 脱机批准,尚未上送"}}
	case state == terminal.Refused:
		return Sentence{end, Words{n + " approved offline and refused by the host", n + " 脱机批准,主机拒绝"}}
	case f.held() > 0:
		return Sentence{end, Words{Money(f.held()).String() + " held for the merchant, and not charged", Money(f.held()).String() + " 已冻结,未扣款"}}
	case end == "F0":
		return Sentence{end, Words{"nobody is charged", "未扣款"}}
	case end == "F1":
		n = Money(f.debited()).String()
		return Sentence{end, Words{n + " paid to the merchant, fee taken", n + " 已付商户,手续费已扣"}}
	case end == "F2":
		return Sentence{end, Words{n + " charged and returned", n + " 已扣款并已退回"}}
	case f.net(host.PositionSwitch) > 0:
		back := Money(f.net(host.PositionSwitch)).String()
		return Sentence{end, Words{back + " on its way back to the cardholder", back + " 退款途中"}}
	case f.lines() > 0 && debited:
		return Sentence{end, Words{Money(f.lines()).String() + " with the acquirer until it pays the merchant", Money(f.lines()).String() + " 在收单行,待付商户"}}
	}
	return Sentence{end, Words{f.whereIs(), n + " 状态不一致,资金滞留"}}
}

// due is the state of the last record of the family that is not at rest; of none, that of the root's.
func (f *family) due() (state terminal.State) {
	for _, t := range slices.Backward(f.members) {
		if t.record == nil {
			continue
		}
		switch state = t.record.State; state {
		case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue, terminal.Torn:
			return state
		}
	}
	return state
}
