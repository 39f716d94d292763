package vectors

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// kernelSteps are the steps of emv-kernel-steps/1: what a kernel does in one step of a transaction, command by command.
var kernelSteps = map[string]func(*fields){
	"candidate_list":           runCandidateList,
	"final_select":             runFinalSelect,
	"gpo":                      runProcessingOptions,
	"read_application_data":    runReadApplicationData,
	"terminal_risk_management": runRiskManagement,
	"cvm_list":                 runCVMList,
	"expiry_check":             runExpiryCheck,
	"dol":                      runDOL,
}

func runKernelSteps(f *file) {
	f.vectors("vectors", byID, func(v *fields) {
		name := v.text("step")
		step := kernelSteps[name]
		switch {
		case !v.ok():
		case step == nil:
			v.fail("step", fmt.Sprintf("%q, which is not known here", name), "a step of a transaction")
		default:
			step(v)
		}
	})
}

// result compares how a step ended. terminate and card_error are one class.
func (e *fields) result(got string) {
	if want := e.oneOf("result", "ok", "card_blocked", "not_accepted", "try_again", "gpo_not_accepted", "oda_data_unusable", "terminate", "card_error"); want == "card_error" && got == "terminate" {
		got = want
	}
	e.sameText("result", got)
}

// runStep takes a transaction as far as its card answers and tells how it ended.
func runStep(card *scriptedCard, term emv.Terminal, cfg *emv.Config, txn emv.Transaction) (string, *emv.Session) {
	o, err := emv.Run(card, term, cfg, txn)
	switch {
	case errors.Is(err, errStop):
		return "ok", o.Session
	case err != nil:
		return err.Error(), o.Session
	case o.Result == emv.Terminated:
		return "terminate", o.Session
	}
	return o.Result.String(), o.Session
}

// runCandidateList is Book 1, 12.3: the list that is offered, or the one application that is selected without asking.
func runCandidateList(v *fields) {
	cfg := terminalOf()
	for _, a := range v.objects("terminal_aids") {
		cfg.Applications = append(cfg.Applications, emv.Application{AID: a.hex("aid"), Partial: a.flag("partial")})
	}
	card := &scriptedCard{check: v.check, exchanges: v.exchanges("exchanges")}
	e := v.object("expected")
	if !v.ok() {
		return
	}
	term := &terminal{}
	result, s := runStep(card, term, cfg, transactionOf())
	if term.asked != nil && result == emv.Cancelled.String() {
		result = "ok" // the list was made and offered
	}
	card.finished()
	e.result(result)
	var candidates []emv.Candidate
	if result == "ok" {
		candidates = s.Candidates()
	}
	var aids, labels []string
	var confirm []bool
	for _, c := range candidates {
		aids, labels, confirm = append(aids, fmt.Sprintf("%X", c.AID)), append(labels, c.Label), append(confirm, c.ConfirmationRequired)
	}
	e.sameTexts("candidates", aids)
	e.sameTexts("labels", labels)
	e.sameConfirmation(term.asked != nil, confirm)
}

// sameConfirmation compares whether the cardholder is asked, or, of a list, which applications want it.
func (e *fields) sameConfirmation(asked bool, each []bool) {
	const name = "cardholder_confirmation_required"
	m := e.v.members[name]
	if m == nil || m.kind != array {
		e.sameFlag(name, asked)
		return
	}
	e.read[name] = true
	e.compared++
	want := []bool{}
	for _, item := range m.items {
		if item.kind != boolean {
			e.fail(e.path+name, string(item.kind), string(boolean))
		}
		want = append(want, item.truth)
	}
	if fmt.Sprint(each) != fmt.Sprint(want) {
		e.fail(e.path+name, fmt.Sprint(each), fmt.Sprint(want))
	}
}

// runFinalSelect is Book 1, 12.4. The vector names the application in its command; it stands alone on the list if the list is to be
// empty without it.
func runFinalSelect(v *fields) {
	exchanges := v.exchanges("exchanges")
	e := v.object("expected")
	if len(exchanges) == 0 {
		v.fail("exchanges", "none", "a SELECT")
	}
	if !v.ok() {
		return
	}
	c, err := apdu.ParseCommand(exchanges[0].command)
	if err != nil || c.INS != apdu.InsSelect || len(c.Data) < 5 || len(c.Data) > 16 {
		v.fail("exchanges[0].command", showCommand(exchanges[0].command), "a SELECT with an AID")
		return
	}
	list := [][]byte{c.Data, otherAID}
	if e.text("result") == "not_accepted" {
		list = list[:1]
	}
	card := &scriptedCard{check: v.check, exchanges: append(directory(list...), exchanges...)}
	result, _ := runStep(card, &terminal{choice: c.Data}, terminalOf(list...), transactionOf())
	if next, err := apdu.ParseCommand(card.after); err == nil && next.INS == apdu.InsSelect {
		result = "try_again" // the next application of the list
	}
	card.finished()
	e.result(result)
}

