package hsm

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The format of hsm.store, integers big-endian:
//
//	head       magic, format       "posimHSM", 1
//	           kind of lock        1 byte
//	           iterations          4 bytes; 0 under a device key
//	           salt                16 bytes
//	           lock's check value  16 bytes
//	           version             8 bytes
//	           nonce               12 bytes
//	           number of entries   2 bytes
//	an entry   slot                4 bytes
//	           serial number       8 bytes
//	           usage               2 bytes
//	           algorithm, mode, exportability  1 byte each
//	           length of label     1 byte
//	           length of secret    2 bytes
//	           label
//	           sealed secret       the secret's length and 16 bytes
//	list seal  16 bytes
//
// Every seal is AES-256-GCM. An entry's place in the list, from 0, is added to the nonce's last two bytes by XOR; the list
// seal has the place behind the last. What is authenticated with an entry is the head, the place (2 bytes), and the entry up
// to its secret; with the list, everything in front of it.
//
// hsm.anchor: magic "posimANC", format 1, version (8 bytes), list seal of the store with that version (zeros for version 0),
// HMAC-SHA-256 of that.
const (
	storeMagic  = "posimHSM\x01"
	anchorMagic = "posimANC\x01"

	saltSize  = 16
	checkSize = 16
	nonceSize = 12
	tagSize   = 16

	headSize   = len(storeMagic) + 1 + 4 + saltSize + checkSize + 8 + nonceSize + 2
	entrySize  = 4 + 8 + 2 + 3 + 1 + 2 // without label and secret
	anchorBody = len(anchorMagic) + 8 + tagSize
	anchorSize = anchorBody + 32
)

// What a store is bounded by.
const (
	maxEntries = 4096
	maxLabel   = 64   // bytes
	maxSecret  = 2048 // bytes: the state of a DUKPT device is the longest

	// maxVersion is how often a store can be saved: a hundred years of a save each second.
	maxVersion = 1 << 32
)

// entry is one kept key as the store seals it.
type entry struct {
	slot                           uint32
	label                          string
	usage                          string // two characters
	algorithm, mode, exportability byte
	serial                         uint64
	secret                         []byte // a key, or the state of a DUKPT device
}

// Format prints slot, usage and label for every verb (but %p, which asks no method: vet refuses that).
func (e entry) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "slot %d %s %q", e.slot, e.usage, e.label) }

// valid tells whether the store can hold e.
func (e *entry) valid() error {
	switch {
	case len(e.label) > maxLabel:
		return fmt.Errorf("label of %d bytes: want at most %d", len(e.label), maxLabel)
	case len(e.usage) != 2:
		return fmt.Errorf("usage of %d characters: want 2", len(e.usage))
	case len(e.secret) == 0 || len(e.secret) > maxSecret:
		return fmt.Errorf("secret of %d bytes: want 1 to %d", len(e.secret), maxSecret)
	}
	return nil
}

// appendHead appends an entry up to its secret.
func (e *entry) appendHead(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.slot)
	b = binary.BigEndian.AppendUint64(b, e.serial)
	b = append(b, e.usage...)
	b = append(b, e.algorithm, e.mode, e.exportability, byte(len(e.label)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.secret)))
	return append(b, e.label...)
}

// parseHead takes an entry's front from b and tells how long its parts are. It does not judge.
func (e *entry) parseHead(b []byte) (label, secret int) {
	e.slot = binary.BigEndian.Uint32(b)
	e.serial = binary.BigEndian.Uint64(b[4:])
	e.usage = string(b[12:14])
	e.algorithm, e.mode, e.exportability = b[14], b[15], b[16]
	return int(b[17]), int(binary.BigEndian.Uint16(b[18:]))
}

// storeHeader is the head of hsm.store.
type storeHeader struct {
	kind       byte
	iterations uint32
	salt       [saltSize]byte
	check      [checkSize]byte // of the keys that lock and salt give: a wrong lock is told from a damaged store by it
	version    uint64
	nonce      [nonceSize]byte
	count      int
}

// make begins a new store.
func (h *storeHeader) make(l Lock, rand io.Reader) error {
	if err := l.valid(); err != nil {
		return err
	}
	h.kind, h.iterations = l.kind, l.iterations
	if _, err := io.ReadFull(rand, h.salt[:]); err != nil {
		return fmt.Errorf("hsm: store: salt: %w", err)
	}
	return nil
}

