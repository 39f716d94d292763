package host

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

func TestIssuerCodes(t *testing.T) {
	status := func(st Status) func(*street, *dialect.Message) {
		return func(s *street, _ *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", Status: st}}, 0)
		}
	}
	tests := []struct {
		name   string
		change func(s *street, m *dialect.Message)
		want   string
	}{
		{"approved", func(*street, *dialect.Message) {}, "00"},
		{"lost", status(Lost), "41"},
		{"stolen", status(Stolen), "43"},
		{"restricted", status(Restricted), "62"},
		{"frozen", status(Frozen), "05"},
		{"closed", status(Closed), "14"},
		{"active again", func(s *street, m *dialect.Message) { status(Lost)(s, m); status(Active)(s, m) }, "00"},
		{"unknown account", func(s *street, m *dialect.Message) { m.PrimaryAccountNumber, _ = panOf("4761340000000019") }, "14"},
		{"other sequence number", func(_ *street, m *dialect.Message) { m.CardSequenceNumber = "0002" }, "14"},
		{"expired", func(s *street, _ *dialect.Message) { s.now = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }, "54"},
		{"the last day", func(s *street, _ *dialect.Message) { s.now = time.Date(2030, 12, 31, 23, 59, 0, 0, time.UTC) }, "00"},
		{"other currency", func(_ *street, m *dialect.Message) { m.CurrencyCodeTransaction = "0840" }, "12"},
		{"not a purchase", func(_ *street, m *dialect.Message) { m.ProcessingCode = "200000" }, "12"},
		{"all of the balance", func(_ *street, m *dialect.Message) { m.SetAmount(testBalance) }, "00"},
		{"more than the balance", func(_ *street, m *dialect.Message) { m.SetAmount(testBalance + 1) }, "51"},
		{"a new balance", func(s *street, m *dialect.Message) {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 99}}, 0)
			m.SetAmount(100)
		}, "51"},
		{"unknown status changes nothing", status("asleep"), "00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := s.sale(1, 10000)
			test.change(s, m)
			m.Track2Data = ""
			s.ask(m)
			s.expect("code", s.till.last().ResponseCode, test.want)
			money := ""
			if test.want == "00" {
				money = s.money()
			}
			s.expect("money", s.money(), money)
			s.restart(atIssuer)
			s.expect("money after a restart", s.money(), money)
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

func TestIssuerRefusesWhatItHasDecided(t *testing.T) {
	ask := func(s *street, m *dialect.Message) string {
		for _, f := range s.nodes[atIssuer].m.Step(s.now, Event{Kind: EventMessage, Conn: 1, Message: m}) {
			if f.Send != nil {
				return f.Send.Message.MTI + " " + f.Send.Message.ResponseCode
			}
		}
		return ""
	}
	s := newStreet(t, rules.Set{})
	m, r := s.sale(1, 10000), s.message("0420", 1)
	other := *m
	other.SetAmount(1)
	s.expect("first", ask(s, m), "0210 00")
	s.expect("copy", ask(s, m), "0210 00")
	s.expect("the same key with other contents", ask(s, &other), "0210 94")
	s.expect("reversal", ask(s, r), "0430 00")
	s.expect("its copy", ask(s, r), "0430 00")
	s.expect("the request after its reversal", ask(s, m), "0210 25")
	r = s.message("0420", 2)
	s.expect("reversal of nothing", ask(s, r), "0430 25")
	s.expect("its copy", ask(s, r), "0430 25")
	s.expect("the request that it was for", ask(s, s.sale(2, 10000)), "0210 25")
	s.expect("an advice", ask(s, s.chip("0220", 3, 10000, 1)), "0230 00")
	s.expect("its reversal", ask(s, s.message("0420", 3)), "0430 12")
	bad := Event{Kind: EventMessage, Conn: 1, Message: m, MACBad: true}
	s.expect("bad MAC", s.nodes[atIssuer].m.Step(s.now, bad)[0].Send.Message.ResponseCode, "A0")
	s.expect("money", s.money(), "cardholder -10000 issuer 10000")
}

func TestPINRequired(t *testing.T) {
	s := newStreet(t, rules.Set{}, func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts[0].PINRequired = true })
	s.ask(s.sale(1, 100))
	s.expect("without PIN", s.till.last().ResponseCode, "55")
	s.expect("tries", len(s.view(atIssuer).Accounts), 0)
}

