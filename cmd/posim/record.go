package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/scenario"
)

// recordings are the transcripts of the chip sales of a script.
type recordings struct {
	file string // "": nobody wants any

	mu   sync.Mutex
	all  []*transcript.Transcript
	lost []error // why there is none of a sale
}

// hook is what a terminal is given; nil if nobody wants a recording.
func (r *recordings) hook() func(*transcript.Transcript, error) {
	if r.file == "" {
		return nil
	}
	return func(t *transcript.Transcript, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.lost = append(r.lost, err)
		} else {
			r.all = append(r.all, t)
		}
	}
}

// write writes FILE, FILE-2 and so on. They are not masked, since signatures cover card numbers, and so are for their owner only.
func (r *recordings) write(diag io.Writer, scripts []*scenario.Script) error {
	if r.file == "" {
		return nil
	}
	for _, err := range r.lost {
		fmt.Fprintf(diag, "posim: not recorded: %v\n", err)
	}
	if len(r.all) == 0 {
		return failed(errors.New("--record: no chip sale ended that could be recorded"))
	}
	for i, t := range r.all {
		name := r.file
		if i > 0 {
			ext := filepath.Ext(name)
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), i+1, ext)
		}
		t.ID = scripts[0].ID
		if len(r.all) > 1 {
			t.ID = fmt.Sprintf("%s-%d", t.ID, i+1)
		}
		t.Title = scripts[0].Name
		if err := writeTranscript(name, t); err != nil {
			return failed(err)
		}
		fmt.Fprintf(diag, "posim: recorded %s: %s, %d commands\n", name, t.Expected.Outcome, len(t.Exchanges))
	}
	return nil
}

func writeTranscript(name string, t *transcript.Transcript) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600) // it may have been there, open to everybody
	if err == nil {
		err = t.Write(f)
	}
	return errors.Join(err, f.Close())
}
