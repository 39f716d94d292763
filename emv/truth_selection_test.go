package emv

import (
	"errors"

	"github.com/posim/posim/emv/tlv"
)

func truthOfSelection() []truth {
	directory := func(c *cannedCard) {
		c.directory = ok(fciOf("315041592E5359532E4444463031", "880101"))
		c.dirRecords = [][]byte{ok(template(0x70, template(0x61, hx("4F07A0000000031010 500456495341 870101"))))}
	}
	return []truth{
		{name: "Book 1, 12.3.2: found by the directory", card: directory, by: RuleCandidates, says: "found by selection.directory", result: OfflineApproved},
		{name: "Book 1, 12.3.2: a blocked directory is not used", card: func(c *cannedCard) { c.directory = sw(0x6283) }, by: RuleDirectory, says: "no directory", result: OfflineApproved},
		{name: "Book 1, 12.3.2: a directory that is not in order is not used", card: func(c *cannedCard) { c.directory = ok(hx("6F00")) }, by: RuleDirectory, says: "not in order", result: OfflineApproved},
		{name: "Book 1, 12.3.3: the terminal's list is tried", by: RuleApplicationList, says: "tried: 1", result: OfflineApproved},
		{name: "Book 1, 12.3.3: found by the terminal's list", by: RuleCandidates, says: "found by selection.list", result: OfflineApproved},
		{name: "Book 1, 12.4: one application that wants no confirmation", by: RuleConfirmation, says: "without asking", result: OfflineApproved},
		{name: "Book 1, 12.4: one application that wants a confirmation", card: func(c *cannedCard) { c.files[visaAID] = ok(fciOf(visaAID, "500456495341 870181")) },
			term: testTerminal{choose: chooses(0, nil)}, by: RuleConfirmation, says: "chose or confirmed", result: OfflineApproved},
		{name: "Book 1, 12.4: a confirmation where nobody can be asked", card: func(c *cannedCard) { c.files[visaAID] = ok(fciOf(visaAID, "500456495341 870181")) },
			cfg: func(c *Config) { c.NoConfirmation = true }, by: RuleOutcome, says: "not_accepted", result: NotAccepted, tsi: "0000"},
		{name: "Book 1, 12.4: selected by its whole name", by: RuleFinalSelection, says: "selected", result: OfflineApproved},
		{name: "Book 4, 11.1: the cardholder's language", card: func(c *cannedCard) { c.files[visaAID] = ok(fciOf(visaAID, "500456495341 5F2D047A68656E")) },
			cfg: func(c *Config) { c.Languages = []string{"en", "zh"} }, by: RuleLanguage, says: ": zh", result: OfflineApproved},
		{name: "Book 4, 11.1: none of the cardholder's languages", card: func(c *cannedCard) { c.files[visaAID] = ok(fciOf(visaAID, "500456495341 5F2D026672")) },
			cfg: func(c *Config) { c.Languages = []string{"en", "zh"} }, by: RuleLanguage, says: "none", result: OfflineApproved},
		{name: "Book 3, 10.1: profile and locator", by: RuleProcessingOptions, result: OfflineApproved},
		{name: "Book 4, 6.3.1: conditions of use", card: func(c *cannedCard) { c.options = [][]byte{sw(0x6985)} }, by: RuleConditionsOfUse, says: "6985", result: NotAccepted},
		{name: "Book 3, 10.2: the records", by: RuleRecords, says: "records: 3", result: OfflineApproved},
		{name: "admitted", cfg: func(c *Config) { c.Admit = func(*Session) error { return nil } }, by: RuleAdmission, says: "may be used", result: OfflineApproved},
		{name: "not admitted", cfg: func(c *Config) { c.Admit = func(*Session) error { return errors.New("hands off") } }, by: RuleAdmission, says: "nothing more", runsErr: true,
			clear: tsiBits(tlv.TSITerminalRiskManagementPerformed, tlv.TSICardholderVerificationPerformed)},
	}
}
