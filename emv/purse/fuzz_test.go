package purse_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/purse"
)

// liar changes the answers of a good card: four bytes of input for each change (which answer, how, where, with what).
type liar struct {
	card     *card.Card
	changes  []byte
	commands int
	quiet    bool // about its counter, its balance, and which records are read when
}

// lied changes one answer. The result may be anything.
func lied(a []byte, how, where, with byte) []byte {
	a = bytes.Clone(a)
	at := int(where) * len(a) / 256
	switch how % 8 {
	case 0:
		a[at] ^= with | 1
	case 1:
		a = a[:at]
	case 2:
		a = []byte{with, where}
	case 3:
		a[len(a)-2], a[len(a)-1] = with, where
	case 4:
		a = append(a[:at:at], append(bytes.Repeat([]byte{with}, int(where)), a[at:]...)...)
	case 5:
		a = []byte{0x61, with}
	case 6:
		a = append(a[:len(a)-2:len(a)-2], a...)
	case 7:
		return nil // silence
	}
	return a[:min(len(a), 300)]
}

func (l *liar) Transmit(command []byte) ([]byte, error) {
	l.commands++
	a, err := l.card.Transmit(command)
	if err != nil {
		return nil, err
	}
	for c := l.changes; len(c) >= 4; c = c[4:] {
		if int(c[0]&0x3F) == l.commands && !(l.quiet && (command[1] == apdu.InsGetProcessingOptions || command[1] == apdu.InsGetData)) {
			if a = lied(a, c[1], c[2], c[3]); a == nil {
				return nil, apdu.ErrMute
			}
			if len(a) < 2 {
				break
			}
		}
	}
	return a, nil
}

// most is how many commands a tap can cost: directory, purse, counter, balance, options, and the records twice. An answer may come
// in forty pieces.
const most = (5 + 2*32) * 41

// FuzzLyingCard: whatever a card answers, a tap and the taps after it end, their results hang together, and as long as the card
// tells the truth about its counter, its balance and its records' places, a stage is the truth about its money.
func FuzzLyingCard(f *testing.F) {
	for n := range byte(20) {
		for how := range byte(8) {
			f.Add(n%2 == 0, []byte{n, how, 0x40, 0x11}, []byte{})
			f.Add(n%2 == 1, []byte{11, 7, 0, 0}, []byte{n, how, 0x90, 0x22})
		}
	}
	f.Add(true, []byte{11, 7, 0, 0, 10, 0, 0x80, 1}, []byte{3, 0, 0xC0, 0, 4, 0, 0xC0, 0})
	kernel, profile := terminal(f), plastic(f, "cup-purse").Profile()
	f.Fuzz(func(t *testing.T, quiet bool, first, second []byte) {
		c, err := card.New(profile)
		if err != nil {
			t.Fatal(err)
		}
		c.Reset()
		var j journal
		slot := &liar{card: c, changes: first, quiet: quiet}
		r, err := purse.Pay(slot, kernel, j.request(1234))
		sane(t, slot, &j, r, err)
		honest(t, slot, r, 0)
		if r.Stage != purse.Unknown {
			return
		}
		c.Reset()
		slot = &liar{card: c, changes: second, quiet: quiet}
		before := c.Purses()[0]
		kept := *r.Torn
		j = journal{}
		r, err = purse.Resume(slot, kernel, j.request(1234), kept)
		sane(t, slot, &j, r, err)
		honest(t, slot, r, len(before.Debits))
		if r.Stage == purse.Unknown && len(j.kept) == 0 && !reflect.DeepEqual(*r.Torn, kept) {
			t.Fatalf("torn changed to %+v", r.Torn)
		}
	})
}

// sane is what holds of every tap.
func sane(t *testing.T, l *liar, j *journal, r purse.Result, err error) {
	t.Helper()
	switch {
	case err != nil:
		t.Fatalf("%v: not the card's to say", err)
	case l.commands > most:
		t.Fatalf("%d commands", l.commands)
	case len(j.kept) > 1:
		t.Fatalf("kept %d times", len(j.kept))
	case (r.Stage == purse.Paid) != (r.Reason == ""), (r.Err == nil) != (r.Reason == ""):
		t.Fatalf("%+v", r)
	case (r.Stage == purse.Unknown) != (r.Torn != nil):
		t.Fatalf("stage %v, torn %v", r.Stage, r.Torn)
	case r.Stage == purse.Paid && (r.BalanceAfter != r.BalanceBefore-1234 || r.BalanceAfter < 0 || len(r.ICC) == 0 || r.Card.PAN.IsZero()):
		t.Fatalf("%+v", r)
	case r.Resumed && r.Stage != purse.Paid, r.Stage == purse.Paid && r.Resumed != (len(j.kept) == 0):
		t.Fatalf("resumed %v, kept %d times", r.Resumed, len(j.kept))
	case bytes.Contains([]byte(fmt.Sprint(r.Err)), []byte(l.card.Profile().PAN.Digits())):
		t.Fatal("a card number is shown")
	}
}

// honest compares a stage with the card's own memory. What the first tap debited the second one finds.
func honest(t *testing.T, l *liar, r purse.Result, before int) {
	t.Helper()
	p := l.card.Purses()[0]
	if !l.quiet { // a card that lies about its own money is believed, and is the poorer for it
		return
	}
	if len(p.Debits) > 1 {
		t.Fatalf("debited twice: %+v", p)
	}
	debited := len(p.Debits) == 1
	switch {
	case r.Stage == purse.Before && len(p.Debits) > before,
		r.Stage == purse.Debited && !debited, r.Stage == purse.Paid && !debited,
		r.Stage == purse.Paid && r.TC != p.Debits[0].TC:
		t.Fatalf("stage %v (%s, %v), TC %X: the purse has %+v", r.Stage, r.Reason, r.Err, r.TC, p)
	}
}
