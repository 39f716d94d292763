package scenario

import "strings"

// header and ending are what a script needs around the line that a test is about.
const (
	header = "name: W06 x\nzh: 甲\ncard: visa-credit\n"
	ending = "expect: {end: F2}\n"
)

// badScripts are scripts that Parse refuses, with the whole text of the error: place, message, line and carets.
var badScripts = []struct{ name, src, want string }{
	{"an unknown key of the script",
		header + `cart: x
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:1: unknown key "cart": want name, zh, about, card, terminal, spare, host, each, faults, steps, expect
    4 | cart: x
      | ^^^^`},
	{"a missing name",
		`zh: 甲
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:1:1: missing key "name"
    1 | zh: 甲
      | ^^`},
	{"a missing end",
		header + `steps:
  - boot: {}
expect: {money: {cardholder: 0.00}}
`,
		`W06-x.yaml:6:9: missing key "end"
    6 | expect: {money: {cardholder: 0.00}}
      |         ^`},
	{"no steps",
		header + `steps: []
` + ending,
		`W06-x.yaml:4:8: want a list of 1 to 200 steps
    4 | steps: []
      |        ^`},
	{"an unknown key of a sale",
		header + `steps:
  - sale: {amout: 100.00}
` + ending,
		`W06-x.yaml:5:12: unknown key "amout": want amount, wallet, tap, force-online, cash-back, tip, moto, instalment, card, pin, entry, choose, cancel
    5 |   - sale: {amout: 100.00}
      |            ^^^^^`},
	{"a sale without an amount",
		header + `steps:
  - sale: {pin: "1234"}
` + ending,
		`W06-x.yaml:5:5: missing key "amount"
    5 |   - sale: {pin: "****"}
      |     ^^^^`},
	{"an amount with one decimal",
		header + `steps:
  - sale: {amount: 100.0}
` + ending,
		`W06-x.yaml:5:20: want an amount with two decimals such as 100.00
    5 |   - sale: {amount: 100.0}
      |                    ^^^^^`},
	{"an amount that is a mapping",
		header + `steps:
  - sale: {amount: {}}
` + ending,
		`W06-x.yaml:5:20: want an amount with two decimals such as 100.00
    5 |   - sale: {amount: {}}
      |                    ^`},
	{"an amount of nothing",
		header + `steps:
  - sale: {amount: 0.00}
` + ending,
		`W06-x.yaml:5:20: want an amount above 0.00
    5 |   - sale: {amount: 0.00}
      |                    ^^^^`},
	{"an amount that DE 4 cannot hold",
		header + `steps:
  - sale: {amount: 10000000000.00}
` + ending,
		`W06-x.yaml:5:20: amount is more than the twelve digits of DE 4 hold
    5 |   - sale: {amount: 10000000000.00}
      |                    ^^^^^^^^^^^^^^`},
	{"an unknown card of a sale, Chinese before it",
		header + `steps:
  - sale: {amount: 1.00, pin: "1234", card: 卡}
` + ending,
		`W06-x.yaml:5:45: unknown card "卡"
    5 |   - sale: {amount: 1.00, pin: "****", card: 卡}
      |                                             ^^`},
	{"an unknown card of the script",
		`name: W06 x
zh: 甲
card: visa-debt
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:3:7: unknown card "visa-debt"
    3 | card: visa-debt
      |       ^^^^^^^^^`},
	{"a sale without a card",
		`name: W06 x
zh: 甲
steps:
  - sale: {amount: 1.00}
` + ending,
		`W06-x.yaml:4:5: the sale has no card: give it one, or the script a default card
    4 |   - sale: {amount: 1.00}
      |     ^^^^`},
	{"an unknown terminal",
		header + `terminal: toaster
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:11: unknown terminal "toaster"
    4 | terminal: toaster
      |           ^^^^^^^`},
	{"a PIN without quotes",
		header + `steps:
  - sale: {amount: 1.00, pin: 1234}
` + ending,
		`W06-x.yaml:5:31: want a PIN of 4 to 12 digits in quotes
    5 |   - sale: {amount: 1.00, pin: ****}
      |                               ^^^^`},
	{"a PIN too short, and both masked",
		header + `steps:
  - sale: {amount: 1.00, pin: ["9999", "123"]}
` + ending,
		`W06-x.yaml:5:40: want a PIN of 4 to 12 digits in quotes
    5 |   - sale: {amount: 1.00, pin: ["****", "***"]}
      |                                        ^^^^^`},
	{"PINs of a variable are masked",
		header + `each: {p: ["1234", "12x4"]}
steps:
  - sale: {amount: 1.00, pin: "${p}", entry: tap}
` + ending,
		`W06-x.yaml:6:46: unknown entry "tap": want chip, swipe, manual, qr
    6 |   - sale: {amount: 1.00, pin: "${p}", entry: tap}
      |                                              ^^^`},
	{"PINs in the value of a variable are masked",
		header + `each: {p: ["1234", 5678]}
steps:
  - sale: {amount: 1.00, pin: "${p}"}
` + ending,
		`W06-x.yaml:4:20: want a text in quotes
    4 | each: {p: ["****", ****]}
      |                    ^^^^`},
	{"an application that no key is for",
		header + `steps:
  - sale: {amount: 1.00, choose: 10}
expect: {end: F0}
`,
		`W06-x.yaml:5:34: want the number of an application, 1 to 9, or none
    5 |   - sale: {amount: 1.00, choose: 10}
      |                                  ^^`},
	{"force-online that is no truth",
		header + `steps:
  - sale: {amount: 1.00, force-online: maybe}
expect: {end: F0}
`,
		`W06-x.yaml:5:40: want true or false
    5 |   - sale: {amount: 1.00, force-online: maybe}
      |                                        ^^^^^`},
	{"an empty list of entries",
		header + `steps:
  - sale: {amount: 1.00, entry: []}
expect: {end: F0}
`,
		`W06-x.yaml:5:33: the list is empty
    5 |   - sale: {amount: 1.00, entry: []}
      |                                 ^`},
	{"an unknown entry",
		header + `steps:
  - sale: {amount: 1.00, entry: tap}
` + ending,
		`W06-x.yaml:5:33: unknown entry "tap": want chip, swipe, manual, qr
    5 |   - sale: {amount: 1.00, entry: tap}
      |                                 ^^^`},
	{"cancel is no truth",
		header + `steps:
  - sale: {amount: 1.00, cancel: "yes"}
` + ending,
		`W06-x.yaml:5:34: want true or false
    5 |   - sale: {amount: 1.00, cancel: "yes"}
      |                                  ^^^^^`},
	{"a step without an action",
		header + `steps:
  - faults: ["net.rsp[0210].lose"]
` + ending,
		`W06-x.yaml:5:5: want an action: sale, void, refund, pre-auth, pre-auth-void, completion, completion-void, tip, balance, settle, sign-on, sign-off, echo, download, login, logout, reprint, report, saf, wait, off, boot, calendar, host, line, disk, battery, desk, spare, new-keys
    5 |   - faults: ["net.rsp[0210].lose"]
      |     ^^^^^^`},
	{"a step with two actions",
		header + `steps:
  - boot: {}
    off: {}
` + ending,
		`W06-x.yaml:6:5: a step has one action, and this one has boot already
    6 |     off: {}
      |     ^^^`},
	{"an unknown action",
		header + `steps:
  - reboot: {}
` + ending,
		`W06-x.yaml:5:5: unknown key "reboot": want sale, void, refund, pre-auth, pre-auth-void, completion, completion-void, tip, balance, settle, sign-on, sign-off, echo, download, login, logout, reprint, report, saf, wait, off, boot, calendar, host, line, disk, battery, desk, spare, new-keys, beside, faults, expect
    5 |   - reboot: {}
      |     ^^^^^^`},
	{"boot takes nothing",
		header + `steps:
  - boot: true
` + ending,
		`W06-x.yaml:5:11: want boot: {}
    5 |   - boot: true
      |           ^^^^`},
	{"a bad duration",
		header + `steps:
  - wait: 65
` + ending,
		`W06-x.yaml:5:11: want idle, reversal, advices, or a duration of at most 24h such as 65s
    5 |   - wait: 65
      |           ^^`},
	{"a wait longer than a day",
		header + `steps:
  - wait: 25h
` + ending,
		`W06-x.yaml:5:11: want idle, reversal, advices, or a duration of at most 24h such as 65s
    5 |   - wait: 25h
      |           ^^^`},
	{"a bad date",
		header + `steps:
  - calendar: 2026-02-30
` + ending,
		`W06-x.yaml:5:15: want cutover, payout, or a date such as 2026-03-05
    5 |   - calendar: 2026-02-30
      |               ^^^^^^^^^^`},
	{"an unknown status",
		header + `steps:
  - host: {status: drunk}
` + ending,
		`W06-x.yaml:5:20: unknown status "drunk": want active, lost, stolen, frozen, closed, restricted
    5 |   - host: {status: drunk}
      |                    ^^^^^`},
	{"a rule that says nothing",
		header + `steps:
  - host: {card: visa-credit}
` + ending,
		`W06-x.yaml:5:11: want a status, a balance, an answer, a limit or a script
    5 |   - host: {card: visa-credit}
      |           ^`},
	{"an answer that approves",
		header + `steps:
  - host: {card: visa-credit, answer: "00"}
` + ending,
		`W06-x.yaml:5:39: want a code that declines, in quotes, such as "01", or own for the issuer's own decision
    5 |   - host: {card: visa-credit, answer: "00"}
      |                                       ^^^^`},
	{"an order that is none",
		header + `steps:
  - host: {card: visa-credit, script: [{when: soon, command: unblock-pin}]}
` + ending,
		`W06-x.yaml:5:47: unknown moment "soon": want before, after, csu
    5 |   - host: {card: visa-credit, script: [{when: soon, command: unblock-pin}]}
      |                                               ^^^^`},
	{"an unknown command",
		header + `steps:
  - host: {card: visa-credit, script: [{when: after, command: pin-change}]}
` + ending,
		`W06-x.yaml:5:63: unknown command "pin-change": want block-application, unblock-application, block-card, unblock-pin, change-pin, put-data, update-record
    5 |   - host: {card: visa-credit, script: [{when: after, command: pin-change}]}
      |                                                               ^^^^^^^^^^`},
	{"an order with what its command does not take",
		header + `steps:
  - host: {card: visa-credit, script: [{when: after, command: block-card, tag: 9F58}]}
` + ending,
		`W06-x.yaml:5:75: block-card takes no tag
    5 |   - host: {card: visa-credit, script: [{when: after, command: block-card, tag: 9F58}]}
      |                                                                           ^^^`},
	{"an order without what its command needs",
		header + `steps:
  - host: {card: visa-credit, script: [{when: after, command: put-data, tag: 9F58}]}
` + ending,
		`W06-x.yaml:5:40: missing key "value": put-data needs tag, value
    5 |   - host: {card: visa-credit, script: [{when: after, command: put-data, tag: 9F58}]}
      |                                        ^`},
	{"an order with a tag that PUT DATA has no room for",
		header + `steps:
  - host: {card: visa-credit, script: [{when: after, command: put-data, tag: 5A, value: "00"}]}
` + ending,
		`W06-x.yaml:5:78: unknown tag "5A": want one of two bytes in hex such as 9F58
    5 |   - host: {card: visa-credit, script: [{when: after, command: put-data, tag: 5A, value: "00"}]}
      |                                                                              ^^`},
	{"an order that is no bit of a card status update",
		header + `steps:
  - host: {card: visa-credit, script: [{when: csu, command: unblock-application}]}
` + ending,
		`W06-x.yaml:5:40: unblock-application: a card status update says block-application, block-card or unblock-pin only
    5 |   - host: {card: visa-credit, script: [{when: csu, command: unblock-application}]}
      |                                        ^`},
	{"a new PIN that is too short, and is not shown",
		header + `steps:
  - host: {card: visa-credit, script: [{when: after, command: change-pin, pin: "123"}]}
` + ending,
		`W06-x.yaml:5:80: want a PIN of 4 to 12 digits in quotes
    5 |   - host: {card: visa-credit, script: [{when: after, command: change-pin, pin: "***"}]}
      |                                                                                ^^^^^`},
	{"a state that no order has",
		header + `steps:
  - host: {card: visa-credit, status: lost}
    expect: {orders: [gone]}
` + ending,
		`W06-x.yaml:6:23: unknown state of an order "gone": want due, sent, done, failed
    6 |     expect: {orders: [gone]}
      |                       ^^^^`},
	{"a bad fee",
		header + `host: {fee: 0.6}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:13: want a fee from 0% to 100% such as 0.6%
    4 | host: {fee: 0.6}
      |             ^^^`},
	{"a stand-in without a limit",
		header + `host: {stand-in: {code: A2}}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:18: missing key "limit"
    4 | host: {stand-in: {code: A2}}
      |                  ^`},
	{"a stand-in with a code that is the issuer's own",
		header + `host: {stand-in: {limit: 100.00, code: "00"}}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:40: unknown code of an approval in the issuer's place "00": want 11, A2, A4, A5, A6
    4 | host: {stand-in: {limit: 100.00, code: "00"}}
      |                                        ^^^^`},
	{"an account's rule where only the fee has a place",
		header + `host: {status: lost}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:8: unknown key "status": want fee, plan, settlement, switch-code, refunds, stand-in, clearing, fail-over, risk, bank, aggregator
    4 | host: {status: lost}
      |        ^^^^^^`},
	{"a fee where only an account's rule has a place",
		header + `steps:
  - host: {card: visa-credit, fee: 0.6%}
` + ending,
		`W06-x.yaml:5:31: unknown key "fee": want card, wallet, status, balance, answer, limit, day-limit, day-sales, pays, script
    5 |   - host: {card: visa-credit, fee: 0.6%}
      |                               ^^^`},
	{"a line that is sideways",
		header + `steps:
  - line: sideways
` + ending,
		`W06-x.yaml:5:11: unknown line "sideways": want down, up
    5 |   - line: sideways
      |           ^^^^^^^^`},
	{"two things with the disk",
		header + `steps:
  - disk: {damage: journal, full: true}
` + ending,
		`W06-x.yaml:5:11: want one of {damage: journal}, {repair: journal}, {full: true}, {full: false}
    5 |   - disk: {damage: journal, full: true}
      |           ^`},
	{"damage to another file",
		header + `steps:
  - disk: {damage: batch}
` + ending,
		`W06-x.yaml:5:20: unknown file "batch": want journal
    5 |   - disk: {damage: batch}
      |                    ^^^^^`},
	{"an unknown seam",
		header + `steps:
  - sale: {amount: 1.00}
    faults: ["net.rsp[0210].lose", "nett.rsp[0210].lose"]
` + ending,
		`W06-x.yaml:6:37: unknown seam "nett.rsp": want net.req, up.req, iss.req, net.rsp, up.rsp, iss.rsp, net, up, iss, acquirer, switch, issuer, term, card, reader, hsm, operator, file, bank, aggregator
    6 |     faults: ["net.rsp[0210].lose", "nett.rsp[0210].lose"]
      |                                     ^^^^^^^^`},
	{"an unknown kind",
		header + `steps:
  - boot: {}
    faults: ["net.rsp[0210].loose"]
` + ending,
		`W06-x.yaml:6:29: unknown kind "loose" at net.rsp[0210]: want lose, delay, duplicate, corrupt, truncate, cut, slice, merge, drip, reset
    6 |     faults: ["net.rsp[0210].loose"]
      |                             ^^^^^`},
	{"an unknown event",
		header + `steps:
  - boot: {}
    faults:
      - "net.rsp[0200#2].lose"
` + ending,
		`W06-x.yaml:7:18: unknown event "0200" at net.rsp: want an answer's message type (0110 0210 0230 0330 0410 0430 0510 0630 0810 0830)
    7 |       - "net.rsp[0200#2].lose"
      |                  ^^^^`},
	{"a bad argument",
		header + `steps:
  - boot: {}
    faults: ["iss.rsp[0210].delay(35)"]
` + ending,
		`W06-x.yaml:6:35: want delay(T), T a duration from 0s to 24h such as 65s
    6 |     faults: ["iss.rsp[0210].delay(35)"]
      |                                   ^^`},
	{"a fault of real time",
		header + `steps:
  - boot: {}
    faults: ["net[connect].tls-alert"]
` + ending,
		`W06-x.yaml:6:28: tls-alert is of real time: no fault of virtual time can play it
    6 |     faults: ["net[connect].tls-alert"]
      |                            ^^^^^^^^^`},
	{"a fault that is no text",
		header + `steps:
  - boot: {}
    faults: [{}]
` + ending,
		`W06-x.yaml:6:14: want a fault such as "net.rsp[0210].lose"
    6 |     faults: [{}]
      |              ^`},
	{"an unknown outcome",
		header + `steps:
  - sale: {amount: 1.00}
    expect: {outcome: accepted}
` + ending,
		`W06-x.yaml:6:23: unknown outcome "accepted": want approved, declined, no-answer, cancelled, offline-approved, offline-declined, no-connection, blocked, power-off, card-removed, chip-failed, stopped, refused, not-accepted, live-card-refused, live-card-read, done, not-allowed, not-found, parked, part-refused, not-printed, torn, unresolved
    6 |     expect: {outcome: accepted}
      |                       ^^^^^^^^`},
	{"an outcome of a wait",
		header + `steps:
  - wait: idle
    expect: {outcome: approved}
` + ending,
		`W06-x.yaml:6:14: only what is done at the till has an outcome
    6 |     expect: {outcome: approved}
      |              ^^^^^^^`},
	{"an unknown journal state",
		header + `steps:
  - wait: idle
    expect: {journal: [approved, done]}
` + ending,
		`W06-x.yaml:6:34: unknown journal state "done": want pending, approved, declined, reversaldue, reversed, reversedunmatched, reversalrefused, parked, advicedue, advised, refused, torn, unresolved
    6 |     expect: {journal: [approved, done]}
      |                                  ^^^^`},
	{"an unknown terminal state",
		header + `steps:
  - wait: idle
    expect: {state: asleep}
` + ending,
		`W06-x.yaml:6:21: unknown state "asleep": want off, idle, busy, stopped
    6 |     expect: {state: asleep}
      |                     ^^^^^^`},
	{"a response code without quotes",
		header + `steps:
  - wait: idle
    expect: {code: 05}
` + ending,
		`W06-x.yaml:6:20: want a response code in quotes, two characters of DE 39 such as "05"
    6 |     expect: {code: 05}
      |                    ^^`},
	{"an unknown message type",
		header + `steps:
  - wait: idle
    expect: {messages: ["0200", "0310/00"]}
` + ending,
		`W06-x.yaml:6:33: unknown message type "0310": want 0100 0101 0200 0201 0220 0221 0320 0321 0400 0401 0420 0421 0500 0501 0620 0621 0800 0820 0110 0210 0230 0330 0410 0430 0510 0630 0810 0830
    6 |     expect: {messages: ["0200", "0310/00"]}
      |                                 ^^^^^^^^^`},
	{"a request with a response code",
		header + `steps:
  - wait: idle
    expect: {messages: ["0200/00"]}
` + ending,
		`W06-x.yaml:6:25: a 0200 has no response code: only an answer has one, and a reversal a reason
    6 |     expect: {messages: ["0200/00"]}
      |                         ^^^^^^^^^`},
	{"an unknown data element",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 47, is: "x"}]