// runProcessingOptions is Book 3, 10.1.
func runProcessingOptions(v *fields) {
	fci, exchanges := v.hex("fci"), v.exchanges("exchanges")
	e := v.object("expected")
	aid, pdol := readFCI(fci)
	if aid == nil {
		v.fail("fci", fmt.Sprintf("%X", fci), "an FCI with a DF name of 5 to 16 bytes")
	}
	cfg, txn := terminalOf(aid), transactionOf()
	data := v.object("data")
	for _, name := range data.v.names {
		value := data.hex(name)
		if tag := tagNamed(name); tlv.DOLHas(pdol, tag) { // others do not come into this
			if err := set(cfg, &cfg.Applications[0], &txn, tag, value); err != nil {
				v.fail("data."+name, err.Error(), "what a terminal can have")
			}
		}
	}
	if !v.ok() {
		return
	}
	card := &scriptedCard{check: v.check, exchanges: append(directory(aid), exchange{command: selectCommand(aid), response: ok(fci)})}
	card.exchanges = append(card.exchanges, exchanges...)
	s := v.session(card, &terminal{}, cfg, txn)
	if !v.selected(s) {
		return
	}
	accepted, err := s.InitiateApplicationProcessing()
	card.finished()
	switch {
	case err != nil:
		e.result(stepError(err))
	case !accepted:
		e.result("gpo_not_accepted")
		if n := len(s.Candidates()); n != 0 {
			v.fail("the candidate list", fmt.Sprintf("%d applications", n), "none: it is taken from the list")
		}
	default:
		e.result("ok")
	}
	e.same("aip", s.Data(tlv.ApplicationInterchangeProfile))
	e.same("afl", s.Data(tlv.ApplicationFileLocator))
}

// stepError is the result of a step that ended with an error which is not about the script.
func stepError(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errStop), errors.Is(err, errDiffers):
		return err.Error()
	}
	return "terminate"
}

// readFCI finds name and PDOL.
func readFCI(b []byte) (aid, pdol []byte) {
	v, err := tlv.Only(b, tlv.FCITemplate)
	if err != nil {
		return nil, nil
	}
	aid, _, err = tlv.Find(v, tlv.DedicatedFileName)
	if err != nil || len(aid) < 5 || len(aid) > 16 {
		return nil, nil
	}
	if inner, found, err := tlv.Find(v, tlv.FCIProprietaryTemplate); err == nil && found {
		pdol, _, _ = tlv.Find(inner, tlv.PDOL) // a template that is not in order is the kernel's to refuse
	}
	return aid, pdol
}

// tagNamed reads a tag; 0 for what is none.
func tagNamed(name string) tlv.Tag {
	var tag tlv.Tag
	if n, err := fmt.Sscanf(name, "%X", &tag); n != 1 || err != nil || fmt.Sprintf("%02X", tag) != name {
		return 0
	}
	return tag
}

// runReadApplicationData is Book 3, 10.2: the AFL comes in an answer of format 2, which takes any.
func runReadApplicationData(v *fields) {
	afl, exchanges := v.hex("afl"), v.exchanges("exchanges")
	e := v.object("expected")
	aid := otherAID
	if len(afl) > 200 {
		v.fail("afl", fmt.Sprintf("%d bytes", len(afl)), "at most 200")
	}
	if !v.ok() {
		return
	}
	card := &scriptedCard{check: v.check, exchanges: append(directory(aid), exchange{command: selectCommand(aid), response: ok(fciOf(aid))},
		exchange{command: noPDOL, response: ok(optionsOf([]byte{0, 0}, afl))})}
	before := len(card.exchanges)
	card.exchanges = append(card.exchanges, exchanges...)
	s := v.session(card, &terminal{}, terminalOf(aid), transactionOf())
	if !v.selected(s) {
		return
	}
	if accepted, err := s.InitiateApplicationProcessing(); err != nil || !accepted {
		v.fail("what leads up to the step", fmt.Sprint(err), "processing options")
		return
	}
	result := stepError(s.ReadApplicationData())
	if card.at < before {
		v.fail("what leads up to the step", fmt.Sprintf("%d commands", card.at), fmt.Sprint(before))
	}
	card.finished()
	if _, err := s.StaticData(); result == "ok" && err != nil {
		result = "oda_data_unusable"
	}
	e.result(result)
}

