package scenario

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one thing that goes wrong: SEAM[EVENT#N].KIND(ARG). Which of the argument's fields is set follows from Kind.
type Fault struct {
	Spec     string // as written
	Seam     string // net.req, acquirer, term, card ...
	Event    string // 0210, connect, write, send 0200, GENERATE AC ...
	N        int    // the N-th such event since the fault was armed; 0: all
	Later    bool   // and every such event after the N-th
	Kind     string // lose, delay, crash ...
	Duration time.Duration
	Number   int    // bytes: byte=K (from 0), cut(K), slice(K), truncate(K)
	Code     string // a response code (DE 39), or AAC, ARQC, TC at GENERATE AC
	Image    string // what of the unsynced bytes survives a power-off at a write: lost, kept, torn, flipped; Number is then where, from 1, or 0
	Point    string // of a crash: before-log, after-log; Duration is then the time until the restart
	Hex      []byte // answer(HEX): the whole response with its status word; sw(HEX): the status word
	Pos      Pos    // in the script; zero otherwise
}

// Limits of a fault's numbers.
const (
	maxEvent    = 10_000
	maxLength   = 65_535 // bytes of a frame whose length takes two bytes
	maxResponse = 258    // bytes of an APDU's response: 256 and the status word
	maxSpec     = 1_000  // characters; the longest answer(HEX) needs 560
	maxDelay    = 24 * time.Hour
	maxJump     = 100 * 366 * 24 * time.Hour // of a clock

	crashRestart = time.Second // how long a crashed host is down unless the fault says
)

// ParseFault reads one fault. The error says what was expected in its place; a kind that the grammar knows and this
// version cannot do is an error too.
func ParseFault(spec string) (Fault, error) {
	f, err := parseFault(spec)
	if err != nil {
		return Fault{}, fmt.Errorf("scenario: fault %q: %w", maskNumbers(shorten(spec)), err)
	}
	return f, nil
}

// String writes the fault canonically: #1 and a crash's second of restart are left out. ParseFault reads it back.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Seam)
	if f.Event != "" {
		b.WriteString("[" + f.place().eventString() + "]")
	}
	b.WriteString("." + f.Kind)
	if arg := f.argument(); arg != "" {
		b.WriteString("(" + arg + ")")
	}
	return b.String()
}

func (f Fault) place() Place { return Place{f.Seam, f.Event, f.N, f.Later} }

func (f Fault) argument() string {
	switch f.argumentSort() {
	case argDuration:
		return durationString(f.Duration)
	case argByte:
		return "byte=" + strconv.Itoa(f.Number)
	case argLength, argKeep:
		return strconv.Itoa(f.Number)
	case argPoint:
		if f.Duration != crashRestart {
			return f.Point + "," + durationString(f.Duration)
		}
		return f.Point
	case argCode:
		return f.Code
	case argImage:
		if f.Number > 0 {
			return f.Image + "," + strconv.Itoa(f.Number)
		}
		return f.Image
	case argJump:
		return durationString(f.Duration)
	case argCardAnswer, argStatus:
		if f.Code != "" {
			return f.Code
		}
		return strings.ToUpper(hex.EncodeToString(f.Hex))
	}
	return ""
}

func (f Fault) argumentSort() argumentSort {
	if rows, err := rowsAt(f.place(), f.Event != ""); err == nil {
		for _, k := range rows.kinds {
			if k.name == f.Kind {
				return k.arg
			}
		}
	}
	return argNone
}

// specError is an error about the part of a spec from offset on, width bytes long.
type specError struct {
	offset, width int
	msg           string
}

func (e *specError) Error() string { return e.msg }

func specErrorf(offset, width int, format string, args ...any) *specError {
	return &specError{offset, max(width, 1), fmt.Sprintf(format, args...)}
}

func parseFault(spec string) (Fault, error) {
	if len(spec) > maxSpec {
		return Fault{}, specErrorf(0, len(spec), "longer than %d characters", maxSpec)
	}
	place, rest, err := parsePlace(spec)
	if err != nil {
		return Fault{}, err
	}
	hasEvent := rest > len(place.Seam)
	row, err := rowsAt(place, hasEvent)
	if err != nil {
		return Fault{}, err
	}
	if rest == len(spec) || spec[rest] != '.' {
		return Fault{}, specErrorf(rest, 1, "want a dot and a kind after %s: %s", spec[:rest], kindNames(row.kinds))
	}
	rest++
	name, arg, hasArg := spec[rest:], "", false
	argAt := len(spec)
	if i := strings.IndexByte(name, '('); i >= 0 {
		if !strings.HasSuffix(name, ")") {
			return Fault{}, specErrorf(len(spec), 1, "want ) at the end")
		}
		argAt = rest + i + 1
		name, arg, hasArg = name[:i], spec[argAt:len(spec)-1], true
	}
	if row.sort == eventMessage && strings.HasPrefix(name, "wrong-") && !answered(place.Event) {
		return Fault{}, specErrorf(rest, len(name), "no answer leaves for %s here: want a request, 0110, 0210 or 0230", place.Event)
	}
	if row.sort == eventMessage && name == "wrong-arpc" && !proven(place.Event) {
		return Fault{}, specErrorf(rest, len(name), "no ARPC is in the answer that leaves for %s: want 0100, 0200, 0201, 0110 or 0210", place.Event)
	}
	for _, k := range row.kinds {
		if k.name != name {
			continue
		}
		f := Fault{Spec: spec, Seam: place.Seam, Event: place.Event, N: place.N, Later: place.Later, Kind: name}
		if msg := f.setArgument(k.arg, arg, hasArg); msg != "" {
			if !hasArg {
				return Fault{}, specErrorf(rest, len(name), "%s", msg)
			}
			return Fault{}, specErrorf(argAt, len(arg), "%s", msg)
		}
		return f, nil
	}
	if events := eventsOf(place.Seam); !hasEvent && len(events) > 0 {
		return Fault{}, needsEvent(place.Seam, events)
	}
	return Fault{}, specErrorf(rest, len(name), "unknown kind %q at %s: want %s", shorten(name), spec[:rest-1], kindNames(row.kinds))
}

