package emv

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// keyKind is a key of the tests: role apart, so that an issuer of 512 bits is not its own authority.
type keyKind struct {
	role           byte
	bits, exponent int
}

// testKeys makes each key once: they are the same in every run.
var testKeys = struct {
	sync.Mutex
	made map[keyKind]*security.PrivateKey
}{made: map[keyKind]*security.PrivateKey{}}

func testKey(t testing.TB, kind keyKind) *security.PrivateKey {
	t.Helper()
	testKeys.Lock()
	defer testKeys.Unlock()
	if k := testKeys.made[kind]; k != nil {
		return k
	}
	seed := [32]byte{kind.role, byte(kind.bits >> 8), byte(kind.bits), byte(kind.exponent)}
	k, err := security.GeneratePrivateKey(rand.NewChaCha8(seed), kind.bits, kind.exponent)
	if err != nil {
		t.Fatal(err)
	}
	testKeys.made[kind] = k
	return k
}

const caIndex = 0x99

var testRID = [5]byte{0xA0, 0, 0, 0, 3}

// personal is what a signing card is made from. Zero key lengths are 512 bits, the shortest: all three keys then have remainders.
type personal struct {
	aip                   string // two bytes; "" is what the method wants, with CVM and issuer authentication
	ca, issuerKey, iccKey int    // bits
	exponent, iccExponent int    // 0: 3
	issuer                security.IssuerCertificate
	icc                   security.ICCCertificate
	tagList               []byte            // 9F4A
	ddol                  []byte            // 9F49
	pinKey                bool              // a PIN encipherment key of its own
	records               map[uint16][]byte // more records to authenticate, in files 4 and 11
	afl                   string            // their entries

	objects func(o objects) // what is changed once everything is signed
}

// objects are the data objects of offline data authentication by tag; nil or missing: the card has none.
type objects map[tlv.Tag][]byte

// signingCard is a cannedCard that signs: it has a chain of certificates, answers INTERNAL AUTHENTICATE and signs its cryptograms
// where it is asked to.
type signingCard struct {
	*cannedCard
	t       testing.TB
	ca      *security.CAPublicKey
	key     *security.PrivateKey
	pinKey  *security.PrivateKey
	objects objects
	static  []byte

	pdol, cdol1, cdol2 []byte
	pdolData, un       []byte
	cdolData           []byte // of both GENERATE AC commands
	generated          int

	covered  func(n int, b []byte) []byte          // what the card takes for the transaction's data
	number   []byte                                // ICC dynamic number; nil: 0102030405060708
	dynamic  func(command, response []byte) []byte // what INTERNAL AUTHENTICATE answers instead
	combined func(n int, c *security.CombinedData) // what is changed before the cryptogram is signed
	answer   func(n int, response []byte) []byte   // what GENERATE AC answers instead
	unsigned bool                                  // gives no signature though asked for one
}

