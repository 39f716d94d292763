package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/hsm/clear"
)

func (a *app) hsmDUKPTCommand() *cobra.Command {
	return hsmGroup(&cobra.Command{
		Use: "dukpt", Short: "derived unique keys per transaction, of TDES (X9.24-1) and AES (X9.24-3)",
		Example: "  posim hsm dukpt derive --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn FFFF9876543210E00001\n" +
			"  posim hsm dukpt next --ksn FFFF9876543210E00001 --count 3",
	}, "derive or next", a.hsmDeriveCommand(), a.hsmNextCommand())
}

func (a *app) hsmDeriveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "derive", Short: "all keys of a transaction",
		Long: `derive shows initial key, transaction key and all working keys of a key serial number: of 10 bytes by TDES DUKPT (a shorter one has
FF in front), of 12 bytes by AES DUKPT. Working keys of AES DUKPT are of --algorithm, one of
  ` + strings.Join(clear.WorkingAlgorithms(), ", ") + `
and of AES128 if it is not said. Counter 0 has an initial key only. --last is the number that a host has seen last of this device: one
that is not newer is refused.
`,
		Example: "  posim hsm dukpt derive --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn FFFF9876543210E00001\n" +
			"  posim hsm dukpt derive --bdk FEDCBA9876543210F1F1F1F1F1F1F1F1 --ksn 123456789012345600000001\n" +
			"  posim hsm dukpt derive --ik 1273671EA26AC29AFA4D1084127652A1 --ksn 123456789012345600000002 --algorithm HMAC128 --last 123456789012345600000001",
	}
	f := c.Flags()
	strictFlag(f)
	f.String("bdk", "", "the base derivation `KEY`")
	f.String("ik", "", "the initial `KEY` of the device instead of it")
	f.String("ksn", "", "the key serial `NUMBER`, 10 or 12 bytes")
	f.String("last", "", "the `NUMBER` of the device's last transaction")
	f.String("algorithm", "", "AES DUKPT: the working keys' `ALGORITHM`")
	_ = c.RegisterFlagCompletionFunc("algorithm", cobra.FixedCompletions(clear.WorkingAlgorithms(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return a.calculator(c, derive)
}

// ksn is a key serial number.
func (in *hsmInput) ksn(flag string) clear.KSN {
	b := in.hex(flag)
	if in.err != nil {
		return clear.KSN{}
	}
	k, err := clear.ParseKSN(b)
	in.fail(err)
	return k
}

func derive(in *hsmInput) (*hsmReport, error) {
	ksn := in.ksn("ksn")
	among, algorithm := clear.TDES, "TDES2"
	if ksn.AES() {
		among, algorithm = clear.AES, "AES128"
		if in.given("algorithm") {
			algorithm = strings.ToUpper(in.text("algorithm"))
			in.fail(clear.CheckWorkingAlgorithm(algorithm))
		}
	} else {
		in.refuse("a KSN of TDES DUKPT", "algorithm")
	}
	from := in.one("bdk", "ik")
	if in.err != nil {
		return nil, nil
	}
	initial := in.key(from, among)
	if in.given("last") {
		if last := in.ksn("last"); in.err == nil {
			in.fail(clear.CheckNewer(ksn, last))
		}
	}
	if in.err != nil {
		return nil, nil
	}
	if from == "bdk" {
		var err error
		if initial, err = clear.InitialKey(initial, ksn); err != nil {
			return nil, err
		}
	}
	r := &hsmReport{}
	r.add("ksn", "KSN", ksn.String(), fmt.Sprintf("counter %d", ksn.Counter()))
	r.set("counter", ksn.Counter())
	r.key("ik", "initial key", initial)
	if ksn.AES() {
		if err := r.updateKey(initial, ksn, algorithm); err != nil {
			return nil, err
		}
	}
	if ksn.Counter() == 0 {
		return r, nil
	}
	txn, err := clear.TransactionKey(initial, ksn, false)
	if err != nil {
		return nil, err
	}
	r.key("txn_key", "transaction key", txn)
	return r, r.workingKeys(txn, ksn, algorithm)
}

// updateKey adds the key under which a device gets its next initial key: never of HMAC.
func (r *hsmReport) updateKey(initial clear.Key, ksn clear.KSN, algorithm string) error {
	if strings.HasPrefix(algorithm, "HMAC") {
		return nil
	}
	k, err := clear.UpdateKey(initial, ksn, algorithm)
	if err != nil {
		return err
	}
	r.key("update_key", "update key", k)
	return nil
}

// working is what a working key is for: its name in hsm/clear, in known answers of TDES and AES DUKPT, and for people.
type working struct{ use, tdes, aes, label string }

var workings = []working{
	{"pin", "pin_key", "pin", "PIN key"},
	{"mac-request", "mac_request_key", "mac_gen", "MAC key, request"},
	{"mac-response", "mac_response_key", "mac_ver", "MAC key, response"},
	{"mac-both", "", "mac_both", "MAC key, both ways"},
	{"data-request", "data_request_key", "data_enc", "data key, request"},
	{"data-response", "data_response_key", "data_dec", "data key, response"},
	{"data-both", "", "data_both", "data key, both ways"},
	{"key-encryption", "", "kek", "key encryption key"},
}

// workingKeys adds the keys of all uses that an algorithm can have.
func (r *hsmReport) workingKeys(txn clear.Key, ksn clear.KSN, algorithm string) error {
	for _, w := range workings {
		name := w.tdes
		if ksn.AES() {
			name = w.aes + "_" + strings.ToLower(algorithm)
		}
		if name == "" || strings.HasPrefix(algorithm, "HMAC") && !strings.HasPrefix(w.use, "mac") {
			continue // X9.24-1 has one key for a request and for both ways; HMAC is for MACs
		}
		k, err := clear.WorkingKey(txn, ksn, w.use, algorithm)
		if err != nil {
			return err
		}
		r.key(name, w.label, k)
	}
	return nil
}

// maxKSNs is how many numbers are listed.
const maxKSNs = 10_000

func (a *app) hsmNextCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "next", Short: "the key serial number of the next transaction",
		Long: `next shows the key serial number that a device uses next, or the next few. Counters with more than 10 (TDES) or 16 (AES) one-bits are
left out. After the last one there is none: the device needs a new initial key.
`,
		Example: "  posim hsm dukpt next --ksn FFFF9876543210E00000\n" +
			"  posim hsm dukpt next --ksn FFFF9876543210E00000 --count 5 --json",
	}
	c.Flags().String("ksn", "", "the key serial `NUMBER`, 10 or 12 bytes")
	count := c.Flags().Int("count", 1, "how many `NUMBERS`, at most 10000")
	return a.calculator(c, func(in *hsmInput) (*hsmReport, error) { return nextKSNs(in, *count) })
}

func nextKSNs(in *hsmInput, count int) (*hsmReport, error) {
	if count < 1 || count > maxKSNs {
		in.misuse("--count %d: want 1 to %d", count, maxKSNs)
	}
	ksn := in.ksn("ksn")
	if in.err != nil {
		return nil, nil
	}
	r := &hsmReport{}
	r.add("ksn", "KSN", ksn.String(), fmt.Sprintf("counter %d", ksn.Counter()))
	r.set("total_transactions", clear.Transactions(ksn))
	all := []string{}
	var err error
	for range count {
		var next clear.KSN
		if next, err = clear.NextKSN(ksn); err != nil {
			break
		}
		ksn = next
		if all = append(all, ksn.String()); len(all) == 1 {
			r.set("next", ksn.String())
		}
		r.row("next", ksn.String(), fmt.Sprintf("counter %d", ksn.Counter()))
	}
	r.set("exhausted", err != nil)
	r.set("all", all)
	return r, err
}
