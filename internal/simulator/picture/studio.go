package picture

import "math"

// drawStudio paints a wall and a floor with a soft light on them, and something
// quiet behind the subject.
func (p composition) drawStudio(c *canvas) {
	lightX, lightY := 0.35+0.3*p.random.Float64(), 0.3+0.15*p.random.Float64()
	horizon := 0.68 + 0.08*p.random.Float64()
	shine := p.colors.sky.mix(white, 0.6)
	if p.colors.dark {
		shine = lch(0.62, 0.11, p.colors.main)
	}
	c.ground(func(x, y float64) rgb {
		floor := smooth((y - horizon + 0.03) / 0.06)
		base := p.colors.sky.mix(p.colors.floor, 0.45*y+0.5*floor)
		far := math.Hypot((x-lightX)*1.1, y-lightY)
		base = base.mix(shine, 0.75*math.Exp(-5*far*far))
		edge := math.Hypot(x-0.5, y-0.5)
		return base.mix(p.colors.floor.mix(black, 0.5), 0.35*smooth((edge-0.35)/0.45))
	})
	switch p.random.IntN(4) {
	case 0:
		p.drawHalo(c)
	case 1:
		p.drawBokeh(c)
	case 2:
		p.drawRays(c)
	}
	p.drawSparks(c)
}

// smooth rises from 0 to 1 between 0 and 1, without corners.
func smooth(x float64) float64 {
	x = min(max(x, 0), 1)
	return x * x * (3 - 2*x)
}

func (p composition) soft() tone {
	if p.colors.dark {
		return tone{lch(0.6, 0.1, p.colors.main), lch(0.45, 0.09, p.colors.ground)}
	}
	return tone{lch(0.99, 0.02, p.colors.accent), lch(0.9, 0.06, p.colors.main)}
}

func (p composition) drawHalo(c *canvas) {
	at := placing{middle: point{c.w / 2, c.h * 0.46}, scale: c.side() / 100}
	for i := range 3 {
		radius := 24 + 10*float64(i)
		c.shape(path{}.add('O', []float64{50, 50, radius}).placed(at), p.soft(), 0.22)
	}
	c.shape(path{}.add('D', []float64{50, 50, 47, 46.2}).placed(at), p.soft(), 0.5)
}

func (p composition) drawBokeh(c *canvas) {
	for range 14 {
		x, y := p.random.Float64()*c.w, p.random.Float64()*c.h*0.75
		radius := c.side() * (0.02 + 0.07*p.random.Float64())
		disk := path{}.ellipse(x, y, radius, radius)
		c.shape(disk, p.soft(), 0.1+0.18*p.random.Float64())
	}
}

func (p composition) drawRays(c *canvas) {
	center := point{c.w / 2, c.h * 0.46}
	far := math.Hypot(c.w, c.h)
	const rays = 14
	start := p.random.Float64()
	for i := range rays {
		a := 2 * math.Pi * (float64(i) + start) / rays
		b := a + math.Pi/rays
		ray := path{
			{'M', [3]point{center}},
			{'L', [3]point{{center.x + far*math.Cos(a), center.y + far*math.Sin(a)}}},
			{'L', [3]point{{center.x + far*math.Cos(b), center.y + far*math.Sin(b)}}},
			{op: 'Z'},
		}
		c.shape(ray, p.soft(), 0.13)
	}
}

// drawSparks scatters small stars, a few by chance and more where there is magic.
func (p composition) drawSparks(c *canvas) {
	count := p.random.IntN(7)
	if p.words.has("magic", "magical", "glowing", "sparkling", "arcane", "enchanted", "rare", "legendary", "epic") {
		count += 12
	}
	spark := path{}.add('M', []float64{50, 0}).add('Q', []float64{50, 50, 100, 50}).add('Q', []float64{50, 50, 50, 100}).
		add('Q', []float64{50, 50, 0, 50}).add('Q', []float64{50, 50, 50, 0}).add('Z', nil)
	for range count {
		at := placing{
			middle: point{c.w * (0.08 + 0.84*p.random.Float64()), c.h * (0.06 + 0.6*p.random.Float64())},
			scale:  c.side() * (0.015 + 0.035*p.random.Float64()) / 100,
		}
		c.shape(spark.placed(at), tone{white, p.colors.tones["accent"].from}, 0.85)
	}
}