func TestBalanceFollowsTheMoney(t *testing.T) {
	s := newStreet(t, rules.Set{})
	balance := func() int64 {
		return s.nodes[atIssuer].m.(*Issuer).byName["card"].available()
	}
	m := s.sale(1, 300)
	s.ask(m)
	s.expect("after a sale", balance(), testBalance-300)
	s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 5000}}, 0)
	s.expect("set", balance(), 5000)
	s.undo(m, "0400")
	s.expect("after the reversal", balance(), 5300)
	s.restart(atIssuer)
	s.expect("after a restart", balance(), 5300)
}

func TestCryptogram(t *testing.T) {
	tests := []struct {
		name string
		play func(s *street) *dialect.Message // returns the message under test
		want string
		note string
	}{
		{"it verifies", func(s *street) *dialect.Message { return s.chip("0200", 1, 10000, 1) }, "00", ""},
		{"a wrong one", func(s *street) *dialect.Message {
			m := s.chip("0200", 1, 10000, 1)
			m.ICCSystemRelatedData[4] ^= 1
			return m
		}, "05", "does not verify"},
		{"made for another amount", func(s *street) *dialect.Message {
			m := s.chip("0200", 1, 10000, 1)
			m.SetAmount(10)
			return m
		}, "05", "9F02"},
		{"made for another currency", func(s *street) *dialect.Message {
			m := s.chip("0200", 1, 10000, 1)
			b := m.ICCSystemRelatedData
			i := strings.Index(string(b), "\x5F\x2A\x02")
			b[i+4] = 0x57
			return m
		}, "05", "5F2A"},
		{"an element is missing", func(s *street) *dialect.Message {
			m := s.chip("0200", 1, 10000, 1)
			m.ICCSystemRelatedData = m.ICCSystemRelatedData[:len(m.ICCSystemRelatedData)-9] // 9F03
			return m
		}, "05", "9F03"},
		{"issuer application data of another version", func(s *street) *dialect.Message {
			m := s.chip("0200", 1, 10000, 1)
			b := m.ICCSystemRelatedData
			b[strings.Index(string(b), "\x9F\x10\x07")+5] = 0x77
			return m
		}, "05", "9F10"},
		{"a TC where an ARQC belongs", func(s *street) *dialect.Message {
			m := s.chip("0220", 1, 10000, 1)
			m.MTI = "0200"
			return m
		}, "05", "9F27"},
		{"a counter that was used", func(s *street) *dialect.Message {
			s.ask(s.chip("0200", 9, 10000, 1))
			return s.chip("0200", 1, 10000, 1)
		}, "05", "9F36"},
		{"a counter that was used, after a restart", func(s *street) *dialect.Message {
			s.ask(s.chip("0200", 9, 10000, 1))
			s.restart(atIssuer)
			return s.chip("0200", 1, 10000, 1)
		}, "05", "9F36"},
		{"the same cryptogram after a decline", func(s *street) *dialect.Message {
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 1}}, 0)
			s.ask(s.chip("0200", 9, 10000, 1))
			s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: "card", SetBalance: true, Balance: 10000}}, 0)
			return s.chip("0200", 1, 10000, 1)
		}, "00", ""},
		{"an earlier counter that is new", func(s *street) *dialect.Message {
			s.ask(s.chip("0200", 9, 10000, 2))
			return s.chip("0200", 1, 10000, 1)
		}, "00", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			m := test.play(s)
			s.ask(m)
			a := s.till.last()
			s.expect("code", a.ResponseCode, test.want)
			e := s.view(atIssuer).Find(m.Key())
			if !strings.Contains(e.Note, test.note) {
				t.Errorf("note %q, want %q in it", e.Note, test.note)
			}
			if got, ok, _ := tlv.Find(a.ICCSystemRelatedData, tlv.IssuerAuthenticationData); ok != (test.want == "00") || ok && len(got) != 10 {
				t.Errorf("tag 91: %d bytes", len(got))
			}
		})
	}
}

