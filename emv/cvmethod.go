package emv

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
