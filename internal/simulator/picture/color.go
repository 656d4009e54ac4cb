package picture

import (
	"math"
	"math/rand/v2"
)

// rgb is a colour, 0 to 255 each.
type rgb struct{ r, g, b float64 }

// lch returns a colour by lightness (0 to 1), chroma (0 to about 0.3) and hue
// (turns) in the OKLCH space, where equal steps look equal and hues of one
// lightness sit well beside each other.
func lch(lightness, chroma, hue float64) rgb {
	angle := 2 * math.Pi * hue
	a, b := chroma*math.Cos(angle), chroma*math.Sin(angle)
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	return rgb{
		encoded(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		encoded(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		encoded(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
	}
}

func cube(x float64) float64 { return x * x * x }

// encoded turns linear light into an sRGB value.
func encoded(linear float64) float64 {
	linear = min(max(linear, 0), 1)
	if linear <= 0.0031308 {
		return 255 * 12.92 * linear
	}
	return 255 * (1.055*math.Pow(linear, 1/2.4) - 0.055)
}

func (c rgb) mix(other rgb, share float64) rgb {
	return rgb{c.r + (other.r-c.r)*share, c.g + (other.g-c.g)*share, c.b + (other.b-c.b)*share}
}

var white, black = rgb{255, 255, 255}, rgb{10, 8, 20}

// palette is the colours of one picture: a hue for the ground, one across from it
// for the subject, one between for the details.
type palette struct {
	dark                 bool
	ground, main, accent float64 // hues
	sky, floor           rgb
	chroma               float64
	tones                map[string]rgb // that shapes are painted in
}

// hues of colour words, and of things that have a colour of their own.
var hues = map[string]float64{
	"red": 0.07, "crimson": 0.05, "ruby": 0.04, "scarlet": 0.07, "orange": 0.15, "amber": 0.2, "gold": 0.235,
	"golden": 0.235, "yellow": 0.28, "lime": 0.34, "green": 0.4, "emerald": 0.43, "jade": 0.44, "mint": 0.46,
	"teal": 0.52, "turquoise": 0.53, "cyan": 0.55, "blue": 0.71, "azure": 0.67, "sapphire": 0.72, "navy": 0.73,
	"indigo": 0.77, "purple": 0.84, "violet": 0.82, "amethyst": 0.84, "magenta": 0.92, "pink": 0.97, "rose": 0.99,
	"brown": 0.16, "copper": 0.13, "bronze": 0.19, "health": 0.06, "fire": 0.11, "lava": 0.1, "flame": 0.12,
	"mana": 0.7, "ice": 0.64, "frost": 0.64, "water": 0.66, "poison": 0.38, "nature": 0.4, "stamina": 0.34,
	"lightning": 0.27, "shadow": 0.82, "arcane": 0.84, "magic": 0.82, "magical": 0.82, "holy": 0.25,
}

func choosePalette(w words, random *rand.Rand) palette {
	p := palette{main: random.Float64(), chroma: 0.13 + 0.04*random.Float64()}
	if named := w.hues(); len(named) > 0 {
		p.main = named[0] + 0.03*(random.Float64()-0.5)
		p.accent = p.main + []float64{0.42, 0.5, 0.12, -0.12}[random.IntN(4)]
		if len(named) > 1 {
			p.accent = named[1]
		}
	} else {
		p.accent = p.main + []float64{0.33, 0.5, 0.42, 0.14}[random.IntN(4)]
	}
	p.ground = p.main + []float64{0.5, 0.45, 0.38, 0.08, -0.08}[random.IntN(5)]
	p.dark = w.has("night", "dark", "dungeon", "cave", "neon", "space", "galaxy", "midnight", "gothic", "moonlit") ||
		!w.has("white", "bright", "light", "pastel", "day", "plain", "clean", "snow", "snowy", "product") && random.Float64() < 0.35
	if w.has("pastel", "watercolor", "soft") {
		p.chroma *= 0.75
	}
	if w.has("neon", "vivid", "saturated", "cyberpunk") {
		p.chroma *= 1.35
	}
	p.setGround(w)
	p.setTones()
	return p
}

func (p *palette) setGround(w words) {
	switch {
	case p.dark:
		p.sky, p.floor = lch(0.36, 0.07, p.ground), lch(0.2, 0.05, p.ground+0.06)
	case w.has("white", "plain", "product", "clean"):
		p.sky, p.floor = lch(0.96, 0.012, p.ground), lch(0.88, 0.025, p.ground)
	default:
		p.sky, p.floor = lch(0.92, 0.045, p.ground), lch(0.79, 0.075, p.ground+0.05)
	}
}

func (p *palette) setTones() {
	p.tones = map[string]rgb{
		"main":   lch(0.64, p.chroma, p.main),
		"second": lch(0.54, p.chroma*0.8, p.main+0.08),
		"accent": lch(0.76, p.chroma, p.accent),
		"dark":   lch(0.3, p.chroma*0.45, p.main+0.06),
		"light":  lch(0.93, 0.03, p.accent),
		"metal":  lch(0.82, 0.02, 0.7),
		"gold":   lch(0.8, 0.13, 0.23),
		"wood":   lch(0.52, 0.08, 0.15),
		"leaf":   lch(0.6, 0.12, 0.4),
		"skin":   lch(0.8, 0.07, 0.15),
		"stone":  lch(0.7, 0.02, 0.76),
		"glass":  lch(0.9, 0.04, 0.64),
		"gloss":  white,
		"shade":  black,
	}
}
