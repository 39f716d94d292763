package terminal

// chooseLast shows what became of the latest transaction; ENTER prints its receipt once more, if it has one.
func (t *Terminal) chooseLast() (Ended, error) {
	r := t.journal.newest()
	if r == nil {
		t.show(say("no-record"))
		return Ended{Outcome: OutcomeNotFound}, nil
	}
	lines := append(t.shownRecord(r), say("state", bilingual(stateTexts[r.State])))
	if !r.owedReceipt() {
		t.confirm(lines...)
		return Ended{Outcome: OutcomeDone, Code: r.Code}, nil
	}
	if !t.confirm(append(lines, say("enter-to-print"))...) {
		return Ended{Outcome: OutcomeDone, Code: r.Code}, nil
	}
	return t.printAgain(r)
}

// stateTexts are the states in words for people.
var stateTexts = map[State]entry{
	Pending:           {"NOT FINISHED", "未完成"},
	Approved:          {"APPROVED", "交易成功"},
	Declined:          {"DECLINED", "交易拒绝"},
	ReversalDue:       {"TO BE REVERSED", "待冲正"},
	Reversed:          {"REVERSED", "已冲正"},
	ReversedUnmatched: {"REVERSED, HOST NEVER HAD IT", "已冲正,主机无原交易"},
	ReversalRefused:   {"REVERSAL REFUSED, IN DISPUTE", "冲正被拒,差错处理中"},
	Parked:            {"SET ASIDE", "已搁置"},
	AdviceDue:         {"TO BE SENT", "待上送"},
	Advised:           {"SENT AND ACCEPTED", "已上送"},
	Refused:           {"SENT AND REFUSED", "上送被拒"},
}

// newest is the latest transaction of the journal that a person had to do with; nil without one.
func (j *Journal) newest() *Record {
	for i := len(j.records) - 1; i >= 0; i-- {
		if !j.records[i].hidden() {
			return j.records[i]
		}
	}
	return nil
}

// chooseReprintLast prints the latest receipt once more.
func (t *Terminal) chooseReprintLast() (Ended, error) {
	for i := len(t.journal.records) - 1; i >= 0; i-- {
		if r := t.journal.records[i]; r.owedReceipt() {
			return t.printAgain(r)
		}
	}
	t.show(say("no-record"))
	return Ended{Outcome: OutcomeNotFound}, nil
}

// chooseReprint prints the receipt of a transaction of this batch once more.
func (t *Terminal) chooseReprint() (Ended, error) {
	stan, ok := t.askSTAN("ask-stan")
	if !ok {
		return t.cancelled(), nil
	}
	r := t.journal.latest(stan)
	if r == nil || !r.owedReceipt() {
		t.show(say("no-record"))
		return Ended{Outcome: OutcomeNotFound}, nil
	}
	return t.printAgain(r)
}

// printAgain prints a receipt that says it is not the first; one that was still owed is out then.
func (t *Terminal) printAgain(r *Record) (Ended, error) {
	t.show(say("printing"))
	switch {
	case !t.print(r, true):
		return Ended{Outcome: OutcomeNotPrinted}, nil
	case r.Printed:
		return Ended{Outcome: OutcomeDone}, nil
	}
	return Ended{Outcome: OutcomeDone}, t.journal.printed(r)
}
