package scenario

import (
	"fmt"
	"strings"
	"testing"
)

// sales is a script of n sales.
func sales(tb testing.TB, l *Library, card string, n int) *Script {
	var b strings.Builder
	fmt.Fprintf(&b, "name: sales\nzh: 消费\nabout: for measuring\ncard: %s\nsteps:\n", card)
	for range n {
		b.WriteString("  - sale: {amount: 10.00, pin: \"1234\"}\n    expect: {outcome: approved}\n")
	}
	b.WriteString("expect:\n  end: [F3" + strings.Repeat(", F3", n-1) + "]\n")
	s, err := Parse("B01-sales.yaml", []byte(b.String()), l.Known())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// perSale measures what one more sale costs in a standing world: everything in the run, divided by the sales.
func perSale(b *testing.B, card string) {
	l := builtIn(b)
	const n = 100
	s := sales(b, l, card, n)
	b.ReportAllocs()
	for b.Loop() {
		if r := l.Run(s, Options{Seed: 1}); !r.Passed {
			b.Fatal(r.Failure.Err, r.Failure.Violations)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/sale")
}

// BenchmarkChipSale is a chip sale through every room: reader, card, kernel, PIN, journal, four parties.
func BenchmarkChipSale(b *testing.B) { perSale(b, "visa-credit") }

// BenchmarkStripeSale is a stripe sale with PIN.
func BenchmarkStripeSale(b *testing.B) { perSale(b, "stripe-only") }

func named(b *testing.B, id string) {
	l := builtIn(b)
	for _, s := range allScripts(b, l) {
		if s.ID != id {
			continue
		}
		for b.Loop() {
			if r := l.Run(s, Options{Seed: 1}); !r.Passed {
				b.Fatal(r.Failure.Err, r.Failure.Violations)
			}
		}
		return
	}
	b.Fatal("no script " + id)
}

// BenchmarkTimeoutWithReversal is a whole run, the world's making included: a sale whose approval is lost, 60 s of
// waiting, the reversal.
func BenchmarkTimeoutWithReversal(b *testing.B) { named(b, "W04") }

// BenchmarkOneChipSaleWorld is a whole run of one chip sale, the world's making and judging included.
func BenchmarkOneChipSaleWorld(b *testing.B) { named(b, "W01") }

// BenchmarkLibrary is every built-in scenario, on one core.
func BenchmarkLibrary(b *testing.B) {
	l := builtIn(b)
	all := allScripts(b, l)
	runs := 0
	for b.Loop() {
		runs = 0
		for _, s := range all {
			r := l.Run(s, Options{Seed: 1})
			if !r.Passed {
				b.Fatal(s.ID, r.Failure.Err, r.Failure.Violations)
			}
			runs += r.Runs
		}
	}
	b.ReportMetric(float64(runs), "runs")
}
