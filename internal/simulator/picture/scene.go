package picture

import "math"

// scene is a place that words stand for.
type scene struct {
	draw func(p composition, c *canvas)
	// sun tells whether the sky has one.
	sun bool
}

var (
	forestScene   = &scene{composition.drawForest, true}
	mountainScene = &scene{composition.drawMountains, true}
	cityScene     = &scene{composition.drawCity, true}
	seaScene      = &scene{composition.drawSea, true}
	desertScene   = &scene{composition.drawDunes, true}
	meadowScene   = &scene{composition.drawMeadow, true}
	spaceScene    = &scene{composition.drawSpace, false}
)

var scenesByWord = map[string]*scene{
	"forest": forestScene, "wood": forestScene, "jungle": forestScene, "grove": forestScene, "swamp": forestScene,
	"mountain": mountainScene, "canyon": mountainScene, "cliff": mountainScene, "alp": mountainScene, "valley": mountainScene,
	"volcano": mountainScene, "glacier": mountainScene,
	"city": cityScene, "skyline": cityScene, "street": cityScene, "metropolis": cityScene, "cyberpunk": cityScene, "town": cityScene,
	"sea": seaScene, "ocean": seaScene, "beach": seaScene, "island": seaScene, "lake": seaScene, "harbor": seaScene, "underwater": seaScene,
	"desert": desertScene, "dune": desertScene, "savanna": desertScene,
	"meadow": meadowScene, "field": meadowScene, "garden": meadowScene, "hill": meadowScene, "landscape": meadowScene,
	"countryside": meadowScene, "village": meadowScene, "farm": meadowScene,
	"space": spaceScene, "galaxy": spaceScene, "nebula": spaceScene, "cosmos": spaceScene, "star": spaceScene, "night-sky": spaceScene,
}

// weather is what sky and land look like.
func (p composition) snowy() bool {
	return p.words.has("snow", "snowy", "winter", "frozen", "ice", "icy", "glacier")
}

func (p composition) drawScene(c *canvas, s *scene) {
	if s.sun {
		p.drawSky(c)
	}
	s.draw(p, c)
}

// skyColors are the top and the horizon of the sky.
func (p composition) skyColors() (top, low rgb) {
	switch {
	case p.words.has("sunset", "dusk", "dawn", "sunrise", "evening"):
		return lch(0.5, 0.11, 0.83), lch(0.86, 0.11, 0.16)
	case p.words.has("foggy", "misty", "mist", "fog", "rain", "rainy", "stormy"):
		return lch(0.66, 0.02, 0.7), lch(0.88, 0.015, 0.66)
	case p.colors.dark:
		return lch(0.24, 0.07, 0.76), lch(0.5, 0.1, 0.76+0.12*p.random.Float64())
	case p.snowy():
		return lch(0.8, 0.05, 0.68), lch(0.96, 0.02, 0.1)
	default:
		return lch(0.74, 0.1, 0.66+0.05*p.random.Float64()), lch(0.95, 0.05, 0.22*p.random.Float64()+0.1)
	}
}

func (p composition) drawSky(c *canvas) {
	top, low := p.skyColors()
	sunX, sunY := 0.2+0.6*p.random.Float64(), 0.18+0.22*p.random.Float64()
	c.ground(func(x, y float64) rgb {
		color := top.mix(low, smooth(y/0.75))
		far := math.Hypot((x-sunX)*c.w/c.h, y-sunY)
		return color.mix(white, 0.5*math.Exp(-12*far*far))
	})
	if p.colors.dark {
		p.drawStars(c, 70)
	}
	radius := c.side() * (0.045 + 0.035*p.random.Float64())
	sun := path{}.ellipse(sunX*c.w, sunY*c.h, radius, radius)
	c.shape(sun, tone{white, lch(0.95, 0.06, 0.24)}, 0.95)
	if !p.colors.dark {
		p.drawClouds(c)
	}
}

func (p composition) drawStars(c *canvas, count int) {
	for range count {
		x, y := p.random.Float64()*c.w, p.random.Float64()*c.h*0.7
		radius := c.side() * (0.0012 + 0.0025*p.random.Float64())
		c.shape(path{}.ellipse(x, y, radius, radius), tone{white, white}, 0.4+0.6*p.random.Float64())
	}
}

func (p composition) drawClouds(c *canvas) {
	for range 2 + p.random.IntN(3) {
		x, y := p.random.Float64()*c.w, c.h*(0.1+0.28*p.random.Float64())
		wide := c.side() * (0.08 + 0.08*p.random.Float64())
		cloud := path{}.ellipse(x, y, wide, wide*0.32).ellipse(x-wide*0.5, y+wide*0.06, wide*0.6, wide*0.24).
			ellipse(x+wide*0.55, y+wide*0.08, wide*0.65, wide*0.22).ellipse(x+wide*0.1, y-wide*0.2, wide*0.5, wide*0.36)
		c.shape(cloud, tone{white, lch(0.9, 0.02, 0.7)}, 0.75)
	}
}
