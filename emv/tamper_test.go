package emv

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// What is changed, expired, revoked, missing or another card's never passes offline data authentication, and does nothing but set
// the method's bit.

// odaBits is byte 1 of the TVR after a method failed, and after it succeeded.
var odaBits = map[string]struct{ failed, right byte }{"SDA": {0x42, 0x02}, "DDA": {0x08, 0x00}, "CDA": {0x04, 0x00}}

// authenticates runs a card and tells whether its method succeeded; anything else than success and failure of it is an error.
func authenticates(t *testing.T, method string, card *signingCard, cfg func(*Config), txn func(*Transaction)) bool {
	t.Helper()
	config := cfgFor(withODA(card.ca))
	if cfg != nil {
		cfg(config)
	}
	transaction := testTransaction()
	if txn != nil {
		txn(&transaction)
	}
	o, err := Run(card, &testTerminal{}, config, transaction)
	if err != nil {
		t.Fatal(err)
	}
	tvr, tsi := o.Session.TVR(), o.Session.TSI()
	if !tlv.TSIOfflineDataAuthenticationPerformed.In(tsi[:]) {
		t.Fatalf("%s: TSI %X: not performed: %v %v", method, tsi, o.Result, o.Reason)
	}
	switch bits := odaBits[method]; tvr[0] {
	case bits.right:
		if !o.Result.Approved() {
			t.Errorf("%s: right, but %v %v", method, o.Result, o.Reason)
		}
		return true
	case bits.failed:
		return false
	}
	t.Fatalf("%s: TVR %X", method, tvr)
	return false
}

// Any byte of any object that a method rests on, with one bit changed.
func TestEveryByteCounts(t *testing.T) {
	issuer := []tlv.Tag{tlv.IssuerPublicKeyCertificate, tlv.IssuerPublicKeyRemainder, tlv.IssuerPublicKeyExponent, tlv.CertificationAuthorityPublicKeyIndex,
		tlv.StaticDataAuthenticationTagList}
	icc := append(issuer[:len(issuer):len(issuer)], tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyRemainder, tlv.ICCPublicKeyExponent)
	for method, tags := range map[string][]tlv.Tag{"SDA": append(issuer[:len(issuer):len(issuer)], tlv.SignedStaticApplicationData), "DDA": icc, "CDA": icc} {
		t.Run(method, func(t *testing.T) {
			whole := newSigningCard(t, method, newCannedCard(), nil)
			tried := 0
			for _, tag := range tags {
				for i := range whole.objects[tag] {
					card := newSigningCard(t, method, newCannedCard(), func(p *personal) { p.objects = func(o objects) { o[tag] = flip(o[tag], i) } })
					if authenticates(t, method, card, nil, nil) {
						t.Errorf("%X byte %d changed: it is still right", tag, i)
					}
					tried++
				}
			}
			if tried < 130 {
				t.Errorf("%d bytes tried", tried)
			}
		})
	}
}

// A byte more or less is no better.
func TestEveryLengthCounts(t *testing.T) {
	for method, tags := range map[string][]tlv.Tag{
		"SDA": {tlv.IssuerPublicKeyCertificate, tlv.IssuerPublicKeyRemainder, tlv.IssuerPublicKeyExponent, tlv.SignedStaticApplicationData},
		"DDA": {tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyRemainder, tlv.ICCPublicKeyExponent}, "CDA": {tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyRemainder},
	} {
		for _, tag := range tags {
			for what, change := range map[string]func([]byte) []byte{
				"a byte more": func(b []byte) []byte { return append(bytes.Clone(b), 3) }, "a byte in front": func(b []byte) []byte { return append([]byte{0}, b...) },
				"a byte less": func(b []byte) []byte { return b[:len(b)-1] },
			} {
				card := newSigningCard(t, method, newCannedCard(), func(p *personal) { p.objects = func(o objects) { o[tag] = change(o[tag]) } })
				o, err := Run(card, &testTerminal{}, cfgFor(withODA(card.ca)), testTransaction())
				if err != nil {
					t.Fatal(err)
				}
				if tvr := o.Session.TVR(); tvr[0]&(0x4C) == 0 {
					t.Errorf("%s, %X with %s: TVR %X, %v", method, tag, what, tvr, o.Result)
				}
			}
		}
	}
}

