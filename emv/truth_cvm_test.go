package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// cvmRules is a CVM list with X 10.00 and Y 20.00.
func cvmRules(rules string) func(*cannedCard) {
	return gives(tlv.CVMList, "000003E8 000007D0"+rules)
}

// methods is byte 2 of the terminal's capabilities.
func methods(b byte) func(*Config) { return func(c *Config) { c.Capabilities[1] = b } }

const (
	hasPlaintextPIN  = 0x80
	hasOnlinePIN     = 0x40
	hasSignature     = 0x20
	hasEncipheredPIN = 0x10
	hasNoCVM         = 0x08
)

func truthOfCVM() []truth {
	var (
		failed     = tvrBits(tlv.TVRCVMFailed)
		unknown    = tvrBits(tlv.TVRUnrecognisedCVM)
		padAbsent  = tvrBits(tlv.TVRPINPadNotPresent)
		notEntered = tvrBits(tlv.TVRPINNotEntered)
		captured   = tvrBits(tlv.TVROnlineCVMCaptured)
		performed  = tsiBits(tlv.TSICardholderVerificationPerformed)
		missing    = tvrBits(tlv.TVRICCDataMissing)
	)
	pin := func(e PINEntry) testTerminal { return testTerminal{pin: enters(e, nil)} }
	rows := []truth{
		{name: "Book 3, 10.5: the card does not support it", card: func(c *cannedCard) { c.profile("0C00") }, clear: append(performed, failed...), by: RuleCVMApplicable, cvm: "3F0000", tsi: "2800"},
		{name: "Book 3, 7.5: no list", card: lacks(tlv.CVMList), set: missing, by: RuleCVMApplicable, cvm: "3F0000", tvr: "A000000000", tsi: "2800"},
		{name: "Book 3, 10.5: a list without rules", card: gives(tlv.CVMList, "0000000000000000"), clear: append(performed, missing...), by: RuleCVMApplicable, cvm: "3F0000", tsi: "2800"},
		{name: "Book 3, 10.5: a list of odd length ends the transaction", card: gives(tlv.CVMList, "00000000000000001F"), by: RuleOutcome, result: Terminated, ends: "8E"},
		{name: "Book 3, 10.5: a list that was processed", card: cvmRules("1F00"), set: performed, clear: failed, by: RuleCVMEnd, cvm: "1F0002", tsi: "6800"},
		{name: "Book 3, 10.5: a list that was processed without success", card: cvmRules("0000"), set: performed, by: RuleCVMEnd},

		{name: "Book 3, C3: 00 fails at once", card: cvmRules("00001F00"), set: failed, by: RuleCVM, cvm: "000001", tvr: "8000800000"},
		{name: "Book 3, C3: 40 fails at once, whatever bit 7 says", card: cvmRules("40001F00"), set: failed, by: RuleCVM, cvm: "400001", tvr: "8000800000"},
		{name: "Book 3, C3: 00 under a condition that is not met", card: cvmRules("00011F00"), clear: failed, by: RuleCVM, cvm: "1F0002"},
		{name: "Book 3, C3: 1E signature", card: cvmRules("1E00"), clear: failed, by: RuleCVM, cvm: "1E0000", signed: true},
		{name: "Book 3, C3: 1E not supported, no successor", card: cvmRules("1E001F00"), cfg: methods(hasNoCVM), set: failed, clear: unknown, by: RuleCVM, cvm: "3F0001", tvr: "8000800000"},
		{name: "Book 3, C3: 1E not supported, a successor", card: cvmRules("5E001F00"), cfg: methods(hasNoCVM), clear: append(failed, unknown...), by: RuleCVM, cvm: "1F0002"},
		{name: "Book 3, C3: 1F no CVM", card: cvmRules("1F00"), clear: failed, by: RuleCVM, cvm: "1F0002", tvr: "8000000000"},
		{name: "Book 3, C3: 1F not supported", card: cvmRules("1F00"), cfg: methods(hasSignature), set: failed, by: RuleCVM, cvm: "3F0001"},
		{name: "Book 3, C3: an unknown method, no successor", card: cvmRules("20001F00"), set: append(unknown, failed...), by: RuleCVM, cvm: "3F0001", tvr: "8000C00000"},
		{name: "Book 3, C3: an unknown method, a successor", card: cvmRules("60001F00"), set: unknown, clear: failed, by: RuleCVM, cvm: "1F0002", tvr: "8000400000"},
		{name: "Book 3, C3: an unknown method if supported is passed over", card: cvmRules("20031F00"), clear: append(unknown, failed...), by: RuleCVM, cvm: "1F0002"},
		{name: "Book 3, C3: the method of CVM results is none of a list", card: cvmRules("3F00"), set: unknown, by: RuleCVM, cvm: "3F0001"},
		{name: "Book 4, 6.3.4.5: no rule is left", card: cvmRules("1E01"), set: append(failed, performed...), by: RuleCVMEnd, cvm: "3F0001", tvr: "8000800000"},
		{name: "Book 4, 6.3.4.5: the last method performed is named", card: cvmRules("42005E01"), term: pin(PINBypassed), set: failed, by: RuleCVMEnd, cvm: "420001", tvr: "8000880000"},

		{name: "Book 3, 10.5.2: a PIN for the issuer", card: cvmRules("0200"), term: pin(PINEntered), set: captured, clear: append(failed, notEntered...), by: RuleOnlinePIN, cvm: "020000", tvr: "8000040000"},
		{name: "Book 3, 10.5.2: bypassed", card: cvmRules("0200"), term: pin(PINBypassed), set: notEntered, clear: append(captured, padAbsent...), by: RuleOnlinePIN, cvm: "020001", tvr: "8000880000"},
		{name: "Book 3, 10.5.2: the pad does not work", card: cvmRules("0200"), term: pin(PINPadAbsent), set: padAbsent, clear: append(captured, notEntered...), by: RuleOnlinePIN, cvm: "020001", tvr: "8000900000"},
		{name: "Book 3, 10.5.2: not supported", card: cvmRules("42001F00"), cfg: methods(hasNoCVM), set: padAbsent, clear: failed, by: RuleOnlinePIN, cvm: "1F0002", tvr: "8000100000"},
		{name: "Book 3, 10.5.2: not supported, if supported", card: cvmRules("42031F00"), cfg: methods(hasNoCVM), clear: padAbsent, by: RuleCVM, cvm: "1F0002"},
		{name: "Book 4, 6.3.4.3: bypassed once is bypassed", card: cvmRules("420042004200"), term: pin(PINBypassed), by: RuleOnlinePIN, says: "bypassed", clear: captured, cvm: "420001", tvr: "8000880000"},
		{name: "Book 3, 10.5.2: the cardholder cancels", card: cvmRules("0200"), term: testTerminal{pin: enters(0, ErrCancelled)}, by: RuleOutcome, clear: performed, result: Cancelled},
	}
	return append(rows, truthOfConditions()...)
}

