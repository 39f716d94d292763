package tui

import (
	"os"

	"github.com/gdamore/tcell/v2"
)

// keyboard tells whether standard input is a console too.
func keyboard() bool {
	in, err := os.Stdin.Stat()
	return err == nil && in.Mode()&os.ModeCharDevice != 0
}

// attach opens the console, not taken over yet.
func attach() (tcell.Screen, error) {
	s, err := tcell.NewConsoleScreen()
	if err != nil {
		return nil, ErrNotTerminal
	}
	return s, nil
}
