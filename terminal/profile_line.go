package terminal

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// usualDialect is what a profile speaks that names none.
const usualDialect = "iso87"

// Header is what stands between TPDU and message in a dialect that has such a thing: digits, as they are on the line.
type Header struct {
	Application string // 60 stripe, 61 chip; two digits
	Version     string // of the software, two digits
	SubVersion  string // of the software, six digits
}

// usualHeader is what a terminal has whose profile says nothing else.
var usualHeader = Header{Application: "60", Version: "31", SubVersion: "311100"}

// line fills in how the terminal talks.
func (f *profileFile) line(p *Profile) (err error) {
	p.Dialect = f.Dialect
	if p.Dialect == "" {
		p.Dialect = usualDialect
	}
	t, ok := dialect.TraitsOf(p.Dialect)
	if !ok {
		return wrong("dialect", " %q: want one of %s", p.Dialect, strings.Join(dialect.Names(), ", "))
	}
	if p.TPDU, err = parseTPDU(f.TPDU); err != nil {
		return err
	}
	if err := f.header(p, t); err != nil {
		return err
	}
	return f.security(p, t)
}

// parseTPDU reads ten digits: 60, destination, source. Without any there is none.
func parseTPDU(s string) (*transport.TPDU, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 5 || b[0] != 0x60 {
		return nil, wrong("tpdu", " %q: want ten digits that begin with 60", s)
	}
	return &transport.TPDU{Destination: uint16(b[1])<<8 | uint16(b[2]), Source: uint16(b[3])<<8 | uint16(b[4])}, nil
}

func (f *profileFile) header(p *Profile, t dialect.Traits) error {
	if !t.Header {
		if f.Header != nil {
			return wrong("header", ": the messages of %s have none", t.Name)
		}
		return nil
	}
	p.Header = usualHeader
	if f.Header == nil {
		return nil
	}
	for _, part := range []struct {
		key, value string
		dst        *string
	}{
		{"application", f.Header.Application, &p.Header.Application}, {"version", f.Header.Version, &p.Header.Version},
		{"sub_version", f.Header.SubVersion, &p.Header.SubVersion},
	} {
		if part.value == "" {
			continue
		}
		if !digits(part.value, len(*part.dst)) {
			return wrong("header."+part.key, " %q: want %d digits", part.value, len(*part.dst))
		}
		*part.dst = part.value
	}
	return nil
}

// security fills in how messages are protected: as the dialect has places for it.
func (f *profileFile) security(p *Profile, t dialect.Traits) (err error) {
	s := f.Security
	if !t.KeySerialNumbers && s.Keys != "" && s.Keys != hsm.MasterSession {
		return wrong("security.keys", " %q: %s has no place for key serial numbers: want %s", s.Keys, t.Name, hsm.MasterSession)
	}
	if t.PINBlocks != nil && s.PINBlock != "" && !slices.Contains(t.PINBlocks, s.PINBlock) {
		return wrong("security.pin_block", " %q: %s knows %s", s.PINBlock, t.Name, strings.Join(t.PINBlocks, ", "))
	}
	if s.MAC == "" {
		s.MAC = t.MAC
	}
	if p.Security, err = hsm.ParseScheme(s.Keys, s.PINBlock, s.MAC, s.MACPadding); err != nil {
		return wrong("security", ": %w", err)
	}
	return nil
}
