package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// The form of a record on disk: a version, then fields. A field is its number, in one byte, and its value: a number as a
// zigzag varint, text and parts with their length in front, a flag with nothing. Fields stand in order, and one that is
// zero is left out, so that there is one form for every record. A later version adds fields; it never reuses a number.
const recordVersion = 1

// ErrRecord is wrapped by every error about a record that does not decode.
var ErrRecord = errors.New("host: bad record")

// AppendRecord encodes r behind dst.
func AppendRecord(dst []byte, r *Record) []byte {
	c := codec{b: append(dst, recordVersion)}
	c.record(r)
	return c.b
}

// DecodeRecord reads one record, which is all of b and keeps no part of it. Anything unknown, misplaced, left over or
// impossible is an error that wraps ErrRecord and names field and offset.
func DecodeRecord(b []byte) (*Record, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return nil, fmt.Errorf("%w: version: want %d", ErrRecord, recordVersion)
	}
	c := codec{b: b, at: 1, end: len(b), decode: true}
	r := &Record{}
	c.record(r)
	c.done("record")
	if c.err == nil {
		c.err = r.check()
	}
	if c.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, c.err)
	}
	return r, nil
}

// codec walks a record's fields in order, in either direction: one description for both.
type codec struct {
	b       []byte
	at, end int // decoding: the part being read
	decode  bool
	err     error
}

// The field numbers. A number is never given again.
func (c *codec) record(r *Record) {
	c.instant(1, &r.At)
	part(c, 2, &r.Transaction, (*codec).transaction)
	part(c, 3, &r.SignOn, (*codec).signOn)
	part(c, 4, &r.Account, (*codec).account)
	part(c, 5, &r.Calendar, (*codec).calendar)
	c.postings(6, &r.Postings)
	c.deskParts(r)
	part(c, 30, &r.File, (*codec).file)
	part(c, 31, &r.Credit, (*codec).credit)
	part(c, 32, &r.Merchant, (*codec).merchant)
	part(c, 33, &r.Duty, (*codec).duty)
	part(c, 35, &r.Cleared, (*codec).cleared)
	part(c, 45, &r.Epoch, (*codec).epoch)
}

func (c *codec) transaction(t *Transaction) {
	c.key(1, &t.Key)
	small(c, 6, &t.Function)
	small(c, 7, &t.State)
	c.text(8, &t.ProcessingCode)
	number(c, 9, &t.Amount)
	c.text(10, &t.Currency)
	c.text(11, &t.POSEntryMode)
	c.text(12, &t.Card)
	c.text(13, &t.Token)
	c.text(14, &t.Account)
	c.text(15, &t.ATC)
	c.text(16, &t.RetrievalReferenceNumber)
	c.text(17, &t.AuthorizationIDResponse)
	c.text(18, &t.ResponseCode)
	c.text(19, &t.Note)
	c.bytes(20, &t.AnswerICC)
	c.flag(21, &t.ReversalDue)
	c.text(22, &t.ReversalReason)
	c.bytes(23, &t.ReversalICC)
	c.text(24, &t.LateCode)
	c.text(25, &t.BusinessDate)
	c.flag(26, &t.Paid)
	number(c, 27, &t.Fee)
	part(c, 28, &t.Difference, (*codec).difference)
	c.text(29, &t.Key.Batch)
	c.kind(30, t)
	c.key(31, &t.Original)
	c.text(36, &t.Original.Batch)
	number(c, 37, &t.ApprovedAmount)
	c.flag(38, &t.Partial)
	c.text(39, &t.HostTime)
	c.text(40, &t.HostDate)
	c.flag(41, &t.Expired)
	c.text(42, &t.AdditionalAmounts)
	c.transactionAtDesk(t)
	part(c, 60, &t.Payout, (*codec).payout)
	part(c, 61, &t.Risk, (*codec).riskHold)
	c.transactionAtClearing(t)
	c.fees(t)
	c.standIn(t)
}

// fees is what a transaction costs: numbers 80 to 89.
func (c *codec) fees(t *Transaction) {
	c.text(80, (*string)(&t.CardType))
	c.text(81, &t.MerchantCode)
	c.text(82, &t.MerchantName)
	c.text(83, &t.FeePlan)
	number(c, 84, &t.FeeOf)
	c.flag(85, &t.Audited)
	c.flag(86, &t.Overdrawn)
}

