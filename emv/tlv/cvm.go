package tlv

import (
	"encoding/binary"
	"fmt"
)

// CVMethods is a CVM List, tag 8E (EMV Book 3, 10.5): two amounts in minor units of the application currency, then rules.
type CVMethods struct {
	X, Y  int64
	rules []byte
}

// ParseCVMList reads the value of tag 8E. The list keeps a part of b. A list without rules is one; a half of a rule is not.
func ParseCVMList(b []byte) (CVMethods, error) {
	if len(b) < 8 {
		return CVMethods{}, fmt.Errorf("tlv: CVM list 8E: offset %d: ends: want amounts X and Y of 4 bytes each, and rules of 2 bytes", len(b))
	}
	if len(b)%2 != 0 {
		return CVMethods{}, fmt.Errorf("tlv: CVM list 8E: offset %d: ends in the middle of a rule: want 2 bytes", len(b))
	}
	return CVMethods{int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:])), b[8:]}, nil
}

// Len is the number of rules.
func (l CVMethods) Len() int { return len(l.rules) / 2 }

// Rule is a rule of the list, counted from 0.
func (l CVMethods) Rule(i int) CVRule { return CVRule{l.rules[2*i], l.rules[2*i+1]} }

// CVRule is a cardholder verification rule: the CVM code, which holds the method and how to go on, and the condition
// (EMV Book 3, C3). CVM results begin with one as well.
type CVRule struct{ Code, Condition byte }

// Method is the code without the bits that say how to go on.
func (r CVRule) Method() byte { return r.Code & 0x3F }

// Continues tells whether the next rule applies if this one is unsuccessful.
func (r CVRule) Continues() bool { return r.Code&0x40 != 0 }

// MethodName is the book's name of the method.
func (r CVRule) MethodName() string {
	switch m := r.Method(); {
	case m == 0x1E:
		return "Signature"
	case m == 0x1F:
		return "No CVM required"
	case m == 0x3F:
		return "No CVM performed" // of CVM results; a rule cannot have it
	case int(m) < len(methodNames):
		return methodNames[m]
	case m >= 0x20 && m <= 0x2F:
		return "Reserved for use by the individual payment systems"
	case m >= 0x30:
		return "Reserved for use by the issuer"
	}
	return "Reserved for future use"
}

// methodNames are the methods 00 to 0F of EMV Book 3, C3.
var methodNames = [...]string{
	"Fail CVM processing", "Plaintext PIN verification performed by ICC", "Enciphered PIN verified online",
	"Plaintext PIN verification performed by ICC and signature", "Enciphered PIN verification performed by ICC",
	"Enciphered PIN verification performed by ICC and signature",
	"Facial biometric verified offline (by ICC)", "Facial biometric verified online",
	"Finger biometric verified offline (by ICC)", "Finger biometric verified online",
	"Palm biometric verified offline (by ICC)", "Palm biometric verified online",
	"Iris biometric verified offline (by ICC)", "Iris biometric verified online",
	"Voice biometric verified offline (by ICC)", "Voice biometric verified online",
}

// ConditionName is the book's name of the condition.
func (r CVRule) ConditionName() string {
	switch c := r.Condition; {
	case int(c) < len(conditionNames):
		return conditionNames[c]
	case c >= 0x80:
		return "Reserved for use by individual payment systems"
	}
	return "Reserved for future use"
}

// conditionNames are the conditions 00 to 09 of EMV Book 3, C3.
var conditionNames = [...]string{
	"Always", "If unattended cash", "If not unattended cash and not manual cash and not purchase with cashback",
	"If terminal supports the CVM", "If manual cash", "If purchase with cashback",
	"If transaction is in the application currency and is under X value",
	"If transaction is in the application currency and is over X value",
	"If transaction is in the application currency and is under Y value",
	"If transaction is in the application currency and is over Y value",
}

// Unsuccessful says what happens if the rule is unsuccessful.
func (r CVRule) Unsuccessful() string {
	switch {
	case r.Method() == 0:
		return "Fail cardholder verification"
	case r.Continues():
		return "Apply succeeding CV Rule if this CVM is unsuccessful"
	}
	return "Fail cardholder verification if this CVM is unsuccessful"
}

// CVMResultName is the book's name of the third byte of CVM results, tag 9F34 (EMV Book 4, A4).
func CVMResultName(b byte) string {
	switch b {
	case 0:
		return "Unknown"
	case 1:
		return "Failed"
	case 2:
		return "Successful"
	}
	return "Reserved for future use"
}
