package reader

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/sim"
)

// TestT1Host: what the driver answers to each block of a card (ISO/IEC 7816-3, 11.6; EMV 4.4 Book 1, 9.2.5). Blocks stand
// without their LRC; "*" spoils it, "-" is silence, "..." goes back to the driver's second block, for ever.
func TestT1Host(t *testing.T) {
	const command = "00B2010C00" // the first I-block is 00 00 05 and this
	const i0 = "000005" + command
	for _, tt := range []struct {
		name   string
		ifsc   byte     // 0: FE
		blocks []string // what the driver says, what the card says, in turn
		want   string   // answer
		err    error
		text   string
		most   int // blocks at most
	}{
		{name: "an answer", blocks: []string{i0, "0000029000"}, want: "9000"},
		{name: "a chained answer", blocks: []string{i0, "00200170", "009000", "0060020100", "008000", "0000029000"}, want: "7001009000"},
		{name: "an empty link of a chain", blocks: []string{i0, "002000", "009000", "0040029000"}, want: "9000"},
		{name: "EDC error", blocks: []string{i0, "0000029000*", "008100", "0000029000"}, want: "9000"},
		{name: "wrong N(S)", blocks: []string{i0, "0040029000", "008200", "0000029000"}, want: "9000"},
		{name: "unknown PCB", blocks: []string{i0, "00C400", "008200", "0000029000"}, want: "9000"},
		{name: "silence once", blocks: []string{i0, "-", "008200", "0000029000"}, want: "9000"},
		{name: "silence for ever", blocks: []string{i0, "-", "008200", "-", "008200", "-"}, err: apdu.ErrMute},
		{name: "the card did not get the command", blocks: []string{i0, "008100", i0, "008200", i0, "0000029000"}, want: "9000"},
		{name: "the card never gets the command", blocks: []string{i0, "008100", i0, "008100", i0, "008100", "00C000", "00E000"}, err: apdu.ErrProtocol, text: "R-block 81"},
		{name: "the card asks for what comes next", blocks: []string{i0, "009000", "008200", "0000029000"}, want: "9000"},
		{name: "our R was lost: again", blocks: []string{i0, "00200170", "009000", "009200", "009000", "0040029000"}, want: "709000"},
		{name: "waiting time", blocks: []string{i0, "00C30102", "00E30102", "0000029000"}, want: "9000"},
		{name: "waiting time without end", blocks: []string{i0, "00C30101", "00E30101", "00C30101", "..."}, err: apdu.ErrMute, text: "expected at most 1m0s", most: 40},
		{name: "a long waiting time", blocks: []string{i0, "00C301FF"}, err: apdu.ErrMute, text: "the card asked for 6m47"},
		{name: "the card changes its IFS", blocks: []string{i0, "00C10110", "00E10110", "0000029000"}, want: "9000"},
		{name: "the card changes its IFS without end", blocks: []string{i0, "00C10110", "00E10110", "00C10110", "..."}, err: apdu.ErrProtocol, text: "no end after 1100 blocks", most: maxBlocks},
		{name: "an endless answer", blocks: []string{i0, "002003AABBCC", "009000", "006003AABBCC", "008000", "002003AABBCC", "..."}, err: apdu.ErrProtocol, text: "more than 258 bytes", most: 90},
		{name: "an endless answer of nothing", blocks: []string{i0, "002000", "009000", "006000", "008000", "002000", "..."}, err: apdu.ErrProtocol, text: "no end", most: maxBlocks},
		{name: "an answer without a status word", blocks: []string{i0, "00000190"}, err: apdu.ErrProtocol, text: "answer of 1 bytes, expected a status word"},
		{name: "abort", blocks: []string{i0, "00200170", "009000", "00C200", "00E200", "009000"}, err: apdu.ErrProtocol, text: "aborted"},
		{name: "the card asks for resynchronisation, which is ours", blocks: []string{i0, "00C000", "008200", "0000029000"}, want: "9000"},
		{name: "I-blocks spoilt, resynchronisation answered: the command does not run again", err: apdu.ErrProtocol,
			blocks: []string{i0, "0000029000*", "008100", "0000029000*", "008100", "0000029000*", "00C000", "00E000"}},
		{name: "I-blocks spoilt, resynchronisation spoilt", err: apdu.ErrProtocol, text: "no S(RESYNCH response) in 3 tries",
			blocks: []string{i0, "0000029000*", "008100", "0000029000*", "008100", "0000029000*", "00C000", "00E000*", "00C000", "-", "00C000", "0000029000"}},
		{name: "our chain", ifsc: 0x10, blocks: []string{"0020100020008010000102030405060708090A", "009000", "0040050B0C0D0E0F", "0000026300"}, want: "6300"},
		{name: "our chain, a link spoilt", ifsc: 0x10, blocks: []string{"0020100020008010000102030405060708090A", "008100", "0020100020008010000102030405060708090A", "009000", "0040050B0C0D0E0F", "009100", "0040050B0C0D0E0F", "0000026300"}, want: "6300"},
		{name: "the card shortens our chain", ifsc: 0x10, blocks: []string{"0020100020008010000102030405060708090A", "00C10102", "00E10102", "009000", "0060020B0C", "008000", "0020020D0E", "009000", "0040010F", "0000026300"}, want: "6300"},
		{name: "one error in each of many blocks", blocks: []string{i0, "00200170*", "008100", "00200170", "009000", "00600102*", "009100", "00600102", "008000", "00200141*", "008100", "00200141", "009000", "0040029000*", "009100", "0040029000"}, want: "7002419000"},
		{name: "the card answers in the middle of our chain", ifsc: 0x10, blocks: []string{"0020100020008010000102030405060708090A", "0000029000", "008200", "009000", "0040050B0C0D0E0F", "0000026300"}, want: "6300"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			atr := unhex(t, atrT1)
			say := command
			if tt.ifsc != 0 {
				atr[6] = tt.ifsc
				atr[len(atr)-1] = xor(atr[1 : len(atr)-1])
				say = "0020008010000102030405060708090A0B0C0D0E0F"
			}
			at := 0
			var heard []string
			card := &blockReader{t: t, atr: atr, answer: func(p []byte) []byte {
				if len(p) > 1 && p[1] == pcbIFS && len(heard) == 0 { // before the first command
					return block{pcbIFS | sResponse, p[3:4]}.append(nil)
				}
				got := strings.ToUpper(hexOf(p[:len(p)-1]))
				heard = append(heard, got)
				if at >= len(tt.blocks) {
					t.Errorf("block %d: the driver said %s, expected nothing more", at/2, got)
					return nil
				}
				if tt.blocks[at] == "..." {
					at = 2
				}
				if got != tt.blocks[at] {
					t.Errorf("block %d: the driver said %s, expected %s", at/2, got, tt.blocks[at])
				}
				reply := tt.blocks[at+1]
				at += 2
				if reply == "-" {
					return nil
				}
				b := unhex(t, strings.TrimSuffix(reply, "*"))
				b = append(b, xor(b))
				if strings.HasSuffix(reply, "*") {
					b[len(b)-1] ^= 0x55
				}
				return b
			}}
			w := newWorld(t)
			w.run(5*time.Minute, func(line Line) { card.line = line; line.Receive(card.receive) }, func(c sim.Clock, line Line) {
				r, err := Open(c, line, Config{})
				if err == nil {
					_, err = r.PowerOn()
				}
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := r.Transmit(unhex(t, say))
				if got := strings.ToUpper(hexOf(answer)); got != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
					t.Errorf("answer %s, %v; expected %s, %v", got, err, tt.want, tt.err)
				}
				if err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %q, expected %q in it", err, tt.text)
				}
			})
			switch {
			case tt.most == 0 && at != len(tt.blocks):
				t.Errorf("%d of %d blocks: %s", at, len(tt.blocks), heard)
			case tt.most != 0 && len(heard) > tt.most:
				t.Errorf("%d blocks, expected at most %d", len(heard), tt.most)
			}
		})
	}
}