// counterCard gives what leads up to a step, then the counters of velocity checking.
type counterCard struct {
	scriptedCard
	counters  map[tlv.Tag][]byte // nil: the card does not have it
	failsWith []byte             // the answer to every GET DATA, if not nil
}

// Transmit answers GET DATA once the script is through.
func (c *counterCard) Transmit(command []byte) ([]byte, error) {
	if c.at < len(c.exchanges) || c.failed {
		return c.scriptedCard.Transmit(command)
	}
	p, err := apdu.ParseCommand(command)
	if err != nil || p.CLA != 0x80 || p.INS != apdu.InsGetData {
		return nil, fmt.Errorf("%w: %s", errStop, showCommand(command))
	}
	tag := tlv.Tag(p.P1)<<8 | tlv.Tag(p.P2)
	switch v := c.counters[tag]; {
	case c.failsWith != nil:
		return c.failsWith, nil
	case v != nil:
		return ok(tlv.Append(nil, tag, v)), nil
	}
	return []byte{0x6A, 0x88}, nil
}

// runRiskManagement is Book 3, 10.6.
func runRiskManagement(v *fields) {
	e := v.object("expected")
	number := "4761739001010119" // a published test number
	if v.has("pan") {
		number = string(bytes.TrimRight([]byte(v.text("pan")), "F"))
	}
	optional := func(name string, n int) []byte {
		if !v.has(name) {
			return nil
		}
		return v.hexN(name, n)
	}
	record := cardRecord(number, []byte{0x49, 0x12, 0x31}, tlv.LowerConsecutiveOfflineLimit, optional("lower_9F14", 1), tlv.UpperConsecutiveOfflineLimit, optional("upper_9F23", 1))
	cfg, txn := terminalOf(otherAID), transactionOf()
	cfg.Applications[0].FloorLimit = int64(uintOf(v.hexN("floor_limit_9F1B", 4)))
	txn.Amount = int64(uintOf(v.hexN("amount_81", 4)))
	if v.has("transaction_log") {
		log := v.transactionLog()
		txn.LoggedAmount = func(p pan.PAN, _ string) int64 { return log[p.Digits()] }
	}
	card := &counterCard{scriptedCard: upToRecord(v.check, record), failsWith: optional("get_data_fails_with", 2), counters: map[tlv.Tag][]byte{
		tlv.ApplicationTransactionCounter: optional("atc_9F36", 2), tlv.LastOnlineATCRegister: optional("last_online_atc_9F13", 2)}}
	if !v.ok() {
		return
	}
	s := v.readCard(card, cfg, txn)
	if s == nil {
		return
	}
	if err := s.TerminalRiskManagement(); err != nil {
		v.fail("terminal risk management", err.Error(), "its end")
		return
	}
	tvr, tsi := s.TVR(), s.TSI()
	e.same("tvr", tvr[:])
	e.same("tsi", tsi[:])
}

// transactionLog is the terminal's log: of each number the amount of the latest entry, which is the last one.
func (v *fields) transactionLog() map[string]int64 {
	log := map[string]int64{}
	for _, entry := range v.objects("transaction_log") {
		number := string(bytes.TrimRight([]byte(entry.text("pan")), "F"))
		switch {
		case entry.has("amount_81"):
			log[number] = int64(uintOf(entry.hexN("amount_81", 4)))
		case entry.has("amount_9F02"):
			n, decimal := bcd(entry.hexN("amount_9F02", 6))
			if !decimal {
				v.fail(entry.path+"amount_9F02", "no decimal digits", "an amount")
			}
			log[number] = n
		default:
			log[number] = entry.number("amount")
		}
	}
	return log
}

// cardRecord is a record with what is mandatory and, of pairs of tag and value, what is not nil.
func cardRecord(number string, expires []byte, pairs ...any) []byte {
	if len(number)%2 != 0 {
		number += "F"
	}
	digits := make([]byte, 0, 10)
	for i := 0; i+1 < len(number); i += 2 {
		digits = append(digits, nibble(number[i])<<4|nibble(number[i+1]))
	}
	b := tlv.Append(tlv.Append(nil, tlv.ApplicationPAN, digits), tlv.ApplicationExpirationDate, expires)
	dol := []byte{0x9F, 0x37, 4}
	b = tlv.Append(tlv.Append(b, tlv.CDOL1, dol), tlv.CDOL2, dol)
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := pairs[i+1].([]byte); value != nil {
			b = tlv.Append(b, pairs[i].(tlv.Tag), value)
		}
	}
	return tlv.Append(nil, tlv.READRECORDResponseMessageTemplate, b)
}

