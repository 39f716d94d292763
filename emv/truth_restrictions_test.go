package emv

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

func gives(tag tlv.Tag, value string) func(*cannedCard) {
	return func(c *cannedCard) { c.give(tag, hx(value)) }
}

// lacks takes a data object away.
func lacks(tag tlv.Tag) func(*cannedCard) { return func(c *cannedCard) { c.give(tag, nil) } }

func both(changes ...func(*cannedCard)) func(*cannedCard) {
	return func(c *cannedCard) {
		for _, change := range changes {
			change(c)
		}
	}
}

func truthOfRestrictions() []truth {
	var (
		version = tvrBits(tlv.TVRApplicationVersionsDiffer)
		expired = tvrBits(tlv.TVRExpiredApplication)
		early   = tvrBits(tlv.TVRApplicationNotYetEffective)
	)
	v2 := func(c *Config) { c.Applications[0].Version = [2]byte{0, 2} }
	rows := []truth{
		{name: "Book 3, 10.4.1: another version", card: gives(tlv.ApplicationVersionNumberCard, "0001"), cfg: v2, set: version, by: RuleVersion, tvr: "8080000000"},
		{name: "Book 3, 10.4.1: the same version", card: gives(tlv.ApplicationVersionNumberCard, "0002"), cfg: v2, clear: version, by: RuleVersion},
		{name: "Book 3, 10.4.1: a card without a version has the terminal's", cfg: v2, clear: version, by: RuleVersion},
		{name: "Book 3, 10.4.3: the day after the last", card: gives(tlv.ApplicationExpirationDate, "260114"), set: expired, by: RuleExpirationDate, tvr: "8040000000"},
		{name: "Book 3, 10.4.3: the last day", card: gives(tlv.ApplicationExpirationDate, "260115"), clear: expired, by: RuleExpirationDate},
		{name: "Book 4, 6.7.3: the year 50 is 1950", card: gives(tlv.ApplicationExpirationDate, "501231"), set: expired, by: RuleExpirationDate},
		{name: "Book 4, 6.7.3: the year 49 is 2049", card: gives(tlv.ApplicationExpirationDate, "491231"), clear: expired, by: RuleExpirationDate},
		{name: "Book 3, 10.4.3: the day before the first", card: gives(tlv.ApplicationEffectiveDate, "260116"), set: early, by: RuleEffectiveDate, tvr: "8020000000"},
		{name: "Book 3, 10.4.3: the first day", card: gives(tlv.ApplicationEffectiveDate, "260115"), clear: early, by: RuleEffectiveDate},
		{name: "Book 4, 6.7.3: effective in 1999", card: gives(tlv.ApplicationEffectiveDate, "991231"), clear: early, by: RuleEffectiveDate},
		{name: "Book 3, 10.4.3: no effective date", clear: early, by: RuleEffectiveDate, quiet: true},
		{name: "Book 3, 10.4.3: a date that is none ends the transaction", card: gives(tlv.ApplicationExpirationDate, "261301"), by: RuleOutcome, result: Terminated, ends: "5F24"},
		{name: "Book 3, 10.4.2: no usage control is no restriction", card: lacks(tlv.ApplicationUsageControl), clear: tvrBits(tlv.TVRServiceNotAllowed), by: RuleUsageControl},
	}
	return append(rows, truthOfUsageControl()...)
}

// truthOfUsageControl has, for each bit of the usage control, a transaction that needs this bit and no other beside that of the
// terminal's kind: with all bits but the one it is refused, with those alone it is not.
func truthOfUsageControl() (rows []truth) {
	const home, abroad = "0528", "0156"
	atm := func(c *Config) { c.Type = 0x14; c.AdditionalCapabilities[0] |= 0x80 }
	cash := func(x *Transaction) { x.Type = typeCash }
	cashback := func(x *Transaction) { x.Type = typeCashback; x.AmountOther = 100 }
	tests := []struct {
		name    string
		need    tlv.Bit
		with    uint16 // other bits that it needs
		without uint16 // bits that stand in for the one: goods and services
		country string
		cfg     func(*Config)
		txn     func(*Transaction)
	}{
		{name: "domestic cash", need: tlv.AUCDomesticCash, with: 0x0100, country: home, txn: cash},
		{name: "international cash", need: tlv.AUCInternationalCash, with: 0x0100, country: abroad, txn: cash},
		{name: "domestic cash as a disbursement", need: tlv.AUCDomesticCash, with: 0x0100, country: home, txn: func(x *Transaction) { x.Type = typeCashDisbursement }},
		{name: "domestic goods", need: tlv.AUCDomesticGoods, with: 0x0100, without: 0x0800, country: home},
		{name: "domestic services", need: tlv.AUCDomesticServices, with: 0x0100, without: 0x2000, country: home},
		{name: "international goods", need: tlv.AUCInternationalGoods, with: 0x0100, without: 0x0400, country: abroad},
		{name: "international services", need: tlv.AUCInternationalServices, with: 0x0100, without: 0x1000, country: abroad},
		{name: "ATMs", need: tlv.AUCATMs, with: 0x8000, country: home, cfg: atm, txn: cash},
		{name: "ATMs, without the issuer's country", need: tlv.AUCATMs, cfg: atm, txn: cash},
		{name: "other than ATMs", need: tlv.AUCOtherThanATMs, with: 0x2000, country: home},
		{name: "other than ATMs, without the issuer's country", need: tlv.AUCOtherThanATMs},
		{name: "domestic cashback", need: tlv.AUCDomesticCashback, with: 0x2100, country: home, txn: cashback},
		{name: "international cashback", need: tlv.AUCInternationalCashback, with: 0x1100, country: abroad, txn: cashback},
	}
	refused := tvrBits(tlv.TVRServiceNotAllowed)
	for _, tt := range tests {
		need := uint16(byte(tt.need))
		if tt.need.Byte() == 1 {
			need <<= 8
		}
		card := func(auc uint16) func(*cannedCard) {
			country := lacks(tlv.IssuerCountryCode)
			if tt.country != "" {
				country = gives(tlv.IssuerCountryCode, tt.country)
			}
			return both(gives(tlv.ApplicationUsageControl, fmt.Sprintf("%04X", auc)), country)
		}
		rows = append(rows,
			truth{name: "Book 3, 10.4.2, C2: without " + tt.name, card: card(0xFFC0 &^ need &^ tt.without), cfg: tt.cfg, txn: tt.txn, set: refused, by: RuleUsageControl},
			truth{name: "Book 3, 10.4.2, C2: with " + tt.name, card: card(need | tt.with), cfg: tt.cfg, txn: tt.txn, clear: refused, by: RuleUsageControl})
	}
	return rows
}
