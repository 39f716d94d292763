package emv

import (
	"testing"

	"github.com/posim/posim/emv/tlv"
)

// truthOfActionAnalysis has each action code of issuer and terminal, present and absent, with a TVR that has one bit: the floor limit
// is reached (Book 3, 10.7).
func truthOfActionAnalysis() (rows []truth) {
	const all = "0000008000" // and that bit alone
	over := func(x *Transaction) { x.Amount = 10000 }
	type codes struct{ iac, tac string }
	for _, c := range []struct {
		name    string
		tag     tlv.Tag
		by      Rule
		typ     byte
		codes   codes // iac "-": absent
		matches bool
		p1      string
		result  Result
		online  bool // the host is unreachable
	}{
		{name: "IAC denial absent is zeros", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, codes: codes{iac: "-"}, p1: "40", result: OfflineApproved},
		{name: "IAC denial present with another bit", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, codes: codes{iac: "FFFFFF7FFF"}, p1: "40", result: OfflineApproved},
		{name: "IAC denial present with the bit", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, codes: codes{iac: all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "TAC denial with the bit, IAC absent", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, codes: codes{"-", all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "TAC denial with the bit, IAC zeros", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, codes: codes{"0000000000", all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "IAC denial at an online-only terminal", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, typ: 0x21, codes: codes{iac: all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "IAC denial at an offline-only terminal", tag: tlv.IssuerActionCodeDenial, by: RuleActionDenial, typ: 0x23, codes: codes{iac: all}, matches: true, p1: "00", result: OfflineDeclined},

		{name: "IAC online absent is ones", tag: tlv.IssuerActionCodeOnline, by: RuleActionOnline, codes: codes{iac: "-"}, matches: true, p1: "80 40", online: true, result: ApprovedUnableToGoOnline},
		{name: "IAC online present with another bit", tag: tlv.IssuerActionCodeOnline, by: RuleActionOnline, codes: codes{iac: "7FFFFF7FFF"}, p1: "40", result: OfflineApproved},
		{name: "IAC online present with the bit", tag: tlv.IssuerActionCodeOnline, by: RuleActionOnline, codes: codes{iac: all}, matches: true, p1: "80 40", online: true, result: ApprovedUnableToGoOnline},
		{name: "TAC online with the bit, IAC zeros", tag: tlv.IssuerActionCodeOnline, by: RuleActionOnline, codes: codes{"0000000000", all}, matches: true, p1: "80 40", online: true, result: ApprovedUnableToGoOnline},
		{name: "TAC online absent is zeros", tag: tlv.IssuerActionCodeOnline, by: RuleActionOnline, codes: codes{"0000000000", ""}, p1: "40", result: OfflineApproved},

		{name: "IAC default absent is ones, an offline-only terminal", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x23, codes: codes{iac: "-"}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "IAC default present with another bit, an offline-only terminal", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x23, codes: codes{iac: "7FFFFF7FFF"}, p1: "40", result: OfflineApproved},
		{name: "IAC default present with the bit, an unattended offline-only terminal", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x26, codes: codes{iac: all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "TAC default with the bit, an offline-only terminal", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x23, codes: codes{"0000000000", all}, matches: true, p1: "00", result: OfflineDeclined},
		{name: "IAC default absent is ones, unable to go online", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x21, codes: codes{iac: "-"}, matches: true, p1: "80 00", online: true, result: DeclinedUnableToGoOnline},
		{name: "IAC default present with another bit, unable to go online", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x21, codes: codes{iac: "7FFFFF7FFF"}, p1: "80 40", online: true, result: ApprovedUnableToGoOnline},
		{name: "IAC default present with the bit, unable to go online", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x24, codes: codes{iac: all}, matches: true, p1: "80 00", online: true, result: DeclinedUnableToGoOnline},
		{name: "TAC default with the bit, unable to go online", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x21, codes: codes{"0000000000", all}, matches: true, p1: "80 00", online: true, result: DeclinedUnableToGoOnline},
		{name: "TAC default absent is zeros, unable to go online", tag: tlv.IssuerActionCodeDefault, by: RuleActionDefault, typ: 0x21, codes: codes{"0000000000", ""}, p1: "80 40", online: true, result: ApprovedUnableToGoOnline},
	} {
		card := lacks(c.tag)
		if c.codes.iac != "-" {
			card = gives(c.tag, c.codes.iac)
		}
		row := truth{name: "Book 3, 10.7: " + c.name, by: c.by, p1: c.p1, result: c.result, says: pick(c.matches, "matches: Transaction exceeds floor limit", "no bit"), txn: over,
			// A signature of the issuer over the records makes the TVR's first byte zero but for SDA selected: no other bit can match.
			card: both(gives(tlv.IssuerActionCodeDenial, "0000000000"), gives(tlv.IssuerActionCodeOnline, "0000000000"), gives(tlv.IssuerActionCodeDefault, "0000000000"), card),
			sign: "DDA", tvr: "0000008000",
			cfg: func(cfg *Config) {
				if c.typ != 0 {
					cfg.Type = c.typ
				}
				tac := map[tlv.Tag]*[5]byte{tlv.IssuerActionCodeDenial: &cfg.Applications[0].TACDenial, tlv.IssuerActionCodeOnline: &cfg.Applications[0].TACOnline,
					tlv.IssuerActionCodeDefault: &cfg.Applications[0].TACDefault}[c.tag]
				copy(tac[:], hx(c.codes.tac))
			}}
		if c.online {
			row.term = testTerminal{online: answersNothing}
		}
		rows = append(rows, row)
	}
	return append(rows,
		truth{name: "Book 3, 10.7: an online-only terminal asks for an ARQC", cfg: func(c *Config) { c.Type = 0x21 }, term: testTerminal{online: answersNothing}, by: RuleTerminalDecision, says: "ARQC", p1: "80 40"},
		truth{name: "Book 3, 10.7: no bit is set", by: RuleTerminalDecision, sign: "DDA", says: "TC", p1: "40", arc: "Y1"},
	)
}

// Each bit of the TVR, by itself, meets an action code that has it and no other, and passes one that has all others; the same at the
// issuer's and the terminal's.
func TestActionCodesBitByBit(t *testing.T) {
	codes := []struct {
		tag tlv.Tag
		by  Rule
		tac func(*Application) *[5]byte
	}{
		{tlv.IssuerActionCodeDenial, RuleActionDenial, func(a *Application) *[5]byte { return &a.TACDenial }},
		{tlv.IssuerActionCodeOnline, RuleActionOnline, func(a *Application) *[5]byte { return &a.TACOnline }},
		{tlv.IssuerActionCodeDefault, RuleActionDefault, func(a *Application) *[5]byte { return &a.TACDefault }},
	}
	for _, bit := range tlv.Bits(tlv.TVR) {
		for _, code := range codes {
			for _, issuers := range []bool{true, false} {
				for _, has := range []bool{true, false} {
					var value [5]byte
					bit.Bit.Set(value[:])
					if !has {
						for i := range value {
							value[i] ^= 0xFF
						}
					}
					cfg := testConfig()
					s := newTestSession(t, nil, cfg)
					bit.Bit.Set(s.tvr[:])
					s.icc.add(code.tag, make([]byte, 5))
					if issuers {
						s.icc.set(code.tag, value[:])
					} else {
						*code.tac(s.app) = value
					}
					if got := s.matches(code.by, code.tag, 0, *code.tac(s.app)); got != has {
						t.Errorf("%v, issuer's %v, byte %d bit %d in it %v: matches %v", code.by, issuers, bit.Bit.Byte(), bit.Bit.Number(), has, got)
					}
				}
			}
		}
	}
}