// The records that the issuer signed, changed behind its back: each data object of them, and the profile.
func TestSignedRecordsChanged(t *testing.T) {
	for _, method := range []string{"SDA", "DDA", "CDA"} {
		for _, tag := range []tlv.Tag{tlv.ApplicationPANSequenceNumber, tlv.ApplicationExpirationDate, tlv.ApplicationUsageControl, tlv.IssuerCountryCode, tlv.ApplicationCurrencyCode,
			tlv.CVMList, tlv.IssuerActionCodeDefault, tlv.IssuerActionCodeDenial, tlv.IssuerActionCodeOnline} {
			card := newSigningCard(t, method, newCannedCard(), nil)
			r := tlv.NewReader(card.recordValue(0x0201))
			for r.Next() {
				if r.Tag() == tag {
					v := bytes.Clone(r.Value())
					v[len(v)-1] ^= 1
					card.give(tag, v)
				}
			}
			if authenticates(t, method, card, func(c *Config) { c.Applications[0].TACDenial = [5]byte{} }, nil) {
				t.Errorf("%s: %X changed: it is still right", method, tag)
			}
		}
		card := newSigningCard(t, method, newCannedCard(), nil)
		card.options[0][3] ^= 0x04 // issuer authentication, in the AIP that the tag list names
		if authenticates(t, method, card, nil, nil) {
			t.Errorf("%s: the profile changed: it is still right", method)
		}
		card = newSigningCard(t, method, newCannedCard(), func(p *personal) { p.tagList = nil })
		card.options[0][3] ^= 0x04 // which nobody has signed here
		if !authenticates(t, method, card, nil, nil) {
			t.Errorf("%s: a profile that is not signed may be what it likes", method)
		}
	}
}

