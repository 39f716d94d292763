package host

import (
	"github.com/posim/posim/transport/dialect"
)

// A batch is closed by its terminal: it sends totals, the acquirer compares them with its log and says so, and where they are
// not equal the lines follow, and an end. The acquirer compares the lines when the end comes, and what differs becomes an
// item for people. Every answer is durable before it leaves, and a copy of what is answered gets the same again: so the
// terminal may begin anew wherever it stopped.
//
// Of a terminal that numbers its batches nothing closes one but the end; then the next number counts. Of another one totals
// that are equal close it at once, and what comes after them is of the next batch.

// atDesk does what is no transaction, and tells whether it was such a thing.
func (x *Relay) atDesk(e Event) bool {
	work := map[dialect.Kind]func(Event){
		dialect.KindSettlement: x.settlement, dialect.KindUpload: x.upload, dialect.KindUploadEnd: x.uploadEnd,
		dialect.KindSignature: x.signature, dialect.KindScriptResult: x.scriptResult,
	}[e.Message.Kind]
	if work == nil || !x.cfg.Acquirer && e.Message.Kind != dialect.KindScriptResult || dialect.Class(e.Message.MTI) == dialect.ClassReversal {
		return false
	}
	switch {
	case e.Force != "" && !dialect.Approves(e.Force):
		x.refuse(e.Conn, e.Message, e.Force)
	case !whole(e.Message.Key()):
		x.refuse(e.Conn, e.Message, codeFormat)
	default:
		work(e)
	}
	return true
}

// meant is the batch that a message about one means. A terminal that numbers its batches says so; of another one it is the
// present one, unless the message is a copy, or names the number of one that is closed.
func (x *Relay) meant(e Event) (Batch, bool) {
	m, b := e.Message, &x.book.batches
	id := terminalID{m.CardAcceptorIdentificationCode, m.CardAcceptorTerminalIdentification}
	if e.numbersBatches() {
		return b.find(id, m.BatchNumber)
	}
	if last := b.last[id]; last != nil && last.State == BatchClosed {
		if k := m.Key(); k == last.Settlement || k == last.End || m.BatchNumber != "" && m.BatchNumber == last.Settlement.Batch {
			return *last, true
		}
	}
	return b.current(id), true
}

func (b *Batch) id() batchID { return batchID{terminalID{b.MID, b.TID}, b.Number} }

// settlement is the totals of a batch.
func (x *Relay) settlement(e Event) {
	m := e.Message
	b, known := x.meant(e)
	switch {
	case !known:
		x.refuse(e.Conn, m, codeBatch)
	case b.State != BatchOpen && (b.Settlement == m.Key() || b.State == BatchClosed && m.Totals != nil && *m.Totals == b.Terminal):
		x.answerTotals(e, &b)
	case b.State == BatchClosed:
		x.refuse(e.Conn, m, codeBatch)
	default:
		x.compare(e, b)
	}
}

// compare compares the totals with the log.
func (x *Relay) compare(e Event, b Batch) {
	m := e.Message
	_, host := x.count(b.id())
	b.State, b.Settlement, b.Host, b.Uploaded, b.Items = BatchCompared, m.Key(), host, 0, 0
	b.Result, b.ForeignResult = dialect.SettlementError, dialect.SettlementError
	if m.Totals != nil {
		b.Terminal = *m.Totals
		b.Result, b.ForeignResult = resultOf(&b.Terminal, &b.Host)
	}
	if b.Result == dialect.SettlementEqual && b.ForeignResult == dialect.SettlementEqual && !e.numbersBatches() {
		x.closed(e, &b)
	}
	x.add(&Record{Batch: &b}, x.Apply)
	x.answerTotals(e, &b)
}

// resultOf compares totals. The log does not tell cards of other schemes apart, so theirs go with the others.
func resultOf(terminal, host *dialect.Totals) (domestic, foreign dialect.SettlementResult) {
	if all(terminal.Debits, terminal.ForeignDebits) == all(host.Debits, host.ForeignDebits) &&
		all(terminal.Credits, terminal.ForeignCredits) == all(host.Credits, host.ForeignCredits) {
		return dialect.SettlementEqual, dialect.SettlementEqual
	}
	if terminal.ForeignDebits == (dialect.Total{}) && terminal.ForeignCredits == (dialect.Total{}) {
		return dialect.SettlementNotEqual, dialect.SettlementEqual
	}
	return dialect.SettlementNotEqual, dialect.SettlementNotEqual
}

func all(x, y dialect.Total) dialect.Total {
	return dialect.Total{Count: x.Count + y.Count, Amount: x.Amount + y.Amount}
}