// newSigningCard makes a card for a method: "SDA", "DDA" or "CDA".
func newSigningCard(t testing.TB, method string, base *cannedCard, change func(*personal)) *signingCard {
	t.Helper()
	p := personal{
		ca: 512, issuerKey: 512, iccKey: 512, exponent: 3, iccExponent: 3,
		issuer: security.IssuerCertificate{IssuerIdentifier: [4]byte{0x47, 0x61, 0x73, 0xFF}, Expiration: [2]byte{0x12, 0x31}, SerialNumber: [3]byte{1, 2, 3}},
		icc: security.ICCCertificate{PAN: [10]byte{0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19, 0xFF, 0xFF},
			Expiration: [2]byte{0x06, 0x30}, SerialNumber: [3]byte{4, 5, 6}},
		aip:     map[string]string{"SDA": "5C00", "DDA": "3C00", "CDA": "1D00"}[method],
		tagList: []byte{0x82}, ddol: hx("9F3704"),
	}
	if change != nil {
		change(&p)
	}
	c := &signingCard{cannedCard: base, t: t}
	ca := testKey(t, keyKind{'A', p.ca, p.exponent})
	issuer := testKey(t, keyKind{'I', p.issuerKey, p.exponent})
	c.key = testKey(t, keyKind{'C', p.iccKey, p.iccExponent})
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c.ca, err = security.NewCAPublicKey(testRID, caIndex, ca.Public().Modulus(), ca.Public().Exponent(), nil)
	must()
	aip := hx(p.aip)
	c.static = base.recordValue(0x0201)
	for _, at := range []uint16{0x0401, 0x0B01} {
		if r := p.records[at]; at>>8 > 10 {
			c.static = append(c.static, r...)
		} else if r != nil {
			v, err := tlv.Only(r, 0x70)
			if err != nil {
				t.Fatal(err)
			}
			c.static = append(c.static, v...)
		}
	}
	if bytes.Equal(p.tagList, []byte{0x82}) {
		c.static = append(c.static, aip...)
	}
	o := objects{tlv.CertificationAuthorityPublicKeyIndex: {caIndex}, tlv.IssuerPublicKeyExponent: issuer.Public().Exponent(),
		tlv.StaticDataAuthenticationTagList: p.tagList}
	o[tlv.IssuerPublicKeyCertificate], o[tlv.IssuerPublicKeyRemainder], err = security.IssueIssuerCertificate(ca, p.issuer, issuer.Public())
	must()
	if method == "SDA" {
		o[tlv.SignedStaticApplicationData], err = security.SignStaticData(issuer, [2]byte{0xDA, 0xC0}, c.static)
		must()
	} else {
		o[tlv.DDOL] = p.ddol
		o[tlv.ICCPublicKeyExponent] = c.key.Public().Exponent()
		o[tlv.ICCPublicKeyCertificate], o[tlv.ICCPublicKeyRemainder], err = security.IssueICCCertificate(issuer, p.icc, c.key.Public(), append([]byte{}, c.static...))
		must()
	}
	if p.pinKey {
		c.pinKey = testKey(t, keyKind{'P', 512, 3})
		o[tlv.ICCPINEnciphermentPublicKeyExponent] = c.pinKey.Public().Exponent()
		o[tlv.ICCPINEnciphermentPublicKeyCertificate], o[tlv.ICCPINEnciphermentPublicKeyRemainder], err = security.IssueICCCertificate(issuer, p.icc, c.pinKey.Public(), nil)
		must()
	}
	c.objects = o
	if p.objects != nil {
		p.objects(o)
	}
	c.store(aip, p)
	return c
}

// store puts the objects into file 3, as many in a record as go into 200 bytes, and writes the locator.
func (c *signingCard) store(aip []byte, p personal) {
	n := byte(0)
	var record []byte
	flush := func() {
		if record != nil {
			n++
			c.records[0x0300|uint16(n)] = ok(template(0x70, record))
			record = nil
		}
	}
	for _, tag := range []tlv.Tag{tlv.CertificationAuthorityPublicKeyIndex, tlv.IssuerPublicKeyCertificate, tlv.IssuerPublicKeyRemainder, tlv.IssuerPublicKeyExponent,
		tlv.StaticDataAuthenticationTagList, tlv.SignedStaticApplicationData, tlv.ICCPublicKeyCertificate, tlv.ICCPublicKeyRemainder, tlv.ICCPublicKeyExponent, tlv.DDOL,
		tlv.ICCPINEnciphermentPublicKeyCertificate, tlv.ICCPINEnciphermentPublicKeyRemainder, tlv.ICCPINEnciphermentPublicKeyExponent} {
		v := object(tag, c.objects[tag])
		if len(record)+len(v) > 200 {
			flush()
		}
		record = append(record, v...)
	}
	flush()
	for at, r := range p.records {
		c.records[at] = ok(r)
	}
	afl := hx("08010100 10010201" + p.afl)
	if n > 0 {
		afl = append(afl, 0x18, 1, n, 0)
	}
	c.options = [][]byte{ok(template(0x80, aip, afl))}
	for _, at := range []uint16{0x0101, 0x0202} {
		v := c.recordValue(at)
		if list, found, _ := tlv.Find(v, tlv.CDOL1); found {
			c.cdol1 = list
		}
		if list, found, _ := tlv.Find(v, tlv.CDOL2); found {
			c.cdol2 = list
		}
	}
	if f, err := parseFCI(bytes.TrimSuffix(c.files[visaAID], sw(0x9000))); err == nil {
		c.pdol, _, _ = tlv.Find(f.proprietary, tlv.PDOL)
	}
}

