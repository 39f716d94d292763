package terminal

import (
	"fmt"
	"slices"
)

// functions is every function.
var functions = [...]Function{
	FunctionSale, FunctionCashBack, FunctionTipSale, FunctionInstalment, FunctionMOTOSale, FunctionOfflineSale,
	FunctionTipAdjust, FunctionQRSale, FunctionQRScan, FunctionPurse, FunctionVoid, FunctionRefund, FunctionPreAuth, FunctionMOTOPreAuth,
	FunctionPreAuthVoid, FunctionCompletion, FunctionCompletionAdvice, FunctionCompletionVoid, FunctionBalance,
	FunctionLastTransaction, FunctionReprintLast, FunctionReprint, FunctionSettlement, FunctionReportJournal,
	FunctionReportTotals, FunctionReportSettlement, FunctionSignatureUpload, FunctionSignOn, FunctionSignOff, FunctionEcho,
	FunctionParameters, FunctionCAKeys, FunctionAIDs, FunctionSAFList, FunctionSAFRetry, FunctionSAFPause, FunctionSAFPark,
	FunctionOperatorLogin, FunctionOperatorLogout, FunctionPassword, FunctionOperators, FunctionRemoveOperator, FunctionStatus,
}

// Functions lists every function that a profile can allow.
func Functions() []Function { return slices.Clone(functions[:]) }

// ParseFunction reads a function's name. An unknown one is an error that lists them.
func ParseFunction(s string) (Function, error) {
	if f := Function(s); slices.Contains(functions[:], f) {
		return f, nil
	}
	return "", fmt.Errorf("%q: want one of %s", s, joined(functions[:]))
}
