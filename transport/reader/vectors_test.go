package reader

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// TestCapturedFramesDecode: every frame of the captures is read, and written again byte for byte, whatever the pieces in
// which it arrives.
func TestCapturedFramesDecode(t *testing.T) {
	for _, v := range transcripts(t) {
		for _, line := range v.Transcript {
			p := unhex(t, line.Hex)
			for _, size := range []int{len(p), 1, 5} {
				var d frameDecoder
				var kinds []elementKind
				var frame []byte
				for rest := p; len(rest) > 0; {
					piece := rest[:min(size, len(rest))]
					rest = rest[len(piece):]
					for len(piece) > 0 {
						var kind elementKind
						var b []byte
						if kind, b, piece = d.take(piece); kind == elementFrame {
							m, err := parseMessage(b)
							if err != nil {
								t.Fatal(err)
							}
							frame = appendFrame(nil, &m)
						}
						if kind != elementNone {
							kinds = append(kinds, kind)
						}
					}
				}
				want := elementFrame
				switch line.Hex {
				case "80":
					want = elementTimeRequest
				case "03 15 16":
					want = elementNAK
				case "50 02", "50 03":
					want = elementEvent
				}
				if len(kinds) != 1 || kinds[0] != want || d.partial() {
					t.Errorf("%s: %s in pieces of %d: kinds %v, expected %v", v.ID, line.Hex, size, kinds, want)
				}
				if want == elementFrame && !bytes.Equal(frame, p) {
					t.Errorf("%s: % X written as % X", v.ID, p, frame)
				}
			}
		}
	}
}

// TestElements: what is no frame, and where it ends.
func TestElements(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		want      []elementKind
	}{
		{"a slot state that cannot be", "5077", []elementKind{elementGarbage}},
		{"a slot state with other bits", "5004", []elementKind{elementGarbage}},
		{"unchanged slots", "5000 5001", []elementKind{elementEvent, elementEvent}},
		{"NAK with a wrong LRC", "031517", []elementKind{elementGarbage}},
		{"another control byte", "0307", []elementKind{elementGarbage}},
		{"a length beyond the longest", "03068006010000000000000000 50 03", []elementKind{elementBad, elementGarbage, elementEvent}},
		{"the longest", "0306800501000000000000000000", nil},
		{"wrong LRC", "03 06 65 00 00 00 00 00 02 00 00 00 63 80", []elementKind{elementBad, elementTimeRequest}},
		{"what cannot begin anything", "00 7F 04", []elementKind{elementGarbage, elementGarbage, elementGarbage}},
	} {
		var d frameDecoder
		var got []elementKind
		for p := unhex(t, tt.hex); len(p) > 0; {
			var kind elementKind
			if kind, _, p = d.take(p); kind != elementNone {
				got = append(got, kind)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, expected %v", tt.name, got, tt.want)
		}
	}
	for _, b := range []string{"", "650000000000020000", "65010000000002000000", "65FFFFFFFF0002000000", "6500000000000200000000"} {
		if m, err := parseMessage(unhex(t, b)); err == nil {
			t.Errorf("message %s is %+v", b, m)
		}
	}
}

