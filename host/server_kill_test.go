package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// The program itself, killed.

// program is a posim host in a process of its own.
type program struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines *bufio.Reader
	tail  *bytes.Buffer // standard error
	once  sync.Once

	Listen string
	Admin  string
	PID    int
	client *AdminClient
}

// buildPosim builds the program, once for a test.
func buildPosim(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "posim")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", name, "github.com/posim/posim/cmd/posim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// startProgram starts it and waits for its line.
func startProgram(t testing.TB, name, data string, more ...string) *program {
	t.Helper()
	p := &program{t: t, tail: &bytes.Buffer{}}
	p.cmd = exec.Command(name, append([]string{"host", "--json", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data}, more...)...)
	p.cmd.Stderr = p.tail
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	p.lines = bufio.NewReader(out)
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		p.kill()
		t.Fatalf("no line: %v\n%s", err, p.tail)
	}
	if err := json.Unmarshal(line, p); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if p.PID != p.cmd.Process.Pid {
		t.Fatalf("process %d says that it is %d", p.cmd.Process.Pid, p.PID)
	}
	if p.client, err = NewAdminClient(p.Admin); err != nil {
		t.Fatal(err)
	}
	return p
}

// kill is kill -9.
func (p *program) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
		if p.client != nil {
			p.client.Close()
		}
	})
}

// stop is a signal, and the status that the program ends with.
func (p *program) stop(s os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	ended := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer ended.Stop()
	p.once.Do(func() { _ = p.cmd.Wait() })
	return p.cmd.ProcessState.ExitCode()
}

