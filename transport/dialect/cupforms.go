package dialect

// Codes of 60.3 by which uploads of one kind differ (NetworkManagementCode of KindUpload and KindUploadEnd). Equal and not equal say
// how the batch's totals compared.
const (
	UploadLines          = "201" // lines of stripe cards, or one credit or offline sale alone
	UploadICEqual        = "203" // an online chip transaction, with its certificate
	UploadICNotEqual     = "205"
	UploadNoticeEqual    = "204" // a chip transaction that was declined offline, or whose host was not authenticated
	UploadNoticeNotEqual = "206"
	UploadLoadEqual      = "208" // the confirmation of a purse's load
	UploadLoadNotEqual   = "209"
	UploadEndEqual       = "207"
	UploadEndNotEqual    = "202"
)

const (
	tipAdjustCode = "34"  // 60.1
	transactions  = "000" // 60.3 of a transaction
)

// signOnCodes are 60.3 of a sign-on, by the length of the keys it brings.
var signOnCodes = map[int]string{24: "001", 40: "003", 60: "004", 84: "004"}

// cupForms are its kinds: MTI, DE 3, DE 25, 60.1, 60.3.
func cupForms(s Switches) []Form {
	financial := func(k Kind, mti, code, condition, messageType string) Form {
		return Form{Kind: k, MTI: mti, ProcessingCode: code, POSConditionCode: condition, MessageTypeCode: messageType, NetworkManagementCode: transactions}
	}
	management := func(k Kind, mti, code string) Form {
		return Form{Kind: k, MTI: mti, MessageTypeCode: "00", NetworkManagementCode: code}
	}
	upload := func(code string) Form {
		return Form{Kind: KindUpload, MTI: "0320", NetworkManagementCode: code, Variant: true, AsOriginal: true}
	}
	variant := func(f Form) Form {
		f.Variant = true
		return f
	}
	qrSale := financial(KindQRSale, "0200", "000000", "00", "22")
	qrSale.Scanned = true
	script := management(KindScriptResult, "0620", "951")
	script.AsOriginal = true
	forms := []Form{
		financial(KindBalance, "0200", "310000", "00", "01"),
		financial(KindSale, "0200", "000000", "00", "22"),
		qrSale,
		financial(KindVoid, "0200", "200000", "00", "23"),
		financial(KindRefund, "0220", "200000", "00", "25"),
		financial(KindPreAuth, "0100", "030000", "06", "10"),
		financial(KindPreAuthVoid, "0100", "200000", "06", "11"),
		financial(KindCompletion, "0200", "000000", "06", "20"),
		financial(KindCompletionVoid, "0200", "200000", "06", "21"),
		financial(KindCompletionAdvice, "0220", "000000", "06", "24"),
		financial(KindForcedSale, "0220", "000000", "00", "30"),
		financial(KindAdjustment, "0220", "000000", "00", "32"),
		financial(KindTipAdjust, "0220", "000000", "00", tipAdjustCode),
		financial(KindOfflineSale, "0200", "000000", "00", "36"),
		financial(KindInstalment, "0200", "000000", "64", "22"),
		financial(KindMOTOSale, "0200", "000000", "08", "22"),
		financial(KindMOTOPreAuth, "0100", "030000", "18", "10"),
		financial(KindQRQuery, "0200", "730000", "00", "60"),
		financial(KindQRCancel, "0200", "720000", "00", "60"),
		script,
		{Kind: KindSignature, MTI: "0820", MessageTypeCode: "07", NetworkManagementCode: s.SignatureCode},

		management(KindSettlement, "0500", "201"),
		upload(UploadLines),
		upload(UploadICEqual),
		upload(UploadICNotEqual),
		upload(UploadNoticeEqual),
		upload(UploadNoticeNotEqual),
		upload(UploadLoadEqual),
		upload(UploadLoadNotEqual),
		variant(management(KindUploadEnd, "0320", UploadEndEqual)),
		variant(management(KindUploadEnd, "0320", UploadEndNotEqual)),

		management(KindSignOn, "0800", signOnCodes[s.KeyLayout]),
	}
	for _, code := range []string{"001", "003", "004", "006"} { // what other switches would ask for is a sign-on, too
		if code != signOnCodes[s.KeyLayout] {
			forms = append(forms, management(KindSignOn, "0800", code))
		}
	}
	return append(forms,
		management(KindSignOff, "0820", "002"),
		management(KindEcho, "0820", "301"),
		management(KindStatus, "0820", "362"),
		management(KindParameters, "0800", "360"),
		management(KindParametersEnd, "0800", "361"),
		management(KindTMSParameters, "0800", "364"),
		management(KindTMSParametersEnd, "0800", "365"),
		management(KindCAKeyList, "0820", "372"),
		management(KindCAKey, "0800", "370"),
		management(KindCAKeysEnd, "0800", "371"),
		management(KindAIDList, "0820", "382"),
		management(KindAID, "0800", "380"),
		management(KindAIDsEnd, "0800", "381"),
		management(KindBINBlacklist, "0800", "390"),
		management(KindBINBlacklistEnd, "0800", "391"),
		management(KindContactlessParameters, "0800", "394"),
		management(KindContactlessEnd, "0800", "395"),
		management(KindPINFreeBINs, "0800", "396"),
		management(KindPINFreeBINsEnd, "0800", "397"),
		management(KindPINFreeBlacklist, "0800", "398"),
		management(KindPINFreeBlacklistEnd, "0800", "399"),
	)
}

// usualCUP is the dialect without switches.
var usualCUP = CUP(Switches{})
