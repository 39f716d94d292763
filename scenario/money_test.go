package scenario

import (
	"math"
	"testing"

	"github.com/posim/posim/host"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for text, want := range map[string]Money{
		"0.00": 0, "0.05": 5, "100.00": 10000, "-100.00": -10000, "-0.40": -40, "9999999999.99": maxMoney, "-0.00": 0,
	} {
		if got, err := ParseMoney(text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", ".", ".00", "1", "1.", "1.0", "1.000", "+1.00", "--1.00", "01.00", "1,000.00", "1e2.00", " 1.00", "1.0x",
		"10000000000.00", "99999999999999999999999999.00", "0x1.00", "1_0.00", "１.00",
	} {
		if m, err := ParseMoney(text); err == nil {
			t.Errorf("%q is %v, want an error", text, m)
		}
	}
}

func TestMoneyStringReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money(rapid.Int64Range(-int64(maxMoney), int64(maxMoney)).Draw(t, "m"))
		if got, err := ParseMoney(m.String()); err != nil || got != m {
			t.Fatalf("%d writes %s and reads %d, %v", int64(m), m, int64(got), err)
		}
	})
	if s := Money(math.MinInt64).String(); s != "-92233720368547758.08" {
		t.Error(s)
	}
}

// The fees of the seed catalogue: half up, per transaction, before any cap.
func TestRateOf(t *testing.T) {
	for _, c := range []struct{ rate, amount, fee string }{
		{"0.6%", "100.00", "0.60"},
		{"0.6%", "20.00", "0.12"},
		{"0.6%", "10.00", "0.06"},
		{"0.6%", "12.00", "0.07"},
		{"0.6%", "1.00", "0.01"},
		{"0.6%", "0.01", "0.00"},
		{"0.5%", "88.00", "0.44"},
		{"0.55%", "3635.45", "19.99"},
		{"0.55%", "3635.46", "20.00"},
		{"0.55%", "3637.28", "20.01"},
		{"0.5%", "3998.99", "19.99"},
		{"0.5%", "3999.00", "20.00"},
		{"0.5%", "4001.00", "20.01"},
		{"0.38%", "60000.00", "228.00"},
		{"0%", "60000.00", "0.00"},
		{"100%", "9999999999.99", "9999999999.99"},
	} {
		rate, err := ParseRate(c.rate)
		if err != nil {
			t.Fatal(err)
		}
		amount, err := ParseMoney(c.amount)
		if err != nil {
			t.Fatal(err)
		}
		if fee := Money(host.Fee{BasisPoints: int64(rate)}.Of(int64(amount))); fee.String() != c.fee {
			t.Errorf("%s of %s is %s, want %s", c.rate, c.amount, fee, c.fee)
		}
		if rate.String() != c.rate {
			t.Errorf("%s writes as %s", c.rate, rate)
		}
	}
	for _, text := range []string{"", "%", "0.6", "-1%", "+1%", "101%", "100.01%", "0.001%", "0.%", ".6%", "1e1%", "00.6%"} {
		if rate, err := ParseRate(text); err == nil {
			t.Errorf("%q is %v, want an error", text, rate)
		}
	}
}
