package host

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

func startServer(t testing.TB, cfg ServerConfig) *Server {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = dataDir(t)
	}
	if cfg.House.Terminals == nil {
		cfg.House = testHouse(t, 4)
	}
	s, err := StartServer(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, s) })
	return s
}

func stopServer(t testing.TB, s *Server) {
	t.Helper()
	s.Stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
}

func dataDir(t testing.TB) string { return filepath.Join(t.TempDir(), "data") }

func moneyOf(t testing.TB, v AdminView) string {
	t.Helper()
	p, err := v.Positions(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, n := range p {
		sum += n
	}
	if sum != 0 {
		t.Errorf("the positions sum to %d: %v", sum, p)
	}
	return fmt.Sprintf("cardholder %d issuer %d acquirer %d", p[PositionCardholder], p[PositionIssuer], p[PositionAcquirer])
}

func want(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestServerOverRealSockets(t *testing.T) {
	data := dataDir(t)
	s := startServer(t, ServerConfig{Data: data})
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	kept, undone := c.sale(10000), c.sale(2500)
	want(t, "a sale", c.mustAsk(t, kept).ResponseCode, "00")
	want(t, "its copy", c.mustAsk(t, kept).ResponseCode, "00")
	want(t, "another sale", c.mustAsk(t, undone).ResponseCode, "00")
	want(t, "money", moneyOf(t, s), "cardholder -12500 issuer 0 acquirer 12500")
	want(t, "its reversal", c.mustAsk(t, c.reversal(undone)).ResponseCode, "00")
	quiet(t, s)
	want(t, "money", moneyOf(t, s), "cardholder -10000 issuer 0 acquirer 10000")
	first := s.Run()
	stopServer(t, s)
	if _, err := c.receive(5 * time.Second); err == nil {
		t.Error("the connection outlives the server")
	}

	s = startServer(t, ServerConfig{Data: data})
	c.addr = s.Addr()
	want(t, "money after a restart", moneyOf(t, s), "cardholder -10000 issuer 0 acquirer 10000")
	want(t, "the copy after a restart, under the session of before", c.mustAsk(t, kept).ResponseCode, "00")
	want(t, "the reversed one after a restart", c.mustAsk(t, undone).ResponseCode, "25")
	want(t, "money", moneyOf(t, s), "cardholder -10000 issuer 0 acquirer 10000")
	if s.Run() == first {
		t.Error("two runs have one name")
	}
}

// quiet waits until no party waits for anybody.
func quiet(t testing.TB, v AdminView) {
	t.Helper()
	var last Health
	for range 500 {
		h, err := v.Health(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		due := 0
		for _, p := range h.Parties {
			due += p.Unresolved
		}
		if due == 0 {
			return
		}
		last = h
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not at rest: %+v", last.Parties)
}

func TestManyTerminalsAtOnce(t *testing.T) {
	const terminals, sales = 24, 15
	s := startServer(t, ServerConfig{House: testHouse(t, terminals)})
	var wg sync.WaitGroup
	for n := range terminals {
		c := newCaller(t, s.Addr(), n+1)
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := c.signOn(); err != nil {
				t.Error(err)
				return
			}
			for i := range sales {
				m := c.sale(int64(100 + i))
				a, err := c.ask(m, 20*time.Second)
				if err != nil || a.ResponseCode != "00" {
					t.Errorf("terminal %d, sale %d: %v, %v", n+1, i, a, err)
					return
				}
				if i%3 == 0 {
					if a, err = c.ask(c.reversal(m), 20*time.Second); err != nil || a.ResponseCode != "00" {
						t.Errorf("terminal %d, reversal %d: %v, %v", n+1, i, a, err)
					}
				}
			}
		}()
	}
	wg.Wait()
	quiet(t, s)
	n := int64(0)
	for i := range sales {
		if i%3 != 0 {
			n += int64(100 + i)
		}
	}
	n *= terminals
	want(t, "money", moneyOf(t, s), fmt.Sprintf("cardholder %d issuer 0 acquirer %d", -n, n))
}

// One turn takes everything that has happened: many sales, few commits.
func TestGroupCommit(t *testing.T) {
	const terminals, sales = 32, 10
	s := startServer(t, ServerConfig{House: testHouse(t, terminals)})
	callers := make([]*caller, terminals)
	for n := range callers {
		callers[n] = newCaller(t, s.Addr(), n+1)
		if err := callers[n].signOn(); err != nil {
			t.Fatal(err)
		}
	}
	before := turnsOf(t, s)
	var wg sync.WaitGroup
	for _, c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range sales {
				if _, err := c.ask(c.sale(100), 20*time.Second); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	turns := turnsOf(t, s) - before
	// Each sale is a request and an answer at the acquirer: without groups there are two turns for each.
	if turns >= 2*terminals*sales*3/4 {
		t.Errorf("%d turns of the acquirer for %d sales: nothing is grouped", turns, terminals*sales)
	}
	t.Logf("%d turns of the acquirer for %d sales", turns, terminals*sales)
}

func turnsOf(t testing.TB, s *Server) int {
	t.Helper()
	n, err := ask(context.Background(), s.offices[0], func() int { return s.offices[0].party.turns })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The power goes when the issuer has debited and nobody has been answered.
func TestStoppedBetweenDebitAndAnswer(t *testing.T) {
	for _, place := range []struct{ party, point string }{
		{nameAcquirer, BeforeLog}, {nameAcquirer, AfterLog}, {nameSwitch, BeforeLog}, {nameSwitch, AfterLog}, {nameIssuer, BeforeLog}, {nameIssuer, AfterLog},
	} {
		t.Run(place.party+" "+place.point, func(t *testing.T) {
			data := dataDir(t)
			var s *Server
			started := make(chan struct{})
			s = startServer(t, ServerConfig{Data: data, Point: func(party, mti, point string) {
				if party == place.party && mti == "0200" && point == place.point {
					<-started
					s.Stop()
				}
			}})
			close(started)
			c := newCaller(t, s.Addr(), 1)
			if err := c.signOn(); err != nil {
				t.Fatal(err)
			}
			m := c.sale(700)
			if a, err := c.ask(m, 20*time.Second); err == nil {
				t.Fatalf("answered %v", a)
			}
			if err := s.Wait(); err != nil {
				t.Fatal(err)
			}
			if place.party == nameIssuer && place.point == AfterLog {
				log, err := os.ReadFile(filepath.Join(data, nameIssuer, LogName))
				if err != nil {
					t.Fatal(err)
				}
				v, err := Recover(log)
				if err != nil {
					t.Fatal(err)
				}
				want(t, "the issuer's log", Positions(v)[PositionCardholder], -700)
			}
			s = startServer(t, ServerConfig{Data: data})
			c.addr = s.Addr()
			code := c.mustAsk(t, c.reversal(m)).ResponseCode
			if code != "00" && code != "25" {
				t.Errorf("the reversal is answered %s", code)
			}
			quiet(t, s)
			want(t, "money", moneyOf(t, s), nothing)
			want(t, "the late copy", c.mustAsk(t, m).ResponseCode != "00", true)
			want(t, "money", moneyOf(t, s), nothing)
		})
	}
}

func TestPartyThatFailsEndsTheServer(t *testing.T) {
	data := dataDir(t)
	s := startServer(t, ServerConfig{Data: data})
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	c.mustAsk(t, c.sale(100))
	c.mustAsk(t, c.sale(100))
	stopServer(t, s)
	name := filepath.Join(data, nameIssuer, LogName)
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	log[20] ^= 1
	if err := os.WriteFile(name, log, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = StartServer(context.Background(), ServerConfig{Data: data, House: testHouse(t, 1)})
	if err == nil || !strings.Contains(err.Error(), "issuer") || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("a damaged log: %v", err)
	}
	log[20] ^= 1
	if err := os.WriteFile(name, log, 0o600); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, ServerConfig{Data: data}) // and the locks are free
	want(t, "money", moneyOf(t, s), "cardholder -200 issuer 0 acquirer 200")
}

func TestServerThatCannotStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	used := dataDir(t)
	startServer(t, ServerConfig{Data: used})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	d, err := sim.OpenDir(other, "terminal")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	twice := testHouse(t, 1)
	twice.Terminals = append(twice.Terminals, twice.Terminals[0])
	for _, c := range []struct {
		name string
		cfg  ServerConfig
		want string
		is   error
	}{
		{"the port is in use", ServerConfig{Listen: busy.Addr().String()}, "in use", nil},
		{"the admin port is in use", ServerConfig{Admin: busy.Addr().String()}, "in use by another program", nil},
		{"public, but where", ServerConfig{Listen: ":0", Public: true}, "0.0.0.0 for all", nil},
		{"all addresses by number", ServerConfig{Listen: "0.0.0.0:0"}, "can be reached from other machines", nil},
		{"a public address", ServerConfig{Listen: "192.0.2.1:0"}, "can be reached from other machines", nil},
		{"a name", ServerConfig{Listen: "example.org:8583"}, "can be reached from other machines", nil},
		{"no port", ServerConfig{Listen: "127.0.0.1"}, "want one such as", nil},
		{"a port too high", ServerConfig{Listen: "127.0.0.1:65536"}, "want one such as", nil},
		{"a public admin view", ServerConfig{Admin: "0.0.0.0:0", Public: true}, "want a loopback address", nil},
		{"an admin view without a port", ServerConfig{Admin: "localhost"}, "want one such as", nil},
		{"data in use", ServerConfig{Data: used}, "in use", sim.ErrInUse},
		{"data of another kind", ServerConfig{Data: other}, "another", sim.ErrVersion},
		{"data that is a file", ServerConfig{Data: file}, "not a directory", nil},
		{"data in nowhere", ServerConfig{Data: filepath.Join(file+"s", "data")}, "create", nil},
		{"a terminal twice", ServerConfig{House: twice}, "want it once", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.Data == "" {
				c.cfg.Data = dataDir(t)
			}
			if c.cfg.House.Terminals == nil {
				c.cfg.House = testHouse(t, 1)
			}
			s, err := StartServer(context.Background(), c.cfg)
			if err == nil {
				stopServer(t, s)
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: want one line with %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v: want %v", err, c.is)
			}
			// What it had taken is free again.
			if c.cfg.Data != used && c.cfg.Data != other && c.cfg.Data != file && !strings.HasPrefix(c.cfg.Data, file) {
				again := ServerConfig{Data: c.cfg.Data, House: testHouse(t, 1)}
				s, err := StartServer(context.Background(), again)
				if err != nil {
					t.Fatalf("afterwards: %v", err)
				}
				stopServer(t, s)
			}
		})
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := StartServer(ctx, ServerConfig{Data: dataDir(t), House: testHouse(t, 1), Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := s.Positions(context.Background()); err == nil {
		t.Error("an ended server tells its positions")
	}
	if c, err := net.Dial("tcp", s.AdminAddr()); err == nil {
		c.Close()
		t.Error("the admin view outlives the server")
	}
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("the listener outlives the server")
	}
}

func TestServerSpeaksTLS(t *testing.T) {
	certificate, pool := certificateFor(t, "127.0.0.1")
	s := startServer(t, ServerConfig{TLS: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}})
	c := newCaller(t, s.Addr(), 1)
	c.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	want(t, "a sale", c.mustAsk(t, c.sale(100)).ResponseCode, "00")
	plain := newCaller(t, s.Addr(), 2)
	if err := plain.signOn(); err == nil {
		t.Error("a plain terminal is served")
	}
	var log LogPage
	refused := -1
	for tries := 0; refused < 0; tries++ { // the terminal may hear of it before the host has written it down
		var err error
		if log, err = s.Log(context.Background(), 0); err != nil {
			t.Fatal(err)
		}
		refused = slices.IndexFunc(log.Events, func(e LogEvent) bool { return e.Kind == Refused.String() })
		if refused < 0 && tries == 500 {
			t.Fatal("the log does not have the plain terminal")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if e := log.Events[refused]; e.Party != nameAcquirer || e.Up || !strings.Contains(e.Error, "does not speak TLS: let it use TLS") {
		t.Errorf("the plain terminal in the log: %+v", e)
	}
}

func TestASilentTerminalIsDisconnected(t *testing.T) {
	s := startServer(t, ServerConfig{Idle: 50 * time.Millisecond})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v: want the end", n, err)
	}
}

func certificateFor(t testing.TB, ip string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "posim test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	data := dataDir(t)
	s := startServer(t, ServerConfig{Data: data, Admin: "127.0.0.1:0"})
	c := newCaller(t, s.Addr(), 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	c.mustAsk(t, c.sale(100))
	files := 0
	secrets := [][]byte{[]byte(callersCard), []byte(c.track), []byte(TestTerminalMaster)}
	for _, digits := range []string{callersCard, TestTerminalMaster, testUpMAC, testIssuerPIN} {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, b)
	}
	err := filepath.WalkDir(data, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o600)
		if d.IsDir() {
			mode = 0o700
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s is %04o, want %04o", name, info.Mode().Perm(), mode)
		}
		if d.IsDir() {
			return nil
		}
		files++
		b, err := os.ReadFile(name)
		for i, secret := range secrets {
			if bytes.Contains(b, secret) {
				t.Errorf("%s holds secret %d", name, i)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	s := startServer(t, ServerConfig{Admin: "127.0.0.1:0"})
	found := listening(t, os.Getpid())
	for _, addr := range []string{s.Addr(), s.AdminAddr()} {
		if !found[addr] {
			t.Errorf("%s is not among %v", addr, found)
		}
	}
	for addr := range found {
		if !strings.HasPrefix(addr, "127.") && !strings.HasPrefix(addr, "[::1]") {
			t.Errorf("%s is listened on", addr)
		}
	}
}

// listening reads from /proc what addresses a process listens on.
func listening(t testing.TB, pid int) map[string]bool {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			sockets[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	found := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6 here
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			field := strings.Fields(lines.Text())
			if len(field) > 9 && field[3] == "0A" && sockets[field[9]] {
				found[procAddress(t, field[1])] = true
			}
		}
		f.Close()
	}
	return found
}

// procAddress reads an address of /proc/net/tcp: words of four bytes in the machine's order, a colon, the port.
func procAddress(t testing.TB, s string) string {
	t.Helper()
	address, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	p, err2 := hex.DecodeString(port)
	if err != nil || err2 != nil || len(b)%4 != 0 || len(p) != 2 {
		t.Fatalf("address %q", s)
	}
	for i := 0; i < len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	return net.JoinHostPort(net.IP(b).String(), fmt.Sprint(binary.BigEndian.Uint16(p)))
}

// A second line of the same acquirer speaks another dialect behind a TPDU, in real time; a terminal is taken on its own line only.
func TestTwoDialectsOnTwoLines(t *testing.T) {
	counter := dialect.CUP(dialect.Switches{})
	scheme, err := hsm.ParseScheme(hsm.MasterSession, "0", "cup-ecb", 0)
	if err != nil {
		t.Fatal(err)
	}
	h := testHouse(t, 2)
	h.Terminals[0].Dialect = dialect.ISO87()
	h.Terminals[1].Dialect, h.Terminals[1].Scheme = counter, scheme
	s := startServer(t, ServerConfig{House: h, Lines: []TerminalLine{{
		Dialect: counter, Framing: transport.Framing{TPDU: &transport.TPDU{Source: 3}, AnySource: true},
	}}})
	plain := newCaller(t, s.Addr(), 1)
	if err := plain.signOn(); err != nil {
		t.Fatal(err)
	}
	want(t, "sale of the first terminal", plain.mustAsk(t, plain.sale(100)).ResponseCode, codeApproved)

	conn, err := net.Dial("tcp", s.LineAddr(0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	framing := transport.Framing{TPDU: &transport.TPDU{Destination: 3, Source: 17}}
	var mac hsm.Key
	c := newCaller(t, "", 2)
	stan := 0
	ask := func(k dialect.Kind, tid string, change func(*dialect.Message)) *dialect.Message {
		t.Helper()
		stan++
		m := &dialect.Message{Kind: k, SystemsTraceAuditNumber: fmt.Sprintf("%06d", stan), BatchNumber: firstBatch,
			CardAcceptorTerminalIdentification: tid, CardAcceptorIdentificationCode: testMID}
		if err := counter.Shape(m); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(m)
		}
		var sum func(dst *[8]byte, data []byte) error
		if counter.Signed(m) {
			sum = func(dst *[8]byte, data []byte) error { return c.m.MAC(mac, scheme.MACParams(), dst[:], data) }
		}
		b, err := counter.Pack(m, sum)
		if err == nil {
			b, err = framing.Append(nil, b)
		}
		if err == nil {
			_, err = conn.Write(b)
		}
		if err == nil {
			err = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		}
		if err != nil {
			t.Fatal(err)
		}
		var in []byte
		for {
			b, n, err := framing.Next(in)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				a, err := counter.Unpack(b)
				if err == nil && len(a.MAC) > 0 {
					err = counter.VerifyMAC(b, a, func(mac8, data []byte) error { return c.m.VerifyMAC(mac, scheme.MACParams(), mac8, data) })
				}
				if err != nil {
					t.Fatal(err)
				}
				return a
			}
			var buf [4096]byte
			if n, err = conn.Read(buf[:]); err != nil {
				t.Fatal(err)
			}
			in = append(in, buf[:n]...)
		}
	}
	want(t, "the first terminal on the second line", ask(dialect.KindSignOn, "SIM00001", nil).ResponseCode, codeUnknownTerminal)
	a := ask(dialect.KindSignOn, "SIM00002", nil)
	want(t, "sign-on", a.ResponseCode+" "+a.BatchNumber, "00 000001")
	keys, err := counter.ParseSessionKeys(a.ReservedPrivate62)
	if err == nil {
		mac, err = c.m.Import(scheme.SessionMAC(), c.key, keys.MACKey, keys.MACKeyCheckValue)
	}
	if err != nil {
		t.Fatal(err)
	}
	a = ask(dialect.KindSale, "SIM00002", func(m *dialect.Message) {
		m.POSEntryMode, m.CurrencyCodeTransaction, m.Track2Data = "0021", "0156", c.track
		m.SetAmount(250)
	})
	want(t, "sale of the second terminal", a.ResponseCode, codeApproved)
	want(t, "its MAC", len(a.MAC), 8)
	other := newCaller(t, s.Addr(), 2)
	if err := other.signOn(); err == nil || !strings.Contains(err.Error(), codeInvalidMerchant) {
		t.Errorf("the second terminal on the first line: %v", err)
	}
	health, err := s.Health(context.Background())
	want(t, "lines", fmt.Sprintf("%v %v", health.Lines, err), fmt.Sprintf("[{iso87 %s} {cup %s}] <nil>", s.Addr(), s.LineAddr(0)))
	r, err := s.Terminals(context.Background())
	want(t, "terminals", fmt.Sprintf("%v %v %v %v %v", r[0].Dialect, r[0].DebitAmount, r[1].Dialect, r[1].DebitAmount, err), "iso87 100 cup 250 <nil>")
}
