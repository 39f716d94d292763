package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/sim"
)

// hsmStoreCommands are those that work on the module of a terminal's data directory.
func (a *app) hsmStoreCommands() []*cobra.Command {
	return []*cobra.Command{a.hsmInjectCommand(), a.hsmListCommand(), a.hsmTamperCommand()}
}

// storeFlags say which module at rest is meant.
type storeFlags struct {
	data, passphrase string
	asJSON           bool
}

func (f *storeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.data, "data", "", "the terminal's data directory `DIR`")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "the module is locked with what stands in this `FILE`; without it, with a device key of its own")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	_ = c.MarkFlagDirname("data") // the flag is there
}

// existing is open for a directory that must be there.
func (f *storeFlags) existing() (*sim.Dir, hsm.Lock, error) {
	if _, err := os.Stat(f.data); f.data != "" && err != nil {
		return nil, hsm.Lock{}, misuse("hsm: data directory: %w", err)
	}
	return f.open()
}

// open opens the data directory, or makes it, and says how its module is locked.
func (f *storeFlags) open() (*sim.Dir, hsm.Lock, error) {
	lock := hsm.DeviceKey()
	if f.data == "" {
		return nil, lock, misuse("hsm: want --data DIR")
	}
	if f.passphrase != "" {
		p, err := os.ReadFile(f.passphrase)
		if err != nil {
			return nil, lock, misuse("hsm: passphrase: %w", err)
		}
		p = bytes.TrimRight(p, "\r\n")
		if len(p) == 0 {
			return nil, lock, misuse("hsm: passphrase: %s is empty", f.passphrase)
		}
		lock = hsm.Passphrase(p)
	}
	dir, err := scenario.OpenTerminalData(f.data)
	if err != nil {
		return nil, lock, misuse("%w", err)
	}
	return dir, lock, nil
}

// withModule opens the module of a directory that must be there, for do.
func (f *storeFlags) withModule(do func(*hsm.Module) error) (err error) {
	dir, lock, err := f.existing()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	m, err := hsm.Open(dir, lock, rand.Reader)
	if err != nil {
		return failed(err)
	}
	return do(m)
}

func (a *app) hsmListCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use: "list", Short: "the keys of a terminal's security module, by label", Args: none,
		Long:    "Lists what is kept: label, usage, algorithm, mode and exportability by their X9.143 codes, check value, and of a DUKPT\ndevice its key serial number. No key is shown, here or anywhere.",
		Example: "  posim hsm inject --data till --terminal dukpt-aes\n  posim hsm list --data till\n  posim hsm list --data till --json",
		RunE: func(*cobra.Command, []string) error {
			return f.withModule(func(m *hsm.Module) error { return a.printKeys(m, f.asJSON) })
		},
	}
	f.add(c)
	return c
}

// jsonKey is a key in --json.
type jsonKey struct {
	Label         string `json:"label"`
	Usage         string `json:"usage"`
	Name          string `json:"name"`
	Algorithm     string `json:"algorithm"`
	Mode          string `json:"mode"`
	Exportability string `json:"exportability"`
	CheckValue    string `json:"check_value"`
	KSN           string `json:"ksn,omitempty"` // of a DUKPT device: of its last transaction
}

func (a *app) printKeys(m *hsm.Module, asJSON bool) error {
	list, err := m.List()
	if err != nil {
		return failed(err)
	}
	keys := make([]jsonKey, 0, len(list))
	for _, k := range list {
		is := k.Key.Attributes()
		keys = append(keys, jsonKey{
			k.Label, string(is.Usage), is.Usage.Name(), is.Algorithm.String(), string(rune(is.Mode)), string(rune(is.Exportability)),
			fmt.Sprintf("%X", k.Key.CheckValue()), fmt.Sprintf("%X", k.KSN),
		})
	}
	if asJSON {
		return writeJSON(a.stdout, struct {
			Keys []jsonKey `json:"keys"`
		}{keys})
	}
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%-12s %s  %-4s  %s %s  check value %s  %s", k.Label, k.Usage, k.Algorithm, k.Mode, k.Exportability, k.CheckValue, k.Name)
		if n := len(k.KSN) - 8; n > 0 {
			fmt.Fprintf(&b, ", key serial number %s:%s", k.KSN[:n], k.KSN[n:])
		}
		b.WriteByte('\n')
	}
	if len(keys) == 0 {
		b.WriteString("no keys\n")
	}
	return a.print(b.String())
}

