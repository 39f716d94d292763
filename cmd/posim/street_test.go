package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// The street: a host, a reader and a terminal, each a process of its own, in real time. What counts is what is on the
// disks afterwards, because processes are killed here as a power cut kills them.

// built is the program, made once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "posim-street-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "posim")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", name, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

type street struct {
	*testing.T
	program, dir string
	host         *exec.Cmd
	listen       string
	cup          string // where it takes terminals that speak cup
	admin        string
	reader       string
}

func newStreet(t *testing.T) *street {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	s := &street{T: t, program: program, dir: t.TempDir(), listen: "127.0.0.1:0", cup: "127.0.0.1:0", admin: "127.0.0.1:0"}
	s.startHost()
	t.Cleanup(func() { s.kill(s.host) })
	return s
}

// start runs the program; its first line of output is what it says when it is ready.
func (s *street) start(args ...string) (*exec.Cmd, string) {
	s.Helper()
	c := exec.Command(s.program, args...)
	c.Dir = s.dir
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		s.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		s.Fatalf("%v: %q %v", args, line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return c, line
}

// startHost starts the host on its data, at the same addresses as before.
func (s *street) startHost() {
	s.Helper()
	c, line := s.start("host", "--listen", s.listen, "--listen-cup", s.cup, "--admin", s.admin, "--data", "host", "--json")
	var ready struct {
		Listen, Admin string
		CUP           string `json:"listen_cup"`
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		s.Fatalf("%q: %v", line, err)
	}
	s.host, s.listen, s.cup, s.admin = c, ready.Listen, ready.CUP, ready.Admin
}

func (s *street) kill(c *exec.Cmd) {
	if c != nil && c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// emulate starts the reader.
func (s *street) emulate(card string) *exec.Cmd {
	s.Helper()
	c, _ := s.start("reader", "emulate", "--protocol", "ccid-serial", "--card", card, "--pty", "./reader0")
	s.reader = "./reader0?protocol=ccid-serial"
	s.Cleanup(func() { s.kill(c) })
	return c
}

// terminal is a command that runs one script at the till.
func (s *street) terminal(script string, args ...string) *exec.Cmd {
	s.Helper()
	name := filepath.Join(s.dir, "T01-script.yaml")
	if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
		s.Fatal(err)
	}
	all := append([]string{"run", "--host", s.listen, "--admin", s.admin, "--data", "till", "--json"}, args...)
	if s.reader != "" {
		all = append(all, "--reader", s.reader)
	}
	c := exec.Command(s.program, append(all, name)...)
	c.Dir = s.dir
	return c
}

func (s *street) positions() map[string]int64 {
	s.Helper()
	client, err := host.NewAdminClient(s.admin)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p, err := client.Positions(ctx)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// journal is what the till's disk says.
func (s *street) journal() []*terminal.Record {
	s.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "till", terminal.JournalFile))
	if err != nil {
		s.Fatal(err)
	}
	records, err := terminal.ReadJournal(data)
	if err != nil {
		s.Fatal(err)
	}
	return records
}

const saleScript = `name: sale
zh: 消费
about: one sale
card: visa-credit
terminal: impatient
steps:
  - sale: {amount: 100.00, pin: "1234"}
    expect: {outcome: approved, receipt: "100.00"}
expect:
  end: F3
  money: {cardholder: -100.00, acquirer: 100.00}
`

// rest boots the till and waits until it is idle; boot reverses what is pending and sends what is due.
const restScript = `name: rest
zh: 休息
about: boot, and nothing new
card: visa-credit
terminal: impatient
steps:
  - wait: reversal
  - wait: advices
expect:
  end: F0
`

func TestThreeProcessesCompleteAChipSale(t *testing.T) {
	s := newStreet(t)
	r := s.emulate("visa-credit")
	c := s.terminal(saleScript)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pids := map[int]bool{os.Getpid(): true, s.host.Process.Pid: true, r.Process.Pid: true, c.Process.Pid: true}
	if len(pids) != 4 {
		t.Errorf("processes %v: want four of their own", pids)
	}
	if p := s.positions(); p["cardholder"] != -100_00 || p["acquirer"] != 100_00 {
		t.Errorf("positions %v", p)
	}
	if j := s.journal(); len(j) != 1 || j[0].State != terminal.Approved || !j[0].Printed || j[0].CryptogramType != "TC" {
		t.Errorf("journal %+v", j)
	}
}

// swallow is a line that loses every answer to a sale: what the terminal sends goes through.
type swallow struct {
	net.Listener
	to   string
	sent chan struct{} // a token for each request that went by
	mu   sync.Mutex
	deaf bool
}

func newSwallow(t *testing.T, to string) *swallow {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &swallow{Listener: l, to: to, sent: make(chan struct{}, 100), deaf: true}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return w
}

