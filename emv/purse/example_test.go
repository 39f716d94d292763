package purse_test

import (
	"fmt"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/purse"
)

// A tap of 12.34 loses the card when it has debited itself; the tap after it ends the sale, and nothing is debited again.
func ExampleResume() {
	var t testing.T
	card := plastic(&t, "cup-purse")
	var kept purse.Torn
	request := purse.Request{Amount: 1234, Time: today, Keep: func(torn purse.Torn) error { // a terminal writes it to its journal
		kept = torn
		return nil
	}}
	result, err := purse.Pay(&reader{card: card, ins: apdu.InsReadRecord, nth: 6, after: true}, terminal(&t), request)
	fmt.Println(result.Stage, result.Reason, err)

	card.Reset()
	result, err = purse.Resume(card, terminal(&t), request, kept)
	fmt.Println(result.Stage, result.Resumed, err)
	fmt.Println(result.Card.PAN, result.BalanceBefore, result.BalanceAfter, len(card.Purses()[0].Debits))
	// Output:
	// unknown card-gone <nil>
	// paid true <nil>
	// 622500******0055 10000 8766 1
}
