package dukpt

import "testing"

func benchmarkTerminal(b *testing.B, at int) {
	w := worlds(b)[at]
	fresh := w.state(b).Append(nil)
	s := must(ParseState(fresh))(b)
	b.ReportAllocs()
	for b.Loop() {
		if s.Advance() != nil { // after a million TDES transactions: another device
			s = must(ParseState(fresh))(b)
		}
	}
}

func BenchmarkTDESTerminalStep(b *testing.B)   { benchmarkTerminal(b, 0) }
func BenchmarkAES128TerminalStep(b *testing.B) { benchmarkTerminal(b, 1) }
func BenchmarkAES256TerminalStep(b *testing.B) { benchmarkTerminal(b, 3) }

func benchmarkHost(b *testing.B, at int, counter uint32) {
	w := worlds(b)[at]
	k := w.ksn.with(counter)
	key := make([]byte, 0, maxKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.host.TransactionKey(key, k); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTDESHost1Bit(b *testing.B)     { benchmarkHost(b, 0, 0x100) }
func BenchmarkTDESHost9Bits(b *testing.B)    { benchmarkHost(b, 0, 0x1FF) }
func BenchmarkAES128Host1Bit(b *testing.B)   { benchmarkHost(b, 1, 0x100) }
func BenchmarkAES128Host16Bits(b *testing.B) { benchmarkHost(b, 1, 0xFFFF) }
func BenchmarkAES256Host16Bits(b *testing.B) { benchmarkHost(b, 3, 0xFFFF) }

func benchmarkWorking(b *testing.B, at int, u Use, a Algorithm) {
	w := worlds(b)[at]
	s := w.at(b, 0x100)
	if err := s.Advance(); err != nil {
		b.Fatal(err)
	}
	key := make([]byte, 0, maxKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.WorkingKey(key, u, a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTDESPINKey(b *testing.B)   { benchmarkWorking(b, 0, PIN, TDES2) }
func BenchmarkAES128PINKey(b *testing.B) { benchmarkWorking(b, 1, PIN, AES128) }
