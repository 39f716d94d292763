package host

import (
	"context"
	"fmt"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// answerWait bounds how long a party may keep whoever looks at it waiting. A turn takes milliseconds; a disk that syncs
// longer than this is the news.
const answerWait = 5 * time.Second

// Health tells how the parties stand.
func (s *Server) Health(ctx context.Context) (Health, error) {
	h := Health{Status: "ok", Version: s.cfg.Version, Run: s.run, Started: s.started, Listen: s.Addr(), Parties: []PartyHealth{}}
	for i, l := range s.cfg.lines() {
		h.Lines = append(h.Lines, LineHealth{Dialect: l.Dialect.Name(), Listen: s.listen[i].String()})
	}
	err := s.each(ctx, func(ctx context.Context, o *office) error {
		p, err := ask(ctx, o, func() PartyHealth {
			v := o.party.Machine().View()
			return PartyHealth{
				Name: o.name, Transactions: len(v.Transactions), Unresolved: len(v.Unresolved()), Differences: len(v.Differences()),
				Sessions: v.Sessions, BusinessDate: v.date(o.wall.Now()),
			}
		})
		h.Parties = append(h.Parties, p)
		return err
	})
	return h, err
}

// Positions is what each position holds since the logs began, in minor units.
func (s *Server) Positions(ctx context.Context) (map[string]int64, error) {
	all := Positions()
	err := s.each(ctx, func(ctx context.Context, o *office) error {
		p, err := ask(ctx, o, func() map[string]int64 { return Positions(o.party.Machine().View()) })
		for name, n := range p {
			all[name] += n
		}
		return err
	})
	return all, err
}

// Views is what acquirer, switch and issuer believe, in this order. They are copies, each of one instant of its party.
func (s *Server) Views(ctx context.Context) (views []*View, err error) {
	err = s.each(ctx, func(ctx context.Context, o *office) error {
		v, err := ask(ctx, o, func() *View { return o.party.Machine().View().clone() })
		views = append(views, v)
		return err
	})
	return views, err
}

// Log is what happened after the event with number since: at most a thousand events, oldest first.
func (s *Server) Log(_ context.Context, since uint64) (LogPage, error) {
	page := s.events.since(since, pageLimit)
	page.Run = s.run
	return page, nil
}

// Trace is every transaction of a terminal with that trace number: more than one once the numbers have come round. An
// empty tid or stan takes all.
func (s *Server) Trace(ctx context.Context, tid, stan string) ([]Trace, error) {
	views, err := s.Views(ctx)
	if err != nil {
		return nil, err
	}
	traces := []Trace{}
	at := map[dialect.Key]int{}
	for i, v := range views {
		for _, e := range v.Transactions {
			if tid != "" && e.Key.TID != tid || stan != "" && e.Key.STAN != stan {
				continue
			}
			n, known := at[e.Key]
			if !known {
				if len(traces) == maxTraces {
					return nil, fmt.Errorf("host: more than %d transactions: name terminal and trace number", maxTraces)
				}
				n = len(traces)
				at[e.Key] = n
				t := Trace{Key: e.Key, Positions: map[string]int64{}}
				for _, o := range s.offices {
					t.Parties = append(t.Parties, TraceParty{Party: o.name})
				}
				traces = append(traces, t)
			}
			traces[n].Parties[i].Entry = e
			for _, p := range e.Postings {
				traces[n].Positions[p.From] -= p.Amount
				traces[n].Positions[p.To] += p.Amount
			}
		}
	}
	for i := range traces {
		traces[i].Events = s.events.about(traces[i].Key, pageLimit)
	}
	return traces, nil
}

// Limits of an answer.
const (
	pageLimit = 1000
	maxTraces = 100
)

// Differences lists the open difference items of all parties.
func (s *Server) Differences(ctx context.Context) ([]DifferenceItem, error) {
	items := []DifferenceItem{}
	err := s.each(ctx, func(ctx context.Context, o *office) error {
		found, err := ask(ctx, o, func() (found []DifferenceItem) {
			v := o.party.Machine().View()
			for _, e := range v.Differences() {
				found = append(found, DifferenceItem{Party: o.name, Key: e.Key, Age: e.Difference.age(v.date(o.wall.Now())), Item: *e.Difference})
			}
			return found
		})
		items = append(items, found...)
		return err
	})
	return items, err
}

// Calendar moves the business calendar of all parties and returns the business date, once it is durable. A date that is not
// after the present one, where one is needed, is an error and changes nothing.
func (s *Server) Calendar(ctx context.Context, c Calendar) (date string, err error) {
	if err := c.check(); err != nil {
		return "", err
	}
	acquirer := s.offices[0]
	now := func() string { return acquirer.party.Machine().View().date(acquirer.wall.Now()) }
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	if date, err = ask(ctx, acquirer, now); err != nil {
		return "", err
	}
	if c.Kind != CalendarPayout && c.Date != "" && c.Date <= date {
		return date, &OrderError{fmt.Errorf("host: business date %s: it is %s already", c.Date, date)}
	}
	for _, o := range s.everyOffice() {
		done := make(chan error, 1)
		o.wall.Post(func() { o.party.CalendarThen(c, func(err error) { done <- err }) })
		if err := order(ctx, o, done); err != nil {
			return "", err
		}
	}
	if err := s.settleFiles(ctx); err != nil {
		return "", err
	}
	return ask(ctx, acquirer, now)
}

// settleFiles waits until every file has its receipt, as long as an order may take: a move of the calendar is not over before what
// it had the parties tell each other. One whose receipt takes longer is handed out again some time.
func (s *Server) settleFiles(ctx context.Context) error {
	for until := time.Now().Add(answerWait / 2); time.Now().Before(until); time.Sleep(time.Millisecond) {
		due := 0
		for _, o := range s.everyOffice() {
			n, err := ask(ctx, o, func() (n int) {
				for _, f := range o.party.Machine().View().Files {
					if f.State == FileDue {
						n++
					}
				}
				return n
			})
			if err != nil {
				return err
			}
			due += n
		}
		if due == 0 {
			return nil
		}
	}
	return nil
}

// check refuses a move that is none.
func (c Calendar) check() error {
	if c.Kind < CalendarDate || c.Kind > CalendarPayout {
		return &OrderError{fmt.Errorf("host: calendar: unknown event %d", c.Kind)}
	}
	if c.Date == "" {
		if c.Kind == CalendarDate {
			return &OrderError{fmt.Errorf("host: calendar: date: want YYYY-MM-DD")}
		}
		return nil
	}
	if _, err := time.Parse(dateForm, c.Date); err != nil {
		return &OrderError{fmt.Errorf("host: calendar: date %q: want YYYY-MM-DD", c.Date)}
	}
	return nil
}

// Account changes an account at the issuer and returns how it is once that is durable; without a change it only looks.
func (s *Server) Account(ctx context.Context, a Admin) (AccountReport, error) {
	issuer := s.offices[2]
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	if a.Status != "" || a.SetBalance || a.Answer != "" || len(a.Script) > 0 {
		done := make(chan error, 1)
		issuer.wall.Post(func() { issuer.party.AdminThen(a, func(err error) { done <- err }) })
		if err := order(ctx, issuer, done); err != nil {
			return AccountReport{}, err
		}
	}
	report, err := ask(ctx, issuer, func() *AccountReport {
		return issuer.party.Machine().(*Issuer).report(a.Account)
	})
	if err == nil && report == nil {
		err = &OrderError{fmt.Errorf("host: account %q: %w", a.Account, ErrUnknownAccount)}
	}
	if err != nil {
		return AccountReport{}, err
	}
	return *report, nil
}

// Batches are the acquirer's, in the order of their first settlement. They are copies.
func (s *Server) Batches(ctx context.Context) ([]*Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	acquirer := s.offices[0]
	return ask(ctx, acquirer, func() []*Batch { return acquirer.party.Machine().View().clone().Batches })
}

// Terminals is how every terminal stands at the acquirer.
func (s *Server) Terminals(ctx context.Context) ([]TerminalReport, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	acquirer := s.offices[0]
	return ask(ctx, acquirer, func() []TerminalReport { return acquirer.party.Machine().(*Relay).terminalReports() })
}

// Terminal changes how a terminal is treated and returns how it stands once that is durable; without a change it only looks.
func (s *Server) Terminal(ctx context.Context, o TerminalOrder) (TerminalReport, error) {
	acquirer := s.offices[0]
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	if o.Status != "" || len(o.Requests) > 0 {
		done := make(chan error, 1)
		acquirer.wall.Post(func() { acquirer.party.TerminalThen(o, func(err error) { done <- err }) })
		if err := order(ctx, acquirer, done); err != nil {
			return TerminalReport{}, err
		}
	}
	report, err := ask(ctx, acquirer, func() *TerminalReport { return acquirer.party.Machine().(*Relay).terminalReport(o.TID) })
	if err == nil && report == nil {
		err = &OrderError{fmt.Errorf("host: terminal %q: %w", o.TID, ErrUnknownTerminal)}
	}
	if err != nil {
		return TerminalReport{}, err
	}
	return *report, nil
}

// OrderError is an order that cannot be carried out, and changed nothing: the fault is with whoever gave it.
type OrderError struct{ Err error }

// Error is the text of the error behind.
func (e *OrderError) Error() string { return e.Err.Error() }

// Unwrap returns the error behind.
func (e *OrderError) Unwrap() error { return e.Err }

// order waits for the outcome of an order.
func order(ctx context.Context, o *office, done <-chan error) error {
	refused, err := await(ctx, o, done)
	if err == nil && refused != nil {
		err = &OrderError{refused}
	}
	return err
}

// each asks acquirer, switch and issuer one after the other, within answerWait.
func (s *Server) each(ctx context.Context, f func(context.Context, *office) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for _, o := range s.offices {
		if err := f(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// report is an account as it is; nil if there is none of that name.
func (x *Issuer) report(name string) *AccountReport {
	a := x.byName[name]
	if a == nil {
		return nil
	}
	r := &AccountReport{Account: a.Name, Status: a.status(), Balance: a.available(), Answer: a.state.Answer, Orders: a.state.Orders}
	if r.Status == "" {
		r.Status = Active
	}
	return r
}
