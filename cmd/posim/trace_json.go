package main

import (
	"fmt"

	"github.com/posim/posim/host"
	"github.com/posim/posim/scenario"
	"github.com/posim/posim/terminal"
)

// traceVersion is the form of trace --json.
const traceVersion = 1

// jsonTraces is what trace --json prints. Amounts are minor units. Every sentence has its id and its facts, and the text of --lang.
type jsonTraces struct {
	Version      int          `json:"version"`
	Transactions []jsonTraced `json:"transactions"`
}

type jsonTraced struct {
	Terminal  string         `json:"terminal,omitempty"`
	Merchant  string         `json:"merchant,omitempty"`
	STAN      string         `json:"stan"`
	Batch     string         `json:"batch,omitempty"`
	RRN       string         `json:"rrn,omitempty"`
	Kind      string         `json:"kind"`
	Amount    int64          `json:"amount"`
	Currency  string         `json:"currency,omitempty"`
	Card      string         `json:"card,omitempty"`
	At        string         `json:"at,omitempty"`
	Answer    string         `json:"answer"`
	Beliefs   []jsonBelief   `json:"beliefs"`
	Timeline  []jsonMoment   `json:"timeline"`
	Money     []jsonHolding  `json:"money"`
	Place     jsonPlace      `json:"place"`
	Cause     string         `json:"cause"`
	CauseText jsonSaying     `json:"cause_text"`
	ByItself  bool           `json:"by_itself"`
	On        string         `json:"on,omitempty"`
	Next      jsonSaying     `json:"next"`
	DutyOf    string         `json:"duty_of,omitempty"`
	Duty      jsonSaying     `json:"duty"`
	Items     []jsonItemOpen `json:"items"`
	AtRest    bool           `json:"at_rest"`
	Related   []jsonRelated  `json:"related"`
}

type jsonSaying struct {
	ID    string            `json:"id"`
	Facts map[string]string `json:"facts,omitempty"`
	Text  string            `json:"text"`
}

type jsonBelief struct {
	Party string `json:"party"`
	jsonSaying
}

type jsonMoment struct {
	At    string           `json:"at"`
	Party string           `json:"party"`
	STAN  string           `json:"stan"`
	Moved []host.Posting   `json:"moved,omitempty"`
	Money map[string]int64 `json:"money,omitempty"` // every position from then on
	jsonSaying
}

type jsonHolding struct {
	Position string `json:"position"`
	Party    string `json:"party"`
	Amount   int64  `json:"amount"`
}

type jsonPlace struct {
	jsonHolding
	jsonSaying
}

type jsonItemOpen struct {
	Party    string `json:"party"`
	Owner    string `json:"owner"`
	Amount   int64  `json:"amount"`
	Deadline string `json:"deadline,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Bearer   string `json:"bearer,omitempty"`
	Type     string `json:"type"`
	Stage    string `json:"stage"`
}

type jsonRelated struct {
	STAN   string `json:"stan"`
	Batch  string `json:"batch,omitempty"`
	Kind   string `json:"kind"`
	Amount int64  `json:"amount"`
	Cause  string `json:"cause"`
}

const instant = "2006-01-02T15:04:05.000"

func jsonFindings(all []*scenario.Finding, lang terminal.Lang) []jsonTraced {
	out := make([]jsonTraced, 0, len(all))
	for _, f := range all {
		out = append(out, jsonTracedOf(f, lang))
	}
	return out
}

func jsonTracedOf(f *scenario.Finding, lang terminal.Lang) jsonTraced {
	says := func(s scenario.Saying) jsonSaying { return jsonSaying{s.ID, s.Facts, s.In(lang)} }
	j := jsonTraced{
		Terminal: f.Key.TID, Merchant: f.Key.MID, STAN: f.Key.STAN, Batch: f.Key.Batch, RRN: f.RRN, Kind: f.Kind.String(), Amount: f.Amount, Currency: f.Currency,
		Card: f.Card, Answer: string(f.Answer), Cause: f.Cause.ID, CauseText: says(f.Cause), ByItself: f.Next.ByItself, On: f.Next.On, Next: says(f.Next.Says),
		DutyOf: f.Duty.Party, Duty: says(f.Duty.Says), AtRest: f.Rest, Place: jsonPlace{jsonHolding{f.Place.Position, f.Place.Party, f.Place.Amount}, says(f.PlaceSay)},
		Beliefs: []jsonBelief{}, Timeline: []jsonMoment{}, Money: []jsonHolding{}, Items: []jsonItemOpen{}, Related: []jsonRelated{},
	}
	if !f.At.IsZero() {
		j.At = f.At.Format(instant[:len("2006-01-02T15:04:05")])
	}
	for _, b := range f.Beliefs {
		j.Beliefs = append(j.Beliefs, jsonBelief{b.Party, says(b.Says)})
	}
	for _, m := range f.Timeline {
		j.Timeline = append(j.Timeline, jsonMoment{m.At.Format(instant), m.Party, m.STAN, m.Moved, m.Money, says(m.Says)})
	}
	for _, h := range f.Money {
		j.Money = append(j.Money, jsonHolding{h.Position, h.Party, h.Amount})
	}
	for _, i := range f.Items {
		j.Items = append(j.Items, jsonItemOpen(i))
	}
	for _, r := range f.Related {
		j.Related = append(j.Related, jsonRelated{r.Key.STAN, r.Key.Batch, r.Kind.String(), r.Amount, r.Cause.ID})
	}
	return j
}

// traceJSON prints what was found. None, or several, is a failure all the same.
func (a *app) traceJSON(found []*scenario.Finding, of int, f *traceFlags) error {
	if err := writeJSON(a.stdout, jsonTraces{traceVersion, jsonFindings(found, terminal.Lang(f.lang))}); err != nil {
		return err
	}
	switch len(found) {
	case 1:
		return nil
	case 0:
		return failed(fmt.Errorf("trace: no transaction of %d is like that", of))
	}
	return failed(fmt.Errorf("trace: %d transactions are like that: say more", len(found)))
}
