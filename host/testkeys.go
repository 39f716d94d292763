package host

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
	"github.com/posim/posim/transport/dialect"
)

// The keys of the house. All are published test keys or are made of their digits; they protect nothing.
const (
	// TestTerminalMaster is what personalisation puts into every terminal and into the acquirer, in hexadecimal.
	TestTerminalMaster = "0123456789ABCDEFFEDCBA9876543210"

	testBaseTDES     = "76543210FEDCBA9889ABCDEF01234567"
	testBaseAES      = "FEDCBA9876543210F1F1F1F1F1F1F1F1" // X9.24-3's example
	testTransport    = "000102030405060708090A0B0C0D0E0F" // under which initial keys travel to a terminal
	testUpMAC        = "1111111111111111ABABABABABABABAB"
	testUpPIN        = "22222222222222223434343434343434"
	testIssuerMAC    = "4545454545454545898989898989898A"
	testIssuerPIN    = "67676767676767679191919191919191"
	testToken        = "23232323232323235757575757575757"
	testPINReference = "79797979797979793232323232323232"
	testOrderPIN     = "5454545454545454686868686868686B"
	testSeal         = "1F1E1D1C1B1A191817161514131211100F0E0D0C0B0A09080706050403020100"
)

// TerminalName is a terminal and its merchant as an acquirer lists them, how its messages are protected, and what it speaks.
type TerminalName struct {
	TID, MID  string
	Scheme    hsm.Scheme
	Dialect   *dialect.Dialect // nil: whatever its line does
	Downloads Downloads        // what it may load
	Code      string           // merchant category code
	Plan      *FeePlan         // what its merchant has agreed to pay; nil: the house's
	Settles   Settlement       // when he is paid; "": SettleT1
}

// House is what the parties of one test house are made from. Its methods build a machine with a module of its own,
// and the test keys in it; rand is the module's, and a cryptographic source wherever more than a simulation depends on it.
type House struct {
	Terminals  []TerminalName
	Cards      []*card.Profile   // each has an account at the issuer, named like the card
	Wallets    []Wallet          // they have accounts there too
	Plan       *FeePlan          // of terminals that have none; nil: StandardPlan
	Books      *Booking          // what the acquirer books every sale as instead of what it is
	Clearing   ClearingPolicy    // how the acquirer settles differences
	Risk       []RiskRule        // which sales the acquirer holds back
	Aggregator *AggregatorConfig // who is paid for the merchants; nil: they are
	Refunds    RefundPolicy
	StandIn    *StandIn  // what the switch may approve in the issuer's place; nil: nothing
	PayTo      Standing  // how the accounts stand that merchants are paid to; "": open
	Rules      rules.Set // rules left out
}

// Wallet is somebody who pays with a code on his telephone.
type Wallet struct {
	Name     string
	Code     string // the digits in the code
	Currency string // ISO 4217 number
	Balance  int64  // minor units
}

// Acquirer builds the party that faces the terminals.
func (h *House) Acquirer(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	cfg := RelayConfig{
		Name: "acquirer", Acquirer: true, Module: k.m, Rules: h.Rules, Plan: h.Plan, Books: h.Books, Refunds: h.Refunds, Clearing: h.Clearing, BINs: h.bins(), StandIn: h.StandIn, PayTo: h.PayTo, Risk: h.Risk, Aggregator: h.Aggregator,
		Above:    Hop{MAC: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testUpMAC), PIN: k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testUpPIN)},
		TokenKey: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testToken),
	}
	shared := map[string]hsm.Key{}
	for _, t := range h.Terminals {
		keys := t.Scheme.Keys()
		if shared[keys].IsZero() {
			shared[keys] = k.load(testAcquirerKey(t.Scheme))
		}
		d := TerminalKeys{TID: t.TID, MID: t.MID, Scheme: t.Scheme, Key: shared[keys], Dialect: t.Dialect, Downloads: t.Downloads, Code: t.Code, Plan: t.Plan, Settles: t.Settles}
		if t.Scheme.DUKPT() {
			d.KSN = testKSN(t, 0)
		}
		cfg.Terminals = append(cfg.Terminals, d)
	}
	return k.relay(cfg)
}

// bins is the acquirer's table of the house's cards.
func (h *House) bins() BINs {
	types := make(map[string]CardType, len(h.Cards))
	for _, p := range h.Cards {
		types[p.PAN.Digits()] = CardType(p.Type)
	}
	return newBINs(types)
}

// Bank builds the merchants' bank. Each merchant has an account there of every standing; which of them he is paid to is the
// acquirer's to know.
func (h *House) Bank(rand io.Reader) (Machine, *hsm.Module, error) {
	cfg := BankConfig{Name: bankName, Rules: h.Rules}
	known := map[string]bool{}
	for _, t := range h.Terminals {
		if known[t.MID] {
			continue
		}
		known[t.MID] = true
		for _, s := range []Standing{AccountOpen, AccountClosed, AccountFrozen} {
			cfg.Accounts = append(cfg.Accounts, BankAccount{Name: AccountName(t.MID, s), Standing: s})
		}
	}
	m, err := NewBank(cfg)
	return m, hsm.New(rand), err
}

