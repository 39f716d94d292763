package emv

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

func candidatesOf(t *testing.T, card apdu.Card, cfg *Config) []string {
	t.Helper()
	s, err := NewSession(card, nil, cfg, testTransaction())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.buildCandidateList(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range s.candidates {
		list = append(list, fmt.Sprintf("%X %d %v %s", c.AID, c.Priority, c.ConfirmationRequired, c.Name))
	}
	return list
}

func entry(s string) []byte { return template(tlv.ApplicationTemplate, hx(s)) }

func TestCandidateList(t *testing.T) {
	const pse = "315041592E5359532E4444463031"
	directory := ok(fciOf(pse, "880101 9F110101"))
	good := ok(template(0x70, entry("4F07A0000000031010 500456495341")))
	tests := []struct {
		name string
		card cannedCard
		want []string
	}{
		{name: "priority 1 to 15, then none, ties in the card's order", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, entry("4F08A000000003101001 500141"), entry("4F08A000000003101002 500142 87010F"), entry("4F08A000000003101003 500143 870181"), entry("4F08A000000003101004 500144 870101"))),
		}}, want: []string{"A000000003101003 1 true C", "A000000003101004 1 false D", "A000000003101002 15 false B", "A000000003101001 0 false A"}},
		{name: "the preferred name in a supported code table", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010 500456495341 9F1204 56E97A61"))),
		}}, want: []string{"A0000000031010 0 false V\u00e9za"}},
		{name: "the label if the code table is not supported", card: cannedCard{directory: ok(fciOf(pse, "880101 9F110105")), dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010 500456495341 9F1204 56E97A61"))),
		}}, want: []string{"A0000000031010 0 false VISA"}},
		{name: "the label if there is no code table", card: cannedCard{directory: ok(fciOf(pse, "880101")), dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010 500456495341 9F1204 56E97A61"))),
		}}, want: []string{"A0000000031010 0 false VISA"}},
		{name: "control characters of a label are not shown", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010 50081B5B324A56495341"))),
		}}, want: []string{"A0000000031010 0 false [2JVISA"}},
		{name: "control characters of a preferred name are not shown", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010 500456495341 9F1206 1B0A9B565341"))),
		}}, want: []string{"A0000000031010 0 false VSA"}},
		{name: "the AID if there is no name", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, entry("4F07A0000000031010"))),
		}}, want: []string{"A0000000031010 0 false A0000000031010"}},
		{name: "a record that is not in order: the terminal's list", card: cannedCard{directory: directory, dirRecords: [][]byte{good, ok(hx("7003 610150"))},
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "a record that cannot be read: the terminal's list", card: cannedCard{directory: directory, dirRecords: [][]byte{good, sw(0x6985)},
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "an entry without a name: the terminal's list", card: cannedCard{directory: directory, dirRecords: [][]byte{good, ok(template(0x70, entry("500141")))},
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "a directory without a file: the terminal's list", card: cannedCard{directory: ok(fciOf(pse, "5F2D02656E")),
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "a directory with file 0: the terminal's list", card: cannedCard{directory: ok(fciOf(pse, "880100")),
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "a directory with file 11: the terminal's list", card: cannedCard{directory: ok(fciOf(pse, "88010B")), dirRecords: [][]byte{good},
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "a blocked directory: the terminal's list", card: cannedCard{directory: append(fciOf(pse, "880101"), 0x62, 0x83),
			files: map[string][]byte{visaAID: ok(fciOf(visaAID, "500142"))}}, want: []string{"A0000000031010 0 false B"}},
		{name: "other objects in a directory are ignored", card: cannedCard{directory: directory, dirRecords: [][]byte{
			ok(template(0x70, hx("9D05A000000003"), entry("4F07A0000000031010 500456495341"))),
		}}, want: []string{"A0000000031010 0 false VISA"}},
		{name: "partial name and its next occurrences, blocked ones left out", card: cannedCard{
			files: map[string][]byte{visaAID: ok(fciOf(visaAID+"01", "500141"))},
			next: map[string][][]byte{visaAID: {
				append(fciOf(visaAID+"02", "500142"), 0x62, 0x83), ok(fciOf(visaAID+"03", "500143")), ok(fciOf(visaAID, "500144")), ok(fciOf(visaAID+"04", "500145"))}},
		}, want: []string{visaAID + "01 0 false A", visaAID + "03 0 false C", visaAID + " 0 false D"}},
		{name: "a card that repeats itself", card: cannedCard{
			files: map[string][]byte{visaAID: ok(fciOf(visaAID+"01", "500141"))},
			next:  map[string][][]byte{visaAID: {ok(fciOf(visaAID+"01", "500141")), ok(fciOf(visaAID+"01", "500141"))}},
		}, want: []string{visaAID + "01 0 false A"}},
		{name: "another name than was asked for", card: cannedCard{files: map[string][]byte{visaAID: ok(fciOf("A0000000041010", "500141"))}}},
		{name: "an FCI that is not in order", card: cannedCard{files: map[string][]byte{visaAID: ok(hx("6F09 8407A0000000031010"))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := candidatesOf(t, &tt.card, testConfig())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	// A name that the terminal does not allow to be longer is not taken, but its next occurrence is.
	exact := testConfig()
	exact.Applications[0].Partial = false
	card := &cannedCard{files: map[string][]byte{visaAID: ok(fciOf(visaAID+"01", "500141"))}, next: map[string][][]byte{visaAID: {ok(fciOf(visaAID, "500142"))}}}
	if diff := cmp.Diff([]string{visaAID + " 0 false B"}, candidatesOf(t, card, exact)); diff != "" {
		t.Error(diff)
	}
	// An endless row of next occurrences ends.
	n := 0
	endless := cardFunc(func(c []byte) ([]byte, error) {
		if c[5] == '1' {
			return sw(0x6A82), nil
		}
		n++
		return ok(fciOf(fmt.Sprintf("%s%04X", visaAID, n), "500141")), nil
	})
	if got := candidatesOf(t, endless, testConfig()); len(got) != maxOccurrences || n != maxOccurrences {
		t.Errorf("%d candidates after %d commands: want %d", len(got), n, maxOccurrences)
	}
	// The files of a directory are 1 to 10: no record of another is read.
	for _, sfi := range []string{"00", "0B"} {
		card := &cannedCard{directory: ok(fciOf(pse, "8801"+sfi))}
		if candidatesOf(t, card, testConfig()); len(card.commands(apdu.InsReadRecord)) != 0 {
			t.Errorf("a record of file %s was read", sfi)
		}
	}
	// An endless directory ends too.
	records := 0
	long := cardFunc(func(c []byte) ([]byte, error) {
		if c[1] == apdu.InsSelect {
			return directory, nil
		}
		records++
		return good, nil
	})
	if candidatesOf(t, long, testConfig()); records != maxDirectoryRecords {
		t.Errorf("%d records: want %d", records, maxDirectoryRecords)
	}
}

// twoApplications is a card with a directory of two, the first of which is what a test makes it.
func twoApplications(first []byte, confirm bool) *cannedCard {
	card := newCannedCard()
	priority := "870101"
	if confirm {
		priority = "870181"
	}
	card.directory = ok(fciOf("315041592E5359532E4444463031", "880101"))
	card.dirRecords = [][]byte{ok(template(0x70, entry("4F08A000000003101001 500141"+priority), entry("4F08A000000003101002 500142 870102")))}
	card.files = map[string][]byte{"A000000003101001": first, "A000000003101002": ok(fciOf("A000000003101002", "500142"))}
	return card
}

func TestSelection(t *testing.T) {
	works := ok(fciOf("A000000003101001", "500141"))
	tests := []struct {
		name    string
		first   []byte
		confirm bool
		cfg     func(*Config)
		choose  func([]Candidate) (int, error)
		options [][]byte
		want    Result
		label   string
		asked   []int // candidates offered, each time
	}{
		{name: "the cardholder chooses", first: works, choose: chooses(1, nil), want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "the first without asking", first: works, cfg: func(c *Config) { c.AutoSelect = true }, want: OfflineApproved, label: "A"},
		{name: "the first wants a confirmation", first: works, confirm: true, cfg: func(c *Config) { c.AutoSelect = true }, choose: chooses(0, nil), want: OfflineApproved, label: "A", asked: []int{2}},
		{name: "a terminal that cannot ask passes it over", first: works, confirm: true, cfg: func(c *Config) { c.NoConfirmation = true }, want: OfflineApproved, label: "B"},
		{name: "the cardholder gives up", first: works, choose: chooses(0, ErrCancelled), want: Cancelled, asked: []int{2}},
		{name: "not there: the rest is taken", first: sw(0x6A82), choose: chooses(0, nil), want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "blocked: the rest is taken", first: append(fciOf("A000000003101001", "500141"), 0x62, 0x83), choose: chooses(0, nil), want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "another name: the rest is taken", first: ok(fciOf("A0000000031010FF", "500141")), choose: chooses(0, nil), want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "bad FCI: the rest is taken", first: ok(hx("6F02 8401")), choose: chooses(0, nil), want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "card blocked ends it", first: sw(0x6A81), choose: chooses(0, nil), want: CardBlocked, asked: []int{2}},
		{name: "conditions of use: the rest is taken", first: works, choose: chooses(0, nil), options: [][]byte{sw(0x6985), newCannedCard().options[0]}, want: OfflineApproved, label: "B", asked: []int{2}},
		{name: "conditions of use of all: not accepted", first: works, choose: chooses(0, nil), options: [][]byte{sw(0x6985)}, want: NotAccepted, asked: []int{2}},
		{name: "any other refusal of the processing options ends it", first: works, choose: chooses(0, nil), options: [][]byte{sw(0x6A86)}, want: Terminated, label: "A", asked: []int{2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := twoApplications(tt.first, tt.confirm)
			if tt.options != nil {
				card.options = tt.options
			}
			var asked []int
			term := &testTerminal{choose: func(c []Candidate) (int, error) {
				asked = append(asked, len(c))
				return tt.choose(c)
			}}
			o, err := Run(card, term, cfgFor(tt.cfg), testTransaction())
			if err != nil {
				t.Fatal(err)
			}
			if o.Result != tt.want || o.Session.Label() != tt.label {
				t.Errorf("%v (%v), label %q: want %v, %q", o.Result, o.Reason, o.Session.Label(), tt.want, tt.label)
			}
			if diff := cmp.Diff(tt.asked, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, i := range []int{-1, 2} {
		if _, err := Run(twoApplications(works, false), &testTerminal{choose: chooses(i, nil)}, testConfig(), testTransaction()); err == nil {
			t.Errorf("index %d was taken", i)
		}
	}
	broken := errors.New("broken")
	if _, err := Run(twoApplications(works, false), &testTerminal{choose: chooses(0, broken)}, testConfig(), testTransaction()); !errors.Is(err, broken) {
		t.Errorf("error %v: want the terminal's", err)
	}
}

// A second application starts from nothing: neither TVR nor data of the first are left.
func TestSecondApplicationStartsFromNothing(t *testing.T) {
	card := twoApplications(ok(fciOf("A000000003101001", "500141 9F38039F3704 BF0C00")), false)
	card.options = [][]byte{sw(0x6985), card.options[0]}
	o, err := Run(card, &testTerminal{choose: chooses(0, nil)}, testConfig(), testTransaction())
	if err != nil || o.Result != OfflineApproved {
		t.Fatal(o.Result, o.Reason, err)
	}
	if v := o.Session.Data(tlv.PDOL); v != nil {
		t.Errorf("PDOL %X is left from the first application", v)
	}
	gpo := card.commands(apdu.InsGetProcessingOptions)
	if len(gpo) != 2 || fmt.Sprintf("%X", gpo[0]) != "80A80000068304"+"1A2B3C4D"+"00" || fmt.Sprintf("%X", gpo[1]) != "80A8000002830000" {
		t.Errorf("GET PROCESSING OPTIONS %X", gpo)
	}
	// The unpredictable number drawn for the first is the transaction's.
	if gac := card.commands(apdu.InsGenerateAC); !strings.Contains(fmt.Sprintf("%X", gac[0]), "1A2B3C4D") {
		t.Errorf("GENERATE AC %X", gac[0])
	}
}

func TestProcessingOptions(t *testing.T) {
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"format 1", "8006 1C00 08010100", true},
		{"format 1 without a file", "8002 1C00", false},
		{"format 1 with half a file", "8008 1C00 08010100 1001", false},
		{"format 1 with something after it", "8006 1C00 08010100 00", false},
		{"format 2", "770A 82021C00 9404 08010100", true},
		{"format 2 with other objects", "7710 82021C00 9404 08010100 9F36020007 00", true},
		{"format 2 without AIP", "7706 9404 08010100", false},
		{"format 2 without AFL", "7704 82021C00", false},
		{"format 2 with two AIPs", "770E 82021C00 82021C00 9404 08010100", false},
		{"format 2 with an AIP of three bytes", "770B 82031C0000 9404 08010100", false},
		{"another template", "6F0A 82021C00 9404 08010100", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTestSession(t, nil, testConfig())
			if err := s.parseProcessingOptions(hx(tt.in)); (err == nil) != tt.ok {
				t.Errorf("error %v: want none: %v", err, tt.ok)
			}
		})
	}
}

func TestPDOLTooLong(t *testing.T) {
	for _, pdol := range []string{"DF0180 DF0280", "DF01FD"} {
		card := newCannedCard()
		card.files[visaAID] = ok(fciOf(visaAID, fmt.Sprintf("9F38%02X%s", len(hx(pdol)), pdol)))
		o, err := Run(card, &testTerminal{}, testConfig(), testTransaction())
		if err != nil || o.Result != Terminated || len(card.commands(apdu.InsGetProcessingOptions)) != 0 {
			t.Errorf("PDOL %s: %v %v, %d commands", pdol, o.Result, err, len(card.commands(apdu.InsGetProcessingOptions)))
		}
	}
}
