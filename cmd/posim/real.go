package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/transcript"
	"github.com/posim/posim/scenario"
)

// replayReader begins a LINE that is a recorded card in the built-in reader.
const replayReader = "replay:"

// realFlags are the flags of run and tui that leave virtual time.
type realFlags struct {
	reader, data string
	hosts        []string
	admin        string
	tls          bool
	ca           string
	live         bool
}

func (f *realFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.reader, "reader", "", "read cards in this reader, in real time: a `LINE`")
	c.Flags().StringSliceVar(&f.hosts, "host", nil, "`ADDRESS:PORT` of the acquirer, in real time; a second one is for when the first does not answer")
	c.Flags().StringVar(&f.admin, "admin", "", "`ADDRESS:PORT` of that host's admin view (a posim host's; "+defaultAdmin+" for "+defaultListen+")")
	c.Flags().BoolVar(&f.tls, "tls", false, "speak TLS with the host")
	c.Flags().StringVar(&f.ca, "tls-ca", "", "trust the certificates in this `FILE` (PEM) besides the system's")
	c.Flags().StringVar(&f.data, "data", "", "keep the terminal's data in this directory `DIR`, in real time")
	c.Flags().BoolVar(&f.live, "allow-live-cards", false, "read a card outside the published test ranges, and nothing more")
	_ = c.MarkFlagDirname("data") // the flag is there
}

// asked tells whether real time was asked for.
func (f *realFlags) asked() bool {
	return f.reader != "" && !f.replayed() || len(f.hosts) > 0 || f.data != ""
}

// replayed tells whether the card is a recorded one. That alone needs no real time.
func (f *realFlags) replayed() bool { return strings.HasPrefix(f.reader, replayReader) }

// recorded is the recorded card, nil if it is none.
func (f *realFlags) recorded() (*transcript.Transcript, error) {
	file, ok := strings.CutPrefix(f.reader, replayReader)
	if !ok {
		return nil, nil
	}
	return readTranscript(file)
}

func (f *realFlags) check(naive string) error {
	switch {
	case !f.asked() && (f.admin != "" || f.tls || f.ca != "" || f.live):
		return misuse("--admin, --tls, --tls-ca and --allow-live-cards are for real time: name a --reader, a --host or --data")
	case f.asked() && naive != "":
		return misuse("--naive needs virtual time: leave out --reader, --host and --data")
	}
	return f.checkHosts()
}

// checkHosts checks what is said of the acquirer.
func (f *realFlags) checkHosts() error {
	switch {
	case len(f.hosts) > 2:
		return misuse("--host: want one or two addresses, found %d", len(f.hosts))
	case len(f.hosts) == 0 && (f.admin != "" || f.tls || f.ca != ""):
		return misuse("--admin, --tls and --tls-ca go with --host")
	case f.ca != "" && !f.tls:
		return misuse("--tls-ca goes with --tls")
	}
	return nil
}

// options is how a house in real time is built.
func (f *realFlags) options() (scenario.LiveOptions, error) {
	o := scenario.LiveOptions{Reader: f.reader, Hosts: f.hosts, Admin: f.admin, Data: f.data, AllowLiveCards: f.live}
	if f.replayed() {
		t, err := f.recorded()
		if err != nil {
			return o, err
		}
		o.Reader, o.Transcript = "", t
	}
	if o.Admin == "" && len(f.hosts) > 0 && f.hosts[0] == defaultListen {
		o.Admin = defaultAdmin
	}
	if o.Admin == off {
		o.Admin = ""
	}
	if !f.tls {
		return o, nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca == "" {
		return o, nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return o, misuse("%w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return o, misuse("%s: no certificate in PEM", f.ca)
	}
	o.TLS.RootCAs = pool
	return o, nil
}

// runReal runs scripts in real time, one after the other. What real time cannot play is an error if it was named, and
// passed over with a word if it came with the library.
func (a *app) runReal(l *scenario.Library, scripts []*scenario.Script, f runFlags, named bool, record func(*transcript.Transcript, error), done func(*report)) error {
	o, err := f.real.options()
	if err != nil {
		return err
	}
	o.Record = record
	o.Prompt = func(text string) { fmt.Fprintf(a.stderr, "posim: %s\n", text) }
	ctx, stop := interruptible(0)
	defer stop()
	var passed []string
	for _, s := range scripts {
		r := &report{}
		o.Story = nil
		if f.verbose {
			o.Story = func(line scenario.Line) { r.story = append(r.story, line) }
		}
		began := a.now()
		r.Result, err = l.RunLive(ctx, s, o)
		switch {
		case ctx.Err() != nil:
			return failed(errors.New("interrupted"))
		case errors.Is(err, scenario.ErrNeedsVirtual) && !named:
			passed = append(passed, s.ID)
			continue
		case err != nil:
			return misuse("%w", err)
		}
		r.Wall = a.now().Sub(began)
		done(r)
	}
	if len(passed) > 0 {
		fmt.Fprintf(a.stderr, "posim: not played, because they need virtual time: %s\n", strings.Join(passed, " "))
	}
	return nil
}
