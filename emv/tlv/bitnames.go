package tlv

// NamedBit is one bit of a data element that is made of bits, with the book's name; "" is a bit that is reserved for future use.
type NamedBit struct {
	Bit  Bit
	Name string
}

// Byte is the number of the bit's byte, counted from 1 as the books do.
func (b Bit) Byte() int { return int(b >> 8) }

// Number is the number of the bit in its byte, 8 the highest, as the books count.
func (b Bit) Number() int {
	n := 0
	for mask := byte(b); mask != 0; mask >>= 1 {
		n++
	}
	return n
}

// BitName is the book's name of a bit of the element tag, "" if it has none.
func BitName(tag Tag, b Bit) string {
	for _, n := range bitNames {
		if n.tag == tag && n.bit == b {
			return n.name
		}
	}
	return ""
}

// Bits lists every bit of a data element that is made of bits, from byte 1 bit 8 on, the reserved ones as well; nil for any
// other element. Action codes have the bits of the TVR.
func Bits(tag Tag) []NamedBit {
	if !madeOfBits(tag) {
		return nil
	}
	e, _ := Lookup(tag)
	names := tag
	switch tag {
	case IssuerActionCodeDefault, IssuerActionCodeDenial, IssuerActionCodeOnline:
		names = TVR
	}
	bits := make([]NamedBit, 0, 8*e.MaxLength)
	for i := 1; i <= e.MaxLength; i++ {
		for mask := Bit(0x80); mask > 0; mask >>= 1 {
			b := Bit(i)<<8 | mask
			bits = append(bits, NamedBit{b, BitName(names, b)})
		}
	}
	return bits
}

func madeOfBits(tag Tag) bool {
	switch tag {
	case TVR, TSI, ApplicationInterchangeProfile, ApplicationUsageControl, TerminalCapabilities, AdditionalTerminalCapabilities,
		BiometricTerminalCapabilities, IssuerActionCodeDefault, IssuerActionCodeDenial, IssuerActionCodeOnline:
		return true
	}
	return false
}