func (h *storeHeader) append(b []byte) []byte {
	b = append(append(b, storeMagic...), h.kind)
	b = binary.BigEndian.AppendUint32(b, h.iterations)
	b = append(append(b, h.salt[:]...), h.check[:]...)
	b = binary.BigEndian.AppendUint64(b, h.version)
	b = append(b, h.nonce[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(h.count))
}

// damaged is ErrStore with the place.
func damaged(at int, format string, a ...any) error {
	return fmt.Errorf("%w: %s at byte %d: %s", ErrStore, storeFile, at, fmt.Sprintf(format, a...))
}

// parse takes the head of a file and judges it.
func (h *storeHeader) parse(b []byte) error {
	if len(b) < headSize {
		return damaged(len(b), "it ends within its head of %d bytes", headSize)
	}
	at := len(storeMagic)
	if string(b[:at]) != storeMagic {
		return damaged(0, "no store of this format")
	}
	h.kind = b[at]
	if lockNames[h.kind] == "" {
		return damaged(at, "unknown kind of lock %d", h.kind)
	}
	h.iterations = binary.BigEndian.Uint32(b[at+1:])
	if least, most := iterations(h.kind); h.iterations < least || h.iterations > most {
		return damaged(at+1, "%d iterations: want %d to %d", h.iterations, least, most)
	}
	at += 1 + 4
	at += copy(h.salt[:], b[at:])
	at += copy(h.check[:], b[at:])
	h.version = binary.BigEndian.Uint64(b[at:])
	if h.version == 0 || h.version > maxVersion {
		return damaged(at, "version %d: want 1 to %d", h.version, uint64(maxVersion))
	}
	at += 8
	at += copy(h.nonce[:], b[at:])
	h.count = int(binary.BigEndian.Uint16(b[at:]))
	if h.count > maxEntries {
		return damaged(at, "%d entries: want at most %d", h.count, maxEntries)
	}
	return nil
}

// iterations are the bounds of a lock's number.
func iterations(kind byte) (least, most uint32) {
	if kind == lockPassphrase {
		return 1, maxIterations
	}
	return 0, 0
}

// places returns where each entry begins, and judges their order and their lengths against the file's.
func (h *storeHeader) places(b []byte) ([]int, error) {
	at, end := headSize, len(b)-tagSize
	if most := (end - at) / (entrySize + tagSize); h.count > most {
		return nil, damaged(headSize-2, "%d entries: the file has room for %d", h.count, max(0, most))
	}
	places := make([]int, h.count)
	last := int64(-1)
	for i := range places {
		if end-at < entrySize {
			return nil, damaged(at, "the file ends within entry %d", i+1)
		}
		var e entry
		label, secret := e.parseHead(b[at:])
		switch {
		case int64(e.slot) <= last:
			return nil, damaged(at, "entry %d: slot %d after slot %d", i+1, e.slot, last)
		case label > maxLabel:
			return nil, damaged(at, "entry %d: label of %d bytes: want at most %d", i+1, label, maxLabel)
		case secret == 0 || secret > maxSecret:
			return nil, damaged(at, "entry %d: secret of %d bytes: want 1 to %d", i+1, secret, maxSecret)
		}
		places[i], last = at, int64(e.slot)
		if at += entrySize + label + secret + tagSize; at > end {
			return nil, damaged(places[i], "the file ends within entry %d", i+1)
		}
	}
	if at != end {
		return nil, damaged(at, "%d bytes behind the last entry: want a seal of %d", len(b)-at, tagSize)
	}
	return places, nil
}

// nonceAt is the nonce of a place in the list.
func (h *storeHeader) nonceAt(place int) (n [nonceSize]byte) {
	n = h.nonce
	n[nonceSize-2] ^= byte(place >> 8)
	n[nonceSize-1] ^= byte(place)
	return n
}

// nonceFor is nonceAt until the next call: what goes to an AEAD is on the heap.
func (s *store) nonceFor(h *storeHeader, place int) []byte {
	s.nonce = h.nonceAt(place)
	return s.nonce[:]
}

// seal makes the file of h and the entries in s.buf; nonce and count of h are set.
func (s *store) seal(h *storeHeader, entries []entry) (tag [tagSize]byte, err error) {
	if h.version > maxVersion {
		return tag, fmt.Errorf("hsm: store: it was saved %d times, which is all: make a new one", uint64(maxVersion))
	}
	if len(entries) > maxEntries {
		return tag, fmt.Errorf("hsm: store: %d entries: want at most %d", len(entries), maxEntries)
	}
	h.count = len(entries)
	if err := s.deriveNonce(h, entries); err != nil {
		return tag, err
	}
	b := h.append(s.buf[:0])
	for i := range entries {
		e := &entries[i]
		at := len(b)
		b = e.appendHead(b)
		b = s.keys.aead.Seal(b, s.nonceFor(h, i), e.secret, s.associated(b[:headSize], i, b[at:]))
	}
	b = s.keys.aead.Seal(b, s.nonceFor(h, len(entries)), nil, b)
	s.buf = b
	copy(tag[:], b[len(b)-tagSize:])
	return tag, nil
}

// associated is what is authenticated with an entry, until the next call.
func (s *store) associated(head []byte, place int, entryHead []byte) []byte {
	s.aad = append(s.aad[:0], head...)
	s.aad = append(s.aad, byte(place>>8), byte(place))
	s.aad = append(s.aad, entryHead...)
	return s.aad
}

// deriveNonce judges the entries and derives the nonce from them: see store. All lengths go in with what they are of, so
// two different lists never read the same.
func (s *store) deriveNonce(h *storeHeader, entries []entry) error {
	mac := s.keys.nonce
	mac.Reset()
	s.aad = binary.BigEndian.AppendUint64(s.aad[:0], h.version)
	s.aad = binary.BigEndian.AppendUint16(s.aad, uint16(h.count))
	mac.Write(s.aad)
	last := int64(-1)
	for i := range entries {
		e := &entries[i]
		if err := e.valid(); err != nil {
			return fmt.Errorf("hsm: store: entry %d: %w", i+1, err)
		}
		if int64(e.slot) <= last {
			return fmt.Errorf("hsm: store: entry %d: slot %d after slot %d", i+1, e.slot, last)
		}
		last = int64(e.slot)
		s.aad = e.appendHead(s.aad[:0])
		mac.Write(s.aad)
		mac.Write(e.secret)
	}
	copy(h.nonce[:], mac.Sum(s.keys.sum[:0]))
	return nil
}

// verify checks the seal over the whole list.
func (s *store) verify(b []byte) error {
	body := len(b) - tagSize
	if _, err := s.keys.aead.Open(nil, s.nonceFor(&s.head, s.head.count), b[body:], b[:body]); err != nil {
		return fmt.Errorf("%w: %s: the seal over the list does not open", ErrStore, storeFile)
	}
	copy(s.tag[:], b[body:])
	return nil
}

// unseal opens the entries, which begin at places.
func (s *store) unseal(b []byte, places []int) ([]entry, error) {
	entries := make([]entry, len(places))
	for i, at := range places {
		e := &entries[i]
		label, secret := e.parseHead(b[at:])
		sealed := at + entrySize + label
		e.label = string(b[at+entrySize : sealed])
		var err error
		e.secret, err = s.keys.aead.Open(nil, s.nonceFor(&s.head, i), b[sealed:sealed+secret+tagSize], s.associated(b[:headSize], i, b[at:sealed]))
		if err != nil {
			for _, e := range entries {
				wipe(e.secret)
			}
			return nil, damaged(at, "the seal of entry %d does not open", i+1)
		}
	}
	return entries, nil
}

func appendAnchor(b []byte, version uint64, tag []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, anchorMagic...), version)
	return append(b, tag...)
}

// parseAnchor takes an anchor apart; it does not verify it.
func parseAnchor(b []byte) (version uint64, tag []byte, err error) {
	if string(b) == tamperMark {
		return 0, nil, ErrTampered
	}
	if len(b) != anchorSize || string(b[:len(anchorMagic)]) != anchorMagic {
		return 0, nil, fmt.Errorf("%w: %s is no anchor of this format", ErrAnchor, anchorFile)
	}
	at := len(anchorMagic)
	return binary.BigEndian.Uint64(b[at:]), b[at+8 : anchorBody], nil
}
