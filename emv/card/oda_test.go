package card_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
)

// transcript is a recorded session with all the keys of the card.
type transcript struct {
	ID, Title string
	CAPK      []struct{ RID, Index, Modulus, Exponent, SHA1 string }
	Exchanges []struct{ Phase, Command, Response string }
	Expected  struct {
		AC string `json:"application_cryptogram"`
	}
	Card struct {
		AID, PAN, PSN, AIP, AFL string
		ICC                     rsaKey `json:"icc_private_key"`
		Issuer                  rsaKey `json:"issuer_private_key"`
		CA                      rsaKey `json:"ca_private_key"`
		MasterKey               string `json:"icc_master_key_ac"`
	}
}

type rsaKey struct{ Modulus, Exponent, P, Q string }

func (k rsaKey) yaml(name string) string {
	return fmt.Sprintf("%s:\n  exponent: 3\n  modulus: %q\n  p: %q\n  q: %q\n", name, k.Modulus, k.P, k.Q)
}

// recorded is the card of the transcripts as a profile. What the recording cannot say of itself is in it as it was: the
// certificates' serial numbers and dates, the dynamic number, the issuer application data.
const recorded = `
title: recorded
title_zh: 记录
scheme: none
pan: "PAN"
psn: "01"
cardholder: POSIM/TESTCARD
effective: 2024-01
expiry: 2029-12
stripe: {service_code: "201", discretionary: "12345678"}
chip:
  language: en
  offline_pin: {limit: 3, left: TRIES}
  applications:
    - aid: A0000009990101
      label: POSIM DEBIT
      priority: 1
      format: 1
      cryptogram: visa-cvn18
      aip: "3800"
      afl: "08010100 10010201 18010200 20010200"
      keys: recorded
      certificates: {issuer_identifier: "49999900", issuer_expiry: 2049-12, issuer_serial: "000123", icc_expiry: 2049-12, icc_serial: "000456"}
      dynamic_number: "NUMBER"
      issuer_application_data: "IAD"
      records:
        - {sfi: 1, record: 1, data: {57: $track2, 5F20: $cardholder, 9F1F: $track1_discretionary}}
        - sfi: 2
          record: 1
          data: {5F24: $expiry, 5F25: $effective, 5A: $pan, 5F34: $psn, 9F07: "FF80", 8E: "0000000000000000 4103 1E03 1F00",
            9F0D: "F850ACF800", 9F0E: "0000000000", 9F0F: "F850ACF800", 5F28: "0528", 9F4A: "82"}
        - sfi: 2
          record: 2
          data: {8C: "9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04", 8D: "8A 02 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04",
            9F08: "0002", 9F42: "0978", 9F44: "02"}
        - {sfi: 3, record: 1, data: {8F: $ca_index, 9F32: $issuer_exponent, 92: $issuer_remainder}}
        - {sfi: 3, record: 2, data: {90: $issuer_certificate}}
        - {sfi: 4, record: 1, data: {9F46: $icc_certificate}}
        - {sfi: 4, record: 2, data: {9F47: $icc_exponent, 9F49: "9F37 04", 9F48: $icc_remainder}}
issuer:
  status: active
  balance: "1.00"
  currency: "978"
  pin: "1234"
  imk: {name: none, key: "00000000000000000000000000000000"}
  derivation: A
  cryptogram: visa
`

