package sim

import (
	"errors"
	"io"
	"io/fs"
)

// Disk is a flat directory of files: logs that are appended to, and small files that are replaced whole.
type Disk interface {
	// Open opens name for appending and creates it if it is absent.
	Open(name string) (File, error)
	// ReadFile returns what a reader sees now: what is durable, and what was written since. The error wraps
	// fs.ErrNotExist when there is no such file. The bytes are the caller's.
	ReadFile(name string) ([]byte, error)
	// Replace makes data, which is copied, the content of name, which is created if it is absent. On return it is durable,
	// and it is atomic: a power cut on the way leaves the old content (or no file) or the new one, never a mixture. After an
	// error it is the old content; or in doubt, when the last step is what failed: a reader sees the new one then, a power
	// cut may bring the old one back, and a later Replace that succeeds ends the doubt. A file that was open stays open on
	// the old content, which has no name any more: nobody reads what is written to it.
	Replace(name string, data []byte) error
}

var (
	_ Disk = (*MemDisk)(nil)
	_ Disk = DirDisk("")
)

// File is one open file. A failed Sync leaves its bytes in doubt: it must not be tried again as if it could mend them.
type File interface {
	io.Writer               // appends
	io.Closer               // does not sync
	Sync() error            // makes everything written durable
	Truncate(n int64) error // cuts the file to n bytes; durable after Sync
}

// What a disk answers when it cannot do what is asked.
var (
	ErrFull = errors.New("sim: disk full")
	ErrIO   = errors.New("sim: input/output error")
)

// DiskFault is what becomes of one durable write: a Write and the Sync after it, or a Replace.
type DiskFault uint32

// The faults of a durable write. A Replace has no part: its bytes are in place after PowerOffKept, and after every other
// loss of power not at all.
const (
	NoDiskFault     DiskFault = iota
	DiskFull                  // Write or Replace fails, nothing is written
	DiskError                 // Write or Replace fails, nothing is written
	SyncError                 // Sync or Replace fails; the bytes may or may not be there after a power cut
	PowerOffLost              // the power goes at the Sync: the bytes are lost
	PowerOffKept              // the power goes at the Sync: the bytes are kept
	PowerOffTorn              // the power goes at the Sync: the front of the bytes is kept
	PowerOffFlipped           // the power goes at the Sync: the bytes are kept, but for one bit
)

// argument is where a fault's number begins.
const argument = 8

// At is the fault with its place named: how many bytes a torn write keeps, and of a flipped bit its byte, both counted in
// what was not synced. Without, the world chooses.
func (f DiskFault) At(n int) DiskFault { return f.kind() | DiskFault(n+1)<<argument }

func (f DiskFault) kind() DiskFault { return f & (1<<argument - 1) }

// place is where in the pending bytes, from low on, the fault is.
func (f DiskFault) place(w *World, label string, low, pending int) int {
	if n := int(f >> argument); n > 0 {
		return min(max(n-1, low), pending-1)
	}
	return low + w.Choose(label, pending-low)
}

// MemDisk is a disk in memory that survives its owner's power cuts. What was not synced is settled at the cut: by the
// fault that made it, by Settle, and if by neither then it is lost.
type MemDisk struct {
	a     *Actor
	files []*memFile // few, in order of creation
	fault func(file string, n int) DiskFault
}

type memFile struct {
	name   string
	data   []byte
	synced int       // data[:synced] is durable
	old    []byte    // not nil: durable content that a truncation not yet synced would cut
	epoch  uint32    // of the owner, when the file was last changed
	armed  DiskFault // the fault of the durable write in progress
	doubt  bool      // a sync failed: nobody knows whether data[from:to] is there, whatever a later sync answers
	from   int
	to     int
	unsure bool     // put in its place by a Replace that failed: whether it stays there, the next power cut tells
	before *memFile // if unsure, what stands there otherwise; nil: nothing
}

// NewMemDisk returns an empty disk of a's.
func NewMemDisk(a *Actor) *MemDisk { return &MemDisk{a: a} }

// OnWrite has f asked at each durable write, of n bytes, when its Write or Replace begins.
func (d *MemDisk) OnWrite(f func(file string, n int) DiskFault) { d.fault = f }

func (d *MemDisk) find(name string) *memFile {
	for _, f := range d.files {
		if f.name == name {
			return f
		}
	}
	return nil
}

// Open opens name for appending.
func (d *MemDisk) Open(name string) (File, error) {
	epoch := d.a.Epoch()
	d.a.Check(epoch)
	d.lose()
	f := d.find(name)
	if f == nil {
		f = &memFile{name: name}
		d.files = append(d.files, f)
	}
	return &memHandle{d, f, epoch}, nil
}

// ReadFile returns the file as its owner sees it.
func (d *MemDisk) ReadFile(name string) ([]byte, error) {
	d.lose()
	f := d.find(name)
	if f == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return append([]byte(nil), f.data...), nil
}

// Durable returns what a power cut would certainly leave of name; nil if there is none. Of a Replace that failed and is in
// doubt it is what was there before.
func (d *MemDisk) Durable(name string) []byte {
	f := d.find(name)
	for f != nil && f.unsure {
		f = f.before
	}
	switch {
	case f == nil:
		return nil
	case f.old != nil:
		return append([]byte(nil), f.old...)
	case f.doubt:
		return append([]byte(nil), f.data[:min(f.from, f.synced)]...)
	}
	return append([]byte(nil), f.data[:f.synced]...)
}

// Put sets a file's durable content from outside: damage, or its repair. The owner must be without power.
func (d *MemDisk) Put(name string, data []byte) {
	d.place(&memFile{name: name, data: append([]byte(nil), data...), synced: len(data)})
}

