package emv

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

func truthOfRisk() []truth {
	var (
		listed  = tvrBits(tlv.TVRCardOnExceptionFile)
		forced  = tvrBits(tlv.TVRMerchantForcedOnline)
		floor   = tvrBits(tlv.TVRFloorLimitExceeded)
		lot     = tvrBits(tlv.TVRSelectedRandomlyForOnline)
		lower   = tvrBits(tlv.TVRLowerConsecutiveOfflineLimitExceeded)
		upper   = tvrBits(tlv.TVRUpperConsecutiveOfflineLimitExceeded)
		limits  = append(lower, upper...)
		fresh   = tvrBits(tlv.TVRNewCard)
		missing = tvrBits(tlv.TVRICCDataMissing)
		trm     = tsiBits(tlv.TSITerminalRiskManagementPerformed)
	)
	file := func(found bool) func(*Config) {
		return func(c *Config) {
			c.OnExceptionFile = func(number pan.PAN, sequence string) bool {
				return found && number.Digits()[:6] == "476173" && sequence == "01"
			}
		}
	}
	logged := func(n int64) func(*Transaction) {
		return func(x *Transaction) { x.LoggedAmount = func(pan.PAN, string) int64 { return n } }
	}
	amount := func(n int64) func(*Transaction) { return func(x *Transaction) { x.Amount = n } }
	draws := func(b byte) func(*Config) {
		return func(c *Config) {
			a := &c.Applications[0]
			a.Threshold, a.TargetPercent, a.MaxTargetPercent = 2000, 20, 60
			c.Rand = bytes.NewReader([]byte{b, 1, 2, 3, 4})
		}
	}
	velocity := func(atc, last string) func(*cannedCard) {
		return func(c *cannedCard) {
			c.give(tlv.LowerConsecutiveOfflineLimit, []byte{2})
			c.give(tlv.UpperConsecutiveOfflineLimit, []byte{4})
			c.data = map[uint16][]byte{}
			for tag, v := range map[uint16]string{0x9F36: atc, 0x9F13: last} {
				if v != "" {
					c.data[tag] = hx(v)
				}
			}
		}
	}
	rows := []truth{
		{name: "Book 4, 6.3.5: on the exception file", cfg: file(true), set: listed, by: RuleExceptionFile, tvr: "9000000000"},
		{name: "Book 4, 6.3.5: not on the exception file", cfg: file(false), clear: listed, by: RuleExceptionFile},
		{name: "Book 4, 6.3.5: a terminal without an exception file", clear: listed, by: RuleExceptionFile, quiet: true},
		{name: "Book 4, 6.5.1: forced online by the clerk", txn: func(x *Transaction) { x.ForceOnline = true }, set: forced, by: RuleMerchantForced, tvr: "8000000800"},
		{name: "Book 4, 6.5.1: not forced online", clear: forced, by: RuleMerchantForced, quiet: true},
		{name: "Book 3, 10.6.1: at the floor limit", txn: amount(10000), set: floor, by: RuleFloorLimit, tvr: "8000008000"},
		{name: "Book 3, 10.6.1: just below the floor limit", txn: amount(9999), clear: floor, by: RuleFloorLimit},
		{name: "Book 3, 10.6.1: at the floor limit together with the log", txn: logged(5800), set: floor, by: RuleFloorLimit},
		{name: "Book 3, 10.6.1: just below the floor limit together with the log", txn: logged(5799), clear: floor, by: RuleFloorLimit},
		{name: "Book 3, 10.6.1: a floor limit of 0", cfg: func(c *Config) { c.Applications[0].FloorLimit = 0 }, txn: amount(0), set: floor, by: RuleFloorLimit},
		{name: "Book 3, 10.6.2: drawn, below the threshold", cfg: draws(20), txn: amount(1999), set: lot, by: RuleRandomSelection, tvr: "8000001000"},
		{name: "Book 3, 10.6.2: not drawn, below the threshold", cfg: draws(21), txn: amount(1999), clear: lot, by: RuleRandomSelection},
		{name: "Book 3, 10.6.2: drawn, half way to the floor limit", cfg: draws(40), txn: amount(6000), set: lot, by: RuleRandomSelection},
		{name: "Book 3, 10.6.2: not drawn, half way to the floor limit", cfg: draws(41), txn: amount(6000), clear: lot, by: RuleRandomSelection},
		{name: "Book 3, 10.6.2: no draw at the floor limit", cfg: draws(1), txn: amount(10000), clear: lot, by: RuleRandomSelection, quiet: true},
		{name: "Book 3, 10.6.2: no draw where there is no percentage", clear: lot, by: RuleRandomSelection, quiet: true},
		{name: "Book 3, 10.6.3: at the lower limit", card: velocity("0005", "0003"), clear: append(limits, fresh...), by: RuleVelocity, tvr: "8000000000"},
		{name: "Book 3, 10.6.3: above the lower limit", card: velocity("0006", "0003"), set: lower, clear: upper, by: RuleVelocity, tvr: "8000004000"},
		{name: "Book 3, 10.6.3: at the upper limit", card: velocity("0007", "0003"), set: lower, clear: upper, by: RuleVelocity, tvr: "8000004000"},
		{name: "Book 3, 10.6.3: above the upper limit", card: velocity("0008", "0003"), set: limits, clear: fresh, by: RuleVelocity, tvr: "8000006000"},
		{name: "Book 3, 10.6.3: the counter stands still", card: velocity("0003", "0003"), set: limits, clear: missing, by: RuleVelocity, tvr: "8000006000"},
		{name: "Book 3, 10.6.3: the counter went back", card: velocity("0002", "0003"), set: limits, clear: missing, by: RuleVelocity},
		{name: "Book 3, 10.6.3: never online", card: velocity("0001", "0000"), set: fresh, by: RuleNewCard, tvr: "8008000000"},
		{name: "Book 3, 10.6.3: once online", card: velocity("0002", "0001"), clear: fresh, by: RuleNewCard, quiet: true},
		{name: "Book 3, 10.6.3: never online and never used", card: velocity("0000", "0000"), set: fresh, by: RuleNewCard, tvr: "8008006000"},
		{name: "Book 3, 10.6.3: never online, and the counter cannot be read", card: velocity("", "0000"), set: fresh, by: RuleNewCard, tvr: "A008006000"},
		{name: "Book 3, 7.5: the register cannot be read", card: velocity("0005", ""), set: append(limits, missing...), clear: fresh, by: RuleVelocity, tvr: "A000006000"},
		{name: "Book 3, 7.5: the counter cannot be read", card: velocity("", "0003"), set: append(limits, missing...), clear: fresh, by: RuleVelocity, tvr: "A000006000"},
		{name: "Book 3, 7.5: neither can be read", card: velocity("", ""), set: append(limits, missing...), clear: fresh, by: RuleVelocity, tvr: "A000006000"},
		{name: "Book 3, 10.6.3: one limit is no limit", card: func(c *cannedCard) { velocity("0008", "0003")(c); c.give(tlv.LowerConsecutiveOfflineLimit, nil) }, clear: limits, by: RuleVelocity, quiet: true},
		{name: "Book 3, 10.6: performed", set: trm, by: RuleRiskEnd},
		{name: "Book 3, 10.6: performed though the card does not ask for it", card: func(c *cannedCard) { c.profile("1400") }, set: trm, by: RuleRiskEnd},
		{name: "Book 3, 10.6: not performed, the transaction ended before", card: gives(tlv.CVMList, "0000"), clear: trm, by: RuleRiskEnd, quiet: true, result: Terminated, tsi: "0000"},
	}
	for _, n := range []int{21, 24, 23, 26} { // Book 4, A1: neither kind has a choice to draw for
		rows = append(rows, truth{name: fmt.Sprintf("Book 3, 10.6.2: no draw at a terminal of type %d", n), cfg: func(c *Config) { draws(1)(c); c.Type = byte(n/10<<4 | n%10) },
			clear: lot, by: RuleRandomSelection, quiet: true, term: testTerminal{online: answersNothing}})
	}
	return rows
}