// Two whole sessions, computed by an independent reference: this card, personalised with the same keys, gives the same bytes
// in every answer, with its certificates, its dynamic signature and its cryptograms. Of the issuer application data the
// recording has a fixed value, and no issuer master key; both are given. The second GENERATE AC has other application data
// than the first, so its cryptogram is not compared.
func TestRecordedSessions(t *testing.T) {
	for _, test := range []struct {
		file, number, iad, tries, atc string
	}{
		{"transcript_D1.json", "1122334455667788", "06011203A4B800", "3", "0006"},
		{"transcript_D2.json", "", "06011203A4B800", "2", "0007"},
	} {
		t.Run(test.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../../testdata/vectors/emv", test.file))
			if err != nil {
				t.Fatal(err)
			}
			var v transcript
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			ca := v.CAPK[0]
			keys, err := card.ParseKeys("recorded.yaml", []byte(fmt.Sprintf("rid: %q\nindex: %q\nchecksum: %q\n", ca.RID, ca.Index, ca.SHA1)+
				v.Card.CA.yaml("authority")+v.Card.Issuer.yaml("issuer")+v.Card.ICC.yaml("icc")))
			if err != nil {
				t.Fatal(err)
			}
			if err := keys.Check(); err != nil {
				t.Fatal(err)
			}
			number := test.number
			if number == "" { // what the signature of the recording holds
				number = recordedNumber(t, keys, v)
			}
			src := strings.NewReplacer("PAN\"", v.Card.PAN+"\"", "TRIES", test.tries, "NUMBER", number, "IAD", test.iad).Replace(recorded)
			p, err := card.ParseAnyNumber("recorded.yaml", []byte(src), keys)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.UseMasterKey(unhex(t, v.Card.MasterKey)); err != nil {
				t.Fatal(err)
			}
			c, err := card.NewUsed(p, bytes.NewReader(unhex(t, test.atc)))
			if err != nil {
				t.Fatal(err)
			}
			c.Reset()
			for _, e := range v.Exchanges {
				if e.Phase == "gac2" {
					continue
				}
				got, err := c.Transmit(unhex(t, e.Command))
				if err != nil || strings.ToUpper(hex.EncodeToString(got)) != e.Response {
					t.Errorf("%s: %s:\n%X, want\n%s", e.Phase, e.Command, got, e.Response)
				}
			}
		})
	}
}

// recordedNumber opens the dynamic signature of a recording.
func recordedNumber(t *testing.T, keys *card.Keys, v transcript) string {
	t.Helper()
	_, _, icc, err := keys.Chain()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range v.Exchanges {
		if e.Phase == "internal_authenticate" {
			signed := unhex(t, e.Response)
			block := open(t, icc.Public(), signed[3:len(signed)-2])
			return hex.EncodeToString(block[5 : 4+block[3]])
		}
	}
	t.Fatal("no signature")
	return ""
}

func open(t *testing.T, key *security.PublicKey, signature []byte) []byte {
	t.Helper()
	var a security.Arithmetic
	block, err := a.Recover(nil, key, signature)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(block)
}

// library is the committed key files.
func library(t testing.TB) []*card.Keys {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cards, "keys", "*.yaml"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d key files, %v", len(files), err)
	}
	var all []*card.Keys
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		k, err := card.ParseKeys(file, src)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

func TestCommittedKeys(t *testing.T) {
	seen := map[string]string{}
	for _, k := range library(t) {
		if err := k.Check(); err != nil {
			t.Error(err)
		}
		rid := k.Authority.RID()
		name := fmt.Sprintf("%X %02X", rid, k.Authority.Index())
		if seen[name] != "" {
			t.Errorf("%s and %s have the same authority key %s", k.Name, seen[name], name)
		}
		seen[name] = k.Name
		if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Count(text, "keys "+k.Name) != 4 || len(text) > 200 {
			t.Errorf("printed: %s", text)
		}
	}
}

// terminal does the terminal's half of offline data authentication with what the card has given; problem is the first
// thing that it finds, "" if it finds nothing.
type terminal struct {
	a           security.Arithmetic
	ca          *security.CAPublicKey
	issuer, icc security.PublicKey
}

func (d *desk) static(o map[uint32][]byte) (static []byte) {
	afl := o[0x94]
	for i := 0; i < len(afl); i += 4 {
		for n := range afl[i+3] {
			record := d.want(fmt.Sprintf("00B2%02X%02X00", afl[i+1]+n, afl[i]|4), "9000")
			r := tlv.NewReader(record)
			r.Next()
			static = append(static, r.Value()...)
		}
	}
	if bytes.Equal(o[0x9F4A], []byte{0x82}) {
		static = append(static, o[0x82]...)
	}
	return static
}

const today = 20260302