func (c *signingCard) Transmit(command []byte) ([]byte, error) {
	p, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	switch {
	case p.CLA == 0x84 || p.CLA == 0x8C:
	case p.INS == apdu.InsGetProcessingOptions:
		v, err := tlv.Only(p.Data, tlv.CommandTemplate)
		if err != nil {
			return nil, err
		}
		c.pdolData = bytes.Clone(v)
		c.findUN(c.pdol, c.pdolData)
	case p.INS == apdu.InsInternalAuthenticate:
		c.sent = append(c.sent, bytes.Clone(command))
		return c.authenticate(p.Data), nil
	case p.INS == apdu.InsGenerateAC:
		c.sent = append(c.sent, bytes.Clone(command))
		return c.generate(p), nil
	}
	return c.cannedCard.Transmit(command)
}

// findUN takes the unpredictable number out of what a list brought.
func (c *signingCard) findUN(dol, data []byte) {
	entries, err := tlv.ParseDOL(dol)
	if err != nil {
		return
	}
	at := 0
	for _, e := range entries {
		if e.Tag == tlv.UnpredictableNumber && at+e.Length <= len(data) {
			c.un = bytes.Clone(data[at : at+e.Length])
		}
		at += e.Length
	}
}

func (c *signingCard) dynamicNumber() []byte {
	if c.number != nil {
		return c.number
	}
	return hx("0102030405060708")
}

func (c *signingCard) authenticate(data []byte) []byte {
	number := c.dynamicNumber()
	signed, err := security.SignDynamicData(c.key, append([]byte{byte(len(number))}, number...), data)
	if err != nil {
		c.t.Fatal(err)
	}
	r := template(0x80, signed)
	if c.dynamic != nil {
		return c.dynamic(data, r)
	}
	return ok(r)
}

func (c *signingCard) generate(p apdu.Command) []byte {
	if len(c.ac) == 0 {
		return sw(0x6985)
	}
	a := c.ac[0]
	c.ac = c.ac[1:]
	if a.raw != nil {
		return a.raw
	}
	if a.echo {
		a.cid = p.P1 & 0xC0
	}
	n := c.generated
	c.generated++
	list := c.cdol1
	if n > 0 {
		list = c.cdol2
	}
	c.findUN(list, p.Data)
	c.cdolData = append(c.cdolData, p.Data...)
	body := bytes.Join([][]byte{object(tlv.CryptogramInformationData, []byte{a.cid}), object(tlv.ApplicationTransactionCounter, []byte{0, 7}),
		object(tlv.IssuerApplicationData, hx("06010A03A4A800"))}, nil)
	cryptogram := [8]byte{0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, byte(n)}
	switch {
	case p.P1&askForSignature == 0 || a.cid&0xC0 == 0:
		body = append(body, object(tlv.ApplicationCryptogram, cryptogram[:])...)
	case !c.unsigned:
		covered := bytes.Join([][]byte{c.pdolData, c.cdolData, body}, nil)
		if c.covered != nil {
			covered = c.covered(n, covered)
		}
		data := security.CombinedData{Number: c.dynamicNumber(), CryptogramInformationData: a.cid, Cryptogram: cryptogram, TransactionDataHash: sha1.Sum(covered)}
		if c.combined != nil {
			c.combined(n, &data)
		}
		inside, err := security.AppendCombined(nil, data)
		if err != nil {
			c.t.Fatal(err)
		}
		signed, err := security.SignDynamicData(c.key, inside, c.un)
		if err != nil {
			c.t.Fatal(err)
		}
		body = append(body, object(tlv.SignedDynamicApplicationData, signed)...)
	}
	r := ok(template(0x77, body))
	if c.answer != nil {
		return c.answer(n, r)
	}
	return r
}

