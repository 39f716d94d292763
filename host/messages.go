package host

import (
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/transport/dialect"
)

// Response codes (DE 39). The package comment says when each is used.
const (
	codeApproved           = "00"
	codePartiallyApproved  = "10"
	codeInvalidMerchant    = "03"
	codeDoNotHonour        = "05"
	codeInvalidTransaction = "12"
	codeInvalidAmount      = "13"
	codeUnknownCard        = "14"
	codeInProgress         = "09"
	codeNoOriginal         = "25"
	codeFormat             = "30"
	codeLost               = "41"
	codeStolen             = "43"
	codeFunds              = "51"
	codeExpired            = "54"
	codeWrongPIN           = "55"
	codeRestricted         = "62"
	codeAmountLimit        = "61"
	codeCountLimit         = "65"
	codeOriginalAmount     = "64"
	codeNoAnswer           = "68"
	codePINTries           = "75"
	codeIssuerInoperative  = "91"
	codeDuplicate          = "94"
	codeTerminal           = "58"
	codeBatch              = "77"
	codeReconcile          = "95"
	codeUnknownTerminal    = "97"
	codeUnsupported        = "40"
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
		Kind:                               t.Kind,
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
	if t.Key.Batch != "" { // the terminal's clock is no part of the identity, and the host tells it the time
		m.TimeLocalTransaction, m.DateLocalTransaction = t.HostTime, t.HostDate
	}
	if t.Kind != dialect.KindBalance {
		m.SetAmount(t.Amount)
	}
	return m
}

// stored is the answer that a decided transaction keeps: the same one to every duplicate.
func (t *Transaction) stored() *dialect.Message {
	m := t.message(dialect.Response(t.asked()))
	m.ResponseCode = t.ResponseCode
	m.DateSettlement = t.hostDate()
	m.ICCSystemRelatedData = t.AnswerICC
	if dialect.Approves(t.ResponseCode) {
		m.AuthorizationIDResponse = t.AuthorizationIDResponse
		m.AdditionalAmounts = t.AdditionalAmounts
	}
	if t.ApprovedAmount > 0 {
		m.SetAmount(t.ApprovedAmount)
	}
	return m
}

// refusal of a request whose transaction is reversed, or was before it came.
func (t *Transaction) late() *dialect.Message {
	m := t.message(dialect.Response(t.asked()))
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
func (d *desk) opening(m *dialect.Message, k dialect.Kind) (t Transaction, number pan.PAN, code string) {
	number = cardNumber(m)
	t = Transaction{
		Key: m.Key(), Kind: k, Function: functionOf(k), ProcessingCode: m.ProcessingCode, Amount: m.AmountTransaction,
		Currency: m.CurrencyCodeTransaction, POSEntryMode: m.POSEntryMode, Card: number.Masked(), Partial: m.TakesPart(),
		RetrievalReferenceNumber: m.RetrievalReferenceNumber, BusinessDate: d.book.businessDate(d.now),
	}
	if t.Key.Batch != "" {
		t.HostTime, t.HostDate = m.TimeLocalTransaction, m.DateLocalTransaction
	}
	payer := number.Digits()
	if k == dialect.KindQRSale {
		payer = m.CodeScanned
	}
	switch {
	case !whole(t.Key) || t.ProcessingCode == "" || t.Currency == "" || payer == "" && !depends(k) && k != dialect.KindQRCancel:
		return t, number, codeFormat
	case !m.HasAmount && k != dialect.KindBalance:
		return t, number, codeFormat
	case (t.Amount <= 0) != (k == dialect.KindBalance) || m.CashBackAmount < 0 || m.CashBackAmount > t.Amount:
		return t, number, codeInvalidAmount
	case len(m.ICCSystemRelatedData) > 0 && tlv.Check(m.ICCSystemRelatedData) != nil:
		return t, number, codeFormat
	}
	if payer == "" {
		return t, number, ""
	}
	var err error
	if t.Token, err = d.token(payer, m.ICCSystemRelatedData); err != nil {
		return t, number, codeSystem
	}
	return t, number, ""
}

// whole tells whether every part of the identity is there.
func whole(k dialect.Key) bool {
	return k.MID != "" && k.TID != "" && k.STAN != "" && (k.Batch != "" || k.Date != "" && k.Time != "")
}
