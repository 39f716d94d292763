package reader

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

type transcript struct {
	ID         string
	Transcript []struct{ Dir, Hex string }
}

func transcripts(t testing.TB) []transcript {
	var file struct{ Vectors []transcript }
	vectors(t, "gempctwin_ccid_serial.json", &file)
	if len(file.Vectors) != 7 {
		t.Fatalf("%d transcripts, expected 7", len(file.Vectors))
	}
	return file.Vectors
}

// TestEmulatorAnswersAsCaptured replays what a public driver said to a reader and compares every byte of the answers.
func TestEmulatorAnswersAsCaptured(t *testing.T) {
	behaviour := map[string]struct {
		atr string
		cfg EmulatorConfig
	}{
		"gempctwin-open-poweron-t0-select": {atrT0, EmulatorConfig{Processing: 800 * time.Millisecond}}, // one time request
		"gempctwin-t1-none":                {atrT1, EmulatorConfig{}},
		"gempctwin-t1-chain":               {atrT1, EmulatorConfig{BlockSize: 16}},
		"gempctwin-t1-badlrc":              {atrT1, EmulatorConfig{Fault: nth("SELECT", 1, Fault{Kind: FaultBadLRC})}},
		"gempctwin-t1-wtx":                 {atrT1, EmulatorConfig{Processing: 3800 * time.Millisecond}}, // twice the BWT of 1.6 s after half of one
	}
	replayed := 0
	for _, v := range transcripts(t) {
		b, ok := behaviour[v.ID]
		if !ok {
			continue
		}
		replayed++
		t.Run(v.ID, func(t *testing.T) {
			w := newWorld(t)
			w.host.PowerOn(nil)
			line, far := Pipe(w.host, w.far, "host", "reader", 0)
			var got []byte
			line.Receive(func(p []byte, err error) { got = append(got, p...) })
			NewEmulator(w.far, far, newCard(t, b.atr), b.cfg)
			say := func(p []byte) {
				line.Write(p)
				for n := 0; w.w.Step(); n++ {
					if n > 1000 {
						t.Fatal("no end of events")
					}
				}
			}
			if v.Transcript[0].Dir == "reader->host" { // it begins after this command
				frame := unhex(t, v.Transcript[0].Hex)
				say(appendFrame(nil, &message{kind: typeIccPowerOn, seq: frame[8], specific: [3]byte{1}}))
				got = got[13:] // the echo is not in the transcript
			}
			for i, line := range v.Transcript {
				p := unhex(t, line.Hex)
				if line.Dir == "host->reader" {
					if len(got) > 0 {
						t.Fatalf("line %d: reader said more: % X", i, got)
					}
					say(p)
					continue
				}
				if !bytes.HasPrefix(got, p) {
					t.Fatalf("line %d: reader said\n% X, expected\n% X", i, got, p)
				}
				got = got[len(p):]
			}
			if len(got) > 0 {
				t.Fatalf("reader said more: % X", got)
			}
		})
	}
	if replayed != len(behaviour) {
		t.Fatalf("%d transcripts replayed, expected %d", replayed, len(behaviour))
	}
}

// raw is a host that says frames and reads messages, without a driver.
type raw struct {
	t       *testing.T
	w       *world
	line    Line
	e       *Emulator
	decoder frameDecoder
	heard   []string // answers as "type status error data", "nak", "event 03", "time"
}

func newRaw(t *testing.T, card EmulatedCard, cfg EmulatorConfig) *raw {
	r := &raw{t: t, w: newWorld(t)}
	r.w.host.PowerOn(nil)
	line, far := Pipe(r.w.host, r.w.far, "host", "reader", 0)
	r.line = line
	line.Receive(r.receive)
	r.e = NewEmulator(r.w.far, far, card, cfg)
	return r
}

