package tui

import "github.com/gdamore/tcell/v2"

// palette is every style there is. Without colours attributes alone have to do; words carry the meaning either way.
type palette struct {
	text, dim, strong, frame, title, display, key, good, bad, warn, wire, host, chosen, prompt, paper tcell.Style
}

func newPalette(colours bool) palette {
	d := tcell.StyleDefault
	p := palette{
		text: d, dim: d.Dim(true), strong: d.Bold(true), frame: d, title: d.Bold(true), display: d.Bold(true), key: d.Bold(true),
		good: d, bad: d.Bold(true), warn: d.Bold(true), wire: d, host: d, chosen: d.Reverse(true), prompt: d.Reverse(true), paper: d,
	}
	if !colours {
		return p
	}
	// Only the eight colours that every theme sets, light or dark, and what is less important is dim in the theme's own colour.
	colour := func(i int) tcell.Style { return d.Foreground(tcell.PaletteColor(i)) }
	const red, green, yellow, magenta, cyan = 1, 2, 3, 5, 6
	on := func(i int) tcell.Style {
		return d.Foreground(tcell.PaletteColor(0)).Background(tcell.PaletteColor(i))
	}
	p.frame = d.Dim(true)
	p.title = colour(cyan).Bold(true)
	p.display, p.prompt = on(green), on(yellow)
	p.good, p.bad, p.warn = colour(green), colour(red), colour(yellow)
	p.wire, p.host = colour(cyan), colour(magenta)
	return p
}
