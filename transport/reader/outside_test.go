//go:build linux

package reader_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/reader"
)

// Other people's programs judge our halves: pcscd with libccid's driver for serial readers plays our emulated reader, and
// pcsc_scan, opensc-tool and our own PC/SC driver see our card behind vpcd. All of it runs in namespaces of its own for
// files and network, so that pcscd's socket and vpcd's port are ours alone. What is missing skips a test by name, unless
// POSIM_OUTSIDE=1 says that nothing may.

// The Debian packages that bring the programs.
const (
	packagePCSCD  = "pcscd"
	packageCCID   = "libccid"
	packageVPCD   = "vsmartcard-vpcd"
	packageTools  = "pcsc-tools"
	packageOpenSC = "opensc"

	twinDriver = "/usr/lib/pcsc/drivers/serial/libccidtwin.so"
	vpcdDriver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
	vpcdAddr   = "127.0.0.1:35963"
)

const (
	isolated = "POSIM_TEST_ISOLATED"
	mustRun  = "POSIM_OUTSIDE"
)

// missing skips what cannot run here.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(mustRun) == "1" {
		t.Fatalf("%s, and %s=1", what, mustRun)
	}
	t.Skip(what)
}

// need wants a program or a file.
func need(t testing.TB, name, pkg string) {
	t.Helper()
	var err error
	if filepath.IsAbs(name) {
		_, err = os.Stat(name)
	} else {
		_, err = exec.LookPath(name)
	}
	if err != nil {
		missing(t, fmt.Sprintf("no %s: apt install %s", name, pkg))
	}
}

// alone runs the calling test again in its own namespaces; true: this is that run.
func alone(t testing.TB) bool {
	t.Helper()
	if testing.Short() {
		missing(t, "other people's programs take their time: not with -short")
	}
	need(t, "pcscd", packagePCSCD)
	if os.Getenv(isolated) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		missing(t, "namespaces and pcscd need root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.bench=^"+t.Name()+"$", "-test.v=true", "-test.timeout=4m")
	cmd.Env = append(os.Environ(), isolated+"=1", "GOCOVERDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		missing(t, "no right to make namespaces")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
		for _, line := range strings.Split(string(out), "\n") {
			if strings.Contains(line, "--- SKIP") {
				t.Log("skipped:", strings.TrimSpace(line))
			}
		}
	}
	return false
}

var furnish = sync.OnceValue(func() error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("tmpfs on /run: %w", err)
	}
	if err := os.Mkdir("/run/pcscd", 0o755); err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
})

// daemon starts pcscd with this reader and ends it with the test.
func daemon(t testing.TB, conf string) {
	t.Helper()
	if err := furnish(); err != nil {
		missing(t, err.Error())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "reader"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command("pcscd", "--foreground", "--config", dir, "--info")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killer.Stop()
		_ = os.Remove("/run/pcscd/pcscd.comm")
		_ = os.Remove("/run/pcscd/pcscd.pid")
		if t.Failed() {
			t.Logf("pcscd says:\n%s", log.Bytes())
		}
	})
	soon(t, "pcscd with a reader", func() bool {
		list, err := reader.ListPCSC("")
		return err == nil && len(list) > 0
	})
}

