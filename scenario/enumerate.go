package scenario

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// What exploration tries of a fault that takes an argument. The durations lie on every side of the timers of the house
// (switch 30 s, acquirer 45 s, terminal 60 s, reversal and repeat 30 s), because it is the order of things that matters.
var (
	tryDelay     = [...]time.Duration{10 * time.Second, 35 * time.Second, 50 * time.Second, 65 * time.Second, 2 * time.Minute}
	tryDuplicate = [...]time.Duration{0, 35 * time.Second, 70 * time.Second}
	tryDrip      = [...]time.Duration{20 * time.Millisecond, time.Second}
	tryRestart   = [...]time.Duration{crashRestart, 90 * time.Second}
	trySlow      = [...]time.Duration{10 * time.Second, 35 * time.Second, 50 * time.Second, 70 * time.Second}
	tryPause     = [...]time.Duration{time.Second, 35 * time.Second}
	tryCard      = [...]time.Duration{12 * time.Second}
	tryJump      = [...]time.Duration{-2 * time.Hour, 26 * time.Hour, -400 * 24 * time.Hour}
	tryCode      = [...]string{"00", "05", "09", "10", "12", "25", "30", "51", "55", "68", "91", "94", "96", "99", "A0"}
	tryStatus    = [...][]byte{{0x69, 0x85}, {0x6A, 0x81}, {0x6A, 0x83}, {0x6F, 0x00}, {0x61, 0x10}, {0x6C, 0x10}}
	tryAnswer    = [...][]byte{{0x90, 0x00}, {0x70, 0xFF, 0x90, 0x00}, {0x77, 0x03, 0x9F, 0x27, 0x01, 0x90, 0x00}}
	tryType      = [...]string{"AAC", "TC", "ARQC"}
)

// Arguments, and kinds, between which whoever they strike does not choose: a decline is a decline, and a frame that is not for the reader
// is sent again. One of each sort is tried at an event, the next one at the next, so that all of them are tried all over a script;
// everything at every event is posim explore --all.
var (
	codeSorts   = [...][]string{{"05", "30", "51", "55"}, {"68", "91", "96"}}
	statusSorts = [...][][]byte{{{0x69, 0x85}, {0x6A, 0x81}, {0x6A, 0x83}, {0x6F, 0x00}}}
	readerSorts = [...][]string{{"nak", "bad-lrc", "wrong-sequence"}, {"wtx-flood", "null-flood"}}
)

// Of a frame a bit is flipped in what it is known by (length, addresses, MTI, bitmap) and in its last part, the MAC if it has one; in
// the others by turns.
const (
	partsAlways  = 4
	partsByTurns = 3
)

// trying is how much is tried at an event.
type trying struct {
	every bool // every argument that there is; false: one of each sort
	turn  int  // which of its sort
}

// turns counts the happenings of each moment, so that each takes the next of what is tried by turns. A command of a card is two of
// them, by its name and as an apdu.
func turns(passed []happening) []int {
	type counted struct {
		at   *moment
		apdu bool
	}
	of := map[counted]int{}
	all := make([]int, len(passed))
	for i := range passed {
		c := counted{passed[i].at, passed[i].Event == "apdu"}
		all[i] = of[c]
		of[c]++
	}
	return all
}

// oneOf leaves of each sort the one whose turn it is.
func oneOf[T any](t trying, all []T, sorts [][]T, equal func(a, b T) bool) (kept []T) {
	if t.every {
		return all
	}
	for _, v := range all {
		out := false
		for _, sort := range sorts {
			if i := slices.IndexFunc(sort, func(w T) bool { return equal(v, w) }); i >= 0 {
				out = i != t.turn%len(sort)
			}
		}
		if !out {
			kept = append(kept, v)
		}
	}
	return kept
}

// someOf is the places of a frame whose turn it is.
func (t trying) someOf(parts []int) []int {
	free := len(parts) - partsAlways - 1
	if t.every || free <= partsByTurns {
		return parts
	}
	kept := slices.Clone(parts[:partsAlways])
	for i := range partsByTurns {
		kept = append(kept, parts[partsAlways+(t.turn+i*free/partsByTurns)%free])
	}
	return append(kept, parts[len(parts)-1])
}

func sameText(a, b string) bool { return a == b }

// faults is every fault of the catalogue that can strike at a happening, once each.
func (h *happening) faults(t trying) (all []Fault) {
	if h.Seam == "card" && h.Event != "apdu" && h.Event != "GENERATE AC" {
		return nil // the same command is an apdu, too
	}
	kinds := h.at.kinds
	if h.at == atReader {
		kinds = oneOf(t, kinds, readerSorts[:], sameText)
	}
	for _, kind := range kinds {
		if kind == "clock-jump" && h.unread || kind == "pull-card" && h.noCard {
			continue // the same run as another: the one of the next event, the one without a fault
		}
		all = append(all, h.variants(Fault{Seam: h.Seam, Event: h.Event, N: h.N, Kind: kind}, t)...)
	}
	return all
}