// entryOf is what one party believes about a message's transaction; nil: nothing.
func entryOf(t testing.TB, v AdminView, party int, m *dialect.Message) *Entry {
	t.Helper()
	views, err := v.Views(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return views[party].Find(m.Key())
}

// The process is killed until it has happened that the issuer had debited and the terminal had no answer. Whatever the
// moment was: after a restart the terminal's reversal takes everything back, once.
func TestKilledBetweenDebitAndAnswer(t *testing.T) {
	name, data := buildPosim(t), dataDir(t)
	p := startProgram(t, name, data)
	c := newCaller(t, p.Listen, 1)
	if err := c.signOn(); err != nil {
		t.Fatal(err)
	}
	sold := int64(0)
	wait, window := time.Duration(0), 0
	for range 300 {
		m := c.sale(1000)
		if err := c.send(m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		p.kill()
		a, err := c.receive(5 * time.Second) // what was sent before the kill still arrives
		c.hangUp()
		log, e := os.ReadFile(filepath.Join(data, nameIssuer, LogName))
		if e != nil {
			t.Fatal(e)
		}
		v, e := Recover(log)
		if e != nil {
			t.Fatal(e)
		}
		debited := v.Find(m.Key()) != nil && v.Find(m.Key()).State == Approved
		p = startProgram(t, name, data)
		c.addr = p.Listen
		switch {
		case err == nil && a.ResponseCode == "00":
			sold += 1000
			wait /= 2 // too late
		case debited:
			window++
		default:
			wait += 100 * time.Microsecond
		}
		if err != nil {
			if code := c.mustAsk(t, c.reversal(m)).ResponseCode; code != "00" && code != "25" {
				t.Fatalf("the reversal is answered %s", code)
			}
		}
		quiet(t, p.client)
		want(t, "money", moneyOf(t, p.client), fmt.Sprintf("cardholder %d issuer 0 acquirer %d", -sold, sold))
		if e := entryOf(t, p.client, 2, m); err != nil && e != nil && e.State != Reversed && e.State != Tombstone {
			t.Errorf("the issuer believes %v", e.State)
		}
		if t.Failed() || window >= 3 {
			break
		}
	}
	if window < 3 {
		t.Errorf("the kill came between debit and answer %d times: want 3", window)
	}
	t.Logf("%d kills between debit and answer", window)
}

// kills is how often TestRandomKills kills: POSIM_KILLS, or few.
func kills(t testing.TB) int {
	if s := os.Getenv("POSIM_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("POSIM_KILLS=%q: want a number", s)
		}
		return n
	}
	return 20
}

// Terminals sell, and reverse by rule what they do not know; the host is killed at random moments. In the end the money is
// what the terminals believe.
func TestRandomKills(t *testing.T) {
	const terminals, known = 8, "64" // the host knows more: the library has terminals of its own
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("POSIM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	n := kills(t)
	t.Logf("POSIM_SEED=%d POSIM_KILLS=%d", seed, n)
	random := rand.New(rand.NewPCG(seed, 0))
	name, data := buildPosim(t), dataDir(t)

	var place sync.RWMutex // where the host is now
	p := startProgram(t, name, data, "--terminals", known)
	if _, err := p.client.Account(context.Background(), Admin{Account: accountName, SetBalance: true, Balance: 1e12}); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	tills := make([]*shop, terminals)
	var wg sync.WaitGroup
	for i := range tills {
		tills[i] = &shop{c: newCaller(t, p.Listen, i+1), random: rand.New(rand.NewPCG(seed, uint64(i+1))), addr: func() string {
			place.RLock()
			defer place.RUnlock()
			return p.Listen
		}}
		wg.Add(1)
		go func() {
			defer wg.Done()
			tills[i].work(over)
		}()
	}
	for range n {
		time.Sleep(time.Duration(random.Int64N(int64(60 * time.Millisecond))))
		place.Lock() // the terminals meet the dead host: those under way feel it, new dials wait
		p.kill()
		p = startProgram(t, name, data, "--terminals", known)
		place.Unlock()
	}
	close(over)
	wg.Wait()
	sold, made, unknown := int64(0), 0, 0
	for i, s := range tills {
		if s.err != nil {
			t.Errorf("terminal %d: %v", i+1, s.err)
		}
		sold, made, unknown = sold+s.sold, made+s.made, unknown+s.unknown
	}
	quiet(t, p.client)
	want(t, "money", moneyOf(t, p.client), fmt.Sprintf("cardholder %d issuer 0 acquirer %d", -sold, sold))
	items, err := p.client.Differences(context.Background())
	if err != nil || len(items) > 0 {
		t.Errorf("differences %v, %v", items, err)
	}
	views, err := p.client.Views(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tills { // sale by sale, and not only in total
		for _, m := range s.all {
			approved := m.approved
			for at, v := range views {
				e := v.Find(m.Key())
				if believes := e != nil && e.State == Approved; believes != approved {
					t.Errorf("%s: the terminal has approved %v, at the %s it is approved %v", m.Key(), approved, placeNames[at], believes)
				}
			}
		}
	}
	if unknown == 0 || made < n {
		t.Errorf("%d sales, %d of them without an answer: the kills hit nothing", made, unknown)
	}
	t.Logf("%d sales, %d without an answer, %d minor units sold", made, unknown, sold)
}

// shop is a terminal with the rules that matter here: what has no answer is reversed until that is acknowledged, before
// the next sale.
type shop struct {
	c             *caller
	random        *rand.Rand
	addr          func() string
	signedOn      bool
	sold          int64
	made, unknown int
	all           []saleMade
	err           error
}

type saleMade struct {
	*dialect.Message
	approved bool
}

func (s *shop) work(over <-chan struct{}) {
	for s.err == nil {
		select {
		case <-over:
			return
		default:
		}
		if !s.signedOn {
			s.try(func() error { return s.c.signOn() })
			s.signedOn = true
		}
		amount := 100 + s.random.Int64N(900)
		m := s.c.sale(amount)
		s.c.addr = s.addr()
		if s.c.dial() != nil {
			s.all = append(s.all, saleMade{m, false}) // nothing was written: nothing to reverse
			continue
		}
		s.made++
		a, err := s.c.ask(m, 5*time.Second)
		approved := err == nil && a.ResponseCode == codeApproved
		s.all = append(s.all, saleMade{m, approved})
		switch {
		case approved:
			s.sold += amount
		case err != nil:
			s.unknown++
			s.try(func() error {
				a, err := s.c.ask(s.c.reversal(m), 5*time.Second)
				if err == nil && a.ResponseCode != codeApproved && a.ResponseCode != codeNoOriginal {
					err = fmt.Errorf("reversal answered %s", a.ResponseCode)
				}
				return err
			})
		}
	}
}

// try does something until it works.
func (s *shop) try(f func() error) {
	var err error
	for range 200 {
		s.c.addr = s.addr()
		if err = f(); err == nil {
			return
		}
		s.c.hangUp()
		time.Sleep(10 * time.Millisecond)
	}
	s.err = err
}

func TestProgramEndsInOrder(t *testing.T) {
	name := buildPosim(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			data := dataDir(t)
			p := startProgram(t, name, data)
			c := newCaller(t, p.Listen, 1)
			if err := c.signOn(); err != nil {
				t.Fatal(err)
			}
			c.mustAsk(t, c.sale(300))
			for addr := range listening(t, p.PID) {
				if !strings.HasPrefix(addr, "127.") {
					t.Errorf("%s is listened on", addr)
				}
			}
			want(t, "listeners", len(listening(t, p.PID)), 3) // of two dialects, and the admin view
			want(t, "status", p.stop(s), 0)
			if p.tail.Len() > 0 {
				t.Errorf("standard error: %s", p.tail)
			}
			p = startProgram(t, name, data)
			want(t, "money", moneyOf(t, p.client), "cardholder -300 issuer 0 acquirer 300")
		})
	}
}

// Without --data nothing is left behind.
func TestTemporaryDataIsRemoved(t *testing.T) {
	name, tmp := buildPosim(t), t.TempDir()
	cmd := exec.Command(name, "host", "--listen", "127.0.0.1:0", "--admin", "off")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "data in "+tmp) || !strings.HasSuffix(line, "(temporary)\n") || strings.Contains(line, "admin") {
		t.Errorf("%q, %v", line, err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 1 {
		t.Errorf("while it runs: %v, %v", left, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if left, err = os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("afterwards: %v, %v", left, err)
	}
}
