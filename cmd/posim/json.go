package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// The shapes of --json. Field names are stable: others read them. Only the fields wall_ms differ between two runs with one
// seed.

type jsonReport struct {
	Version   string         `json:"version"`
	Seed      *uint64        `json:"seed,omitempty"`  // not in real time
	Naive     string         `json:"naive,omitempty"` // the naive variant
	Scenarios []jsonScenario `json:"scenarios"`
	Totals    jsonTotals     `json:"totals"`
}

type jsonScenario struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	File      string            `json:"file"`
	Verdict   string            `json:"verdict"` // ok, fail
	End       string            `json:"end"`     // F0, F1, F2, F3, FX; of several transactions joined: "F2, F1"
	Money     map[string]string `json:"money"`   // positions with two decimals
	EventHash string            `json:"event_hash"`
	Virtual   string            `json:"virtual"` // as people read it: 2 d 04:00:12.000
	VirtualMS int64             `json:"virtual_ms"`
	WallMS    float64           `json:"wall_ms"`
	Runs      int               `json:"runs"`
	Failure   *jsonFailure      `json:"failure,omitempty"`
	Hidden    []string          `json:"not_observable,omitempty"` // expectations that this house cannot judge
	Story     []jsonLine        `json:"story,omitempty"`
}

type jsonFailure struct {
	Run        string          `json:"run"`
	Error      string          `json:"error,omitempty"`
	File       string          `json:"file,omitempty"`
	Line       int             `json:"line,omitempty"`
	Column     int             `json:"column,omitempty"`
	Violations []jsonViolation `json:"violations"`
	Where      string          `json:"where"`
	Replay     string          `json:"replay"` // what posim replay takes
}

type jsonViolation struct {
	Invariant string `json:"invariant"`
	Text      string `json:"text"`
}

type jsonLine struct {
	AtMS int64  `json:"at_ms"`
	Kind string `json:"kind"`
	Dir  string `json:"dir,omitempty"`
	Text string `json:"text"`
	Note string `json:"note,omitempty"`

	Decision *jsonDecision `json:"decision,omitempty"`
}

// jsonDecision is what the EMV kernel decided.
type jsonDecision struct {
	Rule      string      `json:"rule"`
	Book      string      `json:"book"`
	Text      string      `json:"text"`
	Inputs    []jsonInput `json:"inputs,omitempty"`
	TVRBefore string      `json:"tvr_before"`
	TVR       string      `json:"tvr"`
	TSIBefore string      `json:"tsi_before"`
	TSI       string      `json:"tsi"`
	Changed   []string    `json:"changed,omitempty"` // +bit set, -bit cleared
}

type jsonInput struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func jsonDecisionOf(d *emv.Decision) *jsonDecision {
	if d == nil {
		return nil
	}
	j := &jsonDecision{
		Rule: d.Rule.String(), Book: d.Rule.Book(), Text: d.Text, Changed: d.Changed(),
		TVRBefore: fmt.Sprintf("%X", d.TVRBefore), TVR: fmt.Sprintf("%X", d.TVR),
		TSIBefore: fmt.Sprintf("%X", d.TSIBefore), TSI: fmt.Sprintf("%X", d.TSI),
	}
	for _, in := range d.Inputs {
		j.Inputs = append(j.Inputs, jsonInput{in.Name, in.Value})
	}
	return j
}

type jsonTotals struct {
	Scenarios int     `json:"scenarios"`
	Passed    int     `json:"passed"`
	Failed    int     `json:"failed"`
	Runs      int     `json:"runs"`
	Virtual   string  `json:"virtual"`
	VirtualMS int64   `json:"virtual_ms"`
	WallMS    float64 `json:"wall_ms"`
}

func (s summary) json() jsonTotals {
	return jsonTotals{
		Scenarios: s.passed + s.failed, Passed: s.passed, Failed: s.failed, Runs: s.runs,
		Virtual: virtualTime(s.virtual), VirtualMS: s.virtual.Milliseconds(), WallMS: milliseconds(s.wall),
	}
}

func jsonScenarios(all []*report, lang language) []jsonScenario {
	out := make([]jsonScenario, 0, len(all))
	for _, r := range all {
		out = append(out, jsonOf(r, lang))
	}
	return out
}

func jsonOf(r *report, lang language) jsonScenario {
	s := jsonScenario{
		ID: r.ID, Name: r.Name, File: r.File, Verdict: "ok", End: r.End, Money: map[string]string{},
		EventHash: hashText(r.EventHash), Virtual: virtualTime(r.Virtual), VirtualMS: r.Virtual.Milliseconds(),
		WallMS: milliseconds(r.Wall), Runs: r.Runs, Hidden: r.Hidden,
	}
	if terminal.Lang(lang) == terminal.Chinese && r.Zh != "" {
		s.Name = r.Zh
	}
	if !r.Passed {
		s.Verdict = "fail"
	}
	for party, n := range r.Money {
		s.Money[party] = n.String()
	}
	if r.Failure != nil {
		s.Failure = jsonFailureOf(r.Failure)
	}
	for _, l := range r.story {
		s.Story = append(s.Story, jsonLine{AtMS: l.At.Milliseconds(), Kind: l.Kind, Dir: l.Dir, Text: l.In(terminal.Lang(lang)), Note: l.Note, Decision: jsonDecisionOf(l.Decision)})
	}
	return s
}

// hashText is a hash in two halves: sixteen digits in a row may happen to be a card number, and would be masked.
func hashText(h uint64) string { return fmt.Sprintf("%08x:%08x", h>>32, uint32(h)) }

func jsonFailureOf(f *scenario.Failure) *jsonFailure {
	out := &jsonFailure{Run: f.Run, Violations: []jsonViolation{}, Where: f.Where, Replay: f.Replay}
	var e *scenario.Error
	switch {
	case errors.As(f.Err, &e):
		out.Error, out.File, out.Line, out.Column = e.Msg, e.File, e.Line, e.Column
	case f.Err != nil:
		out.Error = f.Err.Error()
	}
	for _, v := range f.Violations {
		out.Violations = append(out.Violations, jsonViolation{v.Invariant, v.Text})
	}
	return out
}

// milliseconds has three decimals.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return failed(err)
	}
	return nil
}
