package scenario

import (
	"slices"
	"strconv"
	"strings"

	"github.com/posim/posim/host"
)

// Place is an event of a seam: net.req[0200#2].
type Place struct {
	Seam, Event string
	N           int  // the N-th; 0: all
	Later       bool // and all after it
}

// String writes p canonically; the first event needs no #1.
func (p Place) String() string { return p.Seam + "[" + p.eventString() + "]" }

func (p Place) eventString() string {
	switch {
	case p.N == 0:
		return p.Event + "#*"
	case p.Later:
		return p.Event + "#" + strconv.Itoa(p.N) + "+"
	case p.N == 1:
		return p.Event
	}
	return p.Event + "#" + strconv.Itoa(p.N)
}

// parsePlace reads the seam and, if there is one, the event at the beginning of spec, and tells where the rest begins.
// Only the form is checked here.
func parsePlace(spec string) (p Place, rest int, err error) {
	open := strings.IndexByte(spec, '[')
	if paren := strings.IndexByte(spec, '('); open < 0 || paren >= 0 && paren < open {
		return placeOfState(spec)
	}
	length := strings.IndexByte(spec[open:], ']')
	if length < 0 {
		return p, 0, specErrorf(open, len(spec)-open, "want ] after the event")
	}
	end := open + length
	p = Place{Seam: spec[:open], Event: spec[open+1 : end], N: 1}
	event, number, found := strings.Cut(p.Event, "#")
	if found {
		p.Event = event
		digits, later := strings.CutSuffix(number, "+")
		n, ok := parseNumber(digits, 1, maxEvent)
		if !ok && number != "*" {
			return p, 0, specErrorf(open+1+len(event), len(number)+1, "want # and a number from 1 to %d, one and all after it as #2+, or #*", maxEvent)
		}
		p.N, p.Later = n, later
	}
	if p.Event == "" {
		return p, 0, specErrorf(open+1, 1, "the event is missing: want SEAM[EVENT#N].KIND(ARG)")
	}
	return p, end + 1, nil
}

// placeOfState finds the seam of a fault without an event: the longest known one that spec begins with, so that
// net.req.lose can be told what it lacks.
func placeOfState(spec string) (p Place, rest int, err error) {
	for _, row := range faultTable {
		for _, seam := range row.seams {
			if strings.HasPrefix(spec, seam+".") && len(seam) > len(p.Seam) {
				p = Place{Seam: seam, N: 1}
			}
		}
	}
	if p.Seam == "" {
		seam, _, _ := strings.Cut(spec, ".")
		return p, 0, unknownSeam(seam)
	}
	return p, len(p.Seam), nil
}

func unknownSeam(seam string) *specError {
	var names []string
	for _, row := range faultTable {
		for _, s := range row.seams {
			if !slices.Contains(names, s) {
				names = append(names, s)
			}
		}
	}
	return specErrorf(0, len(seam), "unknown seam %q: want %s", shorten(seam), strings.Join(names, ", "))
}

// rowsAt finds the row of the table that p belongs to.
func rowsAt(p Place, hasEvent bool) (faultRow, error) {
	known := false
	for _, row := range faultTable {
		if !slices.Contains(row.seams, p.Seam) {
			continue
		}
		known = true
		if hasEvent && row.matches(p.Event) || !hasEvent && row.sort == eventNone {
			return row, nil
		}
	}
	events := eventsOf(p.Seam)
	switch {
	case !known:
		return faultRow{}, unknownSeam(p.Seam)
	case !hasEvent:
		return faultRow{}, needsEvent(p.Seam, events)
	case len(events) == 0:
		return faultRow{}, specErrorf(len(p.Seam), len(p.Event)+2, "%s has no events: want %s.KIND", p.Seam, p.Seam)
	}
	return faultRow{}, specErrorf(len(p.Seam)+1, len(p.Event), "unknown event %q at %s: want %s",
		shorten(p.Event), p.Seam, strings.Join(events, " or "))
}

// eventsOf says what can stand in the brackets of a known seam.
func eventsOf(seam string) (events []string) {
	for _, row := range faultTable {
		if slices.Contains(row.seams, seam) && row.sort != eventNone {
			events = append(events, row.events())
		}
	}
	return events
}

func needsEvent(seam string, events []string) *specError {
	return specErrorf(len(seam), 1, "%s needs an event in brackets: want %s", seam, strings.Join(events, " or "))
}

// matches tells whether event is one of the row's.
func (r faultRow) matches(event string) bool {
	mti, found := strings.CutPrefix(event, r.word+" ")
	switch r.sort {
	case eventWord:
		return event == r.word
	case eventRequest:
		return slices.Contains(requestTypes[:], event)
	case eventAnswer:
		return slices.Contains(answerTypes[:], event)
	case eventMessage:
		return messageType(event)
	case eventWordRequest:
		return found && slices.Contains(requestTypes[:], mti)
	case eventWordAnswer:
		return found && slices.Contains(answerTypes[:], mti)
	case eventCommand:
		return slices.Contains(commandNames[:], event)
	case eventFile:
		return slices.Contains(host.FileKinds(), event)
	}
	return false
}

// events names the row's events in an error.
func (r faultRow) events() string {
	requests, answers := strings.Join(requestTypes[:], " "), strings.Join(answerTypes[:], " ")
	switch r.sort {
	case eventRequest:
		return "a request's message type (" + requests + ")"
	case eventAnswer:
		return "an answer's message type (" + answers + ")"
	case eventMessage:
		return "a message type (" + requests + " " + answers + ")"
	case eventWordRequest:
		return r.word + " MTI (" + requests + ")"
	case eventWordAnswer:
		return r.word + " MTI (" + answers + ")"
	case eventFile:
		return "a file's kind (" + strings.Join(host.FileKinds(), " ") + ")"
	case eventCommand:
		return "a command (" + strings.Join(commandNames[:], ", ") + ")"
	}
	return r.word
}

// messageType tells whether s is one of the dialect's.
func messageType(s string) bool {
	return slices.Contains(requestTypes[:], s) || slices.Contains(answerTypes[:], s)
}

// answerType tells whether s is a message type that answers.
func answerType(s string) bool { return slices.Contains(answerTypes[:], s) }