// bitNames is EMV Book 3, Annex C, and Book 4, Annex A; it never changes.
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
	{TVR, TVRBiometricSuccessful, "Biometric performed and successful"},
	{TVR, TVRBiometricTemplateNotSupported, "Biometric template format not supported"},
	{TVR, TVRCVMFailed, "Cardholder verification was not successful"},
	{TVR, TVRUnrecognisedCVM, "Unrecognised CVM"},
	{TVR, TVRPINTryLimitExceeded, "PIN Try Limit exceeded"},
	{TVR, TVRPINPadNotPresent, "PIN entry required and PIN pad not present or not working"},
	{TVR, TVRPINNotEntered, "PIN entry required, PIN pad present, but PIN was not entered"},
	{TVR, TVROnlineCVMCaptured, "Online CVM captured"},
	{TVR, TVRBiometricDeviceNotWorking, "Biometric required but biometric capture device not working"},
	{TVR, TVRBiometricBypassed, "Biometric required, biometric capture device present, but biometric subtype entry was bypassed"},
	{TVR, TVRFloorLimitExceeded, "Transaction exceeds floor limit"},
	{TVR, TVRLowerConsecutiveOfflineLimitExceeded, "Lower consecutive offline limit exceeded"},
	{TVR, TVRUpperConsecutiveOfflineLimitExceeded, "Upper consecutive offline limit exceeded"},
	{TVR, TVRSelectedRandomlyForOnline, "Transaction selected randomly for online processing"},
	{TVR, TVRMerchantForcedOnline, "Merchant forced transaction online"},
	{TVR, TVRBiometricTryLimitExceeded, "Biometric Try Limit exceeded"},
	{TVR, TVRBiometricTypeNotSupported, "A selected biometric type not supported"},
	{TVR, TVRXDAFailed, "XDA signature verification failed"},
	{TVR, TVRDefaultTDOLUsed, "Default TDOL used"},
	{TVR, TVRIssuerAuthenticationFailed, "Issuer authentication failed"},
	{TVR, TVRScriptFailedBeforeFinalGenerateAC, "Script processing failed before final GENERATE AC"},
	{TVR, TVRScriptFailedAfterFinalGenerateAC, "Script processing failed after final GENERATE AC"},
	{TVR, 0x508, "Reserved for use by the EMV Contactless Specifications"},
	{TVR, TVRCAECCKeyMissing, "CA ECC key missing"},
	{TVR, TVRECCKeyRecoveryFailed, "ECC key recovery failed"},
	{TVR, 0x501, "Reserved for use by the EMV Contactless Specifications"},
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
	{ApplicationInterchangeProfile, 0x102, "Reserved for use by the EMV Contactless Specifications"},
	{ApplicationInterchangeProfile, AIPCDASupported, "CDA supported"},
	{ApplicationInterchangeProfile, 0x280, "Reserved for use by the EMV Contactless Specifications"},
	{ApplicationUsageControl, AUCDomesticCash, "Valid for domestic cash transactions"},
	{ApplicationUsageControl, AUCInternationalCash, "Valid for international cash transactions"},
	{ApplicationUsageControl, AUCDomesticGoods, "Valid for domestic goods"},
	{ApplicationUsageControl, AUCInternationalGoods, "Valid for international goods"},
	{ApplicationUsageControl, AUCDomesticServices, "Valid for domestic services"},
	{ApplicationUsageControl, AUCInternationalServices, "Valid for international services"},
	{ApplicationUsageControl, AUCATMs, "Valid at ATMs"},
	{ApplicationUsageControl, AUCOtherThanATMs, "Valid at terminals other than ATMs"},
	{ApplicationUsageControl, AUCDomesticCashback, "Domestic cashback allowed"},
	{ApplicationUsageControl, AUCInternationalCashback, "International cashback allowed"},
	{TerminalCapabilities, CapabilityManualKeyEntry, "Manual key entry"},
	{TerminalCapabilities, CapabilityMagneticStripe, "Magnetic stripe"},
	{TerminalCapabilities, CapabilityICWithContacts, "IC with contacts"},
	{TerminalCapabilities, CapabilityOfflinePlaintextPIN, "Plaintext PIN for ICC verification"},
	{TerminalCapabilities, CapabilityOnlinePIN, "Enciphered PIN for online verification"},
	{TerminalCapabilities, CapabilitySignature, "Signature"},
	{TerminalCapabilities, CapabilityOfflineEncipheredPIN, "Enciphered PIN for offline verification"},
	{TerminalCapabilities, CapabilityNoCVM, "No CVM required"},
	{TerminalCapabilities, CapabilitySDA, "SDA"},
	{TerminalCapabilities, CapabilityDDA, "DDA"},
	{TerminalCapabilities, CapabilityCardCapture, "Card capture"},
	{TerminalCapabilities, CapabilityCDA, "CDA"},
	{TerminalCapabilities, CapabilityXDA, "XDA"},
	{AdditionalTerminalCapabilities, AdditionalCash, "Cash"},
	{AdditionalTerminalCapabilities, AdditionalGoods, "Goods"},
	{AdditionalTerminalCapabilities, AdditionalServices, "Services"},
	{AdditionalTerminalCapabilities, AdditionalCashback, "Cashback"},
	{AdditionalTerminalCapabilities, AdditionalInquiry, "Inquiry"},
	{AdditionalTerminalCapabilities, AdditionalTransfer, "Transfer"},
	{AdditionalTerminalCapabilities, AdditionalPayment, "Payment"},
	{AdditionalTerminalCapabilities, AdditionalAdministrative, "Administrative"},
	{AdditionalTerminalCapabilities, AdditionalCashDeposit, "Cash deposit"},
	{AdditionalTerminalCapabilities, AdditionalNumericKeys, "Numeric keys"},
	{AdditionalTerminalCapabilities, AdditionalAlphabeticAndSpecialKeys, "Alphabetic and special characters keys"},
	{AdditionalTerminalCapabilities, AdditionalCommandKeys, "Command keys"},
	{AdditionalTerminalCapabilities, AdditionalFunctionKeys, "Function keys"},
	{AdditionalTerminalCapabilities, AdditionalPrintAttendant, "Print, attendant"},
	{AdditionalTerminalCapabilities, AdditionalPrintCardholder, "Print, cardholder"},
	{AdditionalTerminalCapabilities, AdditionalDisplayAttendant, "Display, attendant"},
	{AdditionalTerminalCapabilities, AdditionalDisplayCardholder, "Display, cardholder"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable10, "Code table 10"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable9, "Code table 9"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable8, "Code table 8"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable7, "Code table 7"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable6, "Code table 6"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable5, "Code table 5"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable4, "Code table 4"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable3, "Code table 3"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable2, "Code table 2"},
	{AdditionalTerminalCapabilities, AdditionalCodeTable1, "Code table 1"},
	{BiometricTerminalCapabilities, BiometricOfflineFacial, "Facial biometric for offline verification"},
	{BiometricTerminalCapabilities, BiometricOfflineFinger, "Finger biometric for offline verification"},
	{BiometricTerminalCapabilities, BiometricOfflineIris, "Iris biometric for offline verification"},
	{BiometricTerminalCapabilities, BiometricOfflinePalm, "Palm biometric for offline verification"},
	{BiometricTerminalCapabilities, BiometricOfflineVoice, "Voice biometric for offline verification"},
	{BiometricTerminalCapabilities, BiometricOnlineFacial, "Facial biometric for online verification"},
	{BiometricTerminalCapabilities, BiometricOnlineFinger, "Finger biometric for online verification"},
	{BiometricTerminalCapabilities, BiometricOnlineIris, "Iris biometric for online verification"},
	{BiometricTerminalCapabilities, BiometricOnlinePalm, "Palm biometric for online verification"},
	{BiometricTerminalCapabilities, BiometricOnlineVoice, "Voice biometric for online verification"},
}
