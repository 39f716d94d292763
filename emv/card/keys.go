package card

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"path"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/posim/posim/emv/security"
)

// Keys is a chain of RSA keys as personalisation needs it: a certification authority, an issuer below it, the card's own
// key below that, and perhaps one for PIN encipherment beside the card's. They are test keys, made for nothing else.
// Many profiles may share one chain. It prints its name only.
//
// The halves that everybody may see are there from the start; the private ones are made from their primes when a card
// first signs with them, because that takes longer than reading a whole library.
type Keys struct {
	Name      string // the file's name without folder and extension
	Authority *security.CAPublicKey

	ca, issuer, icc, pin *keyPair // icc and pin may be nil
}

// keyPair is one RSA key of a file.
type keyPair struct {
	p, q, e []byte
	public  *security.PublicKey
	once    sync.Once
	private *security.PrivateKey
	err     error
}

// key makes the private key the first time.
func (k *keyPair) key() (*security.PrivateKey, error) {
	k.once.Do(func() { k.private, k.err = security.StoredPrivateKey(k.p, k.q, k.e) })
	return k.private, k.err
}

// bits is the length of a key, 0 for none.
func (k *keyPair) bits() int {
	if k == nil {
		return 0
	}
	return 8 * k.public.Size()
}

// Format prints the name only, for every verb.
func (k *Keys) Format(f fmt.State, _ rune) { io.WriteString(f, "keys "+k.Name) }

type keysSource struct {
	place     `yaml:"-"`
	RID       text       `yaml:"rid"`
	Index     text       `yaml:"index"`
	Checksum  text       `yaml:"checksum"`
	Authority *keySource `yaml:"authority"`
	Issuer    *keySource `yaml:"issuer"`
	ICC       *keySource `yaml:"icc"`
	PIN       *keySource `yaml:"pin"`
}

type keySource struct {
	place    `yaml:"-"`
	Exponent text `yaml:"exponent"`
	Modulus  text `yaml:"modulus"`
	P        text `yaml:"p"`
	Q        text `yaml:"q"`
}

// UnmarshalYAML notes the section's place.
func (s *keysSource) UnmarshalYAML(n ast.Node) error {
	type plain keysSource
	return section(n, &s.place, (*plain)(s))
}

// UnmarshalYAML notes the section's place.
func (s *keySource) UnmarshalYAML(n ast.Node) error {
	type plain keySource
	return section(n, &s.place, (*plain)(s))
}

// ParseKeys reads a key file: the chain that profiles name with keys. name is as in ParseProfile, and so are the errors,
// which quote no key. That the primes are prime is not looked at here: Check does, and so does who first signs.
func ParseKeys(name string, src []byte) (*Keys, error) {
	tree, problem := parseYAML(name, src)
	if problem != nil {
		return nil, problem
	}
	s := new(keysSource)
	if err := yaml.NodeToValue(tree, s, yaml.Strict()); err != nil {
		return nil, yamlError(name, err)
	}
	c := &checker{file: name}
	k := c.chain(s)
	if c.err != nil {
		return nil, c.err
	}
	return k, nil
}

func (c *checker) chain(s *keysSource) *Keys {
	base := path.Base(c.file)
	k := &Keys{Name: strings.TrimSuffix(base, path.Ext(base))}
	c.required(s.RID, "rid", s.place)
	c.required(s.Index, "index", s.place)
	c.required(s.Checksum, "checksum", s.place)
	rid, index, checksum := c.hex(s.RID, "rid", 5, 5), c.hex(s.Index, "index", 1, 1), c.hex(s.Checksum, "checksum", 20, 20)
	if s.Authority == nil || s.Issuer == nil {
		c.fail(s.place, "want the keys authority and issuer")
		return nil
	}
	k.ca = c.pair(s.Authority, "authority")
	k.issuer = c.pair(s.Issuer, "issuer")
	k.icc = c.pair(s.ICC, "icc")
	k.pin = c.pair(s.PIN, "pin")
	if c.err != nil {
		return nil
	}
	var err error
	if k.Authority, err = security.NewCAPublicKey([5]byte(rid), index[0], k.ca.public.Modulus(), k.ca.e, checksum); err != nil {
		c.fail(s.Checksum.place, "%v", err)
	}
	for _, below := range []struct {
		name       string
		key, above *keyPair
		in         *keySource
	}{{"issuer", k.issuer, k.ca, s.Issuer}, {"icc", k.icc, k.issuer, s.ICC}, {"pin", k.pin, k.issuer, s.PIN}} {
		if below.key.bits() > below.above.bits() {
			c.fail(below.in.place, "%s: %d bits: want at most the %d of the key that certifies it", below.name, below.key.bits(), below.above.bits())
		}
	}
	return k
}

// pair reads one key: the modulus as well as its primes, so that a slip in one of them shows.
func (c *checker) pair(s *keySource, name string) *keyPair {
	if s == nil {
		return nil
	}
	for _, part := range []struct {
		text
		name string
	}{{s.Exponent, "exponent"}, {s.Modulus, "modulus"}, {s.P, "p"}, {s.Q, "q"}} {
		c.required(part.text, name+": "+part.name, s.place)
	}
	k := &keyPair{p: c.hex(s.P, name+": p", 1, 248), q: c.hex(s.Q, name+": q", 1, 248)}
	modulus := c.hex(s.Modulus, name+": modulus", 64, 248)
	if e := c.oneOf(s.Exponent, name+": exponent", "3", "65537"); e == "3" {
		k.e = []byte{3}
	} else {
		k.e = []byte{1, 0, 1}
	}
	if c.err != nil {
		return nil
	}
	if p, q := new(big.Int).SetBytes(k.p), new(big.Int).SetBytes(k.q); p.Mul(p, q).Cmp(new(big.Int).SetBytes(modulus)) != 0 {
		c.fail(s.Modulus.place, "%s: modulus: is not p times q", name)
		return nil
	}
	var err error
	if k.public, err = security.NewPublicKey(modulus, k.e); err != nil {
		c.fail(s.Modulus.place, "%s: %v", name, err)
	}
	return k
}

