package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"syscall"
)

// maxAnswer bounds what a client reads, in bytes: the whole books of some hundred thousand sales.
const maxAnswer = 256 << 20

// AdminClient asks a server's admin view over HTTP. It may be used by several goroutines.
type AdminClient struct {
	base string
	http *http.Client
}

// NewAdminClient returns a client of the admin view at addr, an address and a port of this machine. It does not connect yet.
func NewAdminClient(addr string) (*AdminClient, error) {
	if err := checkAdmin(addr); err != nil {
		return nil, err
	}
	return &AdminClient{
		base: "http://" + addr,
		http: &http.Client{
			Timeout: responseWait,
			Transport: &http.Transport{ // its own, without a proxy: what is asked stays on this machine
				Proxy: nil, MaxIdleConns: 2, IdleConnTimeout: connectionIdle / 2, ResponseHeaderTimeout: responseWait, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close drops idle connections.
func (c *AdminClient) Close() { c.http.CloseIdleConnections() }

// Health tells how the parties stand.
func (c *AdminClient) Health(ctx context.Context) (h Health, err error) {
	err = c.get(ctx, "/health", nil, &h)
	return h, err
}

// Positions is what each position holds since the logs began, in minor units.
func (c *AdminClient) Positions(ctx context.Context) (map[string]int64, error) {
	var a positionsAnswer
	err := c.get(ctx, "/positions", nil, &a)
	return a.Positions, err
}

// Views is what acquirer, switch and issuer believe, in this order.
func (c *AdminClient) Views(ctx context.Context) ([]*View, error) {
	var a viewAnswer
	if err := c.get(ctx, "/view", nil, &a); err != nil {
		return nil, err
	}
	if len(a.Parties) != 3 {
		return nil, fmt.Errorf("host: admin view: %d parties: want 3", len(a.Parties))
	}
	for _, v := range a.Parties {
		if v == nil || slices.Contains(v.Transactions, nil) || slices.ContainsFunc(v.Accounts, (*AccountState).hollow) || slices.Contains(v.Batches, nil) {
			return nil, errors.New("host: admin view: a party without a view, or with a transaction, an account or a batch that is none")
		}
		v.index()
	}
	return a.Parties, nil
}

// Log is what happened after the event with number since.
func (c *AdminClient) Log(ctx context.Context, since uint64) (p LogPage, err error) {
	err = c.get(ctx, "/log", url.Values{"since": {strconv.FormatUint(since, 10)}}, &p)
	return p, err
}

// Trace is every transaction of a terminal with that trace number.
func (c *AdminClient) Trace(ctx context.Context, tid, stan string) ([]Trace, error) {
	var a traceAnswer
	err := c.get(ctx, "/trace", url.Values{"tid": {tid}, "stan": {stan}}, &a)
	return a.Transactions, err
}

// Differences lists the open difference items of all parties.
func (c *AdminClient) Differences(ctx context.Context) ([]DifferenceItem, error) {
	var a differencesAnswer
	err := c.get(ctx, "/differences", nil, &a)
	return a.Differences, err
}

// Calendar moves the business calendar of all parties and returns the business date.
func (c *AdminClient) Calendar(ctx context.Context, d Calendar) (string, error) {
	var a calendarAnswer
	err := c.post(ctx, "/calendar", calendarOrder{Event: d.Kind.String(), Date: d.Date}, &a)
	return a.BusinessDate, err
}

// Account changes an account at the issuer and returns how it is then; without a change it only looks.
func (c *AdminClient) Account(ctx context.Context, o Admin) (r AccountReport, err error) {
	err = c.post(ctx, "/account", o.form(), &r)
	if err == nil && slices.Contains(r.Orders, nil) {
		err = errors.New("host: admin view: an account with an order that is none")
	}
	return r, err
}

// Batches are the acquirer's, in the order of their first settlement.
func (c *AdminClient) Batches(ctx context.Context) ([]*Batch, error) {
	var a batchesAnswer
	err := c.get(ctx, "/batches", nil, &a)
	if err == nil && slices.Contains(a.Batches, nil) {
		err = errors.New("host: admin view: a batch that is none")
	}
	return a.Batches, err
}

// Terminals is how every terminal stands at the acquirer.
func (c *AdminClient) Terminals(ctx context.Context) ([]TerminalReport, error) {
	var a terminalsAnswer
	err := c.get(ctx, "/terminals", nil, &a)
	return a.Terminals, err
}

// Terminal changes how a terminal is treated and returns how it stands then; without a change it only looks.
func (c *AdminClient) Terminal(ctx context.Context, o TerminalOrder) (r TerminalReport, err error) {
	err = c.post(ctx, "/terminal", o.form(), &r)
	return r, err
}

// Alarms is what people were told, oldest first: the newest of it.
func (c *AdminClient) Alarms(ctx context.Context) (p AlarmPage, err error) {
	err = c.get(ctx, "/alarms", nil, &p)
	if err == nil && slices.ContainsFunc(p.Alarms, func(a AlarmReport) bool { return (a.Kind == AlarmItem) != (a.Item != nil) }) {
		err = errors.New("host: admin view: an alarm about no item")
	}
	return p, err
}

// Deed has something done at a desk, and returns how things stand then.
func (c *AdminClient) Deed(ctx context.Context, o DeedOrder) (r DeedReport, err error) {
	err = c.post(ctx, "/desk", o, &r)
	return r, err
}

// Records is what a party has written behind its record number since: a page of it.
func (c *AdminClient) Records(ctx context.Context, party string, since uint64) (p RecordPage, err error) {
	err = c.get(ctx, "/records", url.Values{"party": {party}, "since": {strconv.FormatUint(since, 10)}}, &p)
	return p, err
}

func (c *AdminClient) get(ctx context.Context, path string, query url.Values, answer any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.ask(ctx, http.MethodGet, path, nil, answer)
}

func (c *AdminClient) post(ctx context.Context, path string, order, answer any) error {
	b, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("host: admin view: %w", err)
	}
	return c.ask(ctx, http.MethodPost, path, b, answer)
}

func (c *AdminClient) ask(ctx context.Context, method, path string, body []byte, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("host: admin view: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("host: nobody listens at %s: is `posim host --admin` running there? %w", r.URL.Host, err)
		}
		return fmt.Errorf("host: admin view: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("host: admin view: %w", err)
	case len(b) > maxAnswer:
		return fmt.Errorf("host: admin view: answer of more than %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return refused(resp.StatusCode, b)
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("host: admin view: no answer of a posim host: %w", err)
	}
	return nil
}

// refused is the error that an answer tells; an order's is an OrderError, as it is in the server's process.
func refused(status int, b []byte) error {
	var e errorAnswer
	if json.Unmarshal(b, &e) != nil || e.Error == "" {
		return fmt.Errorf("host: admin view: status %d: no answer of a posim host", status)
	}
	err := fmt.Errorf("%s", e.Error)
	if status == http.StatusConflict {
		return &OrderError{err}
	}
	return fmt.Errorf("host: admin view: %w", err)
}

// hollow tells whether an account, or one of its orders, is missing from what a host sent.
func (a *AccountState) hollow() bool { return a == nil || slices.Contains(a.Orders, nil) }
