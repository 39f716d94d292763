package emv

import "github.com/posim/posim/emv/tlv"

func truthOfCompletion() []truth {
	var (
		tdol       = tvrBits(tlv.TVRDefaultTDOLUsed)
		issuerBad  = tvrBits(tlv.TVRIssuerAuthenticationFailed)
		before     = tvrBits(tlv.TVRScriptFailedBeforeFinalGenerateAC)
		after      = tvrBits(tlv.TVRScriptFailedAfterFinalGenerateAC)
		issuerDone = tsiBits(tlv.TSIIssuerAuthenticationPerformed)
		cardRisk   = tsiBits(tlv.TSICardRiskManagementPerformed)
		script     = tsiBits(tlv.TSIScriptProcessingPerformed)
	)
	host := func(arc, data string, scripts ...[]byte) testTerminal {
		a := OnlineAnswer{Reached: true, AuthorisationResponseCode: arc, IssuerAuthenticationData: hx(data)}
		for _, s := range scripts {
			a.Scripts = append(a.Scripts, s...)
		}
		return testTerminal{online: answers(a)}
	}
	const data = "A1A2A3A4A5A6A7A83030"
	hash := gives(tlv.CDOL1, "9814")
	one := func(tag tlv.Tag) []byte { return template(tag, hx("8609 84240000 04 AABBCC01")) }
	answersScript := func(w uint16) func(*cannedCard) {
		return func(c *cannedCard) { c.script = func([]byte) (uint16, error) { return w, nil } }
	}
	refuses := func(w uint16) func(*cannedCard) { return func(c *cannedCard) { c.auth = w } }
	return []truth{
		{name: "Book 3, 9.2.2: the terminal's default TDOL", card: hash, set: tdol, by: RuleTDOL, tvr: "8000000080"},
		{name: "Book 3, 9.2.2: the card's TDOL", card: both(hash, gives(tlv.TDOL, "9A03")), clear: tdol, by: RuleTDOL, quiet: true},
		{name: "Book 3, 9.2.2: no list asks for the hash", clear: tdol, by: RuleTDOL, quiet: true},

		{name: "Book 3, 10.8: the first cryptogram", set: cardRisk, by: RuleCardDecision, says: "asked for TC, the card gave TC"},
		{name: "Book 3, 10.8: the card decides for less", card: func(c *cannedCard) { c.ac[0] = acAnswer{} }, set: cardRisk, by: RuleCardDecision, says: "gave AAC", result: OfflineDeclined, arc: "Z1"},
		{name: "Book 3, 10.8: the card wants to go online", card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x80} }, term: host("00", ""), set: cardRisk, by: RuleCardDecision, says: "gave ARQC", result: OnlineApproved},
		{name: "Book 3, 10.8: a card that refuses has managed no risk", card: func(c *cannedCard) { c.ac = nil }, clear: cardRisk, by: RuleCardDecision, quiet: true, result: Terminated, tsi: "4800"},

		{name: "Book 3, 10.9: the issuer is authenticated", cfg: alwaysOnline, term: host("00", data), set: issuerDone, clear: issuerBad, by: RuleIssuerAuthentication, result: OnlineApproved, tsi: "7800"},
		{name: "Book 3, 10.9: the issuer is not authenticated", cfg: alwaysOnline, card: refuses(0x6300), term: host("00", data), set: append(issuerBad, issuerDone...), by: RuleIssuerAuthentication, tvr: "8000008040"},
		{name: "Book 3, 10.9: EXTERNAL AUTHENTICATE was not in order", cfg: alwaysOnline, card: refuses(0x6985), term: host("00", data), set: issuerBad, by: RuleIssuerAuthentication},
		{name: "Book 3, 10.9: no data, nothing to authenticate", cfg: alwaysOnline, term: host("00", ""), clear: append(issuerBad, issuerDone...), by: RuleIssuerAuthentication, quiet: true},
		{name: "Book 3, 10.9: the card wants the data with the second GENERATE AC", cfg: alwaysOnline, card: func(c *cannedCard) { c.profile("1800") }, term: host("00", data),
			clear: append(issuerBad, issuerDone...), by: RuleIssuerAuthentication, quiet: true, result: OnlineApproved},
		{name: "Book 3, 10.9: the issuer answers", cfg: alwaysOnline, term: host("05", ""), by: RuleOnline, says: "code 05", result: OnlineDeclined, arc: "05"},
		{name: "Book 3, 10.9: unable to go online", cfg: alwaysOnline, term: testTerminal{online: answersNothing}, by: RuleOnline, says: "unable", result: ApprovedUnableToGoOnline},
		{name: "Book 3, 10.9: a terminal that cannot go online", cfg: func(c *Config) { c.Type = 0x23 }, card: func(c *cannedCard) { c.ac[0] = acAnswer{cid: 0x80} }, by: RuleOnline, says: "no online capability", result: ApprovedUnableToGoOnline},

		{name: "Book 4, A6: 00 approves", cfg: alwaysOnline, term: host("00", ""), by: RuleHostDecision, says: "approved", p1: "80 40"},
		{name: "Book 4, A6: 10 approves", cfg: alwaysOnline, term: host("10", ""), by: RuleHostDecision, says: "approved", p1: "80 40"},
		{name: "Book 4, A6: 11 approves", cfg: alwaysOnline, term: host("11", ""), by: RuleHostDecision, says: "approved", p1: "80 40"},
		{name: "Book 4, A6: 01 is a referral", cfg: alwaysOnline, term: host("01", ""), by: RuleHostDecision, says: "declined", p1: "80 00"},
		{name: "Book 4, A6: Y3 of a host is no approval", cfg: alwaysOnline, term: host("Y3", ""), by: RuleHostDecision, says: "declined", p1: "80 00"},
		{name: "Book 4, 6.3.8: unable to go online, approved", cfg: alwaysOnline, term: testTerminal{online: answersNothing}, by: RuleUnableOnline, says: "Y3", arc: "Y3", p1: "80 40"},
		{name: "Book 4, 6.3.8: unable to go online, declined", cfg: declineUnable, term: testTerminal{online: answersNothing}, by: RuleUnableOnline, says: "Z3", arc: "Z3", p1: "80 00"},

		{name: "Book 3, 10.10: a script 71 fails", cfg: alwaysOnline, card: answersScript(0x6985), term: host("00", "", one(0x71)), set: append(before, script...), clear: after, by: RuleScriptBefore, tvr: "8000008020"},
		{name: "Book 3, 10.10: a script 71 succeeds", cfg: alwaysOnline, card: answersScript(0x9000), term: host("00", "", one(0x71)), set: script, clear: append(before, after...), by: RuleScriptBefore},
		{name: "Book 3, 10.10: a warning is no failure", cfg: alwaysOnline, card: answersScript(0x6300), term: host("00", "", one(0x71)), clear: before, by: RuleScriptBefore},
		{name: "Book 3, 10.10: a script 72 fails", cfg: alwaysOnline, card: answersScript(0x6985), term: host("00", "", one(0x72)), set: append(after, script...), clear: before, by: RuleScriptAfter, tvr: "8000008010"},
		{name: "Book 3, 10.10: a script 72 succeeds", cfg: alwaysOnline, card: answersScript(0x9000), term: host("00", "", one(0x72)), set: script, clear: append(before, after...), by: RuleScriptAfter},
		{name: "Book 3, 10.10: what is no script at all is not performed", cfg: alwaysOnline, term: host("00", "", []byte{0x71, 5, 0x86}), set: before, clear: script, by: RuleScriptBefore},
		{name: "Book 3, 10.10: no script", cfg: alwaysOnline, term: host("00", ""), clear: append(append(before, after...), script...), by: RuleScriptBefore, quiet: true},

		{name: "Book 3, 10.11: the second cryptogram", cfg: alwaysOnline, term: host("00", ""), by: RuleFinalCryptogram, says: "asked for TC, the card gave TC", result: OnlineApproved},
		{name: "Book 3, 10.11: the card refuses", cfg: alwaysOnline, card: func(c *cannedCard) { c.ac[1] = acAnswer{} }, term: host("00", ""), by: RuleFinalCryptogram, says: "gave AAC", result: OnlineDeclined},
		{name: "Book 3, 10: the end", by: RuleOutcome, says: "offline_approved"},
	}
}
