package host

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// caller is a terminal that speaks through the dialect, over a socket and in real time: one question at a time.
type caller struct {
	addr  string
	tls   *tls.Config
	tid   string
	stan  int
	conn  net.Conn
	in    []byte
	out   []byte
	m     *hsm.Module
	key   hsm.Key // of the terminal
	mac   hsm.Key // of the session
	track string
	deaf  bool // checks MACs as ever, and takes wrong ones: for an echo
}

// The card that callers pay with: testdata/cards/visa-credit.yaml, by its stripe.
const (
	callersCard = "4761739001010119"
	accountName = "visa-credit"
)

func newCaller(t testing.TB, addr string, number int) *caller {
	t.Helper()
	clear, err := hex.DecodeString(TestTerminalMaster)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{addr: addr, tid: fmt.Sprintf("SIM%05d", number), m: hsm.New(rand.Reader), track: callersCard + "=3012201000000000000"}
	if c.key, err = c.m.Install("", hsm.Attributes{Usage: hsm.KeyEncryption}, clear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.hangUp)
	return c
}

func (c *caller) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn, c.in = nil, nil
	}
}

func (c *caller) dial() (err error) {
	if c.conn != nil {
		return nil
	}
	d := &net.Dialer{Timeout: 2 * time.Second}
	if c.tls != nil {
		c.conn, err = tls.DialWithDialer(d, "tcp", c.addr, c.tls)
		return err
	}
	c.conn, err = d.Dial("tcp", c.addr)
	return err
}

func (c *caller) message(mti string) *dialect.Message {
	c.stan++
	now := time.Now()
	m := &dialect.Message{
		MTI: mti, SystemsTraceAuditNumber: fmt.Sprintf("%06d", c.stan), CardAcceptorTerminalIdentification: c.tid, CardAcceptorIdentificationCode: testMID,
		DateLocalTransaction: now.Format("0102"), TimeLocalTransaction: now.Format("150405"),
	}
	return m
}

func (c *caller) sale(amount int64) *dialect.Message {
	m := c.message("0200")
	m.ProcessingCode, m.POSEntryMode, m.POSConditionCode, m.CurrencyCodeTransaction, m.Track2Data = "000000", "0021", "00", "0156", c.track
	m.SetAmount(amount)
	return m
}

func (c *caller) reversal(m *dialect.Message) *dialect.Message {
	return &dialect.Message{
		MTI: "0400", ProcessingCode: m.ProcessingCode, SystemsTraceAuditNumber: m.SystemsTraceAuditNumber, AmountTransaction: m.AmountTransaction, HasAmount: true,
		DateLocalTransaction: m.DateLocalTransaction, TimeLocalTransaction: m.TimeLocalTransaction, POSEntryMode: m.POSEntryMode,
		CardAcceptorTerminalIdentification: c.tid, CardAcceptorIdentificationCode: testMID, CurrencyCodeTransaction: m.CurrencyCodeTransaction, ReversalReason: "98",
	}
}

func (c *caller) send(m *dialect.Message) error {
	if err := c.dial(); err != nil {
		return err
	}
	var mac func(dst *[8]byte, data []byte) error
	if dialect.ISO87().MACRequired(m.MTI) {
		mac = func(dst *[8]byte, data []byte) error { return c.m.MAC(c.mac, hsm.MACParams{}, dst[:], data) }
	}
	b, err := dialect.ISO87().Pack(m, mac)
	if err != nil {
		return err
	}
	if c.out, err = (transport.Framing{}).Append(c.out[:0], b); err != nil {
		return err
	}
	if _, err = c.conn.Write(c.out); err != nil {
		c.hangUp()
	}
	return err
}

func (c *caller) receive(wait time.Duration) (*dialect.Message, error) {
	if c.conn == nil {
		return nil, transport.ErrClosed
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	for {
		b, n, err := (transport.Framing{}).Next(c.in)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			m, err := dialect.ISO87().Unpack(b)
			if err == nil && dialect.ISO87().MACRequired(m.MTI) && m.ResponseCode != codeBadMAC {
				err = dialect.ISO87().VerifyMAC(b, m, func(mac, data []byte) error { return c.m.VerifyMAC(c.mac, hsm.MACParams{}, mac, data) })
				if c.deaf {
					err = nil
				}
			}
			c.in = c.in[:copy(c.in, c.in[n:])]
			return m, err
		}
		var buf [4096]byte
		n, err = c.conn.Read(buf[:])
		c.in = append(c.in, buf[:n]...)
		if err != nil {
			c.hangUp()
			return nil, err
		}
	}
}

var errOtherAnswer = errors.New("an answer to something else")

// ask is one question and its answer; an error means that nobody knows what became of it.
func (c *caller) ask(m *dialect.Message, wait time.Duration) (*dialect.Message, error) {
	if err := c.send(m); err != nil {
		return nil, err
	}
	a, err := c.receive(wait)
	if err == nil && (a.Key() != m.Key() || a.MTI != dialect.Response(m.MTI)) {
		c.hangUp()
		return nil, errOtherAnswer
	}
	return a, err
}

func (c *caller) signOn() error {
	m := c.message("0800")
	m.NetworkManagementCode = dialect.NetworkSignOn
	a, err := c.ask(m, 5*time.Second)
	if err != nil {
		return err
	}
	if a.ResponseCode != codeApproved {
		return fmt.Errorf("sign-on answered %s", a.ResponseCode)
	}
	keys, err := dialect.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		return err
	}
	c.mac, err = c.m.Import(hsm.Attributes{Usage: hsm.MACAlgorithm3}, c.key, keys.MACKey[:], keys.MACKeyCheckValue[:])
	return err
}

func (c *caller) mustAsk(t testing.TB, m *dialect.Message) *dialect.Message {
	t.Helper()
	a, err := c.ask(m, 10*time.Second)
	if err != nil {
		t.Fatalf("%s: %v", m.MTI, err)
	}
	return a
}

// testHouse is the house of the built-in library, with n terminals.
func testHouse(t testing.TB, n int) House {
	t.Helper()
	h := House{}
	for i := range n {
		h.Terminals = append(h.Terminals, TerminalName{TID: fmt.Sprintf("SIM%05d", i+1), MID: testMID})
	}
	files, err := filepath.Glob("../testdata/cards/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d cards, %v", len(files), err)
	}
	keys := cardKeys(t)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := card.ParseProfile(strings.TrimSuffix(filepath.Base(f), ".yaml"), src, keys...)
		if err != nil {
			t.Fatal(err)
		}
		h.Cards = append(h.Cards, p)
	}
	return h
}