// variants are f with every argument that is tried at this happening; none if its kind is not tried here.
func (h *happening) variants(f Fault, t trying) []Fault {
	command := h.Seam == "card" && h.Event != "apdu"
	switch f.argumentSort() {
	case argDuration:
		return vary(f, h.durations(f.Kind), setDuration)
	case argByte:
		return vary(f, t.someOf(h.parts), setNumber)
	case argKeep: // of the message without its length
		return vary(f, lengths(0, 1, (h.bytes-2)/2, h.bytes-3), setNumber)
	case argLength:
		if f.Kind == "slice" {
			return vary(f, []int{1}, setNumber)
		}
		return vary(f, lengths(1, 2, h.bytes/2, h.bytes-1), setNumber)
	case argPoint:
		f.Point = h.at.point
		return vary(f, tryRestart[:], setDuration)
	case argCode:
		honest := slices.DeleteFunc(slices.Clone(tryCode[:]), func(code string) bool { return lies(h.Event, code) })
		return vary(f, oneOf(t, honest, codeSorts[:], sameText), setCode)
	case argImage:
		return h.images(f, t)
	case argJump:
		return vary(f, tryJump[:], setDuration)
	case argStatus:
		if !command {
			return vary(f, oneOf(t, tryStatus[:], statusSorts[:], bytes.Equal), setResponse)
		}
	case argCardAnswer:
		if command { // GENERATE AC
			return vary(f, tryType[:], setCode)
		}
		return vary(f, tryAnswer[:], setResponse)
	default:
		unanswered := strings.HasPrefix(f.Kind, "wrong-") && h.at == atMessage && !answered(h.Event)
		unproven := f.Kind == "wrong-arpc" && !proven(h.Event)
		ofCommand := f.Kind == wrongCryptogram || f.Kind == wrongCID
		if command == ofCommand && !unanswered && !unproven {
			return []Fault{f}
		}
	}
	return nil
}

// images are f with every image of the disk that is tried: torn in the record's header, in its body, before its last byte.
func (h *happening) images(f Fault, t trying) (all []Fault) {
	for _, f.Image = range images {
		switch f.Image {
		case "torn":
			places := lengths(1, 15, h.bytes/2, h.bytes-1)
			if !t.every && len(places) > 0 { // a record is whole or it is not there
				places = places[t.turn%len(places):][:1]
			}
			all = append(all, vary(f, places, setNumber)...)
		case "flipped":
			all = append(all, vary(f, []int{max(1, h.bytes/2)}, setNumber)...)
		default:
			all = append(all, f)
		}
	}
	return all
}

// vary is f once with each value that set gives it.
func vary[T any](f Fault, values []T, set func(*Fault, T)) (all []Fault) {
	for _, v := range values {
		set(&f, v)
		all = append(all, f)
	}
	return all
}

// What vary sets.
func setDuration(f *Fault, d time.Duration) { f.Duration = d }
func setNumber(f *Fault, n int)             { f.Number = n }
func setCode(f *Fault, c string)            { f.Code = c }
func setResponse(f *Fault, b []byte)        { f.Hex = b }

// lies tells whether a party that is made to answer so may say what its own books do not: that money moved, that a reversal
// was done, or that it holds a tombstone. No protocol survives a party that lies about its own books; a script may still
// have it.
func lies(mti, code string) bool {
	return code == "00" || code == "25" && dialect.Class(mti) == dialect.ClassReversal
}

func (h *happening) durations(kind string) []time.Duration {
	switch {
	case kind == "duplicate":
		return tryDuplicate[:]
	case kind == "drip":
		return tryDrip[:]
	case h.Seam == "card" && h.Event == "apdu":
		return tryCard[:]
	case h.Seam == "card":
		return nil
	case kind == "pause":
		return tryPause[:]
	case kind == "slow":
		return trySlow[:]
	}
	return tryDelay[:]
}

// lengths are the numbers above 0 among those given, and 0 if it is the first, each once.
func lengths(all ...int) (out []int) {
	for i, n := range all {
		if (n > 0 || i == 0 && n == 0) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// both is every fault twice: striking once, and staying from its event on; of the arguments of one kind, one stays by turns. A clock
// that has been set wrong stays wrong by itself.
func both(once []Fault, t trying) (all []Fault) {
	of, seen := map[string]int{}, map[string]int{}
	for i := range once {
		of[once[i].Kind]++
	}
	for _, f := range once {
		n := seen[f.Kind]
		seen[f.Kind]++
		all = append(all, f)
		if f.Kind == "clock-jump" || f.Kind == "clock-reset" || !t.every && n != t.turn%of[f.Kind] {
			continue
		}
		f.Later = true
		all = append(all, f)
	}
	return all
}
