package purse_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/purse"
)

func bin(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Answers that are none, one at a time, in the place of a good card's: a tap says which, and how much is known of the money then.
func TestAnswers(t *testing.T) {
	const (
		directory  = "00A404000E"
		selection  = "00A4040008"
		balance    = "80CA9F79"
		options    = "80A80000"
		first      = "00B20114"
		lastRecord = "00B20324"
	)
	is := func(answer string) func([]byte) []byte {
		return func([]byte) []byte { return bin(t, answer) }
	}
	swap := func(old, new string) func([]byte) []byte {
		return func(a []byte) []byte {
			if !bytes.Contains(a, bin(t, old)) {
				t.Fatalf("no %s in %X", old, a)
			}
			return bytes.Replace(a, bin(t, old), bin(t, new), 1)
		}
	}
	tests := []struct {
		name, command string
		lie           func([]byte) []byte
		stage         purse.Stage
		want          purse.Reason
		text          string
	}{
		{"a directory that is none", directory, is("6F0384019000"), purse.Before, purse.CardViolation, "directory: tlv"},
		{"a directory without entries", directory, is("6F07 A505 BF0C02 8400 9000"), purse.Before, purse.NotAPurse, "no application"},
		{"a directory without BF0C", directory, is("6F02 A500 9000"), purse.Before, purse.CardViolation, "no BF0C"},
		{"an entry for another application", directory, swap("A000000333010106", "A000000333010101"), purse.Before, purse.NotAPurse, "no application"},
		{"another name selected", selection, swap("A000000333010106", "A000000333010107"), purse.Before, purse.CardViolation, "DF name 84 A000000333010107"},
		{"a list without the amount", selection, swap("9F0206", "9F0106"), purse.Before, purse.CardViolation, "want 9F02 with 6 bytes"},
		{"no balance", balance, is("6A88"), purse.Before, purse.CardViolation, "9F79"},
		{"another object for the balance", balance, is("9F7806000000010000 9000"), purse.Before, purse.CardViolation, "tag 9F78: want 9F79"},
		{"a balance that is no number", balance, is("9F790600000001000A 9000"), purse.Before, purse.CardViolation, "balance 9F79"},
		{"a TC for more than there is", balance, is("9F7906000000001233 9000"), purse.Before, purse.CardViolation, "agrees, though it has less"},
		{"format 1", options, is("8006 2000 10010100 9000"), purse.Before, purse.CardViolation, "want 77"},
		{"online", options, swap("9F270140", "9F270180"), purse.Before, purse.CardWantsMore, "want a TC"},
		{"no counter", options, swap("9F3602", "9F3702"), purse.Before, purse.CardViolation, "9F36 of 0 bytes"},
		{"nothing", options, is("6F00"), purse.Before, purse.CardViolation, "6F00"},
		{"the last record twice", options, swap("18010200", "20030300"), purse.Before, purse.CardViolation, "twice"},
		{"no number", first, swap("5A08", "5B08"), purse.Before, purse.CardViolation, "PAN 5A is not among"},
		{"an object twice", first, swap("9F0702FF00", "5F34010100"), purse.Before, purse.CardViolation, "twice"},
		{"a day that is none", first, swap("5F2403301231", "5F2403301331"), purse.Before, purse.CardViolation, "5F24"},
		{"a record that is not there", first, is("6A83"), purse.Before, purse.CardViolation, "SFI 2 record 1"},
		{"the last record is not there", lastRecord, is("6A83"), purse.Unknown, purse.CardViolation, "SFI 4 record 3"},
		{"the last record is no template", lastRecord, is("71009000"), purse.Unknown, purse.CardViolation, "want 70"},
		{"one byte", lastRecord, is("90"), purse.Unknown, purse.CardViolation, "protocol"},
		{"the last record says nothing of the signature", lastRecord, is("7003 9A0100 9000"), purse.Debited, purse.NotAuthentic, "9F69 of 0 bytes"},
		{"a signature of another kind", lastRecord, swap("9F690701", "9F690700"), purse.Debited, purse.NotAuthentic, "want version 01"},
		{"another card's number", lastRecord, is("700F 9F0802 0030 9F6907 01000000000000 9000"), purse.Debited, purse.NotAuthentic, "hash differs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := plastic(t, "cup-purse")
			slot := &reader{card: c, answer: func(command, response []byte) []byte {
				if bytes.HasPrefix(command, bin(t, test.command)) {
					return test.lie(response)
				}
				return response
			}}
			var j journal
			r, err := purse.Pay(slot, terminal(t), j.request(1234))
			if err != nil || r.Stage != test.stage || r.Reason != test.want || !strings.Contains(r.Err.Error(), test.text) {
				t.Fatalf("%+v, %v: want %v, %s, %q", r, err, test.stage, test.want, test.text)
			}
			if before := c.Purses()[0].Balance == 10000; before != (test.stage == purse.Before) {
				t.Errorf("stage %v, and the purse has %d", r.Stage, c.Purses()[0].Balance)
			}
			if (r.Torn != nil) != (test.stage == purse.Unknown) {
				t.Errorf("torn %v", r.Torn)
			}
		})
	}
}

// What was paid on the last day of a certificate is ended on the day after: the day of the transaction counts. To pay anew it is
// too late.
func TestResumeAfterMidnight(t *testing.T) {
	for _, debited := range []bool{true, false} {
		c := plastic(t, "cup-purse", "keys: cup-1152", "keys: cup-1152\n      certificates: {icc_expiry: 2026-03}")
		var j journal
		request := j.request(1234)
		request.Time = time.Date(2026, 3, 31, 23, 59, 50, 0, time.UTC)
		r, err := purse.Pay(&reader{card: c, ins: 0xB2, nth: 6, after: debited}, terminal(t), request)
		if err != nil || r.Stage != purse.Unknown {
			t.Fatalf("%+v, %v", r, err)
		}
		request.Time = request.Time.Add(20 * time.Second)
		r, err = purse.Resume(again(c), terminal(t), request, *r.Torn)
		switch {
		case err != nil:
			t.Fatal(err)
		case debited && (r.Stage != purse.Paid || !r.Resumed):
			t.Errorf("%+v", r)
		case !debited && (r.Stage != purse.Before || r.Reason != purse.NotAuthentic):
			t.Errorf("%+v", r)
		}
	}
}
