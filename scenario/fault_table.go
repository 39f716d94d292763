package scenario

import "slices"

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
	eventFile    // the kind of a file
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
	argImage                   // (torn), (torn,17)
	argCardAnswer              // (AAC) at GENERATE AC, or (77039F2701009000)
	argStatus                  // (6985)
	argJump                    // (-2h)
	argReal                    // a thing of real time, which has no place in virtual time
)

type faultKind struct {
	name  string
	arg   argumentSort
	about string
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
	{[]string{"net", "up", "iss"}, eventWord, "connect", []faultKind{
		{"refuse", argNone, "nobody takes the connection, and says so"},
		{"black-hole", argNone, "nobody answers the connection at all"},
		{"tls-alert", argReal, "the TLS handshake is refused"},
	}},
	{[]string{"acquirer", "switch", "issuer"}, eventMessage, "", []faultKind{
		{"crash", argPoint, "the power goes at the commit of what this message caused, and comes back"},
		{"pause", argDuration, "of an acquirer with fail-over: the process stands still so long before the commit of what this message caused"},
		{"slow", argDuration, "the message is taken up so much later"},
		{"wrong-mac", argNone, "the answer's MAC is wrong"},
		{"wrong-stan", argNone, "the answer's STAN (DE 11) is one too high"},
		{"wrong-amount", argNone, "the answer's amount (DE 4) is one minor unit too high"},
		{"wrong-arpc", argNone, "the answer to a chip's request does not prove the issuer: its ARPC (tag 91) is wrong"},
		{"answer", argCode, "the answer's code (DE 39) is this one; one that declines is the party's own decision"},
	}},
	{[]string{"term"}, eventWord, "write", []faultKind{
		{"power-off", argImage, "the power goes at the sync, and of the write the disk holds nothing, all, a front part, or all but one bit"},
		{"disk-full", argNone, "the write fails: no space"},
		{"disk-error", argNone, "the write fails: the disk cannot"},
		{"sync-error", argNone, "the sync fails: nobody knows what is on the disk"},
	}},
	{[]string{"term"}, eventWordRequest, "send", pointKinds[:]},
	{[]string{"term"}, eventWordAnswer, "receive", pointKinds[:]},
	{[]string{"term"}, eventWord, "show", pointKinds[:]},
	{[]string{"term"}, eventWord, "print", []faultKind{
		pointKinds[0], pointKinds[1], pointKinds[2],
		{"paper-out", argNone, "the printer has no paper"},
	}},
	{[]string{"card"}, eventWord, "apdu", cardKinds[:]},
	{[]string{"card"}, eventWord, "GENERATE AC", slices.Concat(cardKinds[:], []faultKind{
		{"wrong-cryptogram", argNone, "one bit of the cryptogram (tag 9F26), or of the signature that holds it (9F4B), is wrong"},
		{"wrong-cid", argNone, "it says that it gives another cryptogram (tag 9F27) than it does: TC for ARQC and AAC, ARQC for TC"},
	})},
	{[]string{"card"}, eventCommand, "", cardKinds[:]},
	{[]string{"reader"}, eventWord, "frame", []faultKind{
		{"unplug", argNone, "the reader's line goes"},
		{"nak", argNone, "the reader refuses the frame"},
		{"bad-lrc", argNone, "the check byte of its answer is wrong"},
		{"wrong-sequence", argNone, "its answer carries another sequence number"},
		{"wtx-flood", argNone, "it asks for more time again and again, and no answer follows"},
		{"null-flood", argNone, "bare time requests without end, and no answer"},
	}},
	{[]string{"hsm"}, eventWord, "use", []faultKind{
		{"tamper", argNone, "the case of the terminal's module is opened: every key is gone"},
		{"fail", argNone, "the module does not do what it is asked, this time"},
	}},
	{[]string{"operator"}, eventWord, "screen", []faultKind{
		{"cancel", argNone, "somebody presses CANCEL as soon as the screen is there"},
		{"enter", argNone, "somebody presses ENTER as soon as the screen is there, asked or not"},
		{"pull-card", argNone, "the cardholder takes the card"},
	}},
	{[]string{"operator"}, eventWord, "pin", []faultKind{
		{"wrong-pin", argNone, "the cardholder types another PIN"},
		{"no-pin", argNone, "the cardholder presses ENTER alone"},
	}},
	{[]string{"hsm"}, eventNone, "", []faultKind{{"tamper", argNone, "the same, at once"}}},
	{[]string{"term"}, eventNone, "", []faultKind{
		{"clock-jump", argJump, "the terminal's calendar clock is wrong by so much from now on"},
		{"clock-reset", argNone, "the terminal's calendar clock starts at 1970-01-01"},
	}},
	{[]string{"file"}, eventFile, "", fileFaults[:]},
	{[]string{"acquirer", "switch", "issuer", "bank", "aggregator"}, eventFile, "", []faultKind{
		{"crash", argPoint, "the power goes at the commit of what this file caused, and comes back"},
	}},
}