func TestCertificatesHold(t *testing.T) {
	day := func(y int, m time.Month, d int) func(*Transaction) {
		return func(x *Transaction) { x.Time = time.Date(y, m, d, 23, 59, 59, 0, time.UTC) }
	}
	template11 := template(0x70, hx("DF0104AABBCCDD"))
	tests := []struct {
		name   string
		method string // "" is each
		with   func(*personal)
		cfg    func(*Config)
		txn    func(*Transaction)
		right  bool
	}{
		{name: "nothing special", right: true},
		{name: "the issuer's certificate on its last day", with: func(p *personal) { p.issuer.Expiration = [2]byte{0x02, 0x28} }, txn: day(2028, 2, 29), right: true},
		{name: "the issuer's certificate on the day after", with: func(p *personal) { p.issuer.Expiration = [2]byte{0x02, 0x28} }, txn: day(2028, 3, 1)},
		{name: "the issuer's certificate of the last century", with: func(p *personal) { p.issuer.Expiration = [2]byte{0x12, 0x99} }},
		{name: "the issuer's certificate with no month", with: func(p *personal) { p.issuer.Expiration = [2]byte{0x13, 0x30} }},
		{name: "the card's certificate on its last day", method: "DDA CDA", with: func(p *personal) { p.icc.Expiration = [2]byte{0x01, 0x26} }, txn: day(2026, 1, 31), right: true},
		{name: "the card's certificate on the day after", method: "DDA CDA", with: func(p *personal) { p.icc.Expiration = [2]byte{0x01, 0x26} }, txn: day(2026, 2, 1)},
		{name: "an issuer identifier of three digits", with: func(p *personal) { p.issuer.IssuerIdentifier = [4]byte{0x47, 0x6F, 0xFF, 0xFF} }, right: true},
		{name: "an issuer identifier of eight digits", with: func(p *personal) { p.issuer.IssuerIdentifier = [4]byte{0x47, 0x61, 0x73, 0x90} }, right: true},
		{name: "an issuer identifier of two digits", with: func(p *personal) { p.issuer.IssuerIdentifier = [4]byte{0x47, 0xFF, 0xFF, 0xFF} }},
		{name: "another issuer's identifier", with: func(p *personal) { p.issuer.IssuerIdentifier = [4]byte{0x47, 0x61, 0x74, 0xFF} }},
		{name: "digits behind the identifier's padding", with: func(p *personal) { p.issuer.IssuerIdentifier = [4]byte{0x47, 0x61, 0xF3, 0x90} }},
		{name: "another card's certificate", method: "DDA CDA", with: func(p *personal) { p.icc.PAN[7] = 0x27 }},
		{name: "a certificate for the start of the number", method: "DDA CDA", with: func(p *personal) { p.icc.PAN[7] = 0xFF }},
		{name: "revoked", cfg: func(c *Config) {
			c.Revoked = []RevokedCertificate{{RID: testRID, Index: caIndex, Serial: [3]byte{1, 2, 3}}}
		}},
		{name: "revoked under another key", cfg: func(c *Config) { c.Revoked = []RevokedCertificate{{RID: testRID, Index: 1, Serial: [3]byte{1, 2, 3}}} }, right: true},
		{name: "revoked of another provider", cfg: func(c *Config) {
			c.Revoked = []RevokedCertificate{{RID: [5]byte{0xA0, 0, 0, 0, 4}, Index: caIndex, Serial: [3]byte{1, 2, 3}}}
		}, right: true},
		{name: "the authority's key is another's", cfg: func(c *Config) { c.CAPublicKeys = []*security.CAPublicKey{caKeyOf(t, 'I', testRID, caIndex)} }},
		{name: "the authority's key of another provider", cfg: func(c *Config) {
			c.CAPublicKeys = []*security.CAPublicKey{caKeyOf(t, 'A', [5]byte{0xA0, 0, 0, 0, 4}, caIndex)}
		}},
		{name: "the authority's key with another index", cfg: func(c *Config) { c.CAPublicKeys = []*security.CAPublicKey{caKeyOf(t, 'A', testRID, caIndex+1)} }},
		{name: "the authority's key among others", cfg: func(c *Config) {
			c.CAPublicKeys = []*security.CAPublicKey{caKeyOf(t, 'I', testRID, 1), caKeyOf(t, 'I', [5]byte{0xA0, 0, 0, 0, 4}, caIndex), caKeyOf(t, 'A', testRID, caIndex)}
		}, right: true},
		{name: "no tag list", with: func(p *personal) { p.tagList = nil }, right: true},
		{name: "an empty tag list", with: func(p *personal) { p.tagList = []byte{} }},
		{name: "a tag list that names something else", with: func(p *personal) { p.tagList = hx("5A") }},
		{name: "a tag list that names the profile twice", with: func(p *personal) { p.tagList = hx("8282") }},
		{name: "a record of file 4 beside the others", with: func(p *personal) { p.records, p.afl = map[uint16][]byte{0x0401: template11}, "20010101" }, right: true},
		{name: "a record of file 11, signed with tag and length", with: func(p *personal) { p.records, p.afl = map[uint16][]byte{0x0B01: template11}, "58010101" }, right: true},
		{name: "a record of file 11 that is no template", with: func(p *personal) { p.records, p.afl = map[uint16][]byte{0x0B01: hx("DF0104AABBCCDD")}, "58010101" }},
		{name: "a record of file 11 with something behind its template", with: func(p *personal) {
			p.records, p.afl = map[uint16][]byte{0x0B01: append(bytes.Clone(template11), 0)}, "58010101"
		}},
		{name: "a record of file 11 that need not be authenticated", with: func(p *personal) { p.records, p.afl = map[uint16][]byte{0x0C01: hx("DF0104AABBCCDD")}, "60010100" }, right: true},
		{name: "files 4 and 11 in the locator's order", with: func(p *personal) {
			p.records, p.afl = map[uint16][]byte{0x0401: template(0x70, hx("DF020101")), 0x0B01: template11}, "20010101 58010101"
		}, right: true},
		{name: "files 11 and 4, signed in another order", with: func(p *personal) {
			p.records, p.afl = map[uint16][]byte{0x0401: template(0x70, hx("DF020101")), 0x0B01: template11}, "58010101 20010101"
		}},
	}
	for _, tt := range tests {
		for _, method := range []string{"SDA", "DDA", "CDA"} {
			if tt.method != "" && !strings.Contains(tt.method, method) {
				continue
			}
			t.Run(method+" "+tt.name, func(t *testing.T) {
				if got := authenticates(t, method, newSigningCard(t, method, newCannedCard(), tt.with), tt.cfg, tt.txn); got != tt.right {
					t.Errorf("right %v: want %v", got, tt.right)
				}
			})
		}
	}
}

