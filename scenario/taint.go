package scenario

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/internal/pan"
)

// taint finds secrets in what leaves the house (I11): the card numbers, tracks, keys and clear PIN blocks that a run works
// with, in every form in which bytes are written down. It is an automaton over all of them at once (Aho and Corasick, 1975),
// because every byte of every run goes through it. It never changes once it is built.
type taint struct {
	next  [][256]int32 // of each state
	found []int32      // which secret ends in the state; 0: none
	names []string     // of the secrets, from 1
	wires []bool       // whether the secret may be nowhere, not even on a wire
}

// newTaint prepares for the secrets of a library and of the scripts that are to run.
func newTaint(l *Library, scripts []*Script) *taint {
	x := emptyTaint()
	for _, name := range l.Cards() {
		p := l.Card(name)
		x.number(name, p.PAN)
		track1, track2 := p.Stripe()
		if track2 != "" {
			_, discretionary, _ := strings.Cut(strings.Trim(track2, ";?"), "=")
			x.add("the track of "+name, false, []byte(discretionary))
		}
		if at := strings.LastIndexByte(track1, '^'); at > 0 { // no message carries track 1
			x.add("track 1 of "+name, true, []byte(track1[at:]))
		}
		x.add("the issuer master key of "+name, true, p.Issuer.IssuerMasterKey())
		x.add("the issuer master key for script MACs of "+name, true, p.Issuer.ScriptMACKey())
		x.add("the issuer master key for script encipherment of "+name, true, p.Issuer.ScriptEncryptionKey())
		seen := map[string]bool{}
		for _, s := range scripts {
			for _, pin := range s.pins() {
				if !seen[pin.digits] {
					seen[pin.digits] = true
					x.add("a clear PIN block of "+name, true, clearBlock(pin.digits, p.PAN))
				}
			}
		}
	}
	for _, digits := range append(host.TestKeys(), keyJournal) {
		if k, err := hex.DecodeString(digits); err == nil {
			x.add("a key of the house", true, k)
		}
	}
	x.link()
	return x
}

// emptyTaint knows no secret.
func emptyTaint() *taint {
	return &taint{next: make([][256]int32, 1), found: make([]int32, 1), names: []string{""}, wires: []bool{false}}
}

// pins lists what cardholders type, and what an issuer is told to change a card's PIN to.
func (s *Script) pins() (all []PIN) {
	for i := range s.Steps {
		for _, x := range []*Task{s.Steps[i].Task, s.Steps[i].Beside} {
			if x != nil {
				all = append(all, x.PINs...)
			}
		}
		if h := s.Steps[i].Host; h != nil {
			for _, o := range h.Script {
				if o.Order.Command == host.ChangePIN {
					all = append(all, o.PIN)
				}
			}
		}
	}
	return all
}

// clearBlock is the PIN block of format 0 before it is enciphered (ISO 9564-1, 9.3.2).
func clearBlock(pin string, number pan.PAN) []byte {
	field, err := hex.DecodeString("0" + string("0123456789ABC"[len(pin)]) + pin + strings.Repeat("F", 14-len(pin)))
	digits := number.Digits()
	account, err2 := hex.DecodeString("0000" + digits[len(digits)-13:len(digits)-1])
	if err != nil || err2 != nil {
		return nil // a number or a PIN of another shape has no such block
	}
	for i := range field {
		field[i] ^= account[i]
	}
	return field
}

// number adds a card number as text, as BCD with either nibble first, and what people make of those.
func (x *taint) number(name string, number pan.PAN) {
	digits := number.Digits()
	x.add("the number of "+name, false, []byte(digits))
	if len(digits)%2 == 1 {
		digits += "F"
	}
	bcd, err := hex.DecodeString(digits)
	if err != nil {
		return
	}
	x.add("the number of "+name+" as BCD", false, bcd)
	swapped := make([]byte, len(bcd))
	for i, b := range bcd {
		swapped[i] = b<<4 | b>>4
	}
	x.add("the number of "+name+" as BCD with its nibbles swapped", false, swapped)
}

// add has a secret found as it is, in hexadecimal of either case, and in base64. Fewer than six bytes would be found
// everywhere.
func (x *taint) add(name string, wires bool, b []byte) {
	if len(b) < 6 {
		return
	}
	x.names, x.wires = append(x.names, name), append(x.wires, wires)
	x.word(b)
	x.word([]byte(hex.EncodeToString(b)))
	x.word([]byte(strings.ToUpper(hex.EncodeToString(b))))
	for shift := range 3 { // base64 depends on where in its groups of three the bytes begin
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift), b...))
		if n := len(enc) - 4; n > 12 {
			x.word([]byte(enc[4:n]))
		}
	}
}

func (x *taint) word(b []byte) {
	at := int32(0)
	for _, c := range b {
		to := x.next[at][c]
		if to == 0 {
			to = int32(len(x.next))
			x.next = append(x.next, [256]int32{})
			x.found = append(x.found, 0)
			x.next[at][c] = to
		}
		at = to
	}
	if x.found[at] == 0 {
		x.found[at] = int32(len(x.names) - 1)
	}
}

// link makes the automaton of the words: where a word stops, another that has begun inside it goes on.
func (x *taint) link() {
	back := make([]int32, len(x.next))
	var order []int32
	for _, to := range x.next[0] {
		if to != 0 {
			order = append(order, to)
		}
	}
	for len(order) > 0 {
		at := order[0]
		order = order[1:]
		if x.found[at] == 0 {
			x.found[at] = x.found[back[at]]
		}
		for c := range x.next[at] {
			to := x.next[at][c]
			if to == 0 {
				x.next[at][c] = x.next[back[at]][c]
				continue
			}
			back[to] = x.next[back[at]][c]
			order = append(order, to)
		}
	}
}

// search returns the name of the first secret in b, "" for none. A wire may carry card numbers and tracks.
func (x *taint) search(b []byte, wire bool) string {
	at := int32(0)
	for _, c := range b {
		at = x.next[at][c]
		if n := x.found[at]; n != 0 && (!wire || x.wires[n]) {
			return x.names[n]
		}
	}
	return ""
}

// searchText is search in a text.
func (x *taint) searchText(s string) string { return x.search([]byte(s), false) }

// guard has everything that leaves the house searched from now on: wires, disks, screens, receipts, and the story if one is
// told. Until a fault strikes that a trial has added, nothing happens that the run without it, which was searched, did not do.
func (r *rig) guard(x *taint, searched bool) {
	if x == nil {
		return
	}
	r.world.OnNote(func(_ time.Time, who, kind string, b []byte) {
		if searched && !r.differs {
			return
		}
		if name := x.search(b, kind == "wire" || kind == "sent" || kind == "line"); name != "" {
			r.violate("I11", "%s is in the %s of %s", name, kind, who)
		}
	})
	story := r.story
	if story == nil {
		return
	}
	r.story = func(l Line) {
		for _, text := range [...]string{l.Text, l.Zh, l.Note} {
			if name := x.searchText(text); name != "" {
				r.violate("I11", "%s is in the story: a line of kind %s", name, l.Kind)
			}
		}
		story(l)
	}
}
