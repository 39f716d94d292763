package terminal

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// usualDialect is what a profile speaks that names none.
const usualDialect = "iso87"

// usualHeader is what a terminal has whose profile says nothing else: application class, version, sub-version.
var usualHeader = [3]string{"60", "31", "311100"}

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
	if err := f.switches(p, t); err != nil {
		return err
	}
	if err := f.rules(p, t); err != nil {
		return err
	}
	return f.security(p, t)
}

// Framing is how the terminal's messages stand on its line.
func (p *Profile) Framing() transport.Framing { return transport.Framing{TPDU: p.TPDU} }

// HostFraming is the other end of that line, which serves terminals with any source address.
func (p *Profile) HostFraming() transport.Framing {
	if p.TPDU == nil {
		return transport.Framing{}
	}
	return transport.Framing{TPDU: &transport.TPDU{Destination: p.TPDU.Source, Source: p.TPDU.Destination}, AnySource: true}
}

// Speaks is the dialect of the terminal's messages.
func (p *Profile) Speaks() *dialect.Dialect {
	name := p.Dialect
	if name == "" {
		name = usualDialect
	}
	d, err := dialect.ByName(name, p.Options)
	if err != nil {
		panic("terminal: bug: profile " + p.Name + ": " + err.Error()) // ParseProfile has made one
	}
	return d
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

// headerSwitch is the switch that the header's own keys write.
const headerSwitch = "header"

// switches reads what documents of the dialect disagree about, and the header, which is one of those things.
func (f *profileFile) switches(p *Profile, t dialect.Traits) error {
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(f.Switches)) {
		key := "switches." + name
		switch {
		case !slices.Contains(dialect.SwitchNames(), name):
			return wrong(key, ": want one of %s", strings.Join(dialect.SwitchNames(), ", "))
		case name == headerSwitch:
			return wrong(key, ": want it as header: {application, version, sub_version}")
		}
		values[name] = f.Switches[name]
		if _, err := dialect.ParseSwitches(map[string]string{name: values[name]}); err != nil {
			return wrong(key, ": %w", err)
		}
	}
	header, err := f.header(t)
	if err != nil {
		return err
	}
	if header != "" {
		values[headerSwitch] = header
	}
	if len(values) == 0 {
		return f.possible(p, "dialect")
	}
	if p.Options.Switches, err = dialect.ParseSwitches(values); err != nil {
		return wrong("switches", ": %w", err)
	}
	return f.possible(p, "switches")
}

// rules reads where the reason of a reversal is, and whether a repeat is stamped anew.
func (f *profileFile) rules(p *Profile, t dialect.Traits) error {
	if t.Reason != "" && f.Reason != "" && f.Reason != t.Reason {
		return wrong("reversal_reason", " %q: %s has it in DE %s", f.Reason, t.Name, t.Reason)
	}
	if f.Reason != "" {
		rule, err := dialect.ParseReasonRule(f.Reason)
		if err != nil {
			return wrong("reversal_reason", ": %w", err)
		}
		p.Options.Reason = rule
		if err := f.possible(p, "reversal_reason"); err != nil {
			return err
		}
	}
	if f.Restamp {
		p.Options.Restamp = true
		return f.possible(p, "restamp")
	}
	return nil
}

// possible tells whether there is such a dialect, with what the last key has added.
func (f *profileFile) possible(p *Profile, key string) error {
	if _, err := dialect.ByName(p.Dialect, p.Options); err != nil {
		return wrong(key, ": %w", err)
	}
	return nil
}

// header is the header's switch: terminal state 0 and processing request 0 stand between version and sub-version. "": none.
func (f *profileFile) header(t dialect.Traits) (string, error) {
	if f.Header == nil {
		return "", nil
	}
	if !t.Header {
		return "", wrong("header", ": the messages of %s have none", t.Name)
	}
	parts := usualHeader
	for i, part := range []struct{ key, value string }{{"application", f.Header.Application}, {"version", f.Header.Version}, {"sub_version", f.Header.SubVersion}} {
		if part.value == "" {
			continue
		}
		if len(part.value) != len(parts[i]) || strings.Trim(part.value, "0123456789ABCDEF") != "" {
			return "", wrong("header."+part.key, " %q: want %d upper-case hexadecimal digits", part.value, len(parts[i]))
		}
		parts[i] = part.value
	}
	return parts[0] + parts[1] + "00" + parts[2], nil
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
	switch single := p.Options.Switches.SingleMAK; {
	case s.MAC == "" && single:
		s.MAC = t.SingleMAC
	case s.MAC == "":
		s.MAC = t.MAC
	case t.SingleMAC != "" && single != (s.MAC == t.SingleMAC):
		return wrong("security.mac", " %q: a key of single length is %s with switches: {mak: single}", s.MAC, t.SingleMAC)
	}
	if p.Security, err = hsm.ParseScheme(s.Keys, s.PINBlock, s.MAC, s.MACPadding); err != nil {
		return wrong("security", ": %w", err)
	}
	return nil
}