// truthOfConditions has each condition met and not met, with No CVM, so that nothing else decides (Book 3, C3).
func truthOfConditions() (rows []truth) {
	const unattended = 0x25
	cash, disbursement := byte(typeCash), byte(typeCashDisbursement)
	for _, c := range []struct {
		condition byte
		name      string
		met       bool
		typ       byte // of the terminal; 0: 22
		kind      byte // 9C
		amount    int64
		other     int64
		currency  string // 9F42; "" is the terminal's, "-" absent
		caps      byte
		code      byte // 0: 1F
	}{
		{condition: 0x00, name: "always", met: true},
		{condition: 0x01, name: "unattended cash", met: true, typ: unattended, kind: cash},
		{condition: 0x01, name: "unattended cash disbursement", met: true, typ: unattended, kind: disbursement},
		{condition: 0x01, name: "attended cash", kind: cash},
		{condition: 0x01, name: "unattended purchase", typ: unattended},
		{condition: 0x02, name: "purchase", met: true},
		{condition: 0x02, name: "cash", kind: cash},
		{condition: 0x02, name: "cashback", other: 100},
		{condition: 0x02, name: "cashback by its type", kind: typeCashback},
		{condition: 0x03, name: "supported", met: true},
		{condition: 0x03, name: "not supported", caps: hasSignature},
		{condition: 0x03, name: "a combination of which only the signature is supported", caps: hasSignature, code: 0x43},
		{condition: 0x03, name: "a combination of which only the PIN is supported", caps: hasPlaintextPIN, code: 0x43},
		{condition: 0x03, name: "an enciphered combination of which only the signature is supported", caps: hasSignature, code: 0x45},
		{condition: 0x03, name: "an enciphered combination of which only the PIN is supported", caps: hasEncipheredPIN, code: 0x45},
		{condition: 0x03, name: "a plaintext PIN where only enciphered ones are supported", caps: hasEncipheredPIN, code: 0x41},
		{condition: 0x03, name: "an enciphered PIN where only plaintext ones are supported", caps: hasPlaintextPIN, code: 0x44},
		{condition: 0x04, name: "manual cash", met: true, kind: cash},
		{condition: 0x04, name: "unattended cash", typ: unattended, kind: cash},
		{condition: 0x04, name: "purchase"},
		{condition: 0x05, name: "cashback", met: true, other: 100},
		{condition: 0x05, name: "cashback by its type", met: true, kind: typeCashback},
		{condition: 0x05, name: "purchase"},
		{condition: 0x05, name: "cash", kind: cash},
		{condition: 0x06, name: "just under X", met: true, amount: 999},
		{condition: 0x06, name: "at X", amount: 1000},
		{condition: 0x06, name: "under X in another currency", amount: 999, currency: "0840"},
		{condition: 0x06, name: "under X, the card's currency is not known", amount: 999, currency: "-"},
		{condition: 0x07, name: "just over X", met: true, amount: 1001},
		{condition: 0x07, name: "at X", amount: 1000},
		{condition: 0x07, name: "over X in another currency", amount: 1001, currency: "0840"},
		{condition: 0x07, name: "over X, the card's currency is not known", amount: 1001, currency: "-"},
		{condition: 0x08, name: "just under Y", met: true, amount: 1999},
		{condition: 0x08, name: "at Y", amount: 2000},
		{condition: 0x08, name: "under Y in another currency", amount: 1999, currency: "0840"},
		{condition: 0x08, name: "under Y, the card's currency is not known", amount: 1999, currency: "-"},
		{condition: 0x09, name: "just over Y", met: true, amount: 2001},
		{condition: 0x09, name: "at Y", amount: 2000},
		{condition: 0x09, name: "over Y in another currency", amount: 2001, currency: "0840"},
		{condition: 0x09, name: "over Y, the card's currency is not known", amount: 2001, currency: "-"},
		{condition: 0x0A, name: "reserved"},
		{condition: 0x7F, name: "reserved"},
		{condition: 0x80, name: "reserved for the schemes"},
		{condition: 0xFF, name: "reserved for the schemes"},
	} {
		code := byte(cvmNoCVM)
		if c.code != 0 {
			code = c.code
		}
		// Bit 7 is clear: a condition that is not met goes on to the next rule all the same.
		card := []func(*cannedCard){cvmRules(fmt.Sprintf("%02X%02X 1E00", code, c.condition)), lacks(tlv.ApplicationUsageControl)}
		switch c.currency {
		case "":
		case "-":
			card = append(card, lacks(tlv.ApplicationCurrencyCode))
		default:
			card = append(card, gives(tlv.ApplicationCurrencyCode, c.currency))
		}
		row := truth{name: fmt.Sprintf("Book 3, C3: condition %02X, %s, met %v", c.condition, c.name, c.met), card: both(card...),
			cfg: func(cfg *Config) {
				cfg.Capabilities[1] = hasSignature | hasNoCVM
				if c.caps != 0 {
					cfg.Capabilities[1] = c.caps
				}
				if c.typ != 0 {
					cfg.Type = c.typ
				}
			},
			txn: func(x *Transaction) {
				x.Type, x.AmountOther = c.kind, c.other
				if c.amount != 0 {
					x.Amount = c.amount
				}
			}}
		if c.met {
			row.by, row.says, row.cvm, row.clear = RuleCVM, "met", fmt.Sprintf("%02X%02X02", code, c.condition), tvrBits(tlv.TVRCVMFailed)
		} else {
			row.by, row.says = RuleCVMCondition, "not met"
			row.clear = tvrBits(tlv.TVRUnrecognisedCVM, tlv.TVRPINPadNotPresent)
		}
		rows = append(rows, row)
	}
	return rows
}