` + ending,
		`W06-x.yaml:7:46: unknown data element 47: want one of 2 3 4 7 11 12 13 14 15 22 23 25 26 32 35 36 37 38 39 41 42 44 48 49 52 53 54 55 57 59 60 61 62 63 64 66 70 90 95
    7 |       fields: [{at: issuer, mti: "0200", de: 47, is: "x"}]
      |                                              ^^`},
	{"a tag of another element",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 54, tag: 9F34, is: "00"}]
` + ending,
		`W06-x.yaml:7:55: only DE 55 has tags
    7 |       fields: [{at: issuer, mti: "0200", de: 54, tag: 9F34, is: "00"}]
      |                                                       ^^^^`},
	{"an unknown tag of DE 55",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 55, tag: 9F, is: "00"}]
` + ending,
		`W06-x.yaml:7:55: unknown tag "9F": want hex such as 9F34, or TVR, TSI, CVMResults
    7 |       fields: [{at: issuer, mti: "0200", de: 55, tag: 9F, is: "00"}]
      |                                                       ^^`},
	{"a tag of DE 55 that is not hex",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 55, tag: 9F34, is: "none"}]
` + ending,
		`W06-x.yaml:7:65: want bytes in hex and in quotes such as "020300"
    7 |       fields: [{at: issuer, mti: "0200", de: 55, tag: 9F34, is: "none"}]
      |                                                                 ^^^^^^`},
	{"an unknown method of offline data authentication",
		header + `steps:
  - wait: idle
    expect: {oda: XDA}
` + ending,
		`W06-x.yaml:6:19: unknown method "XDA": want none, SDA, DDA, CDA
    6 |     expect: {oda: XDA}
      |                   ^^^`},
	{"a field that says nothing",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 52}]
