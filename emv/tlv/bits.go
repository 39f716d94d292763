package tlv

// Bit is one bit of a data element that is made of bits: the number of its byte, counted from 1 as the books do, in the high
// byte, and its mask in the low byte.
type Bit uint16

// In tells whether the bit is set in v. In a value too short it is clear.
func (b Bit) In(v []byte) bool {
	i := int(b>>8) - 1
	return i >= 0 && i < len(v) && v[i]&byte(b) != 0
}

// Set sets the bit in v. A value too short is a caller's bug and panics.
func (b Bit) Set(v []byte) { v[b>>8-1] |= byte(b) }

// Terminal Verification Results, tag 95 (EMV Book 3, C5).
const (
	TVROfflineDataAuthenticationNotPerformed Bit = 0x180
	TVRSDAFailed                             Bit = 0x140
	TVRICCDataMissing                        Bit = 0x120
	TVRCardOnExceptionFile                   Bit = 0x110
	TVRDDAFailed                             Bit = 0x108
	TVRCDAFailed                             Bit = 0x104
	TVRSDASelected                           Bit = 0x102
	TVRXDASelected                           Bit = 0x101
	TVRApplicationVersionsDiffer             Bit = 0x280
	TVRExpiredApplication                    Bit = 0x240
	TVRApplicationNotYetEffective            Bit = 0x220
	TVRServiceNotAllowed                     Bit = 0x210
	TVRNewCard                               Bit = 0x208
	TVRCVMFailed                             Bit = 0x380
	TVRUnrecognisedCVM                       Bit = 0x340
	TVRPINTryLimitExceeded                   Bit = 0x320
	TVRPINPadNotPresent                      Bit = 0x310 // PIN entry required and PIN pad not present or not working
	TVRPINNotEntered                         Bit = 0x308 // PIN entry required, PIN pad present, but PIN was not entered
	TVROnlineCVMCaptured                     Bit = 0x304 // up to EMV 4.3: online PIN entered
	TVRFloorLimitExceeded                    Bit = 0x480
	TVRLowerConsecutiveOfflineLimitExceeded  Bit = 0x440
	TVRUpperConsecutiveOfflineLimitExceeded  Bit = 0x420
	TVRSelectedRandomlyForOnline             Bit = 0x410
	TVRMerchantForcedOnline                  Bit = 0x408
	TVRXDAFailed                             Bit = 0x401
	TVRDefaultTDOLUsed                       Bit = 0x580
	TVRIssuerAuthenticationFailed            Bit = 0x540
	TVRScriptFailedBeforeFinalGenerateAC     Bit = 0x520
	TVRScriptFailedAfterFinalGenerateAC      Bit = 0x510
	TVRCAECCKeyMissing                       Bit = 0x504
	TVRECCKeyRecoveryFailed                  Bit = 0x502
)

// Transaction Status Information, tag 9B (EMV Book 3, C6).
const (
	TSIOfflineDataAuthenticationPerformed Bit = 0x180
	TSICardholderVerificationPerformed    Bit = 0x140
	TSICardRiskManagementPerformed        Bit = 0x120
	TSIIssuerAuthenticationPerformed      Bit = 0x110
	TSITerminalRiskManagementPerformed    Bit = 0x108
	TSIScriptProcessingPerformed          Bit = 0x104
)

// Application Interchange Profile, tag 82 (EMV Book 3, C1).
const (
	AIPXDASupported                        Bit = 0x180
	AIPSDASupported                        Bit = 0x140
	AIPDDASupported                        Bit = 0x120
	AIPCardholderVerificationSupported     Bit = 0x110
	AIPTerminalRiskManagementToBePerformed Bit = 0x108
	AIPIssuerAuthenticationSupported       Bit = 0x104
	AIPCDASupported                        Bit = 0x101
)

// Application Usage Control, tag 9F07 (EMV Book 3, C2).
const (
	AUCDomesticCash          Bit = 0x180
	AUCInternationalCash     Bit = 0x140
	AUCDomesticGoods         Bit = 0x120
	AUCInternationalGoods    Bit = 0x110
	AUCDomesticServices      Bit = 0x108
	AUCInternationalServices Bit = 0x104
	AUCATMs                  Bit = 0x102
	AUCOtherThanATMs         Bit = 0x101
	AUCDomesticCashback      Bit = 0x280
	AUCInternationalCashback Bit = 0x240
)

// Terminal Capabilities, tag 9F33 (EMV Book 4, A2).
const (
	CapabilityManualKeyEntry       Bit = 0x180
	CapabilityMagneticStripe       Bit = 0x140
	CapabilityICWithContacts       Bit = 0x120
	CapabilityOfflinePlaintextPIN  Bit = 0x280
	CapabilityOnlinePIN            Bit = 0x240
	CapabilitySignature            Bit = 0x220
	CapabilityOfflineEncipheredPIN Bit = 0x210
	CapabilityNoCVM                Bit = 0x208
	CapabilitySDA                  Bit = 0x380
	CapabilityDDA                  Bit = 0x340
	CapabilityCardCapture          Bit = 0x320
	CapabilityCDA                  Bit = 0x308
	CapabilityXDA                  Bit = 0x304
)

