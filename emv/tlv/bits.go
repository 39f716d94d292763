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
	TVRBiometricSuccessful                   Bit = 0x202
	TVRBiometricTemplateNotSupported         Bit = 0x201
	TVRCVMFailed                             Bit = 0x380
	TVRUnrecognisedCVM                       Bit = 0x340
	TVRPINTryLimitExceeded                   Bit = 0x320
	TVRPINPadNotPresent                      Bit = 0x310 // PIN entry required and PIN pad not present or not working
	TVRPINNotEntered                         Bit = 0x308 // PIN entry required, PIN pad present, but PIN was not entered
	TVROnlineCVMCaptured                     Bit = 0x304 // up to EMV 4.3: online PIN entered
	TVRBiometricDeviceNotWorking             Bit = 0x302
	TVRBiometricBypassed                     Bit = 0x301
	TVRFloorLimitExceeded                    Bit = 0x480
	TVRLowerConsecutiveOfflineLimitExceeded  Bit = 0x440
	TVRUpperConsecutiveOfflineLimitExceeded  Bit = 0x420
	TVRSelectedRandomlyForOnline             Bit = 0x410
	TVRMerchantForcedOnline                  Bit = 0x408
	TVRBiometricTryLimitExceeded             Bit = 0x404
	TVRBiometricTypeNotSupported             Bit = 0x402
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
	AdditionalCash                     Bit = 0x180
	AdditionalGoods                    Bit = 0x140
	AdditionalServices                 Bit = 0x120
	AdditionalCashback                 Bit = 0x110
	AdditionalInquiry                  Bit = 0x108
	AdditionalTransfer                 Bit = 0x104
	AdditionalPayment                  Bit = 0x102
	AdditionalAdministrative           Bit = 0x101
	AdditionalCashDeposit              Bit = 0x280
	AdditionalNumericKeys              Bit = 0x380
	AdditionalAlphabeticAndSpecialKeys Bit = 0x340
	AdditionalCommandKeys              Bit = 0x320
	AdditionalFunctionKeys             Bit = 0x310
	AdditionalPrintAttendant           Bit = 0x480
	AdditionalPrintCardholder          Bit = 0x440
	AdditionalDisplayAttendant         Bit = 0x420
	AdditionalDisplayCardholder        Bit = 0x410
	AdditionalCodeTable10              Bit = 0x402
	AdditionalCodeTable9               Bit = 0x401
	AdditionalCodeTable8               Bit = 0x580
	AdditionalCodeTable7               Bit = 0x540
	AdditionalCodeTable6               Bit = 0x520
	AdditionalCodeTable5               Bit = 0x510
	AdditionalCodeTable4               Bit = 0x508
	AdditionalCodeTable3               Bit = 0x504
	AdditionalCodeTable2               Bit = 0x502
	AdditionalCodeTable1               Bit = 0x501
)

// Biometric Terminal Capabilities, tag 9F30 (EMV Book 4, A7).
const (
	BiometricOfflineFacial Bit = 0x180
	BiometricOfflineFinger Bit = 0x140
	BiometricOfflineIris   Bit = 0x120
	BiometricOfflinePalm   Bit = 0x110
	BiometricOfflineVoice  Bit = 0x108
	BiometricOnlineFacial  Bit = 0x280
	BiometricOnlineFinger  Bit = 0x240
	BiometricOnlineIris    Bit = 0x220
	BiometricOnlinePalm    Bit = 0x210
	BiometricOnlineVoice   Bit = 0x208
)

// OfflineOnly tells whether a terminal type, tag 9F35, is one of a terminal that cannot go online: its right digit is 3 or 6
// (EMV Book 4, A1).
func OfflineOnly(terminalType byte) bool { return terminalType&15 == 3 || terminalType&15 == 6 }
