package emv

// Result is how a transaction ended.
type Result int

// The ends of a transaction. The last four decide nothing about money; the card has given no final cryptogram.
const (
	OfflineApproved Result = iota + 1
	OfflineDeclined
	OnlineApproved
	OnlineDeclined // by the host, or by the card although the host approved: see Outcome.HostApproved
	ApprovedUnableToGoOnline
	DeclinedUnableToGoOnline
	Terminated  // the card violated the specification
	NotAccepted // no application in common, or none that could be used
	CardBlocked
	Cancelled // by cardholder or clerk
)

// String gives the result in lower case: "offline_approved".
func (r Result) String() string {
	names := [...]string{"none", "offline_approved", "offline_declined", "online_approved", "online_declined", "approved_unable_to_go_online",
		"declined_unable_to_go_online", "terminated", "not_accepted", "card_blocked", "cancelled"}
	if r < 0 || int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}

// Approved tells whether the card gave a transaction certificate.
func (r Result) Approved() bool {
	return r == OfflineApproved || r == OnlineApproved || r == ApprovedUnableToGoOnline
}

// Outcome is what became of a transaction.
type Outcome struct {
	Result Result

	// Reason says why a transaction that is not approved ended, for a log: lower case, without secrets. It may be nil.
	Reason error

	// HostApproved says that the host approved. If Result is not OnlineApproved then, the host has booked what the terminal
	// has not, and the terminal must reverse. It stands also beside an error.
	HostApproved bool

	// AdviceRequired and ServiceNotAllowed are from the cryptogram information data of the last cryptogram (Book 3, 6.5.5).
	AdviceRequired, ServiceNotAllowed bool

	// Referral says that the host asked to be called (authorisation response code 01 or 02): a decline with a reason.
	Referral bool

	// SignatureRequired says that the receipt has a line for the cardholder's signature: never unless Result is an approval.
	SignatureRequired bool

	// Session has every data element of card and terminal. It is never nil unless the configuration was refused.
	Session *Session
}
