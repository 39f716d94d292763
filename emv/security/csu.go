package security

import (
	"fmt"
	"strings"

	"github.com/posim/posim/emv/tlv"
)

// CSU is the card status update that ARPC method 2 carries (Book 2, 8.2.2; its bits are in Book 3, annex C10): what the
// issuer tells the card to do to itself.
type CSU [4]byte

// The bits of a card status update.
const (
	CSUProprietaryDataIncluded tlv.Bit = 0x180 // proprietary authentication data follow
	CSUIssuerApproves          tlv.Bit = 0x280 // the online transaction
	CSUCardBlock               tlv.Bit = 0x240
	CSUApplicationBlock        tlv.Bit = 0x220
	CSUUpdatePINTryCounter     tlv.Bit = 0x210 // to PINTryCounter
	CSUGoOnlineNext            tlv.Bit = 0x208 // on the next transaction
	CSUCreatedByProxy          tlv.Bit = 0x204 // for the issuer
)

var csuNames = [...]struct {
	bit  tlv.Bit
	name string
}{
	{CSUProprietaryDataIncluded, "proprietary authentication data included"},
	{CSUIssuerApproves, "issuer approves online transaction"},
	{CSUCardBlock, "card block"},
	{CSUApplicationBlock, "application block"},
	{CSUUpdatePINTryCounter, "update PIN try counter"},
	{CSUGoOnlineNext, "set go online on next transaction"},
	{CSUCreatedByProxy, "created by proxy for the issuer"},
}

// CSUCounters is what the card does with its counters of offline transactions.
type CSUCounters byte

// The ways to update the counters.
const (
	CSULeaveCounters   CSUCounters = iota
	CSUCountersToLimit             // to the upper offline limits
	CSUResetCounters               // to zero
	CSUAddToCounters               // as if the transaction had been an offline one
)

var csuCounterNames = [...]string{"", "counters to their upper limits", "counters to zero", "add to counters"}

// What is no single bit.
const (
	csuPINTryCounter = 0x0F // byte 1
	csuCounters      = 0x03 // byte 2
)

// Has tells whether a bit is set.
func (c CSU) Has(b tlv.Bit) bool { return b.In(c[:]) }

// Set sets a bit.
func (c *CSU) Set(b tlv.Bit) { b.Set(c[:]) }

// PINTryCounter is the new value, 0 to 15, which counts only beside CSUUpdatePINTryCounter.
func (c CSU) PINTryCounter() int { return int(c[0] & csuPINTryCounter) }

// SetPINTryCounter sets the new value, 0 to 15, and the bit that makes it count. Another value panics: it is the caller's own.
func (c *CSU) SetPINTryCounter(n int) {
	if n < 0 || n > csuPINTryCounter {
		panic(fmt.Sprintf("security: card status update: PIN try counter %d: want 0 to %d", n, csuPINTryCounter))
	}
	c[0] = c[0]&^csuPINTryCounter | byte(n)
	c.Set(CSUUpdatePINTryCounter)
}

// Counters says what becomes of the counters.
func (c CSU) Counters() CSUCounters { return CSUCounters(c[1] & csuCounters) }

// SetCounters says what becomes of the counters.
func (c *CSU) SetCounters(to CSUCounters) { c[1] = c[1]&^csuCounters | byte(to)&csuCounters }

// String lists what is set, in words.
func (c CSU) String() string {
	var words []string
	for _, b := range csuNames {
		switch {
		case !c.Has(b.bit):
		case b.bit == CSUUpdatePINTryCounter:
			words = append(words, fmt.Sprintf("%s to %d", b.name, c.PINTryCounter()))
		default:
			words = append(words, b.name)
		}
	}
	if name := csuCounterNames[c.Counters()]; name != "" {
		words = append(words, name)
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
