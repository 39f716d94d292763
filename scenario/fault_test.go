package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/posim/posim/host"
)

func TestParseFault(t *testing.T) {
	for _, c := range []struct {
		spec string
		want Fault
		text string // canonical; empty: as spec
	}{
		{"net.rsp[0210].lose", Fault{Seam: "net.rsp", Event: "0210", N: 1, Kind: "lose"}, ""},
		{"net.rsp[0210#1].lose", Fault{Seam: "net.rsp", Event: "0210", N: 1, Kind: "lose"}, "net.rsp[0210].lose"},
		{"net.req[0400#3].lose", Fault{Seam: "net.req", Event: "0400", N: 3, Kind: "lose"}, ""},
		{"up.req[0420#*].duplicate(0s)", Fault{Seam: "up.req", Event: "0420", N: 0, Kind: "duplicate"}, ""},
		{"net.rsp[0210].delay(65s)", Fault{Seam: "net.rsp", Event: "0210", N: 1, Kind: "delay", Duration: 65 * time.Second}, "net.rsp[0210].delay(1m5s)"},
		{"iss.rsp[0210].delay(120s)", Fault{Seam: "iss.rsp", Event: "0210", N: 1, Kind: "delay", Duration: 2 * time.Minute}, "iss.rsp[0210].delay(2m)"},
		{"net.req[0200].drip(24h)", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "drip", Duration: 24 * time.Hour}, ""},
		{"net.req[0200].cut(17)", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "cut", Number: 17}, ""},
		{"net.req[0200].slice(1)", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "slice", Number: 1}, ""},
		{"net.req[0200].truncate(0)", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "truncate"}, ""},
		{"net.req[0200].corrupt(byte=4)", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "corrupt", Number: 4}, ""},
		{"net.req[0200].merge", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "merge"}, ""},
		{"net.req[0200].reset", Fault{Seam: "net.req", Event: "0200", N: 1, Kind: "reset"}, ""},
		{"net[connect].refuse", Fault{Seam: "net", Event: "connect", N: 1, Kind: "refuse"}, ""},
		{"iss[connect#2].black-hole", Fault{Seam: "iss", Event: "connect", N: 2, Kind: "black-hole"}, ""},
		{"acquirer[0200].crash(before-log)", Fault{Seam: "acquirer", Event: "0200", N: 1, Kind: "crash", Point: "before-log", Duration: time.Second}, ""},
		{"switch[0210].crash(after-log,30s)", Fault{Seam: "switch", Event: "0210", N: 1, Kind: "crash", Point: "after-log", Duration: 30 * time.Second}, ""},
		{"switch[0210].crash(after-log,1s)", Fault{Seam: "switch", Event: "0210", N: 1, Kind: "crash", Point: "after-log", Duration: time.Second}, "switch[0210].crash(after-log)"},
		{"issuer[0200].slow(25s)", Fault{Seam: "issuer", Event: "0200", N: 1, Kind: "slow", Duration: 25 * time.Second}, ""},
		{"issuer[0200].answer(05)", Fault{Seam: "issuer", Event: "0200", N: 1, Kind: "answer", Code: "05"}, ""},
		{"acquirer[0200].answer(A0)", Fault{Seam: "acquirer", Event: "0200", N: 1, Kind: "answer", Code: "A0"}, ""},
		{"acquirer[0200].wrong-mac", Fault{Seam: "acquirer", Event: "0200", N: 1, Kind: "wrong-mac"}, ""},
		{"term[write#7].power-off(torn)", Fault{Seam: "term", Event: "write", N: 7, Kind: "power-off", Image: "torn"}, ""},
		{"term[write#7].power-off(torn,17)", Fault{Seam: "term", Event: "write", N: 7, Kind: "power-off", Image: "torn", Number: 17}, ""},
		{"term[write#1+].power-off(flipped)", Fault{Seam: "term", Event: "write", N: 1, Later: true, Kind: "power-off", Image: "flipped"}, ""},
		{"net.rsp[0210#2+].lose", Fault{Seam: "net.rsp", Event: "0210", N: 2, Later: true, Kind: "lose"}, ""},
		{"term.clock-jump(-2h)", Fault{Seam: "term", N: 1, Kind: "clock-jump", Duration: -2 * time.Hour}, ""},
		{"term[send 0200].clock-reset", Fault{Seam: "term", Event: "send 0200", N: 1, Kind: "clock-reset"}, ""},
		{"hsm.tamper", Fault{Seam: "hsm", N: 1, Kind: "tamper"}, ""},
		{"hsm[use#3].fail", Fault{Seam: "hsm", Event: "use", N: 3, Kind: "fail"}, ""},
		{"issuer[0200].wrong-arpc", Fault{Seam: "issuer", Event: "0200", N: 1, Kind: "wrong-arpc"}, ""},
		{"operator[pin].wrong-pin", Fault{Seam: "operator", Event: "pin", N: 1, Kind: "wrong-pin"}, ""},
		{"term[write].disk-full", Fault{Seam: "term", Event: "write", N: 1, Kind: "disk-full"}, ""},
		{"term[send 0400].power-off", Fault{Seam: "term", Event: "send 0400", N: 1, Kind: "power-off"}, ""},
		{"term[receive 0210#2].power-off", Fault{Seam: "term", Event: "receive 0210", N: 2, Kind: "power-off"}, ""},
		{"term[show].power-off", Fault{Seam: "term", Event: "show", N: 1, Kind: "power-off"}, ""},
		{"term[print].paper-out", Fault{Seam: "term", Event: "print", N: 1, Kind: "paper-out"}, ""},
		{"card[apdu#4].tear", Fault{Seam: "card", Event: "apdu", N: 4, Kind: "tear"}, ""},
		{"card[GENERATE AC#2].answer(AAC)", Fault{Seam: "card", Event: "GENERATE AC", N: 2, Kind: "answer", Code: "AAC"}, ""},
		{"card[PIN CHANGE/UNBLOCK].mute", Fault{Seam: "card", Event: "PIN CHANGE/UNBLOCK", N: 1, Kind: "mute"}, ""},
		{"card[READ RECORD].answer(70009f)", Fault{Seam: "card", Event: "READ RECORD", N: 1, Kind: "answer", Hex: []byte{0x70, 0, 0x9F}}, "card[READ RECORD].answer(70009F)"},
		{"card[GENERATE AC#2].wrong-cryptogram", Fault{Seam: "card", Event: "GENERATE AC", N: 2, Kind: "wrong-cryptogram"}, ""},
		{"card[GENERATE AC].wrong-cid", Fault{Seam: "card", Event: "GENERATE AC", N: 1, Kind: "wrong-cid"}, ""},
		{"card[READ RECORD#3].wrong-length", Fault{Seam: "card", Event: "READ RECORD", N: 3, Kind: "wrong-length"}, ""},
		{"card[SELECT].sw(6A82)", Fault{Seam: "card", Event: "SELECT", N: 1, Kind: "sw", Hex: []byte{0x6A, 0x82}}, ""},
		{"reader[frame].wtx-flood", Fault{Seam: "reader", Event: "frame", N: 1, Kind: "wtx-flood"}, ""},
	} {
		t.Run(c.spec, func(t *testing.T) {
			got, err := ParseFault(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Spec = c.spec
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got)\n", diff)
			}
			if c.text == "" {
				c.text = c.spec
			}
			if got.String() != c.text {
				t.Errorf("writes %q, want %q", got.String(), c.text)
			}
		})
	}
}

