package main

import "github.com/spf13/cobra"

func (a *app) hsmCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use: "hsm", Short: "the keys of a terminal's security module",
		Example: "  posim hsm list --data DIR",
	}, "inject, list or tamper")
	c.AddCommand(a.hsmStoreCommands()...)
	return c
}
