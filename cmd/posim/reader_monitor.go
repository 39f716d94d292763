package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/reader"
)

func (a *app) readerMonitorCommand() *cobra.Command {
	var line string
	var limit time.Duration
	c := &cobra.Command{
		Use: "monitor", Short: "tell when cards and readers come and go", Args: none,
		Long: `monitor tells when cards and readers come and go, and what each card says at its reset, until Ctrl-C. Without --reader it
watches all readers of pcscd.`,
		Example: "  posim reader monitor\n  posim reader monitor --for 1m --reader '/dev/ttyUSB0?protocol=ccid-serial'",
		RunE:    func(*cobra.Command, []string) error { return a.readerMonitor(line, limit) },
	}
	c.Flags().StringVar(&line, "reader", "", "watch this reader only (a LINE)")
	c.Flags().DurationVar(&limit, "for", 0, "end after this time, such as 30s")
	return c
}

func (a *app) readerMonitor(line string, limit time.Duration) error {
	if limit < 0 {
		return misuse("--for %v: want a time above 0", limit)
	}
	spec := reader.Spec{Kind: reader.PCSC}
	if line != "" {
		var err error
		if spec, err = parseLine(line); err != nil {
			return err
		}
	}
	ctx, stop := interruptible(limit)
	defer stop()
	_, err := onWall(ctx, func(w *sim.Wall) error {
		m := &monitor{a: a, w: w}
		if spec.Kind == reader.PCSC {
			return m.pcsc(spec.Address)
		}
		return m.slot(spec)
	})
	return readerFailure(err)
}

// monitor prints what comes and goes.
type monitor struct {
	a   *app
	w   *sim.Wall
	err error // of standard output
}

func (m *monitor) say(name, format string, args ...any) {
	if m.err == nil {
		m.err = m.a.print(fmt.Sprintf("%s  %s  %s\n", m.w.Now().Local().Format("15:04:05.000"), name, fmt.Sprintf(format, args...)))
		flush(m.a.stdout)
	}
}

func (m *monitor) inserted(name string, raw []byte) {
	if len(raw) == 0 {
		m.say(name, "card inserted; it does not answer to its reset")
		return
	}
	text := ""
	if atr, err := reader.ParseATR(raw); err != nil {
		text = strings.TrimPrefix(err.Error(), "reader: ")
	} else {
		text = atr.Describe()
	}
	m.say(name, "card inserted, ATR % X: %s", raw, text)
}

// pcsc watches the readers of pcscd, or one of them.
func (m *monitor) pcsc(only string) error {
	known := map[string]reader.PCSCReader{}
	first := true
	stop := reader.WatchPCSC("", m.w, func(readers []reader.PCSCReader, err error) {
		if err != nil {
			m.say("pcscd", "%s", strings.TrimPrefix(err.Error(), "reader: "))
		} else if first && len(readers) == 0 {
			m.say("pcscd", "no reader is attached: plug one in")
		}
		first = false
		now := map[string]reader.PCSCReader{}
		for _, r := range readers {
			if only == "" || r.Name == only {
				now[r.Name] = r
				m.compare(r, known)
			}
		}
		for name := range known {
			if _, there := now[name]; !there {
				m.say(name, "reader unplugged")
			}
		}
		known = now
	})
	defer stop()
	m.w.Wait(time.Time{}, func() bool { return m.err != nil })
	return m.err
}

// compare tells what is new about a reader.
func (m *monitor) compare(r reader.PCSCReader, known map[string]reader.PCSCReader) {
	old, there := known[r.Name]
	if !there && !r.Present {
		m.say(r.Name, "reader, no card")
	}
	changed := there && r.Changes != old.Changes
	if old.Present && (!r.Present || changed) {
		m.say(r.Name, "card removed")
	}
	if r.Present && (!old.Present || changed) {
		m.inserted(r.Name, r.ATR)
	}
}

// slot watches a reader that we drive ourselves.
func (m *monitor) slot(spec reader.Spec) error {
	s, err := reader.OpenSlot(m.w, m.w, spec, emulatedCards())
	if err != nil {
		return err
	}
	defer s.Close()
	name := spec.String()
	if !s.Present() {
		m.say(name, "reader, no card")
	}
	for m.err == nil {
		m.w.Wait(time.Time{}, func() bool { return s.Present() || s.Lost() != nil })
		if err := s.Lost(); err != nil {
			return err
		}
		if _, err := s.PowerOn(); err != nil {
			m.say(name, "card inserted: %s", strings.TrimPrefix(err.Error(), "reader: "))
		} else {
			m.inserted(name, s.ATR())
			if err := s.PowerOff(); err != nil {
				return err
			}
		}
		m.w.Wait(time.Time{}, func() bool { return !s.Present() })
		if s.Lost() == nil {
			m.say(name, "card removed")
		}
	}
	return m.err
}

// flush passes on what a masking sink holds back.
func flush(w any) {
	if f, ok := w.(interface{ Flush() }); ok {
		f.Flush()
	}
}