func nibble(c byte) byte {
	if c >= '0' && c <= '9' {
		return c - '0'
	}
	return 0x0F
}

// upToRecord is a card with one application and one record.
func upToRecord(c *check, record []byte) scriptedCard {
	return scriptedCard{check: c, exchanges: append(directory(otherAID), exchange{command: selectCommand(otherAID), response: ok(fciOf(otherAID))},
		exchange{command: noPDOL, response: ok(optionsOf([]byte{0, 0}, []byte{1 << 3, 1, 1, 0}))},
		exchange{command: readRecord(1, 1), response: ok(record)})}
}

// readCard takes a session through everything before the step.
func (v *fields) readCard(card apdu.Card, cfg *emv.Config, txn emv.Transaction) *emv.Session {
	s := v.session(card, &terminal{}, cfg, txn)
	if !v.selected(s) {
		return nil
	}
	accepted, err := s.InitiateApplicationProcessing()
	if err == nil && accepted {
		err = s.ReadApplicationData()
	}
	if err != nil || !accepted {
		v.fail("what leads up to the step", fmt.Sprint(err), "a card that was read")
		return nil
	}
	return s
}

// runExpiryCheck is Book 3, 10.4.3.
func runExpiryCheck(v *fields) {
	expires, day := v.hexN("expiry_date", 3), v.hexN("transaction_date", 3)
	e := v.object("expected")
	cfg, txn := terminalOf(otherAID), transactionOf()
	if err := set(cfg, &cfg.Applications[0], &txn, tlv.TransactionDate, day); err != nil {
		v.fail("transaction_date", err.Error(), "YYMMDD")
	}
	if !v.ok() {
		return
	}
	card := upToRecord(v.check, cardRecord("4761739001010119", expires))
	s := v.readCard(&card, cfg, txn)
	if s == nil {
		return
	}
	if err := s.ProcessingRestrictions(); err != nil {
		v.fail("processing restrictions", err.Error(), "their end")
		return
	}
	tvr := s.TVR()
	e.flag("expired") // must be there
	e.sameFlag("expired", tlv.TVRExpiredApplication.In(tvr[:]))
}

// runDOL is Book 3, 5.4.
func runDOL(v *fields) {
	dol := v.hex("dol")
	e := v.object("expected")
	values := map[tlv.Tag][]byte{}
	if v.has("data") {
		data := v.object("data")
		for _, name := range data.v.names {
			tag := tagNamed(name)
			if tag == 0 {
				v.fail("data."+name, "no tag", "a tag in capitals")
			}
			values[tag] = data.hex(name)
		}
	}
	if !v.ok() {
		return
	}
	got, err := tlv.FillDOL(nil, dol, func(tag tlv.Tag) []byte { return values[tag] })
	e.errorOr(err, "data", func() { e.same("data", got) })
}

// errorOr compares whether there is an error, and what there is without one.
func (e *fields) errorOr(err error, field string, compare func()) {
	switch wanted := e.has("error") && e.flag("error"); {
	case wanted != (err != nil):
		e.compared++
		e.fail(e.path+"error", fmt.Sprint(err), fmt.Sprintf("an error: %v", wanted))
	case wanted:
		e.compared++
	default:
		if !e.has(field) {
			e.fail(e.path+field, "nothing", "what comes of it")
		}
		compare()
	}
}

// runCVMList reads a CVM list (Book 3, 10.5).
func runCVMList(v *fields) {
	b := v.hex("cvm_list")
	e := v.object("expected")
	if !v.ok() {
		return
	}
	list, err := tlv.ParseCVMList(b)
	e.errorOr(err, "amount_x", func() {})
	if err != nil && len(b) >= 8 { // the amounts are there all the same
		list, _ = tlv.ParseCVMList(b[:8])
	}
	e.sameNumber("amount_x", list.X)
	e.sameNumber("amount_y", list.Y)
	rules := []string{}
	for i := 0; err == nil && i < list.Len(); i++ {
		r := list.Rule(i)
		rules = append(rules, fmt.Sprintf("%02X%02X", r.Code, r.Condition))
	}
	e.sameTexts("rules", rules)
	e.sameFlag("no_rules", err == nil && len(rules) == 0)
}
