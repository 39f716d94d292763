package scenario

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// runningHost is what a running host with these logs answers, through the JSON that it goes by.
type runningHost struct {
	host.AdminView // nobody asks for anything else
	logs           map[string][]byte
}

func (a *runningHost) Records(_ context.Context, party string, since uint64) (page host.RecordPage, err error) {
	whole, err := host.PageOfLog(party, a.logs[party], since)
	if err != nil {
		return page, err
	}
	b, err := json.Marshal(whole)
	if err == nil {
		err = json.Unmarshal(b, &page)
	}
	return page, err
}

// What is told of a house from the records that a running host shows is what its data directory tells, in every scenario: only an
// aggregator's log is not shown.
func TestTraceOfWhatARunningHostShows(t *testing.T) {
	l, scripts := merchants(t)
	for _, s := range scripts {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			stores := kept(t, l, s)
			running := &Stores{Journals: stores.Journals}
			a := &runningHost{logs: map[string][]byte{}}
			for _, log := range stores.Logs {
				a.logs[log.Party] = log.Data
			}
			for _, party := range host.RecordedParties() {
				data, err := host.ReadLog(context.Background(), a, party)
				if err != nil {
					t.Fatal(err)
				}
				running.Logs = append(running.Logs, Store{Party: party, Data: data})
			}
			told := func(stores *Stores) string {
				d, err := stores.Read()
				if err != nil {
					t.Fatal(err)
				}
				return traced(d, s, terminal.English) + traced(d, s, terminal.Chinese)
			}
			if shown, rest := told(running), told(stores); shown != rest || shown == "" {
				t.Errorf("running:\n%s\nat rest:\n%s", shown, rest)
			}
		})
	}
}
