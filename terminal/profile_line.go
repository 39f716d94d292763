package terminal

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
)

// The dialects of a profile.
const (
	DialectISO87    = "iso87"
	DialectISO87128 = "iso87-128" // with the secondary bitmap
	DialectCUP      = "cup"
)

var dialectNames = []string{DialectISO87, DialectISO87128, DialectCUP}

// Header is what stands between TPDU and message in a dialect that has such a thing (cup): digits, as they are on the line.
type Header struct {
	Application string // 60 stripe, 61 chip; two digits
	Version     string // of the software, two digits
	SubVersion  string // of the software, six digits
}

// line fills in how the terminal talks.
func (f *profileFile) line(p *Profile) (err error) {
	p.Dialect = f.Dialect
	if p.Dialect == "" {
		p.Dialect = DialectISO87
	}
	if !slices.Contains(dialectNames, p.Dialect) {
		return wrong("dialect", " %q: want one of %s", p.Dialect, strings.Join(dialectNames, ", "))
	}
	if p.TPDU, err = parseTPDU(f.TPDU); err != nil {
		return err
	}
	if err := f.header(p); err != nil {
		return err
	}
	return f.security(p)
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

func (f *profileFile) header(p *Profile) error {
	if p.Dialect != DialectCUP {
		if f.Header != nil {
			return wrong("header", ": the messages of %s have none", p.Dialect)
		}
		return nil
	}
	p.Header = Header{Application: "60", Version: "31", SubVersion: "311000"}
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

// security fills in how messages are protected. cup has places for session keys and for a PIN block of eight bytes alone.
func (f *profileFile) security(p *Profile) (err error) {
	s := f.Security
	if p.Dialect == DialectCUP {
		if s.Keys != "" && s.Keys != hsm.MasterSession {
			return wrong("security.keys", " %q: cup has no place for key serial numbers: want %s", s.Keys, hsm.MasterSession)
		}
		if s.PINBlock != "" && s.PINBlock != "0" && s.PINBlock != "1" {
			return wrong("security.pin_block", " %q: cup names two forms in DE 53: want 0 or 1", s.PINBlock)
		}
		if s.MAC == "" {
			s.MAC = "cup-ecb"
		}
	}
	if p.Security, err = hsm.ParseScheme(s.Keys, s.PINBlock, s.MAC, s.MACPadding); err != nil {
		return wrong("security", ": %w", err)
	}
	return nil
}