` + ending,
		`W06-x.yaml:7:16: want is: and a value, or absent: true
    7 |       fields: [{at: issuer, mti: "0200", de: 52}]
      |                ^`},
	{"a field at an unknown party",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: bank, mti: "0200", de: 52, absent: true}]
` + ending,
		`W06-x.yaml:7:21: unknown party "bank": want terminal, acquirer, switch, issuer
    7 |       fields: [{at: bank, mti: "0200", de: 52, absent: true}]
      |                     ^^^^`},
	{"a value without quotes",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 22, is: 0051}]
` + ending,
		`W06-x.yaml:7:54: want the element's value in quotes
    7 |       fields: [{at: issuer, mti: "0200", de: 22, is: 0051}]
      |                                                      ^^^^`},
	{"bad hex",
		header + `steps:
  - wait: idle
    expect: {tags: {9F34: "02030"}}
` + ending,
		`W06-x.yaml:6:27: want bytes in hex and in quotes such as "020300"
    6 |     expect: {tags: {9F34: "02030"}}
      |                           ^^^^^^^`},
	{"an unknown tag",
		header + `steps:
  - wait: idle
    expect: {tags: {9F: "02"}}
` + ending,
		`W06-x.yaml:6:21: unknown tag "9F": want hex such as 9F34, or TVR, TSI, CVMResults
    6 |     expect: {tags: {9F: "02"}}
      |                     ^^`},
	{"an unknown position",
		header + `steps:
  - boot: {}
