package reader

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("hex %q: %v", s, err)
	}
	return b
}

// vectors reads a file of testdata/vectors/reader.
func vectors(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vectors/reader/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

const (
	atrT0 = "3B650000 63CB680026"
	atrT1 = "3BE50000 8131FE45 706F73696D 86"
	ppse  = "00A404000E325041592E5359532E444446303100"
	fci   = "6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A0000000031010870101"
)

// testCard answers from a table of commands; what is not there is answered by echo, so that any length can be tried.
type testCard struct {
	atr     []byte
	answers map[string]string
	ran     int
	resets  int
	seen    [][]byte
}

func (c *testCard) Reset() []byte { c.resets++; return c.atr }

func (c *testCard) Transmit(command []byte) ([]byte, error) {
	c.ran++
	c.seen = append(c.seen, append([]byte(nil), command...))
	key := strings.ToUpper(hex.EncodeToString(command))
	for k, v := range c.answers {
		if key == k || key+"00" == k { // T=0 takes the Le away
			b, err := hex.DecodeString(v)
			return b, err
		}
	}
	return []byte{0x6D, 0x00}, nil
}

func newCard(t testing.TB, atr string) *testCard {
	return &testCard{atr: unhex(t, atr), answers: map[string]string{ppse: fci + "9000"}}
}

// world is a terminal and a reader with a line between them.
type world struct {
	t          testing.TB
	w          *sim.World
	host, far  *sim.Actor
	hostLine   Line
	readerLine Line
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, w: sim.NewWorld(start, 1)}
	t.Cleanup(w.w.Close)
	w.host, w.far = w.w.Actor("terminal"), w.w.Actor("reader")
	w.far.PowerOn(nil)
	return w
}

// run gives the terminal its power for f, and far the far end of the line, and steps the world until f is through; it
// must be within limit.
func (w *world) run(limit time.Duration, far func(line Line), f func(c sim.Clock, line Line)) {
	w.t.Helper()
	done := false
	w.host.PowerOn(func(c sim.Clock) {
		w.hostLine, w.readerLine = Pipe(w.host, w.far, "terminal.reader", "reader", DefaultBitRate)
		if far != nil {
			far(w.readerLine)
		}
		f(c, w.hostLine)
		done = true
	})
	if !w.w.Until(limit, 1_000_000, func() bool { return done }) {
		w.t.Fatalf("not through after %v of virtual time", limit)
	}
}

// session runs f with a driver and an emulator.
func session(t testing.TB, card EmulatedCard, cfg EmulatorConfig, limit time.Duration, f func(w *world, r *CCID, e *Emulator)) {
	t.Helper()
	w := newWorld(t)
	var e *Emulator
	w.run(limit, func(line Line) { e = NewEmulator(w.far, line, card, cfg) }, func(c sim.Clock, line Line) {
		r, err := Open(c, line, Config{})
		if err != nil {
			t.Errorf("Open: %v", err)
			return
		}
		f(w, r, e)
	})
}

// blockReader is a reader whose card says to each block, or TPDU, what a function says.
type blockReader struct {
	t       *testing.T
	line    Line
	decoder frameDecoder
	atr     []byte
	answer  func(block []byte) []byte // nil: silence, which the reader reports
}

func (r *blockReader) receive(p []byte, err error) {
	for len(p) > 0 {
		var kind elementKind
		var b []byte
		if kind, b, p = r.decoder.take(p); kind != elementFrame {
			continue
		}
		m, err := parseMessage(b)
		if err != nil {
			r.t.Error(err)
			return
		}
		a := message{kind: m.kind.answer(), seq: m.seq}
		switch m.kind {
		case typeIccPowerOn:
			a.data = r.atr
		case typeXfrBlock:
			if a.data = r.answer(m.data); a.data == nil {
				a.specific = [3]byte{commandFailed, errorMute}
			}
		}
		r.line.Write(appendFrame(nil, &a))
	}
}

// nth is a hook that plays fault at the n-th event of that name; 0: at each.
func nth(event string, n int, fault Fault) func(string) (Fault, bool) {
	seen := 0
	return func(e string) (Fault, bool) {
		if e != event {
			return Fault{}, false
		}
		seen++
		return fault, n == 0 || seen == n
	}
}
