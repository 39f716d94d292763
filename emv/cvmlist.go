package emv

import (
	"fmt"

	"github.com/posim/posim/emv/tlv"
)

// cvmList is tag 8E (Book 3, 10.5): two amounts in the application currency, then rules of two bytes.
type cvmList struct {
	x, y  int64 // minor units of the application currency
	rules []byte
}

func parseCVMList(b []byte) (cvmList, error) {
	list, err := tlv.ParseCVMList(b)
	if err != nil {
		return cvmList{}, err
	}
	return cvmList{list.X, list.Y, b[8:]}, nil
}

// cvmRule is one rule of the list (Book 3, C3).
type cvmRule struct{ code, condition byte }

func (l cvmList) count() int         { return len(l.rules) / 2 }
func (l cvmList) rule(i int) cvmRule { return cvmRule{l.rules[2*i], l.rules[2*i+1]} }

// method is the code without the bit that says how to go on.
func (r cvmRule) method() byte { return r.code & 0x3F }

// continues tells whether the next rule applies if this one is unsuccessful.
func (r cvmRule) continues() bool { return r.code&0x40 != 0 }

// Methods of cardholder verification (Book 3, C3).
const (
	cvmFail                  = 0x00
	cvmPlaintextPIN          = 0x01
	cvmOnlinePIN             = 0x02
	cvmPlaintextPINSignature = 0x03
	cvmEncipheredPIN         = 0x04
	cvmEncipheredPINSig      = 0x05
	cvmSignature             = 0x1E
	cvmNoCVM                 = 0x1F
	cvmNone                  = 0x3F // of CVM results: no CVM performed
)

// Results of cardholder verification, byte 3 of tag 9F34 (Book 4, A4).
const (
	cvmUnknown    = 0x00
	cvmFailed     = 0x01
	cvmSuccessful = 0x02
)

// cvmNotPerformed is tag 9F34 where there was no cardholder verification.
func cvmNotPerformed() [3]byte { return [3]byte{cvmNone, 0, 0} }

// cvmName is the method's name for the trace.
func cvmName(method byte) string {
	switch method {
	case cvmFail:
		return "fail CVM processing"
	case cvmPlaintextPIN:
		return "plaintext offline PIN"
	case cvmOnlinePIN:
		return "online PIN"
	case cvmPlaintextPINSignature:
		return "plaintext offline PIN and signature"
	case cvmEncipheredPIN:
		return "enciphered offline PIN"
	case cvmEncipheredPINSig:
		return "enciphered offline PIN and signature"
	case cvmSignature:
		return "signature"
	case cvmNoCVM:
		return "no CVM required"
	}
	return fmt.Sprintf("unknown method %02X", method)
}