expect:
  end: F2
  money: {cardholder: 0.00, bank: 0.00}
`,
		`W06-x.yaml:8:29: unknown position "bank": want cardholder, issuer, switch, acquirer, suspense, merchant, fees, wallet, purse, purse-pool, aggregator, loss:NAME
    8 |   money: {cardholder: 0.00, bank: 0.00}
      |                             ^^^^`},
	{"a position without decimals",
		header + `steps:
  - boot: {}
expect:
  end: F2
  money: {cardholder: 0}
`,
		`W06-x.yaml:8:23: want an amount with two decimals such as 100.00
    8 |   money: {cardholder: 0}
      |                       ^`},
	{"a loss without decimals",
		header + `steps:
  - boot: {}
expect:
  end: F2
  money: {loss:switch: 1}
`,
		`W06-x.yaml:8:24: want an amount with two decimals such as 100.00
    8 |   money: {loss:switch: 1}
      |                        ^`},
	{"an unknown end",
		header + `steps:
  - boot: {}
expect: {end: F0|F4}
`,
		`W06-x.yaml:6:15: want an end state: F0, F1, F2, F3, FX, or alternatives F0|F2
    6 | expect: {end: F0|F4}
      |               ^^^^^`},
	{"a doubled key",
		header + `steps:
  - boot: {}
