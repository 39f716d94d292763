package host

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// newPIN is a PIN as an order carries it.
func newPIN(t testing.TB, pin string) []byte {
	m, key := moduleWith(t, 'O')
	pad := m.Keypad()
	for i := range len(pin) {
		pad.Press(pin[i])
	}
	pad.Enter()
	block, err := m.EncryptPIN(nil, hsm.PINCarrier{Key: key(hsm.PINEncryption, 10), Format: hsm.Format0}, pad, testCard(t))
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// give has the issuer told what to tell the card; the error is why it will not.
func (s *street) give(orders ...ScriptOrder) error {
	var refused error
	n := s.nodes[atIssuer]
	for _, f := range n.m.Step(s.now, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Script: orders}}) {
		if f.Append != nil {
			n.log = append(n.log, AppendRecord(nil, f.Append))
		}
		if f.Refused != nil {
			refused = f.Refused
		}
	}
	return refused
}

// orders reads the states of all orders: "due sent".
func (s *street) orders() string {
	var all []string
	for _, a := range s.view(atIssuer).Accounts {
		for _, o := range a.Orders {
			all = append(all, o.State.String())
		}
	}
	return strings.Join(all, " ")
}

// script is one script as the card finds it: the template, the identifier and the command.
type script struct {
	template tlv.Tag
	id       [4]byte
	command  []byte
}