// place gives f its name, which it takes from whatever has it.
func (d *MemDisk) place(f *memFile) {
	for i := range d.files {
		if d.files[i].name == f.name {
			d.files[i] = f
			return
		}
	}
	d.files = append(d.files, f)
}

// Replace makes data the content of name, in one durable write.
func (d *MemDisk) Replace(name string, data []byte) error {
	epoch := d.a.Epoch()
	d.a.Check(epoch)
	d.lose()
	fault := NoDiskFault
	if d.fault != nil {
		fault = d.fault(name, len(data))
	}
	switch fault.kind() {
	case DiskFull:
		return ErrFull
	case DiskError:
		return ErrIO
	}
	d.a.w.Note(d.a.name, "disk "+name, data)
	f := &memFile{name: name, data: append([]byte(nil), data...), synced: len(data), epoch: epoch}
	switch fault.kind() {
	case PowerOffLost, PowerOffTorn, PowerOffFlipped: // the file was written, or part of it was; it never got the name
		d.powerOff(fault)
	case SyncError:
		f.unsure, f.before = true, d.find(name)
	}
	d.place(f)
	switch fault.kind() {
	case PowerOffKept:
		d.powerOff(fault)
	case SyncError:
		return ErrIO
	}
	return nil
}

// powerOff is the loss of power during a durable write.
func (d *MemDisk) powerOff(image DiskFault) {
	d.Settle(image)
	d.a.PowerOff()
	panic(PowerCut{d.a.name}) // an owner of events only: PowerOff returned
}

// Settle decides what a power cut leaves of everything not synced: image is PowerOffLost, PowerOffKept, PowerOffTorn or PowerOffFlipped.
// After a failed sync the world chooses; bytes that it loses although later ones were synced read as zeros, and what a Replace
// put in place is there or what was there before.
func (d *MemDisk) Settle(image DiskFault) {
	d.settle(image, func(*memFile) bool { return true })
}

// lose settles what the power took in an earlier epoch and nobody settled.
func (d *MemDisk) lose() {
	d.settle(PowerOffLost, func(f *memFile) bool { return f.epoch != d.a.epoch })
}

func (d *MemDisk) settle(image DiskFault, which func(*memFile) bool) {
	left := d.files[:0]
	for _, f := range d.files {
		if which(f) {
			if f = f.placed(d.a.w); f == nil {
				continue // the name is gone too
			}
			f.settle(d.a.w, image)
		}
		left = append(left, f)
	}
	clear(d.files[len(left):])
	d.files = left
}

// placed is the file that has the name after a power cut: f, or what it replaced in doubt, which may be in doubt itself.
func (f *memFile) placed(w *World) *memFile {
	for f != nil && f.unsure {
		if w.Choose("after sync error", 2) == 1 {
			return f
		}
		f = f.before
	}
	return f
}

func (f *memFile) settle(w *World, how DiskFault) {
	if f.doubt {
		how = PowerOffKept
		if w.Choose("after sync error", 2) == 0 {
			how = PowerOffLost
			clear(f.data[f.from:f.to])
		}
	}
	pending := len(f.data) - f.synced
	switch {
	case how == PowerOffKept:
	case how.kind() == PowerOffFlipped && f.old == nil && pending > 0:
		f.data[f.synced+how.place(w, "bit flipped in byte", 0, pending)] ^= 1
	case f.old != nil: // the truncation was not synced
		f.data = f.old
	case how.kind() == PowerOffTorn && pending > 1:
		f.data = f.data[:f.synced+how.place(w, "torn at", 1, pending)]
	default:
		f.data = f.data[:f.synced]
	}
	*f = memFile{name: f.name, data: f.data, synced: len(f.data)}
}

type memHandle struct {
	d     *MemDisk
	f     *memFile
	epoch uint32
}

// Write appends p.
func (h *memHandle) Write(p []byte) (int, error) {
	h.d.a.Check(h.epoch)
	if h.d.fault != nil {
		switch fault := h.d.fault(h.f.name, len(p)); fault {
		case NoDiskFault: // what an earlier Write armed still waits for its Sync
		case DiskFull:
			return 0, ErrFull
		case DiskError:
			return 0, ErrIO
		default:
			h.f.armed = fault
		}
	}
	h.f.epoch = h.epoch
	h.d.a.w.Note(h.d.a.name, "disk "+h.f.name, p)
	h.f.data = append(h.f.data, p...)
	return len(p), nil
}

// Sync makes what was written durable.
func (h *memHandle) Sync() error {
	h.d.a.Check(h.epoch)
	armed := h.f.armed
	h.f.armed = NoDiskFault
	switch armed.kind() {
	case SyncError:
		if !h.f.doubt {
			h.f.doubt, h.f.from = true, h.f.synced
		}
		h.f.to = len(h.f.data)
		return ErrIO
	case PowerOffLost, PowerOffKept, PowerOffTorn, PowerOffFlipped:
		h.d.powerOff(armed)
	}
	h.f.synced, h.f.old = len(h.f.data), nil
	return nil
}

// Truncate cuts the file to n bytes.
func (h *memHandle) Truncate(n int64) error {
	h.d.a.Check(h.epoch)
	if n < 0 || n > int64(len(h.f.data)) {
		return ErrIO
	}
	h.f.epoch = h.epoch
	h.f.from, h.f.to = min(h.f.from, int(n)), min(h.f.to, int(n))
	if int(n) < h.f.synced {
		if h.f.old == nil {
			h.f.old = append([]byte(nil), h.f.data[:h.f.synced]...)
		}
		h.f.synced = int(n)
	}
	h.f.data = h.f.data[:n]
	return nil
}

// Close forgets the handle.
func (h *memHandle) Close() error { return nil }
