package reader

import (
	"fmt"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// ATR is a card's answer to reset (ISO/IEC 7816-3, 8.2), decoded.
type ATR struct {
	Raw        []byte           // TS up to TCK, or to the last historical byte
	Inverse    bool             // TS is 3F
	Interface  []InterfaceBytes // TA1.. to TDn, group by group; empty when T0 announces none
	Historical []byte
	TCK        int // -1: absent, as it must be when only T=0 is offered
}

// InterfaceBytes is one group TAi, TBi, TCi, TDi; -1 is an absent byte.
type InterfaceBytes struct{ TA, TB, TC, TD int }

// maxATR is TS and at most 32 bytes (ISO/IEC 7816-3, 8.2.1).
const maxATR = 33

const absent = -1

// ParseATR decodes an answer to reset of any card. What it takes is whole: nothing may be missing or left over, and a
// TCK must be there, and right, if and only if a protocol other than T=0 is offered. The ATR keeps its own copy of b.
func ParseATR(b []byte) (ATR, error) {
	if len(b) > maxATR {
		return ATR{}, fmt.Errorf("reader: ATR of %d bytes, expected at most %d", len(b), maxATR)
	}
	if len(b) < 2 {
		return ATR{}, fmt.Errorf("reader: ATR of %d bytes, expected TS and T0", len(b))
	}
	if b[0] != 0x3B && b[0] != 0x3F {
		return ATR{}, fmt.Errorf("reader: ATR: TS %02X, expected 3B or 3F", b[0])
	}
	a := ATR{Raw: append([]byte(nil), b...), Inverse: b[0] == 0x3F, TCK: absent}
	historical := int(b[1] & 0x0F)
	offered, onlyT0 := b[1], true
	at := 2
	for offered&0xF0 != 0 {
		g := InterfaceBytes{absent, absent, absent, absent}
		for i, p := range []*int{&g.TA, &g.TB, &g.TC, &g.TD} {
			if offered&(0x10<<i) == 0 {
				continue
			}
			if at >= len(b) {
				return ATR{}, fmt.Errorf("reader: ATR ends at offset %d, expected T%c%d", at, 'A'+i, len(a.Interface)+1)
			}
			*p = int(b[at])
			at++
		}
		a.Interface = append(a.Interface, g)
		if g.TD == absent {
			break
		}
		offered = byte(g.TD)
		onlyT0 = onlyT0 && offered&0x0F == 0
	}
	if len(b)-at < historical {
		return ATR{}, fmt.Errorf("reader: ATR has %d historical bytes at offset %d, expected %d (T0)", len(b)-at, at, historical)
	}
	a.Historical = a.Raw[at : at+historical : at+historical]
	at += historical
	if !onlyT0 {
		if at >= len(b) {
			return ATR{}, fmt.Errorf("reader: ATR ends at offset %d, expected TCK", at)
		}
		a.TCK = int(b[at])
		at++
		if x := xor(b[1:at]); x != 0 {
			return ATR{}, fmt.Errorf("reader: ATR: TCK %02X, expected %02X", a.TCK, byte(a.TCK)^x)
		}
	}
	if at != len(b) {
		return ATR{}, fmt.Errorf("reader: ATR goes on at offset %d for %d bytes, expected its end", at, len(b)-at)
	}
	return a, nil
}

// Protocol is the protocol the card offers first, the one it speaks unless asked otherwise: 0 when none is named.
func (a *ATR) Protocol() int {
	if len(a.Interface) == 0 || a.Interface[0].TD == absent {
		return 0
	}
	return a.Interface[0].TD & 0x0F
}

// specific finds the first group of interface bytes that belongs to T=1: those from the third group on, after a TD that
// names T=1 (ISO/IEC 7816-3, 11.4.2).
func (a *ATR) specific() InterfaceBytes {
	for i := 2; i < len(a.Interface); i++ {
		if a.Interface[i-1].TD&0x0F == 1 {
			return a.Interface[i]
		}
	}
	return InterfaceBytes{absent, absent, absent, absent}
}

// IFSC is the longest information field the card takes in a T=1 block, in bytes; 32 unless TA3 says otherwise.
func (a *ATR) IFSC() int {
	if g := a.specific(); g.TA != absent {
		return g.TA
	}
	return 32
}

// waiting is BWI and CWI in one byte, as SetParameters carries them.
func (a *ATR) waiting() byte {
	if g := a.specific(); g.TB != absent {
		return byte(g.TB)
	}
	return 0x4D
}

// guard is the extra guard time N of TC1.
func (a *ATR) guard() byte {
	if len(a.Interface) > 0 && a.Interface[0].TC != absent {
		return byte(a.Interface[0].TC)
	}
	return 0
}

// cardClock is the frequency behind the default etu, 372 clocks of 3.579545 MHz: 9622 bits a second.
const cardClock = 3579545

const etu = time.Second * 372 / cardClock

// maxBWI is the longest wait that a card can ask for: more is reserved (ISO/IEC 7816-3, 11.4.3), and EMV ends at 4.
const maxBWI = 9

// BWT is the block waiting time of a T=1 card: what it may take to begin its answer (EMV 4.4 Book 1, 9.2.4.2.2).
func (a *ATR) BWT() time.Duration {
	return 11*etu + 960*372*(time.Second<<min(a.waiting()>>4, maxBWI))/cardClock
}

// WWT is the work waiting time of a T=0 card with the default WI of 10, the only one EMV has: 960 x 10 etu.
const WWT = 9600 * etu

// CheckEMV tells whether an EMV terminal takes this card and gives its protocol, 0 or 1 (EMV 4.4 Book 1, 8.3: the basic
// answers to reset, `3B 6x 00 TC1` and `3B Ex 00 TC1 81 31 IFSC BWI/CWI`). Everything else is refused, with an error
// that wraps apdu.ErrProtocol.
func (a *ATR) CheckEMV() (protocol int, err error) {
	refuse := func(what string, got, want any) (int, error) {
		return 0, fmt.Errorf("reader: ATR: %s is %v, EMV takes %v: %w", what, got, want, apdu.ErrProtocol)
	}
	hex := func(v int) string {
		if v == absent {
			return "absent"
		}
		return fmt.Sprintf("%02X", v)
	}
	if len(a.Raw) < 2 || len(a.Interface) == 0 {
		return refuse("T0", "without interface bytes", "6x or Ex")
	}
	switch a.Raw[1] & 0xF0 {
	case 0x60:
		if g := a.Interface[0]; g.TB != 0 {
			return refuse("TB1", hex(g.TB), "00")
		}
		return 0, nil
	case 0xE0:
	default:
		return refuse("T0", hex(int(a.Raw[1])), "6x or Ex")
	}
	first := a.Interface[0]
	switch {
	case first.TB != 0:
		return refuse("TB1", hex(first.TB), "00")
	case first.TD != 0x81 || len(a.Interface) < 2:
		return refuse("TD1", hex(first.TD), "81")
	case a.Interface[1].TD != 0x31 || len(a.Interface) < 3:
		return refuse("TD2", hex(a.Interface[1].TD), "31")
	}
	g := a.Interface[2] // TD2 of 31 announces it
	if g.TA < 0x10 || g.TA > 0xFE {
		return refuse("TA3", hex(g.TA), "10 to FE")
	}
	if bwi, cwi := g.TB>>4, g.TB&0x0F; bwi > 4 || cwi > 5 {
		return refuse("TB3", hex(g.TB), "BWI up to 4 and CWI up to 5")
	}
	n := first.TC
	if n == 0xFF { // means 11 etu, one less than none
		n = -1
	}
	if 1<<(g.TB&0x0F) <= n+1 {
		return refuse("TC1", hex(first.TC), "less than 2^CWI - 1") // 8.3.3.10
	}
	return 1, nil
}