func scriptsOf(t *testing.T, m *dialect.Message) (all []script) {
	r := tlv.NewReader(m.ICCSystemRelatedData)
	for r.Next() {
		if r.Tag() == tlv.IssuerAuthenticationData {
			continue
		}
		id, _, err := tlv.Find(r.Value(), tlv.IssuerScriptIdentifier)
		command, found, err2 := tlv.Find(r.Value(), tlv.IssuerScriptCommand)
		if err != nil || err2 != nil || len(id) != 4 || !found {
			t.Fatalf("script %X", r.Raw())
		}
		all = append(all, script{r.Tag(), [4]byte(id), command})
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return all
}

// cardSession is the card's half of the scripts that answer m: its keys, derived as personalisation does.
func cardSession(t *testing.T, v security.Version, m *dialect.Message) *security.ScriptSession {
	master := func(imk []byte) *security.MasterKey {
		mk, err := security.ICCMasterKey(imk, testCard(t).Digits(), "01", security.OptionA)
		if err != nil {
			t.Fatal(err)
		}
		k, err := security.NewMasterKey(mk)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	data := icc(m.ICCSystemRelatedData)
	s, err := v.ScriptSession(security.ScriptKeys{MAC: master(clearKey(8)), Encipherment: master(clearKey(9)), Cryptogram: master(publishedIMK)},
		[2]byte(data.get(tlv.ApplicationTransactionCounter)), [8]byte(data.get(tlv.ApplicationCryptogram)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is ordered is in the next answer to the chip, sealed for that card and that transaction, and in no other.
func TestOrdersReachTheCard(t *testing.T) {
	s := newStreet(t, rules.Set{})
	if err := s.give(ScriptOrder{When: AfterFinal, Command: ChangePIN, PINBlock: newPIN(t, "4321")}, ScriptOrder{When: BeforeFinal, Command: PutData, Tag: 0x9F58, Value: []byte{5}},
		ScriptOrder{When: AfterFinal, Command: UpdateRecord, SFI: 2, Record: 3, Value: []byte{0x70, 0}}); err != nil {
		t.Fatal(err)
	}
	s.restart(atIssuer)
	s.ask(s.sale(1, 100))
	s.expect("a stripe takes nothing along", s.orders(), "due due due")
	m := s.chip("0200", 2, 10000, 1)
	s.ask(m)
	first := s.till.last()
	s.expect("after the answer", s.orders(), "sent sent sent")
	session := cardSession(t, testVersion(), m)
	want := []struct {
		template tlv.Tag
		id       byte
		header   string
		data     string
	}{
		{tlv.IssuerScriptTemplate1, 2, "84DA9F5809", "05"},
		{tlv.IssuerScriptTemplate2, 1, "8424000218", ""},
		{tlv.IssuerScriptTemplate2, 3, "84DC03140A", "7000"},
	}
	got := scriptsOf(t, first)
	if len(got) != len(want) {
		t.Fatalf("%d scripts: want %d", len(got), len(want))
	}
	for i, w := range want {
		data, err := session.Open(got[i].command)
		if err != nil || got[i].template != w.template || got[i].id != [4]byte{0, 0, 0, w.id} || fmt.Sprintf("%X", got[i].command[:5]) != w.header {
			t.Errorf("script %d: %+v, %v: want %+v", i, got[i], err, w)
		}
		if w.data != "" && fmt.Sprintf("%X", data) != w.data {
			t.Errorf("script %d says %X: want %s", i, data, w.data)
		}
		if w.id == 1 {
			if pin, err := session.DecipherPIN(data, ""); err != nil || fmt.Sprintf("%X", pin) != "244321FFFFFFFFFF" {
				t.Errorf("the card finds another PIN than was ordered: %v", err)
			}
		}
	}
	s.ask(m)
	if !bytes.Equal(s.till.last().ICCSystemRelatedData, first.ICCSystemRelatedData) {
		t.Error("a copy gets another answer")
	}
	s.ask(s.chip("0200", 3, 10000, 2))
	s.expect("a card that has seen none gets them again", s.orders()+" "+fmt.Sprint(len(scriptsOf(t, s.till.last()))), "sent sent sent 3")
}

// A host that fell at the answer has not sent anything, or it has: the log says which, and the copy of the request is
// answered accordingly.
func TestOrdersSurviveAFall(t *testing.T) {
	for stop, want := range map[int]string{crashBeforeLog: "due", crashAfterLog: "sent"} {
		s := newStreet(t, rules.Set{})
		if err := s.give(ScriptOrder{When: AfterFinal, Command: BlockApplication}); err != nil {
			t.Fatal(err)
		}
		s.fault("switch>issuer 0200", stop)
		m := s.chip("0200", 1, 10000, 1)
		s.ask(m)
		s.expect("state", s.orders(), want)
		s.deliver(envelope{atSwitch, atIssuer, s.recode(m)})
		if answer := s.wire[len(s.wire)-1].m; len(scriptsOf(t, answer)) != 1 {
			t.Errorf("the copy is answered %v", answer)
		}
		s.expect("state", s.orders(), "sent")
	}
}

// What proves what became of an order, and what does not.
func TestOrderResults(t *testing.T) {
	result := func(first byte, id ...byte) []byte { return append(append([]byte{first}, 0, 0, 0), id...) }
	fresh, stale := byte(0), byte(0x80) // the last online transaction was completed, or not
	for _, test := range []struct {
		name   string
		orders int
		before byte // what the card reports when it is told
		prove  func(s *street, told *dialect.Message)
		want   string
	}{
		{"nothing comes", 1, 0, func(*street, *dialect.Message) {}, "sent"},
		{"the terminal says done, in the next request", 1, 0, func(s *street, _ *dialect.Message) {
			s.results = result(0x20, 1)
			s.ask(s.chip("0200", 8, 100, 2))
		}, "done"},
		{"in an advice", 1, 0, func(s *street, _ *dialect.Message) { s.results = result(0x20, 1); s.ask(s.chip("0220", 8, 100, 2)) }, "done"},
		{"in the reversal", 1, 0, func(s *street, told *dialect.Message) { s.results = result(0x11, 1); s.undo(told, "0400") }, "failed"},
		{"in the reversal, and not in its repeat", 1, 0, func(s *street, told *dialect.Message) {
			s.results = result(0x20, 1)
			s.undo(told, "0400")
			s.results = result(0x11, 1)
			s.undo(told, "0400")
		}, "done"},
		{"one of two", 2, 0, func(s *street, told *dialect.Message) { s.results = result(0x20, 2); s.undo(told, "0400") }, "sent done"},
		{"both", 2, 0, func(s *street, told *dialect.Message) {
			s.results = append(result(0x11, 2), result(0x20, 1)...)
			s.undo(told, "0400")
		}, "done failed"},
		{"of another script", 1, 0, func(s *street, told *dialect.Message) { s.results = result(0x20, 7); s.undo(told, "0400") }, "sent"},
		{"not performed", 1, 0, func(s *street, told *dialect.Message) { s.results = result(0x00, 1); s.undo(told, "0400") }, "due"},
		{"cut short", 1, 0, func(s *street, told *dialect.Message) { s.results = result(0x20, 1)[:4]; s.undo(told, "0400") }, "sent"},
		{"in a message whose cryptogram is wrong", 1, 0, func(s *street, _ *dialect.Message) {
			s.results = result(0x20, 1)
			m := s.chip("0200", 8, 100, 2)
			m.ICCSystemRelatedData[4] ^= 1
			s.ask(m)
		}, "sent"},
		{"the card says that it took it", 1, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, stale, 0x10}
			s.ask(s.chip("0200", 8, 100, 2))
		}, "done"},
		{"in an advice", 1, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x10}
			s.ask(s.chip("0220", 8, 100, 2))
		}, "done"},
		{"the card says that it failed", 1, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x18}
			s.ask(s.chip("0200", 8, 100, 2))
		}, "failed"},
		{"the card has seen none: it gets it again", 1, 0, func(s *street, _ *dialect.Message) {
			s.ask(s.chip("0220", 8, 100, 2)) // whose answer takes nothing along
		}, "due"},
		{"the card took one of two", 2, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x10}
			s.ask(s.chip("0220", 8, 100, 2))
		}, "sent sent"},
		{"one of two failed", 2, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x28}
			s.ask(s.chip("0220", 8, 100, 2))
		}, "sent sent"},
		{"the count stood there before", 1, 0x10, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, stale, 0x10}
			s.ask(s.chip("0220", 8, 100, 2))
		}, "sent"},
		{"the same count, and the card says that it is new", 1, 0x10, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x10}
			s.ask(s.chip("0220", 8, 100, 2))
		}, "done"},
		{"an earlier transaction of the card", 1, 0, func(s *street, _ *dialect.Message) {
			s.cvr = [3]byte{0, fresh, 0x10}
			s.ask(s.chip("0220", 8, 100, 0))
		}, "sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			for range test.orders {
				if err := s.give(ScriptOrder{When: AfterFinal, Command: UnblockPIN}); err != nil {
					t.Fatal(err)
				}
			}
			s.cvr[2] = test.before
			told := s.chip("0200", 1, 100, 1)
			s.ask(told)
			s.cvr[2] = 0
			if got := strings.Trim(s.orders(), "sent "); got != "" {
				t.Fatalf("before the proof: %s", s.orders())
			}
			test.prove(s, told)
			s.expect("state", s.orders(), test.want)
			s.restart(atIssuer)
			s.expect("state after a restart", s.orders(), test.want)
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

