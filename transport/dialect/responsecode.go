package dialect

// partiallyApproved is the approval for less than was asked: the one that changes the amount.
const partiallyApproved = "10"

// Approves tells whether a response code lets the transaction happen, for all of its amount or a part of it (10). The field
// has more approvals than the 00 that our own hosts give.
func Approves(code string) bool { return ApprovesInFull(code) || code == partiallyApproved }

// ApprovesInFull tells whether a response code lets the transaction happen for all of its amount. To somebody who cannot
// take less than was asked, nothing else is an approval.
func ApprovesInFull(code string) bool {
	switch code {
	case "00", "11", "A2", "A4", "A5", "A6":
		return true
	}
	return false
}

// RefusesKeys tells whether a response code says that the host does not know the session's keys, or found the MAC (A0) or
// the PIN block (99) wrong under them: a sign-on brings new ones.
func RefusesKeys(code string) bool { return code == "A0" || code == "77" || code == "99" }

// Undecided tells whether a response code says only that somebody could not be asked, or could not ask in turn: about what
// has already happened, an advice, it decides nothing.
func Undecided(code string) bool {
	switch code {
	case "09", "68", "91", "92", "96", "98":
		return true
	}
	return RefusesKeys(code)
}