func TestT1BlockVectors(t *testing.T) {
	var file struct {
		Vectors []struct{ ID, Hex, Note string }
	}
	vectors(t, "t1_blocks.json", &file)
	want := map[string]string{ // kind, sequence, more
		"ifs-req-fe": EventSBlock, "ifs-res-fe": EventSBlock, "wtx-req-1": EventSBlock, "wtx-res-1": EventSBlock,
		"resync-req": EventSBlock, "resync-res": EventSBlock, "abort-req": EventSBlock, "abort-res": EventSBlock,
		"r0-ok": EventRBlock + " 0", "r1-ok": EventRBlock + " 1", "r0-edc": EventRBlock + " 0", "r1-other": EventRBlock + " 1",
		"i0": EventIBlock + " 0", "i1-more": EventIBlock + " 1 more",
	}
	if len(file.Vectors) != len(want) {
		t.Fatalf("%d vectors, expected %d", len(file.Vectors), len(want))
	}
	for _, v := range file.Vectors {
		p := unhex(t, v.Hex)
		b, err := parseBlock(p)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		got := b.name()
		if !b.isS() {
			got += string([]byte{' ', '0' + b.sequence()})
		}
		if b.isI() && b.more() {
			got += " more"
		}
		if got != want[v.ID] {
			t.Errorf("%s: %q, expected %q", v.ID, got, want[v.ID])
		}
		if again := b.append(nil); !bytes.Equal(again, p) {
			t.Errorf("%s: written as % X", v.ID, again)
		}
		for i := range p { // one wrong bit anywhere is seen
			spoilt := bytes.Clone(p)
			spoilt[i] ^= 0x01
			if _, err := parseBlock(spoilt); err == nil {
				t.Errorf("%s: a wrong bit at offset %d was not seen", v.ID, i)
			}
		}
	}
	for name, made := range map[string]block{
		"r0-edc": rBlock(0, rEDC), "r1-other": rBlock(1, rOther), "r1-ok": rBlock(1, rOK),
		"i1-more": iBlock(1, true, []byte{0x00, 0xA4}), "resync-req": {pcb: pcbResynch}, "abort-res": {pcb: pcbAbort | sResponse},
		"ifs-req-fe": {pcbIFS, []byte{ifsd}}, "wtx-res-1": {pcbWTX | sResponse, []byte{1}},
	} {
		for _, v := range file.Vectors {
			if v.ID == name && !bytes.Equal(made.append(nil), unhex(t, v.Hex)) {
				t.Errorf("%s made as % X", name, made.append(nil))
			}
		}
	}
}

func TestBlocksThatAreNone(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		edc       bool
	}{
		{"too short", "000000", true},
		{"LEN too long", "00000200AA", true},
		{"LEN too short", "00000000AABB", true},
		{"LRC", "0000010000", true},
		{"NAD", "2100009090", false},
		{"I with reserved bits", "00010001", false},
		{"R with data", "0080010081", false},
		{"R with another error", "00830083", false},
		{"S unknown", "00C400C4", false},
		{"WTX without its byte", "00C300C3", false},
		{"WTX of 0", "00C30100C2", false},
		{"IFS of 0", "00C10100C0", false},
		{"IFS of FF", "00C101FF3F", false},
		{"resynch with data", "00C00100C1", false},
	} {
		b := unhex(t, tt.hex)
		if tt.name == "NAD" {
			b = append([]byte{0x21, 0x00, 0x00}, 0x21)
		}
		_, err := parseBlock(b)
		var wrong *blockError
		if !errors.As(err, &wrong) || wrong.edc != tt.edc {
			t.Errorf("%s: %v, expected edc %v", tt.name, err, tt.edc)
		}
	}
}