expect:
  end: F1
  end: F2
`,
		`W06-x.yaml:8:3: key "end" stands here twice, first in line 7
    8 |   end: F2
      |   ^^^`},
	{"an unknown variable",
		header + `each: {code: ["51"]}
steps:
  - wait: ${code}s
    expect: {screen: "DECLINED ${kode}"}
` + ending,
		`W06-x.yaml:7:32: unknown variable ${kode}: each: gives code
    7 |     expect: {screen: "DECLINED ${kode}"}
      |                                ^^^^^^^`},
	{"a variable where there are none",
		header + `steps:
  - wait: ${t}
` + ending,
		`W06-x.yaml:5:11: unknown variable ${t}: each: gives none
    5 |   - wait: ${t}
      |           ^^^^`},
	{"a variable that is not used",
		header + `each: {code: ["51"], t: ["5s"]}
steps:
  - wait: ${t}
` + ending,
		`W06-x.yaml:4:8: ${code} stands nowhere
    4 | each: {code: ["51"], t: ["5s"]}
      |        ^^^^`},
	{"a variable that does not end",
		header + `each: {t: ["5s"]}
steps:
  - wait: ${t
` + ending,
		`W06-x.yaml:6:11: want ${name}: the } is missing
    6 |   - wait: ${t
      |           ^^`},
	{"a variable inside braces without quotes",
		header + `each: {t: ["5s"]}
steps:
  - sale: {amount: ${t}}
` + ending,
		`W06-x.yaml:6:21: a variable inside { } or [ ] stands in quotes: "${name}"
    6 |   - sale: {amount: ${t}}
      |                     ^`},
	{"a variable whose second value is bad",
		header + `each: {t: ["5s", "5y"]}
steps:
  - wait: ${t}
` + ending,
		`W06-x.yaml:6:11: want idle, reversal, advices, or a duration of at most 24h such as 65s
    6 |   - wait: ${t}
      |           ^^^^`},
	{"lists of two lengths",
		header + `each: {a: ["1", "2"], b: ["1"]}
steps:
  - wait: ${a}${b}
` + ending,
		`W06-x.yaml:4:26: want 2 values as in the first list, found 1
    4 | each: {a: ["1", "2"], b: ["1"]}
      |                          ^`},
	{"a range that is none",
		header + `each: {k: "1..m", n: "net.req[0200]"}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:11: want a range such as "1..n-1": whole numbers, n, or n less a number
    4 | each: {k: "1..m", n: "net.req[0200]"}
      |           ^^^^^^`},
	{"a range of no message",
		header + `each: {k: "1..n", n: "term[write]"}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:23: want the message that n is the length of: "net.req[0200]"
    4 | each: {k: "1..n", n: "term[write]"}
      |                       ^^^^^^^^^^^`},
	{"an each that is none",
		header + `each: often
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:7: want power, a list of values {code: ["51", "54"]}, or a range {k: "1..n-1", n: "net.req[0200]"}
    4 | each: often
      |       ^^^^^`},
	{"a tab",
		"name: x\n\x09zh: y\n",
		`W06-x.yaml:2:1: a tab: indent with spaces`},
	{"bytes that are not UTF-8",
		"name: x\nzh: \xe7\x94\xb2\xff\n",
		`W06-x.yaml:2:6: a byte that is not UTF-8`},
	{"YAML that is not well formed",
		header + `steps:
  - sale: {amount: 1.00
` + ending,
		`W06-x.yaml:6:1: ',' or '}' must be specified
    6 | expect: {end: F2}
      | ^^^^^^`},
	{"an anchor",
		`name: &a x
zh: *a
`,
		`W06-x.yaml:1:7: a script has no anchor
    1 | name: &a x
      |       ^`},
	{"a list instead of a script",
		`- name
`,
		`W06-x.yaml:1:1: want a script: name, zh, card, steps, expect
    1 | - name
      | ^`},
	{"an empty file",
		``,
		`W06-x.yaml:1:1: the script is empty`},
	{"nested too deep",
		`name: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]
`,
		`W06-x.yaml:1:23: nested deeper than 16
    1 | name: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]
      |                       ^`},
	{"a long line is cut around the place",
		header + `steps:
  - sale: {amount: 1.00, pin: "1234", card: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", entry: "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}
