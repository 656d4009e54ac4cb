package picture

import "math"

// ridge is a line of hills from edge to edge, filled to the bottom. height is its
// middle, rough how far it rises, both in shares of the canvas; sharp makes peaks.
func (p composition) ridge(c *canvas, height, rough float64, sharp bool) (outline path, at func(x float64) float64) {
	waves := [4]float64{}
	for i := range waves {
		waves[i] = 2 * math.Pi * p.random.Float64()
	}
	at = func(x float64) float64 {
		sum := 0.0
		for i, wave := range waves {
			turn := x/c.w*2*math.Pi*(0.7+1.13*float64(i)) + wave
			value := math.Sin(turn)
			if sharp {
				value = 1 - 2*math.Abs(math.Asin(value))*2/math.Pi
			}
			sum += value / float64(1+i)
		}
		return c.h * (height - rough*sum/2)
	}
	outline = path{{'M', [3]point{{-2, c.h + 2}}}}
	for x := -2.0; x <= c.w+6; x += max(2, c.w/160) {
		outline = append(outline, segment{'L', [3]point{{x, at(x)}}})
	}
	return append(outline, segment{'L', [3]point{{c.w + 8, c.h + 2}}}, segment{op: 'Z'}), at
}

// land is the colour of a layer of land; depth 0 is far, 1 is near.
func (p composition) land(depth, chroma, hue float64) tone {
	_, low := p.skyColors()
	near := lch(0.4, chroma, hue)
	if p.colors.dark {
		near = lch(0.22, chroma*0.6, hue)
	}
	if p.snowy() {
		near = lch(0.9, 0.015, 0.7)
		if p.colors.dark {
			near = lch(0.55, 0.03, 0.73)
		}
	}
	color := low.mix(near, 0.3+0.7*depth)
	return tone{color.mix(white, 0.08), color.mix(black, 0.12)}
}

func (p composition) drawMountains(c *canvas) {
	hue := 0.72 + 0.1*p.random.Float64()
	for i := range 4 {
		depth := float64(i) / 3
		outline, _ := p.ridge(c, 0.5+0.12*float64(i), 0.2-0.03*float64(i), true)
		c.shape(outline, p.land(depth, 0.06+0.02*depth, hue-0.28*depth), 1)
	}
}

func (p composition) drawForest(c *canvas) {
	hue := 0.38 + 0.08*p.random.Float64()
	for i := range 4 {
		depth := float64(i) / 3
		outline, at := p.ridge(c, 0.56+0.11*float64(i), 0.05, false)
		ground := p.land(depth, 0.09, hue)
		green := ground
		if p.snowy() {
			green = tone{lch(0.72-0.3*depth, 0.05, 0.46), lch(0.6-0.28*depth, 0.05, 0.48)}
		}
		p.drawFirs(c, at, green, 0.1+0.14*depth)
		c.shape(outline, ground, 1)
	}
}

// drawFirs sets trees along a line; the middle of the nearest rows stays open for
// a subject.
func (p composition) drawFirs(c *canvas, at func(float64) float64, t tone, size float64) {
	height := size * c.side() * 1.4
	for x := -height / 2; x < c.w+height/2; x += height * (0.28 + 0.25*p.random.Float64()) {
		if size > 0.18 && math.Abs(x-c.w/2) < c.side()*0.24 {
			continue
		}
		tall := height * (0.7 + 0.6*p.random.Float64())
		foot := at(x) + tall*0.08
		fir := path{}
		for step := range 3 {
			s := float64(step)
			top, wide := foot-tall*(1-0.22*s), tall*(0.12+0.055*s)
			fir = fir.add('M', []float64{x, top}).add('L', []float64{x + wide, top + tall*(0.38+0.05*s)}).
				add('L', []float64{x - wide, top + tall*(0.38+0.05*s)}).add('Z', nil)
		}
		c.shape(fir, t, 1)
		if p.snowy() {
			cap := path{}.add('M', []float64{x, foot - tall}).add('L', []float64{x + tall*0.07, foot - tall*0.76}).
				add('L', []float64{x - tall*0.07, foot - tall*0.76}).add('Z', nil)
			c.shape(cap, tone{white, lch(0.93, 0.02, 0.7)}, 0.9)
		}
	}
}

func (p composition) drawCity(c *canvas) {
	hue := p.colors.ground
	for i := range 3 {
		depth := float64(i) / 2
		t := p.land(depth, 0.06, hue)
		base := c.h * (0.62 + 0.13*float64(i))
		for x := -c.w * 0.05; x < c.w; {
			wide := c.side() * (0.06 + 0.07*p.random.Float64())
			tall := c.side() * (0.14 + 0.3*p.random.Float64()) * (1.1 - 0.25*depth)
			p.drawHouse(c, x, base-tall, wide, c.h-base+tall, t, depth)
			x += wide * (1.02 + 0.12*p.random.Float64())
		}
	}
}

