package dialect

import (
	"fmt"
	"strings"
)

// Parameter is one of a terminal's parameters as DE 62 of a KindParameters' answer in cup has it, behind the digit of a Download: a code of
// two digits, and a value of the length that the code says.
type Parameter struct {
	Code  string
	Value string
}

// The codes. But for ParameterTimeout they are from memory of the document: an acquirer's own list is the one that counts.
const (
	ParameterTimeout      = "12" // seconds, n2
	ParameterDialRetries  = "13" // n1
	ParameterTip          = "18" // whether tips are taken, n1
	ParameterTipPercent   = "19" // n2
	ParameterManual       = "20" // whether card numbers may be typed, n1
	ParameterSignOff      = "21" // whether it signs off by itself after a settlement, n1
	ParameterMerchantName = "22" // ans40, filled with spaces
	ParameterAttempts     = "23" // of a reversal, n1
)

var parameterLengths = map[string]int{
	ParameterTimeout: 2, ParameterDialRetries: 1, ParameterTip: 1, ParameterTipPercent: 2, ParameterManual: 1, ParameterSignOff: 1,
	ParameterMerchantName: 40, ParameterAttempts: 1,
}

// AppendParameters appends parameters. A value is filled with spaces; only the merchant's name may be shorter than its place.
func AppendParameters(dst []byte, list []Parameter) ([]byte, error) {
	for i, p := range list {
		n, ok := parameterLengths[p.Code]
		switch {
		case !ok:
			return nil, bad62(fmt.Errorf("parameter %d: code %q is not known here", i+1, p.Code))
		case p.Code == ParameterMerchantName && (len(p.Value) > n || strings.HasSuffix(p.Value, " ")):
			return nil, bad62(fmt.Errorf("parameter %s: %d bytes: want up to %d, without the filler", p.Code, len(p.Value), n))
		case p.Code != ParameterMerchantName && (len(p.Value) != n || !isDigits(p.Value)):
			return nil, bad62(fmt.Errorf("parameter %s: want %d digits", p.Code, n))
		}
		dst = append(append(append(dst, p.Code...), p.Value...), strings.Repeat(" ", n-len(p.Value))...)
	}
	return dst, nil
}

// ParseParameters reads what AppendParameters writes. A code that is not known here ends it with an error: nobody can tell how long
// its value is.
func ParseParameters(b []byte) (list []Parameter, err error) {
	for s := string(b); s != ""; {
		if len(s) < 2 {
			return nil, bad62(fmt.Errorf("parameter %d: half a code", len(list)+1))
		}
		n, ok := parameterLengths[s[:2]]
		switch {
		case !ok:
			return nil, bad62(fmt.Errorf("parameter %d: code %q is not known here", len(list)+1, s[:2]))
		case len(s) < 2+n:
			return nil, bad62(fmt.Errorf("parameter %s: %d bytes: want %d", s[:2], len(s)-2, n))
		}
		p := Parameter{Code: s[:2], Value: s[2 : 2+n]}
		s = s[2+n:]
		if p.Code == ParameterMerchantName {
			p.Value = strings.TrimRight(p.Value, " ")
		} else if !isDigits(p.Value) {
			return nil, bad62(fmt.Errorf("parameter %s: want %d digits", p.Code, n))
		}
		list = append(list, p)
	}
	return list, nil
}