// Additional Terminal Capabilities, tag 9F40 (EMV Book 4, A3).
const (
	AdditionalCash     Bit = 0x180
	AdditionalGoods    Bit = 0x140
	AdditionalServices Bit = 0x120
	AdditionalCashback Bit = 0x110
)

// BitName is the book's name of a bit of the element tag (95, 9B or 82), "" if it has none.
func BitName(tag Tag, b Bit) string {
	for _, n := range bitNames {
		if n.tag == tag && n.bit == b {
			return n.name
		}
	}
	return ""
}

var bitNames = [...]struct {
	tag  Tag
	bit  Bit
	name string
}{
	{TVR, TVROfflineDataAuthenticationNotPerformed, "Offline data authentication was not performed"},
	{TVR, TVRSDAFailed, "SDA failed"},
	{TVR, TVRICCDataMissing, "ICC data missing"},
	{TVR, TVRCardOnExceptionFile, "Card appears on terminal exception file"},
	{TVR, TVRDDAFailed, "DDA failed"},
	{TVR, TVRCDAFailed, "CDA failed"},
	{TVR, TVRSDASelected, "SDA selected"},
	{TVR, TVRXDASelected, "XDA selected"},
	{TVR, TVRApplicationVersionsDiffer, "ICC and terminal have different application versions"},
	{TVR, TVRExpiredApplication, "Expired application"},
	{TVR, TVRApplicationNotYetEffective, "Application not yet effective"},
	{TVR, TVRServiceNotAllowed, "Requested service not allowed for card product"},
	{TVR, TVRNewCard, "New card"},
	{TVR, TVRCVMFailed, "Cardholder verification was not successful"},
	{TVR, TVRUnrecognisedCVM, "Unrecognised CVM"},
	{TVR, TVRPINTryLimitExceeded, "PIN Try Limit exceeded"},
	{TVR, TVRPINPadNotPresent, "PIN entry required and PIN pad not present or not working"},
	{TVR, TVRPINNotEntered, "PIN entry required, PIN pad present, but PIN was not entered"},
	{TVR, TVROnlineCVMCaptured, "Online CVM captured"},
	{TVR, TVRFloorLimitExceeded, "Transaction exceeds floor limit"},
	{TVR, TVRLowerConsecutiveOfflineLimitExceeded, "Lower consecutive offline limit exceeded"},
	{TVR, TVRUpperConsecutiveOfflineLimitExceeded, "Upper consecutive offline limit exceeded"},
	{TVR, TVRSelectedRandomlyForOnline, "Transaction selected randomly for online processing"},
	{TVR, TVRMerchantForcedOnline, "Merchant forced transaction online"},
	{TVR, TVRXDAFailed, "XDA signature verification failed"},
	{TVR, TVRDefaultTDOLUsed, "Default TDOL used"},
	{TVR, TVRIssuerAuthenticationFailed, "Issuer authentication failed"},
	{TVR, TVRScriptFailedBeforeFinalGenerateAC, "Script processing failed before final GENERATE AC"},
	{TVR, TVRScriptFailedAfterFinalGenerateAC, "Script processing failed after final GENERATE AC"},
	{TVR, TVRCAECCKeyMissing, "CA ECC key missing"},
	{TVR, TVRECCKeyRecoveryFailed, "ECC key recovery failed"},
	{TSI, TSIOfflineDataAuthenticationPerformed, "Offline data authentication was performed"},
	{TSI, TSICardholderVerificationPerformed, "Cardholder verification was performed"},
	{TSI, TSICardRiskManagementPerformed, "Card risk management was performed"},
	{TSI, TSIIssuerAuthenticationPerformed, "Issuer authentication was performed"},
	{TSI, TSITerminalRiskManagementPerformed, "Terminal risk management was performed"},
	{TSI, TSIScriptProcessingPerformed, "Script processing was performed"},
	{ApplicationInterchangeProfile, AIPXDASupported, "XDA supported"},
	{ApplicationInterchangeProfile, AIPSDASupported, "SDA supported"},
	{ApplicationInterchangeProfile, AIPDDASupported, "DDA supported"},
	{ApplicationInterchangeProfile, AIPCardholderVerificationSupported, "Cardholder verification is supported"},
	{ApplicationInterchangeProfile, AIPTerminalRiskManagementToBePerformed, "Terminal risk management is to be performed"},
	{ApplicationInterchangeProfile, AIPIssuerAuthenticationSupported, "Issuer authentication is supported"},
	{ApplicationInterchangeProfile, AIPCDASupported, "CDA supported"},
}
