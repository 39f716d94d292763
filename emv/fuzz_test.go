package emv

import (
	"bytes"
	"errors"
	"testing"
	"unicode"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// object is one data object, none for a value that is absent.
func object(tag tlv.Tag, value []byte) []byte {
	if value == nil {
		return nil
	}
	return tlv.Append(nil, tag, value)
}

// Whatever answers a SELECT: it is refused, or what was read of it makes an FCI that reads the same.
func FuzzFCI(f *testing.F) {
	f.Add(fciOf("315041592E5359532E4444463031", "8801015F2D02656E9F110101"))
	f.Add(fciOf("A0000000031010", "5004564953418701019F1204566973619F110101"))
	f.Add(fciOf("A0000000031010202020202020202020", "5000")) // the longest name
	f.Add(fciOf("A000000003101020202020202020202020", "5000"))
	f.Add(fciOf("A0000000", "5000"))
	f.Add(hx("6F00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFCI(b)
		if err != nil {
			return
		}
		if len(got.name) < 5 || len(got.name) > 16 || got.proprietary == nil {
			t.Fatalf("%X is taken: name %X, A5 %X", b, got.name, got.proprietary)
		}
		if n := len(got.sfi) + len(got.label) + len(got.priority) + len(got.preferredName) + len(got.codeTable); n > len(got.proprietary) {
			t.Fatalf("%d bytes of parts out of %d", n, len(got.proprietary))
		}
		proprietary := bytes.Join([][]byte{
			object(tlv.ShortFileIdentifier, got.sfi), object(tlv.ApplicationLabel, got.label), object(tlv.ApplicationPriorityIndicator, got.priority),
			object(tlv.ApplicationPreferredName, got.preferredName), object(tlv.IssuerCodeTableIndex, got.codeTable),
		}, nil)
		written := template(tlv.FCITemplate, object(tlv.DedicatedFileName, got.name), object(tlv.FCIProprietaryTemplate, proprietary))
		again, err := parseFCI(written)
		if err != nil {
			t.Fatalf("%X is taken, written as %X it is not: %v", b, written, err)
		}
		got.proprietary, again.proprietary = nil, nil // which may hold what nobody reads
		for i, part := range [][2][]byte{{got.name, again.name}, {got.sfi, again.sfi}, {got.label, again.label},
			{got.priority, again.priority}, {got.preferredName, again.preferredName}, {got.codeTable, again.codeTable}} {
			if !bytes.Equal(part[0], part[1]) {
				t.Fatalf("part %d of %X is %X, then %X", i, b, part[0], part[1])
			}
		}
	})
}

// Whatever stands in a record of the payment system directory: no candidate that the terminal does not support, no more
// than its list takes, and no name that could write control sequences on a screen.
func FuzzDirectory(f *testing.F) {
	entry := func(parts string) []byte {
		return template(tlv.READRECORDResponseMessageTemplate, template(tlv.ApplicationTemplate, hx(parts)))
	}
	f.Add(entry("4F07A0000000031010 500456495341 870101"), []byte{1})
	f.Add(entry("4F07A0000000031010 9F120756697361204CE8 8701 82"), []byte{5})
	f.Add(entry("4F07A0000000031010 5008 56495341 1B5B336D"), []byte{1}) // which would colour a screen
	f.Add(entry("4F11A000000003101020202020202020202020"), []byte{})
	f.Add(bytes.Repeat(entry("4F05A000000003"), 9), []byte{})
	f.Fuzz(func(t *testing.T, record, codeTable []byte) {
		cfg := testConfig()
		cfg.AdditionalCapabilities[3], cfg.AdditionalCapabilities[4] = 0xA3, 0xFF // every part of ISO/IEC 8859
		s := newTestSession(t, nil, cfg)
		for range 1 + maxCandidates/8 { // a card that repeats itself
			if !s.addDirectoryRecord(record, codeTable) {
				return
			}
		}
		if len(s.candidates) > maxCandidates || 2*len(s.candidates) > (1+maxCandidates/8)*len(record) {
			t.Fatalf("%d candidates of %d bytes", len(s.candidates), len(record))
		}
		for _, c := range s.candidates {
			if !bytes.HasPrefix(c.AID, cfg.Applications[0].AID) || len(c.AID) > 16 {
				t.Fatalf("candidate %X", c.AID)
			}
			if c.Name == "" || len(c.Name) > 4*len(record) || c.Priority < 0 || c.Priority > 15 {
				t.Fatalf("%q, priority %d, of %d bytes", c.Name, c.Priority, len(record))
			}
			for _, r := range c.Name + c.Label + c.PreferredName {
				if unicode.IsControl(r) {
					t.Fatalf("%q would reach a screen", c.Name)
				}
			}
		}
	})
}

// Whatever answers GET PROCESSING OPTIONS: it is refused, or an AIP and an AFL are there, and no object is kept twice.
func FuzzProcessingOptions(f *testing.F) {
	f.Add(hx("800E 1980 0801010010010300 18010201"))
	f.Add(hx("770E 82021980 940808010100 10010300"))
	f.Add(hx("770A 940808010100 10010300"))
	f.Add(hx("7704 82021980"))
	f.Add(hx("8002 1980"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newTestSession(t, nil, testConfig())
		before := len(s.icc)
		if s.parseProcessingOptions(b) != nil {
			return
		}
		aip, afl := s.icc.get(tlv.ApplicationInterchangeProfile), s.icc.get(tlv.ApplicationFileLocator)
		if len(aip) != 2 || afl == nil {
			t.Fatalf("%X is taken: AIP %X, AFL %X", b, aip, afl)
		}
		if n := len(s.icc) - before; 2*n > len(b) {
			t.Fatalf("%d objects of %d bytes", n, len(b))
		}
		again := newTestSession(t, nil, testConfig())
		written := template(tlv.ResponseMessageTemplateFormat2, object(tlv.ApplicationInterchangeProfile, aip), object(tlv.ApplicationFileLocator, afl))
		if err := again.parseProcessingOptions(written); err != nil ||
			!bytes.Equal(again.icc.get(tlv.ApplicationInterchangeProfile), aip) || !bytes.Equal(again.icc.get(tlv.ApplicationFileLocator), afl) {
			t.Fatalf("%X is taken; written as %X: %v", b, written, err)
		}
	})
}

// Whatever answers GENERATE AC: it is refused, or what was read of it makes an answer that reads the same.
func FuzzCryptogramResponse(f *testing.F) {
	f.Add(hx("8012 80 0123 1122334455667788 06010A03A00000"))
	f.Add(hx("771E 9F270180 9F36020123 9F26081122334455667788 9F100706010A03A00000"))
	f.Add(template(tlv.ResponseMessageTemplateFormat1, hx("80 0123 1122334455667788"), make([]byte, 32)))
	f.Add(template(tlv.ResponseMessageTemplateFormat1, hx("80 0123 1122334455667788"), make([]byte, 33))) // one too long
	f.Add(hx("7700"))
	f.Add(hx("7712 9F270180 9F36020123 9F4B07 01020304050607"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseCryptogramResponse(b)
		if err != nil {
			return
		}
		if len(got.cid) != 1 || len(got.atc) != 2 || got.ac == nil && got.signed == nil || got.ac != nil && len(got.ac) != 8 || len(got.iad) > 32 {
			t.Fatalf("%X is taken as %X", b, got)
		}
		written := template(tlv.ResponseMessageTemplateFormat2, object(tlv.CryptogramInformationData, got.cid),
			object(tlv.ApplicationTransactionCounter, got.atc), object(tlv.ApplicationCryptogram, got.ac), object(tlv.IssuerApplicationData, got.iad),
			object(tlv.SignedDynamicApplicationData, got.signed))
		again, err := parseCryptogramResponse(written)
		if err != nil || !bytes.Equal(again.cid, got.cid) || !bytes.Equal(again.atc, got.atc) || !bytes.Equal(again.ac, got.ac) || !bytes.Equal(again.iad, got.iad) || !bytes.Equal(again.signed, got.signed) {
			t.Fatalf("%X is %X, written as %X it is %X, %v", b, got, written, again, err)
		}
		s := newTestSession(t, nil, testConfig())
		if err := s.takeCryptogram(b, false); err != nil && got.cid[0]&0xC0 != 0xC0 && got.ac != nil {
			t.Fatal(err)
		}
		s.oda.icc.err = errors.New("no key")
		if err := s.takeCryptogram(b, true); err == nil && s.cryptogram() != aac && !s.oda.wrong {
			t.Fatalf("%X: a signature is right without a key", b)
		}
	})
}

// Whatever scripts a host sends: the card sees whole commands only, each of them once, and the results are one line a
// script.
func FuzzIssuerScripts(f *testing.F) {
	f.Add(hx("7111 9F180401020304 86088424000000 000000"), uint16(0x9000), false)
	f.Add(hx("720F 9F180401020304 86068418000000 00"), uint16(0x6985), true)
	f.Add(hx("7105 8603842400"), uint16(0x9000), false) // a command that is cut short
	f.Add(hx("7100 7100 7100"), uint16(0x9000), false)
	f.Fuzz(func(t *testing.T, scripts []byte, sw uint16, after bool) {
		sent := 0
		s := newTestSession(t, cardFunc(func(c []byte) ([]byte, error) {
			sent += len(c)
			if _, err := apdu.ParseCommand(c); err != nil && c[1] != apdu.InsGetResponse {
				t.Fatalf("%X is sent: %v", c, err)
			}
			return []byte{byte(sw >> 8), byte(sw)}, nil
		}), testConfig())
		s.answer.Scripts = scripts
		kind := tlv.IssuerScriptTemplate1
		if after {
			kind = tlv.IssuerScriptTemplate2
		}
		if err := s.runScripts(kind); err != nil && after {
			t.Fatalf("a script of the second kind ends the transaction: %v", err)
		}
		if sw>>8 != 0x61 && sw>>8 != 0x6C && sent > len(scripts) {
			t.Fatalf("%d bytes are sent out of %d", sent, len(scripts))
		}
		if n := len(s.scriptResults); n%5 != 0 || n > 5*(len(scripts)/2+1) {
			t.Fatalf("%d bytes of results for %d bytes of scripts", n, len(scripts))
		}
	})
}

// Whatever a record of any file holds, and whatever the tag list: the static data are the records as Book 3, 10.3 wants them and the
// profile where the list names it, or there are none.
func FuzzStaticData(f *testing.F) {
	f.Add(hx("7003 DF0100"), hx("82"), byte(2))
	f.Add(hx("7003 DF0100"), hx("8282"), byte(11))
	f.Add(hx("7003 DF0100 00"), []byte{}, byte(30))
	f.Add(hx("DF0100"), hx("9F33"), byte(10))
	f.Fuzz(func(t *testing.T, record, list []byte, sfi byte) {
		if sfi = sfi&0x1F | 1; sfi > 30 || len(record) > 256 {
			return
		}
		s := newTestSession(t, cardFunc(func([]byte) ([]byte, error) { return ok(record), nil }), testConfig())
		s.icc.add(tlv.ApplicationInterchangeProfile, []byte{0x5C, 0})
		s.gpoMark = len(s.icc)
		if err := s.readRecord(sfi, 1, true); err != nil {
			if sfi > 10 || resultOf(err) != "terminate" {
				t.Fatalf("file %d: %v", sfi, err)
			}
			return
		}
		if v := s.icc.get(tlv.StaticDataAuthenticationTagList); v != nil {
			list = v // the record brought one
		} else {
			s.icc.add(tlv.StaticDataAuthenticationTagList, list)
		}
		inner, bad := tlv.Only(record, 0x70)
		want := inner
		if sfi > 10 {
			want = record
		}
		data, err := s.StaticData()
		if wrong := bad != nil || !bytes.Equal(list, []byte{0x82}); wrong != (err != nil) {
			t.Fatalf("file %d, record %X, list %X: %v", sfi, record, list, err)
		}
		if err == nil && !bytes.Equal(data, append(bytes.Clone(want), s.icc.get(tlv.ApplicationInterchangeProfile)...)) {
			t.Fatalf("file %d, record %X: %X", sfi, record, data)
		}
	})
}
