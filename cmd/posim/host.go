package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/host"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// Where a host listens unless it is told otherwise. ISO 8583 has no port of its own; these only look like it.
const (
	defaultListen    = "127.0.0.1:8583"
	defaultAdmin     = "127.0.0.1:8584"
	defaultListenCUP = "127.0.0.1:8585"
	anyPort          = "127.0.0.1:0"
	off              = "off"
)

// networkID is the host's address in the TPDUs of cup.
const networkID = 0x0003

// maxTerminals is how many terminals a host knows: the acquirer's module holds two session keys for each.
const maxTerminals = 1000

// hostFlags are the flags of host.
type hostFlags struct {
	listen, listenCUP string
	data, admin       string
	cert, key         string
	profile           string
	aggregator        string
	public, json      bool
	terminals         int
}

func (a *app) hostCommand() *cobra.Command {
	var f hostFlags
	c := &cobra.Command{
		Use: "host", Short: "be the host in real time: acquirer, switch and issuer behind one listener", Args: none,
		Long: `host is acquirer, switch and issuer in one process, in real time. Terminals connect over TCP, or TLS, and speak as those
of --profile do: its dialect and switches, behind a length of two bytes and its TPDU. Without --profile that is iso87 and
no TPDU; at --listen-cup they speak cup, with a TPDU to 0003 (6000030000). It knows the terminals and the cards of the
built-in library, and test keys only.

It prints one line when terminals can connect, and works until SIGINT or SIGTERM. Everything it has answered is in --data:
however it ends, kill -9 included, the next start goes on from there. Without --data it keeps its logs in a temporary
directory and removes that at its end.

The admin view is JSON over HTTP on this machine: GET /health /positions /view /log?since=N /trace?tid=T&stan=S
/differences /alarms /records?party=P&since=N /batches /terminals; POST /calendar, /account, /desk and /terminal. The commands
below ask it. The exit status is 0 after a signal, 1 when a log fails, 2 when it cannot start.`,
		Example: `  posim host
  posim host --listen 127.0.0.1:9000 --data ./host-data
  posim host --profile unionpay-merchant
  posim host --listen 127.0.0.1:0 --admin 127.0.0.1:0 --json
  posim host --listen-cup 127.0.0.1:9001
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout host.key -out host.pem
  posim host --tls-cert host.pem --tls-key host.key
  posim host terminals
  posim host items
  posim host desk charge-back --terminal SIM00001 --stan 000002 --reason 'goods never came'
  curl -s http://127.0.0.1:8584/positions`,
		RunE: func(*cobra.Command, []string) error { return a.host(f) },
	}
	c.Flags().StringVar(&f.listen, "listen", defaultListen, "`ADDRESS:PORT` for terminals; port 0 takes any")
	c.Flags().StringVar(&f.listenCUP, "listen-cup", "", "`ADDRESS:PORT` for terminals that speak cup, or off (default "+defaultListenCUP+" beside the default --listen, else any port of this machine)")
	c.Flags().BoolVar(&f.public, "public", false, "allow --listen and --listen-cup addresses that other machines can reach")
	c.Flags().StringVar(&f.data, "data", "", "directory `DIR` of the logs; without it they are temporary")
	c.Flags().StringVar(&f.profile, "profile", genericProfile, "speak as terminals of this profile `NAME` of the library do")
	_ = c.RegisterFlagCompletionFunc("profile", profileNames)
	c.Flags().StringVar(&f.cert, "tls-cert", "", "certificate chain `FILE` in PEM; with --tls-key terminals speak TLS")
	c.Flags().StringVar(&f.key, "tls-key", "", "private key `FILE` in PEM")
	c.Flags().StringVar(&f.admin, "admin", defaultAdmin, "loopback `ADDRESS:PORT` of the admin view, or off")
	c.Flags().IntVar(&f.terminals, "terminals", 0, "know `N` terminals, numbered on from the library's last one; 0: the library's")
	c.Flags().StringVar(&f.aggregator, "aggregator", "", "pay merchants through an aggregator of this `NAME`, which passes it on the next business day")
	c.Flags().BoolVar(&f.json, "json", false, "print the line as one JSON object")
	c.AddCommand(a.hostBatchesCommand(), a.hostTerminalsCommand(), a.hostTerminalCommand(), a.hostItemsCommand(), a.hostAlarmsCommand(), a.hostDeskCommand())
	_ = c.MarkFlagDirname("data") // the flags are there
	_ = c.MarkFlagFilename("tls-cert", "pem", "crt")
	_ = c.MarkFlagFilename("tls-key", "pem", "key")
	return c
}

