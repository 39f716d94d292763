// Package wal is an append-only log of records over a sim.Disk: what a terminal's journal and a host's log are made of.
//
// A record is length (4 bytes), CRC-32C (4), sequence number (8), body; integers big-endian. The checksum covers all but
// itself. Records are appended to a buffer and become durable together at Commit: one write, one sync, however many they
// are. Recovery hands every whole record to the owner, in order, and cuts off a torn one at the end: it was never
// acknowledged. Damage before the end is not a torn write and is an error (ErrCorrupt), with its place.
//
// A power cut may keep any front part of a commit. Records that mean nothing one without the other are bound together (Bind): the
// first bit of a length says that another record belongs to it, and recovery hands out all that are bound, or none.
//
// The log never shrinks by itself. Whoever needs less than it holds writes what is left into a new one: Rewrite.
package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/posim/posim/sim"
)

// MaxBody is the longest body of a record, in bytes: no transaction comes near, and damage does not ask for gigabytes.
const MaxBody = 1 << 20

const header = 16

// more is the bit of a length that says that the next record belongs to this one.
const more = 1 << 31

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is damage to a record that had been durable.
var ErrCorrupt = errors.New("wal: corrupt")

// ErrTooLong is a body longer than MaxBody.
var ErrTooLong = errors.New("wal: record too long")

// Log is an open log. It belongs to one actor.
type Log struct {
	name string
	file sim.File
	seq  uint64
	buf  []byte
	err  error // the first failure; nothing is written after it
	torn int
	size int64 // bytes that are committed
}

// Open recovers name, which is created if it is absent, and gives each record's body to apply, which must not keep it.
// An error of apply, damage, and what the disk reports end the recovery.
func Open(d sim.Disk, name string, apply func(body []byte) error) (*Log, error) {
	data, err := d.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("wal: %s: %w", name, err)
	}
	l := &Log{name: name}
	end, err := l.recover(data, apply)
	if err != nil {
		return nil, err
	}
	if l.file, err = d.Open(name); err != nil {
		return nil, fmt.Errorf("wal: %s: %w", name, err)
	}
	l.size = int64(end)
	if end < len(data) {
		l.torn = len(data) - end
		if err := l.file.Truncate(int64(end)); err != nil {
			return nil, fmt.Errorf("wal: %s: cutting off a torn record: %w", name, err)
		}
	}
	return l, nil
}

// Rewrite puts a log of these records in the place of name, and opens it. It is one durable write: a power cut on the way
// leaves the old log or the new one. A Log that was open on the old one is of no use any more. After an error the old one
// may stand, or the new one.
func Rewrite(d sim.Disk, name string, bodies [][]byte) (*Log, error) {
	l := &Log{name: name}
	for _, b := range bodies {
		if err := l.Append(b); err != nil {
			return nil, err
		}
	}
	if err := d.Replace(name, l.buf); err != nil {
		return nil, fmt.Errorf("wal: %s: %w", name, err)
	}
	l.size, l.buf = int64(len(l.buf)), nil
	var err error
	if l.file, err = d.Open(name); err != nil {
		return nil, fmt.Errorf("wal: %s: %w", name, err)
	}
	return l, nil
}

// Encode is a log of these records as its file has it, for whoever has them from somebody's log and wants to read them like one.
func Encode(bodies [][]byte) ([]byte, error) {
	l := &Log{name: "records"}
	for _, b := range bodies {
		if err := l.Append(b); err != nil {
			return nil, err
		}
	}
	return l.buf, nil
}

// Recover reads the records of a log's bytes without opening it: the view of a judge. It returns how many bytes they take.
func Recover(name string, data []byte, apply func(body []byte) error) (int, error) {
	l := &Log{name: name}
	return l.recover(data, apply)
}

// Reader reads the bytes of a log that grows, and each record once.
type Reader struct {
	log Log
	at  int
}

// NewReader reads name from its beginning.
func NewReader(name string) *Reader { return &Reader{log: Log{name: name}} }

// Read gives apply the records of data that it has not given before. data begins with what was read before. It returns how many
// bytes all of them take; after an error the reader is of no use any more.
func (r *Reader) Read(data []byte, apply func(body []byte) error) (int, error) {
	n, err := r.log.recover(data[r.at:], apply)
	r.at += n
	return r.at, err
}

