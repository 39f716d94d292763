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
	p.dim = d.Foreground(tcell.PaletteColor(244))
	p.frame = d.Foreground(tcell.PaletteColor(240))
	p.title = d.Foreground(tcell.PaletteColor(81)).Bold(true)
	p.display = d.Foreground(tcell.PaletteColor(232)).Background(tcell.PaletteColor(151)).Bold(true)
	p.key = d.Foreground(tcell.PaletteColor(255)).Background(tcell.PaletteColor(238))
	p.good = d.Foreground(tcell.PaletteColor(114))
	p.bad = d.Foreground(tcell.PaletteColor(203))
	p.warn = d.Foreground(tcell.PaletteColor(221))
	p.wire = d.Foreground(tcell.PaletteColor(117))
	p.host = d.Foreground(tcell.PaletteColor(182))
	p.prompt = d.Foreground(tcell.PaletteColor(232)).Background(tcell.PaletteColor(221)).Bold(true)
	p.paper = d.Foreground(tcell.PaletteColor(254))
	return p
}
