package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
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

// runningHost is a house on a data directory, and what asks it.
func runningHost(t *testing.T) (s *host.Server, data string) {
	t.Helper()
	generic, err := profileOf(genericProfile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := houseOf(generic, 0)
	if err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(t.TempDir(), "h")
	return hostOn(t, h, data), data
}

func hostOn(t *testing.T, h host.House, data string) *host.Server {
	t.Helper()
	s, err := host.StartServer(context.Background(), host.ServerConfig{House: h, Data: data, Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(); _ = s.Wait() })
	return s
}

// sold runs one sale of 12.34 against a running host, and keeps the terminal's data.
func sold(t *testing.T, s *host.Server, till string) {
	t.Helper()
	script := filepath.Join(t.TempDir(), "W99-sale.yaml")
	src := "name: sale\nzh: 消费\ncard: visa-credit\nsteps:\n  - sale: {amount: 12.34, pin: \"1234\"}\nexpect: {end: F3}\n"
	if err := os.WriteFile(script, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, diag, status := posimRun(t, "", "run", "--host", s.Addr(), "--admin", s.AdminAddr(), "--data", till, script); status != 0 {
		t.Fatalf("run: %s, %s, %d", out, diag, status)
	}
}

// A running host is asked by the question of a merchant, and answers what its data directory would: the same history, money and
// items; with the terminal's journal beside it, too.
func TestARunningHostIsTraced(t *testing.T) {
	s, data := runningHost(t)
	till := filepath.Join(t.TempDir(), "till")
	sold(t, s, till)
	for _, event := range []host.CalendarKind{host.CalendarCutover, host.CalendarPayout} {
		if _, err := s.Calendar(context.Background(), host.Calendar{Kind: event}); err != nil {
			t.Fatal(err)
		}
	}
	questions := [][]string{{"--amount", "12.34"}, {"--amount", "12.34", "--lang", "zh"}, {"--amount", "12.34", "--json"}, {"--open"}, {"--stan", "999999"}}
	ask := func(where ...string) (all []string) {
		for _, q := range questions {
			out, diag, status := posimRun(t, "", append(append([]string{"trace"}, where...), q...)...)
			all = append(all, fmt.Sprintf("%d %s%s", status, out, diag))
		}
		return all
	}
	alone, both := ask("--host", s.AdminAddr()), ask("--host", s.AdminAddr(), "--data", till)
	for _, want := range []string{"12.34 CNY, terminal SIM00001", " issuer          debited 12.34", "cardholder → issuer 12.34", "payout of 12.27 ordered", " answer   paid"} {
		if !strings.Contains(alone[0], want) {
			t.Errorf("no %q in: %s", want, alone[0])
		}
	}
	if !strings.Contains(both[0], " terminal        approved") || strings.Contains(alone[0], " terminal        approved") {
		t.Errorf("the journal beside the host: %s; without it: %s", both[0], alone[0])
	}
	if out, diag, status := posimRun(t, "", "trace", "--data", data, "--amount", "12.34"); out != "" || status != 2 || !strings.Contains(diag, "in use by this process already") {
		t.Errorf("its data: %q, %q, %d", out, diag, status)
	}
	s.Stop()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if out, diag, status := posimRun(t, "", "trace", "--host", s.AdminAddr(), "--data", data, "--open"); out != "" || status != 2 || !strings.Contains(diag, "holds a host's log, and --host asks another host") {
		t.Errorf("two hosts: %q, %q, %d", out, diag, status)
	}
	for i, at := range ask("--data", data) {
		if at != alone[i] {
			t.Errorf("%q: running\n%s\nat rest\n%s", questions[i], alone[i], at)
		}
	}
	for i, at := range ask("--data", data, "--data", till) {
		if at != both[i] {
			t.Errorf("%q: running\n%s\nat rest\n%s", questions[i], both[i], at)
		}
	}
}

// Deeds, items and alarms of a running host, as people see them; a restart keeps all of it.
func TestADeskIsServed(t *testing.T) {
	s, data := runningHost(t)
	sold(t, s, filepath.Join(t.TempDir(), "till"))
	ask := func(args ...string) (string, string, int) {
		return posimRun(t, "", append(append([]string{"host"}, args...), "--admin", s.AdminAddr())...)
	}
	views, err := s.Views(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	e := views[0].Transactions[len(views[0].Transactions)-1]
	about := []string{"--terminal", e.Key.TID, "--stan", strings.TrimLeft(e.Key.STAN, "0")}
	deed := func(do string, more ...string) (string, string, int) {
		return ask(append(append([]string{"desk", do}, about...), more...)...)
	}
	saw := func(what string, want string, wantStatus int) func(out, diag string, status int) {
		return func(out, diag string, status int) {
			t.Helper()
			if status != wantStatus || !strings.Contains(out+diag, want) || (status == 0) != (diag == "") || (status == 0) != (out != "") {
				t.Errorf("%s: %q, %q, %d: want %q, %d", what, out, diag, status, want, wantStatus)
			}
		}
	}
	place := e.Key.TID + " " + e.Key.STAN
	saw("nothing", "nothing is open\n", 0)(ask("items"))
	saw("nothing", "没有告警\n", 0)(ask("alarms", "--lang", "zh"))
	saw("no item", "posim: host: acquirer: represent "+e.Key.String()+": no item: not allowed", 1)(deed("represent"))
	saw("disputed", "issuer "+place+": approved; dispute, 12.34, charged-back, acquirer until ", 0)(deed("charge-back", "--reason", "货没有到"))
	saw("no slip", "no slip: what is asked for again needs evidence: not allowed", 1)(deed("represent"))
	saw("items", "acquirer "+place+": dispute, 12.34, charged-back, acquirer until ", 0)(ask("items"))
	saw("items", "issuer "+place+": dispute, 12.34, charged-back, acquirer until ", 0)(ask("items"))
	saw("items in Chinese", "收单机构 "+place+":持卡人争议,12.34,已退单,收单机构须在", 0)(ask("items", "--lang", "zh"))
	saw("alarms in Chinese", "发卡行 "+place+":持卡人争议,12.34,已退单,", 0)(ask("alarms", "--lang", "zh"))
	saw("written off", "acquirer "+place+": approved; dispute, 12.34, lost, borne by acquirer, 货没有到, too late", 0)(deed("write-off", "--reason", "too late"))
	saw("again", "acquirer "+place+": approved; dispute, 12.34, lost", 0)(deed("write-off"))
	saw("suspended", e.Key.TID+" iso87 disabled", 0)(ask("desk", "suspend", "--terminal", e.Key.TID))
	saw("account", "商户"+e.Key.MID+"收款账户:", 0)(ask("desk", "correct-account", "--merchant", e.Key.MID, "--account", "closed", "--lang", "zh"))

	var got host.DeedReport
	out, _, _ := deed("write-off", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Item == nil || got.Item.Stage != host.ItemLost || got.Item.Bearer != "acquirer" {
		t.Errorf("--json: %v, %s", err, out)
	}
	var items struct{ Items []host.DifferenceItem }
	out, _, _ = ask("items", "--json")
	if err := json.Unmarshal([]byte(out), &items); err != nil || len(items.Items) != 1 || items.Items[0].Owner != "acquirer" || items.Items[0].Amount != 1234 || items.Items[0].Deadline == "" {
		t.Errorf("items --json: %v, %s", err, out)
	}
	alarms, _, _ := ask("alarms", "--json")
	if strings.Count(alarms, `"kind":"item"`) != 3 {
		t.Errorf("alarms --json: %s", alarms)
	}
	s.Stop()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	saw("nobody", "nobody listens at ", 1)(ask("items"))
	saw("nobody", "nobody listens at ", 1)(deed("charge-back"))
	generic, err := profileOf(genericProfile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := houseOf(generic, 0)
	if err != nil {
		t.Fatal(err)
	}
	s = hostOn(t, h, data)
	if again, _, _ := ask("alarms", "--json"); again != alarms {
		t.Errorf("before the restart %s, and after it %s", alarms, again)
	}
	if again, _, _ := ask("items", "--json"); again != out {
		t.Errorf("before the restart %s, and after it %s", out, again)
	}
	saw("after the restart", "only what was charged back once is asked for again", 1)(deed("represent"))
	saw("still suspended", e.Key.TID+" iso87 disabled", 0)(ask("terminals"))
}

// Whatever people can be told of has words in both languages.
func TestItemsHaveWords(t *testing.T) {
	zh := language(terminal.Chinese)
	for _, name := range host.ItemTypes() {
		var k host.ItemType
		if err := k.UnmarshalText([]byte(name)); err != nil || nameIn(k, itemTypes, zh) == name {
			t.Errorf("type %s: %q, %v", name, nameIn(k, itemTypes, zh), err)
		}
	}
	for _, name := range host.ItemStages() {
		var k host.ItemStage
		if err := k.UnmarshalText([]byte(name)); err != nil || nameIn(k, itemStages, zh) == name {
			t.Errorf("stage %s: %q, %v", name, nameIn(k, itemStages, zh), err)
		}
	}
	for k := host.Pending; k <= host.Tombstone; k++ {
		if nameIn(k, transactionStates, zh) == k.String() {
			t.Errorf("state %v has no words", k)
		}
	}
	for k := host.HoldHeld; k <= host.HoldReturned; k++ {
		if nameIn(k, holdStates, zh) == k.String() {
			t.Errorf("hold %v has no words", k)
		}
	}
	for _, k := range host.AlarmKinds() {
		r := host.AlarmReport{Kind: k, Text: "text", Code: "96", Item: &host.Item{Owner: "acquirer", Amount: 1}}
		if en, cn := alarmLine(&r, language(terminal.English)), alarmLine(&r, zh); en == "" || en == cn {
			t.Errorf("alarm %s: %q and %q", k, en, cn)
		}
	}
}