func (a *app) hsmTamperCommand() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use: "tamper", Short: "open the case of a terminal's security module: its keys are gone", Args: none,
		Long:    "Destroys the keys at rest, as a module does when its case is opened. The terminal then stops with SECURITY MODULE ERROR;\nits journal stays. There is no way back but another module: posim hsm inject --replace.",
		Example: "  posim hsm inject --data till --terminal dukpt-aes\n  posim hsm tamper --data till",
		RunE: func(*cobra.Command, []string) error {
			return f.withModule(func(m *hsm.Module) error { return a.hsmTamper(m, f.asJSON) })
		},
	}
	f.add(c)
	return c
}

func (a *app) hsmTamper(m *hsm.Module, asJSON bool) error {
	if err := m.Tamper(); err != nil {
		return failed(err)
	}
	if asJSON {
		return writeJSON(a.stdout, struct {
			Tampered bool `json:"tampered"`
		}{m.Tampered()})
	}
	return a.print("the keys are gone; the journal stays\n")
}

// injection is what hsm inject does, by its flags.
type injection struct {
	storeFlags
	profile string
	times   int
	replace bool

	label, usage, algorithm string
	components              []string
	check                   string
	block, under            string

	in *hsmInput // reads what flags stand for
}

func (a *app) hsmInjectCommand() *cobra.Command {
	var f injection
	c := &cobra.Command{
		Use: "inject", Short: "put test keys into a terminal's security module", Args: none,
		Long: `With --terminal it makes the module of a data directory that has none, with the test keys of that built-in terminal: a master
key, or for DUKPT an initial key in a key block, and the journal's key. posim does so itself when it first uses a directory.
--replace takes the place of a module that was tampered with; for DUKPT say with --times how often the terminal has had keys
before, and it gets another key serial number: none is used twice.

With --label it adds one key: from components (--component, twice or more, each as hexadecimal digits, @FILE, or - for standard input), or from a TR-31
key block (--key-block) under a key that is there (--under LABEL).

Components on the command line are for test keys only: other programs can see them.`,
		Example: "  posim hsm inject --data till --terminal dukpt-aes\n" +
			"  posim hsm inject --data till --label transport --usage K1 --algorithm A --component 6BC1BEE22E409F96E93D7E117393172A " +
			"--component AE2D8A571E03AC9C9EB76FAC45AF8E51 --check CCD423\n" +
			"  posim hsm inject --data till --label line --under transport --key-block D0144P0AE00N0000489A5FF42EE9A58897B5577C832B5136E5F319756AC1389" +
			"7516F209A07C4E621C060858CFDBA5EF904F1FD2DB41E512C6C68FA8AB3D41E9D7343370F7FC16017\n" +
			"  posim hsm tamper --data till\n" +
			"  posim hsm inject --data till --terminal dukpt-aes --replace --times 1",
		RunE: func(c *cobra.Command, _ []string) error {
			f.in = &hsmInput{a: a, flags: c.Flags(), name: "hsm inject"}
			return a.hsmInject(&f)
		},
	}
	f.add(c)
	g := c.Flags()
	g.StringVar(&f.profile, "terminal", "", "make a new module with the keys of this built-in terminal `NAME`")
	g.IntVar(&f.times, "times", 0, "how often the terminal has had keys before, 0 to 15")
	g.BoolVar(&f.replace, "replace", false, "take the place of a module that was tampered with")
	g.StringVar(&f.label, "label", "", "add one key under this label `TEXT`")
	g.StringVar(&f.usage, "usage", "", "its usage, an X9.143 `CODE`: P0, M3, K0, K1 ...")
	g.StringVar(&f.algorithm, "algorithm", "T", "its algorithm: T TDES, A AES, D DES, H HMAC, 4 SM4")
	g.StringArrayVar(&f.components, "component", nil, "a component of it: hexadecimal digits, @FILE or -; twice or more")
	g.StringVar(&f.check, "check", "", "its check value, three bytes or more")
	g.StringVar(&f.block, "key-block", "", "a TR-31 key block that holds it, @FILE or -")
	g.StringVar(&f.under, "under", "", "`LABEL` of the key block protection key")
	return c
}

func (a *app) hsmInject(f *injection) (err error) {
	if err := f.validate(); err != nil {
		return err
	}
	dir, lock, err := f.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	m, err := f.inject(dir, lock)
	if err != nil {
		return err
	}
	return a.printKeys(m, f.asJSON)
}