// The account's PIN is the card's: until the card has confirmed the new one it is the old one, and not both.
func TestPINChangesWhenTheCardSaysSo(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.signOn(1)
	try := func(stan int, pin string, atc uint16) string {
		m := s.chip("0200", stan, 100, atc)
		m.PINData = s.typed(pin)
		s.ask(m)
		return s.till.last().ResponseCode
	}
	if err := s.give(ScriptOrder{When: AfterFinal, Command: ChangePIN, PINBlock: newPIN(t, "98765")}); err != nil {
		t.Fatal(err)
	}
	s.expect("the new one before it is sent", try(2, "98765", 1), "55")
	s.expect("sent with a decline", s.orders(), "sent")
	s.cvr = [3]byte{0, 0x80, 0}
	s.expect("the old one, when the card has not seen it", try(3, testPIN, 2), "00")
	s.expect("sent again", s.orders()+fmt.Sprint(" ", s.view(atIssuer).Accounts[0].Orders[0].Sent), "sent 2")
	s.cvr = [3]byte{0, 0, 0x10}
	s.expect("the new one, in the message that proves it", try(4, "98765", 3), "00")
	s.expect("proven", s.orders(), "done")
	s.restart(atIssuer)
	s.expect("the old one", try(5, testPIN, 4), "55")
	s.expect("the new one", try(6, "98765", 5), "00")
	for at, n := range s.nodes {
		for _, b := range n.log {
			for _, clear := range []string{"98765", "\x05\x98\x76", "\x25\x98\x76\x5F"} { // digits, format 0 as far as it is clear, format 2
				if bytes.Contains(b, []byte(clear)) {
					t.Errorf("party %d: the new PIN is in the log", at)
				}
			}
		}
	}
}

