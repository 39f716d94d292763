package dialect

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a message is about, whatever numbers a dialect writes for it. A reversal has the kind of what it reverses.
type Kind byte

// The kinds. KindNone is what a message has whose numbers the dialect does not know together, and an answer that does not
// say: who gets it knows what was asked.
const (
	KindNone Kind = iota

	KindSale             // goods and services
	KindCashBack         // a sale and cash with it: AmountTransaction is the sum, CashBackAmount the cash
	KindMOTOSale         // a sale by mail or telephone: no card is there
	KindInstalment       // a sale that the cardholder pays in parts
	KindQRSale           // a sale from a scanned code
	KindQRQuery          // what became of a KindQRSale; changes nothing
	KindQRCancel         // undoes a KindQRSale that may have happened
	KindVoid             // undoes a sale of the same batch
	KindRefund           // gives back a sale, or a part of it, later
	KindPreAuth          // holds an amount
	KindMOTOPreAuth      // the same, by mail or telephone
	KindPreAuthVoid      // releases what is held
	KindCompletion       // takes what is held, or less, or up to 15 % more: asked
	KindCompletionAdvice // the same: told
	KindCompletionVoid   // undoes a completion: the amount is held again
	KindBalance          // asks what can be spent
	KindOfflineSale      // a sale that the card approved alone: told
	KindTipAdjust        // replaces the amount of a sale by one with a tip: told
	KindScriptResult     // what a card did with its issuer's script: told

	KindSettlement // closes a batch: totals
	KindUpload     // lines of a batch whose totals differ
	KindUploadEnd  // the last of them: the batch is closed
	KindSignature  // the cardholder's signature as a picture

	KindSignOn
	KindSignOff
	KindEcho
	KindStatus        // the terminal's state is told
	KindParameters    // the terminal's parameters are asked for
	KindParametersEnd // they have come
	KindCAKeyList     // which CA public keys there are
	KindCAKey         // one of them
	KindCAKeysEnd     // they have come
	KindAIDList       // which applications there are
	KindAID           // the parameters of one of them
	KindAIDsEnd       // they have come

	KindForcedSale // a sale that was authorised otherwise, by telephone for instance: told
	KindAdjustment // replaces the amount of a sale: told

	KindTMSParameters         // the terminal management's parameters are asked for
	KindTMSParametersEnd      // they have come
	KindContactlessParameters // those of contactless cards
	KindContactlessEnd        // they have come
	KindBINBlacklist          // the issuers whose cards are refused
	KindBINBlacklistEnd       // they have come
	KindPINFreeBINs           // the issuers whose cards need no PIN for small amounts
	KindPINFreeBINsEnd        // they have come
	KindPINFreeBlacklist      // those of them that need one
	KindPINFreeBlacklistEnd   // they have come
	kinds
)

// kindFacts is what is known about a kind.
type kindFacts struct {
	name     string
	advice   bool // it has happened: it is repeated until it is answered, and never reversed
	reversed bool // when its outcome is unknown, it is reversed
	original bool // it names another transaction
}

