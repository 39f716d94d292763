package tlv

import "sort"

// Format is how the value of a data element is written (EMV Book 3, 4.3).
type Format byte

// The formats of EMV Book 3, 4.3. FormatVar is what the book calls "var." or leaves to the template's content.
const (
	FormatB   Format = iota // binary
	FormatN                 // numeric: BCD, right justified, leading zeros
	FormatCN                // compressed numeric: BCD, left justified, trailing F
	FormatA                 // alphabetic
	FormatAN                // alphanumeric
	FormatANS               // alphanumeric special
	FormatVar
)

// String gives the book's letters.
func (f Format) String() string { return [...]string{"b", "n", "cn", "a", "an", "ans", "var"}[f] }

// Source is who supplies a data element (EMV Book 3, Annex A1).
type Source byte

// The sources of EMV Book 3, Annex A1.
const (
	SourceICC Source = iota
	SourceTerminal
	SourceIssuer // by way of the terminal
)

// String gives the book's word.
func (s Source) String() string { return [...]string{"ICC", "Terminal", "Issuer/Terminal"}[s] }

// Element is one line of the dictionary of data elements. Lengths are of the value in bytes; MaxLength 0 means that the book
// gives no bound of its own.
type Element struct {
	Tag                  Tag
	Name                 string
	Format               Format
	Source               Source
	MinLength, MaxLength int
}

// Lookup finds a data element by its tag. It does not allocate.
func Lookup(tag Tag) (Element, bool) {
	i := sort.Search(len(dictionary), func(i int) bool { return dictionary[i].Tag >= tag })
	if i < len(dictionary) && dictionary[i].Tag == tag {
		return dictionary[i], true
	}
	return Element{}, false
}

// LengthAllowed tells whether a data element of the book may have so many bytes; one that the book does not know may not.
func LengthAllowed(tag Tag, n int) bool {
	e, ok := Lookup(tag)
	return ok && n >= e.MinLength && n <= e.MaxLength
}

// Name is the book's name of a data element, "" if the book does not know the tag.
func Name(tag Tag) string {
	e, _ := Lookup(tag)
	return e.Name
}

// Elements lists the dictionary in the order of tags.
func Elements() []Element { return append([]Element(nil), dictionary[:]...) }