func caKeyOf(t testing.TB, role byte, rid [5]byte, index byte) *security.CAPublicKey {
	k := testKey(t, keyKind{role, 512, 3})
	ca, err := security.NewCAPublicKey(rid, index, k.Public().Modulus(), k.Public().Exponent(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// Nothing is authenticated where the locator says so: the certificate then covers no record, and still holds.
func TestNoRecordsToAuthenticate(t *testing.T) {
	card := newSigningCard(t, "DDA", newCannedCard(), func(p *personal) { p.tagList = nil })
	issuer := testKey(t, keyKind{'I', 512, 3})
	certificate, _, err := security.IssueICCCertificate(issuer, security.ICCCertificate{PAN: [10]byte{0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19, 0xFF, 0xFF},
		Expiration: [2]byte{0x06, 0x30}}, card.key.Public(), []byte{})
	if err != nil {
		t.Fatal(err)
	}
	card.give(tlv.ICCPublicKeyCertificate, certificate)
	i := bytes.Index(card.options[0], hx("10010201"))
	card.options[0][i+3] = 0
	if !authenticates(t, "DDA", card, nil, nil) {
		t.Error("a certificate over no data is refused")
	}
	certificate[5] ^= 1
	card = newSigningCard(t, "DDA", newCannedCard(), func(p *personal) { p.tagList = nil })
	card.give(tlv.ICCPublicKeyCertificate, certificate)
	card.options[0][i+3] = 0
	var text string
	o, err := Run(card, &testTerminal{}, cfgFor(func(c *Config) {
		withODA(card.ca)(c)
		c.Trace = func(d Decision) {
			if d.Rule == RuleICCKey {
				text = d.Text
			}
		}
	}), testTransaction())
	if err != nil || o.Session.TVR() != [5]byte{0x08} || !strings.Contains(text, "9F46") {
		t.Errorf("TVR %X, %q, %v: want a failure that names 9F46", o.Session.TVR(), text, err)
	}
}

func pdolCard() *cannedCard {
	c := newCannedCard()
	c.files[visaAID] = ok(fciOf(visaAID, "500456495341 9F3806 9F0206 9F3501"))
	return c
}

// Each byte that the card and the terminal told each other, taken for another by the card: the transaction data hash differs.
func TestCDACoversTheWholeTransaction(t *testing.T) {
	for _, online := range []bool{false, true} {
		length := 0
		run := func(change func(int, []byte) []byte) Outcome {
			card := newSigningCard(t, "CDA", pdolCard(), nil)
			card.covered = change
			cfg := cfgFor(withODA(card.ca))
			if online {
				alwaysOnline(cfg)
			}
			o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"})}, cfg, testTransaction())
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		signature := 0
		if online {
			signature = 1 // the second
		}
		if o := run(func(n int, b []byte) []byte {
			if n == signature {
				length = len(b)
			}
			return b
		}); !o.Result.Approved() {
			t.Fatal(o.Result, o.Reason)
		}
		// PDOL 7, CDOL1 29, CDOL2 27 the second time, and the data objects of the answer but for the signature.
		if want := map[bool]int{false: 7 + 29 + 19, true: 7 + 29 + 27 + 19}[online]; length != want {
			t.Errorf("the hash is over %d bytes: want %d", length, want)
		}
		for i := range length {
			o := run(func(n int, b []byte) []byte {
				if n == signature {
					return flip(b, i)
				}
				return b
			})
			tvr := o.Session.TVR()
			if o.Result.Approved() || !tlv.TVRCDAFailed.In(tvr[:]) || o.HostApproved != online {
				t.Errorf("byte %d of %d, online %v: %v, TVR %X, host approved %v", i, length, online, o.Result, tvr, o.HostApproved)
			}
		}
	}
}

// Each byte of the answer to GENERATE AC, changed on its way: no approval; and where it still can be read, CDA has failed.
func TestCDAAnswerChanged(t *testing.T) {
	for _, online := range []bool{false, true} {
		for i := 0; ; i++ {
			card := newSigningCard(t, "CDA", newCannedCard(), nil)
			changed, done := map[bool]int{false: 0, true: 1}[online], false
			card.answer = func(n int, r []byte) []byte {
				if n != changed {
					return r
				}
				if done = i >= len(r)-2; done { // the status word is not the card's to sign
					return r
				}
				return flip(r, i)
			}
			cfg := cfgFor(withODA(card.ca))
			if online {
				alwaysOnline(cfg)
			}
			o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"})}, cfg, testTransaction())
			if err != nil {
				t.Fatal(err)
			}
			if done {
				if i < 80 || !o.Result.Approved() {
					t.Errorf("%d bytes tried, %v", i, o.Result)
				}
				break
			}
			tvr := o.Session.TVR()
			if o.Result.Approved() || o.Result != Terminated && !tlv.TVRCDAFailed.In(tvr[:]) && o.Session.cid&0xC0 != 0 {
				t.Errorf("byte %d changed, online %v: %v, TVR %X", i, online, o.Result, tvr)
			}
		}
	}
}

func TestCDAEnds(t *testing.T) {
	wrong := func(n int) func(*signingCard) {
		return func(c *signingCard) {
			c.combined = func(i int, d *security.CombinedData) {
				if i == n {
					d.TransactionDataHash[19] ^= 1
				}
			}
		}
	}
	host := answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"})
	declines := answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "05"})
	tests := []struct {
		name   string
		lies   func(*signingCard)
		cfg    func(*Config)
		online func(*Session) (OnlineAnswer, error) // nil: must not be asked
		result Result
		hostOK bool
		failed bool
		p1     string
	}{
		{name: "a TC", result: OfflineApproved, p1: "50"},
		{name: "another CID was signed", lies: func(c *signingCard) {
			c.combined = func(_ int, d *security.CombinedData) { d.CryptogramInformationData |= 0x08 }
		}, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "an AAC was signed, a TC is in the clear", lies: func(c *signingCard) {
			c.combined = func(_ int, d *security.CombinedData) { d.CryptogramInformationData = 0 }
		}, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "no signature at all", lies: func(c *signingCard) { c.unsigned = true }, result: Terminated, p1: "50"},
		{name: "a cryptogram in place of the signature", lies: func(c *signingCard) {
			c.ac[0] = acAnswer{raw: ok(hx("7714 9F270140 9F36020007 9F2608 1122334455667788"))}
		}, result: Terminated, p1: "50"},
		{name: "format 1 in place of the signature", lies: func(c *signingCard) { c.ac[0] = acAnswer{raw: ok(hx("800B 40 0007 1122334455667788"))} }, result: Terminated, p1: "50"},
		{name: "an AAC needs no signature", lies: func(c *signingCard) { c.ac[0] = acAnswer{raw: ok(hx("800B 00 0007 1122334455667788"))} }, result: OfflineDeclined, p1: "50"},
		{name: "another card's key", lies: func(c *signingCard) { c.key = testKey(c.t, keyKind{'P', 512, 3}) }, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "another unpredictable number", lies: func(c *signingCard) {
			c.covered = func(_ int, b []byte) []byte { c.un = []byte{9, 9, 9, 9}; return b }
		}, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "a dynamic number of one byte", lies: func(c *signingCard) {
			c.answer = func(_ int, r []byte) []byte { return resign(c, r, append([]byte{1, 7}, make([]byte, 29)...)) }
		}, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "dynamic data that are too short", lies: func(c *signingCard) { c.answer = func(_ int, r []byte) []byte { return resign(c, r, hx("020707")) } }, result: OfflineDeclined, failed: true, p1: "50"},
		{name: "a wrong TC", lies: wrong(0), result: OfflineDeclined, failed: true, p1: "50"},
		{name: "an ARQC, approved", cfg: alwaysOnline, online: host, result: OnlineApproved, hostOK: true, p1: "90 50"},
		{name: "an ARQC, declined", cfg: alwaysOnline, online: declines, result: OnlineDeclined, p1: "90 00"},
		{name: "a wrong ARQC: nobody is asked", lies: wrong(0), cfg: alwaysOnline, result: OfflineDeclined, failed: true, p1: "90 00"},
		{name: "a wrong ARQC for a TC: nobody is asked", lies: func(c *signingCard) { wrong(0)(c); c.ac[0] = acAnswer{cid: 0x80} }, result: OfflineDeclined, failed: true, p1: "50 00"},
		{name: "a wrong ARQC, and a TC for the AAC", lies: func(c *signingCard) { wrong(0)(c); c.ac[1] = acAnswer{cid: 0x40} }, cfg: alwaysOnline, result: Terminated, failed: true, p1: "90 00"},
		{name: "a wrong TC after the host's approval", lies: wrong(1), cfg: alwaysOnline, online: host, result: OnlineDeclined, hostOK: true, failed: true, p1: "90 50"},
		{name: "a wrong TC where the host cannot be reached", lies: wrong(1), cfg: alwaysOnline, online: answersNothing, result: DeclinedUnableToGoOnline, failed: true, p1: "90 50"},
		{name: "no signature with the second TC", lies: func(c *signingCard) {
			c.ac[1] = acAnswer{raw: ok(hx("800B 40 0007 1122334455667788"))}
		}, cfg: alwaysOnline, online: host, result: Terminated, hostOK: true, p1: "90 50"},
		{name: "the card refuses what the host approved, unsigned", lies: func(c *signingCard) { c.ac[1] = acAnswer{cid: 0} }, cfg: alwaysOnline, online: host, result: OnlineDeclined, hostOK: true, p1: "90 50"},
	}
	for _, mode := range []struct {
		mode         int
		online, none string
		second       bool // a wrong second signature is seen after the host's approval
	}{{0, "90 50", "90 50", true}, {1, "90 50", "90 50", true}, {2, "90 40", "90 40", false}, {3, "80 40", "80 50", false}, {4, "80 50", "80 50", true}} {
		set := func(c *Config) { alwaysOnline(c); c.CDAMode = mode.mode }
		add := func(name string, lies func(*signingCard), online func(*Session) (OnlineAnswer, error), result Result, failed bool, p1 string) {
			tests = append(tests, tests[0])
			tt := &tests[len(tests)-1]
			tt.name, tt.lies, tt.cfg, tt.online, tt.result, tt.failed, tt.p1 = fmt.Sprintf("mode %d: %s", mode.mode, name), lies, set, online, result, failed, p1
			tt.hostOK = result == OnlineApproved || result == OnlineDeclined
		}
		add("approved online", nil, host, OnlineApproved, false, mode.online)
		add("unable to go online", nil, answersNothing, ApprovedUnableToGoOnline, false, mode.none)
		if mode.second {
			add("a wrong second signature", wrong(1), host, OnlineDeclined, true, mode.online)
		} else {
			add("nobody looks at a second signature", wrong(1), host, OnlineApproved, false, mode.online)
		}
		tests = append(tests, tests[0])
		tt := &tests[len(tests)-1]
		tt.name, tt.cfg = fmt.Sprintf("mode %d: a TC at once", mode.mode), func(c *Config) { c.CDAMode = mode.mode }
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := newSigningCard(t, "CDA", newCannedCard(), nil)
			if tt.lies != nil {
				tt.lies(card)
			}
			cfg := cfgFor(withODA(card.ca))
			if tt.cfg != nil {
				tt.cfg(cfg)
			}
			asked := 0
			o, err := Run(card, &testTerminal{online: func(s *Session) (OnlineAnswer, error) {
				if asked++; tt.online == nil {
					t.Error("somebody is asked")
					return OnlineAnswer{}, nil
				}
				return tt.online(s)
			}}, cfg, testTransaction())
			if err != nil {
				t.Fatal(err)
			}
			var p1 []string
			for _, c := range card.commands(apdu.InsGenerateAC) {
				p1 = append(p1, fmt.Sprintf("%02X", c[2]))
			}
			tvr := o.Session.TVR()
			if o.Result != tt.result || o.HostApproved != tt.hostOK || tlv.TVRCDAFailed.In(tvr[:]) != tt.failed || strings.Join(p1, " ") != tt.p1 || tt.online != nil && asked != 1 {
				t.Errorf("%v (%v), host approved %v, TVR %X, GENERATE AC %q, asked %d times: want %v, %v, %v, %q", o.Result, o.Reason, o.HostApproved, tvr, p1, asked, tt.result, tt.hostOK, tt.failed, tt.p1)
			}
			if tt.failed && o.Reason == nil {
				t.Error("no reason")
			}
		})
	}
}

