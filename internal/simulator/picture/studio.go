package picture

import "math"

// drawStudio paints a wall and a floor, with something quiet behind the subject; under
// an icon lies a plate.
func (p composition) drawStudio() {
	soft := p.colors.sky.mix(white, 0.6)
	if p.colors.dark {
		soft = lch(0.6, 0.1, p.colors.main)
	}
	p.ground(p.colors.sky, p.colors.floor)
	p.dots(3+p.random.IntN(9), 0.04, 0.16, soft, 0.2)
	p.shape(path{}.box(0, p.h*p.between(0.68, 0.76), p.w, p.h, 0), p.colors.floor.mix(black, 0.15), 0.5)
	x, y := p.w*p.between(0.4, 0.6), p.h*p.between(0.36, 0.48)
	for ring := 1.0; ring <= 4; ring++ {
		radius := p.side() * 0.12 * ring
		p.shape(path{}.ellipse(x, y, radius, radius), soft, 0.16)
	}
	if p.words.icon() {
		plate := path{}.box(p.w/2-0.41*p.side(), p.h/2-0.43*p.side(), 0.82*p.side(), 0.82*p.side(), 0.18*p.side())
		p.shape(plate, lch(0.62, 0.09, p.colors.ground), 0.85)
	}
}

// drawSubjects puts the things into the picture: one in the middle, two or three
// beside each other, lower where they stand in a scene.
func (p composition) drawSubjects(subjects []*subject, inScene bool) {
	size, base := 0.66, 0.82
	switch {
	case inScene:
		size, base = 0.46, 0.86
	case p.words.icon():
		size, base = 0.56, 0.75
	}
	size *= []float64{1, 0.8, 0.62}[len(subjects)-1] * p.between(0.96, 1.04) * p.side()
	gap := min(p.w/float64(len(subjects)), size*0.92)
	for i, subject := range subjects {
		x := p.w/2 + (float64(i)-float64(len(subjects)-1)/2)*gap
		at := placing{middle: point{x, p.h*base - 0.44*size}, scale: size / 100, turn: p.between(-0.08, 0.08)}
		p.shape(path{}.ellipse(x, p.h*base+at.scale, 42*at.scale, 8*at.scale), black, 0.25)
		subject.draw(p.canvas, p.colors, at)
	}
}

// drawOrnament stands for words that name nothing known: a rosette of leaves whose
// number and form the seed chooses.
func (p composition) drawOrnament() {
	folds := 5 + p.random.IntN(8)
	at := placing{middle: point{p.w / 2, p.h * 0.46}, scale: p.side() * 0.8 / 100}
	for ring, name := range []string{"second", "main", "accent", "light"} {
		reach := 46 - 11*float64(ring)
		width, bend := p.between(5, 11)*reach/40, p.between(-4, 4)
		leaf := path{}.add('M', 50, 50).
			add('C', 50-width+bend, 50-reach*0.4, 50-width-bend, 50-reach*0.8, 50, 50-reach).
			add('C', 50+width+bend, 50-reach*0.8, 50+width-bend, 50-reach*0.4, 50, 50).
			add('Z')
		for i := range folds {
			at.turn = 2 * math.Pi * (float64(i) + float64(ring%2)/2) / float64(folds)
			p.shape(leaf.placed(at), p.colors.tones[name], 0.92)
		}
	}
	p.shape(path{}.ellipse(50, 50, 6, 6).placed(at), p.colors.tones["gold"], 1)
}