// kind is left out where the function says it.
func (c *codec) kind(tag byte, t *Transaction) {
	plain := plainKind(t.Function)
	k := t.Kind
	if !c.decode && k == plain {
		k = 0
	}
	small(c, tag, &k)
	if c.decode {
		if k != 0 && k == plain {
			c.fail(tag, "the kind that the function says: want it left out")
		}
		if k == 0 {
			k = plain
		}
		t.Kind = k
	}
}

func (c *codec) signOn(s *SignOn) {
	c.key(1, &s.Key)
	c.bytes(6, &s.PINKey)
	c.bytes(7, &s.PINKeyCheckValue)
	c.bytes(8, &s.MACKey)
	c.bytes(9, &s.MACKeyCheckValue)
	c.text(10, &s.Key.Batch)
	c.bytes(11, &s.TrackKey)
	c.bytes(12, &s.TrackKeyCheckValue)
}

func (c *codec) account(a *AccountState) {
	c.text(1, &a.Account)
	c.text(2, (*string)(&a.Status))
	number(c, 3, &a.WrongPINs)
	number(c, 4, &a.Adjustment)
	c.text(5, &a.Answer)
	c.bytes(6, &a.PINReference)
	number(c, 7, &a.LastOrder)
	list(c, 8, &a.Orders, maxOrders, (*codec).order)
	c.limits(a)
}

func (c *codec) order(o *Order) {
	number(c, 1, &o.Number)
	c.text(2, (*string)(&o.When))
	c.text(3, &o.Command)
	number(c, 4, &o.Tag)
	number(c, 5, &o.SFI)
	number(c, 6, &o.Record)
	c.bytes(7, &o.Value)
	c.bytes(8, &o.PINBlock)
	c.bytes(9, &o.PINReference)
	small(c, 10, &o.State)
	number(c, 11, &o.Sent)
	c.text(12, &o.ATC)
	number(c, 13, &o.Counted)
	c.text(14, &o.Result)
}

func (c *codec) calendar(r *CalendarRecord) {
	small(c, 1, &r.Kind)
	c.text(2, &r.Date)
}

func (c *codec) posting(p *Posting) {
	c.text(1, &p.From)
	c.text(2, &p.To)
	number(c, 3, &p.Amount)
}

// key takes five field numbers from tag on.
func (c *codec) key(tag byte, k *dialect.Key) {
	c.text(tag, &k.MID)
	c.text(tag+1, &k.TID)
	c.text(tag+2, &k.STAN)
	c.text(tag+3, &k.Date)
	c.text(tag+4, &k.Time)
}

// begin tells whether the field is there: to be written because it is not zero, or to be read because its number is next.
func (c *codec) begin(tag byte, set bool) bool {
	if !c.decode {
		if set {
			c.b = append(c.b, tag)
		}
		return set
	}
	if c.err != nil || c.at >= c.end || c.b[c.at] != tag {
		return false
	}
	c.at++
	return true
}

func (c *codec) fail(tag byte, what string) {
	if c.err == nil {
		c.err = fmt.Errorf("field %d at offset %d: %s", tag, c.at, what)
	}
}

func (c *codec) uvarint(tag byte) uint64 {
	v, n := binary.Uvarint(c.b[c.at:c.end])
	if n <= 0 || n > 1 && c.b[c.at+n-1] == 0 {
		c.fail(tag, "no number in its shortest form")
		return 0
	}
	c.at += n
	return v
}

func number[T int | int64](c *codec, tag byte, v *T) {
	if !c.begin(tag, *v != 0) {
		return
	}
	if !c.decode {
		c.b = binary.AppendVarint(c.b, int64(*v))
		return
	}
	u := c.uvarint(tag)
	if *v = T(int64(u>>1) ^ -int64(u&1)); *v == 0 {
		c.fail(tag, "zero: want it left out")
	}
}

func small[T ~byte](c *codec, tag byte, v *T) {
	n := int64(*v)
	number(c, tag, &n)
	if n < 0 || n > 255 {
		c.fail(tag, "want 1 to 255")
	}
	*v = T(n)
}

func (c *codec) instant(tag byte, t *time.Time) {
	var n int64
	if !t.IsZero() {
		n = t.UnixNano()
	}
	number(c, tag, &n)
	if c.decode && n != 0 {
		*t = time.Unix(0, n).UTC()
	}
}

