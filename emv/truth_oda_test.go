package emv

import (
	"strings"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// without is a card that lacks a data object.
func without(tag tlv.Tag) func(*personal) {
	return func(p *personal) { p.objects = func(o objects) { delete(o, tag) } }
}

func changed(tag tlv.Tag) func(*personal) {
	return func(p *personal) { p.objects = func(o objects) { o[tag] = flip(o[tag], len(o[tag])/2) } }
}

// flip is b with one bit of byte i changed.
func flip(b []byte, i int) []byte {
	b = append([]byte{}, b...)
	b[i] ^= 1 << (i % 8)
	return b
}

func truthOfODA() []truth {
	var (
		notPerformed = tvrBits(tlv.TVROfflineDataAuthenticationNotPerformed)
		sdaFailed    = tvrBits(tlv.TVRSDAFailed)
		ddaFailed    = tvrBits(tlv.TVRDDAFailed)
		cdaFailed    = tvrBits(tlv.TVRCDAFailed)
		sdaSelected  = tvrBits(tlv.TVRSDASelected)
		missing      = tvrBits(tlv.TVRICCDataMissing)
		performed    = tsiBits(tlv.TSIOfflineDataAuthenticationPerformed)
	)
	capable := func(b byte) func(*Config) { return func(c *Config) { c.Capabilities[2] = b } }
	noKey := func(c *Config) { c.CAPublicKeys = nil }
	online := func(c *Config) { alwaysOnline(c) }
	rows := []truth{
		{name: "Book 3, 10.3: nothing in common, the card has no method", set: notPerformed, by: RuleODAMethod, tvr: "8000000000", tsi: "6800"},
		{name: "Book 3, 10.3: nothing in common, the terminal has no method", sign: "DDA", cfg: capable(0x00), set: notPerformed, by: RuleODAMethod, tvr: "8000000000", tsi: "6800"},
		{name: "Book 3, 10.3: nothing in common, the card has SDA only and the terminal DDA", sign: "SDA", cfg: capable(0x40), set: notPerformed, by: RuleODAMethod},
		{name: "Book 3, 10.3: nothing in common, the card has XDA only", card: func(c *cannedCard) { c.profile("9C00") }, set: notPerformed, by: RuleODAMethod},
		{name: "Book 3, 10.3: SDA is the method in common", sign: "SDA", clear: notPerformed, by: RuleODAMethod, says: "SDA"},
		{name: "Book 3, 10.3: DDA before SDA", sign: "DDA", with: func(p *personal) { p.aip = "7C00" }, clear: append(notPerformed, sdaSelected...), by: RuleODAMethod, says: "DDA"},
		{name: "Book 3, 10.3: CDA before DDA and SDA", sign: "CDA", with: func(p *personal) { p.aip = "7D00" }, clear: append(notPerformed, sdaSelected...), by: RuleODAMethod, says: "CDA"},
		{name: "Book 3, 10.3: CDA of the card alone is DDA", sign: "CDA", with: func(p *personal) { p.aip = "7D00" }, cfg: capable(0xC0), by: RuleODAMethod, says: "DDA", result: OfflineApproved},
		{name: "Book 3, C5: SDA selected", sign: "SDA", set: sdaSelected, by: RuleODAMethod},
		{name: "Book 3, C5: SDA selected is not for DDA", sign: "DDA", clear: sdaSelected, by: RuleODAMethod},

		{name: "Book 2, 5.4: the issuer's signature is right", sign: "SDA", clear: append(sdaFailed, missing...), by: RuleSDA, tvr: "0200000000", tsi: "E800", result: OfflineApproved},
		{name: "Book 2, 5.4: SDA was performed", sign: "SDA", set: performed, by: RuleSDA},
		{name: "Book 2, 5.4: the issuer's signature is wrong", sign: "SDA", with: changed(tlv.SignedStaticApplicationData), set: append(sdaFailed, performed...), by: RuleSDA, tvr: "4200000000"},
		{name: "Book 2, 5.2: SDA without the authority's key", sign: "SDA", cfg: noKey, set: append(sdaFailed, performed...), clear: missing, by: RuleSDA, tvr: "4200000000"},
		{name: "Book 2, 6.5: the card's signature is right", sign: "DDA", clear: append(ddaFailed, missing...), by: RuleDDA, tvr: "0000000000", tsi: "E800", result: OfflineApproved},
		{name: "Book 2, 6.5: DDA was performed", sign: "DDA", set: performed, by: RuleDDA},
		{name: "Book 2, 6.5: the card's signature is wrong", sign: "DDA", lies: func(c *signingCard) {
			c.dynamic = func(_, r []byte) []byte { return ok(flip(r, 30)) }
		}, set: append(ddaFailed, performed...), by: RuleDDA, tvr: "0800000000"},
		{name: "Book 2, 6.5.1: a DDOL without the unpredictable number", sign: "DDA", with: func(p *personal) { p.ddol = hx("9F0206") }, set: append(ddaFailed, performed...), by: RuleDDA, tvr: "0800000000"},
		{name: "Book 2, 6.5.1: no DDOL, the terminal's has the unpredictable number", sign: "DDA", with: func(p *personal) { p.ddol = nil }, clear: append(ddaFailed, missing...), by: RuleDDA, result: OfflineApproved},
		{name: "Book 2, 6.5.1: no DDOL, the terminal's has no unpredictable number", sign: "DDA", with: func(p *personal) { p.ddol = nil },
			cfg: func(c *Config) { c.Applications[0].DefaultDDOL = hx("9A03") }, set: append(ddaFailed, performed...), by: RuleDDA, tvr: "0800000000"},
		{name: "Book 2, 6.5.1: no DDOL at all", sign: "DDA", with: func(p *personal) { p.ddol = nil },
			cfg: func(c *Config) { c.Applications[0].DefaultDDOL = nil }, set: append(ddaFailed, performed...), by: RuleDDA, tvr: "0800000000"},
		{name: "Book 2, 6.4: DDA with a changed certificate of the card", sign: "DDA", with: changed(tlv.ICCPublicKeyCertificate), set: append(ddaFailed, performed...), by: RuleDDA, tvr: "0800000000"},
		{name: "Book 2, 6.6: the signed cryptogram is right", sign: "CDA", clear: append(cdaFailed, missing...), by: RuleCDA, tvr: "0000000000", tsi: "E800", result: OfflineApproved, p1: "50"},
		{name: "Book 2, 6.6: CDA is performed when the signature is checked", sign: "CDA", set: performed, by: RuleCDA},
		{name: "Book 2, 6.6: CDA is not performed with an AAC", sign: "CDA", card: func(c *cannedCard) { c.ac[0] = acAnswer{} }, clear: append(cdaFailed, performed...), by: RuleCDAKeys, result: OfflineDeclined, p1: "50"},
		{name: "Book 2, 6.6: an AAC that was asked for is not signed", sign: "CDA", cfg: func(c *Config) {
			c.Type = 0x22
			c.Applications[0].TACDenial[3] = 0x80
			c.Applications[0].FloorLimit = 0
		},
			clear: append(cdaFailed, performed...), by: RuleCDAKeys, result: OfflineDeclined, p1: "00"},
		{name: "Book 2, 6.6: CDA fails before the cryptogram if no key can be recovered, and no signature is asked for", sign: "CDA", cfg: noKey,
			set: append(cdaFailed, performed...), clear: missing, by: RuleCDAKeys, tvr: "0400000000", p1: "40"},
		{name: "Book 2, 6.6.2: the signed cryptogram is wrong, a TC is declined", sign: "CDA", lies: func(c *signingCard) {
			c.combined = func(_ int, d *security.CombinedData) { d.TransactionDataHash[0]++ }
		},
			set: append(cdaFailed, performed...), by: RuleCDA, tvr: "0400000000", result: OfflineDeclined, p1: "50", arc: "Z1", ends: "combined DDA failed"},
		{name: "Book 2, 6.6.2: the signed cryptogram is wrong, an ARQC is not sent", sign: "CDA", lies: func(c *signingCard) {
			c.combined = func(_ int, d *security.CombinedData) { d.TransactionDataHash[0]++ }
		},
			cfg: online, set: append(cdaFailed, performed...), by: RuleCDA, result: OfflineDeclined, p1: "90 00", arc: "Z1", ends: "combined DDA failed"},
		{name: "Book 2, 6.6: lists that never ask for the unpredictable number", sign: "CDA", card: func(c *cannedCard) { c.give(tlv.CDOL1, hx("9F0206")) },
			lies: func(c *signingCard) { c.un = make([]byte, 4) }, set: cdaFailed, by: RuleCDA, result: OfflineDeclined},

		{name: "Book 2, 5.2: the authority's key", sign: "SDA", by: RuleCAKey, says: "is here"},
		{name: "Book 2, 5.2: no authority's key", sign: "SDA", cfg: noKey, by: RuleCAKey, says: "no such key", clear: missing},
		{name: "Book 2, 5.3: the issuer's key", sign: "SDA", by: RuleIssuerKey, says: "recovered, 512 bits", clear: missing},
		{name: "Book 2, 6.4: the card's key", sign: "DDA", by: RuleICCKey, says: "recovered, 512 bits", clear: missing},
		{name: "Book 2, 5.1.2: a revoked certificate", sign: "DDA", cfg: func(c *Config) { c.Revoked = []RevokedCertificate{{testRID, caIndex, [3]byte{1, 2, 3}}} },
			by: RuleRevocation, says: "revoked", tvr: "0800000000", clear: missing},
		{name: "Book 2, 5.1.2: another certificate is revoked", sign: "DDA", cfg: func(c *Config) { c.Revoked = []RevokedCertificate{{testRID, caIndex, [3]byte{1, 2, 4}}} },
			clear: ddaFailed, by: RuleDDA, tvr: "0000000000"},
		{name: "Book 3, 10.3: the records to authenticate and the AIP", sign: "SDA", by: RuleStaticData, says: "bytes", clear: sdaFailed},
		{name: "Book 3, 10.3: a tag list with another tag", sign: "SDA", with: func(p *personal) { p.tagList = hx("829F33") }, by: RuleStaticData, says: "failed", tvr: "4200000000"},
	}
	return append(append(rows, truthOfMissingData()...), truthOfDynamicAnswers()...)
}

// truthOfMissingData is Book 3, 7.5: what an authentication cannot do without is missing data beside the failure.
func truthOfMissingData() (rows []truth) {
	missing := tvrBits(tlv.TVRICCDataMissing)
	issuer := []tlv.Tag{tlv.CertificationAuthorityPublicKeyIndex, tlv.IssuerPublicKeyCertificate, tlv.IssuerPublicKeyExponent, tlv.IssuerPublicKeyRemainder}
	icc := []tlv.Tag{tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyExponent, tlv.ICCPublicKeyRemainder}
	for _, method := range []string{"SDA", "DDA", "CDA"} {
		tvr := map[string]string{"SDA": "6200000000", "DDA": "2800000000", "CDA": "2400000000"}[method]
		add := func(tags []tlv.Tag, by Rule) {
			for _, tag := range tags {
				rows = append(rows, truth{name: "Book 3, 7.5: " + method + " without " + tlv.Name(tag), sign: method, with: without(tag), set: missing, by: by, tvr: tvr, tsi: "E800",
					p1: map[string]string{"SDA": "40", "DDA": "40", "CDA": "40"}[method]})
			}
		}
		add(issuer, RuleIssuerKey)
		if method == "SDA" {
			add([]tlv.Tag{tlv.SignedStaticApplicationData}, RuleSDA)
		} else {
			add(icc, RuleICCKey)
		}
		rows = append(rows, truth{name: "Book 3, 7.5: " + method + " with a key that needs no remainder", sign: method,
			with: func(p *personal) { p.ca, p.issuerKey = 1152, 864 }, clear: missing, by: RuleIssuerKey, result: OfflineApproved})
	}
	return rows
}

// truthOfDynamicAnswers is the form of the answer to INTERNAL AUTHENTICATE (Book 3, 6.5.9): what is not in order ends the transaction
// and is no bit.
func truthOfDynamicAnswers() (rows []truth) {
	signature := func(r []byte) []byte {
		v, err := tlv.Only(r, tlv.ResponseMessageTemplateFormat1)
		if err != nil {
			panic(err)
		}
		return v
	}
	for _, a := range []struct {
		name   string
		answer func(r []byte) []byte
		result Result
		failed bool
	}{
		{name: "format 1", answer: func(r []byte) []byte { return ok(r) }, result: OfflineApproved},
		{name: "format 2", answer: func(r []byte) []byte {
			return ok(template(0x77, object(tlv.SignedDynamicApplicationData, signature(r))))
		}, result: OfflineApproved},
		{name: "format 2 with another object", answer: func(r []byte) []byte {
			return ok(template(0x77, hx("DF010199"), object(tlv.SignedDynamicApplicationData, signature(r))))
		}, result: OfflineApproved},
		{name: "format 2 with the signature twice", answer: func(r []byte) []byte {
			return ok(template(0x77, object(tlv.SignedDynamicApplicationData, signature(r)), object(tlv.SignedDynamicApplicationData, signature(r))))
		}, result: Terminated},
		{name: "format 2 with an object behind the signature that is cut short", answer: func(r []byte) []byte {
			return ok(template(0x77, object(tlv.SignedDynamicApplicationData, signature(r)), hx("DF0105")))
		}, result: Terminated},
		{name: "format 2 without a signature", answer: func([]byte) []byte { return ok(hx("7704 DF010199")) }, result: Terminated},
		{name: "format 1 without a signature", answer: func([]byte) []byte { return ok(hx("8000")) }, result: OfflineApproved, failed: true},
		{name: "another template", answer: func(r []byte) []byte { return ok(template(0x70, signature(r))) }, result: Terminated},
		{name: "something behind the template", answer: func(r []byte) []byte { return ok(append(r, 0)) }, result: Terminated},
		{name: "nothing", answer: func([]byte) []byte { return sw(0x9000) }, result: Terminated},
		{name: "refused", answer: func([]byte) []byte { return sw(0x6985) }, result: Terminated},
		{name: "a warning is no success", answer: func(r []byte) []byte { return append(r, 0x62, 0x81) }, result: Terminated},
	} {
		row := truth{name: "Book 3, 6.5.9: " + a.name, sign: "DDA", lies: func(c *signingCard) { c.dynamic = func(_, r []byte) []byte { return a.answer(r) } },
			cfg: func(c *Config) { c.Applications[0].TACDefault[0] = 0xFF }, result: a.result}
		switch {
		case a.failed:
			row.set, row.by = tvrBits(tlv.TVRDDAFailed), RuleDDA
		default:
			row.clear, row.by = tvrBits(tlv.TVRDDAFailed), RuleICCKey
		}
		if a.result == Terminated {
			row.ends, row.tsi = strings.ToUpper(apdu.Name(apdu.InsInternalAuthenticate)), "0000"
		}
		rows = append(rows, row)
	}
	return rows
}