// jsonHost is the line of host --json.
type jsonHost struct {
	Listen    string `json:"listen"`
	Dialect   string `json:"dialect"`
	ListenCUP string `json:"listen_cup,omitempty"`
	TLS       bool   `json:"tls"`
	Admin     string `json:"admin,omitempty"`
	Data      string `json:"data"`
	Temporary bool   `json:"temporary,omitempty"`
	Terminals int    `json:"terminals"`
	PID       int    `json:"pid"`
	Version   string `json:"version"`
}

func (a *app) host(f hostFlags) (err error) {
	cfg := host.ServerConfig{Listen: f.listen, Public: f.public, Admin: f.admin, Data: f.data, Version: posim.Version}
	if f.admin == off {
		cfg.Admin = ""
	}
	if cfg.TLS, err = a.certificate(f.cert, f.key); err != nil {
		return err
	}
	p, err := profileOf(f.profile)
	if err != nil {
		return err
	}
	cfg.Dialect, cfg.Framing = p.Speaks(), p.HostFraming()
	if l := f.cup(cfg.Dialect); l != nil {
		cfg.Lines = append(cfg.Lines, *l)
	}
	if cfg.House, err = houseOf(p, f.terminals); err != nil {
		return err
	}
	if f.aggregator != "" {
		cfg.House.Aggregator = &host.AggregatorConfig{Name: f.aggregator}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.data == "" {
		if cfg.Data, err = os.MkdirTemp("", "posim-host-"); err != nil {
			return misuse("no place for a temporary directory: %w: name one with --data", err)
		}
		defer func() {
			if e := os.RemoveAll(cfg.Data); e != nil && err == nil {
				err = failed(e)
			}
		}()
	}
	s, err := host.StartServer(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil // the signal came first
		}
		if errors.Is(err, host.ErrPublic) {
			return misuse("%w, or add --public if that is meant", err)
		}
		return misuse("%w", err)
	}
	if err := a.ready(s, cfg, f); err != nil { // whoever waits for the line would wait for ever
		s.Stop()
		return errors.Join(err, s.Wait())
	}
	context.AfterFunc(ctx, stop) // a second signal ends the program the hard way
	if err := s.Wait(); err != nil {
		return failed(err)
	}
	return nil
}

// cup is the line for terminals that speak cup; nil: there is none, or the first line is one already.
func (f *hostFlags) cup(first *dialect.Dialect) *host.TerminalLine {
	l := host.TerminalLine{
		Listen: f.listenCUP, Dialect: dialect.CUP(dialect.Switches{}), Framing: transport.Framing{TPDU: &transport.TPDU{Source: networkID}, AnySource: true},
	}
	switch {
	case f.listenCUP == off, f.listenCUP == "" && first.Name() == l.Dialect.Name():
		return nil
	case f.listenCUP == "" && f.listen == defaultListen:
		l.Listen = defaultListenCUP
	case f.listenCUP == "":
		l.Listen = anyPort
	}
	return &l
}

