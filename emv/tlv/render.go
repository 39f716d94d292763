package tlv

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Render writes the data objects of b for people, a line each, templates indented: tag, name, value, and what DOLs and bits
// say. Card numbers show their first six and last four digits; what else stands on a track, names and PIN data are redacted.
// Input that is not in order gives the error of Decode, with offset and tag, and no output.
func Render(w io.Writer, b []byte) error {
	objects, err := Decode(b)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	render(&out, objects, 0)
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("tlv: render: %w", err)
	}
	return nil
}

func render(out *bytes.Buffer, objects []Object, depth int) {
	for _, o := range objects {
		indent := strings.Repeat("  ", depth)
		name := Name(o.Tag)
		if name == "" {
			name = "unknown"
		}
		fmt.Fprintf(out, "%s%02X  %s", indent, o.Tag, name)
		if Constructed(o.Tag) {
			out.WriteByte('\n')
			render(out, o.Children, depth+1)
			continue
		}
		fmt.Fprintf(out, ": %s\n", Show(o.Tag, o.Value))
		for _, line := range explain(o) {
			fmt.Fprintf(out, "%s    %s\n", indent, line)
		}
	}
}

// Show gives the value of a data element as text that may be printed anywhere: hexadecimal digits, with the characters of a
// text beside them; sensitive elements masked or redacted.
func Show(tag Tag, value []byte) string {
	switch tag {
	case ApplicationPAN:
		return maskedPAN(value)
	case Track2EquivalentData, Track2Data:
		return maskedPAN(value) + ", rest redacted"
	case Track1Data:
		return maskedTrack1(value) + ", rest redacted"
	case CardholderName, CardholderNameExtended, Track1DiscretionaryData, Track2DiscretionaryData, TransactionPINData, IBAN:
		return fmt.Sprintf("[%d bytes redacted]", len(value))
	}
	if len(value) == 0 {
		return "(empty)"
	}
	text := fmt.Sprintf("%X", value)
	if e, ok := Lookup(tag); ok && e.Format >= FormatA && e.Format <= FormatANS {
		text += fmt.Sprintf(" %q", value)
	}
	return text
}

// maskedPAN reads digits up to the separator or the padding of a track 2 or of 5A.
func maskedPAN(value []byte) string {
	var digits strings.Builder
	for _, c := range value {
		for _, d := range [2]byte{c >> 4, c & 15} {
			if d > 9 {
				return mask(digits.String())
			}
			digits.WriteByte('0' + d)
		}
	}
	return mask(digits.String())
}

// maskedTrack1 reads the number of a track 1 in format B.
func maskedTrack1(value []byte) string {
	if len(value) == 0 || value[0] != 'B' {
		return "[number redacted]"
	}
	number, _, found := bytes.Cut(value[1:], []byte("^"))
	for _, c := range number {
		found = found && c >= '0' && c <= '9'
	}
	if !found {
		return "[number redacted]"
	}
	return mask(string(number))
}

// mask keeps the first six and the last four digits of a card number. A number too short to be one shows its last four at
// most. It is pan.Mask, which this room cannot import because both stand on one floor; a test compares them.
func mask(digits string) string {
	n := len(digits)
	switch {
	case n >= 13:
		return digits[:6] + strings.Repeat("*", n-10) + digits[n-4:]
	case n >= 8:
		return strings.Repeat("*", n-4) + digits[n-4:]
	}
	return strings.Repeat("*", n)
}

// explain gives lines about a value that has parts.
func explain(o Object) []string {
	var lines []string
	switch o.Tag {
	case CDOL1, CDOL2, TDOL, PDOL, DDOL, LogFormat:
		list, err := ParseDOL(o.Value)
		for _, e := range list {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%02X[%d]  %s", e.Tag, e.Length, Name(e.Tag)), " "))
		}
		if err != nil {
			lines = append(lines, err.Error())
		}
	case TVR, TSI, ApplicationInterchangeProfile, ApplicationUsageControl, TerminalCapabilities, AdditionalTerminalCapabilities,
		BiometricTerminalCapabilities:
		for i, c := range o.Value {
			for mask := byte(0x80); mask > 0; mask >>= 1 {
				if c&mask == 0 {
					continue
				}
				name := BitName(o.Tag, Bit(i+1)<<8|Bit(mask))
				if name == "" {
					name = "reserved"
				}
				lines = append(lines, fmt.Sprintf("byte %d mask %02X  %s", i+1, mask, name))
			}
		}
	case CVMList:
		list, err := ParseCVMList(o.Value)
		if err != nil {
			return []string{err.Error()}
		}
		lines = append(lines, fmt.Sprintf("X %d, Y %d", list.X, list.Y))
		for i := range list.Len() {
			r := list.Rule(i)
			lines = append(lines, fmt.Sprintf("%02X %02X  %s; %s; %s", r.Code, r.Condition, r.MethodName(), r.ConditionName(), r.Unsuccessful()))
		}
	case CVMResults:
		if len(o.Value) == 3 {
			r := CVRule{o.Value[0], o.Value[1]}
			lines = append(lines, fmt.Sprintf("%s; %s; %s", r.MethodName(), r.ConditionName(), CVMResultName(o.Value[2])))
		}
	case CryptogramInformationData:
		if len(o.Value) == 1 {
			c := CID(o.Value[0])
			text := c.Cryptogram()
			if c.Advice() {
				text += ", advice required"
			}
			lines = append(lines, text+"; "+c.Reason())
		}
	}
	return lines
}
