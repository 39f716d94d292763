package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/posim/posim/sim"
)

// echo answers every frame with itself, on one wall.
func echo(b *testing.B, ctx context.Context, w *sim.Wall, config *tls.Config) string {
	addr, err := Listen(ctx, ":0", config, w, func(s Stream) {
		l := NewLink(s, Framing{}, w)
		l.OnFrame(func(m []byte, err error) {
			if err == nil {
				_ = l.Send(m)
			}
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return addr.String()
}

// ask sends n frames of 300 bytes over c, one after the answer to the other.
func ask(c net.Conn, n int) error {
	out, _ := Framing{}.Append(nil, make([]byte, 300))
	in := make([]byte, len(out))
	for range n {
		if _, err := c.Write(out); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, in); err != nil {
			return err
		}
	}
	return nil
}

func benchmarkEcho(b *testing.B, clients int, addr string, config *tls.Config) {
	conns := make([]net.Conn, clients)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		if config != nil {
			c = tls.Client(c, config)
		}
		defer c.Close()
		if err := ask(c, 1); err != nil {
			b.Fatal(err)
		}
		conns[i] = c
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() {
			n := b.N / clients
			if i < b.N%clients {
				n++
			}
			if err := ask(c, n); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "echoes/s")
}

// BenchmarkEcho is frames of 300 bytes over loopback: through a Link on a Wall, and through two calls of the net package,
// which is the floor.
func BenchmarkEcho(b *testing.B) {
	a := newAuthority(b)
	secure := a.client()
	secure.ServerName = "127.0.0.1"
	for _, clients := range []int{1, 64} {
		for name, config := range map[string][2]*tls.Config{"link": {}, "link over TLS": {a.server(b), secure}} {
			b.Run(fmt.Sprintf("%s, %d", name, clients), func(b *testing.B) {
				b.ReportAllocs()
				ctx, stop := context.WithCancel(b.Context())
				w := sim.NewWall(ctx)
				addr := echo(b, ctx, w, config[0])
				ended := make(chan error)
				go func() {
					ended <- w.Run(func(c sim.Clock) {
						c.Wait(c.Now().AddDate(1, 0, 0), func() bool { return false })
					})
				}()
				benchmarkEcho(b, clients, addr, config[1])
				stop()
				<-ended
			})
		}
		b.Run(fmt.Sprintf("net, %d", clients), func(b *testing.B) {
			b.ReportAllocs()
			addr, _ := port(b, func(c net.Conn) { go func() { _, _ = io.Copy(struct{ io.Writer }{c}, c) }() })
			benchmarkEcho(b, clients, addr, nil)
		})
	}
}
