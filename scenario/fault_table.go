package scenario

// The grammar of faults in one place: which events a seam has, which kinds strike at them, what each kind takes.
// A new fault is a line here and its effect where the seam is.

// eventSort is what stands between the brackets.
type eventSort int

const (
	eventNone        eventSort = iota // state faults have no event
	eventWord                         // the row's word
	eventRequest                      // a message type that a terminal or host sends on its own
	eventAnswer                       // a message type that answers
	eventMessage                      // either
	eventWordRequest                  // the row's word, a space, and a message type: send 0200
	eventWordAnswer
	eventCommand // the name of a card command: GENERATE AC
)

// argumentSort is what stands between the parentheses.
type argumentSort int

const (
	argNone       argumentSort = iota
	argDuration                // (65s)
	argByte                    // (byte=4), from 0
	argLength                  // (17), from 1
	argKeep                    // (17), from 0
	argPoint                   // (before-log), (after-log,30s)
	argCode                    // (05)
	argImage                   // (torn)
	argCardAnswer              // (AAC) at GENERATE AC, or (77039F2701009000)
	argStatus                  // (6985)
	argLater                   // known to the grammar, not built
)

type faultKind struct {
	name string
	arg  argumentSort
}

type faultRow struct {
	seams []string
	sort  eventSort
	word  string
	kinds []faultKind
}

// faultTable never changes.
var faultTable = [...]faultRow{
	{[]string{"net.req", "up.req", "iss.req"}, eventRequest, "", linkKinds[:]},
	{[]string{"net.rsp", "up.rsp", "iss.rsp"}, eventAnswer, "", linkKinds[:]},
	{[]string{"net", "up", "iss"}, eventWord, "connect", []faultKind{{"refuse", argNone}, {"black-hole", argNone}}},
	{[]string{"acquirer", "switch", "issuer"}, eventMessage, "", []faultKind{
		{"crash", argPoint}, {"slow", argDuration}, {"wrong-mac", argNone}, {"wrong-stan", argNone},
		{"wrong-amount", argNone}, {"answer", argCode},
	}},
	{[]string{"term"}, eventWord, "write", []faultKind{
		{"power-off", argImage}, {"disk-full", argNone}, {"disk-error", argNone}, {"sync-error", argNone},
	}},
	{[]string{"term"}, eventWordRequest, "send", []faultKind{{"power-off", argNone}}},
	{[]string{"term"}, eventWordAnswer, "receive", []faultKind{{"power-off", argNone}}},
	{[]string{"term"}, eventWord, "show", []faultKind{{"power-off", argNone}}},
	{[]string{"term"}, eventWord, "print", []faultKind{{"power-off", argNone}, {"paper-out", argNone}}},
	{[]string{"card"}, eventWord, "apdu", cardKinds[:]},
	{[]string{"card"}, eventCommand, "", cardKinds[:]},
	{[]string{"reader"}, eventWord, "frame", []faultKind{
		{"unplug", argNone}, {"nak", argNone}, {"bad-lrc", argNone}, {"wrong-sequence", argNone},
		{"wtx-flood", argNone}, {"null-flood", argNone},
	}},
	{[]string{"hsm"}, eventNone, "", []faultKind{{"tamper", argLater}}},
	{[]string{"term"}, eventNone, "", []faultKind{{"clock-jump", argLater}}},
}

// linkKinds strike at a message on its way: the first five at the message, the rest at its bytes.
var linkKinds = [...]faultKind{
	{"lose", argNone}, {"delay", argDuration}, {"duplicate", argDuration}, {"corrupt", argByte}, {"truncate", argKeep},
	{"cut", argLength}, {"slice", argLength}, {"merge", argNone}, {"drip", argDuration}, {"reset", argNone},
}

var cardKinds = [...]faultKind{
	{"tear", argNone}, {"mute", argNone}, {"answer", argCardAnswer}, {"sw", argStatus}, {"slow", argDuration},
}

// Message types of the dialect (ISO 8583:1987, 4.1): what asks and what answers.
var (
	requestTypes = [...]string{"0100", "0200", "0220", "0221", "0400", "0401", "0420", "0421", "0800"}
	answerTypes  = [...]string{"0110", "0210", "0230", "0410", "0430", "0810"}
)

// commandNames are the commands of a contact transaction and of issuer scripts (EMV Book 3, 6.5, and Book 1, 11.3).
var commandNames = [...]string{
	"SELECT", "READ RECORD", "GET PROCESSING OPTIONS", "GET DATA", "GET CHALLENGE", "GET RESPONSE",
	"INTERNAL AUTHENTICATE", "EXTERNAL AUTHENTICATE", "VERIFY", "GENERATE AC",
	"APPLICATION BLOCK", "APPLICATION UNBLOCK", "CARD BLOCK", "PIN CHANGE/UNBLOCK", "PUT DATA", "UPDATE RECORD",
}
