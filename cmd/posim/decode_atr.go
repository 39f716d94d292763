package main

import (
	"fmt"
	"time"

	"github.com/posim/posim/transport/reader"
)

// jsonATR is an answer to reset in --json.
type jsonATR struct {
	Convention string     `json:"convention"`
	Parts      []jsonPart `json:"parts"` // every byte, in order
	Historical string     `json:"historical"`
	EMV        jsonEMV    `json:"emv"`
}

// jsonEMV tells whether an EMV terminal takes the card.
type jsonEMV struct {
	Accepted bool   `json:"accepted"`
	Protocol *int   `json:"protocol,omitempty"`
	Why      string `json:"why,omitempty"` // not
}

func (a *app) decodeATR(b []byte, asJSON bool) error {
	atr, err := reader.ParseATR(b)
	if err != nil {
		return err
	}
	out := jsonATR{Convention: "direct", Historical: fmt.Sprintf("%X", atr.Historical)}
	if atr.Inverse {
		out.Convention = "inverse"
	}
	out.Parts = explainATR(&atr, out.Convention)
	emv := "no: "
	if protocol, err := atr.CheckEMV(); err != nil {
		out.EMV.Why = err.Error()
		emv += out.EMV.Why
	} else {
		out.EMV.Accepted, out.EMV.Protocol = true, &protocol
		emv = fmt.Sprintf("yes, with T=%d", protocol)
	}
	if asJSON {
		return writeJSON(a.stdout, out)
	}
	var rows [][]string
	for _, p := range out.Parts {
		rows = append(rows, []string{p.Name, p.Value, p.About})
	}
	return a.print(table(rows) + "EMV terminals take it: " + emv + "\n")
}

// explainATR names the bytes of an answer to reset in their order.
func explainATR(atr *reader.ATR, convention string) (parts []jsonPart) {
	part := func(name string, value int, format string, args ...any) {
		parts = append(parts, jsonPart{name, fmt.Sprintf("%02X", value), fmt.Sprintf(format, args...)})
	}
	part("TS", int(atr.Raw[0]), "%s convention", convention)
	part("T0", int(atr.Raw[1]), "%d historical bytes, %s", len(atr.Historical), announced(int(atr.Raw[1]), 1))
	before := 0 // TD of the group before
	first := true
	for i, g := range atr.Interface {
		n := i + 1
		t1 := n > 2 && before&0x0F == 1 && first
		if t1 {
			first = false
		}
		for _, b := range []struct {
			letter string
			value  int
		}{{"TA", g.TA}, {"TB", g.TB}, {"TC", g.TC}} {
			if b.value >= 0 {
				part(fmt.Sprintf("%s%d", b.letter, n), b.value, "%s", explainInterface(atr, b.letter, n, b.value, before, t1))
			}
		}
		if g.TD >= 0 {
			part(fmt.Sprintf("TD%d", n), g.TD, "%s, %s", protocolName(g.TD&0x0F), announced(g.TD, n+1))
			before = g.TD
		}
	}
	if len(atr.Historical) > 0 {
		parts = append(parts, jsonPart{"historical", fmt.Sprintf("%X", atr.Historical), asText(atr.Historical)})
	}
	if atr.TCK >= 0 {
		part("TCK", atr.TCK, "check byte, right")
	}
	return parts
}

func protocolName(t int) string {
	if t == 15 {
		return "T=15 (global interface bytes)"
	}
	return fmt.Sprintf("T=%d", t)
}

// announced lists the interface bytes that follow by a Y in the high half of v.
func announced(v, n int) string {
	text := ""
	for i, letter := range []string{"TA", "TB", "TC", "TD"} {
		if v&(0x10<<i) != 0 {
			text += fmt.Sprintf(" %s%d", letter, n)
		}
	}
	if text == "" {
		return "no interface bytes follow"
	}
	return "followed by" + text
}

// explainInterface says what an interface byte says (ISO/IEC 7816-3, 8.3, 10 and 11.4). before is the TD that announced its
// group, t1 whether it is the first group of T=1.
func explainInterface(atr *reader.ATR, letter string, n, v, before int, t1 bool) string {
	switch key := fmt.Sprintf("%s%d", letter, n); {
	case key == "TA1":
		return fmt.Sprintf("clock rate conversion F %s, bit rate adjustment D %s", factor16(clockRates[:], v>>4), factor16(bitRates[:], v&0x0F))
	case key == "TB1":
		if v == 0 {
			return "VPP not connected in the card"
		}
		return fmt.Sprintf("programming voltage PI1 %d, current II %d", v&0x1F, v>>5&3)
	case key == "TC1":
		if v == 255 {
			return "extra guard time N 255: the minimum of the protocol"
		}
		return fmt.Sprintf("extra guard time N %d etu", v)
	case key == "TA2":
		return fmt.Sprintf("specific mode with T=%d", v&0x0F)
	case key == "TB2":
		return fmt.Sprintf("programming voltage PI2 %d", v)
	case key == "TC2":
		return fmt.Sprintf("work waiting time integer WI %d of T=0", v)
	case before&0x0F == 15 && letter == "TA":
		return fmt.Sprintf("clock stop %d, class of operating conditions %02X", v>>6, v&0x3F)
	case t1 && letter == "TA":
		return fmt.Sprintf("IFSC %d bytes", v)
	case t1 && letter == "TB":
		return fmt.Sprintf("BWI %d, CWI %d: block waiting time %v, character waiting time %d etu", v>>4, v&0x0F, atr.BWT().Round(time.Millisecond), 11+1<<(v&0x0F))
	case t1 && letter == "TC":
		if v&1 == 0 {
			return "error detection code LRC"
		}
		return "error detection code CRC"
	}
	return "of " + protocolName(before&0x0F)
}

// clockRates and bitRates are F and D by their codes, 0 where reserved (ISO/IEC 7816-3, tables 7 and 8).
var (
	clockRates = [16]int{372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048}
	bitRates   = [16]int{0, 1, 2, 4, 8, 16, 32, 64, 12, 20}
)

func factor16(of []int, code int) string {
	if of[code] == 0 {
		return "reserved"
	}
	return fmt.Sprint(of[code])
}

// asText is bytes as a reader of a dump sees them.
func asText(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if out[i] = c; c < 0x20 || c > 0x7E {
			out[i] = '.'
		}
	}
	return fmt.Sprintf("%q", out)
}