// fileFaults strike at a file that one host hands another. Its sender hands it out again when it boots and when the calendar
// moves, until it has a receipt.
var fileFaults = [...]faultKind{
	{"lose", argNone, "it never arrives"},
	{"delay", argDuration, "it arrives later"},
	{"duplicate", argDuration, "a copy arrives so much after it"},
}

// linkKinds strike at a message on its way: the first five at the message, the rest at its bytes.
var linkKinds = [...]faultKind{
	{"lose", argNone, "it never arrives"},
	{"delay", argDuration, "it arrives later, and is lost if the connection ends before"},
	{"duplicate", argDuration, "a copy arrives so much after it"},
	{"corrupt", argByte, "one bit of that byte is flipped"},
	{"truncate", argKeep, "only so many bytes are sent, as if they were the message"},
	{"cut", argLength, "the connection breaks after so many bytes, framing included"},
	{"slice", argLength, "it travels in pieces of so many bytes"},
	{"merge", argNone, "it waits, and travels together with the next"},
	{"drip", argDuration, "it travels byte by byte, so much time between two"},
	{"reset", argNone, "the connection breaks instead"},
}

// pointKinds strike where the terminal does what others can see.
var pointKinds = [...]faultKind{
	{"power-off", argNone, "the power goes"},
	{"clock-jump", argJump, "the terminal's calendar clock is wrong by so much from now on"},
	{"clock-reset", argNone, "the terminal's calendar clock starts at 1970-01-01"},
}

var cardKinds = [...]faultKind{
	{"tear", argNone, "the card is pulled out: it does not see the command"},
	{cardGone, argNone, "it does what the command wants, and is pulled out before its answer"},
	{"mute", argNone, "it answers nothing any more until it is reset"},
	{"answer", argCardAnswer, "it answers this"},
	{"sw", argStatus, "it answers this status word and nothing else"},
	{"wrong-length", argNone, "its answer says another length than it has, or has data where it should have none"},
	{"slow", argDuration, "it answers so much later"},
}

// Message types of the dialects (ISO 8583:1987, 4.1): what asks and what answers.
var (
	requestTypes = [...]string{
		"0100", "0101", "0200", "0201", "0220", "0221", "0320", "0321", "0400", "0401", "0420", "0421", "0500", "0501", "0620", "0621",
		"0800", "0820",
	}
	answerTypes = [...]string{"0110", "0210", "0230", "0330", "0410", "0430", "0510", "0630", "0810", "0830"}
)

// commandNames are the commands of a contact transaction and of issuer scripts (EMV Book 3, 6.5, and Book 1, 11.3).
var commandNames = [...]string{
	"SELECT", "READ RECORD", "GET PROCESSING OPTIONS", "GET DATA", "GET CHALLENGE", "GET RESPONSE",
	"INTERNAL AUTHENTICATE", "EXTERNAL AUTHENTICATE", "VERIFY", "GENERATE AC",
	"APPLICATION BLOCK", "APPLICATION UNBLOCK", "CARD BLOCK", "PIN CHANGE/UNBLOCK", "PUT DATA", "UPDATE RECORD",
}
