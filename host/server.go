package host

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/posim/posim/hsm"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport"
	"github.com/posim/posim/transport/dialect"
)

// The server is the house in real time: acquirer, switch, issuer, the merchants' bank and, where the house has one, an aggregator in one process, each a Party on a Wall and a goroutine
// of its own with a folder of its own, and a listener for terminals in front of the acquirer.
//
// The lines between the three stay in memory. A port of switch or issuer, even on loopback, would be open to every program
// of the machine that knows the test keys; nothing outside the process has any business there, and the path of every
// message is four system calls shorter. They are connections all the same: they are dialled, persist, and break.

// ServerConfig is what a server lives on.
type ServerConfig struct {
	House House
	// Data is the directory of the three logs: it is made when it is absent, and belongs to this server alone.
	Data string
	// Listen is where terminals connect, "127.0.0.1:0" by default. Anything but loopback needs Public.
	Listen  string
	Dialect *dialect.Dialect  // what they speak there; nil: ISO87
	Framing transport.Framing // in which frames; this side's
	Public  bool
	// Lines are further addresses, where terminals speak something else.
	Lines []TerminalLine
	TLS   *tls.Config // nil: plain TCP
	// Idle ends a terminal's connection on which nothing has arrived for so long; 0: an hour. A terminal connects again
	// when it has something to say.
	Idle time.Duration
	// Admin is where the admin view listens, a loopback address whatever Public says; "": there is none.
	Admin   string
	Version string // as the admin view reports it

	// The rest is for scripts, and may be nil. Each is called on a party's goroutine, by several at a time, and must not wait.
	Observe func(Observation)
	Point   func(party, mti, point string)
	// Faults is asked at each message: seam is net.rsp, up.req, up.rsp, iss.req or iss.rsp. Byte faults exist on net.rsp only.
	Faults func(seam string, frame []byte) []transport.Fault
}

// TerminalLine is an address where terminals connect that speak a dialect of their own, in frames of their own.
type TerminalLine struct {
	Listen  string // as ServerConfig.Listen
	Dialect *dialect.Dialect
	Framing transport.Framing // this side's
}

// DataKind is the kind of a server's data directory. In it each party has a folder of its own, of the kind PartyKind.
const DataKind = dataKind

// PartyKind is the kind of a party's data directory, by the party's name: "acquirer", "switch", "issuer".
func PartyKind(name string) string { return dataKind + "-" + name }

// The kinds of a server's data directory and of the folders in it, and the parties' names.
const (
	dataKind     = "host"
	nameAcquirer = "acquirer"
	nameSwitch   = "switch"
	nameIssuer   = "issuer"
	nameBank     = bankName
)

// terminalIdle is ServerConfig.Idle by default: a terminal that keeps its connection says something more often.
const terminalIdle = time.Hour

// startWait bounds the recovery of the logs, which a hundred million records would take.
const startWait = 10 * time.Minute

// Server is a running house. Its methods may be called from any goroutine.
type Server struct {
	cfg     ServerConfig
	run     string // names this run: the events' numbers begin anew with it
	started time.Time
	ctx     context.Context
	cancel  context.CancelCauseFunc
	dirs    []*sim.Dir
	offices [3]*office // acquirer, switch, issuer
	bank    *office
	passer  *office // the aggregator; nil without one
	events  *eventRing
	listen  []net.Addr // that of Listen, and those of Lines
	admin   *adminServer
	ended   chan struct{}
	err     error // once ended is closed
}

// errStopped is the cause of an orderly end.
var errStopped = errors.New("host: stopped")

// StartServer opens the data directory, recovers the three logs, listens, and returns when terminals can connect. The
// server works until ctx is done, Stop is called, or a party fails; Wait tells. Every error says in one sentence what to do.
func StartServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Idle <= 0 {
		cfg.Idle = terminalIdle
	}
	if cfg.Dialect == nil {
		cfg.Dialect = dialect.ISO87()
	}
	cfg.Lines = slices.Clone(cfg.Lines)
	for i := range cfg.Lines {
		if l := &cfg.Lines[i]; l.Listen == "" {
			l.Listen = "127.0.0.1:0"
		}
	}
	for _, l := range cfg.lines() {
		if err := checkListen(l.Listen, cfg.Public); err != nil {
			return nil, err
		}
	}
	if cfg.Admin != "" {
		if err := checkAdmin(cfg.Admin); err != nil {
			return nil, err
		}
	}
	var name [8]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	s := &Server{
		cfg: cfg, run: hex.EncodeToString(name[:]), started: time.Now().UTC(), events: newEventRing(maxEvents), ended: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	if err := s.start(); err != nil {
		s.cancel(errStopped)
		s.finish()
		return nil, err
	}
	go s.watch()
	return s, nil
}

