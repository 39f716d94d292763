package scenario

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/posim/posim/transport/dialect"
)

// Want is one expected value and where the script says so. A zero Pos: nothing is expected.
type Want[T any] struct {
	Value T
	Pos   Pos
}

// Set tells whether the script expects anything here.
func (w Want[T]) Set() bool { return w.Pos.Line != 0 }

// Expect is what a step must show.
type Expect struct {
	Pos       Pos
	Outcome   Want[string]   // of a sale: approved, declined, no-answer, ...
	Beside    Want[string]   // as Outcome, of the sale at the other terminal
	Screen    []Want[string] // each shown at some time during the step, in either language
	Receipt   []Want[string] // each stands in a receipt printed during the step
	NoReceipt Want[bool]     // nothing was printed during the step
	Code      Want[string]   // the response code, DE 39
	Journal   Journal
	Messages  Want[[]Message] // all that the terminal sent and received during the step, in order; none: silence
	Fields    []Field
	ODA       Want[string] // the kernel's method of offline data authentication, good or not: none, SDA, DDA, CDA
	Tags      []Tag        // the terminal's values at the end of the step
	Money     []Position   // at the end of the step
	State     Want[string]
	Payouts   Want[[]string] // what has become of the payouts of the acquirer's transactions, in order
	Orders    Want[[]string] // how the issuer's orders to cards stand, all of them in the order in which they were given
	Inquiry   Want[[]string] // what customer service answers about each transaction, in order
	Kinds     Want[[]string] // what the records of the journal are about, in order
	Due       Want[[]string] // the states of the records that something must be sent for, in lower case and in order
	Batch     Batch
	Items     Items
	Alarms    Want[[]Want[string]] // each is part of an alarm of the step; none: there was none
}

// End is what must be true when the run is over.
type End struct {
	Pos     Pos
	Ends    []Want[[]string] // per transaction in order, its alternatives: F0, F1, F2, F3, FX
	Money   []Position
	Journal Journal
}

// Journal is the expected states of the terminal's records, in lower case: of the Last one, or of all in order. Without
// Last and without States the journal must be empty.
type Journal struct {
	Pos    Pos // zero: nothing is expected
	Last   bool
	States []Want[string]
}

// Message is one message on the terminal's wire: the type, and the response code of an answer (DE 39) or the reason of
// a reversal (DE 60); an empty Code is not compared.
type Message struct {
	MTI, Code string
	Pos       Pos
}

// Field is a data element as somebody saw it: in the N-th message of type MTI during the step, sent or received by At.
type Field struct {
	Pos    Pos    // of the expected value
	At     string // terminal, acquirer, switch, issuer
	MTI    string
	N      int // from 1
	DE     int
	Sub    int    // of DE 60, 61 and 63 in cup: the field of it with that number; 0: the element as a whole
	Tag    uint32 // of DE 55 alone: the data object of this tag, in hex; 0: the element as a whole
	Is     string // unless Absent
	Absent bool
}

// Tag is a data element of the EMV kernel.
type Tag struct {
	Pos   Pos // of the expected value
	Name  string
	Tag   uint32
	Value []byte
}

// Position is what a party must hold of the money.
type Position struct {
	Pos    Pos // of the amount
	Party  string
	Amount Money
}

// The words that an expectation may use.
var (
	outcomes = [...]string{"approved", "declined", "no-answer", "cancelled", "offline-approved", "offline-declined",
		"no-connection", "blocked", "power-off", "card-removed", "chip-failed", "stopped", "refused", "not-accepted",
		"live-card-refused", "live-card-read", "done", "not-allowed", "not-found", "parked",
		"part-refused", "not-printed", "torn", "unresolved"}
	recordStates = [...]string{"pending", "approved", "declined", "reversaldue", "reversed", "reversedunmatched",
		"reversalrefused", "parked", "advicedue", "advised", "refused", "torn", "unresolved"}
	terminalStates = [...]string{"off", "idle", "busy", "stopped"}
	odaMethods     = [...]string{"none", "SDA", "DDA", "CDA"}
	endStates      = [...]string{"F0", "F1", "F2", "F3", "FX"}
	observers      = [...]string{"terminal", "acquirer", "switch", "issuer"}
	parties        = [...]string{"cardholder", "issuer", "switch", "acquirer", "suspense", "merchant", "fees", "wallet",
		"purse", "purse-pool", "aggregator"}
	dataElements = [...]int{2, 3, 4, 7, 11, 12, 13, 14, 15, 22, 23, 25, 26, 32, 35, 36, 37, 38, 39, 41, 42, 44, 48, 49, 52, 53, 54, 55,
		57, 59, 60, 61, 62, 63, 64, 66, 70, 90, 95}
)

