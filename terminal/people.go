package terminal

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
	"time"
)

// Who may use a terminal is in its journal, each with a digest of the password and never with the password itself. Until
// somebody first asks for one, the people are those that every terminal is delivered with.

// Supervisor is the number of who may do what an operator may not.
const Supervisor = "00"

// delivered are the people of a new terminal, and the passwords that their manual tells.
var delivered = []struct{ number, password string }{{Supervisor, "123456"}, {"01", "0000"}}

// maxPeople is as many as there are numbers.
const maxPeople = 100

// person is somebody who may use the terminal.
type person struct {
	Number     string // two digits
	Salt       []byte
	Iterations int
	Digest     []byte    // PBKDF2 with SHA-256 of the password
	Wrong      int       `json:",omitempty"` // wrong passwords in a row
	Locked     time.Time `json:",omitzero"`  // until then no password is right
	Gone       bool      `json:",omitempty"` // taken away: no password is right any more
}

// PasswordIterations is what one guess costs, some milliseconds. More would protect nobody: a password of four to six digits is
// guessed by whoever has the file and an afternoon. The lock is what stops a person at the keys.
const (
	PasswordIterations = 20_000
	maxIterations      = 1_000_000
)

func (p *person) check() error {
	switch {
	case !digits(p.Number, 2):
		return fmt.Errorf("operator %q: want two digits", p.Number)
	case p.Iterations < 1 || p.Iterations > maxIterations || len(p.Digest) != sha256.Size || len(p.Salt) < 8:
		return fmt.Errorf("operator %s: the password's digest is none", p.Number)
	case p.Wrong < 0:
		return fmt.Errorf("operator %s: %d wrong passwords", p.Number, p.Wrong)
	}
	return nil
}

func (j *Journal) applyPerson(p *person) error {
	if err := p.check(); err != nil {
		return err
	}
	if i := j.person(p.Number); i >= 0 {
		j.people[i] = *p
		return nil
	}
	if len(j.people) >= maxPeople {
		return fmt.Errorf("more than %d operators", maxPeople)
	}
	j.people = append(j.people, *p)
	return nil
}

// person is the index of somebody, -1 of nobody.
func (j *Journal) person(number string) int {
	return slices.IndexFunc(j.people, func(p person) bool { return p.Number == number })
}

// putPerson makes a change of somebody durable.
func (j *Journal) putPerson(p person) error {
	if err := j.put(entryRecord{Person: &p}); err != nil {
		return err
	}
	return j.applyPerson(&p)
}

func (t *Terminal) passwordIterations() int {
	if n := t.cfg.PasswordIterations; n != 0 {
		return n
	}
	return PasswordIterations
}

// newPerson makes a person's entry for a password.
func newPerson(rand io.Reader, iterations int, number, password string) (person, error) {
	p := person{Number: number, Salt: make([]byte, 16), Iterations: iterations}
	if _, err := io.ReadFull(rand, p.Salt); err != nil {
		return p, fmt.Errorf("terminal: a salt: %w", err)
	}
	var err error
	p.Digest, err = p.digest(password)
	return p, err
}

func (p *person) digest(password string) ([]byte, error) {
	d, err := pbkdf2.Key(sha256.New, password, p.Salt, p.Iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("terminal: operator %s: %w", p.Number, err)
	}
	return d, nil
}

// is tells whether a password is the person's.
func (p *person) is(password string) bool {
	if p.Gone {
		return false
	}
	d, err := p.digest(password)
	return err == nil && subtle.ConstantTimeCompare(d, p.Digest) == 1
}

// deliver makes the people of a new terminal, if there are none yet.
func (j *Journal) deliver(rand io.Reader, iterations int) error {
	for _, d := range delivered {
		if j.person(d.number) >= 0 {
			continue
		}
		p, err := newPerson(rand, iterations, d.number, d.password)
		if err != nil {
			return err
		}
		if err := j.putPerson(p); err != nil {
			return err
		}
	}
	return nil
}
