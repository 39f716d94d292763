package dialect

import (
	"fmt"
	"strings"
)

// requestNames are the requests by what people call them.
var requestNames = [...]string{
	RequestNone: "none", RequestParameters: "parameters", RequestStatus: "status", RequestSignOn: "sign-on",
	RequestCAKeys: "ca-keys", RequestICParameters: "aids", RequestTMSParameters: "tms-parameters",
}

// ProcessingRequests lists the names that ParseProcessingRequest knows.
func ProcessingRequests() []string { return append([]string(nil), requestNames[1:]...) }

// ParseProcessingRequest reads a request's name: "sign-on". An unknown one is an error that lists the names.
func ParseProcessingRequest(s string) (ProcessingRequest, error) {
	for r, name := range requestNames {
		if name == s {
			return ProcessingRequest(r), nil
		}
	}
	return 0, fmt.Errorf("dialect: request %q: want one of %s", s, strings.Join(ProcessingRequests(), ", "))
}

// String is the request's name, or its digit where it has none here.
func (r ProcessingRequest) String() string {
	if int(r) < len(requestNames) {
		return requestNames[r]
	}
	return fmt.Sprintf("%X", byte(r))
}