const (
	requestList = "0100 0101 0200 0201 0220 0221 0320 0321 0400 0401 0420 0421 0500 0501 0620 0621 0800 0820"
	answerList  = "0110 0210 0230 0330 0410 0430 0510 0630 0810 0830"
	kindList    = "lose, delay, duplicate, corrupt, truncate, cut, slice, merge, drip, reset"
	cutWant     = "want cut(K), K from 1 to 65535 bytes"
	delayWant   = "want delay(T), T a duration from 0s to 24h such as 65s"
	imageWant   = "want power-off(lost), power-off(kept), power-off(torn) or power-off(flipped) at a write, the last two with a byte counted from 1 if need be: power-off(torn,17)"
	jumpWant    = "want clock-jump(T), T a duration up to 878400h back or forth such as -2h"
	crashWant   = "want crash(before-log) or crash(after-log), with a time until the restart: crash(after-log,30s)"
)

func TestParseFaultErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                    `unknown seam "": want net.req, up.req, iss.req, net.rsp, up.rsp, iss.rsp, net, up, iss, acquirer, switch, issuer, term, card, reader, hsm, operator, file, bank, aggregator`,
		"host[0210].crash(before-log)":        `unknown seam "host": want net.req, up.req, iss.req, net.rsp, up.rsp, iss.rsp, net, up, iss, acquirer, switch, issuer, term, card, reader, hsm, operator, file, bank, aggregator`,
		"net.rsp.lose":                        "net.rsp needs an event in brackets: want an answer's message type (" + answerList + ")",
		"net.connect.refuse":                  "net needs an event in brackets: want connect",
		"term.power-off":                      "term needs an event in brackets: want write or send MTI (" + requestList + ") or receive MTI (" + answerList + ") or show or print",
		"net.rsp[0210.lose":                   "want ] after the event",
		"net.rsp[].lose":                      "the event is missing: want SEAM[EVENT#N].KIND(ARG)",
		"net.rsp[0210#0].lose":                "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0210#10001].lose":            "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0210#+1].lose":               "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0210#01].lose":               "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0210#].lose":                 "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0200].lose":                  `unknown event "0200" at net.rsp: want an answer's message type (` + answerList + ")",
		"net.req[0210].lose":                  `unknown event "0210" at net.req: want a request's message type (` + requestList + ")",
		"net.req[0300].lose":                  `unknown event "0300" at net.req: want a request's message type (` + requestList + ")",
		"net[dial].refuse":                    `unknown event "dial" at net: want connect`,
		"term[send].power-off":                `unknown event "send" at term: want write or send MTI (` + requestList + ") or receive MTI (" + answerList + ") or show or print",
		"reader[byte].nak":                    `unknown event "byte" at reader: want frame`,
		"hsm[key].tamper":                     `unknown event "key" at hsm: want use`,
		"net.req[0200#3++].lose":              "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.req[0200#*+].lose":               "want # and a number from 1 to 10000, one and all after it as #2+, or #*",
		"net.rsp[0210]":                       "want a dot and a kind after net.rsp[0210]: " + kindList,
		"net.rsp[0210]lose":                   "want a dot and a kind after net.rsp[0210]: " + kindList,
		"net.rsp[0210].":                      `unknown kind "" at net.rsp[0210]: want ` + kindList,
		"net.rsp[0210].Lose":                  `unknown kind "Lose" at net.rsp[0210]: want ` + kindList,
		"net.rsp[0210].refuse":                `unknown kind "refuse" at net.rsp[0210]: want ` + kindList,
		"net.rsp[0210].lose()":                "lose takes no argument",
		"net.rsp[0210].lose(1)":               "lose takes no argument",
		"net.rsp[0210].delay":                 delayWant,
		"net.rsp[0210].delay()":               delayWant,
		"net.rsp[0210].delay(65)":             delayWant,
		"net.rsp[0210].delay(-1s)":            delayWant,
		"net.rsp[0210].delay(24h1ns)":         delayWant,
		"net.rsp[0210].delay(65s":             "want ) at the end",
		"net.rsp[0210].delay(65s) ":           "want ) at the end",
		"net.req[0200].cut":                   cutWant,
		"net.req[0200].cut(0)":                cutWant,
		"net.req[0200].cut(after=1)":          cutWant,
		"net.req[0200].cut(65536)":            cutWant,
		"net.req[0200].truncate(-1)":          "want truncate(K), K from 0 to 65535 bytes",
		"net.req[0200].corrupt(4)":            "want corrupt(byte=K), K from 0 to 65534",
		"net.req[0200].corrupt(byte=x)":       "want corrupt(byte=K), K from 0 to 65534",
		"issuer[0220].wrong-arpc":             "no ARPC is in the answer that leaves for 0220: want 0100, 0200, 0201, 0110 or 0210",
		"acquirer[0430].wrong-mac":            "no answer leaves for 0430 here: want a request, 0110, 0210 or 0230",
		"acquirer[0200].crash":                crashWant,
		"acquirer[0200].crash(now)":           crashWant,
		"acquirer[0200].crash(after-log,)":    crashWant,
		"acquirer[0200].crash(after-log,-1s)": crashWant,
		"acquirer[0200].answer(5)":            "want answer(CODE), CODE two characters of DE 39 such as 05",
		"acquirer[0200].answer(a0)":           "want answer(CODE), CODE two characters of DE 39 such as 05",
		"term[write].power-off":               imageWant,
		"term[write].power-off(gone)":         imageWant,
		"term[show].power-off(lost)":          "power-off takes no argument",
		"term[show].paper-out":                `unknown kind "paper-out" at term[show]: want power-off, clock-jump, clock-reset`,
		"card[GENERATE AC].answer(ACC)":       "want answer(HEX), 2 to 258 bytes with the status word, or AAC, ARQC or TC",
		"card[SELECT].answer(AAC)":            "answer(AAC) is for card[GENERATE AC]",
		"card[SELECT].answer(90)":             "want answer(HEX), 2 to 258 bytes with the status word, or AAC, ARQC or TC",
		"card[SELECT].sw(6A8)":                "want sw(HEX), a status word of two bytes such as 6985",
		"card[SELECT].sw(6A8200)":             "want sw(HEX), a status word of two bytes such as 6985",
		"net[connect].tls-alert":              "tls-alert is of real time: no fault of virtual time can play it",
		"hsm.tamper(1)":                       "tamper takes no argument",
		"term.clock-jump(0s)":                 jumpWant,
		"term.clock-jump":                     jumpWant,
		"term.clock-jump(1000000h)":           jumpWant,
		"term[write].power-off(torn,0)":       imageWant,
		"term[write].power-off(kept,1)":       imageWant,
	} {
		f, err := ParseFault(spec)
		if err == nil {
			t.Errorf("%q is %+v, want an error", spec, f)
			continue
		}
		if want = `scenario: fault "` + spec + `": ` + want; err.Error() != want {
			t.Errorf("%q:\n got %s\nwant %s", spec, err, want)
		}
	}
	long := "card[SELECT].answer(4761739001010119" + strings.Repeat("0", maxSpec) + ")"
	if _, err := ParseFault(long); err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "4761739001010119") {
		t.Errorf("a long spec with a card number: %v", err)
	}
}

