package terminal

import (
	"time"

	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// What a card number that is typed may have, in digits (ISO/IEC 7812-1).
const (
	shortestNumber = 12
	longestNumber  = 19
)

// mayType tells whether a sale's card may be typed: its number stands on it, and nothing can be read.
func (t *Terminal) mayType(s wanted) bool {
	plain := s.kind == dialect.KindNone || s.kind == dialect.KindSale
	return plain && !s.offline && t.profile.Takes(EntryModeManual)
}

// typedSale is a sale of a card whose number the clerk types. Who is there signs (cvmSignature); who calls verifies nothing (cvmNone).
func (t *Terminal) typedSale(s wanted, cvm string) (Ended, error) {
	card, e := t.typeCard(s.title())
	if card == nil {
		return e, nil
	}
	d := &deal{record: t.newRecord(s)}
	d.take(t, card)
	d.record.CVM = cvm
	return t.transact(d)
}

// typeCard takes a card's number and expiry from the keys. A number with a wrong check digit is asked for again, an expired card is
// refused.
func (t *Terminal) typeCard(title Text) (*presented, Ended) {
	above := []Text{title}
	for {
		typed, ok := t.askFor("ask-card-number", shortestNumber, longestNumber, maskTyped, above...)
		if !ok {
			return nil, t.cancelled()
		}
		number, err := pan.Parse(typed)
		if err != nil || !number.LuhnValid() {
			above = []Text{say("wrong-number")}
			continue
		}
		if err := t.admit(number); err != nil { // who types a number may read it off anybody's card
			return nil, Ended{Outcome: liveOutcome(err)}
		}
		expiry, e := t.askExpiry(title)
		if expiry == "" {
			return nil, e
		}
		return &presented{number: number, expiry: expiry, entry: entryManual}, Ended{}
	}
}

// maskTyped shows of a number that is being typed the first six digits and no more.
func maskTyped(typed string) string {
	shown := []byte(typed)
	for i := 6; i < len(shown); i++ {
		shown[i] = '*'
	}
	return string(shown)
}

// askExpiry takes YYMM; "": none, and how that ended.
func (t *Terminal) askExpiry(title Text) (string, Ended) {
	above := []Text{title}
	for {
		typed, ok := t.ask("ask-expiry", 4, 4, above...)
		if !ok {
			return "", t.cancelled()
		}
		month, err := time.Parse("0601", typed)
		switch {
		case err != nil:
			above = []Text{say("wrong-entry")}
			continue
		case expired(month, t.calendar()):
			t.show(say("not-accepted"), say("card-expired"))
			return "", Ended{Outcome: OutcomeNotAccepted}
		}
		return typed, Ended{}
	}
}

// expired tells whether a card that is good to the end of a month is no more. Of the two digits of a year the nearer century is meant.
func expired(month, now time.Time) bool {
	year := now.Year()/100*100 + month.Year()%100
	if year < now.Year()-50 {
		year += 100
	}
	return year < now.Year() || year == now.Year() && month.Month() < now.Month()
}
