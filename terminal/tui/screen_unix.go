//go:build !windows

package tui

import (
	"fmt"

	"github.com/gdamore/tcell/v2"
)

// keyboard tells whether standard input is a terminal too.
func keyboard() bool {
	_, err := tcell.NewStdIoTty()
	return err == nil
}

// attach opens the terminal of standard input and output, not taken over yet.
func attach() (tcell.Screen, error) {
	tty, err := tcell.NewStdIoTty()
	if err != nil {
		return nil, ErrNotTerminal
	}
	s, err := tcell.NewTerminfoScreenFromTty(tty)
	if err != nil {
		return nil, fmt.Errorf("tui: %w: set TERM to a terminal that is known, such as xterm-256color", err)
	}
	return s, nil
}