// drawPlate lays a rounded plate under an icon.
func (p composition) drawPlate(c *canvas) {
	at := placing{middle: point{c.w / 2, c.h * 0.48}, scale: c.side() * 0.82 / 100}
	shadow := at
	shadow.middle.y += c.side() * 0.02
	plate := path{}.add('R', []float64{0, 0, 100, 100, 22})
	c.shape(plate.placed(shadow), tone{black, black}, 0.22)
	ground := tone{lch(0.9, 0.05, p.colors.ground), lch(0.72, 0.09, p.colors.ground+0.06)}
	if p.colors.dark {
		ground = tone{lch(0.46, 0.09, p.colors.ground), lch(0.28, 0.07, p.colors.ground+0.06)}
	}
	c.shape(plate.placed(at), ground, 1)
	c.shape(path{}.add('R', []float64{4, 4, 92, 92, 19}).placed(at), ground.mix(white, 0.25), 0.5)
	c.glow(c.w/2, c.h*0.45, c.side()*0.36, c.side()*0.36, white, 0.45)
}

// drawSubjects puts the things into the picture: one in the middle, two or three
// beside each other, lower where they stand in a scene.
func (p composition) drawSubjects(c *canvas, subjects []*subject, inScene bool) {
	size, base := 0.66, 0.82
	switch {
	case inScene:
		size, base = 0.46, 0.86
	case p.words.has("icon", "badge", "sticker", "emblem", "logo"):
		size, base = 0.56, 0.75
	}
	size *= []float64{1, 0.8, 0.62}[len(subjects)-1] * (0.96 + 0.08*p.random.Float64())
	gap := min(c.w/float64(len(subjects)), size*c.side()*0.92)
	mirror := p.random.Float64() < 0.4
	for i, subject := range subjects {
		x := c.w/2 + (float64(i)-float64(len(subjects)-1)/2)*gap
		at := placing{
			middle: point{x, c.h*base - 0.44*size*c.side()},
			scale:  size * c.side() / 100,
			mirror: mirror,
			turn:   0.09 * (p.random.Float64() - 0.5),
		}
		p.drawSubject(c, subject, at, c.h*base)
	}
}

func (p composition) drawSubject(c *canvas, s *subject, at placing, foot float64) {
	width := 42 * at.scale
	c.glow(at.middle.x, foot+at.scale, width, width*0.22, black, 0.5)
	if p.colors.dark {
		c.glow(at.middle.x, at.middle.y, 70*at.scale, 70*at.scale, p.colors.tones["accent"].from, 0.3)
	}
	shadow := at
	shadow.middle.x += 2.2 * at.scale
	shadow.middle.y += 2.6 * at.scale
	s.silhouette(c, black, 0.16, shadow)
	s.draw(c, p.colors, at)
}

// drawOrnament stands for words that name nothing known: a rosette of leaves whose
// number and form the seed chooses.
func (p composition) drawOrnament(c *canvas) {
	folds := 5 + p.random.IntN(8)
	at := placing{middle: point{c.w / 2, c.h * 0.46}, scale: c.side() * 0.8 / 100}
	c.glow(at.middle.x, at.middle.y+36*at.scale, 40*at.scale, 10*at.scale, black, 0.3)
	for ring, name := range []string{"second", "main", "accent", "light"} {
		reach := 46 - 11*float64(ring)
		width := (5 + 6*p.random.Float64()) * reach / 40
		bend := 8 * (p.random.Float64() - 0.5)
		leaf := path{}.add('M', []float64{50, 50}).
			add('C', []float64{50 - width + bend, 50 - reach*0.4, 50 - width - bend, 50 - reach*0.8, 50, 50 - reach}).
			add('C', []float64{50 + width + bend, 50 - reach*0.8, 50 + width - bend, 50 - reach*0.4, 50, 50}).
			add('Z', nil)
		for i := range folds {
			at.turn = 2 * math.Pi * (float64(i) + float64(ring%2)/2) / float64(folds)
			c.shape(leaf.placed(at), p.colors.tones[name], 0.92)
		}
	}
	at.turn = 0
	c.shape(path{}.add('O', []float64{50, 50, 6}).placed(at), p.colors.tones["gold"], 1)
}
