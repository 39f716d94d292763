package clear

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/posim/posim/internal/crypt/pinblock"
)

// Reasons of PIN blocks, for errors.Is.
var (
	ErrBlock       = pinblock.ErrBlock       // it does not open: nothing more is said, whatever is wrong
	ErrTranslation = pinblock.ErrTranslation // a format that the other may not become
	ErrFill        = pinblock.ErrFill
)

// PINFormats lists the formats' names: those of ISO 9564-1 by their numbers, and the 16-byte layout of networks with SM4.
func PINFormats() []string { return []string{"0", "1", "2", "3", "4", pinblock.SM4X98.String()} }

func pinFormat(name string) (pinblock.Format, error) {
	f, err := pinblock.ParseFormat(name)
	if err != nil {
		return 0, &Error{"format", ErrName, "", strings.Join(PINFormats(), ", ")}
	}
	return f, nil
}

// pinInput is what a block is made of, as package pinblock takes it.
type pinInput struct {
	format         pinblock.Format
	pin, pan, fill []byte
}

func newPINInput(format, pin, pan, fill string) (in pinInput, err error) {
	if in.format, err = pinFormat(format); err != nil {
		return in, err
	}
	if err := checkPIN("pin", pin); err != nil {
		return in, err
	}
	if err := checkPANOf(in.format, pan); err != nil {
		return in, err
	}
	in.pin, in.pan = numbers(pin), []byte(pan)
	in.fill, err = parseFill(in.format, fill)
	return in, err
}

// numbers turns digits into what they stand for.
func numbers(digits string) []byte {
	b := []byte(digits)
	for i := range b {
		b[i] -= '0'
	}
	return b
}

// checkPANOf is for the PAN of a block. Formats that have none take none.
func checkPANOf(f pinblock.Format, pan string) error {
	if !f.HasPAN() {
		if pan != "" {
			return &Error{"pan", ErrNotTaken, "", "none in format " + f.String()}
		}
		return nil
	}
	const most = 19
	least := 1
	for pinblock.CheckPAN(f, []byte(strings.Repeat("0", least))) != nil && least < most {
		least++
	}
	return checkDigits("pan", pan, ErrPAN, least, most)
}

// parseFill reads the filler: of formats 1 and 3 a hexadecimal digit for each place behind the PIN, of format 4 eight bytes.
func parseFill(f pinblock.Format, fill string) ([]byte, error) {
	if f == pinblock.Format4 {
		return ParseHex("fill", fill)
	}
	var b []byte
	for i := range len(fill) {
		v, err := hex.DecodeString("0" + fill[i:i+1])
		if err != nil {
			return nil, &Error{"fill", ErrHex, "", "0 to 9, A to F"}
		}
		b = append(b, v[0])
	}
	return b, nil
}

// RandomFill draws the filler of a block for a PIN of n digits, "" for formats that have none of their own.
func RandomFill(format string, n int, random io.Reader) (string, error) {
	f, err := pinFormat(format)
	if err != nil {
		return "", err
	}
	fill := make([]byte, f.FillLen(n))
	if err := pinblock.RandomFill(fill, f, random); err != nil {
		return "", inField("fill", err)
	}
	digits := strings.ToUpper(hex.EncodeToString(fill))
	if f == pinblock.Format4 {
		return digits, nil
	}
	var text strings.Builder
	for i := 1; i < len(digits); i += 2 { // one digit to a place
		text.WriteByte(digits[i])
	}
	return text.String(), nil
}

// PINFields gives the two parts of a block: PIN field and PAN field, before anything is added or enciphered.
func PINFields(format, pin, pan, fill string) (pinField, panField []byte, err error) {
	in, err := newPINInput(format, pin, pan, fill)
	if err != nil {
		return nil, nil, err
	}
	pinField, panField = make([]byte, in.format.Size()), make([]byte, in.format.Size())
	if err := pinblock.PINField(pinField, in.format, in.pin, in.fill); err != nil {
		return nil, nil, inField("fill", err)
	}
	if err := pinblock.PANField(panField, in.format, in.pan); err != nil {
		return nil, nil, inField("pan", err)
	}
	return pinField, panField, nil
}

// EncodePIN makes a clear block; of format 4, whose PAN joins between two encryptions, the PIN field. fill is what RandomFill draws.
func EncodePIN(format, pin, pan, fill string) ([]byte, error) {
	in, err := newPINInput(format, pin, pan, fill)
	if err != nil {
		return nil, err
	}
	block := make([]byte, in.format.Size())
	if err := pinblock.Encode(block, in.format, in.pin, in.pan, in.fill); err != nil {
		return nil, inField("fill", err)
	}
	return block, nil
}

