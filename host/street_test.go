package host

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// A street is acquirer, switch and issuer without runners: the test decides what becomes of every message and timer.
type street struct {
	t      testing.TB
	now    time.Time
	nodes  []*node // acquirer, switch, issuer; of a bureau the bank and the aggregator, too
	till   *till
	wire   []envelope
	held   []envelope
	faults map[string]int // "terminal>acquirer 0200" -> what befalls the next one
	bank   *Bank
	naive  rules.Set
	line   func(*dialect.Message) *dialect.Message // what the terminal's line makes of an answer; nil: it is iso87
	force  func(to int, m *dialect.Message) string // the code that a party is made to decide with; nil: none
	paper  func(*File)                             // takes every file; nil: only the bank reads any
	cut    func(at int) int                        // asked of each step that has records to write: a crash, 0 for none
	no     []error                                 // what was refused
	alarms []string

	version security.Version // of the card; the zero Version: testVersion
	cvr     [3]byte          // of its results behind the first byte, which is a length
	results []byte           // tag 9F5B of the next message
}

const (
	atTerminal = iota - 1
	atAcquirer
	atSwitch
	atIssuer
)

var placeNames = map[int]string{atTerminal: "terminal", atAcquirer: "acquirer", atSwitch: "switch", atIssuer: "issuer"}

const (
	lose = iota + 1
	double
	hold
	crashBeforeLog // the receiver loses power before its log is durable
	crashAfterLog  // the receiver loses power before it answers
)

type envelope struct {
	from, to int
	m        *dialect.Message
}

func (e envelope) String() string {
	return placeNames[e.from] + ">" + placeNames[e.to] + " " + e.m.MTI
}

type node struct {
	make   func() Machine
	m      Machine
	log    [][]byte
	timers map[Timer]time.Time
	order  []Timer
}

// till is the terminal's memory.
type till struct {
	module   *hsm.Module
	master   hsm.Key
	pin      hsm.Key
	got      []*dialect.Message
	said     map[dialect.Key]string // the code of the first answer to a request
	asked    []*dialect.Message     // what was asked or told, once for every key
	part     map[dialect.Key]int64  // the amounts of partial approvals
	reversed map[dialect.Key]bool
	amount   map[dialect.Key]int64
}

var streetStart = time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC)

const (
	testTID, testMID = "SIM00001", "SIM000000000001"
	testBalance      = 1_000_000
	testPIN          = "1234"
)

// testVersion is the first in the table: the ICC master key itself, ARPC method 1.
func testVersion() security.Version { return security.Versions()[0] }

func clearKey(n byte) []byte {
	b := make([]byte, 16)
	for i := range b {
		b[i] = n*16 + byte(i)*7 + 1
	}
	return b
}

