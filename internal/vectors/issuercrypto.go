package vectors

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/crypt"
)

// runIssuerCryptography is emv-issuer-crypto/1: keys, cryptograms, answers and scripts of an issuer (Book 2, 8, 9 and A1).
func runIssuerCryptography(f *file) {
	numbered := func(list string) func(int, *fields) string {
		return func(i int, _ *fields) string { return fmt.Sprintf("%s[%d]", list, i) }
	}
	for _, part := range []struct {
		list string
		id   func(int, *fields) string
		run  func(*fields)
	}{
		{"key_derivation_and_ac", byID, runDerivation},
		{"scheme_cvn", byID, runScheme},
		{"emv2000_tree", numbered("emv2000_tree"), runTree},
		{"scripts", byID, runScript},
		{"mac_iso9797_alg3", numbered("mac_iso9797_alg3"), runRetailMAC},
	} {
		if f.root.has(part.list) {
			f.vectors(part.list, part.id, part.run)
		}
	}
}

// sequence is a PAN sequence number, "" where the card has none.
func (f *fields) sequence() string {
	if !f.has("psn") {
		return ""
	}
	return f.text("psn")
}

// cardKey derives a card's master key; nil and a failure if it cannot be.
func (f *fields) cardKey(imk string, option security.Option) []byte {
	key, number, psn := f.hexN(imk, 16), f.text("pan"), f.sequence()
	if !f.ok() {
		return nil
	}
	mk, err := security.ICCMasterKey(key, number, psn, option)
	if err != nil {
		f.fail(f.path+imk, err.Error(), "a card's key")
		return nil
	}
	return mk
}

// checkValue compares as much of a key's check value as the vector gives.
func (f *fields) checkValue(name string, key []byte) {
	if !f.has(name) {
		return
	}
	block, err := crypt.NewTDES(key)
	if err != nil {
		f.fail(f.path+name, err.Error(), "a key")
		return
	}
	v := crypt.CheckValue(block)
	n := len(f.hex(name))
	if n < 2 || n > len(v) {
		f.fail(f.path+name, bytesOf(n), "2 or 3 bytes")
		return
	}
	f.same(name, v[:n])
}

func bytesOf(n int) string { return fmt.Sprintf("%d bytes", n) }

// sessionKey derives a session key by the name of a rule. The diversifier is what the rule takes: a cryptogram, a transaction counter
// with zeros behind it, or the counter alone.
func (f *fields) sessionKey(rule string, mk, diversifier []byte) []byte {
	switch {
	case rule == "none":
		return mk
	case rule == "common" && len(diversifier) == 8:
		return security.CommonSessionKey(mk, diversifier)
	case rule == "visa" && len(diversifier) == 2:
		return security.ScriptSessionKeyFromATC(mk, diversifier)
	}
	f.fail(f.path+"diversifier", bytesOf(len(diversifier)), "what the session key "+rule+" takes")
	return nil
}

// cryptogramOf is a MAC with a bare padding: a version that pads so stands for it.
func (f *fields) cryptogramOf(padding string, key, input []byte) (ac [8]byte) {
	version := security.VisaCVN18
	if padding == "zero" {
		version = security.VisaCVN10
	}
	ac, err := version.Cryptogram(key, input)
	if err != nil {
		f.fail(f.path+"ac_input", err.Error(), "data")
	}
	return ac
}

func runDerivation(v *fields) {
	option, err := security.ParseOption(v.text("derivation_option"))
	if err != nil {
		v.fail("derivation_option", err.Error(), "A or B")
	}
	mk := v.cardKey("imk", option)
	rule, r := v.oneOf("session", "none", "common", "visa"), v.hex("diversifier")
	input, padding := v.hex("ac_input"), v.oneOf("ac_padding", "emv", "zero")
	if !v.ok() {
		return
	}
	v.sameSecret("icc_mk", mk)
	v.checkValue("icc_mk_kcv", mk)
	sk := v.sessionKey(rule, mk, r)
	if sk == nil {
		return
	}
	v.sameSecret("sk_ac", sk)
	v.checkValue("sk_kcv", sk)
	ac := v.cryptogramOf(padding, sk, input)
	v.same("arqc", ac[:])
	if v.has("arpc") {
		v.object("arpc").answer(ac, mk, sk)
	}
}

