package host

import (
	"context"
	"fmt"
	"strings"

	"github.com/posim/posim/internal/wal"
)

// Records is what a party has written behind its record number since, as far as it is durable: a page of it.
func (s *Server) Records(ctx context.Context, party string, since uint64) (RecordPage, error) {
	for _, o := range s.everyOffice() {
		if o.name == party {
			log, err := s.durable(ctx, o)
			if err != nil {
				return RecordPage{}, err
			}
			return PageOfLog(party, log, since)
		}
	}
	return RecordPage{}, &OrderError{fmt.Errorf("host: party %.20q: want one of %s", party, strings.Join(RecordedParties(), ", "))}
}

// durable is a party's log so far. Only its length is asked of the party: nobody is kept waiting while the file is read.
func (s *Server) durable(ctx context.Context, o *office) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	size, err := ask(ctx, o, o.party.logged)
	switch {
	case err != nil:
		return nil, err
	case size > maxShownLog:
		return nil, errTooMuchLog
	}
	data, err := o.dir.ReadFile(LogName)
	if err != nil || int64(len(data)) < size {
		return nil, fmt.Errorf("host: %s: log of %d bytes, want %d: %w", o.name, len(data), size, err)
	}
	return data[:size], nil
}

// logged is how many bytes of the log are durable.
func (p *Party) logged() int64 {
	if p.log == nil {
		return 0
	}
	return p.log.Size()
}

// Alarms is what people were told, by all parties, oldest first: the newest of it. It is read from the logs, so it is the same after a
// restart.
func (s *Server) Alarms(ctx context.Context) (AlarmPage, error) {
	page := AlarmPage{Alarms: []AlarmReport{}}
	for _, o := range s.offices {
		log, err := s.durable(ctx, o)
		if err != nil {
			return page, err
		}
		told, err := alarmsOf(o.name, log)
		if err != nil {
			return page, err
		}
		page.Alarms = append(page.Alarms, told...)
	}
	page.newest(maxAlarms)
	return page, nil
}

// alarmsOf is what a party has told people since its log began.
func alarmsOf(party string, log []byte) (told []AlarmReport, err error) {
	var d desk
	_, err = wal.Recover(LogName, log, func(body []byte) error {
		r, err := DecodeRecord(body)
		if err != nil {
			return err
		}
		if a := d.alarm(r); a != nil {
			told = append(told, a.report(party, r.At))
		}
		return d.book.apply(r)
	})
	if err != nil {
		return nil, fmt.Errorf("host: %s: %w", party, err)
	}
	return told, nil
}
