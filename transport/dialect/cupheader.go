package dialect

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// The header of cup stands between the TPDU and the message and is no part of what the MAC covers. It has twelve nibbles:
// application class 2, software version 2, terminal state 1, processing request 1, software sub-version 6. A nibble of the
// sub-version may be above 9.
const (
	cupHeaderLength = 6
	usualCUPHeader  = "603100311100" // magnetic stripe and chip payment, generation 31
	requestDigit    = 5              // where the processing request is
)

func readCUPHeader(d *Dialect, src []byte, m *Message) error {
	h := strings.ToUpper(hex.EncodeToString(src))
	m.ProcessingRequest = ProcessingRequest(src[requestDigit/2] & 15)
	h = h[:requestDigit] + "0" + h[requestDigit+1:]
	if d.switches.DropWrongHeader && h[:4] != d.switches.Header[:4] {
		return fmt.Errorf("%w: begins with %s: want %s (application class and version)", ErrHeader, h[:4], d.switches.Header[:4])
	}
	if h != d.switches.Header {
		m.Header = h
	}
	return nil
}

func writeCUPHeader(d *Dialect, dst []byte, m *Message) error {
	h := m.Header
	if h == "" {
		h = d.switches.Header
	}
	if err := checkCUPHeader(h); err != nil {
		return err
	}
	if m.ProcessingRequest > 0xF {
		return fmt.Errorf("%w: processing request %d: want 0 to 15", ErrHeader, m.ProcessingRequest)
	}
	if _, err := hex.Decode(dst, []byte(h)); err != nil {
		return fmt.Errorf("%w: %w", ErrHeader, err)
	}
	dst[requestDigit/2] |= byte(m.ProcessingRequest)
	return nil
}

// checkCUPHeader tells whether h is one: as a message has it, without a processing request.
func checkCUPHeader(h string) error {
	if len(h) != 2*cupHeaderLength || strings.Trim(h, "0123456789ABCDEF") != "" || h[requestDigit] != '0' {
		return fmt.Errorf("%w: want %d upper-case hexadecimal digits, the sixth of them 0", ErrHeader, 2*cupHeaderLength)
	}
	return nil
}

// Header is the header that stands before m, in upper-case hexadecimal digits; "" in a dialect without one, and of a header that cannot be.
func (d *Dialect) Header(m *Message) string {
	if d.writeHeader == nil {
		return ""
	}
	b := make([]byte, d.header)
	if d.writeHeader(d, b, m) != nil {
		return ""
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