func (p composition) drawHouse(c *canvas, x, y, w, h float64, t tone, depth float64) {
	c.shape(path{}.box(x, y, w, h, w*0.03), t, 1)
	lit := tone{lch(0.93, 0.09, 0.25), lch(0.85, 0.12, 0.22)}
	if p.words.has("neon", "cyberpunk") && p.random.Float64() < 0.5 {
		lit = p.colors.tones["main"]
	}
	pane := w / 6
	for row := y + pane; row < y+h-pane; row += pane * 1.9 {
		for column := range 3 {
			if p.random.Float64() < 0.42 {
				c.shape(path{}.box(x+pane*(0.6+1.8*float64(column)), row, pane, pane*1.1, 0), lit, 0.25+0.6*depth)
			}
		}
	}
}

func (p composition) drawSea(c *canvas) {
	_, low := p.skyColors()
	horizon := 0.52 + 0.06*p.random.Float64()
	deep := lch(0.42, 0.1, 0.62+0.05*p.random.Float64())
	if p.colors.dark {
		deep = lch(0.24, 0.07, 0.7)
	}
	sea := path{}.box(-2, c.h*horizon, c.w+4, c.h, 0)
	c.shape(sea, tone{low.mix(deep, 0.45), deep}, 1)
	if p.words.has("island", "beach") {
		p.drawIsland(c, horizon)
	}
	for i := range 26 {
		depth := float64(i) / 25
		y := c.h * (horizon + 0.02 + (1-horizon)*depth*depth)
		wide := c.side() * (0.05 + 0.2*depth) * (0.5 + p.random.Float64())
		x := p.random.Float64() * c.w
		c.shape(path{}.ellipse(x, y, wide, max(0.6, c.side()*0.0015*(1+3*depth))), tone{white, low}, 0.2+0.15*p.random.Float64())
	}
}

// drawIsland lays a beach with a hill on the horizon.
func (p composition) drawIsland(c *canvas, horizon float64) {
	x, y, wide := c.w*(0.35+0.3*p.random.Float64()), c.h*(horizon+0.05), c.side()*0.34
	sand := tone{lch(0.9, 0.07, 0.23), lch(0.78, 0.09, 0.2)}
	c.shape(path{}.ellipse(x, y, wide, wide*0.14), sand, 1)
	hill := path{}.add('M', []float64{x - wide*0.75, y}).
		add('C', []float64{x - wide*0.4, y - wide*0.75, x - wide*0.1, y - wide*0.5, x + wide*0.1, y - wide*0.35}).
		add('C', []float64{x + wide*0.4, y - wide*0.5, x + wide*0.5, y - wide*0.1, x + wide*0.75, y}).add('Z', nil)
	c.shape(hill, p.land(0.85, 0.1, 0.4), 1)
}

func (p composition) drawDunes(c *canvas) {
	hue := 0.17 + 0.04*p.random.Float64()
	for i := range 4 {
		depth := float64(i) / 3
		outline, _ := p.ridge(c, 0.56+0.12*float64(i), 0.1, false)
		sand := p.land(depth*0.6, 0.1, hue).mix(lch(0.82, 0.09, hue+0.03), 0.45)
		c.shape(outline, sand, 1)
	}
}

func (p composition) drawMeadow(c *canvas) {
	hue := 0.33 + 0.08*p.random.Float64()
	for i := range 4 {
		depth := float64(i) / 3
		outline, at := p.ridge(c, 0.56+0.11*float64(i), 0.08, false)
		ground := p.land(depth*0.85, 0.13, hue+0.03*depth)
		if i == 1 {
			p.drawFirs(c, at, ground.mix(black, 0.15), 0.06)
		}
		c.shape(outline, ground.mix(lch(0.8, 0.14, hue), 0.25), 1)
	}
	for range 40 {
		depth := p.random.Float64()
		y := c.h * (0.8 + 0.2*depth)
		radius := c.side() * (0.003 + 0.006*depth)
		c.shape(path{}.ellipse(p.random.Float64()*c.w, y, radius, radius), p.colors.tones["accent"], 0.9)
	}
}

func (p composition) drawSpace(c *canvas) {
	deep := lch(0.16, 0.05, p.colors.ground)
	c.ground(func(x, y float64) rgb { return deep.mix(lch(0.26, 0.09, p.colors.ground+0.1), 0.6*x+0.4*y) })
	for range 6 {
		x, y := p.random.Float64()*c.w, p.random.Float64()*c.h
		size := c.side() * (0.25 + 0.35*p.random.Float64())
		hue := []float64{p.colors.main, p.colors.accent, p.colors.ground}[p.random.IntN(3)]
		c.glow(x, y, size*1.3, size, lch(0.6, 0.16, hue), 0.4)
	}
	p.drawStars(c, 160)
}
