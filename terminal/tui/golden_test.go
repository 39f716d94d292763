package tui

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// timedOut is a house in which an answer was lost and the reversal is on its way.
func timedOut() *scenario.View {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	line := func(ms int, kind, dir, en, zh, note string) scenario.Line {
		return scenario.Line{At: at(ms), Kind: kind, Dir: dir, Text: en, Zh: zh, Note: note}
	}
	story := []scenario.Line{
		line(0, "term", "", "power on", "", ""),
		line(0, "screen", "", "STARTING", "正在启动", ""),
		line(1200, "screen", "", "AMOUNT 1.00", "金额 1.00", ""),
		line(1300, "screen", "", "AMOUNT 10.00", "金额 10.00", ""),
		line(1400, "screen", "", "AMOUNT 100.00", "金额 100.00", ""),
		line(2795, "card", "", "inserted: 476173******0119", "", ""),
		line(2800, "apdu", ">", "SELECT", "", "00A404000E315041592E5359532E444446303100"),
		line(2810, "apdu", "<", "9000", "", "6F30840E315041592E... 52 bytes"),
		line(2900, "decide", "", "10.5 CVM: online PIN, as the card asks", "", "TVR 80 00 04 00 00"),
		line(2929, "screen", "", "ENTER PIN / TEST PIN ONLY / ", "请输入密码 / 仅限测试密码 / ", ""),
		line(4560, "journal", "", "000002 Pending", "", "synced"),
		line(4560, "wire", ">", "0200 sale 100.00  STAN 000002  PAN 476173******0119  PIN  F55 130 bytes", "", ""),
		line(4580, "host", "", "issuer gets 0200 sale 100.00  STAN 000002", "", ""),
		line(4590, "host", "", "issuer sends 0210 00 100.00  STAN 000002", "", ""),
		line(4610, "fault", "", "net.rsp[0210].lose", "", ""),
		line(64560, "journal", "", "000002 Pending -> ReversalDue (98)", "", "synced"),
		line(64560, "screen", "", "TIME-OUT, REVERSING", "交易超时,正在冲正", ""),
		line(64570, "screen", "", "REVERSING 000002", "正在冲正 000002", ""),
		line(64570, "wire", ">", "0400 reversal, reason 98 100.00  STAN 000002", "", ""),
	}
	return &scenario.View{
		At: at(64570), Now: scenario.Start.Add(at(64570)), Next: 30 * time.Second, Virtual: true, Seed: 1,
		Merchant: "POSIM TEST SHOP", MerchantZh: "模拟测试商户", Profile: "generic", TID: "SIM00001",
		Power: true, State: "busy", Line: true, Paper: true, Slot: "one", Screen: terminal.Screen{text("reversing", "000002")},
		Receipts: []terminal.Receipt{{Copy: terminal.MerchantCopy, Lines: []terminal.Text{text("r-simulation"), text("r-merchant-copy"), text("r-amount", "20.00")}},
			{Copy: terminal.CustomerCopy, Lines: []terminal.Text{text("r-simulation"), text("r-customer-copy"), text("r-tid", "SIM00001"),
				text("r-card", "************0119", "/I"), text("r-amount", "20.00"), text("r-pin"), text("r-simulation")}}},
		Story: story, Told: len(story),
		Journal: []terminal.Record{
			{STAN: "000001", Amount: 2000, Card: "476173******0119", State: terminal.Approved, Code: "00", Entry: "0051"},
			{STAN: "000002", Amount: 10000, Card: "476173******0119", State: terminal.ReversalDue, Reason: "98", Entry: "0051"},
		},
		Money: []scenario.MoneyAt{
			{At: 0, Positions: map[string]int64{"cardholder": 0, "issuer": 0, "switch": 0, "acquirer": 0, "merchant": 0, "fees": 0}},
			{At: at(4590), Positions: map[string]int64{"cardholder": -10000, "issuer": 10000, "switch": 0, "acquirer": 0, "merchant": 0, "fees": 0}},
			{At: at(4610), Positions: map[string]int64{"cardholder": -10000, "issuer": 0, "switch": 0, "acquirer": 10000, "merchant": 0, "fees": 0}},
		},
		Where:  scenario.Sentence{End: "F3", Words: scenario.Words{En: "100.00 in flight until the reversal is answered", Zh: "100.00 在途,等待冲正应答"}},
		Faults: []scenario.FaultState{{Spec: "net.rsp[0210].lose", Fired: 1, Over: true}, {Spec: "net.rsp[0410].lose"}},
	}
}

