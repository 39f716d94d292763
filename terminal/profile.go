package terminal

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
)

// Profile is what an acquirer loads into a terminal: who it is, how long it waits, which applications it takes.
type Profile struct {
	Name       string // of the file
	TID, MID   string
	Merchant   string // as receipts print it
	MerchantZh string
	Currency   string // ISO 4217 number, four digits, as DE 49 and tag 5F2A have it

	AnswerWait     time.Duration // for the answer to a request; 60 s
	ReversalWait   time.Duration // for the answer to a reversal or an advice; 30 s
	RetryPause     time.Duration // after a try that a broken connection ended; 10 s
	AdviceInterval time.Duration // between two tries to send advices while idle; 60 s
	Attempts       int           // tries of a reversal on each occasion; 3
	CardWait       time.Duration // for a card, an amount or a PIN; 60 s
	MaxAmount      int64         // minor units
	Fallback       Fallback      // from chip to stripe
	Security       hsm.Scheme    // how its messages are protected
	Functions      []Function    // what it offers; nil: everything that the dialect has

	BatchLimit int       // records of a batch, after which a new sale is refused; 0: as many as the journal holds
	Carry      bool      // close a batch although something is due: it is parked, with a difference item, and printed
	HomeScheme string    // the card scheme, as answers name it, that totals call domestic; "": every one
	SAF        SAF       // how what is due is repeated
	Operators  Operators // who may use the terminal

	EMV emv.Config // without Rand and Trace
}

// SAF says how reversals and advices that are due are repeated.
type SAF struct {
	Attempts   int           // tries of an advice that settle nothing, after which it goes behind the others; 0: never, and tries are not kept
	Interval   time.Duration // between two occasions of an idle terminal; 0: Profile.AdviceInterval
	Backoff    int           // by which the interval is multiplied after each occasion that settled nothing; 0 and 1: not
	MaxBackoff time.Duration // that the interval never exceeds; 0: an hour
}

// Operators says who may use a terminal. The zero value asks nobody.
type Operators struct {
	Required bool          // an operator signs on before anything else is done
	MaxWrong int           // wrong passwords in a row, after which the operator is locked out; 0: 3
	Lock     time.Duration // for so long; 0: 60 s
}

// profileFile is the form of a profile's file.
type profileFile struct {
	TID            string        `yaml:"tid"`
	MID            string        `yaml:"mid"`
	Merchant       string        `yaml:"merchant"`
	MerchantZh     string        `yaml:"merchant_zh"`
	Currency       string        `yaml:"currency"`
	AnswerWait     time.Duration `yaml:"answer_wait"`
	ReversalWait   time.Duration `yaml:"reversal_wait"`
	RetryPause     time.Duration `yaml:"retry_pause"`
	AdviceInterval time.Duration `yaml:"advice_interval"`
	CardWait       time.Duration `yaml:"card_wait"`
	Attempts       int           `yaml:"attempts"`
	MaxAmount      int64         `yaml:"max_amount"`
	Fallback       fallbackFile  `yaml:"fallback"`
	Security       struct {
		Keys       string `yaml:"keys"`
		PINBlock   string `yaml:"pin_block"`
		MAC        string `yaml:"mac"`
		MACPadding int    `yaml:"mac_padding"`
	} `yaml:"security"`
	EMV struct {
		Country      string `yaml:"country"`
		Type         string `yaml:"type"`
		Capabilities string `yaml:"capabilities"`
		Additional   string `yaml:"additional_capabilities"`
		Category     string `yaml:"category"`
		IFDSerial    string `yaml:"ifd_serial"`

		AutoSelect     *bool    `yaml:"auto_select"`
		NoConfirmation bool     `yaml:"no_confirmation"`
		CDAMode        int      `yaml:"cda_mode"`
		Languages      []string `yaml:"languages"`
		CAPublicKeys   []struct {
			RID      string `yaml:"rid"`
			Index    string `yaml:"index"`
			Modulus  string `yaml:"modulus"`
			Exponent string `yaml:"exponent"`
			Checksum string `yaml:"checksum"`
		} `yaml:"ca_public_keys"`
		Revoked []struct {
			RID    string `yaml:"rid"`
			Index  string `yaml:"index"`
			Serial string `yaml:"serial"`
		} `yaml:"revoked"`
		ExceptionFile []struct {
			PAN string `yaml:"pan"`
			PSN string `yaml:"psn"`
		} `yaml:"exception_file"`
		Applications []struct {
			AID        string `yaml:"aid"`
			Partial    bool   `yaml:"partial"`
			Version    string `yaml:"version"`
			TACDenial  string `yaml:"tac_denial"`
			TACOnline  string `yaml:"tac_online"`
			TACDefault string `yaml:"tac_default"`
			FloorLimit int64  `yaml:"floor_limit"`
			Target     int    `yaml:"target_percent"`
			MaxTarget  int    `yaml:"max_target_percent"`
			Threshold  int64  `yaml:"threshold"`

			DefaultDDOL string `yaml:"default_ddol"`
			DefaultTDOL string `yaml:"default_tdol"`
		} `yaml:"applications"`
	} `yaml:"emv"`
}

