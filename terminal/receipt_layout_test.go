package terminal

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/transport/dialect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// slips are records of every sort, and the copies that are printed of them.
var slips = []struct {
	name  string
	r     Record
	copy  Copy
	again bool
}{
	{"sale", Record{STAN: "000123", Date: "0302", Time: "140511", Year: 2026, Amount: 100_00, Card: "476173******0119", Entry: "0051", State: Approved,
		RRN: "606114000001", Auth: "A1B2C3", Label: "VISA CREDIT", AID: "A0000000031010", TVR: "8000040000", TSI: "7800", CryptogramType: "TC",
		Cryptogram: "47A955440A22B557", CVM: cvmSignature, Batch: "000007", Scheme: "VIS", Operator: "01"}, MerchantCopy, false},
	{"sale-customer-again", Record{STAN: "000123", Date: "0302", Time: "140511", Year: 2026, Amount: 100_00, Card: "476173******0119", Entry: "0901", State: Approved,
		RRN: "606114000001", Auth: "A1B2C3", CVM: cvmPIN, Batch: "000007", Operator: "01"}, CustomerCopy, true},
	{"void", Record{Kind: dialect.KindVoid, STAN: "000124", Date: "0302", Time: "141000", Year: 2026, Amount: 100_00, Card: "476173******0119", Entry: "0012", State: Approved,
		RRN: "606114000002", CVM: cvmNone, Batch: "000007", Original: &Original{STAN: "000123", Batch: "000007"}}, MerchantCopy, false},
	{"tip", Record{Kind: dialect.KindTipAdjust, STAN: "000125", Date: "0302", Time: "142000", Year: 2026, Amount: 110_00, Tip: 10_00, Card: "476173******0119", Entry: "0901", State: Approved,
		CVM: cvmSignature, Original: &Original{STAN: "000123"}}, MerchantCopy, false},
	{"no-cvm", Record{STAN: "000126", Date: "0302", Time: "143000", Year: 2026, Amount: 1, Card: "476173******0119", Entry: "0022", State: AdviceDue}, CustomerCopy, false},
}

func TestLayoutsInBothLanguages(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	for _, layout := range layouts {
		for _, s := range slips {
			for lang, l := range map[string]Lang{"en": English, "zh": Chinese} {
				name := strings.Join([]string{layout, s.name, lang}, "-")
				t.Run(name, func(t *testing.T) {
					with := *p
					with.ReceiptLayout = layout
					got := (&Terminal{profile: &with}).compose(&s.r, s.copy, s.again).In(l) + "\n"
					file := filepath.Join("testdata", "receipts", name+".txt")
					if *update {
						must(t, os.MkdirAll(filepath.Dir(file), 0o755))
						must(t, os.WriteFile(file, []byte(got), 0o644))
					}
					want, err := os.ReadFile(file)
					must(t, err)
					if got != string(want) {
						t.Errorf("got:\n%swant:\n%s", got, want)
					}
				})
			}
		}
	}
}

// A slip says whose it is and what it is worth in whatever layout.
func TestEveryLayoutSaysThatItIsWorthNothing(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	for _, layout := range layouts {
		p.ReceiptLayout = layout
		for _, s := range slips {
			lines := (&Terminal{profile: p}).compose(&s.r, s.copy, s.again).Lines
			text := Screen(lines).In(English)
			if lines[0].Key != "r-simulation" || lines[len(lines)-1].Key != "r-simulation" {
				t.Errorf("%s %s does not begin and end with it", layout, s.name)
			}
			for _, want := range []string{p.TID, p.MID, p.Merchant, s.r.STAN, Amount(s.r.Amount), "0119"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s has no %s", layout, s.name, want)
				}
			}
			if strings.Contains(text, "REPRINT") != s.again || s.copy == CustomerCopy && strings.Contains(text, "476173") {
				t.Errorf("%s %s:\n%s", layout, s.name, text)
			}
		}
	}
}