// resign puts other dynamic data under the card's signature.
func resign(c *signingCard, response, data []byte) []byte {
	v, err := tlv.Only(response[:len(response)-2], 0x77)
	if err != nil {
		c.t.Fatal(err)
	}
	signed, err := security.SignDynamicData(c.key, data, c.un)
	if err != nil {
		c.t.Fatal(err)
	}
	var b []byte
	for r := tlv.NewReader(v); r.Next(); {
		if r.Tag() != tlv.SignedDynamicApplicationData {
			b = append(b, r.Raw()...)
		}
	}
	return ok(template(0x77, b, object(tlv.SignedDynamicApplicationData, signed)))
}

// The ICC dynamic number 9F4C is zeros in the first list under CDA, the card's own in the second; under DDA it is there from the first.
// A cryptogram whose signature is wrong is not the first one's.
func TestDynamicNumberInLists(t *testing.T) {
	for _, method := range []string{"DDA", "CDA"} {
		base := newCannedCard()
		base.give(tlv.CDOL1, hx("9F4C08 9F3704"))
		base.give(tlv.CDOL2, hx("8A02 9F4C08"))
		card := newSigningCard(t, method, base, nil)
		cfg := cfgFor(withODA(card.ca))
		alwaysOnline(cfg)
		o, err := Run(card, &testTerminal{online: answers(OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"})}, cfg, testTransaction())
		if err != nil || o.Result != OnlineApproved {
			t.Fatal(o.Result, o.Reason, err)
		}
		first, second := "0000000000000000", "0102030405060708"
		if method == "DDA" {
			first = second
		}
		gac := card.commands(apdu.InsGenerateAC)
		if got := fmt.Sprintf("%X", gac[0][5:13]); got != first {
			t.Errorf("%s: 9F4C in CDOL1 is %s: want %s", method, got, first)
		}
		if got := fmt.Sprintf("%X", gac[1][7:15]); got != second {
			t.Errorf("%s: 9F4C in CDOL2 is %s: want %s", method, got, second)
		}
	}
}

// What only a signature can say is not taken from a record.
func TestSignedObjectsAreNotTakenFromRecords(t *testing.T) {
	for _, method := range []string{"SDA", "DDA", "CDA", ""} {
		base := newCannedCard()
		base.give(tlv.DataAuthenticationCode, hx("BAD0"))
		base.give(tlv.ICCDynamicNumber, hx("BADBADBADBADBAD0"))
		base.give(tlv.CDOL1, hx("9F4502 9F4C08 9F3704"))
		var chip apdu.Card = base
		cfg := cfgFor(withODA(nil))
		if method != "" {
			card := newSigningCard(t, method, base, nil)
			chip, cfg.CAPublicKeys = card, []*security.CAPublicKey{card.ca}
		}
		if o, err := Run(chip, &testTerminal{}, cfg, testTransaction()); err != nil || !o.Result.Approved() {
			t.Fatal(o.Result, o.Reason, err)
		}
		want := map[string]string{"SDA": "DAC0" + "0000000000000000", "DDA": "0000" + "0102030405060708"}[method]
		if want == "" {
			want = "00000000000000000000"
		}
		if got := fmt.Sprintf("%X", base.commands(apdu.InsGenerateAC)[0][5:15]); got != want {
			t.Errorf("%q: 9F45 and 9F4C are %s: want %s", method, got, want)
		}
	}
}

func TestNoCryptogramOfTheFirstBesideTheSecond(t *testing.T) {
	card := newSigningCard(t, "CDA", newCannedCard(), nil)
	card.combined = func(n int, d *security.CombinedData) { d.TransactionDataHash[0] ^= byte(n) }
	cfg := cfgFor(withODA(card.ca))
	alwaysOnline(cfg)
	o, err := Run(card, &testTerminal{online: func(s *Session) (OnlineAnswer, error) {
		if got := fmt.Sprintf("%X", s.Data(tlv.ApplicationCryptogram)); got != "C0C1C2C3C4C5C600" {
			t.Errorf("ARQC %s", got)
		}
		return OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"}, nil
	}}, cfg, testTransaction())
	if err != nil || o.Result != OnlineDeclined {
		t.Fatal(o.Result, o.Reason, err)
	}
	if got := o.Session.Data(tlv.ApplicationCryptogram); got != nil {
		t.Errorf("9F26 is %X beside a second signature that is wrong: want none", got)
	}
	if _, arqc := o.Session.FirstGenerateAC(); fmt.Sprintf("%X", arqc) != "C0C1C2C3C4C5C600" {
		t.Errorf("the first cryptogram is %X", arqc)
	}
}

// The key that the pad gets is the card's for PINs, or else its own: the block that is enciphered under it opens.
func TestEncipheredPINKeys(t *testing.T) {
	for _, own := range []bool{false, true} {
		base := newCannedCard()
		base.give(tlv.CVMList, hx("0000000000000000 0400"))
		card := newSigningCard(t, "DDA", base, func(p *personal) { p.pinKey = own })
		want := card.key
		if own {
			want = card.pinKey
		}
		challenge, block := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, [8]byte{0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
		o, err := Run(card, &testTerminal{verify: func(_ *Session, p OfflinePIN) (PINEntry, apdu.SW, error) {
			if p.Key == nil || !p.Key.Equal(want.Public()) {
				t.Fatalf("own key %v: another key", own)
			}
			var a security.Arithmetic
			secret, err := a.EncipherPIN(p.Key, &block, challenge, unpredictable{7, 7, 7, 7})
			if err != nil {
				t.Fatal(err)
			}
			if b, c, err := want.DecipherPIN(secret); err != nil || b != block || c != challenge {
				t.Fatalf("%v, challenge %X, block differs: %v", err, c, b != block)
			}
			return PINEntered, 0x9000, nil
		}}, cfgFor(withODA(card.ca)), testTransaction())
		if err != nil || o.Result != OfflineApproved || fmt.Sprintf("%X", o.Session.Data(tlv.CVMResults)) != "040002" {
			t.Error(o.Result, o.Reason, err)
		}
	}
}

// A card that is pulled out is an error wherever it happens, never an outcome; what the host had said by then stands beside it.
func TestPulledAnywhere(t *testing.T) {
	for _, method := range []string{"SDA", "DDA", "CDA"} {
		for pulled := 0; ; pulled++ {
			base := newCannedCard()
			base.give(tlv.CVMList, hx("0000000000000000 0100"))
			base.give(tlv.LowerConsecutiveOfflineLimit, []byte{2})
			base.give(tlv.UpperConsecutiveOfflineLimit, []byte{4})
			base.data = map[uint16][]byte{0x9F36: {0, 5}, 0x9F13: {0, 4}, 0x9F17: {3}}
			card := newSigningCard(t, method, base, nil)
			commands, answered := 0, false
			chip := cardFunc(func(c []byte) ([]byte, error) {
				if commands++; commands > pulled {
					return nil, fmt.Errorf("slot 1: %w", apdu.ErrCardRemoved)
				}
				return card.Transmit(c)
			})
			cfg := cfgFor(withODA(card.ca))
			alwaysOnline(cfg)
			o, err := Run(chip, &testTerminal{
				verify: func(_ *Session, p OfflinePIN) (PINEntry, apdu.SW, error) {
					_, err := p.Card.Transmit(hx("0020008008 241234FFFFFFFFFF"))
					return PINEntered, 0x9000, err
				},
				online: func(*Session) (OnlineAnswer, error) {
					answered = true
					return OnlineAnswer{Reached: true, AuthorisationResponseCode: "00", IssuerAuthenticationData: hx("A1A2A3A4A5A6A7A83030")}, nil
				}}, cfg, testTransaction())
			if err == nil {
				if o.Result != OnlineApproved || pulled < 15 {
					t.Errorf("%s: %v after %d commands", method, o.Result, pulled)
				}
				break
			}
			if !errors.Is(err, apdu.ErrCardRemoved) || o.Result != 0 || o.Session == nil || o.HostApproved != answered || o.SignatureRequired {
				t.Fatalf("%s, pulled after %d commands: %v, %v, host approved %v: want %v", method, pulled, o.Result, err, o.HostApproved, answered)
			}
		}
	}
}