// chain goes down to the card's key, or checks the static signature.
func (d *desk) chain(x *terminal, o map[uint32][]byte, dynamic bool) (problem string) {
	d.t.Helper()
	for _, k := range library(d.t) {
		if rid := k.Authority.RID(); bytes.HasPrefix(o[0x84], rid[:]) && len(o[0x8F]) == 1 && k.Authority.Index() == o[0x8F][0] {
			x.ca = k.Authority
		}
	}
	static := d.static(o)
	if x.ca == nil {
		return "no authority key"
	}
	issuer, err := x.a.RecoverIssuerKey(&x.issuer, x.ca, o[0x90], o[0x92], o[0x9F32])
	switch {
	case err != nil:
		return err.Error()
	case !security.IdentifierMatches(issuer.IssuerIdentifier, d.p.PAN.Digits()):
		return "issuer identifier"
	case !security.ValidOn(issuer.Expiration, today):
		return "issuer certificate expired"
	case issuer.SerialNumber == [3]byte{0x0B, 0xAD, 0x01}:
		return "revoked"
	}
	if !dynamic {
		if _, err := x.a.RecoverStaticData(&x.issuer, o[0x93], static); err != nil {
			return err.Error()
		}
		return ""
	}
	icc, err := x.a.RecoverICCKey(&x.icc, &x.issuer, o[0x9F46], o[0x9F48], o[0x9F47], static)
	switch {
	case err != nil:
		return err.Error()
	case !security.PANMatches(icc.PAN, d.p.PAN.Digits()):
		return "number"
	case !security.ValidOn(icc.Expiration, today):
		return "ICC certificate expired"
	}
	return ""
}

// Every card of the library that announces offline data authentication passes it, by the terminal's half, unless it is one
// of those that are wrong on purpose: then exactly that is found.
func TestOfflineDataAuthentication(t *testing.T) {
	broken := map[string]string{
		"broken-ca-index":            "no authority key",
		"broken-issuer-certificate":  "issuer certificate 90",
		"broken-issuer-hash":         "issuer certificate 90: hash",
		"broken-issuer-identifier":   "issuer identifier",
		"broken-issuer-remainder":    "public key remainder missing",
		"broken-icc-certificate":     "ICC certificate 9F46",
		"broken-icc-pan":             "number",
		"broken-icc-missing":         "ICC certificate 9F46: length 0",
		"broken-static-data":         "ICC certificate 9F46: hash",
		"broken-signed-static-data":  "signed static application data 93: hash",
		"broken-dda-signature":       "signed dynamic application data 9F4B: hash",
		"broken-cda-signature":       "signed dynamic application data 9F4B",
		"broken-cda-hash":            "transaction data hash",
		"broken-cda-cid":             "cryptogram information",
		"issuer-certificate-expired": "issuer certificate expired",
		"issuer-certificate-revoked": "revoked",
		"icc-certificate-expired":    "ICC certificate expired",
	}
	tried := 0
	for _, name := range names(t) {
		p := profile(t, name)
		if !p.HasChip || p.Issuer.IssuerMasterKey() == nil || p.HasPurse() { // a purse signs in another way: purse_test.go
			continue
		}
		d := newDesk(t, p)
		aid := firstAID(p)
		if _, sw := d.send(fmt.Sprintf("00A40400%02X%s00", len(aid)/2, aid)); sw != "9000" {
			continue
		}
		if _, sw := d.send("80A8000002830000"); sw == "6985" {
			continue
		}
		d = newDesk(t, p)
		o := d.start()
		if o[0x82][0]&0x61 == 0 {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			d.t = t
			problem := d.authenticate(o)
			if want := broken[name]; want == "" && problem != "" || !strings.Contains(problem, want) {
				t.Errorf("found %q, want %q", problem, want)
			}
			delete(broken, name)
		})
	}
	if tried < 25 || len(broken) > 0 {
		t.Errorf("%d cards; not tried: %v", tried, broken)
	}
}