// recover returns where the last whole record ends, or the last that are bound together.
func (l *Log) recover(data []byte, apply func(body []byte) error) (int, error) {
	at, end := 0, 0
	last := l.seq
	var bound [][]byte // whole, and not known to be all
	for {
		body, seq, goesOn, ok := record(data[at:])
		if !ok {
			break
		}
		if last++; seq != last {
			return end, fmt.Errorf("%w: %s at byte %d: sequence %d, want %d", ErrCorrupt, l.name, at, seq, last)
		}
		at += header + len(body)
		if bound = append(bound, body); goesOn {
			continue
		}
		for _, body := range bound {
			l.seq++
			if err := apply(body); err != nil {
				return end, fmt.Errorf("wal: %s at byte %d, record %d: %w", l.name, end, l.seq, err)
			}
			end += header + len(body)
		}
		bound = bound[:0]
	}
	if later, seq := later(data, at, last); later >= 0 {
		return end, fmt.Errorf("%w: %s at byte %d: no whole record, but record %d stands at byte %d", ErrCorrupt, l.name, at, seq, later)
	}
	return end, nil
}

// record takes the record at the front of data; goesOn: the next one is bound to it.
func record(data []byte) (body []byte, seq uint64, goesOn, ok bool) {
	if len(data) < header {
		return nil, 0, false, false
	}
	n := binary.BigEndian.Uint32(data)
	goesOn, n = n&more != 0, n&^more
	seq = binary.BigEndian.Uint64(data[8:])
	if seq == 0 || n > MaxBody || int(n) > len(data)-header {
		return nil, 0, false, false
	}
	if sum(data[:header+int(n)]) != binary.BigEndian.Uint32(data[4:]) {
		return nil, 0, false, false
	}
	return data[header : header+int(n)], seq, goesOn, true
}

func sum(rec []byte) uint32 {
	return crc32.Update(crc32.Checksum(rec[:4], castagnoli), castagnoli, rec[8:])
}

// later looks for a whole record behind the place where recovery stopped: a torn write has none behind it.
func later(data []byte, at int, last uint64) (int, uint64) {
	const window = 1 << 20 // sequence numbers further on than this are noise
	for i := at + 1; i+header <= len(data); i++ {
		seq := binary.BigEndian.Uint64(data[i+8:])
		if seq <= last || seq > last+window {
			continue
		}
		if _, _, _, ok := record(data[i:]); ok {
			return i, seq
		}
	}
	return -1, 0
}

// Torn is how many bytes of an unfinished write the recovery cut off (or, of a file written ahead, did not need).
func (l *Log) Torn() int { return l.torn }

// Append buffers a record; it is durable after the next Commit. The body is copied.
func (l *Log) Append(body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("%w: %s: %d bytes, want at most %d", ErrTooLong, l.name, len(body), MaxBody)
	}
	l.seq++
	at := len(l.buf)
	l.buf = append(l.buf, make([]byte, header)...)
	l.buf = append(l.buf, body...)
	rec := l.buf[at:]
	binary.BigEndian.PutUint32(rec, uint32(len(body)))
	binary.BigEndian.PutUint64(rec[8:], l.seq)
	binary.BigEndian.PutUint32(rec[4:], sum(rec))
	return nil
}

// Mark is a place in what is appended and not committed: that of the next record.
func (l *Log) Mark() int { return len(l.buf) }

// Bind makes one of the records that were appended since the mark: recovery hands out all of them, or none.
func (l *Log) Bind(mark int) {
	for at := mark; at < len(l.buf); {
		n := binary.BigEndian.Uint32(l.buf[at:])
		rec := l.buf[at : at+header+int(n)]
		if at += len(rec); at < len(l.buf) {
			binary.BigEndian.PutUint32(rec, n|more)
			binary.BigEndian.PutUint32(rec[4:], sum(rec))
		}
	}
}

// Commit makes every buffered record durable, with one write and one sync. After a failure the log is closed for good:
// a sync that failed is never retried as if it had not, because the bytes it lost are not written again.
func (l *Log) Commit() error {
	if l.err != nil {
		return l.err
	}
	if len(l.buf) == 0 {
		return nil
	}
	if _, err := l.file.Write(l.buf); err != nil {
		l.err = fmt.Errorf("wal: %s: write: %w", l.name, err)
		return l.err
	}
	if err := l.file.Sync(); err != nil {
		l.err = fmt.Errorf("wal: %s: sync: %w", l.name, err)
		return l.err
	}
	l.size += int64(len(l.buf))
	l.buf = l.buf[:0]
	return nil
}

// Size is how many bytes at the front of the file are committed: whole records, and nothing else.
func (l *Log) Size() int64 { return l.size }

// Close closes the file. What was appended and not committed is dropped.
func (l *Log) Close() error { return l.file.Close() }
