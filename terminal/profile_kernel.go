package terminal

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/pan"
)

// kernel fills in the EMV part.
func (f *profileFile) kernel(p *Profile) error {
	e := f.EMV
	var kind [1]byte
	var err error
	c := &p.EMV
	hexField(&err, "emv.type", e.Type, kind[:])
	hexField(&err, "emv.capabilities", e.Capabilities, c.Capabilities[:])
	hexField(&err, "emv.additional_capabilities", e.Additional, c.AdditionalCapabilities[:])
	if err != nil {
		return err
	}
	if c.CountryCode, err = decimal("emv.country", e.Country); err != nil {
		return err
	}
	if c.CurrencyCode, err = decimal("currency", f.Currency); err != nil {
		return err
	}
	if e.Category != "" {
		if c.MerchantCategoryCode, err = decimal("emv.category", e.Category); err != nil {
			return err
		}
	}
	c.CurrencyExponent, c.Type = 2, kind[0]
	c.AutoSelect, c.NoConfirmation = e.AutoSelect == nil || *e.AutoSelect, e.NoConfirmation
	c.CDAMode, c.Languages = e.CDAMode, e.Languages
	if err := f.authorities(c); err != nil {
		return err
	}
	if err := f.exceptions(c); err != nil {
		return err
	}
	c.TerminalIdentification, c.MerchantIdentifier, c.MerchantNameAndLocation = p.TID, p.MID, p.Merchant
	c.InterfaceDeviceSerialNumber = e.IFDSerial
	if len(e.Applications) == 0 {
		return wrong("emv.applications", ": want at least one")
	}
	for i, a := range e.Applications {
		app := emv.Application{Partial: a.Partial, FloorLimit: a.FloorLimit, TargetPercent: a.Target, MaxTargetPercent: a.MaxTarget, Threshold: a.Threshold}
		at := fmt.Sprintf("emv.applications[%d].", i)
		if app.AID, err = hex.DecodeString(a.AID); err != nil || len(app.AID) < 5 || len(app.AID) > 16 {
			return wrong(at+"aid", " %q: want 10 to 32 hexadecimal digits", a.AID)
		}
		hexField(&err, at+"version", a.Version, app.Version[:])
		hexField(&err, at+"tac_denial", a.TACDenial, app.TACDenial[:])
		hexField(&err, at+"tac_online", a.TACOnline, app.TACOnline[:])
		hexField(&err, at+"tac_default", a.TACDefault, app.TACDefault[:])
		if err != nil {
			return err
		}
		if app.DefaultDDOL, err = optionalHex(at+"default_ddol", a.DefaultDDOL); err != nil {
			return err
		}
		if app.DefaultTDOL, err = optionalHex(at+"default_tdol", a.DefaultTDOL); err != nil {
			return err
		}
		c.Applications = append(c.Applications, app)
	}
	if err := c.Validate(); err != nil {
		return wrong("emv", "%s", strings.TrimPrefix(err.Error(), "emv"))
	}
	return nil
}

func optionalHex(key, s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, wrong(key, " %q: want hexadecimal digits", s)
	}
	return b, nil
}

// authorities reads the certification authorities' keys and the certificates they have revoked.
func (f *profileFile) authorities(c *emv.Config) error {
	for i, k := range f.EMV.CAPublicKeys {
		at := fmt.Sprintf("emv.ca_public_keys[%d].", i)
		var rid [5]byte
		var index [1]byte
		var err error
		hexField(&err, at+"rid", k.RID, rid[:])
		hexField(&err, at+"index", k.Index, index[:])
		if err != nil {
			return err
		}
		var parts [3][]byte
		for j, p := range [...]struct{ name, digits string }{{"modulus", k.Modulus}, {"exponent", k.Exponent}, {"checksum", k.Checksum}} {
			if parts[j], err = optionalHex(at+p.name, p.digits); err != nil {
				return err
			}
		}
		key, err := security.NewCAPublicKey(rid, index[0], parts[0], parts[1], parts[2])
		if err != nil {
			return wrong(fmt.Sprintf("emv.ca_public_keys[%d]", i), ": %w", err)
		}
		c.CAPublicKeys = append(c.CAPublicKeys, key)
	}
	for i, r := range f.EMV.Revoked {
		at := fmt.Sprintf("emv.revoked[%d].", i)
		var revoked emv.RevokedCertificate
		var index [1]byte
		var err error
		hexField(&err, at+"rid", r.RID, revoked.RID[:])
		hexField(&err, at+"index", r.Index, index[:])
		hexField(&err, at+"serial", r.Serial, revoked.Serial[:])
		if err != nil {
			return err
		}
		revoked.Index = index[0]
		c.Revoked = append(c.Revoked, revoked)
	}
	return nil
}

// exceptions reads the terminal's exception file. An entry without a sequence number is about every card of that number. Errors
// quote no number.
func (f *profileFile) exceptions(c *emv.Config) error {
	if len(f.EMV.ExceptionFile) == 0 {
		return nil
	}
	type entry struct {
		number pan.PAN
		psn    string
	}
	var file []entry
	for i, e := range f.EMV.ExceptionFile {
		at := fmt.Sprintf("emv.exception_file[%d].", i)
		number, err := pan.Parse(e.PAN)
		if err != nil {
			return wrong(at+"pan", ": %w", err)
		}
		if e.PSN != "" && (len(e.PSN) != 2 || strings.Trim(e.PSN, "0123456789") != "") {
			return wrong(at+"psn", ": want two digits or none")
		}
		file = append(file, entry{number, e.PSN})
	}
	c.OnExceptionFile = func(number pan.PAN, psn string) bool {
		return slices.ContainsFunc(file, func(e entry) bool { return e.number == number && (e.psn == "" || e.psn == psn) })
	}
	return nil
}

func decimal(key, s string) (int, error) {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, wrong(key, " %q: want four digits", s)
		}
		n = n*10 + int(c-'0')
	}
	if len(s) != 4 {
		return 0, wrong(key, " %q: want four digits", s)
	}
	return n, nil
}

// hexField decodes a field of exactly n bytes into dst.
func hexField(err *error, key, s string, dst []byte) {
	b, e := hex.DecodeString(s)
	if *err == nil && (e != nil || len(b) != len(dst)) {
		*err = wrong(key, " %q: want %d hexadecimal digits", s, 2*len(dst))
	}
	copy(dst, b)
}
