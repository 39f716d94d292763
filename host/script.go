package host

import (
	"encoding/hex"
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/hsm"
	"github.com/posim/posim/transport/dialect"
)

// maxScripts is how many bytes of issuer scripts an answer carries: no terminal need take more (Book 3, 10.10). What does not
// fit waits for the next answer.
const maxScripts = 128

// cardPINTries is what an issuer sets a card's PIN try counter to.
const cardPINTries = 3

// replaced is a state of the account's orders in which one of them has changed: nobody who holds the earlier one sees it.
func (s *AccountState) replaced(at int, change func(o *Order)) {
	o := *s.Orders[at]
	change(&o)
	s.Orders = append([]*Order(nil), s.Orders...)
	s.Orders[at] = &o
}

// due tells whether there is anything to tell the card.
func (s *AccountState) due() bool {
	for _, o := range s.Orders {
		if o.State == OrderDue {
			return true
		}
	}
	return false
}

// inProof is the bit of a card status update that says what a command does.
var inProof = map[string]tlv.Bit{
	BlockApplication: security.CSUApplicationBlock, BlockCard: security.CSUCardBlock, UnblockPIN: security.CSUUpdatePINTryCounter,
}

// bits is the card status update of an answer, and the orders in it: they need no script. Where the version's ARPC cannot say
// so they stay due.
func (x *Issuer) bits(c *chip, approved bool, s *AccountState) (csu security.CSU, which []int) {
	if approved {
		csu.SetCounters(security.CSUResetCounters) // the issuer has just been asked
	}
	for i, o := range s.Orders {
		if o.State != OrderDue || o.When != InProof || !c.version.Tells(inProof[o.Command]) {
			continue
		}
		csu.Set(inProof[o.Command])
		if o.Command == UnblockPIN {
			csu.SetPINTryCounter(cardPINTries)
		}
		which = append(which, i)
	}
	return csu, which
}

// scripts seals the orders that are due for the card that asked: templates 71, then 72, each with an identifier (9F18) and
// one command (86), as many as an answer has room for.
func (x *Issuer) scripts(a *account, c *chip, s *AccountState, room int) (templates []byte, which []int) {
	room = min(room, maxScripts)
	for _, form := range []struct {
		when     When
		template tlv.Tag
	}{{BeforeFinal, tlv.IssuerScriptTemplate1}, {AfterFinal, tlv.IssuerScriptTemplate2}} {
		for i, o := range s.Orders {
			if o.State != OrderDue || o.When != form.when {
				continue
			}
			command, err := x.seal(a, c, o)
			if err != nil {
				continue // a module that cannot: it stays due
			}
			id := o.identifier()
			script := tlv.Append(nil, tlv.IssuerScriptIdentifier, id[:])
			script = tlv.Append(nil, form.template, tlv.Append(script, tlv.IssuerScriptCommand, command))
			if len(templates)+len(script) > room {
				return templates, which // in order: a later one does not overtake it
			}
			templates, which = append(templates, script...), append(which, i)
		}
	}
	return templates, which
}

// orderPIN is how PIN blocks of orders come.
func (x *Issuer) orderPIN() hsm.PINCarrier {
	return hsm.PINCarrier{Key: x.cfg.OrderPINKey, Format: innerFormat}
}

// seal makes the command of an order, secured for the transaction that the card asked in.
func (x *Issuer) seal(a *account, c *chip, o *Order) ([]byte, error) {
	command := hsm.ScriptCommand{Tag: uint16(o.Tag), File: o.SFI, Record: o.Record, Data: o.Value}
	switch o.Command {
	case BlockApplication:
		command.Instruction = apdu.InsApplicationBlock
	case UnblockApplication:
		command.Instruction = apdu.InsApplicationUnblock
	case BlockCard:
		command.Instruction = apdu.InsCardBlock
	case UnblockPIN:
		command.Instruction = apdu.InsPINChangeUnblock
	case ChangePIN:
		command.Instruction, command.PIN, command.PINBlock = apdu.InsPINChangeUnblock, x.orderPIN(), o.PINBlock
	case PutData:
		command.Instruction = apdu.InsPutData
	case UpdateRecord:
		command.Instruction = apdu.InsUpdateRecord
	}
	return x.module.SealScript(&hsm.ScriptCard{
		Version: c.version, Option: a.Option, PAN: a.PAN, PANSequenceNumber: a.PANSequenceNumber,
		ATC: c.data.get(tlv.ApplicationTransactionCounter), Cryptogram: c.data.get(tlv.ApplicationCryptogram),
		Integrity: a.ScriptMACKey, Confidentiality: a.ScriptEncryptionKey, Cryptograms: a.IssuerMasterKey,
	}, command)
}

