package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/posim/posim/internal/pan"
)

// The exit statuses.
const (
	exitPassed = 0
	exitFailed = 1 // a scenario failed, or what was to be decoded cannot be
	exitMisuse = 2 // wrong arguments, or a script that does not parse: nothing was run
)

// app is the program with everything it touches; main and the tests fill it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time // real time, for what a run took
	colours        bool             // standard output shows colours
	live           bool             // standard error shows a line that is written over
}

// failure is an error that decides the exit status; an empty one says nothing, because the output has said it.
type failure struct {
	status int
	err    error
}

// Error is the text behind "posim: ".
func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

// Unwrap returns the error itself.
func (f *failure) Unwrap() error { return f.err }

func failed(err error) error { return &failure{exitFailed, err} }

func misuse(format string, args ...any) error {
	return &failure{exitMisuse, fmt.Errorf(format, args...)}
}

// run does what the arguments say and returns the exit status.
func (a *app) run(args []string) int {
	out, diag := newSink(a.stdout), newSink(a.stderr)
	status := a.execute(args, out, diag)
	if err := out.Close(); err != nil && status == exitPassed {
		fmt.Fprintf(diag, "posim: standard output: %v\n", err)
		status = exitFailed
	}
	_ = diag.Close() // there is nobody left to tell
	return status
}

func (a *app) execute(args []string, out, diag *sink) int {
	masked := *a
	masked.stdout, masked.stderr = out, diag
	root := masked.root()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return exitPassed
	}
	status := exitMisuse // what cobra finds is about arguments
	if f := (*failure)(nil); errors.As(err, &f) {
		status = f.status
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(diag, "posim: %s\n", text)
	}
	return status
}

// sink masks what is written and keeps the first error of the writer behind: a full disk must not look like success.
type sink struct {
	masked *pan.Writer
	behind io.Writer
	err    error
}

var _ io.WriteCloser = (*sink)(nil)

func newSink(w io.Writer) *sink { return &sink{masked: pan.NewWriter(w), behind: w} }

// Write masks b.
func (s *sink) Write(b []byte) (int, error) {
	n, err := s.masked.Write(b)
	s.keep(err)
	return n, err
}

// unmasked writes behind what was written so far, as it is: for what was computed and only looks like a card's number.
func (s *sink) unmasked() io.Writer { return bare{s} }

type bare struct{ s *sink }

// Write passes b on.
func (w bare) Write(b []byte) (int, error) {
	w.s.Flush()
	n, err := w.s.behind.Write(b)
	w.s.keep(err)
	return n, err
}

// Flush passes on what the masking holds back.
func (s *sink) Flush() { s.keep(s.masked.Flush()) }

// Close flushes and returns the first error there was.
func (s *sink) Close() error {
	s.Flush()
	return s.err
}

func (s *sink) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}
