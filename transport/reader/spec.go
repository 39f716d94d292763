package reader

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Kind is how a reader is attached.
type Kind string

// The kinds of attachment.
const (
	Serial   Kind = "serial"   // a serial port, or a pseudo-terminal that stands for one
	TCP      Kind = "tcp"      // a serial line behind a TCP connection
	PCSC     Kind = "pcsc"     // any reader that pcscd serves
	Emulated Kind = "emulated" // our own emulator, in this process
)

// ProtocolCCIDSerial is the protocol of this package, as a LINE names it.
const ProtocolCCIDSerial = "ccid-serial"

// Spec says where a reader is and what it speaks: a LINE as people type it, taken apart.
type Spec struct {
	Kind     Kind
	Address  string // the port's path, host:port, the reader's name as pcscd has it (empty: the only one), the card's name (empty: none)
	Protocol string // ccid-serial; empty for pcsc
}

// maxReaderName is what pcscd's messages have room for.
const maxReaderName = 127

// ParseLine reads a LINE, one of
//
//	/dev/ttyUSB0?protocol=ccid-serial            a serial port (also ./name, COM3)
//	tcp://127.0.0.1:7816?protocol=ccid-serial    the same behind TCP
//	pcsc://Reader%20name                         a reader of pcscd; pcsc:// is the only one
//	emu:CARD?protocol=ccid-serial                an emulated reader with a card of the library in it; emu: is without
//
// Errors say what was expected.
func ParseLine(line string) (Spec, error) {
	wrong := func(format string, a ...any) (Spec, error) {
		return Spec{}, fmt.Errorf("reader: line %q: "+format, append([]any{shorten(line)}, a...)...)
	}
	if line == "" {
		return Spec{}, fmt.Errorf("reader: empty line: want %s", lineForms)
	}
	rest, query, hasQuery := strings.Cut(line, "?")
	s := Spec{}
	switch scheme, address, found := strings.Cut(rest, ":"); {
	case found && scheme == "emu":
		s.Kind, s.Address = Emulated, address
	case found && (scheme == "tcp" || scheme == "pcsc"):
		slashes := false
		if address, slashes = strings.CutPrefix(address, "//"); !slashes {
			return wrong("want %s://", scheme)
		}
		s.Kind, s.Address = Kind(scheme), address
	case isPort(rest):
		s.Kind, s.Address = Serial, rest
	case found:
		return wrong("unknown kind %q: want %s", shorten(scheme), lineForms)
	default:
		return wrong("want a path (/dev/ttyUSB0, ./reader0) or %s", lineForms)
	}
	if err := s.address(); err != nil {
		return wrong("%w", err)
	}
	if s.Kind == PCSC {
		if hasQuery {
			return wrong("want nothing behind the reader's name (a ? in it is %%3F)")
		}
		return s, nil
	}
	if hasQuery {
		values, err := url.ParseQuery(query)
		if err != nil {
			return wrong("after the ?: %w", err)
		}
		for name, v := range values {
			if name != "protocol" {
				return wrong("unknown parameter %q: want protocol", shorten(name))
			}
			if len(v) != 1 {
				return wrong("protocol %d times: want it once", len(v))
			}
			s.Protocol = v[0]
		}
	}
	switch s.Protocol {
	case ProtocolCCIDSerial:
	case "":
		return wrong("what does the reader speak? add ?protocol=%s", ProtocolCCIDSerial)
	default:
		return wrong("unknown protocol %q: want %s", shorten(s.Protocol), ProtocolCCIDSerial)
	}
	return s, nil
}

const lineForms = "/dev/NAME?protocol=ccid-serial, tcp://HOST:PORT?protocol=ccid-serial, pcsc://NAME or emu:CARD?protocol=ccid-serial"

func isPort(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || isCOM(s)
}

// isCOM: a port as another system names it.
func isCOM(s string) bool {
	n, found := strings.CutPrefix(s, "COM")
	_, err := strconv.ParseUint(n, 10, 8)
	return found && err == nil
}

// address checks the address and takes it out of its escapes.
func (s *Spec) address() error {
	switch s.Kind {
	case TCP:
		return checkAddress(s.Address)
	case PCSC:
		name, err := url.PathUnescape(s.Address)
		if err != nil {
			return fmt.Errorf("%w: want a space as %%20 and a percent sign as %%25", err)
		}
		if len(name) > maxReaderName || strings.IndexByte(name, 0) >= 0 {
			return fmt.Errorf("want a reader's name of at most %d bytes, none of them 00", maxReaderName)
		}
		s.Address = name
	case Emulated:
		for _, c := range []byte(s.Address) {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
				return fmt.Errorf("want the name of a card behind emu: (posim card list)")
			}
		}
	}
	return nil
}

// checkAddress wants host and port, both there.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || n == 0 {
		return fmt.Errorf("want HOST:PORT with a port from 1 to 65535")
	}
	return nil
}

// String writes the LINE; ParseLine reads it back.
func (s Spec) String() string {
	switch s.Kind {
	case PCSC:
		return "pcsc://" + url.PathEscape(s.Address)
	case TCP:
		return "tcp://" + s.Address + "?protocol=" + s.Protocol
	case Emulated:
		return "emu:" + s.Address + "?protocol=" + s.Protocol
	}
	return s.Address + "?protocol=" + s.Protocol
}

// Physical tells whether a card in this reader may be plastic. Only a card of our own in this process is known not to be:
// behind every port and every reader of pcscd there may be a real one.
func (s Spec) Physical() bool { return s.Kind != Emulated }

// shorten keeps what an error quotes to one line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return s
}