func (t *typing) expect(n *node, action string) *Expect {
	e := &Expect{Pos: n.pos}
	if !t.mapping(n, "expectations such as {outcome: approved}", "outcome", "screen", "receipt", "code", "journal",
		"messages", "fields", "oda", "tags", "money", "state", "orders", "inquiry", "kinds", "saf", "batch", "items", "alarms", "payout", "beside") {
		return e
	}
	if len(n.keys) == 0 {
		t.fail(n.pos, "nothing is expected here")
	}
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "outcome":
			if taskForms[action].function == "" && taskForms[action].words == nil {
				t.fail(k.pos, "only what is done at the till has an outcome")
			}
			e.Outcome = Want[string]{t.word(value, "outcome", outcomes[:]...), value.pos}
		case "beside":
			e.Beside = Want[string]{t.word(value, "outcome", outcomes[:]...), value.pos}
		case "screen":
			e.Screen = t.texts(value, "what the screen shows")
		case "receipt":
			if value.sort == sortText && value.text == "none" && !value.quoted {
				e.NoReceipt = Want[bool]{true, value.pos}
			} else {
				e.Receipt = t.texts(value, "what stands on the receipt, or none")
			}
		case "code":
			e.Code = Want[string]{t.code(value), value.pos}
		case "journal":
			e.Journal = t.journal(value)
		case "messages":
			e.Messages = Want[[]Message]{t.messages(value), value.pos}
		case "fields":
			for _, item := range t.list(value) {
				e.Fields = append(e.Fields, t.field(item))
			}
		case "oda":
			e.ODA = Want[string]{t.word(value, "method", odaMethods[:]...), value.pos}
		case "tags":
			e.Tags = t.tags(value)
		case "money":
			e.Money = t.positions(value)
		case "state":
			e.State = Want[string]{t.word(value, "state", terminalStates[:]...), value.pos}
		case "payout":
			e.Payouts = Want[[]string]{t.payouts(value), value.pos}
		case "inquiry":
			e.Inquiry = Want[[]string]{t.answers(value), value.pos}
		case "orders":
			e.Orders = Want[[]string]{t.orderList(value), value.pos}
		case "kinds":
			e.Kinds = Want[[]string]{t.kinds(value), value.pos}
		case "saf":
			e.Due = Want[[]string]{t.dueStates(value), value.pos}
		case "batch":
			e.Batch = t.batch(value)
		case "items":
			e.Items = t.items(value)
		case "alarms":
			e.Alarms = Want[[]Want[string]]{t.alarms(value), value.pos}
		}
	}
	return e
}

func (t *typing) end(n *node) (e End) {
	e.Pos = n.pos
	if !t.mapping(n, "expectations such as {end: F1}", "end", "money", "journal") {
		return e
	}
	end := n.key("end")
	if end == nil {
		t.fail(n.pos, `missing key "end"`)
		return e
	}
	for _, item := range t.list(end) {
		var alternatives []string
		for _, a := range strings.Split(item.text, "|") {
			a = strings.TrimSpace(a)
			if item.sort != sortText || !slices.Contains(endStates[:], a) || slices.Contains(alternatives, a) {
				t.fail(item.pos, "want an end state: %s, or alternatives F0|F2", strings.Join(endStates[:], ", "))
				return e
			}
			alternatives = append(alternatives, a)
		}
		e.Ends = append(e.Ends, Want[[]string]{alternatives, item.pos})
	}
	if m := n.key("money"); m != nil {
		e.Money = t.positions(m)
	}
	if j := n.key("journal"); j != nil {
		e.Journal = t.journal(j)
	}
	return e
}