func (s *Server) start() error {
	err := s.open(s.cfg.Data, dataKind, new(*sim.Dir)) // for its lock
	if err != nil {
		return err
	}
	names := []string{nameAcquirer, nameSwitch, nameIssuer, nameBank}
	house := &s.cfg.House
	builds := []func(io.Reader) (Machine, *hsm.Module, error){house.Acquirer, house.Switch, house.Issuer, house.Bank}
	if house.Aggregator != nil {
		names, builds = append(names, aggregatorName), append(builds, house.Passer)
	}
	for i, name := range names {
		o := &office{name: name, server: s, wall: sim.NewWall(s.ctx), done: make(chan struct{})}
		if err := s.open(filepath.Join(s.cfg.Data, name), PartyKind(name), &o.dir); err != nil {
			return err
		}
		switch name {
		case nameBank:
			s.bank = o
		case aggregatorName:
			s.passer = o
		default:
			s.offices[i] = o
		}
	}
	s.offices[0].above, s.offices[0].seam = s.offices[1], "up"
	s.offices[1].above, s.offices[1].seam = s.offices[2], "iss"
	for i, build := range builds {
		if err := s.everyOffice()[i].furnish(build); err != nil {
			return err
		}
	}
	all := s.everyOffice()
	for i := len(all) - 1; i >= 0; i-- { // the issuer before those below: whoever dials finds the next hop at work
		all[i].living = true
		go all[i].live()
	}
	ctx, cancel := context.WithTimeout(s.ctx, startWait)
	defer cancel()
	for _, o := range all {
		if _, err := ask(ctx, o, func() struct{} { return struct{}{} }); err != nil {
			return err
		}
	}
	acquirer := s.offices[0]
	terminals := transport.Server{TLS: s.cfg.TLS, Max: maxConnections, Limits: transport.Limits{Idle: s.cfg.Idle}, Failed: acquirer.refused}
	for _, l := range s.cfg.lines() {
		addr, err := terminals.Listen(s.ctx, l.Listen, acquirer.wall, func(x transport.Stream) { acquirer.accept(x, l) })
		if err != nil {
			return explainListen(err)
		}
		s.listen = append(s.listen, addr)
	}
	if s.cfg.Admin != "" {
		s.admin, err = startAdmin(s, s.cfg.Admin)
	}
	return err
}

// everyOffice is all parties: those on the terminals' lines, and who stands behind them.
func (s *Server) everyOffice() []*office {
	all := append(s.offices[:], s.bank)
	if s.passer != nil {
		all = append(all, s.passer)
	}
	return all
}

// lines are all the lines that terminals come by.
func (c *ServerConfig) lines() []TerminalLine {
	return append([]TerminalLine{{Listen: c.Listen, Dialect: c.Dialect, Framing: c.Framing}}, c.Lines...)
}

func (s *Server) open(path, kind string, d **sim.Dir) (err error) {
	if *d, err = sim.OpenDir(path, kind); err == nil {
		s.dirs = append(s.dirs, *d)
	}
	return err
}

// watch waits for the end, whatever it is.
func (s *Server) watch() {
	<-s.ctx.Done()
	s.finish()
}

// finish puts everything away, in order: nobody new comes in, the parties end, and only then the locks go.
func (s *Server) finish() {
	if s.admin != nil {
		s.admin.stop()
	}
	for _, o := range s.everyOffice() {
		if o != nil && o.living {
			<-o.done
		}
	}
	for i := len(s.dirs) - 1; i >= 0; i-- {
		if err := s.dirs[i].Close(); err != nil && s.err == nil {
			s.err = fmt.Errorf("host: %w", err)
		}
	}
	if cause := context.Cause(s.ctx); isFailure(cause) {
		s.err = cause
	}
	close(s.ended)
}

// failure is the end of a party that could not go on.
type failure struct{ error }

// Unwrap returns the error itself.
func (f failure) Unwrap() error { return f.error }

func isFailure(err error) bool {
	var f failure
	return errors.As(err, &f)
}

// Addr is where terminals connect.
func (s *Server) Addr() string { return s.listen[0].String() }

// LineAddr is where the terminals of ServerConfig.Lines[i] connect.
func (s *Server) LineAddr(i int) string { return s.listen[i+1].String() }

// AdminAddr is where the admin view listens, "" if there is none.
func (s *Server) AdminAddr() string {
	if s.admin == nil {
		return ""
	}
	return s.admin.addr
}

// Run names this run of the server: a client whose Run has changed talks to a restarted one.
func (s *Server) Run() string { return s.run }

// Stop ends the server as a signal does, and returns at once. What is under way is durable or was never acknowledged.
func (s *Server) Stop() { s.cancel(errStopped) }

// Wait returns when the server has ended and its data directory is free: nil after Stop or the end of its context, or why
// a party failed.
func (s *Server) Wait() error {
	<-s.ended
	return s.err
}
