package scenario

import (
	"strconv"

	"github.com/posim/posim/terminal"
)

// The clerk answers what the terminal asks by the slip of an earlier sale, by what the script says, or by what is pinned under the
// till: who works there and which password that needs.

// The people of a shop, as every terminal knows them from the start.
const (
	clerkNumber        = "01"
	clerkPassword      = "0000"
	supervisorPassword = "123456"
)

// answer is what the clerk types at a prompt. Who does not know, or is asked once too often, presses CANCEL. The amount of a plain
// sale is being typed without a question.
func (c *customer) answer(prompt terminal.Key, l *Library) []byte {
	if prompt == "amount" && c.task.Function == terminal.FunctionSale {
		return nil
	}
	n := c.answered[prompt]
	c.answered[prompt]++
	if n >= c.answers(prompt) {
		return []byte{terminal.KeyCancel}
	}
	switch prompt {
	case "confirm":
		return []byte{terminal.KeyEnter}
	case "ask-reason": // why something is set aside: by hand
		return []byte{'3'}
	case "amount", "ask-amount":
		return amountKeys(c.task.Amount)
	case "ask-cash-back":
		return amountKeys(c.task.CashBack)
	case "ask-tip":
		return amountKeys(c.tip())
	}
	text := c.text(prompt, n, l)
	if text == "" {
		return []byte{terminal.KeyCancel}
	}
	return append([]byte(text), terminal.KeyEnter)
}

// answers is how often the clerk has an answer to a prompt.
func (c *customer) answers(prompt terminal.Key) int {
	if prompt == "ask-password" {
		return max(1, len(c.task.Passwords))
	}
	return 1
}

// tip is what the cardholder gives: of an adjustment, its amount.
func (c *customer) tip() Money {
	if c.task.Function == terminal.FunctionTipAdjust {
		return c.task.Amount
	}
	return c.task.Tip
}

// text is the digits that answer a prompt for the n-th time.
func (c *customer) text(prompt terminal.Key, n int, l *Library) string {
	switch prompt {
	case "ask-password":
		if n < len(c.task.Passwords) {
			return c.task.Passwords[n].digits
		}
		if c.task.Function == terminal.FunctionOperatorLogin {
			return clerkPassword
		}
		return supervisorPassword
	case "ask-operator":
		if c.task.Operator != "" {
			return c.task.Operator
		}
		return clerkNumber
	case "ask-parts":
		return strconv.Itoa(c.task.Parts)
	case "ask-code":
		return l.Wallet(c.task.Wallet).Code
	case "ask-card-number", "ask-expiry":
		p := l.Card(c.card)
		if p == nil {
			return ""
		}
		if prompt == "ask-card-number" {
			return p.PAN.Digits()
		}
		return p.Expiry.YYMM()
	}
	return c.slip(prompt)
}

// slip is what the original's receipt says.
func (c *customer) slip(prompt terminal.Key) string {
	rec := c.original
	if rec == nil {
		if prompt == "ask-stan" {
			return c.task.Of.STAN
		}
		return ""
	}
	switch prompt {
	case "ask-stan":
		return rec.STAN
	case "ask-batch":
		return rec.Batch
	case "ask-rrn":
		return rec.RRN
	case "ask-auth-code":
		return rec.Auth
	case "ask-date":
		if rec.HostDate != "" {
			return rec.HostDate
		}
		return rec.Date
	}
	return ""
}
