package terminal

import (
	"encoding/hex"
	"slices"
	"strings"
)

// The layouts of receipts.
const (
	LayoutGeneric = "generic"
	LayoutChina   = "china" // the slip of POS terminals in China: labels, batch number, operator, remarks
)

var layouts = []string{LayoutGeneric, LayoutChina}

// paper fills in what people read, and what the merchant has agreed on.
func (f *profileFile) paper(p *Profile) error {
	p.ReceiptLayout = f.Receipt
	if p.ReceiptLayout == "" {
		p.ReceiptLayout = LayoutGeneric
	}
	if !slices.Contains(layouts, p.ReceiptLayout) {
		return wrong("receipt", " %q: want one of %s", p.ReceiptLayout, strings.Join(layouts, ", "))
	}
	p.Language = f.Language
	if _, err := ParseLang(f.Language); f.Language != "" && err != nil {
		return wrong("language", " %q: want en or zh", f.Language)
	}
	var picture []byte
	if f.Signature != "" {
		picture = make([]byte, len(f.Signature)/2)
	}
	_, err := hex.Decode(picture, []byte(f.Signature))
	if err != nil || len(picture) > maxPicture {
		return wrong("signature", ": want hexadecimal digits, of at most %d bytes", maxPicture)
	}
	p.Signature = picture
	for _, plan := range []struct {
		key, value string
		dst        *string
	}{{"fee", f.Fee, &p.FeePlan}, {"settlement", f.Settlement, &p.SettlementPlan}} {
		if plan.value != "" && !planName(plan.value) {
			return wrong(plan.key, " %q: want a plan's name: small letters, digits and hyphens", plan.value)
		}
		*plan.dst = plan.value
	}
	return nil
}

// planName tells whether s can be a plan's name. Whether there is such a plan the host knows.
func planName(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && s[0] != '-' && s[len(s)-1] != '-'
}
