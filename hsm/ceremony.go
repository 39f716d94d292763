package hsm

import (
	"crypto/subtle"
	"fmt"
	"io"
	"slices"

	"github.com/posim/posim/internal/crypt"
)

// maxComponents is as many people as ever carried a part of one key, maxCeremonies as many keys as are put together at a time.
const maxComponents, maxCeremonies = 9, 16

// CeremonyParams say how a key comes in parts.
type CeremonyParams struct {
	Attributes Attributes // of the key
	Length     int        // of each component and of the key, in bytes; 0: the shortest that the attributes allow
	Components int        // 2 to 9
	// RequireParity refuses components of wrong parity; without it they may have any. It is for DES and TDES keys, whose own parity
	// is adjusted in any case: an even number of right components has a sum that is wrong.
	RequireParity bool
}

// Ceremony is a key that comes in components: each of the key's length, and the key their XOR, so that who has all but one knows
// nothing of it. Components come in order, one after the other; one that is refused changes nothing and may come again. It ends
// by Finish, or by Abort at any time; what was collected is wiped by either.
type Ceremony struct {
	m      *Module
	p      CeremonyParams
	secret *parts // behind two pointers: see material
	n      int    // components that came
	ended  bool
}

type parts struct {
	sum *[]byte
	all *[][]byte // to refuse the same component twice
}

// NewCeremony begins to take a key in components. ErrCeremony when sixteen have begun and not ended.
func (m *Module) NewCeremony(p CeremonyParams) (*Ceremony, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	a, r, err := p.Attributes.complete()
	if err != nil {
		return nil, err
	}
	if p.Length == 0 {
		p.Length = r.bytes(a.Algorithm)[0]
	}
	if err := r.allows(a.Algorithm, p.Length); err != nil {
		return nil, err
	}
	if a.Usage == InitialKey {
		return nil, fmt.Errorf("%w: an initial key comes with its key serial number", ErrUsage)
	}
	if p.Components < 2 || p.Components > maxComponents {
		return nil, fmt.Errorf("%w: %d components: want 2 to %d", ErrCeremony, p.Components, maxComponents)
	}
	if p.RequireParity && a.Algorithm != TDES && a.Algorithm != DES {
		return nil, fmt.Errorf("%w: parity is required of %v keys: want TDES or DES", ErrCeremony, a.Algorithm)
	}
	m.parts = slices.DeleteFunc(m.parts, func(c *Ceremony) bool { return c.ended })
	if len(m.parts) == maxCeremonies {
		return nil, fmt.Errorf("%w: %d are in progress: want one of them to end", ErrCeremony, maxCeremonies)
	}
	p.Attributes = a
	sum := make([]byte, p.Length)
	c := &Ceremony{m: m, p: p, secret: &parts{&sum, new([][]byte)}}
	m.parts = append(m.parts, c)
	return c, nil
}

// Component takes the next component, and its check value if it comes with one (nil: it does not), and returns the check value of
// the component for its custodian to compare. ErrKeyLength, ErrParity, ErrCheckValue, ErrWeakKey for a component of zeros or one
// that has come already (two equal components cancel out), ErrCeremony when all have come.
func (c *Ceremony) Component(component, checkValue []byte) (check [3]byte, err error) {
	if err := c.open(); err != nil {
		return check, err
	}
	at := c.n + 1
	switch {
	case c.n == c.p.Components:
		return check, fmt.Errorf("%w: component %d: all %d have come", ErrCeremony, at, c.p.Components)
	case len(component) != c.p.Length:
		return check, fmt.Errorf("%w: component %d of %d bytes: want %d", ErrKeyLength, at, len(component), c.p.Length)
	case c.p.RequireParity && !crypt.HasOddParity(component):
		return check, fmt.Errorf("%w: component %d: want odd parity in every byte", ErrParity, at)
	case subtle.ConstantTimeCompare(component, make([]byte, len(component))) == 1:
		return check, fmt.Errorf("%w: component %d is all zeros", ErrWeakKey, at)
	}
	for i, earlier := range *c.secret.all {
		if subtle.ConstantTimeCompare(component, earlier) == 1 {
			return check, fmt.Errorf("%w: component %d is the same as component %d", ErrWeakKey, at, i+1)
		}
	}
	if checkValue != nil {
		if err := compareCheckValue(c.p.Attributes.Algorithm, component, checkValue); err != nil {
			return check, fmt.Errorf("hsm: component %d: %w", at, err)
		}
	}
	if check, err = checkValueOf(c.p.Attributes.Algorithm, component); err != nil {
		return check, err
	}
	subtle.XORBytes(*c.secret.sum, *c.secret.sum, component)
	*c.secret.all = append(*c.secret.all, append([]byte(nil), component...))
	c.n++
	return check, nil
}

// checkValueOf is the check value of a clear key or component.
func checkValueOf(a Algorithm, clear []byte) ([3]byte, error) {
	if a == AlgorithmHMAC {
		x, check, err := newMaterial(Attributes{Usage: HMAC, Algorithm: a}, append([]byte(nil), clear...))
		if err == nil {
			x.wipe()
		}
		return check, err
	}
	b, err := newBlock(a, clear)
	if err != nil {
		return [3]byte{}, err
	}
	return blockCheckValue(a, b), nil
}

// Missing is how many components have not come yet.
func (c *Ceremony) Missing() int { return c.p.Components - c.n }

// Finish puts the key together, compares its check value (nil: nobody knows it) and stores it, with a label if there is one.
// ErrCeremony while components are missing; ErrCheckValue leaves the ceremony as it was, so that the right check value
// may be given; ErrWeakKey ends it.
func (c *Ceremony) Finish(label string, checkValue []byte) (Key, error) {
	if err := c.open(); err != nil {
		return Key{}, err
	}
	if n := c.Missing(); n > 0 {
		return Key{}, fmt.Errorf("%w: %d of %d components are missing", ErrCeremony, n, c.p.Components)
	}
	if err := c.m.unused(label); err != nil {
		return Key{}, err
	}
	sum := *c.secret.sum
	if checkValue != nil {
		if err := compareCheckValue(c.p.Attributes.Algorithm, sum, checkValue); err != nil {
			return Key{}, fmt.Errorf("hsm: the key: %w", err)
		}
	}
	k, err := c.m.put(c.p.Attributes, append([]byte(nil), sum...))
	c.Abort()
	if err != nil {
		return Key{}, err
	}
	return c.m.labelled(label, k)
}

// Abort ends the ceremony and wipes what has come.
func (c *Ceremony) Abort() {
	c.ended = true
	if c.secret == nil {
		return
	}
	wipe(*c.secret.sum)
	for _, p := range *c.secret.all {
		wipe(p)
	}
}

func (c *Ceremony) open() error {
	if err := c.m.ready(); err != nil {
		c.Abort()
		return err
	}
	if c.ended {
		return fmt.Errorf("%w has ended", ErrCeremony)
	}
	return nil
}

// Format prints how far the ceremony is, for every verb.
func (c *Ceremony) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("key ceremony, %d of %d components", c.n, c.p.Components)) // fmt.State keeps its own errors
}
