package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport"
)

// The admin view is JSON over HTTP, for this machine alone: it moves the calendar and balances and asks nobody who they
// are. A web page must not reach it through a browser of the machine. So only requests that name a loopback host and this
// port are taken (a name that an outsider makes point here is none), none that carry an Origin, and orders only as
// application/json, which a browser asks leave for first: leave is never given.
//
//	GET  /health /positions /view /differences /batches /terminals
//	GET  /log?since=N          what happened after event N; answers the number to go on with
//	                           (of /differences: the open items with owner, deadline, stage, evidence and age in days)
//	GET  /trace?tid=T&stan=S   one transaction at every party
//	GET  /alarms               what people were told, oldest first
//	GET  /records?party=P&since=N  what a party has written behind its record N, with what a trace needs; answers the number to go on with
//	POST /calendar             {"event": "date"|"cutover"|"payout", "date": "YYYY-MM-DD"}
//	POST /account              {"account": NAME, "status": S, "balance": minor units, "answer": CODE,
//	                            "script": [{"when": W, "command": C, ...}]}: what a ScriptOrder has
//	POST /desk                 {"deed": D, "tid": T, "stan": S, "rrn": R, "reason": TEXT, ...}: what a DeedOrder has
//	POST /terminal             {"tid": T, "status": "enabled"|"disabled", "requests": ["sign-on", "parameters", ...]}
//
// An answer that is not 200 is {"error": TEXT}. Everything passes the masking writer.

// Limits of the admin view.
const (
	maxOrder       = 4 << 10 // bytes of a request's body
	maxHeader      = 8 << 10 // bytes of a request's header
	maxAdminConns  = 32
	requestWait    = 10 * time.Second // for a request to come in whole
	responseWait   = time.Minute      // for the answer to be made and taken
	connectionIdle = time.Minute      // between two requests
	shutdownWait   = 2 * time.Second  // for answers under way when the server ends
)

// adminServer serves the admin view.
type adminServer struct {
	view AdminView
	addr string
	port string
	http *http.Server
	done chan struct{}
}

// startAdmin listens and serves.
func startAdmin(view AdminView, addr string) (*adminServer, error) {
	if err := checkAdmin(addr); err != nil {
		return nil, err
	}
	l, err := transport.ListenTCP(context.Background(), addr)
	if err != nil {
		return nil, explainListen(err)
	}
	a := &adminServer{view: view, addr: l.Addr().String(), done: make(chan struct{})}
	_, a.port, _ = net.SplitHostPort(a.addr) // of a listener
	a.http = &http.Server{
		Handler: a, ReadHeaderTimeout: requestWait, ReadTimeout: requestWait, WriteTimeout: responseWait, IdleTimeout: connectionIdle,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true,
	}
	go func() {
		defer close(a.done)
		_ = a.http.Serve(&limited{Listener: l, free: make(chan struct{}, maxAdminConns)}) // stop has ended it
	}()
	return a, nil
}

// stop ends it: what is being answered is, for a moment.
func (a *adminServer) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	if a.http.Shutdown(ctx) != nil {
		_ = a.http.Close()
	}
	<-a.done
}

// limited is a listener with a bound on its connections.
type limited struct {
	net.Listener
	free chan struct{}
}

// Accept waits for a connection, and for room for it.
func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.free })}, nil
}

type counted struct {
	net.Conn
	leave func()
}

// Close makes room for another.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// refusal is an answer that is not 200.
type refusal struct {
	status int
	text   string
}

// Error is the text of the answer.
func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// handler answers one request from its query.
type handler func(a *adminServer, r *http.Request, query map[string]string) (any, error)

// route is what a path takes.
type route struct {
	method string
	query  []string // the parameters it knows
	answer handler
}

func routes() map[string]route {
	return map[string]route{
		"/health": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			return a.view.Health(r.Context())
		}},
		"/positions": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			p, err := a.view.Positions(r.Context())
			return positionsAnswer{p}, err
		}},
		"/view": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			v, err := a.view.Views(r.Context())
			return viewAnswer{v}, err
		}},
		"/differences": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			d, err := a.view.Differences(r.Context())
			return differencesAnswer{d}, err
		}},
		"/alarms": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			return a.view.Alarms(r.Context())
		}},
		"/log":      {http.MethodGet, []string{"since"}, (*adminServer).log},
		"/records":  {http.MethodGet, []string{"party", "since"}, (*adminServer).records},
		"/desk":     {http.MethodPost, nil, (*adminServer).desk},
		"/trace":    {http.MethodGet, []string{"tid", "stan"}, (*adminServer).trace},
		"/calendar": {http.MethodPost, nil, (*adminServer).calendar},
		"/account":  {http.MethodPost, nil, (*adminServer).account},
		"/terminal": {http.MethodPost, nil, (*adminServer).terminal},
		"/batches": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			b, err := a.view.Batches(r.Context())
			return batchesAnswer{b}, err
		}},
		"/terminals": {http.MethodGet, nil, func(a *adminServer, r *http.Request, _ map[string]string) (any, error) {
			t, err := a.view.Terminals(r.Context())
			return terminalsAnswer{t}, err
		}},
	}
}

