package terminal

import (
	"encoding/hex"

	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/transport/dialect"
)

// What is uploaded of a batch. A host that closes with the totals alone wants lines only where they differ, all of them. Others
// want the certificates of the chip in any case, and where the totals differ the other lines too, those of domestic and of foreign
// cards each by their own result (documents of such acquirers: "batch upload").

// packet is one step of an upload: its records are uploaded when all its messages are answered.
type packet struct {
	records  []*Record
	messages []*dialect.Message
}

// packets are what is left to upload, in the order of the batch: what goes together first, and then what goes alone.
func (t *Terminal) packets(s *Settlement) (all []packet) {
	var together []line
	var alone []packet
	for _, l := range t.journal.lines() {
		equal := s.equalFor(l.foreign(t.profile.HomeScheme))
		chip := t.numbersBatches() && l.isChip() && len(l.ICC) > 0
		switch {
		case l.Uploaded || equal && !chip:
		case chip:
			alone = append(alone, t.certificate(l, equal)...)
		case t.numbersBatches() && l.side() == credit: // it has data elements of its own
			if m := t.lineAlone(l, dialect.UploadLines); m != nil {
				alone = append(alone, packet{[]*Record{l.Record}, []*dialect.Message{m}})
			}
		default:
			together = append(together, l)
		}
	}
	for most := max(t.cfg.Dialect.LinesPerUpload(), 1); len(together) > 0; {
		n := min(most, len(together))
		all = append(all, t.linesTogether(s, together[:n]))
		together = together[n:]
	}
	return append(all, alone...)
}

// equalFor is the result for domestic or for foreign cards.
func (s *Settlement) equalFor(foreign bool) bool {
	if foreign && s.Foreign != dialect.SettlementNone {
		return s.Foreign == dialect.SettlementEqual
	}
	return s.Result == dialect.SettlementEqual
}

// foreign tells whether a line's card is of another scheme than the one that is called home.
func (l line) foreign(home string) bool { return home != "" && l.Scheme != "" && l.Scheme != home }

// linesTogether is a message with several lines.
func (t *Terminal) linesTogether(s *Settlement, lines []line) packet {
	m := t.settlementMessage(dialect.KindUpload, s, "")
	m.CurrencyCodeTransaction = ""
	m.NetworkManagementCode = dialect.UploadLines // where the dialect has several
	p := packet{messages: []*dialect.Message{m}}
	for _, l := range lines {
		number, _, err := t.unseal(l.Record)
		if err != nil && len(l.Sealed) > 0 {
			t.remark("line %s goes without its card number: %v", l.STAN, err)
		}
		m.Details = append(m.Details, dialect.Detail{
			Kind: l.about(), STAN: l.STAN, PAN: number, Amount: l.amount, Debit: l.side() == debit, Foreign: l.foreign(t.profile.HomeScheme),
		})
		p.records = append(p.records, l.Record)
	}
	return p
}

// certificate is what the card said in the end, and once more as a notice where it let a sale pass whose host it could not
// authenticate.
func (t *Terminal) certificate(l line, equal bool) []packet {
	codes := []string{dialect.UploadICNotEqual}
	if equal {
		codes = []string{dialect.UploadICEqual}
	}
	if tvr := unhex(l.TVR); len(tvr) == 5 && tlv.TVRIssuerAuthenticationFailed.In(tvr) {
		notice := dialect.UploadNoticeNotEqual
		if equal {
			notice = dialect.UploadNoticeEqual
		}
		codes = append(codes, notice)
	}
	p := packet{records: []*Record{l.Record}}
	for _, code := range codes {
		m := t.lineAlone(l, code)
		if m == nil {
			return nil
		}
		m.ICCSystemRelatedData = l.ICC
		p.messages = append(p.messages, m)
	}
	return []packet{p}
}

// unhex is what hexadecimal digits of our own stand for.
func unhex(s string) []byte {
	b, _ := hex.DecodeString(s) // a record that somebody has spoilt has no TVR
	return b
}

// lineAlone is a message with one line in the data elements of its own transaction, and its STAN; nil: it cannot be made.
func (t *Terminal) lineAlone(l line, code string) *dialect.Message {
	m, err := t.message("", l.Record)
	if err == nil {
		err = t.addNumber(m, l.Record)
	}
	if err != nil {
		t.remark("alarm: line %s cannot be uploaded: %v", l.STAN, err)
		return nil
	}
	m.SetAmount(l.amount)
	m.MTI, m.Kind, m.NetworkManagementCode = "", dialect.KindUpload, code
	m.Original, m.TipAmount, m.CashBackAmount = dialect.Original{}, 0, 0
	m.RetrievalReferenceNumber, m.AuthorizationIDResponse = l.RRN, l.Auth
	return m
}
