package emv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// The truth table: what sets each bit of TVR and TSI and what leaves it clear, each row with a card or a terminal of its own, the
// place in the book, and the rule whose decision carries the change. Rows about one step stand in a file of their own, truth_*_test.go.

// truth is one row. It starts from a card that likes everything and a terminal of type 22 that has every method and no keys.
type truth struct {
	name string // the book's section and what is special
	card func(*cannedCard)
	sign string // "SDA", "DDA", "CDA": the card has certificates and signs
	with func(*personal)
	lies func(*signingCard)
	cfg  func(*Config)
	txn  func(*Transaction)
	term testTerminal

	set   []tlv.NamedBit // each of them changed by the rule, in exactly one decision
	clear []tlv.NamedBit // each of them left alone, though the rule decided
	by    Rule
	quiet bool // the rule says nothing where it leaves its bits clear

	tvr     string // the whole of it at the end; "" not compared
	tsi     string
	cvm     string // 9F34 at the end
	result  Result // 0: not compared
	p1      string // of the GENERATE AC commands; "" not compared
	arc     string
	says    string // text of the rule's last decision, or a part of it
	ends    string // part of the reason
	signed  bool   // a signature line is wanted
	runsErr bool   // Run returns an error
}

func tvrBits(bits ...tlv.Bit) []tlv.NamedBit { return named(tlv.TVR, bits) }
func tsiBits(bits ...tlv.Bit) []tlv.NamedBit { return named(tlv.TSI, bits) }

func named(tag tlv.Tag, bits []tlv.Bit) []tlv.NamedBit {
	list := make([]tlv.NamedBit, len(bits))
	for i, b := range bits {
		list[i] = tlv.NamedBit{Bit: b, Name: tlv.BitName(tag, b)}
	}
	return list
}

// neverSet are the bits of methods that this kernel does not have.
var neverSet = tvrBits(tlv.TVRXDASelected, tlv.TVRXDAFailed, tlv.TVRCAECCKeyMissing, tlv.TVRECCKeyRecoveryFailed, tlv.TVRBiometricSuccessful,
	tlv.TVRBiometricTemplateNotSupported, tlv.TVRBiometricDeviceNotWorking, tlv.TVRBiometricBypassed, tlv.TVRBiometricTryLimitExceeded,
	tlv.TVRBiometricTypeNotSupported)

// foreign tells whether a bit is none that this kernel may set: of another method, of another specification, or of nobody.
func foreign(b tlv.NamedBit) bool {
	return b.Name == "" || strings.HasPrefix(b.Name, "Reserved") || slices.Contains(neverSet, b)
}

// truthTable is all rows.
func truthTable() map[string][]truth {
	return map[string][]truth{
		"selection": truthOfSelection(), "ODA": truthOfODA(), "restrictions": truthOfRestrictions(), "CVM": truthOfCVM(), "offline PIN": truthOfOfflinePIN(),
		"risk": truthOfRisk(), "action": truthOfActionAnalysis(), "completion": truthOfCompletion(),
	}
}

func TestTruth(t *testing.T) {
	for step, rows := range truthTable() {
		names := map[string]bool{}
		for _, row := range rows {
			if names[row.name] {
				t.Errorf("%s: two rows are named %q", step, row.name)
			}
			names[row.name] = true
			t.Run(step+"/"+strings.ReplaceAll(row.name, "/", " "), func(t *testing.T) { row.check(t) })
		}
	}
}

// run is the row's transaction and every decision of it.
func (row *truth) run(t testing.TB) (o Outcome, told []Decision, card *cannedCard, err error) {
	t.Helper()
	card = newCannedCard()
	if row.card != nil {
		row.card(card)
	}
	var chip apdu.Card = card
	cfg := testConfig()
	withODA(nil)(cfg)
	if row.sign != "" {
		signing := newSigningCard(t, row.sign, card, row.with)
		if row.lies != nil {
			row.lies(signing)
		}
		withODA(signing.ca)(cfg)
		chip = signing
	}
	cfg.Trace = func(d Decision) { told = append(told, d) }
	if row.cfg != nil {
		row.cfg(cfg)
	}
	if row.term.online == nil {
		row.term.online = answersNothing
	}
	txn := testTransaction()
	if row.txn != nil {
		row.txn(&txn)
	}
	o, err = Run(chip, &row.term, cfg, txn)
	return o, told, card, err
}

func (row *truth) check(t *testing.T) {
	o, told, card, err := row.run(t)
	if (err != nil) != row.runsErr {
		t.Fatal(err)
	}
	for _, d := range told {
		checkDecision(t, d)
	}
	for _, b := range row.set {
		if got := carriers(told, "+"+b.Name); !slices.Equal(got, []Rule{row.by}) {
			t.Errorf("%q is set by %v: want %v alone", b.Name, got, row.by)
		}
	}
	decided := slices.ContainsFunc(told, func(d Decision) bool { return d.Rule == row.by })
	if row.by != 0 && decided == (row.quiet && len(row.set) == 0) {
		t.Errorf("%v decided %v", row.by, decided)
	}
	for _, b := range row.clear {
		if got := carriers(told, "+"+b.Name); len(got) != 0 {
			t.Errorf("%q is set by %v: want it clear", b.Name, got)
		}
	}
	row.compare(t, o, card)
	if row.says != "" {
		last := ""
		for _, d := range told {
			if d.Rule == row.by {
				last = d.Text
			}
		}
		if !strings.Contains(last, row.says) {
			t.Errorf("%v says %q: want %q in it", row.by, last, row.says)
		}
	}
	if t.Failed() {
		for _, d := range told {
			t.Logf("%v: %s %v %v", d.Rule, d.Text, d.Changed(), d.Inputs)
		}
	}
}

