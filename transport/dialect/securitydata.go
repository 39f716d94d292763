package dialect

import (
	"bytes"
	"fmt"
	"strings"
)

// DE 62 of a financial message or a reversal says under which keys it is, where each message has its own (DUKPT): BER-TLV with
// private tags, the key serial number and, where the PIN block has 16 bytes and DE 52 has no room for it, the PIN block.
const (
	tagKeySerialNumber = 0x01 // DF01: 10 bytes (X9.24-1) or 12 (X9.24-3)
	tagPINBlock        = 0x02 // DF02: 16 bytes
)

const pinBlock = 8 // what DE 52 has room for

// spread gives m as the wire has it: with DE 62 in place of the neutral fields that live there. It is m itself where there are
// none.
func (m *Message) spread() (*Message, error) {
	if len(m.KeySerialNumber) == 0 && len(m.PINData) <= pinBlock {
		if m.announced() {
			return nil, &FieldError{DE: 62, Err: fmt.Errorf("private data that begins with DF01 or DF02: want KeySerialNumber and PINData for those")}
		}
		return m, nil
	}
	switch n := len(m.KeySerialNumber); {
	case Class(m.MTI) == ClassNetworkManagement:
		return nil, &FieldError{DE: 62, Err: fmt.Errorf("a key serial number that class %q has no place for", Class(m.MTI))}
	case len(m.ReservedPrivate62) > 0:
		return nil, &FieldError{DE: 62, Err: fmt.Errorf("a key serial number or a PIN block of %d bytes beside private data: want one of them", len(m.PINData))}
	case n != 0 && n != 10 && n != 12:
		return nil, &FieldError{DE: 62, Err: fmt.Errorf("key serial number of %d bytes: want 10 or 12", n)}
	case len(m.PINData) > pinBlock && len(m.PINData) != 2*pinBlock:
		return nil, &FieldError{DE: 52, Err: fmt.Errorf("PIN block of %d bytes: want %d or %d", len(m.PINData), pinBlock, 2*pinBlock)}
	}
	wire := *m
	wire.ReservedPrivate62 = nil
	if n := len(m.KeySerialNumber); n > 0 {
		wire.ReservedPrivate62 = append(append(wire.ReservedPrivate62, 0xDF, tagKeySerialNumber, byte(n)), m.KeySerialNumber...)
	}
	if n := len(m.PINData); n > pinBlock {
		wire.ReservedPrivate62 = append(append(wire.ReservedPrivate62, 0xDF, tagPINBlock, byte(n)), m.PINData...)
		wire.PINData = nil
	}
	return &wire, nil
}

// announced tells whether DE 62 is, or says that it is, such data.
func (m *Message) announced() bool {
	b := m.ReservedPrivate62
	return len(b) > 1 && b[0] == 0xDF && (b[1] == tagKeySerialNumber || b[1] == tagPINBlock) && Class(m.MTI) != ClassNetworkManagement
}

// gather undoes spread. It takes the two objects in their order, each once, and nothing else. What begins otherwise is somebody's
// private data, and stays.
func (m *Message) gather() error {
	if !m.announced() {
		return nil
	}
	rest := m.ReservedPrivate62
	ksn, rest, err := object(rest, tagKeySerialNumber, 10, 12)
	if err != nil {
		return err
	}
	block, rest, err := object(rest, tagPINBlock, 2*pinBlock)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return fmt.Errorf("%d bytes that are neither key serial number (DF01) nor PIN block (DF02), in this order", len(rest))
	case block != nil && len(m.PINData) > 0:
		return fmt.Errorf("a PIN block (DF02) beside that of DE 52: want one of them")
	}
	m.ReservedPrivate62, m.KeySerialNumber = nil, ksn
	if block != nil {
		m.PINData = block
	}
	return nil
}

// object reads the object with a tag at the front of b, if it is there, and returns what follows.
func object(b []byte, tag byte, lengths ...int) (value, rest []byte, err error) {
	if !bytes.HasPrefix(b, []byte{0xDF, tag}) {
		return nil, b, nil
	}
	for _, n := range lengths {
		if len(b) >= 3+n && int(b[2]) == n {
			return b[3 : 3+n : 3+n], b[3+n:], nil
		}
	}
	return nil, nil, fmt.Errorf("DF%02X: want %v bytes of value", tag, lengths)
}

// showSecurityData is DE 62 for people: the number is no secret. Its two halves, which device and which message, stand apart.
func (m *Message) showSecurityData() (string, bool) {
	var parts []string
	if n := len(m.KeySerialNumber); n > 4 {
		parts = append(parts, fmt.Sprintf("key serial number %X:%X", m.KeySerialNumber[:n-4], m.KeySerialNumber[n-4:]))
	}
	if n := len(m.PINData); n > pinBlock {
		parts = append(parts, "PIN block "+redacted(n, "bytes"))
	}
	return strings.Join(parts, ", "), len(parts) > 0
}
