package scenario

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// Library is what a script can name: cards and terminals, parsed once and never changed.
type Library struct {
	cards     map[string]*shelf
	terminals map[string]*terminal.Profile
	listed    map[*terminal.Profile]host.TerminalName // of each of terminals: TerminalName
	plans     map[string]*Plan
	names     []string // of the cards: those of every day, then the others, each in order
	everyday  int      // how many of them come into a shop without having been asked
	keys      []*card.Keys

	wallets      []Wallet
	personalised *personalised
}

// shelf is where a card's file lies until somebody asks for the card: there are many, and a run needs few.
type shelf struct {
	file    string
	src     []byte
	keys    []*card.Keys
	once    sync.Once
	profile *card.Profile
	err     error
}

func (s *shelf) parse() (*card.Profile, error) {
	s.once.Do(func() { s.profile, s.err = card.ParseProfile(s.file, s.src, s.keys...) })
	return s.profile, s.err
}

// NewLibrary reads cards/*.yaml, the key files cards/keys/*.yaml and the fee plans fees/*.yaml if there are any, and terminals/*.yaml
// of files.
func NewLibrary(files fs.FS) (*Library, error) {
	l, err := TestedLibrary(files)
	if err != nil {
		return nil, err
	}
	return l, l.check()
}

// TestedLibrary is NewLibrary for files that have been through it, as the built-in ones in a test: cards are read when they
// are asked for, and one that cannot be read panics then.
func TestedLibrary(files fs.FS) (*Library, error) {
	l := &Library{cards: map[string]*shelf{}, terminals: map[string]*terminal.Profile{}, listed: map[*terminal.Profile]host.TerminalName{}, plans: map[string]*Plan{}, personalised: &personalised{}}
	if err := l.readWallets(files); err != nil {
		return nil, err
	}
	if _, err := fs.Stat(files, "cards/keys"); err == nil {
		err := each(files, "cards/keys", func(name string, src []byte) error {
			k, err := card.ParseKeys("cards/keys/"+name+".yaml", src)
			l.keys = append(l.keys, k)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if _, err := fs.Stat(files, "fees"); err == nil {
		if err := each(files, "fees", l.addPlan); err != nil {
			return nil, err
		}
	}
	err := each(files, "cards", func(name string, src []byte) error {
		l.cards[name] = &shelf{file: "cards/" + name + ".yaml", src: src, keys: l.keys}
		l.names = append(l.names, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.sort()
	err = each(files, "terminals", func(name string, src []byte) (err error) {
		p, err := terminal.ParseProfile(name+".yaml", src)
		if err != nil {
			return err
		}
		if err := l.checkPlan(p); err != nil {
			return fmt.Errorf("terminals/%s.yaml:%s: %w", name, placeOfKey(src, "fee"), err)
		}
		p.EMV.CAPublicKeys = append(p.EMV.CAPublicKeys, l.AuthorityKeys()...) // an acquirer loads the authorities of its cards
		l.terminals[name], l.listed[p] = p, l.TerminalName(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// everyday is the cards that lead every list and come into the swarm's shop; the others are each made to show one thing.
var everyday = [...]string{"cup-credit", "cup-debit", "mc-credit", "stripe-only", "visa-credit", "visa-debit", "visa-expired", "visa-offline"}

// sort puts the cards of every day first. In a library without any of them, all are.
func (l *Library) sort() {
	first, rest := []string{}, []string{}
	for _, name := range l.names {
		if slices.Contains(everyday[:], name) {
			first = append(first, name)
		} else {
			rest = append(rest, name)
		}
	}
	l.names, l.everyday = append(first, rest...), len(first)
	if len(first) == 0 {
		l.everyday = len(l.names)
	}
}

// check reads every card and refuses two with one number: the issuer could not tell their accounts apart.
func (l *Library) check() error {
	seen := map[string]string{}
	for _, name := range l.names {
		p, err := l.cards[name].parse()
		if err != nil {
			return err
		}
		if other, twice := seen[p.PAN.Digits()]; twice {
			return fmt.Errorf("scenario: cards %s and %s have the same number %s", other, name, p.PAN)
		}
		seen[p.PAN.Digits()] = name
	}
	return nil
}

// each gives f every YAML file of a folder, in the order of their names.
func each(files fs.FS, folder string, f func(name string, src []byte) error) error {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return fmt.Errorf("scenario: %w", err)
	}
	for _, e := range entries {
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		if e.IsDir() || !isYAML {
			continue
		}
		src, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			return fmt.Errorf("scenario: %w", err)
		}
		if err := f(name, src); err != nil {
			return err
		}
	}
	return nil
}

// Cards lists the cards' names: those of every day first.
func (l *Library) Cards() []string { return l.names }

// Card returns a card's profile; nil: unknown.
func (l *Library) Card(name string) *card.Profile {
	s := l.cards[name]
	if s == nil {
		return nil
	}
	p, err := s.parse()
	if err != nil {
		panic("scenario: " + err.Error()) // NewLibrary has read it, or a test
	}
	return p
}

// AuthorityKeys is what terminals need to know of the key files: the public keys of their certification authorities.
func (l *Library) AuthorityKeys() []*security.CAPublicKey {
	all := make([]*security.CAPublicKey, len(l.keys))
	for i, k := range l.keys {
		all[i] = k.Authority
	}
	return all
}

// Known is what Parse asks.
func (l *Library) Known() Known {
	return Known{
		Card:     func(name string) bool { return l.cards[name] != nil },
		Terminal: func(name string) bool { return l.terminals[name] != nil },
		Wallet:   func(name string) bool { return name != "" && l.Wallet(name) != nil },

		Plan:         func(name string) bool { return l.plans[name] != nil },
		MerchantCode: func(code string) bool { return l.planFor(code) != nil },
	}
}

// Scripts parses every script of a folder of files, in the order of their ids: W2 before W10, W01 before W01s.
func (l *Library) Scripts(files fs.FS, folder string) ([]*Script, error) {
	var all []*Script
	err := each(files, folder, func(name string, src []byte) error {
		s, err := Parse(name+".yaml", src, l.Known())
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.ID == s.ID {
				return fmt.Errorf("scenario: %s and %s have the same id %s", other.File, s.File, s.ID)
			}
		}
		all = append(all, s)
		return nil
	})
	sort.SliceStable(all, func(i, j int) bool { return idLess(all[i].ID, all[j].ID) })
	return all, err
}

// idLess orders the merchant's scenarios (W) first, then the chip's (E) and the fallback's (F), then the model's counterexamples,
// each by number and then by letter.
func idLess(a, b string) bool {
	la, na, ra := splitID(a)
	lb, nb, rb := splitID(b)
	switch {
	case la != lb:
		return shelfOf(la) < shelfOf(lb) || shelfOf(la) == shelfOf(lb) && la < lb
	case na != nb:
		return na < nb
	}
	return ra < rb
}

// shelfOf is where the scenarios of a letter stand.
func shelfOf(letters string) int {
	if i := slices.Index([]string{"W", "E", "F"}, letters); i >= 0 {
		return i
	}
	return 3
}

func splitID(id string) (letters string, number int, rest string) {
	i := strings.IndexFunc(id, func(r rune) bool { return r >= '0' && r <= '9' })
	if i < 0 {
		return id, 0, ""
	}
	j := i
	for j < len(id) && id[j] >= '0' && id[j] <= '9' {
		number = number*10 + int(id[j]-'0')
		j++
	}
	return id[:i], number, id[j:]
}

// Terminals lists the terminals' profiles in the order of their names.
func (l *Library) Terminals() []*terminal.Profile {
	var all []*terminal.Profile
	for _, name := range slices.Sorted(maps.Keys(l.terminals)) {
		all = append(all, l.terminals[name])
	}
	return all
}

// Terminal is the profile that scripts name so; nil for none.
func (l *Library) Terminal(name string) *terminal.Profile { return l.terminals[name] }
