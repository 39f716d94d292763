package host

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/internal/rules"
)

// The keys of the house. All are published test keys or are made of their digits; they protect nothing.
const (
	// TestTerminalMaster is what personalisation puts into every terminal and into the acquirer, in hexadecimal.
	TestTerminalMaster = "0123456789ABCDEFFEDCBA9876543210"

	testUpMAC        = "1111111111111111ABABABABABABABAB"
	testUpPIN        = "22222222222222223434343434343434"
	testIssuerMAC    = "4545454545454545898989898989898A"
	testIssuerPIN    = "67676767676767679191919191919191"
	testToken        = "23232323232323235757575757575757"
	testPINReference = "79797979797979793232323232323232"
	testOrderPIN     = "5454545454545454686868686868686B"
)

// TerminalName is a terminal and its merchant as an acquirer lists them.
type TerminalName struct{ TID, MID string }

// House is what the three parties of one test house are made from. Its methods build a machine with a module of its own,
// and the test keys in it; rand is the module's, and a cryptographic source wherever more than a simulation depends on it.
type House struct {
	Terminals []TerminalName
	Cards     []*card.Profile // each has an account at the issuer, named like the card
	Fee       *Fee            // nil: DefaultFee, no cap
	Rules     rules.Set       // rules left out
}

// Acquirer builds the party that faces the terminals.
func (h *House) Acquirer(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	master := k.load(hsm.TerminalMaster, TestTerminalMaster)
	cfg := RelayConfig{
		Name: "acquirer", Acquirer: true, Module: k.m, Rules: h.Rules, Fee: h.Fee,
		Above:    Hop{MAC: k.load(hsm.MAC, testUpMAC), PIN: k.load(hsm.PINEncryption, testUpPIN)},
		TokenKey: k.load(hsm.MAC, testToken),
	}
	for _, t := range h.Terminals {
		cfg.Terminals = append(cfg.Terminals, TerminalKeys{TID: t.TID, MID: t.MID, Master: master})
	}
	if k.err != nil {
		return nil, nil, k.err
	}
	m, err := NewRelay(cfg)
	if err != nil {
		return nil, nil, err
	}
	return m, k.m, nil
}

// Switch builds the party between acquirer and issuer.
func (h *House) Switch(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	cfg := RelayConfig{
		Name: "switch", Module: k.m, Rules: h.Rules,
		Below:    Hop{MAC: k.load(hsm.MAC, testUpMAC), PIN: k.load(hsm.PINEncryption, testUpPIN)},
		Above:    Hop{MAC: k.load(hsm.MAC, testIssuerMAC), PIN: k.load(hsm.PINEncryption, testIssuerPIN)},
		TokenKey: k.load(hsm.MAC, testToken),
	}
	if k.err != nil {
		return nil, nil, k.err
	}
	m, err := NewRelay(cfg)
	if err != nil {
		return nil, nil, err
	}
	return m, k.m, nil
}

// Issuer builds the party that holds the accounts.
func (h *House) Issuer(rand io.Reader) (Machine, *hsm.Module, error) {
	k := keyring{m: hsm.New(rand)}
	cfg := IssuerConfig{
		Name: "issuer", Module: k.m, Rules: h.Rules,
		Below:           Hop{MAC: k.load(hsm.MAC, testIssuerMAC), PIN: k.load(hsm.PINEncryption, testIssuerPIN)},
		TokenKey:        k.load(hsm.MAC, testToken),
		PINReferenceKey: k.load(hsm.PINVerification, testPINReference),
		OrderPINKey:     k.load(hsm.PINEncryption, testOrderPIN),
	}
	masters := map[masterName]hsm.Key{}
	for _, p := range h.Cards {
		a, err := k.account(cfg.PINReferenceKey, masters, p)
		if err != nil {
			return nil, nil, fmt.Errorf("host: account of card %s: %w", p.Name, err)
		}
		cfg.Accounts = append(cfg.Accounts, a)
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

// keyring loads keys into a module; the first error stays.
type keyring struct {
	m   *hsm.Module
	err error
}

func (k *keyring) load(u hsm.Usage, digits string) hsm.Key {
	clear, err := hex.DecodeString(digits)
	if err == nil {
		var key hsm.Key
		if key, err = k.m.Install("", u, clear); err == nil {
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
	}
	if pin := i.PIN(); pin != "" {
		block, err := k.m.PINReference(references, p.PAN, pin)
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
		key = k.load(u, hex.EncodeToString(clear))
		loaded[masterName{u, name}] = key
	}
	return key
}

// TestPINBlock is a PIN as an order to change one carries it to an issuer of the house (ScriptOrder): ISO 9564-1 format 0,
// under the house's key for that. It is for whoever plays the people who give orders.
func TestPINBlock(number pan.PAN, digits string) ([]byte, error) {
	k := keyring{m: hsm.New(strings.NewReader(""))} // nothing here is random
	key := k.load(hsm.PINEncryption, testOrderPIN)
	if k.err != nil {
		return nil, k.err
	}
	pad := k.m.Keypad()
	for i := range len(digits) {
		pad.Press(digits[i])
	}
	pad.Enter()
	block, err := k.m.EncryptPIN(key, pad, number)
	if err != nil {
		return nil, fmt.Errorf("host: PIN of an order: %w", err)
	}
	return block[:], nil
}

// TestKeys is every key of the house in hexadecimal, for whoever searches what leaves the process for them.
func TestKeys() []string {
	return []string{TestTerminalMaster, testUpMAC, testUpPIN, testIssuerMAC, testIssuerPIN, testToken, testPINReference, testOrderPIN}
}