func TestOrdersThatCannotBe(t *testing.T) {
	noKey := func(_, _ *RelayConfig, i *IssuerConfig) {
		i.Accounts[0].ScriptMACKey, i.Accounts[0].ScriptEncryptionKey = hsm.Key{}, hsm.Key{}
	}
	noPINs := func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts[0].ScriptEncryptionKey = hsm.Key{} }
	for _, test := range []struct {
		order  ScriptOrder
		change func(_, _ *RelayConfig, i *IssuerConfig)
		want   string
	}{
		{ScriptOrder{When: AfterFinal, Command: BlockCard}, nil, ""},
		{ScriptOrder{When: AfterFinal, Command: BlockCard}, noKey, "imk_smi"},
		{ScriptOrder{When: AfterFinal, Command: ChangePIN, PINBlock: newPIN(t, "1111")}, noPINs, "imk_smc"},
		{ScriptOrder{When: AfterFinal, Command: ChangePIN, PINBlock: []byte("no block")}, nil, "PIN block is not usable"},
		{ScriptOrder{When: AfterFinal, Command: ChangePIN}, nil, "PIN block of 0 bytes"},
		{ScriptOrder{When: AfterFinal, Command: UnblockPIN, PINBlock: newPIN(t, "1111")}, nil, "PIN block of 8 bytes"},
		{ScriptOrder{When: "soon", Command: BlockCard}, nil, `when "soon"`},
		{ScriptOrder{When: AfterFinal, Command: "explode"}, nil, `command "explode"`},
		{ScriptOrder{When: InProof, Command: UnblockApplication}, nil, "card status update"},
		{ScriptOrder{When: AfterFinal, Command: PutData, Value: []byte{1}}, nil, "tag 0"},
		{ScriptOrder{When: AfterFinal, Command: PutData, Tag: 0x5A, Value: []byte{1}}, nil, "tag 5A"},
		{ScriptOrder{When: AfterFinal, Command: PutData, Tag: 0xBF0C, Value: []byte{1}}, nil, "tag BF0C"},
		{ScriptOrder{When: AfterFinal, Command: PutData, Tag: 0x9F58}, nil, "value of 0 bytes"},
		{ScriptOrder{When: AfterFinal, Command: PutData, Tag: 0x9F58, Value: make([]byte, maxOrderValue+1)}, nil, "value of 65 bytes"},
		{ScriptOrder{When: AfterFinal, Command: UpdateRecord, Value: []byte{1}}, nil, "SFI 0, record 0"},
		{ScriptOrder{When: AfterFinal, Command: UpdateRecord, SFI: 31, Record: 1, Value: []byte{1}}, nil, "SFI 31"},
		{ScriptOrder{When: AfterFinal, Command: BlockCard, Record: 300}, nil, "record 300"},
	} {
		var s *street
		if s = newStreet(t, rules.Set{}); test.change != nil {
			s = newStreet(t, rules.Set{}, test.change)
		}
		err := s.give(ScriptOrder{When: AfterFinal, Command: UnblockPIN}, test.order)
		if test.change != nil {
			err = s.give(test.order)
		}
		want := "due due"
		if test.want != "" {
			want = "" // and nothing that stood beside it is taken either
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || s.orders() != want {
			t.Errorf("%+v: %v, orders %q: want %q", test.order.Command, err, s.orders(), test.want)
		}
	}
}

// An answer has room for 128 bytes of scripts; what does not fit waits, and is not overtaken.
func TestOrdersWaitForRoom(t *testing.T) {
	s := newStreet(t, rules.Set{})
	long, short := ScriptOrder{When: AfterFinal, Command: PutData, Tag: 0x9F58, Value: make([]byte, 60)}, ScriptOrder{When: AfterFinal, Command: UnblockPIN}
	if err := s.give(long, long, short); err != nil {
		t.Fatal(err)
	}
	s.ask(s.chip("0200", 1, 100, 1))
	s.expect("what fits", s.orders(), "sent due due")
	s.cvr[2] = 0x10
	s.ask(s.chip("0200", 2, 100, 2))
	s.expect("the rest", s.orders(), "done sent sent")
}

