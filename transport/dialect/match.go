package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

// MismatchError says that an answer is not the answer to this request. It belongs to somebody else, or comes late: it is
// dropped, counted and reported, and the wait goes on. It is never a time-out.
type MismatchError struct {
	Want, Got       Key
	WantMTI, GotMTI string
}

// Match returns nil if answer has the MTI and the key that answer request, else a *MismatchError. An answer must bring back
// every part of the key, 12 and 13 too: they are the identity from end to end. Only a batch number is the host's to say in the answer
// to network management: a sign-on opens a batch with it.
func Match(request, answer *Message) error {
	e := &MismatchError{Want: request.Key(), Got: answer.Key(), WantMTI: Response(request.MTI), GotMTI: answer.MTI}
	if Class(request.MTI) == ClassNetworkManagement && e.Want.Batch != "" && e.Got.Batch != "" {
		e.Got.Batch = e.Want.Batch
	}
	if e.WantMTI != "" && e.WantMTI == e.GotMTI && e.Want == e.Got {
		return nil
	}
	return e
}

// Differences names what differs: some of MTI, STAN, TID, MID, batch, date, time.
func (e *MismatchError) Differences() []string {
	var names []string
	for _, p := range []struct{ name, want, got string }{
		{"MTI", e.WantMTI, e.GotMTI},
		{"STAN", e.Want.STAN, e.Got.STAN},
		{"TID", e.Want.TID, e.Got.TID},
		{"MID", e.Want.MID, e.Got.MID},
		{"batch", e.Want.Batch, e.Got.Batch},
		{"date", e.Want.Date, e.Got.Date},
		{"time", e.Want.Time, e.Got.Time},
	} {
		if p.want != p.got {
			names = append(names, p.name)
		}
	}
	return names
}

func (e *MismatchError) Error() string {
	if e.WantMTI == "" {
		return fmt.Sprintf("dialect: %s %s: the request is of a kind that has no answer", e.GotMTI, e.Got)
	}
	return fmt.Sprintf("dialect: answer %s %s (MID %s) does not match: want %s %s (MID %s); differs in %s",
		e.GotMTI, e.Got, e.Got.MID, e.WantMTI, e.Want, e.Want.MID, strings.Join(e.Differences(), ", "))
}

// ContentError says that an answer with the right key is about something else: it reverses the transaction, reason 06.
type ContentError struct {
	Key         Key
	Differences []Difference
}

// Difference is one data element that the answer has and that is not the request's.
type Difference struct {
	DE        int
	Want, Got string
}

// MatchContent compares amount, currency and processing code of an answer whose key matches and whose MAC is good. What
// differs is a *ContentError. An element that the answer leaves out contradicts nothing; one that the request had not sent
// does. A partial approval (response code 10) may bring a lower amount, never a higher one.
func MatchContent(request, answer *Message) error {
	e := &ContentError{Key: answer.Key()}
	compare := func(de int, want, got string) {
		if got != "" && got != want {
			e.Differences = append(e.Differences, Difference{DE: de, Want: want, Got: got})
		}
	}
	compare(3, request.ProcessingCode, answer.ProcessingCode)
	lower := answer.ResponseCode == partiallyApproved && request.HasAmount && answer.HasAmount &&
		0 <= answer.AmountTransaction && answer.AmountTransaction <= request.AmountTransaction
	if !lower {
		compare(amountTransaction, amountText(request), amountText(answer))
	}
	compare(49, request.CurrencyCodeTransaction, answer.CurrencyCodeTransaction)
	if len(e.Differences) == 0 {
		return nil
	}
	return e
}

// amountText is the amount in minor units, "" without one.
func amountText(m *Message) string {
	if !m.HasAmount {
		return ""
	}
	return strconv.FormatInt(m.AmountTransaction, 10)
}

func (e *ContentError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "dialect: answer %s has the right key and other contents", e.Key)
	for i, d := range e.Differences {
		sep := ";"
		if i == 0 {
			sep = ":"
		}
		fmt.Fprintf(&s, "%s DE %d is %s, want %s", sep, d.DE, orAbsent(d.Got), orAbsent(d.Want))
	}
	return s.String()
}

func orAbsent(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}
