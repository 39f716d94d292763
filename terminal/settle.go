package terminal

import (
	"cmp"
	"slices"

	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// How a batch is settled. What is due goes first; then the totals, which the host compares; then, where it wants them, the lines,
// and the end. How far this has come is durable before each step, so that a power cut goes on where it was, with the same
// numbers; and until the batch is closed nothing is sold.

// chooseSettlement settles because the clerk wants it.
func (t *Terminal) chooseSettlement() (Ended, error) {
	if t.journal.batch.settling == nil {
		if !t.confirm(t.totalLines(t.journal.batch.number, t.journal.totals(t.profile.HomeScheme))...) {
			return t.cancelled(), nil
		}
		if o, err := t.beginSettlement(); o != "" || err != nil {
			return Ended{Outcome: o}, err
		}
	}
	return t.settle()
}

// continueSettlement goes on with a settlement that the power, or a silent host, has interrupted; true: none is left in progress.
func (t *Terminal) continueSettlement() (bool, error) {
	if t.journal.batch.settling == nil {
		return true, nil
	}
	t.show(say("settle-continue"))
	e, err := t.settle()
	return err == nil && e.Outcome == OutcomeDone, err
}

// beginSettlement tries what is due, and counts the batch; an outcome is why not.
func (t *Terminal) beginSettlement() (Outcome, error) {
	if t.tornTap() != nil { // in a minute it is known, or for somebody else to know
		t.show(say("settle-blocked"), say("tap-again"))
		return OutcomeBlocked, nil
	}
	if t.kept(rules.CloseClean) { // T10
		due, err := t.tryDue()
		if err != nil {
			return "", err
		}
		if due > 0 && !t.carries() {
			t.show(say("settle-blocked"), say("settle-due", due))
			return OutcomeBlocked, nil
		}
	}
	stan, err := t.journal.takeServiceSTAN()
	if err != nil {
		return "", err
	}
	now := t.calendar()
	return "", t.journal.settling(&Settlement{
		Batch: t.journal.batch.number, STAN: stan, Date: now.Format("0102"), Time: now.Format("150405"), Year: now.Year(),
		Totals: t.journal.totals(t.profile.HomeScheme), Kinds: t.journal.kinds(), Stage: StageTotals,
	})
}

// tryDue is an occasion for everything that is due, and says how much of it still is.
func (t *Terminal) tryDue() (int, error) {
	if err := t.deliverAll(); err != nil {
		return 0, err
	}
	due := 0
	for _, r := range t.journal.inBatch() {
		if r.due() {
			due++
		}
	}
	return due, nil
}

// carries tells whether a batch is closed although something is due.
func (t *Terminal) carries() bool { return t.profile.Carry || t.cfg.Dialect.Switches().GiveUpAtClose }

// due tells whether something must still be sent for the record.
func (r *Record) due() bool {
	return r.State == Pending || r.State == ReversalDue || r.State == AdviceDue
}

// kinds counts the batch by kind, for the slip.
func (j *Journal) kinds() (all []KindTotal) {
	for _, l := range j.lines() {
		k := l.about()
		i := slices.IndexFunc(all, func(t KindTotal) bool { return t.Kind == k })
		if i < 0 {
			i, all = len(all), append(all, KindTotal{Kind: k})
		}
		all[i].Count++
		all[i].Amount += l.amount
	}
	slices.SortFunc(all, func(x, y KindTotal) int { return cmp.Compare(x.Kind, y.Kind) })
	return all
}

// settle goes on from where the settlement is.
func (t *Terminal) settle() (Ended, error) {
	for t.journal.batch.settling != nil {
		s := *t.journal.batch.settling // a copy: it changes in the journal only
		step := t.compareTotals
		switch s.Stage {
		case StageUpload:
			step = t.upload
		case StageEnd:
			step = t.endUpload
		}
		o, err := step(&s)
		if err != nil {
			return Ended{}, err
		}
		if o != "" {
			return Ended{Outcome: o, Code: s.Code}, nil
		}
	}
	return Ended{Outcome: OutcomeDone, Code: t.journal.batch.last.Code}, nil
}

// compareTotals sends the totals. An outcome ends the occasion, and the settlement stays in progress.
func (t *Terminal) compareTotals(s *Settlement) (Outcome, error) {
	t.show(say("settling", s.Batch))
	m := t.settlementMessage(dialect.KindSettlement, s, s.STAN)
	totals := s.Totals
	m.Totals = &totals
	answer, err := t.exchange(m)
	if answer == nil || err != nil {
		return t.unsettled(err)
	}
	s.Code = answer.ResponseCode
	switch {
	case answer.SettlementResult != dialect.SettlementNone:
		s.Result, s.Foreign = answer.SettlementResult, answer.ForeignResult
	case answer.ResponseCode == "00":
		s.Result = dialect.SettlementEqual
	case answer.ResponseCode == "95":
		s.Result = dialect.SettlementNotEqual
	default: // it cannot compare now: the same again, later
		t.show(say("settle-refused", s.Code))
		return OutcomeDeclined, nil
	}
	if !s.Equal() {
		s.Host = answer.Totals
		t.show(say("settle-unequal"))
	}
	if s.Equal() && !t.numbersBatches() { // nothing else is wanted
		return "", t.close(s)
	}
	s.Stage = StageUpload
	return "", t.journal.settling(s)
}

// unsettled ends an occasion without an answer.
func (t *Terminal) unsettled(err error) (Outcome, error) {
	if err != nil {
		return "", err
	}
	t.show(say("settle-unfinished"))
	return OutcomeNoAnswer, nil
}

// upload sends the lines that the host wants and does not have yet.
func (t *Terminal) upload(s *Settlement) (Outcome, error) {
	packets := t.packets(s)
	for i, p := range packets {
		t.show(say("uploading", i+1, len(packets)))
		for _, m := range p.messages {
			if m.SystemsTraceAuditNumber == "" { // a line alone has its transaction's
				stan, err := t.journal.takeServiceSTAN()
				if err != nil {
					return "", err
				}
				m.SystemsTraceAuditNumber = stan
			}
			answer, err := t.exchange(m)
			if answer == nil || err != nil {
				return t.unsettled(err)
			}
			if !dialect.Approves(answer.ResponseCode) {
				s.Code = answer.ResponseCode
				t.show(say("upload-refused", s.Code))
				return OutcomeDeclined, nil
			}
		}
		if err := t.journal.uploaded(p.records); err != nil {
			return "", err
		}
	}
	for _, l := range t.journal.inBatch() {
		if l.Uploaded {
			s.Uploaded++
		}
	}
	stan, err := t.journal.takeServiceSTAN()
	if err != nil {
		return "", err
	}
	s.EndSTAN, s.Stage = stan, StageEnd
	return "", t.journal.settling(s)
}

// maxUploaded is what the end of an upload can say.
const maxUploaded = 9999

// endUpload tells the host that all lines have come. It closes its batch with this, and so does the terminal, whatever the host
// thinks of the lines by now.
func (t *Terminal) endUpload(s *Settlement) (Outcome, error) {
	m := t.settlementMessage(dialect.KindUploadEnd, s, s.EndSTAN)
	m.Uploaded = min(s.Uploaded, maxUploaded)
	m.NetworkManagementCode = dialect.UploadEndNotEqual // where the dialect has two
	if s.Equal() {
		m.NetworkManagementCode = dialect.UploadEndEqual
	}
	if f, ok := t.cfg.Dialect.Form(m.Kind); ok && dialect.Class(f.MTI) == dialect.ClassReconciliation { // as the first
		totals := s.Totals
		m.Totals = &totals
	}
	answer, err := t.exchange(m)
	if answer == nil || err != nil {
		return t.unsettled(err)
	}
	s.Code = answer.ResponseCode
	if !dialect.Approves(s.Code) && s.Code != "95" {
		t.show(say("settle-refused", s.Code))
		return OutcomeDeclined, nil
	}
	return "", t.close(s)
}

// close ends the batch and prints the slip.
func (t *Terminal) close(s *Settlement) error {
	for _, r := range t.journal.inBatch() {
		switch c := (Carried{identity: r.identity(), Amount: r.Amount, Card: r.Card, Why: r.Code}); {
		case r.due() && t.carries() && t.kept(rules.CloseClean):
			c.Why = "carried over batch " + s.Batch + " as " + string(r.State)
			s.Carried = append(s.Carried, c)
		case r.State == Refused:
			s.Failed = append(s.Failed, c)
		}
	}
	s.Stage = ""
	if err := t.journal.closeBatch(s); err != nil {
		return err
	}
	t.show(say("settled", s.Batch))
	if err := t.printSettlement(false); err != nil {
		return err
	}
	return t.afterSettlement()
}

// afterSettlement does what the acquirer's document wants of a terminal that has settled. None of it undoes the settlement.
func (t *Terminal) afterSettlement() error {
	s := t.cfg.Dialect.Switches()
	if s.SignOffAfterClose {
		if _, err := t.chooseSignOff(); err != nil {
			return err
		}
	}
	if !s.NextBatchBySignOn {
		return nil
	}
	t.stale = true // no host tells the number now: then before the next transaction
	return t.signOn()
}
