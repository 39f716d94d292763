// Package tui is the terminal UI: a payment terminal on a screen of characters, with the story, the card, the journal, the
// money and the faults around it.
//
// It draws from a value, a scenario.View, and posts events; it knows the house in no other way and decides nothing. Start:
// New with an Engine and Options, Open for the screen, then Run. Nothing here has a clock or a goroutine: whoever calls Run
// gives it the ticks, and Listen runs on a goroutine of the caller's.
//
// It follows no standard. It draws in characters of one and two columns; it needs 80 columns and 24 lines, and shows
// everything at once from 110 by 36 on. Colours are left out where the screen has none, and nothing is said by colour alone.
package tui
