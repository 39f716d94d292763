package emv

import (
	"bytes"
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// CardholderVerification walks the card's CVM list until a rule is met or a rule that has no successor is not (Book 3, 10.5;
// Book 4, 6.3.4). The TSI bit says that the list was processed, whatever came of it.
func (s *Session) CardholderVerification() error {
	s.cvmResults = cvmNotPerformed()
	if !tlv.AIPCardholderVerificationSupported.In(s.icc.get(tlv.ApplicationInterchangeProfile)) {
		s.decide(RuleCVMApplicable, "the card does not support cardholder verification")
		return nil
	}
	b := s.icc.get(tlv.CVMList)
	if b == nil {
		tlv.TVRICCDataMissing.Set(s.tvr[:]) // Book 3, 7.5
		s.decide(RuleCVMApplicable, "the card supports cardholder verification and has no CVM list")
		return nil
	}
	list, err := tlv.ParseCVMList(b)
	if err != nil {
		return terminate("%w", err)
	}
	if list.Len() == 0 {
		s.decide(RuleCVMApplicable, "the CVM list has no rules")
		return nil
	}
	if err := s.processCVMList(list); err != nil {
		return err
	}
	tlv.TSICardholderVerificationPerformed.Set(s.tsi[:])
	if s.traced() {
		s.decide(RuleCVMEnd, pick(tlv.TVRCVMFailed.In(s.tvr[:]), "cardholder verification was not successful", "a rule was met"), s.in(tlv.CVMResults))
	}
	return nil
}

// processCVMList sets CVM results and TVR. Results of a failure name the last method that was performed, or none
// (Book 4, 6.3.4.5): a method that is unknown or not supported was not performed.
func (s *Session) processCVMList(list tlv.CVMethods) error {
	s.cvmResults = [3]byte{cvmNone, 0, cvmFailed}
	for i := range list.Len() {
		r := list.Rule(i)
		if !s.conditionMet(list, r) {
			s.traceCVM(RuleCVMCondition, i, r, "condition not met") // the next rule, whatever the code says
			continue
		}
		if r.Method() == cvmFail {
			s.cvmResults = [3]byte{r.Code, r.Condition, cvmFailed}
			s.failCVM(i, r, "fails")
			return nil
		}
		met, err := s.applyCVM(r)
		if err != nil {
			return err
		}
		if met {
			s.traceCVM(RuleCVM, i, r, "met")
			return nil
		}
		if !r.Continues() {
			s.failCVM(i, r, "unsuccessful, no successor")
			return nil
		}
		s.traceCVM(RuleCVM, i, r, "unsuccessful, next rule")
	}
	tlv.TVRCVMFailed.Set(s.tvr[:])
	s.decide(RuleCVMEnd, "no rule is left")
	return nil
}

// conditionMet tells whether a rule applies (Book 3, C3). A condition that is not known, or whose data is missing, is not met.
func (s *Session) conditionMet(list tlv.CVMethods, r tlv.CVRule) bool {
	switch r.Condition {
	case 0x00: // always
		return true
	case 0x01: // unattended cash
		return s.isCash() && !s.attended()
	case 0x02: // neither cash nor cashback
		return !s.isCash() && !s.isCashback()
	case 0x03: // the terminal supports the method
		return s.supportsCVM(r.Method())
	case 0x04: // manual cash
		return s.isCash() && s.attended()
	case 0x05: // purchase with cashback
		return s.isCashback()
	}
	if r.Condition > 0x09 || !bytes.Equal(s.icc.get(tlv.ApplicationCurrencyCode), s.terminal.get(tlv.TransactionCurrencyCode)) {
		return false
	}
	switch r.Condition { // in the application currency; under and over are strict
	case 0x06:
		return s.txn.Amount < list.X
	case 0x07:
		return s.txn.Amount > list.X
	case 0x08:
		return s.txn.Amount < list.Y
	}
	return s.txn.Amount > list.Y
}

// supportsCVM reads terminal capabilities byte 2; a combination needs both parts.
func (s *Session) supportsCVM(method byte) bool {
	has := func(b tlv.Bit) bool { return b.In(s.cfg.Capabilities[:]) }
	switch method {
	case cvmFail:
		return true
	case cvmPlaintextPIN:
		return has(tlv.CapabilityOfflinePlaintextPIN)
	case cvmOnlinePIN:
		return has(tlv.CapabilityOnlinePIN)
	case cvmPlaintextPINSignature:
		return has(tlv.CapabilityOfflinePlaintextPIN) && has(tlv.CapabilitySignature)
	case cvmEncipheredPIN:
		return has(tlv.CapabilityOfflineEncipheredPIN)
	case cvmEncipheredPINSig:
		return has(tlv.CapabilityOfflineEncipheredPIN) && has(tlv.CapabilitySignature)
	case cvmSignature:
		return has(tlv.CapabilitySignature)
	case cvmNoCVM:
		return has(tlv.CapabilityNoCVM)
	}
	return false
}

// applyCVM performs one method and tells whether the rule is met. CVM results are set if it was performed.
func (s *Session) applyCVM(r tlv.CVRule) (bool, error) {
	switch r.Method() {
	case cvmPlaintextPIN, cvmPlaintextPINSignature, cvmEncipheredPIN, cvmEncipheredPINSig:
		return s.applyOfflinePIN(r)
	case cvmOnlinePIN:
		return s.onlinePIN(r)
	case cvmSignature:
		if s.supportsCVM(cvmSignature) {
			s.signature = true // whether it is the cardholder's shows on paper: unknown (Book 4, 6.3.4.5)
			s.cvmResults = [3]byte{r.Code, r.Condition, cvmUnknown}
			return true, nil
		}
		return false, nil
	case cvmNoCVM:
		if s.supportsCVM(cvmNoCVM) {
			s.cvmResults = [3]byte{r.Code, r.Condition, cvmSuccessful}
			return true, nil
		}
		return false, nil
	}
	tlv.TVRUnrecognisedCVM.Set(s.tvr[:])
	if s.traced() {
		s.decide(RuleCVM, fmt.Sprintf("method %02X is not known", r.Method()))
	}
	return false, nil
}

// applyOfflinePIN has the card verify a PIN, alone or together with a signature. Both parts of a combination must be supported
// before the first is performed. A PIN pad that turns out to be absent or broken is, as a PIN that is not entered, a method that was
// performed without success; what the terminal does not have at all was not performed. The book does not say so of the first.
func (s *Session) applyOfflinePIN(r tlv.CVRule) (bool, error) {
	enciphered := r.Method() == cvmEncipheredPIN || r.Method() == cvmEncipheredPINSig
	withSignature := r.Method() == cvmPlaintextPINSignature || r.Method() == cvmEncipheredPINSig
	if withSignature && !s.supportsCVM(cvmSignature) {
		s.decide(RuleOfflinePIN, "the terminal has no signature to go with the PIN")
		return false, nil
	}
	if !s.hasOfflinePIN(enciphered) {
		return s.pinFails(tlv.TVRPINPadNotPresent, "the terminal has no offline PIN of this kind")
	}
	right, err := s.offlinePIN(enciphered)
	if err != nil {
		return false, err
	}
	result := byte(cvmSuccessful)
	switch {
	case !right:
		result = cvmFailed
	case withSignature: // whose signature it is, nobody here knows: the whole is unknown
		s.signature = true
		result = cvmUnknown
	}
	s.cvmResults = [3]byte{r.Code, r.Condition, result}
	return right, nil
}

// onlinePIN has a PIN entered for the issuer (10.5.2). Whether it is right nobody here knows: the result is unknown.
func (s *Session) onlinePIN(r tlv.CVRule) (bool, error) {
	if !s.supportsCVM(cvmOnlinePIN) {
		tlv.TVRPINPadNotPresent.Set(s.tvr[:])
		s.decide(RuleOnlinePIN, "the terminal has no online PIN")
		return false, nil
	}
	entry := PINBypassed // bypassed once is bypassed for the transaction (Book 4, 6.3.4.3)
	if !tlv.TVRPINNotEntered.In(s.tvr[:]) {
		var err error
		if entry, err = s.term.EnterPIN(s); err != nil {
			return false, fmt.Errorf("emv: enter PIN: %w", err)
		}
	}
	switch entry {
	case PINEntered:
		tlv.TVROnlineCVMCaptured.Set(s.tvr[:])
		s.decide(RuleOnlinePIN, "a PIN was entered for the issuer")
		s.cvmResults = [3]byte{r.Code, r.Condition, cvmUnknown}
		return true, nil
	case PINBypassed:
		tlv.TVRPINNotEntered.Set(s.tvr[:])
		s.decide(RuleOnlinePIN, "PIN entry was bypassed")
	case PINPadAbsent:
		tlv.TVRPINPadNotPresent.Set(s.tvr[:])
		s.decide(RuleOnlinePIN, "no PIN pad, or it does not work")
	default:
		return false, fmt.Errorf("emv: enter PIN: unknown entry %d", entry)
	}
	s.cvmResults = [3]byte{r.Code, r.Condition, cvmFailed}
	return false, nil
}

func (s *Session) failCVM(i int, r tlv.CVRule, what string) {
	tlv.TVRCVMFailed.Set(s.tvr[:])
	s.traceCVM(RuleCVM, i, r, what)
}

func (s *Session) traceCVM(rule Rule, i int, r tlv.CVRule, what string) {
	if s.traced() {
		s.decide(rule, fmt.Sprintf("rule %d, %s, condition %02X: %s", i+1, r.MethodName(), r.Condition, what), about("rule", "%02X%02X", r.Code, r.Condition))
	}
}