// DecodePIN takes the PIN out of a clear block. Whatever is wrong with the block is ErrBlock.
func DecodePIN(format string, block []byte, pan string) (string, error) {
	f, err := pinFormat(format)
	if err != nil {
		return "", err
	}
	if err := checkPANOf(f, pan); err != nil {
		return "", err
	}
	var work [pinblock.MaxSize]byte
	n, err := pinblock.Decode(&work, f, block, []byte(pan))
	return opened(&work, n, err)
}

func opened(work *[pinblock.MaxSize]byte, n int, err error) (string, error) {
	if err != nil {
		return "", inField("block", err)
	}
	for i := range n {
		work[i] += '0'
	}
	return string(work[:n]), nil
}

// forPIN is an error unless the key is of an algorithm for the format.
func (k Key) forPIN(field string, f pinblock.Format) error {
	switch f {
	case pinblock.Format4:
		return k.of(field, AES)
	case pinblock.SM4X98:
		return k.of(field, SM4)
	case pinblock.Format2:
		return &Error{"format", ErrName, "", "a format for the line: 2 is for the chip in the terminal"}
	}
	return k.of(field, TDES, DES)
}

// EncipherPIN makes a block enciphered under a PIN encryption key: TDES or DES for formats 0, 1 and 3, AES for 4, SM4 for sm4-x98-16.
func EncipherPIN(format string, k Key, pin, pan, fill string) ([]byte, error) {
	in, err := newPINInput(format, pin, pan, fill)
	if err != nil {
		return nil, err
	}
	if err := k.forPIN("key", in.format); err != nil {
		return nil, err
	}
	b, err := k.cipher("key")
	if err != nil {
		return nil, err
	}
	block := make([]byte, in.format.Size())
	if err := pinblock.Encipher(block, b, in.format, in.pin, in.pan, in.fill); err != nil {
		return nil, inField("fill", err)
	}
	return block, nil
}

// DecipherPIN takes the PIN out of an enciphered block. Whatever is wrong with the block, or if it is under another key, is ErrBlock.
func DecipherPIN(format string, k Key, block []byte, pan string) (string, error) {
	f, err := pinFormat(format)
	if err != nil {
		return "", err
	}
	if err := checkPANOf(f, pan); err != nil {
		return "", err
	}
	if err := k.forPIN("key", f); err != nil {
		return "", err
	}
	b, err := k.cipher("key")
	if err != nil {
		return "", err
	}
	var work [pinblock.MaxSize]byte
	n, err := pinblock.Decipher(&work, b, f, block, []byte(pan))
	return opened(&work, n, err)
}

// PINZone is a PIN block's format and the key that it is under.
type PINZone struct {
	Format string
	Key    Key
}

// TranslatePIN takes a PIN from one zone to another, for the same PAN. ErrTranslation where the formats do not allow it. fill is of the
// block that it makes.
func TranslatePIN(from, to PINZone, block []byte, pan, fill string) ([]byte, error) {
	pin, err := openZone(from, to, block, pan)
	if err != nil {
		return nil, err
	}
	if g, err := pinFormat(to.Format); err != nil || !g.HasPAN() {
		pan = ""
	}
	translated, err := EncipherPIN(to.Format, to.Key, pin, pan, fill)
	if err != nil {
		return nil, fmt.Errorf("clear: translated block: %w", err)
	}
	return translated, nil
}

// openZone takes the PIN out of a block that may become one of another zone.
func openZone(from, to PINZone, block []byte, pan string) (string, error) {
	f, err := pinFormat(from.Format)
	if err != nil {
		return "", err
	}
	g, err := pinFormat(to.Format)
	if err != nil {
		return "", err
	}
	if err := pinblock.Permitted(f, g); err != nil {
		return "", inField("format", err)
	}
	if !f.HasPAN() { // format 1: the PAN joins later
		pan = ""
	}
	return DecipherPIN(from.Format, from.Key, block, pan)
}

// TranslatedLength is how many digits the PIN has that TranslatePIN would take over: the filler of the new block goes by it.
func TranslatedLength(from, to PINZone, block []byte, pan string) (int, error) {
	pin, err := openZone(from, to, block, pan)
	return len(pin), err
}
