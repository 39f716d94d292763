package scenario

import (
	"slices"
	"strings"

	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// Batch is what a script expects of the terminal's batch. With Closed, Result and totals are those of the batch that was closed
// last, otherwise those of the present one.
type Batch struct {
	Pos             Pos // zero: nothing is expected
	Number          Want[string]
	State           Want[string] // open, settling
	Closed          Want[string] // the number of the batch that was closed last
	Result          Want[string] // what the host said of its totals: equal, not-equal, error
	Debits, Credits Want[dialect.Total]
}

// The words of a batch.
var (
	batchStates  = [...]string{"open", "settling"}
	batchResults = [...]string{"equal", "not-equal", "error"}
)

// kinds reads what all records of the journal are about; an empty list is an empty journal.
func (t *typing) kinds(n *node) (all []string) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of kinds: [sale, void]")
		return nil
	}
	for _, item := range n.items {
		if _, err := dialect.ParseKind(item.text); err != nil || item.sort != sortText {
			t.fail(item.pos, "unknown kind %q: want sale, void, refund ... as docs/dialects.md lists them", shorten(item.text))
		}
		all = append(all, item.text)
	}
	return all
}

// dueStates reads the states of what waits to be sent; an empty list is that nothing does.
func (t *typing) dueStates(n *node) (all []string) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of what is due: [reversaldue, advicedue]")
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.word(item, "state of what is due", "pending", "reversaldue", "advicedue"))
	}
	return all
}

func (t *typing) batch(n *node) (b Batch) {
	if !t.mapping(n, `a batch such as {closed: "000001", result: equal}`, "number", "state", "closed", "result", "debits", "credits") {
		return b
	}
	if len(n.keys) == 0 {
		t.fail(n.pos, "nothing is expected here")
	}
	b.Pos = n.pos
	for i, k := range n.keys {
		switch value := n.items[i]; k.text {
		case "number":
			b.Number = Want[string]{t.batchNumber(value), value.pos}
		case "closed":
			b.Closed = Want[string]{t.batchNumber(value), value.pos}
		case "state":
			b.State = Want[string]{t.word(value, "state of a batch", batchStates[:]...), value.pos}
		case "result":
			b.Result = Want[string]{t.word(value, "result", batchResults[:]...), value.pos}
		case "debits":
			b.Debits = Want[dialect.Total]{t.total(value), value.pos}
		case "credits":
			b.Credits = Want[dialect.Total]{t.total(value), value.pos}
		}
	}
	if b.Result.Set() && !b.Closed.Set() && t.failed == nil {
		t.fail(b.Result.Pos, "only a batch that was closed has a result: closed: \"000001\"")
	}
	return b
}

func (t *typing) batchNumber(n *node) string {
	if n.sort != sortText || len(n.text) != 6 || !digits(n.text) {
		t.fail(n.pos, "want a batch number of six digits in quotes")
	}
	return n.text
}

// total reads a number of lines and their sum.
func (t *typing) total(n *node) (x dialect.Total) {
	if !t.mapping(n, "a total such as {count: 2, amount: 150.00}", "count", "amount") {
		return x
	}
	count, amount := n.key("count"), n.key("amount")
	if count == nil || amount == nil {
		t.fail(n.pos, "want a total such as {count: 2, amount: 150.00}")
		return x
	}
	x.Count = t.number(count, "a number of lines", 0, maxEvent)
	x.Amount = int64(t.money(amount))
	return x
}

// subfield is where a message has field de.sub of cup; nil: there is none.
func subfield(de, sub int, m *dialect.Message) *string {
	fields := map[int][]*string{
		60: {&m.MessageTypeCode, &m.BatchNumber, &m.NetworkManagementCode, &m.TerminalCapability, &m.ICCondition, &m.PartialSupport, &m.AccountType},
		61: {&m.Original.Batch, &m.Original.STAN, &m.Original.Date, &m.Original.AuthMethod, &m.Original.Authorizer},
		63: {&m.OperatorNumber, &m.Remarks},
	}[de]
	if sub < 1 || sub > len(fields) {
		return nil
	}
	if de == 63 && sub == 1 && m.CardScheme != "" {
		return &m.CardScheme
	}
	return fields[sub-1]
}

// read gives f the terminal's books, unless nothing is expected of them.
func (p *evidence) read(at Pos, f func(*terminal.Books)) {
	if at.Line == 0 {
		return
	}
	books, err := p.books()
	if err != nil {
		p.fail(at, "the journal cannot be read: %v", err)
		return
	}
	f(books)
}

func (p *evidence) expectKinds(w Want[[]string]) {
	p.read(w.Pos, func(b *terminal.Books) {
		var found []string
		for _, rec := range b.Records {
			found = append(found, (&transaction{record: rec}).kind().String())
		}
		p.compareLists(w, found)
	})
}

// expectDue compares what the terminal still has to send.
func (p *evidence) expectDue(w Want[[]string]) {
	p.read(w.Pos, func(b *terminal.Books) {
		var found []string
		for _, rec := range b.Records {
			switch rec.State {
			case terminal.Pending, terminal.ReversalDue, terminal.AdviceDue:
				found = append(found, strings.ToLower(string(rec.State)))
			}
		}
		p.compareLists(w, found)
	})
}

func (p *evidence) compareLists(w Want[[]string], found []string) {
	if !slices.Equal(found, w.Value) {
		p.fail(w.Pos, "expected %s, found %s", orNothingFound(strings.Join(w.Value, ", ")), orNothingFound(strings.Join(found, ", ")))
	}
}

func (p *evidence) expectBatch(want Batch) {
	p.read(want.Pos, func(b *terminal.Books) {
		state, closed, result, totals := "open", "", "", b.Totals
		if b.Settling != nil {
			state = "settling"
		}
		if b.Last != nil {
			closed, result = b.Last.Batch, resultOf(b.Last)
			if want.Closed.Set() {
				totals = b.Last.Totals
			}
		}
		for _, x := range []struct {
			want  Want[string]
			found string
		}{{want.Number, b.Batch}, {want.State, state}, {want.Closed, closed}, {want.Result, result}} {
			if x.want.Set() && x.want.Value != x.found {
				p.fail(x.want.Pos, "expected %s, found %s", x.want.Value, orNothingFound(x.found))
			}
		}
		p.expectTotal(want.Debits, totals.Debits, totals.ForeignDebits)
		p.expectTotal(want.Credits, totals.Credits, totals.ForeignCredits)
	})
}

// resultOf is what the host said of a closed batch.
func resultOf(s *terminal.Settlement) string {
	switch {
	case s.Equal():
		return "equal"
	case s.Result == dialect.SettlementError || s.Foreign == dialect.SettlementError:
		return "error"
	}
	return "not-equal"
}

// expectTotal compares a total, of domestic and foreign cards together.
func (p *evidence) expectTotal(w Want[dialect.Total], home, foreign dialect.Total) {
	found := dialect.Total{Count: home.Count + foreign.Count, Amount: home.Amount + foreign.Amount}
	if w.Set() && w.Value != found {
		p.fail(w.Pos, "expected %s, found %s", totalText(w.Value), totalText(found))
	}
}

func totalText(t dialect.Total) string { return side{t.Count, t.Amount}.String() }