// SimulationPrefix begins every terminal and merchant number, so that no host takes the terminal for a real one.
const SimulationPrefix = "SIM"

// ParseProfile reads a profile. Anything unknown, missing or out of range is an error with its place in the file.
func ParseProfile(name string, src []byte) (*Profile, error) {
	var f profileFile
	if err := yaml.UnmarshalWithOptions(src, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("terminal: profile %s: %w", name, err)
	}
	p, err := f.profile(name)
	if err != nil {
		return nil, fmt.Errorf("terminal: profile %s: %w", name, err)
	}
	return p, nil
}

func (f *profileFile) profile(name string) (*Profile, error) {
	p := &Profile{
		Name: name, TID: f.TID, MID: f.MID, Merchant: f.Merchant, MerchantZh: f.MerchantZh, Currency: f.Currency,
		AnswerWait: orDuration(f.AnswerWait, 60*time.Second), ReversalWait: orDuration(f.ReversalWait, 30*time.Second),
		RetryPause: orDuration(f.RetryPause, 10*time.Second), AdviceInterval: orDuration(f.AdviceInterval, 60*time.Second),
		CardWait: orDuration(f.CardWait, 60*time.Second), Attempts: f.Attempts, MaxAmount: f.MaxAmount,
	}
	if p.Attempts == 0 {
		p.Attempts = 3
	}
	if p.MaxAmount == 0 {
		p.MaxAmount = 1_000_000_00
	}
	switch {
	case len(p.TID) != 8 || !strings.HasPrefix(p.TID, SimulationPrefix):
		return nil, fmt.Errorf("tid %q: want 8 characters that begin with %s", p.TID, SimulationPrefix)
	case len(p.MID) != 15 || !strings.HasPrefix(p.MID, SimulationPrefix):
		return nil, fmt.Errorf("mid %q: want 15 characters that begin with %s", p.MID, SimulationPrefix)
	case p.Merchant == "" || p.MerchantZh == "":
		return nil, fmt.Errorf("merchant and merchant_zh: want both")
	case p.Attempts < 1 || p.Attempts > 99:
		return nil, fmt.Errorf("attempts %d: want 1 to 99", p.Attempts)
	case p.MaxAmount < 1 || p.MaxAmount > 999_999_999_999:
		return nil, fmt.Errorf("max_amount %d: want 1 to 999999999999", p.MaxAmount)
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"answer_wait", p.AnswerWait}, {"reversal_wait", p.ReversalWait}, {"retry_pause", p.RetryPause}, {"advice_interval", p.AdviceInterval}, {"card_wait", p.CardWait}} {
		if d.d < time.Second || d.d > time.Hour {
			return nil, fmt.Errorf("%s %s: want 1s to 1h", d.key, d.d)
		}
	}
	var err error
	if p.Fallback, err = f.Fallback.fallback(); err != nil {
		return nil, err
	}
	if p.Security, err = hsm.ParseScheme(f.Security.Keys, f.Security.PINBlock, f.Security.MAC, f.Security.MACPadding); err != nil {
		return nil, fmt.Errorf("security: %w", err)
	}
	return p, f.kernel(p)
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// hexField decodes a field of exactly n bytes into dst.
func hexField(err *error, key, s string, dst []byte) {
	b, e := hex.DecodeString(s)
	if *err == nil && (e != nil || len(b) != len(dst)) {
		*err = fmt.Errorf("%s %q: want %d hexadecimal digits", key, s, 2*len(dst))
	}
	copy(dst, b)
}

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
		return fmt.Errorf("emv.applications: want at least one")
	}
	for i, a := range e.Applications {
		app := emv.Application{Partial: a.Partial, FloorLimit: a.FloorLimit, TargetPercent: a.Target, MaxTargetPercent: a.MaxTarget, Threshold: a.Threshold}
		at := fmt.Sprintf("emv.applications[%d].", i)
		if app.AID, err = hex.DecodeString(a.AID); err != nil || len(app.AID) < 5 || len(app.AID) > 16 {
			return fmt.Errorf("%said %q: want 10 to 32 hexadecimal digits", at, a.AID)
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
	return c.Validate()
}

func optionalHex(key, s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%s %q: want hexadecimal digits", key, s)
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
			return fmt.Errorf("emv.ca_public_keys[%d]: %w", i, err)
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
			return fmt.Errorf("%span: %w", at, err)
		}
		if e.PSN != "" && (len(e.PSN) != 2 || strings.Trim(e.PSN, "0123456789") != "") {
			return fmt.Errorf("%spsn: want two digits or none", at)
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
			return 0, fmt.Errorf("%s %q: want four digits", key, s)
		}
		n = n*10 + int(c-'0')
	}
	if len(s) != 4 {
		return 0, fmt.Errorf("%s %q: want four digits", key, s)
	}
	return n, nil
}