// ServeHTTP answers one request.
func (a *adminServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := a.serve(r)
	status := http.StatusOK
	if err != nil {
		status = statusOf(err)
		answer = errorAnswer{err.Error()}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	var out bytes.Buffer
	masked := pan.NewWriter(&out)
	_, _ = masked.Write(append(body, '\n')) // a buffer takes everything
	_ = masked.Close()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", routes()[r.URL.Path].method)
	}
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever has gone is not told
}

func (a *adminServer) serve(r *http.Request) (any, error) {
	if err := a.stranger(r); err != nil {
		return nil, err
	}
	route, known := routes()[r.URL.Path]
	switch {
	case !known:
		return nil, refuse(http.StatusNotFound, "no such path: want /health, /positions, /view, /differences, /batches, /terminals, /alarms, /log, /records, /trace, /calendar, /account, /desk or /terminal")
	case r.Method != route.method:
		return nil, refuse(http.StatusMethodNotAllowed, "%s: want %s", r.URL.Path, route.method)
	}
	query, err := parameters(r.URL.RawQuery, route.query)
	if err != nil {
		return nil, err
	}
	return route.answer(a, r, query)
}

// stranger refuses what does not come from a program of this machine that means us.
func (a *adminServer) stranger(r *http.Request) error {
	h, port, err := net.SplitHostPort(r.Host)
	ip := net.ParseIP(h)
	if err != nil || port != a.port || h != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return refuse(http.StatusMisdirectedRequest, "the Host header does not name this server: want %s", a.addr)
	}
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" && r.Header.Get("Sec-Fetch-Site") != "none" {
		return refuse(http.StatusForbidden, "not for web pages")
	}
	return nil
}

// parameters reads a query strictly: each parameter known, and once.
func parameters(raw string, known []string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the query is malformed")
	}
	query := map[string]string{}
	for name, all := range values {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		switch {
		case !found && len(known) == 0:
			return nil, refuse(http.StatusBadRequest, "parameter %q: want none", name)
		case !found:
			return nil, refuse(http.StatusBadRequest, "parameter %q: want %s", name, strings.Join(known, ", "))
		case len(all) != 1:
			return nil, refuse(http.StatusBadRequest, "parameter %q: want it once", name)
		}
		query[name] = all[0]
	}
	return query, nil
}

func statusOf(err error) int {
	var r *refusal
	var o *OrderError
	switch {
	case errors.As(err, &r):
		return r.status
	case errors.As(err, &o):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

func (a *adminServer) log(r *http.Request, query map[string]string) (any, error) {
	since, err := sinceOf(query, "an event")
	if err != nil {
		return nil, err
	}
	return a.view.Log(r.Context(), since)
}

// sinceOf is the parameter since, 0 without it.
func sinceOf(query map[string]string, of string) (since uint64, err error) {
	if s, given := query["since"]; given {
		if since, err = strconv.ParseUint(s, 10, 64); err != nil {
			return 0, refuse(http.StatusBadRequest, "since %q: want the number of %s, 0 for all", s, of)
		}
	}
	return since, nil
}

func (a *adminServer) records(r *http.Request, query map[string]string) (any, error) {
	since, err := sinceOf(query, "a record")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(RecordedParties(), query["party"]) {
		return nil, refuse(http.StatusBadRequest, "party %q: want one of %s", query["party"], strings.Join(RecordedParties(), ", "))
	}
	return a.view.Records(r.Context(), query["party"], since)
}

func (a *adminServer) desk(r *http.Request, _ map[string]string) (any, error) {
	var o DeedOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return a.view.Deed(r.Context(), o)
}

func (a *adminServer) trace(r *http.Request, query map[string]string) (any, error) {
	if query["stan"] == "" && query["tid"] == "" {
		return nil, refuse(http.StatusBadRequest, "trace: want tid, stan or both")
	}
	traces, err := a.view.Trace(r.Context(), query["tid"], query["stan"])
	return traceAnswer{traces}, err
}

func (a *adminServer) calendar(r *http.Request, _ map[string]string) (any, error) {
	var o calendarOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	kind, known := calendarEvents[o.Event]
	if !known {
		return nil, refuse(http.StatusBadRequest, "event %q: want date, cutover or payout", o.Event)
	}
	date, err := a.view.Calendar(r.Context(), Calendar{Kind: kind, Date: o.Date})
	return calendarAnswer{date}, err
}

func (a *adminServer) account(r *http.Request, _ map[string]string) (any, error) {
	var o accountOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	return a.view.Account(r.Context(), o.order())
}

func (a *adminServer) terminal(r *http.Request, _ map[string]string) (any, error) {
	var f terminalOrder
	if err := body(r, &f); err != nil {
		return nil, err
	}
	o, err := f.order()
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return a.view.Terminal(r.Context(), o)
}

// body reads an order: one JSON object, nothing unknown in it and nothing behind it.
func body(r *http.Request, order any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "want Content-Type: application/json")
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxOrder+1))
	switch {
	case err != nil:
		return refuse(http.StatusBadRequest, "the body did not arrive")
	case len(b) > maxOrder:
		return refuse(http.StatusRequestEntityTooLarge, "body of more than %d bytes", maxOrder)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(order); err != nil {
		return refuse(http.StatusBadRequest, "body: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse(http.StatusBadRequest, "body: something behind the object")
	}
	return nil
}
