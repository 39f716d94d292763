package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

// The calculator prints what it computes, derived keys and PINs among it, because that is what was asked. So it is for test keys, and
// says so in every help and on standard error before anything else; a number that may be somebody's card is refused.
const testKeysOnly = "test keys only: what is computed is printed, and arguments stay in the shell's history"

func (a *app) hsmCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "hsm", Short: "the payment calculator, and the keys of a terminal's security module",
		Long: "inject, list and tamper work on the module of a terminal's data directory, which never shows a key. Everything else is a calculator:\n" +
			"it computes what a security module computes, on keys that are given to it.\n" + calculatorHelp,
		Example: "  posim hsm kcv --cipher tdes --key 0123456789ABCDEFFEDCBA9876543210\n" +
			"  posim hsm dukpt next --ksn FFFF9876543210E00000\n" +
			"  posim hsm inject --data till --terminal dukpt-aes\n" +
			"  posim hsm list --data till",
	}, "inject, list or tamper, or pinblock, kcv, mac, dukpt, tr31, cvv, pvv, offset, components, arqc, arpc or sm4")
	c.AddCommand(a.hsmPINBlockCommand(), a.hsmKCVCommand(), a.hsmMACCommand(), a.hsmDUKPTCommand(), a.hsmTR31Command(), a.hsmCVVCommand(),
		a.hsmPVVCommand(), a.hsmOffsetCommand(), a.hsmComponentsCommand(), a.hsmARQCCommand(), a.hsmARPCCommand(), a.hsmSM4Command())
	c.AddCommand(a.hsmStoreCommands()...)
	return c
}

const calculatorHelp = `
Test keys only: what is computed is printed, and arguments stay in the shell's history. Every value may also be @FILE, or - for
standard input. Keys and data are hexadecimal digits, white space between them does not count. Card numbers must be published test
numbers, or none at all (a wrong check digit); they are masked.
The exit status is 1 when something does not verify or a key serial number has no successor, 2 when an input cannot be used.`

// calculation is a command of the calculator: it reads its flags through in, and reports what it computed. A report comes with an
// error where what was computed is not what was to be verified.
type calculation func(in *hsmInput) (*hsmReport, error)

// calculator completes a command with what all of them share.
func (a *app) calculator(c *cobra.Command, compute calculation) *cobra.Command {
	var asJSON bool
	c.Long += calculatorHelp
	if c.Args == nil {
		c.Args = none
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		fmt.Fprintf(a.stderr, "posim: hsm: %s\n", testKeysOnly)
		in := &hsmInput{a: a, flags: c.Flags(), name: c.CommandPath()[len("posim "):], args: args}
		r, err := compute(in)
		if in.err != nil { // the first thing that is wrong is an input
			return verdict(in.err)
		}
		if r != nil {
			if err := a.printReport(r, in.keys, asJSON); err != nil {
				return err
			}
		}
		return verdict(err)
	}
	return c
}

// verdicts are the errors of inputs that are well-formed and do not hold what they claim.
var verdicts = []error{
	clear.ErrMAC, clear.ErrCheckValue, clear.ErrBlock, clear.ErrKeyBlockMAC, clear.ErrKeyBlockCheck, clear.ErrExhausted, clear.ErrStale,
}

// verdict gives an error its exit status.
func verdict(err error) error {
	if f := (*failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	for _, v := range verdicts {
		if errors.Is(err, v) {
			return failed(err)
		}
	}
	return misuse("%w", err)
}

// hsmGroup is a group of calculations.
func hsmGroup(c *cobra.Command, want string, under ...*cobra.Command) *cobra.Command {
	c.Long = c.Short + ".\n" + calculatorHelp
	group(c, want).AddCommand(under...)
	return c
}

// printReport prints a report. What of it may hold a card number is masked already; the sink, which would take one key in a few
// thousand for a card's number, is passed by.
func (a *app) printReport(r *hsmReport, keys []hsmKey, asJSON bool) error {
	text := r.text(keys)
	if asJSON {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(r.object(keys)); err != nil {
			return failed(err)
		}
		text = b.String()
	}
	w := a.stdout
	if s, ok := w.(*sink); ok {
		w = s.unmasked()
	}
	if _, err := io.WriteString(w, text); err != nil {
		return failed(err)
	}
	return nil
}