func idle() *scenario.View {
	v := timedOut()
	v.At, v.Story, v.Told, v.State, v.Slot = 50*time.Millisecond, v.Story[:2], 2, "idle", ""
	v.Screen, v.Receipts, v.Journal, v.Money, v.Faults = terminal.Screen{text("idle")}, nil, nil, v.Money[:1], nil
	v.Where, v.Next = scenario.Sentence{Words: scenario.Words{En: "no sale yet", Zh: "尚无交易"}}, -1
	return v
}

func entering() *scenario.View {
	v := timedOut()
	v.At, v.Story, v.Told, v.Faults = 3*time.Second, v.Story[:10], 10, nil
	v.Journal, v.Money, v.Receipts = v.Journal[:1], v.Money[:1], nil
	v.Screen = terminal.Screen{text("pin"), text("test-pin-only"), text("stars", "***")}
	v.Where = scenario.Sentence{End: "F1", Words: scenario.Words{En: "20.00 paid to the merchant, fee taken", Zh: "20.00 已付商户,手续费已扣"}}
	return v
}

func scripted() *scenario.View {
	v := timedOut()
	v.Script = &scenario.Progress{ID: "W04", Name: "W04 approval lost", Zh: "应答丢失(单边账)", Steps: []string{"sale 100.00", "wait reversal"}, Step: 2}
	v.Line, v.Paper = false, false
	return v
}

func failedScript() *scenario.View {
	v := idle()
	v.Script = &scenario.Progress{ID: "W04", Name: "approval lost", Zh: "应答丢失(单边账)", Steps: []string{"sale 100.00"}, Step: 1, Over: true, End: "F3", Failure: "W04.yaml:9:3: expected reversed"}
	return v
}

func unplugged() *scenario.View {
	v := timedOut()
	v.Power, v.State, v.Screen = false, "off", nil
	return v
}

// outside is a house in real time, with a reader and a host that are somewhere else.
func outside() *scenario.View {
	v := entering()
	v.Virtual, v.Seed, v.Next, v.At = false, 0, -1, 83*time.Second
	v.LiveView = scenario.LiveView{Reader: "pcsc://Gemalto%20PC%20Twin%20Reader%2000%2000", Hosts: []string{"127.0.0.1:8583", "127.0.0.1:8593"}, Physical: true, Hidden: true, LiveCards: true}
	v.Slot, v.Money, v.Where = scenario.PhysicalCard, nil, scenario.Sentence{Words: scenario.Words{En: "not observable: the host is somebody else's", Zh: "无法观察:主机属于他方"}}
	return v
}

// builtInLive is a house in real time with everything in this process.
func builtInLive() *scenario.View {
	v := timedOut()
	v.Virtual, v.Seed, v.Next = false, 0, -1
	return v
}

// unreachable is a house in real time whose reader is not there.
func unreachable() *scenario.View {
	v := idle()
	v.Virtual, v.Seed, v.Next = false, 0, -1
	v.LiveView = scenario.LiveView{Reader: "tcp://127.0.0.1:7816?protocol=ccid-serial", Hosts: []string{"127.0.0.1:8583"}, Admin: "127.0.0.1:8584", Physical: true,
		Trouble: "reader: dial tcp 127.0.0.1:7816: connect: connection refused: check that a reader listens at 127.0.0.1:7816"}
	return v
}

// played is a script in real time that waits for a person.
func played() *scenario.View {
	v := outside()
	v.LiveCards, v.Screen = false, terminal.Screen{text("insert-or-swipe"), text("sale", "100.00")}
	v.Script = &scenario.Progress{ID: "W04", Name: "W04 approval lost", Zh: "应答丢失(单边账)", Steps: []string{"sale 100.00", "wait reversal"}, Step: 1}
	v.Ask = "insert the card for visa-credit into pcsc://"
	return v
}

func hand() []Card {
	return []Card{{"one", "Test credit", "测试信用卡", true, true}, {"two", "Stripe only, with a long name", "纯磁条卡", false, true}}
}

