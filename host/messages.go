package host

import (
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// Response codes (DE 39). The package comment says when each is used.
const (
	codeApproved           = "00"
	codeInvalidMerchant    = "03"
	codeDoNotHonour        = "05"
	codeInvalidTransaction = "12"
	codeInvalidAmount      = "13"
	codeUnknownCard        = "14"
	codeNoOriginal         = "25"
	codeFormat             = "30"
	codeLost               = "41"
	codeStolen             = "43"
	codeFunds              = "51"
	codeExpired            = "54"
	codeWrongPIN           = "55"
	codeRestricted         = "62"
	codeNoAnswer           = "68"
	codePINTries           = "75"
	codeIssuerInoperative  = "91"
	codeDuplicate          = "94"
	codeSystem             = "96"
	codeBadMAC             = "A0"
)

// AnswerOwn takes back an answer that an account was ordered to have.
const AnswerOwn = "own"

// Declines tells whether code can stand in DE 39 and is no approval.
func Declines(code string) bool {
	if len(code) != 2 || dialect.Approves(code) {
		return false
	}
	for i := range 2 {
		if !(code[i] >= '0' && code[i] <= '9' || code[i] >= 'A' && code[i] <= 'Z') {
			return false
		}
	}
	return true
}

// answerTo answers m from m alone: a refusal, or the acknowledgement of what keeps no answer.
func answerTo(m *dialect.Message, code string) *dialect.Message {
	return &dialect.Message{
		MTI:                                dialect.Response(m.MTI),
		Kind:                               m.Kind,
		BatchNumber:                        m.BatchNumber,
		ProcessingCode:                     m.ProcessingCode,
		AmountTransaction:                  m.AmountTransaction,
		HasAmount:                          m.HasAmount,
		SystemsTraceAuditNumber:            m.SystemsTraceAuditNumber,
		TimeLocalTransaction:               m.TimeLocalTransaction,
		DateLocalTransaction:               m.DateLocalTransaction,
		RetrievalReferenceNumber:           m.RetrievalReferenceNumber,
		ResponseCode:                       code,
		CardAcceptorTerminalIdentification: m.CardAcceptorTerminalIdentification,
		CardAcceptorIdentificationCode:     m.CardAcceptorIdentificationCode,
		CurrencyCodeTransaction:            m.CurrencyCodeTransaction,
		NetworkManagementCode:              m.NetworkManagementCode,
	}
}

// message is what every message about a transaction carries.
func (t *Transaction) message(mti string) *dialect.Message {
	m := &dialect.Message{
		MTI:                                mti,
		BatchNumber:                        t.Key.Batch,
		ProcessingCode:                     t.ProcessingCode,
		SystemsTraceAuditNumber:            t.Key.STAN,
		TimeLocalTransaction:               t.Key.Time,
		DateLocalTransaction:               t.Key.Date,
		RetrievalReferenceNumber:           t.RetrievalReferenceNumber,
		CardAcceptorTerminalIdentification: t.Key.TID,
		CardAcceptorIdentificationCode:     t.Key.MID,
		CurrencyCodeTransaction:            t.Currency,
	}
	m.SetAmount(t.Amount)
	return m
}

// stored is the answer that a decided transaction keeps: the same one to every duplicate.
func (t *Transaction) stored() *dialect.Message {
	mti := "0210"
	if t.Function == Advice {
		mti = "0230"
	}
	m := t.message(mti)
	m.ResponseCode = t.ResponseCode
	m.ICCSystemRelatedData = t.AnswerICC
	if t.ResponseCode == codeApproved {
		m.AuthorizationIDResponse = t.AuthorizationIDResponse
	}
	return m
}

// refusal of a request whose transaction is reversed, or was before it came.
func (t *Transaction) late(mti string) *dialect.Message {
	m := t.message(mti)
	m.ResponseCode = codeNoOriginal
	return m
}

// cardNumber takes the number from DE 2 or else from track 2; the zero PAN if there is none.
func cardNumber(m *dialect.Message) pan.PAN {
	if !m.PrimaryAccountNumber.IsZero() {
		return m.PrimaryAccountNumber
	}
	for i := 0; i < len(m.Track2Data); i++ {
		if c := m.Track2Data[i]; c == '=' || c == 'D' {
			p, err := pan.Parse(m.Track2Data[:i])
			if err != nil {
				return pan.PAN{}
			}
			return p
		}
	}
	return pan.PAN{}
}

// opening reads a request or advice into the transaction that it would open. code is not empty when it is malformed; no
// field of the message is then to be relied on.
func (d *desk) opening(m *dialect.Message, f Function) (t Transaction, number pan.PAN, code string) {
	number = cardNumber(m)
	t = Transaction{
		Key: m.Key(), Function: f, ProcessingCode: m.ProcessingCode, Amount: m.AmountTransaction,
		Currency: m.CurrencyCodeTransaction, POSEntryMode: m.POSEntryMode, Card: number.Masked(),
		RetrievalReferenceNumber: m.RetrievalReferenceNumber, BusinessDate: d.book.businessDate(d.now),
	}
	switch {
	case !whole(t.Key) || !m.HasAmount || t.ProcessingCode == "" || t.Currency == "" || number.IsZero():
		return t, number, codeFormat
	case t.Amount <= 0:
		return t, number, codeInvalidAmount
	case len(m.ICCSystemRelatedData) > 0 && tlv.Check(m.ICCSystemRelatedData) != nil:
		return t, number, codeFormat
	}
	var err error
	if t.Token, err = d.token(number, m.ICCSystemRelatedData); err != nil {
		return t, number, codeSystem
	}
	return t, number, ""
}

// whole tells whether every part of the identity is there.
func whole(k dialect.Key) bool {
	return k.MID != "" && k.TID != "" && k.STAN != "" && (k.Batch != "" || k.Date != "" && k.Time != "")
}
