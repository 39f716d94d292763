package scenario

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
)

// The keys of the house. All are published test keys or are made of their digits; they protect nothing.
const (
	keyTerminalMaster = "0123456789ABCDEFFEDCBA9876543210"
	keyUpMAC          = "1111111111111111ABABABABABABABAB"
	keyUpPIN          = "22222222222222223434343434343434"
	keyIssuerMAC      = "4545454545454545898989898989898A"
	keyIssuerPIN      = "67676767676767679191919191919191"
	keyToken          = "23232323232323235757575757575757"
	keyPINReference   = "79797979797979793232323232323232"
	keyJournal        = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
)

// vault loads keys into a module; the first error stays.
type vault struct {
	m   *hsm.Module
	err error
}

func newVault(w *sim.World, owner string) *vault {
	return &vault{m: hsm.New(w.Rand(owner + " module"))}
}

func (v *vault) load(u hsm.Usage, digits string) hsm.Key {
	clear, err := hex.DecodeString(digits)
	if err == nil {
		var k hsm.Key
		if k, err = v.m.Install("", u, clear); err == nil {
			return k
		}
	}
	if v.err == nil {
		v.err = fmt.Errorf("scenario: test key: %w", err)
	}
	return hsm.Key{}
}

// acquirer builds the acquirer's machine.
func (r *rig) acquirerMachine() (host.Machine, *hsm.Module, error) {
	v := newVault(r.world, "acquirer")
	cfg := host.RelayConfig{
		Name: "acquirer", Acquirer: true, Module: v.m, Rules: r.rules, Fee: r.fee,
		Terminals: []host.TerminalKeys{{TID: r.profile.TID, MID: r.profile.MID, Master: v.load(hsm.TerminalMaster, keyTerminalMaster)}},
		Above:     host.Hop{MAC: v.load(hsm.MAC, keyUpMAC), PIN: v.load(hsm.PINEncryption, keyUpPIN)},
		TokenKey:  v.load(hsm.MAC, keyToken),
	}
	if v.err != nil {
		return nil, nil, v.err
	}
	m, err := host.NewRelay(cfg)
	return m, v.m, err
}

// switchMachine builds the switch's.
func (r *rig) switchMachine() (host.Machine, *hsm.Module, error) {
	v := newVault(r.world, "switch")
	cfg := host.RelayConfig{
		Name: "switch", Module: v.m, Rules: r.rules,
		Below:    host.Hop{MAC: v.load(hsm.MAC, keyUpMAC), PIN: v.load(hsm.PINEncryption, keyUpPIN)},
		Above:    host.Hop{MAC: v.load(hsm.MAC, keyIssuerMAC), PIN: v.load(hsm.PINEncryption, keyIssuerPIN)},
		TokenKey: v.load(hsm.MAC, keyToken),
	}
	if v.err != nil {
		return nil, nil, v.err
	}
	m, err := host.NewRelay(cfg)
	return m, v.m, err
}

// issuerMachine builds the issuer's, with an account for each card of the script.
func (r *rig) issuerMachine() (host.Machine, *hsm.Module, error) {
	v := newVault(r.world, "issuer")
	cfg := host.IssuerConfig{
		Name: "issuer", Module: v.m, Rules: r.rules,
		Below:    host.Hop{MAC: v.load(hsm.MAC, keyIssuerMAC), PIN: v.load(hsm.PINEncryption, keyIssuerPIN)},
		TokenKey: v.load(hsm.MAC, keyToken),
	}
	cfg.PINReferenceKey = v.load(hsm.PINVerification, keyPINReference)
	masters := map[string]hsm.Key{}
	for _, name := range r.cardNames {
		a, err := account(v, cfg.PINReferenceKey, masters, r.library.Card(name))
		if err != nil {
			return nil, nil, fmt.Errorf("scenario: account of card %s: %w", name, err)
		}
		cfg.Accounts = append(cfg.Accounts, a)
	}
	if v.err != nil {
		return nil, nil, v.err
	}
	m, err := host.NewIssuer(cfg)
	return m, v.m, err
}

// account is a card's account as the issuer keeps it: the PIN is a reference under a key, and never text.
func account(v *vault, references hsm.Key, masters map[string]hsm.Key, p *card.Profile) (host.Account, error) {
	i := &p.Issuer
	a := host.Account{
		Name: p.Name, PAN: p.PAN, PANSequenceNumber: p.PANSequenceNumber, Currency: i.Currency,
		Balance: i.Balance, Status: host.Status(i.Status), Expiry: i.Expiry.YYMM(), Option: i.Derivation,
	}
	if pin := i.PIN(); pin != "" {
		block, err := v.m.PINReference(references, p.PAN, pin)
		if err != nil {
			return a, err
		}
		a.PINReference = block[:]
	}
	if i.IMKName == "" {
		return a, nil
	}
	k, ok := masters[i.IMKName]
	if !ok {
		k = v.load(hsm.IssuerMasterAC, hex.EncodeToString(i.IssuerMasterKey()))
		masters[i.IMKName] = k
	}
	a.IssuerMasterKey, a.Family = k, i.Cryptogram
	return a, v.err
}
