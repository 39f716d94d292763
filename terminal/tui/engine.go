package tui

import (
	"time"

	"github.com/posim/posim/scenario"
)

// Engine is a house that can be looked at and used.
type Engine interface {
	// View is what can be seen now. A view never changes; as long as nothing happens, View returns the same pointer.
	View() *scenario.View
	// Post does what a person does to the house. The error says why it cannot be done; nothing has happened then.
	Post(scenario.Event) error
}

// Timed is an engine whose time the UI drives: a house in virtual time. The time of any other engine passes by itself.
type Timed interface {
	Engine
	// Step lets happen what happens next, up to the first thing that can be seen; false: nothing is left to happen.
	Step() bool
	// Advance lets time pass, at most d; after each thing that can be seen, seen may stop it by answering false.
	Advance(d time.Duration, seen func() bool)
}

var _ Timed = (*scenario.Session)(nil)