// authenticate is SDA, DDA and CDA, whichever the card announces, and returns the first problem.
func (d *desk) authenticate(o map[uint32][]byte) string {
	d.t.Helper()
	var x terminal
	if o[0x82][0]&0x40 != 0 {
		if problem := d.chain(&x, o, false); problem != "" {
			return problem
		}
	}
	if o[0x82][0]&0x21 == 0 {
		return ""
	}
	if problem := d.chain(&x, o, true); problem != "" {
		return problem
	}
	if o[0x82][0]&0x20 != 0 && o[0x82][0]&0x01 == 0 {
		answer := d.want("008800000452BF458500", "9000")
		signed := map[uint32][]byte{}
		collect(d.t, answer, signed)
		data, err := x.a.RecoverDynamicData(&x.icc, signed[0x9F4B], unhex(d.t, "52BF4585"))
		if err != nil {
			return err.Error()
		}
		if number, err := data.Number(); err != nil || len(number) != 8 {
			return fmt.Sprintf("number %X, %v", number, err)
		}
	}
	if o[0x82][0]&0x01 != 0 {
		return d.combined(&x, o)
	}
	return ""
}

// combined checks the signatures of both cryptograms of a transaction (Book 2, 6.6.2), and that an AAC has none.
func (d *desk) combined(x *terminal, o map[uint32][]byte) string {
	d.t.Helper()
	cdol1 := fill(d.t, o[0x8C], terminalData)
	sent := append(fill(d.t, o[0x9F38], terminalData), cdol1...) // what the hash covers of the terminal's
	first := d.want(fmt.Sprintf("80AE9000%02X%X00", len(cdol1), cdol1), "9000")
	g, problem := x.open(d.t, first, sent)
	if problem != "" || g.cid != 0x80 {
		return fmt.Sprintf("%s (CID %02X)", problem, g.cid)
	}
	h := d.verify(o, g, terminalData)
	ida := h.answer(d.t, true)
	if o[0x82][0]&0x04 != 0 {
		d.want(fmt.Sprintf("00820000%02X%X", len(ida), ida), "9000")
	}
	cdol2 := fill(d.t, o[0x8D], with(map[uint32]string{0x8A: "3030", 0x91: hex.EncodeToString(ida)}))
	second := d.want(fmt.Sprintf("80AE5000%02X%X00", len(cdol2), cdol2), "9000")
	if g, problem = x.open(d.t, second, append(sent, cdol2...)); problem != "" || g.cid != 0x40 {
		return fmt.Sprintf("second: %s (CID %02X)", problem, g.cid)
	}
	d.verify(o, g, terminalData)

	again := newDesk(d.t, d.p)
	again.start()
	if refused := again.generateAC(0x10, cdol1); refused.cid != 0x00 {
		return fmt.Sprintf("AAC asked, CID %02X", refused.cid)
	}
	return ""
}

// open takes an answer with CDA apart. data are all the terminal's.
func (x *terminal) open(t testing.TB, answer, data []byte) (g generated, problem string) {
	t.Helper()
	o := map[uint32][]byte{}
	collect(t, answer, o)
	g = generated{cid: o[0x9F27][0], atc: o[0x9F36], iad: o[0x9F10]}
	if o[0x9F26] != nil {
		return g, "the cryptogram is outside the signature"
	}
	dynamic, err := x.a.RecoverDynamicData(&x.icc, o[0x9F4B], unhex(t, terminalData[0x9F37]))
	if err != nil {
		return g, err.Error()
	}
	c, err := dynamic.Combined()
	if err != nil {
		return g, err.Error()
	}
	h := sha1.New()
	h.Write(data)
	r := tlv.NewReader(answer)
	r.Next()
	for in := tlv.NewReader(r.Value()); in.Next(); {
		if in.Tag() != 0x9F4B {
			h.Write(tlv.Append(nil, in.Tag(), in.Value()))
		}
	}
	switch {
	case !bytes.Equal(h.Sum(nil), c.TransactionDataHash[:]):
		return g, "transaction data hash"
	case c.CryptogramInformationData != g.cid:
		return g, "cryptogram information"
	}
	g.ac = c.Cryptogram
	return g, ""
}

// names is the cards of the library.
func names(t testing.TB) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cards, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		all = append(all, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	return all
}

// firstAID asks the card itself.
func firstAID(p *card.Profile) string {
	c, err := card.New(p)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%X", c.Counters()[0].AID)
}