var kindTable = [kinds]kindFacts{
	KindNone:             {name: "none"},
	KindSale:             {name: "sale", reversed: true},
	KindCashBack:         {name: "cash-back", reversed: true},
	KindMOTOSale:         {name: "moto-sale", reversed: true},
	KindInstalment:       {name: "instalment", reversed: true},
	KindQRSale:           {name: "qr-sale"},
	KindQRQuery:          {name: "qr-query", original: true},
	KindQRCancel:         {name: "qr-cancel", advice: true, original: true},
	KindVoid:             {name: "void", reversed: true, original: true},
	KindRefund:           {name: "refund", advice: true, original: true},
	KindPreAuth:          {name: "pre-auth", reversed: true},
	KindMOTOPreAuth:      {name: "moto-pre-auth", reversed: true},
	KindPreAuthVoid:      {name: "pre-auth-void", reversed: true, original: true},
	KindCompletion:       {name: "completion", reversed: true, original: true},
	KindCompletionAdvice: {name: "completion-advice", advice: true, original: true},
	KindCompletionVoid:   {name: "completion-void", reversed: true, original: true},
	KindBalance:          {name: "balance"},
	KindOfflineSale:      {name: "offline-sale", advice: true},
	KindTipAdjust:        {name: "tip-adjust", advice: true, original: true},
	KindScriptResult:     {name: "script-result", original: true},
	KindSettlement:       {name: "settlement"},
	KindUpload:           {name: "upload"},
	KindUploadEnd:        {name: "upload-end"},
	KindSignature:        {name: "signature", original: true},
	KindSignOn:           {name: "sign-on"},
	KindSignOff:          {name: "sign-off"},
	KindEcho:             {name: "echo"},
	KindStatus:           {name: "status"},
	KindParameters:       {name: "parameters"},
	KindParametersEnd:    {name: "parameters-end"},
	KindCAKeyList:        {name: "ca-key-list"},
	KindCAKey:            {name: "ca-key"},
	KindCAKeysEnd:        {name: "ca-keys-end"},
	KindAIDList:          {name: "aid-list"},
	KindAID:              {name: "aid"},
	KindAIDsEnd:          {name: "aids-end"},
	KindForcedSale:       {name: "forced-sale", advice: true, original: true},
	KindAdjustment:       {name: "adjustment", advice: true, original: true},

	KindTMSParameters:         {name: "tms-parameters"},
	KindTMSParametersEnd:      {name: "tms-parameters-end"},
	KindContactlessParameters: {name: "contactless-parameters"},
	KindContactlessEnd:        {name: "contactless-parameters-end"},
	KindBINBlacklist:          {name: "bin-blacklist"},
	KindBINBlacklistEnd:       {name: "bin-blacklist-end"},
	KindPINFreeBINs:           {name: "pin-free-bins"},
	KindPINFreeBINsEnd:        {name: "pin-free-bins-end"},
	KindPINFreeBlacklist:      {name: "pin-free-blacklist"},
	KindPINFreeBlacklistEnd:   {name: "pin-free-blacklist-end"},
}

func (k Kind) known() *kindFacts {
	if k >= kinds {
		return &kindTable[KindNone]
	}
	return &kindTable[k]
}

// String is the kind's name: "pre-auth-void".
func (k Kind) String() string { return k.known().name }

// Advice tells whether such a message says what has happened already: it is repeated until it is answered, with the same
// STAN, and never reversed.
func (k Kind) Advice() bool { return k.known().advice }

// Reversible tells whether such a message is reversed when nobody knows what became of it.
func (k Kind) Reversible() bool { return k.known().reversed }

// NamesOriginal tells whether such a message names another transaction (Message.Original, or its DE 37).
func (k Kind) NamesOriginal() bool { return k.known().original }

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKind(string(b))
	return err
}

// ParseKind reads a kind's name. An unknown one is an error that lists the names.
func ParseKind(s string) (Kind, error) {
	var names []string
	for k := range kinds {
		if k.String() == s {
			return k, nil
		}
		names = append(names, k.String())
	}
	return KindNone, fmt.Errorf("dialect: kind %q: want one of %s", s, strings.Join(names, ", "))
}

// Form is the numbers by which a dialect writes a kind. Empty: the data element is not part of them.
type Form struct {
	Kind                  Kind
	MTI                   string // of the first request; its answer and repeat follow from it
	ProcessingCode        string // DE 3
	POSConditionCode      string // DE 25
	MessageTypeCode       string // cup: 60.1
	NetworkManagementCode string // cup: 60.3; iso87: DE 60 or DE 70

	Variant    bool // one of several of its kind: NetworkManagementCode chooses
	AsOriginal bool // DE 3 and DE 25, and 60.1 if it is empty here, are those of the transaction it is about
	Scanned    bool // it begins with a scanned code; tells it from another kind of the same numbers
}

// Form returns the numbers of a kind, and whether the dialect has that kind at all. Of more than one it is the usual one.
func (d *Dialect) Form(k Kind) (Form, bool) {
	for i := range d.forms {
		if d.forms[i].Kind == k {
			return d.forms[i].Form, true
		}
	}
	return Form{}, false
}