// TestT0Vectors plays the T=0 vectors behind a reader: what stands on the wire between reader and card in the vectors
// (header, procedure byte, data) is put into one block here, as a reader at TPDU level does.
func TestT0Vectors(t *testing.T) {
	type exchange struct{ Command, Response string }
	var file struct {
		Vectors []struct {
			ID, Layer, Source string
			Exchanges         []exchange
			ExpectedRAPDU     string `json:"expected_rapdu"`
		}
	}
	vectors(t, "t0_transport.json", &file)
	if len(file.Vectors) != 21 {
		t.Fatalf("%d vectors, expected 21", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			exchanges := v.Exchanges
			tpdu := strings.HasPrefix(v.ID, "tpdu-")
			data := ""
			if !strings.HasSuffix(v.ExpectedRAPDU, "9000") && len(v.ExpectedRAPDU) > 4 {
				data = v.ExpectedRAPDU // the vector leaves the last exchange and its status word out
			}
			// What the application asks for: the first command, with the data it sends and the Le it wants.
			command := exchanges[0].Command
			if tpdu && len(exchanges) > 1 && len(exchanges[0].Response) == 2 {
				command += exchanges[1].Command
			}
			if tpdu {
				switch {
				case strings.Contains(v.ID, "case-1"):
					command = command[:8]
				case strings.Contains(v.ID, "case-4") && len(command) == 10:
					command += "315041592E5359532E444446303100"
				case strings.Contains(v.ID, "case-4"):
					command += "00"
				case strings.Contains(v.ID, "case-3") && len(command) == 10:
					command += "DEADBEEF"
				}
			}
			next := 0
			answer := func(p []byte) string {
				block := strings.ToUpper(hexOf(p))
				if next >= len(exchanges) { // the answer's data, fetched
					if want := "00C00000" + last(exchanges[len(exchanges)-1].Response); block != want {
						t.Errorf("the card heard %s, expected %s", block, want)
					}
					return data + "9000"
				}
				x := exchanges[next]
				next++
				if tpdu {
					if !strings.HasPrefix(block, x.Command) {
						t.Errorf("the card heard %s, expected the header %s", block, x.Command)
					}
					if len(x.Response) == 2 { // a procedure byte: the data go
						if next >= len(exchanges) || block[10:] != exchanges[next].Command {
							t.Errorf("the card heard data %s", block[10:])
							return "6F00"
						}
						x = exchanges[next]
						next++
					}
					return x.Response
				}
				want := x.Command
				switch {
				case len(want) == 8:
					want += "00" // T=0: case 1 gets a P3
				case len(want) > 10 && len(want)/2 == 6+int(unhex(t, want[8:10])[0]):
					want = want[:len(want)-2] // T=0: case 4 loses its Le
				}
				if block != want {
					t.Errorf("the card heard %s, expected %s", block, want)
				}
				return x.Response
			}
			card := &blockReader{t: t, atr: unhex(t, atrT0), answer: func(p []byte) []byte { return unhex(t, answer(p)) }}
			w := newWorld(t)
			w.run(time.Minute, func(line Line) { card.line = line; line.Receive(card.receive) }, func(c sim.Clock, line Line) {
				r, err := Open(c, line, Config{})
				if err == nil {
					_, err = r.PowerOn()
				}
				if err != nil {
					t.Error(err)
					return
				}
				got, err := r.Transmit(unhex(t, command))
				if err != nil {
					t.Error(err)
					return
				}
				want := v.ExpectedRAPDU
				if data != "" {
					want += "9000"
					if strings.HasSuffix(v.ID, "case-4-warning1") {
						want = data + "6286" // the warning stays the status word
					}
				}
				if strings.ToUpper(hexOf(got)) != want {
					t.Errorf("got %X, expected %s", got, want)
				}
			})
			if next < len(exchanges) {
				t.Errorf("%d of %d exchanges", next, len(exchanges))
			}
		})
	}
}

func last(sw string) string { return sw[len(sw)-2:] }

// TestT0AnswersThatAreNone: what T=0 cannot have carried is a protocol error.
func TestT0AnswersThatAreNone(t *testing.T) {
	for _, tt := range []struct{ name, command, answer, err string }{
		{"case 1, no answer", "00A40000", "", "SELECT: 0 bytes, expected a status word"},
		{"case 1, one byte", "00A40000", "90", "SELECT: 1 bytes"},
		{"case 2, more than asked", "00B2010C02", "0102039000", "at most 2 bytes"},
		{"case 2, all that was asked", "00B2010C02", "01029000", ""},
		{"case 3, data", "0020008002AABB", "019000", "at most 0 bytes"},
		{"case 4, data without GET RESPONSE", "00A4040002AABB00", "019000", "at most 0 bytes"},
		{"a NULL is no status word", "00A40000", "6000", "SW1 60"},
		{"SW1 of 5x", "00A40000", "5000", "SW1 50"},
		{"SW1 of Ax", "00A40000", "A000", "SW1 A0"},
		{"SW1 of 9F", "00A40000", "9F10", ""},
	} {
		w := newWorld(t)
		card := &blockReader{t: t, atr: unhex(t, atrT0), answer: func([]byte) []byte { return unhex(t, tt.answer) }}
		w.run(time.Minute, func(line Line) { card.line = line; line.Receive(card.receive) }, func(c sim.Clock, line Line) {
			r, err := Open(c, line, Config{})
			if err == nil {
				_, err = r.PowerOn()
			}
			if err != nil {
				t.Error(err)
				return
			}
			answer, err := tpdu{r}.Transmit(unhex(t, tt.command))
			if tt.err == "" && (err != nil || hexOf(answer) != strings.ToLower(tt.answer)) || tt.err != "" && (!errors.Is(err, apdu.ErrProtocol) || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%s: %X, %v; expected %q", tt.name, answer, err, tt.err)
			}
			if _, err := r.Transmit([]byte{0, 0xA4, 4}); err == nil {
				t.Errorf("%s: half a header was sent", tt.name)
			}
		})
	}
}