// carry passes frames (two bytes of length) both ways; while it is deaf, 0210 does not come back.
func (w *swallow) carry(c net.Conn) {
	defer c.Close()
	up, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer up.Close()
	pass := func(from, to net.Conn, seen func(mti string) bool) {
		for {
			head := make([]byte, 2)
			if _, err := io.ReadFull(from, head); err != nil {
				break
			}
			body := make([]byte, int(head[0])<<8|int(head[1]))
			if _, err := io.ReadFull(from, body); err != nil {
				break
			}
			if seen(fmt.Sprintf("%X", body[:2])) {
				_, _ = to.Write(append(head, body...))
			}
		}
		c.Close()
		up.Close()
	}
	go pass(c, up, func(mti string) bool { return true })
	pass(up, c, func(mti string) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		if mti == "0210" && w.deaf {
			w.sent <- struct{}{}
			return false
		}
		return true
	})
}

func TestATerminalKilledBeforeItsAnswerReversesFirst(t *testing.T) {
	s := newStreet(t)
	s.emulate("visa-credit")
	direct := s.listen
	w := newSwallow(t, direct)
	s.listen = w.Addr().String()
	c := s.terminal(strings.Replace(saleScript, "impatient", "generic", 1)) // its patience outlasts the test
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.sent: // the host has answered, and the answer is lost
	case <-time.After(30 * time.Second):
		t.Fatal("no sale was answered")
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	if j := s.journal(); len(j) != 1 || j[0].State != terminal.Pending {
		t.Fatalf("journal %+v", j)
	}
	if p := s.positions(); p["cardholder"] != -100_00 {
		t.Fatalf("positions %v", p)
	}
	s.listen = direct
	out, err := s.terminal(strings.Replace(restScript, "impatient", "generic", 1)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if j := s.journal(); len(j) != 1 || j[0].State != terminal.Reversed || j[0].Reason != "98" {
		t.Errorf("journal %+v", j[0])
	}
	if p := s.positions(); p["cardholder"] != 0 || p["acquirer"] != 0 {
		t.Errorf("positions %v", p)
	}
}

// TestRandomKillsAtTheTill kills the terminal or the host with SIGKILL at random moments of sales, some of them offline
// and advised later, again and again on the same data. Then everything comes to rest and the books must agree.
func TestRandomKillsAtTheTill(t *testing.T) {
	kills := 12
	if n, err := strconv.Atoi(os.Getenv("POSIM_KILLS")); err == nil {
		kills = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("POSIM_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("POSIM_SEED=%d POSIM_KILLS=%d", seed, kills)
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newStreet(t)
	for range kills {
		script := strings.Replace(saleScript, "outcome: approved, ", "", 1)
		switch rng.IntN(3) {
		case 0: // approved by the card alone, and advised
			script = strings.NewReplacer("visa-credit", "visa-offline", "100.00, pin: \"1234\"", "10.00").Replace(saleScript)
		case 1:
			script = strings.Replace(script, "visa-credit", "stripe-only", 1)
		}
		c := s.terminal(script)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rng.IntN(700)) * time.Millisecond)
		if rng.IntN(3) == 0 {
			s.kill(s.host)
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
			s.startHost()
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	deadline := time.Now().Add(2 * time.Minute)
	for { // everything heals
		out, err := s.terminal(restScript).CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	s.agree()
}

// agree compares what the till and the three hosts believe of every transaction.
func (s *street) agree() {
	s.Helper()
	client, err := host.NewAdminClient(s.admin)
	if err != nil {
		s.Fatal(err)
	}
	var views []*host.View
	for wait := 0; ; wait++ { // reversals between the hosts are repeated every 30 s
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		views, err = client.Views(ctx)
		cancel()
		if err != nil {
			s.Fatal(err)
		}
		due := 0
		for _, v := range views {
			due += len(v.Unresolved())
		}
		if due == 0 {
			break
		}
		if wait > 100 {
			s.Fatalf("%d transactions are still unresolved", due)
		}
		time.Sleep(time.Second)
	}
	known := map[string]*terminal.Record{}
	var batch int64
	states := map[terminal.State]int{}
	for _, r := range s.journal() {
		known[r.STAN+r.Date+r.Time] = r
		states[r.State]++
		if r.InBatch() {
			batch += r.Amount
			if !r.Printed {
				s.Errorf("%s has no receipt", r)
			}
		}
	}
	s.Logf("records %v", states)
	for _, v := range views[len(views)-1:] { // the issuer
		for _, e := range v.Transactions {
			debited := -e.Net(host.PositionCardholder)
			r := known[e.Key.STAN+e.Key.Date+e.Key.Time]
			var want int64
			if r != nil && r.InBatch() {
				want = r.Amount
			}
			if debited != want {
				s.Errorf("%s: the cardholder is debited %d, and the till has %v", e.Key, debited, r)
			}
		}
	}
	p := host.Positions(views...)
	if p["cardholder"] != -batch || p["acquirer"] != batch {
		s.Errorf("the till's batch is %d and the positions are %v", batch, p)
	}
}
