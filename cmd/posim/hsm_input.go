package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/posim/posim/hsm/clear"
	"github.com/posim/posim/internal/pan"
)

// hsmInput reads what a calculation is given. The first thing that is wrong is kept in err; after it everything is empty.
type hsmInput struct {
	a     *app
	flags *pflag.FlagSet
	name  string // of the command
	args  []string

	err   error
	stdin string // the flag that has read standard input
	keys  []hsmKey
}

// hsmKey is a key that was given, under the name of its flag.
type hsmKey struct {
	flag string
	key  clear.Key
}

// remark is what a key loader would say of a key, "" if nothing.
func (k hsmKey) remark() string {
	var remarks []string
	err := k.key.Check()
	if errors.Is(err, clear.ErrParity) {
		remarks = append(remarks, "wrong parity")
		if odd, e := k.key.OddParity(); e == nil {
			err = odd.Check()
		}
	}
	switch {
	case errors.Is(err, clear.ErrWeakKey):
		remarks = append(remarks, "a weak part")
	case errors.Is(err, clear.ErrEqualParts):
		remarks = append(remarks, "equal parts")
	}
	return strings.Join(remarks, ", ")
}

// fail keeps the first error.
func (in *hsmInput) fail(err error) {
	if in.err == nil && err != nil {
		in.err = err
	}
}

func (in *hsmInput) misuse(format string, args ...any) {
	in.fail(misuse("%s: %w", in.name, fmt.Errorf(format, args...)))
}

// given tells whether a flag is there; it may be empty.
func (in *hsmInput) given(flag string) bool { return in.flags.Changed(flag) }

// one wants exactly one of some flags, and says which.
func (in *hsmInput) one(flags ...string) string {
	var found []string
	for _, f := range flags {
		if in.given(f) {
			found = append(found, "--"+f)
		}
	}
	switch len(found) {
	case 1:
		return found[0][2:]
	case 0:
		in.misuse("want --%s", strings.Join(flags, " or --"))
	default:
		in.misuse("%s exclude each other", strings.Join(found, " and "))
	}
	return ""
}

// refuse refuses flags that do not go with something else.
func (in *hsmInput) refuse(with string, flags ...string) {
	for _, f := range flags {
		if in.given(f) {
			in.misuse("--%s does not go with %s", f, with)
		}
	}
}

// source is the text that a value stands for: @FILE, - for standard input, or itself.
func (in *hsmInput) source(flag, value string) []byte {
	var b []byte
	var err error
	switch {
	case in.err != nil:
		return nil
	case value == "-" && in.stdin != "":
		in.misuse("%s and %s both read standard input", in.stdin, flag)
		return nil
	case value == "-":
		in.stdin = flag
		b, err = io.ReadAll(io.LimitReader(in.a.stdin, maxInput+1))
	case strings.HasPrefix(value, "@"):
		b, err = readLimited(value[1:])
	default:
		b = []byte(value)
	}
	if err != nil {
		in.misuse("%s: %w", flag, err)
		return nil
	}
	if len(b) > maxInput {
		in.misuse("%s: more than %d characters", flag, maxInput)
		return nil
	}
	return b
}

// readLimited reads a file, or one byte more than is taken of it.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	return io.ReadAll(io.LimitReader(f, maxInput+1))
}

// text is a value as a text without white space around it. It must be there.
func (in *hsmInput) text(flag string) string {
	f := in.flags.Lookup(flag)
	if !in.given(flag) && f.DefValue == "" {
		in.misuse("want --%s", flag)
		return ""
	}
	return strings.TrimSpace(string(in.source("--"+flag, f.Value.String())))
}

// argument is the only argument: a value like that of a flag.
func (in *hsmInput) argument(name string) string {
	return strings.TrimSpace(string(in.source(name, in.args[0])))
}

// optional is a value that may be absent.
func (in *hsmInput) optional(flag string) string {
	if !in.given(flag) {
		return ""
	}
	return in.text(flag)
}

// hex is a value in hexadecimal digits.
func (in *hsmInput) hex(flag string) []byte {
	if f := in.flags.Lookup(flag); in.given(flag) || f.DefValue != "" {
		return in.hexOf("--"+flag, f.Value.String())
	}
	in.misuse("want --%s", flag)
	return nil
}

// hexOf is a value in hexadecimal digits; field is how errors call it.
func (in *hsmInput) hexOf(field, value string) []byte {
	return in.parsed(field, string(in.source(field, value)))
}

