// Package host is the payment world behind the terminal: acquirer, switch and issuer.
//
// Each is a step machine: Step takes what happened and says what to do, and has no clock, disk or link of its own. A Relay
// is acquirer or switch, by configuration; an Issuer holds the accounts. A machine lives in a Party, the waiting runner:
// it decodes what arrives, steps the machine over all of it, makes the records durable with one commit, and only then
// sends. So nothing is answered before it is stored, a crash is a power cut, and virtual and real time run the same code.
//
//	machine, err := host.NewIssuer(host.IssuerConfig{...})
//	party, err := host.NewParty(host.Config{Name: "issuer", Clock: clock, Disk: disk, Machine: machine, ...})
//	err = party.Run() // until the power goes or the disk fails
//
// A House builds the three machines with test keys. A Server is the house in real time: the three parties in one process,
// each on its own sim.Wall with its own data directory, behind one listener for terminals, TCP or TLS; the lines between
// them stay in memory. What it believes is told by an AdminView, in the process or over HTTP on loopback (AdminClient).
//
//	s, err := host.StartServer(ctx, host.ServerConfig{House: house, Data: "host-data", Listen: "127.0.0.1:8583"})
//	err = s.Wait() // until ctx is done, or a party fails
//
// A Record is the only thing that changes a machine, in a step and in recovery alike; postings of money sit inside it.
// Recover reads a disk image into a View without keys or configuration: what a judge or a story looks at.
//
// Rules, by the ids of docs/model/README.md: a duplicate gets the stored answer and moves no money (H1), an unmatched
// reversal leaves a durable tombstone (H2), a repeated reversal credits once (H3), a decision looks at the log when it is
// made (H4), reversals find their original by the whole key (H5), nothing is answered before it is durable (H6); a relay
// logs before it forwards (A1), reverses upstream what it declined by its own timer (A2), keeps its decision against late
// answers (A3), lets a reversal cancel what is pending (A4), queues the reversal durably before it acknowledges (A5) and
// repeats it until it is acknowledged (A6). Each is asked through rules.Set where it lives, so that a naive variant can
// leave it out; docs/model has the model that shows what breaks without each.
//
// Where the references are silent, this room decides:
//
//   - Codes of a refused request: 30 a field is missing or malformed, 13 an amount of zero, 03 an unknown terminal or
//     merchant, 12 what this host does not do, 94 the same key with other contents, 25 the key's reversal came first,
//     A0 no session or a bad MAC (from an acquirer without MAC: the terminal's key is stale), 68 no answer from above,
//     91 found pending at boot, 96 a PIN block that cannot be translated or an answer from above that contradicts itself.
//   - Codes of the issuer, in the order they are looked for: 14 unknown or closed account, 41 lost, 43 stolen,
//     62 restricted card, 05 frozen account, 54 expired, 12 other currency or not a purchase, 05 the cryptogram does not
//     verify or its ATC was used before, the code that an order from outside has set, 75 PIN tries used up, 55 wrong or missing PIN, 96 a PIN block that does not
//     decode, 51 not enough funds. The record's Note tells one 05 from another.
//   - A card whose cryptogram verified is answered with an ARPC over the code, whatever the code is: a declined card is
//     to know who declined it.
//   - The cryptogram comes before the PIN, so that a forged chip message burns no PIN try. Three wrong PINs are answered
//     55; from the next one on it is 75, even with the right PIN.
//   - Orders to a card (ScriptOrder) go with the next answer to its chip, approved or declined, if its cryptogram verified:
//     one command in each script, 71 before 72, 128 bytes in all, or as bits of the issuer authentication data. A decision
//     and what it sent are one record. What was sent is done, failed or due again when something proves it: tag 9F5B of an
//     advice, a later request or the reversal, or else the card's count of script commands in its next verification results,
//     where that cannot be of an earlier transaction. Without a proof it stays sent, and nobody knows. 9F5B is the
//     terminal's word and is taken only beside a cryptogram that verified, or in the reversal of the transaction itself.
//   - A changed PIN counts from the message on that proves the change, for that very message; until then the old one does.
//     There is no time in which both are right.
//   - An advice has happened already: it is posted even if it overdraws the account. One without a cryptogram is
//     declined 05. It is never reversed: a reversal that names it is answered 12. A 0230 that says A0 decides nothing.
//   - A reversal whose amount is not the original's is answered 94 and changes nothing.
//
// Standards: ISO 8583:1987 (messages, response codes), EMV 4.4 Book 2 section 8 (cryptograms and their answer).
//
//   - What names another transaction (a void, a refund, a completion) is a transaction of its own, and its original stays as it
//     is. Acquirer and issuer ask alike, of their own books, whether it may be: 25 the original is unknown, declined or reversed,
//     or its hold has expired; 12 it is of a kind that this cannot be done to, or not decided yet, of another card, voided,
//     refunded, adjusted, completed already; 64 it was of another amount; 61 more than 115 % of it, or more than is left of it.
//     The acquirer asks besides whether the merchant has been paid, and whether a void is of its sale's batch and business day
//     (12): what is not is refunded. The issuer asks for no funds but those of a completion above its hold (51), and for no
//     state of the account: money goes back to a card that was lost since, though not to a closed account (14).
//   - So a reversal of a void undoes the void and leaves the sale, by the void's own key, at every hop like a reversal of a sale.
//     The issuer takes the money back even if it was spent (Note: overdrawn). What something else stands on is not reversed: 12,
//     and an item.
//   - A pre-authorisation holds for 30 calendar days and posts nothing; a completion that is reversed or voided gives the money
//     back to the hold.
//   - A refund is taken from the acquirer, or from the merchant who has been paid, when it is approved, and stands with the switch
//     until the issuer's next clearing: a payout, or a working day after its own.
//   - A partial approval (10) only goes to who says that he takes one, and never for a hold or with cash back. Its reversal undoes what
//     was approved, whatever amount it names of the two.
//   - A sale from a code is a wallet's, found by the code. What became of it is answered from the acquirer's log, 09 while nobody
//     knows; its cancellation is a reversal under a number of its own.
//   - A balance inquiry leaves an entry without money, for its copies.
//   - A Party gives a message that came in another dialect the numbers of the line up, so a machine knows one dialect. A line's
//     frames for somebody else (TPDU) and with a wrong header are dropped, and observed as Undecodable.
//   - A terminal that numbers its batches is told more: 97 an unknown terminal, or one on another dialect's line; 77 it has not
//     signed on, has signed off, or means another batch than the open one; 40 keys or a kind that this host does not have; 58 it
//     is disabled. What undoes something, what has happened, and a copy of what is known is never refused so (K3).
//   - A batch holds no money. It is compared by its totals (95 in dialects that have no other word for not equal) and closed by
//     the end of the upload alone, or, without numbers, by totals that are equal; a sale behind the totals takes the comparison
//     back, and the end is answered 95 then. Totals of a closed batch are answered again if they are the same, and 77 if not. The
//     lines are compared when the end comes: a transaction that only we have (long), one that only the terminal has (short) and
//     one of another amount is an item each. What is disputed and not paid out goes to suspense, and is not paid out; a
//     reversal that still comes takes it from there and ends the item.
//   - Notices and certificates of an upload are kept in the log and compared with nothing.
//   - What a card did with scripts, in a message of its own, is kept by nobody on its way: the terminal repeats it until the issuer
//     has answered. Of a signature size and digest are kept.
//   - What a terminal is to do next (TerminalOrder) is asked for in every answer until it has done it.
//   - An issuer's limits: 61 more than a sale or a day may have, 65 more sales than a day may have; looked for behind the PIN and before
//     the funds. A wallet whose owner is asked answers when he has agreed, and a copy of the request waits with it.
//   - A switch that stands in does so when its timer fires, for plain sales. The advice has the request's key, and in DE 39 the code of
//     the approval: that tells it from an offline sale. An issuer asks neither PIN nor funds then, but card, account and cryptogram.
//   - Clearing is the acquirer's step: at each cut-over he compares his file, the switch's and what unequal batches said. An item only
//     moves forward, by people's deeds (Deed) or by its deadline; what people settle is moved by nothing in the protocol any more.
//   - A sale that repeats card, amount and merchant within ten minutes is approved and flagged: only people know.
//   - A store that several processes share (Config.Fence) is written by the one with the latest epoch, which is in the log.
//
// Not here: many processes in real time (the parties of a Server stand and fall together). It is certified for
// nothing and must never see live cards.
package host
