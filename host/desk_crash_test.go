package host

import (
	"fmt"
	"testing"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// closing plays a day: a sign-on, three sales, one of them undone, totals that are not equal, lines, and the end. insist asks a
// message as often as it takes.
func closing(c *counterTown, insist func(*dialect.Message) *dialect.Message) (said []string) {
	tell := func(m *dialect.Message) *dialect.Message {
		a := insist(m)
		if a == nil {
			c.t.Fatalf("%v is never answered", m)
		}
		said = append(said, fmt.Sprintf("%v %s %d", a.Kind, a.ResponseCode, a.SettlementResult))
		return a
	}
	on := c.message(dialect.KindSignOn)
	a := tell(on)
	keys, err := c.speaks.ParseSessionKeys(a.ReservedPrivate62)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.mac, err = c.module.Import(c.scheme.SessionMAC(), c.master, keys.MACKey, keys.MACKeyCheckValue); err != nil {
		c.t.Fatal(err)
	}
	first, second, undone := c.sale(1000), c.sale(2000), c.sale(4000)
	for _, m := range []*dialect.Message{first, second, undone} {
		tell(m)
	}
	tell(c.reversal(undone))
	tell(c.totals(debits(2, 2500)))
	tell(c.line(second.SystemsTraceAuditNumber, 2000))
	tell(c.line("000777", 500))
	tell(c.end(dialect.UploadEndNotEqual, 2))
	tell(c.message(dialect.KindSignOff))
	return said
}

// outcome is what is left of a day on the disks.
func (c *counterTown) outcome() string {
	c.pass(3 * time.Minute)
	v := c.views()
	s := fmt.Sprint(c.batches(), Positions(v...)[PositionCardholder], Positions(v...)[PositionAcquirer], Positions(v...)[PositionSuspense])
	for _, e := range v[atAcquirer].Differences() {
		s += fmt.Sprintf(" %s %d", e.Key.STAN, e.Difference.Amount)
	}
	return s
}

const closed = "[000001 closed 2/2500 of 2/3000, result 2, 2 lines, 2 items] -3000 2000 1000 000002 1000 000777 500"

var dayOf = []string{"sign-on 00 0", "sale 00 0", "sale 00 0", "sale 00 0", "sale 00 0", "settlement 00 2", "upload 00 0", "upload 00 0", "upload-end 00 0", "sign-off 00 0"}

// The acquirer loses its power around every commit of the day, and the terminal asks again until it is answered: it hears the same,
// and the disks say the same.
func TestDayWithACrashAtEveryCommit(t *testing.T) {
	commits := 0
	for n := 0; ; n++ {
		c := newCounter(t, dialect.Switches{})
		at := 0
		c.point = func(where int, _, _ string) {
			if where != atAcquirer {
				return
			}
			if at++; at == n {
				c.crash(atAcquirer)
			}
		}
		said := closing(c, func(m *dialect.Message) (a *dialect.Message) {
			for range 5 {
				if a = c.ask(m); a != nil && a.ResponseCode != codeSystem && a.ResponseCode != codeNoAnswer {
					return a
				}
			}
			return a
		})
		if n > at {
			commits = at
			break
		}
		// A sale whose host lost its power may be declined: the day is another then, and only its end is compared.
		same := true
		for i, s := range said {
			same = same && s == dayOf[i]
		}
		if !same {
			declined := 0
			for _, s := range said[1:4] {
				if s != "sale 00 0" {
					declined++
				}
			}
			if declined == 0 {
				t.Errorf("crash %d: the terminal heard %q, want %q", n, said, dayOf)
			}
			continue
		}
		if got := c.outcome(); got != closed {
			t.Errorf("crash %d: %s, want %s", n, got, closed)
		}
	}
	if commits < 2*len(dayOf) {
		t.Errorf("%d commits: the test looks at too few", commits)
	}
}

// Every message of the day comes twice, and each of the earlier ones once more behind it: a copy is answered as the first was,
// and changes nothing.
func TestDayOfCopies(t *testing.T) {
	c := newCounter(t, dialect.Switches{})
	type asked struct {
		m    *dialect.Message
		said string
	}
	var all []asked
	undone := false
	said := closing(c, func(m *dialect.Message) *dialect.Message {
		a := c.ask(m)
		say := func(a *dialect.Message) string {
			return fmt.Sprintf("%v %d %X", a, a.SettlementResult, a.ReservedPrivate62)
		}
		if again := c.ask(m); again == nil || say(again) != say(a) {
			t.Errorf("%v: a copy is answered %v, the first %v", m, again, a)
		}
		for _, old := range all {
			again := c.ask(old.m)
			if again == nil {
				t.Fatalf("%v: no answer", old.m)
			}
			reversed := dialect.Class(old.m.MTI) == dialect.ClassFinancial && again.ResponseCode == codeNoOriginal
			late := (old.m.Kind == dialect.KindUpload || old.m.Kind == dialect.KindUploadEnd) && again.ResponseCode == codeApproved
			undone = undone || dialect.Class(m.MTI) == dialect.ClassReversal
			if say(again) != old.said && !(reversed && undone) && !late {
				t.Errorf("%v behind %v: a copy is answered %s, the first %s", old.m, m, say(again), old.said)
			}
		}
		if m.Kind != dialect.KindSignOff && m.Kind != dialect.KindSignOn { // which would change the session
			all = append(all, asked{m, say(a)})
		}
		return a
	})
	c.expect("said", fmt.Sprint(said), fmt.Sprint(dayOf))
	c.expect("outcome", c.outcome(), closed)
}
