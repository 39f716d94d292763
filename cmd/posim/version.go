package main

import (
	"github.com/spf13/cobra"

	"github.com/posim/posim"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Example: "  posim version", Args: none,
		RunE: func(*cobra.Command, []string) error { return a.print("posim " + posim.Version + "\n") },
	}
}