// Check makes every private key of the chain, tests its primes, and tells what is wrong with the first that cannot be one.
func (k *Keys) Check() error {
	for _, p := range []struct {
		name string
		*keyPair
	}{{"authority", k.ca}, {"issuer", k.issuer}, {"icc", k.icc}, {"pin", k.pin}} {
		if p.keyPair == nil {
			continue
		}
		if _, err := security.NewPrivateKey(p.p, p.q, p.e); err != nil {
			return fmt.Errorf("card: %s: %s: %w", k.Name, p.name, err)
		}
	}
	return nil
}

// KeySizes is how long the keys of a new chain are, in bits, and their public exponents; 0 bits is no such key.
type KeySizes struct {
	RID               [5]byte
	Index             byte
	Authority, Issuer int
	ICC, PIN          int
	Exponent          int // 3 or 65537, of the authority and the issuer
	ICCExponent       int // of the card's own keys
}

// The lengths that EMV allows (Book 2, D1.1 and D1.2) and this room takes: whole bytes, and a certificate that fits into a
// record beside its tag.
const (
	minKeyBits       = 512
	maxAuthorityBits = 1984
	maxIssuerBits    = 1976 // tag 9F46 has two bytes, and a record 254
)

// Validate tells what is wrong with the sizes, before anything that takes time.
func (s KeySizes) Validate() error {
	within := func(name string, bits, most int) error {
		if bits < minKeyBits || bits > most || bits%8 != 0 {
			return fmt.Errorf("card: %s key of %d bits: want %d to %d in steps of 8", name, bits, minKeyBits, most)
		}
		return nil
	}
	if err := within("authority", s.Authority, maxAuthorityBits); err != nil {
		return err
	}
	if err := within("issuer", s.Issuer, min(s.Authority, maxIssuerBits)); err != nil {
		return err
	}
	for _, own := range []struct {
		name string
		bits int
	}{{"icc", s.ICC}, {"pin", s.PIN}} {
		if own.bits == 0 {
			continue
		}
		if err := within(own.name, own.bits, s.Issuer); err != nil {
			return err
		}
	}
	for _, e := range []int{s.Exponent, s.ICCExponent} {
		if e != 3 && e != 65537 {
			return fmt.Errorf("card: exponent %d: want 3 or 65537", e)
		}
	}
	return nil
}

// GenerateKeys makes a new chain and returns it as a key file. The same stream of random bytes makes the same file. It may
// take seconds. done, if it is not nil, is told the name of each key when it is made.
func GenerateKeys(random io.Reader, s KeySizes, done func(name string)) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# Test keys, made for emulated cards and worth nothing: whoever has this file has the private keys.\n")
	var body strings.Builder
	for _, k := range []struct {
		name           string
		bits, exponent int
	}{{"authority", s.Authority, s.Exponent}, {"issuer", s.Issuer, s.Exponent}, {"icc", s.ICC, s.ICCExponent}, {"pin", s.PIN, s.ICCExponent}} {
		if k.bits == 0 {
			continue
		}
		key, err := security.GeneratePrivateKey(random, k.bits, k.exponent)
		if err != nil {
			return nil, fmt.Errorf("card: %s key: %w", k.name, err)
		}
		public := key.Public()
		if k.name == "authority" {
			ca, err := security.NewCAPublicKey(s.RID, s.Index, public.Modulus(), public.Exponent(), nil)
			if err != nil {
				return nil, fmt.Errorf("card: %w", err)
			}
			checksum := ca.Checksum()
			fmt.Fprintf(&b, "rid: %s\nindex: %s\nchecksum: %s # SHA-1 of RID, index, modulus and exponent\n", quoted(s.RID[:]), quoted([]byte{s.Index}), quoted(checksum[:]))
		}
		fmt.Fprintf(&body, "%s: # %d bits\n  exponent: %d\n  modulus: %s\n  p: %s\n  q: %s\n", k.name, k.bits, k.exponent, quoted(public.Modulus()), quoted(key.P()), quoted(key.Q()))
		if done != nil {
			done(k.name)
		}
	}
	return []byte(b.String() + body.String()), nil
}

// quoted writes bytes so that YAML takes them for a text, digits or not.
func quoted(b []byte) string { return `"` + strings.ToUpper(hex.EncodeToString(b)) + `"` }

// PublicYAML is the authority's public key as terminal profiles list it under ca_public_keys. Nothing in it is secret.
func (k *Keys) PublicYAML() string {
	rid, key, checksum := k.Authority.RID(), k.Authority.Key(), k.Authority.Checksum()
	return fmt.Sprintf("- rid: %s\n  index: %s\n  exponent: %s\n  checksum: %s\n  modulus: %s\n", quoted(rid[:]), quoted([]byte{k.Authority.Index()}),
		quoted(key.Exponent()), quoted(checksum[:]), quoted(key.Modulus()))
}
