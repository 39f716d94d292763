package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/posim/posim"
	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/transcript"
)

// maxTranscript is how many bytes of a file are read.
const maxTranscript = 2 << 20

func (a *app) transcriptCommand() *cobra.Command {
	var asJSON, explain, verbose bool
	c := &cobra.Command{
		Use: "replay FILE...", Short: "run recorded card transactions through the kernel again, and compare",
		Long: `replay runs each FILE (layout emv-transcript/1, as posim run --record writes it) through the EMV kernel. The card answers as
it did; every command and every value of the end must be as recorded: outcome, TVR, TSI, CVM results, cryptograms. --explain
shows every decision too. The exit status is 0 when nothing differs, 1 when something does, 2 when a FILE is no transcript.`,
		Example: "  posim run --record sale.json testdata/scenarios/W01-sale-paid.yaml\n  posim emv replay sale.json\n  posim emv replay --explain sale.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			return a.replayTranscripts(files, asJSON, explain, verbose)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&explain, "explain", false, "show every decision, and why it ended so")
	c.Flags().BoolVar(&verbose, "verbose", false, "with --explain: show what each decision looked at")
	return c
}

func readTranscript(file string) (*transcript.Transcript, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, misuse("%w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxTranscript))
	if err != nil {
		return nil, misuse("%w", err)
	}
	t, err := transcript.Parse(file, src)
	if err != nil {
		return nil, misuse("%w", err)
	}
	return t, nil
}

type jsonTranscript struct {
	File        string          `json:"file"`
	ID          string          `json:"id"`
	Outcome     string          `json:"outcome"`
	Exchanges   int             `json:"exchanges"`
	Differences []string        `json:"differences"`
	Decisions   []*jsonDecision `json:"decisions,omitempty"`
	Because     []*jsonDecision `json:"because,omitempty"`
}

func (a *app) replayTranscripts(files []string, asJSON, explain, verbose bool) error {
	out := struct {
		Version     string           `json:"version"`
		Transcripts []jsonTranscript `json:"transcripts"`
	}{posim.Version, []jsonTranscript{}}
	differ := 0
	for _, file := range files {
		t, err := readTranscript(file)
		if err != nil {
			return err
		}
		var e explained
		r, err := t.Run(func(d emv.Decision) { e.decisions = append(e.decisions, d) })
		if err != nil {
			return failed(fmt.Errorf("%s: %w", file, err))
		}
		if len(r.Differences) > 0 {
			differ++
		}
		if !asJSON {
			if err := a.printReplay(file, t, r, &e, explain, verbose); err != nil {
				return err
			}
			continue
		}
		j := jsonTranscript{File: file, ID: t.ID, Outcome: r.Outcome.Result.String(), Exchanges: r.Exchanges, Differences: []string{}}
		for _, d := range r.Differences {
			j.Differences = append(j.Differences, d.String())
		}
		if explain {
			j.Decisions, j.Because = jsonDecisions(e.decisions), jsonDecisions(emv.Because(e.decisions))
		}
		out.Transcripts = append(out.Transcripts, j)
	}
	if asJSON {
		if err := writeJSON(a.stdout, out); err != nil {
			return err
		}
	}
	if differ > 0 {
		return failed(nil)
	}
	return nil
}

func (a *app) printReplay(file string, t *transcript.Transcript, r *transcript.Report, e *explained, explain, verbose bool) error {
	if explain && len(e.decisions) > 0 {
		e.write(a.stdout, verbose)
		fmt.Fprintln(a.stdout)
	}
	verdict := "the same"
	if len(r.Differences) > 0 {
		verdict = "DIFFERS"
	}
	fmt.Fprintf(a.stdout, "%s  %s: %s, %d commands, %s\n", verdict, file, t.ID, r.Exchanges, r.Outcome.Result)
	for _, d := range r.Differences {
		fmt.Fprintf(a.stdout, "  %s\n", d)
	}
	return nil
}