func (t *typing) texts(n *node, what string) (all []Want[string]) {
	for _, item := range t.list(n) {
		all = append(all, Want[string]{t.text(item, what), item.pos})
	}
	return all
}

func (t *typing) code(n *node) string {
	if n.sort != sortText || !responseCode(n.text) {
		t.fail(n.pos, `want a response code in quotes, two characters of DE 39 such as "05"`)
	}
	return n.text
}

// journal reads the state of the last record, or a list of the states of all; an empty list is an empty journal.
func (t *typing) journal(n *node) Journal {
	j := Journal{Pos: n.pos, Last: n.sort != sortList}
	if n.sort == sortList && len(n.items) == 0 {
		return j
	}
	for _, item := range t.list(n) {
		lower := *item
		lower.text = strings.ToLower(item.text)
		j.States = append(j.States, Want[string]{t.word(&lower, "journal state", recordStates[:]...), item.pos})
	}
	return j
}

// messages reads the terminal's wire; an empty list is silence.
func (t *typing) messages(n *node) (all []Message) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, `want a list of at most %d messages: ["0200", "0210/00"]`, maxList)
		return nil
	}
	for _, item := range n.items {
		m := Message{Pos: item.pos}
		mti, code, hasCode := strings.Cut(item.text, "/")
		m.MTI, m.Code = mti, code
		switch {
		case item.sort != sortText || hasCode && !responseCode(code):
			t.fail(item.pos, `want a message in quotes: "0200", an answer with its code "0210/00", a reversal with its reason "0400/98"`)
		case !messageType(mti):
			t.fail(item.pos, "unknown message type %q: want %s %s", shorten(mti), strings.Join(requestTypes[:], " "), strings.Join(answerTypes[:], " "))
		case hasCode && !answerType(mti) && mti[1] != '4':
			t.fail(item.pos, "a %s has no response code: only an answer has one, and a reversal a reason", mti)
		}
		all = append(all, m)
	}
	return all
}

func (t *typing) field(n *node) Field {
	f := Field{N: 1}
	if !t.mapping(n, `a field such as {at: acquirer, mti: "0200", de: 22, is: "0051"}`, "at", "mti", "n", "de", "sub", "tag", "is", "absent") {
		return f
	}
	for _, required := range []string{"at", "mti", "de"} {
		if n.key(required) == nil {
			t.fail(n.pos, "missing key %q", required)
			return f
		}
	}
	f.At = t.word(n.key("at"), "party", observers[:]...)
	mti := n.key("mti")
	if f.MTI = t.text(mti, "a message type"); !messageType(f.MTI) {
		t.fail(mti.pos, "unknown message type %q: want %s %s", shorten(f.MTI), strings.Join(requestTypes[:], " "), strings.Join(answerTypes[:], " "))
	}
	if k := n.key("n"); k != nil {
		f.N = t.number(k, "which of the messages", 1, maxEvent)
	}
	de := n.key("de")
	f.DE = t.number(de, "a data element", 2, 128)
	if !slices.Contains(dataElements[:], f.DE) {
		t.fail(de.pos, "unknown data element %d: want one of %s", f.DE, elementNames())
	}
	if sub := n.key("sub"); sub != nil {
		f.Sub = t.number(sub, "a field of the element", 1, 7)
		if subfield(f.DE, f.Sub, &dialect.Message{}) == nil {
			t.fail(sub.pos, "DE %d has no field %d: want 60.1 to 60.7, 61.1 to 61.5, 63.1, 63.2", f.DE, f.Sub)
		}
	}
	if tag := n.key("tag"); tag != nil {
		f.Tag = t.fieldTag(tag, f.DE)
	}
	is, absent := n.key("is"), n.key("absent")
	switch {
	case is != nil && absent == nil:
		f.Is, f.Pos = t.text(is, "the element's value"), is.pos
		if _, err := hex.DecodeString(f.Is); f.Tag != 0 && err != nil {
			t.fail(is.pos, `want bytes in hex and in quotes such as "020300"`)
		}
	case is == nil && absent != nil:
		if f.Absent, f.Pos = t.truth(absent), absent.pos; !f.Absent {
			t.fail(absent.pos, "want absent: true, or is: and a value")
		}
	default:
		t.fail(n.pos, "want is: and a value, or absent: true")
	}
	return f
}