// answer compares an ARPC and gives its method.
func (f *fields) answer(ac [8]byte, mk, sk []byte) int {
	key := mk
	if f.oneOf("key", "icc_mk", "session") == "session" {
		key = sk
	}
	method := f.number("method")
	switch method {
	case 1:
		arpc := security.ARPC1(key, ac, [2]byte(f.hexN("arc", 2)))
		f.same("arpc", arpc[:])
	case 2:
		f.same("arpc", security.ARPC2(key, ac, [4]byte(f.hexN("csu", 4)), nil))
	default:
		f.fail(f.path+"method", fmt.Sprint(method), "1 or 2")
	}
	return int(method)
}

// scheme is one vector of a cryptogram version: everything that the version decides, from the keys to the scripts.
type scheme struct {
	v            *fields
	version      security.Version
	mk           []byte // of cryptograms
	tags         *fields
	atc          [2]byte
	un           []byte
	iad          []byte
	arqc         [8]byte
	integrity    []byte // the card's keys for scripts
	confidential []byte
}

func runScheme(v *fields) {
	s := &scheme{v: v, tags: v.object("tags")}
	version, err := security.VersionNamed(v.text("id"))
	if err != nil {
		v.fail("id", err.Error(), "a cryptogram version")
		return
	}
	s.version, s.mk = version, v.cardKey("imk_ac", security.OptionA)
	s.atc, s.un = [2]byte(s.tags.hexN("9F36", 2)), s.tags.hexN("9F37", 4)
	s.iad = s.issuerApplicationData()
	if !v.ok() {
		return
	}
	v.checkValue("icc_mk_ac_kcv", s.mk)
	if s.cryptogram() {
		s.scripts()
	}
}

// issuerApplicationData lays the verification results out as the version has them: some vectors give only the parts that are under
// the cryptogram.
func (s *scheme) issuerApplicationData() []byte {
	var counters []byte
	if s.v.has("counters") {
		counters = s.v.hex("counters")
	}
	switch {
	case s.v.has("iad"):
		return s.v.hex("iad")
	case s.version.Family() == "visa":
		return append([]byte{0x06, 0x01, s.version.Number()}, s.v.hex("cvr")...)
	}
	iad := append([]byte{0x01, s.version.Number()}, s.v.hex("cvr")...)
	return append(append(iad, 0x12, 0x34), counters...) // 1234: the data authentication code, which no cryptogram covers
}

func (s *scheme) cryptogram() bool {
	named, err := security.VersionFor(s.version.Family(), s.iad)
	if err != nil || named != s.version {
		s.v.fail("id", fmt.Sprintf("%v by its issuer application data (%v)", named, err), s.version.String())
		return false
	}
	input, err := s.version.Input(func(tag tlv.Tag) []byte {
		if tag == tlv.IssuerApplicationData {
			return s.iad
		}
		return s.tags.hex(fmt.Sprintf("%02X", tag))
	})
	if err != nil {
		s.v.fail("ac_input", err.Error(), "data")
		return false
	}
	s.v.same("ac_input", input)
	key, err := s.version.Key(s.mk, s.atc[:], s.un)
	if err != nil {
		s.v.fail("sk_ac_kcv", err.Error(), "a key")
		return false
	}
	s.v.checkValue("sk_ac_kcv", key)
	if rule := s.v.oneOf("session", "none", "common", "mchip"); rule != "" && !bytes.Equal(s.keyBy(rule), key) {
		s.v.fail("session", "another key than that of the rule "+rule, "the same")
	}
	if s.arqc, err = s.version.Cryptogram(key, input); err != nil {
		s.v.fail("arqc", err.Error(), "a cryptogram")
		return false
	}
	s.v.same("arqc", s.arqc[:])
	if padded := s.v.cryptogramOf(s.v.oneOf("ac_padding", "emv", "zero"), key, input); padded != s.arqc {
		s.v.fail("ac_padding", "another cryptogram with that padding", "the same")
	}
	arpc := s.v.object("arpc")
	if method := arpc.answer(s.arqc, s.mk, key); method != s.version.ARPCMethod() {
		arpc.fail("arpc.method", fmt.Sprint(s.version.ARPCMethod()), fmt.Sprint(method))
	}
	return true
}

// keyBy derives the session key of a cryptogram by the name of a rule.
func (s *scheme) keyBy(rule string) []byte {
	r := [8]byte{0: s.atc[0], 1: s.atc[1]}
	switch rule {
	case "none":
		return s.mk
	case "mchip":
		copy(r[4:], s.un)
	}
	return security.CommonSessionKey(s.mk, r[:])
}

