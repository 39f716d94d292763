package scenario

import (
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
	tryCard      = [...]time.Duration{12 * time.Second}
	tryJump      = [...]time.Duration{-2 * time.Hour, 26 * time.Hour, -400 * 24 * time.Hour}
	tryCode      = [...]string{"00", "05", "09", "10", "12", "25", "30", "51", "55", "68", "91", "94", "96", "99", "A0"}
	tryStatus    = [...][]byte{{0x69, 0x85}, {0x6A, 0x81}, {0x6A, 0x83}, {0x6F, 0x00}, {0x61, 0x10}, {0x6C, 0x10}}
	tryAnswer    = [...][]byte{{0x90, 0x00}, {0x70, 0xFF, 0x90, 0x00}, {0x77, 0x03, 0x9F, 0x27, 0x01, 0x90, 0x00}}
	tryType      = [...]string{"AAC", "TC", "ARQC"}
)

// faults is every fault of the catalogue that can strike at a happening, once each.
func (h *happening) faults() (all []Fault) {
	if h.Seam == "card" && h.Event != "apdu" && h.Event != "GENERATE AC" {
		return nil // the same command is an apdu, too
	}
	for _, kind := range h.at.kinds {
		f := Fault{Seam: h.Seam, Event: h.Event, N: h.N, Kind: kind}
		switch f.argumentSort() {
		case argDuration:
			for _, d := range h.durations(kind) {
				f.Duration = d
				all = append(all, f)
			}
		case argByte:
			for _, at := range h.parts {
				f.Number = at
				all = append(all, f)
			}
		case argKeep:
			for _, n := range lengths(0, 1, (h.bytes-2)/2, h.bytes-3) { // of the message without its length
				f.Number = n
				all = append(all, f)
			}
		case argLength:
			of := lengths(1, 2, h.bytes/2, h.bytes-1)
			if kind == "slice" {
				of = []int{1}
			}
			for _, n := range of {
				f.Number = n
				all = append(all, f)
			}
		case argPoint:
			f.Point = h.at.point
			for _, d := range tryRestart {
				f.Duration = d
				all = append(all, f)
			}
		case argCode:
			for _, code := range tryCode {
				if lies(h.Event, code) {
					continue
				}
				f.Code = code
				all = append(all, f)
			}
		case argImage:
			for _, image := range images {
				f.Image, f.Number = image, 0
				switch image {
				case "torn": // in the record's header, in its body, before its last byte
					for _, n := range lengths(1, 15, h.bytes/2, h.bytes-1) {
						f.Number = n
						all = append(all, f)
					}
				case "flipped":
					f.Number = max(1, h.bytes/2)
					all = append(all, f)
				default:
					all = append(all, f)
				}
			}
		case argJump:
			for _, d := range tryJump {
				f.Duration = d
				all = append(all, f)
			}
		case argStatus:
			if h.Event != "apdu" {
				continue
			}
			for _, sw := range tryStatus {
				f.Hex = sw
				all = append(all, f)
			}
		case argCardAnswer:
			if h.Event == "GENERATE AC" {
				for _, code := range tryType {
					f.Code = code
					all = append(all, f)
				}
				continue
			}
			for _, answer := range tryAnswer {
				f.Hex = answer
				all = append(all, f)
			}
		default:
			if strings.HasPrefix(kind, "wrong-") && h.at == atMessage && !answered(h.Event) {
				continue
			}
			if kind == "wrong-arpc" && !proven(h.Event) {
				continue
			}
			if h.Seam == "card" && h.Event != "apdu" {
				continue
			}
			all = append(all, f)
		}
	}
	return all
}

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

// both is every fault twice: striking once, and staying from its event on. A clock that has been set wrong stays wrong by
// itself.
func both(once []Fault) (all []Fault) {
	for _, f := range once {
		all = append(all, f)
		if f.Kind == "clock-jump" || f.Kind == "clock-reset" {
			continue
		}
		f.Later = true
		all = append(all, f)
	}
	return all
}