// An account remembers so many orders: closed ones are forgotten, the oldest first, and open ones are not.
func TestOrdersAreBounded(t *testing.T) {
	s := newStreet(t, rules.Set{})
	unblock := ScriptOrder{When: AfterFinal, Command: UnblockPIN}
	for i := range maxOrders {
		if err := s.give(unblock); err != nil {
			t.Fatalf("order %d: %v", i, err)
		}
	}
	if err := s.give(unblock); err == nil || !strings.Contains(err.Error(), "more than 16 orders are open") {
		t.Errorf("one too many: %v", err)
	}
	s.ask(s.chip("0200", 1, 100, 1))
	s.cvr[2] = byte(strings.Count(s.orders(), "sent")) << 4
	s.ask(s.chip("0220", 2, 100, 2))
	if err := s.give(unblock); err != nil {
		t.Fatal(err)
	}
	orders := s.view(atIssuer).Accounts[0].Orders
	s.expect("how many", len(orders), maxOrders)
	s.expect("the newest", orders[maxOrders-1].Number, maxOrders+1)
	s.expect("the oldest", orders[0].Number, 2)
}

// ARPC method 2 carries bits that tell the card what to do; under method 1 such an order stays due.
func TestOrdersInTheProof(t *testing.T) {
	for v, want := range map[security.Version]string{security.VisaCVN10: "due due", security.VisaCVN18: "sent sent"} {
		s := newStreet(t, rules.Set{})
		s.version = v
		if err := s.give(ScriptOrder{When: InProof, Command: BlockApplication}, ScriptOrder{When: InProof, Command: UnblockPIN}); err != nil {
			t.Fatal(err)
		}
		m := s.chip("0200", 1, 100, 1)
		s.ask(m)
		s.expect(v.String(), s.orders(), want)
		if scripts := scriptsOf(t, s.till.last()); len(scripts) != 0 {
			t.Errorf("%v: %d scripts", v, len(scripts))
		}
		if v.ARPCMethod() == 1 {
			continue
		}
		mk, err := security.ICCMasterKey(publishedIMK, testCard(t).Digits(), "01", security.OptionA)
		if err != nil {
			t.Fatal(err)
		}
		master, err := security.NewMasterKey(mk)
		if err != nil {
			t.Fatal(err)
		}
		data := icc(m.ICCSystemRelatedData)
		session, err := v.Session(master, data.get(tlv.ApplicationTransactionCounter), data.get(tlv.UnpredictableNumber))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := session.VerifyIssuerAuthenticationData([8]byte(data.get(tlv.ApplicationCryptogram)), icc(s.till.last().ICCSystemRelatedData).get(tlv.IssuerAuthenticationData))
		if err != nil || fmt.Sprintf("%X", [4]byte(answer.CardStatusUpdate)) != "03B20000" || !answer.Approved {
			t.Errorf("card status update %X, %v", answer.CardStatusUpdate, err)
		}
	}
}

func FuzzScriptResults(f *testing.F) {
	f.Add([]byte{0x9F, 0x5B, 5, 0x20, 0, 0, 0, 1})
	f.Add([]byte{0x9F, 0x5B, 10, 0x11, 0, 0, 0, 1, 0, 0, 0, 0, 2})
	f.Add([]byte{0x9F, 0x5B, 4, 0x11, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var back []byte
		for _, r := range scriptResults(icc(b)) {
			back = append(append(back, r.first), r.identifier[:]...)
			if s := r.state(); s != OrderDone && s != OrderFailed && s != OrderDue || len(r.String()) != 10 {
				t.Errorf("%v: %v", r, s)
			}
		}
		if got := icc(b).get(tlv.IssuerScriptResults); len(back) > 0 && !bytes.Equal(back, got) || len(back) == 0 && len(got) > 0 && len(got)%5 == 0 && len(got) <= 5*maxOrders {
			t.Errorf("%X reads %X", got, back)
		}
	})
}

// An order that is refused says so, and is not mistaken for an unknown account.
func TestRefusedOrdersAreNoUnknownAccount(t *testing.T) {
	s := newStreet(t, rules.Set{})
	if err := s.give(ScriptOrder{When: "soon"}); err == nil || errors.Is(err, ErrUnknownAccount) {
		t.Error(err)
	}
}
