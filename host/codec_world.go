package host

import "fmt"

// standIn is what a transaction has where a switch stands in: numbers 90 to 99.
func (c *codec) standIn(t *Transaction) {
	small(c, 90, &t.StandIn)
	c.bytes(91, &t.Sealed)
	c.text(92, &t.CardToken)
	c.flag(93, &t.Waiting)
}

func (t *Transaction) checkStandIn() error {
	switch {
	case t.StandIn > lastStandIn:
		return fmt.Errorf("stand-in %d: want 1 to %d", t.StandIn, lastStandIn)
	case t.StandIn == StandInDue && len(t.Sealed) == 0:
		return fmt.Errorf("stand-in %v with nothing to tell the issuer", t.StandIn)
	}
	return nil
}

// limits is what bounds an account: numbers 45 to 49 of it.
func (c *codec) limits(a *AccountState) {
	number(c, 45, &a.Limits.Sale)
	number(c, 46, &a.Limits.Day)
	number(c, 47, &a.Limits.Sales)
	number(c, 48, &a.OwnerWait)
}

func (a *AccountState) checkLimits() error {
	if a.OwnerWait < OwnerAway {
		return fmt.Errorf("account whose owner agrees after %d s: want %d or more", a.OwnerWait, OwnerAway)
	}
	return a.Limits.check()
}
