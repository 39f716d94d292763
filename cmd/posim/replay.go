package main

import (
	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/scenario"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	json  bool
	seed  uint64
	lang  language
	naive string
	from  []string
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use: "replay ID", Short: "run one scenario again and tell its story",
		Long: `replay runs what an ID names and tells its story.

An ID is SCENARIO#seed=N, whose seed comes before --seed, and behind it ,FAULT for each fault that is added to the script's own; SCENARIO.7 is the
seventh run of an enumeration. A failed run prints its ID. Quote it: it holds characters that a shell reads.`,
		Example: `  posim replay W04
  posim replay --lang zh 'W02.4#seed=1'
  posim replay 'W09#seed=1,term[write#3].power-off(torn)'`,
		Args: exactly("ID"),
		RunE: func(_ *cobra.Command, args []string) error { return a.replay(f, args[0]) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			_, scripts, err := builtIn()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var ids []string
			for _, s := range scripts {
				ids = append(ids, s.ID+"\t"+s.Name)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object, with the story in it")
	c.Flags().StringArrayVar(&f.from, "from", nil, "look for the scenario in this script or folder `PATH`, not in the built-in library")
	seedFlag(c, &f.seed)
	naiveFlag(c, &f.naive)
	langFlag(c, &f.lang)
	return c
}

func (a *app) replay(f replayFlags, id string) error {
	naive, err := variant(f.naive)
	if err != nil {
		return err
	}
	library, scripts, err := a.load(f.from)
	if err != nil {
		return err
	}
	r := &report{}
	o := optionsOf(f.seed, naive)
	o.Story = func(l scenario.Line) { r.story = append(r.story, l) }
	began := a.now()
	if r.Result, err = library.Replay(scripts, id, o); err != nil {
		return misuse("%w (posim run lists the scenarios)", err)
	}
	r.Wall = a.now().Sub(began)
	if f.json {
		err = writeJSON(a.stdout, jsonReport{Version: posim.Version, Seed: &r.Seed, Naive: f.naive, Scenarios: jsonScenarios([]*report{r}, f.lang),
			Totals: total([]*report{r}, r.Wall).json()})
	} else {
		t := &text{w: a.stdout, lang: f.lang, colours: a.colours, verbose: true, paths: f.from, naive: naive}
		t.report(r)
	}
	if err != nil {
		return err
	}
	if !r.Passed {
		return failed(nil)
	}
	return nil
}