// Every fault that the table allows writes itself and reads back equal.
func TestFaultStringReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SampledFrom(faultTable[:]).Draw(t, "row")
		event := drawEvent(t, row)
		kind := rapid.SampledFrom(kindsAt(row, event)).Draw(t, "kind")
		f := Fault{
			Seam: rapid.SampledFrom(row.seams).Draw(t, "seam"), Event: event,
			N: rapid.IntRange(0, maxEvent).Draw(t, "n"), Kind: kind.name,
		}
		if row.sort == eventNone {
			f.N = 1 // it has no event to count
		}
		f.Later = f.N > 0 && row.sort != eventNone && rapid.Bool().Draw(t, "later")
		delay := time.Duration(rapid.Int64Range(0, int64(maxDelay)).Draw(t, "delay"))
		if rapid.Bool().Draw(t, "whole") {
			delay = delay.Truncate(time.Second)
		}
		switch kind.arg {
		case argDuration:
			f.Duration = delay
		case argByte:
			f.Number = rapid.IntRange(0, maxLength-1).Draw(t, "byte")
		case argLength:
			f.Number = rapid.IntRange(1, maxLength).Draw(t, "length")
		case argKeep:
			f.Number = rapid.IntRange(0, maxLength).Draw(t, "keep")
		case argPoint:
			f.Point, f.Duration = rapid.SampledFrom([]string{"before-log", "after-log"}).Draw(t, "point"), delay
		case argCode:
			f.Code = rapid.StringMatching(`[0-9A-Z]{2}`).Draw(t, "code")
		case argImage:
			f.Image = rapid.SampledFrom(images[:]).Draw(t, "image")
			if f.Image == "torn" || f.Image == "flipped" {
				f.Number = rapid.IntRange(0, maxLength).Draw(t, "at")
			}
		case argJump:
			f.Duration = delay + 1
			if rapid.Bool().Draw(t, "back") {
				f.Duration = -f.Duration
			}
		case argStatus:
			f.Hex = rapid.SliceOfN(rapid.Byte(), 2, 2).Draw(t, "sw")
		case argCardAnswer:
			if f.Event == "GENERATE AC" && rapid.Bool().Draw(t, "cryptogram") {
				f.Code = rapid.SampledFrom([]string{"AAC", "ARQC", "TC"}).Draw(t, "type")
			} else {
				f.Hex = rapid.SliceOfN(rapid.Byte(), 2, maxResponse).Draw(t, "answer")
			}
		}
		f.Spec = f.String()
		got, err := ParseFault(f.Spec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Fatal("(-want +got)\n", diff)
		}
	})
}