func testCard(t testing.TB) pan.PAN {
	p, err := pan.Parse("4761739001010119")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func moduleWith(t testing.TB, seed byte) (*hsm.Module, func(u hsm.Usage, n byte) hsm.Key) {
	m := hsm.New(rand.NewChaCha8([32]byte{seed}))
	return m, func(u hsm.Usage, n byte) hsm.Key {
		k, err := m.Install("", hsm.Attributes{Usage: u}, clearKey(n))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

// Test keys: 1 terminal master, 2/3 acquirer-switch MAC/PIN, 4/5 switch-issuer, 6 token, 7 PIN reference, 8/9 script MAC/encipherment, 10 PINs of orders; the issuer master key is the published one.
func acquirerConfig(t testing.TB, naive rules.Set) RelayConfig {
	m, key := moduleWith(t, 'A')
	return RelayConfig{Name: "acquirer", Acquirer: true, Module: m, TokenKey: key(hsm.MACAlgorithm3, 6), Rules: naive,
		Terminals: []TerminalKeys{{TID: testTID, MID: testMID, Key: key(hsm.KeyEncryption, 1)}},
		Above:     Hop{MAC: key(hsm.MACAlgorithm3, 2), PIN: key(hsm.PINEncryption, 3)}}
}

func switchConfig(t testing.TB, naive rules.Set) RelayConfig {
	m, key := moduleWith(t, 'S')
	return RelayConfig{Name: "switch", Module: m, TokenKey: key(hsm.MACAlgorithm3, 6), Rules: naive,
		Below: Hop{MAC: key(hsm.MACAlgorithm3, 2), PIN: key(hsm.PINEncryption, 3)}, Above: Hop{MAC: key(hsm.MACAlgorithm3, 4), PIN: key(hsm.PINEncryption, 5)}}
}

var publishedIMK = []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}

func issuerConfig(t testing.TB, naive rules.Set) IssuerConfig {
	m, key := moduleWith(t, 'I')
	reference := key(hsm.PINVerification, 7)
	block, err := m.PINReference(reference, testCard(t), typed(m, testPIN))
	if err != nil {
		t.Fatal(err)
	}
	imk, err := m.Install("imk", hsm.Attributes{Usage: hsm.IssuerMasterAC}, publishedIMK)
	if err != nil {
		t.Fatal(err)
	}
	return IssuerConfig{Name: "issuer", Module: m, TokenKey: key(hsm.MACAlgorithm3, 6), Rules: naive, PINReferenceKey: reference, OrderPINKey: key(hsm.PINEncryption, 10),
		Below: Hop{MAC: key(hsm.MACAlgorithm3, 4), PIN: key(hsm.PINEncryption, 5)},
		Accounts: []Account{{Name: "card", PAN: testCard(t), PANSequenceNumber: "01", Expiry: "3012", Currency: "156", Balance: testBalance,
			PINReference: block[:], IssuerMasterKey: imk, Family: testVersion().Family(), Option: security.OptionA,
			ScriptMACKey: key(hsm.IssuerMasterSMI, 8), ScriptEncryptionKey: key(hsm.IssuerMasterSMC, 9)}}}
}

func newStreet(t testing.TB, naive rules.Set, change ...func(*RelayConfig, *RelayConfig, *IssuerConfig)) *street {
	a, s, i := acquirerConfig(t, naive), switchConfig(t, naive), issuerConfig(t, naive)
	for _, f := range change {
		f(&a, &s, &i)
	}
	st := &street{t: t, now: streetStart, faults: map[string]int{}, naive: naive}
	must := func(m Machine, err error) Machine {
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, build := range []func() Machine{
		func() Machine { return must(NewRelay(a)) },
		func() Machine { return must(NewRelay(s)) },
		func() Machine { return must(NewIssuer(i)) },
	} {
		st.nodes = append(st.nodes, &node{make: build, m: build(), timers: map[Timer]time.Time{}})
	}
	st.bank = testBank(t)
	module, key := moduleWith(t, 'T')
	st.till = &till{module: module, master: key(hsm.KeyEncryption, 1), said: map[dialect.Key]string{}, reversed: map[dialect.Key]bool{}, amount: map[dialect.Key]int64{}, part: map[dialect.Key]int64{}}
	return st
}

// testBankConfig has the accounts of the test's merchant.
func testBankConfig(naive rules.Set) BankConfig {
	return BankConfig{Name: "bank", Rules: naive, Accounts: []BankAccount{
		{AccountName(testMID, AccountOpen), AccountOpen}, {AccountName(testMID, AccountClosed), AccountClosed}, {AccountName(testMID, AccountFrozen), AccountFrozen},
	}}
}

// testBank is the bank of the test's merchant.
func testBank(t testing.TB) *Bank {
	b, err := NewBank(testBankConfig(rules.Set{}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bankTakes has the bank take files, and gives its own to the acquirer.
func bankTakes(b *Bank, now time.Time, give func(*File), all ...*File) {
	for _, f := range all {
		if f.To != "bank" {
			continue
		}
		for _, x := range append([]Effect(nil), b.Step(now, Event{Kind: EventFile, File: f})...) {
			if x.File != nil {
				give(x.File)
			}
		}
	}
}

// step gives one node an event. What it appends goes through the codec; stop says how much of the rest happens.
func (s *street) step(at int, e Event, stop int) {
	n := s.nodes[at]
	var out []*File
	fx := append([]Effect(nil), n.m.Step(s.now, e)...)
	if s.cut != nil && stop == 0 && slices.ContainsFunc(fx, func(f Effect) bool { return f.Append != nil }) {
		stop = s.cut(at)
	}
	for _, f := range fx {
		switch {
		case f.File != nil && stop == 0:
			out = append(out, f.File)
		case f.Append != nil:
			if stop != crashBeforeLog {
				n.log = append(n.log, AppendRecord(nil, f.Append))
			}
		case f.Refused != nil:
			s.no = append(s.no, f.Refused)
		case f.Alarm != nil:
			s.alarms = append(s.alarms, f.Alarm.String())
		case f.Send != nil && (stop == 0 || stop == crashBeforeLog && !s.naive.Kept(rules.LogBeforeAnswer)):
			to := at - 1
			if f.Send.Conn == 0 {
				to = at + 1
			}
			if to == atTerminal && s.line != nil {
				s.till.receive(s.line(f.Send.Message))
				continue
			}
			s.post(envelope{at, to, s.recode(f.Send.Message)})
		case f.Set != nil:
			if _, on := n.timers[f.Set.Timer]; !on {
				n.order = append(n.order, f.Set.Timer)
			}
			n.timers[f.Set.Timer] = s.now.Add(f.Set.After)
		case f.Cancel != Timer{}:
			delete(n.timers, f.Cancel)
		}
	}
	if s.paper == nil {
		bankTakes(s.bank, s.now, func(f *File) { s.step(atAcquirer, Event{Kind: EventFile, File: f}, 0) }, out...)
	} else {
		for _, f := range out {
			s.paper(f)
		}
	}
	if stop != 0 {
		s.restart(at)
	}
}

// restart forgets everything but the log.
func (s *street) restart(at int) {
	n := s.nodes[at]
	n.m, n.timers, n.order = n.make(), map[Timer]time.Time{}, nil
	for _, b := range n.log {
		r, err := DecodeRecord(b)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := n.m.Apply(r); err != nil {
			s.t.Fatal(err)
		}
	}
	s.step(at, Event{Kind: EventBoot}, 0)
}

// recode makes sure that every message fits the dialect.
func (s *street) recode(m *dialect.Message) *dialect.Message {
	b, err := dialect.ISO87().Pack(m, nil)
	if err != nil {
		s.t.Fatalf("%v: %v", m, err)
	}
	if m, err = dialect.ISO87().Unpack(b); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *street) post(e envelope) { s.wire = append(s.wire, e) }

func (s *street) deliver(e envelope) {
	if e.to == atTerminal {
		s.till.receive(e.m)
		return
	}
	conn := 1
	if e.from > e.to {
		conn = 0
	}
	stop := s.faults[e.String()]
	if stop >= crashBeforeLog {
		delete(s.faults, e.String())
	} else {
		stop = 0
	}
	event := Event{Kind: EventMessage, Conn: conn, Message: e.m}
	if s.force != nil {
		event.Force = s.force(e.to, e.m)
	}
	s.step(e.to, event, stop)
}

// run delivers everything, in order.
func (s *street) run() {
	for n := 0; len(s.wire) > 0; n++ {
		if n > 10000 {
			s.t.Fatal("the street never falls silent")
		}
		e := s.wire[0]
		s.wire = s.wire[1:]
		switch s.faults[e.String()] {
		case lose:
			delete(s.faults, e.String())
			continue
		case hold:
			delete(s.faults, e.String())
			s.held = append(s.held, e)
			continue
		case double:
			delete(s.faults, e.String())
			s.deliver(e)
		}
		s.deliver(e)
	}
}

// release lets go what was held.
func (s *street) release() {
	s.wire, s.held = append(s.wire, s.held...), nil
	s.run()
}

// pass lets time go by: timers fire in order.
func (s *street) pass(d time.Duration) {
	end := s.now.Add(d)
	for {
		var at int
		var which Timer
		var when time.Time
		for i, n := range s.nodes {
			for _, t := range n.order {
				if due, on := n.timers[t]; on && !due.After(end) && (when.IsZero() || due.Before(when)) {
					at, which, when = i, t, due
				}
			}
		}
		if when.IsZero() {
			break
		}
		s.now = when
		delete(s.nodes[at].timers, which)
		s.step(at, Event{Kind: EventTimer, Timer: which}, 0)
		s.run()
	}
	s.now = end
}

func (s *street) fault(where string, what int) { s.faults[where] = what }

func (tl *till) receive(m *dialect.Message) {
	tl.got = append(tl.got, m)
	if m.MTI == "0110" || m.MTI == "0210" || m.MTI == "0230" && !dialect.Undecided(m.ResponseCode) {
		if _, ok := tl.said[m.Key()]; !ok && !tl.reversed[m.Key()] {
			tl.said[m.Key()] = m.ResponseCode
			if m.ResponseCode == codePartiallyApproved {
				tl.part[m.Key()] = m.AmountTransaction
			}
		}
	}
}

func (tl *till) last() *dialect.Message {
	if len(tl.got) == 0 {
		return &dialect.Message{}
	}
	return tl.got[len(tl.got)-1]
}

func (s *street) message(mti string, stan int) *dialect.Message {
	m := &dialect.Message{MTI: mti, ProcessingCode: "000000", SystemsTraceAuditNumber: fmt.Sprintf("%06d", stan), TimeLocalTransaction: "140500", DateLocalTransaction: "0302",
		POSEntryMode: "0021", CardAcceptorTerminalIdentification: testTID, CardAcceptorIdentificationCode: testMID, CurrencyCodeTransaction: "0156"}
	return m
}

// sale is a stripe sale. The terminal's next one has the next trace number.
func (s *street) sale(stan int, amount int64) *dialect.Message {
	m := s.message("0200", stan)
	m.SetAmount(amount)
	m.Track2Data = testCard(s.t).Digits() + "=3012201000000000000"
	m.PrimaryAccountNumber = testCard(s.t)
	return m
}

// ask sends a request and lets everything happen.
func (s *street) ask(m *dialect.Message) {
	s.till.remember(m)
	s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
	s.run()
}

func (tl *till) remember(m *dialect.Message) {
	if _, ok := tl.amount[m.Key()]; !ok {
		tl.asked = append(tl.asked, m)
	}
	tl.amount[m.Key()] = m.AmountTransaction
}

// stands tells whether the terminal has an approval and has not reversed it.
func (tl *till) stands(m *dialect.Message) bool {
	return dialect.Approves(tl.said[m.Key()]) && !tl.reversed[m.Key()]
}

// after is the next message of a terminal about another one: a void, a refund, a completion.
func (s *street) after(k dialect.Kind, stan int, o *dialect.Message, amount int64) *dialect.Message {
	m := s.message("", stan)
	m.Kind = k
	if err := dialect.ISO87().Shape(m); err != nil {
		s.t.Fatal(err)
	}
	m.SetAmount(amount)
	m.BatchNumber = o.BatchNumber
	m.Original = dialect.Original{Batch: o.BatchNumber, STAN: o.SystemsTraceAuditNumber, Date: o.DateLocalTransaction, Time: o.TimeLocalTransaction}
	return m
}

// kind makes another kind of a sale.
func (s *street) kind(k dialect.Kind, m *dialect.Message) *dialect.Message {
	m.Kind = k
	if err := dialect.ISO87().Shape(m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// undo sends the reversal of a request, at first or again.
func (s *street) undo(m *dialect.Message, mti string) {
	s.till.reversed[m.Key()] = true
	r := s.message(mti, 0)
	r.Kind, r.BatchNumber, r.ProcessingCode = m.Kind, m.BatchNumber, m.ProcessingCode
	r.SystemsTraceAuditNumber, r.ReversalReason = m.SystemsTraceAuditNumber, "98"
	if s.results != nil {
		r.ICCSystemRelatedData = appendTLV(nil, 0x9F5B, s.results)
		s.results = nil
	}
	r.SetAmount(m.AmountTransaction)
	s.post(envelope{atTerminal, atAcquirer, s.recode(r)})
	s.run()
}

// chip is a request with the cryptogram of the emulated account, computed by the functions that public vectors prove.
func (s *street) chip(mti string, stan int, amount int64, atc uint16) *dialect.Message {
	m := s.message(mti, stan)
	m.SetAmount(amount)
	m.POSEntryMode, m.CardSequenceNumber = "0051", "0001"
	m.PrimaryAccountNumber = testCard(s.t)
	cid := byte(cidARQC)
	if mti != "0200" {
		cid = cidTC
	}
	v := s.version
	if v == 0 {
		v = testVersion()
	}
	values := map[uint32][]byte{0x9F02: bcdAmount(amount), 0x9F03: make([]byte, 6), 0x9F1A: {1, 0x56}, 0x95: make([]byte, 5), 0x5F2A: {1, 0x56},
		0x9A: {0x26, 3, 2}, 0x9C: {0}, 0x9F37: {1, 2, 3, 4}, 0x82: {0x1C, 0}, 0x9F36: {byte(atc >> 8), byte(atc)}, 0x9F10: {6, 1, v.Number(), 3, 0xA0 | s.cvr[0], s.cvr[1], s.cvr[2]}, 0x9F27: {cid}}
	get := func(tag uint32) []byte { return values[tag] }
	mk, err := security.ICCMasterKey(publishedIMK, testCard(s.t).Digits(), "01", security.OptionA)
	if err != nil {
		s.t.Fatal(err)
	}
	input, err := v.Input(get)
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := v.Key(mk, values[0x9F36], nil)
	if err != nil {
		s.t.Fatal(err)
	}
	ac, err := v.Cryptogram(key, input)
	if err != nil {
		s.t.Fatal(err)
	}
	values[0x9F26] = ac[:]
	for _, tag := range []uint32{0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03} {
		m.ICCSystemRelatedData = appendTLV(m.ICCSystemRelatedData, tag, values[tag])
	}
	if s.results != nil {
		m.ICCSystemRelatedData = appendTLV(m.ICCSystemRelatedData, 0x9F5B, s.results)
		s.results = nil
	}
	return m
}

func appendTLV(dst []byte, tag uint32, v []byte) []byte {
	if tag > 0xFF {
		dst = append(dst, byte(tag>>8))
	}
	return append(append(dst, byte(tag), byte(len(v))), v...)
}

func bcdAmount(n int64) []byte {
	b := make([]byte, 6)
	for i := 5; i >= 0; i-- {
		b[i] = byte(n%10) | byte(n/10%10)<<4
		n /= 100
	}
	return b
}

func (s *street) view(at int) *View { return s.nodes[at].m.View() }

func (s *street) positions() map[string]int64 {
	return Positions(s.view(atAcquirer), s.view(atSwitch), s.view(atIssuer))
}

// money reads positions that are not zero, as "acquirer 100 cardholder -100".
func (s *street) money() string {
	var b []string
	p := s.positions()
	for _, name := range []string{"cardholder", "issuer", "switch", "acquirer", "suspense", "merchant", "fees", "wallet", "purse-pool"} {
		if p[name] != 0 {
			b = append(b, fmt.Sprintf("%s %d", name, p[name]))
		}
	}
	return strings.Join(b, " ")
}

// wrong is the judge: what is not as it must be once everything has drained.
func (s *street) wrong() (bad []string) {
	if x, ok := s.nodes[2].m.(*Issuer); ok && x.Moved() != s.positions()[PositionCardholder]+s.positions()[PositionWallet]+s.positions()[PositionPursePool] {
		bad = append(bad, fmt.Sprintf("I2 the accounts changed by %d and the postings say %d", x.Moved(), s.positions()[PositionCardholder]))
	}
	for at, n := range s.nodes {
		for _, e := range n.m.View().Unresolved() {
			bad = append(bad, fmt.Sprintf("I3 %s: %s is %v, reversal due %v", placeNames[at], e.Key, e.State, e.ReversalDue))
		}
	}
	for _, m := range s.till.asked {
		if purposeOf(kindOf(m)) == charging {
			bad = append(bad, s.wrongSale(m)...)
		}
	}
	return append(bad, s.wrongHolds()...)
}

// wrongSale judges one sale with all that names it.
func (s *street) wrongSale(m *dialect.Message) (bad []string) {
	k := m.Key()
	want, most := int64(0), m.AmountTransaction
	if s.till.stands(m) {
		if want = m.AmountTransaction; s.till.part[k] > 0 {
			want = s.till.part[k]
		}
	}
	group := []*dialect.Message{m}
	for _, d := range s.till.asked {
		if d.OriginalKey() != k {
			continue
		}
		group = append(group, d)
		switch {
		case purposeOf(d.Kind) == adjusting:
			most = max(most, d.AmountTransaction)
			if s.till.stands(d) {
				want = d.AmountTransaction
			}
		case !s.till.stands(d):
		case d.Kind == dialect.KindRefund:
			want -= d.AmountTransaction
		case purposeOf(d.Kind) == undoing:
			want = 0
		}
	}
	var debit, held int64
	open := false
	for _, d := range group {
		for at, n := range s.nodes {
			e := n.m.View().Find(d.Key())
			if e == nil {
				continue
			}
			open = open || e.Difference != nil
			switch {
			case at == atIssuer && e.Kind == dialect.KindRefund && e.State == Approved && !e.Paid:
				debit -= e.Amount // the switch has it, and the next clearing brings it
			case at == atIssuer:
				debit += e.charged()
			case at == atAcquirer:
				held += e.Net(PositionAcquirer) + e.Net(PositionMerchant) + e.Net(PositionFees)
			}
		}
	}
	if debit < 0 || debit > most {
		bad = append(bad, fmt.Sprintf("I1 %s: debited %d of %d", k, debit, most))
	}
	if !open && (debit != held || debit != want) {
		bad = append(bad, fmt.Sprintf("I4 %s: the terminal has %d, debited %d, acquirer and merchant hold %d", k, want, debit, held))
	}
	return bad
}

// wrongHolds judges the pre-authorisations: the terminal's view of them, and the account's.
func (s *street) wrongHolds() (bad []string) {
	var sum int64
	for _, e := range s.view(atIssuer).Transactions {
		if sum += e.Hold; e.Hold < 0 {
			bad = append(bad, fmt.Sprintf("I1 %s holds %d", e.Key, e.Hold))
		}
	}
	if x, ok := s.nodes[atIssuer].m.(*Issuer); ok {
		for _, a := range x.byName {
			sum -= a.held
		}
	}
	if sum != 0 {
		bad = append(bad, fmt.Sprintf("I2 the entries hold %d more than the accounts", sum))
	}
	for _, m := range s.till.asked {
		if purposeOf(m.Kind) != holding {
			continue
		}
		var want, got int64
		if s.till.stands(m) {
			want = m.AmountTransaction
		}
		for _, d := range s.till.asked {
			if d.OriginalKey() == m.Key() && s.till.stands(d) && !s.voided(d) {
				want = 0
			}
		}
		e := s.view(atIssuer).Find(m.Key())
		if e != nil {
			got = e.Hold
		}
		if want != got && !(e != nil && e.Expired) {
			bad = append(bad, fmt.Sprintf("I4 %s: the terminal has %d held, the issuer %d", m.Key(), want, got))
		}
	}
	return bad
}

func (s *street) voided(m *dialect.Message) bool {
	for _, d := range s.till.asked {
		if d.OriginalKey() == m.Key() && purposeOf(d.Kind) == undoing && s.till.stands(d) {
			return true
		}
	}
	return false
}

func (s *street) expect(what string, got, want any) {
	s.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// signOn gets session keys, and imports them at the terminal.
func (s *street) signOn(stan int) dialect.SessionKeys {
	m := s.message("0800", stan)
	m.ProcessingCode, m.CurrencyCodeTransaction, m.POSEntryMode = "", "", ""
	m.NetworkManagementCode = dialect.NetworkSignOn
	s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
	s.run()
	a := s.till.last()
	if a.MTI != "0810" || a.ResponseCode != codeApproved {
		s.t.Fatalf("sign-on answered %v", a)
	}
	keys, err := dialect.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.till.pin, err = s.till.module.Import(hsm.Attributes{Usage: hsm.PINEncryption}, s.till.master, keys.PINKey[:], keys.PINKeyCheckValue[:]); err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// typed is a PIN block as the terminal's pad makes it.
func (s *street) typed(pin string) []byte {
	pad := s.till.module.Keypad()
	for i := range len(pin) {
		pad.Press(pin[i])
	}
	pad.Enter()
	block, err := s.till.module.EncryptPIN(nil, hsm.PINCarrier{Key: s.till.pin, Format: hsm.Format0}, pad, testCard(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return bytes.Clone(block[:])
}

var testCardZero pan.PAN

func panOf(digits string) (pan.PAN, error) { return pan.Parse(digits) }
