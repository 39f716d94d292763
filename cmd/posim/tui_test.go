package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/terminal/tui"
)

// outside finds a program of somebody else's. Where it is absent the test is skipped by name, unless POSIM_OUTSIDE=1 says
// that everything has been installed.
func outside(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("POSIM_OUTSIDE") == "1":
		t.Fatalf("%s is not installed: install the package %s", name, pkg)
	default:
		t.Skipf("%s is not installed: install the package %s", name, pkg)
	}
	return ""
}

// pane is a terminal window in tmux with posim in it.
type pane struct {
	t            *testing.T
	tmux, socket string
}

// openPane starts the real binary in a window of a size.
func openPane(t *testing.T, posim, w, h string, env []string, args ...string) *pane {
	t.Helper()
	p := &pane{t: t, tmux: outside(t, "tmux", "tmux"), socket: filepath.Join(shortTemp(t), "s")}
	command := append([]string{"env", "-u", "NO_COLOR", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"}, env...)
	command = append(append(command, posim), args...)
	p.run("new-session", "-d", "-s", "posim", "-x", w, "-y", h, shellLine(command)+"; echo left with $?; sleep 60")
	p.run("set-option", "-g", "escape-time", "0")
	t.Cleanup(func() { _ = exec.Command(p.tmux, "-S", p.socket, "kill-server").Run() })
	return p
}

// shortTemp is a folder whose path is short enough for a socket.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "posim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// binary builds posim.
func binary(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "posim")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

func shellLine(words []string) string {
	quotedWords := make([]string, len(words))
	for i, w := range words {
		quotedWords[i] = quoted(w)
	}
	return strings.Join(quotedWords, " ")
}

func (p *pane) run(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.tmux, append([]string{"-S", p.socket, "-f", os.DevNull, "-u"}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (p *pane) keys(keys ...string) {
	p.t.Helper()
	p.run(append([]string{"send-keys", "-t", "posim"}, keys...)...)
}

func (p *pane) screen() string {
	p.t.Helper()
	return p.run("capture-pane", "-p", "-t", "posim")
}

// waitFor waits until all texts stand on the screen at once.
func (p *pane) waitFor(texts ...string) string {
	p.t.Helper()
	got := ""
	for range 300 {
		got = p.screen()
		all := true
		for _, text := range texts {
			all = all && strings.Contains(got, text)
		}
		if all {
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("no %q on the screen:\n%s", texts, got)
	return ""
}

// saleByHand is a sale of 100.00 in English, card out again; the texts, too, stand there when it is approved.
func (p *pane) saleByHand(texts ...string) {
	p.t.Helper()
	p.keys("1", "0", "0", "0", "0", "Enter")
	p.waitFor("SALE 100.00", "i inserts Visa credit")
	p.keys("i")
	p.waitFor("ENTER PIN", "e: the cardholder types the PIN")
	p.keys("e")
	p.waitFor(append(texts, "PLEASE REMOVE CARD", "Approved 00", "-100.00", "CUSTOMER COPY")...)
	p.keys("i")
	p.waitFor("PLEASE INSERT CARD")
}

// framed checks that the window is filled: every line of the frame reaches its edge. A picture may be taken while the
// program draws: what is wrong must stay wrong.
func (p *pane) framed(w int) {
	p.t.Helper()
	short, got := 0, []string(nil)
	for range 60 {
		got, short = strings.Split(strings.TrimRight(p.screen(), "\n"), "\n"), -1
		for i, line := range got {
			if tui.Columns(line) != w {
				short = i
			}
		}
		if short < 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Errorf("line %d has %d columns of %d:\n%s", short, tui.Columns(got[short]), w, strings.Join(got, "\n"))
}

// The whole UI in a real terminal: sales by hand, a time-out, the plug, a scenario, both languages, two sizes.
func TestTUIInATerminal(t *testing.T) {
	outside(t, "tmux", "tmux")
	posim := binary(t)
	t.Run("sales by hand, resized in between", func(t *testing.T) {
		p := openPane(t, posim, "120", "40", nil, "tui")
		p.waitFor("PLEASE INSERT CARD", "Card and kernel", "Type an amount")
		p.framed(120)
		p.saleByHand("Take the card out: i")

		p.run("resize-window", "-t", "posim", "-x", "80", "-y", "24")
		p.waitFor("Story 1/6")
		p.framed(80)
		p.keys("l")
		p.waitFor("请插卡", "经过 1/6")
		p.framed(80)
		p.keys("c", "Up")
		p.waitFor("▸ 纯磁条卡")
		p.keys("Enter", "5", "5", "0", "Enter")
		p.waitFor("w 刷纯磁条卡")
		p.keys("w")
		p.waitFor("请输入密码")
		p.keys("1", "2", "3", "4")
		if got := p.waitFor("****"); strings.Contains(got, "1234") {
			t.Errorf("a PIN is on the screen:\n%s", got)
		}
		p.keys("Enter")
		p.waitFor("F3 5.50 在收单行")
		p.keys("Tab", "Tab")
		p.waitFor("流水与待发 3/6", "5.50 成功 00")

		p.run("resize-window", "-t", "posim", "-x", "60", "-y", "20")
		p.waitFor("posim 需要 80 列 24 行")
		p.run("resize-window", "-t", "posim", "-x", "120", "-y", "40")
		p.waitFor("卡片与内核", "5.50 成功 00", "100.00 成功 00")
		p.framed(120)
		p.keys("q")
		p.waitFor("left with 0")
	})

	t.Run("a time-out, until it is reversed", func(t *testing.T) {
		p := openPane(t, posim, "120", "40", nil) // without arguments it is the UI
		p.waitFor("PLEASE INSERT CARD")
		p.keys("f", "Down", "Down", "Enter")
		p.waitFor("[!] lose next answer  ")
		p.keys("Escape")
		p.keys("2", "5", "0", "0", "Enter", "i")
		p.waitFor("ENTER PIN")
		p.keys("e")
		p.waitFor("25.00 in flight until the host", "Pending", "n skips")
		p.keys("+", "+")
		p.waitFor("60×")
		p.waitFor("F2 25.00 charged and returned", "Reversed 98", "time-out", "0400──0410──reversed")
		p.keys("C-c")
		p.waitFor("left with 0")
	})

	t.Run("the plug, and recovery", func(t *testing.T) {
		p := openPane(t, posim, "80", "24", []string{"NO_COLOR=1"}, "tui", "--lang", "zh", "--seed", "7")
		p.waitFor("请插卡")
		p.keys("f", "Down", "Down", "Enter", "Escape")
		p.waitFor("经过")
		p.keys("1", "0", "0", "0", "0", "Enter")
		p.waitFor("消费 100.00")
		p.keys("i")
		p.waitFor("请输入密码")
		p.keys("e")
		p.waitFor("在途,等待主机应答")
		p.keys("p")
		p.waitFor("无电源", "按 p 通电")
		p.keys("i", "p")
		p.waitFor("请插卡", "已扣款并已退回", "恢复")
		if styled := p.run("capture-pane", "-e", "-p", "-t", "posim"); strings.Contains(styled, "\x1b[38;5;") {
			t.Error("NO_COLOR is set and the screen is coloured")
		}
		p.keys("q")
		p.waitFor("left with 0")
	})

	t.Run("real time: a chip sale, the plug, and the virtual house again", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "till")
		p := openPane(t, posim, "120", "40", nil, "tui", "--data", data)
		p.waitFor("PLEASE INSERT CARD", "real time · emulated reader · host built in", "Type an amount")
		p.framed(120)
		p.saleByHand("cardholder    -100.00", "F3 100.00 with the acquirer")
		p.keys("p")
		p.waitFor("NO POWER")
		p.keys("p")
		p.waitFor("PLEASE INSERT CARD", "Approved 00") // the data directory has stayed
		p.run("resize-window", "-t", "posim", "-x", "80", "-y", "24")
		p.waitFor("real · emulated · built in")
		p.framed(80)
		p.keys("r")
		p.waitFor("In use: real time, emulated reader, host built in")
		p.keys("Enter", "nonsense", "Enter", "Down", "Down", "Enter")
		p.waitFor("want a path (/dev/ttyUSB0, ./reader0)", "reader      nonsense", "real · emulated")
		p.keys("Up", "Up", "Up", "Up", "Enter")
		p.waitFor("virtual: everything is built in")
		p.keys("Down", "Down", "Down", "Down", "Enter")
		p.waitFor("PLEASE INSERT CARD", "1×", "no sale yet")
		p.keys("q")
		p.waitFor("left with 0")
		info, err := os.Stat(data)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", info, err)
		}
	})

	t.Run("a scenario, stepped and run", func(t *testing.T) {
		p := openPane(t, posim, "80", "24", nil)
		p.waitFor("PLEASE INSERT CARD")
		p.keys("s")
		p.waitFor("▸ W01")
		for range 12 {
			p.keys("Down")
		}
		p.waitFor("▸ W04", "the answer never came back")
		p.keys("Enter", "Space")
		p.waitFor("PAUSED, → next")
		for range 12 {
			p.keys("Right")
		}
		p.waitFor("W04 1/2", "inserted: 476173****")
		p.keys("Left", "Left")
		p.waitFor("PAST")
		p.keys("End", "Space", "+", "+", "+")
		p.waitFor("W04 ok", "W04 passed: F2")
		p.keys("?")
		p.waitFor("Backspace is CLEAR")
		p.keys("x", "q")
		p.waitFor("left with 0")
	})
}

// Where nobody looks, posim is its usage, and posim tui says what it needs.
func TestTUIWithoutATerminal(t *testing.T) {
	posim := binary(t)
	out, err := exec.Command(posim).Output()
	if err != nil || string(out) != usage {
		t.Errorf("%v: %s", err, out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"tui"}, "start it in a terminal window"},
		{[]string{"tui", "--card", "nothing"}, `no card "nothing"`},
		{[]string{"tui", "here"}, "want no argument"},
		{[]string{"tui", "--admin", "127.0.0.1:8584"}, "are for real time"},
		{[]string{"tui", "--data", "x", "--tls"}, "go with --host"},
	} {
		out, err := exec.Command(posim, c.args...).CombinedOutput()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.ExitCode() != exitMisuse || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v: %q, want %q", c.args, err, out, c.want)
		}
	}
}