// kindsAt are the row's kinds that can be written at an event: an answer can be wrong only where one leaves, and a kind of
// real time is not for virtual time.
func kindsAt(row faultRow, event string) []faultKind {
	return slices.DeleteFunc(slices.Clone(row.kinds), func(k faultKind) bool {
		return k.arg == argReal || row.sort == eventMessage && strings.HasPrefix(k.name, "wrong-") && !answered(event) ||
			k.name == "wrong-arpc" && !proven(event)
	})
}

func drawEvent(t *rapid.T, row faultRow) string {
	switch row.sort {
	case eventRequest:
		return rapid.SampledFrom(requestTypes[:]).Draw(t, "mti")
	case eventAnswer:
		return rapid.SampledFrom(answerTypes[:]).Draw(t, "mti")
	case eventMessage:
		return rapid.SampledFrom(append(requestTypes[:], answerTypes[:]...)).Draw(t, "mti")
	case eventFile:
		return rapid.SampledFrom(host.FileKinds()).Draw(t, "file")
	case eventWordRequest:
		return row.word + " " + rapid.SampledFrom(requestTypes[:]).Draw(t, "mti")
	case eventWordAnswer:
		return row.word + " " + rapid.SampledFrom(answerTypes[:]).Draw(t, "mti")
	case eventCommand:
		return rapid.SampledFrom(commandNames[:]).Draw(t, "command")
	}
	return row.word
}

// FuzzParseFault holds ParseFault to its word: a fault or an error, and a fault writes itself canonically.
func FuzzParseFault(f *testing.F) {
	for _, spec := range []string{
		"net.rsp[0210#*].delay(1m5s)", "acquirer[0200].crash(after-log,30s)", "card[GENERATE AC#2].answer(AAC)",
		"term[send 0200].power-off", "net.req[0200].corrupt(byte=4)", "card[apdu].sw(6985)", "hsm.tamper", "term.clock-jump(-2h)",
	} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		fault, err := ParseFault(spec)
		if err != nil {
			return
		}
		again, err := ParseFault(fault.String())
		if err != nil {
			t.Fatalf("%q writes %q: %v", spec, fault.String(), err)
		}
		if again.String() != fault.String() {
			t.Fatalf("%q writes %q, then %q", spec, fault.String(), again.String())
		}
		again.Spec = fault.Spec
		if diff := cmp.Diff(fault, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