// soon waits for something that other programs do.
func soon(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

const twinName = "Twin 00 00"

func twinConf(device string) string {
	return fmt.Sprintf("FRIENDLYNAME \"Twin\"\nDEVICENAME %s:GemPCTwin\nLIBPATH %s\nCHANNELID 1\n", device, twinDriver)
}

const vpcdName = "Virtual PCD 00 00"

var vpcdConf = fmt.Sprintf("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH %s\nCHANNELID 0x8C7B\n", vpcdDriver)

// wallGo lives a wall on a goroutine of its own until the test ends.
func wallGo(t testing.TB, f func(w *sim.Wall)) *sim.Wall {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	made, done := make(chan *sim.Wall), make(chan struct{})
	go func() {
		defer close(done)
		w := sim.NewWall(ctx)
		made <- w
		_ = w.Run(func(sim.Clock) { f(w) })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return <-made
}

// onWall runs f as the owner of a wall and waits for its end.
func onWall(t testing.TB, f func(w *sim.Wall)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w := sim.NewWall(ctx)
	if err := w.Run(func(sim.Clock) { f(w) }); err != nil {
		t.Errorf("the wall: %v", err)
	}
}

// onSlot runs f as the owner of a slot of pcscd's.
func onSlot(t testing.TB, name string, f func(w *sim.Wall, slot reader.Slot)) {
	t.Helper()
	onWall(t, func(w *sim.Wall) {
		slot, err := reader.OpenSlot(w, w, reader.Spec{Kind: reader.PCSC, Address: name}, reader.Options{})
		if err != nil {
			t.Error(err)
			return
		}
		defer slot.Close()
		f(w, slot)
	})
}

// twin is an emulated reader on a pseudo-terminal, played on its own wall.
type twin struct {
	wall     *sim.Wall
	line     reader.Line
	emulator *reader.Emulator
	mu       sync.Mutex
	event    string // at its next occurrence
	fault    reader.Fault
	played   int
}

func newTwin(t testing.TB, link string) *twin {
	t.Helper()
	e := &twin{}
	ready := make(chan error, 1)
	e.wall = wallGo(t, func(w *sim.Wall) {
		line, _, err := reader.OpenPTY(link, w)
		if err == nil {
			e.line = line
			e.emulator = reader.NewEmulator(w, line, nil, reader.EmulatorConfig{Fault: e.strike})
		}
		ready <- err
		w.Wait(time.Time{}, func() bool { return false })
	})
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *twin) strike(event string) (reader.Fault, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if event != e.event {
		return reader.Fault{}, false
	}
	e.event = ""
	e.played++
	return e.fault, true
}

func (e *twin) arm(event string, fault reader.Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.event, e.fault, e.played = event, fault, 0
}

// do runs f where the emulator lives.
func (e *twin) do(f func()) {
	done := make(chan struct{})
	e.wall.Post(func() { f(); close(done) })
	<-done
}

// change puts another card in. pcscd calls a mute card absent, so it cannot be asked whether it has seen the slot empty: it
// looks every 400 ms.
func (e *twin) change(t testing.TB, atr string) {
	t.Helper()
	e.arm("", reader.Fault{})
	e.do(e.emulator.Remove)
	time.Sleep(time.Second)
	soon(t, "an empty slot", func() bool { return !twinState(t).Present })
	e.do(func() { e.emulator.Insert(echoCard{bytesOf(t, atr)}) })
	soon(t, "a card with power", func() bool { return len(twinState(t).ATR) > 0 })
}

// echoCard answers the PPSE as the vectors do, and FF echoes the data of a command.
type echoCard struct{ atr []byte }

const (
	outsidePPSE = "00A404000E325041592E5359532E444446303100"
	outsideFCI  = "6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000310108701019000"
	outsideT0   = "3B650000 63CB680026"
	outsideT1   = "3BE50000 8131FE45 706F73696D 86"
)

func (c echoCard) Reset() []byte { return c.atr }

func (c echoCard) Transmit(command []byte) ([]byte, error) {
	switch command[1] {
	case 0xA4:
		return hex.DecodeString(outsideFCI)
	case 0xEE:
		n := int(command[4])
		return append(bytes.Clone(command[5:5+n]), 0x90, 0x00), nil
	}
	return []byte{0x6D, 0x00}, nil
}

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOutsideTwin: pcscd and libccid power the card of our emulated reader, and exchange commands with it, whole and with
// everything that can go wrong on the way.
func TestOutsideTwin(t *testing.T) {
	if !alone(t) {
		return
	}
	need(t, twinDriver, packageCCID)
	link := filepath.Join(t.TempDir(), "reader0")
	e := newTwin(t, link)
	daemon(t, twinConf(link))
	long := append(append(bytesOf(t, "80EE0000FF"), bytes.Repeat([]byte{0xA5}, 255)...), 0)
	echo := append(bytes.Repeat([]byte{0xA5}, 255), 0x90, 0x00)
	fci := bytesOf(t, outsideFCI)
	tests := []struct {
		name    string
		atr     string
		command []byte // empty: the PPSE
		event   string
		fault   reader.Fault
		want    []byte // empty: the PPSE's answer
		err     error
	}{
		{name: "T=0 whole", atr: outsideT0},
		{name: "T=0 long", atr: outsideT0, command: long, want: echo},
		{name: "T=0 that takes its time", atr: outsideT0, event: "SELECT", fault: reader.Fault{Kind: reader.FaultSlow, Delay: 2500 * time.Millisecond}},
		{name: "T=0 with a bad LRC of the frame, which libccid overlooks", atr: outsideT0, event: "SELECT", fault: reader.Fault{Kind: reader.FaultBadLRC}},
		{name: "T=0 mute", atr: outsideT0, event: "SELECT", fault: reader.Fault{Kind: reader.FaultMute}, err: apdu.ErrProtocol},
		{name: "T=0 torn", atr: outsideT0, event: "SELECT", fault: reader.Fault{Kind: reader.FaultTear}, err: apdu.ErrCardRemoved},
		{name: "T=1 whole", atr: outsideT1},
		{name: "T=1 chained both ways", atr: outsideT1, command: long, want: echo},
		{name: "T=1 with a bad LRC of a block", atr: outsideT1, event: reader.EventIBlock, fault: reader.Fault{Kind: reader.FaultBadLRC}},
		{name: "T=1 with a wrong sequence number", atr: outsideT1, event: reader.EventIBlock, fault: reader.Fault{Kind: reader.FaultWrongSequence}},
		{name: "T=1 with requests for more time", atr: outsideT1, event: "SELECT", fault: reader.Fault{Kind: reader.FaultSlow, Delay: 4 * time.Second}},
		{name: "T=1 mute", atr: outsideT1, event: "SELECT", fault: reader.Fault{Kind: reader.FaultMute}, err: apdu.ErrProtocol},
		{name: "T=1 torn", atr: outsideT1, event: "SELECT", fault: reader.Fault{Kind: reader.FaultTear}, err: apdu.ErrCardRemoved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e.change(t, tt.atr)
			if got, want := twinState(t).ATR, bytesOf(t, tt.atr); !bytes.Equal(got, want) {
				t.Fatalf("pcscd has the ATR %X: want %X", got, want)
			}
			command, want := tt.command, tt.want
			if len(command) == 0 {
				command = bytesOf(t, outsidePPSE)
			}
			if len(want) == 0 {
				want = fci
			}
			onSlot(t, twinName, func(w *sim.Wall, slot reader.Slot) {
				c, err := slot.PowerOn()
				if err != nil {
					t.Error(err)
					return
				}
				e.arm(tt.event, tt.fault)
				began := time.Now()
				got, err := c.Transmit(command)
				t.Logf("%v after %v", err, time.Since(began).Round(time.Millisecond))
				switch {
				case tt.err != nil && !errors.Is(err, tt.err):
					t.Errorf("answer %X, error %v: want %v", got, err, tt.err)
				case tt.err == nil && (err != nil || !bytes.Equal(got, want)):
					t.Errorf("answer %X, error %v: want %X", got, err, want)
				case tt.event != "" && e.played == 0:
					t.Errorf("the fault at %s did not play", tt.event)
				}
				if tt.err != nil {
					return
				}
				if got, err := c.Transmit(bytesOf(t, outsidePPSE)); err != nil || !bytes.Equal(got, fci) {
					t.Errorf("the next command: answer %X, error %v: want %X", got, err, fci)
				}
				if err := slot.PowerOff(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	t.Run("opensc-tool reads the card", func(t *testing.T) {
		need(t, "opensc-tool", packageOpenSC)
		e.change(t, outsideT1)
		out := tool(t, "opensc-tool", "-c", "default", "-s", outsidePPSE)
		if !strings.Contains(out, "SW1=0x90, SW2=0x00") || !strings.Contains(out, "6F 23 84 0E 32 50 41 59") {
			t.Errorf("opensc-tool says\n%s", out)
		}
	})
	t.Run("the reader unplugged", func(t *testing.T) {
		e.do(func() { e.line.Close() })
		soon(t, "no reader, or none with a card", func() bool {
			list, err := reader.ListPCSC("")
			return err == nil && (len(list) == 0 || !list[0].Present)
		})
	})
}

func twinState(t testing.TB) reader.PCSCReader {
	t.Helper()
	list, err := reader.ListPCSC("")
	if err != nil || len(list) != 1 || list[0].Name != twinName {
		t.Fatalf("pcscd has %+v, %v: want %q", list, err, twinName)
	}
	return list[0]
}

// tool runs somebody's program, for ten seconds at most.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// profile is a card of the library.
func profile(t testing.TB, name string, keys ...*card.Keys) *card.Profile {
	t.Helper()
	src, err := os.ReadFile("../../testdata/cards/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := card.ParseProfile(name, src, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// virtual puts a card into vpcd's reader; leave takes it out.
func virtual(t testing.TB, c reader.EmulatedCard, cfg reader.VPCDConfig) (leave func(), end <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- reader.ServeVPCD(ctx, vpcdAddr, c, cfg) }()
	t.Cleanup(cancel)
	soon(t, "a card with power", func() bool {
		list, err := reader.ListPCSC("")
		return err == nil && len(list) > 0 && len(list[0].ATR) > 0
	})
	return cancel, done
}

// BenchmarkOutsidePCSC is one command of 20 bytes with an answer of 39 through our driver, pcscd, vpcd and our card.
func BenchmarkOutsidePCSC(b *testing.B) {
	if !alone(b) {
		return
	}
	need(b, vpcdDriver, packageVPCD)
	daemon(b, vpcdConf)
	virtual(b, echoCard{bytesOf(b, outsideT1)}, reader.VPCDConfig{})
	onSlot(b, vpcdName, func(w *sim.Wall, slot reader.Slot) {
		c, err := slot.PowerOn()
		if err != nil {
			b.Error(err)
			return
		}
		command := bytesOf(b, outsidePPSE)
		b.ReportAllocs()
		for b.Loop() {
			if _, err = c.Transmit(command); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "APDU/s")
	})
}

// TestOutsideVPCD: other programs see our card in vsmartcard's virtual reader.
func TestOutsideVPCD(t *testing.T) {
	if !alone(t) {
		return
	}
	need(t, vpcdDriver, packageVPCD)
	daemon(t, vpcdConf)
	c, err := card.New(profile(t, "visa-credit"))
	if err != nil {
		t.Fatal(err)
	}
	virtual(t, c, reader.VPCDConfig{})
	atr := fmt.Sprintf("% X", c.Reset())
	t.Run("pcsc_scan", func(t *testing.T) {
		need(t, "pcsc_scan", packageTools)
		if out := tool(t, "pcsc_scan", "-n", "-c"); !strings.Contains(out, "Card inserted") || !strings.Contains(out, atr) {
			t.Errorf("pcsc_scan: want a card with %s in\n%s", atr, out)
		}
	})
	t.Run("opensc-tool", func(t *testing.T) {
		need(t, "opensc-tool", packageOpenSC)
		if out := tool(t, "opensc-tool", "--atr"); !strings.Contains(strings.ToUpper(out), strings.ReplaceAll(atr, " ", ":")) {
			t.Errorf("opensc-tool --atr: want %s in\n%s", atr, out)
		}
		out := tool(t, "opensc-tool", "-c", "default", "-s", "00A4040007A000000003101000")
		if !strings.Contains(out, "SW1=0x90, SW2=0x00") || !strings.Contains(out, "84 07 A0 00 00 00 03 10 10") {
			t.Errorf("opensc-tool says\n%s", out)
		}
	})
}

// clerk is a terminal whose host approves without a cryptogram of its own.
type clerk struct{ onGoOnline func() }

func (clerk) ChooseApplication([]emv.Candidate) (int, error) { return 0, nil }
func (clerk) EnterPIN(*emv.Session) (emv.PINEntry, error)    { return emv.PINEntered, nil }
func (clerk) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return emv.PINPadAbsent, 0, nil
}
func (c clerk) GoOnline(*emv.Session) (emv.OnlineAnswer, error) {
	if c.onGoOnline != nil {
		c.onGoOnline()
	}
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: "00"}, nil
}

func kernelConfig(t testing.TB) *emv.Config {
	t.Helper()
	src, err := os.ReadFile("../../testdata/terminals/generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := terminal.ParseProfile("generic", src)
	if err != nil {
		t.Fatal(err)
	}
	cfg := p.EMV
	cfg.Rand = rand.Reader
	return &cfg
}

// TestOutsideTransaction: our PC/SC driver takes a card behind vpcd through whole EMV transactions, and notices its going.
func TestOutsideTransaction(t *testing.T) {
	if !alone(t) {
		return
	}
	need(t, vpcdDriver, packageVPCD)
	daemon(t, vpcdConf)
	transact := func(t *testing.T, onGoOnline func()) (out emv.Outcome, err error) {
		onWall(t, func(w *sim.Wall) {
			var slot reader.Slot
			spec, _ := reader.ParseLine("pcsc://")
			if _, err = reader.OpenSlot(w, w, spec, reader.Options{}); !errors.Is(err, reader.ErrNoReader) || !strings.Contains(err.Error(), "name one") {
				t.Errorf("pcsc:// with two readers: %v: want %v, name one", err, reader.ErrNoReader)
			}
			if spec, err = reader.ParseLine("pcsc://Virtual%20PCD%2000%2000"); err != nil {
				return
			}
			if slot, err = reader.OpenSlot(w, w, spec, reader.Options{}); err != nil {
				return
			}
			defer slot.Close()
			if slot.Spec().Address != vpcdName || !slot.Physical() {
				t.Errorf("the slot is %v, physical %v: want %s, true", slot.Spec(), slot.Physical(), vpcdName)
			}
			if !w.Wait(time.Now().Add(10*time.Second), slot.Present) {
				t.Error("no card within 10 s")
				return
			}
			var c apdu.Card
			if c, err = slot.PowerOn(); err != nil {
				return
			}
			out, err = emv.Run(c, clerk{onGoOnline}, kernelConfig(t), emv.Transaction{Amount: 1000, Time: time.Now()})
			if off := slot.PowerOff(); off != nil {
				t.Error(off)
			}
		})
		return out, err
	}
	for _, name := range []string{"visa-credit", "mc-credit", "cup-credit"} {
		t.Run(name, func(t *testing.T) {
			c, err := card.New(profile(t, name))
			if err != nil {
				t.Fatal(err)
			}
			leave, end := virtual(t, c, reader.VPCDConfig{})
			defer gone(t, leave, end)
			for range 2 {
				out, err := transact(t, nil)
				if err != nil || out.Result != emv.OnlineApproved {
					t.Errorf("result %v, error %v: want %v", out.Result, err, emv.OnlineApproved)
				}
			}
			if n := c.Counters()[0].ATC; n != 2 {
				t.Errorf("the card counts %d transactions: want 2", n)
			}
		})
	}
	t.Run("removed while online", func(t *testing.T) {
		c, err := card.New(profile(t, "visa-credit"))
		if err != nil {
			t.Fatal(err)
		}
		leave, end := virtual(t, c, reader.VPCDConfig{})
		// Only when ServeVPCD has returned is the card out: until then it may answer one command more.
		out, err := transact(t, func() {
			leave()
			if err := <-end; err != nil {
				t.Errorf("ServeVPCD: %v", err)
			}
		})
		if !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("result %v, error %v: want %v", out.Result, err, apdu.ErrCardRemoved)
		}
		empty(t)
	})
	t.Run("torn at a command", func(t *testing.T) {
		c, err := card.New(profile(t, "visa-credit"))
		if err != nil {
			t.Fatal(err)
		}
		_, end := virtual(t, c, reader.VPCDConfig{Fault: func(event string) (reader.Fault, bool) {
			return reader.Fault{Kind: reader.FaultTear}, event == "GENERATE AC"
		}})
		out, err := transact(t, nil)
		if !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("result %v, error %v: want %v", out.Result, err, apdu.ErrCardRemoved)
		}
		if err := <-end; !errors.Is(err, apdu.ErrCardRemoved) {
			t.Errorf("ServeVPCD: %v: want %v", err, apdu.ErrCardRemoved)
		}
		empty(t)
	})
	t.Run("no card", func(t *testing.T) {
		onSlot(t, vpcdName, func(w *sim.Wall, slot reader.Slot) {
			if _, err := slot.PowerOn(); slot.Present() || !errors.Is(err, apdu.ErrCardRemoved) {
				t.Errorf("present %v, error %v: want false, %v", slot.Present(), err, apdu.ErrCardRemoved)
			}
		})
	})
	t.Run("in use by another", func(t *testing.T) {
		c, err := card.New(profile(t, "visa-credit"))
		if err != nil {
			t.Fatal(err)
		}
		virtual(t, c, reader.VPCDConfig{})
		onSlot(t, vpcdName, func(w *sim.Wall, slot reader.Slot) {
			if _, err := slot.PowerOn(); err != nil {
				t.Error(err)
			}
			other, err := reader.OpenSlot(w, w, reader.Spec{Kind: reader.PCSC, Address: vpcdName}, reader.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer other.Close()
			if _, err := other.PowerOn(); !errors.Is(err, reader.ErrSharing) {
				t.Errorf("a second PowerOn: %v: want %v", err, reader.ErrSharing)
			}
		})
	})
}

// gone takes the card out and waits until pcscd has seen it.
func gone(t testing.TB, leave func(), end <-chan error) {
	t.Helper()
	leave()
	if err := <-end; err != nil {
		t.Errorf("ServeVPCD: %v", err)
	}
	empty(t)
}

// empty waits until pcscd has seen that the card is out. A failed command makes it say so at once, but its polling thread
// looks every 400 ms only: to that thread a card put in before its next look is the old one, which never gets power.
func empty(t testing.TB) {
	t.Helper()
	soon(t, "an empty slot", func() bool {
		list, err := reader.ListPCSC("")
		return err == nil && len(list) > 0 && !list[0].Present
	})
	time.Sleep(time.Second)
}