// setArgument reads the argument into f; the answer is what was wrong with it, or empty.
func (f *Fault) setArgument(sort argumentSort, arg string, given bool) string {
	switch {
	case sort == argReal:
		return f.Kind + " is of real time: no fault of virtual time can play it"
	case sort == argNone && given:
		return f.Kind + " takes no argument"
	}
	ok := true
	switch sort {
	case argDuration:
		f.Duration, ok = parseDelay(arg)
		if !ok {
			return fmt.Sprintf("want %s(T), T a duration from 0s to 24h such as 65s", f.Kind)
		}
	case argByte:
		number, found := strings.CutPrefix(arg, "byte=")
		f.Number, ok = parseNumber(number, 0, maxLength-1)
		if !found || !ok {
			return fmt.Sprintf("want %s(byte=K), K from 0 to %d", f.Kind, maxLength-1)
		}
	case argKeep, argLength:
		low := 0
		if sort == argLength {
			low = 1
		}
		f.Number, ok = parseNumber(arg, low, maxLength)
		if !ok {
			return fmt.Sprintf("want %s(K), K from %d to %d bytes", f.Kind, low, maxLength)
		}
	case argPoint:
		restart, found := "", false
		f.Point, restart, found = strings.Cut(arg, ",")
		f.Duration = crashRestart
		if found {
			f.Duration, ok = parseDelay(restart)
		}
		if !ok || f.Point != "before-log" && f.Point != "after-log" {
			return "want crash(before-log) or crash(after-log), with a time until the restart: crash(after-log,30s)"
		}
	case argCode:
		if f.Code = arg; !responseCode(arg) {
			return "want answer(CODE), CODE two characters of DE 39 such as 05"
		}
	case argImage:
		image, place, placed := strings.Cut(arg, ",")
		f.Image = image
		if placed {
			f.Number, ok = parseNumber(place, 1, maxLength)
			ok = ok && (image == "torn" || image == "flipped")
		}
		if !ok || !slices.Contains(images[:], image) {
			return "want power-off(lost), power-off(kept), power-off(torn) or power-off(flipped) at a write, the last two with a byte counted from 1 if need be: power-off(torn,17)"
		}
	case argJump:
		if d, err := time.ParseDuration(arg); err != nil || d == 0 || d < -maxJump || d > maxJump {
			return fmt.Sprintf("want %s(T), T a duration up to %dh back or forth such as -2h", f.Kind, maxJump/time.Hour)
		} else {
			f.Duration = d
		}
	case argCardAnswer:
		if arg == "AAC" || arg == "ARQC" || arg == "TC" {
			if f.Code = arg; f.Event != "GENERATE AC" {
				return fmt.Sprintf("answer(%s) is for card[GENERATE AC]", arg)
			}
			return ""
		}
		f.Hex, ok = parseHex(arg, 2, maxResponse)
		if !ok {
			return fmt.Sprintf("want answer(HEX), 2 to %d bytes with the status word, or AAC, ARQC or TC", maxResponse)
		}
	case argStatus:
		f.Hex, ok = parseHex(arg, 2, 2)
		if !ok {
			return "want sw(HEX), a status word of two bytes such as 6985"
		}
	}
	return ""
}

// answered tells whether a host sends an answer on account of that message: its own, or the one that it passes on.
func answered(mti string) bool { return mti != "0410" && mti != "0430" && mti != "0810" }

// proven tells whether the answer that leaves on account of that message may have an ARPC in it: only a card that asked waits
// for one.
func proven(mti string) bool {
	switch mti {
	case "0100", "0200", "0201", "0110", "0210":
		return true
	}
	return false
}

// images are what a power cut can leave of a write.
var images = [...]string{"lost", "kept", "torn", "flipped"}

func kindNames(kinds []faultKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}

func parseDelay(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= maxDelay
}

// durationString is d as people write it: 2m, not 2m0s. A fraction of a second stays as time.Duration writes it.
func durationString(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func parseNumber(s string, low, high int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && digits(s) && n >= low && n <= high && strconv.Itoa(n) == s
}

func parseHex(s string, low, high int) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) >= low && len(b) <= high
}

// responseCode tells whether s can stand in DE 39: two letters or digits.
func responseCode(s string) bool {
	if len(s) != 2 {
		return false
	}
	for i := range 2 {
		if !(s[i] >= '0' && s[i] <= '9' || s[i] >= 'A' && s[i] <= 'Z') {
			return false
		}
	}
	return true
}

// shorten keeps what an error quotes from a file to one line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
