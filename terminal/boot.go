package terminal

import (
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// boot comes up from the journal: nothing new is done before what was unfinished is settled or on its way. It always
// reaches the idle state, with or without a host.
func (t *Terminal) boot() error {
	t.show(say("starting"))
	j, err := openJournal(t.cfg.Disk, t.cfg.Rules, func(r *Record, from State) { t.cfg.Observe(Moved{*r, from}) })
	if err != nil {
		return err
	}
	j.closed = func(s Settlement, dropped []*Record) { t.cfg.Observe(BatchClosed{s, dropped}) }
	if err := j.compact(); err != nil { // the power went between the closing of a batch and this
		return err
	}
	t.journal = j
	t.useLoaded()
	if err := t.openModule(); err != nil {
		return err
	}
	if err := t.restoreKeys(); err != nil {
		return err
	}
	if err := t.recover(); err != nil {
		return err
	}
	t.openSlot()
	if !t.keysReady() {
		if err := t.signOn(); err != nil {
			return err
		}
	}
	if _, err := t.reverseDue(); err != nil {
		return err
	}
	if t.kept(rules.ReprintAtBoot) {
		if err := t.reprint(); err != nil {
			return err
		}
	}
	if err := t.sendAdvices(); err != nil {
		return err
	}
	if last := t.journal.batch.last; last != nil && !t.journal.batch.slip && t.kept(rules.ReprintAtBoot) {
		if err := t.printSettlement(true); err != nil {
			return err
		}
	}
	_, err = t.continueSettlement()
	return err
}

// recover makes a reversal of every unknown outcome (T4). A power cut is always reason 98.
func (t *Terminal) recover() error {
	if err := t.expireTaps(); err != nil {
		return err
	}
	for _, r := range t.journal.Records() {
		if r.State == AdviceDue {
			t.attempted[r] = true // nobody knows whether it was sent: the next is a repeat
			if !t.kept(rules.AdvicesSurvivePowerCut) {
				if err := t.journal.advised(r, "", ""); err != nil {
					return err
				}
			}
		}
		if r.State != Pending {
			continue
		}
		if !t.kept(rules.ReverseAtBoot) {
			if err := t.journal.declined(r, ""); err != nil {
				return err
			}
			continue
		}
		t.show(say("unfinished"))
		if err := t.journal.reversalDue(r, dialect.ReasonNoAnswer, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// reprint prints what was owed a receipt when the power went (T3): whether it had come out is not known.
func (t *Terminal) reprint() error {
	for _, r := range t.journal.Records() {
		if r.owedReceipt() && !r.Printed {
			if err := t.receipt(r, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Terminal) openSlot() {
	if t.cfg.Devices.OpenSlot == nil || !t.profile.Takes(EntryModeChip) {
		return
	}
	s, err := t.cfg.Devices.OpenSlot()
	if err != nil {
		t.remark("chip reader: %v", err)
		t.show(say("no-reader"))
		return
	}
	t.slot = s
}
