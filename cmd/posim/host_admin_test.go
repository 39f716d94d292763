package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/host"
)

// What is asked of a running host, and told to it.
func TestHostIsAskedAndTold(t *testing.T) {
	generic, err := profileOf(genericProfile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := houseOf(generic, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := host.StartServer(context.Background(), host.ServerConfig{House: h, Data: filepath.Join(t.TempDir(), "h"), Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(); _ = s.Wait() })
	ask := func(args ...string) (string, string, int) {
		return posimRun(t, "", append(append([]string{"host"}, args...), "--admin", s.AdminAddr())...)
	}
	const line = "SIM00001 iso87 disabled, not signed on, batch 000001 open: +0/0 -0/0, asked for sign-on, aids\n"
	if out, diag, status := ask("terminal", "SIM00001", "--disable", "--ask", "sign-on,aids"); out != line || status != 0 {
		t.Errorf("terminal: %q, %q, %d", out, diag, status)
	}
	if out, _, status := ask("terminals"); !strings.Contains(out, line) || strings.Count(out, "\n") != len(h.Terminals) || status != 0 {
		t.Errorf("terminals: %s", out)
	}
	var got struct{ Terminals []host.TerminalReport }
	out, _, _ := ask("terminals", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Terminals) != len(h.Terminals) {
		t.Errorf("terminals --json: %v, %s", err, out)
	}
	if out, _, status := ask("batches", "--json"); out != `{"batches":[]}`+"\n" || status != 0 {
		t.Errorf("batches: %s", out)
	}
	for _, bad := range [][]string{{"terminal", "SIM09999"}, {"terminal", "SIM00001", "--disable", "--enable"}, {"terminal", "SIM00001", "--ask", "nothing"}} {
		if out, diag, status := ask(bad...); out != "" || status != 2 || !strings.HasPrefix(diag, "posim: ") {
			t.Errorf("%q: %q, %q, %d", bad, out, diag, status)
		}
	}
	s.Stop()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if out, diag, status := ask("batches"); out != "" || status != 1 || !strings.Contains(diag, "nobody listens at "+s.AdminAddr()) {
		t.Errorf("no host: %q, %q, %d", out, diag, status)
	}
}

// A running host is asked by the question of a merchant: what it has, and what it has not.
func TestARunningHostIsTraced(t *testing.T) {
	generic, err := profileOf(genericProfile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := houseOf(generic, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "h")
	s, err := host.StartServer(context.Background(), host.ServerConfig{House: h, Data: data, Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(); _ = s.Wait() })
	script := filepath.Join(t.TempDir(), "W99-sale.yaml")
	src := "name: sale\nzh: 消费\ncard: visa-credit\nsteps:\n  - sale: {amount: 12.34, pin: \"1234\"}\nexpect: {end: F3}\n"
	if err := os.WriteFile(script, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, diag, status := posimRun(t, "", "run", "--host", s.Addr(), "--admin", s.AdminAddr(), script); status != 0 {
		t.Fatalf("run: %s, %s, %d", out, diag, status)
	}
	out, diag, status := posimRun(t, "", "trace", "--host", s.AdminAddr(), "--amount", "12.34")
	for _, want := range []string{"12.34 CNY, terminal SIM00001", " issuer          debited 12.34", "cardholder → issuer 12.34", " answer   approved", "with the acquirer: 12.34, not paid out"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
	if diag != "" || status != 0 {
		t.Errorf("trace: %q, %d", diag, status)
	}
	if out, diag, status := posimRun(t, "", "trace", "--host", s.AdminAddr(), "--stan", "999999"); out != "" || status != 1 || !strings.Contains(diag, "no transaction of ") {
		t.Errorf("none: %q, %q, %d", out, diag, status)
	}
	if out, diag, status := posimRun(t, "", "trace", "--data", data, "--amount", "12.34"); out != "" || status != 2 || !strings.Contains(diag, "in use by this process already") {
		t.Errorf("its data: %q, %q, %d", out, diag, status)
	}
	s.Stop()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if out, _, status := posimRun(t, "", "trace", "--data", data, "--amount", "12.34"); status != 0 || !strings.Contains(out, "with the acquirer: 12.34, not paid out") {
		t.Errorf("what it has left: %s, %d", out, status)
	}
}
