package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/posim/posim"
	"github.com/posim/posim/terminal"
)

const usage = `posim is a POS terminal in software: card sessions run in virtual time, and the money is watched.

usage:
  posim                          a terminal on the screen (also posim tui; ? shows its keys)
  posim run [PATH...]            run scripts: the built-in library, or files and folders
  posim replay ID                run one scenario, or one run of it, and tell its story
  posim explore [PATH...]        try every fault at every event, and let the money judge
  posim faults                   what can go wrong, and how it is written
  posim host                     acquirer, switch and issuer behind one TCP listener
  posim reader list              card readers (also monitor, apdu, emulate)
  posim card list                the cards that scripts can name
  posim card show NAME           one card (also keys: new RSA keys for one)
  posim decode KIND HEX          name the parts of a message (iso), of card data (tlv, dol, cvm, tvr, tsi, aip, auc, cid),
                                 of a command or response (apdu), of an answer to reset (atr); - reads standard input
  posim emv explain CARD         why a card says yes or no: every decision of the kernel, with its rule
  posim emv replay FILE...       run recorded transactions again (posim run --record FILE makes them)
  posim emv tags [WORD|TAG...]   the dictionary of EMV data elements
  posim hsm CALCULATION          the payment calculator, for test keys: pinblock, kcv, mac, dukpt, tr31, cvv, pvv, offset,
                                 components, arqc, arpc, sm4
  posim hsm inject               keys into a terminal's security module (also list, tamper)
  posim saf list --data DIR      what a terminal still has to send (also retry, park)
  posim trace --data DIR         where the money of a transaction is, why, and what happens next
  posim vectors PATH...          recompute known answers and compare every field
  posim version                  the version
  posim completion SHELL         a completion script for bash, zsh, fish or powershell
  posim help COMMAND             the flags of a command

examples:
  posim run
  posim run --verbose --lang zh testdata/scenarios/W04-approval-lost.yaml
  posim run --json --seed 7 testdata/scenarios/
  posim run --junit report.xml
  posim run --naive no-wal       leave a rule out, and see the judge object
  posim explore --for 60s        a swarm: many sales, many faults
  posim run --keep runs testdata/scenarios/W04-approval-lost.yaml
  posim trace --data runs/W04 --stan 000002 --lang zh
  posim replay 'W09#seed=1,term[write#3].power-off(torn)'
  posim card show visa-credit
  posim emv explain visa-offline --amount 500.00 --no-line
  posim decode tlv 9F0206000000010000
  posim decode tvr 8000048000

exit status:
  0  all passed
  1  a scenario failed, or the input cannot be decoded
  2  wrong arguments, or a script that does not parse (nothing was run)
`

// root is the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "posim", Version: posim.Version, SilenceErrors: true, SilenceUsage: true, Args: noCommand,
		RunE: func(*cobra.Command, []string) error { return a.start() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate("posim {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse("%w (%s --help lists the flags)", err, c.CommandPath())
	})
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if c == root {
			_ = a.print(usage) // the sink keeps the error
			return
		}
		help(c, args)
	})
	root.AddCommand(a.runCommand(), a.replayCommand(), a.exploreCommand(), a.faultsCommand(), a.hostCommand(), a.readerCommand(), a.cardCommand(), a.decodeCommand(), a.emvCommand(), a.vectorsCommand(), a.hsmCommand(), a.safCommand(), a.traceCommand(), a.reportCommand(), a.versionCommand(), a.tuiCommand())
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultCompletionCmd() // cobra's, which would take any word for a shell
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Example = "  posim completion bash > /etc/bash_completion.d/posim"
			group(c, "bash, zsh, fish or powershell")
		}
	}
	return root
}

// helpCommand shows the help of a command; unlike cobra's own it refuses what is none.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "show the usage, or the flags of a command", Example: "  posim help run\n  posim help decode iso",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err == nil && len(rest) > 0 {
				err = noCommand(c, rest)
			}
			if err != nil {
				return err
			}
			return c.Help()
		},
	}
}

// noCommand refuses what is no command of c.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	var close []string
	for c.SuggestionsMinimumDistance = 1; len(close) == 0 && c.SuggestionsMinimumDistance <= 2; c.SuggestionsMinimumDistance++ { // the nearest
		close = c.SuggestionsFor(args[0])
	}
	if len(close) > 0 {
		text += fmt.Sprintf(": did you mean %s %s?", c.CommandPath(), close[0])
	} else {
		text += fmt.Sprintf(" (%s help lists the commands)", c.Root().CommandPath())
	}
	return misuse("%s", text)
}

// group is a command that only has others under it.
func group(c *cobra.Command, want string) *cobra.Command {
	c.Args = noCommand
	c.RunE = func(c *cobra.Command, _ []string) error { return misuse("%s: want %s", c.Name(), want) }
	return c
}

// exactly wants one argument and says its name.
func exactly(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return misuse("%s: want one %s, found %d arguments", c.Name(), name, len(args))
		}
		return nil
	}
}

// none wants no argument.
func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misuse("%s: want no argument, found %d", c.Name(), len(args))
	}
	return nil
}

func (a *app) print(s string) error {
	if _, err := fmt.Fprint(a.stdout, s); err != nil {
		return failed(err)
	}
	return nil
}

// language is the flag --lang.
type language terminal.Lang

var _ pflag.Value = (*language)(nil)

// String is the language as it is typed.
func (l *language) String() string {
	if terminal.Lang(*l) == terminal.Chinese {
		return "zh"
	}
	return "en"
}

// Set takes en or zh.
func (l *language) Set(s string) error {
	lang, err := terminal.ParseLang(s)
	*l = language(lang)
	return err
}

// Type is what the help calls the value.
func (l *language) Type() string { return "en|zh" }

func langFlag(c *cobra.Command, l *language) {
	c.Flags().Var(l, "lang", "language of names, headings and the story")
	_ = c.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en", "zh"}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}
