package emv

import "fmt"

// Rule is a rule of the book by which the kernel decides.
type Rule uint8

// The rules, in the order of a transaction.
const (
	RuleDirectory Rule = iota + 1
	RuleApplicationList
	RuleCandidates
	RuleConfirmation
	RuleFinalSelection
	RuleLanguage
	RuleProcessingOptions
	RuleConditionsOfUse
	RuleRecords
	RuleAdmission
	RuleODAMethod
	RuleCAKey
	RuleIssuerKey
	RuleRevocation
	RuleICCKey
	RuleStaticData
	RuleSDA
	RuleDDA
	RuleCDAKeys
	RuleCDA
	RuleVersion
	RuleUsageControl
	RuleEffectiveDate
	RuleExpirationDate
	RuleCVMApplicable
	RuleCVMCondition
	RuleCVM
	RuleOfflinePIN
	RulePINKey
	RuleOnlinePIN
	RuleCVMEnd
	RuleExceptionFile
	RuleMerchantForced
	RuleFloorLimit
	RuleRandomSelection
	RuleVelocity
	RuleNewCard
	RuleRiskEnd
	RuleActionDenial
	RuleActionOnline
	RuleActionDefault
	RuleTerminalDecision
	RuleTDOL
	RuleCardDecision
	RuleOnline
	RuleIssuerAuthentication
	RuleScriptBefore
	RuleHostDecision
	RuleUnableOnline
	RuleFinalCryptogram
	RuleScriptAfter
	RuleOutcome
	ruleEnd
)

