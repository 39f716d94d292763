package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// sysfs is a computer with a chipless port, a port of the board and a USB adapter.
func sysfs(t *testing.T) (sys, dev string) {
	t.Helper()
	root := t.TempDir()
	sys, dev = filepath.Join(root, "sys"), filepath.Join(root, "dev")
	files := map[string]string{
		"sys/class/tty/ttyS0/type":       "4\n",
		"sys/class/tty/ttyS1/type":       "0\n",
		"sys/class/tty/tty1/active":      "1\n",
		"sys/devices/usb1/1-1/idVendor":  "067b\n",
		"sys/devices/usb1/1-1/idProduct": "2303\n",
		"sys/devices/usb1/1-1/product":   "USB-Serial\x1b[31m Controller\n",
		"dev/ttyS0":                      "", "dev/ttyS1": "", "dev/ttyUSB0": "", "dev/tty1": "",
	}
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"sys/devices/pnp/serial", "sys/devices/usb1/1-1/1-1:1.0/ttyUSB0", "sys/class/tty/ttyUSB0", "sys/bus/drivers/pl2303", "dev/serial/by-id"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"sys/class/tty/ttyS0/device":                  "../../../devices/pnp/serial",
		"sys/class/tty/ttyS1/device":                  "../../../devices/pnp/serial",
		"sys/class/tty/ttyUSB0/device":                "../../../devices/usb1/1-1/1-1:1.0/ttyUSB0",
		"sys/devices/usb1/1-1/1-1:1.0/ttyUSB0/driver": "../../../../../bus/drivers/pl2303",
		"dev/serial/by-id/usb-Prolific":               "../../ttyUSB0",
	} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	return sys, dev
}

func TestReaderList(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", filepath.Join(t.TempDir(), "none"))
	sys, dev := sysfs(t)
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out, now: time.Now}
	if err := a.readerList(sys, dev, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "ttyS0?protocol=ccid-serial") || !strings.Contains(lines[2], "ttyUSB0?protocol=ccid-serial") ||
		!strings.Contains(lines[2], "USB-Serial[31m Controller 067b:2303") || !strings.HasPrefix(lines[3], "note: no pcscd answers") {
		t.Errorf("want ttyS0, ttyUSB0 and a note, without control characters:\n%s", out.String())
	}
	out.Reset()
	if err := a.readerList(sys, dev, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"usb": "067b:2303"`, `"driver": "pl2303"`, `"by_id": "` + dev + `/serial/by-id/usb-Prolific"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %s in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := a.readerList(filepath.Join(sys, "none"), dev, false); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "no reader is attached, and no serial port: plug one in\n") {
		t.Errorf("with nothing attached:\n%s", out.String())
	}
}

func TestLiveGuard(t *testing.T) {
	generate, read := []byte{0x80, 0xAE, 0x80, 0}, []byte{0x00, 0xB2, 1, 0x0C, 0}
	test := []byte{0x70, 0x0A, 0x5A, 0x08, 0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x01, 0x19, 0x90, 0x00}
	live := append([]byte{0x70, 0x0A, 0x5A, 0x08}, 0x49, 0x92, 0x73, 0x98, 0x71, 0x60, 0x00, 0x05, 0x90, 0x00)
	tests := []struct {
		name     string
		physical bool
		answers  [][]byte
		want     string // part of the error to GENERATE AC
	}{
		{"an emulated card takes everything", false, nil, ""},
		{"a card nobody has read is not touched", true, nil, "before the card's number was read"},
		{"a card that gives no number is not touched", true, [][]byte{{0x90, 0x00}, {0x70}, {1, 2, 3, 0x90, 0x00}}, "before the card's number was read"},
		{"a test card takes everything", true, [][]byte{test}, ""},
		{"a live card is only read", true, [][]byte{live}, "live card refused"},
		{"a live number beside a test number is live", true, [][]byte{test, live}, "live card refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &liveGuard{physical: tt.physical}
			for _, answer := range tt.answers {
				g.saw(answer)
			}
			if err := g.allow(read); err != nil {
				t.Errorf("reading: %v", err)
			}
			err := g.allow(generate)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: want %q", err, tt.want)
			}
		})
	}
}

// await FILE waits for what a command in the background makes, for ten seconds at most.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("no %s within 10 s", args[0])
}