// fieldTag reads which data object of DE 55 is meant.
func (t *typing) fieldTag(n *node, de int) uint32 {
	tag, ok := parseTag(n.text)
	switch {
	case de != 55:
		t.fail(n.pos, "only DE 55 has tags")
	case !ok:
		t.fail(n.pos, "unknown tag %q: want hex such as 9F34, or TVR, TSI, CVMResults", shorten(n.text))
	}
	return tag
}

func elementNames() string {
	var names []string
	for _, de := range dataElements {
		names = append(names, strconv.Itoa(de))
	}
	return strings.Join(names, " ")
}

// tags reads EMV data elements by tag or, for the three results, by name (EMV Book 3, Annex A).
func (t *typing) tags(n *node) (all []Tag) {
	if n.sort != sortMapping || len(n.keys) == 0 || len(n.keys) > maxList {
		t.fail(n.pos, `want tags and their values in hex: {9F34: "020300"}`)
		return nil
	}
	for i, k := range n.keys {
		value := n.items[i]
		tag, ok := parseTag(k.text)
		if !ok {
			t.fail(k.pos, "unknown tag %q: want hex such as 9F34, or TVR, TSI, CVMResults", shorten(k.text))
		}
		b, err := hex.DecodeString(value.text)
		if value.sort != sortText || err != nil {
			t.fail(value.pos, `want bytes in hex and in quotes such as "020300"`)
		}
		all = append(all, Tag{value.pos, k.text, tag, b})
	}
	return all
}

// parseTag reads a BER tag of one to three bytes (EMV Book 3, Annex B1), or the name of a result.
func parseTag(s string) (uint32, bool) {
	switch s {
	case "TVR":
		return 0x95, true
	case "TSI":
		return 0x9B, true
	case "CVMResults":
		return 0x9F34, true
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 || len(b) > 3 || b[0] == 0 {
		return 0, false
	}
	tag := uint32(0)
	for i, c := range b {
		// The low five bits of the first byte all set: more bytes follow; bit 8 of those: and more still.
		more := i == 0 && c&0x1F == 0x1F || i > 0 && c&0x80 != 0
		if more != (i < len(b)-1) {
			return 0, false
		}
		tag = tag<<8 | uint32(c)
	}
	return tag, true
}

// positions reads what parties must hold.
func (t *typing) positions(n *node) (all []Position) {
	if n.sort != sortMapping || len(n.keys) == 0 {
		t.fail(n.pos, "want positions: {cardholder: -100.00, merchant: 99.40}")
		return nil
	}
	for i, k := range n.keys {
		party, value := k.text, n.items[i]
		if party == "loss" && value.sort == sortText && !value.quoted {
			// Inside braces the parser ends the key at the first colon: loss:switch: -1.00 comes as loss and "switch: -1.00".
			if name, amount, found := strings.Cut(value.text, ": "); found {
				rest := *value
				rest.text = strings.TrimSpace(amount)
				rest.pos = value.within(len(value.text)-len(rest.text), len(rest.text))
				party, value = "loss:"+name, &rest
			}
		}
		loss, isLoss := strings.CutPrefix(party, "loss:")
		if !slices.Contains(parties[:], party) && !(isLoss && variableName.MatchString(loss)) {
			t.fail(k.pos, "unknown position %q: want %s, loss:NAME", shorten(party), strings.Join(parties[:], ", "))
		}
		all = append(all, Position{value.pos, party, t.money(value)})
	}
	return all
}
