package dukpt

import "fmt"

// A state in bytes, for a sealed store: it holds keys, and whoever can change it can choose keys.
//
//	1 byte    version, 01
//	1 byte    Algorithm of the derivation keys
//	10 or 12  KSN of the last transaction
//	n x size  the registers, bit 0 first; an empty one is zeros
//
// The length depends on the algorithm only, so that a record can be overwritten in place. The transaction key is not in it:
// it is used, and used keys do not come back.
const (
	stateVersion = 1
	stateHeader  = 2
)

// MaxStateSize is the longest that Append appends, in bytes.
const MaxStateSize = stateHeader + aesKSNSize + aesRegisters*maxKey

// Append appends the state: 348 bytes with TDES; 526, 782 or 1038 with AES; nothing when it is wiped.
func (s *State) Append(dst []byte) []byte {
	r, err := s.live()
	if err != nil {
		return dst
	}
	dst = append(dst, stateVersion, byte(r.alg))
	dst = r.ksn.Append(dst)
	for i := range r.ksn.registers() {
		dst = append(dst, r.register(i)...)
	}
	return dst
}

// ParseState brings a state back from what Append gave: it goes on with the transaction after the one it was stored in. p is
// not kept. ErrState when p is anything else: another version or length, a counter that no device reaches, a register that
// the counter demands and that is empty, or the other way.
func ParseState(p []byte) (*State, error) {
	if len(p) < stateHeader {
		return nil, fmt.Errorf("%w of %d bytes: want %d at least", ErrState, len(p), stateHeader)
	}
	if p[0] != stateVersion {
		return nil, fmt.Errorf("%w of version %d: want %d", ErrState, p[0], stateVersion)
	}
	r := newRegisters(Algorithm(p[1]))
	ksnSize, n := aesKSNSize, aesRegisters
	switch r.alg {
	case TDES2:
		ksnSize, n = tdesKSNSize, tdesRegisters
	case AES128, AES192, AES256:
	default:
		return nil, fmt.Errorf("%w for %v: want TDES2, AES128, AES192 or AES256", ErrState, r.alg)
	}
	if want := stateHeader + ksnSize + n*r.alg.Size(); len(p) != want {
		return nil, fmt.Errorf("%w of %d bytes: want %d for %v", ErrState, len(p), want, r.alg)
	}
	if err := r.parse(p[stateHeader:stateHeader+ksnSize], p[stateHeader+ksnSize:]); err != nil {
		r.wipe()
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	return &State{r}, nil
}

// parse takes over a KSN and registers whose lengths are right.
func (r *registers) parse(ksn, keys []byte) (err error) {
	if r.ksn, err = ParseKSN(ksn); err != nil {
		return err
	}
	if err := r.ksn.tooManyOnes(); err != nil { // counter 0 is that of a device without a transaction yet
		return err
	}
	c, size := r.ksn.Counter(), r.alg.Size()
	for i := range r.ksn.registers() {
		copy(r.keys[i][:], keys[i*size:(i+1)*size])
		switch full := r.keys[i] != [maxKey]byte{}; {
		case full && !r.holds(i, c):
			return fmt.Errorf("register %d holds a key at counter %X: want it empty", i, c)
		case !full && r.holds(i, c):
			return fmt.Errorf("register %d is empty at counter %X: want a key of %d bytes", i, c, size)
		}
	}
	return nil
}
