package main

import (
	"context"
	"encoding/json"
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