// Passer builds the aggregator; a house without one has none to build.
func (h *House) Passer(rand io.Reader) (Machine, *hsm.Module, error) {
	if h.Aggregator == nil {
		return nil, nil, errors.New("host: no aggregator: want one in the house")
	}
	m, err := NewAggregator(*h.Aggregator)
	return m, hsm.New(rand), err
}

// Switch builds the party between acquirer and issuer.
func (h *House) Switch(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	cfg := RelayConfig{
		Name: "switch", Module: k.m, Rules: h.Rules,
		Below:    Hop{MAC: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testUpMAC), PIN: k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testUpPIN)},
		Above:    Hop{MAC: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testIssuerMAC), PIN: k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testIssuerPIN)},
		TokenKey: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testToken),
	}
	if cfg.StandIn = h.StandIn; h.StandIn != nil {
		cfg.SealKey = k.load(hsm.Attributes{Usage: hsm.Sealing}, testSeal)
	}
	return k.relay(cfg)
}

// Issuer builds the party that holds the accounts.
func (h *House) Issuer(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	cfg := IssuerConfig{
		Name: "issuer", Module: k.m, Rules: h.Rules,
		Below:           Hop{MAC: k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testIssuerMAC), PIN: k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testIssuerPIN)},
		TokenKey:        k.load(hsm.Attributes{Usage: hsm.MACAlgorithm3}, testToken),
		PINReferenceKey: k.load(hsm.Attributes{Usage: hsm.PINVerification}, testPINReference),
		OrderPINKey:     k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testOrderPIN),
	}
	masters := map[masterName]hsm.Key{}
	for _, p := range h.Cards {
		a, err := k.account(cfg.PINReferenceKey, masters, p)
		if err != nil {
			return nil, nil, fmt.Errorf("host: account of card %s: %w", p.Name, err)
		}
		cfg.Accounts = append(cfg.Accounts, a)
	}
	for _, w := range h.Wallets {
		cfg.Accounts = append(cfg.Accounts, Account{Name: w.Name, Code: w.Code, Currency: w.Currency, Balance: w.Balance, Expiry: noExpiry})
	}
	if k.err != nil {
		return nil, nil, k.err
	}
	m, err := NewIssuer(cfg)
	if err != nil {
		return nil, nil, err
	}
	return m, k.m, nil
}

// noExpiry is of what does not expire: a wallet.
const noExpiry = "9912"

// keyring loads keys into a module; the first error stays.
type keyring struct {
	m     *hsm.Module
	label string // of the key that is loaded
	err   error
}

// relay is a relay with these keys, and what holds them.
func (k *keyring) relay(cfg RelayConfig) (*Relay, *hsm.Module, error) {
	if k.err != nil {
		return nil, nil, k.err
	}
	m, err := NewRelay(cfg)
	if err != nil {
		return nil, nil, err
	}
	return m, k.m, nil
}

func (k *keyring) load(a hsm.Attributes, digits string) hsm.Key {
	clear, err := hex.DecodeString(digits)
	if err == nil {
		var key hsm.Key
		if key, err = k.m.Install(k.label, a, clear); err == nil {
			return key
		}
	}
	if k.err == nil {
		k.err = fmt.Errorf("host: test key: %w", err)
	}
	return hsm.Key{}
}

// account is a card's account as the issuer keeps it: the PIN is a reference under a key, and never text.
func (k *keyring) account(references hsm.Key, masters map[masterName]hsm.Key, p *card.Profile) (Account, error) {
	i := &p.Issuer
	a := Account{
		Name: p.Name, PAN: p.PAN, PANSequenceNumber: p.PANSequenceNumber, Currency: i.Currency,
		Balance: i.Balance, Status: Status(i.Status), Expiry: i.Expiry.YYMM(), Option: i.Derivation,
		Purse: p.HasPurse(),
	}
	if pin := i.PIN(); pin != "" {
		block, err := k.m.PINReference(references, p.PAN, typed(k.m, pin))
		if err != nil {
			return a, err
		}
		a.PINReference = block[:]
	}
	if i.IMKName == "" {
		return a, nil
	}
	a.IssuerMasterKey, a.Family = k.master(masters, hsm.IssuerMasterAC, i.IMKName, i.IssuerMasterKey()), i.Cryptogram
	a.ScriptMACKey = k.master(masters, hsm.IssuerMasterSMI, i.SMIName, i.ScriptMACKey())
	a.ScriptEncryptionKey = k.master(masters, hsm.IssuerMasterSMC, i.SMCName, i.ScriptEncryptionKey())
	return a, k.err
}

// masterName is an issuer master key as profiles name it: several cards have one.
type masterName struct {
	usage hsm.Usage
	name  string
}

