package scenario

import (
	"slices"
	"strings"
)

// answers reads what customer service is to say, a word for each transaction.
func (t *typing) answers(n *node) (all []string) {
	if n.sort != sortList || len(n.items) > maxList {
		t.fail(n.pos, "want a list of what is answered about each transaction: [paid, in doubt]")
		return nil
	}
	for _, item := range n.items {
		all = append(all, t.word(item, "answer to an inquiry", Answers()...))
	}
	return all
}

// expectInquiry asks what became of every transaction, as somebody does who has the numbers on the slip, and compares the words. What
// names another transaction is told with that one.
func (p *evidence) expectInquiry(w Want[[]string]) {
	if !w.Set() {
		return
	}
	d, err := p.dossier()
	switch {
	case d == nil && err == nil:
		p.hidden(w.Pos, "inquiry")
		return
	case err != nil:
		p.fail(w.Pos, "%v", err)
		return
	}
	if found := d.inquire(); !slices.Equal(found, w.Value) {
		p.fail(w.Pos, "expected [%s], found [%s]", strings.Join(w.Value, ", "), strings.Join(found, ", "))
	}
}

// inquire is the answer about each transaction that names no other, in time.
func (d *Dossier) inquire() (all []string) {
	for _, t := range d.all {
		if d.families[t].root == t {
			all = append(all, string(d.finding(t).Answer))
		}
	}
	return all
}