func (r *raw) receive(p []byte, err error) {
	if err != nil {
		r.heard = append(r.heard, "gone")
	}
	for len(p) > 0 {
		var kind elementKind
		var b []byte
		switch kind, b, p = r.decoder.take(p); kind {
		case elementFrame:
			if m, err := parseMessage(b); err != nil {
				r.t.Fatal(err)
			} else if !m.kind.fromHost() {
				r.heard = append(r.heard, strings.TrimSpace(strings.ToUpper(hex.EncodeToString([]byte{byte(m.kind)})+" "+hex.EncodeToString(m.specific[:2])+" "+hex.EncodeToString(m.data))))
			}
		case elementNAK:
			r.heard = append(r.heard, "nak")
		case elementEvent:
			r.heard = append(r.heard, "event "+hex.EncodeToString(b))
		case elementTimeRequest:
			r.heard = append(r.heard, "time")
		case elementBad:
			r.heard = append(r.heard, "bad")
		}
	}
}

// say sends bytes and gives what was heard until nothing more happens for limit.
func (r *raw) say(limit time.Duration, p []byte) string {
	r.heard = nil
	if len(p) > 0 {
		r.line.Write(p)
	}
	r.w.w.Until(limit, 100_000, func() bool { return false })
	return strings.Join(r.heard, ", ")
}

func (r *raw) command(kind messageType, specific byte, data string) []byte {
	return appendFrame(nil, &message{kind: kind, specific: [3]byte{specific}, data: unhex(r.t, data)})
}