// scripts compares the keys of secure messaging and the commands made with them.
func (s *scheme) scripts() {
	s.integrity, s.confidential = s.v.cardKey("imk_smi", security.OptionA), s.v.cardKey("imk_smc", security.OptionA)
	if s.integrity == nil || s.confidential == nil {
		return
	}
	diversifier := s.arqc[:]
	rule := s.v.oneOf("sm_session", "visa", "common")
	if rule == "visa" {
		diversifier = s.atc[:]
	}
	for name, mk := range map[string][]byte{"sk_smi_kcv": s.integrity, "sk_smc_kcv": s.confidential} {
		if sk := s.v.sessionKey(rule, mk, diversifier); sk != nil {
			s.v.checkValue(name, sk)
		}
	}
	session := s.scriptSession()
	if session == nil {
		return
	}
	if s.v.has("script_mac") {
		s.scriptMAC(s.v.object("script_mac"), session)
	}
	if s.v.has("pin_change_command") {
		s.pinChange("pin_change_command", session, "")
	}
	if s.v.has("pin_change_with_current_pin_command") {
		s.pinChange("pin_change_with_current_pin_command", session, s.v.text("current_pin"))
	} else {
		s.v.has("current_pin") // nobody asks for it
	}
}

func (s *scheme) scriptSession() *security.ScriptSession {
	var keys [3]*security.MasterKey
	for i, key := range [][]byte{s.integrity, s.confidential, s.mk} {
		mk, err := security.NewMasterKey(key)
		if err != nil {
			s.v.fail("imk_smi", err.Error(), "keys")
			return nil
		}
		keys[i] = mk
	}
	session, err := s.version.ScriptSession(security.ScriptKeys{MAC: keys[0], Encipherment: keys[1], Cryptogram: keys[2]}, s.atc, s.arqc)
	if err != nil {
		s.v.fail("sm_session", err.Error(), "a session")
		return nil
	}
	return session
}

func (s *scheme) scriptMAC(m *fields, session *security.ScriptSession) {
	m.oneOf("coverage", "header|atc|arqc|data, 80 padding")
	header := m.hexN("command", 5)
	command, err := session.Seal([4]byte(header), nil)
	if err != nil {
		m.fail("script_mac.command", err.Error(), "a command with secure messaging")
		return
	}
	m.same("command", command[:5])
	m.same("mac", command[5:])
}

func (s *scheme) pinChange(name string, session *security.ScriptSession, current string) {
	command, err := session.PINChange(s.v.text("pin"), current)
	if err != nil {
		s.v.fail(name, err.Error(), "a command")
		return
	}
	s.v.sameSecret(name, command)
}

func runTree(v *fields) {
	mk, atc, iv := v.hexN("icc_mk", 16), v.hexN("atc", 2), v.hexN("iv", 16)
	branch, height := v.number("branch"), v.number("height")
	if !v.ok() {
		return
	}
	sk, err := security.TreeSessionKey(mk, [2]byte(atc), int(branch), int(height), iv)
	if err != nil {
		v.fail("session_key", err.Error(), "a key")
		return
	}
	v.sameSecret("session_key", sk)
}

// runScript is a script's keys, its enciphered PIN block and its MAC. The MAC is over header and data alone: counter and cryptogram
// are the caller's to add in these vectors.
func runScript(v *fields) {
	mk := v.cardKey("imk_smi", security.OptionA)
	rule, r, header := v.oneOf("session", "common", "visa"), v.hex("diversifier"), v.hexN("header", 5)
	if !v.ok() {
		return
	}
	sk := v.sessionKey(rule, mk, r)
	if sk == nil {
		return
	}
	v.sameSecret("sk_smi", sk)
	var data []byte
	if v.has("enciphered") {
		data = v.hex("enciphered")
		v.encipherment(rule, r)
	}
	mac, err := crypt.NewRetailMAC(sk)
	if err != nil {
		v.fail("sk_smi", err.Error(), "a key")
		return
	}
	var sum [8]byte
	mac.Sum2(&sum, append(header, data...))
	v.same("mac", sum[:])
}