// Every kind of screen in both languages and both layouts, on one window that is resized in between.
func TestGoldenScreens(t *testing.T) {
	open := func(r rune) func(*UI) { return func(u *UI) { u.onRune(r) } }
	for _, c := range []struct {
		name string
		view *scenario.View
		do   func(*UI)
	}{
		{"idle", idle(), nil},
		{"pin", entering(), nil},
		{"time-out", timedOut(), nil},
		{"script", scripted(), nil},
		{"script-failed", failedScript(), nil},
		{"unplugged", unplugged(), nil},
		{"paused", entering(), open(' ')},
		{"cards", idle(), open('c')},
		{"faults", timedOut(), open('f')},
		{"help", idle(), open('?')},
		{"money", timedOut(), func(u *UI) { u.turn(3) }},
		{"journal", timedOut(), func(u *UI) { u.turn(2) }},
		{"kernel", timedOut(), func(u *UI) { u.turn(1) }},
		{"receipt", timedOut(), func(u *UI) { u.turn(-1) }},
		{"note", timedOut(), open('n')},
		{"real", builtInLive(), nil},
		{"real-outside", outside(), nil},
		{"real-script", played(), nil},
		{"real-no-reader", unreachable(), nil},
		{"real-reader", unreachable(), open('r')},
		{"reader", idle(), open('r')},
		{"host-typed", idle(), func(u *UI) { u.keys("h\r127.0.0.1:8583") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, lang := range []terminal.Lang{terminal.English, terminal.Chinese} {
				var e Engine = &still{view: c.view}
				if !c.view.Virtual {
					e = &passing{view: c.view}
				}
				u := New(e, Options{Cards: hand(), Lang: lang})
				if c.do != nil {
					c.do(u)
				}
				s := newScreen(t, u, 80, 24)
				before := ""
				for _, size := range [][2]int{{80, 24}, {120, 40}, {80, 24}} {
					s.SetSize(size[0], size[1])
					got := s.text()
					golden(t, fmt.Sprintf("%s-%s-%dx%d", c.name, [...]string{"en", "zh"}[lang], size[0], size[1]), got)
					if size[0] == 80 && before != "" && got != before {
						t.Error("a window that is made large and small again shows something else")
					}
					if size[0] == 80 {
						before = got
					}
				}
			}
		})
	}
}

// Too small a window says what is needed, in words that fit, and comes back when it is large enough.
func TestSmallWindow(t *testing.T) {
	u := New(&still{view: timedOut()}, Options{Cards: hand()})
	s := newScreen(t, u, 79, 24)
	s.has("posim needs 80 columns and 24 lines; this window has 79 by 24.")
	s.SetSize(80, 23)
	s.has("this window has 80 by 23")
	u.lang = terminal.Chinese
	for w := 1; w < 80; w += 7 {
		for h := 1; h < 24; h += 5 {
			s.SetSize(w, h)
			s.text()
		}
	}
	s.SetSize(80, 24)
	s.has("正在冲正 000002")
	s.SetSize(20, 5)
	u.keys("q")
	if !u.Done() {
		t.Error("q does not leave a window that is too small")
	}
}

// No size, language, pane or dialog breaks a wide character or leaves the screen.
func TestEverySize(t *testing.T) {
	views := []*scenario.View{idle(), entering(), timedOut(), scripted(), failedScript(), unplugged()}
	views = append(views, outside(), played())
	for n, o := range []Options{{Cards: hand()}, {Cards: hand()}, {Cards: hand(), ASCII: true}, {}} {
		for i, v := range views {
			o.Lang = terminal.Lang(i % 2)
			u := New(&still{view: v}, o)
			u.Colours(n == 1)
			s := newScreen(t, u, 80, 24)
			for n, size := range [][2]int{{80, 24}, {81, 25}, {95, 31}, {109, 36}, {110, 35}, {110, 36}, {113, 37}, {120, 40}, {200, 60}, {401, 120}} {
				s.SetSize(size[0], size[1])
				u.turn(1)
				u.onRune([]rune("c?fslhr")[n%7])
				s.text()
				u.dialog = nil
				s.text()
				u.lang = terminal.Chinese - u.lang
				u.scroll = n * 3
				s.text()
			}
		}
	}
}

// Where line-drawing characters may take two columns, none is used.
func TestASCII(t *testing.T) {
	u := New(&still{view: timedOut()}, Options{Cards: hand(), ASCII: true})
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		s := newScreen(t, u, size[0], size[1])
		for _, r := range s.text() {
			if r > 0x7E && Columns(string(r)) != 2 && r != '中' {
				t.Errorf("%q is drawn", r)
			}
		}
	}
}

// Without colours nothing is coloured, and every word is still there.
func TestNoColour(t *testing.T) {
	for _, colours := range []bool{false, true} {
		u := New(&still{view: timedOut()}, Options{Cards: hand()})
		u.Colours(colours)
		s := newScreen(t, u, 120, 40)
		s.has("F3 100.00 in flight until the")
		coloured := false
		for y := range 40 {
			for x := range 120 {
				_, style, _ := s.Get(x, y)
				fg, bg, _ := style.Decompose()
				coloured = coloured || fg != tcell.ColorDefault || bg != tcell.ColorDefault
			}
		}
		if coloured != colours {
			t.Errorf("colours %v, and the screen is coloured: %v", colours, coloured)
		}
	}
}