// verifies is a PIN pad that reports these status words of VERIFY one after the other; the last one for ever.
func verifies(words ...apdu.SW) func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) {
	return func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) {
		sw := words[0]
		if len(words) > 1 {
			words = words[1:]
		}
		return PINEntered, sw, nil
	}
}

func pads(e PINEntry) func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) {
	return func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) { return e, 0, nil }
}

func truthOfOfflinePIN() (rows []truth) {
	var (
		failed     = tvrBits(tlv.TVRCVMFailed)
		limit      = tvrBits(tlv.TVRPINTryLimitExceeded)
		padAbsent  = tvrBits(tlv.TVRPINPadNotPresent)
		notEntered = tvrBits(tlv.TVRPINNotEntered)
		any        = append(append(limit, padAbsent...), notEntered...)
	)
	tries := func(n byte) func(*cannedCard) {
		return func(c *cannedCard) { c.data = map[uint16][]byte{0x9F17: {n}} }
	}
	for _, m := range []struct {
		code       byte
		name       string
		enciphered bool
		signature  bool
	}{
		{code: cvmPlaintextPIN, name: "plaintext"}, {code: cvmPlaintextPINSignature, name: "plaintext and signature", signature: true},
		{code: cvmEncipheredPIN, name: "enciphered", enciphered: true}, {code: cvmEncipheredPINSig, name: "enciphered and signature", enciphered: true, signature: true},
	} {
		sign, own, other := "", byte(hasPlaintextPIN), byte(hasEncipheredPIN)
		if m.enciphered {
			sign, own, other = "DDA", hasEncipheredPIN, hasPlaintextPIN
		}
		tvr := func(rest string) string {
			if m.enciphered { // DDA was performed
				return "00" + rest
			}
			return "80" + rest
		}
		one := func(name string, row truth) {
			row.name = "Book 3, 10.5.1: " + m.name + ": " + name
			row.sign = sign
			if row.card == nil {
				row.card = tries(3)
			}
			row.card = both(row.card, cvmRules(fmt.Sprintf("%02X00", m.code)))
			if row.by == 0 {
				row.by = RuleOfflinePIN
			}
			rows = append(rows, row)
		}
		result, wrong := fmt.Sprintf("%02X0002", m.code), fmt.Sprintf("%02X0001", m.code)
		if m.signature {
			result = fmt.Sprintf("%02X0000", m.code)
		}
		met := truth{term: testTerminal{verify: verifies(0x9000)}, clear: append(any, failed...), cvm: result, tvr: tvr("00000000"), tsi: map[bool]string{true: "E800", false: "6800"}[m.enciphered],
			signed: m.signature, says: "right"}
		one("right", met)
		met.term = testTerminal{verify: verifies(0x63C2, 0x63C1, 0x9000)}
		one("right at the third try", met)
		met.card, met.term = func(c *cannedCard) { c.data = nil }, testTerminal{verify: func(_ *Session, p OfflinePIN) (PINEntry, apdu.SW, error) {
			if p.TriesLeft != -1 || p.Again {
				return PINEntered, 0x6A80, nil
			}
			return PINEntered, 0x9000, nil
		}}
		one("the counter cannot be read, and the PIN is asked for all the same", met)

		exceeded := truth{set: limit, clear: append(padAbsent, notEntered...), cvm: wrong, tvr: tvr("00A00000"), says: "no try left"}
		exceeded.card = tries(0) // and no verify: the PIN is not asked for
		one("the counter is 0 and the PIN is not asked for", exceeded)
		exceeded.card = nil
		exceeded.term = testTerminal{verify: verifies(0x63C2, 0x63C1, 0x63C0)}
		one("wrong until no try is left, 63C0", exceeded)
		for _, sw := range []apdu.SW{0x63C0, swAuthenticationBlocked, swReferenceDataUsable} {
			exceeded.term = testTerminal{verify: verifies(sw)}
			one("blocked at the first VERIFY, "+sw.String(), exceeded)
		}
		for _, sw := range []apdu.SW{0x6300, 0x6A80, 0x6700, 0x6D00, 0x6982} {
			one("not verified, "+sw.String(), truth{term: testTerminal{verify: verifies(sw)}, clear: any, cvm: wrong, tvr: tvr("00800000"), says: "did not verify"})
		}
		one("more tries than a card has", truth{term: testTerminal{verify: verifies(0x63CF)}, clear: any, cvm: wrong, tvr: tvr("00800000"), says: "more tries"})
		one("bypassed", truth{term: testTerminal{verify: pads(PINBypassed)}, set: notEntered, clear: append(limit, padAbsent...), cvm: wrong, tvr: tvr("00880000")})
		one("the pad does not work", truth{term: testTerminal{verify: pads(PINPadAbsent)}, set: padAbsent, clear: append(limit, notEntered...), cvm: wrong, tvr: tvr("00900000")})
		one("the card gives no challenge", truth{term: testTerminal{verify: pads(PINNotSent)}, clear: any, cvm: wrong, tvr: tvr("00800000"), says: "challenge"})
		one("the cardholder cancels", truth{term: testTerminal{verify: func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) { return 0, 0, ErrCancelled }}, by: RuleOutcome, result: Cancelled, clear: any})
		one("the pad's answer is none", truth{term: testTerminal{verify: pads(9)}, by: RuleRecords, clear: any, runsErr: true})
		one("the terminal has none of this kind", truth{cfg: methods(other | hasSignature), set: padAbsent, clear: append(limit, notEntered...), cvm: "3F0001", tvr: tvr("00900000")})
		if m.signature {
			one("the terminal has no signature", truth{cfg: methods(own), clear: any, cvm: "3F0001", tvr: tvr("00800000"), says: "no signature"})
		}
		if !m.enciphered {
			continue
		}
		one("no authority's key", truth{cfg: func(c *Config) { c.CAPublicKeys = nil }, clear: any, cvm: wrong, tvr: "0800800000", says: "no key"})
		one("the card's key is missing", truth{with: without(tlv.ICCPublicKeyCertificate), clear: any, cvm: wrong, tvr: "2800800000", says: "no key"})
	}
	return append(rows, truthOfPINOrder()...)
}

