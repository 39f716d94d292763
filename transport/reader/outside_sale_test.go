//go:build linux

package reader_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/transport/reader"
)

// TestOutsideSale is the whole house over other people's programs: terminal, kernel, our PC/SC driver, pcscd, vpcd, our
// card, and a host. A card that leaves in the middle ends the sale, and what the host had approved is reversed.
func TestOutsideSale(t *testing.T) {
	if !alone(t) {
		return
	}
	need(t, vpcdDriver, packageVPCD)
	daemon(t, vpcdConf)
	l, err := scenario.NewLibrary(os.DirFS("../../testdata"))
	if err != nil {
		t.Fatal(err)
	}
	play := func(t *testing.T, script string) *scenario.Result {
		t.Helper()
		s, err := scenario.Parse("P01-sale.yaml", []byte(script), l.Known())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r, err := l.RunLive(ctx, s, scenario.LiveOptions{Reader: "pcsc://Virtual%20PCD%2000%2000"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure != nil {
			t.Errorf("%v\n%v\n%s", r.Failure.Err, r.Failure.Violations, r.Failure.Where)
		}
		return r
	}
	const script = `name: sale
zh: 消费
about: a sale over pcscd
card: visa-credit
terminal: impatient
steps:
  - sale: {amount: 10.00, pin: "1234"}
    expect: {outcome: OUTCOME, messages: ["0200", "0210/00"]}
  - wait: reversal
expect:
  end: END
  journal: [STATE]
`
	c, err := card.New(profile(t, "visa-credit"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("paid", func(t *testing.T) {
		leave, end := virtual(t, c, reader.VPCDConfig{})
		defer gone(t, leave, end)
		play(t, strings.NewReplacer("OUTCOME", "approved", "END", "F3", "STATE", "approved").Replace(script))
	})
	t.Run("torn after the approval", func(t *testing.T) {
		n := 0
		_, end := virtual(t, c, reader.VPCDConfig{Fault: func(event string) (reader.Fault, bool) {
			if event == "GENERATE AC" {
				n++
			}
			return reader.Fault{Kind: reader.FaultTear}, event == "GENERATE AC" && n == 2
		}})
		play(t, strings.NewReplacer("OUTCOME", "card-removed", "END", "F2", "STATE", "reversed").Replace(script))
		<-end
	})
	t.Run("a live card is refused", func(t *testing.T) {
		src, err := os.ReadFile("../../testdata/cards/visa-credit.yaml")
		if err != nil {
			t.Fatal(err)
		}
		p, err := card.ParseProfile("live", []byte(strings.ReplaceAll(string(src), "4761739001010119", nobodys(t))))
		if err != nil {
			t.Fatal(err)
		}
		live, err := card.New(p)
		if err != nil {
			t.Fatal(err)
		}
		var asked []string
		leave, end := virtual(t, live, reader.VPCDConfig{Fault: func(event string) (reader.Fault, bool) {
			asked = append(asked, event)
			return reader.Fault{}, false
		}})
		play(t, `name: live
zh: 真实卡
about: a number outside of the test ranges
card: visa-credit
terminal: impatient
steps:
  - sale: {amount: 10.00, pin: "1234"}
    expect: {outcome: live-card-refused, screen: [LIVE CARD REFUSED, 拒绝真实卡], messages: [], journal: []}
expect:
  end: F0
`)
		gone(t, leave, end)
		for _, command := range asked {
			if command != "SELECT" && command != "READ RECORD" && command != "GET PROCESSING OPTIONS" {
				t.Errorf("the card was given %s", command)
			}
		}
		if len(asked) < 4 {
			t.Errorf("the card was given %v: its number was not read", asked)
		}
	})
}

// nobodys is a well-formed number outside of the published test ranges, made here so that none stands in a file.
func nobodys(t *testing.T) string {
	t.Helper()
	for digit := range 10 {
		p, err := pan.Parse("499" + strings.Repeat("7", 12) + string(rune('0'+digit)))
		if err != nil {
			t.Fatal(err)
		}
		if p.LuhnValid() && !pan.InTestRange(p) {
			return p.Digits()
		}
	}
	t.Fatal("no such number")
	return ""
}