// ready says where everything is. The line is flushed: scripts wait for it.
func (a *app) ready(s *host.Server, cfg host.ServerConfig, f hostFlags) error {
	line, cup := "", ""
	if len(cfg.Lines) > 0 {
		cup = s.LineAddr(0)
	}
	if f.json {
		b, err := json.Marshal(jsonHost{
			Listen: s.Addr(), Dialect: cfg.Dialect.Name(), ListenCUP: cup, TLS: cfg.TLS != nil, Admin: s.AdminAddr(), Data: cfg.Data, Temporary: f.data == "",
			Terminals: len(cfg.House.Terminals), PID: os.Getpid(), Version: posim.Version,
		})
		if err != nil {
			return failed(err)
		}
		line = string(b) + "\n"
	} else {
		line = "posim host: terminals of " + f.profile + " at " + s.Addr()
		if cfg.TLS != nil {
			line += " (TLS)"
		}
		if cup != "" {
			line += ", cup at " + cup
		}
		if s.AdminAddr() != "" {
			line += ", admin at http://" + s.AdminAddr()
		}
		line += ", data in " + cfg.Data
		if f.data == "" {
			line += " (temporary)"
		}
		line += "\n"
	}
	if err := a.print(line); err != nil {
		return err
	}
	flush(a.stdout)
	return nil
}

// genericProfile is the profile that whoever names none means.
const genericProfile = "generic"

// profileOf is a profile of the built-in library.
func profileOf(name string) (*terminal.Profile, error) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, err
	}
	if p := l.Terminal(name); p != nil {
		return p, nil
	}
	return nil, misuse("--profile %q: want one of %s", name, strings.Join(terminalNames(l), ", "))
}

func terminalNames(l *scenario.Library) (names []string) {
	for _, p := range l.Terminals() {
		names = append(names, strings.TrimSuffix(p.Name, ".yaml"))
	}
	return names
}

// profileNames completes --profile.
func profileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	l, err := builtInLibrary()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return terminalNames(l), cobra.ShellCompDirectiveNoFileComp
}

// houseOf is the house of the built-in library: its terminals, and more of a profile's kind until there are n; its cards.
func houseOf(p *terminal.Profile, n int) (host.House, error) {
	l, err := builtInLibrary()
	if err != nil {
		return host.House{}, err
	}
	h := host.House{Terminals: terminalsOf(l)}
	if n == 0 {
		n = len(h.Terminals)
	}
	if n < len(h.Terminals) || n > maxTerminals {
		return host.House{}, misuse("--terminals %d: want %d to %d", n, len(h.Terminals), maxTerminals)
	}
	for len(h.Terminals) < n {
		next := slices.MaxFunc(h.Terminals, func(x, y host.TerminalName) int { return strings.Compare(x.TID, y.TID) })
		number, err := strconv.Atoi(next.TID[3:])
		if err != nil {
			return host.House{}, misuse("--terminals %d: terminal %s has no number to go on from", n, next.TID)
		}
		next.TID, next.Scheme, next.Dialect = fmt.Sprintf("%s%05d", next.TID[:3], number+1), p.Security, p.Speaks()
		h.Terminals = append(h.Terminals, next)
	}
	for _, name := range l.Cards() {
		h.Cards = append(h.Cards, l.Card(name))
	}
	return h, nil
}

func terminalsOf(l *scenario.Library) (all []host.TerminalName) {
	for _, p := range l.Terminals() {
		all = append(all, l.TerminalName(p))
	}
	return all
}

// certificate is how terminals speak TLS; nil without the two files.
func (a *app) certificate(cert, key string) (*tls.Config, error) {
	switch {
	case cert == "" && key == "":
		return nil, nil
	case cert == "":
		return nil, misuse("--tls-key without --tls-cert: name both files")
	case key == "":
		return nil, misuse("--tls-cert without --tls-key: name both files")
	}
	for _, file := range []struct{ flag, name string }{{"--tls-cert", cert}, {"--tls-key", key}} {
		f, err := os.Open(file.name)
		if err != nil {
			return nil, misuse("%s %s: %w: name a file in PEM that can be read", file.flag, file.name, reason(err))
		}
		_ = f.Close() // only looked at
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, misuse("--tls-cert %s, --tls-key %s: %w: want a certificate and its own private key, both in PEM", cert, key, err)
	}
	now := a.now()
	switch leaf := pair.Leaf; {
	case now.After(leaf.NotAfter):
		return nil, misuse("--tls-cert %s: the certificate has expired on %s: make a new one", cert, leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return nil, misuse("--tls-cert %s: the certificate is not valid before %s: look at the clock of this machine", cert, leaf.NotBefore.Format(time.DateOnly))
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}

// reason is an error of a file without the file's name, which has been said.
func reason(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
