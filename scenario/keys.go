package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/posim/posim/host"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
)

// keyJournal is the terminal's own. Like the keys of the house it is a test key and protects nothing.
const keyJournal = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

// Personalise makes the security module at rest of a terminal on a disk that has none, with the test keys of the house: what a key
// loading device does. times counts how often this terminal has been given keys before: a DUKPT device gets another serial number
// each time, so that none is used twice.
func Personalise(disk sim.Disk, lock hsm.Lock, p *terminal.Profile, times int, rand io.Reader) (*hsm.Module, error) {
	m, err := hsm.Create(disk, lock, rand)
	if err != nil {
		return nil, err
	}
	return m, loadKeys(m, p, times, rand)
}

// loadKeys puts the terminal's keys into its module, those that are not there: a personalisation that the power ended goes on.
func loadKeys(m *hsm.Module, p *terminal.Profile, times int, rand io.Reader) error {
	if _, err := m.Find(terminal.JournalKey); errors.Is(err, hsm.ErrKey) {
		clear, err := hex.DecodeString(keyJournal)
		if err != nil {
			return err
		}
		if _, err := m.Install(terminal.JournalKey, hsm.Attributes{Usage: hsm.Sealing}, clear); err != nil {
			return err
		}
	}
	if _, err := m.Find(terminal.DeviceKey); errors.Is(err, hsm.ErrKey) {
		if _, err := host.TestDeviceKey(m, terminal.DeviceKey, terminalName(p), times, rand); err != nil {
			return err
		}
	}
	return nil
}

// personalised is the files of a terminal's new module, by name. They are made once for a profile: every world's terminal comes from
// the same workshop.
type personalised struct {
	sync.Mutex
	files map[string]map[string][]byte // by profile
}

func (x *personalised) of(p *terminal.Profile) (map[string][]byte, error) {
	x.Lock()
	defer x.Unlock()
	if files := x.files[p.Name]; files != nil {
		return files, nil
	}
	files, err := workshop(p, 0)
	if err != nil {
		return nil, err
	}
	if x.files == nil {
		x.files = map[string]map[string][]byte{}
	}
	x.files[p.Name] = files
	return files, nil
}

// workshop personalises a terminal in a world of its own.
func workshop(p *terminal.Profile, times int) (map[string][]byte, error) {
	w := sim.NewWorld(Start, uint64(times))
	defer w.Close()
	a := w.Actor("workshop")
	a.PowerOn(nil)
	disk := sim.NewMemDisk(a)
	if _, err := Personalise(disk, hsm.DeviceKey(), p, times, w.Rand("workshop "+p.Name)); err != nil {
		return nil, fmt.Errorf("scenario: keys of terminal %s: %w", p.Name, err)
	}
	files := map[string][]byte{}
	for _, name := range hsm.Files() {
		b, err := disk.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	return files, nil
}

// keyDisk is the terminal's disk as its security module has it. Erasing keys when the case is opened is done by the module's own
// battery, whatever the terminal's power and storage do.
type keyDisk struct {
	*sim.MemDisk
	erasing bool
}

func (d *keyDisk) Replace(name string, data []byte) error {
	if d.erasing {
		d.Put(name, data)
		return nil
	}
	return d.MemDisk.Replace(name, data)
}

// injectKeys gives the terminal the keys of a new device, as a technician does.
func (r *rig) injectKeys() error {
	files, err := r.library.personalised.of(r.profile)
	if r.injections > 0 {
		files, err = workshop(r.profile, r.injections)
	}
	if err != nil {
		return err
	}
	r.injections++
	for _, name := range hsm.Files() {
		r.termDisk.Put(name, files[name])
	}
	return nil
}

// newKeys has a technician give the terminal, which has no power, new keys. Whoever explores cuts it first.
func (p *play) newKeys(st *Step) {
	if p.term.On() && p.options.Explore {
		p.powerOff(sim.PowerOffLost)
	}
	if p.term.On() {
		p.fail(st.Pos, "the terminal is given keys only with the power off")
		return
	}
	if err := p.injectKeys(); err != nil {
		p.fail(st.Pos, "%v", err)
	}
}

// openModule is the terminal's module as it opens it when it boots.
func (r *rig) openModule() (*hsm.Module, error) {
	disk := &keyDisk{MemDisk: r.termDisk}
	m, err := hsm.Open(disk, hsm.DeviceKey(), r.world.Rand(r.named("terminal module")))
	if err != nil {
		return nil, err
	}
	m.OnUse(r.onUse)
	r.module, r.keyDisk = m, disk // the module's, not that of a boot which the power ended
	return m, nil
}

// tamper opens the case of the terminal's module.
func (r *rig) tamper() {
	r.log.sometimes[modulesDead]++
	if r.module == nil {
		return
	}
	r.keyDisk.erasing = true
	if err := r.module.Tamper(); err != nil {
		r.violate("I12", "the keys at rest outlive an opened case: %v", err)
	}
	r.keyDisk.erasing = false
}

// house is what the hosts are made from: the script's terminal, and an account for each of its cards.
func (r *rig) house() *host.House {
	h := r.library.house(r.tills[0].profile, &r.host)
	for _, t := range r.tills[1:] {
		h.Terminals = append(h.Terminals, r.library.house(t.profile, &r.host).Terminals[0])
	}
	h.Rules = r.rules
	for _, name := range r.cardNames {
		h.Cards = append(h.Cards, r.library.Card(name))
	}
	return h
}

// house is the hosts for a terminal under a script's settings, without the cards.
func (l *Library) house(p *terminal.Profile, s *Host) *host.House {
	h := &host.House{Terminals: []host.TerminalName{l.TerminalName(p)}, Wallets: l.accounts(p), Books: l.booking(s), StandIn: s.StandIn, Clearing: s.Clearing, Risk: s.Risk, PayTo: s.PayTo, Aggregator: s.Aggregator}
	if plan := l.planOf(s, p); plan != nil {
		h.Terminals[0].Plan = plan
	}
	if s.Settles != "" {
		h.Terminals[0].Settles = s.Settles
	}
	if s.Refunds != nil {
		h.Refunds = *s.Refunds
	}
	if s.SwitchCode != nil { // whoever books sales elsewhere has their slips say so
		h.Terminals[0].Downloads.Rename(s.SwitchCode.Merchant)
	}
	return h
}

func (r *rig) acquirerMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Acquirer(r.world.Rand("acquirer module"))
}

func (r *rig) aggregatorMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Passer(r.world.Rand("aggregator module"))
}

func (r *rig) bankMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Bank(r.world.Rand("bank module"))
}

func (r *rig) switchMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Switch(r.world.Rand("switch module"))
}

func (r *rig) issuerMachine() (host.Machine, *hsm.Module, error) {
	return r.house().Issuer(r.world.Rand("issuer module"))
}

// openDataModule opens the module of a terminal's data directory; of one that has none it makes one, with the house's test keys.
func openDataModule(disk sim.Disk, p *terminal.Profile, rand io.Reader) (*hsm.Module, error) {
	m, err := hsm.Open(disk, hsm.DeviceKey(), rand)
	if errors.Is(err, hsm.ErrNoStore) {
		m, err = hsm.Create(disk, hsm.DeviceKey(), rand)
	}
	if err != nil {
		return nil, err
	}
	return m, loadKeys(m, p, 0, rand)
}
