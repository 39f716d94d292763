package scenario

import (
	"bytes"
	"testing"
	"time"

	"github.com/posim/posim/transport/reader"
)

type plainCard struct{}

func (plainCard) Reset() []byte                   { return []byte{0x3B, 0x00} }
func (plainCard) Transmit([]byte) ([]byte, error) { return []byte{0x90, 0x00}, nil }

func TestReaderFaults(t *testing.T) {
	var faults []Fault
	for _, spec := range []string{"reader[frame#2].nak", "card[SELECT].slow(2s)", "card[READ RECORD#2].sw(6A83)", "card[VERIFY].tear"} {
		f, err := ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	var told []string
	r, err := NewReaderFaults(faults, func(f Fault) { told = append(told, f.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if _, strikes := r.Strike(reader.EventFrame); strikes {
		t.Error("the first frame is struck")
	}
	if f, strikes := r.Strike(reader.EventFrame); !strikes || f.Kind != reader.FaultNAK {
		t.Errorf("the second frame: %+v, %v", f, strikes)
	}
	if f, strikes := r.Strike("SELECT"); !strikes || f.Kind != reader.FaultSlow || f.Delay != 2*time.Second {
		t.Errorf("SELECT: %+v, %v", f, strikes)
	}
	c := r.Card(plainCard{})
	for i, want := range [][]byte{{0x90, 0x00}, {0x6A, 0x83}, {0x90, 0x00}} {
		if got, err := c.Transmit([]byte{0, 0xB2, 1, 0x0C, 0}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("READ RECORD %d: %X, %v: want %X", i+1, got, err, want)
		}
	}
	if len(told) != 3 || told[0] != "reader[frame#2].nak" {
		t.Errorf("told %q", told)
	}
	if left := r.unfired(); len(left) != 1 || left[0].Kind != "tear" {
		t.Errorf("unfired %v: want the tear", left)
	}
	f, err := ParseFault("net.req[0200].lose")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewReaderFaults([]Fault{f}, nil); err == nil {
		t.Error("a fault of the line was taken")
	}
}
