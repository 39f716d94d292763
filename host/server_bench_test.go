package host

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// Requests over loopback, each with its answer: the host's are durable at three parties and debit an account, with a MAC on
// every hop; the echo's cost framing, unpacking and packing alone. The callers do the same work in both.
//
//	go test -run '^$' -bench 'Requests' ./host

func BenchmarkRequestsHost1(b *testing.B)  { benchmarkHost(b, 1) }
func BenchmarkRequestsHost64(b *testing.B) { benchmarkHost(b, 64) }
func BenchmarkRequestsEcho1(b *testing.B)  { benchmarkEcho(b, 1) }
func BenchmarkRequestsEcho64(b *testing.B) { benchmarkEcho(b, 64) }

// BenchmarkRequestsDurable asks what one party decides alone, durably: a reversal that comes before its original.
func BenchmarkRequestsDurable1(b *testing.B)  { benchmarkDurable(b, 1) }
func BenchmarkRequestsDurable64(b *testing.B) { benchmarkDurable(b, 64) }

func benchmarkHost(b *testing.B, connections int) {
	benchmarkServer(b, connections, codeApproved, (*caller).sale)
}

func benchmarkDurable(b *testing.B, connections int) {
	benchmarkServer(b, connections, codeNoOriginal, func(c *caller, amount int64) *dialect.Message { return c.reversal(c.sale(amount)) })
}

func benchmarkServer(b *testing.B, connections int, code string, question func(*caller, int64) *dialect.Message) {
	s := startServer(b, ServerConfig{House: testHouse(b, connections)})
	if _, err := s.Account(context.Background(), Admin{Account: accountName, SetBalance: true, Balance: 1e15}); err != nil {
		b.Fatal(err)
	}
	callers := make([]*caller, connections)
	for i := range callers {
		callers[i] = newCaller(b, s.Addr(), i+1)
		if err := callers[i].signOn(); err != nil {
			b.Fatal(err)
		}
	}
	callAll(b, callers, code, question)
	turns := 0
	for _, o := range s.offices {
		n, err := ask(context.Background(), o, func() int { return o.party.turns })
		if err != nil {
			b.Fatal(err)
		}
		turns += n
	}
	b.ReportMetric(float64(turns)/float64(b.N), "turns/req") // of three parties: 5 without groups
}

// callAll has the callers share b.N questions.
func callAll(b *testing.B, callers []*caller, code string, question func(*caller, int64) *dialect.Message) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for _, c := range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				a, err := c.ask(question(c, 100), time.Minute)
				if err != nil || a.ResponseCode != code {
					b.Errorf("%v, %v", a, err)
					return
				}
				if c.stan == 999999 {
					c.stan = 0
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func benchmarkEcho(b *testing.B, connections int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echo(c)
		}
	}()
	benchmarkEchoAt(b, l.Addr().String(), connections)
}

func benchmarkEchoAt(b *testing.B, addr string, connections int) {
	callers := make([]*caller, connections)
	for i := range callers {
		c := newCaller(b, addr, i+1)
		c.deaf = true
		var err error
		if c.mac, err = c.m.Install("", hsm.Attributes{Usage: hsm.MACAlgorithm3}, clearKey(2)); err != nil {
			b.Fatal(err)
		}
		callers[i] = c
	}
	callAll(b, callers, codeApproved, (*caller).sale)
}

// echo approves everything.
func echo(c net.Conn) {
	defer c.Close()
	var in, out []byte
	var buf [4096]byte
	for {
		b, n, err := (transport.Framing{}).Next(in)
		if err != nil {
			return
		}
		if n == 0 {
			if n, err = c.Read(buf[:]); err != nil {
				return
			}
			in = append(in, buf[:n]...)
			continue
		}
		m, err := dialect.ISO87().Unpack(b)
		if err != nil {
			return
		}
		in = in[:copy(in, in[n:])]
		p, err := dialect.ISO87().Pack(answerTo(m, codeApproved), func(*[8]byte, []byte) error { return nil })
		if err != nil {
			return
		}
		if out, err = (transport.Framing{}).Append(out[:0], p); err != nil {
			return
		}
		if _, err = c.Write(out); err != nil {
			return
		}
	}
}