func (c *codec) flag(tag byte, v *bool) {
	if c.begin(tag, *v) {
		*v = true
	}
}

// length reads a length and returns where the value ends.
func (c *codec) length(tag byte) int {
	n := c.uvarint(tag)
	if c.err == nil && (n == 0 || n > uint64(c.end-c.at)) {
		c.fail(tag, fmt.Sprintf("length %d of the %d bytes that follow: want 1 or more", n, c.end-c.at))
	}
	if c.err != nil {
		return c.at
	}
	return c.at + int(n)
}

func (c *codec) text(tag byte, v *string) {
	if !c.begin(tag, *v != "") {
		return
	}
	if !c.decode {
		c.b = append(binary.AppendUvarint(c.b, uint64(len(*v))), *v...)
		return
	}
	end := c.length(tag)
	*v = string(c.b[c.at:end])
	c.at = end
}

func (c *codec) bytes(tag byte, v *[]byte) {
	if !c.begin(tag, len(*v) > 0) {
		return
	}
	if !c.decode {
		c.b = append(binary.AppendUvarint(c.b, uint64(len(*v))), *v...)
		return
	}
	end := c.length(tag)
	*v = append([]byte(nil), c.b[c.at:end]...)
	c.at = end
}

// part is a structure inside the record. Its length has four bytes, so that it can be put in front afterwards.
func part[T any](c *codec, tag byte, v **T, fields func(*codec, *T)) {
	if !c.begin(tag, *v != nil) {
		return
	}
	if !c.decode {
		at := len(c.b)
		c.b = append(c.b, 0, 0, 0, 0)
		fields(c, *v)
		binary.BigEndian.PutUint32(c.b[at:], uint32(len(c.b)-at-4))
		return
	}
	if c.end-c.at < 4 {
		c.fail(tag, "length is cut short")
		return
	}
	n := binary.BigEndian.Uint32(c.b[c.at:])
	c.at += 4
	if uint64(n) > uint64(c.end-c.at) {
		c.fail(tag, fmt.Sprintf("length %d exceeds the %d bytes that follow", n, c.end-c.at))
		return
	}
	outer := c.end
	c.end = c.at + int(n)
	*v = new(T)
	fields(c, *v)
	c.done(fmt.Sprintf("field %d", tag))
	c.end = outer
}

// maxPostings is more than any record needs: a payout has two.
const maxPostings = 8

func (c *codec) postings(tag byte, v *[]Posting) {
	var all []*Posting
	for i := range *v {
		all = append(all, &(*v)[i])
	}
	list(c, tag, &all, maxPostings, (*codec).posting)
	if c.decode {
		for _, p := range all {
			*v = append(*v, *p)
		}
	}
}

// list is a field that stands as often as the list is long.
func list[T any](c *codec, tag byte, v *[]*T, most int, fields func(*codec, *T)) {
	if !c.decode {
		for _, p := range *v {
			part(c, tag, &p, fields)
		}
		return
	}
	for c.err == nil && c.at < c.end && c.b[c.at] == tag {
		if len(*v) == most {
			c.fail(tag, fmt.Sprintf("more than %d of them", most))
			return
		}
		var p *T
		if part(c, tag, &p, fields); p != nil {
			*v = append(*v, p)
		}
	}
}

// done checks that the part is used up.
func (c *codec) done(what string) {
	if c.err == nil && c.at != c.end {
		c.err = fmt.Errorf("%s: field %d at offset %d is unknown or out of order", what, c.b[c.at], c.at)
	}
}

// maxRecorded is more minor units than any record has: a message has no room for a thousandth of it, and sums stay numbers.
const maxRecorded = 1 << 53