// Forms are the numbers of all kinds, in the order of the dialect's document. The slice is the caller's.
func (d *Dialect) Forms() []Form { return slices.Clone(d.kinds) }

// formFor is the form that Shape gives m: of the variants of m's kind the one of m's network management code, else the usual one.
func (d *Dialect) formFor(m *Message) (Form, bool) {
	for i := range d.forms {
		if f := &d.forms[i]; f.Variant && f.Kind == m.Kind && f.NetworkManagementCode == m.NetworkManagementCode {
			return f.Form, true
		}
	}
	return d.Form(m.Kind)
}

// written is a Form and the MTIs that follow from its own.
type written struct {
	Form
	answer, repeat string
}

// Shape gives m the numbers of its Kind in this dialect: MTI, ProcessingCode, POSConditionCode, MessageTypeCode,
// NetworkManagementCode. A reversal keeps its own class, and an answer or a repeat stays one. A message without a kind stays
// as it is, and so does one of a kind that the dialect does not have, which is an error.
//
// Between two hosts it makes of one dialect's message the other's.
func (d *Dialect) Shape(m *Message) error {
	if m.Kind == KindNone {
		return nil
	}
	f, ok := d.formFor(m)
	if !ok {
		return fmt.Errorf("dialect: %s has no %v", d.name, m.Kind)
	}
	if !f.AsOriginal {
		m.ProcessingCode, m.POSConditionCode = f.ProcessingCode, f.POSConditionCode
	}
	if !f.AsOriginal || f.MessageTypeCode != "" {
		m.MessageTypeCode = f.MessageTypeCode
	}
	m.NetworkManagementCode = f.NetworkManagementCode
	answer, repeat := IsAnswer(m.MTI), IsRepeat(m.MTI)
	if Class(m.MTI) != ClassReversal {
		m.MTI = f.MTI
		if answer {
			m.MTI = Response(f.MTI)
		}
	}
	if repeat && !answer {
		m.MTI = d.Repeat(m.MTI)
	}
	if d.shape != nil {
		d.shape(d, m)
	}
	return nil
}

// Repeat is the MTI of the repeat of a request: its last digit is 1, where the dialect knows that (0220 -> 0221); else the
// same again.
func (d *Dialect) Repeat(mti string) string {
	if !wellFormed(mti) {
		return mti
	}
	first := mti[:3] + "0"
	if repeat := mti[:3] + "1"; slices.Contains(d.mtis, repeat) {
		return repeat
	}
	return first
}

// kindOf finds the kind of a message that was read by its numbers; KindNone if nothing fits, or more than one thing does.
// What an answer leaves out contradicts nothing.
func (d *Dialect) kindOf(m *Message) Kind {
	var found *written
	reversal := Class(m.MTI) == ClassReversal
	fits := func(want, got string) bool { return got == "" || want == got }
	for i := range d.forms {
		f := &d.forms[i]
		if reversal && (f.AsOriginal || !f.Kind.Reversible()) || !reversal && m.MTI != f.MTI && m.MTI != f.answer && m.MTI != f.repeat {
			continue
		}
		if !fits(f.MessageTypeCode, m.MessageTypeCode) && !(f.AsOriginal && f.MessageTypeCode == "") || !fits(f.NetworkManagementCode, m.NetworkManagementCode) {
			continue
		}
		if !f.AsOriginal && (!fits(f.ProcessingCode, m.ProcessingCode) || !fits(f.POSConditionCode, m.POSConditionCode)) {
			continue
		}
		switch {
		case found == nil || found.Kind == f.Kind:
			found = f
		case found.Scanned == f.Scanned:
			return KindNone
		case f.Scanned == m.scanned():
			found = f
		}
	}
	if found == nil {
		return KindNone
	}
	return found.Kind
}

// scanned tells whether m is about a code instead of a card.
func (m *Message) scanned() bool {
	return m.CodeScanned != "" || m.VoucherNumber != "" || len(m.POSEntryMode) == 4 && m.POSEntryMode[1:3] == entryModeCode
}
