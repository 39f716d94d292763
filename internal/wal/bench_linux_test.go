package wal

import (
	"bytes"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// bare is the floor a log cannot go below: a file written full of zeros beforehand, a write in place, fdatasync.
type bare struct {
	f   *os.File
	buf []byte
	at  int64
}

const bareSize = 64 << 20

func newBare(b *testing.B, name string, n int) *bare {
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < bareSize; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros, at); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	return &bare{f: f, buf: make([]byte, n)}
}

func (w *bare) write(b *testing.B) {
	if _, err := w.f.WriteAt(w.buf, w.at); err != nil {
		b.Fatal(err)
	}
	if err := syscall.Fdatasync(int(w.f.Fd())); err != nil {
		b.Fatal(err)
	}
	w.at = (w.at + int64(len(w.buf))) % (bareSize - int64(len(w.buf)))
}

// BenchmarkDurableAppend commits a 300-byte record at a time, in turn with a bare preallocated write and fdatasync of as
// many bytes in the same folder: the ratio of the medians is the log's own cost.
func BenchmarkDurableAppend(b *testing.B) {
	dir := b.TempDir()
	l, _ := open(b, sim.DirDisk(dir))
	body := bytes.Repeat([]byte{0x5A}, 300-header)
	bare := newBare(b, filepath.Join(dir, "bare"), 300)
	var ours, floor []float64
	for b.Loop() {
		t0 := time.Now()
		commit(b, l, string(body))
		t1 := time.Now()
		bare.write(b)
		floor = append(floor, float64(time.Since(t1)))
		ours = append(ours, float64(t1.Sub(t0)))
	}
	sort.Float64s(ours)
	sort.Float64s(floor)
	b.ReportMetric(ours[len(ours)/2], "p50-ns")
	b.ReportMetric(floor[len(floor)/2], "bare-p50-ns")
	b.ReportMetric(floor[len(floor)/2]/ours[len(ours)/2], "of-bare")
}
