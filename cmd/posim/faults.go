package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal/tui"
)

func (a *app) faultsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "faults", Short: "list what can go wrong, and how it is written",
		Long: `faults lists the fault catalogue, a line for each.

A fault is SEAM[EVENT#N].KIND(ARG). #N is the N-th such event since the fault was armed, the first if it is left out; #N+ is
that one and all after it, #* is all. A fault without brackets is a state: it begins when it is armed.`,
		Example: `  posim faults
  posim faults --json
  posim replay 'W01#seed=1,net.rsp[0210].lose'`,
		Args: none,
		RunE: func(*cobra.Command, []string) error { return a.faults(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

type jsonFaults struct {
	Version string      `json:"version"`
	Faults  []jsonFault `json:"faults"`
}

type jsonFault struct {
	Seams    []string `json:"seams"`
	Event    string   `json:"event,omitempty"` // an example of it; a state fault has none
	Kind     string   `json:"kind"`
	About    string   `json:"about"`
	RealTime bool     `json:"real_time_only,omitempty"`
}

func (a *app) faults(asJSON bool) error {
	all := scenario.Catalogue()
	if asJSON {
		out := jsonFaults{Version: posim.Version}
		for _, e := range all {
			out.Faults = append(out.Faults, jsonFault{e.Seams, e.Event, e.Form, e.About, e.RealTime})
		}
		return writeJSON(a.stdout, out)
	}
	last := ""
	for _, e := range all {
		place := strings.Join(e.Seams, ", ")
		if e.Event != "" {
			place += " at " + e.Event
		}
		if place != last {
			fmt.Fprintf(a.stdout, "%s\n", place)
			last = place
		}
		about := e.About
		if e.RealTime {
			about += " (of real time: not applicable in virtual time, and refused)"
		}
		fmt.Fprintf(a.stdout, "  %s  %s\n", tui.Pad(e.Form, 38), about)
	}
	return nil
}