` + ending,
		`W06-x.yaml:5:45: unknown card "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    5 |   - sale: {amount: 1.00, pin: "****", card: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
      |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^`},
	{"a card number in the line is masked",
		header + `steps:
  - wait: idle
    expect:
      fields: [{at: issuer, mti: "0200", de: 35, is: "4761739001010119D30122010000", n: 0}]
` + ending,
		`W06-x.yaml:7:89: want which of the messages, a number from 1 to 10000
    7 |       fields: [{at: issuer, mti: "0200", de: 35, is: "476173******0119************", n: 0}]
      |                                                                                         ^`},
	{"a card number in the message is masked",
		`name: W06 x
zh: 甲
card: "4761739001010119"
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:3:7: unknown card "476173******0119"
    3 | card: "476173******0119"
      |       ^^^^^^^^^^^^^^^^^^`},
	{"more than 200 steps",
		header + "steps:\n" + strings.Repeat("  - boot: {}\n", 201) + ending,
		`W06-x.yaml:5:3: want a list of 1 to 200 steps
    5 |   - boot: {}
      |   ^`},
	{"more than 64 faults of a step",
		header + "steps:\n  - boot: {}\n    faults:\n" + strings.Repeat("      - net.rsp[0210].lose\n", 65) + ending,
		`W06-x.yaml:7:7: want a list of at most 64 faults: ["net.rsp[0210].lose"]
    7 |       - net.rsp[0210].lose
      |       ^`},
	{"an expectation of nothing",
		header + `steps:
  - boot: {}
    expect: {}