// encipherment compares a PIN block as a script carries it: in each mode that the vector says gives the same, and in no other.
func (v *fields) encipherment(rule string, r []byte) {
	mk, block := v.cardKey("imk_smc", security.OptionA), v.hexN("pin_block", 8)
	padding, modes := v.oneOf("data_padding", "mc", "visa", "emv"), v.texts("modes_matching")
	if !v.ok() {
		return
	}
	sk := v.sessionKey(rule, mk, r)
	if sk == nil {
		return
	}
	key, err := crypt.NewTDES(sk)
	if err != nil {
		v.fail("imk_smc", err.Error(), "a key")
		return
	}
	data := block
	switch padding {
	case "visa":
		data = append(append([]byte{8}, block...), 0x80, 0, 0, 0, 0, 0, 0)
	case "emv":
		data = append(bytes.Clone(block), 0x80, 0, 0, 0, 0, 0, 0, 0)
	}
	got := map[string][]byte{"ecb": make([]byte, len(data)), "cbc": make([]byte, len(data))}
	crypt.EncryptECB(key, got["ecb"], data)
	cipher.NewCBCEncrypter(key, make([]byte, 8)).CryptBlocks(got["cbc"], data)
	v.compared++
	var matching []string
	for _, mode := range []string{"ecb", "cbc"} {
		if bytes.Equal(got[mode], v.hex("enciphered")) {
			matching = append(matching, mode)
		}
	}
	if slices.Sort(modes); !slices.Equal(slices.Sorted(slices.Values(matching)), modes) || len(matching) == 0 {
		v.fail("enciphered", "the same in "+orNone(matching), "the same in "+orNone(modes))
	}
	v.opened(padding, sk, r)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "no mode"
	}
	return strings.Join(list, " and ")
}

// opened has the card's side decipher the PIN block. A block that is mixed with the card's key for cryptograms cannot be: the vector
// does not say that key.
func (v *fields) opened(padding string, sk, r []byte) {
	form, known := map[string]security.ScriptForm{"mc": security.ScriptMChip, "emv": security.ScriptCommonCore}[padding]
	if !known || len(r) != 8 {
		return
	}
	mac, err := security.NewMasterKey(sk) // not used: there is no command
	if err != nil {
		v.fail("sk_smi", err.Error(), "a key")
		return
	}
	mk, err := security.NewMasterKey(v.cardKey("imk_smc", security.OptionA))
	if err != nil {
		v.fail("imk_smc", err.Error(), "a key")
		return
	}
	session, err := form.Session(security.ScriptKeys{MAC: mac, Encipherment: mk}, [2]byte{}, [8]byte(r))
	if err != nil {
		v.fail("data_padding", err.Error(), "a session")
		return
	}
	block, err := session.DecipherPIN(v.hex("enciphered"), "")
	if err != nil {
		v.fail("enciphered", err.Error(), "a PIN block")
		return
	}
	v.sameSecret("pin_block", block[:])
}

func runRetailMAC(v *fields) {
	key := append(v.hexN("key_left", 8), v.hexN("key_right", 8)...)
	data, padding := v.hex("data"), v.number("padding")
	if !v.ok() {
		return
	}
	mac, err := crypt.NewRetailMAC(key)
	if err != nil {
		v.fail("key_left", err.Error(), "a key")
		return
	}
	var sum [8]byte
	switch padding {
	case 1:
		mac.Sum(&sum, data)
	case 2:
		mac.Sum2(&sum, data)
	default:
		v.fail("padding", fmt.Sprint(padding), "1 or 2")
		return
	}
	v.same("mac", sum[:])
}

// runWorkedExample is emv-issuer-crypto-cup/1: one worked example, from the issuer master key to the answer.
func runWorkedExample(f *file) {
	f.whole("worked example", func(v *fields) {
		number, imk, iad := v.text("pan_psn"), v.hexN("imk", 16), v.hex("iad")
		atc, arc, tags := v.hexN("atc", 2), v.hexN("arc", 2), v.object("tags")
		if len(number) < 3 {
			v.fail("pan_psn", fmt.Sprintf("%d digits", len(number)), "a number and two digits")
		}
		if !v.ok() {
			return
		}
		version, err := security.VersionFor("cup", iad)
		if err != nil {
			v.fail("iad", err.Error(), "a cryptogram version")
			return
		}
		input, err := version.Input(func(tag tlv.Tag) []byte {
			if tag == tlv.IssuerApplicationData {
				return iad
			}
			return tags.hex(fmt.Sprintf("%02X", tag))
		})
		if err != nil {
			v.fail("ac_input", err.Error(), "data")
			return
		}
		v.same("ac_input", input)
		v.same("atc", tags.hex("9F36"))
		mk, err := security.ICCMasterKey(imk, number[:len(number)-2], number[len(number)-2:], security.OptionA)
		if err != nil {
			v.fail("pan_psn", err.Error(), "a card")
			return
		}
		key, err := version.Key(mk, atc, tags.hex("9F37"))
		if err != nil {
			v.fail("atc", err.Error(), "a session key")
			return
		}
		arqc, err := version.Cryptogram(key, input)
		if err != nil {
			v.fail("arqc", err.Error(), "a cryptogram")
			return
		}
		v.same("arqc", arqc[:])
		arpc := security.ARPC1(key, arqc, [2]byte(arc))
		v.same("arpc", arpc[:])
	})
}
