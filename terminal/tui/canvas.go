package tui

import "github.com/gdamore/tcell/v2"

// rect is a part of the screen, in columns and lines.
type rect struct{ x, y, w, h int }

func (r rect) has(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// canvas is the screen while it is drawn: text is cut at its right edge, frames are joined where they meet, and what can be
// clicked is remembered.
type canvas struct {
	screen tcell.Screen
	w, h   int
	ascii  bool // line-drawing characters may take two columns here
	joints []byte
	zones  []zone
}

// zone is what a click does.
type zone struct {
	rect
	do func()
}

func newCanvas(s tcell.Screen, ascii bool) *canvas {
	w, h := s.Size()
	return &canvas{screen: s, w: w, h: h, ascii: ascii, joints: make([]byte, w*h)}
}

// put writes s at x, y in at most n columns and returns how many it took.
func (c *canvas) put(x, y, n int, s string, style tcell.Style) int {
	if y < 0 || y >= c.h || x < 0 {
		return 0
	}
	n = min(n, c.w-x)
	used := 0
	for _, r := range c.plain(fit(s, n)) {
		k := runeColumns(r)
		if k == 0 {
			continue
		}
		if r < ' ' || r == 0x7F {
			r = ' '
		}
		c.screen.SetContent(x+used, y, r, nil, style)
		if k == 2 {
			c.screen.SetContent(x+used+1, y, ' ', nil, style)
		}
		used += k
	}
	return used
}

// plain replaces the characters that are not sure to take one column.
func (c *canvas) plain(s string) string {
	if !c.ascii {
		return s
	}
	out := []rune(s)
	for i, r := range out {
		if p, known := asciiOf[r]; known {
			out[i] = p
		}
	}
	return string(out)
}

var asciiOf = map[rune]rune{
	'…': '~', '●': 'o', '○': '.', '▣': '#', '▤': '=', '█': '#', '│': '|', '─': '-', '✗': 'x', '▶': '>', '▮': '|', '·': '-',
	'←': '<', '→': '>', '›': '>', '‹': '<', '×': 'x', '≤': '<', '↑': '^', '↓': 'v', '▸': '>',
}

// line writes s and fills the rest of n columns.
func (c *canvas) line(x, y, n int, s string, style tcell.Style) {
	for used := c.put(x, y, n, s, style); used < n && x+used < c.w && y < c.h; used++ {
		c.screen.SetContent(x+used, y, ' ', nil, style)
	}
}

// fill clears a part of the screen.
func (c *canvas) fill(r rect, style tcell.Style) {
	for y := r.y; y < r.y+r.h; y++ {
		c.line(r.x, y, r.w, "", style)
	}
}

// The directions in which a frame goes on from a cell.
const (
	up byte = 1 << iota
	down
	left
	right
)

// glyphs are the line-drawing characters by the directions they connect.
var glyphs = [16]rune{
	up | down: '│', left | right: '─', down | right: '┌', down | left: '┐', up | right: '└', up | left: '┘',
	up | down | right: '├', up | down | left: '┤', left | right | down: '┬', left | right | up: '┴', up | down | left | right: '┼',
	up: '│', down: '│', left: '─', right: '─',
}

func (c *canvas) joint(x, y int, d byte) {
	if x >= 0 && x < c.w && y >= 0 && y < c.h {
		c.joints[y*c.w+x] |= d
	}
}

func (c *canvas) horizontal(x1, x2, y int) {
	for x := x1; x < x2; x++ {
		c.joint(x, y, right)
		c.joint(x+1, y, left)
	}
}

func (c *canvas) vertical(x, y1, y2 int) {
	for y := y1; y < y2; y++ {
		c.joint(x, y, down)
		c.joint(x, y+1, up)
	}
}

func (c *canvas) box(r rect) {
	c.horizontal(r.x, r.x+r.w-1, r.y)
	c.horizontal(r.x, r.x+r.w-1, r.y+r.h-1)
	c.vertical(r.x, r.y, r.y+r.h-1)
	c.vertical(r.x+r.w-1, r.y, r.y+r.h-1)
}

// frames draws every frame that was asked for since the last time.
func (c *canvas) frames(style tcell.Style) {
	for i, d := range c.joints {
		if d == 0 {
			continue
		}
		g := glyphs[d]
		if c.ascii {
			switch d {
			case up | down, up, down:
				g = '|'
			case left | right, left, right:
				g = '-'
			default:
				g = '+'
			}
		}
		c.screen.SetContent(i%c.w, i/c.w, g, nil, style)
		c.joints[i] = 0
	}
}

// zone remembers what a click on r does. What is drawn later lies above.
func (c *canvas) zone(r rect, do func()) { c.zones = append(c.zones, zone{r, do}) }

func (c *canvas) click(x, y int) bool {
	for i := len(c.zones) - 1; i >= 0; i-- {
		if z := c.zones[i]; z.has(x, y) {
			if z.do != nil {
				z.do()
			}
			return true
		}
	}
	return false
}