` + ending,
		`W06-x.yaml:6:13: nothing is expected here
    6 |     expect: {}
      |             ^`},
	{"an empty list",
		header + `steps:
  - wait: idle
    expect: {screen: []}
` + ending,
		`W06-x.yaml:6:22: the list is empty
    6 |     expect: {screen: []}
      |                      ^`},
	{"a variable inside a variable",
		header + `each: {a: ["${b}"], b: ["x"]}
steps:
  - wait: ${a}
` + ending,
		`W06-x.yaml:4:12: a value holds no variable
    4 | each: {a: ["${b}"], b: ["x"]}
      |            ^^^^^^`},
	{"a text that its variable makes too long",
		header + `each: {a: ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]}
steps:
  - wait: ${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}
` + ending,
		`W06-x.yaml:6:11: longer than 1000 characters with its variables
    6 |   - wait: ${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}${
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^`},
	{"two documents",
		`name: x
---
name: y
`,
		`W06-x.yaml:2:1: a script is one document
    2 | ---
      | ^^^`},
	{"flow lists too deep for the parser",
		`name: [[[[[[[[[[[[[[[[[
`,
		`W06-x.yaml:1:23: nested deeper than 16
    1 | name: [[[[[[[[[[[[[[[[[
      |                       ^`},
	{"block lists too deep for the parser",
		`- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - x
`,
		`W06-x.yaml:1:101: indented deeper than 100 columns
    1 |  - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - x
      |                                                            ^`},
	{"block mappings too deep for the parser",
		`a:
                         a:
                                                  a:
                                                                           a:
                                                                                                    a:
                                                                                                                             a:
`,
		`W06-x.yaml:5:101: indented deeper than 100 columns
    5 |                                                            a:
      |                                                            ^`},
	{"more words and marks than a script needs",
		header + "steps: [" + strings.Repeat("a,", 25000) + "a]\n" + ending,
		`W06-x.yaml:1:1: the script has more than 50000 words and marks`},
	{"a range of all messages",
		header + `each: {k: "1..n", n: "net.req[0200#*]"}
steps:
  - boot: {}
` + ending,
		`W06-x.yaml:4:23: want the message that n is the length of: "net.req[0200]"
    4 | each: {k: "1..n", n: "net.req[0200#*]"}
      |                       ^^^^^^^^^^^^^^^`},
	{"keys of PINs without end",
		header + strings.Repeat("pin: [", 16000),
		`W06-x.yaml:4:102: nested deeper than 16
    4 | ***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [***: [
      |                                                            ^`},
	{"a PIN somewhere else",
		header + `each: {p: ["8352"]}
steps:
  - sale: {amount: 1.00, pin: "${p}"}
    expect: {outcome: "${p}"}
` + ending,
		`W06-x.yaml:7:24: ${p} is a PIN and stands at pin: only
    7 |     expect: {outcome: "${p}"}
      |                        ^^^^`},
}
