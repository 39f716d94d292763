package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/posim/posim/internal/vectors"
)

func (a *app) vectorsCommand() *cobra.Command {
	var asJSON, verbose bool
	c := &cobra.Command{
		Use: "vectors PATH...", Short: "recompute known answers and compare every field",
		Long: `vectors runs known-answer files, of folders all that end in .json. A file names its layout, one of
  ` + strings.Join(vectors.Layouts(), "\n  ") + `
A layout, a step or a field that is not known is a failure, and so is an input that is missing: nothing is skipped. A line
names file, vector, field, what was computed and what was expected; keys and PINs are shown as a digest.
The exit status is 0 when every vector passed, 1 when one failed, 2 when a path cannot be read.`,
		Example: "  posim vectors testdata/vectors/emv\n  posim vectors -v --json testdata/vectors/cup/CUP-MAC-002.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("vectors: want files or folders")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.vectors(args, verbose, asJSON) },
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "list the vectors that passed as well")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// jsonVector is what came of a vector in --json.
type jsonVector struct {
	File     string              `json:"file"`
	ID       string              `json:"id,omitempty"` // empty: the file as a whole
	Passed   bool                `json:"passed"`
	Failures []jsonVectorFailure `json:"failures,omitempty"`
}

type jsonVectorFailure struct {
	Field string `json:"field"`
	Got   string `json:"got"`
	Want  string `json:"want"`
}

func (a *app) vectors(paths []string, verbose, asJSON bool) error {
	results, err := vectors.Paths(paths...)
	if err != nil {
		return misuse("%w", err)
	}
	passed := 0
	var list []jsonVector
	var text strings.Builder
	for _, r := range results {
		if r.Passed() {
			passed++
		}
		if r.Passed() && !verbose {
			continue
		}
		v := jsonVector{File: r.File, ID: r.ID, Passed: r.Passed()}
		if v.Passed {
			fmt.Fprintf(&text, "%s: passed\n", placeOf(r))
		}
		for _, f := range r.Failures {
			v.Failures = append(v.Failures, jsonVectorFailure(f))
			fmt.Fprintf(&text, "%s: %v\n", placeOf(r), f)
		}
		list = append(list, v)
	}
	failures := len(results) - passed
	if asJSON {
		err = writeJSON(a.stdout, struct {
			Vectors []jsonVector `json:"vectors"` // those that failed; with --verbose all
			Passed  int          `json:"passed"`
			Failed  int          `json:"failed"`
		}{append([]jsonVector{}, list...), passed, failures})
	} else {
		err = a.print(fmt.Sprintf("%s%d passed, %d failed\n", text.String(), passed, failures))
	}
	if err == nil && failures > 0 {
		return failed(nil)
	}
	return err
}

// placeOf is file and vector.
func placeOf(r vectors.Result) string {
	if r.ID == "" {
		return r.File
	}
	return r.File + ": " + r.ID
}