// master is the master key of that name, loaded once; the zero Key for no name.
func (k *keyring) master(loaded map[masterName]hsm.Key, u hsm.Usage, name string, clear []byte) hsm.Key {
	if name == "" {
		return hsm.Key{}
	}
	key, ok := loaded[masterName{u, name}]
	if !ok {
		key = k.load(hsm.Attributes{Usage: u}, hex.EncodeToString(clear))
		loaded[masterName{u, name}] = key
	}
	return key
}

// TestPINBlock is a PIN as an order to change one carries it to an issuer of the house (ScriptOrder): ISO 9564-1 format 0,
// under the house's key for that. It is for whoever plays the people who give orders.
func TestPINBlock(number pan.PAN, digits string) ([]byte, error) {
	k := keyring{m: hsm.New(strings.NewReader(""))} // nothing here is random
	key := k.load(hsm.Attributes{Usage: hsm.PINEncryption}, testOrderPIN)
	if k.err != nil {
		return nil, k.err
	}
	block, err := k.m.EncryptPIN(nil, hsm.PINCarrier{Key: key, Format: innerFormat}, typed(k.m, digits), number)
	if err != nil {
		return nil, fmt.Errorf("host: PIN of an order: %w", err)
	}
	return block, nil
}

// typed is a PIN as somebody has entered it.
func typed(m *hsm.Module, digits string) *hsm.Keypad {
	pad := m.Keypad()
	for i := range len(digits) {
		pad.Press(digits[i])
	}
	pad.Enter()
	return pad
}

// testAcquirerKey is the key that an acquirer has for terminals of a scheme.
func testAcquirerKey(s hsm.Scheme) (hsm.Attributes, string) {
	switch s.Keys() {
	case hsm.DUKPTTDES:
		return hsm.Attributes{Usage: hsm.BaseDerivation, Algorithm: hsm.TDES}, testBaseTDES
	case hsm.DUKPTAES:
		return hsm.Attributes{Usage: hsm.BaseDerivation, Algorithm: hsm.AES}, testBaseAES
	}
	return hsm.Attributes{Usage: hsm.KeyEncryption}, TestTerminalMaster
}

// testKSN is a terminal's initial key serial number for the keys that it gets after times others: what it is called says which
// devices speak for it, and the last four bits of the device say which of them. The numbers have letters in them so that none is
// taken for a card's.
func testKSN(t TerminalName, times int) []byte {
	h := fnv.New32a()
	h.Write([]byte(t.TID)) // a hash does not fail
	device := h.Sum32()&^0xFF | 0xA0 | uint32(times)
	if t.Scheme.Keys() == hsm.DUKPTAES {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{0xF0, 0xF1, 0xF2, 0xF3}, device), 0)
	}
	low := uint64(device&0x7FFFF) << 21 // X9.24-1: 19 bits of device, 21 of counter
	return append([]byte{0xFF, 0xFF, 0xFA, 0x98, 0xFE}, byte(low>>32), byte(low>>24), byte(low>>16), byte(low>>8), byte(low))
}

// TestDeviceKey puts into a terminal's module what personalisation puts there for its scheme, with a label: the terminal master
// key, or the device's initial key, which comes in a key block from a key injection facility. times, 0 to 15, is how often that
// terminal has had keys before.
func TestDeviceKey(m *hsm.Module, label string, t TerminalName, times int, rand io.Reader) (hsm.Key, error) {
	if !t.Scheme.DUKPT() {
		k := keyring{m: m, label: label}
		key := k.load(t.Scheme.DeviceKey(), TestTerminalMaster)
		return key, k.err
	}
	if times < 0 || times >= sameTerminal {
		return hsm.Key{}, fmt.Errorf("host: initial key of %s: keys for the %d. time: want at most %d", t.TID, times+1, sameTerminal)
	}
	transport := hsm.Attributes{Usage: hsm.KeyBlockProtection, Algorithm: hsm.AES}
	facility := keyring{m: hsm.New(rand)}
	base, under := facility.load(testAcquirerKey(t.Scheme)), facility.load(transport, testTransport)
	terminal := keyring{m: m, err: facility.err}
	own := terminal.load(transport, testTransport)
	if terminal.err != nil {
		return hsm.Key{}, terminal.err
	}
	block, err := facility.m.DeriveInitialKey(base, under, testKSN(t, times))
	if err != nil {
		return hsm.Key{}, fmt.Errorf("host: initial key of %s: %w", t.TID, err)
	}
	key, err := m.ImportKeyBlock(label, own, block)
	if err == nil {
		err = m.Erase(own)
	}
	if err != nil {
		return hsm.Key{}, fmt.Errorf("host: initial key of %s: %w", t.TID, err)
	}
	return key, nil
}

// TestKeys is every key of the house in hexadecimal, for whoever searches what leaves the process for them.
func TestKeys() []string {
	return []string{TestTerminalMaster, testBaseTDES, testBaseAES, testTransport, testUpMAC, testUpPIN, testIssuerMAC, testIssuerPIN, testToken, testPINReference, testOrderPIN, testSeal}
}
