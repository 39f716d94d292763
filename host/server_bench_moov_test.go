package host

import (
	"fmt"
	"io"
	"testing"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583-connection/server"
	"github.com/moov-io/iso8583/network"

	"github.com/posim/posim/transport/dialect"
)

// The same echo on somebody else's server (moov-io/iso8583-connection), with our message specification and our callers.

func BenchmarkRequestsMoov1(b *testing.B)  { benchmarkMoov(b, 1) }
func BenchmarkRequestsMoov64(b *testing.B) { benchmarkMoov(b, 64) }

func benchmarkMoov(b *testing.B, connections int) {
	s := server.New(dialect.ISO87().MessageSpec(),
		func(r io.Reader) (int, error) {
			h := network.NewBinary2BytesHeader()
			n, err := h.ReadFrom(r)
			if err != nil {
				return n, err
			}
			return h.Length(), nil
		},
		func(w io.Writer, length int) (int, error) {
			h := network.NewBinary2BytesHeader()
			if err := h.SetLength(length); err != nil {
				return 0, err
			}
			return h.WriteTo(w)
		},
		connection.InboundMessageHandler(func(c *connection.Connection, m *iso8583.Message) {
			m.MTI("0210")
			err := m.Field(39, codeApproved)
			if err == nil {
				m.UnsetField(22)
				m.UnsetField(25)
				m.UnsetField(35)
				err = c.Reply(m)
			}
			if err != nil {
				fmt.Println(err) // on another goroutine; the caller waits in vain and says so
			}
		}))
	if err := s.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	benchmarkEchoAt(b, s.Addr, connections)
}