// check refuses what no party writes.
func (r *Record) check() error {
	if r.Transaction == nil && r.SignOn == nil && r.Account == nil && r.Calendar == nil && r.Cleared == nil && r.File == nil && r.Credit == nil && r.Merchant == nil && r.Epoch == nil && r.Duty == nil && !r.desk() {
		return errors.New("no part: want a transaction, sign-on, account, calendar, batch, lines of one, a terminal's state, a file, a credit, a merchant, a duty, the lines of a day or an epoch")
	}
	if len(r.Postings) > 0 && r.Transaction == nil {
		return errors.New("postings without the transaction that they belong to")
	}
	for _, p := range r.Postings {
		if p.From == "" || p.To == "" || p.From == p.To || p.Amount <= 0 || p.Amount > maxRecorded {
			return fmt.Errorf("posting of %d from %q to %q: want two positions and an amount of 1 to 2^53", p.Amount, p.From, p.To)
		}
	}
	if t := r.Transaction; t != nil {
		if err := t.check(); err != nil {
			return err
		}
	}
	if r.Account != nil {
		if err := r.Account.check(); err != nil {
			return err
		}
	}
	if r.Epoch != nil {
		if err := r.Epoch.check(); err != nil {
			return err
		}
	}
	if r.SignOn != nil && r.SignOn.Key.TID == "" {
		return errors.New("sign-on without a terminal")
	}
	if r.Cleared != nil {
		if err := r.Cleared.check(); err != nil {
			return err
		}
	}
	if r.File != nil {
		if err := r.File.check(); err != nil {
			return err
		}
	}
	if r.Credit != nil {
		if err := r.Credit.check(); err != nil {
			return err
		}
	}
	if r.Duty != nil {
		if err := r.Duty.check(); err != nil {
			return err
		}
	}
	if r.Merchant != nil {
		if err := r.Merchant.check(); err != nil {
			return err
		}
	}
	return r.checkDesk()
}

// masked tells whether a card number is not whole.
func masked(card string) bool { return strings.Contains(card, "*") }

func (t *Transaction) check() error {
	switch {
	case t.Key.TID == "" || t.Key.STAN == "":
		return errors.New("transaction without terminal or trace number")
	case t.State < Pending || t.State > Tombstone:
		return fmt.Errorf("state %d: want %d to %d", t.State, Pending, Tombstone)
	case t.Function > Advice || (t.Function == 0) != (t.State == Tombstone):
		return fmt.Errorf("function %d in state %v", t.Function, t.State)
	case t.Kind != dialect.KindNone && t.Kind.String() == dialect.KindNone.String():
		return fmt.Errorf("kind %d: unknown", t.Kind)
	case t.Kind.Advice() != (t.Function == Advice):
		return fmt.Errorf("%v as %v", t.Kind, t.Function)
	case t.Original != dialect.Key{} && (t.Original.TID == "" || t.Original.STAN == ""):
		return errors.New("original without terminal or trace number")
	case t.ApprovedAmount < 0 || t.ApprovedAmount > t.Amount:
		return fmt.Errorf("approved %d of %d", t.ApprovedAmount, t.Amount)
	case t.Amount < 0 || t.Amount > maxRecorded || t.Fee < 0 || t.Fee > maxRecorded:
		return fmt.Errorf("amount %d, fee %d: want 0 to 2^53", t.Amount, t.Fee)
	case t.Card != "" && !masked(t.Card):
		return errors.New("card number is not masked")
	case t.Payout != nil && t.Payout.check() != nil:
		return t.Payout.check()
	case t.Risk != nil && t.Risk.check() != nil:
		return t.Risk.check()
	case t.CardType != "" && !slices.Contains(CardTypes(), t.CardType):
		return fmt.Errorf("card type %q: want credit, debit or qr", t.CardType)
	case t.FeeOf < 0 || t.FeeOf > maxRecorded:
		return fmt.Errorf("fee of %d: want 0 to 2^53", t.FeeOf)
	case t.MerchantCode != "" && !merchantCode(t.MerchantCode):
		return fmt.Errorf("merchant category code %q: want four digits", t.MerchantCode)
	}
	if t.Difference != nil {
		if err := t.Difference.check(); err != nil {
			return err
		}
	}
	if t.Signature != nil {
		if err := t.Signature.check(); err != nil {
			return err
		}
	}
	return t.checkStandIn()
}

func (a *AccountState) check() error {
	switch {
	case a.Account == "":
		return errors.New("account without a name")
	case a.Answer != "" && !Declines(a.Answer):
		return fmt.Errorf("account with the answer %q: want a code that declines", a.Answer)
	case a.PINReference != nil && len(a.PINReference) != 8:
		return fmt.Errorf("account with a PIN reference of %d bytes: want 8", len(a.PINReference))
	}
	last := 0
	for _, o := range a.Orders {
		if err := o.check(); err != nil {
			return err
		}
		if o.Number <= last || o.Number > a.LastOrder {
			return fmt.Errorf("order %d behind order %d of at most %d", o.Number, last, a.LastOrder)
		}
		last = o.Number
	}
	return a.checkLimits()
}