// parsed reads hexadecimal digits with white space between them.
func (in *hsmInput) parsed(field, text string) []byte {
	digits := strings.Join(strings.Fields(text), "")
	if in.err != nil {
		return nil
	}
	b, err := clear.ParseHex(field, digits)
	in.fail(err)
	if b == nil {
		b = []byte{} // there, and empty
	}
	return b
}

// optionalHex is nil where there is none.
func (in *hsmInput) optionalHex(flag string) []byte {
	if !in.given(flag) {
		return nil
	}
	return in.hex(flag)
}

// bytes is data: --FLAG in hexadecimal digits, or --FLAG-ascii as it is.
func (in *hsmInput) bytes(flag string) []byte {
	ascii := flag + "-ascii"
	if in.one(flag, ascii) == ascii {
		return in.source("--"+ascii, in.flags.Lookup(ascii).Value.String())
	}
	if in.err != nil {
		return nil
	}
	return in.hex(flag)
}

// dataFlags defines --data and --data-ascii.
func dataFlags(f *pflag.FlagSet, about string) {
	f.String("data", "", about+", `HEX` digits")
	f.String("data-ascii", "", about+", `TEXT`; of @FILE every byte")
}

// key is a key of one of some algorithms: of the one that its length leaves, or the one that --cipher names.
func (in *hsmInput) key(flag string, among ...clear.Algorithm) clear.Key {
	b := in.hex(flag)
	if in.err != nil {
		return clear.Key{}
	}
	k, err := in.makeKey("--"+flag, b, among)
	in.fail(err)
	if err == nil {
		in.keys = append(in.keys, hsmKey{flag, k})
	}
	return k
}

func (in *hsmInput) makeKey(field string, b []byte, among []clear.Algorithm) (k clear.Key, err error) {
	a, err := in.cipher(among)
	if err != nil {
		return k, err
	}
	if a == "" {
		if a, err = clear.Fit(field, len(b), among...); err != nil {
			return k, hint(err)
		}
	}
	if k, err = clear.NewNamedKey(field, a, b); err == nil && in.strict() {
		err = k.CheckNamed(field)
	}
	return k, err
}

// hint says how an algorithm is named.
func hint(err error) error {
	if errors.Is(err, clear.ErrAmbiguous) {
		return fmt.Errorf("%w (--cipher says which)", err)
	}
	return err
}

// cipher is what --cipher says, "" where it is not there.
func (in *hsmInput) cipher(among []clear.Algorithm) (clear.Algorithm, error) {
	f := in.flags.Lookup("cipher")
	if f == nil || !f.Changed {
		return "", nil
	}
	var names []string
	for _, a := range among {
		if strings.EqualFold(f.Value.String(), string(a)) {
			return a, nil
		}
		names = append(names, strings.ToLower(string(a)))
	}
	return "", misuse("%s: --cipher: want %s", in.name, strings.Join(names, " or "))
}

// strict is --strict, of the commands that take keys of DES or TDES.
func (in *hsmInput) strict() bool {
	f := in.flags.Lookup("strict")
	return f != nil && f.Changed && f.Value.String() == "true"
}

func strictFlag(f *pflag.FlagSet) {
	f.Bool("strict", false, "refuse DES and TDES keys with wrong parity, weak or equal parts, as a key loader does")
}

func cipherFlag(f *pflag.FlagSet) {
	f.String("cipher", "", "the key's algorithm, `des|tdes|aes|sm4`, where its length leaves more than one")
}

// pan is a card number that is nobody's: a published test number, or one with a wrong check digit.
func (in *hsmInput) pan(flag string) string {
	digits := strings.Join(strings.Fields(in.text(flag)), "") // in groups, as it stands on a card
	in.fail(in.testNumber(flag, digits))
	if in.err != nil {
		return ""
	}
	return digits
}

// optionalPAN is a card number that may be absent.
func (in *hsmInput) optionalPAN(flag string) string {
	if !in.given(flag) {
		return ""
	}
	return in.pan(flag)
}

func (in *hsmInput) testNumber(flag, digits string) error {
	p, err := pan.Parse(digits)
	if err == nil && p.LuhnValid() && !pan.InTestRange(p) {
		return misuse("%s: --%s: %v may be somebody's card: want a published test number", in.name, flag, p)
	}
	return nil // whatever else is wrong with it, the calculator says
}