// dictionary is EMV Book 3, Annex A1, and the few elements beside it that the constants name, sorted by tag; it never changes.
var dictionary = [...]Element{
	{IssuerIdentificationNumber, "Issuer Identification Number (IIN)", FormatN, SourceICC, 3, 3},
	{ApplicationDedicatedFileName, "Application Dedicated File (ADF) Name", FormatB, SourceICC, 5, 16},
	{ApplicationLabel, "Application Label", FormatANS, SourceICC, 1, 16},
	{Track1Data, "Track 1 Data", FormatANS, SourceICC, 0, 76},
	{Track2EquivalentData, "Track 2 Equivalent Data", FormatB, SourceICC, 0, 19},
	{ApplicationPAN, "Application Primary Account Number (PAN)", FormatCN, SourceICC, 0, 10},
	{ApplicationTemplate, "Application Template", FormatB, SourceICC, 0, 252},
	{FCITemplate, "File Control Information (FCI) Template", FormatVar, SourceICC, 0, 252},
	{READRECORDResponseMessageTemplate, "READ RECORD Response Message Template", FormatVar, SourceICC, 0, 252},
	{IssuerScriptTemplate1, "Issuer Script Template 1", FormatB, SourceIssuer, 0, 0},
	{IssuerScriptTemplate2, "Issuer Script Template 2", FormatB, SourceIssuer, 0, 0},
	{DirectoryDiscretionaryTemplate, "Directory Discretionary Template", FormatVar, SourceICC, 0, 252},
	{ResponseMessageTemplateFormat2, "Response Message Template Format 2", FormatVar, SourceICC, 0, 0},
	{ResponseMessageTemplateFormat1, "Response Message Template Format 1", FormatVar, SourceICC, 0, 0},
	{AmountAuthorisedBinary, "Amount, Authorised (Binary)", FormatB, SourceTerminal, 4, 4},
	{ApplicationInterchangeProfile, "Application Interchange Profile", FormatB, SourceICC, 2, 2},
	{CommandTemplate, "Command Template", FormatB, SourceTerminal, 0, 0},
	{DedicatedFileName, "Dedicated File (DF) Name", FormatB, SourceICC, 5, 16},
	{IssuerScriptCommand, "Issuer Script Command", FormatB, SourceIssuer, 0, 261},
	{ApplicationPriorityIndicator, "Application Priority Indicator", FormatB, SourceICC, 1, 1},
	{ShortFileIdentifier, "Short File Identifier (SFI)", FormatB, SourceICC, 1, 1},
	{AuthorisationCode, "Authorisation Code", FormatAN, SourceIssuer, 6, 6},
	{AuthorisationResponseCode, "Authorisation Response Code", FormatAN, SourceIssuer, 2, 2},
	{CDOL1, "Card Risk Management Data Object List 1 (CDOL1)", FormatB, SourceICC, 0, 252},
	{CDOL2, "Card Risk Management Data Object List 2 (CDOL2)", FormatB, SourceICC, 0, 252},
	{CVMList, "Cardholder Verification Method (CVM) List", FormatB, SourceICC, 10, 252},
	{CertificationAuthorityPublicKeyIndex, "Certification Authority Public Key Index", FormatB, SourceICC, 1, 1},
	{IssuerPublicKeyCertificate, "Issuer Public Key Certificate", FormatB, SourceICC, 0, 248},
	{IssuerAuthenticationData, "Issuer Authentication Data", FormatB, SourceIssuer, 8, 16},
	{IssuerPublicKeyRemainder, "Issuer Public Key Remainder", FormatB, SourceICC, 0, 248},
	{SignedStaticApplicationData, "Signed Static Application Data", FormatB, SourceICC, 0, 248},
	{ApplicationFileLocator, "Application File Locator (AFL)", FormatVar, SourceICC, 0, 252},
	{TVR, "Terminal Verification Results", FormatB, SourceTerminal, 5, 5},
	{TDOL, "Transaction Certificate Data Object List (TDOL)", FormatB, SourceICC, 0, 252},
	{TCHashValue, "Transaction Certificate (TC) Hash Value", FormatB, SourceTerminal, 20, 20},
	{TransactionPINData, "Transaction Personal Identification Number (PIN) Data", FormatB, SourceTerminal, 0, 0},
	{TransactionDate, "Transaction Date", FormatN, SourceTerminal, 3, 3},
	{TSI, "Transaction Status Information", FormatB, SourceTerminal, 2, 2},
	{TransactionType, "Transaction Type", FormatN, SourceTerminal, 1, 1},
	{DirectoryDefinitionFileName, "Directory Definition File (DDF) Name", FormatB, SourceICC, 5, 16},
	{BiometricHeaderTemplate, "Biometric Header Template (BHT)", FormatB, SourceICC, 0, 0},
	{FCIProprietaryTemplate, "File Control Information (FCI) Proprietary Template", FormatVar, SourceICC, 0, 252},
	{CardholderName, "Cardholder Name", FormatANS, SourceICC, 2, 26},
	{ApplicationExpirationDate, "Application Expiration Date", FormatN, SourceICC, 3, 3},
	{ApplicationEffectiveDate, "Application Effective Date", FormatN, SourceICC, 3, 3},
	{IssuerCountryCode, "Issuer Country Code", FormatN, SourceICC, 2, 2},
	{TransactionCurrencyCode, "Transaction Currency Code", FormatN, SourceTerminal, 2, 2},
	{LanguagePreference, "Language Preference", FormatAN, SourceICC, 2, 8},
	{ServiceCode, "Service Code", FormatN, SourceICC, 2, 2},
	{ApplicationPANSequenceNumber, "Application Primary Account Number (PAN) Sequence Number", FormatN, SourceICC, 1, 1},
	{TransactionCurrencyExponent, "Transaction Currency Exponent", FormatN, SourceTerminal, 1, 1},
	{IssuerURL, "Issuer URL", FormatANS, SourceICC, 0, 0},
	{IBAN, "International Bank Account Number (IBAN)", FormatVar, SourceICC, 0, 34},
	{BankIdentifierCode, "Bank Identifier Code (BIC)", FormatVar, SourceICC, 8, 11},
	{IssuerCountryCodeAlpha2, "Issuer Country Code (alpha2 format)", FormatA, SourceICC, 2, 2},
	{IssuerCountryCodeAlpha3, "Issuer Country Code (alpha3 format)", FormatA, SourceICC, 3, 3},
	{AccountType, "Account Type", FormatN, SourceTerminal, 1, 1},
	{BiometricInformationTemplate, "Biometric Information Template (BIT)", FormatB, SourceICC, 0, 0},
	{AcquirerIdentifier, "Acquirer Identifier", FormatN, SourceTerminal, 6, 6},
	{AmountAuthorised, "Amount, Authorised (Numeric)", FormatN, SourceTerminal, 6, 6},
	{AmountOther, "Amount, Other (Numeric)", FormatN, SourceTerminal, 6, 6},
	{AmountOtherBinary, "Amount, Other (Binary)", FormatB, SourceTerminal, 4, 4},
	{ApplicationDiscretionaryData, "Application Discretionary Data", FormatB, SourceICC, 1, 32},
	{ApplicationIdentifierTerminal, "Application Identifier (AID) - terminal", FormatB, SourceTerminal, 5, 16},
	{ApplicationUsageControl, "Application Usage Control", FormatB, SourceICC, 2, 2},
	{ApplicationVersionNumberCard, "Application Version Number - card", FormatB, SourceICC, 2, 2},
	{ApplicationVersionNumberTerminal, "Application Version Number - terminal", FormatB, SourceTerminal, 2, 2},
	{ApplicationSelectionRegisteredProprietaryData, "Application Selection Registered Proprietary Data", FormatB, SourceICC, 0, 0},
	{CardholderNameExtended, "Cardholder Name Extended", FormatANS, SourceICC, 27, 45},
	{IssuerIdentificationNumberExtended, "Issuer Identification Number Extended (IINE)", FormatN, SourceICC, 3, 4},
	{IssuerActionCodeDefault, "Issuer Action Code - Default", FormatB, SourceICC, 5, 5},
	{IssuerActionCodeDenial, "Issuer Action Code - Denial", FormatB, SourceICC, 5, 5},
	{IssuerActionCodeOnline, "Issuer Action Code - Online", FormatB, SourceICC, 5, 5},
	{IssuerApplicationData, "Issuer Application Data", FormatB, SourceICC, 0, 32},
	{IssuerCodeTableIndex, "Issuer Code Table Index", FormatN, SourceICC, 1, 1},
	{ApplicationPreferredName, "Application Preferred Name", FormatANS, SourceICC, 1, 16},
	{LastOnlineATCRegister, "Last Online Application Transaction Counter (ATC) Register", FormatB, SourceICC, 2, 2},
	{LowerConsecutiveOfflineLimit, "Lower Consecutive Offline Limit", FormatB, SourceICC, 1, 1},
	{MerchantCategoryCode, "Merchant Category Code", FormatN, SourceTerminal, 2, 2},
	{MerchantIdentifier, "Merchant Identifier", FormatANS, SourceTerminal, 15, 15},
	{PINTryCounter, "Personal Identification Number (PIN) Try Counter", FormatB, SourceICC, 1, 1},
	{IssuerScriptIdentifier, "Issuer Script Identifier", FormatB, SourceIssuer, 4, 4},
	{TokenRequestorID, "Token Requestor ID", FormatN, SourceICC, 6, 6},
	{TerminalCountryCode, "Terminal Country Code", FormatN, SourceTerminal, 2, 2},
	{TerminalFloorLimit, "Terminal Floor Limit", FormatB, SourceTerminal, 4, 4},
	{TerminalIdentification, "Terminal Identification", FormatAN, SourceTerminal, 8, 8},
	{TerminalRiskManagementData, "Terminal Risk Management Data", FormatB, SourceTerminal, 1, 8},
	{InterfaceDeviceSerialNumber, "Interface Device (IFD) Serial Number", FormatAN, SourceTerminal, 8, 8},
	{Track1DiscretionaryData, "Track 1 Discretionary Data", FormatANS, SourceICC, 0, 0},
	{Track2DiscretionaryData, "Track 2 Discretionary Data", FormatCN, SourceICC, 0, 0},
	{TransactionTime, "Transaction Time", FormatN, SourceTerminal, 3, 3},
	{CertificationAuthorityPublicKeyIndexTerminal, "Certification Authority Public Key Index", FormatB, SourceTerminal, 1, 1},
	{UpperConsecutiveOfflineLimit, "Upper Consecutive Offline Limit", FormatB, SourceICC, 1, 1},
	{PaymentAccountReference, "Payment Account Reference (PAR)", FormatAN, SourceICC, 29, 29},
	{Last4DigitsOfPAN, "Last 4 Digits of PAN", FormatN, SourceICC, 2, 2},
	{ApplicationCryptogram, "Application Cryptogram", FormatB, SourceICC, 8, 8},
	{CryptogramInformationData, "Cryptogram Information Data", FormatB, SourceICC, 1, 1},
	{ICCPINEnciphermentPublicKeyCertificate, "ICC PIN Encipherment Public Key Certificate", FormatB, SourceICC, 0, 248},
	{ICCPINEnciphermentPublicKeyExponent, "ICC PIN Encipherment Public Key Exponent", FormatB, SourceICC, 1, 3},
	{ICCPINEnciphermentPublicKeyRemainder, "ICC PIN Encipherment Public Key Remainder", FormatB, SourceICC, 0, 248},
	{BiometricTerminalCapabilities, "Biometric Terminal Capabilities", FormatB, SourceTerminal, 3, 3},
	{CardBITGroupTemplate, "Card BIT Group Template", FormatB, SourceICC, 0, 0},
	{IssuerPublicKeyExponent, "Issuer Public Key Exponent", FormatB, SourceICC, 1, 3},
	{TerminalCapabilities, "Terminal Capabilities", FormatB, SourceTerminal, 3, 3},
	{CVMResults, "Cardholder Verification Method (CVM) Results", FormatB, SourceTerminal, 3, 3},
	{TerminalType, "Terminal Type", FormatN, SourceTerminal, 1, 1},
	{ApplicationTransactionCounter, "Application Transaction Counter (ATC)", FormatB, SourceICC, 2, 2},
	{UnpredictableNumber, "Unpredictable Number", FormatB, SourceTerminal, 4, 4},
	{PDOL, "Processing Options Data Object List (PDOL)", FormatB, SourceICC, 0, 252},
	{POSEntryMode, "Point-of-Service (POS) Entry Mode", FormatN, SourceTerminal, 1, 1},
	{AmountReferenceCurrency, "Amount, Reference Currency", FormatB, SourceTerminal, 4, 4},
	{ApplicationReferenceCurrency, "Application Reference Currency", FormatN, SourceICC, 2, 8},
	{TransactionReferenceCurrencyCode, "Transaction Reference Currency Code", FormatN, SourceTerminal, 2, 2},
	{TransactionReferenceCurrencyExponent, "Transaction Reference Currency Exponent", FormatN, SourceTerminal, 1, 1},
	{AdditionalTerminalCapabilities, "Additional Terminal Capabilities", FormatB, SourceTerminal, 5, 5},
	{TransactionSequenceCounter, "Transaction Sequence Counter", FormatN, SourceTerminal, 2, 4},
	{ApplicationCurrencyCode, "Application Currency Code", FormatN, SourceICC, 2, 2},
	{ApplicationReferenceCurrencyExponent, "Application Reference Currency Exponent", FormatN, SourceICC, 1, 4},
	{ApplicationCurrencyExponent, "Application Currency Exponent", FormatN, SourceICC, 1, 1},
	{DataAuthenticationCode, "Data Authentication Code", FormatB, SourceICC, 2, 2},
	{ICCPublicKeyCertificate, "ICC Public Key Certificate", FormatB, SourceICC, 0, 248},
	{ICCPublicKeyExponent, "ICC Public Key Exponent", FormatB, SourceICC, 1, 3},
	{ICCPublicKeyRemainder, "ICC Public Key Remainder", FormatB, SourceICC, 0, 248},
	{DDOL, "Dynamic Data Authentication Data Object List (DDOL)", FormatB, SourceICC, 0, 252},
	{StaticDataAuthenticationTagList, "Static Data Authentication Tag List", FormatB, SourceICC, 0, 252},
	{SignedDynamicApplicationData, "Signed Dynamic Application Data", FormatB, SourceICC, 0, 248},
	{ICCDynamicNumber, "ICC Dynamic Number", FormatB, SourceICC, 2, 8},
	{LogEntry, "Log Entry", FormatB, SourceICC, 2, 2},
	{MerchantNameAndLocation, "Merchant Name and Location", FormatANS, SourceTerminal, 0, 0},
	{LogFormat, "Log Format", FormatB, SourceICC, 0, 252},
	{IssuerScriptResults, "Issuer Script Results", FormatB, SourceTerminal, 0, 0},
	{TerminalTransactionQualifiers, "Terminal Transaction Qualifiers (TTQ)", FormatB, SourceTerminal, 4, 4},
	{CardAuthenticationRelatedData, "Card Authentication Related Data", FormatB, SourceICC, 5, 16},
	{Track2Data, "Track 2 Data", FormatB, SourceICC, 0, 19},
	{ElectronicCashBalanceLimit, "Electronic Cash Balance Limit", FormatN, SourceICC, 0, 6},
	{ElectronicCashSingleTransactionLimit, "Electronic Cash Single Transaction Limit", FormatN, SourceICC, 0, 6},
	{ElectronicCashBalance, "Electronic Cash Balance", FormatN, SourceICC, 0, 6},
	{ElectronicCashTerminalSupportIndicator, "Electronic Cash Terminal Support Indicator", FormatB, SourceTerminal, 0, 4},
	{FCIIssuerDiscretionaryData, "File Control Information (FCI) Issuer Discretionary Data", FormatVar, SourceICC, 0, 222},
	{OfflineBITGroupTemplate, "Offline BIT Group Template", FormatB, SourceICC, 0, 0},
	{OnlineBITGroupTemplate, "Online BIT Group Template", FormatB, SourceICC, 0, 0},
	{BiometricTryCountersTemplate, "Biometric Try Counters Template", FormatB, SourceICC, 0, 0},
	{PreferredAttemptsTemplate, "Preferred Attempts Template", FormatB, SourceICC, 0, 0},
	{BiometricVerificationDataTemplate, "Biometric Verification Data Template", FormatB, SourceTerminal, 0, 0},
}
