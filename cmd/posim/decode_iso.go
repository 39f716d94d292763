package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/transport/dialect"
)

// isoDecoder is posim decode iso.
func (a *app) isoDecoder() *cobra.Command {
	name, switches := "", []string(nil)
	c := a.decoder("iso", "the data elements of a message, in iso87 or with --dialect in another dialect; length and TPDU may stand before it",
		"  posim decode iso 0800 0020000000000000 000001\n  posim decode iso --dialect cup --switch track-filler=0 603100311100 0820 0000000000000000",
		func(b []byte, asJSON bool) error {
			d, err := dialectOf(name, switches)
			if err != nil {
				return misuse("decode iso: %v", err)
			}
			return a.decodeISO(d, b, asJSON)
		})
	c.Flags().StringVar(&name, "dialect", "iso87", "`NAME` of the dialect: "+strings.Join(dialect.Names(), ", "))
	c.Flags().StringArrayVar(&switches, "switch", nil, "`NAME=VALUE`: what its document says where documents differ; may be repeated")
	return c
}

// dialectOf makes a dialect by its name, with switches as NAME=VALUE.
func dialectOf(name string, switches []string) (*dialect.Dialect, error) {
	values := map[string]string{}
	for _, s := range switches {
		key, value, ok := strings.Cut(s, "=")
		if _, twice := values[key]; !ok || twice {
			return nil, fmt.Errorf("switch %q: want NAME=VALUE, each name once", s)
		}
		values[key] = value
	}
	s, err := dialect.ParseSwitches(values)
	if err != nil {
		return nil, err
	}
	o := dialect.Options{}
	if len(values) > 0 {
		o.Switches = s
	}
	return dialect.ByName(name, o)
}

// isoFrame is what stands before a message on a line.
type isoFrame struct {
	length, tpdu []byte
	message      []byte
}

// isoFrames are the ways in which b can be read, the likeliest first: as a message, and as a frame with a length and a TPDU.
func isoFrames(b []byte) []isoFrame {
	list := []isoFrame{{message: b}}
	var length []byte
	if len(b) > 2 && int(b[0])<<8|int(b[1]) == len(b)-2 {
		length, b = b[:2], b[2:]
		list = append(list, isoFrame{length: length, message: b})
	}
	const tpdu, isTPDU = 5, 0x60
	if len(b) > tpdu && b[0] == isTPDU {
		list = append(list, isoFrame{length: length, tpdu: b[:tpdu], message: b[tpdu:]})
	}
	return list
}

func (a *app) decodeISO(d *dialect.Dialect, b []byte, asJSON bool) error {
	var frame isoFrame
	var m *dialect.Message
	var first error
	for _, frame = range isoFrames(b) {
		var err error
		if m, err = d.Unpack(frame.message); err == nil {
			break
		}
		if first == nil || frame.length != nil || frame.tpdu != nil { // the place of a fault in a frame is that in its message
			first = err
		}
	}
	if m == nil {
		return first
	}
	header := d.Header(m)
	kind := ""
	if m.Kind != dialect.KindNone {
		kind = m.Kind.String()
	}
	fields := d.Fields(m)
	if asJSON {
		return writeJSON(a.stdout, struct {
			TPDU   string               `json:"tpdu,omitempty"`
			Header string               `json:"header,omitempty"`
			MTI    string               `json:"mti"`
			Kind   string               `json:"kind,omitempty"`
			Fields []dialect.FieldValue `json:"fields"`
		}{fmt.Sprintf("%X", frame.tpdu), header, m.MTI, kind, fields})
	}
	var rows [][]string
	for _, r := range [][]string{{"length", "of the frame", fmt.Sprintf("%X", frame.length)}, {"TPDU", "destination and source", fmt.Sprintf("%X", frame.tpdu)},
		{"header", "class, version, state, processing request, sub-version", header}} {
		if r[2] != "" {
			rows = append(rows, r)
		}
	}
	rows = append(rows, []string{"MTI", "message type identifier", m.MTI})
	if kind != "" {
		rows = append(rows, []string{"kind", "what the message is about", kind})
	}
	for _, f := range fields {
		rows = append(rows, []string{fmt.Sprintf("DE %d", f.DE), f.Name, f.Value})
	}
	return a.print(table(rows))
}
