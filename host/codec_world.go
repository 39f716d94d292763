package host

import "fmt"

// standIn is what a transaction has where a switch stands in: numbers 90 to 99.
func (c *codec) standIn(t *Transaction) {
	small(c, 90, &t.StandIn)
	c.bytes(91, &t.Sealed)
	c.text(92, &t.CardToken)
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
