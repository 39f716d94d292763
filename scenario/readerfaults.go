package scenario

import (
	"fmt"

	"github.com/posim/posim/transport/reader"
)

// ReaderFaults plays faults of a reader and its card where no script runs: in an emulated reader that other programs use.
// It belongs to the goroutine that plays the reader.
type ReaderFaults struct{ armory }

// NewReaderFaults arms faults of the seams reader and card; others are an error. tell, if not nil, hears of each that
// strikes.
func NewReaderFaults(faults []Fault, tell func(Fault)) (*ReaderFaults, error) {
	for _, f := range faults {
		if f.Seam != "reader" && f.Seam != "card" {
			return nil, fmt.Errorf("scenario: fault %s: want one of reader or card here", f)
		}
	}
	r := &ReaderFaults{}
	r.tell = func(f *Fault) {
		if tell != nil {
			tell(*f)
		}
	}
	r.arm(faults)
	return r, nil
}

// Strike says what goes wrong at an event, as reader.EmulatorConfig and reader.VPCDConfig ask.
func (r *ReaderFaults) Strike(event string) (reader.Fault, bool) { return r.onReader(event) }

// Card is c with the faults that change its answers.
func (r *ReaderFaults) Card(c reader.EmulatedCard) reader.EmulatedCard {
	return &bewitched{c, r.onAnswer, nil}
}
