package host

import (
	"strings"
	"testing"
)

// Each amount of the row W40 by each rate of its table, worked out by hand: the amount times the rate as it is, and what each rounding
// makes of that, in fen. The cap of debit cards is 20.00.
func TestFeesWorkedOutByHand(t *testing.T) {
	roundings := [4]Rounding{HalfUp, HalfEven, Down, Up}
	for _, c := range []struct {
		basisPoints, cap, amount int64
		exact                    string // in fen, before rounding and cap
		want                     [4]int64
	}{
		{60, 0, 1, "0.00600", [4]int64{0, 0, 0, 1}},
		{60, 0, 100, "0.600", [4]int64{1, 1, 0, 1}},
		{60, 0, 125, "0.7500", [4]int64{1, 1, 0, 1}},
		{60, 0, 363545, "2181.2700", [4]int64{2181, 2181, 2181, 2182}},
		{60, 0, 363546, "2181.27600", [4]int64{2181, 2181, 2181, 2182}},
		{60, 0, 363728, "2182.36800", [4]int64{2182, 2182, 2182, 2183}},
		{60, 0, 399899, "2399.39400", [4]int64{2399, 2399, 2399, 2400}},
		{60, 0, 399900, "2399.400", [4]int64{2399, 2399, 2399, 2400}},
		{60, 0, 400100, "2400.600", [4]int64{2401, 2401, 2400, 2401}},
		{60, 0, 6000000, "36000", [4]int64{36000, 36000, 36000, 36000}},
		{55, 2000, 1, "0.005500", [4]int64{0, 0, 0, 1}},
		{55, 2000, 100, "0.5500", [4]int64{1, 1, 0, 1}},
		{55, 2000, 125, "0.687500", [4]int64{1, 1, 0, 1}},
		{55, 2000, 363545, "1999.497500", [4]int64{1999, 1999, 1999, 2000}},
		{55, 2000, 363546, "1999.50300", [4]int64{2000, 2000, 1999, 2000}},
		{55, 2000, 363728, "2000.50400", [4]int64{2000, 2000, 2000, 2000}},
		{55, 2000, 399899, "2199.444500", [4]int64{2000, 2000, 2000, 2000}},
		{55, 2000, 399900, "2199.4500", [4]int64{2000, 2000, 2000, 2000}},
		{55, 2000, 400100, "2200.5500", [4]int64{2000, 2000, 2000, 2000}},
		{55, 2000, 6000000, "33000", [4]int64{2000, 2000, 2000, 2000}},
		{50, 2000, 1, "0.00500", [4]int64{0, 0, 0, 1}},
		{50, 2000, 100, "0.500", [4]int64{1, 0, 0, 1}},
		{50, 2000, 125, "0.62500", [4]int64{1, 1, 0, 1}},
		{50, 2000, 363545, "1817.72500", [4]int64{1818, 1818, 1817, 1818}},
		{50, 2000, 363546, "1817.7300", [4]int64{1818, 1818, 1817, 1818}},
		{50, 2000, 363728, "1818.6400", [4]int64{1819, 1819, 1818, 1819}},
		{50, 2000, 399899, "1999.49500", [4]int64{1999, 1999, 1999, 2000}},
		{50, 2000, 399900, "1999.500", [4]int64{2000, 2000, 1999, 2000}},
		{50, 2000, 400100, "2000.500", [4]int64{2000, 2000, 2000, 2000}},
		{50, 2000, 6000000, "30000", [4]int64{2000, 2000, 2000, 2000}},
		{38, 0, 1, "0.003800", [4]int64{0, 0, 0, 1}},
		{38, 0, 100, "0.3800", [4]int64{0, 0, 0, 1}},
		{38, 0, 125, "0.47500", [4]int64{0, 0, 0, 1}},
		{38, 0, 363545, "1381.47100", [4]int64{1381, 1381, 1381, 1382}},
		{38, 0, 363546, "1381.474800", [4]int64{1381, 1381, 1381, 1382}},
		{38, 0, 363728, "1382.166400", [4]int64{1382, 1382, 1382, 1383}},
		{38, 0, 399899, "1519.616200", [4]int64{1520, 1520, 1519, 1520}},
		{38, 0, 399900, "1519.6200", [4]int64{1520, 1520, 1519, 1520}},
		{38, 0, 400100, "1520.3800", [4]int64{1520, 1520, 1520, 1521}},
		{38, 0, 6000000, "22800", [4]int64{22800, 22800, 22800, 22800}},
	} {
		for i, r := range roundings {
			f := Fee{BasisPoints: c.basisPoints, Cap: c.cap, Rounding: r}
			if got := f.Of(c.amount); got != c.want[i] {
				t.Errorf("%d basis points of %d, cap %d, %s: %d, want %d (%s)", c.basisPoints, c.amount, c.cap, r, got, c.want[i], c.exact)
			}
		}
	}
}

func TestFeesHaveLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		fee    Fee
		amount int64
		want   int64
	}{
		{"a minimum", Fee{BasisPoints: 60, Minimum: 10}, 100, 10},
		{"a minimum is never more than the amount", Fee{BasisPoints: 60, Minimum: 10}, 3, 3},
		{"above it the rate counts", Fee{BasisPoints: 60, Minimum: 10}, 10000, 60},
		{"everything", Fee{BasisPoints: 10000}, 777, 777},
		{"rounded up it is not more than the amount", Fee{BasisPoints: 9999, Rounding: Up}, 1, 1},
		{"nothing of nothing", Fee{BasisPoints: 60, Minimum: 10}, 0, 0},
		{"nothing of less than nothing", Fee{BasisPoints: 60, Minimum: 10, Rounding: Up}, -500, 0},
		{"the largest amount of DE 4", Fee{BasisPoints: 10000}, 999_999_999_999, 999_999_999_999},
	} {
		if got := c.fee.Of(c.amount); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAPlanHasAFeeForEveryAmountOnce(t *testing.T) {
	ranges := []Fee{{From: 1, To: 100, BasisPoints: 100}, {From: 101, BasisPoints: 50}}
	with := func(fees ...Fee) *FeePlan {
		return &FeePlan{Name: "x", Fees: map[CardType][]Fee{Credit: ranges, Debit: fees, QR: ranges}}
	}
	good := with(ranges...)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ n, want int64 }{{100, 1}, {101, 1}, {1000, 5}} {
		if got := good.Of(Debit, c.n); got != c.want {
			t.Errorf("%d costs %d, want %d", c.n, got, c.want)
		}
	}
	for _, c := range []struct {
		fees []Fee
		want string
	}{
		{nil, "no fee"},
		{[]Fee{{From: 2}}, "gap from 1 to 1"},
		{[]Fee{{From: 1, To: 5}}, "gap above 5"},
		{[]Fee{{From: 1, To: 5}, {From: 7}}, "gap from 6 to 6"},
		{[]Fee{{From: 1, To: 5}, {From: 5}}, "overlap from 5"},
		{[]Fee{{From: 1}, {From: 6}}, "overlap"},
		{[]Fee{{From: 1, BasisPoints: -1}}, "basis points"},
		{[]Fee{{From: 1, BasisPoints: 10001}}, "basis points"},
		{[]Fee{{From: 1, Cap: 5, Minimum: 6}}, "cap"},
		{[]Fee{{From: 1, Rounding: "sideways"}}, "rounding"},
	} {
		if err := with(c.fees...).Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.fees, err, c.want)
		}
	}
}

func TestCardsAreToldApartByTheirNumbers(t *testing.T) {
	table := newBINs(map[string]CardType{"4761739001010119": Credit, "4761739001010010": Debit, "6225000000000014": Debit})
	for number, want := range map[string]CardType{
		"4761739001010119": Credit, "4761739001010010": Debit, "6225000000000014": Debit,
		"6225000000000022": Debit, "5413330089010012": "", "": "", "47617": "",
	} {
		if got := table.Type(number); got != want {
			t.Errorf("%.6s...: %q, want %q", number, got, want)
		}
	}
	if _, long := table["6225000000000014"]; long || len(table) != 3 {
		t.Errorf("more digits than are needed: %d entries", len(table))
	}
}
