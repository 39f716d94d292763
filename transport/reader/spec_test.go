package reader

import (
	"strings"
	"testing"
)

func TestParseLine(t *testing.T) {
	tests := []struct {
		name, line string
		want       Spec
		wrong      string // part of the error
	}{
		{name: "a serial port", line: "/dev/ttyUSB0?protocol=ccid-serial", want: Spec{Serial, "/dev/ttyUSB0", "ccid-serial"}},
		{name: "a link in this folder", line: "./reader0?protocol=ccid-serial", want: Spec{Serial, "./reader0", "ccid-serial"}},
		{name: "a port with a colon in its name", line: "/dev/serial/by-path/pci-0000:00:14.0?protocol=ccid-serial", want: Spec{Serial, "/dev/serial/by-path/pci-0000:00:14.0", "ccid-serial"}},
		{name: "a port of another system", line: "COM3?protocol=ccid-serial", want: Spec{Serial, "COM3", "ccid-serial"}},
		{name: "TCP", line: "tcp://127.0.0.1:7816?protocol=ccid-serial", want: Spec{TCP, "127.0.0.1:7816", "ccid-serial"}},
		{name: "TCP over IPv6", line: "tcp://[::1]:7816?protocol=ccid-serial", want: Spec{TCP, "[::1]:7816", "ccid-serial"}},
		{name: "a reader of pcscd", line: "pcsc://Virtual%20PCD%2000%2000", want: Spec{PCSC, "Virtual PCD 00 00", ""}},
		{name: "the only reader of pcscd", line: "pcsc://", want: Spec{PCSC, "", ""}},
		{name: "an emulated card", line: "emu:visa-credit?protocol=ccid-serial", want: Spec{Emulated, "visa-credit", "ccid-serial"}},
		{name: "an emulated reader without a card", line: "emu:?protocol=ccid-serial", want: Spec{Emulated, "", "ccid-serial"}},
		{name: "nothing", line: "", wrong: "empty line: want /dev/NAME"},
		{name: "a word", line: "reader0", wrong: "want a path (/dev/ttyUSB0, ./reader0) or"},
		{name: "an unknown kind", line: "usb://1", wrong: `unknown kind "usb": want`},
		{name: "no protocol", line: "/dev/ttyUSB0", wrong: "what does the reader speak? add ?protocol=ccid-serial"},
		{name: "an unknown protocol", line: "/dev/ttyUSB0?protocol=phoenix", wrong: `unknown protocol "phoenix": want ccid-serial`},
		{name: "two protocols", line: "/dev/ttyUSB0?protocol=ccid-serial&protocol=ccid-serial", wrong: "protocol 2 times: want it once"},
		{name: "an unknown parameter", line: "/dev/ttyUSB0?baud=9600", wrong: `unknown parameter "baud": want protocol`},
		{name: "a bad escape after the ?", line: "/dev/ttyUSB0?protocol=%zz", wrong: "after the ?"},
		{name: "TCP without slashes", line: "tcp:127.0.0.1:1?protocol=ccid-serial", wrong: "want tcp://"},
		{name: "TCP without a port", line: "tcp://127.0.0.1?protocol=ccid-serial", wrong: "want HOST:PORT with a port from 1 to 65535"},
		{name: "TCP port 0", line: "tcp://127.0.0.1:0?protocol=ccid-serial", wrong: "want HOST:PORT with a port from 1 to 65535"},
		{name: "TCP port 65536", line: "tcp://127.0.0.1:65536?protocol=ccid-serial", wrong: "want HOST:PORT with a port from 1 to 65535"},
		{name: "TCP without a host", line: "tcp://:7816?protocol=ccid-serial", wrong: "want HOST:PORT with a port from 1 to 65535"},
		{name: "pcscd with a parameter", line: "pcsc://x?protocol=ccid-serial", wrong: "want nothing behind the reader's name"},
		{name: "pcscd with a bad escape", line: "pcsc://%2", wrong: "want a space as %20"},
		{name: "pcscd with a zero", line: "pcsc://a%00", wrong: "want a reader's name of at most 127 bytes"},
		{name: "pcscd with a long name", line: "pcsc://" + strings.Repeat("x", 128), wrong: "want a reader's name of at most 127 bytes"},
		{name: "an emulated card by its file", line: "emu:a/b.yaml?protocol=ccid-serial", wrong: "want the name of a card behind emu:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseLine(tt.line)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || !strings.HasPrefix(err.Error(), "reader: ") {
					t.Fatalf("%+v, error %v: want reader: ... %s", got, err, tt.wrong)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("%+v, error %v: want %+v", got, err, tt.want)
			}
			if again, err := ParseLine(got.String()); err != nil || again != got {
				t.Errorf("%s: %+v, error %v: want %+v", got, again, err, got)
			}
			if want := got.Kind != Emulated; got.Physical() != want {
				t.Errorf("physical %v: want %v", got.Physical(), want)
			}
		})
	}
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"/dev/ttyUSB0?protocol=ccid-serial", "pcsc://A%20b", "emu:x?protocol=ccid-serial", "tcp://h:1?protocol=ccid-serial", "COM1?protocol=ccid-serial"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseLine(line)
		if err != nil {
			return
		}
		if again, err := ParseLine(s.String()); err != nil || again != s {
			t.Fatalf("%q is %+v, written %q, which is %+v, %v", line, s, s.String(), again, err)
		}
	})
}
