package host

import (
	"reflect"
	"testing"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func macKey(t *testing.T, s *street) (hsm.Key, bool) {
	k, _, ok := s.nodes[atAcquirer].m.MACKey(1, s.sale(1, 1))
	return k, ok
}

func TestSignOn(t *testing.T) {
	s := newStreet(t, rules.Set{})
	if _, ok := macKey(t, s); ok {
		t.Fatal("a session before the sign-on")
	}
	first := s.signOn(1)
	key, ok := macKey(t, s)
	if !ok || [3]byte(first.MACKeyCheckValue) != key.CheckValue() {
		t.Fatalf("MAC key %v, want check value %X", key, first.MACKeyCheckValue)
	}
	if again := s.signOn(1); !reflect.DeepEqual(again, first) {
		t.Error("a copy of the sign-on got other keys")
	}
	second := s.signOn(2)
	if reflect.DeepEqual(second, first) {
		t.Error("the next sign-on got the same keys")
	}
	if key, ok = macKey(t, s); !ok || [3]byte(second.MACKeyCheckValue) != key.CheckValue() {
		t.Errorf("after the next sign-on the MAC key is %v, want check value %X", key, second.MACKeyCheckValue)
	}
	s.restart(atAcquirer)
	if key, ok = macKey(t, s); !ok || [3]byte(second.MACKeyCheckValue) != key.CheckValue() {
		t.Errorf("after a restart the MAC key is %v, want check value %X", key, second.MACKeyCheckValue)
	}
	s.fault("terminal>acquirer 0800", crashBeforeLog)
	m := s.message("0800", 3)
	m.ProcessingCode, m.CurrencyCodeTransaction, m.POSEntryMode = "", "", ""
	m.NetworkManagementCode = dialect.NetworkSignOn
	s.post(envelope{atTerminal, atAcquirer, s.recode(m)})
	s.run()
	if key, ok = macKey(t, s); !ok || [3]byte(second.MACKeyCheckValue) != key.CheckValue() {
		t.Errorf("after a sign-on that was not logged the MAC key is %v, want check value %X", key, second.MACKeyCheckValue)
	}
}

// A thousand sign-ons must not fill the module.
func TestSignOnsReplaceEachOther(t *testing.T) {
	s := newStreet(t, rules.Set{})
	for i := range 3000 {
		s.signOn(i + 1)
		if _, ok := macKey(t, s); !ok {
			t.Fatalf("sign-on %d: no session", i+1)
		}
		s.till.got = nil
		if err := s.till.module.Erase(s.till.pin); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNetworkManagement(t *testing.T) {
	tests := []struct {
		name      string
		at        int
		code, tid string
		want      string
	}{
		{"echo at the acquirer", atAcquirer, "301", testTID, "00"},
		{"echo at the switch", atSwitch, "301", "", "00"},
		{"echo at the issuer", atIssuer, "301", "", "00"},
		{"sign-on at the switch", atSwitch, "001", testTID, "12"},
		{"sign-on at the issuer", atIssuer, "001", testTID, "12"},
		{"sign-on of an unknown terminal", atAcquirer, "001", "SIM00002", "03"},
		{"another code", atAcquirer, "002", testTID, "12"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := s.message("0800", 1)
			m.CardAcceptorTerminalIdentification, m.NetworkManagementCode = test.tid, test.code
			fx := s.nodes[test.at].m.Step(s.now, Event{Kind: EventMessage, Conn: 1, Message: m})
			if len(fx) != 1 || fx[0].Send == nil {
				t.Fatalf("%d effects", len(fx))
			}
			s.expect("answer", fx[0].Send.Message.MTI+" "+fx[0].Send.Message.ResponseCode, "0810 "+test.want)
		})
	}
}

// The PIN goes from the terminal's pad to the issuer through four modules, under another key on every hop.
func TestPINGoesThroughEveryHop(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.signOn(1)
	seen := map[string]bool{}
	pay := func(stan int, pin string) string {
		m := s.sale(stan, 100)
		m.PINData = s.typed(pin)
		seen[string(m.PINData)] = true
		s.ask(m)
		return s.till.last().ResponseCode
	}
	s.expect("right PIN", pay(2, testPIN), "00")
	for stan, want := range map[int]string{3: "55", 4: "55"} {
		s.expect("wrong PIN", pay(stan, "9999"), want)
	}
	s.expect("right PIN after two wrong ones", pay(5, testPIN), "00")
	s.expect("wrong PINs in a row", s.view(atIssuer).Accounts[0].WrongPINs, 0)
	for stan := 6; stan <= 8; stan++ {
		s.expect("wrong PIN", pay(stan, "9999"), "55")
	}
	s.restart(atIssuer)
	s.expect("the count is durable", pay(9, testPIN), "75")
	s.expect("money", s.money(), "cardholder -200 acquirer 200")
	spoiled := s.sale(10, 100)
	spoiled.PINData = s.typed(testPIN)
	spoiled.PINData[0] ^= 1
	s.ask(spoiled)
	s.expect("a block that does not decode", s.till.last().ResponseCode, "96")
	e := s.view(atAcquirer).Find(spoiled.Key())
	if e == nil || e.State != Declined || s.view(atSwitch).Find(spoiled.Key()) != nil {
		t.Error("a block that cannot be translated is declined, logged and goes nowhere")
	}
	if bad := s.wrong(); len(bad) > 0 {
		t.Error(bad)
	}
}

func TestPINBlockIsUnderAnotherKeyOnEveryHop(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.signOn(1)
	m := s.sale(2, 100)
	m.PINData = s.typed(testPIN)
	s.fault("acquirer>switch 0200", hold)
	s.ask(m)
	up := s.held[0].m.PINData
	s.fault("switch>issuer 0200", hold)
	s.release()
	top := s.held[0].m.PINData
	if string(up) == string(m.PINData) || string(top) == string(up) || len(top) != 8 {
		t.Error("the PIN block is the same on two hops")
	}
	s.release()
	s.expect("code", s.till.last().ResponseCode, "00")
	for at, n := range s.nodes {
		for _, r := range n.log {
			for _, block := range [][]byte{m.PINData, up, top, []byte(testCard(t).Digits()), []byte("=3012")} {
				if contains(r, block) {
					t.Errorf("%s logs a PIN block, a card number or track data", placeNames[at])
				}
			}
		}
	}
}

func contains(b, part []byte) bool {
	for i := 0; i+len(part) <= len(b); i++ {
		if string(b[i:i+len(part)]) == string(part) {
			return true
		}
	}
	return false
}

func TestForgedSessionInTheLogIsNoSession(t *testing.T) {
	x, err := NewRelay(acquirerConfig(t, rules.Set{}))
	if err != nil {
		t.Fatal(err)
	}
	s := &SignOn{Key: dialect.Key{TID: testTID}, PINKey: make([]byte, 16), PINKeyCheckValue: make([]byte, 3), MACKey: make([]byte, 16), MACKeyCheckValue: make([]byte, 3)}
	if err := x.Apply(&Record{SignOn: s}); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := x.MACKey(1, &dialect.Message{CardAcceptorTerminalIdentification: testTID}); ok {
		t.Error("a key whose check value is wrong was taken")
	}
}
