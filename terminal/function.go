package terminal

// Function is something a terminal can be asked to do, in the words of profiles and scripts.
type Function string

// The functions.
const (
	FunctionSale             Function = "sale"
	FunctionCashBack         Function = "cash-back"
	FunctionTipSale          Function = "tip-sale"
	FunctionInstalment       Function = "instalment"
	FunctionMOTOSale         Function = "moto-sale"
	FunctionOfflineSale      Function = "offline-sale"
	FunctionTipAdjust        Function = "tip-adjust"
	FunctionQRSale           Function = "qr-sale" // the terminal shows a code
	FunctionQRScan           Function = "qr-scan" // the customer shows one
	FunctionPurse            Function = "purse"   // an electronic purse is held in front of the reader
	FunctionVoid             Function = "void"
	FunctionRefund           Function = "refund"
	FunctionPreAuth          Function = "pre-auth"
	FunctionMOTOPreAuth      Function = "moto-pre-auth"
	FunctionPreAuthVoid      Function = "pre-auth-void"
	FunctionCompletion       Function = "completion"
	FunctionCompletionAdvice Function = "completion-advice"
	FunctionCompletionVoid   Function = "completion-void"
	FunctionBalance          Function = "balance"
	FunctionLastTransaction  Function = "last-transaction"
	FunctionReprintLast      Function = "reprint-last"
	FunctionReprint          Function = "reprint"
	FunctionSettlement       Function = "settlement"
	FunctionReportJournal    Function = "report-journal"
	FunctionReportTotals     Function = "report-totals"
	FunctionReportSettlement Function = "report-settlement"
	FunctionSignatureUpload  Function = "signature-upload"
	FunctionSignOn           Function = "sign-on"
	FunctionSignOff          Function = "sign-off"
	FunctionEcho             Function = "echo"
	FunctionParameters       Function = "parameters"
	FunctionCAKeys           Function = "ca-keys"
	FunctionAIDs             Function = "aids"
	FunctionSAFList          Function = "saf-list"
	FunctionSAFRetry         Function = "saf-retry"
	FunctionSAFPause         Function = "saf-pause"
	FunctionSAFPark          Function = "saf-park"
	FunctionOperatorLogin    Function = "operator-login"
	FunctionOperatorLogout   Function = "operator-logout"
	FunctionPassword         Function = "operator-password"
	FunctionOperators        Function = "operator-set"
	FunctionRemoveOperator   Function = "operator-remove"
	FunctionStatus           Function = "status"
)