// recordValue is what is inside a record's template.
func (c *cannedCard) recordValue(at uint16) []byte {
	r := c.records[at]
	v, err := tlv.Only(r[:len(r)-2], 0x70)
	if err != nil {
		panic(err)
	}
	return bytes.Clone(v)
}

// give replaces a data object wherever it stands, or adds it to the first record, which is not authenticated; nil takes it away.
func (c *cannedCard) give(tag tlv.Tag, value []byte) {
	found := false
	for at := range c.records {
		var b []byte
		changed := false
		r := tlv.NewReader(c.recordValue(at))
		for r.Next() {
			switch {
			case r.Tag() != tag:
				b = append(b, r.Raw()...)
			default:
				b = append(b, object(tag, value)...)
				found, changed = true, true
			}
		}
		if changed {
			c.records[at] = ok(template(0x70, b))
		}
	}
	if !found && value != nil {
		c.records[0x0101] = ok(template(0x70, c.recordValue(0x0101), object(tag, value)))
	}
}

// profile sets the application interchange profile.
func (c *cannedCard) profile(aip string) {
	c.options = [][]byte{ok(hx("800A" + aip + "08010100 10010200"))}
}

// withODA is a terminal that has all methods and a card's authority.
func withODA(ca *security.CAPublicKey) func(*Config) {
	return func(c *Config) {
		c.Capabilities = [3]byte{0xE0, 0xF8, 0xC8}
		if ca != nil {
			c.CAPublicKeys = []*security.CAPublicKey{ca}
		}
		c.Applications[0].DefaultDDOL = hx("9F3704")
		c.Applications[0].TACDenial = [5]byte{} // what fails shows in the TVR and is for the test to judge
	}
}

// The tests' card is what it claims: each method succeeds, with short keys and long ones, with and without remainders.
func TestSigningCard(t *testing.T) {
	lengths := []func(*personal){nil,
		func(p *personal) { p.ca, p.issuerKey, p.iccKey = 1152, 864, 512 }, // no remainder anywhere
		func(p *personal) { p.ca, p.issuerKey, p.iccKey, p.iccExponent = 640, 600, 544, 65537 },
	}
	for _, method := range []string{"SDA", "DDA", "CDA"} {
		for i, length := range lengths {
			t.Run(fmt.Sprintf("%s %d", method, i), func(t *testing.T) {
				card := newSigningCard(t, method, newCannedCard(), length)
				if long := i == 1; (card.objects[tlv.IssuerPublicKeyRemainder] == nil) != long {
					t.Errorf("remainder of %d bytes", len(card.objects[tlv.IssuerPublicKeyRemainder]))
				}
				o, err := Run(card, &testTerminal{}, cfgFor(withODA(card.ca)), testTransaction())
				if err != nil || o.Result != OfflineApproved {
					t.Fatal(o.Result, o.Reason, err)
				}
				tvr, tsi := [5]byte{}, [2]byte{0xE8, 0}
				if method == "SDA" {
					tvr[0] = 0x02
				}
				if s := o.Session; s.ODAMethod() != method || s.TVR() != tvr || s.TSI() != tsi {
					t.Errorf("%s, TVR %X, TSI %X: want %s, %X, %X", s.ODAMethod(), s.TVR(), s.TSI(), method, tvr, tsi)
				}
				if method == "SDA" {
					if got := o.Session.Data(tlv.DataAuthenticationCode); !bytes.Equal(got, []byte{0xDA, 0xC0}) {
						t.Errorf("data authentication code %X", got)
					}
					return
				}
				if got := o.Session.Data(tlv.ICCDynamicNumber); !bytes.Equal(got, hx("0102030405060708")) {
					t.Errorf("ICC dynamic number %X", got)
				}
				if got := o.Session.Data(tlv.ApplicationCryptogram); !bytes.Equal(got, hx("C0C1C2C3C4C5C600")) {
					t.Errorf("cryptogram %X", got)
				}
			})
		}
	}
}
