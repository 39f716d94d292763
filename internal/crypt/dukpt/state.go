package dukpt

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrState is bytes that are no state of a terminal, or a State that is wiped or was never made.
var ErrState = errors.New("dukpt: terminal state")

// State is what a terminal holds: the KSN of its present transaction, the transaction's key, and a future key register for
// each bit of the counter. A copy of a State is the same state; one caller at a time. Printed in any way it shows the KSN
// only.
//
// Register i holds the key of the counter that comes from the present one by setting bit i and clearing the bits below it.
// It is empty when bit i is set already (the key is used), and when the bits above i are as many as a counter may have.
type State struct{ r *registers }

type registers struct {
	alg   Algorithm // 0: wiped
	ksn   KSN
	ready bool // txn is the key of ksn
	*terminalKeys
}

// terminalKeys is behind a second pointer because fmt follows one: a State in an unexported field of somebody's struct is
// printed without its methods, and %s, a verb that does not fit, goes through the first pointer.
type terminalKeys struct {
	keys [aesRegisters][maxKey]byte
	txn  [maxKey]byte
	node node
}

func newRegisters(a Algorithm) *registers { return &registers{alg: a, terminalKeys: new(terminalKeys)} }

func (r *registers) wipe() {
	if r.terminalKeys != nil {
		*r.terminalKeys = terminalKeys{}
	}
	*r = registers{}
}

// NewState makes the registers of a terminal from its initial key: 16 bytes with a TDES KSN; 16, 24 or 32 with an AES one. k
// is the initial KSN, with counter 0: from another counter keys would come twice. initial is not kept. There is no
// transaction key before Advance.
func NewState(initial []byte, k KSN) (*State, error) {
	if k.IsZero() {
		return nil, k.Valid()
	}
	if k.Counter() != 0 {
		return nil, fmt.Errorf("%w %v: counter %X: want 0 with an initial key", ErrKSN, k, k.Counter())
	}
	a, err := derivation("initial key", k, len(initial))
	if err != nil {
		return nil, err
	}
	r := newRegisters(a)
	r.ksn = k
	if err := r.node.load(a, initial); err != nil {
		return nil, err
	}
	r.fill(k.registers())
	return &State{r}, nil
}

// fill writes the registers below bit n from the key in the node, the key of the present counter.
func (r *registers) fill(n int) {
	for i := range n {
		r.node.child(r.register(i), r.ksn.tail()|1<<i)
	}
	r.node.wipe()
}

func (r *registers) register(i int) []byte { return r.keys[i][:r.alg.Size()] }

// holds tells whether register i holds a key while the counter is c.
func (r *registers) holds(i int, c uint32) bool {
	return c>>i&1 == 0 && bits.OnesCount64(uint64(c)>>(i+1)) < r.ksn.mostOnes()
}

// Advance goes on to the next transaction: the former key is wiped, the next one is taken out of its register, and the
// registers below it are written from it. On average that is one derivation. ErrExhausted when no key is left: then there is
// no transaction key either, and the KSN stays. ErrState when the State is wiped.
func (s *State) Advance() error {
	r, err := s.live()
	if err != nil {
		return err
	}
	clear(r.txn[:])
	r.ready = false
	next, err := r.ksn.Next()
	if err != nil {
		return err
	}
	lowest := bits.TrailingZeros32(next.Counter())
	below := lowest
	if bits.OnesCount32(next.Counter()) == next.mostOnes() {
		below = 0 // a leaf: what would be below it is skipped
	}
	if below > 0 {
		if err := r.node.load(r.alg, r.register(lowest)); err != nil {
			return err
		}
	}
	copy(r.txn[:], r.register(lowest))
	clear(r.keys[lowest][:])
	r.ksn, r.ready = next, true
	r.fill(below)
	return nil
}

// KSN is that of the present transaction; before the first Advance it has counter 0.
func (s *State) KSN() KSN {
	if s.r == nil {
		return KSN{}
	}
	return s.r.ksn
}

// TransactionKey is the present transaction's key; nil before Advance, after ErrExhausted and after ParseState, which brings
// back no used key. The slice is the State's, and the next Advance wipes it.
func (s *State) TransactionKey() []byte {
	if s.r == nil || !s.r.ready {
		return nil
	}
	return s.r.txn[:s.r.alg.Size()]
}

// WorkingKey appends to dst a working key of the present transaction: see the function WorkingKey. ErrState when there is no
// transaction key.
func (s *State) WorkingKey(dst []byte, u Use, a Algorithm) ([]byte, error) {
	txn := s.TransactionKey()
	if txn == nil {
		return dst, fmt.Errorf("%w: no transaction key: want a transaction that Advance began", ErrState)
	}
	defer s.r.node.wipe()
	return s.r.node.working(dst, s.r.alg, txn, s.r.ksn, u, a)
}

// Wipe overwrites all keys; the State, and every copy of it, is of no use afterwards.
func (s *State) Wipe() {
	if s.r != nil {
		s.r.wipe()
	}
}

func (s *State) live() (*registers, error) {
	if s.r == nil || s.r.alg == 0 {
		return nil, fmt.Errorf("%w: wiped or never made: want one of NewState or ParseState", ErrState)
	}
	return s.r, nil
}

// EndTransaction wipes the present transaction's key; there is none until the next Advance.
func (s *State) EndTransaction() {
	if s.r != nil {
		clear(s.r.txn[:])
		s.r.ready = false
	}
}

// Size is the length of the transaction keys in bytes; 0 of a State that is wiped.
func (s *State) Size() int {
	if s.r == nil {
		return 0
	}
	return s.r.alg.Size()
}