func TestEmulatorCommands(t *testing.T) {
	type step struct {
		name string
		say  func(r *raw) []byte
		want string
	}
	c := func(kind messageType, specific byte, data string) func(r *raw) []byte {
		return func(r *raw) []byte { return r.command(kind, specific, data) }
	}
	bytesOf := func(s string) func(r *raw) []byte { return func(r *raw) []byte { return unhex(r.t, s) } }
	atr0 := strings.ReplaceAll(atrT0, " ", "")
	tests := []struct {
		name  string
		empty bool
		steps []step
	}{
		{"an empty slot says absent", true, []step{
			{"status", c(typeGetSlotStatus, 0, ""), "81 0200"},
			{"power on", c(typeIccPowerOn, 1, ""), "80 42FE"},
			{"block", c(typeXfrBlock, 0, "00A40000"), "80 42FE"},
		}},
		{"a card without power does not answer blocks", false, []step{
			{"block", c(typeXfrBlock, 0, "00A40000"), "80 41FE"},
			{"power on", c(typeIccPowerOn, 1, ""), "80 0000 " + atr0},
			{"status", c(typeGetSlotStatus, 0, ""), "81 0000"},
			{"off", c(typeIccPowerOff, 0, ""), "81 0100"},
			{"block", c(typeXfrBlock, 0, "00A40000"), "80 41FE"},
		}},
		{"parameters are kept and given back", false, []step{
			{"power on", c(typeIccPowerOn, 1, ""), "80 0000 " + atr0},
			{"get", c(typeGetParameters, 0, ""), "82 0000 1100000A00"},
			{"set", c(typeSetParameters, 0, "1100FF0A00"), "82 0000 1100FF0A00"},
			{"get", c(typeGetParameters, 0, ""), "82 0000 1100FF0A00"},
			{"too short", c(typeSetParameters, 0, "11"), "82 4001"},
			{"protocol 2", c(typeSetParameters, 2, "11"), "82 4007"},
		}},
		{"what is unknown is refused", false, []step{
			{"secure", c(0x69, 0, ""), "81 4100"},
			{"slot 1", func(r *raw) []byte { return appendFrame(nil, &message{kind: typeGetSlotStatus, slot: 1}) }, "81 4105"},
			{"status with data", c(typeGetSlotStatus, 0, "00"), "81 4101"},
			{"abort", c(typeAbort, 0, ""), "81 0100"},
		}},
		{"a damaged frame is refused, and the last answer given again on request", false, []step{
			{"bad LRC", bytesOf("03 06 65 00 00 00 00 00 02 00 00 00 63"), "nak"},
			{"impossible length", bytesOf("03 06 6F FF FF FF FF 00 02 00 00 00"), "nak"},
			{"torn frame", bytesOf("03 06 65 00"), "nak"},
			{"status", c(typeGetSlotStatus, 0, ""), "81 0100"},
			{"again", bytesOf("03 15 16"), "81 0100"},
			{"garbage", bytesOf("00 11 22"), ""},
		}},
		{"T=0: a wrong length is corrected, an answer fetched once", false, []step{
			{"power on", c(typeIccPowerOn, 1, ""), "80 0000 " + atr0},
			{"nothing to fetch", c(typeXfrBlock, 0, "00C0000000"), "80 0000 6985"},
			{"select", c(typeXfrBlock, 0, ppse[:len(ppse)-2]), "80 0000 6125"},
			{"too much", c(typeXfrBlock, 0, "00C0000026"), "80 0000 6C25"},
			{"a part", c(typeXfrBlock, 0, "00C0000002"), "80 0000 6F236123"},
			{"the rest", c(typeXfrBlock, 0, "00C0000023"), "80 0000 " + fci[4:] + "9000"},
			{"gone", c(typeXfrBlock, 0, "00C0000023"), "80 0000 6985"},
			{"record", c(typeXfrBlock, 0, "00B2010C00"), "80 0000 6C03"},
			{"record", c(typeXfrBlock, 0, "00B2010C03"), "80 0000 7001009000"},
			{"record", c(typeXfrBlock, 0, "00B2010C00"), "80 0000 6C03"},
			{"not by GET RESPONSE", c(typeXfrBlock, 0, "00C0000003"), "80 0000 6985"},
			{"select", c(typeXfrBlock, 0, ppse[:len(ppse)-2]), "80 0000 6125"},
			{"another command", c(typeXfrBlock, 0, "00FF000000"), "80 0000 6D00"},
			{"the answer is forgotten", c(typeXfrBlock, 0, "00C0000025"), "80 0000 6985"},
			{"short", c(typeXfrBlock, 0, "00A4"), "80 4001"},
			{"length", c(typeXfrBlock, 0, "00A4040005AA"), "80 4001"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := newCard(t, atrT0)
			card.answers["00B2010C00"] = "700100" + "9000"
			r := newRaw(t, card, EmulatorConfig{})
			if tt.empty {
				r = newRaw(t, nil, EmulatorConfig{})
			}
			for _, s := range tt.steps {
				if got := r.say(5*time.Second, s.say(r)); got != s.want {
					t.Fatalf("%s: heard %q, expected %q", s.name, got, s.want)
				}
			}
		})
	}
}

func TestEmulatorTellsOfCardsOnceAsked(t *testing.T) {
	r := newRaw(t, nil, EmulatorConfig{})
	r.e.Insert(newCard(t, atrT0))
	if got := r.say(time.Second, nil); got != "" {
		t.Errorf("before it was asked: %q", got)
	}
	if got := r.say(time.Second, r.command(typeEscape, 0, "010101")); got != "83 0100" {
		t.Errorf("notifications on: %q", got)
	}
	r.e.Remove()
	if got := r.say(time.Second, nil); got != "event 02" {
		t.Errorf("removal: %q", got)
	}
	r.e.Insert(newCard(t, atrT0))
	if got := r.say(time.Second, nil); got != "event 03" {
		t.Errorf("insertion: %q", got)
	}
	r.e.unplug()
	if got := r.say(time.Second, nil); got != "gone" {
		t.Errorf("unplugged: %q", got)
	}
}

func TestEmulatorWorksOnOneBlockAtATime(t *testing.T) {
	card := newCard(t, atrT0)
	r := newRaw(t, card, EmulatorConfig{Processing: 10 * time.Second})
	r.say(time.Second, r.command(typeIccPowerOn, 1, ""))
	if got := r.say(600*time.Millisecond, r.command(typeXfrBlock, 0, ppse)); got != "time" {
		t.Errorf("working: %q", got)
	}
	if got := r.say(0, r.command(typeXfrBlock, 0, ppse)); got != "80 40E0" {
		t.Errorf("while it works: %q", got)
	}
	if got := r.say(20*time.Second, r.command(typeIccPowerOff, 0, "")); got != "81 0100" {
		t.Errorf("power off ends the work: %q", got)
	}
	if card.ran != 1 {
		t.Errorf("card ran %d commands, expected 1", card.ran)
	}
}

func TestEmulatorT1Card(t *testing.T) {
	r := newRaw(t, newCard(t, atrT1), EmulatorConfig{BlockSize: 32})
	block := func(hex string) string {
		b := unhex(t, hex)
		b = append(b, xor(b))
		return r.say(10*time.Second, appendFrame(nil, &message{kind: typeXfrBlock, data: b}))
	}
	answer := func(hex string) string {
		b := unhex(t, hex)
		return strings.TrimSpace("80 0000 " + strings.ToUpper(hexOf(append(b, xor(b)))))
	}
	r.say(time.Second, r.command(typeIccPowerOn, 1, ""))
	steps := []struct{ name, say, want string }{
		{"R before anything", "008000", "008200"},
		{"IFS", "00C101FE", "00E101FE"},
		{"wrong sequence", "00400400A40000", "008200"},
		{"bad NAD", "12000400A40000", "008200"},
		{"WTX response nobody asked for", "00E30101", "008200"},
		{"resynch response", "00E000", "008200"},
		{"chain, first block", "002004" + ppse[:8], "009000"},
		{"asked for the R again", "008000", "009000"},
		{"chain, last block: the answer begins", "004010" + ppse[8:], "002020" + fci[:64]},
		{"the piece once more", "008000", "002020" + fci[:64]},
		{"the next", "009000", "004007" + fci[64:] + "9000"},
		{"an unknown command", "00000400FF0000", "0000026D00"},
		{"too short for a command", "0040020000", "0040026700"},
		{"abort", "00C200", "00E200"},
		{"resynch", "00C000", "00E000"},
		{"from the start", "00000400FF0000", "0000026D00"},
		{"longer than any command", "0060FE" + strings.Repeat("AA", 254), "008000"},
		{"longer than any command, the rest", "002008" + strings.Repeat("AA", 8), "008200"},
		{"a chain of nothing", "002000", "008200"},
	}
	for _, s := range steps {
		if got, want := block(s.say), answer(s.want); got != want {
			t.Fatalf("%s: heard %q, expected %q", s.name, got, want)
		}
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// TestFloodsEnd: a flood that nobody stops is over in a few minutes.
func TestFloodsEnd(t *testing.T) {
	for _, kind := range []FaultKind{FaultWTXFlood, FaultNullFlood} {
		r := newRaw(t, newCard(t, atrT0), EmulatorConfig{Fault: nth(EventFrame, 1, Fault{Kind: kind})})
		r.say(time.Hour, r.command(typeGetSlotStatus, 0, ""))
		if len(r.heard) != maxFlood {
			t.Errorf("%s: %d heard, expected %d", kind, len(r.heard), maxFlood)
		}
		if got := r.say(time.Second, r.command(typeGetSlotStatus, 0, "")); got != "81 0100" {
			t.Errorf("%s, afterwards: %q", kind, got)
		}
	}
}

func TestEmulatorEndsTheWorkOfACardThatGoes(t *testing.T) {
	for _, p := range protocols {
		r := newRaw(t, newCard(t, p.atr), EmulatorConfig{Processing: time.Second})
		r.say(time.Second, r.command(typeEscape, 0, "010101"))
		r.say(time.Second, r.command(typeIccPowerOn, 1, ""))
		block := ppse
		if p.name == "T=1" {
			block = "000014" + ppse + "DE"
		}
		r.say(100*time.Millisecond, r.command(typeXfrBlock, 0, block))
		r.e.Remove()
		if got := r.say(10*time.Second, nil); got != "event 02, 80 42FE" {
			t.Errorf("%s: %q", p.name, got)
		}
	}
}