// instruct is the answer's chip data: the proof, then the scripts that are due. What is in it is sent in the account's state.
// Without a proof nothing else is sent: a module that cannot make one cannot be relied on for the other.
func (x *Issuer) instruct(a *account, c *chip, code string, d *decision) []byte {
	csu, inBits := x.bits(c, dialect.Approves(code), &d.state)
	data := x.authenticate(a, c, code, csu)
	if data == nil || !d.state.due() {
		return data
	}
	templates, inScripts := x.scripts(a, c, &d.state, maxAnswerICC-len(data))
	reported, _ := c.version.Scripts(c.data.get(tlv.IssuerApplicationData)) // it verified: it is laid out well
	for _, at := range append(inBits, inScripts...) {
		d.state.replaced(at, func(o *Order) {
			o.State, o.ATC, o.Counted, o.Result = OrderSent, c.atc, reported.Commands, ""
			o.Sent++
		})
		d.changed = true
	}
	return append(data, templates...)
}

// maxAnswerICC is how long DE 55 may be.
const maxAnswerICC = 255

// learn takes from a message whose cryptogram verified what it proves of orders that were sent: the terminal's script results
// if it brings any, else the card's own report. A PIN that the card has changed is the account's from here on, for this very
// message too.
func (d *decision) learn(c *chip) {
	d.take(scriptResults(c.data))
	if r, err := c.version.Scripts(c.data.get(tlv.IssuerApplicationData)); err == nil {
		d.report(c.atc, r)
	}
}

// take closes orders by the terminal's word: results of the scripts that it was sent.
func (d *decision) take(results []scriptResult) {
	for _, r := range results {
		for at, o := range d.state.Orders {
			if o.State != OrderSent || o.When == InProof || o.identifier() != r.identifier {
				continue
			}
			d.close(at, r.state(), "script result "+r.String())
		}
	}
}

// report closes orders by the card's word about the last transaction that had scripts. A report that may have stood there
// before these were sent says nothing about them.
func (d *decision) report(atc string, r security.ScriptReport) {
	last, open := "", []int(nil)
	for at, o := range d.state.Orders {
		switch {
		case o.State != OrderSent || o.When == InProof || o.ATC < last: // hexadecimal of one length compares as numbers do
			continue
		case o.ATC > last:
			last, open = o.ATC, nil
		}
		open = append(open, at)
	}
	if len(open) == 0 || last >= atc {
		return
	}
	if before := d.state.Orders[open[0]].Counted; before != 0 && before == r.Commands && !r.Fresh {
		return
	}
	switch {
	case r.Commands == 0 && !r.Failed:
		for _, at := range open {
			d.close(at, OrderDue, "the card has seen no command")
		}
	case r.Commands == len(open) && !r.Failed:
		for _, at := range open {
			d.close(at, OrderDone, fmt.Sprintf("the card reports commands: %d", r.Commands))
		}
	case len(open) == 1 && r.Failed:
		d.close(open[0], OrderFailed, "the card reports that its command failed")
	}
}

// close moves an order that was sent to where a proof has brought it.
func (d *decision) close(at int, to OrderState, why string) {
	d.state.replaced(at, func(o *Order) { o.State, o.Result = to, why })
	d.changed = true
	if o := d.state.Orders[at]; to == OrderDone && o.PINReference != nil {
		d.state.PINReference, d.state.WrongPINs = o.PINReference, 0
	}
}

// learnReversed takes the script results that a reversal brings: it names its transaction, and so the account, by its key.
func (x *Issuer) learnReversed(m *dialect.Message, old *Entry) {
	a := x.byName[old.Account]
	if a == nil {
		return
	}
	d := decision{state: a.state}
	if d.take(scriptResults(icc(m.ICCSystemRelatedData))); d.changed {
		x.keep(a, &Record{}, &d)
	}
}

// keep adds a record with the account's new state in it, if there is one, and reports the orders that have moved.
func (x *Issuer) keep(a *account, r *Record, d *decision) {
	if d.changed {
		r.Account = &d.state
	}
	var before []*Order
	if a != nil {
		before = a.state.Orders
	}
	x.add(r, x.Apply)
	if a != nil {
		x.reportOrders(a, before)
	}
}

// reportOrders tells of the orders that are others than before.
func (x *Issuer) reportOrders(a *account, before []*Order) {
	for _, o := range a.state.Orders {
		same := false
		for _, b := range before {
			same = same || b == o
		}
		if !same {
			x.fx = append(x.fx, Effect{Order: &OrderMove{Account: a.Name, Order: *o}})
		}
	}
}

// scriptResult is what a terminal says of one script (Book 4, A5).
type scriptResult struct {
	first      byte
	identifier [4]byte
}

// scriptResults reads tag 9F5B: five bytes for each script. What is cut short, and what is longer than scripts can make it,
// says nothing.
func scriptResults(data icc) (all []scriptResult) {
	b := data.get(tlv.IssuerScriptResults)
	if len(b)%5 != 0 || len(b) > 5*maxOrders {
		return nil
	}
	for ; len(b) > 0; b = b[5:] {
		all = append(all, scriptResult{b[0], [4]byte(b[1:5])})
	}
	return all
}

// state is where the result leaves an order. A script that was not performed has not reached the card.
func (r scriptResult) state() OrderState {
	switch r.first >> 4 {
	case 2:
		return OrderDone
	case 1:
		return OrderFailed
	}
	return OrderDue
}

// String is the five bytes.
func (r scriptResult) String() string {
	return hex.EncodeToString(append([]byte{r.first}, r.identifier[:]...))
}