// answerTotals says how the totals compare, and what ours are.
func (x *Relay) answerTotals(e Event, b *Batch) {
	a := answerTo(e.Message, codeApproved)
	host := b.Host
	a.Totals, a.SettlementResult, a.ForeignResult = &host, b.Result, b.ForeignResult
	x.send(e.Conn, a)
}

// upload is lines of a batch that was compared. Lines of a batch that is closed are copies, or come too late to matter.
func (x *Relay) upload(e Event) {
	m := e.Message
	b, known := x.meant(e)
	lines := linesOf(m)
	switch {
	case !known:
		x.refuse(e.Conn, m, codeBatch)
	case b.State == BatchOpen:
		x.refuse(e.Conn, m, codeReconcile)
	case len(lines) == 0 || len(lines) > maxUploadLines:
		x.refuse(e.Conn, m, codeFormat)
	case b.State == BatchClosed:
		x.refuse(e.Conn, m, codeApproved)
	case b.Uploaded+len(lines) > maxLines:
		x.refuse(e.Conn, m, codeReconcile)
	default:
		if fresh := x.fresh(b.id(), lines); len(fresh) > 0 {
			u := &Upload{MID: b.MID, TID: b.TID, Number: b.Number, Lines: fresh}
			if u.check() != nil {
				x.refuse(e.Conn, m, codeFormat)
				return
			}
			x.add(&Record{Upload: u}, x.Apply)
		}
		x.refuse(e.Conn, m, codeApproved)
	}
}

// fresh are the lines that have not come before as they are.
func (x *Relay) fresh(id batchID, lines []*Line) (fresh []*Line) {
	for _, l := range lines {
		if old, ok := x.book.batches.lines[id.terminalID][l.STAN]; !ok || !old.same(l) {
			fresh = append(fresh, l)
		}
	}
	return fresh
}

func (l *Line) same(o *Line) bool {
	return l.Kind == o.Kind && l.Amount == o.Amount && l.Debit == o.Debit && l.Card == o.Card && string(l.Certificate) == string(o.Certificate) && l.Notice == o.Notice
}

// linesOf are the lines that a message brings: several, or one in the data elements of its own transaction, with what the
// card said in the end.
func linesOf(m *dialect.Message) (lines []*Line) {
	for _, d := range m.Details {
		lines = append(lines, &Line{STAN: d.STAN, Kind: d.Kind, Amount: d.Amount, Debit: d.Debit, Card: d.PAN.Masked()})
	}
	if len(lines) == 0 && m.HasAmount {
		stan := m.Original.STAN
		if stan == "" {
			stan = m.SystemsTraceAuditNumber
		}
		lines = append(lines, &Line{STAN: stan, Amount: m.AmountTransaction, Debit: true, Card: m.PrimaryAccountNumber.Masked()})
	}
	if len(lines) == 1 {
		lines[0].Certificate = icc(m.ICCSystemRelatedData).forDecisions()
	}
	switch m.NetworkManagementCode {
	case dialect.UploadNoticeEqual, dialect.UploadNoticeNotEqual, dialect.UploadLoadEqual, dialect.UploadLoadNotEqual:
		for _, l := range lines {
			l.Notice = true
		}
	}
	return lines
}

// uploadEnd closes the batch.
func (x *Relay) uploadEnd(e Event) {
	m := e.Message
	b, known := x.meant(e)
	switch {
	case !known:
		x.refuse(e.Conn, m, codeBatch)
		return
	case b.State == BatchOpen: // nothing was compared, or something was sold since
		x.refuse(e.Conn, m, codeReconcile)
		return
	case b.State == BatchCompared:
		if b.Result != dialect.SettlementEqual || b.ForeignResult != dialect.SettlementEqual {
			b.Items = x.reconcile(&b)
		}
		x.closed(e, &b)
		x.add(&Record{Batch: &b}, x.Apply)
	}
	a := answerTo(m, codeApproved)
	if !e.numbersBatches() {
		if a.SettlementResult = dialect.SettlementEqual; b.Items > 0 {
			a.SettlementResult = dialect.SettlementNotEqual
		}
	}
	x.send(e.Conn, a)
}

func (x *Relay) closed(e Event, b *Batch) {
	b.State, b.End, b.BusinessDate = BatchClosed, e.Message.Key(), x.book.businessDate(x.now)
}

// reopened takes a comparison back because the terminal sells once more in that batch: what was compared is not what it
// closes with.
func (x *Relay) reopened(b Batch) {
	x.add(&Record{Batch: &Batch{MID: b.MID, TID: b.TID, Number: b.Number, State: BatchOpen}}, x.Apply)
}