// rules says of each rule its step, its name, where it stands and what it says.
var rules = [ruleEnd]struct{ step, name, book, about string }{
	RuleDirectory:            {"selection", "directory", "Book 1, 12.3.2", "The payment system directory lists the card's applications; one that is blocked or not in order is not used."},
	RuleApplicationList:      {"selection", "list", "Book 1, 12.3.3", "Without a directory, the terminal's applications are selected one after the other, with further occurrences of partial names."},
	RuleCandidates:           {"selection", "candidates", "Book 1, 12.3", "What card and terminal have in common, by priority."},
	RuleConfirmation:         {"selection", "confirmation", "Book 1, 12.4", "An application is taken by itself if it is alone or the terminal may choose, and the card does not ask for a confirmation."},
	RuleFinalSelection:       {"selection", "final", "Book 1, 12.4", "The chosen application is selected by its whole name; one that cannot be is taken from the list."},
	RuleLanguage:             {"selection", "language", "Book 4, 11.1", "The first of the cardholder's languages that the terminal has."},
	RuleProcessingOptions:    {"initiate", "processing-options", "Book 3, 10.1", "The card gets the data its PDOL asks for and gives its profile and the locator of its records."},
	RuleConditionsOfUse:      {"initiate", "conditions-of-use", "Book 4, 6.3.1", "Conditions of use not satisfied (6985): the application leaves the list, and the next is selected."},
	RuleRecords:              {"read", "records", "Book 3, 10.2", "Every record that the locator names is read; the mandatory data objects are there, and none is there twice."},
	RuleAdmission:            {"read", "admission", "posim", "Nothing but reading is done with a card outside the published test ranges."},
	RuleODAMethod:            {"ODA", "method", "Book 3, 10.3", "The best method that card and terminal have in common: CDA, DDA, SDA."},
	RuleCAKey:                {"ODA", "ca-key", "Book 2, 5.2", "The certification authority's key, by RID and index 8F."},
	RuleIssuerKey:            {"ODA", "issuer-key", "Book 2, 5.3", "The issuer's key, recovered from its certificate."},
	RuleRevocation:           {"ODA", "revocation", "Book 2, 5.1.2", "An issuer certificate on the revocation list makes the authentication fail."},
	RuleICCKey:               {"ODA", "icc-key", "Book 2, 6.4", "The card's key, recovered from its certificate, which also signs the static data."},
	RuleStaticData:           {"ODA", "static-data", "Book 3, 10.3", "The records to authenticate, and the AIP where 9F4A names it."},
	RuleSDA:                  {"ODA", "sda", "Book 2, 5.4", "The issuer's signature over the static data."},
	RuleDDA:                  {"ODA", "dda", "Book 2, 6.5", "The card's signature over the terminal's unpredictable number."},
	RuleCDAKeys:              {"ODA", "cda-keys", "Book 2, 6.6", "Combined DDA asks for a signature in GENERATE AC only if the card's key could be recovered."},
	RuleCDA:                  {"ODA", "cda", "Book 2, 6.6.2", "The card's signature over its cryptogram and over all that was said in the transaction."},
	RuleVersion:              {"restrictions", "version", "Book 3, 10.4.1", "The application versions of card and terminal are the same."},
	RuleUsageControl:         {"restrictions", "usage-control", "Book 3, 10.4.2", "The card may be used here, for this."},
	RuleEffectiveDate:        {"restrictions", "effective-date", "Book 3, 10.4.3", "The application is in effect."},
	RuleExpirationDate:       {"restrictions", "expiration-date", "Book 3, 10.4.3", "The application has not expired."},
	RuleCVMApplicable:        {"CVM", "applicable", "Book 3, 10.5", "The card supports cardholder verification and has a CVM list with rules."},
	RuleCVMCondition:         {"CVM", "condition", "Book 3, C3", "A rule whose condition is not met is passed over."},
	RuleCVM:                  {"CVM", "rule", "Book 3, 10.5", "A rule whose condition is met is applied; bit 7 of its code says whether the next one follows when it fails."},
	RuleOfflinePIN:           {"CVM", "offline-pin", "Book 3, 10.5.1", "The PIN pad presents the PIN to the card, as long as the card has tries left."},
	RulePINKey:               {"CVM", "pin-key", "Book 2, 7.1", "The key under which the PIN is enciphered: the PIN encipherment key, else the card's key."},
	RuleOnlinePIN:            {"CVM", "online-pin", "Book 3, 10.5.2", "A PIN is entered for the issuer."},
	RuleCVMEnd:               {"CVM", "end", "Book 4, 6.3.4.5", "What the list came to."},
	RuleExceptionFile:        {"risk", "exception-file", "Book 3, 10.6; Book 4, 6.3.5", "A card on the terminal's exception file is marked."},
	RuleMerchantForced:       {"risk", "merchant-forced", "Book 3, 10.6; Book 4, 6.5.1", "The clerk may force a transaction online."},
	RuleFloorLimit:           {"risk", "floor-limit", "Book 3, 10.6.1", "The amount, with that of the latest sale with the same card, is below the floor limit."},
	RuleRandomSelection:      {"risk", "random-selection", "Book 3, 10.6.2", "Below the floor limit some transactions go online by lot, more of them the larger they are."},
	RuleVelocity:             {"risk", "velocity", "Book 3, 10.6.3", "How many transactions the card has done since it was online last."},
	RuleNewCard:              {"risk", "new-card", "Book 3, 10.6.3", "A card that was never online is new."},
	RuleRiskEnd:              {"risk", "end", "Book 3, 10.6", "Terminal risk management was performed."},
	RuleActionDenial:         {"TAA", "denial", "Book 3, 10.7", "A bit of the TVR in an action code for denial declines; an absent issuer code is zeros."},
	RuleActionOnline:         {"TAA", "online", "Book 3, 10.7", "A bit of the TVR in an action code for online asks the issuer; an absent issuer code is ones."},
	RuleActionDefault:        {"TAA", "default", "Book 3, 10.7", "A bit of the TVR in a default action code declines where the issuer cannot be asked; an absent issuer code is ones."},
	RuleTerminalDecision:     {"TAA", "request", "Book 3, 10.7", "The cryptogram that the terminal asks for."},
	RuleTDOL:                 {"card", "tdol", "Book 3, 9.2.2", "The transaction certificate hash is made with the card's TDOL, or with the terminal's default one."},
	RuleCardDecision:         {"card", "first-cryptogram", "Book 3, 10.8", "The card may decide for less than it was asked, never for more."},
	RuleOnline:               {"online", "answer", "Book 3, 10.9", "The issuer is asked."},
	RuleIssuerAuthentication: {"online", "issuer-authentication", "Book 3, 10.9", "EXTERNAL AUTHENTICATE, once, if the card supports it and the issuer sent data for it."},
	RuleScriptBefore:         {"script", "before", "Book 3, 10.10", "Scripts 71, before the second GENERATE AC."},
	RuleHostDecision:         {"completion", "host", "Book 4, A6", "The response codes 00, 10 and 11 approve; a referral and everything else declines."},
	RuleUnableOnline:         {"completion", "unable-online", "Book 4, 6.3.8", "Without an answer the default action codes decide."},
	RuleFinalCryptogram:      {"completion", "second-cryptogram", "Book 3, 10.11", "The card may refuse what the host approved."},
	RuleScriptAfter:          {"script", "after", "Book 3, 10.10", "Scripts 72, after the second GENERATE AC."},
	RuleOutcome:              {"outcome", "outcome", "Book 3, 10", "How the transaction ended."},
}

// Rules lists every rule, in the order of a transaction.
func Rules() []Rule {
	all := make([]Rule, 0, ruleEnd-1)
	for r := RuleDirectory; r < ruleEnd; r++ {
		all = append(all, r)
	}
	return all
}

// Step is the short name of the rule's step: "CVM", "TAA".
func (r Rule) Step() string { return r.row().step }

// Book is where the rule stands: "Book 3, 10.5".
func (r Rule) Book() string { return r.row().book }

// About is what the rule says, one sentence.
func (r Rule) About() string { return r.row().about }

// String is the rule's name, such as "CVM.offline-pin". It does not change from one version of the program to the next.
func (r Rule) String() string {
	row := r.row()
	if row.step == "" {
		return fmt.Sprintf("rule %d", uint8(r))
	}
	return row.step + "." + row.name
}

func (r Rule) row() struct{ step, name, book, about string } {
	if r >= ruleEnd {
		return rules[0]
	}
	return rules[r]
}