// A card that proved itself is told by whom it is declined: the ARPC is over the code that the answer carries, whoever or
// whatever chose that code.
func TestDeclinesAreProven(t *testing.T) {
	order := func(a Admin) func(s *street) {
		a.Account = "card"
		return func(s *street) { s.step(atIssuer, Event{Kind: EventAdmin, Admin: a}, 0) }
	}
	for _, test := range []struct {
		name   string
		change func(s *street)
		want   string
	}{
		{"approved", func(*street) {}, "00"},
		{"funds", order(Admin{SetBalance: true, Balance: 1}), "51"},
		{"lost", order(Admin{Status: Lost}), "41"},
		{"referral, as ordered", order(Admin{Answer: "01"}), "01"},
		{"the order taken back", func(s *street) { order(Admin{Answer: "01"})(s); order(Admin{Answer: AnswerOwn})(s) }, "00"},
		{"an order that approves changes nothing", order(Admin{Answer: "11"}), "00"},
		{"a status comes before an order", func(s *street) { order(Admin{Answer: "01", Status: Stolen})(s) }, "43"},
		{"forced", func(s *street) {
			s.force = func(at int, _ *dialect.Message) string {
				if at == atIssuer {
					return "02"
				}
				return ""
			}
		}, "02"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStreet(t, rules.Set{})
			test.change(s)
			s.restart(atIssuer)
			m := s.chip("0200", 1, 10000, 1)
			for _, what := range []string{"answer", "answer to a copy"} {
				s.ask(m)
				a := s.till.last()
				s.expect(what, a.ResponseCode, test.want)
				proof, _, err := tlv.Find(a.ICCSystemRelatedData, tlv.IssuerAuthenticationData)
				if err != nil || string(proof) != string(arpc(t, m, test.want)) {
					t.Errorf("%s: tag 91 is %X: want the ARPC over %s", what, proof, test.want)
				}
			}
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
}

// arpc is the issuer authentication data that answers a message of street.chip, by the functions that public vectors prove.
func arpc(t *testing.T, m *dialect.Message, code string) []byte {
	ac, _, err := tlv.Find(m.ICCSystemRelatedData, tlv.ApplicationCryptogram)
	if err != nil || len(ac) != 8 {
		t.Fatalf("tag 9F26: %X, %v", ac, err)
	}
	mk, err := security.ICCMasterKey(publishedIMK, testCard(t).Digits(), "01", security.OptionA)
	if err != nil {
		t.Fatal(err)
	}
	proof := security.ARPC1(mk, [8]byte(ac), [2]byte([]byte(code)))
	return append(proof[:], code...)
}

// A forged message must burn no PIN try.
func TestCryptogramComesBeforeThePIN(t *testing.T) {
	s := newStreet(t, rules.Set{})
	s.signOn(1)
	m := s.chip("0200", 2, 10000, 1)
	m.ICCSystemRelatedData[4] ^= 1
	m.PINData = s.typed("9999")
	s.ask(m)
	s.expect("code", s.till.last().ResponseCode, "05")
	s.expect("accounts touched", len(s.view(atIssuer).Accounts), 0)
}

// plastic is a terminal between the kernel and the street.
type plastic struct {
	s    *street
	pin  string
	stan int
}

func (p *plastic) ChooseApplication([]emv.Candidate) (int, error) { return 0, nil }
func (p *plastic) EnterPIN(*emv.Session) (emv.PINEntry, error)    { return emv.PINEntered, nil }
func (p *plastic) VerifyPIN(*emv.Session, emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	return emv.PINPadAbsent, 0, nil // it announces no offline PIN
}
func (p *plastic) GoOnline(e *emv.Session) (emv.OnlineAnswer, error) {
	m := p.s.message("0200", p.stan)
	m.POSEntryMode = "0051"
	m.SetAmount(10000)
	m.PrimaryAccountNumber = e.PAN()
	for _, tag := range []uint32{0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03, 0x9F33, 0x9F34} {
		if v := e.Data(tag); v != nil {
			m.ICCSystemRelatedData = appendTLV(m.ICCSystemRelatedData, tag, v)
		}
	}
	pad := p.s.till.module.Keypad()
	for i := range len(p.pin) {
		pad.Press(p.pin[i])
	}
	pad.Enter()
	if p.pin != "" {
		block, err := p.s.till.module.EncryptPIN(nil, hsm.PINCarrier{Key: p.s.till.pin, Format: hsm.Format0}, pad, e.PAN())
		if err != nil {
			return emv.OnlineAnswer{}, err
		}
		m.PINData = block[:]
	}
	p.s.ask(m)
	a := p.s.till.last()
	data, _, err := tlv.Find(a.ICCSystemRelatedData, tlv.IssuerAuthenticationData)
	return emv.OnlineAnswer{Reached: true, AuthorisationResponseCode: a.ResponseCode, IssuerAuthenticationData: data}, err
}

// unauthorised is the cards that are made not to come as far as an approval.
var unauthorised = regexp.MustCompile(`^broken-|blocked$|blocked-answers|refuse|declines$|referral|advice|preferred-name|partial-aid|two-apps|purse`) // a purse is asked by tap, in rooms of its own

// cardKeys is the key files that cards name.
func cardKeys(t testing.TB) (all []*card.Keys) {
	t.Helper()
	files, err := filepath.Glob("../testdata/cards/keys/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		k, err := card.ParseKeys(file, src)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

// Every emulated card's cryptogram is verified here, and its answer there: three rooms written apart.
func TestEmulatedCardsAreAuthorised(t *testing.T) {
	files, err := filepath.Glob("../testdata/cards/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cards: %v", err)
	}
	chips := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := card.ParseProfile(name, src, cardKeys(t)...)
		if err != nil {
			t.Fatal(err)
		}
		if unauthorised.MatchString(name) || !p.HasChip || p.Issuer.Expiry.LastDay().Before(streetStart) {
			continue
		}
		chips++
		t.Run(name, func(t *testing.T) {
			s := newStreet(t, rules.Set{}, func(_, _ *RelayConfig, i *IssuerConfig) { i.Accounts = []Account{accountOf(t, i, p)} })
			s.signOn(1)
			c, err := card.New(p)
			if err != nil {
				t.Fatal(err)
			}
			apps := []emv.Application{}
			for _, aid := range [][]byte{{0xA0, 0, 0, 0, 3}, {0xA0, 0, 0, 0, 4}, {0xA0, 0, 0, 3, 0x33}} {
				apps = append(apps, emv.Application{AID: aid, Partial: true, Version: [2]byte{0x00, 0x96}, FloorLimit: 0})
			}
			cfg := &emv.Config{CountryCode: 156, CurrencyCode: 156, CurrencyExponent: 2, Type: 0x22, Capabilities: [3]byte{0x60, 0x60, 0x00},
				AdditionalCapabilities: [5]byte{0xF0, 0, 0xF0, 0xA0, 0x01}, AutoSelect: true, Applications: apps, Rand: rand.NewChaCha8([32]byte{1})}
			for stan, want := range []emv.Result{emv.OnlineApproved, emv.OnlineDeclined} {
				pin := p.Issuer.PIN()
				if want == emv.OnlineDeclined {
					s.step(atIssuer, Event{Kind: EventAdmin, Admin: Admin{Account: name, SetBalance: true, Balance: 1}}, 0)
				}
				c.Reset()
				out, err := emv.Run(c, &plastic{s: s, pin: pin, stan: stan + 2}, cfg, emv.Transaction{Amount: 10000, Time: streetStart, SequenceCounter: uint32(stan + 1)})
				if err != nil {
					t.Fatal(err)
				}
				if out.Result != want {
					t.Errorf("%v, want %v; answered %v, note %q", out.Result, want, s.till.last(), s.view(atIssuer).Transactions[stan].Note)
				}
			}
			s.expect("money", s.money(), "cardholder -10000 acquirer 10000")
			if bad := s.wrong(); len(bad) > 0 {
				t.Error(bad)
			}
		})
	}
	if chips < 3 {
		t.Errorf("only %d cards", chips)
	}
}

func accountOf(t *testing.T, i *IssuerConfig, p *card.Profile) Account {
	a := Account{Name: p.Name, PAN: p.PAN, PANSequenceNumber: p.PANSequenceNumber, Expiry: p.Issuer.Expiry.YYMM(), Currency: p.Issuer.Currency,
		Balance: p.Issuer.Balance, Status: Status(p.Issuer.Status), Family: p.Issuer.Cryptogram, Option: p.Issuer.Derivation}
	var err error
	if a.IssuerMasterKey, err = i.Module.Install("", hsm.Attributes{Usage: hsm.IssuerMasterAC}, p.Issuer.IssuerMasterKey()); err != nil {
		t.Fatal(err)
	}
	if pin := p.Issuer.PIN(); pin != "" {
		block, err := i.Module.PINReference(i.PINReferenceKey, p.PAN, typed(i.Module, pin))
		if err != nil {
			t.Fatal(err)
		}
		a.PINReference = block[:]
	}
	return a
}

func TestAccountsThatCannotWork(t *testing.T) {
	for name, change := range map[string]func(a *Account){
		"no name":         func(a *Account) { a.Name = "" },
		"no number":       func(a *Account) { a.PAN = testCardZero },
		"expiry":          func(a *Account) { a.Expiry = "3013" },
		"currency":        func(a *Account) { a.Currency = "CNY" },
		"status":          func(a *Account) { a.Status = "asleep" },
		"sequence number": func(a *Account) { a.PANSequenceNumber = "1" },
		"reference":       func(a *Account) { a.PINReference = []byte{1} },
		"family":          func(a *Account) { a.Family = "" },
		"twice":           func(a *Account) {},
	} {
		c := issuerConfig(t, rules.Set{})
		bad := c.Accounts[0]
		change(&bad)
		if name == "twice" {
			c.Accounts = append(c.Accounts, bad)
		} else {
			c.Accounts = []Account{bad}
		}
		_, err := NewIssuer(c)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), testCard(t).Digits()) {
			t.Errorf("%s: the error shows a card number", name)
		}
	}
}
