package reader

import "time"

// FaultKind is what goes wrong, in the words of the fault grammar.
type FaultKind string

// The kinds of fault an Emulator plays.
const (
	FaultMute          FaultKind = "mute"           // no answer: of the reader to this frame; of the card to this and every command until its next reset
	FaultTear          FaultKind = "tear"           // the card is pulled out; it does not see the command
	FaultBadLRC        FaultKind = "bad-lrc"        // the check byte of the answer is wrong, once
	FaultNAK           FaultKind = "nak"            // the reader refuses the frame and does nothing
	FaultWrongSequence FaultKind = "wrong-sequence" // the answer carries another sequence number
	FaultWTXFlood      FaultKind = "wtx-flood"      // more time is asked for, again and again, and no answer follows
	FaultNullFlood     FaultKind = "null-flood"     // bare time requests without end, and no answer
	FaultSlow          FaultKind = "slow"           // the answer takes Delay longer
	FaultUnplug        FaultKind = "unplug"         // the reader's line goes
	FaultAnswer        FaultKind = "answer"         // the card answers Answer (data and status word) instead of running the command
)

// Fault is one fault, as data.
type Fault struct {
	Kind   FaultKind
	Delay  time.Duration // of FaultSlow
	Answer []byte        // of FaultAnswer
}

// The events an Emulator asks its Fault hook about, beside the names of card commands (apdu.Name, upper case). A kind
// that means nothing to the card at its event acts on the frame that carries the answer.
const (
	EventFrame  = "frame"   // a frame of the host, and so the answer to it
	EventIBlock = "i-block" // a T=1 block the card sends
	EventRBlock = "r-block"
	EventSBlock = "s-block"
)
