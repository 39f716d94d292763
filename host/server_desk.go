package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/posim/posim/transport/dialect"
)

// Deed has something done at the desk where it belongs, and returns how things stand once that is durable. What the other side says to
// it is waited for a moment: a claim may have its answer already. One that is refused is an OrderError and has changed nothing.
func (s *Server) Deed(ctx context.Context, o DeedOrder) (r DeedReport, err error) {
	if err := o.Check(); err != nil {
		return r, &OrderError{fmt.Errorf("host: %w", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	d := Deed{Do: o.Do, Reason: o.Reason, TID: o.TID, MID: o.MID, Account: o.Account}
	at := s.offices[0]
	plain := slices.Contains(PlainDeeds(), o.Do)
	if !plain {
		if d.Key, err = s.named(ctx, &o); err != nil {
			return r, err
		}
		if at, err = s.deskOf(ctx, o.Do, d.Key); err != nil {
			return r, err
		}
	}
	done := make(chan error, 1)
	at.wall.Post(func() { at.party.DeedThen(d, func(err error) { done <- err }) })
	if err := order(ctx, at, done); err != nil {
		return r, err
	}
	if err := s.settleFiles(ctx); err != nil {
		return r, err
	}
	return ask(ctx, at, func() DeedReport { return at.reportDeed(&d, plain) })
}

// named is the one transaction that an order is about.
func (s *Server) named(ctx context.Context, o *DeedOrder) (k dialect.Key, err error) {
	var found []dialect.Key
	for _, at := range s.offices {
		keys, err := ask(ctx, at, func() (keys []dialect.Key) {
			for _, e := range at.party.Machine().View().Transactions {
				if len(keys) < maxTraces && o.names(e) {
					keys = append(keys, e.Key)
				}
			}
			return keys
		})
		if err != nil {
			return k, err
		}
		for _, k := range keys {
			if !slices.Contains(found, k) {
				found = append(found, k)
			}
		}
	}
	switch len(found) {
	case 0:
		return k, &OrderError{fmt.Errorf("host: %s: no transaction is like that", o.Do)}
	case 1:
		return found[0], nil
	}
	all := make([]string, 0, len(found))
	for _, k := range found[:min(len(found), 5)] {
		all = append(all, k.String())
	}
	return k, &OrderError{fmt.Errorf("host: %s: %d transactions are like that: %s: say more", o.Do, len(found), strings.Join(all, "; "))}
}

// deskOf is where a deed is done: a dispute begins at the cardholder's bank, and everything else is done where the item is.
func (s *Server) deskOf(ctx context.Context, deed string, k dialect.Key) (*office, error) {
	if deed == DeedChargeBack {
		return s.offices[2], nil
	}
	for _, o := range s.offices[:2] {
		e, err := ask(ctx, o, func() *Entry { return o.party.Machine().View().snapshot(k) })
		if err != nil {
			return nil, err
		}
		if e != nil && e.Difference != nil {
			return o, nil
		}
	}
	return s.offices[0], nil
}

// reportDeed is how things stand at this desk, for whoever has ordered a deed.
func (o *office) reportDeed(d *Deed, plain bool) DeedReport {
	r := DeedReport{Do: d.Do, Party: o.name}
	switch {
	case d.Do == DeedCorrect:
		r.MID, r.Account = d.MID, AccountName(d.MID, d.Account)
	case plain:
		r.Terminal = o.party.Machine().(*Relay).terminalReport(d.TID)
	default:
		r.Key = &d.Key
		if e := o.party.Machine().View().snapshot(d.Key); e != nil {
			r.State, r.Item, r.Risk = e.State, e.Difference, e.Risk
		}
	}
	return r
}
