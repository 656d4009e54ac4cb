package picture

import (
	"math"
	"slices"
	"strings"
)

// scene is a place that words stand for: land in layers, each a line of ups and downs
// from edge to edge that is filled to the bottom.
type scene struct {
	words       string
	join        join
	hue, chroma float64 // of the land
	peaks       int     // from edge to edge
	rough       float64 // how far they rise, in shares of the canvas; 0: there is no land
}

// join is how the ups and downs of a land are joined.
type join int

const (
	curves join = iota
	lines
	steps
)

var scenes = []*scene{
	{"forest wood jungle grove swamp", lines, 0.4, 0.09, 38, 0.16},
	{"mountain canyon cliff alp valley volcano glacier", lines, 0.7, 0.06, 9, 0.3},
	{"city skyline street metropolis cyberpunk town", steps, 0.78, 0.06, 13, 0.34},
	{"sea ocean beach island lake harbor underwater", curves, 0.64, 0.1, 24, 0.02},
	{"desert dune savanna", curves, 0.19, 0.1, 6, 0.14},
	{"meadow field garden hill landscape countryside village farm", curves, 0.36, 0.13, 7, 0.12},
	{words: "space galaxy nebula cosmos star night-sky"},
}

// scene returns the first scene that the prompt speaks of, or nil.
func (w words) scene() *scene {
	for _, word := range w {
		for _, s := range scenes {
			if slices.Contains(strings.Fields(s.words), singular(word)) {
				return s
			}
		}
	}
	return nil
}

func (p composition) drawScene(s *scene) {
	dark := p.colors.dark || s.rough == 0
	top, low := p.skyColors(dark)
	p.ground(top, low)
	if dark {
		p.dots(9, 0.1, 0.4, p.colors.tones["main"], 0.06)
		p.dots(90, 0.001, 0.004, white, 0.8)
	}
	sun := p.side() * p.between(0.05, 0.09)
	x, y := p.w*p.between(0.2, 0.8), p.h*p.between(0.15, 0.4)
	for ring := 3.0; ring >= 1; ring-- {
		p.shape(path{}.ellipse(x, y, sun*ring, sun*ring), low.mix(white, 0.8), 0.6/(ring*ring))
	}
	if s.rough == 0 {
		return
	}
	const layers = 3
	for i := range layers {
		depth := float64(i) / (layers - 1)
		p.shape(p.ridge(s, 0.56+0.36*depth), low.mix(p.land(s, dark), 0.3+0.7*depth), 1)
	}
}

// skyColors are the top and the horizon of the sky.
func (p composition) skyColors(dark bool) (top, low rgb) {
	switch {
	case p.words.has("sunset", "dusk", "dawn", "sunrise", "evening"):
		return lch(0.5, 0.11, 0.83), lch(0.86, 0.11, 0.16)
	case dark:
		return lch(0.24, 0.07, p.between(0.66, 0.8)), lch(0.5, 0.1, p.between(0.7, 0.88))
	default:
		return lch(0.74, 0.1, p.between(0.66, 0.71)), lch(0.95, 0.05, p.between(0.1, 0.32))
	}
}

// land is the colour of the nearest layer.
func (p composition) land(s *scene, dark bool) rgb {
	near := lch(0.45, s.chroma, s.hue+p.between(-0.04, 0.04))
	if p.words.has("snow", "snowy", "winter", "frozen", "ice", "icy", "glacier") {
		near = lch(0.88, 0.02, 0.7)
	}
	if dark {
		near = near.mix(black, 0.5)
	}
	return near
}

// ridge is one layer of land around a height.
func (p composition) ridge(s *scene, height float64) path {
	outline := path{}.add('M', -p.w, p.h*2)
	wide := p.w / float64(s.peaks)
	last, up := p.h*height, 0.5
	outline = outline.add('L', -p.w, last)
	for x := -wide * p.random.Float64(); x < p.w+2*wide; x += wide {
		up = -math.Copysign(p.between(0.2, 0.5), up)
		y := p.h * (height + s.rough*up)
		switch s.join {
		case curves:
			outline = outline.add('C', x-wide/2, last, x-wide/2, y, x, y)
		case lines:
			outline = outline.add('L', x, y)
		case steps:
			outline = outline.add('L', x, last).add('L', x, y)
		}
		last = y
	}
	return outline.add('L', p.w*2, p.h*2).add('Z')
}
