package reader

import (
	"errors"
	"fmt"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// hostT1 is the terminal's side of T=1 (EMV 4.4 Book 1, 9.2; ISO/IEC 7816-3, 11.6).
type hostT1 struct {
	ns, nr byte // N(S) of the block in hand, N(S) expected
	ifsc   int  // what the card takes in one block
	bwt    time.Duration
	tx     []byte // the block sent last
	info   []byte // the I-block sent last

	recovered bool // the command failed, but both sides are in step again
}

const (
	// ifsd is what we take in one block (EMV 4.4 Book 1, 9.2.4.1: 254).
	ifsd = maxINF
	// maxBlocks bounds one command: 261 bytes out and 258 back, one by one, each asked for once more.
	maxBlocks = 1100
)

func (t *hostT1) begin(atr *ATR) {
	t.ns, t.nr, t.ifsc, t.bwt = 0, 0, atr.IFSC(), atr.BWT()
}

// t1Exchange sends the block in tx and gives the card's. A block that came damaged, and a card that stayed silent, are a
// *blockError, to be answered with an R-block. Any other error ends the command.
func (r *CCID) t1Exchange(bwi byte) (block, error) {
	p, err := r.transfer(bwi, r.t1.tx, r.t1.bwt*time.Duration(max(1, bwi)))
	if s := (*statusError)(nil); errors.As(err, &s) && s.icc == iccActive {
		switch s.code {
		case errorMute:
			return block{}, &blockError{mute: true, text: "none within the block waiting time"}
		case errorParity, errorOverrun:
			return block{}, &blockError{edc: true, text: errorName(s.code)}
		}
	}
	if err != nil {
		return block{}, err
	}
	return parseBlock(p)
}

// t1NegotiateIFS is the first thing a T=1 card hears (EMV 4.4 Book 1, 9.2.4.1): S(IFS request), three times at most.
func (r *CCID) t1NegotiateIFS() error {
	var last error
	for range maxTries {
		r.t1.tx = block{pcbIFS, []byte{ifsd}}.append(r.t1.tx[:0])
		b, err := r.t1Exchange(0)
		var damaged *blockError
		switch {
		case errors.As(err, &damaged):
			last = damaged
		case err != nil:
			return err
		case b.pcb == pcbIFS|sResponse && b.inf[0] == ifsd:
			return nil
		default:
			last = fmt.Errorf("PCB %02X came", b.pcb)
		}
		r.stats.BlocksRepeated++
	}
	if damaged, ok := last.(*blockError); ok && damaged.mute {
		return fmt.Errorf("S(IFS request): %w: %w", last, apdu.ErrMute)
	}
	return protocolError("S(IFS request): %w, expected S(IFS response) FE", last)
}

// t1Transmit carries a command and its answer in blocks. A block is sent three times at most; if that does not help the
// card is resynchronised, so that it hears the next command, but this one fails: the card may have run it, and a command
// that counts (GENERATE AC) must not run twice.
func (r *CCID) t1Transmit(command []byte) ([]byte, error) {
	t := &r.t1
	rest := t.chunk(command)
	chaining := len(rest) > 0
	acknowledged := false
	var answer []byte
	var granted time.Duration
	var bwi byte
	failures := 0
	for range maxBlocks {
		b, err := r.t1Exchange(bwi)
		bwi = 0
		var damaged *blockError
		if errors.As(err, &damaged) {
			err = nil
		}
		if err != nil {
			return nil, err
		}
		wrong := ""
		switch {
		case damaged != nil:
			wrong = damaged.text
			reason := byte(rOther)
			if damaged.edc {
				reason = rEDC
			}
			t.tx = rBlock(t.nr, reason).append(t.tx[:0])
		case b.isI() && !chaining && b.sequence() == t.nr:
			if !acknowledged { // the answer acknowledges the command
				acknowledged = true
				t.ns ^= 1
			}
			t.nr ^= 1
			failures = 0
			if answer = append(answer, b.inf...); len(answer) > apdu.MaxLe+2 {
				return nil, protocolError("answer of more than %d bytes", apdu.MaxLe+2)
			}
			if !b.more() {
				if len(answer) < 2 {
					return nil, protocolError("answer of %d bytes, expected a status word", len(answer))
				}
				return answer, nil
			}
			t.tx = rBlock(t.nr, rOK).append(t.tx[:0])
		case b.isR() && chaining && b.sequence() != t.ns:
			t.ns ^= 1
			failures = 0
			rest = t.chunk(rest)
			chaining = len(rest) > 0
		case b.isR():
			wrong = fmt.Sprintf("R-block %02X", b.pcb)
			switch {
			case !acknowledged && b.sequence() == t.ns: // the card has not got it
				t.tx = append(t.tx[:0], t.info...)
			case !acknowledged && !chaining: // the card has got it, we have not got its answer
				t.tx = rBlock(t.nr, rOther).append(t.tx[:0])
			} // else what was sent last, once more
		case b.pcb == pcbWTX:
			bwi = b.inf[0]
			if granted += t.bwt * time.Duration(bwi); granted > r.cfg.Limit {
				return nil, fmt.Errorf("the card asked for %v in all, expected at most %v: %w", granted, r.cfg.Limit, apdu.ErrMute)
			}
			t.tx = block{pcbWTX | sResponse, []byte{bwi}}.append(t.tx[:0])
		case b.pcb == pcbIFS:
			t.ifsc = int(b.inf[0])
			t.tx = block{pcbIFS | sResponse, []byte{b.inf[0]}}.append(t.tx[:0])
		case b.pcb == pcbAbort:
			t.tx = block{pcbAbort | sResponse, nil}.append(t.tx[:0])
			r.t1Exchange(0) // whatever it says: the command is over
			return nil, protocolError("the card aborted the chain")
		default:
			wrong = fmt.Sprintf("PCB %02X", b.pcb)
			t.tx = rBlock(t.nr, rOther).append(t.tx[:0])
		}
		if wrong == "" {
			continue
		}
		if failures++; failures < maxTries {
			r.stats.BlocksRepeated++
			continue
		}
		if damaged != nil && damaged.mute {
			return nil, fmt.Errorf("block %d times without an answer: %w", failures, apdu.ErrMute)
		}
		err = protocolError("block wrong %d times, the last: %s", failures, wrong)
		if again := r.t1Resynchronise(); again != nil {
			return nil, fmt.Errorf("%w (%v)", err, again)
		}
		return nil, err
	}
	return nil, protocolError("no end after %d blocks", maxBlocks)
}

// chunk makes tx the next I-block of p and gives the rest.
func (t *hostT1) chunk(p []byte) (rest []byte) {
	n := min(len(p), t.ifsc)
	t.info = iBlock(t.ns, n < len(p), p[:n]).append(t.info[:0])
	t.tx = append(t.tx[:0], t.info...)
	return p[n:]
}

// t1Resynchronise brings both sides back to number 0, three tries at most.
func (r *CCID) t1Resynchronise() error {
	t := &r.t1
	for range maxTries {
		r.stats.Resynchs++
		t.tx = block{pcbResynch, nil}.append(t.tx[:0])
		b, err := r.t1Exchange(0)
		var damaged *blockError
		switch {
		case errors.As(err, &damaged):
		case err != nil:
			return err
		case b.pcb == pcbResynch|sResponse:
			t.ns, t.nr, t.recovered = 0, 0, true
			return nil
		}
	}
	return fmt.Errorf("no S(RESYNCH response) in %d tries", maxTries)
}
