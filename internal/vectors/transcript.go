package vectors

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/emv/transcript"
)

// runTranscript is emv-transcript/1: the kernel goes through a whole transaction again, and every command and every field of
// expected is compared. What the file says of the card is looked at as well, as far as it is known here: the card's data are those
// that it gave, and its private keys are those of its certificates. The rest of it is for whoever plays the card.
func runTranscript(f *file) {
	f.whole("transcript", func(v *fields) {
		for _, name := range v.v.names {
			v.read[name] = true // room transcript knows the keys, and takes no other
		}
		t, err := parseTranscript(f)
		if err != nil {
			v.fail("transcript", err.Error(), "one that can be read")
			return
		}
		report, err := t.Run(nil)
		if err != nil {
			v.fail("transcript", err.Error(), "one that runs to its end")
			return
		}
		v.compared += report.Exchanges + 1 // the commands and the outcome
		for _, d := range report.Differences {
			v.fail(d.Place, d.Got, d.Want)
		}
		if v.ok() && v.has("card") && report.Outcome.Session != nil {
			v.object("card").card(report.Outcome.Session, t.CAPK)
		}
	})
}

// parseTranscript reads the file without the prose, and with the names of the host's answer, that room transcript does not know.
func parseTranscript(f *file) (*transcript.Transcript, error) {
	renamed := renameHost(f.root.v.members["host"])
	if !renamed && !hasOtherProse(f.root.v) {
		return transcript.Parse(f.name, f.src) // whose errors then have the file's lines
	}
	var b bytes.Buffer
	writeJSON(&b, f.root.v)
	return transcript.Parse(f.name, b.Bytes())
}

// hostNames are other names for the two parts of a host's answer: the layout only says what they are.
var hostNames = map[string]string{"field55": "field_55", "de55": "field_55", "arc": "response_code", "authorisation_response_code": "response_code"}

// renameHost gives the parts of a host's answer the names that room transcript has; a response code of four digits is tag 8A, two
// characters in hexadecimal.
func renameHost(host *value) (renamed bool) {
	if host == nil || host.kind != object {
		return false
	}
	for i, name := range host.names {
		to := hostNames[name]
		if to == "" || host.members[to] != nil {
			continue
		}
		renamed = true
		v := *host.members[name]
		if code, err := hex.DecodeString(v.text); to == "response_code" && err == nil && len(code) == 2 {
			v.text = string(code)
		}
		delete(host.members, name)
		host.names[i], host.members[to] = to, &v
	}
	return renamed
}

// ownProse is the prose that a transcript has a place for.
var ownProse = map[string]bool{"title": true, "source": true, "phase": true}

func hasOtherProse(v *value) bool {
	for _, name := range v.names {
		if prose[name] && !ownProse[name] || hasOtherProse(v.members[name]) {
			return true
		}
	}
	return slices.ContainsFunc(v.items, hasOtherProse)
}

// writeJSON writes a value without prose.
func writeJSON(b *bytes.Buffer, v *value) {
	switch v.kind {
	case object:
		b.WriteByte('{')
		first := true
		for _, name := range v.names {
			if prose[name] {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			writeText(b, name)
			b.WriteByte(':')
			writeJSON(b, v.members[name])
		}
		b.WriteByte('}')
	case array:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	case text:
		writeText(b, v.text)
	case number:
		b.WriteString(v.text)
	case boolean:
		fmt.Fprint(b, v.truth)
	default:
		b.WriteString("null")
	}
}

func writeText(b *bytes.Buffer, s string) {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("vectors: a string that is no JSON: " + err.Error()) // the decoder gives none such
	}
	b.Write(quoted)
}

// card compares facts about the card with what it gave in the transaction.
func (f *fields) card(s *emv.Session, authorities []transcript.AuthorityKey) {
	for _, name := range f.v.names {
		f.read[name] = true
	}
	f.same("aid", s.AID())
	f.same("aip", s.Data(tlv.ApplicationInterchangeProfile))
	f.same("afl", s.Data(tlv.ApplicationFileLocator))
	if f.has("pan") && f.text("pan") != s.PAN().Digits() {
		f.fail(f.path+"pan", "another number", "that of the records")
	}
	f.sameText("psn", s.PANSequenceNumber())
	if f.has("static_data_to_authenticate") {
		static, err := s.StaticData()
		if err != nil {
			f.fail(f.path+"static_data_to_authenticate", err.Error(), "the records")
		}
		f.sameSecret("static_data_to_authenticate", static)
	}
	f.keys(s, authorities)
}

// keys compares the private keys of authority, issuer and card with the public ones that the card's certificates hold.
func (f *fields) keys(s *emv.Session, authorities []transcript.AuthorityKey) {
	var a security.Arithmetic
	var issuer, icc security.PublicKey
	authority := authorityOf(s, authorities)
	if authority == nil {
		return // nothing can be recovered
	}
	f.privateKey("ca_private_key", authority.Key())
	_, err := a.RecoverIssuerKey(&issuer, authority, s.Data(tlv.IssuerPublicKeyCertificate), s.Data(tlv.IssuerPublicKeyRemainder), s.Data(tlv.IssuerPublicKeyExponent))
	if err != nil {
		return
	}
	f.privateKey("issuer_private_key", &issuer)
	static, err := s.StaticData()
	if err != nil {
		return
	}
	static = append([]byte{}, static...)
	if _, err := a.RecoverICCKey(&icc, &issuer, s.Data(tlv.ICCPublicKeyCertificate), s.Data(tlv.ICCPublicKeyRemainder), s.Data(tlv.ICCPublicKeyExponent), static); err == nil {
		f.privateKey("icc_private_key", &icc)
	}
}

func authorityOf(s *emv.Session, authorities []transcript.AuthorityKey) *security.CAPublicKey {
	for _, k := range authorities {
		if len(k.RID) != 5 || !bytes.HasPrefix(s.AID(), k.RID) || !bytes.Equal(k.Index, s.Data(tlv.CertificationAuthorityPublicKeyIndex)) || len(k.Index) != 1 {
			continue
		}
		key, err := security.NewCAPublicKey([5]byte(k.RID), k.Index[0], k.Modulus, k.Exponent, nil)
		if err == nil {
			return key
		}
	}
	return nil
}

// privateKey wants a private key to be the other half of a public one.
func (f *fields) privateKey(name string, public *security.PublicKey) {
	if !f.has(name) {
		return
	}
	k := f.object(name)
	p, q, private := k.hex("p"), k.hex("q"), k.hex("private_exponent")
	k.same("modulus", public.Modulus())
	k.same("exponent", public.Exponent())
	if !f.ok() {
		return
	}
	key, err := security.NewPrivateKey(p, q, public.Exponent())
	if err != nil {
		k.fail(strings.TrimSuffix(k.path, "."), err.Error(), "a private key")
		return
	}
	k.same("modulus", key.Public().Modulus())
	k.compared++
	if fp, fq := factors(public, private); fp == nil || !bytes.Equal(fp, trimZeros(p)) && !bytes.Equal(fq, trimZeros(p)) {
		k.fail(k.path+"private_exponent", "no exponent for this modulus", "one that the public exponent undoes")
	}
}

func trimZeros(b []byte) []byte { return bytes.TrimLeft(b, "\x00") }
