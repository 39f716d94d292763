package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/posim/posim/host"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/terminal"
)

// Stores are the durable records of one house: what its disks hold, and nobody's memory. They are the same whether a virtual run
// has left them, a terminal, a host, or several of them together.
type Stores struct {
	Journals []Store // terminals
	Logs     []Store // hosts: each party once
}

// Store is one journal or log.
type Store struct {
	Party string // "terminal", or the host's name
	Place string // where it was read from; "" of a virtual run
	Data  []byte
}

// The party that keeps a journal, and the folder of a house's hosts.
const (
	partyTerminal = "terminal"
	hostFolder    = "host"
)

// stores are what the disks of a virtual house hold now.
func (r *rig) stores() *Stores {
	s := &Stores{}
	for _, t := range r.tills {
		s.Journals = append(s.Journals, Store{Party: partyTerminal, Data: slices.Clone(t.termDisk.Durable(terminal.JournalFile))})
	}
	for _, p := range r.everyHost() {
		s.Logs = append(s.Logs, Store{Party: p.name, Data: slices.Clone(p.disk.Durable(host.LogName))})
	}
	return s
}

// Write makes the data directories of these stores in dir, which must exist: DIR/terminal as a terminal has it, DIR/host as a host has it.
// Keys are no records, and are not among them.
func (s *Stores) Write(dir string) error {
	for i, j := range s.Journals {
		name := partyTerminal
		if i > 0 {
			name = fmt.Sprintf("%s-%d", partyTerminal, i+1)
		}
		if err := writeStore(filepath.Join(dir, name), dataKind, terminal.JournalFile, j.Data); err != nil {
			return err
		}
	}
	if len(s.Logs) == 0 {
		return nil
	}
	if err := writeStore(filepath.Join(dir, hostFolder), host.DataKind, "", nil); err != nil {
		return err
	}
	for _, l := range s.Logs {
		if err := writeStore(filepath.Join(dir, hostFolder, l.Party), host.PartyKind(l.Party), host.LogName, l.Data); err != nil {
			return err
		}
	}
	return nil
}

// writeStore makes one data directory with one file in it; without a name it has none.
func writeStore(path, kind, name string, data []byte) (err error) {
	d, err := sim.OpenDir(path, kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if name == "" {
		return nil
	}
	return d.Replace(name, data)
}

// ErrManyHouses is a directory with more than one house in it: their transactions have the same numbers.
var ErrManyHouses = errors.New("more than one house")

// ReadStores reads the data directories at the paths as one house, and changes nothing in them. A path is a terminal's, a host's,
// one of its parties', or a folder with such directories in it: what posim run --keep makes for a run.
func ReadStores(paths ...string) (*Stores, error) {
	s := &Stores{}
	for _, path := range paths {
		before := len(s.Journals) + len(s.Logs)
		if err := s.read(path, storeDepth); err != nil {
			return nil, err
		}
		if before == len(s.Journals)+len(s.Logs) {
			return nil, fmt.Errorf("scenario: %s: no journal and no log in it (%w)", path, sim.ErrNoData)
		}
	}
	return s, s.oneHouse()
}

// storeDepth is how deep below a path directories are looked at: a kept run, its host, a party of that; and the folder of all runs.
const storeDepth = 4

func (s *Stores) read(path string, depth int) error {
	kind, disk, err := sim.LookDir(path)
	if errors.Is(err, sim.ErrNoData) && depth > 1 {
		if info, e := os.Stat(path); e == nil && info.IsDir() {
			return s.readFolder(path, depth-1)
		}
	}
	if err != nil {
		return err
	}
	if kind == dataKind {
		data, err := readStore(disk, terminal.JournalFile)
		if data != nil {
			s.Journals = append(s.Journals, Store{partyTerminal, path, data})
		}
		return err
	}
	if kind == host.DataKind {
		return s.readFolder(path, 1)
	}
	party, known := strings.CutPrefix(kind, host.PartyKind(""))
	if !known {
		return fmt.Errorf("scenario: %s holds the data of a %.40q: want a terminal's or a host's", path, kind)
	}
	data, err := readStore(disk, host.LogName)
	if data != nil {
		s.Logs = append(s.Logs, Store{party, path, data})
	}
	return err
}

// readStore is nil for a store that has not been begun.
func readStore(d sim.DirDisk, name string) ([]byte, error) {
	data, err := d.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (s *Stores) readFolder(path string, depth int) error {
	all, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !e.IsDir() {
			continue
		}
		err := s.read(filepath.Join(path, e.Name()), depth)
		if err != nil && !errors.Is(err, sim.ErrNoData) {
			return err
		}
	}
	return nil
}

// oneHouse refuses two logs of one party.
func (s *Stores) oneHouse() error {
	seen := map[string]string{}
	for _, l := range s.Logs {
		if other, twice := seen[l.Party]; twice {
			return fmt.Errorf("scenario: %s and %s are logs of two houses, whose transactions have the same numbers: name one (%w)", other, l.Place, ErrManyHouses)
		}
		seen[l.Party] = l.Place
	}
	if len(s.Logs) == 0 && len(s.Journals) > 1 {
		return fmt.Errorf("scenario: %s and %s are journals of two terminals, and no host tells which is which: name one (%w)", s.Journals[0].Place, s.Journals[1].Place, ErrManyHouses)
	}
	return nil
}