// validate refuses flags that do not go together.
func (f *injection) validate() error {
	one := f.label != ""
	switch {
	case one == (f.profile != ""):
		return misuse("hsm inject: want --terminal NAME for a new module, or --label TEXT for one key")
	case one && (f.replace || f.times != 0):
		return misuse("hsm inject: --replace and --times go with --terminal")
	case !one && (f.usage != "" || f.block != "" || f.under != "" || f.check != "" || len(f.components) > 0):
		return misuse("hsm inject: --usage, --component, --check, --key-block and --under go with --label")
	case one && (f.block != "") == (len(f.components) > 0):
		return misuse("hsm inject: --label %s: want --component twice or more, or --key-block", f.label)
	case one && (f.block != "") != (f.under != ""):
		return misuse("hsm inject: --key-block and --under LABEL go together")
	case f.block != "" && (f.usage != "" || f.check != ""):
		return misuse("hsm inject: --key-block says what the key is: want no --usage and no --check")
	case len(f.components) > 0 && (f.usage == "" || len(f.algorithm) != 1):
		return misuse("hsm inject: --component: want --usage CODE, and one letter of --algorithm")
	}
	return nil
}

func (f *injection) inject(dir *sim.Dir, lock hsm.Lock) (*hsm.Module, error) {
	if f.profile != "" {
		return f.personalise(dir, lock)
	}
	m, err := hsm.Open(dir, lock, rand.Reader)
	if errors.Is(err, hsm.ErrNoStore) {
		m, err = hsm.Create(dir, lock, rand.Reader)
	}
	if err != nil {
		return nil, failed(err)
	}
	if f.block != "" {
		err = f.importBlock(m)
	} else {
		err = f.combine(m)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// personalise makes a terminal's module.
func (f *injection) personalise(dir *sim.Dir, lock hsm.Lock) (*hsm.Module, error) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, failed(err)
	}
	p := l.Terminal(f.profile)
	if p == nil {
		return nil, misuse("hsm inject: no terminal %q", f.profile)
	}
	if f.replace {
		if p.Security.DUKPT() && f.times == 0 {
			return nil, misuse("hsm inject: --replace: want --times N with %v: with N 0 key serial numbers would be used again", p.Security)
		}
		if err := removeTampered(dir, lock); err != nil {
			return nil, err
		}
	}
	m, err := scenario.Personalise(dir, lock, p, f.times, rand.Reader)
	if err != nil {
		return nil, failed(err)
	}
	return m, nil
}

// removeTampered takes away what is left of a module whose keys are gone. One that has its keys stays.
func removeTampered(dir *sim.Dir, lock hsm.Lock) error {
	m, err := hsm.Open(dir, lock, rand.Reader)
	if err != nil {
		return failed(err)
	}
	if !m.Tampered() {
		return failed(fmt.Errorf("%w: --replace is for one that was tampered with", hsm.ErrStoreExists))
	}
	for _, name := range hsm.Files() {
		if err := os.Remove(filepath.Join(dir.Path(), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return failed(err)
		}
	}
	return nil
}

func (f *injection) importBlock(m *hsm.Module) error {
	block := strings.TrimSpace(string(f.in.source("--key-block", f.block)))
	if f.in.err != nil {
		return f.in.err
	}
	under, err := m.Find(f.under)
	if err != nil {
		return failed(err)
	}
	if _, err := m.ImportKeyBlock(f.label, under, block); err != nil {
		return failed(err)
	}
	return nil
}

func (f *injection) combine(m *hsm.Module) error {
	var parts [][]byte
	for i, text := range f.components {
		s := strings.TrimSpace(string(f.in.source(fmt.Sprintf("--component %d", i+1), text)))
		if f.in.err != nil {
			return f.in.err
		}
		part, err := hex.DecodeString(s)
		if err != nil {
			return misuse("hsm inject: component %d: %d characters: want hexadecimal digits, two for each byte", i+1, len(s))
		}
		parts = append(parts, part)
	}
	var check []byte
	if f.check != "" {
		var err error
		if check, err = hex.DecodeString(f.check); err != nil {
			return misuse("hsm inject: --check %q: want hexadecimal digits", f.check)
		}
	}
	ceremony, err := m.NewCeremony(hsm.CeremonyParams{
		Attributes: hsm.Attributes{Usage: hsm.Usage(f.usage), Algorithm: hsm.Algorithm(f.algorithm[0])}, Length: len(parts[0]), Components: len(parts),
	})
	if err != nil {
		return failed(err)
	}
	defer ceremony.Abort()
	for _, p := range parts {
		if _, err := ceremony.Component(p, nil); err != nil {
			return failed(err)
		}
	}
	if _, err := ceremony.Finish(f.label, check); err != nil {
		return failed(err)
	}
	return nil
}
