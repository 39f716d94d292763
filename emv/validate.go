package emv

import (
	"fmt"
	"math"

	"github.com/posim/posim/emv/tlv"
)

const (
	maxAmount       = 999_999_999_999 // 9F02 has twelve digits
	maxBinaryAmount = math.MaxUint32  // 81 and 9F1B have four bytes
	maxApplications = 64              // of one terminal; each may cost a SELECT
)

// validate is the one check at the door.
func (c *Config) validate() error {
	switch {
	case c == nil:
		return fmt.Errorf("emv: no configuration")
	case c.Rand == nil:
		return fmt.Errorf("emv: config: Rand is nil: the unpredictable number 9F37 needs a source")
	}
	return c.Validate()
}

// Validate checks a configuration that has no Rand yet, for whoever reads one from a file. Run checks again.
func (c *Config) Validate() error {
	switch {
	case c.CountryCode < 1 || c.CountryCode > 999:
		return fmt.Errorf("emv: config: CountryCode 9F1A is %d: want 1 to 999", c.CountryCode)
	case c.CurrencyCode < 1 || c.CurrencyCode > 999:
		return fmt.Errorf("emv: config: CurrencyCode 5F2A is %d: want 1 to 999", c.CurrencyCode)
	case c.CurrencyExponent < 0 || c.CurrencyExponent > 9:
		return fmt.Errorf("emv: config: CurrencyExponent 5F36 is %d: want 0 to 9", c.CurrencyExponent)
	case c.Type>>4 < 1 || c.Type>>4 > 3 || c.Type&15 < 1 || c.Type&15 > 6:
		return fmt.Errorf("emv: config: Type 9F35 is %02X: want 11 to 36, no digit above 6", c.Type)
	case c.MerchantCategoryCode < 0 || c.MerchantCategoryCode > 9999:
		return fmt.Errorf("emv: config: MerchantCategoryCode 9F15 is %d: want 0 to 9999", c.MerchantCategoryCode)
	case len(c.InterfaceDeviceSerialNumber) != 8 && c.InterfaceDeviceSerialNumber != "":
		return fmt.Errorf("emv: config: InterfaceDeviceSerialNumber 9F1E has %d characters: want 8 or none", len(c.InterfaceDeviceSerialNumber))
	case len(c.TerminalIdentification) != 8 && c.TerminalIdentification != "":
		return fmt.Errorf("emv: config: TerminalIdentification 9F1C has %d characters: want 8 or none", len(c.TerminalIdentification))
	case len(c.MerchantIdentifier) > 15:
		return fmt.Errorf("emv: config: MerchantIdentifier 9F16 has %d characters: want at most 15", len(c.MerchantIdentifier))
	case len(c.MerchantNameAndLocation) > 255:
		return fmt.Errorf("emv: config: MerchantNameAndLocation 9F4E has %d characters: want at most 255", len(c.MerchantNameAndLocation))
	case tlv.CapabilityXDA.In(c.Capabilities[:]):
		return fmt.Errorf("emv: config: Capabilities 9F33 announce XDA, which this kernel does not perform")
	case c.CDAMode < 0 || c.CDAMode > 4:
		return fmt.Errorf("emv: config: CDAMode is %d: want 1 to 4, or 0 for 1", c.CDAMode)
	case len(c.Applications) == 0 || len(c.Applications) > maxApplications:
		return fmt.Errorf("emv: config: %d applications: want 1 to %d", len(c.Applications), maxApplications)
	}
	for i, l := range c.Languages {
		if len(l) != 2 || l[0] < 'a' || l[0] > 'z' || l[1] < 'a' || l[1] > 'z' {
			return fmt.Errorf("emv: config: Languages %d is %q: want two lower-case letters (ISO 639)", i, l)
		}
	}
	for i, k := range c.CAPublicKeys {
		if k == nil {
			return fmt.Errorf("emv: config: CAPublicKeys %d is nil", i)
		}
	}
	if n := len(c.AcquirerIdentifier); n != 0 && (n < 6 || n > 11) || !allDigits(c.AcquirerIdentifier) {
		return fmt.Errorf("emv: config: AcquirerIdentifier 9F01: want 6 to 11 digits or none")
	}
	for i := range c.Applications {
		if err := c.Applications[i].validate(); err != nil {
			return fmt.Errorf("emv: config: application %d: %w", i, err)
		}
	}
	return nil
}

func (a *Application) validate() error {
	switch {
	case len(a.AID) < 5 || len(a.AID) > 16:
		return fmt.Errorf("AID has %d bytes: want 5 to 16", len(a.AID))
	case a.FloorLimit < 0 || a.FloorLimit > maxAmount:
		return fmt.Errorf("FloorLimit 9F1B is %d: want 0 to %d", a.FloorLimit, int64(maxAmount))
	case a.TargetPercent < 0 || a.TargetPercent > 99:
		return fmt.Errorf("TargetPercent is %d: want 0 to 99", a.TargetPercent)
	case a.MaxTargetPercent > 99 || a.MaxTargetPercent < a.TargetPercent:
		return fmt.Errorf("MaxTargetPercent is %d: want TargetPercent %d to 99", a.MaxTargetPercent, a.TargetPercent)
	case a.Threshold < 0 || a.Threshold > 0 && a.Threshold >= a.FloorLimit:
		return fmt.Errorf("random selection Threshold is %d: want 0, or less than FloorLimit %d", a.Threshold, a.FloorLimit)
	case len(a.RiskManagementData) > 8:
		return fmt.Errorf("RiskManagementData 9F1D has %d bytes: want at most 8", len(a.RiskManagementData))
	}
	if err := tlv.CheckDOL(a.DefaultDDOL); err != nil {
		return fmt.Errorf("DefaultDDOL: %w", err)
	}
	if err := tlv.CheckDOL(a.DefaultTDOL); err != nil {
		return fmt.Errorf("DefaultTDOL: %w", err)
	}
	return nil
}

func (t *Transaction) validate() error {
	switch {
	case t.Amount < 0 || t.Amount > maxAmount:
		return fmt.Errorf("emv: transaction: Amount 9F02 is %d: want 0 to %d", t.Amount, int64(maxAmount))
	case t.AmountOther < 0 || t.AmountOther > t.Amount:
		return fmt.Errorf("emv: transaction: AmountOther 9F03 is %d: want 0 to Amount %d", t.AmountOther, t.Amount)
	case t.Type>>4 > 9 || t.Type&15 > 9:
		return fmt.Errorf("emv: transaction: Type 9C is %02X: want two digits", t.Type)
	case t.Time.Year() < 2000 || t.Time.Year() > 2049:
		return fmt.Errorf("emv: transaction: year %d: want 2000 to 2049 (Book 4, 6.7.3)", t.Time.Year())
	case t.SequenceCounter > 99_999_999:
		return fmt.Errorf("emv: transaction: SequenceCounter 9F41 is %d: want at most eight digits", t.SequenceCounter)
	}
	return nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
