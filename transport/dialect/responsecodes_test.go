package dialect

import (
	"strings"
	"testing"
)

// The table of the document: codes by category, and those whose action a terminal takes.
func TestResponsesAreTheDocuments(t *testing.T) {
	for category, codes := range map[Category]string{
		CategoryApproved: "00 10 11 A2 A4 A5 A6",
		CategoryRetry:    "09 13 14 42 99 A0",
		CategoryFailed: "01 02 03 05 12 15 19 20 21 22 23 25 30 31 39 40 44 45 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 68 75 79 90 91 92 93 94 95 96 " +
			"A1 A3 A7",
		CategoryOperator: "04 07 33 34 35 36 37 38 41 43 67 77 97",
		CategorySystem:   "06 98",
		CategoryUnknown:  "08 24 a0 0 ZZ",
	} {
		for _, c := range strings.Fields(codes) {
			if r := MeaningOf(c); r.Category != category || r.Code != c {
				t.Errorf("%s is of category %v: want %v", c, r.Category, category)
			}
		}
	}
	if n := len(ResponseCodes()); n != 75 {
		t.Errorf("%d codes in the table", n)
	}
	for action, codes := range map[Action]string{
		ActionRetainCard: "04 07 34 35 37 41 43 67", ActionSignOn: "22 77 94 99 A0", ActionReenterPIN: "55", ActionUseChip: "45", ActionPartial: "10",
		ActionConfirm: "11 A2 A4 A5 A6", ActionBatch: "79 95",
	} {
		var got []string
		for _, c := range ResponseCodes() {
			if MeaningOf(c).Action == action {
				got = append(got, c)
			}
		}
		if s := strings.Join(got, " "); s != codes {
			t.Errorf("action %d: %s, want %s", action, s, codes)
		}
	}
}

func TestResponsesAgreeWithWhatIsDecidedByThem(t *testing.T) {
	for _, c := range append(ResponseCodes(), "08", "ZZ", "") {
		r := MeaningOf(c)
		if Approves(c) != (r.Category == CategoryApproved) {
			t.Errorf("%q approves: %v, and is of category %v", c, Approves(c), r.Category)
		}
		if ApprovesInFull(c) != (r.Action == ActionCommit || r.Action == ActionConfirm) {
			t.Errorf("%q approves in full: %v, and asks for action %d", c, ApprovesInFull(c), r.Action)
		}
		if RefusesKeys(c) && r.Action != ActionSignOn {
			t.Errorf("%q refuses the keys, and asks for action %d", c, r.Action)
		}
		if r.English == "" || r.Chinese == "" || len(r.English) > 40 || len([]rune(r.Chinese)) > 20 {
			t.Errorf("%q: %q %q", c, r.English, r.Chinese)
		}
	}
}