func (row *truth) compare(t *testing.T, o Outcome, card *cannedCard) {
	t.Helper()
	if row.result != 0 && o.Result != row.result {
		t.Errorf("result %v, %v: want %v", o.Result, o.Reason, row.result)
	}
	if !strings.Contains(fmt.Sprint(o.Reason), row.ends) {
		t.Errorf("reason %v: want %q in it", o.Reason, row.ends)
	}
	var p1 []string
	for _, c := range card.commands(apdu.InsGenerateAC) {
		p1 = append(p1, fmt.Sprintf("%02X", c[2]))
	}
	s := o.Session
	for _, c := range []struct{ what, got, want string }{
		{"TVR", fmt.Sprintf("%X", s.TVR()), row.tvr}, {"TSI", fmt.Sprintf("%X", s.TSI()), row.tsi}, {"CVM results", fmt.Sprintf("%X", s.Data(tlv.CVMResults)), row.cvm},
		{"GENERATE AC", strings.Join(p1, " "), row.p1}, {"authorisation response code", string(s.Data(tlv.AuthorisationResponseCode)), row.arc},
	} {
		if c.want != "" && c.got != c.want {
			t.Errorf("%s %s: want %s", c.what, c.got, c.want)
		}
	}
	if row.signed && !s.SignatureRequired() {
		t.Error("no signature is wanted")
	}
}

// checkDecision: what is told hangs together, and no bit is set that this kernel does not know.
func checkDecision(t testing.TB, d Decision) {
	t.Helper()
	if d.Rule.Step() == "" || d.Text == "" {
		t.Errorf("decision %v %q: want a rule and a text", d.Rule, d.Text)
	}
	checkBits(t, d.TVR, d.TSI)
	for _, name := range d.Changed() {
		if name[0] != '+' {
			t.Errorf("%v: %s: no step takes a bit back", d.Rule, name)
		}
	}
}

func checkBits(t testing.TB, tvr [5]byte, tsi [2]byte) {
	t.Helper()
	for _, b := range tlv.Bits(tlv.TVR) {
		if b.Bit.In(tvr[:]) && foreign(b) {
			t.Errorf("TVR %X: byte %d bit %d is not this kernel's", tvr, b.Bit.Byte(), b.Bit.Number())
		}
	}
	for _, b := range tlv.Bits(tlv.TSI) {
		if b.Bit.In(tsi[:]) && foreign(b) {
			t.Errorf("TSI %X: byte %d bit %d is reserved", tsi, b.Bit.Byte(), b.Bit.Number())
		}
	}
}

// carriers are the rules whose decisions changed something.
func carriers(told []Decision, change string) (rules []Rule) {
	for _, d := range told {
		if slices.Contains(d.Changed(), change) {
			rules = append(rules, d.Rule)
		}
	}
	return rules
}

// The table is whole: every bit of TVR and TSI that the kernel knows is set by a row and left clear by another, and every rule
// decides in some row.
func TestTruthIsWhole(t *testing.T) {
	set, clear, seen := map[string]int{}, map[string]int{}, map[Rule]bool{}
	rows := 0
	for _, list := range truthTable() {
		rows += len(list)
		for _, row := range list {
			for _, b := range row.set {
				set[b.Name]++
			}
			for _, b := range row.clear {
				clear[b.Name]++
			}
			_, told, _, _ := row.run(t)
			for _, d := range told {
				seen[d.Rule] = true
			}
		}
	}
	bits := append(tlv.Bits(tlv.TVR), tlv.Bits(tlv.TSI)...)
	known := 0
	for _, b := range bits {
		if foreign(b) {
			continue
		}
		known++
		if set[b.Name] == 0 || clear[b.Name] == 0 {
			t.Errorf("%q: %d rows set it, %d leave it clear: want one of each at least", b.Name, set[b.Name], clear[b.Name])
		}
	}
	for _, r := range Rules() {
		if !seen[r] {
			t.Errorf("no row has a decision of %v", r)
		}
	}
	t.Logf("%d rows, %d bits, %d rules", rows, known, len(Rules()))
}

// The names of bits differ: one stands for its bit in the table.
func TestBitNamesDiffer(t *testing.T) {
	names := map[string]bool{}
	for _, b := range append(tlv.Bits(tlv.TVR), tlv.Bits(tlv.TSI)...) {
		if !foreign(b) && names[b.Name] {
			t.Errorf("%q twice", b.Name)
		}
		names[b.Name] = true
	}
}
