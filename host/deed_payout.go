package host

import (
	"fmt"
	"slices"
)

// PlainDeeds lists the deeds that are about no transaction.
func PlainDeeds() []string { return []string{DeedCorrect, DeedSuspend, DeedLift, DeedOpened} }

// paymentDeed does what is about a hold, a merchant's account or a terminal, and says why not; mine is false for other deeds. What
// has been done already is done.
func (x *Relay) paymentDeed(d Deed) (why string, mine bool) {
	switch d.Do {
	case DeedRelease, DeedReturn:
		return x.endHold(d), true
	case DeedCorrect:
		return x.correct(d), true
	case DeedSuspend, DeedLift:
		return x.suspend(d), true
	case DeedOpened:
		return x.reportOpened(d), true
	}
	return "", false
}

// endHold releases a held sale, or gives it back.
func (x *Relay) endHold(d Deed) string {
	e := x.book.find(d.Key)
	switch want := map[string]HoldState{DeedRelease: HoldReleased, DeedReturn: HoldReturned}[d.Do]; {
	case e == nil || e.Risk == nil:
		return "nobody holds it"
	case e.Risk.State == want:
		return ""
	case e.Risk.State != HoldHeld:
		return "its hold has ended: " + e.Risk.State.String()
	case e.State != Approved:
		return "it is " + e.State.String()
	case want == HoldReturned && (e.Difference.Open() || x.undecided(e)):
		return "something else about it is not settled"
	case want == HoldReturned:
		x.giveHeldBack(e, byDesk(d.Reason))
	default:
		x.ends(e, HoldReleased, byDesk(d.Reason))
	}
	return ""
}

func byDesk(reason string) string {
	if reason == "" {
		return "the desk"
	}
	return clip("the desk: " + reason)
}

// correct says where a merchant is paid from now on. The account may be the same: then somebody has looked at it.
func (x *Relay) correct(d Deed) string {
	if !slices.Contains(Standings(), string(d.Account)) {
		return fmt.Sprintf("account %q: want one of %v", d.Account, Standings())
	}
	if !slices.ContainsFunc(x.cfg.Terminals, func(t TerminalKeys) bool { return t.MID == d.MID }) {
		return fmt.Sprintf("merchant %q: there is none", d.MID)
	}
	x.add(&Record{Merchant: &MerchantState{MID: d.MID, Account: AccountName(d.MID, d.Account)}}, x.Apply)
	return ""
}

// suspend takes a terminal out of service, as after its case was opened, or lets it back.
func (x *Relay) suspend(d Deed) string {
	t := x.terminals[d.TID]
	if t == nil {
		return fmt.Sprintf("terminal %q: there is none", d.TID)
	}
	s := x.stateOf(t)
	if d.Do == DeedLift {
		s.enable()
	} else {
		s.Disabled, s.Why = true, clip(d.Reason)
	}
	x.keep(t, s)
	return ""
}
