package scenario

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
)

// keyJournal is the terminal's own. Like the keys of the house it is a test key and protects nothing.
const keyJournal = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

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

// house is what the hosts are made from: the script's terminal, and an account for each of its cards.
func (r *rig) house() *host.House {
	h := &host.House{Terminals: []host.TerminalName{{TID: r.profile.TID, MID: r.profile.MID}}, Fee: r.fee, Rules: r.rules}
	for _, name := range r.cardNames {
		h.Cards = append(h.Cards, r.library.Card(name))
	}
	return h
}

func (r *rig) acquirerMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Acquirer(r.world.Rand("acquirer module"))
}

func (r *rig) switchMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Switch(r.world.Rand("switch module"))
}

func (r *rig) issuerMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Issuer(r.world.Rand("issuer module"))
}