// truthOfPINOrder is what one PIN rule leaves to the next (Book 4, 6.3.4.3 and 6.3.4.5), and where the key for an enciphered PIN is from.
func truthOfPINOrder() []truth {
	var (
		notEntered = tvrBits(tlv.TVRPINNotEntered)
		padAbsent  = tvrBits(tlv.TVRPINPadNotPresent)
		limit      = tvrBits(tlv.TVRPINTryLimitExceeded)
		missing    = tvrBits(tlv.TVRICCDataMissing)
		failed     = tvrBits(tlv.TVRCVMFailed)
	)
	withPINKey := func(change func(objects)) func(*personal) {
		return func(p *personal) { p.pinKey, p.objects = true, change }
	}
	right := testTerminal{verify: verifies(0x9000)}
	return []truth{
		{name: "Book 4, 6.3.4.3: bypassed offline is bypassed online", card: cvmRules("41000200"), term: testTerminal{verify: pads(PINBypassed)},
			set: notEntered, by: RuleOfflinePIN, cvm: "020001", tvr: "8000880000"},
		{name: "Book 4, 6.3.4.3: bypassed online is bypassed offline", card: cvmRules("42000100"), term: testTerminal{pin: enters(PINBypassed, nil)},
			set: notEntered, by: RuleOnlinePIN, cvm: "010001", tvr: "8000880000"},
		{name: "Book 4, 6.3.4.5: a wrong PIN is named though another method's pad is absent", card: cvmRules("42000100"), cfg: methods(hasPlaintextPIN), term: testTerminal{verify: verifies(0x6A80)},
			set: padAbsent, by: RuleOnlinePIN, cvm: "010001", tvr: "8000900000"},
		{name: "Book 3, 10.5: the limit exceeded, then the PIN online", card: both(cvmRules("41000200"), func(c *cannedCard) { c.data = map[uint16][]byte{0x9F17: {0}} }),
			term: testTerminal{pin: enters(PINEntered, nil)}, set: limit, clear: failed, by: RuleOfflinePIN, cvm: "020000", tvr: "8000240000"},
		{name: "Book 3, 10.5: a wrong PIN, then a signature", card: cvmRules("41001E00"), term: testTerminal{verify: verifies(0x63C0)}, set: limit, clear: failed, by: RuleOfflinePIN,
			cvm: "1E0000", signed: true},
		{name: "Book 2, 7.1: the PIN encipherment key", sign: "DDA", card: cvmRules("0400"), with: withPINKey(nil), term: right, by: RulePINKey, says: "recovered", clear: missing, cvm: "040002", tvr: "0000000000"},
		{name: "Book 2, 7.1: a card with SDA has one too", sign: "SDA", card: cvmRules("0400"), with: withPINKey(nil), term: right, by: RulePINKey, says: "recovered", clear: missing, cvm: "040002", tvr: "0200000000"},
		{name: "Book 2, 7.1: the PIN encipherment key lacks its remainder", sign: "DDA", card: cvmRules("0400"), with: withPINKey(func(o objects) { delete(o, tlv.ICCPINEnciphermentPublicKeyRemainder) }),
			set: missing, by: RulePINKey, cvm: "040001", tvr: "2000800000"},
		{name: "Book 2, 7.1: the PIN encipherment key lacks its exponent", sign: "DDA", card: cvmRules("0400"), with: withPINKey(func(o objects) { delete(o, tlv.ICCPINEnciphermentPublicKeyExponent) }),
			set: missing, by: RulePINKey, cvm: "040001", tvr: "2000800000"},
		{name: "Book 2, 7.1: the PIN encipherment key lacks its certificate", sign: "DDA", card: cvmRules("0400"), with: withPINKey(func(o objects) { delete(o, tlv.ICCPINEnciphermentPublicKeyCertificate) }),
			set: missing, by: RulePINKey, cvm: "040001", tvr: "2000800000"},
		{name: "Book 2, 7.1: the PIN encipherment certificate is changed", sign: "DDA", card: cvmRules("0400"), with: withPINKey(func(o objects) {
			o[tlv.ICCPINEnciphermentPublicKeyCertificate] = flip(o[tlv.ICCPINEnciphermentPublicKeyCertificate], 20)
		}), clear: missing, by: RulePINKey, says: "not recovered", cvm: "040001", tvr: "0000800000"},
		{name: "Book 2, 7.1: the card's own key, though the terminal has no DDA", sign: "DDA", card: cvmRules("0400"), cfg: func(c *Config) { c.Capabilities[2] = 0 }, term: right, by: RuleICCKey, says: "recovered",
			clear: missing, cvm: "040002", tvr: "8000000000"},
	}
}
